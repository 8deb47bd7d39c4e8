"""A finding: one thing that is wrong, where it is, and what would be right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How much a finding matters. The order is the order of concern."""

    ERROR = "error"  # the value could not be used, or the rule says the return is wrong
    QUERY = "query"  # unlikely, to be checked at the source
    NOTE = "note"  # tolerated: nothing was lost, but the sender should know


@dataclass(frozen=True, slots=True)
class Finding:
    """One row per thing found wrong in one place of one file.

    `rule` is a stable code ("upn-check-letter", "cin-4014"); `says` is the sentence a person reads; `right`
    says what would be right. `line` counts from 1 in the file as received (0 when the place has no line).
    `record` is the source's own id for the child or row, never a name.
    """

    rule: str
    severity: Severity
    says: str
    table: str = ""
    record: str = ""
    field: str = ""
    value: str = ""
    right: str = ""
    line: int = 0

    def __post_init__(self) -> None:
        if not self.rule or not self.says:
            raise ValueError("A finding needs a rule and a sentence.")

"""Code lists, as data: each code with its meaning, the days it was valid, and its source.

Every list is a file in `data/codes`: code, meaning, valid_from, valid_to (first day out), source, and any columns of
its own (an attendance code's statistical class, say). A collection year's change is a date: the CIN census ending
31 March 2023 starts on 1 April 2022.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cache
from importlib import resources

_COMMON = ("code", "meaning", "valid_from", "valid_to", "source")


@dataclass(frozen=True, slots=True)
class Code:
    """One code of one list in one span of days (closed-open; None is unbounded)."""

    code: str
    meaning: str
    valid_from: date | None
    valid_to: date | None
    source: str
    more: Mapping[str, str] = field(default_factory=dict)

    def holds_on(self, day: date) -> bool:
        return (self.valid_from is None or self.valid_from <= day) and (self.valid_to is None or day < self.valid_to)


def _day(text: str) -> date | None:
    return date.fromisoformat(text) if text else None


@cache
def code_list(name: str) -> tuple[Code, ...]:
    """Every code the list ever had, in file order. Raises KeyError naming the lists there are."""
    path = resources.files("sightline.vocabulary") / "data" / "codes" / f"{name}.csv"
    if not path.is_file():
        raise KeyError(f"No code list {name!r}. There are: {', '.join(list_names())}.")
    with path.open(encoding="utf-8") as lines:
        return tuple(
            Code(
                code=row["code"],
                meaning=row["meaning"],
                valid_from=_day(row["valid_from"]),
                valid_to=_day(row["valid_to"]),
                source=row["source"],
                more={k: v for k, v in row.items() if k not in _COMMON},
            )
            for row in csv.DictReader(lines)
        )


@cache
def list_names() -> tuple[str, ...]:
    folder = resources.files("sightline.vocabulary") / "data" / "codes"
    return tuple(sorted(f.name.removesuffix(".csv") for f in folder.iterdir() if f.name.endswith(".csv")))


@cache
def valid_codes(name: str, on: date | None = None) -> Mapping[str, Code]:
    """The codes of a list valid on a day (every code ever, when no day is given), by code."""
    return {c.code: c for c in code_list(name) if on is None or c.holds_on(on)}

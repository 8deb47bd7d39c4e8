"""A rule is a value with a sentence; checking it is one query; a rule that cannot run is never one that passed."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import duckdb
import pyarrow as pa

from sightline.validation.census import FIELDS, Census
from sightline.vocabulary.findings import Severity

FIRST_YEAR: Final = 2023
LAST_YEAR: Final = 2027
ROWS: Final = pa.schema(
    [("child", pa.string()), ("table", pa.string()), ("field", pa.string()), ("value", pa.string()),
     ("against", pa.string()), ("line", pa.int32())]
)  # fmt: skip
_COLUMNS: Final = ", ".join(f'"{name}"' for name in ROWS.names)
_TABLES: Final = (*FIELDS, "period", "upn_seen")
REPEATED: Final[Mapping[str, tuple[str, ...]]] = {
    "duplicate-la-child-id": ("8510",),
    "header-reference-date": ("100",),
    "la-child-id-missing": ("8500",),
    "unknown-code": ("4220", "8540", "8640", "8650", "8866", "8897Q", "8905", "8910"),
    "upn-characters": ("1530", "1540", "1550", "1560Q"),
    "upn-check-letter": ("1510", "upn-temporary-letter"),
    "upn-length": ("upn-length",),
}
"""What the reader of a census says of a value, and the rules that say the same of it with the code people know."""


class Outcome(StrEnum):
    """What came of checking one rule."""

    CLEAR = "clear"
    FOUND = "found"
    NOT_RUN = "not run"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row per rule and wording: what must hold, in which collection years, and the query that finds what does not.

    `says` is the sentence a person reads (for the CIN census, the Department for Education's own). `means` says in
    plain words what is looked for. `grain` is what one finding is about. `find` is SQL over the tables of a `Census`
    that gives the columns of `ROWS`; empty for a rule that is known but not held, and `why` then says why. `tables`
    must be there, and those of `needs_rows` must hold rows, for the rule to run.
    """

    code: str
    severity: Severity
    says: str
    means: str
    grain: str
    tables: tuple[str, ...]
    first_year: int
    last_year: int
    find: str
    group: str
    needs_rows: tuple[str, ...] = ()
    why: str = ""

    def __post_init__(self) -> None:
        if not self.code or not self.says or not self.means:
            raise ValueError("A rule needs a code, a sentence and a meaning.")
        if bool(self.find) == bool(self.why):
            raise ValueError(f"Rule {self.code} needs either a query or the reason why it is not held.")
        if self.first_year > self.last_year:
            raise ValueError(f"Rule {self.code} ends before it begins.")

    def holds_in(self, year: int) -> bool:
        return self.first_year <= year <= self.last_year


@dataclass(frozen=True, slots=True)
class Check:
    """What came of one rule on one return: `rows` has one row per thing found, `why` says why it was not run."""

    rule: Rule
    outcome: Outcome
    rows: pa.Table = field(default_factory=ROWS.empty_table)
    why: str = ""


_RULES: dict[tuple[str, int], Rule] = {}


def rule(
    code: str,
    says: str,
    *,
    grain: str,
    group: str,
    first: int = FIRST_YEAR,
    last: int = LAST_YEAR,
    severity: Severity | None = None,
    needs_rows: tuple[str, ...] = (),
    why: str = "",
) -> Callable[[Callable[[], str]], Rule]:
    """Register the function below, which returns the query and says in its docstring what the rule means.

    Severity is told by the code unless given: Q ends the code of a query. The tables a rule needs are those its query
    names.
    """

    def register(write: Callable[[], str]) -> Rule:
        find = write()
        made = Rule(
            code=code,
            severity=severity or (Severity.QUERY if code.endswith("Q") else Severity.ERROR),
            says=says,
            means=" ".join((write.__doc__ or "").split()),
            grain=grain,
            tables=tuple(t for t in _TABLES if re.search(rf"(FROM|JOIN|,) {t}\b", find)),
            first_year=first,
            last_year=last,
            find=find,
            group=group,
            needs_rows=needs_rows,
            why=why,
        )
        twin = next(
            (r for r in _RULES.values() if r.code == code and r.first_year <= last and first <= r.last_year), None
        )
        if twin:
            raise ValueError(f"Rule {code} is written twice for {max(first, twin.first_year)}.")
        _RULES[code, first] = made
        return made

    return register


def rules() -> tuple[Rule, ...]:
    """Every rule and wording, by code and first year."""
    return tuple(sorted(_RULES.values(), key=_place))


def rules_for(year: int) -> tuple[Rule, ...]:
    """The rules of one collection year, by code. Rules on identifiers hold in every year."""
    return tuple(r for r in rules() if r.holds_in(year))


def check(rule: Rule, census: Census) -> Check:
    """Apply one rule to one return. A rule that cannot run is NOT_RUN, never CLEAR."""
    if rule.why:
        return Check(rule, Outcome.NOT_RUN, why=rule.why)
    missing = [t for t in rule.tables if t not in census.tables]
    if missing:
        named = ["pupil numbers" if table == "upn_seen" else table for table in missing]
        return Check(rule, Outcome.NOT_RUN, why=f"The file has no {' and no '.join(named)}.")
    for table in rule.needs_rows:
        if not census.database.one(f'SELECT count(*) FROM "{table}"'):
            return Check(rule, Outcome.NOT_RUN, why=f"The file holds no {table}, so there is nothing to reckon from.")
    try:
        rows = census.database.query(f"SELECT {_COLUMNS} FROM ({rule.find}) ORDER BY line, child")
    except duckdb.BinderException:
        # Not the message: it may quote a record.
        return Check(rule, Outcome.NOT_RUN, why="A column the rule needs is not in the file.")
    except duckdb.Error as error:
        return Check(rule, Outcome.NOT_RUN, why=f"The rule failed on this file ({type(error).__name__}).")
    return Check(rule, Outcome.FOUND if rows.num_rows else Outcome.CLEAR, rows.cast(ROWS))


def check_all(census: Census, among: Iterable[Rule] | None = None) -> tuple[Check, ...]:
    """Every rule of the return's year (or those given), in the order of their codes."""
    return tuple(check(r, census) for r in (rules_for(census.year) if among is None else among))


def _place(rule: Rule) -> tuple[int, str, int]:
    number = re.match(r"\d+", rule.code)
    return (int(number.group()) if number else 10**6, rule.code, rule.first_year)

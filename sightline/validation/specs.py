"""Specifications of rules: small tables of children, which a test runs and the documentation prints.

A file of `specs` holds, for each rule, a heading with its code (and, for one of several wordings, "until 2024" or
"from 2025") and one table or more. A row is a child with one of each thing its columns name: an episode, an
assessment, a plan. Rows of the same child (and `episode`, 1 when not given) share the child's record (and the
episode); another `record` is a second record under the same id. A blank cell is a missing value; `-` in all cells of
one table is no such record; disabilities, factors and reviews are listed with spaces, and `(empty)` is an element
without a value. `found` says yes where the rule finds something in that row. A rule on the whole return has tables
without that column, after the words "Found:" or "Not found:".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

import pyarrow as pa

from sightline.validation.census import FIELDS, KEYS, Census, census
from sightline.validation.record_specs import record_specs
from sightline.validation.records import record_rules
from sightline.validation.rule import FIRST_YEAR, LAST_YEAR, Outcome, Rule, check, rules

SPEC_YEAR: Final = 2026
_ABSENT, _EMPTY = "-", "(empty)"
# Tables whose rows are the values of one cell.
_LISTED: Final = {"Disabilities": "Disability", "AssessmentFactors": "AssessmentFactors", "Reviews": "CPPreviewDate"}
_PARENTS: Final = {"AssessmentFactors": "Assessments", "Reviews": "ChildProtectionPlans"}
_BY_ROW: Final = ("Assessments", "CINPlanDates", "Section47", "ChildProtectionPlans", "PreProceedingsandFGDM")
_ABOUT_ROWS: Final = ("child", "record", "episode", "found")


@dataclass(frozen=True, slots=True)
class Case:
    """One table of a specification. `found` is what the whole return should give; None when each row says."""

    columns: tuple[str, ...]
    rows: tuple[Mapping[str, str], ...]
    found: bool | None = None

    def expected(self) -> set[int]:
        """Numbers of the rows, from 1, in which the rule finds something (0 stands for the whole return)."""
        if self.found is not None:
            return {0} if self.found else set()
        return {n for n, row in enumerate(self.rows, 1) if row["found"] == "yes"}

    def census(self, year: int, *, tables: Iterable[str] = FIELDS) -> Census:
        """The return that the table describes; every row's records stand on the line of the row's number.

        Only the tables named (all by default) are made ready.
        """
        received = self._received(year)
        return census({name: received[name] for name in FIELDS if name in {*tables, "Header"}}, year)

    def _received(self, year: int) -> dict[str, pa.Table]:
        made: dict[str, list[dict[str, str | int | None]]] = {name: [] for name in FIELDS}
        columns = {c: _column(c) for c in self.columns if c not in _ABOUT_ROWS}
        header: dict[str, str | int | None] = {"Year": str(year), "ReferenceDate": f"{year}-03-31", "line": 0}
        seen: set[tuple[str, ...]] = set()
        for n, row in enumerate(self.rows, 1):
            held: dict[str, dict[str, str]] = {}
            for column, (table, name) in columns.items():
                held.setdefault(table, {})[name] = row[column]
            there = {t for t, cells in held.items() if set(cells.values()) != {_ABSENT}}
            if "Header" in held and n == 1:
                header |= {k: v or None for k, v in held["Header"].items()}
            child, episode = row["child"], row.get("episode") or "1"
            keys: dict[str, str | int | None] = {"LAchildID": child or None, "line": n}
            record = row.get("record") or "1"
            for table in ("ChildIdentifiers", "ChildCharacteristics"):
                if (table, child, record) not in seen and (table in there or table not in held):
                    made[table].append(keys | _values(held.get(table, {})))
                seen.add((table, child, record))
            for value in _listed(held, "Disabilities"):
                made["Disabilities"].append(keys | {"Disability": value})
            if episode == _ABSENT or ("CINdetails" in held and "CINdetails" not in there):
                continue
            keys["CINdetailsID"] = episode
            if ("CINdetails", child, episode) not in seen:
                made["CINdetails"].append(keys | _values(held.get("CINdetails", {})))
                seen.add(("CINdetails", child, episode))
            listed = {t: _listed(held, t) for t in _PARENTS}
            for table in _BY_ROW:
                implied = any(_PARENTS[t] == table and values for t, values in listed.items())
                if table in there or (implied and table not in held):
                    made[table].append(keys | {KEYS[table][-1]: str(n)} | _values(held.get(table, {})))
            for table, values in listed.items():
                for value in values:
                    made[table].append(keys | {KEYS[table][-1]: str(n), _LISTED[table]: value})
        made["Header"].append(header)
        return {
            name: pa.table(
                {c: pa.array([r.get(c) for r in made[name]], pa.string()) for c in (*KEYS[name], *FIELDS[name])}
                | {"line": pa.array([r["line"] for r in made[name]], pa.int32())}
            )
            for name in FIELDS
        }


@dataclass(frozen=True, slots=True)
class Spec:
    """One rule's specification: the rule's code and wording as its heading gives them, its tables, and its text."""

    heading: str
    cases: tuple[Case, ...]
    markdown: str


@cache
def specs() -> Mapping[str, Spec]:
    """Every specification, by its heading. Raises ValueError for a heading that stands twice or a ragged table."""
    found: dict[str, Spec] = {}
    folder = resources.files("sightline.validation") / "specs"
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".md")), key=lambda f: f.name):
        for part in re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, _, text = part.partition("\n")
            if heading.strip() in found:
                raise ValueError(f"The specification of {heading.strip()} is written twice.")
            found[heading.strip()] = Spec(heading.strip(), tuple(_cases(heading, text)), text.strip())
    return found


def heading_of(rule: Rule) -> str:
    """The heading under which a rule's specification stands."""
    wordings = sum(r.code == rule.code for r in rules())
    if wordings == 1:
        return rule.code
    return (
        f"{rule.code} until {rule.last_year}"
        if rule.first_year == FIRST_YEAR
        else f"{rule.code} from {rule.first_year}"
    )


def spec_year(rule: Rule) -> int:
    """The collection year a rule's specification is set in."""
    return max(rule.first_year, min(rule.last_year, SPEC_YEAR))


def outcome_of(rule: Rule, case: Case) -> set[int]:
    """What the rule finds in a case, as `Case.expected` says it. Raises ValueError when the rule does not run."""
    needed = ("ChildIdentifiers",) if "upn_seen" in rule.tables else rule.tables
    with case.census(spec_year(rule), tables=needed) as made:
        result = check(rule, made)
    if result.outcome is Outcome.NOT_RUN:
        raise ValueError(f"Rule {rule.code} did not run on its specification. {result.why}")
    return set(result.rows["line"].to_pylist())


def rules_markdown() -> str:
    """A page of every rule: code, sentence, severity, years, meaning and specification."""
    lines = ["# Rules", "", *_INTRODUCTION]
    groups: dict[str, list[Rule]] = {}
    for rule in rules():
        groups.setdefault(rule.group, []).append(rule)
    for group, among in groups.items():
        lines += ["", f"## {group}"]
        for rule in among:
            lines += ["", f"### {rule.code}: {rule.says}", "", f"{_years(rule)} {rule.means}"]
            if rule.why:
                lines += ["", f"This rule is not held, and is always reported as not run. {rule.why}"]
            spec = specs().get(heading_of(rule))
            if spec:
                lines += ["", spec.markdown]
    return "\n".join([*lines, *_over_records()]) + "\n"


def _over_records() -> list[str]:
    """The rules over records, group by group."""
    lines: list[str] = []
    groups = dict.fromkeys(rule.group for rule in record_rules())
    for group in groups:
        lines += ["", f"## {group}", "", _RECORDS]
        for rule in (r for r in record_rules() if r.group == group):
            severity = str(rule.severity).capitalize()
            lines += ["", f"### {rule.code}: {rule.says}", "", f"{severity}, about one {rule.grain}. {rule.means}"]
            lines += ["", record_specs()[rule.code].markdown]
    return lines


_INTRODUCTION: Final = (
    "Each rule has the sentence published for it, the years it holds in, what it looks for, and a table that specifies "
    "it. The tables are run as tests. A row is a child with one of each thing its columns name; rows of the same child "
    "share the child's record, and its episode unless they number it. A blank cell is a missing value and `-` is no "
    f"such record. Unless a heading says otherwise the year is the one that ends on 31 March {SPEC_YEAR}.",
)

_RECORDS: Final = (
    "These rules hold several files against each other: `sightline findings` lists what they find in a home, and "
    "`sightline check` runs those that one file can answer. A week of marks is written in packed codes (the glossary "
    "has them), days apart; `found` says yes where the rule finds something in the row."
)


def _years(rule: Rule) -> str:
    severity = str(rule.severity).capitalize()
    if rule.last_year > LAST_YEAR:
        return f"{severity}, in every year, about one {rule.grain}."
    span = str(rule.first_year) if rule.first_year == rule.last_year else f"{rule.first_year} to {rule.last_year}"
    return f"{severity}, in collections ending {span}, about one {rule.grain}."


def _column(name: str) -> tuple[str, str]:
    """The table and column a heading of a specification names; "Section47.DateOfInitialCPC" where one name has two."""
    table, _, column = name.rpartition(".")
    tables = [t for t, fields in FIELDS.items() if column in fields and table in ("", t)]
    if len(tables) != 1:
        raise ValueError(f"The column {name} of a specification is in {len(tables)} tables of the census.")
    return tables[0], column


def _values(cells: Mapping[str, str]) -> dict[str, str | int | None]:
    return {name: None if value in ("", _ABSENT) else value for name, value in cells.items()}


def _listed(held: Mapping[str, Mapping[str, str]], table: str) -> list[str | None]:
    cell = held.get(table, {}).get(_LISTED[table], "")
    return [None if v == _EMPTY else v for v in cell.split() if v != _ABSENT]


def _cases(heading: str, text: str) -> Iterator[Case]:
    found: bool | None = None
    rows: list[list[str]] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip().strip("|").split("|")])
            continue
        if rows:
            yield _case(heading, rows, found)
            rows = []
        if line.strip() in ("Found:", "Not found:"):
            found = line.strip() == "Found:"


def _case(heading: str, rows: list[list[str]], found: bool | None) -> Case:
    columns, _, *cells = rows
    ragged = [row for row in cells if len(row) != len(columns)]
    if ragged or (found is None) != ("found" in columns) or "child" not in columns:
        raise ValueError(f"The table of {heading} is ragged, or lacks the column 'child' or what is found.")
    return Case(tuple(columns), tuple(dict(zip(columns, row, strict=True)) for row in cells), found)

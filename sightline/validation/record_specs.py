"""The specification of every rule over records: small tables in Markdown, run by a test and printed as documentation.

A file of `specs/records` holds, for each rule, a heading with its code and one case or more. A case is what the files
say, table by table, each after the words of `TABLES` ("On roll:", "Marks:", ...), and perhaps a line "As at
2024-10-04." (the newest day of every file). In the last table a column `found` says yes where the rule finds something.
Rows of the same child are the same child. A week of marks is written in packed codes, days apart:
`/\\ /\\ NN II /.`, with a full stop where there is no mark. `file` names the system that sent a row where two are
compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib import resources
from typing import Any, Final

import pyarrow as pa

from sightline.engine import arrow_schema

# Words before a table, the vocabulary's table, and the system that sends it unless the column `file` says.
TABLES: Final[Mapping[str, tuple[str, str]]] = {
    "On roll": ("enrolment", "school-census"),
    "Marks": ("attendance_week", "marks"),
    "Suspensions": ("suspension", "suspensions"),
    "Part-time timetables": ("part_time_timetable", "part-time"),
    "Plans": ("status_period", "ssd"),
    "Born": ("person", ""),
}
_COLUMNS: Final = {
    "school": "school_ref",
    "from": "start_date",
    "to": "end_date",
    "joined": "entry_date",
    "left": "leaving_date",
    "born": "birth_date",
}


@dataclass(frozen=True, slots=True)
class RecordCase:
    """One case: rows of cells by vocabulary table, and the rows (table, number from 1) the rule should find."""

    rows: Mapping[str, tuple[Mapping[str, str], ...]]
    expected: frozenset[tuple[str, int]]
    as_at: date | None

    def tables(self) -> dict[str, pa.Table]:
        """The vocabulary tables of the case, facts as the store holds them, with `delivery` and `link`.

        Each system's rows of a table are one delivery; a row's line is its number, and a child's ref its letter.
        """
        made = {name: self._table(name) for name in self.rows}
        sent = sorted({(self._file(n, r), n) for n, rows in self.rows.items() if n != "person" for r in rows})
        days = [d for t in made.values() for f in t.schema if f.type == pa.date32() for d in t[f.name].to_pylist() if d]
        as_at = self.as_at or max(days)
        deliveries = [
            {"delivery": f"{system} {name}", "kind": system, "system": system, "as_at": as_at, "received": as_at,
             "place": place}
            for place, (system, name) in enumerate(sent)
        ]  # fmt: skip
        children = sorted({row["child"] for rows in self.rows.values() for row in rows})
        links = [
            {"system": system, "ref": child, "child_id": child, "step": "alone", "evidence": "", "probability": 1.0}
            for system in sorted({system for system, _ in sent})
            for child in children
        ]
        made["delivery"] = pa.Table.from_pylist(deliveries, schema=arrow_schema("delivery"))
        made["link"] = pa.Table.from_pylist(links, schema=arrow_schema("link"))
        return made

    @staticmethod
    def _file(name: str, row: Mapping[str, str]) -> str:
        usual = next(system for table, system in TABLES.values() if table == name)
        return row.get("file") or usual

    def _table(self, name: str) -> pa.Table:
        schema = arrow_schema(name, stored=True)
        rows: list[dict[str, Any]] = []
        for line, row in enumerate(self.rows[name], 1):
            system = self._file(name, row)
            made: dict[str, Any] = {"line": line, "delivery": f"{system} {name}", "system": system}
            for column, cell in row.items():
                if column not in ("child", "file", "found"):
                    column = _COLUMNS.get(column, column)
                    made[column] = _value(cell, schema.field(column).type, column)
            made["pupil_ref"] = made["child_id"] = row["child"]
            rows.append({key: value for key, value in made.items() if key in schema.names})
        return pa.Table.from_pylist(rows, schema=schema)


@dataclass(frozen=True, slots=True)
class RecordSpec:
    """One rule's specification: its code, its cases and its text."""

    heading: str
    cases: tuple[RecordCase, ...]
    markdown: str


@cache
def record_specs() -> Mapping[str, RecordSpec]:
    """Every specification, by rule. Raises ValueError for one written twice, a ragged table or an unknown word."""
    found: dict[str, RecordSpec] = {}
    folder = resources.files("sightline.validation") / "specs" / "records"
    for file in sorted((f for f in folder.iterdir() if f.name.endswith(".md")), key=lambda f: f.name):
        for part in re.split(r"^## ", file.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]:
            heading, _, text = part.partition("\n")
            if heading.strip() in found:
                raise ValueError(f"The specification of {heading.strip()} is written twice.")
            found[heading.strip()] = RecordSpec(heading.strip(), tuple(_cases(heading, text)), text.strip())
    return found


def _cases(heading: str, text: str) -> Iterator[RecordCase]:
    held: dict[str, tuple[dict[str, str], ...]] = {}
    name, lines, as_at = "", [], None
    for line in [*text.splitlines(), ""]:
        if line.startswith("|"):
            lines.append([cell.strip().strip("`") for cell in line.strip().strip("|").split("|")])
            continue
        if lines:
            columns, _, *cells = lines
            if not name or name in held or "child" not in columns or any(len(row) != len(columns) for row in cells):
                raise ValueError(f"A table of {heading.strip()} is ragged, without its words, or lacks a child.")
            held[name] = tuple(dict(zip(columns, row, strict=True)) for row in cells)
            if "found" in columns:
                expected = frozenset((name, n) for n, row in enumerate(held[name], 1) if row["found"] == "yes")
                yield RecordCase(held, expected, as_at)
                held, as_at = {}, None
            name, lines = "", []
        if said := re.fullmatch(r"As at (\d{4}-\d\d-\d\d)\.", line.strip()):
            as_at = date.fromisoformat(said[1])
        elif line.strip().endswith(":"):
            name = TABLES[line.strip()[:-1]][0]
    if held:
        raise ValueError(f"The last table of {heading.strip()} does not say what is found.")


def _value(cell: str, kind: pa.DataType, column: str) -> Any:
    if cell == "":
        return None
    if column == "marks":
        return cell.replace(" ", "")
    if pa.types.is_date(kind):
        return date.fromisoformat(cell)
    if pa.types.is_integer(kind):
        return int(cell)
    return float(cell) if pa.types.is_floating(kind) else cell

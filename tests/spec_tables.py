"""Small tables written as text, so that a test reads as its own specification.

    child | status   | start_date | end_date
    ------+----------+------------+-----------
    A     | CP plan  | 2024-01-08 |

A blank cell is null. Names before the line of dashes are columns of the vocabulary's table; the rest are null.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from sightline.cohort import assemble_counted_periods
from sightline.engine import Database, arrow_schema
from sightline.measures import presence_sql
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.tables import TABLES

EDUCATION = {
    "pupil",
    "enrolment",
    "characteristic",
    "termly_attendance",
    "attendance_week",
    "suspension",
    "school",
    "school_link",
}


def cells(text: str) -> tuple[list[str], list[list[str]]]:
    """The header and the rows of a table written as text; raises ValueError for a ragged row."""
    lines = [line.strip() for line in text.strip().splitlines() if line.strip()]
    lines = [line for line in lines if set(line) - set("-+| ")]
    header, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"The row {row} does not fit the header {header}.")
    return header, rows


def value(text: str, kind: pa.DataType) -> Any:
    if text == "":
        return None
    if pa.types.is_date(kind):
        return date.fromisoformat(text)
    if pa.types.is_boolean(kind):
        return {"true": True, "false": False}[text]
    if pa.types.is_integer(kind):
        return int(text)
    return float(text) if pa.types.is_floating(kind) else text


def table(name: str, text: str) -> pa.Table:
    """One vocabulary table from text, as the store would hold it.

    Facts get `line` (row number), `delivery` ("d1") and `system` ("school-census" for education tables, else "ssd")
    where the text does not give them.
    """
    header, rows = cells(text)
    schema = arrow_schema(name, stored=True)
    if unknown := set(header) - set(schema.names):
        raise ValueError(f"Table {name} has no column {sorted(unknown)}. It has: {', '.join(schema.names)}.")
    columns: dict[str, list[Any]] = {}
    for field in schema:
        if field.name in header:
            at = header.index(field.name)
            columns[field.name] = [value(row[at], field.type) for row in rows]
        elif field.name == "line":
            columns["line"] = list(range(1, len(rows) + 1))
        elif field.name == "delivery" and name != "delivery":
            columns["delivery"] = ["d1"] * len(rows)
        elif field.name == "system" and not TABLES[name].derived:
            columns["system"] = ["school-census" if name in EDUCATION else "ssd"] * len(rows)
        else:
            columns[field.name] = [None] * len(rows)
    return pa.table(columns, schema=schema)


def counted(periods: pa.Table, person: pa.Table | None = None, settings: Settings | None = None) -> pa.Table:
    """`counted_period` as a build makes it of `status_period` and `person`."""
    people = arrow_schema("person").empty_table() if person is None else person
    with Database.of({"status_period": periods, "person": people}, complete=False) as made:
        return assemble_counted_periods(made, settings or Settings())


def database(settings: Settings | None = None, **texts: str | pa.Table) -> Database:
    """A database of the named vocabulary tables (text or Arrow); every other vocabulary table is there and empty.

    With `attendance_week`, `presence` is made from it; with `status_period`, `counted_period` (by these settings).
    Without `delivery`, each delivery mentioned is one, in the order of its name. Without `link`, each child_ref and
    pupil_ref is its own child_id.
    """
    tables = {n: table(n, t) if isinstance(t, str) else t for n, t in texts.items()}
    facts = {n: t for n, t in tables.items() if not TABLES[n].derived and {"delivery", "system"} <= set(t.column_names)}
    if "delivery" not in tables:
        pairs = {pair for t in facts.values() for pair in zip(*_columns(t, "delivery", "system"), strict=True)}
        seen = sorted(dict(sorted(pairs, reverse=True)).items())
        tables["delivery"] = pa.table(
            {
                f.name: {
                    "delivery": [d for d, _ in seen],
                    "kind": [s for _, s in seen],
                    "system": [s for _, s in seen],
                    "place": list(range(1, len(seen) + 1)),
                }.get(f.name, [None] * len(seen))
                for f in arrow_schema("delivery")
            },
            schema=arrow_schema("delivery"),
        )
    if "link" not in tables:
        refs: dict[tuple[str, str], None] = {}
        for t in facts.values():
            for ref in {"child_ref", "pupil_ref"} & set(t.column_names):
                refs.update(dict.fromkeys(zip(*_columns(t, "system", ref), strict=True)))
        known = [(s, r) for s, r in refs if r and not r.startswith("referral:")]
        tables["link"] = pa.table(
            {
                "system": [s for s, _ in known],
                "ref": [r for _, r in known],
                "child_id": [r for _, r in known],
                "step": ["alone"] * len(known),
                "evidence": [""] * len(known),
                "probability": [1.0] * len(known),
            },
            schema=arrow_schema("link"),
        )
    if "attendance_week" in tables and "presence" not in tables:
        with Database.of({"attendance_week": tables["attendance_week"]}) as marks:
            tables["presence"] = marks.conformed("presence", presence_sql())
    if "status_period" in tables and "counted_period" not in tables:
        tables["counted_period"] = counted(tables["status_period"], tables.get("person"), settings)
    return Database.of(tables)


def same(got: pa.Table, text: str) -> None:
    """Assert that `got` has exactly these rows, in any order, over the columns the text names."""
    header, rows = cells(text)
    want = sorted(
        ([value(c, got.schema.field(h).type) for c, h in zip(r, header, strict=True)] for r in rows), key=repr
    )
    found = sorted(([row[h] for h in header] for row in got.to_pylist()), key=repr)
    assert found == want


def _columns(t: pa.Table, *names: str) -> list[list[Any]]:
    return [t[n].to_pylist() for n in names]

"""Text as received into a typed vocabulary table, with a finding for every value that could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.tables import TABLES, Column, Type

# Day first or year first, never month first: 01/13/2012 is not a date here.
DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S.%g",
    "%Y-%m-%d %H:%M:%S.%f",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%dT%H:%M:%SZ",
    "%Y-%m-%dT%H:%M:%S.%g",
    "%Y-%m-%dT%H:%M:%S.%gZ",
    "%d/%m/%Y",
    "%d/%m/%Y %H:%M",
    "%d/%m/%Y %H:%M:%S",
    "%Y-%b-%d %H:%M:%S",
    "%Y-%b-%d",
    "%d-%m-%Y",
    "%d-%b-%Y",
    "%Y%m%d",
)
_FORMATS = "[" + ", ".join(f"'{f}'" for f in DATE_FORMATS) + "]"
# Some systems write this day for "no date".
NO_DATE = date(1900, 1, 1)
MOST_FINDINGS_OF_ONE_KIND = 1000

_TYPED = {
    Type.TEXT: "{x}",
    # A year of two digits parses as the first century: out of range, so not a date.
    Type.DATE: f"CASE WHEN year(try_strptime({{x}}, {_FORMATS})) BETWEEN 1900 AND 2199 "
    f"THEN try_strptime({{x}}, {_FORMATS})::DATE END",
    Type.INT: "CASE WHEN try_cast({x} AS DOUBLE) = floor(try_cast({x} AS DOUBLE)) THEN try_cast(try_cast({x} AS DOUBLE) AS INTEGER) END",  # noqa: E501
    Type.SMALL: "CASE WHEN try_cast({x} AS DOUBLE) = floor(try_cast({x} AS DOUBLE)) THEN try_cast(try_cast({x} AS DOUBLE) AS SMALLINT) END",  # noqa: E501
    Type.REAL: "try_cast({x} AS DOUBLE)",
    Type.FLAG: "CASE WHEN lower({x}) IN ('1', 'true', 'yes', 'y', 't', '1.0') THEN true "
    "WHEN lower({x}) IN ('0', 'false', 'no', 'n', 'f', '0.0') THEN false END",
}
_RIGHT = {
    Type.DATE: "a date such as 2024-09-02 or 02/09/2024",
    Type.INT: "a whole number",
    Type.SMALL: "a whole number",
    Type.REAL: "a number",
    Type.FLAG: "true or false (or 1 or 0)",
}


def conform(
    received: pa.Table, table: str, *, findings: list[Finding], on: date | None = None, record: str = ""
) -> pa.Table:
    """One row per row of `received` whose required columns are filled, in the vocabulary's schema for `table`.

    `received` holds text columns named as the vocabulary names them, and `line` (whole numbers); columns it lacks
    become null. `on` is the day code lists are judged at; without it any code that was ever valid passes. `record`
    names the column whose value identifies the row in findings (the first required column by default). Appends to
    `findings`: `not-a-date`, `not-a-number`, `not-a-flag` (value dropped), `unknown-code` (value kept) and
    `missing-value` (row left out). Of each kind and column at most 1,000 are listed and the rest are counted.
    """
    spec = TABLES[table]
    identity = record or next((c.name for c in spec if c.required), "")
    present = set(received.column_names)
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        database.add("received", received)
        cleaned = ", ".join(
            f'"{c.name}"'
            if c.name == "line"
            else f"nullif(trim(\"{c.name}\", ' ' || chr(9) || chr(10) || chr(13) || chr(160)), '') AS \"{c.name}\""
            for c in spec
            if c.name in present
        )
        database.execute(f"CREATE TEMP TABLE cleaned AS SELECT {cleaned} FROM received")
        who = f'"{identity}"' if identity in present else "''"
        line = '"line"' if "line" in present else "0"
        for column in spec:
            if column.name in present and column.name != "line":
                findings += _bad_values(database, spec.name, column, who, line, on)
        for column in spec:
            if column.required:
                findings += _missing(database, spec.name, column, column.name in present, who, line)
        selected = ", ".join(f'{_expression(c, present)} AS "{c.name}"' for c in spec)
        kept = " AND ".join(f'"{c.name}" IS NOT NULL' for c in spec if c.required and c.name in present)
        return database.query(f"SELECT {selected} FROM cleaned" + (f" WHERE {kept}" if kept else "")).cast(
            arrow_schema(table)
        )


def _expression(column: Column, present: set[str]) -> str:
    if column.name not in present:
        return "NULL"
    if column.name == "line":
        return '"line"'
    typed = _TYPED[column.type].format(x=f'"{column.name}"')
    return f"nullif({typed}, DATE '{NO_DATE}')" if column.type is Type.DATE else typed


def _bad_values(
    database: Database, table: str, column: Column, who: str, line: str, on: date | None
) -> Iterator[Finding]:
    quoted = f'"{column.name}"'
    if column.type is not Type.TEXT:
        bad = f"{quoted} IS NOT NULL AND ({_TYPED[column.type].format(x=quoted)}) IS NULL"
        rule = {Type.DATE: "not-a-date", Type.FLAG: "not-a-flag"}.get(column.type, "not-a-number")
        severity, right = Severity.ERROR, _RIGHT[column.type]
        says = f"{column.says}: this is not {right.split(' such')[0]}. The value was left out."
    elif column.codes:
        codes = valid_codes(column.codes, on)
        listed = ", ".join("'" + c.replace("'", "''") + "'" for c in codes)
        bad = f"{quoted} IS NOT NULL AND {quoted} NOT IN ({listed})"
        rule, severity = "unknown-code", Severity.QUERY
        shown = ", ".join(codes) if len(codes) <= 24 else f"one of the {len(codes)} codes of {column.codes}"
        right = f"one of {shown}" if len(codes) <= 24 else shown
        says = f"{column.says}: the code is not in the list" + (f" on {on.isoformat()}." if on else ".")
    else:
        return
    yield from _listed(database, bad, rule, severity, says, table, column.name, quoted, right, who, line)


def _missing(database: Database, table: str, column: Column, there: bool, who: str, line: str) -> Iterator[Finding]:
    if not there:
        yield Finding(
            "missing-column",
            Severity.ERROR,
            f"{column.says}: the file has no such column, so none of its rows can be used.",
            table,
            field=column.name,
            right=f"a column for {column.name}",
        )
        return
    quoted = f'"{column.name}"'
    says = f"{column.says} is missing, so this row cannot be used."
    bad = f"{quoted} IS NULL"
    yield from _listed(
        database, bad, "missing-value", Severity.ERROR, says, table, column.name, "''", "a value", who, line
    )


def _listed(
    database: Database,
    bad: str,
    rule: str,
    severity: Severity,
    says: str,
    table: str,
    field: str,
    value: str,
    right: str,
    who: str,
    line: str,
) -> Iterator[Finding]:
    found = int(database.one(f"SELECT count(*) FROM cleaned WHERE {bad}"))
    if not found:
        return
    rows = database.rows(
        f"SELECT coalesce({who}, ''), coalesce({value}, ''), coalesce({line}, 0) FROM cleaned WHERE {bad} "
        f"LIMIT {MOST_FINDINGS_OF_ONE_KIND}"
    )
    for record, shown, at in rows:
        yield Finding(rule, severity, says, table, record, field, shown, right, at)
    if found > len(rows):
        yield Finding(
            rule,
            severity,
            f"{says} {found - len(rows):,} more rows have the same fault.",
            table,
            field=field,
            right=right,
        )

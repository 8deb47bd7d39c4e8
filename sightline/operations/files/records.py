"""Rules over records: asked of one file with nothing stored, and of a snapshot while it is built."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date

import pyarrow as pa

from sightline import cohort, measures
from sightline.engine import Database, arrow_schema
from sightline.operations.opened import Opened
from sightline.sources.base import Reading
from sightline.validation import RecordCheck, RecordRule, check_records, gathered, record_rules
from sightline.vocabulary.periods import academic_year
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.tables import TABLES

_DELIVERY = "this file"


def check_tables(
    tables: Mapping[str, pa.Table], among: Iterable[RecordRule], *, settings: Settings
) -> list[RecordCheck]:
    """Apply rules to fact tables as the store holds them, with their `delivery` and `link`.

    What is derived from facts (registers, rolls, exclusions) is derived first, as a snapshot would.
    """
    rules = tuple(among)
    with Database.of(tables) as database:
        _put(database, "presence", database.conformed("presence", measures.presence_sql()))
        first, last = database.rows("SELECT min(week), max(week) FROM attendance_week")[0]
        years = range(academic_year(first), academic_year(last) + 1) if first else range(0)
        weeks = [database.conformed("register_week", measures.register_week_sql(year)) for year in years]
        if weeks:
            _put(database, "register_week", pa.concat_tables(weeks))
        _put(database, "enrolment_period", cohort.assemble_enrolments(database))
        _put(database, "exclusion", database.conformed("exclusion", measures.exclusion_sql()))
        as_at = database.one("SELECT max(as_at) FROM delivery") or last or date.min
        with gathered(database, schools=cohort.school_names(database), settings=settings, as_at=as_at):
            return check_records(database, rules)


def check_reading(reading: Reading) -> list[RecordCheck]:
    """Apply to one file every rule that speaks of something it holds. What needs another file too is not run.

    Records that give the same UPN are one child.
    """
    held = {name for name, table in reading.tables.items() if table.num_rows} | set(reading.files)
    rules = [rule for rule in record_rules() if held & set(rule.needs)]
    if not rules:
        return []
    tables = {name: _traced(name, table, reading.system) for name, table in reading.tables.items() if name in TABLES}
    for name, path in reading.files.items():
        with Database() as database:
            database.add_parquet("file", [path])
            tables[name] = _traced(name, database.query("SELECT * FROM file"), reading.system)
    day = date.fromisoformat(reading.as_at) if reading.as_at else None
    row = {"delivery": _DELIVERY, "kind": reading.kind, "system": reading.system, "as_at": day, "received": day}
    tables["delivery"] = pa.Table.from_pylist([row | {"place": 0}], schema=arrow_schema("delivery"))
    tables["link"] = _links(tables)
    return check_tables(tables, rules, settings=Settings())


def rules_not_run(opened: Opened) -> list[dict[str, str]]:
    """One row per rule over records that nothing in the snapshot let run: rule, says and why."""
    says = {rule.code: rule.says for rule in record_rules()}
    rows = opened.database.rows(
        "SELECT rule, min(why) FROM record_check GROUP BY rule HAVING NOT bool_or(ran) ORDER BY rule"
    )
    return [{"rule": rule, "says": says.get(rule, ""), "why": why or ""} for rule, why in rows]


def _put(database: Database, name: str, table: pa.Table) -> None:
    """Make a derived table visible in place of the empty one."""
    database.execute(f'DROP TABLE IF EXISTS "{name}"')
    database.add(name, table)


def _traced(name: str, table: pa.Table, system: str) -> pa.Table:
    traced = table.select(arrow_schema(name).names)
    for column, value in (("delivery", _DELIVERY), ("system", system)):
        traced = traced.append_column(column, pa.repeat(pa.scalar(value), table.num_rows))
    return traced.cast(arrow_schema(name, stored=True))


def _links(tables: Mapping[str, pa.Table]) -> pa.Table:
    """Every pupil of one file as a child, by UPN where the file gives one."""
    mentions = [name for name in tables if "pupil_ref" in tables[name].column_names]
    with Database.of(tables) as database:
        refs = " UNION ".join(f'SELECT system, pupil_ref AS ref FROM "{name}"' for name in mentions)
        return database.conformed(
            "link",
            f"""
            SELECT r.system, r.ref, coalesce(i.upn, r.ref) AS child_id, 'alone' AS step, '' AS evidence,
                1.0 AS probability
            FROM ({refs}) r
            LEFT JOIN (SELECT ref, min(value) AS upn FROM identifier WHERE kind = 'upn' GROUP BY ref) i ON i.ref = r.ref
            WHERE r.ref IS NOT NULL
            """,
        )

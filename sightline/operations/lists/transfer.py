"""A Common Transfer File for the next school, with the plan flag: a child's record as everything held joins it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.operations.opened import Opened, Scope
from sightline.sources import SOURCES
from sightline.sources.base import Reading
from sightline.vocabulary.errors import SightlineError
from sightline.vocabulary.periods import ONE_DAY, academic_year, year_start

_KIND = "ctf"
_PLANS = {"CIN plan": "cin_plan", "CP plan": "cp_plan"}


@dataclass(frozen=True, slots=True)
class Transfer:
    """What one transfer file holds: where it was written, its pupils, and those of them whose plan it tells of."""

    path: Path
    pupils: int
    cin_plans: int
    cp_plans: int

    def as_json(self) -> dict[str, Any]:
        return {"path": str(self.path), "pupils": self.pupils, "cin_plans": self.cin_plans, "cp_plans": self.cp_plans}


def transfer_file(
    opened: Opened, scope: Scope, children: Sequence[str], out: Path, *, on: date, plans: bool = True
) -> Transfer:
    """Write a Common Transfer File of these children as known on a day, from the school most of them were at.

    Who the pupil is, registrations, free school meals and needs, this academic year's marks, results, and, with
    `plans`, the plan that runs on that day, Child in Need and Child Protection apart. A plan that has ended is not
    told, as sharing with schools ends with the plan. Raises NotAllowed for a child outside the scope, SightlineError
    when none is named.
    """
    if not children:
        raise SightlineError("Name at least one child.")
    for child in children:
        opened.check(scope, child)
    database = opened.database
    database.add("moving", pa.table({"child_id": pa.array(list(dict.fromkeys(children)), pa.string())}))
    tables = {name: _facts(database, name, sql) for name, sql in _tables(on, plans=plans).items()}
    reading = Reading(_KIND, _KIND, "", "", as_at=on.isoformat(), tables=tables)
    (source,) = [source for source in SOURCES if source.kind == _KIND]
    (path,) = source.write(reading, out)
    told = {name: len(set(tables[name]["child_ref"].to_pylist())) if name in tables else 0 for name in _PLANS.values()}
    return Transfer(path, tables["pupil"].num_rows, told["cin_plan"], told["cp_plan"])


def _facts(database: Database, table: str, sql: str) -> pa.Table:
    """The rows as the fact table of this name; columns that the query does not give are null."""
    rows = database.query(sql)
    given = set(rows.column_names)
    schema = arrow_schema(table)
    columns = [
        rows[field.name].cast(field.type) if field.name in given else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def _tables(on: date, *, plans: bool) -> dict[str, str]:
    """SQL of each table of the file, of the children in `moving`. A pupil's ref is Sightline's own id."""
    # A transfer file names a school by authority and establishment number.
    schools = "(SELECT urn, arg_max(laestab, line) AS laestab FROM school WHERE laestab IS NOT NULL GROUP BY urn)"

    def at(urn: str) -> str:
        return f"LEFT JOIN {schools} s ON s.urn = {urn}"

    ours = "JOIN link l ON l.system = f.system AND l.ref = f.pupil_ref JOIN moving m ON m.child_id = l.child_id"
    since = year_start(academic_year(on))
    made = {
        "pupil": """
            SELECT p.child_id AS pupil_ref, p.surname, p.forename, p.birth_date, p.sex, p.ethnicity, p.postcode,
                row_number() OVER (ORDER BY p.surname, p.forename, p.child_id)::INT AS line
            FROM person p JOIN moving USING (child_id)
        """,
        "identifier": """
            SELECT DISTINCT l.child_id AS ref, i.kind, i.value, 0 AS line
            FROM identifier i JOIN link l ON l.system = i.system AND l.ref = i.ref
            JOIN moving m ON m.child_id = l.child_id JOIN person p ON p.child_id = l.child_id
            WHERE (i.kind = 'upn' AND i.value = p.upn) OR i.kind = 'uln'
                OR (i.kind = 'former_upn' AND i.value IS DISTINCT FROM p.upn)
            ORDER BY ref, kind, value
        """,
        "enrolment": f"""
            SELECT e.child_id AS pupil_ref, coalesce(s.laestab, e.urn) AS school_ref, e.start_date AS entry_date,
                (e.end_date - 1)::DATE AS leaving_date, e.year_group, e.status, NULL::TEXT AS boarder,
                row_number() OVER (ORDER BY e.child_id, e.start_date DESC, e.urn)::INT AS line
            FROM enrolment_period e JOIN moving USING (child_id) {at("e.urn")} WHERE e.start_date <= DATE '{on}'
        """,
        "characteristic": f"""
            SELECT l.child_id AS pupil_ref, DATE '{on}' AS as_at, {_latest("fsm")}, {_latest("sen_provision")},
                {_latest("sen_primary")}, {_latest("language")}, 0 AS line
            FROM characteristic f {ours} GROUP BY l.child_id
        """,
        "attendance_week": f"""
            SELECT w.* EXCLUDE (child_id, urn, delivery), w.child_id AS pupil_ref,
                coalesce(s.laestab, w.urn) AS school_ref
            FROM register_week w JOIN moving USING (child_id) {at("w.urn")}
            WHERE w.week >= DATE '{since}' - 6 AND w.week <= DATE '{on}' ORDER BY w.child_id, w.week
        """,
        "attainment": f"""
            SELECT f.* EXCLUDE (pupil_ref, delivery, system), l.child_id AS pupil_ref
            FROM attainment f {ours} ORDER BY l.child_id, f.year, f.line
        """,
    }
    if plans:
        for status, table in _PLANS.items():
            made[table] = f"""
                SELECT child_id AS child_ref, start_date, NULL::DATE AS end_date, 0 AS line
                FROM status_period JOIN moving USING (child_id)
                WHERE status = '{status}' AND start_date <= DATE '{on}'
                    AND coalesce(end_date, DATE '{on + ONE_DAY}') > DATE '{on}'
                ORDER BY child_id, start_date
            """
    return made


def _latest(column: str) -> str:
    return f"arg_max(f.{column}, coalesce(f.as_at, DATE '1900-01-01')) FILTER (f.{column} IS NOT NULL) AS {column}"

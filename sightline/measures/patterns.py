"""Attendance of one child week by week, of a school week by week, and by day of the week."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.measures.absence import EVERYONE
from sightline.measures.marks import class_changes, days_sql
from sightline.measures.schools import schools_sql
from sightline.vocabulary.attendance import unpack
from sightline.vocabulary.periods import monday

DAY_NAMES = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SESSIONS = ("possible", "authorised", "unauthorised")
# Bits of a daily count when five days share a 64-bit number: room for 4,095 half days of each, forty years of them.
_BITS = 12
_MASK = (1 << _BITS) - 1
# Monday to Friday, and the weekend of the few weeks that have one.
_STRETCHES = (range(5), range(5, len(DAY_NAMES)))


def attendance_weeks(database: Database, child_id: str, start: date, end: date) -> pa.Table:
    """One row per school per week of one child, newest first, of every week that touches `start` to before `end`.

    Columns: week, urn, school_name, `marks` (packed), `codes` (the same as the codes people know, one per session, with
    spaces between; "." for no mark), the six counts, absent (half days), attendance_rate (percent; null without a
    possible session), delivery and line.
    """
    rows = database.query(
        f"""
        WITH {schools_sql()}
        SELECT week, urn, name AS school_name, marks, possible, authorised, unauthorised, approved, late, not_possible,
            (authorised + unauthorised)::SMALLINT AS absent,
            100.0 * (possible - authorised - unauthorised) / nullif(possible, 0) AS attendance_rate,
            register_week.delivery, register_week.line
        FROM register_week LEFT JOIN schools USING (urn)
        WHERE child_id = ? AND week >= ? AND week < ?
        ORDER BY week DESC, urn
        """,
        [child_id, monday(start), end],
    )
    codes = [" ".join(unpack(mark) or "." for mark in marks) for marks in rows["marks"].to_pylist()]
    return rows.add_column(rows.column_names.index("marks") + 1, "codes", pa.array(codes, pa.string()))


def weekday_pattern(
    database: Database,
    *,
    start: date,
    end: date,
    child_id: str | None = None,
    within: str = EVERYONE,
    each_child: bool = False,
) -> pa.Table:
    """One row per day of the week (and per child, with `each_child`): when the sessions missed were missed.

    Weeks whose Monday is from `start` to before `end`, of one child, or of the children in table `within`. Columns:
    child_id (with `each_child`), weekday (1 is Monday), day (its name), possible, authorised, unauthorised, absent
    (half days), absence_rate (percent). A day without a possible session has no row. In order of the days; with
    `each_child`, in no order.

    The marks of each *distinct* week are read once and joined back: reading those of every row takes ten times as long.
    """
    wanted = ["week >= ?", "week < ?"]
    parameters: list[Any] = [start, end]
    if child_id is not None:
        wanted.append("child_id = ?")
        parameters.append(child_id)
    scope = "" if within == EVERYONE else f'SEMI JOIN "{within}" USING (child_id)'
    # Where a mark is counted differently within the period, a pattern is a week's marks and the week itself.
    dated = any(start < change < end for change in class_changes())
    key = "marks, week" if dated else "marks"
    week = "week" if dated else f"DATE '{start}'"
    packed = ", ".join(
        f"{_packed(count, week, start, days)} AS {count}_{days.start}" for days in _STRETCHES for count in _SESSIONS
    )
    rows = f"(SELECT child_id, marks, week FROM register_week {scope} WHERE {' AND '.join(wanted)})"
    # A table of its own, so that the engine knows how few patterns there are and never hashes the rows instead.
    distinct = (
        f"SELECT DISTINCT {key} FROM {rows}"
        if each_child
        else f"SELECT {key}, count(*) AS n FROM {rows} GROUP BY {key}"
    )
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE week_pattern AS SELECT *, {packed} FROM ({distinct})",
        parameters,
    )
    who = "child_id, " if each_child else ""
    stretches, given = [], []
    for days in _STRETCHES:
        counts = [f"{count}_{days.start}" for count in _SESSIONS]
        columns = ", ".join([key, *counts, *([] if each_child else ["n"])])
        patterns = f"(SELECT {columns} FROM week_pattern WHERE possible_{days.start} > 0)"
        each = f"range({days.start}, {days.stop}) AS d(day)"
        unpacked = ", ".join(
            f"(({packed} >> ((day - {days.start}) * {_BITS})) & {_MASK})::INTEGER AS {count}"
            for packed, count in zip(counts, _SESSIONS, strict=True)
        )
        if each_child:
            given += parameters
            sums = ", ".join(f"sum({count}) AS {count}" for count in counts)
            summed = f"SELECT child_id, {sums} FROM {rows} JOIN {patterns} USING ({key}) GROUP BY child_id"
            stretches.append(f"SELECT child_id, day, {unpacked} FROM ({summed}), {each}")
        else:
            # Unpacked before they are added up: a total would not fit a packed number.
            totals = ", ".join(f"sum(n * {count})::BIGINT AS {count}" for count in _SESSIONS)
            stretches.append(
                f"SELECT day, {totals} FROM (SELECT n, day, {unpacked} FROM {patterns}, {each}) GROUP BY day"
            )
    names = "[" + ", ".join(f"'{name}'" for name in DAY_NAMES) + "]"
    try:
        return database.query(
            f"""
            SELECT {who}(day + 1)::TINYINT AS weekday, {names}[day + 1] AS day, possible, authorised, unauthorised,
                authorised + unauthorised AS absent, 100.0 * (authorised + unauthorised) / possible AS absence_rate
            FROM ({" UNION ALL ".join(stretches)}) WHERE possible > 0 {"" if each_child else "ORDER BY weekday"}
            """,
            given,
        )
    finally:
        database.execute("DROP TABLE week_pattern")


def _packed(count: str, week: str, since: date, days: range) -> str:
    """SQL for the daily counts of some days of a week's marks in one whole number, so that one sum adds up them all."""
    return " + ".join(
        f"({days_sql(count, 'marks', week, range(day, day + 1), since=since)}::BIGINT << {(day - days.start) * _BITS})"
        for day in days
    )


def school_weeks(database: Database, start: date, end: date, *, urn: str | None = None) -> pa.Table:
    """One row per school per week whose Monday is from `start` to before `end`, all its pupils, by school and week.

    Columns: urn, school_name, week, pupils (with a possible session), possible, authorised, unauthorised, absent (half
    days), overall_rate, authorised_rate, unauthorised_rate (percent; null without a possible session).
    """
    one = "AND urn = ?" if urn is not None else ""
    parameters = [start, end] if urn is None else [start, end, urn]
    return database.query(
        f"""
        WITH {schools_sql()}
        SELECT urn, name AS school_name, week, pupils, possible, authorised, unauthorised,
            authorised + unauthorised AS absent,
            100.0 * (authorised + unauthorised) / nullif(possible, 0) AS overall_rate,
            100.0 * authorised / nullif(possible, 0) AS authorised_rate,
            100.0 * unauthorised / nullif(possible, 0) AS unauthorised_rate
        FROM register_school_week LEFT JOIN schools USING (urn)
        WHERE week >= ? AND week < ? {one}
        ORDER BY urn, week
        """,
        parameters,
    )

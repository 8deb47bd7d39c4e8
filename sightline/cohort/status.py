"""Who is in the cohort on a day, and why: the one definition that every count, list and change rests on."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from sightline.cohort.counted import EVER_6, STATUSES
from sightline.engine import Database


def quoted(name: str) -> str:
    """SQL for a table's name."""
    return '"' + name.replace('"', '""') + '"'


def day_sql(day: date) -> str:
    """SQL for a day."""
    return f"DATE '{day.isoformat()}'"


def live(alias: str, day: str) -> str:
    """SQL: the closed-open period covers the day."""
    return f"{alias}.start_date <= {day} AND ({alias}.end_date IS NULL OR {alias}.end_date > {day})"


def status_sql(on: date, within: str) -> str:
    """SQL: one row per child with a status on the day: child_id, status, since, last_plan_end."""
    return f"""
        SELECT c.child_id, c.status, c.since, c.last_plan_end FROM counted_period c
        WHERE {live("c", day_sql(on))} AND c.child_id IN (SELECT child_id FROM {quoted(within)})
    """


_YEARS = "['N1', 'N2', 'R', '1', '2', '3', '4', '5', '6', '7', '8', '9', '10', '11', '12', '13', '14']"


def school_age_sql(birth: str, day: str) -> str:
    """SQL: whether a child is below, of or above compulsory school age on a day; null without a birth date.

    Its slow, obvious twin, with the law it follows, is `vocabulary.ages.compulsory_school_age`.
    """
    five = f"({birth} + INTERVAL 5 YEAR)::DATE"
    # Someone born on 29 February reaches an age on 1 March of an ordinary year, which changes nothing here.
    first = f"""CASE WHEN month({five}) <= 3 THEN make_date(year({five}), 3, 31)
        WHEN month({five}) <= 8 THEN make_date(year({five}), 8, 31) ELSE make_date(year({five}), 12, 31) END"""
    june = f"make_date(year({birth}) + 16 + (month({birth}) >= 9)::INT, 6, 30)"
    last_friday = f"({june} - ((isodow({june}) + 2) % 7)::INT)"
    return f"""CASE WHEN {birth} IS NULL THEN NULL WHEN {day} < {first} THEN 'below'
        WHEN {day} > {last_friday} THEN 'above' ELSE 'of' END"""


def _year_group(year: int) -> str:
    """SQL for the national curriculum year in an academic year: the recorded one moved on, else by birth date.

    Year 1 begins in the September after a child turns five (born 1 September to 31 August). A year that does not
    move with time (mixed, not followed, early years) stands as recorded.
    """
    place = f"list_position({_YEARS}, e.year_group)"
    moved = f"{place} + ({year} - coalesce(e.year_group_year, {year}))"
    born = f"{year} - (year(p.birth_date) - (month(p.birth_date) < 9)::INT) - 5 + 3"

    def named(index: str) -> str:
        return f"CASE WHEN {index} BETWEEN 1 AND len({_YEARS}) THEN {_YEARS}[{index}] END"

    return f"""
        CASE WHEN e.child_id IS NULL THEN NULL
            WHEN {place} IS NOT NULL AND {place} > 0 THEN {named(moved)}
            WHEN e.year_group IS NOT NULL THEN e.year_group
            ELSE {named(born)} END
    """


def status_on(database: Database, on: date, *, within: str = "person") -> pa.Table:
    """One row per child who has a status on the day, by name: who, which status, since when, where and with whom.

    `status`: that of the counted period that covers the day ("looked after", "CP plan", "CIN plan", "Ever 6" or
    "assessment only", which is not on a plan and never counted in the cohort). Which one counts, and by which
    settings, was decided when the periods were made: see `assemble_counted_periods`. `since`: first day of that
    status (for Ever 6 the first day off the plan).
    `days_open`: days from `since` to the day, null for Ever 6. `last_plan_end`: first day off the latest plan that has
    ended (null: none). School: the registration that covers the day (a main one before a subsidiary or guest, then the
    latest start); null where no source knows one. Year group: as last recorded, moved on to the day's academic year;
    from the birth date where a school gives none. `school_age`: below, of or above compulsory school age. Worker and
    team: the allocation that covers the day.
    `within` names a table whose `child_id`s may be seen. Closed-open days throughout.
    """
    return database.query(
        f"""
        SELECT * FROM ({placed_sql(on, status_sql(on, within))})
        ORDER BY surname NULLS LAST, forename NULLS LAST, child_id
        """
    )


def placed_sql(on: date, statuses: str) -> str:
    """SQL: one row per row of `statuses` (child_id, status, since, last_plan_end), with the child's names, school, year
    group and allocated worker on the day (see `status_on`)."""
    year = on.year - (on.month < 8)
    day = day_sql(on)
    return f"""
    WITH status AS ({statuses}),
    enrolled AS (
        SELECT e.* FROM enrolment_period e SEMI JOIN status s ON s.child_id = e.child_id
        WHERE {live("e", day)}
        QUALIFY row_number() OVER (PARTITION BY e.child_id
            ORDER BY CASE e.status WHEN 'C' THEN 0 WHEN 'M' THEN 0 WHEN 'S' THEN 2 WHEN 'G' THEN 3 ELSE 1 END,
                e.start_date DESC, e.urn) = 1
    ),
    allocated AS (
        SELECT a.* FROM allocation a SEMI JOIN status s ON s.child_id = a.child_id WHERE {live("a", day)}
        QUALIFY row_number() OVER (PARTITION BY a.child_id ORDER BY a.start_date DESC, a.worker_ref) = 1
    ),
    named AS (
        SELECT urn, arg_max(name, coalesce(d.place, 0)) AS name, arg_max(phase, coalesce(d.place, 0)) AS phase
        FROM school x LEFT JOIN delivery d ON d.delivery = x.delivery
        WHERE urn IN (SELECT urn FROM enrolled) GROUP BY urn
    )
    SELECT s.child_id, s.status, s.since,
        CASE WHEN s.status <> '{EVER_6}' THEN ({day} - s.since)::INT END AS days_open, s.last_plan_end,
        e.urn, coalesce(n.name, e.urn) AS school_name, n.phase, {_year_group(year)} AS year_group,
        a.team_name, a.worker_name, p.surname, p.forename, {school_age_sql("p.birth_date", day)} AS school_age
    FROM status s LEFT JOIN person p ON p.child_id = s.child_id
    LEFT JOIN enrolled e ON e.child_id = s.child_id LEFT JOIN named n ON n.urn = e.urn
    LEFT JOIN allocated a ON a.child_id = s.child_id
    """


_BY = {
    "team": ("team_name", "NULL"),
    "school": ("school_name", "urn"),
    "year_group": ("year_group", f"lpad(list_position({_YEARS}, year_group)::TEXT, 2, '0')"),
    "phase": ("phase", "NULL"),
    "status": ("status", "NULL"),
}


def counts_by(database: Database, on: date, by: str, *, within: str = "person") -> pa.Table:
    """One row per team, school, year group, phase or status on the day: children under each status.

    Columns: `by` (the group; null where it is not known), `urn` (for schools), one count per status with underscores
    for spaces, `on_plan` (CP and CIN) and `cohort` (those and Ever 6). Looked after and assessed children are counted
    apart. Raises ValueError for another grouping.
    """
    if by not in _BY:
        raise ValueError(f"Children cannot be counted by {by!r}. There are: {', '.join(_BY)}.")
    group, key = _BY[by]
    counts = ", ".join(f"count(*) FILTER (status = '{s}')::INT AS {s.lower().replace(' ', '_')}" for s in STATUSES)
    order = "key" if by == "year_group" else '"by"'
    return database.query(
        f"""
        SELECT "by", urn, looked_after, cp_plan, cin_plan, ever_6, assessment_only,
            cp_plan + cin_plan AS on_plan, cp_plan + cin_plan + ever_6 AS cohort
        FROM (
            SELECT {group} AS "by", {key if by == "school" else "NULL::TEXT"} AS urn, {key} AS key, {counts}
            FROM ({placed_sql(on, status_sql(on, within))}) GROUP BY ALL
        )
        ORDER BY {order} NULLS LAST, urn
        """
    )

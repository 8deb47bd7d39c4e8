"""One row per child: everything a dashboard counts and everything it can be sliced by, so that a slice is a sum."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from sightline.engine import Database
from sightline.measures.absence import absence
from sightline.measures.schools import schools_sql
from sightline.vocabulary.settings import Settings

SUMS = ("possible", "authorised", "unauthorised", "suspensions", "exclusions")
"""Columns of the panel that are added up."""
YES = ("with_marks", "persistent", "severe", "suspended", "excluded", "moved")
"""Columns of the panel that say yes or no of a child."""

_MOVES_FROM = (10, 1)
"""Month and day of an academic year from which a new school is a move: before it, everybody changes phase."""


def panel(
    database: Database,
    children: str,
    *,
    start: date,
    on: date,
    settings: Settings,
    schools: Collection[str] | None = None,
) -> pa.Table:
    """One row per row of the table `children`: its columns, then where the child is, and what happened since `start`.

    `children` has child_id, urn (the school on the day `on`; null for none) and any other columns. Added:

    - `worker_ref`, `team_ref`: the allocation that covers the day; `phase`, `school_type`, `trust`, `school_town`: of
      the school, as the latest register of schools says; `locality` and `locality_by`: of the home on the day, as
      `home_period` has them; `sex`, `ethnicity` (as received); `sen`, `fsm`, `eal`: the latest
      word of a school census up to the day, null where no census says, and `in_census`, whether one names the child;
      `fsm_ever_6` and `idaci_decile` (of the home's small area, 1 the most deprived): of `circumstance`, as it is now;
    - from `start` to `on`, both in: `possible`, `authorised`, `unauthorised` (half days, all schools together),
      `with_marks` (a possible session), `persistent` and `severe` (missed the settings' share of them or more),
      `suspensions` and `exclusions` (permanent), `suspended` and `excluded` (at least one), `moved` (a registration
      at another school than before, that began after 30 September: in September everybody changes phase).

    With `schools`, attendance, suspensions and exclusions are those of these schools alone.

    Sources: DfE, pupil absence statistics methodology; DfE, suspensions and permanent exclusions methodology.
    """
    rows = absence(
        database, by=("child",) if schools is None else ("child", "school"), unit="child", start=start,
        end=_after(on), settings=settings, within=children,
    )  # fmt: skip
    if schools is not None:
        rows = rows.filter(pc.is_in(rows["urn"], value_set=pa.array(sorted(schools), pa.string())))
    database.add(
        "panel_absence",
        rows.select(["child_id", "possible", "authorised", "unauthorised", "persistent", "severe"]),
    )
    database.add("panel_schools", pa.table({"urn": pa.array(sorted(schools or ()), pa.string())}))
    here = "true" if schools is None else "urn IN (SELECT urn FROM panel_schools)"
    day = f"DATE '{on.isoformat()}'"
    since = f"DATE '{start.isoformat()}'"
    return database.query(
        f"""
        WITH {schools_sql()},
        marks AS (
            SELECT child_id, sum(possible)::BIGINT AS possible, sum(authorised)::BIGINT AS authorised,
                sum(unauthorised)::BIGINT AS unauthorised, max(persistent) > 0 AS persistent, max(severe) > 0 AS severe
            FROM panel_absence GROUP BY child_id
        ),
        allocated AS (
            SELECT child_id, worker_ref, team_ref FROM allocation SEMI JOIN {children} USING (child_id)
            WHERE start_date <= {day} AND (end_date IS NULL OR end_date > {day})
            QUALIFY row_number() OVER (PARTITION BY child_id ORDER BY start_date DESC, worker_ref) = 1
        ),
        about AS (
            SELECT child_id, {_latest("sen_provision")} AS sen, {_latest("fsm")} AS fsm, {_latest("eal")} AS eal,
                true AS in_census
            -- A file read before Sightline knew of first languages has no such column until it is read again.
            FROM (FROM characteristic UNION ALL BY NAME SELECT NULL::BOOLEAN AS eal WHERE false) AS c
                JOIN link ON link.system = c.system AND link.ref = c.pupil_ref
                LEFT JOIN delivery USING (delivery)
            WHERE coalesce(c.as_at, delivery.as_at) <= {day}
                AND child_id IN (SELECT child_id FROM {children})
            GROUP BY child_id
        ),
        lived AS (
            SELECT child_id, locality, locality_by FROM home_period SEMI JOIN {children} USING (child_id)
            WHERE (start_date IS NULL OR start_date <= {day}) AND (end_date IS NULL OR end_date > {day})
        ),
        out AS (
            SELECT child_id, count(*) FILTER (category = 'SUSP')::INTEGER AS suspensions,
                count(*) FILTER (category = 'PERM')::INTEGER AS exclusions
            FROM exclusion SEMI JOIN {children} USING (child_id)
            WHERE start_date BETWEEN {since} AND {day} AND {here} GROUP BY child_id
        ),
        roll AS (
            SELECT child_id, urn, start_date,
                lag(urn) OVER (PARTITION BY child_id ORDER BY start_date, urn) AS before
            FROM enrolment_period SEMI JOIN {children} USING (child_id)
            WHERE urn IS NOT NULL AND coalesce(status, 'C') NOT IN ('S', 'G')
        ),
        moves AS (
            SELECT DISTINCT child_id FROM roll
            WHERE before IS NOT NULL AND before <> urn AND start_date BETWEEN {since} AND {day}
                AND start_date >= make_date(
                    year(start_date) - (month(start_date) < 8)::INTEGER, {_MOVES_FROM[0]}, {_MOVES_FROM[1]})
        )
        SELECT children.*, worker_ref, team_ref, s.type AS school_type, s.phase AS school_phase,
            s.trust_name AS trust, s.locality AS school_town, lived.locality, locality_by, p.sex, p.ethnicity, sen,
            about.fsm, eal, home.fsm_ever_6, home.idaci_decile, coalesce(in_census, false) AS in_census,
            coalesce(possible, 0)::BIGINT AS possible, coalesce(authorised, 0)::BIGINT AS authorised,
            coalesce(unauthorised, 0)::BIGINT AS unauthorised, coalesce(possible, 0) > 0 AS with_marks,
            coalesce(persistent, false) AS persistent, coalesce(severe, false) AS severe,
            coalesce(suspensions, 0)::INTEGER AS suspensions, coalesce(exclusions, 0)::INTEGER AS exclusions,
            coalesce(suspensions, 0) > 0 AS suspended, coalesce(exclusions, 0) > 0 AS excluded,
            moves.child_id IS NOT NULL AS moved
        FROM {children} AS children LEFT JOIN allocated USING (child_id) LEFT JOIN schools s ON s.urn = children.urn
            LEFT JOIN person p ON p.child_id = children.child_id LEFT JOIN about ON about.child_id = children.child_id
            LEFT JOIN circumstance AS home ON home.child_id = children.child_id
            LEFT JOIN lived ON lived.child_id = children.child_id
            LEFT JOIN marks ON marks.child_id = children.child_id LEFT JOIN out ON out.child_id = children.child_id
            LEFT JOIN moves ON moves.child_id = children.child_id
        """
    )


def other_pupils(database: Database, *, start: date, on: date, year: int, settings: Settings, without: str) -> pa.Table:
    """One row per school: its pupils this academic year who are not in the table `without`, and how they fare.

    Columns: `urn`, `phase`, `pupils` (with a possible session; a pupil of two schools counts in each), `possible`,
    `absent` (half days), `persistent`, `severe`, `suspended`, `excluded` (pupils). Attendance is that of the whole
    year of `register_year`, as far as registers have come; suspensions are those from `start` to `on`.
    """
    return database.query(
        f"""
        WITH {schools_sql()},
        out AS (
            SELECT child_id, bool_or(category = 'SUSP') AS suspended, bool_or(category = 'PERM') AS excluded
            FROM exclusion WHERE start_date BETWEEN $start AND $on AND category IN ('SUSP', 'PERM') GROUP BY child_id
        ),
        pupil_year AS (
            SELECT urn, child_id, sum(possible) AS possible, sum(authorised) + sum(unauthorised) AS absent
            FROM register_year ANTI JOIN {without} USING (child_id)
            WHERE year = $year AND urn IS NOT NULL GROUP BY ALL HAVING sum(possible) > 0
        )
        SELECT urn, any_value(schools.phase) AS phase, count(*)::INTEGER AS pupils,
            sum(possible)::BIGINT AS possible, sum(absent)::BIGINT AS absent,
            count(*) FILTER (100 * absent >= $persistent * possible)::INTEGER AS persistent,
            count(*) FILTER (100 * absent >= $severe * possible)::INTEGER AS severe,
            count(*) FILTER (suspended)::INTEGER AS suspended, count(*) FILTER (excluded)::INTEGER AS excluded
        FROM pupil_year LEFT JOIN out USING (child_id) LEFT JOIN schools USING (urn)
        GROUP BY urn ORDER BY urn
        """,
        {
            "start": start, "on": on, "year": year,
            "persistent": settings.persistent_percent, "severe": settings.severe_percent,
        },
    )  # fmt: skip


def _latest(column: str) -> str:
    """SQL: the latest word of a census that has one."""
    return (
        f"arg_max(c.{column}, struct_pack(day := coalesce(c.as_at, delivery.as_at), place := coalesce(place, 0))) "
        f"FILTER (c.{column} IS NOT NULL)"
    )


def _after(day: date) -> date:
    return date.fromordinal(day.toordinal() + 1)

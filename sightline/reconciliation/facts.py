"""What each source says, brought side by side once, so that each rule is one short query.

Only children known to social care are compared, and schools: nobody's business is made of other pupils' records.
Every table made here begins with an underscore and is gone after `gathered`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

import pyarrow as pa

from sightline.engine import Database
from sightline.vocabulary.attendance import packed_in_class
from sightline.vocabulary.identifiers import is_temporary_upn, upn_fault
from sightline.vocabulary.periods import academic_year
from sightline.vocabulary.settings import Settings

NEVER = "DATE '9999-12-31'"
_TABLES = (
    "_setting", "_ranked", "_care_system", "_care", "_ref", "_said", "_reference", "_mention", "_upn", "_upn_reference",
    "_upn_held", "_name", "_record", "_twice", "_upn_judged", "_plan_said", "_plan", "_cover", "_pair", "_unmatched",
    "_roll_said", "_roll_day", "_roll_now", "_at_school", "_present", "_sent", "_suspended", "_suspended_cover",
)  # fmt: skip
_VIEWS = ("_school_name", "_cohort", "_upn_value")
_PLANS = (("CIN plan", "cin_plan"), ("CP plan", "cp_plan"), ("looked after", "looked_after"))


def reception_sql(birth: str, day: str) -> str:
    """SQL: whether a child is in the reception year or above on a day: four by the 1 September that began the year."""
    return f"{birth} + INTERVAL 4 YEAR <= make_date(year({day}) - (month({day}) < 9)::INT, 9, 1)"


@contextmanager
def gathered(
    database: Database, *, settings: Settings, schools: pa.Table, cohort: pa.Table, as_at: date
) -> Iterator[None]:
    """Make the tables the rules read, and drop them at the end.

    `schools`: one row per way of naming a school (name, urn). `cohort`: one row per child in the cohort on `as_at`
    (child_id, status). `as_at` is the newest day of social care data.
    """
    try:
        database.add("_school_name", schools)
        database.add("_cohort", cohort.select(["child_id", "status"]))
        database.add("_setting_values", _settings(settings, as_at))
        database.execute("CREATE OR REPLACE TEMP TABLE _setting AS SELECT * FROM _setting_values")
        database.execute("DROP VIEW _setting_values")
        for sql in (*_CHILDREN, *_VALUES):
            database.execute(sql)
        values = [v for (v,) in database.rows("SELECT DISTINCT value FROM _upn_held WHERE value IS NOT NULL")]
        judged = {
            "value": pa.array(values, pa.string()),
            "fault": pa.array(map(upn_fault, values), pa.string()),
            "temporary": pa.array([upn_fault(v) is None and is_temporary_upn(v) for v in values], pa.bool_()),
        }
        database.add("_upn_value", pa.table(judged))
        for sql in (*_NUMBERS, *_PLAN_TABLES, *_SCHOOLS, *_SUSPENSIONS):
            database.execute(sql)
        yield
    finally:
        for name in _TABLES:
            database.execute(f"DROP TABLE IF EXISTS {name}")
        for name in _VIEWS:
            database.execute(f"DROP VIEW IF EXISTS {name}")


def _settings(settings: Settings, as_at: date) -> pa.Table:
    return pa.table(
        {
            "late_days": pa.array([settings.late_record_days], pa.int32()),
            "authority": pa.array([settings.authority], pa.string()),
            "as_at": pa.array([as_at], pa.date32()),
            "present": pa.array(
                [packed_in_class("attending", as_at) + packed_in_class("approved", as_at)], pa.string()
            ),
            "year_start": pa.array([date(academic_year(as_at), 8, 1)], pa.date32()),
        }
    )


def _known_until(plan: str) -> str:
    """SQL: the first day on which a plan is not known to run. One left open is known to have lasted to the day of the
    file that says so, and no longer."""
    return f"coalesce({plan}.end_date, greatest({plan}.day, {plan}.start_date) + 1)"


_CHILDREN = (
    """
    CREATE OR REPLACE TEMP TABLE _ranked AS
    SELECT delivery, kind, system, coalesce(authority, '') AS authority,
        -- A table without dates, such as a list of people, came with the others of its system: it has the middle one of
        -- their days, since some of them look ahead.
        coalesce(as_at, quantile_disc(as_at, 0.5) OVER (PARTITION BY system, received), received) AS day,
        row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
    FROM delivery
    """,
    """
    CREATE OR REPLACE TEMP TABLE _care_system AS
    SELECT system FROM child UNION SELECT system FROM cin_plan UNION SELECT system FROM cp_plan
    UNION SELECT system FROM involvement
    """,
    """
    CREATE OR REPLACE TEMP TABLE _care AS
    SELECT p.child_id, p.birth_date, c.child_id IS NOT NULL AS in_cohort, c.status,
        coalesce(c.status IN ('CIN plan', 'CP plan'), false) AS on_plan,
        -- Compulsory school age: from the 1 September on or after the fifth birthday, to the June of year 11.
        (SELECT as_at FROM _setting) >= make_date(year(p.birth_date) + 5 + (month(p.birth_date) > 8)::INT, 9, 1)
            AND (SELECT as_at FROM _setting)
                < make_date(year(p.birth_date) + 16 + (month(p.birth_date) > 8)::INT, 6, 25) AS school_age
    FROM person p LEFT JOIN _cohort c USING (child_id)
    WHERE p.known_to_care AND p.death_date IS NULL
    """,
    "CREATE OR REPLACE TEMP TABLE _ref AS "
    "SELECT l.system, l.ref, l.child_id FROM link l SEMI JOIN _care USING (child_id)",
)

_VALUES = (
    # The last word of each system on each field of a child. Unknown is not a value.
    """
    CREATE OR REPLACE TEMP TABLE _said AS
    WITH told AS (
        SELECT r.child_id, s.system, s.delivery, s.line, k.word, k.day, s.birth_date::TEXT AS birth_date,
            CASE WHEN s.sex IN ('M', 'F') THEN s.sex END AS sex, s.surname,
            CASE WHEN lower(s.forename) NOT IN ('unborn', 'baby') THEN s.forename END AS forename
        FROM (
            SELECT system, child_ref AS ref, birth_date, sex, surname, forename, delivery, line FROM child
            UNION ALL SELECT system, pupil_ref, birth_date, sex, surname, forename, delivery, line FROM pupil
        ) s JOIN _ref r ON r.system = s.system AND r.ref = s.ref JOIN _ranked k USING (delivery)
    ),
    long AS (UNPIVOT told ON birth_date, sex, surname, forename INTO NAME field VALUE value),
    last AS (
        SELECT * FROM long
        QUALIFY row_number() OVER (PARTITION BY child_id, system, field ORDER BY word DESC, line DESC) = 1
    )
    SELECT last.*, regexp_replace(lower(strip_accents(value)), '[^a-z0-9]', '', 'g') AS plain,
        c.system IS NOT NULL AS care, e.system IS NOT NULL AS register
    FROM last LEFT JOIN _care_system c USING (system)
    LEFT JOIN (SELECT DISTINCT system FROM enrolment) e USING (system)
    """,
    # What the others are held against: schools verify who a child is on admission, so a register before any other.
    """
    CREATE OR REPLACE TEMP TABLE _reference AS
    SELECT * FROM _said
    QUALIFY row_number() OVER (PARTITION BY child_id, field
        ORDER BY care, NOT register, word DESC, system) = 1
    """,
    """
    CREATE OR REPLACE TEMP TABLE _mention AS
    SELECT r.child_id, c.system, arg_max(c.delivery, (k.word, c.line)) AS delivery,
        arg_max(c.line, (k.word, c.line)) AS line, max(k.day) AS day
    FROM child c JOIN _ref r ON r.system = c.system AND r.ref = c.child_ref JOIN _ranked k USING (delivery)
    GROUP BY ALL
    """,
    # Names by child, since a return without names may hold the second record.
    """
    CREATE OR REPLACE TEMP TABLE _name AS
    SELECT child_id, any_value(plain ORDER BY word DESC) FILTER (field = 'surname') AS surname,
        any_value(plain ORDER BY word DESC) FILTER (field = 'forename') AS forename
    FROM _said WHERE care GROUP BY ALL
    """,
    """
    CREATE OR REPLACE TEMP TABLE _upn_held AS
    SELECT r.child_id, i.system, i.ref, i.value, i.kind, i.delivery, i.line, k.word
    FROM identifier i JOIN _ref r ON r.system = i.system AND r.ref = i.ref JOIN _ranked k USING (delivery)
    WHERE i.kind IN ('upn', 'former_upn')
    """,
    """
    CREATE OR REPLACE TEMP TABLE _record AS
    SELECT r.child_id, c.system, c.child_ref AS value, arg_max(c.delivery, (k.word, c.line)) AS delivery,
        arg_max(c.line, (k.word, c.line)) AS line, arg_max(c.birth_date, k.word) AS birth_date, any_value(u.upn) AS upn
    FROM child c JOIN _ref r ON r.system = c.system AND r.ref = c.child_ref JOIN _ranked k USING (delivery)
    LEFT JOIN (SELECT system, ref, arg_max(value, word) AS upn FROM _upn_held WHERE kind = 'upn' GROUP BY ALL) u
        ON u.system = c.system AND u.ref = c.child_ref
    GROUP BY ALL
    """,
    # Two records of one care system that are one child, or share a birth date and a number or a name.
    """
    CREATE OR REPLACE TEMP TABLE _twice AS
    SELECT a.system, a.value AS first, b.value AS second
    FROM _record a JOIN _record b ON b.system = a.system AND b.child_id = a.child_id WHERE b.value > a.value
    UNION
    SELECT a.system, a.value, b.value
    FROM _record a JOIN _record b ON b.system = a.system AND b.birth_date = a.birth_date AND b.upn = a.upn
    WHERE b.value > a.value
    UNION
    SELECT a.system, a.value, b.value
    FROM (FROM _record JOIN _name USING (child_id)) a JOIN (FROM _record JOIN _name USING (child_id)) b
        ON b.system = a.system AND b.birth_date = a.birth_date AND b.surname = a.surname AND b.forename = a.forename
    WHERE b.value > a.value
    """,
)

_NUMBERS = (
    """
    CREATE OR REPLACE TEMP TABLE _upn AS
    SELECT h.*, v.fault, v.temporary, c.system IS NOT NULL AS care, e.system IS NOT NULL AS register,
        EXISTS (SELECT 1 FROM _upn_held f WHERE f.child_id = h.child_id AND f.kind = 'former_upn' AND f.value = h.value)
            AS former
    FROM (
        SELECT * FROM _upn_held WHERE kind = 'upn'
        QUALIFY row_number() OVER (PARTITION BY child_id, system ORDER BY word DESC, line DESC, value) = 1
    ) h JOIN _upn_value v ON v.value = h.value
    LEFT JOIN _care_system c USING (system) LEFT JOIN (SELECT DISTINCT system FROM enrolment) e USING (system)
    """,
    # Schools issue the number: the last sound and permanent one a school's system gives.
    """
    CREATE OR REPLACE TEMP TABLE _upn_reference AS
    SELECT * FROM _upn WHERE NOT care AND fault IS NULL
    QUALIFY row_number() OVER (PARTITION BY child_id ORDER BY temporary, former, NOT register, word DESC, system) = 1
    """,
    # Each number is judged once, in this order: malformed, another child's, an earlier one, plainly different. Lists of
    # events and old marks name the number of their day, so only what a care system holds can be out of date.
    """
    CREATE OR REPLACE TEMP TABLE _upn_judged AS
    WITH holder AS MATERIALIZED (
        SELECT DISTINCT system, ref, value FROM identifier
        WHERE kind = 'upn' AND value IN (SELECT value FROM _upn) AND system NOT IN (SELECT system FROM _care_system)
    ),
    elsewhere AS (
        -- A school's system has the number of another child. (One born on the same day is this child, found twice.)
        SELECT DISTINCT h.child_id, h.system
        FROM _upn h JOIN holder i ON i.value = h.value
        JOIN link l ON l.system = i.system AND l.ref = i.ref
        JOIN person p ON p.child_id = l.child_id JOIN _care c ON c.child_id = h.child_id
        WHERE l.child_id <> h.child_id AND p.birth_date IS DISTINCT FROM c.birth_date
    )
    SELECT a.*, CASE
        WHEN a.fault IS NOT NULL THEN 'malformed'
        WHEN b.value IS NULL AND o.child_id IS NULL OR a.value = b.value THEN 'right'
        -- A temporary number stands in until the child's own is known: it contradicts no other.
        WHEN b.temporary AND NOT a.temporary THEN 'right'
        WHEN o.child_id IS NOT NULL THEN 'another'
        WHEN a.former OR (a.temporary AND NOT b.temporary) THEN CASE WHEN a.care THEN 'former' ELSE 'right' END
        ELSE 'different' END AS judged
    FROM _upn a LEFT JOIN _upn_reference b ON b.child_id = a.child_id
    LEFT JOIN elsewhere o ON o.child_id = a.child_id AND o.system = a.system
    """,
)

_PLAN_TABLES = (
    "CREATE OR REPLACE TEMP TABLE _plan_said AS WITH told AS ("
    + " UNION ALL ".join(
        f"SELECT '{kind}' AS kind, system, child_ref, start_date, end_date, "
        f"{'other_authority' if table == 'cp_plan' else 'NULL::BOOLEAN'} AS other_authority, "
        f"{'initial_category' if table == 'cp_plan' else 'NULL::TEXT'} AS category, delivery, line FROM {table}"
        for kind, table in _PLANS
    )
    + """
    )
    SELECT r.child_id, t.kind, t.system, t.start_date, t.end_date + 1 AS end_date, t.other_authority, t.category,
        t.delivery, t.line, k.word, k.day
    FROM told t JOIN _ref r ON r.system = t.system AND r.ref = t.child_ref JOIN _ranked k USING (delivery)
    WHERE t.start_date IS NOT NULL AND (t.end_date IS NULL OR t.end_date >= t.start_date)
    """,
    # The last word of each system on each plan. A start corrected by a later file of the same system is one plan.
    f"""
    CREATE OR REPLACE TEMP TABLE _plan AS
    WITH chosen AS (
        SELECT * FROM _plan_said
        QUALIFY row_number() OVER (PARTITION BY child_id, kind, system, start_date
            ORDER BY word DESC, end_date IS NULL, end_date DESC, line) = 1
    )
    SELECT c.*, kind || ' from ' || start_date || CASE WHEN end_date IS NULL THEN ', open on ' || day
            ELSE ' to ' || (end_date - 1) END AS value
    FROM chosen c
    WHERE NOT EXISTS (
        SELECT 1 FROM chosen q WHERE q.child_id = c.child_id AND q.kind = c.kind AND q.system = c.system
            AND q.word > c.word AND q.start_date < coalesce(c.end_date, {NEVER})
            AND coalesce(q.end_date, {NEVER}) > c.start_date
    )
    """,
    # The days on which a delivery's silence means that there was no plan: a census year, or what an extract reaches.
    "CREATE OR REPLACE TEMP TABLE _cover AS SELECT s.kind, k.system, k.delivery, k.word, k.day AS to_day, "
    "CASE WHEN k.system = 'cin-census' THEN (k.day - INTERVAL 1 YEAR)::DATE + 1 "
    "ELSE min(coalesce(s.end_date, k.day)) END AS from_day FROM ("
    + " UNION ALL ".join(f"SELECT '{kind}' AS kind, delivery, end_date FROM {table}" for kind, table in _PLANS)
    + ") s JOIN _ranked k USING (delivery) GROUP BY s.kind, k.system, k.delivery, k.word, k.day",
    # The same plan as two systems have it, in the order they spoke.
    f"""
    CREATE OR REPLACE TEMP TABLE _pair AS
    SELECT a.child_id, a.kind, a AS earlier, b AS later
    FROM _plan a JOIN _plan b ON b.child_id = a.child_id AND b.kind = a.kind AND b.system <> a.system
        AND (a.word < b.word OR (a.word = b.word AND a.system < b.system))
        AND (a.start_date = b.start_date OR (a.start_date < {_known_until("b")} AND b.start_date < {_known_until("a")}))
    QUALIFY row_number() OVER (PARTITION BY a.child_id, a.kind, a.system, a.start_date, b.system
            ORDER BY abs(a.start_date - b.start_date), b.start_date) = 1
        AND row_number() OVER (PARTITION BY a.child_id, a.kind, b.system, b.start_date, a.system
            ORDER BY abs(a.start_date - b.start_date), a.start_date) = 1
    """,
    # Plans that another system should show and does not. The last days before its own are given for recording.
    f"""
    CREATE OR REPLACE TEMP TABLE _unmatched AS
    SELECT a.*, b.system AS silent_system, arg_max(b.delivery, b.word) AS silent_delivery, max(b.to_day) AS silent_day
    FROM _plan a JOIN _cover b ON b.kind = a.kind AND b.system <> a.system
        AND b.from_day < coalesce(a.end_date, {NEVER})
        -- A census is made up weeks after its day, so that nothing of its year is waiting to be recorded.
        AND b.to_day >= a.start_date
            + CASE WHEN b.system = 'cin-census' THEN 0 ELSE (SELECT late_days FROM _setting) END
    WHERE a.other_authority IS NOT true AND NOT EXISTS (
        SELECT 1 FROM _plan_said q WHERE q.child_id = a.child_id AND q.kind = a.kind AND q.system = b.system
            AND q.start_date = a.start_date
    ) AND NOT EXISTS (
        SELECT 1 FROM _plan q WHERE q.child_id = a.child_id AND q.kind = a.kind AND q.system = b.system
            AND q.start_date < {_known_until("a")} AND {_known_until("q")} > a.start_date
    )
    GROUP BY ALL
    """,
)

_MAIN = "coalesce({0}.status, 'C') IN ('C', 'M')"

_SCHOOLS = (
    """
    CREATE OR REPLACE TEMP TABLE _roll_said AS
    SELECT r.child_id, e.system, coalesce(n.urn, e.school_ref) AS urn, e.entry_date, e.leaving_date, e.year_group,
        e.status, e.delivery, e.line, k.word, k.day
    FROM enrolment e JOIN _ref r ON r.system = e.system AND r.ref = e.pupil_ref JOIN _ranked k USING (delivery)
    LEFT JOIN _school_name n ON n.name = e.school_ref
    WHERE e.school_ref IS NOT NULL
    """,
    # The last day each register speaks of a school's whole roll, and how many it counts there.
    """
    CREATE OR REPLACE TEMP TABLE _roll_day AS
    SELECT system, urn, max(day) AS day, arg_max(delivery, word) AS delivery, arg_max(pupils, word) AS pupils
    FROM (
        SELECT k.system, coalesce(n.urn, e.school_ref) AS urn, k.day, k.delivery, k.word, sum(e.pupils) AS pupils
        FROM (
            SELECT delivery, school_ref, count(*) AS pupils FROM enrolment
            WHERE leaving_date IS NULL AND school_ref IS NOT NULL GROUP BY ALL
        ) e JOIN _ranked k USING (delivery) LEFT JOIN _school_name n ON n.name = e.school_ref
        GROUP BY ALL
    ) GROUP BY ALL
    """,
    f"""
    CREATE OR REPLACE TEMP TABLE _roll_now AS
    SELECT s.*, {_MAIN.format("s")} AS main FROM _roll_said s
    JOIN _roll_day d ON d.system = s.system AND d.urn = s.urn AND d.delivery = s.delivery
    WHERE s.leaving_date IS NULL
    """,
    f"""
    CREATE OR REPLACE TEMP TABLE _at_school AS
    SELECT e.child_id, e.urn, e.start_date, e.end_date,
        e.end_date IS NULL OR e.end_date > (SELECT as_at FROM _setting) AS now, e.delivery, e.line
    FROM enrolment_period e SEMI JOIN _care USING (child_id)
    WHERE e.start_date <= (SELECT as_at FROM _setting) AND coalesce(e.status, 'C') NOT IN ('S', 'G')
    QUALIFY row_number() OVER (PARTITION BY e.child_id
        ORDER BY coalesce(e.end_date, {NEVER}) DESC, e.start_date DESC, e.urn) = 1
    """,
    """
    CREATE OR REPLACE TEMP TABLE _present AS
    SELECT r.child_id, coalesce(n.urn, p.school_ref) AS urn, min(p.first_week) AS first_week,
        max(p.last_week) AS last_week, any_value(p.system) AS system, arg_max(p.delivery, p.last_week) AS delivery,
        arg_max(p.line, p.last_week) AS line
    FROM presence p JOIN _ref r ON r.system = p.system AND r.ref = p.pupil_ref
    LEFT JOIN _school_name n ON n.name = p.school_ref
    WHERE p.last_week >= (SELECT year_start FROM _setting)
    GROUP BY ALL
    """,
    """
    CREATE OR REPLACE TEMP TABLE _sent AS
    SELECT coalesce(n.urn, p.school_ref) AS urn, max(p.last_week) AS last_week,
        arg_max(p.system, p.last_week) AS system, arg_max(p.delivery, p.last_week) AS delivery
    FROM presence p LEFT JOIN _school_name n ON n.name = p.school_ref
    WHERE p.last_week IS NOT NULL
    GROUP BY ALL
    """,
)

_SUSPENSIONS = (
    """
    CREATE OR REPLACE TEMP TABLE _suspended AS
    SELECT r.child_id, s.system, coalesce(n.urn, s.school_ref) AS urn, s.start_date, s.end_date, s.sessions,
        CASE s.category WHEN 'FIXD' THEN 'SUSP' ELSE coalesce(s.category, 'SUSP') END AS category, s.delivery, s.line,
        k.word, k.day
    FROM suspension s JOIN _ref r ON r.system = s.system AND r.ref = s.pupil_ref JOIN _ranked k USING (delivery)
    LEFT JOIN _school_name n ON n.name = s.school_ref
    WHERE s.start_date IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY r.child_id, s.system, s.start_date,
        CASE s.category WHEN 'FIXD' THEN 'SUSP' ELSE coalesce(s.category, 'SUSP') END
        ORDER BY k.word DESC, s.line DESC) = 1
    """,
    # A list speaks of every day up to its own; a census only of the terms it carries: its first to its last suspension.
    """
    CREATE OR REPLACE TEMP TABLE _suspended_cover AS
    SELECT k.system, k.delivery, k.word, min(s.start_date) AS from_day,
        CASE WHEN k.system = 'school-census' THEN max(s.start_date) ELSE max(k.day) END AS to_day
    FROM suspension s JOIN _ranked k USING (delivery) WHERE s.start_date IS NOT NULL
    GROUP BY k.system, k.delivery, k.word
    """,
)

"""Where each child was on roll, and when: registrations of every source brought to one closed-open history."""

from __future__ import annotations

import pyarrow as pa

from sightline.cohort.schools import school_names
from sightline.cohort.words import NEVER, RANKED
from sightline.engine import Database
from sightline.vocabulary.systems import PARTIAL_SYSTEMS


def enrolments_by_register(database: Database) -> pa.Table:
    """One row per child per school per unbroken registration that a register of pupils tells of, closed-open.

    - A last day on roll becomes a first day off roll. A leaving date before the entry date is not believed.
    - The latest delivery that mentions a registration (child, school, entry date) has the last word. A pupil still on
      roll in the latest census of the school is on roll; one a later census of that school no longer shows, without
      a leaving date, left by that census's day.
    - A registration one system leaves open, when a later delivery knows one at that school live on that day and when
      it ended, ended then.
    - Registrations at one school that overlap or touch are one. A school is followed to the one that took it over.
    Reads `enrolment`, `school`, `school_link`, `link` and `delivery`.
    """
    try:
        database.add("_school_name", school_names(database))
        database.execute(_KNOWN)
        return database.conformed("enrolment_period", _PERIODS)
    finally:
        database.execute("DROP VIEW IF EXISTS _school_name")
        database.execute("DROP TABLE IF EXISTS _on_roll")


def enrolments_by_marks(database: Database, registers: pa.Table) -> pa.Table:
    """One row per child and school where marks alone tell of the child: no row of `registers` (child_id, urn) does.

    From the first week with a possible session to the last (open while that school's marks go on no longer than the
    child's). Reads `presence`, `school`, `school_link`, `link` and `delivery`.
    """
    try:
        database.add("_school_name", school_names(database))
        database.add("_registered", registers.select(["child_id", "urn"]))
        return database.conformed("enrolment_period", _LAST_RESORT)
    finally:
        for name in ("_school_name", "_registered"):
            database.execute(f"DROP VIEW IF EXISTS {name}")


def assemble_enrolments(database: Database) -> pa.Table:
    """One row per child per school per unbroken registration, closed-open: by registers, and by marks where they are
    silent."""
    registers = enrolments_by_register(database)
    both = pa.concat_tables([registers, enrolments_by_marks(database, registers)])
    return both.sort_by([("child_id", "ascending"), ("start_date", "ascending"), ("urn", "ascending")])


_KNOWN = f"""
    CREATE OR REPLACE TEMP TABLE _on_roll AS
    WITH {RANKED},
    known AS (
        SELECT l.child_id, e.system, coalesce(n.urn, e.school_ref) AS urn, e.entry_date,
            e.leaving_date + 1 AS end_date, e.year_group, e.status, e.boarder, e.delivery, e.line,
            coalesce(r.word, 0) AS word, r.day
        FROM enrolment e JOIN link l ON l.system = e.system AND l.ref = e.pupil_ref
        LEFT JOIN _school_name n ON n.name = e.school_ref
        LEFT JOIN ranked r ON r.delivery = e.delivery
        WHERE e.school_ref IS NOT NULL
    )
    SELECT * EXCLUDE (entry_date), coalesce(entry_date,
        min(day) FILTER (entry_date IS NULL) OVER (PARTITION BY child_id, urn)) AS start_date
    FROM known
"""

_LAST_RESORT = """
    WITH present AS MATERIALIZED (
        SELECT p.*, l.child_id, coalesce(n.urn, p.school_ref) AS urn
        FROM presence p
        JOIN link l ON l.system = p.system AND l.ref = p.pupil_ref
        LEFT JOIN _school_name n ON n.name = p.school_ref
        WHERE p.first_week IS NOT NULL AND p.school_ref IS NOT NULL
    ),
    needed AS (SELECT * FROM present ANTI JOIN _registered USING (child_id, urn)),
    sent AS (SELECT urn, max(last_week) AS last_week FROM present GROUP BY urn)
    SELECT n.child_id, n.urn, min(n.first_week) AS start_date,
        CASE WHEN max(n.last_week) < any_value(s.last_week) THEN max(n.last_week) + 7 END AS end_date,
        NULL AS year_group, NULL AS year_group_year, NULL AS status, NULL AS boarder, true AS by_marks,
        arg_max(n.delivery, (n.last_week, n.delivery)) AS delivery, arg_max(n.line, (n.last_week, n.delivery)) AS line
    FROM needed n JOIN sent s USING (urn)
    GROUP BY n.child_id, n.urn
    ORDER BY child_id, start_date, urn
"""

_PERIODS = f"""
    WITH chosen AS (
        -- The row that gives the leaving date often leaves out what earlier ones said.
        SELECT * REPLACE (CASE WHEN end_date > start_date THEN end_date END AS end_date,
                arg_max(year_group, word) FILTER (year_group IS NOT NULL) OVER one AS year_group,
                arg_max(status, word) FILTER (status IS NOT NULL) OVER one AS status,
                arg_max(boarder, word) FILTER (boarder IS NOT NULL) OVER one AS boarder),
            arg_max(day, word) FILTER (year_group IS NOT NULL) OVER one AS year_group_day
        FROM _on_roll
        WHERE start_date IS NOT NULL
        WINDOW one AS (PARTITION BY child_id, urn, start_date)
        QUALIFY row_number() OVER (PARTITION BY child_id, urn, start_date
            ORDER BY word DESC, end_date IS NULL, end_date DESC, system, line) = 1
    ),
    -- A file of leavers alone, or of some pupils only, says nothing of who stayed.
    census AS (
        SELECT DISTINCT system, urn, day FROM _on_roll
        WHERE day IS NOT NULL AND end_date IS NULL AND system NOT IN {PARTIAL_SYSTEMS}
    ),
    gone AS (
        SELECT o.system, o.urn, o.day, min(c.day) AS next_day
        FROM (SELECT DISTINCT system, urn, day FROM _on_roll) o
        JOIN census c ON c.system = o.system AND c.urn = o.urn AND c.day > o.day GROUP BY ALL
    ),
    other_word AS (
        SELECT p.child_id, p.urn, p.start_date, arg_max(q.end_date, q.word) AS end_date
        FROM chosen p JOIN chosen q ON q.child_id = p.child_id AND q.urn = p.urn
        WHERE p.end_date IS NULL AND q.end_date IS NOT NULL AND q.word > p.word AND q.start_date <> p.start_date
            AND q.start_date <= p.day AND q.end_date > p.day
        GROUP BY ALL
    ),
    ended AS (
        SELECT c.* REPLACE (coalesce(c.end_date, CASE WHEN g.next_day > c.start_date THEN g.next_day
            WHEN g.next_day IS NOT NULL THEN c.start_date + 1 END, o.end_date) AS end_date)
        FROM chosen c LEFT JOIN gone g USING (system, urn, day) LEFT JOIN other_word o USING (child_id, urn, start_date)
    ),
    every AS (
        SELECT child_id, urn, start_date, coalesce(end_date, {NEVER}) AS until, year_group, status, boarder, delivery,
            line, word, year_group_day FROM ended
    ),
    ordered AS (
        SELECT *, max(until) OVER (PARTITION BY child_id, urn ORDER BY start_date, until
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM every
    ),
    numbered AS (
        SELECT *, count(*) FILTER (before IS NULL OR start_date > before) OVER (PARTITION BY child_id, urn
            ORDER BY start_date, until ROWS UNBOUNDED PRECEDING) AS period
        FROM ordered
    )
    SELECT child_id, urn, min(start_date) AS start_date, nullif(max(until), {NEVER}) AS end_date,
        arg_max(year_group, (word, line)) FILTER (year_group IS NOT NULL) AS year_group,
        arg_max(year(year_group_day) - (month(year_group_day) < 8)::INT, (word, line))
            FILTER (year_group IS NOT NULL AND year_group_day IS NOT NULL) AS year_group_year,
        arg_max(status, (word, line)) FILTER (status IS NOT NULL) AS status,
        arg_max(boarder <> 'N', (word, line)) FILTER (boarder IS NOT NULL) AS boarder, false AS by_marks,
        arg_max(delivery, (word, line)) AS delivery, arg_max(line, (word, line)) AS line
    FROM numbered GROUP BY child_id, urn, period
    ORDER BY child_id, start_date, urn
"""

"""Who sends, how far what they sent goes, and who is late or silent: by system, and by school."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Final

import pyarrow as pa

from sightline.engine import Database
from sightline.vocabulary.periods import year_start
from sightline.vocabulary.settings import Settings, rhythm

ON_TIME, LATE, SILENT, NO_RHYTHM = "on time", "late", "silent", "no rhythm set"
# Weeks in which at least this share of the schools that send any marks sent some are weeks of school.
_SHARE: Final = 0.5


def senders(database: Database, *, settings: Settings, on: date) -> pa.Table:
    """One row per system that sends: system, files in force, `data_to` (the newest day it speaks of), `received` (the
    day its last file came), `every_days` (its rhythm; null: none), `days` from `data_to` to the day, and `state`.

    On time: its data are no older than its rhythm. Late: older. Silent: older than twice its rhythm. A system with a
    rhythm that has never sent is not listed: an authority need not have every system.
    """
    held = rhythm(settings.sender_days) or {}
    known = pa.table({"system": pa.array(held, pa.string()), "every_days": pa.array(held.values(), pa.int32())})
    database.add("_rhythm", known)
    try:
        return database.query(
            f"""
            SELECT d.system, count(*)::INT AS files, max(d.as_at) AS data_to, max(d.received) AS received, r.every_days,
                ($on - max(d.as_at))::INT AS days,
                CASE WHEN r.every_days IS NULL THEN '{NO_RHYTHM}' WHEN max(d.as_at) IS NULL THEN '{NO_RHYTHM}'
                    WHEN $on - max(d.as_at) <= r.every_days THEN '{ON_TIME}'
                    WHEN $on - max(d.as_at) <= 2 * r.every_days THEN '{LATE}' ELSE '{SILENT}' END AS state
            FROM delivery d LEFT JOIN _rhythm r ON r.system = d.system
            WHERE d.system NOT IN ('sightline', 'national') GROUP BY d.system, r.every_days
            ORDER BY CASE state WHEN '{SILENT}' THEN 0 WHEN '{LATE}' THEN 1 WHEN '{ON_TIME}' THEN 2 ELSE 3 END, d.system
            """,
            {"on": on},
        )
    finally:
        database.execute("DROP VIEW IF EXISTS _rhythm")


def schools_sending(database: Database, *, settings: Settings, on: date, but: Collection[str] = ()) -> pa.Table:
    """One row per school with a child of the cohort (or looked after) on its roll on the day, or that sends marks:
    urn, name, phase, `children` (of the cohort on roll), `marks_to` (the last day of its last week of marks),
    `weeks_missed`, `census_to`, and `state` of its marks.

    `weeks_missed` counts weeks of school after its last, in which at least half of the schools that send at all in this
    school year sent marks: holidays are nobody's silence. On time: none. Late: fewer than the setting `silent_weeks`.
    Silent: as many or more, or no marks this school year. `but`: children who are not counted.
    """
    year = on.year if on.month >= 8 else on.year - 1
    return database.query(
        f"""
        WITH roll AS (
            SELECT e.urn, count(DISTINCT e.child_id)::INT AS children
            FROM enrolment_period e JOIN counted_period c ON c.child_id = e.child_id
                AND c.start_date <= $on AND (c.end_date IS NULL OR c.end_date > $on) AND c.status <> 'assessment only'
            WHERE NOT list_contains($but, e.child_id)
                AND e.urn IS NOT NULL AND e.start_date <= $on AND (e.end_date IS NULL OR e.end_date > $on)
            GROUP BY e.urn
        ),
        sent AS (
            SELECT urn, week FROM register_school_week WHERE possible > 0 AND week >= $since AND week <= $on
        ),
        held AS (SELECT urn, max(week) AS last FROM sent GROUP BY urn),
        weeks AS (
            SELECT week FROM sent GROUP BY week
            HAVING count(DISTINCT urn) >= {_SHARE} * (SELECT count(*) FROM held)
        ),
        census AS (
            SELECT e.urn, max(d.as_at) AS census_to
            FROM enrolment_period e JOIN delivery d USING (delivery) WHERE d.system = 'school-census' GROUP BY e.urn
        ),
        named AS (
            SELECT urn, arg_max(name, coalesce(d.place, 0)) AS name, arg_max(phase, coalesce(d.place, 0)) AS phase
            FROM school s LEFT JOIN delivery d USING (delivery) GROUP BY urn
        ),
        asked AS (SELECT urn FROM roll UNION SELECT urn FROM held),
        missed AS (
            SELECT a.urn, h.last, count(w.week)::INT AS weeks_missed
            FROM asked a LEFT JOIN held h USING (urn) LEFT JOIN weeks w ON h.last IS NULL OR w.week > h.last
            GROUP BY a.urn, h.last
        )
        SELECT m.urn, coalesce(n.name, m.urn) AS name, n.phase, coalesce(r.children, 0) AS children,
            (m.last + 4)::DATE AS marks_to, m.weeks_missed, c.census_to,
            CASE WHEN m.last IS NULL OR m.weeks_missed >= $silent THEN '{SILENT}'
                WHEN m.weeks_missed > 0 THEN '{LATE}' ELSE '{ON_TIME}' END AS state
        FROM missed m LEFT JOIN roll r USING (urn) LEFT JOIN census c USING (urn) LEFT JOIN named n USING (urn)
        ORDER BY CASE state WHEN '{SILENT}' THEN 0 WHEN '{LATE}' THEN 1 ELSE 2 END, coalesce(r.children, 0) DESC,
            coalesce(n.name, m.urn), m.urn
        """,
        {"on": on, "since": year_start(year), "silent": settings.silent_weeks, "but": sorted(but) or [""]},
    )

"""How far each source agrees with the others, snapshot by snapshot, and how much of the cohort has been matched."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pyarrow as pa

from sightline.engine import Database
from sightline.reconciliation.life import CORRECTED, EXPLAINED

MATCH_GROUPS: Final = {"team": ("team_name", "NULL"), "school": ("school_name", "urn")}
RECENT: Final = 28  # days before the newest marks within which a matched child has one


def accuracy(database: Database, *, cohort: pa.Table, snapshot: str, made: date, as_at: date) -> pa.Table:
    """One row per snapshot per source system: the parent's rows (`previous_accuracy`), and this snapshot's.

    Of the children in the cohort on `as_at` whom a system knows, those on whom it agrees with the others: no exception
    that is open and not explained names it on either side. `cohort`: one row per child (child_id). Reads `exception`,
    `link` and `previous_accuracy`.
    """
    database.add("_cohort_now", cohort.select(["child_id"]))
    try:
        return database.conformed(
            "accuracy",
            f"""
            WITH named AS (
                SELECT child_id, system, bool_or(state <> '{EXPLAINED}') AS parts,
                    bool_or(asked AND state <> '{EXPLAINED}') AS asked
                FROM (
                    SELECT child_id, left_system AS system, state, false AS asked FROM exception
                    UNION ALL SELECT child_id, right_system, state, false FROM exception
                    UNION ALL SELECT child_id, system, state, true FROM exception
                ) WHERE state <> '{CORRECTED}' GROUP BY ALL
            ),
            known AS (SELECT DISTINCT l.system, c.child_id FROM link l JOIN _cohort_now c USING (child_id))
            SELECT * FROM previous_accuracy WHERE snapshot <> $snapshot
            UNION ALL BY NAME
            SELECT $snapshot AS snapshot, $made AS made, $as_at AS day, k.system, count(*) AS children,
                count(*) FILTER (n.parts IS NOT true) AS agree, count(*) FILTER (n.parts = false) AS explained,
                count(*) FILTER (n.asked) AS asked
            FROM known k LEFT JOIN named n ON n.child_id = k.child_id AND n.system = k.system
            GROUP BY k.system
            ORDER BY snapshot, system
            """,
            {"snapshot": snapshot, "made": made, "as_at": as_at},
        )
    finally:
        database.execute("DROP VIEW IF EXISTS _cohort_now")


def match_rates(database: Database, by: str, *, cohort: pa.Table) -> pa.Table:
    """One row per team or school: children on a plan, how many of them were found in education, and in recent marks.

    `cohort`: one row per child on a plan now, as `cohort.status_on` gives them. Columns: `by`, `urn`, `children`,
    `with_education` (a school's system knows the child), `with_marks` (a possible session in the 28 days before the
    newest week of marks), `percent` (with marks). Raises KeyError for another grouping.
    """
    group, urn = MATCH_GROUPS[by]
    database.add("_on_plan", cohort)
    newest = database.one("SELECT max(week) FROM register_school_week")
    since = (newest or date(1, 1, 1)) - timedelta(days=RECENT if newest else 0)
    try:
        return database.query(
            f"""
            SELECT {group} AS "by", {urn} AS urn, count(*)::INT AS children,
                count(*) FILTER (e.child_id IS NOT NULL)::INT AS with_education,
                count(*) FILTER (w.child_id IS NOT NULL)::INT AS with_marks,
                100.0 * count(*) FILTER (w.child_id IS NOT NULL) / count(*) AS percent
            FROM _on_plan c
            LEFT JOIN (SELECT DISTINCT l.child_id FROM link l JOIN (SELECT DISTINCT system FROM pupil) USING (system)) e
                USING (child_id)
            LEFT JOIN (SELECT DISTINCT child_id FROM register_week WHERE week > ? AND possible > 0) w USING (child_id)
            GROUP BY ALL ORDER BY percent, children DESC, "by"
            """,
            [since],
        )
    finally:
        database.execute("DROP VIEW IF EXISTS _on_plan")

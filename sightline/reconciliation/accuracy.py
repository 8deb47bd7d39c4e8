"""How far each source agrees with the others, snapshot by snapshot."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from sightline.engine import Database
from sightline.reconciliation.life import CORRECTED, EXPLAINED
from sightline.vocabulary.exploitation import YOUTH_JUSTICE


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
            known AS (
                SELECT DISTINCT l.system, c.child_id FROM link l JOIN _cohort_now c USING (child_id)
                WHERE l.system <> $compared_with_none
            )
            SELECT * FROM previous_accuracy WHERE snapshot <> $snapshot
            UNION ALL BY NAME
            SELECT $snapshot AS snapshot, $made AS made, $as_at AS day, k.system, count(*) AS children,
                count(*) FILTER (n.parts IS NOT true) AS agree, count(*) FILTER (n.parts = false) AS explained,
                count(*) FILTER (n.asked) AS asked
            FROM known k LEFT JOIN named n ON n.child_id = k.child_id AND n.system = k.system
            GROUP BY k.system
            ORDER BY snapshot, system
            """,
            {"snapshot": snapshot, "made": made, "as_at": as_at, "compared_with_none": YOUTH_JUSTICE},
        )
    finally:
        database.execute("DROP VIEW IF EXISTS _cohort_now")

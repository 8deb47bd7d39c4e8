"""How much of the cohort has been found in education: the figure a data officer watches."""

from __future__ import annotations

import pyarrow as pa

from sightline.engine import Database


def match_rate(database: Database) -> pa.Table:
    """One row per social care system and group of its children: children, with_education, percent.

    Groups: `known` (every child of the system), `ever on a plan` and `plan still open` (its latest delivery of that
    plan gives no end). A child counts as found when an education record has the same child_id. Percent is null where
    there are no children. Reads `link`, `child`, `cin_plan`, `cp_plan`, `pupil` and `delivery`.
    """
    return database.query(
        """
        WITH schooled AS (
            SELECT DISTINCT l.child_id FROM link l
            WHERE (l.system, l.ref) IN (SELECT system, pupil_ref FROM pupil)
        ),
        ranked AS (
            SELECT delivery, row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
            FROM delivery
        ),
        plan AS (
            SELECT system, child_ref, start_date, arg_max_null(end_date, word) AS end_date
            FROM (
                SELECT 'CIN' AS kind, system, child_ref, start_date, end_date, delivery FROM cin_plan
                UNION ALL SELECT 'CP', system, child_ref, start_date, end_date, delivery FROM cp_plan
            ) JOIN ranked USING (delivery)
            GROUP BY kind, system, child_ref, start_date
        ),
        grouped AS (
            SELECT DISTINCT 1 AS place, 'known' AS "group", system, child_ref FROM child
            UNION ALL SELECT DISTINCT 2, 'ever on a plan', system, child_ref FROM plan
            UNION ALL SELECT DISTINCT 3, 'plan still open', system, child_ref FROM plan WHERE end_date IS NULL
        )
        SELECT g.system, g."group", count(DISTINCT l.child_id)::INT AS children,
            count(DISTINCT s.child_id)::INT AS with_education,
            100.0 * count(DISTINCT s.child_id) / nullif(count(DISTINCT l.child_id), 0) AS percent
        FROM grouped g JOIN link l ON l.system = g.system AND l.ref = g.child_ref
        LEFT JOIN schooled s ON s.child_id = l.child_id
        GROUP BY g.system, g."group", g.place ORDER BY g.system, g.place
        """
    )

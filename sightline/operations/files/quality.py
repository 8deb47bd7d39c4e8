"""How good the data are: the files in force, what was found wrong in them, and how much of the cohort was found."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.settings import STATUSES

_MAY_BE_EMPTY = ("table", "record", "field", "value", "right")
# Statuses of a child whom a school should know of, in the order of the definitions.
ON_PLAN = STATUSES


def deliveries_in_force(opened: Opened) -> pa.Table:
    """One row per file in force, the last received first: delivery, kind, period, as_at, received, and its findings by
    severity (errors, queries, notes). A last row without a delivery is of what comparing files found."""
    return opened.database.query(
        """
        SELECT delivery, kind, period, as_at, received, coalesce(errors, 0) AS errors, coalesce(queries, 0) AS queries,
            coalesce(notes, 0) AS notes
        FROM delivery FULL JOIN (
            SELECT CASE WHEN f.delivery IN (SELECT delivery FROM delivery) THEN f.delivery END AS delivery,
                count(*) FILTER (severity = 'error') AS errors, count(*) FILTER (severity = 'query') AS queries,
                count(*) FILTER (severity NOT IN ('error', 'query')) AS notes
            FROM finding f GROUP BY 1
        ) USING (delivery)
        ORDER BY received DESC NULLS LAST, place DESC NULLS LAST
        """
    )


def findings_within(opened: Opened, scope: Scope, *, unread: Collection[str] = ()) -> pa.Table:
    """One row per finding of the files in force and of comparing them, the gravest first, as this scope may read them.

    Columns: kind ("comparison" where no one file is at fault), received, delivery, line, rule, severity, says, table,
    record, field, value, right, `child_id` (of a record of a child in scope) and `withheld`: the finding is about a
    record of nobody in scope, or in a file of a kind in `unread` (whose children this reader may not see), so says,
    record, field, value and right are null and only its rule and place are told.
    """
    door = opened.children
    within = opened.within(scope, door)
    named = ", ".join(f'nullif("{c}", \'\') AS "{c}"' for c in _MAY_BE_EMPTY)
    return door.query(
        f"""
        WITH about AS (
            SELECT system, ref, min(child_id) AS child_id FROM link
            WHERE child_id IN (SELECT child_id FROM {within}) AND ref IN (SELECT record FROM finding)
            GROUP BY system, ref
        ),
        -- What a finding does not name is kept as empty text, and no line as line 0.
        held AS (
            SELECT delivery, rule, severity, says, {named},
                nullif(line, 0) AS line
            FROM finding
        ),
        told AS (
            SELECT f.*, coalesce(d.kind, 'comparison') AS kind, d.received, d.place, a.child_id,
                f.record IS NOT NULL AND (a.child_id IS NULL OR coalesce(list_contains($unread, d.kind), false))
                    AS withheld
            FROM held f LEFT JOIN delivery d USING (delivery)
            LEFT JOIN about a ON a.system = d.system AND a.ref = f.record
        )
        SELECT kind, received, delivery, line, rule, severity, CASE WHEN NOT withheld THEN says END AS says, "table",
            CASE WHEN NOT withheld THEN record END AS record, CASE WHEN NOT withheld THEN field END AS field,
            -- A value of a line that names no record may be anybody's.
            CASE WHEN NOT withheld AND (record IS NOT NULL OR line IS NULL) THEN value END AS value,
            CASE WHEN NOT withheld THEN "right" END AS "right",
            CASE WHEN NOT withheld THEN child_id END AS child_id, withheld
        FROM told
        ORDER BY CASE severity WHEN 'error' THEN 0 WHEN 'query' THEN 1 ELSE 2 END, place NULLS LAST, rule, line, record
        """,
        {"unread": list(unread)},
    )

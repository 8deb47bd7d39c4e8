"""When the reasons for knowing a child run out: the days on which every question of retention rests."""

from __future__ import annotations

import pyarrow as pa

from sightline.cohort.counted import EVER_6, PLANS
from sightline.engine import Database


def clocks(database: Database) -> pa.Table:
    """One row per child a social care source knows, or who has or had Early Help: `child_id`, and the days below, each
    the first one without.

    `closed_on`: without any plan, looked-after episode, assessment or allocated worker (null while one is open).
    `plan_ended`: without the CP or CIN plan that ended last (null where none has ended).
    `ever_6_until`: no longer counted as Ever 6 (null where the child never was). The look-back and the oldest age are
    those of the counted periods (settings `look_back_years` and `ever_6_oldest_age`).
    `help_ended`: without an episode of Early Help (null while one is open); `helped` and `known`: whether the child
    ever had one, and whether social care knows the child at all. `closed_on` says nothing of a child who is not known.
    Reads `status_period`, `counted_period`, `allocation` and `early_help_period`; rows are in order of child.
    """
    plans = ", ".join(f"'{plan}'" for plan in PLANS)
    return database.query(
        f"""
        WITH known AS (
            SELECT child_id, CASE WHEN bool_or(end_date IS NULL) THEN NULL ELSE max(end_date) END AS closed_on,
                max(end_date) FILTER (status IN ({plans})) AS plan_ended
            FROM (
                SELECT child_id, status, end_date FROM status_period
                UNION ALL SELECT child_id, NULL, end_date FROM allocation
            ) GROUP BY child_id
        ),
        looked_back AS (
            SELECT child_id, max(end_date) AS ever_6_until FROM counted_period WHERE status = '{EVER_6}'
            GROUP BY child_id
        ),
        with_help AS (
            SELECT child_id, CASE WHEN bool_or(end_date IS NULL) THEN NULL ELSE max(end_date) END AS help_ended
            FROM early_help_period GROUP BY child_id
        )
        SELECT coalesce(k.child_id, h.child_id) AS child_id, closed_on, plan_ended, ever_6_until, help_ended,
            h.child_id IS NOT NULL AS helped, k.child_id IS NOT NULL AS known
        FROM known k LEFT JOIN looked_back USING (child_id) FULL JOIN with_help h ON h.child_id = k.child_id
        ORDER BY 1
        """
    )

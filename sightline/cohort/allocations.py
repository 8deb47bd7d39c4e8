"""Who a child's allocated social worker was on any day: one at a time."""

from __future__ import annotations

import pyarrow as pa

from sightline.cohort.words import NEVER, RANKED, latest
from sightline.engine import Database
from sightline.vocabulary.settings import Settings


def assemble_allocations(database: Database, settings: Settings) -> pa.Table:
    """One row per period in which one worker, in one team, was a child's allocated social worker, closed-open.

    From involvements in a social worker's role. Where several are open at once the latest start is the child's worker
    from its first day; when it ends while an earlier one is still open, the earlier worker is the child's again. So no
    two periods of a child overlap. A plan's own worker and team stand in where no involvement touches the plan.
    The latest delivery that mentions a child's worker from one start day has the last word; an involvement a later
    delivery of the same system no longer shows has ended on the day the former speaks of. A team without a name is
    shown by its reference. Which roles make a social worker: `settings.social_worker_roles`; where a row has no role,
    what its reader said of it.
    """
    roles = [role.strip().lower() for role in settings.social_worker_roles]
    return database.conformed("allocation", _SQL, {"roles": roles})


_SQL = f"""
    WITH {RANKED},
    referred AS (
        SELECT DISTINCT ON (system, referral_ref) system, 'referral:' || referral_ref AS ref, child_ref
        FROM referral WHERE referral_ref IS NOT NULL ORDER BY system, referral_ref, child_ref
    ),
    involved AS (
        -- One system names only the referral: its child is found through it.
        SELECT i.system, coalesce(f.child_ref, i.child_ref) AS child_ref, i.professional_ref AS worker_ref, i.team_ref,
            i.start_date, i.end_date + 1 AS end_date, i.delivery, i.line
        FROM involvement i LEFT JOIN referred f ON f.system = i.system AND f.ref = i.child_ref
        WHERE CASE WHEN i.role IS NULL THEN i.is_social_worker ELSE list_contains($roles, lower(trim(i.role))) END
            AND i.start_date IS NOT NULL AND (i.end_date IS NULL OR i.end_date >= i.start_date)
    ),
    known AS (
        SELECT l.child_id, i.*, coalesce(r.word, 0) AS word, r.day, coalesce(r.authority, '') AS authority
        FROM involved i JOIN link l ON l.system = i.system AND l.ref = i.child_ref
        LEFT JOIN ranked r ON r.delivery = i.delivery
    ),
    chosen AS (
        SELECT * FROM known
        QUALIFY row_number() OVER (PARTITION BY child_id, worker_ref, start_date
            ORDER BY word DESC, end_date IS NULL, end_date DESC, line) = 1
    ),
    heard AS (SELECT system, authority, max(day) AS last_day FROM known GROUP BY ALL),
    worked AS (
        SELECT c.* REPLACE (CASE WHEN c.end_date IS NULL AND h.last_day > c.day
            THEN greatest(c.day, c.start_date) + 1 ELSE c.end_date END AS end_date)
        FROM chosen c LEFT JOIN heard h USING (system, authority)
    ),
    planned AS (
        SELECT l.child_id, p.system, p.child_ref, p.worker_ref, p.team_ref, p.start_date, p.end_date + 1 AS end_date,
            p.delivery, p.line, coalesce(r.word, 0) AS word
        FROM (SELECT * FROM cin_plan WHERE worker_ref IS NOT NULL OR team_ref IS NOT NULL) p
        JOIN link l ON l.system = p.system AND l.ref = p.child_ref LEFT JOIN ranked r ON r.delivery = p.delivery
        WHERE p.start_date IS NOT NULL AND (p.end_date IS NULL OR p.end_date >= p.start_date)
        QUALIFY row_number() OVER (PARTITION BY l.child_id, p.start_date
            ORDER BY word DESC, end_date IS NULL, end_date DESC, p.line) = 1
    ),
    stood_in AS (
        SELECT p.* FROM planned p WHERE NOT EXISTS (
            SELECT 1 FROM worked w WHERE w.child_id = p.child_id
                AND w.start_date < coalesce(p.end_date, {NEVER}) AND coalesce(w.end_date, {NEVER}) > p.start_date)
    ),
    every AS (
        SELECT child_id, system, worker_ref, team_ref, start_date, coalesce(end_date, {NEVER}) AS until, delivery, line,
            word FROM worked
        UNION ALL
        SELECT child_id, system, worker_ref, team_ref, start_date, coalesce(end_date, {NEVER}), delivery, line, word
        FROM stood_in
    ),
    cuts AS (SELECT child_id, start_date AS day FROM every UNION SELECT child_id, until FROM every),
    slices AS (
        SELECT child_id, day, lead(day) OVER (PARTITION BY child_id ORDER BY day) AS next_day FROM cuts
    ),
    held AS (
        SELECT s.child_id, s.day, s.next_day, e.* EXCLUDE (child_id)
        FROM slices s JOIN every e ON e.child_id = s.child_id AND e.start_date <= s.day AND e.until >= s.next_day
        QUALIFY row_number() OVER (PARTITION BY s.child_id, s.day
            ORDER BY e.start_date DESC, e.word DESC, e.line DESC, e.worker_ref) = 1
    ),
    professionals AS (
        SELECT p.system, p.professional_ref, {latest("p.name", "r.word")} AS name,
            {latest("p.team_ref", "r.word")} AS team_ref
        FROM professional p JOIN ranked r USING (delivery) GROUP BY ALL
    ),
    teams AS (
        SELECT t.system, t.team_ref, {latest("t.name", "r.word")} AS name FROM team t JOIN ranked r USING (delivery)
        GROUP BY ALL
    ),
    named AS (
        SELECT h.child_id, h.day, h.next_day, h.worker_ref, p.name AS worker_name,
            coalesce(h.team_ref, p.team_ref) AS team_ref, coalesce(t.name, h.team_ref, p.team_ref) AS team_name,
            h.delivery, h.line, h.start_date
        FROM held h LEFT JOIN professionals p ON p.system = h.system AND p.professional_ref = h.worker_ref
        LEFT JOIN teams t ON t.system = h.system AND t.team_ref = coalesce(h.team_ref, p.team_ref)
    ),
    marked AS (
        SELECT *, coalesce(lag(next_day) OVER w = day AND lag(worker_ref) OVER w IS NOT DISTINCT FROM worker_ref
            AND lag(team_ref) OVER w IS NOT DISTINCT FROM team_ref, false) AS goes_on
        FROM named WINDOW w AS (PARTITION BY child_id ORDER BY day)
    ),
    numbered AS (
        SELECT *, count(*) FILTER (NOT goes_on) OVER (PARTITION BY child_id ORDER BY day ROWS UNBOUNDED PRECEDING)
            AS turn
        FROM marked
    )
    SELECT child_id, any_value(worker_ref) AS worker_ref, any_value(worker_name) AS worker_name,
        any_value(team_ref) AS team_ref, any_value(team_name) AS team_name, min(day) AS start_date,
        nullif(max(next_day), {NEVER}) AS end_date, arg_max(delivery, day) AS delivery, arg_max(line, day) AS line
    FROM numbered GROUP BY child_id, turn
    ORDER BY child_id, start_date
"""

"""Periods of one status: plans, care and assessments of every delivery brought to one closed-open history per child."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from sightline.cohort.words import NEVER, RANKED
from sightline.engine import Database, findings_table
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.systems import PARTIAL_SYSTEMS

_KINDS = {
    "CIN plan": ("cin_plan", "NULL::BOOLEAN"),
    "CP plan": ("cp_plan", "other_authority"),
    "looked after": ("looked_after", "NULL::BOOLEAN"),
    "assessment": ("assessment", "NULL::BOOLEAN"),
}


@dataclass(frozen=True, slots=True)
class StatusPeriods:
    """`table`: the vocabulary's status_period. `findings`: rows that could not be used, and ends that are presumed."""

    table: pa.Table
    findings: pa.Table


def assemble_status_periods(database: Database, settings: Settings) -> StatusPeriods:
    """One row per child per unbroken period of one status, before precedence, closed-open.

    - A last day in becomes a first day out (one day later). An end before its start is left out, with a finding.
    - The latest delivery that mentions a child's plan of one kind from one start day has the last word on it.
    - A plan left open by a delivery, and no longer shown by a later one of the same system and authority that does
      show such plans, is presumed to have ended on the day the former speaks of.
    - A plan left open by one system, when a later delivery knows a plan of the same kind live on that day and when it
      ended, is presumed to have ended then: the two are one plan whose start was recorded differently.
    - Otherwise systems that disagree are both believed, and periods of one kind that overlap or touch become one, so
      that no day is counted twice. A plan that starts the day after another of its kind ended continues it.
    - Being assessed is each assessment, and the wait from referral (unless without further action) to the first
      assessment, plan or closure. An open assessment ends with its referral.
    - Nothing outlasts a child's death.

    `settings` is taken for symmetry with the questions: no choice of an authority changes the history itself.
    Sources: CIN census guide (a plan is open when it has no end); measured: unmerged overlaps over-count days by 7%.
    """
    del settings
    union = " UNION ALL ".join(
        f"SELECT '{status}' AS status, '{t}' AS from_table, system, child_ref, referral_ref, start_date, end_date, "
        f"{other} AS other_authority, delivery, line FROM {t}"
        for status, (t, other) in _KINDS.items()
    )
    union += (
        " UNION ALL SELECT 'referral', 'referral', system, child_ref, referral_ref, referral_date, closure_date, "
        "no_further_action, delivery, line FROM referral"
    )
    try:
        database.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE _said AS
            WITH {RANKED}
            SELECT l.child_id, s.status, s.from_table, s.system, s.child_ref, s.referral_ref, s.start_date,
                s.end_date + 1 AS end_date, s.other_authority, s.delivery, s.line, coalesce(r.word, 0) AS word, r.day,
                coalesce(r.authority, '') AS authority,
                s.start_date IS NOT NULL AND (s.end_date IS NULL OR s.end_date >= s.start_date) AS usable
            FROM ({union}) s JOIN link l ON l.system = s.system AND l.ref = s.child_ref
            LEFT JOIN ranked r ON r.delivery = s.delivery
            """
        )
        database.execute(_LAST_WORD)
        table = database.conformed("status_period", _PERIODS)
        return StatusPeriods(table, _findings(database))
    finally:
        for name in ("_said", "_last"):
            database.execute(f"DROP TABLE IF EXISTS {name}")


# The last word on each (child, kind, start), with presumed ends. Within one delivery, the row that ends, and ends last.
_LAST_WORD = f"""
    CREATE OR REPLACE TEMP TABLE _last AS
    WITH chosen AS (
        SELECT * EXCLUDE usable FROM _said WHERE usable
        QUALIFY row_number() OVER (PARTITION BY child_id, status, start_date
            ORDER BY word DESC, end_date IS NULL, end_date DESC, system, child_ref, line) = 1
    ),
    -- A delivery that shows no plan of the kind at all, or is always of some children only, says nothing by silence.
    speaks AS (
        SELECT DISTINCT status, system, authority, day FROM _said
        WHERE day IS NOT NULL AND system NOT IN {PARTIAL_SYSTEMS}
    ),
    heard AS (SELECT status, system, authority, max(day) AS last_day FROM speaks GROUP BY ALL),
    presumed AS (
        SELECT c.*, c.end_date IS NULL AND h.last_day > c.day AS silent
        FROM chosen c LEFT JOIN heard h USING (status, system, authority)
    ),
    other_word AS (
        SELECT p.child_id, p.status, p.start_date, arg_max(q.end_date, q.word) AS end_date
        FROM presumed p JOIN presumed q ON q.child_id = p.child_id AND q.status = p.status
        WHERE p.end_date IS NULL AND q.end_date IS NOT NULL AND q.word > p.word
            AND q.start_date <= p.day AND q.end_date > p.day
        GROUP BY ALL
    )
    SELECT p.* EXCLUDE (end_date, silent),
        CASE WHEN p.end_date IS NOT NULL THEN p.end_date
            WHEN p.silent THEN greatest(p.day, p.start_date) + 1
            ELSE o.end_date END AS end_date,
        coalesce(p.silent, false) AS silent,
        p.end_date IS NULL AND (coalesce(p.silent, false) OR o.end_date IS NOT NULL) AS presumed
    FROM presumed p LEFT JOIN other_word o USING (child_id, status, start_date)
"""

_PERIODS = f"""
    WITH first_plan AS (
        SELECT r.child_id, r.start_date, min(p.start_date) AS first_day
        FROM _last r JOIN _last p ON p.child_id = r.child_id AND p.start_date >= r.start_date AND p.status <> 'referral'
        WHERE r.status = 'referral' GROUP BY ALL
    ),
    closed AS (
        SELECT system, child_ref, referral_ref, max(end_date) AS end_date
        FROM _last WHERE status = 'referral' AND referral_ref IS NOT NULL
        GROUP BY ALL HAVING bool_and(end_date IS NOT NULL)
    ),
    single AS (
        SELECT l.child_id, l.status, l.start_date,
            CASE WHEN l.status = 'assessment' AND l.end_date IS NULL THEN c.end_date ELSE l.end_date END AS end_date,
            l.presumed OR (l.status = 'assessment' AND l.end_date IS NULL AND c.end_date IS NOT NULL) AS presumed,
            l.other_authority, l.delivery, l.line, l.word
        FROM _last l LEFT JOIN closed c
            ON l.status = 'assessment' AND c.system = l.system AND c.child_ref = l.child_ref
            AND c.referral_ref = l.referral_ref
        WHERE l.status <> 'referral'
        UNION ALL
        SELECT r.child_id, 'assessment', r.start_date, nullif(least(coalesce(r.end_date, {NEVER}),
            coalesce(f.first_day, {NEVER})), {NEVER}), r.presumed, NULL, r.delivery, r.line, r.word
        FROM _last r LEFT JOIN first_plan f USING (child_id, start_date)
        -- For a referral, `other_authority` holds whether it led to no further action.
        WHERE r.status = 'referral' AND r.other_authority IS NOT true
    ),
    death AS (
        SELECT l.child_id, max(c.death_date) + 1 AS first_day_out
        FROM child c JOIN link l ON l.system = c.system AND l.ref = c.child_ref
        WHERE c.death_date IS NOT NULL GROUP BY ALL
    ),
    living AS (
        SELECT s.* REPLACE (CASE WHEN coalesce(s.end_date, {NEVER}) > d.first_day_out THEN d.first_day_out
            ELSE s.end_date END AS end_date, s.presumed OR (s.end_date IS NULL AND d.child_id IS NOT NULL) AS presumed)
        FROM single s LEFT JOIN death d USING (child_id)
    ),
    ordered AS (
        SELECT *, coalesce(end_date, {NEVER}) AS until,
            max(coalesce(end_date, {NEVER})) OVER (PARTITION BY child_id, status ORDER BY start_date,
                coalesce(end_date, {NEVER}) ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
        FROM living WHERE end_date IS NULL OR end_date > start_date
    ),
    numbered AS (
        SELECT *, count(*) FILTER (before IS NULL OR start_date > before) OVER (PARTITION BY child_id, status
            ORDER BY start_date, until ROWS UNBOUNDED PRECEDING) AS period
        FROM ordered
    )
    SELECT child_id, status, min(start_date) AS start_date, nullif(max(until), {NEVER}) AS end_date,
        arg_max(presumed, (until, word, line)) AS presumed, bool_and(other_authority) AS other_authority,
        arg_max(delivery, (until, word, line)) AS delivery, arg_max(line, (until, word, line)) AS line
    FROM numbered GROUP BY child_id, status, period
    ORDER BY child_id, start_date, status
"""

_MOST = 10_000


def _findings(database: Database) -> pa.Table:
    """One row per plan or other period that could not be used as received, or whose end had to be presumed."""
    rows = database.rows(
        f"""
        SELECT delivery, from_table, child_ref, CASE WHEN start_date IS NULL THEN 'start' ELSE 'end' END AS fault,
            coalesce((end_date - 1)::TEXT, ''), line
        FROM _said WHERE NOT usable
        UNION ALL
        SELECT delivery, from_table, child_ref, 'silent', '', line FROM _last
        WHERE silent AND status IN ('CIN plan', 'CP plan', 'looked after')
        ORDER BY 1, 6, 2, 3 LIMIT {_MOST}
        """
    )
    by_delivery: dict[str, list[Finding]] = {}
    for delivery, table, ref, fault, value, line in rows:
        rule, severity, says, field, right = _SENTENCES[fault]
        finding = Finding(rule, severity, says, table, ref, _FIELD.get((table, field), field), value, right, line or 0)
        by_delivery.setdefault(delivery or "", []).append(finding)
    tables = [findings_table(found, delivery=d) for d, found in by_delivery.items()]
    return pa.concat_tables([*tables, findings_table([])])


_FIELD = {("referral", "start_date"): "referral_date", ("referral", "end_date"): "closure_date"}
_SENTENCES = {
    "start": (
        "period-without-start",
        Severity.ERROR,
        "A plan or episode has no start date, so it was left out of the child's history.",
        "start_date",
        "the day it started",
    ),
    "end": (
        "period-ends-before-it-starts",
        Severity.ERROR,
        "A plan or episode ends before it starts, so it was left out of the child's history.",
        "end_date",
        "an end on or after the start",
    ),
    "silent": (
        "plan-presumed-ended",
        Severity.QUERY,
        "This plan or period was still open here and a later file of the same system no longer shows it, so it is "
        "presumed to have ended on the day this file speaks of.",
        "end_date",
        "an end date in the later file, or the plan still open in it",
    ),
}

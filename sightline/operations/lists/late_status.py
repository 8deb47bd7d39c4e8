"""How late plans are: from the outcome that decided one to its first day, and from its first day until a file knew it.

The days until a file knew of a plan are proved, never guessed: the days on which a later file of a care system that
knows the child, and speaks of that kind of plan and of those days, still did not show it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sightline.operations.opened import Opened, Scope
from sightline.operations.sheets import Grid, Value
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.limits import OUTCOME_TO_PLAN

WORDS: Final = (
    ("Days from the outcome", "From the conference that decided on a Child Protection plan, or the assessment that led "
     "to a Child in Need plan, to the plan’s first day. A plan that follows another plan has none."),
    ("Days unseen", "From the plan’s first day to the day of the last file that should have shown it and did not: the "
     "least it was late. None where the first file that could show it did."),
)  # fmt: skip
NO_TEAM: Final = "No team recorded"


def late_plans(opened: Opened, scope: Scope, children: pa.Table, since: date, on: date) -> list[dict[str, Any]]:
    """One row per Child in Need or Child Protection plan that began from `since` to `on`, both in, of `children` (rows
    of `cohort_on`, those in scope): the latest recorded first, then the longest after its outcome.

    Their own columns, and: `kind`, `plan_start`; `outcome` ("conference", for a Child Protection plan, or
    "assessment"), `outcome_day` and `outcome_days` (from it to the plan), null where no outcome is known of the days
    before that `limits.OUTCOME_TO_PLAN` counts, or the plan follows another plan; `known_on`, the day the first file
    that shows it speaks of;
    `unseen_days`, from its start to the day of the last file before that which should have shown it and did not, 0
    where the first that could did, null where no file could have yet; `late`, where either is more than the
    setting's days; and `plan_team`, `plan_worker`: of the allocation on its first day. A start is as last told.
    Raises BadSetting where the period ends before it begins.
    """
    if since > on:
        raise BadSetting("The first day of the period should not be after its last.")
    door = opened.database
    here = children.filter(pa.array([scope.holds(c) for c in children["child_id"].to_pylist()], pa.bool_()))
    door.add("late_children", here.select(["child_id"]))
    found = door.query(
        _FOUND, {"since": since, "on": on, "longest": OUTCOME_TO_PLAN.value, "late": opened.settings.late_record_days}
    ).to_pylist()
    rows = {row["child_id"]: row for row in here.to_pylist()}
    return [{**rows[each["child_id"]], **each} for each in found]


_FOUND: Final = """
    WITH ranked AS (
        SELECT delivery, system, coalesce(as_at, received) AS day,
            row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
        FROM delivery
    ),
    told AS (
        SELECT 'CIN plan' AS kind, system, child_ref, start_date, end_date, delivery FROM cin_plan
        UNION ALL
        SELECT 'CP plan', system, child_ref, start_date, end_date, delivery FROM cp_plan
        WHERE other_authority IS NOT true
    ),
    said AS (
        SELECT l.child_id, t.kind, t.system, t.start_date, t.end_date, r.day, r.word
        FROM told t JOIN link l ON l.system = t.system AND l.ref = t.child_ref JOIN late_children USING (child_id)
        JOIN ranked r USING (delivery) WHERE t.start_date IS NOT NULL
    ),
    -- What each file speaks of: a census of its year, an extract of what it reaches.
    cover AS (
        SELECT t.kind, r.system, r.delivery, r.day AS to_day, r.word,
            CASE WHEN r.system = 'cin-census' THEN (r.day - INTERVAL 1 YEAR)::DATE + 1
                ELSE min(coalesce(t.end_date, r.day)) END AS from_day
        FROM told t JOIN ranked r USING (delivery) GROUP BY t.kind, r.system, r.delivery, r.day, r.word
    ),
    known_in AS (SELECT DISTINCT child_id, system FROM link SEMI JOIN late_children USING (child_id)),
    began AS (
        SELECT child_id, kind, start_date, max(end_date) AS end_date, max(word) AS word,
            min(day) FILTER (day >= start_date) AS known_on
        FROM said WHERE start_date BETWEEN $since AND $on GROUP BY child_id, kind, start_date
    ),
    -- A start that a later word on the same days has changed is no plan of its own.
    plan AS (
        SELECT b.* FROM began b WHERE NOT EXISTS (
            SELECT 1 FROM said q WHERE q.child_id = b.child_id AND q.kind = b.kind AND q.start_date <> b.start_date
                AND q.word > b.word AND q.start_date <= coalesce(b.end_date, DATE '9999-12-31')
                AND coalesce(q.end_date, DATE '9999-12-31') >= b.start_date)
    ),
    could AS (
        SELECT p.child_id, p.kind, p.start_date, c.to_day,
            EXISTS (SELECT 1 FROM said q WHERE q.child_id = p.child_id AND q.kind = p.kind AND q.system = c.system
                AND q.day = c.to_day AND q.start_date <= c.to_day
                AND coalesce(q.end_date, DATE '9999-12-31') >= p.start_date) AS shows
        FROM plan p JOIN cover c ON c.kind = p.kind AND c.from_day <= p.start_date AND c.to_day >= p.start_date
        JOIN known_in k ON k.child_id = p.child_id AND k.system = c.system
    ),
    unseen AS (
        SELECT c.child_id, c.kind, c.start_date,
            coalesce(max(c.to_day) FILTER (NOT shows AND to_day < coalesce(p.known_on, DATE '9999-12-31'))
                - c.start_date, 0) AS unseen_days
        FROM could c JOIN plan p USING (child_id, kind, start_date) GROUP BY c.child_id, c.kind, c.start_date
    ),
    outcome AS (
        SELECT l.child_id, 'CP plan' AS kind, s.conference_date AS day, 'conference' AS outcome
        FROM section_47 s JOIN link l ON l.system = s.system AND l.ref = s.child_ref
        JOIN late_children USING (child_id) WHERE s.conference_date IS NOT NULL
        UNION
        SELECT l.child_id, 'CIN plan', a.end_date, 'assessment'
        FROM assessment a JOIN link l ON l.system = a.system AND l.ref = a.child_ref
        JOIN late_children USING (child_id) WHERE a.end_date IS NOT NULL
    ),
    decided AS (
        SELECT p.child_id, p.kind, p.start_date, o.outcome, o.day AS outcome_day
        FROM plan p JOIN outcome o ON o.child_id = p.child_id AND o.kind = p.kind
            AND p.start_date - o.day BETWEEN 0 AND $longest
        -- After another plan, a plan has that plan's reviews for its reason.
        WHERE NOT EXISTS (SELECT 1 FROM said q WHERE q.child_id = p.child_id AND q.start_date < p.start_date
            AND coalesce(q.end_date, DATE '9999-12-31') >= o.day)
        QUALIFY row_number() OVER (PARTITION BY p.child_id, p.kind, p.start_date ORDER BY o.day DESC) = 1
    ),
    allocated AS (
        SELECT p.child_id, p.kind, p.start_date, a.team_name, a.worker_name
        FROM plan p JOIN allocation a ON a.child_id = p.child_id AND a.start_date <= p.start_date
            AND (a.end_date IS NULL OR a.end_date > p.start_date)
        QUALIFY row_number() OVER (PARTITION BY p.child_id, p.kind, p.start_date
            ORDER BY a.start_date DESC, a.worker_ref) = 1
    )
    SELECT p.child_id, p.kind, p.start_date AS plan_start, d.outcome, d.outcome_day,
        (p.start_date - d.outcome_day)::INTEGER AS outcome_days, p.known_on, u.unseen_days::INTEGER AS unseen_days,
        coalesce(p.start_date - d.outcome_day > $late, false) OR coalesce(u.unseen_days > $late, false) AS late,
        a.team_name AS plan_team, a.worker_name AS plan_worker
    FROM plan p LEFT JOIN decided d USING (child_id, kind, start_date)
    LEFT JOIN unseen u USING (child_id, kind, start_date)
    LEFT JOIN allocated a USING (child_id, kind, start_date)
    ORDER BY late DESC, u.unseen_days DESC NULLS LAST, outcome_days DESC NULLS LAST, plan_start DESC, child_id
"""


def figures(rows: Sequence[dict[str, Any]], late: int) -> pa.Table:
    """One row per team and per month, `by` saying which: `plans`; `with_outcome`, and of those the median and 90th
    percentile of days from it and the percentage over `late` days; `could_show`, and the same of days unseen."""
    names = ("value", "plans", "with_outcome", "outcome_median", "outcome_p90", "outcome_late_percent", "could_show",
             "unseen_median", "unseen_p90", "unseen_late_percent")  # fmt: skip
    reals = frozenset(n for n in names if n.rpartition("_")[2] in ("median", "p90", "percent"))
    told = [
        {"by": by, **{n: None if v == "" else v for n, v in zip(names, line, strict=True)}}
        for by, grid in (("team", by_team(rows, late)), ("month", by_month(rows, late)))
        for line in grid.rows
    ]
    kinds = [(n, pa.float64() if n in reals else pa.string() if n == "value" else pa.int64()) for n in names]
    return pa.Table.from_pylist(told, schema=pa.schema([("by", pa.string()), *kinds]))


def by_team(rows: Iterable[dict[str, Any]], late: int) -> Grid:
    """One row per team that had the plans on their first day, the most late plans first."""
    return _grid("By team", "Team", rows, lambda r: r["plan_team"] or NO_TEAM, late, newest_first=False)


def by_month(rows: Iterable[dict[str, Any]], late: int) -> Grid:
    """One row per month in which plans began, the newest first."""
    return _grid("By month", "Month", rows, lambda r: f"{r['plan_start']:%Y-%m}", late, newest_first=True)


def _grid(
    name: str, head: str, rows: Iterable[dict[str, Any]], group: Callable[[dict[str, Any]], str], late: int, *,
    newest_first: bool,
) -> Grid:  # fmt: skip
    held: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        held.setdefault(group(row), []).append(row)
    labels = sorted(held, reverse=newest_first)
    if not newest_first:
        labels.sort(key=lambda label: -sum(r["late"] for r in held[label]))
    lines: list[tuple[Value, ...]] = []
    for label in labels:
        outcome = [r["outcome_days"] for r in held[label] if r["outcome_days"] is not None]
        unseen = [r["unseen_days"] for r in held[label] if r["unseen_days"] is not None]
        lines.append((label, len(held[label]), *_spread(outcome, late), *_spread(unseen, late)))
    return Grid(
        name, f"Plans {name[:1].lower()}{name[1:]}",
        (head, "Plans", "With an outcome", "Days from it: half within", "nine in ten within", f"over {late} days, %",
         "A file could show", "Days unseen: half within", "nine in ten within", f"over {late} days, %"),
        tuple(lines),
    )  # fmt: skip


def _spread(days: Sequence[int], late: int) -> tuple[Value, ...]:
    """How many, the median and the 90th percentile of days, and the percentage that took more than is late."""
    if not days:
        return (0, "", "", "")
    return (len(days), float(np.median(days)), float(np.percentile(days, 90)),
            100.0 * sum(d > late for d in days) / len(days))  # fmt: skip

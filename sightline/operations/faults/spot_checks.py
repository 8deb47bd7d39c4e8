"""The weekly spot check: drawn once a week, answered child by child, each a decision kept like any other."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline import cohort, reconciliation
from sightline.operations.decisions import append_decisions
from sightline.operations.faults.exceptions import every_decision
from sightline.operations.home import Home
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.vocabulary.periods import monday

ABOUT = "spot check"
LONGEST_WORDS = 500
_SHOWN = ("child_id", "surname", "forename", "status", "since", "school_name", "year_group", "team_name", "worker_name")


def spot_check(home: Home, opened: Opened, scope: Scope, *, week: date) -> pa.Table:
    """One row per child drawn in the week of a day, as the register has them now: who, plan, school and worker, with
    `answer`, `reason`, `answered_by` and `answered_at` (null while it waits). No row before it is drawn."""
    drawn, answers = _taken(home, opened)
    children = drawn.get(monday(week), [])
    rows = cohort.status_on(opened.database, opened.as_at, within=opened.within(scope))
    held = {r["child_id"]: r for r in rows.select(_SHOWN).to_pylist()}
    told = answers.get(monday(week), {})
    seen = [c for c in children if scope.holds(c)]
    listed = [
        {
            **(held.get(c) or {"child_id": c}),
            **{n: told.get(c, {}).get(k) for n, k in
               (("answer", "decision"), ("reason", "reason"), ("answered_by", "by"), ("answered_at", "at"))},
        }
        for c in seen
    ]  # fmt: skip
    schema = pa.schema([*(rows.schema.field(n) for n in _SHOWN), *((n, pa.string()) for n in _ANSWERED)])
    return pa.Table.from_pylist(listed, schema=schema)


_ANSWERED = ("answer", "reason", "answered_by", "answered_at")


def spot_check_waits(home: Home, opened: Opened, scope: Scope, *, week: date) -> int | None:
    """How many children in scope of the sample of the week of a day have no answer yet; None before it is drawn."""
    drawn, answers = _taken(home, opened)
    children = drawn.get(monday(week))
    if children is None:
        return None
    told = answers.get(monday(week), {})
    return sum(scope.holds(c) and c not in told for c in children)


def draw_spot_check(home: Home, opened: Opened, scope: Scope, *, week: date, by: str, at: datetime) -> int:
    """Draw the sample of the week of a day, once: of the children on a plan or in Ever 6 in scope; returns how many.

    Raises BadSetting when it was drawn already or the cohort is empty.
    """
    start = monday(week)
    if start in _taken(home, opened)[0]:
        raise BadSetting(f"The sample of the week of {day_in_words(start)} was drawn already.")
    rows = cohort.status_on(opened.database, opened.as_at, within=opened.within(scope))
    rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(cohort.COHORT)))
    wanted = ["child_id", "status", "team_name", "phase"]
    children = reconciliation.draw(rows.select(wanted).to_pylist(), opened.settings.spot_check_children, start)
    if not children:
        raise BadSetting("There is no child in the cohort to draw.")
    append_decisions(home, [_line(c, "drawn", start, by, at, "") for c in children])
    return len(children)


def answer_spot_check(
    home: Home,
    opened: Opened,
    scope: Scope,
    answers: Mapping[str, tuple[str, str]],
    *,
    week: date,
    by: str,
    at: datetime,
) -> int:
    """Record answers about children of the week's sample (by child: answer and words); returns how many.

    Raises BadSetting for an answer there is not, or a difference that is not described; NotAllowed for a child who is
    not in the sample or not in scope (then none is recorded).
    """
    start = monday(week)
    drawn = set(_taken(home, opened)[0].get(start, []))
    for child, (answer, words) in answers.items():
        if child not in drawn or not scope.holds(child):
            raise NotAllowed("There is no such child in that week's sample that you may see.")
        if answer not in reconciliation.SPOT_ANSWERS:
            raise BadSetting(f"There is no answer {answer!r}. There are: {', '.join(reconciliation.SPOT_ANSWERS)}.")
        if answer == reconciliation.DIFFERS and not words.strip():
            raise BadSetting("Say what is not as the register says.")
        if len(words) > LONGEST_WORDS:
            raise BadSetting(f"What differs is said in at most {LONGEST_WORDS} characters.")
    append_decisions(home, [_line(c, a, start, by, at, w.strip()) for c, (a, w) in answers.items()])
    return len(answers)


def spot_check_results(home: Home, opened: Opened) -> list[dict[str, Any]]:
    """One row per week drawn, the newest first: week, drawn, waits, agrees, differs, not_found_out, percent right of
    those answered, low and high (95%)."""
    drawn, answers = _taken(home, opened)
    plain = {week: {c: d["decision"] for c, d in told.items()} for week, told in answers.items()}
    return [
        {
            "week": w.week, "drawn": w.drawn, "waits": w.waits, "agrees": w.agrees, "differs": w.differs,
            "not_found_out": w.not_found_out, "percent": w.percent, "low": w.low, "high": w.high,
        }
        for w in reversed(reconciliation.spot_check_results(drawn, plain))
    ]  # fmt: skip


def _line(child: str, decision: str, week: date, by: str, at: datetime, words: str) -> dict[str, Any]:
    return {"about": ABOUT, "subject": child, "decision": decision, "reason": words or None, "by": by,
            "at": at.isoformat(), "batch": week.isoformat()}  # fmt: skip


def _taken(home: Home, opened: Opened) -> tuple[dict[date, list[str]], dict[date, dict[str, dict[str, Any]]]]:
    """The children drawn in each week, in the order drawn, and the last answer about each."""
    drawn: dict[date, list[str]] = {}
    answers: dict[date, dict[str, dict[str, Any]]] = {}
    taken = [d for d in every_decision(home, opened) if d["about"] == ABOUT and d["batch"]]
    for d in sorted(taken, key=lambda d: datetime.fromisoformat(d["at"])):
        week = date.fromisoformat(d["batch"])
        if d["decision"] == "drawn":
            drawn.setdefault(week, []).append(d["subject"])
        else:
            answers.setdefault(week, {})[d["subject"]] = d
    return drawn, answers

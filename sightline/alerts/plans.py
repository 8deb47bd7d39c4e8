"""Reasons that come from social care: plans that began, ended or changed, and changes of social worker."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from typing import Any

from sightline.alerts.facts import Facts, Found, how_many
from sightline.vocabulary.dates import day_in_words

CARE, CP, CIN = "looked after", "CP plan", "CIN plan"
ONE_DAY = timedelta(days=1)

# Every plan or period that bears on a change of status in the week: `held` is the one in force on the day, `left` the
# one that was in force last. A child who ends the week as it began changed only if the status lapsed in between.
_CHANGES = """
    WITH changed AS (
        SELECT member.*, coalesce(before, '') = coalesce(now, '') AS same,
            (SELECT arg_max(struct_pack(status, start_date, end_date, presumed, other_authority, delivery, line), rank)
                FROM period p WHERE p.child_id = member.child_id AND p.status = member.now AND p.start_date <= $as_at
                    AND (p.end_date IS NULL OR p.end_date > $as_at)) AS held,
            (SELECT arg_max(struct_pack(status, start_date, end_date, presumed, other_authority, delivery, line),
                    struct_pack(end_date, least := -rank))
                FROM period p WHERE p.child_id = member.child_id AND p.end_date > $since AND p.end_date <= $as_at
                    AND (member.before IS NULL OR p.status = member.before)) AS "left",
            (SELECT max(p.end_date) FROM period p
                WHERE p.child_id = member.child_id AND p.end_date <= member.changed_on) AS earlier_end
        FROM member WHERE changed_on IS NOT NULL
    )
    FROM changed
"""


def _changes(facts: Facts) -> list[dict[str, Any]]:
    sql = _CHANGES.replace("$as_at", f"DATE '{facts.as_at}'").replace("$since", f"DATE '{facts.since}'")
    return facts.rows(sql)


def _source(period: dict[str, Any] | None) -> tuple[tuple[str, tuple[int, ...]], ...]:
    if period is None or period["delivery"] is None:
        return ()
    return ((period["delivery"], () if period["line"] is None else (period["line"],)),)


def _a(status: str) -> str:
    return status if status == CARE else f"a {status}"


def new_plan(facts: Facts) -> Iterator[Found]:
    """On a plan now, on none a week ago; or a plan ended and a new one of the same kind began within the week."""
    for row in _changes(facts):
        held = row["held"]
        if row["now"] not in (CP, CIN) or held is None or held["start_date"] <= facts.since:
            continue
        if row["before"] is not None and not row["same"]:
            continue  # a step up or down, or an end of care
        says = f"New {row['now']} from {day_in_words(held['start_date'])}"
        says += " (another authority's)." if held["other_authority"] else "."
        earlier: date | None = row["earlier_end"]
        if earlier:
            says += f" An earlier plan ended on {day_in_words(earlier - ONE_DAY)}."
        figures = {"status": row["now"], "earlier_plan_ended": earlier - ONE_DAY if earlier else None}
        yield Found(row["child_id"], says, held["start_date"], _source(held), figures)


def ended_plan(facts: Facts) -> Iterator[Found]:
    """On no plan now, and on one on some day of the week."""
    for row in _changes(facts):
        left = row["left"]
        if row["now"] is not None or left is None or left["status"] not in (CP, CIN):
            continue
        last = left["end_date"] - ONE_DAY
        days = (left["end_date"] - left["start_date"]).days
        says = f"{left['status']} ended on {day_in_words(last)} after {how_many(days, 'day')}."
        if left["presumed"]:
            says += " The end is presumed: a later file no longer shows the plan."
        figures = {"status": left["status"], "days": days, "presumed": left["presumed"]}
        yield Found(row["child_id"], says, last, _source(left), figures)


def _stepped(before: str, now: str, how: str) -> Callable[[Facts], Iterator[Found]]:
    def find(facts: Facts) -> Iterator[Found]:
        for row in _changes(facts):
            if (row["before"], row["now"]) != (before, now):
                continue
            says = f"{how} from {_a(before)} to {_a(now)} on {day_in_words(row['changed_on'])}."
            sources = _source(row["left"]) + _source(row["held"])
            yield Found(row["child_id"], says, row["changed_on"], sources, {"before": before, "now": now})

    return find


step_up = _stepped(CIN, CP, "Stepped up")
step_down = _stepped(CP, CIN, "Stepped down")


def became_looked_after(facts: Facts) -> Iterator[Found]:
    """Looked after now, not a week ago."""
    for row in _changes(facts):
        if row["now"] != CARE or row["before"] == CARE or row["held"] is None:
            continue
        start = row["held"]["start_date"]
        was = f"; was on {_a(row['before'])}" if row["before"] else ""
        says = f"Became looked after on {day_in_words(start)}{was}."
        yield Found(row["child_id"], says, start, _source(row["held"]), {"before": row["before"], "now": CARE})


def left_care(facts: Facts) -> Iterator[Found]:
    """Looked after on some day of the week and not now."""
    for row in _changes(facts):
        left = row["left"]
        if row["now"] == CARE or left is None or left["status"] != CARE:
            continue
        last = left["end_date"] - ONE_DAY
        now = f"is now on {_a(row['now'])}" if row["now"] else "is on no plan"
        says = f"Stopped being looked after on {day_in_words(last)} and {now}."
        sources = _source(left) + _source(row["held"])
        yield Found(row["child_id"], says, last, sources, {"before": CARE, "now": row["now"]})


def worker_changed(facts: Facts) -> Iterator[Found]:
    """On a plan now, and the allocated social worker is not the one of a week ago."""

    def on(day: date) -> str:
        return f"""
            SELECT child_id, arg_max(struct_pack(worker_ref, worker_name, start_date, end_date, delivery, line),
                struct_pack(start_date, worker_ref := coalesce(worker_ref, ''))) AS worker
            FROM allocation WHERE start_date <= DATE '{day}' AND (end_date IS NULL OR end_date > DATE '{day}')
            GROUP BY child_id
        """

    rows = facts.rows(
        f"""
        SELECT child_id, member.before, earlier.worker AS earlier, later.worker AS later,
            (SELECT max(end_date) FROM allocation a
                WHERE a.child_id = member.child_id AND end_date <= DATE '{facts.as_at}') AS last_end
        FROM member
        LEFT JOIN ({on(facts.since)}) AS earlier USING (child_id)
        LEFT JOIN ({on(facts.as_at)}) AS later USING (child_id)
        WHERE now IS NOT NULL AND earlier.worker.worker_ref IS DISTINCT FROM later.worker.worker_ref
        """
    )
    for row in rows:
        earlier, later = row["earlier"], row["later"]
        if earlier is None and row["before"] is None:
            continue  # a new plan's first worker is no change
        if later is None:
            since = row["last_end"]
            says = f"No social worker is recorded since {day_in_words(since)}; the last was {_who(earlier)}."
        elif earlier is None:
            since = later["start_date"]
            says = f"{_who(later)} became the social worker on {day_in_words(since)}; none was recorded before."
        else:
            since = later["start_date"]
            says = f"Social worker changed from {_who(earlier)} to {_who(later)} on {day_in_words(since)}."
        figures = {
            "from": earlier["worker_name"] if earlier else None,
            "to": later["worker_name"] if later else None,
        }
        yield Found(row["child_id"], says, since, _source(earlier) + _source(later), figures)


def _who(worker: dict[str, Any]) -> str:
    return worker["worker_name"] or "a worker whose name no file gives"

"""The top of a child's page and its story: what presses now, who is responsible, and everything dated in one line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline.operations.lists import child_story as told
from sightline.operations.lists.child_story import KINDS
from sightline.vocabulary.periods import academic_year, year_start
from sightline.vocabulary.tables import Sensitivity
from sightline.web.facts import Facts
from sightline.web.pages import week
from sightline.web.people import contacts
from sightline.web.people.models import Child

MOST_URGENT: Final = 2

Rows = Sequence[Mapping[str, Any]]


def tags_of(
    held: Facts, status: Mapping[str, Any] | None, helped: Mapping[str, Any] | None, suspensions: Rows, part_time: Rows
) -> list[str]:
    """What holds of the child now, besides the plan, in a few words each: a fact, never a score. `helped`: the child's
    row of those on Early Help, where the person sees it."""
    tags = []
    band = status["attendance_band"] if status is not None else None
    high, low = max(held.opened.settings.crossing_percents), min(held.opened.settings.crossing_percents)
    if band == f"below {low}%" or (status is None and helped is not None and helped["severe"]):
        tags.append("Severe absence this year")
    elif band == f"{low}% to {high}%" or (status is None and helped is not None and helped["persistent"]):
        tags.append("Persistent absence this year")
    since = year_start(academic_year(held.newest))
    if any(r["start_date"] is not None and r["start_date"] >= since for r in suspensions):
        tags.append("Suspended this year")
    if any(runs_on(r, held.on) for r in part_time):
        tags.append("Part-time timetable")
    return tags


def runs_on(timetable: Mapping[str, Any], day: date) -> bool:
    """Whether a part-time timetable runs on a day; its last day is in."""
    start, end = timetable["start_date"], timetable["end_date"]
    return start is not None and start <= day and (end is None or end >= day)


def urgent_of(held: Facts, child: Child) -> list[dict[str, Any]]:
    """The two most urgent entries of the week's list about the child, in the list's own order of urgency."""
    listed = held.week_list()
    rows = listed.filter(pc.equal(listed["child_id"], pa.scalar(child.child_id))).to_pylist()
    rows.sort(key=lambda r: week.PLACE[r["reason"]])
    files = held.deliveries() if rows else {}
    return [
        {"name": week.BY_CODE[r["reason"]].name, "says": r["says"], "source": files.get(r["delivery"] or "")}
        for r in rows[:MOST_URGENT]
    ]


def responsible(held: Facts, workers: Rows) -> dict[str, Any]:
    """Who is responsible today, and how to reach them: the address of the worker, and the managers of the team with
    theirs (as social care names one, else who holds the role here)."""
    now = next((w for w in workers if w["end_date"] is None or w["end_date"] > held.on), None)
    if now is None:
        return {"worker_contact": "", "managers": []}
    today = held.access.today
    here = contacts.managers_of(now["team_ref"], today)
    sent = told.manager_of(held.opened, now["team_ref"])
    address = contacts.of_workers([now["worker_ref"]], today).get(now["worker_ref"] or "", "")
    return {"worker_contact": address, "managers": [(sent, dict(here).get(sent, ""))] if sent else here}


def _suspended(row: Mapping[str, Any]) -> str:
    school = row["school_name"] or row["urn"] or "school not known"
    return f"{row['says']['category']} ({row['says']['reason1']}), {school}"


def story(
    held: Facts,
    child: Child,
    *,
    wanted: str,
    status: Mapping[str, Any] | None,
    helped: Mapping[str, Any] | None,
    shared: bool,
    periods: Rows,
    workers: Rows,
    schools: Rows,
    suspensions: Rows,
    episodes: Rows,
) -> dict[str, Any]:
    """What the page shows of all that: tags, urgent entries, manager, timeline, and attendance about the end of plans.

    `wanted`: the one kind of event asked for (any other text: all). `suspensions` carry their words in `says`. The
    week's list is about the cohort: nothing of it is told of a child whom social care does not share (`shared`).
    """
    access, opened, scope = held.access, held.opened, held.scope
    reads = access.reads(Sensitivity.EDUCATION)
    part_time = told.part_time_of(opened, scope, child.child_id, access.schools) if reads else []
    events = told.timeline(
        periods=periods, workers=workers, schools=schools,
        suspensions=[(r, _suspended(r)) for r in suspensions], episodes=episodes,
    )  # fmt: skip
    kinds = [(key, says) for key, says in KINDS.items() if any(e.kind == key for e in events)]
    wanted = wanted if wanted in dict(kinds) else ""
    return {
        "tags": tags_of(held, status, helped, suspensions, part_time),
        "urgent": urgent_of(held, child) if shared else [],
        **responsible(held, workers),
        "events": [e for e in events if not wanted or e.kind == wanted],
        "event_kinds": kinds,
        "event_kind": wanted,
        "kind_names": KINDS,
        "end_weeks": told.weeks_about_ends(opened),
        "ends": told.about_ends(opened, scope, child.child_id, periods, access.schools) if reads else [],
    }

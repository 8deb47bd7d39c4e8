"""The part-time timetables of the cohort: until when, how they are held, and what marks beside them show.

A part-time timetable is a temporary arrangement. Its hours away are absence (code C2 since 19 August 2024), so a short
week that marks do not show is absence that nobody counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from sightline import cohort
from sightline.operations.lists.kinds import Kind
from sightline.operations.opened import Opened, Scope
from sightline.operations.sheets import Grid
from sightline.vocabulary.attendance import SLOTS, pack

PROBLEMS: Final = (
    Kind("unlisted", "Marked part-time, on no list",
            "Sessions of the latest weeks are marked C2, and no list received has a timetable that runs."),
    Kind("past", "Past its end, still marked",
            "The agreed end has passed, and sessions after it are marked C2."),
    Kind("no-end", "No end date", "The list gives no day on which it ends."),
    Kind("long", "Longer than is set", "From its first day to its end (or the day) it takes more weeks than set."),
    Kind("review", "Review overdue", "The day of its next review has passed."),
    Kind("unmarked", "Short days not marked",
            "The school sent marks of the latest weeks it has run, and none of them is C2: either it is not kept, or "
            "the hours away stand under another code."),
    Kind("more", "More sessions than agreed",
            "At least one session a week more was attended (or spent at an approved activity) than the hours make."),
    Kind("fewer", "Fewer sessions than agreed",
            "At least one session a week fewer was attended than the hours make: absence on top of the short week."),
)  # fmt: skip
"""The most urgent first: a child is listed by its first."""
BY_KEY: Final = {p.key: p for p in PROBLEMS}
_PLACE: Final = {p.key: place for place, p in enumerate(PROBLEMS)}


def part_time(
    opened: Opened, scope: Scope, children: pa.Table, on: date, *, schools: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """One row per part-time timetable that runs on the day (or is still marked past its end), and per child marked
    part-time on no list, of `children` (rows of `cohort_on`, those in scope): the most urgent first.

    Their own columns, and: `timetable_urn`, `timetable_school`, `start_date`, `end_date`, `review_date`, `hours` (a
    week), `agreed` (sessions a week that the hours make, of ten), `weeks` (from its first day to the day), `reason`,
    `parent_agreed`, `marked_weeks` (weeks with marks among the setting's latest, since the timetable began), and of
    each of them on average `attended`, `approved` (of those attended, at an approved activity off site), `short` (C2),
    `absent` (for other reasons) and `not_possible`, sessions; `problems`, keys of `PROBLEMS`. With `schools`, lists and
    marks are those of these schools alone. Before C2 there was no mark for it, so what rests on it is not said.
    """
    door, settings = opened.database, opened.settings
    here = children.filter(pa.array([scope.holds(c) for c in children["child_id"].to_pylist()], pa.bool_()))
    c2 = pack("C2", on) or ""
    urns = None if schools is None else pa.array(sorted(schools), pa.string())
    door.add("part_time_children", here.select(["child_id"]))
    door.add("part_time_school", cohort.school_names(door))
    door.add("part_time_here", pa.table({"urn": urns if urns is not None else pa.array([], pa.string())}))
    mine = "true" if schools is None else "urn IN (SELECT urn FROM part_time_here)"
    found = door.query(
        _FOUND.format(mine=mine),
        {"on": on, "c2": c2, "weeks": settings.drift_recent_weeks, "since": on - timedelta(weeks=_LOOKED_THROUGH)},
    ).to_pylist()
    rows = {row["child_id"]: row for row in here.to_pylist()}
    listed = []
    for each in found:
        held = each["hours"] is not None
        each["agreed"] = round(SLOTS * each["hours"] / settings.full_week_hours) if held else None
        each["weeks"] = (on - each["start_date"]).days // 7 if each["start_date"] is not None else None
        each["problems"] = _problems(each, on, settings.part_time_weeks, c2=bool(c2))
        if each["start_date"] is None or each["end_date"] is None or each["end_date"] >= on or each["after"]:
            listed.append({**rows[each["child_id"]], **each})
    listed.sort(key=lambda r: (min((_PLACE[p] for p in r["problems"]), default=len(PROBLEMS)),
                               r["start_date"] or date.min, r["child_id"]))  # fmt: skip
    return listed


_LOOKED_THROUGH: Final = 12  # weeks before the day among which a child's latest weeks with marks are looked for

_FOUND: Final = """
    WITH told AS (
        SELECT l.child_id, coalesce(n.urn, t.school_ref) AS urn, t.*, d.place
        FROM part_time_timetable t JOIN link l ON l.system = t.system AND l.ref = t.pupil_ref
        JOIN part_time_children USING (child_id)
        LEFT JOIN part_time_school n ON n.name = t.school_ref LEFT JOIN delivery d ON d.delivery = t.delivery
        WHERE t.start_date <= $on
    ),
    -- The last word on each, and of each child and school the timetable that began last.
    listed AS (
        SELECT * FROM told WHERE {mine}
        QUALIFY row_number() OVER (PARTITION BY child_id, urn
            ORDER BY start_date DESC, place DESC NULLS LAST, line DESC) = 1
    ),
    marked AS (
        SELECT child_id, urn, week, possible, possible - authorised - unauthorised AS attended, approved, not_possible,
            authorised + unauthorised AS away,
            CASE WHEN $c2 = '' THEN 0 ELSE length(marks) - length(replace(marks, $c2, '')) END AS short
        FROM register_week SEMI JOIN part_time_children USING (child_id)
        WHERE week >= $since AND week <= $on AND possible + not_possible > 0 AND {mine}
    ),
    -- A timetable is held against whole weeks since it began; a child on no list against the latest weeks there are.
    beside AS (
        SELECT m.*, l.start_date, m.short > 0 AND m.week > l.end_date AS past
        FROM marked m LEFT JOIN listed l ON l.child_id = m.child_id AND (l.urn = m.urn OR l.urn IS NULL)
        WHERE l.start_date IS NULL OR m.week + 4 >= l.start_date
        QUALIFY row_number() OVER (PARTITION BY m.child_id, m.urn ORDER BY m.week DESC) <= $weeks
    ),
    sums AS (
        SELECT child_id, urn, count(*)::INTEGER AS marked_weeks, avg(attended) AS attended, avg(approved) AS approved,
            avg(short) AS short, avg(away - short) AS absent, avg(not_possible) AS not_possible,
            bool_or(coalesce(past, false)) AS after
        FROM beside GROUP BY child_id, urn
    ),
    named AS (SELECT urn, arg_max(name, coalesce(place, 0)) AS name FROM school LEFT JOIN delivery USING (delivery)
        GROUP BY urn)
    SELECT coalesce(l.child_id, s.child_id) AS child_id, coalesce(l.urn, s.urn) AS timetable_urn,
        coalesce(n.name, l.urn, s.urn) AS timetable_school, l.start_date, l.end_date, l.review_date, l.hours, l.reason,
        l.parent_agreed, coalesce(s.marked_weeks, 0) AS marked_weeks, s.attended, s.approved, s.short, s.absent,
        s.not_possible, coalesce(s.after, false) AS after, l.delivery AS timetable_delivery, l.line AS timetable_line
    FROM listed l FULL JOIN sums s ON s.child_id = l.child_id AND (s.urn = l.urn OR l.urn IS NULL)
    LEFT JOIN named n ON n.urn = coalesce(l.urn, s.urn)
    WHERE l.child_id IS NOT NULL OR s.short > 0
"""


def _problems(row: dict[str, Any], on: date, most_weeks: int, *, c2: bool) -> tuple[str, ...]:
    start, end = row["start_date"], row["end_date"]
    if start is None:
        return ("unlisted",)
    lasts = (min(end, on) if end is not None and not row["after"] else on) - start
    planned = (end - start) if end is not None else lasts
    told = {
        "past": end is not None and end < on and row["after"],
        "no-end": end is None,
        "long": max(lasts, planned) + timedelta(days=1) > timedelta(weeks=most_weeks),
        "review": row["review_date"] is not None and row["review_date"] < on,
        "unmarked": c2 and row["marked_weeks"] > 0 and not row["short"],
    }
    if row["agreed"] is not None and row["marked_weeks"]:
        told["more"] = row["attended"] >= row["agreed"] + 1
        told["fewer"] = row["attended"] <= row["agreed"] - 1
    return tuple(p.key for p in PROBLEMS if told.get(p.key))


def by_school(rows: Iterable[dict[str, Any]]) -> Grid:
    """One row per school: children on a timetable, and how many with each problem; the most first."""
    counts: dict[str, list[int]] = {}
    for row in rows:
        held = counts.setdefault(row["timetable_school"] or "School not known", [0] * (1 + len(PROBLEMS)))
        held[0] += 1
        for key in row["problems"]:
            held[1 + _PLACE[key]] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0], item[0]))
    return Grid(
        "By school", "Part-time timetables by school", ("School", "Children", *(p.name for p in PROBLEMS)),
        tuple((school, *held) for school, held in ordered),
    )  # fmt: skip

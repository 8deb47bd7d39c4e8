"""What a child's page says beyond the received rows: one timeline, attendance about the end of each plan, part-time
timetables, corrected marks, and who manages the team.

Each row carries `delivery_kind` and `received_on`, the file it rests on, so that a reader sees where it comes from.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from sightline import cohort
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.attendance import slot_day, unpack
from sightline.vocabulary.limits import BETWEEN_SCHOOLS
from sightline.vocabulary.settings import STATUSES

KINDS: Final = {
    "plan": "Plans", "worker": "Social workers", "school": "Schools", "suspension": "Suspensions",
    "early help": "Early Help",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened to one child on one day: its kind (of KINDS), what it was, and the file that says so."""

    day: date
    kind: str
    says: str
    delivery_kind: str | None
    received_on: date | None


def timeline(
    *,
    periods: Iterable[Mapping[str, Any]],
    workers: Iterable[Mapping[str, Any]],
    schools: Sequence[Mapping[str, Any]],
    suspensions: Iterable[tuple[Mapping[str, Any], str]],
    episodes: Iterable[Mapping[str, Any]] = (),
) -> list[Event]:
    """One row per event that has a day, newest first: plans that begin and end, workers, schools begun and left, moves
    between schools, suspensions (each with its words) and permanent exclusions, and episodes of Early Help. A period
    gives two events."""
    found: list[Event] = []

    def add(day: date | None, kind: str, says: str, row: Mapping[str, Any]) -> None:
        if day is not None:
            found.append(Event(day, kind, says, row["delivery_kind"], row["received_on"]))

    for row in periods:
        name = row["status"][:1].upper() + row["status"][1:]
        add(row["start_date"], "plan", f"{name} begins", row)
        add(row["end_date"], "plan", f"{name} ends", row)
    for row in workers:
        who = row["worker_name"] or row["worker_ref"] or "a worker whose name is not held"
        team = f", {row['team_name']}" if row["team_name"] else ""
        add(row["start_date"], "worker", f"Social worker from this day: {who}{team}", row)
    for row in schools:
        here = row["school_name"] or row["urn"] or "a school that is not known"
        left = [
            other for other in schools
            if other["urn"] != row["urn"] and other["end_date"] is not None and row["start_date"] is not None
            and timedelta(0) <= row["start_date"] - other["end_date"] <= timedelta(days=BETWEEN_SCHOOLS.value)
        ]  # fmt: skip
        before = max(left, key=lambda other: other["end_date"], default=None)
        moved = f", moved from {before['school_name'] or before['urn']}" if before is not None else ""
        add(row["start_date"], "school", f"On the roll of {here}{moved}", row)
        add(row["end_date"], "school", f"Off the roll of {here}", row)
    for row, says in suspensions:
        add(row["start_date"], "suspension", says, row)
    for row in episodes:
        with_whom = f", with {row['worker_name']}" if row["worker_name"] else ""
        add(row["start_date"], "early help", f"Early Help begins{with_whom}", row)
        add(row["end_date"], "early help", "Early Help has ended", row)
    return sorted(found, key=lambda e: (e.day, e.kind, e.says), reverse=True)


def about_ends(
    opened: Opened, scope: Scope, child_id: str, periods: Sequence[Mapping[str, Any]], schools: Collection[str] | None
) -> list[dict[str, Any]]:
    """One row per plan of `periods` that has ended, the newest first: `status`, `end_date`, `then` (the status that
    began by the next day, None: closed), and attendance in percent `before` its end and `after` it, each over
    `weeks_about_ends` weeks at most, with the half days they rest on (`possible_before`, `possible_after`). Rates are
    None without a session.

    With `schools`, of the registers of these schools alone. Raises NotAllowed outside the scope.
    """
    opened.check(scope, child_id)
    ended = [p for p in periods if p["end_date"] is not None and p["status"] in STATUSES]
    ended.sort(key=lambda p: p["end_date"], reverse=True)
    if not ended:
        return []
    span = timedelta(weeks=weeks_about_ends(opened))
    first = min(p["end_date"] for p in ended) - span
    weeks = _weeks(opened, child_id, first, schools)
    rows = []
    for plan in ended:
        end = plan["end_date"]
        following = [
            p["status"] for p in periods
            if p is not plan and p["start_date"] is not None and abs(p["start_date"] - end) <= timedelta(days=1)
        ]  # fmt: skip
        before, possible_before = _rate(weeks, end - span, end)
        after, possible_after = _rate(weeks, end, end + span)
        rows.append(
            {"status": plan["status"], "end_date": end, "then": following[0] if following else None, "before": before,
             "possible_before": possible_before, "after": after, "possible_after": possible_after}
        )  # fmt: skip
    return rows


def weeks_about_ends(opened: Opened) -> int:
    """For how many weeks before the end of a plan, and after it, attendance is counted: the most of `closure_weeks`."""
    return max(opened.settings.closure_weeks)


def _weeks(
    opened: Opened, child_id: str, first: date, schools: Collection[str] | None
) -> list[tuple[date, str | None, int, int]]:
    rows = opened.door(first).rows(
        "SELECT week, urn, possible, authorised + unauthorised FROM register_week WHERE child_id = ? AND week >= ? "
        "AND week <= ?",
        [child_id, first - timedelta(days=6), opened.newest],
    )
    return [r for r in rows if schools is None or r[1] in schools]


def _rate(weeks: Iterable[tuple[date, str | None, int, int]], start: date, end: date) -> tuple[float | None, int]:
    """Attendance over the weeks that begin in a closed-open stretch of days, and its possible half days."""
    held = [(possible or 0, absent or 0) for week, _, possible, absent in weeks if start <= week < end]
    possible, absent = sum(p for p, _ in held), sum(a for _, a in held)
    return (100.0 * (possible - absent) / possible if possible else None), possible


def part_time_of(
    opened: Opened, scope: Scope, child_id: str, schools: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """One row per part-time timetable of one child, the newest first: start_date, end_date (the last day, or the day it
    is meant to end), review_date, hours a week, reason, parent_agreed, school_name, delivery_kind and received_on.

    With `schools`, theirs alone. Raises NotAllowed outside the scope.
    """
    opened.check(scope, child_id)
    door = opened.children
    if not door.one(
        "SELECT count(*) FROM part_time_timetable t JOIN link l ON l.system = t.system AND l.ref = t.pupil_ref "
        "WHERE l.child_id = ?",
        [child_id],
    ):
        return []
    door.add("school_named", opened.once("names of schools", lambda: cohort.school_names(opened.database)))
    rows = door.query(
        """
        SELECT t.start_date, t.end_date, t.review_date, t.hours, t.reason, t.parent_agreed,
            coalesce(n.urn, t.school_ref) AS urn, coalesce(s.name, t.school_ref) AS school_name,
            d.kind AS delivery_kind, d.received AS received_on
        FROM part_time_timetable t JOIN link l ON l.system = t.system AND l.ref = t.pupil_ref
        LEFT JOIN school_named n ON n.name = t.school_ref LEFT JOIN delivery d USING (delivery)
        LEFT JOIN (SELECT urn, any_value(name) AS name FROM school GROUP BY urn) s
            ON s.urn = coalesce(n.urn, t.school_ref)
        WHERE l.child_id = ?
        QUALIFY row_number() OVER (PARTITION BY t.start_date, coalesce(n.urn, t.school_ref)
            ORDER BY d.place DESC NULLS LAST, t.line DESC) = 1
        ORDER BY t.start_date DESC NULLS LAST, t.line
        """,
        [child_id],
    ).to_pylist()
    return [r for r in rows if schools is None or r["urn"] in schools]


def corrected_marks(
    opened: Opened, scope: Scope, child_id: str, schools: Collection[str] | None = None
) -> list[dict[str, Any]]:
    """One row per session of the last year that a later file gives another mark than an earlier one: `day`, `half`
    ("morning" or "afternoon"), `school_ref`, the codes `was` and `now` ("" for no mark), `delivery_kind` and
    `received_on` of the file that corrects, and `first_kind` and `first_on` of the one before. Newest day first.

    Of files in force: a file that takes the whole place of another leaves nothing of it to compare. With `schools`,
    their registers alone. Raises NotAllowed outside the scope.
    """
    opened.check(scope, child_id)
    first = opened.registers_since
    door = opened.door(first)
    refs = door.rows("SELECT DISTINCT system, ref FROM link WHERE child_id = ?", [child_id])
    if not refs:
        return []
    door.add("child_refs", pa.table({"system": [s for s, _ in refs], "pupil_ref": [r for _, r in refs]}))
    rows = door.rows(
        """
        SELECT w.week, w.school_ref, w.marks, d.kind, d.received
        FROM attendance_week w SEMI JOIN child_refs USING (system, pupil_ref) JOIN delivery d USING (delivery)
        WHERE w.week >= ?
        ORDER BY w.school_ref, w.week, coalesce(d.as_at, d.received), d.place, w.delivery, w.line
        """,
        [first],
    )
    here = None if schools is None else _names_of(opened, schools)
    found: list[dict[str, Any]] = []
    for (week, school, marks, kind, received), (w, s, earlier, first_kind, first_on) in zip(
        rows[1:], rows, strict=False
    ):
        if (week, school) != (w, s) or marks == earlier or (here is not None and school not in here):
            continue
        for slot in range(max(len(marks), len(earlier))):
            was, now = (m[slot] if slot < len(m) else "." for m in (earlier, marks))
            if was != now and was != ".":
                found.append(
                    {"day": slot_day(week, slot), "half": "afternoon" if slot % 2 else "morning", "school_ref": school,
                     "was": unpack(was), "now": unpack(now), "delivery_kind": kind, "received_on": received,
                     "first_kind": first_kind, "first_on": first_on}
                )  # fmt: skip
    return sorted(found, key=lambda r: (r["day"], r["half"]), reverse=True)


def _names_of(opened: Opened, schools: Collection[str]) -> frozenset[str]:
    """What files call these schools: by URN, or by LAESTAB."""
    held = pa.table({"urn": pa.array(sorted(schools), pa.string())})
    opened.database.add("own_schools", held)
    rows = opened.database.rows("SELECT urn, laestab FROM school SEMI JOIN own_schools USING (urn)")
    return frozenset(str(name) for row in rows for name in row if name) | frozenset(schools)


def manager_of(opened: Opened, team_ref: str | None) -> str | None:
    """The name of a team's manager as social care sends it (a professional of the team whose job title says so)."""
    if not team_ref:
        return None
    rows = opened.database.rows(
        "SELECT name FROM professional LEFT JOIN delivery USING (delivery) WHERE team_ref = ? AND name IS NOT NULL "
        "AND contains(lower(job_title), 'manager') ORDER BY place DESC NULLS LAST, line DESC LIMIT 1",
        [team_ref],
    )
    return str(rows[0][0]) if rows else None

"""Rules on session marks, held against rolls, the calendar, the code list, suspensions and part-time timetables."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from sightline.validation.record_sql import ADMINISTRATIVE, ATTENDING, quoted, sessions, weeks_found, within
from sightline.validation.records import record_rule
from sightline.vocabulary.attendance import mark_codes, pack
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.limits import REASON_DAYS

_marks = partial(record_rule, grain="pupil, school and week", group="Attendance", by_year=True)
_WEEK: Final = "child_id, urn, week, marks, delivery, line"
_NEVER: Final = "DATE '9999-12-31'"
_UNRESOLVED: Final = pack("N", date(2024, 9, 1)) or ""


def _joined(spans: list[tuple[date, date]]) -> list[tuple[date, date]]:
    """Spans that touch as one, in order."""
    found: list[tuple[date, date]] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


@_marks(
    "mark-outside-enrolment",
    "A session is marked on a day on which the pupil was not on this school's roll.",
    needs=("attendance_week", "enrolment"),
)
def mark_outside_enrolment() -> str:
    """Where a register (a school census, a school's own system) says from when to when a pupil was on roll, marks stand
    on those days only, the last day on roll included. Z (not yet on the register) and # (closed) may stand anywhere. A
    pupil no register tells of, and days before the academic year in which the registers of the school begin, are not
    judged."""
    # Only weeks that the whole of the pupil's time at the school does not hold are looked at session by session.
    return weeks_found(f"""
        WITH whole AS (
            SELECT child_id, urn, min(start_date) AS start_date, max(until) AS until, min(spoken_from) AS spoken_from,
                count(*) AS periods
            FROM check_roll, check_year y
            GROUP BY child_id, urn
            HAVING periods > 1 OR min(start_date) > any_value(y.first) OR max(until) < any_value(y.after) + 7
        ),
        looked AS MATERIALIZED (
            SELECT w.child_id, w.urn, w.week, w.marks, w.delivery, w.line, o.spoken_from
            FROM register_week w JOIN whole o ON o.child_id = w.child_id AND o.urn = w.urn
            WHERE w.week + 7 > o.spoken_from AND (w.week < o.start_date OR w.week + 7 > o.until OR o.periods > 1)
        ),
        beyond AS MATERIALIZED (
            SELECT w.* FROM looked w ANTI JOIN check_roll r ON r.child_id = w.child_id AND r.urn = w.urn
                AND r.start_date <= w.week AND r.until >= w.week + 7
        )
        SELECT x.* FROM (
            SELECT * FROM ({sessions("SELECT * FROM beyond")}) x
            WHERE NOT {within(ADMINISTRATIVE, "x.mark")} AND x.day >= x.spoken_from
        ) x
        ANTI JOIN check_roll r ON r.child_id = x.child_id AND r.urn = x.urn
            AND r.start_date <= x.day AND r.until > x.day
    """)


@_marks(
    "unresolved-too-long",
    f"N (no reason yet) stands for more than {REASON_DAYS.value} school days; it should be another code, or O.",
    needs=("attendance_week",),
)
def unresolved_too_long() -> str:
    """A reason is found within five school days of the session, or the mark becomes O. The days are counted from the
    day after the session to the last day for which that school's marks were sent, by the calendar received, else by
    the usual one."""
    weeks = f"""
        SELECT r.child_id, r.urn, r.week, r.marks, r.delivery, r.line, newest.as_at, coalesce(n.urn, r.urn) AS school
        FROM (SELECT {_WEEK} FROM register_week WHERE contains(marks, {quoted(_UNRESOLVED)})) r
        LEFT JOIN check_school n ON n.name = r.urn
        JOIN check_newest newest ON newest.urn IS NOT DISTINCT FROM coalesce(n.urn, r.urn)
    """
    found = f"""
        SELECT x.*, 'marks sent to ' || x.as_at AS against
        FROM ({sessions(weeks)}) x
        JOIN check_calendar t ON t.school = '' AND t.day = x.as_at + 1
        JOIN check_calendar f ON f.school = '' AND f.day = x.day + 1
        LEFT JOIN check_calendar own_t ON own_t.school <> '' AND own_t.school = x.school AND own_t.day = x.as_at + 1
        LEFT JOIN check_calendar own_f ON own_f.school <> '' AND own_f.school = x.school AND own_f.day = x.day + 1
        WHERE x.mark = {quoted(_UNRESOLVED)} AND coalesce(own_t.nth - own_f.nth, t.nth - f.nth) > {REASON_DAYS.value}
    """
    return weeks_found(found, against="x.against")


@_marks(
    "mark-not-of-its-day",
    "This attendance code was not in use on that day.",
    needs=("attendance_week",),
)
def mark_not_of_its_day() -> str:
    """Every code stands only on days on which it was in use: C2 and Q from 19 August 2024, H until the day before.
    Readers of marks leave such a mark out and say so under the same code; this finds those that came another way."""
    spans: dict[str, list[tuple[date, date]]] = {}
    for row in mark_codes().to_pylist():
        spans.setdefault(row["packed"], []).append((row["valid_from"] or date.min, row["valid_to"] or date.max))
    dated = {letter: held for letter, held in spans.items() if (date.min, date.max) not in _joined(held)}
    used = ", ".join(f"({quoted(n)}, DATE '{a}', DATE '{b}')" for n, held in dated.items() for a, b in _joined(held))
    letters = "".join(sorted(dated))
    return weeks_found(f"""
        SELECT x.* FROM ({sessions(f"SELECT {_WEEK} FROM register_week WHERE regexp_matches(marks, '[{letters}]')")}) x
        WHERE {within(letters, "x.mark")} AND NOT EXISTS (
            SELECT 1 FROM (VALUES {used}) AS u(letter, first, after)
            WHERE u.letter = x.mark AND x.day >= u.first AND x.day < u.after)
    """)


@_marks(
    "present-on-part-time-timetable",
    "Present at both registrations of a day while on a part-time timetable.",
    needs=("attendance_week", "part_time_timetable"),
    severity=Severity.QUERY,
)
def present_on_part_time_timetable() -> str:
    """While a pupil is on a part-time timetable at a school, a day on which that school marks the pupil present both
    in the morning and in the afternoon looks like a whole day: either the timetable is over, or the hours between the
    registrations were not spent in school. Some timetables do hold whole days, so this is a query."""
    weeks = """
        SELECT r.child_id, r.urn, r.week, r.marks, r.delivery, r.line, p.start_date, p.last_day, p.hours
        FROM register_week r LEFT JOIN check_school n ON n.name = r.urn
        JOIN part_time p ON p.child_id = r.child_id AND p.start_date < r.week + 7 AND p.last_day >= r.week
            AND coalesce(p.school, n.urn, r.urn) = coalesce(n.urn, r.urn)
    """
    found = f"""
        WITH part_time AS (
            SELECT DISTINCT l.child_id, coalesce(n.urn, p.school_ref) AS school, p.start_date,
                coalesce(p.end_date, {_NEVER}) AS last_day, p.hours
            FROM part_time_timetable p JOIN link l ON l.system = p.system AND l.ref = p.pupil_ref
            LEFT JOIN check_school n ON n.name = p.school_ref
            WHERE p.start_date IS NOT NULL
        )
        SELECT x.*, 'part-time timetable from ' || x.start_date || coalesce(', ' || x.hours::DECIMAL(6, 1) ||
            ' hours a week', '') AS against
        FROM ({sessions(weeks)}) x
        WHERE x.day BETWEEN x.start_date AND x.last_day AND {within(ATTENDING, "x.mark")}
        QUALIFY count(DISTINCT x.slot) OVER (PARTITION BY x.child_id, x.urn, x.day) = 2
    """
    return weeks_found(found, against="x.against")

"""School moves of the cohort: who changed school and when, managed moves, off-site direction, and the border.

No return and no list that schools send carries internal suspension, so nothing is said of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any, Final

import pyarrow as pa

from sightline import cohort
from sightline.operations.lists.kinds import Kind
from sightline.operations.opened import Opened, Scope
from sightline.operations.sheets import Grid
from sightline.vocabulary.errors import BadSetting

MOVES: Final = (
    Kind("left", "Left, no next school known",
         "A registration ended in the period, and no register or marks know the child at a school since."),
    Kind("out", "Out of the authority", "The next school is another authority’s, by the register of schools."),
    Kind("OSD", "Off-site direction", "Began in the period, by the newest list of provision elsewhere received."),
    Kind("MM", "Managed move", "Began in the period, by the newest list of provision elsewhere received."),
    Kind("AP", "Alternative provision", "Began in the period, by the newest list of provision elsewhere received."),
    Kind("mid-year", "Moved in the school year",
         "Began at another school than before, on a day after 30 September and before 1 August."),
    Kind("in", "Into the authority", "The school before is another authority’s, by the register of schools."),
    Kind("joined", "First school known here",
         "Began at a school in the period at the age of year 1 or above, after 30 September, and no school is known "
         "before."),
    Kind("new-year", "Changed school for the new year",
         "Began at another school than before from 1 August to 30 September, when everybody changes phase."),
)  # fmt: skip
"""The most urgent first; a child's move is of the first kind that holds of it."""
BY_KEY: Final = {m.key: m for m in MOVES}
_PLACE: Final = {m.key: place for place, m in enumerate(MOVES)}


def moves(opened: Opened, scope: Scope, children: pa.Table, since: date, on: date) -> list[dict[str, Any]]:
    """One row per move from `since` to `on`, both in, of `children` (rows of `cohort_on`, those in scope): the most
    urgent kind first, then the latest.

    Their own columns, and `move` (a key of `MOVES`), `day`, `from_urn`, `from_school`, `to_urn`, `to_school` (for
    provision elsewhere its provider as received, where it is no school we know), `until` (of provision elsewhere: its
    last day), `reason`, `by_marks` (marks alone tell of it), and where it is known from: `move_delivery`, `move_line`,
    `move_received`. Registrations at a second school and guests are no moves; a school that became another is one.
    Raises BadSetting where the period ends before it begins.
    """
    if since > on:
        raise BadSetting("The first day of the period should not be after its last.")
    door = opened.database
    here = children.filter(pa.array([scope.holds(c) for c in children["child_id"].to_pylist()], pa.bool_()))
    door.add("moving", here.select(["child_id", "school_age"]))
    door.add("moving_school", cohort.school_names(door))
    ours = opened.settings.authority or door.one("SELECT mode(authority) FROM delivery WHERE authority <> ''") or ""
    found = door.query(_FOUND, {"since": since, "on": on, "ours": ours}).to_pylist()
    rows = {row["child_id"]: row for row in here.to_pylist()}
    listed = [{**rows[each["child_id"]], **each} for each in found]
    listed.sort(key=lambda r: (_PLACE[r["move"]], -r["day"].toordinal(), r["child_id"]))
    return listed


# Everybody changes phase in September: see `measures.panel`, which counts as moved whoever began after it.
_NEW_YEAR: Final = "month({0}) IN (8, 9)"
_FOUND: Final = f"""
    WITH named AS (
        SELECT urn, arg_max(name, coalesce(place, 0)) AS name, arg_max(s.authority, coalesce(place, 0)) AS authority
        FROM school s LEFT JOIN delivery USING (delivery) GROUP BY urn
    ),
    roll AS (
        SELECT e.*, s.school_age, lag(urn) OVER one AS before,
            max(coalesce(end_date, DATE '9999-12-31')) OVER (PARTITION BY child_id) AS last_end
        FROM enrolment_period e JOIN moving s USING (child_id)
        WHERE urn IS NOT NULL AND coalesce(status, 'C') NOT IN ('S', 'G')
        WINDOW one AS (PARTITION BY child_id ORDER BY start_date, urn)
    ),
    began AS (
        SELECT r.child_id, r.start_date AS day, r.before AS from_urn, f.name AS from_name, r.urn AS to_urn,
            t.name AS to_name, r.by_marks, r.delivery, r.line, NULL::DATE AS until, NULL::TEXT AS reason,
            CASE
                WHEN r.before IS NOT NULL AND $ours <> '' AND coalesce(f.authority, $ours) = $ours
                    AND t.authority <> $ours THEN 'out'
                WHEN r.before IS NOT NULL AND $ours <> '' AND f.authority <> $ours
                    AND coalesce(t.authority, $ours) = $ours THEN 'in'
                WHEN r.before IS NOT NULL AND {_NEW_YEAR.format("r.start_date")} THEN 'new-year'
                WHEN r.before IS NOT NULL THEN 'mid-year'
                WHEN NOT {_NEW_YEAR.format("r.start_date")} AND p.birth_date + INTERVAL 5 YEAR
                    <= make_date(year(r.start_date) - (month(r.start_date) < 9)::INT, 9, 1) THEN 'joined'
            END AS move
        FROM roll r LEFT JOIN named f ON f.urn = r.before LEFT JOIN named t ON t.urn = r.urn
        LEFT JOIN person p ON p.child_id = r.child_id
        WHERE r.start_date BETWEEN $since AND $on AND (r.before IS NULL OR r.before <> r.urn)
    ),
    ended AS (
        SELECT r.child_id, r.end_date AS day, r.urn AS from_urn, f.name AS from_name, NULL::TEXT AS to_urn,
            NULL::TEXT AS to_name, r.by_marks, r.delivery, r.line, NULL::DATE AS until, NULL::TEXT AS reason,
            'left' AS move
        FROM roll r LEFT JOIN named f ON f.urn = r.urn
        -- The first day off roll may be the day of a register that looks ahead.
        WHERE r.end_date BETWEEN $since AND $on AND r.end_date = r.last_end AND r.school_age = 'of'
        QUALIFY row_number() OVER (PARTITION BY r.child_id ORDER BY r.start_date DESC, r.urn) = 1
    ),
    elsewhere AS (
        SELECT l.child_id, a.start_date AS day, coalesce(n.urn, a.school_ref) AS from_urn, f.name AS from_name,
            coalesce(q.urn, a.provider_ref) AS to_urn, t.name AS to_name, false AS by_marks, a.delivery, a.line,
            a.end_date AS until, a.reason, a.kind AS move
        FROM alternative_provision a JOIN link l ON l.system = a.system AND l.ref = a.pupil_ref
        JOIN moving s ON s.child_id = l.child_id LEFT JOIN delivery d ON d.delivery = a.delivery
        LEFT JOIN moving_school n ON n.name = a.school_ref LEFT JOIN moving_school q ON q.name = a.provider_ref
        LEFT JOIN named f ON f.urn = coalesce(n.urn, a.school_ref)
        LEFT JOIN named t ON t.urn = coalesce(q.urn, a.provider_ref)
        WHERE a.start_date BETWEEN $since AND $on
        QUALIFY row_number() OVER (PARTITION BY l.child_id, a.kind, a.start_date ORDER BY d.place DESC NULLS LAST,
            a.line DESC) = 1
    )
    SELECT m.child_id, m.move, m.day, m.from_urn, coalesce(m.from_name, m.from_urn) AS from_school, m.to_urn,
        coalesce(m.to_name, m.to_urn) AS to_school, m.until, m.reason, m.by_marks, m.delivery AS move_delivery,
        m.line AS move_line, d.received AS move_received, d.kind AS move_kind
    FROM (FROM began UNION ALL BY NAME FROM ended UNION ALL BY NAME FROM elsewhere) m
        LEFT JOIN delivery d USING (delivery)
    WHERE m.move IS NOT NULL
"""


def by_school(rows: Iterable[dict[str, Any]]) -> Grid:
    """One row per school: children who left it and who came to it in the period, and by kind of move; the most first.

    A move between two schools stands in the row of each.
    """
    counts: dict[str, list[int]] = {}
    for row in rows:
        for place, name in ((0, row["from_school"]), (1, row["to_school"])):
            if name:
                held = counts.setdefault(name, [0] * (2 + len(MOVES)))
                held[place] += 1
                held[2 + _PLACE[row["move"]]] += 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1][0] - item[1][1], item[0]))
    return Grid(
        "By school", "Moves by school", ("School", "From it", "To it", *(m.name for m in MOVES)),
        tuple((school, *held) for school, held in ordered),
        ("From it: also to provision elsewhere, where the child stays on roll. A move between two schools is in both "
         "rows.",),
    )  # fmt: skip

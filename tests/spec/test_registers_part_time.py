"""The part-time timetable register, by small tables: which timetables run, what is wrong with each, and marks beside."""

from __future__ import annotations

from datetime import date

import pytest
from spec_tables import database

from sightline import operations
from sightline.operations import Opened, Scope
from sightline.operations.lists.part_time import by_school, part_time
from sightline.vocabulary.settings import Settings

ON = date(2024, 11, 22)
# Two whole weeks of marks each: all ten sessions; mornings with C2 (d); mornings with C2 and two of them ill; mornings
# with the rest not required (X).
WHOLE, SHORT, ILL, HIDDEN = "/\\" * 5, "/d" * 5, "IdId/d/d/d", "/X" * 5
MARKS = {"whole": (WHOLE, 10, 0, 0), "short": (SHORT, 10, 5, 0), "ill": (ILL, 10, 7, 0), "hidden": (HIDDEN, 5, 0, 5)}


def register(**marks: str) -> str:
    lines = ["child_id | urn | week | marks | possible | authorised | unauthorised | approved | not_possible", "-+-"]
    for child, kind in marks.items():
        text, possible, away, not_possible = MARKS[kind]
        lines += [
            f"{child} | 900001 | {week} | {text} | {possible} | {away} | 0 | 0 | {not_possible}"
            for week in ("2024-11-11", "2024-11-18")
        ]
    return "\n".join(lines)


TABLES = {
    "person": "child_id | birth_date\n-+-\n" + "\n".join(f"{c} | 2012-03-01" for c in "ABCDEFGHI"),
    "status_period": "child_id | status | start_date | end_date\n-+-\n"
    + "\n".join(f"{c} | CIN plan | 2024-01-08 |" for c in "ABCDEFGHI"),
    "school": "urn | name\n-+-\n900001 | Invented One",
    "part_time_timetable": """
        pupil_ref | school_ref | start_date | end_date   | review_date | hours | delivery
        ----------+------------+------------+------------+-------------+-------+---------
        A         | 900001     | 2024-11-04 | 2024-12-06 | 2024-11-25  | 16    | d1
        B         | 900001     | 2024-09-09 | 2024-10-11 |             | 16    | d1
        C         | 900001     | 2024-11-04 | 2024-12-13 |             | 16    | d1
        C         | 900001     | 2024-11-04 |            |             | 16    | d2
        D         | 900001     | 2024-11-04 | 2024-12-06 | 2024-11-15  | 16    | d1
        E         | 900001     | 2024-10-01 | 2024-12-06 |             | 16    | d1
        G         | 900001     | 2024-09-09 | 2024-10-11 |             | 16    | d1
        H         | 900001     | 2024-11-25 | 2024-12-06 |             | 16    | d1
        I         |            | 2024-11-04 | 2024-12-06 |             |       | d1
        """,
    "register_week": register(A="short", B="short", C="ill", D="whole", E="hidden", F="short", G="whole", H="whole"),
    "link": "system | ref | child_id\n-+-\n" + "\n".join(f"ssd | {c} | {c}" for c in "ABCDEFGHI"),
}


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened("s", database(**TABLES), Settings(), ON, {"ssd": ON, "marks": ON})


def asked(held: Opened, on: date = ON, scope: Scope | None = None, schools: set[str] | None = None):
    children = operations.cohort_on(held, Scope.everyone(), on)
    return part_time(held, scope or Scope.everyone(), children, on, schools=schools)


def test_each_timetable_that_runs_is_listed_with_what_is_wrong_the_most_urgent_first(opened):
    rows = asked(opened)
    found = [(r["child_id"], " ".join(r["problems"])) for r in rows]
    assert found == [
        ("F", "unlisted"),  # on no list
        ("B", "past long"),  # ended on 11 October; still mornings only six weeks later
        ("C", "no-end fewer"),  # the later list gives no end; two mornings a week were missed as well
        ("E", "long unmarked"),  # nine weeks agreed; the afternoons stand as X
        ("D", "review unmarked more"),  # present all day: the timetable is not what is kept
        ("A", ""),
        ("I", ""),  # no hours and no marks: nothing can be said of either
    ]  # G ended and is in school all day; H has not begun


def test_marks_beside_are_sessions_a_week_of_each_kind(opened):
    rows = {r["child_id"]: r for r in asked(opened)}
    shown = ("agreed", "weeks", "marked_weeks", "attended", "short", "absent", "not_possible")
    assert [rows["C"][n] for n in shown] == [5, 2, 2, 3, 5, 2, 0]
    assert [rows["E"][n] for n in shown] == [5, 7, 2, 5, 0, 0, 5]
    assert (rows["I"]["agreed"], rows["I"]["marked_weeks"]) == (None, 0)
    assert rows["F"]["timetable_school"] == "Invented One"


def test_nobody_outside_the_scope_is_listed_and_a_school_reads_its_own_alone(opened):
    assert [r["child_id"] for r in asked(opened, scope=Scope.of(["B", "Z"]))] == ["B"]
    assert asked(opened, schools={"900002"}) == []
    assert len(asked(opened, schools={"900001"})) == 6, "all but the one of no school"


def test_before_the_code_was_made_nothing_is_said_to_be_unmarked():
    held = Opened(
        "s",
        database(
            person="child_id | birth_date\n-+-\nA | 2012-03-01",
            status_period="child_id | status | start_date\n-+-\nA | CP plan | 2023-01-08",
            part_time_timetable="pupil_ref | school_ref | start_date | end_date\n-+-\nA | 900001 | 2023-11-06 | 2023-12-08",
            register_week="child_id | urn | week | marks | possible | authorised | unauthorised | not_possible | approved"
            "\n-+-\nA | 900001 | 2023-11-13 | /C/C/C/C/C | 10 | 5 | 0 | 0 | 0",
            link="system | ref | child_id\n-+-\nssd | A | A",
        ),
        Settings(),
        date(2023, 11, 24),
        {"ssd": date(2023, 11, 24)},
    )
    (row,) = asked(held, date(2023, 11, 24))
    assert (row["problems"], row["absent"]) == ((), 5)


def test_schools_are_counted_with_each_problem(opened):
    grid = by_school(asked(opened))
    (row, other) = grid.rows
    assert row[:3] == ("Invented One", 6, 1)
    assert other[0] == "School not known"


def test_the_weeks_set_decide_what_is_long(opened):
    longer = Opened("s", opened.database, Settings(part_time_weeks=20), ON, {"ssd": ON})
    assert not any("long" in r["problems"] for r in asked(longer))

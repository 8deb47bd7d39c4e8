"""School moves, by small tables: which kind each is, the most urgent first, and what is no move."""

from __future__ import annotations

from datetime import date

import pytest
from spec_tables import database

from sightline import operations
from sightline.operations import Opened, Scope
from sightline.operations.lists.moves import by_school, moves
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

FIRST, ON = date(2024, 8, 1), date(2024, 11, 22)
CHILDREN = "ABCDEFGHIJK"
TABLES = {
    "person": "child_id | birth_date\n-+-\n" + "\n".join(f"{c} | 2012-03-01" for c in CHILDREN),
    "status_period": "child_id | status | start_date\n-+-\n"
    + "\n".join(f"{c} | CIN plan | 2024-01-08" for c in CHILDREN),
    "school": """
        urn    | name           | authority
        -------+----------------+----------
        900001 | Invented One   | 899
        900002 | Invented Two   | 899
        980001 | Beyond         | 898
        """,
    "enrolment_period": """
        child_id | urn    | start_date | end_date   | status | by_marks | delivery
        ---------+--------+------------+------------+--------+----------+---------
        A        | 900001 | 2023-09-01 | 2024-11-04 |        | false    | d1
        B        | 900001 | 2023-09-01 | 2024-11-04 |        | false    | d1
        B        | 980001 | 2024-11-11 |            |        | false    | d2
        C        | 980001 | 2023-09-01 | 2024-10-18 |        | false    | d1
        C        | 900001 | 2024-10-21 |            |        | false    | d1
        D        | 900001 | 2023-09-01 | 2024-10-18 |        | false    | d1
        D        | 900002 | 2024-10-21 |            |        | true     | d3
        E        | 900001 | 2023-09-01 | 2024-07-31 |        | false    | d1
        E        | 900002 | 2024-09-02 |            |        | false    | d1
        F        | 900002 | 2024-10-14 |            |        | false    | d1
        G        | 900001 | 2023-09-01 |            |        | false    | d1
        G        | 900002 | 2024-10-14 |            | S      | false    | d1
        H        | 900001 | 2023-09-01 |            |        | false    | d1
        I        | 900001 | 2022-09-01 | 2023-11-01 |        | false    | d1
        I        | 900002 | 2023-11-06 |            |        | false    | d1
        J        | 900001 | 2024-09-02 |            |        | false    | d1
        """,
    "alternative_provision": """
        pupil_ref | school_ref | provider_ref  | kind | start_date | end_date   | reason
        ----------+------------+---------------+------+------------+------------+---------
        H         | 900001     | A kind farm   | OSD  | 2024-10-07 | 2024-12-13 | Respite
        J         | 900001     | 900002        | MM   | 2024-11-04 |            |
        K         | 900001     | A workshop    | AP   | 2023-10-07 |            |
        """,
    "link": "system | ref | child_id\n-+-\n" + "\n".join(f"ssd | {c} | {c}" for c in CHILDREN),
}


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened("s", database(**TABLES), Settings(authority="899"), ON, {"ssd": ON})


def asked(held: Opened, since: date = FIRST, scope: Scope | None = None):
    children = operations.cohort_on(held, Scope.everyone(), ON)
    return moves(held, scope or Scope.everyone(), children, since, ON)


def test_each_move_is_of_the_first_kind_that_holds_and_the_most_urgent_stand_first(opened):
    found = [(r["child_id"], r["move"], r["day"].isoformat(), r["from_school"], r["to_school"]) for r in asked(opened)]
    assert found == [
        ("A", "left", "2024-11-04", "Invented One", None),
        ("B", "out", "2024-11-11", "Invented One", "Beyond"),
        ("H", "OSD", "2024-10-07", "Invented One", "A kind farm"),
        ("J", "MM", "2024-11-04", "Invented One", "Invented Two"),
        ("D", "mid-year", "2024-10-21", "Invented One", "Invented Two"),
        ("C", "in", "2024-10-21", "Beyond", "Invented One"),
        ("F", "joined", "2024-10-14", None, "Invented Two"),
        ("E", "new-year", "2024-09-02", "Invented One", "Invented Two"),
    ]  # G has a second school; I moved and K left for a workshop a year ago; J began in September with none before


def test_a_move_says_where_it_is_known_from_and_until_when(opened):
    rows = {r["child_id"]: r for r in asked(opened)}
    assert (rows["H"]["until"], rows["H"]["reason"]) == (date(2024, 12, 13), "Respite")
    assert (rows["D"]["by_marks"], rows["D"]["move_delivery"], rows["B"]["move_delivery"]) == (True, "d3", "d2")


def test_nobody_outside_the_scope_is_listed_and_the_period_is_as_asked(opened):
    assert [r["child_id"] for r in asked(opened, scope=Scope.of(["D", "Z"]))] == ["D"]
    assert "I" in {r["child_id"] for r in asked(opened, since=date(2023, 11, 1))}
    with pytest.raises(BadSetting):
        asked(opened, since=date(2024, 12, 1))


def test_a_move_between_two_schools_is_counted_at_each(opened):
    rows = {row[0]: row[1:3] for row in by_school(asked(opened)).rows}
    assert rows == {"Invented One": (6, 1), "Invented Two": (0, 4), "Beyond": (1, 1), "A kind farm": (0, 1)}

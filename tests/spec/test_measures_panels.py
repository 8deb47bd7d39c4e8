"""What a dashboard counts of each child, as small tables. The year is 2024/25, from 1 September to 14 March."""

from datetime import date

import pyarrow as pa
import pytest

from sightline.measures import other_pupils, panel
from sightline.vocabulary.settings import Settings

START, ON = date(2024, 9, 1), date(2025, 3, 14)


def children(*ids):
    return pa.table({"child_id": pa.array(ids, pa.string()), "urn": pa.array(["100001"] * len(ids), pa.string())})


@pytest.fixture
def counted(database):
    """The panel of the children A to `last`."""

    def run(last, schools=None, **tables):
        with database(**tables) as db:
            db.add("asked", children(*(chr(n) for n in range(ord("A"), ord(last) + 1))))
            return panel(db, "asked", start=START, on=ON, settings=Settings(), schools=schools)

    return run


def test_a_move_is_another_school_after_september(counted, same):
    """A moved in November, B in September, C came back to the school left, D never had another, E moved last year,
    F will move tomorrow, G is also a guest of another school, H moved on the last day asked for."""
    got = counted(
        "H",
        enrolment_period="""
            child_id | urn    | start_date | end_date   | status
            A        | 100001 | 2020-09-01 | 2024-11-04 | C
            A        | 100002 | 2024-11-04 |            | C
            B        | 100001 | 2020-09-01 | 2024-07-31 |
            B        | 100002 | 2024-09-30 |            |
            C        | 100001 | 2020-09-01 | 2024-10-04 | C
            C        | 100001 | 2024-11-04 |            | C
            D        | 100001 | 2024-11-04 |            | C
            E        | 100001 | 2020-09-01 | 2024-01-08 | C
            E        | 100002 | 2024-01-08 |            | C
            F        | 100001 | 2020-09-01 | 2025-03-14 | C
            F        | 100002 | 2025-03-15 |            | C
            G        | 100001 | 2020-09-01 |            | C
            G        | 100002 | 2024-11-04 |            | G
            H        | 100001 | 2020-09-01 | 2025-03-14 | C
            H        | 100002 | 2025-03-14 |            | C
        """,
    )
    same(
        got,
        """
        child_id | moved
        A        | true
        B        | false
        C        | false
        D        | false
        E        | false
        F        | false
        G        | false
        H        | true
        """,
    )


EXCLUSIONS = """
    child_id | urn    | start_date | category
    A        | 100001 | 2024-09-01 | SUSP
    A        | 100002 | 2025-03-14 | SUSP
    A        | 100001 | 2024-08-31 | SUSP
    B        | 100001 | 2025-03-15 | PERM
    B        | 100001 | 2024-11-04 | LNCH
    C        | 100001 | 2024-11-04 | PERM
"""


def test_suspensions_and_exclusions_are_those_that_began_in_the_time_asked_for(counted, same):
    """The first and the last day are in it. A lunchtime is neither. A school counts those given at it."""
    header = "child_id | suspensions | exclusions | suspended | excluded\n"
    same(
        counted("C", exclusion=EXCLUSIONS),
        header + "A | 2 | 0 | true | false\nB | 0 | 0 | false | false\nC | 0 | 1 | false | true",
    )
    same(
        counted("C", schools=["100002"], exclusion=EXCLUSIONS),
        header + "A | 1 | 0 | true | false\nB | 0 | 0 | false | false\nC | 0 | 0 | false | false",
    )


def test_who_works_with_a_child_is_said_of_the_day(counted, same):
    """A's worker left that day and another came; B's had come that day; C's comes tomorrow."""
    got = counted(
        "C",
        allocation="""
            child_id | worker_ref | team_ref | start_date | end_date
            A        | W1         | T1       | 2024-01-08 | 2025-03-14
            A        | W2         | T2       | 2024-03-01 |
            B        | W3         | T1       | 2025-03-14 | 2025-03-15
            C        | W3         | T1       | 2025-03-15 |
        """,
    )
    same(got, "child_id | worker_ref | team_ref\nA | W2 | T2\nB | W3 | T1\nC | |")


def test_the_latest_census_up_to_the_day_says_the_need(counted, same):
    """A's last word is of May, after the day. B's last census says nothing of SEN. No census names C."""
    got = counted(
        "C",
        characteristic="""
            pupil_ref | as_at      | sen_provision | fsm
            A         | 2024-10-03 | N             | false
            A         | 2025-01-16 | K             | false
            A         | 2025-05-15 | E             | true
            B         | 2024-10-03 | E             | true
            B         | 2025-01-16 |               | false
        """,
    )
    same(got, "child_id | sen | fsm | in_census\nA | K | false | true\nB | E | false | true\nC | | | false")


def test_a_schools_other_pupils(database, same):
    """X is in the cohort. Y missed exactly a tenth, Z exactly half and was suspended in the time; V was excluded before
    it and had a lunchtime in it; W has no possible session. Y counts in both schools."""
    with database(
        register_year="""
            child_id | urn    | year | possible | authorised | unauthorised
            X        | 100001 | 2024 | 100      | 90         | 0
            Y        | 100001 | 2024 | 100      | 4          | 6
            Y        | 100001 | 2023 | 100      | 99         | 0
            Y        | 100002 | 2024 | 10       | 0          | 0
            Z        | 100001 | 2024 | 100      | 50         | 0
            V        | 100001 | 2024 | 100      | 0          | 9
            W        | 100001 | 2024 | 0        | 0          | 0
        """,
        exclusion="""
            child_id | urn    | start_date | category
            Z        | 100001 | 2025-03-14 | SUSP
            V        | 100001 | 2024-08-31 | PERM
            V        | 100001 | 2024-11-04 | LNCH
            X        | 100001 | 2024-11-04 | PERM
        """,
        school="urn | name | phase\n100001 | Larkwood Primary | Primary\n100002 | Fennel Grove School | Secondary",
    ) as db:
        db.add("cohort_of_it", children("X"))
        same(
            other_pupils(db, start=START, on=ON, year=2024, settings=Settings(), without="cohort_of_it"),
            """
            urn    | phase     | pupils | possible | absent | persistent | severe | suspended | excluded
            100001 | Primary   | 3      | 300      | 69     | 2          | 1      | 1         | 0
            100002 | Secondary | 1      | 10       | 0      | 0          | 0      | 0         | 0
            """,
        )

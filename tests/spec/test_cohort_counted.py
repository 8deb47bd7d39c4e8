"""The periods of each child under the status they count under, specified by small tables. Closed-open."""

import pytest

from sightline.cohort import assemble_counted_periods
from sightline.vocabulary.settings import Settings


@pytest.fixture
def counted(database, same):
    def run(periods, expect, settings=None, person="child_id\nA"):
        with database(status_period=periods, person=person) as db:
            same(assemble_counted_periods(db, settings or Settings()), expect)

    return run


def test_an_outranked_plan_keeps_its_first_day(counted):
    """A was on a CP plan for a month of a CIN plan, which went on before, beneath and after it."""
    counted(
        """
        child_id | status   | start_date | end_date   | delivery | line
        A        | CIN plan | 2024-01-01 | 2024-06-01 | s        | 11
        A        | CP plan  | 2024-02-01 | 2024-03-01 | s        | 12
        """,
        """
        child_id | status   | start_date | end_date   | since      | last_plan_end | delivery | line
        A        | CIN plan | 2024-01-01 | 2024-02-01 | 2024-01-01 |               | s        | 11
        A        | CP plan  | 2024-02-01 | 2024-03-01 | 2024-02-01 |               | s        | 12
        A        | CIN plan | 2024-03-01 | 2024-06-01 | 2024-01-01 | 2024-03-01    | s        | 11
        A        | Ever 6   | 2024-06-01 | 2030-05-31 | 2024-06-01 | 2024-06-01    | s        | 11
        """,
    )


def test_a_plan_that_ends_beneath_another_status_begins_a_new_row_of_it(counted):
    counted(
        """
        child_id | status       | start_date | end_date   | other_authority
        A        | CIN plan     | 2024-01-01 | 2024-03-01 |
        A        | looked after | 2024-02-01 |            | true
        """,
        """
        child_id | status       | start_date | end_date   | since      | last_plan_end | other_authority
        A        | CIN plan     | 2024-01-01 | 2024-02-01 | 2024-01-01 |               |
        A        | looked after | 2024-02-01 | 2024-03-01 | 2024-02-01 |               | true
        A        | looked after | 2024-03-01 |            | 2024-02-01 | 2024-03-01    | true
        """,
    )


def test_ever_6_ends_with_the_look_back_childhood_death_or_a_new_plan(counted):
    """A turns 19, B dies, C is on a plan again, D is born on 29 February, E's look-back from 29 February runs out."""
    counted(
        """
        child_id | status   | start_date | end_date
        A        | CIN plan | 2023-01-01 | 2023-06-01
        B        | CIN plan | 2023-01-01 | 2023-06-01
        C        | CIN plan | 2023-01-01 | 2023-06-01
        C        | CP plan  | 2024-01-01 |
        D        | CIN plan | 2023-01-01 | 2023-06-01
        E        | CP plan  | 2016-01-01 | 2016-03-01
        """,
        """
        child_id | status   | start_date | end_date   | since
        A        | CIN plan | 2023-01-01 | 2023-06-01 | 2023-01-01
        A        | Ever 6   | 2023-06-01 | 2024-09-30 | 2023-06-01
        B        | CIN plan | 2023-01-01 | 2023-06-01 | 2023-01-01
        B        | Ever 6   | 2023-06-01 | 2023-08-15 | 2023-06-01
        C        | CIN plan | 2023-01-01 | 2023-06-01 | 2023-01-01
        C        | Ever 6   | 2023-06-01 | 2024-01-01 | 2023-06-01
        C        | CP plan  | 2024-01-01 |            | 2024-01-01
        D        | CIN plan | 2023-01-01 | 2023-06-01 | 2023-01-01
        D        | Ever 6   | 2023-06-01 | 2027-03-01 | 2023-06-01
        E        | CP plan  | 2016-01-01 | 2016-03-01 | 2016-01-01
        E        | Ever 6   | 2016-03-01 | 2022-03-01 | 2016-03-01
        """,
        person="""
        child_id | birth_date | death_date
        A        | 2005-09-30 |
        B        | 2010-01-01 | 2023-08-15
        C        | 2010-01-01 |
        D        | 2008-02-29 |
        E        |            |
        """,
    )


def test_care_interrupts_ever_6_and_the_day_off_the_plan_stands(counted):
    counted(
        """
        child_id | status       | start_date | end_date
        A        | CP plan      | 2023-01-01 | 2023-06-01
        A        | looked after | 2023-09-01 | 2023-12-01
        """,
        """
        child_id | status       | start_date | end_date   | since
        A        | CP plan      | 2023-01-01 | 2023-06-01 | 2023-01-01
        A        | Ever 6       | 2023-06-01 | 2023-09-01 | 2023-06-01
        A        | looked after | 2023-09-01 | 2023-12-01 | 2023-09-01
        A        | Ever 6       | 2023-12-01 | 2024-05-31 | 2023-06-01
        """,
        settings=Settings(look_back_years=1),
    )


def test_an_assessed_child_too_old_for_ever_6_is_assessed_since_the_assessment_began(counted):
    """A turned 19 before the plan ended, B while being assessed."""
    counted(
        """
        child_id | status     | start_date | end_date
        A        | CIN plan   | 2023-01-01 | 2023-06-01
        A        | assessment | 2023-05-01 | 2023-07-01
        B        | CIN plan   | 2023-01-01 | 2023-06-01
        B        | assessment | 2023-05-01 | 2023-12-01
        """,
        """
        child_id | status          | start_date | end_date   | since      | last_plan_end
        A        | CIN plan        | 2023-01-01 | 2023-06-01 | 2023-01-01 |
        A        | assessment only | 2023-06-01 | 2023-07-01 | 2023-05-01 | 2023-06-01
        B        | CIN plan        | 2023-01-01 | 2023-06-01 | 2023-01-01 |
        B        | Ever 6          | 2023-06-01 | 2023-09-30 | 2023-06-01 | 2023-06-01
        B        | assessment only | 2023-09-30 | 2023-12-01 | 2023-05-01 | 2023-06-01
        """,
        person="child_id | birth_date\nA | 2003-09-30\nB | 2004-09-30",
    )


def test_precedence_is_a_setting(counted):
    counted(
        """
        child_id | status       | start_date | end_date
        A        | CIN plan     | 2024-01-01 |
        A        | looked after | 2024-02-01 | 2024-03-01
        """,
        """
        child_id | status   | start_date | end_date | since
        A        | CIN plan | 2024-01-01 |          | 2024-01-01
        """,
        settings=Settings(precedence=("CIN plan", "CP plan", "looked after")),
    )

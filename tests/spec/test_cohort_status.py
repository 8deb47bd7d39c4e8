"""Who has which status on a day, specified by small tables. Periods are closed-open: `end_date` is the first day out."""

from datetime import date

import pytest

from sightline.cohort import counts_by, status_on
from sightline.vocabulary.settings import Settings

DAY = date(2024, 5, 10)


@pytest.fixture
def status(database, same):
    def run(periods, expect, on=DAY, settings=None, person=None):
        children = sorted({line.split("|")[0].strip() for line in periods.strip().splitlines()[1:]})
        person = person or "child_id\n" + "\n".join(children)
        with database(settings, status_period=periods, person=person) as db:
            same(status_on(db, on), expect)

    return run


def test_open_ended_and_not_yet_started(status):
    """A is open; B's last day was yesterday; C's last day is today; D starts today; E tomorrow."""
    status(
        """
        child_id | status   | start_date | end_date
        A        | CIN plan | 2024-05-01 |
        B        | CIN plan | 2024-01-01 | 2024-05-10
        C        | CP plan  | 2024-01-01 | 2024-05-11
        D        | CP plan  | 2024-05-10 |
        E        | CP plan  | 2024-05-11 |
        """,
        """
        child_id | status   | since      | days_open | last_plan_end
        A        | CIN plan | 2024-05-01 | 9         |
        B        | Ever 6   | 2024-05-10 |           | 2024-05-10
        C        | CP plan  | 2024-01-01 | 130       |
        D        | CP plan  | 2024-05-10 | 0         |
        """,
    )


def test_a_child_with_several_statuses_is_counted_once_by_precedence(status):
    periods = """
        child_id | status       | start_date | end_date
        A        | CIN plan     | 2024-01-01 |
        A        | CP plan      | 2024-02-01 |
        B        | CIN plan     | 2024-01-01 |
        B        | looked after | 2024-03-01 |
        C        | CP plan      | 2023-01-01 | 2023-02-01
        C        | looked after | 2024-03-01 |
        D        | assessment   | 2024-03-01 |
        D        | CIN plan     | 2024-04-01 |
    """
    status(
        periods,
        """
        child_id | status       | since      | last_plan_end
        A        | CP plan      | 2024-02-01 |
        B        | looked after | 2024-03-01 |
        C        | looked after | 2024-03-01 | 2023-02-01
        D        | CIN plan     | 2024-04-01 |
        """,
    )
    status(
        periods,
        "child_id | status\nA | CIN plan\nB | CIN plan\nC | looked after\nD | CIN plan",
        settings=Settings(precedence=("CIN plan", "CP plan", "looked after")),
    )


def test_ever_6_runs_for_six_years_of_days_that_end_today(status):
    """The window is 11 May 2018 to 10 May 2024: A's last day is its first day, B's the day before it."""
    status(
        """
        child_id | status   | start_date | end_date
        A        | CIN plan | 2018-01-01 | 2018-05-12
        B        | CIN plan | 2018-01-01 | 2018-05-11
        """,
        "child_id | status | since\nA | Ever 6 | 2018-05-12",
    )


@pytest.mark.parametrize(
    ("on", "expect"),
    [(date(2024, 2, 28), "A | Ever 6"), (date(2024, 2, 29), "A | Ever 6"), (date(2024, 3, 1), "")],
)
def test_ever_6_on_a_leap_day_looks_back_to_the_28th(status, on, expect):
    """A's last day is 1 March 2018, B's 28 February 2018, C's 27 February 2018."""
    periods = """
        child_id | status   | start_date | end_date
        A        | CIN plan | 2018-01-01 | 2018-03-02
        B        | CIN plan | 2018-01-01 | 2018-03-01
        C        | CIN plan | 2018-01-01 | 2018-02-28
    """
    status(periods, f"child_id | status\n{expect}", on=on)


def test_the_look_back_is_a_setting(status):
    periods = "child_id | status | start_date | end_date\nA | CP plan | 2022-01-01 | 2022-05-12"
    status(periods, "child_id | status\nA | Ever 6", settings=Settings(look_back_years=2))
    status(periods, "child_id | status\n", settings=Settings(look_back_years=1))


def test_children_only_being_assessed_are_shown_apart(status):
    """B was on a plan within the look-back, so being assessed again leaves them Ever 6; C's assessment is over."""
    status(
        """
        child_id | status     | start_date | end_date
        A        | assessment | 2024-05-01 |
        B        | CIN plan   | 2023-01-01 | 2023-06-01
        B        | assessment | 2024-05-01 |
        C        | assessment | 2024-04-01 | 2024-05-10
        """,
        """
        child_id | status          | since      | days_open
        A        | assessment only | 2024-05-01 | 9
        B        | Ever 6          | 2023-06-01 |
        """,
    )


def test_looked_after_before_counts_for_nothing_once_it_ended(status):
    status(
        "child_id | status | start_date | end_date\nA | looked after | 2020-01-01 | 2024-01-01",
        "child_id | status\n",
    )


def test_a_child_who_died_is_not_ever_6(status):
    status(
        "child_id | status | start_date | end_date\nA | CIN plan | 2023-01-01 | 2023-06-01\nB | CIN plan | 2023-01-01 | 2023-06-01",
        "child_id | status\nB | Ever 6",
        person="child_id | death_date\nA | 2023-06-01\nB | 2024-05-11",
    )


def test_school_year_group_team_and_worker_of_the_day(database, same):
    """A is registered twice: the main school counts. B left yesterday. C's year is told by the birth date."""
    tables = {
        "status_period": "child_id | status | start_date\nA | CIN plan | 2024-01-01\nB | CIN plan | 2024-01-01\nC | CIN plan | 2024-01-01",
        "person": "child_id | birth_date\nA |\nB |\nC | 2012-09-01",
        "enrolment_period": """
            child_id | urn    | start_date | end_date   | status | year_group | year_group_year
            A        | 100901 | 2020-09-01 |            | M      | 6          | 2022
            A        | 100902 | 2024-01-01 |            | S      | 7          | 2023
            B        | 100901 | 2020-09-01 | 2024-05-10 | C      | 3          | 2023
            C        | 100903 | 2023-09-01 |            |        |            |
        """,
        "school": "urn | name | phase\n100901 | Hollow School | Secondary\n100902 | Brook Unit |",
        "allocation": """
            child_id | worker_ref | worker_name | team_name | start_date | end_date
            A        | w1         | Pat Alder   | North     | 2024-01-01 | 2024-05-10
            A        | w2         | Sam Rowan   | South     | 2024-05-10 |
        """,
    }
    with database(**tables) as db:
        same(
            status_on(db, DAY),
            """
            child_id | urn    | school_name   | phase     | year_group | team_name | worker_name
            A        | 100901 | Hollow School | Secondary | 7          | South     | Sam Rowan
            B        |        |               |           |            |           |
            C        | 100903 | 100903        |           | 6          |           |
            """,
        )
        same(
            counts_by(db, DAY, "school"),
            "by | urn | cin_plan | on_plan | cohort\nHollow School | 100901 | 1 | 1 | 1\n100903 | 100903 | 1 | 1 | 1\n | | 1 | 1 | 1",
        )
        with pytest.raises(ValueError, match="cannot be counted by 'ward'"):
            counts_by(db, DAY, "ward")


def test_counts_keep_looked_after_and_assessed_children_out_of_the_cohort(database, same):
    tables = {
        "status_period": """
            child_id | status       | start_date | end_date
            A        | CIN plan     | 2024-01-01 |
            B        | CP plan      | 2024-01-01 |
            C        | looked after | 2024-01-01 |
            D        | assessment   | 2024-01-01 |
            E        | CP plan      | 2024-01-01 | 2024-02-01
        """,
        "person": "child_id\nA\nB\nC\nD\nE",
    }
    with database(**tables) as db:
        same(
            counts_by(db, DAY, "team"),
            """
            by | looked_after | cp_plan | cin_plan | ever_6 | assessment_only | on_plan | cohort
               | 1            | 1       | 1        | 1      | 1               | 2       | 3
            """,
        )


def test_only_children_within_are_seen(database, same, table):
    with database(
        status_period="child_id | status | start_date\nA | CIN plan | 2024-01-01\nB | CIN plan | 2024-01-01",
        person="child_id\nA\nB",
    ) as db:
        db.add("my caseload", table("person", "child_id\nB").select(["child_id"]))
        same(status_on(db, DAY, within="my caseload"), "child_id | status\nB | CIN plan")

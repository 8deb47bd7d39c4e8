"""Absence by any grouping, as small tables."""

from datetime import date

import pytest

from sightline import measures
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

YEAR = {"start": date(2024, 8, 1), "end": date(2025, 8, 1)}
# Absent 3 of 20, 5 of 10, 0 of 8, 2 of 20 (exactly 10%), and a child with no possible session.
REGISTER = """
    child_id | urn    | week       | possible | authorised | unauthorised | marks
    A        | 100001 | 2024-09-09 | 10       | 1          | 2            | IOO\\/\\/\\/\\
    A        | 100001 | 2024-11-04 | 10       | 0          | 0            | /\\/\\/\\/\\/\\
    A        | 100002 | 2025-01-06 | 10       | 5          | 0            | IIIII\\/\\/\\
    B        | 100001 | 2024-09-09 | 8        | 0          | 0            | ##/\\/\\/\\/\\
    C        | 100002 | 2025-04-28 | 10       | 0          | 2            | OO/\\/\\/\\/\\
    C        | 100002 | 2025-06-02 | 10       | 0          | 0            | /\\/\\/\\/\\/\\
    D        | 100002 | 2025-06-02 | 0        | 0          | 0            | XXXXXXXXXX
"""
PEOPLE = """
    child_id | surname | forename | birth_date
    A        | Ashgrove | Io      | 2013-05-04
    B        | Birchall | Lin     | 2020-08-31
    C        | Cobbett  | Max     | 2008-08-31
    D        | Dunmore  | Ned     | 2019-09-01
"""
SCHOOLS = "urn | name | phase\n100001 | Larkwood Primary | Primary\n100002 | Fennel Grove School | Secondary"


@pytest.fixture
def absence(database):
    def run(*by, settings=None, mart=False, **given):
        tables = {
            "register_week": given.pop("register_week", REGISTER),
            "person": given.pop("person", PEOPLE),
            "school": given.pop("school", SCHOOLS),
        }
        for name in ("allocation", "status_period", "enrolment_period", "term"):
            if name in given:
                tables[name] = given.pop(name)
        with database(settings, **tables) as db:
            if mart:
                db.execute(f"CREATE TABLE years AS {measures.register_year_sql()}")
                db.execute("CREATE OR REPLACE TABLE register_year AS FROM years")
            return measures.absence(db, by=by, settings=settings or Settings(), **(YEAR | given))

    return run


ALL = "unit | units | possible | authorised | unauthorised | persistent | severe | without_possible\n"


@pytest.mark.parametrize("mart", [False, True])
def test_rates_are_sum_over_sum_and_thresholds_are_exact(absence, same, mart):
    """Enrolments: A at two schools, B, C; A at 100002 misses exactly half, C exactly a tenth. D has no possible session."""
    same(absence(mart=mart), ALL + "enrolment | 4 | 58 | 6 | 4 | 3 | 1 | 1")
    (row,) = absence(mart=mart).to_pylist()
    assert row["overall_rate"] == pytest.approx(1000 / 58)
    assert row["authorised_rate"] == pytest.approx(600 / 58)
    assert row["unauthorised_rate"] == pytest.approx(400 / 58)
    assert (row["persistent_rate"], row["severe_rate"]) == (75.0, 25.0)


@pytest.mark.parametrize("mart", [False, True])
def test_the_unit_may_be_the_child(absence, same, mart):
    """As one child A misses 8 of 30."""
    same(absence(unit="child", mart=mart), ALL + "child | 3 | 58 | 6 | 4 | 2 | 0 | 1")


@pytest.mark.parametrize("mart", [False, True])
def test_by_child_school_phase_and_year(absence, same, mart):
    same(
        absence("child", mart=mart),
        """
        child_id | surname  | forename | units | possible | persistent | without_possible
        A        | Ashgrove | Io       | 2     | 30       | 2          | 0
        B        | Birchall | Lin      | 1     | 8        | 0          | 0
        C        | Cobbett  | Max      | 1     | 20       | 1          | 0
        D        | Dunmore  | Ned      | 0     | 0        | 0          | 1
        """,
    )
    same(
        absence("school", "year", mart=mart),
        """
        urn    | school_name         | year | units | possible | authorised | unauthorised
        100001 | Larkwood Primary    | 2024 | 2     | 28       | 1          | 2
        100002 | Fennel Grove School | 2024 | 2     | 30       | 5          | 2
        """,
    )
    same(absence("phase", mart=mart), "phase | units\nPrimary | 2\nSecondary | 2")
    (row,) = absence("child", within="person", mart=mart).slice(3, 1).to_pylist()
    assert (row["overall_rate"], row["persistent_rate"]) == (None, None)


def test_by_week_and_half_term(absence, same):
    """The usual calendar, unless the authority's own is there."""
    same(
        absence("week"),
        """
        week       | units | possible | authorised | unauthorised
        2024-09-09 | 2     | 18       | 1          | 2
        2024-11-04 | 1     | 10       | 0          | 0
        2025-01-06 | 1     | 10       | 5          | 0
        2025-04-28 | 1     | 10       | 0          | 2
        2025-06-02 | 1     | 10       | 0          | 0
        """,
    )
    same(
        absence("half_term"),
        "half_term | units | possible\nautumn 1 | 2 | 18\nautumn 2 | 1 | 10\nspring 1 | 1 | 10\nsummer 1 | 1 | 10\nsummer 2 | 1 | 10",
    )
    own = "authority | name | start_date | end_date\n801 | autumn 1 | 2024-09-02 | 2024-12-20\n801 | spring 1 | 2025-01-06 | 2025-07-20"
    same(
        absence("half_term", term=own, settings=Settings(authority="801")),
        "half_term | units | possible\nautumn 1 | 2 | 28\nspring 1 | 2 | 30",
    )


def test_by_plan_as_it_stood_on_each_monday(absence, same):
    """A's sessions are split between the plans held; precedence decides; a plan from Tuesday counts from the week after."""
    periods = """
        child_id | status     | start_date | end_date
        A        | CIN plan   | 2024-09-02 | 2024-12-01
        A        | CP plan    | 2024-11-04 |
        B        | CIN plan   | 2024-09-10 |
        C        | assessment | 2024-09-02 |
        C        | CP plan    | 2020-09-02 | 2021-09-02
    """
    same(
        absence("plan", status_period=periods, unit="child"),
        """
        plan     | units | possible | authorised | unauthorised | persistent | without_possible
        CIN plan | 1     | 10       | 1          | 2            | 1          | 0
        CP plan  | 1     | 20       | 5          | 0            | 1          | 0
        no plan  | 2     | 28       | 0          | 2            | 1          | 1
        """,
    )
    same(
        absence("plan", status_period=periods, unit="child", ever_6=True),
        "plan | units | possible\nCIN plan | 1 | 10\nCP plan | 1 | 20\nEver 6 | 1 | 20\nno plan | 1 | 8",
    )
    shorter = Settings(look_back_years=3)
    same(
        absence("plan", status_period=periods, unit="child", ever_6=True, settings=shorter).select(["plan", "units"]),
        "plan | units\nCIN plan | 1\nCP plan | 1\nno plan | 2",
    )


def test_by_team_as_it_stood_on_each_monday(absence, same):
    allocations = """
        child_id | worker_ref | team_ref | team_name | start_date | end_date
        A        | w1         | t1       | North     | 2024-09-02 | 2024-11-04
        A        | w2         | t2       | South     | 2024-11-04 | 2025-01-01
        C        | w1         | t1       | North     | 2024-09-02 |
    """
    same(
        absence("team", allocation=allocations),
        """
        team_ref | team_name | units | possible
        t1       | North     | 2     | 30
        t2       | South     | 1     | 10
                 |           | 2     | 18
        """,
    )


def test_by_year_group_of_the_academic_year(absence, same):
    """Known of 2023/24 and moved on; reception follows nursery; a mixed class has no year; nobody said for C."""
    roll = """
        child_id | urn    | start_date | year_group | year_group_year
        A        | 100001 | 2020-09-01 | 6          | 2024
        A        | 100002 | 2025-01-01 | 6          | 2023
        B        | 100001 | 2024-09-01 | N2         | 2023
        D        | 100002 | 2024-09-01 | M          | 2024
    """
    for mart in (False, True):
        same(
            absence("year_group", enrolment_period=roll, mart=mart),
            "year_group | units | possible | without_possible\n6 | 1 | 20 | 0\n7 | 1 | 10 | 0\nR | 1 | 8 | 0\n | 1 | 20 | 1",
        )


def test_groupings_combine(absence, same):
    same(
        absence("school", "week", start=date(2024, 9, 1), end=date(2024, 12, 1)),
        "urn | week | units | possible\n100001 | 2024-09-09 | 2 | 18\n100001 | 2024-11-04 | 1 | 10",
    )


def test_a_period_counts_its_own_days_of_the_weeks_it_cuts(absence, same):
    """From Tuesday 10 September (A misses that morning; Monday's two half days are outside) to Wednesday 30 April, out."""
    same(
        absence("child", start=date(2024, 9, 10), end=date(2025, 4, 30)).slice(0, 3),
        """
        child_id | possible | authorised | unauthorised
        A        | 28       | 5          | 1
        B        | 8        | 0          | 0
        C        | 4        | 0          | 2
        """,
    )
    same(
        absence(start=date(2024, 9, 10), end=date(2024, 9, 11)),
        ALL + "enrolment | 2 | 4 | 0 | 1 | 1 | 1 | 0",
    )


@pytest.mark.parametrize("mart", [False, True])
def test_the_statistics_own_limits_are_off_unless_asked_for(absence, same, mart):
    """Aged 5 to 15 on 31 August 2024: not B (4 that day), not C (16 that day); D turned 5 a day late."""
    born = PEOPLE.replace("2020-08-31", "2019-09-01")
    assert absence(mart=mart, person=born)["units"].to_pylist() == [4]
    same(
        absence("child", statutory_age=True, mart=mart, person=born),
        "child_id | units\nA | 2",
    )
    older = PEOPLE.replace("2008-08-31", "2008-09-01").replace("2020-08-31", "2019-08-31")
    same(
        absence("child", statutory_age=True, mart=mart, person=older),
        "child_id | units\nA | 2\nB | 1\nC | 1",
    )
    roll = "child_id | urn | start_date | boarder\nA | 100002 | 2024-09-01 | true\nA | 100001 | 2024-09-01 | false"
    same(
        absence("child", without_boarders=True, mart=mart, enrolment_period=roll),
        "child_id | units | possible\nA | 1 | 20\nB | 1 | 8\nC | 1 | 20\nD | 0 | 0",
    )


@pytest.mark.parametrize("mart", [False, True])
def test_each_academic_year_of_a_longer_period_is_counted_apart(absence, same, mart):
    two = REGISTER + "    A | 100001 | 2025-09-08 | 10 | 0 | 0 | /\\/\\/\\/\\/\\"
    same(
        absence("school", register_week=two, end=date(2026, 8, 1), mart=mart),
        "urn | units | possible | persistent\n100001 | 3 | 38 | 1\n100002 | 2 | 30 | 2",
    )


def test_thresholds_are_settings(absence, same):
    same(
        absence(settings=Settings(persistent_percent=10.1, severe_percent=50.1)),
        ALL + "enrolment | 4 | 58 | 6 | 4 | 2 | 0 | 1",
    )


def test_a_wrong_question_is_refused_with_what_there_is(absence):
    with pytest.raises(BadSetting, match=r"cannot be grouped by .house.\. It can be by: child, school"):
        absence("school", "house")
    with pytest.raises(BadSetting, match="no unit 'pupil'"):
        absence(unit="pupil")
    with pytest.raises(BadSetting, match="is empty"):
        absence(start=date(2025, 8, 1))


def test_nothing_held_is_a_row_of_nothing(absence, same):
    same(absence(start=date(2019, 8, 1), end=date(2020, 8, 1)), ALL + "enrolment | 0 | 0 | 0 | 0 | 0 | 0 | 0")
    assert absence("school", start=date(2019, 8, 1), end=date(2020, 8, 1)).num_rows == 0


def test_the_scope_is_kept(absence, database, same):
    with database(register_week=REGISTER, person=PEOPLE) as db:
        db.execute("CREATE TABLE mine AS SELECT 'B' AS child_id")
        same(
            measures.absence(db, by=["child"], within="mine", settings=Settings(), **YEAR), "child_id | possible\nB | 8"
        )


def test_nobody_older_than_the_oldest_age_is_ever_6(absence, same):
    """A, born in May 2013, was on a plan within the look-back; an authority that stops at 10 counts none of it."""
    given = {"status_period": "child_id | status | start_date | end_date\nA | CIN plan | 2022-01-01 | 2022-06-01"}
    same(absence("plan", unit="child", ever_6=True, **given), "plan | units\nEver 6 | 1\nno plan | 2")
    settings = Settings(ever_6_oldest_age=10)
    same(absence("plan", unit="child", ever_6=True, settings=settings, **given), "plan | units\nno plan | 3")

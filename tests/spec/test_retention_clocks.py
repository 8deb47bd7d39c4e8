"""When the reasons for knowing a child run out, specified by small tables. Each day is the first one without."""

from datetime import date

from sightline.cohort import clocks
from sightline.vocabulary.settings import Settings


def test_each_clock_runs_out_on_its_own_day(database, same):
    """A is open; B's plan and worker have ended, the worker later; C was assessed and never on a plan; D has a worker
    and no plan; E's second plan is open, so only the look-back to the first is over; F turns 19 before six years pass.
    """
    with database(
        Settings(),
        status_period="""
            child_id | status     | start_date | end_date
            A        | CIN plan   | 2024-05-01 |
            B        | CP plan    | 2022-01-01 | 2022-06-01
            C        | assessment | 2023-01-01 | 2023-02-01
            E        | CIN plan   | 2020-01-01 | 2021-01-01
            E        | CP plan    | 2023-01-01 |
            F        | CIN plan   | 2020-01-01 | 2021-01-01
        """,
        allocation="""
            child_id | start_date | end_date
            B        | 2022-01-01 | 2022-07-01
            D        | 2024-01-01 |
        """,
        person="""
            child_id | birth_date
            A        |
            B        |
            C        |
            D        |
            E        |
            F        | 2005-03-10
        """,
    ) as db:
        same(
            clocks(db),
            """
            child_id | closed_on  | plan_ended | ever_6_until
            A        |            |            |
            B        | 2022-07-01 | 2022-06-01 | 2028-05-31
            C        | 2023-02-01 |            |
            D        |            |            |
            E        |            | 2021-01-01 | 2023-01-01
            F        | 2021-01-01 | 2021-01-01 | 2024-03-10
            """,
        )


def test_the_look_back_is_the_authoritys_own(database):
    with database(
        Settings(look_back_years=2),
        status_period="child_id | status | start_date | end_date\nA | CIN plan | 2020-01-01 | 2021-01-01",
        person="child_id\nA",
    ) as db:
        assert clocks(db).to_pylist()[0]["ever_6_until"] == date(2022, 12, 31)

"""What changed between two days, specified by small tables."""

from datetime import date

import pytest

from sightline.cohort import changes, summary
from sightline.vocabulary.settings import Settings

SINCE, ON = date(2024, 3, 31), date(2024, 4, 30)


@pytest.fixture
def changed(database, same):
    def run(periods, expect, since=SINCE, on=ON, step_days=28):
        choices = Settings(step_days=step_days)
        children = sorted({line.split("|")[0].strip() for line in periods.strip().splitlines()[1:]})
        with database(status_period=periods, person="child_id\n" + "\n".join(children)) as db:
            same(changes(db, since, on, settings=choices), expect)
            return summary(db, on, since, settings=choices)

    return run


def test_new_and_ended_plans_each_rest_on_a_row(changed):
    """A's started on the comparison day and B's the day after `on`, so neither is new. E's end is presumed."""
    got = changed(
        """
        child_id | status   | start_date | end_date   | presumed | delivery | line
        A        | CIN plan | 2024-03-31 |            | false    | s        | 11
        B        | CIN plan | 2024-05-01 |            | false    | s        | 12
        C        | CIN plan | 2024-04-01 |            | false    | s        | 13
        D        | CP plan  | 2023-04-01 | 2024-04-30 | false    | s        | 14
        E        | CP plan  | 2023-04-01 | 2024-04-01 | true     | c        | 15
        F        | CP plan  | 2023-04-01 | 2024-05-01 | false    | s        | 16
        """,
        """
        child_id | change     | status   | day        | presumed | delivery | line
        C        | new plan   | CIN plan | 2024-04-01 | false    | s        | 13
        D        | plan ended | CP plan  | 2024-04-30 | false    | s        | 14
        E        | plan ended | CP plan  | 2024-04-01 | true     | c        | 15
        """,
    )
    assert (got.joiners, got.leavers, got.new_plans, got.ended) == (1, 2, 1, 2)
    assert got.on_plan == (4, 3)
    assert got.cohort == (4, 5)
    assert got.days_open == {"CIN plan": (30 + 29) / 2, "CP plan": 395.0}


def test_a_plan_whose_first_day_off_is_the_comparison_day_had_ended_by_then(changed):
    got = changed(
        """
        child_id | status   | start_date | end_date
        A        | CIN plan | 2023-04-01 | 2024-03-31
        B        | CIN plan | 2023-04-01 | 2024-04-01
        """,
        "child_id | change | status | day\nB | plan ended | CIN plan | 2024-04-01",
    )
    assert (got.leavers, got.ended) == (1, 1)


def test_steps_up_and_down(changed):
    """A: CIN runs on beneath CP. B: CIN ended, CP a week later. C: down at once. D: down after a week. E: CIN beneath."""
    changed(
        """
        child_id | status   | start_date | end_date
        A        | CIN plan | 2024-01-01 |
        A        | CP plan  | 2024-04-10 |
        B        | CIN plan | 2024-01-01 | 2024-04-02
        B        | CP plan  | 2024-04-09 |
        C        | CP plan  | 2024-01-01 | 2024-04-05
        C        | CIN plan | 2024-04-05 |
        D        | CP plan  | 2024-01-01 | 2024-04-05
        D        | CIN plan | 2024-04-12 |
        E        | CP plan  | 2024-01-01 | 2024-04-05
        E        | CIN plan | 2024-02-01 |
        """,
        """
        child_id | change    | status   | day
        A        | step up   | CP plan  | 2024-04-10
        B        | step up   | CP plan  | 2024-04-09
        C        | step down | CIN plan | 2024-04-05
        D        | step down | CIN plan | 2024-04-12
        E        | step down | CIN plan | 2024-04-05
        """,
    )


def test_how_many_days_apart_still_make_a_step_can_be_set(changed):
    periods = """
        child_id | status   | start_date | end_date
        D        | CP plan  | 2024-01-01 | 2024-04-05
        D        | CIN plan | 2024-04-12 |
    """
    changed(periods, "child_id | change | day\nD | step down | 2024-04-12", step_days=7)
    got = changed(
        periods,
        "child_id | change | day\nD | plan ended | 2024-04-05\nD | re-plan | 2024-04-12",
        step_days=6,
    )
    assert (got.re_plans, got.step_downs, got.joiners, got.leavers) == (1, 0, 0, 0)


def test_a_past_day_knows_nothing_of_what_came_after(changed):
    """On 8 April D's plan had ended; that a CIN plan would follow on the 12th nobody could know."""
    changed(
        """
        child_id | status   | start_date | end_date
        D        | CP plan  | 2024-01-01 | 2024-04-05
        D        | CIN plan | 2024-04-12 |
        E        | CP plan  | 2024-01-01 | 2024-04-20
        """,
        "child_id | change | day\nD | plan ended | 2024-04-05",
        on=date(2024, 4, 8),
    )


def test_re_plan_new_plan_and_the_lesser_plan_beneath(changed):
    """A had a plan two years ago; B never; C's CIN plan starts beneath a CP plan; D's two begin together."""
    got = changed(
        """
        child_id | status   | start_date | end_date
        A        | CP plan  | 2022-01-01 | 2022-06-01
        A        | CP plan  | 2024-04-10 |
        B        | CP plan  | 2024-04-10 | 2024-04-20
        C        | CP plan  | 2024-01-01 |
        C        | CIN plan | 2024-04-10 | 2024-04-15
        D        | CIN plan | 2024-04-10 |
        D        | CP plan  | 2024-04-10 |
        """,
        """
        child_id | change     | status  | day
        A        | re-plan    | CP plan | 2024-04-10
        B        | new plan   | CP plan | 2024-04-10
        B        | plan ended | CP plan | 2024-04-20
        D        | new plan   | CP plan | 2024-04-10
        """,
    )
    assert (got.came_and_went, got.joiners, got.leavers, got.re_plans) == (1, 2, 0, 1)


def test_becoming_looked_after_leaves_the_plan_count_by_precedence(changed):
    got = changed(
        """
        child_id | status       | start_date | end_date
        A        | CP plan      | 2024-01-01 |
        A        | looked after | 2024-04-10 |
        B        | looked after | 2024-01-01 | 2024-04-10
        """,
        "child_id | change | day\nA | looked after | 2024-04-10\nB | no longer looked after | 2024-04-10",
    )
    assert (got.on_plan, got.leavers) == ((1, 0), 1)
    assert (got.then["looked after"], got.now["looked after"]) == (1, 1)

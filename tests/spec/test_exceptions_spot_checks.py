"""The weekly spot check: who is drawn, that nobody chooses, and what the answers say."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sightline.reconciliation import draw, spot_check_results

MONDAY = date(2024, 11, 18)
COHORT = [
    {"child_id": f"c{n:03}", "status": "CIN plan" if n % 4 else "CP plan", "team_name": f"Team {n % 3}", "phase": None}
    for n in range(240)
]


def test_a_week_draws_the_same_children_again_and_another_week_others():
    first = draw(COHORT, 20, MONDAY)
    assert len(set(first)) == 20
    assert draw(COHORT[::-1], 20, MONDAY) == first, "in whatever order the register lists them"
    assert set(draw(COHORT, 20, MONDAY + timedelta(weeks=1))) != set(first)


def test_plans_and_teams_are_drawn_in_proportion():
    """A quarter is on a CP plan and each team has a third: of 24 drawn, 6 and 8, give or take one at the edges."""
    drawn = set(draw(COHORT, 24, MONDAY))
    rows = [r for r in COHORT if r["child_id"] in drawn]
    assert abs(Counter(r["status"] for r in rows)["CP plan"] - 6) <= 1
    assert all(abs(n - 8) <= 2 for n in Counter(r["team_name"] for r in rows).values())


def test_each_child_has_the_same_chance():
    """Over 600 weeks each of 240 children is drawn about 50 times (standard deviation under 7)."""
    times = Counter(c for n in range(600) for c in draw(COHORT, 20, MONDAY + timedelta(weeks=n)))
    assert len(times) == 240 and sum(times.values()) == 600 * 20
    assert max(times.values()) < 85 and min(times.values()) > 20


@given(st.integers(0, 60), st.integers(1, 40))
def test_as_many_as_asked_for_and_nobody_twice(cohort, size):
    drawn = draw(COHORT[:cohort], size, MONDAY)
    assert len(drawn) == len(set(drawn)) == min(cohort, size)


def test_the_share_is_of_those_answered_either_way():
    """Of ten drawn eight were right, one wrong, one not found out; a stranger's answer counts for nothing."""
    children = [f"c{n}" for n in range(11)]
    answers = {**dict.fromkeys(children[:8], "agrees"), "c8": "differs", "c9": "not found out", "x": "differs"}
    (week,) = spot_check_results({MONDAY: children}, {MONDAY: answers})
    assert (week.drawn, week.agrees, week.differs, week.not_found_out, week.waits) == (11, 8, 1, 1, 1)
    assert round(week.percent, 1) == 88.9
    # Wilson's interval of 8 in 9, as R's prop.test(8, 9, correct = FALSE) gives it.
    assert (round(week.low, 2), round(week.high, 2)) == (56.50, 98.01)


def test_a_week_without_answers_has_no_share():
    (week,) = spot_check_results({MONDAY: ["a"]}, {})
    assert (week.percent, week.low, week.waits) == (None, None, 1)

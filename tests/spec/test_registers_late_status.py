"""How late plans are, by small tables: from the outcome to the plan, and from the plan to the file that knew it."""

from __future__ import annotations

from datetime import date

import pytest
from spec_tables import database

from sightline import operations
from sightline.operations import Opened, Scope
from sightline.operations.lists.late_status import by_month, by_team, figures, late_plans
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

SINCE, ON = date(2024, 9, 1), date(2024, 11, 22)
CHILDREN = "ABCDEF"
TABLES = {
    "delivery": """
        delivery | kind | system | as_at      | received   | place
        ---------+------+--------+------------+------------+------
        d1       | ssd  | ssd    | 2024-10-04 | 2024-10-05 | 1
        d2       | ssd  | ssd    | 2024-11-01 | 2024-11-02 | 2
        d3       | ssd  | ssd    | 2024-11-22 | 2024-11-23 | 3
        """,
    "person": "child_id | birth_date\n-+-\n" + "\n".join(f"{c} | 2012-03-01" for c in CHILDREN),
    "status_period": "child_id | status | start_date\n-+-\n"
    + "\n".join(f"{c} | CIN plan | 2024-09-02" for c in CHILDREN),
    # Each file holds plans that ended in 2023, so each reaches back to then: its silence means something.
    "cin_plan": """
        child_ref | start_date | end_date   | delivery
        ----------+------------+------------+---------
        Z         | 2022-01-03 | 2023-01-03 | d1
        Z         | 2022-01-03 | 2023-01-03 | d2
        Z         | 2022-01-03 | 2023-01-03 | d3
        A         | 2024-09-09 |            | d1
        A         | 2024-09-09 |            | d2
        B         | 2024-09-09 |            | d3
        C         | 2024-10-14 |            | d2
        D         | 2024-10-28 |            | d3
        E         | 2024-09-16 |            | d1
        E         | 2024-09-18 |            | d2
        F         | 2024-01-08 | 2024-10-11 | d3
        """,
    "cp_plan": """
        child_ref | start_date | end_date   | other_authority | delivery
        ----------+------------+------------+-----------------+---------
        Z         | 2022-01-03 | 2023-01-03 |                 | d3
        F         | 2024-10-14 |            |                 | d3
        A         | 2024-10-14 |            | true            | d3
        """,
    "assessment": """
        child_ref | end_date   | delivery
        ----------+------------+---------
        A         | 2024-09-06 | d1
        B         | 2024-08-20 | d1
        C         | 2024-05-01 | d1
        """,
    "section_47": """
        child_ref | conference_date | delivery
        ----------+-----------------+---------
        F         | 2024-10-02      | d3
        """,
    "allocation": """
        child_id | worker_ref | worker_name | team_ref | team_name | start_date | end_date
        ---------+------------+-------------+----------+-----------+------------+-----------
        A        | w1         | W One       | t1       | Team One  | 2024-01-01 |
        B        | w1         | W One       | t1       | Team One  | 2024-01-01 | 2024-10-01
        C        | w2         | W Two       | t2       | Team Two  | 2024-01-01 |
        """,
    "link": "system | ref | child_id\n-+-\n" + "\n".join(f"ssd | {c} | {c}" for c in CHILDREN + "Z"),
}


@pytest.fixture(scope="module")
def opened() -> Opened:
    return Opened("s", database(**TABLES), Settings(), ON, {"ssd": ON})


def asked(held: Opened, scope: Scope | None = None, since: date = SINCE):
    children = operations.cohort_on(held, Scope.everyone(), ON)
    return late_plans(held, scope or Scope.everyone(), children, since, ON)


def test_days_from_the_outcome_and_until_a_file_knew_are_counted_of_each_plan(opened):
    found = {
        (r["child_id"], r["kind"]): (r["plan_start"].isoformat(), r["outcome_days"], r["unseen_days"], r["late"])
        for r in asked(opened)
    }
    assert found == {
        # twenty days after its assessment; files of October and November did not show it: 53 days to the later
        ("B", "CIN plan"): ("2024-09-09", 20, 53, True),
        ("A", "CIN plan"): ("2024-09-09", 3, 0, False),  # the first file that could show it did
        ("C", "CIN plan"): ("2024-10-14", None, 0, False),  # an assessment of May is another matter
        ("D", "CIN plan"): ("2024-10-28", None, 4, False),  # four days before the file of 1 November
        ("E", "CIN plan"): ("2024-09-18", None, 0, False),  # a start as last told is one plan
        ("F", "CP plan"): ("2024-10-14", None, 0, False),  # after another plan: the conference is its review
    }


def test_the_latest_recorded_stand_first_and_nobody_outside_the_scope(opened):
    assert asked(opened)[0]["child_id"] == "B"
    assert [r["child_id"] for r in asked(opened, Scope.of(["A", "Z"]))] == ["A"]
    with pytest.raises(BadSetting):
        asked(opened, since=date(2024, 12, 1))


def test_teams_and_months_say_half_and_nine_in_ten_and_the_share_over_the_setting(opened):
    rows = asked(opened)
    teams = {row[0]: row for row in by_team(rows, 7).rows}
    assert next(iter(teams)) == "Team One", "the most late first"
    assert teams["Team One"][1:6] == (2, 2, 11.5, pytest.approx(18.3), 50.0)
    assert teams["Team One"][6:] == (2, 26.5, pytest.approx(47.7), 50.0)
    assert teams["Team Two"][2:6] == (0, "", "", "")
    assert [row[:2] for row in by_month(rows, 7).rows] == [("2024-10", 3), ("2024-09", 3)]
    told = figures(rows, 7).to_pylist()
    assert (told[0]["by"], told[0]["value"], told[0]["unseen_late_percent"]) == ("team", "Team One", 50.0)
    assert next(r for r in told if r["value"] == "Team Two")["outcome_median"] is None

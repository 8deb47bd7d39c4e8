"""Plans of several deliveries brought to one history, specified by small tables."""

import pytest

from sightline.cohort import assemble_status_periods
from sightline.vocabulary.settings import Settings

CENSUSES = """
    delivery | system     | as_at      | place
    c22      | cin-census | 2022-03-31 | 1
    c23      | cin-census | 2023-03-31 | 2
    s        | ssd        | 2023-09-01 | 3
"""


@pytest.fixture
def periods(database, same):
    def run(expect, delivery=CENSUSES, findings=(), **tables):
        with database(delivery=delivery, **tables) as db:
            got = assemble_status_periods(db, Settings())
        same(got.table, expect)
        assert [(f["rule"], f["record"], f["delivery"]) for f in got.findings.to_pylist()] == list(findings)
        return got

    return run


def test_the_last_day_in_becomes_the_first_day_out(periods):
    periods(
        "child_id | status | start_date | end_date | presumed\nA | CIN plan | 2023-05-01 | 2023-05-11 | false",
        cin_plan="child_ref | start_date | end_date | delivery\nA | 2023-05-01 | 2023-05-10 | s",
    )


def test_plans_that_overlap_or_touch_are_one_and_a_gap_of_a_day_makes_two(periods):
    """A's second plan starts the day after the first ended; B's two days after; C's overlap."""
    periods(
        """
        child_id | start_date | end_date
        A        | 2023-01-01 | 2023-03-01
        B        | 2023-01-01 | 2023-02-01
        B        | 2023-02-02 | 2023-03-01
        C        | 2023-01-01 | 2023-04-01
        """,
        cin_plan="""
            child_ref | start_date | end_date   | delivery
            A         | 2023-01-01 | 2023-01-31 | s
            A         | 2023-02-01 | 2023-02-28 | s
            B         | 2023-01-01 | 2023-01-31 | s
            B         | 2023-02-02 | 2023-02-28 | s
            C         | 2023-01-01 | 2023-03-31 | s
            C         | 2023-02-02 | 2023-02-28 | s
        """,
    )


def test_the_latest_delivery_that_mentions_a_plan_has_the_last_word(periods):
    """A was open in both censuses and the dataset knows its end; B's end is corrected; C is reopened."""
    periods(
        """
        child_id | end_date   | delivery | presumed
        A        | 2023-06-02 | s        | false
        B        | 2022-07-01 | c23      | false
        C        |            | s        | false
        """,
        cp_plan="""
            child_ref | system     | delivery | start_date | end_date
            A         | cin-census | c22      | 2022-01-01 |
            A         | cin-census | c23      | 2022-01-01 |
            A         | ssd        | s        | 2022-01-01 | 2023-06-01
            B         | cin-census | c22      | 2022-01-01 | 2022-03-01
            B         | cin-census | c23      | 2022-01-01 | 2022-06-30
            C         | cin-census | c23      | 2022-01-01 | 2022-06-30
            C         | ssd        | s        | 2022-01-01 |
        """,
    )


def test_of_two_rows_of_one_delivery_the_one_that_ends_and_ends_last_counts(periods):
    periods(
        "child_id | end_date\nA | 2023-06-02\nB | 2023-06-02",
        cp_plan="""
            child_ref | start_date | end_date
            A         | 2022-01-01 | 2023-06-01
            A         | 2022-01-01 | 2022-03-01
            B         | 2022-01-01 |
            B         | 2022-01-01 | 2023-06-01
        """,
    )


def test_a_census_received_late_does_not_have_the_last_word(periods):
    periods(
        "child_id | end_date\nA | 2023-01-11",
        delivery="delivery | system | as_at | place\nc22 | cin-census | 2022-03-31 | 9\nc23 | cin-census | 2023-03-31 | 1",
        cp_plan="""
            child_ref | system     | delivery | start_date | end_date
            A         | cin-census | c22      | 2022-01-01 |
            A         | cin-census | c23      | 2022-01-01 | 2023-01-10
        """,
    )


def test_a_plan_a_later_census_no_longer_shows_is_presumed_ended(periods):
    """B makes the later census speak of such plans. A's plan was seen last on 31 March 2022: the first day out is 1 April."""
    periods(
        """
        child_id | start_date | end_date   | presumed | delivery | line
        A        | 2022-01-01 | 2022-04-01 | true     | c22      | 1
        B        | 2022-06-01 |            | false    | c23      | 2
        """,
        findings=[("plan-presumed-ended", "A", "c22")],
        cin_plan="""
            child_ref | system     | delivery | start_date
            A         | cin-census | c22      | 2022-01-01
            B         | cin-census | c23      | 2022-06-01
        """,
    )


def test_silence_means_nothing_in_another_system_or_in_a_file_without_such_plans(periods):
    """The dataset never knew A's plan; the census of 2023 came without any CP plan."""
    periods(
        "child_id | end_date\nA |\nB |\nC |",
        cin_plan="""
            child_ref | system     | delivery | start_date
            A         | cin-census | c23      | 2022-01-01
            B         | ssd        | s        | 2022-06-01
        """,
        cp_plan="child_ref | system | delivery | start_date\nC | cin-census | c22 | 2022-01-01",
    )


def test_another_authoritys_later_census_presumes_nothing(periods):
    periods(
        "child_id | end_date\nA |\nB |",
        delivery="""
            delivery | system     | authority | as_at      | place
            c22      | cin-census | 998       | 2022-03-31 | 1
            c23      | cin-census | 999       | 2023-03-31 | 2
        """,
        cin_plan="child_ref | system | delivery | start_date\nA | cin-census | c22 | 2022-01-01\nB | cin-census | c23 | 2022-06-01",
    )


def test_a_system_that_sends_some_children_only_presumes_nothing_by_silence(periods):
    """Yesterday's batch held A, today's holds B: A's plan is as it was."""
    periods(
        "child_id | end_date\nA |\nB |",
        delivery="""
            delivery | system  | as_at      | place
            monday   | csc-api | 2024-11-18 | 1
            tuesday  | csc-api | 2024-11-19 | 2
        """,
        cin_plan="""
            child_ref | system  | delivery | start_date
            A         | csc-api | monday   | 2024-09-02
            B         | csc-api | tuesday  | 2024-10-07
        """,
    )


def test_one_plan_with_two_starts_ends_when_the_later_word_says(periods):
    """Census: open since 2 January; the dataset: 3 January to 10 June. A's is one plan. B's later plan is another."""
    periods(
        """
        child_id | start_date | end_date   | presumed
        A        | 2023-01-02 | 2023-06-11 | false
        B        | 2023-01-02 |            | false
        """,
        cin_plan="""
            child_ref | system     | delivery | start_date | end_date
            A         | cin-census | c23      | 2023-01-02 |
            A         | ssd        | s        | 2023-01-03 | 2023-06-10
            B         | cin-census | c23      | 2023-01-02 |
            B         | ssd        | s        | 2023-05-03 | 2023-06-10
        """,
    )


def test_an_end_before_its_start_and_a_missing_start_are_left_out_with_a_finding(periods):
    got = periods(
        "child_id\n",
        findings=[("period-ends-before-it-starts", "A", "s"), ("period-without-start", "B", "s")],
        cin_plan="child_ref | delivery | start_date | end_date\nA | s | 2023-02-01 | 2023-01-01\nB | s | | 2023-01-01",
    )
    assert got.findings.to_pylist()[0]["value"] == "2023-01-01"


def test_the_word_of_an_unusable_row_does_not_count(periods):
    periods(
        "child_id | end_date\nA |",
        findings=[("period-ends-before-it-starts", "A", "s")],
        cp_plan="""
            child_ref | system     | delivery | start_date | end_date
            A         | cin-census | c23      | 2023-02-01 |
            A         | ssd        | s        | 2023-02-01 | 2022-02-01
        """,
    )


def test_waiting_for_and_being_in_assessment(periods):
    """A waits a week, is assessed, then waits no more; B waits for a plan; C's referral led nowhere; D's closed."""
    periods(
        """
        child_id | status     | start_date | end_date   | presumed
        A        | assessment | 2023-01-01 | 2023-02-11 | false
        B        | assessment | 2023-01-01 | 2023-01-20 | false
        B        | CIN plan   | 2023-01-20 |            | false
        D        | assessment | 2023-01-01 | 2023-03-02 | false
        E        | assessment | 2023-01-05 | 2023-04-02 | true
        """,
        referral="""
            child_ref | referral_ref | referral_date | closure_date | no_further_action
            A         | R1           | 2023-01-01    |              | false
            B         | R2           | 2023-01-01    |              |
            C         | R3           | 2023-01-01    |              | true
            D         | R4           | 2023-01-01    | 2023-03-01   | false
            E         | R5           | 2023-01-05    | 2023-04-01   | false
        """,
        assessment="""
            child_ref | referral_ref | start_date | end_date
            A         | R1           | 2023-01-08 | 2023-02-10
            E         | R5           | 2023-01-05 |
        """,
        cin_plan="child_ref | start_date\nB | 2023-01-20",
        delivery="delivery | system | as_at | place\nd1 | ssd | 2023-09-01 | 1",
    )


def test_nothing_outlasts_a_death_and_another_authoritys_plan_is_marked(periods):
    periods(
        """
        child_id | start_date | end_date   | presumed | other_authority
        A        | 2023-01-01 | 2023-02-02 | true     | true
        """,
        child="child_ref | death_date\nA | 2023-02-01",
        cp_plan="child_ref | start_date | other_authority\nA | 2023-01-01 | true\nA | 2023-03-01 | true",
        delivery="delivery | system | place\nd1 | ssd | 1",
    )

"""Each rule of reconciliation about plans as small tables: what parts, and beside it what does not."""

from reconciliation_tables import compared, found


def test_plan_one_side():
    """A's plan is in the case system alone; B's in the census alone. C is in both. D's began after the census's day; E's
    within its last week, which a census should have. F's ended before either speaks. G's is another authority's."""
    got = compared(
        cin_plan="""
            child_ref | start_date | end_date   | delivery
            ----------+------------+------------+---------
            A         | 2024-01-08 |            | ssd
            B         | 2024-01-08 |            | c24
            C         | 2024-01-08 |            | ssd
            C         | 2024-01-08 |            | c24
            D         | 2024-06-03 |            | ssd
            E         | 2024-03-27 |            | ssd
            F         | 2021-01-04 | 2022-02-01 | ssd
        """,
        cp_plan="""
            child_ref | start_date | end_date | other_authority | delivery
            ----------+------------+----------+-----------------+---------
            G         | 2024-01-08 |          | true            | ssd
            H         | 2024-01-08 |          |                 | c24
            H         | 2024-01-08 |          |                 | ssd
        """,
    )
    assert found(got, "plan-one-side") == [
        ("A", "cin-census", "CIN plan from 2024-01-08, open on 2024-11-22", None),
        ("B", "ssd", "CIN plan from 2024-01-08, open on 2024-03-31", None),
        ("E", "cin-census", "CIN plan from 2024-03-27, open on 2024-11-22", None),
    ]


def test_a_plan_left_open_is_not_the_one_that_began_after_its_file():
    """The census has A's plan open on its day; the case system has one that began months later, and not that one."""
    got = compared(
        cin_plan="""
            child_ref | start_date | end_date | delivery
            ----------+------------+----------+---------
            A         | 2023-08-21 |          | c24
            A         | 2024-09-16 |          | ssd
        """,
    )
    assert found(got, "plan-one-side") == [("A", "ssd", "CIN plan from 2023-08-21, open on 2024-03-31", None)]
    assert found(got, "plan-start") == []


def test_plan_kind():
    """A is on a CIN plan in the census and on a CP plan in the case system for the same days. B is on both in both."""
    got = compared(
        cin_plan="""
            child_ref | start_date | end_date   | delivery
            ----------+------------+------------+---------
            A         | 2024-01-08 |            | c24
            B         | 2023-06-05 | 2023-09-01 | c24
            B         | 2023-06-05 | 2023-09-01 | ssd
        """,
        cp_plan="""
            child_ref | start_date | delivery
            ----------+------------+---------
            A         | 2024-01-09 | ssd
            B         | 2023-09-04 | c24
            B         | 2023-09-04 | ssd
        """,
    )
    assert found(got, "plan-kind") == [
        (
            "A",
            "cin-census",
            "CIN plan from 2024-01-08, open on 2024-03-31",
            "CP plan from 2024-01-09, open on 2024-11-22",
        )
    ]
    assert found(got, "plan-one-side") == []


def test_plan_start_and_plan_end():
    """A's plan starts on two days, B's ends on two. C's was open on the census's day and ended after it."""
    got = compared(
        cin_plan="""
            child_ref | start_date | end_date   | delivery
            ----------+------------+------------+---------
            A         | 2023-05-08 |            | c24
            A         | 2023-05-15 |            | ssd
            B         | 2023-05-08 | 2023-12-01 | c24
            B         | 2023-05-08 | 2023-12-15 | ssd
            C         | 2023-05-08 |            | c24
            C         | 2023-05-08 | 2024-05-01 | ssd
        """
    )
    assert found(got, "plan-start") == [
        (
            "A",
            "cin-census",
            "CIN plan from 2023-05-08, open on 2024-03-31",
            "CIN plan from 2023-05-15, open on 2024-11-22",
        )
    ]
    assert found(got, "plan-end") == [
        ("B", "cin-census", "CIN plan from 2023-05-08 to 2023-12-01", "CIN plan from 2023-05-08 to 2023-12-15")
    ]
    assert found(got, "plan-one-side") == []


def test_plan_recorded_late():
    """A's end on 1 March was not yet known on 31 March. B's start in January 2023 is in the census of 2024 and not in that
    of 2023, which had C. D's end and its record are on one day."""
    got = compared(
        cin_plan="""
            child_ref | start_date | end_date   | delivery
            ----------+------------+------------+---------
            A         | 2023-05-08 |            | c24
            A         | 2023-05-08 | 2024-03-01 | ssd
            B         | 2023-01-09 |            | c24
            B         | 2023-01-09 |            | ssd
            C         | 2022-09-05 |            | c23
            C         | 2022-09-05 |            | c24
            C         | 2022-09-05 |            | ssd
            D         | 2023-05-08 | 2024-03-31 | c24
            D         | 2023-05-08 | 2024-03-31 | ssd
        """
    )
    assert found(got, "plan-recorded-late") == [
        (
            "A",
            "cin-census",
            "CIN plan from 2023-05-08, open on 2024-03-31",
            "CIN plan from 2023-05-08 to 2024-03-01",
            30,
        ),
        ("B", "cin-census", "no CIN plan on 2023-03-31", "CIN plan from 2023-01-09", 81),
    ]


def test_plan_after_outcome():
    """A's plan began 20 days after the conference, B's on its day. C's follows a CIN plan, whose review made it."""
    got = compared(
        cp_plan="""
            child_ref | start_date | delivery
            ----------+------------+---------
            A         | 2024-06-21 | ssd
            B         | 2024-06-01 | ssd
            C         | 2024-06-21 | ssd
        """,
        cin_plan="""
            child_ref | start_date | end_date   | delivery
            ----------+------------+------------+---------
            C         | 2024-03-01 | 2024-06-20 | ssd
        """,
        section_47="""
            child_ref | start_date | conference_date | delivery
            ----------+------------+-----------------+---------
            A         | 2024-05-20 | 2024-06-01      | ssd
            B         | 2024-05-20 | 2024-06-01      | ssd
            C         | 2024-05-20 | 2024-06-01      | ssd
        """,
    )
    assert found(got, "plan-after-outcome") == [
        ("A", "ssd", "CP plan from 2024-06-21, open on 2024-11-22", "conference on 2024-06-01", 20)
    ]


def test_plan_category_and_other_authority():
    """A's category parts. B's plan is another authority's in the case system and ours in the census."""
    got = compared(
        cp_plan="""
            child_ref | start_date | initial_category | other_authority | delivery
            ----------+------------+------------------+-----------------+---------
            A         | 2023-05-08 | NEG              |                 | c24
            A         | 2023-05-08 | EMO              |                 | ssd
            B         | 2023-05-08 | NEG              |                 | c24
            B         | 2023-05-08 | NEG              | true            | ssd
        """
    )
    assert found(got, "plan-category") == [("A", "cin-census", "NEG", "EMO")]
    assert found(got, "other-authority") == [
        ("B", "cin-census", "CP plan from 2023-05-08, open on 2024-11-22, another authority's",
         "CP plan from 2023-05-08, open on 2024-03-31, ours")
    ]  # fmt: skip

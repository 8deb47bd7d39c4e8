"""What the registers say when several files speak of the same week, as small tables."""

from datetime import date

import pytest

from sightline import measures

PRESENT = "/\\/\\/\\/\\/\\"


@pytest.fixture
def merged(database):
    """`register_week` of 2024/25 as rows."""

    def run(attendance_week, **tables):
        with database(attendance_week=attendance_week, **tables) as db:
            return db.conformed("register_week", measures.register_week_sql(2024))

    return run


def test_a_week_that_came_once_passes_through_untouched(merged, same):
    """Even counts that the marks do not bear out: the reader's word on its file stands."""
    got = merged(
        f"""
        pupil_ref | school_ref | week       | marks      | possible | authorised | unauthorised | approved | late | not_possible | line
        A         | 100001     | 2025-03-10 | {PRESENT} | 9        | 1          | 2            | 3        | 4    | 5            | 7
        A         | 100001     | 2024-07-29 | {PRESENT} | 10       | 0          | 0            | 0        | 0    | 0            | 8
        A         | 100001     | 2025-08-04 | {PRESENT} | 10       | 0          | 0            | 0        | 0    | 0            | 9
        """
    )
    same(
        got,
        f"""
        child_id | urn    | week       | marks      | possible | authorised | unauthorised | approved | late | not_possible | delivery | line
        A        | 100001 | 2025-03-10 | {PRESENT} | 9        | 1          | 2            | 3        | 4    | 5            | d1       | 7
        """,
    )


def test_the_later_mark_wins_and_no_mark_never_wins(merged, same):
    """The second file changes Monday from N to I, knows Friday, and does not know Tuesday. The counts are made again."""
    got = merged(
        r"""
        pupil_ref | school_ref | week       | marks      | possible | unauthorised | delivery | line
        A         | 100001     | 2025-03-10 | NN/\/\/\.. | 8        | 2            | f1       | 4
        A         | 100001     | 2025-03-10 | II..LV/\OU | 8        | 2            | f2       | 9
        """,
        delivery="delivery | system | place\nf2 | marks | 2\nf1 | marks | 1",
        link="system | ref | child_id\nschool-census | A | A",
    )
    same(
        got,
        r"""
        child_id | week       | marks      | possible | authorised | unauthorised | approved | late | not_possible | delivery | line
        A        | 2025-03-10 | II/\LV/\OU | 10       | 2          | 2            | 1        | 2    | 0            | f2       | 9
        """,
    )


def test_a_fully_marked_later_week_is_taken_whole(merged, same):
    got = merged(
        f"""
        pupil_ref | school_ref | week       | marks      | possible | authorised | delivery | line
        A         | 100001     | 2025-03-10 | NN........ | 2        | 0          | f1       | 4
        A         | 100001     | 2025-03-10 | {PRESENT} | 10       | 0          | f2       | 5
        """,
        delivery="delivery | system | place\nf1 | marks | 1\nf2 | marks | 2",
    )
    same(got, f"child_id | marks | possible | delivery | line\nA | {PRESENT} | 10 | f2 | 5")


def test_a_weekend_session_and_two_records_of_one_child(merged, same):
    """A14-slot week meets a ten-slot one; the pupil's two ids are one child."""
    got = merged(
        r"""
        pupil_ref | school_ref | week       | marks          | possible | delivery
        A         | 100001     | 2025-03-10 | /\/\/\/\/\/\.. | 12       | f1
        A2        | 100001     | 2025-03-10 | I\/\/\/\..     | 8        | f2
        """,
        delivery="delivery | system | place\nf1 | marks | 1\nf2 | marks | 2",
        link="system | ref | child_id\nschool-census | A | C1\nschool-census | A2 | C1",
    )
    same(got, "child_id | marks | possible | authorised\nC1 | I\\/\\/\\/\\/\\/\\.. | 12 | 1")


def test_two_schools_in_a_week_are_two_rows_and_a_school_is_the_urn_it_had_then(merged, same):
    """B's LAESTAB converted on 1 January; an unknown reference stays as it was sent; a week without a school is kept."""
    got = merged(
        f"""
        pupil_ref | school_ref | week       | marks
        A         | 100001     | 2025-03-10 | {PRESENT}
        A         | MAIN-7     | 2025-03-10 | {PRESENT}
        B         | 801/4001   | 2024-11-04 | {PRESENT}
        B         | 8014001    | 2025-01-06 | {PRESENT}
        C         |            | 2025-03-10 | {PRESENT}
        """,
        school="""
            urn    | laestab | open_date  | close_date
            100001 | 8012001 |            |
            100002 | 8014001 | 1990-09-01 | 2024-12-31
            100003 | 8014001 | 2025-01-01 |
        """,
    )
    same(
        got,
        """
        child_id | urn    | week
        A        | 100001 | 2025-03-10
        A        | MAIN-7 | 2025-03-10
        B        | 100002 | 2024-11-04
        B        | 100003 | 2025-01-06
        C        |        | 2025-03-10
        """,
    )


def test_a_code_counts_as_it_did_on_its_day(database, same):
    """D was attendance until September 2011 and is not a possible session since; the change fell on a Thursday."""
    week = "pupil_ref | school_ref | week | marks | delivery\n"
    rows = "A | 1 | 2011-08-29 | DDDDDD..DD | f1\nA | 1 | 2011-08-29 | DDDDDDDDD. | f2"
    deliveries = "delivery | system | place\nf1 | marks | 1\nf2 | marks | 2"
    with database(attendance_week=week + rows, delivery=deliveries) as db:
        got = db.conformed("register_week", measures.register_week_sql(2011))
    same(got, "marks | possible | approved | not_possible\nDDDDDDDDDD | 6 | 6 | 4")


REGISTER = """
    child_id | urn    | week       | possible | authorised | unauthorised
    A        | 100001 | 2024-09-09 | 10       | 1          | 2
    A        | 100001 | 2025-07-28 | 10       | 0          | 1
    A        | 100001 | 2025-09-08 | 8        | 0          | 0
    B        | 100001 | 2024-09-09 | 0        | 0          | 0
    B        | 100002 | 2024-09-09 | 6        | 6          | 0
"""


def test_the_year_and_the_schools_week(database, same):
    with database(register_week=REGISTER) as db:
        same(
            db.conformed("register_year", measures.register_year_sql()),
            """
            child_id | urn    | year | possible | authorised | unauthorised
            A        | 100001 | 2024 | 20       | 1          | 3
            A        | 100001 | 2025 | 8        | 0          | 0
            B        | 100001 | 2024 | 0        | 0          | 0
            B        | 100002 | 2024 | 6        | 6          | 0
            """,
        )
        same(
            db.conformed("register_school_week", measures.register_school_week_sql()),
            """
            urn    | week       | pupils | possible | authorised | unauthorised
            100001 | 2024-09-09 | 1      | 10       | 1          | 2
            100001 | 2025-07-28 | 1      | 10       | 0          | 1
            100001 | 2025-09-08 | 1      | 8        | 0          | 0
            100002 | 2024-09-09 | 1      | 6        | 6          | 0
            """,
        )


def test_an_exclusion_that_two_files_tell_of_is_one(database, same):
    """The census of two terms and the school's own file, the school having become an academy in between. The later word
    is kept with the first day received. Another day, category or school is another exclusion."""
    with database(
        suspension="""
            pupil_ref | school_ref | start_date | sessions | category | reason1 | delivery | system        | line
            A         | 100002     | 2024-11-04 | 2        | FIXD     | DB      | d1       | school-census | 3
            A         | 100003     | 2024-11-04 | 4        | SUSP     | PP      | d2       | school-census | 4
            A9        | 100002     | 2024-11-04 | 3        | SUSP     | OW      | d3       | suspensions   | 5
            A         | 100003     | 2024-11-05 | 2        | SUSP     | DB      | d2       | school-census | 6
            A         | 100003     | 2024-11-04 | 1        | LNCH     | DB      | d2       | school-census | 7
            A         | 100001     | 2024-11-04 | 2        | SUSP     | DB      | d2       | school-census | 8
            A         | 100001     |            | 2        | SUSP     | DB      | d2       | school-census | 9
            A         | 100001     |            | 2        | SUSP     | DB      | d2       | school-census | 10
        """,
        school="urn | laestab\n100001 | 8012001\n100002 | 8014001\n100003 | 8014001",
        school_link="urn | link_urn | link_type\n100003 | 100002 | Predecessor",
        link="system | ref | child_id\nschool-census | A | C1\nsuspensions | A9 | C1",
        delivery="""
            delivery | received   | place
            d1       | 2025-01-20 | 1
            d2       | 2025-05-20 | 3
            d3       | 2024-11-06 | 2
        """,
    ) as db:
        same(
            db.conformed("exclusion", measures.exclusion_sql()),
            """
            child_id | urn    | start_date | sessions | category | reason1 | received   | delivery | line
            C1       | 100003 | 2024-11-04 | 4        | SUSP     | PP      | 2024-11-06 | d2       | 4
            C1       | 100003 | 2024-11-05 | 2        | SUSP     | DB      | 2025-05-20 | d2       | 6
            C1       | 100003 | 2024-11-04 | 1        | LNCH     | DB      | 2025-05-20 | d2       | 7
            C1       | 100001 | 2024-11-04 | 2        | SUSP     | DB      | 2025-05-20 | d2       | 8
            C1       | 100001 |            | 2        | SUSP     | DB      | 2025-05-20 | d2       | 9
            C1       | 100001 |            | 2        | SUSP     | DB      | 2025-05-20 | d2       | 10
            """,
        )


def test_chains_of_successors_are_followed_and_splits_are_not(database, same):
    """1 became 2 became 3; 5 was split into 6 and 7; 8 and 9 name each other."""
    rows = "\n".join(f"A | {urn} | 2024-11-04 | SUSP" for urn in "135678 9".replace(" ", ""))
    with database(
        suspension="pupil_ref | school_ref | start_date | category\n" + rows,
        school_link="""
            urn | link_urn | link_type
            1   | 2        | Successor
            2   | 3        | Successor - merged
            5   | 6        | Successor - Split School
            5   | 7        | Successor - Split School
            8   | 9        | Successor
            9   | 8        | Successor
        """,
    ) as db:
        got = db.conformed("exclusion", measures.exclusion_sql())["urn"].to_pylist()
    assert [u for u in got if u in "13"] == ["3"]
    assert {"5", "6", "7"} <= set(got)
    assert len([u for u in got if u in "89"]) in (1, 2)


def test_the_weeks_of_one_child(database):
    with database(
        register_week=f"""
            child_id | urn    | week       | marks      | possible | authorised | unauthorised | approved | late | not_possible | delivery | line
            A        | 100001 | 2025-03-03 | {PRESENT} | 10       | 0          | 0            | 0        | 0    | 0            | d1       | 2
            A        | 100001 | 2025-03-10 | c15I\\...L/ | 6        | 2          | 0            | 0        | 1    | 2            | d2       | 3
            B        | 100001 | 2025-03-10 | {PRESENT} | 10       | 0          | 0            | 0        | 0    | 0            | d2       | 4
        """,
        school="urn | name\n100001 | Larkwood Primary",
    ) as db:
        got = measures.attendance_weeks(db, "A", date(2025, 3, 5), date(2025, 3, 12)).to_pylist()
    assert [(r["week"], r["codes"], r["school_name"]) for r in got] == [
        (date(2025, 3, 10), "C1 Y1 Y5 I \\ . . . L /", "Larkwood Primary"),
        (date(2025, 3, 3), "/ \\ / \\ / \\ / \\ / \\", "Larkwood Primary"),
    ]
    assert (got[0]["absent"], round(got[0]["attendance_rate"], 1), got[0]["delivery"], got[0]["line"]) == (
        2,
        66.7,
        "d2",
        3,
    )


def test_the_weeks_of_a_school(database, same):
    with database(
        register_school_week="""
            urn    | week       | pupils | possible | authorised | unauthorised
            100001 | 2025-03-03 | 2      | 20       | 1          | 1
            100001 | 2025-03-10 | 2      | 0        | 0          | 0
            100002 | 2025-03-10 | 1      | 10       | 0          | 5
            100002 | 2025-03-17 | 1      | 10       | 0          | 5
        """,
        school="urn | name\n100001 | Larkwood Primary",
    ) as db:
        same(
            measures.school_weeks(db, date(2025, 3, 3), date(2025, 3, 17)),
            """
            urn    | school_name      | week       | absent | overall_rate | authorised_rate | unauthorised_rate
            100001 | Larkwood Primary | 2025-03-03 | 2      | 10.0         | 5.0             | 5.0
            100001 | Larkwood Primary | 2025-03-10 | 0      |              |                 |
            100002 |                  | 2025-03-10 | 5      | 50.0         | 0.0             | 50.0
            """,
        )
        assert measures.school_weeks(db, date(2025, 3, 3), date(2025, 3, 17), urn="100001").num_rows == 2


def test_the_days_of_the_week_on_which_sessions_are_missed(database, same):
    """A misses every Friday afternoon; B's Saturday counts; C is outside the scope."""
    register = r"""
        child_id | urn | week       | marks
        A        | 1   | 2025-03-03 | /\/\/\/\/O
        A        | 1   | 2025-03-10 | /\/\/\/\/I
        B        | 2   | 2025-03-10 | ##......../O..
        C        | 2   | 2025-03-10 | OOOOOOOOOO
        A        | 1   | 2025-03-17 | OOOOOOOOOO
    """
    with database(register_week=register, person="child_id\nA\nB\nC") as db:
        span = {"start": date(2025, 3, 3), "end": date(2025, 3, 17)}
        db.execute("CREATE TABLE mine AS SELECT unnest(['A', 'B']) AS child_id")
        friday = "5 | Friday | 4 | 1 | 1 | 2 | 50.0"
        days = "\n".join(
            f"{n} | {d} | 4 | 0 | 0 | 0 | 0.0" for n, d in enumerate(("Monday", "Tuesday", "Wednesday", "Thursday"), 1)
        )
        head = "weekday | day | possible | authorised | unauthorised | absent | absence_rate\n"
        same(measures.weekday_pattern(db, child_id="A", **span), f"{head}{days}\n{friday}")
        saturday = "6 | Saturday | 2 | 0 | 1 | 1 | 50.0"
        same(measures.weekday_pattern(db, within="mine", **span), f"{head}{days}\n{friday}\n{saturday}")
        each = measures.weekday_pattern(db, within="mine", each_child=True, **span)
        same(
            each.select(["child_id", "weekday", "possible", "absent"]),
            "child_id | weekday | possible | absent\nA|1|4|0\nA|2|4|0\nA|3|4|0\nA|4|4|0\nA|5|4|2\nB|6|2|1",
        )

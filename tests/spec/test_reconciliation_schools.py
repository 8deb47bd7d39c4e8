"""Each rule of reconciliation about schools, marks and suspensions as small tables: what parts, and beside it what does not."""

from reconciliation_tables import compared, found


def test_school_and_on_roll():
    """A is on the main roll of two schools on one day. B moved between the two days, and C has a second roll by
    agreement. D is on no roll of the second register at a school it speaks of."""
    got = compared(
        enrolment="""
            pupil_ref | school_ref | entry_date | status | delivery
            ----------+------------+------------+--------+---------
            A         | 900001     | 2023-09-01 | C      | sc
            A         | 900002     | 2024-09-02 | C      | mis
            B         | 900003     | 2023-09-01 | C      | sc
            B         | 900002     | 2024-11-04 | C      | mis
            C         | 900003     | 2023-09-01 | M      | sc
            C         | 900002     | 2024-09-02 | S      | mis
            D         | 900002     | 2023-09-01 | C      | sc
            E         | 900002     | 2023-09-01 | C      | sc
            E         | 900002     | 2023-09-01 | C      | mis
        """
    )
    assert found(got, "school") == [
        ("A", "school-census", "school 900001 since 2023-09-01", "school 900002 since 2024-09-02")
    ]
    assert found(got, "on-roll") == [
        ("A", "school-census", "school 900002 since 2024-09-02", "not on its roll on 2024-10-03"),
        ("C", "school-census", "school 900002 since 2024-09-02", "not on its roll on 2024-10-03"),
        ("D", "wonde", "school 900002 since 2023-09-01", "not on its roll on 2024-10-03"),
    ]


def test_roll_dates_and_year_group():
    """A came on two days; B is in two year groups. C left on one day in both."""
    got = compared(
        enrolment="""
            pupil_ref | school_ref | entry_date | leaving_date | year_group | delivery
            ----------+------------+------------+--------------+------------+---------
            A         | 900002     | 2023-09-01 |              | 8          | sc
            A         | 900002     | 2023-09-11 |              | 8          | mis
            B         | 900002     | 2023-09-01 |              | 7          | sc
            B         | 900002     | 2023-09-01 |              | 8          | mis
            C         | 900002     | 2023-09-01 | 2024-09-20   | 8          | sc
            C         | 900002     | 2023-09-01 | 2024-09-20   | 8          | mis
        """
    )
    assert found(got, "roll-dates") == [("A", "school-census", "2023-09-01", "2023-09-11")]
    assert found(got, "year-group") == [("B", "school-census", "year 7 on 2024-10-03", "year 8 on 2024-11-22")]


MARKS = """
    pupil_ref | school_ref | first_week | last_week  | system | delivery
    ----------+------------+------------+------------+--------+---------
    A         | 900001     | 2024-09-02 | 2024-11-18 | marks  | marks
    B         | 900001     | 2024-09-02 | 2024-10-14 | marks  | marks
    C         | 900001     | 2024-09-02 | 2024-10-14 | marks  | marks
    D         | 900001     | 2024-11-04 | 2024-11-18 | marks  | marks
    E         | 900001     | 2024-09-02 | 2024-11-18 | marks  | marks
    H         | 900004     | 2024-09-02 | 2024-10-14 | marks  | marks
"""


def test_marks_off_roll():
    """A was never on the roll. B left on a Tuesday and has a mark on the Thursday; C left on the Friday. D came after the
    census. H left on the Monday and is at another school from the Tuesday."""
    got = compared(
        presence=MARKS,
        register_week="""
            child_id | urn    | week       | marks
            ---------+--------+------------+-----------
            B        | 900001 | 2024-10-14 | /\\/\\../...
            C        | 900001 | 2024-10-14 | /\\/\\/\\/\\/\\
            H        | 900004 | 2024-10-14 | /\\........
            H        | 900002 | 2024-10-14 | ../\\/\\/\\/\\
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | leaving_date | delivery
            ----------+------------+------------+--------------+---------
            B         | 900001     | 2023-09-01 | 2024-10-15   | mis
            C         | 900001     | 2023-09-01 | 2024-10-18   | mis
            E         | 900001     | 2023-09-01 |              | sc
            H         | 900004     | 2023-09-01 | 2024-10-14   | mis
        """,
    )
    assert found(got, "marks-off-roll") == [
        ("A", "marks", "marks in the week of 2024-11-18", "never on its roll"),
        ("B", "marks", "marks in the week of 2024-10-14", "left on 2024-10-15"),
    ]


def test_roll_without_marks_and_school_marks_late():
    """F is on the roll of a school that sends marks, and has none. School 900003 sends nothing at all: it is asked, and G
    is not. School 900004's marks end five weeks before the newest."""
    got = compared(
        presence=MARKS,
        enrolment="""
            pupil_ref | school_ref | entry_date | status | delivery
            ----------+------------+------------+--------+---------
            E         | 900001     | 2023-09-01 | C      | sc
            F         | 900001     | 2023-09-01 | C      | sc
            G         | 900003     | 2023-09-01 | C      | sc
            H         | 900004     | 2023-09-01 | C      | sc
        """,
        enrolment_period="""
            child_id | urn    | start_date | status
            ---------+--------+------------+-------
            E        | 900001 | 2023-09-01 | C
            F        | 900001 | 2023-09-01 | C
            G        | 900003 | 2023-09-01 | C
            H        | 900004 | 2023-09-01 | C
        """,
    )
    assert found(got, "roll-without-marks") == [
        ("F", "marks", "school 900001 since 2023-09-01", "no mark this academic year")
    ]
    assert found(got, "school-marks-late") == [
        ("900003", "marks", "1 pupils on roll on 2024-10-03", "no marks this academic year", 109),
        ("900004", "marks", "1 pupils on roll on 2024-10-03", "marks end in the week of 2024-10-14", 35),
    ]


def test_no_school_and_schools_across_the_border():
    """All are on a plan. A is in no education record; B left and arrived nowhere; C's school is another authority's."""
    got = compared(
        "ABCD",
        child="""
            child_ref | delivery
            ----------+---------
            A         | ssd
            B         | ssd
            C         | ssd
            D         | ssd
        """,
        pupil="""
            pupil_ref | delivery
            ----------+---------
            B         | sc
            C         | sc
            D         | sc
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | delivery
            ----------+------------+------------+---------
            D         | 900001     | 2023-09-01 | sc
        """,
        enrolment_period="""
            child_id | urn    | start_date | end_date   | delivery
            ---------+--------+------------+------------+---------
            B        | 900001 | 2023-09-01 | 2024-07-20 | sc
            C        | 700001 | 2023-09-01 |            | sc
            D        | 900001 | 2023-09-01 |            | sc
        """,
        school="""
            urn    | authority | delivery
            -------+-----------+---------
            900001 | 899       | gias
            700001 | 898       | gias
        """,
    )
    assert found(got, "not-in-education") == [("A", "ssd", "known to social care, of school age", None)]
    assert found(got, "left-every-roll") == [
        ("B", "school-census", "off roll of school 900001 from 2024-07-20", "on a plan")
    ]
    assert found(got, "school-outside") == [("C", "school-census", "on roll at 700001", "a school of authority 898")]


def test_a_second_record_of_a_pupil_is_a_duplicate_and_no_child_missing_from_education():
    """A, B, C and D are on a plan, in no school's record and born the same day. A has the names and home of E, who is
    at school, and B the names alone; C has F's number; D's double G is at no school either."""
    same = "\n".join(f"{c} | Oakby | Wren{'ly' * n} | {h} | true | 2012-05-10" for c, n, h in (
        ("A", 0, "ZZ1 1AA"), ("E", 0, "ZZ1 1AA"), ("B", 1, "ZZ2 2BB"), ("H", 1, "ZZ3 3CC"), ("C", 2, ""), ("F", 3, ""),
        ("D", 4, "ZZ1 1AA"), ("G", 4, "ZZ1 1AA"),
    ))  # fmt: skip
    people = [row.split(" | ") for row in same.splitlines()]
    got = compared(
        "ABCD",
        child="child_ref | surname | forename | birth_date | delivery\n"
        + "\n".join(f"{c} | {s} | {f} | {born} | ssd" for c, s, f, _, _, born in people),
        person="child_id | surname | forename | postcode | known_to_care | birth_date\n" + same,
        identifier="ref | kind | value | delivery\nC | upn | Z999000020001 | ssd\nF | upn | Z999000020001 | ssd",
        pupil="pupil_ref | delivery\nE | sc\nF | sc\nH | sc",
    )
    assert [row[0] for row in found(got, "not-in-education")] == ["B", "D"]
    assert {row[0] for row in found(got, "duplicate-record")} == {"A", "B", "C", "D"}


# Suspensions


def test_suspensions():
    """A's suspension is in the list alone, B's exclusion too. C's is told with two lengths. D's came after the census's
    last one, which speaks of no later day."""
    got = compared(
        suspension="""
            pupil_ref | school_ref | start_date | sessions | category | delivery
            ----------+------------+------------+----------+----------+---------
            A         | 900001     | 2024-03-04 | 4        | SUSP     | list
            B         | 900001     | 2024-03-11 |          | PERM     | list
            C         | 900001     | 2024-01-15 | 4        | SUSP     | list
            C         | 900001     | 2024-01-15 | 6        | FIXD     | sc
            D         | 900001     | 2024-11-04 | 2        | SUSP     | list
            E         | 900001     | 2024-05-06 | 2        | SUSP     | list
            E         | 900001     | 2024-05-06 | 2        | SUSP     | sc
        """
    )
    assert found(got, "suspension-one-side") == [("A", "school-census", "suspension from 2024-03-04, 4 sessions", None)]
    assert found(got, "exclusion-one-side") == [("B", "school-census", "permanent exclusion from 2024-03-11", None)]
    assert found(got, "suspension-differs") == [
        ("C", "school-census", "suspension from 2024-01-15, 6 sessions", "suspension from 2024-01-15, 4 sessions")
    ]


def test_present_while_suspended():
    """A's two days have four sessions, all to be missed, and one is marked present. B was at the school on the morning of
    the first day: three sessions of four were to be missed and are."""
    got = compared(
        suspension="""
            pupil_ref | school_ref | start_date | end_date   | sessions | category | delivery
            ----------+------------+------------+------------+----------+----------+---------
            A         | 900001     | 2024-11-12 | 2024-11-13 | 4        | SUSP     | list
            B         | 900001     | 2024-11-12 | 2024-11-13 | 3        | SUSP     | list
        """,
        presence=MARKS,
        register_week="""
            child_id | urn    | week       | marks      | delivery
            ---------+--------+------------+------------+---------
            A        | 900001 | 2024-11-11 | /\\E\\EE/\\/\\ | marks
            B        | 900001 | 2024-11-11 | /\\/EEE/\\/\\ | marks
        """,
    )
    assert found(got, "present-while-suspended") == [
        ("A", "marks", "suspension from 2024-11-12, 4 sessions", "1 of 4 sessions marked present")
    ]

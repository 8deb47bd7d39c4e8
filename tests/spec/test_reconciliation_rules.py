"""Each rule of reconciliation as small tables: what parts, and beside it what does not."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pytest
from spec_tables import cells, table
from spec_tables import database as tables_of

from sightline.engine import Database
from sightline.reconciliation import OWNERS, RULES, Found, disagreements, owner_named
from sightline.vocabulary.identifiers import make_upn
from sightline.vocabulary.settings import Settings

ON = date(2024, 11, 22)
# d1 to d9: a census of the year to 31 March 2024, the case system, two registers, marks, suspensions and schools.
DELIVERIES = """
    delivery | kind                      | system        | authority | as_at      | received   | place
    ---------+---------------------------+---------------+-----------+------------+------------+------
    c23      | cin-census                | cin-census    | 899       | 2023-03-31 | 2024-11-25 | 1
    c24      | cin-census                | cin-census    | 899       | 2024-03-31 | 2024-11-25 | 2
    ssd      | ssd-person                | ssd           |           | 2024-11-22 | 2024-11-25 | 3
    sc       | school-census-pupilonroll | school-census |           | 2024-10-03 | 2024-11-25 | 4
    mis      | wonde-students            | wonde         |           | 2024-11-22 | 2024-11-25 | 5
    marks    | marks-week                | marks         |           | 2024-11-22 | 2024-11-25 | 6
    list     | suspensions               | suspensions   |           | 2024-11-22 | 2024-11-25 | 7
    gias     | gias                      | gias          |           | 2024-11-22 | 2024-11-25 | 8
"""
SYSTEMS = {"c23": "cin-census", "c24": "cin-census", "ssd": "ssd", "sc": "school-census", "mis": "wonde",
           "marks": "marks", "list": "suspensions", "gias": "gias"}  # fmt: skip
# Everybody of these specifications: born 10 May 2012, so of school age on the day.
PEOPLE = "ABCDEFGH"


def fact(name: str, text: str) -> pa.Table:
    """A fact table whose rows say which delivery they come in; the system is that delivery's."""
    made = table(name, text)
    systems = pa.array([SYSTEMS[d] for d in made["delivery"].to_pylist()], pa.string())
    return made.set_column(made.schema.get_field_index("system"), "system", systems)


def compared(on_plan: str = "", **texts: str) -> Database:
    """The tables named, with everybody a person known to social care (ref and child_id are the same letter)."""
    derived = ("status_period", "allocation", "enrolment_period", "register_week", "presence", "person")
    made = {n: table(n, t) if n in derived else fact(n, t) for n, t in texts.items()}
    refs = pa.table(
        {
            "system": [s for s in dict.fromkeys(SYSTEMS.values()) for _ in PEOPLE],
            "ref": [p for _ in dict.fromkeys(SYSTEMS.values()) for p in PEOPLE],
        }
    )
    link = table("link", "system | ref | child_id\n--+--\n" + "\n".join(
        f"{s} | {r} | {r}" for s, r in zip(refs["system"].to_pylist(), refs["ref"].to_pylist(), strict=True)
    ))  # fmt: skip
    person = table("person", "child_id | birth_date | known_to_care\n--+--\n" + "\n".join(
        f"{p} | 2012-05-10 | true" for p in PEOPLE
    ))  # fmt: skip
    database = tables_of(**{"delivery": table("delivery", DELIVERIES), "link": link, "person": person, **made})
    database.add("on_plan", pa.table({"child_id": list(on_plan), "status": ["CIN plan"] * len(on_plan)},
                                     schema=pa.schema([("child_id", pa.string()), ("status", pa.string())])))  # fmt: skip
    return database


@lru_cache(maxsize=1)
def everything(database: Database) -> Found:
    """Every rule applied once to these tables."""
    return disagreements(
        database,
        settings=Settings(),
        schools=pa.table({"name": pa.array([], pa.string()), "urn": pa.array([], pa.string())}),
        cohort=database.query("SELECT * FROM on_plan"),
        as_at=ON,
    )


def found(database: Database, rule: str) -> list[tuple]:
    """What one rule finds: child (or school), system asked, both values, and days where there are any."""
    got = everything(database)
    run = next(r for r in got.runs.to_pylist() if r["rule"] == rule)
    assert run["ran"], run["why"]
    rows = [r for r in got.disagreements.to_pylist() if r["rule"] == rule]
    assert all(r["owner"] and r["exception_id"] and r["parted"] for r in rows)
    return sorted(
        (r["child_id"] or r["urn"], r["system"], r["left_value"], r["right_value"], *([r["days"]] if r["days"] else []))
        for r in rows
    )


# On a plan or not, and which


def test_plan_one_side():
    """A's plan is in the case system alone; B's in the census alone. C is in both. D's began after the census's day and
    E's within its last week; F's ended before either speaks. G's is another authority's."""
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
    ]


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


# School, roll, year group and marks


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
    census."""
    got = compared(
        presence=MARKS,
        register_week="""
            child_id | urn    | week       | marks
            ---------+--------+------------+-----------
            B        | 900001 | 2024-10-14 | /\\/\\../...
            C        | 900001 | 2024-10-14 | /\\/\\/\\/\\/\\
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | leaving_date | delivery
            ----------+------------+------------+--------------+---------
            B         | 900001     | 2023-09-01 | 2024-10-15   | mis
            C         | 900001     | 2023-09-01 | 2024-10-18   | mis
            E         | 900001     | 2023-09-01 |              | sc
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


# Workers


def test_workers():
    """A's worker has left every team. B is on a plan with nobody. C's worker is in a team."""
    got = compared(
        "ABC",
        involvement="""
            child_ref | professional_ref | start_date | is_social_worker | delivery
            ----------+------------------+------------+------------------+---------
            A         | W1               | 2024-01-08 | true             | ssd
            C         | W2               | 2024-01-08 | true             | ssd
        """,
        professional="""
            professional_ref | name      | team_ref | delivery
            -----------------+-----------+----------+---------
            W1               | Ann Plume |          | ssd
            W2               | Bob Quill | T1       | ssd
        """,
        allocation="""
            child_id | worker_ref | worker_name | start_date | delivery
            ---------+------------+-------------+------------+---------
            A        | W1         | Ann Plume   | 2024-01-08 | ssd
            C        | W2         | Bob Quill   | 2024-01-08 | ssd
        """,
        status_period="""
            child_id | status   | start_date | delivery
            ---------+----------+------------+---------
            A        | CIN plan | 2024-01-08 | ssd
            B        | CIN plan | 2024-01-08 | ssd
            C        | CIN plan | 2024-01-08 | ssd
        """,
    )
    assert found(got, "worker-left") == [("A", "ssd", "Ann Plume, allocated now", "in no team")]
    assert found(got, "no-worker") == [("B", "ssd", "CIN plan from 2024-01-08", None)]


def test_worker_and_team_in_two_systems():
    """Two systems name different workers and teams for A, and one worker, spelt in two ways, for B."""
    got = compared(
        involvement="""
            child_ref | professional_ref | team_ref | start_date | is_social_worker | delivery
            ----------+------------------+----------+------------+------------------+---------
            A         | Ann Plume        | North    | 2024-01-08 | true             | c24
            A         | Bob Quill        | South    | 2024-02-05 | true             | ssd
            B         | ann plume        | North    | 2024-01-08 | true             | c24
            B         | Ann Plume        | north    | 2024-01-08 | true             | ssd
        """
    )
    assert found(got, "worker") == [("A", "cin-census", "Ann Plume", "Bob Quill")]
    assert found(got, "team") == [("A", "cin-census", "North", "South")]


# Who a child is


def test_names_birth_date_and_sex():
    """A parts in everything. B's name differs by an accent and a hyphen, and its sex is unknown to one system."""
    got = compared(
        child="""
            child_ref | surname    | forename | birth_date | sex | delivery
            ----------+------------+----------+------------+-----+---------
            A         | Plum       | Ada      | 2012-05-10 | F   | ssd
            B         | Zoe-Larrok | Renée    | 2012-05-10 | U   | ssd
        """,
        pupil="""
            pupil_ref | surname    | forename | birth_date | sex | delivery
            ----------+------------+----------+------------+-----+---------
            A         | Quince     | Adah     | 2012-10-05 | M   | sc
            B         | Zoe Larrok | Renee    | 2012-05-10 | M   | sc
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | delivery
            ----------+------------+------------+---------
            A         | 900001     | 2023-09-01 | sc
        """,
    )
    assert found(got, "surname") == [("A", "ssd", "Plum", "Quince")]
    assert found(got, "forename") == [("A", "ssd", "Ada", "Adah")]
    assert found(got, "birth-date") == [("A", "ssd", "2012-05-10", "2012-10-05")]
    assert found(got, "sex") == [("A", "ssd", "F", "M")]


def test_pupil_numbers():
    """The register's word on each: A has none in social care, B a malformed one, C that of D, D the right one, E an earlier
    one, F another well-formed one. G is of no school."""
    got = compared(
        child="""
            child_ref | birth_date | delivery
            ----------+------------+---------
            A         | 2012-05-10 | ssd
            G         | 2012-05-10 | ssd
        """,
        enrolment="""
            pupil_ref | school_ref | entry_date | delivery
            ----------+------------+------------+---------
            A         | 900001     | 2023-09-01 | sc
        """,
        person="""
            child_id | birth_date | known_to_care
            ---------+------------+--------------
            A        | 2012-05-10 | true
            B        | 2012-05-10 | true
            C        | 2012-05-11 | true
            D        | 2012-05-12 | true
            E        | 2012-05-10 | true
            F        | 2012-05-10 | true
            G        | 2012-05-10 | true
        """,
        identifier="""
            ref | kind       | value         | delivery
            ----+------------+---------------+---------
            A   | upn        | Y899200012001 | sc
            B   | upn        | B899200012002 | sc
            B   | upn        | A899200012002 | ssd
            C   | upn        | D899200012003 | sc
            C   | upn        | G899200012004 | ssd
            D   | upn        | G899200012004 | sc
            D   | upn        | G899200012004 | ssd
            E   | upn        | J899200012005 | sc
            E   | former_upn | L899200012006 | sc
            E   | upn        | L899200012006 | ssd
            F   | upn        | N899200012007 | sc
            F   | upn        | Q899200012008 | ssd
        """.replace("Y899200012001", upn(1)).replace("B899200012002", upn(2)).replace("D899200012003", upn(3))
        .replace("G899200012004", upn(4)).replace("J899200012005", upn(5)).replace("L899200012006", upn(6))
        .replace("N899200012007", upn(7)).replace("Q899200012008", upn(8)).replace("A899200012002", "!" + upn(2)[1:]),
    )  # fmt: skip
    assert found(got, "upn-missing") == [("A", "ssd", None, upn(1))]
    assert found(got, "upn-malformed") == [("B", "ssd", "!" + upn(2)[1:], upn(2))]
    assert found(got, "upn-of-another") == [("C", "ssd", upn(4), upn(3))]
    assert found(got, "upn-former") == [("E", "ssd", upn(6), upn(5))]
    assert found(got, "upn-differs") == [("F", "ssd", upn(8), upn(7))]


def upn(serial: int) -> str:
    return make_upn("899", "2000", 2017, serial)


def test_duplicate_record():
    """A and B are two records of one name and birth date; C and D are twins."""
    got = compared(
        child="""
            child_ref | surname | forename | birth_date | delivery
            ----------+---------+----------+------------+---------
            A         | Plum    | Ada      | 2012-05-10 | ssd
            B         | Plum    | Ada      | 2012-05-10 | ssd
            C         | Quince  | Tom      | 2012-05-10 | ssd
            D         | Quince  | Tim      | 2012-05-10 | ssd
        """
    )
    assert found(got, "duplicate-record") == [("A", "ssd", "A", "B")]


# Every rule


def test_every_rule_is_specified_here():
    text = Path(__file__).read_text(encoding="utf-8")
    assert [r.code for r in RULES if f'found(got, "{r.code}")' not in text] == []


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.code)
def test_a_rule_is_whole(rule):
    assert rule.says.endswith(".") and rule.why.endswith(".") and rule.lacks.endswith(".")
    assert not rule.owner or owner_named(rule.owner)
    assert set(rule.settings) <= {s.name for s in Settings().explain()}


def test_codes_are_unique_and_owners_are_known():
    assert len({r.code for r in RULES}) == len(RULES)
    with pytest.raises(KeyError, match="care-data"):
        owner_named("somebody")
    assert owner_named("school 900001") is OWNERS[-1]


def test_a_rule_with_nothing_to_compare_has_not_run():
    with compared() as database:
        got = everything(database)  # fmt: skip
        assert got.disagreements.num_rows == 0
        assert not any(got.runs["ran"].to_pylist()) and all(got.runs["why"].to_pylist())


def test_an_id_rests_on_what_parted_and_not_on_values_lines_or_deliveries():
    def ids(birth: str, line: int) -> tuple[set[str], set[str]]:
        database = compared(
            child=f"""
                child_ref | birth_date | line   | delivery
                ----------+------------+--------+---------
                A         | {birth}    | {line} | ssd
            """,
            pupil="""
                pupil_ref | birth_date | delivery
                ----------+------------+---------
                A         | 2012-10-05 | sc
            """,
        )
        got = everything(database).disagreements  # fmt: skip
        return set(got["exception_id"].to_pylist()), set(got["parted"].to_pylist())

    first, values = ids("2012-05-10", 2)
    again, other_values = ids("2012-05-11", 77)
    assert first == again and len(first) == 1
    assert values != other_values


def test_a_school_is_asked_only_about_its_own_pupils_on_a_plan_now():
    """A and B are in the wrong year group at 900001. A is on a plan."""
    tables = {
        "enrolment": """
            pupil_ref | school_ref | entry_date | year_group | delivery
            ----------+------------+------------+------------+---------
            A         | 900001     | 2023-09-01 | 7          | sc
            A         | 900001     | 2023-09-01 | 8          | mis
            B         | 900001     | 2023-09-01 | 7          | sc
            B         | 900001     | 2023-09-01 | 8          | mis
        """,
        "enrolment_period": """
            child_id | urn    | start_date
            ---------+--------+-----------
            A        | 900001 | 2023-09-01
            B        | 900001 | 2023-09-01
        """,
    }
    database = compared("A", **tables)
    got = everything(database).disagreements.to_pylist()  # fmt: skip
    assert {(r["child_id"], r["owner"]) for r in got if r["rule"] == "year-group"} == {
        ("A", "school 900001"),
        ("B", "pupil-data"),
    }


def test_cells_of_the_deliveries_are_the_systems_of_these_tables():
    header, rows = cells(DELIVERIES)
    assert {r[0]: r[header.index("system")] for r in rows} == SYSTEMS

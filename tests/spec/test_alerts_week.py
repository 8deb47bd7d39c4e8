"""The week's list, reason by reason, as small tables. Unless a test says otherwise the list is of Friday 14 March 2025."""

import json
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from sightline import alerts, measures
from sightline.engine import arrow_schema
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import Calendar
from sightline.vocabulary.settings import Settings

AS_AT = date(2025, 3, 14)
ON_PLAN = "child_id | status | start_date\nA | CIN plan | 2024-06-03"
PUPIL = "child_id | surname | forename | birth_date\nA | Applewick | Wren | 2013-05-04"
PRESENT = "/\\" * 5
WEEKS = Calendar.usual("", [2023, 2024]).weeks(2024)


def register(**children):
    """`register_week` and its marts: for each child, the weeks' absences (0 to 10 half days) by Monday."""
    rows = []
    for child, weeks in children.items():
        for line, (monday, absent) in enumerate(sorted(weeks.items()), start=2):
            marks = "O" * absent + PRESENT[absent:]
            rows.append(
                {
                    "child_id": child, "urn": "100001", "week": monday, "marks": marks, "possible": 10, "authorised": 0,
                    "unauthorised": absent, "approved": 0, "late": 0, "not_possible": 0, "delivery": "marks1", "line": line,
                }
            )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=arrow_schema("register_week"))


def weeks_to(last, absences):
    """The school weeks that end with the one of `last`, with these absences, the latest last."""
    past = [w for w in WEEKS if w <= last][-len(absences) :]
    assert len(past) == len(absences)
    return dict(zip(past, absences, strict=True))


def people(periods):
    """`person` of the children of these status periods, all eleven years old, in order of name."""
    header, *rows = [line for line in periods.strip().splitlines() if set(line) - set("-+| ")]
    assert header.split("|")[0].strip() == "child_id"
    others = sorted({row.split("|")[0].strip() for row in rows} - {"A"})
    return PUPIL + "".join(f"\n{child} | {child} | | 2013-05-04" for child in others)


@pytest.fixture
def listed(database):
    """The list, with only the reasons asked for, as rows."""

    def run(*only, as_at=AS_AT, settings=None, **tables):
        more = {"weeks_back", "ever_6", "within"} & tables.keys()
        options = {name: tables.pop(name) for name in more}
        tables.setdefault("status_period", ON_PLAN)
        tables.setdefault("person", people(tables["status_period"]))
        with database(settings, **tables) as db:
            if "register_week" in tables:
                db.execute(f"CREATE OR REPLACE TABLE weeks AS {measures.register_school_week_sql()}")
                db.execute("CREATE OR REPLACE TABLE register_school_week AS FROM weeks")
            got = alerts.week(db, as_at=as_at, settings=settings or Settings(), only=only, **options)
        assert got.schema == alerts.COLUMNS
        return got.to_pylist()

    return run


def says(rows):
    return [(r["child_id"], r["reason"], r["says"], r["since"]) for r in rows]


def test_new_plan(listed):
    """B began on a day of the week, C the day before it, D tomorrow; E came back to a plan; F is only being assessed."""
    rows = listed(
        "new-plan",
        status_period="""
            child_id | status     | start_date | end_date   | delivery | line
            ---------+------------+------------+------------+----------+-----
            A        | CIN plan   | 2024-06-03 |            | cin1     | 4
            B        | CIN plan   | 2025-03-08 |            | cin1     | 7
            C        | CP plan    | 2025-03-07 |            | cin1     | 9
            D        | CP plan    | 2025-03-15 |            | cin1     | 12
            E        | CP plan    | 2025-03-14 |            | cin1     | 15
            E        | CIN plan   | 2024-01-08 | 2024-06-01 | cin1     | 14
            F        | assessment | 2025-03-10 |            | cin1     | 18
        """,
    )
    assert says(rows) == [
        ("B", "new-plan", "New CIN plan from 8 March 2025.", date(2025, 3, 8)),
        ("E", "new-plan", "New CP plan from 14 March 2025. An earlier plan ended on 31 May 2024.", date(2025, 3, 14)),
    ]
    assert [(r["delivery"], r["lines"], r["status"]) for r in rows] == [
        ("cin1", "7", "CIN plan"),
        ("cin1", "15", "CP plan"),
    ]
    assert json.loads(rows[1]["figures"]) == {
        "status": "CP plan", "earlier_plan_ended": "2024-05-31", "rests_on": [{"delivery": "cin1", "lines": "15"}],
    }  # fmt: skip


def test_a_plan_that_lapses_and_begins_again_within_the_week_is_new_and_another_authoritys_says_so(listed):
    rows = listed(
        "new-plan", "ended-plan",
        status_period="""
            child_id | status   | start_date | end_date   | other_authority
            A        | CIN plan | 2024-06-03 | 2025-03-10 |
            A        | CIN plan | 2025-03-12 |            | true
        """,
    )  # fmt: skip
    assert [r["says"] for r in rows] == [
        "New CIN plan from 12 March 2025 (another authority's). An earlier plan ended on 9 March 2025."
    ]


def test_ended_plan(listed):
    """A's last day in was Monday; B's end is presumed; C ended the day before the week; D began and ended within it;
    E stepped up, which is no end."""
    rows = listed(
        "ended-plan",
        status_period="""
            child_id | status   | start_date | end_date   | presumed
            A        | CIN plan | 2024-06-03 | 2025-03-11 | false
            B        | CP plan  | 2025-01-01 | 2025-03-14 | true
            C        | CP plan  | 2025-01-01 | 2025-03-07 | false
            D        | CIN plan | 2025-03-09 | 2025-03-12 | false
            E        | CIN plan | 2024-01-09 | 2025-03-12 | false
            E        | CP plan  | 2025-03-12 |            | false
        """,
    )
    assert [(r["child_id"], r["says"]) for r in rows] == [
        ("A", "CIN plan ended on 10 March 2025 after 281 days."),
        (
            "B",
            "CP plan ended on 13 March 2025 after 72 days. The end is presumed: a later file no longer shows the plan.",
        ),
        ("D", "CIN plan ended on 11 March 2025 after 3 days."),
    ]
    assert all(r["status"] is None for r in rows)


def test_step_up_and_step_down(listed):
    """A's CIN plan ended as the CP plan began; B's runs on underneath; C came down."""
    rows = listed(
        "step-up", "step-down",
        status_period="""
            child_id | status   | start_date | end_date   | delivery | line
            A        | CIN plan | 2024-06-03 | 2025-03-11 | cin1     | 3
            A        | CP plan  | 2025-03-11 |            | cin2     | 8
            B        | CIN plan | 2024-06-03 |            | cin1     | 4
            B        | CP plan  | 2025-03-12 |            | cin2     | 9
            C        | CP plan  | 2024-06-03 | 2025-03-11 | cin1     | 5
            C        | CIN plan | 2025-03-11 |            | cin2     | 6
        """,
    )  # fmt: skip
    assert [(r["child_id"], r["reason"], r["says"]) for r in rows] == [
        ("A", "step-up", "Stepped up from a CIN plan to a CP plan on 11 March 2025."),
        ("B", "step-up", "Stepped up from a CIN plan to a CP plan on 12 March 2025."),
        ("C", "step-down", "Stepped down from a CP plan to a CIN plan on 11 March 2025."),
    ]
    assert json.loads(rows[0]["figures"])["rests_on"] == [
        {"delivery": "cin1", "lines": "3"},
        {"delivery": "cin2", "lines": "8"},
    ]


def test_becoming_and_ceasing_to_be_looked_after(listed):
    rows = listed(
        "became-looked-after", "left-care", "new-plan", "step-up", "step-down", "ended-plan",
        status_period="""
            child_id | status       | start_date | end_date
            A        | CP plan      | 2024-06-03 |
            A        | looked after | 2025-03-11 |
            B        | looked after | 2024-06-03 | 2025-03-12
            B        | CIN plan     | 2025-03-12 |
            C        | looked after | 2024-06-03 | 2025-03-12
            D        | looked after | 2025-03-14 |
        """,
    )  # fmt: skip
    assert [(r["child_id"], r["reason"], r["says"]) for r in rows] == [
        ("A", "became-looked-after", "Became looked after on 11 March 2025; was on a CP plan."),
        ("D", "became-looked-after", "Became looked after on 14 March 2025."),
        ("B", "left-care", "Stopped being looked after on 11 March 2025 and is now on a CIN plan."),
        ("C", "left-care", "Stopped being looked after on 11 March 2025 and is on no plan."),
    ]


def test_changed_social_worker(listed):
    """A changed; B's worker left; C's is the first; D's plan is new with its worker; E's stayed while the team moved;
    F has had none since a week ago."""
    rows = listed(
        "worker-changed",
        status_period="""
            child_id | status   | start_date
            A        | CIN plan | 2024-06-03
            B        | CIN plan | 2024-06-03
            C        | CIN plan | 2024-06-03
            D        | CIN plan | 2025-03-10
            E        | CIN plan | 2024-06-03
            F        | CIN plan | 2024-06-03
        """,
        allocation="""
            child_id | worker_ref | worker_name | team_name | start_date | end_date   | delivery | line
            A        | w1         | Ash Perrin  | North     | 2024-06-03 | 2025-03-11 | ssd1     | 2
            A        | w2         | Bo Lindqvar | South     | 2025-03-11 |            | ssd1     | 3
            B        | w1         | Ash Perrin  | North     | 2024-06-03 | 2025-03-10 | ssd1     | 4
            C        | w2         | Bo Lindqvar | South     | 2025-03-12 |            | ssd1     | 5
            D        | w2         | Bo Lindqvar | South     | 2025-03-10 |            | ssd1     | 6
            E        | w1         | Ash Perrin  | North     | 2024-06-03 | 2025-03-10 | ssd1     | 7
            E        | w1         | Ash Perrin  | South     | 2025-03-10 |            | ssd1     | 8
            F        | w1         | Ash Perrin  | North     | 2024-06-03 | 2025-03-07 | ssd1     | 9
        """,
    )
    assert [(r["child_id"], r["says"], r["worker_name"], r["team_name"], r["lines"]) for r in rows] == [
        ("A", "Social worker changed from Ash Perrin to Bo Lindqvar on 11 March 2025.", "Bo Lindqvar", "South", "3"),
        ("B", "No social worker is recorded since 10 March 2025; the last was Ash Perrin.", "Ash Perrin", "North", "4"),
        (
            "C",
            "Bo Lindqvar became the social worker on 12 March 2025; none was recorded before.",
            "Bo Lindqvar",
            "South",
            "5",
        ),
    ]


SCHOOLS = "urn | name\n100001 | Larkwood Primary\n100002 | Fennel Grove School"
SUSPENSIONS = """
    child_id | urn    | start_date | sessions | category | reason1 | received   | delivery | line
    A        | 100001 | 2025-03-10 | 4        | SUSP     | DB      | 2025-03-12 | s2       | 5
    A        | 100001 | 2025-03-11 | 1        | LNCH     |         | 2025-03-12 | s2       | 6
    A        | 100001 | 2025-02-03 | 2        | SUSP     | PP      | 2025-03-12 | s2       | 7
    A        | 100001 | 2025-02-04 | 2        | SUSP     | PP      | 2025-02-05 | s1       | 8
    A        | 100001 | 2024-06-04 | 2        | SUSP     | PP      | 2025-03-12 | s2       | 9
    A        | 100001 | 2025-03-15 | 2        | SUSP     | PP      | 2025-03-12 | s2       | 10
    A        | 100002 | 2025-03-12 |          | PERM     | OW      | 2025-03-13 | s2       | 11
    B        | 100002 | 2025-03-12 | 2        | SUSP     | DB      | 2025-03-13 | s2       | 12
"""
DELIVERIES = """
    delivery | kind        | system      | received   | place
    s1       | suspensions | suspensions | 2025-02-05 | 1
    s2       | suspensions | suspensions | 2025-03-12 | 2
"""


def test_suspension_and_permanent_exclusion(listed):
    """In the week; of this year and first told of in the week; not last year's, not tomorrow's, and not B's, on no plan."""
    rows = listed("suspension", "permanent-exclusion", exclusion=SUSPENSIONS, school=SCHOOLS, delivery=DELIVERIES)
    assert [(r["reason"], r["says"], r["lines"], r["school_name"]) for r in rows] == [
        (
            "permanent-exclusion",
            "Permanently excluded on 12 March 2025 at Fennel Grove School: Use or threat of an offensive weapon or prohibited item.",
            "11", "Fennel Grove School",
        ),
        (
            "suspension",
            "Suspended for 2 half days on 3 February 2025 at Larkwood Primary: Physical assault against a pupil. "
            "We were told on 12 March 2025. It reached us 37 days after it began.",
            "7", "Larkwood Primary",
        ),
        (
            "suspension",
            "Suspended for 4 half days on 10 March 2025 at Larkwood Primary: Persistent or general disruptive behaviour.",
            "5", "Larkwood Primary",
        ),
        (
            "suspension", "Suspended at lunchtime for 1 half day on 11 March 2025 at Larkwood Primary.",
            "6", "Larkwood Primary",
        ),
    ]  # fmt: skip
    assert json.loads(rows[1]["figures"])["arrived_late"] is True


def test_the_first_file_of_suspensions_is_history_and_not_news(listed):
    one = "delivery | kind | system | received | place\ns2 | suspensions | suspensions | 2025-03-12 | 2"
    rows = listed("suspension", exclusion=SUSPENSIONS, delivery=one)
    assert {r["since"] for r in rows} == {date(2025, 3, 10), date(2025, 3, 11)}


def test_the_list_of_a_past_day_does_not_count_the_days_to_a_file_that_came_since(listed):
    exclusion = "child_id | start_date | category | received\nA | 2025-03-10 | SUSP | 2026-01-05"
    assert [r["says"] for r in listed("suspension", exclusion=exclusion)] == ["Suspended on 10 March 2025."]


def test_attendance_that_falls_below_a_threshold(listed):
    """Ten weeks to a week ago, then one: A goes below 90, B below 90 and 50 at once, C stays at exactly 90.0, D was
    below already, E is on no plan."""
    tables = {
        "status_period": "child_id | status | start_date\n" + "\n".join(f"{c} | CP plan | 2024-06-03" for c in "ABCD"),
        "person": "child_id | birth_date\n" + "\n".join(f"{c} | 2013-05-04" for c in "ABCDE"),
    }
    quiet = [0] * 8
    marks = register(
        A=weeks_to(date(2025, 3, 10), [*quiet, 0, 10, 1]),
        B=weeks_to(date(2025, 3, 10), [0, 10, 10]),
        C=weeks_to(date(2025, 3, 10), [*quiet, 0, 1, 10]),
        D=weeks_to(date(2025, 3, 10), [10, 10, 10]),
        E=weeks_to(date(2025, 3, 10), [*quiet, 0, 10, 5]),
    )
    rows = listed("attendance-below", register_week=marks, **tables)
    # A: 10 of 100 absent is exactly 90.0, and 11 of 110 is exactly 90.0 too.
    assert [(r["child_id"], r["says"]) for r in rows] == [
        ("B", "Attendance this year is 33.3%, below 50% (it was 50.0% a week before).")
    ]
    marks = register(A=weeks_to(date(2025, 3, 10), [*quiet, 0, 10, 2]), C=weeks_to(date(2025, 3, 10), [0] * 11))
    (row,) = listed("attendance-below", register_week=marks, **tables)
    assert row["says"] == "Attendance this year is 89.1%, below 90% (it was 90.0% a week before)."
    assert (row["since"], row["delivery"], row["lines"]) == (date(2025, 3, 10), "marks1", "2-12")
    assert json.loads(row["figures"]) == {
        "threshold": 90, "attendance": 89.09, "before": 90.0, "possible": 110, "absent": 12, "possible_before": 100,
        "absent_before": 10, "rests_on": [{"delivery": "marks1", "lines": "2-12"}],
    }  # fmt: skip


def test_a_rate_is_judged_from_enough_sessions_and_the_first_one_counts_as_fallen(listed):
    one_week, two_weeks = weeks_to(date(2025, 3, 10), [9]), weeks_to(date(2025, 3, 10), [0, 9])
    assert listed("attendance-below", register_week=register(A=one_week)) == []
    (row,) = listed("attendance-below", register_week=register(A=two_weeks))
    assert row["says"] == "Attendance this year is 55.0%, below 90%. 20 half days are now enough to judge by."


def test_days_after_the_day_are_not_counted(listed):
    """On Wednesday the absence of Thursday and Friday is not known: 10 of 106 half days, then 14 of 110."""
    weeks = weeks_to(date(2025, 3, 10), [*[0] * 9, 10, 0])
    marks = register(A=weeks)
    late = marks.to_pylist()
    late[-1] |= {"marks": "/\\" * 3 + "OOOO", "unauthorised": 4}
    marks = type(marks).from_pylist(late, schema=marks.schema)
    assert listed("attendance-below", register_week=marks, as_at=date(2025, 3, 12)) == []
    (row,) = listed("attendance-below", register_week=marks, as_at=date(2025, 3, 14))
    assert json.loads(row["figures"])["absent"] == 14


def test_attendance_back_at_a_threshold(listed):
    marks = register(A=weeks_to(date(2025, 3, 10), [*[0] * 8, 1, 9, 0]))
    assert listed("attendance-back", register_week=marks) == []
    marks = register(A=weeks_to(date(2025, 3, 10), [*[0] * 8, 1, 10, 0]))
    (row,) = listed("attendance-back", register_week=marks)
    assert row["says"] == "Attendance this year is 90.0%, back to at least 90% (it was 89.0% a week before)."


def test_attendance_that_is_falling(listed):
    """Four school weeks against the twelve before, across a half term: A falls by 5 points exactly, B by 2.5."""
    two = "child_id | status | start_date\nA | CIN plan | 2024-06-03\nB | CIN plan | 2024-06-03"
    marks = register(
        A=weeks_to(date(2025, 3, 10), [*[1] * 12, 2, 1, 2, 1]), B=weeks_to(date(2025, 3, 10), [*[1] * 12, 1, 1, 2, 1])
    )
    (row,) = listed("attendance-falling", register_week=marks, status_period=two)
    assert row["says"] == "Attendance fell from 90.0% to 85.0%: the last 4 school weeks against the 12 before."
    assert row["since"] == sorted(w for w in WEEKS if w <= date(2025, 3, 10))[-4]
    assert json.loads(row["figures"])["points"] == 5.0
    halved = Settings(drift_points=2.5)
    assert len(listed("attendance-falling", register_week=marks, status_period=two, settings=halved)) == 2
    # Nobody falls in a week without school days: Good Friday was 18 April 2025, in the holiday.
    assert listed("attendance-falling", register_week=marks, status_period=two, as_at=date(2025, 4, 18)) == []


SIX = "child_id | status | start_date | delivery | line\n" + "\n".join(
    f"{c} | CP plan | 2024-06-03 | cin1 | {n}" for n, c in enumerate("ABCDEF", start=2)
)


def test_no_school_found(listed):
    """A left and went nowhere; B is on roll; C is 4, D left school; E was never on a roll; F is in a register."""
    rows = listed(
        "no-school",
        status_period=SIX,
        person="""
            child_id | birth_date
            A        | 2013-05-04
            B        | 2013-05-04
            C        | 2021-05-04
            D        | 2008-05-04
            E        | 2018-05-04
            F        | 2018-05-04
        """,
        school=SCHOOLS,
        enrolment_period="""
            child_id | urn    | start_date | end_date   | delivery | line
            A        | 100002 | 2020-09-01 | 2024-07-20 | sc0      | 3
            A        | 100001 | 2024-09-01 | 2025-02-08 | sc1      | 8
            B        | 100001 | 2024-09-01 |            | sc1      | 9
            D        | 100001 | 2019-09-01 | 2024-07-20 | sc1      | 10
        """,
        register_week=register(F=weeks_to(date(2025, 3, 10), [0, 0, 0])),
    )
    assert [(r["child_id"], r["says"]) for r in rows] == [
        ("A", "On no school's roll since 8 February 2025 (34 days). Last at Larkwood Primary."),
        ("E", "No school found in any file; of school age since 31 August 2023."),
    ]
    assert [(r["delivery"], r["lines"], r["urn"]) for r in rows] == [("sc1", "8", "100001"), ("cin1", "6", None)]


def test_a_register_without_a_mark_is_no_school(listed):
    empty = register(A=weeks_to(date(2025, 3, 10), [0, 0]))
    dots = pa.array(["." * 10] * empty.num_rows)
    empty = empty.set_column(empty.column_names.index("marks"), "marks", dots)
    school_weeks = register(X=weeks_to(date(2025, 3, 10), [0, 0]))
    (row,) = listed("no-school", register_week=pa.concat_tables([empty, school_weeks]))
    assert row["child_id"] == "A"


def test_between_two_schools_in_a_holiday_is_not_without_a_school(listed):
    roll = "child_id | urn | start_date | end_date\nA | 100001 | 2023-09-01 | 2025-02-15\nA | 100002 | 2025-02-24 |"
    marks = register(X=weeks_to(date(2025, 2, 10), [0, 0]) | {date(2025, 2, 24): 0})
    assert date(2025, 2, 17) not in WEEKS
    assert listed("no-school", enrolment_period=roll, register_week=marks, as_at=date(2025, 2, 21)) == []


def test_no_marks_received(listed):
    """A has none though the school sent others'; B has marks; C's school sent nothing; D came in the week."""
    rows = listed(
        "no-marks",
        status_period=SIX,
        person="child_id | birth_date\n" + "\n".join(f"{c} | 2013-05-04" for c in "ABCD"),
        school=SCHOOLS,
        enrolment_period="""
            child_id | urn    | start_date | end_date | delivery | line
            A        | 100001 | 2024-09-01 |          | sc1      | 2
            B        | 100001 | 2024-09-01 |          | sc1      | 3
            C        | 100002 | 2024-09-01 |          | sc1      | 4
            D        | 100001 | 2025-03-11 |          | sc1      | 5
        """,
        register_week=register(A=weeks_to(date(2025, 3, 3), [0, 0]), B=weeks_to(date(2025, 3, 10), [0, 0])),
    )
    assert [(r["child_id"], r["says"], r["since"]) for r in rows] == [
        (
            "A",
            "No marks received this week: Larkwood Primary sent none for this child. The last are of the week of 3 March 2025.",
            date(2025, 3, 3),
        ),
        ("C", "No marks received this week: Fennel Grove School sent none for anyone.", date(2024, 9, 1)),
    ]


def test_ever_6_is_left_out_unless_asked_for(listed):
    """B's plan ended within the look-back, C's before it; neither is on the list of the duty without being asked for."""
    past = "child_id | status | start_date | end_date\nB | CIN plan | 2020-01-01 | 2021-01-01\nC | CP plan | 2015-01-01 | 2019-03-01"
    everyone = {
        "status_period": past,
        "person": "child_id\nB\nC",
        "exclusion": SUSPENSIONS.replace(" A ", " C "),
        "delivery": DELIVERIES,
    }
    assert listed("suspension", **everyone) == []
    (row,) = listed("suspension", **everyone, ever_6=True)
    assert (row["child_id"], row["status"]) == ("B", None)


def test_only_the_children_of_the_scope_and_only_known_reasons(listed, database):
    plans = "child_id | status | start_date\nA | CIN plan | 2025-03-10\nB | CIN plan | 2025-03-10"
    assert [r["child_id"] for r in listed("new-plan", status_period=plans)] == ["A", "B"]
    with database(status_period=plans) as db:
        db.execute("CREATE TABLE mine AS SELECT 'B' AS child_id")
        got = alerts.week(db, as_at=AS_AT, settings=Settings(), within="mine")
        assert got["child_id"].to_pylist() == ["B"]
        with pytest.raises(BadSetting, match="no reason 'worry'"):
            alerts.week(db, as_at=AS_AT, settings=Settings(), only=["worry"])
        with pytest.raises(BadSetting, match="at least one week"):
            alerts.week(db, as_at=AS_AT, settings=Settings(), weeks_back=0)


def test_weeks_back_widens_the_week(listed):
    plans = "child_id | status | start_date\nA | CIN plan | 2025-03-03"
    assert listed("new-plan", status_period=plans) == []
    assert len(listed("new-plan", status_period=plans, weeks_back=2)) == 1
    assert AS_AT - timedelta(weeks=2) < date(2025, 3, 3)


def test_who_to_ring_is_the_main_school_and_the_worker_of_the_day(listed):
    (row,) = listed(
        "new-plan",
        status_period="child_id | status | start_date\nA | CIN plan | 2025-03-10",
        school=SCHOOLS,
        enrolment_period="""
            child_id | urn    | start_date | end_date   | status
            A        | 100001 | 2023-09-01 |            | M
            A        | 100002 | 2024-09-01 |            | S
            A        | 100009 | 2022-09-01 | 2023-09-01 | C
        """,
        allocation="""
            child_id | worker_ref | worker_name | team_name | start_date | end_date
            A        | w1         | Ash Perrin  | North     | 2024-06-03 | 2025-01-06
            A        | w2         | Bo Lindqvar | South     | 2025-01-06 |
        """,
    )
    assert (row["urn"], row["school_name"], row["worker_name"], row["team_name"]) == (
        "100001", "Larkwood Primary", "Bo Lindqvar", "South",
    )  # fmt: skip
    assert (row["surname"], row["forename"]) == ("Applewick", "Wren")


def test_every_reason_has_a_specification_here_and_its_words():
    here = Path(__file__).read_text(encoding="utf-8")
    known = set(Settings.__dataclass_fields__)
    for reason in alerts.reasons():
        assert f'"{reason["code"]}"' in here
        assert all(reason[name] for name in ("name", "says", "why"))
        assert {s for s in reason["settings"].split(", ") if s} <= known
    assert len({r.code for r in alerts.REASONS}) == len(alerts.REASONS)


def test_ever_6_is_as_the_cohort_counts_it(listed):
    """B was only ever looked after and C is dead: neither is Ever 6. D is."""
    past = """
        child_id | status       | start_date | end_date
        B        | looked after | 2020-01-01 | 2024-01-01
        C        | CIN plan     | 2020-01-01 | 2024-01-01
        D        | CIN plan     | 2020-01-01 | 2024-01-01
    """
    rows = SUSPENSIONS.replace(" A ", " D ").strip().splitlines()
    everyone = {
        "status_period": past,
        "person": "child_id | death_date\nB |\nC | 2024-02-01\nD |",
        "exclusion": "\n".join([*rows, *(r.replace(" D ", f" {c} ") for r in rows if " D " in r for c in "BC")]),
        "delivery": DELIVERIES,
    }
    got = listed("suspension", **everyone, ever_6=True)
    assert {r["child_id"] for r in got} == {"D"}

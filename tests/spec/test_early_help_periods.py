"""Who is on Early Help on a day, specified by small tables a manager could check."""

from datetime import date

from sightline.cohort import assemble_early_help, clocks, on_early_help, status_on
from sightline.operations.keeping.retention import HELPED, OPEN, OUT, _clock
from sightline.vocabulary.settings import Settings

ON = date(2025, 3, 14)


def test_an_episode_lasts_to_its_last_day_and_the_newest_file_has_the_last_word(database, same):
    """A's last day is in. B is no longer on the list of 1 March, so it had ended by the day of the list before. C is
    open in the newest list. D ends before it starts. E is in another system, whose newest file is that of January: its
    practitioner is known by name."""
    with database(
        delivery="""
            delivery | system     | as_at      | place
            january  | early-help | 2025-01-10 | 1
            march    | early-help | 2025-03-01 | 2
            extract  | ssd        | 2025-01-05 | 3
        """,
        early_help="""
            child_ref | start_date | end_date   | organisation | worker_ref | delivery | system
            A         | 2024-11-04 |            | Elms team    | Jo Ash     | january  | early-help
            A         | 2024-11-04 | 2025-02-14 | Elms team    | Jo Ash     | march    | early-help
            B         | 2024-12-02 |            |              |            | january  | early-help
            C         | 2024-12-02 |            | Elms team    | Jo Ash     | january  | early-help
            C         | 2024-12-02 |            | Oaks team    | Al Rowan   | march    | early-help
            D         | 2025-01-06 | 2025-01-03 |              |            | march    | early-help
            E         | 2024-12-02 |            |              | w1         | extract  | ssd
        """,
        professional="professional_ref | name | delivery | system\nw1 | Sam Beech | extract | ssd",
    ) as db:
        same(
            assemble_early_help(db),
            """
            child_id | start_date | end_date   | worker_name | organisation | delivery
            A        | 2024-11-04 | 2025-02-15 | Jo Ash      | Elms team    | march
            B        | 2024-12-02 | 2025-01-11 |             |              | january
            C        | 2024-12-02 |            | Al Rowan    | Oaks team    | march
            E        | 2024-12-02 |            | Sam Beech   |              | extract
            """,
        )


def test_a_child_is_listed_once_whatever_plan_it_has_or_had(database, same):
    """A has two episodes open, and is listed once: since the earlier, with whoever works on the later. B's begins that
    day; C's began to be over that day. D is on a plan and E had one: their Early Help is the same. F is out of scope.
    Only D and E are of the cohort, as they would be without Early Help."""
    with database(
        Settings(),
        early_help_period="""
            child_id | start_date | end_date   | worker_name | organisation
            A        | 2024-11-04 |            | Jo Ash      | Elms team
            A        | 2025-01-06 |            | Al Rowan    | Oaks team
            B        | 2025-03-14 |            |             |
            C        | 2024-11-04 | 2025-03-14 |             |
            D        | 2024-11-04 |            |             |
            E        | 2024-11-04 |            |             |
            F        | 2024-11-04 |            |             |
        """,
        status_period="""
            child_id | status   | start_date | end_date
            D        | CIN plan | 2024-12-02 |
            E        | CP plan  | 2024-06-03 | 2025-03-03
        """,
        enrolment_period="child_id | urn | start_date | status\nA | 100001 | 2020-09-01 | C",
        school="urn | name\n100001 | Larkwood Primary",
        person="child_id | surname\nA | Ash\nB | Beech\nC | Cedar\nD | Doe\nE | Elm\nF | Fir",
    ) as db:
        db.execute("CREATE TABLE asked AS SELECT child_id FROM person WHERE child_id <> 'F'")
        same(
            on_early_help(db, ON, within="asked").select(
                ["child_id", "status", "since", "school_name", "helped_since", "practitioner", "organisation"]
            ),
            """
            child_id | status   | since      | school_name      | helped_since | practitioner | organisation
            A        |          |            | Larkwood Primary | 2024-11-04   | Al Rowan     | Oaks team
            B        |          |            |                  | 2025-03-14   |              |
            D        | CIN plan | 2024-12-02 |                  | 2024-11-04   |              |
            E        | Ever 6   | 2025-03-03 |                  | 2024-11-04   |              |
            """,
        )
        assert status_on(db, ON, within="asked")["child_id"].to_pylist() == ["D", "E"]


def test_a_child_of_early_help_is_under_a_clock_like_every_other(database, same):
    """A is on Early Help and known to nobody else; B was, to 2 March. C's plan ended in January, and it is on Early
    Help; D's plan ended and so did its Early Help, later. E is on a plan: Early Help changes nothing of it. On the day,
    nobody has a recorded basis. Records are due a year after the last clock, and of nobody who is on Early Help."""
    with database(
        Settings(look_back_years=1),
        early_help_period="""
            child_id | start_date | end_date
            A        | 2024-11-04 |
            B        | 2024-11-04 | 2025-03-03
            C        | 2024-11-04 |
            D        | 2024-11-04 | 2026-06-01
            E        | 2024-11-04 |
        """,
        status_period="""
            child_id | status   | start_date | end_date
            C        | CIN plan | 2024-06-03 | 2025-01-06
            D        | CIN plan | 2023-06-05 | 2024-01-08
            E        | CIN plan | 2024-06-03 |
        """,
        person="child_id\nA\nB\nC\nD\nE",
    ) as db:
        rows = clocks(db)
        same(
            rows,
            """
            child_id | closed_on  | ever_6_until | help_ended | helped | known
            A        |            |              |            | true   | false
            B        |            |              | 2025-03-03 | true   | false
            C        | 2025-01-06 | 2026-01-05   |            | true   | true
            D        | 2024-01-08 | 2025-01-07   | 2026-06-01 | true   | true
            E        |            |              |            | true   | true
            """,
        )
    found = {r["child_id"]: _clock(r, ON, 0, Settings(), frozenset()) for r in rows.to_pylist()}
    assert {child: (clock.state, clock.due) for child, clock in found.items()} == {
        "A": (HELPED, None),
        "B": (OUT, date(2026, 3, 3)),
        "C": (HELPED, None),
        "D": (HELPED, date(2027, 6, 1)),
        "E": (OPEN, None),
    }
    later = {r["child_id"]: _clock(r, date(2026, 6, 1), 0, Settings(), frozenset()).state for r in rows.to_pylist()}
    assert later == {"A": HELPED, "B": OUT, "C": HELPED, "D": OUT, "E": OPEN}

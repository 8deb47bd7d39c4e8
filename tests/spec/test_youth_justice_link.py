"""The youth justice service's list finds children and says nothing else of who they are, specified by small tables."""

from datetime import date

import pyarrow as pa

from sightline.cohort import assemble_persons, describe_persons
from sightline.linkage import link
from sightline.operations.lists.youth_justice import factors_of, known_on
from sightline.vocabulary.settings import Settings

UPN, WRONG = "X999000020001", "Z999000020001"
ON = date(2024, 11, 1)


def test_it_is_linked_as_a_care_list_is_and_a_doubt_is_told_to_nobody(database):
    with database(
        child="child_ref | birth_date | sex | surname | forename\nA | 2009-03-04 | F | Ashby | Wren",
        pupil=f"pupil_ref | birth_date | sex | surname | forename\n{UPN} | 2009-03-04 | F | Ashby | Wren",
        identifier=f"ref | kind | value | system\nA | upn | {UPN} | ssd\n{UPN} | upn | {UPN} | school-census",
        youth_justice=f"""
            child_ref | upn     | birth_date | sex | surname | forename | start_date | system
            Y1        | {UPN}   | 2009-03-04 | F   | Ashbee  | Wren     | 2024-10-01 | youth-justice
            Y2        | {UPN}   | 2010-01-01 | M   | Elmby   | Finch    | 2024-10-01 | youth-justice
            Y3        |         | 2010-01-01 | M   | Elmby   | Finch    | 2024-10-01 | youth-justice
        """,
    ) as db:
        links = link(db, settings=Settings(probabilistic_linkage=False))
        db.add("link", links.link)
        child = {r["ref"]: r["child_id"] for r in links.link.to_pylist()}
        assert child["Y1"] == child["A"] == child[UPN]
        assert len({child[ref] for ref in ("A", "Y2", "Y3")}) == 3
        assert links.doubt.to_pylist() == []
        db.add("described", describe_persons(db))
        person = {r["child_id"]: r for r in assemble_persons(db).to_pylist()}
        assert (person[child["A"]]["surname"], person[child["A"]]["upn"]) == ("Ashby", UPN)
        alone = person[child["Y3"]]
        assert (alone["surname"], alone["known_to_care"]) == (None, False)


def test_who_is_known_on_a_day_by_the_last_day_of_a_period(database):
    """B's period ended the day before, C's ends that day, D's has no first day, E's begins after it."""
    with database(
        youth_justice="""
            child_ref | start_date | end_date   | involvement | education_hours | system
            A         | 2024-05-01 |            | RO          | 15              | yj
            A         | 2024-03-01 | 2024-11-30 | YC          | 25              | yj
            A         | 2023-01-01 | 2023-02-01 | CR          |                 | yj
            B         | 2024-01-01 | 2024-10-31 | CR          |                 | yj
            C         | 2024-01-01 | 2024-11-01 | Own words   |                 | yj
            D         |            |            | CR          |                 | yj
            E         | 2024-11-02 |            | CR          |                 | yj
        """,
        link="system | ref | child_id\nyj | A | a\nyj | B | b\nyj | C | c\nyj | D | d\nyj | E | e",
        person="child_id\na\nb\nc\nd\ne",
    ) as db:
        assert known_on(db, ON) == {
            "a": (date(2024, 3, 1), ("YC", "RO"), 25.0),
            "c": (date(2024, 1, 1), ("Own words",), None),
        }


def test_factors_are_dated_by_their_assessment(database):
    """The census names child and assessment; the dataset's factors come in a file beside the assessments. One census's
    number of an assessment is not another's. B's is older than a year and than the plan; C's is older than a year, and
    the plan is older still."""
    with database(
        assessment="""
            child_ref | assessment_ref | start_date | end_date   | system     | delivery
            A         | 1              | 2023-09-01 | 2023-10-20 | cin-census | c23
            A         | 1              | 2024-06-01 | 2024-07-10 | cin-census | c24
            P         | S9             | 2024-08-01 |            | ssd        | s1
            B         | 1              | 2023-06-01 | 2023-07-01 | cin-census | c23
            C         | 1              | 2023-06-01 | 2023-07-01 | cin-census | c23
        """,
        assessment_factor="""
            child_ref     | assessment_ref | factor | system     | delivery
            A             | 1              | 11A    | cin-census | c23
            A             | 1              | 24A    | cin-census | c24
            A             | 1              | 16A    | cin-census | c24
            assessment:S9 | S9             | 24A    | ssd        | s2
            B             | 1              | 13A    | cin-census | c23
            C             | 1              | 10A    | cin-census | c23
        """,
        link="""
            system     | ref | child_id
            cin-census | A   | a
            ssd        | P   | a
            cin-census | B   | b
            cin-census | C   | c
        """,
    ) as db:
        since = {"a": date(2024, 9, 1), "b": date(2024, 1, 1), "c": date(2023, 5, 1)}
        db.add("asked", pa.table({"child_id": list(since), "since": list(since.values())}))
        assert factors_of(db, ON, 365, children="asked") == {
            "a": {"24A": (date(2024, 7, 10), date(2024, 8, 1))},
            "c": {"10A": (date(2023, 7, 1), date(2023, 7, 1))},
        }

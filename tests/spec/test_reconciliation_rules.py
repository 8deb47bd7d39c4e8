"""What holds for every rule of reconciliation: each is specified in a file beside, is whole, and knows whom to ask."""

from pathlib import Path

import pytest
from reconciliation_tables import DELIVERIES, SYSTEMS, compared, everything
from spec_tables import cells

from sightline.reconciliation import OWNERS, RULES, owner_named
from sightline.vocabulary.settings import Settings


def test_every_rule_is_specified_here():
    text = "".join(f.read_text(encoding="utf-8") for f in Path(__file__).parent.glob("test_reconciliation_*.py"))
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

"""Rules as values: which hold when, what stops one from running, and what they share with the readers."""

import random
from datetime import date

import pyarrow as pa
import pytest

from sightline.engine import Database
from sightline.sources.cin_census import layout
from sightline.validation import Outcome, Rule, census, check, check_all, rules, rules_for, rules_markdown, specs
from sightline.validation.census import FIELDS, KEYS, NO_ID, date_sql, upn_letter_sql, working_days_before
from sightline.validation.rule import rule
from sightline.validation.specs import Case, _cases
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.identifiers import UPN_LETTERS, upn_check_letter


def of_the_census(year: int) -> list[Rule]:
    return [r for r in rules_for(year) if r.code[0].isdigit()]


def one(code: str, year: int = 2026) -> Rule:
    (found,) = [r for r in rules_for(year) if r.code == code]
    return found


def received(**tables: list[dict[str, str]]) -> dict[str, pa.Table]:
    """Every table of the census as received, empty but for the rows given."""
    return {
        name: pa.table(
            {c: pa.array([r.get(c) for r in tables.get(name, [])], pa.string()) for c in (*KEYS[name], *FIELDS[name])}
            | {"line": pa.array([int(r.get("line", 1)) for r in tables.get(name, [])], pa.int32())}
        )
        for name in FIELDS
    }


@pytest.mark.parametrize(("year", "count"), [(2023, 105), (2024, 105), (2025, 109), (2026, 109), (2027, 121)])
def test_the_rules_of_each_year(year: int, count: int):
    codes = [r.code for r in of_the_census(year)]
    assert len(codes) == len(set(codes)) == count


def test_a_rule_reworded_is_one_rule_a_year():
    assert one("4180", 2024).says == "Gender is missing"
    assert one("4180", 2025).says == "Sex must be provided and equal M, F, or U"
    assert [r.code for r in of_the_census(2025) if r.first_year == 2025] == [
        *("1570", "1580", "2886Q", "4180", "8750", "8770Q", "8945Q", "8950Q"),
    ]


def test_severity_is_told_by_the_code():
    assert {r.severity for r in rules() if r.code.endswith("Q")} == {Severity.QUERY}
    assert {r.severity for r in of_the_census(2027) if not r.code.endswith("Q")} == {Severity.ERROR}


def test_a_rule_is_not_written_twice_for_a_year():
    with pytest.raises(ValueError, match="written twice for 2025"):

        @rule("8500", "LA Child ID missing", grain="child", group="The child", first=2025)
        def again() -> str:
            """Every child has an id."""
            return "SELECT 1"


def test_a_rule_needs_a_query_or_a_reason():
    with pytest.raises(ValueError, match="either a query or the reason"):

        @rule("0", "Nothing.", grain="child", group="The child")
        def nothing() -> str:
            """Nothing."""
            return ""


# What is shared with the readers, which this layer may not import.


def test_tables_are_those_of_the_reader():
    ours = {name: (*KEYS[name], *FIELDS[name]) for name in FIELDS if name != "Header"}
    assert ours == {name: block.columns for name, block in layout.BLOCKS.items()}
    assert FIELDS["Header"] == layout.HEADER_COLUMNS


def test_missing_ids_are_those_of_the_reader():
    assert NO_ID == layout.NO_ID


def test_check_letter_in_sql_is_that_of_the_vocabulary():
    chance = random.Random(20)
    rests = [
        "".join(chance.choices("0123456789", k=11)) + chance.choice("0123456789" + UPN_LETTERS) for _ in range(200)
    ]
    with Database() as database:
        database.add("rests", pa.table({"upn": ["A" + rest for rest in rests]}))
        got = database.query(f"SELECT upn, {upn_letter_sql('upn')} AS letter FROM rests").to_pylist()
        assert {r["upn"][1:]: r["letter"] for r in got} == {rest: upn_check_letter(rest) for rest in rests}
        assert (
            database.one(f"SELECT {upn_letter_sql('x')} FROM (VALUES ('A12345678901'), ('A1234567890I1')) t(x)") is None
        )


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2025-06-10", date(2025, 6, 10)),
        ("10/06/2025", date(2025, 6, 10)),
        ("2025-06-10T00:00:00", date(2025, 6, 10)),
        ("2025-02-30", None),
        ("13/13/2012", None),
        ("01/13/2012", None),
        ("1066-04-13", None),
        ("soon", None),
    ],
)
def test_dates(text: str, day: date | None):
    with Database() as database:
        assert database.one(f"SELECT {date_sql('x')} FROM (SELECT ? AS x)", [text]) == day


@pytest.mark.parametrize(
    ("day", "count", "answer"),
    [
        (date(2025, 4, 1), 1, date(2025, 3, 31)),
        (date(2024, 4, 2), 1, date(2024, 3, 28)),  # after Easter
        (date(2026, 3, 31), 15, date(2026, 3, 10)),
        (date(2026, 3, 31), 45, date(2026, 1, 27)),
    ],
)
def test_working_days(day: date, count: int, answer: date):
    assert working_days_before(day, count) == answer


def test_the_period_is_the_year_to_the_reference_date_of_the_header():
    with census(received(Header=[{"Year": "2026", "ReferenceDate": "2026-03-31"}]), 2026) as made:
        assert (made.starts, made.ends) == (date(2025, 4, 1), date(2026, 3, 31))
    with census(received(Header=[{"Year": "2026", "ReferenceDate": "soon"}]), 2024) as made:
        assert (made.starts, made.ends) == (date(2023, 4, 1), date(2024, 3, 31))


# A rule that cannot run is not run, never clear.


def test_a_rule_without_its_table_is_not_run():
    tables = received(Header=[{"Year": "2026"}])
    del tables["Reviews"]
    with census(tables, 2026) as made:
        result = check(one("8841"), made)
        assert (result.outcome, result.why) == (Outcome.NOT_RUN, "The file has no Reviews.")
        assert check(one("8840"), made).outcome is Outcome.CLEAR


def test_a_rule_without_its_column_is_not_run():
    tables = received()
    tables["CINdetails"] = tables["CINdetails"].drop_columns("ReferralNFA")
    with census(tables, 2026) as made:
        result = check(one("8568"), made)
        assert (result.outcome, result.why) == (Outcome.NOT_RUN, "A column the rule needs is not in the file.")


def test_a_percentage_of_nobody_is_not_run():
    with census(received(), 2026) as made:
        assert check(one("2886Q"), made).outcome is Outcome.NOT_RUN


def test_a_rule_whose_meaning_is_not_known_is_not_run_and_says_so():
    with census(received(PreProceedingsandFGDM=[{"LAchildID": "A", "PPOutcome": "Z"}]), 2027) as made:
        result = check(one("9011", 2027), made)
        assert result.outcome is Outcome.NOT_RUN and "CS131" in result.why


def test_a_rule_that_fails_says_no_more_than_how():
    broken = Rule(
        **{name: getattr(one("8600"), name) for name in Rule.__slots__ if name != "find"},
        find="SELECT error(LAchildID) AS child, '' AS \"table\", '' AS field, '' AS value, '' AS against, 0 AS line "
        "FROM ChildIdentifiers",
    )
    with census(received(ChildIdentifiers=[{"LAchildID": "SECRET"}]), 2026) as made:
        result = check(broken, made)
    assert result.outcome is Outcome.NOT_RUN and result.why and "SECRET" not in result.why


def test_every_rule_runs_on_an_empty_return():
    with census(received(Header=[{"Year": "2027", "ReferenceDate": "2027-03-31"}]), 2027) as made:
        not_run = {c.rule.code for c in check_all(made) if c.outcome is Outcome.NOT_RUN}
    assert not_run == {"2886Q", "9011"}


def test_a_finding_says_where_it_stands_and_what_against():
    tables = received(
        ChildIdentifiers=[{"LAchildID": "A", "line": "3"}],
        CINdetails=[{"LAchildID": "A", "CINdetailsID": "1", "CINreferralDate": "10/06/2025", "line": "9"}],
        Assessments=[
            {"LAchildID": "A", "CINdetailsID": "1", "AssessmentActualStartDate": " 2025-06-09 ", "line": "14"},
        ],
    )
    with census(tables, 2026) as made:
        assert check(one("1103"), made).rows.to_pylist() == [
            {
                "child": "A",
                "table": "Assessments",
                "field": "AssessmentActualStartDate",
                "value": "2025-06-09",
                "against": "CINreferralDate 10/06/2025, line 9",
                "line": 14,
            }
        ]


def test_identifier_rules_hold_for_other_files_too():
    identifier = pa.table(
        {
            "ref": ["1", "2", "3"],
            "kind": ["upn", "former_upn", "nhs_number"],
            "value": ["Q938200012345", "Q938200012345", "9434765919"],
            "line": pa.array([2, 3, 4], pa.int32()),
        }
    )
    with census({}, 2026, identifier=identifier) as made:
        result = check(one("upn-shared"), made)
        assert [(r["child"], r["field"]) for r in result.rows.to_pylist()] == [("1", "UPN"), ("2", "FormerUPN")]
        assert check(one("8500"), made).outcome is Outcome.NOT_RUN


# The specifications as documentation.


def test_the_page_of_rules_has_every_rule_and_specification():
    page = rules_markdown()
    for r in rules():
        assert f"### {r.code}: {r.says}" in page
    for spec in specs().values():
        assert spec.markdown in page


@pytest.mark.parametrize(
    "text",
    [
        "| child | found |\n| --- | --- |\n| A |\n",
        "| child | UPN |\n| --- | --- |\n| A | B |\n",
        "Found:\n\n| child | found |\n| --- | --- |\n| A | yes |\n",
    ],
)
def test_a_specification_is_well_formed(text: str):
    with pytest.raises(ValueError, match="The table of 1"):
        list(_cases("1", text))


def test_a_specification_names_columns_of_the_census():
    case = Case(("child", "DateOfInitialCPC", "found"), ({"child": "A", "DateOfInitialCPC": "", "found": ""},))
    with pytest.raises(ValueError, match="is in 2 tables"):
        case.census(2026)

"""CSV tables of the census, and what is and is not written."""

from datetime import date

import pyarrow as pa
import pytest
from lxml import etree

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Head, Reading
from sightline.sources.cin_census import SOURCES
from sightline.sources.delimited import header_of
from sightline.vocabulary.errors import UnreadableFile

XML, CSV = SOURCES


@pytest.fixture
def read(tmp_path):
    def reading(text):
        path = tmp_path / "table.csv"
        path.write_text(text, encoding="utf-8")
        start = path.read_bytes()
        assert CSV.recognise(Head("x", start, header_of(start)))
        return CSV.read(path, Context())

    return reading


def rules(reading):
    return [f.rule for f in reading.findings]


def test_assessments_with_a_row_for_each_factor(read):
    reading = read(
        ",LAchildID,CINdetailsID,AssessmentID,AssessmentActualStartDate,AssessmentInternalReviewDate,"
        "AssessmentAuthorisationDate,AssessmentFactors\n"
        "0,A1,1,1,02/05/2023,,01/06/2023,3B\n"
        "1,A1,1,1,02/05/2023,,01/06/2023,4B\n"
        "2,A1,1,2,02/05/2023,,01/06/2023,\n"
        "3,B2,1.0,1.0,03/05/2023,,,21\n"
    )
    assert reading.tables["assessment"]["assessment_ref"].to_pylist() == ["A1/1/1", "A1/1/2", "B2/1/1"]
    assert reading.tables["assessment"]["line"].to_pylist() == [2, 4, 5]
    assert reading.tables["assessment"]["end_date"].to_pylist() == [date(2023, 6, 1), date(2023, 6, 1), None]
    factors = reading.tables["assessment_factor"]
    assert factors["factor"].to_pylist() == ["3B", "4B", "21"]
    assert factors["assessment_ref"].to_pylist() == ["A1/1/1", "A1/1/1", "B2/1/1"]
    assert (reading.period, reading.covers, reading.as_at) == (
        "year to 31 March 2024",
        "2024 Assessments",
        "2024-03-31",
    )
    assert rules(reading) == ["year-from-dates"]


def test_a_table_is_of_the_year_and_authority_of_the_header_that_came_with_it(tmp_path):
    """The header of its own folder; with two of them and none of its own, its dates are asked."""
    header = "Collection,Year,ReferenceDate,LEA\nCIN,{0},{0}-03-31,301\n"
    details = "LAchildID,CINdetailsID,CINreferralDate,ReferralSource\nA1,1,2021-05-01,5D\n"
    paths = []
    for folder, text in (("2022", header.format(2022)), ("2023", header.format(2023)), ("none", "a,b\n1,2\n")):
        (tmp_path / folder).mkdir()
        for name, content in (("Header.csv", text), ("CINdetails.csv", details)):
            path = tmp_path / folder / name
            path.write_text(content, encoding="utf-8")
            paths.append(path)
    context = Context(beside=tuple(paths))
    first, second, none = (CSV.read(tmp_path / f / "CINdetails.csv", context) for f in ("2022", "2023", "none"))
    assert (first.period, first.covers, first.authority) == ("year to 31 March 2022", "2022 CINdetails", "301")
    assert second.covers == "2023 CINdetails"
    assert (none.covers, none.authority) == ("unknown year CINdetails", "")
    # Codes are those of the year that is said: early help refers since 2023.
    assert [rules(reading) for reading in (first, second, none)] == [["unknown-code"], [], ["year-from-dates"]]


def test_tables_of_tools_that_give_episodes_no_id(read):
    """The date of the referral, and of the plan, stands for the episode and the plan in every table alike."""
    details = read("LAchildID,CINreferralDate,ReferralSource,ReferralNFA\nA1,2023-05-01,2B,0\nA1,2023-09-01,2B,0\n")
    plans = read("LAchildID,CINreferralDate,CINPlanStartDate,CINPlanEndDate\nA1,2023-09-01,2023-10-01,\n")
    protection = read(
        "LAchildID,CINreferralDate,CPPstartDate,CPPendDate,InitialCategoryOfAbuse\nA1,2023-05-01,2023-06-01,,NEG\n"
    )
    reviews = read("LAchildID,CINreferralDate,CPPstartDate,CPPreviewDate\nA1,2023-05-01,2023-06-01,2023-08-01\n")
    assessments = read(
        "LAchildID,CINreferralDate,AssessmentActualStartDate,AssessmentAuthorisationDate\nA1,2023-05-01,2023-05-02,\n"
    )
    factors = read("LAchildID,CINreferralDate,AssessmentActualStartDate,Factor\nA1,2023-05-01,2023-05-02,3A\n")
    assert set(assessments.tables) == {"assessment"} and set(factors.tables) == {"assessment_factor"}
    assert factors.tables["assessment_factor"]["factor"].to_pylist() == ["3A"]
    refs = [
        r.tables[t]["assessment_ref"].to_pylist()
        for r, t in ((assessments, "assessment"), (factors, "assessment_factor"))
    ]
    assert refs[0] == refs[1] == ["A1/2023-05-01/2023-05-02"]
    assert details.tables["referral"]["referral_ref"].to_pylist() == ["A1/2023-05-01", "A1/2023-09-01"]
    assert plans.tables["cin_plan"]["referral_ref"].to_pylist() == ["A1/2023-09-01"]
    assert protection.tables["cp_plan"]["plan_ref"].to_pylist() == reviews.tables["cp_review"]["plan_ref"].to_pylist()
    assert {rule for r in (details, plans, protection, reviews) for rule in rules(r)} == {"year-from-dates"}


def test_two_episodes_of_one_day_are_numbered(read):
    reading = read("LAchildID,CINreferralDate,ReferralSource\nA1,2023-05-01,2B\nA1,2023-05-01,6\n")
    assert reading.tables["referral"]["referral_ref"].to_pylist() == ["A1/1", "A1/2"]


def test_characteristics_beside_the_identifiers(read):
    reading = read("LAchildID,UPN,PersonBirthDate,GenderCurrent,Ethnicity\nA1,,2015-05-01,2,WBRI\n")
    assert reading.tables["child"]["ethnicity"].to_pylist() == ["WBRI"]
    assert set(reading.received) == {"ChildIdentifiers", "ChildCharacteristics"}
    assert rules(reading) == ["year-from-dates"]


def test_assessments_of_tools_that_give_no_id(read):
    """Rows that follow each other and agree are one assessment."""
    reading = read(
        "LAchildID,CINdetailsID,AssessmentActualStartDate,AssessmentAuthorisationDate,AssessmentFactors\n"
        "A1,1,2023-05-02,2023-06-01,3B\n"
        "A1,1,2023-05-02,2023-06-01,4B\n"
        "A1,1,2023-08-02,,\n"
        "A1,2,2023-08-02,,\n"
    )
    assert reading.tables["assessment"]["assessment_ref"].to_pylist() == ["A1/1/1", "A1/1/2", "A1/2/1"]
    assert reading.tables["assessment_factor"].num_rows == 2


def test_plans_are_numbered_within_their_episode(read):
    reading = read(
        ",LAchildID,CINdetailsID,CINPlanStartDate,CINPlanEndDate\n"
        "0,A1,1,2023-06-01,2023-07-01\n1,A1,1,2023-08-01,\n2,A1,2,2023-09-01,\n3,A2,1,2023-09-01,\n"
    )
    assert reading.tables["cin_plan"]["plan_ref"].to_pylist() == ["A1/1/1", "A1/1/2", "A1/2/1", "A2/1/1"]


def test_a_header_by_itself(read):
    reading = read("Collection,Year,ReferenceDate,SourceLevel,LEA\nCIN,2024,31/03/2024,L,301\n")
    assert (reading.covers, reading.authority, reading.findings) == ("2024 Header", "301", [])
    assert reading.tables == {}


def test_what_is_wrong_in_a_table_is_told(read):
    reading = read(
        "LAchildID,UPN,PersonBirthDate,Sex,Surname\nA1,B123456789012,01/13/2012,F,Nobody\n,,2015-01-01,M,\nA3,,,1,\n"
    )
    assert [(f.rule, f.field, f.line) for f in reading.findings] == [
        ("unknown-column", "surname", 1),
        ("year-from-dates", "Year", 0),
        ("sex-code-of-another-year", "Sex", 4),
        ("upn-check-letter", "UPN", 2),
        ("not-a-date", "PersonBirthDate", 2),
        ("missing-value", "LAchildID", 3),
    ]
    assert reading.tables["child"]["child_ref"].to_pylist() == ["A1", "A3"]
    assert reading.tables["child"]["sex"].to_pylist() == ["F", "M"]


@pytest.mark.parametrize(
    "header",
    [
        "LAchildID,Date,Type,CINreferralDate,AssessmentActualStartDate,CINPlanStartDate,CPPstartDate",  # events
        "LAchildID,Forename",
        "UPN,PersonBirthDate,Sex",
        "",
    ],
)
def test_other_tables_are_not_taken_for_the_census(header, tmp_path):
    start = f"{header}\n1,2,3\n".encode()
    assert not CSV.recognise(Head("ChildIdentifiers.csv", start, header_of(start)))
    path = tmp_path / "x.csv"
    path.write_bytes(start)
    with pytest.raises(UnreadableFile):
        CSV.read(path, Context())


def table(name, *rows):
    return pa.Table.from_pylist(list(rows), schema=arrow_schema(name))


def reading_of(year, **tables):
    as_at = f"{year}-03-31" if year else ""
    return Reading("cin-census", "cin-census", "", str(year), "301" if year else "", as_at, tables)


CHILD = {"child_ref": "A1", "surname": "Nobody", "sex": "U", "postcode": "ZZ1 1ZZ", "ethnicity": "WBRI"}
REFERRAL = {"child_ref": "A1", "referral_ref": "any id", "referral_date": date(2020, 5, 1), "no_further_action": False}
PLAN = {"child_ref": "A1", "referral_ref": "any id", "plan_ref": "p", "start_date": date(2020, 6, 1)}


def written(reading, tmp_path):
    return etree.parse(XML.write(reading, tmp_path / "written.xml")[0]).getroot()


@pytest.mark.parametrize(
    ("year", "sex", "value"), [(2024, "GenderCurrent", "0"), (2025, "Sex", "U"), (None, "Sex", "U")]
)
def test_sex_is_written_in_the_codes_of_the_year(year, sex, value, tmp_path):
    tree = written(reading_of(year, child=table("child", CHILD)), tmp_path)
    assert tree.findtext(f".//{sex}") == value
    assert b"Nobody" not in etree.tostring(tree)
    assert (tree.find("Header") is None) is (year is None)


@pytest.mark.parametrize(("year", "plans"), [(2021, 0), (2022, 1)])
def test_blocks_of_later_years_are_left_out(year, plans, tmp_path):
    reading = reading_of(
        year, child=table("child", CHILD), referral=table("referral", REFERRAL), cin_plan=table("cin_plan", PLAN)
    )
    assert len(written(reading, tmp_path).findall(".//CINPlanDates")) == plans


def test_elements_stand_in_the_censuss_order(tmp_path):
    reading = reading_of(
        2027,
        child=table("child", CHILD),
        referral=table("referral", REFERRAL),
        cp_plan=table("cp_plan", PLAN),
        cin_plan=table("cin_plan", PLAN),
        section_47=table("section_47", {"child_ref": "A1", "referral_ref": "any id"}),
        assessment=table("assessment", {"child_ref": "A1", "referral_ref": "any id", "assessment_ref": "a"}),
        pre_proceedings=table("pre_proceedings", {"child_ref": "A1", "referral_ref": "any id"}),
    )
    details = written(reading, tmp_path).find(".//CINdetails")
    assert [e.tag for e in details] == [
        "CINreferralDate",
        "Assessments",
        "CINPlanDates",
        "Section47",
        "ReferralNFA",
        "ChildProtectionPlans",
        "PreProceedingsandFGDM",
    ]


@pytest.mark.parametrize(
    ("orphan", "rows"),
    [
        ("cin_plan", PLAN | {"referral_ref": "another"}),
        ("referral", REFERRAL | {"child_ref": "A2"}),
        ("cp_review", {"child_ref": "A1", "plan_ref": "none", "review_date": date(2020, 6, 1)}),
    ],
)
def test_a_row_that_belongs_nowhere_is_refused(orphan, rows, tmp_path):
    tables = {"child": table("child", CHILD), "referral": table("referral", REFERRAL)}
    with pytest.raises(ValueError, match=f"A row of {orphan} belongs to no"):
        XML.write(reading_of(2024, **(tables | {orphan: table(orphan, rows)})), tmp_path / "x.xml")


def test_two_children_of_one_id_and_one_without_survive_writing(tmp_path):
    reading = reading_of(
        2024,
        child=table("child", CHILD, CHILD | {"sex": "F", "ethnicity": "AIND"}, CHILD | {"child_ref": "(no id) line 9"}),
        referral=table("referral", REFERRAL, REFERRAL | {"child_ref": "(no id) line 9", "referral_ref": "other"}),
        identifier=table("identifier", {"ref": "A1", "kind": "upn", "value": "H801200001001"}),
    )
    again = XML.read(XML.write(reading, tmp_path / "x.xml")[0], Context())
    refs = again.tables["child"]["child_ref"].to_pylist()
    assert refs[:2] == ["A1", "A1"]
    assert refs[2].startswith("(no id) line ")
    assert again.tables["child"]["sex"].to_pylist() == ["U", "F", "U"]
    assert again.tables["child"]["ethnicity"].to_pylist() == ["WBRI", "AIND", "WBRI"]
    assert again.tables["referral"]["child_ref"].to_pylist() == ["A1", refs[2]]
    assert sorted(f.rule for f in again.findings) == ["duplicate-la-child-id", "la-child-id-missing"]


def test_characters_that_xml_marks_are_written_safely(tmp_path):
    child = CHILD | {"child_ref": "<A&1>'\""}
    again = XML.read(XML.write(reading_of(2024, child=table("child", child)), tmp_path / "x.xml")[0], Context())
    assert again.tables["child"]["child_ref"].to_pylist() == ["<A&1>'\""]

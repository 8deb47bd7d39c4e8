"""`sightline check`: one file, nothing stored."""

import csv
import json
from io import StringIO
from pathlib import Path

import pytest
from typer.testing import CliRunner

from sightline.cli.app import app

CENSUS = """<Message>
<Header><CollectionDetails>{year}</CollectionDetails></Header>
<Children>
<Child><ChildIdentifiers><LAchildID>A1</LAchildID><UPN>Q938200012345</UPN><PersonBirthDate>2015-06-10</PersonBirthDate>
<Sex>F</Sex></ChildIdentifiers><ChildCharacteristics><Ethnicity>WBRI</Ethnicity><Disabilities><Disability>NONE</Disability>
</Disabilities></ChildCharacteristics>
<CINdetails><CINreferralDate>2025-06-10</CINreferralDate><ReferralSource>1A</ReferralSource>
<PrimaryNeedCode>N1</PrimaryNeedCode>
<Assessments><AssessmentActualStartDate>2025-06-09</AssessmentActualStartDate></Assessments>
<ReferralNFA>0</ReferralNFA></CINdetails></Child>
</Children></Message>
"""
YEAR = "<Collection>CIN</Collection><Year>{0}</Year><ReferenceDate>{0}-03-31</ReferenceDate>"


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SIGHTLINE_HOME", raising=False)
    return lambda *arguments: CliRunner().invoke(app, ["check", *map(str, arguments)])


@pytest.fixture
def file(tmp_path) -> Path:
    path = tmp_path / "return.xml"
    path.write_text(CENSUS.format(year=YEAR.format(2026)), encoding="utf-8")
    return path


def test_json_has_findings_and_what_was_not_run(run, file):
    result = run(file, "--format", "json")
    assert result.exit_code == 0
    answer = json.loads(result.stdout)
    assert (answer["year"], answer["not_run"]) == (2026, [])
    assert answer["rules"] >= 109
    (found,) = [f for f in answer["findings"] if f["rule"] == "1103"]
    assert found["severity"] == "error"
    assert (found["child"], found["table"], found["field"]) == ("A1", "Assessments", "AssessmentActualStartDate")
    assert (found["value"], found["line"]) == ("2025-06-09", 9)
    said = "The assessment start date cannot be before the referral date"
    assert found["says"] == f"{said} (held against CINreferralDate 2025-06-10, line 7)."


def test_what_a_rule_says_the_reader_does_not_say_again(run, file):
    """The check letter is told once, under the code people know; a UPN of twelve characters once, by its one name."""
    text = file.read_text(encoding="utf-8")
    text = text.replace("<Sex>", "<FormerUPN>Q93820001234</FormerUPN><Sex>").replace("<UPN>Q", "<UPN>A")
    file.write_text(text, encoding="utf-8")
    found = json.loads(run(file, "--format", "json").stdout)["findings"]
    about = [(f["rule"], f["field"]) for f in found if "UPN" in f["field"]]
    assert sorted(about) == [("1510", "UPN"), ("1560Q", "FormerUPN"), ("upn-length", "FormerUPN")]
    assert [list(f) for f in found[:1]] == [["rule", "severity", "says", "child", "table", "field", "value", "line"]]


def test_rules_not_run_are_listed_with_why(run, file):
    result = run(file, "--format", "json", "--year", "2027")
    answer = json.loads(result.stdout)
    assert [r["rule"] for r in answer["not_run"]] == ["9011"]
    assert "CS131" in answer["not_run"][0]["why"]
    assert answer["note"] == "The file says it is of 2026; the rules of 2027 were applied."
    assert "Rule 9011 was not run." in result.stderr


def test_csv_is_the_findings_alone(run, file):
    result = run(file, "--format", "csv", "--year", "2027")
    rows = list(csv.DictReader(StringIO(result.stdout)))
    assert list(rows[0]) == ["rule", "severity", "says", "child", "table", "field", "value", "line"]
    assert "1103" in {row["rule"] for row in rows}
    assert "9011" not in result.stdout


def test_out_writes_each_format(run, file, tmp_path):
    for form in ("csv", "json", "xlsx"):
        out = tmp_path / f"findings.{form}"
        assert run(file, "--format", form, "--out", out).exit_code == 0
        assert out.stat().st_size > 100
    assert json.loads((tmp_path / "findings.json").read_text(encoding="utf-8"))["year"] == 2026


def test_the_screen_has_a_table_by_rule(run, file):
    result = run(file)
    assert "Findings by rule" in result.stdout and "113 rules of 2026: 113 run, 0 not run." in result.stderr


def test_strict_leaves_with_two(run, file):
    assert run(file, "--strict", "--format", "csv").exit_code == 2


def test_nothing_is_stored(run, file, tmp_path):
    run(file, "--format", "csv")
    assert [p.name for p in tmp_path.iterdir()] == ["return.xml"]


def test_the_nearest_year_is_applied_and_said(run, tmp_path):
    file = tmp_path / "old.xml"
    file.write_text(CENSUS.format(year=YEAR.format(2021)), encoding="utf-8")
    answer = json.loads(run(file, "--format", "json").stdout)
    assert answer["year"] == 2023
    assert answer["note"] == "The file says it is of 2021; the rules of 2023, the nearest year held, were applied."


def test_a_file_that_does_not_say_its_year_needs_one(run, tmp_path):
    file = tmp_path / "return.xml"
    file.write_text(CENSUS.format(year="<Collection>CIN</Collection>"), encoding="utf-8")
    refused = run(file, "--format", "json")
    assert refused.exit_code == 1 and "add --year" in refused.stderr
    assert json.loads(run(file, "--format", "json", "--year", "2026").stdout)["year"] == 2026


def test_the_year_may_come_from_the_reference_date(run, tmp_path):
    file = tmp_path / "return.xml"
    day = "<Collection>CIN</Collection><ReferenceDate>2025-03-31</ReferenceDate>"
    file.write_text(CENSUS.format(year=day), encoding="utf-8")
    assert json.loads(run(file, "--format", "json").stdout)["year"] == 2025


def test_a_year_without_rules_is_refused(run, file):
    refused = run(file, "--year", "2019")
    assert refused.exit_code == 1 and "2023 to 2027" in refused.stderr


def test_what_cannot_be_read_leaves_with_three(run, tmp_path):
    file = tmp_path / "return.xml"
    file.write_text("<Message><Children><Child>", encoding="utf-8")
    assert run(file).exit_code == 3
    file.write_text("hello", encoding="utf-8")
    assert run(file).exit_code == 3
    assert run(tmp_path / "nowhere.xml").exit_code == 1


def test_the_csv_tables_of_one_census_are_one_return(run, tmp_path):
    folder = tmp_path / "tables"
    folder.mkdir()
    (folder / "a.csv").write_text("LAchildID,UPN,PersonBirthDate,Sex\nA1,Q938200012345,10/06/2015,F\n")
    (folder / "b.csv").write_text("LAchildID,CINdetailsID,CINreferralDate\nA1,1,10/06/2025\n")
    (folder / "c.csv").write_text("LAchildID,CINdetailsID,AssessmentActualStartDate\nA1,1,09/06/2025\n")
    answer = json.loads(run(folder, "--format", "json", "--year", "2026").stdout)
    assert [(f["value"], f["line"]) for f in answer["findings"] if f["rule"] == "1103"] == [("09/06/2025", 2)]
    assert {"rule": "8841", "why": "The file has no ChildProtectionPlans and no Reviews."}.items() <= next(
        r for r in answer["not_run"] if r["rule"] == "8841"
    ).items()
    (folder / "d.csv").write_text("LAchildID,CINdetailsID,CINreferralDate\nA1,1,10/06/2025\n")
    assert "Two of the files hold the census table CINdetails" in run(folder, "--year", "2026").stderr


def test_another_kind_of_file_gets_the_rules_on_identifiers(run, tmp_path):
    file = tmp_path / "identifiers.csv"
    file.write_text(
        "link_person_id,link_identifier_type,link_identifier_value\n"
        "P1,Unique Pupil Number,Q938200012345\nP2,Unique Pupil Number,Q938200012345\n"
    )
    answer = json.loads(run(file, "--format", "json").stdout)
    assert answer["year"] is None
    assert {f["child"] for f in answer["findings"] if f["rule"] == "upn-shared"} == {"P1", "P2"}

"""Files of other makers than ours: what they write differently, in the formats that are read. Every child is invented."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from sightline.operations import check_file
from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.conform import conform
from sightline.validation import census, check_all, rules_for
from sightline.vocabulary.errors import UnreadableFile

CENSUS = """<Message><Header><CollectionDetails><Collection>SC</Collection><Term>SUM</Term><Year>2024</Year>
</CollectionDetails><Source><LEA>873</LEA><Estab>4001</Estab></Source></Header><Pupils><PupilsOnRoll><PupilOnRoll>
<PupilIdentifiers><UPN>Z873000000144</UPN><Sex>M</Sex><DOB>2010-02-03</DOB></PupilIdentifiers>
<Exclusions><TermlyExclusion><Category>SUSP</Category><StartDate>2023-10-05</StartDate><Sessions>6</Sessions>
<Reasons><Reason1>PP</Reason1><Reason2>OW</Reason2></Reasons></TermlyExclusion></Exclusions></PupilOnRoll>
</PupilsOnRoll></Pupils></Message>"""
CHILD = ["Child Unique ID", "Gender", "Ethnicity", "Date of Birth"]
SHEETS = {
    "1. Contacts": (["Date of Contact"], ["05-Nov-24"]),
    "2. Referrals": (["Date of Referral"], ["5-Nov-24"]),
    "3. CIN": (["CIN Start Date", "Case Status"], ["05/11/24", "c) Child in need plan"]),
    "4. CP": (["Child Protection Plan Start Date"], ["07/12/2024"]),
    "5. CLA": (["Date Started to be Looked After"], ["8 Dec 24"]),
    "Lookups": ([], []),
}


def read(path: Path, name: str = "") -> Reading:
    return recognise(path).read(path, Context(name=name or path.name))


def test_a_code_may_be_in_any_case_and_a_word_in_no_list_stays_as_it_came():
    rows = {"pupil_ref": ["1", "2"], "ethnicity": ["wbri", "wbrx"], "line": [2, 3]}
    findings = []
    table = conform(pa.table(rows), "pupil", findings=findings)
    assert table["ethnicity"].to_pylist() == ["WBRI", "wbrx"]
    assert [(f.rule, f.value, f.line) for f in findings] == [("unknown-code", "wbrx", 3)]


def test_years_of_two_digits_are_of_this_century_and_the_last():
    written = ["05/11/24", "5-Nov-24", "05 Nov 24", "31/12/99", "2024/11/05", "13/13/24"]
    rows = {"pupil_ref": list("abcdef"), "birth_date": written, "line": list(range(2, 8))}
    findings = []
    days = conform(pa.table(rows), "pupil", findings=findings)["birth_date"].to_pylist()
    assert days == [date(2024, 11, 5)] * 3 + [date(1999, 12, 31), date(2024, 11, 5), None]
    assert [f.value for f in findings] == ["13/13/24"]


def test_sheets_of_annex_a_named_for_what_they_hold(tmp_path: Path):
    """Their own numbers are of no account where no sheet says List."""
    path = tmp_path / "invoice.csv"
    with xlsxwriter.Workbook(path) as book:
        for name, (columns, cells) in SHEETS.items():
            sheet = book.add_worksheet(name)
            for line, row in enumerate([[*CHILD, *columns], ["17", "b) Female", "WBRI", "03/04/12", *cells]]):
                sheet.write_row(line, 0, row)
    reading = read(path)
    day = {
        name: table["start_date"].to_pylist()
        for name, table in reading.tables.items()
        if "start_date" in table.column_names
    }
    assert reading.kind == "annex-a"
    assert day["cin_plan"] == [date(2024, 11, 5)] and day["cp_plan"] == [date(2024, 12, 7)]
    assert day["looked_after"] == [date(2024, 12, 8)]
    assert reading.tables["referral"]["referral_date"].to_pylist() == [date(2024, 11, 5)] * 2
    assert "sheet-not-used" in {f.rule for f in reading.findings}


def test_reasons_of_suspension_under_one_element(tmp_path: Path):
    path = tmp_path / "notes.txt"
    path.write_text(CENSUS, encoding="utf-8")
    (one,) = read(path).tables["suspension"].to_pylist()
    assert (one["reason1"], one["reason2"], one["reason3"]) == ("PP", "OW", None)


REFUSED = {
    '<xs:schema xmlns:xs="urn:x"><xs:element name="Message"/></xs:schema>': "description of a format",
    '{"openapi": "3.0.4", "paths": {"results": {"timePeriod": 1}}, "geographicLevel": 2}': "none that",
    '{"data": [{"id": "A1", "surname": "Invented"': "not whole JSON",
    "Cms Id,First Name,Last Name,Date Of Birth\n1,Al,Invented,2012-01-02\n": "list of people",
}


@pytest.mark.parametrize("text", REFUSED)
def test_a_refusal_says_what_the_file_is(tmp_path: Path, text: str):
    path = tmp_path / "marks.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UnreadableFile, match=REFUSED[text]) as refused:
        recognise(path)
    assert "Invented" not in str(refused.value)


def test_a_pupil_number_of_twelve_characters_is_told_once(tmp_path: Path):
    path = tmp_path / "x.dat"
    path.write_text("UPN,Date,Session,Mark\nH87300000002,02/09/2024,AM,/\n", encoding="utf-8")
    answer = check_file(path)
    assert [(f["rule"], f["line"]) for f in answer.findings.to_pylist()] == [("upn-length", 2)]


def test_a_rule_on_pupil_numbers_says_in_words_why_it_did_not_run():
    with census({}, 2026) as made:
        (found,) = check_all(made, [rule for rule in rules_for(2026) if rule.code == "upn-length"])
    assert found.why == "The file has no pupil numbers."


def test_a_value_without_end_is_shown_by_its_beginning(tmp_path: Path):
    path = tmp_path / "x.dat"
    path.write_text(f"UPN,Date,Session,Mark\nH873000000022,02/09/2024,AM,{'x' * 40_000}\n", encoding="utf-8")
    (found,) = check_file(path).findings.to_pylist()
    assert found["value"] == "x" * 1000 + "..."

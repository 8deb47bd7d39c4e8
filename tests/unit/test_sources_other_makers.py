"""Files of other makers than ours: what they write differently, in the formats that are read. Every child is invented."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pyarrow as pa
import xlsxwriter

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.conform import conform

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

"""Marks and suspensions in spreadsheets, and columns agreed for lists with names of their own."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
import xlsxwriter
from conftest import Said

from sightline.operations import Home, opened, propose_mapping
from sightline.sources import unpack
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.identifiers import make_upn

ADA, BEA = (make_upn("301", "2001", 2015, n) for n in (1, 2))
MARKS = [
    ("UPN", "URN", "Date", "Session", "Mark"),
    (ADA, 900001, date(2024, 9, 30), "AM", "/"),
    (ADA, 900001, date(2024, 9, 30), "PM", "\\"),
    (BEA, 900001, date(2024, 9, 30), "AM", "I"),
]
# No column's name is one that Sightline knows.
LIST = [
    ("Who", "Born", "Out", "Back", "What", "Why"),
    (ADA, date(2012, 3, 4), date(2024, 10, 1), date(2024, 10, 2), "Suspension", "DB"),
    (BEA, date(2013, 5, 6), date(2024, 10, 7), date(2024, 10, 7), "Suspension", "VA"),
]
Rows = list[tuple[object, ...]]


def xlsx(path: Path, hidden: tuple[str, ...] = (), **sheets: Rows) -> Path:
    with xlsxwriter.Workbook(path) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for name, rows in sheets.items():
            sheet = book.add_worksheet(name)
            if name in hidden:
                sheet.hide()
            for r, row in enumerate(rows):
                for c, cell in enumerate(row):
                    sheet.write_datetime(r, c, cell, day) if isinstance(cell, date) else sheet.write(r, c, cell)
    return path


def ods(path: Path, rows: Rows, last: str = "") -> Path:
    """The least an OpenDocument spreadsheet can be: one sheet, and after it whatever `last` is."""

    def cell(value: object) -> str:
        if isinstance(value, date):
            return f'<table:table-cell office:value-type="date" office:date-value="{value}"><text:p>x</text:p></table:table-cell>'
        if isinstance(value, int):
            return f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
        text = f"<text:p>{escape(str(value))}</text:p>"
        return f'<table:table-cell office:value-type="string">{text}</table:table-cell>'

    body = "".join(f"<table:table-row>{''.join(map(cell, row))}</table:table-row>" for row in rows)
    names = " ".join(
        f'xmlns:{n}="urn:oasis:names:tc:opendocument:xmlns:{n}:1.0"' for n in ("office", "table", "text", "style")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names}><office:body><office:spreadsheet>'
        f'<table:table table:name="List">{body}{last}</table:table></office:spreadsheet></office:body>'
        "</office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
    return path


def facts(home: Path, sql: str) -> list[tuple[object, ...]]:
    return opened(Home.open(home)).database.rows(sql)


def test_marks_in_a_workbook_are_received(tmp_path: Path, sightline: Callable[..., Said]):
    notes: Rows = [("Marks of The Oaks",), ("Printed today",)]
    book = xlsx(tmp_path / "marks.xlsx", ("Lookup",), Notes=notes, Data=[("Autumn term",), (), *MARKS], Lookup=MARKS)
    said = sightline("receive", book, "--home", tmp_path / "home", "--json").json()
    assert [(f["path"], f["status"], f["kind"]) for f in said["files"]] == [("marks.xlsx/Data", "received", "marks")]
    rows = facts(tmp_path / "home", "SELECT pupil_ref, school_ref, week, marks, line FROM attendance_week ORDER BY ALL")
    # A line is a row of the sheet: two stand above the column names.
    assert rows == sorted(
        [(ADA, "900001", date(2024, 9, 30), "/\\........", 4), (BEA, "900001", date(2024, 9, 30), "I.........", 6)]
    )


def test_marks_in_an_opendocument_sheet_are_received(tmp_path: Path, sightline: Callable[..., Said]):
    said = sightline("receive", ods(tmp_path / "marks.ods", MARKS), "--home", tmp_path / "home", "--json").json()
    assert [(f["status"], f["kind"], f["rows"]["attendance_week"]) for f in said["files"]] == [("received", "marks", 2)]


@pytest.mark.parametrize("suffix", ["xlsx", "ods"])
def test_a_list_of_suspensions_is_proposed_agreed_and_received(
    tmp_path: Path, sightline: Callable[..., Said], suffix: str
):
    home = tmp_path / "home"
    file = xlsx(tmp_path / "list.xlsx", List=LIST) if suffix == "xlsx" else ods(tmp_path / "list.ods", LIST)
    refused = sightline("receive", file, "--home", home)
    assert refused.code == 3 and "agree a column mapping" in refused.err
    said = sightline("mapping", file, "--home", home, "--save", "--json").json()
    assert (said["kind"], said["form"], said["saved"]) == ("suspensions", "list", True)
    assert said["columns"] == {
        "upn": "who", "birth_date": "born", "start_date": "out", "end_date": "back", "category": "what", "reason1": "why",
    }  # fmt: skip
    assert sightline("receive", file, "--home", home).code == 0
    assert facts(home, "SELECT pupil_ref, start_date, end_date, category, reason1 FROM suspension ORDER BY line") == [
        (ADA, date(2024, 10, 1), date(2024, 10, 2), "SUSP", "DB"),
        (BEA, date(2024, 10, 7), date(2024, 10, 7), "SUSP", "VA"),
    ]


def test_what_a_list_lacks_is_said_and_can_be_told(tmp_path: Path):
    file = tmp_path / "list.csv"
    file.write_text(f"Who,Out,Kind\n{ADA},01/10/2024,sent home\n")
    found = propose_mapping(file, kind="suspensions")
    assert found.form == "" and "lacks a category. Correct it" in found.says
    told = propose_mapping(file, corrections=["category=Kind"])
    assert (told.kind, told.form) == ("suspensions", "list")
    with pytest.raises(BadSetting, match="the meanings are"):
        propose_mapping(file, kind="marks", corrections=["category=Kind"])
    with pytest.raises(BadSetting, match="MEANING=COLUMN"):
        propose_mapping(file, corrections=["category"])


def test_the_sheet_that_can_be_read_is_proposed(tmp_path: Path):
    codes: Rows = [("Code", "Meaning", "Counts"), ("/", "Present", "yes")]
    found = propose_mapping(xlsx(tmp_path / "marks.xlsx", Codes=codes, Marks=MARKS))
    assert (found.shown, found.kind, found.form) == ("marks.xlsx/Marks", "marks", "long")


def test_check_reads_a_sheet(tmp_path: Path, sightline: Callable[..., Said]):
    wrong = [*MARKS, (ADA, 900001, date(2024, 10, 1), "AM", "ZZ")]
    said = sightline("check", xlsx(tmp_path / "marks.xlsx", Marks=wrong), "--format", "json").json()
    assert [(f["rule"], f["line"], f["value"]) for f in said["findings"]] == [("unknown-mark", 5, "ZZ")]


def test_a_line_break_within_a_cell_moves_no_line(tmp_path: Path):
    rows = [("UPN", "Name", "Mark"), (ADA, "one\ntwo", "/"), (BEA, "three", "/")]
    (found,) = unpack([xlsx(tmp_path / "marks.xlsx", Marks=rows)], tmp_path / "work")
    assert found.path.read_text("utf-8").splitlines() == ["UPN,Name,Mark", f"{ADA},one two,/", f"{BEA},three,/"]


def test_cells_repeated_without_end_are_refused(tmp_path: Path):
    cell = '<table:table-cell office:value-type="string" table:number-columns-repeated="16000"><text:p>x</text:p></table:table-cell>'
    last = f'<table:table-row table:number-rows-repeated="1000000">{cell}</table:table-row>'
    (found,) = unpack([ods(tmp_path / "bomb.ods", MARKS, last)], tmp_path / "work")
    assert "repeats its cells so often" in str(found.error)
    # The empty rows to the end of the sheet, which every such file has, are nothing.
    empty = '<table:table-row table:number-rows-repeated="1048000"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
    (found,) = unpack([ods(tmp_path / "fine.ods", MARKS, empty)], tmp_path / "work")
    assert len(found.path.read_text("utf-8").splitlines()) == len(MARKS)


def test_a_workbook_without_a_table_is_refused_whole(tmp_path: Path, sightline: Callable[..., Said]):
    book = xlsx(tmp_path / "notes.xlsx", Notes=[("Dear colleague",)])
    said = sightline("receive", book, "--home", tmp_path / "home")
    assert said.code == 3 and "notes.xlsx: The file looks like an Excel workbook" in said.err
    damaged = tmp_path / "damaged.xlsx"
    damaged.write_bytes(book.read_bytes()[:-200])
    assert "damaged" in sightline("receive", damaged, "--home", tmp_path / "home").err

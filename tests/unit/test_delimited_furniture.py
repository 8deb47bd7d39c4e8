"""Rows of a delimited file that are no records, and files of kinds that replace whole registers with not one row."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.delimited import read_delimited
from sightline.vocabulary.errors import UnreadableFile

HEADER = "UPN,Surname,Start date,Days,Type of exclusion\n"
ROWS = "A123456789012,Rill,02/09/2024,2,Suspension\nB123456789013,Tarn,03/09/2024,1,Suspension\n"


def told(path: Path) -> tuple[list[str], list[tuple[str, int]]]:
    findings = []
    rows = read_delimited(path, findings).to_pylist()
    return [row["upn"] for row in rows], [(f.rule, f.line) for f in findings]


def read(folder: Path, text: str, name: str = "file.csv") -> Reading:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    context = Context(name=name, received=date(2024, 10, 1))
    return recognise(path, context).read(path, context)


@pytest.mark.parametrize(
    ("between", "rule"),
    [
        (HEADER, "repeated-header"),
        ("Total records: 2,,,,\n", "footer-row"),
        ("(2 rows affected),,,,\n", "footer-row"),
        ("Printed on 01/10/2024,,,,\n", "footer-row"),
    ],
)
def test_rows_that_are_no_records_are_left_out_with_a_finding(tmp_path, between, rule):
    path = tmp_path / "file.csv"
    path.write_text(HEADER + ROWS + between + ROWS, encoding="utf-8")
    upns, findings = told(path)
    assert upns == ["A123456789012", "B123456789013"] * 2
    assert findings == [(rule, 4)]


def test_a_record_of_one_cell_is_kept(tmp_path):
    path = tmp_path / "file.csv"
    path.write_text(HEADER + ROWS + "C123456789014,,,,\n\x1a", encoding="utf-8")
    assert told(path) == (["A123456789012", "B123456789013", "C123456789014"], [])


def test_titles_above_columns_whose_names_hold_years(tmp_path):
    reading = read(
        tmp_path,
        "Deprivation of small areas\n\nLSOA code (2011),IDACI2019 rank,IDACI2019 decile\nE01000001,32840,10\n",
    )
    assert (reading.kind, reading.tables["deprivation"]["idaci_rank"].to_pylist()) == ("idaci", [32840])


@pytest.mark.parametrize(
    "header",
    ["URN,LA (code),EstablishmentName", "URN,LinkURN,LinkName", "LSOA code (2011),IDACI2019 rank",
     "UPN,Surname,DOB,Admission date,FSM,Year group"],
)  # fmt: skip
def test_a_register_without_a_row_replaces_nothing(tmp_path, header):
    with pytest.raises(UnreadableFile, match="and not one"):
        read(tmp_path, header + "\n")


def test_a_length_below_nought_is_a_finding(tmp_path):
    reading = read(tmp_path, HEADER + ROWS.replace(",2,", ",-2,"))
    assert reading.tables["suspension"]["sessions"].to_pylist() == [None, 2]
    assert [f.value for f in reading.findings if f.rule == "sessions-below-nought"] == ["-4"]


def test_students_of_an_answer_without_a_day_keep_their_free_meals(tmp_path):
    student = {"id": "A1", "surname": "Rill", "forename": "Ann", "date_of_birth": "2012-03-04",
               "education_details": {"data": {"upn": "A123456789012"}},
               "extended_details": {"data": {"free_school_meals": True}}}  # fmt: skip
    reading = read(tmp_path, json.dumps({"data": [student], "meta": {"pagination": {"more": True}}}), "s.json")
    assert reading.tables["characteristic"].select(["as_at", "fsm"]).to_pylist() == [
        {"as_at": date(2024, 10, 1), "fsm": True}
    ]
    assert {"day-not-told", "one-page-of-several"} <= {f.rule for f in reading.findings}
    assert reading.as_at == ""


def test_a_quoted_cell_that_goes_on_in_the_next_block_is_one_cell(tmp_path, monkeypatch):
    path = tmp_path / "file.csv"
    path.write_text('upn,mark,note\nA1,/,x\nA2,/,"first\nsecond"\nA3,/,y\n', encoding="utf-8")
    whole = path.read_bytes()
    for block in range(whole.index(b"first") + 5, len(whole)):
        monkeypatch.setattr("sightline.sources.delimited.BLOCK", block)
        findings = []
        assert read_delimited(path, findings)["note"].to_pylist() == ["x", "first\nsecond", "y"], block
        assert findings == []

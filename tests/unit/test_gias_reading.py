"""Reading the register of schools: real layouts of several years, and files with something wrong in them."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources.base import Context, Head, Reading
from sightline.sources.delimited import header_of
from sightline.sources.gias import LINK, SCHOOL, SOURCES
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.tables import TABLES

EXTRACT, LINKS = SOURCES


def recognised(path: Path) -> list[str]:
    start = path.read_bytes()[:65536]
    return [s.kind for s in SOURCES if s.recognise(Head(path.name, start, header_of(start)))]


def counted(path: Path) -> int:
    with path.open(encoding="cp1252", newline="") as lines:
        return sum(1 for row in csv.reader(lines) if row) - 1


@pytest.mark.parametrize(
    ("name", "schools", "as_at", "open_date"),
    [
        ("gias_extract_2019_layout.csv", 9, "2017-09-29", date(1920, 1, 1)),
        ("gias_extract_2024_layout_anonymised.csv", 60, "2024-03-11", date(1993, 5, 30)),
    ],
)
def test_real_extracts_of_two_layouts(real: Path, name: str, schools: int, as_at: str, open_date: date):
    path = real / "education" / "gias" / name
    assert recognised(path) == ["gias"]
    reading = EXTRACT.read(path, Context())
    table = reading.tables["school"]
    assert table.num_rows == schools == counted(path)
    assert (reading.as_at, reading.covers, reading.findings) == (as_at, "schools", [])
    second = table.to_pylist()[1]
    assert second["open_date"] == open_date
    assert all(row["laestab"] == row["authority"] + row["laestab"][3:] for row in table.to_pylist() if row["laestab"])
    assert second["line"] == 3


def test_the_real_links_file(real: Path):
    """33,472 links; eight names in Windows-1252, two days months ahead."""
    path = real / "education" / "gias" / "links_edubasealldata20250109.csv"
    assert recognised(path) == ["gias-links"]
    reading = LINKS.read(path, Context())
    assert reading.tables["school_link"].num_rows == 33_472 == counted(path)
    assert Counter(f.rule for f in reading.findings) == {"windows-1252": 1, "date-far-ahead": 2}
    kinds = set(reading.tables["school_link"]["link_type"].to_pylist())
    assert {"Predecessor", "Successor", "Predecessor - merged"} <= kinds


def test_the_list_of_establishment_types_is_not_an_extract(real: Path):
    assert recognised(real / "education" / "gias" / "edubasealldata20250422_establishment_types.csv") == []


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str, encoding: str = "cp1252") -> Reading:
        path = tmp_path / "x.csv"
        path.write_bytes(text.encode(encoding))
        assert recognised(path) == ["gias"]
        return EXTRACT.read(path, Context())

    return _read


def test_moved_missing_and_unknown_columns(read):
    reading = read(
        "EstablishmentName,Postcode,URN,LA (code),EstablishmentNumber,OpenDate,LastChangedDate,Something new\n"
        "Élan Vale School,zz11zz,900001,9,45,01-09-1999,03-02-2024,x\n"
    )
    (school,) = reading.tables["school"].to_pylist()
    assert (school["name"], school["postcode"]) == ("Élan Vale School", "ZZ1 1ZZ")
    assert school["laestab"] == "0090045", "a spreadsheet took the zeros away"
    assert school["open_date"] == date(1999, 9, 1)
    missing = {f.field for f in reading.findings if f.rule == "missing-column"}
    assert "establishmentstatus (name)" in missing
    assert all(f.severity is not Severity.ERROR for f in reading.findings)


def test_what_is_wrong_in_a_row_is_named_with_its_line(read):
    head = "URN,LA (code),EstablishmentNumber,EstablishmentName,OpenDate,StatutoryLowAge,LastChangedDate"
    reading = read(
        f"{head}\n"
        "900001,900,2001,Alder Rise,01/13/2012,4,01-01-2024\n"
        "900001,900,2002,Alder Rise again,,4,\n"
        "90002,900,,Beech Rise,,four,\n"
        ",900,2004,No number,,,\n"
        "900005,900,2005,Cut off\n"
        "900006,900,2006,Too long,,,,surplus\n"
    )
    assert reading.tables["school"]["urn"].to_pylist() == ["900001", "90002", "900005", "900006"]
    assert reading.tables["school"]["laestab"].to_pylist() == ["9002001", None, "9002005", "9002006"]
    found = {(f.rule, f.line) for f in reading.findings if f.rule != "missing-column"}
    assert found == {
        ("not-a-date", 2),
        ("repeated-record", 3),
        ("urn", 4),
        ("not-a-number", 4),
        ("missing-value", 5),
        ("short-row", 6),
        ("long-row", 7),
    }


def test_every_column_read_is_a_column_of_the_vocabulary():
    assert {*SCHOOL, "laestab", "line"} == set(TABLES["school"].names)
    assert {*LINK, "line"} == set(TABLES["school_link"].names)

"""Reading the looked after children return: who was looked after and when, and who worked with them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import UnreadableFile


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str, name: str = "table.csv") -> Reading:
        path = tmp_path / name
        path.write_text(text.strip() + "\n", encoding="utf-8")
        return recognise(path).read(path, Context(name=name))

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


PUBLISHED = {
    "2021-header.csv": ("ssda903-header", "header 2021", {"child": 144, "identifier": 288}, {"upn": 140}),
    "2021-episodes.csv": (
        "ssda903-episodes",
        "episodes 2021",
        {"child": 120, "identifier": 120, "looked_after": 110},
        {"short-breaks": 1},
    ),
    "2021-uasc.csv": ("ssda903-uasc", "uasc 2021", {"child": 4, "identifier": 4}, {}),
    "be903_sw_episodes.csv": (
        "ssda903-sw-episodes",
        "sw-episodes 2020",
        {"child": 1, "identifier": 1, "involvement": 1},
        {"unknown-code": 1},
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_samples(real: Path, name: str):
    kind, covers, counts, wrong = PUBLISHED[name]
    path = real / "csc" / "ssda903" / name
    source = recognise(path)
    assert source.kind == kind
    reading = source.read(path, Context(name=name))
    assert (reading.system, reading.covers) == ("ssda903", covers)
    assert {table: rows.num_rows for table, rows in reading.tables.items() if rows.num_rows} == counts
    assert rules(reading) == wrong


@pytest.mark.parametrize(
    ("name", "year"),
    [
        ("SSDA903_2020_header.csv", "2020"),
        ("header 2020-21.csv", "2021"),
        ("903_2223_header.csv", "2023"),
        ("returns.zip/SSDA903 2019-20/header.csv", "2020"),
        ("2021/header.csv", "2021"),
        ("header_20240503.csv", None),
        ("header.csv", None),
    ],
)
def test_the_year_is_told_by_the_file_or_its_folder(tmp_path: Path, name: str, year: str | None):
    path = tmp_path / "header.csv"
    path.write_text("CHILD,SEX,DOB,ETHNIC,UPN\n1,1,04/05/2012,WBRI,UN1\n", encoding="utf-8")
    reading = recognise(path).read(path, Context(name=name))
    told = f"year to 31 March {year}" if year else "looked after children, year not known"
    assert reading.period == told


EPISODES = """
CHILD,DECOM,RNE,LS,DEC,REC
C1,01/05/2023,S,C2,01/08/2023,X1
C1,01/08/2023,P,C2,,
C2,01/05/2023,S,V2,01/06/2023,E8
C2,01/06/2023,S,V2,,
C3,01/05/2023,P,V4,02/05/2023,X1
C4,31/02/2023,S,C2,,
C5,,S,C2,,
C6,01/05/2023,Q,C2,,
,01/05/2023,S,C2,,
C7,01/05/2023,L,C2,01/04/2023,E8
"""


def test_episodes_become_periods_of_care(read):
    reading = read(EPISODES)
    assert [
        (p["child_ref"], p["start_date"], p["end_date"], p["line"]) for p in reading.tables["looked_after"].to_pylist()
    ] == [
        ("C1", date(2023, 5, 1), None, 2),
        ("C2", date(2023, 5, 1), date(2023, 6, 1), 4),
        ("C2", date(2023, 6, 1), None, 5),
        ("C4", None, None, 7),
        ("C6", date(2023, 5, 1), None, 9),
        ("C7", date(2023, 5, 1), date(2023, 4, 1), 11),
    ]
    told = {(f.rule, f.field, f.record, f.line) for f in reading.findings}
    assert told == {
        ("short-breaks", "LS", "", 0),
        ("not-a-date", "DECOM", "C4", 7),
        ("missing-value", "DECOM", "C5", 8),
        ("unknown-code", "RNE", "C6", 9),
        ("missing-value", "CHILD", "", 10),
        ("ends-before-it-starts", "end_date", "C7", 11),
    }


def test_a_header_tells_who_the_child_is(read):
    reading = read("CHILD,SEX,DOB,ETHNIC,UPN\nC1,2,18/03/2012,WBRI,UN4\nC2,M,01/13/2012,ZZZZ,B801200005001\nC1,1,,,")
    first, second = reading.tables["child"].to_pylist()
    assert (first["sex"], first["upn_unknown"], first["birth_date"]) == ("F", "UN4", date(2012, 3, 18))
    assert (second["sex"], second["birth_date"]) == ("M", None)
    assert [(i["ref"], i["kind"], i["value"]) for i in reading.tables["identifier"].to_pylist()] == [
        ("C1", "la_child_id", "C1"),
        ("C2", "la_child_id", "C2"),
        ("C2", "upn", "B801200005001"),
    ]
    assert rules(reading) == {"not-a-date": 1, "unknown-code": 1, "repeated-record": 1}


XML = """<?xml version="1.0"?>
<EXPSSDA903>
  <CHILD>
    <HEADER><CHILDID>C1</CHILDID><UPN>B801200005001</UPN><SEX>1</SEX><DOB>18/03/2012</DOB><ETHNIC>WBRI</ETHNIC></HEADER>
    <EPISODE><DECOM>01/05/2023</DECOM><RNE>S</RNE><LS>C2</LS><DEC>01/08/2023</DEC><REC>X1</REC></EPISODE>
    <EPISODE><DECOM>01/08/2023</DECOM><RNE>P</RNE><LS>C2</LS><DEC></DEC></EPISODE>
  </CHILD>
  <CHILD><HEADER><CHILDID>C2</CHILDID></HEADER></CHILD>
</EXPSSDA903>
"""


def test_the_xml_says_the_same(read):
    reading = read(XML, "return_2024.xml")
    assert reading.kind == "ssda903-xml"
    assert (reading.covers, reading.as_at) == ("2024", "2023-08-01")
    (period,) = reading.tables["looked_after"].to_pylist()
    assert (period["child_ref"], period["start_date"], period["end_date"], period["line"]) == (
        "C1",
        date(2023, 5, 1),
        None,
        5,
    )
    assert reading.tables["child"]["sex"].to_pylist() == ["M", None]
    assert not reading.findings


@pytest.mark.parametrize(
    "text",
    [
        XML[:300],
        XML.replace('<?xml version="1.0"?>', '<!DOCTYPE EXPSSDA903 [<!ENTITY a SYSTEM "file:///etc/passwd">]>'),
        XML.replace("C1", "&a;"),
        "<EXPSSDA903></EXPSSDA903>",
        "<EXPSSDA903>" + " " * 20_000_000 + "</EXPSSDA903>",
    ],
    ids=["cut short", "document type", "entity", "empty", "endless"],
)
def test_a_damaged_or_hostile_return_is_one_sentence(read, text):
    with pytest.raises(UnreadableFile, match=r"looked after children return|cut short|too long"):
        read(text, "return.xml")

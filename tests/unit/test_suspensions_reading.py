"""Reading lists of suspensions and exclusions as inclusion teams keep them, under whatever names and words."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources import gias, school_census, ssd
from sightline.sources.base import Context, Head, Reading
from sightline.sources.delimited import header_of
from sightline.sources.mapping import mapping_key
from sightline.sources.suspensions import SOURCES
from sightline.vocabulary.errors import UnreadableFile

(SOURCE,) = SOURCES
EVERY = (*SOURCES, *school_census.SOURCES, *ssd.SOURCES, *gias.SOURCES)


def kinds(header: str) -> list[str]:
    text = (header + "\n").encode()
    return [s.kind for s in EVERY if s.recognise(Head("x", text, header_of(text)))]


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str) -> Reading:
        path = tmp_path / "x.csv"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        assert kinds(text.strip().splitlines()[0]) == ["suspensions"]
        return SOURCE.read(path, Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(f.rule for f in reading.findings)


@pytest.mark.parametrize(
    "header",
    [
        "UPN,Start date,End date,Sessions,Category,Reason 1,Reason 2,Reason 3,URN",
        "School;LAESTAB;Pupil ID;Exclusion Type;Exclusion Start Date;No. of Days;Reason",
        "Unique Pupil Number\tDate From\tDate To\tType of Suspension\tSchool Name",
        "upn,start,type,reason,days",
        "Admission No,School,Suspension Date,Suspension Type",
    ],
)
def test_known_by_what_the_columns_mean(header):
    assert kinds(header) == ["suspensions"]


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("upn,start date,end date,type", []),  # any list of periods
        ("upn,date,session,mark", []),
        ("start date,category,reason,sessions,urn", []),  # nobody is named
        (
            "pupilonrolltableid,upn,termlyexclusionsonrolltableid,startdate,category",
            ["school-census-termlyexclusionsonroll"],
        ),
        ("la_name,suspension,susp_rate,category,time_period", []),  # published statistics
    ],
)
def test_other_tables_are_left_alone(header, found):
    assert kinds(header) == found


def test_the_published_statistics_are_left_alone(real: Path):
    for path in (real / "education" / "exclusions").glob("*.csv"):
        start = path.read_bytes()[:65536]
        assert not SOURCE.recognise(Head("x", start, header_of(start)))


def test_words_days_and_names(read):
    reading = read("""
UPN,Surname,Forename,DOB,Gender,School URN,Start Date,End Date,No of Days,Exclusion Type,Reason
b801200 005001,Ashgrove,Wren,01/02/2012,Female,900001,03/09/2024,05/09/2024,2.5,Suspension,Physical assault against a pupil; DB
B801200005001,Ashgrove,Wren,01/02/2012,Female,900001,10/09/2024,10/09/2024,0.5,Lunchtime,Persistent disruptive behaviour
B801200005001,Ashgrove,Wren,01/02/2012,Female,900001,11/11/2024,,,Permanent Exclusion,Use or threat of an offensive weapon or prohibited item
""")
    assert [
        (r["start_date"], r["sessions"], r["category"], r["reason1"], r["reason2"])
        for r in reading.tables["suspension"].to_pylist()
    ] == [
        (date(2024, 9, 3), 5, "SUSP", "PP", "DB"),
        (date(2024, 9, 10), 1, "LNCH", "DB", None),
        (date(2024, 11, 11), None, "PERM", "OW", None),
    ]
    (pupil,) = reading.tables["pupil"].to_pylist()
    assert (pupil["pupil_ref"], pupil["sex"], pupil["birth_date"]) == ("B801200005001", "F", date(2012, 2, 1))
    assert reading.tables["identifier"].to_pylist()[0]["kind"] == "upn"
    assert reading.tables["suspension"]["school_ref"].to_pylist() == ["900001"] * 3
    assert rules(reading) == {"days-as-sessions": 1}
    assert (reading.period, reading.as_at) == ("2024-09-03 to 2024-11-11", "2024-11-11")


@pytest.mark.parametrize(("start", "notes"), [("31/07/2020", 0), ("01/09/2020", 1)])
def test_fixed_term_is_a_suspension(read, start, notes):
    reading = read(
        f"UPN,Start date,Sessions,Exclusion type,Reason,School\nB801200005001,{start},2,Fixed term,PP,Alder\n"
    )
    assert reading.tables["suspension"]["category"].to_pylist() == ["SUSP"]
    assert rules(reading)["fixed-period-exclusion"] == notes


def test_who_and_where_by_what_the_list_has(read):
    reading = read("""
UPN,Pupil ID,Admission No,URN,LAESTAB,School,Start date,Sessions,Exclusion type,Reason
B801200005001,77,12,900001,900/2001,Alder Rise,03/09/2024,2,SUSP,PP
,77,12,,900/2001,Alder Rise,03/09/2024,2,SUSP,PP
,,12,,,Alder Rise,03/09/2024,2,SUSP,PP
,,,,,Alder Rise,03/09/2024,2,SUSP,PP
""")
    assert [(r["pupil_ref"], r["school_ref"]) for r in reading.tables["suspension"].to_pylist()] == [
        ("B801200005001", "900001"),
        ("77", "9002001"),
        ("Alder Rise/12", "Alder Rise"),
    ]
    assert rules(reading) == {"missing-value": 1}


def test_what_is_wrong_is_named_with_its_line(read):
    reading = read("""
Notes,UPN,Start date,End date,Exclusion type,Reason,URN
x,B801200005002,03/09/2024,01/09/2024,Suspension,PP,900001
x,B801200005001,01/13/2012,,Suspension,Banana,900001
x,B801200005001,03/09/2024,,Sent home,OT,90001
x,B801200005001,03/09/2024,,Sent home,PP,90001
""")
    assert {(f.rule, f.line) for f in reading.findings} == {
        ("extra-column", 1),
        ("upn", 2),
        ("ends-before-it-starts", 2),
        ("not-a-date", 3),
        ("unknown-code", 3),
        ("unknown-code", 4),
        ("unknown-code", 5),
        ("code-not-valid-then", 4),
        ("urn", 4),
        ("urn", 5),
        ("repeated-record", 5),
    }


def test_columns_a_list_should_have(read):
    reading = read("UPN,Start date,Exclusion type\nB801200005001,03/09/2024,Suspension\n")
    assert {f.field for f in reading.findings if f.rule == "missing-column"} == {"reason1", "school", "end_date"}


def test_a_growing_list_replaces_itself_and_another_weeks_does_not(read):
    head = "UPN,URN,Start date,Sessions,Exclusion type,Reason"
    first = "B801200005001,900001,03/09/2024,2,SUSP,PP"
    second = "B801200005001,900001,10/09/2024,2,SUSP,PP"
    other_school = "B801200005001,900002,03/09/2024,2,SUSP,PP"
    september = read(f"{head}\n{first}\n").covers
    assert read(f"{head}\n{second}\n{first}\n").covers == september
    assert read(f"{head}\n{second}\n").covers != september
    assert read(f"{head}\n{other_school}\n").covers != september


def test_a_list_without_rows(read):
    reading = read("UPN,URN,Start date,Sessions,Exclusion type,Reason")
    assert (reading.tables["suspension"].num_rows, reading.as_at) == (0, "")


def test_a_mapping_agreed_with_the_sender(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("Who,Since when,What\nB801200005001,03/09/2024,Suspension\n", encoding="utf-8")
    header = ("who", "since when", "what")
    agreed = {"kind": "suspensions", "upn": "Who", "start_date": "Since When", "category": "What"}

    def read(mapping: dict[str, str]) -> Reading:
        return SOURCE.read(path, Context(mappings={mapping_key(header): mapping}))

    (row,) = read(agreed).tables["suspension"].to_pylist()
    assert (row["pupil_ref"], row["start_date"], row["category"]) == ("B801200005001", date(2024, 9, 3), "SUSP")
    with pytest.raises(UnreadableFile, match="which the file lacks"):
        read(agreed | {"reason1": "Why"})
    with pytest.raises(UnreadableFile, match="none of"):
        read(agreed | {"weather": "What"})


def test_another_table_is_refused_in_one_sentence(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="start date"):
        SOURCE.read(path, Context())

"""Reading Common Transfer Files: as the Department lays them out, loosely, damaged, and with marks that do not fit."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest
from lxml import etree

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.ctf import EXTENSION, SOURCES
from sightline.sources.ctf_marks import string_of, weeks_of
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import make_upn

UPN = make_upn("301", "2001", 15, 1)


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str) -> Reading:
        path = tmp_path / "anything.xml"
        path.write_text(text, encoding="utf-8")
        source = recognise(path)
        assert source.kind == "ctf"
        return source.read(path, Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def file(pupils: str, version: str = "<CTFversion>24.0</CTFversion>") -> str:
    return f"""<?xml version="1.0"?>
<CTfile>
  <Header><DocumentName>Common Transfer File</DocumentName>{version}<DateTime>2025-01-16T09:00:00</DateTime>
    <SourceSchool><LEA>301</LEA><Estab>2001</Estab><SchoolName>Oaks</SchoolName></SourceSchool></Header>
  <CTFpupilData>{pupils}</CTFpupilData>
</CTfile>
"""


FULL = f"""
<Pupil><UPN>{UPN}</UPN><FormerUPN>{make_upn("301", "2001", 14, 2)}</FormerUPN><Surname>Ashgrove</Surname>
  <Forename>Wren</Forename><DOB>2014-10-02</DOB><Sex>F</Sex>
  <BasicDetails><Ethnicity>WBRI</Ethnicity><Languages><Type><Language>ENG</Language></Type></Languages>
    <EnrolStatus>C</EnrolStatus><NCyearActual>5</NCyearActual></BasicDetails>
  <FSMhistory><FSMinstance><FSMstartDate>2023-09-01</FSMstartDate></FSMinstance></FSMhistory>
  <SENhistory><SEN><StartDate>2024-01-01</StartDate><SENprovision>E</SENprovision></SEN>
    <SEN><StartDate>2022-01-01</StartDate><SENprovision>K</SENprovision></SEN></SENhistory>
  <SENneeds><SENneed><SENtypeRank>2</SENtypeRank><SENtype>ASD</SENtype></SENneed>
    <SENneed><SENtypeRank>1</SENtypeRank><SENtype>SEMH</SENtype></SENneed></SENneeds>
  <Attendance><YearData><Year>2025</Year><LEA>301</LEA><Estab>2001</Estab><AttendSessions>
    <AttendanceStartDate>2024-09-05</AttendanceStartDate><AttendanceMarks>/\\I/####/\\/@</AttendanceMarks>
    </AttendSessions></YearData></Attendance>
  <StageAssessments><KeyStage><Stage>KS1</Stage><StageAssessment><Locale>ENG</Locale><Year>2022</Year>
    <Subject>ENG</Subject><Method>TA</Method><Component>REA</Component><Result>EXS</Result></StageAssessment>
    <StageAssessment><Year>2022</Year><Subject>MAT</Subject><Method>TT</Method><Result>101</Result></StageAssessment>
    </KeyStage></StageAssessments>
  <SchoolHistory><School><LEA>302</LEA><Estab>2002</Estab><EntryDate>2019-09-03</EntryDate>
    <LeavingDate>2022-07-20</LeavingDate></School>
    <School><LEA>301</LEA><Estab>2001</Estab><EntryDate>2022-09-05</EntryDate></School></SchoolHistory>
</Pupil>
"""


def test_everything_a_file_says_of_a_pupil(read):
    reading = read(file(FULL))
    (pupil,) = reading.tables["pupil"].to_pylist()
    assert (pupil["pupil_ref"], pupil["surname"], pupil["sex"], pupil["birth_date"]) == (
        UPN,
        "Ashgrove",
        "F",
        date(2014, 10, 2),
    )
    assert [(i["kind"]) for i in reading.tables["identifier"].to_pylist()] == ["upn", "former_upn"]
    first, second = reading.tables["enrolment"].to_pylist()
    assert (first["school_ref"], first["leaving_date"], first["year_group"]) == ("3022002", date(2022, 7, 20), None)
    assert (second["school_ref"], second["entry_date"], second["year_group"], second["status"]) == (
        "3012001",
        date(2022, 9, 5),
        "5",
        "C",
    )
    (about,) = reading.tables["characteristic"].to_pylist()
    assert (about["as_at"], about["fsm"], about["sen_provision"], about["sen_primary"], about["language"]) == (
        date(2025, 1, 16),
        True,
        "E",
        "SEMH",
        "ENG",
    )
    assert [(r["stage"], r["year"], r["subject"], r["measure"], r["result"], r["score"], r["met"]) for r in
            reading.tables["attainment"].to_pylist()] == [
        ("KS1", 2021, "READ", "ENG/REA/TA", "EXS", None, True),
        ("KS1", 2021, "MATH", "MAT//TT", "101", 101.0, None),
    ]  # fmt: skip
    assert [(w["week"], w["marks"], w["possible"], w["authorised"]) for w in
            reading.tables["attendance_week"].to_pylist()] == [
        (date(2024, 9, 2), "....../\\I/"[:6] + "/\\I/", 4, 1),
        (date(2024, 9, 9), "/\\/.......", 3, 0),
    ]  # fmt: skip
    (told,) = reading.findings
    assert (told.rule, told.record, told.value, told.field) == ("unknown-mark", UPN, "'@' 1 times", "AttendanceMarks")


LOOSE = f"""<CTfile version="3"><Header><DateTime>2026-05-01T09:12:00</DateTime><SourceSchool><URN>123456</URN>
<SchoolName>Oaks</SchoolName></SourceSchool></Header><CTFpupilData>
<Pupil><UPN>{UPN}</UPN><BasicDetails><LegalSurname>Ashgrove</LegalSurname><LegalForename>Wren</LegalForename>
<DOB>02/10/2014</DOB><Gender>2</Gender><NCyearActual>6</NCyearActual><FirstLanguage>URD</FirstLanguage></BasicDetails>
<Address><Postcode>zz11zz</Postcode></Address><SEN><SENprovision>K</SENprovision></SEN></Pupil>
<Pupil><UPN>unknown</UPN><Surname>Birchall</Surname></Pupil>
</CTFpupilData></CTfile>"""


def test_loose_exports_are_read_by_the_names_of_their_elements(read):
    reading = read(LOOSE)
    first, second = reading.tables["pupil"].to_pylist()
    assert (first["surname"], first["sex"], first["birth_date"], first["postcode"]) == (
        "Ashgrove",
        "F",
        date(2014, 10, 2),
        "ZZ1 1ZZ",
    )
    assert second["pupil_ref"] == "123456, pupil 2 of the file"
    assert [(e["school_ref"], e["year_group"]) for e in reading.tables["enrolment"].to_pylist()] == [
        ("123456", "6"),
        ("123456", None),
    ]
    assert reading.tables["characteristic"]["sen_provision"].to_pylist() == ["K"]
    assert rules(reading) == {"version-not-given": 1, "upn": 1}


def test_what_is_wrong_has_its_pupil_and_element(read):
    wrong = FULL.replace("2014-10-02", "2014-02-30").replace("<Sex>F", "<Sex>Q").replace("2024-09-05", "soon")
    reading = read(file(wrong + FULL))
    told = {(f.rule, f.table, f.field, f.record) for f in reading.findings}
    assert {
        ("not-a-date", "pupil", "DOB", UPN),
        ("unknown-code", "pupil", "Sex", UPN),
        ("marks-without-a-day", "attendance_week", "AttendanceStartDate", UPN),
        ("repeated-record", "pupil", "UPN", UPN),
    } <= told


def test_school_days_only_are_told_by_pupils_never_in_at_weekends():
    every = weeks_of("/\\" * 5 + "####" + "/\\" * 5 + "####", date(2024, 9, 2))
    school = weeks_of("/\\" * 10, date(2024, 9, 2))
    assert every.weeks == school.weeks == {date(2024, 9, 2): "/\\" * 5, date(2024, 9, 9): "/\\" * 5}
    assert (every.every_day, school.every_day) == (True, False)
    saturday = weeks_of(("/\\" * 5 + "####") * 9 + "/\\" * 5 + "/\\##", date(2024, 9, 2))
    assert len(saturday.weeks[date(2024, 11, 4)]) == 14


def test_codes_of_two_characters_do_not_fit_and_are_no_mark():
    read = weeks_of("/\\C1/\\", date(2024, 9, 2))
    assert read.unknown == {"1": 1}
    start, text = string_of({date(2024, 9, 2): "/\\" * 5})
    assert (start, text) == (date(2024, 9, 2), "/\\/\\/\\/\\/\\####")


def test_a_plan_is_written_apart_and_received_as_a_question(read, tmp_path: Path):
    import pyarrow as pa

    from sightline.engine import arrow_schema

    reading = read(file(FULL))
    plans = {"cin_plan": [{"child_ref": UPN, "start_date": date(2024, 1, 8)}],
             "cp_plan": [{"child_ref": UPN, "start_date": date(2023, 5, 2), "end_date": date(2023, 12, 18)}]}  # fmt: skip
    (plain,) = SOURCES[0].write(reading, tmp_path / "plain.xml")
    assert EXTENSION not in plain.read_text()
    for table, rows in plans.items():
        reading.tables[table] = pa.Table.from_pylist(rows, schema=arrow_schema(table))
    (path,) = SOURCES[0].write(reading, tmp_path / "with.xml")
    (parent,) = etree.parse(path).iter(f"{{{EXTENSION}}}SocialCarePlans")
    assert [dict(plan.attrib) for plan in parent] == [
        {"kind": "CIN", "start": "2024-01-08"},
        {"kind": "CP", "start": "2023-05-02", "end": "2023-12-18"},
    ]
    assert parent.getnext() is None, "it stands last, so that a reader of the Department's elements has met them all"
    again = SOURCES[0].read(path, Context())
    assert [f.value for f in again.findings if f.rule == "plan-flag"] == [
        "from 2024-01-08",
        "from 2023-05-02, ended 2023-12-18",
    ]
    assert "cin_plan" not in again.tables


@pytest.mark.parametrize(
    "text",
    [
        file(FULL)[:700],
        file(""),
        '<!DOCTYPE CTfile [<!ENTITY a "b">]>' + file(FULL).split("?>", 1)[1],
        file(FULL.replace("Ashgrove", "&a;")),
    ],
    ids=["cut short", "empty", "document type", "entity"],
)
def test_a_damaged_or_hostile_file_is_one_sentence(read, text):
    with pytest.raises(UnreadableFile, match=r"Common Transfer File|cut short|no pupil"):
        read(text)

"""Reading the school census as XML: three terms, names of elements that changed, and the same tables as the CSV."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import make_upn

UPN, LEAVER = make_upn("301", "2001", 15, 1), make_upn("301", "2001", 15, 2)


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str, name: str = "return.xml") -> Reading:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        source = recognise(path)
        assert source.kind == "school-census-xml"
        return source.read(path, Context(name=name))

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def census(
    term: str = "AUT", year: str = "2024", day: str = "2024-10-03", *, old: bool = False, pupil: str = ""
) -> str:
    sex, sessions = ("Gender", "AbsenceSessions") if old else ("Sex", "Sessions")
    reason = "<Reason>PP</Reason>" if old else "<Reason1>PP</Reason1><Reason2>VA</Reason2>"
    category = "FIXD" if old else "SUSP"
    half = """<SummerHalfTerm2Attendance><SessionsPossible>60</SessionsPossible><SessionDetails><SessionDetail>
      <AttendanceReason>I</AttendanceReason><Sessions>2</Sessions></SessionDetail></SessionDetails>
      </SummerHalfTerm2Attendance>"""
    return f"""<?xml version="1.0"?>
<Message><Header><CollectionDetails><Collection>School Census</Collection><Term>{term}</Term><Year>{year}</Year>
<ReferenceDate>{day}</ReferenceDate></CollectionDetails><Source><LEA>301</LEA><Estab>2001</Estab></Source></Header>
<School/><Pupils><PupilsOnRoll><PupilOnRoll>
 <PupilIdentifiers><UPN>{UPN}</UPN><Surname>Ashgrove</Surname><Forename>Wren</Forename><{sex}>F</{sex}>
 <DOB>2014-10-02</DOB></PupilIdentifiers>
 <PupilCharacteristics><Ethnicity>WBRI</Ethnicity><Language>ENG</Language>
 <FSMperiods><FSMperiod><FSMstartDate>2023-09-01</FSMstartDate></FSMperiod></FSMperiods></PupilCharacteristics>
 <PupilStatus><EnrolStatus>C</EnrolStatus><EntryDate>2019-09-03</EntryDate><NCyearActual>5</NCyearActual></PupilStatus>
 <SpecialEducationalNeeds><SENprovision>K</SENprovision><SENneeds><SENneed><SENtypeRank>2</SENtypeRank>
 <SENtype>ASD</SENtype></SENneed><SENneed><SENtypeRank>1</SENtypeRank><SENtype>SEMH</SENtype></SENneed></SENneeds>
 </SpecialEducationalNeeds>
 <Attendance><TermlyAttendance><SessionsPossible>120</SessionsPossible><SessionDetails><SessionDetail>
  <AttendanceReason>U</AttendanceReason><{sessions}>7</{sessions}></SessionDetail></SessionDetails></TermlyAttendance>
  {half if term == "AUT" else ""}</Attendance>
 <Exclusions><TermlyExclusions><TermlyExclusion><Category>{category}</Category>{reason}
 <StartDate>{int(year) - 1}-11-05</StartDate><Sessions>4</Sessions></TermlyExclusion></TermlyExclusions></Exclusions>
</PupilOnRoll>{pupil}</PupilsOnRoll>
<PupilsNoLongerOnRoll><PupilNoLongerOnRoll><PupilIdentifiers><UPN>{LEAVER}</UPN><Surname>Birchall</Surname>
</PupilIdentifiers><PupilStatus><EntryDate>2018-09-03</EntryDate><LeavingDate>2024-07-19</LeavingDate>
<NCyearLeaving>6</NCyearLeaving></PupilStatus></PupilNoLongerOnRoll></PupilsNoLongerOnRoll></Pupils></Message>
"""


@pytest.mark.parametrize(
    ("term", "day", "label", "span"),
    [
        ("AUT", "2024-10-03", "2024 autumn", (date(2024, 4, 1), None)),
        ("SPR", "2024-01-18", "2024 spring", (date(2023, 8, 1), date(2024, 1, 1))),
        ("SUM", "2024-05-16", "2024 summer", (date(2024, 1, 1), date(2024, 4, 1))),
    ],
)
@pytest.mark.parametrize("old", [False, True])
def test_each_term_and_the_older_names(read, term, day, label, span, old):
    reading = read(census(term, "2024", day, old=old))
    assert (reading.period, reading.authority, reading.system) == (label, "301", "school-census")
    assert reading.covers == f"{label}, school 3012001"
    first, second = reading.tables["pupil"].to_pylist()
    assert (first["pupil_ref"], first["sex"], first["birth_date"]) == (UPN, "F", date(2014, 10, 2))
    on, off = reading.tables["enrolment"].to_pylist()
    assert (on["year_group"], on["status"], on["leaving_date"]) == ("5", "C", None)
    assert (off["pupil_ref"], off["year_group"], off["leaving_date"]) == (LEAVER, "6", date(2024, 7, 19))
    assert second["surname"] == "Birchall"
    (about,) = reading.tables["characteristic"].to_pylist()
    assert (about["fsm"], about["sen_provision"], about["sen_primary"], about["language"]) == (True, "K", "SEMH", "ENG")
    possible, late, *half = reading.tables["termly_attendance"].to_pylist()
    assert (possible["code"], possible["sessions"], late["code"], late["sessions"]) == (None, 120, "U", 7)
    assert late["term_start"] == span[0]
    assert span[1] is None or late["term_end"] == span[1]
    assert [(h["code"], h["sessions"]) for h in half] == ([(None, 60), ("I", 2)] if term == "AUT" else [])
    (suspension,) = reading.tables["suspension"].to_pylist()
    assert (suspension["category"], suspension["reason1"], suspension["sessions"]) == ("SUSP", "PP", 4)
    assert rules(reading) == ({"fixed-period-exclusion": 1} if old else {})


def test_the_same_tables_as_the_relational_csv(real: Path, read):
    """Column for column what the published CSV of pupils on roll fills."""
    path = real / "education" / "school_census" / "2024_autumn_pupilonroll.csv"
    csv = recognise(path).read(path, Context(name=path.name))
    assert csv.tables.keys() <= read(census()).tables.keys()


def test_what_is_wrong_has_its_pupil_element_and_line(read):
    bad = """<PupilOnRoll><PupilIdentifiers><UPN>X</UPN><Sex>Q</Sex><DOB>2014-13-01</DOB></PupilIdentifiers>
<PupilStatus><EnrolStatus>Z</EnrolStatus></PupilStatus></PupilOnRoll>"""
    reading = read(census(pupil=bad))
    own = "3012001, 2024 autumn, pupil 2"
    told = {(f.rule, f.table, f.field, f.record) for f in reading.findings}
    assert told == {
        ("upn", "identifier", "upn", own),
        ("unknown-code", "pupil", "Sex", own),
        ("not-a-date", "pupil", "DOB", own),
        ("unknown-code", "enrolment", "EnrolStatus", own),
    }
    assert {f.line for f in reading.findings} == {20}


def test_a_header_that_does_not_say_which_census(read):
    bare = census().replace("<Term>AUT</Term><Year>2024</Year>", "")
    assert read(bare).period == "2024 autumn"
    nothing = bare.replace("<ReferenceDate>2024-10-03</ReferenceDate>", "")
    assert read(nothing, "2024_spring_return.xml").period == "2024 spring"
    unknown = read(nothing)
    assert unknown.period == "school census, term not known"
    assert rules(unknown)["collection-unknown"] == 1
    assert rules(read(census(day="2024-01-18"))) == {"reference-date": 1}


@pytest.mark.parametrize(
    "text",
    [
        census()[:900],
        '<!DOCTYPE Message [<!ENTITY a "b">]>' + census().split("?>", 1)[1],
        census().replace("Ashgrove", "&a;"),
        "<Message><Header><CollectionDetails><Collection>School Census</Collection></CollectionDetails></Header></Message>",
    ],
    ids=["cut short", "document type", "entity", "empty"],
)
def test_a_damaged_or_hostile_return_is_one_sentence(read, text):
    with pytest.raises(UnreadableFile, match=r"school census|cut short"):
        read(text)

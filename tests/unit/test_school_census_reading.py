"""Reading school census tables of other years and terms, and tables with something wrong in them."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Head, Reading
from sightline.sources.delimited import header_of
from sightline.sources.school_census import SOURCES
from sightline.vocabulary.errors import NotNeeded, UnreadableFile


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str, name: str = "x.csv") -> Reading:
        path = tmp_path / "received"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        head = Head("x", path.read_bytes(), header_of(path.read_bytes()))
        (source,) = [s for s in SOURCES if s.recognise(head)]
        return source.read(path, Context(name=name))

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(f.rule for f in reading.findings)


def test_pupils_of_2018_have_a_gender_and_old_columns(read):
    reading = read("""
upn,pupilonrolltableid,NativeId,gender,dob,surname,forename,formerupn,uniquelearnernumber,entrydate,enrolstatus,ncyearactual,boarder,senprovision,language,termlysessionspossible,ethnicity,adoptedfromcare,pupilonrollorderseqcolumn
B801200005001,P1,8012000,F,2008-Feb-01 00:00:00,Ashgrove,Wren,,,2017-Sep-05 00:00:00,C,5,N,K,ENG,140.0,WBRI,N,1
b801 2000 05002,P2,8012000,9,2008-Feb-30 00:00:00,Birchall,Lark,,,2017-Nov-05 00:00:00,C,55,N,Z,ENG,,WBRI,N,2
""")
    assert reading.period == "2018 spring"
    assert reading.covers == "2018 spring, school 8012000"
    first, second = reading.tables["pupil"].to_pylist()
    assert (first["sex"], second["sex"], second["birth_date"]) == ("F", "U", None)
    assert reading.tables["identifier"]["value"].to_pylist() == ["B801200005001", "B801200005002"]
    (possible,) = reading.tables["termly_attendance"].to_pylist()
    assert (possible["code"], possible["sessions"], possible["term_start"]) == (None, 140, date(2017, 8, 1))
    assert reading.tables["characteristic"]["as_at"].to_pylist() == [date(2018, 1, 18)] * 2
    assert rules(reading) == {"not-a-date": 1, "unknown-code": 2, "upn": 1}


def test_leavers_of_two_schools_are_one_pupil_with_two_enrolments(read):
    reading = read(
        """
pupilnolongeronrolltableid,NativeId,dob,surname,forename,upn,formerupn,uniquelearnernumber,sex,entrydate,leavingdate,boarder,language,termlysessionspossible
P1,S1,2008-Feb-01 00:00:00,Ashgrove,Wren,B801200005001,,,F,2023-Sep-05 00:00:00,2025-Feb-03 00:00:00,N,ENG,60.0
P1,S2,2008-Feb-01 00:00:00,Ashgrove,Wren,B801200005001,,,F,2025-Feb-04 00:00:00,2025-Apr-28 00:00:00,N,ENG,40.0
""".replace("termlysessionspossible", "termlysessionspossible,pupilnolongeronrollorderseqcolumn").replace(
            ".0\n", ".0,1\n"
        )
    )
    assert reading.period == "2025 summer"
    assert reading.tables["pupil"].num_rows == 1
    assert reading.tables["identifier"].num_rows == 1
    assert reading.tables["enrolment"]["school_ref"].to_pylist() == ["S1", "S2"]
    assert reading.tables["enrolment"]["leaving_date"].to_pylist() == [date(2025, 2, 3), date(2025, 4, 28)]


def test_absence_before_autumn_2020_came_under_another_name(read):
    reading = read(
        """
pupilonrolltableid,NativeId,termlysessiondetailsonrolltableid,absencesessions,attendancereason
P1,S1,T1,4.0,I
P1,S1,T2,2.5,H
,S1,T3,2.0,M
P2,S1,T4,1,QQ
""",
        "Spring 2019/TermlySessionDetailsOnRoll.csv",
    )
    assert (reading.period, reading.as_at) == ("2019 spring", "2019-01-17")
    rows = reading.tables["termly_attendance"].to_pylist()
    assert [(r["code"], r["sessions"]) for r in rows] == [("I", 4), ("H", None), ("QQ", 1)]
    assert rules(reading) == {
        "collection-from-name": 1,
        "not-a-number": 1,
        "missing-value": 1,
        "unknown-code": 1,
    }


def test_without_year_and_term_sessions_are_kept_and_replace_nothing(read):
    text = """
pupilonrolltableid,NativeId,termlysessiondetailsonrolltableid,sessions,attendancereason
P1,S1,T1,4.0,I
P2,S2,T1,5.0,I
"""
    one, other = read(text), read(text.replace("5.0", "6.0"))
    (row, _) = one.tables["termly_attendance"].to_pylist()
    assert (row["sessions"], row["term_start"], one.as_at) == (4, None, "")
    assert one.covers != other.covers
    assert one.covers == read(text).covers
    assert rules(one) == {"collection-unknown": 1}


@pytest.mark.parametrize(
    ("start", "notes"),
    [("2019-Nov-05", []), ("2020-Jul-31", []), ("2020-Aug-01", ["fixed-period-exclusion"])],
)
def test_a_fixed_period_exclusion_is_a_suspension_and_a_note_only_since_autumn_2020(read, start, notes):
    reading = read(
        f"""
pupilonrolltableid,NativeId,termlyexclusionsonrolltableid,startdate,sessions,reason,category,senprovision
P1,S1,T1,{start} 00:00:00,10.0,PP,FIXD,N
""",
        "2020 autumn.csv",
    )
    (row,) = reading.tables["suspension"].to_pylist()
    assert (row["category"], row["reason1"], row["sessions"]) == ("SUSP", "PP", 10)
    assert [f.rule for f in reading.findings if f.rule != "collection-from-name"] == notes


def test_a_reason_is_judged_on_its_own_day(read):
    reading = read(
        """
pupilonrolltableid,NativeId,termlyexclusionsonrolltableid,startdate,sessions,reason1,reason2,reason3,category
P1,S1,T1,2020-Jul-01 00:00:00,2.0,OT,,,SUSP
P1,S1,T2,2020-Sep-20 00:00:00,2.0,OT,LG,,SUSP
P1,S1,T3,01/13/2020,2.0,PP,,,GONE
""",
        "2020_autumn.csv",
    )
    assert {(f.rule, f.line) for f in reading.findings if f.line} == {
        ("code-not-valid-then", 3),
        ("not-a-date", 4),
        ("unknown-code", 4),
    }


def test_meals_are_those_open_on_census_day(read):
    """Census day is 3 October 2024; the end is the last day in."""
    reading = read("""
pupilonrolltableid,NativeId,fsmperiodsonrolltableid,fsmstartdate,fsmenddate
A,S1,1,2023-Sep-01 00:00:00,
B,S1,2,2023-Sep-01 00:00:00,2024-Oct-02 00:00:00
C,S1,3,2023-Sep-01 00:00:00,2024-Oct-03 00:00:00
D,S1,4,2024-Oct-04 00:00:00,
E,S1,5,,
F,S1,6,2023-Sep-01 00:00:00,2023-Oct-02 00:00:00
F,S1,7,2024-Sep-01 00:00:00,
G,S1,8,soon,2024-Oct-02 00:00:00
""")
    held = {row["pupil_ref"]: row["fsm"] for row in reading.tables["characteristic"].to_pylist()}
    assert held == {"A": True, "B": False, "C": True, "D": False, "E": True, "F": True, "G": False}
    assert [(f.rule, f.line) for f in reading.findings] == [("not-a-date", 9)]


def test_the_primary_need_has_rank_1(read):
    reading = read(
        """
pupilonrolltableid,NativeId,senneedstableid,sentyperank,sentype
A,S1,1,2.0,SLCN
A,S1,2,1.0,ASD
B,S1,3,1,SEMH
B,S1,4,1,MLD
C,S1,5,2.0,HI
""",
        "2025_spring_senneeds.csv",
    )
    assert [(r["pupil_ref"], r["sen_primary"]) for r in reading.tables["characteristic"].to_pylist()] == [
        ("A", "ASD"),
        ("B", "SEMH"),
    ]
    assert rules(reading) == {"collection-from-name": 1, "several-primary-needs": 1}


def test_the_first_address_with_a_postcode(read):
    reading = read(
        "pupilonrolltableid,NativeId,addressesonrolltableid,postcode\nA,S1,1,\nA,S1,2,zz11zz\nA,S1,3,ZZ2 2ZZ\n"
    )
    assert reading.tables["pupil"]["postcode"].to_pylist() == ["ZZ1 1ZZ"]


def test_a_table_without_the_pupils_id_gives_no_rows_and_says_so(read):
    reading = read(
        "NativeId,termlyexclusionsonrolltableid,startdate,category\nS1,T1,2024-Oct-01 00:00:00,SUSP\n",
        "2024_autumn.csv",
    )
    assert reading.tables["suspension"].num_rows == 0
    assert {f.field for f in reading.findings if f.rule == "missing-column"} == {"sessions", "reason1", "pupil_ref"}


def test_another_table_is_refused_in_one_sentence(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="pupilonrolltableid"):
        SOURCES[0].read(path, Context())


@pytest.mark.parametrize("table", ["nationalitiesonroll", "learningaimsonroll", "annualsessiondetailsonroll"])
def test_a_table_of_the_census_that_is_not_used_is_no_list_of_pupils(tmp_path, table):
    """It names the rows of pupils, and would be read as pupils without a name."""
    path = tmp_path / f"2016_autumn_{table}.csv"
    path.write_text(f"{table}tableid,NativeId,{table}orderseqcolumn,sourceid,pupilonrolltableid,code\n1,9,1,s,p1,GB\n")
    with pytest.raises(NotNeeded, match=f"the table {table} of the school census"):
        recognise(path)

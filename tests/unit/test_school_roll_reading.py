"""Lists of pupils on roll as schools' systems export them, and the wizard that agrees columns of any kind of list."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sightline.operations import Home, agree_mapping, propose_mapping, receive
from sightline.operations.opened import opened
from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.school_roll import write_roll
from sightline.vocabulary.identifiers import make_upn

ADA, BEN = (make_upn("801", "2000", 2015, n) for n in (1, 2))
EXPORTS = {
    # As three makers of schools' systems and the Department's own download name the same things.
    "sims": f"""Adno,UPN,Legal Surname,Legal Forename,Gender,DOB,Reg,NC Year Actual,Date of Admission,FSM Eligible,FSM Ever 6,SEN Status,EAL,Ethnicity,Post Code,URN
001234,{ADA},Ashby,Ada,F,04/05/2012,7A,7,01/09/2023,T,T,K,T,White - British,ab12cd,900001
001235,,Birch,Ben,M,05/06/2012,7A,7,01/09/2023,F,F,N,F,WBRI,AB1 2CE,900001
""",
    "arbor": f"""Arbor ID,UPN,Legal first name,Legal last name,Sex,Date of birth,Year group,Enrolment start date,Free school meals,Ever 6 FSM,SEN status,First language,Ethnicity,Postcode,School URN
77,{ADA},Ada,Ashby,Female,2012-05-04,Year 07,2023-09-01,Yes,Yes,SEN Support,OTB,White - British,AB1 2CD,900001
001235,,Ben,Birch,Male,2012-06-05,Y7,2023-09-01,No,No,No SEN,ENG,White British,AB1 2CE,900001
""",
    "capita": f"""Student Number;UPN;Surname;Forename;Gender;Birth Date;Year;Admission Date;FSM;Ever6;SEND;Language;Ethnic Group;Home Postcode;LA;Estab
77;{ADA};Ashby;Ada;F;04/05/2012;7;01/09/2023;1;1;K;OTB;WBRI;AB1 2CD;801;2000
001235;;Birch;Ben;M;05/06/2012;7;01/09/2023;0;0;N;ENB;WBRI;AB1 2CE;801;2000
""",
}


def read(tmp_path: Path, text: str, **context: object) -> Reading:
    path = tmp_path / "export.csv"
    path.write_text(text)
    source = recognise(path)
    assert source.kind == "school-roll"
    return source.read(path, Context(**context))


@pytest.mark.parametrize("maker", EXPORTS)
def test_the_same_pupils_are_read_from_every_export(tmp_path: Path, maker: str):
    reading = read(tmp_path, EXPORTS[maker])
    assert [f for f in reading.findings if f.severity == "error"] == []
    school = "8012000" if maker == "capita" else "900001"
    own = f"{school}:001235"
    assert [(p["pupil_ref"], p["surname"], p["birth_date"], p["sex"], p["ethnicity"], p["postcode"])
            for p in reading.tables["pupil"].to_pylist()] == [
        (ADA, "Ashby", date(2012, 5, 4), "F", "WBRI", "AB1 2CD"),
        (own, "Birch", date(2012, 6, 5), "M", "WBRI", "AB1 2CE"),
    ]  # fmt: skip
    assert [(e["pupil_ref"], e["school_ref"], e["entry_date"], e["year_group"])
            for e in reading.tables["enrolment"].to_pylist()] == [
        (ADA, school, date(2023, 9, 1), "7"), (own, school, date(2023, 9, 1), "7"),
    ]  # fmt: skip
    assert [(c["pupil_ref"], c["fsm"], c["fsm_ever_6"], c["sen_provision"], c["eal"])
            for c in reading.tables["characteristic"].to_pylist()] == [
        (ADA, True, True, "K", True), (own, False, False, "N", False),
    ]  # fmt: skip


def test_the_download_of_a_census_is_of_its_day(tmp_path: Path):
    reading = read(
        tmp_path,
        "AcademicYear,CensusTerm,LAEstab,UPN,Surname,Forename,Sex,DOB,FSMeligible,EVERFSM_6,Language,EntryDate,"
        f"NCyearActual,SENProvision,PrimarySENeedsType\n2023/2024,Spring,8012000,{ADA},Ashby,Ada,F,2012-05-04,1,0,REF,"
        "2020-09-01,4,E,SLCN\n",
    )
    assert reading.as_at == "2024-01-18"
    (about,) = reading.tables["characteristic"].to_pylist()
    assert about["as_at"] == date(2024, 1, 18)
    # A refused language says nothing of English.
    assert (about["fsm"], about["fsm_ever_6"], about["sen_provision"], about["sen_primary"], about["eal"]) == (
        True, False, "E", "SLCN", None,
    )  # fmt: skip


def test_an_education_plan_in_a_column_of_its_own_is_the_provision(tmp_path: Path):
    text = f"UPN,Surname,DOB,Year group,SEN,EHCP\n{ADA},Ashby,04/05/2012,7,K,Yes\n{BEN},Birch,05/06/2012,7,K,No\n"
    told = read(tmp_path, text).tables["characteristic"].to_pylist()
    assert [c["sen_provision"] for c in told] == ["E", "K"]


def test_a_row_of_nobody_and_a_year_group_that_is_none_are_findings(tmp_path: Path):
    text = f"UPN,Surname,DOB,Year group,SEN\n,Ashby,04/05/2012,7,K\n{BEN},Birch,31/02/2012,Owls,K\n"
    found = {(f.rule, f.line) for f in read(tmp_path, text).findings if f.line > 1}
    assert found == {("missing-value", 2), ("not-a-date", 3), ("unknown-code", 3)}


def test_written_and_read_again(tmp_path: Path):
    first = read(tmp_path, EXPORTS["sims"])
    (path,) = write_roll(first, tmp_path / "again.csv")
    again = recognise(path).read(path, Context())
    for name in ("pupil", "enrolment", "characteristic"):
        assert again.tables[name].drop_columns(["pupil_ref"]).equals(first.tables[name].drop_columns(["pupil_ref"]))


def test_a_later_roll_of_the_school_takes_the_place_of_the_earlier(tmp_path: Path):
    home = Home.open(tmp_path / "home")
    (tmp_path / "one.csv").write_text(EXPORTS["sims"])
    receive(home, [tmp_path / "one.csv"], by="t")
    (tmp_path / "two.csv").write_text("\n".join(EXPORTS["sims"].splitlines()[:2]) + "\n")
    receive(home, [tmp_path / "two.csv"], by="t")
    assert opened(home).database.rows("SELECT pupil_ref FROM enrolment") == [(ADA,)]


# The wizard: what stands in the file, the kind it is agreed as, corrections needed, and what is then read.
LISTS = {
    "part-time-timetables": (
        f"Who,From,Till,Hrs\n{ADA},01/10/2024,20/12/2024,12.5\n",
        ["start_date=From", "end_date=Till", "hours=Hrs"],
        ("part_time_timetable", "start_date, end_date, hours", (date(2024, 10, 1), date(2024, 12, 20), 12.5)),
    ),
    "missing-education": (
        f"Who,Since,Why\n{ADA},01/10/2024,moved away\n",
        ["reason=Why"],
        ("missing_education", "start_date, reason", (date(2024, 10, 1), "moved away")),
    ),
    "home-education": (
        f"Who,Since\n{ADA},01/10/2024\n",
        [],
        ("home_education", "start_date, end_date", (date(2024, 10, 1), None)),
    ),
    "alternative-provision": (
        f"Who,Since,Sort,Where to\n{ADA},01/10/2024,Managed move,The Elms\n",
        ["provider_ref=Where to"],
        ("alternative_provision", "start_date, kind, provider_ref", (date(2024, 10, 1), "MM", "The Elms")),
    ),
    "attainment": (
        f"Who,What,Got\n{ADA},Maths,EXS\n",
        ["result=Got"],
        ("attainment", "subject, result, met", ("MATH", "EXS", True)),
    ),
    "early-help": (
        "Ref,Since,Who by\nC1,01/10/2024,The Elms team\n",
        ["child_ref=Ref", "organisation=Who by"],
        ("early_help", "child_ref, start_date, organisation", ("C1", date(2024, 10, 1), "The Elms team")),
    ),
    "school-roll": (
        f"Who,Born,In,Set,Sch\n{ADA},04/05/2012,01/09/2023,Year 7,900001\n",
        [],
        ("enrolment", "school_ref, entry_date, year_group", ("900001", date(2023, 9, 1), "7")),
    ),
}


@pytest.mark.parametrize("kind", LISTS)
def test_every_kind_of_list_is_proposed_agreed_and_read(tmp_path: Path, kind: str):
    text, corrections, (table, columns, expected) = LISTS[kind]
    (tmp_path / "list.csv").write_text(text)
    home = Home.open(tmp_path / "home")
    proposal = propose_mapping(tmp_path / "list.csv", kind=kind, corrections=corrections)
    assert (proposal.kind, proposal.form) == (kind, "list"), proposal.says
    agree_mapping(home, proposal)
    receipt = receive(home, [tmp_path / "list.csv"], by="t")
    assert [(f.status, f.kind) for f in receipt.files] == [("received", kind)]
    assert opened(home).database.rows(f"SELECT {columns} FROM {table}") == [expected]


def test_a_list_that_may_be_several_kinds_is_a_question(tmp_path: Path):
    (tmp_path / "list.csv").write_text(f"UPN,From,To\n{ADA},01/10/2024,02/10/2024\n")
    proposal = propose_mapping(tmp_path / "list.csv")
    assert proposal.form == ""
    assert "Say which it is with --kind" in proposal.says and "home-education" in proposal.says


def test_names_that_tell_the_kind_need_no_kind(tmp_path: Path):
    (tmp_path / "list.csv").write_text(f"UPN,CME start date,CME end date\n{ADA},01/10/2024,02/10/2024\n")
    assert propose_mapping(tmp_path / "list.csv").kind == "missing-education"


@pytest.mark.parametrize(
    "text",
    [
        # A collector's daily file, and two schools' exports of sessions.
        f"Pupil UPN,School Name,Attendance Date,AM Code,PM Code\n{ADA},The Oaks,02/10/2024,/,\\\n",
        f"UPN,Adno,Date,Session,Mark\n{ADA},1,2024-10-02,AM,/\n{ADA},1,2024-10-02,PM,\\\n",
        f"Student UPN;Last name;Year group;02 Oct 2024 AM;02 Oct 2024 PM\n{ADA};Ashby;Year 7;/;\\\n",
    ],
)
def test_attendance_of_collectors_and_schools_is_marks_and_no_roll(tmp_path: Path, text: str):
    (tmp_path / "a.csv").write_text(text)
    source = recognise(tmp_path / "a.csv")
    assert source.kind == "marks"
    (week,) = source.read(tmp_path / "a.csv", Context()).tables["attendance_week"].to_pylist()
    assert (week["week"], week["marks"]) == (date(2024, 9, 30), "..../\\....")

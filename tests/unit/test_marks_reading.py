"""Session marks as senders lay them out: each form, each fault, each agreement."""

from datetime import date

import pytest

from sightline.sources import Context
from sightline.sources.intake import head
from sightline.sources.marks import MARKS, MARKS_WEEK, mapping_key, propose_mapping, read
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import make_upn

ADA = make_upn("301", "2001", 2015, 1)
BEN = make_upn("301", "2001", 2015, 2)
MONDAY = date(2024, 9, 2)


def received(folder, text, mappings=None):
    path = folder / "received.csv"
    path.write_text(text, encoding="utf-8")
    return read(path, Context(mappings=mappings or {}))


def weeks(reading):
    return {
        (row["pupil_ref"], row["school_ref"], row["week"].isoformat()): row["marks"]
        for row in reading.tables["attendance_week"].to_pylist()
    }


def rules(reading):
    return [(finding.rule, finding.line) for finding in reading.findings]


LONG = f"""UPN,URN,Date,Session,Mark
{ADA},123456,2024-09-02,AM,/
{ADA},123456,02/09/2024,PM,\\
{ADA},123456,2024-09-03 00:00:00,1,C1
{ADA},123456,2024-09-06,2,L
"""
DAY = f"""Unique Pupil Number;School;Attendance Date;AM Mark;PM Mark
{ADA};123456;02/09/2024;/;\\
{ADA};123456;03/09/2024;C1;
{ADA};123456;06/09/2024;-;L
"""
WIDE = f"""UPN,URN,02/09/2024 AM,02/09/2024 PM,Tue 03/09/2024 AM,2024-09-06:PM
{ADA},123456,/,\\,C1,L
"""
WEEK = f"""UPN,URN,Week Commencing,Marks
{ADA},123456,04/09/2024,/\\c------L
"""


@pytest.mark.parametrize(("text", "source"), [(LONG, MARKS), (DAY, MARKS), (WIDE, MARKS), (WEEK, MARKS_WEEK)])
def test_every_form_gives_the_same_week(tmp_path, text, source):
    reading = received(tmp_path, text)
    assert weeks(reading) == {(ADA, "123456", "2024-09-02"): "/\\c......L"}
    assert reading.findings == []
    assert (reading.kind, reading.system, reading.as_at) == (source.kind, "marks", "2024-09-06")
    assert reading.period == "2024-09-02 to 2024-09-06"
    (row,) = reading.tables["attendance_week"].to_pylist()
    assert [row[name] for name in ("possible", "authorised", "unauthorised", "approved", "late", "not_possible")] == [
        4, 1, 0, 0, 1, 0,
    ]  # fmt: skip
    assert [s.kind for s in (MARKS, MARKS_WEEK) if s.recognise(head(tmp_path / "received.csv"))] == [source.kind]


def test_columns_are_told_by_what_they_hold_when_their_names_say_nothing(tmp_path):
    rows = "\n".join(f"{upn};{day};{half};{mark}" for upn in (ADA, BEN) for day in ("02/09/2024", "03/09/2024")
                     for half, mark in (("AM", "/"), ("PM", "I")))  # fmt: skip
    path = tmp_path / "received.csv"
    path.write_text(f"Ref A;When;Half;Reg\n{rows}\n")
    assert MARKS.recognise(head(path))
    assert weeks(read(path, Context()))[(BEN, None, "2024-09-02")] == "/I/I......"


def test_two_columns_that_would_do_are_left_to_a_person(tmp_path):
    rows = f"{ADA};02/09/2024;02/09/2024;AM;/\n{ADA};02/09/2024;02/09/2024;PM;/\n"
    path = tmp_path / "received.csv"
    path.write_text("Ref A;When;Entered;Half;Reg\n" + rows)
    assert not MARKS.recognise(head(path))
    with pytest.raises(UnreadableFile, match="lacks a date"):
        read(path, Context())
    agreed = {mapping_key(["ref a", "when", "entered", "half", "reg"]): {"date": "When"}}
    assert weeks(read(path, Context(mappings=agreed))) == {(ADA, None, "2024-09-02"): "//........"}


def test_an_agreement_comes_before_names(tmp_path):
    text = "Adno,UPN,Date,Session,Mark,Corrected\n7,x,2024-09-02,AM,/,I\n"
    key = mapping_key(text.splitlines()[0].split(","))
    reading = received(tmp_path, text, {key: {"upn": "Adno", "mark": "Corrected"}})
    assert weeks(reading) == {("7", None, "2024-09-02"): "I........."}


@pytest.mark.parametrize(
    ("agreed", "says"), [({"upn": "Nowhere"}, "the column 'Nowhere'"), ({"colour": "UPN"}, "has 'colour'")]
)
def test_an_agreement_that_makes_no_sense_is_refused(tmp_path, agreed, says):
    key = mapping_key(LONG.splitlines()[0].split(","))
    with pytest.raises(UnreadableFile, match=says):
        received(tmp_path, LONG, {key: agreed})


def test_the_key_of_a_mapping_ignores_case_and_spacing():
    assert mapping_key(["UPN", " Date "]) == mapping_key(["upn", "date"]) != mapping_key(["date", "upn"])


def test_a_pupil_without_upn_is_the_senders_own_within_the_school(tmp_path):
    text = (
        "Pupil Id,UPN,DfE Number,Date,Session,Mark\n7,,301/2001,2024-09-02,AM,/\n8,"
        + BEN.lower()
        + ",301 2001,2024-09-02,AM,/\n"
    )
    reading = received(tmp_path, text)
    assert set(weeks(reading)) == {("3012001:7", "3012001", "2024-09-02"), (BEN, "3012001", "2024-09-02")}
    assert {(r["ref"], r["kind"], r["value"]) for r in reading.tables["identifier"].to_pylist()} == {
        ("3012001:7", "mis_id", "7"),
        (BEN, "mis_id", "8"),
        (BEN, "upn", BEN),
    }


def test_names_give_pupils_and_two_birth_dates_under_one_upn_are_both_kept(tmp_path):
    text = "UPN,Surname,Forename,DOB,Gender,Date,Session,Mark\n" + "".join(
        f"{ADA},Plum,Ada,{born},{sex},2024-09-0{n},AM,/\n"
        for n, (born, sex) in enumerate([("01/02/2012", "Female"), ("01/02/2012", "Female"), ("2013-13-01", "F")], 2)
    )
    reading = received(tmp_path, text)
    rows = reading.tables["pupil"].to_pylist()
    assert [(r["surname"], r["birth_date"], r["sex"], r["line"]) for r in rows] == [
        ("Plum", date(2012, 2, 1), "F", 2),
        ("Plum", None, "F", 4),
    ]
    assert rules(reading) == [("not-a-date", 4)]


def test_faults_of_rows(tmp_path):
    text = f"""UPN,URN,Date,Session,Mark
{ADA},123456,2024-09-02,AM,J
{ADA},123456,2024-07-15,AM,J
{ADA},123456,2024-09-02,PM,??
{ADA},123456,2024-13-02,PM,/
{ADA},123456,01/13/2012,PM,/
{ADA},123456,1998-09-02,PM,/
{ADA},123456,2024-09-03,Night,/
,123456,2024-09-03,AM,/
{ADA},123456,,,
{ADA},123456,2024-09-07,AM,/
{ADA},123456,2024-09-10,AM,/
{ADA},123456,2024-09-10,AM,I
{ADA},123456,2024-09-10,PM,/
{ADA},123456,2024-09-10,PM,/
A301200115003,123456,2024-09-10,PM,/
"""
    reading = received(tmp_path, text)
    assert weeks(reading) == {
        (ADA, "123456", "2024-07-15"): "J.........",
        (ADA, "123456", "2024-09-02"): "........../...",
        (ADA, "123456", "2024-09-09"): "..I/......",
        ("A301200115003", "123456", "2024-09-09"): ".../......",
    }
    assert sorted(rules(reading), key=lambda found: found[1]) == [
        ("mark-not-of-its-day", 2),
        ("unknown-mark", 4),
        ("not-a-date", 5),
        ("not-a-date", 6),
        ("mark-out-of-range", 7),
        ("not-a-session", 8),
        ("missing-value", 9),
        ("two-marks", 13),
        ("repeated-mark", 15),
        ("upn", 16),
    ]


def test_faults_of_weeks(tmp_path):
    text = f"""UPN,Week,Marks
{ADA},2024-09-02,/\\/\\
{ADA},2024-09-09,/\\/\\/\\/\\//....
{ADA},2024-09-16,/\\?JI.....
{ADA},2024-09-23,..........
{ADA},2024-09-30,i///......
{ADA},2024-10-07,l///......
{ADA},2024-10-07,I///......
"""
    reading = received(tmp_path, text)
    assert weeks(reading) == {
        (ADA, None, "2024-09-09"): "/\\/\\/\\/\\//",
        (ADA, None, "2024-09-16"): "/\\..I.....",
        (ADA, None, "2024-09-30"): ".///......",
        (ADA, None, "2024-10-07"): "I///......",
    }
    assert sorted(rules(reading), key=lambda found: (found[1], found[0])) == [
        ("marks-length", 2),
        ("mark-not-of-its-day", 4),
        ("unknown-mark", 4),
        ("mark-not-of-its-day", 6),
        ("two-marks", 8),
    ]


def test_a_thousand_faults_of_one_kind_are_listed_and_the_rest_counted(tmp_path):
    text = "UPN,Date,Session,Mark\n" + f"{ADA},2024-09-02,AM,/\n" + f"{ADA},2024-09-02,AM,?\n" * 1500
    reading = received(tmp_path, text)
    assert len(reading.findings) == 1001
    assert reading.findings[-1].says.startswith("500 more rows have the same fault.")


def test_columns_of_marks_without_a_mark_are_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="not one mark"):
        received(tmp_path, "UPN,Date,Session,Mark\n")


def test_a_refusal_in_the_middle_of_the_file_is_still_one_sentence(tmp_path):
    path = tmp_path / "received.csv"
    rows = f"{ADA},2024-09-02,AM,/\n" * 4000
    path.write_bytes(f"UPN,Date,Session,Mark\n{rows}".encode() + b"\x00\x01\x02" * 200)
    with pytest.raises(UnreadableFile, match="text never holds"):
        read(path, Context())


def test_files_of_different_marks_never_replace_each_other(tmp_path):
    one = received(tmp_path, LONG).covers
    assert received(tmp_path, DAY).covers == one
    assert received(tmp_path, LONG.replace(",L", ",I")).covers != one
    assert received(tmp_path, LONG.replace(ADA, BEN)).covers != one


def test_what_is_not_marks_is_not_taken_for_them(tmp_path):
    path = tmp_path / "received.csv"
    for text in (
        f"UPN,URN,Start Date,End Date,Category,Reason\n{ADA},123456,2024-09-02,2024-09-03,SUSP,DB\n",
        "URN,Date,Session,Mark\n123456,2024-09-02,AM,/\n",
        f"UPN,Date,Period,Code\n{ADA},2024-09-02,1,Detention\n{ADA},2024-09-02,2,Merit\n",
        "a,b\n1,2\n",
    ):
        path.write_text(text)
        assert not MARKS.recognise(head(path))
        assert not MARKS_WEEK.recognise(head(path))


def test_a_proposal_says_what_is_missing():
    import pyarrow as pa

    assert propose_mapping(pa.table({"upn": ["x"], "date": ["2024-09-02"]})).missing == "a session, a mark"

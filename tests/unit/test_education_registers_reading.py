"""Lists without a national layout: part-time timetables, children not in school, placements elsewhere, early help."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.mapping import mapping_key
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import make_upn

UPN = make_upn("301", "2001", 15, 1)


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str, kind: str, context: Context | None = None) -> Reading:
        path = tmp_path / "list.csv"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        source = recognise(path, context)
        assert source.kind == kind
        return source.read(path, context or Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def test_part_time_timetables(read):
    reading = read(
        f"""
UPN,Surname,School URN,PTT Start Date,PTT End Date,Next review,Hours per week,Parent agreed?,Reason for PTT,Notes
{UPN},Ashgrove,123456,06/01/2025,14/02/2025,20/01/2025,12.5 hours,Yes,Anxiety,x
{UPN},Ashgrove,12,03/03/2025,01/03/2025,,90,maybe,,
,Nobody,123456,03/03/2025,,,,,,
""",
        "part-time-timetables",
    )
    first, second = reading.tables["part_time_timetable"].to_pylist()
    assert (first["pupil_ref"], first["school_ref"], first["start_date"], first["end_date"]) == (
        UPN,
        "123456",
        date(2025, 1, 6),
        date(2025, 2, 14),
    )
    assert (first["review_date"], first["hours"], first["parent_agreed"], first["reason"]) == (
        date(2025, 1, 20),
        12.5,
        True,
        "Anxiety",
    )
    assert second["parent_agreed"] is None
    assert {(f.rule, f.field, f.line) for f in reading.findings if f.line > 1} == {
        ("urn", "urn", 3),
        ("ends-before-it-starts", "end_date", 3),
        ("hours-out-of-range", "hours", 3),
        ("not-a-flag", "parent_agreed", 3),
        ("missing-value", "pupil_ref", 4),
    }
    assert rules(reading)["extra-column"] == 1
    assert reading.tables["pupil"].num_rows == 1


@pytest.mark.parametrize(
    ("text", "kind", "table"),
    [
        ("UPN,CME start date,Closed date,CME reason,Outcome\n{},01/10/2024,05/11/2024,Moved,Found", "missing-education",
         "missing_education"),
        ("UPN;Date of birth;Elective home education from;EHE to;Reason;Suitability\n{};02/10/2014;2024-10-01;2024-11-05;"
         "Moved;Found", "home-education", "home_education"),
        ("Pupil ID,Missing education - date identified,Date closed,Why,Destination\n{},2024-10-01,2024-11-05,Moved,Found",
         "missing-education", "missing_education"),
    ],
)  # fmt: skip
def test_children_not_in_school_under_whatever_names(read, text, kind, table):
    reading = read(text.format(UPN), kind)
    (row,) = reading.tables[table].to_pylist()
    assert (row["pupil_ref"], row["start_date"], row["end_date"]) == (UPN, date(2024, 10, 1), date(2024, 11, 5))
    assert (row["reason"], row["outcome"]) == ("Moved", "Found")
    assert rules(reading) == {}


@pytest.mark.parametrize(
    ("header", "cell", "kind"),
    [
        ("Arrangement", "Managed move", "MM"),
        ("Type of provision", "Off-site direction", "OSD"),
        ("Type of provision", "PRU", "AP"),
        ("Type of provision", "Something", "Something"),
        ("Notes", "x", "AP"),
    ],
)
def test_placements_away_from_the_school(read, header, cell, kind):
    reading = read(
        f"UPN,Home school LAESTAB,LAESTAB,AP provider,{header},Start date,End date,Hours a week\n"
        f"{UPN},x,3012001,The Orchard,{cell},2024-10-01,2024-12-20,25",
        "alternative-provision",
    )
    (row,) = reading.tables["alternative_provision"].to_pylist()
    assert (row["kind"], row["provider_ref"], row["school_ref"], row["hours"]) == (kind, "The Orchard", "3012001", 25.0)
    assert ("unknown-code" in rules(reading)) is (kind == "Something")


def test_a_list_of_managed_moves_needs_no_column_to_say_so(read):
    reading = read(
        f"UPN,School,Managed move start date,Host school\n{UPN},Oaks,2024-10-01,Elms", "alternative-provision"
    )
    assert reading.tables["alternative_provision"]["kind"].to_pylist() == ["MM"]
    assert rules(reading) == {"missing-column": 1}


def test_an_agreement_names_what_columns_do_not(read):
    header = ["ref", "a", "b"]
    agreed = {mapping_key(header): {"kind": "home-education", "pupil_id": "Ref", "start_date": "A", "reason": "B"}}
    reading = read("Ref,A,B\nP1,2024-10-01,Moved", "home-education", Context(mappings=agreed))
    (row,) = reading.tables["home_education"].to_pylist()
    assert (row["pupil_ref"], row["start_date"], row["reason"]) == ("P1", date(2024, 10, 1), "Moved")


def test_lists_that_are_something_else_are_left_alone(tmp_path: Path):
    for header in ("upn,startdate,enddate,category,reason", "upn,date,session,mark", "upn,start date,their head"):
        path = tmp_path / "x.csv"
        path.write_text(header + "\n" + f"{UPN},2024-10-01,AM,/,x\n")
        try:
            assert recognise(path).kind in ("suspensions", "marks")
        except UnreadableFile as refusal:
            assert "a table of" in str(refusal)


def test_early_help_of_the_dataset_and_of_a_list(read):
    reading = read(
        """
earl_episode_id,earl_person_id,earl_episode_start_date,earl_episode_end_date,earl_episode_reason,earl_episode_end_reason,earl_episode_organisation,earl_episode_worker_id
E1,1001,2024-01-08 00:00:00.000,1900-01-01 00:00:00.000,Need,,Locality 1,-1
E2,,2024-01-08,,,,,
""",
        "ssd-early-help-episodes",
    )
    (row,) = reading.tables["early_help"].to_pylist()
    assert (reading.system, row["child_ref"], row["start_date"], row["end_date"], row["worker_ref"]) == (
        "ssd",
        "1001",
        date(2024, 1, 8),
        None,
        None,
    )
    assert rules(reading) == {"missing-value": 1}
    listed = read(
        f"Child ID,UPN,Forename,Gender,Postcode,Early Help Start,Early Help End,Closure reason,Lead agency,Lead practitioner\n"
        f"7,{UPN},Wren,2,zz11zz,08/01/2024,,,Locality 1,Kit Marsh",
        "early-help",
    )
    (row,) = listed.tables["early_help"].to_pylist()
    assert (row["child_ref"], row["start_date"], row["organisation"], row["worker_ref"]) == (
        "7",
        date(2024, 1, 8),
        "Locality 1",
        "Kit Marsh",
    )
    (child,) = listed.tables["child"].to_pylist()
    assert (child["forename"], child["sex"], child["postcode"]) == ("Wren", "F", "ZZ1 1ZZ")
    assert listed.tables["identifier"]["value"].to_pylist() == [UPN]

"""Reading results: the Department's downloads, long lists, and termly teacher assessment."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources import recognise
from sightline.sources.attainment import read_attainment, write_attainment
from sightline.sources.base import Context, Reading
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import make_upn

UPN = make_upn("301", "2001", 15, 1)


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str) -> Reading:
        path = tmp_path / "results.csv"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        source = recognise(path)
        assert source.kind == "attainment"
        return source.read(path, Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def results(reading: Reading) -> list[tuple[object, ...]]:
    names = ("stage", "year", "subject", "measure", "result", "score", "met")
    return [tuple(row[n] for n in names) for row in reading.tables["attainment"].to_pylist()]


def test_key_stage_2_as_the_department_gives_it(read):
    reading = read(
        f"""
PupilMatchingRef,ACADYR,LAESTAB,UPN,SURNAME,FORENAME,SEX,DOB,READSCORE,MATSCORE,GPSSCORE,READOUTCOME,WRITTAOUTCOME,RWMEXP,SCITAOUTCOME
1,2023/2024,3012001,{UPN},Ashgrove,Wren,F,02/10/2013,104,99,,H,GDS,1,HNM
2,2023/2024,3012001,,Birchall,Lark,M,03/10/2013,100,100,100,H,EXS,1,EXS
"""
    )
    assert results(reading) == [
        ("KS2", 2023, "READ", "readscore", "104", 104.0, True),
        ("KS2", 2023, "MATH", "matscore", "99", 99.0, False),
        ("KS2", 2023, "READ", "readoutcome", "H", None, None),
        ("KS2", 2023, "WRIT", "writtaoutcome", "GDS", None, True),
        ("KS2", 2023, "RWM", "rwmexp", "1", 1.0, True),
        ("KS2", 2023, "SCI", "scitaoutcome", "HNM", None, False),
    ]
    assert rules(reading)["missing-value"] == 1
    (pupil,) = reading.tables["pupil"].to_pylist()
    assert (pupil["pupil_ref"], pupil["forename"], pupil["sex"]) == (UPN, "Wren", "F")
    assert reading.period == "KS2 2023"


@pytest.mark.parametrize(
    ("header", "cells", "expect"),
    [
        ("AcademicYear,Phonics_Mark,Phonics_Outcome", "202324,31,WT", [("PHON", False), ("PHON", False)]),
        ("AcademicYear,Phonics_Mark", "2024,32", [("PHON", True)]),
        ("ACADYR,KS1_READ_OUTCOME,KS1_WRIT_OUTCOME,KS1_MATH_OUTCOME", "2022/23,EXS,WTS,PK4",
         [("KS1", True), ("KS1", False), ("KS1", False)]),
        ("ACADYR,FormMark", "2023/24,25", [("MTC", None)]),
        ("ACADYR,KS4_ATT8,KS4_L2BASICS_94,L2BASICS_95,EBACCAPS_PUPIL", "2023/24,52.5,1,0,4.2",
         [("KS4", None), ("KS4", True), ("KS4", False), ("KS4", None)]),
    ],
)  # fmt: skip
def test_the_other_downloads(read, header, cells, expect):
    reading = read(f"UPN,URN,{header}\n{UPN},123456,{cells}")
    assert [(row[0], row[6]) for row in results(reading)] == expect
    assert {row[1] for row in results(reading)} <= {2022, 2023}
    assert rules(reading) == {}


def test_termly_teacher_assessment_wide_and_long(read):
    wide = read(
        f"UPN,School,Academic Year,Term,Reading,Writing,Maths\n{UPN},Oaks,2024/25,Autumn 1,Expected,Working towards,Above"
    )
    assert [(r[0], r[1], r[2], r[4], r[6]) for r in results(wide)] == [
        ("TERM", 2024, "READ", "Expected", True),
        ("TERM", 2024, "WRIT", "Working towards", False),
        ("TERM", 2024, "MATH", "Above", True),
    ]
    assert set(wide.tables["attainment"]["term"].to_pylist()) == {"Autumn 1"}
    long = read(
        f"Pupil ID,UPN,URN,Year,Term,Subject,Grade\n7,{UPN},123456,2024/25,Spring,English,5b\n"
        f"7,{UPN},123456,2024/25,Spring,Pottery,EXS\n7,{UPN},123456,2024/25,Spring,English,5a\n7,{UPN},123456,x,,Maths,EXS"
    )
    assert [(r[0], r[2], r[4], r[6]) for r in results(long)] == [
        ("TERM", "ENG", "5b", None),
        ("TERM", "Pottery", "EXS", True),
        ("TERM", "ENG", "5a", None),
        ("TERM", "MATH", "EXS", True),
    ]
    assert rules(long) == {"unknown-code": 1, "repeated-record": 1, "not-a-number": 1}
    wrong = next(f for f in long.findings if f.rule == "not-a-number")
    assert (wrong.record, wrong.field, wrong.value, wrong.line) == (UPN, "year", "x", 5)


TEXTS = st.sampled_from(["EXS", "WTS", "104", "5b", "Above", "31"])


@given(data=st.data())
@settings(max_examples=6)
def test_round_trip(data: st.DataObject):
    """Once read, results are what they will be for ever."""
    stages, subjects = ([c.code for c in code_list(n)] for n in ("assessment_stage", "subject"))
    row = st.fixed_dictionaries(
        {
            "stage": st.sampled_from(stages),
            "year": st.none() | st.integers(2000, 2030),
            "term": st.none() | st.just("Spring"),
            "subject": st.none() | st.sampled_from(subjects),
            "measure": st.sampled_from([None, "readscore", "phonics_mark", "TA"]),
            "result": TEXTS,
        }
    )
    rows = [r | {"pupil_ref": UPN, "school_ref": "123456", "line": n + 2}
            for n, r in enumerate(data.draw(st.lists(row, min_size=1, max_size=5)))]  # fmt: skip
    tables = {"attainment": pa.Table.from_pylist(rows, schema=arrow_schema("attainment"))}
    tables["identifier"] = pa.Table.from_pylist(
        [{"ref": UPN, "kind": "upn", "value": UPN}], schema=arrow_schema("identifier")
    )

    def again(held: dict[str, pa.Table]) -> dict[str, pa.Table]:
        with tempfile.TemporaryDirectory() as folder:
            (path,) = write_attainment(Reading("attainment", "attainment", "", "", tables=held), Path(folder))
            return read_attainment(path, Context()).tables

    once = again(tables)
    kept = ["pupil_ref", "school_ref", "stage", "year", "term", "subject", "measure", "result", "line"]
    assert once["attainment"].select(kept).to_pylist() == tables["attainment"].select(kept).to_pylist()
    assert again(once)["attainment"].to_pylist() == once["attainment"].to_pylist()

"""What is written as a Common Transfer File reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import Database, arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.ctf import read_ctf, write_ctf
from sightline.sources.ctf_marks import string_of, weeks_of
from sightline.sources.registers import counted
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import make_upn

DAYS = st.none() | st.dates(date(2015, 1, 1), date(2025, 1, 1))
NAMES = st.none() | st.text(st.characters(codec="utf-8", categories=("L",)), min_size=1, max_size=8)
MONDAYS = st.integers(0, 30).map(lambda n: date(2024, 9, 2) + timedelta(days=7 * n))
# Codes of one character that hold all year, mornings and afternoons.
LETTERS = st.sampled_from("/\\LIMRENOUVPWX#.")
WEEKS = st.text(LETTERS, min_size=10, max_size=10).filter(lambda marks: marks.strip("."))


def code(name: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from([c.code for c in code_list(name)])


def drawn(data: st.DataObject) -> dict[str, pa.Table]:
    names = ("pupil", "identifier", "enrolment", "characteristic", "attainment", "attendance_week")
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for n in range(data.draw(st.integers(1, 3))):
        upn = make_upn("301", "2001", 15, n)
        who = {"pupil_ref": upn}
        rows["pupil"].append(
            who
            | {"surname": data.draw(NAMES), "forename": data.draw(NAMES), "birth_date": data.draw(DAYS)}
            | {"sex": data.draw(code("sex")), "ethnicity": data.draw(code("ethnicity_school"))}
        )
        rows["identifier"].append({"ref": upn, "kind": "upn", "value": upn})
        here = {
            "year_group": data.draw(st.sampled_from(["5", "R"])),
            "status": "C",
            "boarder": data.draw(code("boarder")),
        }
        rows["enrolment"].append(who | {"school_ref": "3012001", "entry_date": data.draw(DAYS)} | here)
        if data.draw(st.booleans()):
            rows["enrolment"].append(who | {"school_ref": "123456", "leaving_date": data.draw(DAYS)})
        rows["characteristic"].append(
            who
            | {"as_at": date(2025, 1, 16), "fsm": data.draw(st.none() | st.booleans()), "language": "ENG", "eal": False}
            | {"sen_provision": data.draw(code("sen_provision")), "sen_primary": data.draw(code("sen_type"))}
        )
        result = data.draw(st.sampled_from([("EXS", None, True), ("WTS", None, False), ("101", 101.0, None)]))
        rows["attainment"].append(
            who
            | {"stage": data.draw(st.sampled_from(["KS1", "KS2", "EYFS", "PHON"])), "year": 2022, "subject": "READ"}
            | {"measure": "ENG/REA/TA", "result": result[0], "score": result[1], "met": result[2]}
        )
        weeks = data.draw(st.dictionaries(MONDAYS, WEEKS, max_size=4))
        rows["attendance_week"] += [who | {"school_ref": "3012001", "week": w, "marks": m} for w, m in weeks.items()]
    tables = {name: pa.Table.from_pylist(held, schema=arrow_schema(name)) for name, held in rows.items()}
    with Database.of({"attendance_week": tables["attendance_week"]}, complete=False) as database:
        tables["attendance_week"] = counted(database, "attendance_week")
    return tables


def plain(table: pa.Table) -> list[str]:
    return sorted(map(str, table.drop_columns(["line"]).to_pylist()))


@given(data=st.data())
@settings(max_examples=6)
def test_round_trip(data: st.DataObject):
    tables = drawn(data)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write_ctf(Reading("ctf", "ctf", "", "", as_at="2025-01-16", tables=tables), Path(folder))
        reading = read_ctf(path, Context())
    assert reading.as_at == "2025-01-16"
    assert not [f for f in reading.findings if f.severity != "note"]
    for name, table in tables.items():
        assert plain(reading.tables[name]) == plain(table), name


@given(st.dictionaries(MONDAYS, WEEKS, min_size=1, max_size=6))
@settings(max_examples=40)
def test_strings_of_marks_hold_their_weeks(weeks: dict[date, str]):
    start, text = string_of(weeks)
    read = weeks_of(text, start)
    assert read.weeks == weeks
    assert not read.unknown

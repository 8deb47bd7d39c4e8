"""What is written of a school census table reads back the same, in every term."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.school_census import EXTRACTS, SOURCES
from sightline.sources.school_census_terms import TERMS, Collection
from sightline.vocabulary.codes import code_list, valid_codes
from sightline.vocabulary.identifiers import make_upn
from sightline.vocabulary.languages import additional_english

SCHOOLS = st.sampled_from(["8012000", "8012001", "SCH9"])
NAMES = st.none() | st.text("ABCabcé '-,", min_size=1, max_size=10).filter(lambda t: t.strip() == t)
COUNTS = st.none() | st.integers(0, 400)
AROUND = settings(max_examples=5)


def codes(name: str):
    return st.none() | st.sampled_from(sorted({c.code for c in code_list(name)}))


def table(name: str, rows: list[dict]) -> pa.Table:
    numbered = [{"line": line} | row for line, row in enumerate(rows, start=2)]
    return pa.Table.from_pylist(numbered, schema=arrow_schema(name))


def again(name: str, collection: Collection, tables: dict[str, pa.Table]) -> Reading:
    source = next(s for s in SOURCES if s.kind == f"school-census-{name}")
    reading = Reading(source.kind, "school-census", collection.label, collection.label, tables=tables)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = source.write(reading, Path(folder))
        assert path.name == f"{collection.label.replace(' ', '_')}_{name}.csv"
        read = source.read(path, Context())
    assert read.period == collection.label
    assert read.as_at == collection.day.isoformat()
    return read


@st.composite
def rolls(draw, *, on_roll: bool):
    """The tables of a census of pupils, as a reading of it would give them."""
    collection = Collection(draw(st.integers(2016, 2027)), draw(st.sampled_from(TERMS)))
    days = st.integers(0, 2000).map(lambda n: collection.day - timedelta(days=n))
    refs = draw(st.lists(st.text("abc0123-", min_size=1, max_size=6), min_size=1, max_size=5, unique=True))
    tables: dict[str, list[dict]] = {
        "pupil": [],
        "identifier": [],
        "enrolment": [],
        "characteristic": [],
        "termly_attendance": [],
    }
    for line, ref in enumerate(refs, start=2):
        spring = collection.term == "spring"
        tables["pupil"].append(
            {
                "pupil_ref": ref,
                "surname": draw(NAMES),
                "forename": draw(NAMES),
                "birth_date": draw(st.none() | days),
                "sex": draw(codes("sex")),
                "ethnicity": draw(codes("ethnicity_school")) if spring else None,
                "line": line,
            }
        )
        if draw(st.booleans()):
            upn = {"ref": ref, "kind": "upn", "value": make_upn("801", "2000", 2012, line), "line": line}
            tables["identifier"].append(upn)
        roll = {
            "pupil_ref": ref,
            "school_ref": draw(SCHOOLS),
            "entry_date": draw(days),
            "year_group": draw(codes("year_group")),
            "boarder": draw(codes("boarder")),
        }
        roll |= {"status": draw(codes("enrolment_status"))} if on_roll else {"leaving_date": draw(days)}
        tables["enrolment"].append(roll)
        if on_roll:
            language = draw(st.sampled_from([None, "ENG", "PNJA"]))
            tables["characteristic"].append(
                {
                    "pupil_ref": ref,
                    "as_at": collection.day,
                    "sen_provision": draw(codes("sen_provision")),
                    "language": language,
                    "eal": additional_english(language),
                    "young_carer": draw(codes("young_carer")) if spring else None,
                }
            )
    for second in (False, True) if collection.term == "autumn" else (False,):
        start, end = collection.attendance_span(second_half=second)
        for line, roll in enumerate(tables["enrolment"], start=2):
            sessions = draw(COUNTS)
            if sessions is not None:
                row = {"pupil_ref": roll["pupil_ref"], "school_ref": roll["school_ref"], "term_start": start}
                tables["termly_attendance"].append(row | {"term_end": end, "sessions": sessions, "line": line})
    if not on_roll:
        del tables["characteristic"]
    return collection, {name: table(name, rows) for name, rows in tables.items()}


@pytest.mark.parametrize("name", ["pupilonroll", "pupilnolongeronroll"])
@given(data=st.data())
@AROUND
def test_pupils(name: str, data: st.DataObject):
    collection, tables = data.draw(rolls(on_roll=name == "pupilonroll"))
    read = again(name, collection, tables)
    assert {n: t.to_pylist() for n, t in read.tables.items()} == {n: t.to_pylist() for n, t in tables.items()}


DETAIL = [e for e in EXTRACTS if e.shape != "pupils"]


@pytest.mark.parametrize("extract", DETAIL, ids=lambda e: e.name)
@given(data=st.data())
@settings(AROUND, max_examples=3)
def test_other_tables(extract, data: st.DataObject):
    collection = Collection(data.draw(st.integers(2016, 2027)), data.draw(st.sampled_from(extract.terms)))
    start, end = collection.attendance_span(second_half=extract.second_half)
    shapes = {
        "sessions": (
            "termly_attendance",
            {
                "school_ref": SCHOOLS,
                "term_start": st.just(start),
                "term_end": st.just(end),
                "code": st.sampled_from(sorted(valid_codes("attendance", end - timedelta(days=1)))),
                "sessions": COUNTS,
            },
        ),
        "exclusions": (
            "suspension",
            {
                "school_ref": SCHOOLS,
                "start_date": st.integers(0, 300).map(lambda n: collection.day - timedelta(days=n)),
                "sessions": COUNTS,
                "category": st.sampled_from(["SUSP", "PERM", "LNCH"]),
                "reason1": codes("exclusion_reason"),
                "reason3": codes("exclusion_reason"),
            },
        ),
        "meals": ("characteristic", {"as_at": st.just(collection.day), "fsm": st.booleans()}),
        "needs": (
            "characteristic",
            {"as_at": st.just(collection.day), "sen_primary": codes("sen_type").filter(lambda c: c is not None)},
        ),
        "addresses": ("pupil", {"postcode": st.sampled_from(["ZZ1 1ZZ", "ZZ12 3ZZ"])}),
    }
    kind, columns = shapes[extract.shape]
    rows = data.draw(
        st.lists(
            st.fixed_dictionaries({"pupil_ref": st.text("abc0123-", min_size=1, max_size=6)} | columns),
            min_size=1,
            max_size=6,
            unique_by=lambda row: row["pupil_ref"],
        )
    )
    made = table(kind, rows)
    assert again(extract.name, collection, {kind: made}).tables[kind].to_pylist() == made.to_pylist()

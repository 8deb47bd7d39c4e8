"""What is written as a school census in XML reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.school_census_terms import Collection
from sightline.sources.school_census_xml import read_census_xml, write_census_xml
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import make_upn
from sightline.vocabulary.languages import additional_english

DAYS = st.none() | st.dates(date(2015, 1, 1), date(2024, 7, 1))
NAMES = st.none() | st.text(st.characters(codec="utf-8", categories=("L",)), min_size=1, max_size=8)


def code(name: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from([c.code for c in code_list(name)])


def drawn(data: st.DataObject, census: Collection) -> dict[str, pa.Table]:
    names = ("pupil", "identifier", "enrolment", "characteristic", "termly_attendance", "suspension")
    rows: dict[str, list[dict[str, object]]] = {name: [] for name in names}
    for n in range(data.draw(st.integers(1, 3))):
        upn = make_upn("301", "2001", 15, n)
        who = {"pupil_ref": upn}
        here = who | {"school_ref": "3012001"}
        rows["pupil"].append(
            who | {"surname": data.draw(NAMES), "birth_date": data.draw(DAYS), "sex": data.draw(code("sex"))}
        )
        rows["identifier"].append({"ref": upn, "kind": "upn", "value": upn})
        left = data.draw(st.booleans())
        roll = here | {"entry_date": data.draw(DAYS), "year_group": data.draw(code("year_group"))}
        if left:
            rows["enrolment"].append(roll | {"leaving_date": date(2024, 7, 19)})
        else:
            rows["enrolment"].append(roll | {"status": data.draw(code("enrolment_status"))})
            language = data.draw(NAMES)
            rows["characteristic"].append(
                who
                | {"as_at": census.day, "fsm": data.draw(st.none() | st.booleans()), "language": language}
                | {"eal": additional_english(language)}
                | {"sen_provision": data.draw(code("sen_provision")), "sen_primary": data.draw(code("sen_type"))}
            )
        for second in (False, True) if census.term == "autumn" else (False,):
            start, end = census.attendance_span(second_half=second)
            span = here | {"term_start": start, "term_end": end}
            rows["termly_attendance"].append(span | {"sessions": data.draw(st.integers(0, 130))})
            for mark in data.draw(st.lists(st.sampled_from("IMUO"), unique=True, max_size=2)):
                rows["termly_attendance"].append(span | {"code": mark, "sessions": data.draw(st.integers(1, 20))})
        if data.draw(st.booleans()):
            reasons = {
                "reason1": data.draw(st.sampled_from(["PP", "DB"])),
                "reason2": data.draw(st.none() | st.just("VA")),
            }
            rows["suspension"].append(
                here | {"start_date": date(2024, 1, 9), "sessions": 3, "category": "SUSP"} | reasons
            )
    return {name: pa.Table.from_pylist(held, schema=arrow_schema(name)) for name, held in rows.items()}


def plain(table: pa.Table) -> list[str]:
    return sorted(map(str, table.drop_columns(["line"]).to_pylist()))


@pytest.mark.parametrize(
    "census", [Collection(2024, term) for term in ("spring", "summer", "autumn")], ids=lambda c: c.term
)
@given(data=st.data())
@settings(max_examples=3)
def test_round_trip(census: Collection, data: st.DataObject):
    tables = drawn(data, census)
    with tempfile.TemporaryDirectory() as folder:
        reading = Reading("school-census-xml", "school-census", census.label, "", "301", tables=tables)
        (path,) = write_census_xml(reading, Path(folder))
        read = read_census_xml(path, Context(name=path.name))
    assert (read.period, read.authority) == (census.label, "301")
    for name, table in tables.items():
        assert plain(read.tables[name]) == plain(table), name

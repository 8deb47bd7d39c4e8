"""What is written of the register of schools reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.gias import SOURCES

EXTRACT, LINKS = SOURCES
DAYS = st.none() | st.dates(date(1930, 1, 1), date(2026, 1, 1))
URNS = st.integers(100000, 999999).map(str)
WORDS = st.none() | st.text("abcdeé ,\"'", min_size=1, max_size=10).filter(lambda t: t.strip() == t)


@st.composite
def schools(draw):
    authority = draw(st.integers(100, 999).map(str))
    number = draw(st.none() | st.integers(0, 9999).map(lambda n: f"{n:04d}"))
    words = {c: draw(WORDS) for c in ("name", "phase", "type", "type_group", "status", "trust_name", "locality")}
    return words | {
        "urn": draw(URNS),
        "authority": authority,
        "laestab": authority + number if number else None,
        "open_date": draw(DAYS),
        "close_date": draw(DAYS),
        "low_age": draw(st.none() | st.integers(0, 19)),
        "high_age": draw(st.none() | st.integers(0, 19)),
        "trust_ref": draw(st.none() | URNS),
        "ukprn": draw(st.none() | URNS),
        "postcode": draw(st.none() | st.just("ZZ9 9ZZ")),
    }


@given(st.lists(schools(), min_size=1, max_size=6, unique_by=lambda row: row["urn"]))
@settings(max_examples=12)
def test_schools(rows):
    table = pa.Table.from_pylist(
        [{"line": line} | row for line, row in enumerate(rows, start=2)], schema=arrow_schema("school")
    )
    with tempfile.TemporaryDirectory() as folder:
        reading = Reading("gias", "gias", "", "schools", as_at="2024-03-11", tables={"school": table})
        (path,) = EXTRACT.write(reading, Path(folder))
        assert path.name == "edubasealldata20240311.csv"
        again = EXTRACT.read(path, Context())
    assert again.tables["school"].to_pylist() == table.to_pylist()
    assert (again.as_at, again.findings) == ("2024-03-11", [])


@given(st.lists(st.tuples(URNS, URNS, WORDS, DAYS), min_size=1, max_size=6))
@settings(max_examples=10)
def test_links(rows):
    named = [dict(zip(("urn", "link_urn", "link_type", "link_date"), row, strict=True)) for row in rows]
    table = pa.Table.from_pylist(
        [{"line": line} | row for line, row in enumerate(named, start=2)], schema=arrow_schema("school_link")
    )
    with tempfile.TemporaryDirectory() as folder:
        (path,) = LINKS.write(Reading("gias-links", "gias", "", "links", tables={"school_link": table}), Path(folder))
        again = LINKS.read(path, Context())
    assert again.tables["school_link"].to_pylist() == table.to_pylist()

"""Reading an authority's locality model, in whatever words its list has, and writing it."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources import localities, recognise
from sightline.sources.base import Context, Reading
from sightline.synthetic.localities import locality_model
from sightline.vocabulary.errors import UnreadableFile


def read(folder: Path, text: str) -> Reading:
    path = folder / "model.csv"
    path.write_text(text, encoding="utf-8")
    source = recognise(path)
    assert source.kind == "localities"
    return source.read(path, Context(name=path.name))


def areas(reading: Reading) -> list[tuple[str, str, str]]:
    return [(r["area"], r["kind"], r["locality"]) for r in reading.tables["locality_area"].to_pylist()]


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        ("LSOA21CD,LSOA21NM,Locality\ne01000001,Elm 1A,North\n", ("E01000001", "lsoa", "North")),
        ("LSOA 2011 code;Neighbourhood area\nE01000001;  North   Hub \n", ("E01000001", "lsoa", "North Hub")),
        ("WD24CD\tWD24NM\tHub Name\nE05000001\tElm\tNorth\n", ("E05000001", "ward", "North")),
        ("Postcode,Locality\nzz12ab,North\n", ("ZZ1 2AB", "postcode", "North")),
        ("Postcode sector,Patch\nZZ12 3,North\n", ("ZZ12 3", "sector", "North")),
        ("Postcode_Sector,Patch\nZZ123,North\n", ("ZZ12 3", "sector", "North")),
        ("Postcode District,Cluster\nZZ12,North\n", ("ZZ12", "district", "North")),
        # Of a row that gives several, the most exact says it; the others only describe it.
        ("Ward code,LSOA code,Locality\nE05000001,E01000001,North\n", ("E01000001", "lsoa", "North")),
    ],
)
def test_what_an_area_is_its_content_tells(tmp_path, text, expect):
    assert areas(read(tmp_path, text)) == [expect]


def test_both_census_years_of_a_small_area_count(tmp_path):
    reading = read(tmp_path, "LSOA11CD,LSOA21CD,Locality\nE01000001,E01000002,North\nE01000003,E01000003,South\n")
    assert [a for a, _, _ in areas(reading)] == ["E01000001", "E01000002", "E01000003"]


def test_what_cannot_be_is_said_and_stops_nothing(tmp_path):
    reading = read(
        tmp_path,
        "Area,Locality\nZZ1,North\nZZ1,South\nZZ1,North\nElm Ward,North\nW01000001,North\nZZ2,\n,North\nZZ3,NORTH\n",
    )
    assert areas(reading) == [("ZZ1", "district", "North"), ("ZZ3", "district", "NORTH")]
    assert [(f.rule, f.line, f.value) for f in reading.findings] == [
        ("unknown-area", 5, "Elm Ward"),
        ("unknown-area", 6, "W01000001"),
        ("missing-value", 8, ""),
        ("missing-value", 7, ""),
        ("area-in-two-localities", 3, "South"),
        ("repeated-record", 4, "ZZ1"),
        ("localities-alike", 0, ""),
    ]
    assert reading.findings[0].right.startswith("a postcode (ZZ1 2AB)")
    assert "North, which was kept" in reading.findings[4].says


def test_a_list_without_one_area_in_a_locality_replaces_nothing(tmp_path):
    with pytest.raises(UnreadableFile, match="not one area in a locality"):
        read(tmp_path, "Area,Locality\nZZ1,\n")


@pytest.mark.parametrize(
    "text",
    [
        "pcds,lsoa21cd\nZZ1 1AA,E01000001\n",
        "URN,EstablishmentName,Postcode,Locality\n900001,Elm School,ZZ1 1AA,Elm\n",
        "Child ID,Postcode,Locality\n1,ZZ1 1AA,North\n",
        "Address line 1,Locality,Postcode\n1 Elm Road,Elm,ZZ1 1AA\n",
        "Area,Locality\nThe old town,North\n",
    ],
)
def test_lists_of_other_things_are_no_locality_model(tmp_path, text):
    path = tmp_path / "other.csv"
    path.write_text(text, encoding="utf-8")
    with contextlib.suppress(UnreadableFile):
        assert recognise(path).kind != "localities"


def test_the_invented_model_reads_back_the_same(tmp_path):
    made = locality_model()
    (path,) = localities.write_localities(made, tmp_path)
    again = recognise(path).read(path, Context(name=path.name))
    assert again.tables["locality_area"].equals(made.tables["locality_area"])
    assert (again.findings, again.covers, again.period) == ([], made.covers, "21 areas in 5 localities")


AREAS = st.one_of(
    st.from_regex(r"E01[0-9]{6}", fullmatch=True).map(lambda a: (a, "lsoa")),
    st.from_regex(r"E05[0-9]{6}", fullmatch=True).map(lambda a: (a, "ward")),
    st.from_regex(r"[A-Z]{1,2}[0-9]{1,2}", fullmatch=True).map(lambda a: (a, "district")),
    st.from_regex(r"[A-Z]{1,2}[0-9][A-Z] [0-9]", fullmatch=True).map(lambda a: (a, "sector")),
    st.from_regex(r"[A-Z]{2}[0-9] [0-9][A-Z]{2}", fullmatch=True).map(lambda a: (a, "postcode")),
)
NAMES = st.from_regex(r"[A-Z][a-z,;\"']{0,5}( [A-Z][a-z]{1,4})?", fullmatch=True)


@settings(max_examples=4, deadline=None)
@given(st.dictionaries(AREAS, NAMES, min_size=1, max_size=6))
def test_read_of_write_is_the_same(tmp_path_factory, model):
    rows = [
        {"area": area, "kind": kind, "locality": name, "line": line}
        for line, ((area, kind), name) in enumerate(model.items(), start=2)
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema("locality_area"))
    path = tmp_path_factory.mktemp("localities")
    reading = Reading("localities", "localities", "", "", tables={"locality_area": table})
    (written,) = localities.write_localities(reading, path)
    assert localities.read_localities(written, Context()).tables["locality_area"].equals(table)

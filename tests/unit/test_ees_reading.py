"""Files of national figures as publishers vary them: every level of area, columns told apart, older symbols."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import UnreadableFile

COMMON = "time_period,time_identifier,geographic_level,country_code,country_name"


def read(folder: Path, text: str, meta: str = "") -> Reading:
    path = folder / "figures.csv"
    path.write_text(text, encoding="utf-8")
    beside = [path]
    if meta:
        beside.append(folder / "figures.meta.csv")
        beside[1].write_text("col_name,col_type,label\n" + meta, encoding="utf-8")
    context = Context(beside=tuple(beside), name=path.name)
    return recognise(path, context).read(path, context)


def told(reading: Reading) -> set[str]:
    return {finding.rule for finding in reading.findings}


@pytest.mark.parametrize(
    ("level", "columns", "area"),
    [
        ("Ward", "ward_code,ward_name", "E05000026,Abbey"),
        ("Parliamentary constituency", "pcon_code,pcon_name", "E14001063,Aldershot"),
        ("MAT", "trust_id,trust_name", "5555,Elmfold Trust"),
        ("Provider", "provider_ukprn,provider_name", "10008081,Elmfold College"),
        ("Planning area", "planning_area_code,planning_area_name", "3010001,North"),
        ("English devolved area", "english_devolved_area_code,english_devolved_area_name", "E47000001,North"),
    ],
)
def test_areas_of_every_level_are_told_apart(tmp_path, level, columns, area):
    """Two areas of one level and period are two figures, and the number of an area is no figure."""
    other = area.replace("1", "2", 1) if "1" in area else area.replace("5", "6", 1)
    rows = "".join(f"202324,Academic year,{level},E92000001,England,{a},7\n" for a in (area, other))
    reading = read(tmp_path, f"{COMMON},{columns},pupils\n{rows}")
    assert reading.tables["comparator"].select(
        ["level", "area_code", "area_name", "indicator", "figure"]
    ).to_pylist() == [
        {
            "level": level,
            "area_code": a.split(",")[0],
            "area_name": a.split(",")[1],
            "indicator": "pupils",
            "figure": 7.0,
        }
        for a in (area, other)
    ]
    assert "repeated-figure" not in told(reading)


def test_the_table_tool_s_location_is_the_area(tmp_path):
    reading = read(
        tmp_path,
        "location,location_code,geographic_level,time_period,pupils\n"
        "Hackney,E09000012,Local authority,202324,5\nEngland,E92000001,National,202324,9\n",
    )
    rows = reading.tables["comparator"].to_pylist()
    assert [(r["area_name"], r["authority"], r["breakdown"]) for r in rows] == [
        ("Hackney", "204", None),
        ("England", None, None),
    ]


def test_columns_of_ages_are_figures_and_older_symbols_are_no_words(tmp_path):
    rows = [("Boys", 5, "~"), ("Girls", 6, ":"), ("Total", 11, 4)]
    body = "".join(f"202324,Academic year,National,E92000001,England,{a},{b},{c}\n" for a, b, c in rows)
    reading = read(tmp_path, f"{COMMON},sex,age_5,age_6\n{body}")
    got = {
        (r["breakdown"], r["indicator"]): (r["figure"], r["symbol"]) for r in reading.tables["comparator"].to_pylist()
    }
    assert got["sex: Girls", "age_5"] == (6.0, None)
    assert got["sex: Boys", "age_6"] == (None, "~")
    assert got["sex: Girls", "age_6"] == (None, ":")
    assert len(got) == 6


def test_a_tool_s_word_for_nothing_leaves_a_column_one_of_figures(tmp_path):
    body = "".join(f"{year},Academic year,National,E92000001,England,{x}\n"
                   for year, x in ((202122, "NA"), (202223, "NaN"), (202324, "3")))  # fmt: skip
    reading = read(tmp_path, f"{COMMON},pupils\n{body}")
    assert [(r["figure"], r["symbol"]) for r in reading.tables["comparator"].to_pylist()] == [
        (None, None), (None, None), (3.0, None)]  # fmt: skip
    assert [f.value for f in reading.findings if f.rule == "not-a-figure"] == ["NA", "NaN"]


def test_what_the_describing_file_does_not_name_and_a_second_column_of_a_name_are_no_figures(tmp_path):
    body = "202324,Academic year,National,E92000001,England,2001,Boys,4,9\n"
    reading = read(tmp_path, f"{COMMON},estab,sex,pupils,pupils\n{body}", "sex,Filter,Sex\npupils,Indicator,Pupils\n")
    assert [(r["indicator"], r["figure"]) for r in reading.tables["comparator"].to_pylist()] == [("pupils", 4.0)]
    assert {"column-not-described", "duplicate-column"} <= told(reading)


def test_a_renamed_heading_is_asked_for_by_name(tmp_path):
    with pytest.raises(UnreadableFile, match="this one has no geographic_level"):
        read(tmp_path, "time_period,time_identifier,level,country_code,pupils\n202324,Academic year,National,E92,4\n")

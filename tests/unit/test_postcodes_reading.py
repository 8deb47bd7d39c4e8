"""Reading look-ups from postcodes to small areas, in each layout of the publisher's and in lists of one's own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sightline.sources import postcodes, recognise
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import UnreadableFile


def read(folder: Path, text: str) -> Reading:
    path = folder / "lookup.csv"
    path.write_text(text, encoding="utf-8")
    source = recognise(path)
    assert source.kind == "postcodes"
    return source.read(path, Context(name=path.name))


@pytest.mark.parametrize(
    ("header", "row", "areas"),
    [
        ("pcd,pcd2,pcds,dointr,doterm,osward,ctry,lsoa01,lsoa11,msoa11,lsoa21,imd",
         "ZZ991AA,ZZ99  1AA,ZZ99 1AA,198001,199606,E05000001,E92000001,E01000009,E01000001,E02000001,E01000002,77",
         ("E01000001", "E01000002", "E05000001")),
        ("pcd7,pcd8,pcds,dointr,doterm,usrtypind,lad25cd,wd25cd,lsoa21cd,imd20ind",
         "ZZ991AA,ZZ99 1AA,ZZ99 1AA,198001,199606,0,E09000001,S13000001,E01000002,77", (None, "E01000002", None)),
        ("pcd7,pcd8,pcds,dointr,doterm,usertype,oa11cd,lsoa11cd,msoa11cd,ladcd,lsoa11nm",
         "ZZ991AA,ZZ99 1AA,ZZ99 1AA,198001,199606,0,E00000001,E01000001,E02000001,E09000001,Elm 1A",
         ("E01000001", None, None)),
    ],
)  # fmt: skip
def test_each_layout(tmp_path, header, row, areas):
    reading = read(tmp_path, f"{header}\n{row}\n")
    assert reading.tables["postcode_area"].drop_columns(["line"]).to_pylist() == [
        {"postcode": "ZZ99 1AA", "lsoa_2011": areas[0], "lsoa_2021": areas[1], "ward": areas[2],
         "introduced": date(1980, 1, 1), "terminated": date(1996, 6, 1)}
    ]  # fmt: skip
    assert (reading.period, reading.covers) == ("postcodes of ZZ to 1996-06", "postcodes of ZZ")


def test_places_outside_england_are_counted_and_left_out(tmp_path):
    reading = read(tmp_path, "Postcode,LSOA Code,Ward\nzz991aa,e01000001,Elm\nZY1 1AA,W01000001,Elm\nZY1 1AB,,\n")
    assert reading.tables["postcode_area"]["postcode"].to_pylist() == ["ZZ99 1AA"]
    assert [f.says[:12] for f in reading.findings if f.rule == "outside-england"] == ["2 postcodes "]


def test_a_list_of_pupils_is_no_list_of_postcodes(tmp_path):
    path = tmp_path / "roll.csv"
    path.write_text(
        "UPN,Surname,DOB,Admission date,FSM,Year group,Postcode,LSOA code\n"
        "A123456789012,Rill,2012-03-04,2024-09-02,N,7,ZZ99 1AA,E01000001\n"
    )
    assert recognise(path).kind == "school-roll"


def test_no_postcode_of_england_replaces_nothing(tmp_path):
    with pytest.raises(UnreadableFile, match="not one that lies in England"):
        read(tmp_path, "pcds,lsoa21cd\nZY1 1AA,W01000001\n")


def test_read_of_write_is_the_same(tmp_path):
    first = read(tmp_path, "pcds,dointr,doterm,lsoa11,lsoa21,wd25cd\nZZ99 1AA,198001,,E01000001,E01000002,E05000001\n")
    (path,) = postcodes.write_postcodes(first, tmp_path)
    again = recognise(path).read(path, Context(name=path.name))
    assert again.tables["postcode_area"].equals(first.tables["postcode_area"])

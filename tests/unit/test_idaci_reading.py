"""Reading deprivation by small area, in either edition and either way of naming columns."""

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
from sightline.sources.base import Context, Reading
from sightline.sources.idaci import read_idaci, write_idaci


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str) -> Reading:
        path = tmp_path / "anything.csv"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        return recognise(path).read(path, Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


@pytest.mark.parametrize(
    ("name", "count", "covers", "wrong"),
    [
        ("idaci2019_lsoa11.csv", 32844, "2019, children", {}),
        ("iod2025_lsoa21.csv", 33755, "2025, idaci_children", {"no-idaci": 1}),
    ],
)
def test_the_published_editions(real: Path, name: str, count: int, covers: str, wrong: dict[str, int]):
    path = real / "education" / "idaci" / name
    source = recognise(path)
    assert source.kind == "idaci"
    reading = source.read(path, Context())
    assert reading.tables["deprivation"].num_rows == count
    assert reading.covers.startswith(covers)
    assert rules(reading) == wrong


def test_the_official_index_is_kept_and_none_is_made_up(real: Path):
    path = real / "education" / "idaci" / "idaci2019_lsoa11.csv"
    table = recognise(path).read(path, Context()).tables["deprivation"]
    ranks = table["idaci_rank"].to_pylist()
    assert (min(ranks), max(ranks), table["idaci_rank"].null_count) == (1, 32844, 0)
    assert set(Counter(table["idaci_decile"].to_pylist()).values()) <= {3284, 3285}
    assert table["idaci_score"].null_count == 32844
    assert set(table["lsoa_year"].to_pylist()) == {2011}


def test_the_summary_by_district(real: Path):
    path = real / "education" / "idaci" / "iod2025_lad24.csv"
    source = recognise(path)
    assert source.kind == "deprivation-districts"
    reading = source.read(path, Context())
    table = reading.tables["comparator"]
    assert table.num_rows == 2960 * 6 - _blank(path)
    assert set(table["level"].to_pylist()) == {"Local authority district"}
    assert not reading.findings
    with tempfile.TemporaryDirectory() as folder:
        (written,) = source.write(reading, Path(folder))
        again = source.read(written, Context()).tables["comparator"]
    assert sorted(map(str, again.to_pylist())) == sorted(map(str, table.to_pylist()))


def _blank(path: Path) -> int:
    import csv

    with path.open(encoding="utf-8", newline="") as lines:
        return sum(not cell for row in list(csv.reader(lines))[1:] for cell in row[5:])


def test_the_published_names_of_columns(read):
    reading = read(
        "LSOA code (2021),LSOA name (2021),Income Deprivation Affecting Children Index (IDACI) Score (rate),"
        "Income Deprivation Affecting Children Index (IDACI) Rank (where 1 is most deprived),"
        "Income Deprivation Affecting Children Index (IDACI) Decile (where 1 is most deprived 10% of LSOAs),"
        "Dependent Children aged 0-15: mid 2022\n"
        'E01000001,City of London 001A,0.006,"32,806",10,175\n'
        "e01000002,City of London 001B,1.2,99999,11,\nW01000003,Somewhere,0.1,1,1,\nE01000001,Again,0.1,1,1,1"
    )
    first, second, third = reading.tables["deprivation"].to_pylist()
    assert (first["idaci_score"], first["idaci_rank"], first["idaci_decile"], first["children"]) == (
        0.006,
        32806,
        10,
        175,
    )
    assert (first["lsoa_year"], first["edition"]) == (2021, 2025)
    assert (second["lsoa"], third["lsoa"]) == ("E01000002", "W01000003")
    assert {(f.rule, f.record, f.line) for f in reading.findings} == {
        ("score-out-of-range", "E01000002", 3),
        ("rank-out-of-range", "E01000002", 3),
        ("decile-out-of-range", "E01000002", 3),
        ("lsoa", "W01000003", 4),
        ("repeated-record", "E01000001", 5),
        ("part-of-the-country", "", 0),
    }


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "idaci_rank": st.none() | st.integers(1, 32844),
            "idaci_decile": st.none() | st.integers(1, 10),
            "idaci_score": st.none() | st.integers(0, 1000).map(lambda n: n / 1000),
            "children": st.none() | st.integers(0, 900),
            "imd_rank": st.integers(1, 32844),
        }
    ),
    min_size=1,
    max_size=6,
)


@given(ROWS)
@settings(max_examples=8)
def test_round_trip(rows):
    made = [
        row | {"lsoa": f"E01{n:06}", "lsoa_year": 2011, "edition": 2019, "line": n + 2} for n, row in enumerate(rows)
    ]
    table = pa.Table.from_pylist(made, schema=arrow_schema("deprivation"))
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write_idaci(Reading("idaci", "national", "", "", tables={"deprivation": table}), Path(folder))
        assert read_idaci(path, Context()).tables["deprivation"].to_pylist() == table.to_pylist()

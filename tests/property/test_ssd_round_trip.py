"""What is written of a table of the Standard Safeguarding Dataset reads back the same."""

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
from sightline.sources.columns import bench, doubtful_upn, plain, plain_sql, postcode
from sightline.sources.ssd import SOURCES
from sightline.sources.ssd_tables import ADDRESS, EXTRACTS, FACTORS, LINKED, PERSON, Extract
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import is_temporary_upn, make_upn, normalise_postcode, upn_fault
from sightline.vocabulary.tables import TABLES, Type

IDS = st.text("ABCxyz0123456789-_", min_size=1, max_size=8).filter(lambda t: t != "-1")
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), include_characters=" ,\"'"), min_size=1, max_size=12
).filter(lambda t: t.strip() == t and t not in ("-1", "PLACEHOLDER_DATA"))
DAYS = st.dates(date(1995, 1, 1), date(2030, 1, 1))
# The day of a file is worked out from all of them, so mistyped years would be findings, not differences.


def values(extract: Extract, column: str) -> st.SearchStrategy[object]:
    spec = TABLES[extract.table][column]
    if spec.required or column.endswith("_ref"):
        return IDS
    if spec.codes:
        return st.none() | st.sampled_from([c.code for c in code_list(spec.codes)])
    return st.none() | {Type.DATE: DAYS, Type.FLAG: st.booleans()}.get(spec.type, TEXTS)


def rows_of(extract: Extract) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(st.fixed_dictionaries({c: values(extract, c) for c in extract.columns}), min_size=1, max_size=6)


def again(extract: Extract, tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    source = next(s for s in SOURCES if s.kind == extract.kind)
    reading = Reading(extract.kind, "ssd", "", extract.ssd, tables=tables)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = source.write(reading, Path(folder))
        assert path.name == f"{extract.ssd}.csv"
        return source.read(path, Context()).tables


def made(name: str, rows: list[dict[str, object]]) -> pa.Table:
    numbered = [{"line": line} | row for line, row in enumerate(rows, start=2)]
    return pa.Table.from_pylist(numbered, schema=arrow_schema(name))


@pytest.mark.parametrize(
    "extract", [e for e in EXTRACTS if e not in (PERSON, LINKED, ADDRESS, FACTORS)], ids=lambda e: e.ssd
)
@given(data=st.data())
@settings(max_examples=5)
def test_round_trip(extract: Extract, data: st.DataObject):
    table = made(extract.table, data.draw(rows_of(extract)))
    if extract.table == "involvement":
        read = again(extract, {"involvement": table})["involvement"]
        same = read.drop_columns(["is_social_worker"]), table.drop_columns(["is_social_worker"])
    else:
        same = again(extract, {extract.table: table})[extract.table], table
    assert same[0].to_pylist() == same[1].to_pylist()


@given(data=st.data())
@settings(max_examples=8)
def test_persons_round_trip_with_their_numbers(data: st.DataObject):
    children = data.draw(
        st.lists(
            st.fixed_dictionaries({c: values(PERSON, c) for c in PERSON.columns}),
            min_size=1,
            max_size=6,
            unique_by=lambda row: row["child_ref"],
        )
    )
    numbers = []
    for line, child in enumerate(children, start=2):
        kinds = {"person_id": str(child["child_ref"]).upper()}
        if data.draw(st.booleans()):
            kinds["legacy_id"] = data.draw(IDS).upper()
        if data.draw(st.booleans()):
            kinds["upn"] = make_upn("801", "2000", 2012, line)
        numbers += [{"ref": child["child_ref"], "kind": k, "value": v, "line": line} for k, v in kinds.items()]
    tables = {"child": made("child", children), "identifier": made("identifier", numbers)}
    read = again(PERSON, tables)
    assert read["child"].to_pylist() == tables["child"].to_pylist()
    assert read["identifier"].to_pylist() == tables["identifier"].to_pylist()


def test_the_other_tables_round_trip():
    """Factors keep their order; addresses and linked identifiers keep what they hold."""
    factors = made(
        "assessment_factor",
        [
            {"child_ref": "assessment:A", "assessment_ref": "A", "factor": "4B", "line": 2},
            {"child_ref": "assessment:A", "assessment_ref": "A", "factor": "2B", "line": 2},
            {"child_ref": "assessment:B", "assessment_ref": "B", "factor": "21", "line": 3},
        ],
    )
    assert again(FACTORS, {"assessment_factor": factors})["assessment_factor"].equals(factors)
    homes = made("child", [{"child_ref": "1", "postcode": "ZZ1 2ZZ"}, {"child_ref": "2", "postcode": None}])
    assert again(ADDRESS, {"child": homes})["child"].equals(homes)
    lived = made(
        "home_address",
        [
            {"child_ref": "1", "postcode": "ZZ1 1ZZ", "end_date": date(2024, 5, 31)},
            {"child_ref": "1", "postcode": "ZZ1 2ZZ", "start_date": date(2024, 6, 1)},
        ],
    )
    read = again(ADDRESS, {"home_address": lived})
    assert read["home_address"].equals(lived)
    assert read["child"].select(["child_ref", "postcode", "line"]).to_pylist() == [
        {"child_ref": "1", "postcode": "ZZ1 2ZZ", "line": 3}
    ]
    numbers = made(
        "identifier",
        [
            {"ref": "1", "kind": "former_upn", "value": "B801200005001", "valid_from": date(2019, 9, 1)},
            {"ref": "2", "kind": "uln", "value": "1234567890", "valid_to": date(2020, 9, 1)},
        ],
    )
    assert again(LINKED, {"identifier": numbers})["identifier"].equals(numbers)


def in_sql(expression: str, texts: list[str]) -> list[object]:
    with bench(pa.table({"x": pa.array(texts, pa.string())})) as database:
        return [row[0] for row in database.rows(f"SELECT {expression} FROM raw")]


UPN_LIKE = st.one_of(
    st.from_regex(r"\A[A-Z][0-9]{11}[0-9A-Z]\Z"),
    st.builds(make_upn, st.just("801"), st.just("4321"), st.integers(0, 99), st.integers(0, 999)),
    st.text("ABIOS019 -", max_size=14),
)


@given(st.lists(UPN_LIKE, min_size=1, max_size=30))
@settings(max_examples=25)
def test_the_quick_look_at_upns_never_passes_a_wrong_one(upns: list[str]):
    """It may doubt a temporary UPN that is right; `upn_fault` then has the last word."""
    for upn, doubtful in zip(upns, in_sql(doubtful_upn("x"), upns), strict=True):
        assert doubtful == (upn_fault(upn) is not None or is_temporary_upn(upn)), upn


@given(st.lists(st.text("aBzZ019 -", max_size=10), min_size=1, max_size=30))
@settings(max_examples=20)
def test_words_and_postcodes_are_the_same_in_sql(texts: list[str]):
    assert in_sql(plain_sql("x"), texts) == [plain(t) for t in texts]
    assert in_sql(postcode("x"), texts) == [normalise_postcode(t) for t in texts]

"""National figures written in each of their layouts read back the same."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources import ees, ees_json, lait
from sightline.sources.base import Context, Reading
from sightline.vocabulary.codes import code_list

BY_KIND = {source.kind: source for source in (*ees.SOURCES, *ees_json.SOURCES, *lait.SOURCES)}
AREAS = [
    ("National", "E92000001", None, "England"),
    ("Regional", "E12000001", None, "North East"),
    ("Local authority", "E09000012", "204", "Hackney"),
    ("Local authority", "E09000002", "301", "Barking and Dagenham"),
]
SMALLER = [("Ward", "E05000026", None, "Abbey"), ("MAT", "5555", None, "Elmfold Trust")]
CELLS = st.one_of(
    st.tuples(st.floats(-1e6, 1e9, allow_nan=False).map(lambda x: round(x, 3) + 0.0), st.none()),
    st.tuples(st.none(), st.sampled_from([c.code for c in code_list("statistic_symbol")])),
)
GROUPS = st.sampled_from([c.code for c in code_list("social_care_group")])
BREAKDOWNS = st.sampled_from(["age band: 5, 6", "age band: 7; version: Final", "age band: 7"])


def figures(dataset: str, *, plain: bool) -> st.SearchStrategy[list[dict[str, object]]]:
    row = st.fixed_dictionaries(
        {
            "period": st.sampled_from(["2022/23", "2023/24"]),
            "area": st.sampled_from(AREAS if plain else AREAS + SMALLER),
            "child_group": st.none() if plain else GROUPS,
            "phase": st.none() if plain else st.sampled_from(["Total", "Special"]),
            "breakdown": st.none() if plain else BREAKDOWNS,
            "indicator": st.sampled_from(["pupils", "rate"]),
            "cell": CELLS,
        }
    )

    def made(drawn: dict[str, object]) -> dict[str, object]:
        level, code, authority, name = drawn.pop("area")
        figure, symbol = drawn.pop("cell")
        return drawn | {
            "dataset": dataset, "year": int(str(drawn["period"])[:4]), "level": level, "authority": authority,
            "period_kind": None if plain else "Academic year", "area_code": None if plain else code,
            "area_name": name, "figure": figure, "symbol": symbol,
        }  # fmt: skip

    grain = ("period", "area_name", "child_group", "phase", "breakdown", "indicator")
    return st.lists(row.map(made), min_size=1, max_size=12, unique_by=lambda r: tuple(r[g] for g in grain))


def plain(table: pa.Table) -> list[str]:
    return sorted(map(str, table.drop_columns(["line", "dataset"]).to_pylist()))


@pytest.mark.parametrize("kind", ["ees", "ees-json", "lait"])
@given(data=st.data())
@settings(max_examples=6)
def test_round_trip(kind: str, data: st.DataObject):
    drawn = data.draw(figures("set", plain=kind == "lait"))
    schema = arrow_schema("comparator")
    table = pa.Table.from_pylist([row | {"line": n} for n, row in enumerate(drawn)], schema=schema)
    tables = {"comparator": table, "comparator_definition": arrow_schema("comparator_definition").empty_table()}
    with tempfile.TemporaryDirectory() as folder:
        (path,) = BY_KIND[kind].write(Reading(kind, "national", "set, 2022/23", "", tables=tables), Path(folder))
        read = BY_KIND[kind].read(path, Context(name="set.csv"))
    assert plain(read.tables["comparator"]) == plain(table)


@pytest.mark.parametrize("kind", ["ees-meta", "ees-json-meta", "lait-dictionary"])
@given(
    labels=st.lists(st.none() | st.from_regex(r"\A[A-Z][a-z ]{0,9}[a-z]\Z"), min_size=1, max_size=4),
)
@settings(max_examples=5)
def test_descriptions_round_trip(kind: str, labels: list[str | None]):
    rows = [
        {"dataset": "set", "kind": "indicator", "name": f"i{n}", "label": label or f"i{n}", "unit": "%", "line": n + 2}
        for n, label in enumerate(labels)
    ]
    table = pa.Table.from_pylist(rows, schema=arrow_schema("comparator_definition"))
    with tempfile.TemporaryDirectory() as folder:
        (path,) = BY_KIND[kind].write(
            Reading(kind, "national", "", "", tables={"comparator_definition": table}), Path(folder)
        )
        read = BY_KIND[kind].read(path, Context(name="set.csv"))
    assert plain(read.tables["comparator_definition"]) == plain(table)

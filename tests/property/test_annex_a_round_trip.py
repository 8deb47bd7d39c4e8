"""What is written as an Annex A workbook reads back the same, whatever a list held."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.annex_a import SOURCES, read_annex_a
from sightline.sources.base import Context, Reading
from sightline.vocabulary.codes import code_list

REFS = st.sampled_from([f"C{n}" for n in range(1, 7)])
DAYS = st.none() | st.dates(date(2022, 1, 1), date(2024, 6, 1))
STAFF = st.none() | st.sampled_from(["Robin Fen", "Kit Marsh"])


def codes(name: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from([c.code for c in code_list(name)])


def rows(**columns: st.SearchStrategy[object]) -> st.SearchStrategy[list[dict[str, object]]]:
    return st.lists(st.fixed_dictionaries({"child_ref": REFS, **columns}), max_size=4)


FACTS = {
    "referral": rows(referral_date=DAYS, referral_source=codes("referral_source"),
                     no_further_action=st.none() | st.booleans(), team_ref=STAFF, worker_ref=STAFF),
    "assessment": rows(start_date=DAYS, end_date=DAYS),
    "section_47": rows(start_date=DAYS, conference_date=DAYS, conference_not_required=st.none() | st.booleans()),
    "cin_plan": rows(start_date=DAYS, end_date=DAYS, team_ref=STAFF, worker_ref=STAFF),
    "cp_plan": rows(start_date=DAYS, end_date=DAYS, initial_category=codes("abuse_category"),
                    latest_category=codes("abuse_category"), previous_plans=st.none() | st.integers(0, 5)),
    "looked_after": rows(start_date=DAYS, end_date=DAYS),
}  # fmt: skip


def plain(tables: dict[str, pa.Table]) -> dict[str, list[str]]:
    return {name: sorted(map(str, t.drop_columns(["line"]).to_pylist())) for name, t in tables.items()}


def again(tables: dict[str, pa.Table]) -> dict[str, pa.Table]:
    with tempfile.TemporaryDirectory() as folder:
        (path,) = SOURCES[0].write(Reading("annex-a", "annex-a", "", "", tables=tables), Path(folder))
        return read_annex_a(path, Context()).tables


@given(data=st.data())
@settings(max_examples=4)
def test_round_trip(data: st.DataObject):
    """Once read, the tables are what they will be for ever; and each fact that can be said is said at once."""
    given_facts = {name: data.draw(drawn) for name, drawn in FACTS.items()}
    refs = sorted({str(row["child_ref"]) for facts in given_facts.values() for row in facts} | {"C0"})
    sexes = data.draw(st.lists(st.sampled_from("MFU"), min_size=len(refs), max_size=len(refs)))
    children = [
        {"child_ref": ref, "sex": sex, "birth_date": date(2012, 1, 1 + n), "ethnicity": "WBRI", "line": n}
        for n, (ref, sex) in enumerate(zip(refs, sexes, strict=True))
    ]
    tables = {"child": pa.Table.from_pylist(children, schema=arrow_schema("child"))}
    for name, facts in given_facts.items():
        numbered = [row | {"line": n} for n, row in enumerate(facts)]
        tables[name] = pa.Table.from_pylist(numbered, schema=arrow_schema(name))
    once = again(tables)
    assert plain({"child": once["child"]}) == plain({"child": tables["child"]})
    for name in ("assessment", "section_47", "cin_plan", "looked_after"):
        assert plain({name: once[name]}) == plain({name: tables[name]}), name
    twice = again(once)
    assert plain(twice) == plain(once)

"""What is written of a list without a national layout reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources import early_help, education_registers
from sightline.sources.base import Context, Reading
from sightline.sources.education_registers import REGISTERS
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import make_upn
from sightline.vocabulary.tables import TABLES, Type

BY_KIND = {source.kind: source for source in (*education_registers.SOURCES, *early_help.SOURCES)}
TEXTS = st.none() | st.text("abcdefgh ,;\"'", min_size=1, max_size=9).filter(lambda t: t.strip() == t)
DAYS = st.dates(date(2019, 1, 1), date(2025, 1, 1))
TABLE_OF = {r.kind: r.table for r in REGISTERS} | {"early-help": "early_help", "ssd-early-help-episodes": "early_help"}


def values(table: str, column: str) -> st.SearchStrategy[object]:
    spec = TABLES[table][column]
    if column == "kind":
        return st.sampled_from([c.code for c in code_list(spec.codes)])
    if column == "school_ref":
        return st.sampled_from(["123456", "3012001", "Oaks"])
    kinds = {Type.DATE: st.none() | DAYS, Type.FLAG: st.none() | st.booleans()}
    hours = st.none() | st.integers(0, 60).map(lambda n: n / 2)
    return kinds.get(spec.type, hours if spec.type is Type.REAL else TEXTS)


@pytest.mark.parametrize("kind", TABLE_OF)
@given(data=st.data())
@settings(max_examples=4)
def test_round_trip(kind: str, data: st.DataObject):
    table = TABLE_OF[kind]
    ref = "child_ref" if table == "early_help" else "pupil_ref"
    columns = {c: values(table, c) for c in TABLES[table].names if c not in (ref, "line")}
    drawn = data.draw(st.lists(st.fixed_dictionaries(columns), min_size=1, max_size=5))
    refs = [make_upn("301", "2001", 15, n) for n in range(2)]
    rows = [row | {ref: refs[n % 2], "line": n + 2} for n, row in enumerate(drawn)]
    people = refs[: min(len(rows), 2)]
    who = "child" if table == "early_help" else "pupil"
    tables = {
        table: pa.Table.from_pylist(rows, schema=arrow_schema(table)),
        who: pa.Table.from_pylist(
            [{ref: r, "surname": data.draw(TEXTS), "sex": "F", "line": n + 2} for n, r in enumerate(people)],
            schema=arrow_schema(who),
        ),
        "identifier": pa.Table.from_pylist(
            [{"ref": r, "kind": "upn", "value": r, "line": n + 2} for n, r in enumerate(people)],
            schema=arrow_schema("identifier"),
        ),
    }
    with tempfile.TemporaryDirectory() as folder:
        (path,) = BY_KIND[kind].write(Reading(kind, kind, "", "", tables=tables), Path(folder))
        read = BY_KIND[kind].read(path, Context())
    for name in (table,) if kind.startswith("ssd") else tables:
        assert read.tables[name].to_pylist() == tables[name].to_pylist(), name

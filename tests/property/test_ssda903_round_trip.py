"""What is written of the looked after children return reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.ssda903 import SOURCES, WORKER_CHANGES
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import make_upn

BY_KIND = {source.kind: source for source in SOURCES}
DAYS = st.dates(date(2016, 1, 1), date(2024, 1, 1))
WHO = st.fixed_dictionaries(
    {
        "birth_date": st.none() | st.dates(date(2005, 1, 1), date(2023, 1, 1)),
        "sex": st.none() | st.sampled_from("MFU"),
        "ethnicity": st.none() | st.sampled_from([c.code for c in code_list("ethnicity")]),
    }
)


def drawn(data: st.DataObject) -> dict[str, pa.Table]:
    rows: dict[str, list[dict[str, object]]] = {t: [] for t in ("child", "identifier", "looked_after", "involvement")}
    for line in range(2, 2 + data.draw(st.integers(1, 4))):
        ref = f"c{line}"
        rows["child"].append({"child_ref": ref, "line": line} | data.draw(WHO))
        rows["identifier"].append({"ref": ref, "kind": "la_child_id", "value": ref.upper(), "line": line})
        if data.draw(st.booleans()):
            rows["identifier"].append(
                {"ref": ref, "kind": "upn", "value": make_upn("801", "2000", 12, line), "line": line}
            )
        start = data.draw(DAYS)
        for _ in range(data.draw(st.integers(1, 2))):
            end = start + timedelta(days=data.draw(st.integers(0, 300)))
            rows["looked_after"].append({"child_ref": ref, "start_date": start, "end_date": end})
            start = end + timedelta(days=data.draw(st.integers(2, 90)))
        rows["involvement"].append(
            {
                "child_ref": ref,
                "professional_ref": data.draw(st.none() | st.just("SW1")),
                "is_social_worker": True,
                "start_date": data.draw(DAYS),
                "end_date": data.draw(st.none() | DAYS),
                "change_reason": data.draw(st.none() | st.sampled_from(WORKER_CHANGES)),
            }
        )
    return {table: pa.Table.from_pylist(held, schema=arrow_schema(table)) for table, held in rows.items()}


def plain(table: pa.Table) -> list[str]:
    return sorted(map(str, table.drop_columns(["line"]).to_pylist()))


@pytest.mark.parametrize(
    ("kind", "holds"),
    [
        ("ssda903-header", ("child", "identifier")),
        ("ssda903-episodes", ("looked_after",)),
        ("ssda903-sw-episodes", ("involvement",)),
        ("ssda903-xml", ("child", "identifier", "looked_after")),
    ],
)
@given(data=st.data())
@settings(max_examples=4)
def test_round_trip(kind: str, holds: tuple[str, ...], data: st.DataObject):
    tables = drawn(data)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = BY_KIND[kind].write(
            Reading(kind, "ssda903", "year to 31 March 2024", "", tables=tables), Path(folder)
        )
        reading = BY_KIND[kind].read(path, Context(name=path.name))
    assert reading.period == "year to 31 March 2024"
    for table in holds:
        assert plain(reading.tables[table]) == plain(tables[table]), table

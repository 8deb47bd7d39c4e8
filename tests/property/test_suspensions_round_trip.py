"""What is written as a list of suspensions reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.suspensions import SOURCES
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.identifiers import make_upn

(SOURCE,) = SOURCES
REASONS = st.none() | st.sampled_from([c.code for c in code_list("exclusion_reason")])
UPNS = st.integers(0, 4).map(lambda n: make_upn("801", "2000", 2012, n))
OWN = st.integers(1, 9).map(lambda n: f"own-{n}")
ROW = st.fixed_dictionaries(
    {
        "pupil_ref": UPNS | OWN,
        "school_ref": st.sampled_from([None, "900001", "9002001", 'Alder "Rise", lower']),
        "start_date": st.dates(date(2023, 9, 1), date(2024, 7, 1)),
        "end_date": st.none() | st.dates(date(2024, 7, 2), date(2024, 7, 20)),
        "sessions": st.none() | st.integers(0, 90),
        "category": st.sampled_from(["SUSP", "PERM", "LNCH"]),
        "reason1": REASONS,
        "reason2": REASONS,
        "reason3": REASONS,
    }
)


def table(name: str, rows: list[dict]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(name))


@given(st.lists(ROW, min_size=1, max_size=8))
@settings(max_examples=6)
def test_round_trip(rows):
    numbered = [{"line": line} | row for line, row in enumerate(rows, start=2)]
    firsts = {row["pupil_ref"]: row["line"] for row in reversed(numbered)}
    pupils = [
        {"pupil_ref": ref, "surname": f"Name {ref}", "birth_date": date(2012, 2, 1), "sex": "F", "line": line}
        for ref, line in sorted(firsts.items(), key=lambda item: item[1])
    ]
    numbers = [
        {"ref": p["pupil_ref"], "kind": "upn", "value": p["pupil_ref"], "line": p["line"]}
        for p in pupils
        if not p["pupil_ref"].startswith("own")
    ]
    tables = {
        "suspension": table("suspension", numbered),
        "pupil": table("pupil", pupils),
        "identifier": table("identifier", numbers),
    }
    with tempfile.TemporaryDirectory() as folder:
        (path,) = SOURCE.write(Reading("suspensions", "suspensions", "", "", tables=tables), Path(folder))
        read = SOURCE.read(path, Context())
    for name, made in tables.items():
        assert read.tables[name].to_pylist() == made.to_pylist()
    assert read.as_at == max(row["start_date"] for row in rows).isoformat()

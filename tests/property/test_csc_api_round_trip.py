"""What is written as the Department's payload reads back the same."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Reading
from sightline.sources.csc_api import TABLES, read_payload, write_payload
from sightline.sources.periods_of_care import Stay, periods
from sightline.vocabulary.codes import code_list

DAYS = st.dates(date(2015, 1, 1), date(2030, 1, 1))
MAYBE = st.none() | DAYS
NAMES = st.none() | st.text(st.characters(codec="utf-8", categories=("L", "P")), min_size=1, max_size=9)
IDS = st.from_regex(r"\A[A-Za-z0-9_-]{1,8}\Z")


def code(name: str) -> st.SearchStrategy[str | None]:
    return st.none() | st.sampled_from([c.code for c in code_list(name)])


def drawn(data: st.DataObject) -> dict[str, pa.Table]:
    rows: dict[str, list[dict[str, object]]] = {table: [] for table in TABLES}
    for line, ref in enumerate(data.draw(st.lists(IDS, min_size=1, max_size=3, unique=True)), start=1):
        who = {"child_ref": ref, "line": line}
        rows["child"].append(
            who
            | {"surname": data.draw(NAMES), "birth_date": data.draw(MAYBE), "sex": data.draw(code("sex"))}
            | {"ethnicity": data.draw(code("ethnicity")), "upn_unknown": data.draw(code("upn_unknown"))}
        )
        rows["identifier"].append({"ref": ref, "kind": "person_id", "value": ref.upper(), "line": line})
        if data.draw(st.booleans()):
            rows["disability"].append(who | {"disability": data.draw(code("disability")) or "NONE"})
        for episode in range(data.draw(st.integers(0, 2))):
            where = who | {"referral_ref": f"{ref}-{episode}"}
            rows["referral"].append(
                where
                | {"referral_date": data.draw(MAYBE), "referral_source": data.draw(code("referral_source"))}
                | {"no_further_action": data.draw(st.none() | st.booleans()), "closure_date": data.draw(MAYBE)}
            )
            if data.draw(st.booleans()):
                rows["assessment"].append(where | {"assessment_ref": f"A{episode}", "start_date": data.draw(MAYBE)})
                rows["assessment_factor"].append(who | {"assessment_ref": f"A{episode}", "factor": "2B"})
            rows["cin_plan"].append(
                where | {"plan_ref": "N", "start_date": data.draw(DAYS), "end_date": data.draw(MAYBE)}
            )
            rows["cp_plan"].append(
                where | {"plan_ref": "P", "start_date": data.draw(DAYS), "end_date": data.draw(MAYBE)}
            )
            rows["section_47"].append(
                where | {"enquiry_ref": "S", "conference_not_required": data.draw(st.none() | st.booleans())}
            )
            rows["involvement"].append(
                where | {"professional_ref": "W", "role": "CW", "is_social_worker": True, "start_date": data.draw(DAYS)}
            )
            rows["looked_after"].append(where | {"start_date": data.draw(DAYS), "end_date": data.draw(MAYBE)})
    return {table: pa.Table.from_pylist(held, schema=arrow_schema(table)) for table, held in rows.items()}


@given(data=st.data())
@settings(max_examples=6)
def test_round_trip(data: st.DataObject):
    tables = drawn(data)
    with tempfile.TemporaryDirectory() as folder:
        (path,) = write_payload(Reading("csc-api", "csc-api", "", "", "301", tables=tables), Path(folder))
        reading = read_payload(path, Context())
    assert reading.authority == "301"
    for table, rows in tables.items():
        assert sorted(map(str, reading.tables[table].to_pylist())) == sorted(map(str, rows.to_pylist())), table


SPANS = st.lists(st.tuples(st.integers(0, 40), st.none() | st.integers(0, 20)), max_size=8)


@given(SPANS)
@settings(max_examples=20)
def test_periods_of_care_hold_exactly_the_days_of_their_stays(spans):
    """Against the slow twin: the set of days in care, and no two periods that touch."""
    start = date(2020, 1, 1).toordinal()

    def text(day):
        return None if day is None else date.fromordinal(start + day).isoformat()

    stays = [Stay(text(a), None if length is None else text(a + length)) for a, length in spans]
    made = periods(stays)

    def days(held):
        found = set()
        for stay in held:
            first = date.fromisoformat(stay.start).toordinal() - start
            last = 99 if stay.end is None else date.fromisoformat(stay.end).toordinal() - start
            found |= set(range(first, last + 1))
        return found

    assert days(made) == days(stays)
    assert sum(len(days([one])) for one in made) == len(days(made))

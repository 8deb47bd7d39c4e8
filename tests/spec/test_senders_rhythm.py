"""Who is late and who is silent: by system against its rhythm, by school against the weeks other schools sent."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from sightline.engine import Database, arrow_schema
from sightline.reconciliation import schools_sending, senders
from sightline.vocabulary.settings import Settings, rhythm

ON = date(2024, 11, 22)  # a Friday
WEEK = date(2024, 11, 18)


def table(name, rows):
    schema = arrow_schema(name, stored=True)
    return pa.table({f.name: pa.array([r.get(f.name) for r in rows], f.type) for f in schema}, schema=schema)


@pytest.mark.parametrize(("days", "state"), [(0, "on time"), (7, "on time"), (8, "late"), (14, "late"), (15, "silent")])
def test_a_system_is_late_past_its_rhythm_and_silent_past_twice_that(days, state):
    rows = [{"delivery": "d", "system": "ssd", "as_at": ON - timedelta(days=days), "received": ON, "place": 1}]
    with Database.of({"delivery": table("delivery", rows)}) as database:
        (got,) = senders(database, settings=Settings(), on=ON).to_pylist()
    assert (got["state"], got["days"], got["every_days"]) == (state, days, 7)


def test_only_its_newest_file_counts_and_a_system_without_a_rhythm_is_never_late():
    rows = [
        {"delivery": "a", "system": "ssd", "as_at": date(2023, 1, 1), "received": date(2023, 1, 2), "place": 1},
        {"delivery": "b", "system": "ssd", "as_at": ON, "received": ON, "place": 2},
        {"delivery": "c", "system": "attainment", "as_at": date(2020, 1, 1), "received": ON, "place": 3},
        {"delivery": "d", "system": "sightline", "as_at": None, "received": ON, "place": 4},
    ]
    with Database.of({"delivery": table("delivery", rows)}) as database:
        got = {r["system"]: r for r in senders(database, settings=Settings(), on=ON).to_pylist()}
    assert got.keys() == {"ssd", "attainment"}, "people's own decisions are not a sender"
    assert (got["ssd"]["state"], got["ssd"]["files"], got["ssd"]["data_to"]) == ("on time", 2, ON)
    assert (got["attainment"]["state"], got["attainment"]["every_days"]) == ("no rhythm set", None)


def schools(sent, *, on=ON, roll=(), silent=4):
    """By school, its state and weeks missed. `sent`: for each school, how many weeks ago it sent marks."""
    weeks = [
        {
            "urn": urn,
            "week": WEEK - timedelta(weeks=ago),
            "pupils": 1,
            "possible": 10,
            "authorised": 0,
            "unauthorised": 0,
        }
        for urn, held in sent.items()
        for ago in held
    ]
    enrolled = [{"child_id": c, "urn": urn, "start_date": date(2024, 9, 1)} for c, urn in roll]
    counted = [{"child_id": c, "status": "CIN plan", "start_date": date(2024, 1, 1)} for c, _ in roll]
    tables = {
        "register_school_week": table("register_school_week", weeks),
        "enrolment_period": table("enrolment_period", enrolled),
        "counted_period": table("counted_period", counted),
    }
    with Database.of(tables) as database:
        rows = schools_sending(database, settings=Settings(silent_weeks=silent), on=on).to_pylist()
    return {r["urn"]: (r["state"], r["weeks_missed"], r["children"]) for r in rows}


def test_a_school_is_late_when_others_have_sent_since_and_silent_after_some_weeks():
    """A, B and C send every week. D stopped two weeks ago, E four weeks ago, F never sent and has a child on its roll."""
    every = range(6)
    got = schools(
        {"A": every, "B": every, "C": every, "D": range(2, 6), "E": range(4, 6)}, roll=[("x", "F"), ("y", "A")]
    )
    assert got == {
        "A": ("on time", 0, 1), "B": ("on time", 0, 0), "C": ("on time", 0, 0), "D": ("late", 2, 0),
        "E": ("silent", 4, 0), "F": ("silent", 6, 1),
    }  # fmt: skip


def test_a_holiday_is_nobody_s_silence():
    """Nobody sent in the last two weeks but one school of four: they are no weeks of school."""
    held = range(2, 6)
    assert {v[:2] for v in schools({"A": range(6), "B": held, "C": held, "D": held}).values()} == {("on time", 0)}


def test_marks_of_the_last_school_year_do_not_count():
    assert schools({"A": [20]}, roll=[("x", "A")]) == {"A": ("silent", 0, 1)}


@pytest.mark.parametrize("wrong", [("ssd",), ("ssd=0",), ("ssd=x",), ("=7",), ("ssd=7", "ssd=8"), ("ssd=1001",)])
def test_a_rhythm_that_is_none_is_refused(wrong):
    from sightline.vocabulary.errors import BadSetting

    assert rhythm(wrong) is None
    with pytest.raises(BadSetting):
        Settings(sender_days=wrong)

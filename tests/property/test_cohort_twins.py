"""The cohort's answers against slow, obvious twins, on generated histories."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import spec_tables
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_tables import database

from sightline.cohort import PLANS, assemble_allocations, assemble_status_periods, changes, status_on, summary
from sightline.engine import Database, arrow_schema
from sightline.engine.database import empty
from sightline.vocabulary.settings import STATUSES, Settings

START = date(2016, 1, 1)
DAYS = 4000
FEW = settings(max_examples=40, deadline=None)


def day(number: int) -> date:
    return START + timedelta(days=number)


def years_before(on: date, years: int) -> date:
    try:
        return on.replace(year=on.year - years)
    except ValueError:  # 29 February
        return on.replace(year=on.year - years, day=28)


@st.composite
def spans(draw, kinds=(*STATUSES, "assessment"), within=DAYS):
    """Rows (child, status, start, end or None), any overlaps."""
    rows = draw(
        st.lists(
            st.tuples(
                st.sampled_from("ABCD"),
                st.sampled_from(kinds),
                st.integers(0, within),
                st.one_of(st.none(), st.integers(1, within // 3)),
            ),
            max_size=14,
        )
    )
    return [(c, k, day(s), None if n is None else day(s + n)) for c, k, s, n in rows]


def merged(rows):
    """Periods of one child and status that overlap or touch, day by day the same, as few as they can be."""
    out = []
    for child, kind in sorted({r[:2] for r in rows}):
        mine = sorted((s, e or date.max) for c, k, s, e in rows if (c, k) == (child, kind))
        held = []
        for s, e in mine:
            if held and s <= held[-1][1]:
                held[-1][1] = max(held[-1][1], e)
            else:
                held.append([s, e])
        out += [(child, kind, s, None if e == date.max else e) for s, e in held]
    return out


def of_periods(rows) -> Database:
    periods = {
        "child_id": [r[0] for r in rows],
        "status": [r[1] for r in rows],
        "start_date": [r[2] for r in rows],
        "end_date": [r[3] for r in rows],
        "presumed": [False] * len(rows),
        "line": list(range(len(rows))),
    }
    schema = arrow_schema("status_period")
    table = pa.table({f.name: pa.array(periods.get(f.name, [None] * len(rows)), f.type) for f in schema}, schema=schema)
    # Only what the questions read: filling the whole vocabulary for each example would take longer than the questions.
    tables = {"status_period": table, "person": spec_tables.table("person", "child_id\nA\nB\nC\nD")}
    empty_too = ("enrolment_period", "allocation", "school", "delivery")
    return Database.of(tables | {n: empty(n, stored=True) for n in empty_too}, complete=False)


def slow_status(rows, on, choices):
    """The status of each child on a day, one child at a time."""
    found = {}
    for child in "ABCD":
        mine = [(k, s, e) for c, k, s, e in rows if c == child and s <= on]
        live = [(k, s) for k, s, e in mine if e is None or e > on]
        ends = [e for k, _, e in mine if k in PLANS and e is not None and e <= on]
        for kind in choices.precedence:
            if starts := [s for k, s in live if k == kind]:
                found[child] = (kind, min(starts))
                break
        else:
            last_days = [e - timedelta(days=1) for e in ends]
            if any(last > years_before(on, choices.look_back_years) for last in last_days):
                found[child] = ("Ever 6", max(ends))
            elif starts := [s for k, s in live if k == "assessment"]:
                found[child] = ("assessment only", min(starts))
    return found


@FEW
@given(
    spans(),
    st.integers(0, DAYS + 2500),
    st.permutations(STATUSES),
    st.integers(1, 8),
)
def test_status_on_equals_its_slow_twin(rows, on, precedence, years):
    rows, choices = merged(rows), Settings(precedence=tuple(precedence), look_back_years=years)
    with of_periods(rows) as db:
        got = {r["child_id"]: (r["status"], r["since"]) for r in status_on(db, day(on), settings=choices).to_pylist()}
    assert got == slow_status(rows, day(on), choices)


@FEW
@given(spans(), st.integers(0, DAYS), st.integers(0, 800))
def test_the_summary_adds_up(rows, since, days):
    rows, choices = merged(rows), Settings()
    before, on = day(since), day(since + days)
    with of_periods(rows) as db:
        got = summary(db, on, before, settings=choices)
        listed = changes(db, before, on, settings=choices).to_pylist()
    then, now = (slow_status(rows, d, choices) for d in (before, on))
    assert got.on_plan[1] == got.on_plan[0] + got.joiners - got.leavers
    assert got.joiners == sum(now.get(c, "-")[0] in PLANS and then.get(c, "-")[0] not in PLANS for c in "ABCD")
    for status, children in got.now.items():
        assert children == sum(found[0] == status for found in now.values())
    assert all(before < r["day"] <= on for r in listed)
    assert len({(r["child_id"], r["change"], r["day"]) for r in listed}) == len(listed)
    # Whoever has a plan on one of the two days and not on the other has a change that says so.
    on_then, on_now = (
        {c for c, k, s, e in rows if k in PLANS and s <= d and (e is None or e > d)} for d in (before, on)
    )
    told = {r["child_id"] for r in listed}
    assert (on_then ^ on_now) <= told


@FEW
@given(spans(kinds=("CIN plan", "CP plan", "looked after"), within=60))
def test_merging_keeps_every_day_and_counts_none_twice(rows):
    """One delivery, last days in; the same child, kind and start is one plan, and the row that ends last is believed."""
    text = {
        "CIN plan": "cin_plan",
        "CP plan": "cp_plan",
        "looked after": "looked_after",
    }
    received = {(c, k, s): e for c, k, s, e in sorted(rows, key=lambda r: (r[3] is not None, r[3] or date.min))}
    tables = {
        name: "child_ref | start_date | end_date\n"
        + "\n".join(f"{c} | {s} | {'' if e is None else e - timedelta(days=1)}" for c, k, s, e in rows if k == kind)
        for kind, name in text.items()
    }
    with database(**tables) as db:
        got = assemble_status_periods(db, Settings()).table.to_pylist()
    want = merged([(c, k, s, e) for (c, k, s), e in received.items()])
    assert sorted((r["child_id"], r["status"], r["start_date"], r["end_date"] or date.max) for r in got) == sorted(
        (c, k, s, e or date.max) for c, k, s, e in want
    )


@FEW
@given(spans(kinds=("w1", "w2", "w3"), within=40))
def test_the_worker_of_a_day_is_the_open_one_with_the_latest_start(rows):
    chosen = {(c, w, s): e for c, w, s, e in sorted(rows, key=lambda r: (r[3] is not None, r[3] or date.min))}
    text = "child_ref | professional_ref | is_social_worker | start_date | end_date\n" + "\n".join(
        f"{c} | {w} | true | {s} | {'' if e is None else e - timedelta(days=1)}" for c, w, s, e in rows
    )
    with database(involvement=text) as db:
        got = assemble_allocations(db, Settings()).to_pylist()
    for number in range(0, 60, 3):
        on = day(number)
        for child in "ABCD":
            live = [k for k, e in chosen.items() if k[0] == child and k[2] <= on and (e is None or e > on)]
            told = [
                r["worker_ref"]
                for r in got
                if r["child_id"] == child and r["start_date"] <= on and (r["end_date"] is None or r["end_date"] > on)
            ]
            latest = max((k[2] for k in live), default=None)
            assert len(told) == bool(live)
            assert set(told) <= {k[1] for k in live if k[2] == latest}

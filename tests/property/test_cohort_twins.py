"""The cohort's answers against slow, obvious twins, on generated histories."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_tables import counted, database

from sightline.cohort import PLANS, assemble_allocations, assemble_status_periods, changes, status_on, summary
from sightline.engine import Database, arrow_schema
from sightline.engine.database import empty
from sightline.vocabulary.settings import STATUSES, Settings

START = date(2016, 1, 1)
DAYS = 4000
FEW = settings(max_examples=40)


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


PEOPLE = dict.fromkeys("ABCD", (None, None))
CHOICES = st.builds(
    Settings,
    precedence=st.permutations(STATUSES).map(tuple),
    look_back_years=st.integers(1, 8),
    ever_6_oldest_age=st.integers(5, 25),
)
# Born so that childhood ends before, among or after the plans; 29 February more often than in life. Most are alive.
BORN = st.one_of(
    st.none(),
    st.dates(date(1992, 1, 1), date(2012, 12, 31)),
    st.sampled_from([date(year, 2, 29) for year in range(1992, 2013, 4)]),
)
DIED = st.one_of(st.none(), st.none(), st.integers(0, DAYS).map(day))
LIVES = st.fixed_dictionaries({child: st.tuples(BORN, DIED) for child in "ABCD"})


def of_periods(rows, choices, people=PEOPLE) -> Database:
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
    lives = [{"child_id": c, "birth_date": born, "death_date": died} for c, (born, died) in people.items()]
    person = pa.Table.from_pylist(lives, schema=arrow_schema("person"))
    tables = {"status_period": table, "person": person, "counted_period": counted(table, person, choices)}
    empty_too = ("enrolment_period", "allocation", "school", "delivery")
    return Database.of(tables | {n: empty(n, stored=True) for n in empty_too}, complete=False)


def grown_up(born, on, oldest):
    """Whether a child is older than the oldest age, counting birthdays (29 February: 1 March)."""
    return born is not None and on.year - born.year - ((on.month, on.day) < (born.month, born.day)) > oldest


def slow_status(rows, on, choices, people=PEOPLE):
    """The status of each child on a day, since when, and when the last plan ended, one child at a time."""
    found = {}
    for child in "ABCD":
        mine = [(k, s, e) for c, k, s, e in rows if c == child and s <= on]
        live = [(k, s) for k, s, e in mine if e is None or e > on]
        ends = [e for k, _, e in mine if k in PLANS and e is not None and e <= on]
        born, died = people[child]
        childhood = not grown_up(born, on, choices.ever_6_oldest_age) and (died is None or died > on)
        for kind in choices.precedence:
            if starts := [s for k, s in live if k == kind]:
                found[child] = (kind, min(starts), max(ends, default=None))
                break
        else:
            last_days = [e - timedelta(days=1) for e in ends]
            if childhood and any(last > years_before(on, choices.look_back_years) for last in last_days):
                found[child] = ("Ever 6", max(ends), max(ends))
            elif starts := [s for k, s in live if k == "assessment"]:
                found[child] = ("assessment only", min(starts), max(ends, default=None))
    return found


@FEW
@given(spans(), st.integers(0, DAYS + 2500), CHOICES, LIVES)
def test_status_on_equals_its_slow_twin(rows, on, choices, people):
    rows = merged(rows)
    with of_periods(rows, choices, people) as db:
        listed = status_on(db, day(on)).to_pylist()
    got = {r["child_id"]: (r["status"], r["since"], r["last_plan_end"]) for r in listed}
    assert len(got) == len(listed)
    assert got == slow_status(rows, day(on), choices, people)


@settings(max_examples=20)
@given(spans(within=400), CHOICES, LIVES)
def test_counted_periods_give_every_day_what_the_twin_gives(rows, choices, people):
    """From the day before the first plan until after every look-back; and no two rows of a child overlap or could be
    one."""
    rows, choices = merged(rows), replace(choices, look_back_years=1 + choices.look_back_years % 2)
    with of_periods(rows, choices, people) as db:
        days = pa.table({"day": pa.array([day(n) for n in range(-1, 550 + 366 * choices.look_back_years)])})
        db.add("days", days)
        listed = db.rows(
            "SELECT day, child_id, status, since, last_plan_end, line "
            "FROM days JOIN counted_period c ON start_date <= day AND (end_date IS NULL OR end_date > day)"
        )
        held = db.rows(
            "SELECT child_id, end_date, start_date, status, since, last_plan_end FROM counted_period ORDER BY 1, 3"
        )
    got: dict = {}
    for on, child, *told in listed:
        assert child not in got.setdefault(on, {})
        *answer, line = told
        got[on][child] = tuple(answer)
        # The row it rests on is a period that had begun: of the status, or for Ever 6 the plan that ended last.
        status, since, _ = answer
        _, kind, start, end = rows[line]
        if status == "Ever 6":
            assert kind in PLANS
            assert end == since
        else:
            assert kind == status.removesuffix(" only")
            assert (start, end is None or end > on) == (since, True)
    for (child, end, *_, a, b, c), (following, _, start, *same) in pairwise(held):
        assert child != following or end < start or [a, b, c] != same
    for on in days["day"].to_pylist():
        assert got.get(on, {}) == slow_status(rows, on, choices, people)


@FEW
@given(spans(), st.integers(0, DAYS), st.integers(0, 800))
def test_the_summary_adds_up(rows, since, days):
    rows, choices = merged(rows), Settings()
    before, on = day(since), day(since + days)
    with of_periods(rows, choices) as db:
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

"""Why two figures differ: one cause for each child counted on one side alone, in the words a data officer would use."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sightline.reconciliation.differ import (
    GROUPS,
    WHATS,
    Count,
    Known,
    OnDay,
    Period,
    counts,
    nearest,
    split,
    walk,
    what_named,
)

THEN, NOW = date(2024, 3, 31), date(2024, 11, 18)
STATUSES = (None, "looked after", "CP plan", "CIN plan", "Ever 6", "assessment only")


def one(child: Known, first: Count, second: Count):
    """The one cause of a child who is counted on one side alone."""
    (cause,) = split(first, second, {"A": child})
    return cause.group, cause.first, cause.second


def side(kind="dashboard", what="on-plan", day=NOW, has=False, **more):
    return Count(kind, kind, what_named(what), day, frozenset({"A"} if has else ()), **more)


def known(now=None, then=None, *, urn=None, ehc=False, periods=(), systems=("ssd", "cin-census"), age="of", died=None):
    return Known(
        {NOW: OnDay(now, urn, ehc), THEN: OnDay(then, urn, ehc)}, tuple(periods), frozenset(systems), age, died
    )


CIN = Period("CIN plan", date(2024, 1, 1), None, system="ssd", told=NOW)
RETURN = {"kind": "return", "system": "cin-census", "day": THEN}


@pytest.mark.parametrize(
    ("says", "child", "first", "second", "expect"),
    [
        ("a plan began between the days", known("CIN plan"), side(day=THEN), side(has=True), ("Period", 0, 1)),
        ("a plan ended between the days", known(None, "CIN plan"), side(day=THEN, has=True), side(), ("Period", 1, 0)),
        ("a child stepped up between the days", known("CP plan", "CIN plan"), side(what="cin-plan", day=THEN, has=True),
         side(what="cin-plan"), ("Period", 1, 0)),
        ("Ever 6 is in the cohort and not on a plan", known("Ever 6"), side(), side(what="cohort", has=True),
         ("Definition", 0, 1)),
        ("on a plan and in no school", known("CIN plan"), side(has=True), side(what="on-roll"), ("Definition", 1, 0)),
        ("the return has a plan that is over in today's files", known(periods=[Period("CIN plan", date(2024, 1, 1),
         date(2024, 3, 1))]), side(has=True, **RETURN), side(day=THEN), ("Ended", 1, 0)),
        ("an end that a later file's silence presumes", known(periods=[Period("CIN plan", date(2024, 1, 1),
         date(2024, 3, 1), presumed=True)]), side(has=True, **RETURN), side(day=THEN), ("Ended", 1, 0)),
        ("looked after outranks the plan", known(then="looked after", periods=[CIN]), side(has=True, **RETURN),
         side(day=THEN), ("Looked after or higher plan first", 1, 0)),
        ("another authority's plan", known(periods=[Period("CP plan", date(2024, 1, 1), None, other_authority=True)]),
         side(has=True, **RETURN), side(day=THEN), ("Another authority", 1, 0)),
        ("an open case without plan or assessment", known(then="Ever 6"), side(what="known", has=True, **RETURN),
         side(what="known", day=THEN), ("Definition", 1, 0)),
        ("a plan that no other file has", known(), side(has=True, **RETURN), side(day=THEN), ("No reason found", 1, 0)),
        ("a child whom the return does not know", known(then="CIN plan", periods=[CIN], systems=["ssd"]),
         side(**RETURN, unknown=0), side(day=THEN, has=True), ("Not in the return", 0, 1)),
        ("a child who has died", known(then="CIN plan", died=date(2024, 6, 1)), side(day=THEN, has=True), side(),
         ("Ended", 1, 0)),
        ("a pupil whose school sent no census", known(then="CIN plan", urn="900002"),
         side(what="on-roll", **{**RETURN, "system": "school-census"}, schools=frozenset({"900001"})),
         side(what="on-roll", day=THEN, has=True), ("Not in the return", 0, 1)),
        ("a child below school age", known(then="CIN plan", age="below"),
         side(what="on-roll", **{**RETURN, "system": "school-census"}, schools=frozenset()),
         side(what="on-roll", day=THEN, has=True), ("Roll", 0, 1)),
        ("in the census and on no roll now", known(then="CIN plan"),
         side(what="on-roll", has=True, **{**RETURN, "system": "school-census"}, schools=frozenset()),
         side(what="on-roll", day=THEN), ("Roll", 1, 0)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_a_child_has_the_first_cause_that_holds(says, child, first, second, expect):
    assert one(child, first, second) == expect


def test_a_plan_told_of_only_later_was_recorded_later():
    """B is in the return, so the return is not silent of plans altogether; A's plan stands in a later file alone."""
    first = Count("return", "return", what_named("on-plan"), THEN, frozenset({"B"}), system="cin-census")
    second = Count("dashboard", "dashboard", what_named("on-plan"), THEN, frozenset({"A", "B"}))
    held = known(then="CIN plan", periods=[CIN])
    assert [(c.group, c.net) for c in split(first, second, {"A": held, "B": held})] == [("Recorded later", 1)]


def test_what_a_list_repeats_or_names_without_being_known_is_its_own_cause():
    first = Count("list", "list", what_named("on-plan"), NOW, frozenset({"A"}), unknown=2, repeated=3)
    second = side(has=True)
    assert [(c.group, c.net) for c in split(first, second, {"A": known("CIN plan")})] == [
        ("Listed twice", -3), ("Not linked", -2),
    ]  # fmt: skip


# Whatever is compared, the causes add up.

ON_DAY = st.builds(OnDay, st.sampled_from(STATUSES), st.sampled_from((None, "900001")), st.booleans())
DAYS = st.sampled_from((THEN, NOW))
PERIODS = st.lists(
    st.builds(Period, st.sampled_from(STATUSES[1:4]), st.sampled_from((None, date(2024, 1, 1), date(2024, 6, 1))),
              st.sampled_from((None, date(2024, 2, 1), date(2024, 12, 1))), st.booleans(), st.booleans(),
              st.sampled_from(("ssd", "cin-census")), st.sampled_from((None, THEN, NOW))), max_size=3,
)  # fmt: skip
KNOWN = st.builds(
    Known, st.fixed_dictionaries({THEN: ON_DAY, NOW: ON_DAY}), PERIODS.map(tuple),
    st.frozensets(st.sampled_from(("ssd", "cin-census"))), st.sampled_from((None, "below", "of", "above")),
    st.sampled_from((None, THEN, NOW)),
)  # fmt: skip
CHILDREN = st.frozensets(st.sampled_from("ABCDEF"))
COUNTS = st.builds(
    Count, st.just("a side"), st.sampled_from(("dashboard", "return", "list")), st.sampled_from(WHATS), DAYS, CHILDREN,
    st.sampled_from(("", "cin-census")), st.integers(0, 3), st.integers(0, 3),
    st.sampled_from((None, frozenset(), frozenset({"900001"}))),
)  # fmt: skip


@given(COUNTS, COUNTS, st.fixed_dictionaries(dict.fromkeys("ABCDEF", KNOWN)))
def test_the_causes_add_up_to_the_difference_exactly(first, second, held):
    causes = split(first, second, held)
    assert sum(c.net for c in causes) == second.number - first.number
    assert sum(c.first for c in causes) >= len(first.children - second.children)
    assert {c.group for c in causes} <= set(GROUPS)
    listed = [child for c in causes for child in c.children]
    assert sorted(listed) == sorted(first.children ^ second.children), "each child has one cause"


@given(*[st.integers(0, 500)] * 4)
def test_the_steps_to_a_number_that_was_told_add_up(start, same_day, same_what, told):
    steps = walk(start, same_day, same_what, told, label="it")
    assert sum(s.net for s in steps) == told - start
    assert steps[-1].at == told


def test_the_nearest_figures_come_first():
    assert nearest([("a", 10), ("b", 12), ("c", 40)], 13, most=2) == [("b", 12, -1), ("a", 10, -3)]


def test_a_child_without_a_school_or_a_plan_is_not_counted_where_one_is_asked_for():
    assert counts(what_named("on-roll"), OnDay("CIN plan", "900001"))
    assert not counts(what_named("on-roll"), OnDay("CIN plan"))
    assert not counts(what_named("ehc-plan"), OnDay("CIN plan", "900001"))
    assert not counts(what_named("cohort"), None)
    with pytest.raises(KeyError, match="There are: on-plan"):
        what_named("everybody")

"""An attacker who may ask everything, and solves for what was hidden over the finest table there could be."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sightline.disclosure import BadResult, Question, answers
from sightline.disclosure.grouping import WHOLE

THRESHOLD = 6


def attack(told, dimensions, questions, linked=()):
    """The least and the most of each hidden number, and how far apart they should be, given every answer: one unknown
    per cell of the finest table.

    Hidden are the children of a category answered with others, and those of them with, and without, each measure that
    is not open.
    Whoever knows which combinations of `linked` dimensions there are has no unknown for the others.
    """
    names = list(dimensions)
    values = [sorted(set(dimensions[d])) for d in names]
    states = [
        dict(zip([q.name for q in questions], said, strict=True))
        for said in product((False, True), repeat=len(questions))
    ]
    based = {q.name: q.base for q in questions}
    states = [s for s in states if all(not s[n] or not based[n] or s[based[n]] for n in s)]
    there_are = set(zip(*(dimensions[d] for d in linked), strict=True))
    places = [names.index(d) for d in linked]
    cells = [
        cell
        for cell in product(*values, range(len(states)))
        if not linked or tuple(cell[place] for place in places) in there_are
    ]

    def row(dimension, categories, measure, *, yes):
        picked = []
        for cell in cells:
            inside = dimension == WHOLE or cell[names.index(dimension)] in categories
            state = states[cell[-1]]
            if measure:
                base = based[measure]
                inside &= state[measure] if yes else (not base or state[base]) and not state[measure]
            picked.append(float(inside))
        return np.array(picked)

    left, right = [], []
    if told.children is not None:
        left.append(np.ones(len(cells)))
        right.append(told.children)
    for dimension, groups in told.groups.items():
        for group in groups:
            left.append(row(dimension, group.categories, "", yes=True))
            right.append(group.children)
    for (dimension, measure), said in told.answers.items():
        for answer in said:
            left += [row(dimension, answer.group.categories, measure, yes=yes) for yes in (True, False)]
            right += [answer.with_it, answer.of - answer.with_it]
    # Everybody's own number is not told where all together are too few; nobody is a child less than none.
    equal = {"A_eq": np.array(left), "b_eq": np.array(right)} if left else {}

    def bounds(target):
        ends = [linprog(sign * target, **equal, bounds=(0, 10_000)) for sign in (1, -1)]
        assert all(end.status == 0 for end in ends)
        return ends[0].fun, -ends[1].fun

    for dimension in names:
        for category in sorted(set(dimensions[dimension])):
            group = told.group_of(dimension, category)
            if group is None or len(group.categories) > 1:
                yield (dimension, category, "", True), (*bounds(row(dimension, [category], "", yes=True)), THRESHOLD)
            for q in (q for q in questions if not q.open):
                answer = told.answer(dimension, q.name, category)
                if answer is None or len(answer.group.categories) > 1:
                    sides = {yes: row(dimension, [category], q.name, yes=yes) for yes in (True, False)}
                    # Of four children with marks at most four are absent, and whether there are four is no secret.
                    most = bounds(sides[True] + sides[False])[1]
                    for yes, side in sides.items():
                        yield (dimension, category, q.name, yes), (*bounds(side), min(THRESHOLD, most))


@st.composite
def children(draw):
    """Children in two or three dimensions, with a plan, absence that nests, and suspensions."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    number = draw(st.integers(5, 120))
    widths = draw(st.lists(st.integers(2, 4), min_size=2, max_size=3))
    dimensions = {}
    for place, width in enumerate(widths):
        shares = rng.dirichlet(np.full(width, draw(st.sampled_from([0.3, 1.0, 3.0]))))
        dimensions[f"d{place}"] = [f"v{v}" for v in rng.choice(width, number, p=shares)]
    rates = draw(st.lists(st.sampled_from([0.03, 0.2, 0.5, 0.9, 1.0]), min_size=5, max_size=5))
    plan, marks, persistent, severe, suspended = (rng.random(number) < rate for rate in rates)
    if draw(st.booleans()):
        # Measures that hang on a dimension are what an attacker hopes for.
        plan = np.array([v == "v0" for v in dimensions["d0"]]) ^ (rng.random(number) < 0.05)
    questions = [
        Question("on a CP plan", plan),
        Question("with marks", marks, open=True),
        Question("persistent", marks & persistent, "with marks"),
        Question("severe", marks & persistent & severe, "persistent"),
        Question("suspended", suspended),
    ]
    return number, dimensions, questions[: draw(st.integers(1, 5))]


@settings(max_examples=8)
@given(children())
def test_whoever_asks_everything_cannot_place_a_hidden_number_closer_than_the_threshold(made):
    number, dimensions, questions = made
    told = answers(dimensions, questions, children=number, threshold=THRESHOLD)
    for what, (low, high, apart) in attack(told, dimensions, questions):
        assert high - low >= apart - 1e-6, (what, low, high)


@st.composite
def of_schools(draw):
    """Children of schools, of which each has a phase and a place: what anybody can look up. They live where they go to
    school, all but every twelfth or so, and of that nobody can look up anything."""
    number, _, questions = draw(children())
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    schools = draw(st.integers(2, 6))
    phase, place = rng.integers(0, 3, schools), rng.integers(0, 4, schools)
    at = rng.choice(schools, number, p=rng.dirichlet(np.full(schools, 0.7)))
    linked = {"phase": [f"p{phase[s]}" for s in at], "place": [f"q{place[s]}" for s in at]}
    moved = rng.random(number) < draw(st.sampled_from([0.0, 0.08, 0.3]))
    home = np.where(moved, rng.integers(0, 4, number), place[at])
    return number, {**linked, "home": [f"h{h}" for h in home]}, questions[:3]


@settings(max_examples=8)
@given(of_schools())
def test_nor_can_whoever_knows_where_each_school_is(made):
    number, dimensions, questions = made
    linked = ("phase", "place")
    told = answers(dimensions, questions, children=number, threshold=THRESHOLD, linked=linked)
    held = {"": np.ones(number, dtype=bool), **{q.name: q.yes for q in questions}}
    for (dimension, category, measure, yes), (low, high, apart) in attack(told, dimensions, questions, linked):
        base = next((q.base for q in questions if q.name == measure), "")
        asked = held[measure] if yes else held[base] & ~held[measure]
        if asked[np.asarray(dimensions[dimension]) == category].sum() < THRESHOLD:
            assert high - low >= apart - 1e-6, (dimension, category, measure, yes, low, high)


def test_the_attacker_finds_what_dimensions_told_apart_give_away():
    """Three children of a nursery, told by phase with those of the primary school, who are all there are in the north."""
    phase = ["nursery"] * 3 + ["primary"] * 20 + ["secondary"] * 30
    dimensions = {"phase": phase, "place": ["south" if p != "primary" else "north" for p in phase]}
    apart = answers(dimensions, [], children=53, threshold=THRESHOLD)
    assert apart.group_of("phase", "nursery").categories == ("nursery", "primary")
    found = dict(attack(apart, dimensions, [], ("phase", "place")))
    assert found["phase", "nursery", "", True] == pytest.approx((3, 3, THRESHOLD))
    together = answers(dimensions, [], children=53, threshold=THRESHOLD, linked=("phase", "place"))
    low, high, _ = dict(attack(together, dimensions, [], ("phase", "place")))["phase", "nursery", "", True]
    assert high - low >= THRESHOLD


def test_a_question_about_children_outside_its_base_is_refused():
    yes, no = np.ones(3, dtype=bool), np.zeros(3, dtype=bool)
    with pytest.raises(BadResult, match="outside its base"):
        answers({}, [Question("a", no), Question("b", yes, "a")], children=3, threshold=6)
    with pytest.raises(BadResult, match="about children that are not given"):
        answers({}, [Question("b", yes, "a")], children=3, threshold=6)

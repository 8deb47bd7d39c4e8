"""An attacker with all that is printed, and nothing else, against what is hidden."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
from disclosure_tables import one_way, two_way
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from sightline.disclosure import HIDDEN, STANDARD, TOTAL, Refusal, Released, Result, attack, release
from sightline.disclosure.rounding import mean, percentage, share_step, to_base

EXACT = replace(STANDARD, rounding=1)
NUMBERS = st.one_of(st.integers(0, 12), st.integers(10, 60), st.integers(50, 2000))
TABLES = st.tuples(st.integers(2, 4), st.integers(2, 4)).flatmap(
    lambda shape: st.lists(
        st.lists(NUMBERS, min_size=shape[1], max_size=shape[1]), min_size=shape[0], max_size=shape[0]
    )
)


def worked_out(released: Released, rows: int, columns: int) -> list[float]:
    """The width of what can be known of each hidden cell of a printed two-way table: two `linprog` each, written apart
    from the code under test. Unknowns are all cells, margins too; printed ones are held at what is printed."""
    table = released.tables[0]
    labels = [
        (r, c) for r in [*(f"r{i}" for i in range(rows)), TOTAL] for c in [*(f"c{j}" for j in range(columns)), TOTAL]
    ]
    place = {key: i for i, key in enumerate(labels)}
    sums = []
    for r in {k[0] for k in labels}:
        sums.append([1.0 if k[0] == r and k[1] != TOTAL else -1.0 if k == (r, TOTAL) else 0.0 for k in labels])
    for c in {k[1] for k in labels}:
        sums.append([1.0 if k[1] == c and k[0] != TOTAL else -1.0 if k == (TOTAL, c) else 0.0 for k in labels])
    bounds: list[tuple[float, float | None]] = [(0.0, None)] * len(labels)
    for cell in table.cells:
        if cell.text != HIDDEN:
            bounds[place[cell.key]] = (float(cell.text), float(cell.text))
    found = []
    for cell in table.cells:
        if cell.text == HIDDEN:
            aim = np.zeros(len(labels))
            aim[place[cell.key]] = 1.0
            low = linprog(aim, A_eq=sums, b_eq=np.zeros(len(sums)), bounds=bounds)
            high = linprog(-aim, A_eq=sums, b_eq=np.zeros(len(sums)), bounds=bounds)
            assert low.status == 0 and high.status in (0, 3)
            found.append(float("inf") if high.status == 3 else -high.fun - low.fun)
    return found


@settings(max_examples=60)
@given(TABLES)
def test_no_hidden_cell_of_a_two_way_table_can_be_worked_out(rows):
    released = release(two_way(rows), EXACT)
    if isinstance(released, Refusal):
        assert "hidden" in released.reason or "itself a count" in released.reason
        return
    table = released.tables[0]
    for cell, apart in zip(table.cells, table.apart, strict=True):
        assert apart.n >= 10 or cell.text == HIDDEN
    assert all(width >= 10 * (1 - 1e-5) for width in worked_out(released, len(rows), len(rows[0])))


@settings(max_examples=40)
@given(TABLES)
def test_nor_with_rounding_and_the_truth_is_always_possible(rows):
    released = release(two_way(rows), STANDARD)
    if isinstance(released, Refusal):
        return
    n = {t.result.children(c.key): a.n for t in released.tables for c, a in zip(t.cells, t.apart, strict=True)}
    for unrounded in (False, True):
        for key, (low, high) in attack(released, unrounded=unrounded).items():
            assert low - 1e-6 <= n[key] <= high + 1e-6
            assert high - low >= 10 * (1 - 1e-5)


@settings(max_examples=40)
@given(st.lists(NUMBERS, min_size=2, max_size=8))
def test_one_way_tables(counts):
    released = release(one_way(counts), EXACT)
    if isinstance(released, Refusal):
        return
    assert all(high - low >= 10 * (1 - 1e-5) for low, high in attack(released).values())


@settings(max_examples=25)
@given(st.lists(st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=2, max_size=2), min_size=2, max_size=3))
def test_linked_tables_of_the_same_children(cube):
    """Three dimensions printed two at a time: what no table gives away, all three together must not either."""
    made = np.array(cube)
    pairs = [("a", "b", 2), ("a", "c", 1), ("b", "c", 0)]
    results: list[Result] = []
    for one, two, over in pairs:
        table = two_way(made.sum(axis=over).tolist(), f"{one} by {two}", (one, two))
        results.append(table)
    released = release(results, EXACT)
    if isinstance(released, Refusal):
        return
    assert all(high - low >= 10 * (1 - 1e-5) for low, high in attack(released).values())
    texts: dict[object, set[str]] = {}
    for table in released.tables:
        for cell in table.cells:
            texts.setdefault(table.result.children(cell.key), set()).add(cell.text)
    assert all(len(t) == 1 for t in texts.values())


@given(st.integers(-100_000, 100_000), st.integers(1, 1000))
def test_counts_round_to_the_nearest_halves_away_from_zero(value, base):
    found = to_base(value, base)
    assert found % base == 0 and 2 * abs(found - value) <= base
    assert to_base(-value, base) == -found and to_base(found, base) == found
    if 2 * abs(found - value) == base:
        assert abs(found) > abs(value)


@given(st.integers(10, 10**6), st.floats(0, 1), st.sampled_from([1, 5, 10]))
def test_a_percentage_tells_no_more_than_a_rounded_count(n, share, base):
    """From one printed value to the next is at least `base` children, and a share of some prints as neither 0 nor 100."""
    counted = round(share * n)
    step = share_step(n, base)
    assert step * n >= 100 * base or step == 50
    printed = percentage(100 * counted / n, n, base)
    assert abs(printed - Decimal(100) * counted / n) <= step / 2 + Decimal("1e-9")
    if base <= counted <= n - base:
        assert 0 < printed < 100


@given(st.integers(10, 10**6), st.floats(0.001, 1000), st.sampled_from([1, 5, 10]))
def test_a_mean_is_near_and_no_finer_than_its_children_bear(n, value, base):
    printed = mean(value, n, base)
    assert abs(float(printed) - value) <= 1.25 * value * base / n

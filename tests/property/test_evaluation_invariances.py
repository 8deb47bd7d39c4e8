"""What must not change a study's tables: the order of rows, the names of pupils and places, IDACI's or age's unit."""

import numpy as np
import pytest
from evaluation_data import CIN, linked, made, pupils
from hypothesis import example, given, settings
from hypothesis import strategies as hs

few = settings(max_examples=2)
seeds = hs.integers(0, 2**32 - 1)
PLAIN = ("table-53", "table-55", "table-63", "table-71", "table-73", "poisson-absence-cin", "persistent-absence-cin",
         "collapsed-absence-cin", "event-engagement-cin", "event-ks1-cin", "placebo-ks1-cin",
         "detectable-ks4-cin", "unseen-engagement-cin", "groups-ks1-cin", "churn-cin")  # fmt: skip
PLACES = ("multilevel-ks4-cin", "authorities-ks4-cin")


def figures(table, *, named=False):
    """Every number by its place in the table; a place named after an authority goes by its figures alone."""
    found = {}
    loose = []
    for c in table.cells:
        if not isinstance(c.value, int | float):
            continue
        if c.row.startswith("Authority: ") and not named:
            loose.append(c.value)
        else:
            found[c.row, c.column, c.statistic] = c.value
    return found, sorted(loose)


def same(one, two):
    (a, x), (b, y) = figures(one), figures(two)
    assert a.keys() == b.keys()
    for key, value in a.items():
        statistic = key[2]
        size = 1e-6 if statistic in ("p", "low", "high", "se", "estimate", "mean") else 1e-9
        assert b[key] == pytest.approx(value, rel=2e-5, abs=size), key
    np.testing.assert_allclose(x, y, rtol=1e-3, atol=1e-4)


def shuffled(rows, seed):
    order = np.random.default_rng(seed).permutation(len(rows["pupil"]))
    return {name: values[order] for name, values in rows.items()}


def results(rows):
    """Outcomes that go with the row and not with its place in the file."""

    def drawn(given, _):
        mixed = (given["idaci"] * 1000 + given["missed"] * 10 + 7 * given["female"] + given["months"]).astype(int)
        reading = ((mixed * 2654435761) % 97 > 35 + 10 * given["on"]).astype(int)
        score = np.round(50 - 5 * given["on"] + (mixed * 40503 % 211) / 10, 1)
        names = ("reading", "writing", "maths", "science", "gps")
        return dict.fromkeys(names, reading) | dict.fromkeys(("attainment_8", "passes", "progress_8"), score)

    return linked(rows, drawn)


@few
@example(seed=396713)
@given(seed=seeds)
def test_the_order_of_rows_and_the_names_of_pupils_and_places_change_no_table(seed) -> None:
    rows = pupils(seed=seed % 1000)
    rng = np.random.default_rng(seed)
    other = shuffled(rows, seed)
    names = rng.permutation(100_000)[: int(rows["pupil"].max()) + 1]
    other["pupil"] = names[other["pupil"]]
    places = {str(i): f"place {v:02d}" for i, v in enumerate(rng.permutation(12))}
    other["authority"] = np.array([places[a] for a in other["authority"]])
    one, two = results(rows), results(other)
    for name in (*PLAIN, *PLACES):
        same(made(one, name), made(two, name))


@few
@given(seed=seeds, power=hs.sampled_from([-1, 1]))
def test_the_unit_of_sessions_only_rescales(seed, power) -> None:
    """Sessions counted in tens or tenths: coefficients and errors scale, t and R-squared stay."""
    rows = pupils(seed=seed % 1000)
    size = 10.0**power
    plain = made(linked(rows), "table-55")
    scaled = made(linked(rows | {"missed": rows["missed"] * size}), "table-55")
    for c in plain.cells:
        if c.statistic in ("estimate", "se", "low", "high"):
            got = scaled.value(c.row, c.column, c.statistic)
            assert got == pytest.approx(size * c.value, rel=1e-6, abs=1e-8), c.row
    column, r2 = "all 4 years", "R-squared within pupils"
    assert scaled.value(r2, column, "mean") == pytest.approx(plain.value(r2, column, "mean"), rel=1e-6)


def test_a_twin_of_every_pupil_leaves_estimates_and_shrinks_errors() -> None:
    rows = pupils()
    twice = {name: np.concatenate([values, values]) for name, values in rows.items()}
    twice["pupil"] = np.concatenate([rows["pupil"], rows["pupil"] + 1000])
    one, two = made(linked(rows), "table-55"), made(linked(twice), "table-55")
    for row in (f"Months subject to a {CIN} after VSH extension", "Age", "IDACI score"):
        assert two.value(row, "all 4 years") == pytest.approx(one.value(row, "all 4 years"), rel=1e-8)
        assert two.value(row, "all 4 years", "se") == pytest.approx(
            one.value(row, "all 4 years", "se") / np.sqrt(2), rel=0.01
        )

"""What must not change an estimate: the order of rows, units of measurement, names of groups, rows written as weights."""

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as hs

from sightline import statistics as st

few = settings(max_examples=8)
seeds = hs.integers(0, 2**32 - 1)


def panel(seed: int, pupils: int = 60) -> dict[str, np.ndarray]:
    """An invented panel, two to four years for most pupils, in pupil order."""
    rng = np.random.default_rng(seed)
    sizes = rng.choice([1, 2, 3, 4], pupils, p=[0.1, 0.3, 0.3, 0.3])
    pupil = np.repeat(np.arange(pupils), sizes)
    n = len(pupil)
    months, fsm = rng.integers(0, 13, n), rng.integers(0, 2, n)
    level = rng.normal(size=pupils)[pupil]
    absence = 3 * level + 0.4 * months - fsm + rng.normal(size=n)
    count = rng.poisson(np.exp(0.3 * level + 0.03 * months))
    persistent = (0.5 * level + 0.1 * months + rng.logistic(size=n) > 0.5).astype(int)
    authority = rng.integers(0, 8, pupils)[pupil]
    return {
        "pupil": pupil,
        "months": months,
        "fsm": fsm,
        "authority": authority,
        "absence": absence,
        "count": count,
        "persistent": persistent,
    }


def cross_section(seed: int, n: int = 400) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    plan, post, idaci = rng.integers(0, 2, n), rng.integers(0, 2, n), rng.integers(0, 5, n) / 10
    authority = rng.integers(0, 10, n)
    reading = (0.6 - 0.7 * plan - 0.3 * post - idaci + rng.logistic(size=n) > 0).astype(int)
    score = 50 - 8 * plan + 2 * post - 20 * idaci + rng.normal(0, 5, n) + authority
    return {
        "plan": plan,
        "post": post,
        "both": plan * post,
        "idaci": idaci,
        "authority": authority,
        "reading": reading,
        "score": score,
    }


def x_of(data: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: data[name] for name in ("months", "fsm", "plan", "post", "both", "idaci") if name in data}


PANEL_FITS = {
    "within": lambda d: st.within(d["absence"], x_of(d), d["pupil"]),
    "within two ways": lambda d: st.within(
        d["absence"], x_of(d), d["pupil"], clusters={"pupil": d["pupil"], "authority": d["authority"]}
    ),
    "within cr2": lambda d: st.within(d["absence"], x_of(d), d["pupil"], errors="cr2"),
    "poisson": lambda d: st.poisson_within(d["count"], x_of(d), d["pupil"]),
    "conditional logit": lambda d: st.conditional_logit(d["persistent"], x_of(d), d["pupil"], errors="clustered"),
}
SECTION_FITS = {
    "ols": lambda d: st.ols(st.group_rows(d["score"], x_of(d), cluster=d["authority"]), errors="clustered"),
    "hc1": lambda d: st.ols(st.group_rows(d["score"], x_of(d))),
    "logit": lambda d: st.logit(st.group_rows(d["reading"], x_of(d), cluster=d["authority"]), errors="clustered"),
    "firth": lambda d: st.logit(st.group_rows(d["reading"], x_of(d)), separation="firth"),
    "mixed": lambda d: st.mixed(st.cross_products({"y": d["score"]}, x_of(d), d["authority"]), "y"),
    "mixed logit": lambda d: st.mixed_logit(st.group_rows(d["reading"], x_of(d), cluster=d["authority"])),
}
FITS = [(name, panel, fit) for name, fit in PANEL_FITS.items()]
FITS += [(name, cross_section, fit) for name, fit in SECTION_FITS.items()]
each_fit = pytest.mark.parametrize(("name", "make", "fit"), FITS, ids=[name for name, _, _ in FITS])


def room(name: str) -> float:
    return 2e-5 if name.startswith("mixed") else 1e-8


def same(a: st.Estimates, b: st.Estimates, rel: float) -> None:
    assert a.names == b.names
    # A coefficient near nought is compared on the scale of its standard error.
    np.testing.assert_allclose(a.values, b.values, rtol=rel, atol=rel * float(a.se.max()))
    np.testing.assert_allclose(a.se, b.se, rtol=max(rel, 1e-7) * (10 if rel > 1e-6 else 1))


@each_fit
@few
@given(seed=seeds)
def test_the_order_of_rows_changes_nothing(name, make, fit, seed) -> None:
    data = make(seed)
    order = np.random.default_rng(seed + 1).permutation(len(next(iter(data.values()))))
    same(fit(data).estimates, fit({k: v[order] for k, v in data.items()}).estimates, room(name))


@each_fit
@few
@given(seed=seeds)
def test_groups_may_be_called_anything(name, make, fit, seed) -> None:
    data = make(seed)
    renamed = dict(data)
    for key in ("pupil", "authority"):
        if key in data:
            names = np.random.default_rng(seed + 2).permutation(10_000)[: int(data[key].max()) + 1]
            renamed[key] = np.array([f"g{value:05d}" for value in names])[data[key]]
    same(fit(data).estimates, fit(renamed).estimates, room(name))


@each_fit
@few
@given(seed=seeds, power=hs.integers(-6, 6))
def test_units_of_measurement_only_rescale(name, make, fit, seed, power) -> None:
    data = make(seed)
    column = "months" if "months" in data else "idaci"
    size = 10.0**power
    other = fit(data | {column: data[column] * size}).estimates
    plain = fit(data).estimates
    i = plain.names.index(column)
    scale = np.ones(len(plain.names))
    scale[i] = size
    restored = st.Estimates(other.names, other.values * scale, other.covariance * np.outer(scale, scale), 1.0, "")
    same(plain, restored, room(name))


@few
@given(seed=seeds)
def test_grouped_rows_equal_rows(seed) -> None:
    data = cross_section(seed)
    for outcome, fit in (
        ("score", lambda cells: st.ols(cells, errors="clustered")),
        ("score", lambda cells: st.ols(cells, errors="cr2")),
        ("reading", lambda cells: st.logit(cells, errors="clustered")),
        ("reading", lambda cells: st.logit(cells, errors="robust")),
        ("reading", st.linear_probability),
    ):
        grouped = st.group_rows(data[outcome], x_of(data), cluster=data["authority"])
        rows = st.rows_as_cells(data[outcome], x_of(data), cluster=data["authority"])
        assert len(grouped.n) < len(rows.n)
        assert grouped.rows == rows.rows
        same(fit(grouped).estimates, fit(rows).estimates, 1e-8)


@few
@given(seed=seeds)
def test_rows_written_twice_equal_weights_of_two(seed) -> None:
    data = cross_section(seed)
    twice = {name: np.repeat(values, 2) for name, values in data.items()}
    for outcome, fit in (("score", st.ols), ("reading", st.logit)):
        cells = st.group_rows(data[outcome], x_of(data))
        heavier = st.Cells(cells.regressors, cells.n * 2, cells.total * 2, cells.squares * 2)
        same(fit(heavier).estimates, fit(st.group_rows(twice[outcome], x_of(twice))).estimates, 1e-8)
        np.testing.assert_allclose(fit(heavier).estimates.values, fit(cells).estimates.values, atol=1e-9)


@few
@given(seed=seeds)
def test_the_database_groups_as_we_do(seed) -> None:
    data = cross_section(seed)
    rng = np.random.default_rng(seed)
    reading, idaci = data["reading"].astype(float), data["idaci"].copy()
    reading[rng.random(len(reading)) < 0.1] = np.nan
    idaci[rng.random(len(idaci)) < 0.1] = np.nan
    data = data | {"reading": reading, "idaci": idaci}
    names = ("plan", "post", "idaci")
    connection = duckdb.connect()
    listed = {name: [None if value != value else value for value in values.tolist()] for name, values in data.items()}
    connection.register("pupils", pa.table(listed))
    sql = st.grouping_sql("pupils", ["reading", "score"], names, cluster="authority")
    grouped = connection.execute(sql).fetchnumpy()
    for outcome, fit in (("reading", st.logit), ("score", st.ols)):
        theirs = st.cells_from(grouped, outcome, names)
        ours = st.group_rows(data[outcome], {name: data[name] for name in names}, cluster=data["authority"])
        assert theirs.rows == ours.rows
        assert sum(d.count for d in theirs.dropped) == sum(d.count for d in ours.dropped)
        same(fit(theirs, errors="clustered").estimates, fit(ours, errors="clustered").estimates, 1e-8)


@few
@given(seed=seeds)
def test_within_equals_dummies(seed) -> None:
    """The slow twin: least squares with a column for each pupil. Coefficients and areg's standard errors agree."""
    data = panel(seed, pupils=25)
    fit = st.within(data["absence"], x_of(data), data["pupil"], rule="areg")
    dummies = {f"pupil {p}": (data["pupil"] == p).astype(float) for p in range(1, 25)}
    rows = st.rows_as_cells(data["absence"], x_of(data) | dummies, cluster=data["pupil"])
    twin = st.ols(rows, errors="clustered")
    for name in ("months", "fsm"):
        assert fit.estimates[name].estimate == pytest.approx(twin.estimates[name].estimate, rel=1e-7, abs=1e-9)
        assert fit.estimates[name].se == pytest.approx(twin.estimates[name].se, rel=1e-7)


@few
@given(seed=seeds)
def test_conditional_logit_recursion_equals_the_list(seed) -> None:
    """Pupils with up to eleven years use the recursion; the same chance is found by listing every arrangement."""
    from itertools import combinations

    rng = np.random.default_rng(seed)
    sizes = rng.integers(9, 12, 12)
    pupil = np.repeat(np.arange(12), sizes)
    x = rng.normal(size=len(pupil))
    y = (0.5 * x + rng.logistic(size=len(pupil)) > 0).astype(int)
    fit = st.conditional_logit(y, {"x": x}, pupil)
    b, total = fit.estimates.values[0], 0.0
    for p in range(12):
        xs, m = x[pupil == p], int(y[pupil == p].sum())
        if 0 < m < len(xs):
            ways = np.array([xs[list(pick)].sum() for pick in combinations(range(len(xs)), m)])
            total += b * float(xs[y[pupil == p] == 1].sum()) - float(np.log(np.exp(b * ways).sum()))
    assert fit.log_likelihood == pytest.approx(total, rel=1e-10)


@few
@given(seed=seeds, m=hs.integers(1, 12))
def test_adjusted_p_values_keep_their_order_and_their_place(seed, m) -> None:
    p = np.random.default_rng(seed).random(m) ** 2
    for adjust in (st.holm, st.benjamini_hochberg):
        found = adjust(p)
        assert np.all(found >= p - 1e-15)
        assert np.all(found <= 1)
        assert np.all(np.diff(found[np.argsort(p, kind="stable")]) >= -1e-15)
        order = np.random.default_rng(seed + 1).permutation(m)
        np.testing.assert_allclose(adjust(p[order]), found[order])
    assert np.all(st.benjamini_hochberg(p) <= st.holm(p) + 1e-15)


@few
@given(count=hs.integers(0, 50), extra=hs.integers(1, 50), level=hs.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_wilson_holds_its_proportion_and_mirrors(count, extra, level) -> None:
    n = count + extra
    here, there = st.wilson(count, n, level=level), st.wilson(n - count, n, level=level)
    assert 0 <= here.low <= here.estimate <= here.high <= 1
    assert here.low == pytest.approx(1 - there.high, abs=1e-12)


@few
@given(seed=seeds)
def test_shuffling_within_strata_keeps_each_stratum(seed) -> None:
    rng = np.random.default_rng(seed)
    values, strata = rng.integers(0, 2, 50), rng.integers(0, 5, 50)
    shuffled = st.permuted(values, strata, rng)
    for s in np.unique(strata):
        assert sorted(shuffled[strata == s]) == sorted(values[strata == s])

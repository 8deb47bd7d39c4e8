"""Where data cannot answer, or answer only in part: each case has one clear outcome, and what was left out is counted."""

import numpy as np
import pytest

from sightline import statistics as st
from sightline.statistics import CannotEstimate, Dropped
from sightline.statistics.design import codes


def two_years(n: int = 40, seed: int = 1) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    pupil = np.repeat(np.arange(n), 2)
    months = rng.integers(0, 13, 2 * n).astype(float)
    return {
        "pupil": pupil,
        "months": months,
        "sex": np.repeat(rng.integers(0, 2, n), 2).astype(float),
        "absence": 5 + 0.5 * months + rng.normal(size=2 * n) + np.repeat(rng.normal(size=n), 2),
    }


def test_a_column_that_never_changes_within_pupils_is_named() -> None:
    d = two_years()
    fit = st.within(d["absence"], {"months": d["months"], "sex": d["sex"]}, d["pupil"])
    assert fit.estimates.names == ("months", "constant")
    assert fit.dropped == (Dropped("column", "sex", 80, "does not vary within any pupil"),)


def test_age_and_year_are_the_same_line_and_it_says_so() -> None:
    d = two_years()
    year = np.tile([0.0, 1.0], 40)
    fit = st.within(d["absence"], {"months": d["months"], "year": year, "age": 7 + year}, d["pupil"])
    assert fit.dropped == (Dropped("column", "age", 80, "is an exact sum of year within any pupil"),)


def test_missing_values_are_counted_by_column() -> None:
    d = two_years()
    months, absence = d["months"].copy(), d["absence"].copy()
    months[[0, 3]] = np.nan
    absence[[3, 5, 6]] = np.nan
    fit = st.within(absence, {"months": months}, d["pupil"])
    assert fit.dropped == (
        Dropped("rows", "outcome", 3, "missing value"),
        Dropped("rows", "months", 1, "missing value"),
    )
    assert (fit.rows, fit.units, fit.singletons) == (76, 40, 4)


def test_masked_and_absent_values_are_missing_too() -> None:
    d = two_years()
    masked = np.ma.masked_array(d["months"].astype(int), mask=np.arange(80) == 9)
    listed = [None if i == 9 else value for i, value in enumerate(d["months"])]
    assert st.within(d["absence"], {"m": masked}, d["pupil"]).rows == 79
    assert st.within(d["absence"], {"m": listed}, d["pupil"]).rows == 79
    pupil = np.array([None if i == 9 else f"p{p}" for i, p in enumerate(d["pupil"])], dtype=object)
    fit = st.within(d["absence"], {"m": d["months"]}, pupil)
    assert fit.dropped == (Dropped("rows", "pupil", 1, "missing value"),)
    hidden = np.ma.masked_array(d["pupil"], mask=np.arange(80) == 9)
    assert st.within(d["absence"], {"m": d["months"]}, hidden).dropped == fit.dropped


def test_pupils_with_one_year_stay_unless_reghdfe_is_asked_for() -> None:
    d = two_years()
    keep = np.arange(80) > 4
    x, pupil, y = {"months": d["months"][keep]}, d["pupil"][keep], d["absence"][keep]
    plain, lean = st.within(y, x, pupil), st.within(y, x, pupil, rule="reghdfe")
    assert (plain.units, plain.singletons, plain.rows) == (38, 1, 75)
    assert (lean.units, lean.rows) == (37, 74)
    assert lean.dropped == (Dropped("groups", "pupil", 1, "one row only"),)
    assert lean.estimates["months"].estimate == pytest.approx(plain.estimates["months"].estimate, rel=1e-12)


def test_only_singletons_cannot_be_compared() -> None:
    rng = np.random.default_rng(0)
    y, x = rng.normal(size=20), {"months": rng.normal(size=20)}
    for fit in (st.within, st.poisson_within, st.conditional_logit):
        with pytest.raises(CannotEstimate):
            fit((y > 0).astype(int), x, np.arange(20))


@pytest.mark.parametrize("fit", [st.within, st.poisson_within, st.conditional_logit])
def test_an_outcome_that_is_always_nought(fit) -> None:
    d = two_years()
    with pytest.raises(CannotEstimate, match=r"does not vary|all noughts|never the outcome"):
        fit(np.zeros(80), {"months": d["months"]}, d["pupil"])


def test_an_outcome_that_is_always_the_same_in_a_cross_section() -> None:
    x = {"plan": np.arange(20) % 2}
    with pytest.raises(CannotEstimate, match="always nought"):
        st.logit(st.group_rows(np.zeros(20), x))
    with pytest.raises(CannotEstimate, match="always one"):
        st.logit(st.group_rows(np.ones(20), x))
    with pytest.raises(CannotEstimate, match="does not vary"):
        st.ols(st.group_rows(np.ones(20), x))
    with pytest.raises(CannotEstimate, match="does not vary"):
        st.mixed(st.cross_products({"y": np.ones(20)}, x, np.arange(20) % 4), "y")


def test_no_degrees_of_freedom_left() -> None:
    with pytest.raises(CannotEstimate, match="cannot carry 2 pupil effects and 2 slopes"):
        st.within([1.0, 2, 3, 5], {"a": [1.0, 2, 1, 5], "b": [0.0, 1, 3, 1]}, [1, 1, 2, 2])
    with pytest.raises(CannotEstimate, match="cannot carry"):
        st.ols(st.rows_as_cells([1.0, 2.0], {"a": [1.0, 2.0]}))


def test_one_cluster_has_no_clustered_error() -> None:
    d = two_years()
    with pytest.raises(CannotEstimate, match="at least two"):
        st.within(d["absence"], {"m": d["months"]}, d["pupil"], clusters={"authority": np.zeros(80)})
    with pytest.raises(CannotEstimate, match="at least two"):
        st.ols(st.rows_as_cells(d["absence"], {"m": d["months"]}), errors="clustered", clusters={"la": np.zeros(80)})
    with pytest.raises(CannotEstimate, match="Group again"):
        st.ols(st.group_rows(d["absence"], {"m": d["months"]}), errors="clustered")


def separated() -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Everyone on a plan and on free meals failed; otherwise both happen."""
    rng = np.random.default_rng(3)
    n = 400
    plan, meals = rng.integers(0, 2, n), rng.integers(0, 2, n)
    both = plan * meals
    passed = np.where(both == 1, 0, (rng.random(n) < 0.6).astype(int))
    return passed, {"plan": plan, "meals": meals, "both": both}


def test_perfect_prediction_is_refused_by_name() -> None:
    passed, x = separated()
    with pytest.raises(CannotEstimate, match="both = 1 always has outcome 0") as refusal:
        st.logit(st.group_rows(passed, x))
    assert refusal.value.names == ("both",)


def test_perfect_prediction_by_a_sum_of_columns_is_refused() -> None:
    rng = np.random.default_rng(4)
    a, b = rng.normal(size=100), rng.normal(size=100)
    with pytest.raises(CannotEstimate, match="combination of a, b"):
        st.logit(st.rows_as_cells((a + b > 0).astype(int), {"a": a, "b": b, "c": rng.normal(size=100)}))


def test_perfect_prediction_dropped_as_stata_does() -> None:
    passed, x = separated()
    fit = st.logit(st.group_rows(passed, x), separation="drop")
    lost = int(x["both"].sum())
    assert fit.rows == 400 - lost
    assert fit.separated == ("both",)
    assert Dropped("rows", "both", lost, "both = 1 always has outcome 0") in fit.dropped
    keep = x["both"] == 0
    twin = st.logit(st.group_rows(passed[keep], {name: x[name][keep] for name in ("plan", "meals")}))
    np.testing.assert_allclose(fit.estimates.values, twin.estimates.values, rtol=1e-10)


def test_perfect_prediction_by_firth_is_finite() -> None:
    passed, x = separated()
    fit = st.logit(st.group_rows(passed, x), separation="firth")
    assert fit.penalised
    assert fit.separated == ("both",)
    assert np.all(np.isfinite(fit.estimates.values))
    assert -10 < fit.estimates["both"].estimate < -1


def test_firth_in_the_saturated_two_by_two_adds_a_half() -> None:
    """Firth's estimate of a 2 x 2 table is the log odds ratio with a half added to each cell (Firth 1993, section 3)."""
    y = np.repeat([1, 0, 1, 0], [0, 12, 5, 9])
    plan = np.repeat([1, 1, 0, 0], [0, 12, 5, 9])
    fit = st.logit(st.group_rows(y, {"plan": plan}), separation="firth")
    assert fit.estimates["plan"].estimate == pytest.approx(np.log(0.5 / 12.5) - np.log(5.5 / 9.5), abs=1e-8)
    assert fit.estimates["constant"].estimate == pytest.approx(np.log(5.5 / 9.5), abs=1e-8)


def test_perfect_prediction_in_panels_is_refused_by_name() -> None:
    rng = np.random.default_rng(5)
    pupil = np.repeat(np.arange(60), 3)
    never = np.tile([1.0, 0.0, 0.0], 60)
    other = rng.normal(size=180)
    count = rng.poisson(2.0, 180) * (never == 0)
    with pytest.raises(CannotEstimate, match="never") as refusal:
        st.poisson_within(count, {"never": never, "other": other}, pupil)
    assert refusal.value.names == ("never",)
    away = (rng.random(180) < 0.5) * (never == 0)
    with pytest.raises(CannotEstimate, match="never"):
        st.conditional_logit(away.astype(int), {"never": never, "other": other}, pupil)


def test_uninformative_pupils_are_counted_by_reason() -> None:
    y = np.array([0, 0, 1, 0, 1, 1, 1, 0, 1, 0, 0])
    pupil = np.array([1, 1, 2, 2, 3, 3, 4, 5, 5, 6, 6])
    x = {"x": np.array([1.0, 2, 2, 3, 1, 2, 1, 1, 3, 4, 1])}
    fit = st.conditional_logit(y, x, pupil)
    assert [d for d in fit.dropped if d.kind == "groups"] == [
        Dropped("groups", "pupil", 1, "one row only"),
        Dropped("groups", "pupil", 2, "never the outcome"),
        Dropped("groups", "pupil", 1, "always the outcome"),
    ]
    assert (fit.rows, fit.units, fit.rows_offered) == (4, 2, 11)


def test_a_constant_count_above_nought_still_informs_poisson() -> None:
    """statsmodels drops such pupils; for Poisson their regressors still say something."""
    rng = np.random.default_rng(6)
    pupil = np.repeat(np.arange(30), 2)
    y = rng.poisson(3, 60)
    y[:2] = 4
    assert st.poisson_within(y, {"x": rng.normal(size=60)}, pupil).units == len(
        {p for p, v in zip(pupil, y, strict=True) if v}
    )


def test_an_authority_with_two_children_is_shrunk_not_dropped() -> None:
    rng = np.random.default_rng(7)
    authority = np.append(np.repeat(np.arange(12), 50), [12, 12])
    level = rng.normal(0, 2, 13)
    score = 50 + level[authority] + rng.normal(0, 5, len(authority))
    score[-2:] = 90
    fit = st.mixed(st.cross_products({"score": score}, {}, authority), "score")
    effects, low, high = fit.intervals("constant")
    assert fit.groups == 13
    assert 0 < effects[12] < 0.95 * (90 - fit.estimates["constant"].estimate)
    assert (high - low)[12] > 1.2 * (high - low)[:12].max()
    passed = (score > 52).astype(int)
    logit_fit = st.mixed_logit(st.group_rows(passed, {}, cluster=authority))
    assert logit_fit.groups == 13
    assert abs(logit_fit.effects[12, 0]) < 3


def test_no_variance_between_groups_is_called_singular() -> None:
    rng = np.random.default_rng(8)
    group = np.repeat(np.arange(10), 40)
    y = rng.normal(size=400)
    y -= (np.bincount(group, weights=y) / 40)[group]
    fit = st.mixed(st.cross_products({"y": y}, {"x": rng.normal(size=400)}, group), "y")
    assert fit.singular
    assert fit.variances[0, 0] == pytest.approx(0, abs=1e-6)
    assert np.isnan(fit.variance_se).all()


def test_too_few_groups_for_a_slope() -> None:
    rng = np.random.default_rng(9)
    cross = st.cross_products({"y": rng.normal(size=20)}, {"x": rng.normal(size=20)}, np.arange(20) % 2)
    with pytest.raises(CannotEstimate, match="2 groups cannot tell 2 variances apart"):
        st.mixed(cross, "y", random=("constant", "x"))


def test_means_of_nothing() -> None:
    for attempt in (
        lambda: st.wilson(0, 0),
        lambda: st.wilson(3, 2),
        lambda: st.mean([1.0]),
        lambda: st.paired_t([1.0, 2.0], [2.0, 3.0]),
        lambda: st.signed_rank([1, 2], [1, 2]),
        lambda: st.percentage_change(0.0, 5.0),
        lambda: st.difference_in_means([1.0, 1.0], [2.0, 2.0]),
    ):
        with pytest.raises(CannotEstimate):
            attempt()


def test_a_two_way_covariance_that_goes_negative_is_repaired_and_says_so() -> None:
    # Scores whose sums by row and by column of the grid are nought: only the crossed part, which is subtracted, is left.
    first, second = np.repeat([0, 1, 2], 8), np.tile(np.repeat([0, 1, 2, 3], 2), 3)
    rng = np.random.default_rng(10)
    grid = rng.normal(size=(3, 4))
    grid -= grid.mean(0)
    grid -= grid.mean(1, keepdims=True)
    cells = st.rows_as_cells(5 + grid[first, second], {"x": np.where(np.arange(24) % 2, 1.0, -1.0)})
    fit = st.ols(cells, errors="clustered", clusters={"first": first, "second": second})
    assert fit.repaired
    assert np.all(np.linalg.eigvalsh(fit.estimates.covariance) >= -1e-12)


def test_a_constant_column_of_ones_is_not_taken_twice() -> None:
    with pytest.raises(CannotEstimate, match="is added by the estimators"):
        st.Cells({"constant": np.ones(2)}, np.ones(2), np.ones(2), np.ones(2))
    fit = st.ols(st.rows_as_cells([1.0, 2, 3, 5], {"ones": np.ones(4), "x": [1.0, 2, 3, 4]}))
    assert fit.dropped == (Dropped("column", "ones", 4, "does not vary"),)


def test_text_is_not_a_number() -> None:
    with pytest.raises(CannotEstimate, match="'plan' must be one list of numbers"):
        st.group_rows([1.0, 2.0], {"plan": np.array(["yes", "no"])})
    with pytest.raises(CannotEstimate, match="'plan' has 3 rows where the outcome has 2"):
        st.group_rows([1.0, 2.0], {"plan": [1, 0, 1]})


@pytest.mark.parametrize("kind", ["int8", "int16", "uint16", "int64", "uint64", "float64", "str"])
def test_groups_are_numbered_in_order_whatever_their_kind(kind: str) -> None:
    """Numbers close together are looked up, others sorted: the same answer, at the ends of a kind's range too."""
    rng = np.random.default_rng(5)
    ends = np.iinfo(kind) if np.dtype(kind).kind in "iu" else None
    near = rng.integers(0, 30, 200)
    for ids in (near, near * 4_000_000) if ends is None or ends.max > 1e9 else (near, near + ends.max - 30):
        values = ids.astype(kind)
        groups, code = np.unique(values, return_inverse=True)
        found, names = codes(values)
        assert (found == code).all() and (names == groups).all() and names.dtype == groups.dtype

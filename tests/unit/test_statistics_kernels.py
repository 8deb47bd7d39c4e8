"""Small worked answers, planted effects, and one way of computing checked by another."""

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from sightline import statistics as st
from sightline.statistics import Estimate


def test_exports_are_all_there() -> None:
    assert sorted(st.__all__, key=lambda name: (not name.isupper(), not name[0].isupper(), name)) == st.__all__
    assert all(hasattr(st, name) for name in st.__all__)


def test_stars_come_from_the_unrounded_p() -> None:
    assert [st.stars(p) for p in (0.0099, 0.01, 0.0499, 0.05, 0.0999, 0.1)] == ["***", "**", "**", "*", "*", ""]
    # Table 60 of the report prints 0.005*** beside a standard error of 0.014: those two numbers have no star.
    assert Estimate("months", 0.005, 0.014).stars == ""


def test_signed_rank_agrees_with_scipy_exact_and_approximate() -> None:
    rng = np.random.default_rng(1)
    a = rng.normal(size=20)
    b = a + rng.normal(0.4, 1, size=20)
    mine, theirs = st.signed_rank(a, b), scipy_stats.wilcoxon(b - a)
    assert mine.exact
    assert mine.p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert min(mine.v, 210 - mine.v) == theirs.statistic
    c, d = rng.integers(1, 6, 80), rng.integers(1, 6, 80)
    theirs = scipy_stats.wilcoxon(d - c, zero_method="wilcox", correction=True, method="asymptotic")
    assert st.signed_rank(c, d).p == pytest.approx(theirs.pvalue, rel=1e-12)
    assert st.signed_rank(c, d).zeros == int((c == d).sum())


def test_welch_agrees_with_scipy() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=15), rng.normal(1, 3, size=40)
    mine, theirs = st.difference_in_means(a, b), scipy_stats.ttest_ind(a, b, equal_var=False)
    assert (mine.statistic, mine.p, mine.df) == pytest.approx((theirs.statistic, theirs.pvalue, theirs.df), rel=1e-12)


def test_percentage_change() -> None:
    change = st.percentage_change(Estimate("before", 20.0, 0.4), Estimate("after", 25.0, 0.5))
    assert change.estimate == pytest.approx(25.0)
    assert change.se == pytest.approx(100 * math.hypot(0.5 / 20, 25 * 0.4 / 400))
    assert st.percentage_change(10.0, 9.0).estimate == pytest.approx(-10.0)


def test_cross_products_by_few_and_by_many_clusters_agree() -> None:
    rng = np.random.default_rng(3)
    x, y, g = rng.normal(size=600), rng.normal(size=600), rng.integers(0, 4, 600)
    few, many = st.cross_products({"y": y}, {"x": x}, g), st.cross_products({"y": y}, {"x": x}, np.arange(600))
    np.testing.assert_allclose(few.matrices.sum(0), many.matrices.sum(0), rtol=1e-12)
    assert few.n.sum() == many.n.sum() == 600


def grouped(seed: int = 4, groups: int = 40, each: int = 30) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    group = np.repeat(np.arange(groups), each)
    x = {"plan": rng.integers(0, 2, len(group)), "idaci": rng.random(len(group))}
    y = 3 + 0.5 * x["plan"] - x["idaci"] + rng.normal(size=groups)[group] + rng.normal(size=len(group))
    return x, y, group


def test_cluster_bootstrap_is_near_the_formula() -> None:
    x, y, group = grouped()
    cross = st.cross_products({"y": y, "z": y * 2}, x, group)
    draws = st.cluster_bootstrap(cross, draws=1500, rng=np.random.default_rng(5), terms=["plan"])
    fit = st.ols(st.group_rows(y, x, cluster=group), errors="clustered")
    assert draws.columns == (("y", "plan"), ("z", "plan"))
    assert draws.observed[0] == pytest.approx(fit.estimates["plan"].estimate, rel=1e-10)
    assert draws.se[0] == pytest.approx(fit.estimates["plan"].se, rel=0.12)
    # One draw serves all outcomes: the second is exactly twice the first.
    np.testing.assert_allclose(draws.estimates[:, 1], 2 * draws.estimates[:, 0], rtol=1e-9)
    low, high = draws.interval()
    assert low[0] < fit.estimates["plan"].estimate < high[0]
    again = st.cluster_bootstrap(cross, draws=1500, rng=np.random.default_rng(5), terms=["plan"])
    assert np.array_equal(again.estimates, draws.estimates)


def test_bootstrap_within_pupils() -> None:
    x, y, group = grouped(groups=200, each=4)
    cross = st.within_cross_products({"y": y}, x, group)
    fit = st.within(y, x, group)
    draws = st.cluster_bootstrap(cross, draws=800, rng=np.random.default_rng(6))
    np.testing.assert_allclose(draws.observed, fit.estimates.values[:2], rtol=1e-10)
    np.testing.assert_allclose(draws.se, fit.estimates.se[:2], rtol=0.15)
    by_authority = st.within_cross_products({"y": y}, x, group, cluster=group // 10)
    np.testing.assert_allclose(by_authority.matrices.sum(0), cross.matrices.sum(0), rtol=1e-10)
    with pytest.raises(st.CannotEstimate, match="more than one cluster"):
        st.within_cross_products({"y": y}, x, group, cluster=np.arange(len(y)) % 7)


def slow_wild(x: np.ndarray, y: np.ndarray, group: np.ndarray, j: int, signs: np.ndarray) -> tuple[float, float]:
    """The wild cluster bootstrap on rows, draw by draw: what the cross-products must reproduce."""
    a = np.linalg.inv(x.T @ x)

    def t(outcome: np.ndarray, null: float) -> float:
        b = a @ x.T @ outcome
        e = outcome - x @ b
        s = np.array([x[group == g].T @ e[group == g] for g in np.unique(group)])
        return (b[j] - null) / math.sqrt((a @ s.T @ s @ a)[j, j])

    others = [i for i in range(x.shape[1]) if i != j]
    held = np.zeros(x.shape[1])
    held[others] = np.linalg.lstsq(x[:, others], y, rcond=None)[0]
    rest = y - x @ held
    observed = t(y, 0.0)
    found = [t(x @ held + sign[group] * rest, 0.0) for sign in signs]
    return observed, float(np.mean(np.abs(found) >= abs(observed) * (1 - 1e-12)))


def test_wild_bootstrap_from_cross_products_equals_rows() -> None:
    x, y, group = grouped(groups=8, each=12)
    cross = st.cross_products({"y": y}, x, group)
    mine = st.wild_bootstrap(cross, "y", "plan", draws=10, rng=np.random.default_rng(7))
    signs = 1.0 - 2.0 * ((np.arange(2**8)[:, None] >> np.arange(8)) & 1)
    rows = np.column_stack([x["plan"], x["idaci"], np.ones(len(y))])
    observed, p = slow_wild(rows, y, group, 0, signs)
    assert mine.draws == 256
    assert (mine.statistic, mine.p) == pytest.approx((observed, p), rel=1e-9)


def test_wild_score_bootstrap_finds_what_is_there_and_not_what_is_not() -> None:
    x, y, group = grouped(groups=60, each=40)
    passed = (y + np.random.default_rng(8).logistic(size=len(y)) > 3).astype(int)
    noise = np.random.default_rng(9).integers(0, 2, len(y))
    cells = st.group_rows(passed, {"plan": x["plan"], "noise": noise}, cluster=group)
    rng = np.random.default_rng(10)
    assert st.wild_score_bootstrap(cells, "plan", draws=999, rng=rng).p < 0.02
    against = st.logit(cells, errors="clustered").estimates["noise"].p
    assert st.wild_score_bootstrap(cells, "noise", draws=1999, rng=rng).p == pytest.approx(against, abs=0.05)


def test_randomisation_test() -> None:
    rng = np.random.default_rng(11)
    strata = np.repeat(np.arange(10), 20)
    plan = st.permuted(np.tile([0, 1], 100), strata, rng)
    base = strata + rng.normal(size=200)

    def gap(of: np.ndarray):
        return lambda a: float(of[a == 1].mean() - of[a == 0].mean())

    assert st.randomisation_test(gap(base + plan), plan, draws=199, rng=rng, strata=strata).p == pytest.approx(0.005)
    assert st.randomisation_test(gap(base), plan, draws=199, rng=rng, strata=strata).p > 0.05


def test_romano_wolf_is_between_plain_and_holm_when_tests_hang_together() -> None:
    rng = np.random.default_rng(12)
    shared = rng.normal(size=(4000, 1))
    draws = 0.97 * shared + 0.2 * rng.normal(size=(4000, 6))
    estimates = np.array([2.4, 2.2, 1.0, 0.5, 0.1, 2.3])
    errors = draws.std(axis=0)
    adjusted = st.romano_wolf(estimates, errors, draws + estimates)
    plain = np.array([Estimate("", b, s).p for b, s in zip(estimates, errors, strict=True)])
    assert np.all(adjusted >= plain - 0.01)
    assert adjusted[0] < 0.7 * st.holm(plain)[0]
    identical = st.romano_wolf(estimates[:1], errors[:1], draws[:, :1] + estimates[0])
    assert identical[0] == pytest.approx(plain[0], abs=0.01)


def test_power_and_detectable_effect_are_inverse() -> None:
    for df in (math.inf, 12.0):
        effect = st.minimum_detectable_effect(0.7, chance=0.9, df=df)
        assert st.power(effect, 0.7, df=df) == pytest.approx(0.9, abs=1e-9)
    assert st.power(0.0, 1.0) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("estimate", "se", "verdict"),
    [
        (0.0, 0.1, "no effect that matters"),
        (0.4, 0.1, "an effect, but too small to matter"),
        (0.9, 0.3, "an effect, perhaps too small to matter"),
        (3.0, 0.3, "an effect that matters"),
        (0.2, 1.0, "cannot tell"),
    ],
)
def test_equivalence_tells_no_effect_from_cannot_tell(estimate, se, verdict) -> None:
    assert st.equivalence(Estimate("effect", estimate, se), margin=1.0).verdict == verdict


def test_event_study_recovers_planted_contrasts() -> None:
    rng = np.random.default_rng(13)
    pupils, years = 1500, np.array([2018, 2019, 2022, 2023])
    treated = rng.integers(0, 2, pupils)
    effect = np.array([0.0, 0.0, 1.0, 1.5])
    y = (
        rng.normal(size=(pupils, 1)) * 3
        + np.array([0, 0.5, 2, 3])
        + treated[:, None] * effect
        + rng.normal(size=(pupils, 4))
    )
    ids, when, on = np.repeat(np.arange(pupils), 4), np.tile(years, pupils), np.repeat(treated, 4)
    study = st.event_study(y.ravel(), on, when, ids, reference=2019, start=2022)
    assert study.contrasts.names == ("2018", "2022", "2023")
    assert (study.pre, study.post) == ((2018.0,), (2022.0, 2023.0))
    for name, planted in zip(study.contrasts.names, (0.0, 1.0, 1.5), strict=True):
        assert abs(study.contrasts[name].estimate - planted) < 3.5 * study.contrasts[name].se
    trend = st.pre_trend(study.contrasts, {"2018": -1}, until=3)
    assert trend.test.p > 0.01
    assert trend.detectable == pytest.approx(2.8016 * study.contrasts["2018"].se, rel=1e-3)
    assert trend.bias == pytest.approx(3 * trend.detectable)
    none = st.relative_magnitude_bounds(study.contrasts, "2018", "2022", allowance=0)
    assert none.interval == pytest.approx(study.contrasts["2022"].interval(), rel=1e-9)
    wide = st.relative_magnitude_bounds(study.contrasts, "2018", "2022", allowance=2)
    assert wide.interval[0] < none.interval[0] < none.interval[1] < wide.interval[1]
    at = st.relative_magnitude_bounds(study.contrasts, "2018", "2022", allowance=none.breakdown)
    assert min(abs(end) for end in at.interval) < 1e-6
    smooth = st.smooth_trend_bounds(study.contrasts, "2018", "2022", distance=-1, until=3, allowance=0)
    line = study.contrasts.combination({"2022": 1, "2018": 3})
    assert smooth.interval == pytest.approx(line.interval(), rel=2e-3)


def test_bias_after_passing_the_pre_trend_test_by_simulation() -> None:
    covariance = np.array([[1.0, 0.5], [0.5, 1.0]])
    contrasts = st.Estimates(("pre", "post"), np.zeros(2), covariance, math.inf, "")
    got = st.expected_bias_after_passing(contrasts, "pre", "post", slope=1.2, distance=-1, until=2)
    draws = np.random.default_rng(14).multivariate_normal([-1.2, 2.4], covariance, 400_000)
    passed = np.abs(draws[:, 0]) < 1.959964
    assert got == pytest.approx(draws[passed, 1].mean(), abs=0.01)


def test_oster_recovers_planted_selection() -> None:
    """Selection on the unobserved planted at 0.7 of that on the observed, and a true effect of one half."""
    rng = np.random.default_rng(15)
    n = 60_000
    seen, unseen = rng.normal(size=(n, 2)), 1.3 * rng.normal(size=n)
    index = seen @ np.array([1.0, -0.5])
    x = 0.6 * index + 0.7 * 0.6 * unseen + rng.normal(size=n)
    y = 0.5 * x + index + unseen + rng.normal(size=n)
    cross = st.cross_products({"y": y}, {"x": x, "a": seen[:, 0], "b": seen[:, 1]}, np.arange(n) % 20)
    top = float(np.var(0.5 * x + index + unseen) / np.var(y))
    found = st.oster(cross, "y", "x", always=("constant",), r2_max=top, null=0.5, at_delta=0.7)
    assert found.delta == pytest.approx(0.7, abs=0.03)
    assert found.adjusted == pytest.approx(0.5, abs=0.03)
    assert found.short > found.full > 0.5


def test_specification_curve_equals_fits_one_by_one() -> None:
    x, y, group = grouped()
    x |= {"extra": np.random.default_rng(16).normal(size=len(y))}
    cross = st.cross_products({"y": y}, x, group)
    for errors in ("conventional", "clustered"):
        curve = st.specification_curve(cross, "y", "plan", optional=("idaci", "extra"), errors=errors)
        assert len(curve.estimates) == 4
        for row, estimate, se in zip(curve.included, curve.estimates, curve.se, strict=True):
            names = ["plan", *np.array(curve.optional)[row]]
            fit = st.ols(st.rows_as_cells(y, {k: x[k] for k in names}, cluster=group), errors=errors)
            assert estimate == pytest.approx(fit.estimates["plan"].estimate, rel=1e-9)
            assert se == pytest.approx(fit.estimates["plan"].se, rel=1e-9)
    assert curve.summary()["lowest"] <= curve.summary()["median"] <= curve.summary()["highest"]


def test_likelihood_ratio_of_a_random_slope() -> None:
    x, y, group = grouped(groups=30, each=40)
    rng = np.random.default_rng(17)
    sloped = y + rng.normal(0, 1.0, 30)[group] * x["plan"]
    for outcome, p_low, p_high in ((sloped, 0.0, 1e-6), (y, 0.01, 1.0)):
        cross = st.cross_products({"y": outcome}, x, group)
        larger, smaller = st.mixed(cross, "y", random=("constant", "plan")), st.mixed(cross, "y")
        assert p_low <= st.random_term_test(larger, smaller).p <= p_high
    bare = st.mixed(cross, "y", random=())
    assert st.random_term_test(smaller, bare).p < 1e-10
    twin = st.ols(st.rows_as_cells(y, x), errors="conventional")
    np.testing.assert_allclose(bare.estimates.values, twin.estimates.values, rtol=1e-9)
    np.testing.assert_allclose(bare.estimates.se, twin.estimates.se, rtol=1e-9)


def test_shrunken_effects_cover_the_truth() -> None:
    rng = np.random.default_rng(18)
    inside, total = 0, 0
    for _ in range(20):
        truth = rng.normal(0, 1.5, 40)
        group = np.repeat(np.arange(40), rng.integers(2, 30, 40))
        y = 10 + truth[group] + rng.normal(0, 3, len(group))
        fit = st.mixed(st.cross_products({"y": y}, {}, group), "y")
        _, low, high = fit.intervals("constant")
        inside, total = inside + int(((low < truth) & (truth < high)).sum()), total + 40
    assert 0.92 < inside / total < 0.98


def test_linear_probability_needs_nought_or_one() -> None:
    with pytest.raises(st.CannotEstimate, match="nought or one"):
        st.linear_probability(st.rows_as_cells([0.0, 1, 2, 1], {"x": [1.0, 2, 3, 5]}))


def test_puhani_has_the_sign_of_its_coefficient_and_cross_difference_need_not() -> None:
    """Both main effects large and no policy effect at all: the cross difference is far from nought, Puhani's is not."""
    plan, post, n = np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1]), np.full(4, 50_000.0)
    p = 1 / (1 + np.exp(-(2.5 - 2 * plan - 2 * post)))
    x = {"plan": plan.astype(float), "post": post.astype(float), "both": (plan * post).astype(float)}
    cells = st.Cells(x, n, n * p, n * p)
    fit = st.logit(st.Cells(x, n, np.round(n * p), np.round(n * p)))
    puhani = st.effect_on_treated(fit, cells, treated=("plan", "post"), off=("both",))
    cross = st.cross_difference(fit, cells, "plan", "post", products={"both": ("plan", "post")})
    assert abs(puhani.estimate) < 1e-3
    assert abs(cross.estimate) > 0.05
    assert abs(cross.statistic) > 7


def test_a_change_splits_exactly_into_stayers_joiners_and_leavers() -> None:
    """Three children stay and improve by one point; two who left were high, one who joined is low."""
    split = st.composition([1, 2, 3, 4, 5], [10.0, 20, 30, 50, 60], [1, 2, 3, 9], [11.0, 21, 31, 5])
    assert (split.before, split.after) == (34.0, 17.0)
    assert (split.stayers, split.leavers, split.joiners) == pytest.approx((1.0, -14.0, -4.0))
    assert split.stayers + split.leavers + split.joiners == pytest.approx(split.change)
    assert (split.n_stayers, split.n_joiners, split.n_leavers, split.dropped) == (3, 1, 2, 0)
    with pytest.raises(st.CannotEstimate, match="all in who is counted"):
        st.composition([1], [1.0], [2], [2.0])
    with pytest.raises(st.CannotEstimate, match="twice"):
        st.composition([1, 1], [1.0, 2.0], [1], [2.0])


def weekly(rng: np.random.Generator, weeks: int = 80, start: int = 40) -> tuple[np.ndarray, np.ndarray]:
    noise = np.zeros(weeks)
    for i in range(1, weeks):
        noise[i] = 0.4 * noise[i - 1] + rng.normal(0, 0.5)
    t = np.arange(weeks, dtype=float)
    return t, 90 - 0.02 * t + (t >= start) * (1.5 + 0.05 * (t - start)) + noise


def test_interrupted_series_finds_a_planted_step_and_slope() -> None:
    rng = np.random.default_rng(20)
    inside = 0
    for _ in range(100):
        t, y = weekly(rng)
        fit = st.interrupted_series(y, t, start=40, at=(0, 20))
        low, high = fit.effects[1].interval()
        inside += low <= 2.5 <= high
    assert (fit.before, fit.after) == (40, 40)
    assert fit.estimates.names == ("constant", "slope", "change in level", "change in slope")
    assert fit.effects[0].estimate == pytest.approx(fit.estimates["change in level"].estimate)
    assert 89 <= inside <= 100


def test_newey_west_by_the_textbook_sum() -> None:
    t, y = weekly(np.random.default_rng(21))
    fit = st.interrupted_series(y, t, start=40, lags=3, errors="newey-west")
    x = np.column_stack([np.ones(80), t - 40, t >= 40, (t - 40) * (t >= 40)]).astype(float)
    a = np.linalg.inv(x.T @ x)
    s = x * (y - x @ (a @ x.T @ y))[:, None]
    middle = s.T @ s
    for lag in (1, 2, 3):
        part = s[lag:].T @ s[:-lag]
        middle += (1 - lag / 4) * (part + part.T)
    np.testing.assert_allclose(fit.estimates.se, np.sqrt(np.diag(a @ middle @ a) * 80 / 76), rtol=1e-8)
    white = st.interrupted_series(y, t, start=40, lags=0, errors="newey-west")
    rows = st.rows_as_cells(y, {"slope": t - 40, "level": x[:, 2], "change": x[:, 3]})
    assert white.estimates["change in slope"].se == pytest.approx(st.ols(rows).estimates["change"].se, rel=1e-9)


def test_without_lags_and_weights_the_adjusted_errors_are_white_with_whites_bias_taken_off() -> None:
    """Lags of nought: the sum of squared scores, divided by its mean under independent errors (HC2 on average)."""
    t, y = weekly(np.random.default_rng(22))
    fit = st.interrupted_series(y, t, start=40, lags=0)
    x = np.column_stack([np.ones(80), t - 40, t >= 40, (t - 40) * (t >= 40)]).astype(float)
    a = np.linalg.inv(x.T @ x)
    e = y - x @ (a @ x.T @ y)
    lever = 1 - np.einsum("ti,ij,tj->t", x, a, x)
    for j, se in enumerate(fit.estimates.se):
        line = x @ a[:, j]
        assert se**2 == pytest.approx(float((line**2) @ (e**2)) * a[j, j] / float((line**2) @ lever), rel=1e-8)
    assert fit.effects[0].df >= fit.estimates.df


def test_interrupted_series_says_when_there_is_too_little() -> None:
    t, y = weekly(np.random.default_rng(22))
    with pytest.raises(st.CannotEstimate, match="3 periods before and 77 after"):
        st.interrupted_series(y, t, start=3)
    y[:2] = np.nan
    assert st.interrupted_series(y, t, start=40).dropped[0].count == 2


@pytest.mark.parametrize("size", [4, 40])
def test_random_subsets_pick_what_is_asked_for_and_every_row_as_often(size: int) -> None:
    """Four rows of a stratum are put in order; of forty few are picked, and double picks are drawn again."""
    rng = np.random.default_rng(5)
    strata, picked = np.repeat(np.arange(3), size), np.array([1, 2, 0])
    count = np.zeros(3 * size)
    for _ in range(4000):
        found = st.random_subsets(strata, picked, rng)
        assert np.array_equal(np.bincount(strata[found], minlength=3), picked)
        count[found] += 1
    expected = 4000 * picked / size
    np.testing.assert_allclose(count, expected[strata], atol=5 * np.sqrt(expected.max()))


def test_places_that_differ_by_chance_alone_and_by_more() -> None:
    """DerSimonian and Laird by hand: equal errors, so the average is plain and between^2 is the variance less se^2."""
    b, se = np.array([1.0, 3.0, 5.0]), np.full(3, 0.5)
    found = st.pooled(b, se)
    assert found.average.estimate == pytest.approx(3.0)
    assert found.q == pytest.approx(32.0) and found.df == 2
    assert found.between**2 == pytest.approx(4.0 - 0.25)
    assert found.average.se == pytest.approx(np.sqrt(4.0 / 3))
    assert st.pooled([1.0, 1.1], [1.0, 1.0]).between == 0
    with pytest.raises(st.CannotEstimate, match="One place"):
        st.pooled([1.0], [1.0])


def test_cross_products_of_cells_are_those_of_their_rows() -> None:
    rng = np.random.default_rng(3)
    x = {"a": rng.integers(0, 3, 200).astype(float), "b": rng.integers(0, 2, 200).astype(float)}
    y, place = rng.integers(0, 5, 200).astype(float), rng.integers(0, 4, 200)
    cells = st.cells_cross_products(st.group_rows(y, x, cluster=place), "y")
    rows = st.cross_products({"y": y}, x, place)
    assert cells.regressors == rows.regressors
    np.testing.assert_allclose(cells.matrices, rows.matrices)
    np.testing.assert_allclose(cells.n, rows.n)
    held, dropped = st.cross_products({"y": y}, x | {"c": x["a"] + x["b"]}, place).usable()
    assert held.regressors == rows.regressors
    assert [d.name for d in dropped] == ["c"]


def test_power_of_a_large_shift_with_few_and_broken_degrees_of_freedom_is_one() -> None:
    """Satterthwaite's degrees of freedom are no whole numbers; SciPy's far tail is then not a number."""
    for df in (2.9, 4.2, 5.7):
        assert st.power(11.0, 1.0, df=df) == pytest.approx(1.0, abs=1e-4)
        found = st.minimum_detectable_effect(1.0, df=df)
        assert st.power(found, 1.0, df=df) == pytest.approx(0.8, abs=1e-6)

"""Do the estimators find what was planted, and do their intervals cover it as often as they say?

    python benchmarks/recovery.py [--replications 1000] [--only within_clustered ...] [--json FILE]

Each replication invents data with known coefficients, fits, and asks whether the 95% interval holds the truth. Printed
per estimator: the mean error over its Monte Carlo standard error (within about 3 when there is no bias), the share of
intervals that hold the truth, and that share's own 95% range. Exit code 1 when an estimator is biased beyond 3.5 or its
share lies outside 93% to 97%, which chance alone does to a right one in 4 runs of 1,000. Same seed, same numbers; the
last result is kept in recovery.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from scipy import special

from sightline import statistics as st

SEED = 4101
Replication = Callable[[np.random.Generator], tuple[st.Estimate, float]]


def _panel(
    rng: np.random.Generator, pupils: int = 250
) -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray, np.ndarray]:
    sizes = rng.choice([2, 3, 4], pupils)
    pupil = np.repeat(np.arange(pupils), sizes)
    level = rng.normal(size=pupils)[pupil]
    # The plan follows the pupil's level, so leaving the level out would be wrong.
    months = np.clip(np.round(4 + 3 * level + rng.normal(0, 4, len(pupil))), 0, 12)
    return (
        {"months": months, "fsm": rng.integers(0, 2, len(pupil)).astype(float)},
        pupil,
        level,
        rng.normal(size=len(pupil)),
    )


def within_clustered(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, noise = _panel(rng)
    spell = rng.normal(size=int(pupil.max()) + 1)[pupil] * x["months"] * 0.1
    y = 5 * level - 0.45 * x["months"] - 3 * x["fsm"] + noise + spell
    return st.within(y, x, pupil).estimates["months"], -0.45


def within_conventional(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, noise = _panel(rng)
    y = 5 * level - 0.45 * x["months"] - 3 * x["fsm"] + 4 * noise
    return st.within(y, x, pupil, errors="conventional").estimates["months"], -0.45


def poisson_clustered(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, _ = _panel(rng)
    rate = np.exp(1 + 0.5 * level - 0.02 * x["months"] - 0.1 * x["fsm"]) * rng.gamma(4, 0.25, len(pupil))
    return st.poisson_within(rng.poisson(rate), x, pupil).estimates["months"], -0.02


def conditional_logit(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, _ = _panel(rng, 500)
    y = (rng.logistic(size=len(pupil)) < level - 0.06 * x["months"] - 0.2 * x["fsm"]).astype(int)
    return st.conditional_logit(y, x, pupil).estimates["months"], -0.06


def _section(rng: np.random.Generator, n: int = 2500) -> dict[str, np.ndarray]:
    plan, post, idaci = (rng.random(n) < 0.3) * 1.0, rng.integers(0, 2, n) * 1.0, np.round(rng.beta(1.5, 6, n), 2)
    return {"plan": plan, "post": post, "both": plan * post, "idaci": idaci}


PLANTED = np.array([-0.7, -0.3, 0.25, -1.3])


def logit_model(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x = _section(rng)
    y = (rng.logistic(size=2500) < 1.2 + PLANTED @ np.array(list(x.values()))).astype(int)
    return st.logit(st.group_rows(y, x)).estimates["both"], 0.25


def _treated_effect(x: dict[str, np.ndarray]) -> float:
    at = x["both"] == 1
    index = 1.2 + PLANTED @ np.array([values[at] for values in x.values()])
    return float(np.mean(1 / (1 + np.exp(-index)) - 1 / (1 + np.exp(-(index - 0.25)))))


def effect_on_treated(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x = _section(rng)
    y = (rng.logistic(size=2500) < 1.2 + PLANTED @ np.array(list(x.values()))).astype(int)
    cells = st.group_rows(y, x)
    found = st.effect_on_treated(st.logit(cells), cells, treated=("plan", "post"), off=("both",))
    return found, _treated_effect(x)


def least_squares_robust(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x = _section(rng)
    y = 50 + np.array([-9, 2, 0.8, -25]) @ np.array(list(x.values())) + rng.normal(0, 10, 2500) * (1 + x["plan"])
    return st.ols(st.group_rows(np.round(y, 1), x)).estimates["both"], 0.8


def least_squares_clustered(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, authority = _section(rng), rng.integers(0, 100, 2500)
    slope = rng.normal(0, 4, 100)[authority] * x["both"]
    y = 50 + np.array([-9, 2, 0.8, -25]) @ np.array(list(x.values())) + slope + rng.normal(0, 10, 2500)
    cells = st.rows_as_cells(y, x, cluster=authority)
    return st.ols(cells, errors="cr2").estimates["both"], 0.8


def mixed_reml(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, authority = _section(rng), rng.integers(0, 80, 2500)
    level, slope = rng.normal(0, 3, 80), rng.normal(0, 3, 80)
    y = 50 + np.array([-9, 2, 0.8, -25]) @ np.array(list(x.values())) + level[authority] + slope[authority] * x["both"]
    cross = st.cross_products({"y": y + rng.normal(0, 10, 2500)}, x, authority)
    return st.mixed(cross, "y", random=("constant", "both")).estimates["both"], 0.8


def mixed_logit_laplace(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, authority = _section(rng), rng.integers(0, 60, 2500)
    odds = 1.2 + PLANTED @ np.array(list(x.values())) + rng.normal(0, 0.5, 60)[authority]
    cells = st.group_rows((rng.logistic(size=2500) < odds).astype(int), x, cluster=authority)
    return st.mixed_logit(cells).estimates["both"], 0.25


def within_two_way(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, noise = _panel(rng, 600)
    authority = (pupil % 60).astype(int)
    shock = rng.normal(0, 0.1, 60)[authority] * x["months"]
    y = 5 * level - 0.45 * x["months"] - 3 * x["fsm"] + noise + shock
    clusters = {"pupil": pupil, "authority": authority}
    return st.within(y, x, pupil, clusters=clusters).estimates["months"], -0.45


def poisson_by_authority(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, _ = _panel(rng, 600)
    authority = pupil % 100
    shock = rng.normal(0, 0.01, 100)[authority] * x["months"]
    rate = np.exp(1 + 0.5 * level - 0.02 * x["months"] - 0.1 * x["fsm"] + shock)
    fit = st.poisson_within(rng.poisson(rate), x, pupil, cluster=authority)
    return fit.estimates["months"], -0.02


def linear_probability(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x = _section(rng)
    chance = 0.6 + np.array([-0.1, -0.05, 0.04, -0.3]) @ np.array(list(x.values()))
    y = (rng.random(2500) < chance).astype(int)
    return st.linear_probability(st.group_rows(y, x)).estimates["both"], 0.04


def event_contrast(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    pupil, year = np.repeat(np.arange(300), 4), np.tile([2017, 2018, 2021, 2022], 300)
    on = (pupil < 100).astype(float)
    y = rng.normal(size=300)[pupil] + 0.5 * (year >= 2021) + 0.8 * on * (year == 2021) + rng.normal(0, 2, 1200)
    found = st.event_study(y, on, year, pupil, reference=2018, start=2021)
    return found.contrasts["2021"], 0.8


def cluster_bootstrap(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, noise = _panel(rng)
    spell = rng.normal(size=int(pupil.max()) + 1)[pupil] * x["months"] * 0.1
    y = 5 * level - 0.45 * x["months"] - 3 * x["fsm"] + noise + spell
    cross = st.within_cross_products({"y": y}, x, pupil)
    found = st.cluster_bootstrap(cross, draws=400, rng=rng, terms=["months"])
    return st.Estimate("months", float(found.observed[0]), float(found.se[0])), -0.45


def wild_bootstrap(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Its test of the truth: the interval holds the truth when the test does not reject it."""
    x, authority = _section(rng), rng.integers(0, 30, 2500)
    slope = rng.normal(0, 4, 30)[authority] * x["both"]
    y = 50 + np.array([-9, 2, 0.8, -25]) @ np.array(list(x.values())) + slope + rng.normal(0, 10, 2500)
    cross = st.cross_products({"y": y}, x, authority)
    test = st.wild_bootstrap(cross, "y", "both", draws=399, rng=rng, null=0.8)
    return _test(st.ols(st.rows_as_cells(y, x)).estimates["both"].estimate, 0.8, test.p)


def wild_score_bootstrap(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, authority = _section(rng), rng.integers(0, 40, 2500)
    odds = 1.2 + np.array([-0.7, -0.3, 0.0, -1.3]) @ np.array(list(x.values())) + rng.normal(0, 0.3, 40)[authority]
    cells = st.group_rows((rng.logistic(size=2500) < odds).astype(int), x, cluster=authority)
    test = st.wild_score_bootstrap(cells, "both", draws=399, rng=rng)
    return _test(st.logit(cells).estimates["both"].estimate, 0.0, test.p)


def plans_shuffled(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, place = _section(rng), rng.integers(0, 10, 2500)
    y = 50 - 9 * x["plan"] + 2 * x["post"] - 25 * x["idaci"] + rng.normal(0, 10, 2500)
    null = st.ols(st.rows_as_cells(y, {name: x[name] for name in ("plan", "post", "idaci")})).estimates
    rest = y - sum(null[name].estimate * x[name] for name in ("plan", "post", "idaci"))
    strata = place * 2 + x["post"]
    test = st.shuffled_differences(rest, x["plan"], strata, 2 * x["post"] - 1, draws=199, rng=rng)
    return _test(test.statistic, 0.0, test.p)


def _test(found: float, truth: float, p: float) -> tuple[st.Estimate, float]:
    """A test as an estimate whose 95% interval holds the truth exactly when p is over 0.05."""
    reach = abs(found - truth) / 1.959964
    return st.Estimate("test", found, reach * (1.0 + 1e-6) if p > 0.05 else reach * (1.0 - 1e-6)), truth


def mixed_logit_slope(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, authority = _section(rng), rng.integers(0, 60, 2500)
    odds = 1.2 + PLANTED @ np.array(list(x.values())) + rng.normal(0, 0.5, 60)[authority]
    odds += rng.normal(0, 0.4, 60)[authority] * x["both"]
    cells = st.group_rows((rng.logistic(size=2500) < odds).astype(int), x, cluster=authority)
    return st.mixed_logit(cells, random=("constant", "both")).estimates["both"], 0.25


def places_pooled(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    se = rng.uniform(0.3, 1.0, 80)
    return st.pooled(rng.normal(0.8, 0.5, 80) + rng.normal(0, se), se).average, 0.8


def weekly_series(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    week = np.arange(156.0)
    noise = rng.normal(0, 0.5, 157)
    y = 8 + 0.01 * week - 1.2 * (week >= 80) + noise[1:] + 0.3 * noise[:-1]
    return st.interrupted_series(y, week, start=80.0).effects[0], -1.2


def within_cr2(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    x, pupil, level, noise = _panel(rng, 120)
    spell = rng.normal(size=int(pupil.max()) + 1)[pupil] * x["months"] * 0.1
    y = 5 * level - 0.45 * x["months"] - 3 * x["fsm"] + noise + spell
    return st.within(y, x, pupil, errors="cr2").estimates["months"], -0.45


def _index(x: dict[str, np.ndarray]) -> np.ndarray:
    return np.asarray(1.2 + PLANTED @ np.array(list(x.values())))


def _chance(index: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-index)))


PRODUCTS = {"both": ("plan", "post")}


def did_marginal_effect(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """dy/dx of the product column, as tables 63 to 68 print it."""
    x = _section(rng)
    p = _chance(_index(x))
    cells = st.group_rows((rng.random(2500) < p).astype(int), x)
    return st.marginal_effects(st.logit(cells), cells)["both"], float(0.25 * (p * (1 - p)).mean())


def cross_difference(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Ai and Norton's."""
    x = _section(rng)
    cells = st.group_rows((rng.random(2500) < _chance(_index(x))).astype(int), x)
    found = st.cross_difference(st.logit(cells), cells, "plan", "post", products=PRODUCTS)
    away = {(d, t): x | {"plan": d + 0 * x["plan"], "post": t + 0 * x["post"], "both": d * t + 0 * x["both"]}
            for d in (0, 1) for t in (0, 1)}  # fmt: skip
    p = {key: _chance(_index(value)) for key, value in away.items()}
    return found, float((p[1, 1] - p[1, 0] - p[0, 1] + p[0, 0]).mean())


def switched_plan(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """The plan with all its terms moving."""
    x = _section(rng)
    cells = st.group_rows((rng.random(2500) < _chance(_index(x))).astype(int), x)
    on, off = (x | {"plan": d + 0 * x["plan"], "both": d * x["post"]} for d in (1, 0))
    truth = float((_chance(_index(on)) - _chance(_index(off))).mean())
    return st.switching(st.logit(cells), cells, "plan", products=PRODUCTS), truth


def logit_clustered(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Pupils of a school alike in what they reach, and chances that still are the model's own."""
    x, school = _section(rng), rng.integers(0, 150, 2500)
    shared = special.ndtr(0.5 * rng.normal(size=150)[school] + np.sqrt(0.75) * rng.normal(size=2500))
    cells = st.group_rows((shared < _chance(_index(x))).astype(int), x, cluster=school)
    return st.logit(cells, errors="clustered").estimates["both"], 0.25


def collapsed_change(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Table 73's last column: the change of slope from one stacked model, a pupil's two rows going together."""
    pupils = 500
    level, place = rng.normal(size=pupils), rng.integers(0, 150, pupils)
    months, post = rng.integers(0, 13, (2, pupils)) * 1.0, np.repeat([0.0, 1.0], pupils)
    y = np.concatenate([20 + 5 * level + 0.5 * months[0], 35 + 5 * level - 0.2 * months[1]])
    y += rng.normal(0, 6, 2 * pupils)
    x = {"months": months.ravel(), "post": post, "months_post": months.ravel() * post}
    cells = st.rows_as_cells(y, x, cluster=np.tile(place, 2))
    return st.ols(cells, errors="clustered").estimates["months_post"], -0.7


def group_time_effect(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    first = rng.choice([0, 2021, 2022], 240, p=[0.5, 0.3, 0.2])
    unit, year = np.repeat(np.arange(240), 4), np.tile([2019, 2020, 2021, 2022], 240)
    on = (first[unit] > 0) & (year >= first[unit])
    y = rng.normal(size=240)[unit] + 0.3 * (year - 2019) + 0.8 * on + rng.normal(0, 1, 960)
    return st.group_time_effects(y, unit, year, first[unit]).simple, 0.8


def bounded_effect(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Trends that part after the start just as far as before it: the robust interval at an allowance of one."""
    unit, year = np.repeat(np.arange(400), 3), np.tile([2018, 2019, 2022], 400)
    on = np.repeat(rng.integers(0, 2, 400), 3) * 1.0
    # 2 apart in 2018, and 2 further apart in 2022 than an effect of 0.8 alone would make them.
    y = 2 * on * (year == 2018) + (0.8 + 2) * on * (year == 2022) + rng.normal(0, 3, 1200)
    found = st.event_study(y, on, year, unit, reference=2019, start=2022)
    low, high = st.relative_magnitude_bounds(found.contrasts, "2018", "2022", allowance=1.0).interval
    return _held(found.contrasts["2022"].estimate - 2, 0.8, low <= 0.8 <= high)


def pre_trend_test(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Trends that are parallel: found to part in one study of twenty."""
    unit, year = np.repeat(np.arange(300), 4), np.tile([2017, 2018, 2019, 2022], 300)
    on = np.repeat(rng.integers(0, 2, 300), 4) * 1.0
    y = rng.normal(size=300)[unit] + 0.4 * (year == 2022) * on + rng.normal(0, 2, 1200)
    found = st.event_study(y, on, year, unit, reference=2019, start=2022)
    tested = st.pre_trend(found.contrasts, {"2017": -2.0, "2018": -1.0}, until=3.0)
    return _held(found.contrasts["2018"].estimate, 0.0, tested.test.p > 0.05)


def equivalence_at_the_margin(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """An effect that is just as large as matters is called smaller in one study of twenty."""
    first, second = rng.normal(0.5, 1, 200), rng.normal(0, 1, 200)
    found = st.difference_in_means(first, second)
    return _held(found.estimate, 0.5, st.equivalence(found, margin=0.5).p > 0.05)


def romano_wolf_family(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Six outcomes of the same children and no effect on any: one found or more in one study of twenty."""
    together = rng.normal(size=(300, 1))
    y = 0.7 * together + rng.normal(size=(300, 6))
    b, se = y.mean(axis=0), y.std(axis=0, ddof=1) / np.sqrt(300)
    drawn = rng.multinomial(300, np.full(300, 1 / 300), 399)
    p = st.romano_wolf(b, se, drawn @ y / 300)
    return _held(float(b[0]), 0.0, float(p.min()) > 0.05)


def places_randomised(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Whole places given something by lot, and the test that shuffles the lot."""
    given = rng.permutation(np.repeat([0, 1], 15))
    y = rng.normal(0, 2, 30) + rng.exponential(2, 30)

    def gap(lot: np.ndarray) -> float:
        return float(y[lot == 1].mean() - y[lot == 0].mean())

    test = st.randomisation_test(gap, given, draws=199, rng=rng)
    return _held(test.statistic, 0.0, test.p > 0.05)


def series_slope(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    week = np.arange(156.0)
    noise = rng.normal(0, 0.5, 157)
    y = 8 + 0.01 * week - 0.02 * (week - 80) * (week >= 80) + noise[1:] + 0.3 * noise[:-1]
    return st.interrupted_series(y, week, start=80.0).estimates["change in slope"], -0.02


def shrunken_effect(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """One authority's departure in the slope: its interval is for what it truly is. As many authorities as there are:

    the variances are taken as known, and with 40 of 60 children each the intervals held the truth in 92% of cases.
    """
    x, authority = _section(rng, 7600), rng.integers(0, 152, 7600)
    level, slope = rng.normal(0, 3, 152), rng.normal(0, 4, 152)
    y = 50 + np.array([-9, 2, 0.8, -25]) @ np.array(list(x.values())) + level[authority] + slope[authority] * x["both"]
    cross = st.cross_products({"y": y + rng.normal(0, 10, 7600)}, x, authority)
    fit = st.mixed(cross, "y", random=("constant", "both"))
    middle, low, high = fit.intervals("both")
    return _held(float(middle[0]), float(slope[0]), bool(low[0] <= slope[0] <= high[0]))


def mean_difference(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    return st.difference_in_means(rng.normal(3, 4, 30), rng.normal(2, 1, 80)), 1.0


def mean_did(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    parts = (rng.normal(m, s, n) for m, s, n in ((20, 3, 60), (24, 6, 40), (18, 2, 90), (21, 2, 80)))
    return st.difference_in_differences(*parts), 1.0


def percent_change(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    return st.percentage_change(st.mean(rng.normal(20, 8, 400)), st.mean(rng.normal(25, 9, 500))), 25.0


def share_wilson(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    found = st.wilson(int(rng.binomial(250, 0.3)), 250)
    return _held(found.estimate, 0.3, found.low <= 0.3 <= found.high)


def share_difference(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    """Newcombe's."""
    found = st.difference_in_proportions((int(rng.binomial(80, 0.6)), 80), (int(rng.binomial(150, 0.35)), 150))
    return _held(found.estimate, 0.25, found.low <= 0.25 <= found.high)


def paired_change(rng: np.random.Generator) -> tuple[st.Estimate, float]:
    first = rng.normal(5, 2, 40)
    return st.paired_t(first, first + rng.normal(0.6, 1, 40)).difference, 0.6


def _held(found: float, truth: float, holds: bool) -> tuple[st.Estimate, float]:
    """An estimate whose interval holds the truth exactly when it is said to: for intervals that are not symmetrical."""
    return _test(found, truth, 1.0 if holds else 0.0)


ESTIMATORS: dict[str, Replication] = {
    function.__name__: function
    for function in (
        *(within_clustered, within_conventional, poisson_clustered, conditional_logit),
        *(logit_model, effect_on_treated, least_squares_robust, least_squares_clustered),
        *(mixed_reml, mixed_logit_laplace),
        # New ones go last: an estimator's place is part of its seed.
        *(within_two_way, poisson_by_authority, linear_probability, event_contrast),
        *(cluster_bootstrap, wild_bootstrap, wild_score_bootstrap, plans_shuffled),
        *(mixed_logit_slope, places_pooled, weekly_series),
        *(within_cr2, did_marginal_effect, cross_difference, switched_plan, logit_clustered, collapsed_change),
        *(group_time_effect, bounded_effect, pre_trend_test, equivalence_at_the_margin, romano_wolf_family),
        *(places_randomised, series_slope, shrunken_effect, mean_difference, mean_did, percent_change),
        *(share_wilson, share_difference, paired_change),
    )
}


def replicate(name: str, replications: int, seed: int = SEED) -> dict[str, float]:
    """Bias in Monte Carlo standard errors, and coverage of the 95% interval with its own 95% range."""
    rng = np.random.default_rng([seed, list(ESTIMATORS).index(name)])
    errors, covered = np.empty(replications), 0
    for i in range(replications):
        found, truth = ESTIMATORS[name](rng)
        low, high = found.interval()
        errors[i] = found.estimate - truth
        covered += low <= truth <= high
    share = st.wilson(int(covered), replications)
    bias = errors.mean() / (errors.std(ddof=1) / np.sqrt(replications))
    return {
        "replications": replications,
        "bias_z": float(bias),
        "coverage": share.estimate,
        "low": share.low,
        "high": share.high,
    }


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--replications", type=int, default=1000, help="per estimator (1,000)")
    options.add_argument("--only", nargs="*", default=list(ESTIMATORS), choices=list(ESTIMATORS))
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--json", type=Path, help="keep the result in this file, beside those of other estimators")
    chosen = options.parse_args()
    print(f"{chosen.replications} replications, seed {chosen.seed}\n{'':28}{'bias, z':>9}{'coverage':>10}  its range")
    found, out = {}, []
    for name in chosen.only:
        result = found[name] = replicate(name, chosen.replications, chosen.seed)
        if abs(result["bias_z"]) > 3.5 or not 0.93 <= result["coverage"] <= 0.97:
            out.append(name)
        low, high = 100 * result["low"], 100 * result["high"]
        print(
            f"{name:28}{result['bias_z']:9.2f}{100 * result['coverage']:9.1f}%  {low:.1f}% to {high:.1f}%", flush=True
        )
    if chosen.json:
        held = json.loads(chosen.json.read_text(encoding="utf-8")) if chosen.json.is_file() else {}
        # Estimators have streams of their own, so a run of some leaves what the file has of the others as it is.
        before = held.get("estimators", {}) if held.get("seed") == chosen.seed else {}
        every = {name: (before | found)[name] for name in ESTIMATORS if name in before | found}
        chosen.json.write_text(
            json.dumps({"seed": chosen.seed, "estimators": every}, indent=1) + "\n", encoding="utf-8"
        )
    if out:
        print(f"Out: {', '.join(out)}")
        sys.exit(1)


if __name__ == "__main__":
    main()

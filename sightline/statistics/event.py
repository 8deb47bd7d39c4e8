"""Event studies with few periods: contrasts by year, what a pre-trend test could see, bounds when trends differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from sightline.statistics.design import Columns, labels
from sightline.statistics.power import minimum_detectable_effect
from sightline.statistics.records import CannotEstimate, Estimate, Estimates, F, Wald, quantile
from sightline.statistics.within import WithinFit, within


@dataclass(frozen=True)
class PreTrend:
    """A test of the contrasts before the start, and the trend it could have found.

    `detectable` is the steady divergence per period that the test finds with the given chance; a smaller one would
    mostly pass unseen. `bias` is what that trend would add to the first contrast after the start.
    """

    test: Wald
    detectable: float
    chance: float
    bias: float


@dataclass(frozen=True, eq=False)
class EventStudy:
    """Contrasts of treated against compared in each period, relative to the reference, with units' fixed effects."""

    periods: tuple[float, ...]
    reference: float
    contrasts: Estimates
    fit: WithinFit
    pre: tuple[float, ...]
    post: tuple[float, ...]


@dataclass(frozen=True)
class Bounds:
    """What the effect can be when trends may differ: identified set, robust interval, where it first holds nought."""

    allowance: float
    identified: tuple[float, float]
    interval: tuple[float, float]
    breakdown: float


def event_study(
    outcome: ArrayLike,
    treated: ArrayLike,
    period: ArrayLike,
    unit: ArrayLike,
    *,
    reference: float,
    start: float,
    regressors: Columns | None = None,
    clusters: Mapping[str, ArrayLike] | None = None,
) -> EventStudy:
    """y ~ treated x period + period + unit effects; periods before `start` other than `reference` test parallel trends.

    One contrast for each period but the reference, clustered by unit unless `clusters` says otherwise.
    """
    when, on = labels(period), np.asarray(treated, dtype=float)
    found = sorted(float(value) for value in np.unique(when))
    if reference not in found or reference >= start:
        raise CannotEstimate("The reference must be a period in the data before the start.")
    others = [value for value in found if value != reference]
    at = {value: (when == value).astype(float) for value in others}
    columns: dict[str, ArrayLike] = {f"treated in {value:g}": on * at[value] for value in others}
    columns |= {f"{value:g}": at[value] for value in others} | dict(regressors or {})
    fit = within(outcome, columns, unit, clusters=clusters)
    kept = [value for value in others if f"treated in {value:g}" in fit.estimates.names]
    if not kept:
        raise CannotEstimate("No contrast between treated and compared can be told from the units' own levels.")
    places = [fit.estimates.names.index(f"treated in {value:g}") for value in kept]
    contrasts = Estimates(
        tuple(f"{value:g}" for value in kept),
        fit.estimates.values[places],
        fit.estimates.covariance[np.ix_(places, places)],
        fit.estimates.df,
        fit.estimates.errors,
    )
    pre, post = tuple(v for v in kept if v < start), tuple(v for v in kept if v >= start)
    return EventStudy(tuple(found), reference, contrasts, fit, pre, post)


def pre_trend(
    contrasts: Estimates, pre: Mapping[str, float], *, until: float, alpha: float = 0.05, chance: float = 0.8
) -> PreTrend:
    """Test the contrasts before the start, and say what straight divergence the test could see.

    `pre` gives each pre-period's distance from the reference (negative, in periods); `until` that of the first period
    after. A divergence of g a period puts g x distance in each contrast. Roth (2022), AER: Insights 4, 305-322.
    """
    if not pre:
        raise CannotEstimate("There is no period before the start besides the reference, so no trend can be tested.")
    test = contrasts.wald(list(pre))
    if len(pre) == 1:
        ((name, distance),) = pre.items()
        found = contrasts[name]
        slope = minimum_detectable_effect(found.se, alpha=alpha, chance=chance, df=found.df) / abs(distance)
    else:
        at = [contrasts.names.index(name) for name in pre]
        line = np.array(list(pre.values()))
        unit = float(line @ np.linalg.pinv(contrasts.covariance[np.ix_(at, at)], hermitian=True) @ line)
        q = len(pre)
        cut = float(special.chdtri(q, alpha))
        needed = optimize.brentq(lambda nc: 1 - special.chndtr(cut, q, nc) - chance, 1e-9, 1e4)
        slope = math.sqrt(needed / unit)
    return PreTrend(test, slope, chance, slope * until)


def expected_bias_after_passing(
    contrasts: Estimates, pre: str, post: str, *, slope: float, distance: float, until: float, alpha: float = 0.05
) -> float:
    """Expected error of the post contrast among studies that pass the pre-trend test, when trends diverge by `slope`.

    Passing makes it worse when the two contrasts share the reference period's noise. Roth (2022), with one pre-period:
    slope x until + cov/var x (mean of the pre contrast given that it passed - slope x distance).
    """
    i, j = contrasts.names.index(pre), contrasts.names.index(post)
    variance, shared = contrasts.covariance[i, i], contrasts.covariance[i, j]
    sd = math.sqrt(variance)
    centre, cut = slope * distance, quantile(1 - alpha / 2) * sd
    low, high = (-cut - centre) / sd, (cut - centre) / sd
    passing = float(special.ndtr(high) - special.ndtr(low))
    if passing < 1e-12:
        raise CannotEstimate("No study with such a trend would pass the test.")
    density = (math.exp(-low * low / 2) - math.exp(-high * high / 2)) / math.sqrt(2 * math.pi)
    return float(slope * until + shared / variance * sd * density / passing)


def relative_magnitude_bounds(
    contrasts: Estimates, pre: str, post: str, *, allowance: float, steps: int = 1, level: float = 0.95
) -> Bounds:
    """The effect if trends diverge after the start by at most `allowance` times as much as they did before it.

    Rambachan and Roth (2023), Review of Economic Studies 90, 2555-2591, relative magnitudes with one pre-period: with
    pre contrast d and post contrast t, `steps` periods after the reference, the set is t +- steps x allowance x |d|.
    The interval takes, for either sign of d, the end of the ordinary interval of t +- steps x allowance x d, and
    keeps the
    wider: it covers at the level whatever d truly is. `breakdown` is the allowance at which it first holds nought.
    """
    if allowance < 0 or steps < 1:
        raise CannotEstimate("The allowance must not be negative, and the period must be after the reference.")
    d, t = contrasts[pre], contrasts[post]
    i, j = contrasts.names.index(pre), contrasts.names.index(post)
    shared = float(contrasts.covariance[i, j])
    z = quantile(0.5 + level / 2, t.df)

    def ends(m: float) -> tuple[float, float]:
        spread = [math.sqrt(max(t.se**2 + (m * d.se) ** 2 + 2 * s * m * shared, 0.0)) for s in (1, -1)]
        middle = [t.estimate + s * m * d.estimate for s in (1, -1)]
        lows = [c - z * e for c, e in zip(middle, spread, strict=True)]
        highs = [c + z * e for c, e in zip(middle, spread, strict=True)]
        return min(lows), max(highs)

    def clear(m: float) -> float:
        low, high = ends(m * steps)
        return max(low, -high)

    reach = allowance * steps
    around = reach * abs(d.estimate)
    breakdown = 0.0
    if clear(0.0) > 0:
        top = 1.0
        while clear(top) > 0 and top < 1e6:
            top *= 2
        breakdown = math.inf if clear(top) > 0 else float(optimize.brentq(clear, 0.0, top, xtol=1e-10))
    return Bounds(allowance, (t.estimate - around, t.estimate + around), ends(reach), breakdown)


def smooth_trend_bounds(
    contrasts: Estimates, pre: str, post: str, *, distance: float, until: float, allowance: float, level: float = 0.95
) -> Bounds:
    """The effect if the trend seen before goes on, give or take `allowance` at the post period.

    Rambachan and Roth (2023), smoothness, with one pre-period: t - (until/distance) d +- allowance, `distance`
    (negative) and `until` counted in periods from the reference. The interval is the fixed-length one, with the
    critical value of |N(allowance/se, 1)|. `breakdown` is the allowance at which it first holds nought.
    """
    if allowance < 0 or distance == 0:
        raise CannotEstimate("The allowance must not be negative, and the pre-period must not be the reference.")
    line = contrasts.combination({post: 1.0, pre: -until / distance})

    def half(m: float) -> float:
        bias = m / line.se
        rest = optimize.brentq(lambda c: special.ndtr(c - bias) - special.ndtr(-c - bias) - level, 0.0, bias + 40.0)
        return float(rest) * line.se

    def clear(m: float) -> float:
        return abs(line.estimate) - half(m)

    breakdown = 0.0
    if clear(0.0) > 0:
        breakdown = float(optimize.brentq(clear, 0.0, abs(line.estimate) + 10 * line.se, xtol=1e-10))
    identified = (line.estimate - allowance, line.estimate + allowance)
    return Bounds(allowance, identified, (line.estimate - half(allowance), line.estimate + half(allowance)), breakdown)


@dataclass(frozen=True, eq=False)
class GroupTime:
    """One row per cohort and period: the effect on those first treated in `cohorts`, at `periods`; and their average.

    `simple` weighs every cell at or after treatment by the size of its cohort.
    """

    cohorts: F
    periods: F
    effects: F
    se: F
    simple: Estimate


def group_time_effects(outcome: ArrayLike, unit: ArrayLike, period: ArrayLike, first_treated: ArrayLike) -> GroupTime:
    """Callaway and Sant'Anna's group-time effects against the never treated (first_treated 0), without covariates.

    ATT(g, t) = mean change of cohort g less that of the never treated, from g - 1 (before g: from the period before t).
    Callaway and Sant'Anna (2021), Journal of Econometrics 225, 200-230. Standard errors from the influence function,
    unit by unit. Not for this policy, which has one date for everyone; for local studies with staggered starts. Needs a
    balanced panel: CannotEstimate otherwise.
    """
    y, when = np.asarray(outcome, dtype=float), np.asarray(period, dtype=float)
    _, unit_code = np.unique(labels(unit), return_inverse=True)
    times, time_code = np.unique(when, return_inverse=True)
    units_n = int(unit_code.max()) + 1
    wide = np.full((units_n, len(times)), np.nan)
    wide[unit_code.reshape(-1), time_code.reshape(-1)] = y
    if len(y) != wide.size or np.isnan(wide).any():
        raise CannotEstimate("Group-time effects need every unit in every period, once.")
    cohort = np.zeros(units_n)
    cohort[unit_code.reshape(-1)] = np.asarray(first_treated, dtype=float)
    never = cohort == 0
    if not never.any():
        raise CannotEstimate("Nobody is never treated, so there is nobody to compare with.")
    rows: list[tuple[float, float, float, F]] = []
    for g in np.unique(cohort[~never]):
        before = np.flatnonzero(times < g)
        if len(before) == 0:
            continue
        mine = cohort == g
        for t in range(1, len(times)):
            base = int(before[-1]) if times[t] >= g else t - 1
            change = wide[:, t] - wide[:, base]
            influence = np.zeros(units_n)
            influence[mine] = (change[mine] - change[mine].mean()) * units_n / mine.sum()
            influence[never] = -(change[never] - change[never].mean()) * units_n / never.sum()
            rows.append((float(g), float(times[t]), float(change[mine].mean() - change[never].mean()), influence))
    if not rows:
        raise CannotEstimate("No cohort has a period before its treatment.")
    cohorts, periods, effects = (np.array([row[i] for row in rows], dtype=float) for i in range(3))
    influences = np.array([row[3] for row in rows])
    after = periods >= cohorts
    shares = np.array([float((cohort == g).mean()) for g in cohorts]) * after
    weights = shares / shares.sum()
    # The cohorts' sizes are estimated too: their part of the influence function.
    each = np.array([(cohort == g) - float((cohort == g).mean()) for g in cohorts]) * after[:, None]
    size_part = (effects - weights @ effects) @ each / shares.sum()
    together = weights @ influences + size_part
    simple = Estimate("simple", float(weights @ effects), float(np.sqrt((together**2).mean() / units_n)))
    return GroupTime(cohorts, periods, effects, np.sqrt((influences**2).mean(axis=1) / units_n), simple)

"""Proportions, means and paired comparisons."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from sightline.statistics.records import NORMAL, CannotEstimate, Estimate, F, quantile


@dataclass(frozen=True)
class Proportion:
    """A share of `n`, between 0 and 1, with its interval."""

    estimate: float
    low: float
    high: float
    count: int
    n: int


@dataclass(frozen=True)
class Difference:
    """A difference (first minus second) with its interval and the two group sizes."""

    estimate: float
    low: float
    high: float
    n_first: int
    n_second: int


@dataclass(frozen=True)
class Paired:
    """A paired comparison, second minus first: t test, its interval, and the standardised difference."""

    difference: Estimate
    low: float
    high: float
    standardised: float
    n: int
    dropped: int

    @property
    def t(self) -> float:
        return self.difference.statistic

    @property
    def p(self) -> float:
        return self.difference.p


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test: V is the sum of ranks of positive differences, as R prints it."""

    v: float
    p: float
    n: int
    zeros: int
    dropped: int
    exact: bool


def wilson(count: int, n: int, *, level: float = 0.95) -> Proportion:
    """Wilson's score interval for a proportion.

    Wilson (1927), Journal of the American Statistical Association 22, 209-212.
    Raises CannotEstimate when n is zero or the count is outside 0 to n.
    """
    if n <= 0:
        raise CannotEstimate("A proportion of nobody has no value.")
    if not 0 <= count <= n:
        raise CannotEstimate("A count must lie between nought and the number it is a part of.")
    z = quantile(0.5 + level / 2)
    p = count / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    # At nought and at all the end is exact; rounding must not move it.
    return Proportion(p, 0.0 if count == 0 else middle - half, 1.0 if count == n else middle + half, count, n)


def difference_in_proportions(first: tuple[int, int], second: tuple[int, int], *, level: float = 0.95) -> Difference:
    """Newcombe's interval for the difference between two independent proportions, each (count, n).

    Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    a, b = wilson(*first, level=level), wilson(*second, level=level)
    gap = a.estimate - b.estimate
    return Difference(
        estimate=gap,
        low=gap - math.hypot(a.estimate - a.low, b.high - b.estimate),
        high=gap + math.hypot(a.high - a.estimate, b.estimate - b.low),
        n_first=a.n,
        n_second=b.n,
    )


def mean(values: ArrayLike, *, name: str = "mean") -> Estimate:
    """The mean of the known values with its standard error s/root(n) and n - 1 degrees of freedom."""
    x = _known(values)
    if len(x) < 2:
        raise CannotEstimate("A mean with a standard error needs at least two values.")
    return Estimate(name, float(x.mean()), float(x.std(ddof=1) / math.sqrt(len(x))), len(x) - 1)


def difference_in_means(first: ArrayLike, second: ArrayLike, *, name: str = "difference") -> Estimate:
    """First minus second with unequal variances, and Welch's degrees of freedom.

    Welch (1947), Biometrika 34, 28-35; Satterthwaite (1946), Biometrics Bulletin 2, 110-114.
    """
    a, b = mean(first), mean(second)
    return _independent(name, [(1, a), (-1, b)])


def difference_in_differences(
    treated_before: ArrayLike,
    treated_after: ArrayLike,
    compared_before: ArrayLike,
    compared_after: ArrayLike,
    *,
    name: str = "difference in differences",
) -> Estimate:
    """(treated after - before) - (compared after - before) of four independent groups, unequal variances.

    With the same units in both waves, use `difference_in_means` of their changes: it has the smaller standard error.
    """
    signs = [(-1, treated_before), (1, treated_after), (1, compared_before), (-1, compared_after)]
    return _independent(name, [(sign, mean(values)) for sign, values in signs])


def _independent(name: str, parts: list[tuple[int, Estimate]]) -> Estimate:
    total = sum(part.se**2 for _, part in parts)
    if total == 0:
        raise CannotEstimate("No group varies, so the difference has no standard error.")
    df = total**2 / sum(part.se**4 / part.df for _, part in parts)
    return Estimate(name, sum(sign * part.estimate for sign, part in parts), math.sqrt(total), df)


def paired_t(first: ArrayLike, second: ArrayLike, *, level: float = 0.95) -> Paired:
    """Paired t test of second minus first; pairs with a missing side are left out and counted.

    Student (1908), Biometrika 6, 1-25. `standardised` is Cohen's d_z, the mean over the standard
    deviation of differences.
    """
    d, dropped = _differences(first, second)
    if len(d) < 2:
        raise CannotEstimate("A paired test needs at least two complete pairs.")
    spread = float(d.std(ddof=1))
    if spread == 0:
        raise CannotEstimate("Every pair differs by the same amount, so there is nothing to test it against.")
    found = Estimate("difference", float(d.mean()), spread / math.sqrt(len(d)), len(d) - 1)
    low, high = found.interval(level)
    return Paired(found, low, high, found.estimate / spread, len(d), dropped)


def signed_rank(first: ArrayLike, second: ArrayLike) -> SignedRank:
    """Wilcoxon's signed-rank test of second against first; pairs without a difference are left out and counted.

    Exact when there are fewer than 50 differences without ties, otherwise the normal approximation with corrections
    for ties and continuity (the rule of R's wilcox.test). Wilcoxon (1945), Biometrics Bulletin 1, 80-83.
    """
    d, dropped = _differences(first, second)
    zeros = int(np.count_nonzero(d == 0))
    d = d[d != 0]
    n = len(d)
    if n == 0:
        raise CannotEstimate("No pair differs, so there is nothing to rank.")
    sizes, place, counts = np.unique(np.abs(d), return_inverse=True, return_counts=True)
    upto = np.cumsum(counts)
    ranks = (upto - (counts - 1) / 2)[place.reshape(-1)]
    v = float(ranks[d > 0].sum())
    exact = n < 50 and zeros == 0 and len(sizes) == n
    if exact:
        ways = np.zeros(n * (n + 1) // 2 + 1)
        ways[0] = 1
        for rank in range(1, n + 1):
            ways[rank:] += ways[:-rank].copy()
        upper = ways[int(v) :].sum() / 2.0**n
        lower = ways[: int(v) + 1].sum() / 2.0**n
        return SignedRank(v, min(1.0, 2 * min(float(upper), float(lower))), n, zeros, dropped, True)
    centre = v - n * (n + 1) / 4
    sd = math.sqrt(n * (n + 1) * (2 * n + 1) / 24 - float((counts**3 - counts).sum()) / 48)
    z = (centre - math.copysign(0.5, centre)) / sd if centre else 0.0
    return SignedRank(v, float(2 * special.ndtr(-abs(z))), n, zeros, dropped, False)


def percentage_change(before: Estimate | float, after: Estimate | float) -> Estimate:
    """100 x (after / before - 1), in percent, with its delta-method standard error when both are estimates.

    The two are taken as independent. Raises CannotEstimate from a base of nought: no percentage describes that change.
    """
    a = before if isinstance(before, Estimate) else Estimate("before", float(before), 0.0)
    b = after if isinstance(after, Estimate) else Estimate("after", float(after), 0.0)
    if a.estimate == 0:
        raise CannotEstimate("A change from nought cannot be given as a percentage.")
    ratio = b.estimate / a.estimate
    se = 100 * math.hypot(b.se, ratio * a.se) / abs(a.estimate)
    return Estimate("percentage change", 100 * (ratio - 1), se, NORMAL)


def _known(values: ArrayLike) -> F:
    x = np.asarray(values, dtype=float)
    return np.asarray(x[~np.isnan(x)])


def _differences(first: ArrayLike, second: ArrayLike) -> tuple[F, int]:
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if a.shape != b.shape:
        raise CannotEstimate("The two sides of a paired comparison must have one value each per pair.")
    d = b - a
    known = ~np.isnan(d)
    return d[known], int(np.count_nonzero(~known))

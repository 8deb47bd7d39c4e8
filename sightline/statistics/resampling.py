"""Bootstraps by cluster from cross-products, and randomisation inference. The generator of numbers is passed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from sightline.statistics.cells import Cells
from sightline.statistics.design import Codes, Columns, codes, complete_rows, inverse, units
from sightline.statistics.logit import logit
from sightline.statistics.ols import CrossProducts, by_cluster
from sightline.statistics.records import CannotEstimate, F

SPARSE = 8
"""Fewer than one row in so many picked: drawing positions is quicker than putting all rows in order."""
AT_ONCE = 2_000_000
"""Weights drawn at once: about 16 MB."""


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """One row per draw. `estimates` (B, m) holds `terms` for each outcome in turn; `columns` names them (outcome,
    term).

    `refused` draws had a cross-product that could not be solved and are not among the rows.
    """

    columns: tuple[tuple[str, str], ...]
    observed: F
    estimates: F
    refused: int

    @property
    def se(self) -> F:
        """Standard deviations of the draws."""
        return np.asarray(self.estimates.std(axis=0, ddof=1))

    def interval(self, level: float = 0.95) -> tuple[F, F]:
        """Percentile interval."""
        low, high = np.quantile(self.estimates, [0.5 - level / 2, 0.5 + level / 2], axis=0)
        return np.asarray(low), np.asarray(high)


@dataclass(frozen=True)
class Resampled:
    """A test by resampling: the statistic as observed, its two-sided p, and how many draws."""

    statistic: float
    p: float
    draws: int


def within_cross_products(
    outcomes: Mapping[str, ArrayLike], regressors: Columns, unit: ArrayLike, *, cluster: ArrayLike | None = None
) -> CrossProducts:
    """Cross-products of values less their unit's mean, one matrix per unit (or per cluster of whole units).

    Complete rows only: leave rows with anything missing out before. The units' means count in `absorbed`.
    """
    names = tuple(regressors)
    ids = {"unit": unit} if cluster is None else {"unit": unit, "cluster": cluster}
    rows = complete_rows(next(iter(outcomes.values())), {**regressors, **outcomes}, ids)
    if rows.dropped:
        raise CannotEstimate("Cross-products need complete rows.")
    order, starts = units(rows.ids[0])
    if order is not None:
        rows = rows.take(order)
    x = np.array(list(rows.regressors), dtype=float)
    sizes = np.diff(np.append(starts, rows.n))
    means = np.repeat(np.add.reduceat(x, starts, axis=1) / sizes, sizes, axis=1)
    x -= means
    # A value that equals its unit's mean but for rounding is the mean: a constant column must not look small instead.
    x[np.abs(x) <= 1e-13 * np.abs(means)] = 0.0
    matrices, n = by_cluster(x, starts), sizes.astype(float)
    if cluster is not None:
        code, _ = codes(rows.ids[1])
        if not np.array_equal(np.minimum.reduceat(code, starts), np.maximum.reduceat(code, starts)):
            raise CannotEstimate("A unit is in more than one cluster, so clusters cannot be resampled whole.")
        of = code[starts]
        together = np.zeros((int(of.max()) + 1, *matrices.shape[1:]))
        np.add.at(together, of, matrices)
        matrices, n = together, np.bincount(of, weights=n)
    return CrossProducts(names, tuple(outcomes), matrices, n, absorbed=len(starts))


def cluster_bootstrap(
    cross: CrossProducts, *, draws: int, rng: np.random.Generator, terms: Sequence[str] | None = None
) -> Bootstrap:
    """Least squares on resamples of whole clusters: a draw is a weighted sum of the clusters' cross-products.

    Efron and Tibshirani (1993), chapter 8. All outcomes share each draw, so that Romano and Wolf's method can use them.
    """
    wanted = tuple(terms) if terms is not None else cross.regressors
    k = len(cross.regressors)
    at = [cross.regressors.index(name) for name in wanted]
    g = len(cross.n)
    p = cross.matrices.shape[1]
    rows, columns = np.tril_indices(p)
    flat = np.ascontiguousarray(cross.matrices[:, rows, columns])
    columns_named = tuple((outcome, name) for outcome in cross.outcomes for name in wanted)

    def solved(sums: F) -> F:
        whole = np.zeros((len(sums), p, p))
        whole[:, rows, columns] = whole[:, columns, rows] = sums
        xx, xy = whole[:, :k, :k], whole[:, :k, k:]
        scale = np.sqrt(np.maximum(np.einsum("bii->bi", xx), np.finfo(float).tiny))
        unit = xx / scale[:, :, None] / scale[:, None, :]
        good = np.linalg.eigvalsh(unit)[:, 0] > 1e-12
        b = np.linalg.solve(unit[good], (xy / scale[:, :, None])[good]) / scale[good][:, :, None]
        return np.asarray(np.swapaxes(b[:, at], 1, 2).reshape(len(b), -1))

    observed = solved(flat.sum(axis=0)[None])
    if len(observed) == 0:
        raise CannotEstimate("The regressors are exact sums of each other.")
    found = []
    step = max(1, AT_ONCE // g)
    for low in range(0, draws, step):
        picks = rng.integers(0, g, (min(step, draws - low), g))
        weights = np.array([np.bincount(pick, minlength=g) for pick in picks], dtype=float)
        found.append(solved(weights @ flat))
    estimates = np.concatenate(found)
    return Bootstrap(columns_named, observed[0], estimates, draws - len(estimates))


def wild_bootstrap(
    cross: CrossProducts, outcome: str, term: str, *, draws: int, rng: np.random.Generator, null: float = 0.0
) -> Resampled:
    """Wild cluster bootstrap of one coefficient, the null imposed, Rademacher weights.

    Cameron, Gelbach and Miller (2008), Review of Economics and Statistics 90, 414-427; from cross-products alone as
    Roodman, Nielsen, MacKinnon and Webb (2019), Stata Journal 19, 4-60. For few clusters, where clustered t is too
    keen. With twelve clusters or fewer every pattern of signs is used once instead of draws.
    """
    xx, xy, _ = cross.parts(outcome)
    g, k = xy.shape
    j = cross.regressors.index(term)
    others = [i for i in range(k) if i != j]
    total, right = xx.sum(axis=0), xy.sum(axis=0)
    a = inverse(total)
    b = a @ right
    restricted = np.zeros(k)
    restricted[j] = null
    small = inverse(total[np.ix_(others, others)]) if others else np.zeros((0, 0))
    restricted[others] = small @ (right[others] - total[others, j] * null)
    scores = xy - xx @ restricted
    row = a[j]
    spread = float((((xy - xx @ b) @ row) ** 2).sum())
    if not spread > 0:
        raise CannotEstimate(f"The clusters' scores of '{term}' do not vary.", [term])
    observed = (b[j] - null) / np.sqrt(spread)
    if g <= 12:
        signs = 1.0 - 2.0 * ((np.arange(2**g)[:, None] >> np.arange(g)) & 1)
    else:
        signs = rng.integers(0, 2, (draws, g)) * 2.0 - 1.0
    moved = signs @ scores @ a
    # A cluster's score at the draw's own estimate: w s - X'X (b* - b restricted), seen along the row of A for the term.
    own = scores @ row
    reach = xx @ row
    errors = np.sqrt(np.maximum(((signs * own - moved @ reach.T) ** 2).sum(axis=1), 1e-300))
    t = moved[:, j] / errors
    extreme = np.abs(t) >= abs(observed) * (1 - 1e-12)
    p = float(extreme.mean()) if g <= 12 else float((1 + extreme.sum()) / (1 + len(t)))
    return Resampled(float(observed), p, len(t))


def wild_score_bootstrap(cells: Cells, term: str, *, draws: int, rng: np.random.Generator) -> Resampled:
    """Wild score bootstrap of one logit coefficient being nought, Rademacher weights on the clusters' scores.

    Kline and Santos (2012), Journal of Econometric Methods 1(1): scores and information of the fit without the term,
    the score of the term less its projection on the others, over the root of its clustered square. Needs cells with a
    cluster.
    """
    if cells.cluster is None:
        raise CannotEstimate("These cells mix clusters. Group again with the cluster as part of the key.")
    fit = logit(cells.without([term]))
    x = np.vstack([cells.matrix(fit.names[:-1]), np.ones((1, len(cells.n))), cells.matrix([term])])
    p = special.expit(fit.estimates.values @ x[:-1])
    weight = cells.n * p * (1 - p)
    scale = np.sqrt((x * x) @ weight)
    information = (x * weight) @ x.T / np.outer(scale, scale)
    along = np.linalg.solve(information[:-1, :-1], information[:-1, -1])
    own = x[-1] / scale[-1] - along @ (x[:-1] / scale[:-1, None])
    scores = np.bincount(cells.cluster, weights=own * (cells.total - cells.n * p))
    spread = float(np.sqrt((scores**2).sum()))
    if spread == 0:
        raise CannotEstimate(f"'{term}' adds nothing to the other columns.", [term])
    observed = float(scores.sum()) / spread
    signs = rng.integers(0, 2, (draws, len(scores))) * 2.0 - 1.0
    t = signs @ scores / spread
    return Resampled(observed, float((1 + (np.abs(t) >= abs(observed) * (1 - 1e-12)).sum()) / (1 + draws)), draws)


def permuted(assignment: ArrayLike, strata: ArrayLike | None, rng: np.random.Generator) -> NDArray[Any]:
    """The assignment shuffled within strata (everywhere when None): each stratum keeps its own values."""
    values = np.asarray(assignment)
    code = np.zeros(len(values), dtype=np.intp) if strata is None else codes(strata)[0]
    found = np.empty_like(values)
    found[np.argsort(code, kind="stable")] = values[np.lexsort((rng.random(len(values)), code))]
    return found


def randomisation_test(
    statistic: Callable[[NDArray[Any]], float],
    assignment: ArrayLike,
    *,
    draws: int,
    rng: np.random.Generator,
    strata: ArrayLike | None = None,
) -> Resampled:
    """How often a shuffled assignment gives a statistic at least as far from nought as the real one.

    Fisher (1935); p = (1 + count)/(1 + draws), Phipson and Smyth (2010), Statistical Applications in Genetics 9, 39.
    `statistic` takes an assignment and refits; the sharp null is that the assignment changed nobody's outcome.
    """
    observed = float(statistic(np.asarray(assignment)))
    found = np.array([statistic(permuted(assignment, strata, rng)) for _ in range(draws)])
    return Resampled(observed, float((1 + (np.abs(found) >= abs(observed) * (1 - 1e-12)).sum()) / (1 + draws)), draws)


def random_subsets(strata: Codes, picked: Codes, rng: np.random.Generator) -> Codes:
    """Positions of as many rows of each stratum as `picked` asks for, drawn without replacement, in order.

    `strata` holds the rows' codes in order (rows of a stratum together), `picked` (S,) how many of each. Where few rows
    are picked, work goes with those: double picks are drawn again, which leaves every set equally likely.
    """
    sizes = np.bincount(strata, minlength=len(picked))
    starts = np.cumsum(sizes) - sizes
    if (picked > sizes).any():
        raise CannotEstimate("More rows are to be picked of a stratum than it has.")
    if int(picked.sum()) * SPARSE > len(strata):
        order = np.lexsort((rng.random(len(strata)), strata))
        return np.sort(order[np.arange(len(strata)) - starts[strata] < picked[strata]])
    inside = np.zeros(len(strata), dtype=bool)
    missing = picked.astype(np.intp)
    while missing.any():
        of = np.repeat(np.arange(len(missing)), missing)
        inside[starts[of] + (rng.random(len(of)) * sizes[of]).astype(np.intp)] = True
        missing = picked - np.bincount(strata[inside], minlength=len(picked))
    return np.flatnonzero(inside)


def shuffled_differences(
    rest: ArrayLike,
    assigned: ArrayLike,
    strata: ArrayLike,
    weights: ArrayLike,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Resampled:
    """Randomisation inference for a difference in differences of residuals, the assignment shuffled within strata.

    `rest` are residuals of a model without the assignment's change, `weights` of each row +1 after and -1 before. The
    statistic is the mean of the assigned after less the mean of the assigned before; the sharp null is that being
    assigned changed nobody's difference. Strata lie within one period. Freedman and Lane (1983), Journal of Business
    and Economic Statistics 1, 292-298; p as in `randomisation_test`.
    """
    e, sign = np.asarray(rest, dtype=float), np.asarray(weights, dtype=float)
    code = codes(strata)[0]
    order = np.argsort(code, kind="stable")
    code, e, sign = code[order], e[order], sign[order]
    on = np.asarray(assigned, dtype=bool)[order]
    groups = int(code.max()) + 1
    picked = np.bincount(code[on], minlength=groups)
    after, before = int((on & (sign > 0)).sum()), int((on & (sign < 0)).sum())
    if not after or not before:
        raise CannotEstimate("Nobody is assigned in one of the periods.")
    scaled = np.where(sign > 0, e / after, -e / before)
    # Within a stratum the mean is the same for everybody under the null; leaving it out loses no information.
    middle = np.bincount(code, weights=scaled, minlength=groups) / np.bincount(code, minlength=groups)
    scaled = scaled - middle[code]
    observed = float(scaled[on].sum())
    # A stratum with everybody or nobody assigned cannot be shuffled, and adds nothing to any draw or to the statistic.
    found = np.array([scaled[random_subsets(code, picked, rng)].sum() for _ in range(draws)])
    return Resampled(observed, float((1 + (np.abs(found) >= abs(observed) * (1 - 1e-12)).sum()) / (1 + draws)), draws)

"""Ordinary least squares on grouped rows, or from cross-products of clusters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.statistics import covariance
from sightline.statistics.cells import Cells
from sightline.statistics.design import (
    BLOCK,
    Codes,
    codes,
    gram,
    independent,
    inverse,
    sums_with,
    weighted_gram,
    weighted_sum,
)
from sightline.statistics.records import CONSTANT, CannotEstimate, Dropped, Estimates, F

Errors = Literal["conventional", "hc1", "clustered", "cr2"]


@dataclass(frozen=True, eq=False)
class OlsFit:
    """A least-squares fit with a constant (the last term). `factor` is the small-sample factor of each part."""

    estimates: Estimates
    rows: int
    cells: int
    residual_df: int
    r2: float
    sigma: float
    clusters: Mapping[str, int]
    factor: tuple[float, ...]
    dropped: tuple[Dropped, ...]
    repaired: bool = False


def ols(
    cells: Cells,
    *,
    errors: Errors = "hc1",
    clusters: Mapping[str, ArrayLike] | None = None,
    factor: bool = True,
) -> OlsFit:
    """Least squares of the outcome on a constant and the cells' regressors; exact, as if on the rows.

    b = (X'NX)^-1 X't with N the cell sizes and t the outcome totals. Standard errors:
      conventional: s^2 (X'NX)^-1, s^2 = (sum y^2 - 2 f t + n f^2) / (N - k), t with N - k degrees of freedom.
      hc1: the middle is the sum of x x' (sum y^2 - 2 f t + n f^2), times N/(N-k) (`regress, vce(robust)`).
      clustered: by the cells' own cluster, or by one or two groupings in `clusters` (a value for each cell, so the
        grouping must be part of the cells' key), each part times G/(G-1) x (N-1)/(N-k); t with fewest clusters - 1.
      cr2: bias-reduced, by the cells' own cluster. `factor=False` leaves the small-sample factors out.
    Columns that do not vary or are sums of others are dropped by name. A binary outcome makes this the linear
    probability model; `linear_probability` checks that it is.
    """
    n_rows = cells.rows
    n = cells.n
    z, total = cells.matrix(), cells.total
    x_mean, y_mean = sums_with(z, n) / n.sum(), float(total.sum() / n.sum())
    z -= x_mean[:, None]
    t = total - n * y_mean
    cross = weighted_gram(z, n)
    kept, out = independent(cross, np.diag(cross) + n.sum() * x_mean**2, cells.names, n_rows)
    k = len(kept)
    df = n_rows - k - 1
    if df <= 0:
        raise CannotEstimate(f"{n_rows} rows cannot carry {k} slopes and a constant.")
    tss = float((cells.squares - 2 * y_mean * total + n * y_mean**2).sum())
    if tss <= 1e-14 * float(cells.squares.sum()):
        raise CannotEstimate("The outcome does not vary.", ["outcome"])
    z = z[kept] if k < len(z) else z
    a = inverse(cross[np.ix_(kept, kept)]) if k else np.zeros((0, 0))
    b = a @ sums_with(z, t)
    b += a @ sums_with(z, t - n * weighted_sum(b, z))  # one refinement: the last digits of b
    f = weighted_sum(b, z) + y_mean
    square_errors = np.maximum(cells.squares - 2 * f * total + n * f * f, 0.0)
    rss = float(square_errors.sum())
    bread = np.zeros((k + 1, k + 1))
    bread[:k, :k] = a
    bread[k, k] = 1 / float(n.sum())
    counts: dict[str, int] = {}
    factors: tuple[float, ...] = ()
    repaired = False
    freedom = float(df)
    says = str(errors)
    if errors == "conventional":
        centred = bread * (rss / df)
    elif errors == "hc1":
        factors = (n_rows / df if factor else 1.0,)
        w = np.vstack([z, np.ones((1, len(n)))])
        centred = covariance.sandwich(bread, weighted_gram(w, square_errors)) * factors[0]
    else:
        keys = _keys(cells, clusters)
        error = total - n * f
        if errors == "cr2":
            if len(keys) != 1:
                raise CannotEstimate("Bias-reduced standard errors are clustered one way.")
            (key,) = keys.values()
            w = np.vstack([z, np.ones((1, len(n)))])
            centred = covariance.cr2(*_by_cluster(w, n, w * error, key))
            counts = {name: int(key.max()) + 1 for name, key in keys.items()}
        else:
            parts = covariance.meats(_Scores(z, error), keys)
            size = (n_rows - 1) / df
            factors = tuple(p.factor(n_rows, size) if factor else 1.0 for p in parts)
            middle = sum(p.sign * c * p.matrix for p, c in zip(parts, factors, strict=True))
            centred, repaired = covariance.nearest_positive(covariance.sandwich(bread, np.asarray(middle)))
            counts = {name: p.clusters for name, p in zip(keys, parts, strict=False)}
        freedom = min(counts.values()) - 1.0
        says = f"{errors} by {' and '.join(counts)}"
    move = np.eye(k + 1)
    move[k, :k] = -x_mean[kept]
    names = (*(cells.names[j] for j in kept), CONSTANT)
    values = np.append(b, y_mean - x_mean[kept] @ b)
    return OlsFit(
        estimates=Estimates(names, values, move @ centred @ move.T, freedom, says),
        rows=n_rows,
        cells=len(n),
        residual_df=df,
        r2=1 - rss / tss,
        sigma=math.sqrt(rss / df),
        clusters=counts,
        factor=factors,
        dropped=(*cells.dropped, *out),
        repaired=repaired,
    )


def linear_probability(
    cells: Cells, *, errors: Errors = "hc1", clusters: Mapping[str, ArrayLike] | None = None
) -> OlsFit:
    """The linear probability model: `ols` of a nought-or-one outcome, robust by default: its variance is p(1-p)."""
    if not cells.binary:
        raise CannotEstimate("A linear probability model needs an outcome of nought or one.", ["outcome"])
    return ols(cells, errors=errors, clusters=clusters)


@dataclass(frozen=True, eq=False)
class _Scores:
    """The scores (k + 1, cells) a row at a time, the constant's last: as one matrix they would be the largest there."""

    z: F
    error: F

    def __iter__(self) -> Iterator[F]:
        for row in self.z:
            yield row * self.error
        yield self.error


def _keys(cells: Cells, clusters: Mapping[str, ArrayLike] | None) -> dict[str, Codes]:
    if clusters is not None:
        return {name: codes(values)[0] for name, values in clusters.items()}
    if cells.cluster is None:
        raise CannotEstimate("These cells mix clusters. Group again with the cluster as part of the key.")
    return {"cluster": cells.cluster}


def _by_cluster(w: F, n: F, scores: F, key: Codes) -> tuple[F, F]:
    order = np.argsort(key, kind="stable")
    starts = np.searchsorted(key[order], np.arange(int(key.max()) + 1))
    w, n, scores = w[:, order], n[order], scores[:, order]
    k = len(w)
    cross = np.empty((len(starts), k, k))
    for i in range(k):
        for j in range(i + 1):
            cross[:, i, j] = cross[:, j, i] = np.add.reduceat(w[i] * w[j] * n, starts)
    return cross, np.add.reduceat(scores, starts, axis=1).T


@dataclass(frozen=True, eq=False)
class CrossProducts:
    """One matrix per cluster: cross-products of (regressors, outcomes), the last regressor usually the constant.

    `matrices` (G, p, p) with p = regressors + outcomes; `n` rows of each cluster. Everything that least squares,
    its resampling and a curve of specifications need, whatever the number of rows.
    """

    regressors: tuple[str, ...]
    outcomes: tuple[str, ...]
    matrices: F
    n: F
    absorbed: int = 0
    """Fixed effects already taken out (units), which cost degrees of freedom."""

    def parts(self, outcome: str, regressors: Sequence[str] | None = None) -> tuple[F, F, F]:
        """X'X (G, k, k), X'y (G, k) and y'y (G,) of each cluster."""
        wanted = self.regressors if regressors is None else tuple(regressors)
        at = [self.regressors.index(name) for name in wanted]
        y = len(self.regressors) + self.outcomes.index(outcome)
        return self.matrices[:, at][:, :, at], self.matrices[:, at, y], self.matrices[:, y, y]

    def usable(self) -> tuple[CrossProducts, tuple[Dropped, ...]]:
        """Only the regressors that vary and are no sums of others, with the rest by name; the constant is judged first.

        What is solved from cross-products (a bootstrap, a curve of specifications) needs this done before.
        """
        names = sorted(self.regressors, key=lambda name: name != CONSTANT)
        at = [self.regressors.index(name) for name in names]
        total = self.matrices.sum(axis=0)[np.ix_(at, at)]
        kept, dropped = independent(total, np.diag(total), names, round(float(self.n.sum())))
        held = {names[j] for j in kept}
        keep = [i for i, name in enumerate(self.regressors) if name in held]
        both = [*keep, *range(len(self.regressors), self.matrices.shape[1])]
        matrices = self.matrices[:, both][:, :, both]
        found = tuple(self.regressors[i] for i in keep)
        return CrossProducts(found, self.outcomes, matrices, self.n, self.absorbed), tuple(dropped)


def cross_products(
    outcomes: Mapping[str, ArrayLike], regressors: Mapping[str, ArrayLike], cluster: ArrayLike, *, constant: bool = True
) -> CrossProducts:
    """Cross-products by cluster from complete rows. A row with anything missing must be left out before."""
    code, _ = codes(cluster)
    groups = int(code.max()) + 1
    names = (*regressors, *([CONSTANT] if constant else []))
    columns = [np.asarray(values) for values in (*regressors.values(), *outcomes.values())]
    if not all(np.isfinite(values.sum()) for values in columns):
        raise CannotEstimate("Cross-products need complete rows.")
    if constant:
        columns.insert(len(regressors), np.broadcast_to(np.float64(1), code.shape))
    sizes = np.bincount(code, minlength=groups)
    if len(code) > 64 * groups:
        matrices = _few_clusters(columns, code, groups)
    else:
        order = np.argsort(code, kind="stable")
        x = np.array([values[order] for values in columns], dtype=float)
        matrices = by_cluster(x, np.cumsum(sizes) - sizes)
    return CrossProducts(names, tuple(outcomes), matrices, sizes.astype(float))


def cells_cross_products(cells: Cells, outcome: str, *, constant: bool = True) -> CrossProducts:
    """Cross-products by cluster from cells that have the cluster in their key: as from the rows they stand for."""
    if cells.cluster is None:
        raise CannotEstimate("These cells mix clusters. Group again with the cluster as part of the key.")
    order = np.argsort(cells.cluster, kind="stable")
    code = cells.cluster[order]
    starts = np.searchsorted(code, np.arange(int(code.max()) + 1))
    x = cells.matrix()[:, order]
    names = cells.names
    if constant:
        x, names = np.vstack([x, np.ones((1, len(code)))]), (*names, CONSTANT)
    n, total, squares = cells.n[order], cells.total[order], cells.squares[order]
    k = len(x)
    found = np.empty((len(starts), k + 1, k + 1))
    for i in range(k):
        weighted = x[i] * n
        for j in range(i + 1):
            found[:, i, j] = found[:, j, i] = np.add.reduceat(weighted * x[j], starts)
        found[:, i, k] = found[:, k, i] = np.add.reduceat(x[i] * total, starts)
    found[:, k, k] = np.add.reduceat(squares, starts)
    return CrossProducts(names, (outcome,), found, np.add.reduceat(n, starts))


def _few_clusters(columns: Sequence[NDArray[Any]], code: Codes, groups: int) -> F:
    """Cross-products of few large clusters: rows are put in order within a block, where everything is in the cache."""
    p, size = len(columns), 2 * BLOCK
    # Codes of two bytes are sorted by counting, without comparing.
    small = code.astype(np.uint16) if groups <= 65_536 else code
    found = np.zeros((groups, p, p))
    for low in range(0, len(code), size):
        here = small[low : low + size]
        order = np.argsort(here, kind="stable")
        x = np.array([values[low : low + size] for values in columns], dtype=float)[:, order]
        here = here[order]
        edges = np.concatenate([[0], np.flatnonzero(here[1:] != here[:-1]) + 1, [len(here)]])
        for first, last in pairwise(edges.tolist()):
            rows = x[:, first:last]
            # Under this size the library's own product is done by one thread, and is quicker.
            found[here[first]] += rows @ rows.T if p * p * (last - first) < 200_000 else gram(rows, rows)
    return found


def by_cluster(x: F, starts: Codes) -> F:
    """Cross-products (G, p, p) of columns (p, n) in runs that begin at `starts`."""
    p = len(x)
    found = np.empty((len(starts), p, p))
    for i in range(p):
        for j in range(i + 1):
            found[:, i, j] = found[:, j, i] = np.add.reduceat(x[i] * x[j], starts)
    return found

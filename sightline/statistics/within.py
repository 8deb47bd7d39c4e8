"""Fixed effects of each unit (pupil): ordinary least squares within units, with Stata's standard errors.

Two passes over blocks of whole units that fit in the processor's cache. The first adds up cross-products of the values
less their unit's mean; the second adds up each unit's scores. Nothing the size of the data is made besides.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from sightline.statistics import covariance
from sightline.statistics.design import (
    NOISE,
    Codes,
    Columns,
    Rows,
    block_buffer,
    blocks,
    codes,
    complete_rows,
    filled,
    gram,
    independent,
    inverse,
    units,
    weighted_sum,
)
from sightline.statistics.records import CONSTANT, CannotEstimate, Dropped, Estimates, F

Errors = Literal["conventional", "robust", "clustered", "cr2"]
Rule = Literal["xtreg", "reghdfe", "areg", "none"]


@dataclass(frozen=True, eq=False)
class WithinFit:
    """A fixed-effects fit. `estimates` holds the slopes and, last, the constant as `xtreg, fe` prints it.

    `rows` are unit-periods, `units` the pupils (the N of tables 55 to 60), `singletons` the units with one row, which
    move no slope. `factor` is the small-sample factor of each part of the covariance; `repaired` says that a two-way
    covariance had a negative direction, set to zero.
    """

    estimates: Estimates
    rows: int
    units: int
    singletons: int
    residual_df: int
    r2_within: float
    sigma: float
    clusters: Mapping[str, int]
    factor: tuple[float, ...]
    dropped: tuple[Dropped, ...]
    repaired: bool = False


def within(
    outcome: ArrayLike,
    regressors: Columns,
    unit: ArrayLike,
    *,
    errors: Errors = "clustered",
    clusters: Mapping[str, ArrayLike] | None = None,
    rule: Rule = "xtreg",
    unit_name: str = "pupil",
) -> WithinFit:
    """Least squares with a fixed effect for each unit.

    y_it = a_i + x_it'b + e_it; b from values less their unit's mean, A = X'X, b = A^-1 X'y (Wooldridge
    2010, chapter 10). The constant is mean(y) - mean(x)'b, with the standard error of least squares on the demeaned
    data with grand means added back, as `xtreg, fe` reports it.

    errors
      conventional: s^2 A^-1, s^2 = RSS / (N - G - k), t with N - G - k degrees of freedom.
      clustered: A^-1 (sum of outer products of cluster scores) A^-1 x factor, t with (fewest clusters - 1) degrees of
        freedom. By unit unless `clusters` names one or two groupings; two ways as Cameron, Gelbach and Miller (2011),
        each part with its own factor. robust: by unit, which is what `xtreg, fe vce(robust)` is.
      cr2: bias-reduced, by unit, without a factor (Bell and McCaffrey 2002).
    rule (N rows, G units, C clusters, k slopes)
      xtreg: C/(C-1) x (N-1)/(N-k-1). reghdfe: the same after units with one row are left out. areg: C/(C-1) x
      (N-1)/(N-k-G). none: 1. When no clustering holds whole units, xtreg and reghdfe count the G effects as areg does.

    A part whose clusters are single rows carries no factor, as Petersen (2009) has it.

    Raises CannotEstimate when the outcome does not vary within any unit, no regressor does, or no degree of freedom is
    left.
    """
    if errors in ("robust", "cr2") and clusters:
        raise CannotEstimate(f"'{errors}' standard errors are clustered by {unit_name}; leave the clusters out.")
    rows = complete_rows(
        outcome, regressors, {unit_name: unit, **{f"{name} (cluster)": ids for name, ids in (clusters or {}).items()}}
    )
    order, starts = units(rows.ids[0])
    if order is not None:
        rows = rows.take(order)
    dropped = list(rows.dropped)
    sizes = np.diff(np.append(starts, rows.n))
    singletons = int(np.count_nonzero(sizes == 1))
    if rule == "reghdfe" and singletons:
        keep = np.repeat(sizes > 1, sizes)
        dropped.append(Dropped("groups", unit_name, singletons, "one row only"))
        if not keep.any():
            raise CannotEstimate(f"Every {unit_name} has one row only, so nothing can be compared within one.")
        rows = rows.take(keep)
        _, starts = units(rows.ids[0])
    total = _Totals.of(rows, starts)
    n, g = rows.n, len(starts)
    where = f" within any {unit_name}"
    if total.within[0, 0] <= NOISE * total.raw[0]:
        raise CannotEstimate(f"The outcome does not vary{where}.", ["outcome"])
    kept, out = independent(total.within[1:, 1:], total.raw[1:], rows.names, n, where)
    dropped += out
    if not kept:
        raise CannotEstimate(f"No regressor varies{where}.", rows.names)
    k = len(kept)
    df = n - g - k
    if df <= 0:
        raise CannotEstimate(f"{n} rows cannot carry {g} {unit_name} effects and {k} slopes.")
    at = [1 + j for j in kept]
    a = inverse(total.within[np.ix_(at, at)])
    b = a @ total.within[at, 0]
    b += a @ (total.within[at, 0] - total.within[np.ix_(at, at)] @ b)  # one refinement: the last digits of b
    rss = float(total.within[0, 0] - b @ total.within[at, 0])
    rss = max(rss, 0.0)
    means = total.sums / n
    data = Rows(rows.outcome, tuple(rows.names[j] for j in kept), tuple(rows.regressors[j] for j in kept), rows.ids, ())
    fit = _Solved(data, starts, b, a, rss, df)
    spread = _conventional(fit) if errors == "conventional" else _clustered(fit, errors, clusters, rule, unit_name)
    move = np.eye(k + 1)
    move[k, :k] = -means[at]
    values = np.append(b, means[0] - means[at] @ b)
    return WithinFit(
        estimates=Estimates((*data.names, CONSTANT), values, move @ spread.centred @ move.T, spread.df, spread.says),
        rows=n,
        units=g,
        singletons=singletons,
        residual_df=df,
        r2_within=1 - rss / float(total.within[0, 0]),
        sigma=math.sqrt(rss / df),
        clusters=spread.clusters,
        factor=spread.factor,
        dropped=tuple(dropped),
        repaired=spread.repaired,
    )


@dataclass(frozen=True, eq=False)
class _Solved:
    """Slopes b with the inverse cross-product a, on rows in unit order."""

    rows: Rows
    starts: Codes
    b: F
    a: F
    rss: float
    df: int


@dataclass(frozen=True, eq=False)
class _Spread:
    """Covariance of the slopes and of the intercept of centred data, with what it is."""

    centred: F
    df: float
    says: str
    clusters: Mapping[str, int]
    factor: tuple[float, ...] = ()
    repaired: bool = False


def _conventional(fit: _Solved) -> _Spread:
    sigma2 = fit.rss / fit.df
    return _Spread(_bread(fit) * sigma2, float(fit.df), "conventional", {})


def _bread(fit: _Solved) -> F:
    k = len(fit.b)
    bread = np.zeros((k + 1, k + 1))
    bread[:k, :k] = fit.a
    bread[k, k] = 1 / fit.rows.n
    return bread


def _clustered(
    fit: _Solved, errors: Errors, clusters: Mapping[str, ArrayLike] | None, rule: Rule, unit_name: str
) -> _Spread:
    n, g, k = fit.rows.n, len(fit.starts), len(fit.b)
    if g < 2:
        raise CannotEstimate(f"Standard errors clustered by {unit_name} need at least two.", [unit_name])
    if errors == "cr2":
        cross, scores = _by_unit(fit)
        centred = np.zeros((k + 1, k + 1))
        centred[:k, :k] = covariance.cr2(cross, scores)
        return _Spread(centred, g - 1.0, f"bias-reduced (CR2), clustered by {unit_name}", {unit_name: g}, (1.0,))
    if clusters is None:
        parts, nested = [covariance.Meat(_unit_meat(fit), g, 1)], True
        counts = {unit_name: g}
    else:
        keys = {name: codes(ids)[0] for name, ids in zip(clusters, fit.rows.ids[1:], strict=True)}
        parts = covariance.meats(_row_scores(fit), keys)
        nested = any(_holds_whole_units(key, fit.starts) for key in keys.values())
        counts = {name: part.clusters for name, part in zip(keys, parts, strict=False)}
    absorbed = 1 if nested and rule != "areg" else g
    size = 1.0 if rule == "none" else (n - 1) / (n - k - absorbed)
    factors = tuple(1.0 if rule == "none" else p.factor(n, size) for p in parts)
    middle = np.zeros((k + 1, k + 1))
    for part, factor in zip(parts, factors, strict=True):
        middle += part.sign * factor * part.matrix
    centred, repaired = covariance.nearest_positive(covariance.sandwich(_bread(fit), middle))
    says = f"clustered by {' and '.join(counts)} ({rule})"
    return _Spread(centred, min(counts.values()) - 1.0, says, counts, factors, repaired)


def _holds_whole_units(key: Codes, starts: Codes) -> bool:
    return bool(np.array_equal(np.maximum.reduceat(key, starts), np.minimum.reduceat(key, starts)))


@dataclass(frozen=True, eq=False)
class _Totals:
    """Sums over all rows of (outcome, regressors): cross-products within units, raw squares, plain sums."""

    within: F
    raw: F
    sums: F

    @staticmethod
    def of(rows: Rows, starts: Codes) -> _Totals:
        columns = [rows.outcome, *rows.regressors]
        k = len(columns)
        inside, between, sums = np.zeros((k, k)), np.zeros(k), np.zeros(k)
        buffer = block_buffer(k, starts, rows.n)
        for low, high, first in blocks(starts, rows.n):
            x = filled(buffer, columns, low, high)
            sizes = np.diff(np.append(first, high - low))
            total = np.add.reduceat(x, first, axis=1)
            average = total / sizes
            x -= np.repeat(average, sizes, axis=1)
            inside += gram(x, x)
            between += np.einsum("kg,kg->k", total, average)
            sums += total.sum(axis=1)
        return _Totals(inside, np.diag(inside) + between, sums)


def _unit_meat(fit: _Solved) -> F:
    """Sum of outer products of each unit's score. Only the residual is demeaned: it sums to nought within a unit."""
    k, starts, n = len(fit.b), fit.starts, fit.rows.n
    columns = [fit.rows.outcome, *fit.rows.regressors]
    buffer = block_buffer(k + 1, starts, n)
    meat = np.zeros((k + 1, k + 1))
    for low, high, first in blocks(starts, n):
        x = filled(buffer, columns, low, high)
        e = x[0] - weighted_sum(fit.b, x[1:])
        sizes = np.diff(np.append(first, high - low))
        e -= np.repeat(np.add.reduceat(e, first) / sizes, sizes)
        x[1:] *= e
        s = np.add.reduceat(x[1:], first, axis=1)
        meat[:k, :k] += gram(s, s)
    return meat


def _demeaned(fit: _Solved) -> F:
    """(outcome, regressors) less their unit's mean, all rows: (k + 1, n)."""
    x = np.stack([fit.rows.outcome, *fit.rows.regressors]).astype(float)
    sizes = np.diff(np.append(fit.starts, fit.rows.n))
    x -= np.repeat(np.add.reduceat(x, fit.starts, axis=1) / sizes, sizes, axis=1)
    return x


def _row_scores(fit: _Solved) -> F:
    """x e of each row for the slopes and the centred intercept: (k + 1, n)."""
    x = _demeaned(fit)
    e = x[0] - fit.b @ x[1:]
    return np.vstack([x[1:] * e, e[None]])


def _by_unit(fit: _Solved) -> tuple[F, F]:
    """Each unit's cross-product (G, k, k) and score (G, k)."""
    x = _demeaned(fit)
    e = x[0] - fit.b @ x[1:]
    k = len(fit.b)
    cross = np.empty((len(fit.starts), k, k))
    for i in range(k):
        for j in range(i + 1):
            cross[:, i, j] = cross[:, j, i] = np.add.reduceat(x[1 + i] * x[1 + j], fit.starts)
    return cross, np.add.reduceat(x[1:] * e, fit.starts, axis=1).T

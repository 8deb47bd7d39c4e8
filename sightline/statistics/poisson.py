"""Poisson regression with a fixed effect for each unit, by its conditional likelihood."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from sightline.statistics.covariance import sandwich
from sightline.statistics.design import (
    Codes,
    Columns,
    Rows,
    blocks,
    codes,
    complete_rows,
    dot,
    gram,
    independent,
    inverse,
    sum_by,
    sums_with,
    units,
    weighted_sum,
)
from sightline.statistics.records import NORMAL, CannotEstimate, Dropped, Estimates, F

STEP = 1e-10
RUNS_AWAY = 12.0
"""A rate e^12 from its unit's middle after twenty steps without an end: a column goes to infinity."""


@dataclass(frozen=True, eq=False)
class PanelFit:
    """A conditional-likelihood fit. `rows` and `units` carry information; `rows_offered` came in complete.

    `iterations` of Newton's method; `factor` multiplies the clustered covariance.
    """

    estimates: Estimates
    rows: int
    units: int
    rows_offered: int
    log_likelihood: float
    iterations: int
    factor: float
    dropped: tuple[Dropped, ...]


def poisson_within(
    outcome: ArrayLike,
    regressors: Columns,
    unit: ArrayLike,
    *,
    errors: Literal["model", "clustered"] = "clustered",
    cluster: ArrayLike | None = None,
    cluster_name: str = "authority",
    factor: bool = True,
    unit_name: str = "pupil",
) -> PanelFit:
    """Fixed-effects Poisson for counts (or any outcome of nought and more), as `xtpoisson, fe`.

    mu_it = y_i. exp(x_it'b) / sum_t exp(x_it'b); gradient X'(y - mu); information from x less its mu-weighted unit
    mean. Hausman, Hall and Griliches (1984), Econometrica 52, 909-938; robust errors Wooldridge (1999), Journal of
    Econometrics 90, 77-97. model: inverse information. clustered: by unit, times G/(G-1) (Stata's vce(robust)) unless
    `factor` is false; or by the `cluster` of each unit's first row. p values are normal.

    Units with one row and units with nothing but noughts say nothing about b and are left out, counted in `dropped`; a
    unit whose count is constant and above nought stays, since its regressors vary. Raises CannotEstimate when no unit
    is left, when an outcome is negative, or when a column predicts noughts perfectly (named).
    """
    rows = complete_rows(outcome, regressors, panel_ids(unit_name, unit, cluster_name, cluster))
    if rows.outcome.min() < 0:
        raise CannotEstimate("A Poisson outcome cannot be negative.", ["outcome"])
    offered = rows.n
    order, starts = units(rows.ids[0])
    if order is not None:
        rows = rows.take(order)
    sizes = np.diff(np.append(starts, rows.n))
    sums = np.add.reduceat(rows.outcome.astype(float), starts)
    single, nothing = sizes == 1, sums == 0
    rows, starts, dropped = informative(
        rows, starts, {"one row only": single, "all noughts": nothing & ~single}, unit_name
    )
    z, names, out = demeaned(rows, starts, unit_name)
    y = rows.outcome.astype(float)
    totals = np.add.reduceat(y, starts)
    k = len(names)
    scale = np.sqrt(np.einsum("kn,kn->k", z, z) / rows.n)
    z /= scale[:, None]
    b = np.zeros(k)
    here = _pass(z, y, totals, starts, b)
    for step in range(1, 101):
        move = inverse(here.information) @ here.gradient
        size = 1.0
        while True:
            now = _pass(z, y, totals, starts, b + size * move)
            if now.likelihood >= here.likelihood - 1e-9 * abs(here.likelihood) or size < 1e-6:
                break
            size /= 2
        b, here = b + size * move, now
        if here.furthest > RUNS_AWAY and step > 20:
            break
        if np.abs(size * move).max() < STEP:
            bread = inverse(here.information)
            g, counts, says = len(starts), 0, "model"
            v, size = bread, 1.0
            if errors == "clustered":
                middle, counts, says = clustered_meat(
                    _scores(z, y, totals, starts, b), rows, starts, unit_name, cluster_name
                )
                size = counts / (counts - 1) if factor and counts > 1 else 1.0
                v = sandwich(bread, middle) * size
            estimates = Estimates(names, b / scale, v / np.outer(scale, scale), NORMAL, says)
            found = (*rows.dropped, *dropped, *out)
            return PanelFit(estimates, rows.n, g, offered, here.likelihood, step, size, found)
    guilty = [name for name, value in zip(names, b, strict=True) if abs(value) > 0.5 * np.abs(b).max()]
    raise CannotEstimate(f"No finite estimate exists: noughts are predicted perfectly by {', '.join(guilty)}.", guilty)


def panel_ids(unit_name: str, unit: ArrayLike, cluster_name: str, cluster: ArrayLike | None) -> dict[str, ArrayLike]:
    """The identifiers of each row: its unit and, where errors are clustered by more, that."""
    return {unit_name: unit} if cluster is None else {unit_name: unit, cluster_name: cluster}


def clustered_meat(scores: F, rows: Rows, starts: Codes, unit_name: str, cluster_name: str) -> tuple[F, int, str]:
    """Outer products of unit scores (k, units), summed by the cluster of each unit's first row where there is one.

    A unit's score cannot be split between clusters, because its rows are judged together. Raises CannotEstimate with
    fewer than two clusters.
    """
    if len(rows.ids) == 1:
        return gram(scores, scores), len(starts), f"clustered by {unit_name}"
    code, names = codes(rows.ids[1][starts])
    if len(names) < 2:
        raise CannotEstimate(f"Standard errors clustered by {cluster_name} need at least two clusters.", [cluster_name])
    sums = sum_by(code, scores, len(names))
    return gram(sums, sums), len(names), f"clustered by {cluster_name} of the {unit_name}'s first row"


def informative(
    rows: Rows, starts: Codes, silent: dict[str, np.ndarray[tuple[int], np.dtype[np.bool_]]], unit_name: str
) -> tuple[Rows, Codes, list[Dropped]]:
    """Rows of the units that say something, with the others counted by reason in units and in rows."""
    sizes = np.diff(np.append(starts, rows.n))
    gone = np.logical_or.reduce(list(silent.values()))
    dropped = []
    for why, mask in silent.items():
        if mask.any():
            dropped.append(Dropped("groups", unit_name, int(mask.sum()), why))
            dropped.append(Dropped("rows", unit_name, int(sizes[mask].sum()), why))
    if gone.all():
        reasons = ", ".join(f"{int(mask.sum())} with {why}" for why, mask in silent.items() if mask.any())
        raise CannotEstimate(f"No {unit_name} carries information: {reasons}.")
    if gone.any():
        rows = rows.take(np.repeat(~gone, sizes))
        _, starts = units(rows.ids[0])
    return rows, starts, dropped


def demeaned(rows: Rows, starts: Codes, unit_name: str) -> tuple[F, tuple[str, ...], list[Dropped]]:
    """Regressors less their unit's mean, (k, n), with those that add nothing within units dropped by name."""
    x = np.empty((len(rows.regressors), rows.n))
    raw = np.zeros(len(x))
    sizes = np.diff(np.append(starts, rows.n))
    for j, values in enumerate(rows.regressors):
        x[j] = values
        total = np.add.reduceat(x[j], starts)
        raw[j] = dot(x[j], x[j])
        x[j] -= np.repeat(total / sizes, sizes)
    where = f" within any {unit_name}"
    kept, dropped = independent(gram(x, x), raw, rows.names, rows.n, where)
    if not kept:
        raise CannotEstimate(f"No regressor varies{where}.", rows.names)
    return x if len(kept) == len(x) else x[kept], tuple(rows.names[j] for j in kept), dropped


@dataclass(frozen=True, eq=False)
class _State:
    """Where a coefficient vector stands: log-likelihood, gradient, information, and the furthest a rate strays from its
    unit's middle on the log scale."""

    likelihood: float
    gradient: F
    information: F
    furthest: float


def _pass(z: F, y: F, totals: F, starts: Codes, b: F) -> _State:
    """One pass over the rows, in blocks of whole units that stay in the processor's cache."""
    k = len(z)
    likelihood, furthest = 0.0, 0.0
    gradient, information = np.zeros(k), np.zeros((k, k))
    for x, observed, total, first, sizes in _runs(z, y, totals, starts):
        eta = weighted_sum(b, x)
        far = float(np.abs(eta).max())
        furthest = max(furthest, far)
        mu, whole = _rates(eta, total, first, sizes, far)
        likelihood += dot(observed, eta) - dot(total, whole)
        gradient += sums_with(x, observed - mu)
        weighted = x * mu
        sums = np.add.reduceat(weighted, first, axis=1)
        information += gram(weighted, x) - gram(sums / total, sums)
    return _State(likelihood, gradient, information, furthest)


def _scores(z: F, y: F, totals: F, starts: Codes, b: F) -> F:
    """Each unit's score: (k, units)."""
    found, done = np.empty((len(z), len(starts))), 0
    for x, observed, total, first, sizes in _runs(z, y, totals, starts):
        eta = weighted_sum(b, x)
        mu, _ = _rates(eta, total, first, sizes, float(np.abs(eta).max()))
        found[:, done : done + len(first)] = np.add.reduceat(x * (observed - mu), first, axis=1)
        done += len(first)
    return found


def _runs(z: F, y: F, totals: F, starts: Codes) -> Iterator[tuple[F, F, F, Codes, Codes]]:
    done = 0
    for low, high, first in blocks(starts, z.shape[1]):
        sizes = np.diff(np.append(first, high - low))
        yield z[:, low:high], y[low:high], totals[done : done + len(first)], first, sizes
        done += len(first)


def _rates(eta: F, total: F, first: Codes, sizes: Codes, far: float) -> tuple[F, F]:
    """Expected counts of the rows, and the log of each unit's sum of exp(eta), without overflow."""
    if far > 300:
        top = np.maximum.reduceat(eta, first)
        rate = np.exp(eta - np.repeat(top, sizes))
        whole = np.add.reduceat(rate, first)
        return rate * np.repeat(total / whole, sizes), np.log(whole) + top
    rate = np.exp(eta)
    whole = np.add.reduceat(rate, first)
    return rate * np.repeat(total / whole, sizes), np.log(whole)

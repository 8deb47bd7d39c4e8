"""Conditional (fixed-effects) logit: which of a unit's rows had the outcome, given how many did."""

from __future__ import annotations

from itertools import combinations
from math import comb
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from sightline.statistics.covariance import sandwich
from sightline.statistics.design import Codes, Columns, complete_rows, inverse, units, weighted_sum
from sightline.statistics.poisson import PanelFit, clustered_meat, demeaned, informative, panel_ids
from sightline.statistics.records import NORMAL, CannotEstimate, Estimates, F

STEP = 1e-10
ENUMERATED = 70
"""Up to this many arrangements (T = 8, any m) are listed; beyond, a recursion adds them up."""
BATCH = 2_000
"""Units of the recursion handled at once."""
ROOM = 190_000
"""Multiplications of one product of sums: under this size the library does it on one thread, with the same bits."""
RUNS_AWAY = 30.0


def conditional_logit(
    outcome: ArrayLike,
    regressors: Columns,
    unit: ArrayLike,
    *,
    errors: Literal["model", "clustered"] = "model",
    cluster: ArrayLike | None = None,
    cluster_name: str = "authority",
    unit_name: str = "pupil",
) -> PanelFit:
    """Fixed-effects logit by its exact conditional likelihood, as `clogit` and `xtlogit, fe`.

    For a unit with m outcomes in T rows, the chance of the rows that had them is exp(s'b) over the sum of exp(s'b) of
    all C(T, m) arrangements, s the sum of x over the chosen rows. Chamberlain (1980), Review of Economic Studies 47,
    225-238; sums over long units by the recursion of Gail, Lubin and Rubinstein (1981), Biometrika 68, 703-707.
    model: inverse information. clustered: by unit, or by the `cluster` of the unit's first row, times G/(G-1). p values
    are normal. The unit effects are conditioned away, so no marginal effect exists; use `within` on the same outcome
    for percentage points.

    Units that never change outcome say nothing and are left out, counted. Raises CannotEstimate when none is left, when
    the outcome is not nought or one, or when a column predicts changes perfectly (named).
    """
    rows = complete_rows(outcome, regressors, panel_ids(unit_name, unit, cluster_name, cluster))
    if not bool(((rows.outcome == 0) | (rows.outcome == 1)).all()):
        raise CannotEstimate("A conditional logit needs an outcome of nought or one.", ["outcome"])
    offered = rows.n
    order, starts = units(rows.ids[0])
    if order is not None:
        rows = rows.take(order)
    sizes = np.diff(np.append(starts, rows.n))
    ones = np.add.reduceat(rows.outcome.astype(int), starts)
    single, never, always = sizes == 1, ones == 0, ones == sizes
    silent = {"one row only": single, "never the outcome": never & ~single, "always the outcome": always & ~single}
    rows, starts, dropped = informative(rows, starts, silent, unit_name)
    z, names, out = demeaned(rows, starts, unit_name)
    scale = np.sqrt(np.einsum("kn,kn->k", z, z) / rows.n)
    z /= scale[:, None]
    batches = _batches(z, rows.outcome.astype(bool), starts)
    b = np.zeros(len(names))
    likelihood, gradient, information = _pass(batches, b)
    for step in range(1, 101):
        move = inverse(information) @ gradient
        size = 1.0
        while True:
            now = _pass(batches, b + size * move)
            if now[0] >= likelihood - 1e-9 * abs(likelihood) or size < 1e-6:
                break
            size /= 2
        b = b + size * move
        likelihood, gradient, information = now
        if step > 15 and np.abs(b @ z).max() > RUNS_AWAY / 2:
            break
        if np.abs(size * move).max() < STEP:
            bread = inverse(information)
            g, v, factor, says = len(starts), bread, 1.0, "model"
            if errors == "clustered":
                scores = _unit_scores(batches, b, g)
                middle, counts, says = clustered_meat(scores, rows, starts, unit_name, cluster_name)
                factor = counts / (counts - 1) if counts > 1 else 1.0
                v = sandwich(bread, middle) * factor
            estimates = Estimates(names, b / scale, v / np.outer(scale, scale), NORMAL, says)
            found = (*rows.dropped, *dropped, *out)
            return PanelFit(estimates, rows.n, g, offered, likelihood, step, factor, found)
    guilty = [name for name, value in zip(names, b, strict=True) if abs(value) > 0.5 * np.abs(b).max()]
    raise CannotEstimate(f"No finite estimate exists: changes are predicted perfectly by {', '.join(guilty)}.", guilty)


Batch = tuple[Literal["listed", "recursion"], F, int, Codes]
"""How the sums are had, the data, how many rows are chosen, and which units these are."""


def _batches(
    z: F, y: np.ndarray[tuple[int], np.dtype[np.bool_]], starts: np.ndarray[tuple[int], np.dtype[np.intp]]
) -> list[Batch]:
    """Units of one length T and count m together: sums of every arrangement less the observed, or the rows themselves.

    When more than half of the rows have the outcome, the rows without it are chosen instead: fewer to choose, same
    chance.
    """
    sizes = np.diff(np.append(starts, z.shape[1]))
    ones = np.add.reduceat(y.astype(int), starts)
    found: list[Batch] = []
    key = sizes.astype(np.int64) * (int(sizes.max()) + 1) + ones
    for value in np.unique(key):
        of = np.flatnonzero(key == value)
        t, m = int(sizes[of[0]]), int(ones[of[0]])
        ways = comb(t, min(m, t - m))
        step = max(1, ROOM // (len(z) ** 2 * ways)) if ways <= ENUMERATED else BATCH
        for low in range(0, len(of), step):
            here = of[low : low + step]
            place = starts[here, None] + np.arange(t)
            x, chosen = z[:, place], y[place]
            if m > t - m:
                x, chosen = -x, ~chosen
            size = min(m, t - m)
            observed = np.einsum("kgt,gt->kg", x, chosen)
            if ways <= ENUMERATED:
                choose = np.zeros((ways, t))
                for row, picked in zip(choose, combinations(range(t), size), strict=True):
                    row[list(picked)] = 1
                found.append(("listed", np.einsum("kgt,at->kag", x, choose) - observed[:, None, :], size, here))
            else:
                rows = np.concatenate([np.moveaxis(x, 0, 2), observed.T[:, None, :]], axis=1)
                found.append(("recursion", rows, size, here))
    return found


def _pass(batches: list[Batch], b: F) -> tuple[float, F, F]:
    """Log-likelihood, gradient and information."""
    k = len(b)
    likelihood, gradient, information = 0.0, np.zeros(k), np.zeros((k, k))
    for kind, data, m, _ in batches:
        one, score, bend = _listed(data, b) if kind == "listed" else _recursion(data, m, b)
        likelihood += one
        gradient += score.sum(axis=0)
        information += bend
    return likelihood, gradient, information


def _unit_scores(batches: list[Batch], b: F, units_n: int) -> F:
    """Each unit's score: (k, units)."""
    found = np.empty((len(b), units_n))
    for kind, data, m, of in batches:
        found[:, of] = (_listed(data, b) if kind == "listed" else _recursion(data, m, b))[1].T
    return found


def _listed(s: F, b: F) -> tuple[float, F, F]:
    """`s` (k, arrangements, units), so that sums over units run along memory."""
    k, ways, units_n = s.shape
    flat = s.reshape(k, -1)
    u = weighted_sum(b, flat).reshape(ways, units_n)
    top = u.max(axis=0)
    weight = np.exp(u - top)
    whole = weight.sum(axis=0)
    likelihood = -float((np.log(whole) + top).sum())
    weight /= whole
    weighted = s * weight
    average = weighted.sum(axis=1)
    bend = weighted.reshape(k, -1) @ flat.T - average @ average.T
    return likelihood, -average.T, bend


def _recursion(data: F, m: int, b: F) -> tuple[float, F, F]:
    """Elementary symmetric sums with first and second derivatives, one row of every unit at a time."""
    x, observed = data[:, :-1], data[:, -1]
    g, t, k = x.shape
    e = np.exp(x @ b)
    f, df, d2f = np.zeros((g, m + 1)), np.zeros((g, m + 1, k)), np.zeros((g, m + 1, k, k))
    f[:, 0] = 1
    for row in range(t):
        w, v = e[:, row], x[:, row]
        vv = v[:, :, None] * v[:, None, :]
        for j in range(min(m, row + 1), 0, -1):
            cross = df[:, j - 1, :, None] * v[:, None, :]
            d2f[:, j] += w[:, None, None] * (
                d2f[:, j - 1] + cross + np.swapaxes(cross, 1, 2) + f[:, j - 1, None, None] * vv
            )
            df[:, j] += w[:, None] * (df[:, j - 1] + f[:, j - 1, None] * v)
            f[:, j] += w * f[:, j - 1]
    average = df[:, m] / f[:, m, None]
    bend = (d2f[:, m] / f[:, m, None, None]).sum(axis=0) - average.T @ average
    return float((observed @ b).sum() - np.log(f[:, m]).sum()), observed - average, bend

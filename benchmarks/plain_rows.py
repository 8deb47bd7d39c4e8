"""The quickest known way to each estimate, written out plainly, to be measured beside ours in the same run.

One function per model of the annex, as the notes on statistics describe their best row: sorted pupils and numpy sums;
Newton's method on the conditional likelihoods; identical rows grouped in DuckDB; a cross-product matrix per authority.
They take clean sorted data and check nothing: no missing value, no column that is a sum of others, no separation.
"""

from __future__ import annotations

from itertools import combinations, pairwise
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from scipy import optimize

A = np.ndarray[Any, Any]


def within(y: A, x: A, pupil: A) -> tuple[A, A]:
    """Slopes and errors clustered by pupil; x (n, k), pupils together."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(pupil)) + 1])
    sizes = np.diff(np.append(starts, len(y)))
    both = np.column_stack([y, x])
    both -= np.repeat(np.add.reduceat(both, starts, axis=0) / sizes[:, None], sizes, axis=0)
    yd, xd = both[:, 0], both[:, 1:]
    bread = np.linalg.inv(xd.T @ xd)
    b = bread @ (xd.T @ yd)
    scores = np.add.reduceat(xd * (yd - xd @ b)[:, None], starts, axis=0)
    n, k, g = len(y), x.shape[1], len(starts)
    v = bread @ (scores.T @ scores) @ bread * g / (g - 1) * (n - 1) / (n - k - 1)
    return b, np.sqrt(np.diag(v))


def poisson(y: A, x: A, pupil: A) -> tuple[A, A]:
    """Conditional Poisson by Newton's method; errors clustered by pupil."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(pupil)) + 1])
    sizes = np.diff(np.append(starts, len(y)))
    totals = np.add.reduceat(y, starts)
    keep = np.repeat((sizes > 1) & (totals > 0), sizes)
    y, x, pupil = y[keep], x[keep], pupil[keep]
    starts = np.concatenate([[0], np.flatnonzero(np.diff(pupil)) + 1])
    sizes = np.diff(np.append(starts, len(y)))
    totals = np.add.reduceat(y, starts)
    b = np.zeros(x.shape[1])
    while True:
        rate = np.exp(x @ b)
        mu = rate * np.repeat(totals / np.add.reduceat(rate, starts), sizes)
        middle = np.add.reduceat(x * mu[:, None], starts, axis=0)
        bend = (x * mu[:, None]).T @ x - (middle / totals[:, None]).T @ middle
        step = np.linalg.solve(bend, x.T @ (y - mu))
        b = b + step
        if np.abs(step).max() < 1e-9:
            break
    scores = np.add.reduceat(x * (y - mu)[:, None], starts, axis=0)
    bread = np.linalg.inv(bend)
    g = len(starts)
    return b, np.sqrt(np.diag(bread @ (scores.T @ scores) @ bread) * g / (g - 1))


def conditional_logit(y: A, x: A, pupil: A) -> tuple[A, A]:
    """Conditional logit by listing the arrangements of each length and count (four years at most)."""
    starts = np.concatenate([[0], np.flatnonzero(np.diff(pupil)) + 1])
    sizes = np.diff(np.append(starts, len(y)))
    ones = np.add.reduceat(y, starts)
    blocks = []
    for t in (2, 3, 4):
        for m in range(1, t):
            of = np.flatnonzero((sizes == t) & (ones == m))
            if len(of):
                place = starts[of, None] + np.arange(t)
                choose = np.zeros((len(list(combinations(range(t), m))), t))
                for row, picked in zip(choose, combinations(range(t), m), strict=True):
                    row[list(picked)] = 1
                z = x[place]
                blocks.append(np.einsum("at,gtk->gak", choose, z) - np.einsum("gt,gtk->gk", y[place], z)[:, None])
    b = np.zeros(x.shape[1])
    while True:
        gradient, bend = np.zeros(len(b)), np.zeros((len(b), len(b)))
        for s in blocks:
            w = np.exp(s @ b)
            w /= w.sum(axis=1, keepdims=True)
            mean = np.einsum("ga,gak->gk", w, s)
            gradient -= mean.sum(axis=0)
            flat = s.reshape(-1, len(b))
            bend += (flat * w.reshape(-1, 1)).T @ flat - mean.T @ mean
        step = np.linalg.solve(bend, gradient)
        b = b + step
        if np.abs(step).max() < 1e-9:
            return b, np.sqrt(np.diag(np.linalg.inv(bend)))


def _grouped(data: dict[str, A], outcomes: list[str], keys: tuple[str, ...]) -> dict[str, A]:
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    connection.register("pupils", pa.table(data))
    sums = ", ".join(f"sum({y}) AS t_{y}, sum(CAST({y} AS DOUBLE) * {y}) AS s_{y}" for y in outcomes)
    found = connection.execute(f"SELECT {', '.join(keys)}, count(*) AS n, {sums} FROM pupils GROUP BY ALL").fetchnumpy()
    return {name: np.asarray(values, dtype=float) for name, values in found.items()}


def did_logit(data: dict[str, A], outcomes: list[str], keys: tuple[str, ...], columns: Any) -> list[tuple[A, A]]:
    """Average marginal effects and delta-method errors of each outcome from grouped rows."""
    cells = _grouped(data, outcomes, keys)
    x = np.column_stack([*columns(cells).values(), np.ones(len(cells["n"]))])
    n, found = cells["n"], []
    for outcome in outcomes:
        b = np.zeros(x.shape[1])
        while True:
            p = 1 / (1 + np.exp(-(x @ b)))
            w = n * p * (1 - p)
            bend = (x * w[:, None]).T @ x
            step = np.linalg.solve(bend, x.T @ (cells[f"t_{outcome}"] - n * p))
            b = b + step
            if np.abs(step).max() < 1e-9:
                break
        slope = w / n.sum()
        jacobian = slope.sum() * np.eye(len(b)) + np.outer(b, (slope * (1 - 2 * p)) @ x)
        v = jacobian @ np.linalg.inv(bend) @ jacobian.T
        found.append((b * slope.sum(), np.sqrt(np.diag(v))))
    return found


def least_squares(data: dict[str, A], outcomes: list[str], keys: tuple[str, ...], columns: Any) -> list[tuple[A, A]]:
    """Coefficients and HC1 errors of each outcome from grouped rows."""
    cells = _grouped(data, outcomes, keys)
    x = np.column_stack([*columns(cells).values(), np.ones(len(cells["n"]))])
    n, found = cells["n"], []
    bread = np.linalg.inv((x * n[:, None]).T @ x)
    for outcome in outcomes:
        t, s = cells[f"t_{outcome}"], cells[f"s_{outcome}"]
        b = bread @ (x.T @ t)
        f = x @ b
        v = bread @ ((x * (s - 2 * f * t + n * f * f)[:, None]).T @ x) @ bread * n.sum() / (n.sum() - len(b))
        found.append((b, np.sqrt(np.diag(v))))
    return found


def mixed(y: A, x: A, place: A, random: tuple[int, int]) -> tuple[A, float]:
    """Fixed effects and restricted deviance of a random intercept and slope, from a matrix for each authority."""
    order = np.argsort(place, kind="stable")
    both = np.column_stack([x, y])[order]
    edges = np.searchsorted(place[order], np.arange(int(place.max()) + 2))
    whole = np.array([both[a:b].T @ both[a:b] for a, b in pairwise(edges.tolist())])
    total, k, at = whole.sum(axis=0), x.shape[1], list(random)

    def profile(theta: A) -> tuple[float, A]:
        factor = np.array([[theta[0], 0.0], [theta[1], theta[2]]])
        inside = np.eye(2) + factor.T @ whole[:, at][:, :, at] @ factor
        right = factor.T @ whole[:, at]
        q = total - np.einsum("gri,grj->ij", right, np.linalg.solve(inside, right))
        b = np.linalg.solve(q[:k, :k], q[:k, k])
        rss, spare = q[k, k] - b @ q[:k, k], len(y) - k
        curved = np.linalg.slogdet(q[:k, :k])[1]
        return float(np.linalg.slogdet(inside)[1].sum() + curved + spare * np.log(rss)), b

    best = optimize.minimize(lambda t: profile(t)[0], [0.3, 0.0, 0.3], method="L-BFGS-B")
    best = optimize.minimize(lambda t: profile(t)[0], best.x, method="Nelder-Mead")
    deviance, b = profile(best.x)
    return b, deviance

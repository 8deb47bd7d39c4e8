"""Logit on grouped rows, by Newton's method; what separates is named, never printed as a huge number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from sightline.statistics import covariance
from sightline.statistics.cells import Cells
from sightline.statistics.design import codes, dot, independent, inverse, sums_with, weighted_gram, weighted_sum
from sightline.statistics.records import CONSTANT, NORMAL, CannotEstimate, Dropped, Estimates, F

Errors = Literal["model", "hc0", "robust", "clustered"]
OnSeparation = Literal["refuse", "drop", "firth"]

STEP = 1e-10
"""Newton stops when no standardised coefficient moves by more: 1e-8 on the deviance leaves 1e-6 in standard errors."""
LOOKS_SEPARATED = 18.0
"""A linear predictor this far out (a probability of one in 65 million) calls for the exact check."""


@dataclass(frozen=True, eq=False)
class LogitFit:
    """A logit fit with a constant (the last term). `scores` and `bread` let other functions recompute its covariance.

    `separated` names the columns that predicted perfectly and were dealt with as asked (dropped, or kept by Firth's
    method).
    """

    estimates: Estimates
    rows: int
    successes: int
    cells: int
    log_likelihood: float
    log_likelihood_constant: float
    bread: F
    iterations: int
    clusters: Mapping[str, int]
    separated: tuple[str, ...]
    penalised: bool
    dropped: tuple[Dropped, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return self.estimates.names

    @property
    def pseudo_r2(self) -> float:
        """McFadden's: 1 - log-likelihood / log-likelihood of the constant alone."""
        return 1 - self.log_likelihood / self.log_likelihood_constant


def logit(
    cells: Cells,
    *,
    errors: Errors = "model",
    clusters: Mapping[str, ArrayLike] | None = None,
    separation: OnSeparation = "refuse",
) -> LogitFit:
    """Maximum likelihood of logit p = constant + x'b on cells (n rows, total successes); exact, as if on the rows.

    Score x (total - n p), information n p (1-p) x x'. Standard errors:
      model: inverse information. hc0: middle of x x' (total (1-p)^2 + (n - total) p^2). robust: hc0 times N/(N-1), as
      Stata.
      clustered: scores summed by the cells' cluster or by `clusters` (one value a cell, one or two ways), times
      G/(G-1).
    p values are normal, as Stata's.

    When the data are separated (a sum of columns tells some outcomes for certain, so that no finite estimate exists):
      refuse: CannotEstimate with the columns in `names`. drop: a nought-or-one column with a level that has only
      successes or only failures goes, and that level's rows with it, counted (Stata's rule). firth: Firth (1993),
      Biometrika 80, 27-38; Heinze and Schemper (2002), Statistics in Medicine 21, 2409-2419; model errors only.
    Raises CannotEstimate too when the outcome is not nought or one, or does not vary.
    """
    if not cells.binary:
        raise CannotEstimate("A logit needs an outcome of nought or one.", ["outcome"])
    if separation == "firth" and errors != "model":
        raise CannotEstimate("Firth's method comes with model-based standard errors only.")
    dropped = list(cells.dropped)
    separated: tuple[str, ...] = ()
    if separation == "drop":
        cells, clusters, separated, lost = _without_certain_levels(cells, clusters)
        dropped += lost
    total, n = cells.total, cells.n
    if not 0 < total.sum() < n.sum():
        raise CannotEstimate(f"The outcome is {'always one' if total.sum() else 'always nought'}.", ["outcome"])
    x = cells.matrix()
    size = float(n.sum())
    middle = sums_with(x, n) / size
    x -= middle[:, None]
    cross = weighted_gram(x, n)
    kept, out = independent(cross, np.diag(cross) + size * middle**2, cells.names, cells.rows)
    dropped += out
    names = tuple(cells.names[j] for j in kept)
    spread = np.sqrt(np.diag(cross)[kept] / size)
    w = np.ones((len(kept) + 1, len(n)))
    np.divide(x[kept], spread[:, None], out=w[:-1])
    rate = float(total.sum() / size)
    start = np.zeros(len(w))
    start[-1] = np.log(rate / (1 - rate))
    firth = False
    try:
        b, bread, steps = _newton(w, n, total, start, names)
    except _Separated as found:
        if separation != "firth":
            raise _refusal(cells, found.names) from None
        separated, firth = found.names, True
        b, bread, steps = _firth(w, n, total, start)
    p = special.expit(weighted_sum(b, w))
    v, counts, says = _covariance(w, cells, clusters, p, bread, errors)
    # Back to the columns as they came: x = middle + spread z.
    move = np.diag(np.append(1 / spread, 1.0))
    move[-1, :-1] = -middle[kept] / spread
    return LogitFit(
        estimates=Estimates((*names, CONSTANT), move @ b, move @ v @ move.T, NORMAL, says),
        rows=cells.rows,
        successes=round(float(total.sum())),
        cells=len(n),
        log_likelihood=log_likelihood(weighted_sum(b, w), n, total),
        log_likelihood_constant=float(special.xlogy(total.sum(), rate) + special.xlogy(size - total.sum(), 1 - rate)),
        bread=move @ bread @ move.T,
        iterations=steps,
        clusters=counts,
        separated=separated,
        penalised=firth,
        dropped=tuple(dropped),
    )


def log_likelihood(eta: F, n: F, total: F) -> float:
    """Bernoulli log-likelihood of cells: total x eta - n log(1 + exp(eta))."""
    return dot(total, eta) - dot(n, np.logaddexp(0.0, eta))


def _refusal(cells: Cells, names: tuple[str, ...]) -> CannotEstimate:
    levels = [level for level in certain_levels(cells) if level[0] in names]
    if levels:
        names = tuple(dict.fromkeys(name for name, _, _ in levels))
        what = "; ".join(f"{name} = {level:g} always has outcome {int(success)}" for name, level, success in levels)
    else:
        what = f"a combination of {', '.join(names)} tells some outcomes for certain"
    return CannotEstimate(f"No finite estimate exists: {what}. Leave the term out, or ask for Firth's method.", names)


class _Separated(Exception):
    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__("separated")
        self.names = names


def _newton(w: F, n: F, total: F, b: F, names: tuple[str, ...]) -> tuple[F, F, int]:
    eta = weighted_sum(b, w)
    best = log_likelihood(eta, n, total)
    checked = False
    for step in range(1, 101):
        if not checked and np.abs(eta).max() > LOOKS_SEPARATED:
            found = separating_columns(w, n, total, (*names, CONSTANT))
            if found:
                raise _Separated(tuple(name for name in found if name != CONSTANT))
            checked = True
        p = special.expit(eta)
        information = weighted_gram(w, n * p * (1 - p))
        bread = inverse(information)
        move = bread @ sums_with(w, total - n * p)
        scale = 1.0
        while True:
            eta = weighted_sum(b + scale * move, w)
            now = log_likelihood(eta, n, total)
            if now >= best - 1e-9 * abs(best) or scale < 1e-6:
                break
            scale /= 2
        b, best = b + scale * move, now
        if np.abs(scale * move).max() < STEP:
            p = special.expit(eta)
            return b, inverse(weighted_gram(w, n * p * (1 - p))), step
    raise CannotEstimate("The logit did not converge in 100 steps.", names)


def _firth(w: F, n: F, total: F, b: F) -> tuple[F, F, int]:
    """Newton's method on the score x (total - n p + n h (1/2 - p)), h = p (1-p) x'Vx, V the inverse information."""
    for step in range(1, 501):
        p = special.expit(weighted_sum(b, w))
        weight = p * (1 - p)
        bread = inverse(weighted_gram(w, n * weight))
        h = weight * np.einsum("kc,kl,lc->c", w, bread, w, optimize=True)
        move = bread @ sums_with(w, total - n * p + n * h * (0.5 - p))
        # Steps are held to two units of a standardised coefficient: the plain step can overshoot from a poor start.
        move *= min(1.0, 2.0 / max(float(np.abs(move).max()), 1e-300))
        b = b + move
        if np.abs(move).max() < STEP:
            p = special.expit(weighted_sum(b, w))
            return b, inverse(weighted_gram(w, n * p * (1 - p))), step
    raise CannotEstimate("Firth's method did not converge in 500 steps.")


def separating_columns(w: F, n: F, total: F, names: tuple[str, ...]) -> tuple[str, ...]:
    """Columns of a direction that separates the outcomes, completely or in part; empty when a finite maximum exists.

    Albert and Anderson (1984), Biometrika 71, 1-10; found by Konis's (2007) linear programme: the largest sum of s x'd
    with s x'd >= 0 in every cell of one outcome only (s is +1 for successes, -1 for failures) and x'd = 0 in mixed
    cells.
    """
    mixed = (total > 0) & (total < n)
    basis = np.eye(len(w))
    if mixed.any():
        values, vectors = np.linalg.eigh(w[:, mixed] @ w[:, mixed].T)
        basis = vectors[:, values <= 1e-10 * max(values.max(), 1.0)]
        if basis.shape[1] == 0:
            return ()
    sign = np.where(total[~mixed] > 0, 1.0, -1.0)
    signed = np.unique((basis.T @ w[:, ~mixed] * sign).T.round(12), axis=0)
    answer = optimize.linprog(
        -signed.sum(axis=0), A_ub=-signed, b_ub=np.zeros(len(signed)), bounds=[(-1, 1)] * basis.shape[1], method="highs"
    )
    if answer.status != 0 or -answer.fun <= 1e-7:
        return ()
    direction = basis @ answer.x
    big = np.abs(direction) > 1e-6 * np.abs(direction).max()
    return tuple(name for name, is_in in zip(names, big, strict=True) if is_in)


def certain_levels(cells: Cells) -> list[tuple[str, float, bool]]:
    """Levels of nought-or-one columns with one outcome only: (column, level, whether always a success)."""
    found = []
    for name, values in cells.regressors.items():
        levels = np.unique(values)
        if len(levels) != 2:
            continue
        for level in levels:
            at = values == level
            share = cells.total[at].sum() / cells.n[at].sum()
            if share in (0.0, 1.0):
                found.append((name, float(level), bool(share)))
    return found


def undecided(cells: Cells) -> Cells:
    """The cells without the levels that decide the outcome for certain, the rows counted; the columns stay.

    Stata's rule, for when averages are to be taken over the very rows the fit stands on: what is left of such a column
    does not vary, and the fit drops it by name.
    """
    lost: list[Dropped] = []
    while True:
        levels = certain_levels(cells)
        if not levels:
            return Cells(cells.regressors, cells.n, cells.total, cells.squares, cells.cluster, (*cells.dropped, *lost))
        name, level, success = levels[0]
        keep = cells.regressors[name] != level
        gone = round(float(cells.n[~keep].sum()))
        lost.append(Dropped("rows", name, gone, f"{name} = {level:g} always has outcome {int(success)}"))
        cells = cells.where(keep)


def _without_certain_levels(
    cells: Cells, clusters: Mapping[str, ArrayLike] | None
) -> tuple[Cells, Mapping[str, ArrayLike] | None, tuple[str, ...], list[Dropped]]:
    names: list[str] = []
    lost: list[Dropped] = []
    while levels := certain_levels(cells):
        name, level, success = levels[0]
        keep = cells.regressors[name] != level
        gone = round(float(cells.n[~keep].sum()))
        why = f"{name} = {level:g} always has outcome {int(success)}"
        lost += [Dropped("rows", name, gone, why), Dropped("column", name, cells.rows, why)]
        names.append(name)
        if clusters is not None:
            clusters = {key: np.asarray(values)[keep] for key, values in clusters.items()}
        cells = cells.where(keep).without([name])
    return cells, clusters, tuple(names), lost


def _covariance(
    w: F, cells: Cells, clusters: Mapping[str, ArrayLike] | None, p: F, bread: F, errors: Errors
) -> tuple[F, dict[str, int], str]:
    n, total = cells.n, cells.total
    if errors == "model":
        return bread, {}, "model"
    if errors in ("hc0", "robust"):
        middle = weighted_gram(w, total * (1 - p) ** 2 + (n - total) * p * p)
        size = cells.rows / (cells.rows - 1) if errors == "robust" else 1.0
        return covariance.sandwich(bread, middle) * size, {}, errors
    if clusters is not None:
        keys = {name: codes(values)[0] for name, values in clusters.items()}
    elif cells.cluster is not None:
        keys = {"cluster": cells.cluster}
    else:
        raise CannotEstimate("These cells mix clusters. Group again with the cluster as part of the key.")
    parts = covariance.meats(w * (total - n * p), keys)
    middle = np.asarray(sum(q.sign * q.clusters / (q.clusters - 1) * q.matrix for q in parts))
    v, _ = covariance.nearest_positive(covariance.sandwich(bread, middle))
    counts = {name: q.clusters for name, q in zip(keys, parts, strict=False)}
    return v, counts, f"clustered by {' and '.join(counts)}"

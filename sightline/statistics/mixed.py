"""Linear mixed model of pupils in groups (authorities, schools), from one cross-product matrix per group.

Whatever the number of rows, the optimiser works on G small matrices and at most a few variance parameters.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import optimize, special

from sightline.statistics.design import independent, inverse
from sightline.statistics.ols import CrossProducts
from sightline.statistics.records import CONSTANT, NORMAL, CannotEstimate, Dropped, Estimates, F, quantile

SINGULAR = 1e-4
"""A relative standard deviation under this is a variance of nought (lme4's isSingular)."""


@dataclass(frozen=True, eq=False)
class MixedFit:
    """A mixed-model fit. `variances` (q, q) is the covariance of the random terms named in `random`.

    `variance_se` holds standard errors of the entries of `variances`, not numbers when the fit is singular.
    `gradient` is the largest slope of the deviance left at the optimum; `singular` says that a random term has no
    variance of its own.
    """

    estimates: Estimates
    random: tuple[str, ...]
    variances: F
    variance_se: F
    residual_variance: float
    residual_variance_se: float
    log_likelihood: float
    method: Literal["REML", "ML"]
    rows: int
    groups: int
    gradient: float
    singular: bool
    effects: F
    effect_covariances: F
    dropped: tuple[Dropped, ...]

    @property
    def deviance(self) -> float:
        """Minus twice the (restricted) log-likelihood."""
        return -2 * self.log_likelihood

    def intervals(self, name: str, level: float = 0.95) -> tuple[F, F, F]:
        """Shrunken effects of a random term, one per group, with their low and high ends.

        The interval is for the group's true departure: its prediction error holds the shrinkage and the uncertainty of
        the fixed effects (Henderson's mixed-model equations), the variances taken as known.
        """
        j = self.random.index(name)
        half = quantile(0.5 + level / 2) * np.sqrt(np.maximum(self.effect_covariances[:, j, j], 0))
        return self.effects[:, j], self.effects[:, j] - half, self.effects[:, j] + half


@dataclass(frozen=True)
class RandomTest:
    """A likelihood-ratio test that one random term has no variance."""

    statistic: float
    p: float


@dataclass(frozen=True, eq=False)
class _Sums:
    """What the profile needs: totals, and each group's Z'Z, Z'X, Z'y, on scaled columns and least-squares residuals."""

    xx: F
    xy: F
    yy: float
    zz: F
    zx: F
    zy: F
    n: float
    log_scale: float


def mixed(
    cross: CrossProducts,
    outcome: str,
    *,
    random: Sequence[str] = (CONSTANT,),
    method: Literal["REML", "ML"] = "REML",
) -> MixedFit:
    """y = X b + Z u_j + e with u_j ~ N(0, S) in each group j, e ~ N(0, s^2); random columns are among the regressors.

    Profile over the relative Cholesky factor L of S / s^2: A_j = I + L'Z'Z L, Q = [X y]'[X y] - sum R_j' A_j^-1 R_j
    with R_j = L'Z'[X y]; deviance = sum log|A_j| + n (1 + log(2 pi rss/n)), for REML with n - k and log|Q_xx| besides.
    Bates, Machler, Bolker and Walker (2015), Journal of Statistical Software 67(1). Effects are the conditional means
    L A_j^-1 (R_jy - R_jx b). p values are normal. With no random column it is least squares, for comparison.

    Columns that add nothing are dropped by name (random ones too). A group with two rows is kept: it is shrunk.
    Raises CannotEstimate with fewer than two groups per random term, or when the outcome does not vary.
    """
    xx_all, _, _ = cross.parts(outcome)
    total = xx_all.sum(axis=0)
    n = float(cross.n.sum())
    kept, dropped = _kept(cross, total)
    names = tuple(cross.regressors[j] for j in kept)
    terms = tuple(name for name in random if name in names)
    q, k = len(terms), len(names)
    if len(cross.n) < max(2, q + 1):
        raise CannotEstimate(f"{len(cross.n)} groups cannot tell {q} variances apart.")
    if n <= k + q:
        raise CannotEstimate(f"{n:g} rows cannot carry {k} coefficients and {q} variances.")
    sums, base, scale = _prepare(cross, outcome, names, terms)
    theta, gradient = _optimise(sums, q, method)
    factor = _lower(theta, q)
    fixed, rss, a, qxx = _profile(sums, factor)
    spare = n - k if method == "REML" else n
    s2 = rss / spare
    v = s2 * inverse(qxx)
    root = 1 / scale[[names.index(term) for term in terms]] if q else np.zeros(0)
    effects, errors = _effects(sums, factor, a, fixed, s2, v)
    variances = s2 * factor @ factor.T
    variance_se, residual_se, singular = _variance_errors(sums, factor, s2, method)
    outer = np.outer(root, root)
    return MixedFit(
        estimates=Estimates(names, base + fixed / scale, v / np.outer(scale, scale), NORMAL, f"model, {method}"),
        random=terms,
        variances=variances * outer,
        variance_se=variance_se * outer,
        residual_variance=s2,
        residual_variance_se=residual_se,
        log_likelihood=-_deviance(sums, factor, method) / 2,
        method=method,
        rows=round(n),
        groups=len(cross.n),
        gradient=gradient,
        singular=singular,
        effects=effects * root,
        effect_covariances=errors * outer,
        dropped=tuple(dropped),
    )


def random_term_test(larger: MixedFit, smaller: MixedFit) -> RandomTest:
    """Likelihood-ratio test of the larger fit's extra random term, judged by half chi-squared mixtures.

    With q terms in the larger fit: half chi-squared(q-1) and half chi-squared(q), because a variance cannot be
    negative. Self and Liang (1987), Journal of the American Statistical Association 82, 605-610; Stram and Lee
    (1994), Biometrics 50.
    """
    same = larger.method == smaller.method and larger.estimates.names == smaller.estimates.names
    if not same or len(larger.random) != len(smaller.random) + 1 or not set(smaller.random) <= set(larger.random):
        raise CannotEstimate("The two fits must differ by one random term and nothing else.")
    return one_more_variance(larger.log_likelihood, smaller.log_likelihood, len(larger.random))


def one_more_variance(larger: float, smaller: float, q: int) -> RandomTest:
    """The same test from the log-likelihoods, the larger model having `q` random terms: for any mixed model."""
    statistic = max(2 * (larger - smaller), 0.0)
    below = (1.0 if statistic == 0 else 0.0) if q == 1 else float(special.chdtrc(q - 1, statistic))
    return RandomTest(statistic, 0.5 * below + 0.5 * float(special.chdtrc(q, statistic)))


def _kept(cross: CrossProducts, total: F) -> tuple[list[int], list[Dropped]]:
    """The constant first: a column is judged after it, whatever its place."""
    order = sorted(range(len(cross.regressors)), key=lambda j: cross.regressors[j] != CONSTANT)
    names = [cross.regressors[j] for j in order]
    square = total[np.ix_(order, order)]
    kept, dropped = independent(square, np.diag(square), names, round(float(cross.n.sum())))
    return sorted(order[j] for j in kept), dropped


def _prepare(cross: CrossProducts, outcome: str, names: Sequence[str], terms: Sequence[str]) -> tuple[_Sums, F, F]:
    xx, xy, yy = cross.parts(outcome, names)
    n = float(cross.n.sum())
    total = xx.sum(axis=0)
    scale = np.sqrt(np.diag(total) / n)
    outer = np.outer(scale, scale)
    base = np.linalg.solve(total / outer, xy.sum(axis=0) / scale) / scale
    # The outcome less its least-squares fit: the likelihood is the same and no large number is subtracted later.
    rest = xy - xx @ base
    squares = float((yy - 2 * xy @ base + np.einsum("i,gij,j->g", base, xx, base)).sum())
    if squares <= 1e-20 * float(yy.sum()):
        raise CannotEstimate("The outcome does not vary beyond what the regressors say.", ["outcome"])
    at = [list(names).index(term) for term in terms]
    scaled = xx / outer
    sums = _Sums(
        xx=total / outer,
        xy=rest.sum(axis=0) / scale,
        yy=squares,
        zz=scaled[:, at][:, :, at],
        zx=scaled[:, at, :],
        zy=(rest / scale)[:, at],
        n=n,
        log_scale=float(2 * np.log(scale).sum()),
    )
    return sums, base, scale


def _lower(theta: F, q: int) -> F:
    factor = np.zeros((q, q))
    factor[np.tril_indices(q)] = theta
    return factor


def _profile(sums: _Sums, factor: F) -> tuple[F, float, F, F]:
    """Fixed effects, residual sum of squares, A_j, and Q_xx at a relative factor."""
    a = np.eye(len(factor)) + factor.T @ sums.zz @ factor
    rx, ry = factor.T @ sums.zx, sums.zy @ factor
    solved = np.linalg.solve(a, np.concatenate([rx, ry[:, :, None]], axis=2)) if len(factor) else None
    qxx, qxy, qyy = sums.xx, sums.xy, sums.yy
    if solved is not None:
        qxx = qxx - np.einsum("gqi,gqj->ij", rx, solved[:, :, :-1])
        qxy = qxy - np.einsum("gqi,gq->i", rx, solved[:, :, -1])
        qyy = qyy - float(np.einsum("gq,gq->", ry, solved[:, :, -1]))
    fixed = np.linalg.solve(qxx, qxy)
    return np.asarray(fixed, dtype=float), qyy - float(qxy @ fixed), a, qxx


def _deviance(sums: _Sums, factor: F, method: str) -> float:
    fixed, rss, a, qxx = _profile(sums, factor)
    if rss <= 0:
        return math.inf
    logs = float(np.linalg.slogdet(a)[1].sum()) if len(factor) else 0.0
    if method == "ML":
        return logs + sums.n * (1 + math.log(2 * math.pi * rss / sums.n))
    spare = sums.n - len(fixed)
    curved = float(np.linalg.slogdet(qxx)[1]) + sums.log_scale
    return logs + curved + spare * (1 + math.log(2 * math.pi * rss / spare))


def _optimise(sums: _Sums, q: int, method: str) -> tuple[F, float]:
    if q == 0:
        return np.zeros(0), 0.0
    rows, columns = np.tril_indices(q)
    diagonal = rows == columns

    def value(theta: F) -> float:
        return _deviance(sums, _lower(theta, q), method)

    # No bounds are needed: turning the sign of a column of the factor changes nothing. (L-BFGS-B, which has them, hands
    # matrices of two rows to a threaded library and waits for its threads.)
    starts = [np.where(diagonal, size, 0.0) for size in (0.1, 1.0)]
    tries = [optimize.minimize(value, start, method="BFGS", options={"maxiter": 500}) for start in starts]
    best = min(tries, key=lambda found: float(found.fun))
    polished = optimize.minimize(
        value, best.x, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000}
    )
    factor = _lower(np.asarray(polished.x if polished.fun <= best.fun else best.x), q)
    theta = (factor * np.where(np.diag(factor) < 0, -1.0, 1.0))[rows, columns]
    step = 1e-5
    slopes = [(value(theta + step * unit) - value(theta - step * unit)) / (2 * step) for unit in np.eye(len(theta))]
    # At a variance of nought the deviance is level on both sides, so its slope there is no sign of trouble.
    inside = [slope for slope, at, t in zip(slopes, diagonal, theta, strict=True) if not (at and t < SINGULAR)]
    gradient = max((abs(slope) for slope in inside), default=0.0)
    if gradient > 0.01 * max(1.0, sums.n / 1e4):
        raise CannotEstimate(f"The mixed model did not converge: a slope of {gradient:.3g} is left.")
    return theta, float(gradient)


def _effects(sums: _Sums, factor: F, a: F, fixed: F, s2: float, v: F) -> tuple[F, F]:
    q = len(factor)
    if q == 0:
        return np.zeros((len(sums.zz), 0)), np.zeros((len(sums.zz), 0, 0))
    inner = np.linalg.inv(a)
    reach = factor @ inner @ factor.T
    effects = np.einsum("gqr,gr->gq", reach, sums.zy - sums.zx @ fixed)
    through = reach @ sums.zx
    return effects, s2 * reach + through @ v @ np.swapaxes(through, 1, 2)


def _variance_errors(sums: _Sums, factor: F, s2: float, method: str) -> tuple[F, float, bool]:
    """Standard errors of (S, s^2) from the curvature of the log-likelihood profiled over the fixed effects."""
    q = len(factor)
    unknown = np.full((q, q), math.nan)
    if q and np.linalg.eigvalsh(factor @ factor.T).min() < SINGULAR**2:
        return unknown, math.nan, True
    rows, columns = np.tril_indices(q)
    at = np.append((s2 * factor @ factor.T)[rows, columns], s2)

    def value(point: F) -> float:
        covariance = np.zeros((q, q))
        covariance[rows, columns] = covariance[columns, rows] = point[:-1]
        relative = np.linalg.cholesky(covariance / point[-1]) if q else covariance
        fixed, rss, a, qxx = _profile(sums, relative)
        logs = float(np.linalg.slogdet(a)[1].sum()) if q else 0.0
        spare = sums.n - len(fixed) if method == "REML" else sums.n
        curved = float(np.linalg.slogdet(qxx)[1]) if method == "REML" else 0.0
        return float(logs + curved + spare * math.log(point[-1]) + rss / point[-1]) / 2

    own = np.sqrt(np.diag(factor @ factor.T))
    scales = np.append(s2 * np.outer(own, own)[rows, columns], s2)
    # Small enough that a nearly singular covariance stays positive at every point tried.
    nearness = float(np.linalg.eigvalsh(factor @ factor.T / np.outer(own, own)).min()) if q else 1.0
    bend = curvature(value, at, scales * min(1e-3, 0.2 * nearness))
    try:
        v = np.linalg.inv(bend)
    except np.linalg.LinAlgError:
        return unknown, math.nan, True
    se = np.sqrt(np.where(np.diag(v) > 0, np.diag(v), math.nan))
    found = np.zeros((q, q))
    found[rows, columns] = found[columns, rows] = se[:-1]
    return found, float(se[-1]), False


def curvature(value: Callable[[F], float], at: F, steps: F) -> F:
    """Second derivatives by central differences."""
    p = len(at)
    found = np.zeros((p, p))
    move = np.diag(steps)
    middle = value(at)
    for i in range(p):
        found[i, i] = (value(at + move[i]) - 2 * middle + value(at - move[i])) / steps[i] ** 2
        for j in range(i):
            up = value(at + move[i] + move[j]) - value(at + move[i] - move[j])
            down = value(at - move[i] + move[j]) - value(at - move[i] - move[j])
            found[i, j] = found[j, i] = (up - down) / (4 * steps[i] * steps[j])
    return found

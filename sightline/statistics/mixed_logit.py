"""Logit mixed model on grouped rows: Laplace's approximation, or adaptive quadrature for a random intercept."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from sightline.statistics.cells import Cells
from sightline.statistics.design import Codes, dot, sums_with, weighted_sum
from sightline.statistics.logit import logit
from sightline.statistics.mixed import SINGULAR
from sightline.statistics.records import CONSTANT, NORMAL, CannotEstimate, Dropped, Estimates, F, quantile


@dataclass(frozen=True, eq=False)
class MixedLogitFit:
    """A logit mixed-model fit, on the log-odds scale. `variances` (q, q) is the covariance of the random terms.

    `effects` (G, q) are each group's most likely departures and `effect_covariances` their spread given the estimates.
    """

    estimates: Estimates
    random: tuple[str, ...]
    variances: F
    log_likelihood: float
    points: int
    rows: int
    cells: int
    groups: int
    gradient: float
    singular: bool
    effects: F
    effect_covariances: F
    dropped: tuple[Dropped, ...]

    def intervals(self, name: str, level: float = 0.95) -> tuple[F, F, F]:
        """Shrunken effects of a random term, one per group, with their low and high ends (estimates taken as known)."""
        j = self.random.index(name)
        half = quantile(0.5 + level / 2) * np.sqrt(np.maximum(self.effect_covariances[:, j, j], 0))
        return self.effects[:, j], self.effects[:, j] - half, self.effects[:, j] + half


def mixed_logit(cells: Cells, *, random: Sequence[str] = (CONSTANT,), points: int = 1) -> MixedLogitFit:
    """logit p = X b + Z u_j, u_j ~ N(0, S) in each of the cells' clusters j (the cluster must be part of the key).

    log L = sum_j [log f(y_j | u_j) - u_j'u_j/2 - log|H_j|/2] at the most likely standardised u_j, S = L L', zl = L'z,
    H_j = I + sum n p (1-p) zl zl'. Coefficients and L are found together by a quasi-Newton method on the exact
    gradient of that sum (lme4's nAGQ = 1, not the faster nAGQ = 0). With one random term, `points` > 1 uses adaptive
    Gauss-Hermite quadrature (Pinheiro and Bates 1995, Journal of Computational and Graphical Statistics 4, 12-35).
    Standard errors come from the curvature of the whole log-likelihood, variances included; p values are normal.

    Raises CannotEstimate as `logit` does (no variation, separation), without clusters, or when it does not converge.
    """
    if cells.cluster is None:
        raise CannotEstimate("A mixed logit needs cells with the group as part of the key.")
    if points > 1 and len(random) != 1:
        raise CannotEstimate("Quadrature is for one random term; use points=1 (Laplace) for more.")
    start = logit(cells)
    names = start.names
    missing = [name for name in random if name not in names]
    if missing:
        raise CannotEstimate(f"The random term '{missing[0]}' is not among the regressors.", missing)
    model = _Model.of(cells, names, random, points)
    if model.groups <= len(random):
        raise CannotEstimate(f"{model.groups} groups cannot tell {len(random)} variances apart.")
    k, q = len(names), len(random)
    rows, columns = np.tril_indices(q)
    # Steps in units of the plain logit's standard errors: the surface is then nearly round.
    root = np.linalg.cholesky(start.bread / np.outer(1 / model.scale, 1 / model.scale))
    centre = start.estimates.values * model.scale

    def opened(point: F) -> tuple[F, F]:
        factor = np.zeros((q, q))
        factor[rows, columns] = point[k:] / 10
        return centre + root @ point[:k], factor

    def value(point: F) -> tuple[float, F]:
        b, factor = opened(point)
        likelihood, db, dl = model.likelihood(b, factor)
        return -likelihood, -np.append(root.T @ db, dl[rows, columns] / 10)

    guess = np.append(np.zeros(k), np.where(rows == columns, 3.0, 0.0))
    found = optimize.minimize(value, guess, jac=True, method="BFGS", options={"gtol": 1e-5, "maxiter": 500})
    point = np.asarray(found.x)
    slope = float(np.abs(value(point)[1]).max())
    if slope > 0.02:
        raise CannotEstimate(f"The mixed logit did not converge: a slope of {slope:.3g} is left.")
    b, factor = opened(point)
    factor = factor * np.where(np.diag(factor) < 0, -1.0, 1.0)
    variances = factor @ factor.T
    singular = bool(np.linalg.eigvalsh(variances).min() < SINGULAR**2)
    bend = _slopes(lambda at: value(at)[1], point, k if singular else k + len(rows))
    v = root @ np.linalg.inv(bend)[:k, :k] @ root.T
    modes, curves = model.modes(b, factor)
    inner = np.linalg.inv(curves)
    back = 1 / model.scale[[names.index(name) for name in random]]
    spread = factor @ inner @ factor.T
    return MixedLogitFit(
        estimates=Estimates(names, b / model.scale, v / np.outer(model.scale, model.scale), NORMAL, "model"),
        random=tuple(random),
        variances=variances * np.outer(back, back),
        log_likelihood=model.likelihood(b, factor)[0],
        points=points,
        rows=cells.rows,
        cells=len(cells.n),
        groups=model.groups,
        gradient=slope,
        singular=singular,
        effects=modes @ factor.T * back,
        effect_covariances=spread * np.outer(back, back),
        dropped=start.dropped,
    )


def _slopes(gradient: Callable[[F], F], at: F, size: int) -> F:
    """Second derivatives of the first `size` parameters by central differences of the gradient."""
    step = 1e-3
    rows = [(gradient(at + step * unit) - gradient(at - step * unit))[:size] for unit in np.eye(len(at))[:size]]
    bend = np.array(rows) / (2 * step)
    return (bend + bend.T) / 2


@dataclass(eq=False)
class _Model:
    """Cells in order of group, on scaled columns. `last` keeps the most likely effects as the next start."""

    x: F
    z: F
    n: F
    total: F
    starts: Codes
    place: Codes
    scale: F
    points: int
    last: F

    @staticmethod
    def of(cells: Cells, names: Sequence[str], random: Sequence[str], points: int) -> _Model:
        assert cells.cluster is not None
        order = np.argsort(cells.cluster, kind="stable")
        code = cells.cluster[order]
        plain = [name for name in names if name != CONSTANT]
        x = np.vstack([cells.matrix(plain), np.ones((1, len(cells.n)))])[:, order]
        n = cells.n[order]
        scale = np.sqrt(sums_with(x * x, n) / n.sum())
        x = x / scale[:, None]
        groups = int(code.max()) + 1
        starts = np.searchsorted(code, np.arange(groups))
        z = x[[list(names).index(name) for name in random]]
        return _Model(x, z, n, cells.total[order], starts, code, scale, points, np.zeros((groups, len(random))))

    @property
    def groups(self) -> int:
        return len(self.starts)

    def by_group(self, values: F) -> F:
        return np.asarray(np.add.reduceat(values, self.starts, axis=-1))

    def modes(self, b: F, factor: F) -> tuple[F, F]:
        """Most likely standardised effects (G, q) and curvature H (G, q, q), by Newton in all groups at once."""
        zl = np.einsum("rs,rc->sc", factor, self.z)
        base = weighted_sum(b, self.x)
        u = self.last.copy()
        q = len(zl)
        here = self._inside(base, zl, u)
        for _ in range(100):
            eta = base + (zl * u.T[:, self.place]).sum(axis=0)
            p = special.expit(eta)
            weight = self.n * p * (1 - p)
            slope = self.by_group(zl * (self.total - self.n * p)).T - u
            squares = np.array([[self.by_group(zl[i] * zl[j] * weight) for j in range(q)] for i in range(q)])
            bend = np.eye(q) + squares.transpose(2, 0, 1)
            move = np.linalg.solve(bend, slope[:, :, None])[:, :, 0]
            size = np.ones(self.groups)
            while True:
                now = self._inside(base, zl, u + size[:, None] * move)
                worse = now < here - 1e-9 * (1 + np.abs(here))
                if not worse.any() or size[worse].max() < 1e-6:
                    break
                size[worse] /= 2
            u, here = u + size[:, None] * move, now
            if np.abs(move).max() < 1e-9:
                self.last = u
                return u, bend
        raise CannotEstimate("The group effects of the mixed logit did not converge.")

    def _inside(self, base: F, zl: F, u: F) -> F:
        eta = base + (zl * u.T[:, self.place]).sum(axis=0)
        found = self.by_group(self.total * eta - self.n * np.logaddexp(0.0, eta))
        return np.asarray(found - (u * u).sum(axis=1) / 2)

    def likelihood(self, b: F, factor: F) -> tuple[float, F, F]:
        """Log-likelihood with its gradient in the coefficients (k,) and in the factor (q, q)."""
        u, bend = self.modes(b, factor)
        if self.points > 1:
            return self._quadrature(b, factor, u, bend)
        zl = np.einsum("rs,rc->sc", factor, self.z)
        at = u.T[:, self.place]
        eta = weighted_sum(b, self.x) + (zl * at).sum(axis=0)
        p = special.expit(eta)
        weight = self.n * p * (1 - p)
        rest = self.total - self.n * p
        inner = np.linalg.inv(bend)
        reach = np.einsum("cqr,rc->qc", inner[self.place], zl)
        # The curvature log|H| moves with eta (a) and with the effects, which move with the parameters (v).
        a = weight * (1 - 2 * p) * (zl * reach).sum(axis=0)
        v = np.einsum("gqr,rg->gq", inner, self.by_group(zl * a)).T[:, self.place]
        s = rest - (a - weight * (zl * v).sum(axis=0)) / 2
        dl = np.einsum("rc,sc->rs", self.z * s, at)
        dl -= np.einsum("rc,sc->rs", self.z * rest, v) / 2 + np.einsum("rc,sc->rs", self.z * weight, reach)
        inside = float(self._inside(weighted_sum(b, self.x), zl, u).sum())
        return inside - float(np.linalg.slogdet(bend)[1].sum()) / 2, sums_with(self.x, s), dl

    def _quadrature(self, b: F, factor: F, u: F, bend: F) -> tuple[float, F, F]:
        """Adaptive Gauss-Hermite; the gradient is that of the integral itself, by the same points."""
        nodes, weights = np.polynomial.hermite.hermgauss(self.points)
        zl = np.einsum("rs,rc->sc", factor, self.z)
        base = weighted_sum(b, self.x)
        width = 1 / np.sqrt(bend[:, 0, 0])
        places = u[:, 0] + math.sqrt(2) * np.outer(nodes, width)
        logs = np.array([self._inside(base, zl, place[:, None]) for place in places])
        logs += np.log(weights)[:, None] + (nodes**2)[:, None]
        whole = special.logsumexp(logs, axis=0)
        share = np.exp(logs - whole)
        db, dl = np.zeros(len(b)), np.zeros((1, 1))
        for place, part in zip(places, share, strict=True):
            eta = base + zl[0] * place[self.place]
            rest = (self.total - self.n * special.expit(eta)) * part[self.place]
            db += sums_with(self.x, rest)
            dl += dot(self.z[0] * rest, place[self.place])
        return float((whole + np.log(width)).sum()) - self.groups * math.log(math.pi) / 2, db, dl

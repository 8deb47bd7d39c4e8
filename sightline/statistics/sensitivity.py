"""How far the answer rests on choices and on what was not observed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np

from sightline.statistics.ols import CrossProducts
from sightline.statistics.records import CannotEstimate, Estimate, F, quantile


@dataclass(frozen=True)
class Oster:
    """Proportional selection. `delta`: how strong selection on the unobserved must be, relative to the observed, to
    make the effect `null`; `adjusted`: the effect if it is exactly as strong (`at_delta`)."""

    delta: float
    adjusted: float
    short: float
    full: float
    r2_short: float
    r2_full: float
    r2_max: float
    at_delta: float


@dataclass(frozen=True)
class Robustness:
    """Cinelli and Hazlett's robustness values: shares of residual variance of plan and outcome, between 0 and 1."""

    value: float
    value_at_level: float
    partial_r2: float


@dataclass(frozen=True, eq=False)
class Specifications:
    """One row per specification: which optional columns it holds (S, optional), its estimate and standard error."""

    term: str
    optional: tuple[str, ...]
    included: np.ndarray[tuple[int, int], np.dtype[np.bool_]]
    estimates: F
    se: F
    df: F
    refused: int

    def summary(self) -> dict[str, float]:
        """Median, range, and shares with the median's sign and with |t| over 1.96."""
        middle = float(np.median(self.estimates))
        return {
            "median": middle,
            "lowest": float(self.estimates.min()),
            "highest": float(self.estimates.max()),
            "same sign": float((np.sign(self.estimates) == np.sign(middle)).mean()),
            "significant": float((np.abs(self.estimates) > quantile(0.975) * self.se).mean()),
        }


def oster(
    cross: CrossProducts,
    outcome: str,
    term: str,
    *,
    always: Sequence[str] = (),
    r2_max: float | None = None,
    null: float = 0.0,
    at_delta: float = 1.0,
) -> Oster:
    """Oster's delta and bias-adjusted effect, the other regressors being the observed controls.

    Oster (2019), Journal of Business and Economic Statistics 37, 187-204, proposition 3 (no assumption that delta is
    one or that the controls' bias keeps its direction); r2_max defaults to her 1.3 times the full model's R2, at most
    one. `always` are columns in both models (constant, period): they are partialled out of everything first.
    """
    names = [*always, *(name for name in cross.regressors if name not in (*always, term)), term]
    xx, xy, yy = (part.sum(axis=0) for part in cross.parts(outcome, names))
    whole = np.block([[xx, xy[:, None]], [xy[None], np.atleast_1d(yy)[:, None]]])
    whole = _partialled(whole, len(always))
    controls = list(range(len(whole) - 2))
    x, y = len(whole) - 2, len(whole) - 1
    if whole[y, y] <= 0 or whole[x, x] <= 0:
        raise CannotEstimate("Neither the term nor the outcome may be an exact sum of the columns always held.")
    after = _partialled(whole, len(controls))
    sigma_y, sigma_x, tau = whole[y, y], whole[x, x], after[-2, -2]
    short, full = whole[x, y] / sigma_x, after[-2, -1] / tau
    r_short = whole[x, y] ** 2 / (sigma_x * sigma_y)
    r_full = 1 - (after[-1, -1] - after[-2, -1] ** 2 / tau) / sigma_y
    top = min(1.3 * r_full, 1.0) if r2_max is None else r2_max
    if not r_full <= top <= 1:
        raise CannotEstimate(f"The largest R2 must lie between the full model's {r_full:.3f} and one.")
    # As polynomials in the bias v = full - true effect, lowest power first: delta = above(v) / below(v).
    moved, gap = short - full, sigma_x * tau - tau * tau
    above = np.array(
        [0.0, (r_full - r_short) * sigma_y * tau + sigma_x * tau * moved**2, 2 * tau * moved * sigma_x, gap]
    )
    room = (top - r_full) * sigma_y
    below = np.array([room * moved * sigma_x, room * (sigma_x - tau), tau * moved * sigma_x, gap])
    v = full - null
    powers = v ** np.arange(4)
    under = float(below @ powers)
    delta = float(above @ powers) / under if under else math.inf
    roots = np.roots((at_delta * below - above)[::-1])
    real = roots[np.abs(roots.imag) < 1e-8 * (1 + np.abs(roots.real))].real
    adjusted = float(full) - float(real[np.argmin(np.abs(real))]) if len(real) else math.nan
    return Oster(delta, adjusted, float(short), float(full), float(r_short), float(r_full), float(top), at_delta)


def _partialled(matrix: F, first: int) -> F:
    """A cross-product matrix with its first columns swept out of the rest."""
    if not first:
        return matrix
    inside, across = matrix[:first, :first], matrix[:first, first:]
    scale = np.sqrt(np.diag(inside))
    left = np.linalg.pinv(inside / np.outer(scale, scale), hermitian=True) / np.outer(scale, scale)
    return np.asarray(matrix[first:, first:] - across.T @ left @ across)


def robustness_value(found: Estimate, *, share: float = 1.0, alpha: float = 0.05) -> Robustness:
    """How much residual variance of both the plan and the outcome an unseen confounder must explain to change the
    answer.

    RV = (root(f^4 + 4 f^2) - f^2)/2, f = share x |t|/root(df): to take away `share` of the estimate; at the level, f
    less t_alpha(df - 1)/root(df - 1): to make it insignificant. partial_r2 = t^2/(t^2 + df): what a confounder
    explaining all of the rest of the outcome would need of the plan. Cinelli and Hazlett (2020), JRSS B 82, 39-67.
    """
    if math.isinf(found.df):
        raise CannotEstimate("A robustness value needs a least-squares estimate with its degrees of freedom.")
    f = abs(found.statistic) / math.sqrt(found.df)
    cut = quantile(1 - alpha / 2, found.df - 1) / math.sqrt(found.df - 1)
    return Robustness(
        _rv(share * f), _rv(max(share * f - cut, 0.0)), found.statistic**2 / (found.statistic**2 + found.df)
    )


def _rv(f: float) -> float:
    return (math.sqrt(f**4 + 4 * f * f) - f * f) / 2


def specification_curve(
    cross: CrossProducts,
    outcome: str,
    term: str,
    *,
    optional: Sequence[str],
    errors: Literal["conventional", "clustered"] = "conventional",
) -> Specifications:
    """The term's estimate under every choice of optional columns, the other regressors always in, from cross-products.

    Simonsohn, Simmons and Nelson (2020), Nature Human Behaviour 4, 1208-1214. 2^len(optional) fits of small matrices.
    clustered: by the cross-products' clusters, G/(G-1) x (N-1)/(N-k). A choice whose columns are sums of each other is
    counted in `refused` and left out.
    """
    if len(optional) > 16:
        raise CannotEstimate("More than 16 optional columns make over 65,536 specifications. Choose fewer.")
    unknown = [name for name in (term, *optional) if name not in cross.regressors]
    if unknown or term in optional:
        raise CannotEstimate(
            f"'{(unknown or [term])[0]}' must be a regressor, and the term not optional.", unknown or [term]
        )
    fixed = [name for name in cross.regressors if name not in optional]
    n, g = float(cross.n.sum()), len(cross.n)
    xx_g, xy_g, yy_g = cross.parts(outcome, [*fixed, *optional])
    scale = np.sqrt(np.diag(xx_g.sum(axis=0)))
    xx_g, xy_g = xx_g / np.outer(scale, scale), xy_g / scale
    xx, xy, yy = xx_g.sum(axis=0), xy_g.sum(axis=0), float(yy_g.sum())
    j = fixed.index(term)
    included, estimates, ses, dfs, refused = [], [], [], [], 0
    for size in range(len(optional) + 1):
        picks = list(combinations(range(len(optional)), size))
        at = np.array([[*range(len(fixed)), *(len(fixed) + i for i in pick)] for pick in picks])
        a = xx[at[:, :, None], at[:, None, :]]
        good = np.linalg.eigvalsh(a)[:, 0] > 1e-12
        refused += int((~good).sum())
        at, a, picks = at[good], a[good], [pick for pick, fine in zip(picks, good, strict=True) if fine]
        if not picks:
            continue
        bread = np.linalg.inv(a)
        b = np.einsum("sij,sj->si", bread, xy[at])
        k = at.shape[1]
        df = n - k - cross.absorbed
        if errors == "conventional":
            rss = yy - np.einsum("si,si->s", b, xy[at])
            variance = bread[:, j, j] * rss / df
            freedom = df
        else:
            left = cross.absorbed and 1
            row = np.zeros((len(at), xx.shape[0]))
            full = np.zeros_like(row)
            np.put_along_axis(row, at, bread[:, j], axis=1)
            np.put_along_axis(full, at, b, axis=1)
            scores = row @ xy_g.T - np.einsum("si,gij,sj->sg", row, xx_g, full, optimize=True)
            variance = (scores**2).sum(axis=1) * g / (g - 1) * (n - 1) / (n - k - left)
            freedom = g - 1.0
        mask = np.zeros((len(picks), len(optional)), dtype=bool)
        for line, pick in zip(mask, picks, strict=True):
            line[list(pick)] = True
        included.append(mask)
        estimates.append(b[:, j] / scale[j])
        ses.append(np.sqrt(np.maximum(variance, 0)) / scale[j])
        dfs.append(np.full(len(picks), freedom))
    if not included:
        raise CannotEstimate("Every specification has columns that are exact sums of each other.")
    b_all, se_all, df_all = (np.concatenate(part) for part in (estimates, ses, dfs))
    return Specifications(term, tuple(optional), np.concatenate(included), b_all, se_all, df_all, refused)

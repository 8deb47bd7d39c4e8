"""What a logit says in probabilities: dy/dx, changes from nought to one, the effect on the treated.

All are averages of c_j F(X_j b) over cells, with gradient c_j p (1-p) X_j, and delta-method standard errors.
The annex's dy/dx of a product column is not the effect of the policy: Ai and Norton (2003); Puhani (2012).
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from sightline.statistics.cells import Cells
from sightline.statistics.design import dot, sums_with, weighted_sum
from sightline.statistics.logit import LogitFit
from sightline.statistics.records import CONSTANT, CannotEstimate, Estimate, Estimates, F

Products = Mapping[str, Sequence[str]]
"""Which columns are products of which: {"cin_post": ("cin", "post")}."""


def marginal_effects(fit: LogitFit, cells: Cells, *, discrete: Collection[str] = ()) -> Estimates:
    """Average marginal effects, each column a variable of its own, as `margins, dydx(*)` after products made by hand.

    AME_k = b_k a with a = mean of p (1-p); row k of the Jacobian is a I + b g', g = mean of p (1-p)(1-2p) x. Columns in
    `discrete` move from 0 to 1 instead (Stata's `i.`), still with every other column held still.
    """
    x, n = _design(fit, cells), cells.n
    b, v = fit.estimates.values, fit.estimates.covariance
    names = fit.names[:-1]
    p = special.expit(weighted_sum(b, x))
    slope = n * p * (1 - p) / n.sum()
    jacobian = float(slope.sum()) * np.eye(len(b))[:-1] + np.outer(b[:-1], sums_with(x, slope * (1 - 2 * p)))
    values = b[:-1] * slope.sum()
    for name in discrete:
        k = names.index(name)
        one, nought = x.copy(), x.copy()
        one[k], nought[k] = 1.0, 0.0
        values[k], jacobian[k] = _average(b, n, [(1.0, one), (-1.0, nought)])
    return Estimates(names, values, jacobian @ v @ jacobian.T, fit.estimates.df, fit.estimates.errors)


def contrast(
    fit: LogitFit,
    cells: Cells,
    parts: Sequence[tuple[float, Mapping[str, ArrayLike]]],
    *,
    products: Products,
    name: str,
) -> Estimate:
    """Average over the cells of a weighted sum of probabilities, with columns set and their products remade.

    `parts` are (weight, {column: value or one value a cell}). With weights 1 and -1 it is a difference of
    probabilities.
    """
    designs = [(weight, _moved(fit, cells, setting, products)) for weight, setting in parts]
    value, gradient = _average(fit.estimates.values, cells.n, designs)
    return _delta(fit, name, value, gradient)


def switching(fit: LogitFit, cells: Cells, column: str, *, products: Products) -> Estimate:
    """The average change in probability when a column goes from 0 to 1 and all its product terms go with it."""
    return contrast(fit, cells, [(1, {column: 1}), (-1, {column: 0})], products=products, name=column)


def cross_difference(fit: LogitFit, cells: Cells, first: str, second: str, *, products: Products) -> Estimate:
    """Average of F(1,1) - F(1,0) - F(0,1) + F(0,0) over everyone: the interaction effect on the probability scale.

    Ai and Norton (2003), Economics Letters 80, 123-129. Not the effect of a policy: it is far from zero when both main
    effects are large and the curve bends, even if the policy does nothing.
    """
    parts = [
        (1, {first: 1, second: 1}),
        (-1, {first: 1, second: 0}),
        (-1, {first: 0, second: 1}),
        (1, {first: 0, second: 0}),
    ]
    return contrast(fit, cells, parts, products=products, name=f"{first} x {second}")


def effect_on_treated(
    fit: LogitFit, cells: Cells, *, treated: Sequence[str], off: Sequence[str], name: str = "effect on the treated"
) -> Estimate:
    """Mean of F(xb) - F(xb without the `off` terms) over cells where every `treated` column is 1.

    Puhani (2012), Economics Letters 115, 85-87: the treatment effect of a difference-in-differences logit when log-odds
    would have moved in parallel. Its sign is the coefficient's. `off` are the plan x period columns; terms that were
    dropped from the fit are nought already.
    """
    at = np.logical_and.reduce([cells.regressors[column] == 1 for column in treated])
    if not at.any():
        raise CannotEstimate(f"No row has {' and '.join(treated)} equal to one.", treated)
    unknown = [column for column in off if column not in cells.regressors]
    if unknown:
        raise CannotEstimate(f"No column '{unknown[0]}' among the regressors.", unknown)
    x = _design(fit, cells)[:, at]
    without = x.copy()
    for column in off:
        if column in fit.names:
            without[fit.names.index(column)] = 0.0
    value, gradient = _average(fit.estimates.values, cells.n[at], [(1.0, x), (-1.0, without)])
    return _delta(fit, name, value, gradient)


def _design(fit: LogitFit, cells: Cells) -> F:
    return np.vstack([cells.matrix(fit.names[:-1]), np.ones((1, len(cells.n)))])


def _moved(fit: LogitFit, cells: Cells, setting: Mapping[str, ArrayLike], products: Products) -> F:
    columns = dict(cells.regressors)
    for name, value in setting.items():
        if name not in columns:
            raise CannotEstimate(f"No column '{name}' among the regressors.", [name])
        columns[name] = np.broadcast_to(np.asarray(value, dtype=float), cells.n.shape)
    for name, factors in products.items():
        columns[name] = np.prod([columns[factor] for factor in factors], axis=0)
    rows = [columns[name] for name in fit.names if name != CONSTANT]
    return np.vstack([*rows, np.ones((1, len(cells.n)))])


def _average(b: F, n: F, parts: Sequence[tuple[float, F]]) -> tuple[float, F]:
    value, gradient = 0.0, np.zeros(len(b))
    share = n / n.sum()
    for weight, x in parts:
        p = special.expit(weighted_sum(b, x))
        value += weight * dot(share, p)
        gradient += weight * sums_with(x, share * p * (1 - p))
    return value, gradient


def _delta(fit: LogitFit, name: str, value: float, gradient: F) -> Estimate:
    variance = float(gradient @ fit.estimates.covariance @ gradient)
    return Estimate(name, value, math.sqrt(max(variance, 0.0)), fit.estimates.df)

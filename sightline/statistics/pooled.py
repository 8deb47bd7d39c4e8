"""Estimates of several places together: do they differ by more than their errors explain?"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from sightline.statistics.records import CannotEstimate, Estimate


@dataclass(frozen=True)
class Pooled:
    """The average over places by random effects, and how much places differ.

    `q` with its `df` and `p` tests that all places share one effect; `i2` is the share of the spread that is not error;
    `between` the standard deviation between places.
    """

    average: Estimate
    q: float
    df: int
    p: float
    i2: float
    between: float


def pooled(estimates: ArrayLike, errors: ArrayLike) -> Pooled:
    """Random-effects average with weights 1/(se^2 + between^2), between^2 = max((Q - (m - 1)) / c, 0).

    DerSimonian and Laird (1986), Controlled Clinical Trials 7, 177-188; Q of Cochran (1954); I^2 of Higgins and
    Thompson (2002), Statistics in Medicine 21. Raises CannotEstimate with fewer than two places or an error that is not
    above 0.
    """
    b, se = np.asarray(estimates, dtype=float), np.asarray(errors, dtype=float)
    if len(b) < 2:
        raise CannotEstimate("One place cannot differ from others.")
    if not bool(np.all(np.isfinite(se) & (se > 0) & np.isfinite(b))):
        raise CannotEstimate("Every place needs an estimate and a standard error above nought.")
    w = 1 / se**2
    fixed = float(w @ b / w.sum())
    q, df = float(w @ (b - fixed) ** 2), len(b) - 1
    spread = max((q - df) / float(w.sum() - (w @ w) / w.sum()), 0.0)
    v = 1 / (se**2 + spread)
    average = Estimate("average", float(v @ b / v.sum()), 1 / math.sqrt(v.sum()))
    return Pooled(
        average, q, df, float(special.chdtrc(df, q)), max((q - df) / q, 0.0) if q > 0 else 0.0, math.sqrt(spread)
    )

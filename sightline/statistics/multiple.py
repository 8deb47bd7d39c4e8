"""Many tests at once: adjusted p values by Holm, Benjamini and Hochberg, and Romano and Wolf."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from sightline.statistics.records import CannotEstimate, F


def holm(p: ArrayLike) -> F:
    """Adjusted p values that control the chance of any false finding.

    Holm (1979), Scandinavian Journal of Statistics 6, 65-70.
    """
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    m = len(values)
    stepped = np.maximum.accumulate((m - np.arange(m)) * values[order])
    return _back(np.minimum(stepped, 1.0), order)


def benjamini_hochberg(p: ArrayLike) -> F:
    """Adjusted p values that control the share of false findings. Benjamini and Hochberg (1995), JRSS B 57, 289-300."""
    values = _checked(p)
    order = np.argsort(values, kind="stable")
    m = len(values)
    stepped = np.minimum.accumulate((values[order] * m / np.arange(1, m + 1))[::-1])[::-1]
    return _back(np.minimum(stepped, 1.0), order)


def romano_wolf(estimates: ArrayLike, errors: ArrayLike, draws: ArrayLike, draw_errors: ArrayLike | None = None) -> F:
    """Step-down adjusted p values from resampled estimates, which know how the tests hang together.

    `draws` (B, m) are the same m estimates in each resample, centred here on `estimates`; each is divided by its own
    standard error when `draw_errors` (B, m) are given, otherwise by `errors`. Romano and Wolf (2005), Econometrica 73,
    1237-1282; p values (1 + count)/(1 + B) as Romano and Wolf (2016), Statistics and Probability Letters 113, 38-40.
    """
    b, se = np.asarray(estimates, dtype=float), np.asarray(errors, dtype=float)
    resampled = np.asarray(draws, dtype=float)
    if resampled.ndim != 2 or resampled.shape[1] != len(b) or b.shape != se.shape:
        raise CannotEstimate("Romano and Wolf's method needs one column of draws for each estimate.")
    spread = se if draw_errors is None else np.asarray(draw_errors, dtype=float)
    observed = np.abs(b / se)
    null = np.abs((resampled - b) / spread)
    order = np.argsort(-observed, kind="stable")
    largest = np.maximum.accumulate(null[:, order][:, ::-1], axis=1)[:, ::-1]
    p = (1 + (largest >= observed[order]).sum(axis=0)) / (1 + len(null))
    return _back(np.maximum.accumulate(p), order)


def _checked(p: ArrayLike) -> F:
    values = np.asarray(p, dtype=float)
    if values.ndim != 1 or not bool(np.all((values >= 0) & (values <= 1))):
        raise CannotEstimate("p values must be one list of numbers between nought and one.")
    return values


def _back(values: F, order: np.ndarray[tuple[int], np.dtype[np.intp]]) -> F:
    found = np.empty_like(values)
    found[order] = values
    return found

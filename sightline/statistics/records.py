"""The small frozen records that estimators return; the one refusal they raise is `CannotEstimate`."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import special

from sightline.vocabulary.errors import CannotEstimate

__all__ = [
    "CONSTANT",
    "NORMAL",
    "CannotEstimate",
    "Dropped",
    "Estimate",
    "Estimates",
    "F",
    "Wald",
    "quantile",
    "stars",
    "two_sided",
]

F = NDArray[np.float64]
CONSTANT = "constant"
NORMAL = math.inf
"""Degrees of freedom of a statistic judged against the normal distribution."""


@dataclass(frozen=True)
class Dropped:
    """One row per thing left out of a fit. `count` is in rows for rows and columns, in groups for groups."""

    kind: Literal["column", "rows", "groups"]
    name: str
    count: int
    why: str


@dataclass(frozen=True)
class Estimate:
    """One number with its standard error, judged against t with `df` degrees of freedom (normal when infinite)."""

    name: str
    estimate: float
    se: float
    df: float = NORMAL

    @property
    def statistic(self) -> float:
        """The estimate over its standard error; not a number when the error is zero."""
        return self.estimate / self.se if self.se > 0 else math.nan

    @property
    def p(self) -> float:
        """Two-sided p of no effect."""
        return two_sided(self.statistic, self.df)

    @property
    def stars(self) -> str:
        """Stars of the report's annex, from the unrounded p: *** p<.01, ** p<.05, * p<.10."""
        return stars(self.p)

    def interval(self, level: float = 0.95) -> tuple[float, float]:
        """The confidence interval at `level`."""
        half = quantile(0.5 + level / 2, self.df) * self.se
        return self.estimate - half, self.estimate + half


@dataclass(frozen=True, eq=False)
class Estimates:
    """One row per term: values (k,), covariance (k, k), and what kind of standard errors these are.

    `df` holds for every term and for joint tests; where each term has degrees of freedom of its own, they are `own_df`.
    """

    names: tuple[str, ...]
    values: F
    covariance: F
    df: float
    errors: str
    own_df: tuple[float, ...] = ()

    @property
    def se(self) -> F:
        """Standard errors, one per term."""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))

    def __getitem__(self, name: str) -> Estimate:
        i = self._place(name)
        return Estimate(name, float(self.values[i]), float(self.se[i]), self.own_df[i] if self.own_df else self.df)

    def __iter__(self) -> Iterator[Estimate]:
        return (self[name] for name in self.names)

    def combination(self, weights: dict[str, float], name: str = "combination") -> Estimate:
        """A weighted sum of terms, with its standard error (delta method; exact for a linear sum)."""
        w = np.zeros(len(self.names))
        for term, weight in weights.items():
            w[self._place(term)] = weight
        return Estimate(name, float(w @ self.values), math.sqrt(max(float(w @ self.covariance @ w), 0.0)), self.df)

    def wald(self, names: Sequence[str]) -> Wald:
        """Joint test that every named term is zero: F with df when finite, otherwise chi-squared."""
        at = [self._place(name) for name in names]
        b, v = self.values[at], self.covariance[np.ix_(at, at)]
        statistic = float(b @ np.linalg.pinv(v, hermitian=True) @ b)
        q = int(np.linalg.matrix_rank(v, hermitian=True))
        if math.isinf(self.df):
            return Wald(statistic, q, self.df, float(special.chdtrc(q, statistic)))
        return Wald(statistic / q, q, self.df, float(special.fdtrc(q, self.df, statistic / q)))

    def _place(self, name: str) -> int:
        if name not in self.names:
            raise KeyError(f"No term '{name}' in this fit. It has: {', '.join(self.names)}.")
        return self.names.index(name)


@dataclass(frozen=True)
class Wald:
    """A joint test of `q` terms: an F statistic when df is finite, otherwise a chi-squared."""

    statistic: float
    q: int
    df: float
    p: float


def two_sided(statistic: float, df: float = NORMAL) -> float:
    """Two-sided p of a t (df finite) or normal statistic."""
    if math.isnan(statistic):
        return math.nan
    lower = special.ndtr(-abs(statistic)) if math.isinf(df) else special.stdtr(df, -abs(statistic))
    return float(2 * lower)


def quantile(probability: float, df: float = NORMAL) -> float:
    """Quantile of the t distribution with `df` degrees of freedom, normal when infinite."""
    return float(special.ndtri(probability) if math.isinf(df) else special.stdtrit(df, probability))


def stars(p: float) -> str:
    """*** p<.01, ** p<.05, * p<.10 (note under tables 55 to 73 of the report)."""
    return "***" if p < 0.01 else "**" if p < 0.05 else "*" if p < 0.10 else ""

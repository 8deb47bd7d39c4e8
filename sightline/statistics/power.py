"""What a study could have seen: minimum detectable effect, power, sample size, and equivalence."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from scipy import optimize, special

from sightline.statistics.records import NORMAL, CannotEstimate, Estimate, quantile

Verdict = Literal[
    "an effect that matters",
    "an effect, but too small to matter",
    "an effect, perhaps too small to matter",
    "no effect that matters",
    "cannot tell",
]


@dataclass(frozen=True)
class Equivalence:
    """Two one-sided tests against margins: the p of lying within them, and what both tests say together."""

    p: float
    low: float
    high: float
    verdict: Verdict


def power(effect: float, se: float, *, alpha: float = 0.05, df: float = NORMAL) -> float:
    """Chance that a two-sided test at `alpha` finds a true `effect` measured with standard error `se`.

    Normal, or non-central t with `df` degrees of freedom; both tails count.
    """
    if se <= 0:
        raise CannotEstimate("Power needs a standard error above nought.")
    shift = abs(effect) / se
    cut = quantile(1 - alpha / 2, df)
    if math.isinf(df):
        return float(special.ndtr(shift - cut) + special.ndtr(-shift - cut))
    near, far = float(special.nctdtr(df, shift, cut)), float(special.nctdtr(df, shift, -cut))
    # A shift this large leaves nothing in either tail, and the library may say not-a-number instead of nought.
    near, far = (0.0 if math.isnan(tail) else tail for tail in (near, far))
    return 1 - near + far


def minimum_detectable_effect(se: float, *, alpha: float = 0.05, chance: float = 0.8, df: float = NORMAL) -> float:
    """The smallest true effect found with the given chance: (z_(1-alpha/2) + z_chance) x se, exact in the tails.

    Bloom (1995), Evaluation Review 19, 547-556.
    """
    if not alpha < chance < 1:
        raise CannotEstimate("The chance of finding an effect must lie between alpha and one.")
    if se <= 0:
        raise CannotEstimate("Power needs a standard error above nought.")
    high = (quantile(1 - alpha / 2, df) + quantile(chance, df)) * 2 + 1
    return se * float(
        optimize.brentq(lambda shift: power(shift, 1.0, alpha=alpha, df=df) - chance, 0.0, high, xtol=1e-12)
    )


def standard_error_of_difference(
    sd: float, n_first: float, n_second: float, *, cluster_size: float = 1.0, intracluster: float = 0.0, r2: float = 0.0
) -> float:
    """Planned standard error of a difference in means: sd root((1 - R2)(1/n1 + 1/n2) x design effect).

    Design effect 1 + (m - 1) rho for clusters of m (Kish 1965). For a proportion, sd is root(p (1 - p)).
    """
    if min(n_first, n_second) <= 0:
        raise CannotEstimate("Both groups need somebody in them.")
    return sd * math.sqrt((1 - r2) * (1 / n_first + 1 / n_second) * (1 + (cluster_size - 1) * intracluster))


def equivalence(found: Estimate, *, margin: float, alpha: float = 0.05) -> Equivalence:
    """Two one-sided tests that an effect lies within +- `margin`, so that "no effect" can be told from "cannot tell".

    Schuirmann (1987), Journal of Pharmacokinetics and Biopharmaceutics 15, 657-680. The interval is the 1 - 2 alpha one
    that the two tests correspond to; the difference from nought is judged two-sided at `alpha`.
    """
    if margin <= 0 or found.se <= 0:
        raise CannotEstimate("An equivalence test needs a margin and a standard error above nought.")
    over, under = (found.estimate - margin) / found.se, (found.estimate + margin) / found.se
    lower_tail = special.ndtr if math.isinf(found.df) else (lambda t: special.stdtr(found.df, t))
    p = max(float(lower_tail(over)), float(lower_tail(-under)))
    low, high = found.interval(1 - 2 * alpha)
    differs, small = found.p < alpha, p < alpha
    verdict: Verdict
    if small:
        verdict = "an effect, but too small to matter" if differs else "no effect that matters"
    elif low > margin or high < -margin:
        verdict = "an effect that matters"
    else:
        verdict = "an effect, perhaps too small to matter" if differs else "cannot tell"
    return Equivalence(p, low, high, verdict)

"""Rounding: halves away from zero, and never finer than the number of children can bear."""

from __future__ import annotations

import math
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Final

_FINEST: Final = -9
_EVEN: Final = (
    *(Decimal(digit).scaleb(power) for power in range(_FINEST, 1) for digit in (1, 2, 4, 5)),
    *(Decimal(step) for step in (10, 20, 25, 50)),
)
"""Steps that divide 100, none more than twice the one before: so a share at least a step's least prints as neither
nought nor all."""


def to_base(value: float, base: int) -> int:
    """The nearest multiple of `base`, halves away from zero (45 to the nearest 10 is 50, -45 is -50)."""
    whole = math.floor(abs(Fraction(value)) / base + Fraction(1, 2)) * base
    return -whole if value < 0 else whole


def step_for(least: Fraction) -> Decimal:
    """The smallest of ..., 0.1, 0.2, 0.5, 1, 2, 5, 10, ... that is at least `least` (which is above nought)."""
    power = math.floor(math.log10(least)) - 1
    while True:
        for digit in (1, 2, 5):
            step = Decimal(digit).scaleb(power)
            if Fraction(step) >= least:
                return step
        power += 1


def share_step(n: int, base: int) -> Decimal:
    """The step in which a percentage of `n` children is printed: at least `base` children, at most 50 points."""
    return next((step for step in _EVEN if Fraction(step) >= Fraction(100 * base, n)), _EVEN[-1])


def to_step(value: float, step: Decimal) -> Decimal:
    """The nearest multiple of `step`, halves away from zero, with no more decimals than the step has."""
    # ROUND_HALF_UP of the decimal module is away from zero on both sides.
    times = (Decimal(repr(float(value))) / step).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    found = times * step
    places = max(0, -int(step.as_tuple().exponent))
    return abs(found.quantize(Decimal(1).scaleb(-places))) if found == 0 else found.quantize(Decimal(1).scaleb(-places))


def percentage(value: float, n: int, base: int) -> Decimal:
    """A percentage of `n` children, in steps each worth at least `base` children, at most 50 points.

    So the number of children behind it can be worked out no closer than from the count rounded to `base`.
    """
    return to_step(value, share_step(n, base))


def mean(value: float, n: int, base: int) -> Decimal:
    """A mean of `n` children, in steps each worth at least what `base` children at the mean give the sum."""
    return Decimal(0) if value == 0 else to_step(value, step_for(abs(Fraction(repr(float(value)))) * base / n))


def digits(value: float, figures: int) -> Decimal:
    """A model's estimate to so many significant digits, halves away from zero."""
    if value == 0:
        return Decimal(0)
    return to_step(value, Decimal(1).scaleb(math.floor(math.log10(abs(value))) - figures + 1))

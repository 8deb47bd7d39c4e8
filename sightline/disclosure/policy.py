"""The rules of disclosure control, each a setting with its reason and its source."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, Final

from sightline.vocabulary.errors import BadSetting

ONS: Final = "ONS Secure Research Service, output checking guidance as taught"
REPORT: Final = "evaluation report, Annex 4: every N to the nearest 10, groups under 1,000 left out"
DFE: Final = "DfE statistics: small counts suppressed and rounded before publication"
OWN: Final = "Sightline's own choice"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule as people read it: its name, value in force, usual value, what it does and where it comes from."""

    name: str
    value: Any
    usual: Any
    says: str
    source: str


@dataclass(frozen=True, slots=True)
class _Meaning:
    says: str
    source: str
    right: str
    holds: Callable[[Any], bool]


def _rule(usual: Any, says: str, *, source: str, right: str, holds: Callable[[Any], bool]) -> Any:
    return field(default=usual, metadata={"meaning": _Meaning(says, source, right, holds)})


def _whole(low: int, high: int) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int) and not isinstance(v, bool) and low <= v <= high


def _number(low: float, high: float) -> Callable[[Any], bool]:
    return lambda v: isinstance(v, int | float) and not isinstance(v, bool) and low <= v <= high


def _yes_no(v: Any) -> bool:
    return isinstance(v, bool)


@dataclass(frozen=True, slots=True)
class Policy:
    """Which figures may leave. Every field has a usual value; a value out of range raises BadSetting when built.

    Protection is on unless switched off by name.
    """

    threshold: int = _rule(
        10,
        "Fewest children behind a printed figure, and the least width of what can be worked out about a hidden one",
        source=ONS,
        right="a whole number from 1 to 1,000",
        holds=_whole(1, 1000),
    )
    zeros_disclosive: bool = _rule(
        True,
        "Whether a count of none is hidden too, unless it could never have been anything else",
        source=ONS,
        right="true or false",
        holds=_yes_no,
    )
    rounding: int = _rule(
        10,
        "Counts are printed to the nearest multiple of this; 1 prints them as they are",
        source=REPORT,
        right="a whole number from 1 to 1,000",
        holds=_whole(1, 1000),
    )
    group_minimum: int = _rule(
        0,
        "Groups of fewer children are left out whole; 0 leaves none out",
        source=REPORT,
        right="a whole number from 0 to 1,000,000",
        holds=_whole(0, 1_000_000),
    )
    class_disclosure: bool = _rule(
        True,
        "Whether a figure is hidden when every child behind it has the same value (0% or 100%)",
        source=ONS,
        right="true or false",
        holds=_yes_no,
    )
    both_sides: bool = _rule(
        True,
        "Whether the children with and the children without must each reach the threshold for a percentage",
        source=f"{DFE}; a percentage of a known number is a count",
        right="true or false",
        holds=_yes_no,
    )
    dominance_n: int = _rule(
        2,
        "How many of the largest contributors are set against a total",
        source="(n, k) rule as acro 1.0.2 has it",
        right="a whole number from 1 to 10",
        holds=_whole(1, 10),
    )
    dominance_k: float = _rule(
        90.0,
        "Largest share, in per cent, that those contributors may have of a total",
        source="(n, k) rule as acro 1.0.2 has it",
        right="a number from 1 to 100",
        holds=_number(1, 100),
    )
    p_percent: float = _rule(
        10.0,
        "All but the two largest contributors must come to at least this per cent of the largest; also the least "
        "width, in per cent of the total, of what can be worked out about a hidden one",
        source="p% rule as acro 1.0.2 has it",
        right="a number from 0 to 100",
        holds=_number(0, 100),
    )
    residual_df: int = _rule(
        10,
        "Fewest residual degrees of freedom of a model whose estimates are printed",
        source=ONS,
        right="a whole number from 1 to 1,000",
        holds=_whole(1, 1000),
    )
    model_digits: int = _rule(
        4,
        "Significant digits to which a model's estimates are printed",
        source="acro 1.0.2 prints four",
        right="a whole number from 1 to 8",
        holds=_whole(1, 8),
    )
    extremes_hidden: bool = _rule(
        True,
        "Whether minima and maxima, each the value of one child, are hidden",
        source=ONS,
        right="true or false",
        holds=_yes_no,
    )

    def __post_init__(self) -> None:
        for one in fields(self):
            told: _Meaning = one.metadata["meaning"]
            if not told.holds(getattr(self, one.name)):
                raise BadSetting(f"Disclosure rule '{one.name}' must be {told.right}.")
        if self.rounding > 2 * self.threshold:
            # A count at the threshold would print as nought, which says less than "hidden" and looks like more.
            raise BadSetting("Disclosure rule 'rounding' must be at most twice 'threshold'.")

    def explain(self) -> tuple[Rule, ...]:
        """One row per rule: the value in force, the usual one, what it does, its source."""
        return tuple(
            Rule(f.name, getattr(self, f.name), f.default, f.metadata["meaning"].says, f.metadata["meaning"].source)
            for f in fields(self)
        )


STANDARD: Final = Policy()
"""What leaves a secure room: threshold 10, counts to the nearest 10."""

ANNEX: Final = Policy(group_minimum=1000)
"""As the evaluation report printed: also no group of fewer than 1,000."""

LOCAL: Final = Policy(threshold=6, rounding=1)
"""An authority's own pages, read by its own officers: threshold 6, counts as they are."""

"""The self-review of access to data: its areas, its answers, and what Virtual Schools of England answered.

Source: Department for Education, research report RR1542 (August 2025), Survey 5 (October and November 2024), questions
14 and 16: tables 15 and 38 (the current cohort), tables 16 and 37 (Ever 6). Contains public sector information licensed
under the Open Government Licence v3.0. The counts are as printed; four of the percentages beside them were worked out
on another base than the 105 who answered, so shares are made from the counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

SOURCE: Final = "DfE research report RR1542, August 2025, VSH Survey 5 (tables 15, 16, 37 and 38)"
STATEMENT: Final = (
    "Our Virtual School has access to the data we need to maintain effective oversight of this cohort relating to:"
)
ANSWERS: Final = ("Strongly disagree", "Somewhat disagree", "Neither", "Somewhat agree", "Strongly agree")
"""From the lowest to the highest: the place of an answer among them is what a change is counted in."""
CURRENT, EVER_6 = "current", "ever_6"
COHORTS: Final[Mapping[str, str]] = {CURRENT: "Current", EVER_6: "Ever 6"}
AREAS: Final[Mapping[str, str]] = {
    "attendance": "Attendance",
    "persistent_absence": "Persistent absence",
    "attainment": "Attainment",
    "suspension": "Suspension",
    "permanent_exclusions": "Permanent exclusions",
    "school_moves": "School moves",
}
_COUNTS: Final = {
    (CURRENT, "attendance"): (4, 11, 6, 41, 43),
    (CURRENT, "persistent_absence"): (5, 9, 7, 41, 43),
    (CURRENT, "attainment"): (18, 33, 16, 22, 16),
    (CURRENT, "suspension"): (6, 13, 10, 38, 38),
    (CURRENT, "permanent_exclusions"): (3, 11, 9, 35, 47),
    (CURRENT, "school_moves"): (23, 25, 20, 24, 13),
    (EVER_6, "attendance"): (34, 23, 9, 32, 7),
    (EVER_6, "persistent_absence"): (33, 24, 9, 31, 8),
    (EVER_6, "attainment"): (43, 34, 12, 10, 6),
    (EVER_6, "suspension"): (29, 24, 11, 29, 12),
    (EVER_6, "permanent_exclusions"): (24, 25, 12, 28, 16),
    (EVER_6, "school_moves"): (44, 25, 16, 14, 6),
}


@dataclass(frozen=True, slots=True)
class Answered:
    """How many Virtual Schools gave each of `ANSWERS` about one area of one cohort."""

    counts: tuple[int, ...]

    @property
    def schools(self) -> int:
        return sum(self.counts)

    @property
    def shares(self) -> tuple[float, ...]:
        """The percentage that gave each answer."""
        return tuple(100.0 * n / self.schools for n in self.counts)

    @property
    def agree(self) -> float:
        """The percentage that agreed, somewhat or strongly."""
        return sum(self.shares[ANSWERS.index("Somewhat agree") :])


def answered(cohort: str, area: str) -> Answered:
    """What the Virtual Schools answered. Raises KeyError for an area or cohort there is not."""
    return Answered(_COUNTS[cohort, area])

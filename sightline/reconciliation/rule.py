"""A rule of reconciliation is a value: what parts, between whom, who puts it right, by when, and the query for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sightline.vocabulary.tables import Sensitivity

IDENTITY, EDUCATION = Sensitivity.IDENTITY, Sensitivity.EDUCATION
STATUS, DETAIL, STAFF = Sensitivity.CARE_STATUS, Sensitivity.CARE_DETAIL, Sensitivity.STAFF


@dataclass(frozen=True, slots=True)
class Owner:
    """Who puts something right: a code, a name, what they answer for, and the classes of fact they may be shown."""

    code: str
    name: str
    says: str
    sees: frozenset[Sensitivity]


OWNERS: Final = (
    Owner(
        "care-data",
        "Social care data team",
        "The records of the case system and the returns made from it.",
        frozenset({IDENTITY, EDUCATION, STATUS, DETAIL, STAFF}),
    ),
    Owner(
        "care-teams",
        "Social work team managers",
        "What only practice knows: who the worker is, when a plan was agreed.",
        frozenset({IDENTITY, EDUCATION, STATUS, DETAIL, STAFF}),
    ),
    Owner(
        "pupil-data",
        "Pupil data team",
        "The authority's copy of school registers and censuses.",
        frozenset({IDENTITY, EDUCATION}),
    ),
    Owner(
        "inclusion",
        "Inclusion team",
        "Suspensions and permanent exclusions as the authority is told of them.",
        frozenset({IDENTITY, EDUCATION}),
    ),
    Owner(
        "virtual-school",
        "Virtual School",
        "What no one system can put right: children found in no school, and children across the border.",
        frozenset({IDENTITY, EDUCATION, STATUS}),
    ),
    Owner(
        "school",
        "A school",
        "Its own register, census and marks. Each is named by its URN (school 900001) and is shown only pupils on a "
        "plan now whose latest roll is its own: that a child was once known to social care is not for it to learn.",
        frozenset({IDENTITY, EDUCATION}),
    ),
)
# Whose records a system's are. A system not named here is a care system when it sends children, else a school's.
SYSTEM_OWNERS: Final[Mapping[str, str]] = {
    "cin-census": "care-data",
    "ssd": "care-data",
    "annex-a": "care-data",
    "suspensions": "inclusion",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of disagreement. `find` is SQL over the tables of `facts` that gives the columns `parted` names.

    `between` says which two sources part, or which source and which rule. `ready` is SQL that is true when there is
    something to compare (`lacks` says what is missing otherwise): a rule that could not run has found nothing out, so
    nothing closes by it. `owner` is a code of `OWNERS`; empty, it is the owner of the system asked to look first.
    `due` counts calendar days from the day found. `shows` are the classes of fact its values hold.
    """

    code: str
    name: str
    says: str
    grain: str
    between: str
    due: int
    why: str
    shows: frozenset[Sensitivity]
    ready: str
    lacks: str
    find: str
    owner: str = ""
    settings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.due < 1:
            raise ValueError(f"Rule {self.code} gives nobody time to put anything right.")
        if self.owner and self.shows - owner_named(self.owner).sees:
            raise ValueError(f"Rule {self.code} shows its owner what they may not see.")


def owner_named(code: str) -> Owner:
    """The owner of a code, or of a school's name such as "school 900001". Raises KeyError for another."""
    first = code.split(" ", 1)[0]
    for owner in OWNERS:
        if owner.code == first:
            return owner
    raise KeyError(f"There is no owner {code!r}. There are: {', '.join(o.code for o in OWNERS)}.")


def parted(
    tables: str,
    *,
    what: str,
    system: str = "a.system",
    left: str = "a.value",
    right: str = "b.value",
    child: str = "a.child_id",
    urn: str = "NULL",
    days: str = "NULL",
    right_system: str = "b.system",
    right_delivery: str = "b.delivery",
    right_line: str = "b.line",
    left_system: str = "a.system",
    left_delivery: str = "a.delivery",
    left_line: str = "a.line",
) -> str:
    """SQL for one row per disagreement: who or what, the system to look first, and both values with their places."""
    return (
        f"SELECT {child} AS child_id, {urn} AS urn, {what} AS what, {system} AS system, "
        f"{left_system} AS left_system, ({left})::TEXT AS left_value, {left_delivery} AS left_delivery, "
        f"{left_line} AS left_line, {right_system} AS right_system, ({right})::TEXT AS right_value, "
        f"{right_delivery} AS right_delivery, {right_line} AS right_line, ({days})::INT AS days {tables}"
    )

"""Why two figures of children differ: each child counted on one side alone has exactly one cause, so the causes add up.

Arithmetic on sets; nothing here reads a table. What is counted is a `Count`, and what is known of a child a `Known`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from sightline.vocabulary.dates import day_in_words

LOOKED_AFTER, CP, CIN, EVER_6, ASSESSED = "looked after", "CP plan", "CIN plan", "Ever 6", "assessment only"
EHC_PLAN: Final = "E"


@dataclass(frozen=True, slots=True)
class What:
    """What is counted: a code, its words, the statuses a child must have on the day, and whether also a school or an
    education, health and care plan."""

    code: str
    says: str
    statuses: frozenset[str]
    on_roll: bool = False
    ehc_plan: bool = False


_COHORT: Final = frozenset({CP, CIN, EVER_6})
WHATS: Final = (
    What("on-plan", "Children on a CIN or CP plan", frozenset({CP, CIN})),
    What("cin-plan", "Children on a CIN plan", frozenset({CIN})),
    What("cp-plan", "Children on a CP plan", frozenset({CP})),
    What("looked-after", "Children looked after", frozenset({LOOKED_AFTER})),
    What("any-plan", "Children on a plan or looked after", frozenset({CP, CIN, LOOKED_AFTER})),
    What("cohort", "Children on a plan now or within the look-back (Ever 6)", _COHORT),
    What("known", "Children with an open case: on a plan, looked after or being assessed",
         frozenset({CP, CIN, LOOKED_AFTER, ASSESSED})),
    What("on-roll", "Children of the cohort on a school's roll", _COHORT | {LOOKED_AFTER}, on_roll=True),
    What("ehc-plan", "Children of the cohort with an education, health and care plan", _COHORT | {LOOKED_AFTER},
         ehc_plan=True),
)  # fmt: skip
_PLANS: Final = (LOOKED_AFTER, CP, CIN, ASSESSED)


def what_named(code: str) -> What:
    """The definition of a code. Raises KeyError for another."""
    for what in WHATS:
        if what.code == code:
            return what
    raise KeyError(f"Nothing is counted as {code!r}. There are: {', '.join(w.code for w in WHATS)}.")


@dataclass(frozen=True, slots=True)
class OnDay:
    """What is known of a child on one day: the status counted under (none: None), the school and whether the latest
    census up to then says that there is an education, health and care plan."""

    status: str | None = None
    urn: str | None = None
    ehc_plan: bool = False


@dataclass(frozen=True, slots=True)
class Period:
    """One period of a plan before precedence, closed-open, with the system and day of the file it rests on."""

    status: str
    start: date | None
    end: date | None
    presumed: bool = False
    other_authority: bool = False
    system: str = ""
    told: date | None = None

    def covers(self, day: date) -> bool:
        return (self.start is None or self.start <= day) and (self.end is None or self.end > day)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one child: on each day asked about, their plans before precedence, and who knows them."""

    days: Mapping[date, OnDay]
    periods: tuple[Period, ...] = ()
    systems: frozenset[str] = frozenset()
    school_age: str | None = None
    died: date | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """One side: its words, what it counts on which day, the children, and what of its number is no child of ours.

    `kind` is dashboard, return or list. `system` is whose return it is. `unknown` rows name nobody whom any source
    knows, `repeated` ones a child that was listed before. `schools` are those a census came from (None: any).
    """

    label: str
    kind: str
    what: What
    day: date
    children: frozenset[str]
    system: str = ""
    unknown: int = 0
    repeated: int = 0
    schools: frozenset[str] | None = None

    @property
    def number(self) -> int:
        return len(self.children) + self.unknown + self.repeated


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of the difference: a group, a sentence, and how many children it puts on one side alone."""

    group: str
    says: str
    first: int
    second: int
    children: tuple[str, ...] = ()

    @property
    def net(self) -> int:
        """What it adds to the second figure over the first."""
        return self.second - self.first


# The groups of causes, in the order in which they are shown. A child has the first that holds.
GROUPS: Final = ("Listed twice", "Not linked", "Period", "Definition", "Looked after or higher plan first",
                 "Another authority", "Recorded later", "Ended", "Roll", "Not in the return",
                 "No reason found")  # fmt: skip


def counts(what: What, on: OnDay | None) -> bool:
    """Whether the dashboard counts a child so on a day."""
    if on is None or on.status not in what.statuses:
        return False
    return not (what.on_roll and on.urn is None) and not (what.ehc_plan and not on.ehc_plan)


def split(first: Count, second: Count, known: Mapping[str, Known]) -> tuple[Cause, ...]:
    """The causes of `second.number - first.number`, whose `net` add up to it exactly.

    `known` has every child of either side, with what is known on both days.
    """
    found: Counter[tuple[str, str, int]] = Counter()
    named: dict[tuple[str, str], list[str]] = {}
    for side, (has, lacks) in enumerate(((first, second), (second, first))):
        for child in sorted(has.children - lacks.children):
            group, says = _cause(has, lacks, known[child])
            found[group, says, side] += 1
            named.setdefault((group, says), []).append(child)
        if has.repeated:
            found["Listed twice", f"A child stands more than once in {has.label}.", side] += has.repeated
        if has.unknown:
            found["Not linked", f"{has.label} names a child whom no source knows by that number.", side] += has.unknown
    rows = [
        Cause(group, says, found[group, says, 0], found[group, says, 1], tuple(named.get((group, says), ())))
        for group, says in {(group, says): None for group, says, _ in found}
    ]
    return tuple(sorted(rows, key=lambda c: (GROUPS.index(c.group), -(c.first + c.second), c.says)))


def _cause(has: Count, lacks: Count, child: Known) -> tuple[str, str]:
    """Why a child is counted on one side and not on the other: the group and a sentence."""
    here, there = child.days.get(has.day, OnDay()), child.days.get(lacks.day, OnDay())
    if child.died is not None and child.died <= lacks.day:
        return "Ended", "The child has died."
    if has.day != lacks.day and counts(has.what, here) and not counts(has.what, there):
        return "Period", _between(has, lacks, here, there)
    if has.what != lacks.what and counts(has.what, there) and not counts(lacks.what, there):
        return "Definition", _defined(has.what, lacks.what, there)
    # From here both speak of one thing on one day, or the files now in force no longer show what one of them counted.
    if lacks.kind == "dashboard":
        return _not_on_dashboard(has, lacks, child, there)
    return _not_in_return(has, lacks, child, here, there)


def _between(has: Count, lacks: Count, here: OnDay, there: OnDay) -> str:
    if there.status in _PLANS and here.status in _PLANS and there.status != here.status:
        return (
            f"Between the days the child moved from one status to another: {there.status} on {day_in_words(lacks.day)}."
        )
    if has.day > lacks.day:
        return f"Counted only after {day_in_words(lacks.day)}: a plan began, or the child joined, between the days."
    return f"No longer counted on {day_in_words(lacks.day)}: a plan ended, or the child left, between the days."


def _defined(has: What, lacks: What, there: OnDay) -> str:
    if lacks.on_roll and there.urn is None and there.status in lacks.statuses:
        return f"“{lacks.says}” asks for a school, and none is found for the child."
    if lacks.ehc_plan and there.status in lacks.statuses:
        return f"“{lacks.says}” asks for such a plan, and no census says that the child has one."
    return f"Counted as “{has.says}” and not as “{lacks.says}”: the status is {there.status}."


def _not_on_dashboard(has: Count, lacks: Count, child: Known, there: OnDay) -> tuple[str, str]:
    wanted = lacks.what.statuses
    if there.status in wanted:
        return "Roll", (
            "By the files in force now the child is on no school’s roll that day."
            if lacks.what.on_roll
            else "By the latest census up to that day the child has no education, health and care plan."
        )
    if has.kind == "return" and has.what.code == "known":
        return "Definition", "An open case without a plan or an assessment that day: the return counts every open case."
    plans = [p for p in child.periods if p.status in wanted]
    if there.status in _PLANS and any(p.covers(lacks.day) for p in plans):
        return "Looked after or higher plan first", (
            f"On both that day, and the dashboard counts a child once: as {there.status}."
        )
    if any(p.other_authority and p.covers(lacks.day) for p in plans):
        return "Another authority", "The plan is another authority’s, which the dashboard does not count."
    ended = [p for p in plans if p.end is not None and p.end <= lacks.day]
    if any(p.presumed for p in ended):
        return "Ended", "A later file no longer shows the plan, so it is presumed to have ended."
    if ended:
        return "Ended", "The files in force now say that the plan had ended by that day."
    if any(p.start is not None and p.start > lacks.day for p in plans):
        return "Ended", "The files in force now say that the plan began after that day."
    if there.status is not None:
        return "Definition", f"By the files in force now the child’s status that day is {there.status}."
    if has.kind == "list":
        return "No reason found", f"{has.label} counts the child, and no file in force shows such a plan that day."
    return "No reason found", "The return shows it and no other file in force does: see the child’s exceptions."


def _not_in_return(has: Count, lacks: Count, child: Known, here: OnDay, there: OnDay) -> tuple[str, str]:
    if lacks.schools is not None:
        if child.school_age in ("below", "above"):
            return "Roll", f"The child is {child.school_age} compulsory school age, and no census need hold them."
        if there.urn is not None and there.urn not in lacks.schools:
            return "Not in the return", "The child’s school is not among those whose census of that day was received."
        if there.urn is None:
            return "Roll", "No source finds a school for the child that day."
        return "Roll", "On the school’s roll by another file, and not in the school’s census of that day."
    told = [p for p in child.periods if p.status in has.what.statuses and p.covers(lacks.day)]
    if lacks.system and lacks.system not in child.systems:
        return "Not in the return", f"{lacks.label} does not know the child at all; another source does."
    if lacks.kind == "return" and not lacks.children:
        return "Not in the return", f"{lacks.label} holds none at all: it does not carry them, or they were left out."
    if told and all(p.told is not None and p.told > lacks.day for p in told):
        return (
            "Recorded later",
            "Only files of a later day show it: recorded after that day, or left out of the return.",
        )
    if told:
        return "Not in the return", f"{lacks.label} knows the child and does not show the plan; another source does."
    return "No reason found", f"{has.label} counts the child and {lacks.label} does not."


@dataclass(frozen=True, slots=True)
class Step:
    """One step from a figure we can count to a number that was only told: what it changes and where it arrives."""

    group: str
    says: str
    net: int
    at: int


def walk(start: int, same_day: int, same_what: int, told: int, *, label: str) -> tuple[Step, ...]:
    """From our figure to a number told without its children: first the day, then the definition, then what is left.

    `same_day`: our figure on the day of the number. `same_what`: that, counted as the number is. The steps add up to
    `told - start` exactly; what is left cannot be explained without a list of the children.
    """
    steps = [
        Step("Period", "Our own figure on the day of the other.", same_day - start, same_day),
        Step("Definition", "The same day, counted as the other is.", same_what - same_day, same_what),
        Step("No reason found", f"What is left of {label}: only a list of its children could explain it.",
             told - same_what, told),
    ]  # fmt: skip
    return tuple(s for s in steps if s.net or s.group == "No reason found")


def nearest(figures: Sequence[tuple[str, int]], told: int, *, most: int = 5) -> list[tuple[str, int, int]]:
    """Of figures we can count (words, number), those nearest to a number, with their difference from it."""
    ranked = sorted(figures, key=lambda f: (abs(f[1] - told), f[0]))
    return [(says, number, number - told) for says, number in ranked[:most]]

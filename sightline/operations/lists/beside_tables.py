"""The figures of a school, of schools side by side and of a team as tables: what their pages show, for a workbook."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sightline.operations.lists.school import Group, SchoolFacts
from sightline.operations.lists.schools_beside import SchoolBeside
from sightline.operations.lists.teams import TeamYears
from sightline.operations.sheets import Grid, Value
from sightline.vocabulary.dates import day_in_words

TOO_FEW: Final = "Too few"
NO_MARKS: Final = "No marks"
WORDS: Final = (
    ("Absence", "Sessions (half days) missed, of those a pupil could have attended."),
    ("Persistently absent", "Missed a tenth or more of their possible sessions."),
    ("Suspended", "Suspended at least once, however often."),
    (TOO_FEW, "Fewer children than may be told of are in the group or, for a share of children, with or without."),
)
"""What each word of these tables means."""


def _told(value: Value, missing: str = TOO_FEW) -> Value:
    return missing if value is None else value


def _lines(groups: Sequence[tuple[Group, str, str]], measures: Iterable[tuple[str, str]]) -> list[tuple[Value, ...]]:
    """One row per measure; each group with what stands for a number of children, and for a figure, that is missing."""
    return [
        (label, *(_told(getattr(g, name), few if name == "pupils" else none) for g, few, none in groups))
        for label, name in measures
    ]


def school_table(school: SchoolFacts) -> Grid:
    """One row per measure: the school's pupils with a plan beside its other pupils."""
    few = f"Fewer than {school.fewest}"
    return Grid(
        "Beside others", "Pupils with a plan beside the school’s other pupils",
        ("This school year", "Pupils with a plan", "Other pupils"),
        tuple(_lines(
            [(school.on_plan, few, TOO_FEW), (school.others, few, TOO_FEW)],
            (("Pupils in the registers", "pupils"), ("Absence, % of possible sessions", "absence"),
             ("Persistently absent, % of pupils", "persistent"), ("Suspended at least once, % of pupils", "suspended")),
        )),
        ("Pupils with a possible session in this school’s registers since September. “With a plan” is today’s.",),
        sorts=False,
    )  # fmt: skip


def schools_table(rows: Iterable[SchoolBeside]) -> Grid:
    """One row per school: its pupils with a plan beside its other pupils."""
    return Grid(
        "Schools", "Pupils with a plan by school, beside the other pupils",
        ("School", "Pupils with a plan", "Share of its pupils, %", "Absence, with a plan, %",
         "Absence, other pupils, %", "Times as high", "Suspended, with a plan, %", "Suspended, other pupils, %",
         "Times as likely", "Marks to week of"),
        tuple(
            (s.name, s.children, _told(s.share), _told(s.on_plan.absence), _told(s.others.absence),
             _told(s.times("absence")), _told(s.on_plan.suspended), _told(s.others.suspended),
             _told(s.times("suspended")), s.marks_to or NO_MARKS)
            for s in rows
        ),
        ("“With a plan” is today’s; absence and suspension are those of this school’s own registers since September.",),
    )  # fmt: skip


def team_table(years: TeamYears) -> Grid:
    """One row per measure: the team's children with a plan this school year, and those of a year before."""
    return Grid(
        "Beside last year", "This school year beside the last, to the same day",
        ("Children of the team with a plan", f"To {day_in_words(years.until)}", f"To {day_in_words(years.before)}"),
        tuple(_lines(
            [(years.now, NO_MARKS, NO_MARKS), (years.then, f"Fewer than {years.fewest}", TOO_FEW)],
            (("Children with marks", "pupils"), ("Absence, % of possible sessions", "absence"),
             ("Persistently absent, % of children", "persistent"),
             ("Suspended at least once, % of children", "suspended")),
        )),
        ("A year before are other children: those the team had then.",),
        sorts=False,
    )  # fmt: skip

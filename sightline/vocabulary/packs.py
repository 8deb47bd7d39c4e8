"""Packs taken to a forum: for whom they are made, which figures they hold, and which questions follow from these.

The words are data (`data/packs.toml`); what each `when` asks of the figures is worked out in `operations.packs`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, Final

from sightline.vocabulary.errors import BadSetting

ALWAYS, GROUP, WEEKDAY, RISEN, FALLEN = "always", "group-above", "weekday-above", "risen", "fallen"
WHENS: Final[Mapping[str, str]] = MappingProxyType(
    {
        ALWAYS: "Asked whatever the figures are",
        GROUP: "The highest group lies this many percentage points above all children on a plan",
        WEEKDAY: "The day with most absence lies this many percentage points above the other days together",
        RISEN: "The figure lies this many percentage points above that of the year before",
        FALLEN: "The figure lies this many percentage points below that of the year before",
    }
)
"""When a question is asked, in words."""


@dataclass(frozen=True, slots=True)
class Audience:
    """One row per audience: its key and name, the forum it meets in, its tables (by what the cohort is divided by) and
    charts (by what, and what is drawn), and where it is named."""

    key: str
    name: str
    forum: str
    tables: tuple[str, ...]
    charts: tuple[tuple[str, str], ...]
    source: str


@dataclass(frozen=True, slots=True)
class Question:
    """One row per question: its words (with places for figures), for which audiences, when it is asked, and what it
    rests on. Raises BadSetting when built with a `when` there is not, or without what its `when` needs."""

    key: str
    asks: str
    audiences: tuple[str, ...]
    when: str
    source: str
    by: str = ""
    measure: str = ""
    points: float = 0.0

    def __post_init__(self) -> None:
        needs_measure = self.when in (GROUP, RISEN, FALLEN)
        wrong = (
            self.when not in WHENS
            or bool(self.by) != (self.when == GROUP)
            or bool(self.measure) != needs_measure
            or (self.points > 0) != (self.when != ALWAYS)
        )
        if wrong:
            raise BadSetting(f"The question {self.key!r} does not say when it is asked as one of: {', '.join(WHENS)}.")


@cache
def audiences() -> Mapping[str, Audience]:
    """Every audience by its key, in the order of the data file."""
    rows = _data()["audience"]
    return MappingProxyType(
        {
            row["key"]: Audience(
                **{**row, "tables": tuple(row["tables"]), "charts": tuple((by, what) for by, what in row["charts"])}
            )
            for row in rows
        }
    )


@cache
def questions() -> tuple[Question, ...]:
    """Every question, in the order in which they are asked."""
    return tuple(Question(**{**row, "audiences": tuple(row["audiences"])}) for row in _data()["question"])


def audience(key: str) -> Audience:
    """One audience. Raises BadSetting for a key there is not."""
    found = audiences().get(key)
    if found is None:
        raise BadSetting(f"There is no pack for {key!r}. There are packs for: {', '.join(audiences())}.")
    return found


def _data() -> dict[str, list[dict[str, Any]]]:
    text = resources.files("sightline.vocabulary").joinpath("data", "packs.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)

"""Figures of the cohort for people who may not see each child, and for whatever leaves: one set of answers a month."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
import pyarrow as pa

from sightline import disclosure
from sightline.disclosure import HIDDEN, LOCAL, Answers, Policy, Question
from sightline.operations.counts.dashboard import DIMENSIONS, Panel, in_order, on_early_help, on_plan
from sightline.vocabulary.dates import day_in_words

SHARED: Final = (
    "plan", "team", "locality", "school_town", "phase", "type", "year", "sex", "ethnicity", "sen", "fsm", "eal", "days",
)  # fmt: skip
"""By what shared figures may be asked for. Not by school, trust or worker: too few children stand behind most."""
LINKED: Final = ("phase", "school_town", "year", "type")
"""Dimensions of which anybody may know what goes with what: they follow from the school. A child's home does not."""


@dataclass(frozen=True, slots=True)
class Head:
    """One column of shared figures: its name and label, and whether it is a percentage."""

    key: str
    label: str
    percent: bool
    says: str


HEADS: Final = (
    Head("children", "Children on a plan", False, "Children on a CP or CIN plan on the day"),
    Head("cp", "On a CP plan", False, "Of them, on a child protection plan"),
    Head("cin", "On a CIN plan", False, "Of them, on a child in need plan"),
    Head("joined", "Joined", False, "Of them, on no plan at the start of the school year"),
    Head("absence", "Absence", True, "Sessions missed, of possible sessions, of children with marks"),
    Head("persistent", "Persistently absent", True, "Missed 10% or more of their sessions, of children with marks"),
    Head("severe", "Severely absent", True, "Missed 50% or more of their sessions, of children with marks"),
    Head("suspended", "Suspended at least once", True, "Of all children"),
    Head("excluded", "Permanently excluded", True, "Of all children"),
    Head("moved", "Moved school", True, "Began at another school after 30 September, of all children"),
)


NOT_ASKED: Final = "Not counted"
_OF_PLANS: Final = ("cp", "cin", "joined")
"""The figures that are of plans alone."""
EARLY_HELP_SAYS: Final = (
    "Early Help, no plan: all children with an open episode of Early Help on the day who are neither on a plan nor "
    "looked after. They are no part of the children on a plan; those who are on both are counted there."
)


@dataclass(frozen=True, slots=True)
class SharedRow:
    """One category (or several together, or everybody): a number, percentage or `HIDDEN` for each of `HEADS`."""

    label: str
    figures: Mapping[str, float | int | str]
    together: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """All that may be told of the children on a plan on a day: everybody's figures, and a table per dimension (none of
    a dimension of which nothing has been received; `lacking` says what to send).

    `early_help`: the figures of the children on Early Help and on no plan, all together: no child is in both, so
    neither tells of the other. `least`: the fewest children any figure is about. Where everything is hidden,
    `everybody` says so.
    """

    on: date
    start: date
    since: date
    everybody: SharedRow
    tables: Mapping[str, tuple[SharedRow, ...]]
    least: int
    early_help: SharedRow
    lacking: Mapping[str, str] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        return all(v == HIDDEN for v in self.everybody.figures.values())


def shared_day(newest: date) -> date:
    """The last day of a month up to the newest: figures of each day could be taken from each other."""
    return newest if (newest + timedelta(days=1)).day == 1 else newest.replace(day=1) - timedelta(days=1)


def shared(panel: Panel, *, policy: Policy = LOCAL) -> Shared:
    """What may be told of the panel's children on a plan; see `disclosure.grouping` for what is put together."""
    rows = on_plan(panel.rows)
    by = [d for d in SHARED if panel.offers(d)]
    words = {d: [panel.says(d, v) for v in rows[d].to_pylist()] for d in by}
    questions = (
        Question("cp", np.array([v == "CP plan" for v in rows["plan"].to_pylist()], dtype=bool)),
        Question("joined", _flag(rows, "joined")),
        *_attendance(rows),
    )
    told = disclosure.answers(words, questions, children=rows.num_rows, threshold=policy.threshold, linked=LINKED)
    everybody = SharedRow("All children on a plan", _figures(told, "", [""], rows, words))
    tables = {d: tuple(_table(panel, told, d, rows, words)) for d in by}
    helped = _early_help(panel, policy)
    return Shared(panel.on, panel.start, panel.since, everybody, tables, policy.threshold, helped, panel.lacking)


def _flag(rows: pa.Table, column: str) -> disclosure.Flags:
    return np.asarray(rows[column].to_numpy(zero_copy_only=False), dtype=np.float64) > 0


def _attendance(rows: pa.Table) -> tuple[Question, ...]:
    """What is asked of any group of children."""
    return (
        Question("with_marks", _flag(rows, "with_marks"), open=True),
        Question("persistent", _flag(rows, "persistent"), "with_marks"),
        Question("severe", _flag(rows, "severe"), "persistent"),
        *(Question(name, _flag(rows, name)) for name in ("suspended", "excluded", "moved")),
    )


def _early_help(panel: Panel, policy: Policy) -> SharedRow:
    """What may be told of the children on Early Help and on no plan, by the same rules: of all of them together, and by
    nothing else. Those who are on a plan too are among the children on a plan."""
    rows = on_early_help(panel.rows, planned=False)
    told = disclosure.answers({}, _attendance(rows), children=rows.num_rows, threshold=policy.threshold)
    return SharedRow("Early Help, no plan", _figures(told, "", [""], rows, {}) | dict.fromkeys(_OF_PLANS, NOT_ASKED))


def _table(
    panel: Panel, told: Answers, dimension: str, rows: pa.Table, words: Mapping[str, Sequence[str]]
) -> list[SharedRow]:
    order = [panel.says(dimension, v) for v in in_order(panel, dimension, set(rows[dimension].to_pylist()))]
    order = list(dict.fromkeys(order))
    made = [SharedRow(label, _figures(told, dimension, [label], rows, words)) for label in order]
    groups: dict[tuple[str, ...], None] = {}
    for group in told.groups[dimension]:
        groups[group.categories] = None
    for (d, _measure), said in told.answers.items():
        if d == dimension:
            groups |= {a.group.categories: None for a in said}
    for categories in groups:
        if 1 < len(categories) < len(order):
            ordered = [label for label in order if label in categories]
            made.append(
                SharedRow(
                    "Together: " + "; ".join(ordered), _figures(told, dimension, ordered, rows, words), together=True
                )
            )
    return made


def _figures(
    told: Answers, dimension: str, categories: Sequence[str], rows: pa.Table, words: Mapping[str, Sequence[str]]
) -> dict[str, float | int | str]:
    """The figures of exactly these categories, each hidden where it is answered with more or not at all."""
    exactly = set(categories)
    found: dict[str, float | int | str] = dict.fromkeys((h.key for h in HEADS), HIDDEN)
    for group in told.groups[dimension]:
        if set(group.categories) == exactly:
            found["children"] = group.children
    for (d, measure), said in told.answers.items():
        for answer in said if d == dimension else ():
            if set(answer.group.categories) != exactly:
                continue
            if measure == "cp":
                found["cp"], found["cin"] = answer.with_it, answer.of - answer.with_it
            elif measure == "joined":
                found["joined"] = answer.with_it
            elif measure == "with_marks":
                inside = (
                    np.isin(np.array(words[dimension]), list(exactly))
                    if dimension
                    else np.ones(rows.num_rows, dtype=bool)
                )
                possible, absent = (
                    int(rows[c].to_numpy(zero_copy_only=False)[inside].sum()) for c in ("possible", "absent")
                )
                found["absence"] = 100.0 * absent / possible
            elif measure == "severe":
                continue
            elif answer.of:
                found[measure] = 100.0 * answer.with_it / answer.of
    # Severe absence is asked of the persistently absent, so that no pair of answers gives one away, and told of all.
    severe = [a for a in told.answers[dimension, "severe"] if set(a.group.categories) == exactly]
    marked = [a for a in told.answers[dimension, "with_marks"] if set(a.group.categories) == exactly]
    if severe and marked:
        found["severe"] = 100.0 * severe[0].with_it / marked[0].with_it
    return found


def dimension_names(held: Shared) -> list[tuple[str, str]]:
    """By what these figures may be asked for, with labels."""
    return [(d, DIMENSIONS[d].label) for d in held.tables]


def about(held: Shared) -> str:
    """What shared figures are about, in words."""
    first, on = (day_in_words(d) for d in (held.start, held.on))
    return (
        f"Children on a CP or CIN plan on {on}, the last day of a month. Absence, suspensions, exclusions and moves "
        f"from {first}."
    )

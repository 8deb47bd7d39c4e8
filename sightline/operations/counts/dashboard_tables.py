"""The dashboard's figures as tables: the same ones on the page, at the console and in a workbook."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import pyarrow as pa

from sightline.disclosure import HIDDEN
from sightline.operations.counts.breakdown import HALF_TERM, MONTH, Period, earlier, half_termly, performance, rolls_on
from sightline.operations.counts.comparators import (
    COMPARED,
    Comparator,
    Others,
    all_others,
    lacking,
    last_year,
    same_schools,
)
from sightline.operations.counts.dashboard import (
    BY_KEY,
    DIMENSIONS,
    MEASURES,
    NOT_HELD,
    ON_HELP,
    Figures,
    Panel,
    chosen,
    figures_by,
    in_order,
    on_plan,
)
from sightline.operations.counts.shared import EARLY_HELP_SAYS, HEADS, Shared, SharedRow
from sightline.operations.opened import Opened
from sightline.operations.sheets import Book, Grid, Value
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.systems import SYSTEMS

NOT_KNOWN = "Not known"
THESE = "These children"
TRUE = "True figures, for people who may see each child. Do not pass them on: small numbers can tell on a child."
TO_SHARE = (
    "Small numbers are hidden (c), and so is what they could be worked out from: categories are put together until no "
    "figure is about fewer than {least} children."
)
IN_GROUPS = (
    "children", "joined", "left", "attendance", "persistent_rate", "severe_rate", "suspensions", "suspended_rate",
    "exclusions", "moved",
)  # fmt: skip
"""The measures shown of each group of a slice."""
WORDS: Final = tuple((m.label, m.says + ".") for m in MEASURES)
"""Each measure of the dashboard with its definition."""


def _figure(value: float | int | None) -> Value:
    return NOT_KNOWN if value is None else value


def _headed(key: str) -> str:
    measure = BY_KEY[key]
    return f"{measure.label}, %" if measure.unit else measure.label


def measures_table(columns: Sequence[tuple[str, Figures]]) -> Grid:
    """One row per measure, and a column per group of children."""
    return Grid(
        "Figures", "Figures", ("", *(label for label, _ in columns)),
        tuple((_headed(m.key), *(_figure(m.of(f)) for _, f in columns)) for m in MEASURES), sorts=False,
    )  # fmt: skip


def groups_table(panel: Panel, found: Mapping[str | None, Figures], dimension: str) -> Grid:
    """One row per value of a dimension, and a column per measure."""
    return Grid(
        DIMENSIONS[dimension].label, f"By {DIMENSIONS[dimension].within}",
        (DIMENSIONS[dimension].label, *(_headed(key) for key in IN_GROUPS)),
        tuple(
            (panel.says(dimension, value), *(_figure(BY_KEY[key].of(found[value])) for key in IN_GROUPS))
            for value in in_order(panel, dimension, found)
        ),
        (DIMENSIONS[dimension].says + ".",),
    )  # fmt: skip


def comparison_table(own: Figures, compared: Iterable[Comparator], notes: Sequence[str] = ()) -> Grid:
    """One row for the slice and one per comparator, with its source, its period and what it must not be taken for."""
    rows: list[tuple[Value, ...]] = [
        (THESE, *(_figure(BY_KEY[m].of(own)) if m != "excluded_rate" else _figure(own.rate("excluded"))
                             for m in COMPARED), "This authority’s files", "This school year so far", "")
    ]  # fmt: skip
    rows += [
        (
            c.label,
            *(_figure(c.figures.get(m)) for m in COMPARED),
            c.source,
            c.period,
            " ".join(w.rstrip(".") + "." for w in c.warnings),
        )
        for c in compared
    ]
    heads = ("Absence, %", "Persistently absent, %", "Severely absent, %", "Suspended at least once, %",
             "Permanently excluded, %")  # fmt: skip
    return Grid("Comparison", "Beside others", ("", *heads, "Source", "Period", "Take care"), tuple(rows), tuple(notes),
                whole=THESE)  # fmt: skip


def shared_tables(shared: Shared) -> tuple[Grid, ...]:
    """One table per dimension of what may be told, everybody first."""

    def row(held: SharedRow) -> tuple[Value, ...]:
        return (held.label, *(held.figures[h.key] for h in HEADS))

    heads = tuple(f"{h.label}, %" if h.percent else h.label for h in HEADS)
    note = f"{HIDDEN}: hidden, because of small numbers."
    # Early Help stands beside the plans, and is no part of those on one.
    beside = {"plan": ((row(shared.early_help),), (note, EARLY_HELP_SAYS))}
    return tuple(
        Grid(
            DIMENSIONS[d].label, f"By {DIMENSIONS[d].within}", (DIMENSIONS[d].label, *heads),
            (row(shared.everybody), *(row(r) for r in rows), *beside.get(d, ((), ()))[0]),
            beside.get(d, ((), (note,)))[1], whole=shared.everybody.label,
        )
        for d, rows in shared.tables.items()
    )  # fmt: skip


def filters_in_words(panel: Panel, filters: Mapping[str, Sequence[str]]) -> str:
    """What a slice was asked for, in words; "None" where nothing was."""
    told = [
        f"{DIMENSIONS[d].label}: " + " or ".join(panel.says(d, None if v == NOT_HELD else v) for v in values)
        for d, values in filters.items()
        if values
    ]
    return "; ".join(told) or "None"


def slice_tables(
    opened: Opened,
    panel: Panel,
    filters: Mapping[str, Sequence[str]],
    by: Sequence[str],
    *,
    others: Others,
    before: Panel | None,
) -> list[Grid]:
    """The tables of a slice: its figures with CP and CIN apart, itself beside others, and one per dimension asked for.

    Without a filter on the plan the slice is of children on a plan; of those on Early Help, plan or none, where these
    are asked for. `before`: the panel a year before, where the person may see last year's children.
    """
    rows, then = slice_of(panel, filters)
    own = figures_by(rows, then)[None]
    parts = [
        (label, figures_by(chosen(rows, {"plan": [plan]}), chosen(then, {"plan": [plan]}))[None])
        for plan, label in (("CP plan", "CP plan"), ("CIN plan", "CIN plan"))
    ]
    held = [("All", own), *(p for p in parts if not filters.get("plan"))]
    compared = compare(panel, filters, others=others, before=before)
    found = [measures_table(held), comparison_table(own, compared, lacking(opened, compared))]
    found += [groups_table(panel, figures_by(rows, then, d), d) for d in by]
    return found


def slice_of(panel: Panel, filters: Mapping[str, Sequence[str]]) -> tuple[pa.Table, pa.Table]:
    """The children of a slice now and at the start: on a plan, unless the slice is of other statuses or Early Help."""
    beyond = filters.get("plan") or ON_HELP in filters.get("early_help", ())
    rows = panel.rows if beyond else on_plan(panel.rows)
    return chosen(rows, filters), chosen(panel.then, filters)


def compare(
    panel: Panel, filters: Mapping[str, Sequence[str]], *, others: Others, before: Panel | None
) -> list[Comparator]:
    """Everything the slice can be set beside, in order: last year, same schools, all pupils, published figures."""
    rows, _then = slice_of(panel, filters)
    found = []
    if before is not None:
        found.append(last_year(figures_by(*slice_of(before, filters))[None], before))
    found += [c for c in (same_schools(others, rows), all_others(others)) if c is not None]
    return [*found, *others.published]


def about(panel: Panel) -> str:
    """What the figures are about, in words."""

    return (
        f"Children on {day_in_words(panel.on)}. Attendance, suspensions, exclusions and moves from "
        f"{day_in_words(panel.start)}; joined and left since {day_in_words(panel.since)}."
    )


def regular_book(opened: Opened, period: Period, panel_of: Callable[[Period], Panel]) -> Book:
    """The workbook of a half term (the breakdown), or of a month or term (performance by locality and team).

    `panel_of` makes the panel of a period, or has it.
    """
    held = panel_of(period)
    grids: tuple[Grid, ...]
    if period.kind == HALF_TERM:
        title, grids = "Half-termly breakdown", half_termly(held, rolls_on(opened, period.on))
    else:
        before = earlier(opened, period)
        grids = performance(held, panel_of(before) if before is not None else None)
        title = "Monthly performance" if period.kind == MONTH else "Termly performance"
    return book(opened, title, grids, about=period.says, filters="None", mark=TRUE)


def book(
    opened: Opened,
    title: str,
    grids: Sequence[Grid],
    *,
    about: str,
    filters: str,
    mark: str,
    words: Iterable[tuple[str, str]] = WORDS,
) -> Book:
    """A workbook with its cover: mark, what it is about, filters, sources with their days, and what each word means."""
    fresh = sorted((SYSTEMS.get(system, system), day) for system, day in opened.data_to.items())
    sources = "; ".join(f"{system} to {day_in_words(day)}" for system, day in fresh)
    return Book(
        title,
        (
            ("Read this first", mark),
            ("About", about),
            ("Filters", filters),
            ("Sources, with the newest day of each", sources or NOT_KNOWN),
            ("Snapshot", opened.id),
            *words,
        ),
        tuple(grids),
    )

"""Packs for a forum: the figures of a half term that may be told, drawn, with the questions that follow from them.

Every figure is one of the answers of a month (`operations.shared`): those of the last day of the month in which the
half term ended. So a pack tells nothing that the dashboard does not tell to those who see no child, and two packs side
by side tell no more than one. Only the days of the week are added, of all children together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final

import pyarrow as pa

from sightline import charts, measures
from sightline.disclosure import HIDDEN
from sightline.operations.counts import breakdown, dashboard
from sightline.operations.counts.breakdown import HALF_TERM, Period
from sightline.operations.counts.dashboard import DIMENSIONS, OUT_OF_AGE, OUT_OF_LOCALITIES, on_plan, year_before
from sightline.operations.counts.dashboard_tables import TO_SHARE, shared_tables
from sightline.operations.counts.shared import EARLY_HELP_SAYS, HEADS, Shared, SharedRow, shared, shared_day
from sightline.operations.counts.shared import about as about_shared
from sightline.operations.opened import Opened, Scope
from sightline.operations.sheets import Grid
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.limits import REGISTERS_SILENT
from sightline.vocabulary.packs import ALWAYS, GROUP, RISEN, WEEKDAY, WHENS, Audience, Question, questions
from sightline.vocabulary.periods import monday

HEAD: Final = {head.key: head for head in HEADS}
SCHOOL_DAYS: Final = 5
_TOGETHER = "Together: "
_REGISTERS = ("marks", "wonde")
"""The systems that send marks of attendance."""
_NAMED = 3
"""Groups put together that are named in full in a row; the names of more stand below the table."""


@dataclass(frozen=True, slots=True)
class Told:
    """What may be told of one half term: of the last day of its month, of the half term before and of the year before
    (None where the data do not reach them), and the share of sessions missed by day of the week (empty where it may not
    be told)."""

    period: Period
    now: Shared
    before: Shared | None
    year: Shared | None
    weekdays: tuple[tuple[str, float], ...]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One chart of a pack: its message, what a screen reader is told, what is drawn, and the table of its numbers."""

    message: str
    describes: str
    specification: Mapping[str, Any]
    table: Grid


@dataclass(frozen=True, slots=True)
class Asked:
    """One question with its figures put in, why it is asked of these figures, and what it rests on."""

    asks: str
    why: str
    source: str


@dataclass(frozen=True, slots=True)
class Pack:
    """One pack: for whom, of when, its charts and tables, its questions, and how fresh the data are by system."""

    audience: Audience
    told: Told
    about: str
    mark: str
    drawings: tuple[Drawing, ...]
    tables: tuple[Grid, ...]
    questions: tuple[Asked, ...]
    data_to: tuple[tuple[str, date], ...]

    @property
    def title(self) -> str:
        return f"Pack for the {self.audience.forum}: {self.told.period.label}"


def pack_periods(opened: Opened) -> list[Period]:
    """The half terms a pack can be made of, newest first; `on` is the day its figures are of: the last day of the month
    in which the half term ended or, where the data do not reach it yet, of the month before."""
    found = []
    for held in breakdown.periods(opened, HALF_TERM):
        end = _month_end(held.on)
        on = end if end <= opened.as_at else shared_day(held.on)
        if on >= held.start:
            found.append(replace(held, on=on))
    return found


def pack_period(opened: Opened, key: str | None = None) -> Period:
    """One of them by its key, else the newest. Raises BadSetting where there is none such."""
    found = pack_periods(opened)
    if not found:
        raise BadSetting("The data reach the last day of no month within a half term.")
    if key is None:
        return found[0]
    held = next((p for p in found if p.key == key), None)
    if held is None:
        raise BadSetting(
            f"There is no half term {key!r} to make a pack of. There are: {', '.join(p.key for p in found)}."
        )
    return held


def told_of(opened: Opened, scope: Scope, period: Period) -> Told:
    """What may be told of a half term, for every audience."""
    held = pack_periods(opened)
    earlier = next((p for p in held if p.start < period.start), None)
    year_ago = _month_end(year_before(period.on))
    panel = dashboard.panel(opened, scope, period.on)
    now = shared(panel)
    return Told(
        period,
        now,
        _shared_on(opened, scope, earlier.on) if earlier is not None else None,
        _shared_on(opened, scope, year_ago),
        _weekdays(opened, panel, now),
    )


def pack(opened: Opened, audience: Audience, told: Told) -> Pack:
    """The pack of a half term for one audience: no child, and no figure that may not be told, can be in it."""
    by_dimension = dict(zip(told.now.tables, shared_tables(told.now), strict=True))
    # Where no locality model is held, the town of the school stands for where the children live.
    wanted = dict.fromkeys(d if d in by_dimension else "school_town" for d in audience.tables)
    charted = [(by if by in by_dimension else "school_town", what) for by, what in audience.charts]
    drawings = [_week(told)] + [_drawn(told.now, by, what, by_dimension[by]) for by, what in charted]
    mine = [q for q in questions() if audience.key in q.audiences and (not q.by or q.by in wanted)]
    return Pack(
        audience,
        told,
        _about(opened, told),
        TO_SHARE.format(least=told.now.least),
        tuple(d for d in drawings if d is not None),
        (_over_time(told), *(_short(told.now, d, by_dimension[d]) for d in wanted)),
        tuple(a for q in mine if (a := _asked(q, told)) is not None),
        tuple(sorted(opened.data_to.items())),
    )


def _about(opened: Opened, told: Told) -> str:
    """What the figures are about; and how far registers go, where they end before the day."""
    marked = max((opened.data_to[s] for s in _REGISTERS if s in opened.data_to), default=None)
    said = about_shared(told.now)
    if marked is None or marked >= told.period.on - timedelta(days=REGISTERS_SILENT.value):
        return said
    return f"{said} Registers have been received to {day_in_words(marked)} only, so absence is of the time to then."


def _month_end(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)


def _shared_on(opened: Opened, scope: Scope, on: date) -> Shared | None:
    found = shared(dashboard.panel(opened, scope, on))
    return None if found.empty else found


def _weekdays(opened: Opened, panel: dashboard.Panel, now: Shared) -> tuple[tuple[str, float], ...]:
    """The share of sessions missed on each school day, in whole weeks since the start of the figures."""
    if now.everybody.figures["absence"] == HIDDEN:
        return ()
    opened.database.add("pack_children", pa.table({"child_id": on_plan(panel.rows)["child_id"]}))
    first = monday(panel.start + timedelta(days=6))
    after = monday(panel.on + timedelta(days=1))
    rows = measures.weekday_pattern(opened.database, start=first, end=after, within="pack_children").to_pylist()
    found = tuple((r["day"], float(r["absence_rate"])) for r in rows if r["weekday"] <= SCHOOL_DAYS)
    return found if len(found) == SCHOOL_DAYS else ()


def _week(told: Told) -> Drawing | None:
    if not told.weekdays:
        return None
    (day, most), (other, least) = _ends(told.weekdays)
    message = f"Most sessions are missed on a {day} ({most:.1f}%), fewest on a {other} ({least:.1f}%)"
    return Drawing(
        message,
        f"Bar chart of the share of sessions missed on each day of the week by all children on a plan. {message}.",
        charts.ranked(told.weekdays, x="Sessions missed (%)"),
        Grid(
            "Days of the week", "Sessions missed by day of the week", ("Day", "Sessions missed, %"), told.weekdays,
            ("Of possible sessions of all children on a plan, in whole weeks.",), sorts=False,
        ),
    )  # fmt: skip


def _drawn(now: Shared, by: str, what: str, table: Grid) -> Drawing | None:
    """A bar for everybody and for each group of which the figure may be told; None where fewer than two may."""
    groups = _groups(now, by, what)
    if len(groups) < 2:
        return None
    everybody = now.everybody.figures[what]
    bars = [*([("All", float(everybody))] if everybody != HIDDEN else []), *groups]
    head, dimension = HEAD[what], DIMENSIONS[by]
    # Groups told alone, where there are two: what is put together says little of itself.
    alone = _groups(now, by, what, alone=True)
    (high, most), (low, least) = _ends(alone if len(alone) > 1 else groups)
    message = f"{head.label}: highest for {high} ({most:.1f}%), lowest for {low} ({least:.1f}%)"
    drawn = [r for r in now.tables[by] if r.together and r.figures[what] != HIDDEN]
    hidden = sum(1 for r in now.tables[by] if not r.together and r.figures[what] == HIDDEN)
    describes = (
        f"Bar chart, by {dimension.within}: {head.label.lower()}, as a percentage. {message}. Groups put together or "
        f"hidden because of small numbers: {hidden}."
    )
    return Drawing(
        message, describes, charts.ranked(bars, x=f"{head.label} (%)"),
        Grid(
            f"{head.label} by {dimension.within}", f"{head.label} by {dimension.within}",
            (dimension.label, f"{head.label}, %"), tuple(bars), (*table.notes, *_names(drawn)), whole="All",
        ),
    )  # fmt: skip


def _groups(now: Shared, by: str, what: str, *, alone: bool = False) -> list[tuple[str, float]]:
    """Each group of which a figure may be told, with the figure: those put together too, unless `alone`. Who is not of
    school age, where no locality of the authority's is, and what is not known, is no group."""
    none = {DIMENSIONS[by].missing, *OUT_OF_AGE.values(), OUT_OF_LOCALITIES}
    return [
        (_said(row), float(value))
        for row in now.tables.get(by, ())
        if row.label not in none
        and not (alone and row.together)
        and (value := row.figures[what]) != HIDDEN
        and not isinstance(value, str)
    ]


def _said(row: SharedRow) -> str:
    """A group in words: "A, B and C together" for those put together, "A and 4 others together" for many."""
    if not row.together:
        return row.label
    parts = _parts(row.label)
    if len(parts) > _NAMED:
        return f"{parts[0]} and {len(parts) - 1} others together"
    return f"{', '.join(parts[:-1])} and {parts[-1]} together"


def _parts(label: str) -> list[str]:
    return label.removeprefix(_TOGETHER).split("; ")


def _names(rows: Sequence[SharedRow]) -> tuple[str, ...]:
    """A note for each row that stands for many groups, with all their names."""
    return tuple(
        f"{_said(r)}: {', '.join(_parts(r.label))}." for r in rows if r.together and len(_parts(r.label)) > _NAMED
    )


def _short(now: Shared, dimension: str, grid: Grid) -> Grid:
    """The table of a dimension without the rows that are hidden altogether, which are named below it."""
    held = {row.label: row for row in now.tables[dimension]}
    told = [row for row in grid.rows if any(value != HIDDEN for value in row[1:])]
    groups = [held[label] for label in (str(row[0]) for row in told) if label in held]
    hidden = [str(row[0]) for row in grid.rows if row not in told and not str(row[0]).startswith(_TOGETHER)]
    rows = tuple((_said(held[str(row[0])]) if str(row[0]) in held else row[0], *row[1:]) for row in told)
    notes = (*grid.notes, *_names(groups), *([f"Hidden altogether: {', '.join(hidden)}."] if hidden else []))
    return replace(grid, rows=rows, notes=notes)


def _ends(groups: Sequence[tuple[str, float]]) -> tuple[tuple[str, float], tuple[str, float]]:
    return max(groups, key=lambda g: g[1]), min(groups, key=lambda g: g[1])


def _over_time(told: Told) -> Grid:
    """All children on a plan now, at the half term before and a year before, and those on Early Help and no plan now: a
    row per figure."""
    columns = [(day_in_words(told.now.on), told.now.everybody)]
    columns += [(day_in_words(held.on), held.everybody) for held in (told.before, told.year) if held is not None]
    columns.append((f"Early Help, {day_in_words(told.now.on)}", told.now.early_help))
    return Grid(
        "Over time", "All children on a plan, how it was before, and Early Help beside them",
        ("", *(label for label, _ in columns)),
        tuple(
            (f"{h.label}, %" if h.percent else h.label, *(row.figures[h.key] for _, row in columns))
            for h in HEADS
        ),
        ("Absence, suspensions and moves are counted from the start of the school year to each day, so compare a day "
         "with the same day of the year before.", EARLY_HELP_SAYS), sorts=False,
    )  # fmt: skip


def _asked(question: Question, told: Told) -> Asked | None:
    """The question with its figures, where these call for it."""
    found = _called_for(question, told)
    if found is None:
        return None
    why = WHENS[question.when] if question.when == ALWAYS else f"{WHENS[question.when]} ({question.points:g})"
    return Asked(question.asks.format(**found), f"{why}.", question.source)


def _called_for(question: Question, told: Told) -> dict[str, str] | None:
    """The figures to put into a question; None where they do not call for it, or may not be told."""
    if question.when == ALWAYS:
        return {}
    if question.when == WEEKDAY:
        if not told.weekdays:
            return None
        day, most = max(told.weekdays, key=lambda d: d[1])
        # Of the other days together: each has about as many sessions.
        others = [rate for other, rate in told.weekdays if other != day]
        return _beside(question, day, most, sum(others) / len(others))
    everybody = told.now.everybody.figures[question.measure]
    if isinstance(everybody, str):
        return None
    if question.when == GROUP:
        groups = _groups(told.now, question.by, question.measure, alone=True)
        if len(groups) < 2:
            return None
        group, most = max(groups, key=lambda g: g[1])
        return _beside(question, group, most, everybody)
    then = told.year.everybody.figures[question.measure] if told.year is not None else HIDDEN
    if isinstance(then, str):
        return None
    rise = everybody - then if question.when == RISEN else then - everybody
    return {"value": f"{everybody:.1f}", "then": f"{then:.1f}"} if rise >= question.points else None


def _beside(question: Question, group: str, value: float, everybody: float) -> dict[str, str] | None:
    if value - everybody < question.points:
        return None
    return {"group": group, "value": f"{value:.1f}", "all": f"{everybody:.1f}"}


def as_json(made: Pack) -> dict[str, Any]:
    """The pack as plain values: what the page says, in its order."""

    def table(grid: Grid) -> dict[str, Any]:
        return {"title": grid.title, "heads": grid.heads, "rows": grid.rows, "notes": grid.notes}

    return {
        "title": made.title,
        "audience": made.audience.key,
        "period": made.told.period.key,
        "figures_of": made.told.now.on,
        "about": made.about,
        "mark": made.mark,
        "charts": [{"message": d.message, **table(d.table)} for d in made.drawings],
        "tables": [table(grid) for grid in made.tables],
        "questions": [{"asks": q.asks, "why": q.why, "source": q.source} for q in made.questions],
    }

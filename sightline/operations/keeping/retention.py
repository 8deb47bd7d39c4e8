"""Clocks that run out: who leaves views tonight, whose records are due for removal, and the record of both.

What a page shows follows from the clocks on the day it is opened, so a child leaves views at midnight whether or not
anything runs. `run_clocks`, once a night, writes down who left and why.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import pyarrow as pa

from sightline import cohort
from sightline.operations.home import Home
from sightline.operations.keeping.lawful import EVER_6, Register
from sightline.operations.keeping.removals import BACK, LEFT, PURGED, Removals
from sightline.operations.opened import Opened
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.settings import Settings

OPEN, CLOSING, NAMED, HELPED, COUNTED, OUT = (
    "open", "closing", "by name", "early help", "counted only", "out of views",
)  # fmt: skip
SAYS = {
    OPEN: "open to social care now",
    CLOSING: "closed, and shown for the days it takes to finish what was open",
    NAMED: "Ever 6, shown by name to the roles a recorded basis names",
    HELPED: "on Early Help and nothing of these: shown by name to Early Help alone, to the last day of the episode",
    COUNTED: "Ever 6, with no recorded basis that holds: counted, and shown by name to nobody",
    OUT: "every clock has run out: shown to nobody and counted nowhere",
}


@dataclass(frozen=True, slots=True)
class Clock:
    """One row per child social care knows, or who has or had Early Help: the days its clocks run out (each the first
    day without), and where the child stands on the day asked about. `state` is one of SAYS; `why` says which clock
    decided. `due` is the first day on which the records may be removed (None while the child is open to social care or
    on Early Help), and `held` whether a hold stops that."""

    child_id: str
    state: str
    why: str
    closed_on: date | None
    ever_6_until: date | None
    due: date | None
    held: bool


@dataclass(frozen=True, slots=True)
class Night:
    """What one run recorded: children who left views, who came back, and how many stand in each state."""

    on: date
    left: int
    back: int
    states: dict[str, int]
    due: int


def clock_days(opened: Opened) -> pa.Table:
    """One row per child with a clock: the days they run out (see `cohort.clocks`)."""
    return cohort.clocks(opened.database)


def ever_6_among(opened: Opened, child_ids: Collection[str], on: date) -> int:
    """How many of these children are counted as Ever 6 on a day."""
    opened.database.add("ever_6_asked", pa.table({"child_id": pa.array(sorted(child_ids), pa.string())}))
    return int(
        opened.database.one(
            "SELECT count(DISTINCT child_id) FROM counted_period SEMI JOIN ever_6_asked USING (child_id) "
            "WHERE status = ? AND start_date <= ? AND (end_date IS NULL OR end_date > ?)",
            [EVER_6, on, on],
        )
    )


def clocks_on(home: Home, opened: Opened, on: date) -> list[Clock]:
    """One row per child with a clock, in order of child: where each stands on a day."""
    register, settings = Register.of(home), opened.settings
    bases = [b for b in register.bases if b.holds(on)]
    # The longest any basis reaches back decides whether a child is shown by name to anybody at all.
    reach = max((b.months_after_plan for b in bases), default=0)
    held = register.held(on)
    return [_clock(row, on, reach, settings, held) for row in clock_days(opened).to_pylist()]


def run_clocks(home: Home, opened: Opened, *, on: date, at: datetime, by: str, dry: bool = False) -> Night:
    """Write down every child who has left views since the last run, and every one who has come back.

    A child shown by name to nobody has left; so has one whom no view counts any longer. Run twice, the second finds
    nothing to add. With `dry` nothing is written.
    """
    rows, removals = clocks_on(home, opened, on), Removals(home)
    last = removals.last()
    gone = [r for r in rows if r.state in (COUNTED, OUT)]
    there = [r for r in rows if r.state not in (COUNTED, OUT)]
    events = _events(removals, last, gone)
    back = [(r.child_id, r.why) for r in there if last.get(removals.mark(r.child_id)) in (LEFT, PURGED)]
    if not dry:
        removals.append(LEFT, events, at=at, by=by)
        removals.append(BACK, back, at=at, by=by)
    states = {state: sum(r.state == state for r in rows) for state in SAYS}
    return Night(on, len(events), len(back), states, len(list(due(rows, on))))


def due(rows: Iterable[Clock], on: date) -> Iterator[Clock]:
    """The children whose records may be removed on a day: every clock run out, and no hold."""
    return (r for r in rows if r.due is not None and r.due <= on and not r.held)


def months_before(day: date, months: int) -> date:
    """The same day so many months earlier, or the last day of a month that is too short for it."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 0, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    raise ValueError("No such day.")


def _events(removals: Removals, last: dict[str, str], gone: list[Clock]) -> list[tuple[str, str]]:
    return [(r.child_id, r.why) for r in gone if last.get(removals.mark(r.child_id)) not in (LEFT, PURGED)]


def _clock(row: dict[str, Any], on: date, reach: int, settings: Settings, held: frozenset[str]) -> Clock:
    closed, ended, until = row["closed_on"], row["plan_ended"], row["ever_6_until"]
    helped_to, on_help = row["help_ended"], row["helped"] and (row["help_ended"] is None or on < row["help_ended"])
    open_to_care = row["known"] and (closed is None or on < closed)
    closing = timedelta(days=settings.closing_days)
    named = ended is not None and ended > months_before(on, reach) and reach > 0
    if open_to_care:
        state, why = OPEN, "open to social care"
    elif closed is not None and on < closed + closing:
        state, why = CLOSING, f"closed on {day_in_words(closed)}, shown for {settings.closing_days} days more"
    elif until is not None and on < until and named:
        state, why = NAMED, "a recorded basis holds"
    elif on_help:
        state, why = HELPED, "on Early Help"
    elif until is not None and on < until:
        state, why = COUNTED, "no recorded basis holds for an ended plan"
    elif until is not None:
        state, why = OUT, f"the look-back ended on {day_in_words(until)}"
    elif closed is not None:
        state, why = OUT, f"closed on {day_in_words(closed)}, and never on a plan"
    else:
        state, why = OUT, f"Early Help ended on {day_in_words(helped_to)}, and social care never knew the child"
    last = None
    if not (row["known"] and closed is None) and not (row["helped"] and helped_to is None):
        ends = (closed + closing if closed else None, until, helped_to)
        last = max(day for day in ends if day is not None) + timedelta(days=settings.purge_days)
    return Clock(row["child_id"], state, why, closed, until, last, row["child_id"] in held)

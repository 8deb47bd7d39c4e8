"""Charts in one grammar (Vega-Lite): specified here, drawn in the browser, always beside a table."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import altair as alt

from sightline import charts as grammar
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.periods import monday
from sightline.vocabulary.settings import Settings
from sightline.web.colour import PALETTE
from sightline.web.work.drawing import Drawn

FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"
INK, GRID = "#0b0c0c", "#b1b4b6"


@dataclass(frozen=True, slots=True)
class Week:
    """One week of attendance: sessions in half days; no possible session means nothing is known of the week."""

    week: date
    possible: int
    authorised: int
    unauthorised: int

    @property
    def rate(self) -> float | None:
        """Attendance as a percentage of possible sessions."""
        if not self.possible:
            return None
        return 100.0 * (self.possible - self.authorised - self.unauthorised) / self.possible


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing and what stands beside it: the message, what a screen reader is told, and the rows drawn."""

    message: str
    describes: str
    specification: str
    weeks: tuple[Week, ...]


def weeks_of(rows: Iterable[Mapping[str, Any]], start: date, end: date) -> tuple[Week, ...]:
    """One week for each Monday from `start` until `end`: rows of a week are added up, missing weeks are empty."""
    held: dict[date, list[int]] = {}
    for row in rows:
        sums = held.setdefault(row["week"], [0, 0, 0])
        for place, name in enumerate(("possible", "authorised", "unauthorised")):
            sums[place] += row[name] or 0
    first, weeks = monday(start), []
    while first < end:
        weeks.append(Week(first, *held.get(first, [0, 0, 0])))
        first += timedelta(weeks=1)
    return tuple(weeks)


def attendance(weeks: Sequence[Week], *, whose: str, settings: Settings) -> Chart | None:
    """Attendance by week as a line with gaps where no session was possible, beside the highest of `crossing_percents`.

    The message compares the weeks that the settings compare (`drift_recent_weeks`, `drift_before_weeks`), as the week's
    list does. None when there is no week to draw.
    """
    known = [w for w in weeks if w.rate is not None]
    if not known:
        return None
    threshold = max(settings.crossing_percents)
    return Chart(
        message=_message(known, whose, settings.drift_recent_weeks, settings.drift_before_weeks),
        describes=_describes(weeks, known, threshold),
        specification=_specification(weeks, known, threshold),
        weeks=tuple(weeks),
    )


def _rate(weeks: Sequence[Week]) -> float | None:
    together = Week(
        weeks[0].week,
        sum(w.possible for w in weeks),
        sum(w.authorised for w in weeks),
        sum(w.unauthorised for w in weeks),
    )
    return together.rate


def _message(known: Sequence[Week], whose: str, latest: int, earlier: int) -> str:
    recent, before = known[-latest:], known[-latest - earlier : -latest]
    now = _rate(recent)
    stretch = "week" if len(recent) == 1 else f"{_word(len(recent))} weeks"
    said = f"Attendance of {whose} was {now:.1f}% in the last {stretch} with sessions"
    then = _rate(before) if before else None
    if now is None or then is None:
        return said
    gap = now - then
    weeks = "week" if len(before) == 1 else f"{_word(len(before))} weeks"
    if abs(gap) < 0.05:
        return f"{said}, the same as in the {weeks} before"
    return f"{said}, {abs(gap):.1f} points {'higher' if gap > 0 else 'lower'} than in the {weeks} before"


def _word(number: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    return words[number] if number < len(words) else str(number)


def _describes(weeks: Sequence[Week], known: Sequence[Week], threshold: float) -> str:
    low, high = min(known, key=lambda w: w.rate or 0), max(known, key=lambda w: w.rate or 0)
    below = sum(1 for w in known if (w.rate or 0) < threshold)
    first, last, worst, best = (day_in_words(w.week) for w in (known[0], known[-1], low, high))
    return (
        f"Line chart of attendance as a percentage of possible sessions, for {len(known)} weeks from {first} to "
        f"{last}. "
        f"Lowest {low.rate:.1f}% in the week of {worst}, highest {high.rate:.1f}% in the week of {best}. "
        f"{below} of these weeks were below {threshold:g}%. "
        f"{len(weeks) - len(known)} weeks without sessions are gaps in the line."
    )


@cache
def _template() -> dict[str, Any]:
    """The drawing without its numbers. Built and checked once: at each request only data and limits are put in."""
    weeks, known, limit = (alt.NamedData(name=name) for name in ("weeks", "known", "limit"))
    across = alt.X(
        "week:T",
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(title=None, format="%-d %b", labelAngle=0, labelOverlap=True, grid=False, tickCount=8),
    )
    up = alt.Y(
        "rate:Q",
        scale=alt.Scale(domain=[0, 100], zero=False, nice=False),
        axis=alt.Axis(title="Attendance (% of possible sessions)", tickCount=6),
    )
    rule = alt.Chart(limit).mark_rule(color=PALETTE[2], strokeDash=[6, 4], strokeWidth=2).encode(y=up)
    label = (
        alt.Chart(limit)
        .mark_text(color=PALETTE[2], align="left", baseline="middle", dx=8, fontSize=14)
        .encode(x=across, y=up, text="says:N")
    )
    line = (
        alt.Chart(weeks)
        .mark_line(color=PALETTE[0], strokeWidth=3, invalid="break-paths-show-domains")
        .encode(x=across, y=up)
    )
    points = alt.Chart(known).mark_point(color=PALETTE[0], filled=True, size=36, opacity=1).encode(x=across, y=up)
    chart = (
        alt.layer(rule, label, line, points)
        .properties(width=720, height=260, background="#ffffff", padding=5)
        .configure(font=FONT, aria=False)
        .configure_axis(
            labelFontSize=14, titleFontSize=14, labelColor=INK, titleColor=INK, gridColor=GRID, titleFontWeight="normal"
        )
        .configure_view(stroke=None)
    )
    return dict(chart.to_dict())


def _specification(weeks: Sequence[Week], known: Sequence[Week], threshold: float) -> str:
    values = [{"week": w.week.isoformat(), "rate": None if w.rate is None else round(w.rate, 2)} for w in weeks]
    lowest = min((w.rate or 0) for w in known)
    # The axis starts at the ten below what is drawn, with room under a point that lies on it.
    floor = max(0, 10 * int(min(lowest, threshold) // 10) - (10 if lowest % 10 < 2 else 0))
    held = copy.deepcopy(_template())
    held["datasets"] = {
        "weeks": values,
        "known": [v for v in values if v["rate"] is not None],
        "limit": [{"rate": threshold, "week": weeks[-1].week.isoformat(), "says": f"{threshold:g}%"}],
    }
    for layer in held["layer"]:
        layer["encoding"]["y"]["scale"]["domain"] = [floor, 100]
    return json.dumps(held, separators=(",", ":"))


OF_A_GROUP = 6
"""Children a group has for the message to be about it."""
LONGEST = 25
"""Bars that can be read in one drawing; the table has every row."""


def ranked(groups: Sequence[tuple[str, float | None, int]], *, measure: str, by: str, within: str) -> Drawn | None:
    """A percentage of each group as bars, in the order given: (group, percentage or None, children). `within` is `by`
    as it stands within a sentence.

    A group without a percentage has no bar and says so in the table. None where fewer than two groups have one.
    """
    known = [(name, value) for name, value, _ in groups if value is not None]
    if len(known) < 2:
        return None
    # One child alone is soon the highest or the lowest: the message is about groups, where there are two.
    large = [(name, value) for name, value, n in groups if value is not None and n >= OF_A_GROUP]
    told = large if len(large) > 1 else known
    low, high = (end(told, key=lambda g: g[1]) for end in (min, max))
    # Said where a bar of few children stands beside those that the message is about.
    of_them = f"of groups of {OF_A_GROUP} children or more" if len(told) < len(known) else ""
    if round(low[1], 1) == round(high[1], 1):
        every = f"of {OF_A_GROUP} children or more" if of_them else "with a figure"
        message = f"{measure} is {high[1]:.1f}% in every group by {within} {every}"
    else:
        message = f"{measure} is highest for {high[0]} ({high[1]:.1f}%) and lowest for {low[0]} ({low[1]:.1f}%)"
        message += f", {of_them}" if of_them else ""
    drawn = known[:LONGEST]
    describes = (
        f"Bar chart of {measure.lower()} as a percentage, for {len(drawn)} groups by {within}. "
        f"Highest {high[1]:.1f}% for {high[0]}, lowest {low[1]:.1f}% for {low[0]}{', ' + of_them if of_them else ''}. "
        f"Groups without a figure, which have no bar: {len(groups) - len(known)}."
    )
    specification = grammar.ranked(drawn, x=f"{measure} (%)")
    rows = tuple((name, f"{n:,}", "" if v is None else f"{v:.1f}%") for name, v, n in groups)
    text = json.dumps(specification, separators=(",", ":"))
    return Drawn(message, describes, text, (by, "Children", measure), rows)

"""The strings of marks of a Common Transfer File as weeks, and weeks as such strings.

A string holds one character per session from its first day on, two to a day. Whether its days are all seven of the week
or school days only is not said in the file: a string is read with weekends in it unless that would put pupils in school
on Saturdays and Sundays. Codes of two characters (C1, J1, Y5) do not fit: a character that is no code of its day is
told, and is no mark.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from sightline.vocabulary.attendance import NO_MARK, SLOTS, pack, slot_day, unpack
from sightline.vocabulary.periods import monday

WEEKDAYS, EVERY_DAY = 5, 7
_PRESENT = frozenset("/\\LlPpVvWw")
# What senders write where nobody took a register, or a day is none of school.
_BLANKS = " _*.-"


@dataclass(slots=True)
class Marks:
    """The weeks of one string: ten or fourteen packed marks by Monday; and the characters that are no code then."""

    weeks: dict[date, str] = field(default_factory=dict)
    unknown: Counter[str] = field(default_factory=Counter)
    every_day: bool = True


def weeks_of(text: str, start: date) -> Marks:
    """The weeks a string of marks fills. Weeks without a single mark are left out."""
    every_day = not _in_school_at_weekends(text, start)
    made = Marks(every_day=every_day)
    slots: dict[date, list[str]] = {}
    for day, half, mark in _sessions(text, start, EVERY_DAY if every_day else WEEKDAYS):
        closed = mark == "#" and day.weekday() >= WEEKDAYS
        packed = NO_MARK if mark in _BLANKS or closed else pack(mark, day)
        if packed is None:
            made.unknown[mark] += 1
        elif packed != NO_MARK:
            week = slots.setdefault(monday(day), [NO_MARK] * 14)
            week[2 * day.weekday() + half] = packed
    for first, marks in slots.items():
        weekend = any(mark != NO_MARK for mark in marks[SLOTS:])
        made.weeks[first] = "".join(marks if weekend else marks[:SLOTS])
    return made


def _sessions(text: str, start: date, days: int) -> Iterator[tuple[date, int, str]]:
    day = start
    for place in range(0, len(text), 2):
        while days == WEEKDAYS and day.weekday() >= WEEKDAYS:
            day += timedelta(days=1)
        for half, mark in enumerate(text[place : place + 2]):
            yield day, half, mark
        day += timedelta(days=1)


def _in_school_at_weekends(text: str, start: date) -> bool:
    """Whether reading the string with all seven days would have the pupil present at weekends about as often as not."""
    weekend = weekday = weekends = weekdays = 0
    for day, _, mark in _sessions(text, start, EVERY_DAY):
        present = mark in _PRESENT
        if day.weekday() >= WEEKDAYS:
            weekend, weekends = weekend + present, weekends + 1
        else:
            weekday, weekdays = weekday + present, weekdays + 1
    return bool(weekends and weekdays) and weekend > 0 and 2 * weekend * weekdays >= weekday * weekends


def string_of(weeks: Mapping[date, str]) -> tuple[date, str]:
    """The first day and the string of marks of some weeks, every day of the week in it.

    Codes of two characters are written as no mark, which is all a string can say of them.
    """
    first, last = min(weeks), max(weeks)
    parts: list[str] = []
    week = first
    while week <= last:
        parts.append("".join(_letters(weeks.get(week, ""), week)))
        week += timedelta(days=7)
    return first, "".join(parts).rstrip("-") or "-"


def _letters(marks: str, week: date) -> Iterable[str]:
    for slot in range(14):
        code = unpack(marks[slot]) if slot < len(marks) else ""
        # Weekends are planned closures, so that no reader takes the string for one of school days only.
        weekend = slot_day(week, slot).weekday() >= WEEKDAYS
        yield code if len(code) == 1 else "#" if weekend and not code else "-"

"""Attendance marks: one character per session, ten to a week, and what each counts as on its day.

The code list `attendance` holds every code, current and past, with its statistical class and one packed character for
all time, so that a week is a short string. A code's class depends on the day (an interview was attendance until
18 August 2024 and is absence since): never count a mark without its date.

Slots run Monday morning, Monday afternoon, ... Friday afternoon; a week with a weekend session has fourteen.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import astuple, dataclass
from datetime import date, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from sightline.vocabulary.codes import Code, code_list

if TYPE_CHECKING:
    import pyarrow as pa

NO_MARK: Final = "."
SLOTS: Final = 10
CLASSES: Final = ("attending", "approved", "authorised", "unauthorised", "not possible", "administrative")
ABSENCES: Final = ("authorised", "unauthorised")
LATE: Final = ("L", "U")  # before, and after, the register closed

# What senders write where nobody took the register. A missing mark is never an absence.
_NO_MARKS = frozenset(("", "-", NO_MARK))


@dataclass(frozen=True, slots=True)
class Counts:
    """Sessions (half days) of some marks, by what they count as. Counts of two stretches add up.

    `possible` is the denominator: attending, approved, authorised and unauthorised. `approved` and `late` are within
    it. `not_possible` holds the class of that name only: an administrative mark (Z, #) and no mark are in no count.
    """

    possible: int = 0
    authorised: int = 0
    unauthorised: int = 0
    approved: int = 0
    late: int = 0
    not_possible: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(*(mine + theirs for mine, theirs in zip(astuple(self), astuple(other), strict=True)))

    @property
    def absent(self) -> int:
        return self.authorised + self.unauthorised


@cache
def _changes() -> tuple[date, ...]:
    """The days on which any attendance code began or ended."""
    codes = code_list("attendance")
    return tuple(sorted({day for code in codes for day in (code.valid_from, code.valid_to) if day}))


@cache
def _of_span(span: int) -> Mapping[str, Code]:
    """The codes that held between two changes, by code."""
    days = _changes()
    day = days[span - 1] if span else days[0] - timedelta(days=1)
    return {code.code: code for code in code_list("attendance") if code.holds_on(day)}


@cache
def _packed_of_span(span: int) -> Mapping[str, Code]:
    return {code.more["packed"]: code for code in _of_span(span).values()}


@cache
def _alphabet() -> Mapping[str, str]:
    return {code.more["packed"]: code.code for code in code_list("attendance")}


def pack(code: str, day: date) -> str | None:
    """The one character that stands for a mark; `NO_MARK` for a blank or "-"; None when no such code held that day."""
    text = code.strip().upper()
    if text in _NO_MARKS:
        return NO_MARK
    found = _of_span(bisect_right(_changes(), day)).get(text)
    return found.more["packed"] if found else None


def unpack(packed: str) -> str:
    """The code a packed character stands for; empty for no mark. Raises ValueError for any other character."""
    if packed == NO_MARK:
        return ""
    try:
        return _alphabet()[packed]
    except KeyError:
        raise ValueError("This is not a packed attendance mark.") from None


def slot_day(week: date, slot: int) -> date:
    """The day of a slot counted from 0 (even slots are mornings) in the week that begins on Monday `week`."""
    return week + timedelta(days=slot // 2)


def counts(marks: str, week: date) -> Counts:
    """What a week's packed marks count as. The slow, obvious twin of the engine's arithmetic.

    `week` is the Monday. A character that packs no code of that day counts as nothing; one that packs no code of any
    day raises ValueError. Source: DfE, pupil absence statistics methodology and the regulations of 2024.
    """
    total = Counts()
    for slot, mark in enumerate(marks):
        if mark == NO_MARK:
            continue
        if mark not in _alphabet():
            raise ValueError("The marks hold a character that is not a packed attendance mark.")
        found = _packed_of_span(bisect_right(_changes(), slot_day(week, slot))).get(mark)
        if found is None:
            continue
        klass = found.more["class"]
        total += Counts(
            possible=int(found.more["possible"] == "yes"),
            authorised=int(klass == "authorised"),
            unauthorised=int(klass == "unauthorised"),
            approved=int(klass == "approved"),
            late=int(found.code in LATE),
            not_possible=int(klass == "not possible"),
        )
    return total


def packed_in_class(klass: str, on: date) -> str:
    """The packed characters of one statistical class on a day, in file order. Raises KeyError for an unknown class."""
    if klass not in CLASSES:
        raise KeyError(f"No class {klass!r}. There are: {', '.join(CLASSES)}.")
    codes = _of_span(bisect_right(_changes(), on)).values()
    return "".join(code.more["packed"] for code in codes if code.more["class"] == klass)


def mark_codes() -> pa.Table:
    """One row per attendance code and span of days, for joins in SQL.

    Columns code, packed, class and meaning (text), possible (true or false), valid_from and valid_to (dates,
    closed-open, null when unbounded).
    """
    import pyarrow as pa

    rows: list[dict[str, Any]] = [
        {
            "code": code.code,
            "packed": code.more["packed"],
            "class": code.more["class"],
            "possible": code.more["possible"] == "yes",
            "valid_from": code.valid_from,
            "valid_to": code.valid_to,
            "meaning": code.meaning,
        }
        for code in code_list("attendance")
    ]
    text, day = pa.string(), pa.date32()
    kinds = (text, text, text, pa.bool_(), day, day, text)
    schema = pa.schema(list(zip(rows[0], kinds, strict=True)))
    return pa.Table.from_pylist(rows, schema=schema)

"""One child's attendance by session: a calendar of code letters, what they mean, and when sessions are missed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.counts.breakdown import HALF_TERM, Period, periods
from sightline.operations.lists import child_story as told
from sightline.vocabulary.attendance import ABSENCES, SLOTS, slot_day, unpack
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.periods import academic_year, statistical_term, year_label
from sightline.vocabulary.tables import Sensitivity
from sightline.web import facts
from sightline.web.authz.door import open_child
from sightline.web.pages.child import own_school, tabs_of, with_rate
from sightline.web.pages.child_story import runs_on
from sightline.web.pages.cohort import name_of, reader
from sightline.web.people.models import Child

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_FRIDAY = timedelta(days=4)
MOST_CORRECTED = 100
# What a mark's cell is drawn as: never by colour alone, since the letter stands in it.
DRAWN = {
    "unauthorised": "unauthorised",
    "authorised": "authorised",
    "not possible": "closed",
    "administrative": "closed",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """One session: its code ("" where there is no mark), its meaning on its day, and the class it counts as."""

    code: str
    meaning: str
    counts_as: str
    possible: bool

    @property
    def drawn(self) -> str:
        return DRAWN.get(self.counts_as, "present" if self.code else "none")


@dataclass(slots=True)
class Pattern:
    """Sessions of one morning or afternoon of the week: how many were possible and missed."""

    possible: int = 0
    missed: int = 0
    unauthorised: int = 0

    @property
    def rate(self) -> float | None:
        """Absence as a percentage of possible sessions."""
        return 100.0 * self.missed / self.possible if self.possible else None


@dataclass(frozen=True, slots=True)
class Week:
    """One school's register of one week."""

    week: date
    school: str
    marks: tuple[Mark, ...]
    rate: float | None


@dataclass(frozen=True, slots=True)
class Term:
    """The weeks of one term, the newest first, and the sessions of each half day of the week in it."""

    name: str
    weeks: tuple[Week, ...]
    patterns: tuple[Pattern, ...] = field(default=())


@lru_cache(maxsize=4096)
def mark_of(packed: str, day: date) -> Mark:
    """A packed mark in words, as its code stood on the day. Raises ValueError for what is no packed mark."""
    code = unpack(packed)
    if not code:
        return Mark("", "No mark", "no mark", False)
    held = [c for c in code_list("attendance") if c.code == code]
    on_day = next((c for c in held if c.holds_on(day)), None)
    if on_day is None:
        return Mark(code, f"{held[0].meaning}, a code not in use on this day", "not counted", False)
    return Mark(code, on_day.meaning, on_day.more["class"], on_day.more["possible"] == "yes")


def week_of(row: dict[str, Any]) -> Week:
    marks = tuple(mark_of(packed, slot_day(row["week"], slot)) for slot, packed in enumerate(row["marks"] or ""))
    return Week(row["week"], row["school_name"] or row["urn"] or "School not known", marks, with_rate(row)["rate"])


def terms_of(rows: list[dict[str, Any]]) -> tuple[Term, ...]:
    """The weeks, newest first, by term: a week belongs to the term of its Monday."""
    named = groupby(rows, key=lambda r: (academic_year(r["week"]), statistical_term(r["week"]).split()[0]))
    return tuple(
        Term(f"{term.capitalize()} term {year_label(year)}", weeks, patterns_of(weeks))
        for (year, term), together in named
        if (weeks := tuple(week_of(row) for row in together))
    )


def patterns_of(weeks: tuple[Week, ...]) -> tuple[Pattern, ...]:
    """One pattern for each morning and afternoon of the week, Monday morning first."""
    patterns = [Pattern() for _ in range(slots_of(weeks))]
    for week in weeks:
        for slot, mark in enumerate(week.marks):
            if mark.possible:
                # A mark beyond these slots would be a weekend's without a code, which is never possible.
                patterns[slot].possible += 1
                patterns[slot].missed += mark.counts_as in ABSENCES
                patterns[slot].unauthorised += mark.counts_as == "unauthorised"
    return tuple(patterns)


@dataclass(frozen=True, slots=True)
class HalfTerm:
    """One half term of the child: half days possible, missed, and of them without authority, over all registers."""

    name: str
    possible: int
    missed: int
    unauthorised: int

    @property
    def rate(self) -> float | None:
        """Attendance as a percentage of possible sessions."""
        return 100.0 * (self.possible - self.missed) / self.possible if self.possible else None


def half_terms_of(rows: list[dict[str, Any]], periods: list[Period]) -> list[HalfTerm]:
    """One row per half term with a register's week, the newest first. A week belongs to the half term in which its
    Friday lies."""
    found = []
    for period in periods:
        mine = [r for r in rows if period.start <= r["week"] + _FRIDAY and r["week"] <= period.on]
        if mine:
            possible, authorised, unauthorised = (
                sum(r[name] or 0 for r in mine) for name in ("possible", "authorised", "unauthorised")
            )
            found.append(HalfTerm(period.label, possible, authorised + unauthorised, unauthorised))
    return found


def with_codes(row: dict[str, Any]) -> dict[str, Any]:
    """A corrected mark with both codes in words, as they stood on its day."""
    return {**row, **{f"{side}_says": _says(row[side], row["day"]) for side in ("was", "now")}}


def _says(code: str, day: date) -> str:
    if not code:
        return "No mark"
    held = [c for c in code_list("attendance") if c.code == code]
    named = next((c for c in held if c.holds_on(day)), held[0] if held else None)
    return f"{code}: {named.meaning}" if named is not None else code


def slots_of(weeks: tuple[Week, ...]) -> int:
    """Sessions of a week to draw: those of Monday to Friday, and of the weekend where any is marked."""
    longer = (len(week.marks) for week in weeks if any(mark.code for mark in week.marks[SLOTS:]))
    return max((length + length % 2 for length in longer), default=SLOTS)


def legend_of(terms: tuple[Term, ...]) -> list[Mark]:
    """Each code that stands in the calendar, in the order of the code list."""
    place = {code.code: n for n, code in reversed(list(enumerate(code_list("attendance"))))}
    found = {mark for term in terms for week in term.weeks for mark in week.marks if mark.code}
    return sorted(found, key=lambda m: (place[m.code], m.meaning))


def view(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    child = open_child(request, public_id)
    held = facts.of(request)
    if held is None:
        raise RuntimeError("A child is visible although no snapshot is held.")
    found = held.child(child)
    seen = reader(held.access)
    _, weeks, _, _ = own_school(found, held)
    may_read = held.access.reads(Sensitivity.EDUCATION)
    terms = terms_of(weeks) if may_read else ()
    context = {
        "facts": held,
        "tabs": tabs_of(request, child),
        "name": seen(Sensitivity.IDENTITY, name_of(found.person)),
        "may_read": may_read,
        "terms": terms,
        "days": DAYS,
        "schools": {week.school for term in terms for week in term.weeks},
        "legend": legend_of(terms),
        "only_own_school": held.access.schools is not None,
        **(_beside(held, child, weeks) if may_read else {}),
    }
    return render(request, "child/attendance.html", context)


def _beside(held: facts.Facts, child: Child, weeks: list[dict[str, Any]]) -> dict[str, Any]:
    """What stands beside the marks: half terms, part-time timetables, and marks that a later file corrected."""
    schools = held.access.schools
    timetables = told.part_time_of(held.opened, held.scope, child.child_id, schools)
    corrected = told.corrected_marks(held.opened, held.scope, child.child_id, schools)
    return {
        "half_terms": half_terms_of(weeks, periods(held.opened, HALF_TERM)),
        "timetables": [{**r, "runs": runs_on(r, held.on)} for r in timetables],
        "part_time_weeks": {
            r["week"] for r in weeks for t in timetables if runs_on(t, r["week"]) or runs_on(t, r["week"] + _FRIDAY)
        },
        "corrected": [with_codes(r) for r in corrected[:MOST_CORRECTED]],
        "corrected_in_all": len(corrected),
    }

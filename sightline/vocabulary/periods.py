"""Periods: academic years, weeks, statistical terms, bank holidays and a school calendar.

An academic year is named by its first calendar year and runs 1 August to 31 July. Every span is closed-open.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache, cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from sightline.vocabulary.codes import code_list
from sightline.vocabulary.errors import BadSetting, NothingHeld
from sightline.vocabulary.limits import SCHOOL_YEAR, TRAINING_DAYS

if TYPE_CHECKING:
    import pyarrow as pa

ONE_DAY: Final = timedelta(days=1)
ONE_WEEK: Final = timedelta(days=7)
FRIDAY: Final = 4


def academic_year(day: date) -> int:
    """The first calendar year of the academic year a day falls in (1 August to 31 July, as DfE statistics cut it)."""
    return day.year if day.month >= 8 else day.year - 1


def year_start(year: int) -> date:
    """The first day of an academic year; `year_start(year + 1)` is its first day out."""
    return date(year, 8, 1)


def year_label(year: int) -> str:
    """The academic year as people write it: 2024 is "2024/25"."""
    return f"{year}/{(year + 1) % 100:02d}"


def monday(day: date) -> date:
    """The Monday of the week a day falls in."""
    return day - timedelta(days=day.weekday())


@cache
def easter(year: int) -> date:
    """Easter Sunday of a calendar year in the Gregorian calendar.

    The computus of Meeus, Jones and Butcher; the letters are theirs.
    """
    a = year % 19
    b, c = divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    l = (32 + 2 * e + 2 * i - h - k) % 7  # noqa: E741
    m = (a + 11 * h + 19 * l) // 433
    month = (h + l - 7 * m + 90) // 25
    return date(year, month, (h + l - 7 * m + 33 * month + 19) % 32)


def _monday_on_or_after(day: date) -> date:
    return day + timedelta(days=-day.weekday() % 7)


def _late_may_monday(year: int) -> date:
    return monday(date(year, 5, 31))


# Proclaimed days: the usual rule does not give them. Source: GOV.UK, bank holidays in England and Wales.
_MOVED: Final[Mapping[date, date]] = {
    date(2012, 5, 28): date(2012, 6, 4),
    date(2020, 5, 4): date(2020, 5, 8),
    date(2022, 5, 30): date(2022, 6, 2),
}
_PROCLAIMED: Final[Mapping[date, str]] = {
    date(2011, 4, 29): "Royal wedding",
    date(2012, 6, 5): "Diamond Jubilee",
    date(2022, 6, 3): "Platinum Jubilee",
    date(2022, 9, 19): "State funeral of Queen Elizabeth II",
    date(2023, 5, 8): "Coronation of King Charles III",
}


@cache
def bank_holidays(year: int) -> Mapping[date, str]:
    """The bank holidays of England in a calendar year, by day, substitutes and proclaimed days included.

    Source: Banking and Financial Dealings Act 1971 and GOV.UK, bank holidays in England and Wales.
    """
    sunday = easter(year)
    usual = {
        sunday - 2 * ONE_DAY: "Good Friday",
        sunday + ONE_DAY: "Easter Monday",
        _monday_on_or_after(date(year, 5, 1)): "Early May bank holiday",
        _late_may_monday(year): "Spring bank holiday",
        monday(date(year, 8, 31)): "Summer bank holiday",
    }
    found = {_MOVED.get(day, day): says for day, says in usual.items()}
    fixed = [
        (date(year, 1, 1), "New Year's Day"),
        (date(year, 12, 25), "Christmas Day"),
        (date(year, 12, 26), "Boxing Day"),
    ]
    # A day on a weekday keeps it; one on a weekend moves to the next day that is free.
    for day, says in sorted(fixed, key=lambda holiday: holiday[0].weekday() > FRIDAY):
        held = day
        while held.weekday() > FRIDAY or held in found:
            held += ONE_DAY
        found[held] = says
    found.update({day: says for day, says in _PROCLAIMED.items() if day.year == year})
    return dict(sorted(found.items()))


def term_span(year: int, term: str) -> tuple[date, date]:
    """The first day, and first day out, of a statistical term of an academic year.

    Terms: "autumn" (1 August to 31 December), "spring" (1 January to Easter Sunday), "summer 1" (Easter Monday to the
    Sunday before the spring bank holiday), "summer 2" (from there to 31 July) and "summer" (both). The boundary of
    the two is the last Monday of May, also where a jubilee moved the holiday itself. Source: DfE, pupil absence
    statistics methodology. Raises KeyError for another name.
    """
    new_year, easter_monday = date(year + 1, 1, 1), easter(year + 1) + ONE_DAY
    half, end = _late_may_monday(year + 1), year_start(year + 1)
    spans = {
        "autumn": (year_start(year), new_year),
        "spring": (new_year, easter_monday),
        "summer": (easter_monday, end),
        "summer 1": (easter_monday, half),
        "summer 2": (half, end),
    }
    return spans[term]


def statistical_term(day: date) -> str:
    """The term DfE statistics count a day in: "autumn", "spring", "summer 1" or "summer 2" (see `term_span`)."""
    year = academic_year(day)
    for term in ("autumn", "spring", "summer 1"):
        if day < term_span(year, term)[1]:
            return term
    return "summer 2"


@dataclass(frozen=True, slots=True)
class HalfTerm:
    """One half term: its name in the code list `half_term`, its first day and its first day out."""

    name: str
    start: date
    end: date

    def __post_init__(self) -> None:
        if self.name not in {code.code for code in code_list("half_term")}:
            raise BadSetting(f"{self.name!r} is not a half term; it should be autumn 1 to summer 2.")
        if self.start >= self.end:
            raise BadSetting(f"The half term {self.name} that starts on {self.start} ends before it starts.")


@dataclass(frozen=True, slots=True)
class Closure:
    """One day on which all schools of the authority, or one school, are closed within a term."""

    day: date
    says: str
    school: str = ""


@dataclass(frozen=True)
class Calendar:
    """An authority's school calendar: half terms, and the days within them on which schools are closed.

    Bank holidays need not be listed: they are closed everywhere. A question about an academic year the calendar does
    not hold raises NothingHeld, because not knowing a day is not the same as a closed school.
    """

    authority: str
    half_terms: tuple[HalfTerm, ...]
    closures: tuple[Closure, ...] = ()
    _days: dict[str, tuple[date, ...]] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ordered = tuple(sorted(self.half_terms, key=lambda term: term.start))
        for earlier, later in pairwise(ordered):
            if later.start < earlier.end:
                raise BadSetting(f"{later.name} begins on {later.start}, before {earlier.name} ends.")
        object.__setattr__(self, "half_terms", ordered)
        object.__setattr__(self, "closures", tuple(sorted(self.closures, key=lambda c: (c.day, c.school, c.says))))

    @classmethod
    def usual(cls, authority: str, years: Iterable[int]) -> Calendar:
        """The usual English pattern for some academic years: six half terms, 190 days for pupils, five for training.

        An authority's own dates are better: this is for the invented one, and for years before its dates are known.
        """
        patterns = [_usual_year(year) for year in sorted(set(years))]
        return cls(
            authority,
            tuple(term for terms, _ in patterns for term in terms),
            tuple(closure for _, closures in patterns for closure in closures),
        )

    @classmethod
    def from_tables(
        cls, term: pa.Table, closure: pa.Table, *, authority: str = "", usual_years: Iterable[int] = ()
    ) -> Calendar:
        """The calendar held in the vocabulary's tables `term` and `closure` (the same row twice counts once).

        `authority` chooses one where the tables hold several. An academic year of `usual_years` of which the tables
        hold no half term follows the usual pattern. Raises BadSetting when the choice is needed and was not made.
        """
        terms, closed = term.to_pylist(), closure.to_pylist()
        there = sorted({row["authority"] or "" for row in terms})
        chosen = authority or (there[0] if len(there) == 1 else "")
        if not chosen and len(there) > 1:
            raise BadSetting(f"The calendar holds {len(there)} authorities ({', '.join(there)}): name one.")
        halves = {
            HalfTerm(row["name"], row["start_date"], row["end_date"])
            for row in terms
            if (row["authority"] or "") == chosen
        }
        shut = {
            Closure(row["day"], row["says"] or "", row["school_ref"] or "")
            for row in closed
            if (row["authority"] or "") in ("", chosen)
        }
        missing = set(usual_years) - {academic_year(half.start) for half in halves}
        filled = cls.usual(chosen, missing)
        return cls(chosen, (*halves, *filled.half_terms), (*shut, *filled.closures))

    def to_tables(self) -> tuple[pa.Table, pa.Table]:
        """The vocabulary's tables `term` and `closure`: one row per half term, and one per closed day."""
        import pyarrow as pa

        text, day, number = pa.string(), pa.date32(), pa.int32()
        term = pa.schema(
            [("authority", text), ("name", text), ("start_date", day), ("end_date", day), ("line", number)]
        )
        closure = pa.schema([("authority", text), ("school_ref", text), ("day", day), ("says", text), ("line", number)])
        terms = [
            {"authority": self.authority, "name": t.name, "start_date": t.start, "end_date": t.end, "line": line}
            for line, t in enumerate(self.half_terms, start=1)
        ]
        closures = [
            {"authority": self.authority, "school_ref": c.school or None, "day": c.day, "says": c.says, "line": line}
            for line, c in enumerate(self.closures, start=1)
        ]
        return pa.Table.from_pylist(terms, schema=term), pa.Table.from_pylist(closures, schema=closure)

    @cached_property
    def years(self) -> tuple[int, ...]:
        """The academic years of which the calendar holds a half term."""
        return tuple(sorted({academic_year(term.start) for term in self.half_terms}))

    def half_term(self, day: date) -> HalfTerm | None:
        """The half term a day falls in (weekends within it too); None in a holiday."""
        self._must_hold(day)
        place = bisect_right(self._starts, day) - 1
        return self.half_terms[place] if place >= 0 and day < self.half_terms[place].end else None

    def is_school_day(self, day: date, school: str | None = None) -> bool:
        """Whether pupils are expected: a weekday of a half term, no bank holiday, no closure of all or of `school`."""
        self._must_hold(day)
        days = self._school_days(school or "")
        place = bisect_left(days, day)
        return place < len(days) and days[place] == day

    def school_days(self, start: date, end: date, school: str | None = None) -> tuple[date, ...]:
        """The school days from `start` to before `end`, in order."""
        if start >= end:
            return ()
        self._must_hold(start, end - ONE_DAY)
        days = self._school_days(school or "")
        return days[bisect_left(days, start) : bisect_left(days, end)]

    def school_days_between(self, start: date, end: date, school: str | None = None) -> int:
        """How many school days there are from `start` to before `end`."""
        return len(self.school_days(start, end, school))

    def weeks(self, year: int) -> tuple[date, ...]:
        """The Mondays of the weeks of an academic year that have a school day."""
        days = self.school_days(year_start(year), year_start(year + 1))
        return tuple(sorted({monday(day) for day in days}))

    @cached_property
    def _starts(self) -> tuple[date, ...]:
        return tuple(term.start for term in self.half_terms)

    def _must_hold(self, *days: date) -> None:
        held = self.years
        for day in days:
            if academic_year(day) not in held:
                known = ", ".join(year_label(year) for year in held) or "no year"
                raise NothingHeld(
                    f"The school calendar does not hold {year_label(academic_year(day))}; it holds {known}."
                )

    def _school_days(self, school: str) -> tuple[date, ...]:
        """Every school day of the calendar, for one school or (empty) for a school with no closure of its own."""
        if school not in self._days:
            shut = {closure.day for closure in self.closures if closure.school in ("", school)}
            self._days[school] = tuple(
                day for term in self.half_terms for day in _working_days(term.start, term.end) if day not in shut
            )
        return self._days[school]


def _working_days(start: date, end: date) -> list[date]:
    """Monday to Friday without bank holidays."""
    days = (start + timedelta(days=n) for n in range((end - start).days))
    return [day for day in days if day.weekday() <= FRIDAY and day not in bank_holidays(day.year)]


def _usual_easter(sunday: date) -> tuple[date, date]:
    """The first day of a usual Easter holiday and the first day after it.

    An early Easter opens the fortnight, a late one closes it, and any other lies in its middle.
    """
    if sunday < date(sunday.year, 4, 5):
        return sunday - 2 * ONE_DAY, sunday + 15 * ONE_DAY
    if sunday > date(sunday.year, 4, 18):
        return sunday - 13 * ONE_DAY, sunday + 2 * ONE_DAY
    return sunday - 6 * ONE_DAY, sunday + 8 * ONE_DAY


def _usual_year(year: int) -> tuple[tuple[HalfTerm, ...], tuple[Closure, ...]]:
    """The usual pattern of one academic year: its half terms and its training days."""
    first = date(year, 9, 1)
    if first.weekday() >= FRIDAY:
        first = _monday_on_or_after(first)
    october = _monday_on_or_after(date(year, 10, 22))
    christmas = monday(date(year, 12, 20)) + 5 * ONE_DAY  # the Saturday after the last Friday up to 22 December
    if christmas > date(year, 12, 23):
        christmas -= ONE_WEEK
    january = christmas + timedelta(days=16)
    if january in bank_holidays(year + 1):
        january += ONE_DAY
    february = _monday_on_or_after(date(year + 1, 2, 12))
    holiday, back = _usual_easter(easter(year + 1))
    may = _late_may_monday(year + 1)

    starts = (first, october + ONE_WEEK, january, february + ONE_WEEK, back, may + ONE_WEEK)
    days = [
        _working_days(start, end)
        for start, end in zip(starts, (october, christmas, february, holiday, may, date(year + 1, 8, 31)), strict=True)
    ]
    # The summer ends when teachers' days are reached.
    days[5] = days[5][: SCHOOL_YEAR.value // 2 + TRAINING_DAYS.value - sum(len(half) for half in days[:5])]
    terms = tuple(
        HalfTerm(code.code, half[0], half[-1] + ONE_DAY)
        for code, half in zip(code_list("half_term"), days, strict=True)
    )
    training = (days[0][0], days[0][1], days[1][0], days[2][0], days[5][0])
    return terms, tuple(Closure(day, "Training day") for day in training)

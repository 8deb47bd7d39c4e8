"""Registers of an invented authority: every session of every pupil, one academic year at a time.

A year is one array of packed marks (registration, week, slot). Absence comes in spells: each day a pupil who was in
school may stay away, and one who was away may come back, at rates that give every group the mean of Table 53 over a
full year. Suspensions are dealt out to the means of Table 57 and marked E, within that absence.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sightline.synthetic import shapes
from sightline.synthetic.people import NEVER, Enrolments, Numbers, People, day_number
from sightline.synthetic.schools import Schools
from sightline.vocabulary.attendance import NO_MARK, pack, packed_in_class
from sightline.vocabulary.periods import Calendar, year_start

Marks = NDArray[np.uint8]
Ints = NDArray[np.int64]
Reals = NDArray[np.float64]

_BLANK, _SHUT, _AM, _PM = (ord(c) for c in (NO_MARK, "#", "/", "\\"))
_WHOLE_DAY = 0.9  # of days with an absence, those missed morning and afternoon
_PER_DAY = (1 + _WHOLE_DAY) / 2  # sessions missed, of two, on a day with an absence
NEITHER = -1  # of no group of the tables: on a plan in another year, or looked after


@dataclass(frozen=True, slots=True)
class World:
    """Whose registers: children, schools, registrations, numbers, and which days each child was on which plan."""

    people: People
    schools: Schools
    enrolments: Enrolments
    numbers: Numbers
    plans: dict[str, Ints]  # by status: child, first day, last day
    calendar: Calendar
    until: date

    def on_plan(self, status: str, first: int, last: int) -> NDArray[np.bool_]:
        """By child: whether on this plan on any day from first to last."""
        found = np.zeros(len(self.people), dtype=np.bool_)
        rows = self.plans[status]
        found[rows[(rows[:, 1] <= last) & (rows[:, 2] >= first), 0]] = True
        return found

    def group(self, year: int) -> NDArray[np.int8]:
        """By child: place in `shapes.GROUPS`, a CP plan at any time of the year going before a CIN plan.

        Children on a plan in other years, or looked after in this one, are `NEITHER`.
        """
        first, last = day_number(year_start(year)), day_number(year_start(year + 1)) - 1
        ever = self.on_plan("CIN plan", -(10**7), 10**7) | self.on_plan("CP plan", -(10**7), 10**7)
        found = np.where(ever, NEITHER, 0).astype(np.int8)
        found[self.on_plan("looked after", first, last)] = NEITHER
        found[self.on_plan("CIN plan", first, last)] = 1
        found[self.on_plan("CP plan", first, last)] = 2
        return found


@dataclass(frozen=True, slots=True)
class Suspension:
    """One suspension or permanent exclusion of a registration; no sessions are counted of a permanent one."""

    row: int  # place in the year's `rows`
    start: int
    end: int
    sessions: int
    category: str
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Timetable:
    """One part-time timetable of a registration: mornings only, from the first day to the last.

    One that still runs on the world's last day ends at `STILL`; `planned` is the end agreed, None where there is none.
    """

    row: int  # place in the year's `rows`
    start: int
    end: int
    planned: int | None


@dataclass(slots=True)
class Year:
    """One academic year of marks: `marks[i, w, s]` is session s of week w for registration `rows[i]`."""

    year: int
    weeks: tuple[date, ...]
    rows: NDArray[np.intp]
    marks: Marks
    group: NDArray[np.int8]
    full_year: int  # sessions of a pupil on roll all year
    suspensions: list[Suspension] = field(default_factory=list)
    timetables: list[Timetable] = field(default_factory=list)

    def place(self, day: int) -> tuple[int, int]:
        """Week and morning slot of a day number. Raises KeyError for a day in no week of the year."""
        weekday = (day + 3) % 7
        for w, week in enumerate(self.weeks):
            if day_number(week) == day - weekday:
                return w, 2 * weekday
        raise KeyError("The day is in no week of this year.")


class _Frame:
    """The days of a year: where each open day lies in the array, and which slots are shut."""

    def __init__(self, calendar: Calendar, year: int, until: date) -> None:
        self.year = year
        self.weeks = tuple(w for w in calendar.weeks(year) if w <= until)
        full = calendar.school_days(year_start(year), year_start(year + 1))
        self.full_year = 2 * len(full)
        opened = [d for d in full if d <= until]
        at = {week: n for n, week in enumerate(self.weeks)}
        self.day: Ints = np.array([day_number(d) for d in opened])
        self.weekday = (self.day + 3) % 7
        self.week: Ints = np.array([at[d - timedelta(days=d.weekday())] for d in opened])
        self.slot_day: Ints = np.array([[day_number(w) + wd for wd in range(5)] for w in self.weeks])
        # A training day or bank holiday within a term; days before and after the term hold no mark.
        self.shut = np.zeros(self.slot_day.shape, dtype=np.bool_)
        for n, week in enumerate(self.weeks):
            for wd in range(5):
                day = week + timedelta(days=wd)
                self.shut[n, wd] = day <= until and day not in opened and calendar.half_term(day) is not None

    def put(self, marks: Marks, row: int, sessions: Ints, code: int) -> None:
        """Mark these sessions (counted over the open days of the year, two a day) of one row."""
        days = sessions // 2
        marks[row, self.week[days], 2 * self.weekday[days] + sessions % 2] = code

    def code(self, text: str) -> int:
        packed = pack(text, date(self.year, 9, 1))
        if packed is None:
            raise ValueError(f"The attendance code {text} did not hold in {self.year}.")
        return ord(packed)


def invent_year(world: World, year: int, random: np.random.Generator) -> Year:
    """The marks and suspensions of one academic year, to the last day of the world."""
    frame = _Frame(world.calendar, year, world.until)
    rows = np.flatnonzero((world.enrolments.start <= frame.day[-1]) & (world.enrolments.end >= frame.day[0]))
    e = world.enrolments.taken(rows)
    marks = np.full((len(rows), len(frame.weeks), 10), _BLANK, dtype=np.uint8)
    made = Year(year, frame.weeks, rows, marks, world.group(year)[e.person], frame.full_year)
    maker = _Maker(world, frame, e, made, random)
    excluded, provided = maker.permanent_exclusions()
    taken = maker.suspensions() + maker.holidays() + maker.part_time() + excluded
    maker.ordinary_days(taken)
    maker.trips()
    for row, sessions, code in taken + provided:
        frame.put(marks, row, sessions, code)
    maker.shared_and_nursery()
    maker.closures()
    maker.unresolved()
    maker.still_part_time()
    maker.outside()
    return made


STILL: Final = 10**6  # the last day of a timetable that still runs
# Of the pupils on a plan, which are on a part-time timetable on the last day: the third and every fifth after.
_STILL_FROM, _STILL_EVERY = 2, 5
# Open days since it began, and days from the world's last day to the end agreed.
_STILL_RUN: Final = ((14, 20), (19, None), (36, 12), (30, -15))

_Taken = list[tuple[int, Ints, int]]


class _Maker:
    """The steps that fill one year's array, in the order `invent_year` takes them."""

    def __init__(self, world: World, frame: _Frame, e: Enrolments, made: Year, random: np.random.Generator) -> None:
        self.world, self.frame, self.e, self.made, self.random = world, frame, e, made, random
        self.marks, self.group = made.marks, made.group
        people = world.people
        self.grade = frame.year - 5 - people.cohort[e.person]
        self.girl = people.girl[e.person]
        self.first = np.searchsorted(frame.day, e.start)  # first open day on roll
        self.beyond = np.searchsorted(frame.day, e.end, side="right")
        self.sessions = 2 * (self.beyond - self.first)
        self.counted = ~e.subsidiary & (self.grade >= 0) & (self.sessions > 0)

    def _by_group(self, shape: object) -> Reals:
        """By row: the mean of its group and sex for a full year; the mix of sexes keeps each overall mean."""
        means = np.zeros(len(self.e))
        table = shapes.ABSENCE if shape == "absence" else shapes.SUSPENDED
        for place, name in enumerate(shapes.GROUPS):
            here = self.group == place
            overall = shapes.mean_in_year(table, name, self.frame.year)
            ratio = shapes.girls_to_boys(table, name, self.frame.year)
            share = self.girl[here & self.counted].mean() if (here & self.counted).any() else 0.5
            boys = overall / (1 - share + share * ratio)
            means[here] = np.where(self.girl[here], boys * ratio, boys)
        neither = [shapes.mean_in_year(table, name, self.frame.year) for name in shapes.GROUPS[:2]]
        means[self.group == NEITHER] = sum(neither) / 2
        return means

    def _bands(self) -> list[NDArray[np.bool_]]:
        """The rows of each group, for keeping each group's total."""
        return [self.group == place for place in (NEITHER, 0, 1, 2)]

    def suspensions(self) -> _Taken:
        """Deal out suspensions until each group's sessions reach its mean; most fall to a few older pupils."""
        random, frame = self.random, self.frame
        means = self._by_group("suspended") * self.sessions / frame.full_year
        weight = random.gamma(0.12, size=len(self.e)) * np.where(self.grade >= 7, 3.0, 0.5) * means
        weight[~self.counted | (self.sessions < 24)] = 0
        used: dict[int, set[int]] = {}
        taken: _Taken = []
        for here in self._bands():
            pool = np.flatnonzero(here & (weight > 0))
            left = float(means[here & self.counted].sum())
            left = int(left) + int(random.random() < left % 1)
            if not len(pool):
                continue
            upto = weight[pool].cumsum()
            queue: list[int] = []
            tries = 0
            while left > 0 and tries < 200 + 3 * left:
                tries += 1
                if not queue:
                    queue = pool[np.searchsorted(upto, upto[-1] * random.random(256), side="right")].tolist()
                row = queue.pop()
                long = min(left, int(random.choice((1, 2, 2, 3, 4, 4, 5, 6, 8, 10))))
                at = int(random.integers(2 * self.first[row], 2 * self.beyond[row] - long + 1))
                sessions = np.arange(at, at + long)
                days = {int(s) // 2 for s in sessions}
                # Two suspensions never touch, and none runs into a permanent exclusion.
                near = days | {min(days) - 1, max(days) + 1}
                if near & used.get(row, set()) or frame.day[max(days)] >= self.e.excluded[row]:
                    continue
                used.setdefault(row, set()).update(days)
                left -= long
                lunch = long == 1 and random.random() < 0.2
                self._record(
                    row, int(frame.day[min(days)]), int(frame.day[max(days)]), long, "LNCH" if lunch else "SUSP"
                )
                if not lunch:  # after a lunchtime exclusion the pupil is back in the afternoon
                    taken.append((row, sessions, frame.code("E")))
        return taken

    def _record(self, row: int, start: int, end: int, sessions: int, category: str) -> None:
        codes = list(shapes.SUSPENSION_REASON)
        chances = np.array(list(shapes.SUSPENSION_REASON.values()))
        count = 1 + int(self.random.random() < 0.12)
        drawn = self.random.choice(len(codes), size=count, replace=False, p=chances / chances.sum())
        if self.frame.year < 2020:
            # Weapons and social media had no code of their own before 2020/21, and one reason was given.
            reasons = tuple(codes[i] if codes[i] not in ("OW", "MT") else "OT" for i in drawn[:1])
        else:
            reasons = tuple(codes[i] for i in drawn)
        self.made.suspensions.append(Suspension(row, start, end, sessions, category, reasons))

    def holidays(self) -> _Taken:
        """A week away in term for three households in a hundred; most are not granted."""
        random, frame = self.random, self.frame
        homes = int(self.world.people.household.max()) + 1
        goes = random.random(homes) < 0.03
        when = random.integers(0, max(len(frame.day) - 5, 1), size=homes)
        granted = random.random(homes) < 0.2
        household = self.world.people.household[self.e.person]
        taken: _Taken = []
        for row in np.flatnonzero(goes[household] & self.counted):
            start = int(when[household[row]])
            if self.first[row] <= start and start + 5 <= self.beyond[row]:
                late = frame.year >= 2024
                code = ("C" if late else "H") if granted[household[row]] else "G"
                taken.append((int(row), np.arange(2 * start, 2 * start + 10), frame.code(code)))
        return taken

    def part_time(self) -> _Taken:
        """Six weeks of mornings only for a few pupils, mostly on a plan: C, and C2 since August 2024."""
        random, frame = self.random, self.frame
        share = np.where(self.group >= 1, 0.025, 0.0015) * (self.sessions / frame.full_year)
        chosen = self.counted & (random.random(len(self.e)) < share)
        # However small the authority, somebody is on a part-time timetable.
        if not chosen.any():
            chosen[np.flatnonzero(self.counted & (self.group >= 0) & (self.sessions >= 60))[:1]] = True
        code = frame.code("C2" if frame.year >= 2024 else "C")
        taken: _Taken = []
        for row in np.flatnonzero(chosen & (self.sessions >= 60)):
            start = int(random.integers(self.first[row], self.beyond[row] - 29))
            taken.append((int(row), 2 * np.arange(start, start + 30) + 1, code))
            first, last = int(frame.day[start]), int(frame.day[start + 29])
            self.made.timetables.append(Timetable(int(row), first, last, last))
        return taken

    def still_part_time(self) -> None:
        """Mornings only to the world's last day for some pupils on a plan: in time, without an end, long, and past it.

        Nothing is drawn, so that all other marks are as they would be without.
        """
        frame, marks = self.frame, self.marks
        days = len(frame.day)
        if frame.day[-1] + 7 < day_number(self.world.until) or days < 40:
            return
        had = {each.row for each in self.made.timetables}
        able = self.counted & (self.group >= 1) & (self.beyond == days) & (self.sessions >= 80)
        among = [int(row) for row in np.flatnonzero(able) if int(row) not in had]
        attending = [ord(c) for c in packed_in_class("attending", self.world.until)]
        code = frame.code("C2" if frame.year >= 2024 else "C")
        for n, row in enumerate(among[_STILL_FROM::_STILL_EVERY]):
            ago, ends = _STILL_RUN[n % len(_STILL_RUN)]
            after = np.arange(days - ago, days)
            week, slot = frame.week[after], 2 * frame.weekday[after] + 1
            here = np.isin(marks[row, week, slot], attending)
            if not here.any():
                continue
            marks[row, week[here], slot[here]] = code
            planned = None if ends is None else day_number(self.world.until) + ends
            self.made.timetables.append(Timetable(row, int(frame.day[days - ago]), STILL, planned))

    def ordinary_days(self, taken: _Taken) -> None:
        """Mark every open day: present, late, or away in spells, at the rates that fill each group's mean."""
        random, frame, marks = self.random, self.frame, self.marks
        count, days = len(self.e), len(frame.day)
        extra = np.zeros(count)
        for row, sessions, _ in taken:
            extra[row] += len(sessions)
        # How absence changes over the year: not, rising, rising at the end of what is known, falling.
        line = np.linspace(0.4, 1.6, days)
        last = np.ones(days)
        if frame.slot_day[-1, -1] >= day_number(self.world.until):
            last[-20:] = 3.0
            last[:-20] = 0.6
        courses = np.stack([np.ones(days), line, last, line[::-1]])
        course = random.choice(4, size=count, p=(0.8, 0.08, 0.06, 0.06))
        rate, severe = self._rates(extra, courses.mean(axis=1)[course])
        course[severe] = 0
        daily = np.minimum(rate / _PER_DAY, 0.96).astype(np.float32)
        fridays = (~severe) & (random.random(count) < np.where(self.group >= 1, 0.12, 0.04)) & (daily < 0.4)
        weekday_weight = np.array([1.9, 0.4, 0.4, 0.4, 1.9], dtype=np.float32)
        back = (1 / (1.8 + 8 * daily)).astype(np.float32)
        late = np.where(random.random(count) < 0.06, 0.12, 0.006).astype(np.float32)
        unauthorised = np.clip(0.12 + 1.4 * rate + np.where(self.group >= 1, 0.12, 0.0), 0, 0.85)
        code_of_spell = np.full(count, frame.code("I"), dtype=np.uint8)
        ethnic = self.world.people.ethnicity[self.e.person]
        religious = np.isin(ethnic, [list(shapes.ETHNICITY).index(c) for c in ("APKN", "ABAN", "BAFR")])
        travels = ethnic == list(shapes.ETHNICITY).index("WROM")
        illness, other, religion, travel, medical, after, late_mark = (frame.code(c) for c in "IORTMUL")
        away = random.random(count, dtype=np.float32) < daily
        for d in range(days):
            drawn = random.random((3, count), dtype=np.float32)
            today = np.minimum(daily * courses[course, d].astype(np.float32), 0.96)
            leave = np.minimum(today * back / (1 - today), 1)
            # Where leaving is certain, coming back must be rarer for the rate to hold.
            stay = 1 - np.where(leave < 1, back, (1 - today) / today)
            chance = np.where(away, stay, leave)
            chance = np.where(fridays, np.minimum(today * weekday_weight[frame.weekday[d]], 1), chance)
            now = drawn[0] < chance
            begins = np.flatnonzero(now & ~away)
            spin = random.random(len(begins))
            code = np.where(spin < unauthorised[begins], other, illness)
            code = np.where(religious[begins] & (spin > 0.97), religion, code)
            code_of_spell[begins] = np.where(travels[begins] & (spin > 0.6), travel, code)
            away = now
            week, slot = frame.week[d], 2 * frame.weekday[d]
            morning = np.where(now, code_of_spell, np.where(drawn[1] < late, late_mark, _AM))
            afternoon = np.where(now, code_of_spell, _PM)
            part = np.flatnonzero(now & (drawn[2] > _WHOLE_DAY))
            which = random.random(len(part))
            morning[part] = np.where(which < 0.3, medical, np.where(which < 0.5, after, _AM))
            afternoon[part] = np.where(which < 0.5, _PM, np.where(which < 0.8, medical, code_of_spell[part]))
            marks[:, week, slot] = morning
            marks[:, week, slot + 1] = afternoon

    def _rates(self, extra: Reals, course: Reals) -> tuple[Reals, NDArray[np.bool_]]:
        """By row: the share of sessions missed on ordinary days, and whether absence is severe.

        Each group's rows are scaled so that ordinary absence and what was arranged (`extra`) make up the group's mean.
        """
        random, frame = self.random, self.frame
        people = len(self.world.people)
        # A child's leaning is of the child (drawn for all, so that it does not depend on the year), plus the year.
        own = np.random.Generator(np.random.PCG64(people)).gamma(1.1, 1 / 1.1, size=people)[self.e.person]
        lasting = np.random.Generator(np.random.PCG64(people + 1)).random(people)[self.e.person]
        lean = own * np.exp(0.4 * random.standard_normal(len(self.e)) - 0.08) * np.where(self.grade >= 7, 1.35, 0.75)
        share = np.choose(self.group + 1, (0.02, 0.004, 0.03, 0.05))
        severe = (lasting < share) & (self.grade >= 4)
        heavy = random.uniform(0.5, 0.9, size=len(self.e))
        wanted = self._by_group("absence") / frame.full_year
        usable = np.maximum(self.sessions - extra, 0)
        rate = np.where(severe, heavy, np.minimum(wanted * lean, 0.6))
        for here in self._bands():
            rows = here & self.counted
            mild = rows & ~severe
            if not mild.any():
                continue
            total = (wanted * self.sessions)[rows].sum() - extra[rows].sum() - (heavy * usable)[rows & severe].sum()
            for _ in range(4):  # the cap moves the sum a little, so scale again
                got = float((rate * course * usable)[mild].sum())
                scale = min(max(total / max(got, 1e-9), 0.25), 4.0)
                rate[here & ~severe] = np.minimum(rate[here & ~severe] * scale, 0.6)
        return rate, severe

    def trips(self) -> None:
        """A visit a year for each year group of each school, and a week of work experience in Year 10."""
        random, frame = self.random, self.frame
        sites = len(self.world.schools.sites)
        day = random.integers(0, len(frame.day), size=(sites, 16))[self.e.site, self.grade + 1]
        rows = np.arange(len(self.e))
        for code, start, long, who in (
            ("V", day, 1, self.grade >= 0),
            ("W", np.minimum(day + 3, len(frame.day) - 5), 5, self.grade == 10),
            ("P", (day + 9) % len(frame.day), 1, (self.grade >= 5) & (random.random(len(self.e)) < 0.02)),
        ):
            chosen = rows[who]
            for n in range(long):
                at = np.clip(start[chosen] + n, 0, len(frame.day) - 1)
                for half, present in ((0, _AM), (1, _PM)):
                    index = (chosen, frame.week[at], 2 * frame.weekday[at] + half)
                    self.marks[index] = np.where(self.marks[index] == present, frame.code(code), self.marks[index])

    def permanent_exclusions(self) -> tuple[_Taken, _Taken]:
        """E for five days, then provision arranged by the authority (B, and K since August 2024), then off roll."""
        frame, e = self.frame, self.e
        here = (e.excluded >= frame.day[0]) & (e.excluded <= frame.day[-1])
        excluded: _Taken = []
        provided: _Taken = []
        for row in map(int, np.flatnonzero(here)):
            start = int(np.searchsorted(frame.day, e.excluded[row]))
            stop = 2 * int(self.beyond[row])
            sixth_day = min(2 * start + 10, stop)
            excluded.append((row, np.arange(2 * start, sixth_day), frame.code("E")))
            provided.append((row, np.arange(sixth_day, stop), frame.code("K" if frame.year >= 2024 else "B")))
            self._record(row, int(frame.day[start]), int(frame.day[start]), 0, "PERM")
        return excluded, provided

    def shared_and_nursery(self) -> None:
        """D where a pupil is at the other school of two; X for the afternoons of nursery children."""
        frame, e = self.frame, self.e
        both = frame.code("D")
        for row in map(int, np.flatnonzero(e.subsidiary | (e.dual_from < NEVER))):
            first, last = (e.start[row], e.end[row]) if e.subsidiary[row] else (e.dual_from[row], e.dual_to[row])
            days = np.flatnonzero((frame.day >= first) & (frame.day <= last))
            # Three days at the unit, two at the school.
            away = days[(frame.weekday[days] >= 3) == bool(e.subsidiary[row])]
            frame.put(self.marks, row, np.concatenate([2 * away, 2 * away + 1]), both)
        nursery = np.flatnonzero(self.grade < 0)
        for d in range(len(frame.day)):
            self.marks[nursery, frame.week[d], 2 * frame.weekday[d] + 1] = frame.code("X")

    def closures(self) -> None:
        """One site in ten is unexpectedly shut for a day (Y, and Y4 since August 2024)."""
        frame = self.frame
        sites = len(self.world.schools.sites)
        shut = self.random.random(sites) < 0.1
        shut[0] = True
        day = self.random.integers(0, len(frame.day), size=sites)
        code = frame.code("Y4" if frame.year >= 2024 else "Y")
        rows = np.flatnonzero(shut[self.e.site])
        at = day[self.e.site[rows]]
        for half in (0, 1):
            self.marks[rows, frame.week[at], 2 * frame.weekday[at] + half] = code

    def unresolved(self) -> None:
        """In the last five school days known, most absences without a reason are still N."""
        frame = self.frame
        if frame.slot_day[-1, -1] < day_number(self.world.until):
            return
        other, unknown = frame.code("O"), frame.code("N")
        for d in range(max(len(frame.day) - 5, 0), len(frame.day)):
            for half in (0, 1):
                slot = self.marks[:, frame.week[d], 2 * frame.weekday[d] + half]
                slot[(slot == other) & (self.random.random(len(slot)) < 0.7)] = unknown

    def outside(self) -> None:
        """Shut days (#), and no mark on days a registration does not cover."""
        frame, e = self.frame, self.e
        for week, wd in zip(*np.nonzero(frame.shut), strict=True):
            self.marks[:, week, 2 * wd : 2 * wd + 2] = _SHUT
        partly = np.flatnonzero((e.start > frame.slot_day[0, 0]) | (e.end < frame.slot_day[-1, -1]))
        day = frame.slot_day.repeat(2, axis=1)[None]
        off = (day < e.start[partly, None, None]) | (day > e.end[partly, None, None])
        part = self.marks[partly]
        part[off] = _BLANK
        self.marks[partly] = part

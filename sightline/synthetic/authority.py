"""An authority invented whole: its schools, children, care and registers, and the files it would send."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from sightline.sources.base import Reading
from sightline.synthetic.care import Care, children_outside_schools, choose_children, invent_care, plan_days
from sightline.synthetic.care_tables import CareSystem
from sightline.synthetic.faults import Truth, plan_care_faults, plan_school_faults
from sightline.synthetic.people import day_number, invent_enrolments, invent_numbers, invent_pupils
from sightline.synthetic.registers import World, Year, invent_year
from sightline.synthetic.school_tables import SchoolSystems
from sightline.synthetic.schools import AUTHORITY, invent_schools
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import ONE_DAY, Calendar, academic_year, year_start

FEWEST, MOST = 200, 120_000
UNTIL = date(2024, 11, 22)


@dataclass(frozen=True, slots=True)
class Written:
    """One file written: where (below the folder written to), its kind, and the rows invented for it by table.

    `path` is what is to be received: a file in an archive is named with its archive's path in front of it.
    """

    path: str
    kind: str
    rows: dict[str, int]


@dataclass(slots=True)
class Invented:
    """An invented authority: what is so (`world`, `care`), what its systems hold of it, and the truth about both.

    `files` is filled when it is written out.
    """

    pupils: int
    seed: int
    until: date
    first_year: int
    last_year: int
    world: World
    care: Care
    care_system: CareSystem
    schools_system: SchoolSystems
    truth: Truth
    files: list[Written] = field(default_factory=list)

    @property
    def years(self) -> range:
        """The academic years invented; the last is the one the last day is in, once a school has opened in it."""
        return range(self.first_year, self.last_year + 1)

    def random(self, part: int, *more: int) -> np.random.Generator:
        """A generator of this part's own, so that no part's numbers depend on how many another drew."""
        return _random(self.seed, part, *more)

    def year(self, year: int) -> Year:
        """One academic year of registers. The same each time it is asked for."""
        return invent_year(self.world, year, self.random(8, year))


def _random(seed: int, part: int, *more: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, part, *more])))


def invent(pupils: int, seed: int, *, until: date = UNTIL, years: int = 6) -> Invented:
    """Invent an authority of about `pupils` pupils on roll, for some academic years up to a day.

    The same arguments give the same authority. Care history begins on the 1 April before the first year. Raises
    BadSetting unless there are 200 to 120,000 pupils, and two to ten years.
    """
    if not FEWEST <= pupils <= MOST:
        raise BadSetting(f"An invented authority has {FEWEST} to {MOST:,} pupils.")
    if not 2 <= years <= 10:
        raise BadSetting("An invented authority has two to ten academic years.")
    if seed < 0:
        raise BadSetting("A seed is a whole number from 0.")
    last_year = academic_year(until)
    if not Calendar.usual(AUTHORITY, [last_year]).school_days(year_start(last_year), until + ONE_DAY):
        last_year -= 1  # no school has opened yet
    first_year = last_year - years + 1
    window = (day_number(date(first_year - 1, 4, 1)), day_number(until))
    schools = invent_schools(pupils, first_year=first_year, last_year=last_year, random=_random(seed, 1))
    people = invent_pupils(pupils, first_year=first_year, last_year=last_year, until=until, random=_random(seed, 2))
    on_plan, assessed, referred = choose_children(people, pupils=pupils, window=window, random=_random(seed, 3))
    more = children_outside_schools(people, on_plan, pupils=pupils, until=until, random=_random(seed, 4))
    on_plan = np.concatenate([on_plan, np.arange(len(people), len(people) + len(more))])
    people = people.joined(more)
    care = invent_care(people, on_plan, assessed, referred, pupils=pupils, window=window, random=_random(seed, 5))
    often = np.zeros(len(people), dtype=np.bool_)
    often[on_plan] = True
    enrolments = invent_enrolments(
        people, schools, first_year=first_year, until=until, moves_often=often, random=_random(seed, 6)
    )
    numbers = invent_numbers(people, schools, enrolments, random=_random(seed, 7))
    plans = {s: np.array(rows, dtype=np.int64).reshape(-1, 3) for s, rows in plan_days(care).items()}
    calendar = Calendar.usual(AUTHORITY, range(first_year, last_year + 1))
    world = World(people, schools, enrolments, numbers, plans, calendar, until)
    truth = Truth()
    census_days = [day_number(date(y, 3, 31)) for y in range(first_year, until.year + 1) if date(y, 3, 31) <= until]
    care_faults = plan_care_faults(
        people, care, numbers, census_days=census_days, window=window, random=_random(seed, 9)
    )
    school_faults = plan_school_faults(people, enrolments, numbers, on=day_number(until), random=_random(seed, 10))
    return Invented(
        pupils=pupils,
        seed=seed,
        until=until,
        first_year=first_year,
        last_year=last_year,
        world=world,
        care=care,
        care_system=CareSystem(people, care, numbers, care_faults, truth, _random(seed, 11)),
        schools_system=SchoolSystems(world, school_faults, truth),
        truth=truth,
    )


def invent_marks(pupils: int, years: int, seed: int, *, until: date = UNTIL) -> Iterator[tuple[int, pa.Table]]:
    """One academic year after another with its `attendance_week`: one row per pupil, school and week.

    No faults are planted in them. For measuring; memory is that of one year.
    """
    invented = invent(pupils, seed, until=until, years=years)
    for year in invented.years:
        yield year, invented.schools_system.weeks(invented.year(year))


def invent_care_tables(pupils: int, years: int, seed: int, *, until: date = UNTIL) -> dict[str, Reading]:
    """The case system's extract of the same authority as `invent_marks`, by the name of the SSD table."""
    return invent(pupils, seed, until=until, years=years).care_system.extract(until)

"""Plans as episodes: spells within academic years, months by exact days, and what each CIN census says of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sightline.synthetic.national.people import CENSUS_TO, KINDS, POST, YEARS, F, Flags, Ints, Pupils

Days = NDArray[np.datetime64]
FIRST_CENSUS, LAST_CENSUS = 2018, 2023
OVERLAPS = 0.07
"""Share of plans recorded twice over overlapping days, which would over-count days if spells were not merged."""
UNMATCHED = 0.02
"""Share of plans whose child has no pupil matching reference."""


@dataclass(frozen=True, eq=False)
class Spells:
    """One row per plan: the pupil's place among `Pupils`, the study year (4 to 5 are the years between), first and
    last day."""

    pupil: Ints
    start: Days
    end: Days


def position(day: Days) -> F:
    """Calendar months since the year nought, a part month as the share of its days that have passed."""
    month = day.astype("datetime64[M]")
    first = month.astype("datetime64[D]")
    length = ((month + 1).astype("datetime64[D]") - first).astype(int)
    return np.asarray(month.astype(int) + 1970 * 12 + (day - first).astype(int) / length)


def years_of_samples(rng: np.random.Generator, kind: Ints) -> Flags:
    """Which of the four years each pupil of the long samples has a plan in: (n, 4)."""
    found = np.zeros((len(kind), 4), dtype=bool)
    for place, spec in enumerate(KINDS):
        at = np.flatnonzero(kind == place)
        if not spec.years or not len(at):
            continue
        which = rng.choice(len(spec.years), len(at), p=[p for _, _, p in spec.years])
        for i, (before, after, _) in enumerate(spec.years):
            here = at[which == i]
            for count, first in ((before, 0), (after, 2)):
                if count == 2:
                    found[here, first] = found[here, first + 1] = True
                else:
                    found[here, first + rng.integers(0, 2, len(here))] = True
    return found


def invent(rng: np.random.Generator, pupils: Pupils) -> Spells:
    """A spell for every pupil and year with a plan, and some in the years between; fills `pupils.months`."""
    parts: list[tuple[Ints, Days, Days]] = []
    length = np.array([k.months for k in KINDS])
    for t, year in enumerate(YEARS):
        at = np.flatnonzero(pupils.plan_years[:, t])
        mean = length[pupils.kind[at], int(POST[t])]
        start, end = _within(rng, year, mean)
        pupils.months[at, t] = (position(np.minimum(end + 1, CENSUS_TO)) - position(start)).round(6)
        parts.append((at, start, end))
    busy = pupils.plan_years.sum(axis=1) >= 2
    for year in (2019, 2020):
        at = np.flatnonzero(busy & (rng.random(pupils.n) < 0.5))
        start, end = _within(rng, year, np.full(len(at), 5.0))
        parts.append((at, start, end))
    pupil = np.concatenate([p for p, _, _ in parts])
    return Spells(pupil, np.concatenate([s for _, s, _ in parts]), np.concatenate([e for _, _, e in parts]))


def _within(rng: np.random.Generator, year: int, mean: F) -> tuple[Days, Days]:
    """Spells inside one academic year (1 September on) of these mean lengths in months.

    In the last year the mean holds up to 31 March, where the data stop; some of those plans go on.
    """
    n = len(mean)
    first = np.datetime64(f"{year}-09-01")
    last_year = year == YEARS[-1]
    room = 212 if last_year else int((np.datetime64(f"{year + 1}-09-01") - first).astype(int))
    mean = mean * (1.12 if year == 2021 else 0.88 if last_year else 1.0)
    most = room / 30.4375
    share = np.clip(mean / most, 0.03, 0.93)
    days = np.clip((rng.beta(2.2 * share, 2.2 * (1 - share)) * room).astype(int), 3, room)
    offset = (rng.random(n) * (room - days + 1)).astype(int)
    goes_on = np.zeros(n, dtype=int)
    if last_year:
        late = rng.random(n) < 0.5
        offset = np.where(late, room - days, offset)
        goes_on = np.where(late, rng.integers(1, 150, n), 0)
    start = first + offset
    return start, start + days - 1 + goes_on


def census_records(rng: np.random.Generator, pupils: Pupils, spells: Spells, first: int) -> dict[str, pa.Table]:
    """What each CIN census (1 April to 31 March) says: tables by kind, one row per plan in each census it was open in.

    A plan has its end only in the census of the year in which it ended. `first` numbers the children.
    """
    plan = np.array([k.plan for k in KINDS])[pupils.kind[spells.pupil]]
    twice = np.flatnonzero((rng.random(len(plan)) < OVERLAPS) & ((spells.end - spells.start).astype(int) > 6))
    pupil = np.concatenate([spells.pupil, spells.pupil[twice]])
    # The second record lies inside the first, so that the days on a plan are the same once they are merged.
    third = (spells.end[twice] - spells.start[twice]) // 3
    start = np.concatenate([spells.start, spells.start[twice] + third])
    end = np.concatenate([spells.end, spells.end[twice]])
    plan = np.concatenate([plan, plan[twice]])
    unknown = rng.random(pupils.n) < UNMATCHED
    # The pupils whose effects are planted are all matched.
    unknown &= pupils.plan_years.sum(axis=1) < 2
    found: dict[str, pa.Table] = {}
    for census in range(FIRST_CENSUS, LAST_CENSUS + 1):
        opens, closes = np.datetime64(f"{census - 1}-04-01"), np.datetime64(f"{census}-03-31")
        for kind, names in (
            ("CIN plan", ("CINPlanStartDate", "CINPlanEndDate")),
            ("CP plan", ("CPPstartDate", "CPPendDate")),
        ):
            at = np.flatnonzero((plan == kind) & (start <= closes) & (end >= opens))
            known_end = end[at] <= closes
            who = pupil[at]
            found[f"{'cin' if kind == 'CIN plan' else 'cpp'}_{census}"] = pa.table(
                {
                    "PupilMatchingRefAnonymous": pa.array(pupils.pmr[who], pa.int64(), mask=unknown[who]),
                    "LA": pa.array(pupils.authority[who], pa.int32()),
                    "LAchildID": pa.array((first + who).astype(str)),
                    names[0]: pa.array(start[at].astype("datetime64[D]"), pa.date32()),
                    names[1]: pa.array(end[at].astype("datetime64[D]"), pa.date32(), mask=~known_end),
                }
            )
    return found

"""The children of an invented authority: who they are, who they live with, and the numbers they are known by.

Children are kept as arrays, one place per child; a day is a number (days since 1970), so that a hundred thousand
children take megabytes.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from sightline.synthetic import shapes
from sightline.synthetic.names import boys, common_first, girls, postcodes, surnames
from sightline.synthetic.schools import ALL_THROUGH, AUTHORITY, OTHER_AUTHORITY, PRIMARY, SECONDARY, SPECIAL, Schools
from sightline.vocabulary.identifiers import make_upn

EPOCH = date(1970, 1, 1)
ALWAYS = np.int32(-(10**6))  # before anything that happens
NEVER = np.int32(10**6)  # after anything that happens

Days = NDArray[np.int32]
Places = NDArray[np.int32]

# Why a child is in the authority's mind: on a school's roll, or known to social care only.
PUPIL, EARLY_YEARS, POST_16, NO_SCHOOL, UNBORN = range(5)


def day_number(day: date) -> int:
    return (day - EPOCH).days


def day_of(number: int) -> date:
    return EPOCH + timedelta(days=int(number))


@dataclass(slots=True)
class People:
    """One place per child. `cohort` is the academic year of birth: a child is in Reception five years after it."""

    cohort: Places
    birth: Days  # for an unborn child, the expected day
    girl: NDArray[np.bool_]
    forename: Places  # place in the list of the child's sex
    surname: Places
    household: Places
    postcode: Places
    kind: NDArray[np.int8]
    arrive: Days  # first day in the authority
    leave: Days  # last day in the authority
    fsm: NDArray[np.bool_]
    ethnicity: Places
    language: Places
    sen: NDArray[np.int8]  # 0 none, 1 support, 2 education, health and care plan
    sen_type: Places
    from_elsewhere: NDArray[np.bool_]  # the number was given by another authority

    def __len__(self) -> int:
        return len(self.cohort)

    def joined(self, more: People) -> People:
        return People(*(np.concatenate([getattr(self, f.name), getattr(more, f.name)]) for f in fields(self)))

    def names(self, i: int) -> tuple[str, str]:
        """Surname and forename."""
        forenames = girls() if self.girl[i] else boys()
        return surnames()[self.surname[i]], forenames[self.forename[i]]


def _choice(shares: dict[str, float], count: int, random: np.random.Generator) -> Places:
    weights = np.array(list(shares.values()))
    return random.choice(len(shares), size=count, p=weights / weights.sum()).astype(np.int32)


def invent_pupils(pupils: int, *, first_year: int, last_year: int, until: date, random: np.random.Generator) -> People:
    """Every child who is on a roll in the years invented, about `pupils` of them on any one day.

    Year groups move on each September; whoever leaves the authority is followed by somebody moving in.
    """
    per_group = round(pupils / shapes.YEAR_GROUPS_ON_ROLL)
    begin, end = day_number(date(first_year, 8, 1)), day_number(until)
    slots = np.repeat(np.arange(first_year - 18, last_year - 3), per_group).astype(np.int32)
    share_leaving = 1 - (1 - shapes.LEAVES_AUTHORITY) ** (last_year - first_year + 1)
    leaves = random.random(len(slots)) < share_leaving
    left_on = random.integers(begin + 30, end - 30, size=len(slots))
    comes = left_on[leaves] + random.integers(1, 60, size=int(leaves.sum()))
    cohort = np.concatenate([slots, slots[leaves]])
    count = len(cohort)
    arrive = np.concatenate([np.full(len(slots), ALWAYS), comes]).astype(np.int32)
    leave = np.concatenate([np.where(leaves, left_on, NEVER), np.full(len(comes), NEVER)]).astype(np.int32)
    starts = np.array([day_number(date(year, 9, 1)) for year in range(int(cohort.min()), int(cohort.max()) + 1)])
    birth = (starts[cohort - cohort.min()] + random.integers(0, 365, size=count)).astype(np.int32)
    household, birth = _households(cohort, birth, random)
    homes = int(household.max()) + 1
    home_fsm = random.random(homes) < 0.21
    home_ethnicity = _choice(shapes.ETHNICITY, homes, random)
    home_language = np.where(
        # A first language other than English is rare where the household is white British.
        (home_ethnicity == 0) & (random.random(homes) < 0.97),
        0,
        _choice(shapes.LANGUAGE, homes, random),
    )
    sen = random.choice(3, size=count, p=(0.82, 0.135, 0.045)).astype(np.int8)
    return People(
        cohort=cohort,
        birth=birth,
        girl=random.random(count) < 0.49,
        forename=common_first(count, 400, random).astype(np.int32),
        surname=common_first(homes, 3000, random).astype(np.int32)[household],
        household=household,
        postcode=random.integers(0, len(postcodes()), size=homes).astype(np.int32)[household],
        kind=np.full(count, PUPIL, dtype=np.int8),
        arrive=arrive,
        leave=leave,
        fsm=home_fsm[household],
        ethnicity=home_ethnicity[household],
        language=home_language.astype(np.int32)[household],
        sen=sen,
        sen_type=_choice(shapes.SEN_TYPE, count, random),
        from_elsewhere=arrive > begin,
    )


def _households(cohort: Places, birth: Days, random: np.random.Generator) -> tuple[Places, Days]:
    """Children grouped into households of one to four; born on one day (twins) or at least ten months apart."""
    count = len(cohort)
    sizes = random.choice((1, 2, 3, 4), size=count, p=(0.45, 0.35, 0.14, 0.06))
    raw = np.repeat(np.arange(count), sizes)[:count]
    household = np.empty(count, dtype=np.int64)
    household[random.permutation(count)] = raw
    birth = birth.copy()
    homes = count
    while True:
        order = np.lexsort((birth, household))
        home, born, year = household[order], birth[order], cohort[order]
        gap = np.where(home[1:] == home[:-1], born[1:] - born[:-1], 300)
        close = (gap > 0) & (gap < 300)
        if not close.any():
            break
        twin = np.flatnonzero(close & (year[1:] == year[:-1]) & (random.random(count - 1) < 0.5))
        birth[order[twin + 1]] = born[twin]
        # Whoever is too close to be a sibling, and is no twin, lives elsewhere; who is left is looked at again.
        close[twin] = False
        household[order[1:][close]] = homes + np.arange(int(close.sum()))
        homes += int(close.sum())
    return np.unique(household, return_inverse=True)[1].astype(np.int32), birth


@dataclass(slots=True)
class Enrolments:
    """One place per registration of a child at a site; `end` is the last day on roll."""

    person: Places
    site: Places
    start: Days
    end: Days
    subsidiary: NDArray[np.bool_]
    dual_from: Days  # days on which the child is also registered elsewhere (a main registration)
    dual_to: Days
    excluded: Days  # the day of a permanent exclusion, or NEVER

    def __len__(self) -> int:
        return len(self.person)

    def taken(self, rows: NDArray[np.intp]) -> Enrolments:
        return Enrolments(*(getattr(self, f.name)[rows] for f in fields(self)))


def invent_enrolments(
    people: People,
    schools: Schools,
    *,
    first_year: int,
    until: date,
    moves_often: NDArray[np.bool_],
    random: np.random.Generator,
) -> Enrolments:
    """Registrations that touch the years invented: nursery to sixth form, moves between schools, units beside schools.

    `moves_often` marks the children ever on a plan.
    """
    begin, end = day_number(date(first_year, 8, 1)), day_number(until)
    site, start, stop, person = _stages(people, schools, random)
    start, stop = np.maximum(start, people.arrive[person]), np.minimum(stop, people.leave[person])
    here = (start <= stop) & (start <= end) & (stop >= begin)
    rows = [site[here], start[here], stop[here], person[here]]
    for _ in range(2):  # a child may move twice
        rows = _moved(rows, people, schools, begin, end, moves_often, random)
    site, start, stop, person = rows
    count = len(site)
    enrolments = Enrolments(
        person=person.astype(np.int32),
        site=site.astype(np.int32),
        start=start.astype(np.int32),
        end=stop.astype(np.int32),
        subsidiary=np.zeros(count, dtype=np.bool_),
        dual_from=np.full(count, NEVER, dtype=np.int32),
        dual_to=np.full(count, ALWAYS, dtype=np.int32),
        excluded=np.full(count, NEVER, dtype=np.int32),
    )
    enrolments = _units(enrolments, people, schools, begin, end, moves_often, random)
    return enrolments.taken(np.lexsort((enrolments.start, enrolments.person)))


def _chosen(schools: Schools, kinds: tuple[str, ...], count: int, random: np.random.Generator) -> Places:
    among = schools.of(*kinds)
    weights = np.array([schools.sites[i].size for i in among])
    return among[random.choice(len(among), size=count, p=weights / weights.sum())]


def _september(cohort: Places, age: int) -> NDArray[np.int64]:
    """The first school day of the year in which a cohort is that many years past its birth year."""
    years = np.arange(int(cohort.min()) + age, int(cohort.max()) + age + 1)
    starts: NDArray[np.int64] = np.array([day_number(date(int(y), 9, 1)) for y in years])
    found: NDArray[np.int64] = starts[cohort - cohort.min()]
    return found


def _stages(people: People, schools: Schools, random: np.random.Generator) -> tuple[NDArray[np.int64], ...]:
    """Site, first day, last day and child of every stage of every pupil, whether or not in the years invented."""
    homes = int(people.household.max()) + 1
    primary = _chosen(schools, (PRIMARY, ALL_THROUGH), homes, random)[people.household]
    secondary = _chosen(schools, (SECONDARY,), homes, random)[people.household]
    through = np.isin(primary, schools.of(ALL_THROUGH))
    secondary = np.where(through, primary, secondary)
    special = (people.sen == 2) & (random.random(len(people)) < 0.35)
    special_site = _chosen(schools, (SPECIAL,), len(people), random)
    nursery_site = np.array([s.nursery for s in schools.sites])[primary]
    sixth_site = np.array([s.sixth_form for s in schools.sites])[secondary]
    # Rates are set so that the shares hold over all children, not only those whose school has the provision.
    nursery = (
        ~special & nursery_site & (random.random(len(people)) < shapes.NURSERY_SHARE / max(nursery_site.mean(), 0.4))
    )
    sixth = (
        ~special & sixth_site & (random.random(len(people)) < shapes.SIXTH_FORM_SHARE / max(sixth_site.mean(), 0.25))
    )
    pupil = people.kind == PUPIL
    parts = []
    for who, site, age, leaving_age in (
        (nursery, primary, 4, 5),
        (~special & ~through, primary, 5, 12),
        (~special & ~through, secondary, 12, 17),
        (~special & through, primary, 5, 17),
        (sixth, secondary, 17, 19),
        (special, special_site, 5, 17),
    ):
        chosen = np.flatnonzero(who & pupil)
        start = _september(people.cohort, age)[chosen]
        stop = _september(people.cohort, leaving_age)[chosen] - 32  # 31 July
        parts.append((site[chosen], start, stop, chosen))
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


def _moved(
    rows: list[NDArray[np.int64]],
    people: People,
    schools: Schools,
    begin: int,
    end: int,
    moves_often: NDArray[np.bool_],
    random: np.random.Generator,
) -> list[NDArray[np.int64]]:
    """The registrations with some cut in two, the second part at another school of the same kind."""
    site, start, stop, person = rows
    first, last = np.maximum(start, begin), np.minimum(stop, end)
    days = last - first
    rate = np.where(moves_often[person], shapes.CHANGES_SCHOOL_ON_PLAN, shapes.CHANGES_SCHOOL) / 2
    # A move takes place away from both ends, so that neither part is a matter of days.
    moves = (random.random(len(site)) < rate * days / 365.25) & (days > 200)
    when = first + (days * random.uniform(0.15, 0.85, size=len(site))).astype(np.int64)
    other = site.copy()
    for kinds in ((PRIMARY, ALL_THROUGH), (SECONDARY,), (SPECIAL,)):
        among = np.isin(site, schools.of(*kinds))
        other[among] = _chosen(schools, kinds, int(among.sum()), random)
    moves &= other != site
    gap = random.integers(1, 12, size=len(site))
    stop_here = np.where(moves, when, stop)
    return [
        np.concatenate([site, other[moves]]),
        np.concatenate([start, (when + gap)[moves]]),
        np.concatenate([stop_here, stop[moves]]),
        np.concatenate([person, person[moves]]),
    ]


def _units(
    enrolments: Enrolments,
    people: People,
    schools: Schools,
    begin: int,
    end: int,
    moves_often: NDArray[np.bool_],
    random: np.random.Generator,
) -> Enrolments:
    """Add permanent exclusions (a unit follows the school), and terms at a unit beside the school."""
    units = schools.of("PRU")
    senior = np.isin(enrolments.site, schools.of(SECONDARY))
    first, last = np.maximum(enrolments.start, begin), np.minimum(enrolments.end, end)
    years = (last - first) / 365.25
    room = senior & (last - first > 250)
    often = moves_often[enrolments.person]
    excluded = room & (random.random(len(enrolments)) < np.where(often, 0.006, 0.0007) * years)
    dual = room & ~excluded & (random.random(len(enrolments)) < np.where(often, 0.03, 0.002) * years)
    # At least one of each, however small the authority.
    for chosen, taken in ((excluded, dual), (dual, excluded)):
        if not chosen.any():
            spare = np.flatnonzero(room & often & ~taken)
            spare = spare if len(spare) else np.flatnonzero(room & ~taken)
            chosen[spare[:1]] = True
    when = (first + 40 + (last - first - 200) * random.random(len(enrolments))).astype(np.int32)
    enrolments.excluded[excluded] = when[excluded]
    add = []
    for chosen, subsidiary in ((excluded, False), (dual, True)):
        rows = np.flatnonzero(chosen)
        start = when[rows] + (29 if not subsidiary else 0)
        stop = np.minimum(when[rows] + 84, enrolments.end[rows]) if subsidiary else enrolments.end[rows].copy()
        if subsidiary:
            enrolments.dual_from[rows], enrolments.dual_to[rows] = start, stop
        else:
            enrolments.end[rows] = when[rows] + 28
        add.append(
            Enrolments(
                person=enrolments.person[rows],
                site=units[random.integers(len(units), size=len(rows))].astype(np.int32),
                start=start.astype(np.int32),
                end=stop.astype(np.int32),
                subsidiary=np.full(len(rows), subsidiary),
                dual_from=np.full(len(rows), NEVER, dtype=np.int32),
                dual_to=np.full(len(rows), ALWAYS, dtype=np.int32),
                excluded=np.full(len(rows), NEVER, dtype=np.int32),
            )
        )
    return Enrolments(
        *(
            np.concatenate([getattr(enrolments, f.name), *(getattr(more, f.name) for more in add)])
            for f in fields(Enrolments)
        )
    )


@dataclass(frozen=True, slots=True)
class Numbers:
    """One place per child: the UPN, an earlier one (or empty), a temporary one (or empty) and its last day."""

    upn: list[str]
    former: list[str]
    temporary: list[str]
    temporary_to: Days


def invent_numbers(people: People, schools: Schools, enrolments: Enrolments, *, random: np.random.Generator) -> Numbers:
    """UPNs, each given by the first school a child went to. Children who never went to one have none.

    Serial numbers count within a school and year; a school that gives more than 999 borrows the next number up.
    """
    count = len(people)
    first_site = np.full(count, -1, dtype=np.int64)
    # Rows are by child and day, so the last written, going backwards, is the earliest.
    first_site[enrolments.person[::-1]] = enrolments.site[::-1]
    elsewhere = people.from_elsewhere
    draws = random.integers(2000, 2400, size=count)
    serials: dict[tuple[str, str, int], int] = {}
    upns, formers, temporaries = [], [], []
    has_former = random.random(count) < 0.03
    has_temporary = random.random(count) < 0.015
    letters = random.integers(0, 23, size=count)

    def number(authority: str, establishment: str, year: int) -> str:
        while True:
            key = (authority, establishment, year)
            serials[key] = serial = serials.get(key, 0) + 1
            if serial <= 999:
                return make_upn(authority, establishment, year, serial)
            establishment = str(int(establishment) + 1)

    for i in range(count):
        if first_site[i] < 0:
            upns.append("")
            formers.append("")
            temporaries.append("")
            continue
        site = schools.sites[first_site[i]]
        year = int(people.cohort[i]) + 5
        # A secondary school did not give the number: a primary school of the same authority did.
        establishment = site.establishment if site.kind in (PRIMARY, ALL_THROUGH, SPECIAL) else str(draws[i])
        authority = OTHER_AUTHORITY if elsewhere[i] else AUTHORITY
        upn = number(authority, str(draws[i]) if elsewhere[i] else establishment, year)
        upns.append(upn)
        formers.append(number(OTHER_AUTHORITY, str(draws[i]), year) if has_former[i] else "")
        letter = "ABCDEFGHJKLMNPQRTUVWXYZ"[letters[i]]
        temporaries.append(
            make_upn(AUTHORITY, establishment, year, i % 100, temporary=letter) if has_temporary[i] else ""
        )
    # Enrolled in the years invented, a temporary number lasts for the first hundred days; otherwise it is history.
    start = np.full(count, ALWAYS, dtype=np.int32)
    start[enrolments.person[::-1]] = enrolments.start[::-1]
    return Numbers(upns, formers, temporaries, np.where(has_temporary, start + 100, ALWAYS).astype(np.int32))

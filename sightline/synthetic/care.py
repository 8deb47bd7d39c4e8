"""Social care of an invented authority: referrals, assessments, plans with their churn, and workers who leave.

What happened is kept as small records per child, with days as numbers; a last day is in, as social care systems keep
it. Lengths and chances are choices that look like an authority's (see `shapes`), not published figures.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date
from typing import SupportsInt

import numpy as np
from numpy.typing import NDArray

from sightline.synthetic import shapes
from sightline.synthetic.names import boys, girls, places, surnames
from sightline.synthetic.people import (
    ALWAYS,
    EARLY_YEARS,
    NEVER,
    NO_SCHOOL,
    POST_16,
    UNBORN,
    People,
    day_number,
)
from sightline.vocabulary.periods import academic_year

OPEN = 10**6  # the last day of what has not ended
_YEAR = 365.25
# The CIN census year that first held the codes: factors 18B and 18C, the closure reason RC9, and the factor 24A.
_ABUSE_SPLIT, _EARLY_HELP_REASON = day_number(date(2020, 4, 1)), day_number(date(2022, 4, 1))
_CRIMINAL_EXPLOITATION = day_number(date(2021, 4, 1))
_OWN_BEHAVIOUR = ("14A", "15A")


@dataclass(slots=True)
class Episode:
    """One referral and what followed from it. Days are numbers; `OPEN` is an end that has not come."""

    referral: int
    source: str
    need: str
    nothing_further: bool = False
    closure: int = OPEN
    reason: str = ""
    assessments: list[tuple[int, int, tuple[str, ...]]] = field(default_factory=list)
    enquiries: list[tuple[int, int, int]] = field(default_factory=list)  # start, target, conference (0: not required)
    cin: list[tuple[int, int]] = field(default_factory=list)
    cp: list[tuple[int, int, str, str, int]] = field(default_factory=list)  # ... categories, previous plans
    reviews: dict[int, list[int]] = field(default_factory=dict)  # by the first day of the protection plan
    looked_after: list[tuple[int, int]] = field(default_factory=list)

    @property
    def on_plan(self) -> bool:
        return bool(self.cin or self.cp)


@dataclass(frozen=True, slots=True)
class Worker:
    """One worker: place in the list of workers is the id."""

    name: str
    team: int
    starts: int
    leaves: int  # last day, or OPEN


@dataclass(frozen=True, slots=True)
class Team:
    name: str
    kind: str
    posts: tuple[tuple[int, ...], ...]  # the workers who held each post, in order


@dataclass(frozen=True, slots=True)
class Involvement:
    """One period of one worker with one child, within the referral of that place in the child's episodes."""

    episode: int
    worker: int
    role: str
    start: int
    end: int
    reason: str


@dataclass(slots=True)
class Care:
    """Everything social care did: episodes and involvements by child (place in `People`), teams and workers."""

    episodes: dict[int, list[Episode]]
    involvements: dict[int, list[Involvement]]
    teams: list[Team]
    workers: list[Worker]
    disabilities: dict[int, tuple[str, ...]]


SOCIAL_WORKER, CHAIR, FAMILY_WORKER = "Allocated Social Worker", "Independent Chair", "Family Support Worker"
ASSESSMENT, LOCALITY, DISABLED, LOOKED_AFTER, REVIEWING = (
    "assessment",
    "locality",
    "disabled children",
    "looked after",
    "reviewing",
)


def _pick(shares: dict[str, float], random: np.random.Generator) -> str:
    drawn, codes = random.random() * sum(shares.values()), list(shares)
    for code in codes:
        drawn -= shares[code]
        if drawn < 0:
            return code
    return codes[-1]


def _weekday(day: SupportsInt) -> int:
    """The day, or the Monday after a weekend (1 January 1970 was a Thursday)."""
    whole = int(day)
    weekday = (whole + 3) % 7
    return whole + (7 - weekday if weekday > 4 else 0)


def choose_children(
    people: People, *, pupils: int, window: tuple[int, int], random: np.random.Generator
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Children ever on a plan, children only assessed, and children only referred, brothers and sisters together.

    Households on free school meals are four times as likely. Chosen from children who are of an age for it, and in
    the authority, for at least a year of the window.
    """
    first, last = window
    eighteen = people.birth + round(18 * _YEAR)
    here = np.minimum(np.minimum(people.leave, eighteen), last) - np.maximum(
        np.maximum(people.arrive, people.birth), first
    )
    able = here > 365
    homes = int(people.household.max()) + 1
    home_fsm = np.zeros(homes, dtype=np.bool_)
    home_fsm[people.household] = people.fsm
    order = np.argsort(-np.log(random.random(homes)) / np.where(home_fsm, 4.0, 1.0))
    rank = np.empty(homes, dtype=np.int64)
    rank[order] = np.arange(homes)
    included = able & (random.random(len(people)) < 0.85)
    queue = np.flatnonzero(included)
    queue = queue[np.argsort(rank[people.household[queue]], kind="stable")]
    wanted = round(shapes.EVER_ON_PLAN * pupils)
    return queue[:wanted], queue[wanted : 2 * wanted], queue[2 * wanted : round(2.7 * wanted)]


def children_outside_schools(
    people: People, on_plan: NDArray[np.intp], *, pupils: int, until: date, random: np.random.Generator
) -> People:
    """More children of households on a plan: under five, sixteen and over, unborn, and on no school's roll."""
    counts = (
        (EARLY_YEARS, max(4, round(0.022 * pupils))),
        (POST_16, max(2, round(0.004 * pupils))),
        (NO_SCHOOL, max(2, round(0.003 * pupils))),
        (UNBORN, max(1, round(0.001 * pupils))),
    )
    kind = np.repeat([k for k, _ in counts], [n for _, n in counts]).astype(np.int8)
    size = len(kind)
    like = on_plan[random.integers(len(on_plan), size=size)]
    today = day_number(until)
    # Under fives are too young for school until the last day; a nursery place is not a school's roll.
    low = np.choose(kind, (0, today - 1300, today - 6570 - 1400, today - 5200, today + 20))
    high = np.choose(kind, (1, today - 120, today - 6570 - 200, today - 2600, today + 150))
    birth = random.integers(low, high).astype(np.int32)
    cohort = np.array([academic_year(date.fromordinal(int(b) + 719163 - 31)) for b in birth], dtype=np.int32)
    return People(
        cohort=cohort,
        birth=birth,
        girl=random.random(size) < 0.49,
        forename=random.integers(0, 400, size=size).astype(np.int32),
        surname=people.surname[like],
        household=people.household[like],
        postcode=people.postcode[like],
        kind=kind,
        arrive=np.full(size, ALWAYS, dtype=np.int32),
        leave=np.full(size, NEVER, dtype=np.int32),
        fsm=people.fsm[like],
        ethnicity=people.ethnicity[like],
        language=people.language[like],
        sen=np.zeros(size, dtype=np.int8),
        sen_type=people.sen_type[like],
        from_elsewhere=np.zeros(size, dtype=np.bool_),
    )


class _History:
    """Makes the episodes of one household, one after another, until the window ends."""

    def __init__(self, random: np.random.Generator, last: int) -> None:
        self.random = random
        self.last = last

    def _length(self, median: float, sigma: float, least: int) -> int:
        return max(least, int(median * np.exp(sigma * self.random.standard_normal())))

    def referral(self, day: int) -> Episode:
        return Episode(
            referral=_weekday(day),
            source=_pick(shapes.REFERRAL_SOURCE, self.random),
            need=_pick(shapes.PRIMARY_NEED, self.random),
        )

    def assess(self, episode: Episode) -> int:
        """Add the first assessment (45 working days is the limit; some take longer); returns its last day."""
        start = _weekday(episode.referral + self.random.integers(0, 4))
        end = _weekday(start + min(80, max(6, int(self.random.normal(42, 14)))))
        count = 1 + int(self.random.integers(3))
        factors = tuple(sorted({_pick(shapes.FACTOR, self.random) for _ in range(count)}))
        if self.random.random() < 0.04:
            factors = ()  # some are authorised without any
        if end < _ABUSE_SPLIT:
            factors = tuple("18A" if f == "18B" else f for f in factors)
        episode.assessments.append((start, end, factors))
        return end

    def only_referred(self, day: int) -> Episode:
        episode = self.referral(day)
        episode.nothing_further = True
        return episode

    def only_assessed(self, day: int) -> Episode:
        episode = self.referral(day)
        end = self.assess(episode)
        if self.random.random() < 0.08:
            start = _weekday(episode.referral + 2)
            episode.enquiries.append((start, _weekday(start + 21), 0))
        episode.closure = _weekday(end + self.random.integers(0, 8))
        # Until early help had a reason of its own, all were closed with no further action.
        episode.reason = "RC8" if self.random.random() < 0.6 or episode.closure < _EARLY_HELP_REASON else "RC9"
        return episode

    def planned(self, day: int, previous: int) -> Episode:
        """A referral that leads to a plan, and whatever plan follows that one, to closure."""
        random = self.random
        episode = self.referral(day)
        ready = self.assess(episode)
        if random.random() < 0.13:
            stage, at = "CP", self._conference(episode, episode.referral + int(random.integers(1, 15)))
        else:
            stage, at = "CIN", _weekday(ready + random.integers(0, 8))
        while at <= self.last and stage != "close":
            if stage == "CIN":
                stage, at = self._cin(episode, at)
            elif stage == "CP":
                stage, at = self._cp(episode, at, previous + len(episode.cp))
            else:
                end = at + self._length(430, 0.8, 20)
                episode.looked_after.append((at, end))
                stage, at = ("CIN" if random.random() < 0.3 else "close"), end + 1
        if stage == "close":
            episode.closure = _weekday(at + random.integers(0, 10))
            episode.reason = "RC4" if episode.looked_after and random.random() < 0.3 else "RC7"
        return episode

    def _conference(self, episode: Episode, day: int) -> int:
        """An enquiry that leads to an initial conference within about fifteen working days; returns its day."""
        start = _weekday(day)
        held = _weekday(start + self.random.integers(12, 24))
        episode.enquiries.append((start, _weekday(start + 21), held))
        return held

    def _cin(self, episode: Episode, start: int) -> tuple[str, int]:
        random = self.random
        end = _weekday(start + self._length(195, 0.65, 20))
        drawn = random.random()
        if drawn < 0.11:
            held = self._conference(episode, end - 16)
            episode.cin.append((start, max(start, held - 1)))
            return "CP", held
        episode.cin.append((start, end))
        if drawn < 0.14:
            return "looked after", end + 1
        if drawn < 0.19:  # a plan that begins again under the same referral
            return "CIN", _weekday(end + random.integers(20, 60))
        if drawn < 0.24:
            enquiry = _weekday(start + (end - start) * random.random())
            episode.enquiries.append((enquiry, _weekday(enquiry + 21), 0))
        return "close", end

    def _cp(self, episode: Episode, start: int, previous: int) -> tuple[str, int]:
        random = self.random
        end = _weekday(start + self._length(240, 0.5, 75))
        first = _pick(shapes.ABUSE_CATEGORY, random)
        latest = first if random.random() < 0.88 else _pick(shapes.ABUSE_CATEGORY, random)
        episode.cp.append((start, end, first, latest, previous))
        # Reviewed within three months, then within six; the last review is the one that ends the plan.
        reviews, at = [], start + int(random.integers(70, 91))
        while at < end - 30:
            reviews.append(_weekday(at))
            at += int(random.integers(150, 183))
        episode.reviews[start] = [*reviews, end]
        drawn = random.random()
        if drawn < 0.6:
            return "CIN", end + 1
        return ("looked after", end + 1) if drawn < 0.7 else ("close", end)

    def of_household(self, first: int) -> list[Episode]:
        """Episodes that lead to plans from a first day, each re-referral some months after the last closure."""
        episodes: list[Episode] = []
        at = first
        while True:
            episodes.append(self.planned(at, sum(len(e.cp) for e in episodes)))
            closed = episodes[-1].closure
            if closed >= self.last - 30 or self.random.random() > 0.36:
                return episodes
            at = closed + 20 + int(self.random.exponential(270))
            if at > self.last - 90:
                return episodes


def _within(episode: Episode, limit: int, last: int, reason: str) -> Episode | None:
    """The episode as known on the last day: nothing later than it; all closed on `limit` if that comes first.

    A child who leaves the authority, or turns eighteen, has everything closed that day for `reason`.
    """
    stop = min(limit, last)
    if episode.referral > stop:
        return None

    def ended(day: int) -> int:
        return day if day <= stop else (limit if limit <= last else OPEN)

    cut = replace(
        episode,
        assessments=[(s, ended(e), f) for s, e, f in episode.assessments if s <= stop],
        enquiries=[(s, t, c if (c or t) <= stop else -1) for s, t, c in episode.enquiries if s <= stop],
        cin=[(s, ended(e)) for s, e in episode.cin if s <= stop],
        cp=[(s, ended(e), *more) for s, e, *more in episode.cp if s <= stop],  # type: ignore[misc]
        reviews={s: [r for r in days if r <= stop] for s, days in episode.reviews.items() if s <= stop},
        looked_after=[(s, ended(e)) for s, e in episode.looked_after if s <= stop],
    )
    if not episode.nothing_further and episode.closure > stop:
        cut.closure = limit if limit <= last else OPEN
        cut.reason = reason if limit <= last else ""
    return cut


def invent_care(
    people: People,
    on_plan: NDArray[np.intp],
    assessed: NDArray[np.intp],
    referred: NDArray[np.intp],
    *,
    pupils: int,
    window: tuple[int, int],
    random: np.random.Generator,
) -> Care:
    """Everything social care did with these children between the two days of the window, and who did it."""
    first, last = window
    history = _History(random, last)
    episodes: dict[int, list[Episode]] = {}
    shared: dict[int, list[Episode]] = {}
    for i in map(int, on_plan):
        home = int(people.household[i])
        low, high = _span(people, i, first, last)
        mine: list[Episode] = []
        if home in shared and random.random() < 0.85:
            mine = [e for e in shared[home] if low <= e.referral < high]
        if not _planned(mine, people, i, first, last):
            # Early enough for the plan to begin, and from before the window for the stock open on its first day.
            start = int(random.integers(max(low, first - 230), max(high - 100, low + 1)))
            for _ in range(20):
                mine = [e for e in history.of_household(start) if e.referral < high]
                if _planned(mine, people, i, first, last):
                    break
                start = int(random.integers(low, max(high - 150, low + 1)))
            shared.setdefault(home, mine)
        episodes[i] = _known(mine, people, i, last)
        if random.random() < 0.05:
            earlier = low + int(random.integers(0, 400))
            if earlier < mine[0].referral - 120:
                episodes[i].insert(0, history.only_assessed(earlier))
    for children, make in ((assessed, history.only_assessed), (referred, history.only_referred)):
        for i in map(int, children):
            low, high = _span(people, i, first, last)
            known = _known([make(int(random.integers(low, max(high - 5, low + 1))))], people, i, last)
            if known:
                episodes[i] = known
    teams, workers = _staff(pupils, first, last, random)
    involvements = {i: _involved(e, people, i, teams, workers, last, random) for i, e in episodes.items()}
    disabilities: dict[int, tuple[str, ...]] = {
        i: (_pick(shapes.DISABILITY, random),)
        for i, mine in episodes.items()
        if any(e.need == "N2" for e in mine) or random.random() < 0.08
    }
    episodes = {i: _exploited(mine, i, int(people.birth[i])) for i, mine in episodes.items()}
    return Care(episodes, involvements, teams, workers, disabilities)


def _exploited(mine: list[Episode], i: int, born: int) -> list[Episode]:
    """The same episodes, where assessments from the twelfth birthday tell of exploitation or going missing in place of
    the child's own behaviour or self-harm. Nothing is drawn, and no assessment has more factors than before."""

    def told(start: int, end: int, factors: tuple[str, ...]) -> tuple[str, ...]:
        own = [f for f in factors if f in _OWN_BEHAVIOUR]
        if start - born < round(12 * _YEAR) or not own:
            return factors
        named = shapes.EXPLOITATION[i % len(shapes.EXPLOITATION)]
        if named == "24A" and end < _CRIMINAL_EXPLOITATION:
            named = "13A"
        return tuple(sorted({named if f == own[0] else f for f in factors}))

    return [replace(e, assessments=[(s, end, told(s, end, f)) for s, end, f in e.assessments]) for e in mine]


def _limit(people: People, i: int) -> tuple[int, str]:
    """The day on which social care ends for a child whatever happens, and the reason it is closed for."""
    eighteen = int(people.birth[i]) + round(18 * _YEAR)
    leave = int(people.leave[i])
    return (leave, "RC5") if leave < eighteen else (eighteen, "RC6")


def _span(people: People, i: int, first: int, last: int) -> tuple[int, int]:
    """The days between which a child may be referred."""
    born = int(people.birth[i]) - (150 if people.kind[i] == UNBORN else 0)
    low = max(first - 230, born, int(people.arrive[i]))
    high = min(last, _limit(people, i)[0])
    return low, max(high, low + 1)


def _known(mine: list[Episode], people: People, i: int, last: int) -> list[Episode]:
    limit, reason = _limit(people, i)
    return [cut for e in mine if (cut := _within(e, limit, last, reason))]


def _planned(mine: list[Episode], people: People, i: int, first: int, last: int) -> bool:
    """Whether these episodes put the child on a plan on any day of the window."""
    known = _known(mine, people, i, last)
    return any(plan[1] >= first for e in known for plan in e.cin) or any(
        plan[1] >= first for e in known for plan in e.cp
    )


def _staff(pupils: int, first: int, last: int, random: np.random.Generator) -> tuple[list[Team], list[Worker]]:
    """Teams with their posts, each held by one worker after another from before the window to its last day."""
    wanted = (
        (ASSESSMENT, max(1, round(pupils / 40000)), max(2, round(pupils / 1500))),
        (LOCALITY, max(2, round(pupils / 10000)), max(4, round(pupils / 500))),
        (DISABLED, 1, max(1, round(pupils / 12000))),
        (LOOKED_AFTER, 1, max(1, round(pupils / 4000))),
        (REVIEWING, 1, max(1, round(pupils / 5000))),
    )
    names = random.permutation(len(places()))
    teams: list[Team] = []
    workers: list[Worker] = []
    for kind, count, posts in wanted:
        for n in range(count):
            mine = []
            for _ in range(max(1, round(posts / count))):
                holders, at = [], first - 400 - int(random.integers(600))
                while at <= last:
                    leaves = at + max(60, int(560 * np.exp(0.7 * random.standard_normal())))
                    forenames = girls() if random.random() < 0.8 else boys()
                    name = f"{forenames[int(random.integers(400))]} {surnames()[int(random.integers(3000))]}"
                    holders.append(len(workers))
                    workers.append(Worker(name, len(teams), at, leaves if leaves <= last else OPEN))
                    at = leaves + 1 + int(random.integers(0, 12) * (random.random() < 0.4))
                mine.append(tuple(holders))
            place = places()[int(names[len(teams)])]
            says = {
                ASSESSMENT: f"Assessment Team {n + 1}",
                LOCALITY: f"{place} Family Safeguarding Team",
                DISABLED: "Disabled Children's Team",
                LOOKED_AFTER: "Children Looked After Team",
                REVIEWING: "Safeguarding and Reviewing Service",
            }[kind]
            teams.append(Team(says, kind, tuple(mine)))
    return teams, workers


def _involved(
    mine: list[Episode],
    people: People,
    i: int,
    teams: list[Team],
    workers: list[Worker],
    last: int,
    random: np.random.Generator,
) -> list[Involvement]:
    """Who was involved with one child: first the assessment team, then the plan's team; a chair beside a CP plan."""
    found: list[Involvement] = []
    home = int(people.household[i])
    by_kind = {kind: [t for t in teams if t.kind == kind] for kind in {t.kind for t in teams}}

    def post(kind: str, salt: int) -> tuple[int, ...]:
        # Brothers and sisters have one worker, so the post follows from the household and not from the child.
        among = by_kind[kind]
        team = among[(home + salt) % len(among)]
        return team.posts[(home // len(among) + salt) % len(team.posts)]

    for n, episode in enumerate(mine):
        if episode.nothing_further or not episode.assessments:
            continue
        stages = [(episode.assessments[0][0], post(ASSESSMENT, n))]
        planned = [s for s, *_ in episode.cin] + [s for s, *_ in episode.cp]
        if planned:
            stages.append((min(planned), post(DISABLED if episode.need == "N2" else LOCALITY, n)))
        if episode.looked_after:
            stages.append((episode.looked_after[0][0], post(LOOKED_AFTER, n)))
        if planned and random.random() < 0.08:  # given to another worker for reasons of its own
            stages.append((min(planned) + int(random.integers(40, 160)), post(LOCALITY, n + 1)))
        stages = sorted((stage for stage in stages if stage[0] <= last), key=lambda stage: stage[0])
        for (start, holders), (after, _) in zip(stages, [*stages[1:], (episode.closure + 1, ())], strict=True):
            end = min(after - 1, episode.closure)
            for worker in holders:
                low, high = max(start, workers[worker].starts), min(end, workers[worker].leaves)
                if low <= high and low < OPEN:
                    left = workers[worker].leaves <= end
                    found.append(Involvement(n, worker, SOCIAL_WORKER, low, high, "LEFTRL" if left else "CHCHAN"))
        for start, end, *_ in episode.cp:
            chair = post(REVIEWING, n)
            found += [
                Involvement(n, w, CHAIR, max(start, workers[w].starts), min(end, workers[w].leaves), "")
                for w in chair
                if max(start, workers[w].starts) <= min(end, workers[w].leaves)
            ]
    return found


def plan_days(care: Care) -> dict[str, list[tuple[int, int, int]]]:
    """By status, every (child, first day, last day) there was."""
    found: dict[str, list[tuple[int, int, int]]] = {"CIN plan": [], "CP plan": [], "looked after": [], "assessment": []}
    for i, mine in care.episodes.items():
        for episode in mine:
            found["CIN plan"] += [(i, s, e) for s, e in episode.cin]
            found["CP plan"] += [(i, s, e) for s, e, *_ in episode.cp]
            found["looked after"] += [(i, s, e) for s, e in episode.looked_after]
            found["assessment"] += [(i, s, e) for s, e, _ in episode.assessments]
    return found

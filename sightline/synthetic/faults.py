"""The faults planted in what an invented authority sends, each written down so that checks can be scored.

Faults of who a child is are made once, in the care system or in a school's, and show in every file that system sends.
A child bears at most one of them, so that a check that finds it has found it for its own reason.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from sightline.synthetic.care import OPEN, SOCIAL_WORKER, Care, Episode
from sightline.synthetic.names import surnames
from sightline.synthetic.people import PUPIL, UNBORN, Enrolments, Numbers, People, day_number, day_of
from sightline.vocabulary.identifiers import UPN_LETTERS, upn_fault

# Every kind of fault, with the sentence that says what was done.
KINDS = {
    "missing-upn": "the care system holds no UPN for a child of school age",
    "upn-check-letter": "the first letter of the UPN is not its check letter",
    "upn-short": "the UPN lost its last character",
    "upn-long": "the UPN has one character too many",
    "upn-mistyped": "one digit of the UPN is another digit",
    "upn-of-another": "the UPN is another child's",
    "upn-former": "the care system holds an earlier UPN as if it were today's",
    "birth-day-month-swapped": "day and month of birth are swapped",
    "birth-off-by-one": "the date of birth is a day out",
    "surname-changed": "the care system holds another surname",
    "forename-mistyped": "two letters of the first name are swapped",
    "duplicate-child": "the child has a second record under other ids, which holds the last episode",
    "old-gender-code": "the sex is an old gender code, 1 or 2",
    "stale-worker": "the worker left, and the involvement was never ended",
    "plan-not-in-census": "the plan is in the case system and not in the census",
    "plan-not-in-extract": "the plan is in the census and not in the case system's extract",
    "late-recording": "the census holds the plan open; the case system says that it had ended before",
    "category-misspelt": "the category of abuse is a misspelt word",
    "other-authority": "the protection plan is another authority's",
    "missing-census-year": "no census of this year was sent",
    "stray-text": "text stands between elements of the census file",
    "empty-wrapper": "the wrapper of assessment factors is there and empty",
    "school-sends-nothing": "the school has sent no marks this academic year",
    "school-sends-late": "the school's marks end some weeks ago",
    "mark-outside-enrolment": "a mark on a day after the pupil left",
    "two-marks": "two different marks for one session",
    "unknown-mark": "a mark that is no attendance code",
    "unresolved-too-long": "N stands for longer than five school days",
    "present-while-suspended": "marked present in a session of a suspension",
    "present-on-part-time-timetable": "marked present all day while on a part-time timetable",
    "suspension-twice": "the suspension stands in two censuses",
}

FIELDS = ("kind", "file", "system", "ref", "table", "field", "planted", "true", "child")


@dataclass(slots=True)
class Truth:
    """The list of planted faults, and who each reference of each system is."""

    faults: list[tuple[str, ...]] = field(default_factory=list)
    refs: list[pa.Table] = field(default_factory=list)

    def knows(self, system: str, children: np.ndarray, refs: pa.Array | Sequence[str]) -> None:
        """Write down that these references of a system are these children."""
        keys = pa.array([child_key(int(i)) for i in children], pa.string())
        systems = pa.array([system] * len(children), pa.string())
        columns = {"child": keys, "system": systems, "ref": pa.array(refs, pa.string())}
        self.refs.append(pa.table(columns).group_by(["child", "system", "ref"]).aggregate([]))

    def references(self) -> pa.Table:
        """One row per reference of a child in a system, however many files it stands in."""
        every = pa.concat_tables(self.refs).group_by(["child", "system", "ref"]).aggregate([])
        return every.sort_by([("child", "ascending"), ("system", "ascending"), ("ref", "ascending")])

    def add(self, kind: str, *, file: str = "", system: str = "", ref: str = "", table: str = "", name: str = "",
            planted: object = "", true: object = "", child: int | None = None) -> None:  # fmt: skip
        """Write down one fault. Raises KeyError for a kind that is not in `KINDS`."""
        KINDS[kind]
        who = "" if child is None else child_key(child)
        self.faults.append((kind, file, system, ref, table, name, str(planted), str(true), who))

    def table(self) -> pa.Table:
        """One row per planted fault."""
        rows = sorted(self.faults)
        return pa.table({name: pa.array([row[n] for row in rows], pa.string()) for n, name in enumerate(FIELDS)})


def child_key(i: int) -> str:
    """The key of a true child in the truth files."""
    return f"C{i:06d}"


@dataclass(frozen=True, slots=True)
class Change:
    """What one system holds of a child in place of the truth."""

    kind: str
    field: str
    planted: object
    true: object


@dataclass(slots=True)
class CareFaults:
    """What the care system holds that is not so. Plans are named (child, place of episode, place of plan, kind)."""

    changes: dict[int, Change] = field(default_factory=dict)
    seconds: set[int] = field(default_factory=set)
    stale: dict[int, tuple[int, list[int]]] = field(default_factory=dict)  # the involvement, and those never recorded
    not_in_census: set[tuple[int, int, int]] = field(default_factory=set)  # CIN plans
    not_in_extract: set[tuple[int, int, int]] = field(default_factory=set)
    late: set[tuple[int, int, int]] = field(default_factory=set)
    misspelt: dict[tuple[int, int, int], str] = field(default_factory=dict)  # CP plans
    other_authority: set[tuple[int, int, int]] = field(default_factory=set)


@dataclass(slots=True)
class SchoolFaults:
    """What schools hold of a pupil that is not so."""

    changes: dict[int, Change] = field(default_factory=dict)


class _Deck:
    """Candidates in a random order, each dealt once."""

    def __init__(self, children: Iterable[int], random: np.random.Generator) -> None:
        known = np.array(sorted(children), dtype=np.int64)
        self.left: list[int] = random.permutation(known).tolist()

    def deal(self, wanted: int, fits: Callable[[int], bool]) -> Iterator[int]:
        kept: list[int] = []
        dealt = 0
        while self.left and dealt < wanted:
            i = self.left.pop()
            if fits(i):
                dealt += 1
                yield i
            else:
                kept.append(i)
        self.left = kept + self.left


def _swapped(people: People, i: int) -> int | None:
    """The birth day with day and month swapped, where that is another day."""
    born = day_of(people.birth[i])
    return (
        day_number(born.replace(month=born.day, day=born.month)) if born.day <= 12 and born.day != born.month else None
    )


def _off_by_one(people: People, i: int) -> int:
    return int(people.birth[i]) + (1 if i % 2 else -1)


def wrong_letter(upn: str) -> str:
    return UPN_LETTERS[(UPN_LETTERS.index(upn[0]) + 7) % 23] + upn[1:]


def mistyped(upn: str, at: int) -> str:
    return upn[:at] + str((int(upn[at]) + 3) % 10) + upn[at + 1 :]


def _transposed(name: str) -> str:
    return name[:2] + name[3] + name[2] + name[4:] if name[2] != name[3] else name[:-2] + name[-1] + name[-2]


def plan_care_faults(
    people: People,
    care: Care,
    numbers: Numbers,
    *,
    census_days: list[int],
    window: tuple[int, int],
    random: np.random.Generator,
) -> CareFaults:
    """Choose the children and plans that are wrong in the care system. At least one of each kind, if any child fits."""
    found = CareFaults()
    children = list(care.episodes)
    deck = _Deck(children, random)
    on_roll = [i for i in children if people.kind[i] == PUPIL and numbers.upn[i]]
    total = len(on_roll)
    others = [u for u in numbers.upn if u]

    def share(rate: float) -> int:
        return max(1, round(rate * total))

    def held(i: int) -> bool:
        return people.kind[i] == PUPIL and bool(numbers.upn[i])

    def plain(i: int) -> bool:
        return bool(people.kind[i] != UNBORN)

    def change(i: int, kind: str, name: str, planted: object, true: object) -> None:
        found.changes[i] = Change(kind, name, planted, true)

    for i in deck.deal(share(0.002), lambda i: held(i) and bool(numbers.former[i])):
        change(i, "upn-former", "upn", numbers.former[i], numbers.upn[i])
    for i in deck.deal(share(0.004), lambda i: plain(i) and len(care.episodes[i]) > 1):
        found.seconds.add(i)
    for i in deck.deal(share(0.006), lambda i: plain(i) and _swapped(people, i) is not None):
        change(i, "birth-day-month-swapped", "birth_date", _swapped(people, i), int(people.birth[i]))
    for i in deck.deal(share(0.006), plain):
        change(i, "birth-off-by-one", "birth_date", _off_by_one(people, i), int(people.birth[i]))
    for kind, rate in (
        ("upn-check-letter", 0.008),
        ("upn-short", 0.003),
        ("upn-long", 0.003),
        ("upn-mistyped", 0.012),
        ("upn-of-another", 0.005),
    ):
        for i in deck.deal(share(rate), held):
            upn = numbers.upn[i]
            other = others[int(random.integers(len(others)))]
            planted = {
                "upn-check-letter": wrong_letter(upn),
                "upn-short": upn[:-1],
                "upn-long": upn + str(int(random.integers(10))),
                "upn-mistyped": mistyped(upn, 2 + int(random.integers(8))),
                "upn-of-another": other if other != upn else others[0],
            }[kind]
            if kind not in ("upn-of-another",) and upn_fault(planted) is None:
                raise ValueError("A fault planted in a UPN left it well formed.")
            change(i, kind, "upn", planted, upn)
    for i in deck.deal(share(0.02), plain):
        change(i, "surname-changed", "surname", surnames()[int(random.integers(3000))], people.names(i)[0])
    for i in deck.deal(share(0.015), plain):
        change(i, "forename-mistyped", "forename", _transposed(people.names(i)[1]), people.names(i)[1])
    for i in deck.deal(share(0.004), plain):
        change(i, "old-gender-code", "sex", "2" if people.girl[i] else "1", "F" if people.girl[i] else "M")
    for i in deck.deal(share(0.1), held):
        change(i, "missing-upn", "upn", "", numbers.upn[i])
    _plan_faults(found, care, census_days, window[1], share, random)
    _stale(found, care, share, random)
    return found


def _plan_faults(
    found: CareFaults,
    care: Care,
    census_days: list[int],
    last: int,
    share: Callable[[float], int],
    random: np.random.Generator,
) -> None:
    def plans(kind: str) -> list[tuple[tuple[int, int, int], Episode, tuple[int, int]]]:
        return [
            ((i, n, k), episode, (plan[0], plan[1]))
            for i, mine in care.episodes.items()
            if i not in found.seconds
            for n, episode in enumerate(mine)
            for k, plan in enumerate(getattr(episode, kind))
        ]

    latest = census_days[-1]
    cin = [plan for plan in plans("cin") if plan[2][0] <= latest <= last and plan[2][1] >= latest - 365]
    order = random.permutation(len(cin)).tolist()
    # Recorded late: ended in the last weeks before the census day, though the census shows it open.
    for at in list(order):
        if len(found.late) < share(0.004) and latest - 300 <= cin[at][2][1] <= latest:
            found.late.add(cin[at][0])
            order.remove(at)
    # A child bears one fault of this kind: a plan left open would hide that another is missing.
    late = {i for i, _, _ in found.late}
    order = [at for at in order if cin[at][0][0] not in late]
    wanted = share(0.004)
    found.not_in_census |= {cin[at][0] for at in order[:wanted]}
    found.not_in_extract |= {cin[at][0] for at in order[wanted : 2 * wanted]}
    cp = plans("cp")
    order = random.permutation(len(cp)).tolist()
    wanted = share(0.001)
    for at in order[:wanted]:
        key, episode, _ = cp[at]
        right = {"NEG": "Neglect", "EMO": "Emotional", "PHY": "Physical", "SAB": "Sexual", "MUL": "Multiple"}
        word = right[episode.cp[key[2]][3]]
        found.misspelt[key] = word[:3] + word[4:]
    found.other_authority |= {cp[at][0] for at in order[wanted : 2 * wanted]}


def _stale(found: CareFaults, care: Care, share: Callable[[float], int], random: np.random.Generator) -> None:
    """Workers who left while the case went on: their involvement stays open, and their successor is not recorded."""
    able: list[tuple[int, int, list[int]]] = []
    for i, mine in care.involvements.items():
        own = [n for n, each in enumerate(mine) if each.role == SOCIAL_WORKER]
        if i in found.seconds or len(own) < 2 or mine[own[-1]].end != OPEN:
            continue
        gone = own[-2]
        if care.workers[mine[gone].worker].leaves == mine[gone].end and mine[gone].episode == mine[own[-1]].episode:
            able.append((i, gone, [own[-1]]))
    for at in random.permutation(len(able))[: share(0.006)]:
        i, gone, lost = able[int(at)]
        found.stale[i] = (gone, lost)


def plan_school_faults(
    people: People, enrolments: Enrolments, numbers: Numbers, *, on: int, random: np.random.Generator
) -> SchoolFaults:
    """Choose the pupils whose school holds a wrong number or birth date, among those on roll on a day."""
    found = SchoolFaults()
    here = np.unique(enrolments.person[(enrolments.start <= on) & (enrolments.end >= on)])
    deck = _Deck(here.tolist(), random)
    for kind, rate in (("upn-check-letter", 0.001), ("upn-short", 0.0005), ("upn-long", 0.0005)):
        for i in deck.deal(max(1, round(rate * len(here))), lambda i: bool(numbers.upn[i])):
            upn = numbers.upn[i]
            planted = {"upn-check-letter": wrong_letter(upn), "upn-short": upn[:-1], "upn-long": upn + "7"}[kind]
            found.changes[i] = Change(kind, "upn", planted, upn)
    for i in deck.deal(max(1, round(0.001 * len(here))), lambda i: _swapped(people, i) is not None):
        found.changes[i] = Change("birth-day-month-swapped", "birth_date", _swapped(people, i), int(people.birth[i]))
    return found

"""The nation's invented pupils: who they are, when they are in school, and when they were on a plan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

F = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

YEARS: Final = (2017, 2018, 2021, 2022)
OFFSETS: Final = np.array([0, 1, 4, 5])
POST: Final = np.array([0.0, 0.0, 1.0, 1.0])
FIRST_AGE, LAST_AGE = 5, 15
COHORTS: Final = range(16)
"""Ages on 31 August 2017 of those who are in school in at least one of the four years."""
AGE_OF: Final = {"ks1": 6, "ks2": 10, "ks4": 15}

FULL_SIZE: Final = 10_000_000
"""Pupils at which the groups are as large as the report's."""
SEND_SHARE: Final = 0.15
ONE_SIDE: Final = 0.30
ETHNIC: Final = ("WHIT", "ASIA", "BLAC", "MIXD", "AOEG", "UNCL")
ETHNIC_SHARE: Final = (0.70, 0.11, 0.06, 0.06, 0.05, 0.02)
AUTHORITIES: Final = np.arange(101, 253)
REGIONS: Final = tuple(f"Region {letter}" for letter in "ABCDEFGHI")
CENSUS_TO: Final = np.datetime64("2023-04-01")
"""First day after the last census: 31 March 2023 is in."""


@dataclass(frozen=True)
class Kind:
    """One kind of pupil: how their plans fall, and how many there are without SEND at full size.

    `months` on a plan in a year with one (before, after); `years` with a plan before and after, with the chance of
    each; `fsm` and `idaci` levels; `absent` the share with absence data.
    """

    name: str
    plan: str
    count: int
    girls: float
    idaci: float
    fsm: tuple[float, float, float]
    months: tuple[float, float] = (0.0, 0.0)
    years: tuple[tuple[int, int, float], ...] = ()
    age: float = 0.0
    absent: float = 1.0


# Sizes: tables 54 and 58. Girls: the share at which boys, girls and all of tables 53 and 57 agree in every year.
# Months a year with a plan: solved from the averages of the nested samples in table 54.
SAMPLES: Final = (
    Kind("CIN plan in exactly 2", "CIN plan", 13_180, 0.572, 0.25, (0.725,) * 3, (3.4, 3.06), ((1, 1, 1.0),), 10.9,
         0.777),
    Kind("CIN plan in exactly 3", "CIN plan", 32_680, 0.572, 0.245, (0.623,) * 3, (4.84, 5.65),
         ((1, 2, 0.6), (2, 1, 0.4)), 11.0, 0.765),
    Kind("CIN plan in all 4", "CIN plan", 47_560, 0.572, 0.23, (0.54,) * 3, (5.6, 5.9), ((2, 2, 1.0),), 10.8, 0.925),
    Kind("CP plan in exactly 2", "CP plan", 7_170, 0.604, 0.27, (0.85,) * 3, (4.64, 1.51), ((1, 1, 1.0),), 10.1, 0.865),
    Kind("CP plan in exactly 3", "CP plan", 1_100, 0.604, 0.28, (0.85,) * 3, (3.73, 3.07),
         ((1, 2, 0.5), (2, 1, 0.5)), 10.0, 0.866),
    Kind("CP plan in all 4", "CP plan", 240, 0.604, 0.28, (0.85,) * 3, (2.8, 2.3), ((2, 2, 1.0),), 10.0, 0.866),
)  # fmt: skip
# A little below tables 61, 65 and 69: that group holds pupils on a plan in other years than the key stage's too.
NOT_ON_PLAN: Final = Kind("Not on a plan", "", 0, 0.52, 0.182, (0.165, 0.195, 0.185))
OCCASIONAL: Final = (
    Kind("CIN plan in one period", "CIN plan", 0, 0.54, 0.245, (0.56, 0.63, 0.54), (4.5, 4.5)),
    Kind("CP plan in one period", "CP plan", 0, 0.57, 0.265, (0.73, 0.79, 0.74), (4.5, 4.5)),
)
KINDS: Final = (NOT_ON_PLAN, *SAMPLES, *OCCASIONAL)


@dataclass(eq=False)
class Pupils:
    """One row per pupil; columns by year have shape (n, 4). `spells` are filled by `plans`."""

    pmr: Ints
    kind: Ints
    cohort: Ints
    girl: Flags
    send: Ints
    ethnic: Ints
    authority: Ints
    school: Ints
    month: Ints
    fsm: Flags
    idaci: F
    plan_years: Flags
    months: F
    absent: Flags
    linked: Flags

    @property
    def n(self) -> int:
        return len(self.pmr)

    @property
    def age(self) -> Ints:
        return np.asarray(self.cohort[:, None] + OFFSETS[None, :])

    @property
    def in_school(self) -> Flags:
        age = self.age
        return np.asarray((age >= FIRST_AGE) & (age <= LAST_AGE) & self.linked)

    def on(self, plan: str) -> Flags:
        """Whether each pupil was on this kind of plan in each year: (n, 4)."""
        of_kind = np.array([k.plan == plan for k in KINDS])
        return np.asarray(self.plan_years & of_kind[self.kind][:, None])


def number(first: int, n: int) -> Ints:
    """Pupil matching references: unique, and in no order that says who was made when."""
    k = np.arange(first, first + n, dtype=np.int64)
    return (k * 7_368_787 + 1_299_709) % 10_000_000_019 + 10_000_000_000


def choose_ages(rng: np.random.Generator, n: int, mean_age: float) -> Ints:
    """Ages on 31 August 2017 of pupils on plans on both sides, so that their mean age while in school is `mean_age`.

    From 0 (first seen in school in 2022/23) to 12 (seventeen by then); weights exp(slope x age), the slope solved.
    """
    ages = np.arange(13)
    at = ages[:, None] + OFFSETS
    here = (at >= FIRST_AGE) & (at <= LAST_AGE)
    low, high = -2.0, 2.0
    for _ in range(60):
        slope = (low + high) / 2
        weight = np.exp(slope * (ages - 6))
        mean = (weight[:, None] * at * here).sum() / (weight[:, None] * here).sum()
        low, high = (slope, high) if mean < mean_age else (low, slope)
    weight = np.exp(low * (ages - 6))
    return np.asarray(rng.choice(ages, n, p=weight / weight.sum()))


def make(
    rng: np.random.Generator, first: int, kind: Ints, cohort: Ints, send: Ints, plan_years: Flags | None = None
) -> Pupils:
    """Pupils of the given kinds, ages and SEND, with everything else drawn."""
    n = len(kind)
    age = cohort[:, None] + OFFSETS
    idaci = _deprivation(rng, np.array([k.idaci for k in KINDS])[kind])
    fsm = _meals(rng, kind, age, send, idaci)
    place = rng.integers(0, len(AUTHORITIES), n)
    absent_share = np.array([k.absent for k in KINDS])[kind]
    if plan_years is None:
        plan_years = np.zeros((n, 4), dtype=bool)
    absent = rng.random(n) < absent_share
    linked = _linked(rng, np.array([bool(k.years) for k in KINDS])[kind], age)
    # Boys, girls and all of tables 53 and 57 agree with each other only if the shares in every year are near these.
    girl = _evenly(
        rng,
        np.array([k.girls for k in KINDS])[kind] - 0.14 * (send > 0),
        (cohort, linked.sum(axis=1), linked[:, 0], absent, send, plan_years.sum(axis=1), kind),
    )
    return Pupils(
        pmr=number(first, n),
        kind=kind,
        cohort=cohort,
        girl=girl,
        send=send,
        ethnic=rng.choice(len(ETHNIC), n, p=ETHNIC_SHARE),
        authority=AUTHORITIES[place],
        school=AUTHORITIES[place] * 10_000 + 2_000 + rng.integers(0, 110, n),
        month=rng.integers(1, 13, n),
        fsm=fsm,
        idaci=idaci,
        plan_years=plan_years,
        months=np.zeros((n, 4)),
        absent=absent,
        linked=linked,
    )


def _evenly(rng: np.random.Generator, share: F, order: tuple[NDArray[np.generic], ...]) -> Flags:
    """Flags with these chances, drawn systematically along an order (its last key first): near their share anywhere."""
    place = np.lexsort((rng.random(len(share)), *order))
    steps = np.floor(np.cumsum(share[place]) + rng.random())
    found = np.empty(len(share), dtype=bool)
    found[place] = np.diff(steps, prepend=0.0) > 0
    return found


def _linked(rng: np.random.Generator, long: Flags, age: Ints) -> Flags:
    """Years with a pupil record: all, but for some of those on plans for years, seen on one side only.

    They moved, or were in no state-funded school, before or after. Tables 57 and 59 cannot both hold without them.
    """
    here = (age >= FIRST_AGE) & (age <= LAST_AGE)
    both = here[:, :2].any(axis=1) & here[:, 2:].any(axis=1)
    one = long & both & (rng.random(len(long)) < ONE_SIDE)
    # Oftener without the years before: the sample's mean over all years (table 54) asks for more years after.
    side = rng.random(len(long)) < 0.85
    found = np.ones((len(long), 4), dtype=bool)
    found[:, :2] &= ~(one & side)[:, None]
    found[:, 2:] &= ~(one & ~side)[:, None]
    return found


def _deprivation(rng: np.random.Generator, mean: F) -> F:
    """IDACI to three places by year; a pupil moves house in about one year in twelve."""
    n = len(mean)
    shape = 1.7
    now = rng.beta(shape, shape * (1 - mean) / mean)
    found = np.empty((n, 4))
    for t, gap in enumerate((0, 1, 3, 1)):
        if gap:
            moved = rng.random(n) < 1 - (1 - 0.085) ** gap
            now = np.where(moved, 0.4 * now + 0.6 * rng.beta(shape, shape * (1 - mean) / mean), now)
        found[:, t] = now
    return np.clip(found, 0.0, 0.97).round(3)


def _meals(rng: np.random.Generator, kind: Ints, age: Ints, send: Ints, idaci: F) -> Flags:
    """Eligible for free school meals in each year: a slow state, likelier where deprivation is."""
    levels = np.array([k.fsm for k in KINDS])
    share = np.stack([np.interp(a, [6, 10, 15], [0.0, 1.0, 2.0]) for a in age.T], axis=1)
    low = np.clip(np.floor(share).astype(int), 0, 1)
    p = levels[kind[:, None], low] * (1 - share + low) + levels[kind[:, None], low + 1] * (share - low)
    p = np.clip(p + 0.10 * (send > 0)[:, None], 0.01, 0.95)
    state = rng.standard_normal(len(kind))
    found = np.empty(age.shape, dtype=bool)
    centre = np.array([k.idaci for k in KINDS])[kind]
    pull = 1.6
    for t, keep in enumerate((0.0, 0.93, 0.85, 0.93)):
        if t:
            state = keep * state + np.sqrt(1 - keep**2) * rng.standard_normal(len(kind))
        found[:, t] = state < ndtri(p[:, t]) * np.sqrt(1 + (pull * 0.13) ** 2) + pull * (idaci[:, t] - centre)
    return found


def occasional_rate(plan: str, age: Ints) -> F:
    """The chance that a pupil without SEND is on a plan in a year at an age, the samples of long plans left out.

    So that the groups at key stages 1, 2 and 4 have about the sizes of tables 61, 65 and 69.
    """
    if plan == "CIN plan":
        return np.clip(0.0175 + 0.0024 * (age - 6.0), 0.004, None)
    return np.clip(0.0048 - 0.0002 * (age - 6.0), 0.001, None)

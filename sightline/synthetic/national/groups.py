"""The two groups a nation is drawn in: pupils with plans before and after the extension, and everybody else."""

from __future__ import annotations

import numpy as np

from sightline.synthetic.national.people import (
    FIRST_AGE,
    KINDS,
    LAST_AGE,
    OCCASIONAL,
    OFFSETS,
    SAMPLES,
    SEND_SHARE,
    Pupils,
    choose_ages,
    make,
    occasional_rate,
)
from sightline.synthetic.national.plans import years_of_samples


def samples(rng: np.random.Generator, first: int, scale: float, send: bool) -> Pupils:
    """The pupils with plans before and after the extension."""
    kinds, cohorts = [], []
    for place, spec in enumerate(KINDS):
        if spec not in SAMPLES:
            continue
        n = round(spec.count * scale)
        kinds.append(np.full(n, place, dtype=np.int64))
        cohorts.append(choose_ages(rng, n, spec.age))
    kind, cohort = np.concatenate(kinds), np.concatenate(cohorts)
    level = rng.choice([1, 2], len(kind), p=[0.75, 0.25]) if send else np.zeros(len(kind), dtype=np.int64)
    return make(rng, first, kind, cohort, level, years_of_samples(rng, kind))


def rest(rng: np.random.Generator, first: int, n: int, cohort: int, more_plans: float) -> Pupils:
    """Pupils of one cohort never on a plan, or in one period only."""
    send = np.where(rng.random(n) < SEND_SHARE, rng.choice([1, 2], n, p=[0.75, 0.25]), 0)
    age = cohort + OFFSETS
    here = (age >= FIRST_AGE) & (age <= LAST_AGE)
    kind = np.zeros(n, dtype=np.int64)
    plan_years = np.zeros((n, 4), dtype=bool)
    for spec in OCCASIONAL:
        rate = np.minimum(occasional_rate(spec.plan, age) * here * more_plans, 0.2)
        # A plan in one period only, else the pupil would be in the long samples: one period is drawn for each.
        chance = rate[None, :] * np.where(send > 0, 2.0, 1.0)[:, None]
        drawn = rng.random((n, 4)) < chance
        both = drawn[:, :2].any(axis=1) & drawn[:, 2:].any(axis=1)
        keep_after = rng.random(n) < 0.5
        drawn[:, :2] &= ~(both & keep_after)[:, None]
        drawn[:, 2:] &= ~(both & ~keep_after)[:, None]
        on = drawn.any(axis=1) & (kind == 0)
        kind[on] = KINDS.index(spec)
        plan_years[on] = drawn[on]
    return make(rng, first, kind, np.full(n, cohort, dtype=np.int64), send, plan_years)

"""Key stage outcomes with the report's difference-in-differences planted: logits for key stages 1 and 2, OLS for 4.

A printed dy/dx of a column is its coefficient times the average of p (1-p), so the coefficients are the printed
figures over that average, which a pilot sample finds together with the constant.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.special import expit, ndtr

from sightline.synthetic.national import people
from sightline.synthetic.national.people import KINDS, POST, F, Flags, Ints, Pupils
from sightline.vocabulary.report import printed_table

PERIOD = "Period after COVID-19 / VSH extension"
COMMON: Final = (
    PERIOD,
    "Eligible for FSM",
    f"Ever FSM * {PERIOD}",
    "IDACI score",
    f"IDACI score * {PERIOD}",
    "Female",
    f"Female * {PERIOD}",
)
ETHNIC_LOGIT: Final = np.array([0.0, 0.10, -0.05, 0.04, -0.03, -0.15])
ETHNIC_SCORE: Final = np.array([0.0, 0.45, 0.0, 0.04, 0.10, -0.12])
"""In standard deviations of the outcome."""
EXCHANGED: Final = {"Writing": "Maths", "Maths": "Writing"}
"""Rows of table 62 that its table 63 contradicts: read the other way about, both hold."""
SEND_LOGIT, SEND_SCORE = -1.3, -0.8


@dataclass(frozen=True)
class Stage:
    """A key stage: its outcomes, the tables of its two models, and the table of its group means."""

    name: str
    outcomes: tuple[str, ...]
    cin: int
    cp: int
    means: int


STAGES: Final = (
    Stage("ks1", ("Reading", "Writing", "Maths", "Science"), 63, 64, 62),
    Stage("ks2", ("Reading", "GPS", "Maths"), 67, 68, 66),
    Stage("ks4", ("Attainment 8 score", "Number of passes 9-4", "Progress 8 score"), 71, 72, 70),
)


def plan_labels(plan: str) -> tuple[str, ...]:
    """The rows of the plan's own terms: plan, x period (DID), x FSM, x FSM x period."""
    return (
        f"Subject to a {plan}",
        f"Subject to a {plan} * {PERIOD} (DID)",
        f"Subject to a {plan} * Eligible FSM",
        f"Subject to a {plan} * Eligible FSM * {PERIOD}",
    )


def common_table(stage: Stage, outcome: str) -> int:
    """The table whose figures stand for pupils not on a plan.

    Table 68's for reading at key stage 2: table 67's cannot be (table 66 has no fall in reading, and girls lead).
    """
    return stage.cp if stage.name == "ks2" and outcome == "Reading" else stage.cin


def coefficients(stage: Stage, outcome: str) -> dict[str, float]:
    """The printed figures by row: the common terms, and each plan's own."""
    found: dict[str, float] = {}
    common = printed_table(common_table(stage, outcome))
    for row in COMMON:
        # Table 71 leaves out the row of girls after the extension; table 72 has it.
        table = common if (row, outcome, "estimate") in common else printed_table(stage.cp)
        found[row] = table[row, outcome, "estimate"].value
    for plan, number in (("CIN plan", stage.cin), ("CP plan", stage.cp)):
        for row in plan_labels(plan):
            found[row] = printed_table(number)[row, outcome, "estimate"].value
    return found


def takers(pupils: Pupils, stage: Stage) -> tuple[Ints, Ints]:
    """Places of the pupils, and of the years, who reach a key stage in one of the four years."""
    pupil, year = np.nonzero(pupils.age == people.AGE_OF[stage.name])
    return pupil, year


def terms(pupils: Pupils, pupil: Ints, year: Ints) -> dict[str, F]:
    """The regressors by row of the tables."""
    post = POST[year]
    fsm = pupils.fsm[pupil, year].astype(float)
    idaci = pupils.idaci[pupil, year]
    girl = pupils.girl[pupil].astype(float)
    found = {
        PERIOD: post,
        "Eligible for FSM": fsm,
        f"Ever FSM * {PERIOD}": fsm * post,
        "IDACI score": idaci,
        f"IDACI score * {PERIOD}": idaci * post,
        "Female": girl,
        f"Female * {PERIOD}": girl * post,
    }
    for plan in ("CIN plan", "CP plan"):
        on = pupils.on(plan)[pupil, year].astype(float)
        found |= dict(zip(plan_labels(plan), (on, on * post, on * fsm, on * fsm * post), strict=True))
    return found


@dataclass(frozen=True)
class Logit:
    """The planted log-odds of one outcome; `slope` is the average of p (1-p) by which a dy/dx divides."""

    constant: float
    slope: float
    values: dict[str, float]


@cache
def logit(stage: Stage, outcome: str) -> Logit:
    """Log-odds whose average marginal effects are those printed, at the printed share of pupils not on a plan."""
    rng = np.random.default_rng(71)
    pupils = _pilot(rng, stage)
    pupil, year = takers(pupils, stage)
    x = terms(pupils, pupil, year)
    printed = coefficients(stage, outcome)
    effect = sum(value * x[row] for row, value in printed.items())
    ethnic = ETHNIC_LOGIT[pupils.ethnic[pupil]]
    plain = pupils.kind[pupil] == 0
    means = printed_table(stage.means)
    row = EXCHANGED.get(outcome, outcome) if stage.name == "ks1" else outcome
    share = [means[row, f"Not on a plan, {p}", "percent"].value / 100 for p in ("2017-2019", "2021-2023")]
    goal = float(np.where(POST[year[plain]] > 0, share[1], share[0]).mean())
    slope, constant = 0.15, 1.5
    for _ in range(60):
        eta = constant + effect / slope + ethnic
        p = expit(eta)
        constant += (np.log(goal / (1 - goal)) - np.log(p[plain].mean() / (1 - p[plain].mean()))) * 0.9
        slope += 0.7 * (float((p * (1 - p)).mean()) - slope)
    return Logit(constant, slope, {row: value / slope for row, value in printed.items()})


def _pilot(rng: np.random.Generator, stage: Stage, n: int = 240_000) -> Pupils:
    age = people.AGE_OF[stage.name]
    year = rng.integers(0, 4, n)
    cohort = age - people.OFFSETS[year]
    kind = np.zeros(n, dtype=np.int64)
    first = len(KINDS) - 2
    share = {"ks1": (0.026, 0.0045), "ks2": (0.036, 0.004), "ks4": (0.048, 0.003)}[stage.name]
    u = rng.random(n)
    kind[u < share[0]] = first
    kind[(u >= share[0]) & (u < sum(share))] = first + 1
    plan_years = np.zeros((n, 4), dtype=bool)
    plan_years[np.arange(n), year] = kind > 0
    return people.make(rng, 0, kind, np.maximum(cohort, 0), np.zeros(n, dtype=np.int64), plan_years)


def expected_standard(rng: np.random.Generator, pupils: Pupils, stage: Stage) -> tuple[Ints, Ints, dict[str, Flags]]:
    """Who took a key stage, in which year, and whether each reached the standard, by outcome."""
    pupil, year = takers(pupils, stage)
    x = terms(pupils, pupil, year)
    nature = rng.standard_normal(len(pupil))
    found = {}
    for outcome in stage.outcomes:
        model = logit(stage, outcome)
        eta = model.constant + sum(value * x[row] for row, value in model.values.items())
        eta = eta + ETHNIC_LOGIT[pupils.ethnic[pupil]] + SEND_LOGIT * (pupils.send[pupil] > 0)
        # Subjects go together in a child: a shared normal draw leaves each subject's own chance as it is.
        own = rng.standard_normal(len(pupil))
        found[outcome] = ndtr(0.8 * nature + 0.6 * own) < expit(eta)
    return pupil, year, found


SCORE_NAMES: Final = {"Reading": "Reading score", "GPS": "GPS score", "Maths": "Maths score"}


def scaled_scores(
    rng: np.random.Generator, pupils: Pupils, pupil: Ints, year: Ints, reached: dict[str, Flags]
) -> dict[str, Ints]:
    """Key stage 2 scaled scores (80 to 120): 100 and above for those who reached the standard, as the tests have it.

    Distances from 100 are drawn so that each group's mean in each period is about that of table 66.
    """
    means = printed_table(66)
    plan = np.where(pupils.on("CP plan")[pupil, year], 2, np.where(pupils.on("CIN plan")[pupil, year], 1, 0))
    below = 5.0
    found = {}
    for outcome, flags in reached.items():
        above = np.full(len(pupil), 8.0)
        for g, group in enumerate(("Not on a plan", "CIN plan", "CP plan")):
            for post, period in ((0, "2017-2019"), (1, "2021-2023")):
                mean = means[SCORE_NAMES[outcome], f"{group}, {period}", "mean"].value - 100
                share = means[outcome, f"{group}, {period}", "percent"].value / 100
                above[(plan == g) & (POST[year] == post)] = (mean + (1 - share) * below) / share
        up = 20 * rng.beta(1.6 * above / 20, 1.6 * (1 - above / 20))
        down = 1 + np.minimum(rng.exponential(below - 1, len(pupil)), 19)
        found[outcome] = np.where(flags, np.round(100 + up), np.round(100 - down)).astype(np.int64)
    return found


def scores(rng: np.random.Generator, pupils: Pupils, stage: Stage) -> tuple[Ints, Ints, dict[str, F]]:
    """Key stage 4: who, when, and Attainment 8 (0 to 90), passes (0 to 14) and Progress 8, by outcome.

    Spreads are those that give the printed standard errors. The bounded outcomes are beta about their expectation, so
    that the expectation stays a straight line.
    """
    pupil, year = takers(pupils, stage)
    x = terms(pupils, pupil, year)
    nature = rng.standard_normal(len(pupil))
    found = {}
    for outcome, spread, most in zip(stage.outcomes, (17.0, 2.9, 1.2), (90.0, 14.0, 0.0), strict=True):
        printed = coefficients(stage, outcome)
        mu = np.full(len(pupil), printed_table(stage.cin)["Constant", outcome, "estimate"].value)
        for row, value in printed.items():
            mu += value * x[row]
        mu += spread * (ETHNIC_SCORE[pupils.ethnic[pupil]] + SEND_SCORE * (pupils.send[pupil] > 0))
        if most:
            mu = np.clip(mu, 0.02 * most, 0.98 * most)
            share = mu / most
            size = np.maximum(share * (1 - share) / (spread / most) ** 2 - 1, 0.4)
            drawn = rng.beta(share * size, (1 - share) * size)
            if most == 90.0:
                found[outcome] = (most * drawn).round(2)
            else:
                found[outcome] = rng.binomial(int(most), drawn).astype(float)
        else:
            own = rng.standard_normal(len(pupil))
            found[outcome] = (mu + spread * (0.6 * nature + 0.8 * own)).round(3)
    return pupil, year, found

"""Key stage outcomes with the report's difference-in-differences planted: logits for key stages 1 and 2, OLS for 4.

A printed dy/dx of a column is its coefficient times the average of p (1-p), so the coefficients are the printed
figures over that average, which a pilot sample finds together with the constant.

Results are drawn and then moved, as little as can be, until the model's own equations hold at what was planted
(`balance`): the fit of a nation of any size and seed gives it back but for rounding, so that a mistake of a tenth of a
standard error in an estimator shows. Whether intervals hold the truth as often as they say is another question, asked
of free draws by the benchmark of recovery.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from scipy.special import expit, ndtr

from sightline.synthetic.national import groups, people
from sightline.synthetic.national.people import POST, F, Flags, Ints, Pupils
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
    """The planted log-odds of one outcome, by row of the tables."""

    constant: float
    values: dict[str, float]


@cache
def logit(stage: Stage, outcome: str, more_plans: float = 1.0) -> Logit:
    """Log-odds whose average marginal effects are those printed, at the printed share of pupils not on a plan.

    A plan's own terms are divided by the average of p (1-p) over its table's pupils, those not on a plan and its own;
    the common terms by that of the table they come from.
    """
    x, ethnic, group, post = _pilot(stage, more_plans)
    printed = coefficients(stage, outcome)
    means = printed_table(stage.means)
    row = EXCHANGED.get(outcome, outcome) if stage.name == "ks1" else outcome
    share = [means[row, f"Not on a plan, {p}", "percent"].value / 100 for p in ("2017-2019", "2021-2023")]
    plain = group == 0
    goal = float(np.where(post[plain] > 0, share[1], share[0]).mean())
    table = {row: 1 if common_table(stage, outcome) == stage.cin else 2 for row in COMMON}
    table |= dict.fromkeys(plan_labels("CIN plan"), 1) | dict.fromkeys(plan_labels("CP plan"), 2)
    held = {place: (group == 0) | (group == place) for place in (1, 2)}
    slopes, constant = {1: 0.15, 2: 0.15}, 1.5
    for _ in range(60):
        eta = constant + ethnic + sum(value / slopes[table[row]] * x[row] for row, value in printed.items())
        p = expit(eta)
        constant += (np.log(goal / (1 - goal)) - np.log(p[plain].mean() / (1 - p[plain].mean()))) * 0.9
        for place, at in held.items():
            slopes[place] += 0.7 * (float((p * (1 - p))[at].mean()) - slopes[place])
    return Logit(constant, {row: value / slopes[table[row]] for row, value in printed.items()})


@cache
def _pilot(stage: Stage, more_plans: float) -> tuple[dict[str, F], F, Ints, F]:
    """A key stage's pupils without SEND, drawn as the nation is: terms, ethnic log-odds, group, and period of each."""
    rng = np.random.default_rng(71)
    # Pupils of a cohort: fewer where plans are many, since the long samples are drawn for every cohort at once.
    n = round(60_000 / max(1.0, more_plans / 2))
    scale = n * len(people.COHORTS) / people.FULL_SIZE * more_plans
    parts = [groups.samples(rng, 0, scale, False)]
    for cohort in sorted(set(people.AGE_OF[stage.name] - people.OFFSETS) & set(people.COHORTS)):
        parts.append(groups.rest(rng, 0, n, int(cohort), more_plans))
    found = []
    for pupils in parts:
        pupil, year = takers(pupils, stage)
        kept = (pupils.send[pupil] == 0) & pupils.linked[pupil, year]
        pupil, year = pupil[kept], year[kept]
        rows = terms(pupils, pupil, year)
        found.append((rows, ETHNIC_LOGIT[pupils.ethnic[pupil]], group_of(pupils, pupil, year), POST[year]))
    together = {row: np.concatenate([f[0][row] for f in found]) for row in found[0][0]}
    ethnic, group, post = (np.concatenate([f[place] for f in found]) for place in (1, 2, 3))
    return together, ethnic, group, post


def group_of(pupils: Pupils, pupil: Ints, year: Ints) -> Ints:
    """Each pupil's group in a year: 0 on no plan, 1 on a CIN plan, 2 on a CP plan."""
    return np.where(pupils.on("CP plan")[pupil, year], 2, np.where(pupils.on("CIN plan")[pupil, year], 1, 0))


Slopes = dict[tuple[str, str], F]
"""By stage and outcome, for pupils on no plan, a CIN and a CP plan (3, 2): the sum of p (1-p), and how many."""


def expected_standard(
    rng: np.random.Generator, pupils: Pupils, stage: Stage, *, more_plans: float, slopes: Slopes
) -> tuple[Ints, Ints, dict[str, Flags]]:
    """Who took a key stage, in which year, and whether each reached the standard, by outcome; adds to `slopes`."""
    pupil, year = takers(pupils, stage)
    x = terms(pupils, pupil, year)
    sets = balanced_sets(pupils, pupil, year)
    nature = rng.standard_normal(len(pupil))
    found = {}
    for outcome in stage.outcomes:
        model = logit(stage, outcome, more_plans)
        eta = model.constant + sum(value * x[row] for row, value in model.values.items())
        eta = eta + ETHNIC_LOGIT[pupils.ethnic[pupil]] + SEND_LOGIT * (pupils.send[pupil] > 0)
        # Subjects go together in a child: a shared normal draw leaves each subject's own chance as it is.
        own = rng.standard_normal(len(pupil))
        found[outcome] = balance(ndtr(0.8 * nature + 0.6 * own), eta, sets)
        p = expit(eta)
        kept = slopes.setdefault((stage.name, outcome), np.zeros((3, 2)))
        for group, at, _ in sets:
            kept[group] += (float((p[at] * (1 - p[at])).sum()), len(at))
    return pupil, year, found


Sets = list[tuple[int, Ints, F]]


def balanced_sets(pupils: Pupils, pupil: Ints, year: Ints) -> Sets:
    """Rows of each group and period that the main run holds, with the columns that its models are made of.

    A sum over a period's rows of one group settles every product with the plan and the period at once. Pupils with SEND
    or without a record are in no such model: theirs stay as they were drawn.
    """
    plan = group_of(pupils, pupil, year)
    kept = (pupils.send[pupil] == 0) & pupils.linked[pupil, year]
    ethnic = pupils.ethnic[pupil]
    c = np.column_stack(
        [
            np.ones(len(pupil)),
            pupils.fsm[pupil, year],
            pupils.idaci[pupil, year],
            pupils.girl[pupil],
            *(ethnic == place for place in range(1, len(ETHNIC_LOGIT))),
        ]
    ).astype(float)
    found = []
    for group in range(3):
        for post in (0, 1):
            at = np.flatnonzero(kept & (plan == group) & (POST[year] == post))
            if len(at):
                found.append((group, at, c[at]))
    return found


def balance(u: F, eta: F, sets: Sets) -> Flags:
    """Flags u < p, with p moved along each set's columns until the flags' sums are those of the p planted.

    Newton's steps: each leaves about the fourth root of what was off, so a few reach what whole flags allow.
    """
    flags = np.asarray(u < expit(eta))
    for _, at, c in sets:
        p = expit(eta[at])
        bend = np.linalg.pinv((c * (p * (1 - p))[:, None]).T @ c)
        move, least = np.zeros(c.shape[1]), np.inf
        for _ in range(25):
            drawn = u[at] < expit(eta[at] + np.clip(c @ move, -2.0, 2.0))
            gap = c.T @ (drawn - p)
            off = float(gap @ bend @ gap)
            if off < least:
                least, flags[at] = off, drawn
            if off < 1e-3:
                break
            move = move - bend @ gap
    return flags


SCORE_NAMES: Final = {"Reading": "Reading score", "GPS": "GPS score", "Maths": "Maths score"}


def scaled_scores(
    rng: np.random.Generator, pupils: Pupils, pupil: Ints, year: Ints, reached: dict[str, Flags]
) -> dict[str, Ints]:
    """Key stage 2 scaled scores (80 to 120): 100 and above for those who reached the standard, as the tests have it.

    Distances from 100 are drawn so that each group's mean in each period is about that of table 66.
    """
    means = printed_table(66)
    plan = group_of(pupils, pupil, year)
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
    sets = balanced_sets(pupils, pupil, year)
    nature = rng.standard_normal(len(pupil))
    found = {}
    for outcome, spread, most in zip(stage.outcomes, (17.0, 2.9, 1.2), (90.0, 14.0, 0.0), strict=True):
        printed = coefficients(stage, outcome)
        mu = np.full(len(pupil), printed_table(stage.cin)["Constant", outcome, "estimate"].value)
        for row, value in printed.items():
            mu += value * x[row]
        mu += spread * (ETHNIC_SCORE[pupils.ethnic[pupil]] + SEND_SCORE * (pupils.send[pupil] > 0))
        if most:
            share = np.clip(mu / most, 0.02, 0.98)
            size = np.maximum(share * (1 - share) / (spread / most) ** 2 - 1, 0.4)
            drawn = rng.beta(share * size, (1 - share) * size)
            y = most * drawn if most == 90.0 else rng.binomial(int(most), drawn).astype(float)
        else:
            own = rng.standard_normal(len(pupil))
            y = mu + spread * (0.6 * nature + 0.8 * own)
        # Twice, since rounding and the bounds put a little back.
        for _ in range(2):
            for _, at, c in sets:
                y[at] -= c @ np.linalg.lstsq(c, y[at] - mu[at], rcond=None)[0]
            if most == 14.0:
                y = np.floor(y + rng.random(len(y)))
            if most:
                y = np.clip(y, 0.0, most)
        found[outcome] = y.round(3 if not most else 2)
    return pupil, year, found

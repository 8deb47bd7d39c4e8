"""Sessions missed, whose expectations carry the report's coefficients and means exactly.

An expectation mu is drawn for each pupil and year from a plausible shape, then tilted, mu exp(C'l), so that it meets
linear conditions C mu = d: that least squares with pupil effects on mu gives the printed coefficients in every nested
sample (x-demeaned' mu = A b), that its means by year and sex are those printed, and that the collapsed regressions of
table 73 give their slopes (calibration by raking: Deville and Sarndal 1992, JASA 87, 376-382). Counts drawn with
expectation mu are never negative and are as skewed as real ones; the drawn counts are then tilted to the same
conditions and made whole again at random, so that they hold what was planted but for rounding, whatever the seed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from sightline.synthetic.national.people import KINDS, POST, YEARS, F, Flags, Ints, Pupils
from sightline.vocabulary.periods import year_label
from sightline.vocabulary.report import printed_table

Measure = Literal["absence", "suspension"]
TERMS: Final = ("after", "before", "period", "age", "fsm", "idaci")
SAMPLES: Final = {2: "at least 2 of the 4 years", 3: "at least 3 of the 4 years", 4: "all 4 years"}
MEANS_TABLE: Final = {"absence": 53, "suspension": 57}
MODEL_TABLE: Final = {
    ("absence", "CIN plan"): 55,
    ("absence", "CP plan"): 56,
    ("suspension", "CIN plan"): 59,
    ("suspension", "CP plan"): 60,
}
FEWEST = 30
"""Pupils below which a sample's coefficients are not planted."""
LEAST_MOVED: Final = 1.0
"""Drawn counts are moved by no more than this power of e, however small the sample."""
MOST: Final = {"absence": 380, "suspension": 90}
"""Sessions of a year."""


def term_labels(plan: str) -> tuple[str, ...]:
    """The rows of tables 55, 56, 59 and 60, in the order of TERMS."""
    return (
        f"Months subject to a {plan} after VSH extension",
        f"Months subject to a {plan} before VSH extension",
        "Period after COVID-19 / VSH extension",
        "Age",
        "Eligible for FSM",
        "IDACI score",
    )


@dataclass(frozen=True)
class Planted:
    """One row per planted figure: where it stands in the report, what was printed, and what the expectations hold."""

    table: int
    row: str
    column: str
    statistic: str
    printed: float
    planted: float


@dataclass(frozen=True, eq=False)
class Rows:
    """One row per pupil and year with the outcome: place of the pupil and the year, regressors (6, n), weights."""

    pupil: Ints
    year: Ints
    x: F
    years_on_plan: Ints
    girl: Flags


def rows_of(pupils: Pupils, seen: Flags) -> Rows:
    """The pupil-years in `seen` (n, 4) with the six regressors of the panel models."""
    pupil, year = np.nonzero(seen)
    post = POST[year]
    months = pupils.months[pupil, year]
    x = np.array(
        [
            months * post,
            months * (1 - post),
            post,
            pupils.age[pupil, year],
            pupils.fsm[pupil, year],
            pupils.idaci[pupil, year],
        ],
        dtype=float,
    )
    return Rows(pupil, year, x, pupils.plan_years.sum(axis=1)[pupil], pupils.girl[pupil])


def targets(measure: Measure, group: str, share_of_girls: F) -> F:
    """Means by year and sex, (4, 2), that print as tables 53 and 57 do, overall as well as for boys and girls.

    `share_of_girls` in each year.
    """
    cells = printed_table(MEANS_TABLE[measure])
    found = np.empty((4, 2))
    for t, year in enumerate(YEARS):
        boys, girls, overall = (
            cells[year_label(year), f"{group}, {who}", "mean"] for who in ("boys", "girls", "overall")
        )
        # What rounding hides is spent on making the three printed figures agree: half by sex and half overall, so
        # that each stays as far from its edge as it can where few pupils make whole sessions coarse.
        gap = overall.value - (boys.value * (1 - share_of_girls[t]) + girls.value * share_of_girls[t])
        slack = 0.9 * overall.half_step
        found[t] = np.array([boys.value, girls.value]) + np.clip(gap / 2, -slack, slack)
    return found


def girls_by_year(year: Ints, girl: Flags) -> F:
    """The share of girls in each of the four years (a half where there is nobody)."""
    size = np.bincount(year, minlength=4)
    return np.where(size > 0, np.bincount(year, weights=girl, minlength=4) / np.maximum(size, 1), 0.5)


def sessions(
    rng: np.random.Generator, pupils: Pupils, rows: Rows, measure: Measure, plan: str
) -> tuple[Ints, list[Planted]]:
    """The sessions of each row of a plan's sample, and what they hold of the report's figures."""
    spread = 2.5 if measure == "absence" else 0.35
    nature = rng.gamma(spread, 1 / spread, pupils.n)[rows.pupil] * 0.9 + 0.1
    goal = targets(measure, plan, girls_by_year(rows.year, rows.girl))
    base = goal[rows.year, rows.girl.astype(int)] * nature
    conditions, wanted = _conditions(rows, measure, plan, goal)
    mu = tilt(base, conditions, wanted)
    counts = draw(rng, mu, measure)
    wanted = conditions @ mu
    # Twice: making counts whole again puts back a little of what the first tilt took out.
    for _ in range(2):
        moved = tilt(counts.astype(float), conditions, wanted, most=LEAST_MOVED)
        counts = np.minimum(np.floor(moved + rng.random(len(moved))).astype(np.int64), MOST[measure])
    settle(rng, counts, rows.year * 2 + rows.girl, goal.reshape(-1))
    return counts, _planted(rows, mu, measure, plan)


def tilt(base: F, conditions: F, wanted: F, *, most: float = 30.0) -> F:
    """The positive mu nearest to `base` (in relative entropy) with conditions @ mu = wanted, as nearly as can be.

    No row moves by more than exp(`most`) either way.
    """
    size = np.sqrt(np.einsum("qn,qn,n->q", conditions, conditions, base))
    # A condition on rows that are all nought is left as it is: nothing can be moved.
    some = size > 0
    c = conditions[some] / size[some, None]
    d = wanted[some] / size[some]
    weight = np.zeros(len(d))
    ridge = 1e-9

    def dual(w: F) -> float:
        eta = np.clip(w @ c, -most, most)
        return float(base @ np.exp(eta) - w @ d + ridge / 2 * (w @ w))

    now = dual(weight)
    for _ in range(60):
        mu = base * np.exp(np.clip(weight @ c, -most, most))
        gradient = c @ mu - d + ridge * weight
        move = np.linalg.solve((c * mu) @ c.T + ridge * np.eye(len(d)), gradient)
        fall = float(gradient @ move)
        if fall < 1e-13 * float(base.sum()):
            break
        step, before = 1.0, now
        while (now := dual(weight - step * move)) > before - 1e-4 * step * fall and step > 1e-4:
            step /= 4
        weight = weight - step * move
        # Conditions that cannot all hold send weights to infinity for ever smaller gains.
        if step <= 1e-4 or before - now < 1e-9 * abs(before):
            break
    return np.asarray(base * np.exp(np.clip(weight @ c, -most, most)))


def _samples(rows: Rows, plan: str) -> dict[int, Flags]:
    least = (2, 3, 4) if plan == "CIN plan" else (2, 3)
    found = {years: rows.years_on_plan >= years for years in least}
    return {years: at for years, at in found.items() if len(np.unique(rows.pupil[at])) >= FEWEST}


def _demeaned(rows: Rows, at: Flags) -> F:
    pupil = rows.pupil[at]
    starts = np.flatnonzero(np.append(True, pupil[1:] != pupil[:-1]))
    sizes = np.diff(np.append(starts, len(pupil)))
    x = rows.x[:, at]
    return x - np.repeat(np.add.reduceat(x, starts, axis=1) / sizes, sizes, axis=1)


def _conditions(rows: Rows, measure: Measure, plan: str, goal: F) -> tuple[F, F]:
    found: list[F] = []
    wanted: list[float] = []
    model = printed_table(MODEL_TABLE[measure, plan])
    means = printed_table(54 if measure == "absence" else 58)
    outcome = f"Annual sessions missed due to {'absences' if measure == 'absence' else 'suspensions'}"
    for years, at in _samples(rows, plan).items():
        z = _demeaned(rows, at)
        b = np.array([model[label, SAMPLES[years], "estimate"].value for label in term_labels(plan)])
        for row, total in zip(z, z @ z.T @ b, strict=True):
            whole = np.zeros(len(rows.pupil))
            whole[at] = row
            found.append(whole)
            wanted.append(float(total))
        # Table 58 beside table 59 would need children suspended less than never.
        if years > 2 and measure == "absence":
            found.append(at.astype(float))
            wanted.append(float(at.sum()) * means[outcome, f"{plan}: {SAMPLES[years]}", "mean"].value)
    for t in range(4):
        for girl in (0, 1):
            cell = (rows.year == t) & (rows.girl == bool(girl))
            if cell.any():
                found.append(cell.astype(float))
                wanted.append(float(cell.sum()) * goal[t, girl])
    if measure == "absence" and plan == "CIN plan":
        cells = printed_table(73)
        for column, z, inner in _collapsed(rows):
            b = np.array([cells[label, column, "estimate"].value for label in COLLAPSED])
            found += list(z)
            wanted += [float(total) for total in inner @ b]
    return np.array(found), np.array(wanted)


COLLAPSED: Final = (
    "Average months per year subject to a CIN plan in the period",
    "Average age in the period",
    "Average IDACI score in the period",
    "Eligible for FSM in the period",
)


def _collapsed(rows: Rows) -> list[tuple[str, F, F]]:
    """The regressions on each period's averages (table 73): z (4, rows) and inner (4, 4), with z y = inner b.

    Its constants and the row for girls cannot hold beside tables 53 and 55: they are left as they fall.
    """
    found = []
    for period, column in ((0, "before VSH extension"), (1, "after VSH extension")):
        at = np.flatnonzero(POST[rows.year] == period)
        who, place = np.unique(rows.pupil[at], return_inverse=True)
        if len(who) < FEWEST:
            continue
        size = np.bincount(place)

        def mean(values: F, place: Ints = place, size: Ints = size) -> F:
            return np.asarray(np.bincount(place, weights=values) / size)

        months = mean(rows.x[0, at] + rows.x[1, at])
        x = np.array([months, mean(rows.x[3, at]), mean(rows.x[5, at]), mean(rows.x[4, at]) > 0])
        girl = mean(rows.girl[at].astype(float))
        # The girls' column is in the model: take out what it explains, so that the other slopes are as printed.
        basis = np.array([np.ones(len(who)), girl])
        x = x - (x @ basis.T) @ np.linalg.solve(basis @ basis.T, basis)
        z = np.zeros((len(x), len(rows.pupil)))
        z[:, at] = (x / size)[:, place]
        found.append((column, z, x @ x.T))
    return found


def _planted(rows: Rows, mu: F, measure: Measure, plan: str) -> list[Planted]:
    """What the expectations hold: coefficients by sample, slopes of table 73, and means by year and sex."""
    found = []
    number = MODEL_TABLE[measure, plan]
    model = printed_table(number)
    for years, at in _samples(rows, plan).items():
        z = _demeaned(rows, at)
        b = np.linalg.lstsq(z @ z.T, z @ mu[at], rcond=None)[0]
        for label, value in zip(term_labels(plan), b, strict=True):
            cell = model[label, SAMPLES[years], "estimate"]
            found.append(Planted(number, label, SAMPLES[years], "estimate", cell.value, float(value)))
    if measure == "absence" and plan == "CIN plan":
        cells = printed_table(73)
        for column, z, inner in _collapsed(rows):
            for label, value in zip(COLLAPSED, np.linalg.lstsq(inner, z @ mu, rcond=None)[0], strict=True):
                cell = cells[label, column, "estimate"]
                found.append(Planted(73, label, column, "estimate", cell.value, float(value)))
    means = printed_table(MEANS_TABLE[measure])
    for t, year in enumerate(YEARS):
        for who, of in (("overall", slice(None)), ("boys", False), ("girls", True)):
            at = rows.year == t if isinstance(of, slice) else (rows.year == t) & (rows.girl == of)
            if at.any():
                cell = means[year_label(year), f"{plan}, {who}", "mean"]
                found.append(
                    Planted(MEANS_TABLE[measure], cell.row, cell.column, "mean", cell.value, float(mu[at].mean()))
                )
    return found


def draw(rng: np.random.Generator, mu: F, measure: Measure) -> Ints:
    """Counts with expectation mu: Poisson about a gamma, skewed as absence and (far more) suspensions are."""
    shape = 4.0 if measure == "absence" else 0.12
    return np.minimum(rng.poisson(mu * rng.gamma(shape, 1 / shape, len(mu))), MOST[measure])


def settle(
    rng: np.random.Generator,
    counts: Ints,
    cell: Ints,
    goals: F,
) -> None:
    """Move counts by one here and there, in place, until the mean of each cell is its goal as nearly as can be."""
    order = np.argsort(cell, kind="stable")
    edges = np.searchsorted(cell[order], np.arange(len(goals) + 1))
    for g, goal in enumerate(goals):
        at = order[edges[g] : edges[g + 1]]
        if not len(at):
            continue
        missing = round(len(at) * goal) - int(counts[at].sum())
        while missing:
            able = at if missing > 0 else at[counts[at] > 0]
            if not len(able):
                break
            chosen = rng.choice(able, min(abs(missing), len(able)), replace=False)
            counts[chosen] += np.sign(missing)
            missing -= int(np.sign(missing)) * len(chosen)


def others(rng: np.random.Generator, pupils: Pupils, seen: Flags, measure: Measure) -> Ints:
    """Sessions of pupils outside the long samples, row by row of np.nonzero(seen).

    Those never on a plan keep the means of tables 53 and 57; those on a plan in one period lie towards its means.
    """
    pupil, year = np.nonzero(seen)
    girl = pupils.girl[pupil].astype(int)
    plan = np.array([["Not on a plan", "CIN plan", "CP plan"].index(k.plan or "Not on a plan") for k in KINDS])
    group = plan[pupils.kind[pupil]]
    share = girls_by_year(year, girl > 0)
    goal = np.stack([targets(measure, g, share) for g in ("Not on a plan", "CIN plan", "CP plan")])
    level = goal[group, year, girl]
    level = np.where(group > 0, 0.7 * level + 0.3 * goal[0, year, girl], level)
    spread = 1.6 if measure == "absence" else 0.35
    nature = rng.gamma(spread, 1 / spread, pupils.n)[pupil]
    pull = np.exp(0.25 * pupils.fsm[pupil, year] + 0.8 * (pupils.idaci[pupil, year] - 0.19))
    mu = level * nature * pull
    plain = (group == 0) & (pupils.send[pupil] == 0)
    cell = np.where(plain, year * 2 + girl, 8)
    size, total = np.bincount(cell, minlength=9), np.bincount(cell, weights=mu, minlength=9)
    wanted = np.append(goal[0].reshape(-1), np.nan)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(total > 0, wanted * size / total, 1.0)
    # The others keep their own level on average; children with SEND miss a quarter more.
    rest = cell == 8
    scale[8] = 1 / max(float((nature * pull)[rest].mean()), 1e-9) if rest.any() else 1.0
    mu = mu * np.where(pupils.send[pupil] > 0, 1.25, 1.0)
    counts = draw(rng, mu * scale[cell], measure)
    settle(rng, counts, cell, wanted[:8])
    return counts

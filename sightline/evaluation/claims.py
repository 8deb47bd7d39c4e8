"""The study's claims: one estimate for each outcome and plan, and the linear model whose one column is that claim.

What lies beyond the report (resampling, power, equivalence, many tests, choices) is asked of these.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from sightline.evaluation.attainment import clusters, fit_logit, groups_small, treated_average
from sightline.evaluation.engagement import fit_panel
from sightline.evaluation.result import Builder
from sightline.evaluation.samples import (
    ASKED_AS,
    PERIOD,
    F,
    Frame,
    Grouped,
    Panel,
    cluster_of,
    did_terms,
    grouped,
    panel,
    treated_form,
)
from sightline.statistics import (
    CONSTANT,
    CannotEstimate,
    Cells,
    CrossProducts,
    Dropped,
    Estimate,
    cells_cross_products,
    effect_on_treated,
    ols,
    within_cross_products,
)

ENGAGEMENT: Final = "engagement"
DOMAINS: Final[Mapping[str, str]] = {
    ENGAGEMENT: "absence and suspension",
    "ks1": "Key Stage 1",
    "ks2": "Key Stage 2",
    "ks4": "Key Stage 4",
}
MEASURED: Final[Mapping[str, str]] = {"Absence": "missed", "Suspension": "suspended"}


def titled(domain: str) -> str:
    """A domain's words at the start of a sentence."""
    words = DOMAINS[domain]
    return words[0].upper() + words[1:]


def after_row(plan: str) -> str:
    """The row of the engagement tables that the report reads: months on a plan after the extension."""
    return f"Months subject to a {plan} after VSH extension"


def outcomes(frame: Frame, domain: str) -> Mapping[str, str]:
    """The study's outcomes of a domain that carry a claim, by the words of their column."""
    if domain != ENGAGEMENT:
        return frame.outcomes(domain)
    return {word: name for word, name in MEASURED.items() if ASKED_AS[name] in frame.study.outcomes.engagement}


def claim_words(domain: str, plan: str) -> str:
    """What a claim of this domain is, in words."""
    if domain == ENGAGEMENT:
        return f"sessions a year for each month subject to a {plan} after the extension, pupil fixed effects"
    kind = "score" if domain == "ks4" else "probability of reaching the standard"
    return f"{kind}: effect on the treated, children on a {plan} after the extension"


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: its outcome, the estimate with the study's standard errors, and the margin that matters."""

    outcome: str
    found: Estimate
    n: int
    margin: float
    spread: float


def widest(frame: Frame, plan: str, measure: str) -> Panel:
    """The widest engagement sample, complete rows only. CannotEstimate when it is smaller than the study asks for."""
    p = panel(frame, plan, measure)
    p = p.where(np.isfinite(np.array([*p.regressors().values(), p.outcome])).all(axis=0))
    least = max(frame.study.groups.least, 2)
    if p.pupils < least:
        raise CannotEstimate(f"{p.pupils:,} pupils, fewer than the {least:,} the study asks for; the data are too few")
    return p


def checked(frame: Frame, g: Grouped, outcome: str) -> Grouped:
    """The groups, when both are as large as the study asks for; CannotEstimate otherwise."""
    why = groups_small(frame, g, outcome)
    if why:
        raise CannotEstimate(f"{why}; the data are too few")
    return g


def claims(frame: Frame, domain: str, plan: str, b: Builder | None = None) -> Iterator[Claim]:
    """Each claim of a domain that can be had; the others are refused in `b`, by outcome and with the reason."""
    g = None
    if domain != ENGAGEMENT:
        errors = frame.study.models.score_errors if domain == "ks4" else frame.study.models.attainment_errors
        g = grouped(frame, domain, plan, clusters(errors))
    for outcome, name in outcomes(frame, domain).items():
        try:
            yield _engaged(frame, plan, outcome, name) if g is None else _attained(frame, domain, g, outcome, name)
        except CannotEstimate as error:
            if b is not None:
                b.refuse(outcome, str(error))


def _engaged(frame: Frame, plan: str, outcome: str, measure: str) -> Claim:
    p = widest(frame, plan, measure)
    fit = fit_panel(frame, p, p.outcome)
    if after_row(plan) not in fit.estimates.names:
        raise CannotEstimate("Months after the extension do not vary within any pupil.", [after_row(plan)])
    spread = float(p.outcome.std(ddof=1))
    return Claim(outcome, fit.estimates[after_row(plan)], fit.units, frame.study.beyond.margin_sessions, spread)


def _attained(frame: Frame, domain: str, g: Grouped, outcome: str, name: str) -> Claim:
    cells = checked(frame, g, name).cells(name)
    n = cells.n.sum()
    spread = float(np.sqrt(max(cells.squares.sum() / n - (cells.total.sum() / n) ** 2, 0.0)))
    if domain == "ks4":
        fit = ols(cells, errors=_score_errors(frame))  # type: ignore[arg-type]
        found = treated_average(fit, cells, g.plan)
        return Claim(outcome, found, fit.rows, frame.study.beyond.margin_score * spread, spread)
    odds, cells = fit_logit(frame, cells)
    on = f"Subject to a {g.plan}"
    found = effect_on_treated(
        odds, cells, treated=(on, PERIOD), off=tuple(row for row in did_terms(g.plan) if row in odds.names)
    )
    return Claim(outcome, found, odds.rows, frame.study.beyond.margin_share, spread)


def _score_errors(frame: Frame) -> str:
    chosen = frame.study.models.score_errors
    return "clustered" if clusters(chosen) else {"robust": "hc1"}.get(chosen, chosen)


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear model as cross-products by cluster, in which the coefficient of `term` is the claim.

    `names` are the clusters in the order of the cross-products; `dropped` what was left out.
    """

    cross: CrossProducts
    outcome: str
    term: str
    by: str
    names: tuple[str, ...]
    dropped: tuple[Dropped, ...]


def linear_panel(p: Panel, plan: str, *, by: str) -> Linear:
    """The pupil fixed-effects model; `by` pupil, or authority (of the pupil's first year: rows without one leave)."""
    lost: tuple[Dropped, ...] = ()
    cluster: F | None = None
    if by == "authority":
        home = p.home
        unknown = int((~np.isfinite(home)).sum())
        lost = (Dropped("rows", "authority", unknown, "missing value"),) if unknown else ()
        p, cluster = p.where(np.isfinite(home)), home[np.isfinite(home)]
    if not len(p.outcome):
        raise CannotEstimate("No row has an authority.", ["authority"])
    cross, dropped = within_cross_products(
        {p.measure: p.outcome}, p.design(), p.columns["pupil"], cluster=cluster
    ).usable()
    return _linear(cross, p.measure, after_row(plan), by, (), (*lost, *dropped))


def linear_cells(cells: Cells, name: str, plan: str, by: str, names: tuple[str, ...]) -> Linear:
    """The linear difference in differences, written so that the row marked DID is the effect on the treated."""
    cross, dropped = cells_cross_products(treated_form(cells, plan), name).usable()
    return _linear(cross, name, did_terms(plan)[0], by, names, (*cells.dropped, *dropped))


def _linear(
    cross: CrossProducts, outcome: str, term: str, by: str, names: tuple[str, ...], dropped: tuple[Dropped, ...]
) -> Linear:
    if term not in cross.regressors:
        why = next((d.why for d in dropped if d.name == term), "is not among the columns")
        raise CannotEstimate(f"'{term}' {why}, so there is no effect to estimate.", [term])
    xx, xy, yy = (part.sum(axis=0) for part in cross.parts(outcome))
    spread = float(yy) if CONSTANT not in cross.regressors else float(yy) - _mean_square(xx, xy, cross)
    if spread <= 1e-14 * float(yy) or float(yy) <= 0:
        raise CannotEstimate("The outcome does not vary.", ["outcome"])
    return Linear(cross, outcome, term, by, names, dropped)


def _mean_square(xx: F, xy: F, cross: CrossProducts) -> float:
    """What the mean alone explains: (sum of y)^2 / n, from the constant's row."""
    j = cross.regressors.index(CONSTANT)
    return float(xy[j] ** 2 / xx[j, j])


def linears(frame: Frame, domain: str, plan: str, b: Builder | None = None) -> Iterator[tuple[str, Linear]]:
    """The linear model of each claim by authority (school where there are few), those that can be had."""
    by = cluster_of(frame)
    g = None if domain == ENGAGEMENT else grouped(frame, domain, plan, by, coarse=True)
    for outcome, name in outcomes(frame, domain).items():
        try:
            if g is None:
                yield outcome, linear_panel(widest(frame, plan, name), plan, by="authority")
            else:
                cells = checked(frame, g, name).cells(name)
                yield outcome, linear_cells(cells, name, plan, by, g.cluster_names(name))
        except CannotEstimate as error:
            if b is not None:
                b.refuse(outcome, str(error))

"""Every defensible choice at once: the claim under each sample, set of controls, standard error and scale."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, Final

import numpy as np

from sightline.evaluation.attainment import fit_logit, treated_average
from sightline.evaluation.claims import (
    DOMAINS,
    ENGAGEMENT,
    after_row,
    checked,
    claim_words,
    outcomes,
    widest,
)
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import PERIOD, Frame, Grouped, cluster_of, did_terms, grouped
from sightline.statistics import (
    CannotEstimate,
    Estimate,
    effect_on_treated,
    ols,
    poisson_within,
    specification_curve,
    within_cross_products,
)

SEND: Final[Mapping[str, str]] = {"without": "without SEND", "with": "with SEND", "all": "all children"}
OPTIONAL: Final = ("Age", "Eligible for FSM", "IDACI score")
BLOCKS: Final[Mapping[str, tuple[str, ...]]] = {
    "FSM": ("FSM",),
    "IDACI": ("IDACI",),
    "sex": ("Female",),
    "ethnic group": ("Ethnic group",),
    "region": ("Region",),
}
"""Controls that come and go together: columns with one of these words in their name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One specification and what it gave."""

    outcome: str
    found: Estimate
    n: int
    told: Mapping[str, str]


def curve(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """The claim under every combination of choices, sorted by size, with a summary for each outcome."""
    b = Builder()
    made = list(_panel_choices(frame, b, plan) if domain == ENGAGEMENT else _section_choices(frame, b, domain, plan))
    level = frame.study.models.level
    for outcome in dict.fromkeys(c.outcome for c in made):
        mine = sorted((c for c in made if c.outcome == outcome), key=lambda c: (c.found.estimate, str(c.told)))
        values = np.array([c.found.estimate for c in mine])
        middle = float(np.median(values))
        row, n = f"{outcome}: summary", min(c.n for c in mine)
        b.put(f"{row}, specifications", "Estimate", count=len(mine))
        b.put(f"{row}, median", "Estimate", estimate=middle, N=n)
        b.put(
            f"{row}, share with the median's sign", "Estimate", percent=100 * float((values * middle > 0).mean()), N=n
        )
        significant = np.mean([c.found.p < 1 - level for c in mine])
        b.put(f"{row}, share significant", "Estimate", percent=100 * float(significant), N=n)
        for i, c in enumerate(mine, 1):
            row = f"{outcome} {i:03d}"
            b.estimate(row, "Estimate", c.found, level=level)
            b.put(row, "Estimate", N=c.n)
            for name, value in c.told.items():
                b.put(row, name, verdict=value)
    return b.table(
        table_id,
        f"Every defensible choice for {DOMAINS[domain]}, {plan}",
        sample="Children without SEND, with SEND, and all"
        + (", with a plan in at least so many years" if domain == ENGAGEMENT else ""),
        estimator=f"One fit for each combination of sample, controls, errors and scale of: {claim_words(domain, plan)}",
        errors="as each row says",
        formula="as for the claim, with and without each control",
        notes=(
            "Rows are sorted by the estimate, as a specification curve is drawn (Simonsohn, Simmons and Nelson 2020). "
            "No row is picked; the summary says what all of them have in common.",
            *(
                ("Poisson rows are on the log scale and have a summary of their own.",)
                if domain == ENGAGEMENT
                else (
                    "Logit rows are Puhani's effect on the treated, linear rows the linear probability or score "
                    "model's: both on the scale of the outcome.",
                )
            ),
            "These fits share most of their data, so the shares are no p values.",
        ),
        source="Beyond the report; its own range is the text under Robustness checks and sensitivity analysis",
    )


def _panel_choices(frame: Frame, b: Builder, plan: str) -> Iterator[Choice]:
    for outcome, measure in outcomes(frame, ENGAGEMENT).items():
        for send, whom in SEND.items():
            for years in frame.study.groups.years_on_plan:
                here = replace(frame, send=send)
                sample = {"Children": whom, "Years with a plan": f"{years} or more"}
                try:
                    p = widest(here, plan, measure).at_least(years)
                    if p.pupils < max(frame.study.groups.least, 2):
                        raise CannotEstimate(f"{p.pupils:,} pupils, fewer than the study asks for")
                    cross, _ = within_cross_products({measure: p.outcome}, p.design(), p.columns["pupil"]).usable()
                    optional = [name for name in OPTIONAL if name in cross.regressors]
                    for kind, says in (("conventional", "conventional"), ("clustered", "by pupil")):
                        errors: Any = kind
                        found = specification_curve(cross, measure, after_row(plan), optional=optional, errors=errors)
                        for held, value, se, df in zip(
                            found.included, found.estimates, found.se, found.df, strict=True
                        ):
                            names = [name for name, inside in zip(optional, held, strict=True) if inside]
                            told = sample | {
                                "Controls": ", ".join(names) or "none",
                                "Errors": says,
                                "Scale": "sessions",
                            }
                            e = Estimate(after_row(plan), float(value), float(se), float(df))
                            yield Choice(outcome, e, p.pupils, told)
                except CannotEstimate as error:
                    b.refuse(f"{outcome}, {whom}, {years} years", str(error))
                    continue
                try:
                    rates = poisson_within(p.outcome, p.design(), p.columns["pupil"])
                    told = sample | {"Controls": ", ".join(OPTIONAL), "Errors": "by pupil", "Scale": "log (Poisson)"}
                    yield Choice(f"{outcome}, Poisson", rates.estimates[after_row(plan)], rates.units, told)
                except (CannotEstimate, KeyError) as error:
                    b.refuse(f"{outcome}, Poisson, {whom}, {years} years", str(error).strip('"'))


def _section_choices(frame: Frame, b: Builder, domain: str, plan: str) -> Iterator[Choice]:
    by = cluster_of(frame)
    for send, whom in SEND.items():
        here = replace(frame, send=send)
        placed, plain = (grouped(here, domain, plan, c, coarse=True) for c in (by, None))
        held = [block for block, words in BLOCKS.items() if any(word in n for n in plain.names for word in words)]
        for outcome, name in outcomes(frame, domain).items():
            try:
                checked(here, plain, name)
            except CannotEstimate as error:
                b.refuse(f"{outcome}, {whom}", str(error))
                continue
            for size in range(len(held) + 1):
                for blocks in combinations(held, size):
                    told = {"Children": whom, "Controls": ", ".join(blocks) or "none"}
                    yield from _fits(here, b, (placed, plain), domain, outcome, name, _names(plain, plan, blocks), told)


def _names(g: Grouped, plan: str, blocks: tuple[str, ...]) -> tuple[str, ...]:
    """The columns of a specification: period, plan and their product, and those of the blocks."""
    wanted = [word for block in blocks for word in BLOCKS[block]]
    always = (PERIOD, f"Subject to a {plan}", did_terms(plan)[0])
    return tuple(n for n in g.names if n in always or any(word in n for word in wanted))


def _fits(
    frame: Frame,
    b: Builder,
    groups: tuple[Grouped, Grouped],
    domain: str,
    outcome: str,
    name: str,
    names: tuple[str, ...],
    told: Mapping[str, str],
) -> Iterator[Choice]:
    placed, plain = groups
    on, plan = f"Subject to a {plain.plan}", plain.plan
    scale = "score" if domain == "ks4" else "linear probability"
    for g, kind, says in (
        (plain, "hc1", "robust"),
        (placed, "clustered", f"by {cluster_of(frame)}"),
    ):
        try:
            # FSM stays in the cells, where the average over the treated needs it; only `names` enter the model.
            cells = g.cells(name, tuple(dict.fromkeys((*names, "Eligible for FSM"))))
            extra = [n for n in cells.names if n not in names]
            errors: Any = kind
            fit = ols(cells.without(extra), errors=errors)
            found = treated_average(fit, cells, plan)
        except CannotEstimate as error:
            b.refuse(f"{outcome}, {told['Children']}, {told['Controls']}, {says}", str(error))
            continue
        yield Choice(outcome, found, fit.rows, {**told, "Errors": says, "Scale": scale})
    if domain == "ks4":
        return
    try:
        odds, cells = fit_logit(frame, plain.cells(name, names), "model")
        off = [row for row in did_terms(plan) if row in cells.regressors]
        found = effect_on_treated(odds, cells, treated=(on, PERIOD), off=off)
    except CannotEstimate as error:
        b.refuse(f"{outcome}, {told['Children']}, {told['Controls']}, logit", str(error))
        return
    yield Choice(outcome, found, odds.rows, {**told, "Errors": "model", "Scale": "logit, effect on the treated"})

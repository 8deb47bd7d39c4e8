"""Attainment: difference-in-differences logits as the report prints them, and what they say of the policy."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import (
    PERIOD,
    Frame,
    Grouped,
    did_products,
    did_rows,
    did_terms,
    grouped,
    share_of_fsm,
)
from sightline.statistics import (
    CONSTANT,
    CannotEstimate,
    Cells,
    Estimate,
    LogitFit,
    OlsFit,
    cross_difference,
    effect_on_treated,
    linear_probability,
    logit,
    marginal_effects,
    ols,
    undecided,
)

ETHNICITY = "Ethnic group is also controlled for; its estimates are not shown. The largest group is the baseline."
NOT_THE_EFFECT = (
    "dy/dx moves a product column while its factors stand still, so the row marked DID is not the change in chances "
    "that the extension made. Read the effect on the treated instead."
)
EFFECT = "Effect on the treated (Puhani): the headline"
EFFECTS = {
    EFFECT: (
        "Mean change in probability for children on a plan after the extension, both plan x period terms switched off: "
        "right if log-odds would have moved in parallel (Puhani 2012)."
    ),
    "Effect on the treated, two-way term only": "The same with only the row marked DID switched off.",
    "Linear probability": (
        "The same children's average of the plan x period terms of a linear model: right if probabilities would have "
        "moved in parallel."
    ),
    "Cross difference (Ai and Norton)": (
        "The interaction on the probability scale, averaged over everyone. It is far from nought where both main "
        "effects are large even if the policy does nothing, so it is no effect of the policy."
    ),
}


def clusters(errors: str) -> str | None:
    return errors if errors in ("school", "authority") else None


def groups_small(frame: Frame, g: Grouped, outcome: str) -> str:
    """Which groups are smaller than the study asks for, counting only the pupils a model of the outcome takes."""
    least = frame.study.groups.least
    small = {name: n for name, n in g.entering(outcome).items() if n < least}
    return "; ".join(
        f"{n:,} pupils in the group {name} with nothing missing, fewer than the {least:,} asked for"
        for name, n in small.items()
    )


def fit_logit(frame: Frame, cells: Cells, errors: Any = None) -> tuple[LogitFit, Cells]:
    """The logit by the study's standard errors and its rule on separation, and the cells it stands on.

    Raises CannotEstimate as `logit` does: under the rule "refuse" when a column predicts an outcome for certain.
    """
    kind: Any = frame.study.models.attainment_errors if errors is None else errors
    kind = "clustered" if clusters(kind) else kind
    rule = frame.study.models.separation
    if rule == "drop":
        cells = undecided(cells)
        return logit(cells, errors=kind), cells
    return logit(cells, errors=kind, separation="firth" if rule == "firth" else "refuse"), cells


def did_logit(frame: Frame, table_id: str, stage: str, plan: str, printed: int) -> Table:
    """Tables 63, 64, 67 and 68: dy/dx of every column of a difference-in-differences logit, delta-method errors."""
    b = Builder()
    g = grouped(frame, stage, plan, clusters(frame.study.models.attainment_errors))
    says = ""
    for outcome, name in frame.outcomes(stage).items():
        why = groups_small(frame, g, name)
        if why:
            b.refuse(outcome, f"{why}; the data are too few")
            continue
        try:
            fit, cells = fit_logit(frame, g.cells(name))
            discrete = [row for row in fit.names[:-1] if binary(cells, row)] if frame.study.models.discrete else []
            effects = marginal_effects(fit, cells, discrete=discrete)
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        for row in did_rows(plan, frame.study.models.covariates):
            if row in effects.names:
                b.estimate(row, outcome, effects[row], level=frame.study.models.level)
        b.put("N", outcome, N=fit.rows)
        b.put("Share reaching the standard", outcome, percent=100 * fit.successes / fit.rows)
        b.put("Pseudo R-squared", outcome, mean=fit.pseudo_r2)
        b.put("Cells of identical pupils", outcome, count=fit.cells)
        b.put("Degrees of freedom", outcome, df="normal")
        b.drop(outcome, fit.dropped)
        says = fit.estimates.errors
    return b.table(
        table_id,
        f"Likelihood of reaching the expected standard at {stage.upper()} for children subject to a {plan}",
        sample=_sample(frame, stage, plan),
        estimator="Logit on cells of identical pupils; average marginal effects, each column a variable of its own",
        errors=f"{says or frame.study.models.attainment_errors}, delta method",
        formula=f"Pr(reached) = F({_terms(frame, plan)})",
        notes=(ETHNICITY, NOT_THE_EFFECT) if frame.study.models.ethnicity else (NOT_THE_EFFECT,),
        printed=printed,
        source=f"Table {printed}; Annex 4, Educational attainment",
    )


def _terms(frame: Frame, plan: str) -> str:
    """The right-hand side of the models, as the study asks for them."""
    models = frame.study.models
    words = [w for w, asked in (("ethnic group", models.ethnicity), ("region", models.region)) if asked]
    return " + ".join(["constant", *did_rows(plan, models.covariates), *words])


def binary(cells: Cells, row: str) -> bool:
    return bool(np.isin(cells.regressors[row], (0.0, 1.0)).all())


def _sample(frame: Frame, stage: str, plan: str) -> str:
    return (
        f"{frame.whom}, with the {stage.upper()} result; on a {plan} in the academic year of the result, against on "
        "neither kind of plan in it"
    )


def did_effects(frame: Frame, table_id: str, stage: str, plan: str) -> Table:
    """What the logit says of the policy: effect on the treated, linear probability, and the cross difference."""
    b = Builder()
    g = grouped(frame, stage, plan, clusters(frame.study.models.attainment_errors))
    on = f"Subject to a {plan}"
    two, three = did_terms(plan)
    says = ""
    for outcome, name in frame.outcomes(stage).items():
        why = groups_small(frame, g, name)
        if why:
            b.refuse(outcome, f"{why}; the data are too few")
            continue
        try:
            fit, cells = fit_logit(frame, g.cells(name))
            both = effect_on_treated(
                fit, cells, treated=(on, PERIOD), off=tuple(row for row in (two, three) if row in fit.names)
            )
            one = effect_on_treated(fit, cells, treated=(on, PERIOD), off=(two,))
            line = _linear(frame, cells, plan)
            cross = cross_difference(
                fit, cells, on, PERIOD, products={row: of for row, of in did_products(plan).items() if row in fit.names}
            )
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        for row, e in zip(EFFECTS, (both, one, line, cross), strict=True):
            b.estimate(row, outcome, e, level=frame.study.models.level)
        treated = (cells.regressors[on] == 1) & (cells.regressors[PERIOD] == 1)
        b.put("N", outcome, N=fit.rows)
        b.put("Pupils on the plan after the extension", outcome, N=round(float(cells.n[treated].sum())))
        b.put("Degrees of freedom", outcome, df="normal")
        b.drop(outcome, fit.dropped)
        says = fit.estimates.errors
    return b.table(
        table_id,
        f"Change in the probability of reaching the expected standard at {stage.upper()}, children on a {plan}",
        sample=_sample(frame, stage, plan),
        estimator="From the logit of the table before, and a linear model of the same cells",
        errors=f"{says or frame.study.models.attainment_errors}, delta method; linear probability robust or clustered",
        formula=f"on the treated: mean of F(xb) - F(xb without {two} and {three}) over children on a {plan} after; "
        f"xb = {_terms(frame, plan)}",
        notes=tuple(f"{row}: {text}" for row, text in EFFECTS.items()),
        source="Puhani (2012); Ai and Norton (2003)",
    )


def _linear(frame: Frame, cells: Cells, plan: str) -> Estimate:
    """The linear probability model's effect on the treated: the plan x period terms at the treated's share of FSM."""
    clustered = clusters(frame.study.models.attainment_errors) is not None
    return treated_average(linear_probability(cells, errors="clustered" if clustered else "hc1"), cells, plan)


def treated_average(fit: OlsFit, cells: Cells, plan: str) -> Estimate:
    """The plan x period terms of a linear model at the treated's share of FSM: its effect on the treated."""
    two, three = did_terms(plan)
    weights = {row: w for row, w in ((two, 1.0), (three, share_of_fsm(cells, plan))) if row in fit.estimates.names}
    if not weights:
        raise CannotEstimate("No plan x period term could be estimated, so there is no effect on the treated.", [two])
    return fit.estimates.combination(weights)


def did_scores(frame: Frame, table_id: str, stage: str, plan: str, printed: int) -> Table:
    """Tables 71 and 72: difference in differences of key stage 4 scores by least squares."""
    b = Builder()
    errors: Any = frame.study.models.score_errors
    g = grouped(frame, stage, plan, clusters(errors))
    two, three = did_terms(plan)
    kind: Any = "clustered" if clusters(errors) else {"conventional": "conventional", "robust": "hc1"}[errors]
    says = ""
    for outcome, name in frame.outcomes(stage).items():
        why = groups_small(frame, g, name)
        if why:
            b.refuse(outcome, f"{why}; the data are too few")
            continue
        try:
            cells = g.cells(name)
            fit = ols(cells, errors=kind)
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        for row in did_rows(plan, frame.study.models.covariates):
            if row in fit.estimates.names:
                b.estimate(row, outcome, fit.estimates[row], level=frame.study.models.level)
        b.estimate("Constant", outcome, fit.estimates[CONSTANT], level=frame.study.models.level)
        if {two, three} & set(fit.estimates.names):
            effect = treated_average(fit, cells, plan)
            b.estimate(
                "Effect on the treated: both plan x period terms", outcome, effect, level=frame.study.models.level
            )
        b.put("N", outcome, N=fit.rows)
        b.put("Cells of identical pupils", outcome, count=fit.cells)
        b.put("Degrees of freedom", outcome, df=fit.estimates.df)
        b.put("R-squared", outcome, mean=fit.r2)
        b.drop(outcome, fit.dropped)
        says = fit.estimates.errors
    return b.table(
        table_id,
        f"OLS regression for {stage.upper()} outcomes for children subject to a {plan}",
        sample=_sample(frame, stage, plan),
        estimator="Least squares on cells of identical pupils (n, sum and sum of squares)",
        errors=says or frame.study.models.score_errors,
        formula=f"score = {_terms(frame, plan)} + error",
        notes=(
            *((ETHNICITY,) if frame.study.models.ethnicity else ()),
            f"The row marked DID is the effect for children not eligible for FSM; the row below the constant adds the "
            f"term with FSM at its share among children on the {plan}.",
            "Table 71 does not print the row of girls after the extension; its errors show that the term was there.",
        ),
        printed=printed,
        source=f"Table {printed}; Annex 4, Educational attainment",
    )

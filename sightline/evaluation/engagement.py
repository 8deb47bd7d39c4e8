"""Engagement: pupil fixed effects on sessions missed, and their robustness."""

from __future__ import annotations

from typing import Any

from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import MEASURES, WITHIN, Frame, Panel, controls_told, panel
from sightline.statistics import (
    CONSTANT,
    CannotEstimate,
    Estimates,
    PanelFit,
    WithinFit,
    conditional_logit,
    poisson_within,
    within,
)

AGE_AND_PERIOD = (
    "With one row a year, age within a pupil is the calendar: the row for the period is the break from a straight line "
    "through the years, not the whole change."
)
PROXY = (
    "Months on a plan stand for exposure to the extended duty, which no record holds; families differ with time on a "
    "plan, so a coefficient is an association."
)
ERRORS = {
    "conventional": "conventional",
    "robust": "robust, which for pupil effects is clustered by pupil",
    "clustered": "clustered by pupil",
    "two-way": "clustered two ways, by pupil and authority",
}
"""What the study's choice of engagement_errors means for least squares with pupil effects."""
LIKELIHOOD_ERRORS = {
    "conventional": "inverse information",
    "robust": "clustered by pupil",
    "clustered": "clustered by pupil",
    "two-way": "clustered by the authority of the pupil's first year, which holds the pupil's years together",
}
"""The same for the conditional likelihoods, whose scores are whole pupils'."""


def too_few(frame: Frame, b: Builder, column: str, pupils: int) -> bool:
    """Whether fewer pupils enter a model than the study asks for; the column is then refused."""
    least = max(frame.study.groups.least, 2)
    if pupils < least:
        says = f"{pupils:,} pupils enter the model, fewer than the {least:,} the study asks for; the data are too few"
        b.refuse(column, says)
    return pupils < least


def fit_panel(frame: Frame, p: Panel, outcome: Any) -> WithinFit:
    models = frame.study.models
    told: dict[str, Any] = {"rule": "reghdfe" if models.singletons == "drop" else "xtreg"}
    if models.engagement_errors == "two-way":
        told |= {
            "errors": "clustered",
            "clusters": {"pupil": p.columns["pupil"], "authority": p.columns["authority"]},
        }
    else:
        told["errors"] = models.engagement_errors
    return within(outcome, p.design(), p.columns["pupil"], **told)


def likelihood_errors(frame: Frame, p: Panel) -> dict[str, Any]:
    """The study's standard errors as the conditional likelihoods take them."""
    chosen = frame.study.models.engagement_errors
    if chosen == "conventional":
        return {"errors": "model"}
    return {"errors": "clustered"} | ({"cluster": p.columns["authority"]} if chosen == "two-way" else {})


def put_estimates(b: Builder, column: str, estimates: Estimates, level: float) -> None:
    """Every estimate in its row: the plan's months first, as the report prints them."""
    # "... after VSH extension" comes before "... before VSH extension", in the alphabet and in the report.
    months = sorted(name for name in estimates.names if name.startswith("Months"))
    for name in [*months, *(n for n in estimates.names if n not in months)]:
        e = estimates[name]
        b.estimate("Constant" if e.name == CONSTANT else e.name, column, e, level=level)


def fixed_effects(frame: Frame, table_id: str, measure: str, plan: str, printed: int) -> Table:
    """Tables 55, 56, 59 and 60: sessions missed on months before and after, with an effect for each pupil."""
    b = Builder()
    widest = panel(frame, plan, measure)
    b.left += list(widest.left)
    says = ""
    for years in frame.study.groups.years_on_plan:
        column = frame.study.sample_label(years)
        p = widest.at_least(years)
        if too_few(frame, b, column, p.entering(p.outcome)):
            continue
        try:
            fit = fit_panel(frame, p, p.outcome)
        except CannotEstimate as error:
            b.refuse(column, str(error))
            continue
        if too_few(frame, b, column, fit.units):
            continue
        put_estimates(b, column, fit.estimates, frame.study.models.level)
        b.put("N", column, N=fit.units)
        b.put("Pupil-years", column, N=fit.rows)
        b.put("Pupils with one year only", column, count=fit.singletons)
        b.put("Degrees of freedom", column, df=fit.estimates.df)
        b.put("R-squared within pupils", column, mean=fit.r2_within)
        b.drop(column, fit.dropped)
        says = fit.estimates.errors
    word = MEASURES[measure]
    return b.table(
        table_id,
        f"Number of sessions missed due to {word} a year for children subject to a {plan}",
        sample=f"{frame.whom}, on a {plan} before and after the extension, by number of years with one",
        estimator="Least squares with an effect for each pupil; the constant is mean(y) - mean(x)'b, as xtreg, fe",
        errors=says or ERRORS[frame.study.models.engagement_errors],
        formula=f"sessions = pupil effect + {_terms(frame)} + error",
        notes=("N counts pupils, as the report does.", AGE_AND_PERIOD, PROXY),
        printed=printed,
        source=f"Table {printed}; Annex 4, Analytical approaches",
    )


def poisson(frame: Frame, table_id: str, measure: str, plan: str) -> Table:
    """Footnote 75: Poisson with an effect for each pupil, by its conditional likelihood."""
    b = Builder()
    widest = panel(frame, plan, measure)
    b.left += list(widest.left)
    for years in frame.study.groups.years_on_plan:
        column = frame.study.sample_label(years)
        p = widest.at_least(years)
        if too_few(frame, b, column, p.entering(p.outcome)):
            continue
        try:
            fit = poisson_within(p.outcome, p.design(), p.columns["pupil"], **likelihood_errors(frame, p))
        except CannotEstimate as error:
            b.refuse(column, str(error))
            continue
        if not too_few(frame, b, column, fit.units):
            _panel_fit(frame, b, column, fit)
    return b.table(
        table_id,
        f"Sessions missed due to {MEASURES[measure]}, Poisson with pupil effects, children subject to a {plan}",
        sample=f"{frame.whom}; only pupils with at least two years and at least one session inform the fit",
        estimator="Conditional Poisson likelihood; coefficients are changes in the log of expected sessions",
        errors=LIKELIHOOD_ERRORS[frame.study.models.engagement_errors],
        formula=f"expected sessions = exp(pupil effect + {_terms(frame)})",
        notes=(
            "Not comparable row by row with the linear tables: pupils who never missed a session are not in it.",
            AGE_AND_PERIOD,
        ),
        source="Footnote 75; the report says only that results remained substantively consistent",
    )


def _panel_fit(frame: Frame, b: Builder, column: str, fit: PanelFit) -> None:
    put_estimates(b, column, fit.estimates, frame.study.models.level)
    b.put("N", column, N=fit.units)
    b.put("Pupil-years", column, N=fit.rows)
    b.put("Degrees of freedom", column, df="normal")
    b.drop(column, fit.dropped)


def _terms(frame: Frame) -> str:
    return f"months after + months before + period{controls_told(frame, WITHIN)}"


def persistent_absence(frame: Frame, table_id: str, plan: str) -> Table:
    """Persistent and severe absence: linear probability with pupil effects, and conditional logit."""
    b = Builder()
    widest = panel(frame, plan, "missed")
    b.left += list(widest.left)
    chosen, asked = frame.study.models.engagement_errors, frame.study.outcomes
    for years in frame.study.groups.years_on_plan:
        for word, limit in (("persistent", asked.persistent / 100), ("severe", asked.severe / 100)):
            label = f"{frame.study.sample_label(years)}, {word}"
            p = widest.at_least(years)
            outcome = p.missed_more_than(limit)
            if too_few(frame, b, label, p.entering(outcome)):
                continue
            try:
                line = fit_panel(frame, p, outcome)
                if not too_few(frame, b, label, line.units):
                    put_estimates(b, label, line.estimates, frame.study.models.level)
                    b.put("N", label, N=line.units)
                    b.put("Pupil-years", label, N=line.rows)
                    b.put("Degrees of freedom", label, df=line.estimates.df)
                    b.drop(label, line.dropped)
            except CannotEstimate as error:
                b.refuse(label, str(error))
            log = f"{label}, log-odds"
            try:
                told = likelihood_errors(frame, p)
                odds = conditional_logit(outcome, p.design(), p.columns["pupil"], **told)
                if not too_few(frame, b, log, odds.units):
                    _panel_fit(frame, b, log, odds)
            except CannotEstimate as error:
                b.refuse(log, str(error))
    return b.table(
        table_id,
        f"Persistent and severe absence for children subject to a {plan}",
        sample=f"{frame.whom}; persistent: more than {asked.persistent:g}% of possible sessions missed in the year, "
        f"severe: over {asked.severe:g}%",
        estimator="Linear probability with an effect for each pupil (differences of probability); beside it the "
        "conditional logit (log-odds; it has no marginal effect, since pupil effects are conditioned away)",
        errors=f"linear: {ERRORS[chosen]}; conditional logit: {LIKELIHOOD_ERRORS[chosen]}",
        formula=f"missed more than the share = pupil effect + {_terms(frame)}",
        notes=(
            "The report says about 0.2 percentage points less persistent absence for each month on a CIN plan after.",
            "The conditional logit rests on pupils who changed; the others say nothing and are counted below.",
            AGE_AND_PERIOD,
        ),
        source="Annex 4, Other engagement outcomes",
    )

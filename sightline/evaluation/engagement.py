"""Engagement: pupil fixed effects on sessions missed, their robustness, and the check on selection."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.evaluation.result import Builder, Left, Table
from sightline.evaluation.samples import MEASURES, PERIOD, Frame, Panel, panel
from sightline.statistics import (
    CONSTANT,
    CannotEstimate,
    Estimate,
    Estimates,
    PanelFit,
    WithinFit,
    conditional_logit,
    ols,
    poisson_within,
    rows_as_cells,
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
PERSISTENT, SEVERE = 0.10, 0.50


def _too_few(frame: Frame, b: Builder, column: str, p: Panel) -> bool:
    least = max(frame.study.groups.least, 2)
    if p.pupils < least:
        b.refuse(column, f"{p.pupils:,} pupils, fewer than the {least:,} the study asks for; the data are too few")
    return p.pupils < least


def _fit(frame: Frame, p: Panel, outcome: Any) -> WithinFit:
    models = frame.study.models
    told: dict[str, Any] = {"rule": "reghdfe" if models.singletons == "drop" else "xtreg"}
    if models.engagement_errors == "two-way":
        told |= {
            "errors": "clustered",
            "clusters": {"pupil": p.columns["pupil"], "authority": p.columns["authority"]},
        }
    else:
        told["errors"] = models.engagement_errors
    return within(outcome, p.regressors(), p.columns["pupil"], **told)


def _put(b: Builder, column: str, estimates: Estimates, level: float) -> None:
    for e in estimates:
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
        if _too_few(frame, b, column, p):
            continue
        try:
            fit = _fit(frame, p, p.outcome)
        except CannotEstimate as error:
            b.refuse(column, str(error))
            continue
        _put(b, column, fit.estimates, frame.study.models.level)
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
        errors=says or frame.study.models.engagement_errors,
        formula="sessions = pupil effect + months after + months before + period + age + FSM + IDACI + error",
        notes=("N counts pupils, as the report does.", AGE_AND_PERIOD, PROXY),
        printed=printed,
        source=f"Table {printed}; Annex 4, Analytical approaches",
    )


def poisson(frame: Frame, table_id: str, measure: str, plan: str) -> Table:
    """Footnote 75: Poisson with an effect for each pupil, by its conditional likelihood."""
    b = Builder()
    widest = panel(frame, plan, measure)
    for years in frame.study.groups.years_on_plan:
        column = frame.study.sample_label(years)
        p = widest.at_least(years)
        if _too_few(frame, b, column, p):
            continue
        try:
            fit = poisson_within(p.outcome, p.regressors(), p.columns["pupil"])
        except CannotEstimate as error:
            b.refuse(column, str(error))
            continue
        _panel_fit(frame, b, column, fit)
    return b.table(
        table_id,
        f"Sessions missed due to {MEASURES[measure]}, Poisson with pupil effects, children subject to a {plan}",
        sample=f"{frame.whom}; only pupils with at least two years and at least one session inform the fit",
        estimator="Conditional Poisson likelihood; coefficients are changes in the log of expected sessions",
        errors="clustered by pupil",
        notes=(
            "Not comparable row by row with the linear tables: pupils who never missed a session are not in it.",
            AGE_AND_PERIOD,
        ),
        source="Footnote 75; the report says only that results remained substantively consistent",
    )


def _panel_fit(frame: Frame, b: Builder, column: str, fit: PanelFit) -> None:
    _put(b, column, fit.estimates, frame.study.models.level)
    b.put("N", column, N=fit.units)
    b.put("Pupil-years", column, N=fit.rows)
    b.drop(column, fit.dropped)


def persistent_absence(frame: Frame, table_id: str, plan: str) -> Table:
    """Missing more than 10% (and 50%) of sessions: linear probability with pupil effects, and conditional logit."""
    b = Builder()
    widest = panel(frame, plan, "missed")
    possible = widest.columns["possible"]
    share = np.where(possible > 0, widest.outcome / np.where(possible > 0, possible, 1), np.nan)
    for years in frame.study.groups.years_on_plan:
        for word, limit in (("persistent", PERSISTENT), ("severe", SEVERE)):
            label = f"{frame.study.sample_label(years)}, {word}"
            keep = widest.columns["years"] >= years
            p = widest.at_least(years)
            outcome = np.where(np.isfinite(share[keep]), (share[keep] > limit).astype(float), np.nan)
            if _too_few(frame, b, label, p):
                continue
            try:
                line = _fit(frame, p, outcome)
                _put(b, label, line.estimates, frame.study.models.level)
                b.put("N", label, N=line.units)
                b.put("Pupil-years", label, N=line.rows)
                b.drop(label, line.dropped)
            except CannotEstimate as error:
                b.refuse(label, str(error))
            log = f"{label}, log-odds"
            try:
                _panel_fit(frame, b, log, conditional_logit(outcome, p.regressors(), p.columns["pupil"]))
            except CannotEstimate as error:
                b.refuse(log, str(error))
    return b.table(
        table_id,
        f"Persistent and severe absence for children subject to a {plan}",
        sample=f"{frame.whom}; persistent: more than 10% of possible sessions missed in the year, severe: over 50%",
        estimator="Linear probability with an effect for each pupil (differences of probability); beside it the "
        "conditional logit (log-odds; it has no marginal effect, since pupil effects are conditioned away)",
        errors=f"linear: {frame.study.models.engagement_errors}; conditional logit: inverse information",
        notes=(
            "The report says about 0.2 percentage points less persistent absence for each month on a CIN plan after.",
            "The conditional logit rests on pupils who changed; the others say nothing and are counted below.",
            AGE_AND_PERIOD,
        ),
        source="Annex 4, Other engagement outcomes",
    )


_MONTHS = "Average months per year subject to a {plan} in the period"


def selection_check(frame: Frame, table_id: str, plan: str, printed: int) -> Table:
    """Table 73: averages of each period regressed on months on a plan, before and after, and the difference."""
    b = Builder()
    p = panel(frame, plan, "missed")
    c = p.columns
    complete = np.isfinite(np.array([p.outcome, *p.regressors().values(), c["female"]])).all(axis=0)
    lost = int((~complete).sum())
    b.left += list(p.left)
    if lost:
        b.left.append(Left("", "rows", "outcome or a covariate", lost, "missing value"))
    periods = {}
    for post, column in ((0, "before VSH extension"), (1, "after VSH extension")):
        at = np.flatnonzero(complete & (c["post"] == post))
        pupil, place = np.unique(c["pupil"][at], return_inverse=True)
        size = np.bincount(place)

        def mean(name: str, at: Any = at, place: Any = place, size: Any = size) -> Any:
            return np.bincount(place, weights=c[name][at]) / size

        periods[column] = (pupil, mean("missed"), _collapsed(plan, mean))
        if len(pupil) < max(frame.study.groups.least, 2):
            b.refuse(column, f"{len(pupil):,} pupils, fewer than the {frame.study.groups.least:,} the study asks for")
            continue
        try:
            fit = ols(rows_as_cells(periods[column][1], periods[column][2]), errors="conventional")
        except CannotEstimate as error:
            b.refuse(column, str(error))
            continue
        _put(b, column, fit.estimates, frame.study.models.level)
        b.put("N", column, N=fit.rows)
        b.put("Degrees of freedom", column, df=fit.estimates.df)
        b.drop(column, fit.dropped)
    column = "after less before"
    if not b.refused:
        try:
            b.estimate(_MONTHS.format(plan=plan), column, _difference(plan, periods), level=frame.study.models.level)
        except CannotEstimate as error:
            b.refuse(column, str(error))
    return b.table(
        table_id,
        f"Sessions missed due to absences in the same period, before and after the extension, subject to a {plan}",
        sample=f"{frame.whom}, the widest sample of the {plan}; a pupil is in a period with at least one year of it",
        estimator="Least squares on each pupil's averages of the period; the difference from one stacked model",
        errors="conventional; the difference clustered by pupil",
        formula="average sessions = constant + months + age + IDACI + female + FSM + error",
        notes=(
            "A slope other than nought before the extension is selection: what had not begun cannot have an effect.",
            "The report compares the two slopes by eye; the last column tests their difference.",
        ),
        printed=printed,
        source="Table 73; Annex 4, Measuring receipt of the VSH programme",
    )


def _collapsed(plan: str, mean: Any) -> dict[str, Any]:
    return {
        _MONTHS.format(plan=plan): mean("months"),
        "Average age in the period": mean("age"),
        "Average IDACI score in the period": mean("idaci"),
        "Female": mean("female"),
        "Eligible for FSM in the period": (mean("fsm") > 0).astype(float),
    }


def _difference(plan: str, periods: dict[str, Any]) -> Estimate:
    (pupil0, y0, x0), (pupil1, y1, x1) = periods.values()
    after = np.repeat([0.0, 1.0], [len(y0), len(y1)])
    columns: dict[str, Any] = {name: np.concatenate([x0[name], x1[name]]) for name in x0}
    columns |= {f"{name}, after": values * after for name, values in columns.items()}
    columns[PERIOD] = after
    pupil = np.concatenate([pupil0, pupil1])
    fit = ols(rows_as_cells(np.concatenate([y0, y1]), columns, cluster=pupil), errors="clustered")
    return fit.estimates[f"{_MONTHS.format(plan=plan)}, after"]

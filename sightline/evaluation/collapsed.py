"""Engagement collapsed to one row per pupil and period: the check on selection, and linear and logit models."""

from __future__ import annotations

from typing import Any

import numpy as np

from sightline.evaluation.attainment import fit_logit
from sightline.evaluation.engagement import put_estimates
from sightline.evaluation.result import Builder, Left, Table
from sightline.evaluation.samples import MEASURES, PERIOD, F, Frame, Panel, controls_told, panel
from sightline.statistics import (
    CannotEstimate,
    Cells,
    Estimate,
    marginal_effects,
    ols,
    rows_as_cells,
)

PERIODS = ("before VSH extension", "after VSH extension")
MONTHS = "Average months per year subject to a {plan} in the period"
FSM_IN_PERIOD = "Eligible for FSM in the period"
ANY = {"missed": "persistent absence in any year", "suspended": "any suspension"}


class Collapsed:
    """One row per pupil of a period: averages of its years, whether the event came in any of them, and the authority.

    Rows with the outcome or a covariate missing are left out before averaging, counted in `lost`.
    """

    def __init__(self, p: Panel, persistent: float) -> None:
        c = p.columns
        event = p.missed_more_than(persistent) if p.measure == "missed" else c["suspended"] > 0
        sex = [c["female"]] if "female" in p.covariates else []
        complete = np.isfinite(np.array([p.outcome, *p.regressors().values(), *sex])).all(axis=0)
        self.lost = int((~complete).sum())
        self.pupil: list[Any] = []
        self.outcome: list[F] = []
        self.event: list[F] = []
        self.columns: list[dict[str, F]] = []
        self.authority: list[F] = []
        home = p.home if len(p.outcome) else c["authority"]
        for post in (0, 1):
            at = np.flatnonzero(complete & (c["post"] == post))
            pupil, first, place = np.unique(c["pupil"][at], return_index=True, return_inverse=True)
            size = np.bincount(place.reshape(-1), minlength=len(pupil))

            def mean(values: F, at: Any = at, place: Any = place, size: Any = size) -> F:
                return np.asarray(np.bincount(place.reshape(-1), weights=values[at], minlength=len(size)) / size)

            self.pupil.append(pupil)
            self.outcome.append(mean(p.outcome))
            # Not a number only where no year of the pupil's says: mean() of a missing one would lose the pupil.
            known = mean(np.isfinite(event).astype(float)) > 0
            self.event.append(np.where(known, (mean(np.nan_to_num(event)) > 0).astype(float), np.nan))
            self.columns.append({name: mean(c[name]) for name in ("months", *p.covariates)})
            self.authority.append(home[at][first])


def _cells(y: F, x: dict[str, F], authority: F | None) -> Cells:
    return rows_as_cells(y, x, cluster=authority)


def _errors(frame: Frame, authority: F) -> tuple[str, F | None]:
    """The study's choice for one row per pupil: kind for least squares, and the clusters."""
    chosen = frame.study.models.collapsed_errors
    return ("clustered", authority) if chosen == "authority" else ({"robust": "hc1"}.get(chosen, chosen), None)


def _told(frame: Frame) -> str:
    chosen = frame.study.models.collapsed_errors
    return "clustered by the authority of the pupil's first year" if chosen == "authority" else chosen


def _start(frame: Frame, plan: str, measure: str) -> tuple[Builder, Collapsed]:
    b, p = Builder(), panel(frame, plan, measure)
    b.left += list(p.left)
    held = Collapsed(p, frame.study.outcomes.persistent / 100)
    if held.lost:
        b.left.append(Left("", "rows", "outcome or a covariate", held.lost, "missing value"))
    return b, held


def selection_check(frame: Frame, table_id: str, plan: str, printed: int) -> Table:
    """Table 73: averages of each period regressed on months on a plan, before and after, and the difference."""
    b, held = _start(frame, plan, "missed")
    columns = [_rows_of_73(plan, x) for x in held.columns]
    for i, column in enumerate(PERIODS):
        n = len(held.pupil[i])
        if n < max(frame.study.groups.least, 2):
            b.refuse(column, f"{n:,} pupils, fewer than the {frame.study.groups.least:,} the study asks for")
            continue
        kind, authority = _errors(frame, held.authority[i])
        try:
            fit = ols(_cells(held.outcome[i], columns[i], authority), errors=kind)  # type: ignore[arg-type]
        except CannotEstimate as error:
            b.refuse(column, str(error))
            continue
        put_estimates(b, column, fit.estimates, frame.study.models.level)
        b.put("N", column, N=fit.rows)
        b.put("Degrees of freedom", column, df=fit.estimates.df)
        b.drop(column, fit.dropped)
    column = "after less before"
    if not b.refused:
        try:
            found = _difference(held, columns, held.outcome, MONTHS.format(plan=plan))
            b.estimate(MONTHS.format(plan=plan), column, found, level=frame.study.models.level)
            b.put("N", column, N=_fewest(held.outcome))
        except CannotEstimate as error:
            b.refuse(column, str(error))
    return b.table(
        table_id,
        f"Sessions missed due to absences in the same period, before and after the extension, subject to a {plan}",
        sample=f"{frame.whom}, the widest sample of the {plan}; a pupil is in a period with at least one year of it",
        estimator="Least squares on each pupil's averages of the period; the difference from one stacked model",
        errors=f"{_told(frame)}; the difference clustered by pupil",
        formula=f"average sessions = constant + months{controls_told(frame)} + error",
        notes=(
            "A slope other than nought before the extension is selection: what had not begun cannot have an effect.",
            "The report compares the two slopes by eye; the last column tests their difference.",
        ),
        printed=printed,
        source="Table 73; Annex 4, Measuring receipt of the VSH programme",
    )


def _rows_of_73(plan: str, x: dict[str, F]) -> dict[str, F]:
    known = {
        "Average age in the period": x.get("age"),
        "Average IDACI score in the period": x.get("idaci"),
        "Female": x.get("female"),
        FSM_IN_PERIOD: (x["fsm"] > 0).astype(float) if "fsm" in x else None,
    }
    return {MONTHS.format(plan=plan): x["months"]} | {row: v for row, v in known.items() if v is not None}


def _rows_collapsed(plan: str, x: dict[str, F]) -> dict[str, F]:
    return _rows_of_73(plan, x) | ({FSM_IN_PERIOD: x["fsm"]} if "fsm" in x else {})


def _fewest(outcome: list[F]) -> int:
    """Pupils behind a change: those of the smaller period."""
    return min(len(y) for y in outcome)


def _difference(held: Collapsed, columns: list[dict[str, F]], outcome: list[F], row: str) -> Estimate:
    """The change of one slope from before to after: both periods in one model, clustered by pupil."""
    after = np.repeat([0.0, 1.0], [len(y) for y in outcome])
    both: dict[str, Any] = {name: np.concatenate([x[name] for x in columns]) for name in columns[0]}
    both |= {f"{name}, after": values * after for name, values in both.items()}
    both[PERIOD] = after
    pupil = np.concatenate(held.pupil)
    fit = ols(rows_as_cells(np.concatenate(outcome), both, cluster=pupil), errors="clustered")
    return fit.estimates[f"{row}, after"]


def collapsed(frame: Frame, table_id: str, measure: str, plan: str) -> Table:
    """The report's alternative for engagement: one row per pupil and period, linear and logit, with sex."""
    b, held = _start(frame, plan, measure)
    columns = [_rows_collapsed(plan, x) for x in held.columns]
    months, level = MONTHS.format(plan=plan), frame.study.models.level
    for i, period in enumerate(PERIODS):
        n = len(held.pupil[i])
        kind, authority = _errors(frame, held.authority[i])
        names = [f"{period}, sessions", f"{period}, {ANY[measure]}, dy/dx", f"{period}, {ANY[measure]}, log-odds"]
        if n < max(frame.study.groups.least, 2):
            for name in names:
                b.refuse(name, f"{n:,} pupils, fewer than the {frame.study.groups.least:,} the study asks for")
            continue
        try:
            line = ols(_cells(held.outcome[i], columns[i], authority), errors=kind)  # type: ignore[arg-type]
            put_estimates(b, names[0], line.estimates, level)
            b.put("N", names[0], N=line.rows)
            b.put("Degrees of freedom", names[0], df=line.estimates.df)
            b.drop(names[0], line.dropped)
        except CannotEstimate as error:
            b.refuse(names[0], str(error))
        try:
            errors: Any = {"conventional": "model", "hc1": "robust"}.get(kind, kind)
            odds, cells = fit_logit(frame, _cells(held.event[i], columns[i], authority), errors)
            put_estimates(b, names[1], marginal_effects(odds, cells), level)
            put_estimates(b, names[2], odds.estimates, level)
        except CannotEstimate as error:
            b.refuse(names[1], str(error))
            b.refuse(names[2], str(error))
            continue
        for name in names[1:]:
            b.put("N", name, N=odds.rows)
            b.put("Degrees of freedom", name, df="normal")
            b.drop(name, odds.dropped)
    for name, outcome in (("sessions", held.outcome), (ANY[measure], held.event)):
        column = f"after less before, {name}"
        try:
            if min(len(y) for y in outcome) < max(frame.study.groups.least, 2):
                raise CannotEstimate("a period has fewer pupils than the study asks for")
            b.estimate(months, column, _difference(held, columns, outcome, months), level=level)
            b.put("N", column, N=_fewest(outcome))
        except CannotEstimate as error:
            b.refuse(column, str(error))
    return b.table(
        table_id,
        f"Each pupil's years of a period together: {MEASURES[measure]} before and after, subject to a {plan}",
        sample=f"{frame.whom}, the widest sample of the {plan}; a pupil is in a period with at least one year of it",
        estimator=f"Least squares on each pupil's average sessions; logit of {ANY[measure]}, as average marginal "
        "effects and as log-odds; changes from one stacked linear model",
        errors=f"{_told(frame)}; marginal effects by the delta method; changes clustered by pupil",
        formula=f"average sessions, or logit Pr(event), = constant + months{controls_told(frame)}",
        notes=(
            "FSM is the share of the period's years in which the pupil was eligible.",
            "Without pupil effects a slope also holds how families with long and short plans differ.",
        ),
        source="Annex 4, Alternative approaches to analysis of engagement outcomes (no figures printed)",
    )

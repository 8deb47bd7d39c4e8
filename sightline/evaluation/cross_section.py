"""Engagement as the report's attainment models have it: pupils' years on a plan against on none, before and after."""

from __future__ import annotations

from typing import Any

from sightline.evaluation.attainment import ETHNICITY, groups_small, treated_average
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import Frame, cluster_of, did_rows, did_terms, grouped
from sightline.statistics import CONSTANT, CannotEstimate, ols

EFFECT = "Effect on the treated: both plan x period terms"


def errors_of(frame: Frame) -> tuple[str, str | None]:
    """The study's engagement errors for pupils' years: kind, and what they are clustered by.

    A pupil's years lie in one authority unless the pupil moved, so clusters of authorities hold them together.
    """
    chosen = frame.study.models.engagement_errors
    if chosen in ("clustered", "two-way"):
        return "clustered", cluster_of(frame)
    return {"robust": "hc1"}.get(chosen, chosen), None


def engagement_did(frame: Frame, table_id: str, plan: str) -> Table:
    """Difference in differences of pupils' years: sessions missed, and persistent absence as a probability."""
    b = Builder()
    kind, by = errors_of(frame)
    g = grouped(frame, "engagement", plan, by, coarse=True)
    level, says = frame.study.models.level, ""
    for outcome, name in frame.outcomes("engagement").items():
        why = groups_small(frame, g, name)
        if why:
            b.refuse(outcome, f"{why} (pupils' years); the data are too few")
            continue
        try:
            cells = g.cells(name)
            told: Any = kind
            fit = ols(cells, errors=told)
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        for row in (*did_rows(plan), "Age"):
            if row in fit.estimates.names:
                b.estimate(row, outcome, fit.estimates[row], level=level)
        b.estimate("Constant", outcome, fit.estimates[CONSTANT], level=level)
        if set(did_terms(plan)) & set(fit.estimates.names):
            b.estimate(EFFECT, outcome, treated_average(fit, cells, plan), level=level)
        b.put("Pupil-years", outcome, N=fit.rows)
        b.put("Cells of identical pupils", outcome, count=fit.cells)
        b.put("Degrees of freedom", outcome, df=fit.estimates.df)
        b.put("R-squared", outcome, mean=fit.r2)
        b.drop(outcome, fit.dropped)
        says = f"{fit.estimates.errors}{f' ({by})' if by else ''}"
    return b.table(
        table_id,
        f"Engagement in the years on a {plan} against years on no plan, before and after the extension",
        sample=f"{frame.whom}; every year of the census, on a {plan} in the year against on neither kind of plan in it",
        estimator="Least squares on cells of identical pupils' years; persistent absence as a linear probability",
        errors=says or (f"clustered by {by}" if by else kind),
        formula="outcome = constant + "
        + " + ".join(did_rows(plan, frame.study.models.covariates))
        + " + age + ethnic group + error",
        notes=(
            *((ETHNICITY,) if frame.study.models.ethnicity else ()),
            f"IDACI is taken to {frame.study.models.cell_places} places, so that identical years count together.",
            "Children on a plan are compared with others of the year, not with themselves: the tables with pupil fixed "
            "effects ask the other question.",
        ),
        source="Annex 4, Conclusions (cross-sectional difference-in-differences analysis; no figures printed)",
    )

"""Multilevel models by authority: does the extension's difference vary from place to place?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sightline.evaluation.attainment import ETHNICITY, groups_small
from sightline.evaluation.engagement import put_estimates
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import Frame, Grouped, did_rows, did_terms, grouped
from sightline.statistics import (
    CONSTANT,
    SINGULAR,
    CannotEstimate,
    Cells,
    Estimates,
    MixedFit,
    MixedLogitFit,
    cells_cross_products,
    mixed,
    mixed_logit,
    one_more_variance,
    random_term_test,
)

BINARY = ("ks1", "ks2")


def by_authority(frame: Frame, table_id: str, stage: str, plan: str) -> Table:
    """Random intercept and random slope of the DID row, with each authority's shrunken departure from the average.

    Linear on sufficient statistics by REML; for outcomes of nought or one a logit by Laplace's approximation besides.
    """
    b = Builder()
    level_two = frame.study.models.multilevel
    g = grouped(frame, stage, plan, level_two, coarse=True)
    held: list[tuple[str, tuple[str, ...], MixedFit | MixedLogitFit]] = []
    for outcome, name in frame.outcomes(stage).items():
        kinds = (f"{outcome}, linear", f"{outcome}, logit") if stage in BINARY else (outcome,)
        why = groups_small(frame, g, name)
        for column in kinds:
            if why:
                b.refuse(column, f"{why}; the data are too few")
                continue
            try:
                fit: MixedFit | MixedLogitFit
                if column.endswith(", logit"):
                    fit = _logit(b, column, g.cells(name), plan, frame.study.models.level)
                else:
                    fit = _linear(b, column, g.cells(name), name, plan, frame.study.models.level)
            except CannotEstimate as error:
                b.refuse(column, str(error))
                continue
            held.append((column, g.cluster_names(name), fit))
    _places(b, g, held, plan, level_two, frame.study.models.level)
    logit_says = "; logit on grouped rows, Laplace (coefficients and variances together)" if stage in BINARY else ""
    return b.table(
        table_id,
        f"Multilevel models by {level_two} at {stage.upper()}, children subject to a {plan}",
        sample=f"{frame.whom}, with the {stage.upper()} result; on a {plan} in the academic year of the result, "
        "against on neither kind of plan in it",
        estimator=f"Linear mixed model by REML on each {level_two}'s cross-products{logit_says}",
        errors="model; p values are normal",
        formula=f"outcome = fixed part of the DID table + u0[{level_two}] + u1[{level_two}] x DID + error, (u0, u1) ~ "
        "N(0, S)",
        notes=(
            *((ETHNICITY,) if frame.study.models.ethnicity else ()),
            f"Rows '{level_two.capitalize()}: ...' are shrunken departures of the DID row from the average: of a "
            f"{level_two} with few children little is believed, so it lies near nought. They are data for a "
            "caterpillar plot, no ranking.",
            f"Their intervals are for one {level_two} by itself; of 100 with no departure, five lie outside by chance.",
            "The test of the slope weighs half chi-squared of 1 and half of 2 degrees of freedom, since a variance "
            "cannot be negative.",
            f"IDACI is taken to {frame.study.models.cell_places} places, so that identical pupils count together.",
            "On the log-odds scale of the logit columns, a departure is no difference of probability.",
        ),
        source="Annex 4, Alternative approaches to analysis of attainment (no figures printed)",
    )


def _random(cells: Cells, plan: str) -> tuple[str, ...]:
    two = did_terms(plan)[0]
    if not np.ptp(cells.regressors[two]):
        raise CannotEstimate(f"'{two}' does not vary, so its slope cannot differ between places.", [two])
    return (CONSTANT, two)


def _linear(b: Builder, column: str, cells: Cells, name: str, plan: str, level: float) -> MixedFit:
    terms = _random(cells, plan)
    cross = cells_cross_products(cells, name)
    fit, smaller = mixed(cross, name, random=terms), mixed(cross, name, random=terms[:1])
    _fixed(b, column, fit.estimates, plan, level)
    _variances(b, column, fit.random, fit.variances, nought=SINGULAR * fit.residual_variance**0.5)
    b.put("Standard deviation of the rest", column, mean=fit.residual_variance**0.5)
    if len(fit.random) == 2:
        test = random_term_test(fit, smaller)
        b.put("Test of the slope's variance: likelihood ratio", column, mean=test.statistic)
        b.put("Test of the slope's variance: p", column, p=test.p)
    _sizes(b, column, fit)
    return fit


def _logit(b: Builder, column: str, cells: Cells, plan: str, level: float) -> MixedLogitFit:
    terms = _random(cells, plan)
    fit = mixed_logit(cells, random=terms)
    smaller = mixed_logit(cells, random=terms[:1])
    _fixed(b, column, fit.estimates, plan, level)
    _variances(b, column, fit.random, fit.variances, nought=SINGULAR)
    test = one_more_variance(fit.log_likelihood, smaller.log_likelihood, len(fit.random))
    b.put("Test of the slope's variance: likelihood ratio", column, mean=test.statistic)
    b.put("Test of the slope's variance: p", column, p=test.p)
    _sizes(b, column, fit)
    return fit


def _fixed(b: Builder, column: str, estimates: Estimates, plan: str, level: float) -> None:
    shown = [name for name in (*did_rows(plan), CONSTANT) if name in estimates.names]
    at = [estimates.names.index(name) for name in shown]
    covariance = estimates.covariance[np.ix_(at, at)]
    put_estimates(
        b, column, Estimates(tuple(shown), estimates.values[at], covariance, estimates.df, estimates.errors), level
    )


def _variances(b: Builder, column: str, random: Sequence[str], variances: Any, nought: float) -> None:
    """A correlation is shown only where both terms vary: that of two noughts is whatever the optimiser left."""
    spread = np.sqrt(np.maximum(np.diag(variances), 0.0))
    words = ["constant" if name == CONSTANT else "DID" for name in random]
    for word, sd in zip(words, spread, strict=True):
        b.put(f"Standard deviation between places: {word}", column, mean=sd)
    if len(random) == 2 and spread.min() > nought:
        b.put("Correlation of the two", column, mean=variances[0, 1] / spread.prod())


def _sizes(b: Builder, column: str, fit: MixedFit | MixedLogitFit) -> None:
    b.put("N", column, N=fit.rows)
    b.put("Places", column, N=fit.groups)
    b.put("Degrees of freedom", column, df="normal")
    b.put("Log-likelihood", column, mean=fit.log_likelihood)
    b.put("Singular: a variance of nought, or a correlation of one", column, verdict="yes" if fit.singular else "no")
    b.drop(column, fit.dropped)


def _places(
    b: Builder,
    g: Grouped,
    held: Sequence[tuple[str, tuple[str, ...], MixedFit | MixedLogitFit]],
    plan: str,
    level_two: str,
    level: float,
) -> None:
    """Each place's departure of the DID row, with the children on the plan after the extension behind it."""
    two = did_terms(plan)[0]
    treated = g.columns[two] == 1
    code, n = g.columns["cluster"][treated], g.columns["n"][treated]
    known = np.isfinite(code)
    counts = np.bincount(code[known].astype(int), weights=n[known], minlength=len(g.clusters))
    sizes = dict(zip(g.clusters, counts, strict=True))
    for place in g.clusters:
        for column, names, fit in held:
            if two not in fit.random or place not in names:
                continue
            effects, low, high = fit.intervals(two, level)
            i = names.index(place)
            j = fit.random.index(two)
            b.put(
                f"{level_two.capitalize()}: {place}",
                column,
                estimate=effects[i],
                se=float(np.sqrt(max(fit.effect_covariances[i, j, j], 0.0))),
                low=low[i],
                high=high[i],
                N=round(float(sizes[place])),
            )

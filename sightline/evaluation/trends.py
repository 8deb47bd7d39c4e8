"""Would plan and no plan have gone on in parallel? Contrasts by year, bounds where they may not, and placebos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from sightline.evaluation.attainment import treated_average
from sightline.evaluation.claims import (
    DOMAINS,
    ENGAGEMENT,
    after_row,
    checked,
    claim_words,
    outcomes,
    widest,
)
from sightline.evaluation.engagement import ERRORS, fit_panel
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import (
    PERIOD,
    F,
    Frame,
    Grouped,
    Panel,
    cluster_of,
    did_products,
    grouped,
)
from sightline.statistics import (
    CannotEstimate,
    Cells,
    Dropped,
    Estimates,
    OlsFit,
    ols,
    pre_trend,
    relative_magnitude_bounds,
    within,
)
from sightline.vocabulary.periods import year_label

LEAD: Final = "Months on the plan in the year after, which cannot have caused this year's"


def least_squares(cells: Cells) -> OlsFit:
    """Least squares clustered where there are two clusters, and robust where there is one."""
    several = cells.cluster is not None and len(np.unique(cells.cluster)) > 1
    return ols(cells, errors="clustered" if several else "hc1")


def event(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """Differences by year from the last year before, a test of those before, and bounds if trends part after."""
    b, by, windows = Builder(), cluster_of(frame), frame.study.windows
    reference = windows.before[-1]
    g = grouped(frame, domain, plan, by, by_year=True, coarse=True)
    for outcome, name in frame.outcomes(domain).items():
        column = f"{outcome}: on a plan" if domain == ENGAGEMENT else outcome

        def on_a_plan(name: str = name) -> tuple[Estimates, int, tuple[Dropped, ...]]:
            return _year_contrasts(frame, checked(frame, g, name), name, plan)

        _events(frame, b, column, on_a_plan)
    if domain == ENGAGEMENT:
        for outcome, measure in outcomes(frame, ENGAGEMENT).items():

            def by_months(measure: str = measure) -> tuple[Estimates, int, tuple[Dropped, ...]]:
                return _month_contrasts(frame, widest(frame, plan, measure))

            _events(frame, b, f"{outcome}: for each month, pupil fixed effects", by_months)
    return b.table(
        table_id,
        f"Year by year, {DOMAINS[domain]}: children on a {plan}, beside {year_label(reference)}",
        sample=f"{frame.whom}; on a {plan} in the year against on no plan"
        + ("; the columns by month: the widest sample of the plan" if domain == ENGAGEMENT else ""),
        estimator="Least squares, a plan x year term for each year but the last before; shares as linear probability"
        + ("; months x year with pupil fixed effects" if domain == ENGAGEMENT else ""),
        errors=f"clustered by {by}"
        + (f"; by month: {ERRORS[frame.study.models.engagement_errors]}" if domain == ENGAGEMENT else ""),
        formula="outcome = constant + plan + years + plan x years + FSM, IDACI, female and their changes + controls",
        notes=(
            f"Each figure is the difference between children on a {plan} and others in that year, less the same in "
            f"{year_label(reference)}. With parallel trends those before are nought.",
            "N counts pupils, in engagement pupils' years.",
            "A test with few years before sees little: the row below it is the steady yearly divergence it would find "
            f"with a chance of {frame.study.beyond.chance:.0%}, and the next what that would add to the first year "
            "after (Roth 2022).",
            "Bounds: the effect in the first year after if trends part by at most so many times what they did before, "
            "for each year that has passed (Rambachan and Roth 2023, relative magnitudes). Where they hold nought, the "
            "data do not rule out that diverging trends are all there is.",
        ),
        source="Beyond the report; Roth (2022), Rambachan and Roth (2023)",
    )


def _events(
    frame: Frame, b: Builder, column: str, fit: Callable[[], tuple[Estimates, int, tuple[Dropped, ...]]]
) -> None:
    windows, level = frame.study.windows, frame.study.models.level
    reference, first = windows.before[-1], windows.after[0]
    try:
        contrasts, rows, dropped = fit()
    except CannotEstimate as error:
        b.refuse(column, str(error))
        return
    for year in windows.years:
        if str(year) in contrasts.names:
            b.estimate(year_label(year), column, contrasts[str(year)], level=level)
        elif year == reference:
            b.put(f"{year_label(year)}", column, verdict="nought: the year compared with")
    b.put("N", column, N=rows)
    b.put("Degrees of freedom", column, df="normal" if np.isinf(contrasts.df) else contrasts.df)
    b.drop(column, dropped)
    pre = {str(y): float(y - reference) for y in windows.before[:-1] if str(y) in contrasts.names}
    if not pre or str(first) not in contrasts.names:
        why = "one year before only" if len(windows.before) == 1 else "a year's difference could not be had"
        b.put("Parallel before: p", column, verdict=f"cannot be tested: {why}")
        return
    tested = pre_trend(contrasts, pre, until=float(first - reference), chance=frame.study.beyond.chance)
    b.put("Parallel before: p", column, p=tested.test.p)
    b.put("Yearly divergence the test would find", column, estimate=tested.detectable)
    b.put(f"What that would add in {year_label(first)}", column, estimate=tested.bias)
    worst = max(pre, key=lambda name: abs(contrasts[name].estimate / pre[name]))
    for allowance in frame.study.beyond.allowances:
        bounds = relative_magnitude_bounds(
            contrasts, worst, str(first), allowance=allowance / abs(pre[worst]), steps=first - reference, level=level
        )
        says = f"Effect in {year_label(first)} if trends part {allowance:g} times as fast as before"
        b.put(f"{says}: lowest", column, low=bounds.interval[0])
        b.put(f"{says}: highest", column, high=bounds.interval[1])
        b.put("How many times as fast lets in nought", column, estimate=bounds.breakdown * abs(pre[worst]))


def _year_contrasts(frame: Frame, g: Grouped, name: str, plan: str) -> tuple[Estimates, int, tuple[Dropped, ...]]:
    """Plan x year terms, named by the year, from cells of identical pupils with the year in their key."""
    reference, on = frame.study.windows.before[-1], f"Subject to a {plan}"
    c = g.columns
    others = [y for y in frame.study.windows.years if y != reference]
    columns: dict[str, F] = {on: c[on]}
    columns |= {year_label(y): (c["year"] == y).astype(float) for y in others}
    columns |= {str(y): c[on] * columns[year_label(y)] for y in others}
    dropped = (*did_products(plan), PERIOD, on)
    kept = [row for row in g.names if row not in dropped]
    kept += [row for row, parts in did_products(plan).items() if on not in parts and row in g.names]
    kept += [row for row in (f"{on} * Eligible FSM",) if row in g.names]
    columns |= {row: c[row] for row in kept}
    names = tuple(columns)
    held = {**columns, **{k: v for k, v in c.items() if k not in columns}}
    cells = Grouped(g.plan, held, names, g.pupils, g.clusters).cells(name)
    fit = least_squares(cells)
    return (*_named(fit.estimates, [str(y) for y in others], fit.rows), fit.dropped)


def _named(estimates: Estimates, wanted: list[str], rows: int) -> tuple[Estimates, int]:
    at = [estimates.names.index(name) for name in wanted if name in estimates.names]
    if not at:
        raise CannotEstimate("No difference by year can be told from the levels of plan and year.")
    part = Estimates(
        tuple(estimates.names[i] for i in at),
        estimates.values[at],
        estimates.covariance[np.ix_(at, at)],
        estimates.df,
        estimates.errors,
    )
    return part, rows


def _month_contrasts(frame: Frame, p: Panel) -> tuple[Estimates, int, tuple[Dropped, ...]]:
    """Months x year terms, named by the year, with an effect for each pupil."""
    reference, c = frame.study.windows.before[-1], p.columns
    others = [y for y in frame.study.windows.years if y != reference]
    columns: dict[str, F] = {"months": c["months"]}
    columns |= {str(y): c["months"] * (c["year"] == y) for y in others}
    columns |= {year_label(y): (c["year"] == y).astype(float) for y in others}
    columns |= p.controls()
    fit = within(p.outcome, columns, c["pupil"], **panel_errors(frame, p))
    return (*_named(fit.estimates, [str(y) for y in others], fit.rows), fit.dropped)


def panel_errors(frame: Frame, p: Panel) -> dict[str, Any]:
    """The study's engagement errors as `within` takes them."""
    models = frame.study.models
    told: dict[str, Any] = {"rule": "reghdfe" if models.singletons == "drop" else "xtreg"}
    if models.engagement_errors == "two-way":
        return told | {"clusters": {"pupil": p.columns["pupil"], "authority": p.columns["authority"]}}
    return told | {"errors": models.engagement_errors}


def placebo(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """Effects where none can be: a pretended date, a group the extension was not for, an outcome that cannot move."""
    b, by = Builder(), cluster_of(frame)
    pretended = frame.study.placebo
    dates = ", ".join(year_label(y) for y in pretended)
    g = grouped(frame, domain, plan, by, by_year=True, coarse=True)
    for outcome, name in outcomes(frame, domain).items():
        if domain == ENGAGEMENT:
            _months_placebo(frame, b, outcome, plan, name)
        else:
            _row(frame, b, f"Extension pretended in {dates}", outcome, _date(frame, g, name, plan, pretended))
        _row(frame, b, "Children on no plan: eligible for FSM against not", outcome, _no_plan(frame, g, name, plan))
    column = "Share of girls"
    _row(frame, b, "An outcome the extension cannot move", column, _girls(frame, g, plan))
    return b.table(
        table_id,
        f"Placebos for {DOMAINS[domain]}, {plan}",
        sample=f"{frame.whom}; each row its own, as it says",
        estimator="The model of the claim with the pretended date, group or outcome; shares as linear probability",
        errors=f"clustered by {by}"
        + (f"; months: {ERRORS[frame.study.models.engagement_errors]}" if domain == ENGAGEMENT else ""),
        formula=f"as for the claim: {claim_words(domain, plan)}",
        notes=(
            "N beside each counts pupils, in engagement pupils' years.",
            "Every row should be nought. One that is not says that something besides the extension moves these figures "
            "in the way the claim has it.",
            "The pretended date takes only years before the extension. With one year before, it cannot be had.",
            "Children on no plan were not whom the extension was for, but COVID-19 fell on all: their row shows how "
            "far differences by deprivation moved without it.",
        ),
        source="Beyond the report",
    )


def _row(frame: Frame, b: Builder, row: str, column: str, fit: Callable[[], tuple[Any, int]]) -> None:
    """One placebo with its rows, or the reason why not in its place: a refusal of one row is none of the column."""
    try:
        found, rows = fit()
    except CannotEstimate as error:
        b.put(row, column, verdict=f"not estimated: {error}")
        return
    b.estimate(row, column, found, level=frame.study.models.level)
    b.put(row, column, N=rows)


def _date(frame: Frame, g: Grouped, name: str, plan: str, pretended: tuple[int, ...]) -> Callable[[], tuple[Any, int]]:
    def fit() -> tuple[Any, int]:
        if not pretended:
            raise CannotEstimate("there is one year before only")
        checked(frame, g, name)
        before = g.where(np.isin(g.columns["year"], frame.study.windows.before))
        post = np.isin(before.columns["year"], pretended).astype(float)
        cells = _remade(before, plan, {PERIOD: post}).cells(name)
        line = least_squares(cells)
        return treated_average(line, cells, plan), line.rows

    return fit


def _remade(g: Grouped, plan: str, moved: Mapping[str, F]) -> Grouped:
    """The same cells with some columns replaced, and the products that hold them made again."""
    columns = dict(g.columns) | dict(moved)
    for row, parts in did_products(plan).items():
        if row in g.names:
            columns[row] = np.prod([columns[part] for part in parts], axis=0)
    return Grouped(g.plan, columns, g.names, g.pupils, g.clusters)


def _no_plan(frame: Frame, g: Grouped, name: str, plan: str) -> Callable[[], tuple[Any, int]]:
    def fit() -> tuple[Any, int]:
        checked(frame, g, name)
        on = f"Subject to a {plan}"
        none = g.where(g.columns[on] == 0)
        names = tuple(row for row in g.names if on not in (row, *did_products(plan).get(row, ())))
        line = least_squares(none.cells(name, names))
        row = f"Ever FSM * {PERIOD}"
        if row not in line.estimates.names:
            raise CannotEstimate("FSM or the period does not vary among children on no plan, or is no covariate")
        return line.estimates[row], line.rows

    return fit


def _girls(frame: Frame, g: Grouped, plan: str) -> Callable[[], tuple[Any, int]]:
    def fit() -> tuple[Any, int]:
        names = tuple(row for row in g.names if not row.startswith("Female"))
        n = g.columns["n"]
        girls = n * g.columns["Female"]
        counted = {"n_girls": np.where(np.isfinite(girls), n, 0.0), "total_girls": np.nan_to_num(girls)}
        columns = {**g.columns, **counted, "squares_girls": counted["total_girls"]}
        cells = checked(frame, Grouped(g.plan, columns, names, g.pupils, g.clusters), "girls").cells("girls")
        line = least_squares(cells)
        return treated_average(line, cells, plan), line.rows

    return fit


def _months_placebo(frame: Frame, b: Builder, outcome: str, plan: str, measure: str) -> None:
    pretended = frame.study.placebo

    def date() -> tuple[Any, int]:
        if not pretended:
            raise CannotEstimate("there is one year before only")
        p = widest(frame, plan, measure)
        p = p.where(np.isin(p.columns["year"], frame.study.windows.before))
        post = np.isin(p.columns["year"], pretended).astype(float)
        moved = replace(p, columns={**p.columns, "post": post})
        fit = fit_panel(frame, moved, moved.outcome)
        return _slope(fit.estimates, after_row(plan)), fit.rows

    def lead() -> tuple[Any, int]:
        p = widest(frame, plan, measure)
        c = p.columns
        key = c["pupil"] * 10_000 + c["year"]
        place = np.searchsorted(key, key + 1)
        place = np.minimum(place, len(key) - 1)
        follows = key[place] == key + 1
        if not follows.any():
            raise CannotEstimate("no pupil has a year that follows another")
        following = np.where(follows, c["months"][place], np.nan)[follows]
        p = p.where(follows)
        columns = {**p.design(), LEAD: following}
        fit = within(p.outcome, columns, p.columns["pupil"], **panel_errors(frame, p))
        return _slope(fit.estimates, LEAD), fit.rows

    dates = ", ".join(year_label(y) for y in pretended)
    _row(frame, b, f"Months after an extension pretended in {dates}", outcome, date)
    _row(frame, b, LEAD, outcome, lead)


def _slope(estimates: Estimates, name: str) -> Any:
    if name not in estimates.names:
        raise CannotEstimate("the months do not vary within any pupil")
    return estimates[name]

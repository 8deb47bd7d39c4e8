"""For whom and where: the claim in groups of children and in each authority; and who is counted from year to year."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from sightline.evaluation.attainment import fit_logit, treated_average
from sightline.evaluation.claims import (
    ENGAGEMENT,
    after_row,
    checked,
    claim_words,
    outcomes,
    titled,
    widest,
)
from sightline.evaluation.engagement import fit_panel
from sightline.evaluation.result import Builder, Left, Table
from sightline.evaluation.samples import PERIOD, F, Frame, Grouped, Panel, did_terms, grouped, numbers
from sightline.statistics import (
    CannotEstimate,
    Cells,
    Dropped,
    Estimate,
    composition,
    effect_on_treated,
    ols,
    pooled,
    within,
)
from sightline.vocabulary.periods import year_label

SECONDARY_AGE = 11
"""Age at the start of the academic year at which children start secondary school."""
Fitted = tuple[Estimate, int, tuple[Dropped, ...]]


def groups(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """The claim for each phase, sex and FSM status, and the difference between the two of each."""
    b = Builder()
    g = None if domain == ENGAGEMENT else grouped(frame, domain, plan, _clusters(frame, domain))
    for outcome, name in outcomes(frame, domain).items():
        try:
            parts = _panel_parts(widest(frame, plan, name)) if g is None else _cell_parts(checked(frame, g, name))
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        for pair in parts:
            found = []
            for word, part in pair.items():
                fit = _fit_panel(frame, part) if isinstance(part, Panel) else _fit_cells(frame, part, domain, name)
                found.append(_one(frame, b, word, outcome, fit))
            (first, few), (second, many) = found
            if first is not None and second is not None:
                gap = Estimate("difference", second.estimate - first.estimate, math.hypot(first.se, second.se))
                one, two = pair
                b.estimate(f"{two} less {one[0].lower()}{one[1:]}", outcome, gap, level=frame.study.models.level)
                b.put(f"{two} less {one[0].lower()}{one[1:]}", outcome, N=min(few, many))
    return b.table(
        table_id,
        f"For whom? {titled(domain)}, {plan}",
        sample=f"{frame.whom}; as the claim's own table, in each group apart",
        estimator=f"The claim's model in each group by itself: {claim_words(domain, plan)}",
        errors="as in the claim's own table; differences normal, the groups being different children",
        formula="as for the claim",
        notes=(
            "A difference between groups is shown with its own error: that one group's row has stars and the other's "
            "has none does not mean that they differ.",
            "Phase is that of the pupil's first year of the study, FSM at any time: a group then holds whole pupils."
            if domain == ENGAGEMENT
            else "Phase is the key stage itself.",
        ),
        source="Beyond the report",
    )


def _clusters(frame: Frame, domain: str) -> str | None:
    models = frame.study.models
    chosen = models.score_errors if domain == "ks4" else models.attainment_errors
    return chosen if chosen in ("school", "authority") else None


def _one(frame: Frame, b: Builder, row: str, column: str, fit: Callable[[], Fitted]) -> tuple[Estimate | None, int]:
    """The estimate, put in its row with the number behind it; None where it could not be had."""
    try:
        found, n, dropped = fit()
    except CannotEstimate as error:
        b.put(row, column, verdict=f"not estimated: {error}")
        return None, 0
    b.estimate(row, column, found, level=frame.study.models.level)
    b.put(row, column, N=n)
    b.drop(f"{column}, {row}", dropped)
    return found, n


def _panel_parts(p: Panel) -> list[dict[str, Panel]]:
    c = p.columns
    _, place = np.unique(c["pupil"], return_inverse=True)
    place = place.reshape(-1)
    youngest, ever = np.full(int(place.max()) + 1, np.inf), np.zeros(int(place.max()) + 1)
    np.minimum.at(youngest, place, c["age"])
    np.maximum.at(ever, place, c["fsm"])
    secondary, fsm, girl = youngest[place] >= SECONDARY_AGE, ever[place] == 1, c["female"] == 1
    return [
        {"Primary phase": p.where(~secondary), "Secondary phase": p.where(secondary)},
        {"Boys": p.where(c["female"] == 0), "Girls": p.where(girl)},
        {"Never eligible for FSM": p.where(~fsm), "Ever eligible for FSM": p.where(fsm)},
    ]


def _cell_parts(g: Grouped) -> list[dict[str, Grouped]]:
    sex, fsm = g.columns["Female"], g.columns["Eligible for FSM"]
    return [
        {"Boys": g.where(sex == 0), "Girls": g.where(sex == 1)},
        {"Not eligible for FSM": g.where(fsm == 0), "Eligible for FSM": g.where(fsm == 1)},
    ]


def _fit_panel(frame: Frame, p: Panel) -> Callable[[], Fitted]:
    def fit() -> Fitted:
        least = max(frame.study.groups.least, 2)
        if p.pupils < least:
            raise CannotEstimate(f"{p.pupils:,} pupils, fewer than the {least:,} the study asks for")
        found = fit_panel(frame, p, p.outcome)
        if after_row(p.plan) not in found.estimates.names:
            raise CannotEstimate("months after do not vary within any pupil")
        return found.estimates[after_row(p.plan)], found.units, found.dropped

    return fit


def _fit_cells(frame: Frame, g: Grouped, domain: str, name: str) -> Callable[[], Fitted]:
    def fit() -> Fitted:
        cells, on = g.cells(name), f"Subject to a {g.plan}"
        least = frame.study.groups.least
        small = min(float(cells.n[cells.regressors[on] == v].sum()) for v in (0, 1))
        if small < least:
            raise CannotEstimate(f"{small:,.0f} pupils in one of the two groups, fewer than the {least:,} asked for")
        if domain == "ks4":
            chosen = frame.study.models.score_errors
            errors: Any = "clustered" if _clusters(frame, domain) else {"robust": "hc1"}.get(chosen, chosen)
            line = ols(cells, errors=errors)
            return treated_average(line, cells, g.plan), line.rows, line.dropped
        odds, cells = fit_logit(frame, cells)
        found = effect_on_treated(
            odds, cells, treated=(on, PERIOD), off=tuple(row for row in did_terms(g.plan) if row in odds.names)
        )
        return found, odds.rows, odds.dropped

    return fit


def authorities(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """The claim in each authority by itself, and whether authorities differ by more than chance."""
    b, least = Builder(), frame.study.beyond.authority_least
    g = None if domain == ENGAGEMENT else grouped(frame, domain, plan, "authority", coarse=True)
    for outcome, name in outcomes(frame, domain).items():
        try:
            if g is None:
                each = _panel_places(widest(frame, plan, name), least)
            else:
                each = _cell_places(checked(frame, g, name), name, least)
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        found: list[Estimate] = []
        pupils = 0
        why: Counter[str] = Counter()
        for place, fit in each.items():
            try:
                e, n, _ = fit()
                if not e.se > 0:
                    raise CannotEstimate("no standard error")
            except CannotEstimate as error:
                why[_kind(str(error))] += 1
                continue
            found.append(e)
            b.estimate(f"Authority: {place}", outcome, e, level=frame.study.models.level)
            b.put(f"Authority: {place}", outcome, N=n)
            pupils += n
        b.left += [Left(outcome, "groups", "authority", count, reason) for reason, count in sorted(why.items())]
        try:
            together = pooled([e.estimate for e in found], [e.se for e in found])
        except CannotEstimate as error:
            b.put("Average over authorities", outcome, verdict=f"not estimated: {error}")
            continue
        b.estimate("Average over authorities", outcome, together.average, level=frame.study.models.level)
        b.put("N", outcome, N=pupils)
        b.put("Authorities", outcome, count=len(found))
        b.put("All alike: Q", outcome, mean=together.q)
        b.put("All alike: p", outcome, p=together.p)
        b.put("Share of the spread that is not chance", outcome, percent=100 * together.i2)
        b.put("Standard deviation between authorities", outcome, mean=together.between)
    return b.table(
        table_id,
        f"Where? {titled(domain)} in each authority, {plan}",
        sample=f"{frame.whom}; authorities with {least:,} pupils on the plan or more"
        + (" (a pupil counts in the authority of the first year)" if domain == ENGAGEMENT else ""),
        estimator=f"Linear model in each authority by itself: {claim_words(domain, plan)}",
        errors="clustered by pupil" if domain == ENGAGEMENT else "robust",
        formula="Q = sum of (estimate - average)^2 / se^2, chi-squared with authorities - 1 under one common effect",
        notes=(
            "Estimates of small authorities are noisy: the largest and the smallest are nearly always small ones. The "
            "multilevel tables shrink them; read those for a place, and this one for whether places differ.",
            "Authorities with too few children, or whose model cannot be had, are counted below with the reason.",
        ),
        source="Beyond the report; DerSimonian and Laird (1986)",
    )


def _kind(sentence: str) -> str:
    """A reason without its numbers and names, so that authorities with the same one are counted together."""
    words = ("fewer than", "does not vary", "cannot carry", "plan x period", "months after", "no standard error")
    return {
        "fewer than": "fewer pupils on the plan than the study asks for",
        "does not vary": "the outcome does not vary",
        "cannot carry": "too few rows for the model",
        "plan x period": "nobody on the plan, or nobody else, in one of the periods",
        "months after": "months after do not vary within any pupil",
    }.get(next((w for w in words if w in sentence), ""), "no estimate with a standard error exists")


def _panel_places(p: Panel, least: int) -> Mapping[str, Callable[[], Fitted]]:
    home = p.home
    seen = np.unique(home[np.isfinite(home)])

    def fit_of(part: Panel) -> Callable[[], Fitted]:
        def fit() -> Fitted:
            if part.pupils < least:
                raise CannotEstimate(f"{part.pupils} pupils, fewer than {least}")
            line = within(part.outcome, part.design(), part.columns["pupil"])
            if after_row(part.plan) not in line.estimates.names:
                raise CannotEstimate("months after do not vary within any pupil")
            return line.estimates[after_row(part.plan)], line.units, line.dropped

        return fit

    return {p.authorities[int(code) - 1]: fit_of(p.where(home == code)) for code in seen}


def _cell_places(g: Grouped, name: str, least: int) -> Mapping[str, Callable[[], Fitted]]:
    cells = g.cells(name)
    on = f"Subject to a {g.plan}"

    def fit_of(part: Cells) -> Callable[[], Fitted]:
        def fit() -> Fitted:
            treated = float(part.n[part.regressors[on] == 1].sum())
            if treated < least:
                raise CannotEstimate(f"{treated:g} pupils, fewer than {least}")
            plain = Cells(part.regressors, part.n, part.total, part.squares, None, part.dropped)
            line = ols(plain)
            return treated_average(line, plain, g.plan), round(treated), line.dropped

        return fit

    codes: F = np.asarray(cells.cluster, dtype=float)
    return {place: fit_of(cells.where(codes == i)) for i, place in enumerate(g.cluster_names(name))}


def churn(frame: Frame, table_id: str, plan: str) -> Table:
    """From year to year, how much of a change in the mean is stayers' own and how much is who is counted."""
    b = Builder()
    years = frame.study.windows.years
    spans = list(dict.fromkeys([*pairwise(years), (years[0], years[-1])]))
    for outcome, measure in outcomes(frame, ENGAGEMENT).items():
        found = frame.database.query(
            f"""
            SELECT dense_rank() OVER (ORDER BY {frame.by_pupil("p.")}) AS pupil, p.year, p.{measure} AS outcome
            FROM pupil_year AS p SEMI JOIN (SELECT pupil, year FROM exposure WHERE plan = '{plan}') USING (pupil, year)
            WHERE {frame.send_sql("p.")} ORDER BY 1, 2
            """
        )
        c = {name: numbers(found, name) for name in found.column_names}
        for first, second in spans:
            span = f"{year_label(first)} to {year_label(second)}"
            one, two = c["year"] == first, c["year"] == second
            sizes = [int((at & np.isfinite(c["outcome"])).sum()) for at in (one, two)]
            try:
                if min(sizes) < frame.study.groups.least:
                    raise CannotEstimate(f"{min(sizes):,} children in one of the years, fewer than the study asks for")
                parts = composition(c["pupil"][one], c["outcome"][one], c["pupil"][two], c["outcome"][two])
            except CannotEstimate as error:
                b.put(f"{span}: change in the mean", outcome, verdict=f"not estimated: {error}")
                continue
            fewest = min(parts.n_stayers + parts.n_leavers, parts.n_stayers + parts.n_joiners)
            for word, value, n in (
                ("change in the mean", parts.change, fewest),
                ("of this, children on a plan in both years", parts.stayers, parts.n_stayers),
                ("of this, those who joined", parts.joiners, parts.n_joiners),
                ("of this, those who left", parts.leavers, parts.n_leavers),
            ):
                b.put(f"{span}: {word}", outcome, mean=value, N=n)
            if parts.dropped:
                b.left.append(Left(f"{outcome}, {span}", "rows", "outcome", parts.dropped, "missing value"))
    return b.table(
        table_id,
        f"Who is counted: changes in mean sessions missed of children on a {plan}",
        sample=f"{frame.whom}, on a {plan} on any day of the year",
        estimator="Exact parts of a change in a mean",
        errors="none: these are the children counted, not a sample of them",
        formula="change = (S2 - S1) + j (J2 - S2) + l (S1 - L1); stayers S, joiners J with share j of the later count, "
        "leavers L with share l of the earlier",
        notes=(
            "Beside each part stands the number of children it rests on; beside the change, the smaller year's.",
            "Plans are short, so most of a group is new each year. A change in its mean is not a change in children.",
            "Stayers grow a year older from one year to the next, and absence grows with age.",
        ),
        source="Beyond the report",
    )

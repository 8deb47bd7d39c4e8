"""How sure are the claims? Resampling in place of formulas, many tests at once, what could have been seen at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from sightline.evaluation.claims import (
    DOMAINS,
    ENGAGEMENT,
    Claim,
    Linear,
    checked,
    claim_words,
    claims,
    linear_cells,
    linear_panel,
    linears,
    outcomes,
    titled,
    widest,
)
from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import (
    PERIOD,
    F,
    Frame,
    Panel,
    cluster_of,
    did_products,
    did_rows,
    did_terms,
    grouped,
    numbers,
    rows_sql,
)
from sightline.evaluation.study import PLANS
from sightline.statistics import (
    CannotEstimate,
    Estimate,
    Resampled,
    benjamini_hochberg,
    cluster_bootstrap,
    equivalence,
    holm,
    minimum_detectable_effect,
    ols,
    oster,
    power,
    randomisation_test,
    robustness_value,
    romano_wolf,
    rows_as_cells,
    shuffled_differences,
    stars,
    wild_bootstrap,
    wild_score_bootstrap,
    within,
)

FIFTHS: Final = 5


def _rng(frame: Frame, *places: int) -> np.random.Generator:
    """Numbers of their own for each figure, so that leaving one out changes no other."""
    return np.random.default_rng([frame.study.seed, *places])


def resampling(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """The claims by cluster bootstrap, wild bootstrap and randomisation, beside the formula's standard errors."""
    b, by = Builder(), cluster_of(frame)
    beyond, level = frame.study.beyond, frame.study.models.level
    place = (list(DOMAINS).index(domain), PLANS.index(plan))
    for claim in claims(frame, domain, plan):
        b.estimate("As in its table", claim.outcome, claim.found, level=level)
        b.put("N", claim.outcome, N=claim.n)
    g = None if domain == ENGAGEMENT else grouped(frame, domain, plan, by, coarse=True)
    for i, (outcome, name) in enumerate(outcomes(frame, domain).items()):
        try:
            if g is None:
                p = widest(frame, plan, name)
                _bootstrapped(frame, b, outcome, linear_panel(p, plan, by="pupil"), _rng(frame, 1, *place, i))
                line = linear_panel(p, plan, by="authority")
            else:
                cells = checked(frame, g, name).cells(name)
                line = linear_cells(cells, name, plan, by, g.cluster_names(name))
        except CannotEstimate as error:
            b.refuse(outcome, str(error))
            continue
        b.drop(outcome, line.dropped)
        _bootstrapped(frame, b, outcome, line, _rng(frame, 2, *place, i))
        _test(b, f"Wild bootstrap by {line.by}", outcome, _wild(line, beyond.draws, _rng(frame, 3, *place, i)))
        if g is not None and domain != "ks4":
            scores = _rng(frame, 4, *place, i)

            def score(cells: Any = cells, rng: Any = scores) -> Resampled:
                return wild_score_bootstrap(cells, did_terms(plan)[0], draws=beyond.draws, rng=rng)

            _test(b, f"Wild score bootstrap of the logit's DID row, by {by}", outcome, score)
        rng = _rng(frame, 5, *place, i)
        if g is None:
            _test(b, "Randomisation: months shuffled", outcome, _months_shuffled(p, plan, beyond.permutations, rng))
        else:
            _test(b, "Randomisation: plans shuffled", outcome, _plans_shuffled(frame, domain, plan, name, rng))
    return b.table(
        table_id,
        f"Resampling the claims for {DOMAINS[domain]}, {plan}",
        sample=f"{frame.whom}; as the claim's own table",
        estimator=f"{claim_words(domain, plan)}. Bootstraps are of the linear model"
        + (" (the effect on the treated)" if domain != ENGAGEMENT else "")
        + f", {beyond.draws:,} draws; randomisation {beyond.permutations:,} shuffles",
        errors=f"standard deviations and percentiles of the draws; p values by comparison with the draws; seed "
        f"{frame.study.seed}",
        formula="p = (1 + draws at least as far from nought) / (1 + draws)",
        notes=(
            "A cluster bootstrap draws whole pupils or places with everything they have.",
            "The wild bootstrap imposes no effect and turns the signs of whole places' residuals (Cameron, Gelbach and "
            "Miller 2008; for the logit Kline and Santos 2012); with twelve places or fewer every pattern is used "
            "once.",
            "Randomisation: months of a year are dealt again among the pupils of the authority and year, plans among "
            "the pupils of the place, period and fifth of IDACI; the null is that nobody's outcome would have "
            "differed.",
            "A pupil's authority is that of the first year, so that no pupil is in two places.",
        ),
        source="Beyond the report",
    )


def _bootstrapped(frame: Frame, b: Builder, column: str, line: Linear, rng: np.random.Generator) -> None:
    row, clusters = f"Bootstrap by {line.by}", len(line.cross.n)
    if clusters < 2:
        b.put(row, column, verdict=f"not estimated: one {line.by} only")
        return
    found = cluster_bootstrap(line.cross, draws=frame.study.beyond.draws, rng=rng, terms=[line.term])
    if len(found.estimates) < 2:
        b.put(row, column, verdict="not estimated: hardly any draw could be solved")
        return
    low, high = found.interval(frame.study.models.level)
    b.put(row, column, estimate=found.observed[0], se=found.se[0], low=low[0], high=high[0])
    b.put(f"{row}: clusters", column, count=clusters)
    if found.refused:
        b.put(f"{row}: draws that could not be solved", column, count=found.refused)


def _test(b: Builder, row: str, column: str, test: Callable[[], Resampled]) -> None:
    try:
        found = test()
    except CannotEstimate as error:
        b.put(f"{row}: p", column, verdict=f"not estimated: {error}")
        return
    b.put(f"{row}: p", column, p=found.p)


def _wild(line: Linear, draws: int, rng: np.random.Generator) -> Callable[[], Resampled]:
    def test() -> Resampled:
        if len(line.cross.n) < 2:
            raise CannotEstimate(f"one {line.by} only")
        return wild_bootstrap(line.cross, line.outcome, line.term, draws=draws, rng=rng)

    return test


def _months_shuffled(p: Panel, plan: str, draws: int, rng: np.random.Generator) -> Callable[[], Resampled]:
    """The null's residuals against months after, dealt again among the pupils of an authority and year."""

    def test() -> Resampled:
        c = p.columns
        x = p.design()
        x.pop(f"Months subject to a {plan} after VSH extension")
        fit = within(p.outcome, x, c["pupil"], errors="conventional")
        names = [name for name in fit.estimates.names if name in x]
        rest = p.outcome - sum(fit.estimates[name].estimate * x[name] for name in names)
        _, place = np.unique(c["pupil"], return_inverse=True)
        place = place.reshape(-1)
        rest = rest - (np.bincount(place, weights=rest) / np.bincount(place))[place]
        after = c["post"] == 1
        if not after.any():
            raise CannotEstimate("there is no row after")
        e, months = rest[after], c["months"][after]
        authority = np.nan_to_num(p.home[after], nan=-1.0)
        strata = authority * 10_000 + c["year"][after]
        _, code = np.unique(strata, return_inverse=True)
        code = code.reshape(-1)
        # A stratum's total of months is the same in every shuffle: without its part the statistic is about nought.
        months = months - (np.bincount(code, weights=months) / np.bincount(code))[code]
        return randomisation_test(lambda dealt: float(e @ dealt), months, draws=draws, rng=rng, strata=code)

    return test


def _plans_shuffled(
    frame: Frame, domain: str, plan: str, name: str, rng: np.random.Generator
) -> Callable[[], Resampled]:
    """Residuals of the linear model without the plan x period terms, plans dealt again within place, period, fifth."""

    def test() -> Resampled:
        by = cluster_of(frame)
        found = frame.database.query(
            f"""
            SELECT post, CAST(grp = '{plan}' AS INTEGER) AS "on", fsm, female, idaci, {name} AS outcome,
                dense_rank() OVER (ORDER BY CAST({by} AS VARCHAR)) AS place,
                ntile({FIFTHS}) OVER (ORDER BY idaci, {frame.by_pupil()}, year) AS fifth
            FROM {rows_sql(frame, domain, plan)} AND {name} IS NOT NULL AND fsm IS NOT NULL AND female IS NOT NULL
                AND idaci IS NOT NULL AND {by} IS NOT NULL
            ORDER BY {frame.by_pupil()}, year
            """
        )
        c = {column: numbers(found, column) for column in found.column_names}
        if not len(c["post"]):
            raise CannotEstimate("there is no row with everything known")
        on = f"Subject to a {plan}"
        named: dict[str, F] = {
            PERIOD: c["post"],
            on: c["on"],
            "Eligible for FSM": c["fsm"],
            "IDACI score": c["idaci"],
            "Female": c["female"],
        }
        named |= {row: np.prod([named[f] for f in parts], axis=0) for row, parts in did_products(plan).items()}
        x = {row: named[row] for row in did_rows(plan, frame.study.models.covariates) if row not in did_terms(plan)}
        fit = ols(rows_as_cells(c["outcome"], x), errors="conventional")
        fitted = np.full(len(c["post"]), fit.estimates["constant"].estimate)
        for row in x:
            if row in fit.estimates.names:
                fitted += fit.estimates[row].estimate * x[row]
        strata = (c["place"] * 2 + c["post"]) * FIFTHS + c["fifth"]
        return shuffled_differences(
            c["outcome"] - fitted,
            c["on"],
            strata,
            2 * c["post"] - 1,
            draws=frame.study.beyond.permutations,
            rng=rng,
        )

    return test


def many_tests(frame: Frame, table_id: str) -> Table:
    """Every claim's p beside those adjusted for there being many: Holm, Benjamini and Hochberg, Romano and Wolf."""
    b, level = Builder(), frame.study.models.level
    for plan in PLANS:
        for family, domains in (("engagement", (ENGAGEMENT,)), ("attainment", ("ks1", "ks2", "ks4"))):
            held: list[tuple[str, Claim]] = []
            for domain in domains:
                refused = Builder()
                prefix = "" if domain == ENGAGEMENT else f"{DOMAINS[domain]} "
                held += [(f"{plan}: {prefix}{c.outcome}", c) for c in claims(frame, domain, plan, refused)]
                for outcome, why in refused.refused:
                    b.put(f"{plan}: {prefix}{outcome}", "Estimate", verdict=f"not estimated: {why}")
            if not held:
                continue
            p = np.array([claim.found.p for _, claim in held])
            adjusted = {"Holm": holm(p), "Benjamini and Hochberg": benjamini_hochberg(p)}
            together = _romano_wolf(frame, plan, domains, (PLANS.index(plan), len(domains)))
            for i, (row, claim) in enumerate(held):
                b.estimate(row, "Estimate", claim.found, level=level)
                b.put(row, "Estimate", N=claim.n)
                b.put(row, "p", p=claim.found.p, N=claim.n)
                for name, values in adjusted.items():
                    b.put(row, name, p=values[i], stars=stars(float(values[i])), N=claim.n)
                if row in together:
                    b.put(row, "Romano and Wolf", p=together[row], stars=stars(together[row]), N=claim.n)
                b.put(row, "Family", verdict=f"{plan}, {family}: {len(held)} claims")
    return b.table(
        table_id,
        "Many claims at once: p values adjusted within each family",
        sample=frame.whom,
        estimator="The claim of each outcome: months after with pupil effects; the effect on the treated",
        errors="as in each claim's own table; Romano and Wolf by a bootstrap of places on the linear models, "
        f"{frame.study.beyond.draws:,} draws, seed {frame.study.seed}",
        formula="Holm: step down m p(1), (m - 1) p(2), ...; Benjamini and Hochberg: step up m p(i) / i",
        notes=(
            "Of twenty tests of nothing one has two stars by chance. Holm keeps the chance of any false finding in a "
            "family at the level; Benjamini and Hochberg keep the share of false ones among the findings.",
            "Romano and Wolf (2005) know how outcomes hang together, because one draw of places serves them all. "
            "Their p can be no smaller than 1 / (1 + draws). They need the outcomes of a family to come from the same "
            "places.",
            "A family is a kind of plan and of outcome; the nested samples of one table are not counted as tests.",
        ),
        source="Beyond the report; Holm (1979), Benjamini and Hochberg (1995), Romano and Wolf (2005)",
    )


def _romano_wolf(frame: Frame, plan: str, domains: tuple[str, ...], place: tuple[int, int]) -> dict[str, float]:
    """Adjusted p by row, from one draw of places for all outcomes; nothing when the places differ."""
    rows, observed, draws, places = [], [], [], set()
    for domain in domains:
        prefix = "" if domain == ENGAGEMENT else f"{DOMAINS[domain]} "
        for outcome, line in linears(frame, domain, plan):
            places.add((len(line.cross.n), line.names))
            if len(places) > 1 or len(line.cross.n) < 2:
                return {}
            # The same seed and number of places: every outcome has the same draws.
            found = cluster_bootstrap(
                line.cross, draws=frame.study.beyond.draws, rng=_rng(frame, 6, *place), terms=[line.term]
            )
            if found.refused:
                return {}
            rows.append(f"{plan}: {prefix}{outcome}")
            observed.append(float(found.observed[0]))
            draws.append(found.estimates[:, 0])
    if len(rows) < 2:
        return {}
    resampled = np.array(draws).T
    spread = resampled.std(axis=0, ddof=1)
    if not (spread > 0).all():
        return {}
    return dict(zip(rows, (float(p) for p in romano_wolf(observed, spread, resampled)), strict=True))


def detectable(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """What the data could have shown: minimum detectable effect, power, and "no effect" told from "cannot tell"."""
    b, models, beyond = Builder(), frame.study.models, frame.study.beyond
    alpha = 1 - models.level
    for claim in claims(frame, domain, plan, b):
        e, column = claim.found, claim.outcome
        b.estimate("Estimate", column, e, level=models.level)
        b.put("N", column, N=claim.n)
        b.put("Degrees of freedom", column, df="normal" if np.isinf(e.df) else e.df)
        b.put("Margin under which a difference does not matter", column, estimate=claim.margin)
        if not e.se > 0 or not claim.margin > 0:
            b.put("Verdict", column, verdict="cannot tell: there is no standard error or no margin")
            continue
        found = minimum_detectable_effect(e.se, alpha=alpha, chance=beyond.chance, df=e.df)
        b.put(f"Smallest effect found with a chance of {beyond.chance:.0%}", column, estimate=found)
        if claim.spread > 0:
            b.put("The same in standard deviations of the outcome", column, estimate=found / claim.spread)
        b.put("Chance of finding an effect of the margin", column, percent=100 * power(claim.margin, e.se, df=e.df))
        same = equivalence(e, margin=claim.margin, alpha=alpha)
        b.put("Equivalence: p of an effect beyond the margin", column, p=same.p)
        b.put(f"Equivalence interval ({1 - 2 * alpha:.0%}): low", column, low=same.low)
        b.put(f"Equivalence interval ({1 - 2 * alpha:.0%}): high", column, high=same.high)
        b.put("Verdict", column, verdict=same.verdict)
    return b.table(
        table_id,
        f"What these data could show of {DOMAINS[domain]}, {plan}",
        sample=f"{frame.whom}; as the claim's own table",
        estimator=f"From the claim and its standard error: {claim_words(domain, plan)}",
        errors="as in the claim's own table",
        formula="smallest effect = (t(1 - alpha/2) + t(chance)) x standard error, exact in the tails; two one-sided "
        "tests",
        notes=(
            "A row without stars is no evidence of no effect. 'No effect that matters' means that both one-sided tests "
            "put the effect inside the margin; 'cannot tell' that the data are too few to say either.",
            "The margins are settings of the study ([beyond]), to be chosen before the results are seen.",
            "Power is for the margin, not for the estimate: the power of what was found says nothing new.",
        ),
        source="Beyond the report; Bloom (1995), Schuirmann (1987)",
    )


def unseen(frame: Frame, table_id: str, domain: str, plan: str) -> Table:
    """How strong what was not observed would have to be: robustness value, and Oster's delta."""
    b = Builder()
    for outcome, line in linears(frame, domain, plan, b):
        _unseen(b, outcome, line, plan, domain)
        b.drop(outcome, line.dropped)
    return b.table(
        table_id,
        f"How strong would the unseen have to be? {titled(domain)}, {plan}",
        sample=f"{frame.whom}; as the claim's own table",
        estimator=f"Linear model of the claim: {claim_words(domain, plan)}",
        errors="conventional, which the robustness value is defined for",
        formula="RV = (root(f^4 + 4 f^2) - f^2) / 2, f = |t| / root(df); Oster's delta at R-squared 1.3 times the "
        "model's",
        notes=(
            "Robustness value: the share of what is left of both months (or plan) and outcome that an unseen cause "
            "must explain to take the whole estimate away; below it, to take away its significance (Cinelli and "
            "Hazlett 2020).",
            "Delta: how much stronger than everything controlled for the unseen would have to be to leave nothing; "
            "under one is fragile (Oster 2019). The effect beside it is what is left if they are equally strong.",
        ),
        source="Beyond the report; the report names selection on the length of plans as its limit (table 73)",
    )


def _unseen(b: Builder, column: str, line: Linear, plan: str, domain: str) -> None:
    cross = line.cross
    xx, xy, yy = (part.sum(axis=0) for part in cross.parts(line.outcome))
    beta = np.linalg.solve(xx, xy)
    df = float(cross.n.sum()) - len(beta) - cross.absorbed
    j = cross.regressors.index(line.term)
    if df <= 1:
        b.refuse(column, "no degree of freedom is left")
        return
    variance = float(yy - xy @ beta) / df * float(np.linalg.inv(xx)[j, j])
    found = Estimate(line.term, float(beta[j]), max(variance, 0.0) ** 0.5, df)
    b.estimate("Estimate", column, found)
    b.put("N", column, N=round(float(cross.n.sum())))
    if not found.se > 0:
        b.refuse(column, "the model explains the outcome without error")
        return
    value = robustness_value(found)
    b.put("Robustness value", column, estimate=value.value)
    b.put("Robustness value for significance", column, estimate=value.value_at_level)
    b.put("Share of what is left of the outcome that the term explains", column, estimate=value.partial_r2)
    b.put("Degrees of freedom", column, df=df)
    on = f"Subject to a {plan}"
    always = [PERIOD] if domain == ENGAGEMENT else [PERIOD, on]
    held = [name for name in (*always, "constant") if name in cross.regressors]
    try:
        moved = oster(cross, line.outcome, line.term, always=held)
    except CannotEstimate as error:
        b.put("Oster's delta", column, verdict=f"not estimated: {error}")
        return
    b.put("Without the controls", column, estimate=moved.short)
    b.put("Oster's delta", column, estimate=moved.delta)
    b.put("Effect if the unseen is as strong as the controls", column, estimate=moved.adjusted)

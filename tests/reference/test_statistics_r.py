"""Every number that R computed on the annex-shaped sample, each within its stated tolerance; none may go unasked."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statistics_data import DID_TERMS, PANEL_TERMS, PRODUCTS, chosen, columns, did_columns

from sightline import statistics as st

FE, POISSON_B, POISSON_SE, LOGIT, MARGINS = 1e-9, 1e-7, 1e-6, 1e-8, 1e-6
MIXED_B, MIXED_SE, MIXED_V, MIXED_LL = 1e-5, 1e-4, 5e-4, 1e-9
LAPLACE_V, LAPLACE_SE, EXACT = 1e-2, 1e-2, 1e-12


@pytest.fixture(scope="module")
def folder(real: Path) -> Path:
    return real / "statistics" / "synthetic"


@pytest.fixture(scope="module")
def expected(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "r_expected.json").read_text())


@pytest.fixture(scope="module")
def panel(folder: Path) -> dict[str, np.ndarray]:
    return columns(folder / "panel.csv")


@pytest.fixture(scope="module")
def did(folder: Path) -> dict[str, np.ndarray]:
    return did_columns(folder / "did.csv")


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(value, Mapping):
        for name, inside in value.items():
            yield from leaves(inside, f"{path}/{name}")
    elif isinstance(value, list):
        for i, inside in enumerate(value):
            yield from leaves(inside, f"{path}/{i}")
    elif isinstance(value, (int, float)):
        yield path, float(value)


def agree(got: Mapping[str, Any], expected: Mapping[str, Any], tolerances: Mapping[str, float]) -> None:
    """Each number of `expected` against the same place in `got`, relative to itself; a place left out is a failure."""
    mine, theirs = dict(leaves(got)), dict(leaves(expected))
    assert set(mine) == set(theirs)
    wrong = []
    for path, value in theirs.items():
        tolerance = next((t for part, t in tolerances.items() if part in path), None)
        assert tolerance is not None, path
        if abs(mine[path] - value) > tolerance * abs(value) + 1e-300:
            wrong.append((path, mine[path], value))
    assert not wrong


def by_name(fit: Any, what: str) -> dict[str, float]:
    names = ["(Intercept)" if name == "constant" else name for name in fit.estimates.names]
    return dict(zip(names, getattr(fit.estimates, what).tolist(), strict=True))


def slopes(fit: Any, what: str) -> dict[str, float]:
    return {name: value for name, value in by_name(fit, what).items() if name != "(Intercept)"}


def pair(found: Any) -> dict[str, float]:
    return {"estimate": found.estimate, "std_error": found.se}


@pytest.mark.parametrize("key", ["pupil_fe_ols_absence", "pupil_fe_lpm_pa"])
def test_pupil_fixed_effects(key: str, expected: dict[str, Any], panel: dict[str, np.ndarray]) -> None:
    want = dict(expected[key])
    outcome = panel[want.pop("outcome")]
    x, pupil = chosen(panel, PANEL_TERMS), panel["pupil"]
    fits = {
        "se_classical": st.within(outcome, x, pupil, errors="conventional"),
        "se_cluster_unadjusted": st.within(outcome, x, pupil, rule="none"),
        "se_cluster_xtreg": st.within(outcome, x, pupil),
        "se_cluster_reghdfe_without_singletons": st.within(outcome, x, pupil, rule="reghdfe"),
        "se_cluster_areg": st.within(outcome, x, pupil, rule="areg"),
        "se_cluster_estimatr_stata": st.within(outcome, x, pupil, rule="areg"),
        "se_cluster_CR2": st.within(outcome, x, pupil, errors="cr2"),
    }
    plain, lean = fits["se_cluster_xtreg"], fits["se_cluster_reghdfe_without_singletons"]
    got = {name: slopes(fit, "se") for name, fit in fits.items()} | {
        "coef": slopes(plain, "values"),
        "n_obs": plain.rows,
        "n_groups": plain.units,
        "n_singletons": plain.singletons,
        "n_obs_without_singletons": lean.rows,
        "n_groups_without_singletons": lean.units,
        "r2_within": plain.r2_within,
        "constant": {
            "estimate": plain.estimates["constant"].estimate,
            "se_cluster_xtreg": plain.estimates["constant"].se,
        },
    }
    agree(got, want, {"/": FE})
    for fit in fits.values():
        assert slopes(fit, "values") == pytest.approx(want["coef"], rel=FE)


@pytest.mark.parametrize("outcome", ["sessions", "suspended"])
def test_fixed_effects_poisson(outcome: str, expected: dict[str, Any], panel: dict[str, np.ndarray]) -> None:
    want = dict(expected[f"pupil_fe_poisson_{outcome}"])
    assert want.pop("outcome") == outcome
    y, x, pupil = panel[outcome], chosen(panel, PANEL_TERMS), panel["pupil"]
    fit = st.poisson_within(y, x, pupil)
    got = {
        "n_obs": fit.rows,
        "n_groups": fit.units,
        "n_dropped_all_zero_or_single": fit.rows_offered - fit.rows,
        "coef": slopes(fit, "values"),
        "se_model": slopes(st.poisson_within(y, x, pupil, errors="model"), "se"),
        "se_cluster_unadjusted": slopes(st.poisson_within(y, x, pupil, factor=False), "se"),
        "se_cluster_G_over_Gm1": slopes(fit, "se"),
    }
    agree(got, want, {"/n_": 0.0, "/coef": POISSON_B, "/se": POISSON_SE})


def test_conditional_logit(expected: dict[str, Any], panel: dict[str, np.ndarray]) -> None:
    fit = st.conditional_logit(panel["pa"], chosen(panel, PANEL_TERMS), panel["pupil"])
    got = {
        "n_obs_informative": fit.rows,
        "n_groups_informative": fit.units,
        "coef": slopes(fit, "values"),
        "se_model": slopes(fit, "se"),
        "loglik": fit.log_likelihood,
    }
    agree(got, expected["pupil_fe_logit_pa"], {"/n_": 0.0, "/coef": POISSON_B, "/se": POISSON_SE, "/loglik": 1e-9})


def test_three_ways_to_percentage_points(panel: dict[str, np.ndarray]) -> None:
    """Months after: -0.0099 linear, -0.0078 pooled logit with pupil means, -0.0068 pooled logit without (biased)."""
    x = chosen(panel, PANEL_TERMS)
    linear = st.within(panel["pa"], x, panel["pupil"]).estimates["months_post"].estimate
    found = []
    for columns_used in (st.with_unit_means(x, panel["pupil"]), x):
        cells = st.rows_as_cells(panel["pa"], columns_used, cluster=panel["pupil"])
        effects = st.marginal_effects(st.logit(cells, errors="clustered"), cells)
        found.append(round(effects["months_post"].estimate, 4))
    assert [round(linear, 4), *found] == [-0.0099, -0.0078, -0.0068]


@pytest.mark.parametrize(
    ("key", "post", "months"), [("collapsed_before", 0, "months_pre"), ("collapsed_after", 1, "months_post")]
)
def test_collapsed_before_and_after(key, post, months, expected: dict[str, Any], panel: dict[str, np.ndarray]) -> None:
    at = panel["post"] == post
    pupil, code = np.unique(panel["pupil"][at], return_inverse=True)
    size = np.bincount(code)
    average = {name: np.bincount(code, weights=panel[name][at]) / size for name in (*panel,)}
    x = {"months": average[months]} | chosen(average, ("age", "idaci", "female", "fsm"))
    cells = st.rows_as_cells(average["absence"], x)
    ever = st.rows_as_cells((average["pa"] > 0).astype(float), x)
    plain, robust, odds = st.ols(cells, errors="conventional"), st.ols(cells), st.logit(ever)
    got = {
        "n": len(pupil),
        "ols_coef": by_name(plain, "values"),
        "ols_se": by_name(plain, "se"),
        "ols_se_hc1": by_name(robust, "se"),
        "logit_coef": by_name(odds, "values"),
        "logit_se": by_name(odds, "se"),
    }
    # R's glm takes its standard errors from the weights of the last step but one, here 2e-8 away from converged ones:
    # stopped where R stops, they are R's to twelve digits.
    agree(got, expected[key], {"/n": 0.0, "/ols": FE, "/logit_se": 5e-8, "/logit_coef": LOGIT})
    stopped = errors_where_r_stops(ever)
    assert [stopped[name] for name in expected[key]["logit_se"]] == pytest.approx(
        list(expected[key]["logit_se"].values()), rel=1e-12
    )


def errors_where_r_stops(cells: st.Cells) -> dict[str, float]:
    """Standard errors as glm.fit has them, from the weights before its last step; epsilon as the values were made."""
    x = np.vstack([np.ones(len(cells.n)), cells.matrix()])
    y = cells.total
    mu = (y + 0.5) / 2
    eta, before = np.log(mu / (1 - mu)), np.inf
    while True:
        w = mu * (1 - mu)
        bend = (x * w) @ x.T
        b = np.linalg.solve(bend, x @ (w * eta + y - mu))
        eta = b @ x
        mu = 1 / (1 + np.exp(-eta))
        deviance = -2 * float(np.log(np.where(y > 0, mu, 1 - mu)).sum())
        if abs(deviance - before) / (abs(deviance) + 0.1) < 1e-14:
            return dict(zip(("(Intercept)", *cells.names), np.sqrt(np.diag(np.linalg.inv(bend))), strict=True))
        before = deviance


def test_difference_in_differences_logit(expected: dict[str, Any], did: dict[str, np.ndarray]) -> None:
    x = chosen(did, DID_TERMS)
    cells = st.group_rows(did["reading"], x)
    by_authority = st.group_rows(did["reading"], x, cluster=did["la"])
    fit, clustered = st.logit(cells), st.logit(by_authority, errors="clustered")
    dummies = [name for name in DID_TERMS if not name.startswith("idaci")]

    def table(found: Any) -> dict[str, Any]:
        return {found_one.name: pair(found_one) for found_one in found}

    def effect(off: tuple[str, ...]) -> dict[str, float]:
        return pair(st.effect_on_treated(fit, cells, treated=("cin", "post"), off=off))

    got = {
        "n": fit.rows,
        "coef": by_name(fit, "values"),
        "se_model": by_name(fit, "se"),
        "se_hc0": by_name(st.logit(cells, errors="hc0"), "se"),
        "se_cluster_la_G_over_Gm1": by_name(clustered, "se"),
        "loglik": fit.log_likelihood,
        "dydx_products_as_separate_regressors": table(st.marginal_effects(fit, cells)),
        "dydx_discrete_each_column_as_separate_dummy": table(st.marginal_effects(fit, cells, discrete=dummies)),
        "dydx_products_cluster_la": table(st.marginal_effects(clustered, by_authority)),
        "average_effect_of_post_all_terms_moving": pair(st.switching(fit, cells, "post", products=PRODUCTS)),
        "average_effect_of_cin_all_terms_moving": pair(st.switching(fit, cells, "cin", products=PRODUCTS)),
        "ai_norton_cross_difference_cin_post": pair(st.cross_difference(fit, cells, "cin", "post", products=PRODUCTS)),
        "puhani_att_all_cin_post_terms": effect(("cin_post", "cin_fsm_post")),
        "puhani_att_two_way_term_only": effect(("cin_post",)),
    }
    tolerances = {"/n": 0.0, "/coef": LOGIT, "/se_": LOGIT, "/loglik": LOGIT}
    agree(
        got,
        expected["did_logit_reading"],
        tolerances | {"/dydx": MARGINS, "/average": MARGINS, "/ai": MARGINS, "/puhani": MARGINS},
    )


def test_difference_in_differences_least_squares(expected: dict[str, Any], did: dict[str, np.ndarray]) -> None:
    x = chosen(did, DID_TERMS)
    cells = st.group_rows(did["att8"], x, cluster=did["la"])
    plain = st.ols(cells, errors="conventional")
    got = {
        "n": plain.rows,
        "coef": by_name(plain, "values"),
        "se": by_name(plain, "se"),
        "se_hc1": by_name(st.ols(cells), "se"),
        "se_cluster_la_stata": by_name(st.ols(cells, errors="clustered"), "se"),
        "r2": plain.r2,
    }
    agree(got, expected["did_ols_att8"], {"/": FE})


def mixed_table(fit: Any, want: dict[str, Any]) -> dict[str, Any]:
    places = {None: 0, "(Intercept)": 0, "cin_post": 1}
    rows = []
    for row in want["varcorr"]:
        if row["group"] == "Residual":
            value = deviation = fit.residual_variance
        else:
            i, j = places[row["var1"]], places[row["var2"]]
            j = i if row["var2"] is None else j
            value = deviation = fit.variances[i, j]
        if row["var2"] is not None:
            deviation = value / np.sqrt(fit.variances[0, 0] * fit.variances[1, 1])
        else:
            deviation = np.sqrt(value)
        rows.append({"vcov": value, "sdcor": deviation})
    names = {
        "fixed": by_name(fit, "values"),
        "fixed_se": by_name(fit, "se"),
        "n": fit.rows,
        "loglik": fit.log_likelihood,
    }
    return names | {"varcorr": rows}


@pytest.mark.parametrize(
    ("key", "random", "method"),
    [
        ("random_intercept_ml", ("constant",), "ML"),
        ("random_intercept_reml", ("constant",), "REML"),
        ("random_slope_cin_post_ml", ("constant", "cin_post"), "ML"),
        ("random_slope_cin_post_reml", ("constant", "cin_post"), "REML"),
    ],
)
def test_linear_mixed_models(key, random, method, expected: dict[str, Any], did: dict[str, np.ndarray]) -> None:
    cross = st.cross_products({"att8": did["att8"]}, chosen(did, DID_TERMS), did["la"])
    fit = st.mixed(cross, "att8", random=random, method=method)
    want = expected["multilevel_att8"][key]
    tolerances = {"/fixed_se": MIXED_SE, "/fixed": MIXED_B, "/varcorr": MIXED_V, "/loglik": MIXED_LL, "/n": 0.0}
    agree(mixed_table(fit, want), want, tolerances)
    if key == "random_slope_cin_post_reml":
        blup = expected["multilevel_att8"]["blup_random_slope_reml"]
        assert blup["la"] == sorted(set(did["la"]))
        assert fit.effects[:, 0] == pytest.approx(blup["intercept"], abs=1e-4)
        assert fit.effects[:, 1] == pytest.approx(blup["slope"], abs=1e-4)
    assert set(expected["multilevel_att8"]) == {
        *("random_intercept_ml", "random_intercept_reml", "random_slope_cin_post_ml", "random_slope_cin_post_reml"),
        "blup_random_slope_reml",
    }


@pytest.mark.parametrize(
    ("key", "random", "points"),
    [
        ("random_intercept_laplace", ("constant",), 1),
        ("random_intercept_agq9", ("constant",), 9),
        ("random_slope_cin_post_laplace", ("constant", "cin_post"), 1),
    ],
)
def test_logit_mixed_models(key, random, points, expected: dict[str, Any], did: dict[str, np.ndarray]) -> None:
    cells = st.group_rows(did["reading"], chosen(did, DID_TERMS), cluster=did["la"])
    fit = st.mixed_logit(cells, random=random, points=points)
    want = expected["multilevel_reading_logit"][key]
    got = mixed_table(fit, want)
    for name, value in want["fixed"].items():
        # Stated: within 0.15 of a standard error. Reached: within a thousandth of one.
        assert abs(got["fixed"][name] - value) < 0.001 * want["fixed_se"][name]
    got.pop("fixed")
    want = {name: value for name, value in want.items() if name != "fixed"}
    agree(got, want, {"/fixed_se": LAPLACE_SE, "/varcorr": LAPLACE_V, "/loglik": 1e-8, "/n": 0.0})
    assert len(expected["multilevel_reading_logit"]) == 3


def test_paired_survey(expected: dict[str, Any], folder: Path) -> None:
    survey = columns(folder / "survey.csv")
    t, ranks = st.paired_t(survey["wave4"], survey["wave5"]), st.signed_rank(survey["wave4"], survey["wave5"])
    got = {
        "n": t.n,
        "mean_difference": t.difference.estimate,
        "std_error": t.difference.se,
        "t": t.t,
        "df": t.difference.df,
        "p_value": t.p,
        "ci": [t.low, t.high],
        "cohen_dz": t.standardised,
        "wilcoxon_V": ranks.v,
        "wilcoxon_p": ranks.p,
    }
    agree(got, expected["paired_t_survey"], {"/": EXACT})


def test_nothing_that_r_computed_goes_unasked(expected: dict[str, Any]) -> None:
    asked = {
        *("pupil_fe_ols_absence", "pupil_fe_lpm_pa", "pupil_fe_poisson_sessions", "pupil_fe_poisson_suspended"),
        *("pupil_fe_logit_pa", "collapsed_before", "collapsed_after", "did_logit_reading", "did_ols_att8"),
        *("multilevel_att8", "multilevel_reading_logit", "paired_t_survey"),
    }
    assert set(expected) - {"software"} == asked

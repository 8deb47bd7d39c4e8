"""Every published value of the textbook cases, and R's beside them, each within its own tolerance."""

import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from statistics_data import chosen, columns

from sightline import statistics as st
from sightline.statistics import Estimate

Found = dict[tuple[str, str], float]
CASES: dict[str, Callable[[Path], Found]] = {}


def case(function: Callable[[Path], Found]) -> Callable[[Path], Found]:
    CASES[function.__name__] = function
    return function


def told(what: str, values: Mapping[str, float], names: Mapping[str, str] | None = None) -> Found:
    names = names or {}
    return {(what, names.get(name, "_cons" if name == "constant" else name)): value for name, value in values.items()}


def terms(fit: Any, attribute: str) -> dict[str, float]:
    return dict(zip(fit.estimates.names, getattr(fit.estimates, attribute).tolist(), strict=True))


@case
def nlswork_xtreg_fe(folder: Path) -> Found:
    data = columns(folder / "nlswork.csv")
    # `grade` is in the published command, so its missing rows are out although the fixed effects absorb it.
    known = ~np.isnan(data["grade"])
    data = {name: values[known] for name, values in data.items()}
    x = {}
    for name in ("age", "ttl_exp", "tenure"):
        x[name], x[f"{name}2"] = data[name], data[name] ** 2
    x |= chosen(data, ("not_smsa", "south"))
    plain = st.within(data["ln_wage"], x, data["idcode"], errors="conventional")
    robust = st.within(data["ln_wage"], x, data["idcode"], errors="robust")
    counts = {("n", "observations"): plain.rows, ("n", "groups"): plain.units, ("r2_within", "r2"): plain.r2_within}
    assert plain.singletons == 550
    return (
        counts
        | told("coef", terms(plain, "values"))
        | told("se", terms(plain, "se"))
        | told("se_cluster", terms(robust, "se"))
    )


@case
def jtrain_xtreg_fe(folder: Path) -> Found:
    data = columns(folder / "jtrain.csv")
    x = chosen(data, ("d88", "d89", "grant", "grant_1"))
    plain = st.within(data["lscrap"], x, data["fcode"], errors="conventional")
    clustered = st.within(data["lscrap"], x, data["fcode"])
    counts = {("n", "observations"): plain.rows, ("n", "groups"): plain.units, ("sigma_e", "sigma_e"): plain.sigma}
    return (
        counts
        | told("coef", terms(plain, "values"))
        | told("se", terms(plain, "se"))
        | told("se_cluster", terms(clustered, "se"))
    )


@case
def card_krueger_did(folder: Path) -> Found:
    data = columns(folder / "card_krueger.csv")
    before, after = (data[f"empft{w}"] + data[f"nmgrs{w}"] + 0.5 * data[f"emppt{w}"] for w in (1, 2))
    nj = data["nj"] == 1
    everyone = st.difference_in_differences(before[nj], after[nj], before[~nj], after[~nj])
    balanced = st.difference_in_means((after - before)[nj], (after - before)[~nj])
    wave = np.repeat([0.0, 1.0], len(nj))
    x = {"nj": np.tile(data["nj"], 2), "wave": wave, "did": np.tile(data["nj"], 2) * wave}
    rows = st.ols(st.rows_as_cells(np.concatenate([before, after]), x), errors="conventional")
    changes = st.ols(st.rows_as_cells(after - before, {"nj": data["nj"]}), errors="conventional")
    return {
        ("did", "all_stores"): everyone.estimate,
        ("did", "balanced"): balanced.estimate,
        ("se_unequal_variance", "balanced"): balanced.se,
        ("se_ols", "all_stores"): rows.estimates["did"].se,
        ("se_ols", "balanced"): changes.estimates["nj"].se,
    }


@case
def hsb_multilevel(folder: Path) -> Found:
    data = columns(folder / "hsb.csv")
    data["cses"] = data["ses"] - data["meanses"]
    data["meanses:cses"], data["cses:catholic"] = data["meanses"] * data["cses"], data["catholic"] * data["cses"]
    found: Found = {}
    for name, fixed, random in (
        ("anova", (), ("constant",)),
        ("means_as_outcomes", ("meanses",), ("constant",)),
        ("random_coef", ("cses",), ("constant", "cses")),
        ("full", ("meanses", "cses", "catholic", "meanses:cses", "cses:catholic"), ("constant", "cses")),
    ):
        cross = st.cross_products({"mathach": data["mathach"]}, chosen(data, fixed), data["school"])
        fit = st.mixed(cross, "mathach", random=random)
        found |= told(f"fixed:{name}", terms(fit, "values")) | told(f"se:{name}", terms(fit, "se"))
        v = f"variance:{name}"
        found[v, "school"] = found[v, "school:(Intercept):NA"] = fit.variances[0, 0]
        found[v, "residual"] = found[v, "Residual:NA:NA"] = fit.residual_variance
        if len(random) == 2:
            found[v, "school:cses:NA"], found[v, "school:(Intercept):cses"] = fit.variances[1, 1], fit.variances[0, 1]
        found[f"reml_criterion:{name}", "m2ll"] = fit.deviance
        assert (fit.rows, fit.groups) == (7185, 160)
    return found


@case
def spector_logit_margins(folder: Path) -> Found:
    data = columns(folder / "spector.csv")
    cells = st.group_rows(data["GRADE"], chosen(data, ("GPA", "TUCE", "PSI")))
    fit = st.logit(cells)
    plain, discrete = st.marginal_effects(fit, cells), st.marginal_effects(fit, cells, discrete=["PSI"])
    found = told("coef", terms(fit, "values")) | told("se", terms(fit, "se"))
    for effect in plain:
        found["dydx", effect.name], found["dydx_se", effect.name] = effect.estimate, effect.se
    found["dydx_discrete", "PSI"], found["dydx_discrete_se", "PSI"] = discrete["PSI"].estimate, discrete["PSI"].se
    return found


@case
def petersen_cluster_se(folder: Path) -> Found:
    data = columns(folder / "petersen.csv")
    cells = st.rows_as_cells(data["y"], {"x": data["x"]})
    firm, year = {"firm": data["firm"]}, {"year": data["year"]}
    fits = {
        "se_iid": st.ols(cells, errors="conventional"),
        "se_hc1": st.ols(cells),
        "se_cluster_firm": st.ols(cells, errors="clustered", clusters=firm),
        "se_cluster_year": st.ols(cells, errors="clustered", clusters=year),
        "se_cluster_firm_uncorrected": st.ols(cells, errors="clustered", clusters=firm, factor=False),
        "se_cluster_twoway": st.ols(cells, errors="clustered", clusters=firm | year),
    }
    assert fits["se_cluster_twoway"].clusters == {"firm": 500, "year": 10}
    found = told("coef", terms(fits["se_iid"], "values"))
    for what, fit in fits.items():
        found |= told(what, terms(fit, "se"))
    return found


@case
def sleep_paired_t(folder: Path) -> Found:
    data = columns(folder / "sleep.csv")
    test = st.paired_t(data["extra"][data["group"] == 2], data["extra"][data["group"] == 1])
    return {
        ("t", "t"): test.t,
        ("df", "df"): test.difference.df,
        ("p", "p"): test.p,
        ("diff", "diff"): test.difference.estimate,
        ("ci", "low"): test.low,
        ("ci", "high"): test.high,
    }


@case
def tiny_conditional_models(folder: Path) -> Found:
    found: Found = {}
    specs = next(c["spec"] for c in cases_in(folder) if c["id"] == "tiny_conditional_models")
    for name, spec in specs.items():
        x = np.array(spec["x"], dtype=float)
        fit_one = st.conditional_logit if name.startswith("logit") else st.poisson_within
        fit = fit_one(spec["y"], {f"x{i + 1}": column for i, column in enumerate(x.T)}, spec["g"], errors="model")
        found |= told(f"{name}.coef", terms(fit, "values")) | told(f"{name}.se", terms(fit, "se"))
    return found


@case
def mpdta_callaway_santanna(folder: Path) -> Found:
    data = columns(folder / "mpdta.csv")
    fit = st.group_time_effects(data["lemp"], data["countyreal"], data["year"], data["first_treat"])
    found: Found = {("simple_att", "all"): fit.simple.estimate}
    for g, t, effect, se in zip(fit.cohorts, fit.periods, fit.effects, fit.se, strict=True):
        found["att_gt", f"{g:g},{t:g}"], found["att_gt_analytic_se", f"{g:g},{t:g}"] = effect, se
    return found


def cases_in(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "expected.json").read_text())["cases"]


@pytest.mark.parametrize("name", sorted(CASES))
def test_published_case(name: str, real: Path) -> None:
    folder = real / "statistics"
    (want,) = (c for c in cases_in(folder) if c["id"] == name)
    found = CASES[name](folder)
    wrong = []
    for entry in [*want["published"], *want.get("reference", [])]:
        got, value = found[entry["what"], entry["term"]], entry["value"]
        room = entry["abs_tol"] if "abs_tol" in entry else entry["rel_tol"] * abs(value)
        if not abs(got - value) <= room:
            wrong.append((entry["what"], entry["term"], got, value))
    assert not wrong


def test_no_published_case_goes_unasked(real: Path) -> None:
    assert {c["id"] for c in cases_in(real / "statistics")} == set(CASES)


def test_newcombe_table_ii() -> None:
    """Newcombe (1998), table II, method 10: (a) 56/70 against 48/80 and (d) 9/10 against 3/10."""
    got = st.difference_in_proportions((56, 70), (48, 80))
    assert (round(got.low, 4), round(got.high, 4)) == (0.0524, 0.3339)
    got = st.difference_in_proportions((9, 10), (3, 10))
    assert (round(got.low, 4), round(got.high, 4)) == (0.1705, 0.8090)


def test_wilson_published() -> None:
    """Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3: 81/263 and 0/20."""
    got = st.wilson(81, 263)
    assert (round(got.low, 4), round(got.high, 4)) == (0.2553, 0.3662)
    got = st.wilson(0, 20)
    assert (got.low, round(got.high, 4)) == (0.0, 0.1611)


def test_robustness_value_published() -> None:
    """Cinelli and Hazlett (2020), table 1: the Darfur example, 0.097 (0.023) with 783 degrees of freedom."""
    got = st.robustness_value(Estimate("directly harmed", 0.09731582, 0.02325654, 783))
    assert (round(got.partial_r2, 3), round(got.value, 3), round(got.value_at_level, 3)) == (0.022, 0.139, 0.076)


def test_benjamini_hochberg_published() -> None:
    """Benjamini and Hochberg (1995), section 4: fifteen tests, four rejected at 5 %; Holm's stricter rule rejects three."""
    p = [
        0.0001,
        0.0004,
        0.0019,
        0.0095,
        0.0201,
        0.0278,
        0.0298,
        0.0344,
        0.0459,
        0.3240,
        0.4262,
        0.5719,
        0.6528,
        0.7590,
        1.0,
    ]
    assert (st.benjamini_hochberg(p) <= 0.05).sum() == 4
    assert (st.holm(p) <= 0.05).sum() == 3


def test_power_textbook() -> None:
    """Two groups of 64, a difference of half a standard deviation: 80 % (Cohen 1988, table 2.4.1: n = 64)."""
    se = st.standard_error_of_difference(1.0, 64, 64)
    assert st.power(0.5, se, df=126) == pytest.approx(0.8015, abs=5e-5)
    assert st.minimum_detectable_effect(se) / se == pytest.approx(2.8016, abs=1e-4)
    assert st.standard_error_of_difference(1.0, 50, 50, cluster_size=20, intracluster=0.05) == pytest.approx(
        0.2 * math.sqrt(1 + 19 * 0.05)
    )

"""The tables of a study on the annex-shaped sample whose results R computed (see its provenance): the same figures."""

import json
from dataclasses import replace

import pytest

from sightline.engine import Database
from sightline.evaluation import Frame, Study, spec

CIN = "CIN plan"
AFTER, BEFORE = f"Months subject to a {CIN} after VSH extension", f"Months subject to a {CIN} before VSH extension"
PERIOD = "Period after COVID-19 / VSH extension"
PANEL = {AFTER: "months_post", BEFORE: "months_pre", PERIOD: "post", "Age": "age", "Eligible for FSM": "fsm",
         "IDACI score": "idaci"}  # fmt: skip
DID = {
    PERIOD: "post",
    f"Subject to a {CIN}": "cin",
    "Eligible for FSM": "fsm",
    f"Ever FSM * {PERIOD}": "fsm_post",
    f"Subject to a {CIN} * {PERIOD} (DID)": "cin_post",
    f"Subject to a {CIN} * Eligible FSM": "cin_fsm",
    f"Subject to a {CIN} * Eligible FSM * {PERIOD}": "cin_fsm_post",
    "IDACI score": "idaci",
    f"IDACI score * {PERIOD}": "idaci_post",
    "Female": "female",
    f"Female * {PERIOD}": "female_post",
}


@pytest.fixture(scope="module")
def expected(real):
    return json.loads((real / "statistics" / "synthetic" / "r_expected.json").read_text())


@pytest.fixture(scope="module")
def database(real):
    """The sample as linked tables, everyone on a plan in four years."""
    held = Database()
    folder = real / "statistics" / "synthetic"
    held.execute(
        f"""
        CREATE TABLE pupil_year AS SELECT CAST(pupil AS VARCHAR) AS pupil, year, CAST(post AS INTEGER) AS post,
            CAST(female AS INTEGER) AS female, CAST(age AS INTEGER) AS age, CAST(fsm AS INTEGER) AS fsm,
            CAST(idaci AS DECIMAL(9, 6)) AS idaci, CAST(la AS VARCHAR) AS authority, 0 AS send, 0 AS send_ever,
            absence AS missed, 100.0 AS possible, suspended, CAST(months_post + months_pre AS DECIMAL(9, 6)) AS cin_months
        FROM read_csv('{folder / "panel.csv"}')
        """
    )
    held.execute(
        f"CREATE TABLE pupil_plan AS SELECT DISTINCT pupil, '{CIN}' AS plan, 4 AS years, true AS before, true AS after "
        "FROM pupil_year"
    )
    held.execute(
        f"""
        CREATE TABLE sample AS SELECT CAST(row_number() OVER () AS VARCHAR) AS pupil, post, female, fsm,
            CAST(idaci AS DECIMAL(9, 6)) AS idaci, CAST(eth AS VARCHAR) AS ethnicity, CAST(la AS VARCHAR) AS authority,
            0 AS send, 0 AS send_ever, if(cin = 1, '{CIN}', 'Not on a plan') AS grp, reading, att8
        FROM read_csv('{folder / "did.csv"}')
        """
    )
    held.execute(
        "CREATE TABLE ks1_linked AS SELECT *, reading AS writing, reading AS maths, reading AS science FROM sample"
    )
    held.execute("CREATE TABLE ks2_linked AS SELECT *, NULL::INTEGER AS gps, NULL::INTEGER AS maths FROM sample")
    held.execute(
        "CREATE TABLE ks4_linked AS SELECT *, att8 AS attainment_8, att8 AS passes, att8 AS progress_8 FROM sample"
    )
    yield held
    held.close()


@pytest.fixture(scope="module")
def persistent(database, real):
    """The same pupils with R's outcome of nought or one as absence: twenty sessions of a hundred missed, or none."""
    held = Database()
    held.add("pupil_year", database.query("SELECT * FROM pupil_year"))
    held.add("pupil_plan", database.query("SELECT * FROM pupil_plan"))
    held.execute("CREATE TABLE absent AS SELECT * FROM pupil_year")
    held.execute("DROP VIEW IF EXISTS pupil_year")
    held.execute(
        f"""
        CREATE TABLE pupil_year AS SELECT a.* REPLACE (20.0 * r.pa AS missed) FROM absent AS a
        JOIN read_csv('{real / "statistics" / "synthetic" / "panel.csv"}') AS r
            ON a.pupil = CAST(r.pupil AS VARCHAR) AND a.year = r.year
        """
    )
    yield held
    held.close()


def study(**models) -> Study:
    base = Study()
    return replace(
        base, groups=replace(base.groups, least=0, years_on_plan=(4,)), models=replace(base.models, **models)
    )


def table(database, name, **models):
    return spec(name).make(Frame(database, study(**models), "without"), name)


@pytest.mark.parametrize(
    ("setting", "reference"),
    [("conventional", "se_classical"), ("clustered", "se_cluster_xtreg"), ("robust", "se_cluster_xtreg")],
)
def test_table_55_is_rs_fixed_effects_with_its_constant(database, expected, setting, reference):
    made = table(database, "table-55", engagement_errors=setting)
    r = expected["pupil_fe_ols_absence"]
    for row, name in PANEL.items():
        assert made.value(row, "all 4 years") == pytest.approx(r["coef"][name], rel=1e-8)
        assert made.value(row, "all 4 years", "se") == pytest.approx(r[reference][name], rel=1e-7)
    assert made.value("Constant", "all 4 years") == pytest.approx(r["constant"]["estimate"], rel=1e-8)
    assert made.value("N", "all 4 years", "N") == r["n_groups"]
    assert made.value("Pupil-years", "all 4 years", "N") == r["n_obs"]
    assert made.value("Pupils with one year only", "all 4 years", "count") == r["n_singletons"]


def test_singletons_can_be_dropped_as_reghdfe_does(database, expected):
    made = table(database, "table-55", singletons="drop")
    r = expected["pupil_fe_ols_absence"]
    assert made.value("N", "all 4 years", "N") == r["n_groups_without_singletons"]
    assert made.value(AFTER, "all 4 years", "se") == pytest.approx(
        r["se_cluster_reghdfe_without_singletons"]["months_post"], rel=1e-7
    )
    assert any(x.why == "one row only" and x.count == r["n_singletons"] for x in made.left)


def test_poisson_on_suspensions(database, expected):
    made = table(database, "poisson-suspension-cin")
    r = expected["pupil_fe_poisson_suspended"]
    for row, name in PANEL.items():
        assert made.value(row, "all 4 years") == pytest.approx(r["coef"][name], rel=1e-6)
        assert made.value(row, "all 4 years", "se") == pytest.approx(r["se_cluster_G_over_Gm1"][name], rel=1e-5)


def test_table_73_is_rs_collapsed_regressions(database, expected):
    made = table(database, "table-73")
    rows = {
        "Average months per year subject to a CIN plan in the period": "months",
        "Average age in the period": "age",
        "Average IDACI score in the period": "idaci",
        "Female": "female",
        "Constant": "(Intercept)",
    }
    for column, name in (("before VSH extension", "collapsed_before"), ("after VSH extension", "collapsed_after")):
        assert made.value("N", column, "N") == expected[name]["n"]
    assert made.value("Average months per year subject to a CIN plan in the period", "after less before") is not None
    assert set(rows) <= set(made.rows)


@pytest.mark.parametrize("discrete", [False, True])
def test_table_63_is_rs_marginal_effects(database, expected, discrete):
    made = table(database, "table-63", discrete=discrete)
    key = "dydx_discrete_each_column_as_separate_dummy" if discrete else "dydx_products_as_separate_regressors"
    r = expected["did_logit_reading"][key]
    for row, name in DID.items():
        assert made.value(row, "Reading") == pytest.approx(r[name]["estimate"], rel=1e-6, abs=1e-9)
        assert made.value(row, "Reading", "se") == pytest.approx(r[name]["std_error"], rel=1e-5)


def test_marginal_effects_clustered_by_authority(database, expected):
    made = table(database, "table-63", attainment_errors="authority")
    r = expected["did_logit_reading"]["dydx_products_cluster_la"]
    for row, name in DID.items():
        assert made.value(row, "Reading", "se") == pytest.approx(r[name]["std_error"], rel=1e-5)


def test_the_effect_on_the_treated_and_the_cross_difference(database, expected):
    made = table(database, "table-63-effects")
    r = expected["did_logit_reading"]
    for row, name in {
        "Effect on the treated (Puhani): the headline": "puhani_att_all_cin_post_terms",
        "Effect on the treated, two-way term only": "puhani_att_two_way_term_only",
        "Cross difference (Ai and Norton)": "ai_norton_cross_difference_cin_post",
    }.items():
        assert made.value(row, "Reading") == pytest.approx(r[name]["estimate"], rel=1e-6)
        assert made.value(row, "Reading", "se") == pytest.approx(r[name]["std_error"], rel=1e-5)


@pytest.mark.parametrize(
    ("setting", "reference"),
    [("conventional", "se"), ("robust", "se_hc1"), ("authority", "se_cluster_la_stata")],
)
def test_table_71_is_rs_least_squares(database, expected, setting, reference):
    made = table(database, "table-71", score_errors=setting)
    r = expected["did_ols_att8"]
    for row, name in {**DID, "Constant": "(Intercept)"}.items():
        assert made.value(row, "Attainment 8 score") == pytest.approx(r["coef"][name], rel=1e-7)
        assert made.value(row, "Attainment 8 score", "se") == pytest.approx(r[reference][name], rel=1e-6)


COLLAPSED = {
    "Average months per year subject to a CIN plan in the period": "months",
    "Average age in the period": "age",
    "Average IDACI score in the period": "idaci",
    "Female": "female",
    "Eligible for FSM in the period": "fsm",
    "Constant": "(Intercept)",
}


@pytest.mark.parametrize(("setting", "reference"), [("conventional", "se_classical"), ("robust", "se_cluster_xtreg")])
def test_persistent_absence_as_a_linear_probability(persistent, expected, setting, reference):
    made = table(persistent, "persistent-absence-cin", engagement_errors=setting)
    r = expected["pupil_fe_lpm_pa"]
    for row, name in PANEL.items():
        assert made.value(row, "all 4 years, persistent") == pytest.approx(r["coef"][name], rel=1e-7)
        assert made.value(row, "all 4 years, persistent", "se") == pytest.approx(r[reference][name], rel=1e-7)


def test_persistent_absence_as_a_conditional_logit(persistent, expected):
    made = table(persistent, "persistent-absence-cin", engagement_errors="conventional")
    r, column = expected["pupil_fe_logit_pa"], "all 4 years, persistent, log-odds"
    for row, name in PANEL.items():
        assert made.value(row, column) == pytest.approx(r["coef"][name], rel=1e-6, abs=1e-8)
        assert made.value(row, column, "se") == pytest.approx(r["se_model"][name], rel=1e-5)
    assert made.value("Pupil-years", column, "N") == r["n_obs_informative"]
    assert made.value("N", column, "N") == r["n_groups_informative"]
    assert any(x.why == "never the outcome" for x in made.left)


@pytest.mark.parametrize(("setting", "reference"), [("conventional", "ols_se"), ("robust", "ols_se_hc1")])
def test_engagement_collapsed_to_periods_by_least_squares(database, expected, setting, reference):
    made = table(database, "collapsed-absence-cin", collapsed_errors=setting)
    for period in ("before", "after"):
        r, column = expected[f"collapsed_{period}"], f"{period} VSH extension, sessions"
        for row, name in COLLAPSED.items():
            assert made.value(row, column) == pytest.approx(r["ols_coef"][name], rel=1e-7)
            assert made.value(row, column, "se") == pytest.approx(r[reference][name], rel=1e-6)


def test_engagement_collapsed_to_periods_by_logit(persistent, expected):
    made = table(persistent, "collapsed-absence-cin")
    for period in ("before", "after"):
        r = expected[f"collapsed_{period}"]
        column = f"{period} VSH extension, persistent absence in any year, log-odds"
        for row, name in COLLAPSED.items():
            assert made.value(row, column) == pytest.approx(r["logit_coef"][name], rel=1e-6, abs=1e-9)
            assert made.value(row, column, "se") == pytest.approx(r["logit_se"][name], rel=1e-5)


def test_the_multilevel_model_of_scores_is_lme4s_with_its_shrunken_effects(database, expected):
    made = table(database, "multilevel-ks4-cin", cell_places=3)
    r, column = expected["multilevel_att8"]["random_slope_cin_post_reml"], "Attainment 8 score"
    for row, name in DID.items():
        assert made.value(row, column) == pytest.approx(r["fixed"][name], rel=1e-4, abs=1e-5)
        assert made.value(row, column, "se") == pytest.approx(r["fixed_se"][name], rel=1e-4)
    sd = {(v["var1"], v["var2"]): v["sdcor"] for v in r["varcorr"]}
    for row, key in {
        "Standard deviation between places: constant": ("(Intercept)", None),
        "Standard deviation between places: DID": ("cin_post", None),
        "Correlation of the two": ("(Intercept)", "cin_post"),
        "Standard deviation of the rest": (None, None),
    }.items():
        assert made.value(row, column, "mean") == pytest.approx(sd[key], rel=5e-4)
    assert made.value("Log-likelihood", column, "mean") == pytest.approx(r["loglik"], rel=1e-9)
    effects = expected["multilevel_att8"]["blup_random_slope_reml"]
    for place, slope in zip(effects["la"], effects["slope"], strict=True):
        assert made.value(f"Authority: {place}", column) == pytest.approx(slope, rel=1e-3, abs=1e-3)
        low, high = (made.value(f"Authority: {place}", column, end) for end in ("low", "high"))
        assert low < slope < high


def test_the_multilevel_logit_is_lme4s(database, expected):
    made = table(database, "multilevel-ks2-cin", cell_places=3, ethnicity=True)
    r, column = expected["multilevel_reading_logit"]["random_slope_cin_post_laplace"], "Reading, logit"
    for row, name in DID.items():
        assert made.value(row, column) == pytest.approx(r["fixed"][name], abs=0.15 * r["fixed_se"][name])
        assert made.value(row, column, "se") == pytest.approx(r["fixed_se"][name], rel=0.02)
    sd = {(v["var1"], v["var2"]): v["sdcor"] for v in r["varcorr"]}
    assert made.value("Standard deviation between places: constant", column, "mean") == pytest.approx(
        sd["(Intercept)", None], rel=1e-2
    )
    assert made.value("Standard deviation between places: DID", column, "mean") == pytest.approx(
        sd["cin_post", None], rel=1e-2
    )
    assert made.value("Log-likelihood", column, "mean") == pytest.approx(r["loglik"], abs=0.01)


def test_poisson_can_be_clustered_by_authority(database, expected):
    """With every pupil in one authority, clustering two ways by pupil and authority is clustering by authority."""
    by_pupil = table(database, "poisson-suspension-cin", engagement_errors="robust")
    two_way = table(database, "poisson-suspension-cin", engagement_errors="two-way")
    model = table(database, "poisson-suspension-cin", engagement_errors="conventional")
    r = expected["pupil_fe_poisson_suspended"]
    errors = set()
    for row, name in PANEL.items():
        assert model.value(row, "all 4 years", "se") == pytest.approx(r["se_model"][name], rel=1e-5)
        assert by_pupil.value(row, "all 4 years") == two_way.value(row, "all 4 years")
        errors |= {t.value(row, "all 4 years", "se") for t in (by_pupil, two_way, model)}
    assert len(errors) == 3 * len(PANEL)
    assert "authority" in two_way.errors

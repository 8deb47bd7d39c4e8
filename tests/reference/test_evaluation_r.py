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
    held.execute(
        "CREATE TABLE ks4_linked AS SELECT *, att8 AS attainment_8, att8 AS passes, att8 AS progress_8 FROM sample"
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

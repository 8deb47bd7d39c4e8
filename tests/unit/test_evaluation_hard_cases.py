"""Data that cannot answer, through the study: each case has one clear outcome, and what was left out is counted."""

import numpy as np
import pytest
from evaluation_data import CIN, linked, made, pupils

AFTER = f"Months subject to a {CIN} after VSH extension"
DID = f"Subject to a {CIN} * Period after COVID-19 / VSH extension (DID)"
ALL = "all 4 years"
ENGAGED = ["table-55", "poisson-absence-cin", "persistent-absence-cin", "collapsed-absence-cin", "did-engagement-cin"]
ATTAINED = ["table-63", "table-63-effects", "table-71", "multilevel-ks4-cin"]
BEYOND = [f"{word}-{domain}-cin" for word in ("event", "placebo", "resampling", "detectable", "unseen", "groups",
                                              "authorities") for domain in ("engagement", "ks1", "ks4")]  # fmt: skip
EVERY = [*ENGAGED, *ATTAINED, *BEYOND, "many-tests", "churn-cin", "choices-engagement-cin"]


def refusals(table):
    return dict(table.refused)


def words(table):
    """Every sentence a table gives in place of a figure."""
    return [why for _, why in table.refused] + [str(c.value) for c in table.cells if c.statistic == "verdict"]


@pytest.fixture(scope="module")
def plain():
    return linked(pupils())


def test_an_ordinary_sample_has_every_table(plain):
    for name in EVERY:
        table = made(plain, name)
        assert any(c.statistic in ("estimate", "mean") and c.value is not None for c in table.cells), name


def separated(rows, rng):
    """Nobody on a plan, eligible for FSM and tested after the extension reached the standard in reading."""
    drawn = (rng.random(len(rows["on"])) < 0.6).astype(int)
    return {"reading": np.where((rows["on"] == 1) & (rows["fsm"] == 1) & (rows["post"] == 1), 0, drawn)}


def test_perfect_separation_names_the_term_and_prints_no_huge_number():
    database = linked(pupils(), separated)
    three = f"Subject to a {CIN} * Eligible FSM * Period"
    refused = made(database, "table-63")
    assert three in refusals(refused)["Reading"] and "always has outcome 0" in refusals(refused)["Reading"]
    assert refused.value(DID, "Reading") is None and refused.value(DID, "Writing") is not None
    left = made(database, "table-63", models={"separation": "drop"})
    gone = [x for x in left.left if x.column == "Reading" and "always has outcome 0" in x.why]
    rows = pupils()
    assert gone[0].count == int(((rows["on"] == 1) & (rows["fsm"] == 1) & (rows["post"] == 1)).sum())
    assert left.value("N", "Reading", "N") == len(rows["on"]) - gone[0].count
    assert abs(left.value(DID, "Reading")) < 1
    firth = made(database, "table-63", models={"separation": "firth"})
    assert firth.value("N", "Reading", "N") == len(rows["on"]) and abs(firth.value(DID, "Reading")) < 1
    both = made(database, "table-63", models={"separation": "firth", "attainment_errors": "robust"})
    assert "model-based" in refusals(both)["Reading"]


def test_pupils_with_one_year_stay_counted_or_leave_counted():
    rows = pupils()
    keep = ~((rows["pupil"] < 10) & (rows["year"] > 2017))
    one = {name: values[keep] for name, values in rows.items()}
    database = linked(one)
    told = {"groups": {"least": 20, "years_on_plan": (1, 2), "both_periods": False}}
    kept = made(database, "table-55", **told)
    column = "at least 1 of the 4 years"
    assert kept.value("Pupils with one year only", column, "count") == 10
    dropped = made(database, "table-55", models={"singletons": "drop"}, **told)
    assert any(x.count == 10 and x.why == "one row only" for x in dropped.left)
    assert dropped.value("N", column, "N") == kept.value("N", column, "N") - 10
    poisson = made(database, "poisson-absence-cin", **told)
    assert any(x.kind == "groups" and x.count == 10 and x.why == "one row only" for x in poisson.left)


def test_a_group_whose_months_never_vary():
    """Six months in every year: after the extension they are the period, and must not be taken for an effect."""
    rows = pupils()
    rows["months"] = np.where(rows["on"] == 1, 6, 0)
    database = linked(rows)
    table = made(database, "table-55")
    assert table.value(AFTER, ALL) is None
    assert table.value("Period after COVID-19 / VSH extension", ALL) is not None
    assert any(x.name == AFTER and "is an exact sum of Period" in x.why for x in table.left)
    for name in ("resampling", "detectable", "unseen", "groups", "authorities"):
        found = made(database, f"{name}-engagement-cin")
        assert words(found) or found.left, name
        assert not [c for c in found.cells if c.statistic == "estimate" and c.value is not None], name


def test_nobody_left_the_group_that_is_compared():
    rows = pupils()
    rows["on"] = np.ones_like(rows["on"])
    database = linked(rows)
    for name in ("table-63", "table-63-effects", "table-71", "multilevel-ks4-cin", "did-engagement-cin"):
        found = made(database, name)
        assert all("0 pupils in the group Not on a plan" in why for _, why in found.refused), name
        assert found.refused


def test_an_outcome_that_is_always_nought():
    rows = pupils()
    rows["suspended"] = np.zeros_like(rows["suspended"])
    database = linked(rows, lambda r, rng: {"reading": np.zeros(len(r["on"]), dtype=int)})
    assert "does not vary" in refusals(made(database, "table-59"))[ALL]
    assert "all noughts" in refusals(made(database, "poisson-suspension-cin"))[ALL]
    assert "always nought" in refusals(made(database, "table-63"))["Reading"]
    assert (
        "always nought"
        in refusals(made(database, "collapsed-suspension-cin"))["before VSH extension, any suspension, log-odds"]
    )
    assert "does not vary" in refusals(made(database, "did-engagement-cin"))["Sessions missed due to suspension"]
    for name in ("event", "resampling", "detectable", "unseen", "groups", "authorities", "placebo"):
        for domain in ("engagement", "ks1"):
            assert words(made(database, f"{name}-{domain}-cin")), (name, domain)
    assert any("not estimated" in w for w in words(made(database, "many-tests")))


def test_an_authority_with_two_children():
    rows = pupils()
    rows["authority"] = np.where(np.isin(rows["pupil"], (0, 239)), "tiny", rows["authority"])
    database = linked(rows)
    shrunk = made(database, "multilevel-ks4-cin")
    other = [c for c in shrunk.cells if c.row.startswith("Authority: ") and c.statistic == "se"]
    tiny = shrunk.value("Authority: tiny", "Attainment 8 score", "se")
    assert tiny == max(c.value for c in other if c.column == "Attainment 8 score")
    alone = made(database, "authorities-ks4-cin")
    assert "Authority: tiny" not in alone.rows
    assert any(x.name == "authority" and "fewer pupils" in x.why and x.count >= 1 for x in alone.left)
    two_way = made(database, "table-55", models={"engagement_errors": "two-way"})
    assert two_way.value("Degrees of freedom", ALL, "df") == 12


def test_missing_covariates_are_counted_by_name():
    rows = pupils()
    idaci, authority = rows["idaci"].copy(), rows["authority"].astype(object)
    idaci[[3, 10, 11]] = np.nan
    authority[[20, 21]] = None
    database = linked(rows | {"idaci": idaci, "authority": authority})
    table = made(database, "table-55")
    assert [(x.name, x.count) for x in table.left if x.kind == "rows" and x.column == ALL] == [("IDACI score", 3)]
    assert table.value("Pupil-years", ALL, "N") == 480 - 3
    two_way = made(database, "table-55", models={"engagement_errors": "two-way"})
    assert ("authority (cluster)", 2) in [(x.name, x.count) for x in two_way.left]
    grouped = made(database, "table-63")
    assert ("IDACI score", 3) in [(x.name, x.count) for x in grouped.left if x.column == "Reading"]
    clustered = made(database, "table-63", models={"attainment_errors": "authority"})
    assert ("cluster", 2) in [(x.name, x.count) for x in clustered.left if x.column == "Reading"]
    assert any(x.count == 3 for x in made(database, "collapsed-absence-cin").left)
    assert any(x.count == 3 for x in made(database, "event-ks1-cin").left)


def test_one_authority_is_clustered_by_school_and_refuses_what_needs_many_places():
    rows = pupils()
    rows["authority"] = np.full(len(rows["pupil"]), "only")
    database = linked(rows)
    assert "school" in made(database, "event-ks1-cin").errors
    assert "one place" in " ".join(words(made(database, "authorities-ks1-cin"))).lower()
    assert "variances" in refusals(made(database, "multilevel-ks4-cin"))["Attainment 8 score"]
    assert "one authority only" in " ".join(words(made(database, "resampling-engagement-cin")))


def test_one_year_before_has_no_trend_to_test_and_says_so():
    rows = pupils()
    keep = rows["year"] != 2017
    database = linked({name: values[keep] for name, values in rows.items()})
    told = {"windows": {"before": (2018,)}, "groups": {"least": 20, "years_on_plan": (2,)}}
    event = made(database, "event-ks1-cin", **told)
    assert event.value("Parallel before: p", "Reading", "verdict") == "cannot be tested: one year before only"
    placebo = made(database, "placebo-ks1-cin", **told)
    assert any("one year before only" in w for w in words(placebo))


def test_children_whose_send_is_not_known_are_counted():
    rows = pupils()
    send = rows["send"].astype(float)
    send[rows["pupil"] < 5] = np.nan
    table = made(linked(rows | {"send": send}), "table-55")
    assert [x.count for x in table.left if x.why == "left out because SEND is not known"] == [5]

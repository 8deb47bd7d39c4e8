"""What lies beyond the report, on invented children whose truth is known: each table answers what it says it does."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from evaluation_data import CIN, linked, made, pupils, study

from sightline.evaluation import Frame, spec
from sightline.evaluation.claims import ENGAGEMENT, claims

AFTER = f"Months subject to a {CIN} after VSH extension"
EFFECT = -0.3
"""Sessions a month that the invented children miss less after the extension (see evaluation_data)."""


@pytest.fixture(scope="module")
def plain():
    return linked(pupils(n=600))


@pytest.fixture(scope="module")
def moved():
    """Children on a plan reach the standard ten points more after the extension, and more by two points a year before."""

    def results(rows, rng):
        chance = 0.5 - 0.1 * rows["on"] + 0.1 * rows["on"] * rows["post"] + 0.02 * rows["on"] * (rows["year"] == 2017)
        return {"reading": (rng.random(len(chance)) < chance).astype(int)}

    return linked(pupils(seed=5, n=4000, places=40), results)


def estimates(table, column):
    return {c.row: c.value for c in table.cells if c.column == column and c.statistic == "estimate"}


def inside(table, row, column, truth):
    return table.value(row, column, "low") < truth < table.value(row, column, "high")


def test_resampling_has_the_claim_itself_and_errors_near_the_formulas(plain):
    table = made(plain, "resampling-engagement-cin", beyond={"draws": 400, "permutations": 99})
    for row in ("Bootstrap by pupil", "Bootstrap by authority"):
        assert table.value(row, "Absence") == pytest.approx(table.value("As in its table", "Absence"), rel=1e-8)
    assert table.value("Bootstrap by pupil", "Absence", "se") == pytest.approx(
        table.value("As in its table", "Absence", "se"), rel=0.15
    )
    assert table.value("Wild bootstrap by authority: p", "Absence", "p") < 0.01
    assert table.value("Randomisation: months shuffled: p", "Absence", "p") <= 0.02
    assert table.value("Randomisation: months shuffled: p", "Suspension", "p") > 0.02
    assert made(plain, "resampling-engagement-cin").cells == made(plain, "resampling-engagement-cin").cells
    other = spec("resampling-engagement-cin").make(
        Frame(plain, replace(study(), seed=2), "without"), "resampling-engagement-cin"
    )
    assert other.cells != made(plain, "resampling-engagement-cin").cells


def test_an_effect_on_attainment_is_found_by_every_way_of_asking(moved):
    table = made(moved, "resampling-ks1-cin", beyond={"draws": 199, "permutations": 99})
    assert inside(table, "Bootstrap by authority", "Reading", 0.1)
    for row in ("Wild bootstrap by authority", "Wild score bootstrap of the logit's DID row, by authority",
                "Randomisation: plans shuffled"):  # fmt: skip
        assert table.value(f"{row}: p", "Reading", "p") <= 0.02, row
        assert table.value(f"{row}: p", "Science", "p") > 0.02, row
    effects = made(moved, "table-63-effects")
    assert inside(effects, "Linear probability", "Reading", 0.1)


def test_the_event_study_shows_the_planted_differences_by_year(moved):
    table = made(moved, "event-ks1-cin")
    for year, truth in (("2017/18", 0.02), ("2021/22", 0.1), ("2022/23", 0.1)):
        assert inside(table, year, "Reading", truth), year
    assert table.value("2018/19", "Reading", "verdict").startswith("nought")
    assert 0 < table.value("Parallel before: p", "Reading", "p") <= 1
    bounds = [
        (
            table.value(f"Effect in 2021/22 if trends part {m} times as fast as before: lowest", "Reading", "low"),
            table.value(f"Effect in 2021/22 if trends part {m} times as fast as before: highest", "Reading", "high"),
        )
        for m in ("0.5", "1", "2")
    ]
    lows, highs = zip(*bounds, strict=True)
    assert sorted(lows, reverse=True) == list(lows) and sorted(highs) == list(highs)
    assert lows[0] < table.value("2021/22", "Reading") < highs[0]
    # Three years from the reference to 2021/22: the interval holds three times the error of one year's divergence.
    assert highs[1] - lows[1] > 2 * 1.96 * 2.5 * table.value("2017/18", "Reading", "se")
    trend = table.value("Yearly divergence the test would find", "Reading")
    assert table.value("What that would add in 2021/22", "Reading") == pytest.approx(3 * trend)


def test_months_by_year_are_nought_before_and_the_effect_after(plain):
    table = made(plain, "event-engagement-cin")
    column = "Absence: for each month, pupil fixed effects"
    for year, truth in (("2017/18", 0.0), ("2021/22", EFFECT), ("2022/23", EFFECT)):
        assert table.value(year, column) == pytest.approx(truth, abs=3.5 * table.value(year, column, "se"))


def test_placebos_are_nought_where_nothing_was_planted(plain):
    table = made(plain, "placebo-engagement-cin")
    assert set(table.columns) == {"Absence", "Suspension", "Share of girls"}
    rows = [c for c in table.cells if c.statistic == "estimate"]
    assert len(rows) == 2 * 3 + 1
    for c in rows:
        assert abs(c.value) < 4 * table.value(c.row, c.column, "se"), c.row
    date_of = made(plain, "placebo-ks1-cin")
    assert "Extension pretended in 2018/19" in date_of.rows


def test_adjusted_p_values_are_no_smaller_and_keep_their_order(moved):
    table = made(moved, "many-tests", beyond={"draws": 199})
    rows = [r for r in table.rows if table.value(r, "p", "p") is not None]
    assert len(rows) == 2 + 10
    for row in rows:
        p = table.value(row, "p", "p")
        for name in ("Holm", "Benjamini and Hochberg"):
            assert table.value(row, name, "p") >= p - 1e-12
    reading = f"{CIN}: Key Stage 1 Reading"
    assert table.value(reading, "Holm", "p") < 0.05
    assert table.value(reading, "Romano and Wolf", "p") <= 0.05
    assert table.value(reading, "Family", "verdict").endswith("10 claims")


def test_no_effect_is_told_from_cannot_tell(plain, moved):
    wide = made(plain, "detectable-engagement-cin", beyond={"margin_sessions": 5.0})
    assert wide.value("Verdict", "Suspension", "verdict") == "no effect that matters"
    assert wide.value("Verdict", "Absence", "verdict") == "an effect, but too small to matter"
    narrow = made(plain, "detectable-engagement-cin", beyond={"margin_sessions": 0.001})
    assert narrow.value("Verdict", "Suspension", "verdict") == "cannot tell"
    clear = made(moved, "detectable-ks1-cin", beyond={"margin_share": 0.01})
    assert clear.value("Verdict", "Reading", "verdict") == "an effect that matters"
    row = "Smallest effect found with a chance of 80%"
    assert clear.value(row, "Reading") == pytest.approx(2.8016 * clear.value("Estimate", "Reading", "se"), rel=1e-3)


def test_the_unseen_is_weaker_where_the_effect_is_strong(plain):
    table = made(plain, "unseen-engagement-cin")
    assert table.value("Robustness value", "Absence") > table.value("Robustness value", "Suspension")
    assert table.value("Robustness value for significance", "Suspension") == 0


def test_every_choice_is_there_once_and_the_claim_among_them(plain):
    table = made(plain, "choices-engagement-cin")
    absence = [r for r in table.rows if r.startswith("Absence ") and "summary" not in r]
    # Two runs by SEND have children (nobody has SEND), three nested samples, eight sets of controls, two errors.
    assert len(absence) == 2 * 3 * 8 * 2
    values = [table.value(r, "Estimate") for r in absence]
    assert values == sorted(values)
    claim = next(claims(Frame(plain, study(), "without"), ENGAGEMENT, CIN)).found
    assert any(v == pytest.approx(claim.estimate, rel=1e-8) for v in values)
    assert table.value("Absence: summary, median", "Estimate") == pytest.approx(np.median(values))
    assert any("with SEND" in column for column, _ in table.refused)
    logit = made(plain, "choices-ks1-cin")
    reading = [r for r in logit.rows if r.startswith("Reading ")]
    assert len(reading) == 2 * 2**4 * 3
    effect = made(plain, "table-63-effects").value("Effect on the treated (Puhani): the headline", "Reading")
    assert min(abs(logit.value(r, "Estimate") - effect) for r in reading) < 1e-3


def test_groups_differ_by_what_was_planted():
    rows = pupils(seed=3, n=1200)
    rows["missed"] = np.clip(rows["missed"] - 0.5 * rows["months"] * rows["post"] * rows["female"] + 8, 0, None)
    table = made(linked(rows), "groups-engagement-cin")
    assert inside(table, "Girls less boys", "Absence", -0.5)
    assert table.value("Girls less boys", "Absence") == pytest.approx(
        table.value("Girls", "Absence") - table.value("Boys", "Absence"), rel=1e-8
    )
    assert table.value("Primary phase", "Absence", "N") + table.value("Secondary phase", "Absence", "N") == 600


def test_authorities_alike_and_not(plain):
    alike = made(plain, "authorities-engagement-cin")
    assert alike.value("Authorities", "Absence", "count") == 12
    assert alike.value("All alike: p", "Absence", "p") > 0.01
    rows = pupils(n=600)
    strong = np.isin(rows["authority"], ("0", "1", "2"))
    rows["missed"] = np.clip(rows["missed"] + 20 - 1.5 * rows["months"] * rows["post"] * strong, 0, None)
    other = made(linked(rows), "authorities-engagement-cin")
    assert other.value("All alike: p", "Absence", "p") < 0.001
    assert other.value("Authority: 0", "Absence") < other.value("Authority: 5", "Absence") - 1


def test_the_parts_of_who_is_counted_add_up():
    rows = pupils(n=400)
    gone = (rows["pupil"] % 3 == 0) & (rows["year"] == 2022)
    late = (rows["pupil"] % 3 == 1) & (rows["year"] == 2017)
    rows["on"] = np.where(gone | late, 0, rows["on"])
    table = made(linked(rows), "churn-cin")
    span = "2017/18 to 2022/23"
    parts = [table.value(f"{span}: of this, {w}", "Absence", "mean")
             for w in ("children on a plan in both years", "those who joined", "those who left")]  # fmt: skip
    assert sum(parts) == pytest.approx(table.value(f"{span}: change in the mean", "Absence", "mean"), rel=1e-9)
    assert table.value(f"{span}: of this, those who joined", "Absence", "N") == 67


def weeks(database, jump, *, groups=("On a plan",), n=120):
    """Weekly attendance from September 2020, with a change of level from 6 September 2021."""
    rng = np.random.default_rng(2)
    first = date(2020, 9, 7)
    rows = []
    for group in groups:
        for i in range(n):
            monday = first + timedelta(weeks=i)
            if monday.month == 8 and monday.day < 29:
                continue
            season = np.cos(2 * np.pi * i / 52.18)
            rate = 8 + 2 * season + 0.01 * i + (jump if monday >= date(2021, 9, 6) and group == "On a plan" else 0)
            rows.append((group, monday, 5000.0, float(round(5000 * (rate + rng.normal(0, 0.4)) / 100, 1))))
    named = dict(
        zip(("grp", "monday", "possible", "missed"), (pa.array(list(c)) for c in zip(*rows, strict=True)), strict=True)
    )
    database.execute("DELETE FROM week")
    database.add("given_weeks", pa.table(named))
    database.execute("INSERT INTO week SELECT grp, monday, possible, missed FROM given_weeks")


def test_a_jump_in_weekly_absence_is_found_whatever_the_season():
    database = linked(pupils(n=40))
    weeks(database, -1.5)
    table = made(database, "weekly")
    assert inside(table, "Change in level at the start", "On a plan", -1.5)
    assert inside(table, "Difference 12 weeks after", "On a plan", -1.5)
    # The start falls on a Wednesday: the week of 30 August is before.
    assert table.value("Weeks before", "On a plan", "count") == 48
    weeks(database, -1.5, groups=("On a plan", "Other pupils"))
    both = made(database, "weekly")
    assert inside(both, "Change in level at the start", "On a plan less Other pupils", -1.5)
    assert abs(both.value("Change in level at the start", "Other pupils")) < 0.6


def test_three_weeks_after_cannot_show_a_line():
    database = linked(pupils(n=40))
    weeks(database, 0, n=55)
    assert "at least four" in dict(made(database, "weekly").refused)["On a plan"]
    far = made(database, "weekly", series={"start": date(2021, 3, 1)})
    assert far.value("Difference 38 weeks after", "On a plan", "verdict") == "the data do not reach so far"


def test_control_for_region_takes_columns_and_moves_little(plain):
    without, with_region = (made(plain, "table-63", models={"region": value}) for value in (False, True))
    row = f"Subject to a {CIN}"
    assert without.value(row, "Reading") != with_region.value(row, "Reading")
    assert with_region.value(row, "Reading") == pytest.approx(without.value(row, "Reading"), abs=0.02)

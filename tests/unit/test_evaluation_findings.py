"""Findings in brief: words from the released figures only, with intervals and verdicts, and no cause claimed."""

import pytest

from sightline.evaluation import Cell, Study, Table, jobs
from sightline.evaluation.findings import findings
from sightline.evaluation.writing import Clearance, report_html


def table(name, cells, refused=()):
    made = tuple(Cell(row, column, statistic, value) for row, column, statistic, value in cells)
    rows, columns = (tuple(dict.fromkeys(c[i] for c in cells)) for i in (0, 1))
    sample = "Children without SEND in any year of the study; as the claim's own table"
    return Table(name, f"About {name}", rows, columns, made, sample, refused=tuple(refused))


def claim(row, column, estimate, low, high, verdict=""):
    told = [(row, column, "estimate", estimate), (row, column, "low", low), (row, column, "high", high)]
    return told + ([("Verdict", column, "verdict", verdict)] if verdict else [])


@pytest.fixture(scope="module")
def study():
    return Study()


def made(study, *tables):
    by_name = {job.id: job for job in jobs(study, ())}
    return [(by_name[t.id], t) for t in tables]


def test_a_claim_is_said_with_its_interval_and_verdict(study):
    power = table(
        "detectable-engagement-cin",
        claim("Estimate", "Absence", -0.45, -0.67, -0.23, "an effect that matters")
        + claim("Estimate", "Suspension", 0.004, -0.02, 0.03, "no effect that matters"),
    )
    own = table(
        "table-55", claim("Months subject to a CIN plan after VSH extension", "at least 2", -0.45, -0.67, -0.23)
    )
    brief = findings(study, made(study, own, power))
    assert brief.whom == "Children without SEND in any year of the study"
    (point,) = brief.found
    assert point.text == (
        "Children on a child in need plan, for each month on the plan after the extension: absence 0.45 fewer sessions "
        "a year (95% interval: 0.67 fewer to 0.23 fewer); suspension 0.00 more (0.02 fewer to 0.03 more). A clear "
        "difference in absence only. By the margins chosen: absence, a difference large enough to matter; suspension, "
        "any difference is smaller than would matter."
    )
    assert point.tables == ("table-55", "detectable-engagement-cin")
    assert "effect" not in point.text
    assert brief.sure[0].text.startswith("Of 2 claims, 1 has an interval without nought.")
    page = report_html(study, made(study, own, power), (), Clearance("mark"))
    assert page.index("Findings in brief") < page.index("How to read this")
    assert '<a href="#table-55">Table 55</a>' in page


def test_without_the_tables_beyond_the_report_the_report_s_own_are_read(study):
    effects = table("table-67-effects", claim("Effect on the treated (Puhani): the headline", "GPS", 0.01, -0.02, 0.04))
    (point,) = findings(study, made(study, effects)).found
    assert point.text == (
        "Key Stage 2, children on a child in need plan, beside how others changed: GPS 1.0 percentage points higher "
        "(95% interval: 2.0 lower to 4.0 higher). No clear difference."
    )


def test_what_was_hidden_or_refused_is_not_said_and_is_named(study):
    power = table(
        "detectable-ks4-cp",
        claim("Estimate", "Attainment 8 score", -1.0, "c", 0.2),
        [("Progress 8 score", "40 pupils; the data are too few")],
    )
    assert findings(study, made(study, power)) is None
    more = table(
        "table-71", claim("Effect on the treated: both plan x period terms", "Progress 8 score", -0.1, -0.3, 0.1)
    )
    brief = findings(study, made(study, more, power))
    assert len(brief.found) == 1
    assert brief.untold[-1].text.startswith(
        "Not estimated, mostly because a group is too small: Progress 8 score, CP plan."
    )


def test_the_years_before_and_many_tests_temper_what_is_found(study):
    row = "Average months per year subject to a CIN plan in the period"
    tables = [
        table("table-55", claim("Months subject to a CIN plan after VSH extension", "at least 2", -0.45, -0.67, -0.23)),
        table("table-73", [(row, "before VSH extension", "p", 0.001)]),
        table("many-tests", [("CIN plan: Absence", "Holm", "p", 0.2)]),
        table(
            "event-engagement-cin",
            [("Parallel before: p", "Absence", "p", 0.01), ("Parallel before: p", "B", "p", 0.6)],
        ),
    ]
    said = " ".join(p.text for p in findings(study, made(study, *tables)).sure)
    assert "0 of 1 stay below 0.05" in said and "in 1 of 2 comparisons" in said
    assert "already went with absence before the extension" in said


def test_data_too_few_for_any_claim_say_so_and_why(study):
    refused = [("all", "9 pupils enter the model, fewer than the 20 the study asks for; the data are too few")]
    own = table("table-55", [("N", "none", "N", 9)], refused)
    brief = findings(study, made(study, own))
    assert [p.text for p in brief.found] == [
        "Children on a child in need plan: the data are too few to conclude anything, either way (all: 9 pupils enter the "
        "model, fewer than the 20 the study asks for). That nothing is shown is not a sign that nothing changed."
    ]
    assert brief.sure == () and "How sure" not in report_html(study, made(study, own), (), Clearance("mark"))
    assert findings(study, made(study, table("table-52", [("N", "all", "N", 99)]))) is None


def test_an_authority_s_weeks_are_a_finding_and_its_change_is_not_the_extension():
    own = Study.from_toml('[data]\nhome = "home"')
    columns = ("Children on a plan", "Children on a plan less Other children")
    cells = [
        c for n, column in enumerate(columns) for c in claim("Change in level at the start", column, 9, -5 - n, 12)
    ]
    cells += [("Change in level at the start", columns[1], "estimate", -2.5)]
    weekly = table("weekly", [c for c in cells if c[1:] != (columns[1], "estimate", 9)])
    brief = findings(own, made(own, weekly))
    (point,) = brief.found
    assert point.text == (
        "Weekly absence at the start, children on a plan less other children: 2.5 lower, in percentage points of sessions "
        "(95% interval: 6.0 lower to 12.0 higher). No clear change in level; the slope after it is a row of its own."
    )
    assert "extension" not in " ".join(p.text for p in (*brief.found, *brief.untold))
    assert "No child was allotted" not in report_html(own, made(own, weekly), (), Clearance("mark"))

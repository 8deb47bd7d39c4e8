"""Every setting of a study does something: changed, it changes a table, the sample or what is written, or is refused."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from evaluation_data import linked, made, pupils, study

from sightline.engine import Database
from sightline.evaluation import Frame, Study, jobs, link, spec
from sightline.operations.study.clearing import policy_of

# Of each setting read by tables: another value, and a table whose figures it changes.
TABLES: dict[str, tuple[Any, str]] = {
    "outcomes.engagement": (("absence",), "many-tests"),
    "outcomes.ks1": (("maths",), "table-63"),
    "outcomes.ks2": (("gps",), "table-66"),
    "outcomes.ks4": (("passes",), "table-71"),
    "outcomes.persistent": (7.0, "persistent-absence-cin"),
    "outcomes.severe": (12.0, "persistent-absence-cin"),
    "groups.years_on_plan": ((1, 4), "table-55"),
    "groups.both_periods": (False, "table-55"),
    "groups.least": (10_000, "table-55"),
    "sample.send": (("with",), "table-55"),
    "sample.send_rule": ("year", "table-55"),
    "models.covariates": (("age", "female"), "table-55"),
    "models.engagement_errors": ("conventional", "table-55"),
    "models.singletons": ("drop", "table-55"),
    "models.collapsed_errors": ("robust", "table-73"),
    "models.attainment_errors": ("robust", "table-63"),
    "models.score_errors": ("robust", "table-71"),
    "models.idaci_places": (1, "table-71"),
    "models.cell_places": (1, "multilevel-ks4-cin"),
    "models.ethnicity": (False, "table-71"),
    "models.region": (True, "table-71"),
    "models.multilevel": ("school", "multilevel-ks4-cin"),
    "models.discrete": (True, "table-63"),
    "models.level": (0.9, "table-55"),
    "beyond.draws": (29, "resampling-engagement-cin"),
    "beyond.permutations": (9, "resampling-engagement-cin"),
    "beyond.placebo": ((2017,), "placebo-engagement-cin"),
    "beyond.allowances": ((0.25,), "event-engagement-cin"),
    "beyond.chance": (0.9, "detectable-engagement-cin"),
    "beyond.margin_sessions": (0.2, "detectable-engagement-cin"),
    "beyond.margin_share": (0.02, "detectable-ks1-cin"),
    "beyond.margin_score": (0.2, "detectable-ks4-cin"),
    "beyond.authority_least": (60, "authorities-ks4-cin"),
    "series.start": (date(2021, 11, 1), "weekly"),
    "series.season": (False, "weekly"),
    "series.after_weeks": ((0, 3), "weekly"),
}
# Settings read when files are found, linked or written, and the test that holds them to it.
ELSEWHERE = {
    "data.npd": "test_evaluation_run.py: no folder of NPD extracts",
    "data.plans": "test_evaluation_run.py: plans_from_census_returns",
    "data.links": "test_evaluation_run.py: plans_from_census_returns",
    "data.home": "test_evaluation_local.py",
    "data.engine": "test_evaluation_scale_engines.py",
    "exposure.part_months": "test_evaluation_exposure.py: rules_for_part_months",
    "windows.plans_to": "test_evaluation_exposure.py: months_after_31_march_2023",
    "disclosure.leave_out": "test_evaluation_disclosure_clearing.py",
    "disclosure.rules": "test_evaluation_disclosure_clearing.py",
    "models.separation": "test_evaluation_hard_cases.py: perfect_separation",
    "outputs.formats": "test_evaluation_run.py: the_folder_is_whole",
    "outputs.tables": "below",
    "outputs.sets": "below",
    "windows.before": "below",
    "windows.after": "below",
    "windows.year_starts": "below",
    "exposure.end_day_counts": "below",
    "groups.both_plans": "below",
    "name": "written at the head of report.html",
    "seed": "below",
}


def test_no_setting_is_forgotten():
    assert {str(s["name"]) for s in Study().settings()} == TABLES.keys() | ELSEWHERE.keys()


@pytest.fixture(scope="module")
def children():
    """Pupils of whom some have SEND in one year, one year only, or a plan before alone; two years of weeks."""
    rows = pupils(n=160, places=4)
    pupil, year = rows["pupil"], rows["year"]
    rows["send"] = ((pupil % 9 == 0) & (year == 2017)).astype(int)
    rows["on"] = np.where((pupil % 7 == 0) & (year > 2018), 0, rows["on"])
    rows["months"] = np.where(rows["on"] == 1, rows["months"], 0)
    rows["idaci"] = np.round(rows["idaci"] + 0.0049 * (pupil % 2), 4)
    keep = ~((pupil % 5 == 0) & (year != 2021))
    held = linked({name: values[keep] for name, values in rows.items()})
    # SEND is asked of any year of the study.
    held.execute("UPDATE pupil_year SET send_ever = 1 WHERE pupil IN (SELECT pupil FROM pupil_year WHERE send = 1)")
    monday = date(2020, 9, 7)
    for i in range(90):
        held.execute(
            "INSERT INTO week VALUES ('All', ?, 1000, ?)",
            [monday + timedelta(weeks=i), 80 + 20 * np.cos(i / 8) + (i * 7919) % 13],
        )
    yield held
    held.close()


@pytest.mark.parametrize("name", TABLES)
def test_a_setting_changes_a_table(children, name):
    value, table = TABLES[name]
    part, _, key = name.partition(".")
    least = {"groups": {"least": 5}, "beyond": {"draws": 19, "permutations": 19, "authority_least": 5}}
    if name.startswith("series"):
        least["series"] = {"start": date(2021, 9, 6)}
    if key == "singletons":
        least["groups"] = {"least": 5, "years_on_plan": (1,), "both_periods": False}
    changed = {**least, part: {**least.get(part, {}), key: value}}
    if name == "sample.send":
        told = {job.send for job in jobs(study(**changed)) if job.spec.id == table}
        assert told == {"with"}
        return
    if name == "sample.send_rule":
        least["sample"] = {"send_rule": "ever"}
    before, after = made(children, table, **least), made(children, table, **changed)
    assert (before.cells, before.refused) != (after.cells, after.refused)


def exposed(records, **told):
    with Database() as database:
        database.execute(
            "CREATE TABLE plan_record (pupil VARCHAR, plan VARCHAR, start DATE, last DATE, census INTEGER)"
        )
        for record in records:
            database.execute("INSERT INTO plan_record VALUES (?, ?, ?, ?, ?)", list(record))
        link(database, study(**told), plans_only=True)
        rows = database.rows("SELECT pupil, plan, year, days, months FROM exposure ORDER BY ALL")
        return rows, database.rows("SELECT * FROM status ORDER BY ALL")


@pytest.mark.parametrize(
    "told",
    [
        {"windows": {"before": (2018,)}, "groups": {"years_on_plan": (1,)}},
        {"windows": {"after": (2021,)}, "groups": {"years_on_plan": (1,)}},
        {"windows": {"year_starts": "08-01"}},
        {"exposure": {"end_day_counts": False}},
        {"groups": {"both_plans": "CIN plan"}},
    ],
    ids=lambda told: next(iter(next(iter(told.values())))),
)
def test_a_setting_changes_who_is_exposed(told):
    records = [
        ("A", "CIN plan", date(2017, 8, 10), date(2018, 9, 30), 2018),
        ("A", "CP plan", date(2018, 1, 1), date(2018, 2, 1), 2018),
        ("B", "CIN plan", date(2022, 10, 1), date(2022, 12, 24), 2023),
    ]
    assert exposed(records) != exposed(records, **told)


def test_outputs_choose_tables_and_rules_choose_what_leaves():
    every = {j.id for j in jobs(Study())}
    assert {j.id for j in jobs(Study.from_toml('[outputs]\ntables = ["table-55", "figure-9"]'))} == {
        "table-55",
        "table-53",
    }
    assert {j.id for j in jobs(Study.from_toml('[outputs]\nsets = ["robustness"]'))} < every
    assert policy_of(Study.from_toml("[disclosure]\nrounding = 5")).rounding == 5
    left = {j.id for j in jobs(Study.from_toml("[outcomes]\nengagement = []\nks2 = []"))}
    assert "flow" in left and "table-63" in left and not left & {"table-53", "table-55", "table-66", "churn-cin"}


def test_the_seed_is_that_of_the_draws(children):
    asked = study(groups={"least": 5}, beyond={"draws": 19, "permutations": 9})
    name = "resampling-ks4-cin"
    one, two, other = (
        spec(name).make(Frame(children, replace(asked, seed=seed), "without"), name) for seed in (1, 1, 2)
    )
    assert one.cells == two.cells != other.cells

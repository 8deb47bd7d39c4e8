"""A study file: defaults are the report's, and whatever is not known is refused with a sentence."""

from datetime import date

import pytest

from sightline.evaluation import CATALOGUE, Study, jobs, shown, spec
from sightline.evaluation.received import projection
from sightline.evaluation.study import PARTS
from sightline.vocabulary.errors import BadSetting, UnreadableFile
from sightline.vocabulary.report import DOUBTS, printed_cells, printed_table


def test_defaults_are_the_reports():
    study = Study.from_toml("")
    assert study.windows.before == (2017, 2018) and study.windows.after == (2021, 2022)
    assert study.windows.plans_to == date(2023, 3, 31)
    assert study.groups.least == 1000
    assert [study.sample_label(n) for n in (2, 3, 4)] == [
        "at least 2 of the 4 years",
        "at least 3 of the 4 years",
        "all 4 years",
    ]
    assert study.windows.period_label(after=True) == "2021-2023"


def test_a_local_study_is_the_same_file_with_other_dates():
    study = Study.from_toml(
        '[windows]\nbefore = ["2022/23"]\nafter = ["2023/24"]\nplans_to = ""\n[groups]\nyears_on_plan = [1, 2]\n'
    )
    assert study.windows.years == (2022, 2023)
    assert study.windows.plans_to is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("nonsense = 1", "no part of a study"),
        ("[windows]\nbfore = []", "no setting of"),
        ('[windows]\nbefore = ["2018"]', "academic years"),
        ('[windows]\nbefore = ["2021/22"]', "before must all come before"),
        ('[windows]\nyear_starts = "9/1"', "month and a day"),
        ('[exposure]\npart_months = "some"', "cannot be 'some'"),
        ("[groups]\nleast = true", "whole number"),
        ("[groups]\nyears_on_plan = [9]", "between 1 and"),
        ("[models]\nlevel = 2", "between 0.5 and 1"),
        ("[models]\nethnicity = 1", "true or false"),
        ("name = 3", "must be text"),
        ("= 3", "not TOML"),
        ("data = 3", "table of settings"),
    ],
)
def test_what_is_not_known_is_refused(text, says):
    with pytest.raises(BadSetting, match=says):
        Study.from_toml(text)


def test_every_setting_is_explained():
    rows = Study().settings()
    assert {str(r["name"]).split(".")[0] for r in rows} == {"name", "seed", *PARTS}
    assert all(r["says"] for r in rows)


def test_every_table_of_the_report_s_annex_can_be_made():
    assert {s.printed for s in CATALOGUE if s.printed} == set(range(51, 74))
    assert len({s.id for s in CATALOGUE}) == len(CATALOGUE)


def test_a_run_for_children_with_send_has_names_of_its_own():
    made = jobs(Study.from_toml('[sample]\nsend = ["without", "with"]'))
    names = [j.id for j in made]
    assert "table-55" in names and "table-55-with-send" in names
    assert names.count("flow") == 1
    assert [j.id for j in jobs(Study(), ["table-63"])] == ["table-63"]
    with pytest.raises(BadSetting, match="no table"):
        spec("table-1")


def test_columns_are_known_with_their_prefix_and_year():
    sql = projection(
        "ks4", ["KS4_PupilMatchingRefAnonymous", "KS4_ACADYR", "KS4_ATT8", "KS4_PASS_94", "KS4_P8SCORE"], "t", "ks4.csv"
    )
    assert '"KS4_PASS_94"' in sql
    sql = projection(
        "absence",
        ["PupilMatchingRefAnonymous_ab18", "AcademicYear_ab18", "SessionsPossible_Annual_ab18",
         "AuthorisedAbsence_Annual_ab18", "UnauthorisedAbsence_Annual_ab18"],
        "t", "absence.csv",
    )  # fmt: skip
    assert '"AuthorisedAbsence_Annual_ab18"' in sql


def test_a_missing_column_is_named():
    with pytest.raises(UnreadableFile, match=r"no column for idaci of census.*It has: pmr"):
        projection(
            "census",
            [
                "pmr",
                "AcademicYear",
                "Gender",
                "AgeAtStartOfAcademicYear",
                "EthnicGroupMajor",
                "FSMeligible",
                "SENprovision",
            ],
            "t",
            "census.csv",
        )


def test_figures_read_as_the_report_prints_them():
    assert shown({"estimate": -0.4512, "se": 0.049, "stars": "***"}) == "−0.451*** (0.049)"
    assert shown({"estimate": None, "se": None}) == ""
    assert shown({"percent": 58.96, "se": 1.0}) == "59.0%"
    assert shown({"N": 79230}) == "79,230"


def test_every_doubt_is_about_a_cell_that_is_printed():
    assert all(any(d.holds(c) for c in printed_cells()) for d in DOUBTS)
    assert len(printed_table(55)) == 3 * (7 * 3 + 1)

"""Folders of real-format files made by others, received whole: the counts a plain reading gives, and faults by name."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from conftest import Said, call, once

# Children of each CIN census return, in the order of the folder's names.
CENSUSES = {
    "BAR_cin_2022.xml": 1,
    "CIN_Census_2021.xml": 1,
    "CIN_Census_2024.xml": 2,
    "CIN_header_issues_100.xml": 1,
    "CIN_la_issues_2887Q.xml": 1,
    "fake_CIN_data.xml": 332,
}
CSC = {f"csc/cin_xml/{name}": ("cin-census", {"child": n}) for name, n in CENSUSES.items()} | {
    "csc/cin_csv/CINdetails.csv": ("cin-census-csv", {"referral": 101}),
    "csc/cin_csv/ChildCharacteristics.csv": ("cin-census-csv", {"child": 332}),
    "csc/cin_csv/ChildIdentifiers.csv": ("cin-census-csv", {"child": 332}),
}
# Table of the school census: the table it fills, and its rows (where a row of the file is not a row of the table, counted
# by hand in tests/integration/test_school_census_real_files.py).
SCHOOL_CENSUS = {
    "2024_autumn_addressesoffroll": {"pupil": 297},
    "2024_autumn_fsmperiodsonroll": {"characteristic": 4564},
    "2024_autumn_pupilnolongeronroll": {"pupil": 297, "enrolment": 308},
    "2024_autumn_pupilonroll": {"pupil": 9088, "enrolment": 9088},
    "2024_autumn_summerhalfterm2sessiondetailsoffroll": {"termly_attendance": 1343},
    "2024_autumn_summerhalfterm2sessiondetailsonroll": {"termly_attendance": 39575},
    "2024_autumn_termlyexclusionsoffroll": {"suspension": 318},
    "2024_autumn_termlyexclusionsonroll": {"suspension": 10373},
    "2024_autumn_termlysessiondetailsoffroll": {"termly_attendance": 1328},
    "2024_autumn_termlysessiondetailsonroll": {"termly_attendance": 39953},
    "2025_spring_fsmperiod": {"characteristic": 4744},
    "2025_spring_pupilnolongeronroll": {"pupil": 354, "enrolment": 375},
    "2025_spring_pupilonroll": {"pupil": 9498, "enrolment": 9498},
    "2025_spring_senneeds": {"characteristic": 2630},
    "2025_spring_termlyexclusionsoffroll": {"suspension": 516},
    "2025_spring_termlyexclusionsonroll": {"suspension": 10064},
    "2025_spring_termlysessiondetailsoffroll": {"termly_attendance": 1684},
    "2025_spring_termlysessiondetailsonroll": {"termly_attendance": 41251},
}
EDUCATION = {
    f"education/school_census/{name}.csv": (f"school-census-{name.split('_')[2]}", rows)
    for name, rows in SCHOOL_CENSUS.items()
} | {
    "education/gias/gias_extract_2019_layout.csv": ("gias", {"school": 9}),
    "education/gias/gias_extract_2024_layout_anonymised.csv": ("gias", {"school": 60}),
    "education/gias/links_edubasealldata20250109.csv": ("gias-links", {"school_link": 33472}),
}
# Rows of the file (one fewer than its lines, where a row is a row), or what a person counts in it.
OTHERS = {
    "csc/annex_a/Annex_A_2024_Jan.xlsx": (
        "annex-a",
        {"referral": 11, "assessment": 5, "section_47": 5, "cin_plan": 5, "cp_plan": 7, "looked_after": 5},
    ),
    "csc/dfe_csc_api/record0_spec_maximal.json": (
        "csc-api",
        {"child": 1, "cin_plan": 1, "cp_plan": 1, "involvement": 1},
    ),
    "csc/dfe_csc_api/record1_new_pending.json": ("csc-api", {"child": 1, "looked_after": 1, "involvement": 4}),
    "csc/dfe_csc_api/record2_new_error.json": ("csc-api", {"child": 1, "assessment": 1, "involvement": 2}),
    "csc/ssda903/2021-header.csv": ("ssda903-header", {"child": 144}),
    "csc/ssda903/2021-episodes.csv": ("ssda903-episodes", {"child": 120, "looked_after": 110}),
    "csc/ssda903/2021-uasc.csv": ("ssda903-uasc", {"child": 4}),
    "csc/ssda903/be903_sw_episodes.csv": ("ssda903-sw-episodes", {"involvement": 1}),
    "education/idaci/idaci2019_lsoa11.csv": ("idaci", {"deprivation": 32_844}),
    "education/idaci/iod2025_lsoa21.csv": ("idaci", {"deprivation": 33_755}),
    "education/idaci/iod2025_lad24.csv": ("deprivation-districts", {"comparator": 17_760}),
    "education/lait/lait_cin_cp_absence_exclusions.parquet": ("lait", {"comparator": 158_270}),
    "education/lait/lait_data_dictionary_cin_cp_absence_exclusions.csv": ("lait-dictionary", {}),
    "education/ees/ees_layout_absence_school.meta.csv": ("ees-meta", {"comparator_definition": 8}),
}
# Sets of national figures, counted one by one in tests/unit/test_national_figures.py.
FIGURES = {
    f"education/{path}.csv": ("ees", {})
    for path in (
        "attendance/ees_attendance_ytd_202425", "attendance/ees_week29_persistent_absence_202425",
        "ees/cin_b1_children_in_need", "ees/cin_c1_referrals", "ees/cin_d3_cpps_subsequent_plan",
        "ees/cin_d5_cpps_at31march_by_duration", "ees/ees_layout_absence_school", "ees/ons_population_0_17_by_la",
        "ees/outcomes_cin_absence_la", "ees/outcomes_cin_ks2_la", "ees/outcomes_cin_ks4_la", "ees/outcomes_cin_sen_la",
        "ees/pupil_absence_2term_pru", "ees/spc_school_ap_placement",
        "exclusions/exclusions_by_reason_2006_07_to_2016_17",
    )
}  # fmt: skip
COVERED = CSC | EDUCATION | OTHERS | FIGURES
# What the folders hold beside data of these kinds: descriptions, code lists, schemas, and people to be matched.
NOT_DATA = (
    "csc/PROVENANCE.md", "csc/annex_a/Annex_A_schema.yml", "csc/cin_xsd/", "csc/family_context/", "csc/ssd/",
    "csc/ssda903/CLA.xsd", "education/PROVENANCE.md", "education/attendance/attendance_tech_guidance_",
    "education/ees/ees_api_openapi_v1.json", "education/gias/edubasealldata20250422_establishment_types.csv",
    "education/gip/", "education/lookups/", "education/npd/", "education/school_census/school_census_schema_history",
    "education/sui/",
)  # fmt: skip
# The same bytes as CIN_Census_2021.xml, so there is nothing new to keep.
TWIN = "csc/cin_xml/CIN_la_issues_2887Q.xml"


@pytest.fixture(scope="module")
def received(real: Path, shared: Path) -> tuple[Path, dict[str, Any]]:
    """A home that was sent both folders, and the receipt of each file."""
    folder, receipt = shared / "cli-real", shared / "cli-real.json"
    with once(folder) as first:
        if first:
            said = call("receive", real / "csc", real / "education", "--home", folder, "--json")
            assert said.code == 3  # there are files of kinds no issue has covered yet
            receipt.write_text(said.out)
    files = Said(0, receipt.read_text(), "").json()["files"]
    return folder, {file["path"]: file for file in files}


def test_every_covered_file_is_received_with_the_counts_of_a_plain_reading(received):
    _, files = received
    for path, (kind, rows) in COVERED.items():
        file = files[path]
        assert (file["status"], file["kind"]) == ("held" if path == TWIN else "received", kind), path
        assert {table: file["rows"][table] for table in rows} == rows, path


def test_nothing_but_descriptions_is_refused(received):
    """Every file that is data of a kind Sightline reads is covered; the others are named here, and why is above."""
    _, files = received
    refused = {path for path, file in files.items() if file["status"] == "refused"}
    assert refused == {path for path in files if path.startswith(NOT_DATA)}
    assert set(files) - refused == set(COVERED)


def test_children_of_each_census_return(received):
    _, files = received
    assert [files[f"csc/cin_xml/{name}"]["rows"]["child"] for name in CENSUSES] == [1, 1, 2, 1, 1, 332]


def test_every_file_has_a_receipt_and_whatever_is_refused_says_why(received, real: Path):
    _, files = received
    there = {
        f"{folder}/{p.relative_to(real / folder).as_posix()}"
        for folder in ("csc", "education")
        for p in (real / folder).rglob("*")
        if p.is_file()
    }
    assert set(files) == there
    for path, file in files.items():
        assert file["says"].endswith("."), path
        if file["status"] == "refused":
            assert file["rows"] == {} and file["delivery"] == "", path
            assert path not in COVERED


def test_findings_name_what_is_wrong(received):
    """Wrong UPN check letters; Sex "1" in a year of M, F and U; text between elements; a date in the year 1066."""
    home, files = received
    by_file = {file["delivery"]: path for path, file in files.items() if file["delivery"]}
    in_force = {f["delivery"] for f in call("show", "--home", home, "--json").json()["files"]}
    found: dict[str, Counter[tuple[str, str]]] = {}
    for finding in call("findings", "--home", home, "--json").json():
        if finding["delivery"] in by_file:
            found.setdefault(by_file[finding["delivery"]], Counter())[finding["rule"], finding["field"]] += 1

    invented = found["csc/cin_xml/fake_CIN_data.xml"]
    assert invented["upn-check-letter", "UPN"] == 320
    assert invented["header-authority", "LEA"] == 1  # 975 is no authority
    assert found["csc/cin_csv/ChildIdentifiers.csv"]["upn-check-letter", "UPN"] == 320
    # Four samples are of one authority and year, so the last of them (save the twin) is in force.
    last = "csc/cin_xml/CIN_header_issues_100.xml"
    assert files[last]["delivery"] in in_force and files[TWIN]["delivery"] not in in_force
    assert found[last]["stray-text", "UPNunknown"] == 1
    assert found[last]["not-a-date", "ExpectedPersonBirthDate"] == 1
    on_roll = found["education/school_census/2024_autumn_pupilonroll.csv"]
    assert on_roll["upn", "upn"] == 1001  # of 9,088; above a thousand the rest are one finding more


@pytest.mark.parametrize("name", CENSUSES)
def test_each_census_by_itself(real: Path, tmp_path: Path, name: str):
    """As somebody would who has one file: one command, the count of children, and nothing the second time."""
    path = real / "csc" / "cin_xml" / name
    said = call("receive", path, "--home", tmp_path, "--json")
    (file,) = said.json()["files"]
    assert (said.code, file["rows"]["child"]) == (0, CENSUSES[name])
    again = call("receive", path, "--home", tmp_path, "--json").json()
    assert (again["files"][0]["status"], again["new_snapshot"]) == ("held", False)
    assert again["snapshot"] == said.json()["snapshot"]


def test_sex_in_the_old_code_is_named_with_its_line(real: Path, tmp_path: Path):
    call("receive", real / "csc" / "cin_xml" / "CIN_Census_2024.xml", "--home", tmp_path)
    found = call("findings", "--home", tmp_path, "--json").json()
    (sex,) = [f for f in found if f["rule"] == "sex-code-of-another-year"]
    assert (sex["field"], sex["line"]) == ("Sex", 25)
    lines = call("source", sex["delivery"], sex["line"], "--home", tmp_path, "--json").json()
    assert [(line["line"], line["text"].strip()) for line in lines] == [(25, "<Sex>1</Sex>")]


def test_a_second_time_nothing_changes(received, real: Path):
    home, _ = received
    said = call("receive", real / "csc" / "cin_xml", real / "education" / "gias", "--home", home, "--json")
    assert not said.json()["new_snapshot"]
    assert {f["status"] for f in said.json()["files"]} <= {"held", "refused"}


def test_the_store_they_are_in_is_whole(received):
    home, _ = received
    assert call("verify", "--home", home).code == 0


@pytest.mark.parametrize("question", ["cohort", "week", "absence"])
def test_questions_can_be_asked_of_them(received, question: str):
    home, _ = received
    assert call(question, "--home", home, "--json").code == 0

"""Files made by others: counts agree with a plain reading of the same file, and what is wrong in them is named."""

import csv
from collections import Counter
from xml.etree import ElementTree

import pytest

from sightline.sources.base import Context, Head
from sightline.sources.cin_census import SOURCES
from sightline.sources.delimited import header_of

ELEMENT = {  # which element one row of each table is
    "child": "Child",
    "disability": "Disability",
    "referral": "CINdetails",
    "assessment": "Assessments",
    "assessment_factor": "AssessmentFactors",
    "cin_plan": "CINPlanDates",
    "section_47": "Section47",
    "cp_plan": "ChildProtectionPlans",
    "cp_review": "CPPreviewDate",
    "pre_proceedings": "PreProceedingsandFGDM",
}
ONE_OF_EACH = {
    "child": 1,
    "identifier": 3,
    "disability": 2,
    "referral": 1,
    "assessment": 1,
    "assessment_factor": 2,
    "cin_plan": 1,
    "section_47": 1,
    "cp_plan": 1,
    "cp_review": 1,
    "pre_proceedings": 0,
}
WRONG_UPNS = {("upn-check-letter", "UPN"): 1, ("upn-check-letter", "FormerUPN"): 1}
STRAY = {("stray-text", "UPNunknown"): 1}
NO_SUCH_BIRTH = {("not-a-date", "ExpectedPersonBirthDate"): 1}  # in the year 1066
REFERENCE = {("header-reference-date", "ReferenceDate"): 1}

FILES = {
    "BAR_cin_2022.xml": ("2022", "201", ONE_OF_EACH, WRONG_UPNS),
    "CIN_Census_2021.xml": ("2023", "201", ONE_OF_EACH, WRONG_UPNS | STRAY | NO_SUCH_BIRTH),
    "CIN_header_issues_100.xml": ("2023", "201", ONE_OF_EACH, WRONG_UPNS | STRAY | NO_SUCH_BIRTH | REFERENCE),
    "CIN_la_issues_2887Q.xml": ("2023", "201", ONE_OF_EACH, WRONG_UPNS | STRAY | NO_SUCH_BIRTH),
    "CIN_Census_2024.xml": (
        "2023",
        "201",
        ONE_OF_EACH
        | {"child": 2, "identifier": 4, "disability": 3, "referral": 2, "assessment": 2, "assessment_factor": 3},
        WRONG_UPNS
        | STRAY
        | REFERENCE
        | {
            ("element-of-another-year", "Sex"): 1,
            ("sex-code-of-another-year", "Sex"): 1,
            ("unknown-code", "AssessmentFactors"): 1,  # RB
        },
    ),
    "fake_CIN_data.xml": (
        "2022",
        "975",
        dict.fromkeys(ONE_OF_EACH, 0) | {"child": 332, "identifier": 664, "disability": 117, "referral": 402},
        REFERENCE | {("upn-check-letter", "UPN"): 320, ("header-authority", "LEA"): 1},
    ),
}
LINES = {  # (rule, field): line, where a reader of the file will find it
    "CIN_Census_2024.xml": {
        ("stray-text", "UPNunknown"): 23,
        ("header-reference-date", "ReferenceDate"): 6,
        ("sex-code-of-another-year", "Sex"): 25,
        ("unknown-code", "AssessmentFactors"): 46,
    }
}


def source_of(path):
    start = path.read_bytes()[: 2**16]
    head = Head("file", start, header_of(start))
    (source,) = [source for source in SOURCES if source.recognise(head)]
    return source


def test_every_file_is_here(real):
    assert {p.name for p in (real / "csc" / "cin_xml").iterdir()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_counts_agree_with_a_plain_reading(real, name):
    path = real / "csc" / "cin_xml" / name
    year, authority, rows, findings = FILES[name]
    reading = source_of(path).read(path, Context())
    assert (reading.kind, reading.covers, reading.authority) == ("cin-census", year, authority)
    assert {table: len(reading.tables[table]) for table in rows} == rows
    plain = Counter(element.tag for element in ElementTree.parse(path).iter())
    assert {table: len(reading.tables[table]) for table in ELEMENT} == {t: plain[e] for t, e in ELEMENT.items()}
    assert Counter((f.rule, f.field) for f in reading.findings) == findings
    assert all(f.line for f in reading.findings)
    for place, line in LINES.get(name, {}).items():
        assert [f.line for f in reading.findings if (f.rule, f.field) == place] == [line]


@pytest.mark.parametrize("name", FILES)
def test_values_agree_with_a_plain_reading(real, name):
    path = real / "csc" / "cin_xml" / name
    received = source_of(path).read(path, Context()).received
    tree = ElementTree.parse(path)
    for table, element in (
        ("ChildIdentifiers", "ChildIdentifiers"),
        ("CINdetails", "CINdetails"),
        ("Section47", "Section47"),
    ):
        plain = [{e.tag: e.text for e in block if not len(e)} for block in tree.iter(element)]
        names = [n for n in received[table].column_names if n not in ("line", "CINdetailsID", "Section47ID")]
        rows = received[table].select(names).to_pylist()
        if table != "ChildIdentifiers":
            for row in rows:
                del row["LAchildID"]
        assert [{k: v for k, v in row.items() if v is not None} for row in rows] == plain


@pytest.mark.parametrize("name", FILES)
def test_what_was_read_can_be_written_and_read_again(real, name, tmp_path):
    path = real / "csc" / "cin_xml" / name
    source = source_of(path)
    reading = source.read(path, Context())
    again = source.read(source.write(reading, tmp_path / "again.xml")[0], Context())
    for table, rows in reading.tables.items():
        assert again.tables[table].drop_columns("line").equals(rows.drop_columns("line")), table


@pytest.mark.parametrize(
    ("name", "rows", "findings"),
    [
        ("CINdetails.csv", {"referral": 101}, {"year-from-dates": 1}),
        ("ChildCharacteristics.csv", {"child": 332}, {"year-from-dates": 1}),
        ("ChildIdentifiers.csv", {"child": 332, "identifier": 664}, {"year-from-dates": 1, "upn-check-letter": 320}),
    ],
)
def test_csv_tables(real, name, rows, findings):
    path = real / "csc" / "cin_csv" / name
    with path.open(newline="") as lines:
        plain = list(csv.DictReader(lines))
    reading = source_of(path).read(path, Context())
    assert (reading.kind, reading.covers) == ("cin-census-csv", f"unknown year {path.stem}")
    assert {table: len(found) for table, found in reading.tables.items()} == rows
    assert len(plain) in rows.values()
    assert Counter(f.rule for f in reading.findings) == findings
    table = reading.received[path.stem]
    assert table["line"].to_pylist() == list(range(2, len(plain) + 2))
    for column in table.column_names:
        if column in plain[0]:
            assert table[column].to_pylist() == [row[column] or None for row in plain]


def test_dates_and_flags_of_a_spreadsheet(real):
    path = real / "csc" / "cin_csv" / "CINdetails.csv"
    first = source_of(path).read(path, Context()).tables["referral"].slice(0, 1).to_pylist()[0]
    assert (first["referral_date"].isoformat(), first["no_further_action"]) == ("2020-07-13", False)
    assert first["referral_ref"] == "RND000215205141/1"

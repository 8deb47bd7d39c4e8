"""Each finding of a CIN census stands on the line of its own value, and not on that of its block."""

from __future__ import annotations

from pathlib import Path

import pytest

from sightline.operations.files.check import check_file
from sightline.sources.base import Context
from sightline.sources.cin_census import SOURCES, element_lines

CENSUS = """<Message><Header><CollectionDetails><Collection>CIN</Collection>
<Year>2026</Year>
<ReferenceDate>2026-03-31</ReferenceDate></CollectionDetails>
<Source><LEA>301</LEA></Source></Header>
<Children>
<Child>
  <ChildIdentifiers>
    <LAchildID>A1</LAchildID>
    <UPN>B123456789012</UPN>
    <PersonBirthDate>2015-05-01</PersonBirthDate>
    <Sex>F</Sex>
  </ChildIdentifiers>
  <ChildCharacteristics><Ethnicity>WBRI</Ethnicity></ChildCharacteristics>
  <CINdetails>
    <CINreferralDate>2025-06-01</CINreferralDate>
    <ReferralSource>1A</ReferralSource>
    <!-- <CINclosureDate>2025-05-01</CINclosureDate>
         <CINclosureDate/> -->
    <CINclosureDate>2025-05-02</CINclosureDate>
    <CINPlanDates>
      <CINPlanStartDate>2025-07-01</CINPlanStartDate>
    </CINPlanDates><CINPlanDates>
      <CINPlanStartDate>2025-09-01</CINPlanStartDate>
      <CINPlanEndDate>2025-08-01</CINPlanEndDate>
    </CINPlanDates>
    <Section47>
      <S47ActualStartDate>2025-06-02</S47ActualStartDate>
      <DateOfInitialCPC>2025-06-15</DateOfInitialCPC>
      <ICPCnotRequired>0</ICPCnotRequired>
    </Section47>
    <ReferralNFA>maybe</ReferralNFA>
  </CINdetails>
</Child>
</Children></Message>
"""


@pytest.fixture
def census(tmp_path: Path) -> Path:
    path = tmp_path / "census.xml"
    path.write_text(CENSUS)
    return path


def line_of(text: str) -> int:
    return next(n for n, line in enumerate(CENSUS.splitlines(), 1) if text in line)


def test_the_reader_s_findings_stand_on_their_values(census: Path):
    found = {f.field: f.line for f in SOURCES[0].read(census, Context()).findings}
    assert found["UPN"] == line_of("<UPN>")
    assert found["ReferralNFA"] == line_of("<ReferralNFA>")


def test_the_rules_findings_stand_on_their_values_and_name_the_other_value_s_line(census: Path):
    found = {f["rule"]: f for f in check_file(census).findings.to_pylist()}
    assert found["4011"]["line"] == line_of("<CINPlanEndDate>")
    # A comment is not the value; neither is the plan before, which ends on the line this one begins on.
    assert found["8630"]["line"] == line_of("<CINclosureDate>2025-05-02")
    assert found["8630"]["says"].endswith("2025-06-01).")
    assert found["8875"]["line"] == line_of("<DateOfInitialCPC>")
    # A value that is missing has the line of the part of the census that lacks it.
    assert found["8805"]["line"] in (line_of("<CINdetails>"), line_of("<CINclosureDate>2025-05-02"))


def test_a_conference_of_an_enquiry_is_not_taken_for_the_episode_s(census: Path):
    episode, enquiry = ("CINdetails", "DateOfInitialCPC", 14), ("Section47", "DateOfInitialCPC", line_of("<Section47>"))
    assert element_lines(census, [episode, enquiry]) == {enquiry: line_of("<DateOfInitialCPC>")}


def test_lines_past_what_the_parser_counts(census: Path):
    """libxml2 keeps sixteen bits of a line; the text is read further."""
    head, child = CENSUS.split("<Child>")
    census.write_text(head + "\n" * 70_000 + "<Child>" + child)
    found = {f.field: f.line for f in SOURCES[0].read(census, Context()).findings}
    assert found["UPN"] == line_of("<UPN>") + 70_000
    by_rule = {f["rule"]: f["line"] for f in check_file(census).findings.to_pylist()}
    assert by_rule["4011"] == line_of("<CINPlanEndDate>") + 70_000


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings(tmp_path: Path, encoding: str):
    path = tmp_path / "census.xml"
    path.write_text(CENSUS, encoding=encoding)
    assert {f.line for f in SOURCES[0].read(path, Context()).findings if f.field == "UPN"} == {line_of("<UPN>")}

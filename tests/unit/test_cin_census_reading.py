"""The CIN census return as XML: what is read, what is tolerated and told, and what is refused."""

import gc
import re
from datetime import date

import pytest

from sightline.sources.base import Context, Head
from sightline.sources.cin_census import SOURCES
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Severity

CENSUS = SOURCES[0]

HEADER = """<Header>
<CollectionDetails><Collection>CIN</Collection><Year>2024</Year><ReferenceDate>2024-03-31</ReferenceDate></CollectionDetails>
<Source><SourceLevel>L</SourceLevel><LEA>301</LEA></Source>
</Header>
"""
IDENTIFIERS = "<LAchildID>A1</LAchildID><PersonBirthDate>2015-05-01</PersonBirthDate><GenderCurrent>2</GenderCurrent>"
CHARACTERISTICS = "<Ethnicity>WBRI</Ethnicity>"
DETAILS = "<CINreferralDate>2023-05-01</CINreferralDate><ReferralSource>1A</ReferralSource><ReferralNFA>0</ReferralNFA>"


def child(identifiers=IDENTIFIERS, characteristics=CHARACTERISTICS, details=(DETAILS,)):
    """A Child element: the inside of its identifiers and characteristics (None for none), and of each episode."""
    parts = ["<Child>"]
    if identifiers is not None:
        parts.append(f"<ChildIdentifiers>\n{identifiers}\n</ChildIdentifiers>")
    if characteristics is not None:
        parts.append(f"<ChildCharacteristics>{characteristics}</ChildCharacteristics>")
    parts += [f"<CINdetails>{inside}</CINdetails>" for inside in details]
    return "\n".join(parts) + "\n</Child>\n"


def message(*children, header=HEADER, root="Message"):
    return f"<{root}>\n{header}<Children>\n{''.join(children)}</Children>\n</{root}>\n"


@pytest.fixture
def read(tmp_path):
    def reading(text, encoding="utf-8"):
        path = tmp_path / "census.xml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return CENSUS.read(path, Context())

    return reading


def told(reading, rule):
    return [f for f in reading.findings if f.rule == rule]


def only(reading, rule):
    (finding,) = told(reading, rule)
    return finding


def column(reading, table, name):
    return reading.tables[table][name].to_pylist()


def test_a_right_file_has_nothing_told(read):
    reading = read(message(child()))
    assert reading.findings == []
    assert (reading.kind, reading.system) == ("cin-census", "cin-census")
    assert (reading.period, reading.covers) == ("year to 31 March 2024", "2024")
    assert (reading.authority, reading.as_at) == ("301", "2024-03-31")
    assert reading.tables["child"].drop_columns("line").to_pylist()[0] | {"x": 1} == {
        "child_ref": "A1",
        "surname": None,
        "forename": None,
        "birth_date": date(2015, 5, 1),
        "expected_birth_date": None,
        "death_date": None,
        "sex": "F",
        "ethnicity": "WBRI",
        "upn_unknown": None,
        "postcode": None,
        "x": 1,
    }
    assert column(reading, "referral", "referral_ref") == ["A1/1"]
    assert column(reading, "referral", "no_further_action") == [False]


def test_every_block_and_every_review_is_kept(read):
    reading = read(
        message(
            child(
                characteristics="<Ethnicity>MWBC</Ethnicity><Disabilities><Disability>AUT</Disability>"
                "<Disability>LD</Disability></Disabilities>",
                details=[
                    "<CINreferralDate>2023-05-01</CINreferralDate><ReferralSource>2A</ReferralSource>"
                    "<Assessments><AssessmentActualStartDate>2023-05-02</AssessmentActualStartDate>"
                    "<AssessmentAuthorisationDate>2023-06-01</AssessmentAuthorisationDate>"
                    "<FactorsIdentifiedAtAssessment><AssessmentFactors>3B</AssessmentFactors>"
                    "<AssessmentFactors>4B</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>"
                    "<Assessments><AssessmentActualStartDate>2023-09-02</AssessmentActualStartDate></Assessments>"
                    "<CINPlanDates><CINPlanStartDate>2023-06-02</CINPlanStartDate>"
                    "<CINPlanEndDate>2023-07-02</CINPlanEndDate></CINPlanDates>"
                    "<Section47><S47ActualStartDate>2023-07-01</S47ActualStartDate>"
                    "<DateOfInitialCPC>2023-07-10</DateOfInitialCPC><ICPCnotRequired>FALSE</ICPCnotRequired></Section47>"
                    "<ReferralNFA>false</ReferralNFA>"
                    "<ChildProtectionPlans><CPPstartDate>2023-07-10</CPPstartDate>"
                    "<InitialCategoryOfAbuse>NEG</InitialCategoryOfAbuse><LatestCategoryOfAbuse>EMO</LatestCategoryOfAbuse>"
                    "<NumberOfPreviousCPP>1</NumberOfPreviousCPP><Reviews><CPPreviewDate>2023-10-01</CPPreviewDate>"
                    "<CPPreviewDate>2024-03-01</CPPreviewDate></Reviews></ChildProtectionPlans>",
                    "<CINreferralDate>2024-01-01</CINreferralDate><ReferralSource>6</ReferralSource><ReferralNFA>True</ReferralNFA>",
                ],
            )
        )
    )
    assert reading.findings == []
    assert column(reading, "disability", "disability") == ["AUT", "LD"]
    assert column(reading, "referral", "referral_ref") == ["A1/1", "A1/2"]
    assert column(reading, "referral", "no_further_action") == [False, True]
    # The episode's own conference date and the enquiry's are told apart.
    assert column(reading, "referral", "conference_date") == [None, None]
    assert column(reading, "section_47", "conference_date") == [date(2023, 7, 10)]
    assert column(reading, "section_47", "conference_not_required") == [False]
    assert column(reading, "assessment", "assessment_ref") == ["A1/1/1", "A1/1/2"]
    assert column(reading, "assessment_factor", "factor") == ["3B", "4B"]
    assert column(reading, "assessment_factor", "assessment_ref") == ["A1/1/1"] * 2
    assert column(reading, "cin_plan", "end_date") == [date(2023, 7, 2)]
    assert column(reading, "cp_plan", "previous_plans") == [1]
    assert column(reading, "cp_review", "review_date") == [date(2023, 10, 1), date(2024, 3, 1)]
    assert column(reading, "cp_review", "plan_ref") == ["A1/1/1"] * 2
    assert reading.received["Reviews"].column_names == ["LAchildID", "CINdetailsID", "CPPID", "CPPreviewDate", "line"]


def test_a_conference_date_after_an_enquiry_still_belongs_to_the_episode(read):
    details = (
        "<CINreferralDate>2023-05-01</CINreferralDate><ReferralSource>1A</ReferralSource>"
        "<Section47><S47ActualStartDate>2023-07-01</S47ActualStartDate></Section47>"
        "<DateOfInitialCPC>2023-07-10</DateOfInitialCPC><ReferralNFA>0</ReferralNFA>"
    )
    reading = read(message(child(details=[details])))
    assert column(reading, "referral", "conference_date") == [date(2023, 7, 10)]
    assert column(reading, "section_47", "conference_date") == [None]


@pytest.mark.parametrize(
    "dressed",
    [
        lambda text: text.replace("<Message>", '<Message xmlns="http://example.org/census">'),
        lambda text: re.sub(r"<(/?)", r"<\1c:", text).replace("<c:Message>", '<c:Message xmlns:c="urn:c">'),
        lambda text: text.replace("<CINdetails>", '<CINdetails xmlns="urn:other">'),
        lambda text: '<?xml version="1.0" encoding="UTF-8"?>\n' + text,
        lambda text: "\ufeff" + text,
        lambda text: text.replace("\n", ""),
        lambda text: text.replace("\n", "\r\n"),
        lambda text: text.replace("<Children>", "<!-- made\nby hand --><Children><?pi?>"),
        lambda text: text.replace("2015-05-01", "<![CDATA[2015-05-01]]>"),
        lambda text: text.replace("2015-05-01", "2015-<!-- odd -->05-01"),
    ],
)
def test_dress_does_not_matter(read, dressed):
    reading = read(dressed(message(child())))
    assert reading.findings == []
    assert column(reading, "child", "birth_date") == [date(2015, 5, 1)]
    assert column(reading, "referral", "referral_source") == ["1A"]


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252", "iso-8859-15"])
def test_declared_encodings(read, encoding):
    text = f'<?xml version="1.0" encoding="{encoding}"?>\n' + message(child(IDENTIFIERS.replace("A1", "É1")))
    assert column(read(text, encoding), "child", "child_ref") == ["É1"]


def test_a_missing_header_is_told_and_the_year_taken_from_the_dates(read):
    closed = DETAILS.replace("<ReferralNFA>", "<CINclosureDate>2023-06-01</CINclosureDate><ReferralNFA>")
    reading = read(message(child(details=[closed]), header=""))
    assert (reading.period, reading.covers, reading.authority) == ("year to 31 March 2024", "2024", "")
    assert only(reading, "year-from-dates").severity is Severity.NOTE


def test_without_header_and_dates_the_year_is_unknown(read):
    reading = read(message(child(), header=""))
    assert (reading.period, reading.covers, reading.as_at) == ("unknown year", "unknown year", "")
    assert "do not tell" in only(reading, "year-from-dates").says


def test_dates_of_many_years_tell_no_year(read):
    details = [
        DETAILS.replace("<ReferralNFA>", f"<CINclosureDate>{year}-06-01</CINclosureDate><ReferralNFA>")
        for year in (2019, 2020, 2023)
    ]
    assert read(message(child(details=details), header="")).period == "unknown year"


@pytest.mark.parametrize(
    ("change", "rule", "field", "period"),
    [
        (("<Year>2024</Year>", "<Year>2023</Year>"), "header-reference-date", "ReferenceDate", "2023"),
        (("<Year>2024</Year>", ""), "header-year", "Year", "2024"),
        (("<Year>2024</Year>", "<Year>this</Year>"), "header-year", "Year", "2024"),
        (("<Year>2024</Year>", "<Year>0000</Year>"), "header-year", "Year", "2024"),
        (("<Year>2024</Year>", "<Year>2031</Year>"), "header-year", "Year", "2031"),
        (("<ReferenceDate>2024-03-31", "<ReferenceDate>2024-03-28"), "header-reference-date", "ReferenceDate", "2024"),
        (("<ReferenceDate>2024-03-31</ReferenceDate>", ""), "header-reference-date", "ReferenceDate", "2024"),
        (("<LEA>301</LEA>", ""), "header-authority", "LEA", "2024"),
        (("<LEA>301</LEA>", "<LEA>30</LEA>"), "header-authority", "LEA", "2024"),
        (("<Collection>CIN", "<Collection>SC"), "header-collection", "Collection", "2024"),
    ],
)
def test_a_header_that_is_wrong_is_told(read, change, rule, field, period):
    text = message(child(), header=HEADER.replace(*change))
    reading = read(text)
    finding = told(reading, rule)[0]
    # What is not there has the line of the part it belongs to.
    line = next((n for n, line in enumerate(text.splitlines(), 1) if f"<{field}>" in line), 4)
    assert (finding.field, finding.line) == (field, line)
    assert reading.period == f"year to 31 March {period}"


def test_content_before_2022_and_several_sources_are_tolerated(read):
    header = HEADER.replace(
        "</Header>",
        "<Source><LEA>301</LEA></Source><Content><CBDSLevels><CBDSLevel>Child</CBDSLevel></CBDSLevels></Content></Header>",
    )
    reading = read(message(child(), header=header))
    assert reading.findings == []
    assert reading.received["Header"]["LEA"].to_pylist() == ["301", "301"]


@pytest.mark.parametrize(
    ("year", "element", "value", "sex", "rules"),
    [
        (2024, "GenderCurrent", "1", "M", []),
        (2024, "GenderCurrent", "0", "U", []),
        (2024, "GenderCurrent", "9", "U", []),
        (2025, "Sex", "F", "F", []),
        (2025, "Sex", "f", "F", []),
        (2025, "Sex", "1", "M", ["sex-code-of-another-year"]),
        (2025, "GenderCurrent", "2", "F", ["element-of-another-year"]),
        (2024, "Sex", "M", "M", ["element-of-another-year"]),
        (2024, "GenderCurrent", "M", "M", ["sex-code-of-another-year"]),
        (2025, "Sex", "X", "X", ["unknown-code"]),
    ],
)
def test_sex_and_gender(read, year, element, value, sex, rules):
    header = HEADER.replace("2024", str(year))
    identifiers = f"<LAchildID>A1</LAchildID><{element}>{value}</{element}>"
    reading = read(message(child(identifiers), header=header))
    assert column(reading, "child", "sex") == [sex]
    assert [f.rule for f in reading.findings] == rules
    assert all(f.line == 9 for f in reading.findings)


def test_sex_has_the_last_word_over_gender(read):
    identifiers = "<LAchildID>A1</LAchildID><GenderCurrent>1</GenderCurrent><Sex>F</Sex>"
    reading = read(message(child(identifiers)))
    assert column(reading, "child", "sex") == ["F"]
    assert only(reading, "sex-and-gender-differ").severity is Severity.ERROR


@pytest.mark.parametrize(
    ("upn", "rule"),
    [
        ("B123456789012", "upn-check-letter"),
        ("A12345678901", "upn-length"),
        ("A1234567890123", "upn-length"),
        ("A12345678901S", "upn-characters"),
        ("1234567890123", "upn-characters"),
        ("X98765432123B", "upn-check-letter"),
        ("I123456789012", "upn-characters"),
    ],
)
def test_what_is_wrong_with_a_upn_is_told_and_the_number_kept(read, upn, rule):
    identifiers = IDENTIFIERS.replace("</LAchildID>", f"</LAchildID><UPN>{upn}</UPN>")
    reading = read(message(child(identifiers)))
    finding = only(reading, rule)
    assert (finding.record, finding.field, finding.value, finding.line) == ("A1", "UPN", upn, 9)
    assert upn not in finding.says
    assert ("upn", upn) in zip(
        column(reading, "identifier", "kind"), column(reading, "identifier", "value"), strict=True
    )


def test_former_upns_and_blanks_around_a_upn(read):
    identifiers = (
        "<LAchildID>a 1</LAchildID><UPN> h801200001001 </UPN><FormerUPN>X98765432123B</FormerUPN>"
        "<GenderCurrent>1</GenderCurrent>"
    )
    reading = read(message(child(identifiers)))
    assert reading.tables["identifier"].drop_columns(["valid_from", "valid_to"]).to_pylist() == [
        {"ref": "a 1", "kind": "la_child_id", "value": "A1", "line": 8},
        {"ref": "a 1", "kind": "upn", "value": "H801200001001", "line": 8},
        {"ref": "a 1", "kind": "former_upn", "value": "X98765432123B", "line": 8},
    ]
    # Received text is as it came.
    assert reading.received["ChildIdentifiers"]["UPN"].to_pylist() == [" h801200001001 "]
    assert only(reading, "upn-check-letter").field == "FormerUPN"


def test_a_child_without_an_id_is_kept_under_its_line(read):
    nameless = child("<GenderCurrent>1</GenderCurrent>")
    reading = read(message(nameless, child(None), child("<LAchildID> </LAchildID>")))
    assert column(reading, "child", "child_ref") == ["(no id) line 8", "(no id) line 14", "(no id) line 19"]
    assert column(reading, "referral", "referral_ref") == [f"(no id) line {n}/1" for n in (8, 14, 19)]
    assert "la_child_id" not in column(reading, "identifier", "kind")
    found = told(reading, "la-child-id-missing")
    # The last child's empty LAchildID stands on the line after.
    assert [(f.record, f.line) for f in found] == [(f"(no id) line {n}", at) for n, at in ((8, 8), (14, 14), (19, 20))]
    assert "'(no id) line 8'" in found[0].says


def test_children_without_an_id_on_one_line_stay_apart(read):
    text = message(child(None), child(None), child(None)).replace("\n", "")
    refs = column(read(text), "child", "child_ref")
    assert refs == ["(no id) line 1", "(no id) line 1, child 2", "(no id) line 1, child 3"]


def test_two_children_of_one_id_are_both_kept_and_told(read):
    reading = read(message(child(), child(IDENTIFIERS.replace("2015", "2016"), details=[DETAILS, DETAILS])))
    assert column(reading, "child", "child_ref") == ["A1", "A1"]
    assert column(reading, "child", "birth_date") == [date(2015, 5, 1), date(2016, 5, 1)]
    # Numbered on, so that a key names one episode.
    assert column(reading, "referral", "referral_ref") == ["A1/1", "A1/2", "A1/3"]
    finding = only(reading, "duplicate-la-child-id")
    assert (finding.line, finding.severity) == (16, Severity.ERROR)
    assert "line 8" in finding.says


def test_ethnicity_stays_with_its_child_when_blocks_are_missing(read):
    reading = read(
        message(
            child(IDENTIFIERS.replace("A1", "B")),
            child(characteristics=None),
            child(characteristics="<Ethnicity>AIND</Ethnicity>"),
            child(IDENTIFIERS.replace("A1", "C"), characteristics="<Ethnicity>CHNE</Ethnicity>"),
        )
    )
    assert column(reading, "child", "ethnicity")[0] == "WBRI"
    assert column(reading, "child", "ethnicity")[3] == "CHNE"
    assert only(reading, "no-characteristics").record == "A1"


def test_stray_text_is_told_with_its_line_and_ignored(read):
    text = message(child(IDENTIFIERS.replace("</LAchildID>", "</LAchildID>\n\nPersonBirthDate")))
    reading = read(text.replace("<Children>", "oh <Children> no").replace("</Child>\n</Ch", "</Child>and\n</Ch"))
    found = {f.value: f for f in told(reading, "stray-text")}
    assert set(found) == {"PersonBirthDate", "oh", "no", "and"}
    assert all(f.severity is Severity.NOTE for f in found.values())
    assert (found["PersonBirthDate"].line, found["PersonBirthDate"].table) == (11, "ChildIdentifiers")
    assert found["PersonBirthDate"].field == "LAchildID"
    assert column(reading, "child", "birth_date") == [date(2015, 5, 1)]


def test_unknown_elements_are_told_once_and_counted(read):
    identifiers = IDENTIFIERS.replace("</LAchildID>", "</LAchildID><Surname>Nobody</Surname>")
    reading = read(
        message(child(identifiers), child(identifiers.replace("A1", "A2")), "<Pupil/>").replace(
            "</Message>", "<More/></Message>"
        )
    )
    found = told(reading, "unknown-element")
    assert [(f.table, f.field, f.line) for f in found] == [
        ("ChildIdentifiers", "Surname", 9),
        ("Message", "More", 22),
        ("Children", "Pupil", 21),
    ]
    assert "2 times" in found[0].says
    assert "Nobody" not in repr(reading.findings)


def test_other_capitals_are_read_and_told(read):
    """Tools of the sector write CINClosureDate; its closures are not lost."""
    closed = DETAILS.replace("<ReferralNFA>", "<CINClosureDate>2024-01-31</CINClosureDate><ReferralNFA>")
    reading = read(message(child(IDENTIFIERS.replace("LAchildID", "LAChildID"), details=[closed])))
    assert column(reading, "referral", "closure_date") == [date(2024, 1, 31)]
    assert column(reading, "child", "child_ref") == ["A1"]
    assert [(f.field, f.table) for f in told(reading, "element-spelling")] == [
        ("LAchildID", "ChildIdentifiers"),
        ("CINclosureDate", "CINdetails"),
    ]
    assert len(reading.findings) == 2


def test_endless_unknown_names_are_counted_together(read):
    reading = read(message(child(IDENTIFIERS + "".join(f"<X{n}/>" for n in range(1_500)))))
    found = told(reading, "unknown-element")
    assert len(found) == 1_001
    assert "500 times" in found[-1].says


def test_an_element_in_another_block_is_unknown_there(read):
    details = (
        DETAILS.replace("<ReferralNFA>0</ReferralNFA>", "")
        + "<CINPlanDates><CINPlanStartDate>2023-06-01</CINPlanStartDate></CINPlanDates>"
        "<CINPlanEndDate>2023-07-01</CINPlanEndDate><ReferralNFA>0</ReferralNFA>"
    )
    reading = read(message(child(details=[details])))
    assert column(reading, "cin_plan", "end_date") == [None]
    assert only(reading, "unknown-element").field == "CINPlanEndDate"


def test_elements_inside_a_value_are_told(read):
    inside = IDENTIFIERS.replace("2015-05-01", "2015-05-01<Old>2014</Old> or so")
    reading = read(
        message(
            child(inside, "<Ethnicity>WBRI</Ethnicity><Disabilities><Disability>LD<b/></Disability></Disabilities>")
        )
    )
    assert [(f.table, f.field) for f in told(reading, "unknown-element")] == [
        ("PersonBirthDate", "Old"),
        ("Disability", "b"),
    ]
    assert only(reading, "stray-text").value == "or so"
    assert column(reading, "child", "birth_date") == [date(2015, 5, 1)]


def test_repeated_elements_are_told_and_the_first_read(read):
    twice = IDENTIFIERS + "<PersonBirthDate>2016-05-01</PersonBirthDate>"
    text = message(child(twice)).replace(
        "</ChildCharacteristics>",
        "</ChildCharacteristics><ChildCharacteristics><Ethnicity>AIND</Ethnicity></ChildCharacteristics>"
        "<ChildIdentifiers><LAchildID>A9</LAchildID></ChildIdentifiers>",
    )
    reading = read(text)
    assert column(reading, "child", "birth_date") == [date(2015, 5, 1)]
    assert column(reading, "child", "ethnicity") == ["WBRI"]
    assert [f.field for f in told(reading, "repeated-element")] == [
        "PersonBirthDate",
        "ChildCharacteristics",
        "ChildIdentifiers",
    ]


def test_empty_wrappers_and_empty_values_are_tolerated(read):
    details = (
        "<CINreferralDate>2023-05-01</CINreferralDate><ReferralSource/><Assessments>"
        "<AssessmentActualStartDate>2023-05-02</AssessmentActualStartDate><FactorsIdentifiedAtAssessment/></Assessments>"
        "<ReferralNFA>0</ReferralNFA><ChildProtectionPlans><CPPstartDate>2023-06-01</CPPstartDate>"
        "<Reviews><CPPreviewDate/></Reviews></ChildProtectionPlans>"
    )
    reading = read(message(child(characteristics="<Ethnicity>WBRI</Ethnicity><Disabilities/>", details=[details])))
    assert reading.findings == []
    assert reading.tables["assessment_factor"].num_rows == reading.tables["disability"].num_rows == 0
    # A review written without a date is no review, but the row stays for the rules that ask after it.
    assert reading.tables["cp_review"].num_rows == 0
    assert reading.received["Reviews"].num_rows == 1


@pytest.mark.parametrize(
    ("year", "told_of"), [(2021, ["CINPlanDates"]), (2022, []), (2026, ["PreProceedingsandFGDM"]), (2027, [])]
)
def test_blocks_of_another_year_are_read_and_told(read, year, told_of):
    block, inside = ("CINPlanDates", "CINPlanStartDate") if year < 2025 else ("PreProceedingsandFGDM", "PPStartDate")
    details = DETAILS + f"<{block}><{inside}>2020-06-01</{inside}></{block}>"
    identifiers = "<LAchildID>A1</LAchildID>" + ("<Sex>F</Sex>" if year > 2024 else "<GenderCurrent>2</GenderCurrent>")
    reading = read(message(child(identifiers, details=[details]), header=HEADER.replace("2024", str(year))))
    assert [f.field for f in told(reading, "element-of-another-year")] == told_of
    assert len(reading.findings) == len(told_of)
    table = "cin_plan" if year < 2025 else "pre_proceedings"
    assert column(reading, table, "start_date") == [date(2020, 6, 1)]


@pytest.mark.parametrize(("year", "told_of"), [(2030, ["GenderCurrent"]), (2012, [])])
def test_a_year_beyond_those_known_is_judged_as_the_nearest(read, year, told_of):
    """Not as a year in which no element is part of the census."""
    reading = read(message(child(), header=HEADER.replace("2024", str(year))))
    assert [f.field for f in told(reading, "element-of-another-year")] == told_of
    assert only(reading, "header-year").value == str(year)


def test_a_block_without_a_value_is_told(read):
    reading = read(
        message(child(details=[DETAILS + "<ChildProtectionPlans/>\n<CINPlanDates><CINPlanEndDate/></CINPlanDates>"]))
    )
    assert [(f.table, f.record, f.line) for f in told(reading, "empty-element")] == [
        ("CINPlanDates", "A1", 13),
        ("ChildProtectionPlans", "A1", 12),
    ]
    assert column(reading, "cp_plan", "start_date") == [None]


def test_a_header_whose_authority_is_no_number_names_none(read):
    reading = read(message(child(), header=HEADER.replace("301", "Barset")))
    assert (reading.authority, only(reading, "header-authority").value) == ("", "Barset")


def test_codes_are_judged_by_the_collection_year(read):
    early_help = DETAILS.replace("1A", "5D")
    for year, found in ((2022, 1), (2023, 0)):
        reading = read(message(child(details=[early_help]), header=HEADER.replace("2024", str(year))))
        assert [f.field for f in told(reading, "unknown-code")] == ["ReferralSource"] * found
    assert column(reading, "referral", "referral_source") == ["5D"]


def test_values_that_cannot_be_read_name_the_censuss_own_element(read):
    details = DETAILS.replace("2023-05-01", "01/13/2012").replace("<ReferralNFA>0", "<ReferralNFA>maybe")
    reading = read(message(child(details=[details])))
    assert [(f.rule, f.table, f.field, f.value, f.record, f.line) for f in reading.findings] == [
        ("not-a-date", "CINdetails", "CINreferralDate", "01/13/2012", "A1", 12),
        ("not-a-flag", "CINdetails", "ReferralNFA", "maybe", "A1", 12),
    ]


def test_no_children_is_told(read):
    reading = read(message())
    assert reading.tables["child"].num_rows == 0
    assert only(reading, "no-children").severity is Severity.ERROR


def test_thousands_of_one_fault_are_counted(read):
    identifiers = IDENTIFIERS.replace("</LAchildID>", "</LAchildID><UPN>B123456789012</UPN>")
    reading = read(message(*(child(identifiers.replace("A1", f"A{n}")) for n in range(1200))))
    found = told(reading, "upn-check-letter")
    assert len(found) == 1001
    assert "200 more rows" in found[-1].says


def test_lines_are_right_far_down_a_large_file(read):
    """The parser itself keeps 16 bits for a line; lines past 65,535 come by another road, also for odd layouts."""
    many = [
        child(
            IDENTIFIERS.replace("A1", f"N{n}").replace("><", ">\n  <") if n % 2 else IDENTIFIERS.replace("A1", f"N{n}"),
            characteristics="<Ethnicity>WBRI</Ethnicity>\n<Disabilities>\n<Disability>AUT</Disability></Disabilities>\n",
            details=[
                DETAILS,
                "\n\n" + DETAILS + "\n<Assessments><AssessmentActualStartDate>2023-05-02</AssessmentActualStartDate>\n"
                "<FactorsIdentifiedAtAssessment>\n<AssessmentFactors>3B</AssessmentFactors>\n"
                "<AssessmentFactors>4B</AssessmentFactors></FactorsIdentifiedAtAssessment></Assessments>\n"
                "<CINPlanDates/>\n<Section47>\n</Section47>",
            ],
        )
        for n in range(5_000)
    ]
    many[4_400] = many[4_400].replace("</LAchildID>", "</LAchildID>stray\n")
    many[4_401] = many[4_401].replace("</ChildIdentifiers>", "</ChildIdentifiers>\n\n  astray")
    many[4_402] = many[4_402].replace("<Ethnicity>", "\n<Religion>none</Religion><Ethnicity>")
    text = message(*many)
    assert text.count("\n") > 100_000
    reading = read(text)
    places = {}
    for number, line in enumerate(text.split("\n"), start=1):
        for name in re.findall(r"<(\w+)", line):
            places.setdefault(name, []).append(number)
    for table, element in {
        "ChildIdentifiers": "ChildIdentifiers",
        "ChildCharacteristics": "ChildCharacteristics",
        "Disabilities": "Disability",
        "CINdetails": "CINdetails",
        "Assessments": "Assessments",
        "AssessmentFactors": "AssessmentFactors",
        "CINPlanDates": "CINPlanDates",
        "Section47": "Section47",
    }.items():
        assert reading.received[table]["line"].to_pylist() == places[element], table
    lines = text.split("\n")
    for finding in (*told(reading, "stray-text"), *told(reading, "unknown-element")):
        assert finding.line > 65_535
        assert (finding.value or finding.field) in lines[finding.line - 1]
    assert len(told(reading, "stray-text")) == 2


ENTITIES = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
BOMB = f'<!DOCTYPE Message [<!ENTITY l0 "ha">{ENTITIES}]>'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (message(child())[:-40], "stops at line 12"),
        (message(child(), child())[:600], "stops at line"),
        (BOMB + message(child(IDENTIFIERS.replace("A1", "&l9;"))), "DOCTYPE"),
        (BOMB + message(child()).replace("<Message>", '<Message note="&l9;">'), "entities (at line 1)"),
        (BOMB + "<Message>&l9;</Message>", "entities"),
        ('<!DOCTYPE Message [<!ENTITY x SYSTEM "file:///etc/hostname">]>' + message(child("&x;")), "DOCTYPE"),
        ('<!DOCTYPE Message SYSTEM "http://127.0.0.1:1/census.dtd">' + message(child()), "DOCTYPE"),
        (message(child(IDENTIFIERS.replace("A1", "&pound;"))), "entities (at line 9)"),
        ("", "empty"),
        (" \n", "empty"),
        (bytes(100), "empty"),
        ("LAchildID,UPN\nA1,\n", "not XML"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not XML"),
        ("<html><body/></html>", "outermost element is html"),
        (message("<Child></Chld>"), "closed at line 7"),
        (message(child()) + message(child()), "goes on after its last element"),
        (message(child(IDENTIFIERS.replace("A1", "\x01"))), "character that XML does not allow (at line 9)"),
        (message(child(IDENTIFIERS.replace("A1", "É"))).encode("cp1252"), "not in the encoding its first line names"),
        ('<?xml version="1.0" encoding="UTF-16"?>' + message(child()), "not in the encoding its first line names"),
        ('<?xml version="1.0" encoding="klingon"?>' + message(child()), "not in the encoding its first line names"),
        (message("<Child>" + "<a>" * 400 + "</a>" * 400 + "</Child>"), "nested too deeply"),
        (message(child(IDENTIFIERS.replace("A1", "x" * 10_100_000))), "too long"),
        (message("<Other>" + "<a/>" * 4_300_000 + "</Other>"), "16 MB without the end of a Child"),
        (message(child()).replace("<Ethnicity>", "<Ethnicity <"), "a & or < at line 11 begins nothing"),
        (message(child(IDENTIFIERS.replace("A1", "A & B"))), "a & or < at line 9 begins nothing"),
        (message(child(IDENTIFIERS.replace("A1", "A & B"))).replace("\n", ""), "a & or < at line 1 begins nothing"),
        ("\n" + '<?xml version="1.0"?>' + message(child()), "XML declaration stands at line 2"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(read, content, says):
    with pytest.raises(UnreadableFile) as refused:
        read(content)
    sentence = str(refused.value)
    assert says in sentence
    assert sentence.endswith(".")
    assert "A1" not in sentence
    assert "\n" not in sentence


def test_garbage_collection_is_put_back(read):
    assert gc.isenabled()
    with pytest.raises(UnreadableFile):
        read(message(child())[:-40])
    assert gc.isenabled()
    gc.disable()
    try:
        read(message(child()))
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("start", "known"),
    [
        (message(child()), True),
        (message(child(), header=""), True),
        (message(header=HEADER), True),
        ("\ufeff" + message(child(), header=""), True),
        (message(child(), header="").replace("<Message>", '<m:Message xmlns:m="urn:m">'), True),
        ('<Children xmlns:c="urn:c"><c:Child><c:ChildIdentifiers><c:LAchildID>', True),
        ("<Message><Header><Collection>SC</Collection></Header><Pupils><Pupil/></Pupils></Message>", False),
        ("<CTfile><Header/></CTfile>", False),
        ("<Children><Child><Name/></Child></Children>", False),
        ("LAchildID,UPN", False),
        ("", False),
    ],
)
def test_recognised_by_content(start, known):
    assert CENSUS.recognise(Head("anything.txt", start.encode())) is known


def test_recognised_in_utf_16():
    assert CENSUS.recognise(Head("x", message(child()).encode("utf-16")[: 2**16]))

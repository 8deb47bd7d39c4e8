"""Reading the Standard Safeguarding Dataset's tables: by their columns, from either system, with what is wrong named."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.delimited import header_of
from sightline.sources.ssd import SOURCES
from sightline.sources.ssd_tables import EXTRACTS
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Severity

BY_KIND = {source.kind: source for source in SOURCES}


def source_of(content: bytes) -> Source:
    head = Head("anything.csv", content, header_of(content))
    (found,) = [source for source in SOURCES if source.recognise(head)]
    return found


@pytest.fixture
def read(tmp_path: Path):
    def _read(text: str) -> Reading:
        path = tmp_path / "anything.csv"
        path.write_text(text.strip() + "\n", encoding="utf-8")
        return source_of(path.read_bytes()).read(path, Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def test_every_table_is_known_with_the_columns_each_system_creates(real: Path):
    """The statements that create the tables in SystemC and Mosaic: 16 tables each, each known as itself alone."""
    for system in ("systemc", "mosaic"):
        columns: dict[str, list[str]] = {}
        with (real / "csc" / "ssd" / f"ssd_ddl_reference_{system}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                columns.setdefault(row["table_name"], []).append(row["field_name"].lower())
        for extract in EXTRACTS:
            header = ",".join(dict.fromkeys(columns[extract.ssd])).encode()
            assert source_of(header + b"\n").kind == extract.kind
        others = set(columns) - {extract.ssd for extract in EXTRACTS}
        for table in others:
            head = Head("x.csv", b"", tuple(columns[table]))
            assert not any(source.recognise(head) for source in SOURCES), table


def test_no_column_of_the_standard_is_called_missing_or_extra(real: Path, tmp_path: Path):
    """An empty extract of each table, as each system creates it: nothing is wrong but what Mosaic lacks by design."""
    for system in ("systemc", "mosaic"):
        columns: dict[str, dict[str, None]] = {}
        with (real / "csc" / "ssd" / f"ssd_ddl_reference_{system}.csv").open(encoding="utf-8") as lines:
            for row in csv.DictReader(lines):
                columns.setdefault(row["table_name"], {})[row["field_name"].upper()] = None
        for extract in EXTRACTS:
            path = tmp_path / f"{system}.csv"
            path.write_text(",".join(columns[extract.ssd]) + "\n", encoding="utf-8")
            reading = BY_KIND[extract.kind].read(path, Context())
            assert [f.says for f in reading.findings] == [], (system, extract.ssd)
            assert all(table.num_rows == 0 for table in reading.tables.values())


def test_a_person_and_the_numbers_they_are_known_by(read):
    reading = read("""
pers_upn,pers_person_id,pers_legacy_id,pers_sex,pers_dob,pers_surname,pers_forename,pers_single_unique_id,pers_upn_unknown,pers_expected_dob,pers_death_date,pers_ethnicity
B801200005001,1001,L-7,Female,2012-12-10 00:00:00.000,Ashgrove,Wren,943 476 5919,,1900-01-01 00:00:00.000,,WBRI
UN3,1002,-1,2,01/13/2012,Birchall,Lark,1111111111,,,,ZZZZ
B801200005002,1001,,,,,,,,,,
""")
    assert reading.kind == "ssd-person"
    assert (reading.system, reading.covers, reading.as_at) == ("ssd", "ssd_person", "")
    first, second = reading.tables["child"].to_pylist()
    assert first["birth_date"] == date(2012, 12, 10)
    assert (first["sex"], second["sex"]) == ("F", "F")
    assert first["expected_birth_date"] is None, "1 January 1900 is no date"
    assert second["birth_date"] is None, "there is no month 13"
    assert second["upn_unknown"] == "UN3", "a reason in the UPN's place is a reason"
    assert [(i["ref"], i["kind"], i["value"]) for i in reading.tables["identifier"].to_pylist()] == [
        ("1001", "person_id", "1001"),
        ("1001", "legacy_id", "L-7"),
        ("1001", "upn", "B801200005001"),
        ("1001", "nhs_number", "9434765919"),
        ("1002", "person_id", "1002"),
        ("1002", "nhs_number", "1111111111"),
        ("1001", "upn", "B801200005002"),
    ]
    assert rules(reading) == {"not-a-date": 1, "unknown-code": 1, "repeated-record": 1, "upn": 1, "nhs-number": 1}
    wrong = next(f for f in reading.findings if f.rule == "upn")
    assert (wrong.record, wrong.field, wrong.line) == ("1001", "upn", 4)
    assert wrong.value not in wrong.says


def test_what_sql_server_exports_is_read(read):
    """NULL is no value (but may be a name), a line of hyphens is no person, and days come in its own spellings."""
    reading = read(
        """
pers_person_id,pers_upn,pers_forename,pers_surname,pers_ethnicity,pers_dob,pers_death_date,pers_single_unique_id
--------------,--------,-------------,------------,--------------,--------,---------------,---------------------
P1,NULL,Ann,NULL,White - British,2012-09-02 00:00:00.0000000,NULL,NULL
P2,,Ben,Ash,NULL,Sep  2 2012 12:00AM,,
"""
    )
    children = reading.tables["child"].to_pylist()
    assert [c["child_ref"] for c in children] == ["P1", "P2"]
    assert [c["birth_date"] for c in children] == [date(2012, 9, 2)] * 2
    assert [(c["surname"], c["ethnicity"]) for c in children] == [("NULL", "WBRI"), ("Ash", None)]
    assert reading.tables["identifier"]["kind"].to_pylist() == ["person_id", "person_id"]
    assert set(rules(reading)) <= {"missing-column"}


def test_a_day_planned_for_later_is_not_the_day_of_the_file(tmp_path: Path):
    """A plan meant to end next year says nothing of when the table was extracted; what came with it does."""
    plans, episodes = tmp_path / "plans.csv", tmp_path / "episodes.csv"
    plans.write_text(
        "cinp_cin_plan_id,cinp_referral_id,cinp_person_id,cinp_cin_plan_start_date,cinp_cin_plan_end_date\n"
        "P1,R1,1,2024-10-01,2025-03-31\n"
    )
    episodes.write_text("cine_referral_id,cine_person_id,cine_referral_date\nR1,1,2024-11-05\n")

    def read(path: Path, *beside: Path, received: date | None = date(2024, 11, 20)) -> Reading:
        return source_of(path.read_bytes()).read(path, Context(beside=beside, received=received))

    assert read(plans).as_at == "2024-10-01"
    together = read(plans, plans, episodes)
    assert together.as_at == "2024-11-05"
    assert together.period == "Child in Need plans, as at 2024-11-05 by the latest date held"
    # Two extracts that came together are each by themselves.
    (tmp_path / "again.csv").write_text(episodes.read_text())
    assert read(plans, plans, episodes, tmp_path / "again.csv").as_at == "2024-10-01"
    # Without a day of receipt nothing is known to be planned.
    assert read(plans, received=None).as_at == "2025-03-31"


def test_mosaic_calls_the_plan_by_another_name_and_minus_one_is_nobody(read):
    reading = read("""
CINP_PERSON_ID,CIN_PLAN_ID,CINP_REFERRAL_ID,CINP_CIN_PLAN_START_DATE,CINP_CIN_PLAN_END_DATE,CINP_CIN_PLAN_TEAM,CINP_CIN_PLAN_WORKER_ID,local_note
1,P1,R1,2024-12-10 00:00:00.000,1900-01-01 00:00:00.000,-1,W1,x
2,P2,R2,2024-12-10 00:00:00.000,2024-12-01 00:00:00.000,T1,-1,x
""")
    first, second = reading.tables["cin_plan"].to_pylist()
    assert (first["plan_ref"], first["end_date"], first["team_ref"], first["worker_ref"]) == ("P1", None, None, "W1")
    assert (second["team_ref"], second["worker_ref"], second["line"]) == ("T1", None, 3)
    assert rules(reading) == {"extra-column": 1, "ends-before-it-starts": 1}
    assert reading.as_at == "2024-12-10"


@pytest.mark.parametrize(
    ("word", "code"),
    [
        ("Neglect", "NEG"),
        ("physical abuse", "PHY"),
        ("Sexual Abuse", "SAB"),
        (" Emotional ", "EMO"),
        ("EMO", "EMO"),
        ("Multiple: Neglect, Emotional abuse", "MUL"),
        ("Neglect and physical abuse", "MUL"),
    ],
)
def test_categories_in_words_become_codes(read, word, code):
    reading = read(f'''
cppl_cp_plan_id,cppl_person_id,cppl_referral_id,cppl_cp_plan_start_date,cppl_cp_plan_end_date,cppl_cp_plan_initial_category,cppl_cp_plan_latest_category,cppl_cp_plan_ola
Q1,1,R1,2024-12-10,,"{word}",Nglect,Y
''')
    (plan,) = reading.tables["cp_plan"].to_pylist()
    assert (plan["initial_category"], plan["other_authority"]) == (code, True)
    (unknown,) = reading.findings
    assert (unknown.rule, unknown.value, unknown.field) == ("unknown-code", "Nglect", "latest_category")


def test_only_a_social_workers_role_makes_the_social_worker(read):
    reading = read("""
invo_professional_id,invo_person_id,invo_referral_id,invo_professional_role_id,invo_professional_team,invo_involvement_start_date,invo_involvement_end_date,invo_worker_change_reason
W1,1,R1,CW,T1,2024-01-01,,
W2,1,R1,Allocated Social Worker,T1,2024-01-01,,
W3,1,R1,Reviewing officer,T1,2024-01-01,,
W4,1,R1,,T1,2024-01-01,,
""")
    assert reading.tables["involvement"]["is_social_worker"].to_pylist() == [True, True, False, None]
    assert reading.findings == []


def test_without_the_persons_id_an_involvement_is_reached_through_its_referral(read):
    """As Mosaic extracts it."""
    reading = read("""
invo_professional_id,invo_referral_id,invo_professional_role_id,invo_professional_team,invo_involvement_start_date,invo_involvement_end_date,invo_worker_change_reason
W1,R1,CW,T1,2024-01-01,,
W1,,CW,T1,2024-01-01,,
""")
    (kept,) = reading.tables["involvement"].to_pylist()
    assert (kept["child_ref"], kept["referral_ref"]) == ("referral:R1", "R1")
    assert rules(reading) == {"child-not-named": 1, "missing-value": 1}
    assert next(f for f in reading.findings if f.rule == "child-not-named").severity is Severity.NOTE


def test_reviews_on_mosaic_are_reached_through_their_plan(read):
    reading = read("""
cppr_cp_plan_id,cppr_cp_review_due,cppr_cp_review_date
Q1,2024-03-01,2024-03-04
Q1,2024-09-01,
""")
    assert reading.tables["cp_review"]["child_ref"].to_pylist() == ["cp-plan:Q1"] * 2
    assert reading.tables["cp_review"]["review_date"].to_pylist() == [date(2024, 3, 4), None]
    assert reading.as_at == "2024-03-04", "a review only due says nothing of the day of the file"


def test_factors_come_as_a_list_or_as_an_object(read):
    reading = read("""
cinf_table_id,cinf_assessment_id,cinf_assessment_factors_json
1,A1,"[""2B"", ""4b""]"
2,A2,"{""2B"": ""Yes"", ""3A"": ""No"", ""9A"": ""yes""}"
3,A3,[]
4,A4,
5,A5,2B and 4B
""")
    found = [(f["child_ref"], f["factor"]) for f in reading.tables["assessment_factor"].to_pylist()]
    assert found == [
        ("assessment:A1", "2B"),
        ("assessment:A1", "4B"),
        ("assessment:A2", "2B"),
        ("assessment:A2", "9A"),
    ]
    assert [(f.rule, f.line) for f in reading.findings] == [("not-a-list-of-factors", 6)]


def test_the_address_is_the_one_that_is_open(read):
    reading = read("""
addr_person_id,addr_address_start_date,addr_address_end_date,addr_address_postcode
1,2020-01-01,2021-01-01,zz11zz
1,2021-01-01,,zz12zz
2,2019-01-01,2020-01-01,ZZ1 3ZZ
2,2020-01-01,2021-01-01, zz1 4zz
3,2021-31-31,,ZZ99ZZ
""")
    assert {c["child_ref"]: c["postcode"] for c in reading.tables["child"].to_pylist()} == {
        "1": "ZZ1 2ZZ",
        "2": "ZZ1 4ZZ",
        "3": "ZZ9 9ZZ",
    }
    assert rules(reading) == {"not-a-date": 1}


def test_other_identifiers_are_told_apart_by_words(read):
    reading = read("""
link_person_id,link_identifier_type,link_identifier_value,link_valid_from_date,link_valid_to_date
1,Former Unique Pupil Number,B801200005001,2020-01-01,2021-01-01
1,Case Number,X9,,
1,NHS Number,PLACEHOLDER_DATA,,
""")
    (former,) = reading.tables["identifier"].to_pylist()
    assert (former["kind"], former["valid_to"]) == ("former_upn", date(2021, 1, 1))
    assert rules(reading) == {"identifier-not-used": 1, "missing-value": 1}


def test_a_file_without_the_childs_id_gives_no_rows_and_says_so(read):
    reading = read("""
cinp_cin_plan_id,cinp_cin_plan_start_date
P1,2024-01-01
""")
    assert reading.tables["cin_plan"].num_rows == 0
    missing = {f.field: f.severity for f in reading.findings if f.rule == "missing-column"}
    assert missing["child_ref"] is Severity.ERROR
    assert missing["cinp_cin_plan_end_date"] is Severity.QUERY


def test_a_mistyped_year_does_not_move_the_day_of_the_file(read):
    rows = "\n".join(f"P{n},{n},2024-01-{n % 28 + 1:02d}" for n in range(200))
    reading = read(f"cinp_cin_plan_id,cinp_person_id,cinp_cin_plan_start_date\n{rows}\nP999,9,2042-01-02")
    assert reading.as_at == "2024-01-28"
    (far,) = [f for f in reading.findings if f.rule == "date-far-ahead"]
    assert (far.value, far.line) == ("2042-01-02", 202)


def test_another_table_is_refused_in_one_sentence(tmp_path: Path):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UnreadableFile, match="cinp_"):
        BY_KIND["ssd-cin-plans"].read(path, Context())

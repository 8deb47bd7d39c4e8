"""Wonde's answers as people save them: pages, wrapped and missing includes, ids explained by other files."""

import json
from datetime import date

import pytest

from sightline.sources import SOURCES, Context, recognise
from sightline.sources.wonde import read_attendance, read_exclusions, read_students
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.identifiers import make_upn

ADA = make_upn("301", "2001", 2015, 1)


def day(text):
    return {"date": f"{text} 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}


STUDENT = {
    "id": "A1", "upi": "abc", "mis_id": "77", "surname": "Plum", "forename": "Addie", "legal_surname": "Plum",
    "legal_forename": "Ada", "gender": "FEMALE", "date_of_birth": day("2012-03-04"), "updated_at": day("2024-10-01"),
    "education_details": {"data": {
        "upn": ADA.lower(), "former_upn": None, "current_nc_year": "Year 07", "admission_date": day("2023-09-01"),
        "leaving_date": None,
    }},
    "extended_details": {"data": {"free_school_meals": True, "sen_status": "K", "in_lea_care": False}},
}  # fmt: skip
MARK = {
    "id": "A900", "student": "A1", "date": day("2024-09-02"), "session": "AM",
    "attendance_code": {"data": {"id": "A500123", "code": "C1"}}, "comment": None,
}  # fmt: skip
EXCLUSION = {
    "id": "A300", "student": {"data": {"id": "A1"}}, "type": "Fixed Term", "reason": "Persistent disruptive behaviour",
    "start_date": day("2024-10-03"), "end_date": "2024-10-04", "days": 1.5, "school": {"data": {"id": "A1930499544", "urn": 123456}},
}  # fmt: skip
CODES = [{"id": "A500123", "code": "C1", "type": "AUTHORISED_ABSENCE", "description": "Performance"},
         {"id": "A500999", "code": "\\", "type": "PRESENT", "description": "Present (PM)"}]  # fmt: skip
SCHOOLS = [{"id": "A1930499544", "name": "The Oaks", "urn": 123456, "la_code": "301", "establishment_number": "2001"}]


def saved(folder, name, content):
    path = folder / name
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def page(*records, **meta):
    return {"data": list(records), "meta": {"pagination": {"more": False}, **meta}}


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        (STUDENT, "wonde-students"),
        (MARK, "wonde-attendance"),
        (EXCLUSION, "wonde-exclusions"),
        (CODES[0], "wonde-codes"),
        (SCHOOLS[0], "wonde-schools"),
        ({"id": "A900", "type": "attendance", "deleted_at": day("2024-09-09")}, "wonde-deletions"),
    ],
)
def test_answers_are_told_apart_however_they_were_saved(tmp_path, record, kind):
    ways = [
        page(record),
        {"meta": {"pagination": {"more": True}}, "data": [record, record]},
        [page(record), page(record)],
        [record],
        json.dumps(page(record)) + "\n" + json.dumps(page(record)),
        json.dumps(record) + "\n" + json.dumps(record) + "\n",
        json.dumps(page(record), indent=2),
    ]
    for number, way in enumerate(ways):
        path = saved(tmp_path, f"{number}.txt", way)
        source = recognise(path)
        assert source.kind == kind
        assert source.read(path, Context()).kind == kind


def test_students_become_pupils_identifiers_and_registrations(tmp_path):
    path = saved(tmp_path, "students.json", page(STUDENT))
    reading = read_students(path, Context(name="A1930499544/students.json"))
    tables = {name: table.to_pylist() for name, table in reading.tables.items()}
    (pupil,) = tables["pupil"]
    assert (pupil["surname"], pupil["forename"], pupil["birth_date"], pupil["sex"]) == (
        "Plum", "Ada", date(2012, 3, 4), "F",
    )  # fmt: skip
    assert [(i["kind"], i["value"]) for i in tables["identifier"]] == [("upn", ADA), ("mis_id", "77")]
    (roll,) = tables["enrolment"]
    assert (roll["school_ref"], roll["entry_date"], roll["leaving_date"], roll["year_group"]) == (
        "A1930499544", date(2023, 9, 1), None, "7",
    )  # fmt: skip
    (told,) = tables["characteristic"]
    assert (told["as_at"], told["fsm"], told["sen_provision"]) == (date(2024, 10, 1), True, "K")
    assert (reading.as_at, reading.findings) == ("2024-10-01", [])


def test_includes_may_be_null_or_absent_and_lines_count_through_the_pages(tmp_path):
    bare = {**STUDENT, "id": "A2", "education_details": None, "extended_details": None, "mis_id": None}
    path = saved(tmp_path, "s.json", [page(STUDENT, bare), page({**bare, "id": "A3"})])
    reading = read_students(path, Context())
    assert [(p["pupil_ref"], p["line"]) for p in reading.tables["pupil"].to_pylist()] == [
        ("A1", 1),
        ("A2", 2),
        ("A3", 3),
    ]
    assert [e["pupil_ref"] for e in reading.tables["enrolment"].to_pylist()] == ["A1"]


def test_marks_with_codes_included_in_every_way(tmp_path):
    marks = [
        {**MARK, "id": "1"},
        {**MARK, "id": "2", "session": "PM", "attendance_code": {"id": "A500999", "code": "\\"}},
        {**MARK, "id": "3", "date": "2024-09-03", "attendance_code": "/"},
        {**MARK, "id": "4", "date": "2024-09-03", "session": "PM", "attendance_code": None},
    ]
    reading = read_attendance(saved(tmp_path, "a.json", page(*marks)), Context())
    (week,) = reading.tables["attendance_week"].to_pylist()
    assert (week["pupil_ref"], week["school_ref"], week["marks"], week["line"]) == ("A1", None, "c\\/.......", 1)
    assert reading.findings == []
    assert (reading.period, reading.as_at) == ("2024-09-02 to 2024-09-03", "2024-09-03")


def test_ids_of_codes_schools_and_deletions_are_explained_by_files_received_together(tmp_path):
    marks = [
        {**MARK, "id": "1", "attendance_code": "A500123"},
        {**MARK, "id": "2", "session": "PM", "attendance_code": {"data": {"id": "A500999"}}},
        {**MARK, "id": "3", "date": "2024-09-03"},
    ]
    path = saved(tmp_path, "a.json", page(*marks))
    beside = (
        path,
        saved(tmp_path, "codes.json", page(*CODES)),
        saved(tmp_path, "schools.json", page(*SCHOOLS)),
        saved(tmp_path, "deletions.json", page({"id": "3", "type": "attendance", "deleted_at": day("2024-09-09")})),
        saved(tmp_path, "other.csv", "a,b\n1,2\n"),
    )
    reading = read_attendance(path, Context(beside=beside))
    (week,) = reading.tables["attendance_week"].to_pylist()
    assert (week["school_ref"], week["marks"]) == ("123456", "c\\........")
    assert [f.rule for f in reading.findings] == ["withdrawn"]


def test_ids_of_codes_that_nothing_explains_are_one_finding(tmp_path):
    marks = [{**MARK, "attendance_code": "A500123"}, {**MARK, "session": "PM", "attendance_code": "A500124"}, MARK]
    reading = read_attendance(saved(tmp_path, "a.json", page(*marks)), Context())
    (finding,) = reading.findings
    assert (finding.rule, finding.line) == ("codes-not-sent", 1)
    assert finding.says.startswith("2 marks name their attendance code only by Wonde's id")
    assert reading.tables["attendance_week"]["marks"].to_pylist() == ["c........."]


def test_exclusions_become_suspensions(tmp_path):
    second = {
        **EXCLUSION,
        "type": {"data": {"code": "PERM"}},
        "reasons": {"data": [{"code": "PP"}, {"code": "DA"}]},
        "reason": None,
        "days": None,
        "sessions": "4",
    }
    reading = read_exclusions(saved(tmp_path, "e.json", page(EXCLUSION, second)), Context())
    one, two = reading.tables["suspension"].to_pylist()
    assert one == {
        "pupil_ref": "A1", "school_ref": "123456", "start_date": date(2024, 10, 3), "end_date": date(2024, 10, 4),
        "sessions": 3, "category": "SUSP", "reason1": "DB", "reason2": None, "reason3": None, "line": 1,
    }  # fmt: skip
    assert (two["category"], two["reason1"], two["reason2"], two["sessions"]) == ("PERM", "PP", "DA", 4)
    assert reading.findings == []


def test_bad_values_are_findings_with_the_records_place(tmp_path):
    bad = {
        **STUDENT,
        "id": "A2",
        "date_of_birth": "04/13/2012",
        "education_details": {"data": {"upn": "X123", "current_nc_year": "99"}},
    }
    reading = read_students(saved(tmp_path, "s.json", page(STUDENT, bad, {**STUDENT, "id": None})), Context())
    found = {(f.rule, f.line) for f in reading.findings}
    assert {("not-a-date", 2), ("upn", 2), ("unknown-code", 2), ("missing-value", 3)} <= found


def test_records_of_another_kind_are_left_out_and_said(tmp_path):
    reading = read_attendance(saved(tmp_path, "a.json", page(MARK, STUDENT)), Context())
    assert [(f.rule, f.line) for f in reading.findings] == [("another-kind", 2)]


@pytest.mark.parametrize(
    "content",
    ['{"data": [' + json.dumps(MARK) + ', {"id": ', "[" * 100_000, json.dumps(page(MARK)) + "{"],
    ids=["cut short", "nested without end", "rubbish behind"],
)
def test_damaged_json_is_one_sentence(tmp_path, content):
    with pytest.raises(UnreadableFile, match="damaged or cut short"):
        read_attendance(saved(tmp_path, "a.json", content), Context())


def test_an_answer_without_a_record_says_so(tmp_path):
    with pytest.raises(UnreadableFile, match="without a single record"):
        recognise(saved(tmp_path, "a.json", {"data": [], "meta": {}}))


def test_every_kind_is_written_and_read_again(tmp_path):
    contents = {
        "wonde-students": page(STUDENT, {**STUDENT, "id": "A2", "school": "A9"}, retrieved_at="2024-11-01"),
        "wonde-attendance": page(MARK, {**MARK, "session": "PM", "school": "123456"}),
        "wonde-exclusions": page(EXCLUSION, {**EXCLUSION, "student": "A2"}),
        "wonde-codes": page(*CODES),
        "wonde-schools": page(*SCHOOLS),
        "wonde-deletions": page({"id": "A900", "type": "attendance", "deleted_at": day("2024-09-09")}),
    }
    sources = {source.kind: source for source in SOURCES}
    for kind, content in contents.items():
        source = sources[kind]
        first = source.read(saved(tmp_path, f"{kind}.json", content), Context())
        (written,) = source.write(first, tmp_path)
        assert recognise(written) is source
        again = source.read(written, Context())
        for name, table in first.tables.items():
            assert again.tables[name].drop_columns(["line"]) == table.drop_columns(["line"]), name
        assert again.tables.keys() == first.tables.keys()
        assert {k: t.to_pylist() for k, t in again.received.items()} == {
            k: t.to_pylist() for k, t in first.received.items()
        }
        assert again.as_at == first.as_at

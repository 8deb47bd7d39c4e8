"""Reading the Department's social care payload: every shape it comes in, what is left out and why."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.csc_api import read_payload
from sightline.vocabulary.errors import UnreadableFile


@pytest.fixture
def read(tmp_path: Path):
    def _read(document: Any) -> Reading:
        path = tmp_path / "payload.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
        return read_payload(path, Context())

    return _read


def rules(reading: Reading) -> Counter[str]:
    return Counter(finding.rule for finding in reading.findings)


def child(ref: str = "P1", **more: Any) -> dict[str, Any]:
    return {"la_child_id": ref, "child_details": {"date_of_birth": "2012-03-04"}, **more}


PUBLISHED = {
    "record0_spec_maximal.json": {
        "identifier": 4,
        "disability": 2,
        "assessment": 1,
        "assessment_factor": 2,
        "cin_plan": 1,
        "section_47": 1,
        "cp_plan": 1,
        "looked_after": 1,
        "involvement": 1,
    },
    "record1_new_pending.json": {
        "identifier": 4,
        "disability": 0,
        "assessment": 1,
        "assessment_factor": 2,
        "cin_plan": 0,
        "section_47": 0,
        "cp_plan": 0,
        "looked_after": 1,
        "involvement": 4,
    },
    "record2_new_error.json": {
        "identifier": 4,
        "disability": 0,
        "assessment": 1,
        "assessment_factor": 1,
        "cin_plan": 0,
        "section_47": 0,
        "cp_plan": 0,
        "looked_after": 0,
        "involvement": 2,
    },
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_records(real: Path, name: str):
    path = real / "csc" / "dfe_csc_api" / name
    source = recognise(path)
    assert source.kind == "csc-api"
    reading = source.read(path, Context())
    counts = {table: rows.num_rows for table, rows in reading.tables.items()}
    assert counts == {"child": 1, "referral": 1, **PUBLISHED[name]}
    wrong = {"upn": 1, "former-upn": 1, "workers-incomplete": 1}
    if name != "record0_spec_maximal.json":
        wrong["unknown-code"] = 2  # an ethnicity and a referral source that are in no code set
    assert rules(reading) == wrong
    assert reading.system == "csc-api"


def test_ids_are_kept_as_the_two_that_they_are(read):
    reading = read(child(mis_child_id="L-7"))
    assert [(i["kind"], i["value"]) for i in reading.tables["identifier"].to_pylist()] == [
        ("person_id", "P1"),
        ("legacy_id", "L-7"),
    ]


@pytest.mark.parametrize(
    "document",
    [
        child(),
        [child()],
        {"la_code": "301", "Children": [child()]},
        {"la_code": 301, "Children": child()},
        {"Children": {"child": [child()]}},
        [{"row_state": "Updated", "submission_status": "Pending", "json_payload": json.dumps(child())}],
        {"json_payload": child(), "row_state": "New"},
    ],
)
def test_every_shape_holds_the_same_child(read, document):
    reading = read(document)
    assert reading.tables["child"]["birth_date"].to_pylist() == [date(2012, 3, 4)]
    assert reading.authority == ("301" if "la_code" in document else "")
    assert not reading.findings


def test_a_record_on_each_line_and_the_staging_table_as_csv(read, tmp_path: Path):
    both = [child("P1"), child("P2")]
    assert read("\n".join(map(json.dumps, both))).tables["child"]["child_ref"].to_pylist() == ["P1", "P2"]
    rows = [(json.dumps(both[0]), "New"), (json.dumps(both[1]), "Deleted"), ('{"la_child_id": "P3"', "New")]
    path = tmp_path / "ssd_api_data_staging.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        csv.writer(out).writerows([("id", "json_payload", "row_state"), *((n, *row) for n, row in enumerate(rows))])
    source = recognise(path)
    assert source.kind == "csc-api"
    reading = source.read(path, Context())
    assert reading.tables["child"]["child_ref"].to_pylist() == ["P1"]
    # The third is cut short: told, and no reason to lose the others.
    assert rules(reading) == {"record-deleted": 1, "missing-value": 1}


@pytest.mark.parametrize("nothing", [None, [], "absent"])
def test_null_empty_and_absent_are_all_nothing(read, nothing):
    episode: dict[str, Any] = {"social_care_episode_id": "R1", "referral_date": "2024-01-02"}
    for name in ("child_in_need_plans", "care_worker_details", "section_47_assessments"):
        if nothing != "absent":
            episode[name] = nothing
    reading = read(child(social_care_episodes=[episode], health_and_wellbeing=None))
    assert reading.tables["referral"].num_rows == 1
    assert reading.tables["cin_plan"].num_rows == 0
    assert not reading.findings


def test_what_is_to_be_purged_or_was_deleted_is_left_out_and_told(read):
    plan = {"child_in_need_plan_id": "A", "start_date": "2024-01-02"}
    episode = {
        "social_care_episode_id": "R1",
        "child_in_need_plans": [plan | {"purge": True}, plan | {"child_in_need_plan_id": "B", "purge": False}],
    }
    gone = {"social_care_episode_id": "R2", "purge": True}
    reading = read(
        [
            child(social_care_episodes=[episode, gone]),
            child("P2", purge=True),
            {"row_state": "Deleted", "json_payload": child("P3")},
        ]
    )
    assert reading.tables["child"]["child_ref"].to_pylist() == ["P1"]
    assert reading.tables["cin_plan"]["plan_ref"].to_pylist() == ["B"]
    assert rules(reading) == {"record-purged": 3, "record-deleted": 1}
    assert {(f.table, f.record, f.line) for f in reading.findings} == {
        ("cin_plan", "P1", 1),
        ("referral", "P1", 1),
        ("child", "P2", 2),
        ("child", "P3", 3),
    }


def test_placements_in_a_row_are_one_period_of_care(read):
    def stay(start, end, reason="P"):
        return {"start_date": start, "end_date": end, "start_reason": reason}

    stays = [
        stay("2022-03-01", "2022-06-01"),
        stay("2022-01-01", "2022-03-01", "S"),
        stay("2022-06-02", None),
        stay("2021-01-01", "2021-02-01", "S"),
    ]
    reading = read(child(social_care_episodes=[{"child_looked_after_placements": stays}]))
    periods = [(p["start_date"], p["end_date"]) for p in reading.tables["looked_after"].to_pylist()]
    assert periods == [(date(2021, 1, 1), date(2021, 2, 1)), (date(2022, 1, 1), None)]


def test_what_is_wrong_has_its_record_and_the_payload_s_own_word(read):
    episode = {
        "social_care_episode_id": "R1",
        "referral_date": "sometime",
        "child_protection_plans": [{"start_date": "2024-02-01", "end_date": "2024-01-01"}, 7],
    }
    bad = child("P 1!", social_care_episodes=[episode])
    bad["child_details"]["sex"] = "X"
    reading = read([child("P2"), bad, child("P2"), {"child_details": {}, "social_care_episodes": []}])
    told = {(f.rule, f.table, f.field, f.record, f.line) for f in reading.findings}
    assert told == {
        ("not-a-date", "referral", "referral_date", "P 1!", 2),
        ("unknown-code", "child", "sex", "P 1!", 2),
        ("child-id-form", "child", "la_child_id", "P 1!", 2),
        ("ends-before-it-starts", "cp_plan", "end_date", "P 1!", 2),
        ("not-a-record", "child_protection_plans", "child_protection_plans", "P 1!", 2),
        ("repeated-record", "child", "la_child_id", "P2", 3),
        ("missing-value", "child", "la_child_id", "", 4),
    }


@pytest.mark.parametrize(
    "text",
    [
        '{"la_child_id": "P1"',
        '{"la_child_id"',
        "[" * 100_000,
        '{"social_care_episodes_": 1}',
        "[1, 2]",
        '"la_child_id"',
    ],
)
def test_a_damaged_or_empty_document_is_one_sentence(read, text):
    with pytest.raises(UnreadableFile):
        read(text)


def test_a_later_payload_of_the_same_children_takes_the_place_of_the_first(read):
    first, second, other = (read([child(ref) for ref in refs]) for refs in (("P1", "P2"), ("P2", "P1"), ("P1",)))
    assert first.covers == second.covers != other.covers
    assert "P1" not in first.covers

"""A purge flag of the social care payload takes the record out of the next snapshot, whichever file said it before."""

from __future__ import annotations

import json
from pathlib import Path

from sightline.operations import Home, opened, receive


def child(ref: str, **more: object) -> dict[str, object]:
    plan = {"child_in_need_plan_id": f"{ref}-plan", "start_date": "2024-09-02"}
    again = {"child_in_need_plan_id": f"{ref}-second", "start_date": "2024-10-07"}
    episode = {
        "social_care_episode_id": f"{ref}-1",
        "referral_date": "2024-08-01",
        "child_in_need_plans": [plan, again],
    }
    about = {"first_name": ref, "surname": "Invented", "date_of_birth": "2015-05-01", "disabilities": ["HEAR"]}
    return {"la_child_id": ref, "child_details": about, "social_care_episodes": [episode]} | more


def payload(path: Path, *children: dict[str, object]) -> Path:
    path.write_text(json.dumps({"la_code": "301", "Children": list(children)}))
    return path


def facts(home: Home, sql: str) -> list[tuple[object, ...]]:
    return opened(home).database.rows(sql)


def test_a_purged_child_is_gone_and_the_others_stay(tmp_path: Path):
    home = Home.open(tmp_path / "home")
    receive(home, [payload(tmp_path / "monday.json", child("A"), child("B"))], by="t")
    first = home.store.snapshot()
    assert facts(home, "SELECT child_ref, plan_ref FROM cin_plan ORDER BY ALL") == [
        ("A", "A-plan"), ("A", "A-second"), ("B", "B-plan"), ("B", "B-second"),
    ]  # fmt: skip
    purged = {"la_child_id": "A", "purge": True}
    receipt = receive(home, [payload(tmp_path / "tuesday.json", purged, child("C"))], by="t")
    assert [f.status for f in receipt.files] == ["received"]
    for table, ref in (
        ("child", "child_ref"),
        ("identifier", "ref"),
        ("referral", "child_ref"),
        ("cin_plan", "child_ref"),
    ):
        assert {r for (r,) in facts(home, f"SELECT DISTINCT {ref} FROM {table}")} == {"B", "C"}, table
    assert facts(home, "SELECT count(*) FROM person WHERE forename = 'A'") == [(0,)]
    assert facts(home, "SELECT DISTINCT forename FROM person ORDER BY 1") == [("B",), ("C",)]
    # What was shown before can still be made again: the earlier snapshot names the file as it was.
    assert home.store.snapshot(first.id).deliveries != home.store.snapshot().deliveries
    # The same bytes again bring nobody back.
    again = receive(home, [tmp_path / "monday.json"], by="t")
    assert [f.status for f in again.files] == ["held"]
    assert facts(home, "SELECT count(*) FROM cin_plan WHERE child_ref = 'A'") == [(0,)]


def test_parts_of_a_child_are_taken_out_alone(tmp_path: Path):
    home = Home.open(tmp_path / "home")
    receive(home, [payload(tmp_path / "monday.json", child("A"), child("B"))], by="t")
    episode = {
        "social_care_episode_id": "A-1",
        "child_in_need_plans": [{"child_in_need_plan_id": "A-plan", "purge": True}],
    }
    gone = {"social_care_episode_id": "B-1", "purge": True}
    receive(
        home,
        [payload(
            tmp_path / "tuesday.json",
            {"la_child_id": "A", "child_details": {"purge": True}, "social_care_episodes": [episode]},
            {"la_child_id": "B", "social_care_episodes": [gone]},
            {"la_child_id": "C"},  # a payload of the same children would take the place of the first altogether
        )],
        by="t",
    )  # fmt: skip
    assert facts(home, "SELECT DISTINCT child_ref, plan_ref FROM cin_plan ORDER BY ALL") == [("A", "A-second")]
    assert facts(home, "SELECT DISTINCT child_ref FROM referral") == [("A",)]
    assert facts(home, "SELECT child_ref FROM disability") == [("B",)]
    assert facts(home, "SELECT DISTINCT forename FROM child WHERE child_ref = 'A'") == [(None,)]


def test_a_payload_without_flags_leaves_earlier_files_as_they_are(tmp_path: Path):
    home = Home.open(tmp_path / "home")
    receive(home, [payload(tmp_path / "monday.json", child("A"))], by="t")
    before = home.store.snapshot().deliveries
    receive(home, [payload(tmp_path / "tuesday.json", child("B"), {"la_child_id": "Z", "purge": True})], by="t")
    assert home.store.snapshot().deliveries[:1] == before

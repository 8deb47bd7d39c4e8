"""What people decide about doubtful pairs binds the next snapshot: by command, on files as they are received."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import call

UPNS = ("X999000020001", "L999000020002", "A000000000000")  # made for tests: right check letters, no establishment
NAMES = ("Smeltgarth", "Quorndale", "Vexholt")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that has received three children and three pupils whose UPNs agree and whose birth dates do not."""
    files, folder = tmp_path / "files", tmp_path / "home"
    census = files / "2024_autumn"
    census.mkdir(parents=True)
    children = [f"P{n},{name},Ana,2012-03-04,F,{UPNS[n]}" for n, name in enumerate(NAMES)]
    pupils = [f"s{n},900001{n},1,2013-Jul-09 00:00:00,{name},Bel,{UPNS[n]},F" for n, name in enumerate(NAMES)]
    for path, header, rows in (
        (files / "ssd_person.csv", "pers_person_id,pers_surname,pers_forename,pers_dob,pers_sex,pers_upn", children),
        (census / "2024_autumn_pupilonroll.csv",
         "pupilonrolltableid,NativeId,pupilonrollorderseqcolumn,dob,surname,forename,upn,sex", pupils),
    ):  # fmt: skip
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    said = call("receive", files, "--home", folder, "--by", "a test")
    assert said.code == 0, said.err
    return folder


def pairs(home: Path) -> dict[str, dict[str, Any]]:
    return {r["left_surname"]: r for r in call("clerical", "--json", "--home", home).json()}


def decide(home: Path, pair: str, answer: str, by: str, *more: str) -> str:
    said = call("clerical", "decide", pair, answer, "--reason", "I rang", "--by", by, "--home", home, "--json", *more)
    assert said.code == 0, said.err
    return str(said.json()["state"])


def test_a_rebuild_obeys_what_people_decided(home: Path):
    (home / "sightline.toml").write_text("second_reader_percent = 0\n")
    before = pairs(home)
    assert set(before) == set(NAMES)
    ids = [before[n]["pair_id"] for n in NAMES]
    assert [decide(home, ids[n], a, "ana") for n, a in enumerate(("same", "different", "cannot-tell"))] == (
        ["decided"] * 3
    )
    assert not any(r["in_force"] for r in pairs(home).values())
    # Twice: the second build takes over what the first made, and still holds to it.
    for _ in range(2):
        assert call("rebuild", "--home", home).code == 0
        after = {r["pair_id"]: r for r in pairs(home).values()}
        same, different, unsure = (after[i] for i in ids)
        assert same["left_child_id"] == same["right_child_id"] == before[NAMES[0]]["left_child_id"]
        assert different["left_child_id"] != different["right_child_id"]
        assert [r["in_force"] for r in (same, different, unsure)] == [True, True, False]
    assert decide(home, ids[0], "reopened", "dot", "--lead") == "to read"
    assert call("rebuild", "--home", home).code == 0
    again = {r["pair_id"]: r for r in pairs(home).values()}[ids[0]]
    assert again["left_child_id"] != again["right_child_id"]


def test_a_command_shows_no_score_before_the_reader_has_answered(home: Path):
    (home / "sightline.toml").write_text("second_reader_percent = 100\n")
    pair = pairs(home)[NAMES[0]]["pair_id"]
    shown = call("clerical", "show", pair, "--by", "ana", "--home", home)
    assert "Differs" in shown.out
    assert "Why linkage did not decide" not in shown.out
    assert decide(home, pair, "same", "ana") == "awaits a second reader"
    refused = call("clerical", "decide", pair, "same", "--reason", "x", "--by", "ana", "--home", home)
    assert (refused.code, "Somebody else reads it next" in refused.err) == (6, True)
    told = call("clerical", "show", pair, "--by", "ana", "--home", home, "--json").json()
    assert "born on different days" in told["why"]
    blind = call("clerical", "show", pair, "--by", "bel", "--home", home, "--json").json()
    assert (blind["why"], blind["readings"], blind["asked_of_you"]) == (None, [], "second")
    assert decide(home, pair, "different", "bel") == "readers differ"
    assert decide(home, pair, "different", "dot", "--lead") == "decided"
    listed = call("clerical", "--home", home).out
    assert "Pairs read twice: 1; both readers agreed on 0" in listed

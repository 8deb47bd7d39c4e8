"""Rules over records scored on what the synthesiser planted: every planted fault found, and nothing else.

A mark after a pupil left can be told only once a register says that the pupil left: of those planted after the day of
the last census no file received tells.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable

import pytest
from conftest import Said

# The rules, and the kinds of planted fault that they alone should find. Precision stated: nothing beside is found.
RULES = (
    "mark-outside-enrolment", "present-on-part-time-timetable", "present-while-suspended", "unresolved-too-long",
)  # fmt: skip
# What the readers find, by line of one file.
READERS = ("two-marks", "unknown-mark")
LAST_CENSUS = "2024-10-03"
CLEAR = (
    "mark-not-of-its-day", "single-on-two-rolls", "suspended-too-long", "suspension-in-one-source",
    "suspension-without-e", "suspensions-overlap",
)  # fmt: skip


@pytest.fixture(scope="module")
def scored(
    sightline: Callable[..., Said], tmp_path_factory: pytest.TempPathFactory
) -> tuple[list[dict[str, str]], list[dict[str, object]], str]:
    """The planted faults, what was found, and what the command said, of 1,500 invented pupils."""
    folder, home = tmp_path_factory.mktemp("score"), tmp_path_factory.mktemp("score-home")
    assert sightline("synthesise", "--out", folder, "--pupils", "1500", "--seed", "3").code == 0
    said = sightline("receive", folder / "schools", folder / "education", "--home", home, "--by", "a test")
    assert said.code == 0, said.err
    with (folder / "truth" / "faults.csv").open(encoding="utf-8") as file:
        planted = list(csv.DictReader(file))
    found = sightline("findings", "--json", "--home", home)
    return planted, found.json(), found.err


@pytest.mark.slow
def test_recall_and_precision_are_whole(scored):
    planted, found, _ = scored
    for rule in RULES:
        should = {(row["ref"], row["field"].removeprefix("marks ")) for row in planted if row["kind"] == rule}
        if rule == "mark-outside-enrolment":
            should = {(ref, day) for ref, day in should if day < LAST_CENSUS}
        told = [(f["record"], set(re.findall(r"\d{4}-\d\d-\d\d", f["value"]))) for f in found if f["rule"] == rule]
        assert should, f"Nothing of kind {rule} was planted."
        hit = {s for s in should if any(s[0] == record and s[1] in days for record, days in told)}
        right = [t for t in told if any(s[0] == t[0] and s[1] in t[1] for s in should)]
        assert (len(hit) / len(should), len(right) / len(told)) == (1.0, 1.0), rule
    for rule in READERS:
        assert sum(f["rule"] == rule for f in found) == sum(row["kind"] == rule for row in planted), rule


@pytest.mark.slow
def test_what_was_not_planted_is_not_found(scored):
    _, found, _ = scored
    assert not [f for f in found if f["rule"] in CLEAR]


@pytest.mark.slow
def test_rules_that_could_not_run_are_named(scored):
    _, _, said = scored
    assert "present-on-part-time-timetable" not in said
    assert "Rule plan-without-education was not run. There are no plans" in said

"""docs/security/asvs.md speaks of every item of levels 1 and 2 once, and names nothing that is not there."""

import re
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
STATES = {"met", "part", "not met", "yours", "none"}
# Items of levels 1 and 2 in each section of OWASP ASVS 5.0.0: in every section they come first, so a number does.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1, "3.2": 2, "3.3": 4,
    "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4, "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5,
    "7.5": 2, "7.6": 2, "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4,
    "17.3": 2,
}  # fmt: skip


def rows() -> list[list[str]]:
    """One row per line of a table of items: items, state, what we do, shown by."""
    cells = [[c.strip() for c in line.strip().strip("|").split("|")] for line in TEXT.splitlines()]
    return [c for c in cells if re.match(r"\d+\.\d+\.\d+", c[0])]


def named() -> list[str]:
    return sorted(set(re.findall(r"`((?:tests|docs|sightline|frontend)/[^`]+)`", TEXT)))


def test_every_item_is_there_once():
    assert sum(SECTIONS.values()) == 253
    wanted = {f"{section}.{n}" for section, most in SECTIONS.items() for n in range(1, most + 1)}
    found = Counter(item for row in rows() for item in re.findall(r"\d+\.\d+\.\d+", row[0]))
    assert set(found) == wanted
    assert set(found.values()) == {1}


def test_every_row_has_a_state_and_what_is_met_is_shown_by_something():
    for row in rows():
        assert len(row) == 4 and row[1] in STATES, row[0]
        if row[1] == "met":
            assert row[3] or row[0] == "16.1.1", f"{row[0]} is said to be met, and nothing shows it"


@pytest.mark.parametrize("name", named())
def test_what_shows_it_is_there(name):
    path, _, test = name.partition("::")
    assert (ROOT / path).is_file(), path
    if test:
        assert re.search(
            rf"^(?:async )?def {re.escape(test)}\(", (ROOT / path).read_text(encoding="utf-8"), re.MULTILINE
        )


def test_what_is_not_met_is_said_at_the_top():
    at_top = TEXT.split("## 1 ")[0]
    for row in rows():
        if row[1] == "not met":
            assert all(item in at_top for item in re.findall(r"\d+\.\d+\.\d+", row[0])), row[0]

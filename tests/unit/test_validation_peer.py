"""Agreement with the sector's own validator on its sample files.

The numbers of children per rule below came from csc-validator-be-cin 0.1.13 (Python 3.11, pandas 1.5.3, numpy 1.26),
run in a separate environment on these files with its rules of each year; the two were compared child by child, and
every difference is explained in docs/explanation/validation.md.
"""

from collections import defaultdict
from pathlib import Path

import pytest

from sightline.operations import check_file

EVERY_YEAR = {
    "1510": 320,
    "2990": 27,
    "8545Q": 20,
    "8555Q": 21,
    "8569Q": 281,
    "8585Q": 35,
    "8600": 6,
    "8620": 188,
    "8790": 3,
    "8794": 5,
    "8825Q": 29,
    "8831": 301,
}
SAMPLE = {
    2023: EVERY_YEAR | {"1530": 272},
    2024: EVERY_YEAR | {"1530": 271},
    2025: EVERY_YEAR | {"1530": 271, "4180": 332},
    2026: EVERY_YEAR | {"1530": 271, "4180": 332},
}
# A referral on the working day before the year, which the sentence of 8569Q allows.
OURS = {"8569Q": 280}
WHOLE_RETURN = {2023: {"100", "2887Q"}, 2024: {"100", "2887Q"}, 2025: {"100", "2886Q", "2887Q"}}
WHOLE_RETURN[2026] = WHOLE_RETURN[2025]


def by_rule(path: Path, year: int | None = None) -> dict[str, set[str]]:
    found = defaultdict(set)
    for finding in check_file(path, year=year).findings.to_pylist():
        if finding["rule"][0].isdigit():
            found[finding["rule"]].add(finding["child"])
    return dict(found)


@pytest.mark.parametrize("year", SAMPLE)
def test_the_sample(real: Path, year: int):
    found = by_rule(real / "csc" / "cin_xml" / "fake_CIN_data.xml", year)
    whole = {rule for rule, children in found.items() if children == {""}}
    # It counts the rows of NONE for 2887Q, and its 2886Q of 2023 and 2024 never finds a gender missing.
    assert whole == WHOLE_RETURN[year] - {"2887Q"} | {"2886Q"}
    assert {rule: len(children) for rule, children in found.items() if rule not in whole} == SAMPLE[year] | OURS


@pytest.mark.parametrize(
    ("name", "year", "rules"),
    [
        (
            "CIN_Census_2024.xml",
            2025,
            "100 1103 1104 1105 1510 1530 1570 1580 2887Q 2889 4013 4016 4180 8565 8600 8608 8620 8696 8715 8897Q 8930",
        ),
        (
            "BAR_cin_2022.xml",
            2023,
            "1103 1104 1105 1510 1530 2887Q 2889 4013 4016 8525Q 8530Q 8545Q 8565 8620 8696 8715 8930",
        ),
        (
            # An expected date of birth in 1066 is there, if not readable: 8525Q is ours.
            "CIN_Census_2021.xml",
            2023,
            "1103 1104 1105 1510 1530 2887Q 2889 4013 4016 8525Q 8545Q 8565 8620 8696 8715 8930",
        ),
    ],
)
def test_the_small_samples(real: Path, name: str, year: int, rules: str):
    """All but 1560Q, which it raises on a temporary former UPN."""
    assert set(by_rule(real / "csc" / "cin_xml" / name, year)) == set(rules.split())


def test_the_samples_of_one_fault(real: Path):
    folder = real / "csc" / "cin_xml"
    assert "100" in by_rule(folder / "CIN_header_issues_100.xml")
    assert "2887Q" in by_rule(folder / "CIN_la_issues_2887Q.xml")

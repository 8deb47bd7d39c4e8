"""Code lists on the days that matter, as a census officer would check them."""

from datetime import date

import pytest
from spec_tables import cells

from sightline.vocabulary import code_list, valid_codes

# The first day of a collection year: the census ending 31 March 2023 begins on 1 April 2022.
CHANGES = """
    list              | code | first valid | first day out
    assessment_factor | 18A  |             | 2020-04-01
    assessment_factor | 18B  | 2020-04-01  |
    assessment_factor | 18C  | 2020-04-01  |
    assessment_factor | 19A  |             | 2020-04-01
    assessment_factor | 19B  | 2020-04-01  |
    assessment_factor | 24A  | 2021-04-01  |
    referral_source   | 5D   | 2022-04-01  |
    closure_reason    | RC9  | 2022-04-01  |
    exclusion_reason  | OT   |             | 2020-08-01
    exclusion_reason  | OW   | 2020-08-01  |
    exclusion_category| FIXD |             | 2020-08-01
    exclusion_category| SUSP | 2020-08-01  |
    ethnicity_school  | ORAB | 2024-08-01  |
    attendance        | K    | 2024-08-19  |
    attendance        | H    |             | 2024-08-19
    authority         | 928  |             | 2021-04-01
    authority         | 940  | 2021-04-01  |
    authority         | 909  |             | 2023-04-01
    authority         | 943  | 2023-04-01  |
"""


@pytest.mark.parametrize(("name", "code", "first", "out"), cells(CHANGES)[1])
def test_when_a_code_was_valid(name, code, first, out):
    edge = date.fromisoformat(first or out)
    day_before = date.fromordinal(edge.toordinal() - 1)
    assert (code in valid_codes(name, edge)) is bool(first)
    assert (code in valid_codes(name, day_before)) is bool(out)


def test_8a_was_never_valid():
    assert "8A" not in valid_codes("assessment_factor")


def test_primary_need_n1_changed_its_wording_in_2025():
    assert valid_codes("primary_need", date(2025, 3, 31))["N1"].meaning == "Abuse or neglect"
    assert valid_codes("primary_need", date(2025, 4, 1))["N1"].meaning == "Abuse, neglect and exploitation"


@pytest.mark.parametrize(
    ("name", "count"),
    [("ethnicity", 20), ("disability", 13), ("referral_source", 22), ("closure_reason", 9), ("abuse_category", 5)],
)
def test_how_many_codes_the_census_has(name, count):
    assert len(valid_codes(name, date(2026, 3, 31))) == count


def test_authorities_with_children_s_services():
    """153 in 2024, and one number for families posted abroad; both numbers of a new area have the right nine-character code."""
    held = valid_codes("authority", date(2024, 4, 1))
    assert len(held) == 154
    assert held["942"].more["gss"] == "E06000063"
    assert valid_codes("authority", date(2025, 4, 30))["370"].more["gss"] == "E08000016"
    assert valid_codes("authority", date(2025, 5, 1))["370"].more["gss"] == "E08000038"


def test_an_unknown_list_names_those_there_are():
    with pytest.raises(KeyError, match="attendance"):
        code_list("colour")

"""Years, terms and the school calendar, as printed calendars have them."""

from datetime import date

import pytest
from spec_tables import cells

from sightline.vocabulary import (
    Calendar,
    academic_year,
    bank_holidays,
    easter,
    monday,
    statistical_term,
    term_span,
    year_label,
)


@pytest.mark.parametrize(
    ("day", "year"),
    [(date(2024, 8, 1), 2024), (date(2024, 7, 31), 2023), (date(2025, 1, 1), 2024), (date(2024, 12, 31), 2024)],
)
def test_academic_year_runs_from_august_to_july(day, year):
    assert academic_year(day) == year


def test_year_label():
    assert [year_label(year) for year in (1999, 2008, 2024)] == ["1999/00", "2008/09", "2024/25"]


def test_monday():
    assert monday(date(2024, 9, 8)) == date(2024, 9, 2)
    assert monday(date(2024, 9, 2)) == date(2024, 9, 2)


EASTERS = (
    "1818-03-22 1943-04-25 2000-04-23 2008-03-23 2016-03-27 2018-04-01 2019-04-21 2020-04-12 2021-04-04 2022-04-17"
)
EASTERS += " 2023-04-09 2024-03-31 2025-04-20 2026-04-05 2038-04-25 2285-03-22"


@pytest.mark.parametrize("sunday", EASTERS.split())
def test_easter_sundays(sunday):
    day = date.fromisoformat(sunday)
    assert easter(day.year) == day


TERMS = """
    day        | counted in
    2023-08-01 | autumn
    2023-12-31 | autumn
    2024-01-01 | spring
    2024-03-31 | spring
    2024-04-01 | summer 1
    2024-05-26 | summer 1
    2024-05-27 | summer 2
    2024-07-31 | summer 2
    2024-08-01 | autumn
"""


@pytest.mark.parametrize(("day", "term"), cells(TERMS)[1])
def test_statistical_terms(day, term):
    assert statistical_term(date.fromisoformat(day)) == term


def test_the_summer_term_is_both_its_halves():
    assert term_span(2023, "summer") == (term_span(2023, "summer 1")[0], term_span(2023, "summer 2")[1])


@pytest.mark.parametrize(
    ("day", "says"),
    [
        (date(2024, 3, 29), "Good Friday"),
        (date(2024, 5, 6), "Early May bank holiday"),
        (date(2024, 8, 26), "Summer bank holiday"),
        (date(2022, 1, 3), "New Year's Day"),  # 1 January was a Saturday
        (date(2022, 12, 26), "Boxing Day"),
        (date(2022, 12, 27), "Christmas Day"),  # 25 December was a Sunday
        (date(2021, 12, 27), "Christmas Day"),  # 25 December was a Saturday
        (date(2021, 12, 28), "Boxing Day"),
        (date(2020, 5, 8), "Early May bank holiday"),  # moved for the anniversary
        (date(2022, 6, 2), "Spring bank holiday"),  # moved for the jubilee
        (date(2022, 9, 19), "State funeral of Queen Elizabeth II"),
        (date(2023, 5, 8), "Coronation of King Charles III"),
    ],
)
def test_bank_holidays(day, says):
    assert bank_holidays(day.year)[day] == says


def test_days_that_moved_are_ordinary_where_they_left():
    assert date(2020, 5, 4) not in bank_holidays(2020)
    assert date(2022, 5, 30) not in bank_holidays(2022)
    assert len(bank_holidays(2024)) == 8


HALF_TERMS = """
    half term | first      | last
    autumn 1  | 2024-09-02 | 2024-10-25
    autumn 2  | 2024-11-04 | 2024-12-20
    spring 1  | 2025-01-06 | 2025-02-14
    spring 2  | 2025-02-24 | 2025-04-04
    summer 1  | 2025-04-22 | 2025-05-23
    summer 2  | 2025-06-02 | 2025-07-22
"""


@pytest.mark.parametrize(("name", "first", "last"), cells(HALF_TERMS)[1])
def test_the_usual_half_terms_of_2024_25(name, first, last):
    calendar = Calendar.usual("999", [2024])
    for day in (date.fromisoformat(first), date.fromisoformat(last)):
        found = calendar.half_term(day)
        assert found is not None
        assert found.name == name


SCHOOL_DAYS = """
    day        | school? | why
    2024-09-02 | no      | training day
    2024-09-04 | yes     | a Wednesday in term
    2024-09-07 | no      | a Saturday
    2024-10-28 | no      | half-term break
    2024-12-25 | no      | Christmas
    2025-04-14 | no      | Easter holiday
    2025-05-05 | no      | bank holiday within a half term
    2025-05-06 | yes     | the day after it
    2025-07-23 | no      | summer holiday
"""


@pytest.mark.parametrize(("day", "school", "why"), cells(SCHOOL_DAYS)[1])
def test_school_days_of_2024_25(day, school, why):
    assert Calendar.usual("999", [2024]).is_school_day(date.fromisoformat(day)) is (school == "yes"), why

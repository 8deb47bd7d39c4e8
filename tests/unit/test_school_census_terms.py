"""Which census a file belongs to: by its columns, its dates, and its name where they leave it open."""

from __future__ import annotations

from datetime import date

import pytest

from sightline.sources.school_census_terms import TERMS, Collection, collection_of, named, told


@pytest.mark.parametrize(
    ("collection", "day", "span"),
    [
        (Collection(2024, "autumn"), date(2024, 10, 3), (date(2024, 4, 1), date(2024, 5, 27))),
        (Collection(2025, "spring"), date(2025, 1, 16), (date(2024, 8, 1), date(2025, 1, 1))),
        (Collection(2025, "summer"), date(2025, 5, 15), (date(2025, 1, 1), date(2025, 4, 21))),
        (Collection(2021, "spring"), date(2021, 1, 21), (date(2020, 8, 1), date(2021, 1, 1))),
        (Collection(2020, "autumn"), date(2020, 10, 1), (date(2020, 4, 13), date(2020, 5, 25))),
    ],
)
def test_census_day_and_the_term_before_it(collection, day, span):
    assert collection.day == day
    assert collection.attendance_span() == span
    assert told(collection.label) == collection


def test_the_autumn_census_holds_summer_half_term_2_apart():
    assert Collection(2024, "autumn").attendance_span(second_half=True) == (date(2024, 5, 27), date(2024, 8, 1))


def test_there_is_no_winter_census():
    with pytest.raises(ValueError, match="winter"):
        Collection(2024, "winter")


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("2024_autumn_pupilonroll.csv", "2024 autumn"),
        ("School Census/Spring 2025/PupilOnRoll.csv", "2025 spring"),
        ("Spring 2024-25/x.csv", "2025 spring"),
        ("summer 202425.csv", "2025 summer"),
        ("Autumn 2024-25 x.csv", "2024 autumn"),
        ("autumn_2024-10-03.csv", "2024 autumn"),
        ("2023 summer/2024_spring.csv", "2024 spring"),
        ("summerhalfterm2sessiondetailsonroll 2024.csv", None),
        ("x.csv", None),
        ("autumn 12024.csv", None),
    ],
)
def test_a_path_names_a_census(path, expected):
    found = named(path)
    assert (found.label if found else None) == expected


@pytest.mark.parametrize(
    ("terms", "latest", "path", "expected", "rule"),
    [
        # The columns settle the term and the dates the year; the name is not needed.
        (("autumn",), date(2024, 9, 4), "x.csv", "2024 autumn", None),
        (("spring",), date(2024, 11, 4), "x.csv", "2025 spring", None),
        (("spring",), date(2025, 4, 10), "x.csv", "2025 spring", None),
        (("summer",), date(2025, 4, 25), "x.csv", "2025 summer", None),
        # A table of any term: the name settles it.
        (TERMS, None, "2025_spring_x.csv", "2025 spring", "collection-from-name"),
        (TERMS, date(2025, 4, 9), "2025_spring_x.csv", "2025 spring", "collection-from-name"),
        # A file that starts a new year late keeps the year of its name.
        (("autumn",), date(2022, 9, 5), "2024_autumn.csv", "2024 autumn", None),
        # Nothing but dates.
        (("spring", "summer"), date(2025, 3, 1), "x.csv", "2025 summer", "collection-guessed"),
        # Nothing at all.
        (TERMS, None, "x.csv", None, "collection-unknown"),
        # The name says what cannot be.
        (("autumn",), date(2024, 9, 4), "2025_spring.csv", "2024 autumn", "name-against-content"),
        (("autumn",), date(2024, 9, 4), "2022_autumn.csv", "2024 autumn", "name-against-content"),
        (("spring",), None, "2022_autumn.csv", None, "collection-unknown"),
    ],
)
def test_what_settles_it(terms, latest, path, expected, rule):
    findings = []
    found = collection_of(terms, latest, path, findings)
    assert (found.label if found else None) == expected
    assert [f.rule for f in findings] == ([rule] if rule else [])

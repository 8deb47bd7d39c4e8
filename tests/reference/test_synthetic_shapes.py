"""An invented authority's means against Tables 53 and 57 of DfE research report RR1542 (August 2025)."""

import math
from collections import defaultdict

import numpy as np
import pyarrow.compute as pc
import pytest

from sightline.synthetic import Invented, invent
from sightline.synthetic.registers import Year
from sightline.synthetic.shapes import ABSENCE, GROUPS, SUSPENDED, mean_in_year

# As printed (overall): academic year, then not on a plan, CIN plan and CP plan.
TABLE_53 = {2021: (19.8, 33.4, 48.2), 2022: (18.9, 36.5, 51.2)}
TABLE_57 = {2021: (0.13, 0.82, 1.34), 2022: (0.22, 1.32, 2.10)}


@pytest.fixture(scope="module")
def invented() -> Invented:
    return invent(4000, 11, years=4)


@pytest.fixture(scope="module")
def years(invented: Invented) -> dict[int, Year]:
    return {year: invented.year(year) for year in (2021, 2022, 2023)}


def absences(invented: Invented, made: Year) -> dict[int, np.ndarray]:
    """By group: each child's (possible sessions, sessions missed) over the year, as the registers' counts say."""
    weeks = invented.schools_system.weeks(made)
    totals = weeks.group_by("pupil_ref").aggregate([(n, "sum") for n in ("possible", "authorised", "unauthorised")])
    missed = pc.add(totals["authorised_sum"], totals["unauthorised_sum"])
    group = invented.world.group(made.year)
    children = {upn: i for i, upn in enumerate(invented.world.numbers.upn) if upn}
    found = defaultdict(list)
    for ref, possible, away in zip(
        totals["pupil_ref"].to_pylist(), totals["possible_sum"].to_pylist(), missed.to_pylist(), strict=True
    ):
        if ref in children and made.year - 5 - invented.world.people.cohort[children[ref]] >= 0:
            found[int(group[children[ref]])].append((possible, away))
    return {g: np.array(rows, dtype=float) for g, rows in found.items()}


def ratio(rows: np.ndarray) -> tuple[float, float]:
    """Sessions missed by possible session, sum over sum, and its standard error over children."""
    possible, away = rows[:, 0], rows[:, 1]
    rate = away.sum() / possible.sum()
    return rate, math.sqrt(((away - rate * possible) ** 2).sum()) / possible.sum()


@pytest.mark.parametrize("year", TABLE_53)
@pytest.mark.parametrize("group", [0, 1, 2])
def test_mean_absence(invented, years, year, group):
    made = years[year]
    rate, error = ratio(absences(invented, made)[group])
    assert abs(rate * made.full_year - TABLE_53[year][group]) < 3 * error * made.full_year
    assert mean_in_year(ABSENCE, GROUPS[group], year) == TABLE_53[year][group]


@pytest.mark.parametrize("year", TABLE_57)
@pytest.mark.parametrize("group", [0, 1, 2])
def test_mean_suspension(invented, years, year, group):
    made = years[year]
    person = invented.world.enrolments.person[made.rows]
    possible = {g: rows[:, 0].sum() for g, rows in absences(invented, made).items()}
    sessions = defaultdict(list)
    for each in made.suspensions:
        if each.category != "PERM":
            sessions[int(made.group[each.row])].append(each.sessions)
    pupils = possible[group] / made.full_year
    # Suspensions are dealt out to the mean: what is left is rounding to whole sessions and part years.
    assert abs(sum(sessions[group]) / pupils - TABLE_57[year][group]) < max(0.05, 1.5 / pupils)
    assert mean_in_year(SUSPENDED, GROUPS[group], year) == TABLE_57[year][group]
    assert len(person) == len(made.group)


def test_years_after_the_tables_hold_the_last_mean(invented, years):
    for group, name in enumerate(GROUPS):
        assert mean_in_year(ABSENCE, name, 2023) == TABLE_53[2022][group]
        assert mean_in_year(ABSENCE, name, 2030) == TABLE_53[2022][group]
    rate, error = ratio(absences(invented, years[2023])[0])
    assert abs(rate * years[2023].full_year - TABLE_53[2022][0]) < 3 * error * years[2023].full_year


def test_girls_miss_more_in_every_group_since_2021():
    assert all(girls > boys for shape in ABSENCE.values() for year in (2021, 2022) for _, boys, girls in [shape[year]])


def test_some_children_are_persistently_and_severely_absent(invented, years):
    rows = absences(invented, years[2022])
    share = {g: (each[:, 1] >= 0.1 * each[:, 0]).mean() for g, each in rows.items()}
    severe = {g: (each[:, 1] >= 0.5 * each[:, 0]).mean() for g, each in rows.items()}
    assert 0.08 < share[0] < 0.25 and share[1] > 1.3 * share[0]
    assert 0 < severe[0] < 0.02 and severe[1] > severe[0]

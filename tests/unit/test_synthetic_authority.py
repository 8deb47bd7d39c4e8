"""What an invented authority is: its children, schools, care and registers, apart from any file."""

import itertools
from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pyarrow.compute as pc
import pytest

from sightline.synthetic import UNTIL, Invented, invent, invent_care_tables, invent_marks
from sightline.synthetic.care import OPEN, SOCIAL_WORKER
from sightline.synthetic.people import EARLY_YEARS, NEVER, POST_16, PUPIL, UNBORN, day_number, day_of
from sightline.synthetic.schools import ALL_THROUGH, PRIMARY, PUPIL_REFERRAL, SECONDARY, SPECIAL, school_tables
from sightline.vocabulary.attendance import counts, unpack
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.identifiers import is_temporary_upn, upn_fault, urn_fault


@pytest.fixture(scope="module")
def invented() -> Invented:
    return invent(2000, 5)


def on_roll(invented: Invented, day: date) -> np.ndarray:
    e = invented.world.enrolments
    return np.flatnonzero((e.start <= day_number(day)) & (e.end >= day_number(day)))


def test_about_as_many_pupils_as_asked_on_every_census_day(invented):
    for year in invented.years:
        assert abs(len(on_roll(invented, date(year, 10, 3))) - 2000) < 60


def test_schools_of_every_kind(invented):
    kinds = Counter(site.kind for site in invented.world.schools.sites)
    assert kinds == {PRIMARY: 8, SECONDARY: 2, ALL_THROUGH: 1, SPECIAL: 1, PUPIL_REFERRAL: 1}
    tables = school_tables(invented.world.schools)
    assert not any(urn_fault(urn) for urn in tables["school"]["urn"].to_pylist())
    assert len(set(tables["school"]["urn"].to_pylist())) == tables["school"].num_rows
    links = tables["school_link"].to_pylist()
    assert {link["link_type"] for link in links} == {"Predecessor", "Successor"}
    closed = [row for row in tables["school"].to_pylist() if row["status"] == "Closed"]
    assert closed and all(row["close_date"] < UNTIL for row in closed)


def test_pupils_move_from_primary_to_secondary_and_between_schools(invented):
    e, sites = invented.world.enrolments, invented.world.schools.sites
    kinds = defaultdict(set)
    for person, site in zip(e.person.tolist(), e.site.tolist(), strict=True):
        kinds[person].add((sites[site].kind, site))
    assert sum({SECONDARY, PRIMARY} <= {k for k, _ in each} for each in kinds.values()) > 400
    plan = {int(i) for status in ("CIN plan", "CP plan") for i in invented.world.plans[status][:, 0]}
    several = {i: sum(k == PRIMARY for k, _ in each) > 1 for i, each in kinds.items()}
    share = {on: np.mean([moved for i, moved in several.items() if (i in plan) == on]) for on in (True, False)}
    assert share[True] > 1.5 * share[False] > 0


def test_registrations_of_a_child_at_one_time_are_two_only_when_dual(invented):
    e = invented.world.enrolments
    by_child = defaultdict(list)
    for row in range(len(e)):
        assert e.start[row] <= e.end[row]
        by_child[int(e.person[row])].append(row)
    overlapping = 0
    for rows in by_child.values():
        for a, b in itertools.combinations(rows, 2):
            if e.start[a] <= e.end[b] and e.start[b] <= e.end[a]:
                overlapping += 1
                assert e.subsidiary[a] != e.subsidiary[b]
    assert overlapping == int(e.subsidiary.sum()) > 0
    assert (e.excluded < NEVER).any()


def test_households_share_name_and_address_and_some_children_are_twins(invented):
    people = invented.world.people
    first: dict[int, int] = {}
    twins = 0
    born = defaultdict(list)
    for i in range(len(people)):
        home = int(people.household[i])
        j = first.setdefault(home, i)
        assert people.surname[i] == people.surname[j] and people.postcode[i] == people.postcode[j]
        if people.kind[i] == PUPIL:
            born[home].append(int(people.birth[i]))
    for days in born.values():
        for a, b in itertools.pairwise(sorted(days)):
            twins += a == b
            assert a == b or b - a >= 300
    assert twins > 10


def test_numbers_are_well_formed_and_each_is_one_childs(invented):
    numbers = invented.world.numbers
    for kind in (numbers.upn, numbers.former):
        held = [upn for upn in kind if upn]
        assert not any(upn_fault(upn) for upn in held)
    every = [upn for kind in (numbers.upn, numbers.former, numbers.temporary) for upn in kind if upn]
    assert len(set(every)) == len(every)
    temporary = [upn for upn in numbers.temporary if upn]
    assert temporary and all(is_temporary_upn(upn) and upn_fault(upn) is None for upn in temporary)


def test_nine_in_a_hundred_were_ever_on_a_plan(invented):
    people = invented.world.people
    ever = {int(i) for status in ("CIN plan", "CP plan") for i in invented.world.plans[status][:, 0]}
    assert sum(people.kind[i] == PUPIL for i in ever) == 180
    kinds = Counter(int(people.kind[i]) for i in ever)
    assert kinds[EARLY_YEARS] and kinds[POST_16] and kinds[UNBORN]


def test_plans_have_realistic_lengths_and_churn(invented):
    spells = {s: rows[rows[:, 2] < OPEN] for s, rows in invented.world.plans.items()}
    assert 150 < np.median(spells["CIN plan"][:, 2] - spells["CIN plan"][:, 1]) < 240
    assert 180 < np.median(spells["CP plan"][:, 2] - spells["CP plan"][:, 1]) < 300
    cin, cp = invented.world.plans["CIN plan"].tolist(), invented.world.plans["CP plan"].tolist()
    ends = {(i, end) for i, _, end in cin}
    assert sum((i, start - 1) in ends for i, start, _ in cp) >= 5, "step-ups"
    ended = {(i, end) for i, _, end in cp}
    assert sum((i, start - 1) in ended for i, start, _ in cin) >= 5, "step-downs"
    repeats = Counter(i for i, *_ in cin)
    assert sum(n > 1 for n in repeats.values()) > 20
    assert len(spells["looked after"])
    for i, mine in invented.care.episodes.items():
        periods = sorted((s, e) for ep in mine for s, e, *_ in (*ep.cin, *ep.cp, *ep.looked_after))
        assert all(start > end for (_, end), (start, _) in itertools.pairwise(periods)), f"overlap of child {i}"


def test_nothing_is_known_after_the_last_day(invented):
    last = day_number(UNTIL)
    for mine in invented.care.episodes.values():
        for episode in mine:
            days = [episode.referral, episode.closure, *(r for each in episode.reviews.values() for r in each)]
            days += [d for s, e, *_ in (*episode.cin, *episode.cp, *episode.looked_after) for d in (s, e)]
            assert all(day <= last or day == OPEN for day in days)


def test_workers_leave_and_children_change_workers(invented):
    assert sum(worker.leaves < OPEN for worker in invented.care.workers) > 10
    own = [[i for i in mine if i.role == SOCIAL_WORKER] for mine in invented.care.involvements.values()]
    assert sum(len({i.worker for i in mine}) > 1 for mine in own) > 100
    for mine in own:
        for each in mine:
            worker = invented.care.workers[each.worker]
            assert worker.starts <= each.start <= each.end
            assert each.end <= worker.leaves


def test_a_childs_three_ids_differ(invented):
    ids = invented.care_system.ids
    assert not set(ids.legacy) & set(ids.person)
    assert len(set(ids.legacy)) == len(ids.legacy) == 2 * len(invented.world.people)


def test_weekly_counts_agree_with_the_slow_twin(invented):
    for year in (2019, 2024):
        weeks = invented.schools_system.weeks(invented.year(year))
        for row in weeks.slice(0, 4000).group_by(weeks.column_names[2:-1]).aggregate([]).to_pylist():
            expected = counts(row["marks"], row["week"])
            assert all(row[n] == getattr(expected, n) for n in ("possible", "authorised", "unauthorised", "approved"))
            assert (row["late"], row["not_possible"]) == (expected.late, expected.not_possible)


def test_codes_of_each_year_are_codes_of_that_year(invented):
    seen = {}
    for year in (2023, 2024):
        marks = invented.year(year).marks
        seen[year] = {unpack(chr(c)) for c in np.unique(marks)}
    assert {"/", "\\", "L", "I", "O", "U", "M", "G", "H", "E", "C", "V", "W", "X", "D", "Y", "#"} <= seen[2023]
    assert {"C2", "Y4", "N"} <= seen[2024]
    assert not {"H", "Y"} & seen[2024]
    assert "C2" not in seen[2023]


def test_marks_stand_only_on_days_of_a_registration(invented):
    made = invented.year(2022)
    e = invented.world.enrolments
    slot_day = np.array([[day_number(w) + wd for wd in range(5) for _ in (0, 1)] for w in made.weeks])
    start, end = e.start[made.rows][:, None, None], e.end[made.rows][:, None, None]
    assert not ((made.marks != ord(".")) & ((slot_day < start) | (slot_day > end))).any()


def test_suspensions_are_marked(invented):
    made = invented.year(2022)
    assert made.suspensions
    for each in made.suspensions:
        if each.category == "SUSP":
            week, slot = made.place(each.start)
            assert "E" in {chr(c) for c in made.marks[each.row, week, slot : slot + 2]}
            assert day_of(each.start).weekday() < 5


def test_marks_and_care_for_measuring_are_of_one_authority():
    years = dict(invent_marks(300, 2, 9))
    assert list(years) == [2023, 2024]
    assert pc.max(years[2024]["week"]).as_py() <= UNTIL
    tables = invent_care_tables(300, 2, 9)
    held = set(tables["ssd_person"].tables["identifier"]["value"].to_pylist())
    assert held & set(years[2023]["pupil_ref"].to_pylist())


@pytest.mark.parametrize("arguments", [(100, 1), (2000, -1), (10**6, 1)])
def test_sizes_that_cannot_be_made_are_refused(arguments):
    with pytest.raises(BadSetting):
        invent(*arguments)


def test_too_few_years_are_refused():
    with pytest.raises(BadSetting, match="two to ten"):
        invent(2000, 1, years=1)


@pytest.mark.parametrize(
    ("until", "last_year"),
    [(date(2024, 8, 15), 2023), (date(2024, 9, 4), 2024), (date(2025, 7, 31), 2024), (date(2019, 1, 10), 2018)],
)
def test_any_day_may_be_the_last(until, last_year):
    """In the summer holiday the last year is the one that ended; in September it has a few days."""
    made = invent(200, 2, until=until, years=2)
    assert list(made.years) == [last_year - 1, last_year]
    weeks = made.schools_system.weeks(made.year(last_year))
    assert date(last_year, 9, 1) <= pc.max(weeks["week"]).as_py() <= until

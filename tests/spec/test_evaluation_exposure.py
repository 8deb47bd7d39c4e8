"""Plans to months by academic year: small tables a person could check, and a slow twin day by day."""

from calendar import monthrange
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sightline.engine import Database
from sightline.evaluation import Study, counts, link

DAY = timedelta(days=1)


def linked(records, study=None):
    """A database linked from plan records (pupil, plan, start, last, census) and nothing else."""
    database = Database()
    database.execute("CREATE TABLE plan_record (pupil VARCHAR, plan VARCHAR, start DATE, last DATE, census INTEGER)")
    for record in records:
        database.execute("INSERT INTO plan_record VALUES (?, ?, ?, ?, ?)", list(record))
    link(database, study or Study(), plans_only=True)
    return database


def months(records, study=None):
    with linked(records, study) as database:
        return {
            (p, plan, y): float(m)
            for p, plan, y, m in database.rows("SELECT pupil, plan, year, months FROM exposure ORDER BY ALL")
        }


def step(database, part):
    return next(c.n for c in counts(database) if part in c.step)


def test_a_whole_calendar_month_is_one_and_a_part_is_the_share_of_its_days():
    found = months([("A", "CIN plan", date(2017, 10, 1), date(2017, 11, 15), 2018)])
    assert found == {("A", "CIN plan", 2017): 1.5}


def test_a_plan_over_september_is_cut_between_the_years():
    found = months([("A", "CP plan", date(2018, 8, 1), date(2018, 9, 30), 2019)])
    assert found == {("A", "CP plan", 2017): 1.0, ("A", "CP plan", 2018): 1.0}


def test_overlapping_and_adjoining_plans_are_counted_once():
    records = [
        ("A", "CIN plan", date(2017, 10, 1), date(2017, 12, 31), 2018),
        ("A", "CIN plan", date(2017, 11, 1), date(2017, 11, 30), 2018),
        ("A", "CIN plan", date(2018, 1, 1), date(2018, 1, 31), 2018),
    ]
    with linked(records) as database:
        assert database.rows("SELECT start, stop FROM spell") == [(date(2017, 10, 1), date(2018, 2, 1))]
        assert step(database, "counted twice") == 30
    assert months(records) == {("A", "CIN plan", 2017): 4.0}


def test_the_latest_census_has_the_word_on_the_end():
    records = [
        ("A", "CIN plan", date(2017, 9, 1), None, 2018),
        ("A", "CIN plan", date(2017, 9, 1), date(2018, 5, 31), 2019),
    ]
    assert months(records) == {("A", "CIN plan", 2017): 9.0}


def test_a_plan_that_later_censuses_forget_ends_with_the_last_that_had_it():
    records = [
        ("A", "CIN plan", date(2017, 9, 1), None, 2018),
        ("B", "CIN plan", date(2018, 9, 1), date(2018, 9, 30), 2019),
    ]
    with linked(records) as database:
        assert step(database, "in no later census") == 1
    assert months(records)["A", "CIN plan", 2017] == 7.0


def test_months_after_31_march_2023_are_not_seen_and_counted():
    records = [("A", "CIN plan", date(2022, 9, 1), None, 2023), ("B", "CIN plan", date(2023, 4, 1), None, 2023)]
    with linked(records) as database:
        assert step(database, "open when the data stop") == 1
        assert step(database, "starts after the data stop") == 1
    assert months(records) == {("A", "CIN plan", 2022): 7.0}


def test_what_cannot_be_used_is_counted():
    records = [
        (None, "CIN plan", date(2017, 9, 1), None, 2018),
        ("A", "CIN plan", None, None, 2018),
        ("B", "CIN plan", date(2017, 9, 2), date(2017, 9, 1), 2018),
    ]
    with linked(records) as database:
        assert step(database, "no pupil matching reference") == 1
        assert step(database, "no start") == 1
        assert step(database, "ends before it starts") == 1
        assert database.one("SELECT count(*) FROM exposure") == 0


def test_a_record_received_twice_changes_nothing():
    record = ("A", "CIN plan", date(2017, 9, 5), date(2018, 2, 3), 2018)
    assert months([record]) == months([record, record])


def with_rule(rule):
    study = Study()
    return replace(study, exposure=replace(study.exposure, part_months=rule))


@pytest.mark.parametrize(
    ("rule", "value"), [("share", 1 + 16 / 31 + 1 / 30), ("days", 1.5441), ("touched", 3), ("whole", 1)]
)
def test_rules_for_part_months(rule, value):
    record = ("A", "CIN plan", date(2017, 10, 16), date(2017, 12, 1), 2018)
    if rule == "share":
        value = 16 / 31 + 1 + 1 / 31
    assert months([record], with_rule(rule))["A", "CIN plan", 2017] == pytest.approx(value, abs=1e-4)


def by_day(spans, rule):
    """Months by academic year, a day at a time."""
    days = {start + DAY * i for start, length in spans for i in range(length)}
    days = {d for d in days if d <= date(2023, 3, 31)}
    by_month = {}
    for d in days:
        year = d.year if d >= date(d.year, 9, 1) else d.year - 1
        by_month.setdefault(year, {}).setdefault((d.year, d.month), set()).add(d)
    found = {}
    for year, held in by_month.items():
        if year in (2017, 2018, 2021, 2022):
            shares = [len(d) / monthrange(*month)[1] for month, d in held.items()]
            found[year] = {
                "share": sum(shares),
                "days": sum(map(len, held.values())) / 30.4375,
                "touched": len(held),
                "whole": sum(share == 1 for share in shares),
            }[rule]
    return found


spans = st.lists(
    st.tuples(st.dates(date(2017, 6, 1), date(2023, 6, 1)), st.integers(1, 500)),
    min_size=1,
    max_size=5,
    unique_by=lambda s: s[0],
)


@settings(max_examples=25)
@given(spans=spans, rule=st.sampled_from(["share", "days", "touched"]))
def test_months_agree_with_counting_days(spans, rule):
    records = [("A", "CIN plan", s, s + DAY * (n - 1), 2023) for s, n in spans]
    found = {year: m for (_, _, year), m in months(records, with_rule(rule)).items()}
    assert found == pytest.approx(by_day(spans, rule), abs=2e-6)

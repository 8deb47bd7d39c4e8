"""Thresholds and falls of the week's list against a slow twin that walks each child's sessions day by day."""

from datetime import date, timedelta
from fractions import Fraction

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from spec_tables import counted

from sightline import alerts, measures
from sightline.engine import Database, arrow_schema
from sightline.vocabulary.ages import birthday, compulsory_school_age
from sightline.vocabulary.attendance import counts
from sightline.vocabulary.periods import Calendar, academic_year
from sightline.vocabulary.settings import Settings

ONE_DAY = timedelta(days=1)
WEEKS = Calendar.usual("", [2023, 2024]).weeks(2023)[-8:] + Calendar.usual("", [2023, 2024]).weeks(2024)[:16]
CHILDREN = "ABCDEF"
REASONS = ("attendance-below", "attendance-back", "attendance-falling")
CHOSEN = Settings(drift_recent_weeks=2, drift_before_weeks=4, least_sessions=15)


@st.composite
def registers(draw):
    rows = []
    for child in CHILDREN:
        for week in WEEKS:
            text = draw(
                st.sampled_from(
                    ["/\\/\\/\\/\\/\\"] * 4 + ["I\\/\\/\\/\\/\\", "OO/\\/\\/\\OO", "IIIIIIIIII", "##/\\XX/O.."]
                )
            )
            found = counts(text, week)
            rows.append(
                {"child_id": child, "urn": "1", "week": week, "marks": text, "possible": found.possible,
                 "authorised": found.authorised, "unauthorised": found.unauthorised}
            )  # fmt: skip
    return rows


def share(rows, child, days):
    """Attendance of one child over some days, exactly; None over too few possible sessions."""
    possible = absent = 0
    for row in rows:
        if row["child_id"] == child:
            for n in range(5):
                if row["week"] + n * ONE_DAY in days:
                    found = counts("." * (2 * n) + row["marks"][2 * n : 2 * n + 2], row["week"])
                    possible, absent = possible + found.possible, absent + found.absent
    return Fraction(possible - absent, possible) if possible >= CHOSEN.least_sessions else None


def span(first, last):
    return {first + n * ONE_DAY for n in range((last - first).days + 1)}


def twin(rows, as_at):
    found = set()
    since = as_at - 7 * ONE_DAY
    begin = date(academic_year(as_at), 8, 1)
    weeks = sorted((w for w in WEEKS if w <= as_at), reverse=True)
    recent, before = weeks[:2], weeks[2:6]
    for child in CHILDREN:
        was, now = share(rows, child, span(begin, since)), share(rows, child, span(begin, as_at))
        for percent in (90, 50):
            limit = Fraction(percent, 100)
            if now is not None and now < limit and (was is None or was >= limit):
                found.add((child, "attendance-below"))
            if now is not None and was is not None and was < limit <= now:
                found.add((child, "attendance-back"))
        if any(w + 4 * ONE_DAY > since for w in weeks):
            late = share(
                rows, child, {w + n * ONE_DAY for w in recent for n in range(5)} & span(date(2023, 1, 1), as_at)
            )
            early = share(rows, child, {w + n * ONE_DAY for w in before for n in range(5)})
            if late is not None and early is not None and early - late >= Fraction(5, 100):
                found.add((child, "attendance-falling"))
    return found


@settings(max_examples=15)
@given(registers(), st.dates(WEEKS[8], WEEKS[-1] + 10 * ONE_DAY))
def test_thresholds_and_falls_are_as_the_twin_finds_them(rows, as_at):
    tables = {
        "register_week": pa.Table.from_pylist(rows, schema=arrow_schema("register_week")),
        "person": pa.Table.from_pylist([{"child_id": c} for c in CHILDREN], schema=arrow_schema("person")),
        "status_period": pa.Table.from_pylist(
            [{"child_id": c, "status": "CIN plan", "start_date": date(2023, 1, 2)} for c in CHILDREN],
            schema=arrow_schema("status_period"),
        ),
    }
    tables["counted_period"] = counted(tables["status_period"])
    with Database.of(tables, complete=False) as database:
        database.add(
            "register_school_week", database.conformed("register_school_week", measures.register_school_week_sql())
        )
        database.fill([*tables, "register_school_week"])
        got = alerts.week(database, as_at=as_at, settings=CHOSEN, only=REASONS).to_pylist()
    assert {(row["child_id"], row["reason"]) for row in got} == twin(rows, as_at)
    assert len(got) == len({(row["child_id"], row["reason"]) for row in got})


@given(st.dates(date(1990, 1, 1), date(2060, 12, 31)))
def test_compulsory_school_age_is_from_five_and_until_the_summer_of_sixteen(born):
    first, after = compulsory_school_age(born)
    assert birthday(born, 5) <= first < birthday(born, 5) + timedelta(days=155)
    assert (first.month, first.day) in {(3, 31), (8, 31), (12, 31)}
    last = after - ONE_DAY
    assert last.weekday() == 4
    assert last.month == 6
    assert last.day > 23
    assert date(last.year - 1, 9, 1) <= birthday(born, 16) < date(last.year, 9, 1)

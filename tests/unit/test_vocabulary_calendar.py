"""A school calendar: built from an authority's tables, and honest about what it does not hold."""

from datetime import date

import pyarrow as pa
import pytest

from sightline.engine import arrow_schema
from sightline.vocabulary import BadSetting, Calendar, Closure, HalfTerm, NothingHeld

AUTUMN = HalfTerm("autumn 1", date(2024, 9, 2), date(2024, 10, 26))


def test_tables_are_those_of_the_vocabulary():
    term, closure = Calendar.usual("999", [2024]).to_tables()
    assert term.schema == arrow_schema("term")
    assert closure.schema == arrow_schema("closure")


def test_one_school_may_be_closed_alone():
    calendar = Calendar(
        "999",
        (AUTUMN,),
        (Closure(date(2024, 9, 4), "Training day"), Closure(date(2024, 9, 5), "Boiler", "123456")),
    )
    assert not calendar.is_school_day(date(2024, 9, 4), "123456")
    assert not calendar.is_school_day(date(2024, 9, 5), "123456")
    assert calendar.is_school_day(date(2024, 9, 5), "654321")
    assert calendar.is_school_day(date(2024, 9, 5))
    assert calendar.school_days_between(date(2024, 9, 2), date(2024, 9, 9)) == 4
    assert calendar.school_days_between(date(2024, 9, 2), date(2024, 9, 9), "123456") == 3


def test_weeks_without_a_school_day_are_left_out():
    weeks = Calendar.usual("999", [2024]).weeks(2024)
    assert weeks[0] == date(2024, 9, 2)
    assert date(2024, 10, 28) not in weeks
    assert date(2024, 12, 23) not in weeks
    assert len(weeks) == 40


def test_a_year_it_does_not_hold_is_not_a_year_of_holidays():
    calendar = Calendar("999", (AUTUMN,))
    with pytest.raises(NothingHeld, match="does not hold 2023/24; it holds 2024/25"):
        calendar.is_school_day(date(2023, 9, 4))
    with pytest.raises(NothingHeld, match="holds no year"):
        Calendar("999", ()).half_term(date(2023, 9, 4))
    with pytest.raises(NothingHeld):
        calendar.school_days(date(2024, 9, 2), date(2025, 8, 2))
    assert calendar.school_days(date(2024, 9, 9), date(2024, 9, 2)) == ()


def test_empty_tables_may_be_filled_with_the_usual_pattern():
    term, closure = arrow_schema("term").empty_table(), arrow_schema("closure").empty_table()
    assert Calendar.from_tables(term, closure, authority="999", usual_years=[2024]) == Calendar.usual("999", [2024])
    assert Calendar.from_tables(term, closure).years == ()


def test_what_the_authority_sent_is_not_overlaid_by_the_usual_pattern():
    term, closure = Calendar("999", (AUTUMN,)).to_tables()
    calendar = Calendar.from_tables(term, closure, usual_years=[2024, 2025])
    assert calendar.years == (2024, 2025)
    assert calendar.half_term(date(2025, 1, 20)) is None


def test_several_authorities_must_be_chosen_between():
    ours, theirs = Calendar.usual("998", [2024]), Calendar("999", (AUTUMN,))
    term = pa.concat_tables([ours.to_tables()[0], theirs.to_tables()[0]])
    closure = pa.concat_tables([ours.to_tables()[1], theirs.to_tables()[1]])
    with pytest.raises(BadSetting, match="998, 999"):
        Calendar.from_tables(term, closure)
    assert Calendar.from_tables(term, closure, authority="999") == theirs


def test_the_same_row_in_two_deliveries_counts_once():
    once = Calendar.usual("999", [2024])
    term, closure = once.to_tables()
    assert Calendar.from_tables(pa.concat_tables([term, term]), pa.concat_tables([closure, closure])) == once


def test_half_terms_may_not_overlap_or_end_before_they_start():
    with pytest.raises(BadSetting, match="before autumn 1 ends"):
        Calendar("999", (AUTUMN, HalfTerm("autumn 2", date(2024, 10, 25), date(2024, 12, 21))))
    with pytest.raises(BadSetting, match="ends before it starts"):
        HalfTerm("autumn 1", date(2024, 9, 2), date(2024, 9, 2))
    with pytest.raises(BadSetting, match="not a half term"):
        HalfTerm("winter", date(2024, 9, 2), date(2024, 10, 2))

"""Rules of the vocabulary that hold for every value, tried on generated ones."""

from datetime import date, timedelta

from hypothesis import assume, given
from hypothesis import strategies as st

from sightline.vocabulary import (
    Calendar,
    Counts,
    academic_year,
    code_list,
    counts,
    easter,
    is_temporary_upn,
    make_upn,
    monday,
    nhs_number_fault,
    normalise_postcode,
    normalise_upn,
    pack,
    statistical_term,
    term_span,
    unpack,
    upn_fault,
)
from sightline.vocabulary.identifiers import UPN_LETTERS
from sightline.vocabulary.periods import ONE_DAY

DAYS = st.dates(date(2005, 1, 1), date(2040, 12, 31))
CODES = st.sampled_from(code_list("attendance"))
UPNS = st.builds(
    lambda la, school, year, serial, letter: make_upn(
        f"{la:03d}", f"{school:04d}", year, serial % 100 if letter else serial, temporary=letter
    ),
    st.integers(0, 999),
    st.integers(0, 9999),
    st.integers(1990, 2060),
    st.integers(0, 999),
    st.sampled_from(["", *UPN_LETTERS]),
)


def obvious_fault(upn: str) -> bool:
    """The published arithmetic, character by character: the slow twin of `upn_fault`."""
    if len(upn) != 13 or any(c not in "0123456789" for c in upn[1:12]) or upn[0] not in UPN_LETTERS:
        return True
    total = 0
    for place, character in enumerate(upn[1:], start=2):
        if place == 13 and character in UPN_LETTERS:
            value = UPN_LETTERS.index(character)
        elif character in "0123456789":
            value = int(character)
        else:
            return True
        total += place * value
    return UPN_LETTERS[total % 23] != upn[0]


@given(UPNS)
def test_every_upn_made_is_well_formed(upn):
    assert upn_fault(upn) is None
    assert is_temporary_upn(upn) == upn[-1].isalpha()
    assert normalise_upn(f" {upn[:5].lower()} {upn[5:]}\n") == upn


@given(UPNS, st.integers(1, 12), st.sampled_from("0123456789"))
def test_one_damaged_digit_is_always_caught(upn, place, digit):
    assume(upn[place] in "0123456789" and upn[place] != digit)
    assert upn_fault(upn[:place] + digit + upn[place + 1 :]) is not None


@given(UPNS, st.integers(1, 11))
def test_two_neighbours_swapped_are_always_caught(upn, place):
    """Their weights differ by one and their values by less than 23, so the sum modulo 23 changes."""
    swapped = upn[:place] + upn[place + 1] + upn[place] + upn[place + 2 :]
    assume(swapped != upn)
    assert upn_fault(swapped) is not None


@given(st.one_of(st.text(max_size=15), st.text(alphabet=UPN_LETTERS + "IOS0123456789", min_size=12, max_size=14), UPNS))
def test_upn_fault_agrees_with_the_published_arithmetic(text):
    assert (upn_fault(text) is not None) == obvious_fault(text)


@given(st.text(max_size=15))
def test_no_text_breaks_an_identifier(text):
    for fault in (upn_fault(normalise_upn(text)), nhs_number_fault(text)):
        assert fault is None or (fault.endswith(".") and (len(text) < 5 or text not in fault))
    assert normalise_postcode(normalise_postcode(text)) == normalise_postcode(text)


@given(CODES, DAYS)
def test_a_mark_is_packed_and_unpacked_unchanged_on_every_valid_day(code, day):
    packed = pack(code.code, day)
    if code.holds_on(day):
        assert packed is not None
        assert len(packed) == 1
        assert unpack(packed) == code.code
    else:
        assert packed is None or any(c.code == code.code and c.holds_on(day) for c in code_list("attendance"))


@st.composite
def weeks(draw):
    """A Monday, and marks that are valid on their days."""
    week = monday(draw(DAYS))
    marks = ""
    for slot in range(draw(st.sampled_from((10, 14)))):
        day = week + timedelta(days=slot // 2)
        valid = sorted(c.more["packed"] for c in code_list("attendance") if c.holds_on(day))
        marks += draw(st.sampled_from([".", *valid]))
    return week, marks


@given(weeks(), st.data())
def test_counts_add_up(week_and_marks, data):
    """The counts of a week are those of any part of it and of the rest."""
    week, marks = week_and_marks
    chosen = data.draw(st.lists(st.booleans(), min_size=len(marks), max_size=len(marks)))
    part = "".join(m if c else "." for m, c in zip(marks, chosen, strict=True))
    rest = "".join("." if c else m for m, c in zip(marks, chosen, strict=True))
    assert counts(part, week) + counts(rest, week) == counts(marks, week)


@given(weeks())
def test_counts_fit_the_definition(week_and_marks):
    week, marks = week_and_marks
    found = counts(marks, week)
    marked = sum(mark != "." for mark in marks)
    administrative = sum(mark in "Z#" for mark in marks)
    assert found.possible + found.not_possible + administrative == marked
    assert found.absent + found.approved <= found.possible
    assert sum((counts("." * n + m, week) for n, m in enumerate(marks)), Counts()) == found


@given(DAYS)
def test_terms_cover_every_day_of_the_year_once(day):
    year = academic_year(day)
    holding = [
        t for t in ("autumn", "spring", "summer 1", "summer 2") if term_span(year, t)[0] <= day < term_span(year, t)[1]
    ]
    assert holding == [statistical_term(day)]


@given(st.integers(1583, 4099))
def test_easter_is_a_sunday_between_22_march_and_25_april(year):
    day = easter(year)
    assert day.weekday() == 6
    assert date(year, 3, 22) <= day <= date(year, 4, 25)


@given(st.sets(st.integers(2005, 2045), min_size=1, max_size=4))
def test_a_usual_calendar_has_190_days_and_survives_its_tables(years):
    calendar = Calendar.usual("999", years)
    assert Calendar.from_tables(*calendar.to_tables()) == calendar
    assert calendar.years == tuple(sorted(years))
    for year in years:
        start, end = date(year, 8, 1), date(year + 1, 8, 1)
        days = calendar.school_days(start, end)
        assert len(days) == calendar.school_days_between(start, end) == 190
        assert all(calendar.is_school_day(day) and calendar.half_term(day) for day in days)
        assert sorted({monday(day) for day in days}) == list(calendar.weeks(year))
        assert days[-1] < date(year + 1, 7, 31)
        assert not calendar.is_school_day(days[-1] + ONE_DAY)

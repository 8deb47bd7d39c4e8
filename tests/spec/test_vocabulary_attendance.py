"""What a mark counts as, before and after 19 August 2024, as an attendance officer would check it."""

from datetime import date

import pytest
from spec_tables import cells

from sightline.vocabulary import Counts, counts, mark_codes, pack, packed_in_class, unpack, valid_codes

BEFORE = date(2024, 8, 18)
AFTER = date(2024, 8, 19)
YES = "yes"

CLASSES = """
    code | before               | after
    /    | attending            | attending
    \\   | attending            | attending
    L    | attending            | attending
    K    |                      | approved
    V    | approved             | approved
    P    | approved             | approved
    W    | approved             | approved
    B    | approved             | approved
    J    | approved             |
    J1   |                      | authorised
    C    | authorised           | authorised
    C1   |                      | authorised
    C2   |                      | authorised
    M    | authorised           | authorised
    S    | authorised           | authorised
    T    | authorised           | authorised
    R    | authorised           | authorised
    I    | authorised           | authorised
    E    | authorised           | authorised
    H    | authorised           |
    G    | unauthorised         | unauthorised
    N    | unauthorised         | unauthorised
    O    | unauthorised         | unauthorised
    U    | unauthorised         | unauthorised
    D    | not possible         | not possible
    X    | not possible         | not possible
    Y    | not possible         |
    Q    |                      | not possible
    Y1   |                      | not possible
    Y2   |                      | not possible
    Y3   |                      | not possible
    Y4   |                      | not possible
    Y5   |                      | not possible
    Y6   |                      | not possible
    Y7   |                      | not possible
    Z    | administrative       | administrative
    #    | administrative       | administrative
"""
ROWS = cells(CLASSES)[1]


@pytest.mark.parametrize(("code", "before", "after"), ROWS)
def test_class_of_a_code_on_each_side_of_the_change(code, before, after):
    for day, klass in ((BEFORE, before), (AFTER, after)):
        found = valid_codes("attendance", day).get(code)
        assert (found.more["class"] if found else "") == klass
        assert (pack(code, day) is not None) is bool(klass)
        if found:
            possible = klass in ("attending", "approved", "authorised", "unauthorised")
            assert (found.more["possible"] == YES) is possible


def test_no_code_is_left_out_of_the_table():
    assert set(valid_codes("attendance", BEFORE)) == {code for code, before, _ in ROWS if before}
    assert set(valid_codes("attendance", AFTER)) == {code for code, _, after in ROWS if after}


def test_codes_of_earlier_years():
    assert set(valid_codes("attendance", date(2021, 1, 4))) - set(valid_codes("attendance", BEFORE)) == {"I01", "I02"}
    assert "F" in valid_codes("attendance", date(2013, 12, 31))
    assert "F" not in valid_codes("attendance", date(2014, 1, 1))
    assert valid_codes("attendance", date(2011, 8, 31))["D"].more["possible"] == YES
    assert valid_codes("attendance", date(2011, 9, 1))["D"].more["possible"] == "no"


WEEKS = [
    # a full week at school
    (r"/\/\/\/\/" + "\\", date(2024, 9, 9), Counts(possible=10)),
    # one missed mark is no absence; L is attendance, U is not, and both are late
    (r"/./\L\U\/" + "\\", date(2024, 9, 9), Counts(possible=9, unauthorised=1, late=2)),
    # Monday off ill, Tuesday holiday not granted, Wednesday a trip, Thursday closed for training, Friday at the other school
    ("IIGGVV##DD", date(2024, 9, 9), Counts(possible=6, authorised=2, unauthorised=2, approved=2, not_possible=2)),
    # an interview in the week before the change, and in the week of it
    ("JJ........", date(2024, 8, 12), Counts(possible=2, approved=2)),
    ("jj........", date(2024, 8, 19), Counts(possible=2, authorised=2)),
    # no register was taken
    ("..........", date(2024, 9, 9), Counts()),
    # a boarding school that has Saturday morning
    (r"/\/\/\/\/" + "\\/.", date(2024, 9, 9), Counts(possible=11)),
]


@pytest.mark.parametrize(("marks", "week", "expect"), WEEKS)
def test_counts_of_a_week(marks, week, expect):
    assert counts(marks, week) == expect


def test_dual_registration_changed_in_the_middle_of_a_week():
    """1 September 2011 was a Thursday: attendance until Wednesday, not possible from Thursday."""
    assert counts("DDDDDDDDDD", date(2011, 8, 29)) == Counts(possible=6, approved=6, not_possible=4)


def test_a_character_that_packs_nothing_is_refused():
    with pytest.raises(ValueError, match="not a packed"):
        counts("/?........", date(2024, 9, 9))
    with pytest.raises(ValueError, match="not a packed"):
        unpack("?")


@pytest.mark.parametrize("blank", ["", " ", "-", "."])
def test_a_blank_is_no_mark(blank):
    assert pack(blank, AFTER) == "."
    assert unpack(".") == ""


def test_a_mark_may_be_in_small_letters_or_have_spaces():
    assert pack(" y1 ", AFTER) == pack("Y1", AFTER)


def test_an_unknown_code_is_told_apart_from_no_mark():
    assert pack("ZZ", AFTER) is None
    assert pack("H", AFTER) is None


def test_packed_in_class():
    assert set(packed_in_class("unauthorised", AFTER)) == set("GNOU")
    assert "J" in packed_in_class("approved", BEFORE)
    assert "j" in packed_in_class("authorised", AFTER)
    with pytest.raises(KeyError, match="attending"):
        packed_in_class("present", AFTER)


def test_mark_codes_is_the_same_list_for_sql():
    table = mark_codes()
    assert table.column_names == ["code", "packed", "class", "possible", "valid_from", "valid_to", "meaning"]
    on = [r for r in table.to_pylist() if (r["valid_from"] or AFTER) <= AFTER < (r["valid_to"] or date.max)]
    assert {r["code"]: r["class"] for r in on} == {code: after for code, _, after in ROWS if after}

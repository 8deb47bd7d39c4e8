"""Identifiers, as a data officer would check them by hand."""

import pytest
from spec_tables import cells

from sightline.vocabulary import (
    is_temporary_upn,
    laestab_fault,
    make_upn,
    nhs_number_fault,
    normalise_laestab,
    normalise_postcode,
    normalise_upn,
    upn_check_letter,
    upn_fault,
    urn_fault,
)

UPNS = """
    UPN             | what is wrong
    B801200005001   |
    P207000016049   |
    Q207000016049   | check letter is wrong for this UPN
    B80120000500    | this has 12
    B8012000050012  | this has 14
    I801200005001   | begins with a letter
    1801200005001   | begins with a letter
    B8012O0005001   | Characters 2 to 12
    B80120000500S   | last character
    B80120000500?   | last character
    b801200005001   | begins with a letter
    B801200005010   | check letter is wrong for this UPN
"""


@pytest.mark.parametrize(("upn", "wrong"), cells(UPNS)[1])
def test_what_is_wrong_with_a_upn(upn, wrong):
    fault = upn_fault(upn)
    if not wrong:
        assert fault is None
    else:
        assert fault is not None
        assert wrong in fault
        assert upn not in fault


def test_no_upn():
    assert upn_fault("") == "There is no UPN."


def test_the_worked_example():
    """2x2 + 0x3 + 7x4 + 0 + 0 + 0 + 0 + 1x9 + 6x10 + 0 + 4x12 + 9x13 = 266; 266 leaves 13 by 23; letter 13 is P."""
    assert 2 * 2 + 7 * 4 + 1 * 9 + 6 * 10 + 4 * 12 + 9 * 13 == 266
    assert 266 % 23 == 13
    assert upn_check_letter("207000016049") == "P"


def test_a_temporary_upn_counts_its_letter():
    """A at the end counts 0 and Z counts 22, each times 13."""
    plain = make_upn("801", "2000", 2005, 10)
    ending_a = make_upn("801", "2000", 2005, 1, temporary="A")
    ending_z = make_upn("801", "2000", 2005, 1, temporary="Z")
    assert ending_a == plain[0] + "80120000501A"
    assert upn_fault(ending_a) is None
    assert upn_fault(ending_z) is None
    assert is_temporary_upn(ending_z)
    assert not is_temporary_upn(plain)
    wrong = ("B" if ending_z[0] != "B" else "C") + ending_z[1:]
    assert "temporary UPN" in str(upn_fault(wrong))


def test_a_pseudo_authority_may_allocate_a_upn():
    assert upn_fault(make_upn("001", "0001", 2019, 7)) is None


@pytest.mark.parametrize(
    ("as_sent", "kept"),
    [("B801200005001", "B801200005001"), (" b801 2000 05001\t", "B801200005001"), ("", ""), ("un1", "UN1")],
)
def test_a_upn_is_tidied_and_never_mended(as_sent, kept):
    assert normalise_upn(as_sent) == kept


@pytest.mark.parametrize(
    "parts",
    [("80", "2000", 2005, 1), ("801", "200", 2005, 1), ("801", "2000", 2005, 1000), ("801", "2000", 2005, -1)],
)
def test_a_upn_is_not_made_of_parts_that_do_not_fit(parts):
    with pytest.raises(ValueError, match="A UPN holds"):
        make_upn(*parts)


def test_a_upn_is_not_made_with_a_letter_it_does_not_use():
    with pytest.raises(ValueError, match="I, O or S"):
        make_upn("801", "2000", 2005, 1, temporary="S")
    with pytest.raises(ValueError, match="eleven digits"):
        upn_check_letter("80120000500S")


@pytest.mark.parametrize(
    ("number", "wrong"),
    [
        ("9434765919", ""),
        ("943 476 5919", ""),
        ("9434765918", "check digit"),
        ("9434756919", "check digit"),
        ("943476591", "ten digits"),
        ("943476591X", "ten digits"),
        ("0000000000", "placeholder"),
    ],
)
def test_nhs_numbers(number, wrong):
    fault = nhs_number_fault(number)
    assert (fault is None) if not wrong else (wrong in str(fault))


@pytest.mark.parametrize(("urn", "right"), [("100000", True), ("012345", False), ("12345", False), ("1234567", False)])
def test_urns(urn, right):
    assert (urn_fault(urn) is None) is right


@pytest.mark.parametrize(
    ("as_sent", "kept", "right"),
    [("3012001", "3012001", True), ("301/2001", "3012001", True), ("301 2001", "3012001", True), ("301", "301", False)],
)
def test_laestabs(as_sent, kept, right):
    assert normalise_laestab(as_sent) == kept
    assert (laestab_fault(kept) is None) is right


@pytest.mark.parametrize(
    ("as_sent", "kept"),
    [
        ("zz99 9zz", "ZZ99 9ZZ"),
        ("ZZ999ZZ", "ZZ99 9ZZ"),
        (" z9  9zz ", "Z9 9ZZ"),
        ("not  known at all", "NOT KNOWN AT ALL"),
    ],
)
def test_postcodes(as_sent, kept):
    assert normalise_postcode(as_sent) == kept

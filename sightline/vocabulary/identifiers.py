"""Identifiers: how each is written, what makes one wrong, and how one is made. No value is ever quoted in a sentence.

A fault is a sentence a data officer understands, or None when the identifier is well formed. Well formed is not the
same as true: a UPN may be shared by mistake, and the authority in it is never judged here, because pseudo authorities
(001 to 005 and others) allocate numbers too.
"""

from __future__ import annotations

import re
from typing import Final

# No I, O or S: they look like 1, 0 and 5. A letter's value is its place here (A = 0 ... Z = 22).
UPN_LETTERS: Final = "ABCDEFGHJKLMNPQRTUVWXYZ"
_LETTER_VALUES: Final = {letter: value for value, letter in enumerate(UPN_LETTERS)}
_DIGITS: Final = frozenset("0123456789")


def _weighted(first_place: int, *, last: bool = False) -> dict[str, int]:
    """The weighted sum of every three characters standing at three places of a UPN.

    Four look-ups then check a number: the rule is asked for every row of every file.
    """
    tens = [(f"{a}{b}", first_place * a + (first_place + 1) * b) for a in range(10) for b in range(10)]
    units = [(str(c), c) for c in range(10)] + (list(_LETTER_VALUES.items()) if last else [])
    return {pair + unit: total + (first_place + 2) * value for pair, total in tens for unit, value in units}


_FIRST, _SECOND, _THIRD, _FOURTH = _weighted(2), _weighted(5), _weighted(8), _weighted(11, last=True)


def normalise_upn(text: str) -> str:
    """The UPN in upper case with every space taken out; nothing is put in or guessed."""
    # Most values arrive right already, and are returned as they are.
    return text if text.isalnum() and text.isupper() else "".join(text.split()).upper()


def upn_check_letter(rest: str) -> str:
    """The check letter for the twelve characters that follow it.

    Each character times its place in the whole number (2 to 13), summed, modulo 23, as a letter of 23. The last
    character may be a letter (a temporary UPN) and counts as its place in that alphabet. Source: the UPN guide of
    the government data standards catalogue. Raises ValueError unless eleven digits and a digit or letter are given.
    """
    try:
        total = _FIRST[rest[:3]] + _SECOND[rest[3:6]] + _THIRD[rest[6:9]] + _FOURTH[rest[9:]]
    except KeyError:
        raise ValueError(
            "A check letter needs eleven digits and then a digit or a letter other than I, O or S."
        ) from None
    return UPN_LETTERS[total % 23]


def upn_fault(upn: str) -> str | None:
    """What is wrong with a UPN as `normalise_upn` gives it, in one sentence; None when it is well formed.

    A temporary UPN (a letter at the end) is well formed when its check letter is right: ask `is_temporary_upn`.
    """
    if len(upn) == 13:
        try:
            total = _FIRST[upn[1:4]] + _SECOND[upn[4:7]] + _THIRD[upn[7:10]] + _FOURTH[upn[10:]]
        except KeyError:
            return _upn_shape_fault(upn)
        if UPN_LETTERS[total % 23] == upn[0]:
            return None
    return _upn_shape_fault(upn)


def _upn_shape_fault(upn: str) -> str:
    """The sentence for a UPN already known to be wrong: the first thing a person would see."""
    if not upn:
        return "There is no UPN."
    if len(upn) != 13:
        return f"A UPN has 13 characters; this has {len(upn)}."
    if upn[0] not in _LETTER_VALUES:
        return "A UPN begins with a letter other than I, O or S."
    if not _DIGITS.issuperset(upn[1:12]):
        return "Characters 2 to 12 of a UPN are digits."
    if upn[12] not in _DIGITS and upn[12] not in _LETTER_VALUES:
        return "The last character of a UPN is a digit (or, in a temporary UPN, a letter other than I, O or S)."
    if is_temporary_upn(upn):
        return "The check letter is wrong for this temporary UPN: a character was mistyped or two were swapped."
    return "The check letter is wrong for this UPN: a character was mistyped or two were swapped."


def is_temporary_upn(upn: str) -> bool:
    """Whether the last of 13 characters is a letter: a number a school may replace, never the only key to a child."""
    return len(upn) == 13 and upn[12] in _LETTER_VALUES


def make_upn(authority: str, establishment: str, year: int, serial: int, *, temporary: str = "") -> str:
    """A well-formed UPN: authority (3 digits), establishment (4), year of allocation and serial (0 to 999).

    With `temporary`, a letter, the serial has two digits (0 to 99) and the letter ends the number. Raises ValueError
    when a part does not fit its place.
    """
    if temporary and temporary not in _LETTER_VALUES:
        raise ValueError("A temporary UPN ends in a letter other than I, O or S.")
    ending = f"{serial:02d}{temporary}" if temporary else f"{serial:03d}"
    if len(authority) != 3 or len(establishment) != 4 or len(ending) != 3 or year < 0 or serial < 0:
        raise ValueError(
            "A UPN holds 3 digits of authority, 4 of establishment, a year and a serial of 3 digits at most."
        )
    rest = f"{authority}{establishment}{year % 100:02d}{ending}"
    return upn_check_letter(rest) + rest


def nhs_number_fault(text: str) -> str | None:
    """What is wrong with an NHS number, in one sentence; None when it is well formed. Spaces are allowed.

    Ten digits; the first nine times 10 down to 2, summed; eleven less the remainder modulo 11 is the tenth (11 counts
    as 0, and 10 never happens). Source: NHS data dictionary.
    """
    number = "".join(text.split())
    if len(number) != 10 or not _DIGITS.issuperset(number):
        return "An NHS number is ten digits."
    if len(set(number)) == 1:
        # Ten equal digits pass the arithmetic, and are what systems write for "none".
        return "Ten equal digits are a placeholder, not an NHS number."
    check = -sum(int(digit) * weight for digit, weight in zip(number, range(10, 1, -1), strict=False)) % 11
    if str(check) != number[9]:
        return "The check digit of this NHS number is wrong: a digit was mistyped or two were swapped."
    return None


def urn_fault(text: str) -> str | None:
    """What is wrong with a school's unique reference number; None when it is six digits and does not begin with 0."""
    if len(text) != 6 or not _DIGITS.issuperset(text) or text[0] == "0":
        return "A URN is six digits and does not begin with 0."
    return None


def normalise_laestab(text: str) -> str:
    """Authority number and establishment number as seven digits, whatever stood between them (301/2001, 301 2001)."""
    return re.sub(r"[\s/\-]", "", text)


def laestab_fault(text: str) -> str | None:
    """What is wrong with a LAESTAB: authority number (3 digits) and establishment number (4), together seven."""
    if len(text) != 7 or not _DIGITS.issuperset(text):
        return "A LAESTAB is seven digits: the authority's three and the establishment's four."
    return None


def normalise_postcode(text: str) -> str:
    """The postcode in upper case with one space before its last three characters.

    Text too short or too long to be a postcode only loses its outer and doubled spaces.
    """
    letters = "".join(text.split()).upper()
    if not 5 <= len(letters) <= 7:
        return " ".join(text.split()).upper()
    return f"{letters[:-3]} {letters[-3:]}"

"""Rules on unique pupil numbers that the census's own rules leave out. They hold in every year, for every source."""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.vocabulary.findings import Severity

_number = partial(rule, grain="UPN", group="Identifiers", first=0, last=9999)


def _seen(where: str, *, against: str = "''", others: str = "") -> str:
    """One row per UPN seen for which `where` holds."""
    return f"""
        SELECT u.child, u."table", u.field, u.value, coalesce(min({against}), '') AS against, u.line
        FROM upn_seen u {others} WHERE {where} GROUP BY u.child, u."table", u.field, u.value, u.line, u.place
    """


@_number("upn-length", "A UPN has 13 characters; this has fewer or more.")
def upn_length() -> str:
    """A UPN, present or former, has 13 characters once spaces are taken out. No rule of the census says so."""
    return _seen("length(u.upn) <> 13", against="length(u.upn) || ' characters'")


@_number("upn-temporary-letter", "The check letter of this temporary UPN is wrong.")
def temporary_upn_letter() -> str:
    """A temporary UPN (a letter stands last) begins with the check letter that its other characters give, counting the
    last letter as its place in the alphabet without I, O and S."""
    return _seen("u.letter <> left(u.upn, 1) AND NOT regexp_matches(u.upn, '[0-9]$')")


@_number("upn-shared", "One UPN stands on the records of two children.")
def upn_shared() -> str:
    """No UPN, present or former, stands on the records of two children (two ids)."""
    others = "JOIN upn_seen u2 ON u2.upn = u.upn"
    return _seen("u2.child <> u.child", against="'also ' || u2.child || ', line ' || u2.line", others=others)


@_number("upn-several", "One child has two different present UPNs.", severity=Severity.QUERY)
def upn_several() -> str:
    """One child (one id) has one present UPN in a file. Two children under one id look so too."""
    others = "JOIN upn_seen u2 ON u2.child = u.child AND u2.field = 'UPN'"
    different = "u.field = 'UPN' AND u2.upn <> u.upn"
    return _seen(different, against="'also ' || u2.value || ', line ' || u2.line", others=others)

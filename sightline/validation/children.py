"""Rules of the CIN census on the child: identifiers, dates of birth and death, sex, ethnicity and disabilities."""

from __future__ import annotations

from functools import partial

from sightline.validation.census import NO_ID
from sightline.validation.rule import rule
from sightline.validation.sql import (
    CHILD,
    either,
    exists,
    found,
    joined,
    missing_or_unknown,
    unknown,
    whole_return,
)

_child = partial(rule, grain="child", group="The child")
_all = partial(rule, grain="return", group="The return as a whole")
_disability = partial(rule, grain="disability", group="Disabilities")

_NO_ID = f"(ci.LAchildID IS NULL OR starts_with(ci.LAchildID, '{NO_ID}'))"
_FURTHER_ACTION = exists("ci", "c", "c.ReferralNFA_is = false")


@_child("1510", "UPN invalid (wrong check letter at character 1)")
def upn_check_letter() -> str:
    """A UPN of a letter and twelve digits must begin with the check letter that the digits give."""
    wrong = "ci.UPN_letter <> left(ci.UPN_is, 1) AND regexp_full_match(substr(ci.UPN_is, 2), '[0-9]{12}')"
    return found("ci.UPN", wrong)


@_child("1520", "More than one record with the same UPN.")
def upn_on_two_records() -> str:
    """No two children of the return may have the same UPN."""
    return found("ci.UPN", "ci2.place <> ci.place", among=joined("ci", "ci2", by=("UPN_is",)), against="ci2.LAchildID")


@_child("1530", "UPN invalid (characters 2-4 not a recognised LA code)")
def upn_authority() -> str:
    """Characters 2 to 4 of a UPN must be an authority, past or present, or a number that allocates UPNs as one does."""
    return found("ci.UPN", "length(ci.UPN_is) = 13 AND " + unknown("substr(ci.UPN_is, 2, 3)", "upn_authority"))


@_child("1540", "UPN invalid (characters 5-12 not all numeric)")
def upn_digits() -> str:
    """Characters 5 to 12 of a UPN must be digits."""
    return found("ci.UPN", "NOT regexp_full_match(substr(ci.UPN_is, 5, 8), '[0-9]+')")


@_child("1550", "UPN invalid (character 13 not a recognised value)")
def upn_last_character() -> str:
    """The last character of a UPN must be a digit, or a letter other than I, O and S."""
    return found("ci.UPN", "length(ci.UPN_is) = 13 AND NOT regexp_matches(ci.UPN_is, '[0-9A-HJ-NP-RT-Z]$')")


@_child("1560Q", "Former UPN wrongly formatted")
def former_upn_format() -> str:
    """A former UPN must be a letter, eleven digits, and a digit or (a temporary number) a letter."""
    return found("ci.FormerUPN", "NOT regexp_full_match(ci.FormerUPN_is, '[A-Z][0-9]{11}[0-9A-HJ-NP-RT-Z]')")


@_child("1570", "LA Child ID must not be longer than 20 characters", first=2025)
def child_id_length() -> str:
    """The authority's id for a child has at most 20 characters."""
    return found("ci.LAchildID", f"length(ci.LAchildID) > 20 AND NOT {_NO_ID}")


@_child("1580", "LA Child ID must not contain any non-alphanumeric characters", first=2025)
def child_id_characters() -> str:
    """The authority's id for a child holds letters and digits only."""
    return found("ci.LAchildID", f"NOT regexp_full_match(ci.LAchildID, '[A-Za-z0-9]+') AND NOT {_NO_ID}")


def _sex_missing(column: str, unknown_as: str) -> str:
    counted = f"""
        SELECT count(*) AS children, count(*) FILTER (WHERE ci.ExpectedPersonBirthDate IS NULL
            AND (ci.{column} IS NULL OR ci.{column} = '{unknown_as}')) AS missing FROM ChildIdentifiers ci
    """
    value = "missing || ' of ' || children || ' children'"
    return whole_return("ChildIdentifiers", column, value, "missing > 0.02 * children", counted)


@_all(
    "2886Q",
    "Percentage of children with no gender recorded is more than 2% (excluding unborns)",
    last=2024,
    needs_rows=("ChildIdentifiers",),
)
def gender_missing_often() -> str:
    """Of all children, those born whose gender is missing or 0 may be at most 2 in 100."""
    return _sex_missing("GenderCurrent", "0")


@_all(
    "2886Q",
    "Percentage of children with no sex recorded is more than 2% (excluding unborns)",
    first=2025,
    needs_rows=("ChildIdentifiers",),
)
def sex_missing_often() -> str:
    """Of all children, those born whose sex is missing or U may be at most 2 in 100."""
    return _sex_missing("Sex", "U")


@_child("4180", "Gender is missing", last=2024)
def gender_missing() -> str:
    """Every child has a gender: 1, 2, 0 or 9."""
    return found("ci.GenderCurrent", "ci.GenderCurrent IS NULL OR ci.GenderCurrent NOT IN ('0', '1', '2', '9')")


@_child("4180", "Sex must be provided and equal M, F, or U", first=2025)
def sex_missing() -> str:
    """Every child has a sex: M, F or U."""
    return found("ci.Sex", "ci.Sex IS NULL OR ci.Sex NOT IN ('M', 'F', 'U')")


@_child("4220", "Ethnicity is missing or invalid (see Ethnicity table)")
def ethnicity() -> str:
    """Every child has an ethnicity of the census's list. A child without ChildCharacteristics has none."""
    without = f"""
        SELECT ci.LAchildID AS child, 'ChildCharacteristics' AS "table", 'Ethnicity' AS field, '' AS value,
            '' AS against, ci.line AS line FROM ChildIdentifiers ci WHERE NOT {exists("ci", "cc")}
    """
    return either(found("cc.Ethnicity", missing_or_unknown("cc.Ethnicity", "ethnicity")), without)


@_child("8500", "LA Child ID missing")
def child_id_missing() -> str:
    """Every child has the authority's id."""
    return found("ci.LAchildID", _NO_ID, value="''")


@_child("8510", "More than one child record with the same LA Child ID")
def child_id_twice() -> str:
    """No two records of the return may have the same id."""
    twins = joined("ci", "ci2", by=CHILD)
    return found("ci.LAchildID", "ci2.place <> ci.place", among=twins, against="ci2.LAchildID")


@_child("8520", "Date of Birth is after data collection period (must be on or before the end of the census period)")
def born_after_the_year() -> str:
    """A date of birth must not lie after the last day of the year."""
    return found("ci.PersonBirthDate", "ci.PersonBirthDate_on > ends")


@_child("8525Q", "Either Date of Birth or Expected Date of Birth must be provided (but not both)")
def one_birth_date() -> str:
    """A child has a date of birth, or an expected one, and not both."""
    both = "(ci.PersonBirthDate IS NULL) = (ci.ExpectedPersonBirthDate IS NULL)"
    return found("ci.PersonBirthDate", both, against="ci.ExpectedPersonBirthDate")


@_child(
    "8530Q",
    "Expected Date of Birth is outside the expected range for this census (March to December of the Census Year end)",
)
def expected_birth_range() -> str:
    """An expected date of birth lies between 30 days before the last day of the year and nine months after it."""
    day = "ci.ExpectedPersonBirthDate_on"
    return found("ci.ExpectedPersonBirthDate", f"{day} < ends - INTERVAL 30 DAY OR {day} > ends + INTERVAL 9 MONTH")


@_child("8535Q", "Child’s date of death should not be prior to the date of birth")
def died_before_birth() -> str:
    """A date of death must not lie before the date of birth."""
    return found("ci.PersonDeathDate", "ci.PersonDeathDate_on < ci.PersonBirthDate_on", against="ci.PersonBirthDate")


@_child("8545Q", "Child's date of death should be within the census year")
def died_outside_the_year() -> str:
    """A date of death lies within the year."""
    return found("ci.PersonDeathDate", "ci.PersonDeathDate_on < starts OR ci.PersonDeathDate_on > ends")


_UNBORN = "ci.PersonBirthDate IS NULL AND ci.ExpectedPersonBirthDate IS NOT NULL"


@_child("8750", "Gender must equal 0 for an unborn child", last=2024)
def gender_of_the_unborn() -> str:
    """A child with an expected date of birth and no date of birth has gender 0."""
    return found("ci.GenderCurrent", f"{_UNBORN} AND ci.GenderCurrent IS DISTINCT FROM '0'")


@_child("8750", "Sex must equal U for an unborn child", first=2025)
def sex_of_the_unborn() -> str:
    """A child with an expected date of birth and no date of birth has sex U."""
    return found("ci.Sex", f"{_UNBORN} AND ci.Sex IS DISTINCT FROM 'U'")


# A former UPN counts as a UPN: the child's number is known, if not the present one.
_NUMBER_UNKNOWN = """ci.UPN IS NULL AND ci.FormerUPN IS NULL
    AND coalesce(upper(ci.UPNunknown), '') NOT IN ('UN2', 'UN3', 'UN4', 'UN5', 'UN6', 'UN7')"""


@_child("8770Q", "UPN or reason UPN missing expected for a child who is more than 5 years old", last=2024)
def upn_missing_at_six() -> str:
    """A child born more than six years before the last day of the year, with a referral that led to further action,
    has a UPN (or a former one) or a reason for having none other than UN1."""
    old = "ci.PersonBirthDate_on < ends - INTERVAL 6 YEAR"
    return found("ci.UPN", f"{old} AND {_NUMBER_UNKNOWN} AND {_FURTHER_ACTION}", against="ci.UPNunknown")


@_child("8770Q", "UPN is missing or reason UPN is missing or is UN1 for a child who is of school age.", first=2025)
def upn_missing_at_school_age() -> str:
    """A child of school age (five by the 31 August before the last day of the year), with a referral that led to
    further action, has a UPN (or a former one) or a reason for having none other than UN1."""
    old = "ci.PersonBirthDate_on <= school_age_born"
    return found("ci.UPN", f"{old} AND {_NUMBER_UNKNOWN} AND {_FURTHER_ACTION}", against="ci.UPNunknown")


@_child("8775Q", "Child is over 25 years old")
def over_twenty_five() -> str:
    """A child born more than 25 years before the last day of the year has no case still open, or closed after the
    twenty-fifth birthday."""
    served = "(c.CINclosureDate IS NULL OR c.CINclosureDate_on > ci.PersonBirthDate_on + INTERVAL 25 YEAR)"
    old = "ci.PersonBirthDate_on < ends - INTERVAL 25 YEAR"
    return found("ci.PersonBirthDate", f"{old} AND {exists('ci', 'c', served)}")


@_disability("8540", "Child’s disability is missing or invalid (see Disability table)")
def disability_missing() -> str:
    """A child who is born and has a referral that led to further action has at least one disability code (NONE when
    there is none), and every code is of the census's list."""
    needed = f"ci.PersonBirthDate IS NOT NULL AND {_FURTHER_ACTION}"
    none = f"""
        SELECT ci.LAchildID AS child, 'Disabilities' AS "table", 'Disability' AS field, '' AS value, '' AS against,
            ci.line AS line FROM ChildIdentifiers ci WHERE {needed} AND NOT {exists("ci", "d")}
    """
    wrong = missing_or_unknown("d.Disability", "disability")
    return either(none, found("d.Disability", f"{wrong} AND {needed}", among=joined("d", "ci")))


@_disability("8790", "Disability information includes both None and other values")
def none_and_others() -> str:
    """A child with the disability NONE has no other."""
    other = exists("d", "d2", "upper(d2.Disability) <> 'NONE'")
    return found("d.Disability", f"upper(d.Disability) = 'NONE' AND {other}")


@_disability("8794", "Child has two or more disabilities with the same code")
def disability_twice() -> str:
    """No disability stands twice for one child."""
    return found("d.Disability", exists("d", "d2", "d2.Disability = d.Disability AND d2.place <> d.place"))


@_all("2887Q", "Less than 8 disability codes have been used in your return")
def few_disability_codes() -> str:
    """The return uses at least eight different disability codes, NONE apart."""
    used = "SELECT count(DISTINCT d.Disability) AS used FROM Disabilities d WHERE upper(d.Disability) <> 'NONE'"
    return whole_return("Disabilities", "Disability", "used || ' codes'", "used < 8", used)


@_all(
    "2888Q",
    "Only one disability code is recorded per child and multiple disabilities should be recorded where possible.",
)
def one_disability_each() -> str:
    """Of the children with a disability, at least one has more than one."""
    most = """
        SELECT max(codes) AS most, count(*) AS children FROM (SELECT count(*) AS codes FROM Disabilities d
            WHERE upper(d.Disability) <> 'NONE' GROUP BY d.LAchildID)
    """
    return whole_return("Disabilities", "Disability", "children || ' children, one code each'", "most = 1", most)

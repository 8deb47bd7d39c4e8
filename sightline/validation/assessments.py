"""Rules of the CIN census on assessments and the factors found at them."""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.validation.sql import EPISODE, either, exists, found, joined, missing_or_unknown, outside_the_year

_assessment = partial(rule, grain="assessment", group="Assessments")
_factor = partial(rule, grain="assessment factor", group="Assessments")


@_assessment("1103", "The assessment start date cannot be before the referral date")
def assessment_before_referral() -> str:
    """An assessment starts on or after the day of the referral."""
    early = "a.AssessmentActualStartDate_on < c.CINreferralDate_on"
    return found("a.AssessmentActualStartDate", early, among=joined("a", "c"), against="c.CINreferralDate")


@_assessment("8608", "Assessment Start Date cannot be later than its End Date")
def assessment_ends_before_it_starts() -> str:
    """An assessment is authorised on or after the day it started."""
    return found(
        "a.AssessmentActualStartDate",
        "a.AssessmentActualStartDate_on > a.AssessmentAuthorisationDate_on",
        against="a.AssessmentAuthorisationDate",
    )


@_assessment("8614", "Parental or child factors at assessment should only be present for a completed assessment.")
def factors_too_early() -> str:
    """An assessment that has not been authorised has no factors."""
    early = f"a.AssessmentAuthorisationDate IS NULL AND {exists('a', 'f', 'f.AssessmentFactors IS NOT NULL')}"
    return found("a.AssessmentAuthorisationDate", early)


@_assessment(
    "8670Q",
    "Assessment started more than 45 working days before the end of the census year. However, there is no Assessment "
    "end date.",
)
def assessment_overdue() -> str:
    """An assessment that has not been authorised started no more than 45 working days before the last day of the
    year. Bank holidays of England are not working days."""
    late = "a.AssessmentAuthorisationDate IS NULL AND a.AssessmentActualStartDate_on < assessment_limit"
    return found("a.AssessmentActualStartDate", late)


@_assessment("8696", "Assessment end date must fall within the census year")
def assessment_ends_outside_the_year() -> str:
    """An assessment is authorised within the year."""
    return found("a.AssessmentAuthorisationDate", outside_the_year("a.AssessmentAuthorisationDate_on"))


@_assessment("8736", "For an Assessment that has not been completed, the start date must fall within the census year")
def open_assessment_starts_outside_the_year() -> str:
    """An assessment that has not been authorised has a start date, within the year."""
    start = "a.AssessmentActualStartDate_on"
    wrong = f"a.AssessmentAuthorisationDate IS NULL AND ({start} IS NULL OR {outside_the_year(start)})"
    return found("a.AssessmentActualStartDate", wrong)


@_assessment("8863Q", "An Assessment is shown as starting when there is another Assessment ongoing.")
def overlapping_assessments() -> str:
    """Within an episode no assessment starts while another runs: from its start to its authorisation, both included,
    or to the last day of the year when it has not been authorised."""
    start, end = "a.AssessmentActualStartDate_on", "a2.AssessmentAuthorisationDate"
    runs = f"({start} <= {end}_on OR ({end} IS NULL AND {start} <= ends))"
    overlap = f"a2.place <> a.place AND {start} >= a2.AssessmentActualStartDate_on AND {runs}"
    others = joined("a", "a2", by=EPISODE)
    return found("a.AssessmentActualStartDate", overlap, among=others, against="a2.AssessmentActualStartDate")


@_assessment("8867", "CIN episode is shown as closed, however Assessment is not shown as completed")
def assessment_open_at_closure() -> str:
    """Every assessment of an episode that has closed has been authorised."""
    still = "c.CINclosureDate IS NOT NULL AND a.AssessmentAuthorisationDate IS NULL"
    return found("a.AssessmentAuthorisationDate", still, among=joined("a", "c"), against="c.CINclosureDate")


@_factor("8869", "The assessment factors code “21” cannot be used in conjunction with any other assessment factors.")
def no_factor_and_others() -> str:
    """An assessment with factor 21 (no factor identified) has no other factor."""
    other = exists("f", "f2", "f2.AssessmentFactors <> '21'")
    return found("f.AssessmentFactors", f"f.AssessmentFactors = '21' AND {other}")


@_factor(
    "8873Q",
    "When there is only one assessment on the episode and the factors code “21 No factors identified” has been used "
    "for the completed assessment, the reason for closure ‘RC8’ or 'RC9' should be used.",
)
def no_factor_yet_not_closed() -> str:
    """An episode with one assessment, completed and with factor 21 (no factor identified), closes as RC8 or RC9."""
    only = f"NOT {exists('a', 'a2', 'a2.place <> a.place', by=EPISODE)}"
    complete = "f.AssessmentFactors = '21' AND a.AssessmentAuthorisationDate IS NOT NULL"
    other = "coalesce(c.ReasonForClosure, '') NOT IN ('RC8', 'RC9')"
    among = f"{joined('f', 'a')} JOIN CINdetails c ON c.LAchildID = f.LAchildID AND c.CINdetailsID = f.CINdetailsID"
    return found("f.AssessmentFactors", f"{complete} AND {only} AND {other}", among=among, against="c.ReasonForClosure")


@_assessment("8896", "Within one CINDetails group there are 2 or more open Assessments groups")
def two_open_assessments() -> str:
    """An episode has at most one assessment that has not been authorised."""
    other = exists("a", "a2", "a2.AssessmentAuthorisationDate IS NULL AND a2.place <> a.place", by=EPISODE)
    return found("a.AssessmentAuthorisationDate", f"a.AssessmentAuthorisationDate IS NULL AND {other}")


@_assessment("8897Q", "Parental or child factors at assessment information is missing from a completed assessment")
def factors_missing() -> str:
    """An assessment authorised in the year has at least one factor, and every factor is of the census's list."""
    done = "a.AssessmentAuthorisationDate_on >= starts"
    wrong = missing_or_unknown("f.AssessmentFactors", "assessment_factor", withdrawn=True)
    return either(
        found("a.AssessmentAuthorisationDate", f"{done} AND NOT {exists('a', 'f')}"),
        found("f.AssessmentFactors", f"{done} AND {wrong}", among=joined("f", "a")),
    )


@_factor("8898", "The assessment has more than one parental or child factors with the same code")
def factor_twice() -> str:
    """No factor stands twice in one assessment."""
    return found(
        "f.AssessmentFactors", exists("f", "f2", "f2.AssessmentFactors = f.AssessmentFactors AND f2.place <> f.place")
    )


@_factor(
    "8945Q", "the assessment factors code '18A' should not be used ('18B' or '18C' should be used instead)", first=2025
)
def physical_abuse_unspecified() -> str:
    """Physical abuse is said to be by another child (18B) or by an adult (18C), not by nobody (18A)."""
    return found("f.AssessmentFactors", "f.AssessmentFactors = '18A'")


@_factor(
    "8950Q", "the assessment factors code '19A' should not be used ('19B' or '19C' should be used instead)", first=2025
)
def sexual_abuse_unspecified() -> str:
    """Sexual abuse is said to be by another child (19B) or by an adult (19C), not by nobody (19A)."""
    return found("f.AssessmentFactors", "f.AssessmentFactors = '19A'")

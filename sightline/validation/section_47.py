"""Rules of the CIN census on Section 47 enquiries and initial child protection conferences."""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.validation.sql import EPISODE, exists, found, joined, outside_the_year

_enquiry = partial(rule, grain="Section 47 enquiry", group="Section 47 enquiries and conferences")


@_enquiry("1104", "The date of the initial child protection conference cannot be before the referral date")
def conference_before_referral() -> str:
    """The conference of a Section 47 enquiry is held on or after the day of the referral."""
    early = "s.DateOfInitialCPC_on < c.CINreferralDate_on"
    return found("s.DateOfInitialCPC", early, among=joined("s", "c"), against="c.CINreferralDate")


@_enquiry(
    "2884",
    "An initial child protection conference is recorded at both the S47 and CIN Details level and it should only be "
    "recorded in one",
)
def conference_twice() -> str:
    """One conference is recorded either with the Section 47 enquiry or with the episode, not with both."""
    twice = "s.DateOfInitialCPC_on = c.DateOfInitialCPC_on"
    return found("s.DateOfInitialCPC", twice, among=joined("s", "c"), against="c.DateOfInitialCPC")


@_enquiry("2889", "The S47 start date cannot be before the referral date.")
def enquiry_before_referral() -> str:
    """A Section 47 enquiry starts on or after the day of the referral."""
    early = "s.S47ActualStartDate_on < c.CINreferralDate_on"
    return found("s.S47ActualStartDate", early, among=joined("s", "c"), against="c.CINreferralDate")


@_enquiry("2991Q", "A Section 47 module is recorded and there is no assessment on the episode")
def enquiry_without_assessment() -> str:
    """An episode with a Section 47 enquiry has an assessment."""
    return found("s.S47ActualStartDate", f"NOT {exists('s', 'a')}")


@_enquiry(
    "8615",
    "Section 47 Enquiry Start Date must be present and cannot be later than the date of the initial Child Protection "
    "Conference",
)
def enquiry_after_its_conference() -> str:
    """A Section 47 enquiry with a conference has a start date, on or before the day of the conference."""
    wrong = (
        "(s.DateOfInitialCPC IS NOT NULL AND s.S47ActualStartDate IS NULL) "
        "OR s.S47ActualStartDate_on > s.DateOfInitialCPC_on"
    )
    return found("s.S47ActualStartDate", wrong, against="s.DateOfInitialCPC")


_WAITING = "s.DateOfInitialCPC IS NULL AND s.ICPCnotRequired_is = false"


@_enquiry(
    "8675Q",
    "S47 Enquiry started more than 15 working days before the end of the census year. However, there is no date of "
    "Initial Child Protection Conference.",
)
def conference_overdue() -> str:
    """A Section 47 enquiry that needs a conference and has had none started no more than 15 working days before the
    last day of the year. Bank holidays of England are not working days."""
    return found("s.S47ActualStartDate", f"{_WAITING} AND s.S47ActualStartDate_on < section_47_limit")


@_enquiry("8715", "Date of Initial Child Protection Conference must fall within the census year")
def conference_outside_the_year() -> str:
    """The conference of a Section 47 enquiry is held within the year."""
    return found("s.DateOfInitialCPC", outside_the_year("s.DateOfInitialCPC_on"))


@_enquiry(
    "8740",
    "For a Section 47 Enquiry that has not held the Initial Child Protection Conference by the end of the census year, "
    "the start date must fall within the census year",
)
def waiting_enquiry_starts_outside_the_year() -> str:
    """A Section 47 enquiry that needs a conference and has had none did not start outside the year."""
    return found("s.S47ActualStartDate", f"{_WAITING} AND {outside_the_year('s.S47ActualStartDate_on')}")


_OPEN = "{0}.DateOfInitialCPC IS NULL AND {0}.ICPCnotRequired_is IS DISTINCT FROM true"


@_enquiry("8839", "Within one CINDetails group there are 2 or more open S47 Assessments")
def two_open_enquiries() -> str:
    """An episode has at most one Section 47 enquiry without a conference that does not say none is required."""
    other = exists("s", "s2", f"{_OPEN.format('s2')} AND s2.place <> s.place", by=EPISODE)
    return found("s.DateOfInitialCPC", f"{_OPEN.format('s')} AND {other}")


@_enquiry(
    "8868",
    "CIN episode is shown as closed, however Section 47 enquiry is not shown as completed by ICPC date or ICPC not "
    "required flag",
)
def enquiry_open_at_closure() -> str:
    """Every Section 47 enquiry of an episode that has closed has a conference or says none is required."""
    still = f"c.CINclosureDate IS NOT NULL AND {_OPEN.format('s')}"
    return found("s.DateOfInitialCPC", still, among=joined("s", "c"), against="c.CINclosureDate")


@_enquiry("8870Q", "The Target Date for Initial Child Protection Conference should not be a weekend")
def target_at_weekend() -> str:
    """The day by which a conference is due is not a Saturday or Sunday."""
    return found("s.InitialCPCtarget", "isodow(s.InitialCPCtarget_on) > 5")


@_enquiry("8875", "The Date of Initial Child Protection Conference cannot be a weekend")
def conference_at_weekend() -> str:
    """The conference of a Section 47 enquiry is not held on a Saturday or Sunday."""
    return found("s.DateOfInitialCPC", "isodow(s.DateOfInitialCPC_on) > 5")


@_enquiry("8890", "A Section 47 enquiry is shown as starting when there is another Section 47 Enquiry ongoing")
def overlapping_enquiries() -> str:
    """Within an episode no Section 47 enquiry starts while another runs: from its start to its conference, both
    included, or to the last day of the year when it has had none and does not say that none is required."""
    start = "s.S47ActualStartDate_on"
    runs = f"({start} <= s2.DateOfInitialCPC_on OR ({_OPEN.format('s2')} AND {start} <= ends))"
    overlap = f"s2.place <> s.place AND {start} >= s2.S47ActualStartDate_on AND {runs}"
    return found("s.S47ActualStartDate", overlap, among=joined("s", "s2", by=EPISODE), against="s2.S47ActualStartDate")

"""Rules of the CIN census on the referral episode, and on the header of the return."""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.validation.sql import (
    CHILD,
    either,
    exists,
    found,
    joined,
    missing_or_unknown,
    outside_the_year,
    unknown,
)

_episode = partial(rule, grain="referral episode", group="Referral episodes")

_CLOSED_AFTER_ASSESSMENT = "c.ReasonForClosure IN ('RC8', 'RC9')"


@rule("100", "Reference Date is incorrect", grain="return", group="The return as a whole")
def reference_date() -> str:
    """The reference date is 31 March of the year the return says it is for (of the year it is checked as, when it says
    none)."""
    right = "make_date(coalesce(try_cast(Year AS INTEGER), (SELECT year FROM period)), 3, 31)"
    return f"""
        SELECT '' AS child, 'Header' AS "table", 'ReferenceDate' AS field, coalesce(min(ReferenceDate), '') AS value,
            coalesce('Year ' || min(Year), '') AS against, coalesce(min(line), 0) AS line
        FROM Header HAVING count(*) = 0 OR bool_or(ReferenceDate_on IS DISTINCT FROM {right})
    """


@_episode(
    "2990",
    "Activity is recorded against a case marked as ‘Case closed after assessment, no further action’ or "
    "'case closed after assessment, referred to early help'.",
)
def activity_after_assessment_closure() -> str:
    """An episode closed as RC8 or RC9 has no Section 47 enquiry, no protection plan, no conference and no CIN plan."""
    at = {"s": "S47ActualStartDate", "cp": "CPPstartDate", "p": "CINPlanStartDate"}
    activity = [
        found(f"{t}.{f}", _CLOSED_AFTER_ASSESSMENT, among=joined(t, "c"), against="c.ReasonForClosure")
        for t, f in at.items()
    ]
    conference = f"{_CLOSED_AFTER_ASSESSMENT} AND c.DateOfInitialCPC IS NOT NULL"
    return either(*activity, found("c.DateOfInitialCPC", conference, against="c.ReasonForClosure"))


@_episode("8555Q", "Child cannot be referred after its recorded date of death")
def referred_after_death() -> str:
    """A child who died was referred on or before the day of death."""
    late = "c.CINreferralDate_on > ci.PersonDeathDate_on"
    return found("c.CINreferralDate", late, among=joined("c", "ci"), against="ci.PersonDeathDate")


@_episode("8565", "Activity shown after a case has been closed")
def activity_after_closure() -> str:
    """Nothing in an episode is dated after the day it closed: no start or end of an assessment, start of a Section 47
    enquiry, conference, end of a protection plan, or start or end of a CIN plan."""
    dates = (
        *("a.AssessmentActualStartDate", "a.AssessmentAuthorisationDate", "s.S47ActualStartDate"),
        *("s.DateOfInitialCPC", "cp.CPPendDate", "p.CINPlanStartDate", "p.CINPlanEndDate"),
    )
    within = [
        found(at, f"{at}_on > c.CINclosureDate_on", among=joined(at.split(".")[0], "c"), against="c.CINclosureDate")
        for at in dates
    ]
    own = found("c.DateOfInitialCPC", "c.DateOfInitialCPC_on > c.CINclosureDate_on", against="c.CINclosureDate")
    return either(*within, own)


@_episode("8568", "RNFA flag is missing or invalid")
def no_further_action_flag() -> str:
    """Every episode says whether the referral led to no further action: 1, 0, true or false."""
    return found("c.ReferralNFA", "c.ReferralNFA_is IS NULL")


@_episode(
    "8569Q",
    "A case with referral date before one working day prior to the collection start date must not be flagged as a "
    "no further action case",
)
def old_no_further_action() -> str:
    """A referral that led to no further action is no older than the last working day before the year."""
    old = "c.CINreferralDate_on < referral_limit AND c.ReferralNFA_is"
    return found("c.CINreferralDate", old, against="c.ReferralNFA")


@_episode("8585Q", "CIN episode shows Died as the Closure Reason, however child has no recorded Date of Death")
def died_without_date() -> str:
    """An episode closed because the child died (RC2) belongs to a child with a date of death."""
    undated = "c.ReasonForClosure = 'RC2' AND ci.PersonDeathDate_on IS NULL"
    return found("c.ReasonForClosure", undated, among=joined("c", "ci"), against="ci.PersonDeathDate")


@rule("8590", "Child does not have a recorded CIN episode.", grain="child", group="Referral episodes")
def no_episode() -> str:
    """Every child has at least one episode."""
    return found("ci.LAchildID", f"NOT {exists('ci', 'c')}")


@_episode("8600", "Child referral date missing or after data collection period")
def referral_date_missing() -> str:
    """Every episode has a date of referral, on or before the last day of the year."""
    return found("c.CINreferralDate", "c.CINreferralDate_on IS NULL OR c.CINreferralDate_on > ends")


@_episode("8606", "Child referral date is more than 40 weeks before DOB or expected DOB")
def referred_long_before_birth() -> str:
    """A child is referred at most 280 days before birth, or before the expected birth."""
    births = ("PersonBirthDate", "ExpectedPersonBirthDate")
    return either(
        *(
            found(
                "c.CINreferralDate",
                f"c.CINreferralDate_on < ci.{birth}_on - INTERVAL 280 DAY",
                among=joined("c", "ci"),
                against=f"ci.{birth}",
            )
            for birth in births
        )
    )


@_episode("8610", "Primary Need code is missing for a referral which led to further action.")
def primary_need_missing() -> str:
    """An episode that led to further action has a primary need."""
    return found("c.PrimaryNeedCode", "c.ReferralNFA_is = false AND c.PrimaryNeedCode IS NULL", against="c.ReferralNFA")


@_episode("8620", "CIN Closure Date present and does not fall within the Census year")
def closed_outside_the_year() -> str:
    """An episode that closed did so within the year."""
    return found("c.CINclosureDate", outside_the_year("c.CINclosureDate_on"))


@_episode("8630", "CIN Closure Date is before CIN Referral Date for the same CIN episode")
def closed_before_referral() -> str:
    """An episode closes on or after the day of its referral."""
    return found("c.CINclosureDate", "c.CINclosureDate_on < c.CINreferralDate_on", against="c.CINreferralDate")


@_episode("8640", "CIN Reason for closure code invalid (see Reason for Closure table in CIN Census code set)")
def closure_reason() -> str:
    """A reason for closure is of the census's list."""
    return found("c.ReasonForClosure", unknown("c.ReasonForClosure", "closure_reason"))


@_episode("8650", "Primary Need Code invalid (see Primary Need table in CIN census code set)")
def primary_need() -> str:
    """A primary need is of the census's list."""
    return found("c.PrimaryNeedCode", unknown("c.PrimaryNeedCode", "primary_need"))


@_episode(
    "8772",
    "UPN unknown reason is UN7 (Referral with no further action) but at least one CIN details is a referral going on "
    "to further action",
)
def un7_with_further_action() -> str:
    """A child whose UPN is unknown because of no further action (UN7) has no other kind of episode."""
    other = "upper(ci.UPNunknown) = 'UN7' AND c.ReferralNFA_is IS DISTINCT FROM true"
    return found("c.ReferralNFA", other, among=joined("c", "ci"), against="ci.UPNunknown")


@_episode("8805", "A CIN case cannot have a CIN closure date without a Reason for Closure")
def closure_without_reason() -> str:
    """An episode that closed has a reason for closure."""
    lacking = "c.CINclosureDate IS NOT NULL AND c.ReasonForClosure IS NULL"
    return found("c.ReasonForClosure", lacking, against="c.CINclosureDate")


@_episode("8810", "A CIN case cannot have a Reason for Closure without a CIN Closure Date")
def reason_without_closure() -> str:
    """An episode with a reason for closure has a date of closure."""
    lacking = "c.ReasonForClosure IS NOT NULL AND c.CINclosureDate IS NULL"
    return found("c.CINclosureDate", lacking, against="c.ReasonForClosure")


_OPEN = "{0}.CINclosureDate IS NULL AND {0}.ReferralNFA_is = false"


@_episode(
    "8815",
    "More than one open CIN Details episode (a module with no CIN Closure Date) has been provided for this child and "
    "case is not a referral with no further action.",
)
def two_open_episodes() -> str:
    """A child has at most one episode that led to further action and has not closed."""
    other = exists("c", "c2", f"{_OPEN.format('c2')} AND c2.place <> c.place", by=CHILD)
    return found("c.CINclosureDate", f"{_OPEN.format('c')} AND {other}")


@_episode(
    "8816",
    "An open CIN episode is shown and case is not a referral with no further action, but it is not the latest episode.",
)
def open_but_not_latest() -> str:
    """The episode that led to further action and has not closed is the child's latest referral."""
    later = f"{_OPEN.format('c')} AND c2.CINreferralDate_on > c.CINreferralDate_on"
    return found("c.CINreferralDate", later, among=joined("c", "c2", by=CHILD), against="c2.CINreferralDate")


@_episode("8820", "The dates on the CIN episodes for this child overlap")
def overlapping_episodes() -> str:
    """No episode begins while another of the same child runs: from its referral to before its closure, or to the last
    day of the year when it led to further action and has not closed."""
    closes_later = "c.CINreferralDate_on < c2.CINclosureDate_on"
    runs = f"{_OPEN.format('c2')} AND c.CINreferralDate_on <= ends"
    overlap = f"c2.place <> c.place AND c.CINreferralDate_on >= c2.CINreferralDate_on AND ({closes_later} OR ({runs}))"
    return found("c.CINreferralDate", overlap, among=joined("c", "c2", by=CHILD), against="c2.CINreferralDate")


@_episode(
    "8825Q",
    "Reason for Closure code RC8 (case closed after assessment) or RC9 (case closed after assessment, referred to "
    "early help) has been returned but there is no assessment present for the episode.",
)
def assessment_closure_without_assessment() -> str:
    """An episode closed as RC8 or RC9 has at least one assessment."""
    return found("c.ReasonForClosure", f"{_CLOSED_AFTER_ASSESSMENT} AND NOT {exists('c', 'a')}")


@_episode("8831", "Activity is recorded against a case marked as a referral with no further action")
def activity_without_further_action() -> str:
    """A referral that led to no further action has no assessment, Section 47 enquiry or conference."""
    dates = (
        *("a.AssessmentActualStartDate", "a.AssessmentAuthorisationDate", "s.S47ActualStartDate"),
        "s.DateOfInitialCPC",
    )
    within = [
        found(
            at, f"{at} IS NOT NULL AND c.ReferralNFA_is", among=joined(at.split(".")[0], "c"), against="c.ReferralNFA"
        )
        for at in dates
    ]
    own = found("c.DateOfInitialCPC", "c.DateOfInitialCPC IS NOT NULL AND c.ReferralNFA_is", against="c.ReferralNFA")
    return either(*within, own)


@_episode("8866", "Source of Referral is missing or an invalid code")
def referral_source() -> str:
    """A referral made on or after 1 April 2013 has a source of the census's list."""
    wrong = missing_or_unknown("c.ReferralSource", "referral_source")
    return found("c.ReferralSource", f"c.CINreferralDate_on >= DATE '2013-04-01' AND {wrong}")

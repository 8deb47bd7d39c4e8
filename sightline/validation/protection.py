"""Rules of the CIN census on Child Protection plans and their reviews."""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.validation.sql import (
    CHILD,
    exists,
    found,
    joined,
    missing_or_unknown,
    outside_the_year,
    whole_return,
)

_plan = partial(rule, grain="CP plan", group="Child Protection plans")
_review = partial(rule, grain="review", group="Child Protection plans")


@_plan("1105", "The child protection plan start date cannot be before the referral date")
def protection_before_referral() -> str:
    """A protection plan starts on or after the day of the referral."""
    early = "cp.CPPstartDate_on < c.CINreferralDate_on"
    return found("cp.CPPstartDate", early, among=joined("cp", "c"), against="c.CINreferralDate")


@rule(
    "2883",
    "There are more child protection plans starting than initial conferences taking place",
    grain="return",
    group="The return as a whole",
)
def more_plans_than_conferences() -> str:
    """No more protection plans start in the year than conferences are held in it, those of Section 47 enquiries and
    those of episodes together."""
    counted = """
        SELECT
            (SELECT count(*) FROM ChildProtectionPlans cp, period WHERE cp.CPPstartDate_on BETWEEN starts AND ends)
                AS plans,
            (SELECT count(*) FROM CINdetails c, period WHERE c.DateOfInitialCPC_on BETWEEN starts AND ends)
                + (SELECT count(*) FROM Section47 s, period WHERE s.DateOfInitialCPC_on BETWEEN starts AND ends)
                AS conferences
    """
    return whole_return(
        "ChildProtectionPlans",
        "CPPstartDate",
        "plans || ' plans'",
        "plans > conferences",
        counted,
        against="conferences || ' conferences'",
    )


@_plan("2885", "Child protection plan shown as starting a different day to the initial child protection conference.")
def plan_without_its_conference() -> str:
    """A protection plan that starts in the year starts on the day of a conference of one of the episode's Section 47
    enquiries or, where no enquiry of the episode needed a conference, of the episode's own conference."""
    required = "s.ICPCnotRequired_is IS DISTINCT FROM true"
    enquiry = exists("cp", "s", required)
    same_day = exists("cp", "s", "s.DateOfInitialCPC_on = cp.CPPstartDate_on")
    own = "c.DateOfInitialCPC_on IS NOT DISTINCT FROM cp.CPPstartDate_on"
    wrong = f"cp.CPPstartDate_on BETWEEN starts AND ends AND NOT ({same_day} OR (NOT {enquiry} AND {own}))"
    return found("cp.CPPstartDate", wrong, among=joined("cp", "c"), against="c.DateOfInitialCPC")


@_plan("8720", "Child Protection Plan Start Date missing or out of data collection period")
def protection_start_missing() -> str:
    """Every protection plan has a start date, on or before the last day of the year."""
    return found("cp.CPPstartDate", "cp.CPPstartDate_on IS NULL OR cp.CPPstartDate_on > ends")


@_plan("8730", "Total Number of previous Child Protection Plans missing")
def previous_plans_missing() -> str:
    """Every protection plan says how many the child had before: a whole number, 0 or more."""
    return found("cp.NumberOfPreviousCPP", "NOT regexp_full_match(coalesce(cp.NumberOfPreviousCPP, ''), '[0-9]+')")


@_plan("8832", "Child Protection details provided for a referral with no further action.")
def protection_without_further_action() -> str:
    """A referral that led to no further action has no protection plan."""
    return found("cp.CPPstartDate", "c.ReferralNFA_is", among=joined("cp", "c"), against="c.ReferralNFA")


@_plan("8840", "Child Protection Plan cannot start and end on the same day")
def protection_of_one_day() -> str:
    """A protection plan does not end on the day it started."""
    return found("cp.CPPendDate", "cp.CPPendDate_on = cp.CPPstartDate_on", against="cp.CPPstartDate")


@_review("8841", "The review date cannot be on the same day or before the Child protection Plan start date.")
def review_before_plan() -> str:
    """A protection plan is reviewed after the day it started."""
    early = "r.CPPreviewDate_on <= cp.CPPstartDate_on"
    return found("r.CPPreviewDate", early, among=joined("r", "cp"), against="cp.CPPstartDate")


@_review("8842Q", "Review Record has a missing date")
def review_without_date() -> str:
    """Every review has a date that can be read."""
    return found("r.CPPreviewDate", "r.CPPreviewDate_on IS NULL")


@_plan("8905", "Initial Category of Abuse code missing or invalid (see Category of Abuse table in CIN Census code set)")
def initial_category() -> str:
    """Every protection plan has an initial category of abuse of the census's list."""
    return found("cp.InitialCategoryOfAbuse", missing_or_unknown("cp.InitialCategoryOfAbuse", "abuse_category"))


@_plan("8910", "Latest Category of Abuse code missing or invalid (see Category of Abuse table in CIN Census code set)")
def latest_category() -> str:
    """Every protection plan has a latest category of abuse of the census's list."""
    return found("cp.LatestCategoryOfAbuse", missing_or_unknown("cp.LatestCategoryOfAbuse", "abuse_category"))


@_plan("8915", "Child Protection Plan shown as starting after the child’s Date of Death")
def protection_starts_after_death() -> str:
    """The protection plan of a child who died started on or before the day of death."""
    late = "cp.CPPstartDate_on > ci.PersonDeathDate_on"
    return found("cp.CPPstartDate", late, among=joined("cp", "ci"), against="ci.PersonDeathDate")


@_plan("8920", "Child Protection Plan cannot end after the child’s Date of Death")
def protection_ends_after_death() -> str:
    """The protection plan of a child who died ended on or before the day of death."""
    late = "cp.CPPendDate_on > ci.PersonDeathDate_on"
    return found("cp.CPPendDate", late, among=joined("cp", "ci"), against="ci.PersonDeathDate")


@_plan("8925", "Child Protection Plan End Date earlier than Start Date")
def protection_ends_before_it_starts() -> str:
    """A protection plan ends on or after the day it started."""
    return found("cp.CPPendDate", "cp.CPPendDate_on < cp.CPPstartDate_on", against="cp.CPPstartDate")


@_plan("8930", "Child Protection Plan End Date must fall within the census year")
def protection_ends_outside_the_year() -> str:
    """A protection plan that ended did so within the year."""
    return found("cp.CPPendDate", outside_the_year("cp.CPPendDate_on"))


@_plan("8935", "This child is showing more than one open Child Protection plan, i.e. with no End Date")
def two_open_protection_plans() -> str:
    """A child has at most one protection plan that has not ended."""
    other = exists("cp", "cp2", "cp2.CPPendDate IS NULL AND cp2.place <> cp.place", by=CHILD)
    return found("cp.CPPendDate", f"cp.CPPendDate IS NULL AND {other}")


@_plan("8940", "Child Protection Plan data contains overlapping dates")
def overlapping_protection_plans() -> str:
    """No protection plan starts while another of the same child runs: from its start to its end, both included, or to
    the last day of the year when it has not ended."""
    start, end = "cp.CPPstartDate_on", "cp2.CPPendDate"
    runs = f"({start} <= {end}_on OR ({end} IS NULL AND {start} <= ends))"
    overlap = f"cp2.place <> cp.place AND {start} >= cp2.CPPstartDate_on AND {runs}"
    return found("cp.CPPstartDate", overlap, among=joined("cp", "cp2", by=CHILD), against="cp2.CPPstartDate")

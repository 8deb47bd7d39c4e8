"""Rules of the CIN census on Child in Need plans."""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.validation.sql import CHILD, EPISODE, exists, found, joined, outside_the_year

_plan = partial(rule, grain="CIN plan", group="Child in Need plans")


@_plan("4000", "CIN Plan details provided for a referral with no further action")
def plan_without_further_action() -> str:
    """A referral that led to no further action has no CIN plan."""
    return found("p.CINPlanStartDate", "c.ReferralNFA_is", among=joined("p", "c"), against="c.ReferralNFA")


@_plan("4001", "A CIN Plan cannot run concurrently with a Child Protection Plan")
def both_plans_open() -> str:
    """Within an episode, a CIN plan that has not ended does not stand beside a protection plan that has not ended."""
    both = f"p.CINPlanEndDate IS NULL AND {exists('p', 'cp', 'cp.CPPendDate IS NULL')}"
    return found("p.CINPlanEndDate", both)


@_plan("4003", "A CPP review date is shown as being held at the same time as an open CIN Plan.")
def review_during_plan() -> str:
    """Within an episode, no protection plan is reviewed while a CIN plan runs (from its first day to before its last),
    unless the protection plan ended on the day of the review."""
    day = "r.CPPreviewDate_on"
    during = f"{day} >= p.CINPlanStartDate_on AND ({day} < p.CINPlanEndDate_on OR p.CINPlanEndDate IS NULL)"
    at_the_end = exists("r", "cp", f"cp.CPPendDate_on = {day}")
    among = joined("r", "p", by=EPISODE)
    return found("r.CPPreviewDate", f"{during} AND NOT {at_the_end}", among=among, against="p.CINPlanStartDate")


@_plan("4004", "This child is showing more than one open CIN Plan, i.e. with no End Date")
def two_open_plans() -> str:
    """An episode has at most one CIN plan that has not ended."""
    other = exists("p", "p2", "p2.CINPlanEndDate IS NULL AND p2.place <> p.place", by=EPISODE)
    return found("p.CINPlanEndDate", f"p.CINPlanEndDate IS NULL AND {other}")


@_plan("4008", "CIN Plan shown as starting after the child’s Date of Death.")
def plan_starts_after_death() -> str:
    """The CIN plan of a child who died started on or before the day of death."""
    late = "p.CINPlanStartDate_on > ci.PersonDeathDate_on"
    return found("p.CINPlanStartDate", late, among=joined("p", "ci"), against="ci.PersonDeathDate")


@_plan("4009Q", "CIN Plan cannot end after the child’s Date of Death")
def plan_ends_after_death() -> str:
    """The CIN plan of a child who died ended on or before the day of death."""
    late = "p.CINPlanEndDate_on > ci.PersonDeathDate_on"
    return found("p.CINPlanEndDate", late, among=joined("p", "ci"), against="ci.PersonDeathDate")


@_plan("4010", "CIN Plan start date is missing or out of data collection period")
def plan_start_missing() -> str:
    """Every CIN plan has a start date, on or before the last day of the year."""
    return found("p.CINPlanStartDate", "p.CINPlanStartDate_on IS NULL OR p.CINPlanStartDate_on > ends")


@_plan("4011", "CIN Plan End Date earlier than Start Date")
def plan_ends_before_it_starts() -> str:
    """A CIN plan ends on or after the day it started."""
    return found("p.CINPlanEndDate", "p.CINPlanEndDate_on < p.CINPlanStartDate_on", against="p.CINPlanStartDate")


@_plan("4012Q", "CIN Plan shown as starting and ending on the same day")
def plan_of_one_day() -> str:
    """A CIN plan does not end on the day it started."""
    return found("p.CINPlanEndDate", "p.CINPlanEndDate_on = p.CINPlanStartDate_on", against="p.CINPlanStartDate")


@_plan("4013", "CIN Plan end date must fall within the census year")
def plan_ends_outside_the_year() -> str:
    """A CIN plan that ended did so within the year."""
    return found("p.CINPlanEndDate", outside_the_year("p.CINPlanEndDate_on"))


@_plan("4014", "CIN Plan data contains overlapping dates")
def overlapping_plans() -> str:
    """No CIN plan starts while another of the same child runs: from its start to its end, both included, or to the
    last day of the year when it has not ended."""
    start, end = "p.CINPlanStartDate_on", "p2.CINPlanEndDate"
    runs = f"({start} <= {end}_on OR ({end} IS NULL AND {start} <= ends))"
    overlap = f"p2.place <> p.place AND {start} >= p2.CINPlanStartDate_on AND {runs}"
    return found("p.CINPlanStartDate", overlap, among=joined("p", "p2", by=CHILD), against="p2.CINPlanStartDate")


@_plan("4015", "The CIN Plan start date cannot be before the referral date")
def plan_before_referral() -> str:
    """A CIN plan starts on or after the day of the referral."""
    early = "p.CINPlanStartDate_on < c.CINreferralDate_on"
    return found("p.CINPlanStartDate", early, among=joined("p", "c"), against="c.CINreferralDate")


@_plan("4016", "A CIN Plan has been reported as open at the same time as a Child Protection Plan.")
def plan_starts_during_protection() -> str:
    """No CIN plan starts while a protection plan of the same child runs: from its start to before its end, or to the
    last day of the year when it has not ended. The day on which the protection plan ends is allowed."""
    start = "p.CINPlanStartDate_on"
    runs = f"({start} < cp.CPPendDate_on OR (cp.CPPendDate IS NULL AND {start} <= ends))"
    during = f"{start} >= cp.CPPstartDate_on AND {runs}"
    return found("p.CINPlanStartDate", during, among=joined("p", "cp", by=CHILD), against="cp.CPPstartDate")


@rule(
    "4017",
    "A CIN Plan has been reported as open at the same time as a Child Protection Plan.",
    grain="CP plan",
    group="Child in Need plans",
)
def protection_starts_during_plan() -> str:
    """No protection plan starts while a CIN plan of the same child runs: from its start to before its end, or to the
    last day of the year when it has not ended. The day on which the CIN plan ends is allowed."""
    start = "cp.CPPstartDate_on"
    runs = f"({start} < p.CINPlanEndDate_on OR (p.CINPlanEndDate IS NULL AND {start} <= ends))"
    during = f"{start} >= p.CINPlanStartDate_on AND {runs}"
    return found("cp.CPPstartDate", during, among=joined("cp", "p", by=CHILD), against="p.CINPlanStartDate")

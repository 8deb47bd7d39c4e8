"""Why a child is on the week's list. Each reason is a value: what it says, why it matters, the settings it obeys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sightline.alerts import plans, school
from sightline.alerts.facts import Facts, Found


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: a stable code, its name on a page, what puts a child on the list, why it matters, settings used."""

    code: str
    name: str
    says: str
    why: str
    settings: tuple[str, ...]
    find: Callable[[Facts], Iterable[Found]]


REASONS: tuple[Reason, ...] = (
    Reason(
        "permanent-exclusion",
        "Permanent exclusion",
        "Permanently excluded in the week; or a file that came in the week was the first to say so.",
        "Provision is due from the sixth school day, and governors must consider it within 15 school days.",
        ("late_record_days",),
        school.permanent_exclusion,
    ),
    Reason(
        "suspension",
        "Suspension",
        "Suspended in the week (lunchtimes too); or a file that came in the week was the first to say so.",
        "The head must tell the social worker without delay, and the law gives the worker a part in the review.",
        ("late_record_days",),
        school.suspension,
    ),
    Reason(
        "new-plan",
        "New plan",
        "On a Child in Need or Child Protection plan on the day, and on no plan a week before.",
        "The school's safeguarding lead needs to know of the plan and of the worker.",
        ("precedence",),
        plans.new_plan,
    ),
    Reason(
        "step-up",
        "Step up",
        "On a Child Protection plan on the day, and on a Child in Need plan a week before.",
        "Risk is judged to be higher: attendance and support at school belong in the new plan.",
        ("precedence",),
        plans.step_up,
    ),
    Reason(
        "step-down",
        "Step down",
        "On a Child in Need plan on the day, and on a Child Protection plan a week before.",
        "What the school does should not fall away with the protection plan.",
        ("precedence",),
        plans.step_down,
    ),
    Reason(
        "became-looked-after",
        "Became looked after",
        "Looked after on the day, and not a week before.",
        "The Virtual School becomes a corporate parent's arm: a personal education plan is due within 20 school days.",
        ("precedence",),
        plans.became_looked_after,
    ),
    Reason(
        "left-care",
        "Stopped being looked after",
        "Looked after on some day of the week, and not on the day.",
        "Support changes hands; the child may be a child with a social worker still, or previously looked after.",
        ("precedence",),
        plans.left_care,
    ),
    Reason(
        "ended-plan",
        "Ended plan",
        "On no plan on the day, and on a Child in Need or Child Protection plan on some day of the week.",
        "The school needs to know that the plan and its worker have gone; outcomes lag for years after.",
        ("precedence",),
        plans.ended_plan,
    ),
    Reason(
        "worker-changed",
        "Changed social worker",
        "On a plan on the day, with another allocated social worker than a week before, or none.",
        "Schools ring the worker they know; the wrong name costs days when a child is missing or suspended.",
        ("precedence", "social_worker_roles"),
        plans.worker_changed,
    ),
    Reason(
        "attendance-below",
        "Attendance fell below a threshold",
        "On a plan, and attendance since 1 August is below a threshold that it was not below a week before.",
        "Below 90% is persistent absence and below 50% severe: a conversation this week is easier than in a term.",
        ("crossing_percents", "least_sessions", "precedence"),
        school.crossed_down,
    ),
    Reason(
        "attendance-falling",
        "Attendance is falling",
        "On a plan, and attendance in the latest weeks with school days is lower, by the points set, than in the weeks "
        "before them. Listed only for a week with school days.",
        "Drift shows before a threshold does.",
        ("drift_recent_weeks", "drift_before_weeks", "drift_points", "least_sessions", "precedence"),
        school.falling,
    ),
    Reason(
        "no-school",
        "No school found",
        "On a plan, of compulsory school age, on no school's roll on the day and in no register of the week; and a "
        "week with school days has begun since the last roll was left.",
        "A child out of sight of any school may be missing education; or a file is missing.",
        ("precedence",),
        school.no_school,
    ),
    Reason(
        "no-marks",
        "No marks received",
        "On a plan, of compulsory school age and on one roll all week, with no mark from any school in a week that has "
        "school days.",
        "No mark is not an absence: somebody must find out which it is.",
        ("precedence",),
        school.no_marks,
    ),
    Reason(
        "attendance-back",
        "Attendance rose back to a threshold",
        "On a plan, and attendance since 1 August has reached a threshold that it was below a week before.",
        "Good news is worth a call too, and says what worked.",
        ("crossing_percents", "least_sessions", "precedence"),
        school.crossed_up,
    ),
)


def reasons() -> list[dict[str, str]]:
    """One row per reason, for documentation: code, name, says, why, settings (their names, with commas between)."""
    return [
        {"code": r.code, "name": r.name, "says": r.says, "why": r.why, "settings": ", ".join(r.settings)}
        for r in REASONS
    ]

"""Rules of the CIN census ending 2027 on pre-proceedings and family group decision making (module 5).

Their sentences were read in a public draft; the department's own specification was not to be had. Two items
(StepDecisionDate and LetterInitCPDate) are told from the order of the module.
"""

from __future__ import annotations

from functools import partial

from sightline.validation.rule import rule
from sightline.validation.sql import found, outside_the_year, whole_return

_module = partial(rule, grain="pre-proceedings", group="Pre-proceedings", first=2027)
_all = partial(rule, grain="return", group="Pre-proceedings", first=2027)


def _dated(column: str, not_before: str = "") -> str:
    """The date lies outside the year, or before the other date of the same row where it has one."""
    early = f" OR pp.{column}_on < pp.{not_before}_on" if not_before else ""
    against = f"pp.{not_before}" if not_before else ""
    return found(f"pp.{column}", f"{outside_the_year(f'pp.{column}_on')}{early}", against=against)


@_all(
    "8995Q", "Please provide a reason why no module 5 (pre-proceedings and FGM) data has been provided for any child."
)
def no_pre_proceedings() -> str:
    """At least one child of the return has pre-proceedings."""
    counted = "SELECT count(*) AS modules FROM PreProceedingsandFGDM pp"
    return whole_return("PreProceedingsandFGDM", "PPStartDate", "'none'", "modules = 0", counted)


@_all("9000Q", "If you do not yet collect this data, please leave this field blank and provide a reason.")
def no_pre_proceedings_start() -> str:
    """At least one of the return's pre-proceedings has the date on which they were decided."""
    counted = "SELECT count(pp.PPStartDate) AS dated FROM PreProceedingsandFGDM pp"
    return whole_return("PreProceedingsandFGDM", "PPStartDate", "'none'", "dated = 0", counted)


@_module(
    "9005",
    "The date of the legal planning meeting or other decision making forum where the LA made the decision to commence "
    "pre-proceedings cannot fall outside the reporting year.",
)
def decided_outside_the_year() -> str:
    """Pre-proceedings are decided within the year."""
    return _dated("PPStartDate")


@_module(
    "9006",
    "The date the letter before proceedings was sent must be within the reporting year and after the date "
    "pre-proceedings began.",
)
def letter_before_proceedings() -> str:
    """The letter before proceedings is sent within the year, and not before the day pre-proceedings were decided."""
    return _dated("LBPSentDate", "PPStartDate")


@_module(
    "9007",
    "You have confirmed that a letter before proceedings was sent. Please confirm whether or not a FGDM meeting was "
    "offered in the letter.",
)
def offer_not_said() -> str:
    """Where a letter before proceedings was sent, it is said whether it offered family group decision making."""
    lacking = "pp.LBPSentDate IS NOT NULL AND pp.FGDMMeetingOffer IS NULL"
    return found("pp.FGDMMeetingOffer", lacking, against="pp.LBPSentDate")


@_module("9008", "The date of the first effective pre-proceedings meeting must be within the reporting year.")
def first_meeting_outside_the_year() -> str:
    """The first pre-proceedings meeting is held within the year."""
    return _dated("InitialPPMeetingDate")


@_module(
    "9009",
    "The date when the decision was made to step up or down must be on or after the date of the decision to begin "
    "pre-proceedings and must fall within the reporting year",
)
def step_decided() -> str:
    """The decision to step up or down is made within the year, and not before pre-proceedings were decided."""
    return _dated("StepDecisionDate", "PPStartDate")


@_module(
    "9010Q",
    "You have reported that a FGDM meeting was offered in the letter before proceedings. Please confirm whether or not "
    "a FGDM meeting was facilitated in the pre-proceedings period following this offer.",
)
def meeting_not_said() -> str:
    """Where family group decision making was offered, it is said whether a meeting was held."""
    lacking = "pp.FGDMMeetingOffer_is AND pp.FGDMMeetingFac IS NULL"
    return found("pp.FGDMMeetingFac", lacking, against="pp.FGDMMeetingOffer")


@_module(
    "9011",
    "The outcome of the pre-proceedings must be reported using a valid value",
    why="The valid outcomes (code set CS131) are in no specification that could be read. An unfinished public draft "
    "takes A, B and C; on that alone no outcome can be called wrong.",
)
def outcome() -> str:
    """An outcome of pre-proceedings is of the code set CS131."""
    return ""


@_module(
    "9012",
    "The date that the local authority submitted the court application to commence care proceedings must fall within "
    "the reporting year and be on or after the date of the decision to initiate care proceedings.",
)
def court_application() -> str:
    """The court application is made within the year, and not before the decision to step up."""
    return _dated("CourtAppDate", "StepDecisionDate")


@_module(
    "9013",
    "The date on which the letter to initiate care proceedings was sent to parents/guardians must fall within the "
    "reporting year and be on or after the date when the local authority submitted the court application to commence "
    "care proceedings.",
)
def letter_of_proceedings() -> str:
    """The letter to start care proceedings is sent within the year, and not before the court application."""
    return _dated("LetterInitCPDate", "CourtAppDate")


@_module(
    "9015Q",
    "If review meetings were held following the initial pre-proceedings meeting, the total number held should be "
    "reported.",
)
def review_meetings_not_said() -> str:
    """Where a first meeting was held, the number of review meetings is said."""
    lacking = "pp.InitialPPMeetingDate IS NOT NULL AND pp.ReviewMeetingsCount IS NULL"
    return found("pp.ReviewMeetingsCount", lacking, against="pp.InitialPPMeetingDate")

"""The ten lists of children in Annex A: what each is a list of, and the names of the columns that are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CHILD = {
    "child_ref": ("Child Unique ID", "Child ID", "Child unique identifier", "Unique child ID", "Child identifier"),
    "sex": ("Gender", "Sex"),
    "ethnicity": ("Ethnicity",),
    "birth_date": ("Date of Birth", "DOB"),
}
STAFF = {"team": ("Allocated Team", "Team"), "worker": ("Allocated Worker", "Worker", "Allocated social worker")}


@dataclass(frozen=True, slots=True)
class Sheet:
    """One list: its number, what it is a list of, and the names of the columns that are read (the first is usual)."""

    number: int
    says: str
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    days: tuple[str, ...] = ()  # which of them are days

    @property
    def title(self) -> str:
        return f"List {self.number}"

    def names(self) -> dict[str, tuple[str, ...]]:
        staff = STAFF if 3 <= self.number <= 8 else {}
        return {**CHILD, **self.columns, **staff}


LISTS = (
    Sheet(1, "contacts", {"contact_date": ("Date of Contact",)}, ("contact_date",)),
    Sheet(2, "early help assessments"),
    Sheet(
        3,
        "referrals",
        {
            "referral_date": ("Date of Referral",),
            "referral_source": ("Referral Source",),
            "no_further_action": ("Referral NFA?", "Referral NFA"),
        },
        ("referral_date",),
    ),
    Sheet(
        4,
        "assessments",
        {
            "start_date": ("Continuous Assessment Start Date", "Assessment start date"),
            "end_date": ("Continuous Assessment Date of Authorisation", "Assessment authorisation date"),
        },
        ("start_date", "end_date"),
    ),
    Sheet(
        5,
        "section 47 enquiries and conferences",
        {
            "start_date": (
                "Strategy discussion initiating Section 47 Enquiry Start Date",
                "Section 47 Enquiry Start Date",
            ),
            "conference_not_required": ("Was an Initial Child Protection Conference deemed unnecessary?",),
            "conference_date": ("Date of Initial Child Protection Conference",),
        },
        ("start_date", "conference_date"),
    ),
    Sheet(
        6,
        "children in need",
        {
            "start_date": ("CIN Start Date",),
            "primary_need": ("Primary Need Code", "Primary need"),
            "end_date": ("CIN Closure Date",),
            "closure_reason": ("Reason for Closure",),
            "status": ("Case Status",),
            "seen": ("Date Child Was Last Seen",),
        },
        ("start_date", "end_date", "seen"),
    ),
    Sheet(
        7,
        "children on a protection plan",
        {
            "start_date": ("Child Protection Plan Start Date",),
            "initial_category": ("Initial Category of Abuse",),
            "latest_category": ("Latest Category of Abuse",),
            "review_date": ("Date of latest review conference",),
            "end_date": ("Child Protection Plan End Date",),
            "previous_plans": ("Number of Previous Child Protection Plans",),
            "seen": ("Date of the Last Statutory Visit",),
        },
        ("start_date", "end_date", "review_date", "seen"),
    ),
    Sheet(
        8,
        "looked after children",
        {
            "start_date": ("Date Started to be Looked After",),
            "end_date": ("Date Ceased to be Looked After",),
            "seen": ("Date of Last Social Work Visit",),
        },
        ("start_date", "end_date", "seen"),
    ),
    Sheet(9, "care leavers"),
    Sheet(10, "children for adoption"),
)
ADOPTERS = 11
BY_NUMBER = {sheet.number: sheet for sheet in LISTS}

"""The ten lists of children in Annex A: what each is a list of, and the names of the columns that are read.

Names are those of the inspectorate's workbook first, then others met; `PATTERNS` catch the rest.
"""

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

# How local names of columns look, asked only of a list's columns that have none of the usual names: by list (0 stands
# for what all lists of cases have), the whole of the name as `plain_header` writes it.
_CHILD_ID = (
    r".*\bchilds?\b.*\b(id|identifier|ref|reference|number)\b.*|.*\b(id|identifier)\b.*\bchild\b.*|child no"
    r"|((client|person|mosaic|liquidlogic|lcs|ics|eclipse|azeus|cms|unique|case) ){1,3}(id|number|ref|identifier)"
)
_BEGAN, _ENDED = r"(start|started|began|begin|beginning|open|opened)", r"(end|ended|clos\w*|ceas\w*)"
PATTERNS: Mapping[int, Mapping[str, str]] = {
    0: {
        "child_ref": _CHILD_ID,
        "birth_date": r".*\b(date of birth|birth date|birthdate|dob)\b.*|.*date.*birth.*",
        "sex": r".*\b(gender|sex)\b.*",
        "ethnicity": r".*\bethnic.*",
        "team": r".*\bteam\b.*",
        "worker": r".*\b(worker|sw|practitioner)\b.*",
    },
    1: {"contact_date": r".*date.*contact.*|.*contact.*date.*"},
    3: {
        "referral_date": r".*date.*referral.*|.*referral.*date.*",
        "referral_source": r".*referral.*source.*|.*source.*referral.*",
        "no_further_action": r".*\bnfa\b.*|.*no further action.*",
    },
    4: {
        "start_date": rf".*assessment.*\b{_BEGAN}\b.*|.*\b{_BEGAN}\b.*assessment.*",
        "end_date": r"(?!.*seen).*assessment.*\b(authoris\w*|complet\w*|end\w*|clos\w*)\b.*"
        r"|.*date.*\b(authoris\w*|complet\w*)\b.*",
    },
    5: {
        "conference_not_required": r".*(conference|icpc).*(unnecessary|not (required|necessary|needed)).*",
        "conference_date": r".*\bdate\b.*\b(initial child protection conference|initial cpc?|icpc)\b.*"
        r"|.*\bicpc date\b.*",
        "start_date": rf".*(section 47|\bs ?47\b|strategy).*\b({_BEGAN}|date)\b.*"
        r"|.*date.*(section 47|\bs ?47\b|strategy).*",
    },
    6: {
        "end_date": r"(?!.*reason)(.*\b(cin|need|case|episode)\b.*\b(clos\w*|end|ended)\b.*|.*\b(clos\w*|end) date\b.*"
        r"|.*date.*\bclos\w*\b.*)",
        "start_date": rf".*\b(cin|need|case|episode)\b.*\b{_BEGAN}\b.*|.*\b{_BEGAN} date\b.*"
        rf"|.*\bdate\b.*\b{_BEGAN}\b.*",
        "primary_need": r".*primary need.*|.*category of need.*|.*need code.*",
        "closure_reason": r".*reason.*clos.*|.*clos.*reason.*",
        "status": r".*\bstatus\b.*",
        "seen": r".*last seen.*|.*last visit.*",
    },
    7: {
        "end_date": rf"(?!.*reason).*\bplan\b.*\b{_ENDED}\b.*|.*\b(cp|cpp)\b.*\b{_ENDED}\b.*|.*\b{_ENDED} date\b.*",
        "start_date": rf".*\bplan\b.*\b{_BEGAN}\b.*|.*\b(cp|cpp)\b.*\b{_BEGAN}\b.*|.*\b{_BEGAN} date\b.*",
        "initial_category": r".*initial.*categor.*|.*categor.*initial.*",
        "latest_category": r".*(latest|current).*categor.*|.*categor.*(latest|current).*",
        "review_date": r".*\b(latest|last)\b.*\breview\b.*|.*review.*\bdate\b.*",
        "previous_plans": r".*\bnumber\b.*\bprevious\b.*|.*\bprevious\b.*\b(plan|plans|cpp|cpps)\b.*",
        "seen": r".*\b(last|latest)\b.*\bvisit\b.*|.*statutory visit.*",
    },
    8: {
        "end_date": r"(?!.*reason).*\bceased?\b.*|.*\b(lac|cla|cic|care)\b.*\b(end|ended)\b.*",
        "start_date": r".*\b(started|start|became|becoming)\b.*looked after.*|.*\b(lac|cla|cic|care)\b.*\bstart\w*\b.*"
        r"|.*\bentered care\b.*",
        "seen": r".*\b(last|latest)\b.*\b(social work|statutory) visit\b.*",
    },
}  # fmt: skip

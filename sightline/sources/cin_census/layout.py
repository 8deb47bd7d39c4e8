"""The shape of the CIN census: which element holds what, from which collection year, and its word in the vocabulary.

Elements and their order follow the Department for Education's schemas of the collections ending 2017 to 2026, and,
for pre-proceedings, the items announced for 2026-27. The collection year is named by the year it ends in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

FIRST_YEAR, LAST_YEAR = 2017, 2027
CIN_PLANS_FROM = 2022
SEX_FROM = 2025  # GenderCurrent until then
PRE_PROCEEDINGS_FROM = 2027
CONTENT = "Content"  # of the header until 2021; it says nothing of a child and is passed over

# A child who came without an LAchildID is known by this and a line: "(no id) line 120".
NO_ID = "(no id) line "

# GenderCurrent, as used to 2024, in the letters used since.
SEX_OF_GENDER = {"1": "M", "2": "F", "0": "U", "9": "U"}
GENDER_OF_SEX = {"M": "1", "F": "2", "U": "0"}
SEXES = frozenset(GENDER_OF_SEX)


@dataclass(frozen=True, slots=True)
class Field:
    """One element that holds a value, its column in the vocabulary, and the collection years it belongs to."""

    element: str
    column: str = ""
    first: int = FIRST_YEAR
    last: int = LAST_YEAR


@dataclass(frozen=True, slots=True)
class Block:
    """One element that makes a row: its fields and the blocks inside it, in the order the census writes them.

    `number` is the column that counts the blocks of this kind within their parent, from 1; `keys` are the columns
    that tie a row to its parents. With `each`, the element is only a wrapper and every field inside it is a row.
    """

    element: str
    table: str
    keys: tuple[str, ...]
    fields: tuple[Field, ...]
    number: str = ""
    blocks: tuple[Block, ...] = ()
    each: bool = False
    vocabulary: str = ""
    first: int = FIRST_YEAR

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the table as received, `line` aside."""
        return (*self.keys, *((self.number,) if self.number else ()), *(f.element for f in self.fields))


_CHILD = ("LAchildID",)
_EPISODE = (*_CHILD, "CINdetailsID")

DISABILITIES = Block(
    "Disabilities", "Disabilities", _CHILD, (Field("Disability", "disability"),), each=True, vocabulary="disability"
)
IDENTIFIERS = Block(
    "ChildIdentifiers",
    "ChildIdentifiers",
    (),
    (
        Field("LAchildID", "child_ref"),
        Field("UPN"),
        Field("FormerUPN"),
        Field("UPNunknown", "upn_unknown"),
        Field("PersonBirthDate", "birth_date"),
        Field("ExpectedPersonBirthDate", "expected_birth_date"),
        Field("GenderCurrent", last=SEX_FROM - 1),
        Field("Sex", first=SEX_FROM),
        Field("PersonDeathDate", "death_date"),
    ),
    vocabulary="child",
)
CHARACTERISTICS = Block(
    "ChildCharacteristics",
    "ChildCharacteristics",
    _CHILD,
    (Field("Ethnicity", "ethnicity"),),
    blocks=(DISABILITIES,),
    vocabulary="child",
)
FACTORS = Block(
    "FactorsIdentifiedAtAssessment",
    "AssessmentFactors",
    (*_EPISODE, "AssessmentID"),
    (Field("AssessmentFactors", "factor"),),
    each=True,
    vocabulary="assessment_factor",
)
ASSESSMENTS = Block(
    "Assessments",
    "Assessments",
    _EPISODE,
    (
        Field("AssessmentActualStartDate", "start_date"),
        Field("AssessmentInternalReviewDate", "review_date"),
        Field("AssessmentAuthorisationDate", "end_date"),
    ),
    number="AssessmentID",
    blocks=(FACTORS,),
    vocabulary="assessment",
)
CIN_PLANS = Block(
    "CINPlanDates",
    "CINPlanDates",
    _EPISODE,
    (Field("CINPlanStartDate", "start_date"), Field("CINPlanEndDate", "end_date")),
    number="CINPlanID",
    vocabulary="cin_plan",
    first=CIN_PLANS_FROM,
)
SECTION_47 = Block(
    "Section47",
    "Section47",
    _EPISODE,
    (
        Field("S47ActualStartDate", "start_date"),
        Field("InitialCPCtarget", "conference_target"),
        Field("DateOfInitialCPC", "conference_date"),
        Field("ICPCnotRequired", "conference_not_required"),
    ),
    number="Section47ID",
    vocabulary="section_47",
)
REVIEWS = Block(
    "Reviews",
    "Reviews",
    (*_EPISODE, "CPPID"),
    (Field("CPPreviewDate", "review_date"),),
    each=True,
    vocabulary="cp_review",
)
PROTECTION_PLANS = Block(
    "ChildProtectionPlans",
    "ChildProtectionPlans",
    _EPISODE,
    (
        Field("CPPstartDate", "start_date"),
        Field("CPPendDate", "end_date"),
        Field("InitialCategoryOfAbuse", "initial_category"),
        Field("LatestCategoryOfAbuse", "latest_category"),
        Field("NumberOfPreviousCPP", "previous_plans"),
    ),
    number="CPPID",
    blocks=(REVIEWS,),
    vocabulary="cp_plan",
)
PRE_PROCEEDINGS = Block(
    "PreProceedingsandFGDM",
    "PreProceedingsandFGDM",
    _EPISODE,
    (
        Field("PPStartDate", "start_date"),
        Field("LBPSentDate", "letter_before_date"),
        Field("FGDMMeetingOffer", "meeting_offered"),
        Field("FGDMMeetingFac", "meeting_facilitated"),
        Field("InitialPPMeetingDate", "initial_meeting_date"),
        Field("ReviewMeetingsCount", "review_meetings"),
        Field("StepDecisionDate", "step_decision_date"),
        Field("PPOutcome", "outcome"),
        Field("CourtAppDate", "court_application_date"),
        Field("LetterInitCPDate", "letter_of_intent_date"),
    ),
    number="PreProceedingsID",
    vocabulary="pre_proceedings",
    first=PRE_PROCEEDINGS_FROM,
)
DETAILS = Block(
    "CINdetails",
    "CINdetails",
    _CHILD,
    (
        Field("CINreferralDate", "referral_date"),
        Field("ReferralSource", "referral_source"),
        Field("PrimaryNeedCode", "primary_need"),
        Field("CINclosureDate", "closure_date"),
        Field("ReasonForClosure", "closure_reason"),
        Field("DateOfInitialCPC", "conference_date"),
        Field("ReferralNFA", "no_further_action"),
    ),
    number="CINdetailsID",
    blocks=(ASSESSMENTS, CIN_PLANS, SECTION_47, PROTECTION_PLANS, PRE_PROCEEDINGS),
    vocabulary="referral",
)
# The one field that stands among the blocks: just before the protection plans.
NO_FURTHER_ACTION = "ReferralNFA"
CHILD = (IDENTIFIERS, CHARACTERISTICS, DETAILS)

COLLECTION_FIELDS = ("Collection", "Year", "ReferenceDate")
SOURCE_FIELDS = ("SourceLevel", "LEA", "SoftwareCode", "Release", "SerialNo", "DateTime")
HEADER_COLUMNS = (*COLLECTION_FIELDS, *SOURCE_FIELDS)


def walk(blocks: tuple[Block, ...] = CHILD) -> Iterator[Block]:
    """Every block, parents first."""
    for block in blocks:
        yield block
        yield from walk(block.blocks)


BLOCKS: dict[str, Block] = {block.table: block for block in walk()}


def reference_date(year: int) -> date:
    """The last day of the collection year that ends in `year`."""
    return date(year, 3, 31)


def collection_year(day: date) -> int:
    """The collection year (named by the year it ends in) that a day falls in: 1 April to 31 March."""
    return day.year + (day >= date(day.year, 4, 1))


def period(year: int | None) -> str:
    return f"year to 31 March {year}" if year else "unknown year"

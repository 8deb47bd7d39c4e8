"""The tables everything meets in: declared once, with grain, types, units, codes, sensitivity and source.

A *fact* table is what a reader of files yields (one reader fills some of them). The store adds `delivery` (which
file) and `system` (whose ids) to each fact row, so a row is traced by (delivery, line). A *derived* table is made
from facts by linkage, cohort or measures, and speaks of Sightline's own `child_id`.

Dates are closed-open intervals of `Europe/London` days: `start_date` is in, `end_date` is the first day out; a null
`end_date` is still open. Sources that give a last day in (as social care systems do) keep it in `end_date` of the
fact table as received; `cohort` converts. A missing value is null, never a code.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum


class Type(StrEnum):
    """Column types. Each maps to one DuckDB and one Arrow type (see `sightline.engine`)."""

    TEXT = "text"
    DATE = "date"
    INT = "int"  # 32 bits
    SMALL = "small"  # 16 bits, signed: counts within a week
    FLAG = "flag"  # true or false; null is unknown
    REAL = "real"


class Sensitivity(StrEnum):
    """The class that decides which roles may see a column."""

    PLAIN = "plain"  # says nothing of a child by itself
    IDENTITY = "identity"  # who the child is
    EDUCATION = "education"
    CARE_STATUS = "care status"  # that there is a plan and a worker
    CARE_DETAIL = "care detail"  # why
    LOCATION = "location"
    SPECIAL = "special category"  # ethnicity, disability, health
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its meaning, type, unit, code list (a name in `codes`), sensitivity and source."""

    name: str
    type: Type
    says: str
    sensitivity: Sensitivity = Sensitivity.PLAIN
    codes: str = ""
    unit: str = ""
    source: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """One table: its grain in words, whether it is a fact as received or derived, and its columns."""

    name: str
    grain: str
    columns: tuple[Column, ...]
    derived: bool = False

    def __post_init__(self) -> None:
        names = [c.name for c in self.columns]
        if len(names) != len(set(names)):
            raise ValueError(f"Table {self.name} names a column twice.")
        if not self.grain.startswith("One row per "):
            raise ValueError(f"The grain of {self.name} must begin 'One row per'.")

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"Table {self.name} has no column {name!r}. It has: {', '.join(self.names)}.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(c.name for c in self.columns)


IDY, E, CS, CD = Sensitivity.IDENTITY, Sensitivity.EDUCATION, Sensitivity.CARE_STATUS, Sensitivity.CARE_DETAIL
LOC, SP, ST = Sensitivity.LOCATION, Sensitivity.SPECIAL, Sensitivity.STAFF
TEXT, DATE, INT, SMALL, FLAG, REAL = Type.TEXT, Type.DATE, Type.INT, Type.SMALL, Type.FLAG, Type.REAL

CENSUS = "CIN census"
SSD = "Standard Safeguarding Dataset"
SC = "school census"
EES = "Explore Education Statistics"
IOD = "English Indices of Deprivation"
LISTS = "authority's own list (no national layout)"
OWN = "Sightline, made by people in it"
API = "children's social care API of the Department"

# What a `withdrawal` asks for, where it is no single record: all that is said of a child, or who the child is.
WITHDRAWN_CHILD, WITHDRAWN_DETAILS = "child", "child details"

CHILD_REF = Column("child_ref", TEXT, "The sending system's own id for the child", IDY, required=True)
PUPIL_REF = Column("pupil_ref", TEXT, "The sending system's own id for the pupil", IDY, required=True)
SCHOOL_REF = Column("school_ref", TEXT, "The school as the sender names it: URN, LAESTAB or the system's own id", E)
LINE = Column("line", INT, "Line (or row, or record) of the file this came from, counted from 1")
REFERRAL_REF = Column("referral_ref", TEXT, "The referral episode this belongs to, within the sending system", CS)

DELIVERY = Table(
    "delivery",
    "One row per received file in force, in the order received.",
    (
        Column("delivery", TEXT, "The delivery: the start of the hash of the file's bytes"),
        Column("kind", TEXT, "Kind of file"),
        Column("system", TEXT, "Whose ids it uses: the sending system"),
        Column("period", TEXT, "The period it speaks of, in words"),
        Column("covers", TEXT, "What a later file must share with it to replace it"),
        Column("authority", TEXT, "Three-digit authority number, where the file says"),
        Column("as_at", DATE, "The day the file speaks of: reference date, census day or last day of marks"),
        Column("received", DATE, "The day it was received"),
        Column("place", INT, "Its place in the order received; a later file has the last word"),
    ),
    derived=True,
)

_FACTS = (
    Table(
        "child",
        "One row per child known to a social care source, per delivery.",
        (
            CHILD_REF,
            Column("surname", TEXT, "Surname", IDY, source=SSD),
            Column("forename", TEXT, "First name", IDY, source=SSD),
            Column("birth_date", DATE, "Date of birth", IDY, source=CENSUS),
            Column("expected_birth_date", DATE, "Expected date of birth of an unborn child", IDY, source=CENSUS),
            Column("death_date", DATE, "Date of death", IDY, source=CENSUS),
            Column("sex", TEXT, "Sex: M, F or U (earlier gender codes 1, 2, 0 and 9 are translated)", IDY, "sex"),
            Column("ethnicity", TEXT, "Ethnicity", SP, "ethnicity", source=CENSUS),
            Column("upn_unknown", TEXT, "Why there is no UPN", IDY, "upn_unknown", source=CENSUS),
            Column("postcode", TEXT, "Home postcode, upper case with one space", LOC, source=SSD),
            LINE,
        ),
    ),
    Table(
        "identifier",
        "One row per child or pupil per identifier per delivery.",
        (
            Column("ref", TEXT, "The sending system's own id for the child or pupil", IDY, required=True),
            Column("kind", TEXT, "Which identifier", codes="identifier_kind", required=True),
            Column("value", TEXT, "The identifier, upper case without spaces", IDY, required=True),
            Column("valid_from", DATE, "First day it held, if known"),
            Column("valid_to", DATE, "Last day it held, if known"),
            LINE,
        ),
    ),
    Table(
        "referral",
        "One row per referral episode of a child, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("referral_date", DATE, "Date of referral", CS, source=CENSUS),
            Column("referral_source", TEXT, "Who referred", CD, "referral_source", source=CENSUS),
            Column("primary_need", TEXT, "Primary need", CD, "primary_need", source=CENSUS),
            Column("no_further_action", FLAG, "The referral led to no further action", CS, source=CENSUS),
            Column("closure_date", DATE, "Date the episode closed", CS, source=CENSUS),
            Column("closure_reason", TEXT, "Why it closed", CD, "closure_reason", source=CENSUS),
            Column("conference_date", DATE, "Initial child protection conference recorded on the episode", CD),
            Column("team_ref", TEXT, "Team that took the referral", ST, source=SSD),
            Column("worker_ref", TEXT, "Worker that took the referral", ST, source=SSD),
            LINE,
        ),
    ),
    Table(
        "disability",
        "One row per disability recorded for a child, per delivery.",
        (CHILD_REF, Column("disability", TEXT, "Disability", SP, "disability", source=CENSUS), LINE),
    ),
    Table(
        "assessment",
        "One row per assessment of a child within a referral, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("assessment_ref", TEXT, "The assessment within the sending system", CD),
            Column("start_date", DATE, "Assessment started", CS, source=CENSUS),
            Column("review_date", DATE, "Internal review date", CD, source=CENSUS),
            Column("end_date", DATE, "Assessment authorised", CS, source=CENSUS),
            LINE,
        ),
    ),
    Table(
        "assessment_factor",
        "One row per factor identified at an assessment, per delivery.",
        (
            CHILD_REF,
            Column("assessment_ref", TEXT, "The assessment", CD),
            Column("factor", TEXT, "Factor", CD, "assessment_factor", source=CENSUS),
            LINE,
        ),
    ),
    Table(
        "cin_plan",
        "One row per continuous Child in Need plan period of a child, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("plan_ref", TEXT, "The plan within the sending system", CS),
            Column("start_date", DATE, "Plan started", CS, source=CENSUS),
            Column("end_date", DATE, "Plan ended (last day, as received)", CS, source=CENSUS),
            Column("team_ref", TEXT, "Team holding the plan", ST, source=SSD),
            Column("worker_ref", TEXT, "Worker holding the plan", ST, source=SSD),
            LINE,
        ),
    ),
    Table(
        "section_47",
        "One row per section 47 enquiry of a child within a referral, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("enquiry_ref", TEXT, "The enquiry within the sending system", CD),
            Column("start_date", DATE, "Enquiry started", CD, source=CENSUS),
            Column("end_date", DATE, "Enquiry ended", CD, source=SSD),
            Column("conference_target", DATE, "Target date of the initial conference", CD, source=CENSUS),
            Column("conference_date", DATE, "Date of the initial conference", CD, source=CENSUS),
            Column("conference_not_required", FLAG, "No conference was needed", CD, source=CENSUS),
            LINE,
        ),
    ),
    Table(
        "cp_plan",
        "One row per Child Protection plan of a child, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("plan_ref", TEXT, "The plan within the sending system", CS),
            Column("start_date", DATE, "Plan started", CS, source=CENSUS),
            Column("end_date", DATE, "Plan ended (last day, as received)", CS, source=CENSUS),
            Column(
                "initial_category",
                TEXT,
                "Category of abuse at the start",
                CD,
                "abuse_category",
                source=CENSUS,
            ),
            Column("latest_category", TEXT, "Latest category of abuse", CD, "abuse_category", source=CENSUS),
            Column("previous_plans", INT, "Earlier protection plans", CD, unit="plans", source=CENSUS),
            Column("other_authority", FLAG, "The plan is another authority's", CS, source=SSD),
            LINE,
        ),
    ),
    Table(
        "cp_review",
        "One row per review of a Child Protection plan, held or only due yet, per delivery.",
        (
            CHILD_REF,
            Column("plan_ref", TEXT, "The plan", CS),
            Column("review_date", DATE, "Review held", CS, source=CENSUS),
            Column("due_date", DATE, "Review due", CS, source=SSD),
            LINE,
        ),
    ),
    Table(
        "pre_proceedings",
        "One row per pre-proceedings and family group decision making module of a referral (from 2026-27).",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("start_date", DATE, "Pre-proceedings started", CD, source="CBDS N00826"),
            Column("letter_before_date", DATE, "Letter before proceedings sent", CD, source="CBDS N00827"),
            Column("meeting_offered", FLAG, "Family group meeting offered", CD, source="CBDS N00828"),
            Column("meeting_facilitated", FLAG, "Family group meeting facilitated", CD, source="CBDS N00829"),
            Column("initial_meeting_date", DATE, "Initial pre-proceedings meeting", CD, source="CBDS N00830"),
            Column("review_meetings", INT, "Review meetings held", CD, unit="meetings", source="CBDS N00831"),
            Column("step_decision_date", DATE, "Decision to step up or down", CD, source="CBDS N00832"),
            Column("outcome", TEXT, "Outcome (code set CS131)", CD, source="CBDS N00833"),
            Column("court_application_date", DATE, "Court application", CD, source="CBDS N00834"),
            Column("letter_of_intent_date", DATE, "Letter initiating the process", CD, source="CBDS N00835"),
            LINE,
        ),
    ),
    Table(
        "looked_after",
        "One row per period in which a child was looked after, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("start_date", DATE, "Period started", CS, source=SSD),
            Column("end_date", DATE, "Period ceased", CS, source=SSD),
            LINE,
        ),
    ),
    Table(
        "involvement",
        "One row per period in which a professional was involved with a child, per delivery.",
        (
            CHILD_REF,
            REFERRAL_REF,
            Column("professional_ref", TEXT, "The professional", ST, source=SSD),
            Column("role", TEXT, "Role as received (code or description)", ST, source=SSD),
            Column("is_social_worker", FLAG, "The role is the allocated social worker's", ST),
            Column("team_ref", TEXT, "Team", ST, source=SSD),
            Column("start_date", DATE, "Involvement started", CS, source=SSD),
            Column("end_date", DATE, "Involvement ended (last day, as received)", CS, source=SSD),
            Column("change_reason", TEXT, "Why the worker changed", ST, source=SSD),
            LINE,
        ),
    ),
    Table(
        "professional",
        "One row per professional known to a social care source, per delivery.",
        (
            Column("professional_ref", TEXT, "The professional", ST, required=True),
            Column("name", TEXT, "Name", ST, source=SSD),
            Column("registration", TEXT, "Social Work England number", ST, source=SSD),
            Column("job_title", TEXT, "Job title", ST, source=SSD),
            Column("team_ref", TEXT, "Team or department", ST, source=SSD),
            LINE,
        ),
    ),
    Table(
        "team",
        "One row per social care team, per delivery.",
        (
            Column("team_ref", TEXT, "The team", ST, required=True),
            Column("name", TEXT, "Name", ST, source=SSD),
            Column("parent_ref", TEXT, "The team or service above it", ST, source=SSD),
            Column("parent_name", TEXT, "Name of that service", ST, source=SSD),
            LINE,
        ),
    ),
    Table(
        "pupil",
        "One row per pupil as one education source describes them, per delivery.",
        (
            PUPIL_REF,
            Column("surname", TEXT, "Surname", IDY, source=SC),
            Column("forename", TEXT, "First name", IDY, source=SC),
            Column("birth_date", DATE, "Date of birth", IDY, source=SC),
            Column("sex", TEXT, "Sex", IDY, "sex", source=SC),
            Column("ethnicity", TEXT, "Ethnicity", SP, "ethnicity_school", source=SC),
            Column("postcode", TEXT, "Home postcode, upper case with one space", LOC, source=SC),
            Column("lsoa", TEXT, "Small area (LSOA) of the home, where the sender gives it", LOC, source=IOD),
            LINE,
        ),
    ),
    Table(
        "enrolment",
        "One row per pupil's registration at a school, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("entry_date", DATE, "First day on roll", E, source=SC),
            Column("leaving_date", DATE, "Last day on roll", E, source=SC),
            Column("year_group", TEXT, "National curriculum year", E, "year_group", source=SC),
            Column("status", TEXT, "Kind of registration", E, "enrolment_status", source=SC),
            Column("boarder", TEXT, "Boarder", E, "boarder", source=SC),
            LINE,
        ),
    ),
    Table(
        "characteristic",
        "One row per pupil per census day, per delivery.",
        (
            PUPIL_REF,
            Column("as_at", DATE, "Census day", source=SC),
            Column("fsm", FLAG, "Eligible for free school meals that day", E, source=SC),
            Column("fsm_ever_6", FLAG, "Eligible on a census day of the last six years (Ever 6 FSM)", E, source=SC),
            Column("sen_provision", TEXT, "Special educational needs provision", E, "sen_provision", source=SC),
            Column("sen_primary", TEXT, "Primary need", E, "sen_type", source=SC),
            Column("language", TEXT, "First language", SP, source=SC),
            Column("eal", FLAG, "English is an additional language; null where it is not known", SP, source=SC),
            Column("young_carer", TEXT, "Young carer", E, "young_carer", source=SC),
            LINE,
        ),
    ),
    Table(
        "termly_attendance",
        "One row per pupil per school per census term per attendance code, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("term_start", DATE, "First day of the period the sessions fall in", E),
            Column("term_end", DATE, "Day after the last day of that period", E),
            Column(
                "code",
                TEXT,
                "Attendance code; null for the row that holds sessions possible",
                E,
                "attendance",
            ),
            Column("sessions", INT, "Sessions", E, unit="half days", source=SC),
            LINE,
        ),
    ),
    Table(
        "attendance_week",
        "One row per pupil per school per week (Monday), per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("week", DATE, "Monday of the week", E),
            Column(
                "marks",
                TEXT,
                "Ten packed marks, Monday morning to Friday afternoon (fourteen where a weekend session exists); "
                "'.' where there is no mark. The alphabet is `codes.packed`",
                E,
            ),
            Column("possible", SMALL, "Sessions that count as possible attendances", E, unit="half days"),
            Column("authorised", SMALL, "Authorised absences", E, unit="half days"),
            Column("unauthorised", SMALL, "Unauthorised absences", E, unit="half days"),
            Column("approved", SMALL, "Sessions at approved educational activity", E, unit="half days"),
            Column("late", SMALL, "Sessions marked late before (L) or after (U) the register closed", E),
            Column("not_possible", SMALL, "Marks that are not possible attendances", E, unit="half days"),
            LINE,
        ),
    ),
    Table(
        "suspension",
        "One row per suspension or permanent exclusion of a pupil, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("start_date", DATE, "First day", E, source=SC),
            Column("end_date", DATE, "Last day, where the sender gives it", E),
            Column("sessions", INT, "Sessions", E, unit="half days", source=SC),
            Column("category", TEXT, "SUSP, PERM or LNCH", E, "exclusion_category", source=SC),
            Column("reason1", TEXT, "First reason", E, "exclusion_reason", source=SC),
            Column("reason2", TEXT, "Second reason", E, "exclusion_reason", source=SC),
            Column("reason3", TEXT, "Third reason", E, "exclusion_reason", source=SC),
            LINE,
        ),
    ),
    Table(
        "school",
        "One row per school in the register of schools, per delivery.",
        (
            Column("urn", TEXT, "Unique reference number", required=True, source="Get Information about Schools"),
            Column("laestab", TEXT, "Authority number and establishment number, seven digits"),
            Column("name", TEXT, "Name"),
            Column("phase", TEXT, "Phase of education, in words"),
            Column("type", TEXT, "Type of establishment, in words"),
            Column("type_group", TEXT, "Group of types, in words"),
            Column("status", TEXT, "Open, closed, proposed to open or proposed to close"),
            Column("open_date", DATE, "Opened"),
            Column("close_date", DATE, "Closed"),
            Column("low_age", INT, "Lowest statutory age", unit="years"),
            Column("high_age", INT, "Highest statutory age", unit="years"),
            Column("trust_ref", TEXT, "Trust's group id"),
            Column("trust_name", TEXT, "Trust"),
            Column("ukprn", TEXT, "UK provider reference number"),
            Column("postcode", TEXT, "Postcode"),
            Column("locality", TEXT, "Town or locality"),
            Column("authority", TEXT, "Three-digit authority number"),
            LINE,
        ),
    ),
    Table(
        "school_link",
        "One row per link between a school and its predecessor or successor, per delivery.",
        (
            Column("urn", TEXT, "The school", required=True),
            Column("link_urn", TEXT, "The other school", required=True),
            Column("link_type", TEXT, "Predecessor, Successor, merged, amalgamated, split"),
            Column("link_date", DATE, "When the link was established"),
            LINE,
        ),
    ),
    Table(
        "term",
        "One row per half term of one authority's school calendar.",
        (
            Column("authority", TEXT, "Three-digit authority number"),
            Column("name", TEXT, "Autumn 1 to summer 2", codes="half_term"),
            Column("start_date", DATE, "First school day"),
            Column("end_date", DATE, "Day after the last school day"),
            LINE,
        ),
    ),
    Table(
        "closure",
        "One row per day on which schools of the authority (or one school) are closed within a term.",
        (
            Column("authority", TEXT, "Three-digit authority number"),
            Column("school_ref", TEXT, "One school, or null for all"),
            Column("day", DATE, "The day"),
            Column("says", TEXT, "Why"),
            LINE,
        ),
    ),
    Table(
        "early_help",
        "One row per early help episode of a child, per delivery.",
        (
            CHILD_REF,
            Column("episode_ref", TEXT, "The episode within the sending system", CS),
            Column("start_date", DATE, "Early help started", CS, source=SSD),
            Column("end_date", DATE, "Early help ended (last day, as received)", CS, source=SSD),
            Column("reason", TEXT, "Why, as received", CD, source=SSD),
            Column("end_reason", TEXT, "Why it ended, as received", CD, source=SSD),
            Column("organisation", TEXT, "Lead organisation", CS, source=SSD),
            Column("worker_ref", TEXT, "Lead worker", ST, source=SSD),
            LINE,
        ),
    ),
    Table(
        "part_time_timetable",
        "One row per period in which a pupil was on a part-time timetable, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("start_date", DATE, "First day", E, source=LISTS),
            Column("end_date", DATE, "Last day, or the day it is meant to end", E, source=LISTS),
            Column("review_date", DATE, "Next review", E, source=LISTS),
            Column("hours", REAL, "Hours of education a week", E, unit="hours", source=LISTS),
            Column("reason", TEXT, "Why, as received", E, source=LISTS),
            Column("parent_agreed", FLAG, "A parent has agreed", E, source=LISTS),
            LINE,
        ),
    ),
    Table(
        "missing_education",
        "One row per period in which a child was recorded as missing education, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("start_date", DATE, "Recorded as missing education from", E, source=LISTS),
            Column("end_date", DATE, "Last day, where it is over", E, source=LISTS),
            Column("reason", TEXT, "Why, as received", E, source=LISTS),
            Column("outcome", TEXT, "How it ended, as received", E, source=LISTS),
            LINE,
        ),
    ),
    Table(
        "home_education",
        "One row per period in which a child was educated at home by choice, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("start_date", DATE, "First day", E, source=LISTS),
            Column("end_date", DATE, "Last day, where it is over", E, source=LISTS),
            Column("reason", TEXT, "Why, as received", E, source=LISTS),
            Column("outcome", TEXT, "How it ended, or how suitable it was found, as received", E, source=LISTS),
            LINE,
        ),
    ),
    Table(
        "alternative_provision",
        "One row per placement of a pupil away from their school: alternative provision, off-site direction or managed "
        "move, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("provider_ref", TEXT, "Where to: URN, LAESTAB or name of the provider or host school", E),
            Column("kind", TEXT, "Which arrangement", E, "provision_kind"),
            Column("start_date", DATE, "First day", E, source=LISTS),
            Column("end_date", DATE, "Last day, or the day it is meant to end", E, source=LISTS),
            Column("review_date", DATE, "Next review", E, source=LISTS),
            Column("hours", REAL, "Hours there a week", E, unit="hours", source=LISTS),
            Column("reason", TEXT, "Why, as received", E, source=LISTS),
            Column("outcome", TEXT, "How it ended, as received", E, source=LISTS),
            LINE,
        ),
    ),
    Table(
        "attainment",
        "One row per pupil per result: one stage, year, subject and kind of result, per delivery.",
        (
            PUPIL_REF,
            SCHOOL_REF,
            Column("stage", TEXT, "Which assessment", E, "assessment_stage", required=True),
            Column("year", INT, "Academic year: its first calendar year", E),
            Column("term", TEXT, "Half term or term of a termly assessment, as received", E),
            Column("subject", TEXT, "Subject", E, "subject"),
            Column("measure", TEXT, "What was measured, as the sender names it (score, outcome, points)", E),
            Column("result", TEXT, "The result as received: a score, a grade or a code", E),
            Column("score", REAL, "The result as a number, where it is one", E),
            Column("met", FLAG, "At or above the expected standard; null where the result does not say", E),
            LINE,
        ),
    ),
    Table(
        "comparator",
        "One row per published figure: data set, period, area, group, phase, other breakdown and indicator.",
        (
            Column("dataset", TEXT, "The published data set", required=True, source=EES),
            Column("period", TEXT, "The period: 2023/24 (academic or financial year) or 2024", source=EES),
            Column("period_kind", TEXT, "Kind of period, in the publisher's words", source=EES),
            Column("year", INT, "The period's first calendar year", source=EES),
            Column("level", TEXT, "National, Regional, Local authority or the publisher's word", source=EES),
            Column("area_code", TEXT, "Nine-character code of the area", source=EES),
            Column("authority", TEXT, "Three-digit authority number, for a local authority", source=EES),
            Column("area_name", TEXT, "Name of the area", source=EES),
            Column("child_group", TEXT, "Social care group", codes="social_care_group", source=EES),
            Column("phase", TEXT, "Phase or type of school", source=EES),
            Column(
                "breakdown", TEXT, "Other filters as 'name: value', in order of name, semicolons between", source=EES
            ),
            Column("indicator", TEXT, "The indicator's name in the file", required=True, source=EES),
            Column("figure", REAL, "The figure; null where there is a symbol instead", source=EES),
            Column("symbol", TEXT, "Why there is no figure", codes="statistic_symbol", source=EES),
            LINE,
        ),
    ),
    Table(
        "comparator_definition",
        "One row per indicator or group of a published data set, with what it means.",
        (
            Column("dataset", TEXT, "The published data set", required=True, source=EES),
            Column("kind", TEXT, "Whether it is an indicator, a filter or a group", required=True),
            Column("name", TEXT, "Its name in the files", required=True, source=EES),
            Column("label", TEXT, "Its name in words", source=EES),
            Column("unit", TEXT, "Unit", source=EES),
            Column("definition", TEXT, "What it means", source=EES),
            Column("warning", TEXT, "What it must not be taken for"),
            LINE,
        ),
    ),
    Table(
        "deprivation",
        "One row per small area (LSOA) per edition of the Indices of Deprivation.",
        (
            Column("lsoa", TEXT, "Code of the lower-layer super output area", required=True, source=IOD),
            Column("lsoa_year", INT, "The census year whose areas these are: 2011 or 2021", source=IOD),
            Column("edition", INT, "Edition of the index: 2019 or 2025", source=IOD),
            Column("idaci_rank", INT, "Income deprivation affecting children: rank, 1 the most deprived", source=IOD),
            Column("idaci_decile", INT, "The same: tenth of areas, 1 the most deprived", source=IOD),
            Column("idaci_score", REAL, "The same: share of children", source=IOD),
            Column("idaci_children", INT, "Children in income deprivation, rounded to 5", unit="children", source=IOD),
            Column("children", INT, "Children aged 0 to 15", unit="children", source=IOD),
            Column("imd_rank", INT, "Index of multiple deprivation: rank, 1 the most deprived", source=IOD),
            Column("imd_decile", INT, "The same: tenth of areas, 1 the most deprived", source=IOD),
            LINE,
        ),
    ),
    Table(
        "withdrawal",
        "One row per record that a sender of social care records asks to be purged, per delivery.",
        (
            Column("ref", TEXT, "The sending system's own id of the child", IDY, required=True, source=API),
            Column("part", TEXT, "The child, the child's details, or the column that names the record", source=API),
            Column("value", TEXT, "The record's id in that column", CS, source=API),
            LINE,
        ),
    ),
    Table(
        "decision",
        "One row per decision of a person about one thing that Sightline found, in the order taken.",
        (
            Column("about", TEXT, "The kind of thing decided about: exception or pair", required=True, source=OWN),
            Column(
                "subject",
                TEXT,
                "The id of the thing: for an exception, its exception_id; for a pair, the keys of its two records",
                required=True,
                source=OWN,
            ),
            Column(
                "decision",
                TEXT,
                "What was decided: for an exception, a decision its states allow; for a pair, same child, different "
                "children, cannot tell or reopened",
                required=True,
                source=OWN,
            ),
            Column("reason", TEXT, "Why, in the person's words", CD, source=OWN),
            Column("by", TEXT, "Who decided", ST, source=OWN),
            Column("at", TEXT, "When: an ISO moment with its offset", source=OWN),
            Column("batch", TEXT, "The batch it was sent or answered in", source=OWN),
            Column("owner", TEXT, "Who was asked", source=OWN),
            Column("parted", TEXT, "Digest of the two values as they stood", source=OWN),
            LINE,
        ),
    ),
)

CHILD_ID = Column("child_id", TEXT, "Sightline's own id for a person, stable from snapshot to snapshot", IDY)
URN = Column("urn", TEXT, "The school's URN, or the sender's own reference where no URN was found", E)
FROM_DELIVERY = Column("delivery", TEXT, "The delivery (received file) this rests on")
FROM_LINE = Column("line", INT, "The line in that file")

_PARTED = (
    Column("exception_id", TEXT, "Its own id, the same in every snapshot: made of the rule, the child and what parted"),
    Column("rule", TEXT, "Code of the rule"),
    Column("child_id", TEXT, "Sightline's own id of the child; null where it is about a school", IDY),
    Column("urn", TEXT, "The school it is about, where it is about one", E),
    Column("what", TEXT, "What parted: the field, with the plan, school or event it belongs to"),
    Column("system", TEXT, "The system that is asked to look first"),
    Column("owner", TEXT, "Who puts it right: an owner, and for a school its URN"),
    Column("left_system", TEXT, "System of the first value"),
    Column("left_value", TEXT, "What it says", CD),
    Column("left_delivery", TEXT, "The delivery it says it in"),
    Column("left_line", INT, "The line there"),
    Column("right_system", TEXT, "System of the second value"),
    Column("right_value", TEXT, "What that says; null: nothing", CD),
    Column("right_delivery", TEXT, "The delivery it says it in, or that is silent"),
    Column("right_line", INT, "The line there, if any"),
    Column("days", INT, "How late, where the rule is about lateness", unit="days"),
    Column("in_cohort", FLAG, "The child was in the cohort on the newest day of social care data", CS),
    Column("parted", TEXT, "Digest of the two values: an explanation holds while it stays as it was"),
)

_DERIVED = (
    DELIVERY,
    Table(
        "link",
        "One row per record of a person in a source (system and ref), naming the child it is.",
        (
            Column("system", TEXT, "Whose ids: the sending system"),
            Column("ref", TEXT, "The sending system's own id", IDY),
            CHILD_ID,
            Column(
                "step",
                TEXT,
                "The pass that made the link, or 'alone' where nothing matched",
                codes="link_pass",
            ),
            Column("evidence", TEXT, "The evidence in words; no value of a record is quoted"),
            Column("probability", REAL, "1 for a deterministic pass"),
        ),
        derived=True,
    ),
    Table(
        "link_doubt",
        "One row per pair of records that a pass could not decide, with the reason.",
        (
            Column("left_system", TEXT, "System of the first record"),
            Column("left_ref", TEXT, "Its id", IDY),
            Column("right_system", TEXT, "System of the second record"),
            Column("right_ref", TEXT, "Its id", IDY),
            Column("step", TEXT, "The pass", codes="link_pass"),
            Column("why", TEXT, "Why it was not decided"),
            Column("probability", REAL, "How likely they are one child; null where the pass gives none"),
        ),
        derived=True,
    ),
    Table(
        "alike",
        "One row per child of social care whom names, birth date, sex and postcode alone find among the pupils.",
        (CHILD_ID,),
        derived=True,
    ),
    Table(
        "match_rate",
        "One row per group of the children a school should know on the newest day of social care data: how many were "
        "found in education.",
        (
            Column("by", TEXT, "What they are grouped by: plan, sex, ethnicity, age, team, school or sen"),
            Column("value", TEXT, "The group"),
            Column("children", INT, "Children on a plan or looked after, of compulsory school age"),
            Column("found", INT, "Of them, those whom an education record is linked to"),
            Column("percent", REAL, "The match rate: found as a percentage of children"),
            Column("with_marks", INT, "Of them, those whom a register has"),
            Column("marks_percent", REAL, "As a percentage of children"),
            Column("missed", REAL, "Links estimated to be missing; null where too few were found both ways"),
            Column("missed_low", REAL, "The lower end of that estimate (95%)"),
            Column("missed_high", REAL, "The upper end"),
        ),
        derived=True,
    ),
    Table(
        "described",
        "One row per child or pupil that a source describes: field by field, the latest word. Numbers are apart.",
        (
            CHILD_ID,
            Column("surname", TEXT, "Surname", IDY),
            Column("forename", TEXT, "First name", IDY),
            Column("birth_date", DATE, "Date of birth", IDY),
            Column("death_date", DATE, "Date of death", IDY),
            Column("sex", TEXT, "Sex", IDY, "sex"),
            Column("ethnicity", TEXT, "Ethnicity", SP),
            Column("postcode", TEXT, "Home postcode", LOC),
        ),
        derived=True,
    ),
    Table(
        "person",
        "One row per child or pupil: the best word of all sources on who they are.",
        (
            CHILD_ID,
            Column("surname", TEXT, "Surname", IDY),
            Column("forename", TEXT, "First name", IDY),
            Column("birth_date", DATE, "Date of birth", IDY),
            Column("death_date", DATE, "Date of death", IDY),
            Column("sex", TEXT, "Sex", IDY, "sex"),
            Column("ethnicity", TEXT, "Ethnicity", SP),
            Column("upn", TEXT, "Unique pupil number", IDY),
            Column("postcode", TEXT, "Home postcode", LOC),
            Column("known_to_care", FLAG, "A social care source knows this child", CS),
        ),
        derived=True,
    ),
    Table(
        "status_period",
        "One row per child per unbroken period of one status (before precedence), closed-open.",
        (
            CHILD_ID,
            Column("status", TEXT, "looked after, CP plan, CIN plan or assessment", CS, "status"),
            Column("start_date", DATE, "First day", CS),
            Column("end_date", DATE, "First day out; null while open", CS),
            Column("presumed", FLAG, "The end is presumed: a later file no longer shows the plan", CS),
            Column("other_authority", FLAG, "The plan is another authority's", CS),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "counted_period",
        "One row per child per unbroken period under one counted status and one latest ended plan, closed-open. "
        "No two of a child overlap: precedence, the look-back, ages and deaths are applied.",
        (
            CHILD_ID,
            Column("status", TEXT, "looked after, CP plan, CIN plan, Ever 6 or assessment only", CS, "status"),
            Column("start_date", DATE, "First day counted under this status", CS),
            Column("end_date", DATE, "First day not counted under it; null while no end is known", CS),
            Column("since", DATE, "First day of the status itself, outranked or not; for Ever 6, off the plan", CS),
            Column("last_plan_end", DATE, "First day off the latest plan that has ended; null where none has", CS),
            Column("other_authority", FLAG, "The plan is another authority's", CS),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "allocation",
        "One row per period in which one worker was a child's allocated social worker, closed-open.",
        (
            CHILD_ID,
            Column("worker_ref", TEXT, "The worker", ST),
            Column("worker_name", TEXT, "Worker's name", ST),
            Column("team_ref", TEXT, "Team", ST),
            Column("team_name", TEXT, "Team's name", ST),
            Column("start_date", DATE, "First day", CS),
            Column("end_date", DATE, "First day out; null while open", CS),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "enrolment_period",
        "One row per child per school per unbroken registration, closed-open.",
        (
            CHILD_ID,
            URN,
            Column("start_date", DATE, "First day on roll", E),
            Column("end_date", DATE, "First day off roll; null while on roll", E),
            Column("year_group", TEXT, "Latest national curriculum year", E, "year_group"),
            Column("year_group_year", INT, "Academic year (its first calendar year) that year group held in", E),
            Column("status", TEXT, "Kind of registration", E, "enrolment_status"),
            Column("boarder", FLAG, "A boarder", E),
            Column("by_marks", FLAG, "No register of pupils names the child at the school: marks do", E),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "presence",
        "One row per pupil's record per school per delivery of marks: from when to when there were sessions.",
        (
            Column("system", TEXT, "Whose ids: the sending system"),
            Column("pupil_ref", TEXT, "The sending system's own id", IDY),
            SCHOOL_REF,
            Column("first_week", DATE, "Monday of the first week with a possible session, if any", E),
            Column("last_week", DATE, "Monday of the last such week", E),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "register_week",
        "One row per child per school per week (Monday): the latest word on each session.",
        (
            CHILD_ID,
            URN,
            Column("week", DATE, "Monday of the week", E),
            Column("marks", TEXT, "Ten (or fourteen) packed marks", E),
            Column("possible", SMALL, "Possible sessions", E, unit="half days"),
            Column("authorised", SMALL, "Authorised absences", E, unit="half days"),
            Column("unauthorised", SMALL, "Unauthorised absences", E, unit="half days"),
            Column("approved", SMALL, "Approved educational activity", E, unit="half days"),
            Column("late", SMALL, "Late", E, unit="half days"),
            Column("not_possible", SMALL, "Not possible attendances", E, unit="half days"),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "register_year",
        "One row per child per school per academic year (an enrolment's year).",
        (
            CHILD_ID,
            URN,
            Column("year", INT, "Academic year: its first calendar year"),
            Column("possible", INT, "Possible sessions", E, unit="half days"),
            Column("authorised", INT, "Authorised absences", E, unit="half days"),
            Column("unauthorised", INT, "Unauthorised absences", E, unit="half days"),
        ),
        derived=True,
    ),
    Table(
        "register_school_week",
        "One row per school per week, all pupils.",
        (
            URN,
            Column("week", DATE, "Monday of the week"),
            Column("pupils", INT, "Pupils with a possible session", unit="pupils"),
            Column("possible", INT, "Possible sessions", unit="half days"),
            Column("authorised", INT, "Authorised absences", unit="half days"),
            Column("unauthorised", INT, "Unauthorised absences", unit="half days"),
        ),
        derived=True,
    ),
    Table(
        "exclusion",
        "One row per suspension or permanent exclusion of a child, repeats of two censuses removed.",
        (
            CHILD_ID,
            URN,
            Column("start_date", DATE, "First day", E),
            Column("end_date", DATE, "Last day, where given", E),
            Column("sessions", INT, "Sessions", E, unit="half days"),
            Column("category", TEXT, "SUSP, PERM or LNCH", E, "exclusion_category"),
            Column("reason1", TEXT, "First reason", E, "exclusion_reason"),
            Column("received", DATE, "Day the file came", E),
            FROM_DELIVERY,
            FROM_LINE,
        ),
        derived=True,
    ),
    Table(
        "finding",
        "One row per thing found wrong in one place of one received file, or by comparing files.",
        (
            Column("delivery", TEXT, "The delivery"),
            Column("rule", TEXT, "Stable code of the rule"),
            Column("severity", TEXT, "error, query or note"),
            Column("says", TEXT, "The sentence"),
            Column("table", TEXT, "Table"),
            Column("record", TEXT, "The source's own id of the record", IDY),
            Column("field", TEXT, "Field"),
            Column("value", TEXT, "The value as received", IDY),
            Column("right", TEXT, "What would be right"),
            Column("line", INT, "Line in the file"),
        ),
        derived=True,
    ),
    Table(
        "record_check",
        "One row per rule over the records of several files, per stretch of them: whether it ran, and what it found.",
        (
            Column("rule", TEXT, "Code of the rule"),
            Column("part", TEXT, "The stretch: an academic year of marks by its first calendar year, or 'records'"),
            Column("ran", FLAG, "There was something to hold it against; what did not run has found nothing out"),
            Column("why", TEXT, "What it lacked, where it could not run"),
            Column("found", INT, "Findings", unit="findings"),
        ),
        derived=True,
    ),
    Table(
        "disagreement",
        "One row per disagreement of two sources (or of a source and a rule) that this snapshot shows.",
        _PARTED,
        derived=True,
    ),
    Table(
        "rule_run",
        "One row per rule of reconciliation: whether this snapshot let it run, and how much it found.",
        (
            Column("rule", TEXT, "Code of the rule"),
            Column("ran", FLAG, "There was something to compare; what did not run has found nothing out"),
            Column("why", TEXT, "What it lacked, where it could not run"),
            Column("found", INT, "Disagreements it found", unit="disagreements"),
        ),
        derived=True,
    ),
    Table(
        "exception",
        "One row per disagreement of this snapshot or an earlier one, with its life so far.",
        (
            *_PARTED,
            Column("state", TEXT, "new, sent, acknowledged, explained or corrected at source"),
            Column("due_date", DATE, "The day by which it should be put right or explained"),
            Column("opened", DATE, "The day it was found, or found again"),
            Column("opened_at", TEXT, "The same as an ISO moment: decisions before it do not count"),
            Column("opened_snapshot", TEXT, "The snapshot that showed it first, or first again"),
            Column("seen_snapshot", TEXT, "The last snapshot that showed it"),
            Column("closed", DATE, "The day its sources were found to agree; null while open"),
            Column("closed_snapshot", TEXT, "The snapshot in which they agreed"),
            Column("times", INT, "How often it was opened"),
            Column("reason", TEXT, "The reason of the latest decision that counts", CD),
            Column("decided_by", TEXT, "Who took it", ST),
            Column("decided_at", TEXT, "When: an ISO moment"),
        ),
        derived=True,
    ),
    Table(
        "exception_history",
        "One row per opening, closing or reopening of an exception.",
        (
            Column("exception_id", TEXT, "The exception"),
            Column("day", DATE, "The day"),
            Column("at", TEXT, "The same as an ISO moment"),
            Column("snapshot", TEXT, "The snapshot that showed it"),
            Column("from_state", TEXT, "State before; null at the first opening"),
            Column("to_state", TEXT, "State after"),
        ),
        derived=True,
    ),
    Table(
        "accuracy",
        "One row per snapshot per source system that knows a child of the cohort.",
        (
            Column("snapshot", TEXT, "The snapshot"),
            Column("made", DATE, "The day it was made"),
            Column("day", DATE, "The newest day of social care data: the cohort is that day's"),
            Column("system", TEXT, "The source system"),
            Column("children", INT, "Children of the cohort that the system knows", unit="children"),
            Column("agree", INT, "Those on whom no open, unexplained exception names it", unit="children"),
            Column("explained", INT, "Those of them on whom an explained exception does", unit="children"),
            Column("asked", INT, "Those on whom such an exception asks this system to look first", unit="children"),
        ),
        derived=True,
    ),
)

TABLES: dict[str, Table] = {t.name: t for t in (*_FACTS, *_DERIVED)}
FACTS: tuple[str, ...] = tuple(t.name for t in _FACTS)
DERIVED: tuple[str, ...] = tuple(t.name for t in _DERIVED)


def shape() -> str:
    """A digest of how every table is declared: two programs that agree on it can read each other's snapshots."""
    said = ((t.name, [(c.name, str(c.type)) for c in t]) for t in TABLES.values())
    return hashlib.sha256(repr(sorted(said)).encode()).hexdigest()[:12]


SHAPE = shape()

"""Limits the law or national definitions set: facts with their source, not an authority's choice (see `settings`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Limit:
    """One fact: a number, its unit, what it means and where it comes from."""

    name: str
    value: int
    unit: str
    says: str
    source: str


SCHOOL_YEAR: Final = Limit(
    "school year",
    380,
    "half days",
    "Sessions a maintained school must open for pupils in a school year",
    "Education (School Day and School Year) (England) Regulations 1999",
)
TRAINING_DAYS: Final = Limit(
    "training days",
    5,
    "days",
    "Days in a usual year on which teachers work and pupils do not attend",
    "School Teachers' Pay and Conditions Document: 195 days, of which 190 with pupils",
)
SUSPENSION: Final = Limit(
    "suspension in a year",
    45,
    "school days",
    "The most one pupil may be suspended for in a school year, over all schools",
    "Education Act 2002, section 51A, and the School Discipline Regulations 2012; evaluation report, Annex 4",
)
SUSPENSION_PROVISION: Final = Limit(
    "provision in a suspension",
    6,
    "school day",
    "The day of a suspension or permanent exclusion from which full-time education must be arranged",
    "Education and Inspections Act 2006, section 100, and Education Act 1996, section 19",
)
SAME_SUSPENSION: Final = Limit(
    "one suspension told twice",
    7,
    "days",
    "Two systems' suspensions of one child that begin within so many days of each other are one, told differently",
    "Sightline (no source sets it: a school week, within which the day told to the authority slips)",
)
PENALTY_SESSIONS: Final = Limit(
    "penalty notice sessions",
    10,
    "half days",
    "Unauthorised sessions (G, N, O, U) within the rolling weeks at which a penalty notice must be considered",
    "Working together to improve school attendance, August 2024",
)
PENALTY_WEEKS: Final = Limit(
    "penalty notice weeks",
    10,
    "school weeks",
    "The rolling period of the penalty notice threshold",
    "Working together to improve school attendance, August 2024",
)
REASON_DAYS: Final = Limit(
    "reason to be found",
    5,
    "school days",
    "Days within which N (no reason yet) must become another code, else O",
    "Working together to improve school attendance, August 2024",
)
UNBROKEN_ABSENCE: Final = Limit(
    "unbroken unauthorised absence",
    10,
    "school days",
    "Consecutive days of unauthorised absence that a school must return to the authority",
    "School Attendance (Pupil Registration) (England) Regulations 2024, regulation 13",
)
SICKNESS_RETURN: Final = Limit(
    "sickness return",
    15,
    "school days",
    "Days of illness, in a row or together, that a school must return to the authority",
    "School Attendance (Pupil Registration) (England) Regulations 2024, regulation 13",
)
REGISTER_YEARS: Final = Limit(
    "register kept",
    6,
    "years",
    "How long every entry of an attendance register is kept",
    "School Attendance (Pupil Registration) (England) Regulations 2024",
)
PLAN_ATTENDANCE: Final = Limit(
    "attendance target in a plan",
    95,
    "percent",
    "Below this attendance one Virtual School requires a target in the CIN or CP plan",
    "evaluation report, Education focus in CIN and CP plans (practice of one authority, not law)",
)
EVER_6_MEALS: Final = Limit(
    "Ever 6 FSM",
    6,
    "years",
    "How far back eligibility for free school meals on a school census day counts as Ever 6 FSM",
    "Department for Education, pupil premium: conditions of grant",
)
EXPECTED_SCALED_SCORE: Final = Limit(
    "expected scaled score",
    100,
    "scaled score",
    "The scaled score from which the expected standard of a key stage test is met (scores run from 80 to 120)",
    "Key stage 1 and 2 assessment: scaled scores (Standards and Testing Agency)",
)
PHONICS_MARK: Final = Limit(
    "expected phonics mark",
    32,
    "mark of 40",
    "The mark of the phonics screening check from which the expected standard is met",
    "Phonics screening check: threshold mark of every check since 2014, where published (Standards and Testing Agency)",
)
HOLIDAY_WEEKS: Final = Limit(
    "holidays within a year",
    20,
    "weeks",
    "How far back weeks with school, when so many of them are compared, may reach beyond their own number",
    "Sightline (no source sets it: more weeks than a school year has without school)",
)
SCHOOL_WEEK: Final = Limit(
    "week with school",
    20,
    "of the usual number",
    "A week has school when more than one in so many of the authority's usual number of pupils have marks in it",
    "Sightline (no source sets it: one special school, or training days, must not make a week of a holiday)",
)
OUTCOME_TO_PLAN: Final = Limit(
    "outcome to plan",
    92,
    "days",
    "Days after a conference or assessment within which a plan that begins is taken to follow from it",
    "Sightline (no source sets it: three months, after which a plan has another reason)",
)
BETWEEN_SCHOOLS: Final = Limit(
    "between two schools",
    56,
    "days",
    "Days after a school was left within which another that is joined is told as a move from it",
    "Sightline (no source sets it: the summer holiday and a fortnight)",
)
REGISTERS_SILENT: Final = Limit(
    "registers silent",
    16,
    "days",
    "Days before the end of a half term for which no register need have come: a holiday of two weeks and its weekends",
    "Sightline (no source sets it: the longest holiday at the end of a half term but summer's)",
)
ABSENCE_AGES: Final = (5, 15)
"""Ages at 31 August before the year that absence statistics count (DfE, pupil absence statistics methodology)."""

LIMITS: Final = (
    SCHOOL_YEAR,
    TRAINING_DAYS,
    SUSPENSION,
    SUSPENSION_PROVISION,
    SAME_SUSPENSION,
    PENALTY_SESSIONS,
    PENALTY_WEEKS,
    REASON_DAYS,
    UNBROKEN_ABSENCE,
    SICKNESS_RETURN,
    REGISTER_YEARS,
    PLAN_ATTENDANCE,
    EVER_6_MEALS,
    EXPECTED_SCALED_SCORE,
    PHONICS_MARK,
    HOLIDAY_WEEKS,
    SCHOOL_WEEK,
    OUTCOME_TO_PLAN,
    BETWEEN_SCHOOLS,
    REGISTERS_SILENT,
)

"""Children with a social worker: who they are, on which plan and since when, with whom, and at which school."""

from sightline.cohort.allocations import assemble_allocations
from sightline.cohort.changes import CHANGES, Summary, changes, summary
from sightline.cohort.circumstances import assemble_circumstances
from sightline.cohort.clocks import clocks
from sightline.cohort.counted import COHORT, PLANNED, PLANS, STATUSES, assemble_counted_periods
from sightline.cohort.early_help import assemble_early_help, on_early_help
from sightline.cohort.enrolments import assemble_enrolments, enrolments_by_marks, enrolments_by_register
from sightline.cohort.homes import assemble_homes
from sightline.cohort.periods import StatusPeriods, assemble_status_periods
from sightline.cohort.persons import KNOWN, assemble_persons, describe_persons
from sightline.cohort.schools import school_names
from sightline.cohort.status import counts_by, status_on

__all__ = [
    "CHANGES",
    "COHORT",
    "KNOWN",
    "PLANNED",
    "PLANS",
    "STATUSES",
    "StatusPeriods",
    "Summary",
    "assemble_allocations",
    "assemble_circumstances",
    "assemble_counted_periods",
    "assemble_early_help",
    "assemble_enrolments",
    "assemble_homes",
    "assemble_persons",
    "assemble_status_periods",
    "changes",
    "clocks",
    "counts_by",
    "describe_persons",
    "enrolments_by_marks",
    "enrolments_by_register",
    "on_early_help",
    "school_names",
    "status_on",
    "summary",
]

"""Rules that judge one file as it came, and rules that hold the records of several against each other.

On one file: those of the CIN census, by collection year, and those on identifiers. On records: session marks,
suspensions, and what only several sources show (`record_rules`).

A rule is a value with a sentence (`Rule`); `check` applies it to a `Census` and says clear, found or not run. Each has
a specification of small tables, which is also its documentation (`rules_markdown`).
"""

from __future__ import annotations

from sightline.validation import (  # noqa: F401  Importing registers the rules.
    across,
    assessments,
    attendance,
    children,
    episodes,
    identifiers,
    plans,
    pre_proceedings,
    protection,
    section_47,
    suspensions,
)
from sightline.validation.census import Census, census
from sightline.validation.record_specs import RecordCase, RecordSpec, record_specs
from sightline.validation.records import (
    RecordCheck,
    RecordRule,
    check_records,
    digests,
    findings_of,
    gathered,
    lacking,
    newest_marks,
    record_rules,
    runs_of,
)
from sightline.validation.rule import (
    FIRST_YEAR,
    LAST_YEAR,
    REPEATED,
    Check,
    Outcome,
    Rule,
    check,
    check_all,
    rules,
    rules_for,
)
from sightline.validation.specs import Case, Spec, heading_of, outcome_of, rules_markdown, specs

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "REPEATED",
    "Case",
    "Census",
    "Check",
    "Outcome",
    "RecordCase",
    "RecordCheck",
    "RecordRule",
    "RecordSpec",
    "Rule",
    "Spec",
    "census",
    "check",
    "check_all",
    "check_records",
    "digests",
    "findings_of",
    "gathered",
    "heading_of",
    "lacking",
    "newest_marks",
    "outcome_of",
    "record_rules",
    "record_specs",
    "rules",
    "rules_for",
    "rules_markdown",
    "runs_of",
    "specs",
]

"""Rules that judge one file as it came: those of the CIN census, by collection year, and those on identifiers.

A rule is a value with a sentence (`Rule`); `check` applies it to a `Census` and says clear, found or not run. Each has
a specification of small tables, which is also its documentation (`rules_markdown`).
"""

from __future__ import annotations

from sightline.validation import (  # noqa: F401  Importing registers the rules.
    assessments,
    children,
    episodes,
    identifiers,
    plans,
    pre_proceedings,
    protection,
    section_47,
)
from sightline.validation.census import Census, census
from sightline.validation.rule import FIRST_YEAR, LAST_YEAR, Check, Outcome, Rule, check, check_all, rules, rules_for
from sightline.validation.specs import Case, Spec, heading_of, outcome_of, rules_markdown, specs

__all__ = [
    "FIRST_YEAR",
    "LAST_YEAR",
    "Case",
    "Census",
    "Check",
    "Outcome",
    "Rule",
    "Spec",
    "census",
    "check",
    "check_all",
    "heading_of",
    "outcome_of",
    "rules",
    "rules_for",
    "rules_markdown",
    "specs",
]

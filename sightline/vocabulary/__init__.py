"""The words: tables and columns, codes by date, identifiers, attendance marks, periods, settings, findings, errors.

Nothing here reads or writes a child's record. Importing it is light: only functions that give tables load Arrow.
"""

from __future__ import annotations

from sightline.vocabulary.attendance import NO_MARK, Counts, counts, mark_codes, pack, packed_in_class, unpack
from sightline.vocabulary.codes import Code, code_list, list_names, valid_codes
from sightline.vocabulary.errors import (
    BadSetting,
    NotAllowed,
    NothingHeld,
    SightlineError,
    StoreDamaged,
    Unreachable,
    UnreadableFile,
)
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.glossary import glossary_markdown
from sightline.vocabulary.identifiers import (
    is_temporary_upn,
    laestab_fault,
    make_upn,
    nhs_number_fault,
    normalise_laestab,
    normalise_postcode,
    normalise_upn,
    upn_check_letter,
    upn_fault,
    urn_fault,
)
from sightline.vocabulary.limits import LIMITS, Limit
from sightline.vocabulary.periods import (
    Calendar,
    Closure,
    HalfTerm,
    academic_year,
    bank_holidays,
    easter,
    monday,
    statistical_term,
    term_span,
    year_label,
    year_start,
)
from sightline.vocabulary.settings import Setting, Settings
from sightline.vocabulary.tables import DERIVED, FACTS, TABLES, Column, Sensitivity, Table, Type

__all__ = [
    "DERIVED",
    "FACTS",
    "LIMITS",
    "NO_MARK",
    "TABLES",
    "BadSetting",
    "Calendar",
    "Closure",
    "Code",
    "Column",
    "Counts",
    "Finding",
    "HalfTerm",
    "Limit",
    "NotAllowed",
    "NothingHeld",
    "Sensitivity",
    "Setting",
    "Settings",
    "Severity",
    "SightlineError",
    "StoreDamaged",
    "Table",
    "Type",
    "Unreachable",
    "UnreadableFile",
    "academic_year",
    "bank_holidays",
    "code_list",
    "counts",
    "easter",
    "glossary_markdown",
    "is_temporary_upn",
    "laestab_fault",
    "list_names",
    "make_upn",
    "mark_codes",
    "monday",
    "nhs_number_fault",
    "normalise_laestab",
    "normalise_postcode",
    "normalise_upn",
    "pack",
    "packed_in_class",
    "statistical_term",
    "term_span",
    "unpack",
    "upn_check_letter",
    "upn_fault",
    "urn_fault",
    "valid_codes",
    "year_label",
    "year_start",
]

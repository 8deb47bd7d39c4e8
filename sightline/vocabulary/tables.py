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

from sightline.vocabulary.care_facts import CARE_FACTS, WITHDRAWN_CHILD, WITHDRAWN_DETAILS
from sightline.vocabulary.derived import DERIVED_TABLES
from sightline.vocabulary.school_facts import SCHOOL_FACTS
from sightline.vocabulary.table import Column, Sensitivity, Table, Type

__all__ = [
    "DERIVED", "FACTS", "SHAPE", "TABLES", "WITHDRAWN_CHILD", "WITHDRAWN_DETAILS", "Column", "Sensitivity", "Table",
    "Type", "shape",
]  # fmt: skip

_FACTS = (*CARE_FACTS, *SCHOOL_FACTS)
TABLES: dict[str, Table] = {t.name: t for t in (*_FACTS, *DERIVED_TABLES)}
FACTS: tuple[str, ...] = tuple(t.name for t in _FACTS)
DERIVED: tuple[str, ...] = tuple(t.name for t in DERIVED_TABLES)


def shape() -> str:
    """A digest of how every table is declared: two programs that agree on it can read each other's snapshots."""
    said = ((t.name, [(c.name, str(c.type)) for c in t]) for t in TABLES.values())
    return hashlib.sha256(repr(sorted(said)).encode()).hexdigest()[:12]


SHAPE = shape()

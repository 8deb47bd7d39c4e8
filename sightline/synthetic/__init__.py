"""Invented authorities: schools, children, social care and registers that are nobody's, in the files authorities send.

`synthesise` writes an authority out, with the truth beside it (`truth/faults.csv`, `children.csv`, `refs.csv`,
`status.csv`): receive the folders `schools`, `social_care` and `education`, never `truth`. `invent` makes one without
writing it, `invent_marks` and `invent_care_tables` give the large tables for measuring. `synthesise_national` writes a
nation's linked extracts with known effects.
"""

from sightline.synthetic.authority import (
    FEWEST,
    MOST,
    UNTIL,
    Invented,
    Written,
    invent,
    invent_care_tables,
    invent_marks,
)
from sightline.synthetic.faults import KINDS as FAULT_KINDS
from sightline.synthetic.national import National, synthesise_national
from sightline.synthetic.schools import AUTHORITY, AUTHORITY_NAME, OTHER_AUTHORITY
from sightline.synthetic.sending import synthesise

__all__ = [
    "AUTHORITY",
    "AUTHORITY_NAME",
    "FAULT_KINDS",
    "FEWEST",
    "MOST",
    "OTHER_AUTHORITY",
    "UNTIL",
    "Invented",
    "National",
    "Written",
    "invent",
    "invent_care_tables",
    "invent_marks",
    "synthesise",
    "synthesise_national",
]

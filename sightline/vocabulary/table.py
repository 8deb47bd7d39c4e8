"""What a table is declared with: types, sensitivity classes, columns, and the words that declarations share."""

from __future__ import annotations

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
    OFFENCE = "criminal offence"  # that a child is known to youth justice, and how (UK GDPR, Article 10)
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
LOC, SP, OFF, ST = Sensitivity.LOCATION, Sensitivity.SPECIAL, Sensitivity.OFFENCE, Sensitivity.STAFF
TEXT, DATE, INT, SMALL, FLAG, REAL = Type.TEXT, Type.DATE, Type.INT, Type.SMALL, Type.FLAG, Type.REAL

CENSUS = "CIN census"
SSD = "Standard Safeguarding Dataset"
SC = "school census"
EES = "Explore Education Statistics"
IOD = "English Indices of Deprivation"
ONS = "Office for National Statistics, postcode directory"
LISTS = "authority's own list (no national layout)"
OWN = "Sightline, made by people in it"
API = "children's social care API of the Department"

CHILD_REF = Column("child_ref", TEXT, "The sending system's own id for the child", IDY, required=True)
PUPIL_REF = Column("pupil_ref", TEXT, "The sending system's own id for the pupil", IDY, required=True)
SCHOOL_REF = Column("school_ref", TEXT, "The school as the sender names it: URN, LAESTAB or the system's own id", E)
LINE = Column("line", INT, "Line (or row, or record) of the file this came from, counted from 1")
REFERRAL_REF = Column("referral_ref", TEXT, "The referral episode this belongs to, within the sending system", CS)

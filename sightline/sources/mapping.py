"""Which column of a sender's file of session marks means what: told by agreement, by name, and by what it holds.

No standard names the columns of a school's or a collector's file of marks, so each sender's are worked out once. An
agreement is kept in the home's `mappings.toml` under the fingerprint of the file's column names:

    [mappings."3f2a90c1d4e7"]
    upn = "Pupil Ref"
    mark = "Reg Code"
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field

import pyarrow as pa

from sightline.sources.layout import normal_name
from sightline.sources.registers import FIRST_DAY, LAST_DAY, days_of, packed_letters, session_of
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.errors import UnreadableFile

LONG, DAY, WIDE, WEEK = "long", "day", "wide", "week"

# What a column may mean, and the names senders give it (lower case, everything but letters and digits a space).
ROLES: dict[str, tuple[str, ...]] = {
    "upn": ("upn", "unique pupil number", "pupil upn", "student upn", "upn number", "unique pupil number upn"),
    "former_upn": ("former upn", "previous upn", "formerupn"),
    "pupil_id": (
        "pupil id", "student id", "pupilid", "studentid", "adno", "admission number", "admission no", "adm no",
        "mis id", "misid", "pupil number", "pupil no", "pupil ref", "pupil reference", "student number", "child id",
        "id",
    ),
    "date": ("date", "session date", "mark date", "attendance date", "register date", "sessiondate", "day"),
    "session": ("session", "session name", "sessionname", "am pm", "ampm", "session type", "registration session"),
    "mark": (
        "mark", "attendance mark", "attendance code", "mark code", "session mark", "register mark", "attendance",
        "attendancecode", "attendancemark", "registration mark", "code",
    ),
    "am": ("am", "am mark", "am code", "mark am", "morning", "morning mark", "am session", "am attendance"),
    "pm": ("pm", "pm mark", "pm code", "mark pm", "afternoon", "afternoon mark", "pm session", "pm attendance"),
    "week": ("week", "week commencing", "week beginning", "w c", "wc", "week start", "week starting", "monday"),
    "marks": ("marks", "attendance marks", "week marks", "weekly marks", "mark string", "attendancemarks"),
    "urn": ("urn", "school urn", "establishment urn"),
    "laestab": ("laestab", "la estab", "dfe number", "dfe no", "dfes number", "school dfe number", "leaestab"),
    "la": ("la", "lea", "la code", "la number", "lea number"),
    "estab": ("estab", "establishment number", "establishment no", "estab number"),
    "school": ("school", "school name", "establishment", "establishment name", "school ref", "school id", "schoolname"),
    "surname": ("surname", "legal surname", "last name", "family name", "pupil surname", "lastname"),
    "forename": ("forename", "first name", "legal forename", "given name", "pupil forename", "firstname", "forenames"),
    "birth_date": ("dob", "date of birth", "birth date", "birthdate", "dateofbirth"),
    "sex": ("sex", "gender"),
    "postcode": ("postcode", "post code", "home postcode"),
}  # fmt: skip
# Names that say by themselves that the column holds attendance marks.
_PLAIN_MARKS = ("mark", "attendance mark", "attendance code", "session mark", "register mark", "registration mark")
_UPN = re.compile(r"\s*[A-Za-z]\d{11}[\dA-Za-z]\s*")
_DATE_IN_NAME = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}|\d{1,2}-\d{1,2}-\d{4}|\d{1,2}[ -][a-z]{3}[ -]\d{4}|\b\d{8}\b"
)
_WEEKDAY = re.compile("(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?")


@dataclass(frozen=True, slots=True)
class Slot:
    """One column of a wide file: the session it holds."""

    column: str
    date: str  # ISO
    session: str  # AM or PM


@dataclass(frozen=True, slots=True)
class Mapping:
    """What the columns of one file of marks mean. `form` is how its rows are made; empty when no form is complete.

    Forms: long (a row per session), day (a row per day with a morning and an afternoon mark), wide (a row per pupil
    with a column per session) and week (a row per pupil and week with its marks in one cell).
    """

    form: str
    columns: AnyMapping[str, str]
    slots: tuple[Slot, ...] = field(default=())

    @property
    def missing(self) -> str:
        """What the file lacks to be a file of marks, in words; empty when nothing is."""
        if self.form:
            return ""
        lacks = [] if {"upn", "pupil_id"} & self.columns.keys() else ["a UPN or a pupil id"]
        if not {"week", "marks"} <= self.columns.keys():
            lacks += [word for role, word in (("date", "a date"), ("session", "a session")) if role not in self.columns]
        if not {"mark", "marks", "am", "pm"} & self.columns.keys():
            lacks.append("a mark")
        return ", ".join(lacks)


def mapping_key(header: Sequence[str]) -> str:
    """Twelve characters that stand for a file's column names in their order, whatever their case and spacing."""
    return hashlib.sha256("\x1f".join(normal_name(name) for name in header).encode()).hexdigest()[:12]


def propose_mapping(table: pa.Table, agreed: AnyMapping[str, str] | None = None) -> Mapping:
    """What each column of a file of marks means: as agreed, else by its name, else by the values of these rows.

    `table` is the file or its first rows, all text. Raises UnreadableFile when the agreement names an unknown meaning
    or a column the file does not have.
    """
    names = [name for name in table.column_names if name != "line"]
    columns = _as_agreed(names, agreed or {})
    plain = {name: re.sub(r"[^a-z0-9]+", " ", name.lower()).strip() for name in names}
    for role, aliases in ROLES.items():
        if role in columns:
            continue
        free = [name for name in names if name not in columns.values()]
        for alias in aliases:
            found = next((name for name in free if plain[name] == alias), None)
            if found is not None:
                columns[role] = found
                break
    slots = tuple(slot for name in names if name not in columns.values() and (slot := _slot(name)))
    _by_values(table, names, columns)
    form = _form(columns, slots)
    if form in (LONG, DAY) and not _are_marks(table, columns, plain):
        form = ""
    return Mapping(form, columns, slots if form == WIDE else ())


def _as_agreed(names: Sequence[str], agreed: AnyMapping[str, str]) -> dict[str, str]:
    columns = {}
    for role, column in agreed.items():
        if role == "kind":  # which source reads it: the registry's business
            continue
        if role not in ROLES:
            raise UnreadableFile(f"The agreed mapping has '{role}', which is none of: {', '.join(ROLES)}.")
        if normal_name(column) not in names:
            raise UnreadableFile(f"The agreed mapping names the column '{column}' for {role}, which the file lacks.")
        columns[role] = normal_name(column)
    return columns


def _form(columns: AnyMapping[str, str], slots: Sequence[Slot]) -> str:
    if not {"upn", "pupil_id"} & columns.keys():
        return ""
    if {"week", "marks"} <= columns.keys():
        return WEEK
    if {"date", "session", "mark"} <= columns.keys():
        return LONG
    if {"date", "am", "pm"} <= columns.keys():
        return DAY
    return WIDE if len(slots) >= 2 else ""


def _slot(name: str) -> Slot | None:
    """The session a column's name speaks of: one date and one word for morning or afternoon."""
    date = _DATE_IN_NAME.search(name)
    if not date:
        return None
    words = re.findall(r"[a-z0-9]+", name.replace(date[0], " "))
    sessions = [word for word in words if not _WEEKDAY.fullmatch(word) and word not in ("session", "mark", "code")]
    if len(sessions) != 1 or (session := session_of(sessions[0])) is None:
        return None
    day = days_of([date[0].replace(" ", "-")]).popitem()[1]
    if day is None or not FIRST_DAY <= day <= LAST_DAY:
        return None
    return Slot(name, day.isoformat(), "PM" if session else "AM")


def _by_values(table: pa.Table, names: Sequence[str], columns: dict[str, str]) -> None:
    """Give the roles still missing to the columns whose values can be nothing else."""
    held = {
        name: [value for value in table[name].to_pylist() if value and value.strip()]
        for name in names
        if name not in columns.values()
    }
    held = {name: values for name, values in held.items() if values}

    def give(role: str, share: Callable[[Sequence[str]], float]) -> None:
        if role in columns:
            return
        fits = [name for name in held if share(held[name]) >= 0.9]
        if len(fits) == 1:  # two columns that would do are a question for a person
            columns[role] = fits[0]
            del held[fits[0]]

    if not {"upn", "pupil_id"} & columns.keys():
        give("upn", share_of_upns)
    if not {"week", "marks"} <= columns.keys() and not {"mark", "am", "pm"} & columns.keys():
        give("marks", _share_of_week_strings)
    if "marks" in columns:
        give("week", _share_of_days)
        return
    give("date", _share_of_days)
    if not {"am", "pm"} & columns.keys():
        give("session", _share_of_sessions)
        give("mark", _share_of_marks)


# The part of a column's values that may be what is looked for, from 0 to 1.


def share_of_upns(values: Sequence[str]) -> float:
    """The part of the values that are shaped like a UPN."""
    return sum(bool(_UPN.fullmatch(value)) for value in values) / len(values)


def _share_of_days(values: Sequence[str]) -> float:
    days = days_of(values)
    return sum((day := days[value]) is not None and FIRST_DAY <= day <= LAST_DAY for value in values) / len(values)


def _share_of_sessions(values: Sequence[str]) -> float:
    sessions = [session_of(value) for value in values]
    # A column of nothing but 1 may be anything; both halves of the day must be there.
    return sum(s is not None for s in sessions) / len(values) if {0, 1} <= set(sessions) else 0.0


def _share_of_marks(values: Sequence[str]) -> float:
    # Single letters may be anything; a register without one present mark is not to be guessed at.
    return sum(map(_is_mark, values)) / len(values) if any(value.strip() in ("/", "\\") for value in values) else 0.0


def _share_of_week_strings(values: Sequence[str]) -> float:
    if not any("/" in value or "\\" in value for value in values):
        return 0.0
    letters = packed_letters() | set("-_. ")
    return sum(len(value) in (10, 14) and letters.issuperset(value) for value in values) / len(values)


def _is_mark(value: str) -> bool:
    return value.strip().upper() in valid_codes("attendance") or value.strip() == "-"


def _are_marks(table: pa.Table, columns: AnyMapping[str, str], plain: AnyMapping[str, str]) -> bool:
    """Whether the mark columns hold attendance codes, or are named so plainly that what else they hold is a fault."""
    marks = [columns[role] for role in ("mark", "am", "pm") if role in columns]
    values = [value for name in marks for value in table[name].to_pylist() if value and value.strip()]
    if not values or any(plain[name] in _PLAIN_MARKS for name in marks):
        return True
    return sum(map(_is_mark, values)) >= len(values) / 2

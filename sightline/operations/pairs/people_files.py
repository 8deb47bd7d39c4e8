"""Any file of people as a table that linkage can compare: its columns told by name, by value, or by a mapping.

Nothing is stored. What a column means is told in this order: the mapping given, the column's name, and its values
where these can be nothing else.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.columns import bench, cell, coded_only, words
from sightline.sources.delimited import read_delimited
from sightline.sources.layout import normal_name
from sightline.sources.workbook import sheets_of
from sightline.vocabulary.dates import DATE_FORMATS, NO_DATE
from sightline.vocabulary.errors import BadSetting, UnreadableFile
from sightline.vocabulary.findings import Finding
from sightline.vocabulary.identifiers import nhs_number_fault

# What a column may mean, and the names it goes by (lower case, everything but letters and digits a space).
ROLES: Mapping[str, tuple[str, ...]] = {
    "surname": (
        "surname", "last name", "lastname", "family name", "familyname", "surname family name", "sname", "lname",
        "sur name", "second name", "family", "last", "l name", "surnames", "name 2", "name2", "pername2",
    ),
    "forename": (
        "forename", "first name", "firstname", "given name", "givenname", "forenames", "first names", "given names",
        "christian name", "fname", "fore name", "given", "first", "f name", "chosen name", "preferred forename",
        "preferred name", "preferred first name", "known as", "name 1", "name1", "pername1",
    ),
    "name": (
        "name", "full name", "fullname", "full names", "names", "name of child", "name in full", "first and surname",
        "forename surname", "forename and surname", "forenames and surname", "first name last name",
        "first name and surname", "name forename surname", "surname forename", "surname and forename",
        "name surname forename", "last name first name", "surname first name", "surname forenames",
        "name surname first",
    ),
    "birth_date": (
        "date of birth", "dob", "birth date", "birthdate", "dateofbirth", "d o b", "birthday", "born", "date birth",
        "date of birth dob", "dob date", "born on", "d of b", "date of birth date",
    ),
    "birth_day": ("day of birth", "dob day", "birth day", "dobday", "bd", "dob d", "dob dd"),
    "birth_month": ("month of birth", "dob month", "birth month", "dob mon", "dobmonth", "bm", "dob m", "dob mm"),
    "birth_year": ("year of birth", "dob year", "birth year", "dobyear", "by", "yob", "dob y", "dob yyyy"),
    "sex": ("sex", "gender", "legal sex", "sex at birth", "sex code", "gender code", "birth sex", "m f"),
    "postcode": ("postcode", "post code", "home postcode", "address postcode", "pcode", "postal code", "zip"),
    "address": ("address", "home address", "full address", "current address", "main address", "residence"),
    "school": (
        "school", "school name", "schoolname", "current school", "establishment", "establishment name", "setting",
        "school or setting", "education setting", "base school", "school attended", "urn", "school urn",
    ),
    "upn": ("upn", "unique pupil number", "upn number", "pupil number upn"),
    "nhs_number": ("nhs number", "nhs no", "nhsnumber", "nhs", "nhs num"),
    "town": ("town", "city", "town city", "town or city", "post town", "suburb", "locality", "address town"),
    "phone": (
        "phone", "telephone", "phone number", "telephone number", "mobile", "mobile number", "mobile phone", "tel",
        "tel no", "home phone", "home telephone", "phone no", "telephone no", "mobile no",
    ),
    "email": ("email", "e mail", "email address", "e mail address", "mail"),
}  # fmt: skip
# Whose the column is, where its name says so; a parent's or a worker's name is nobody's on this list.
_WHOSE = re.compile(
    r"^(the )?(child|children|childs|child s|pupil|pupils|pupil s|student|students|student s|person|pers|learner|"
    r"young person|young persons|yp|client|service user|subject|legal|current|official|registered) "
)
_ADDRESS_PART = re.compile(
    r"^(home |current |main )?(address|addr)( ?line)? ?[0-9a-e]?$|^address (street|town|house)|^line ?[0-9]$"
    r"|^(street|house|flat|door|building)( (name|number|no|num|address|line 1|name or number|number or name))?$"
)
# How the column of dates, or of whole names, says that it is written.
_WRITTEN = re.compile(r"( (d{1,2} m{1,3} y{2,4}|y{4} m{2} d{2}|m{2} d{2} y{2,4}|ddmmyyyy|yyyymmdd))$")
_SURNAME_FIRST = re.compile(r"\b(surname|last name)\b.*\b(forenames?|first name|first)\b")
_UPN = re.compile(r"[A-HJ-NP-RT-Z]\d{11}[\dA-HJ-NP-RT-Z]")
_POSTCODE = re.compile(r"(GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]{0,2} ?\d[A-Z]{2})", re.IGNORECASE)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_COMMA_NAME = re.compile(r"[^\W\d_][^\d,]*,\s*[^\W\d_][^\d,]*")
_LOOKED_AT = 2_000  # rows whose values are looked at to tell a column
_POSTCODE_SQL = r"[A-Z]{1,2}[0-9][A-Z0-9]{0,2}\s*[0-9][A-Z]{2}"


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """One file of people. `people`: one row per row of the file: row (from 1, the header apart), and the columns that
    linkage compares; `columns`: for each, the columns of the file it was taken from; `rows`: how many the file has;
    `undated`: how many rows say when somebody was born in a way that is not a date."""

    name: str
    people: pa.Table
    columns: Mapping[str, tuple[str, ...]]
    rows: int
    undated: int = 0


def read_people(path: Path, mapping: Mapping[str, str | list[str]] | None = None) -> PeopleFile:
    """One row per person of a CSV, XLSX or ODS file. `mapping` says which column is which (see `ROLES`).

    Raises UnreadableFile when the file cannot be read or does not say who anybody is, BadSetting when the mapping
    names what is not there.
    """
    table = _read(path)
    names = [n for n in table.column_names if n != "line"]
    columns = _told(table, names, mapping or {}, path.name)
    if not ({"surname", "forename"} <= columns.keys() or "name" in columns) or not (
        {"birth_date", "birth_year", "postcode", "address", "upn", "nhs_number", "phone", "email"} & columns.keys()
    ):
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UnreadableFile(
            f"{path.name} does not say which columns are names and which the date of birth or postcode; say so with "
            f"--map. Its columns are: {shown}."
        )
    people, undated = _people(table, columns)
    return PeopleFile(path.name, people, columns, table.num_rows, undated)


def mapping_file(path: Path) -> dict[str, dict[str, str | list[str]]]:
    """The mappings of a TOML or JSON file: tables `left` and `right`, or one list of columns for both files.

    Raises BadSetting when it is neither, or names a meaning that is none.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
        held: Any = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except OSError as error:
        raise BadSetting(f"The mapping {path.name} cannot be opened: {error.strerror}.") from error
    except (ValueError, UnicodeDecodeError) as error:
        raise BadSetting(f"The mapping {path.name} is neither TOML nor JSON.") from error
    both = {k: v for k, v in held.items() if not isinstance(v, dict)}
    sides = {side: {**both, **held.get(side, {})} for side in ("left", "right")}
    known = ", ".join(ROLES)
    for side in sides.values():
        for role, column in side.items():
            if role not in ROLES:
                raise BadSetting(f"The mapping has {role!r}, which is none of: {known} (in tables left and right).")
            if not isinstance(column, str) and not (
                isinstance(column, list) and all(isinstance(c, str) for c in column)
            ):
                raise BadSetting(f"The mapping of {role} should be a column's name, or a list of names.")
    if unknown := [k for k, v in held.items() if isinstance(v, dict) and k not in ("left", "right")]:
        raise BadSetting(f"The mapping has a table {unknown[0]!r}; it should be left or right.")
    return sides


def _read(path: Path) -> pa.Table:
    """Every row of the file as text, in order."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
    except OSError as error:
        raise UnreadableFile(f"{path.name} cannot be opened: {error.strerror}.") from error
    if start.startswith(b"PK"):
        return _workbook(path)
    if start == b"\xd0\xcf\x11\xe0":
        raise UnreadableFile(f"{path.name} is a workbook of the old form (.xls); please save it as .xlsx.")
    findings: list[Finding] = []
    return read_delimited(path, findings)


def _workbook(path: Path) -> pa.Table:
    """The first sheet whose columns name people, else the first with rows. Blank rows keep their number."""
    best: pa.Table | None = None
    for _, rows in sheets_of(path):
        at = next((n for n, row in enumerate(rows) if sum(bool(c.strip()) for c in row) >= 2), None)
        if at is None:
            continue
        table = _sheet(rows, at)
        if {"surname", "forename", "name", "birth_date"} & _by_name(table.column_names).keys():
            return table
        best = table if best is None else best
    if best is None:
        raise UnreadableFile(f"{path.name} has no sheet with a table in it.")
    return best


def _sheet(rows: Sequence[Sequence[str]], at: int) -> pa.Table:
    header: list[str] = []
    for n, text in enumerate(rows[at], start=1):
        name = normal_name(text) or f"column {n}"
        header.append(name if name not in header else f"{name} ({n})")
    last = max((n for n, row in enumerate(rows) if any(c.strip() for c in row)), default=at)
    body = rows[at + 1 : last + 1]
    return pa.table(
        {name: pa.array([row[n] if n < len(row) else "" for row in body], pa.string()) for n, name in enumerate(header)}
    )


def _plain(name: str) -> str:
    plain = re.sub(r"[^a-z0-9]+", " ", name.lower()).strip()
    stripped = _WRITTEN.sub("", _WHOSE.sub("", plain))
    return stripped or plain


def _by_name(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    plain = {name: _plain(name) for name in names}
    found: dict[str, tuple[str, ...]] = {}
    for role, aliases in ROLES.items():
        for alias in aliases:
            named = next((n for n, p in plain.items() if p == alias and (n,) not in found.values()), None)
            if named is not None:
                found[role] = (named,)
                break
    parts = tuple(n for n, p in plain.items() if _ADDRESS_PART.match(p))
    if parts and "address" not in found:
        found["address"] = parts
    if {"surname", "forename"} <= found.keys():
        found.pop("name", None)
    if "birth_date" in found or not set(_PARTS) <= found.keys():
        for part in _PARTS:
            found.pop(part, None)
    return found


_PARTS = ("birth_year", "birth_month", "birth_day")


def _told(
    table: pa.Table, names: Sequence[str], mapping: Mapping[str, str | list[str]], file: str
) -> dict[str, tuple[str, ...]]:
    columns: dict[str, tuple[str, ...]] = {}
    for role, given in mapping.items():
        wanted = [given] if isinstance(given, str) else given
        chosen = tuple(normal_name(column) for column in wanted)
        if missing := [column for column, c in zip(wanted, chosen, strict=True) if c not in names]:
            raise BadSetting(
                f"The mapping names the column {missing[0]!r}, which {file} lacks. It has: {', '.join(names)}."
            )
        columns[role] = chosen
    used = {c for each in columns.values() for c in each}
    for role, found in _by_name(n for n in names if n not in used).items():
        if role == "name" and {"surname", "forename"} & columns.keys():
            continue
        columns.setdefault(role, found)
    _by_values(table, names, columns)
    if {"surname", "forename"} <= columns.keys():
        columns.pop("name", None)
    return columns


def _by_values(table: pa.Table, names: Sequence[str], columns: dict[str, tuple[str, ...]]) -> None:
    """Give the meanings still missing to the columns whose values can be nothing else."""
    used = {c for each in columns.values() for c in each}
    held: dict[str, list[str]] = {}
    for name in names:
        if name not in used:
            values = [v.strip() for v in table[name].slice(0, _LOOKED_AT).to_pylist() if v and v.strip()]
            if values:
                held[name] = values

    def give(role: str, holds: Callable[[str], bool], least: float) -> None:
        if role in columns:
            return
        fits = [name for name, values in held.items() if sum(map(holds, values)) >= least * len(values)]
        if len(fits) == 1:  # two columns that would do are a question for a person
            columns[role] = (fits[0],)
            del held[fits[0]]

    sexes = {word for word, code in words("sex", "sex").items() if code in ("M", "F") and not word.isdigit()}
    give("email", lambda v: bool(_EMAIL.fullmatch(v)), 0.8)
    give("upn", lambda v: bool(_UPN.fullmatch(v.upper())), 0.8)
    give("nhs_number", lambda v: len(v.replace(" ", "")) == 10 and nhs_number_fault(v.replace(" ", "")) is None, 0.8)
    give("postcode", lambda v: bool(_POSTCODE.fullmatch(v)), 0.7)
    if "postcode" not in columns:
        give("address", lambda v: bool(_POSTCODE.search(v)), 0.5)
    give("sex", lambda v: v.lower() in sexes, 0.95)
    if not {"surname", "name"} & columns.keys():
        give("name", lambda v: bool(_COMMA_NAME.fullmatch(v)), 0.8)
    if not {"birth_date", "birth_year"} & columns.keys() and (dates := _dates(table, list(held))):
        columns["birth_date"] = (dates,)


def _dates(table: pa.Table, names: Sequence[str]) -> str:
    """The one column of dates that are spread over years, as birth dates are; empty when there is none, or several."""
    if not names:
        return ""
    fits = []
    with bench(table.slice(0, _LOOKED_AT)) as database:
        for name in names:
            x = cell(name)
            born = _born(x, _month_first(database, x))
            filled, dated, years = database.rows(
                f"SELECT count({x}), count({born}), count(DISTINCT year({born})) FROM raw"
            )[0]
            if filled and dated >= 0.9 * filled and (years > 3 or filled < 8):
                fits.append(name)
    return fits[0] if len(fits) == 1 else ""


# Ways of writing a date that files of people have besides those of the field's own systems. A year of two digits is
# tried first: with four, the rest of the year would be left over.
_SHORT = ("%d/%m/%y", "%d-%m-%y", "%d.%m.%y", "%d-%b-%y", "%d %b %y")
_LONG = ("%Y/%m/%d", "%Y.%m.%d", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%d-%B-%Y", "%d/%b/%Y", "%b %d, %Y", "%B %d, %Y",
         "%B %d %Y", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%d.%m.%Y %H:%M:%S")  # fmt: skip
_DAY_MONTH = r"^\s*([0-9]{1,2})\s*[-/.]\s*([0-9]{1,2})\s*[-/.]"


def _month_first(database: Database, x: str) -> bool:
    """Whether a column writes the month before the day: some second number is no month, and no first number is none."""
    first, second = database.rows(
        f"SELECT max(try_cast(regexp_extract({x}, '{_DAY_MONTH}', 1) AS INT)), "
        f"max(try_cast(regexp_extract({x}, '{_DAY_MONTH}', 2) AS INT)) FROM raw"
    )[0]
    return first is not None and first <= 12 < second <= 31


def _born(x: str, month_first: bool) -> str:
    """SQL of a date of birth as any file may write it, a spreadsheet's number of a day included."""
    formats = [*_SHORT, *DATE_FORMATS, *_LONG]
    if month_first:
        formats = [re.sub(r"^%d([-/.])%m", r"%m\1%d", f) for f in formats]
    plain = f"regexp_replace(trim({x}), '([0-9])(st|nd|rd|th)\\b', '\\1', 'gi')"
    stamp = f"try_strptime({plain}, {formats})"
    number = f"try_cast({x} AS INT)"
    return (
        f"nullif(CASE WHEN year({stamp}) BETWEEN 1700 AND 2199 THEN {stamp}::DATE "
        f"WHEN {number} BETWEEN 5000 AND 60000 THEN DATE '1899-12-30' + {number} END, DATE '{NO_DATE}')"
    )


def _people(table: pa.Table, columns: Mapping[str, tuple[str, ...]]) -> tuple[pa.Table, int]:
    """The file's rows as linkage compares them, and how many dates of birth are none."""

    def of(role: str) -> str:
        held = columns.get(role, ())
        if not held:
            return "NULL::TEXT"
        return cell(held[0]) if len(held) == 1 else f"concat_ws(' ', {', '.join(cell(c) for c in held)})"

    surname, forename = of("surname"), of("forename")
    if "name" in columns:
        last, first = _whole_name(of("name"), bool(_SURNAME_FIRST.search(_plain(columns["name"][0]))))
        surname, forename = f"coalesce({surname}, {last})", f"coalesce({forename}, {first})"
    in_address = f"list_last(regexp_extract_all(upper({of('address')}), '{_POSTCODE_SQL}'))"
    sex = coded_only(of("sex"), words("sex", "sex"))
    # Read in order, so the place of a row is its number.
    numbered = table.append_column("sightline row", pa.array(range(1, table.num_rows + 1), pa.int64()))
    with bench(numbered) as database:
        said = of("birth_date")
        if "birth_year" in columns:
            parts = [f"nullif(regexp_replace({of(part)}, '\\.0$', ''), '')" for part in _PARTS]
            said = f"{parts[0]} || '-' || lpad({parts[1]}, 2, '0') || '-' || lpad({parts[2]}, 2, '0')"
        born = _born(said, _month_first(database, said))
        people = database.query(
            f"""
            SELECT "sightline row" AS row, {surname} AS surname, {forename} AS forename, {born} AS birth_date,
                {sex} AS sex, coalesce({of("postcode")}, {in_address}) AS postcode, {of("school")} AS school,
                {of("upn")} AS upn, {of("nhs_number")} AS nhs_number, {of("address")} AS address, {of("town")} AS town,
                {of("phone")} AS phone, {of("email")} AS email
            FROM raw ORDER BY row
            """
        )
        return people, int(database.one(f"SELECT count(*) FROM raw WHERE {said} IS NOT NULL AND {born} IS NULL"))


_PARTICLES = "de|da|di|del|della|dos|du|van|von|der|den|ter|le|la|el|al|bin|ibn|ben|mac|mc|st|af|ap"


def _whole_name(x: str, surname_first: bool) -> tuple[str, str]:
    """SQL of the surname and of the first names in one column: "Surname, First", "First Surname", "SURNAME First"."""
    name = f"regexp_replace({x}, '^(mr|mrs|miss|ms|master|dr|rev|sir)\\.? ', '', 'i')"
    # What follows a comma and begins with a figure ("2nd"), and "junior" at the end, are no names.
    name = f"trim(regexp_replace({name}, ',\\s*[0-9].*$|,?\\s+(jr|sr|junior|senior|ii|iii|iv)\\.?$', '', 'i'))"
    before, after = f"trim(split_part({name}, ',', 1))", f"trim(split_part({name}, ',', 2))"
    head, tail = f"regexp_extract({name}, '^\\S+')", f"trim(regexp_replace({name}, '^\\S+', ''))"
    capitals = f"regexp_extract({name}, '^((?:[A-Z''’-]{{2,}}\\s+)+)\\S*[a-z]', 1)"
    ending = f"regexp_extract({name}, '(?i)((?:\\s(?:{_PARTICLES}))*\\s\\S+)$')"
    rest = f"trim(left({name}, length({name}) - length({ending})))"
    if surname_first:
        last, first = head, tail
    else:
        last = f"CASE WHEN {capitals} <> '' THEN {capitals} WHEN contains({name}, ' ') THEN {ending} ELSE {name} END"
        first = (
            f"CASE WHEN {capitals} <> '' THEN substr({name}, length({capitals}) + 1) "
            f"WHEN contains({name}, ' ') THEN {rest} END"
        )
    comma = f"contains({name}, ',')"
    return (
        f"nullif(trim(CASE WHEN {comma} THEN {before} ELSE {last} END), '')",
        f"nullif(trim(CASE WHEN {comma} THEN {after} ELSE {first} END), '')",
    )


def described(file: PeopleFile) -> dict[str, str]:
    """Which columns of the file were taken for what, for people."""
    return {role: " + ".join(columns) for role, columns in file.columns.items()}


__all__ = ["ROLES", "PeopleFile", "described", "mapping_file", "read_people"]

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

from sightline.sources.columns import bench, cell, coded_only, day, words
from sightline.sources.delimited import read_delimited
from sightline.sources.layout import normal_name
from sightline.sources.workbook import sheets_of
from sightline.vocabulary.errors import BadSetting, UnreadableFile
from sightline.vocabulary.findings import Finding
from sightline.vocabulary.identifiers import nhs_number_fault

# What a column may mean, and the names it goes by (lower case, everything but letters and digits a space).
ROLES: Mapping[str, tuple[str, ...]] = {
    "surname": ("surname", "last name", "lastname", "family name", "familyname", "surname family name", "sname"),
    "forename": (
        "forename", "first name", "firstname", "given name", "givenname", "forenames", "first names", "given names",
        "christian name", "fname",
    ),
    "name": ("name", "full name", "fullname", "name of child", "surname forename", "name surname forename"),
    "birth_date": (
        "date of birth", "dob", "birth date", "birthdate", "dateofbirth", "d o b", "birthday", "born", "date birth",
    ),
    "sex": ("sex", "gender", "legal sex", "sex at birth", "sex code", "gender code", "birth sex"),
    "postcode": ("postcode", "post code", "home postcode", "address postcode", "pcode", "postal code", "zip"),
    "address": ("address", "home address", "full address", "current address", "main address", "residence"),
    "school": (
        "school", "school name", "schoolname", "current school", "establishment", "establishment name", "setting",
        "school or setting", "education setting", "base school", "school attended", "urn", "school urn",
    ),
    "upn": ("upn", "unique pupil number", "upn number", "pupil number upn"),
    "nhs_number": ("nhs number", "nhs no", "nhsnumber", "nhs", "nhs num"),
}  # fmt: skip
# Whose the column is, where its name says so; a parent's or a worker's name is nobody's on this list.
_WHOSE = re.compile(
    r"^(the )?(child|children|childs|child s|pupil|pupils|pupil s|student|students|student s|person|pers|learner|"
    r"young person|young persons|yp|client|service user|subject|legal|current|official|registered) "
)
_ADDRESS_PART = re.compile(r"^(home |current |main )?(address|addr)( ?line)? ?[0-9a-e]?$|^address (street|town|house)")
_UPN = re.compile(r"[A-HJ-NP-RT-Z]\d{11}[\dA-HJ-NP-RT-Z]")
_POSTCODE = re.compile(r"(GIR ?0AA|[A-Z]{1,2}\d[A-Z\d]{0,2} ?\d[A-Z]{2})", re.IGNORECASE)
_COMMA_NAME = re.compile(r"[^\W\d_][^\d,]*,\s*[^\W\d_][^\d,]*")
_LOOKED_AT = 2_000  # rows whose values are looked at to tell a column
_POSTCODE_SQL = r"[A-Z]{1,2}[0-9][A-Z0-9]{0,2}\s*[0-9][A-Z]{2}"


@dataclass(frozen=True, slots=True)
class PeopleFile:
    """One file of people. `people`: one row per row of the file: row (from 1, the header apart), and the columns that
    linkage compares; `columns`: for each, the columns of the file it was taken from; `rows`: how many the file has."""

    name: str
    people: pa.Table
    columns: Mapping[str, tuple[str, ...]]
    rows: int


def read_people(path: Path, mapping: Mapping[str, str | list[str]] | None = None) -> PeopleFile:
    """One row per person of a CSV, XLSX or ODS file. `mapping` says which column is which (see `ROLES`).

    Raises UnreadableFile when the file cannot be read or does not say who anybody is, BadSetting when the mapping
    names what is not there.
    """
    table = _read(path)
    names = [n for n in table.column_names if n != "line"]
    columns = _told(table, names, mapping or {}, path.name)
    if not ({"surname", "forename"} <= columns.keys() or "name" in columns) or not (
        {"birth_date", "postcode", "address", "upn", "nhs_number"} & columns.keys()
    ):
        shown = ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
        raise UnreadableFile(
            f"{path.name} does not say which columns are names and which the date of birth or postcode; say so with "
            f"--map. Its columns are: {shown}."
        )
    return PeopleFile(path.name, _people(table, columns), columns, table.num_rows)


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
    stripped = _WHOSE.sub("", plain)
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
    return found


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
    give("upn", lambda v: bool(_UPN.fullmatch(v.upper())), 0.8)
    give("nhs_number", lambda v: len(v.replace(" ", "")) == 10 and nhs_number_fault(v.replace(" ", "")) is None, 0.8)
    give("postcode", lambda v: bool(_POSTCODE.fullmatch(v)), 0.7)
    if "postcode" not in columns:
        give("address", lambda v: bool(_POSTCODE.search(v)), 0.5)
    give("sex", lambda v: v.lower() in sexes, 0.95)
    if not {"surname", "name"} & columns.keys():
        give("name", lambda v: bool(_COMMA_NAME.fullmatch(v)), 0.8)
    if "birth_date" not in columns and (dates := _dates(table, list(held))):
        columns["birth_date"] = (dates,)


def _dates(table: pa.Table, names: Sequence[str]) -> str:
    """The one column of dates that are spread over years, as birth dates are; empty when there is none, or several."""
    if not names:
        return ""
    fits = []
    with bench(table.slice(0, _LOOKED_AT)) as database:
        for name in names:
            x = cell(name)
            filled, dated, years = database.rows(
                f"SELECT count({x}), count({day(x)}), count(DISTINCT year({day(x)})) FROM raw"
            )[0]
            if filled and dated >= 0.9 * filled and (years > 3 or filled < 8):
                fits.append(name)
    return fits[0] if len(fits) == 1 else ""


def _people(table: pa.Table, columns: Mapping[str, tuple[str, ...]]) -> pa.Table:
    """The file's rows as linkage compares them."""

    def of(role: str) -> str:
        held = columns.get(role, ())
        if not held:
            return "NULL::TEXT"
        return cell(held[0]) if len(held) == 1 else f"concat_ws(' ', {', '.join(cell(c) for c in held)})"

    name = f"regexp_replace({of('name')}, '^(mr|mrs|miss|ms|master|dr)\\.? ', '', 'i')"
    before, after = f"trim(split_part({name}, ',', 1))", f"trim(split_part({name}, ',', 2))"
    last, rest = f"regexp_extract({name}, '[^\\s]+$')", f"regexp_replace({name}, '\\s+[^\\s]+$', '')"
    surname, forename = of("surname"), of("forename")
    if "name" in columns:
        surname = f"coalesce({surname}, CASE WHEN contains({name}, ',') THEN {before} ELSE {last} END)"
        forename = (
            f"coalesce({forename}, CASE WHEN contains({name}, ',') THEN {after} "
            f"WHEN contains({name}, ' ') THEN {rest} END)"
        )
    in_address = f"list_last(regexp_extract_all(upper({of('address')}), '{_POSTCODE_SQL}'))"
    sex = coded_only(of("sex"), words("sex", "sex"))
    # Read in order, so the place of a row is its number.
    numbered = table.append_column("sightline row", pa.array(range(1, table.num_rows + 1), pa.int64()))
    with bench(numbered) as database:
        return database.query(
            f"""
            SELECT "sightline row" AS row, {surname} AS surname, {forename} AS forename,
                {day(of("birth_date"))} AS birth_date, {sex} AS sex,
                coalesce({of("postcode")}, {in_address}) AS postcode, {of("school")} AS school,
                {of("upn")} AS upn, {of("nhs_number")} AS nhs_number
            FROM raw ORDER BY row
            """
        )


def described(file: PeopleFile) -> dict[str, str]:
    """Which columns of the file were taken for what, for people."""
    return {role: " + ".join(columns) for role, columns in file.columns.items()}


__all__ = ["ROLES", "PeopleFile", "described", "mapping_file", "read_people"]

"""A study's files read: NPD extracts, plans of each census, and the links between them.

Parquet, or text with commas, semicolons, tabs or bars in UTF-8, UTF-16 or Windows' Latin, plain or in .gz; what else is
received was made Parquet or unpacked before (`study_files`).
"""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from sightline import evaluation
from sightline.engine import Database
from sightline.operations.files.check import CENSUS_KINDS
from sightline.operations.study.study_files import Found, form, is_text, opened, shown
from sightline.sources import recognise, statistical
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import UnreadableFile


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _source(path: Path) -> str:
    if not is_text(path):
        return f"read_parquet({_text(str(path))})"
    told = _look_at(path)
    columns = ", ".join(f"{_text(name)}: 'VARCHAR'" for name in told.columns)
    # Nothing is left to be guessed from the first lines: neither where the table starts nor what separates it.
    return (
        f"read_csv({_text(str(path))}, auto_detect = false, columns = {{{columns}}}, header = true, "
        f"encoding = '{told.encoding}', delim = '{told.separator}', quote = '\"', escape = '\"')"
    )


@dataclass(frozen=True, slots=True)
class _Text:
    """How a text is to be read: its encoding, what separates its columns, and their names."""

    encoding: str
    separator: str
    columns: tuple[str, ...]


def _look_at(path: Path) -> _Text:
    about = path.stat()
    return _looked_at(path, about.st_size, about.st_mtime_ns)


@lru_cache(maxsize=256)
def _looked_at(path: Path, size: int, changed: int) -> _Text:
    """UTF-8 if all of the file is, UTF-16 by its first two bytes, else Latin; names from its first line."""
    with opened(path) as held:
        block = first = held.read(_BLOCK)
        encoding = "utf-16" if block[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE) else "utf-8"
        decoder = codecs.getincrementaldecoder("utf-8")()
        try:
            while block and encoding == "utf-8":
                decoder.decode(block)
                block = held.read(_BLOCK)
        except UnicodeDecodeError:
            encoding = "latin-1"
    head = first.decode(encoding, errors="replace").removeprefix("\ufeff").splitlines()[:1]
    separator = max(",;\t|", key=head[0].count) if head else ","
    names: dict[str, None] = {}
    for place, name in enumerate(next(csv.reader(head, delimiter=separator), []), 1):
        name = name.strip() or f"column {place}"
        names[f"{name} ({place})" if name.lower() in map(str.lower, names) else name] = None
    return _Text(encoding, separator, tuple(names))


_BLOCK: Final = 1 << 22


def _columns(database: Database, path: Path) -> list[str]:
    try:
        if is_text(path):
            columns = list(_look_at(path).columns)
        else:
            rows = database.rows(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {_source(path)})")
            columns = [str(r[0]) for r in rows]
    except (duckdb.Error, OSError, EOFError):
        kind = "text" if is_text(path) else form(path)[1][1:].upper()
        raise UnreadableFile(f"{shown(path)} is not readable as {kind}.") from None
    if not columns:
        raise UnreadableFile(f"{shown(path)} is empty: it needs a line of column names.")
    return columns


def reference_type(database: Database, found: Found) -> str:
    """BIGINT when every file holds its pupil matching references as whole numbers, else VARCHAR.

    Numbers take a third of the room in the joins. Census returns have no reference of their own.
    """
    held = [p for p in found.all() if p.suffix.lower() != ".xml"]
    if any(p.suffix.lower() != ".parquet" for p in held):
        return "VARCHAR"
    for path in held:
        column = evaluation.reference_column(_columns(database, path))
        if column is None:
            continue
        kind = database.one(
            f"SELECT column_type FROM (DESCRIBE SELECT * FROM {_source(path)}) WHERE column_name = ?", [column]
        )
        if kind not in ("BIGINT", "INTEGER", "SMALLINT", "UINTEGER"):
            return "VARCHAR"
    return "BIGINT"


FEW: Final = 40
"""Values a column may have to be looked up rather than worked out row by row."""
_WHOLE: Final = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER")


def _quicker(database: Database, name: str, path: Path) -> tuple[dict[str, str], set[str]]:
    """For columns of a Parquet file whose meaning can be had without reading each value as text: SQL by our names.

    What a code means is worked out once for each code there is; numbers that are numbers in the file stay numbers. Also
    the columns received of which every code means something, so that no value need be looked at again.
    """
    known: set[str] = set()
    if path.suffix.lower() != ".parquet":
        return {}, known
    source = _source(path)
    kinds = dict(database.rows(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})"))
    found = {}
    for ours, (column, *others) in evaluation.wanted(name, list(kinds)).items():
        if others:
            continue
        spec, quoted, kind = evaluation.TABLES[name][ours], '"' + column.replace('"', '""') + '"', kinds[column]
        if spec.kind == "DOUBLE" and kind in (*_WHOLE, "DOUBLE"):
            found[ours] = quoted
        elif spec.kind == "VARCHAR" and kind in _WHOLE:
            found[ours] = f"CAST({quoted} AS VARCHAR)"
        elif spec.kind == "INTEGER" and kind in (*_WHOLE, "VARCHAR"):
            meant = spec.sql.format(x="code")
            codes = database.rows(
                f"SELECT CAST(code AS VARCHAR), {meant} FROM (SELECT DISTINCT CAST({quoted} AS VARCHAR) AS code "
                f"FROM {source} WHERE {quoted} IS NOT NULL LIMIT {FEW + 1}) ORDER BY 1"
            )
            if 0 < len(codes) <= FEW:
                if all(value is not None or code.strip().upper() in evaluation.EMPTY for code, value in codes):
                    known.add(column)
                whens = " ".join(
                    f"WHEN {_text(code) if kind == 'VARCHAR' else code} THEN {value}"
                    for code, value in codes
                    if value is not None
                )
                found[ours] = f"CASE {quoted} {whens} END" if whens else "NULL"
    return found, known


def received(
    database: Database, name: str, files: tuple[Path, ...], kind: str = "VARCHAR", *, spared: Collection[str] = ()
) -> list[tuple[str, int]]:
    """All files of one extract as one table, its columns by our names and nothing else; counts of what was not read.

    Parquet is read where it lies each time it is needed, which takes less room than a copy; text is read once.
    """
    parts, unread = [], []
    for path in files:
        columns = _columns(database, path)
        quicker, known = _quicker(database, name, path)
        parts.append(
            evaluation.projection(name, columns, _source(path), shown(path), pupil=kind, quicker=quicker, spared=spared)
        )
        unread += _unread(database, name, columns, path, known)
    if not parts:
        parts = [evaluation.empty_received(name, pupil=kind)]
    how = "VIEW" if all(p.suffix.lower() == ".parquet" for p in files) else "TABLE"
    with _said(files):
        database.execute(f"CREATE OR REPLACE {how} {name} AS {' UNION ALL '.join(parts)}")
    return unread


@contextmanager
def _said(files: Iterable[Path]) -> Iterator[None]:
    """A line that cannot be read is an error that names the file and not what the line holds."""
    try:
        yield
    except duckdb.InvalidInputException as error:
        line = re.search(r"Line:? (\d+)", str(error))
        where = f" at line {line[1]}" if line else ""
        names = ", ".join(shown(p) for p in files)
        raise UnreadableFile(
            f"{names}: a line cannot be told into columns{where}. Each line needs as many as the first, with quotation "
            "marks closed."
        ) from None


def _unread(
    database: Database, name: str, columns: list[str], path: Path, known: Collection[str] = ()
) -> list[tuple[str, int]]:
    """How many values of each column there are that mean nothing to us, by sentence; none where all are typed.

    Raises UnreadableFile when not one value of a column can be read: it is written in some other way.
    """
    said = _of_package(database, name, columns, path)
    faults = {column: told for column, told in evaluation.unread(name, columns).items() if column not in known}
    if not is_text(path):
        kinds = dict(database.rows(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {_source(path)})"))
        faults = {column: told for column, told in faults.items() if kinds[column] == "VARCHAR"}
    if not faults:
        return said
    asked = [
        f"count(*) FILTER ({there} AND {nothing}), count(*) FILTER ({there})" for there, nothing in faults.values()
    ]
    with _said([path]):
        (told,) = database.rows(f"SELECT {', '.join(asked)} FROM {_source(path)}")
    found = said
    for column, bad, there in zip(faults, told[::2], told[1::2], strict=True):
        if bad and bad == there:
            raise UnreadableFile(
                f"{shown(path)}: not one of the {there:,} values of {column} can be read. Days are 2018-03-05, "
                "05/03/2018 or 05MAR2018, years 2017/2018, 201718 or the year they end in, flags 1 and 0."
            )
        if bad:
            found.append((f"{shown(path)}: values of {column} that cannot be read, taken as missing", int(bad)))
    return found


_CODE: Final = re.compile(r"[A-Z0-9_/.-]*[A-Z_/][A-Z0-9_/.-]*")
"""A label that is a code by its look (FIXD, 1_NON, 2017/2018) and no words."""


def _of_package(database: Database, name: str, columns: list[str], path: Path) -> list[tuple[str, int]]:
    """What a file of Stata, SPSS or SAS said of the columns that are read: values declared missing, and labels.

    Raises UnreadableFile where reading on would be wrong and nobody could see it: numbers made of codes (`encode`),
    whose labels say something else than they do, and references too large for the storage they were kept in.
    """
    if path.suffix.lower() != ".parquet":
        return []
    told, taken, file = statistical.told(path), evaluation.taken(name, columns), shown(path)
    reference = evaluation.reference_column(columns)
    if reference in told.blunt:
        raise UnreadableFile(
            f"{file}: numbers of {reference} are larger than what they are kept in can tell apart, so that two pupils "
            "may have become one. Make the file again with it as text, or in Stata as double or str."
        )
    found = [
        (f"{file}: values of {column} declared missing in the file", told.missing[column])
        for column in columns
        if column in taken and told.missing.get(column)
    ]
    found += [
        (f"{file}: days of {column} that no calendar has, taken as missing", told.undated[column])
        for column in columns
        if column in taken and told.undated.get(column)
    ]
    for column in columns:
        words = told.labels.get(column)
        if column not in taken or not words:
            continue
        spec, quoted = taken[column], '"' + column.replace('"', '""') + '"'
        held = database.rows(
            f"SELECT CAST({quoted} AS VARCHAR), count(*) FROM {_source(path)} WHERE {quoted} IS NOT NULL GROUP BY 1 "
            "ORDER BY 1"
        )
        used = [(code, words[code], int(n)) for code, n in held if code in words]
        plain = 0
        # Where any word at all would have a meaning, only labels that are codes by their look are held against a code.
        any_word = spec.kind == "VARCHAR" or spec.codes
        codes_only = all(_CODE.fullmatch(label.strip()) for _, label, _ in used)
        asked = ", ".join(spec.sql.format(x=f"CAST(${n} AS VARCHAR)") for n in (1, 2))
        for code, label, n in used:
            by_code, by_label = database.rows(f"SELECT {asked}", [code, label])[0]
            if by_label is None or (any_word and not codes_only):
                plain += n
            elif by_label != by_code:
                raise UnreadableFile(
                    f"{file}: {column} is numbers whose labels say something else than the numbers do (the code {code} "
                    "is one). Labels are not read. Save the labels themselves in its place (in Stata: decode)."
                )
        if plain:
            found.append((f"{file}: values of {column} that have labels; the codes are read", plain))
    return found


def empty(database: Database) -> None:
    """Every received table with no rows: enough to ask a table what it is."""
    for name in evaluation.NPD:
        received(database, name, ())
    database.execute(f"CREATE TABLE plan_record ({PLAN_COLUMNS.format(kind='VARCHAR')})")


PLAN_COLUMNS = "pupil {kind}, plan VARCHAR, start DATE, last DATE, census INTEGER"
_PLAN = {"cin_plan": "CIN plan", "cp_plan": "CP plan"}


def plan_records(database: Database, found: Found, reference: str) -> list[tuple[str, int]]:
    """Plans of every census: tables of plans by their columns, census returns by our reader and the links.

    A flat extract of the CIN census has CIN and CP plans side by side in its rows: both are taken, and a row with
    neither is no plan. What could not be read is counted.
    """
    database.execute(f"CREATE OR REPLACE TABLE plan_record ({PLAN_COLUMNS.format(kind=reference)})")
    _links(database, found.links, reference)
    returns: list[Path] = []
    unread: list[tuple[str, int]] = []
    for path in found.plans:
        kinds: tuple[str, ...] = ()
        if is_text(path) or path.suffix.lower() == ".parquet":
            columns = _columns(database, path)
            kinds = evaluation.kinds_of_plans(columns)
            if not kinds and not is_text(path):
                raise UnreadableFile(f"{_no_plans(path)} It has: {', '.join(columns)}.")
        if not kinds or (is_text(path) and "LAchildID" in columns and "CINdetailsID" in columns):
            returns.append(path)
            continue
        named = re.findall(r"(20\d\d)", path.stem)
        census = named[-1] if named else "NULL"
        faults: dict[str, int] = {}
        for kind in kinds:
            faults |= _unread(database, kind, columns, path)
            plans = evaluation.projection(kind, columns, _source(path), shown(path), pupil=reference)
            with _said([path]):
                database.execute(
                    f"INSERT INTO plan_record SELECT pupil, '{_PLAN[kind]}', start, last, coalesce(census, {census}) "
                    f"FROM ({plans}){' WHERE start IS NOT NULL' if len(kinds) > 1 else ''}"
                )
        unread += faults.items()
        if database.one("SELECT count(*) FROM plan_record WHERE census IS NULL"):
            raise UnreadableFile(
                f"{shown(path)} does not say which census it is: name it by the year the census ends in, such as "
                "cin_2018.parquet."
            )
    context = Context(beside=tuple(returns))
    for path in returns:
        source = recognise(path)
        if source.kind not in CENSUS_KINDS:
            raise UnreadableFile(_no_plans(path))
        _from_return(database, source.read(path, context), shown(path))
    return unread


def _no_plans(path: Path) -> str:
    return f"{shown(path)} is neither a CIN census nor a table of plans, which has CINPlanStartDate or CPPstartDate."


def _from_return(database: Database, reading: Reading, name: str) -> None:
    """The plans of one CIN census return. Its children are found by their UPN in the links."""
    if not reading.as_at:
        raise UnreadableFile(f"{name} has no reference date, so the year of its census is not known.")
    census = int(reading.as_at[:4])
    identifiers = reading.tables.get("identifier")
    if identifiers is None:
        identifiers = pa.table({n: pa.array([], pa.string()) for n in ("ref", "kind", "value")})
    database.add("return_identifier", identifiers)
    for table, plan in _PLAN.items():
        held = reading.tables.get(table)
        if held is None:
            continue
        database.add("return_plan", held)
        database.execute(
            """
            INSERT INTO plan_record
            WITH known AS (
                SELECT i.ref, min(l.pupil) AS pupil FROM return_identifier AS i JOIN link AS l ON l.upn = i.value
                WHERE i.kind IN ('upn', 'former_upn') GROUP BY i.ref HAVING count(DISTINCT l.pupil) = 1
            )
            SELECT k.pupil, ?, p.start_date, p.end_date, ?
            FROM return_plan AS p LEFT JOIN known AS k ON k.ref = p.child_ref
            """,
            [plan, census],
        )


def _links(database: Database, path: Path | None, reference: str) -> None:
    """UPN to pupil matching reference: from the file of links, else from the census extract where it has UPNs."""
    if path is None:
        database.execute(
            "CREATE OR REPLACE TABLE link AS SELECT DISTINCT upn, pupil FROM census WHERE upn IS NOT NULL AND pupil "
            "IS NOT NULL"
        )
        return
    by_name = {re.sub(r"[^a-z]", "", c.lower()): c for c in _columns(database, path)}
    upn, pupil = by_name.get("upn"), by_name.get("pupilmatchingrefanonymous")
    if upn is None or pupil is None:
        raise UnreadableFile(f"{shown(path)} needs the columns UPN and PupilMatchingRefAnonymous.")
    database.execute(
        f'CREATE OR REPLACE TABLE link AS SELECT DISTINCT upper(trim(CAST("{upn}" AS VARCHAR))) AS upn, '
        f'CAST("{pupil}" AS {reference}) AS pupil FROM {_source(path)}'
    )

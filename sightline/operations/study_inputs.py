"""A study's files found and read: NPD extracts, plans of each census, and the links between them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa

from sightline import evaluation
from sightline.engine import Database
from sightline.evaluation import Study
from sightline.operations.check import CENSUS_KINDS
from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.vocabulary.errors import NothingHeld, UnreadableFile


@dataclass(frozen=True, slots=True)
class Found:
    """The files of a study: extracts by name, files of plans, and the file of links if there is one."""

    npd: dict[str, tuple[Path, ...]]
    plans: tuple[Path, ...]
    links: Path | None

    def all(self) -> list[Path]:
        parts = [*(p for paths in self.npd.values() for p in paths), *self.plans]
        return [*parts, *([self.links] if self.links else [])]


def find(study: Study, base: Path) -> Found:
    """The files a study names, below the folder it lies in. NothingHeld says which is missing, and where."""
    folder = base / study.data.npd
    if not folder.is_dir():
        raise NothingHeld(f"There is no folder of NPD extracts at {folder} (data.npd of the study).")
    npd = {}
    for name in evaluation.NPD:
        files = sorted(
            p
            for p in folder.iterdir()
            if p.suffix.lower() in (".parquet", ".csv") and re.fullmatch(rf"{name}([-_ .].*)?", p.stem.lower())
        )
        if not files and name in ("census", "absence", "exclusions"):
            raise NothingHeld(f"There is no {name} extract (Parquet or CSV, named {name}...) in {folder}.")
        npd[name] = tuple(files)
    plans = tuple(sorted({p for pattern in study.data.plans for p in base.glob(pattern) if p.is_file()}))
    if not plans:
        raise NothingHeld(f"No file of plans is at {', '.join(study.data.plans)} below {base} (data.plans).")
    links = base / study.data.links if study.data.links else None
    if links and not links.is_file():
        raise NothingHeld(f"There is no file of links at {links} (data.links of the study).")
    return Found(npd, plans, links)


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _source(path: Path) -> str:
    if path.suffix.lower() == ".parquet":
        return f"read_parquet({_text(str(path))})"
    return f"read_csv({_text(str(path))}, all_varchar = true, header = true)"


def _columns(database: Database, path: Path) -> list[str]:
    try:
        return [str(r[0]) for r in database.rows(f"SELECT column_name FROM (DESCRIBE SELECT * FROM {_source(path)})")]
    except duckdb.Error:
        raise UnreadableFile(f"{path.name} is not readable as {path.suffix[1:].upper()}.") from None


def reference_type(database: Database, found: Found) -> str:
    """BIGINT when every file holds its pupil matching references as whole numbers, else VARCHAR.

    Numbers take a third of the room in the joins. Census returns have no reference of their own.
    """
    held = [p for p in found.all() if p.suffix.lower() != ".xml"]
    for path in held:
        if path.suffix.lower() != ".parquet":
            return "VARCHAR"
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


def _quicker(database: Database, name: str, path: Path) -> dict[str, str]:
    """For columns of a Parquet file whose meaning can be had without reading each value as text: SQL by our names.

    What a code means is worked out once for each code there is; numbers that are numbers in the file stay numbers.
    """
    if path.suffix.lower() != ".parquet":
        return {}
    source = _source(path)
    kinds = dict(database.rows(f"SELECT column_name, column_type FROM (DESCRIBE SELECT * FROM {source})"))
    found = {}
    for ours, column in evaluation.wanted(name, list(kinds)).items():
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
                whens = " ".join(
                    f"WHEN {_text(code) if kind == 'VARCHAR' else code} THEN {value}"
                    for code, value in codes
                    if value is not None
                )
                found[ours] = f"CASE {quoted} {whens} END" if whens else "NULL"
    return found


def received(database: Database, name: str, files: tuple[Path, ...], kind: str = "VARCHAR") -> None:
    """All files of one extract as one table, its columns by our names and nothing else.

    Parquet is read where it lies each time it is needed, which takes less room than a copy; CSV is read once.
    """
    parts = []
    for path in files:
        columns, quicker = _columns(database, path), _quicker(database, name, path)
        parts.append(evaluation.projection(name, columns, _source(path), path.name, pupil=kind, quicker=quicker))
    if not parts:
        parts = [evaluation.empty_received(name, pupil=kind)]
    how = "VIEW" if all(p.suffix.lower() == ".parquet" for p in files) else "TABLE"
    database.execute(f"CREATE OR REPLACE {how} {name} AS {' UNION ALL '.join(parts)}")


def empty(database: Database) -> None:
    """Every received table with no rows: enough to ask a table what it is."""
    for name in evaluation.NPD:
        received(database, name, ())
    database.execute(f"CREATE TABLE plan_record ({PLAN_COLUMNS.format(kind='VARCHAR')})")


PLAN_COLUMNS = "pupil {kind}, plan VARCHAR, start DATE, last DATE, census INTEGER"
_PLAN = {"cin_plan": "CIN plan", "cp_plan": "CP plan"}


def plan_records(database: Database, found: Found, reference: str) -> None:
    """Plans of every census: tables of plans by their columns, census returns by our reader and the links."""
    database.execute(f"CREATE OR REPLACE TABLE plan_record ({PLAN_COLUMNS.format(kind=reference)})")
    _links(database, found.links, reference)
    returns: list[Path] = []
    for path in found.plans:
        kind = None
        if path.suffix.lower() in (".parquet", ".csv"):
            columns = _columns(database, path)
            kind = evaluation.kind_of_plans(columns)
        if kind is None or (path.suffix.lower() == ".csv" and "LAchildID" in columns and "CINdetailsID" in columns):
            returns.append(path)
            continue
        named = re.findall(r"(20\d\d)", path.stem)
        census = named[-1] if named else "NULL"
        database.execute(
            f"INSERT INTO plan_record SELECT pupil, '{_PLAN[kind]}', start, last, coalesce(census, {census}) "
            f"FROM ({evaluation.projection(kind, columns, _source(path), path.name, pupil=reference)})"
        )
        if database.one("SELECT count(*) FROM plan_record WHERE census IS NULL"):
            raise UnreadableFile(
                f"{path.name} does not say which census it is: name it by the year the census ends in, such as "
                "cin_2018.parquet."
            )
    context = Context(beside=tuple(returns))
    for path in returns:
        source = recognise(path)
        if source.kind not in CENSUS_KINDS:
            raise UnreadableFile(f"{path.name} is neither a CIN census nor a table of plans.")
        _from_return(database, source.read(path, context), path.name)


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
        raise UnreadableFile(f"{path.name} needs the columns UPN and PupilMatchingRefAnonymous.")
    database.execute(
        f'CREATE OR REPLACE TABLE link AS SELECT DISTINCT upper(trim(CAST("{upn}" AS VARCHAR))) AS upn, '
        f'CAST("{pupil}" AS {reference}) AS pupil FROM {_source(path)}'
    )

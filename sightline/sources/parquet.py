"""One vocabulary fact table as Parquet: for what is too large to be text, or was made by a program that knows ours.

The file says which table it holds, and whose ids it uses, in its metadata (`sightline.table`, `sightline.system`; and,
if the writer knows them, `sightline.period`, `sightline.covers`, `sightline.authority`, `sightline.as_at`). It is
checked column by column and passed on as a file: 228 million session marks are never in memory.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from sightline.engine import Database, arrow_schema
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import target
from sightline.sources.registers import packed_letters, span_of
from sightline.vocabulary.attendance import NO_MARK
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.tables import FACTS, TABLES

TABLE, SYSTEM = b"sightline.table", b"sightline.system"
DAMAGED = "The Parquet file is damaged or cut short; please write it again."
_TOLD = ("period", "covers", "authority", "as_at")


def recognise(seen: Head) -> bool:
    """A Parquet file whose metadata names a table of ours."""
    return seen.start.startswith(b"PAR1") and seen.end.endswith(b"PAR1") and TABLE in seen.end


def read(path: Path, context: Context) -> Reading:
    """The table as a file (`Reading.files`), after checking its columns, their types and that none required is empty.

    `covers` is what the metadata says, else a fingerprint of the file, so that two parts of one table stay in force
    together. Raises UnreadableFile when the table or a column is not one of ours, a required value is missing, or weeks
    of marks are not weeks of marks: a program wrote the file, and it is the program that should be put right.
    """
    try:
        file = pq.ParquetFile(path, memory_map=True)
        schema, metadata = file.schema_arrow, dict(file.metadata.metadata or {})
    except (pa.ArrowException, OSError, ValueError):
        raise UnreadableFile(DAMAGED) from None
    name = metadata.get(TABLE, b"").decode("utf-8", "replace")
    system = metadata.get(SYSTEM, b"").decode("utf-8", "replace")
    if name not in FACTS:
        raise UnreadableFile(f"The Parquet file says it holds '{name}', which is none of: {', '.join(FACTS)}.")
    if not system:
        raise UnreadableFile("The Parquet file does not say whose ids it uses; set the metadata sightline.system.")
    _check_columns(name, schema)
    told = {key: metadata.get(f"sightline.{key}".encode(), b"").decode("utf-8", "replace") for key in _TOLD}
    with Database() as database:
        try:
            database.add_parquet("arrived", [path])
            _check_rows(database, name)
            first, last = _span(database, name)
        except duckdb.Error:
            # Its words name a place in the file and no way to put it right.
            raise UnreadableFile(DAMAGED) from None
    return Reading(
        kind="sightline-parquet",
        system=system,
        period=told["period"] or (f"{first} to {last}" if first else "no dates"),
        covers=f"{name}, {told['covers'] or _fingerprint(path)}",
        authority=told["authority"],
        as_at=told["as_at"] or last,
        files={name: path},
    )


def write(reading: Reading, path: Path) -> list[Path]:
    """Write each table of the reading to one file with the metadata that `read` needs.

    `path` is a file when there is one table, else a folder in which each table has a file of its name.
    """
    names = [*reading.tables, *reading.files]
    if len(names) != 1 and not path.is_dir():
        raise ValueError("Several tables need a folder to be written in.")
    said = {f"sightline.{key}": getattr(reading, key) for key in _TOLD}
    return [_write_one(reading, name, target(path, f"{name}.parquet"), said) for name in names]


def write_table(name: str, table: pa.Table, path: Path, *, system: str) -> Path:
    """Write one table as this kind of file."""
    return write(Reading("sightline-parquet", system, "", "", tables={name: table}), path)[0]


def _write_one(reading: Reading, name: str, path: Path, said: Mapping[str, str]) -> Path:
    schema = arrow_schema(name)
    prefix = f"{name}, "
    about = {TABLE: name.encode(), SYSTEM: reading.system.encode()}
    about |= {key.encode(): value.removeprefix(prefix).encode() for key, value in said.items() if value}
    with pq.ParquetWriter(path, schema.with_metadata(about), compression="zstd") as writer:
        if name in reading.tables:
            writer.write_table(reading.tables[name].select(schema.names).cast(schema).replace_schema_metadata(about))
        else:
            for batch in pq.ParquetFile(reading.files[name]).iter_batches(batch_size=131_072):
                part = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
                writer.write_table(part.replace_schema_metadata(about))
    return path


def _check_columns(name: str, schema: pa.Schema) -> None:
    wanted = arrow_schema(name)
    lacks = [column for column in wanted.names if column not in schema.names]
    extra = [column for column in schema.names if column not in wanted.names]
    if lacks or extra or len(schema.names) != len(set(schema.names)):
        raise UnreadableFile(
            f"The columns of this Parquet file are not those of {name}."
            + (f" It lacks {', '.join(lacks)}." if lacks else "")
            + (f" It has {len(extra)} more than the table." if extra else "")
            + f" They should be: {', '.join(wanted.names)}."
        )
    wrong = [f.name for f in wanted if not _same(schema.field(f.name).type, f.type)]
    if wrong:
        right = ", ".join(f"{column} {wanted.field(column).type}" for column in wrong)
        raise UnreadableFile(f"Columns of this Parquet file have the wrong type; they should be: {right}.")


def _same(found: pa.DataType, wanted: pa.DataType) -> bool:
    plain = found.value_type if pa.types.is_dictionary(found) else found
    if wanted == pa.string():
        return bool(pa.types.is_string(plain) or pa.types.is_large_string(plain))
    return bool(plain == wanted)


def _check_rows(database: Database, name: str) -> None:
    for column in TABLES[name]:
        if column.required and (count := database.one(f'SELECT count(*) FROM arrived WHERE "{column.name}" IS NULL')):
            raise UnreadableFile(
                f"{column.says} is missing in {count:,} rows; {column.name} needs a value in every row."
            )
    if name != "attendance_week":
        return
    if count := database.one("SELECT count(*) FROM arrived WHERE week IS NULL OR isodow(week) <> 1"):
        raise UnreadableFile(f"In {count:,} rows week is not a Monday; every row of attendance_week needs one.")
    letters = "".join(sorted(packed_letters() | {NO_MARK}))
    bad = database.one(
        "SELECT count(*) FROM (SELECT DISTINCT marks FROM arrived) WHERE marks IS NULL "
        "OR length(marks) NOT IN (10, 14) OR trim(marks, ?) <> ''",
        [letters],
    )
    if bad:
        raise UnreadableFile(f"{bad:,} different values of marks are not ten or fourteen packed attendance marks.")


def _span(database: Database, name: str) -> tuple[str, str]:
    """The first and last day of the table's first date column (for weeks of marks, the days marked), as ISO text."""
    if name == "attendance_week":
        return span_of(
            database.query(
                "SELECT DISTINCT week, marks FROM arrived "
                "WHERE week IN ((SELECT min(week) FROM arrived), (SELECT max(week) FROM arrived))"
            )
        )
    day = next((c.name for c in TABLES[name] if c.type == "date"), "")
    if not day:
        return "", ""
    first, last = database.rows(f"SELECT min({day})::TEXT, max({day})::TEXT FROM arrived")[0]
    return first or "", last or ""


def _fingerprint(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(2**20):
            digest.update(piece)
    return digest.hexdigest()[:12]


SOURCES: tuple[Source, ...] = (
    Source("sightline-parquet", "One of Sightline's tables (Parquet)", recognise, read, write),
)

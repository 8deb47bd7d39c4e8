"""A DuckDB database in which vocabulary tables are visible by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa

from sightline.vocabulary.findings import Finding
from sightline.vocabulary.tables import TABLES, Table, Type

ARROW = {
    Type.TEXT: pa.string(),
    Type.DATE: pa.date32(),
    Type.INT: pa.int32(),
    Type.SMALL: pa.int16(),
    Type.FLAG: pa.bool_(),
    Type.REAL: pa.float64(),
}

DUCKDB = {
    pa.string(): "VARCHAR",
    pa.date32(): "DATE",
    pa.int32(): "INTEGER",
    pa.int16(): "SMALLINT",
    pa.bool_(): "BOOLEAN",
    pa.float64(): "DOUBLE",
}

# DuckDB 2.0 aggregates below joins when it misjudges the number of groups: ten times the time, 8 GB.
ALWAYS_OFF = "partial_aggregate_pushdown"
# Provenance that the store adds to every fact as received.
PROVENANCE = (("delivery", pa.string()), ("system", pa.string()))


def arrow_schema(table: str | Table, *, stored: bool = False) -> pa.Schema:
    """The Arrow schema of a vocabulary table; `stored` adds the provenance a stored fact carries."""
    spec = TABLES[table] if isinstance(table, str) else table
    fields = [pa.field(c.name, ARROW[c.type]) for c in spec]
    if stored and not spec.derived:
        fields += [pa.field(name, kind) for name, kind in PROVENANCE]
    return pa.schema(fields)


def empty(table: str, *, stored: bool = False) -> pa.Table:
    """The table with no rows."""
    return arrow_schema(table, stored=stored).empty_table()


def findings_table(findings: Iterable[Finding], *, delivery: str = "") -> pa.Table:
    """One row per finding, as the vocabulary's `finding` table."""
    names = ("rule", "severity", "says", "table", "record", "field", "value", "right", "line")
    columns: dict[str, list[Any]] = {name: [] for name in names}
    for finding in findings:
        for name, value in zip(names, astuple(finding), strict=True):
            columns[name].append(str(value) if name == "severity" else value)
    columns["delivery"] = [delivery] * len(columns["rule"])
    schema = arrow_schema("finding")
    return pa.table({f.name: pa.array(columns[f.name], f.type) for f in schema}, schema=schema)


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


class Database:
    """One DuckDB connection. Tables are added by name; `query` gives Arrow back.

    Never share one between threads: call `cursor()` once per thread instead.
    """

    def __init__(
        self, *, memory_limit: str | None = None, threads: int | None = None, temp: Path | None = None
    ) -> None:
        config: dict[str, str | bool | int | float | list[str]] = {"preserve_insertion_order": "false"}
        if temp:
            config["temp_directory"] = str(temp)
        if memory_limit:
            config["memory_limit"] = memory_limit
        if threads:
            config["threads"] = str(threads)
        self.connection = duckdb.connect(":memory:", config=config)
        self.execute(f"SET disabled_optimizers = '{ALWAYS_OFF}'")
        self.execute("SET TimeZone = 'Europe/London'")
        # A slow query would otherwise draw its progress over what a command prints.
        self.execute("SET enable_progress_bar = false")

    @classmethod
    def of(cls, tables: Mapping[str, pa.Table], *, complete: bool = True) -> Self:
        """A database holding these tables; with `complete`, every other vocabulary table is there and empty."""
        database = cls()
        for name, table in tables.items():
            database.add(name, table)
        if complete:
            database.fill(tables)
        return database

    def fill(self, present: Iterable[str]) -> None:
        """Add every vocabulary table not in `present`, empty, so that a query may name any table."""
        for name in sorted(TABLES.keys() - set(present)):
            columns = ", ".join(f'"{f.name}" {DUCKDB[f.type]}' for f in arrow_schema(name, stored=True))
            self.execute(f'CREATE TABLE "{name}" ({columns})')

    def add(self, name: str, table: pa.Table | pa.RecordBatchReader) -> None:
        """Make an Arrow table visible as `name`, replacing what was there."""
        self.connection.register(name, table)

    def add_parquet(self, name: str, files: Sequence[Path]) -> None:
        """Make Parquet files visible as `name`, replacing what was there, without reading them."""
        if self.one("SELECT count(*) FROM duckdb_tables() WHERE table_name = ? AND NOT temporary", [name]):
            self.execute(f'DROP TABLE "{name}"')
        listed = ", ".join(_quoted(str(f)) for f in files)
        self.execute(
            f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM read_parquet([{listed}], union_by_name = true, '
            "hive_partitioning = false)"
        )

    def query(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """Run SQL and return the answer as an Arrow table."""
        return self.connection.sql(sql, params=parameters or None).to_arrow_table()

    def rows(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
        """Run SQL and return plain tuples, for small answers."""
        return self.connection.execute(sql, parameters or None).fetchall()

    def one(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> Any:
        """The single value of a query that has one row and one column."""
        rows = self.rows(sql, parameters)
        return rows[0][0] if rows else None

    def execute(self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> None:
        """Run a statement to its end."""
        # DuckDB refuses other work on a connection whose last result was not read to its end.
        self.connection.execute(sql, parameters or None).fetchall()

    def conformed(self, name: str, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> pa.Table:
        """Run SQL and cast the answer to the vocabulary's schema for `name` (columns by name)."""
        schema = arrow_schema(name)
        columns = ", ".join(f'"{f.name}"' for f in schema)
        return self.query(f"SELECT {columns} FROM ({sql})", parameters).cast(schema)

    def write_parquet(self, sql: str, path: Path, parameters: Sequence[Any] | Mapping[str, Any] = ()) -> int:
        """Write the answer of a query to one zstd Parquet file; returns the rows written."""
        copy = f"COPY ({sql}) TO {_quoted(str(path))} (FORMAT parquet, COMPRESSION zstd)"
        return int(self.one(copy, parameters))

    def cursor(self) -> Database:
        """A second door to the same database, for another thread. It sees Parquet tables, not Arrow ones."""
        twin = object.__new__(type(self))
        twin.connection = self.connection.cursor()
        return twin

    def close(self) -> None:
        self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

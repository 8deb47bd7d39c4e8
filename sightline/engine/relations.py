"""Steps written once in Ibis and run by an engine: DuckDB here, or Apache Spark where data stay on a cluster.

A step is an expression over named tables. The engine turns it into its own SQL and keeps the answer under a name. Only
what both engines answer alike may be used in a step; a test runs the same steps on both where Spark is installed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from sightline.engine.database import ALWAYS_OFF, Database
from sightline.vocabulary.errors import BadSetting

ENGINES = ("duckdb", "spark")


class Relations(Protocol):
    """An engine that keeps tables by name and runs Ibis expressions over them."""

    def make(self, name: str, *parts: Any, last: bool = False, as_written: bool = False) -> None:
        """Keep the rows of an expression as a table, or of several one after the other; `last` marks one that later
        readers want.

        `as_written` says that each join has its smaller side on the right, whatever the engine believes.
        """

    def row(self, expression: Any) -> dict[str, Any]:
        """The one row of an aggregate, by column."""

    def drop(self, name: str) -> None:
        """Forget a table that no later step needs."""

    def close(self) -> None:
        """Stop what was started for the steps."""


class DuckRelations:
    """Steps in a DuckDB database. With a folder, tables marked last are written there as Parquet and read from it."""

    def __init__(self, database: Database, folder: Path | None = None) -> None:
        from ibis.backends.sql.compilers import DuckDBCompiler

        self.database = database
        self.folder = folder
        self._compiler: Any = DuckDBCompiler()

    def sql(self, expression: Any) -> str:
        """The expression in DuckDB's words."""
        return str(self._compiler.to_sqlglot(expression).sql(dialect=self._compiler.dialect))

    def make(self, name: str, *parts: Any, last: bool = False, as_written: bool = False) -> None:
        if as_written:
            self.database.execute(f"SET disabled_optimizers = '{ALWAYS_OFF},build_side_probe_side,join_order'")
        try:
            self._make(name, parts, last)
        finally:
            if as_written:
                self.database.execute(f"SET disabled_optimizers = '{ALWAYS_OFF}'")

    def _make(self, name: str, parts: Sequence[Any], last: bool) -> None:
        if last and self.folder:
            # Several parts are files of one folder, as Spark's are.
            path = self.folder / f"{name}.parquet"
            places = [path]
            if len(parts) > 1:
                path.mkdir(exist_ok=True)
                places = [path / f"{n}.parquet" for n in range(len(parts))]
            for part, place in zip(parts, places, strict=True):
                # Beside, then into place: what a stopped run leaves is whole or not there.
                beside = place.with_suffix(".part")
                self.database.write_parquet(self.sql(part), beside)
                beside.replace(place)
            self.database.add_parquet(name, places)
        else:
            for n, part in enumerate(parts):
                how = f'INSERT INTO "{name}"' if n else f'CREATE OR REPLACE TABLE "{name}" AS'
                self.database.execute(f"{how} {self.sql(part)}")

    def row(self, expression: Any) -> dict[str, Any]:
        return dict(self.database.query(self.sql(expression)).to_pylist()[0])

    def drop(self, name: str) -> None:
        self.database.execute(f'DROP TABLE IF EXISTS "{name}"')

    def close(self) -> None:
        """Nothing: the database belongs to whoever gave it."""


class SparkRelations:
    """Steps in a Spark session. Tables are Parquet below a folder, each written before the next step reads it."""

    def __init__(self, folder: Path, inputs: Mapping[str, Path], *, session: Any = None) -> None:
        """`inputs` are Parquet files by the name steps know them under. Raises BadSetting without Spark."""
        try:
            from pyspark.sql import SparkSession
        except ModuleNotFoundError:
            raise BadSetting(
                "The engine 'spark' needs Apache Spark: install Sightline with its extra 'spark', and Java 17."
            ) from None
        import ibis
        from ibis.backends.sql.compilers import PySparkCompiler

        # The compiler reads options that Ibis has only once its own door to Spark is loaded.
        _ = ibis.pyspark
        self.folder = folder
        self._compiler: Any = PySparkCompiler()
        self.session: Any = session or (
            SparkSession.builder.config("spark.ui.enabled", "false")
            .config("spark.sql.session.timeZone", "Europe/London")
            .config("spark.sql.parquet.compression.codec", "zstd")
            .getOrCreate()
        )
        for name, path in inputs.items():
            self.session.read.parquet(str(path)).createOrReplaceTempView(name)

    def sql(self, expression: Any) -> str:
        """The expression in Spark's words."""
        return str(self._compiler.to_sqlglot(expression).sql(dialect=self._compiler.dialect))

    def make(self, name: str, *parts: Any, last: bool = False, as_written: bool = False) -> None:
        place = str(self.folder / f"{name}.parquet")
        for n, part in enumerate(parts):
            self.session.sql(self.sql(part)).write.mode("append" if n else "overwrite").parquet(place)
        self.session.read.parquet(place).createOrReplaceTempView(name)

    def row(self, expression: Any) -> dict[str, Any]:
        return dict(self.session.sql(self.sql(expression)).collect()[0].asDict())

    def drop(self, name: str) -> None:
        # The view alone: an older view of one name would otherwise hide a new table.
        self.session.catalog.dropTempView(name)

    def close(self) -> None:
        self.session.stop()

"""The columnar engine: one way to open DuckDB, and one way to move tables in and out of it."""

from sightline.engine.database import Database, arrow_schema, empty, findings_table
from sightline.engine.spreadsheets import harmless

__all__ = ["Database", "arrow_schema", "empty", "findings_table", "harmless"]

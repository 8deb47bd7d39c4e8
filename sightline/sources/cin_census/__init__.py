"""The CIN census: the XML return of collection years 2017 to 2027, and its tables as CSV."""

from sightline.sources.base import Source
from sightline.sources.cin_census.places import element_lines, table_of
from sightline.sources.cin_census.reading import (
    KIND,
    KIND_CSV,
    is_census,
    is_census_table,
    read_census,
    read_census_table,
)
from sightline.sources.cin_census.writing import write_census, write_census_tables

SOURCES = (
    Source(KIND, "CIN census return (XML)", is_census, read_census, write_census),
    Source(KIND_CSV, "CIN census table (CSV)", is_census_table, read_census_table, write_census_tables),
)

__all__ = ["SOURCES", "element_lines", "table_of"]

"""Measures: what the registers and the notices of suspension say, by definition.

Tables of `vocabulary` in, tables out; no file is opened and no clock is read.
"""

from sightline.measures.exclusions import exclusion_sql
from sightline.measures.registers import register_school_week_sql, register_week_sql, register_year_sql

__all__ = ["exclusion_sql", "register_school_week_sql", "register_week_sql", "register_year_sql"]

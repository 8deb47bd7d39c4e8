"""Measures: what the registers and the notices of suspension say, by definition.

Tables of `vocabulary` in, tables out; no file is opened and no clock is read.
"""

from sightline.measures.absence import GROUPINGS, UNITS, Grouping, absence
from sightline.measures.exclusions import exclusion_sql
from sightline.measures.panels import other_pupils, panel
from sightline.measures.patterns import attendance_weeks, school_weeks, weekday_pattern
from sightline.measures.registers import (
    presence_sql,
    register_school_week_sql,
    register_week_sql,
    register_year_sql,
)

__all__ = [
    "GROUPINGS",
    "UNITS",
    "Grouping",
    "absence",
    "attendance_weeks",
    "exclusion_sql",
    "other_pupils",
    "panel",
    "presence_sql",
    "register_school_week_sql",
    "register_week_sql",
    "register_year_sql",
    "school_weeks",
    "weekday_pattern",
]

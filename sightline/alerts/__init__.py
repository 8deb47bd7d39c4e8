"""Alerts: who an adviser should ring this week, and why. Tables in, a table out; no clock is read."""

from sightline.alerts.facts import registers_from, school_weeks_sql
from sightline.alerts.reasons import REASONS, Reason, reasons
from sightline.alerts.week import COLUMNS, week

__all__ = ["COLUMNS", "REASONS", "Reason", "reasons", "registers_from", "school_weeks_sql", "week"]

"""Who has the last word: deliveries in the order of the day they speak of, then the order received."""

from __future__ import annotations

# One row per delivery: `word` grows with the day it speaks of; `day` is null where that and its receipt are unknown.
RANKED = """
    ranked AS (
        SELECT delivery, authority, coalesce(as_at, received) AS day,
            row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
        FROM delivery
    )
"""
# A day after every other, for ends that are not known: DuckDB's own infinity does not survive Arrow.
NEVER = "DATE '9999-12-31'"


def latest(column: str, by: str = "word") -> str:
    """SQL for the latest delivery's value of a column that some delivery has a value for."""
    return f"arg_max({column}, {by}) FILTER ({column} IS NOT NULL)"

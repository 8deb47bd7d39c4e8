"""A rerun beside the report: each printed cell, what was estimated, the difference, and whether error explains it."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from sightline.evaluation.result import Table
from sightline.vocabulary.report import Printed, doubt, printed_table

LIMIT: Final = 3.0
"""Standard errors within which a difference is called sampling error."""
COMPARED: Final = ("estimate", "mean", "percent", "N")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row per printed cell: `verdict` is within, outside, size (a count, which a rerun's scale decides), or none.

    `errors` is the difference, less what rounding hides, in standard errors of the estimate.
    """

    table: str
    row: str
    column: str
    statistic: str
    printed: float
    estimated: float | None
    difference: float | None
    se: float | None
    errors: float | None
    verdict: str
    says: str


def against_report(tables: Iterable[Table]) -> list[Comparison]:
    """Every printed cell of the tables given, in the order printed."""
    found = []
    for table in tables:
        if not table.printed:
            continue
        figures = {(c.row, c.column, c.statistic): c.value for c in table.cells}
        refused = dict(table.refused)
        for cell in printed_table(table.printed).values():
            if cell.statistic in COMPARED:
                found.append(_compare(table.id, cell, figures, refused.get(cell.column, "")))
    return found


def _compare(
    table: str, cell: Printed, figures: dict[tuple[str, str, str], float | int | str | None], refused: str
) -> Comparison:
    # A difference-in-differences table prints a column's error under the same row and column.
    got = figures.get((cell.row, cell.column, cell.statistic))
    se = figures.get((cell.row, cell.column, "se"))
    says = doubt(cell)
    if not isinstance(got, int | float):
        why = refused or "not among this study's figures"
        return Comparison(table, cell.row, cell.column, cell.statistic, cell.value, None, None, None, None, "none", why)
    difference = float(got) - cell.value
    if cell.statistic == "N":
        verdict, errors, error = "size", None, None
    else:
        error = float(se) if isinstance(se, int | float) else None
        beyond = max(abs(difference) - cell.half_step, 0.0)
        errors = 0.0 if beyond == 0 else beyond / error if error else math.inf
        verdict = "within" if errors <= LIMIT else "outside"
        errors = errors if math.isfinite(errors) else None
    return Comparison(
        table, cell.row, cell.column, cell.statistic, cell.value, float(got), difference, error, errors, verdict, says
    )

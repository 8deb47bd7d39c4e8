"""A rerun beside the report: each printed cell, what was estimated, the difference, and whether error explains it.

And beside what was planted, for a rerun on invented data.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sightline.evaluation.result import Table
from sightline.vocabulary.report import Printed, doubt, printed_table

LIMIT: Final = 3.0
"""Standard errors within which a difference is called sampling error."""
COMPARED: Final = ("estimate", "mean", "percent", "N")


@dataclass(frozen=True, slots=True)
class Comparison:
    """One row per printed cell: `verdict` is within, outside, size (a count, which a rerun's scale decides), or none.

    `errors` is the difference, less what rounding hides, in standard errors of the estimate. Beside what was planted,
    `printed` is the figure planted, and the difference is from that.
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


def against_planted(tables: Iterable[Table], planted: Iterable[Mapping[str, Any]]) -> list[Comparison]:
    """Every figure planted in invented data (a row each of its truth) that the tables given could hold.

    An estimate is within when it lies no more than three standard errors from what was planted, a mean when it prints
    as the report prints it.
    """
    by_number = {t.printed: t for t in tables if t.printed}
    found = []
    for cell in planted:
        table = by_number.get(cell["table"])
        if table is None:
            continue
        row, column, statistic = cell["row"], cell["column"], cell["statistic"]
        got, se = (table.value(row, column, what) for what in (statistic, "se"))
        mean = statistic == "mean"
        aim = float(cell["printed"] if mean else cell["planted"])
        if not isinstance(got, int | float):
            why = dict(table.refused).get(column, "not among this study's figures")
            found.append(Comparison(table.id, row, column, statistic, aim, None, None, None, None, "none", why))
            continue
        difference = float(got) - aim
        error = float(se) if isinstance(se, int | float) and se else None
        errors = None if mean or error is None else abs(difference) / error
        if mean:
            # A hair more than half a step: the printed figure itself is a decimal that a float only comes near.
            near = abs(difference) <= printed_table(table.printed)[row, column, statistic].half_step * (1 + 1e-9)
        else:
            near = errors is not None and errors <= LIMIT
        verdict = "within" if near else "outside"
        found.append(
            Comparison(table.id, row, column, statistic, aim, float(got), difference, error, errors, verdict, "")
        )
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

"""The data behind the report's figures 9 to 14, from the tables they are drawn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from sightline.evaluation.result import Builder, Table
from sightline.evaluation.writing import figures as by_place

MEANS: Final[Mapping[int, int]] = {9: 53, 13: 53, 11: 57, 14: 57}
COEFFICIENTS: Final[Mapping[int, tuple[int, ...]]] = {10: (55, 56), 12: (59, 60)}


def figure_data(tables: Iterable[Table]) -> list[Table]:
    """One table per figure whose tables are all here: lines of means by year, or months' coefficients with intervals.

    Figures 9 and 11 have all children; 13 and 14 are the same lines in the annex, here with boys and girls besides.
    """
    held: dict[int, Table] = {}
    for table in tables:
        held.setdefault(table.printed, table)
    found = []
    for number in range(9, 15):
        if number in MEANS and MEANS[number] in held:
            found.append(_means(number, held[MEANS[number]]))
        elif number in COEFFICIENTS and all(n in held for n in COEFFICIENTS[number]):
            found.append(_coefficients(number, [held[n] for n in COEFFICIENTS[number]]))
    return found


def _means(number: int, table: Table) -> Table:
    b = Builder()
    for (row, column), values in by_place(table).items():
        if number in (9, 11) and not column.endswith(", overall"):
            continue
        figures = {k: v for k, v in values.items() if k in ("mean", "se", "N", "percent")}
        b.put(row, column, **figures)
    return _table(number, table, b)


def _coefficients(number: int, tables: list[Table]) -> Table:
    b = Builder()
    for table in tables:
        for (row, column), values in by_place(table).items():
            if row.startswith("Months"):
                b.put(row, column, **values)
        b.refused += list(table.refused)
    return _table(number, tables[0], b)


def _table(number: int, source: Table, b: Builder) -> Table:
    return b.table(
        f"figure-{number}",
        f"Data of figure {number}: {source.title}",
        sample=source.sample,
        estimator=source.estimator,
        errors=source.errors,
        source=f"Figure {number}",
    )

"""What a study gives: tables of cells, each with its notes, what was left out and why. Numbers, not documents."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sightline.statistics import Dropped, Estimate

Value = float | int | str | None
DIGITS: Final = 10
"""Significant digits kept: what two runs of the same study can be held to, whatever order a sum was taken in."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure. `statistic` is estimate, se, low, high, p, stars, df, mean, percent, N or count."""

    row: str
    column: str
    statistic: str
    value: Value


@dataclass(frozen=True, slots=True)
class Left:
    """One thing left out of one column's figures: how many (a word where it is hidden), of what, and why."""

    column: str
    kind: str
    name: str
    count: int | str
    why: str


@dataclass(frozen=True, slots=True)
class Table:
    """One table of a study: rows and columns in order, its cells, and what a reader must know to trust them.

    `refused` are columns that could not be had, with the sentence why. `printed` is the number of the report's table.
    """

    id: str
    title: str
    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[Cell, ...]
    sample: str
    estimator: str = ""
    errors: str = ""
    formula: str = ""
    source: str = ""
    printed: int = 0
    notes: tuple[str, ...] = ()
    left: tuple[Left, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def value(self, row: str, column: str, statistic: str = "estimate") -> Value:
        """One figure; None when it is not there."""
        return next((c.value for c in self.cells if (c.row, c.column, c.statistic) == (row, column, statistic)), None)

    def json(self) -> str:
        """The whole table as JSON text, the same bytes for the same table."""
        return json.dumps(asdict(self), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Table:
        """The table that `json` wrote."""
        told = json.loads(text)
        told["cells"] = tuple(Cell(**c) for c in told["cells"])
        told["left"] = tuple(Left(**c) for c in told["left"])
        told["refused"] = tuple((a, b) for a, b in told["refused"])
        for name in ("rows", "columns", "notes"):
            told[name] = tuple(told[name])
        return cls(**told)


def rounded(value: Any) -> Value:
    """A figure to ten significant digits; what is not a number or not finite becomes nothing."""
    if value is None or isinstance(value, str | int):
        return value
    number = float(value)
    return float(f"{number:.{DIGITS}g}") if math.isfinite(number) else None


@dataclass(slots=True)
class Builder:
    """A table being made."""

    rows: list[str] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def put(self, row: str, column: str, **figures: Any) -> None:
        """Figures of one row and column by statistic, in the order given."""
        if row not in self.rows:
            self.rows.append(row)
        if column not in self.columns:
            self.columns.append(column)
        self.cells += [Cell(row, column, statistic, rounded(value)) for statistic, value in figures.items()]

    def estimate(self, row: str, column: str, e: Estimate, *, level: float = 0.95) -> None:
        """An estimate with its error, interval, p and stars."""
        low, high = e.interval(level)
        self.put(row, column, estimate=e.estimate, se=e.se, stars=e.stars, p=e.p, low=low, high=high)

    def drop(self, column: str, dropped: Iterable[Dropped]) -> None:
        """What an estimator left out."""
        self.left += [Left(column, d.kind, d.name, d.count, d.why) for d in dropped]

    def refuse(self, column: str, why: str) -> None:
        if column not in self.columns:
            self.columns.append(column)
        self.refused.append((column, why))

    def table(self, id: str, title: str, *, notes: Iterable[str] = (), **told: Any) -> Table:
        """The finished table."""
        return Table(
            id=id,
            title=title,
            rows=tuple(self.rows),
            columns=tuple(self.columns),
            cells=tuple(self.cells),
            notes=(*notes, *self.notes),
            left=tuple(self.left),
            refused=tuple(self.refused),
            **told,
        )


def figures(table: Table) -> dict[tuple[str, str], dict[str, Value]]:
    """The statistics of each row and column."""
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for c in table.cells:
        found.setdefault((c.row, c.column), {})[c.statistic] = c.value
    return found


def grid(table: Table) -> list[list[str]]:
    """One line per row: its name, then each column's cell as people read it."""
    held = figures(table)
    return [[row, *(shown(held.get((row, column), {})) for column in table.columns)] for row in table.rows]


def shown(held: Mapping[str, Value], *, places: int | None = None) -> str:
    """A cell as people read it: -0.45*** (0.049), 15.0, 59%, 79,230; nothing where there is none."""
    if "estimate" in held:
        value, se = held["estimate"], held.get("se")
        if value is None or isinstance(value, str):
            return value or ""
        error = f" ({_number(se, places)})" if se is not None else ""
        return f"{_number(value, places)}{held.get('stars') or ''}{error}"
    for statistic, value in held.items():
        if value is None or isinstance(value, str):
            return value or ""
        if statistic == "percent":
            return f"{float(value):.1f}%"
        if statistic in ("N", "count"):
            return f"{int(float(value)):,}"
        if statistic == "df":
            return f"{int(float(value)):,}"
        return _number(value, places)
    return ""


def _number(value: Value, places: int | None) -> str:
    number = float(value or 0)
    if places is None:
        size = abs(number)
        places = 1 if size >= 100 else 2 if size >= 10 else 3
    text = f"{number:,.{places}f}"
    return f"−{text[1:]}" if text.startswith("-") and float(text.replace(",", "")) != 0 else text.lstrip("-")

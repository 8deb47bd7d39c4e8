"""Figures on their way out: a cell, and a table of cells with what is known of how its parts make up its totals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Final, Literal, get_args

import pyarrow as pa

from sightline.vocabulary.errors import SightlineError

Kind = Literal["count", "percentage", "mean", "total", "model", "minimum", "maximum"]
Key = frozenset[tuple[str, str]]
"""Who is counted: the pairs of dimension and value they share. Two cells with one key count the same children."""

TOTAL: Final = "Total"
"""The value of a dimension that stands for all its values together."""


class BadResult(SightlineError):
    """The figures offered contradict themselves, so no rule can be applied to them."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One figure and what the rules need to know of it.

    `key` gives a value of every dimension of the table, in order, TOTAL where all are taken together. `n` is the
    unrounded number of children behind it. `value` is the figure (for a count it is `n`). `structural` marks a nought
    that could never have been anything else. `alike` says that every child has the same value. `largest` holds the
    largest contributions to a total, largest first. `df` and `least` are a model's residual degrees of freedom and
    the children in the smallest category of its dummies; `single` marks a constant or effect of a single unit.
    """

    key: tuple[str, ...]
    n: int
    value: float | None = None
    kind: Kind = "count"
    structural: bool = False
    alike: bool = False
    largest: tuple[float, ...] = ()
    df: float | None = None
    least: int | None = None
    single: bool = False

    def __post_init__(self) -> None:
        where = ", ".join(self.key) or "the only cell"
        if self.kind not in get_args(Kind):
            raise BadResult(f"A cell's kind must be one of {', '.join(get_args(Kind))}.")
        if isinstance(self.n, bool) or not isinstance(self.n, int) or self.n < 0:
            raise BadResult(f"The number of children behind a cell must be a whole number from 0 ({where}).")
        if self.structural and self.n:
            raise BadResult(f"A cell that can only be nought has children in it ({where}).")
        if self.kind == "count":
            if self.value is not None and self.value != self.n:
                raise BadResult(f"The value of a count must be its number of children ({where}).")
            object.__setattr__(self, "value", self.n)
        elif self.n and (self.value is None or not math.isfinite(self.value)):
            raise BadResult(f"A cell with children behind it has no value ({where}).")
        if self.kind == "percentage" and self.n and not 0 <= (self.value or 0) <= 100:
            raise BadResult(f"A percentage must lie between 0 and 100 ({where}).")
        if list(self.largest) != sorted(self.largest, reverse=True) or any(v < 0 for v in self.largest):
            raise BadResult(f"The largest contributions must be given largest first, none below nought ({where}).")
        if self.kind == "total" and (self.value or 0) < 0:
            raise BadResult(f"A total must not be below nought ({where}).")

    @property
    def numerator(self) -> float:
        """The children a percentage counts."""
        share = (self.value or 0.0) * self.n / 100
        # A percentage given to a few decimals must not turn ten children into 9.999.
        return float(round(share)) if abs(share - round(share)) < 0.01 else share


@dataclass(frozen=True, slots=True)
class Result:
    """One table of figures to be released.

    `dimensions` name the parts of a key. `filters` say who the whole table is about, as pairs of dimension and value
    that it does not spread out. `nested` gives dimensions whose values are samples inside each other, widest first,
    instead of parts of a whole. `group` names the dimension whose values the group minimum looks at.
    """

    name: str
    dimensions: tuple[str, ...]
    cells: tuple[Cell, ...]
    filters: tuple[tuple[str, str], ...] = ()
    nested: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    group: str = ""

    def __post_init__(self) -> None:
        if len(set(self.dimensions)) != len(self.dimensions) or {d for d, _ in self.filters} & set(self.dimensions):
            raise BadResult(f"Table '{self.name}' names a dimension twice.")
        if self.group and self.group not in self.dimensions:
            raise BadResult(f"Table '{self.name}' has no dimension '{self.group}' to group by.")
        seen: dict[tuple[str, ...], int] = {}
        kinds: set[tuple[tuple[str, ...], str]] = set()
        for cell in self.cells:
            if len(cell.key) != len(self.dimensions):
                raise BadResult(f"A cell of table '{self.name}' does not give one value for each dimension.")
            if (cell.key, cell.kind) in kinds and cell.kind != "model":
                raise BadResult(f"Table '{self.name}' gives one figure twice ({', '.join(cell.key)}).")
            kinds.add((cell.key, cell.kind))
            # Models have their own samples; the other figures of one key speak of the same children.
            if cell.kind != "model" and seen.setdefault(cell.key, cell.n) != cell.n:
                raise BadResult(f"Table '{self.name}' gives two numbers of children for one key.")

    @classmethod
    def of(
        cls,
        name: str,
        table: pa.Table,
        *,
        dimensions: Iterable[str],
        n: str = "n",
        value: str | None = None,
        kind: Kind = "count",
        filters: Iterable[tuple[str, str]] = (),
        nested: Mapping[str, tuple[str, ...]] | None = None,
        group: str = "",
    ) -> Result:
        """The result held by one row per cell of `table`: its dimensions, `n`, and `value` where it is no count.

        A missing value of a dimension is TOTAL, as SQL's CUBE and ROLLUP write it. A column that is not there raises
        BadResult.
        """
        dims = tuple(dimensions)
        missing = [c for c in (*dims, n, *([value] if value else [])) if c not in table.column_names]
        if missing:
            raise BadResult(f"Table '{name}' has no column '{missing[0]}'. It has: {', '.join(table.column_names)}.")
        cells = tuple(
            Cell(
                key=tuple(TOTAL if row[d] is None else str(row[d]) for d in dims),
                n=row[n],
                value=row[value] if value else None,
                kind=kind,
            )
            for row in table.to_pylist()
        )
        return cls(name, dims, cells, tuple(filters), dict(nested or {}), group)

    def children(self, key: tuple[str, ...]) -> Key:
        """Who a cell counts, in words that mean the same in every table of a release."""
        return frozenset([*self.filters, *((d, v) for d, v in zip(self.dimensions, key, strict=True) if v != TOTAL)])

    def values(self, dimension: int) -> tuple[str, ...]:
        """The values of a dimension in the order of the table, TOTAL among them where the table has it."""
        return tuple(dict.fromkeys(c.key[dimension] for c in self.cells if c.kind != "model"))

    def filled(self) -> tuple[Cell, ...]:
        """The cells, and a nought for each combination a table of counts leaves out: leaving out says nought."""
        if not any(c.kind == "count" for c in self.cells):
            return self.cells
        have = {c.key for c in self.cells if c.kind != "model"}
        full = product(*(self.values(i) for i in range(len(self.dimensions))))
        return (*self.cells, *(Cell(key, 0) for key in full if key not in have and TOTAL not in key))


def spoken(key: Key) -> str:
    """A key as people read it: 'sex Girls, status CP plan'; everyone where it names nothing."""
    return ", ".join(f"{d} {v}" for d, v in sorted(key)) or "everyone"

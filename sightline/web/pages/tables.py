"""Tables that sort and can be taken away. How each table of a page is sorted stands in the address alone, so that it
works without a script, can be shared, and is the same in a file of the page.

What is sorted is what is shown: a hidden number has no place among the others, so that no order tells what it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, Final, TypeVar

from django.http import HttpResponse, QueryDict

from sightline.operations.sheets import WRITERS, Book, Grid, Value
from sightline.web.pages.templating import query

WANTED: Final = "sort-"
Row = TypeVar("Row")
_NUMBERS: Final = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Order:
    """By which column (from 1) a table is sorted, and which way."""

    column: int
    descending: bool = False


class Sorting:
    """How the tables of one page are sorted, as its address says; each table has a key, unique on its page."""

    def __init__(self, got: QueryDict) -> None:
        self._held = {name: got.getlist(name) for name in got}

    def order(self, key: str) -> Order | None:
        """How a table is to be sorted; None for the order it has by itself."""
        said = self._held.get(WANTED + key, [""])[-1]
        plain = said.removeprefix("-")
        if not (plain.isascii() and plain.isdigit() and len(plain) < 4 and int(plain)):
            return None
        return Order(int(plain), said.startswith("-"))

    def way(self, key: str, column: int) -> str:
        """What `aria-sort` says of a column."""
        held = self.order(key)
        if held is None or held.column != column:
            return "none"
        return "descending" if held.descending else "ascending"

    def address(self, key: str, column: int) -> str:
        """The query string that sorts by a column: upwards, then downwards, then as the table was; its first page."""
        wanted = {"none": str(column), "ascending": str(-column), "descending": None}[self.way(key, column)]
        held: dict[str, Any] = {name: values for name, values in self._held.items() if name != "page"}
        return "?" + query(**{**held, WANTED + key: wanted})

    def kept(self) -> dict[str, list[str]]:
        """The part of the address that says how tables are sorted."""
        return {name: values for name, values in self._held.items() if name.startswith(WANTED)}

    def places(self, key: str, rows: Sequence[Sequence[Value]], *, whole: str = "") -> list[int]:
        """The places of the rows in the order asked for. A row labelled `whole` keeps its own."""
        held = self.order(key)
        if held is None or not rows or held.column > len(rows[0]):
            return list(range(len(rows)))
        at = held.column - 1
        parts = [n for n, row in enumerate(rows) if not whole or row[0] != whole]
        values = [None if hasattr(row[at], "words") else row[at] for row in rows]  # words in place of what is not read
        mine = iter(_sorted(parts, values, descending=held.descending))
        return [n if whole and row[0] == whole else next(mine) for n, row in enumerate(rows)]

    def grid(self, key: str, grid: Grid) -> Grid:
        """The table with its rows in the order asked for."""
        if not grid.sorts or self.order(key) is None:
            return grid
        return replace(grid, rows=tuple(grid.rows[n] for n in self.places(key, grid.rows, whole=grid.whole)))

    def grids(self, grids: Sequence[Grid]) -> list[Grid]:
        """The tables of a page, each keyed by its place."""
        return [self.grid(str(n), grid) for n, grid in enumerate(grids, 1)]


def in_order(sorting: Sorting, key: str, rows: Sequence[Row], read: Callable[[Row], Sequence[Any]]) -> list[Row]:
    """A list in the order its address asks for, `read` giving the columns of a row as this person may read them."""
    if sorting.order(key) is None:
        return list(rows)
    return [rows[n] for n in sorting.places(key, [read(row) for row in rows])]


def _sorted(places: list[int], values: Sequence[Value], *, descending: bool) -> list[int]:
    """Places in the order of their values: in a column of numbers, words such as "c" come last both ways."""
    numbers = any(isinstance(v, int | float) for v in values)
    told = [n for n in places if (isinstance(values[n], int | float) if numbers else values[n] not in (None, ""))]
    # `sorted` keeps the order of equals, reversed too: the usual order of the table stands within them.
    found = sorted(told, key=lambda n: _rank(values[n]), reverse=descending)
    placed = set(told)
    return found + [n for n in places if n not in placed]


def _rank(value: Value) -> Any:
    """A number as it is; words without regard to case, the numbers in them as numbers: Year 2 before Year 10."""
    if isinstance(value, date):
        return value.toordinal()
    if not isinstance(value, str):
        return value
    return [(0, int(part), "") if part.isdecimal() else (1, 0, part) for part in _NUMBERS.split(value.casefold())]


def file_of(book: Book, name: str, form: str) -> HttpResponse:
    """A workbook as an answer; XLSX unless another form is asked for."""
    ending = form if form in WRITERS else "xlsx"
    write, media = WRITERS[ending]
    response = HttpResponse(write(book), content_type=media)
    response["Content-Disposition"] = f'attachment; filename="{name}.{ending}"'
    return response

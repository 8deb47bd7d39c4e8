"""Small tables for the tests of disclosure control."""

from collections.abc import Sequence

from sightline.disclosure import TOTAL, Cell, Result


def two_way(rows: Sequence[Sequence[int]], name: str = "table", dims: tuple[str, str] = ("row", "column")) -> Result:
    """Counts with both margins and the grand total; rows r0, r1, ... and columns c0, c1, ..."""
    cells = [Cell((f"r{i}", f"c{j}"), n) for i, row in enumerate(rows) for j, n in enumerate(row)]
    cells += [Cell((f"r{i}", TOTAL), sum(row)) for i, row in enumerate(rows)]
    cells += [Cell((TOTAL, f"c{j}"), sum(column)) for j, column in enumerate(zip(*rows, strict=True))]
    return Result(name, dims, (*cells, Cell((TOTAL, TOTAL), sum(map(sum, rows)))))


def one_way(counts: Sequence[int], name: str = "table", dim: str = "row") -> Result:
    cells = [Cell((f"r{i}",), n) for i, n in enumerate(counts)]
    return Result(name, (dim,), (*cells, Cell((TOTAL,), sum(counts))))

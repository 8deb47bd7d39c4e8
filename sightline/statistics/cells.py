"""Grouping identical rows: exact for a binary outcome and for least squares, robust errors included.

Wong, Forsell, Lewis, Mao and Wardrop (2021), "You Only Compress Once". A cell keeps how many rows it stands for, the
sum of the outcome and the sum of its squares; nothing else of the rows is needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from sightline.statistics.design import Codes, Columns, codes, column, complete_rows
from sightline.statistics.records import CONSTANT, CannotEstimate, Dropped, F


@dataclass(frozen=True, eq=False)
class Cells:
    """One row per distinct combination of the regressors (and of the cluster, when there is one).

    `n` rows, `total` the outcome's sum, `squares` the sum of its squares; `cluster` a code from nought, or None.
    """

    regressors: Mapping[str, F]
    n: F
    total: F
    squares: F
    cluster: Codes | None = None
    dropped: tuple[Dropped, ...] = ()

    def __post_init__(self) -> None:
        for name, values in [*self.regressors.items(), ("total", self.total), ("squares", self.squares)]:
            if values.shape != self.n.shape:
                raise CannotEstimate(f"'{name}' must have one value for each of the {len(self.n)} cells.", [name])
        if CONSTANT in self.regressors:
            raise CannotEstimate(f"'{CONSTANT}' is added by the estimators; give that column another name.", [CONSTANT])
        if len(self.n) == 0:
            raise CannotEstimate("There is no cell with every regressor known.")

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.regressors)

    @property
    def rows(self) -> int:
        """How many rows the cells stand for."""
        return round(float(self.n.sum()))

    @property
    def binary(self) -> bool:
        """Whether every outcome is nought or one."""
        inside = bool(np.all((self.total >= 0) & (self.total <= self.n)))
        return inside and bool(np.allclose(self.total, self.squares, rtol=1e-12, atol=0))

    def matrix(self, names: Sequence[str] | None = None) -> F:
        """The named regressors (all by default), one to a row: (k, cells)."""
        wanted = self.names if names is None else names
        return np.array([self.regressors[name] for name in wanted], dtype=float).reshape(len(wanted), len(self.n))

    def where(self, mask: ArrayLike) -> Cells:
        """Only the cells where the mask is true."""
        keep = np.asarray(mask, dtype=bool)
        return Cells(
            {name: values[keep] for name, values in self.regressors.items()},
            self.n[keep],
            self.total[keep],
            self.squares[keep],
            None if self.cluster is None else codes(self.cluster[keep])[0],
            self.dropped,
        )

    def without(self, names: Sequence[str]) -> Cells:
        """The same cells with some regressors left out."""
        kept = {name: values for name, values in self.regressors.items() if name not in names}
        return Cells(kept, self.n, self.total, self.squares, self.cluster, self.dropped)


def rows_as_cells(outcome: ArrayLike, regressors: Columns, *, cluster: ArrayLike | None = None) -> Cells:
    """One cell per complete row: for a regressor that hardly repeats, where grouping does not pay."""
    rows = complete_rows(outcome, regressors, {} if cluster is None else {"cluster": cluster})
    y = rows.outcome.astype(float)
    columns = {name: values.astype(float) for name, values in zip(rows.names, rows.regressors, strict=True)}
    groups = None if cluster is None else codes(rows.ids[0])[0]
    return Cells(columns, np.ones(rows.n), y, y * y, groups, rows.dropped)


def with_unit_means(regressors: Columns, unit: ArrayLike) -> dict[str, F]:
    """The regressors and, beside each, its mean over the unit's rows ("mean of months").

    In a pooled logit clustered by unit they let the regressors go with the unit's own level and still give a marginal
    effect, which a conditional logit cannot. Mundlak (1978), Econometrica 46, 69-85. A row with a missing value makes
    its unit's mean missing, so leave such rows out before.
    """
    code, _ = codes(unit)
    size = np.bincount(code)
    found = {name: column(name, values).astype(float) for name, values in regressors.items()}
    return found | {f"mean of {name}": (np.bincount(code, weights=x) / size)[code] for name, x in found.items()}


def group_rows(outcome: ArrayLike, regressors: Columns, *, cluster: ArrayLike | None = None) -> Cells:
    """Cells from rows held in memory. `grouping_sql` asks a database for the same."""
    rows = complete_rows(outcome, regressors, {} if cluster is None else {"cluster": cluster})
    parts = [*rows.regressors, *rows.ids]
    key = np.zeros(rows.n, dtype=np.int64)
    size = 1
    for part in parts:
        code, found = codes(part)
        if size * len(found) >= 2**62:
            key, size = np.unique(key, return_inverse=True)[1].reshape(-1).astype(np.int64), rows.n
        key = key * len(found) + code
        size *= len(found)
    _, first, cell = np.unique(key, return_index=True, return_inverse=True)
    cell = cell.reshape(-1)
    y = rows.outcome.astype(float)
    return Cells(
        {name: values[first].astype(float) for name, values in zip(rows.names, rows.regressors, strict=True)},
        np.bincount(cell).astype(float),
        np.asarray(np.bincount(cell, weights=y), dtype=float),
        np.asarray(np.bincount(cell, weights=y * y), dtype=float),
        None if cluster is None else codes(rows.ids[0][first])[0],
        rows.dropped,
    )


def grouping_sql(source: str, outcomes: Sequence[str], regressors: Sequence[str], *, cluster: str | None = None) -> str:
    """SQL that gives one row per cell of `source` (a table, or a query in brackets), for several outcomes at once.

    Columns: the regressors, `cluster` when asked for, `n`, and for each outcome n_, total_ and squares_ before its
    name. Rows with a missing regressor come as cells of their own; `cells_from` drops and counts them.
    """
    keys = [_quoted(name) for name in regressors]
    if cluster is not None:
        keys.append(f'{_quoted(cluster)} AS "cluster"')
    sums = ["count(*) AS n"]
    for name in outcomes:
        y = f"CAST({_quoted(name)} AS DOUBLE)"
        sums.append(f"count({_quoted(name)}) AS {_quoted('n_' + name)}")
        sums.append(f"coalesce(sum({y}), 0) AS {_quoted('total_' + name)}")
        sums.append(f"coalesce(sum({y} * {y}), 0) AS {_quoted('squares_' + name)}")
    return f"SELECT {', '.join(keys + sums)} FROM {source} GROUP BY ALL ORDER BY ALL"


def cells_from(grouped: Mapping[str, ArrayLike], outcome: str, regressors: Sequence[str]) -> Cells:
    """Cells of one outcome from the columns that `grouping_sql` returns; what was missing is counted in rows."""
    arrays = {name: column(name, grouped[name]).astype(float, copy=False) for name in regressors}
    everyone = column("n", grouped["n"]).astype(float)
    n = column("n", grouped[f"n_{outcome}"]).astype(float)
    cluster: Any = np.ma.asarray(grouped["cluster"]) if "cluster" in grouped else None
    dropped = []
    keep = np.ones(len(n), dtype=bool)
    masks = {name: ~np.isfinite(values) for name, values in arrays.items()}
    if cluster is not None:
        held = cluster.data
        unknown_cluster = (
            np.isnan(held) if held.dtype.kind == "f" else np.array([v is None or v != v for v in held], dtype=bool)
        )
        masks["cluster"] = np.ma.getmaskarray(cluster) | unknown_cluster
    for name, mask in masks.items():
        lost = int(everyone[mask & keep].sum())
        keep &= ~mask
        if lost:
            dropped.append(Dropped("rows", name, lost, "missing value"))
    unknown = int((everyone - n)[keep].sum())
    if unknown:
        dropped.append(Dropped("rows", outcome, unknown, "missing value"))
    keep &= n > 0
    # Nearly always nothing is left out, and then nothing is copied.
    at = slice(None) if keep.all() else keep
    return Cells(
        {name: values[at] for name, values in arrays.items()},
        n[at],
        column("total", grouped[f"total_{outcome}"]).astype(float, copy=False)[at],
        column("squares", grouped[f"squares_{outcome}"]).astype(float, copy=False)[at],
        None if cluster is None else codes(cluster.data[at])[0],
        tuple(dropped),
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'

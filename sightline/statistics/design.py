"""What every estimator does to its input first: name the columns, count what is missing, put units in order.

Nothing is dropped silently. Rows with a missing value leave with a count and the first column that was missing; a
column that does not vary or is an exact sum of earlier ones leaves with its name and the reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sightline.statistics.records import CannotEstimate, Dropped, F

Codes = NDArray[np.intp]
Values = NDArray[Any]
Columns = Mapping[str, ArrayLike]

# A column whose own part is under this share of its sum of squares is an exact sum of others, up to rounding.
COLLINEAR = 1e-10
# Subtracting a mean leaves rounding noise of about (1e-16) squared of the raw sum of squares.
NOISE = 1e-24
# Rows handled at once: eight columns of this many doubles stay in a core's second-level cache.
BLOCK = 16_384


def column(name: str, values: ArrayLike) -> Values:
    """A one-dimensional numeric column. Masked values and None become not-a-number; booleans and integers stay."""
    if isinstance(values, np.ma.MaskedArray):
        whole = not np.ma.getmaskarray(values).any()
        array = np.asarray(values.data) if whole else np.asarray(np.ma.filled(values.astype(float), np.nan))
    else:
        array = np.asarray(values)
    if array.dtype == object:
        array = np.asarray([np.nan if value is None else value for value in array], dtype=float)
    if array.ndim != 1 or array.dtype.kind not in "buif":
        raise CannotEstimate(f"Column '{name}' must be one list of numbers.", [name])
    return array


def labels(values: ArrayLike) -> Values:
    """Identifiers of any comparable kind, one a row; a masked one becomes None."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.getmaskarray(values).any():
        known = np.asarray(values.data).astype(object)
        known[np.ma.getmaskarray(values)] = None
        return known
    return np.asarray(values)


@dataclass(frozen=True, eq=False)
class Rows:
    """One row per observation with nothing missing: the outcome, the regressors, and identifiers."""

    outcome: Values
    names: tuple[str, ...]
    regressors: tuple[Values, ...]
    ids: tuple[Values, ...]
    dropped: tuple[Dropped, ...]

    @property
    def n(self) -> int:
        return len(self.outcome)

    def take(self, index: NDArray[Any]) -> Rows:
        """The rows at `index` (positions or a mask), in that order."""
        return Rows(
            self.outcome[index],
            self.names,
            tuple(x[index] for x in self.regressors),
            tuple(i[index] for i in self.ids),
            self.dropped,
        )


def complete_rows(outcome: ArrayLike, regressors: Columns, ids: Mapping[str, ArrayLike]) -> Rows:
    """Rows where the outcome, every regressor and every identifier is known; the others are counted by reason."""
    y = column("outcome", outcome)
    names = tuple(regressors)
    xs = [column(name, regressors[name]) for name in names]
    keys = [labels(value) for value in ids.values()]
    for name, array in zip(["outcome", *names, *ids], [y, *xs, *keys], strict=True):
        if len(array) != len(y):
            raise CannotEstimate(f"'{name}' has {len(array)} rows where the outcome has {len(y)}.", [name])
    keep: NDArray[np.bool_] | None = None
    dropped: list[Dropped] = []
    for name, array in zip(["outcome", *names, *ids], [y, *xs, *keys], strict=True):
        missing = _missing(array)
        if missing is None:
            continue
        if keep is None:
            keep = np.ones(len(y), dtype=bool)
        new = int(np.count_nonzero(missing & keep))
        keep &= ~missing
        if new:
            dropped.append(Dropped("rows", name, new, "missing value"))
    rows = Rows(y, names, tuple(xs), tuple(keys), tuple(dropped))
    if keep is not None:
        rows = rows.take(keep)
    if rows.n == 0:
        raise CannotEstimate("No row has the outcome, every regressor and every identifier.")
    return rows


def _missing(array: Values) -> NDArray[np.bool_] | None:
    if array.dtype.kind == "f":
        # One sum tells whether anything is missing; the mask is made only then.
        if np.isfinite(array.sum()):
            return None
        found = ~np.isfinite(array)
    elif array.dtype == object:
        found = np.fromiter((value is None or value != value for value in array), dtype=bool, count=len(array))
    else:
        return None
    return found if found.any() else None


def units(ids: Values) -> tuple[NDArray[np.intp] | None, Codes]:
    """The order that puts units together (None when they already are), and where each unit starts."""
    if len(ids) == 0:
        raise CannotEstimate("There is no row.")
    order = None
    if not bool(np.all(ids[1:] >= ids[:-1])):
        order = np.argsort(ids, kind="stable")
        ids = ids[order]
    starts = np.concatenate([[0], np.flatnonzero(ids[1:] != ids[:-1]) + 1]).astype(np.intp)
    return order, starts


def codes(ids: ArrayLike) -> tuple[Codes, Values]:
    """Each row's number of its group, and the groups in order."""
    values = labels(ids)
    if values.dtype.kind != "O" and len(values) > 1 and bool(np.all(values[1:] >= values[:-1])):
        new = np.concatenate([[True], values[1:] != values[:-1]])
        return np.asarray(np.cumsum(new) - 1, dtype=np.intp), values[new]
    if values.dtype.kind in "iu" and len(values):
        low, high = int(values.min()), int(values.max())
        # Numbers that lie close together (authorities, schools) are looked up in a list, without sorting.
        if high - low < len(values) and high < 2**62:
            place = values.astype(np.intp) - low
            seen = np.zeros(high - low + 1, dtype=bool)
            seen[place] = True
            return (np.cumsum(seen) - 1)[place], (np.flatnonzero(seen) + low).astype(values.dtype)
    groups, inverse = np.unique(values, return_inverse=True)
    return inverse.reshape(-1).astype(np.intp), groups


def crossed(first: Codes, second: Codes) -> Codes:
    """Codes of the combinations of two groupings, from nought without gaps."""
    return codes(first.astype(np.int64) * (int(second.max(initial=0)) + 1) + second)[0]


def sum_by(code: Codes, values: Iterable[F], groups: int) -> F:
    """Sums of (k, n) rows by group: (k, groups)."""
    return np.stack([np.bincount(code, weights=row, minlength=groups) for row in values])


def blocks(starts: Codes, n: int) -> Iterator[tuple[int, int, Codes]]:
    """Runs of whole units of about BLOCK rows: first row, row after the last, and starts within the run."""
    edges = np.append(starts, n)
    first = 0
    while first < len(starts):
        last = int(np.searchsorted(edges, edges[first] + BLOCK, side="right")) - 1
        last = max(last, first + 1)
        low, high = int(edges[first]), int(edges[last])
        yield low, high, starts[first:last] - low
        first = last


def filled(buffer: F, columns: Sequence[Values], low: int, high: int) -> F:
    """Rows low to high of the columns, one column to a row of the buffer (C order, doubles)."""
    view = buffer[: len(columns), : high - low]
    for row, values in zip(view, columns, strict=True):
        row[:] = values[low:high]
    return view


def block_buffer(columns: int, starts: Codes, n: int) -> F:
    """Room for the largest block."""
    longest = int(np.diff(np.append(starts, n)).max())
    return np.empty((columns, BLOCK + longest))


# Sums over rows. Not `@`: a threaded library wakes its threads for sums this short, which costs more than the sum
# (thirty times more on a busy machine), and adds in an order that depends on how many threads there are. These work
# through blocks that stay in the cache and give the same bits on any number of cores.


def dot(x: F, y: F) -> float:
    """x'y of two columns."""
    return float(np.einsum("n,n->", x, y))


def weighted_sum(b: F, x: F) -> F:
    """b'x of columns (k, n): (n,)."""
    found = np.empty(x.shape[1])
    for low in range(0, x.shape[1], BLOCK):
        np.einsum("k,kn->n", b, x[:, low : low + BLOCK], out=found[low : low + BLOCK])
    return found


def sums_with(x: F, v: F) -> F:
    """x v of columns (k, n): (k,)."""
    return np.asarray(np.einsum("kn,n->k", x, v))


def gram(x: F, y: F) -> F:
    """x y' of columns (k, n), where the answer is symmetric: (k, k)."""
    k, n = x.shape
    found = np.zeros((k, k))
    for low in range(0, n, BLOCK):
        a, b = x[:, low : low + BLOCK], y[:, low : low + BLOCK]
        for i in range(k):
            found[i, : i + 1] += np.einsum("kn,n->k", b[: i + 1], a[i])
    return np.asarray(found + np.tril(found, -1).T)


def weighted_gram(x: F, v: F) -> F:
    """x diag(v) x' of columns (k, n): (k, k)."""
    found = np.zeros((len(x), len(x)))
    for low in range(0, x.shape[1], BLOCK):
        here = x[:, low : low + BLOCK]
        found += gram(here * v[low : low + BLOCK], here)
    return found


def independent(cross: F, raw: F, names: Sequence[str], rows: int, within: str = "") -> tuple[list[int], list[Dropped]]:
    """Columns that add something, first come first kept; the others with the reason they go.

    `cross` is the cross-product of centred columns, `raw` their sums of squares before centring. A column is an exact
    sum of earlier ones when what they leave of it is under COLLINEAR of its sum of squares.
    """
    keep: list[int] = []
    dropped: list[Dropped] = []
    for j, name in enumerate(names):
        if cross[j, j] <= NOISE * raw[j] or cross[j, j] == 0:
            dropped.append(Dropped("column", name, rows, f"does not vary{within}"))
            continue
        scale = np.sqrt(np.diag(cross)[keep])
        unit = cross[np.ix_(keep, keep)] / np.outer(scale, scale)
        along = cross[keep, j] / (scale * np.sqrt(cross[j, j]))
        share = np.linalg.solve(unit, along) if keep else np.zeros(0)
        if 1 - along @ share <= COLLINEAR:
            made_of = [names[k] for k, c in zip(keep, share, strict=True) if abs(c) > 1e-6]
            dropped.append(Dropped("column", name, rows, f"is an exact sum of {', '.join(made_of)}{within}"))
        else:
            keep.append(j)
    return keep, dropped


def inverse(matrix: F) -> F:
    """Inverse of a positive definite matrix, scaled to unit diagonal first so that units do not matter."""
    scale = 1 / np.sqrt(np.diag(matrix))
    scaled = matrix * np.outer(scale, scale)
    inverted = np.linalg.inv(scaled)
    return np.asarray((inverted + inverted.T) / 2 * np.outer(scale, scale))

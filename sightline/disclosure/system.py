"""What a reader can work out: the figures of a release as unknowns, tied by the sums they take part in.

One variable per key (who is counted), and one for each remainder that no cell shows. The sums are linear, so the least
and the most a hidden figure can be are two linear programs; all of them are solved in one call, as blocks that share
nothing, because a call costs more than a table of this size does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import block_diag, csr_array, hstack, vstack

from sightline.disclosure.cells import TOTAL, BadResult, Cell, Key, Result, spoken

Numbers = npt.NDArray[np.float64]
Variable = int

_EDGE: Final = 1e-6
"""Slack of a comparison of two answers of a linear program, relative to the width asked for."""
_BLOCKS: Final = 200
"""Programs solved in one call: more would make one call of a large release slow."""


@dataclass(slots=True)
class System:
    """Variables with their true values, and the sums that must hold.

    `shown` are the variables a table has a cell for; the others are remainders. `fixed` can only be nought.
    `sums` hold (whole, parts): the whole is the sum of its parts.
    """

    what: str
    values: list[float] = field(default_factory=list)
    index: dict[Key, Variable] = field(default_factory=dict)
    keys: list[Key | None] = field(default_factory=list)
    fixed: set[Variable] = field(default_factory=set)
    remainders: set[Variable] = field(default_factory=set)
    nested: set[Variable] = field(default_factory=set)
    sums: list[tuple[Variable, tuple[Variable, ...]]] = field(default_factory=list)

    def add(self, value: float, key: Key | None = None) -> Variable:
        """A new variable."""
        self.values.append(value)
        self.keys.append(key)
        if key is not None:
            self.index[key] = len(self.values) - 1
        return len(self.values) - 1

    def matrix(self) -> Any:
        """One row per sum, one column per variable: whole - parts = 0."""
        rows, columns, signs = [], [], []
        for row, (whole, parts) in enumerate(self.sums):
            rows += [row] * (1 + len(parts))
            columns += [whole, *parts]
            signs += [1.0, *[-1.0] * len(parts)]
        return csr_array((signs, (rows, columns)), shape=(len(self.sums), len(self.values)))


def system(results: Iterable[Result], what: str, figure: Callable[[Cell], float | None]) -> System:
    """The system of one kind of figure over linked tables: `figure` gives a cell's value, None where it has none.

    Raises BadResult when two tables disagree on the same children, or parts come to more than their whole.
    """
    results = tuple(results)
    made = System(what)
    for result in results:
        for cell in result.filled():
            value = figure(cell)
            if value is None:
                continue
            key = result.children(cell.key)
            at = made.index.get(key)
            if at is None:
                at = made.add(value, key)
            elif abs(made.values[at] - value) > _slack(value):
                raise BadResult(f"Two tables give different {what} for the same children ({spoken(key)}).")
            if cell.structural:
                made.fixed.add(at)
    seen: set[tuple[Variable, tuple[Variable, ...]]] = set()
    for result in results:
        for whole, parts, nested in _lines(result, made.index):
            if (whole, parts) in seen:
                continue
            seen.add((whole, parts))
            left = made.values[whole] - sum(made.values[p] for p in parts)
            if left < -_slack(made.values[whole]):
                raise BadResult(
                    f"Table '{result.name}': the parts of {spoken(made.keys[whole] or frozenset())} come to more "
                    f"than the whole ({what})."
                )
            if nested or left > _slack(made.values[whole]):
                rest = made.add(max(0.0, left))
                (made.nested if nested else made.remainders).add(rest)
                parts = (*parts, rest)
            made.sums.append((whole, parts))
    return made


def _slack(value: float) -> float:
    # Percentages come with a few decimals, so the children they stand for add up only nearly.
    return max(1e-6, abs(value) * 1e-9)


def _lines(result: Result, index: Mapping[Key, Variable]) -> Iterable[tuple[Variable, tuple[Variable, ...], bool]]:
    """Each whole with its parts: a total and the values of a dimension, or a sample and the next inside it."""
    cells = [c for c in result.filled() if c.kind != "model"]
    for at, dimension in enumerate(result.dimensions):
        chain = result.nested.get(dimension)
        lines: dict[tuple[str, ...], dict[str, Variable]] = {}
        for cell in cells:
            found = index.get(result.children(cell.key))
            if found is not None:
                lines.setdefault((*cell.key[:at], *cell.key[at + 1 :]), {})[cell.key[at]] = found
        for others, found_in in lines.items():
            if chain is not None:
                inside = [found_in[v] for v in (TOTAL, *chain) if v in found_in]
                yield from ((wide, (narrow,), True) for wide, narrow in pairwise(inside))
                continue
            # The whole may stand in another table: what counts is who is counted.
            whole = index.get(result.children((*others[:at], TOTAL, *others[at:])))
            parts = tuple(v for value, v in found_in.items() if value != TOTAL)
            if whole is not None and parts:
                yield whole, parts, False


def _solve(cost: Numbers, matrix: Any, right: Numbers, low: Numbers, high: Numbers) -> Numbers | None:
    """The answer of a linear program with equalities, or None when there is none."""
    # `milp` without whole-number variables is `linprog` with half the overhead.
    constraints = [LinearConstraint(matrix, right, right)] if matrix.shape[0] else []
    found = milp(cost, constraints=constraints, bounds=Bounds(low, high))
    return None if found.x is None else np.asarray(found.x, dtype=np.float64)


def intervals(
    of: System, low: Numbers, high: Numbers, targets: Iterable[Variable]
) -> dict[Variable, tuple[float, float]]:
    """The least and the most each target can be, given bounds on every variable and the sums.

    An end at or past ten times all there is comes back as infinity. Raises BadResult when nothing satisfies the sums.
    """
    wanted = list(targets)
    ceiling = 10.0 * (sum(of.values) + 1000.0)
    free = np.flatnonzero(high > low)
    full = of.matrix()
    part = full[:, free] if len(of.sums) else csr_array((0, len(free)))
    right = -(full @ np.where(high > low, 0.0, low)) if len(of.sums) else np.zeros(0)
    touched = np.flatnonzero(np.diff(csr_array(part).indptr)) if len(of.sums) else np.zeros(0, dtype=int)
    part, right = part[touched], right[touched]
    place = {int(v): i for i, v in enumerate(free)}
    answer: dict[Variable, tuple[float, float]] = {v: (low[v], high[v]) for v in wanted if v not in place}
    asked = [v for v in wanted if v in place]
    for start in range(0, len(asked), _BLOCKS):
        some = asked[start : start + _BLOCKS]
        copies = 2 * len(some)
        cost = np.zeros((copies, len(free)))
        for i, v in enumerate(some):
            cost[2 * i, place[v]], cost[2 * i + 1, place[v]] = 1.0, -1.0
        found = _solve(
            cost.ravel(),
            block_diag([part] * copies, format="csr") if part.shape[0] else part,
            np.tile(right, copies),
            np.tile(low[free], copies),
            np.tile(np.minimum(high[free], ceiling), copies),
        )
        if found is None:
            raise BadResult(f"No {of.what} fit the sums of the table.")
        spread = found.reshape(copies, len(free))
        for i, v in enumerate(some):
            most = spread[2 * i + 1, place[v]]
            answer[v] = (float(spread[2 * i, place[v]]), float("inf") if most >= 0.99 * ceiling else float(most))
    return answer


def widths(of: System, hidden: set[Variable], targets: Iterable[Variable]) -> dict[Variable, float]:
    """How wide the interval of each target is for a reader who knows every printed figure unrounded."""
    values = np.asarray(of.values, dtype=np.float64)
    unknown = np.zeros(len(values), dtype=bool)
    unknown[[*hidden, *of.remainders, *of.nested]] = True
    unknown[list(of.fixed)] = False
    found = intervals(of, np.where(unknown, 0.0, values), np.where(unknown, np.inf, values), targets)
    return {v: high - low for v, (low, high) in found.items()}


@dataclass(slots=True)
class Corners:
    """Short movements that keep every sum: four corners of a rectangle of two-way sums, or two parts of one sum.

    A corner at x, with its neighbours at w and z and q opposite, can fall by min(x, q) and rise by min(w, z); so can
    each of the four by the same two numbers in turn. Where all four are unknown, each is at least as wide as their
    sum, and no program need be solved. Two parts of one sum can trade all they have: x + w.
    """

    of: System
    lines: dict[Variable, tuple[int, ...]] = field(default_factory=dict)
    at: dict[frozenset[int], Variable] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found: dict[Variable, list[int]] = {}
        for number, (whole, parts) in enumerate(self.of.sums):
            for part in parts:
                found.setdefault(part, []).append(number)
            # A whole moves with its parts, so it can be no corner: three lines are more than this looks at.
            found.setdefault(whole, []).extend((-1, -1, -1))
        self.lines = {v: tuple(n) for v, n in found.items() if len(n) in (1, 2) and v not in self.of.fixed}
        self.at = {frozenset(n): v for v, n in self.lines.items() if len(n) == 2}

    def around(self, target: Variable) -> Iterable[tuple[float, tuple[Variable, ...]]]:
        """Each movement through a figure: the width it gives to all that move, and what moves."""
        lines, x = self.lines.get(target, ()), self.of.values
        if len(lines) == 1:
            for w in self.of.sums[lines[0]][1]:
                if w != target and len(self.lines.get(w, ())) == 1:
                    yield x[target] + x[w], (target, w)
        if len(lines) != 2:
            return
        one, two = lines
        beside = [(w, self._other(w, one)) for w in self.of.sums[one][1] if w != target]
        below = [(z, self._other(z, two)) for z in self.of.sums[two][1] if z != target]
        for w, across in beside:
            for z, down in below:
                q = self.at.get(frozenset((across, down))) if across >= 0 and down >= 0 else None
                if q is not None:
                    yield min(x[target], x[q]) + min(x[w], x[z]), (target, w, z, q)

    def _other(self, v: Variable, line: int) -> int:
        lines = self.lines.get(v, ())
        return -1 if len(lines) != 2 else lines[0] if lines[1] == line else lines[1]

    def sure(self, unknown: set[Variable], need: Numbers) -> set[Variable]:
        """The unknown figures that one movement among the unknown keeps wide enough."""
        kept: set[Variable] = set()
        for v in sorted(unknown):
            if v not in kept:
                for width, moved in self.around(v):
                    if width >= need[v] and unknown.issuperset(moved):
                        kept |= {m for m in moved if width >= need[m]}
                        break
        return kept

    def cheapest(self, target: Variable, unknown: set[Variable], need: Numbers, cost: Numbers) -> set[Variable]:
        """What moves in the cheapest movement that keeps a figure; nothing when none is wide enough."""
        best: tuple[float, tuple[Variable, ...]] = (float("inf"), ())
        for width, moved in self.around(target):
            if width >= need[target]:
                price = sum(cost[m] for m in moved if m not in unknown)
                best = min(best, (price, moved))
        return set(best[1])


def exposed(of: System, hidden: set[Variable], need: Numbers, corners: Corners) -> list[Variable]:
    """The hidden figures, and the remainders that are small, that can be worked out too closely; worst first."""
    matter = {v for v in of.remainders if of.values[v] < need[v]}
    asked = (hidden | matter) - of.fixed
    asked -= corners.sure(hidden | of.remainders, need)
    found = widths(of, hidden, sorted(asked)) if asked else {}
    short = [v for v, width in found.items() if width < need[v] * (1 - _EDGE)]
    return sorted(short, key=lambda v: (found[v], v))


def plainly_exposed(of: System, hidden: set[Variable], need: Numbers) -> bool:
    """Whether one sum alone gives a hidden figure away: nothing else in it is unknown, or too little is left."""
    unknown = (hidden | of.remainders | of.nested) - of.fixed
    for whole, parts in of.sums:
        if whole in unknown:
            continue
        left = [p for p in parts if p in unknown]
        told = [p for p in left if p in hidden]
        if told and (len(left) == 1 or sum(of.values[p] for p in left) < max(need[p] for p in told)):
            return True
    return False


def hide_more(of: System, hidden: set[Variable], need: Numbers, cost: Numbers, corners: Corners) -> set[Variable]:
    """The hidden figures and, at the least cost found, those that must join them so that each is wide enough.

    First the cheapest short movement through each figure (see `Corners`); what moves must be hidden. For figures those
    do not keep, `_move` looks at all movements. Raises BadResult when no movement can do it.
    """
    hidden = set(hidden)
    unprinted = of.remainders | of.nested
    small = sorted((hidden | {v for v in of.remainders if of.values[v] < need[v]}) - of.fixed)
    for target in sorted(small, key=lambda v: (of.values[v], v)):
        unknown = hidden | unprinted
        if target not in corners.sure(unknown, need):
            hidden |= corners.cheapest(target, unknown, need, cost) - unprinted
    while short := exposed(of, hidden, need, corners):
        before = len(hidden)
        for target in short:
            hidden |= _move(of, target, hidden | unprinted, need[target], cost) - unprinted
        if len(hidden) == before:
            raise BadResult(f"A hidden figure cannot be kept ({of.what}).")
    return hidden


def _move(of: System, target: Variable, unknown: set[Variable], need: float, cost: Numbers) -> set[Variable]:
    """What moves in the cheapest two movements of the whole system, one up and one down, that part a figure by `need`.

    Movements prefer what is unknown already. Raises BadResult when there are none.
    """
    count = len(of.values)
    values = np.asarray(of.values, dtype=np.float64)
    weight = cost.copy()
    weight[list(unknown)] = 1e-6
    still = np.zeros(count, dtype=bool)
    still[list(of.fixed)] = True
    # Four parts: the rises and falls of the one movement, then those of the other; nothing may fall below nought.
    rise, fall = np.where(still, 0.0, 10.0 * need), np.where(still, 0.0, values)
    full = of.matrix()
    one = hstack([full, -full])
    aim = np.zeros(4 * count)
    aim[[target, 3 * count + target]], aim[[count + target, 2 * count + target]] = 1.0, -1.0
    found = _solve(
        np.tile(weight, 4),
        vstack([block_diag([one, one]), csr_array(aim[None, :])], format="csr"),
        np.append(np.zeros(2 * len(of.sums)), need),
        np.zeros(4 * count),
        np.concatenate([rise, fall, rise, fall]),
    )
    if found is None:
        name = of.keys[target]
        told = spoken(name) if name is not None else "a remainder"
        raise BadResult(f"No further figures can be hidden so that {told} is kept ({of.what}).")
    moved = np.abs(found.reshape(4, count)).max(axis=0) > 1e-7
    return {int(v) for v in np.flatnonzero(moved)} - of.fixed

"""Figures that may be asked for in any way: categories put together until no answer is about too few children.

Hiding cells (see `release`) is the better way for a table that is printed once. A page on which a person may ask one
question after another needs answers that are safe together whatever is asked, made in no time, and for a school of
forty children as well as for an authority. So nothing is worked out per question: for one set of children there is one
set of answers, and a question only chooses among them.

- A *dimension* divides the children into categories, and a *measure* says yes or no of each child of its base (all of
  them, or those of whom another measure says yes).
- The categories of a dimension are put together until each group has at least the threshold of children. For each
  measure, the groups are put together further until each has at least that many with and without.
- Only whole groups are answered. What is hidden is how a group divides into its categories, and a group tells nothing
  of that: its parts can be any numbers that come to its sum.

Two dimensions are never crossed except through a measure, so the only sums that tie the answers are those of each
dimension over its own categories; and what people know besides. A school has one phase and stands in one place, so a
category of one dimension can be the same children as one of another. Dimensions that hang together so are *linked*:
for them every small hidden number is solved for, by somebody who knows which combinations there are, and an answer
that would let one be placed too closely is not given. The tests solve for the hidden numbers of every dimension, with
all answers given, over the finest table there could be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog
from scipy.sparse import lil_array

from sightline.disclosure.cells import BadResult

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """One measure: its name, yes or no of each child, and the measure whose children it is about ("" for all).

    `open` says that the measure is no secret, and only its groups must be large enough to ask more of: who has no marks
    is known of the files that came, not of the children.
    """

    name: str
    yes: Flags
    base: str = ""
    open: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """Categories answered together (one, where nothing is hidden), and the children in them."""

    categories: tuple[str, ...]
    children: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One measure of one group: how many with it, of how many it is asked of."""

    group: Group
    with_it: int
    of: int


@dataclass(frozen=True, slots=True)
class Answers:
    """Everything that may be said of one set of children.

    `groups`: by dimension. `answers`: by dimension and measure, in the order of the groups; nothing (an empty tuple)
    where even all categories together have too few. `children`: all of them, None when they are too few.
    """

    children: int | None
    groups: Mapping[str, tuple[Group, ...]]
    answers: Mapping[tuple[str, str], tuple[Answer, ...]]

    def group_of(self, dimension: str, category: str) -> Group | None:
        """The group a category is answered in."""
        return next((g for g in self.groups[dimension] if category in g.categories), None)

    def answer(self, dimension: str, measure: str, category: str) -> Answer | None:
        """What may be said of a measure for a category: the answer of the group it is in, or nothing."""
        return next((a for a in self.answers[dimension, measure] if category in a.group.categories), None)


WHOLE = ""
"""The dimension with the one category "": all children together."""


def answers(
    dimensions: Mapping[str, Sequence[str]],
    questions: Sequence[Question],
    *,
    children: int,
    threshold: int,
    linked: Sequence[str] = (),
) -> Answers:
    """All that may be said of these children, by each dimension (and by none, `WHOLE`) and each measure.

    `dimensions`: the category of each child, by dimension; `linked` are those of which anybody may know what goes with
    what, those that matter most first: the last are withheld first. A question about part of the children names its
    base among the questions before it. Raises BadResult where lengths differ, a base is unknown, or a child counts in
    a measure and not in its base.
    """
    held: dict[str, Flags] = {"": np.ones(children, dtype=bool)}
    for q in questions:
        if q.base not in held or len(q.yes) != children:
            raise BadResult(f"The measure '{q.name}' is about children that are not given.")
        if (q.yes & ~held[q.base]).any():
            raise BadResult(f"The measure '{q.name}' counts children outside its base '{q.base}'.")
        held[q.name] = q.yes
    groups: dict[str, tuple[Group, ...]] = {}
    found: dict[tuple[str, str], tuple[Answer, ...]] = {}
    whole = [""] * children
    for dimension, values in {WHOLE: whole, **dimensions}.items():
        if len(values) != children:
            raise BadResult(f"The dimension '{dimension}' does not give a category of each child.")
        names = list(dict.fromkeys(sorted(values)))
        at = np.searchsorted(names, list(values)) if names else np.zeros(0, dtype=int)
        sizes = np.bincount(at, minlength=len(names))
        parted: dict[str, list[list[int]]] = {"": together([[i] for i in range(len(names))], sizes[:, None], threshold)}
        groups[dimension] = tuple(_group(part, names, sizes) for part in parted[""])
        for q in questions:
            yes, base = (np.bincount(at[held[n]], minlength=len(names)) for n in (q.name, q.base))
            sides = yes[:, None] if q.open else np.stack([yes, base - yes], axis=1)
            parted[q.name] = together(parted[q.base], sides, threshold)
            found[dimension, q.name] = tuple(
                Answer(_group(part, names, sizes), int(yes[part].sum()), int(base[part].sum()))
                for part in parted[q.name]
            )
    for dimension in linked:
        if len(groups[dimension]) and len(set(dimensions[dimension])) > MOST_LINKED:
            groups[dimension] = ()
            found |= {(dimension, q.name): () for q in questions}
    told = [d for d in linked if groups[d]]
    if len(told) > 1:
        _withhold(_Linked(dimensions, told, threshold), groups, found, questions, held)
    return Answers(children if children >= threshold else None, groups, found)


def _withhold(
    known: _Linked,
    groups: dict[str, tuple[Group, ...]],
    found: dict[tuple[str, str], tuple[Answer, ...]],
    questions: Sequence[Question],
    held: Mapping[str, Flags],
) -> None:
    """Take answers away, a dimension of a measure at a time, until no small hidden number can be placed too closely."""
    everybody = held[""]
    while at_fault := known.placed(
        {d: [(g.categories, g.children) for g in groups[d]] for d in known.linked}, everybody
    ):
        groups[at_fault] = ()
        found |= {(at_fault, q.name): () for q in questions}
    for q in questions:
        while not q.open:
            with_it, without, base = {}, {}, {}
            for d in (WHOLE, *known.linked):
                with_it[d] = [(a.group.categories, a.with_it) for a in found[d, q.name]]
                without[d] = [(a.group.categories, a.of - a.with_it) for a in found[d, q.name]]
                base[d] = (
                    [(a.group.categories, a.with_it) for a in found[d, q.base]]
                    if q.base
                    else [(g.categories, g.children) for g in groups[d]]
                )
            at_fault = known.parted(with_it, without, base, held[q.name], held[q.base] & ~held[q.name])
            if at_fault is None:
                break
            found[at_fault, q.name] = ()
            # What is asked of some of the children rests on what is told of them.
            later = {q.name}
            for other in questions:
                if other.base in later:
                    later.add(other.name)
                    found[at_fault, other.name] = ()


MOST_LINKED = 40
"""Categories a linked dimension may have: of one with more hardly anything could be told, and solving takes long."""
Told = Mapping[str, Sequence[tuple[tuple[str, ...], int]]]
"""What is told of each dimension: the categories of each group and a number of children."""


class _Linked:
    """Somebody who knows which combinations of categories of some dimensions there are, and solves for the rest."""

    def __init__(self, dimensions: Mapping[str, Sequence[str]], linked: Sequence[str], threshold: int) -> None:
        self.linked, self.threshold = tuple(linked), threshold
        self.categories = {d: np.asarray(dimensions[d]) for d in linked}
        combinations = sorted(set(zip(*(dimensions[d] for d in linked), strict=True)))
        self.count = len(combinations)
        self.inside: dict[str, dict[str, list[int]]] = {d: {} for d in linked}
        for n, combination in enumerate(combinations):
            for d, value in zip(linked, combination, strict=True):
                self.inside[d].setdefault(value, []).append(n)

    def _columns(self, dimension: str, categories: Sequence[str], sides: Sequence[int]) -> list[int]:
        inside = range(self.count) if dimension == WHOLE else [n for c in categories for n in self.inside[dimension][c]]
        return [side * self.count + n for side in sides for n in inside]

    def placed(self, told: Told, everybody: Flags) -> str | None:
        """The dimension to withhold because the children of a hidden category can be placed too closely, or None."""
        rows = [(self._columns(d, categories, (0,)), n) for d, said in told.items() for categories, n in said]
        rows.append((self._columns(WHOLE, (), (0,)), len(everybody)))
        return self._too_close(rows, told, (everybody,))

    def parted(self, with_it: Told, without: Told, base: Told, yes: Flags, no: Flags) -> str | None:
        """The same of those with and without a measure."""
        rows = [
            (self._columns(d, categories, sides), n)
            for told, sides in ((with_it, (0,)), (without, (1,)), (base, (0, 1)))
            for d, said in told.items()
            for categories, n in said
        ]
        return self._too_close(rows, with_it, (yes, no))

    def _too_close(self, rows: Sequence[tuple[list[int], int]], told: Told, sides: Sequence[Flags]) -> str | None:
        if not any(told[d] for d in self.linked):
            return None
        width = 2 * self.count
        matrix = lil_array((len(rows), width))
        for r, (columns, _number) in enumerate(rows):
            matrix[r, columns] = 1.0
        right = [number for _columns, number in rows]
        held, ceiling = matrix.tocsr(), max(right) + 10.0 * self.threshold
        for d in self.linked:
            alone = {categories[0] for categories, _number in told[d] if len(categories) == 1}
            for value in sorted(set(self.inside[d]) - alone):
                for side, counted in enumerate(sides):
                    if np.count_nonzero(counted[self.categories[d] == value]) >= self.threshold:
                        continue
                    target = np.zeros(width)
                    target[self._columns(d, (value,), (side,))] = 1.0
                    low, high = (
                        sign * linprog(sign * target, A_eq=held, b_eq=right, bounds=(0, ceiling)).fun
                        for sign in (1.0, -1.0)
                    )
                    if high - low < self.threshold - 1e-6:
                        return next(other for other in reversed(self.linked) if told[other])
        return None


def _group(part: Sequence[int], names: Sequence[str], sizes: npt.NDArray[np.int_]) -> Group:
    return Group(tuple(names[i] for i in part), int(sizes[list(part)].sum()))


def together(parts: Sequence[Sequence[int]], counts: npt.NDArray[np.int_], threshold: int) -> list[list[int]]:
    """The parts, those with a count under the threshold put together until every count of each reaches it.

    `counts`: a row per category and a column per count that must reach it. The smallest part that would do by itself
    joins the small ones, so that standing among them does not say that a part is small. An empty list when all
    together do not reach it.
    """
    sums = [counts[list(part)].sum(axis=0) for part in parts]
    fine = sorted(
        (n for n, s in enumerate(sums) if s.min() >= threshold),
        key=lambda n: (int(sums[n].min()), int(sums[n].sum()), n),
    )
    small = [n for n in range(len(parts)) if n not in fine]
    if small and len(fine) > 1:
        small.append(fine.pop(0))
    while small and fine and np.sum([sums[n] for n in small], axis=0).min() < threshold:
        small.append(fine.pop(0))
    if small and np.sum([sums[n] for n in small], axis=0).min() < threshold:
        return []
    kept = [[n] for n in fine] + ([small] if small else [])
    # In the order of the categories, so that the order tells nothing.
    return sorted((sorted(i for n in group for i in parts[n]) for group in kept), key=lambda group: group[0])

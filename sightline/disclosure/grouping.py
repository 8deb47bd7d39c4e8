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
dimension over its own categories. `docs/explanation/disclosure.md` has the argument; the tests solve for every hidden
number, with all answers given, over the finest table there could be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from sightline.disclosure.cells import BadResult

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Question:
    """One measure: its name, yes or no of each child, and the measure whose children it is about ("" for all)."""

    name: str
    yes: Flags
    base: str = ""


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
    dimensions: Mapping[str, Sequence[str]], questions: Sequence[Question], *, children: int, threshold: int
) -> Answers:
    """All that may be said of these children, by each dimension (and by none, `WHOLE`) and each measure.

    `dimensions`: the category of each child, by dimension. A question about part of the children names its base among
    the questions before it. Raises BadResult where lengths differ, a base is unknown, or a child counts in a
    measure and not in its base.
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
            parted[q.name] = together(parted[q.base], np.stack([yes, base - yes], axis=1), threshold)
            found[dimension, q.name] = tuple(
                Answer(_group(part, names, sizes), int(yes[part].sum()), int(base[part].sum()))
                for part in parted[q.name]
            )
    return Answers(children if children >= threshold else None, groups, found)


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
    if small and fine:
        small.append(fine.pop(0))
    while small and fine and np.sum([sums[n] for n in small], axis=0).min() < threshold:
        small.append(fine.pop(0))
    if small and np.sum([sums[n] for n in small], axis=0).min() < threshold:
        return []
    kept = [[n] for n in fine] + ([small] if small else [])
    # In the order of the categories, so that the order tells nothing.
    return sorted((sorted(i for n in group for i in parts[n]) for group in kept), key=lambda group: group[0])

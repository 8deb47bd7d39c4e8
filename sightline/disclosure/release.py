"""The one way out for figures: `release` gives what may be printed, or says why not and what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import pyarrow as pa

from sightline.disclosure import rounding
from sightline.disclosure.cells import BadResult, Cell, Key, Result, spoken
from sightline.disclosure.policy import Policy
from sightline.disclosure.system import Corners, System, exposed, hide_more, plainly_exposed, system

HIDDEN: Final = "c"
"""What is printed for every hidden figure. One sign for all: to tell small counts from the rest would narrow both."""

PASSED: Final = "passed"
STRUCTURAL: Final = "structural nought"
THRESHOLD: Final = "threshold"
GROUP: Final = "group minimum"
CLASS: Final = "class disclosure"
SIDES: Final = "both sides of a percentage"
DOMINANCE: Final = "dominance"
EXTREME: Final = "minimum or maximum"
MODEL: Final = "residual degrees of freedom"
CATEGORY: Final = "small category in a model"
SINGLE: Final = "effect of a single unit"
SECONDARY: Final = "secondary suppression"

NOTE_ROUNDED: Final = "Counts are rounded on their own, so parts need not add up to a printed total."
NOTE_HIDDEN: Final = "c: hidden so that nothing can be learnt about a small number of children."


@dataclass(frozen=True, slots=True)
class Printed:
    """One figure as it may be printed."""

    key: tuple[str, ...]
    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Apart:
    """What stays behind: the unrounded number of children behind a figure and the rule that passed or hid it."""

    n: int
    rule: str


@dataclass(frozen=True, slots=True)
class ReleasedTable:
    """One table as it may be printed. `apart` (for the output checker, never printed) matches `cells` one to one."""

    result: Result = field(repr=False)
    cells: tuple[Printed, ...]
    apart: tuple[Apart, ...] = field(repr=False)

    @property
    def name(self) -> str:
        return self.result.name

    def table(self) -> pa.Table:
        """One row per figure: its dimensions, kind and printed text. Nothing else leaves."""
        columns = {d: [c.key[i] for c in self.cells] for i, d in enumerate(self.result.dimensions)}
        columns |= {"kind": [c.kind for c in self.cells], "printed": [c.text for c in self.cells]}
        return pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})

    def text(self, *key: str, kind: str | None = None) -> str:
        """The printed text of one figure; KeyError when the table has none."""
        for cell in self.cells:
            if cell.key == key and kind in (None, cell.kind):
                return cell.text
        raise KeyError(key)

    def rule(self, *key: str, kind: str | None = None) -> str:
        """The rule that passed or hid one figure; KeyError when the table has none."""
        for cell, apart in zip(self.cells, self.apart, strict=True):
            if cell.key == key and kind in (None, cell.kind):
                return apart.rule
        raise KeyError(key)


@dataclass(frozen=True, slots=True)
class Released:
    """Figures that may leave, table by table, with the policy that let them and what a reader must be told."""

    tables: tuple[ReleasedTable, ...]
    policy: Policy
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """Nothing leaves: why, in a sentence, and what to do next."""

    reason: str
    next_step: str


class _Refused(Exception):
    def __init__(self, reason: str, next_step: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(reason, next_step)


def release(results: Result | Iterable[Result], policy: Policy) -> Released | Refusal:
    """What may be printed of linked tables under a policy, or a reasoned refusal.

    Give every table made of the same children together: each is safe only beside the others. Order: threshold and
    the other rules of single cells, class disclosure, secondary suppression, rounding, then the differences between
    all that is printed (`statistics.md` section 8 of the domain notes; ONS output checking).
    """
    tables = (results,) if isinstance(results, Result) else tuple(results)
    if not tables or any(not t.cells for t in tables):
        return Refusal("There are no figures to release.", "Give at least one figure in every table.")
    try:
        return _release(tables, policy)
    except _Refused as refused:
        return refused.refusal
    except BadResult as wrong:
        return Refusal(str(wrong), "Correct the table, group its categories more widely, or leave a total out.")


def _release(tables: tuple[Result, ...], policy: Policy) -> Released:
    cells = [(t, c) for t in tables for c in t.filled()]
    small = _small_groups(tables, policy)
    rules = [(GROUP if _in_group(t, c, small) else "") or cell_rule(c, policy) for t, c in cells]
    # A key is hidden whole: a percentage beside a hidden count, or a count beside a hidden percentage, gives it away.
    hidden: dict[Key, str] = {}
    for (t, c), rule in zip(cells, rules, strict=True):
        if rule not in (PASSED, STRUCTURAL) and c.kind not in _ALONE:
            hidden.setdefault(t.children(c.key), rule)
    found = systems(tables)
    for key in _secondary(found, set(hidden), policy):
        hidden.setdefault(key, SECONDARY)
    _check_differences(found[0], tables, set(hidden), policy)

    done = []
    for table in tables:
        printed, apart = [], []
        for (t, c), rule in zip(cells, rules, strict=True):
            if t is not table:
                continue
            final = rule if c.kind in _ALONE else hidden.get(t.children(c.key), rule)
            # What is said of a key whose every child is hidden, and of extremes or models, follows its own rule.
            text = _text(c, policy) if final in (PASSED, STRUCTURAL) else HIDDEN
            printed.append(Printed(c.key, c.kind, text))
            apart.append(Apart(c.n, final))
        done.append(ReleasedTable(table, tuple(printed), tuple(apart)))
    texts = [c.text for t in done for c in t.cells]
    if all(text == HIDDEN for text in texts):
        raise _Refused(
            f"Every figure would have to be hidden: too few children stand behind them (fewest {policy.threshold}).",
            "Group the categories more widely, or take more years together.",
        )
    notes = [NOTE_ROUNDED] * (policy.rounding > 1) + [NOTE_HIDDEN] * (HIDDEN in texts)
    return Released(tuple(done), policy, tuple(notes))


_ALONE: Final = ("model", "minimum", "maximum")
"""Kinds of figure that are no part of a sum, so that hiding one says nothing of the others."""


def cell_rule(cell: Cell, policy: Policy) -> str:
    """The first rule of single cells that hides a figure, or that it passed."""
    if cell.kind in ("minimum", "maximum") and policy.extremes_hidden:
        return EXTREME
    if cell.structural:
        return STRUCTURAL
    if cell.n < policy.threshold and (cell.n or policy.zeros_disclosive or cell.kind != "count"):
        return THRESHOLD
    if cell.kind == "model":
        return _model_rule(cell, policy)
    if cell.kind == "percentage" and cell.value in (0, 100):
        return CLASS if policy.class_disclosure else PASSED
    if cell.alike and policy.class_disclosure:
        return CLASS
    if cell.kind == "percentage" and policy.both_sides:
        with_it = cell.numerator
        # Fewer than the rounding base would print as 0% or 100%.
        return SIDES if min(with_it, cell.n - with_it) < max(policy.threshold, policy.rounding) else PASSED
    return _total_rule(cell, policy) if cell.kind == "total" else PASSED


def _model_rule(cell: Cell, policy: Policy) -> str:
    if cell.df is None:
        raise _Refused(
            f"The residual degrees of freedom of a model are not given ({', '.join(cell.key)}).",
            "Give them with every estimate: a check that did not run is not a check that passed.",
        )
    if cell.single:
        return SINGLE
    if cell.df < policy.residual_df:
        return MODEL
    return CATEGORY if cell.least is not None and cell.least < policy.threshold else PASSED


def _total_rule(cell: Cell, policy: Policy) -> str:
    if len(cell.largest) < min(cell.n, max(policy.dominance_n, 2)):
        raise _Refused(
            f"The largest contributions to a total are not given ({', '.join(cell.key)}).",
            f"Give the {max(policy.dominance_n, 2)} largest with every total, so that dominance can be checked.",
        )
    value = cell.value or 0.0
    if value and sum(cell.largest[: policy.dominance_n]) > policy.dominance_k / 100 * value:
        return DOMINANCE
    first, second = (*cell.largest, 0.0, 0.0)[:2]
    return DOMINANCE if value - first - second < policy.p_percent / 100 * first else PASSED


def _small_groups(tables: tuple[Result, ...], policy: Policy) -> set[tuple[str, str]]:
    """The groups with fewer children than the group minimum: by the widest cell that shows each."""
    most: dict[tuple[str, str], int] = {}
    for table in tables:
        if table.group:
            at = table.dimensions.index(table.group)
            for c in table.cells:
                if c.kind != "model":
                    pair = (table.group, c.key[at])
                    most[pair] = max(most.get(pair, 0), c.n)
    return {pair for pair, n in most.items() if n < policy.group_minimum}


def _in_group(table: Result, cell: Cell, small: set[tuple[str, str]]) -> bool:
    return bool(small & set(table.children(cell.key)))


FIGURES: Final[Mapping[str, Callable[[Cell], float | None]]] = {
    "numbers of children": lambda c: None if c.kind in _ALONE else float(c.n),
    "numbers of children with it": lambda c: c.numerator if c.kind == "percentage" else None,
    "numbers of children without it": lambda c: c.n - c.numerator if c.kind == "percentage" else None,
    "totals": lambda c: c.value if c.kind == "total" else None,
}
"""What hangs together by sums: a percentage with its number is two counts, and each must be kept."""


def systems(tables: tuple[Result, ...]) -> list[System]:
    """The children counted first, then each other kind of figure the tables hold."""
    made = [system(tables, what, figure) for what, figure in FIGURES.items()]
    return [made[0], *[s for s in made[1:] if s.values]]


def needs(of: System, policy: Policy) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """How wide the interval of each variable must be: the threshold for children, a share of itself for a total."""
    values = np.asarray(of.values, dtype=np.float64)
    return (
        np.maximum(policy.p_percent / 100 * values, 1e-6)
        if of.what == "totals"
        else np.full(len(values), float(policy.threshold))
    )


def _secondary(found: list[System], primary: set[Key], policy: Policy) -> set[Key]:
    """The primary keys and those hidden to keep them, so that no system gives one away; none of them without need."""
    kept = [(s, needs(s, policy), Corners(s)) for s in found]

    def variables(at: System, keys: set[Key]) -> set[int]:
        return {at.index[k] for k in keys if k in at.index} - at.fixed

    hidden = set(primary)
    while True:
        before = len(hidden)
        for at, need, corners in kept:
            # A cell costs the children whose figure is lost, and one more so that fewer cells are better than many.
            cost = np.asarray([1.0 + found[0].values[found[0].index[k]] if k is not None else 1e-6 for k in at.keys])
            more = hide_more(at, variables(at, hidden), need, cost, corners)
            hidden |= {k for v in more if (k := at.keys[v]) is not None}
        if len(hidden) == before:
            break
    added = sorted(hidden - primary, key=lambda k: (-found[0].values[found[0].index[k]], sorted(k)))
    for key in added if len(added) > 1 else ():
        fewer = hidden - {key}
        if any(plainly_exposed(s, variables(s, fewer), need) for s, need, _ in kept):
            continue
        if not any(exposed(s, variables(s, fewer), need, corners) for s, need, corners in kept):
            hidden = fewer
    return hidden


def _check_differences(counts: System, tables: tuple[Result, ...], hidden: set[Key], policy: Policy) -> None:
    """Refuse when the difference of two printed counts, one sample inside the other, is a count that does not pass."""
    order: dict[str, tuple[str, ...]] = {}
    for table in tables:
        for dimension, chain in table.nested.items():
            if order.setdefault(dimension, tuple(chain)) != tuple(chain):
                raise BadResult(f"Two tables nest the samples of '{dimension}' in different ways.")
    printed = [k for k in counts.index if k not in hidden and counts.index[k] not in counts.fixed]
    for one, other in combinations(printed, 2):
        if _inside(one, other, order):
            wide, narrow = other, one
        elif _inside(other, one, order):
            wide, narrow = one, other
        else:
            continue
        left = counts.values[counts.index[wide]] - counts.values[counts.index[narrow]]
        if left < 0:
            raise BadResult(f"There are more children in {spoken(narrow)} than in {spoken(wide)}, which holds them.")
        empty = left == 0 and policy.zeros_disclosive and not _only(counts, wide, narrow)
        if 0 < left < policy.threshold or empty:
            raise _Refused(
                f"The difference between {spoken(wide)} and {spoken(narrow)} is itself a count, and too few children "
                f"make it up (fewest allowed {policy.threshold}).",
                "Release one of the two, or make the samples differ by more children.",
            )


def _inside(narrow: Key, wide: Key, order: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether the children of one key are all among those of the other by what the keys say."""
    if wide <= narrow:
        return True
    if not order:
        return False
    told = dict(narrow)
    for dimension, value in wide:
        mine = told.get(dimension)
        chain = order.get(dimension, ())
        if mine != value and not (mine in chain and value in chain and chain.index(mine) > chain.index(value)):
            return False
    return True


def _only(counts: System, wide: Key, narrow: Key) -> bool:
    """Whether the two are the same children because everything else could only be nought."""
    for pair in narrow - wide:
        beside = [
            v for k, v in counts.index.items() if len(k) == len(wide) + 1 and wide < k and k - wide != {pair}
            and next(iter(k - wide))[0] == pair[0]
        ]  # fmt: skip
        nearer = wide | {pair}
        if beside and set(beside) <= counts.fixed and (nearer == narrow or _only(counts, nearer, narrow)):
            return True
    return False


def _text(cell: Cell, policy: Policy) -> str:
    value = cell.value or 0.0
    if cell.structural:
        return "0"
    if cell.kind in ("count", "total"):
        return str(rounding.to_base(value, policy.rounding))
    if cell.kind == "percentage":
        return f"{rounding.percentage(value, cell.n, policy.rounding):f}"
    if cell.kind == "mean":
        return f"{rounding.mean(value, cell.n, policy.rounding):f}"
    return f"{rounding.digits(value, policy.model_digits):f}"

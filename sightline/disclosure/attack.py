"""What somebody with nothing but the printed tables can work out: the proof that hiding was enough."""

from __future__ import annotations

import numpy as np

from sightline.disclosure.cells import Key
from sightline.disclosure.release import FIGURES, HIDDEN, Released
from sightline.disclosure.system import intervals, system


def attack(released: Released, *, unrounded: bool = False) -> dict[Key, tuple[float, float]]:
    """The least and the most children each hidden key can stand for, from what is printed and the sums that must hold.

    The reader knows the policy: how counts were rounded, and that a printed one reaches the threshold. With `unrounded`
    they are also given every printed number exactly, as from a leak elsewhere; the rules must hold even then.
    """
    policy = released.policy
    what = next(iter(FIGURES))
    tables = tuple(t.result for t in released.tables)
    counts = system(tables, what, FIGURES[what])
    low, high = np.zeros(len(counts.values)), np.full(len(counts.values), np.inf)
    hidden: set[int] = set()
    for table in released.tables:
        for cell, apart in zip(table.cells, table.apart, strict=True):
            at = counts.index.get(table.result.children(cell.key))
            if at is None or cell.kind in ("model", "minimum", "maximum"):
                continue
            if at in counts.fixed:
                low[at] = high[at] = 0.0
            elif cell.text == HIDDEN:
                hidden.add(at)
            elif unrounded:
                low[at] = high[at] = float(apart.n)
            elif cell.kind == "count":
                printed, half = float(cell.text), policy.rounding / 2
                least = policy.threshold if printed or policy.zeros_disclosive else 0
                # Halves go up, so the top of the interval is not reached; whole numbers end one before it.
                low[at] = max(np.ceil(printed - half), least)
                high[at] = max(low[at], np.ceil(printed + half) - 1 if policy.rounding > 1 else printed)
            else:
                low[at] = max(low[at], policy.threshold)
    found = intervals(counts, low, high, sorted(hidden))
    return {key: found[v] for v, key in enumerate(counts.keys) if v in hidden and key is not None}

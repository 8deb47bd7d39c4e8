"""How much of a change is a change in who is counted (churn), and how much a change in those who stayed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from sightline.statistics.design import codes
from sightline.statistics.records import CannotEstimate


@dataclass(frozen=True)
class Composition:
    """A change in a mean between two dates, in its three exact parts: change = stayers + joiners + leavers.

    `stayers`: their own change. `joiners`: what joiners add to the later mean beside stayers' later level. `leavers`:
    what went with leavers, beside stayers' earlier level. `n_` are the people behind each.
    """

    before: float
    after: float
    stayers: float
    joiners: float
    leavers: float
    n_stayers: int
    n_joiners: int
    n_leavers: int
    dropped: int

    @property
    def change(self) -> float:
        return self.after - self.before


def composition(before_id: ArrayLike, before: ArrayLike, after_id: ArrayLike, after: ArrayLike) -> Composition:
    """Split a change in a mean between two counts of people into stayers', joiners' and leavers' parts, exactly.

    With S, J, L the stayers, joiners and leavers and j, l the joiners' and leavers' shares of the later and earlier
    count: after - before = (S2 - S1) + j (J2 - S2) + l (S1 - L1). The stayers' part compares the same people with
    themselves; the others are who is counted. One row per person and date; rows without a value are left out, counted.
    Raises CannotEstimate when nobody is counted at a date, or a person is counted twice at one.
    """
    y1, y2 = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    id1, id2 = np.asarray(before_id), np.asarray(after_id)
    known1, known2 = ~np.isnan(y1), ~np.isnan(y2)
    lost = int((~known1).sum() + (~known2).sum())
    y1, id1, y2, id2 = y1[known1], id1[known1], y2[known2], id2[known2]
    if not len(y1) or not len(y2):
        raise CannotEstimate("Nobody is counted at one of the two dates.")
    both, _ = codes(np.concatenate([id1, id2]))
    c1, c2 = both[: len(y1)], both[len(y1) :]
    if len(np.unique(c1)) < len(c1) or len(np.unique(c2)) < len(c2):
        raise CannotEstimate("A person is counted twice at one date.")
    stay1, stay2 = np.isin(c1, c2), np.isin(c2, c1)
    first, second = float(y1.mean()), float(y2.mean())
    if not stay1.any():
        raise CannotEstimate("Nobody is counted at both dates, so the change is all in who is counted.")
    s1, s2 = float(y1[stay1].mean()), float(y2[stay2].mean())
    return Composition(
        before=first,
        after=second,
        stayers=s2 - s1,
        joiners=second - s2,
        leavers=s1 - first,
        n_stayers=int(stay1.sum()),
        n_joiners=int((~stay2).sum()),
        n_leavers=int((~stay1).sum()),
        dropped=lost,
    )

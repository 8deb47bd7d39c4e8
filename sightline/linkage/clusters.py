"""Records joined into children, pass by pass, refusing whatever would join two children of one system."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b

from sightline.linkage.passes import Pair


@dataclass(slots=True)
class Clusters:
    """Which records are one child so far.

    `care` holds each node's social care system (None for school records), `born` its birth date. Two records of
    one social care system never share a cluster; nor do clusters join whose birth dates have none in common, nor those
    that hold two records a person has said are different children (`keep_apart`). Only a person's word joins records
    against the first two rules (`join_decided`).
    """

    care: Sequence[str | None]
    born: Sequence[date | None]
    accepted: list[Pair] = field(default_factory=list)
    doubted: list[Pair] = field(default_factory=list)
    parent: list[int] = field(init=False)
    members: dict[int, list[int]] = field(init=False, default_factory=dict)
    apart: dict[int, set[int]] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.parent = list(range(len(self.care)))

    def root(self, record: int) -> int:
        parent = self.parent
        while parent[record] != record:
            parent[record] = parent[parent[record]]
            record = parent[record]
        return record

    def of(self, root: int) -> list[int]:
        """The records of a cluster, by its root."""
        return self.members.get(root) or [root]

    def keep_apart(self, left: int, right: int) -> None:
        """Never let these two records share a cluster."""
        self.apart.setdefault(left, set()).add(right)
        self.apart.setdefault(right, set()).add(left)

    def join_decided(self, pairs: list[Pair]) -> None:
        """Join what people have said is one child. Where following all of a group would join two records that people
        have said are different children, none of it is followed and each is a doubt again."""
        for group in self._groups(pairs):
            if fault := self._parted(group):
                self.doubted.extend(
                    Pair(p.left, p.right, p.step, False, p.exact, f"{p.sentence}; {fault}") for p in group
                )
            else:
                self._join(group)

    def settle(self, pairs: Iterable[Pair]) -> None:
        """Take one pass: join what can be joined, doubt the rest. The order of pairs does not matter.

        Confirmed pairs are looked at together: where following all of them would break a rule, none of that group is
        followed, except pairs whose first names agree when these alone break none. So nothing depends on which
        record happened to come first.
        """
        confirmed: list[Pair] = []
        for pair in pairs:
            (confirmed if pair.confirmed else self.doubted).append(pair)
        for group in self._groups(confirmed):
            if not (fault := self._fault(group)):
                self._join(group)
                continue
            exact = [p for p in group if p.exact]
            kept: set[tuple[int, int]] = set()
            for part in self._groups(exact):
                if not self._fault(part):
                    kept.update((p.left, p.right) for p in part)
                    self._join(part)
            for p in group:
                if (p.left, p.right) not in kept:
                    self.doubted.append(Pair(p.left, p.right, p.step, False, p.exact, f"{p.sentence}; {fault}"))

    def _groups(self, pairs: list[Pair]) -> list[list[Pair]]:
        """The pairs, by the cluster that following them all would make."""
        above: dict[int, int] = {}

        def top(x: int) -> int:
            while (up := above.get(x, x)) != x:
                above[x] = above.get(up, up)
                x = up
            return x

        ends = [(self.root(p.left), self.root(p.right)) for p in pairs]
        for a, b in ends:
            if (x := top(a)) != (y := top(b)):
                above[max(x, y)] = min(x, y)
        groups: dict[int, list[Pair]] = {}
        for pair, (a, _) in zip(pairs, ends, strict=True):
            groups.setdefault(top(a), []).append(pair)
        return list(groups.values())

    def _fault(self, group: list[Pair]) -> str:
        """Why these pairs cannot all be followed; empty when they can."""
        roots = {self.root(x) for p in group for x in (p.left, p.right)}
        if len(roots) == 1:
            return ""
        if fault := self._parted(group):
            return fault
        despite_birth = any(p.despite_birth for p in group)
        seen: set[str] = set()
        days: set[date] | None = None
        for root in roots:
            here: set[date] = set()
            systems: set[str] = set()
            for record in self.of(root):
                if (system := self.care[record]) is not None:
                    if system in seen:
                        return "this would make one child of two records of one social care system"
                    systems.add(system)
                if (day := self.born[record]) is not None:
                    here.add(day)
            seen |= systems
            if here and not despite_birth:
                days = here if days is None else days & here
                if not days:
                    return "this would join records born on different days"
        return ""

    def _parted(self, group: list[Pair]) -> str:
        """Why people forbid these pairs to be followed together; empty when they do not."""
        if not self.apart:
            return ""
        joined = {record for p in group for x in (p.left, p.right) for record in self.of(self.root(x))}
        if any(not joined.isdisjoint(self.apart.get(record, ())) for record in joined):
            return "people have decided that two of these records are different children"
        return ""

    def _join(self, group: list[Pair]) -> None:
        self.accepted.extend(group)
        for pair in group:
            a, b = self.root(pair.left), self.root(pair.right)
            if a == b:
                continue
            keep, gone = min(a, b), max(a, b)
            self.parent[gone] = keep
            mine = self.members.setdefault(keep, [keep])
            mine.extend(self.members.pop(gone, [gone]))


def new_child_id(system: str, ref: str, turn: int = 0) -> str:
    """An id for the child whose anchor is this record: 16 hexadecimal characters, the same on every machine."""
    text = f"{system}\x1f{ref}" + (f"\x1f{turn}" if turn else "")
    return blake2b(text.encode(), digest_size=8).hexdigest()


Age = tuple[int, int]
"""The place of the first delivery that names a record, then the record's own place in order: lower is older."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A cluster's claim on a former id: whether it holds the id's anchor (the record it was made from), and how old
    its oldest record of that id is."""

    cluster: int
    former: str
    age: Age
    anchored: bool = False


def name_children(anchors: Sequence[tuple[str, str]], claims: Iterable[Claim]) -> list[str]:
    """A child_id per cluster, keeping former ids wherever that is possible.

    `anchors` gives each cluster's first record (social care before school, then by system and ref), from which a new
    id is made. A merged child keeps the former id seen first. A former id that two clusters claim stays with the one
    that holds its anchor, else with the one that holds its oldest record.
    """
    best: dict[str, Claim] = {}
    mine: dict[int, list[Claim]] = {}
    for claim in claims:
        mine.setdefault(claim.cluster, []).append(claim)
        rival = best.get(claim.former)
        if rival is None or (not claim.anchored, claim.age, claim.cluster) < (
            not rival.anchored,
            rival.age,
            rival.cluster,
        ):
            best[claim.former] = claim
    names = [""] * len(anchors)
    for cluster, held in mine.items():
        won = [(c.age, c.former) for c in held if best[c.former].cluster == cluster]
        if won:
            names[cluster] = min(won)[1]
    used = set(names) | set(best)
    for cluster, (system, ref) in enumerate(anchors):
        if names[cluster]:
            continue
        turn = 0
        while (name := new_child_id(system, ref, turn)) in used:
            turn += 1
        names[cluster] = name
        used.add(name)
    return names

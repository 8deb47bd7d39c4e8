"""The linkage itself: records in, one child_id per record out, with evidence; what could not be decided, with why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.linkage import passes, records
from sightline.linkage.clusters import Clusters, Known, name_children
from sightline.linkage.passes import Pair


@dataclass(frozen=True, slots=True)
class Links:
    """`link`: one row per record of a person. `doubt`: one row per pair of children that a pass could not decide."""

    link: pa.Table
    doubt: pa.Table


def link(database: Database) -> Links:
    """One row per record of a person in a source, naming the child it is; and the pairs left in doubt.

    Reads the care and education facts, `identifier`, `delivery` and, when there is one, `previous_link` (the same
    columns as `link`), whose child_ids are kept. Deterministic: the same facts give the same answer in any order of
    arrival. Rules: the authority's own ids confirmed by birth date or UPN; UPN, former UPN and NHS number confirmed
    by birth date and sex, or by sex and names where a birth date is missing; a school's own number at that school,
    confirmed the same way. Schools may share a sound UPN that nothing contradicts. Two records of one social care
    system are never joined.
    """
    records.gather(database)
    try:
        return _link(database)
    finally:
        passes.forget(database)
        records.forget(database)


def _link(database: Database) -> Links:
    has_previous = bool(
        database.one("SELECT count(*) FROM information_schema.tables WHERE table_name = 'previous_link'")
    )
    previous = "SELECT system, ref, child_id FROM previous_link" if has_previous else "SELECT NULL, NULL, NULL LIMIT 0"
    rows = database.rows(
        f"""
        SELECT r.system, r.ref, r.side, r.birth_date, r.first_place, r.several, p.child_id, r.muddled
        FROM _record r LEFT JOIN ({previous}) p(system, ref, child_id) USING (system, ref) ORDER BY r.id
        """
    )
    clusters = Clusters(
        care=[system if side == "care" else None for system, _, side, *_ in rows],
        born=[row[3] for row in rows],
    )
    clusters.settle(passes.schools_agree(database))
    clusters.settle(passes.own_ids(database))
    for pairs in passes.shared_numbers(database):
        clusters.settle(pairs)

    grouped: dict[int, list[int]] = {}
    roots = [clusters.root(record) for record in range(len(rows))]
    for record, root in enumerate(roots):
        grouped.setdefault(root, []).append(record)
    known = [Known(system, ref, place, child) for system, ref, _, _, place, _, child, _ in rows]
    names = dict(zip(grouped, name_children(list(grouped.values()), known), strict=True))

    evidence: dict[int, Pair] = {}
    for pair in clusters.accepted:
        evidence.setdefault(pair.left, pair)
        evidence.setdefault(pair.right, pair)
    steps, says = [], []
    for record, row in enumerate(rows):
        if pair_of := evidence.get(record):
            steps.append(pair_of.step)
            says.append(pair_of.sentence)
        elif row[5]:
            steps.append("same-record")
            says.append("The same id of the same system in several deliveries; no other record matched")
        else:
            steps.append("alone")
            says.append("No other record matched")
    table = _table(
        "link",
        [row[0] for row in rows],
        [row[1] for row in rows],
        [names[root] for root in roots],
        steps,
        says,
        [1.0] * len(rows),
    )
    return Links(table, _doubts(clusters, roots, grouped, rows))


def _doubts(
    clusters: Clusters, roots: list[int], grouped: dict[int, list[int]], rows: Sequence[tuple[Any, ...]]
) -> pa.Table:
    """One row per pair of children left apart: the earliest pass that could not decide them."""
    found: dict[tuple[int, int], Pair] = {}
    for pair in sorted(clusters.doubted, key=lambda p: p.chance):
        a, b = roots[pair.left], roots[pair.right]
        if a == b or (pair.chance and _both_settled(pair, clusters, grouped, roots)):
            continue
        found.setdefault((min(a, b), max(a, b)), pair)
    listed = sorted(found.values(), key=lambda p: (p.left, p.right))
    doubts = [(*rows[p.left][:2], *rows[p.right][:2], p.step, p.sentence) for p in listed]
    # One id that a single file gives to two people cannot be judged at all.
    doubts += [(*row[:2], *row[:2], "same-record", _TWO_BIRTHS) for row in rows if row[7]]
    return _table("link_doubt", *(list(c) for c in zip(*doubts, strict=True))) if doubts else _table("link_doubt")


_TWO_BIRTHS = "One file gives this id to two people born on different days"


def _both_settled(pair: Pair, clusters: Clusters, grouped: dict[int, list[int]], roots: list[int]) -> bool:
    """Each record has found its partner in the other's system, so that their shared number is an accident."""
    left, right = clusters.care[pair.left], clusters.care[pair.right]
    return any(clusters.care[r] == right for r in grouped[roots[pair.left]]) and any(
        clusters.care[r] == left for r in grouped[roots[pair.right]]
    )


def _table(name: str, *columns: list[Any]) -> pa.Table:
    schema = arrow_schema(name)
    if not columns:
        return schema.empty_table()
    return pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema)

"""The linkage itself: records in, one child_id per record out, with evidence; what could not be decided, with why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import pyarrow as pa

from sightline.engine import Database
from sightline.linkage import decided, likeness, passes, records
from sightline.linkage.clusters import Age, Claim, Clusters, name_children, new_child_id
from sightline.linkage.model import Model
from sightline.linkage.passes import Pair
from sightline.vocabulary.exploitation import YOUTH_JUSTICE
from sightline.vocabulary.settings import Settings


@dataclass(frozen=True, slots=True)
class Links:
    """`link`: one row per record of a person. `doubt`: one row per pair of children that a pass could not decide."""

    link: pa.Table
    doubt: pa.Table


def link(database: Database, *, model: Model | None = None, settings: Settings | None = None) -> Links:
    """One row per record of a person in a source, naming the child it is; and the pairs left in doubt.

    Reads the care and education facts, `identifier`, `delivery` and, when there is one, `previous_link` (the same
    columns as `link`), whose child_ids are kept. Deterministic: the same facts give the same answer in any order of
    arrival. Rules: the authority's own ids confirmed by birth date or UPN; UPN, former UPN and NHS number confirmed
    by birth date and sex, or by sex and names where a birth date is missing; a school's own number at that school,
    confirmed the same way. Schools may share a sound UPN that nothing contradicts. Two records of one social care
    system are never joined. Children whom no number joined to a pupil are then compared by likeness (`likeness`),
    with `model`, else one learnt from these facts; the setting `probabilistic_linkage` turns that off. What people have
    decided about pairs (`decision`) comes first: the same child whatever the records say, different children never.
    """
    records.gather(database)
    try:
        return _link(database, model, settings or Settings())
    finally:
        passes.forget(database)
        records.forget(database)


def _link(database: Database, model: Model | None, settings: Settings) -> Links:
    nodes = database.rows("SELECT system, birth_date FROM _node ORDER BY id")
    clusters = Clusters(care=[system for system, _ in nodes], born=[born for _, born in nodes])
    told = decided.of_nodes(database)
    for left, right, outcome, _ in told:
        if outcome == decided.DIFFERENT:
            clusters.keep_apart(left, right)
    clusters.join_decided(
        [
            Pair(left, right, decided.STEP, True, True, f"Decided by a person on {day}: the same child")
            for left, right, outcome, day in told
            if outcome == decided.SAME
        ]
    )
    clusters.settle(passes.own_ids(database))
    for pairs in passes.shared_numbers(database):
        clusters.settle(pairs)
    if settings.probabilistic_linkage:
        clusters.settle(likeness.pairs(database, clusters, model, settings))

    roots = [clusters.root(node) for node in range(len(nodes))]
    number: dict[int, int] = {}
    cluster = [number.setdefault(root, len(number)) for root in roots]
    names = _names(database, cluster, len(number))

    evidence: dict[int, Pair] = {}
    for pair in clusters.accepted:
        evidence.setdefault(pair.left, pair)
        evidence.setdefault(pair.right, pair)
    proof = [evidence.get(node) for node in range(len(nodes))]
    made = pa.table(
        {
            "node": pa.array(range(len(nodes)), pa.int64()),
            "child_id": pa.array([names[c] for c in cluster], pa.string()),
            "step": pa.array([p.step if p else None for p in proof], pa.string()),
            "sentence": pa.array([p.sentence if p else None for p in proof], pa.string()),
            "probability": pa.array([p.probability if p else 1.0 for p in proof], pa.float64()),
        }
    )
    database.add("_made", made)
    try:
        # A record's own school group explains it; the node's first accepted pair explains a record that has none.
        table = database.conformed("link", _LINK)
    finally:
        database.execute("DROP VIEW _made")
    return Links(table, _doubts(database, clusters, roots))


_LINK = """
    SELECT r.system, r.ref, m.child_id,
        CASE WHEN r.evidence IS NOT NULL THEN 'upn' WHEN m.step IS NOT NULL THEN m.step
            WHEN r.several THEN 'same-record' ELSE 'alone' END AS step,
        coalesce(r.evidence, m.sentence, CASE WHEN r.several
            THEN 'The same id of the same system in several deliveries; no other record matched'
            ELSE 'No other record matched' END) AS evidence,
        CASE WHEN r.evidence IS NULL THEN m.probability ELSE 1.0 END AS probability
    FROM _record r JOIN _made m USING (node) ORDER BY r.id
"""


def _names(database: Database, cluster: list[int], clusters: int) -> list[str]:
    """The child_id of each cluster of nodes, former ids kept (see `name_children`)."""
    anchors: list[tuple[str, str]] = [("", "")] * clusters
    first = [True] * clusters
    for node, system, ref in database.rows(
        "SELECT n.id, r.system, r.ref FROM _node n JOIN _record r ON r.id = n.first_id ORDER BY n.id"
    ):
        # Nodes are in the order of their first records.
        if first[cluster[node]]:
            first[cluster[node]] = False
            anchors[cluster[node]] = (system, ref)
    if not database.one("SELECT count(*) FROM information_schema.tables WHERE table_name = 'previous_link'"):
        return name_children(anchors, [])
    held: dict[tuple[int, str], Age] = {}
    for node, former, place, record in database.rows(
        """
        SELECT r.node, p.child_id, min(r.first_place), arg_min(r.id, (r.first_place, r.id))
        FROM previous_link p JOIN _record r USING (system, ref) GROUP BY r.node, p.child_id
        """
    ):
        key = (cluster[node], former)
        held[key] = min(held.get(key, (place, record)), (place, record))
    claimed = Counter(former for _, former in held)
    contested = [former for former, times in claimed.items() if times > 1]
    anchored = {
        (cluster[node], former)
        for node, system, ref, former in database.rows(
            """
            SELECT r.node, r.system, r.ref, p.child_id FROM previous_link p JOIN _record r USING (system, ref)
            WHERE p.child_id IN (SELECT unnest($contested))
            """,
            {"contested": contested},
        )
        if contested and new_child_id(system, ref) == former
    }
    return name_children(
        anchors, [Claim(c, former, age, (c, former) in anchored) for (c, former), age in sorted(held.items())]
    )


def _doubts(database: Database, clusters: Clusters, roots: list[int]) -> pa.Table:
    """One row per pair of children left apart: the earliest pass that could not decide them."""
    grouped: dict[int, list[int]] = {}
    for node, root in enumerate(roots):
        grouped.setdefault(root, []).append(node)
    found: dict[tuple[int, int], Pair] = {}
    parted = {
        (min(roots[a], roots[b]), max(roots[a], roots[b])) for a, others in clusters.apart.items() for b in others
    }
    for pair in sorted(clusters.doubted, key=lambda p: p.chance):
        a, b = roots[pair.left], roots[pair.right]
        if a == b or (pair.chance and _both_settled(pair, clusters, grouped, roots)):
            continue
        if (min(a, b), max(a, b)) in parted:
            continue
        found.setdefault((min(a, b), max(a, b)), pair)
    doubts = pa.table(
        {
            "a": pa.array([p.left for p in found.values()], pa.int64()),
            "b": pa.array([p.right for p in found.values()], pa.int64()),
            "step": pa.array([p.step for p in found.values()], pa.string()),
            "why": pa.array([p.sentence for p in found.values()], pa.string()),
            "probability": pa.array(
                [p.probability if p.step == likeness.STEP else None for p in found.values()], pa.float64()
            ),
        }
    )
    database.add("_doubt", doubts)
    try:
        return database.conformed("link_doubt", _DOUBTS)
    finally:
        database.execute("DROP VIEW _doubt")


# A node is named by the record that came first, so that one received later does not make another pair of an old one.
# One id that a file gives to two people cannot be judged at all. Whoever reviewed a pair would learn whom the youth
# justice service knows, so a doubt of its list is a record without a child: its sender must say more.
_DOUBTS = f"""
    WITH named AS (SELECT node, arg_min(id, (first_place, id)) AS id FROM _record GROUP BY node)
    SELECT a.system AS left_system, a.ref AS left_ref, b.system AS right_system, b.ref AS right_ref, d.step, d.why,
        d.probability
    FROM _doubt d JOIN named m ON m.node = d.a JOIN named n ON n.node = d.b
    JOIN _record a ON a.id = m.id JOIN _record b ON b.id = n.id
    WHERE '{YOUTH_JUSTICE}' NOT IN (a.system, b.system)
    UNION ALL
    SELECT system, ref, system, ref, 'same-record', 'One id is given to two people born on different days', NULL
    FROM _record WHERE muddled
    ORDER BY ALL
"""


def _both_settled(pair: Pair, clusters: Clusters, grouped: dict[int, list[int]], roots: list[int]) -> bool:
    """Each record has found its partner in the other's system, so that their shared number is an accident."""
    left, right = clusters.care[pair.left], clusters.care[pair.right]
    return any(clusters.care[r] == right for r in grouped[roots[pair.left]]) and any(
        clusters.care[r] == left for r in grouped[roots[pair.right]]
    )

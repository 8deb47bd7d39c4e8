"""The last pass: children whom no number joined to a pupil, compared with every pupil by what their records say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa

from sightline.engine import Database
from sightline.linkage import records
from sightline.linkage.clusters import Clusters
from sightline.linkage.model import Model, train
from sightline.linkage.passes import Pair
from sightline.linkage.people import standardise
from sightline.linkage.predict import ACCEPTED, REVIEW, predict
from sightline.vocabulary.settings import Settings

STEP = "likeness"
_PRESENT = ("surname", "forename", "birth_date", "sex", "postcode", "upn", "nhs_number")

# One row per group of records joined so far, as its latest record with a name has it. Numbers are taken as held,
# malformed ones too: a number with one digit wrong is evidence.
_PEOPLE = """
    WITH named AS (
        SELECT g.root, r.side,
            arg_max(r.surname, (r.last_word, r.id)) FILTER (r.surname IS NOT NULL) AS surname,
            arg_max(r.forename, (r.last_word, r.id)) FILTER (r.forename IS NOT NULL) AS forename,
            arg_max(r.birth_date, (r.last_word, r.id)) FILTER (r.birth_date IS NOT NULL) AS birth_date,
            arg_max(r.sex, (r.last_word, r.id)) FILTER (r.sex IS NOT NULL) AS sex,
            arg_max(r.postcode, (r.last_word, r.id)) FILTER (r.postcode IS NOT NULL) AS postcode
        FROM _record r JOIN _joined g ON g.node = r.node
        WHERE NOT r.muddled
        GROUP BY g.root, r.side
    ),
    numbered AS (
        SELECT g.root, r.side, max(i.value) FILTER (i.kind = 'upn') AS upn,
            max(i.value) FILTER (i.kind = 'nhs_number') AS nhs_number
        FROM (SELECT DISTINCT system, ref, kind, value FROM identifier WHERE kind IN ('upn', 'nhs_number')) i
        JOIN _record r USING (system, ref) JOIN _joined g ON g.node = r.node
        GROUP BY g.root, r.side
    )
    SELECT n.root AS row, n.surname, n.forename, n.birth_date, n.sex, n.postcode, m.upn, m.nhs_number
    FROM named n LEFT JOIN numbered m USING (root, side)
    WHERE n.surname IS NOT NULL AND n.forename IS NOT NULL AND n.side = '{side}'
"""


def pairs(database: Database, clusters: Clusters, model: Model | None, settings: Settings) -> list[Pair]:
    """Pairs of a child without a pupil and the pupil most like them, each with its probability.

    Accepted ones are confirmed, those for review doubted. Nothing is compared, and nothing learnt, where every child
    with a name has been found. Pupils whom another child's record has already are compared too, so that a child's
    second record becomes a doubt and not another pupil's.
    """
    care, pupils, schooled = _people(database, clusters)
    left = care.filter(pa.array([root not in schooled for root in care["row"].to_pylist()], pa.bool_()))
    if not left.num_rows or not pupils.num_rows:
        return []
    born = dict(zip(care["row"].to_pylist(), care["birth_date"].to_pylist(), strict=True))
    born_at_school = dict(zip(pupils["row"].to_pylist(), pupils["birth_date"].to_pylist(), strict=True))
    with _bench({"left": left, "care": care, "pupil": pupils}) as bench:
        # What true pairs look like is learnt from every child, not from those the numbers failed.
        weights = model or train(bench, "care_list", "pupil_list")
        found = predict(
            bench,
            "left_list",
            "pupil_list",
            weights,
            accept=settings.linkage_accept,
            review=settings.linkage_review,
            never=_parted(clusters),
        )
    return list(_judged(found, born, born_at_school))


def learn(database: Database) -> Model:
    """A model learnt from every child and pupil with a name in these facts, to be kept and given to `link`."""
    records.gather(database)
    try:
        nodes = database.rows("SELECT system, birth_date FROM _node ORDER BY id")
        apart = Clusters(care=[system for system, _ in nodes], born=[born for _, born in nodes])
        care, pupils, _ = _people(database, apart)
    finally:
        records.forget(database)
    with _bench({"care": care, "pupil": pupils}) as bench:
        return train(bench, "care_list", "pupil_list")


def _parted(clusters: Clusters) -> set[tuple[int, int]]:
    """The groups that people have said are different children, in both orders."""
    return {(clusters.root(a), clusters.root(b)) for a, others in clusters.apart.items() for b in others}


def _people(database: Database, clusters: Clusters) -> tuple[pa.Table, pa.Table, set[int]]:
    """The children and the pupils with names, one row per group of records joined so far; and the groups that hold a
    school's record."""
    nodes = range(len(clusters.care))
    roots = [clusters.root(node) for node in nodes]
    schooled = {root for node, root in zip(nodes, roots, strict=True) if clusters.care[node] is None}
    database.add("_joined", pa.table({"node": pa.array(nodes, pa.int64()), "root": pa.array(roots, pa.int64())}))
    try:
        return database.query(_PEOPLE.format(side="care")), database.query(_PEOPLE.format(side="school")), schooled
    finally:
        database.execute("DROP VIEW _joined")


@contextmanager
def _bench(lists: Mapping[str, pa.Table]) -> Iterator[Database]:
    """A database with each list standardised as NAME_list. Splink makes tables of its own, so it gets one of its own,
    with the engine's settings."""
    with Database() as bench:
        for name, table in lists.items():
            bench.add(f"{name}_people", table)
            standardise(bench, f"SELECT * FROM {name}_people", f"{name}_list", present=_PRESENT)
        yield bench


def _judged(found: pa.Table, born: dict[int, object], born_at_school: dict[int, object]) -> Iterator[Pair]:
    for row in found.to_pylist():
        if row["status"] not in (ACCEPTED, REVIEW):
            continue
        a, b, probability = row["left_row"], row["right_row"], row["probability"]
        accepted = row["status"] == ACCEPTED
        words, _, why = row["evidence"].partition("; ")
        says = "; ".join(part for part in (words.replace(", ", "; "), why) if part)
        says = says[:1].upper() + says[1:]
        yield Pair(
            left=min(a, b),
            right=max(a, b),
            step=STEP,
            confirmed=accepted,
            exact="same first name" in words,
            sentence=says if accepted else f"One child with probability {min(probability, 0.999):.2f}: {says}",
            # The rest of the record has outweighed it.
            despite_birth=born[a] != born_at_school[b],
            probability=probability,
        )

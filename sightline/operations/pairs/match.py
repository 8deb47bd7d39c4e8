"""Link any two files of people that share no id, with nothing stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline import linkage
from sightline.engine import Database
from sightline.operations.pairs.people_files import PeopleFile, described, mapping_file, read_people
from sightline.vocabulary.errors import BadSetting

# Where fewer of the values of a column stand in the other file too, they are written in two ways and say nothing.
_LEAST_IN_BOTH = {"school": 0.1, "address": 0.02, "town": 0.1, "phone": 0.02, "email": 0.02}


@dataclass(frozen=True, slots=True)
class Matched:
    """Two files linked. `pairs`: one row per pair that may be one person: left_row and right_row (from 1, headers
    apart), probability, status (accepted, review, rejected) and evidence in words. `missed`: how many people of the
    left file are expected to be in the right one without an accepted pair, as far as pairs looked at can say."""

    left: PeopleFile
    right: PeopleFile
    pairs: pa.Table
    learnt: str
    missed: float
    accept: float
    review: float

    def counts(self) -> dict[str, int]:
        counted = Counter(self.pairs["status"].to_pylist())
        return {status: counted.get(status, 0) for status in (linkage.ACCEPTED, linkage.REVIEW, linkage.REJECTED)}

    def as_json(self) -> dict[str, Any]:
        """Everything but the pairs."""
        return {
            "left": {"file": self.left.name, "rows": self.left.rows, "columns": described(self.left)},
            "right": {"file": self.right.name, "rows": self.right.rows, "columns": described(self.right)},
            **self.counts(),
            "thresholds": {"accept": self.accept, "review": self.review},
            "expected_missed": round(self.missed, 1),
            "model": self.learnt,
        }


def match_files(
    left: Path, right: Path, *, mapping: Path | None = None, accept: float = 0.9, review: float = 0.5
) -> Matched:
    """Link the people of two files. The same files give the same answer.

    Raises UnreadableFile when a file cannot be read or does not say who anybody is, BadSetting when the mapping or the
    thresholds are wrong.
    """
    if not 0 < review <= accept <= 1:
        raise BadSetting("Thresholds are probabilities: review above 0, accept at least as high, at most 1.")
    sides: Mapping[str, Any] = mapping_file(mapping) if mapping else {"left": {}, "right": {}}
    one, other = read_people(left, sides["left"]), read_people(right, sides["right"])
    with Database() as database:
        database.add("left_file", one.people)
        database.add("right_file", other.people)
        present = [
            c for c in (*linkage.COLUMNS, *linkage.EXTRAS) if c not in _LEAST_IN_BOTH or _written_alike(database, c)
        ]
        linkage.standardise(database, "SELECT * FROM left_file", "a", present=present)
        linkage.standardise(database, "SELECT * FROM right_file", "b", present=present)
        model = linkage.train_model(database, "a", "b")
        pairs = linkage.predict(database, "a", "b", model, accept=accept, review=review)
    return Matched(one, other, pairs, model.learnt, linkage.expected_missed(pairs), accept, review)


def _written_alike(database: Database, column: str) -> bool:
    """Whether the two files write schools (towns, addresses) in one way, so that two that differ are two schools."""
    shares = database.rows(
        f"""
        WITH l AS (SELECT DISTINCT lower(trim({column})) AS v FROM left_file WHERE {column} IS NOT NULL),
            r AS (SELECT DISTINCT lower(trim({column})) AS v FROM right_file WHERE {column} IS NOT NULL)
        SELECT (SELECT count(*) FROM l JOIN r USING (v)), least((SELECT count(*) FROM l), (SELECT count(*) FROM r))
        """
    )[0]
    return bool(shares[1]) and shares[0] > 0 and shares[0] >= _LEAST_IN_BOTH[column] * shares[1]

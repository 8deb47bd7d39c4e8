"""What people have decided about pairs of records that no pass could decide: who read them, and what linkage obeys.

A pair is read once. A stated share of pairs is read by a second person, who does not see what the first one said; where
the two differ a third decides. What comes of it is one of three: same child, different children, cannot tell. The first
two bind every later linkage of the same records; the third leaves the pair in doubt.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import md5
from typing import Any, Final

import pyarrow as pa

from sightline.engine import Database

ABOUT: Final = "pair"
SAME, DIFFERENT, CANNOT_TELL = "same child", "different children", "cannot tell"
ANSWERS: Final = (SAME, DIFFERENT, CANNOT_TELL)
REOPENED: Final = "reopened"
SECOND_READER: Final = "second reader"
"""`owner` of the first reading of a pair that a second person reads too: a later change of the share alters nothing."""

OPEN, AWAITS_SECOND, AWAITS_THIRD, DECIDED = "to read", "awaits a second reader", "readers differ", "decided"
STATES: Final = (OPEN, AWAITS_SECOND, AWAITS_THIRD, DECIDED)
STEP: Final = "decided"

_KEY = 16  # characters of a record's key: the chance that two of a million records share one is 1 in 37 million
# The same key in SQL, of the columns system and ref.
KEY_SQL: Final = f"left(md5(system || chr(31) || ref), {_KEY})"


def record_key(system: str, ref: str) -> str:
    """The key of a record: the same in every snapshot, on every machine."""
    return md5(f"{system}\x1f{ref}".encode(), usedforsecurity=False).hexdigest()[:_KEY]


def subject_of(left: str, right: str) -> str:
    """What a decision about a pair is filed under: both records' keys, whichever stands on the left."""
    return "".join(sorted((left, right)))


@dataclass(frozen=True, slots=True)
class Reading:
    """One person's answer about one pair."""

    by: str
    at: str
    answer: str
    reason: str


@dataclass(frozen=True, slots=True)
class Review:
    """What people have said of one pair so far: at most three readings, by three people, in the order taken."""

    subject: str
    readings: tuple[Reading, ...] = ()
    second_asked: bool = False

    @property
    def agreed(self) -> bool | None:
        """Whether the first two readers gave the same answer; None where there are no two."""
        return None if len(self.readings) < 2 else self.readings[0].answer == self.readings[1].answer

    @property
    def state(self) -> str:
        match len(self.readings):
            case 0:
                return OPEN
            case 1:
                return AWAITS_SECOND if self.second_asked else DECIDED
            case 2:
                return DECIDED if self.agreed else AWAITS_THIRD
        return DECIDED

    @property
    def outcome(self) -> str | None:
        """What was decided, once it is: the answer of the last who had to read."""
        return self.readings[-1].answer if self.state == DECIDED else None


def reviews(decisions: Iterable[Mapping[str, Any]]) -> dict[str, Review]:
    """The review of each pair that anybody has decided about, by subject, from rows of `decision` in any order.

    A reading that nobody asked for (a second answer of one person, one more after the pair was decided) counts for
    nothing; `reopened` takes every reading before it back.
    """
    found: dict[str, Review] = {}
    for row in sorted((d for d in decisions if d["about"] == ABOUT), key=lambda d: d["at"]):
        review = found.get(row["subject"]) or Review(row["subject"])
        if row["decision"] == REOPENED:
            found[row["subject"]] = Review(row["subject"])
        elif (
            row["decision"] in ANSWERS and review.state != DECIDED and row["by"] not in {r.by for r in review.readings}
        ):
            reading = Reading(row["by"], row["at"], row["decision"], row["reason"] or "")
            asked = review.second_asked or (not review.readings and row["owner"] == SECOND_READER)
            found[row["subject"]] = Review(row["subject"], (*review.readings, reading), asked)
    return found


def binding(database: Database) -> pa.Table:
    """One row per pair that people have decided, from the facts of `decision`: left and right (the records' keys),
    outcome (same child or different children) and the day it was decided. In a fixed order."""
    rows = database.query('SELECT about, subject, decision, reason, "by", "at", owner FROM decision').to_pylist()
    bound = [
        {"left": r.subject[:_KEY], "right": r.subject[_KEY:], "outcome": r.outcome, "day": r.readings[-1].at[:10]}
        for r in reviews(rows).values()
        if r.outcome in (SAME, DIFFERENT) and len(r.subject) == 2 * _KEY
    ]
    schema = pa.schema([(name, pa.string()) for name in ("left", "right", "outcome", "day")])
    return pa.Table.from_pylist(sorted(bound, key=lambda b: (b["left"], b["right"])), schema=schema)


def gather(database: Database) -> None:
    """Make `_decided`: one row per pair of records of `_record` that people have decided (a before b, outcome, day).

    A decision about a record that no file in force holds any more binds nothing until the record comes back.
    """
    database.add("_binding", binding(database))
    try:
        database.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE _decided AS
            WITH keyed AS (SELECT id, {KEY_SQL} AS key FROM _record WHERE (SELECT count(*) FROM _binding) > 0)
            SELECT least(x.id, y.id) AS a, greatest(x.id, y.id) AS b, outcome, day
            FROM _binding d JOIN keyed x ON x.key = d."left" JOIN keyed y ON y.key = d."right"
            WHERE x.id <> y.id
            """
        )
    finally:
        database.execute("DROP VIEW _binding")


def of_nodes(database: Database) -> list[tuple[int, int, str, str]]:
    """The decided pairs of nodes: left, right, outcome, day."""
    return [
        (left, right, outcome, day)
        for left, right, outcome, day in database.rows(
            """
            SELECT DISTINCT least(x.node, y.node), greatest(x.node, y.node), outcome, day
            FROM _decided d JOIN _record x ON x.id = d.a JOIN _record y ON y.id = d.b
            WHERE x.node <> y.node ORDER BY ALL
            """
        )
    ]

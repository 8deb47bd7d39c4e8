"""The life of an exception: its states and what moves it between them, and one more snapshot lived through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.reconciliation.find import RULES

NEW, SENT, ACKNOWLEDGED, EXPLAINED = "new", "sent", "acknowledged", "explained"
CORRECTED, OVERDUE = "corrected at source", "overdue"


@dataclass(frozen=True, slots=True)
class State:
    """One state: its name, what it means, and whether somebody has still to act."""

    name: str
    says: str
    waits: bool


@dataclass(frozen=True, slots=True)
class Transition:
    """One move. `by` is a person's decision (its name) or what Sightline found; `reason`: one must be given."""

    start: str
    end: str
    by: str
    says: str
    decision: bool = True
    reason: bool = False


STATES: Final = (
    State(NEW, "Found, and nobody has been asked.", True),
    State(SENT, "Its owner has been sent it.", True),
    State(ACKNOWLEDGED, "Its owner has seen it and will put it right.", True),
    State(OVERDUE, "New, sent or acknowledged, and its due date has passed. Shown in place of that state.", True),
    State(EXPLAINED, "Its owner has said why both values are right. Holds while neither value changes.", False),
    State(CORRECTED, "A later snapshot found that the sources agree. Sightline alone says so.", False),
)
_FOUND = "its sources agree in a later snapshot"
TRANSITIONS: Final = (
    Transition("", NEW, "a snapshot shows it", "The first snapshot that shows it opens it.", decision=False),
    Transition(NEW, SENT, "sent", "It goes to its owner in a batch."),
    Transition(NEW, ACKNOWLEDGED, "acknowledged", "Its owner saw it before it was sent."),
    Transition(NEW, EXPLAINED, "explained", "Both values are right, and somebody says why.", reason=True),
    Transition(NEW, NEW, "returned", "Its owner saw it before it was sent: it is not theirs.", reason=True),
    Transition(SENT, SENT, "sent", "It is sent again."),
    Transition(SENT, ACKNOWLEDGED, "acknowledged", "Its owner has seen it, or says that it is corrected: the next file "
               "will tell."),
    Transition(SENT, EXPLAINED, "explained", "Its owner says why both values are right.", reason=True),
    Transition(SENT, NEW, "returned", "Its owner says that it is not theirs, and whose it is.", reason=True),
    Transition(ACKNOWLEDGED, SENT, "sent", "It is sent again."),
    Transition(ACKNOWLEDGED, ACKNOWLEDGED, "acknowledged", "Its owner says so again."),
    Transition(ACKNOWLEDGED, EXPLAINED, "explained", "Its owner says why both values are right.", reason=True),
    Transition(ACKNOWLEDGED, NEW, "returned", "Its owner says that it is not theirs, and whose it is.", reason=True),
    Transition(EXPLAINED, EXPLAINED, "explained", "A better reason is given.", reason=True),
    Transition(EXPLAINED, NEW, "withdrawn", "The explanation does not hold.", reason=True),
    Transition(EXPLAINED, NEW, "one of its values changes", "What was explained is no longer what parts.",
               decision=False),
    Transition(NEW, OVERDUE, "its due date passes", "Also from sent and acknowledged; shown, never stored.",
               decision=False),
    Transition(SENT, OVERDUE, "its due date passes", "", decision=False),
    Transition(ACKNOWLEDGED, OVERDUE, "its due date passes", "", decision=False),
    Transition(NEW, CORRECTED, _FOUND, "It closes itself.", decision=False),
    Transition(SENT, CORRECTED, _FOUND, "It closes itself.", decision=False),
    Transition(ACKNOWLEDGED, CORRECTED, _FOUND, "It closes itself.", decision=False),
    Transition(EXPLAINED, CORRECTED, _FOUND, "It closes itself.", decision=False),
    Transition(CORRECTED, NEW, "they part again", "It reopens with a new due date; earlier decisions do not count.",
               decision=False),
)  # fmt: skip
DECISIONS: Final = tuple(dict.fromkeys(t.by for t in TRANSITIONS if t.decision))
_MOVES: Final = {(t.start, t.by): t for t in TRANSITIONS if t.decision}


def move(state: str, decision: str) -> Transition | None:
    """What a decision does in a state, or None where it cannot be taken."""
    return _MOVES.get((state, decision))


def shown_state(state: str, due: date | None, on: date) -> str:
    """The state as people see it on a day: overdue in place of one that waits past its due date."""
    waits = state in (NEW, SENT, ACKNOWLEDGED)
    return OVERDUE if waits and due is not None and due < on else state


@dataclass(frozen=True, slots=True)
class Lived:
    """`exceptions` and `history`: the vocabulary's `exception` and `exception_history` after one more snapshot."""

    exceptions: pa.Table
    history: pa.Table


def live(database: Database, *, snapshot: str, at: datetime) -> Lived:
    """One row per disagreement of this snapshot or an earlier one, with its life so far; and its openings and closings.

    Reads `disagreement` and `rule_run` of the snapshot, `previous_exception` and `previous_history` of its parent,
    `decision` and `delivery`. What is found and was not open is opened (again); what was open and is not found closes,
    but only where its rule ran and both its systems still send: silence corrects nothing. `at` is the moment the
    snapshot is made.
    """
    due = {r.code: at.date() + timedelta(days=r.due) for r in RULES}
    database.add(
        "_due", pa.table({"rule": pa.array(due, pa.string()), "due_date": pa.array(due.values(), pa.date32())})
    )
    moment = {"at": at.isoformat(timespec="seconds"), "day": at.date(), "snapshot": snapshot}
    try:
        lived = database.conformed("exception", _LIVED, moment)
        database.add("_lived", lived)
        history = database.conformed("exception_history", _HISTORY, moment)
        decided = with_decisions(lived, database.query("SELECT * FROM decision").to_pylist())
    finally:
        for name in ("_due", "_lived"):
            database.execute(f"DROP VIEW IF EXISTS {name}")
    return Lived(decided, history)


_COLUMNS: Final = tuple(arrow_schema("disagreement").names)
_VALUES: Final = ", ".join(
    f"CASE WHEN d.exception_id IS NOT NULL THEN d.{c} ELSE p.{c} END AS {c}" for c in _COLUMNS if c != "exception_id"
)
# Opened here: found now, and closed or unknown before. Closed here: open before, not found, and it could have been.
_LIVED: Final = f"""
    WITH sending AS (SELECT DISTINCT system FROM delivery),
    side_by_side AS (
        SELECT coalesce(d.exception_id, p.exception_id) AS exception_id, {_VALUES},
            d.exception_id IS NOT NULL AS found,
            d.exception_id IS NOT NULL AND (p.exception_id IS NULL OR p.closed IS NOT NULL) AS opens,
            d.exception_id IS NULL AND p.closed IS NULL AND coalesce(r.ran, false)
                AND (p.left_system IS NULL OR p.left_system IN (SELECT system FROM sending))
                AND (p.right_system IS NULL OR p.right_system IN (SELECT system FROM sending)) AS closes,
            p.due_date AS due_before, p.opened AS opened_before, p.opened_at AS at_before,
            p.opened_snapshot AS snapshot_before, p.seen_snapshot AS seen_before, p.closed AS closed_before,
            p.closed_snapshot AS closed_snapshot_before, coalesce(p.times, 0) AS times_before
        FROM disagreement d FULL JOIN previous_exception p ON p.exception_id = d.exception_id
        LEFT JOIN rule_run r ON r.rule = p.rule
    )
    SELECT b.*, '' AS state, CASE WHEN opens THEN u.due_date ELSE due_before END AS due_date,
        CASE WHEN opens THEN $day ELSE opened_before END AS opened,
        CASE WHEN opens THEN $at ELSE at_before END AS opened_at,
        CASE WHEN opens THEN $snapshot ELSE snapshot_before END AS opened_snapshot,
        CASE WHEN found THEN $snapshot ELSE seen_before END AS seen_snapshot,
        CASE WHEN closes THEN $day WHEN NOT found THEN closed_before END AS closed,
        CASE WHEN closes THEN $snapshot WHEN NOT found THEN closed_snapshot_before END AS closed_snapshot,
        times_before + opens::INT AS times, NULL AS reason, NULL AS decided_by, NULL AS decided_at
    FROM side_by_side b LEFT JOIN _due u ON u.rule = b.rule
    ORDER BY b.rule, b.exception_id
"""
_HISTORY: Final = f"""
    SELECT * FROM previous_history
    UNION ALL
    SELECT exception_id, $day, $at, $snapshot, CASE WHEN times > 1 THEN '{CORRECTED}' END, '{NEW}'
    FROM _lived WHERE opened_snapshot = $snapshot AND opened_at = $at
    UNION ALL
    SELECT l.exception_id, $day, $at, $snapshot, p.state, '{CORRECTED}'
    FROM _lived l JOIN previous_exception p USING (exception_id) WHERE p.closed IS NULL AND l.closed IS NOT NULL
    ORDER BY "at", exception_id
"""


def with_decisions(exceptions: pa.Table, decisions: Iterable[Mapping[str, Any]]) -> pa.Table:
    """One row per exception, with the state that the decisions taken since it was opened leave it in.

    Decisions are taken in the order of their moments. One that the state does not allow changes nothing, and an
    explanation of other values than today's does not hold.
    """
    by_id: dict[str, list[Mapping[str, Any]]] = {}
    for decision in decisions:
        if decision["about"] == "exception":
            by_id.setdefault(decision["subject"], []).append(decision)
    fates = list(_fates(exceptions, by_id))
    for n, name in enumerate(("state", "reason", "decided_by", "decided_at")):
        place = exceptions.schema.get_field_index(name)
        exceptions = exceptions.set_column(place, name, pa.array([f[n] for f in fates], pa.string()))
    return exceptions


_Fate = tuple[str, str | None, str | None, str | None]


def _fates(exceptions: pa.Table, by_id: Mapping[str, list[Mapping[str, Any]]]) -> Iterator[_Fate]:
    names = ("exception_id", "closed", "opened_at", "parted")
    for exception_id, closed, opened_at, parted in zip(*(exceptions[n].to_pylist() for n in names), strict=True):
        taken = by_id.get(exception_id)
        if not taken:
            yield (CORRECTED if closed else NEW), None, None, None
            continue
        state, latest = NEW, None
        since = datetime.fromisoformat(opened_at)
        for decision in sorted(taken, key=lambda d: datetime.fromisoformat(d["at"])):
            found = move(state, decision["decision"])
            if found is None or datetime.fromisoformat(decision["at"]) < since:
                continue
            if decision["decision"] == EXPLAINED and decision["parted"] not in (None, "", parted):
                continue
            state, latest = found.end, decision
        fate = (latest["reason"], latest["by"], latest["at"]) if latest else (None, None, None)
        yield (CORRECTED if closed else state), *fate

"""Clerical review: the pairs of records that linkage left in doubt, read by people, and what they decide.

Each reader answers before they see how likely linkage thinks the pair is, why it was not decided, or what another
reader said. What is decided binds the next snapshot (`linkage.decided`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import md5
from typing import Any, Final

import pyarrow as pa

from sightline import cohort
from sightline.linkage import Review, decided, record_key, reviews, subject_of
from sightline.operations.decisions import LONGEST_REASON, append_decisions, decisions_taken
from sightline.operations.home import Home
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.vocabulary.tables import Sensitivity

NOBODY_SEES: Final = "There is no such pair that you may see."

LISTED: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("pair_id", "state", "outcome", "step")),
        *((f"{side}_{name}", pa.string()) for side in ("left", "right")
          for name in ("system", "child_id", "surname", "forename")),
        ("read_by", pa.list_(pa.string())),
        ("decided_at", pa.string()),
        ("in_force", pa.bool_()),
    ]
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Field:
    """One thing the two records say: all that each side holds of it, newest first, and in words how they compare."""

    name: str
    sensitivity: Sensitivity
    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def says(self) -> str:
        """Unknown is not different: only two values can differ."""
        if not self.left and not self.right:
            return "Not held by either"
        if not self.left or not self.right:
            return f"Held on the {'right' if self.right else 'left'} only"
        same = {_plain(v) for v in self.left} & {_plain(v) for v in self.right}
        if not same:
            return "Differs"
        return "Same" if len({_plain(v) for v in (*self.left, *self.right)}) == 1 else "Same, and others besides"


@dataclass(frozen=True, slots=True)
class Pair:
    """One pair as one reader may see it.

    `answer` is what is asked of this reader ("first", "second" or "third" reading) and empty where nothing is; then
    `says` tells why not. `readings`, `why` and `probability` are empty until the reader has answered or the pair is
    decided (the person who decides between two readers sees their answers, not the score).
    """

    pair_id: str
    state: str
    outcome: str | None
    child_ids: tuple[str, ...]
    systems: tuple[str, str]
    fields: tuple[Field, ...]
    answer: str
    says: str
    readings: tuple[decided.Reading, ...]
    why: str | None
    probability: float | None
    in_force: bool


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often two readers of one pair gave the same answer: `pairs` read twice, `agreed`, and Cohen's kappa (what
    is agreed beyond chance; null where nothing or one answer alone was given). Cohen (1960)."""

    pairs: int
    agreed: int
    kappa: float | None


def doubtful_pairs(home: Home, opened: Opened, scope: Scope, *, state: str | None = None) -> pa.Table:
    """One row per pair of records that linkage left in doubt or people have decided: those to read first, and of these
    the ones of a child whom social care knows.

    Columns: pair_id, state (one of `decided.STATES`), outcome, the pass that met it, each side's system, child_id and
    name, who has read it, when it was decided, and `in_force`: the snapshot obeys what was decided. No score. Raises
    BadSetting for a state there is not.
    """
    if state is not None and state not in decided.STATES:
        raise BadSetting(f"There is no state {state!r}. There are: {', '.join(decided.STATES)}.")
    held = _held(home, opened, scope)
    names, known = _names(opened, {child for h in held for child in h.child_ids})
    place = {s: n for n, s in enumerate(decided.STATES)}

    def order(each: _Held) -> tuple[int, bool, str]:
        return place[each.review.state], known.isdisjoint(each.child_ids), each.pair_id

    rows = []
    for each in sorted(held, key=order):
        review = each.review
        if state is not None and review.state != state:
            continue
        row: dict[str, Any] = {
            "pair_id": each.pair_id, "state": review.state, "outcome": review.outcome, "step": each.step,
            "read_by": [r.by for r in review.readings],
            "decided_at": review.readings[-1].at if review.outcome else None, "in_force": each.in_force,
        }  # fmt: skip
        for side, (system, _), child in zip(("left", "right"), each.records, each.child_ids, strict=True):
            surname, forename = names.get(child, (None, None))
            row |= {f"{side}_system": system, f"{side}_child_id": child, f"{side}_surname": surname,
                    f"{side}_forename": forename}  # fmt: skip
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=LISTED)


def pair(home: Home, opened: Opened, scope: Scope, pair_id: str, *, reader: str, lead: bool = False) -> Pair:
    """One pair, side by side, as this reader may see it; `lead` may decide between two readers.

    Raises NotAllowed where there is none, or a child of it is outside the scope.
    """
    each = _one(home, opened, scope, pair_id)
    review = each.review
    answer, says = _asked(review, reader, lead)
    mine = reader in {r.by for r in review.readings}
    done = review.state == decided.DECIDED
    return Pair(
        pair_id,
        review.state,
        review.outcome,
        each.child_ids,
        (each.records[0][0], each.records[1][0]),
        _fields(opened, each),
        answer,
        says,
        review.readings if done or answer == "third" else tuple(r for r in review.readings if r.by == reader),
        each.why if done or mine else None,
        each.probability if done or mine else None,
        each.in_force,
    )


def decide_pair(
    home: Home,
    opened: Opened,
    scope: Scope,
    pair_id: str,
    answer: str,
    *,
    by: str,
    at: datetime,
    reason: str,
    lead: bool = False,
) -> str:
    """Record one reader's answer (same child, different children or cannot tell) with its reason; returns the state the
    pair is now in. A lead may also give "reopened", which takes every answer back.

    On disk before this returns, and received into the next snapshot, which obeys it. Raises BadSetting for another
    answer or a reason missing or too long; NotAllowed when the pair cannot be seen or nothing is asked of this reader.
    """
    allowed = (*decided.ANSWERS, decided.REOPENED)
    if answer not in allowed:
        raise BadSetting(f"There is no answer {answer!r}. There are: {', '.join(allowed)}.")
    if not by:
        raise BadSetting("Say who decides.")
    if not reason.strip():
        raise BadSetting("Say why, in a few words: the reason is kept with the decision.")
    if len(reason) > LONGEST_REASON:
        raise BadSetting(f"A reason has at most {LONGEST_REASON:,} characters.")
    each = _one(home, opened, scope, pair_id)
    review = each.review
    if answer == decided.REOPENED:
        if not lead:
            raise NotAllowed("Only the Virtual School Head can reopen a pair.")
        if not review.readings:
            raise NotAllowed("Nobody has read this pair, so there is nothing to reopen.")
    else:
        asked, says = _asked(review, by, lead)
        if not asked:
            raise NotAllowed(says)
    second = not review.readings and _sampled(review.subject, opened.settings.second_reader_percent)
    row = {
        "about": decided.ABOUT, "subject": review.subject, "decision": answer, "reason": reason.strip(), "by": by,
        "at": at.isoformat(), "owner": decided.SECOND_READER if second else None,
    }  # fmt: skip
    append_decisions(home, [row])
    return _one(home, opened, scope, pair_id).review.state


def agreement(home: Home, opened: Opened) -> Agreement:
    """How often two readers agreed, over every pair that was read twice."""
    twice = [r.readings[:2] for r in reviews(_decisions(home, opened)).values() if len(r.readings) > 1]
    agreed = sum(one.answer == other.answer for one, other in twice)
    if not twice:
        return Agreement(0, 0, None)
    n = len(twice)
    chance = sum(
        sum(one.answer == a for one, _ in twice) * sum(other.answer == a for _, other in twice) / n**2
        for a in decided.ANSWERS
    )
    return Agreement(n, agreed, None if chance == 1 else (agreed / n - chance) / (1 - chance))


@dataclass(frozen=True, slots=True)
class _Held:
    """A pair as the snapshot and the decisions have it."""

    review: Review
    records: tuple[tuple[str, str], tuple[str, str]]
    child_ids: tuple[str, str]
    step: str | None
    why: str | None
    probability: float | None

    @property
    def pair_id(self) -> str:
        return _pair_id(self.review.subject)

    @property
    def in_force(self) -> bool:
        """The snapshot was linked as people decided."""
        one_child = self.child_ids[0] == self.child_ids[1]
        match self.review.outcome:
            case decided.SAME:
                return one_child
            case decided.DIFFERENT:
                return not one_child and self.why is None
        return False


def _pair_id(subject: str) -> str:
    """What a pair is called where people and addresses name it: not the keys of its records, which say more."""
    return md5(f"pair {subject}".encode(), usedforsecurity=False).hexdigest()[:16]


def _sampled(subject: str, percent: float) -> bool:
    """Whether a second person reads this pair: the same answer for the same pair on every machine."""
    return int(md5(f"second reader {subject}".encode(), usedforsecurity=False).hexdigest()[:8], 16) * 100 < (
        percent * 2**32
    )


def _asked(review: Review, reader: str, lead: bool) -> tuple[str, str]:
    """Which reading is asked of this person, and where none is, why not."""
    read = reader in {r.by for r in review.readings}
    match review.state:
        case decided.OPEN:
            return "first", ""
        case decided.AWAITS_SECOND:
            return ("", "You have read this pair. Somebody else reads it next.") if read else ("second", "")
        case decided.AWAITS_THIRD:
            if read:
                return (
                    "",
                    "You are one of the two readers who differ. The Virtual School Head decides, or stands aside.",
                )
            return ("third", "") if lead else ("", "Two readers differ, so the Virtual School Head decides.")
    return "", "This pair is decided. The Virtual School Head can reopen it."


def _decisions(home: Home, opened: Opened) -> list[Mapping[str, Any]]:
    """Every decision about a pair: those of the snapshot, and those taken at this home since, each once."""
    held = opened.database.query("SELECT * FROM decision WHERE about = ?", [decided.ABOUT]).to_pylist()
    taken = [d for d in decisions_taken(home) if d["about"] == decided.ABOUT]
    return list({(d["subject"], d["decision"], d["at"], d["by"]): d for d in [*held, *taken]}.values())


def _held(home: Home, opened: Opened, scope: Scope) -> list[_Held]:
    """Every pair in doubt or decided, whose children this scope may see."""
    reviewed = reviews(_decisions(home, opened))
    found: dict[str, _Held] = {}
    for row in opened.database.query(_DOUBTS).to_pylist():
        left, right = (row["left_system"], row["left_ref"]), (row["right_system"], row["right_ref"])
        subject = subject_of(record_key(*left), record_key(*right))
        found[subject] = _Held(
            reviewed.get(subject) or Review(subject), (left, right), (row["left_child"], row["right_child"]),
            row["step"], row["why"], row["probability"],
        )  # fmt: skip
    gone = [review for subject, review in reviewed.items() if subject not in found]
    records = _records_of(opened, {k for r in gone for k in _keys(r.subject)})
    for review in gone:
        left_key, right_key = _keys(review.subject)
        if left_key in records and right_key in records:
            (one, left_child), (other, right_child) = records[left_key], records[right_key]
            found[review.subject] = _Held(review, (one, other), (left_child, right_child), None, None, None)
    return _seen(opened, scope, list(found.values()))


def _keys(subject: str) -> tuple[str, str]:
    return subject[: len(subject) // 2], subject[len(subject) // 2 :]


# Two people under one id of one system are no pair: their sender must give them two.
_DOUBTS = """
    SELECT d.*, a.child_id AS left_child, b.child_id AS right_child FROM link_doubt d
    JOIN link a ON a.system = d.left_system AND a.ref = d.left_ref
    JOIN link b ON b.system = d.right_system AND b.ref = d.right_ref
    WHERE (d.left_system, d.left_ref) <> (d.right_system, d.right_ref)
"""


def _records_of(opened: Opened, keys: Iterable[str]) -> dict[str, tuple[tuple[str, str], str]]:
    """The record (and its child) of each key that this snapshot still holds."""
    wanted = sorted(keys)
    if not wanted:
        return {}
    rows = opened.database.rows(
        f"SELECT {decided.KEY_SQL} AS key, system, ref, child_id FROM link WHERE list_contains($keys, key)",
        {"keys": wanted},
    )
    return {key: ((system, ref), child) for key, system, ref, child in rows}


def _seen(opened: Opened, scope: Scope, pairs: list[_Held]) -> list[_Held]:
    """The pairs that hold a child of the scope, and none whom social care knows and the scope does not hold."""
    if scope.every or not pairs:
        return pairs
    children = sorted({child for p in pairs for child in p.child_ids})
    known = {
        child
        for (child,) in opened.database.rows(
            "SELECT child_id FROM person WHERE known_to_care AND list_contains($children, child_id)",
            {"children": children},
        )
    }
    return [
        p
        for p in pairs
        if any(scope.holds(c) for c in p.child_ids) and all(scope.holds(c) or c not in known for c in p.child_ids)
    ]


def _one(home: Home, opened: Opened, scope: Scope, pair_id: str) -> _Held:
    for each in _held(home, opened, scope):
        if each.pair_id == pair_id:
            return each
    raise NotAllowed(NOBODY_SEES)


def _names(opened: Opened, children: set[str]) -> tuple[dict[str, tuple[str | None, str | None]], set[str]]:
    """The names of children, and which of them social care knows."""
    rows = opened.database.rows(
        "SELECT child_id, surname, forename, known_to_care FROM person WHERE list_contains($children, child_id)",
        {"children": sorted(children)},
    )
    return {child: (surname, forename) for child, surname, forename, _ in rows}, {r[0] for r in rows if r[3]}


# One row per record of the two sides, and per value of each field that a person compares; newest word first.
_SAID = """
    WITH side AS (
        SELECT 'left' AS side, system, ref FROM link WHERE {left} UNION ALL
        SELECT 'right', system, ref FROM link WHERE {right}
    ),
    ranked AS (SELECT delivery, row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
        FROM delivery),
    said AS (
        SELECT s.side, t.*, word FROM side s
        JOIN (SELECT system, child_ref AS ref, surname, forename, birth_date, sex, ethnicity, postcode, delivery
                FROM child
            UNION ALL SELECT system, pupil_ref, surname, forename, birth_date, sex, ethnicity, postcode, delivery
                FROM pupil) t USING (system, ref)
        LEFT JOIN ranked USING (delivery)
    ),
    numbered AS (
        SELECT s.side, i.kind, i.value, word FROM side s JOIN identifier i USING (system, ref)
        LEFT JOIN ranked USING (delivery)
    ),
    attended AS (
        SELECT s.side, coalesce(n.name, t.school_ref) AS school, word FROM side s
        JOIN (SELECT system, pupil_ref AS ref, school_ref, delivery FROM enrolment
            UNION ALL SELECT system, pupil_ref, school_ref, delivery FROM presence) t USING (system, ref)
        LEFT JOIN ranked USING (delivery)
        LEFT JOIN named_so r ON r.name = t.school_ref
        LEFT JOIN (SELECT urn, any_value(name) AS name FROM school GROUP BY urn) n
            ON n.urn = coalesce(r.urn, t.school_ref)
    ),
    told AS (
        SELECT side, 'Surname' AS field, surname AS value, word FROM said
        UNION ALL SELECT side, 'First name', forename, word FROM said
        UNION ALL SELECT side, 'Date of birth', strftime(birth_date, '%d/%m/%Y'), word FROM said
        UNION ALL SELECT side, 'Sex', CASE sex WHEN 'F' THEN 'Female' WHEN 'M' THEN 'Male' ELSE sex END, word FROM said
        UNION ALL SELECT side, 'Postcode', postcode, word FROM said
        UNION ALL SELECT side, 'Ethnicity code', ethnicity, word FROM said
        UNION ALL SELECT side, 'UPN', value, word FROM numbered WHERE kind = 'upn'
        UNION ALL SELECT side, 'Former UPN', value, word FROM numbered WHERE kind = 'former_upn'
        UNION ALL SELECT side, 'NHS number', value, word FROM numbered WHERE kind = 'nhs_number'
        UNION ALL SELECT side, 'School', school, word FROM attended
    )
    SELECT side, field, value FROM told WHERE value IS NOT NULL
    GROUP BY side, field, value ORDER BY side, field, max(word) DESC, value
"""
FIELDS: Final[Mapping[str, Sensitivity]] = {
    "Surname": Sensitivity.IDENTITY, "First name": Sensitivity.IDENTITY, "Date of birth": Sensitivity.IDENTITY,
    "Sex": Sensitivity.IDENTITY, "Postcode": Sensitivity.LOCATION, "Ethnicity code": Sensitivity.SPECIAL,
    "UPN": Sensitivity.IDENTITY, "Former UPN": Sensitivity.IDENTITY, "NHS number": Sensitivity.IDENTITY,
    "School": Sensitivity.EDUCATION,
}  # fmt: skip


def _fields(opened: Opened, each: _Held) -> tuple[Field, ...]:
    """What all records of each side say; of the two records alone, where linkage has made them one child."""
    given: dict[str, Any] = {}
    where = {}
    one_child = each.child_ids[0] == each.child_ids[1]
    for side, (system, ref), child in zip(("left", "right"), each.records, each.child_ids, strict=True):
        if one_child:
            where[side] = f"system = ${side}_system AND ref = ${side}_ref"
            given |= {f"{side}_system": system, f"{side}_ref": ref}
        else:
            where[side] = f"child_id = ${side}"
            given[side] = child
    values: dict[tuple[str, str], list[str]] = {}
    opened.database.add("named_so", cohort.school_names(opened.database))
    try:
        for side, field, value in opened.database.rows(_SAID.format(**where), given):
            values.setdefault((field, side), []).append(value)
    finally:
        opened.database.execute("DROP VIEW named_so")
    return tuple(
        Field(name, kind, tuple(values.get((name, "left"), ())), tuple(values.get((name, "right"), ())))
        for name, kind in FIELDS.items()
        if name != "Former UPN" or (name, "left") in values or (name, "right") in values
    )


def _plain(value: str) -> str:
    """A value without case, spaces and punctuation, as two systems may write the same one in two ways."""
    return "".join(c for c in value.casefold() if c.isalnum())

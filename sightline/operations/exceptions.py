"""The exceptions loop: list what parts, ask its owner, take the answer back, and say how accurate each source is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa

from sightline import reconciliation
from sightline.operations.decisions import append_decisions, decisions_taken
from sightline.operations.home import Home
from sightline.operations.opened import Opened, Scope
from sightline.reconciliation import OWNERS, RULES, STATES, owner_named, rule_named
from sightline.vocabulary.errors import BadSetting, NotAllowed

_STATES: Final = tuple(s.name for s in STATES)
_DONE: Final = "corrected at source"
LONGEST_REASON: Final = 1_000


def exceptions(
    home: Home,
    opened: Opened,
    scope: Scope,
    *,
    on: date,
    owner: str | None = None,
    rule: str | None = None,
    state: str | None = None,
    system: str | None = None,
    cohort_only: bool = False,
) -> pa.Table:
    """One row per exception that is not corrected (or that is in `state`), with its rule in words and its child.

    `on` is the day on which one is overdue. `owner` is a code of `OWNERS` (school: every school) or one school's name;
    `system` is the system asked to look first. Decisions taken at this home since the snapshot was made count. About a
    school rather than a child (child_id is null): only where the scope is everyone. Raises BadSetting for a rule,
    owner, state or system there is not: none found must mean none.
    """
    _check(opened, owner=owner, rule=rule, state=state, system=system)
    rows = _with_states(home, opened, scope)
    shown = [
        reconciliation.shown_state(s, due, on)
        for s, due in zip(rows["state"].to_pylist(), rows["due_date"].to_pylist(), strict=True)
    ]
    rows = rows.set_column(rows.schema.get_field_index("state"), "state", pa.array(shown, pa.string()))
    opened.database.add("listed_exceptions", rows)
    opened.database.add("exception_rules", _rule_names())
    wanted = {
        "(e.owner = ? OR e.owner LIKE ? || ' %')": (owner, owner),
        "e.rule = ?": (rule,),
        "e.state = ?": (state,),
        "e.system = ?": (system,),
    }
    chosen = {sql: values for sql, values in wanted.items() if values[0]}
    if state is None:
        chosen["e.state <> ?"] = (_DONE,)
    where = " AND ".join([*chosen, *(["e.in_cohort"] if cohort_only else [])]) or "true"
    try:
        return opened.database.query(
            f"""
            SELECT e.exception_id, e.state, e.due_date, e.owner, e.rule, r.name, r.says, e.child_id, p.surname,
                p.forename, p.birth_date, p.upn, e.urn, e.what, e.system, e.left_system, e.left_value, e.left_delivery,
                e.left_line, e.right_system, e.right_value, e.right_delivery, e.right_line, e.days, e.in_cohort,
                e.opened, e.opened_snapshot, e.seen_snapshot, e.closed, e.closed_snapshot, e.times, e.reason,
                e.decided_by, e.decided_at
            FROM listed_exceptions e JOIN exception_rules r ON r.rule = e.rule
            LEFT JOIN person p ON p.child_id = e.child_id
            WHERE {where} ORDER BY e.due_date, e.owner, e.rule, p.surname, p.forename, e.exception_id
            """,
            [value for values in chosen.values() for value in values],
        )
    finally:
        for name in ("listed_exceptions", "exception_rules"):
            opened.database.execute(f"DROP VIEW IF EXISTS {name}")


def exception_history(home: Home, opened: Opened, scope: Scope, exception_id: str) -> pa.Table:
    """One row per event of one exception's life, oldest first: at, event, by, reason, snapshot.

    Raises NotAllowed where there is none, or its child is outside the scope.
    """
    found = _with_states(home, opened, scope, [exception_id])
    if not found.num_rows:
        raise NotAllowed("There is no such exception that you may see.")
    lived = opened.database.query(
        'SELECT "at", to_state AS event, NULL::TEXT AS "by", NULL::TEXT AS reason, snapshot FROM exception_history '
        "WHERE exception_id = ?",
        [exception_id],
    ).to_pylist()
    decided = [
        {"at": d["at"], "event": d["decision"], "by": d["by"], "reason": d["reason"], "snapshot": None}
        for d in _decisions(home, opened)
        if d["about"] == "exception" and d["subject"] == exception_id
    ]
    rows = sorted([*lived, *decided], key=lambda r: datetime.fromisoformat(r["at"]))
    names = ("at", "event", "by", "reason", "snapshot")
    return pa.table({n: pa.array([r[n] for r in rows], pa.string()) for n in names})


@dataclass(frozen=True, slots=True)
class Taken:
    """What came of one decision about one exception: whether it was taken, and a sentence where it was not."""

    exception_id: str
    taken: bool
    says: str = ""


def decide(
    home: Home,
    opened: Opened,
    scope: Scope,
    exception_ids: Sequence[str],
    decision: str,
    *,
    by: str,
    at: datetime,
    reason: str = "",
    batch: str = "",
) -> list[Taken]:
    """Take one decision about some exceptions: sent, acknowledged, explained, returned or withdrawn.

    It is on disk before this returns, counts from now on, and is received into the next snapshot. One that a state
    does not allow is not taken, and says why. Raises BadSetting for a decision there is not, a reason that is missing
    or too long; NotAllowed when an exception is unknown or its child outside the scope (then none is taken).
    """
    if decision not in reconciliation.DECISIONS:
        raise BadSetting(f"There is no decision {decision!r}. There are: {', '.join(reconciliation.DECISIONS)}.")
    if len(reason) > LONGEST_REASON:
        raise BadSetting(f"A reason has at most {LONGEST_REASON:,} characters.")
    if not by:
        raise BadSetting("Say who decides.")
    rows = {r["exception_id"]: r for r in _with_states(home, opened, scope, exception_ids).to_pylist()}
    if set(exception_ids) - rows.keys():
        raise NotAllowed("There is no such exception that you may see.")
    needs_reason = any(t.reason for t in reconciliation.TRANSITIONS if t.by == decision)
    if needs_reason and not reason.strip():
        raise BadSetting(f"Say why it is {decision}.")
    answers, lines = [], []
    for exception_id in dict.fromkeys(exception_ids):
        row = rows[exception_id]
        if reconciliation.move(row["state"], decision) is None:
            answers.append(Taken(exception_id, False, f"It is {row['state']}, so it cannot be {decision}."))
            continue
        answers.append(Taken(exception_id, True))
        lines.append(
            {
                "about": "exception", "subject": exception_id, "decision": decision, "reason": reason.strip() or None,
                "by": by, "at": at.isoformat(), "batch": batch or None, "owner": row["owner"], "parted": row["parted"],
            }
        )  # fmt: skip
    append_decisions(home, lines)
    return answers


def sent_in(home: Home, opened: Opened, batch: str) -> frozenset[str]:
    """The exceptions that were sent in a batch."""
    return frozenset(
        d["subject"] for d in _decisions(home, opened) if d["decision"] == "sent" and d["batch"] == batch and batch
    )


def accuracy_by_source(opened: Opened) -> pa.Table:
    """One row per snapshot per source system, oldest first: how many of the cohort it knows, on how many it agrees with
    the others, `percent`, the `bar` and whether it is `below` it (see `reconciliation.accuracy`)."""
    bar = opened.settings.accuracy_bar_percent
    return opened.database.query(
        "SELECT snapshot, made, day, system, children, agree, explained, asked, 100.0 * agree / children AS percent, "
        "?::DOUBLE AS bar, 100.0 * agree < ? * children AS below FROM accuracy ORDER BY snapshot, system",
        [bar, bar],
    )


def reconciliation_rules(opened: Opened) -> pa.Table:
    """One row per rule: what it says, its owner and days, whether this snapshot let it run, and what it found."""
    runs = {r["rule"]: r for r in opened.database.query("SELECT * FROM rule_run").to_pylist()}
    rows = [
        {
            "rule": r.code, "name": r.name, "says": r.says, "between": r.between, "owner": r.owner, "due_days": r.due,
            "why_it_matters": r.why, "ran": runs.get(r.code, {}).get("ran"), "lacked": runs.get(r.code, {}).get("why"),
            "found": runs.get(r.code, {}).get("found"),
        }
        for r in RULES
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def _decisions(home: Home, opened: Opened) -> list[dict[str, Any]]:
    """Every decision that counts: those of the snapshot, and those taken at this home since, each once."""
    held = opened.database.query("SELECT * FROM decision").to_pylist()
    every = {(d["about"], d["subject"], d["decision"], d["at"], d["by"]): d for d in [*held, *decisions_taken(home)]}
    return list(every.values())


def _with_states(home: Home, opened: Opened, scope: Scope, only: Iterable[str] | None = None) -> pa.Table:
    """The snapshot's exceptions within the scope, as the decisions taken until now leave them."""
    seen = "true" if scope.every else f"child_id IN (SELECT child_id FROM {opened.within(scope)})"
    if only is None:
        rows = opened.database.query(f"SELECT * FROM exception WHERE {seen}")
    else:
        rows = opened.database.query(
            f"SELECT * FROM exception WHERE {seen} AND list_contains($only, exception_id)", {"only": list(only)}
        )
    return reconciliation.with_decisions(rows, _decisions(home, opened))


def _check(opened: Opened, *, owner: str | None, rule: str | None, state: str | None, system: str | None) -> None:
    try:
        if owner:
            owner_named(owner)
        if rule:
            rule_named(rule)
    except KeyError as error:
        raise BadSetting(str(error.args[0])) from error
    if owner and " " in owner and not owner.startswith("school "):
        raise BadSetting(f"There is no owner {owner!r}. There are: {', '.join(o.code for o in OWNERS)}.")
    if state and state not in _STATES:
        raise BadSetting(f"There is no state {state!r}. There are: {', '.join(_STATES)}.")
    systems = [s for (s,) in opened.database.rows("SELECT DISTINCT system FROM delivery ORDER BY system")]
    if system and system not in systems:
        raise BadSetting(f"No file in force is of system {system!r}. There are: {', '.join(systems)}.")


def _rule_names() -> pa.Table:
    return pa.table({"rule": [r.code for r in RULES], "name": [r.name for r in RULES], "says": [r.says for r in RULES]})

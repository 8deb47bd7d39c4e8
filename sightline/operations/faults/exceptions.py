"""The exceptions loop: list what parts, ask its owner, take the answer back, and say how accurate each source is."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import pyarrow as pa

from sightline import reconciliation
from sightline.operations.decisions import LONGEST_REASON, append_decisions, decisions_taken
from sightline.operations.home import Home
from sightline.operations.opened import Opened, Scope
from sightline.reconciliation import OWNERS, RULES, STATES, SYSTEM_OWNERS, owner_named, rule_named
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.vocabulary.periods import monday
from sightline.vocabulary.tables import Sensitivity

_STATES: Final = tuple(s.name for s in STATES)
_DONE: Final = "corrected at source"
# Days an exception has been open, by the upper end of each band; None: longer.
AGE_BANDS: Final = ((7, "1 week or less"), (14, "1 to 2 weeks"), (28, "2 to 4 weeks"), (56, "4 to 8 weeks"),
                    (None, "More than 8 weeks"))  # fmt: skip


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
    schools: Collection[str] | None = None,
    every: bool = False,
    only: Collection[str] | None = None,
) -> pa.Table:
    """One row per exception that is not corrected (or that is in `state`, or `every`), with its rule in words and its
    child.

    `on` is the day on which one is overdue. `owner` is a code of `OWNERS` (school: every school) or one school's name;
    `system` is the system asked to look first. Decisions taken at this home since the snapshot was made count. About a
    school rather than a child (child_id is null): only where the scope is everyone (but some). `stage` is the state
    beneath one that is shown as overdue. With `schools` (URNs): only what these schools own, of children in scope and
    of the schools themselves. `only`: these ids. Raises BadSetting for a rule, owner, state or system there is not:
    none found must mean none.
    """
    _check(opened, owner=owner, rule=rule, state=state, system=system)
    rows = _with_states(home, opened, scope, only, schools)
    shown = [
        reconciliation.shown_state(s, due, on)
        for s, due in zip(rows["state"].to_pylist(), rows["due_date"].to_pylist(), strict=True)
    ]
    rows = rows.append_column("stage", rows["state"])
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
    if state is None and not every:
        chosen["e.state <> ?"] = (_DONE,)
    where = " AND ".join([*chosen, *(["e.in_cohort"] if cohort_only else [])]) or "true"
    try:
        return opened.database.query(
            f"""
            SELECT e.exception_id, e.state, e.stage, e.due_date, e.owner, e.rule, r.name, r.says, e.child_id, p.surname,
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


def exception_history(
    home: Home, opened: Opened, scope: Scope, exception_id: str, *, schools: Collection[str] | None = None
) -> pa.Table:
    """One row per event of one exception's life, oldest first: at, event, by, reason, snapshot.

    Raises NotAllowed where there is none, or its child is outside the scope (and see `exceptions` for `schools`).
    """
    found = _with_states(home, opened, scope, [exception_id], schools)
    if not found.num_rows:
        raise NotAllowed("There is no such exception that you may see.")
    lived = opened.database.query(
        'SELECT "at", to_state AS event, NULL::TEXT AS "by", NULL::TEXT AS reason, snapshot FROM exception_history '
        "WHERE exception_id = ?",
        [exception_id],
    ).to_pylist()
    decided = [
        {"at": d["at"], "event": d["decision"], "by": d["by"], "reason": d["reason"], "snapshot": None}
        for d in every_decision(home, opened)
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
    schools: Collection[str] | None = None,
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
    rows = {r["exception_id"]: r for r in _with_states(home, opened, scope, exception_ids, schools).to_pylist()}
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


def may_be_decided(stage: str, decision: str) -> bool:
    """Whether an exception of this `stage` (see `exceptions`) may be decided so."""
    return reconciliation.move(stage, decision) is not None


def sent_in(home: Home, opened: Opened, batch: str) -> frozenset[str]:
    """The exceptions that were sent in a batch."""
    return frozenset(
        d["subject"] for d in every_decision(home, opened) if d["decision"] == "sent" and d["batch"] == batch and batch
    )


def batches_sent(home: Home, opened: Opened) -> list[dict[str, Any]]:
    """One row per batch, the last sent first: batch, owner, sent_at, sent_by, how many it holds, how many of them were
    answered in it, and how many have closed since."""
    closed = {i for (i,) in opened.database.rows("SELECT exception_id FROM exception WHERE closed IS NOT NULL")}
    held: dict[str, dict[str, Any]] = {}
    sent: dict[str, set[str]] = {}
    answered: dict[str, set[str]] = {}
    for d in every_decision(home, opened):
        if d["about"] != "exception" or not d["batch"]:
            continue
        if d["decision"] == "sent":
            held.setdefault(d["batch"], {"owner": d["owner"], "sent_at": d["at"], "sent_by": d["by"]})
            sent.setdefault(d["batch"], set()).add(d["subject"])
        else:
            answered.setdefault(d["batch"], set()).add(d["subject"])
    rows = [
        {
            "batch": batch, **row, "exceptions": len(sent[batch]),
            "answered": len(sent[batch] & answered.get(batch, set())), "corrected": len(sent[batch] & closed),
        }
        for batch, row in held.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda r: (r["sent_at"], r["batch"]), reverse=True)


def classes_of(row: Mapping[str, Any]) -> frozenset[Sensitivity]:
    """The classes of fact that both values of an exception hold: its rule's, and that the child is known to social care
    where one side is a care system."""
    of_care = any(SYSTEM_OWNERS.get(row[side] or "") == "care-data" for side in ("left_system", "right_system"))
    return rule_named(row["rule"]).shows | (frozenset({Sensitivity.CARE_STATUS}) if of_care else frozenset())


def ages(rows: pa.Table, on: date) -> list[dict[str, Any]]:
    """One row per band of days since they were opened: of the exceptions that wait (see `exceptions`), how many are
    within their due date and how many overdue on the day."""
    counted = {says: [0, 0] for _, says in AGE_BANDS}
    names = ("state", "opened", "due_date")
    for state, opened, due in zip(*(rows[n].to_pylist() for n in names), strict=True):
        if not next((s.waits for s in STATES if s.name == state), False):
            continue
        days = (on - opened).days
        band = next(says for most, says in AGE_BANDS if most is None or days <= most)
        counted[band][due is not None and due < on] += 1
    return [{"band": says, "in_time": in_time, "overdue": late} for says, (in_time, late) in counted.items()]


def due_within_a_week(rows: pa.Table, on: date) -> pa.Array:
    """For each exception, whether it waits for somebody and is due on the day or in the seven days after it."""
    waits = {s.name for s in STATES if s.waits}
    last = on + timedelta(days=7)
    pairs = zip(rows["state"].to_pylist(), rows["due_date"].to_pylist(), strict=True)
    return pa.array([s in waits and due is not None and on <= due <= last for s, due in pairs], pa.bool_())


def file_names(home: Home, deliveries: Iterable[str | None]) -> dict[str, str]:
    """The name each received file came with, by delivery; one the store does not hold is left out."""
    wanted = {d for d in deliveries if d is not None and home.store.has_delivery(d)}
    return {d: home.store.delivery(d).shown for d in wanted}


def accuracy_by_week(opened: Opened) -> pa.Table:
    """One row per week (its Monday) per source system, oldest first: the columns of `accuracy_by_source`, of the last
    snapshot made in that week."""
    rows = accuracy_by_source(opened).to_pylist()
    last: dict[date, str] = {}
    for row in rows:
        week = monday(row["made"])
        last[week] = max(last.get(week, ""), row["snapshot"])
    kept = [{"week": monday(r["made"]), **r} for r in rows if last[monday(r["made"])] == r["snapshot"]]
    schema = pa.schema([pa.field("week", pa.date32()), *accuracy_by_source(opened).schema])
    return pa.Table.from_pylist(sorted(kept, key=lambda r: (r["week"], r["system"])), schema=schema)


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


def every_decision(home: Home, opened: Opened) -> list[dict[str, Any]]:
    """Every decision that counts: those of the snapshot, and those taken at this home since, each once."""
    held = opened.database.query("SELECT * FROM decision").to_pylist()
    every = {(d["about"], d["subject"], d["decision"], d["at"], d["by"]): d for d in [*held, *decisions_taken(home)]}
    return list(every.values())


def _with_states(
    home: Home,
    opened: Opened,
    scope: Scope,
    only: Iterable[str] | None = None,
    schools: Collection[str] | None = None,
) -> pa.Table:
    """The snapshot's exceptions within the scope, as the decisions taken until now leave them."""
    seen = "true" if scope.every else f"child_id IN (SELECT child_id FROM {opened.within(scope)})"
    if scope.but is not None:
        # What is about a school is about no child whose record is closed.
        seen = f"(child_id IS NULL OR {seen})"
    given: dict[str, Any] = {}
    if schools is not None:
        # What a school does not own is not for it to learn, even of its own pupils.
        seen = f"(child_id IS NULL OR {seen}) AND list_contains($schools, owner)"
        given["schools"] = [f"school {urn}" for urn in sorted(schools)]
    if only is not None:
        seen += " AND list_contains($only, exception_id)"
        given["only"] = list(only)
    rows = opened.database.query(f"SELECT * FROM exception WHERE {seen}", given)
    return reconciliation.with_decisions(rows, every_decision(home, opened))


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

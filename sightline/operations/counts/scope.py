"""Who counts: what other settings of the cohort would add and take away, shown before they are set."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import date, datetime
from typing import Any, Final

from sightline import cohort
from sightline.operations.decisions import append_decisions
from sightline.operations.home import Home
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

# The settings that say who is in the cohort and under which status.
SETTINGS: Final = ("look_back_years", "ever_6_oldest_age", "precedence")
NOBODY: Final = "not counted"
CINO_WARNING: Final = (
    "The published figures of children in need (CINO) count every child with an open case, those being assessed among "
    "them. A cohort of children on plans is smaller, whatever is set here: do not compare the two without saying so."
)


@dataclass(frozen=True, slots=True)
class Consequences:
    """What other settings would change on a day. `changes`: the settings that differ, with value now and then.
    `counts`: one row per status with now and then. `moves`: one row per change of status with from, to and children.
    `children`: one row per child whose status would change."""

    on: date
    changes: tuple[dict[str, Any], ...]
    counts: tuple[dict[str, Any], ...]
    moves: tuple[dict[str, Any], ...]
    children: tuple[dict[str, Any], ...]

    def as_json(self) -> dict[str, Any]:
        return {"on": self.on, "changes": list(self.changes), "counts": list(self.counts), "moves": list(self.moves),
                "warning": CINO_WARNING}  # fmt: skip


def wanted_settings(settings: Settings, told: Mapping[str, Any]) -> Settings:
    """The settings with some of `SETTINGS` changed. Raises BadSetting for another name or a value that is not right."""
    other = set(told) - set(SETTINGS)
    if other:
        raise BadSetting(f"{min(other)} does not say who counts. These do: {', '.join(SETTINGS)}.")
    return replace(settings, **told)


def consequences(opened: Opened, scope: Scope, wanted: Settings, *, on: date | None = None) -> Consequences:
    """What the settings would change among the children in scope, on a day (the newest of social care data)."""
    day = on or opened.as_at
    now = _statuses(opened, scope, "counted_period", day)
    opened.database.add("counted_otherwise", cohort.assemble_counted_periods(opened.database, wanted))
    try:
        then = _statuses(opened, scope, "counted_otherwise", day)
    finally:
        opened.database.execute("DROP VIEW IF EXISTS counted_otherwise")
    before, after = Counter(now.values()), Counter(then.values())
    counts = [{"status": s, "now": before[s], "then": after[s]} for s in cohort.STATUSES]
    counts.append(
        {"status": "in the cohort", "now": sum(before[s] for s in cohort.COHORT),
         "then": sum(after[s] for s in cohort.COHORT)}
    )  # fmt: skip
    children = [
        {"child_id": child, "now": now.get(child, NOBODY), "then": then.get(child, NOBODY)}
        for child in sorted(now.keys() | then.keys())
        if now.get(child) != then.get(child)
    ]
    moved = Counter((c["now"], c["then"]) for c in children)
    moves = [{"now": a, "then": b, "children": n} for (a, b), n in sorted(moved.items(), key=lambda m: (-m[1], m[0]))]
    return Consequences(day, tuple(_changes(opened.settings, wanted)), tuple(counts), tuple(moves), tuple(children))


def set_scope(home: Home, wanted: Settings, *, by: str, at: datetime, reason: str) -> list[dict[str, Any]]:
    """Write the settings to the home's file, the decision recorded first; returns what changed.

    They hold from the next `rebuild` or `receive`. Comments of a file written by hand are replaced by Sightline's own.
    Raises BadSetting without a reason, or where nothing would change.
    """
    changes = _changes(home.settings, wanted)
    if not changes:
        raise BadSetting("Nothing would change: these are the settings in force.")
    if not reason.strip():
        raise BadSetting("Say why who counts is changed.")
    append_decisions(
        home,
        [
            {
                "about": "setting", "subject": c["setting"], "decision": "set", "by": by, "at": at.isoformat(),
                "reason": f"From {c['now']} to {c['then']}. {reason.strip()}",
            }
            for c in changes
        ],
    )  # fmt: skip
    path = home.path / "sightline.toml"
    aside = path.with_name(".sightline.toml.new")
    aside.write_text(wanted.toml(), encoding="utf-8")
    aside.replace(path)
    return changes


def _changes(now: Settings, wanted: Settings) -> list[dict[str, Any]]:
    return [
        {"setting": f.name, "now": _said(getattr(now, f.name)), "then": _said(getattr(wanted, f.name))}
        for f in fields(Settings)
        if f.name in SETTINGS and getattr(now, f.name) != getattr(wanted, f.name)
    ]


def _said(value: Any) -> str:
    return ", then ".join(value) if isinstance(value, tuple) else str(value)


def _statuses(opened: Opened, scope: Scope, table: str, day: date) -> dict[str, str]:
    rows = opened.database.rows(
        f"SELECT child_id, status FROM {table} WHERE start_date <= ? AND (end_date IS NULL OR end_date > ?) "
        f"AND child_id IN (SELECT child_id FROM {opened.within(scope)})",
        [day, day],
    )
    return {str(child): str(status) for child, status in rows}

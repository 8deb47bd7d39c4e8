"""Before and after a load: what files would change, loading what was shown, and going back to the snapshot before.

A preview is a whole build on a twin of the store, so that it finds what the load would find, and the home is as it was.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from sightline import cohort
from sightline.operations.decisions import LONGEST_REASON, append_decisions
from sightline.operations.decisions import NAME as DECISIONS
from sightline.operations.files.receive import Receipt, receive
from sightline.operations.home import Home
from sightline.operations.opened import Opened, opened
from sightline.store import Snapshot
from sightline.vocabulary.errors import BadSetting, SightlineError
from sightline.vocabulary.tables import SHAPE

Progress = Callable[[str], None]
_OF_A_HOME: Final = ("sightline.toml", "mappings.toml", "models", DECISIONS)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a load of some files would do: a receipt for each, and what differs between the snapshots before and after.

    `parent` is the snapshot it was worked out on (empty: none). `figures`: one row per figure, with `name`, `before`
    (null where nothing was held) and `after`. `warnings` are sentences.
    """

    receipt: Receipt
    parent: str
    figures: tuple[dict[str, Any], ...]
    warnings: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        told = self.receipt.as_json()
        return {"files": told["files"], "parent": self.parent, "changes": self.receipt.new,
                "figures": list(self.figures), "warnings": list(self.warnings)}  # fmt: skip


def _silent(_: str) -> None:
    """No progress is shown."""


def preview(
    home: Home, paths: Sequence[Path], scratch: Path, *, by: str, again: bool = False, progress: Progress = _silent
) -> Preview:
    """What receiving these files would change, with the home left as it is.

    `scratch` is an empty folder, or none yet, on the same disk as the home; what is built there is removed before this
    returns. Raises what `receive` raises.
    """
    place = scratch / "home"
    place.mkdir(parents=True, mode=0o700)
    try:
        for name in _OF_A_HOME:
            held = home.path / name
            if held.is_dir():
                shutil.copytree(held, place / name)
            elif held.is_file():
                shutil.copyfile(held, place / name)
        with home.store.writing():
            home.store.twin(place / "store")
        twin = Home.open(place)
        parent = home.store.current_id() or ""
        receipt = receive(twin, paths, by=by, again=again, progress=progress)
        progress("Comparing with what is held")
        before = opened(home, parent) if parent and home.store.snapshot(parent).shape == SHAPE else None
        after = opened(twin, receipt.snapshot) if receipt.snapshot and receipt.new else before
        figures = _figures(before, after)
        warnings = _warnings(figures, home.settings.large_change_percent)
        if parent and before is None:
            warnings = (f"Snapshot {parent} was made by another version of Sightline, so nothing is compared with it. "
                        "First: sightline rebuild.", *warnings)  # fmt: skip
        return Preview(receipt, parent, figures, warnings)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def load(
    home: Home, paths: Sequence[Path], *, by: str, parent: str, again: bool = False, progress: Progress = _silent
) -> Receipt:
    """Receive the files of a preview. Raises SightlineError where something else was received since it was made."""
    if (home.store.current_id() or "") != parent:
        raise SightlineError("Other files were received since these were checked. Check them again before loading.")
    return receive(home, paths, by=by, again=again, progress=progress)


def undo(home: Home, *, by: str, at: datetime, reason: str, to: str | None = None) -> Snapshot:
    """Make an earlier snapshot the newest again: the one before the current one, or the one named.

    Nothing is lost: every received byte is kept, the snapshot gone back from stays, and undoing again brings it back.
    The decision is recorded before it is carried out. Raises BadSetting without a reason, SightlineError when there is
    nothing to go back to or this version cannot read it.
    """
    if not reason.strip():
        raise BadSetting("Say why the load is undone.")
    if len(reason) > LONGEST_REASON:
        raise BadSetting(f"A reason has at most {LONGEST_REASON:,} characters.")
    with home.store.writing() as work:
        current = home.store.snapshot()
        wanted = to or current.parent
        if not wanted:
            raise SightlineError("This is the first snapshot: there is nothing to go back to.")
        if wanted not in home.store.snapshot_ids() and to is None:
            raise SightlineError(
                f"Snapshot {wanted}, the one before, was swept away. Name another: undo --to SNAPSHOT."
            )
        before = home.store.snapshot(wanted)
        if before.id == current.id:
            raise SightlineError(f"Snapshot {before.id} is the current one.")
        if before.shape != SHAPE:
            raise SightlineError(
                f"Snapshot {before.id} was made by another version of Sightline, so it stays where it is."
            )
        append_decisions(
            home,
            [
                {
                    "about": "snapshot", "subject": current.id, "decision": "undone", "reason": reason.strip(),
                    "by": by, "at": at.isoformat(), "batch": before.id,
                }
            ],
        )  # fmt: skip
        return home.store.publish(
            parent=current.id,
            made=datetime.now(ZoneInfo("Europe/London")),
            by=by,
            reader=before.reader,
            deliveries=before.deliveries,
            replaced=before.replaced,
            derived=before.derived,
            shape=before.shape,
            work=work,
        )


_COUNTED: Final = (
    ("Children on a plan", "on_plan"), ("Children on a CP plan", "cp_plan"), ("Children on a CIN plan", "cin_plan"),
    ("Children looked after", "looked_after"), ("Children in Ever 6", "ever_6"),
)  # fmt: skip
JOIN, LEAVE = "Children who would join a plan", "Children who would leave their plans"


def _figures(before: Opened | None, after: Opened | None) -> tuple[dict[str, Any], ...]:
    """One row per figure, each on the newest day of social care data of its own snapshot."""
    then, now = _of(before), _of(after)
    rows = [{"name": name, "before": then[0].get(name), "after": now[0].get(name)} for name in now[0] or then[0]]
    if before is not None and after is not None:
        rows[1:1] = [
            {"name": JOIN, "before": None, "after": len(now[1] - then[1])},
            {"name": LEAVE, "before": None, "after": len(then[1] - now[1])},
        ]
        fresh = "SELECT count(*) FROM exception WHERE {0}_snapshot = ?"
        for name, column in (("Exceptions that would open", "opened"), ("Exceptions that would close", "closed")):
            number = after.database.one(fresh.format(column), [after.id]) if after.id != before.id else 0
            rows.append({"name": name, "before": None, "after": int(number)})
    return tuple(rows)


def _of(held: Opened | None) -> tuple[dict[str, int], frozenset[str]]:
    """The figures of one snapshot, and the children on a plan in it."""
    if held is None:
        return {}, frozenset()
    database, on = held.database, held.as_at
    rows = cohort.status_on(database, on).select(["child_id", "status", "urn"]).to_pylist()
    plans = frozenset(r["child_id"] for r in rows if r["status"] in cohort.PLANS)
    statuses = [r["status"] for r in rows]
    counted = {"on_plan": len(plans), **{s.lower().replace(" ", "_"): statuses.count(s) for s in cohort.STATUSES}}
    figures = {name: counted.get(key, 0) for name, key in _COUNTED}
    figures["Children on a plan with a school"] = sum(r["child_id"] in plans and r["urn"] is not None for r in rows)
    figures["Pupils and children known"] = int(database.one("SELECT count(*) FROM person"))
    figures["Suspensions and exclusions"] = int(database.one("SELECT count(*) FROM exclusion"))
    figures["School weeks of marks"] = int(database.one("SELECT count(*) FROM register_school_week"))
    for severity, name in (("error", "Errors found"), ("query", "Queries found"), ("note", "Notes")):
        figures[name] = int(database.one("SELECT count(*) FROM finding WHERE severity = ?", [severity]))
    figures["Exceptions open"] = int(database.one("SELECT count(*) FROM exception WHERE closed IS NULL"))
    return figures, plans


def _warnings(figures: Sequence[dict[str, Any]], most: float) -> tuple[str, ...]:
    """What a person should look at before loading."""
    held = {row["name"]: row for row in figures}
    before = (held.get("Children on a plan") or {}).get("before")
    said = []
    for name, what in ((JOIN, "join"), (LEAVE, "leave")):
        number = held[name]["after"] if name in held else 0
        if before and 100 * number > most * before:
            said.append(
                f"{number:,} children would {what}, against {before:,} on a plan now: more than {most:g}%. "
                "Is the file whole, and of the day you think?"
            )
    for name in ("Children on a plan with a school", "School weeks of marks", "Suspensions and exclusions"):
        row = held.get(name)
        if row and row["before"] and 100 * (row["before"] - (row["after"] or 0)) > most * row["before"]:
            said.append(f"{name}: {row['after'] or 0:,}, where {row['before']:,} were before.")
    return tuple(said)


def snapshots_made(home: Home) -> list[dict[str, Any]]:
    """One row per snapshot, newest first: snapshot, made, by, parent, files in force, and how many files it added to
    and left out of those of its parent (of the one before it in time, where that was swept away)."""
    rows: list[dict[str, Any]] = []
    deliveries: dict[str, frozenset[str]] = {}
    last: frozenset[str] = frozenset()
    for snapshot_id in home.store.snapshot_ids():
        held = home.store.snapshot(snapshot_id)
        here = frozenset(held.deliveries)
        before = deliveries.get(held.parent, last)
        rows.append(
            {
                "snapshot": held.id, "made": held.made, "by": held.by, "parent": held.parent, "files": len(here),
                "added": len(here - before), "left_out": len(before - here),
            }
        )  # fmt: skip
        deliveries[held.id] = last = here
    return rows[::-1]

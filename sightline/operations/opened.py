"""Opening a snapshot, and the scope through which its facts are reached."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from sightline.cohort import KNOWN
from sightline.engine import Database
from sightline.operations.home import Home
from sightline.store import Snapshot
from sightline.vocabulary.errors import NotAllowed, NothingHeld, StoreDamaged
from sightline.vocabulary.periods import monday
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.tables import SHAPE

# Social care systems, whose dates say how fresh the cohort is.
CARE_SYSTEMS = ("cin-census", "ssd")
REGISTER_OF_SCHOOLS = "gias"
_KEPT_OPEN = 2
_ANSWERS = 12  # answers kept of one snapshot: a few, of a few days each

# Weeks of registers kept in memory with the children: a child's page shows a year and a bit.
CHILD_WEEKS = 54
_OF_CHILDREN = (
    "person", "status_period", "counted_period", "allocation", "early_help_period", "enrolment_period", "exclusion",
    "circumstance", "link",
)  # fmt: skip
_NAMING = ("delivery", "school")


@dataclass(frozen=True, slots=True)
class Scope:
    """The children one person may see at one moment. Facts are reached only with one.

    Made in two places alone: by the application from a person's grants, and at the console, where whoever holds
    the files already holds every record. `unplaced`: children (in it or not) of whom nobody is shown where they live.
    """

    every: bool
    child_ids: frozenset[str]
    but: frozenset[str] | None = None
    unplaced: frozenset[str] = frozenset()

    @classmethod
    def everyone(cls) -> Self:
        """Every child of the authority."""
        return cls(True, frozenset())

    @classmethod
    def of(cls, child_ids: Iterable[str]) -> Self:
        """These children and no other."""
        return cls(False, frozenset(child_ids))

    @classmethod
    def everyone_but(cls, child_ids: Iterable[str]) -> Self:
        """Every child of the authority but these: everyone, where there are none of them."""
        but = frozenset(child_ids)
        return cls(False, frozenset(), but) if but else cls.everyone()

    def only(self, rows: pa.Table) -> pa.Table:
        """The rows of children (`child_id`) in the scope, in their order."""
        if self.every:
            return rows
        ids = self.child_ids if self.but is None else self.but
        held = pc.is_in(rows["child_id"], value_set=pa.array(sorted(ids), pa.string()))
        return rows.filter(held if self.but is None else pc.invert(held))

    def holds(self, child_id: str) -> bool:
        return self.every or child_id in self.child_ids or (self.but is not None and child_id not in self.but)


@dataclass(frozen=True, slots=True)
class Opened:
    """One snapshot, open for reading in one thread: its id, a door to its tables, the settings, and how fresh it is.

    `as_at` is the newest day any social care source speaks of (any source, where there is none); `data_to` gives
    the newest day by system. `children` is a second door, for looking one child up (see `opened`): where nobody asked
    for it, it is the same as `database`. `answers` is what has been asked of the whole snapshot (see `once`).
    """

    id: str
    database: Database
    settings: Settings
    as_at: date
    data_to: dict[str, date]
    near: Database | None = None
    answers: dict[Hashable, pa.Table] = field(default_factory=dict)

    @property
    def children(self) -> Database:
        return self.near if self.near is not None else self.database

    @property
    def newest(self) -> date:
        """The newest day any source of children's records speaks of, registers among them."""
        return newest_record(self.data_to, self.as_at)

    @property
    def registers_since(self) -> date:
        """The first day of whose registers `children` holds every week."""
        return self.newest - timedelta(weeks=CHILD_WEEKS)

    def door(self, since: date | None = None) -> Database:
        """Where to ask about known children: near, unless their registers are wanted from before those held there."""
        return self.children if since is None or since >= self.registers_since else self.database

    def once(self, key: Hashable, ask: Callable[[], pa.Table]) -> pa.Table:
        """An answer about every child, asked once by this process: a snapshot does not change, and two hundred people
        each ask for their part of the same. Cut it to a scope before it leaves."""
        if key not in self.answers:
            while len(self.answers) >= _ANSWERS:
                self.answers.pop(next(iter(self.answers)), None)
            self.answers[key] = ask()
        return self.answers[key]

    def within(self, scope: Scope, door: Database | None = None) -> str:
        """The name of a table whose `child_id` column is the scope, to be given to a measure that asks this door."""
        if scope.every:
            return "person"
        door = door or self.database
        table = pa.table({"child_id": pa.array(sorted(scope.child_ids), pa.string())})
        if scope.but is not None:
            door.add("scope_but", pa.table({"child_id": pa.array(sorted(scope.but), pa.string())}))
            table = door.query("SELECT child_id FROM person ANTI JOIN scope_but USING (child_id)")
        door.add("scope_children", table)
        return "scope_children"

    def check(self, scope: Scope, child_id: str) -> None:
        """Raises NotAllowed when the child is outside the scope, in the same words as for a child nobody knows."""
        if not scope.holds(child_id) or not self.children.one(
            "SELECT count(*) FROM person WHERE child_id = ?", [child_id]
        ):
            raise NotAllowed("There is no such child that you may see.")


@dataclass(slots=True)
class _Held:
    """A snapshot as this process keeps it open: nothing of it changes, so what is asked each time is asked once."""

    database: Database
    as_at: date
    data_to: dict[str, date]
    children: bool = False
    answers: dict[Hashable, pa.Table] = field(default_factory=dict)


_open_snapshots: OrderedDict[tuple[Path, str], _Held] = OrderedDict()
_opening = threading.Lock()


def opened(home: Home, snapshot_id: str | None = None, *, keep_children: bool = False) -> Opened:
    """Open a snapshot (the current one unless named). Cheap: the process keeps the newest two open.

    Call once for each request or command, so that one answer never mixes two snapshots. A server that looks children
    up all day asks for `keep_children`: what is held of the children social care knows, and their registers and marks
    of the last `CHILD_WEEKS` weeks, then stay in memory (about 150 MB for an authority of 100,000 pupils, made once in
    a second), where one child is found ten times faster than in a file. Raises NothingHeld when nothing has been
    received, or the snapshot was made by another version of Sightline.
    """
    snapshot = home.store.snapshot(snapshot_id)
    key = (home.path.resolve(), snapshot.id)
    with _opening:
        if key not in _open_snapshots:
            database = _database_of(home, snapshot)
            newest = newest_day(database) or date.fromisoformat(snapshot.made[:10])
            _open_snapshots[key] = _Held(database, newest, _data_to(database))
            while len(_open_snapshots) > _KEPT_OPEN:
                _open_snapshots.popitem(last=False)
        held = _open_snapshots[key]
        if keep_children and not held.children:
            _keep_children(held)
            held.children = True
        database = held.database.cursor()
        near = _door_to_children(held.database) if held.children else None
    return Opened(snapshot.id, database, home.settings, held.as_at, dict(held.data_to), near, held.answers)


def _keep_children(held: _Held) -> None:
    """Copy what is held of the known children into memory, in order of child, in a schema of its own."""
    database = held.database
    since = monday(newest_record(held.data_to, held.as_at) - timedelta(weeks=CHILD_WEEKS))
    database.execute("CREATE SCHEMA kept")
    for name in _OF_CHILDREN:
        database.execute(
            f"CREATE TABLE kept.{name} AS SELECT * FROM {name} SEMI JOIN ({KNOWN}) USING (child_id) ORDER BY child_id"
        )
    for name in _NAMING:
        database.execute(f"CREATE TABLE kept.{name} AS SELECT * FROM {name}")
    database.execute(
        f"CREATE TABLE kept.register_week AS SELECT * FROM register_week SEMI JOIN ({KNOWN}) USING (child_id) "
        f"WHERE week >= DATE '{since}' ORDER BY child_id, week"
    )
    for name, of_when, order in (
        ("attendance_week", f"WHERE week >= DATE '{since}'", "pupil_ref, week"),
        ("part_time_timetable", "", "pupil_ref"),
    ):
        database.execute(
            f"CREATE TABLE kept.{name} AS SELECT f.* FROM {name} f SEMI JOIN kept.link l ON l.system = f.system "
            f"AND l.ref = f.pupil_ref {of_when} ORDER BY {order}"
        )


def _door_to_children(database: Database) -> Database:
    """A door through which the tables of known children are found under their usual names, and the rest as ever."""
    door = database.cursor()
    door.execute("SET search_path = 'kept,main'")
    return door


def _data_to(database: Database) -> dict[str, date]:
    rows = database.rows("SELECT system, max(as_at) FROM delivery WHERE as_at IS NOT NULL GROUP BY ALL")
    return {str(system): day for system, day in rows}


def newest_record(data_to: dict[str, date], otherwise: date) -> date:
    """The newest day any source of children's records speaks of: the register of schools says nothing of a child."""
    return max((day for system, day in data_to.items() if system != REGISTER_OF_SCHOOLS), default=otherwise)


def newest_day(database: Database) -> date | None:
    """The newest day any social care source speaks of (any source, where there is none); None where none says."""
    fresh = _data_to(database)
    care = [day for system, day in fresh.items() if system in CARE_SYSTEMS]
    return max(care or fresh.values(), default=None)


def _database_of(home: Home, snapshot: Snapshot) -> Database:
    if snapshot.shape != SHAPE:
        # A table it lacks would be empty, and say that nobody is in the cohort.
        raise NothingHeld(
            f"Snapshot {snapshot.id} was made by another version of Sightline. To make one that this version can read: "
            "sightline rebuild."
        )
    files: dict[str, list[Path]] = {}
    for delivery in home.store.deliveries(snapshot):
        for name, file in delivery.tables.items():
            files.setdefault(name, []).append(home.store.path_of(file))
        files.setdefault("finding", []).append(home.store.path_of(delivery.findings))
    for derived in snapshot.derived:
        files.setdefault(derived.table, []).append(home.store.path_of(derived.file))
    missing = sorted(path.stem[:12] for paths in files.values() for path in paths if not path.is_file())
    if missing:
        raise StoreDamaged(
            f"Snapshot {snapshot.id} needs {len(missing):,} table files that are missing from the store, such as "
            f"{missing[0]}. See: sightline verify."
        )
    database = Database()
    database.execute("SET parquet_metadata_cache = true")
    database.fill(files)
    for name, paths in files.items():
        database.add_parquet(name, paths)
    return database

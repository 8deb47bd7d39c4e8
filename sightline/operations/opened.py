"""Opening a snapshot, and the scope through which its facts are reached."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Self

import pyarrow as pa

from sightline.engine import Database
from sightline.operations.home import Home
from sightline.store import Snapshot
from sightline.vocabulary.errors import NotAllowed, StoreDamaged
from sightline.vocabulary.settings import Settings

# Social care systems, whose dates say how fresh the cohort is.
CARE_SYSTEMS = ("cin-census", "ssd")
_KEPT_OPEN = 2


@dataclass(frozen=True, slots=True)
class Scope:
    """The children one person may see at one moment. Facts are reached only with one.

    Made in two places alone: by the application from a person's grants, and at the console, where whoever holds
    the files already holds every record.
    """

    every: bool
    child_ids: frozenset[str]

    @classmethod
    def everyone(cls) -> Self:
        """Every child of the authority."""
        return cls(True, frozenset())

    @classmethod
    def of(cls, child_ids: Iterable[str]) -> Self:
        """These children and no other."""
        return cls(False, frozenset(child_ids))

    def holds(self, child_id: str) -> bool:
        return self.every or child_id in self.child_ids


@dataclass(frozen=True, slots=True)
class Opened:
    """One snapshot, open for reading in one thread: its id, a door to its tables, the settings, and how fresh it is.

    `as_at` is the newest day any social care source speaks of (any source, where there is none); `data_to` gives
    the newest day by system.
    """

    id: str
    database: Database
    settings: Settings
    as_at: date
    data_to: dict[str, date]

    def within(self, scope: Scope) -> str:
        """The name of a table whose `child_id` column is the scope, to be given to a measure."""
        if scope.every:
            return "person"
        self.database.add("scope_children", pa.table({"child_id": pa.array(sorted(scope.child_ids), pa.string())}))
        return "scope_children"

    def check(self, scope: Scope, child_id: str) -> None:
        """Raises NotAllowed when the child is outside the scope, in the same words as for a child nobody knows."""
        if not scope.holds(child_id) or not self.database.one(
            "SELECT count(*) FROM person WHERE child_id = ?", [child_id]
        ):
            raise NotAllowed("There is no such child that you may see.")


_open_snapshots: OrderedDict[tuple[Path, str], Database] = OrderedDict()
_opening = threading.Lock()


def opened(home: Home, snapshot_id: str | None = None) -> Opened:
    """Open a snapshot (the current one unless named). Cheap: the process keeps the newest two open.

    Call once for each request or command, so that one answer never mixes two snapshots. Raises NothingHeld when
    nothing has been received.
    """
    snapshot = home.store.snapshot(snapshot_id)
    key = (home.path.resolve(), snapshot.id)
    with _opening:
        if key not in _open_snapshots:
            _open_snapshots[key] = _database_of(home, snapshot)
            while len(_open_snapshots) > _KEPT_OPEN:
                _open_snapshots.popitem(last=False)
        base = _open_snapshots[key]
        database = base.cursor()
    fresh = _data_to(database)
    newest = newest_day(database) or date.fromisoformat(snapshot.made[:10])
    return Opened(snapshot.id, database, home.settings, newest, fresh)


def _data_to(database: Database) -> dict[str, date]:
    rows = database.rows("SELECT system, max(as_at) FROM delivery WHERE as_at IS NOT NULL GROUP BY ALL")
    return {str(system): day for system, day in rows}


def newest_day(database: Database) -> date | None:
    """The newest day any social care source speaks of (any source, where there is none); None where none says."""
    fresh = _data_to(database)
    care = [day for system, day in fresh.items() if system in CARE_SYSTEMS]
    return max(care or fresh.values(), default=None)


def _database_of(home: Home, snapshot: Snapshot) -> Database:
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

"""Immutable snapshots over content-addressed files.

Under the root:

- `bytes/ab/<sha256>.zst`: each received file as it came, compressed;
- `tables/ab/<sha256>.parquet`: every table ever made, named by its own bytes, shared between snapshots;
- `deliveries/<id>.json`: one received file as read: kind, period, tables, findings;
- `snapshots/<id>.json`: the manifest: parent, deliveries in force, derived tables and what each was made from;
- `work/`: what is being built. Whatever a killed process left there is removed by the next one to write.

A file appears by one rename after its bytes are on disk, and nothing names it before that. So a process killed at any
moment leaves the last complete snapshot as it was.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.store.files import appear, digest_of, write_text
from sightline.vocabulary.errors import NothingHeld, SightlineError, StoreDamaged

LAYOUT = 1


@dataclass(frozen=True, slots=True)
class TableFile:
    """One Parquet file of one table: its hash (and so its place), rows and bytes."""

    sha256: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """One received file as read. `id`: the start of the hash of its bytes as they came and of the reader's version."""

    id: str
    sha256: str
    shown: str
    kind: str
    system: str
    period: str
    covers: str
    authority: str
    as_at: str
    received: str
    by: str
    reader: str
    tables: Mapping[str, TableFile]
    findings: TableFile
    severities: Mapping[str, int]
    # What was taken out since it was received: the day of the last time, of how many children, and the hash of the
    # bytes as they came. Empty where nothing was.
    redacted: Mapping[str, Any] = field(default_factory=dict)

    def replaces(self, other: Delivery) -> bool:
        """Whether this delivery takes the other's place: the same kind, authority and coverage."""
        return (self.kind, self.authority, self.covers) == (other.kind, other.authority, other.covers)


@dataclass(frozen=True, slots=True)
class Derived:
    """One derived table of a snapshot (or one part of it): its files and the key of what it was made from."""

    table: str
    part: str
    key: str
    file: TableFile


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One complete state: the deliveries in force, in order, those since replaced, and every derived table."""

    id: str
    parent: str
    made: str
    by: str
    reader: str
    deliveries: tuple[str, ...]
    replaced: tuple[str, ...] = ()
    derived: tuple[Derived, ...] = ()
    shape: str = ""
    layout: int = LAYOUT


def _table_file(data: Mapping[str, Any]) -> TableFile:
    return TableFile(**data)


class Store:
    """A folder of snapshots. Open it to read at any time; write inside `writing()`, one process at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, root: Path) -> Self:
        """The store at `root`, made (readable by its owner alone) when it is not there."""
        for part in ("bytes", "tables", "deliveries", "snapshots", "work"):
            (root / part).mkdir(parents=True, exist_ok=True, mode=0o700)
        return cls(root)

    # Reading

    def current_id(self) -> str | None:
        """The id of the newest snapshot, or None. A manifest appears whole, so the newest is always complete."""
        ids = self.snapshot_ids()
        return ids[-1] if ids else None

    def snapshot(self, snapshot_id: str | None = None) -> Snapshot:
        """The named snapshot, or the current one. Raises NothingHeld or SightlineError with what there is."""
        wanted = snapshot_id or self.current_id()
        if wanted is None:
            raise NothingHeld("Nothing has been received yet. Start with: sightline receive PATH...")
        found = [i for i in self.snapshot_ids() if i == wanted] or [
            i for i in self.snapshot_ids() if i.split("-")[0].lstrip("0") == wanted.lstrip("0")
        ]
        if not found:
            raise SightlineError(f"There is no snapshot {wanted}. There are: {', '.join(self.snapshot_ids())}.")
        data = json.loads((self.root / "snapshots" / f"{found[0]}.json").read_text(encoding="utf-8"))
        data["deliveries"], data["replaced"] = tuple(data["deliveries"]), tuple(data["replaced"])
        data["derived"] = tuple(Derived(**{**d, "file": _table_file(d["file"])}) for d in data["derived"])
        return Snapshot(**data)

    def snapshot_ids(self) -> list[str]:
        """Every complete snapshot, oldest first."""
        return sorted(p.stem for p in (self.root / "snapshots").glob("*.json"))

    def has_delivery(self, delivery_id: str) -> bool:
        return (self.root / "deliveries" / f"{delivery_id}.json").is_file()

    def delivery(self, delivery_id: str) -> Delivery:
        path = self.root / "deliveries" / f"{delivery_id}.json"
        if not path.is_file():
            raise SightlineError(f"There is no delivery {delivery_id}.")
        data = json.loads(path.read_text(encoding="utf-8"))
        data["tables"] = {name: _table_file(t) for name, t in data["tables"].items()}
        data["findings"] = _table_file(data["findings"])
        return Delivery(**data)

    def deliveries(self, snapshot: Snapshot) -> list[Delivery]:
        """The deliveries in force, in the order received."""
        return [self.delivery(i) for i in snapshot.deliveries]

    def every_delivery(self) -> list[Delivery]:
        """Every delivery ever kept, in force, replaced or forgotten by every snapshot, in order of id."""
        return [self.delivery(path.stem) for path in sorted((self.root / "deliveries").glob("*.json"))]

    def path_of(self, file: TableFile) -> Path:
        return self.root / "tables" / file.sha256[:2] / f"{file.sha256}.parquet"

    def bytes_of(self, delivery: Delivery) -> Path:
        """Where the delivery's archived bytes lie, compressed."""
        return self._bytes_path(delivery.sha256)

    def needed_by(self, snapshot: Snapshot) -> Iterator[Path]:
        """The table files a snapshot is made of."""
        return (self.path_of(file) for file in self._files_of(snapshot))

    @contextmanager
    def received_bytes(self, delivery: Delivery) -> Iterator[pa.NativeFile]:
        """The file as it came, as a stream."""
        path = self._bytes_path(delivery.sha256)
        if not path.is_file():
            raise StoreDamaged(f"The received bytes of delivery {delivery.id} are missing from the store.")
        with pa.CompressedInputStream(pa.OSFile(str(path)), "zstd") as stream:
            yield stream

    def verify(self) -> list[str]:
        """What is wrong with the store, in sentences: files missing, or whose bytes are not what their name says."""
        wrong = []
        for snapshot_id in self.snapshot_ids():
            snapshot = self.snapshot(snapshot_id)
            for file in self._files_of(snapshot):
                path = self.path_of(file)
                if not path.is_file():
                    wrong.append(f"Snapshot {snapshot_id} needs table file {file.sha256[:12]}, which is missing.")
                elif digest_of(path) != file.sha256:
                    wrong.append(f"Table file {file.sha256[:12]} of snapshot {snapshot_id} has been changed.")
            wrong += [
                f"The received bytes of delivery {d.id} are missing."
                for d in self.deliveries(snapshot)
                if not self._bytes_path(d.sha256).is_file()
            ]
        return sorted(set(wrong))

    # Writing

    @contextmanager
    def writing(self) -> Iterator[Path]:
        """Hold the only pen. Yields an empty folder to build in, on the store's own disk.

        Raises SightlineError when another process is writing.
        """
        with (self.root / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as busy:
                raise SightlineError("Another process is receiving files into this home. Try again later.") from busy
            for left in (self.root / "work").iterdir():
                shutil.rmtree(left)
            work = Path(tempfile.mkdtemp(dir=self.root / "work"))
            try:
                yield work
            finally:
                shutil.rmtree(work, ignore_errors=True)

    def twin(self, root: Path) -> Store:
        """A second store at `root`, on the same disk, that holds all this one does and may be thrown away.

        No file of a store is ever changed in place, so both may name the same bytes. Call inside `writing()`.
        """
        for part in ("bytes", "tables", "deliveries", "snapshots"):
            for path in (self.root / part).rglob("*"):
                if path.is_file():
                    at = root / path.relative_to(self.root)
                    at.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                    os.link(path, at)
        return Store.open(root)

    def keep_bytes(self, path: Path, sha256: str, work: Path) -> None:
        """Archive a received file, compressed, under its hash."""
        at = self._bytes_path(sha256)
        if at.is_file():
            return
        built = work / f"{sha256}.zst"
        with path.open("rb") as source, pa.CompressedOutputStream(str(built), "zstd") as out:
            shutil.copyfileobj(source, out, 1 << 20)
        appear(built, at)

    def keep_table(self, built: Path) -> TableFile:
        """Take a finished Parquet file into the store under the hash of its bytes."""
        sha256 = digest_of(built)
        file = TableFile(sha256, pq.read_metadata(built).num_rows, built.stat().st_size)
        at = self.path_of(file)
        if at.is_file():
            built.unlink()
        else:
            appear(built, at)
        return file

    def keep_arrow(self, table: pa.Table, work: Path) -> TableFile:
        """Write an Arrow table into the store."""
        built = work / "table.parquet"
        pq.write_table(table, built, compression="zstd")
        return self.keep_table(built)

    def keep_delivery(self, delivery: Delivery, work: Path) -> None:
        write_text(_json(asdict(delivery)), self.root / "deliveries" / f"{delivery.id}.json", work)

    def next_id(self, made: datetime) -> str:
        """The id of the snapshot that would be published next. Call inside `writing()`."""
        ids = self.snapshot_ids()
        number = int(ids[-1].split("-")[0]) + 1 if ids else 1
        return f"{number:06d}-{made:%Y%m%d}"

    def publish(
        self,
        *,
        parent: str,
        made: datetime,
        by: str,
        reader: str,
        deliveries: tuple[str, ...],
        replaced: tuple[str, ...],
        derived: tuple[Derived, ...],
        shape: str,
        work: Path,
    ) -> Snapshot:
        """Make a complete snapshot appear: from this moment it is the current one."""
        name = self.next_id(made)
        moment = made.isoformat(timespec="seconds")
        snapshot = Snapshot(name, parent, moment, by, reader, deliveries, replaced, derived, shape)
        write_text(_json(asdict(snapshot)), self.root / "snapshots" / f"{name}.json", work)
        return snapshot

    def sweep(self, keep: Callable[[Snapshot], bool]) -> int:
        """Remove the snapshots `keep` refuses (never the current one) and every file no snapshot needs.

        Returns the bytes freed. Received bytes are never removed. Call inside `writing()`.
        """
        current = self.current_id()
        kept: list[Snapshot] = []
        for snapshot_id in self.snapshot_ids():
            snapshot = self.snapshot(snapshot_id)
            if snapshot_id == current or keep(snapshot):
                kept.append(snapshot)
            else:
                (self.root / "snapshots" / f"{snapshot_id}.json").unlink()
        needed = {file.sha256 for snapshot in kept for file in self._files_of(snapshot)}
        freed = 0
        for path in (self.root / "tables").rglob("*.parquet"):
            if path.stem not in needed:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def drop_delivery(self, delivery_id: str) -> None:
        """Forget a delivery that no snapshot names; `forget_bytes` then removes its bytes. Call inside `writing()`."""
        (self.root / "deliveries" / f"{delivery_id}.json").unlink()

    def forget_bytes(self) -> int:
        """Remove the archived bytes that no delivery names; returns the bytes freed. Call inside `writing()`."""
        named = {delivery.sha256 for delivery in self.every_delivery()}
        freed = 0
        for path in (self.root / "bytes").rglob("*.zst"):
            if path.stem not in named:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def _files_of(self, snapshot: Snapshot) -> Iterator[TableFile]:
        for delivery in self.deliveries(snapshot):
            yield from delivery.tables.values()
            yield delivery.findings
        for derived in snapshot.derived:
            yield derived.file

    def _bytes_path(self, sha256: str) -> Path:
        return self.root / "bytes" / sha256[:2] / f"{sha256}.zst"


def _json(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=1, sort_keys=True, ensure_ascii=False) + os.linesep

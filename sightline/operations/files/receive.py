"""Receive: the one way in. Bytes are kept, read into tables and findings, and a new snapshot appears."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from sightline import __version__
from sightline.engine import Database, arrow_schema, findings_table
from sightline.operations.build import build
from sightline.operations.decisions import decisions_file
from sightline.operations.files.withdraw import without_withdrawn
from sightline.operations.home import Home
from sightline.sources import recognise, unpack
from sightline.sources.base import Context, Reading
from sightline.sources.intake import Received
from sightline.sources.parquet import DAMAGED
from sightline.store import Delivery, Snapshot, TableFile, digest_of
from sightline.vocabulary.errors import NotNeeded, SightlineError, UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.tables import SHAPE

Progress = Callable[[str], None]


@dataclass(slots=True)
class FileReceipt:
    """One row per received file: what it was, what was read, what is wrong with it, what it changed.

    `status` is received, held (the same bytes are in force already), refused (nothing of it was kept) or "not needed"
    (it is known and not used; nothing of it was kept, and nothing is wrong).
    """

    path: str
    status: str
    says: str
    kind: str = ""
    period: str = ""
    delivery: str = ""
    rows: dict[str, int] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)
    changed: dict[str, dict[str, int]] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one receive did: a receipt per file and the snapshot that is now current (None when there is none)."""

    files: tuple[FileReceipt, ...]
    snapshot: str | None
    new: bool

    @property
    def refused(self) -> int:
        return sum(f.status == "refused" for f in self.files)

    def as_json(self) -> dict[str, Any]:
        return {"files": [f.as_json() for f in self.files], "snapshot": self.snapshot, "new_snapshot": self.new}


def _silent(_: str) -> None:
    """No progress is shown."""


def receive(
    home: Home, paths: Sequence[Path], *, by: str, again: bool = False, progress: Progress = _silent
) -> Receipt:
    """Read files and folders into a new snapshot and return a receipt for each file.

    A file that cannot be read is refused and changes nothing; the others are received. Bytes received before change
    nothing, unless `again` asks to bring back those that a later file replaced. `by` is who sends, for the record.
    Raises SightlineError when another receive is running or a path does not exist.
    """
    missing = [str(p) for p in paths if not p.exists()]
    if missing:
        raise SightlineError(f"There is no file or folder at {', '.join(missing)}.")
    now = datetime.now(ZoneInfo("Europe/London"))
    with home.store.writing() as work, tempfile.TemporaryDirectory(dir=work) as unpacked:
        before = _current(home)
        in_force = home.store.deliveries(before) if before else []
        replaced = list(before.replaced) if before else []
        receipts: list[FileReceipt] = []
        received = [*unpack(paths, Path(unpacked)), *_own_decisions(home, in_force, Path(unpacked))]
        beside = tuple(f.path for f in received if f.path)
        context = Context(mappings=home.mappings(), beside=beside, received=now.date())
        for count, file in enumerate(received, 1):
            progress(f"Reading {count:,} of {len(received):,}: {file.shown}")
            known = () if again else tuple(replaced)
            cut = _cut_before(home, file, in_force, again)
            receipt, delivery = cut or _receive_one(home, file, in_force, known, context, by, now, work)
            receipts.append(receipt)
            if delivery:
                held = in_force
                in_force = without_withdrawn(home, delivery, held, work)
                replaced += [old.id for old, new in zip(held, in_force, strict=True) if old is not new]
                in_force = _put_in_force(delivery, in_force, replaced)
        ids = tuple(d.id for d in in_force)
        if before and before.deliveries == ids and (before.reader, before.shape) == (__version__, SHAPE):
            return Receipt(tuple(receipts), before.id, new=False)
        if not ids:
            return Receipt(tuple(receipts), None, new=False)
        out = tuple(dict.fromkeys(i for i in replaced if i not in ids))
        snapshot = build(home, in_force, out, before, by=by, now=now, work=work, progress=progress)
        return Receipt(tuple(receipts), snapshot.id, new=True)


def rebuild(home: Home, *, by: str, everything: bool = False, progress: Progress = _silent) -> Snapshot:
    """Make a new snapshot from the deliveries in force, as after a change of settings.

    Tables whose inputs are as they were are taken over, unless `everything` asks for all of them to be made again.
    """
    with home.store.writing() as work:
        before = home.store.snapshot()
        now = datetime.now(ZoneInfo("Europe/London"))
        in_force, replaced = home.store.deliveries(before), list(before.replaced)
        for file in _own_decisions(home, in_force, work):
            _, delivery = _receive_one(home, file, in_force, (), Context(), by, now, work)
            in_force = _put_in_force(delivery, in_force, replaced) if delivery else in_force
        return build(
            home, in_force, tuple(replaced), before, by=by, now=now, work=work, progress=progress, afresh=everything
        )


def sweep(home: Home, *, keep: int) -> int:
    """Forget all but the newest `keep` snapshots and the tables only they used; returns the bytes freed."""
    newest = set(home.store.snapshot_ids()[-keep:])
    with home.store.writing():
        return home.store.sweep(lambda snapshot: snapshot.id in newest)


def _put_in_force(delivery: Delivery, in_force: list[Delivery], replaced: list[str]) -> list[Delivery]:
    """The deliveries in force with a new one among them; those it takes the place of are added to `replaced`."""
    replaced += [d.id for d in in_force if delivery.replaces(d)]
    return [*(d for d in in_force if not delivery.replaces(d)), delivery]


def _own_decisions(home: Home, in_force: Sequence[Delivery], folder: Path) -> list[Received]:
    """The home's own file of decisions as it is now, where it holds some that no snapshot has yet."""
    path = decisions_file(home)
    if path is None:
        return []
    # Somebody may decide while we read: what is read, hashed and kept must be the same bytes.
    still = Path(shutil.copyfile(path, folder / path.name))
    return [] if digest_of(still) in {d.sha256 for d in in_force} else [Received(path.name, still)]


def _cut_before(
    home: Home, file: Received, in_force: Sequence[Delivery], again: bool
) -> tuple[FileReceipt, Delivery | None] | None:
    """A receipt for a file from which records of children have been removed since: it is never read again, whatever
    version reads it, so that nobody comes back by it. With `again` what is left of it may come back into force."""
    if file.path is None:
        return None
    sha256 = digest_of(file.path)
    old = next((d for d in home.store.every_delivery() if d.redacted.get("was") == sha256), None)
    if old is None:
        return None
    says = (
        f"Received on {old.received[:10]}; records of {old.redacted['children']:,} children were removed from it since."
    )
    if again and old.id not in {d.id for d in in_force}:
        return _receipt(file.shown, "received", f"{says} What is left of it is in force again.", old), old
    return _receipt(file.shown, "held", f"{says} They stay removed, and nothing changed.", old), None


def _current(home: Home) -> Snapshot | None:
    current = home.store.current_id()
    return home.store.snapshot(current) if current else None


def _receive_one(
    home: Home,
    file: Received,
    in_force: list[Delivery],
    known_before: Sequence[str],
    context: Context,
    by: str,
    now: datetime,
    work: Path,
) -> tuple[FileReceipt, Delivery | None]:
    if file.error or file.path is None:
        return FileReceipt(file.shown, "refused", str(file.error)), None
    sha256 = digest_of(file.path)
    # A new version of the readers reads the same bytes again.
    identity = hashlib.sha256(f"{sha256} {__version__}".encode()).hexdigest()[:12]
    held = next((d for d in in_force if d.id == identity), None)
    if held:
        says = "These bytes are in force already. Nothing changed."
        return _receipt(file.shown, "held", says, held), None
    if identity in known_before:
        old = home.store.delivery(identity)
        says = f"Received on {old.received[:10]} and replaced by a later file since. Nothing changed (see --again)."
        return _receipt(file.shown, "held", says, old), None
    try:
        told = replace(context, name=file.shown)
        reading = recognise(file.path, told).read(file.path, told)
    except NotNeeded as error:
        return FileReceipt(file.shown, "not needed", str(error)), None
    except SightlineError as error:
        return FileReceipt(file.shown, "refused", str(error)), None
    except Exception as error:  # noqa: BLE001  One file's surprise must not stop the others; its text may quote a record.
        says = f"Sightline could not read this file ({type(error).__name__}). Nothing of it was kept. Please report it."
        return FileReceipt(file.shown, "refused", says), None
    foreign = _foreign(home, reading, in_force)
    if foreign and home.settings.authority:
        return FileReceipt(file.shown, "refused", foreign.says, reading.kind, reading.period), None
    if foreign:
        reading.findings.append(foreign)
    try:
        delivery = _keep(home, file, reading, sha256, identity, by, now, work)
    except UnreadableFile as error:
        return FileReceipt(file.shown, "refused", str(error)), None
    replaced = next((d for d in in_force if delivery.replaces(d)), None)
    receipt = _receipt(file.shown, "received", _what_happened(replaced), delivery)
    receipt.changed = _changes(home, delivery, replaced)
    return receipt, delivery


def _what_happened(replaced: Delivery | None) -> str:
    return f"Received. It takes the place of {replaced.shown} ({replaced.period})." if replaced else "Received."


def _foreign(home: Home, reading: Reading, in_force: Iterable[Delivery]) -> Finding | None:
    """A finding when the file is another authority's: than the setting, or else than the files already in force."""
    if not reading.authority:
        return None
    ours = {home.settings.authority} if home.settings.authority else {d.authority for d in in_force if d.authority}
    if not ours or reading.authority in ours:
        return None
    return Finding(
        "another-authority",
        Severity.QUERY,
        f"This file is for authority {reading.authority}; this home holds files of {', '.join(sorted(ours))}.",
        field="authority",
        value=reading.authority,
        right=", ".join(sorted(ours)),
    )


def _keep(
    home: Home, file: Received, reading: Reading, sha256: str, identity: str, by: str, now: datetime, work: Path
) -> Delivery:
    assert file.path is not None
    store = home.store
    store.keep_bytes(file.path, sha256, work)
    tables = {name: store.keep_arrow(_traced(table, name, identity, reading.system), work)
              for name, table in reading.tables.items()}  # fmt: skip
    for name, path in reading.files.items():
        tables[name] = _keep_file(home, name, path, identity, reading.system, work)
    severities = Counter(str(f.severity) for f in reading.findings)
    delivery = Delivery(
        id=identity,
        sha256=sha256,
        shown=file.shown,
        kind=reading.kind,
        system=reading.system,
        period=reading.period,
        covers=reading.covers,
        authority=reading.authority,
        as_at=reading.as_at,
        received=now.isoformat(timespec="seconds"),
        by=by,
        reader=__version__,
        tables=tables,
        findings=store.keep_arrow(findings_table(reading.findings, delivery=identity), work),
        severities={str(s): severities[s] for s in Severity if severities[s]},
    )
    store.keep_delivery(delivery, work)
    return delivery


def _traced(table: pa.Table, name: str, delivery: str, system: str) -> pa.Table:
    """The table with the provenance a stored fact carries, checked against the vocabulary."""
    rows = table.num_rows
    traced = table.select(arrow_schema(name).names)
    for column, value in (("delivery", delivery), ("system", system)):
        traced = traced.append_column(column, pa.repeat(pa.scalar(value), rows))
    return traced.cast(arrow_schema(name, stored=True))


def _keep_file(home: Home, name: str, path: Path, delivery: str, system: str, work: Path) -> TableFile:
    built = work / "table.parquet"
    columns = ", ".join(f'"{c}"' for c in arrow_schema(name).names)
    with Database() as database:
        # Sorted by pupil and week, a file of marks is twenty times smaller and reads as much faster.
        order = " ORDER BY pupil_ref, week, school_ref" if name == "attendance_week" else ""
        database.add_parquet("arriving", [path])
        database.execute("SET preserve_insertion_order = true")
        try:
            database.write_parquet(
                f"SELECT {columns}, '{delivery}' AS delivery, '{system}' AS system FROM arriving{order}", built
            )
        except (duckdb.IOException, duckdb.OutOfMemoryException):
            raise  # our own disk or memory
        except duckdb.Error:
            # What a reader did not need to look at may be damaged all the same.
            raise UnreadableFile(DAMAGED) from None
    return home.store.keep_table(built)


def _receipt(shown: str, status: str, says: str, delivery: Delivery) -> FileReceipt:
    return FileReceipt(
        path=shown,
        status=status,
        says=says,
        kind=delivery.kind,
        period=delivery.period,
        delivery=delivery.id,
        rows={name: file.rows for name, file in delivery.tables.items()},
        findings=dict(delivery.severities),
    )


def _changes(home: Home, new: Delivery, old: Delivery | None) -> dict[str, dict[str, int]]:
    """Rows that are new and rows that are gone, by table, against the delivery this one replaces.

    A row is the same when every value but its line is the same. Without an earlier delivery every row is new.
    """
    if old is None:
        return {name: {"new": file.rows, "gone": 0} for name, file in new.tables.items()}
    changed = {}
    with Database() as database:
        for name in sorted(new.tables.keys() | old.tables.keys()):
            columns = ", ".join(f'"{c}"' for c in arrow_schema(name).names if c != "line")
            for side, delivery in (("now", new), ("before", old)):
                file = delivery.tables.get(name)
                shown = f"{side}_{name}"
                if file:
                    database.add_parquet(shown, [home.store.path_of(file)])
                else:
                    database.add(shown, arrow_schema(name).empty_table())
            minus = "SELECT count(*) FROM (SELECT {0} FROM {1}_{3} EXCEPT ALL SELECT {0} FROM {2}_{3})"
            changed[name] = {
                "new": int(database.one(minus.format(columns, "now", "before", name))),
                "gone": int(database.one(minus.format(columns, "before", "now", name))),
            }
    return changed

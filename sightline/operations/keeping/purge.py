"""Purge: the records of children whose clocks have run out are taken out of every file of the store, bytes and all.

A received file holds many children, so it cannot be thrown away: its tables are written again without the records of
the child, and its archived bytes are put in their canonical form, Sightline's own tables, from which every number can
be made as before. Everything derived is made again; older snapshots go, and so does every object nothing names any
more. Then the whole home is searched for the child's names and numbers, and the answer says what was found.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from sightline.engine import Database, arrow_schema
from sightline.operations.build import build
from sightline.operations.decisions import decisions_file
from sightline.operations.home import Home
from sightline.operations.keeping.removals import PURGED, Removals
from sightline.operations.pairs.searching import Search, Words, holds, search
from sightline.sources import recognise
from sightline.sources.base import Context, Reading
from sightline.sources.parquet import write as write_parquet
from sightline.store import Delivery, Derived, Snapshot, TableFile, digest_of
from sightline.vocabulary.errors import SightlineError, UnreadableFile
from sightline.vocabulary.findings import Severity

Progress = Callable[[str], None]

# The columns by which a table of facts, or one made from them, names a record.
_REFS = ("child_ref", "pupil_ref", "ref", "left_ref", "right_ref", "record")
# Logs that name a child by Sightline's own id alone, and the application's database: kept, each with its own retention.
LOGS = ("console-access.jsonl",)
DATABASES = ("application.sqlite3", "application.sqlite3-wal", "application.sqlite3-shm")


@dataclass(slots=True)
class Purged:
    """What one purge did: children, rows and files changed, superseded files dropped whole because nobody can read
    them any more, bytes freed, the snapshot made, and what the search over the home found afterwards."""

    children: int
    rows: int = 0
    files: int = 0
    dropped: int = 0
    freed: int = 0
    snapshot: str | None = None
    proof: Search | None = None


@dataclass(slots=True)
class _Cut:
    """The children on their way out: their records by system, what they are called, and where we work."""

    home: Home
    work: Path
    child_ids: frozenset[str]
    refs: dict[str, set[str]] = field(default_factory=dict)
    exceptions: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    words: Words = field(default_factory=lambda: Words(()))
    rows: int = 0
    database: Database = field(default_factory=Database)

    def held(self, path: Path) -> Database:
        """The one database of a purge, with a Parquet file as its table `held`, in the file's own order."""
        self.database.execute("SET preserve_insertion_order = true")
        self.database.add_parquet("held", [path])
        return self.database


def purge(
    home: Home, child_ids: Iterable[str], *, by: str, now: datetime, why: str, progress: Progress = lambda _: None
) -> Purged:
    """Take children's records out of the store for good, and prove it. Whoever else is in it keeps every answer.

    Bytes, tables and snapshots go; the removal stays on record without saying whose it was. Raises SightlineError when
    another process is writing, or none of the children is held.
    """
    with home.store.writing() as work:
        before = home.store.snapshot()
        cut = _Cut(home, work, frozenset(child_ids))
        progress("Finding every record of them")
        _find(cut)
        if not cut.refs:
            raise SightlineError("No snapshot holds any record of these children.")
        done, dropped = Purged(len(cut.child_ids)), list[str]()
        for delivery in home.store.every_delivery():
            progress(f"Taking them out of {delivery.shown}")
            kept = _without(cut, delivery, now)
            done.files += kept is not delivery
            if kept is None:
                dropped.append(delivery.id)
        done.rows, done.dropped = cut.rows, len(dropped)
        _decisions(cut)
        progress("Making every table again")
        in_force = home.store.deliveries(before)
        parent = replace(before, derived=tuple(_derived_without(cut, before)))
        replaced = tuple(i for i in before.replaced if i not in dropped)
        made = build(home, in_force, replaced, parent, by=by, now=now, work=work, progress=progress)
        done.snapshot = made.id
        for each in dropped:
            home.store.drop_delivery(each)
        done.freed = home.store.sweep(lambda _: False) + home.store.forget_bytes()
        Removals(home).append(PURGED, [(child, why) for child in sorted(cut.child_ids)], at=now, by=by)
    progress("Searching for what is left")
    done.proof = prove(home, cut.words)
    return done


def prove(home: Home, words: Words) -> Search:
    """Search everything the home holds for words, but for the logs of access and the application's database."""
    return search(home, words, but=(*LOGS, *DATABASES))


def _find(cut: _Cut) -> None:
    """Every record any snapshot linked to the children, the names and numbers in them, and their exceptions."""
    store = cut.home.store
    children = sorted(cut.child_ids)
    for snapshot in map(store.snapshot, store.snapshot_ids()):
        for derived in snapshot.derived:
            path = store.path_of(derived.file)
            if derived.table not in ("link", "exception", "person") or not path.is_file():
                continue
            database = cut.held(path)
            if derived.table == "link":
                for system, ref in database.rows(
                    "SELECT system, ref FROM held WHERE list_contains(?, child_id)", [children]
                ):
                    cut.refs.setdefault(system, set()).add(ref)
            elif derived.table == "person":
                cut.named |= _named(database, children)
            else:
                found = database.rows("SELECT exception_id FROM held WHERE list_contains(?, child_id)", [children])
                cut.exceptions |= {str(exception) for (exception,) in found}
    cut.words = Words(_called(cut))


def _named(database: Database, children: list[str]) -> set[str]:
    """The names and numbers in the children's rows of `person`."""
    columns = [c for c in ("surname", "forename", "upn", "nhs_number") if c in _columns(database)]
    rows = database.rows(f"SELECT {', '.join(columns)} FROM held WHERE list_contains(?, child_id)", [children])
    return {_norm(value) for row in rows for value in row if value}


def _called(cut: _Cut) -> set[str]:
    """What the children are called, and nobody else: references, numbers, and names that no other record bears."""
    words: set[str] = {_norm(ref) for refs in cut.refs.values() for ref in refs}
    names = set(cut.named)
    others: set[str] = set()
    for delivery in cut.home.store.every_delivery():
        refs = cut.refs.get(delivery.system, set())
        for table, key, texts, numbers in _NAMED_IN:
            file = delivery.tables.get(table)
            if file is None or not cut.home.store.path_of(file).is_file():
                continue
            database = cut.held(cut.home.store.path_of(file))
            rows = database.rows(f"SELECT {key}, {', '.join(texts)} FROM held")
            for ref, *said in rows:
                mine = words if numbers else names
                (mine if ref in refs else others).update(_norm(text) for text in said if text)
                (words if ref in refs else others).add(_norm(ref))
    return (words | names) - others


# Where children are named and numbered: the table, its column of references, what it holds, and whether numbers.
_NAMED_IN = (
    ("child", "child_ref", ("surname", "forename"), False),
    ("pupil", "pupil_ref", ("surname", "forename"), False),
    ("youth_justice", "child_ref", ("surname", "forename"), False),
    ("youth_justice", "child_ref", ("upn",), True),
    ("identifier", "ref", ("value",), True),
)


def _norm(text: Any) -> str:
    return str(text).strip().casefold()


def _without(cut: _Cut, delivery: Delivery, now: datetime) -> Delivery | None:
    """The delivery with the children's records gone from its tables, findings and bytes; itself where it held none,
    None where it is superseded and cannot be read any more: then it must go whole."""
    store = cut.home.store
    tables = _tables(cut, delivery)
    if tables is None:
        if not _bytes_hold(cut, delivery):
            return delivery
        return None
    counts = {name: _count(cut, path, delivery.system) for name, path in tables.items()}
    findings = store.path_of(delivery.findings)
    found = _count(cut, findings, delivery.system) if findings.is_file() else 0
    if not any(counts.values()) and not found and not _bytes_hold(cut, delivery):
        return delivery
    cut.rows += sum(counts.values())
    kept = {name: _filtered(cut, path, name, delivery.system) for name, path in tables.items()}
    rest = _filtered(cut, findings, "finding", delivery.system) if findings.is_file() else delivery.findings
    bundle = _canonical(cut, delivery, kept)
    sha256 = digest_of(bundle)
    store.keep_bytes(bundle, sha256, cut.work)
    children = int(delivery.redacted.get("children", 0)) + len(cut.child_ids)
    new = replace(
        delivery,
        sha256=sha256,
        shown=delivery.kind if cut.words.within(delivery.shown.encode()) else delivery.shown,
        tables=kept,
        findings=rest,
        severities=_severities(cut, rest) if findings.is_file() else delivery.severities,
        redacted={
            "on": now.date().isoformat(), "children": children, "was": delivery.redacted.get("was", delivery.sha256)
        },
    )  # fmt: skip
    store.keep_delivery(new, cut.work)
    return new


def _tables(cut: _Cut, delivery: Delivery) -> dict[str, Path] | None:
    """The delivery's tables as files: those of the store, else (of a superseded file whose tables are gone) read from
    its bytes again; None where that cannot be done."""
    store = cut.home.store
    paths = {name: store.path_of(file) for name, file in delivery.tables.items()}
    if all(path.is_file() for path in paths.values()):
        return paths
    folder = cut.work / f"again-{delivery.id}"
    folder.mkdir()
    try:
        return dict(_read_again(cut, delivery, folder))
    except (SightlineError, OSError, zipfile.BadZipFile):
        return None


def _read_again(cut: _Cut, delivery: Delivery, folder: Path) -> Iterator[tuple[str, Path]]:
    came = _unpacked(cut.home, delivery, folder / "came")
    if delivery.redacted:
        with zipfile.ZipFile(came) as archive:
            archive.extractall(folder)
        readings = [_read(cut.home, folder / part, delivery) for part in archive.namelist()]
    else:
        readings = [_read(cut.home, came, delivery)]
    for reading in readings:
        for name, table in reading.tables.items():
            with Database() as database:
                database.add("held", table)
                yield name, _traced(database, name, delivery, folder)
        for name, path in reading.files.items():
            database = cut.held(path)
            yield name, _traced(database, name, delivery, folder)


def _read(home: Home, path: Path, delivery: Delivery) -> Reading:
    context = Context(mappings=home.mappings(), name=delivery.shown)
    try:
        return recognise(path, context).read(path, context)
    except SightlineError:
        raise
    except Exception as error:  # noqa: BLE001  A reader's surprise; the file is dropped whole, and said to be.
        # The type only: the message may quote a child's record.
        raise UnreadableFile(f"A superseded file cannot be read any more ({type(error).__name__}).") from None


def _traced(database: Database, name: str, delivery: Delivery, folder: Path) -> Path:
    out = folder / f"{name}.traced.parquet"
    columns = ", ".join(f'"{c}"' for c in arrow_schema(name).names)
    database.execute("SET preserve_insertion_order = true")
    database.write_parquet(
        f"SELECT {columns}, '{delivery.id}' AS delivery, '{delivery.system}' AS system FROM held", out
    )
    return out


def _unpacked(home: Home, delivery: Delivery, at: Path) -> Path:
    with home.store.received_bytes(delivery) as stream, at.open("wb") as out:
        while piece := stream.read(1 << 20):
            out.write(piece)
    return at


def _bytes_hold(cut: _Cut, delivery: Delivery) -> bool:
    with cut.home.store.received_bytes(delivery) as stream:
        return holds(stream, delivery.shown, cut.words)


def _gone(cut: _Cut, columns: Sequence[str], system: str) -> str:
    """SQL: this row speaks of one of the children. It is bound to $refs, $every, $children and $exceptions."""
    tests = []
    own = system not in ("", "sightline")
    for column in columns:
        if column == "child_id":
            tests.append("list_contains($children, child_id)")
        elif column in ("exception_id", "subject"):
            tests.append(f"list_contains($exceptions, {column})")
        elif column in _REFS:
            # Two systems may use one reference for two children, so the system that speaks decides, where it is told.
            side = {"left_ref": "left_system", "right_ref": "right_system"}.get(column, "system")
            if own or side not in columns:
                tests.append(f"list_contains($refs, {column})")
            else:
                tests.append(f"list_contains($every, {side} || '\n' || {column})")
    return " OR ".join(f"coalesce({test}, false)" for test in tests) or "false"


def _bound(cut: _Cut, system: str, sql: str) -> dict[str, Any]:
    values = {
        "refs": sorted(cut.refs.get(system, ())),
        "every": sorted(f"{s}\n{ref}" for s, refs in cut.refs.items() for ref in refs),
        "children": sorted(cut.child_ids),
        "exceptions": sorted(cut.exceptions),
    }
    return {name: value for name, value in values.items() if f"${name}" in sql}


def _count(cut: _Cut, path: Path, system: str) -> int:
    database = cut.held(path)
    sql = f"SELECT count(*) FROM held WHERE {_gone(cut, _columns(database), system)}"
    return int(database.one(sql, _bound(cut, system, sql)))


def _columns(database: Database) -> list[str]:
    return [str(name) for name, *_ in database.rows("DESCRIBE held")]


def _filtered(cut: _Cut, path: Path, name: str, system: str) -> TableFile:
    """The table without the children's rows, in the store; text that names one of them is blanked in findings."""
    built = cut.work / "table.parquet"
    database = cut.held(path)
    columns = _columns(database)
    where = f"NOT ({_gone(cut, columns, system)})"
    if name in ("finding", "decision"):
        rows = database.query(f"SELECT * FROM held WHERE {where}", _bound(cut, system, where))
        clean = [row for row in rows.to_pylist() if not cut.words.within(_texts(row))]
        database.add("clean", rows.from_pylist(clean, schema=rows.schema))
        database.write_parquet("SELECT * FROM clean", built)
    else:
        sql = f"SELECT * FROM held WHERE {where}"
        database.write_parquet(sql, built, _bound(cut, system, sql))
    return cut.home.store.keep_table(built)


def _texts(row: Mapping[str, Any]) -> bytes:
    return "\n".join(str(value) for value in row.values() if isinstance(value, str)).encode()


def _severities(cut: _Cut, findings: TableFile) -> dict[str, int]:
    database = cut.held(cut.home.store.path_of(findings))
    counts = dict(database.rows("SELECT severity, count(*) FROM held GROUP BY severity"))
    return {str(s): int(counts[str(s)]) for s in Severity if counts.get(str(s))}


def _canonical(cut: _Cut, delivery: Delivery, tables: Mapping[str, TableFile]) -> Path:
    """The archive of a delivery from which records were taken: its tables, each as a file `receive` could read."""
    folder = cut.work / f"canonical-{delivery.id}"
    folder.mkdir()
    parts = []
    for name, file in sorted(tables.items()):
        whole = folder / f"{name}.whole.parquet"
        database = cut.held(cut.home.store.path_of(file))
        there = set(_columns(database))
        # A table kept by an earlier version may lack a column that this one knows.
        columns = (f'"{f.name}"' if f.name in there else f'NULL AS "{f.name}"' for f in arrow_schema(name))
        database.write_parquet(f"SELECT {', '.join(columns)} FROM held", whole)
        reading = Reading(
            "sightline-parquet", delivery.system, delivery.period, f"{name}, {delivery.covers}", delivery.authority,
            delivery.as_at, files={name: whole},
        )  # fmt: skip
        parts += write_parquet(reading, folder)
        whole.unlink()
    out = cut.work / f"canonical-{delivery.id}.zip"
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for part in parts:
            archive.write(part, zipfile.ZipInfo(part.name).filename)
    return out


def _derived_without(cut: _Cut, before: Snapshot) -> Iterator[Derived]:
    """What the parent snapshot derived, without the children: what the next takes over must not bring them back."""
    for derived in before.derived:
        path = cut.home.store.path_of(derived.file)
        system = "" if derived.table != "presence" else _system_of(cut, derived)
        if _count(cut, path, system):
            derived = replace(derived, file=_filtered(cut, path, derived.table, system))
        yield derived


def _system_of(cut: _Cut, derived: Derived) -> str:
    return cut.home.store.delivery(derived.part).system


def _decisions(cut: _Cut) -> None:
    """The home's own file of decisions, without the lines about the children; a reason that names one is blanked."""
    path = decisions_file(cut.home)
    if path is None:
        return
    kept = []
    for line in path.read_bytes().splitlines(keepends=True):
        told = _object(line)
        if told.get("subject") in cut.exceptions or _mentions(cut, told, but="reason"):
            continue
        if _mentions(cut, told):
            line = json.dumps({**told, "reason": "Removed"}, ensure_ascii=False).encode() + b"\n"
        kept.append(line)
    new = b"".join(kept)
    if new != path.read_bytes():
        aside = cut.work / path.name
        aside.write_bytes(new)
        aside.chmod(0o600)
        aside.replace(path)


def _object(line: bytes) -> dict[str, Any]:
    try:
        told = json.loads(line)
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _mentions(cut: _Cut, told: Mapping[str, Any], *, but: str = "") -> bool:
    return cut.words.within("\n".join(str(v) for k, v in told.items() if k != but).encode())

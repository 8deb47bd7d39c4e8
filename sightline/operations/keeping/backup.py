"""Backup and restore of a home: its store, settings, decisions, keys and the application's database, in one file.

A backup needs no quiet hour. What the store holds is never changed in place and is named by its own hash, so it can be
copied while files are received; the database is copied by the database's own means. Each part stands in the list that
ends the file, with its hash: a backup without that list was cut short, and one whose parts differ from it was changed.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any
from urllib.parse import unquote, urlsplit

from sightline import __version__
from sightline.operations.home import Home
from sightline.store import Store
from sightline.vocabulary.errors import BadSetting, SightlineError, StoreDamaged, UnreadableFile

LIST = "backup.json"
# What the application notes of its logs: copied before the database, which then holds all that was noted.
HEADS = "log-heads.jsonl"
SQLITE, DUMP = "application.sqlite3", "application.pgdump"
URL = "SIGHTLINE_DATABASE_URL"
# Made from invented data, or made anew at need.
_LEFT_OUT = ("demonstration-files",)
_TRIES = 3
_PIECE = 1 << 20

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds: the newest snapshot (None where there is none), files, bytes, and which database."""

    made: str
    version: str
    snapshot: str | None
    files: int
    bytes: int
    database: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore put in place, and what was verified of it, each in words."""

    backup: Backup
    verified: tuple[str, ...]


class _Vanished(Exception):
    """A file went while it was being copied: old snapshots were being forgotten."""


def backup(home: Home, out: Path, *, now: datetime, progress: Progress = lambda _: None) -> Backup:
    """Write a home and its database to one file, readable by its owner alone. The file appears when it is whole.

    Files may be received and decisions taken meanwhile; the backup holds what stood when each part was reached, the
    store last. Raises SightlineError when the database cannot be copied, or old snapshots go faster than we copy.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.with_name(out.name + ".partial")
    for _ in range(_TRIES):
        try:
            made = _write(home, aside, now, progress)
        except _Vanished:
            continue
        except BaseException:
            aside.unlink(missing_ok=True)
            raise
        aside.replace(out)
        return made
    aside.unlink(missing_ok=True)
    wrong = home.store.verify()
    if wrong:
        raise StoreDamaged(f"The store is damaged, so it was not copied: {wrong[0]}")
    raise SightlineError("Snapshots were being removed while the backup was made. Nothing was written; try again.")


def restore(file: Path, folder: Path, *, progress: Progress = lambda _: None) -> Restored:
    """Put a backup back as a home at `folder`, which must not hold anything yet, and verify all of it first.

    Every part is held against its hash, the store against its manifests, the archived files against their names, the
    database against its own checks, and the logs of access against their chain. The home appears when all of that
    holds. Raises UnreadableFile for a file that is no whole backup and StoreDamaged for one that was changed.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SightlineError(f"There is something at {folder} already. Restore into a folder that is not there yet.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        progress("Unpacking")
        told = _unpack(file, aside)
        verified = [f"{len(told['files']):,} files are as they were written"]
        progress("Verifying the store")
        verified += _verify_store(aside)
        progress("Verifying the database")
        verified += _verify_database(aside, told)
        if folder.exists():
            folder.rmdir()
        aside.replace(folder)
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
    return Restored(_backup_of(told), tuple(verified))


def _write(home: Home, aside: Path, now: datetime, progress: Progress) -> Backup:
    files: dict[str, dict[str, Any]] = {}
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as stream, tarfile.open(fileobj=stream, mode="w") as archive:
        if (home.path / HEADS).is_file():
            files[HEADS] = _add(archive, HEADS, home.path / HEADS)
        progress("Copying the database")
        database = _database(home, lambda name, path: files.update({name: _add(archive, name, path)}))
        progress("Copying the home")
        for name, path in _of_home(home):
            files[name] = _add(archive, name, path)
        progress("Copying the store")
        snapshot = home.store.current_id()
        manifests = _manifests(home.store)
        for path in [*_named(home.store, manifests), *manifests]:
            name = f"store/{path.relative_to(home.store.root)}"
            files[name] = _add(archive, name, path)
        # A purge writes manifests anew: what they name now must be what was copied.
        if not {f"store/{p.relative_to(home.store.root)}" for p in _named(home.store, manifests)} <= set(files):
            raise _Vanished
        told = {
            "made": now.isoformat(timespec="seconds"),
            "version": __version__,
            "snapshot": snapshot,
            "database": database,
            "files": files,
        }
        text = json.dumps(told, indent=1, sort_keys=True).encode()
        entry = tarfile.TarInfo(LIST)
        entry.size, entry.mode = len(text), 0o600
        archive.addfile(entry, io.BytesIO(text))
        archive.close()
        stream.flush()
        os.fsync(stream.fileno())
    return _backup_of(told)


def _backup_of(told: Mapping[str, Any]) -> Backup:
    files = told["files"]
    size = sum(int(f["bytes"]) for f in files.values())
    return Backup(told["made"], told["version"], told["snapshot"], len(files), size, told["database"])


def _add(archive: tarfile.TarFile, name: str, path: Path) -> dict[str, Any]:
    """Put one file into the archive; returns its hash and size. A file being appended to is taken as long as it was
    when we looked."""
    try:
        with path.open("rb") as stream:
            entry = archive.gettarinfo(arcname=name, fileobj=stream)
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            entry.type = tarfile.REGTYPE
            reading = _Hashing(stream, entry.size)
            archive.addfile(entry, reading)  # type: ignore[arg-type]
    except FileNotFoundError as error:
        raise _Vanished from error
    return {"sha256": reading.digest.hexdigest(), "bytes": entry.size}


class _Hashing:
    """A file of at most so many bytes, hashed as it is read."""

    def __init__(self, stream: IO[bytes], most: int) -> None:
        self.stream, self.left, self.digest = stream, most, hashlib.sha256()

    def read(self, size: int) -> bytes:
        data = self.stream.read(min(size, self.left))
        self.left -= len(data)
        self.digest.update(data)
        return data


def _of_home(home: Home) -> Iterator[tuple[str, Path]]:
    """The files beside the store: settings, mappings, register, decisions, records, models and keys."""
    for path in sorted(home.path.rglob("*")):
        name = path.relative_to(home.path)
        hidden = any(part.startswith(".") for part in name.parts)
        if hidden or name.parts[0] in ("store", HEADS, *_LEFT_OUT) or name.name.startswith(SQLITE) or path.is_symlink():
            continue
        if path.is_file():
            yield str(name), path


def _manifests(store: Store) -> list[Path]:
    """What names everything else: deliveries, then the snapshots they are in."""
    return [*sorted((store.root / "deliveries").glob("*.json")), *sorted((store.root / "snapshots").glob("*.json"))]


def _named(store: Store, manifests: list[Path]) -> list[Path]:
    """Every file of the store these manifests name, each once."""
    named: dict[Path, None] = {}
    try:
        for path in manifests:
            if path.parent.name == "deliveries":
                named[store.bytes_of(store.delivery(path.stem))] = None
            else:
                named |= dict.fromkeys(store.needed_by(store.snapshot(path.stem)))
    except (FileNotFoundError, SightlineError) as error:
        raise _Vanished from error
    return list(named)


def _database(home: Home, add: Callable[[str, Path], None]) -> str:
    """Copy the application's database by its own means; returns which it is: SQLite, PostgreSQL or none."""
    url = os.environ.get(URL, "").strip()
    with tempfile.TemporaryDirectory(dir=home.path, prefix=".backup-") as folder:
        if url:
            copy = Path(folder) / DUMP
            _run([_tool("pg_dump"), "--format=custom", "--no-owner", "--file", str(copy)], url)
            add(DUMP, copy)
            return "PostgreSQL"
        held = home.path / SQLITE
        if not held.is_file():
            return "none"
        copy = Path(folder) / SQLITE
        with closing(sqlite3.connect(held, timeout=20)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target, pages=4096, sleep=0.01)
        add(SQLITE, copy)
        return "SQLite"


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise SightlineError(
            f"The application's database is PostgreSQL, and its program {name} is not on this machine. Install "
            "PostgreSQL's client programs of the server's version, or run this where they are."
        )
    return found


def _run(command: list[str], url: str) -> None:
    """Run a program of PostgreSQL's on the database of an address, whose password never stands on a command line."""
    parts = urlsplit(url)
    if parts.scheme not in {"postgresql", "postgres"} or not parts.path.strip("/"):
        raise BadSetting(f"{URL} must read postgresql://user:password@host:port/name.")
    told = {"PGHOST": parts.hostname, "PGPORT": parts.port, "PGUSER": parts.username, "PGPASSWORD": parts.password,
            "PGDATABASE": parts.path.strip("/")}  # fmt: skip
    environment = os.environ | {name: unquote(str(value)) for name, value in told.items() if value}
    done = subprocess.run(command, env=environment, capture_output=True, check=False)
    if done.returncode:
        # What it printed may quote a row.
        raise SightlineError(f"{Path(command[0]).name} failed with exit code {done.returncode}. Nothing was kept.")


def _unpack(file: Path, aside: Path) -> dict[str, Any]:
    """Take the backup apart and hold every part against the list; returns the list."""
    try:
        with tarfile.open(file, mode="r:") as archive:
            archive.extractall(aside, filter="data")
    except (tarfile.TarError, EOFError) as error:
        raise UnreadableFile(f"{file.name} is no backup of Sightline's, or was cut short.") from error
    listed = aside / LIST
    if not listed.is_file():
        raise UnreadableFile(f"{file.name} has no list at its end: it is no backup of Sightline's, or was cut short.")
    told: dict[str, Any] = json.loads(listed.read_bytes())
    listed.unlink()
    there = {str(p.relative_to(aside)) for p in aside.rglob("*") if p.is_file()}
    if there != set(told["files"]):
        raise StoreDamaged("The backup does not hold the files that its list names.")
    for name, said in told["files"].items():
        if _digest(aside / name) != said["sha256"]:
            raise StoreDamaged(f"A part of the backup is not as it was written: {name}.")
    return told


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _verify_store(folder: Path) -> list[str]:
    store = Home.open(folder).store
    wrong = store.verify()
    for delivery in store.every_delivery():
        digest = hashlib.sha256()
        with store.received_bytes(delivery) as stream:
            while piece := stream.read(_PIECE):
                digest.update(piece)
        if digest.hexdigest() != delivery.sha256:
            wrong.append(f"The received bytes of delivery {delivery.id} are not what was received.")
    if wrong:
        raise StoreDamaged(f"The store of the backup is damaged: {wrong[0]}")
    return [
        f"{len(store.snapshot_ids()):,} snapshots are complete",
        f"{len(store.every_delivery()):,} received files are as they came",
    ]


def _verify_database(folder: Path, told: Mapping[str, Any]) -> list[str]:
    if told["database"] == "none":
        return ["no database of the application was in use"]
    if told["database"] == "PostgreSQL":
        url = os.environ.get(URL, "").strip()
        if not url:
            raise SightlineError(f"The backup holds a PostgreSQL database. Set {URL} to an empty one to restore into.")
        dump = folder / DUMP
        _run([_tool("pg_restore"), "--no-owner", "--exit-on-error", "--single-transaction", "--dbname",
              urlsplit(url).path.strip("/"), str(dump)], url)  # fmt: skip
        dump.unlink()
    else:
        with closing(sqlite3.connect(folder / SQLITE)) as database:
            if database.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                raise StoreDamaged("The application's database in the backup is damaged.")
    # The application's own settings, whatever this process was started with; and the database that came back.
    environment = {name: value for name, value in os.environ.items() if name != "DJANGO_SETTINGS_MODULE"}
    if told["database"] != "PostgreSQL":
        environment[URL] = ""
    for verb, wrong in (
        ("migrate", "could not be brought up to this version"),
        ("verify_logs", "holds a log with an entry that was changed or taken away"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "sightline.web", verb, "--home", str(folder)],
            env=environment,
            capture_output=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise StoreDamaged(f"The application's database in the backup {wrong}.")
    return ["the database is whole", "the logs of access, change and security are whole"]

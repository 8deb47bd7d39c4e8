"""A backup is whole or is not there; what is restored is what was backed up, and what was changed is refused."""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from backing_up import backup as in_a_process
from conftest import call, tree
from receiving import receive

from sightline import operations
from sightline.operations import Home, Scope
from sightline.operations.keeping.backup import _unpack, _verify_store, backup, restore
from sightline.vocabulary.errors import SightlineError, StoreDamaged, UnreadableFile

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
KILLS = 6
AUDIT = "audit_accessentry"


@pytest.fixture(scope="module")
def application(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with settings, decisions and the application's database, in whose logs one refusal stands."""
    folder = tmp_path_factory.mktemp("backup") / "home"
    shutil.copytree(home, folder)
    (folder / "sightline.toml").write_text("look_back_years = 5\n")
    (folder / "retention.toml").write_text(operations.keeping.lawful.EXAMPLE)
    place = Home.open(folder)
    opened = operations.opened(place)
    first = opened.database.one("SELECT min(exception_id) FROM exception")
    operations.decide(place, opened, Scope.everyone(), [first], "acknowledged", by="test", at=NOW)
    run = """
import django; django.setup()
from django.core.management import call_command
call_command("migrate", verbosity=0)
from sightline.web.audit.models import AccessEntry
for n in range(3):
    AccessEntry.append(action="refused", outcome="refused", purpose=f"test {n}")
"""
    told = os.environ | {
        "SIGHTLINE_HOME": str(folder), "DJANGO_SETTINGS_MODULE": "sightline.web.settings", "SIGHTLINE_DATABASE_URL": ""
    }  # fmt: skip
    subprocess.run([sys.executable, "-c", run], env=told, check=True)
    return folder


@pytest.fixture(scope="module")
def made(application: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("backups") / "home.tar"
    said = call("backup", "--home", application, "--out", out, "--json")
    assert said.code == 0, said.err
    told = said.json()
    assert (told["database"], told["snapshot"]) == ("SQLite", Home.open(application).store.current_id())
    assert out.stat().st_mode & 0o077 == 0
    assert not list(out.parent.glob("*.partial")) and not list(application.glob(".backup-*"))
    return out


def whole(file: Path, folder: Path) -> dict[str, Any]:
    """The list of a backup all of whose parts, and whose store, are as they were written."""
    folder.mkdir()
    told = _unpack(file, folder)
    assert len(_verify_store(folder)) == 2
    return told


def test_what_is_restored_is_what_was_backed_up(application: Path, made: Path, tmp_path: Path):
    folder = tmp_path / "restored"
    said = call("restore", made, "--home", folder)
    assert said.code == 0, said.err
    assert "the logs of access, change and security are whole" in said.out
    assert tree(folder) == tree(application)
    beside = lambda home: {  # noqa: E731
        p.name: p.read_bytes() for p in home.iterdir() if p.is_file() and not p.name.startswith("application.sqlite3")
    }
    assert beside(folder) == beside(application)
    with closing(sqlite3.connect(folder / "application.sqlite3")) as database:
        assert database.execute(f"SELECT count(*) FROM {AUDIT}").fetchone() == (3,)
    was, now = operations.opened(Home.open(application)), operations.opened(Home.open(folder))
    rows = "SELECT count(*), bit_xor(hash(child_id, status, start_date)) FROM counted_period"
    assert was.database.rows(rows) == now.database.rows(rows)


def test_nothing_is_restored_over_a_home(application: Path, made: Path):
    with pytest.raises(SightlineError, match="already"):
        restore(made, application)


@pytest.mark.parametrize("what", ["table", "bytes", "settings", "manifest"])
def test_a_backup_that_was_changed_is_refused(made: Path, tmp_path: Path, what: str):
    ends = {"table": ".parquet", "bytes": ".zst", "settings": "sightline.toml", "manifest": ".json"}[what]
    with tarfile.open(made) as archive:
        archive.extractall(tmp_path / "apart", filter="data")
    path = min(p for p in (tmp_path / "apart").rglob(f"*{ends}") if p.name != "backup.json")
    held = bytearray(path.read_bytes())
    held[len(held) // 2] ^= 1
    path.write_bytes(held)
    with tarfile.open(tmp_path / "changed.tar", "w") as archive:
        for each in sorted((tmp_path / "apart").rglob("*")):
            archive.add(each, each.relative_to(tmp_path / "apart"), recursive=False)
    with pytest.raises(StoreDamaged):
        restore(tmp_path / "changed.tar", tmp_path / "restored")
    assert not (tmp_path / "restored").exists() and not list(tmp_path.glob(".restored-*"))


def test_a_log_that_was_tampered_with_before_the_backup_is_refused(application: Path, tmp_path: Path):
    copy = tmp_path / "home"
    shutil.copytree(application, copy)
    with closing(sqlite3.connect(copy / "application.sqlite3")) as database:
        triggers = database.execute(f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{AUDIT}'")
        for (name,) in triggers.fetchall():
            database.execute(f"DROP TRIGGER {name}")
        database.execute(f"UPDATE {AUDIT} SET purpose = 'another' WHERE id = 2")
        database.commit()
    backup(Home.open(copy), tmp_path / "b.tar", now=NOW)
    with pytest.raises(StoreDamaged, match="log"):
        restore(tmp_path / "b.tar", tmp_path / "restored")


@pytest.mark.parametrize("size", [0, 100, 200_000])
def test_a_backup_cut_short_is_refused(made: Path, tmp_path: Path, size: int):
    cut = tmp_path / "cut.tar"
    cut.write_bytes(made.read_bytes()[:size])
    with pytest.raises(UnreadableFile):
        restore(cut, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path):
    (tmp_path / "letter.txt").write_text("Dear Virtual School")
    with tarfile.open(tmp_path / "other.tar", "w") as archive:
        archive.add(tmp_path / "letter.txt", "letter.txt")
    for name in ("letter.txt", "other.tar"):
        with pytest.raises(UnreadableFile):
            restore(tmp_path / name, tmp_path / "restored")


def test_a_damaged_store_is_not_backed_up(application: Path, tmp_path: Path):
    copy = tmp_path / "home"
    shutil.copytree(application, copy)
    min((copy / "store" / "tables").rglob("*.parquet")).unlink()
    with pytest.raises(StoreDamaged):
        backup(Home.open(copy), tmp_path / "b.tar", now=NOW)
    assert not list(tmp_path.glob("b.tar*"))


def test_killed_at_any_moment_no_half_backup_is_there(application: Path, tmp_path: Path):
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["backing_up", "receiving"])
    out = tmp_path / "b.tar"
    started = time.monotonic()
    in_a_process(str(application), str(out))
    takes = time.monotonic() - started
    out.unlink()
    moments = random.Random(20241122)
    killed = 0
    for _ in range(4 * KILLS):
        process = processes.Process(target=in_a_process, args=(str(application), str(out)))
        process.start()
        process.join(moments.uniform(0.02, takes))
        process.kill()
        process.join()
        killed += process.exitcode == -9
        if out.exists():
            out.unlink()  # finished before the kill
        if killed == KILLS:
            break
    assert killed, "the processes end before they can be killed"
    in_a_process(str(application), str(out))
    whole(out, tmp_path / "apart")
    assert not list(out.parent.glob("*.partial"))


def test_a_backup_made_while_files_are_received_is_whole(application: Path, marks: Path, tmp_path: Path):
    copy = tmp_path / "home"
    shutil.copytree(application, copy)
    processes = multiprocessing.get_context("forkserver")
    process = processes.Process(target=receive, args=(str(copy), [str(marks)]))
    process.start()
    number = 0
    while process.is_alive() and number < 20:
        backup(Home.open(copy), tmp_path / f"{number}.tar", now=NOW)
        number += 1
    process.join()
    assert process.exitcode == 0 and number
    told = whole(tmp_path / f"{number - 1}.tar", tmp_path / "apart")
    assert told["snapshot"] in Home.open(copy).store.snapshot_ids()


def test_a_database_of_postgresql_without_its_programs_is_said(application: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("SIGHTLINE_DATABASE_URL", "postgresql://u:p@127.0.0.1:1/name")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SightlineError, match="pg_dump is not on this machine"):
        backup(Home.open(application), tmp_path / "b.tar", now=NOW)
    assert not list(tmp_path.glob("b.tar*"))


@pytest.mark.skipif(not os.environ.get("SIGHTLINE_TEST_POSTGRES"), reason="no PostgreSQL server to test on")
@pytest.mark.skipif(shutil.which("pg_dump") is None, reason="no pg_dump on this machine")
def test_a_database_of_postgresql_comes_back(application: Path, tmp_path: Path, monkeypatch):
    import psycopg

    server = os.environ["SIGHTLINE_TEST_POSTGRES"]
    names = [f"backup_{os.getpid()}_{n}" for n in (1, 2)]
    urls = [urlsplit(server)._replace(path=f"/{name}").geturl() for name in names]
    with psycopg.connect(server, autocommit=True) as database:
        for name in names:
            database.execute(f"CREATE DATABASE {name}")
    try:
        run = [sys.executable, "-m", "sightline.web"]
        told = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
        told["SIGHTLINE_DATABASE_URL"] = urls[0]
        subprocess.run([*run, "migrate", "--home", str(application)], env=told, check=True, capture_output=True)
        monkeypatch.setenv("SIGHTLINE_DATABASE_URL", urls[0])
        assert backup(Home.open(application), tmp_path / "b.tar", now=NOW).database == "PostgreSQL"
        monkeypatch.setenv("SIGHTLINE_DATABASE_URL", urls[1])
        restore(tmp_path / "b.tar", tmp_path / "restored")
        with psycopg.connect(urls[1]) as database:
            assert database.execute("SELECT count(*) FROM django_migrations").fetchone()[0] > 10
    finally:
        with psycopg.connect(server, autocommit=True) as database:
            for name in names:
                database.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

"""An invented authority received once for a whole run, and a way to call the command line as a person would."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from sightline.cli.app import app

PUPILS, SEED = "350", "5"


@dataclass(frozen=True)
class Said:
    """What a command left: its exit code, what it printed, and what it said on the error stream."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def call(*words: object, **environment: str) -> Said:
    """Run one command in this process. A traceback fails the test: whatever goes wrong must be said."""
    result = CliRunner().invoke(app, [str(w) for w in words], env={"SIGHTLINE_HOME": None, **environment})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert "Traceback" not in result.stderr
    return Said(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(scope="session")
def sightline() -> Callable[..., Said]:
    return call


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that the processes of one test run share."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if os.environ.get("PYTEST_XDIST_WORKER") else own


@contextmanager
def once(folder: Path) -> Iterator[bool]:
    """Whether this process is the first to come, and so must make the folder; the others wait until it is made."""
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = folder.with_suffix(".made")
        yield not made.exists()
        made.touch()


@pytest.fixture(scope="session")
def invented(shared: Path) -> Path:
    """The files of a small invented authority. Not to be changed."""
    folder = shared / "cli-invented"
    with once(folder) as first:
        if first:
            assert call("synthesise", "--out", folder, "--pupils", PUPILS, "--seed", SEED).code == 0
    return folder


@pytest.fixture(scope="session")
def home(shared: Path, invented: Path) -> Path:
    """A home that has received them. Not to be changed."""
    folder = shared / "cli-home"
    with once(folder) as first:
        if first:
            said = call("receive", invented, "--home", folder, "--by", "a test")
            assert said.code == 0, said.err
    return folder


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    """A file of two pupils' marks of one day."""
    path = tmp_path / "marks.csv"
    path.write_text("Pupil ID,URN,Date,AM,PM\nA1,900001,2024-09-02,/,\\\nA2,900001,2024-09-02,I,I\n")
    return path


def tree(home: Path) -> dict[str, int]:
    """Every file of a home's store with its size, but the lock that whoever writes holds."""
    store = home / "store"
    return {
        str(p.relative_to(store)): p.stat().st_size
        for p in sorted(store.rglob("*"))
        if p.is_file() and p.name != "lock"
    }

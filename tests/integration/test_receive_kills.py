"""Killed at any moment of a receive, the last snapshot is whole and the next receive works."""

import multiprocessing
import os
import random
import shutil
import signal
import time
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest
from receiving import receive

from sightline import operations, synthetic
from sightline.operations import Home

KILLED, HELD = 8, 50
TABLES = ("link", "person", "status_period", "register_week", "enrolment_period", "exclusion", "finding", "delivery")


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with everything imported, so that a kill falls within the receive."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["receiving"])
    first = context.Process(target=os.getpid)  # the server and its imports are not part of what a receive takes
    first.start()
    first.join()
    return context


@pytest.fixture(scope="module")
def files(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("authority")
    synthetic.synthesise(200, 3, folder, years=2)
    return folder


def contents(home: Path) -> tuple[str, dict[str, list]]:
    """The current snapshot's id and every row of its tables, but for when the files came."""
    place = Home.open(home)
    assert place.store.verify() == []
    opened = operations.opened(place)
    rows = {}
    for name in TABLES:
        table = opened.database.query(f"SELECT * FROM {name}")
        kept = [c for c in table.column_names if c != "received"]
        rows[name] = sorted(map(repr, table.select(kept).to_pylist()))
    return opened.id.split("-")[0], rows


def held(process: BaseProcess) -> bool:
    """Whether the process stands still now, because it was told to; not so where it has ended already."""
    try:
        os.kill(process.pid, signal.SIGSTOP)
        while (state := Path(f"/proc/{process.pid}/stat").read_text().rpartition(") ")[2][0]) != "T":
            if state in "ZX":
                return False
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True


def test_a_kill_at_any_moment_leaves_the_last_snapshot_and_the_next_receive_works(processes, files, tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    # Likeness takes most of a small receive and writes nothing: the kills fall where something is written.
    (base / "sightline.toml").write_text("probabilistic_linkage = false\n")
    receive(str(base), [str(files / "schools"), str(files / "social_care" / "ssd")])
    number, before = contents(base)
    new = [str(p) for p in sorted((files / "social_care").glob("*.xml"))]
    new += [str(p) for p in sorted((files / "education" / "marks").glob("*.csv"))][:1]
    shutil.copytree(base, tmp_path / "whole")
    started = time.monotonic()
    undisturbed = processes.Process(target=receive, args=(str(tmp_path / "whole"), new))
    undisturbed.start()
    undisturbed.join()
    takes = time.monotonic() - started
    assert undisturbed.exitcode == 0
    _, after = contents(tmp_path / "whole")
    assert after != before

    moments = random.Random(20241122)
    checked = untouched = 0

    def seen(home: Path) -> None:
        """What a receive that ended here left is the old snapshot or the new one, and now and then: is received again."""
        nonlocal checked, untouched
        then, rows = contents(home)
        assert rows in (before, after), "the snapshot is neither the last one nor the new one"
        untouched += then == number
        if checked % 10 == 0:
            receive(str(home), new)
            assert contents(home)[1] == after
        checked += 1
        shutil.rmtree(home)

    for n in range(KILLED * 4):
        if checked == KILLED:
            break
        home = tmp_path / f"killed-{n}"
        shutil.copytree(base, home)
        process = processes.Process(target=receive, args=(str(home), new))
        process.start()
        process.join(moments.uniform(0.02, takes))
        process.kill()
        process.join()
        if process.exitcode == -signal.SIGKILL:
            seen(home)
    assert checked == KILLED, "the processes end before they can be killed"

    # A process held still has left on the disk just what it would leave if it were killed there: one receive, many ends.
    for n in range(KILLED * 4):
        if checked >= KILLED + HELD:
            break
        home = tmp_path / f"held-{n}"
        shutil.copytree(base, home)
        process = processes.Process(target=receive, args=(str(home), new))
        process.start()
        ran = 0.0
        for moment in sorted(moments.uniform(0.02, takes) for _ in range(HELD)):
            process.join(moment - ran)
            ran = moment
            if process.exitcode is not None or not held(process):
                break
            shutil.copytree(home, tmp_path / "left")
            os.kill(process.pid, signal.SIGCONT)
            seen(tmp_path / "left")
        process.join()
        shutil.rmtree(home)
    assert checked >= KILLED + HELD, "the processes end before they can be held"
    assert untouched, "no end came before the snapshot appeared"

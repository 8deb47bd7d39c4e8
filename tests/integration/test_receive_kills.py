"""Killed at any moment of a receive, the last snapshot is whole and the next receive works."""

import multiprocessing
import random
import shutil
import time
from itertools import count
from pathlib import Path

import pytest
from receiving import receive

from sightline import operations, synthetic
from sightline.operations import Home

KILLS = 50
TABLES = ("link", "person", "status_period", "register_week", "enrolment_period", "exclusion", "finding", "delivery")


@pytest.fixture(scope="module")
def processes():
    """Processes that begin with everything imported, so that a kill falls within the receive."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["receiving"])
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
    killed = untouched = 0
    for n in count():
        if killed == KILLS:
            break
        assert n < 4 * KILLS, "the processes end before they can be killed"
        home = tmp_path / f"home-{n}"
        shutil.copytree(base, home)
        process = processes.Process(target=receive, args=(str(home), new))
        process.start()
        process.join(moments.uniform(0.02, takes))
        process.kill()
        process.join()
        killed += process.exitcode == -9
        then, held = contents(home)
        assert held in (before, after), "the snapshot is neither the last one nor the new one"
        untouched += then == number
        if n % 10 == 0:
            receive(str(home), new)
            assert contents(home)[1] == after
        shutil.rmtree(home)
    assert untouched, "no kill came before the snapshot appeared"

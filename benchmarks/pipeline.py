"""From files to answers for one authority, then a week's update on top, then readers while a snapshot is swapped.

    python benchmarks/pipeline.py [--pupils 100000] [--years 6] [--keep FOLDER] [--only build week readers]

Invents an authority (`sightline synthesise`: complete academic years of marks as Parquet, a few weeks of the current
one as CSV, the care extract, censuses), receives it into an empty home, receives one more week of marks and a changed
care extract, and asks questions while a third snapshot is built. Prints each as a multiple of one plain DuckDB
scan-and-aggregate of the same marks in the same run. A ratio is meant to be compared from change to change; a second
is not.
"""

from __future__ import annotations

import argparse
import csv
import multiprocessing
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import duckdb

from sightline import operations, synthetic
from sightline.engine import Database
from sightline.operations import Home, Scope

UNTIL = date(2025, 9, 26)
MEMORY = 6 * 2**30
WEEK_SHARE = 0.1
# Steps that judge what was received, linked, assembled and measured; their share is printed apart.
JUDGING = ("Checking the records", "Comparing the sources")
READERS, SECONDS = 16, 20
SWAP_TIMES = 2.0


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pupils", type=int, default=100_000)
    options.add_argument("--years", type=int, default=6, help="complete academic years of marks")
    options.add_argument("--keep", type=Path, help="make (or use) the files in this folder and leave them there")
    options.add_argument(
        "--only", nargs="+", choices=("build", "week", "readers"), default=("build", "week", "readers")
    )
    options.add_argument("--receive", nargs="+", type=Path, metavar="HOME FILES", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.receive:
        home, *files = chosen.receive
        _receive(home, files)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        run(folder, chosen.pupils, chosen.years, chosen.only)


def run(folder: Path, pupils: int, years: int, only: tuple[str, ...]) -> None:
    files, home = folder / "files", folder / "home"
    if not files.exists():
        started = time.perf_counter()
        synthetic.synthesise(pupils, 1, files, until=UNTIL, years=years + 1)
        print(f"invented {pupils:,} pupils in {time.perf_counter() - started:.0f} s")
    baseline = scan(files)
    print(f"baseline: one scan and aggregate of every mark: {baseline:.2f} s")
    whole = None
    if "build" in only:
        whole = receive_in_a_process("files to snapshot", home, [files], baseline)
    if "week" in only:
        week = next_week(files, folder / "week")
        took = receive_in_a_process("a week's update", home, [week], baseline)
        if whole:
            print(f"a week's update with its checks is {took[0] / whole[0]:.3f} of the whole build with its checks")
            share = took[1] / whole[1]
            verdict(f"a week received, linked, assembled and measured is {share:.3f} of the whole", share, WEEK_SHARE)
    if "readers" in only:
        readers(home, folder / "week")


def verdict(says: str, value: float, target: float) -> None:
    print(f"{says} (target {target:g}): {'met' if value <= target else 'MISSED'}")


def scan(files: Path) -> float:
    """Seconds of a plain DuckDB scan-and-aggregate of the weekly marks: the best of three."""
    with Database() as database:
        database.add_parquet("marks", sorted(files.rglob("*_attendance_week.parquet")))
        rows, possible = database.rows("SELECT count(*), sum(possible) FROM marks")[0]
        print(f"marks: {rows:,} pupil-weeks, {possible:,} possible sessions")
        return best(lambda: database.rows("SELECT pupil_ref, sum(possible), sum(authorised) FROM marks GROUP BY 1"), 3)


def best(run_once: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        started = time.perf_counter()
        run_once()
        taken.append(time.perf_counter() - started)
    return min(taken)


def receive_in_a_process(says: str, home: Path, files: list[Path], baseline: float) -> tuple[float, float]:
    """Receive in a process of its own, so that its peak memory is its own: seconds in all, and without `JUDGING`."""
    done = subprocess.run(
        [sys.executable, __file__, "--receive", str(home), *map(str, files)], check=True, capture_output=True, text=True
    )
    *stages, last = done.stdout.splitlines()
    seconds, peak = (float(n) for n in last.split())
    slowest = sorted(stages, key=lambda line: float(line.split()[0]), reverse=True)[:8]
    print(f"{says}, its slowest steps:", *slowest, sep="\n")
    print(f"{says}: {seconds:.1f} s, {seconds / baseline:.0f} times the baseline")
    verdict(f"  peak memory {peak / 2**30:.2f} GB", peak / 2**30, MEMORY / 2**30)
    judging = sum(float(line.split()[0]) for line in stages if line.endswith(JUDGING))
    return seconds, seconds - judging


def _receive(home: Path, files: list[Path]) -> None:
    started = time.perf_counter()
    stages: list[tuple[float, str]] = []
    receipt = operations.receive(
        Home.open(home), files, by="benchmark", progress=lambda says: stages.append((time.perf_counter(), says))
    )
    ended = time.perf_counter()
    assert receipt.new, "Nothing was received."
    for (at, says), (until, _) in zip(stages, [*stages[1:], (ended, "")], strict=True):
        print(f"{until - at:8.2f} s  {says}")
    print(ended - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)


def next_week(files: Path, folder: Path) -> Path:
    """One more week of marks for every school (the last week's rows, a week on), and an extract with plans changed."""
    folder.mkdir(exist_ok=True)
    source = max(files.rglob("marks_*.csv"))
    with Database() as database:
        database.execute(f"CREATE VIEW marks AS SELECT * FROM read_csv('{source}', all_varchar = true)")
        columns = [c for (c, *_) in database.rows("DESCRIBE marks")]
        week = next(c for c in columns if "week" in c.lower())
        last = database.one(f'SELECT max("{week}") FROM marks')
        following = date.fromisoformat(last) + timedelta(weeks=1)
        database.execute(
            f"COPY (SELECT * REPLACE ('{following}' AS \"{week}\") FROM marks WHERE \"{week}\" = '{last}') "
            f"TO '{folder / 'marks_next_week.csv'}' (HEADER)"
        )
    with (files / "social_care" / "ssd" / "ssd_cin_plans.csv").open(newline="") as source_rows:
        rows = list(csv.reader(source_rows))
    start, end = (next(n for n, c in enumerate(rows[0]) if c.endswith(what)) for what in ("start_date", "end_date"))
    for row in [r for r in rows[1:] if not r[end]][:50]:
        row[end] = max(row[start], f"{following - timedelta(days=2)} 00:00:00.000")
    with (folder / "ssd_cin_plans.csv").open("w", newline="") as out:
        csv.writer(out).writerows(rows)
    return folder


CHILD_WEEKS = """SELECT * FROM register_week WHERE child_id = (SELECT min(child_id) FROM status_period)
    ORDER BY week DESC LIMIT 8"""
PERSISTENT = "SELECT year, count(*) FILTER (10 * (authorised + unauthorised) >= possible) FROM register_year GROUP BY 1"
ONE_SCHOOL = "SELECT week, sum(possible) FROM register_school_week WHERE urn = '900001' GROUP BY 1"
# The two marts are made from one register: an answer whose halves come from two snapshots would show it.
UNMIXED = """SELECT (SELECT sum(possible) FROM register_year) = (SELECT sum(possible) FROM register_school_week)
    AND (SELECT max(received) FROM delivery) IS NOT NULL"""


class Mixed(Exception):
    """One answer came from two snapshots."""


def _unmixed(opened: operations.Opened) -> None:
    if not opened.database.one(UNMIXED):
        raise Mixed


def _cohort(opened: operations.Opened) -> None:
    operations.cohort_summary(opened, Scope.everyone(), opened.as_at, opened.as_at - timedelta(weeks=4))


# Questions and how often, of twenty, each is asked.
QUESTIONS: tuple[tuple[int, Callable[[operations.Opened], object]], ...] = (
    (8, lambda o: o.database.rows(ONE_SCHOOL)),
    (4, lambda o: o.database.rows(PERSISTENT)),
    (3, _unmixed),
    (4, lambda o: o.database.rows(CHILD_WEEKS)),
    (1, _cohort),
)


def readers(home: Path, files: Path) -> None:
    """Sixteen readers, a second's thought apart, without and with a writer that builds and swaps a snapshot."""
    place = Home.open(home)
    quiet, _, _ = ask(place, SECONDS)
    print(f"16 readers: {len(quiet):,} answers, p50 {ms(quiet, 50):.0f} ms, p95 {ms(quiet, 95):.0f} ms")
    writer = multiprocessing.get_context("spawn").Process(target=rewrite, args=(home,))
    writer.start()
    busy, errors, snapshots = ask(place, SECONDS, until=writer)
    writer.join()
    print(
        f"with a writer: {len(busy):,} answers, p50 {ms(busy, 50):.0f} ms, p95 {ms(busy, 95):.0f} ms, "
        f"{errors} errors, {len(snapshots)} snapshots seen"
    )
    verdict("  p95 against that without the writer", ms(busy, 95) / ms(quiet, 95), SWAP_TIMES)
    verdict("  errors or mixed answers", errors, 0)


def rewrite(home: Path) -> None:
    """Build the current snapshot's register of the latest year again and swap it in: a forced rebuild."""
    operations.rebuild(Home.open(home), by="benchmark", everything=True)


def ms(taken: list[float], percent: int) -> float:
    return 1000 * statistics.quantiles(taken, n=100)[percent - 1]


def ask(home: Home, seconds: float, until: multiprocessing.Process | None = None) -> tuple[list[float], int, set[str]]:
    """Times of answers, errors (a mixed answer among them), and the snapshots answers came from."""
    taken: list[float] = []
    wrong: list[str] = []
    seen: set[str] = set()
    # With a writer, until some seconds after its snapshot has appeared.
    ends = [time.monotonic() + seconds]
    mix = [q for weight, q in QUESTIONS for _ in range(weight)]

    def read(n: int) -> None:
        turn = n
        while time.monotonic() < ends[0]:
            if until is not None and until.is_alive():
                ends[0] = time.monotonic() + 5
            started = time.perf_counter()
            try:
                opened = operations.opened(home)
                mix[turn % len(mix)](opened)
            except (duckdb.Error, Mixed) as error:
                wrong.append(type(error).__name__)
            taken.append(time.perf_counter() - started)
            seen.add(opened.id)
            turn += 1
            time.sleep(1)

    threads = [threading.Thread(target=read, args=(n,)) for n in range(READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return taken, len(wrong), seen


if __name__ == "__main__":
    main()

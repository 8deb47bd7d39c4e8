"""How fast, and how small, is a register kept as one row per pupil and week? Ratios are what to compare, not seconds.

    python -m benchmarks.attendance [--pupils 100000] [--years 6] [--keep FOLDER]

Invents an authority's registers over six academic years, writes them in two layouts (one row per pupil and week; one
typed row per session, sorted, which is as small) and asks both the same questions, warm, in this run, on two threads.
The weekly layout answers through the product's own functions. The rows of sessions are asked in two ways, marks classed
by a join and by lists of codes; both are spared the days on which a code held, the count of pupils, names and order.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.attendance_data import make
from sightline.engine import Database
from sightline.measures import absence, register_school_week_sql, register_year_sql, school_weeks, weekday_pattern
from sightline.measures.registers import year_sql
from sightline.vocabulary.attendance import mark_codes
from sightline.vocabulary.settings import Settings

LAST_YEAR = 2024
THREADS = 2
TARGET_SECONDS, TARGET_TIMES = 0.7, 7.0
GUARD_TIMES, GUARD_MEGABYTES = 2.0, 1024
SETTING = "partial_aggregate_pushdown"


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--pupils", type=int, default=100_000, help="pupils in a year (100,000)")
    options.add_argument("--years", type=int, default=6, help="academic years (6)")
    options.add_argument("--keep", type=Path, help="make (or use again) the files in this folder, and leave them")
    options.add_argument("--guard", nargs=2, metavar=("FOLDER", "SETTING"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.guard:
        _guarded(Path(chosen.guard[0]), chosen.guard[1])
        return
    years = range(LAST_YEAR - chosen.years + 1, LAST_YEAR + 1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        make(folder, chosen.pupils, years)
        measure(folder, years)


def measure(folder: Path, years: range) -> None:
    """Ask every question of both layouts and print what came of it."""
    with _opened(folder) as database:
        weeks, marks = database.rows("SELECT count(*), sum(length(replace(marks, '.', ''))) FROM register_week")[0]
        print(f"\n{weeks:,} pupil-weeks, {marks:,} marks, {len(years)} years; {THREADS} threads, warm\n")
        for layout, says in (("weeks", "one row per pupil and week"), ("sessions", "one row per session")):
            size = sum(f.stat().st_size for f in folder.glob(f"{layout}_*.parquet"))
            print(f"Size, {says:<28} {size / 1e6:8.1f} MB  {8 * size / marks:6.2f} bits a mark")
        plain = _best(lambda: database.rows(
            "SELECT sum(possible), sum(authorised), sum(unauthorised), sum(late) FROM register_week"
        ))  # fmt: skip
        print(f"\nPlain scan and aggregate of the counts, no groups: {plain.wall:.3f} s, {plain.cpu:.3f} CPU s")
        span: dict[str, Any] = {"start": date(years[0], 8, 1), "end": date(years[-1] + 1, 8, 1)}
        _questions(database, span, plain)
        _marts(database, span)
    print(f"\nPeak memory of this process: {_peak_megabytes():,} MB")
    _guard(folder)


def _opened(folder: Path) -> Database:
    database = Database(threads=THREADS)
    database.fill(("register_week",))
    database.add_parquet("register_week", sorted(folder.glob("weeks_*.parquet")))
    database.add_parquet("session_row", sorted(folder.glob("sessions_*.parquet")))
    database.execute("INSERT INTO person BY NAME SELECT DISTINCT child_id FROM register_week")
    database.add("code_list", mark_codes())
    database.execute(
        "CREATE TABLE codes AS SELECT packed AS code, any_value(possible)::TINYINT AS possible, "
        "bool_or(class = 'authorised')::TINYINT AS authorised, "
        "bool_or(class = 'unauthorised')::TINYINT AS unauthorised "
        "FROM code_list WHERE valid_to IS NULL OR valid_to > DATE '2017-08-01' GROUP BY packed"
    )
    return database


def _questions(database: Database, span: dict[str, Any], plain: Took) -> None:
    settings = Settings()
    in_list = _sessions_classed(database)
    joined = "session_row JOIN codes USING (code)"
    counts = "sum(possible)::INTEGER AS possible, sum(authorised)::INTEGER AS authorised, "
    counts += "sum(unauthorised)::INTEGER AS unauthorised"
    judged = "10 * (authorised + unauthorised) >= possible AS persistent, "
    judged += "2 * (authorised + unauthorised) >= possible AS severe"
    asked: list[tuple[str, Callable[[], Any], str]] = [
        (
            "Persistent and severe, by year",
            lambda: absence(database, by=["year"], settings=settings, **span),
            f"SELECT year, count(*), sum(persistent::INT), sum(severe::INT) FROM (SELECT *, {judged} FROM (SELECT "
            f"child_id, urn, {year_sql('day')} AS year, {counts} FROM {{rows}} GROUP BY ALL)) GROUP BY year",
        ),
        (
            "The same, every pupil and year out",
            lambda: absence(database, by=["child", "year"], unit="child", settings=settings, **span),
            f"SELECT *, {judged} FROM "
            f"(SELECT child_id, {year_sql('day')} AS year, {counts} FROM {{rows}} GROUP BY ALL)",
        ),
        (
            "School by week rates",
            lambda: database.query(register_school_week_sql()),
            f"SELECT urn, date_trunc('week', day) AS week, {counts} FROM {{rows}} GROUP BY ALL",
        ),
        (
            "Weekday patterns, every child",
            lambda: weekday_pattern(database, each_child=True, **span),
            f"SELECT child_id, isodow(day) AS weekday, {counts} FROM {{rows}} GROUP BY ALL",
        ),
        (
            "Weekday pattern of all",
            lambda: weekday_pattern(database, **span),
            f"SELECT isodow(day) AS weekday, {counts} FROM {{rows}} GROUP BY ALL",
        ),
    ]  # fmt: skip
    print(f"\n{'':36}{'weeks:':>15}{'':8}{'sessions, joined:':>22}{'in lists:':>22}{'times as fast':>16}")
    print(f"{'':36}{'s':>7}{'CPU s':>8}{'x plain':>8}{'s':>14}{'CPU s':>8}{'s':>14}{'CPU s':>8}{'by CPU':>16}")
    for says, by_weeks, by_sessions in asked:
        fast = _best(by_weeks)
        line = f"{says:36}{fast.wall:7.3f}{fast.cpu:8.3f}{fast.cpu / plain.cpu:8.1f}"
        times = []
        for rows in (joined, in_list):
            sql = by_sessions.format(rows=rows)
            slow = _best(lambda sql=sql: database.query(sql), times=2)  # type: ignore[misc]
            line += f"{slow.wall:14.2f}{slow.cpu:8.2f}"
            times.append(slow.cpu / fast.cpu)
        print(f"{line}{times[0]:10.1f}{times[1]:6.1f}", flush=True)
    print(f"Target: under {TARGET_SECONDS} s and at least {TARGET_TIMES:g} times as fast as rows of sessions.")
    print(f"On a machine busy with other work read the CPU columns: a quiet {THREADS} threads take about half of them.")


def _sessions_classed(database: Database) -> str:
    """The rows of sessions with the class of each mark by lists of codes, the other way of saying it."""
    columns = []
    for count in ("possible", "authorised", "unauthorised"):
        codes = database.rows(f"SELECT code FROM codes WHERE {count} = 1")
        listed = ", ".join("'" + code.replace("'", "''") + "'" for (code,) in codes)
        columns.append(f"(code IN ({listed}))::TINYINT AS {count}")
    return f"(SELECT child_id, urn, day, {', '.join(columns)} FROM session_row)"


def _marts(database: Database, span: dict[str, Any]) -> None:
    """The two small tables pages are drawn from: what they cost to make and to ask."""
    for name, sql in (("register_year", register_year_sql()), ("register_school_week", register_school_week_sql())):
        making = f"CREATE OR REPLACE TABLE {name} AS {sql}"
        made = _best(lambda making=making: database.execute(making), times=1)  # type: ignore[misc]
        rows = database.one(f"SELECT count(*) FROM {name}")
        print(f"{'Made ' + name:36}{made.wall:9.3f} s{made.cpu:8.3f} CPU s  {rows:,} rows")
    child = database.one("SELECT min(child_id) FROM person")
    tiles: list[tuple[str, Callable[[], Any]]] = [
        ("Persistent by year, from the mart", lambda: absence(database, by=["year"], settings=Settings(), **span)),
        ("One school's weeks, from the mart", lambda: school_weeks(database, urn="100000", **span)),
        ("One child's weekdays, from the weeks", lambda: weekday_pattern(database, child_id=child, **span)),
    ]
    for says, ask in tiles:
        print(f"{says:36}{1000 * _best(ask).wall:9.1f} ms")


@dataclass(frozen=True, slots=True)
class Took:
    """The least wall clock and the least processor seconds (all threads) of a few askings."""

    wall: float
    cpu: float


def _best(ask: Callable[[], Any], *, times: int = 3) -> Took:
    walls, cpus = [], []
    for _ in range(times):
        wall, cpu = time.perf_counter(), time.process_time()
        ask()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return Took(min(walls), min(cpus))


def _guard(folder: Path) -> None:
    """The query that one optimiser pass of the engine ruins, with Sightline's settings and with the engine's own."""
    print(f"\nJoin, then group {'':20}{'s':>9}{'CPU s':>8}{'peak MB':>10}")
    took: dict[str, tuple[float, int]] = {}
    for says, setting in (("as Sightline sets the engine", SETTING), ("as the engine comes", "")):
        asked = [sys.executable, "-m", "benchmarks.attendance", "--guard", str(folder), setting]
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        if done.returncode:
            # Out of memory is an answer too.
            print(f"{says:36}  did not finish: {done.stderr.strip().splitlines()[-1][:80]}")
            continue
        wall, cpu, megabytes = (float(text) for text in done.stdout.split())
        took[setting] = (cpu, int(megabytes))
        print(f"{says:36}{wall:9.2f}{cpu:8.2f}{int(megabytes):10,}")
    best = min(cpu for cpu, _ in took.values())
    met = SETTING in took and took[SETTING][0] <= GUARD_TIMES * best and took[SETTING][1] < GUARD_MEGABYTES
    limits = f"at most {GUARD_TIMES:g} times the better, under {GUARD_MEGABYTES:,} MB"
    print(f"Target: {limits}: {'met' if met else 'MISSED'}")


def _guarded(folder: Path, setting: str) -> None:
    """One process, one query: prints its seconds, processor seconds and the process's peak memory in MB.

    The year comes from the folder's name, so the engine has no statistics of it and takes groups to be as many as rows.
    """
    database = _opened(folder)
    database.execute(f"SET disabled_optimizers = '{setting}'")
    with tempfile.TemporaryDirectory() as temporary:
        for file in folder.glob("sessions_*.parquet"):
            year = Path(temporary) / f"year={file.stem.removeprefix('sessions_')}"
            year.mkdir()
            (year / file.name).symlink_to(file.resolve())
        rows = f"read_parquet('{temporary}/*/*.parquet', hive_partitioning = true) JOIN codes USING (code)"
        sql = "SELECT max(sessions), max(absent) FROM (SELECT child_id, year, count(*) AS sessions, "
        sql += f"sum(authorised + unauthorised) AS absent FROM {rows} GROUP BY ALL)"
        took = _best(lambda: database.rows(sql), times=1)
    print(took.wall, took.cpu, _peak_megabytes())


def _peak_megabytes() -> int:
    """The most memory this process has held. From /proc where there is one: the other count includes the parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) // 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()

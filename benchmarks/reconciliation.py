"""Reconciliation scored and timed: an invented authority received, and its exceptions held against what was planted.

    python benchmarks/reconciliation.py [PUPILS [SEED]] [--home FOLDER] [--times 3]

Invents an authority, receives its files (the CIN census, the case system's extract, school censuses, one school's own
system, marks and the list of suspensions), and prints how many of the planted faults were found and how many of the
exceptions have a planted cause. Then compares the sources again, in a process of its own, beside the same questions in
plain SQL (`reconciliation_sql.py`) over the same tables in another: seconds (the least of some runs), most memory, and
both as ratios. Targets: at least 99% found, at most 1% false alarms. `--home` keeps the files and the home, or uses
those that are there.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.reconciliation_sql import questions
from sightline import cohort, operations, reconciliation
from sightline.operations import Home

LEAST, MOST_FALSE = 0.99, 0.01


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("pupils", type=int, nargs="?", default=1_800)
    options.add_argument("seed", type=int, nargs="?", default=5)
    options.add_argument("--home", type=Path, help="keep the files and the home in this folder, or use what is there")
    options.add_argument("--times", type=int, default=3, help="how often each side is timed; the least counts")
    options.add_argument("--side", nargs=3, metavar=("NAME", "HOME", "TIMES"), help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.side:
        name, home, times = chosen.side
        print(json.dumps(SIDES[name](Path(home), int(times))))
        return
    with tempfile.TemporaryDirectory() as scratch:
        run(chosen.home or Path(scratch), chosen.pupils, chosen.seed, chosen.times)


def run(folder: Path, pupils: int, seed: int, times: int) -> None:
    files, home = folder / "files", Home.open(folder / "home")
    if not (files / "truth").is_dir():
        operations.synthesise(pupils, seed, files)
    if home.store.current_id() is None:
        moments: list[tuple[str, float]] = []
        operations.receive(home, [files], by="benchmark", progress=lambda says: moments.append((says, time.time())))
        ended = time.time()
        began = next(at for says, at in moments if says == "Comparing the sources")
        print(f"Received in {ended - moments[0][1]:.0f} s, of which comparing the sources {ended - began:.1f} s")
    opened = operations.opened(home)
    scored(opened, files / "truth", f"{pupils:,} pupils, seed {seed}")
    print("\nThe comparison again, beside the same questions in plain SQL (each in a process of its own)")
    print(f"{'':36}{'seconds':>9}{'peak MB':>9}{'raised':>9}")
    told = {name: _apart(name, home.path, times) for name in SIDES}
    for name, each in told.items():
        print(f"{name:36}{each['seconds']:9.2f}{each['mb']:9,}{sum(each['raised'].values()):9,}")
    ours, theirs = told["reconciliation"], told["plain SQL"]
    print(
        f"{'as a multiple of plain SQL':36}{ours['seconds'] / theirs['seconds']:9.2f}{ours['mb'] / theirs['mb']:9.2f}"
    )
    print(f"({len(ours['raised'])} rules against {len(theirs['raised'])} questions)")
    print("\nWhat each raised, where both ask: reconciliation, plain SQL")
    for rule, found in theirs["raised"].items():
        print(f"   {rule:28}{ours['raised'].get(rule, 0):9,}{found:9,}")


def scored(opened: operations.Opened, truth: Path, says: str) -> None:
    """Print how the exceptions do against the planted faults."""
    systems = ", ".join(s for (s,) in opened.database.rows("SELECT DISTINCT system FROM delivery ORDER BY system"))
    found = operations.score_exceptions(opened, truth)
    findable, hit = (sum(found.kinds[c].to_pylist()) for c in ("findable", "found"))
    raised, true = (sum(found.rules[c].to_pylist()) for c in ("raised", "true"))
    print(f"{says}, from {systems}: {found.rules.num_rows} rules raised something")
    print(f"found {hit:,} of {findable:,} faults ({found.recall:.4f})")
    print(f"{true:,} of {raised:,} exceptions have a planted cause ({found.precision:.4f})")
    met = found.recall >= LEAST and found.precision >= 1 - MOST_FALSE
    print(f"At least {LEAST:.0%} found and at most {MOST_FALSE:.0%} false: {'met' if met else 'MISSED'}")
    for title, table in (("By kind of fault", found.kinds), ("By rule", found.rules)):
        print(f"\n{title}")
        for row in table.to_pylist():
            print("  ", *row.values())


def _apart(name: str, home: Path, times: int) -> dict:
    """What one side says, in a process of its own, so that its memory is its own."""
    words = [sys.executable, "-m", "benchmarks.reconciliation", "--side", name, str(home), str(times)]
    return json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)


def _ours(home: Path, times: int) -> dict:
    kept, opened = Home.open(home), operations.opened(Home.open(home))
    database, as_at = opened.database, opened.as_at

    def compare() -> dict[str, int]:
        known = cohort.status_on(database, as_at)
        known = known.filter(pc.is_in(known["status"], pa.array(cohort.COHORT)))
        found = reconciliation.disagreements(
            database, settings=kept.settings, schools=cohort.school_names(database), cohort=known, as_at=as_at
        )
        return {row["rule"]: row["found"] or 0 for row in found.runs.to_pylist()}

    return _timed(compare, times)


def _theirs(home: Path, times: int) -> dict:
    opened = operations.opened(Home.open(home))
    asked = questions(opened.as_at.isoformat())
    return _timed(lambda: {rule: opened.database.query(sql).num_rows for rule, sql in asked.items()}, times)


def _timed(compare, times: int) -> dict:
    least, raised = float("inf"), {}
    for _ in range(times):
        began = time.perf_counter()
        raised = compare()
        least = min(least, time.perf_counter() - began)
    return {"seconds": least, "mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "raised": raised}


SIDES = {"reconciliation": _ours, "plain SQL": _theirs}


if __name__ == "__main__":
    main()

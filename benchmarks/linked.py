"""The linked data set of a nation: wall time, CPU and memory, as a multiple of reading the same files once.

    python benchmarks/linked.py [--pupils 8000000] [--engine duckdb|spark] [--memory 4GB] [--keep FOLDER]

Makes 8 million pupils by four years with 4 million plans (see linked_data.py), then links them in a process of its own.
The goals: 60 seconds on two cores, 4.5 GB with a limit of 4 GB.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import linked_data

from sightline import evaluation
from sightline.engine import Database
from sightline.evaluation import Study
from sightline.operations.study import evaluate as operation
from sightline.operations.study import study_files

PUPILS = 8_000_000
SECONDS, GIGABYTES = 60.0, 4.5


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pupils", type=int, default=PUPILS)
    options.add_argument("--engine", choices=("duckdb", "spark"), default="duckdb")
    options.add_argument("--memory", default="4GB")
    options.add_argument("--keep", type=Path, help="make (or use) the files in this folder and leave them there")
    options.add_argument("--link", type=Path, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.link:
        link(chosen.link, chosen.engine, chosen.memory)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = chosen.keep or Path(scratch)
        if not (folder / "study.toml").exists():
            started = time.perf_counter()
            linked_data.write(folder, chosen.pupils)
            print(f"invented {chosen.pupils:,} pupils in {time.perf_counter() - started:.0f} s", flush=True)
        words = [sys.executable, __file__, "--link", str(folder), "--engine", chosen.engine, "--memory", chosen.memory]
        subprocess.run([*words, "--pupils", str(chosen.pupils)], check=True)


def link(folder: Path, engine: str, memory: str) -> None:
    """Link in this process, and say what it took."""
    base = baseline(folder)
    # The plain function a study calls, with its own memory limit: nothing is measured that is not run.
    operation.MEMORY = memory
    text = (folder / "study.toml").read_text(encoding="utf-8").replace("[data]", f'[data]\nengine = "{engine}"')
    study = Study.from_toml(text)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        work = Path(scratch)
        (work / "linked").mkdir()
        started, cpu = time.perf_counter(), time.process_time()
        database = operation._linked(study, study_files.find(study, folder), work, lambda _: None)
        wall, cpu = time.perf_counter() - started, time.process_time() - cpu
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        sums = checksums(database)
        database.close()
    print(f"linked in {wall:.1f} s, {cpu:.1f} CPU s, {wall / base:.1f} times reading the files; peak {peak:.1f} GB")
    print(f"goals: {SECONDS:.0f} s {'kept' if wall <= SECONDS else 'MISSED'}, "
          f"{GIGABYTES} GB {'kept' if peak <= GIGABYTES else 'MISSED'} (for {PUPILS:,} pupils, on two cores that are "
          "free)")  # fmt: skip
    for name, told in sums.items():
        print(f"  {name}: {told[0]:,} rows, checksum {told[1]}")


def baseline(folder: Path) -> float:
    """Seconds to read every column of every file once."""
    with Database() as database:
        started = time.perf_counter()
        for path in sorted(folder.rglob("*.parquet")):
            # A hash needs every value; a minimum or a maximum would be answered from the file's own summary.
            database.one(f"SELECT sum(hash(t)) FROM '{path}' AS t")
        return time.perf_counter() - started


def checksums(database: Database) -> dict[str, tuple[int, int]]:
    """Rows and a checksum of all columns of each linked table, by which two engines or two versions are compared."""
    found = {}
    for name in evaluation.LINKED:
        columns = sorted(r[0] for r in database.rows(f'SELECT column_name FROM (DESCRIBE "{name}")'))
        told = ", ".join(f'CAST("{c}" AS VARCHAR)' for c in columns)
        found[name] = database.rows(f'SELECT count(*), coalesce(sum(hash({told})), 0) FROM "{name}"')[0]
    return found


if __name__ == "__main__":
    main()

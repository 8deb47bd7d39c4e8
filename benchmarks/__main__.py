"""Every benchmark, one after another, on this machine: `make bench`, or `python -m benchmarks [--small]`.

Each prints ratios against a baseline of its own, measured in the same run. `--small` shrinks them all, to see that they
work; its figures mean nothing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
NATION_NEEDS = 12 * 1024**3


def main() -> int:
    options = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    options.add_argument("--small", action="store_true", help="see that they work")
    small = options.parse_args().small
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        for says, run in benchmarks(Path(folder), small):
            print(f"\n== {says}", flush=True)
            started = time.perf_counter()
            if subprocess.run([sys.executable, str(HERE / run[0]), *run[1:]], check=False).returncode:
                failed.append(says)
            print(f"({time.perf_counter() - started:.0f} s)", flush=True)
    if failed:
        print("\nDid not finish: " + "; ".join(failed))
    return bool(failed)


def benchmarks(folder: Path, small: bool) -> list[tuple[str, list[str]]]:
    """What each is about, its file and its arguments."""
    pupils = ["--pupils", "2000"] if small else []
    return [
        ("CIN census", ["cin_census.py", *(["--children", "300", "3000"] if small else [])]),
        ("Rules on a CIN census", ["validation.py", *(["--children", "1000"] if small else [])]),
        ("Six years of marks", ["attendance.py", *pupils]),
        ("From files to answers", ["pipeline.py", "--keep", str(folder), *pupils]),
        ("Pages", ["pages.py", "--home", str(folder / "home"), *(["--requests", "16"] if small else [])]),
        ("Two hundred people", ["load.py", "--home", str(folder / "home"), *_few(small)]),
        ("Linkage by likeness", ["linkage.py", *pupils, *_nation(small)]),
        ("Exceptions", ["reconciliation.py", "500" if small else "4000"]),
        ("Linking a nation", ["linked.py", *pupils]),
        ("The whole annex", ["annex.py", *pupils]),
        ("Estimation", ["estimation.py", *(["--scale", "0.01"] if small else [])]),
    ]


def _few(small: bool) -> list[str]:
    return ["--minutes", "0.2", "--rate", "5", "--users", "20", "--workers", "2"] if small else []


def _nation(small: bool) -> list[str]:
    """Linkage at the size of a nation, where this machine has the memory for it."""
    if small:
        return ["--nation", "2000", "40000"]
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return ["--nation"] if free >= NATION_NEEDS else []


if __name__ == "__main__":
    sys.exit(main())

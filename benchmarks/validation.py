"""How long do all the rules take on a CIN census? Prints the ratio to its parse; run on a quiet machine.

    python benchmarks/validation.py [--children 3000 30000] [--year 2027] [--repeats 3]

Invents a census of each size as `cin_census` does (its dates are drawn at random, so that nearly every child has
something wrong: the worst case), and takes the least processor time of several repeats of: the parse into tables of
text; making them ready, with dates and flags tried; and every rule of the year. A ratio is meant to be compared from
change to change; a second is not.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from cin_census import make, verdict

from sightline.sources.cin_census.noted import Noted
from sightline.sources.cin_census.parse import parse
from sightline.validation import census, check_all

SIZES = (3_000, 30_000)
RULES_TIMES, TARGET_FROM = 3.0, 30_000  # all rules, as a multiple of the parse; a small file is mostly fixed cost


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--children", type=int, nargs="+", default=SIZES, help="children in each file")
    options.add_argument("--year", type=int, default=2027, help="collection year whose rules apply (2027)")
    options.add_argument("--repeats", type=int, default=3, help="repeats of each measure; the least counts (3)")
    chosen = options.parse_args()
    heads = ("children", "rules", "found", "parse s", "ready s", "rules s", "times", "clock s")
    print(" ".join(head.rjust(9) for head in heads))
    with tempfile.TemporaryDirectory() as folder:
        for size in chosen.children:
            path = Path(folder) / f"census_{size}.xml"
            make(path, size)
            print(row(path, size, chosen.year, chosen.repeats), flush=True)
            path.unlink()
    print(f"Target: all rules at most {RULES_TIMES} times the parse, from {TARGET_FROM:,} children.")


def row(path: Path, size: int, year: int, repeats: int) -> str:
    parsing, received, _ = least(lambda: parse(path, Noted()), repeats)
    readying, made, _ = least(lambda: census(received, year), repeats)
    checking, checks, clock = least(lambda: check_all(made), repeats)
    found = sum(check.rows.num_rows for check in checks)
    times = (readying + checking) / parsing
    cells = (
        f"{size:,}",
        f"{len(checks)}",
        f"{found:,}",
        *(f"{n:.2f}" for n in (parsing, readying, checking, times, clock)),
    )
    told = f"   {verdict(times <= RULES_TIMES)}" if size >= TARGET_FROM else ""
    return " ".join(cell.rjust(9) for cell in cells) + told


def least(task: Callable[[], Any], repeats: int) -> tuple[float, Any, float]:
    """The least processor seconds of a call (all threads), its answer, and the least seconds on the clock."""
    spent, waited, answer = [], [], None
    for _ in range(repeats):
        began, at = time.process_time(), time.perf_counter()
        answer = task()
        spent.append(time.process_time() - began)
        waited.append(time.perf_counter() - at)
    return min(spent), answer, min(waited)


if __name__ == "__main__":
    main()

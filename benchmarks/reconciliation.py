"""Reconciliation scored and timed: an invented authority received, and its exceptions held against what was planted.

python -m benchmarks.reconciliation [PUPILS [SEED]]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from sightline import operations
from sightline.operations import Home


def main(pupils: int, seed: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files, home = Path(folder) / "files", Home.open(Path(folder) / "home")
        operations.synthesise(pupils, seed, files)
        moments: list[tuple[str, float]] = []
        operations.receive(home, [files], by="benchmark", progress=lambda says: moments.append((says, time.time())))
        took = time.time() - next(at for says, at in moments if says == "Comparing the sources")
        found = operations.score_exceptions(operations.opened(home), files / "truth")
    print(f"{pupils:,} pupils, seed {seed}: {found.rules.num_rows} rules raised something; comparing took {took:.1f} s")
    print(f"recall {found.recall:.4f}, precision {found.precision:.4f}")
    for title, table in (("By kind of fault", found.kinds), ("By rule", found.rules)):
        print(f"\n{title}")
        for row in table.to_pylist():
            print("  ", *row.values())


if __name__ == "__main__":
    main(*(int(a) for a in [*sys.argv[1:], *("1800", "5")[len(sys.argv) - 1 :]]))

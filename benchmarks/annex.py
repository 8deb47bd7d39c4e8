"""Everything from a nation's extracts to written, released outputs: time by step, CPU and memory.

    python benchmarks/annex.py [--pupils 8000000] [--keep FOLDER]

Invents a nation with `sightline synthesise --national`, as large as gives about 2.1 million at each key stage, and
runs on it every table of the report and of its robustness, the mixed logit (multilevel-ks2) apart, twice: from the
files, and from the linked data an earlier run kept (the prepared data). The goal is for the second: five minutes and
4 GB on two cores. How long the models alone take is in estimation.py.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sightline import evaluation, synthetic
from sightline.operations.study.evaluate import evaluate

PUPILS = 8_000_000
MINUTES, GIGABYTES = 5.0, 4.0
SETS = '\n[outputs]\nsets = ["report", "robustness"]\n'
APART = "multilevel-ks2"
SHOWN = 8
"""Tables named one by one, the dearest first."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--pupils", type=int, default=PUPILS)
    options.add_argument("--keep", type=Path, help="make (or use) the nation in this folder and leave it there")
    options.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--says", default="", help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.run:
        run(chosen.run, chosen.says)
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = (chosen.keep or Path(scratch)) / "nation"
        if not folder.exists():
            started = time.perf_counter()
            synthetic.synthesise_national(chosen.pupils, 1, folder, more_plans=max(1.0, min(40, 2e5 / chosen.pupils)))
            study = folder / "study.toml"
            study.write_text(study.read_text(encoding="utf-8") + SETS, encoding="utf-8")
            print(f"invented {chosen.pupils:,} pupils in {time.perf_counter() - started:.0f} s", flush=True)
        for says in ("from the files", "from the prepared data"):
            for made in (folder / "evaluation" / "work" / "made").glob("*"):
                made.unlink()
            subprocess.run([sys.executable, __file__, "--run", str(folder), "--says", says], check=True)


def run(folder: Path, says: str) -> None:
    """One run in this process, with the CPU seconds of each kind of step and of the dearest tables."""
    steps: dict[str, float] = {}
    tables: dict[str, float] = {}
    last, since = "Starting", time.process_time()

    def tell(step: str) -> None:
        nonlocal last, since
        now = time.process_time()
        name, spent = last, now - since
        if " of " in name:
            tables[name.partition(" ")[0]] = spent
            name = "Tables"
        steps[name] = steps.get(name, 0.0) + spent
        last, since = step, now

    wanted = [s.id for s in evaluation.CATALOGUE if s.kind != "beyond" and not s.id.startswith(APART)]
    started, cpu = time.perf_counter(), time.process_time()
    done = evaluate(folder / "study.toml", folder / "evaluation", only=wanted, progress=tell)
    tell("Done")
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"{says}: {len(done.tables)} tables in {wall:.1f} s, {cpu:.1f} CPU s, peak {peak:.1f} GB")
    print("  CPU s: " + ", ".join(f"{name} {spent:.1f}" for name, spent in steps.items() if spent >= 0.05))
    dearest = sorted(tables.items(), key=lambda t: -t[1])[:SHOWN]
    print("  dearest tables, CPU s: " + ", ".join(f"{name} {spent:.1f}" for name, spent in dearest), flush=True)
    if says == "from the prepared data":
        print(f"goals: {MINUTES:.0f} minutes {'kept' if wall <= 60 * MINUTES else 'MISSED'}, "
              f"{GIGABYTES:.0f} GB {'kept' if peak <= GIGABYTES else 'MISSED'} (at {PUPILS:,} pupils, two "
              "free cores)")  # fmt: skip


if __name__ == "__main__":
    main()

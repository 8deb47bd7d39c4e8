"""Inventing an authority: the files it would send, and which folders of them are to be received."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

from sightline import synthetic


def synthesise(
    pupils: int,
    seed: int,
    out: Path,
    *,
    until: date = synthetic.UNTIL,
    progress: Callable[[str], None] | None = None,
) -> list[tuple[Path, str]]:
    """Write an invented authority's files below `out`, with the truth beside them; returns each file and its kind."""
    invented = synthetic.synthesise(pupils, seed, out, until=until, progress=progress)
    return [(out / f.path, f.kind) for f in invented.files]


def synthesise_national(
    pupils: int,
    seed: int,
    out: Path,
    *,
    more_plans: float = 1.0,
    progress: Callable[[str], None] | None = None,
) -> list[tuple[Path, str]]:
    """Write an invented nation's linked extracts below `out`, with what was planted and a study; each file's kind."""
    made = synthetic.synthesise_national(pupils, seed, out, more_plans=more_plans, progress=progress)
    files = [(out / f"{name}.parquet", f"{rows:,} rows") for name, rows in made.rows.items()]
    return [*files, (out / "truth.json", "what was planted"), (out / "study.toml", "a study: sightline evaluate")]

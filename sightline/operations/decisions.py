"""The decisions people take at this home: appended to a file that is never changed, and received like any other."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sightline.operations.home import Home
from sightline.sources.base import Context
from sightline.sources.decisions import lines, read

NAME = "decisions.jsonl"
_KEPT_BY = "home"
LONGEST_REASON = 1_000  # characters of a reason


def decisions_file(home: Home) -> Path | None:
    """The home's own file of decisions, or None where none has been taken."""
    path = home.path / NAME
    return path if path.is_file() and path.stat().st_size else None


def decisions_mark(home: Home) -> str:
    """What changes whenever a decision is taken at this home: an answer worked out before it does not hold after."""
    path = decisions_file(home)
    if path is None:
        return "none"
    seen = path.stat()
    return f"{seen.st_size}-{seen.st_mtime_ns}"


def moment_of(text: str) -> datetime:
    """The moment of a decision or event, as it was recorded."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def append_decisions(home: Home, decisions: Iterable[Mapping[str, Any]]) -> None:
    """Add decisions (columns of the vocabulary's `decision`) to the home's file, on disk before this returns."""
    append(home.path / NAME, lines(decisions, kept_by=_KEPT_BY))


def append(path: Path, text: bytes) -> None:
    """Add lines to a file that only grows; they are on disk before this returns."""
    if not text:
        return
    handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        size = os.fstat(handle).st_size
        # A line cut short by a crash must not swallow the next one.
        if size and os.pread(handle, 1, size - 1) != b"\n":
            text = b"\n" + text
        os.write(handle, text)
        os.fsync(handle)
    finally:
        os.close(handle)


def decisions_taken(home: Home) -> list[dict[str, Any]]:
    """One row per decision in the home's own file, whether or not a snapshot holds it yet."""
    path = decisions_file(home)
    if path is None:
        return []
    rows: list[dict[str, Any]] = read(path, Context()).tables["decision"].to_pylist()
    return rows

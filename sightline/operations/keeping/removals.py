"""The record of removals: which children left views, came back or were purged, by keyed hash and never by name.

`removals.jsonl` in the home: one line per event, each chained to the one before by its hash, so that a line changed or
taken out is found. A child stands in it as a hash under a key of the home (`retention-key`): whoever has the key and
the child's id can ask whether the child was removed, and nobody else can learn anything.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sightline.operations.home import Home
from sightline.vocabulary.errors import StoreDamaged

NAME, KEY = "removals.jsonl", "retention-key"
LEFT, BACK, PURGED = "left views", "came back", "purged"
_START = "0" * 64


@dataclass(frozen=True, slots=True)
class Removal:
    """One row per event of one child: when, what happened, why, and by whom it was run."""

    at: str
    event: str
    child: str
    why: str
    by: str


class Removals:
    """The record at one home. Reading it checks the chain."""

    def __init__(self, home: Home) -> None:
        self.path = home.path / NAME
        self._key_path = home.path / KEY

    def mark(self, child_id: str) -> str:
        """The hash a child goes by in the record."""
        return hmac.new(self._key(), child_id.encode(), hashlib.sha256).hexdigest()[:32]

    def read(self) -> list[Removal]:
        """Every event, oldest first. Raises StoreDamaged where a line was changed or taken out."""
        return [Removal(**told) for told, _ in self._lines()]

    def last(self) -> dict[str, str]:
        """The last event of each child, by the child's hash."""
        return {removal.child: removal.event for removal in self.read()}

    def append(self, event: str, child_ids: Iterable[tuple[str, str]], *, at: datetime, by: str) -> int:
        """Record one event for children, each with the reason; on disk before this returns. Returns how many."""
        lines = self._lines()
        previous = lines[-1][1] if lines else _START
        text = ""
        count = 0
        for child_id, why in child_ids:
            told = {"at": at.isoformat(timespec="seconds"), "event": event, "child": self.mark(child_id), "why": why,
                    "by": by}  # fmt: skip
            previous = _chained(previous, told)
            text += json.dumps({**told, "hash": previous}, ensure_ascii=False) + "\n"
            count += 1
        if not text:
            return 0
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)
        return count

    def _lines(self) -> list[tuple[dict[str, Any], str]]:
        if not self.path.is_file():
            return []
        previous, held = _START, []
        lines = self.path.read_bytes().split(b"\n")
        # A crash may have cut the last line short: it was never said to be recorded, and the next run says it again.
        if lines and lines[-1]:
            self._cut(len(lines[-1]))
        for number, line in enumerate(lines[:-1], 1):
            try:
                told = json.loads(line)
                said = told.pop("hash")
            except (ValueError, KeyError, AttributeError) as error:
                raise StoreDamaged(f"Line {number} of the record of removals ({NAME}) is not as written.") from error
            previous = _chained(previous, told)
            if said != previous:
                raise StoreDamaged(f"The record of removals ({NAME}) was changed at or before line {number}.")
            held.append((told, previous))
        return held

    def _cut(self, size: int) -> None:
        with self.path.open("r+b") as file:
            file.truncate(self.path.stat().st_size - size)

    def _key(self) -> bytes:
        if not self._key_path.is_file():
            if self.path.is_file() and self.path.stat().st_size:
                raise StoreDamaged(f"The key of the record of removals ({KEY}) is missing. Restore it from a backup.")
            # Made aside and linked into place: two commands that start at once must agree on one key.
            aside = self._key_path.with_name(f".{KEY}-{os.getpid()}-{secrets.token_hex(4)}")
            _write_private(aside, secrets.token_hex(32))
            try:
                os.link(aside, self._key_path)
            except FileExistsError:
                pass
            finally:
                aside.unlink()
        return self._key_path.read_bytes()


def _chained(previous: str, told: dict[str, Any]) -> str:
    text = json.dumps(told, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(f"{previous}{text}".encode()).hexdigest()


def _write_private(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(handle, text.encode())
        os.fsync(handle)
    finally:
        os.close(handle)

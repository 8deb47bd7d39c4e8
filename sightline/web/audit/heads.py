"""The last entry of each log, noted in a file of the home while the service works.

A chain shows what was changed or taken out of its middle, and nothing of entries cut off its end. What is noted must
still be there: so a cut shows too, up to what was written since the last note.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from django.conf import settings
from django.db import connection
from django.utils import timezone

if TYPE_CHECKING:
    from sightline.web.audit.models import Entry

EVERY: Final = 900  # seconds between two notes, of all processes together
_CUT: Final = "Entries were cut off the end"


def path() -> Path | None:
    """The file; None where nothing is noted (tests)."""
    held: Path | None = settings.SIGHTLINE_LOG_HEADS
    return held


def note(*, anyway: bool = False) -> None:
    """Add a line with the last entry of each log, unless one was added lately. Called outside any transaction: what is
    noted is there to stay."""
    from sightline.web.audit.models import LOGS

    file = path()
    if file is None or (not anyway and file.is_file() and time.time() - file.stat().st_mtime < EVERY):
        return
    held = {}
    for log in LOGS:
        last = log.objects.order_by("-pk").values_list("pk", "hash").first()
        if last is not None:
            held[log._meta.db_table] = list(last)
    at = timezone.now().isoformat(timespec="seconds")
    line = json.dumps({"at": at, "in": connection.vendor, "heads": held}) + "\n"
    with file.open("a", encoding="utf-8") as out:
        out.write(line)


def _noted(table: str) -> Iterator[tuple[int, str]]:
    file = path()
    if file is None or not file.is_file():
        return
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            said = json.loads(line)
            # A home that went from SQLite to PostgreSQL begins new logs there.
            entry, seal = said["heads"].get(table, (0, "")) if said.get("in") == connection.vendor else (0, "")
            if entry:
                yield int(entry), str(seal)


def cut_off(log: type[Entry], purged_to: int) -> tuple[int, str] | None:
    """The first entry known to have been written that is not there as it was, and why it is known; None where all are.

    `purged_to`: the last entry that a recorded purge took away.
    """
    table = log._meta.db_table
    wanted = {entry: seal for entry, seal in _noted(table) if entry > purged_to}
    held: dict[int, str] = {}
    for some in _in_parts(sorted(wanted)):
        held |= dict(log.objects.filter(pk__in=some).values_list("pk", "hash"))
    for entry, seal in sorted(wanted.items()):
        if held.get(entry) != seal:
            return entry, f"{_CUT}: entry {entry} was noted in {settings.SIGHTLINE_LOG_HEADS.name}, and is not there."
    if connection.vendor == "sqlite":
        # SQLite remembers the highest number it ever gave; one of a transaction that was undone does not count.
        with connection.cursor() as cursor:
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
            row = cursor.fetchone()
        last = log.objects.order_by("-pk").values_list("pk", flat=True).first() or purged_to
        if row is not None and int(row[0]) > last:
            return last + 1, f"{_CUT}: entry {row[0]} was written once, and the last there is {last}."
    return None


def _in_parts(numbers: list[int], size: int = 500) -> Iterator[list[int]]:
    for start in range(0, len(numbers), size):
        yield numbers[start : start + size]

"""What a process that is to be killed runs: one backup of a home given by path."""

from datetime import UTC, datetime
from pathlib import Path

from sightline.operations import Home
from sightline.operations.keeping.backup import backup as write


def backup(home: str, out: str) -> None:
    write(Home.open(Path(home)), Path(out), now=datetime.now(UTC))

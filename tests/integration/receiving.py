"""What a process that is to be killed runs: one receive, in a home given by path."""

from pathlib import Path

from sightline import operations
from sightline.operations import Home


def receive(home: str, files: list[str]) -> None:
    operations.receive(Home.open(Path(home)), [Path(f) for f in files], by="test")

"""Readers and writers of every kind of file, and the way in: unpack what was sent, and recognise it by content."""

from __future__ import annotations

from pathlib import Path

from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.intake import Limits, Received, head, recognise_among, unpack

# From the most specific to the least: the first that knows a file reads it.
SOURCES: tuple[Source, ...] = ()


def recognise(path: Path) -> Source:
    """The source that reads this file, told by its content alone.

    Raises UnreadableFile with one sentence on what the file looks like and what would be right.
    """
    return recognise_among(path, SOURCES)


__all__ = ["SOURCES", "Context", "Head", "Limits", "Reading", "Received", "Source", "head", "recognise", "unpack"]

"""Putting a file on disk so that it is there whole or not at all, whatever moment the power goes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

_PIECE = 1 << 20


def digest_of(path: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while piece := stream.read(_PIECE):
            digest.update(piece)
    return digest.hexdigest()


def settle(path: Path) -> None:
    """Force a file, or a folder's list of names, out to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def appear(built: Path, at: Path) -> None:
    """Move a finished file to its place in one step. Both must be on one disk."""
    at.parent.mkdir(parents=True, exist_ok=True)
    settle(built)
    built.replace(at)
    settle(at.parent)


def write_text(text: str, at: Path, work: Path) -> None:
    """Write a small file whole or not at all, replacing what was there."""
    built = work / f"{at.name}.new"
    built.write_text(text, encoding="utf-8")
    appear(built, at)

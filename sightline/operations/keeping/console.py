"""The record of children seen at the console: whoever can run commands is accountable as any other reader is."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime

from sightline.operations.home import Home


def console_user() -> str:
    """The operating system's user, by name; by number where the system has no name for it, as in a container."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def record_console_view(home: Home, purpose: str, child_ids: Iterable[str] | None) -> None:
    """Append one line to `console-access.jsonl` in the home: when, who, what was asked, and which children.

    `child_ids` is None (null in the file) where records are shown and nobody can say whose: then `purpose` tells where
    they stand, such as a delivery and line. Call before anything is shown: a view that cannot be recorded does not
    happen (the OSError stops it).
    """
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": console_user(),
        "asked": purpose,
        "child_ids": None if child_ids is None else sorted(set(child_ids)),
    }
    path = home.path / "console-access.jsonl"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, (json.dumps(entry) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)

"""The record of children seen at the console: whoever can run commands is accountable as any other reader is."""

from __future__ import annotations

import getpass
import json
import os
from collections.abc import Iterable
from datetime import UTC, datetime

from sightline.operations.home import Home


def record_console_view(home: Home, purpose: str, child_ids: Iterable[str]) -> None:
    """Append one line to `console-access.jsonl` in the home: when, who, what was asked, and which children.

    Call before anything is shown: a view that cannot be recorded does not happen (the OSError stops it).
    """
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "user": getpass.getuser(),
        "asked": purpose,
        "child_ids": sorted(set(child_ids)),
    }
    path = home.path / "console-access.jsonl"
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, (json.dumps(entry) + "\n").encode())
        os.fsync(handle)
    finally:
        os.close(handle)

"""Serves the invented authority as the demonstration does, in a process of its own: HOME PORT ACCOUNTS-FILE."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import web_authority

from sightline import operations
from sightline.web import create_demonstration_accounts, serve
from sightline.web.serving import aside

_held: dict[int, operations.Opened] = {}


def opened(home: operations.Home, **_: object) -> operations.Opened:
    """One open snapshot for each process of the server."""
    if os.getpid() not in _held:
        _held[os.getpid()] = web_authority.opened()
    return _held[os.getpid()]


# In every process, those that the server starts to one side among them.
operations.opened = opened

if __name__ == "__main__":
    home, port, accounts = Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    rows = aside(create_demonstration_accounts, home)
    accounts.write_text(json.dumps({role: [name, password] for name, password, role in rows}))
    serve(home, port=port, demonstration=True)

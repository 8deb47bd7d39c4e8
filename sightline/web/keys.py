"""Secrets the application makes for itself, once, in its home: readable by the owner alone."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from cryptography.fernet import Fernet


def kept(home: Path, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(64)) -> str:
    """The secret of that name, made on first use. Two processes that start together agree on one."""
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    path = home / name
    if not path.exists():
        # Written aside and linked into place: nobody ever reads half a secret, and the first writer wins.
        aside = home / f".{name}.{os.getpid()}.{secrets.token_hex(4)}"
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
            stream.write(make())
        try:
            os.link(aside, path)
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text(encoding="utf-8").strip()


def encryption_key() -> str:
    return Fernet.generate_key().decode()

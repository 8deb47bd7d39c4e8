"""Passwords that are refused because others know them: those that leaked, and those made of the service's own words.

The list of leaked passwords is the authority's to supply, as the public lists of SHA-1 hashes are had: one file of
hashes in order, or a folder of ranges, each named by the first five letters of its hashes. It is read where it lies: no
password and no part of a hash leaves the machine.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Any, Final

from django.core.exceptions import ValidationError

from sightline.vocabulary.errors import BadSetting

_HASH: Final = re.compile(rb"[0-9A-F]{40}(:\d+)?\s*\Z", re.IGNORECASE)
_FIRST, _LAST = "00000.txt", "FFFFF.txt"
PROBES: Final = 64
LEAST_BESIDE: Final = 8
"""Letters of its own that a password must have besides the service's words."""


def checked_list(place: str) -> str:
    """The place of a list of leaked passwords, which must look like one. Raises BadSetting."""
    path = Path(place)
    right = "a file of SHA-1 hashes in order, one to a line, or a folder of ranges from 00000.txt to FFFFF.txt"
    if path.is_dir():
        if not all((path / name).is_file() for name in (_FIRST, _LAST)):
            raise BadSetting(f"SIGHTLINE_BREACHED_PASSWORDS must be {right}. The folder {place} is not whole.")
        return place
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            probes = [_line_from(file, size * n // PROBES) for n in range(PROBES)]
    except OSError as error:
        raise BadSetting(f"SIGHTLINE_BREACHED_PASSWORDS must be {right}; {place} cannot be read.") from error
    seen = [line for _, line in probes if line]
    keys = [line[:40].upper() for line in seen]
    if not seen or not all(_HASH.match(line) for line in seen) or keys != sorted(keys):
        raise BadSetting(f"SIGHTLINE_BREACHED_PASSWORDS must be {right}. {place} is not.")
    return place


def leaked(password: str, place: Path) -> bool:
    """Whether the password is on the list. Raises OSError when the list cannot be read: then nothing is known."""
    wanted = hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()
    if place.is_dir():
        rest = wanted[5:]
        with (place / f"{wanted[:5]}.txt").open(encoding="ascii") as lines:
            return any(_counts(line[35:]) for line in lines if line[:35].upper() == rest)
    with place.open("rb") as file:
        return _in_order(file, place.stat().st_size, wanted.encode())


def _in_order(file: IO[bytes], size: int, wanted: bytes) -> bool:
    """Whether a line begins with the hash, by halving: the lists hold a thousand million lines."""
    low, high = 0, size
    while low < high:
        middle = (low + high) // 2
        start, line = _line_from(file, middle)
        if not line or start >= high:
            high = middle
            continue
        held = line[:40].upper()
        if held == wanted:
            return _counts(line[40:].decode("ascii"))
        low, high = (start + len(line), high) if held < wanted else (low, middle)
    return False


def _line_from(file: IO[bytes], offset: int) -> tuple[int, bytes]:
    """The first line that begins at the offset or after it, with where it begins; empty at the end."""
    file.seek(max(0, offset - 1))
    if offset:
        file.readline()
    return file.tell(), file.readline()


def _counts(rest: str) -> bool:
    """Whether a line stands for a password that was seen: those with a count of nought fill a range up."""
    return rest.strip().lstrip(":") != "0"


class Breached:
    """Refuses a password that is on the authority's list of leaked ones."""

    def __init__(self, place: str) -> None:
        self._place = Path(place)

    def validate(self, password: str, user: Any = None) -> None:
        try:
            found = leaked(password, self._place)
        except OSError as error:
            # Not checked is not passed.
            raise ValidationError(
                "The password could not be held against the list of leaked passwords. Tell whoever looks after the "
                "service: the list cannot be read.",
                code="not_checked",
            ) from error
        if found:
            raise ValidationError("This password is known from a data breach. Choose another.", code="breached")

    def get_help_text(self) -> str:
        return "The password must not be known from a data breach."


class OwnWords:
    """Refuses a password that is little but the words everybody here would try: the service's name, its address, and
    those the authority adds."""

    def __init__(self, words: Iterable[str]) -> None:
        self._words = sorted({w.casefold() for w in words if len(w) > 3}, key=len, reverse=True)

    def validate(self, password: str, user: Any = None) -> None:
        left = password.casefold()
        for word in self._words:
            left = left.replace(word, "")
        if left != password.casefold() and sum(c.isalpha() for c in left) < LEAST_BESIDE:
            raise ValidationError(
                "This password is little but a word that everybody here knows. Choose words of your own.",
                code="own_words",
            )

    def get_help_text(self) -> str:
        return "The password must be more than the name of the service, the council or its area."

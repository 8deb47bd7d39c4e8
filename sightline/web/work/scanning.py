"""Uploaded files held against the authority's own malware scanner before anything reads them.

The scanner is a program of the machine, such as ClamAV's `clamdscan`: it is run once for each file, whose path is its
last argument. It answers as scanners do: 0 nothing found, 1 something found, anything else is a scan that did not
happen. A scan that did not happen is not one that found nothing: the files are not read.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from django.conf import settings

from sightline.vocabulary.errors import BadSetting, SightlineError

NAME: Final = "SIGHTLINE_UPLOAD_SCANNER"
CLEAN, REPORTED = 0, 1
WAITS: Final = 600  # seconds for one file


class Reported(SightlineError):
    """The scanner reports one of the files."""


class NotScanned(SightlineError):
    """The scanner did not answer, so nobody can say what is in the files."""


def command(said: str) -> tuple[str, ...]:
    """The words of the setting, the first of them a program there is. None: no scanner. Raises BadSetting."""
    try:
        words = shlex.split(said)
    except ValueError as error:
        raise BadSetting(f"{NAME} is not a command: {error}.") from error
    if words and shutil.which(words[0]) is None:
        raise BadSetting(f"{NAME} names {words[0]}, and there is no such program here.")
    return tuple(words)


def scan(paths: Iterable[Path], *, progress: Callable[[str], None]) -> None:
    """Have each file scanned, where a scanner is set. Raises Reported for the first that it reports, and NotScanned
    where it fails."""
    words = settings.SIGHTLINE_UPLOAD_SCANNER
    if not words:
        return
    for path in paths:
        progress(f"Scanning {path.name} for malware")
        try:
            # Absolute, so that no file's name is read as an option.
            done = subprocess.run(
                [*words, str(path.resolve())], check=False, capture_output=True, stdin=subprocess.DEVNULL, timeout=WAITS
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NotScanned(
                f"The malware scanner did not answer ({type(error).__name__}), so nothing was read. Check the files "
                "again when it does."
            ) from error
        if done.returncode == REPORTED:
            raise Reported(
                f"The malware scanner reports {path.name}. No file of this upload was read, and all were removed."
            )
        if done.returncode != CLEAN:
            raise NotScanned(
                f"The malware scanner failed (exit code {done.returncode}), so nothing was read. Check the files "
                "again when it works."
            )

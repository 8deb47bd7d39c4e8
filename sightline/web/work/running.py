"""Checking and loading uploads, in a process of its own that lives on when the page is closed.

A state changes by one statement that names the state before, so no two processes work on one upload. Whatever is
killed half way leaves the store as it was: a snapshot appears whole or not at all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.db import close_old_connections, connection
from django.utils import timezone

from sightline import operations
from sightline.operations import Home
from sightline.sources.intake import NOT_FOR_RECEIPT
from sightline.vocabulary.errors import SightlineError
from sightline.web import audit
from sightline.web.work import scanning
from sightline.web.work.models import MOVES, SILENT, WAITS, State, Upload

_BEAT: Final = 10  # seconds
_NAME: Final = 120  # characters of a file's name that are kept


def keep(files: Iterable[Any], *, by: str) -> Upload:
    """Put uploaded files (Django's) in a folder of their own, to be checked; nothing is read here."""
    upload = Upload(sent_by=by, files=[], message="")
    folder = upload.folder / "files"
    folder.mkdir(parents=True, mode=0o700)
    # Who receives the folder that the home is in means the files beside it.
    (upload.folder.parent / NOT_FOR_RECEIPT).touch()
    names: list[dict[str, Any]] = []
    for file in files:
        name = _safe(file.name, {n["name"] for n in names})
        with (folder / name).open("wb") as out:
            for piece in file.chunks():
                out.write(piece)
        names.append({"name": name, "bytes": file.size})
    upload.files = names
    upload.save()
    return upload


def _safe(name: str, taken: set[str]) -> str:
    """A file's own name without anything a path could be made of; a second of the same name is numbered."""
    plain = "".join(c if c.isalnum() or c in " ._-()" else "_" for c in Path(name.replace("\\", "/")).name)
    plain = plain.strip(" .") or "file"
    stem, dot, ending = plain.rpartition(".")
    stem, ending = (stem, f".{ending[:12]}") if dot and stem else (plain, "")
    wanted, number = f"{stem[:_NAME]}{ending}", 1
    while wanted in taken:
        number += 1
        wanted = f"{stem[:_NAME]}-{number}{ending}"
    return wanted


def moved(upload: Upload, move: str, *, by: str) -> bool:
    """Take a person's move (`MOVES`); False where its state does not allow it any more."""
    end = MOVES.get(upload.state, {}).get(move)
    if end is None:
        return False
    now = timezone.now()
    changed = Upload.objects.filter(pk=upload.pk, state=upload.state).update(
        state=end, changed_at=now, heartbeat=now, message="", decided_by=by
    )
    upload.refresh_from_db()
    if changed and end == State.DISCARDED:
        shutil.rmtree(upload.folder, ignore_errors=True)
    return bool(changed)


def start() -> None:
    """Start a worker that does what waits and ends. It is a session of its own, so that it outlives this process."""
    environment = {**os.environ, "SIGHTLINE_HOME": str(settings.SIGHTLINE_HOME)}
    detached: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        detached = {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    subprocess.Popen(
        [sys.executable, "-m", "sightline.web", "work"], env=environment, stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **detached,
    )  # fmt: skip


def work(*, beat: bool = True) -> int:
    """Do everything that waits, the longest waiting first; returns how many uploads were worked on.

    `beat`: say from a thread of its own that this process lives, while long work is done.
    """
    done = 0
    while (upload := _next()) is not None:
        with _alive(upload) if beat else _quietly():
            _step(upload)
        done += 1
    return done


def reap() -> int:
    """Uploads whose worker was killed are stopped, and can be checked again; returns how many."""
    stopped = 0
    for upload in Upload.objects.filter(state__in=list(WAITS.values()), heartbeat__lt=timezone.now() - SILENT):
        shutil.rmtree(upload.folder / "scratch", ignore_errors=True)
        stopped += Upload.objects.filter(pk=upload.pk, state=upload.state, heartbeat=upload.heartbeat).update(
            state=State.FAILED,
            changed_at=timezone.now(),
            message="The work stopped before it was done. Nothing was changed. Check the files again.",
        )
    return stopped


def _next() -> Upload | None:
    """Claim the upload that has waited longest, if any."""
    for upload in Upload.objects.filter(state__in=list(WAITS)).order_by("changed_at", "pk"):
        now = timezone.now()
        end = WAITS[State(upload.state)]
        if Upload.objects.filter(pk=upload.pk, state=upload.state).update(state=end, changed_at=now, heartbeat=now):
            upload.refresh_from_db()
            return upload
    return None


def _step(upload: Upload) -> None:
    """Check or load one upload. Whatever goes wrong is said on its row; nothing is half loaded."""
    home, folder = Home.open(Path(settings.SIGHTLINE_HOME)), upload.folder
    paths = sorted((folder / "files").iterdir()) if (folder / "files").is_dir() else []
    try:
        if not paths:
            raise SightlineError("Its files are not there any more. Upload them again.")
        scanning.scan(paths, progress=_progress(upload))
        if upload.state == State.CHECKING:
            shutil.rmtree(folder / "scratch", ignore_errors=True)
            told = operations.preview(home, paths, folder / "scratch", by=upload.sent_by, progress=_progress(upload))
            good = any(f.status not in ("refused", "not needed") for f in told.receipt.files)
            _end(upload, State.CHECKED if good else State.REFUSED, preview=told.as_json())
        else:
            parent = (upload.preview or {}).get("parent", "")
            receipt = operations.load(
                home, paths, by=upload.decided_by or upload.sent_by, parent=parent, progress=_progress(upload)
            )
            _end(upload, State.LOADED, receipt=receipt.as_json(), snapshot=receipt.snapshot or "")
            # The store keeps every byte; a second copy would outlive what retention removes.
            shutil.rmtree(folder, ignore_errors=True)
    except scanning.Reported as error:
        shutil.rmtree(folder, ignore_errors=True)
        audit.security(None, "upload reported by the scanner", detail=f"upload {upload.public_id}")
        _end(upload, State.REFUSED, message=str(error)[:300])
    except SightlineError as error:
        _end(upload, State.FAILED, message=str(error)[:300])
    except Exception as error:  # noqa: BLE001  Its text may quote a record, and the row must not say "loading" for ever.
        _end(upload, State.FAILED, message=f"Sightline failed ({type(error).__name__}). Nothing was changed.")


def _end(upload: Upload, state: str, **fields: Any) -> None:
    now = timezone.now()
    Upload.objects.filter(pk=upload.pk).update(**{"message": "", "state": state, "changed_at": now, **fields})
    upload.refresh_from_db()


def _progress(upload: Upload) -> Callable[[str], None]:
    """Say on the row what is being done, once a second at most."""
    last = 0.0

    def say(message: str) -> None:
        nonlocal last
        if time.monotonic() - last >= 1:
            last = time.monotonic()
            Upload.objects.filter(pk=upload.pk).update(message=message[:300], heartbeat=timezone.now())

    return say


@contextmanager
def _alive(upload: Upload) -> Iterator[None]:
    over = threading.Event()

    def beats() -> None:
        while not over.wait(_BEAT):
            Upload.objects.filter(pk=upload.pk).update(heartbeat=timezone.now())
            close_old_connections()
        connection.close()

    thread = threading.Thread(target=beats, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _quietly() -> Iterator[None]:
    yield

"""Uploads and what becomes of them: one row per upload, so that its progress outlives the page that started it."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path
from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.utils import timezone

# A worker says every few seconds that it lives. One that has been silent for so long has been killed.
SILENT: Final = timedelta(minutes=2)


class State(models.TextChoices):
    WAITS_CHECK = "waits for check", "Waiting to be checked"
    CHECKING = "checking", "Being checked"
    CHECKED = "checked", "Checked: load it or discard it"
    REFUSED = "refused", "Nothing in it can be loaded"
    WAITS_LOAD = "waits for load", "Waiting to be loaded"
    LOADING = "loading", "Being loaded"
    LOADED = "loaded", "Loaded"
    DISCARDED = "discarded", "Discarded"
    UNDONE = "undone", "Loaded, and undone"
    FAILED = "failed", "Stopped"


# What a person may do in a state, and where it leads. A worker moves the others.
MOVES: Final[dict[str, dict[str, str]]] = {
    State.CHECKED: {"load": State.WAITS_LOAD, "discard": State.DISCARDED},
    State.REFUSED: {"discard": State.DISCARDED},
    State.FAILED: {"check": State.WAITS_CHECK, "discard": State.DISCARDED},
    State.LOADED: {"undo": State.UNDONE},
}
WAITS: Final = {State.WAITS_CHECK: State.CHECKING, State.WAITS_LOAD: State.LOADING}
UNDER_WAY: Final = (*WAITS, *WAITS.values())


class Upload(models.Model):
    """One row per upload: who sent which files when, what checking them found, and what became of them.

    `preview` and `receipt` hold counts, names of files and sentences; no record of a child.
    """

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITS_CHECK)
    sent_by = models.CharField(max_length=310)
    sent_at = models.DateTimeField(auto_now_add=True)
    changed_at = models.DateTimeField(default=timezone.now)
    heartbeat = models.DateTimeField(default=timezone.now)
    message = models.CharField(max_length=300, blank=True)
    files = models.JSONField(default=list)
    preview = models.JSONField(null=True)
    receipt = models.JSONField(null=True)
    decided_by = models.CharField(max_length=310, blank=True)
    snapshot = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering: ClassVar = ["-sent_at", "-pk"]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def folder(self) -> Path:
        """Where its files lie until they are loaded or discarded."""
        return Path(settings.SIGHTLINE_HOME) / "uploads" / str(self.public_id)

    @property
    def under_way(self) -> bool:
        return self.state in UNDER_WAY

    @property
    def moves(self) -> tuple[str, ...]:
        return tuple(MOVES.get(self.state, {}))

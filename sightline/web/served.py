"""What this process serves: its home, the newest snapshot of it, and the answers kept of that snapshot.

Nothing here knows who asks: `facts` is where a page asks, with the scope of its reader.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from functools import cache
from typing import Any, TypeVar

from django.conf import settings

from sightline import operations
from sightline.operations import Home, Opened
from sightline.vocabulary.errors import NothingHeld
from sightline.web.people.models import Projection
from sightline.web.people.projection import project
from sightline.web.trusted.purging import forget_purged

Answer = TypeVar("Answer")
_KEPT = 1024  # answers a process keeps: a few for each of two hundred people, most of a few rows
_KEPT_CHARTS = 512  # what is drawn of a choice of filters; some twenty thousand characters each


class _Answers:
    """Answers kept in this process, the least lately used forgotten first."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.held: OrderedDict[Hashable, Any] = OrderedDict()
        self.lock = threading.Lock()

    def kept(self, key: Hashable, ask: Callable[[], Answer]) -> Answer:
        with self.lock:
            if key in self.held:
                self.held.move_to_end(key)
                return self.held[key]  # type: ignore[no-any-return]
        answer = ask()
        with self.lock:
            self.held[key] = answer
            while len(self.held) > self.most:
                self.held.popitem(last=False)
        return answer

    def clear(self) -> None:
        with self.lock:
            self.held.clear()


answers, charts = _Answers(_KEPT), _Answers(_KEPT_CHARTS)


def forget() -> None:
    """Forget every answer kept: for tests, whose authorities share a name."""
    answers.clear()
    charts.clear()


@cache
def home() -> Home:
    """The home of this process. Its settings are read once: a change needs a restart."""
    return Home.open(settings.SIGHTLINE_HOME)


def open_current() -> Opened:
    """The newest snapshot, projected first when nobody has. Raises NothingHeld."""
    current = operations.opened(home(), keep_children=True)
    if not Projection.objects.filter(snapshot=current.id).exists():
        project(current)
        forget_purged(home())
    return current


def gates(sealed: frozenset[str]) -> tuple[operations.Gate, ...]:
    """Every school and team with a child to find, and whether it may see children yet. None where nothing is held.

    Sealed children are not counted: from a number beside a list that lacks a child, somebody could tell there is one.
    """
    try:
        # Asked several times for each page: the name of the newest snapshot costs less than opening it.
        newest = home().store.current_id() or open_current().id
        return answers.kept(("gates", newest, sealed), lambda: operations.match_gates(open_current(), but=sealed))
    except NothingHeld:
        return ()

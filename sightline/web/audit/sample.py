"""The month's sample of records opened: drawn by chance, the same whoever draws it, each looked into.

The chance is fixed when an entry is written: it is the entry's seal, which follows from every entry before it. So
nobody can tell beforehand what will be drawn, and anybody can draw it again from the log.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from heapq import nsmallest
from typing import Any, Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.audit.models import AccessEntry, SampledView
from sightline.web.audit.review import CHOSEN, days
from sightline.web.people.models import BrokenGlass, Grant

MONTHS_BACK: Final = 12
LEAST_NOTE, LONGEST_NOTE = 10, 300
GLASS: Final = "broken glass "
OUTCOMES: Final[Mapping[str, str]] = dict(SampledView.Outcome.choices)


@dataclass(frozen=True, slots=True)
class Drawn:
    """One record opened: its entry, on which grounds, how often the person opened that record in the month, and what
    reviewing it found (None: it waits)."""

    entry: AccessEntry
    grounds: str
    times: int
    found: SampledView | None


def months(today: date) -> list[date]:
    """The first day of each month that is over, newest first. A month that is not over has no sample yet."""
    found, first = [], today.replace(day=1)
    for _ in range(MONTHS_BACK):
        first = (first - timedelta(days=1)).replace(day=1)
        found.append(first)
    return found


def opened_in(month: date) -> QuerySet[AccessEntry]:
    """The entries of a month in which a person opened one child's record."""
    after = (month + timedelta(days=31)).replace(day=1)
    return AccessEntry.objects.filter(
        days(month, after - timedelta(days=1)), action__in=CHOSEN, outcome="shown", actor_id__isnull=False
    )


def sample(month: date) -> list[int]:
    """The entries drawn of a month that is over, `access_sample_views` at most, in the order they are drawn in. A
    larger number draws the same ones first."""
    rows = opened_in(month)
    last = rows.order_by("-pk").values_list("hash", flat=True).first()
    return list(_drawn(month, settings.SIGHTLINE_CHOSEN.access_sample_views, rows.count(), last)) if last else []


@lru_cache(maxsize=32)
def _drawn(month: date, size: int, count: int, last: str) -> tuple[int, ...]:
    # A month that is over changes by a purge alone: `count` and `last` say whether it did.
    rows = opened_in(month).values_list("hash", "pk").iterator(chunk_size=5000)
    ranked = ((hashlib.sha256(f"{month} {seal}".encode()).hexdigest(), pk) for seal, pk in rows)
    return tuple(pk for _, pk in nsmallest(size, ranked))


def waiting(month: date) -> int:
    """How many of a month's sample nobody has reviewed."""
    drawn = sample(month)
    return len(drawn) - SampledView.objects.filter(entry__in=drawn).values("entry").distinct().count()


def drawn(month: date) -> list[Drawn]:
    """The sample of a month, oldest entry first."""
    rows = {e.pk: e for e in AccessEntry.objects.filter(pk__in=sample(month))}
    found = _found(rows)
    people = {e.actor_id for e in rows.values()}
    shown = opened_in(month).filter(actor_id__in=people).values_list("actor_id", "child_ids")
    often = Counter((actor, child) for actor, children in shown.iterator(chunk_size=5000) for child in children)
    grants = {g.pk: g for g in Grant.objects.filter(pk__in={pk for e in rows.values() for pk in e.grants})}
    emergencies = [_glass(e) for e in rows.values()]
    broken = {g.pk: g for g in BrokenGlass.objects.filter(pk__in=[n for n in emergencies if n is not None])}
    return [
        Drawn(
            entry,
            _grounds(entry, grants, broken),
            max((often[entry.actor_id, child] for child in entry.child_ids), default=1),
            found.get(pk),
        )
        for pk, entry in sorted(rows.items())
    ]


def _found(entries: Iterable[int]) -> dict[int, SampledView]:
    """The newest answer about each entry."""
    return {row.entry: row for row in SampledView.objects.filter(entry__in=entries).order_by("pk")}


def _glass(entry: AccessEntry) -> int | None:
    said = entry.purpose.removeprefix(GLASS)
    return int(said) if entry.purpose.startswith(GLASS) and said.isdigit() else None


def _grounds(entry: AccessEntry, grants: Mapping[int, Grant], broken: Mapping[int, BrokenGlass]) -> str:
    """On which grounds the record was open to the person: an emergency, or why they were given the role.

    What somebody wrote of an emergency speaks of one child: the Virtual School Head reads it and asks, and nobody else.
    """
    glass = broken.get(_glass(entry) or 0)
    if glass is not None:
        asked = f"seen by {glass.seen_by}" if glass.seen_at else "not yet seen by a Virtual School Head"
        return f"Opened in an emergency ({asked}, who reads the reason)"
    held = [grants[pk] for pk in entry.grants if pk in grants]
    told = "; ".join(dict.fromkeys(f"{g.get_scope_display()}: {g.reason}" for g in held))
    return told or "The role is not recorded any more"


def answer(request: HttpRequest, month: date, *, entry: int, outcome: str, note: str) -> None:
    """Record what reviewing one entry of a month's sample found.

    Raises BadSetting for an entry that was not drawn, for one's own, for an outcome there is not, and without the words
    that an outcome other than "in order" needs.
    """
    note = " ".join(note.split())
    if entry not in sample(month):
        raise BadSetting("That view is not in the sample of the month.")
    if outcome not in OUTCOMES:
        raise BadSetting("Choose what was found.")
    if outcome != SampledView.Outcome.IN_ORDER and not LEAST_NOTE <= len(note) <= LONGEST_NOTE:
        raise BadSetting(f"Say what was found, in {LEAST_NOTE} to {LONGEST_NOTE} characters. Do not name the child.")
    if AccessEntry.objects.get(pk=entry).actor_id == request.user.pk:
        raise BadSetting("Nobody reviews their own views.")
    with transaction.atomic():
        before = _found([entry]).get(entry)
        SampledView.objects.create(
            month=month, entry=entry, outcome=outcome, note=note[:LONGEST_NOTE], by=request.user.get_username()
        )
        audit.changed(
            request, "sampled view reviewed", f"access entry {entry}",
            before={"outcome": before.outcome} if before is not None else None, after={"outcome": outcome},
            purpose=note or "Monthly sample",
        )  # fmt: skip


def results() -> list[dict[str, Any]]:
    """One row per month that was reviewed, newest first: how many views were looked into, by what was found."""
    newest: dict[int, SampledView] = {row.entry: row for row in SampledView.objects.order_by("pk")}
    counted: dict[date, Counter[str]] = {}
    for row in newest.values():
        counted.setdefault(row.month, Counter())[row.outcome] += 1
    return [
        {"month": f"{month:%B %Y}", "reviewed": found.total(), "found": [found[o] for o in OUTCOMES]}
        for month, found in sorted(counted.items(), reverse=True)
    ]

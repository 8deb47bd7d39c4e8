"""Reviewing the logs: entries found by person, kind and day, and what stands out. No child is named here."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from sightline.vocabulary.settings import Settings
from sightline.web.audit.models import LOGS, AccessEntry

OPENED = ("viewed", "break-glass", "exported", "printed")
# Of those, where the person chose the child: a file or a print is of everybody on a list.
CHOSEN = ("viewed", "break-glass")
NAMES = {"access": LOGS[0], "change": LOGS[1], "security": LOGS[2]}
KIND = {"access": "action", "change": "action", "security": "event"}


@dataclass(frozen=True, slots=True)
class Pattern:
    """Something that stands out: whose it is, how often, when last, and the sentence with the limit it passed. It may
    be good work; somebody asks."""

    kind: str
    actor_id: int
    times: int
    last: datetime | date
    says: str


def days(first: date, last: date) -> Q:
    """Entries of these days, both included, by the clock here."""
    begin = timezone.make_aware(datetime.combine(first, time.min))
    return Q(at__gte=begin, at__lt=timezone.make_aware(datetime.combine(last + timedelta(days=1), time.min)))


def entries(
    log: str, *, first: date, last: date, actor: int | None = None, kind: str = "", refused: bool = False
) -> QuerySet[Any]:
    """The entries of one log on these days, newest first: of one person, of one kind, refusals alone, where asked."""
    rows = NAMES[log].objects.filter(days(first, last))
    if actor is not None:
        rows = rows.filter(actor_id=actor)
    if kind:
        rows = rows.filter(**{KIND[log]: kind})
    if refused and log == "access":
        rows = rows.filter(outcome="refused")
    return rows.order_by("-pk")


def patterns(
    first: date, last: date, chosen: Settings, surnames: Mapping[int, str], alike: Callable[..., dict[int, int]]
) -> list[Pattern]:
    """What stands out on these days, most frequent first.

    Records opened out of hours; more children opened in one hour, or more refusals in one day, than the settings say;
    a child of the same surname as the person's own (`surnames` by person; `alike` answers, for the surname of each
    person and the children they opened, how many bear it: it alone knows the children's names).
    """
    shown = AccessEntry.objects.filter(days(first, last), actor_id__isnull=False)
    begin, end = chosen.working_hours
    late: dict[int, list[datetime]] = defaultdict(list)
    hourly: dict[tuple[int, datetime], set[str]] = defaultdict(set)
    chosen_by: dict[int, set[str]] = defaultdict(set)
    newest: dict[int, datetime] = {}
    rows = shown.filter(action__in=OPENED).values_list("actor_id", "at", "action", "child_ids")
    for actor, moment, action, child_ids in rows.iterator(chunk_size=5000):
        here = timezone.localtime(moment)
        if not begin <= here.hour < end:
            late[actor].append(here)
        hourly[actor, here.replace(minute=0, second=0, microsecond=0)].update(child_ids)
        if action in CHOSEN:
            chosen_by[actor].update(child_ids)
            newest[actor] = max(here, newest.get(actor, here))
    many: dict[int, list[tuple[int, datetime]]] = defaultdict(list)
    for (actor, hour), children in hourly.items():
        if len(children) > chosen.children_an_hour:
            many[actor].append((len(children), hour))
    named = {a: (surnames[a], children) for a, children in chosen_by.items() if surnames.get(a)}
    found = [
        *(
            Pattern("Out of hours", actor, len(ats), max(ats), f"Opened records before {begin}:00 or from {end}:00.")
            for actor, ats in late.items()
        ),
        *(
            Pattern(
                "Many children",
                actor,
                len(held),
                max(hour for _, hour in held),
                f"Opened up to {max(n for n, _ in held):,} children in one hour; the limit is "
                f"{chosen.children_an_hour:,}.",
            )
            for actor, held in many.items()
        ),
        *_refused(shown, chosen.refusals_a_day),
        *(
            Pattern(
                "Same surname",
                actor,
                n,
                newest[actor],
                f"Opened {n:,} {'child' if n == 1 else 'children'} with the person’s own surname.",
            )
            for actor, n in (alike(named) if named else {}).items()
            if n
        ),
    ]
    return sorted(found, key=lambda p: (-p.times, p.kind, p.actor_id))


def _refused(shown: QuerySet[AccessEntry], most: int) -> list[Pattern]:
    rows = shown.filter(outcome="refused").annotate(day=TruncDate("at")).values("actor_id", "day")
    grouped: dict[int, list[tuple[int, date]]] = defaultdict(list)
    for row in rows.annotate(n=Count("pk")).filter(n__gt=most).order_by():
        grouped[row["actor_id"]].append((row["n"], row["day"]))
    return [
        Pattern(
            "Refused",
            actor,
            sum(n for n, _ in held),
            max(day for _, day in held),
            f"Refused up to {max(n for n, _ in held):,} times in one day; the limit is {most:,}.",
        )
        for actor, held in grouped.items()
    ]

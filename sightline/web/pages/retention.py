"""What is kept, shown and removed: the page of whoever governs information. It counts children and names none."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sightline.operations.keeping import removals, retention
from sightline.vocabulary.errors import NothingHeld, StoreDamaged
from sightline.web import facts
from sightline.web.authz.access import from_everybody
from sightline.web.authz.matrix import ROLES
from sightline.web.people.models import Restriction
from sightline.web.retention import gate

NIGHTS = 30


def view(request: HttpRequest) -> HttpResponse:
    context: dict[str, Any] = {"held": False, "roles": {key: role.name for key, role in ROLES.items()}}
    context |= _record()
    try:
        opened = facts.open_current()
    except NothingHeld:
        return render(request, "retention/page.html", context)
    on = max(opened.as_at, timezone.localdate())
    # A sealed record has the same clocks, and is counted on no page.
    sealed = from_everybody(timezone.localdate())[Restriction.Kind.SEALED]
    rows = [row for row in retention.clocks_on(facts.home(), opened, on) if row.child_id not in sealed]
    counted = Counter(row.state for row in rows)
    context |= {
        "held": True,
        "on": on,
        "states": [(state, says, counted[state]) for state, says in retention.SAYS.items()],
        "due": sum(1 for _ in retention.due(rows, on)),
        "stopped": sum(row.held for row in rows),
        "bases": [(basis, basis.holds(on)) for basis in gate.register().bases],
        "settings": {s.name: s for s in opened.settings.explain()},
    }
    return render(request, "retention/page.html", context)


def _record() -> dict[str, Any]:
    """The newest runs that recorded something, by day and event; or what is wrong with the record."""
    try:
        rows = removals.Removals(facts.home()).read()
    except StoreDamaged as error:
        return {"nights": [], "broken": str(error)}
    counted = Counter((date.fromisoformat(row.at[:10]), row.event, row.by) for row in rows)
    return {"nights": sorted(counted.items(), reverse=True)[:NIGHTS], "broken": ""}

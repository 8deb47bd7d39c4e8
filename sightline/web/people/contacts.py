"""How to reach a social worker or a team's manager: the address of whoever holds that role here over that reference.

Social care extracts name workers and give no address of theirs; the accounts of this service do.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Final

from django.db.models import Q, QuerySet

from sightline.web.authz.access import current
from sightline.web.people.models import Allocation, Grant, ScopeKind

WORKER: Final = "social_worker"
MANAGER: Final = "team_manager"


def of_workers(refs: Iterable[str | None], today: date) -> dict[str, str]:
    """The address of each of these social workers who has an account today, by the worker's reference."""
    wanted = {ref for ref in refs if ref}
    if not wanted:
        return {}
    grants = _held(WORKER, today).filter(scope=ScopeKind.OWN, worker_ref__in=wanted)
    return {ref: email for ref, email in grants.order_by("-pk").values_list("worker_ref", "user__email") if email}


def of_children(child_ids: Iterable[str], day: date, today: date) -> dict[str, str]:
    """The address of the social worker each of these children is allocated to on a day, by child (the newest)."""
    rows = Allocation.objects.filter(current(day), child__child_id__in=list(child_ids)).exclude(worker_ref="")
    worker_of = dict(rows.order_by("start_date", "pk").values_list("child__child_id", "worker_ref"))
    addresses = of_workers(worker_of.values(), today)
    return {child: addresses[ref] for child, ref in worker_of.items() if ref in addresses}


def managers_of(team_ref: str | None, today: date) -> list[tuple[str, str]]:
    """The names and addresses of those who manage a team here today, by name."""
    if not team_ref:
        return []
    grants = _held(MANAGER, today).filter(scope=ScopeKind.TEAM, team_ref=team_ref).select_related("user")
    return sorted({(grant.user.called, grant.user.email) for grant in grants})


def _held(role: str, today: date) -> QuerySet[Grant]:
    now = Q(valid_from__lte=today) & (Q(valid_to__isnull=True) | Q(valid_to__gt=today))
    return Grant.objects.filter(now, role=role, user__is_active=True)

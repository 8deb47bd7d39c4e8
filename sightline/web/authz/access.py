"""What one person may see at this moment: their grants, the role they act in, and the children that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from sightline.vocabulary.tables import Sensitivity
from sightline.web.authz.matrix import ROLES, Role
from sightline.web.people.models import Allocation, Child, Enrolment, Grant, PlanPeriod, Restriction, ScopeKind


@dataclass(frozen=True, slots=True)
class Access:
    """A person acting in one role: the grants of that role that hold today, and the other roles they could act in."""

    user_id: int
    role: Role | None
    grants: tuple[Grant, ...]
    roles: tuple[Role, ...]
    today: date

    def reads(self, sensitivity: Sensitivity) -> bool:
        return self.role is not None and self.role.reads(sensitivity)

    @property
    def schools(self) -> frozenset[str] | None:
        """The only schools whose own records this person may read, or None when there is no such limit."""
        if self.grants and all(g.scope == ScopeKind.SCHOOL for g in self.grants):
            return frozenset(g.urn for g in self.grants)
        return None


def access_of(user: Any, *, acting_as: str | None = None, today: date | None = None) -> Access:
    """The person's access today, in the role they chose if they still hold it, else in their first."""
    today = today or timezone.localdate()
    grants = [
        g
        for g in Grant.objects.filter(user_id=user.pk, valid_from__lte=today).order_by("pk")
        if g.valid_to is None or g.valid_to > today
    ]
    held = {g.role for g in grants}
    roles = tuple(role for key, role in ROLES.items() if key in held)
    role = next((r for r in roles if r.key == acting_as), roles[0] if roles else None)
    mine = tuple(g for g in grants if role is not None and g.role == role.key)
    return Access(user.pk, role, mine, roles, today)


def current(on: date) -> Q:
    return (Q(start_date__isnull=True) | Q(start_date__lte=on)) & (Q(end_date__isnull=True) | Q(end_date__gt=on))


def hidden_from(access: Access) -> QuerySet[Restriction]:
    """The restrictions that hide children from this person today: sealed to all, or this person named."""
    return Restriction.objects.filter(
        Q(kind=Restriction.Kind.SEALED) | Q(users=access.user_id),
        Q(valid_to__isnull=True) | Q(valid_to__gt=access.today),
        valid_from__lte=access.today,
    )


def visible_to(access: Access, *, on: date | None = None) -> QuerySet[Child]:
    """The children this person may see: nothing without a grant, and never a restricted child.

    `on` is the day on which allocations, rolls and plans must hold: today, or the newest day the data speak of when
    that is later. Scope comes from these dated facts, so that leaving a caseload or a roll ends access that night.
    """
    on = on or access.today
    if access.role is None or not access.grants:
        return Child.objects.none()
    children = Child.objects.filter(held=True).exclude(
        pk__in=hidden_from(access).values("child_id"),
    )
    if access.role.statuses is not None:
        with_plan = PlanPeriod.objects.filter(current(on), child=OuterRef("pk"), status__in=access.role.statuses)
        children = children.filter(Exists(with_plan))
    if any(g.scope == ScopeKind.AUTHORITY for g in access.grants):
        return children
    # An empty Q() means everything to Django, so it starts from nothing.
    reached = Q(pk__in=[])
    for grant in access.grants:
        facts: QuerySet[Allocation] | QuerySet[Enrolment]
        match grant.scope:
            case ScopeKind.TEAM:
                facts = Allocation.objects.filter(current(on), team_ref=grant.team_ref)
            case ScopeKind.OWN:
                facts = Allocation.objects.filter(current(on), worker_ref=grant.worker_ref)
            case ScopeKind.SCHOOL:
                facts = Enrolment.objects.filter(current(on), urn=grant.urn)
            case _:
                raise ValueError("A grant has a scope that nobody reads.")
        # Not Exists: from one school's roll to its children is short, from every child to its school is long.
        reached |= Q(pk__in=facts.values("child_id"))
    return children.filter(reached)

"""What one person may see at this moment: their grants, the role they act in, and the children that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from sightline.operations import Gate
from sightline.vocabulary.tables import Sensitivity
from sightline.web import served
from sightline.web.authz import matched
from sightline.web.authz.matrix import AS_SET, CHILDREN, FIGURES, NOBODY, PAGES, ROLES, Role
from sightline.web.people.models import (
    Allocation,
    BrokenGlass,
    Child,
    EarlyHelp,
    Enrolment,
    Grant,
    NamedReview,
    PlanPeriod,
    Restriction,
    Review,
    School,
    ScopeKind,
)
from sightline.web.retention.gate import looked_back_to, shown_by_name

OF_SCHOOLS = frozenset({ScopeKind.SCHOOL, ScopeKind.TRUST})
ALL = "all"


class Hidden:
    """Stands for a value the role may not read. Never blank, so that nobody takes it for "none"."""

    words = "Not shared with your role"

    def __str__(self) -> str:
        return self.words


HIDDEN = Hidden()


@dataclass(frozen=True, slots=True)
class Access:
    """A person acting in one role: the grants of that role that hold today, and the other roles they could act in.

    `schools`: the only schools whose own records this person may read, or None when there is no such limit. `opens`:
    the statuses one of which a child must have to be opened by a role that sees "as set" (None: any). `glass`: the
    children (by key) whose records this person has opened in an emergency, and which are open still. `sealed`: the
    children (by Sightline's id) hidden from everybody today, who are counted nowhere; `confidential`: those whose
    address is hidden from everybody.
    """

    user_id: int
    role: Role | None
    grants: tuple[Grant, ...]
    roles: tuple[Role, ...]
    today: date
    schools: frozenset[str] | None = None
    opens: frozenset[str] | None = None
    glass: frozenset[int] = frozenset()
    sealed: frozenset[str] = frozenset()
    confidential: frozenset[str] = frozenset()

    def reads(self, sensitivity: Sensitivity) -> bool:
        return self.role is not None and self.role.reads(sensitivity)

    @property
    def may_break_glass(self) -> bool:
        """Whether the person is one of the few who may open a record in an emergency: a grant they hold says so."""
        return any(grant.break_glass for grant in self.grants)

    @property
    def of_early_help(self) -> bool:
        """Whether the children of this person are those on Early Help."""
        return any(grant.scope == ScopeKind.EARLY_HELP for grant in self.grants)

    @property
    def sees(self) -> str:
        """What this person sees: CHILDREN, FIGURES or NOBODY."""
        if self.role is None or not self.grants:
            return NOBODY
        if self.role.sees == AS_SET:
            return FIGURES if self.opens is not None and not self.opens else CHILDREN
        return self.role.sees

    def may_open(self, page: str, method: str = "GET") -> bool:
        """Whether this person, signed in, may open the page of that name. A page of children is for those who see
        children."""
        held = PAGES[page]
        role = self.role.key if self.role is not None else None
        opens = self.sees == CHILDREN or (held.shows == "child" and bool(self.glass))
        return held.allows(method, signed_in=True, role=role) and (not held.of_children or opens)

    def gates(self) -> list[Gate]:
        """The gates of this person's own teams and schools, open or not."""
        teams = {g.team_ref for g in self.grants if g.scope == ScopeKind.TEAM}
        schools = self.schools or frozenset()
        if not teams and not schools:
            return []
        return [g for g in served.gates(self.sealed) if g.ref in (teams if g.kind == matched.TEAM else schools)]

    def closed(self) -> list[Gate]:
        """Those of them that show this person no child yet."""
        return [gate for gate in self.gates() if not gate.is_open]


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
    hidden = from_everybody(today)
    return Access(
        user.pk, role, mine, roles, today, _schools(mine), _opens(role), _glass(user.pk, mine),
        sealed=hidden[Restriction.Kind.SEALED], confidential=hidden[Restriction.Kind.ADDRESS],
    )  # fmt: skip


def from_everybody(day: date) -> dict[str, frozenset[str]]:
    """The children (by Sightline's id) whom a restriction hides from everybody on a day: sealed, or as to where they
    live."""
    kinds = (Restriction.Kind.SEALED, Restriction.Kind.ADDRESS)
    rows = list(in_force(day).filter(kind__in=kinds).values_list("kind", "child__child_id"))
    return {kind: frozenset(child for held, child in rows if held == kind) for kind in kinds}


def _schools(grants: tuple[Grant, ...]) -> frozenset[str] | None:
    if not grants or any(g.scope not in OF_SCHOOLS for g in grants):
        return None
    trusts = [g.trust_ref for g in grants if g.scope == ScopeKind.TRUST]
    of_trusts = School.objects.filter(trust_ref__in=trusts).values_list("urn", flat=True) if trusts else ()
    return frozenset([g.urn for g in grants if g.scope == ScopeKind.SCHOOL]).union(of_trusts)


def _glass(user_id: int, grants: tuple[Grant, ...]) -> frozenset[int]:
    if not any(grant.break_glass for grant in grants):
        return frozenset()
    still = BrokenGlass.objects.filter(user_id=user_id, ends_at__gt=timezone.now())
    return frozenset(still.values_list("child_id", flat=True))


def _opens(role: Role | None) -> frozenset[str] | None:
    chosen = settings.SIGHTLINE_CHOSEN.officers_open
    return None if role is None or role.sees != AS_SET or chosen == (ALL,) else frozenset(chosen)


def current(on: date) -> Q:
    return (Q(start_date__isnull=True) | Q(start_date__lte=on)) & (Q(end_date__isnull=True) | Q(end_date__gt=on))


def hidden_from(access: Access) -> QuerySet[Restriction]:
    """The restrictions that hide children from this person today: sealed to all, or this person named."""
    return in_force(access.today).filter(
        Q(kind=Restriction.Kind.SEALED) | Q(kind=Restriction.Kind.CONFLICT, users=access.user_id)
    )


def in_force(on: date) -> QuerySet[Restriction]:
    return Restriction.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=on), valid_from__lte=on)


def visible_to(access: Access, *, on: date | None = None) -> QuerySet[Child]:
    """The children this person may see one by one: nothing without a grant, and never a restricted child.

    `on` is the day on which allocations, rolls and plans must hold: today, or the newest day the data speak of when
    that is later. Scope comes from these dated facts, so that leaving a caseload or a roll ends access that night. A
    child whose plan has ended is shown by name only for as long as a recorded basis holds (`retention.gate`).
    """
    if access.sees != CHILDREN:
        return Child.objects.none()
    on = on or access.today
    children = counted_for(access, on=on).filter(pk__in=shown_by_name(access.role, on).values("child_id"))
    if access.opens is not None:
        children = children.filter(_has_status(access.opens, on))
    return children


def helped_by(access: Access, *, on: date | None = None) -> QuerySet[Child]:
    """The children on Early Help today whom this person may see for that alone, plan or none: nobody without a grant
    over Early Help, and never a restricted child. What social care holds of them is for `visible_to` to say."""
    on = on or access.today
    if access.sees != CHILDREN or not access.of_early_help:
        return Child.objects.none()
    now = EarlyHelp.objects.filter(current(on))
    return Child.objects.filter(held=True, pk__in=now.values("child_id")).exclude(
        pk__in=hidden_from(access).values("child_id")
    )


def openable_by(access: Access, *, on: date | None = None) -> QuerySet[Child]:
    """The children whose own pages this person may open: those they see, those on Early Help where that is theirs, and
    those opened in an emergency."""
    reached = [visible_to(access, on=on)]
    if access.of_early_help:
        reached.append(helped_by(access, on=on))
    if access.glass:
        reached.append(
            Child.objects.filter(pk__in=access.glass, held=True).exclude(pk__in=hidden_from(access).values("child_id"))
        )
    if len(reached) == 1:
        return reached[0]
    wanted = Q(pk__in=[])
    for children in reached:
        wanted |= Q(pk__in=children.values("pk"))
    return Child.objects.filter(wanted)


def counted_for(access: Access, *, on: date | None = None) -> QuerySet[Child]:
    """The children counted in the figures this person may see: those of their grants, opened or not."""
    on = on or access.today
    if access.role is None or not access.grants or access.sees == NOBODY:
        return Child.objects.none()
    children = Child.objects.filter(held=True).exclude(
        pk__in=hidden_from(access).values("child_id"),
    )
    if access.role.statuses is not None:
        looked_back = Q(pk__in=looked_back_to(access.role, on).values("child_id"))
        children = children.filter(_has_status(access.role.statuses, on) | looked_back)
    if any(g.scope == ScopeKind.AUTHORITY for g in access.grants):
        return children
    # An empty Q() means everything to Django, so it starts from nothing.
    reached = Q(pk__in=[])
    for grant in access.grants:
        # Not Exists: from one school's roll to its children is short, from every child to its school is long.
        for facts in _facts(grant, on, access.sealed):
            reached |= Q(pk__in=facts.values("child_id"))
    return children.filter(reached)


def _facts(grant: Grant, on: date, sealed: frozenset[str]) -> tuple[QuerySet[Any], ...]:
    """The dated facts from which the scope of a grant follows."""
    now = current(on)
    if not matched.is_open(grant, sealed):
        return ()
    match grant.scope:
        case ScopeKind.TEAM:
            return (Allocation.objects.filter(now, team_ref=grant.team_ref),)
        case ScopeKind.OWN:
            return (Allocation.objects.filter(now, worker_ref=grant.worker_ref),)
        case ScopeKind.SCHOOL:
            return (Enrolment.objects.filter(now, urn=grant.urn),)
        case ScopeKind.TRUST:
            schools = School.objects.filter(trust_ref=grant.trust_ref).exclude(
                urn__in=matched.closed(matched.SCHOOL, sealed)
            )
            return (Enrolment.objects.filter(now, urn__in=schools.values("urn")),)
        case ScopeKind.REVIEWING:
            return tuple(m.objects.filter(now, worker_ref=grant.worker_ref) for m in (Review, NamedReview))
        case ScopeKind.EARLY_HELP:
            return (EarlyHelp.objects.filter(now),)
        case _:
            raise ValueError("A grant has a scope that nobody reads.")


def _has_status(statuses: frozenset[str], on: date) -> Exists:
    return Exists(PlanPeriod.objects.filter(current(on), child=OuterRef("pk"), status__in=statuses))

"""One account for each role, for the demonstration on invented data."""

from __future__ import annotations

import secrets
from datetime import date, timedelta
from pathlib import Path

from sightline.operations.keeping import lawful
from sightline.web.serving import migrate, prepare

MADE_BY, REASON = "demonstration", "Demonstration on invented data"
REVIEWER = "demonstration-reviewer"
SERVICE, TEAMS_OF_SERVICE = "service_manager", 3
IN_EMERGENCIES = "team_manager"  # who may open a record in an emergency


def create_demonstration_accounts(home: Path) -> list[tuple[str, str, str]]:
    """One row per account: user name, password and role, in the order of the permission matrix.

    Passwords are made anew at each call and kept nowhere but as hashes. The accounts are refused outside the
    demonstration. Social worker, team and school are those with the most children to show. Raises NothingHeld when
    nothing has been received.
    """
    prepare(home, demonstration=True)
    migrate()
    _record_a_basis(home)

    from django.db import transaction

    from sightline.web import facts
    from sightline.web.accounts.inviting import UNNAMED, grant
    from sightline.web.accounts.models import User
    from sightline.web.authz.matrix import ROLES
    from sightline.web.people.models import Grant

    facts.open_current()
    rows = []
    with transaction.atomic():
        for role in ROLES.values():
            scope = min(role.scopes)  # the widest, where a role has several
            over = _busiest(scope) or (_named_reviews() if scope == "reviewing" else "")
            username = role.key.replace("_", "-")
            user, _made = User.objects.get_or_create(
                username=username,
                defaults={"email": f"{username}@sightline.example", "demonstration": True},
            )
            password = "-".join(secrets.token_hex(3) for _ in range(3))
            user.first_name, user.last_name = _called(role.name, scope, over)
            user.set_password(password)
            user.save()
            # The children of a new snapshot may have other workers: the account follows the busiest.
            Grant.objects.filter(user=user).delete()
            if scope in UNNAMED or over:
                # A service is several teams; the others are over one thing each.
                for each in (over, *_next_busiest(scope, over)) if role.key == SERVICE else (over,):
                    grant(user, role=role.key, scope=scope, over=each, by=MADE_BY, reason=REASON)
                Grant.objects.filter(user=user, role=IN_EMERGENCIES).update(break_glass=True)
            rows.append((username, password, role.name))
    return rows


def _record_a_basis(home: Path) -> None:
    """A lawful basis for the invented authority, for a year from today, where none is recorded."""
    register = home / lawful.NAME
    if not register.is_file():
        today = date.today()
        text = lawful.EXAMPLE.replace("2026-09-01", str(today)).replace("2027-09-01", str(today + timedelta(days=365)))
        register.write_text(text, encoding="utf-8")


def _named_reviews() -> str:
    """Name the children of one worker as a reviewing officer's, where no care system sends who reviews whom."""
    from sightline.web.people.models import Allocation, NamedReview

    worker = _busiest("own")
    if not worker:
        return ""
    NamedReview.objects.filter(made_by=MADE_BY).delete()
    rows = Allocation.objects.filter(worker_ref=worker, end_date=None).values_list("child_id", "start_date")
    NamedReview.objects.bulk_create(
        NamedReview(child_id=child, worker_ref=REVIEWER, start_date=start, made_by=MADE_BY, reason=REASON)
        for child, start in rows.distinct()
    )
    return REVIEWER


def _called(role: str, scope: str, over: str) -> tuple[str, str]:
    return (role, "") if scope != "own" else (_worker_name(over) or role, "")


def _worker_name(worker_ref: str) -> str:
    from sightline.web.people.models import Allocation

    found = Allocation.objects.filter(worker_ref=worker_ref).exclude(worker_name="").order_by("pk").first()
    return found.worker_name[:150] if found is not None else ""


def _busiest(scope: str) -> str:
    """The team, school or worker with the most children on a plan today; an empty text where none is known."""
    return next(iter(_busy(scope)), "")


def _next_busiest(scope: str, first: str) -> list[str]:
    return [ref for ref in _busy(scope) if ref != first]


def _busy(scope: str) -> list[str]:
    """The few teams, schools or workers with the most children on a plan today, those whose match rate lets them see
    children before one that waits."""
    from django.db.models import Count, Exists, OuterRef

    from sightline.web.accounts.inviting import UNNAMED
    from sightline.web.authz import matched
    from sightline.web.authz.access import current, from_everybody
    from sightline.web.people.models import Allocation, Enrolment, PlanPeriod, Projection, Restriction, Review, School

    if scope in UNNAMED:
        return []
    from django.utils import timezone

    projection = Projection.objects.get()
    on = max(projection.as_at, timezone.localdate())
    if scope == "trust":
        school = _busiest("school")
        trust = School.objects.filter(urn=school).values_list("trust_ref", flat=True).first()
        return [trust] if trust else []
    model, column = {
        "team": (Allocation, "team_ref"),
        "own": (Allocation, "worker_ref"),
        "reviewing": (Review, "worker_ref"),
        "school": (Enrolment, "urn"),
    }[scope]
    plans = PlanPeriod.objects.filter(current(on), child=OuterRef("child"), status__in=["CP plan", "CIN plan"])
    found = (
        model.objects.filter(current(on), Exists(plans))
        .exclude(**{column: ""})
        .values(column)
        .annotate(children=Count("child", distinct=True))
        .order_by("-children", column)
        .values_list(column, flat=True)
    )
    waits = matched.closed(scope, from_everybody(timezone.localdate())[Restriction.Kind.SEALED])
    open_now = [str(ref) for ref in found if ref not in waits] or [str(ref) for ref in found[:1]]
    return open_now[:TEAMS_OF_SERVICE]

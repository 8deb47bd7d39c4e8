"""Who may sign in, and the roles they are given: proposed by one person, approved by another, reviewed each quarter."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.db import transaction
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.accounts.inviting import NAMED, UNNAMED, invitation_for
from sightline.web.accounts.models import User
from sightline.web.authz.matrix import ROLES
from sightline.web.people.models import Grant, ProposedGrant

LEAST_REASON = 10
LONGEST_DAYS = 366 * 2


def propose(
    request: HttpRequest,
    *,
    user: User,
    role: str,
    scope: str,
    over: str,
    valid_to: date,
    reason: str,
    break_glass: bool = False,
) -> ProposedGrant:
    """Propose a role for somebody else, with an end. It gives nothing until another person approves it.

    Raises BadSetting when it could not be given: to oneself, over a scope the role does not have, without an end
    within two years, or without a reason.
    """
    today = timezone.localdate()
    if user.pk == request.user.pk:
        raise BadSetting("Nobody proposes a role for themselves.")
    if role not in ROLES or scope not in ROLES[role].scopes:
        held = ", ".join(sorted(ROLES[role].scopes)) if role in ROLES else ""
        raise BadSetting(f"That role can be given over: {held}." if held else "There is no such role.")
    if (scope in UNNAMED) != (not over.strip()):
        raise BadSetting("Say which team, school (URN), trust or worker the role is over, and nothing for the others.")
    if not today < valid_to <= today + timedelta(days=LONGEST_DAYS):
        raise BadSetting("A role ends on a day after today, within two years.")
    if len(reason.strip()) < LEAST_REASON:
        raise BadSetting(f"Say why, in {LEAST_REASON} characters or more.")
    with transaction.atomic():
        made = ProposedGrant.objects.create(
            user=user, role=role, scope=scope, over=over.strip(), valid_from=today, valid_to=valid_to,
            reason=reason.strip(), break_glass=break_glass, proposed_by_id=request.user.pk,
        )  # fmt: skip
        audit.changed(request, "grant proposed", f"proposal {made.pk}", after=_fields(made), purpose=reason)
    return made


def waiting() -> QuerySet[ProposedGrant]:
    """What has been proposed and waits for another person, oldest first."""
    return ProposedGrant.objects.filter(decided_at__isnull=True).select_related("user", "proposed_by").order_by("pk")


def why_not(proposed: ProposedGrant, user_id: int) -> str:
    """Why this person may not decide it, in the sentence they read; empty when they may."""
    if proposed.decided_at is not None:
        return "This was decided already."
    if user_id == proposed.proposed_by_id:
        return "Another person than the one who proposed it decides."
    return "Nobody decides about their own role." if user_id == proposed.user_id else ""


def decide(request: HttpRequest, proposed: ProposedGrant, *, approve: bool) -> str:
    """Approve or turn down a proposal. Returns the path of a link when the person has never signed in, else nothing.

    Raises BadSetting for who proposed it and for who it is for.
    """
    with transaction.atomic():
        proposed = ProposedGrant.objects.select_for_update().get(pk=proposed.pk)
        refusal = why_not(proposed, int(request.user.pk or 0))
        if refusal:
            raise BadSetting(refusal)
        proposed.decided_by_id, proposed.decided_at = request.user.pk, timezone.now()
        proposed.approved = approve
        proposed.save(update_fields=["decided_by", "decided_at", "approved"])
        name = "grant approved" if approve else "grant turned down"
        if not approve:
            audit.changed(request, name, f"proposal {proposed.pk}", after=_fields(proposed), purpose=proposed.reason)
            return ""
        given = Grant.objects.create(
            user=proposed.user, role=proposed.role, scope=proposed.scope, valid_from=timezone.localdate(),
            valid_to=proposed.valid_to, granted_by=f"{proposed.proposed_by.username}, {request.user.get_username()}",
            reason=proposed.reason, break_glass=proposed.break_glass, confirmed_at=timezone.now(),
            confirmed_by=request.user.get_username(),
            **({NAMED[proposed.scope]: proposed.over} if proposed.scope in NAMED else {}),
        )  # fmt: skip
        audit.changed(request, name, f"grant {given.pk}", after=_fields(proposed), purpose=proposed.reason)
        audit.security(request, "grant given", user=proposed.user, detail=f"grant {given.pk} {proposed.role}")
        return "" if proposed.user.is_active else invitation_for(proposed.user, by=request.user.get_username())


def reinvite(request: HttpRequest, user: User) -> str:
    """A new link for somebody who lost a password or a factor: neither works from now on, nor any session."""
    if user.pk == request.user.pk:
        raise BadSetting("Nobody invites themselves again.")
    with transaction.atomic():
        end_sessions(user)
        path = invitation_for(user, by=request.user.get_username())
        audit.changed(request, "invited again", f"user {user.pk}", purpose="invited again")
    return path


def end_grant(request: HttpRequest, grant: Grant, *, reason: str) -> None:
    """End a role today. Raises BadSetting for one's own."""
    if grant.user_id == request.user.pk:
        raise BadSetting("Nobody ends or confirms their own role.")
    with transaction.atomic():
        before, grant.valid_to = grant.valid_to, timezone.localdate()
        grant.save(update_fields=["valid_to"])
        audit.changed(request, "grant ended", f"grant {grant.pk}", before={"valid_to": before},
                      after={"valid_to": grant.valid_to}, purpose=reason)  # fmt: skip
        audit.security(request, "grant ended", user=grant.user, detail=f"grant {grant.pk} {grant.role}")


def confirm_grant(request: HttpRequest, grant: Grant) -> None:
    """Say that a person still needs a role. Raises BadSetting for one's own."""
    if grant.user_id == request.user.pk:
        raise BadSetting("Nobody ends or confirms their own role.")
    with transaction.atomic():
        before = grant.confirmed_at
        grant.confirmed_at, grant.confirmed_by = timezone.now(), request.user.get_username()
        grant.save(update_fields=["confirmed_at", "confirmed_by"])
        audit.changed(request, "grant confirmed", f"grant {grant.pk}", before={"confirmed_at": before},
                      after={"confirmed_at": grant.confirmed_at}, purpose="access review")  # fmt: skip


def close_account(request: HttpRequest, user: User, *, reason: str) -> None:
    """Close an account: no sign-in, no session, no role from today. Raises BadSetting for one's own."""
    if user.pk == request.user.pk:
        raise BadSetting("Nobody closes their own account.")
    with transaction.atomic():
        user.is_active = False
        user.save(update_fields=["is_active"])
        for grant in in_force().filter(user=user):
            end_grant(request, grant, reason=reason)
        end_sessions(user)
        audit.changed(request, "account closed", f"user {user.pk}", before={"is_active": True},
                      after={"is_active": False}, purpose=reason)  # fmt: skip


def end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()


def in_force() -> QuerySet[Grant]:
    today = timezone.localdate()
    return Grant.objects.filter(Q(valid_to__isnull=True) | Q(valid_to__gt=today)).select_related("user")


def to_review() -> list[tuple[Grant, bool]]:
    """Every role in force, and whether it must be confirmed again or ended: the longest unconfirmed first."""
    late = timezone.now() - timedelta(days=settings.SIGHTLINE_CHOSEN.access_review_days)
    rows = [(g, (g.confirmed_at or _given(g)) < late) for g in in_force()]
    return sorted(rows, key=lambda r: (r[0].confirmed_at or _given(r[0]), r[0].pk))


def _given(grant: Grant) -> datetime:
    return timezone.make_aware(datetime.combine(grant.valid_from, time.min))


def _fields(proposed: ProposedGrant) -> dict[str, Any]:
    return {
        "user": proposed.user.username,
        "role": proposed.role,
        "scope": proposed.scope,
        "over": proposed.over,
        "valid_to": proposed.valid_to,
        "break_glass": proposed.break_glass,
    }

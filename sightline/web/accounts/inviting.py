"""Making accounts: by invitation, and for the demonstration."""

from __future__ import annotations

import hashlib
import secrets
from datetime import date, timedelta
from smtplib import SMTPException

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.accounts.models import Invitation, ProviderIdentity, User
from sightline.web.authz.matrix import ROLES
from sightline.web.people.models import Grant

INVITATION_DAYS = 7
UNNAMED = frozenset({"authority", "early help", "nobody"})  # scopes that are over nothing in particular
NAMED = {"team": "team_ref", "school": "urn", "trust": "trust_ref", "own": "worker_ref", "reviewing": "worker_ref"}


def invite(
    *,
    email: str,
    username: str,
    name: str,
    role: str,
    scope: str,
    over: str = "",
    by: str,
    reason: str,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> str:
    """Make an account with one grant and return the path of the link with which it is taken up.

    `over` is the team's, school's, trust's or worker's reference that the scope is over. An account that exists gets
    the grant and a new link: its password and second factor no longer work. Raises BadSetting on an unknown role or a
    scope the role cannot have.
    """
    if role not in ROLES:
        raise BadSetting(f"There is no role {role!r}. There are: {', '.join(ROLES)}.")
    if scope not in ROLES[role].scopes:
        raise BadSetting(f"The role {role} can be given over: {', '.join(sorted(ROLES[role].scopes))}.")
    if scope not in UNNAMED and not over:
        raise BadSetting(f"Say which {'worker' if scope in ('own', 'reviewing') else scope} the role is over.")
    with transaction.atomic():
        user, _made = User.objects.get_or_create(username=username, defaults={"email": email.lower()})
        if user.email != email.lower():
            raise BadSetting("That user name belongs to another email address.")
        user.first_name = name[:150]
        user.save()
        path = invitation_for(user, by=f"{by}: {role} over {scope}")
        grant(user, role=role, scope=scope, over=over, by=by, reason=reason, valid_from=valid_from, valid_to=valid_to)
    return path


def invitation_for(user: User, *, by: str) -> str:
    """The path of a link with which an account is taken up; what let the person in before does so no longer."""
    token = secrets.token_urlsafe(32)
    with transaction.atomic():
        user.is_active = False
        user.set_unusable_password()
        user.save()
        Authenticator.objects.filter(user=user).delete()
        ProviderIdentity.objects.filter(user=user).delete()
        Invitation.objects.filter(user=user, used_at__isnull=True).delete()
        Invitation.objects.create(
            user=user, token_hash=_hash(token), expires_at=timezone.now() + timedelta(days=INVITATION_DAYS)
        )
        audit.security(None, "invited", user=user, detail=f"by {by}"[:200])
    return reverse("accept_invitation", args=[token])


def send_link(request: HttpRequest, user: User, link: str) -> bool:
    """Send the link of an invitation to the person's own address; whether the mail server took it.

    The mail says which service and until when, and nothing of a role or of any child. That it went, or did not, is in
    the security log.
    """
    until = timezone.localtime(timezone.now() + timedelta(days=INVITATION_DAYS))
    name = settings.SIGHTLINE_NAME
    try:
        send_mail(
            f"{name}: your invitation",
            f"You have been invited to use {name}. Choose a password here:\n\n{link}\n\n"
            f"The link works once, until {day_in_words(until)}. Keep it to yourself. If you did not expect it, "
            "leave it alone and tell whoever looks after the service.\n",
            None,
            [user.email],
        )
    except (OSError, SMTPException) as failed:
        audit.security(request, "invitation not sent", user=user, detail=type(failed).__name__)
        return False
    audit.security(request, "invitation sent by e-mail", user=user, detail=f"by {request.user.get_username()}"[:200])
    return True


def grant(
    user: User,
    *,
    role: str,
    scope: str,
    over: str,
    by: str,
    reason: str,
    valid_from: date | None = None,
    valid_to: date | None = None,
) -> Grant:
    """Give a role over a scope; an equal grant in force is kept as it is."""
    over_what = {NAMED[scope]: over} if scope in NAMED else {}
    held = Grant.objects.filter(user=user, role=role, scope=scope, valid_to=valid_to, **over_what).first()
    return held or Grant.objects.create(
        user=user,
        role=role,
        scope=scope,
        valid_from=valid_from or timezone.localdate(),
        valid_to=valid_to,
        granted_by=by,
        reason=reason,
        **over_what,
    )


def open_invitation(token: str) -> Invitation | None:
    """The invitation of a link, when it has not been used and is not over."""
    return (
        Invitation.objects.filter(token_hash=_hash(token), used_at__isnull=True, expires_at__gt=timezone.now())
        .select_related("user")
        .first()
    )


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

"""Opening a record in an emergency, outside one's own children: a named few, a reason, a second factor, one hour."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from smtplib import SMTPException
from typing import Any

from allauth.account.authentication import get_authentication_records
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.accounts.models import User
from sightline.web.authz.access import Access, hidden_from
from sightline.web.people.models import BrokenGlass, Child, Grant

LEAST_REASON = 20
FRESH_SECONDS = 600
TOLD = "virtual_school_head"


def factor_given_again(request: HttpRequest, access: Access) -> bool:
    """Whether the second factor was given again in this session, lately, and since the last time the glass was broken.

    The demonstration has no second factor.
    """
    if settings.SIGHTLINE_DEMONSTRATION:
        return True
    given = [
        record["at"]
        for record in get_authentication_records(request, request.user)
        if record.get("method") == "mfa" and record.get("reauthenticated")
    ]
    last = BrokenGlass.objects.filter(user_id=access.user_id).order_by("-at").values_list("at", flat=True).first()
    used = last.timestamp() if last is not None else 0.0
    return bool(given) and max(given) > max(used, time.time() - FRESH_SECONDS)


def break_glass(request: HttpRequest, child_id: str, *, reason: str) -> BrokenGlass:
    """Open one child's record to this person for the minutes of the setting, and tell the Virtual School Head.

    Raises BadSetting, in words that do not say whether the child is known, when the person may not, the reason says
    nothing, or a restriction hides the child: restrictions win.
    """
    access: Access = request.access  # type: ignore[attr-defined]
    if not access.may_break_glass or not factor_given_again(request, access):
        raise BadSetting("Only the few who are named may do this, with their second factor given again.")
    if len(reason.strip()) < LEAST_REASON:
        raise BadSetting(f"Say why this cannot wait, in {LEAST_REASON} characters or more.")
    hidden = hidden_from(access).values("child_id")
    child = Child.objects.filter(child_id=child_id, held=True).exclude(pk__in=hidden).first()
    if child is None:
        audit.refused(request, "break-glass")
        raise BadSetting("There is no such child whose record can be opened.")
    now = timezone.now()
    with transaction.atomic():
        made = BrokenGlass.objects.create(
            user_id=access.user_id,
            child=child,
            at=now,
            ends_at=now + timedelta(minutes=settings.SIGHTLINE_CHOSEN.break_glass_minutes),
            reason=reason.strip(),
        )
        audit.disclosed(request, [child.child_id], action="break-glass", purpose=f"broken glass {made.pk}")
        audit.security(request, "broke the glass", user=request.user, detail=f"broken glass {made.pk}")
    _tell(request, made)
    return made


def untold() -> Any:
    """What no Virtual School Head has marked as seen."""
    return BrokenGlass.objects.filter(seen_at__isnull=True)


def seen(request: HttpRequest, made: BrokenGlass) -> None:
    """A Virtual School Head has seen it and answers for asking. Not by the person who did it."""
    if made.user_id == request.user.pk:
        raise BadSetting("Somebody else than the person who opened the record marks it as seen.")
    with transaction.atomic():
        made.seen_by, made.seen_at = request.user.get_username(), timezone.now()
        made.save(update_fields=["seen_by", "seen_at"])
        audit.changed(request, "broken glass seen", f"broken glass {made.pk}", after={"seen_by": made.seen_by},
                      purpose="seen")  # fmt: skip


def heads(now: datetime) -> list[User]:
    """The people who hold the role of Virtual School Head today."""
    today = timezone.localdate(now)
    held = Grant.objects.filter(role=TOLD, valid_from__lte=today).filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=today)
    )
    return list(User.objects.filter(is_active=True, pk__in=held.values("user_id")).exclude(email=""))


def _tell(request: HttpRequest, made: BrokenGlass) -> None:
    """An e-mail with a link and nothing else; the notice on the page of the day stands whether it arrives or not."""
    link = request.build_absolute_uri(reverse("break_glass_log"))
    for head in heads(made.at):
        try:
            send_mail(
                f"{settings.SIGHTLINE_NAME}: a record was opened in an emergency",
                f"A record was opened in an emergency. Sign in to see by whom and why:\n\n{link}\n",
                None,
                [head.email],
            )
        except (OSError, SMTPException) as failed:
            audit.security(request, "notice not sent", user=head, detail=type(failed).__name__)

"""Hiding a child, ending it, and naming who reviews it: each with who decided and why, in the change log."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.http import HttpRequest
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.people.models import Child, NamedReview, Restriction

LEAST_REASON = 10


def restrict(
    child: Child,
    *,
    kind: str,
    reason: str,
    by: Any,
    users: Sequence[Any] = (),
    until: date | None = None,
    request: HttpRequest | None = None,
) -> Restriction:
    """Hide a child from today: from everybody (sealed), named people (conflict), or as to where it lives (address).

    Raises BadSetting when the kind is none, a conflict names nobody, or the reason says nothing.
    """
    if kind not in Restriction.Kind.values:
        raise BadSetting(f"A restriction is one of: {', '.join(Restriction.Kind.values)}.")
    if (kind == Restriction.Kind.CONFLICT) != bool(users):
        raise BadSetting("A conflict of interest names the people it is with, and no other restriction does.")
    if len(reason.strip()) < LEAST_REASON:
        raise BadSetting(f"Say why, in {LEAST_REASON} characters or more.")
    today = timezone.localdate()
    if until is not None and until <= today:
        raise BadSetting("A restriction ends on a day after today, or is left without an end.")
    with transaction.atomic():
        made = Restriction.objects.create(
            child=child, kind=kind, valid_from=today, valid_to=until, reason=reason.strip(), made_by=by.get_username()
        )
        made.users.set(users)
        audit.changed(
            request, "restriction made", f"restriction {made.pk}", after=_fields(made, users), purpose=reason, user=by,
            child_ids=[child.child_id],
        )  # fmt: skip
    return made


def lift(restriction: Restriction, *, reason: str, by: Any, request: HttpRequest | None = None) -> None:
    """End a restriction today. Nobody lifts one that hides a child from themselves. Raises BadSetting."""
    if len(reason.strip()) < LEAST_REASON:
        raise BadSetting(f"Say why, in {LEAST_REASON} characters or more.")
    if restriction.users.filter(pk=by.pk).exists():
        raise BadSetting("A conflict of interest is ended by somebody else than the person it is with.")
    with transaction.atomic():
        before = restriction.valid_to
        restriction.valid_to = timezone.localdate()
        restriction.save(update_fields=["valid_to"])
        audit.changed(
            request, "restriction ended", f"restriction {restriction.pk}", before={"valid_to": before},
            after={"valid_to": restriction.valid_to}, purpose=reason, user=by, child_ids=[restriction.child.child_id],
        )  # fmt: skip


def name_reviewer(
    child: Child, *, worker_ref: str, reason: str, by: Any, request: HttpRequest | None = None
) -> NamedReview:
    """Name the child's reviewing officer from today, where no care system sends it; whoever was named before is not
    from today. Raises BadSetting without an officer or a reason."""
    if not worker_ref.strip():
        raise BadSetting("Say which reviewing officer, by the reference their role is over.")
    if len(reason.strip()) < LEAST_REASON:
        raise BadSetting(f"Say why, in {LEAST_REASON} characters or more.")
    today = timezone.localdate()
    with transaction.atomic():
        before = NamedReview.objects.filter(Q(end_date__isnull=True) | Q(end_date__gt=today), child=child)
        were = ", ".join(sorted(before.values_list("worker_ref", flat=True)))
        before.update(end_date=today)
        made = NamedReview.objects.create(
            child=child,
            worker_ref=worker_ref.strip(),
            start_date=today,
            made_by=by.get_username(),
            reason=reason.strip(),
        )
        audit.changed(
            request, "reviewing officer named", f"named review {made.pk}", before={"worker_ref": were},
            after={"worker_ref": made.worker_ref}, purpose=reason, user=by, child_ids=[child.child_id],
        )  # fmt: skip
    return made


def _fields(made: Restriction, users: Sequence[Any]) -> dict[str, Any]:
    return {
        "kind": made.kind,
        "valid_from": made.valid_from,
        "valid_to": made.valid_to,
        "users": ", ".join(sorted(u.get_username() for u in users)),
    }

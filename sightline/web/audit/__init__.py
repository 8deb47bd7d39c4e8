"""Who saw which child, who changed what, and who came in: never changed, each entry chained to the last.

`disclosed` and `refused` write the access log before the page leaves, `changed` the change log in the transaction of
the change, `security` the security log. `purge` takes away what is past its retention, and says so.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest

if TYPE_CHECKING:
    from sightline.web.audit.models import Purge

lines = logging.getLogger("sightline.audit")


def disclosed(
    request: HttpRequest,
    child_ids: Iterable[str],
    *,
    action: str,
    fields: Iterable[str] = (),
    purpose: str = "",
) -> None:
    """Record that these children are shown in the answer to this request. Nothing is shown when this fails."""
    _access(request, action, sorted(child_ids), fields, purpose, "shown")
    request.disclosure_recorded = True  # type: ignore[attr-defined]


def refused(request: HttpRequest, what: str, *, purpose: str = "") -> None:
    """Record a refusal: a page the role may not open, or a child out of scope (by the id that was asked for)."""
    _access(request, "refused", [], (), purpose or what, "refused")


def security(request: HttpRequest | None, event: str, *, user: Any = None, detail: str = "") -> None:
    """Record a sign-in, a refusal, or a change of password, factor or grant."""
    from sightline.web.audit.models import SecurityEntry

    entry = SecurityEntry.append(
        actor_id=user.pk if user is not None else None,
        actor_label=user.get_username() if user is not None else "",
        session_hash=_session_hash(request),
        address=address_of(request),
        event=event,
        detail=detail,
        request_id=getattr(request, "id", ""),
    )
    said = {"log": "security", "entry": entry.pk, "actor": entry.actor_id, "event": event, "seal": entry.hash}
    lines.info(json.dumps(said))


def changed(
    request: HttpRequest | None,
    action: str,
    subject: str,
    *,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    purpose: str,
    user: Any = None,
    child_ids: Iterable[str] = (),
) -> None:
    """Record a change a person made, in the transaction that makes it. Only the fields that differ are kept.

    `user` names who made it where there is no request. A change without somebody who made it raises ValueError.
    """
    from sightline.web.audit.models import ChangeEntry

    who = user if user is not None else getattr(request, "user", None)
    if who is None or not who.is_authenticated:
        raise ValueError("A change is recorded with the person who made it.")
    old, new = _plain(before), _plain(after)
    entry = ChangeEntry.append(
        actor_id=who.pk,
        actor_label=who.get_username(),
        session_hash=_session_hash(request),
        address=address_of(request),
        action=action,
        subject=subject,
        child_ids=sorted(child_ids),
        before={k: v for k, v in old.items() if new.get(k) != v},
        after={k: v for k, v in new.items() if k not in old or old[k] != v},
        purpose=purpose[:300],
        request_id=getattr(request, "id", ""),
    )
    said = {"log": "change", "entry": entry.pk, "actor": entry.actor_id, "action": action, "seal": entry.hash}
    lines.info(json.dumps(said))


def _plain(fields: Mapping[str, Any] | None) -> dict[str, Any]:
    held = (fields or {}).items()
    return {k: v if v is None or isinstance(v, bool | int | float | str) else str(v) for k, v in held}


def purge(*, before: datetime, by: str) -> list[Purge]:
    """Take away the entries of each log that are older than a moment; one row per log that had any.

    What is purged is first recorded, in a table nothing is taken from and in the security log, with the hash the chain
    goes on from: the logs can be verified as before. The database refuses to purge what is younger than a year.
    """
    from django.db import transaction

    from sightline.web.audit.models import LOGS, PURGED, AccessEntry, Purge, ShownChild

    made = []
    with transaction.atomic():
        for log in LOGS:
            first_kept = log.objects.filter(at__gte=before).order_by("pk").values_list("pk", flat=True).first()
            old = log.objects.filter(at__lt=before)
            old = old.filter(pk__lt=first_kept) if first_kept is not None else old
            last = old.order_by("-pk").first()
            if last is None:
                continue
            entry = Purge.objects.create(
                log=log._meta.db_table,
                last_entry=last.pk,
                last_hash=last.hash,
                last_at=last.at,
                entries=old.count(),
                made_by=by,
            )
            security(None, PURGED, detail=entry.said())
            if log is AccessEntry:
                shown = ShownChild.objects.filter(entry__lte=last.pk)
                shown._raw_delete(shown.db)
            gone = log.objects.filter(pk__lte=last.pk)
            gone._raw_delete(gone.db)
            made.append(entry)
    return made


def _access(
    request: HttpRequest, action: str, child_ids: list[str], fields: Iterable[str], purpose: str, outcome: str
) -> None:
    from sightline.web.audit.models import AccessEntry

    access = getattr(request, "access", None)
    match = request.resolver_match
    signed_in = request.user.is_authenticated
    entry = AccessEntry.append(
        actor_id=request.user.pk if signed_in else None,
        actor_label=request.user.get_username() if signed_in else "",
        role=access.role.key if access is not None and access.role is not None else "",
        grants=[g.pk for g in access.grants] if access is not None else [],
        session_hash=_session_hash(request),
        address=address_of(request),
        action=action,
        child_ids=child_ids,
        field_classes=sorted(str(f) for f in fields),
        page=match.view_name if match is not None else "",
        purpose=purpose,
        outcome=outcome,
        request_id=getattr(request, "id", ""),
    )
    said = {"log": "access", "entry": entry.pk, "actor": entry.actor_id, "action": action, "children": len(child_ids),
            "seal": entry.hash}  # fmt: skip
    lines.info(json.dumps(said))


def _session_hash(request: HttpRequest | None) -> str:
    session = getattr(request, "session", None)
    key = session.session_key if session is not None else None
    return hashlib.sha256(key.encode()).hexdigest() if key else ""


def address_of(request: HttpRequest | None) -> str:
    """The network address a request came from: the one the proxy saw, where there is a proxy."""
    if request is None:
        return ""
    if settings.SIGHTLINE_BEHIND_PROXY:
        # The proxy appends the address it saw; what stands before it is the caller's own word.
        return request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()[:45]
    return request.META.get("REMOTE_ADDR", "")[:45]

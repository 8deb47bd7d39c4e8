"""Who saw which child, and who came in: written before the page leaves, never changed, each entry chained to the last.

`disclosed` and `refused` write the access log, `security` the security log; `verify` reads a log through and says
where it was tampered with.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.http import HttpRequest

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
        address=_address(request),
        event=event,
        detail=detail,
        request_id=getattr(request, "id", ""),
    )
    lines.info(json.dumps({"log": "security", "entry": entry.pk, "actor": entry.actor_id, "event": event}))


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
        address=_address(request),
        action=action,
        child_ids=child_ids,
        field_classes=sorted(str(f) for f in fields),
        page=match.view_name if match is not None else "",
        purpose=purpose,
        outcome=outcome,
        request_id=getattr(request, "id", ""),
    )
    shown = {"log": "access", "entry": entry.pk, "actor": entry.actor_id, "action": action, "children": len(child_ids)}
    lines.info(json.dumps(shown))


def _session_hash(request: HttpRequest | None) -> str:
    session = getattr(request, "session", None)
    key = session.session_key if session is not None else None
    return hashlib.sha256(key.encode()).hexdigest() if key else ""


def _address(request: HttpRequest | None) -> str:
    if request is None:
        return ""
    if settings.SIGHTLINE_BEHIND_PROXY:
        # The proxy appends the address it saw; what stands before it is the caller's own word.
        return request.META.get("HTTP_X_FORWARDED_FOR", "").rpartition(",")[2].strip()[:45]
    return request.META.get("REMOTE_ADDR", "")[:45]

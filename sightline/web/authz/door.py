"""The one door to a child, and the scope with which facts are read."""

from __future__ import annotations

import uuid

from django.http import Http404, HttpRequest

from sightline.web import audit
from sightline.web.authz.access import Access, openable_by
from sightline.web.authz.matrix import PAGES
from sightline.web.people.models import Child


def fields_shown(request: HttpRequest) -> list[str]:
    """The classes of field that this page shows to the role the person acts in."""
    access: Access = request.access  # type: ignore[attr-defined]
    match = request.resolver_match
    page = PAGES[match.view_name] if match is not None else None
    return sorted(f for f in (page.fields if page is not None else ()) if access.reads(f))


def refusal_of(public_id: uuid.UUID) -> str:
    """How the access log names a child who was asked for and refused."""
    return f"child {public_id}"


def open_child(request: HttpRequest, public_id: uuid.UUID) -> Child:
    """The only way a page gets a child: checked and recorded.

    Raises Http404, after recording the refusal, for a child out of scope and for one who does not exist alike: nobody
    learns from the answer that a child is known.
    """
    from sightline.web import facts

    access: Access = request.access  # type: ignore[attr-defined]
    child = openable_by(access, on=facts.scope_day(request)).filter(public_id=public_id).first()
    if child is None:
        audit.refused(request, refusal_of(public_id))
        raise Http404
    action = "break-glass" if child.pk in access.glass else "viewed"
    audit.disclosed(request, [child.child_id], action=action, fields=fields_shown(request))
    return child

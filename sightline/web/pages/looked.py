"""Who has looked at one child's record: the access log of the child, which is itself recorded when it is opened."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.vocabulary.tables import Sensitivity
from sightline.web import facts
from sightline.web.accounts.models import User
from sightline.web.audit.models import AccessEntry, ShownChild
from sightline.web.authz.door import open_child, refusal_of
from sightline.web.authz.matrix import PAGES, ROLES
from sightline.web.pages.child import tabs_of
from sightline.web.pages.cohort import name_of, reader
from sightline.web.pages.paging import asked_page
from sightline.web.pages.templating import query
from sightline.web.people.models import Child

PAGE = 50
LISTED = "listed"
ACTIONS = {
    "viewed": "Opened",
    LISTED: "Seen in a list",
    "exported": "Taken in a file",
    "refused": "Asked for it and was refused",
}


def view(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    child = open_child(request, public_id)
    held = facts.of(request)
    if held is None:
        raise RuntimeError("A child is visible although no snapshot is held.")
    lists = request.GET.get("lists") == "yes"
    page = asked_page(request.GET)
    # One more than is shown says whether there is a page after this: counting a long log costs more than reading it.
    entries = list(entries_of(child, lists=lists)[(page - 1) * PAGE : page * PAGE + 1])
    seen = reader(held.access)
    context = {
        "facts": held,
        "child": child,
        "name": seen(Sensitivity.IDENTITY, name_of(held.person(child))),
        "tabs": tabs_of(request, child),
        "entries": [row_of(entry) for entry in entries[:PAGE]],
        "lists": lists,
        "page": page,
        "more": len(entries) > PAGE,
        "address": lambda n: "?" + query(lists="yes" if lists else None, page=n if n > 1 else None),
    }
    return render(request, "child/looked.html", context)


def entries_of(child: Child, *, lists: bool) -> QuerySet[AccessEntry]:
    """The entries that speak of the child and the refusals of those who asked for it, newest first, each with `called`:
    the person's name as it is now (null: no such account, or nobody)."""
    names = User.objects.filter(pk=OuterRef("actor_id")).annotate(
        called_now=Concat("first_name", Value(" "), "last_name")
    )
    log = AccessEntry.objects.annotate(called=Subquery(names.values("called_now")[:1]))
    shown = log.filter(pk__in=ShownChild.objects.filter(child_id=child.child_id).values("entry"))
    if not lists:
        shown = shown.exclude(action=LISTED)
    refused = log.filter(outcome="refused", purpose=refusal_of(child.public_id))
    return shown.union(refused).order_by("-id")


def row_of(entry: Any) -> dict[str, Any]:
    """An entry in words. A page or role that is no more is named as it was."""
    page, role = PAGES.get(entry.page), ROLES.get(entry.role)
    return {
        "at": entry.at,
        "who": (entry.called or "").strip() or entry.actor_label or "Nobody signed in",
        "role": role.name if role is not None else entry.role,
        "action": ACTIONS.get(entry.action, entry.action),
        "page": page.says if page is not None else entry.page,
        "fields": ", ".join(f for f in entry.field_classes if f != "plain"),
    }

"""The privacy notice for families, drafted from what this service is set to do."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sightline.operations.keeping import notice
from sightline.vocabulary.errors import NothingHeld
from sightline.web import facts
from sightline.web.authz.matrix import AS_SET, CHILDREN, ROLES


def sections() -> list[notice.Section]:
    """The notice as things are set today."""
    readers = [notice.Reader(r.key, r.name, r.says) for r in ROLES.values() if r.sees in (CHILDREN, AS_SET)]
    try:
        opened = facts.open_current()
    except NothingHeld:
        opened = None
    return notice.draft(facts.home(), opened, on=timezone.localdate(), readers=readers)


def view(request: HttpRequest) -> HttpResponse:
    return render(request, "retention/privacy.html", {"sections": sections()})

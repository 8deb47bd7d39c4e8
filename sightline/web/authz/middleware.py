"""No page is opened that the matrix does not allow, and no page shows a child without having recorded it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.functional import SimpleLazyObject

from sightline.web import audit
from sightline.web.authz.access import Access, access_of
from sightline.web.authz.matrix import PAGES, Page

Answer = Callable[[HttpRequest], HttpResponse]
ACTING_AS = "sightline.acting_as"


class DisclosureNotRecorded(RuntimeError):
    """A page that shows children was about to leave without an entry in the access log. It does not leave."""


class PageNotInMatrix(RuntimeError):
    """A page was opened that the permission matrix does not name."""


class Permission:
    """Checks each request against the matrix, and each answer against the access log."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.disclosure_recorded = False  # type: ignore[attr-defined]
        if request.user.is_authenticated:
            request.access = SimpleLazyObject(  # type: ignore[attr-defined]
                lambda: access_of(request.user, acting_as=request.session.get(ACTING_AS))
            )
        response = self.get_response(request)
        page = _page_of(request)
        if page is not None and page.of_children and response.status_code == 200:
            if response.streaming:
                raise DisclosureNotRecorded(f"The page {page.name} streams, so nobody can say what it showed.")
            if not request.disclosure_recorded:  # type: ignore[attr-defined]
                raise DisclosureNotRecorded(f"The page {page.name} recorded nothing in the access log.")
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        page = _page_of(request)
        if page is None:
            raise PageNotInMatrix("A page was opened that the permission matrix does not name.")
        if page.audience(request.method or "") is None:
            answered = [m for m, audience in (("GET", page.get), ("POST", page.post)) if audience is not None]
            return HttpResponseNotAllowed(answered)
        signed_in = request.user.is_authenticated
        access: Access | None = request.access if signed_in else None  # type: ignore[attr-defined]
        if access is not None:
            allowed = access.may_open(page.name, request.method or "")
        else:
            allowed = page.allows(request.method or "", signed_in=False, role=None)
        if not allowed:
            if signed_in:
                audit.refused(request, f"page {page.name}")
            raise PermissionDenied
        return None


def _page_of(request: HttpRequest) -> Page | None:
    match = request.resolver_match
    return PAGES.get(match.view_name) if match is not None and match.view_name else None

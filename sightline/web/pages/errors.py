"""Error pages: plain words and the request's id, no data, and nothing that could fail a second time."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.template import engines

WORDS = {
    400: ("There is a problem with the request", "The address or form was not one this service understands."),
    403: (
        "You may not open this page",
        "Your role does not include it. If your work needs it, ask your Virtual School Head.",
    ),
    404: ("Page not found", "There is no such page, or no such record that you may see."),
    429: ("Too many attempts", "Wait a few minutes, then try again."),
    500: ("There is a problem with the service", "Nothing you entered was saved. Try again later."),
}


def page(request: HttpRequest, status: int) -> HttpResponse:
    title, words = WORDS[status]
    # Without context processors: a page about a failure must not depend on the session or the database.
    template = engines["jinja2"].env.get_template("error.html")
    text = template.render(
        title=title,
        words=words,
        status=status,
        request_id=getattr(request, "id", ""),
        service=settings.SIGHTLINE_NAME,
    )
    return HttpResponse(text, status=status)


def bad_request(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 400)


def forbidden(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 403)


def not_found(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 404)


def too_many(request: HttpRequest, exception: Any = None) -> HttpResponse:
    return page(request, 429)


def failed(request: HttpRequest) -> HttpResponse:
    return page(request, 500)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    return page(request, 403)

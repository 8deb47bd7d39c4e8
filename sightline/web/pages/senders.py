"""Senders: how far what each system and each school sent goes, and who is late or silent."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline import operations
from sightline.web import facts
from sightline.web.pages.exceptions import system_in_words
from sightline.web.pages.tables import Sorting, in_order

WANTED = ("late", "silent", "on time")


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    on = day_of(held)
    systems: list[dict[str, Any]] = held.chart(
        ("senders", on), lambda: operations.senders(held.opened, on=on).to_pylist()
    )
    schools: list[dict[str, Any]] = held.chart(
        ("schools that send", on),
        lambda: operations.schools_sending(held.opened, on=on, but=held.access.sealed).to_pylist(),
    )
    state = request.GET.get("state", "")
    state = state if state in WANTED else ""
    counted = Counter(r["state"] for r in schools)
    sorting = Sorting(request.GET)
    context = {
        "facts": held,
        "on": on,
        "sorting": sorting,
        "senders": in_order(
            sorting, "systems", [{**r, "name": system_in_words(r["system"])} for r in systems],
            lambda r: [r[name] for name in ("name", "state", "data_to", "days", "every_days", "received", "files")],
        ),
        "schools": in_order(
            sorting, "schools", [r for r in schools if not state or r["state"] == state],
            lambda r: [r[name] for name in ("name", "state", "marks_to", "weeks_missed", "census_to", "children")],
        ),
        "all": len(schools),
        "counted": [(s, counted[s]) for s in ("silent", "late", "on time")],
        "options": [(s, f"{s.capitalize()} ({counted[s]})") for s in WANTED if counted[s]],
        "state": state,
        "silent_weeks": held.opened.settings.silent_weeks,
    }  # fmt: skip
    return render(request, "senders/page.html", context)


def day_of(held: facts.Facts) -> date:
    """The day on which one is late: today; in the demonstration, whose files are of another year, their newest."""
    return held.newest if settings.SIGHTLINE_DEMONSTRATION else held.access.today

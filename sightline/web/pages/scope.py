"""Who counts: the settings of the cohort in force, and what others would change, before anybody sets them."""

from __future__ import annotations

from itertools import permutations
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline import operations
from sightline.operations import CINO_WARNING, SCOPE_SETTINGS
from sightline.operations.keeping.registers_kept import BadField
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import STATUSES
from sightline.web import facts


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    settings = held.opened.settings
    problem, wrong, found = "", "look_back_years", None
    asked = {name: request.GET.get(name, "").strip() for name in SCOPE_SETTINGS}
    if any(asked.values()):
        try:
            wanted = operations.wanted_settings(settings, told(asked))
            found = held.chart(
                ("scope", repr(wanted)), lambda: operations.consequences(held.opened, held.scope, wanted)
            )
        except BadSetting as error:
            problem, wrong = str(error), error.field if isinstance(error, BadField) else wrong
    context = {
        "facts": held,
        "settings": [s for s in settings.explain() if s.name in SCOPE_SETTINGS],
        "asked": asked,
        "orders": [(",".join(order), ", then ".join(order)) for order in permutations(STATUSES)],
        "found": found,
        "problem": problem,
        "wrong": wrong,
        "warning": CINO_WARNING,
        "line": line(asked),
    }
    return render(request, "scope/page.html", context)


def told(asked: dict[str, str]) -> dict[str, Any]:
    """What is asked, as settings. Raises BadField for what is no number."""
    wanted: dict[str, Any] = {}
    for name, text in asked.items():
        if name == "precedence" and text:
            wanted[name] = tuple(part.strip() for part in text.split(","))
        elif text:
            if not (text.isascii() and text.isdigit() and len(text) < 4):
                raise BadField(f"{name.replace('_', ' ').capitalize()} should be a whole number of years.", name)
            wanted[name] = int(text)
    return wanted


def line(asked: dict[str, str]) -> str:
    """The command that sets what is asked."""
    parts = [f"--{name.replace('_', '-')} '{text}'" for name, text in asked.items() if text]
    return f"sightline scope {' '.join(parts)} --set --reason '…'"

"""Packs to take to a forum: figures of a half term that may be told, drawn, and the questions they raise."""

from __future__ import annotations

import json

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.counts import packs
from sightline.operations.counts.breakdown import Period
from sightline.operations.counts.pack_page import pack_html
from sightline.operations.counts.packs import Pack
from sightline.operations.counts.shared import HEADS
from sightline.vocabulary.packs import Audience, audiences
from sightline.vocabulary.systems import SYSTEMS
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.templating import query
from sightline.web.work.drawing import Drawn


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    audit.disclosed(request, [], action="counted", fields=fields_shown(request))
    if held is None:
        return render(request, "pages/nothing.html")
    periods = packs.pack_periods(held.opened)
    if not periods:
        return render(request, "packs/none.html", {"facts": held})
    audience, period = _asked(request, periods)
    made = _made(held, audience, period)
    context = {
        "facts": held,
        "pack": made,
        "empty": made.told.now.empty,
        "charts": [_as_drawn(each) for each in made.drawings],
        "audiences": list(audiences().values()),
        "periods": periods,
        "heads": HEADS,
        "taken": query(**{"for": audience.key, "period": period.key}),
    }
    return render(request, "packs/page.html", context)


def download(request: HttpRequest) -> HttpResponse:
    """The pack as one page that opens without a network."""
    held = facts.of(request)
    periods = packs.pack_periods(held.opened) if held is not None else []
    purpose = "to share" if periods else "nothing held"
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose=purpose)
    if held is None:
        return render(request, "pages/nothing.html")
    if not periods:
        return render(request, "packs/none.html", {"facts": held})
    audience, period = _asked(request, periods)
    text = held.chart(
        ("pack page", audience.key, period.key),
        lambda: pack_html(_made(held, audience, period), system_name=lambda s: SYSTEMS.get(s, s)),
    )
    response = HttpResponse(text, content_type="text/html; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="pack-{audience.key}-{period.key}.html"'
    return response


def _asked(request: HttpRequest, periods: list[Period]) -> tuple[Audience, Period]:
    """The audience and half term of the address; the first audience and the newest half term where it names none."""
    audience = audiences().get(request.GET.get("for", "")) or next(iter(audiences().values()))
    key = request.GET.get("period")
    return audience, next((p for p in periods if p.key == key), periods[0])


def _made(held: Facts, audience: Audience, period: Period) -> Pack:
    told = held.chart(("pack figures", period.key), lambda: packs.told_of(held.opened, held.scope, period))
    return packs.pack(held.opened, audience, told)


def _as_drawn(each: packs.Drawing) -> tuple[Drawn, str]:
    """A chart as the pages draw them, and the title of its table."""
    rows = tuple((str(row[0]), *(f"{v:.1f}%" for v in row[1:])) for row in each.table.rows)
    specification = json.dumps(each.specification, separators=(",", ":"))
    heads = tuple(head.removesuffix(", %") for head in each.table.heads)
    return Drawn(each.message, each.describes, specification, heads, rows), each.table.title

"""The regular tables: the half-termly breakdown, and performance by month and by term, by locality and team."""

from __future__ import annotations

from dataclasses import replace

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.counts import breakdown as regular
from sightline.operations.counts import dashboard as counted
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.counts.breakdown import HALF_TERM, MONTH, TERM, Period
from sightline.operations.counts.dashboard import Panel
from sightline.operations.sheets import Book
from sightline.vocabulary.errors import BadSetting
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.dashboard import shared_of, true_figures, workbook_to_share
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.pages.templating import query

KINDS = ((HALF_TERM, "Half-termly breakdown"), (MONTH, "Monthly performance"), (TERM, "Termly performance"))


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    audit.disclosed(request, [], action="counted", fields=fields_shown(request))
    if held is None:
        return render(request, "pages/nothing.html")
    sorting = Sorting(request.GET)
    if not true_figures(held.access):
        shared = shared_of(held)
        grids = sorting.grids(tables.shared_tables(shared))
        return render(
            request,
            "dashboard/breakdown_shared.html",
            {"facts": held, "shared": shared, "grids": grids, "sorting": sorting},
        )
    kind, period = asked_of(request, held)
    context = {
        "facts": held,
        "kinds": KINDS,
        "kind": kind,
        "title": dict(KINDS)[kind],
        "period": period,
        "periods": regular.periods(held.opened, kind),
        "grids": sorting.grids(book_of(held, period).grids),
        "sorting": sorting,
        "taken": query(kind=kind, period=period.key, **sorting.kept()),
    }
    return render(request, "dashboard/breakdown.html", context)


def asked_of(request: HttpRequest, held: Facts) -> tuple[str, Period]:
    """The kind and period of the address; the newest of a kind where it names none that the data reach."""
    kind = request.GET.get("kind", HALF_TERM)
    kind = kind if kind in regular.KINDS else HALF_TERM
    try:
        return kind, regular.period_of(held.opened, kind, request.GET.get("period") or None)
    except BadSetting:
        return kind, regular.period_of(held.opened, kind)


def book_of(held: Facts, period: Period) -> Book:
    """The tables of a period, made once for each snapshot and scope; a period's panel serves as that of the next."""

    def panel_of(of: Period) -> Panel:
        return held.chart(
            ("panel", of.kind, of.key),
            lambda: counted.panel(held.opened, held.scope, of.on, of.start, held.access.schools),
        )

    return held.chart(("book", period.kind, period.key), lambda: tables.regular_book(held.opened, period, panel_of))


def workbook(request: HttpRequest) -> HttpResponse:
    """The tables of a period as a workbook of true figures for those who see each child; for others, the answers of
    the month."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="nothing held")
        return render(request, "pages/nothing.html")
    if not true_figures(held.access):
        return workbook_to_share(request, held)
    _kind, period = asked_of(request, held)
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    name = f"{period.kind}-{period.key}-true-figures"
    made = book_of(held, period)
    made = replace(made, grids=tuple(Sorting(request.GET).grids(made.grids)))
    return file_of(made, name, request.GET.get("form", "xlsx"))

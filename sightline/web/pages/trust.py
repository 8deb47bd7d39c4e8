"""Schools side by side: a trust's own for its lead, and the schools with many children on plans for the authority."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations import ON_PLAN
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.lists import beside_tables as beside
from sightline.operations.lists.schools_beside import SchoolBeside, schools_beside
from sightline.web import audit, facts
from sightline.web.authz import matched
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.pages.templating import query
from sightline.web.people.models import School, ScopeKind

PAGE: Final = 50
EVERY: Final = "Schools with children on plans"


def trust(request: HttpRequest) -> HttpResponse:
    """The schools of the trust, those without a pupil with a plan too: whose registers have come, and how far."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    rows, heading = _of_trust(held)
    return _page(request, held, rows, heading=heading, here="trust")


def trust_workbook(request: HttpRequest) -> HttpResponse:
    """The table of the trust's schools as a workbook."""
    held = facts.of(request)
    if held is None:
        return _nothing_to_take(request)
    rows, heading = _of_trust(held)
    return _workbook(request, held, rows, heading=heading)


def _of_trust(held: Facts) -> tuple[list[SchoolBeside], str]:
    """The schools of the trust that see children, and what the trust is called."""
    refs = {g.trust_ref for g in held.access.grants if g.scope == ScopeKind.TRUST}
    named = School.objects.filter(trust_ref__in=refs).values_list("trust_name", flat=True).distinct()
    names = sorted(name for name in named if name)
    # A school that sees no child yet is left out: the notice above every page says so, and what is missing.
    closed = matched.closed(matched.SCHOOL, held.access.sealed)
    rows = _rows(held, held.access.schools)
    return [r for r in rows if r.urn not in closed], ", ".join(names) or "Your schools"


def schools(request: HttpRequest) -> HttpResponse:
    """Every school with a pupil with a plan whom this person may open."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    return _page(request, held, _rows(held, None), heading=EVERY, here="schools")


def schools_workbook(request: HttpRequest) -> HttpResponse:
    """The table of every such school as a workbook."""
    held = facts.of(request)
    if held is None:
        return _nothing_to_take(request)
    return _workbook(request, held, _rows(held, None), heading=EVERY)


def _rows(held: Facts, urns: frozenset[str] | None) -> list[SchoolBeside]:
    def ask() -> list[SchoolBeside]:
        rows = held.cohort()
        rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(ON_PLAN)))
        return schools_beside(held.opened, held.scope, rows.select(["child_id", "urn"]), urns=urns)

    return held.of_role("schools side by side", ask)


def _page(request: HttpRequest, held: Facts, rows: list[SchoolBeside], *, heading: str, here: str) -> HttpResponse:
    # Each number is of children this person may open one by one; the page lists none of them.
    audit.disclosed(request, [], action="listed", fields=fields_shown(request))
    phases, phase, wanted = _chosen(request, rows)
    sorting = Sorting(request.GET)
    wanted = [wanted[n] for n in sorting.places("schools", beside.schools_table(wanted).rows)]
    page, pages = paged(request.GET, len(wanted), PAGE)
    context: dict[str, Any] = {
        "facts": held,
        "heading": heading,
        "here": here,
        "rows": wanted[(page - 1) * PAGE : page * PAGE],
        "found": len(wanted),
        "children": sum(r.children for r in wanted),
        "phases": [(p, p) for p in phases],
        "phase": phase,
        "sorting": sorting,
        "taken": query(phase=phase, **sorting.kept()),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(phase=phase, page=n if n > 1 else None, **sorting.kept()),
    }
    return render(request, "trust/page.html", context)


def _chosen(request: HttpRequest, rows: list[SchoolBeside]) -> tuple[list[str], str, list[SchoolBeside]]:
    """The phases there are, the one asked for, and its schools."""
    phases = sorted({r.phase for r in rows if r.phase})
    asked = request.GET.get("phase", "")
    phase = asked if asked in phases else ""
    return phases, phase, [r for r in rows if not phase or r.phase == phase]


def _nothing_to_take(request: HttpRequest) -> HttpResponse:
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="nothing held")
    return render(request, "pages/nothing.html")


def _workbook(request: HttpRequest, held: Facts, rows: list[SchoolBeside], *, heading: str) -> HttpResponse:
    _phases, phase, wanted = _chosen(request, rows)
    made = tables.book(
        held.opened, heading, (Sorting(request.GET).grid("schools", beside.schools_table(wanted)),),
        about="This school year so far", filters=f"Phase: {phase}" if phase else "None", mark=tables.TRUE,
        words=beside.WORDS,
    )  # fmt: skip
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    return file_of(made, f"schools-true-figures-{held.on}", request.GET.get("form", "xlsx"))

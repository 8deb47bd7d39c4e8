"""The cohort dashboard: any slice of the cohort counted, beside others; for those who see no child, hidden where small.

Who may see each child of the cohort sees true figures of any slice. Everybody else, and whatever is downloaded to be
passed on, gets the one set of answers of the month (`operations.shared`), so that no question tells more.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import Any

import pyarrow.compute as pc
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse

from sightline.operations.counts import comparators
from sightline.operations.counts import dashboard as counted
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.counts import shared as told
from sightline.operations.counts.dashboard import DIMENSIONS, NOT_HELD, Panel
from sightline.operations.counts.shared import Shared
from sightline.vocabulary.errors import BadSetting
from sightline.web import audit, facts
from sightline.web.authz.access import Access
from sightline.web.authz.door import fields_shown
from sightline.web.authz.matrix import CHILDREN
from sightline.web.facts import Facts
from sightline.web.pages import charts
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.pages.templating import query
from sightline.web.people.models import ScopeKind
from sightline.web.views_saved import saving

DRAWN = {
    "attendance": "Attendance",
    "persistent_rate": "Persistent absence",
    "severe_rate": "Severe absence",
    "suspended_rate": "Share suspended at least once",
    "moved_rate": "Share who moved school",
    "churn": "Churn",
}
"""The measures that can be drawn, each a percentage, as the subject of a sentence."""
USUALLY_DRAWN = "attendance"
USUAL_BY = "phase"
LOOKED_BACK = "Ever 6"
SHOWN = 100
"""Groups a page lists; the workbook has all."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks for. `chosen` has the dimension's own values, `left_out` what nobody here has."""

    chosen: dict[str, tuple[str, ...]]
    by: str
    draw: str
    left_out: tuple[str, ...] = ()


def true_figures(access: Access) -> bool:
    """Whether this person may open each child on a plan who is counted for them, and so sees true figures."""
    return access.sees == CHILDREN and (access.opens is None or {"CP plan", "CIN plan"} <= access.opens)


def opaque(dimension: str, value: str) -> str:
    """A value as an address may hold it: a worker is named by a key that says nothing outside this installation."""
    if dimension != "worker" or value == NOT_HELD:
        return value
    return hmac.new(settings.SECRET_KEY.encode(), value.encode(), hashlib.sha256).hexdigest()[:16]


def dimensions_of(access: Access, panel: Panel) -> list[str]:
    """By what this person may slice: what their role may read, of what has been received."""
    return [d for d, held in DIMENSIONS.items() if access.reads(held.sensitivity) and panel.offers(d)]


def panel_of(held: Facts) -> Panel:
    """The panel of this person's children. Who was on a plan in the years before is counted nowhere here: such a
    child has a gate of their own."""

    def ask() -> Panel:
        made = counted.panel(held.opened, held.scope, held.on, schools=held.access.schools)
        rows = made.rows.filter(pc.not_equal(made.rows["plan"], LOOKED_BACK))
        return replace(made, rows=rows)

    return held.of_role("panel", ask)


def before_of(held: Facts) -> Panel | None:
    """The panel a year before, for those whose children do not follow from today's caseload or roll."""
    if not any(g.scope == ScopeKind.AUTHORITY for g in held.access.grants):
        return None
    on = counted.year_before(held.on)
    return held.of_role("panel a year before", lambda: counted.panel(held.opened, held.scope, on))


def shared_of(held: Facts) -> Shared:
    """The answers of the month for the children counted for this person."""

    def ask() -> Shared:
        on = told.shared_day(held.on)
        return told.shared(counted.panel(held.opened, held.scope, on, schools=held.access.schools))

    return held.of_role("shared figures", ask)


def options_of(panel: Panel, dimensions: list[str]) -> dict[str, list[tuple[str, str]]]:
    """The values of each dimension that somebody has, as an address names them, with their words."""
    found = {}
    for d in dimensions:
        values = {*panel.rows[d].unique().to_pylist(), *panel.then[d].unique().to_pylist()}
        found[d] = [
            (opaque(d, NOT_HELD if v is None else v), panel.says(d, v)) for v in counted.in_order(panel, d, values)
        ]
    return found


def asked_of(got: QueryDict, panel: Panel, dimensions: list[str]) -> Asked:
    """Read the address. A value that nobody here has is left out, and said to be."""
    chosen, left_out = {}, []
    for d in dimensions:
        wanted = [v for v in got.getlist(d) if v]
        if not wanted:
            continue
        values = {*panel.rows[d].unique().to_pylist(), *panel.then[d].unique().to_pylist()}
        known = {opaque(d, NOT_HELD if v is None else v): NOT_HELD if v is None else v for v in values}
        chosen[d] = tuple(known[v] for v in wanted if v in known)
        if len(chosen[d]) < len(wanted):
            left_out.append(DIMENSIONS[d].label)
    by, draw = got.get("by", ""), got.get("draw", "")
    return Asked(
        {d: values for d, values in chosen.items() if values},
        by if by in dimensions else (USUAL_BY if USUAL_BY in dimensions else dimensions[0]),
        draw if draw in DRAWN else USUALLY_DRAWN,
        tuple(left_out),
    )


def address(asked: Asked, **changed: Any) -> str:
    """The query string of a slice, with some parts changed: no name and no id of a child can be in it."""
    held: dict[str, Any] = {d: [opaque(d, v) for v in values] for d, values in asked.chosen.items()}
    held |= {"by": asked.by, "draw": asked.draw if asked.draw != USUALLY_DRAWN else None}
    return "?" + query(**{**held, **changed})


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    audit.disclosed(request, [], action="counted", fields=fields_shown(request))
    if held is None:
        return render(request, "pages/nothing.html")
    if not true_figures(held.access):
        return _shared_page(request, held)
    panel = panel_of(held)
    dimensions = dimensions_of(held.access, panel)
    options = held.of_role("dashboard options", lambda: options_of(panel, dimensions))
    asked = asked_of(request.GET, panel, dimensions)
    made = held.chart(
        ("dashboard", tuple(sorted(asked.chosen.items())), asked.by, asked.draw), lambda: _made(held, asked)
    )
    sorting = Sorting(request.GET)
    figures, beside, groups = made["grids"]
    places = sorting.places("groups", groups.rows)
    context = {
        "facts": held,
        "panel": panel,
        "asked": asked,
        "options": options,
        "dimensions": DIMENSIONS,
        "measures": list(DRAWN.items()),
        "here": address(asked),
        "chosen": {d: [opaque(d, v) for v in asked.chosen.get(d, ())] for d in dimensions},
        "saved": saving.of(request.user, page="dashboard"),
        "filters": tables.filters_in_words(panel, asked.chosen),
        "limit": SHOWN,
        "sorting": sorting,
        **made,
        "groups": sorting.grid("groups", groups),
        "narrow": [made["narrow"][n] for n in places],
        "measured": figures,
        "beside_others": sorting.grid("beside", beside),
        # A file of the page has its order; the address that is shared or kept has the filters alone.
        "sorted": query(**sorting.kept()),
    }
    return render(request, "dashboard/page.html", context)


def _made(held: Facts, asked: Asked) -> dict[str, Any]:
    """What the page says of one slice."""
    panel, by = panel_of(held), asked.by
    others = held.of_role("other pupils", lambda: comparators.others_of(held.opened, panel.on, panel.start))
    grids = tables.slice_tables(held.opened, panel, asked.chosen, [by], others=others, before=before_of(held))
    rows, then = tables.slice_of(panel, asked.chosen)
    found = counted.figures_by(rows, then, by)
    measure = counted.BY_KEY[asked.draw]
    groups = [(panel.says(by, v), measure.of(found[v]), found[v].children) for v in counted.in_order(panel, by, found)]
    own = counted.figures_by(rows, then)[None]
    return {
        "figures": own,
        "grids": grids,
        "chart": charts.ranked(
            groups, measure=DRAWN[asked.draw], by=DIMENSIONS[by].label, within=DIMENSIONS[by].within
        ),
        "narrow": [
            address(asked, **{by: opaque(by, NOT_HELD if v is None else v)}) for v in counted.in_order(panel, by, found)
        ],
    }


def _shared_page(request: HttpRequest, held: Facts) -> HttpResponse:
    shared = shared_of(held)
    by = request.GET.get("by", "")
    by = by if by in shared.tables else USUAL_BY
    grid = next(g for d, g in zip(shared.tables, tables.shared_tables(shared), strict=True) if d == by)
    sorting = Sorting(request.GET)
    context = {
        "facts": held,
        "shared": shared,
        "by": by,
        "choices": told.dimension_names(shared),
        "table": sorting.grid("shared", grid),
        "sorting": sorting,
        "heads": told.HEADS,
    }
    return render(request, "dashboard/shared.html", context)


def workbook(request: HttpRequest) -> HttpResponse:
    """The figures as a workbook: to pass on (small numbers hidden), or true ones for those who see each child."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="nothing held")
        return render(request, "pages/nothing.html")
    if request.GET.get("for") != "own":
        return workbook_to_share(request, held)
    if not true_figures(held.access):
        raise PermissionDenied
    panel = panel_of(held)
    asked = asked_of(request.GET, panel, dimensions_of(held.access, panel))
    sorting = Sorting(request.GET)
    figures, beside, groups = _made(held, asked)["grids"]
    grids = (figures, sorting.grid("beside", beside), sorting.grid("groups", groups))
    made = tables.book(
        held.opened, "Cohort dashboard", grids, about=tables.about(panel),
        filters=tables.filters_in_words(panel, asked.chosen), mark=tables.TRUE,
    )  # fmt: skip
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    return file_of(made, f"cohort-true-figures-{held.on}", request.GET.get("form", "xlsx"))


def workbook_to_share(request: HttpRequest, held: Facts) -> HttpResponse:
    """The answers of the month as a workbook: the same for everybody with these children, whatever they asked."""
    shared = shared_of(held)
    made = tables.book(
        held.opened, "Cohort figures to share", tables.shared_tables(shared), about=told.about(shared), filters="None",
        mark=tables.TO_SHARE.format(least=shared.least),
    )  # fmt: skip
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="to share")
    return file_of(made, f"cohort-to-share-{shared.on}", request.GET.get("form", "xlsx"))


def saved(request: HttpRequest) -> HttpResponse:
    """Keep the filters of the page under a name, or remove a view; then the page again."""
    query_of = request.POST.get("query", "")
    if "remove" in request.POST:
        saving.forget(request.user, page="dashboard", key=request.POST["remove"])
        return redirect("dashboard")
    filters = frozenset({*DIMENSIONS, "by", "draw"})
    try:
        made = saving.keep(
            request.user, page="dashboard", name=request.POST.get("name", ""), query=query_of, filters=filters
        )
    except BadSetting as why:
        return render(request, "dashboard/not_saved.html", {"why": str(why), "query": query_of})
    return redirect(f"{reverse('dashboard')}?{made.query}")

"""Plans that ended or were stepped down, with the child's attendance in the weeks before."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.lists import closures as closing
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.access import Access
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import addresses_of, name_of, reader
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, in_order
from sightline.web.pages.templating import query

PAGE: Final = 50
WEEKS: Final = (4, closing.USUAL_WEEKS, 13, 26)


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    weeks = next((n for n in WEEKS if str(n) == request.GET.get("weeks")), closing.USUAL_WEEKS)
    every = held.of_role(
        f"closures of {weeks} weeks",
        lambda: closing.closures(held.opened, held.scope, on=held.on, weeks=weeks).to_pylist(),
    )
    sorting = Sorting(request.GET)
    every = in_order(sorting, "list", every, lambda r: _columns(r, held))
    page, pages = paged(request.GET, len(every), PAGE)
    shown = every[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    addresses = addresses_of(r["child_id"] for r in shown)
    context = {
        "facts": held,
        "weeks": str(weeks),
        "choices": [(str(n), f"{n} weeks") for n in WEEKS],
        "numbers": held.opened.settings.closure_weeks,
        "rows": [
            {
                "address": addresses.get(r["child_id"]),
                **_person(r, held.access),
                **as_read(r, held.opened.settings.closure_weeks, held.access),
            }
            for r in shown
        ],
        "found": len(every),
        "sorting": sorting,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(weeks=weeks if weeks != closing.USUAL_WEEKS else None,
                                         page=n if n > 1 else None, **sorting.kept()),
    }  # fmt: skip
    return render(request, "closures/page.html", context)


def _person(row: dict[str, Any], access: Access) -> dict[str, Any]:
    seen = reader(access)
    return {
        "name": seen(Sensitivity.IDENTITY, name_of(row)),
        "worker": seen(Sensitivity.STAFF, row["worker_name"]),
        "team": seen(Sensitivity.STAFF, row["team_name"]),
    }


def _columns(row: dict[str, Any], held: facts.Facts) -> list[Any]:
    """The columns of the table, days as numbers."""
    who = _person(row, held.access)
    read = as_read(row, held.opened.settings.closure_weeks, held.access)
    return [who["name"], read["says"], read["last_day"], *(share for share, _, _ in read["before"]), who["worker"]]


def as_read(row: dict[str, Any], numbers: tuple[int, ...], access: Access) -> dict[str, Any]:
    """What happened when, and the attendance before it, as this role may read them."""
    seen = reader(access)
    return {
        "says": seen(Sensitivity.CARE_STATUS, row["says"]),
        "last_day": seen(Sensitivity.CARE_STATUS, row["last_day"]),
        "before": [
            (seen(Sensitivity.EDUCATION, row[f"attendance_{n}"]), row[f"weeks_{n}"], row[f"from_{n}"]) for n in numbers
        ],
    }

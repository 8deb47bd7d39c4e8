"""The lists of persistent and severe absence, child by child, and what changed since an earlier list."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.lists import absence_lists as listed
from sightline.operations.lists.absence_lists import Lists
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import addresses_of, name_of, reader
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, in_order
from sightline.web.pages.templating import query

PAGE: Final = 50
WEEKS: Final = (1, 2, listed.USUAL_WEEKS, 7, 13)
LABELS: Final = {
    listed.SEVERE: "Severe", listed.PERSISTENT: "Persistent", listed.NEITHER: "Neither", listed.NO_MARKS: "No marks",
    listed.OUT: "Not on a plan",
}  # fmt: skip


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    weeks = next((n for n in WEEKS if str(n) == request.GET.get("weeks")), listed.USUAL_WEEKS)
    made = _made(held, weeks)
    change = request.GET.get("change", "")
    change = change if change in listed.CHANGES else ""
    wanted = [r for r in made.rows if r["change"] == change or (not change and r["change"] != listed.LEFT)]
    sorting = Sorting(request.GET)
    wanted = in_order(sorting, "list", wanted, lambda r: _columns(r, held))
    page, pages = paged(request.GET, len(wanted), PAGE)
    shown = wanted[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    addresses = addresses_of(r["child_id"] for r in shown)
    context = {
        "facts": held,
        "made": made,
        "labels": LABELS,
        "changes": listed.CHANGES,
        "change": change,
        "weeks": str(weeks),
        "choices": [(str(n), f"{n} week{'' if n == 1 else 's'} before") for n in WEEKS],
        "settings": held.opened.settings,
        "only_own_school": held.access.schools is not None,
        "rows": [{"address": addresses.get(r["child_id"]), **_as_read(r, held)} for r in shown],
        "found": len(wanted),
        "sorting": sorting,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(weeks=weeks if weeks != listed.USUAL_WEEKS else None, change=change or None,
                                         page=n if n > 1 else None, **sorting.kept()),
    }  # fmt: skip
    return render(request, "absence_lists/page.html", context)


def _made(held: Facts, weeks: int) -> Lists:
    """The lists of this person's children; a school reads its own registers alone."""
    return held.of_role(
        f"absence lists of {weeks} weeks",
        lambda: listed.absence_lists(held.opened, held.scope, on=held.on, weeks=weeks, schools=held.access.schools),
    )


def _columns(row: dict[str, Any], held: Facts) -> list[Any]:
    """The columns of the table, the points as a number."""
    read = _as_read(row, held)
    read["points"] = reader(held.access)(Sensitivity.EDUCATION, row["points"])
    return [
        read[name] for name in ("name", "list", "before", "why", "rate", "rate_before", "points", "school", "worker")
    ]


def _as_read(row: dict[str, Any], held: Facts) -> dict[str, Any]:
    seen = reader(held.access)
    return {
        "name": seen(Sensitivity.IDENTITY, name_of(row)),
        "list": seen(Sensitivity.EDUCATION, LABELS[row["list"]]),
        "before": seen(Sensitivity.EDUCATION, LABELS[row["before"]]),
        "rate": seen(Sensitivity.EDUCATION, row["attendance_rate"]),
        "rate_before": seen(Sensitivity.EDUCATION, row["rate_before"]),
        "points": seen(Sensitivity.EDUCATION, None if row["points"] is None else f"{row['points']:+.1f}"),
        "why": seen(Sensitivity.EDUCATION, row["why"] or listed.CHANGES[row["change"]]),
        "school": seen(Sensitivity.EDUCATION, row["school_name"] or row["urn"]),
        "worker": seen(Sensitivity.STAFF, row["worker_name"]),
        "team": seen(Sensitivity.STAFF, row["team_name"]),
    }

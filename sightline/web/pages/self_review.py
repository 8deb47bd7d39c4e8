"""The self-review of access to data: each area's rating, what the data show of it, and a form for the next review."""

from __future__ import annotations

from typing import Any, Final

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline.disclosure import LOCAL
from sightline.operations import moment_of
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.keeping import self_review as review
from sightline.operations.keeping.registers_kept import BadField
from sightline.operations.sheets import Book, Grid
from sightline.vocabulary.data_access import ANSWERS, AREAS, COHORTS, STATEMENT
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.authz.matrix import CHILDREN
from sightline.web.facts import Facts
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.work import asking

NAME: Final = "self_review"


def view(request: HttpRequest) -> HttpResponse:
    home, today = facts.home(), timezone.localdate()
    held = review.reviews(home, on=today)
    entry_id = request.POST.get("id", "") if request.method == "POST" else request.GET.get("id", "")
    changing = next((r for r in held if r["id"] == entry_id), None)
    if entry_id and changing is None:
        raise Http404
    values: dict[str, Any] = {f.name: (changing or {}).get(f.name) or "" for f in review.REVIEWS.fields}
    problem, wrong = "", ""
    if request.method == "POST":
        values = {f.name: request.POST.get(f.name, "").strip() for f in review.REVIEWS.fields}
        try:
            made = review.keep_review(home, values, by=asking.who(request), at=timezone.now(), entry_id=entry_id)
        except (BadSetting, NotAllowed) as error:
            problem, wrong = str(error), error.field if isinstance(error, BadField) else ""
        else:
            audit.changed(
                request, "self-review kept", f"self-review {made}", before=changing, after=values,
                purpose=review.REVIEWS.name,
            )  # fmt: skip
            return redirect(NAME)
    audit.disclosed(request, [], action="counted", fields=fields_shown(request))
    seen = facts.of(request)
    sorting = Sorting(request.GET)
    context = {
        "facts": seen,
        "register": review.REVIEWS,
        "page": NAME,
        "statement": STATEMENT,
        "grids": sorting.grids(_grids(seen, held)),
        "sorting": sorting,
        "rows": [{**r, "at": moment_of(r["at"]), "rated": _rated(r)} for r in held],
        "cohorts": COHORTS,
        "areas": AREAS,
        "answers": ANSWERS,
        "name_of": review.name_of,
        "labels": {f.name: f.label for f in review.REVIEWS.fields},
        "values": values,
        "entry_id": entry_id,
        "problem": problem,
        "wrong": wrong,
    }
    return render(request, "registers/self_review.html", context)


def workbook(request: HttpRequest) -> HttpResponse:
    """The tables of the page as a workbook."""
    held = review.reviews(facts.home(), on=timezone.localdate())
    seen = facts.of(request)
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    grids = tuple(Sorting(request.GET).grids(_grids(seen, held)))
    if seen is None:
        made = Book(review.REVIEWS.name, (("About", STATEMENT),), grids)
    else:
        made = tables.book(
            seen.opened, review.REVIEWS.name, grids, about=STATEMENT, filters="None",
            mark="The authority’s own view of its data. It names no child.", words=(),
        )  # fmt: skip
    return file_of(made, "data-access-self-review", request.GET.get("form", "xlsx"))


def _grids(seen: Facts | None, held: list[dict[str, Any]]) -> list[Grid]:
    rows = review.ratings(held, _evidence(seen) if seen is not None else {})
    return [*(review.rating_table(rows, c) for c in COHORTS), *(review.national_table(c) for c in COHORTS)]


def _evidence(seen: Facts) -> dict[tuple[str, str], review.Evidence]:
    policy = None if seen.access.sees == CHILDREN else LOCAL
    return seen.of_role("self-review", lambda: review.evidence(seen.opened, seen.scope, seen.on, policy=policy))


def _rated(row: dict[str, Any]) -> list[tuple[str, str]]:
    """The areas a review rated, each with its answer."""
    labels = {f.name: f.label for f in review.REVIEWS.fields if f.kind == "choice"}
    return [(label, row[name]) for name, label in labels.items() if row[name] is not None]

"""One school: its pupils with a plan, and how they compare with its other pupils. For the school, and the authority."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations import ON_PLAN, SchoolFacts
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.lists import beside_tables as beside
from sightline.operations.sheets import Grid
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import counts, list_values, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.pages.templating import query
from sightline.web.people import contacts

PAGE = 50
COLUMNS = ("name", "year", "plan", "since", "worker", "attendance")


def view(request: HttpRequest, urn: str) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    school = _school(request, held, urn)
    rows = with_places(held.at_school(urn))
    with_plan = rows.filter(pc.is_in(rows["status"], value_set=pa.array(ON_PLAN)))
    page, pages = paged(request.GET, with_plan.num_rows, PAGE)
    sorting = Sorting(request.GET)
    listed = with_plan.to_pylist()
    places = sorting.places("list", list_values(listed, held.access, COLUMNS))
    shown = [listed[n] for n in places[(page - 1) * PAGE : page * PAGE]]
    audit.disclosed(request, [row["child_id"] for row in shown], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "school": school,
        "counts": counts(rows),
        "with_plan": with_plan.num_rows,
        "rows": _with_contacts(shown, held),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(page=n if n > 1 else None, **sorting.kept()),
        "sorting": sorting,
        "take_away": query(school=urn, plan=ON_PLAN),
    }
    return render(request, "school/page.html", context)


def _with_contacts(shown: list[dict[str, Any]], held: Facts) -> list[dict[str, Any]]:
    """The rows of the list with the address of each worker who has an account here."""
    access, day = held.access, max(held.access.today, held.on)
    reads = access.reads(Sensitivity.STAFF)
    addresses = contacts.of_children([r["child_id"] for r in shown], day, access.today) if reads else {}
    rows = rows_shown(shown, access)
    return [{**row, "contact": addresses.get(raw["child_id"], "")} for row, raw in zip(rows, shown, strict=True)]


def workbook(request: HttpRequest, urn: str) -> HttpResponse:
    """The figures of the page as a workbook; a list of pupils is taken away by another page, with a purpose."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="nothing held")
        return render(request, "pages/nothing.html")
    school = _school(request, held, urn)
    counted = counts(with_places(held.at_school(urn)))
    grids = (beside.school_table(school), Grid("Pupils", "Pupils on the roll", ("Plan", "Pupils"), tuple(counted)))
    made = tables.book(
        held.opened, school.name, grids, about=f"URN {school.urn}, this school year so far", filters="None",
        mark=tables.TRUE, words=beside.WORDS,
    )  # fmt: skip
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    return file_of(made, f"school-{school.urn}-true-figures-{held.on}", request.GET.get("form", "xlsx"))


def _school(request: HttpRequest, held: Facts, urn: str) -> SchoolFacts:
    """The school, for those who may open it. Another school and no school are refused alike."""
    mine = held.access.schools
    school = held.school(urn) if mine is None or urn in mine else None
    if school is None:
        audit.refused(request, f"school {urn[:60]}")
        raise Http404
    return school

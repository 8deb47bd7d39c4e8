"""One school: its pupils with a plan, and how they compare with its other pupils. For the school, and the authority."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations import ON_PLAN
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import counts, rows_shown, window, with_places
from sightline.web.pages.templating import query

PAGE = 50


def view(request: HttpRequest, urn: str) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    mine = held.access.schools
    school = held.school(urn) if mine is None or urn in mine else None
    if school is None:
        # Another school and no school are refused alike.
        audit.refused(request, f"school {urn[:60]}")
        raise Http404
    rows = with_places(held.at_school(urn))
    with_plan = rows.filter(pc.is_in(rows["status"], value_set=pa.array(ON_PLAN)))
    pages = max(1, -(-with_plan.num_rows // PAGE))
    asked = request.GET.get("page", "1")
    page = min(pages, int(asked)) if asked.isascii() and asked.isdigit() and int(asked[:6]) > 0 else 1
    shown = with_plan.slice((page - 1) * PAGE, PAGE).to_pylist()
    audit.disclosed(request, [row["child_id"] for row in shown], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "school": school,
        "counts": counts(rows),
        "with_plan": with_plan.num_rows,
        "rows": rows_shown(shown, held.access),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(page=n if n > 1 else None),
    }
    return render(request, "school/page.html", context)

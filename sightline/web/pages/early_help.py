"""Children on Early Help now, plan or none: what presses, how they attend together, and the list of them."""

from __future__ import annotations

from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from sightline.operations.lists.early_help import KINDS, totals
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import NO_SCHOOL, NOT_HELD, chart_of, name_of, reader, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting
from sightline.web.pages.templating import query

PAGE: Final = 25
HEADS: Final = (
    "Name", "Year group", "School", "On Early Help since", "Lead practitioner", "Plan", "Attendance this school year",
    "Last weeks", "Change, points", "Suspensions this school year",
)  # fmt: skip
NUMBERS: Final = (7, 8, 9, 10)
FILTERS: Final = {
    "school": ("School", "school_place", "school_says", NO_SCHOOL),
    "year": ("Year group", "year_says", "year_says", "Year group not known"),
    "organisation": ("Lead organisation", "organisation", "organisation", "No organisation recorded"),
    "practitioner": ("Lead practitioner", "practitioner", "practitioner", "No practitioner recorded"),
}
"""By the name in an address: the label, the column chosen by, the column that names its values, what is not known."""
SORTED_BY: Final = [
    "surname", "forename", "year_place", "school_says", "helped_since", "practitioner", "status", "attendance_rate",
    "recent_rate", "points", "suspensions",
]  # fmt: skip
LABELS: Final = {kind.key: kind for kind in KINDS}


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    every = held.of_role("early help page", lambda: with_places(held.early_help()))
    options = _options(every)
    asked = {name: _asked(request.GET, name, options[name]) for name in FILTERS}
    kind = request.GET.get("kind", "")
    kind = kind if kind in LABELS else ""
    found = every.filter(every[kind]) if kind else every
    for name, value in asked.items():
        if value:
            column = found[FILTERS[name][1]]
            found = found.filter(pc.is_null(column) if value == NOT_HELD else pc.equal(column, value))
    sorting = Sorting(request.GET)
    page, pages = paged(request.GET, found.num_rows, PAGE)
    shown = _sorted(found, sorting, held).slice((page - 1) * PAGE, PAGE).to_pylist()
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    planned = every.filter(every["on_plan"])
    kept = {**asked, "kind": kind, **sorting.kept()}
    context = {
        "facts": held,
        "all": every.num_rows,
        "planned": planned.num_rows,
        "columns": [
            ("On no plan", totals(every.filter(pc.invert(every["on_plan"])))),
            ("On a plan too", totals(planned)),
            ("All", totals(every)),
        ],
        "pressing": pressing(every),
        "kinds": [(k.key, k.name) for k in KINDS],
        "kind": kind,
        "filters": [(name, FILTERS[name][0], options[name], [asked[name]]) for name in FILTERS],
        "chart": held.chart(("early help", kind, *asked.values()), lambda: chart_of(held, found)),
        "heads": HEADS,
        "numbers": NUMBERS,
        "sorting": sorting,
        "rows": _shown(shown, held),
        "found": found.num_rows,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(**kept, page=n if n > 1 else None),
        "settings": held.opened.settings,
    }
    return render(request, "early_help/page.html", context)


def pressing(rows: pa.Table) -> list[tuple[str, str, str, int]]:
    """The kinds somebody is of, most urgent first: key, label, what it means, and how many children."""
    counted = [(k.key, k.name, k.says, int(pc.sum(rows[k.key].cast(pa.int64())).as_py() or 0)) for k in KINDS]
    return [each for each in counted if each[-1]]


def _options(rows: pa.Table) -> dict[str, list[tuple[str, str]]]:
    """The values of each filter that somebody on the list has, each in words; what is not known comes last."""
    found = {}
    for name, (_label, by, says, missing) in FILTERS.items():
        pairs = {
            (row[by] or NOT_HELD, row[says] or missing)
            for row in rows.select(list(dict.fromkeys((by, says)))).group_by(list(dict.fromkeys((by, says))))
            .aggregate([]).to_pylist()
        }  # fmt: skip
        found[name] = sorted(pairs, key=lambda p: (p[0] == NOT_HELD, not p[1].isdigit(), p[1].zfill(3).casefold()))
    return found


def _asked(got: QueryDict, name: str, options: list[tuple[str, str]]) -> str:
    """What the address asks of a filter; a value nobody on the list has is left out."""
    return str(got[name]) if got.get(name) in dict(options) else ""


def _sorted(rows: pa.Table, sorting: Sorting, held: Facts) -> pa.Table:
    """The rows in the order asked for; that of names, unless one is."""
    if sorting.order("list") is None:
        return rows
    values = [_values(row, held) for row in rows.select(SORTED_BY).to_pylist()]
    return rows.take(pa.array(sorting.places("list", values), pa.int64()))


def _values(row: dict[str, Any], held: Facts) -> list[Any]:
    """What each row is sorted by, a value for each of HEADS, as this role may read it."""
    seen = reader(held.access)
    return [
        seen(Sensitivity.IDENTITY, name_of(row)),
        seen(Sensitivity.EDUCATION, row["year_place"]),
        seen(Sensitivity.EDUCATION, row["school_says"]),
        seen(Sensitivity.CARE_STATUS, row["helped_since"]),
        seen(Sensitivity.STAFF, row["practitioner"]),
        seen(Sensitivity.CARE_STATUS, row["status"]),
        *(seen(Sensitivity.EDUCATION, row[c]) for c in ("attendance_rate", "recent_rate", "points", "suspensions")),
    ]


def _shown(rows: list[dict[str, Any]], held: Facts) -> list[dict[str, Any]]:
    """The rows as this role may read them, each with the public id of its page."""
    seen = reader(held.access)
    return [
        {
            **shown,
            "helped_since": seen(Sensitivity.CARE_STATUS, row["helped_since"]),
            "practitioner": seen(Sensitivity.STAFF, row["practitioner"]),
            "organisation": seen(Sensitivity.CARE_STATUS, row["organisation"]),
            "recent": seen(Sensitivity.EDUCATION, row["recent_rate"]),
            "points": seen(Sensitivity.EDUCATION, None if row["points"] is None else f"{row['points']:+.1f}"),
            "suspensions": seen(Sensitivity.EDUCATION, row["suspensions"]),
        }
        for shown, row in zip(rows_shown(rows, held.access), rows, strict=True)
    ]

"""Children on a plan known to youth justice or at risk of exploitation: child by child for the few who may read it, and
in counts with small numbers hidden for the others who need to know how many."""

from __future__ import annotations

from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.lists import youth_justice as justice
from sightline.operations.sheets import Grid
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import name_of, reader, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, file_of, in_order
from sightline.web.pages.templating import query

PAGE: Final = 50
WORDS: Final = (
    ("Known to youth justice", "On a plan, and on the youth justice service’s list on the day, by the newest list."),
    ("Exploitation or going missing",
     "An assessment that ended since the plan began, or within the days set, names sexual or criminal exploitation, "
     "trafficking, gangs or going missing."),
)  # fmt: skip


def view(request: HttpRequest) -> HttpResponse:
    """The children this person may open, each with the facts and nothing weighed."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    every = _listed(held)
    options = [(key, f"{says} ({n:,})") for key, says in justice.SAYS.items()
               if (n := sum(justice.holds(row, key) for row in every))]  # fmt: skip
    asked = request.GET.get("fact", "")
    asked = asked if asked in dict(options) else ""
    wanted = [row for row in every if not asked or justice.holds(row, asked)]
    sorting = Sorting(request.GET)
    wanted = in_order(sorting, "list", wanted, lambda row: _columns(row, held))
    page, pages = paged(request.GET, len(wanted), PAGE)
    shown = wanted[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [row["child_id"] for row in shown], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "rows": [
            {**row, **_as_read(raw, held)} for row, raw in zip(rows_shown(shown, held.access), shown, strict=True)
        ],
        "options": options,
        "asked": asked,
        "found": len(wanted),
        "every": len(every),
        "sorting": sorting,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(fact=asked or None, page=n if n > 1 else None, **sorting.kept()),
        "counts": _figures(held, every, hidden=False),
        "beyond": _beyond(held),
        "words": [{"name": name, "says": says} for name, says in WORDS],
        "days": held.opened.settings.exploitation_days,
    }
    return render(request, "youth_justice/page.html", context)


def workbook(request: HttpRequest) -> HttpResponse:
    """The counts as a workbook; a list of names is taken away by another page, with a purpose."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="nothing held")
        return render(request, "pages/nothing.html")
    counts = _figures(held, _listed(held), hidden=False)
    made = tables.book(
        held.opened, "Youth justice and exploitation", [counts], about=f"On {day_in_words(held.on)}", filters="None",
        mark=tables.TRUE, words=WORDS,
    )  # fmt: skip
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    return file_of(made, f"youth-justice-true-figures-{held.on}", request.GET.get("form", "xlsx"))


def figures(request: HttpRequest) -> HttpResponse:
    """How many, with small numbers hidden, and how the list was matched."""
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    beyond = _beyond(held)
    context = {
        "facts": held,
        "counts": _figures(held, _listed(held), hidden=True),
        "received": beyond is not None,
        "outside": None if beyond is None else justice.count_to_share(beyond.outside),
        "words": [{"name": name, "says": says} for name, says in WORDS],
        "days": held.opened.settings.exploitation_days,
    }
    return render(request, "youth_justice/figures.html", context)


def _listed(held: Facts) -> list[dict[str, Any]]:
    return held.of_role(
        "youth justice",
        lambda: justice.youth_justice(held.opened, held.scope, with_places(held.cohort()), held.on),
    )


def _beyond(held: Facts) -> justice.Beyond | None:
    return justice.beyond(held.opened, held.on, but=held.access.sealed)


def _figures(held: Facts, rows: list[dict[str, Any]], *, hidden: bool) -> Grid:
    return held.of_role(
        f"youth justice figures, {'hidden' if hidden else 'true'}",
        lambda: justice.figures(rows, held.cohort(), hidden=hidden),
    )


def _columns(row: dict[str, Any], held: Facts) -> list[Any]:
    """The columns of the table, days as numbers."""
    seen = reader(held.access)
    known, exploited = row["youth_justice_since"], row["exploitation_since"]
    return [
        seen(Sensitivity.IDENTITY, name_of(row)),
        seen(Sensitivity.OFFENCE, known.toordinal() if known else None),
        seen(Sensitivity.CARE_DETAIL, exploited.toordinal() if exploited else None),
        seen(Sensitivity.EDUCATION, row["school_says"]),
        seen(Sensitivity.EDUCATION, row["attendance_rate"]),
        seen(Sensitivity.EDUCATION, row["suspensions"]),
        seen(Sensitivity.STAFF, row["worker_name"]),
    ]


def _as_read(row: dict[str, Any], held: Facts) -> dict[str, Any]:
    """What is said of the two facts, as this role may read it."""
    seen = reader(held.access)
    return {
        "known_since": seen(Sensitivity.OFFENCE, row["youth_justice_since"]),
        "involvement": [
            seen(Sensitivity.OFFENCE, justice.INVOLVEMENTS.get(code, code)) for code in row["involvement"]
        ],
        "hours": seen(Sensitivity.OFFENCE, row["education_hours"]),
        "factors": [
            (seen(Sensitivity.CARE_DETAIL, justice.FACTORS[code]), seen(Sensitivity.CARE_DETAIL, first),
             seen(Sensitivity.CARE_DETAIL, latest))
            for code, (first, latest) in row["factor_days"].items()
        ],
        "suspensions": seen(Sensitivity.EDUCATION, row["suspensions"]),
        "exclusions": seen(Sensitivity.EDUCATION, row["exclusions"]),
    }  # fmt: skip

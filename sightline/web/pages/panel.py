"""Children of whom several facts hold at once, for a panel to discuss: the facts listed, never added up to a score."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, Final

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from sightline.operations.lists.panel_list import BY_KEY, FACTS, LEAST, Fact, facts_together
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.access import Access
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import reader, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.templating import query

PAGE: Final = 50
LEASTS: Final = (2, 3, 4, 5)
SORTS: Final[dict[str, str]] = {"name": "Name", "since": "Plan start, earliest first"}
"""Ways to order the list. By how many facts is none: a list so ordered would be a score."""
FILTERS: Final = {"fact": "Fact", "plan": "Plan", "team": "Team", "school": "School"}


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    every = _listed(held)
    options = _options(every)
    asked = _asked(request.GET, options)
    least = next((n for n in LEASTS if str(n) == request.GET.get("least")), LEAST)
    sort = request.GET.get("sort", "")
    sort = sort if sort in SORTS else "name"
    wanted = [r for r in every if len(r["facts"]) >= least and all(_has(r, name, v) for name, v in asked.items() if v)]
    if sort == "since":
        wanted.sort(key=lambda r: (r["since"] is None, r["since"] or date.min))
    page, pages = paged(request.GET, len(wanted), PAGE)
    shown = wanted[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    seen = reader(held.access)
    context = {
        "facts": held,
        "definitions": facts_read(held.access),
        "rows": [
            {**row, "held": [_fact_as_read(key, seen) for key in raw["facts"]]}
            for row, raw in zip(rows_shown(shown, held.access), shown, strict=True)
        ],
        "options": options,
        "asked": asked,
        "filters": FILTERS,
        "leasts": [(str(n), f"{n} or more") for n in LEASTS],
        "least": str(least),
        "sorts": list(SORTS.items()),
        "sort": sort,
        "found": len(wanted),
        "all": len(every),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(
            **asked, least=least if least != LEAST else None, sort=sort if sort != "name" else None,
            page=n if n > 1 else None,
        ),
    }  # fmt: skip
    return render(request, "panel/page.html", context)


def _listed(held: Facts) -> list[dict[str, Any]]:
    return held.of_role(
        "panel list",
        lambda: facts_together(
            held.opened, held.scope, with_places(held.cohort()), held.on, facts=facts_read(held.access)
        ),
    )


def facts_read(access: Access) -> list[Fact]:
    """The facts this role may read. Another would say by its place in the list, and by its number, that it holds."""
    return [fact for fact in FACTS if access.reads(fact.sensitivity)]


def _fact_as_read(key: str, seen: Callable[[Sensitivity, Any], Any]) -> Any:
    return seen(BY_KEY[key].sensitivity, BY_KEY[key].name)


def _has(row: dict[str, Any], name: str, value: str) -> bool:
    if name == "fact":
        return value in row["facts"]
    return bool(row[{"plan": "status", "team": "team_name", "school": "urn"}[name]] == value)


def _options(rows: list[dict[str, Any]]) -> dict[str, list[tuple[str, str]]]:
    """The values of each filter that somebody on the list has, in words; of facts with how many have each."""
    counted = Counter(key for row in rows for key in row["facts"])
    named = {
        "plan": {(r["status"], r["status"][:1].upper() + r["status"][1:]) for r in rows},
        "team": {(r["team_name"], r["team_name"]) for r in rows if r["team_name"]},
        "school": {(r["urn"], r["school_name"] or r["urn"]) for r in rows if r["urn"]},
    }
    return {
        "fact": [(f.key, f"{f.name} ({counted[f.key]:,})") for f in FACTS if counted[f.key]],
        **{name: sorted(values, key=lambda pair: pair[1].casefold()) for name, values in named.items()},
    }


def _asked(got: QueryDict, options: dict[str, list[tuple[str, str]]]) -> dict[str, str]:
    """What the address asks for; a value nobody on the list has is left out."""
    return {name: str(got[name]) if got.get(name) in dict(options[name]) else "" for name in FILTERS}

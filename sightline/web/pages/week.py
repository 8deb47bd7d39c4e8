"""The week's list: who to ring and about what, grouped by reason."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.alerts import REASONS
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import addresses_of, name_of, no_school, reader
from sightline.web.pages.paging import paged
from sightline.web.pages.templating import query

PAGE = 50
BY_CODE = {reason.code: reason for reason in REASONS}
PLACE = {reason.code: place for place, reason in enumerate(REASONS)}


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    # The order of the reasons is the order of urgency; within one, the order of the list.
    rows = sorted(held.week_list().to_pylist(), key=lambda r: PLACE[r["reason"]])
    teams = sorted({r["team_name"] for r in rows if r["team_name"]}, key=str.casefold)
    named = {(r["urn"], r["school_name"] or r["urn"]) for r in rows if r["urn"]}
    schools = sorted(named, key=lambda school: school[1].casefold())
    reasons = reasons_of(rows)
    team, school, reason = (request.GET.get(name, "") for name in ("team", "school", "reason"))
    team = team if team in teams else ""
    school = school if school in {urn for urn, _ in schools} else ""
    reason = reason if reason in {code for code, _, _ in reasons} else ""
    wanted = [
        r
        for r in rows
        if (not team or r["team_name"] == team)
        and (not school or r["urn"] == school)
        and (not reason or r["reason"] == reason)
    ]
    page, pages = paged(request.GET, len(wanted), PAGE)
    shown = wanted[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, {r["child_id"] for r in shown}, action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "groups": groups_of(shown, held),
        "found": len(wanted),
        "all": len(rows),
        "teams": teams,
        "schools": schools,
        "reasons": reasons,
        "team": team,
        "school": school,
        "reason": reason,
        "page": page,
        "pages": pages,
        "address": lambda n: "?" + query(team=team, school=school, reason=reason, page=n if n > 1 else None),
    }
    return render(request, "week/page.html", context)


def reasons_of(rows: list[dict[str, Any]]) -> list[tuple[str, str, int]]:
    """Each reason in the list: its code, its name, and how many rows have it, in the order of the reasons."""
    counted = Counter(row["reason"] for row in rows)
    return [(r.code, r.name, counted[r.code]) for r in REASONS if counted[r.code]]


def groups_of(rows: list[dict[str, Any]], held: facts.Facts) -> list[dict[str, Any]]:
    addresses = addresses_of(r["child_id"] for r in rows)
    deliveries, ages = held.deliveries(), held.school_ages()
    seen = reader(held.access)
    return [
        {
            "reason": BY_CODE[code],
            "rows": [
                {
                    "name": seen(Sensitivity.IDENTITY, name_of(r)),
                    "address": addresses.get(r["child_id"]),
                    "status": seen(Sensitivity.CARE_STATUS, r["status"]),
                    "says": r["says"],
                    "since": r["since"],
                    "school": seen(
                        Sensitivity.EDUCATION, r["school_name"] or r["urn"] or no_school(ages.get(r["child_id"]))
                    ),
                    "worker": seen(Sensitivity.STAFF, r["worker_name"]),
                    "team": seen(Sensitivity.STAFF, r["team_name"]),
                    "source": deliveries.get(r["delivery"] or ""),
                    "lines": r["lines"],
                }
                for r in together
            ],
        }
        for code, together in groupby(rows, key=lambda r: r["reason"])
    ]

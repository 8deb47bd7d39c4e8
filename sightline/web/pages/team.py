"""One team for supervision: its workers' caseloads, its children beside a year before, and each child's week."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.cohort import STATUSES
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.lists import beside_tables as beside
from sightline.operations.lists.teams import TeamYears, team_years
from sightline.operations.sheets import Grid
from sightline.vocabulary.dates import day_in_words
from sightline.web import audit, facts
from sightline.web.authz import matched
from sightline.web.authz.access import Access, current, hidden_from
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages import week
from sightline.web.pages.cohort import list_values, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.pages.templating import query
from sightline.web.people.models import Allocation, ScopeKind

PAGE: Final = 50
COLUMNS: Final = ("name", "plan", "since", "attendance")
NO_WORKER: Final = "No worker recorded"


@dataclass(frozen=True, slots=True)
class Caseload:
    """One row per worker of the team: children by status, those with an entry in the week's list, and the address."""

    key: str
    name: str
    counts: tuple[int, ...]
    children: int
    in_week: int


def key_of(kind: str, ref: str) -> str:
    """A team or worker as an address may hold it: a reference can be a person's name."""
    return hmac.new(settings.SECRET_KEY.encode(), f"{kind} {ref}".encode(), hashlib.sha256).hexdigest()[:16]


def teams_of(access: Access, held: Facts) -> dict[str, str]:
    """The teams this person supervises that have children today: their names by reference."""
    day = max(access.today, held.on)
    rows = Allocation.objects.filter(current(day), child__held=True).exclude(team_ref="")
    # A team whose only child is hidden from this person is none to them.
    rows = rows.exclude(child__in=hidden_from(access).values("child"))
    if not any(g.scope == ScopeKind.AUTHORITY for g in access.grants):
        mine = {g.team_ref for g in access.grants if g.scope == ScopeKind.TEAM}
        rows = rows.filter(team_ref__in=mine - matched.closed(matched.TEAM, access.sealed))
    return {ref: name or ref for ref, name in rows.values_list("team_ref", "team_name").distinct().order_by("team_ref")}


def every(request: HttpRequest) -> HttpResponse:
    """The teams one may open. No child is counted here: the page of each does."""
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    teams = sorted(((name, key_of("team", ref)) for ref, name in teams_of(held.access, held).items()))
    return render(request, "team/all.html", {"facts": held, "teams": teams})


def view(request: HttpRequest, key: str) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    ref, name = _team(request, held, key)
    worker_of = _workers(held, ref)
    mine = pa.array(sorted(worker_of), pa.string())
    cohort, listed = held.cohort(), held.week_list()
    rows = with_places(cohort.filter(pc.is_in(cohort["child_id"], mine))).to_pylist()
    listed = listed.filter(pc.is_in(listed["child_id"], mine))
    reasons: dict[str, list[str]] = {}
    for entry in sorted(listed.to_pylist(), key=lambda r: week.PLACE[r["reason"]]):
        reasons.setdefault(entry["child_id"], []).append(week.BY_CODE[entry["reason"]].name)
    statuses = tuple(s for s in STATUSES if any(r["status"] == s for r in rows))
    caseloads = _caseloads(rows, worker_of, reasons, statuses)
    sorting = Sorting(request.GET)
    asked = request.GET.get("worker", "")
    chosen = next((c for c in caseloads if c.key == asked), None)
    wanted = [r for r in rows if chosen is None or key_of("worker", worker_of[r["child_id"]][0]) == chosen.key]
    # By the names and numbers on the page: the team's worker and how much of the week, not those of the cohort's list.
    values = [
        [*row, worker_of[raw["child_id"]][1], raw["school_says"], rate, len(reasons.get(raw["child_id"], ()))]
        for raw, (*row, rate) in zip(wanted, list_values(wanted, held.access, COLUMNS), strict=True)
    ]
    wanted = [wanted[n] for n in sorting.places("list", values)]
    page, pages = paged(request.GET, len(wanted), PAGE)
    shown = wanted[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    known = {r["child_id"] for r in rows}
    context = {
        "facts": held,
        "key": key,
        "team": name,
        "years": _years(held, ref, known),
        "statuses": statuses,
        "caseloads": [caseloads[n] for n in sorting.places("caseloads", caseload_table(caseloads, statuses).rows)],
        "sorting": sorting,
        "taken": query(**sorting.kept()),
        "chosen": chosen,
        "rows": [
            {**row, "worker": worker_of[raw["child_id"]][1], "reasons": tuple(reasons.get(raw["child_id"], ()))}
            for row, raw in zip(rows_shown(shown, held.access), shown, strict=True)
        ],
        "children": len(rows),
        "found": len(wanted),
        "others": sum(child not in known and held.scope.holds(child) for child in worker_of),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(
            worker=chosen.key if chosen else None, page=n if n > 1 else None, **sorting.kept()
        ),
    }  # fmt: skip
    return render(request, "team/page.html", context)


def workbook(request: HttpRequest, key: str) -> HttpResponse:
    """The figures of the page as a workbook: caseloads, and the team's children beside those of a year before."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="nothing held")
        return render(request, "pages/nothing.html")
    ref, name = _team(request, held, key)
    worker_of = _workers(held, ref)
    mine = pa.array(sorted(worker_of), pa.string())
    cohort, listed = held.cohort(), held.week_list()
    rows = cohort.filter(pc.is_in(cohort["child_id"], mine)).to_pylist()
    in_week = set(listed.filter(pc.is_in(listed["child_id"], mine))["child_id"].to_pylist())
    statuses = tuple(s for s in STATUSES if any(r["status"] == s for r in rows))
    caseloads = caseload_table(_caseloads(rows, worker_of, in_week, statuses), statuses)
    made = tables.book(
        held.opened, name,
        (Sorting(request.GET).grid("caseloads", caseloads),
         beside.team_table(_years(held, ref, {r["child_id"] for r in rows}))),
        about=f"Children allocated to the team on {day_in_words(held.on)}", filters="None", mark=tables.TRUE,
        words=beside.WORDS,
    )  # fmt: skip
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    return file_of(made, f"team-true-figures-{held.on}", request.GET.get("form", "xlsx"))


def caseload_table(caseloads: Sequence[Caseload], statuses: tuple[str, ...]) -> Grid:
    """One row per worker: children by status, and those with an entry in the week's list."""
    return Grid(
        "Caseloads", "Caseloads",
        ("Social worker", *(s[:1].upper() + s[1:] for s in statuses), "Children", "In this week’s list"),
        tuple((c.name, *c.counts, c.children, c.in_week) for c in caseloads),
    )  # fmt: skip


def _team(request: HttpRequest, held: Facts, key: str) -> tuple[str, str]:
    """The reference and name of a team one supervises. Another's team and no team are refused alike."""
    teams = teams_of(held.access, held).items() if key.isascii() else ()
    found = next((pair for pair in teams if hmac.compare_digest(key_of("team", pair[0]), key)), None)
    if found is None:
        audit.refused(request, f"team {key[:60]}")
        raise Http404
    return found


def _workers(held: Facts, ref: str) -> dict[str, tuple[str, str]]:
    """The reference and name of the worker of each child allocated to the team today, by child (the newest)."""
    day = max(held.access.today, held.on)
    rows = Allocation.objects.filter(current(day), team_ref=ref, child__held=True).order_by("start_date", "worker_ref")
    return {
        child: (worker, name or worker or NO_WORKER)
        for child, worker, name in rows.values_list("child__child_id", "worker_ref", "worker_name")
    }


def _caseloads(
    rows: list[dict[str, Any]],
    worker_of: dict[str, tuple[str, str]],
    in_week: Collection[str],
    statuses: tuple[str, ...],
) -> list[Caseload]:
    together: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        together.setdefault(worker_of[row["child_id"]], []).append(row)
    found = []
    for (ref, name), mine in together.items():
        counted = Counter(row["status"] for row in mine)
        entered = sum(row["child_id"] in in_week for row in mine)
        counts = tuple(counted[s] for s in statuses)
        found.append(Caseload(key_of("worker", ref), name, counts, len(mine), entered))
    return sorted(found, key=lambda c: c.name.casefold())


def _years(held: Facts, ref: str, children: set[str]) -> TeamYears:
    return held.chart(("team", ref), lambda: team_years(held.opened, held.scope, ref, children, held.on))

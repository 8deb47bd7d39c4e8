"""The weekly spot check: this week's children with what the register says, the answers, and the result by week."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline import operations
from sightline.reconciliation import SPOT_ANSWERS
from sightline.vocabulary.errors import SightlineError
from sightline.vocabulary.periods import monday
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import addresses_of, name_of, reader
from sightline.web.work import asking


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    home, week = facts.home(), monday(held.access.today)
    problem = ""
    if request.method == "POST":
        try:
            _taken(request, held)
        except SightlineError as error:
            problem = str(error)
        else:
            return redirect("spot_checks")
    rows = operations.spot_check(home, held.opened, held.scope, week=week).to_pylist()
    audit.disclosed(request, [r["child_id"] for r in rows], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "week": week,
        "rows": as_seen(rows, held),
        "size": held.opened.settings.spot_check_children,
        "answers": SPOT_ANSWERS,
        "results": operations.spot_check_results(home, held.opened),
        "problem": problem,
        "posted": request.POST,
    }
    return render(request, "spot_checks/page.html", context)


def _taken(request: HttpRequest, held: facts.Facts) -> None:
    """Draw the week's sample, or record the answers given. Raises SightlineError with what should be put right."""
    home, today, by, now = facts.home(), held.access.today, asking.who(request), timezone.now()
    if request.POST.get("do") == "draw":
        number = operations.draw_spot_check(home, held.opened, held.scope, week=today, by=by, at=now)
        audit.changed(
            request, "spot check drawn", f"week {monday(today)}", after={"children": number}, purpose="Weekly"
        )
        return
    sample = operations.spot_check(home, held.opened, held.scope, week=today).to_pylist()
    addresses = addresses_of(r["child_id"] for r in sample)
    given: dict[str, tuple[str, str]] = {}
    for row in sample:
        place = addresses.get(row["child_id"], "")
        answer = request.POST.get(f"answer-{place}", "")
        words = request.POST.get(f"reason-{place}", "").strip()
        if answer and (answer, words) != (row["answer"], row["reason"] or ""):
            given[row["child_id"]] = (answer, words)
    if not given:
        raise SightlineError("Choose an answer for one child or more.")
    operations.answer_spot_check(home, held.opened, held.scope, given, week=today, by=by, at=now)
    audit.changed(
        request, "spot check answered", f"week {monday(today)}", after={"children": len(given)},
        purpose="Weekly spot check", child_ids=given,
    )  # fmt: skip


def as_seen(rows: list[dict[str, Any]], held: facts.Facts) -> list[dict[str, Any]]:
    addresses = addresses_of(r["child_id"] for r in rows)
    seen = reader(held.access)
    return [
        {
            "address": addresses.get(r["child_id"]),
            "name": seen(Sensitivity.IDENTITY, name_of(r)),
            "status": seen(Sensitivity.CARE_STATUS, r["status"] or "No status now"),
            "since": seen(Sensitivity.CARE_STATUS, r["since"]),
            "school": seen(Sensitivity.EDUCATION, r["school_name"] or "No school found"),
            "worker": seen(Sensitivity.STAFF, r["worker_name"]),
            "team": seen(Sensitivity.STAFF, r["team_name"]),
            "answer": r["answer"],
            "reason": r["reason"],
            "by": r["answered_by"],
        }
        for r in rows
    ]

"""Access review: the three logs with filters, what stands out, and the same entries as a file. No child is named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from sightline.vocabulary.dates import RIGHT_DAY, typed_day
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.accounts.models import User
from sightline.web.audit import review, sample
from sightline.web.authz.access import HIDDEN, Access
from sightline.web.authz.matrix import PAGES, ROLES
from sightline.web.pages.downloads import csv_file
from sightline.web.pages.paging import asked_page
from sightline.web.pages.templating import query

PAGE = 50
USUAL_DAYS = 7
GONE = "A person no longer here"
LONGEST_DAYS = 366
MOST_ROWS = 50_000
LOGS = {"access": "Who looked", "change": "Who changed what", "security": "Who came in"}
HEADS = ("When (UTC)", "Who", "Role", "What", "Page or subject", "Children", "Kinds of information", "Reason or detail",
         "Address", "Request")  # fmt: skip


# Changes whose reason is about one child.
OF_ONE_CHILD = frozenset({"restriction made", "restriction ended", "reviewing officer named"})


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of a log; a value that is none is the usual one."""

    log: str
    first: date
    last: date
    actor: int | None
    kind: str
    refused: bool

    def address(self, page: int = 1) -> str:
        return "?" + query(
            log=self.log, first=self.first, last=self.last, person=self.actor, kind=self.kind,
            refused="yes" if self.refused else None, page=page if page > 1 else None,
        )  # fmt: skip


def view(request: HttpRequest) -> HttpResponse:
    asked = _asked(request.GET)
    page = asked_page(request.GET)
    access: Access = request.access  # type: ignore[attr-defined]
    people = {user.pk: user for user in User.objects.all()}
    rows = list(_entries(asked)[(page - 1) * PAGE : page * PAGE + 1])
    found = review.patterns(
        asked.first,
        asked.last,
        settings.SIGHTLINE_CHOSEN,
        {pk: user.last_name or user.called.rpartition(" ")[2] for pk, user in people.items()},
        facts.of_the_same_surname,
    )
    if asked.actor is not None:
        found = [p for p in found if p.actor_id == asked.actor]
    context = {
        "asked": asked,
        "typed": request.GET,
        "wrong": {name: RIGHT_DAY for name in ("first", "last")
                  if request.GET.get(name, "").strip() and typed_day(request.GET[name]) is None},
        "logs": LOGS,
        "people": sorted(((u.pk, u.called) for u in people.values()), key=lambda p: p[1].casefold()),
        "patterns": [(p, people[p.actor_id].called if p.actor_id in people else GONE) for p in found],
        "rows": [row_of(entry, people, access) for entry in rows[:PAGE]],
        "page": page,
        "more": len(rows) > PAGE,
        "address": asked.address,
        "limits": settings.SIGHTLINE_CHOSEN,
    }  # fmt: skip
    return render(request, "audit/review.html", context)


def download(request: HttpRequest) -> HttpResponse:
    """The entries that the address asks for, as a file; that it was taken is in the security log."""
    asked = _asked(request.GET)
    access: Access = request.access  # type: ignore[attr-defined]
    people = {user.pk: user for user in User.objects.all()}
    audit.security(request, "log taken as a file", user=request.user, detail=asked.address()[:200])
    rows = (row_of(entry, people, access) for entry in _entries(asked)[:MOST_ROWS].iterator(chunk_size=2000))
    columns = ("at", "who", "role", "what", "about", "children", "fields", "detail", "network", "request")
    return csv_file(
        f"log-{asked.log}-{asked.first}-{asked.last}",
        HEADS,
        ([f"{r['at']:%Y-%m-%d %H:%M:%S}" if c == "at" else r[c] for c in columns] for r in rows),
    )


def sampled(request: HttpRequest) -> HttpResponse:
    """The month's sample of records opened, each with its grounds, and what reviewing it found."""
    months = sample.months(timezone.localdate())
    asked = typed_day(request.POST.get("month", "") or request.GET.get("month", ""))
    month = asked if asked in months else months[0]
    problem = ""
    if request.method == "POST":
        number = request.POST.get("entry", "")
        try:
            sample.answer(
                request, month, entry=int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0,
                outcome=request.POST.get("outcome", ""), note=request.POST.get("note", ""),
            )  # fmt: skip
        except BadSetting as why:
            problem = str(why)
        else:
            return redirect(f"{reverse('access_sample')}?{query(month=month)}#list")
    people = {user.pk: user for user in User.objects.all()}
    rows = sample.drawn(month)
    access = request.access  # type: ignore[attr-defined]
    context = {
        "month": month,
        "month_says": f"{month:%B %Y}",
        "months": [(m, f"{m:%B %Y}") for m in months],
        "rows": [{**row_of(d.entry, people, access), "entry": d.entry.pk, "actor": d.entry.actor_id,
                  "grounds": d.grounds, "times": d.times, "found": d.found} for d in rows],
        "waits": sum(d.found is None for d in rows),
        "opened": sample.opened_in(month).count(),
        "outcomes": list(sample.OUTCOMES.items()),
        "results": sample.results(),
        "may_answer": access.may_open("access_sample", "POST"),
        "size": settings.SIGHTLINE_CHOSEN.access_sample_views,
        "problem": problem,
        "posted": request.POST,
    }  # fmt: skip
    return render(request, "audit/sample.html", context)


def row_of(entry: Any, people: dict[int, User], access: Access) -> dict[str, Any]:
    """An entry in words. A child who was asked for and refused is not named, even by an id; and why one child was
    hidden, or given a reviewing officer, is care detail."""
    who = people.get(entry.actor_id)
    role, page = ROLES.get(getattr(entry, "role", "")), PAGES.get(getattr(entry, "page", ""))
    purpose = getattr(entry, "purpose", "") or getattr(entry, "detail", "")
    return {
        "at": entry.at,
        "who": who.called if who is not None else entry.actor_label or "Nobody signed in",
        "role": role.name if role is not None else getattr(entry, "role", ""),
        "what": getattr(entry, "action", "") or getattr(entry, "event", ""),
        "about": page.says if page is not None else getattr(entry, "subject", ""),
        "children": len(getattr(entry, "child_ids", ())),
        "fields": ", ".join(f for f in getattr(entry, "field_classes", ()) if f != "plain"),
        "detail": _detail(entry, purpose, access),
        "network": entry.address,
        "request": entry.request_id,
    }


def _detail(entry: Any, purpose: str, access: Access) -> str:
    if purpose.startswith("child "):
        return "a child outside the person’s scope"
    of_one_child = getattr(entry, "action", "") in OF_ONE_CHILD
    return str(HIDDEN) if of_one_child and not access.reads(Sensitivity.CARE_DETAIL) else purpose


def _entries(asked: Asked) -> Any:
    return review.entries(
        asked.log, first=asked.first, last=asked.last, actor=asked.actor, kind=asked.kind, refused=asked.refused
    )


def _asked(got: QueryDict) -> Asked:
    today = timezone.localdate()
    last = typed_day(got.get("last", "")) or today
    first = typed_day(got.get("first", "")) or last - timedelta(days=USUAL_DAYS - 1)
    first = max(min(first, last), last - timedelta(days=LONGEST_DAYS - 1))
    actor = got.get("person", "")
    return Asked(
        log=got["log"] if got.get("log") in LOGS else "access",
        first=first,
        last=last,
        actor=int(actor) if actor.isascii() and actor.isdigit() and len(actor) < 12 else None,
        kind=got.get("kind", "")[:60],
        refused=got.get("refused") == "yes",
    )

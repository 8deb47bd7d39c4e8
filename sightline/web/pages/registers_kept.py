"""The data-sharing register and the asks of schools: what is kept, and a form for an entry or its next version."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline import operations
from sightline.operations import AGREEMENTS, REQUESTS, Register
from sightline.operations.keeping.registers_kept import BadField
from sightline.vocabulary.errors import BadSetting, NotAllowed
from sightline.web import audit, facts
from sightline.web.work import asking


def agreements(request: HttpRequest) -> HttpResponse:
    return _page(request, AGREEMENTS, "agreements")


def requests(request: HttpRequest) -> HttpResponse:
    return _page(request, REQUESTS, "requests")


def _page(request: HttpRequest, register: Register, name: str) -> HttpResponse:
    held, home = facts.of(request), facts.home()
    today = timezone.localdate()
    rows = operations.entries(home, register, on=today)
    entry_id = request.POST.get("id", "") if request.method == "POST" else request.GET.get("id", "")
    changing = next((r for r in rows if r["id"] == entry_id), None)
    if entry_id and changing is None:
        raise Http404
    values: dict[str, Any] = {f.name: (changing or {}).get(f.name) or "" for f in register.fields}
    problem, wrong = "", ""
    if request.method == "POST":
        values = {f.name: request.POST.get(f.name, "").strip() for f in register.fields}
        try:
            made = operations.keep_entry(
                home, register, values, by=asking.who(request), at=timezone.now(), entry_id=entry_id,
                opened=held.opened if held is not None else None, anyway=request.POST.get("anyway") == "yes",
            )  # fmt: skip
        except (BadSetting, NotAllowed) as error:
            problem, wrong = str(error), error.field if isinstance(error, BadField) else ""
        else:
            audit.changed(
                request, f"{register.key} kept", f"{register.key} {made}", before=changing, after=values,
                purpose=register.name,
            )  # fmt: skip
            return redirect(name)
    schools = asking.school_names(held) if held is not None else {}
    context = {
        "register": register,
        "page": name,
        "rows": [{**r, "title": _title(register, r, schools), "at": operations.moment_of(r["at"])} for r in rows],
        "values": values,
        "entry_id": entry_id,
        "problem": problem,
        "wrong": wrong,
        "may_anyway": register is REQUESTS and problem != "" and not wrong,
    }
    return render(request, "registers/page.html", context)


def _title(register: Register, row: dict[str, Any], schools: dict[str, str]) -> str:
    return (
        str(row["name"]) if register is AGREEMENTS else f"{schools.get(row['school'], row['school'])}: {row['topic']}"
    )

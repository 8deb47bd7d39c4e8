"""Exceptions: what sources disagree on, how long it has waited, one exception with its life, and what is decided."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline import operations
from sightline.reconciliation import OWNERS, RULES, STATES, rule_named
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.errors import SightlineError
from sightline.vocabulary.systems import SYSTEMS
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.access import HIDDEN
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import addresses_of, name_of, reader
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, in_order
from sightline.web.pages.templating import days_in_words, query
from sightline.web.people.models import Child
from sightline.web.work import asking
from sightline.web.work.drawing import Drawn, bars

PAGE = 50
CORRECTED = "corrected at source"
FILTERS = ("owner", "rule", "state", "system")
NO_CHILD = "About a school, not one child"
DECIDE = {
    "acknowledged": ("Acknowledge", "You have seen it and it will be put right. It closes when a later file agrees."),
    "explained": ("Explain", "Both values are right, for a reason. It stays explained while neither changes."),
    "returned": ("Return", "It is not yours to put right. Say whose it is."),
    "withdrawn": ("Withdraw the explanation", "The explanation does not hold."),
}
NEEDS_REASON = frozenset(DECIDE) - {"acknowledged"}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of the exceptions; a value that none has is left out."""

    owner: str = ""
    rule: str = ""
    state: str = ""
    system: str = ""
    cohort: bool = False
    due: str = ""

    def address(self, page: int = 1, **kept: Any) -> str:
        held = {name: getattr(self, name) for name in FILTERS}
        also = {"cohort": "yes" if self.cohort else None, "due": self.due, "page": page if page > 1 else None}
        return "?" + query(**held, **also, **kept)

    def of(self, rows: pa.Table, on: date) -> pa.Table:
        for name in ("rule", "state", "system"):
            if getattr(self, name):
                rows = rows.filter(pc.equal(rows[name], getattr(self, name)))
        if self.owner == "school":
            rows = rows.filter(pc.starts_with(rows["owner"], "school "))
        elif self.owner:
            rows = rows.filter(pc.equal(rows["owner"], self.owner))
        if not self.state:
            rows = rows.filter(pc.not_equal(rows["state"], CORRECTED))
        if self.due:
            rows = rows.filter(operations.due_within_a_week(rows, on))
        return rows.filter(rows["in_cohort"]) if self.cohort else rows


def asked_of(got: QueryDict, options: dict[str, list[tuple[str, str]]]) -> Asked:
    chosen = {name: str(got[name]) if got.get(name) in dict(options[name]) else "" for name in FILTERS}
    return Asked(**chosen, cohort=got.get("cohort") == "yes", due="week" if got.get("due") == "week" else "")


def options_of(rows: pa.Table, schools: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    """The values of each filter that some exception has, in words."""
    found = {name: set(pc.unique(rows[name]).to_pylist()) - {None} for name in FILTERS}
    owners = [(o.code, o.name) for o in OWNERS if o.code in found["owner"]]
    named = sorted(
        ((o, asking.owner_in_words(o, schools)) for o in found["owner"] if o.startswith("school ")),
        key=lambda pair: pair[1].casefold(),
    )
    every = [("school", "Every school")] if len(named) > 1 else []
    return {
        "owner": [*owners, *every, *named],
        "rule": sorted(((r.code, r.name) for r in RULES if r.code in found["rule"]), key=lambda pair: pair[1]),
        "state": [(s.name, s.name.capitalize()) for s in STATES if s.name in found["state"]],
        "system": sorted((s, system_in_words(s)) for s in found["system"]),
    }


def system_in_words(system: str | None) -> str:
    said = SYSTEMS.get(system or "", system or "")
    return said[:1].upper() + said[1:]


# A meaning begins with what it is called, and goes on after a colon or a comma.
_CATEGORIES = {c.code: re.split("[:,]", c.meaning)[0].lower() for c in code_list("exclusion_category")}


def in_words(text: str) -> str:
    """A value of an exception as it is read: days as people write them, kinds of exclusion in words."""
    for code, says in _CATEGORIES.items():
        text = re.sub(rf"\b{code}\b", says, text)
    return days_in_words(text)


FIELDS = {"birth_date": "date of birth", "upn": "pupil number", "forename": "first name"}


def what_in_words(what: str) -> str:
    """What parted, with fields and systems as people call them."""
    words = FIELDS.get(what, what).split(" ")
    return " ".join(f"the {SYSTEMS[w]}" if SYSTEMS.get(w) and n and words[n - 1] in ("in", "and") else w
                    for n, w in enumerate(words))  # fmt: skip


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    rows, schools = asking.exceptions(held), asking.school_names(held)
    options = options_of(rows, schools)
    asked = asked_of(request.GET, options)
    found = asked.of(rows, held.access.today)
    page, pages = paged(request.GET, found.num_rows, PAGE)
    sorting = Sorting(request.GET)
    if sorting.order("list") is None:
        shown = found.slice((page - 1) * PAGE, PAGE).to_pylist()
    else:
        every = in_order(sorting, "list", found.to_pylist(), lambda row: columns(as_seen(row, held, schools)))
        shown = every[(page - 1) * PAGE : page * PAGE]
    children = {row["child_id"] for row in shown if row["child_id"]}
    audit.disclosed(request, children, action="listed", fields=fields_shown(request))
    addresses = addresses_of(children)
    states = pc.value_counts(rows["state"]).to_pylist()
    context = {
        "facts": held,
        "rows": [{**as_seen(row, held, schools), "address": addresses.get(row["child_id"])} for row in shown],
        "states": {s["values"]: s["counts"] for s in states},
        "chart": ageing(found, held.access.today),
        "options": options,
        "asked": asked,
        "found": found.num_rows,
        "all": rows.num_rows,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "sorting": sorting,
        "address": lambda n: asked.address(n, **sorting.kept()),
        "kept_back": asking.kept_back(held, rows),
    }
    return render(request, "exceptions/page.html", context)


def columns(row: dict[str, Any]) -> list[Any]:
    """What the table of the queue shows of an exception as read."""
    return [row[name] for name in ("child", "name", "due_date", "left", "right", "owner_name")]


def as_seen(row: dict[str, Any], held: facts.Facts, schools: dict[str, str]) -> dict[str, Any]:
    """An exception as this role may read it: a value of a class it may not read says so."""
    seen = reader(held.access)
    hidden = [c for c in operations.classes_of(row) if not held.access.reads(c)]
    return {
        **row,
        "child": seen(Sensitivity.IDENTITY, name_of(row)) if row["child_id"] else NO_CHILD,
        "school": schools.get(row["urn"] or "", row["urn"]),
        "owner_name": asking.owner_in_words(row["owner"], schools),
        "left": HIDDEN if hidden else in_words(row["left_value"] or "Nothing"),
        "right": HIDDEN if hidden else in_words(row["right_value"] or "Nothing"),
        "left_name": system_in_words(row["left_system"]),
        "right_name": system_in_words(row["right_system"]),
        "what": HIDDEN if hidden else in_words(what_in_words(row["what"])),
        "late": row["state"] == "overdue",
    }


def ageing(rows: pa.Table, today: Any) -> Drawn | None:
    """How long what waits has waited, and what of it is overdue."""
    bands = operations.ages(rows, today)
    waits, late = sum(b["in_time"] + b["overdue"] for b in bands), sum(b["overdue"] for b in bands)
    if not waits:
        return None
    message = (
        f"{late:,} of {waits:,} exceptions that wait are overdue"
        if late
        else f"None of {waits:,} exceptions is overdue"
    )
    return bars(
        [(b["band"], (b["in_time"], b["overdue"])) for b in bands],
        ("Within the due date", "Overdue"),
        message=message,
        describes="Bar chart of the exceptions that wait for somebody, by the time since they were found. "
        + "; ".join(f"{b['band']}: {b['in_time']:,} in time and {b['overdue']:,} overdue" for b in bands)
        + ".",
        across="Time since found",
        up="Exceptions",
    )


def one(request: HttpRequest, exception_id: str) -> HttpResponse:
    """One exception: both values and where they stand, its life, and a decision about it."""
    held = facts.of(request)
    row = asking.exception(held, exception_id) if held is not None else None
    if held is None or row is None:
        audit.refused(request, f"exception {exception_id[:40]}")
        raise Http404
    may = asking.decisions_of(held, row)
    problem, chosen, reason = "", "", ""
    if request.method == "POST":
        chosen, reason = request.POST.get("decision", ""), request.POST.get("reason", "").strip()
        problem = _decided(request, held, row, may, chosen, reason)
        if not problem:
            return redirect("exception", exception_id=exception_id)
    audit.disclosed(
        request, [row["child_id"]] if row["child_id"] else [], action="viewed", fields=fields_shown(request)
    )
    schools = asking.school_names(held)
    files = operations.file_names(facts.home(), [row["left_delivery"], row["right_delivery"]])
    address = Child.objects.filter(child_id=row["child_id"]).values_list("public_id", flat=True).first()
    rule = rule_named(row["rule"])
    context = {
        "facts": held,
        "row": {**as_seen(row, held, schools), "address": address},
        "rule": rule,
        "sides": sides(row, as_seen(row, held, schools), files, held),
        "history": history(held, exception_id),
        "decisions": [(code, *DECIDE[code]) for code in may],
        "problem": problem,
        "chosen": chosen,
        "reason": reason,
    }
    return render(request, "exceptions/one.html", context)


def _decided(
    request: HttpRequest, held: facts.Facts, row: dict[str, Any], may: tuple[str, ...], chosen: str, reason: str
) -> str:
    """Take the decision; what stands in its way, in a sentence, or nothing."""
    if not may:
        return "You may not decide about this exception, or nothing is to be decided about it now."
    if chosen not in may:
        return "Choose what to do with it."
    if chosen in NEEDS_REASON and not reason:
        return "Give a reason."
    try:
        (taken,) = operations.decide(
            facts.home(), held.opened, held.scope, [row["exception_id"]], chosen, by=asking.who(request),
            at=timezone.now(), reason=reason, schools=held.access.schools,
        )  # fmt: skip
    except SightlineError as error:
        return str(error)
    if taken.taken:
        audit.changed(
            request, f"exception {chosen}", f"exception {row['exception_id']}", before={"state": row["stage"]},
            after={"decision": chosen}, purpose=reason or chosen,
            child_ids=[row["child_id"]] if row["child_id"] else [],
        )  # fmt: skip
    return taken.says


def sides(row: dict[str, Any], seen: dict[str, Any], files: dict[str, str], held: facts.Facts) -> list[dict[str, Any]]:
    """Both values, each with its system, file and line."""
    deliveries = held.deliveries()
    told = []
    for side in ("left", "right"):
        delivery = row[f"{side}_delivery"] or ""
        kind, received = deliveries.get(delivery, (None, None))
        told.append(
            {
                "system": system_in_words(row[f"{side}_system"]) or "No other source",
                "value": seen[side],
                "file": files.get(delivery),
                "kind": kind,
                "received": received,
                "line": row[f"{side}_line"],
            }
        )
    return told


def history(held: facts.Facts, exception_id: str) -> list[dict[str, Any]]:
    rows = operations.exception_history(
        facts.home(), held.opened, held.scope, exception_id, schools=held.access.schools
    )
    staff = held.access.reads(Sensitivity.STAFF)
    return [
        {**r, "at": operations.moment_of(r["at"]), "by": (r["by"] if staff else HIDDEN) if r["by"] else None}
        for r in rows.to_pylist()
    ]

"""Batches: what waits for each owner, sending it, each batch as a page and as a file, and taking the answers back."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline import operations
from sightline.operations import ANSWERS
from sightline.vocabulary.errors import SightlineError
from sightline.web import audit, facts
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import addresses_of
from sightline.web.pages.exceptions import as_seen
from sightline.web.work import asking

TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
MOST_BYTES = 20_000_000


def view(request: HttpRequest) -> HttpResponse:
    """What each owner has not been asked yet, the batches sent, and a way to take answers back."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    problem = ""
    if request.method == "POST":
        owner, again = request.POST.get("owner", ""), request.POST.get("again") == "yes"
        try:
            if not owner:
                raise SightlineError("Choose whom to send to.")
            batch = operations.send_batch(
                facts.home(), held.opened, held.scope, owner=owner, out=None, by=asking.who(request),
                at=timezone.now(), again=again,
            )  # fmt: skip
        except SightlineError as error:
            problem = str(error)
        else:
            audit.changed(
                request, "exceptions sent", f"batch {batch.id}", purpose=f"Sent to {owner}", child_ids=batch.child_ids,
                after={"owner": owner, "exceptions": len(batch.exception_ids)},
            )  # fmt: skip
            return redirect("batch", batch=batch.id)
    schools = asking.school_names(held)
    # Counts alone leave here, but they and what is sent are of the children this person may open.
    audit.disclosed(request, [], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "owners": owners(asking.exceptions(held).to_pylist(), schools),
        "batches": [
            {**b, "owner_name": asking.owner_in_words(b["owner"] or "", schools) if b["owner"] else "",
             "sent_at": operations.moment_of(b["sent_at"])}
            for b in operations.batches_sent(facts.home(), held.opened)
        ],
        "answers": ANSWERS,
        "problem": problem,
    }  # fmt: skip
    return render(request, "exceptions/batches.html", context)


def owners(rows: list[dict[str, Any]], schools: dict[str, str]) -> list[dict[str, Any]]:
    """One row per owner that something waits for: how many wait, are overdue, and have not been asked about yet, of
    what the owner may see."""
    rows = [r for r in rows if asking.owner_may_see(r)]
    waits = Counter(r["owner"] for r in operations.unsent(rows, again=True))
    late = Counter(r["owner"] for r in rows if r["state"] == "overdue")
    unasked = Counter(r["owner"] for r in operations.unsent(rows))
    told = [
        {"owner": o, "name": asking.owner_in_words(o, schools), "waits": n, "overdue": late[o], "unasked": unasked[o]}
        for o, n in waits.items()
    ]
    return sorted(told, key=lambda r: (r["owner"].startswith("school "), r["name"].casefold()))


def batch(request: HttpRequest, batch: str) -> HttpResponse:
    """One batch, row by row, as its owner was asked and as it stands now."""
    held, rows = _rows(request, batch)
    children = {r["child_id"] for r in rows if r["child_id"]}
    audit.disclosed(request, children, action="listed", fields=fields_shown(request))
    addresses = addresses_of(children)
    schools = asking.school_names(held)
    sent = next((b for b in operations.batches_sent(facts.home(), held.opened) if b["batch"] == batch), None)
    context = {
        "facts": held,
        "batch": sent,
        "owner_name": asking.owner_in_words(rows[0]["owner"], schools),
        "sent_at": operations.moment_of(sent["sent_at"]) if sent else None,
        "rows": [{**as_seen(r, held, schools), "address": addresses.get(r["child_id"])} for r in rows],
    }
    return render(request, "exceptions/batch.html", context)


def download(request: HttpRequest, file: str) -> HttpResponse:
    """One batch as a workbook or CSV (by the ending) to be sent to its owner, with room for the answers."""
    batch, _, kind = file.rpartition(".")
    if f".{kind}" not in TYPES:
        audit.refused(request, f"batch {file[:40]}")
        raise Http404
    _, rows = _rows(request, batch)
    audit.disclosed(
        request, {r["child_id"] for r in rows if r["child_id"]}, action="exported", fields=fields_shown(request)
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / f"batch.{kind}"
        operations.write_batch(facts.home(), batch, rows, out)
        content = out.read_bytes()
    response = HttpResponse(content, content_type=TYPES[f".{kind}"])
    response["Content-Disposition"] = f'attachment; filename="exceptions-{batch}.{kind}"'
    return response


def answers(request: HttpRequest) -> HttpResponse:
    """Take an answered batch back: each answer with what came of it."""
    held = facts.of(request)
    file = request.FILES.get("file")
    problem, taken = "", []
    if held is None:
        problem = "Nothing has been received yet."
    elif file is None or not file.name:
        problem = "Choose the answered file."
    elif (file.size or 0) > MOST_BYTES:
        problem = f"The file is larger than {MOST_BYTES // 1_000_000} MB: it is not a batch."
    else:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "answers"
            with path.open("wb") as out:
                for piece in file.chunks():
                    out.write(piece)
            try:
                taken = operations.receive_answers(
                    facts.home(), held.opened, held.scope, path, by=asking.who(request), at=timezone.now()
                )
            except SightlineError as error:
                problem = str(error).replace("answers is not", "The file is not")
            else:
                audit.changed(
                    request, "answers to exceptions", "answered file", purpose="Answers taken back",
                    after={"taken": sum(a.taken for a in taken), "refused": sum(not a.taken for a in taken)},
                )  # fmt: skip
    audit.disclosed(request, [], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "problem": problem,
        "taken": [a for a in taken if a.taken],
        "refused": [a for a in taken if not a.taken],
    }
    return render(request, "exceptions/answers.html", context)


def _rows(request: HttpRequest, batch: str) -> tuple[facts.Facts, list[dict[str, Any]]]:
    held = facts.of(request)
    if held is not None:
        try:
            return held, operations.batch_rows(facts.home(), held.opened, held.scope, batch, on=held.access.today)
        except SightlineError:
            pass
    audit.refused(request, f"batch {batch[:40]}")
    raise Http404

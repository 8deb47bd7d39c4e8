"""Loads: what was received when and by whom, files uploaded here, and each upload from its check to its undoing."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline import operations
from sightline.vocabulary.errors import SightlineError
from sightline.web import audit, facts
from sightline.web.pages.paging import asked_page
from sightline.web.pages.templating import query
from sightline.web.work import asking, running
from sightline.web.work.models import State, Upload

MOST_FILES = 500
MOST_BYTES = 2_000_000_000
PAGE = 20


def view(request: HttpRequest) -> HttpResponse:
    """The uploads and the snapshots, newest first, and a form for more files."""
    problem = ""
    if request.method == "POST":
        files = request.FILES.getlist("files")
        if not files:
            problem = "Choose one file or more."
        elif len(files) > MOST_FILES or sum(f.size or 0 for f in files) > MOST_BYTES:
            problem = f"At most {MOST_FILES} files and {MOST_BYTES // 1_000_000_000} GB at once. Send them in parts."
        else:
            upload = running.keep(files, by=asking.who(request))
            audit.changed(
                request, "files uploaded", f"upload {upload.public_id}", after={"files": len(files)},
                purpose="To be checked",
            )  # fmt: skip
            running.start()
            return redirect("upload", public_id=upload.public_id)
    page = asked_page(request.GET)
    snapshots = operations.snapshots_made(facts.home())
    shown = snapshots[(page - 1) * PAGE : page * PAGE]
    context = {
        "uploads": Upload.objects.all()[:PAGE],
        "snapshots": [{**s, "made": operations.moment_of(s["made"])} for s in shown],
        "problem": problem,
        "scanned": bool(settings.SIGHTLINE_UPLOAD_SCANNER),
        "page": page,
        "more": page * PAGE < len(snapshots),
        "address": lambda n: "?" + query(page=n if n > 1 else None),
    }
    return render(request, "loads/page.html", context)


def upload(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """One upload: what the check found, and loading, discarding or undoing it."""
    held = _upload(public_id)
    problem = ""
    if request.method == "POST":
        problem = _move(request, held, request.POST.get("move", ""), request.POST.get("reason", "").strip())
        if not problem:
            return redirect("upload", public_id=held.public_id)
    return render(request, "loads/upload.html", {**_context(held), "problem": problem})


def progress(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """How far the work is, for a page that asks every few seconds; when it is over, the page is told to load again."""
    held = _upload(public_id)
    response = render(request, "loads/_progress.html", {"upload": held})
    if not held.under_way:
        response["HX-Refresh"] = "true"
    return response


def _upload(public_id: uuid.UUID) -> Upload:
    running.reap()
    held = Upload.objects.filter(public_id=public_id).first()
    if held is None:
        raise Http404
    return held


def _move(request: HttpRequest, held: Upload, move: str, reason: str) -> str:
    """Take the move; what stands in its way, in a sentence, or nothing."""
    by = asking.who(request)
    if move not in held.moves:
        return "That cannot be done with this upload now."
    if move == "undo":
        current = facts.home().store.current_id()
        if current != held.snapshot:
            return "Something else was received since, so this load cannot be undone by itself."
        try:
            made = operations.undo(facts.home(), by=by, at=timezone.now(), reason=reason)
        except SightlineError as error:
            return str(error)
        running.moved(held, move, by=by)
        audit.changed(
            request, "load undone", f"upload {held.public_id}", before={"snapshot": held.snapshot},
            after={"snapshot": made.id}, purpose=reason,
        )  # fmt: skip
        return ""
    was = held.state
    if not running.moved(held, move, by=by):
        return "Somebody else was quicker: see what it says now."
    audit.changed(
        request, f"upload: {move}", f"upload {held.public_id}", before={"state": was}, after={"state": held.state},
        purpose=move,
    )  # fmt: skip
    if held.under_way:
        running.start()
    return ""


def _context(held: Upload) -> dict[str, Any]:
    told: dict[str, Any] = held.receipt or held.preview or {}
    return {
        "upload": held,
        "files": told.get("files", []),
        "figures": (held.preview or {}).get("figures", []),
        "warnings": (held.preview or {}).get("warnings", []),
        "changes": (held.preview or {}).get("changes", False),
        "may_undo": held.state == State.LOADED and facts.home().store.current_id() == held.snapshot,
        "state": State(held.state).label,
    }

"""Search for a child by name, pupil number or date of birth: by POST alone, within one's own children alone.

What was asked for never stands in an address or a log: the access log keeps a keyed hash of it, so that the same search
made twice can be seen to be the same.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import timedelta
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from sightline.operations.pairs.finding_children import MOST, find_children
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.accounts.forms import Plain
from sightline.web.audit.models import AccessEntry
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import addresses_of, name_of, reader
from sightline.web.pages.errors import too_many

A_MINUTE: Final = 30  # searches of one person; more is not looking for a child
SEARCHED: Final = "search "


class SearchForm(Plain):
    words = {"who": ("Name, unique pupil number or date of birth", "Enter a name, a pupil number or a date of birth")}  # noqa: RUF012
    who = forms.CharField(max_length=100, min_length=2)


def view(request: HttpRequest) -> HttpResponse:
    form = SearchForm(request.POST if request.method == "POST" else None)
    held = facts.of(request)
    context: dict[str, Any] = {"form": form, "facts": held, "most": MOST, "asked": False}
    if request.method != "POST" or not form.is_valid() or held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "search/page.html", context)
    if _too_many(request):
        audit.refused(request, "too many searches")
        return too_many(request)
    said = form.cleaned_data["who"]
    found = find_children(held.opened, held.scope, said).to_pylist()
    # A page of each child is where a search leads: who has none is not found.
    addresses = addresses_of(r["child_id"] for r in found)
    shown = [r for r in found if r["child_id"] in addresses]
    rows = shown[:MOST]
    audit.disclosed(
        request,
        [r["child_id"] for r in rows],
        action="listed",
        fields=fields_shown(request),
        purpose=SEARCHED + hash_of(said),
    )
    context |= {
        "asked": True,
        "more": len(shown) > MOST,
        "rows": [{**r, "address": addresses[r["child_id"]]} for r in _as_read(rows, held)],
    }
    return render(request, "search/page.html", context)


def _too_many(request: HttpRequest) -> bool:
    """Counted in the access log, which holds every search of every process."""
    lately = AccessEntry.objects.filter(at__gte=timezone.now() - timedelta(minutes=1), actor_id=request.user.pk)
    return lately.filter(page="search", purpose__startswith=SEARCHED).count() >= A_MINUTE


def hash_of(said: str) -> str:
    """The words of a search as a log may hold them: the same words always give the same, and nobody outside this
    installation can try names against it."""
    plain = " ".join(said.split()).casefold()
    return hmac.new(settings.SECRET_KEY.encode(), f"search {plain}".encode(), hashlib.sha256).hexdigest()[:32]


def _as_read(rows: list[dict[str, Any]], held: Facts) -> list[dict[str, Any]]:
    seen = reader(held.access)
    listed = held.early_help() if held.access.of_early_help else held.cohort()
    every = listed.select(["child_id", "status", "school_name"])
    found = every.filter(pc.is_in(every["child_id"], pa.array([r["child_id"] for r in rows], pa.string())))
    cohort = {r["child_id"]: r for r in found.to_pylist()}
    return [
        {
            "child_id": row["child_id"],
            "name": seen(Sensitivity.IDENTITY, name_of(row)),
            "born": seen(Sensitivity.IDENTITY, row["birth_date"]),
            "status": seen(Sensitivity.CARE_STATUS, cohort.get(row["child_id"], {}).get("status")),
            "school": seen(Sensitivity.EDUCATION, cohort.get(row["child_id"], {}).get("school_name")),
        }
        for row in rows
    ]

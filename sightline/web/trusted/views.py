"""A child's trusted adults, and the children on a plan for whom none is recorded."""

from __future__ import annotations

import uuid

import pyarrow as pa
import pyarrow.compute as pc
from django import forms
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from sightline import operations
from sightline.vocabulary.errors import BadSetting
from sightline.web import audit, facts
from sightline.web.accounts.forms import Plain
from sightline.web.authz.access import Access
from sightline.web.authz.door import fields_shown, open_child
from sightline.web.pages.child import tabs_of
from sightline.web.pages.cohort import list_values, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, in_order
from sightline.web.pages.templating import query
from sightline.web.trusted import keeping
from sightline.web.trusted.models import TrustedAdult

PAGE = 50
COLUMNS = ("name", "school", "plan", "since", "worker")
Whose = TrustedAdult.Whose


class AdultForm(Plain):
    whose = forms.ChoiceField(choices=Whose.choices, widget=forms.RadioSelect)
    called = forms.CharField(max_length=200)
    role = forms.CharField(max_length=200, required=False)
    words = {  # noqa: RUF012
        "whose": ("Whose trusted adult", "Choose whose trusted adult this is"),
        "called": ("The adult’s name", "Enter the adult’s name"),
        "role": ("What the adult does at school", ""),
    }


def of_child(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Who the trusted adults are and were; naming one, or ending it, for those who keep the record."""
    child = open_child(request, public_id)
    access: Access = request.access  # type: ignore[attr-defined]
    on = facts.scope_day(request)
    schools = keeping.schools_of(child, access, on)
    form = AdultForm(request.POST if request.method == "POST" and "end" not in request.POST else None)
    if request.method == "POST" and "end" in request.POST:
        keeping.end(_mine(request, keeping.held_of(child, access, on)), by=request.user, request=request)
        return redirect("child_trusted", public_id=public_id)
    if request.method == "POST" and form.is_valid():
        try:
            keeping.name(
                child, **form.cleaned_data, urn=schools[0] if schools else "", by=request.user, request=request
            )
        except BadSetting as why:
            form.add_error(None, str(why))
        else:
            return redirect("child_trusted", public_id=public_id)
    context = {
        "form": form,
        "child": child,
        "tabs": tabs_of(request, child),
        "adults": keeping.held_of(child, access, on),
        "on_roll": bool(schools),
        "keeps": access.may_open("child_trusted", "POST"),
    }
    return render(request, "trusted/child.html", context)


def _mine(request: HttpRequest, held: keeping.Held) -> TrustedAdult:
    """The adult that is to be ended, among those the person sees. Raises Http404."""
    found = next((r for _, rows in held.now for r in rows if str(r.pk) == request.POST["end"]), None)
    if found is None:
        raise Http404
    return found


def missing(request: HttpRequest) -> HttpResponse:
    """Children on a plan and on a roll for whom no trusted adult is named at their school."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    whose = request.GET.get("whose", Whose.CHILD)
    whose = whose if whose in Whose.values else Whose.CHILD
    rows = with_places(held.cohort())
    rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(operations.ON_PLAN)))
    every = [r for r in rows.to_pylist() if r["urn"] is not None]
    named = keeping.recorded((r["child_id"] for r in every), whose)
    without = [r for r in every if (r["child_id"], r["urn"]) not in named]
    sorting = Sorting(request.GET)
    without = in_order(sorting, "list", without, lambda r: list_values([r], held.access, COLUMNS)[0])
    page, pages = paged(request.GET, len(without), PAGE)
    shown = without[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "whose": whose,
        "choices": Whose.choices,
        "rows": rows_shown(shown, held.access),
        "found": len(without),
        "all": len(every),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "sorting": sorting,
        "address": lambda n: "?" + query(whose=whose if whose != Whose.CHILD else None, page=n if n > 1 else None,
                                         **sorting.kept()),
    }  # fmt: skip
    return render(request, "trusted/missing.html", context)

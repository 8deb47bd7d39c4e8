"""Restrictions on a child, and opening a record in an emergency."""

from __future__ import annotations

import uuid
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode

from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.tables import Sensitivity
from sightline.web import facts
from sightline.web.accounts.forms import DayField, Plain
from sightline.web.accounts.models import User
from sightline.web.authz.door import open_child
from sightline.web.people import glass, restricting
from sightline.web.people.models import BrokenGlass, Restriction

DECLARED = "Declared by the person themselves"


class RestrictForm(Plain):
    kind = forms.ChoiceField(choices=Restriction.Kind.choices, widget=forms.RadioSelect)
    users = forms.ModelMultipleChoiceField(
        User.objects.filter(is_active=True).order_by("first_name", "username"), required=False
    )
    until = DayField(required=False)
    reason = forms.CharField(max_length=300, widget=forms.Textarea)
    words = {  # noqa: RUF012
        "kind": ("What to hide", "Choose what to hide"),
        "users": ("With whom (conflict of interest only)", ""),
        "until": ("First day without the restriction (leave empty for none)", ""),
        "reason": ("Why", "Say why"),
    }


class ReasonForm(Plain):
    reason = forms.CharField(max_length=300, min_length=restricting.LEAST_REASON, widget=forms.Textarea)
    words = {"reason": ("Why", "Say why")}  # noqa: RUF012


class ReviewerForm(Plain):
    worker_ref = forms.CharField(max_length=200)
    reason = forms.CharField(max_length=300, min_length=restricting.LEAST_REASON, widget=forms.Textarea)
    words = {  # noqa: RUF012
        "worker_ref": ("The reviewing officer’s reference", "Enter the reviewing officer’s reference"),
        "reason": ("Why", "Say why"),
    }


class BreakGlassForm(Plain):
    upn = forms.CharField(required=False, max_length=13)
    surname = forms.CharField(required=False, max_length=100)
    birth_date = DayField(required=False)
    reason = forms.CharField(max_length=300, min_length=glass.LEAST_REASON, widget=forms.Textarea)
    words = {  # noqa: RUF012
        "upn": ("Unique pupil number, or", ""),
        "surname": ("Surname, with", ""),
        "birth_date": ("Date of birth", ""),
        "reason": ("Why this cannot wait", "Say why this cannot wait"),
    }

    def clean(self) -> dict[str, Any]:
        held = super().clean() or self.cleaned_data
        if not held.get("upn") and not (held.get("surname") and held.get("birth_date")):
            self.add_error("upn", "Enter a unique pupil number, or a surname and a date of birth")
        return held


def restrict(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Hide a child from everybody, from named people, or as to where it lives."""
    child = open_child(request, public_id)
    form = RestrictForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        try:
            restricting.restrict(
                child, kind=held["kind"], reason=held["reason"], by=request.user, users=list(held["users"]),
                until=held["until"], request=request,
            )  # fmt: skip
        except BadSetting as why:
            form.add_error(None, str(why))
        else:
            return redirect("restrictions")
    now = Restriction.objects.filter(child=child, valid_to__isnull=True).count()
    return render(request, "people/restrict.html", {"form": form, "child": child, "restricted": now})


def reviewer(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """Name who reviews the child, where no care system sends it."""
    child = open_child(request, public_id)
    form = ReviewerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        restricting.name_reviewer(child, **form.cleaned_data, by=request.user, request=request)
        return redirect("child", public_id=child.public_id)
    return render(request, "people/reviewer.html", {"form": form, "child": child})


def declare(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    """One's own child, a relative's, or a friend's: from now on this person does not see the record."""
    child = open_child(request, public_id)
    restricting.restrict(
        child, kind=Restriction.Kind.CONFLICT, reason=DECLARED, by=request.user, users=[request.user], request=request
    )
    return redirect("home")


def restrictions(request: HttpRequest) -> HttpResponse:
    """Every restriction, without naming the child, and the form that ends one."""
    form = ReasonForm(request.POST if request.method == "POST" else None)
    asked = request.POST.get("restriction", "")
    if request.method == "POST":
        found = Restriction.objects.filter(pk=int(asked) if asked.isdigit() and len(asked) < 12 else 0).first()
        if found is not None and form.is_valid():
            try:
                restricting.lift(found, reason=form.cleaned_data["reason"], by=request.user, request=request)
                return redirect("restrictions")
            except BadSetting as why:
                form.add_error(None, str(why))
    access = request.access  # type: ignore[attr-defined]
    rows = Restriction.objects.prefetch_related("users").order_by("-pk")
    shown = [
        r for r in rows if r.kind != Restriction.Kind.CONFLICT or access.user_id not in {u.pk for u in r.users.all()}
    ]
    return render(request, "people/restrictions.html", {"rows": shown, "form": form, "today": access.today})


def break_glass(request: HttpRequest) -> HttpResponse:
    """Open one record in an emergency. The search is by exact words, and answers alike whoever is asked for."""
    access = request.access  # type: ignore[attr-defined]
    if not access.may_break_glass:
        return render(request, "people/glass_not_yours.html")
    if not glass.factor_given_again(request, access):
        address = reverse("mfa_reauthenticate")
        return redirect(f"{address}?{urlencode({'next': reverse('break_glass')})}")
    form = BreakGlassForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        try:
            made = glass.break_glass(
                request, facts.exactly(held["upn"], held["surname"], held["birth_date"]), reason=held["reason"]
            )
        except BadSetting as why:
            form.add_error(None, str(why))
        else:
            return redirect("child", public_id=made.child.public_id)
    return render(
        request, "people/break_glass.html", {"form": form, "minutes": settings.SIGHTLINE_CHOSEN.break_glass_minutes}
    )


def break_glass_log(request: HttpRequest) -> HttpResponse:
    """Every record opened in an emergency, newest first; a Virtual School Head marks each as seen."""
    if request.method == "POST":
        asked = request.POST.get("glass", "")
        made = glass.untold().filter(pk=int(asked) if asked.isdigit() and len(asked) < 12 else 0).first()
        if made is None:
            raise Http404
        try:
            glass.seen(request, made)
        except BadSetting:
            raise PermissionDenied from None
        return redirect("break_glass_log")
    rows = BrokenGlass.objects.select_related("user", "child").order_by("-pk")[:200]
    access = request.access  # type: ignore[attr-defined]
    return render(
        request, "people/glass_log.html",
        {"rows": rows, "may_mark": access.may_open("break_glass_log", "POST"), "opens": access.may_open("child"),
         "reads_why": access.reads(Sensitivity.CARE_DETAIL)},
    )  # fmt: skip

"""Pages of people and their roles, for the administrator and the Virtual School Head. No child is here."""

from __future__ import annotations

from typing import Any

from django import forms
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.accounts import managing
from sightline.web.accounts.forms import DayField, Plain
from sightline.web.accounts.inviting import INVITATION_DAYS, send_link
from sightline.web.accounts.models import User
from sightline.web.authz.matrix import ROLES
from sightline.web.people.models import Grant, ScopeKind


class PersonForm(Plain):
    name = forms.CharField(max_length=150)
    email = forms.EmailField(max_length=254)
    username = forms.RegexField(r"^[A-Za-z0-9.@_+-]+$", max_length=150)
    words = {  # noqa: RUF012
        "name": ("Name", "Enter the person’s name"),
        "email": ("Email address", "Enter the person’s email address"),
        "username": ("User name", "Enter a user name of letters, digits and . @ _ + -"),
    }

    def clean_email(self) -> str:
        email = str(self.cleaned_data["email"]).lower()
        if User.objects.filter(email=email).exists():
            raise forms.ValidationError("There is an account with this email address.")
        return email

    def clean_username(self) -> str:
        username = str(self.cleaned_data["username"])
        if User.objects.filter(username__iexact=username).exists():
            raise forms.ValidationError("There is an account with this user name.")
        return username


class ProposalForm(Plain):
    role = forms.ChoiceField(choices=[(r.key, r.name) for r in ROLES.values()])
    scope = forms.ChoiceField(choices=[(s.value, str(s.label).capitalize()) for s in ScopeKind])
    over = forms.CharField(max_length=200, required=False)
    valid_to = DayField()
    break_glass = forms.BooleanField(required=False)
    reason = forms.CharField(max_length=300, min_length=managing.LEAST_REASON, widget=forms.Textarea)
    words = {  # noqa: RUF012
        "role": ("Role", "Choose a role"),
        "scope": ("Whom it is over", "Choose whom the role is over"),
        "over": ("Which one: the team’s, school’s (URN), trust’s or worker’s reference", ""),
        "valid_to": ("First day without the role", "Enter the first day without the role"),
        "break_glass": ("May open a record in an emergency", ""),
        "reason": ("Why", "Say why the person needs the role"),
    }


def users(request: HttpRequest) -> HttpResponse:
    """Everybody with an account; and a new one, which opens nothing until a role is approved."""
    form = PersonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        held = form.cleaned_data
        user = User(username=held["username"], email=held["email"], first_name=held["name"], is_active=False)
        user.set_unusable_password()
        user.save()
        audit.changed(request, "account made", f"user {user.pk}", after={"username": user.username}, purpose="new")
        return redirect("user", pk=user.pk)
    grants: dict[int, list[Grant]] = {}
    for grant in managing.in_force():
        grants.setdefault(grant.user_id, []).append(grant)
    rows = [(user, grants.get(user.pk, [])) for user in User.objects.order_by("first_name", "username")]
    return render(request, "accounts/users.html", {"rows": rows, "form": form})


def user(request: HttpRequest, pk: int) -> HttpResponse:
    """One account: its roles, and what can be done: propose a role, end one, invite again, close."""
    person = User.objects.filter(pk=pk).first()
    if person is None:
        raise Http404
    action = request.POST.get("action", "")
    form = ProposalForm(request.POST if action == "propose" else None)
    context: dict[str, Any] = {"invited_days": INVITATION_DAYS, "mail": settings.SIGHTLINE_MAIL}
    try:
        if action == "propose" and form.is_valid():
            managing.propose(request, user=person, **form.cleaned_data)
            return redirect("user", pk=pk)
        if action == "invite":
            context |= _link(request, person, managing.reinvite(request, person))
        elif action == "close":
            managing.close_account(request, person, reason=request.POST.get("reason", "") or "closed")
            return redirect("user", pk=pk)
        elif action == "end":
            grant = _numbered(managing.in_force().filter(user=person), request.POST.get("grant", ""))
            managing.end_grant(request, grant, reason=request.POST.get("reason", "") or "ended")
            return redirect("user", pk=pk)
    except BadSetting as why:
        if action == "propose":
            form.add_error(None, str(why))
        context["refused"] = str(why)
    context |= {
        "account": person,
        "form": form,
        "grants": Grant.objects.filter(user=person).order_by("-pk"),
        "waiting": managing.waiting().filter(user=person),
        "today": timezone.localdate(),
        "own": person.pk == request.user.pk,
        "may_act": request.access.may_open("user", "POST"),  # type: ignore[attr-defined]
    }
    return render(request, "accounts/user.html", context)


def _link(request: HttpRequest, person: User, path: str) -> dict[str, Any]:
    """What the page says of a new link: the link itself, and whether it went by e-mail where that was asked for."""
    link = request.build_absolute_uri(path)
    asked = settings.SIGHTLINE_MAIL and request.POST.get("mail") == "yes"
    return {"link": link, "invited": person, "sent": send_link(request, person, link) if asked else None}


def proposals(request: HttpRequest) -> HttpResponse:
    """What waits for a second person, each with who may not decide it and why."""
    context: dict[str, Any] = {"invited_days": INVITATION_DAYS, "mail": settings.SIGHTLINE_MAIL}
    if request.method == "POST":
        proposed = _numbered(managing.waiting(), request.POST.get("proposal", ""))
        try:
            path = managing.decide(request, proposed, approve=request.POST.get("decision") == "approve")
        except BadSetting as why:
            context["refused"] = str(why)
        else:
            if not path:
                return redirect("proposals")
            context |= _link(request, proposed.user, path)
    rows = [(p, managing.why_not(p, int(request.user.pk or 0))) for p in managing.waiting()]
    return render(request, "accounts/proposals.html", {**context, "rows": rows})


def review(request: HttpRequest) -> HttpResponse:
    """The quarterly review: each role in force is confirmed or ended."""
    if request.method == "POST":
        grant = _numbered(managing.in_force(), request.POST.get("grant", ""))
        try:
            if request.POST.get("decision") == "confirm":
                managing.confirm_grant(request, grant)
            else:
                managing.end_grant(request, grant, reason="access review")
        except BadSetting as why:
            return render(request, "accounts/review.html", _review(request, str(why)))
        return redirect("grant_review")
    return render(request, "accounts/review.html", _review(request))


def _review(request: HttpRequest, refused: str = "") -> dict[str, Any]:
    rows = managing.to_review()
    return {"rows": rows, "late": sum(late for _, late in rows), "refused": refused, "me": request.user.pk}


def _numbered(rows: Any, asked: str) -> Any:
    found = rows.filter(pk=int(asked)).first() if asked.isascii() and asked.isdigit() and len(asked) < 12 else None
    if found is None:
        raise Http404
    return found

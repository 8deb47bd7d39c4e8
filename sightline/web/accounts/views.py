"""Taking up an invitation, and what people do with their own account."""

from __future__ import annotations

from typing import Any

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.views import RemoveWebAuthnView
from allauth.usersessions.models import UserSession
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline.web import audit
from sightline.web.accounts.forms import AcceptInvitationForm
from sightline.web.accounts.inviting import open_invitation
from sightline.web.accounts.models import Invitation


@login_not_required
def accept_invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Choose a password; the second factor is set up at the first sign-in. A link works once, for some days."""
    invitation = open_invitation(token)
    if invitation is None:
        audit.security(request, "invitation refused")
        return render(request, "account/invitation_over.html", status=404)
    form = AcceptInvitationForm(request.POST if request.method == "POST" else None, user=invitation.user)
    if request.method == "POST" and form.is_valid():
        with transaction.atomic():
            # Of two who send at once, one takes it up: the database answers whose it was.
            mine = Invitation.objects.filter(pk=invitation.pk, used_at__isnull=True).update(used_at=timezone.now())
            if mine:
                invitation.user.set_password(form.cleaned_data["password1"])
                invitation.user.is_active = True
                invitation.user.save(update_fields=["password", "is_active"])
                audit.security(request, "invitation taken up", user=invitation.user)
        if mine:
            return redirect("account_login")
        audit.security(request, "invitation refused")
        return render(request, "account/invitation_over.html", status=404)
    return render(request, "account/invitation.html", {"form": form, "invited": invitation.user})


def sessions_of(request: HttpRequest) -> HttpResponse:
    """Where the person is signed in, and the way to end any of it."""
    held = sorted(UserSession.objects.purge_and_list(request.user), key=lambda s: s.created_at, reverse=True)
    if request.method == "POST":
        wanted = request.POST.get("session", "")
        ended = [s for s in held if (wanted == "others" and not s.is_current()) or str(s.pk) == wanted]
        for session in ended:
            session.end()
            audit.security(request, "session ended", user=request.user)
        return redirect("account_sessions" if not any(s.is_current() for s in ended) else "account_login")
    return render(request, "account/sessions.html", {"sessions": held})


class _RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """Allauth's own, but not for the last factor a person has."""

    def form_valid(self, form: Any) -> HttpResponse:
        if not get_adapter().can_delete_authenticator(self.get_object()):
            raise PermissionDenied
        return super().form_valid(form)  # type: ignore[no-any-return]


remove_passkey = _RemovePasskey.as_view()

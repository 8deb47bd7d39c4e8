"""Taking up an invitation."""

from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone

from sightline.web import audit
from sightline.web.accounts.forms import AcceptInvitationForm
from sightline.web.accounts.inviting import open_invitation


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
            invitation.user.set_password(form.cleaned_data["password1"])
            invitation.user.is_active = True
            invitation.user.save(update_fields=["password", "is_active"])
            invitation.used_at = timezone.now()
            invitation.save(update_fields=["used_at"])
            audit.security(request, "invitation taken up", user=invitation.user)
        return redirect("account_login")
    return render(request, "account/invitation.html", {"form": form, "invited": invitation.user})

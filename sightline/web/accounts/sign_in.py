"""Signing in with a provider: only people who were invited, each bound to one subject of one issuer."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.models import Login
from allauth.core import ratelimit
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from sightline.web import audit
from sightline.web.accounts.models import Invitation, ProviderIdentity, User
from sightline.web.accounts.providers import Journey, NotSignedIn, Provider, address_of, claims_of

JOURNEY = "sightline.sign_in_journey"


@login_not_required
def begin(request: HttpRequest, provider: str) -> HttpResponse:
    """Off to the provider, with a state, a nonce and a verifier that only this session knows."""
    chosen = _provider(provider)
    limited = ratelimit.consume_or_429(request, action="login")
    if limited:
        return limited
    journey = Journey.new(chosen)
    try:
        address = address_of(chosen, journey, _callback(request, chosen))
    except NotSignedIn as why:
        return _refused(request, chosen, str(why))
    request.session[JOURNEY] = asdict(journey)
    return redirect(address)


@login_not_required
def come_back(request: HttpRequest, provider: str) -> HttpResponse:
    """Back from the provider: once for each journey, whatever the answer."""
    chosen = _provider(provider)
    held = request.session.pop(JOURNEY, None)
    if held is None:
        return _refused(request, chosen, "No sign-in was under way.")
    try:
        claims = claims_of(chosen, Journey(**held), request.GET.dict(), _callback(request, chosen))
    except NotSignedIn as why:
        return _refused(request, chosen, str(why))
    user = person_of(chosen, claims)
    if user is None:
        return _refused(request, chosen, "Nobody who was invited.")
    record_authentication(request, user, "provider", provider=chosen.key)
    if chosen.shows_second_factor(claims):
        record_authentication(request, user, "mfa", type="provider", provider=chosen.key)
    return perform_login(request, Login(user=user))


def person_of(provider: Provider, claims: dict[str, Any]) -> User | None:
    """The person of a verified token: by issuer and subject, or, the first time, by an open invitation to an address
    the provider vouches for. An address alone never finds an account again: addresses are given to others."""
    subject = str(claims["sub"])
    known = ProviderIdentity.objects.filter(issuer=provider.issuer, subject=subject).select_related("user").first()
    if known is not None:
        user = known.user
        return user if user.is_active and _allowed(user) else None
    email = provider.email(claims)
    if not email:
        return None
    with transaction.atomic():
        invitation = (
            Invitation.objects.filter(user__email=email, used_at__isnull=True, expires_at__gt=timezone.now())
            .select_related("user")
            .select_for_update(of=("self",))
            .first()
        )
        if invitation is None or not _allowed(invitation.user):
            return None
        user = invitation.user
        # A new invitation is a new beginning: whoever this issuer knew the person as before is forgotten.
        ProviderIdentity.objects.filter(user=user, issuer=provider.issuer).delete()
        ProviderIdentity.objects.create(user=user, issuer=provider.issuer, subject=subject)
        invitation.used_at = timezone.now()
        invitation.save(update_fields=["used_at"])
        user.is_active = True
        user.save(update_fields=["is_active"])
        audit.security(None, "identity bound", user=user, detail=provider.key)
    return user


def _allowed(user: User) -> bool:
    return not user.demonstration or bool(settings.SIGHTLINE_DEMONSTRATION)


def _provider(key: str) -> Provider:
    found = next((p for p in settings.SIGHTLINE_PROVIDERS if p.key == key), None)
    if found is None:
        raise Http404
    return found


def _callback(request: HttpRequest, provider: Provider) -> str:
    return request.build_absolute_uri(reverse("provider_come_back", args=[provider.key]))


def _refused(request: HttpRequest, provider: Provider, why: str) -> HttpResponse:
    audit.security(request, "sign-in refused", detail=f"{provider.key}: {why}"[:200])
    return render(request, "account/provider_refused.html", {"provider": provider}, status=403)

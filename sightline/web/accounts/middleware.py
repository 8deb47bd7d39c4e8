"""Nobody stays signed in for longer than a working day, and nobody is let in on a password alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

Answer = Callable[[HttpRequest], HttpResponse]
SIGNED_IN_AT = "sightline.signed_in_at"

# What somebody may do who has given a password and has no second factor yet: set one up, or leave.
WHILE_SETTING_UP = frozenset(
    {
        "mfa_activate_totp",
        "mfa_add_webauthn",
        "mfa_view_recovery_codes",
        "account_reauthenticate",
        "account_logout",
        "brand_css",
        "healthz",
    }
)


class SessionLimit:
    """Ends a session some hours after sign-in, however busy it is (the idle limit is the cookie's own)."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.user.is_authenticated:
            since = request.session.get(SIGNED_IN_AT)
            if since is None or time.time() - since > settings.SIGHTLINE_SESSION_HOURS * 3600:
                logout(request)
        response = self.get_response(request)
        match = request.resolver_match
        if match is not None and match.view_name == "account_logout" and request.method == "POST":
            # What the browser may have kept goes with the session (ASVS 5.0, 14.3.1).
            response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
        return response


class StrongSignIn:
    """Outside the demonstration, a session counts as signed in only when a second factor was given in it."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        if settings.SIGHTLINE_DEMONSTRATION or not request.user.is_authenticated or second_factor_given(request):
            return None
        match = request.resolver_match
        if match is not None and match.view_name in WHILE_SETTING_UP:
            return None
        if is_mfa_enabled(request.user, [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]):
            # Set up a moment ago, in a session that began with the password alone: sign in again, with the code.
            logout(request)
            return redirect("account_login")
        return redirect("mfa_activate_totp")


def second_factor_given(request: HttpRequest) -> bool:
    return any(record.get("method") == "mfa" for record in get_authentication_records(request, request.user))

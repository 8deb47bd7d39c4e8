"""Every sign-in, refusal and change of factor is written to the security log."""

from __future__ import annotations

import time
from typing import Any

from allauth.account import signals as account_signals
from allauth.mfa import signals as factor_signals
from django.contrib.auth import signals as auth_signals
from django.http import HttpRequest

from sightline.web import audit
from sightline.web.accounts.middleware import SIGNED_IN_AT


def connect() -> None:
    auth_signals.user_logged_in.connect(_signed_in, dispatch_uid="sightline.signed_in")
    auth_signals.user_logged_out.connect(_signed_out, dispatch_uid="sightline.signed_out")
    auth_signals.user_login_failed.connect(_refused, dispatch_uid="sightline.refused")
    account_signals.password_changed.connect(_password_changed, dispatch_uid="sightline.password_changed")
    factor_signals.authenticator_added.connect(_factor_added, dispatch_uid="sightline.factor_added")
    factor_signals.authenticator_removed.connect(_factor_removed, dispatch_uid="sightline.factor_removed")
    factor_signals.authenticator_used.connect(_factor_used, dispatch_uid="sightline.factor_used")
    factor_signals.authentication_failed.connect(_factor_refused, dispatch_uid="sightline.factor_refused")


def _signed_in(request: HttpRequest, user: Any, **_: Any) -> None:
    request.session[SIGNED_IN_AT] = int(time.time())
    audit.security(request, "signed in", user=user)


def _signed_out(request: HttpRequest, user: Any, **_: Any) -> None:
    if user is not None:
        audit.security(request, "signed out", user=user)


def _refused(request: HttpRequest | None = None, **_: Any) -> None:
    # What was typed is not kept: people type their password in the wrong box.
    audit.security(request, "sign-in refused")


def _password_changed(request: HttpRequest, user: Any, **_: Any) -> None:
    audit.security(request, "password changed", user=user)


def _factor_added(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    audit.security(request, "second factor added", user=user, detail=str(authenticator.type))


def _factor_removed(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    audit.security(request, "second factor removed", user=user, detail=str(authenticator.type))


def _factor_used(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    audit.security(request, "second factor given", user=user, detail=str(authenticator.type))


def _factor_refused(request: HttpRequest, user: Any, authenticator: Any, **_: Any) -> None:
    audit.security(request, "second factor refused", user=user, detail=str(authenticator.type))

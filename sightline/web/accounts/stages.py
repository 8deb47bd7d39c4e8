"""The step of a sign-in that asks for the second factor."""

from __future__ import annotations

from allauth.account.authentication import get_authentication_records
from allauth.mfa.stages import AuthenticateStage
from django.http import HttpRequest


class SecondFactor(AuthenticateStage):  # type: ignore[misc]
    """Asks, unless the provider that signed the person in has shown that one was given there."""

    def _should_handle(self, request: HttpRequest) -> bool:
        records = get_authentication_records(request, self.login.user) if self.login.user is not None else []
        given = any(r.get("method") == "mfa" and r.get("type") == "provider" for r in records)
        return not given and bool(super()._should_handle(request))

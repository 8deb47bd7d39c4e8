"""Where allauth asks us: nobody signs up, no mail leaves, and secrets of the second factor are kept encrypted."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.conf import settings
from django.http import HttpRequest

from sightline.web import audit


class AccountAdapter(DefaultAccountAdapter):
    error_messages = {  # noqa: RUF012
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": "The user name or password is not right.",
        "email_password_mismatch": "The email address or password is not right.",
        "too_many_login_attempts": "There were too many attempts. Wait five minutes, then try again.",
        "rate_limited": "There were too many attempts. Wait five minutes, then try again.",
        "incorrect_password": "The password is not right.",
    }

    def get_client_ip(self, request: HttpRequest) -> str:
        # Behind a proxy every request comes from the proxy: a limit by that address would be one limit for everybody.
        return audit.address_of(request) or "0.0.0.0"  # noqa: S104 - an address that is nobody's, not one to bind

    def get_login_stages(self) -> list[str]:
        ours = "sightline.web.accounts.stages.SecondFactor"
        return [ours if s == "allauth.mfa.stages.AuthenticateStage" else s for s in super().get_login_stages()]

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail: the security log holds the event, and notices are a later matter."""

    def add_message(self, *args: Any, **kwargs: Any) -> None:
        """No flash messages: each page says what happened itself."""


class SecondFactorAdapter(DefaultMFAAdapter):
    error_messages = {  # noqa: RUF012
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": "The code is not right, or was used before. Wait for the next code and try again.",
    }

    def encrypt(self, text: str) -> str:
        return Fernet(settings.SIGHTLINE_SECOND_FACTOR_KEY).encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        return Fernet(settings.SIGHTLINE_SECOND_FACTOR_KEY).decrypt(encrypted_text.encode()).decode()

    def send_notification_mail(self, *args: Any, **kwargs: Any) -> None:
        """No mail: the security log holds the event."""

    def can_delete_authenticator(self, authenticator: Any) -> bool:
        # The last factor is replaced by a new invitation, never by switching it off.
        factors = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
        others = Authenticator.objects.filter(user=authenticator.user, type__in=factors).exclude(pk=authenticator.pk)
        return others.exists()

    def _get_site_name(self) -> str:
        return str(settings.SIGHTLINE_NAME)

"""Who is let in by password."""

from __future__ import annotations

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings

from sightline.web.accounts.models import User


class LocalAccounts(AuthenticationBackend):
    """A user name or an email address and a password. A demonstration account is let in to the demonstration alone."""

    def user_can_authenticate(self, user: User) -> bool:
        if user.demonstration and not settings.SIGHTLINE_DEMONSTRATION:
            return False
        return bool(super().user_can_authenticate(user))

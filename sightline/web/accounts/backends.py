"""Who is let in by password."""

from __future__ import annotations

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.http import HttpRequest

from sightline.web.accounts.models import User


class LocalAccounts(AuthenticationBackend):
    """A user name or an email address and a password. A demonstration account is let in to the demonstration alone."""

    # Not in `user_can_authenticate`: allauth lets a user through whom that refuses, to tell them of a closed account.
    # Here a closed account is answered as a wrong password is, so whom it has set aside for that is let go.
    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        user = _unless_of_the_demonstration(super().authenticate(request, **credentials))
        self.unstash_authenticated_user()
        return user if user is not None and user.is_active else None

    def get_user(self, user_id: int) -> User | None:
        return _unless_of_the_demonstration(super().get_user(user_id))


def _unless_of_the_demonstration(user: Any) -> User | None:
    if user is not None and user.demonstration and not settings.SIGHTLINE_DEMONSTRATION:
        return None
    return user  # type: ignore[no-any-return]

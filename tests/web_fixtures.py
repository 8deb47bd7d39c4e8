"""Fixtures of the application's tests: the authority's facts, people in each role, and a browser without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import web_authority
from django.test import Client


class Browser(Client):
    """A client that speaks as through TLS, and follows nothing by itself."""

    def request(self, **request: Any) -> Any:
        request["wsgi.url_scheme"] = "https"
        return super().request(**request)


@pytest.fixture(scope="session")
def authority_opened() -> Iterator[web_authority.Opened]:
    """The invented authority, opened once: pages only read it."""
    held = web_authority.opened()
    yield held
    held.database.close()


@pytest.fixture
def facts(
    db: None, authority_opened: web_authority.Opened, monkeypatch: pytest.MonkeyPatch
) -> Iterator[web_authority.Opened]:
    """The invented authority in place of the store's newest snapshot, projected."""
    from sightline.web import facts as module

    monkeypatch.setattr(module.operations, "opened", lambda home, **_: authority_opened)
    module.open_current()
    yield authority_opened
    module.forget()


@pytest.fixture
def facts_of(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., web_authority.Opened]]:
    """Puts other tables of the authority in place of the store's newest snapshot."""
    from sightline.web import facts as module

    held: list[web_authority.Opened] = []

    def put(tables: dict[str, Any]) -> web_authority.Opened:
        opened = web_authority.opened(tables, snapshot=f"other-{len(held)}")
        held.append(opened)
        monkeypatch.setattr(module.operations, "opened", lambda home, **_: opened)
        module.open_current()
        return opened

    yield put
    module.forget()
    for opened in held:
        opened.database.close()


def make_person(
    role: str | None, *, username: str | None = None, scope: str | None = None, over: str | None = None
) -> Any:
    """A person with one grant (or none), by role, over what the role is usually over."""
    from sightline.web.accounts.inviting import grant
    from sightline.web.accounts.models import User

    name = username or role or "nobody"
    user = User.objects.create(username=name, email=f"{name}@sightline.example", first_name=f"Person {name}")
    if role is not None:
        usual_scope, usual_over = web_authority.ROLE_OVER[role]
        grant(
            user, role=role, scope=scope or usual_scope, over=usual_over if over is None else over,
            by="test", reason="test", valid_from=date(2020, 1, 1),
        )  # fmt: skip
    return user


def signed_in(user: Any = None, *, second_factor: bool = True) -> Browser:
    """A browser signed in as a person, with the second factor given (or not); nobody when no person is named."""
    from sightline.web.accounts.middleware import SIGNED_IN_AT

    client = Browser(raise_request_exception=True)
    if user is not None:
        client.force_login(user)
        session = client.session
        session[SIGNED_IN_AT] = int(time.time())
        if second_factor:
            session["account_authentication_methods"] = [{"method": "mfa", "at": time.time()}]
            session["account_authentication_methods_user"] = str(user.pk)
        session.save()
    return client


@pytest.fixture
def person(db: None) -> Callable[..., Any]:
    """Makes a person with one grant (or none), by role."""
    return make_person


@pytest.fixture
def browse(db: None, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Browser]:
    """A browser signed in as a person, with the second factor given (or not); nobody when no person is named."""
    from sightline.web.work import running

    # What a page sends to be checked waits: no process is started that would outlive the test.
    monkeypatch.setattr(running, "start", lambda: None)
    return signed_in

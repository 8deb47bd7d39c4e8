"""Every page as every role that may see it, in the states it can be in: asked for as the crawl asks, kept as text.

Begins at each address of the permission matrix that a role may open, follows what it finds once for each kind of link
and form, and sends each form empty and filled, so that a page added to the matrix is reached without being named here.
What no link leads to (nothing received, a school under its match rate, a sealed child) is brought about by name.
"""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import lxml.html
import pytest
import web_authority as authority
import web_fixtures
from lxml.html import HtmlElement

NOBODY, NO_ROLE = "nobody", "no role"
ALIKE: Final = 1  # addresses of one page that differ only in the values of the same parameters
LIKE_LISTS: Final = 6  # addresses of one page with parameters, in all
ENDS_THE_VISIT: Final = frozenset({"account_logout", "act_as"})
FILES: Final = re.compile("_download$|^batch_file$")  # which the crawl of every address asks for
REASON: Final = "a reason that is long enough to be one"


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer that is a page: of which address of the matrix (empty: of none), to whom, and how it came about."""

    page: str
    role: str
    state: str
    status: int
    text: str
    policy: str

    @property
    def called(self) -> str:
        return f"{self.page or 'no page'} as {self.role} ({self.state}, {self.status})"


class Walk:
    """What has been seen, and of which kinds of link and form a first has been followed, whoever followed it."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.followed: Counter[tuple[str, ...]] = Counter()
        self.sent: set[tuple[str, ...]] = set()

    def take(self, answer: Any, role: str, method: str, address: str, state: str) -> HtmlElement | None:
        """Keep an answer that is a whole page, and give it back to be read on."""
        assert answer.status_code < 500, (method, address, role)
        name = name_of(address)
        if not answer.headers.get("Content-Type", "").startswith("text/html") or answer.status_code in (301, 302):
            return None
        text = answer.content.decode()
        if "<html" not in text:
            return None
        self.seen.append(Seen(name, role, state, answer.status_code, text, answer.headers["Content-Security-Policy"]))
        return lxml.html.document_fromstring(text)


def name_of(address: str) -> str:
    from django.urls import Resolver404, resolve

    try:
        return str(resolve(urlsplit(address).path).view_name)
    except Resolver404:
        return ""


def may(name: str, role: str, method: str) -> bool:
    from sightline.web.authz.matrix import PAGES

    held = None if role in (NOBODY, NO_ROLE) else role
    return PAGES[name].allows(method, signed_in=role != NOBODY, role=held)


def starts(role: str) -> Iterator[str]:
    """The addresses of the matrix that a role may ask for and that need nothing filled in, and one child of its own."""
    from django.urls import NoReverseMatch, reverse

    from sightline.web.authz.matrix import PAGES
    from sightline.web.people.models import Child

    number = min(authority.seen_by().get(role, set()), default=0)
    child = str(Child.objects.get(child_id=authority.child_id(number)).public_id)
    for name in PAGES:
        if name in ENDS_THE_VISIT or FILES.search(name) or not may(name, role, "GET"):
            continue
        arguments = [child] if name.startswith("child") else [authority.SCHOOLS[0]] if name == "school" else []
        try:
            yield reverse(name, args=arguments)
        except NoReverseMatch:
            continue  # the address of one of many: a list of them leads there


def walk(held: Walk, role: str, browser: Any) -> None:
    """Ask for what the role may ask for, then follow links and send forms of a kind that nobody has yet."""
    from sightline.web.authz.matrix import PAGES

    first = list(starts(role))
    waiting, done = [(address, "as it opens") for address in first], set(first)
    reached = {name_of(address) for address in first}
    while waiting:
        address, state = waiting.pop(0)
        page = held.take(browser.get(address), role, "GET", address, state)
        if page is None:
            continue
        links = [(str(a.get("href")), "") for a in page.iter("a") if a.get("href")]
        links += [(asked, "filtered") for form in page.forms if form.method == "GET" for asked in filters(form)]
        for link, kind in links:
            parts = urlsplit(urljoin(address, link))
            to, name = f"{parts.path}?{parts.query}" if parts.query else parts.path, name_of(parts.path)
            if parts.netloc or not name or to in done or name in ENDS_THE_VISIT or FILES.search(name):
                continue
            if PAGES[name].get is None:
                continue
            alike = (name, *sorted({key for key, _ in parse_qsl(parts.query)}))
            new = name not in reached and may(name, role, "GET")
            if not new and (held.followed[alike] >= ALIKE or held.followed[(name,)] >= LIKE_LISTS):
                continue
            reached.add(name)
            held.followed.update({alike, (name,)})
            done.add(to)
            waiting.append((to, kind or (f"with {', '.join(alike[1:])}" if alike[1:] else "by link")))
        for form in page.forms:
            if form.method == "POST":
                send(held, role, browser, urljoin(address, form.action or address), form)


def send(held: Walk, role: str, browser: Any, to: str, form: HtmlElement) -> None:
    """Send a form empty and filled, by each of its buttons; what it changes is undone."""
    from django.db import transaction

    from sightline.web.authz.matrix import PAGES

    name = name_of(to)
    if name in ENDS_THE_VISIT:
        return
    buttons = [(b.get("name"), b.get("value", "")) for b in form.iter("button") if b.get("name")] or [("", "")]
    for button, value in buttons:
        for state in ("sent empty", "sent filled"):
            data = fields(form, filled=state == "sent filled") | ({button: value} if button else {})
            # The first who is offered a form sends it; what has no page of its own is sent by each who may.
            kind = (name, state, role if PAGES[name].get is None else "", value, *sorted(data))
            if kind in held.sent:
                continue
            held.sent.add(kind)
            with transaction.atomic():
                answer = browser.post(to, data)
                held.take(answer, role, "POST", to, state)
                if answer.status_code == 302 and state == "sent filled":
                    there = answer["Location"]
                    if name_of(there) and may(name_of(there), role, "GET"):
                        held.take(browser.get(there), role, "GET", there, f"after {name} was sent")
                transaction.set_rollback(True)


def fields(form: HtmlElement, *, filled: bool) -> dict[str, Any]:
    """What is sent of a form: as it stands with its texts and choices empty, or with something in each."""
    found: dict[str, Any] = {}
    for field in form.inputs:
        kind = field.get("type", "text") if field.tag == "input" else field.tag
        if not field.name or kind in ("file", "submit", "button") or field.name == "csrfmiddlewaretoken":
            continue
        if kind == "hidden":
            found[field.name] = field.value or ""
        elif kind == "select":
            options = [o.get("value") or "" for o in field.iter("option")]
            found[field.name] = next((o for o in options if o), "") if filled else options[0] if options else ""
        elif kind in ("radio", "checkbox"):
            if filled:
                found.setdefault(field.name, field.get("value", "on"))
        elif filled:
            dated = kind == "date" or "date" in field.name or field.name in ("until", "from", "to")
            found[field.name] = field.value or (
                str(authority.AS_AT) if dated else "x@sightline.example" if kind == "email" else REASON
            )
        else:
            found[field.name] = ""
    return found


def filters(form: HtmlElement) -> Iterator[str]:
    """The addresses of a form of filters: the first chosen alone, and all at once, which is often nobody."""
    lists = [f for f in form.inputs if f.tag == "select" and f.name]
    chosen = {f.name: next((o.get("value") for o in f.iter("option") if o.get("value")), "") for f in lists}
    action = (form.action or "").partition("?")[0]
    for some in (dict(list(chosen.items())[:1]), chosen, {f.name: "none-such" for f in lists[:1]}):
        if some:
            yield f"{action}?{urlencode(some)}"


# How each state that no link leads to comes about. Each is undone by whoever asked for it.


@contextmanager
def undone() -> Iterator[None]:
    from django.db import transaction

    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def every_state(held: Walk, place: Any) -> None:
    """Every page as every role, and the states that are brought about by name."""
    furnish(place)
    people = {role: web_fixtures.make_person(role) for role in authority.ROLE_OVER}
    people[NO_ROLE] = web_fixtures.make_person(None, username="no-role")
    held_by = {}
    for role, user in people.items():
        held_by[role] = again(web_fixtures.signed_in(user), user)
        with undone():
            walk(held, role, held_by[role])
    walk(held, NOBODY, web_fixtures.signed_in())
    refusals(held, people)
    accounts(held, people)
    uploads(held, held_by["data_officer"])
    children(held, held_by, people)
    scopes(held, held_by)


def again(browser: Any, user: Any) -> Any:
    """A browser in which the second factor was given again a moment ago."""
    session = browser.session
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time(), "reauthenticated": True},
        {"method": "mfa", "at": time.time(), "reauthenticated": True},
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return browser


def furnish(place: Any) -> None:
    """What people have done before anybody looks: a batch sent, an upload, a hidden child, a record opened in haste."""
    from django.utils import timezone

    from sightline.web.people.models import BrokenGlass, Child, Restriction
    from sightline.web.work.models import Upload

    other = web_fixtures.make_person("officer", username="another-officer")
    web_fixtures.make_person("reviewing_officer", username="another-reviewer")
    children = list(Child.objects.order_by("pk"))
    held = Restriction.objects.create(
        child=children[39], kind=Restriction.Kind.CONFLICT, made_by="test", reason=REASON, valid_from=authority.AS_AT
    )
    held.users.add(other)
    now = timezone.now()
    BrokenGlass.objects.create(user=other, child=children[38], reason=REASON, at=now, ends_at=now + timedelta(hours=1))
    Upload.objects.create(sent_by="test", files=[{"name": "marks.csv", "bytes": 4_000}])
    web_fixtures.signed_in(web_fixtures.make_person("data_officer", username="another-data-officer")).post(
        "/exceptions/batches/", {"owner": "care-teams"}
    )


def get(held: Walk, browser: Any, role: str, address: str, state: str, *, follow: bool = False) -> HtmlElement:
    answer = browser.get(address)
    if follow and answer.status_code == 302:
        address = answer["Location"]
        answer = browser.get(address)
    page = held.take(answer, role, "GET", address, state)
    assert page is not None, (address, role, state, answer.status_code, answer.headers.get("Location"))
    return page


def post(held: Walk, browser: Any, role: str, address: str, data: dict[str, Any], state: str) -> HtmlElement:
    page = held.take(browser.post(address, data), role, "POST", address, state)
    assert page is not None, (address, role, state)
    return page


def refusals(held: Walk, people: dict[str, Any]) -> None:
    """The pages of an error, and each page of children asked for by a role that may not."""
    from django.test import RequestFactory

    from sightline.web.pages import errors

    browser = web_fixtures.signed_in(people["governor"])
    for address, status in (("/cohort/", 403), ("/no-such-page/", 404)):
        answer = browser.get(address)
        assert answer.status_code == status
        held.take(answer, "governor", "GET", address, "refused")
    for status in errors.WORDS:
        answer = errors.page(RequestFactory().get("/"), status)
        held.seen.append(Seen("", "governor", "an error", status, answer.content.decode(), "script-src 'self'"))
    from django.core.cache import cache

    with undone():
        cache.clear()
        nobody = web_fixtures.signed_in()
        for _ in range(40):
            answer = nobody.post("/sign-in/", {"login": "nobody", "password": "x"})
            if answer.status_code == 429:
                break
        assert answer.status_code == 429
        held.take(answer, NOBODY, "POST", "/sign-in/", "too many attempts")


def accounts(held: Walk, people: dict[str, Any]) -> None:
    """The road in and the person's own pages: invitation, code, passkey, recovery codes, step-up."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
    from allauth.mfa.webauthn.internal import auth as passkeys
    from django.conf import settings
    from django.core.cache import cache

    from sightline.web.accounts.inviting import invite
    from sightline.web.accounts.providers import Provider

    with undone():
        path = invite(email="n@sightline.example", username="new", name="Asha New", role="officer", scope="authority",
                      by="test", reason="test")  # fmt: skip
        nobody = web_fixtures.signed_in()
        page = get(held, nobody, NOBODY, path, "by invitation")
        for form in page.forms:
            send(held, NOBODY, nobody, path, form)
        get(held, nobody, NOBODY, "/invitation/used/", "of a link that is over")
    user = people["team_manager"]
    with undone(), pytest.MonkeyPatch.context() as patch:
        # A passkey without a key: enough to be listed, and to be asked for.
        patch.setattr(passkeys, "get_credentials", lambda user: [])
        cache.clear()
        TOTP.activate(user, generate_totp_secret())
        RecoveryCodes.activate(user)
        Authenticator.objects.create(
            user=user, type=Authenticator.Type.WEBAUTHN, data={"name": "This computer", "credential": {}}
        )
        user.grants.update(break_glass=True)
        browser = again(web_fixtures.signed_in(user), user)
        for address in (
            "/account/second-factor/", "/account/recovery-codes/", "/account/recovery-codes/new/", "/account/passkeys/",
            "/account/sessions/", "/account/code-again/", "/account/password-again/", "/emergency/",
            f"/account/passkeys/{Authenticator.objects.get(type='webauthn').pk}/remove/", "/account/passkey-again/",
        ):  # fmt: skip
            page = get(held, browser, "team_manager", address, "with a second factor")
            for form in page.forms:
                if form.method == "POST":
                    send(held, "team_manager", browser, urljoin(address, form.action or address), form)
        stale = web_fixtures.signed_in(user, second_factor=False)
        session = stale.session
        session["account_authentication_methods"] = [{"method": "mfa", "at": time.time() - 3000}]
        session["account_authentication_methods_user"] = str(user.pk)
        session.save()
        for address in ("/cohort/take-away/", "/emergency/", "/account/recovery-codes/"):
            page = get(held, stale, "team_manager", address, f"a step up is asked for by {address}", follow=True)
        user.set_password(authority.PASSWORD)
        user.save()
        nobody = web_fixtures.signed_in()
        answer = nobody.post("/sign-in/", {"login": user.username, "password": authority.PASSWORD})
        assert answer.status_code == 302
        page = get(held, nobody, NOBODY, answer["Location"], "the code is asked for")
        post(held, nobody, NOBODY, answer["Location"], {"code": "000000"}, "a wrong code")
        user.is_active = False
        user.save()
        answer = web_fixtures.signed_in().post("/sign-in/", {"login": user.username, "password": authority.PASSWORD})
        held.take(answer, NOBODY, "POST", "/sign-in/", "an account that is closed")
    with undone(), pytest.MonkeyPatch.context() as patch:
        known = Provider("council", "The council", "https://sign-in.invalid", "x", "y")
        patch.setattr(settings, "SIGHTLINE_PROVIDERS", (known,))
        nobody = web_fixtures.signed_in()
        get(held, nobody, NOBODY, "/sign-in/", "with a provider")
        get(held, nobody, NOBODY, "/sign-in/with/council/back/", "refused by a provider")


def uploads(held: Walk, browser: Any) -> None:
    """One upload in each of its states, as a check of real files left it."""
    from django.core.files.uploadedfile import SimpleUploadedFile

    from sightline.web.work import running
    from sightline.web.work.models import UNDER_WAY, State, Upload

    with undone():
        marks = SimpleUploadedFile("marks.csv", b"Pupil ID,URN,Date,AM,PM\nA1,900001,2024-09-02,/,\\\n")
        answer = browser.post("/loads/", {"files": [marks, SimpleUploadedFile("photo.png", b"\x89PNG")]})
        running.work(beat=False)
        made = Upload.objects.get(public_id=answer["Location"].rstrip("/").rpartition("/")[2])
        assert made.state == State.CHECKED, made.message
        for state in State:
            Upload.objects.filter(pk=made.pk).update(
                state=state, preview=None if state in UNDER_WAY else made.preview,
                receipt={**made.preview, "snapshot": "s", "new_snapshot": True} if state == State.LOADED else None,
                message="Reading marks.csv" if state in UNDER_WAY else "",
            )  # fmt: skip
            get(held, browser, "data_officer", answer["Location"], state.value)


def children(held: Walk, held_by: dict[str, Any], people: dict[str, Any]) -> None:
    """Children who are sealed, known to the reader, without an address; and a record opened in an emergency."""
    from sightline.web.people.models import BrokenGlass, Child, Restriction

    head = held_by["virtual_school_head"]
    child = Child.objects.get(child_id=authority.child_id(0))
    address = f"/children/{child.public_id}/"
    for kind in Restriction.Kind:
        with undone():
            made = Restriction.objects.create(
                child=child, kind=kind, made_by="test", reason=REASON, valid_from=authority.AS_AT
            )
            made.users.add(people["virtual_school_head"])
            get(held, head, "virtual_school_head", address, f"the child is restricted: {kind}")
            get(held, head, "virtual_school_head", "/restrictions/", f"with a restriction: {kind}")
    with undone():
        get(held, head, "virtual_school_head", "/", "a record was opened in an emergency")
        BrokenGlass.objects.all().delete()
        get(held, head, "virtual_school_head", "/", "no record was opened in an emergency")
        get(held, head, "virtual_school_head", "/emergency/opened/", "no record was opened in an emergency")
    # A child of each kind of life: on each plan, with none any more, moved, suspended, with the office of each role.
    for number in (*range(5), 8, 39):
        child = Child.objects.get(child_id=authority.child_id(number))
        for tab in ("", "attendance/", "who-has-looked/"):
            get(held, head, "virtual_school_head", f"/children/{child.public_id}/{tab}", f"child {number}")
    # To Early Help: a child whom Early Help alone has, and a list that nobody is on.
    manager = held_by["early_help_manager"]
    alone = Child.objects.get(child_id=authority.child_id(authority.HELPED_ONLY[0]))
    for tab in ("", "attendance/"):
        get(held, manager, "early_help_manager", f"/children/{alone.public_id}/{tab}", "a child of Early Help alone")
    get(held, manager, "early_help_manager", "/early-help/?kind=severe", "nobody is of the kind asked for")


def scopes(held: Walk, held_by: dict[str, Any]) -> None:
    """Nobody to see, under the match rate, figures alone, two roles at once, and nothing received at all."""
    from django.conf import settings

    from sightline.operations.pairs.linking import NO_MARKS_SENT
    from sightline.vocabulary.errors import NothingHeld
    from sightline.web import facts, served

    # One role of each kind of scope: what a page says of nobody does not hang on the role beyond that.
    over_nobody = {"social_worker": "worker-99", "team_manager": "team-99", "school_lead": "999999",
                   "trust_lead": "99999"}  # fmt: skip
    with undone():
        for role, over in over_nobody.items():
            user = web_fixtures.make_person(role, username=f"{role}-of-nobody", over=over)
            every_start(held, role, web_fixtures.signed_in(user), "over nobody")
        both = web_fixtures.make_person("social_worker", username="two-roles")
        from sightline.web.accounts.inviting import grant

        grant(both, role="governor", scope="authority", over="", by="test", reason="test")
        get(held, web_fixtures.signed_in(both), "social_worker", "/", "with two roles")
    with undone(), pytest.MonkeyPatch.context() as change:
        change.setattr(settings, "SIGHTLINE_CHOSEN", replace(settings.SIGHTLINE_CHOSEN, officers_open=()))
        every_start(held, "officer", held_by["officer"], "figures alone")
    with undone(), pytest.MonkeyPatch.context() as change:
        real = served.gates

        def shut(*names: Any) -> tuple[Any, ...]:
            return tuple(replace(g, found=0, missing=((NO_MARKS_SENT, g.children),)) for g in real(*names))

        change.setattr(served, "gates", shut)
        facts.forget()
        for role in ("school_lead", "team_manager", "virtual_school_head"):
            every_start(held, role, held_by[role], "under the match rate")
    facts.forget()
    with undone(), pytest.MonkeyPatch.context() as change:

        def nothing(*_: Any, **__: Any) -> Any:
            raise NothingHeld("Nothing has been received yet.")

        change.setattr(facts.operations, "opened", nothing)
        for role in (
            "virtual_school_head",
            "data_officer",
            "social_worker",
            "school_lead",
            "governor",
            "administrator",
        ):
            every_start(held, role, held_by[role], "nothing received", children=False)
    facts.forget()


def every_start(held: Walk, role: str, browser: Any, state: str, *, children: bool = True) -> None:
    """Each address a role may ask for, as it answers in a state; without those of one child, where there can be none."""
    for address in starts(role):
        of_account = address.startswith(("/account/", "/sign-in/"))
        if not of_account and (children or not address.startswith("/children/")):
            held.take(browser.get(address), role, "GET", address, state)

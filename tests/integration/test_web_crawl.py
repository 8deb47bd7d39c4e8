"""Every address, as every role and nobody, by GET and POST, against the permission matrix."""

from __future__ import annotations

import re
from http.cookies import SimpleCookie

import pytest
import web_authority as authority
from django.db import transaction
from django.urls import NoReverseMatch, reverse

from sightline.web.authz.matrix import ANYONE, PAGES, ROLES, SIGNED_IN
from sightline.web.pages.checks import matrix_is_complete, url_names

pytest_plugins = ["web_fixtures"]

PEOPLE = (*authority.ROLE_OVER, None, "nobody")
# Allowed, and yet not a page: what an address does for somebody the page has nothing to say to.
ELSEWHERE = {
    "account_login": "someone signed in is sent home",
    "account_logout": "signing out redirects",
    "act_as": "a choice redirects",
    "accept_invitation": "there is no such invitation",
    "mfa_authenticate": "there is no sign-in under way",
    "mfa_reauthenticate": "there is no factor to give again",
    "account_reauthenticate": "nothing waits for the password",
    "mfa_activate_totp": "the password must be given again first",
    "mfa_view_recovery_codes": "there are no codes before a factor",
    "mfa_generate_recovery_codes": "the password must be given again first",
    "mfa_add_webauthn": "the password must be given again first",
    "mfa_remove_webauthn": "the password must be given again first",
    "mfa_reauthenticate_webauthn": "there is no passkey to use again",
    "mfa_login_webauthn": "someone signed in is sent home, and no passkey is no sign-in",
    "provider_begin": "there is no such provider",
    "provider_come_back": "there is no such provider",
    "account_sessions": "a session that is not there is not ended",
    "user": "there is no such person",
    "proposals": "there is no such proposal",
    "grant_review": "there is no such role",
    "child_declare": "what was declared hides the record",
    "break_glass_log": "there is no such record",
    "exception": "there is no such exception",
    "clerical_pair": "there is no such pair",
    "batch": "there is no such batch",
    "team": "there is no such team",
    "team_download": "there is no such team",
    "batch_file": "there is no such batch",
    "upload_progress": "there is no such upload",
    "upload": "there is no such upload",
}


def address(name: str, child: str) -> str:
    if name in {"school", "school_download"}:
        return reverse(name, args=[authority.SCHOOLS[0]])
    for arguments in ([], [child], ["no-such-token"], [999_999_999]):
        try:
            return reverse(name, args=arguments)
        except NoReverseMatch:
            continue
    raise AssertionError(f"The crawl does not know how to make an address of {name}.")


def visible_child(role: str | None) -> int:
    return min(VISIBLE.get(role or "", set()), default=0)


def test_every_address_is_in_the_matrix_and_the_matrix_names_no_other():
    assert matrix_is_complete() == []
    assert len(url_names()) == len(set(url_names())) == len(PAGES)


def test_an_address_missing_from_the_matrix_fails_the_check(monkeypatch):
    monkeypatch.delitem(PAGES, "week")
    assert [e.id for e in matrix_is_complete()] == ["sightline.E001"]


def test_an_address_missing_from_the_matrix_cannot_be_opened(facts, person, browse, monkeypatch):
    from sightline.web.authz.middleware import PageNotInMatrix

    monkeypatch.delitem(PAGES, "week")
    with pytest.raises(PageNotInMatrix):
        browse(person("officer")).get("/week/")


@pytest.mark.parametrize("who", PEOPLE, ids=str)
def test_each_address_answers_as_the_matrix_says(facts, person, browse, who):
    from sightline.web.people.models import Child

    child = str(Child.objects.get(child_id=authority.child_id(visible_child(who))).public_id)
    signed_in = who != "nobody"
    user = person(who) if signed_in else None
    browser = browse(user)
    signed = browser.cookies
    checked = 0
    for name, page in PAGES.items():
        for method in ("GET", "POST", "PUT", "DELETE"):
            browser.cookies = SimpleCookie(signed.output(header=""))
            # What an address changes is undone, so that the next is asked of the same authority.
            with transaction.atomic():
                answer = browser.generic(method, address(name, child))
                transaction.set_rollback(True)
            audience = page.audience(method)
            allowed = page.allows(method, signed_in=signed_in, role=who if who in ROLES else None)
            where = f"{method} {name} as {who}: {answer.status_code}"
            if not signed_in and audience != ANYONE and PAGES[name].get != ANYONE and PAGES[name].post != ANYONE:
                assert answer.status_code == 302, where
                assert answer["Location"].startswith("/sign-in/"), where
            elif audience is None:
                assert answer.status_code == 405, where
            elif not allowed:
                assert answer.status_code == 403, where
            elif name in ELSEWHERE:
                assert answer.status_code in {200, 302, 404}, where
            else:
                assert answer.status_code == 200, where
            if page.of_children and answer.status_code == 200:
                assert allowed, where
            checked += 1
    assert checked == 4 * len(PAGES)
    assert ANYONE != SIGNED_IN


VISIBLE = authority.seen_by()


@pytest.mark.parametrize("role", ["school_lead", "headteacher"])
def test_a_school_reads_nothing_of_another_school(facts, person, browse, role):
    from sightline.web.people.models import Child

    browser = browse(person(role))
    child = Child.objects.get(child_id=authority.child_id(0))
    text = browser.get(f"/children/{child.public_id}/").content.decode()
    assert "Invented School 1" in text
    assert "Invented School 2" not in text, "the school of the year before, and its suspension of 77 sessions"
    assert ">77<" not in text
    wide = browse(person("officer")).get(f"/children/{child.public_id}/").content.decode()
    assert "Invented School 2" in wide
    assert ">77<" in wide


def test_no_address_holds_more_of_a_child_than_a_random_id(facts, person, browse):
    browser = browse(person("officer"))
    for path in ("/", "/cohort/", "/week/"):
        for link in re.findall(r'(?:href|action|hx-get)="([^"]*)"', browser.get(path).content.decode()):
            assert "Tok" not in link
            assert "child-" not in link


def test_pages_hold_nothing_inline_and_nothing_from_elsewhere(facts, person, browse):
    from sightline.web.people.models import Child

    browser = browse(person("officer"))
    child = Child.objects.get(child_id=authority.child_id(0))
    paths = [
        "/",
        "/cohort/",
        "/week/",
        "/definitions/",
        "/accessibility/",
        f"/children/{child.public_id}/",
        "/nowhere/",
    ]
    for path in paths:
        answer = browser.get(path)
        text = answer.content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)", text), path
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=", text), path
        assert not re.search(r'(?:src|href)="(?:https?:)?//', text), path
        assert answer["Content-Security-Policy"].count("'self'") >= 4
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert "no-store" in answer["Cache-Control"]
        assert answer["X-Frame-Options"] == "DENY"

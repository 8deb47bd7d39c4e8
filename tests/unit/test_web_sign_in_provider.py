"""Signing in with a provider: real HTTP, signed tokens, and every token that must be refused."""

from __future__ import annotations

import http.client
import time
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import oidc_server
import pytest
import web_authority as authority

from sightline.vocabulary.errors import BadSetting
from sightline.web.accounts import providers
from sightline.web.accounts.inviting import invite
from sightline.web.accounts.models import ProviderIdentity, User
from sightline.web.accounts.providers import Provider
from sightline.web.audit.models import SecurityEntry

pytest_plugins = ["web_fixtures"]

INVITED = {
    "email": "New@Sightline.example", "username": "new", "name": "New Person", "role": "officer", "scope": "authority",
    "over": "", "by": "test", "reason": "adviser",
}  # fmt: skip


@pytest.fixture(scope="module")
def _issuer():
    with oidc_server.served() as issuer:
        yield issuer


@pytest.fixture
def issuer(_issuer, settings, db):
    """The provider as it is when nothing is wrong, and the application that trusts it."""
    from django.core.cache import cache

    cache.clear()
    for name, value in {
        "person": {"sub": "subject-1", "email": "new@sightline.example", "email_verified": True}, "claims": {},
        "header": {}, "signs_with": _issuer.key, "algorithm": "RS256", "says": {}, "codes": {}, "heard": [],
    }.items():  # fmt: skip
        setattr(_issuer, name, value)
    settings.SIGHTLINE_PROVIDERS = (
        Provider(
            "test", "The council", _issuer.address, oidc_server.CLIENT, oidc_server.SECRET, second_factor=("mfa",)
        ),
    )
    return _issuer


def away(browser):
    """From our page to the provider and back to our doorstep: the address the provider sends the browser to."""
    answer = browser.get("/sign-in/with/test/")
    assert answer.status_code == 302, answer.content
    to = urlsplit(answer["Location"])
    connection = http.client.HTTPConnection(to.netloc)
    connection.request("GET", f"{to.path}?{to.query}")
    back = connection.getresponse().headers["Location"]
    connection.close()
    return back


def sign_in(browser, back=None):
    parts = urlsplit(back or away(browser))
    return browser.get(f"{parts.path}?{parts.query}")


def test_an_invited_person_is_bound_to_their_subject_and_known_again_by_it_alone(issuer, facts, browse):
    invite(**INVITED)
    assert "Sign in with The council" in browse().get("/sign-in/").content.decode()
    issuer.person["amr"] = ["pwd", "mfa"]
    browser = browse()
    assert sign_in(browser)["Location"] == "/"
    assert browser.get("/cohort/").status_code == 200
    identity = ProviderIdentity.objects.get()
    assert (identity.issuer, identity.subject, identity.user.username) == (issuer.address, "subject-1", "new")
    assert issuer.heard == ["right"]
    # Another day, another address: it is the subject that is known.
    issuer.person["email"] = "married@sightline.example"
    assert sign_in(browse())["Location"] == "/"
    # Another subject with the address of the first is nobody.
    issuer.person.update(sub="subject-2", email="new@sightline.example")
    assert sign_in(browse()).status_code == 403
    assert list(SecurityEntry.objects.values_list("event", flat=True).distinct().order_by("event")) == [
        "identity bound", "invited", "sign-in refused", "signed in",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("shows", "configured"),
    [
        ({"amr": ["pwd", "mfa"]}, True),
        ({"amr": "mfa"}, True),
        ({"acr": "strong"}, True),
        ({"amr": ["pwd"]}, False),
        ({}, False),
    ],
)
def test_the_second_factor_is_asked_for_here_unless_it_was_shown_there(
    issuer, facts, browse, settings, shows, configured
):
    (provider,) = settings.SIGHTLINE_PROVIDERS
    settings.SIGHTLINE_PROVIDERS = (replace(provider, levels=("strong",)),)
    invite(**INVITED)
    issuer.person.update(shows)
    browser = browse()
    sign_in(browser)
    answer = browser.get("/cohort/")
    if configured:
        assert answer.status_code == 200
    else:
        assert answer["Location"] == "/account/second-factor/set-up/"
        # And what is set up is asked for the next time.
        from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

        TOTP.activate(User.objects.get(), generate_totp_secret())
        again = browse()
        assert sign_in(again)["Location"].startswith("/sign-in/code/")
        assert again.get("/cohort/").status_code == 302


def test_a_factor_shown_there_is_not_asked_for_again_here(issuer, facts, browse):
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    invite(**INVITED)
    issuer.person["amr"] = ["mfa"]
    sign_in(browse())
    TOTP.activate(User.objects.get(), generate_totp_secret())
    assert sign_in(browse())["Location"] == "/"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"claims": {"nonce": "another"}}, "another question"),
        ({"claims": {"nonce": None}}, "another question"),
        ({"claims": {"aud": "somebody-else"}}, "InvalidAudienceError"),
        ({"claims": {"aud": [oidc_server.CLIENT, "other"]}}, "somebody else"),
        ({"claims": {"azp": "other"}}, "somebody else"),
        ({"claims": {"iss": "http://127.0.0.1:1"}}, "InvalidIssuerError"),
        ({"claims": {"exp": 1_600_000_000}}, "ExpiredSignatureError"),
        ({"claims": {"exp": None}}, "MissingRequiredClaimError"),
        ({"claims": {"iat": 4_000_000_000}}, "ImmatureSignatureError"),
        ({"claims": {"sub": None}}, "MissingRequiredClaimError"),
        ({"signs_with": "other_key"}, "InvalidSignatureError"),
        ({"header": {"kid": "two"}}, "names no key"),
        ({"algorithm": "none"}, "not signed in a way"),
        ({"algorithm": "HS256"}, "not signed in a way"),
        ({"says": {"token_endpoint": "http://elsewhere.example/token"}}, "no safe token_endpoint"),
    ],
    ids=str,
)
def test_a_token_that_is_not_right_lets_nobody_in(issuer, facts, browse, wrong, why):
    invite(**INVITED)
    issuer.person["amr"] = ["mfa"]
    for name, value in wrong.items():
        setattr(issuer, name, issuer.other_key if value == "other_key" else value)
    browser = browse()
    answer = sign_in(browser)
    assert answer.status_code == 403
    assert "You are not signed in" in answer.content.decode()
    assert browser.get("/cohort/").status_code == 302
    assert why in SecurityEntry.objects.get(event="sign-in refused").detail
    assert not ProviderIdentity.objects.exists()


def test_an_issuer_that_says_it_is_another_is_not_gone_to(issuer, browse):
    issuer.says = {"issuer": "https://elsewhere.example"}
    assert browse().get("/sign-in/with/test/").status_code == 403


def test_an_answer_is_taken_once_in_the_session_that_asked(issuer, facts, browse):
    invite(**INVITED)
    browser, other = browse(), browse()
    back = away(browser)
    assert sign_in(other, back).status_code == 403, "another's journey"
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert sign_in(browser, back.replace(state, "x" * len(state))).status_code == 403, "another state"
    assert sign_in(browser, back).status_code == 403, "the journey is over, whatever came of it"
    back = away(browser)
    state = parse_qs(urlsplit(back).query)["state"][0]
    assert sign_in(browser, back.replace(state, "%C3%A9")).status_code == 403, "a state with any letter"
    assert not ProviderIdentity.objects.exists()


def test_an_answer_that_took_too_long_is_not_taken(issuer, facts, browse, monkeypatch):
    invite(**INVITED)
    browser = browse()
    back = away(browser)
    late = time.time() + providers.UNDER_WAY + 1
    monkeypatch.setattr(providers.time, "time", lambda: late)
    assert sign_in(browser, back).status_code == 403


@pytest.mark.parametrize("case", ["not invited", "not verified", "invitation over", "closed"])
def test_nobody_signs_themselves_up(issuer, facts, browse, case):
    issuer.person["amr"] = ["mfa"]
    if case != "not invited":
        invite(**INVITED)
    if case == "not verified":
        issuer.person["email_verified"] = False
    if case == "invitation over":
        from sightline.web.accounts.models import Invitation

        Invitation.objects.update(expires_at=Invitation.objects.get().made_at)
    if case == "closed":
        sign_in(browse())
        User.objects.update(is_active=False)
    before = User.objects.count()
    assert sign_in(browse()).status_code == 403
    assert User.objects.count() == before


def test_a_local_account_is_not_taken_over_by_its_address(issuer, facts, person, browse):
    user = person("officer")
    issuer.person.update(email=user.email, amr=["mfa"])
    assert sign_in(browse()).status_code == 403
    invite(**{**INVITED, "email": user.email, "username": "officer"})
    assert sign_in(browse())["Location"] == "/"


def test_a_provider_nobody_configured_is_not_there(issuer, browse):
    assert browse().get("/sign-in/with/other/").status_code == 404
    assert browse().get("/sign-in/with/other/back/").status_code == 404


# The file

GOOD = """
[[provider]]
key = "entra"
name = "Microsoft"
issuer = "https://login.example/tenant/v2.0"
client_id = "id"
client_secret_env = "TEST_SIGN_IN_SECRET"
second_factor = ["mfa"]
email_claims = ["email", "preferred_username"]
emails_are_verified = true
"""


def test_a_file_names_providers_and_the_variable_that_holds_each_secret(tmp_path, monkeypatch):
    monkeypatch.setenv("TEST_SIGN_IN_SECRET", "s3cret")
    assert providers.read(tmp_path) == ()
    (tmp_path / providers.NAME).write_text(GOOD)
    (one,) = providers.read(tmp_path)
    assert (one.key, one.client_secret, one.second_factor, one.emails_are_verified) == (
        "entra",
        "s3cret",
        ("mfa",),
        True,
    )
    assert one.email({"preferred_username": "A@B.example"}) == "a@b.example"
    assert replace(one, emails_are_verified=False).email({"email": "a@b.example"}) == ""


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("https://", "http://"), "must begin with https"),
        (('name = "Microsoft"\n', ""), "has no name"),
        (("client_secret_env", "client_secret"), "nobody reads: client_secret"),
        (("TEST_SIGN_IN_SECRET", "NOT_SET_ANYWHERE"), "environment variable"),
        (("second_factor", "second_factors"), "nobody reads: second_factors"),
        (("[[provider]]", "[provider]"), "tables named"),
        (("[[provider]]", "[[provider"), "not TOML"),
        (('key = "entra"', 'key = "en tra"'), "letters, digits and hyphens"),
        (("= true", '= "yes"'), "true or false"),
    ],
)
def test_a_file_with_a_mistake_is_refused(tmp_path, monkeypatch, change, says):
    monkeypatch.setenv("TEST_SIGN_IN_SECRET", "s3cret")
    (tmp_path / providers.NAME).write_text(GOOD.replace(*change))
    with pytest.raises(BadSetting, match=says):
        providers.read(tmp_path)


# Sessions


def test_sessions_are_listed_and_ended_and_signing_out_clears_the_browser(facts, person, browse):
    user = person("officer")
    user.set_password(authority.PASSWORD)
    user.save()

    from allauth.usersessions.models import UserSession

    def arrive(name):
        browser = browse(user)
        session = browser.session
        UserSession.objects.create(
            user=user, ip="192.0.2.1", session_key=session.session_key, user_agent=f"Browser {name}"
        )
        return browser

    here, there, third = arrive("here"), arrive("there"), arrive("third")
    text = here.get("/account/sessions/").content.decode()
    assert "Browser there" in text
    assert text.count("This session") == 1
    other = UserSession.objects.get(user_agent="Browser there")
    here.post("/account/sessions/", {"session": str(other.pk)})
    assert there.get("/").status_code == 302
    assert third.get("/").status_code == 200
    here.post("/account/sessions/", {"session": "others"})
    assert third.get("/").status_code == 302
    assert here.get("/").status_code == 200
    stranger = UserSession.objects.create(
        user=person("social_worker"), ip="192.0.2.9", session_key="x", user_agent="Another's"
    )
    here.post("/account/sessions/", {"session": str(stranger.pk)})
    assert UserSession.objects.filter(pk=stranger.pk).exists()
    answer = here.post("/sign-out/")
    assert answer["Clear-Site-Data"] == '"cache", "cookies", "storage"'


def test_a_sign_in_by_password_is_among_the_sessions(facts, person, browse):
    from allauth.usersessions.models import UserSession

    user = person("officer")
    user.set_password(authority.PASSWORD)
    user.save()
    browser = browse()
    browser.post("/sign-in/", {"login": "officer", "password": authority.PASSWORD})
    assert UserSession.objects.get().user == user

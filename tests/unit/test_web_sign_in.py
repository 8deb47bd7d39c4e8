"""Coming in: by invitation, a password and a second factor; never by a password alone, never by a code used before."""

from __future__ import annotations

import re
import time
from datetime import timedelta

import pytest
import web_authority as authority
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core.management import call_command
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web.accounts.inviting import invite
from sightline.web.accounts.models import Invitation, User
from sightline.web.audit.models import SecurityEntry

pytest_plugins = ["web_fixtures"]


@pytest.fixture(autouse=True)
def _no_limits_left_over(db):
    """Rate limits live in the cache: each test starts with none used up."""
    from django.core.cache import cache

    cache.clear()


@pytest.fixture
def clock(monkeypatch):
    """The time the codes are made of, moved by hand."""
    held = {"now": time.time()}
    monkeypatch.setattr(totp.time, "time", lambda: held["now"])
    return held


def code_now(secret: str, clock) -> str:
    return totp.format_hotp_value(totp.hotp_value(secret, int(clock["now"]) // 30))


def member(person, role="officer"):
    user = person(role)
    user.set_password(authority.PASSWORD)
    user.save()
    return user


def with_factor(user) -> str:
    secret = totp.generate_totp_secret()
    totp.TOTP.activate(user, secret)
    return secret


def sign_in(browser, name="officer", password=authority.PASSWORD):
    return browser.post("/sign-in/", {"login": name, "password": password})


@pytest.mark.parametrize("name", ["officer", "officer@sightline.example", "OFFICER@sightline.example"])
def test_a_user_name_or_an_email_address_signs_in(facts, person, browse, clock, name):
    user = member(person)
    secret = with_factor(user)
    browser = browse()
    assert sign_in(browser, name)["Location"].startswith("/sign-in/code/")
    assert browser.get("/cohort/").status_code == 302, "a password alone opens nothing"
    answer = browser.post("/sign-in/code/", {"code": code_now(secret, clock)})
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert browser.get("/cohort/").status_code == 200


def test_a_code_is_never_accepted_twice(facts, person, browse, clock):
    secret = with_factor(member(person))
    code = code_now(secret, clock)
    first, second = browse(), browse()
    sign_in(first)
    assert first.post("/sign-in/code/", {"code": code}).status_code == 302
    sign_in(second)
    answer = second.post("/sign-in/code/", {"code": code})
    assert answer.status_code == 200
    assert "was used before" in answer.content.decode()
    assert second.get("/").status_code == 302


def test_a_first_sign_in_sets_up_the_second_factor_and_asks_for_another_code(facts, person, browse, clock):
    user = member(person)
    browser = browse()
    sign_in(browser)
    assert browser.get("/cohort/")["Location"] == "/account/second-factor/set-up/"
    page = browser.get("/account/second-factor/set-up/")
    if page.status_code == 302:  # the password is asked for again before a factor is set up
        assert page["Location"].startswith("/account/password-again/")
        browser.post(page["Location"], {"password": authority.PASSWORD})
        page = browser.get("/account/second-factor/set-up/")
    text = page.content.decode()
    secret = re.search(r'app-secret">([A-Z2-7]+)<', text)[1]
    assert 'src="data:image/svg+xml;base64,' in text
    code = code_now(secret, clock)
    assert browser.post("/account/second-factor/set-up/", {"code": code}).status_code == 302
    held = Authenticator.objects.get(user=user, type=Authenticator.Type.TOTP)
    assert secret not in str(held.data), "the secret is kept encrypted"
    assert browser.get("/cohort/")["Location"] == "/sign-in/", "the session began with a password alone"
    sign_in(browser)
    assert browser.post("/sign-in/code/", {"code": code}).status_code == 200, "the code of the set-up is used up"
    clock["now"] += 60
    assert browser.post("/sign-in/code/", {"code": code_now(secret, clock)})["Location"] == "/"
    assert browser.get("/cohort/").status_code == 200


def test_a_recovery_code_lets_in_once(facts, person, browse, clock):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    user = member(person)
    with_factor(user)
    codes = RecoveryCodes.activate(user)
    code = codes.get_unused_codes()[0]
    assert code not in str(codes.instance.data)
    for expected in (302, 200):
        browser = browse()
        sign_in(browser)
        assert browser.post("/sign-in/code/", {"code": code}).status_code == expected


def test_the_second_factor_cannot_be_switched_off(facts, person, browse):
    from django.urls import NoReverseMatch, reverse

    from sightline.web.accounts.adapters import SecondFactorAdapter

    with pytest.raises(NoReverseMatch):
        reverse("mfa_deactivate_totp")
    user = member(person)
    with_factor(user)
    assert not SecondFactorAdapter().can_delete_authenticator(Authenticator.objects.get(user=user))


def test_a_session_that_did_not_give_the_factor_opens_nothing(facts, person, browse):
    user = member(person)
    with_factor(user)
    browser = browse(user, second_factor=False)
    assert browser.get("/cohort/")["Location"] == "/sign-in/"


def test_a_session_ends_after_a_working_day_however_busy(facts, person, browse, settings):
    from sightline.web.accounts.middleware import SIGNED_IN_AT

    browser = browse(person("officer"))
    assert browser.get("/").status_code == 200
    session = browser.session
    session[SIGNED_IN_AT] = int(time.time()) - settings.SIGHTLINE_SESSION_HOURS * 3600 - 1
    session.save()
    assert browser.get("/")["Location"].startswith("/sign-in/")


def test_too_many_wrong_passwords_are_stopped(facts, person, browse):
    member(person)
    browser = browse()
    texts = [sign_in(browser, password=f"wrong password {n}").content.decode() for n in range(7)]
    assert "password is not right" in texts[0]
    assert "too many attempts" in texts[-1].lower()
    assert "too many attempts" in sign_in(browser).content.decode().lower(), "the right one too, for a while"


def test_a_wrong_name_and_a_wrong_password_are_answered_alike(facts, person, browse):
    member(person)

    def words(name):
        text = sign_in(browse(), name, "wrong password here").content.decode()
        return re.sub(r'value="[^"]*"', "", text[text.index("<main") :])

    assert words("officer") == words("nobody-of-that-name")


def test_each_field_has_its_own_sentence_and_the_summary_links_to_it(browse):
    text = browse().post("/sign-in/", {}).content.decode()
    assert "<title>Error: Sign in" in text
    assert '<a href="#id_login">Enter your email address or user name</a>' in text
    assert '<a href="#id_password">Enter your password</a>' in text
    assert "This field is required" not in text


def test_what_is_not_wanted_of_allauth_is_not_there(browse):
    for path in ("/signup/", "/accounts/signup/", "/sign-up/", "/email/", "/password/reset/", "/accounts/login/"):
        assert browse().get(path).status_code == 404


def test_signing_out_ends_the_session(facts, person, browse):
    browser = browse(person("officer"))
    assert browser.get("/").status_code == 200
    assert browser.post("/sign-out/").status_code == 302
    assert browser.get("/").status_code == 302


def test_a_demonstration_account_is_refused_outside_the_demonstration(facts, person, browse, settings):
    user = member(person)
    user.demonstration = True
    user.save()
    assert "password is not right" in sign_in(browse()).content.decode()
    settings.SIGHTLINE_DEMONSTRATION = True
    assert sign_in(browse()).status_code == 302


# Invitations

INVITED = {
    "email": "new@sightline.example", "username": "new", "name": "New Person", "role": "school_lead", "scope": "school",
    "over": authority.SCHOOLS[0], "by": "test", "reason": "designated lead",
}  # fmt: skip


def test_an_invitation_is_taken_up_once_with_a_long_password(db, browse):
    path = invite(**INVITED)
    token = path.rstrip("/").rpartition("/")[2]
    assert not Invitation.objects.filter(token_hash__contains=token).exists(), "the link is not kept, only its hash"
    user = User.objects.get(username="new")
    assert not user.is_active
    browser = browse()
    assert "Choose a password" in browser.get(path).content.decode()
    for wrong, says in (
        ({}, "Enter a password"),
        ({"password1": "short", "password2": "short"}, "too short"),
        ({"password1": "passwordpassword", "password2": "something else here"}, "not the same"),
    ):
        text = browser.post(path, wrong).content.decode()
        assert says in text
        assert "<title>Error: " in text
    good = {"password1": authority.PASSWORD, "password2": authority.PASSWORD}
    assert browser.post(path, good)["Location"] == "/sign-in/"
    user.refresh_from_db()
    assert user.is_active
    assert user.password.startswith("argon2$argon2id")
    assert user.grants.get().urn == authority.SCHOOLS[0]
    again = browser.post(path, good)
    assert again.status_code == 404
    assert "This invitation is over" in again.content.decode()
    assert set(SecurityEntry.objects.values_list("event", flat=True)) == {
        "invited",
        "invitation taken up",
        "invitation refused",
    }


def test_of_two_who_take_up_one_invitation_at_once_one_does(db, browse, monkeypatch):
    from sightline.web.accounts import views

    path = invite(**INVITED)
    held = views.open_invitation(path.rstrip("/").rpartition("/")[2])
    # Both had read the invitation as open before either of them sent.
    monkeypatch.setattr(views, "open_invitation", lambda token: held)
    good = {"password1": authority.PASSWORD, "password2": authority.PASSWORD}
    other = {"password1": authority.PASSWORD + " other", "password2": authority.PASSWORD + " other"}
    assert browse().post(path, good).status_code == 302
    assert browse().post(path, other).status_code == 404
    assert User.objects.get(username="new").check_password(authority.PASSWORD)


def test_the_memory_of_used_codes_has_room(db):
    from django.conf import settings
    from django.core.cache import caches

    assert caches["default"]._max_entries >= 100_000, "beyond its room it forgets at random, a code used just now too"
    assert settings.CACHES["default"]["BACKEND"].endswith("DatabaseCache")


def test_an_invitation_ends_after_some_days(db, browse):
    path = invite(**INVITED)
    Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert browse().get(path).status_code == 404


def test_inviting_again_ends_the_old_password_and_the_lost_factor(facts, person, browse):
    user = member(person)
    with_factor(user)
    invite(
        **{**INVITED, "username": "officer", "email": user.email, "role": "officer", "scope": "authority", "over": ""}
    )
    assert not Authenticator.objects.filter(user=user).exists()
    assert "password is not right" in sign_in(browse()).content.decode()
    assert user.grants.count() == 1, "an equal grant is not given twice"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"role": "headmaster"}, "There is no role"),
        ({"scope": "authority"}, "can be given over: school"),
        ({"over": ""}, "Say which school"),
    ],
)
def test_a_wrong_invitation_is_refused_in_one_sentence(db, wrong, says):
    with pytest.raises(BadSetting, match=says):
        invite(**{**INVITED, **wrong})
    assert not User.objects.exists()


def test_the_command_prints_the_link(db, capsys, browse):
    words = [f"--{name}={value}" for name, value in INVITED.items()]
    call_command("invite", *words, "--until=2030-01-01")
    said = capsys.readouterr().out
    assert "works once" in said
    assert browse().get(said.split(": ")[1].strip()).status_code == 200
    assert str(User.objects.get().grants.get().valid_to) == "2030-01-01"


def test_a_closed_account_is_answered_as_a_wrong_password_is(person, browse):
    user = person("officer")
    user.set_password(authority.PASSWORD)
    user.is_active = False
    user.save()
    right, wrong = (
        browse().post("/sign-in/", {"login": "officer", "password": password}) for password in (authority.PASSWORD, "x")
    )
    assert right.status_code == wrong.status_code == 200
    said = [
        re.findall(r"error-summary__body.*?</div>", answer.content.decode(), re.DOTALL) for answer in (right, wrong)
    ]
    assert said[0] == said[1] != []

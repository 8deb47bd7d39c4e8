"""Restrictions that win over every role, and the record opened in an emergency: who may, for how long, who is told."""

from __future__ import annotations

import time
from datetime import date, timedelta

import pytest
import web_authority as authority
from django.core import mail
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web.audit.models import AccessEntry, ChangeEntry, SecurityEntry
from sightline.web.people.views import BreakGlassForm

pytest_plugins = ["web_fixtures"]

REASON = "Police at the door, worker not to be reached"


def child(n):
    from sightline.web.people.models import Child

    return Child.objects.get(child_id=authority.child_id(n))


def page(n, tail=""):
    return f"/children/{child(n).public_id}/{tail}"


# Restrictions


def test_a_child_is_sealed_from_its_page_and_unsealed_by_number(facts, person, browse):
    head, worker = browse(person("virtual_school_head")), browse(person("social_worker"))
    assert worker.get(page(0)).status_code == 200
    answer = head.post(page(0, "hide/"), {"kind": "sealed", "reason": "adopted, order of the court"})
    assert answer["Location"] == "/restrictions/"
    assert worker.get(page(0)).status_code == 404
    assert head.get(page(0)).status_code == 404
    text = head.get("/restrictions/").content.decode()
    assert "adopted, order of the court" in text
    assert "Tok000" not in text
    number = ChangeEntry.objects.get().subject.removeprefix("restriction ")
    assert head.post("/restrictions/", {"restriction": number, "reason": "no"}).status_code == 200
    assert worker.get(page(0)).status_code == 404
    head.post("/restrictions/", {"restriction": number, "reason": "made in error, see note"})
    assert worker.get(page(0)).status_code == 200
    assert list(ChangeEntry.objects.order_by("pk").values_list("action", flat=True)) == [
        "restriction made",
        "restriction ended",
    ]
    assert ChangeEntry.objects.first().child_ids == [authority.child_id(0)]


def test_who_declares_that_they_know_a_child_sees_it_no_more(facts, person, browse):
    worker, other = person("social_worker"), person("social_worker", username="other")
    browser = browse(worker)
    assert "I know this child" in browser.get(page(0)).content.decode()
    browser.post(page(0, "i-know-this-child/"))
    assert browser.get(page(0)).status_code == 404
    assert browse(other).get(page(0)).status_code == 200
    head = browse(person("virtual_school_head"))
    assert "Declared by the person themselves" in head.get("/restrictions/").content.decode()


def test_nobody_lifts_a_conflict_of_their_own(facts, person, browse):
    head = person("virtual_school_head")
    browser = browse(head)
    browser.post(page(0, "i-know-this-child/"))
    assert "Declared by" not in browser.get("/restrictions/").content.decode()
    number = ChangeEntry.objects.get().subject.removeprefix("restriction ")
    text = browser.post("/restrictions/", {"restriction": number, "reason": "I would like to see it"}).content.decode()
    assert "ended by somebody else" in text
    assert browser.get(page(0)).status_code == 404


def test_a_confidential_address_is_hidden_from_those_who_read_addresses(facts, person, browse):
    from sightline.web.people.restricting import restrict

    officer = person("data_officer")
    worker, data = browse(person("social_worker")), browse(officer)
    assert "Tok000postcode" in worker.get(page(0)).content.decode()
    findings = "/data-quality/findings.csv"
    assert "Tok000postcode" in data.get(findings).content.decode()
    restrict(child(0), kind="address", reason="refuge, not to be told", by=officer)
    for browser in (worker, data):
        text = browser.get(page(0)).content.decode()
        assert "Tok000postcode" not in text
        assert "Not shared with your role" in text
        assert "Tok000surname" in text
    text = data.get(findings).content.decode()
    assert "Tok000postcode" not in text
    assert "Tok010postcode" in text, "other children's are as before"


def test_a_reviewing_officer_is_named_and_the_one_before_is_not_any_more(facts, person, browse):
    manager, officer = browse(person("team_manager")), browse(person("reviewing_officer"))
    other = browse(person("reviewing_officer", username="other", over="reviewer-9"))
    address = page(1)
    team = browse(person("team_manager", username="second", over=authority.TEAMS[1]))
    for browser in (officer, other):
        assert browser.get(address).status_code == 404
    form = {"worker_ref": authority.REVIEWERS[0], "reason": "agreed with the reviewing service"}
    assert manager.post(page(1, "reviewing-officer/"), form).status_code == 404, "not a child of that team"
    assert "Enter the reviewing officer" in team.post(page(1, "reviewing-officer/"), {}).content.decode()
    assert team.post(page(1, "reviewing-officer/"), form)["Location"] == address
    assert (officer.get(address).status_code, other.get(address).status_code) == (200, 404)
    team.post(page(1, "reviewing-officer/"), {**form, "worker_ref": "reviewer-9"})
    assert (officer.get(address).status_code, other.get(address).status_code) == (404, 200)
    assert ChangeEntry.objects.last().before == {"worker_ref": authority.REVIEWERS[0]}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"kind": "hidden"}, "one of: sealed"),
        ({"kind": "conflict"}, "names the people"),
        ({"reason": "because"}, "Say why"),
        ({"until": date(2020, 1, 1)}, "ends on a day after today"),
    ],
)
def test_a_restriction_that_says_nothing_is_refused(facts, person, wrong, says):
    from sightline.web.people.restricting import restrict

    with pytest.raises(BadSetting, match=says):
        restrict(child(0), **{"kind": "sealed", "reason": "a good reason", "by": person("officer"), **wrong})
    assert not ChangeEntry.objects.exists()


# Emergencies


@pytest.fixture
def few(person):
    """A social worker among the few who may, and their browser once the factor was given again."""
    user = person("social_worker")
    user.grants.update(break_glass=True)
    return user


def again(browser, user, *, ago=0.0):
    session = browser.session
    session["account_authentication_methods"] = [
        {"method": "mfa", "at": time.time() - 3600},
        {"method": "mfa", "at": time.time() - ago, "reauthenticated": True},
    ]
    session["account_authentication_methods_user"] = str(user.pk)
    session.save()
    return browser


def asked(n, **changed):
    return {"upn": authority.token(n, "upn").upper(), "reason": REASON, **changed}


@pytest.fixture
def upns(facts_of):
    """The authority with numbers that are all capitals, as numbers are."""
    import pyarrow as pa
    import pyarrow.compute as pc

    held = authority.tables()
    place = held["person"].schema.get_field_index("upn")
    held["person"] = held["person"].set_column(place, "upn", pc.utf8_upper(held["person"]["upn"]).cast(pa.string()))
    facts_of(held)


def test_a_record_is_opened_for_an_hour_logged_as_its_own_and_told_at_once(upns, few, person, browse, settings):
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    head = person("virtual_school_head")
    browser = again(browse(few), few)
    assert browser.get(page(1)).status_code == 404
    answer = browser.post("/emergency/", asked(1))
    assert answer["Location"] == page(1)
    assert browser.get(page(1)).status_code == 200
    assert browser.get(page(1, "attendance/")).status_code == 200
    assert "Tok001" not in browser.get("/cohort/").content.decode(), "one record, and no list"
    assert browser.get(page(2)).status_code == 404
    actions = AccessEntry.objects.filter(outcome="shown", child_ids=[authority.child_id(1)])
    assert set(actions.values_list("action", flat=True)) == {"break-glass"}
    assert SecurityEntry.objects.filter(event="broke the glass").count() == 1
    (sent,) = mail.outbox
    assert sent.to == [head.email]
    assert "/emergency/opened/" in sent.body
    assert not any(word in sent.body + sent.subject for word in ("Tok", "child-", REASON, few.called))
    # The Virtual School Head sees it on the page of the day, by whom and why, and marks it.
    told = browse(head)
    assert "1 record was opened in an emergency" in told.get("/").content.decode()
    text = told.get("/emergency/opened/").content.decode()
    assert REASON in text
    assert few.called in text
    assert "Tok" not in text
    from sightline.web.people.models import BrokenGlass

    told.post("/emergency/opened/", {"glass": str(BrokenGlass.objects.get().pk)})
    assert "opened in an emergency" not in told.get("/").content.decode()
    # And an hour later it is shut.
    BrokenGlass.objects.update(ends_at=timezone.now() - timedelta(seconds=1))
    assert browser.get(page(1)).status_code == 404


def test_it_asks_for_the_second_factor_again_each_time(upns, few, browse):
    browser = browse(few)
    assert browser.get("/emergency/")["Location"] == "/account/code-again/?next=%2Femergency%2F"
    assert browser.post("/emergency/", asked(1)).status_code == 302
    assert browser.get(page(1)).status_code == 404
    again(browser, few, ago=601)
    assert browser.get("/emergency/").status_code == 302
    again(browser, few)
    assert browser.get("/emergency/").status_code == 200
    browser.post("/emergency/", asked(1))
    assert browser.get("/emergency/").status_code == 302, "the code that opened one record opens no other"


def test_those_who_are_not_among_the_few_open_nothing(upns, person, browse):
    user = person("social_worker")
    browser = again(browse(user), user)
    assert "not one of the few" in browser.get("/emergency/").content.decode()
    assert "not one of the few" in browser.post("/emergency/", asked(1)).content.decode()
    assert browser.get(page(1)).status_code == 404


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"reason": "need it"}, "at least 20"),
        ({"upn": ""}, "Enter a unique pupil number"),
        ({"upn": "NOBODY"}, "There is no such child whose record can be opened."),
    ],
)
def test_without_a_reason_or_a_child_nothing_is_opened(upns, few, browse, changed, says):
    from sightline.web.people.models import BrokenGlass

    text = again(browse(few), few).post("/emergency/", asked(1, **changed)).content.decode()
    assert says in text
    assert not BrokenGlass.objects.exists()


def test_a_surname_with_a_birth_date_names_a_child_and_a_surname_alone_does_not(upns, few, browse):
    browser = again(browse(few), few)
    words = {"surname": authority.token(1, "surname").lower(), "reason": REASON}
    assert browser.post("/emergency/", words).status_code == 200
    born = date(2026 - 6 - 1, 3, 2)
    assert browser.post("/emergency/", {**words, "birth_date": born.isoformat()}).status_code == 302


@pytest.mark.parametrize("kind", ["sealed", "conflict"])
def test_a_restriction_wins_over_an_emergency(upns, few, person, browse, kind):
    from sightline.web.people.restricting import restrict

    browser = again(browse(few), few)
    head = person("virtual_school_head")
    restrict(child(1), kind=kind, reason="hidden for good reason", by=head, users=[few] if kind == "conflict" else [])
    assert "no such child" in browser.post("/emergency/", asked(1)).content.decode()
    browser.post("/emergency/", asked(2))
    again(browser, few)
    assert browser.get(page(2)).status_code == 200
    restrict(child(2), kind=kind, reason="hidden for good reason", by=head, users=[few] if kind == "conflict" else [])
    assert browser.get(page(2)).status_code == 404


def test_an_officer_who_opens_no_child_may_be_among_the_few(upns, person, browse, settings):
    from dataclasses import replace

    settings.SIGHTLINE_CHOSEN = replace(settings.SIGHTLINE_CHOSEN, officers_open=())
    user = person("officer")
    user.grants.update(break_glass=True)
    browser = again(browse(user), user)
    assert browser.post("/emergency/", asked(1)).status_code == 302
    assert browser.get(page(1)).status_code == 200
    assert browser.get(page(2)).status_code == 404
    assert browser.get("/cohort/").status_code == 403


def test_a_notice_that_cannot_be_sent_is_recorded_and_stops_nobody(upns, few, person, browse, monkeypatch):
    from sightline.web.people import glass

    def fails(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(glass, "send_mail", fails)
    head = person("virtual_school_head")
    browser = again(browse(few), few)
    assert browser.post("/emergency/", asked(1)).status_code == 302
    assert SecurityEntry.objects.get(event="notice not sent").actor_id == head.pk


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}),
        ("smtp://u:p%40@mail.example", {"EMAIL_PORT": 587, "EMAIL_USE_TLS": True, "EMAIL_HOST_PASSWORD": "p@"}),
        ("smtps://mail.example:4650", {"EMAIL_PORT": 4650, "EMAIL_USE_SSL": True, "EMAIL_USE_TLS": False}),
        ("smtp://127.0.0.1:25", {"EMAIL_USE_TLS": False}),
    ],
)
def test_mail_goes_by_the_server_that_is_named_and_never_in_clear_beyond_this_machine(url, expected):
    from sightline.web.settings import _mail

    held = _mail(url, "vs@authority.example")
    assert {k: held[k] for k in expected} == expected


@pytest.mark.parametrize(("url", "sender"), [("http://mail.example", "a@b.example"), ("smtp://mail.example", "")])
def test_a_mail_server_that_is_none_is_refused(url, sender):
    from sightline.web.settings import _mail

    with pytest.raises(BadSetting, match="SIGHTLINE_MAIL_URL must read"):
        _mail(url, sender)


@pytest.mark.parametrize("written", ["3/9/2015", "03/09/2015", "2015-09-03"])
def test_a_date_of_birth_is_read_with_the_day_first(written):
    form = BreakGlassForm({"surname": "Marsh", "birth_date": written, "reason": "x" * 40})
    assert form.is_valid() and form.cleaned_data["birth_date"] == date(2015, 9, 3)


def test_a_date_that_is_none_is_told_how_dates_are_written():
    form = BreakGlassForm({"surname": "Marsh", "birth_date": "9/31/2015", "reason": "x" * 40})
    assert form.errors["birth_date"] == ["Write the date as 5 9 2024"]

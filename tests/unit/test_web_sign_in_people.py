"""People and their roles: one proposes, another approves; nobody for themselves; reviewed each quarter."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import web_authority as authority
from django.db import IntegrityError, transaction
from django.utils import timezone

from sightline.web.accounts.models import User
from sightline.web.audit.models import ChangeEntry
from sightline.web.people.models import Grant, ProposedGrant

pytest_plugins = ["web_fixtures"]


def until(days=90):
    return (timezone.localdate() + timedelta(days=days)).isoformat()


def proposal(**changed):
    return {"action": "propose", "role": "social_worker", "scope": "own", "over": authority.WORKERS[1],
            "valid_to": until(), "reason": "joined the team on Monday", **changed}  # fmt: skip


@pytest.fixture
def administrator(facts, person):
    return person("administrator")


@pytest.fixture
def head(facts, person):
    return person("virtual_school_head")


def test_a_person_comes_in_by_two_people_and_a_link(administrator, head, browse):
    admin, approver = browse(administrator), browse(head)
    new = {"name": "Asha Newcomer", "email": "Asha@Sightline.example", "username": "asha"}
    admin.post("/people/", new)
    asha = User.objects.get(username="asha")
    assert not asha.is_active
    assert asha.email == "asha@sightline.example"
    assert "There is an account with this email" in admin.post("/people/", {**new, "username": "x"}).content.decode()
    assert admin.post(f"/people/{asha.pk}/", proposal()).status_code == 302
    assert not asha.grants.exists(), "proposed is not given"
    made = ProposedGrant.objects.get()
    text = admin.post("/people/roles-that-wait/", {"proposal": made.pk, "decision": "approve"}).content.decode()
    assert "Another person than the one who proposed it decides." in text
    assert not asha.grants.exists()
    text = approver.post("/people/roles-that-wait/", {"proposal": made.pk, "decision": "approve"}).content.decode()
    link = re.search(r"/invitation/[^<]+", text)[0]
    grant = asha.grants.get()
    assert (grant.role, grant.worker_ref, str(grant.valid_to), grant.break_glass) == (
        "social_worker", authority.WORKERS[1], until(), False,
    )  # fmt: skip
    assert grant.granted_by == "administrator, virtual_school_head"
    password = {"password1": authority.PASSWORD, "password2": authority.PASSWORD}
    assert browse().post(link, password)["Location"] == "/sign-in/"
    asha.refresh_from_db()
    assert asha.is_active
    assert list(ChangeEntry.objects.order_by("pk").values_list("action", "actor_id")) == [
        ("account made", administrator.pk), ("grant proposed", administrator.pk), ("grant approved", head.pk),
    ]  # fmt: skip


def test_what_is_turned_down_is_never_given(administrator, head, person, browse):
    user = person(None)
    browse(administrator).post(f"/people/{user.pk}/", proposal(break_glass="on"))
    made = ProposedGrant.objects.get()
    assert made.break_glass
    browse(head).post("/people/roles-that-wait/", {"proposal": made.pk, "decision": "decline"})
    assert not user.grants.exists()
    answer = browse(head).post("/people/roles-that-wait/", {"proposal": made.pk, "decision": "approve"})
    assert answer.status_code == 404, "it no longer waits"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"scope": "authority", "over": ""}, "can be given over: own"),
        ({"over": ""}, "Say which team"),
        ({"valid_to": ""}, "first day without the role"),
        ({"valid_to": until(0)}, "after today, within two years"),
        ({"valid_to": until(800)}, "after today, within two years"),
        ({"reason": "asked"}, "at least 10"),
    ],
)
def test_a_proposal_that_could_not_be_given_is_refused(administrator, person, browse, changed, says):
    text = browse(administrator).post(f"/people/{person(None).pk}/", proposal(**changed)).content.decode()
    assert says in text
    assert not ProposedGrant.objects.exists()


def test_nobody_proposes_decides_ends_or_confirms_their_own(administrator, head, browse):
    admin = browse(administrator)
    own = administrator.grants.get()
    assert "for themselves" in admin.post(f"/people/{administrator.pk}/", proposal()).content.decode()
    assert (
        "their own role"
        in admin.post(f"/people/{administrator.pk}/", {"action": "end", "grant": own.pk}).content.decode()
    )
    assert "their own account" in admin.post(f"/people/{administrator.pk}/", {"action": "close"}).content.decode()
    assert "themselves again" in admin.post(f"/people/{administrator.pk}/", {"action": "invite"}).content.decode()
    for decision in ("confirm", "end"):
        text = admin.post("/people/review/", {"grant": own.pk, "decision": decision}).content.decode()
        assert "their own role" in text
    admin.post(f"/people/{head.pk}/", proposal())
    made = ProposedGrant.objects.get()
    text = browse(head).post("/people/roles-that-wait/", {"proposal": made.pk, "decision": "approve"}).content.decode()
    assert "Nobody decides about their own role." in text
    own.refresh_from_db()
    assert own.valid_to is None
    assert head.grants.count() == 1


def test_the_database_itself_wants_two_people(administrator, head, person):
    user = person(None)
    held = {"role": "officer", "scope": "authority", "valid_from": timezone.localdate(), "valid_to": timezone.localdate(),
            "reason": "x"}  # fmt: skip
    with pytest.raises(IntegrityError), transaction.atomic():
        ProposedGrant.objects.create(user=user, proposed_by=user, **held)
    for decider in (administrator, user):
        with pytest.raises(IntegrityError), transaction.atomic():
            ProposedGrant.objects.create(user=user, proposed_by=administrator, decided_by=decider, **held)
    ProposedGrant.objects.create(user=user, proposed_by=administrator, decided_by=head, **held)


def test_a_role_ended_or_an_account_closed_opens_nothing_from_that_moment(administrator, person, browse):
    worker = person("social_worker")
    theirs, admin = browse(worker), browse(administrator)
    assert theirs.get("/cohort/").status_code == 200
    admin.post(f"/people/{worker.pk}/", {"action": "end", "grant": worker.grants.get().pk, "reason": "left the team"})
    assert theirs.get("/cohort/").status_code == 403
    other = person("officer")
    other_browser = browse(other)
    admin.post(f"/people/{other.pk}/", {"action": "close"})
    assert other_browser.get("/").status_code == 302
    assert not managing_in_force(other)


def managing_in_force(user):
    from sightline.web.accounts.managing import in_force

    return list(in_force().filter(user=user))


def test_inviting_again_ends_what_let_the_person_in(administrator, person, browse):
    worker = person("social_worker")
    worker.set_password(authority.PASSWORD)
    worker.save()
    theirs = browse(worker)
    text = browse(administrator).post(f"/people/{worker.pk}/", {"action": "invite"}).content.decode()
    assert re.search(r"/invitation/[^<]+", text)
    assert theirs.get("/").status_code == 302
    worker.refresh_from_db()
    assert not worker.has_usable_password()
    assert worker.grants.count() == 1


def test_each_quarter_every_role_is_confirmed_or_ended(administrator, head, person, browse):
    worker, officer = person("social_worker"), person("officer")
    admin = browse(administrator)
    text = admin.get("/people/review/").content.decode()
    assert text.count(">Due<") == 4, "given years ago and never confirmed"
    admin.post("/people/review/", {"grant": worker.grants.get().pk, "decision": "confirm"})
    admin.post("/people/review/", {"grant": officer.grants.get().pk, "decision": "end"})
    text = admin.get("/people/review/").content.decode()
    assert text.count(">Due<") == 2
    assert worker.grants.get().confirmed_by == "administrator"
    assert officer.grants.get().valid_to == timezone.localdate()
    Grant.objects.filter(user=worker).update(confirmed_at=timezone.now() - timedelta(days=93))
    assert admin.get("/people/review/").content.decode().count(">Due<") == 3


@pytest.mark.parametrize("wanted", [True, False])
def test_an_invitation_goes_by_mail_where_it_is_asked_for_and_works_once(
    administrator, person, browse, settings, mailoutbox, wanted
):
    from sightline.web.audit.models import SecurityEntry

    settings.SIGHTLINE_MAIL = True
    user, admin = person("social_worker"), browse(administrator)
    assert 'name="mail"' in admin.get(f"/people/{user.pk}/").content.decode()
    asked = {"action": "invite", **({"mail": "yes"} if wanted else {})}
    text = admin.post(f"/people/{user.pk}/", asked).content.decode()
    assert "is not shown again" in text
    assert [m.to for m in mailoutbox] == ([[user.email]] if wanted else [])
    if not wanted:
        return
    assert f"The link was sent to {user.email}." in text
    said = f"{mailoutbox[0].subject} {mailoutbox[0].body}"
    assert not re.search("Tok|worker|caseload|child", said, re.IGNORECASE), "no role and no child"
    last = timezone.localdate() + timedelta(days=7)
    assert f"until {last.day} {last:%B %Y}" in said
    link = re.search(r"/invitation/\S+", said)[0]
    password = {"password1": authority.PASSWORD, "password2": authority.PASSWORD}
    assert browse().post(link, password)["Location"] == "/sign-in/"
    assert browse().post(link, password).status_code == 404
    entry = SecurityEntry.objects.get(event="invitation sent by e-mail")
    assert (entry.actor_id, entry.detail) == (user.pk, "by administrator")


def test_without_a_mail_server_nothing_offers_to_send_and_nothing_is_sent(
    administrator, person, browse, settings, mailoutbox
):
    settings.SIGHTLINE_MAIL = False
    user, admin = person("social_worker"), browse(administrator)
    assert 'name="mail"' not in admin.get(f"/people/{user.pk}/").content.decode()
    text = admin.post(f"/people/{user.pk}/", {"action": "invite", "mail": "yes"}).content.decode()
    assert "is not shown again" in text
    assert not mailoutbox


def test_a_mail_that_cannot_be_sent_is_said_and_the_link_stands(administrator, person, browse, settings, monkeypatch):
    from sightline.web.accounts import inviting
    from sightline.web.audit.models import SecurityEntry

    def refuse(*_args, **_keywords):
        raise ConnectionRefusedError

    settings.SIGHTLINE_MAIL = True
    monkeypatch.setattr(inviting, "send_mail", refuse)
    user = person("social_worker")
    text = browse(administrator).post(f"/people/{user.pk}/", {"action": "invite", "mail": "yes"}).content.decode()
    assert "could not be sent by e-mail" in text
    assert re.search(r"/invitation/[^<]+", text)
    assert SecurityEntry.objects.get(event="invitation not sent").detail == "ConnectionRefusedError"

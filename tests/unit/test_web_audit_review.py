"""Access review: the logs with filters, what stands out, and nobody's name but the staff's."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from html import unescape
from unittest import mock

import pytest
import web_authority as authority
from django.utils import timezone

from sightline.vocabulary.settings import Settings
from sightline.web.audit.models import AccessEntry, SecurityEntry

pytest_plugins = ["web_fixtures"]

DAY = "2026-11-18"


def at(hour: int, minute: int = 0):
    """Entries written at this hour of that day (in November the clock here is UTC)."""
    return mock.patch(
        "sightline.web.audit.models.timezone.now", return_value=datetime(2026, 11, 18, hour, minute, tzinfo=UTC)
    )


def looked(user, number, *, hour=10, minute=0, action="viewed", outcome="shown"):
    with at(hour, minute):
        AccessEntry.append(
            actor_id=user.pk, actor_label=user.username, role="officer", action=action, page="child", outcome=outcome,
            child_ids=[authority.child_id(n) for n in number] if outcome == "shown" else [],
            purpose="" if outcome == "shown" else "child 0000",
        )  # fmt: skip


def page(browser, asked=f"first={DAY}&last={DAY}"):
    return unescape(browser.get(f"/access/?{asked}").content.decode())


@pytest.fixture
def reviewer(facts, person, browse):
    return browse(person("information_governance"))


def test_records_opened_at_night_stand_out_and_those_of_the_day_do_not(reviewer, person):
    user = person("officer")
    looked(user, [1], hour=19, minute=59)
    looked(user, [1], hour=7)
    assert "Nothing stands out" in page(reviewer)
    looked(user, [1], hour=20)
    looked(user, [1], hour=6, minute=59)
    text = page(reviewer)
    assert "Opened records before 7:00 or from 20:00." in text
    assert ">2<" in text


@pytest.mark.parametrize(("limit", "stands_out"), [(4, True), (5, False)])
def test_many_children_in_one_hour_stand_out_by_the_setting(reviewer, person, settings, limit, stands_out):
    settings.SIGHTLINE_CHOSEN = Settings(children_an_hour=limit)
    user = person("officer")
    for n in range(5):
        looked(user, [n], minute=n)
    looked(user, [0], minute=50)  # again, and an hour later: neither is a sixth child
    looked(user, [6], hour=11)
    assert ("up to 5 children in one hour; the limit is 4" in page(reviewer)) is stands_out


def test_one_file_of_many_children_counts_each_of_them(reviewer, person, settings):
    settings.SIGHTLINE_CHOSEN = Settings(children_an_hour=20)
    looked(person("officer"), range(21), action="exported")
    assert "up to 21 children" in page(reviewer)


def test_more_refusals_than_the_setting_stand_out(reviewer, person):
    user = person("school_lead")
    for n in range(5):
        looked(user, [], minute=n, action="refused", outcome="refused")
    assert "Nothing stands out" in page(reviewer)
    looked(user, [], minute=9, action="refused", outcome="refused")
    text = page(reviewer)
    assert "Refused up to 6 times in one day; the limit is 5." in text
    assert text.count("a child outside the person’s scope") == 6
    assert "child 0000" not in text


def test_a_child_of_the_person_s_own_surname_stands_out_unnamed(reviewer, person):
    user = person("officer")
    user.last_name = authority.token(3, "surname").upper()
    user.save()
    looked(user, [2])
    assert "own surname" not in page(reviewer).partition("Why")[2]
    looked(user, [3])
    text = page(reviewer)
    assert "Opened 1 child with the person’s own surname." in text
    assert "Tok003" not in text.replace(user.called, "")


def test_entries_are_found_by_log_person_day_and_refusal(reviewer, person):
    one, two = person("officer"), person("school_lead")
    looked(one, [1])
    looked(two, [], action="refused", outcome="refused")
    with at(9):
        SecurityEntry.append(event="signed in", actor_id=two.pk)

    def rows(asked):
        text = page(reviewer, asked).partition('<h2 class="govuk-heading-m">Entries')[2]
        return text.count('class="govuk-table__cell app-nowrap"')

    day = f"first={DAY}&last={DAY}"
    assert rows(day) == 2
    assert rows(f"{day}&person={one.pk}") == 1
    assert rows(f"{day}&refused=yes") == 1
    assert rows(f"{day}&log=security") == 1
    assert rows("first=2026-11-19&last=2026-11-19") == 0
    assert rows("first=no&last=day&person=x&log=none") == 0, "what is no day, person or log is left out"


def test_entries_as_a_file_and_that_it_was_taken(reviewer, person):
    looked(person("officer"), [1, 2])
    answer = reviewer.get(f"/access/entries.csv?first={DAY}&last={DAY}")
    lines = answer.content.decode("utf-8-sig").splitlines()
    assert len(lines) == 2
    assert lines[1].startswith("2026-11-18 10:00:00,Person officer,Virtual School officer,viewed,")
    assert "child-" not in answer.content.decode()
    assert SecurityEntry.objects.filter(event="log taken as a file").count() == 1


def test_the_page_stays_within_its_budget_of_queries(reviewer, person):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for n in range(6):
        looked(person("officer", username=f"o{n}"), [n], hour=3)
    with CaptureQueriesContext(connection) as asked:
        page(reviewer)
    assert len([q for q in asked if "SAVEPOINT" not in q["sql"]]) <= 15


@pytest.fixture
def november(monkeypatch):
    """As if November were over."""
    from datetime import date

    monkeypatch.setattr("sightline.web.audit.views.timezone.localdate", lambda *_: date(2026, 12, 3))


def drawn(text):
    return [int(n) for n in re.findall(r'name="entry" value="(\d+)"', text)]


def test_a_month_s_views_are_drawn_by_chance_and_the_same_each_time(reviewer, person, settings, november):
    user = person("officer")
    for n in range(30):
        looked(user, [n], minute=n)
    looked(user, [1], action="listed")
    looked(user, [], action="refused", outcome="refused")
    settings.SIGHTLINE_CHOSEN = Settings(access_sample_views=8)
    text = unescape(reviewer.get("/access/sample/").content.decode())
    first = drawn(text)
    assert len(first) == 8
    assert first == drawn(unescape(reviewer.get("/access/sample/").content.decode()))
    assert "30 times in November 2026" in text
    assert "Person officer" in text
    assert not re.search("Tok|child-", text), "no child is named"
    views = set(AccessEntry.objects.filter(action="viewed").values_list("pk", flat=True))
    assert set(first) < views, "lists and refusals are no views of one child"
    assert first != sorted(views)[:8]
    settings.SIGHTLINE_CHOSEN = Settings(access_sample_views=20)
    more = drawn(unescape(reviewer.get("/access/sample/").content.decode()))
    assert set(first) < set(more)
    assert drawn(unescape(reviewer.get("/access/sample/?month=2026-10-01").content.decode())) == []
    assert drawn(unescape(reviewer.get("/access/sample/?month=2026-12-01").content.decode())) == more, "not over yet"


def test_what_was_found_is_kept_with_its_reason_and_may_be_changed(reviewer, person, browse, november):
    from sightline.web.audit.models import ChangeEntry, SampledView

    looked(person("officer"), [1])
    entry = AccessEntry.objects.get().pk

    def send(browser=reviewer, **given):
        asked = {"month": "2026-11-01", "entry": entry, **given}
        return browser.post("/access/sample/", asked)

    assert "Choose what was found" in send().content.decode()
    assert "Say what was found" in send(outcome="explained", note="short").content.decode()
    assert "not in the sample" in send(entry=entry + 1, outcome="in order").content.decode()
    assert not SampledView.objects.exists()
    assert send(outcome="in order").status_code == 302
    assert send(outcome="not in order", note="No case, passed on as an incident").status_code == 302
    text = unescape(reviewer.get("/access/sample/").content.decode())
    assert "Not in order: passed on. No case, passed on as an incident (information_governance" in text
    assert re.search(r"November 2026</th>.*?>1<.*?>0<.*?>0<.*?>1<", text, re.S)
    assert [c.after for c in ChangeEntry.objects.filter(action="sampled view reviewed").order_by("pk")] == [
        {"outcome": "in order"}, {"outcome": "not in order"},
    ]  # fmt: skip
    head = browse(person("virtual_school_head"))
    assert head.get("/access/sample/").status_code == 200
    assert send(head, outcome="in order").status_code == 403


def test_why_one_child_is_hidden_is_read_by_the_head_and_not_in_the_log(reviewer, person, browse):
    from sightline.web.people import restricting
    from sightline.web.people.models import Child

    head = person("virtual_school_head")
    restricting.restrict(Child.objects.first(), kind="sealed", reason="Adopted by the family at the mill", by=head)
    today = timezone.localdate()
    days = f"log=change&first={today}&last={today}"
    for address in (f"/access/?{days}", f"/access/entries.csv?{days}"):
        text = unescape(reviewer.get(address).content.decode())
        assert "restriction made" in text.lower() and "Not shared with your role" in text
        assert "Adopted" not in text
        assert "Adopted" in unescape(browse(head).get(address).content.decode())


def test_the_grounds_of_an_emergency_are_said_and_nobody_reviews_their_own(reviewer, person, november):
    from sightline.web.accounts.models import User
    from sightline.web.people.models import BrokenGlass, Child

    user = person("social_worker")
    made = BrokenGlass.objects.create(
        user=user, child=Child.objects.first(), reason="Found alone at the station", at=datetime(2026, 11, 18, tzinfo=UTC),
        ends_at=datetime(2026, 11, 18, tzinfo=UTC),
    )  # fmt: skip
    grant = user.grants.get()
    with at(11):
        AccessEntry.append(actor_id=user.pk, role="social_worker", action="break-glass", outcome="shown",
                           child_ids=[authority.child_id(2)], purpose=f"broken glass {made.pk}")  # fmt: skip
        AccessEntry.append(actor_id=user.pk, role="social_worker", action="viewed", outcome="shown", grants=[grant.pk],
                           child_ids=[authority.child_id(2)], page="child")  # fmt: skip
        AccessEntry.append(actor_id=User.objects.get(username="information_governance").pk, action="viewed",
                           outcome="shown", child_ids=[authority.child_id(2)])  # fmt: skip
    text = unescape(reviewer.get("/access/sample/").content.decode())
    assert "Opened in an emergency (not yet seen by a Virtual School Head, who reads the reason)" in text
    assert "Found alone at the station" not in text, "what is written of an emergency speaks of one child"
    log = unescape(reviewer.get("/emergency/opened/").content.decode())
    assert "Not shared with your role" in log and "Found alone" not in log
    assert f"{grant.get_scope_display()}: {grant.reason}" in text
    assert "opened 2 times by this person" in text
    own = AccessEntry.objects.latest("pk").pk
    assert own not in drawn(text)
    answer = reviewer.post("/access/sample/", {"month": "2026-11-01", "entry": own, "outcome": "in order"})
    assert "Nobody reviews their own views." in answer.content.decode()

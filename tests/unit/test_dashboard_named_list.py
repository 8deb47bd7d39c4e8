"""A list of children by name leaves only with a second factor given lately, a purpose, a limit and a watermark."""

from __future__ import annotations

import io
import time

import pytest
import python_calamine
import web_authority as authority

pytest_plugins = ["web_fixtures"]

PATH, PURPOSE = "/cohort/take-away/", "The cohort meeting of 12 October"


def entries():
    from sightline.web.audit.models import AccessEntry

    return list(AccessEntry.objects.filter(action="exported"))


@pytest.mark.parametrize("form", ["xlsx", "ods"])
def test_what_leaves_is_recorded_marked_and_no_more_than_the_filters_choose(facts, person, browse, form):
    client = browse(person("team_manager"))
    answer = client.post(f"{PATH}?plan=CP+plan", {"purpose": PURPOSE, "form": form})
    assert answer.status_code == 200
    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(answer.content))
    head, *rows = book.get_sheet_by_name("Children").to_python()
    wanted = {n for n in authority.children(team=0) if authority.status_of(n) == "CP plan"}
    assert len(rows) == len(wanted)
    assert {int(str(row[0])[3:6]) for row in rows} == wanted
    assert head[-1] == "Confidential"
    assert all(row[-1].startswith("Taken by team_manager, ") for row in rows)
    cover = dict(row[:2] for row in book.get_sheet_by_name("Cover").to_python())
    assert cover["Purpose"] == PURPOSE
    (entry,) = entries()
    assert set(entry.child_ids) == {authority.child_id(n) for n in wanted}
    assert entry.purpose == PURPOSE


def test_nothing_leaves_without_a_second_factor_given_lately(facts, person, browse):
    client = browse(person("team_manager"))
    session = client.session
    session["account_authentication_methods"] = [{"method": "mfa", "at": time.time() - 400}]
    session.save()
    for answer in (client.get(PATH), client.post(PATH, {"purpose": PURPOSE})):
        assert answer.status_code == 302
        assert answer["Location"].startswith("/account/code-again/?next=%2Fcohort%2Ftake-away%2F")
    assert entries() == []


@pytest.mark.parametrize("purpose", ["", "meeting"])
def test_nothing_leaves_without_a_purpose(facts, person, browse, purpose):
    answer = browse(person("team_manager")).post(PATH, {"purpose": purpose})
    assert "Say what the list is for" in answer.content.decode()
    assert entries() == []


def test_more_than_the_limit_is_refused(facts, person, browse, monkeypatch):
    from sightline.web.pages import named_list

    monkeypatch.setattr(named_list, "MOST", 3)
    answer = browse(person("virtual_school_head")).post(PATH, {"purpose": PURPOSE})
    assert "may have 3 at most" in answer.content.decode()
    assert entries() == []


def test_who_may_not_take_lists_away_is_not_offered_one(facts, person, browse):
    assert "Take this list away" in browse(person("team_manager")).get("/cohort/").content.decode()
    worker = browse(person("social_worker"))
    assert "Take this list away" not in worker.get("/cohort/").content.decode()
    assert worker.get(PATH).status_code == 403


def test_a_cohort_does_not_leave_in_slices(facts, person, browse, monkeypatch):
    from sightline.web.pages import named_list

    children = len(authority.children(team=0))
    monkeypatch.setattr(named_list, "A_DAY", 2 * children)
    client = browse(person("team_manager"))
    told = [client.post(PATH, {"purpose": PURPOSE}).status_code for _ in range(3)]
    assert told == [200, 200, 429]
    assert len(entries()) == 2
    other = browse(person("team_manager", username="another"))
    assert other.post(PATH, {"purpose": PURPOSE}).status_code == 200, "the limit is each person's own"

"""The data-sharing register and the asks of schools: kept with their history, states by day, and asked once."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from html import unescape

import pytest
import web_authority as authority

from sightline import operations
from sightline.operations import AGREEMENTS, REQUESTS, Home
from sightline.vocabulary.errors import BadSetting, NotAllowed, StoreDamaged
from sightline.web import facts as module

pytest_plugins = ["web_fixtures"]

NOW = datetime(2026, 10, 12, 9, tzinfo=UTC)
TODAY = NOW.date()
AGREEMENT = {
    "name": "Attendance feed", "with_whom": "An invented supplier", "way": "to us", "what": "Marks",
    "children": "on a plan now", "purpose": "Support", "lawful_basis": "Public task", "signed": "2026-01-05",
}  # fmt: skip
REQUEST = {
    "school": authority.SCHOOLS[0], "topic": "contacts", "what": "Who the lead is", "why": "To ring", "team": "Advisers",
    "asked": "2026-10-01",
}  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return Home.open(tmp_path / "home")


def keep(home, register, told, **more):
    return operations.keep_entry(home, register, told, by="T", at=more.pop("at", NOW), **more)


@pytest.mark.parametrize(
    ("changed", "state"),
    [
        ({}, "in force"), ({"signed": ""}, "not signed"), ({"signed": "2026-10-13"}, "not signed"),
        ({"review": "2026-10-12"}, "review due"), ({"review": "2026-10-13"}, "in force"),
        ({"ends": "2026-10-12", "review": "2026-01-01"}, "ended"), ({"ends": "2026-10-13"}, "in force"),
    ],
)  # fmt: skip
def test_an_agreement_s_state_is_of_the_day(home, changed, state):
    keep(home, AGREEMENTS, {**AGREEMENT, **changed})
    assert [r["state"] for r in operations.entries(home, AGREEMENTS, on=TODAY)] == [state]


def test_a_new_version_changes_what_it_names_and_keeps_the_rest(home):
    made = keep(home, AGREEMENTS, AGREEMENT)
    assert keep(home, AGREEMENTS, {"ends": "2027-01-01"}, entry_id=made, at=NOW + timedelta(days=1)) == made
    (row,) = operations.entries(home, AGREEMENTS, on=TODAY)
    assert (row["ends"], row["name"], row["versions"]) == (date(2027, 1, 1), "Attendance feed", 2)
    assert len((home.path / "registers.jsonl").read_text().splitlines()) == 2, "the first version stays"
    assert operations.entries(home, REQUESTS, on=TODAY) == []


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ({**AGREEMENT, "name": " "}, "What the agreement is called"), ({**AGREEMENT, "colour": "red"}, "no field"),
        ({**AGREEMENT, "way": "sideways"}, "one of: to us"), ({**AGREEMENT, "signed": "soon"}, "Signed on: write the date as 5 9 2024"),
        ({**AGREEMENT, "what": "x" * 2_001}, "at most"),
    ],
)  # fmt: skip
def test_what_is_not_right_is_refused_and_nothing_is_kept(home, told, error):
    with pytest.raises(BadSetting, match=error):
        keep(home, AGREEMENTS, told)
    assert not (home.path / "registers.jsonl").exists()
    with pytest.raises(NotAllowed):
        keep(home, AGREEMENTS, AGREEMENT, entry_id="none")


def test_a_school_is_asked_once(home):
    keep(home, REQUESTS, REQUEST)
    with pytest.raises(BadSetting, match="Advisers asked 990001 for contacts on 1 October 2026"):
        keep(home, REQUESTS, {**REQUEST, "team": "Another team"})
    keep(home, REQUESTS, {**REQUEST, "school": authority.SCHOOLS[1]})
    with pytest.raises(BadSetting, match="asked"):
        keep(home, REQUESTS, {**REQUEST, "school": "every school"})
    keep(home, REQUESTS, {**REQUEST, "team": "Another team"}, anyway=True)
    long_after = NOW + timedelta(days=home.settings.ask_again_days)
    keep(home, REQUESTS, {**REQUEST, "asked": "2027-01-10"}, at=long_after)


def test_what_is_held_already_need_not_be_asked_for(home, authority_opened):
    marks = {**REQUEST, "topic": "attendance marks"}
    with pytest.raises(BadSetting, match="We hold attendance marks of this school to 9 October 2026"):
        keep(home, REQUESTS, marks, opened=authority_opened)
    keep(home, REQUESTS, {**marks, "school": "990099"}, opened=authority_opened)


@pytest.mark.parametrize(("changed", "state"), [({}, "waits"), ({"due": "2026-10-11"}, "overdue"),
                                                ({"due": "2026-10-12"}, "waits"), ({"answered": "2026-10-02"}, "answered")])  # fmt: skip
def test_a_request_waits_until_it_is_answered(home, changed, state):
    keep(home, REQUESTS, {**REQUEST, **changed})
    assert [r["state"] for r in operations.entries(home, REQUESTS, on=TODAY)] == [state]


def test_a_damaged_line_is_named_and_not_passed_over(home):
    keep(home, REQUESTS, REQUEST)
    with (home.path / "registers.jsonl").open("a") as file:
        file.write('{"register": "req')
    with pytest.raises(StoreDamaged, match="Line 2"):
        operations.entries(home, REQUESTS, on=TODAY)


def test_the_pages_keep_warn_and_change(facts, person, browse, home, monkeypatch):
    monkeypatch.setattr(module, "home", lambda: home)
    browser = browse(person("officer"))
    asked = {**REQUEST, "asked": module.date.today().isoformat()}
    assert browser.post("/asks-of-schools/", asked).status_code == 302
    again = browser.post("/asks-of-schools/", asked)
    assert again.status_code == 200 and "Ask all the same" in again.content.decode()
    assert browser.post("/asks-of-schools/", {**asked, "anyway": "yes"}).status_code == 302
    text = unescape(browser.get("/asks-of-schools/").content.decode())
    assert text.count("Invented School 1: contacts: waits") == 2
    made = operations.entries(home, REQUESTS, on=TODAY)[0]["id"]
    change = {**asked, "id": made, "answered": asked["asked"]}
    assert browser.post("/asks-of-schools/", change).status_code == 302
    assert "Invented School 1: contacts: answered" in browser.get("/asks-of-schools/").content.decode()
    assert browser.get("/asks-of-schools/?id=none").status_code == 404
    assert browser.get("/data-sharing/").status_code == 403
    keeper = browse(person("information_governance"))
    assert "Still needed" in keeper.post("/data-sharing/", {}).content.decode()
    assert keeper.post("/data-sharing/", AGREEMENT).status_code == 302
    assert "Attendance feed: in force" in keeper.get("/data-sharing/").content.decode()

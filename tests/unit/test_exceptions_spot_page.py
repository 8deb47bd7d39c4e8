"""The weekly spot check in the browser and at the command line."""

from __future__ import annotations

import re
from html import unescape

import pytest
import web_authority as authority

from sightline.operations import Home
from sightline.web import facts as module

pytest_plugins = ["web_fixtures"]


@pytest.fixture(autouse=True)
def own_decisions(tmp_path, monkeypatch):
    home = Home.open(tmp_path / "home")
    monkeypatch.setattr(module, "home", lambda: home)
    return home


def text_of(browser):
    return unescape(browser.get("/spot-checks/").content.decode())


def test_drawn_once_answered_and_told_with_its_interval(facts, person, browse):
    browser = browse(person("data_officer"))
    assert "No sample has been drawn this week." in text_of(browser)
    assert browser.post("/spot-checks/", {"do": "draw"}).status_code == 302
    text = text_of(browser)
    places = re.findall(r'name="answer-([0-9a-f-]{36})"', text)
    assert len(places) == len(set(places)) == 20
    again = browser.post("/spot-checks/", {"do": "draw"})
    assert again.status_code == 200 and "was drawn already" in again.content.decode()
    first, second = places[:2]
    sent = {"do": "answer", f"answer-{first}": "agrees", f"answer-{second}": "differs"}
    assert "Say what is not as the register says." in browser.post("/spot-checks/", sent).content.decode()
    assert "50.0%" not in text_of(browser)
    assert browser.post("/spot-checks/", {**sent, f"reason-{second}": "Left in July"}).status_code == 302
    text = text_of(browser)
    assert "50.0%" in text and "9.5% to 90.5%" in text and "Left in July" in text
    unchanged = browser.post("/spot-checks/", {**sent, f"reason-{second}": "Left in July"})
    assert "Choose an answer for one child or more." in unchanged.content.decode(), "nothing is recorded twice"


def test_a_child_who_was_not_drawn_is_not_answered(facts, person, browse, own_decisions):
    from sightline.web.people.models import Child

    browser = browse(person("data_officer"))
    browser.post("/spot-checks/", {"do": "draw"})
    drawn = set(re.findall(r'name="answer-([0-9a-f-]{36})"', text_of(browser)))
    other = next(str(c.public_id) for c in Child.objects.all() if str(c.public_id) not in drawn)
    answer = browser.post("/spot-checks/", {"do": "answer", f"answer-{other}": "agrees"})
    assert answer.status_code == 200
    assert '"agrees"' not in (own_decisions.path / "decisions.jsonl").read_text()


def test_those_shown_are_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("virtual_school_head"))
    browser.post("/spot-checks/", {"do": "draw"})
    text = text_of(browser)
    shown = {int(n) for n in re.findall(r"Tok(\d{3})surname", text)}
    assert set(AccessEntry.objects.order_by("-pk")[0].child_ids) == {authority.child_id(n) for n in shown}
    assert browse(person("officer")).get("/spot-checks/").status_code == 403

"""Your day: a different set for each role, each number that of the page it opens, and no child named."""

from __future__ import annotations

import re
from html import unescape

import pytest
import web_authority as authority

from sightline.alerts import REASONS
from sightline.operations import Home
from sightline.web import facts as served
from sightline.web.authz.matrix import ROLES
from sightline.web.pages import day

pytest_plugins = ["web_fixtures"]
ROW = re.compile(r'<th scope="row"[^>]*>(?:<a [^>]*href="([^"]*)">)?([^<]*)(?:</a>)?</th>\s*<td [^>]*>([\d,]+)</td>')


@pytest.fixture(autouse=True)
def own_decisions(tmp_path, monkeypatch):
    """What other files of tests drew, sent or answered is not waited for here."""
    home = Home.open(tmp_path / "home")
    monkeypatch.setattr(served, "home", lambda: home)


def lines(browser):
    """What the page counts: for each thing, its number and the address it opens."""
    text = unescape(browser.get("/").content.decode())
    assert "Tok" not in text
    found = {says: (int(number.replace(",", "")), address) for address, says, number in ROW.findall(text)}
    _, _, nothing = text.partition('id="waits-not">')
    none = re.findall(r'<a [^>]*href="([^"]*)">([^<]*)</a>', nothing.partition("</p>")[0])
    assert all(number for number, _ in found.values()), "what nobody waits for is in one sentence"
    return found | {says: (0, address) for address, says in none}


def test_each_role_s_reasons_are_reasons_and_each_role_that_sees_children_has_some():
    known = {reason.code for reason in REASONS}
    assert all(set(codes) <= known for codes in day.REASONS.values())
    assert set(day.REASONS) == set(authority.SEEING) <= set(ROLES)


KEEPS = {
    "Exceptions overdue", "Exceptions due within a week", "Exceptions found and not yet sent", "Pairs of records to read",
    "Spot check of this week to draw", "Schools whose marks are late", "Schools whose marks are silent",
    "Systems late or silent", "Schools and teams that see no child until more of theirs are found",
    "Asks of schools that are overdue", "Data-sharing agreements to sign or review",
}  # fmt: skip
WAITING = {
    "virtual_school_head": {*KEEPS, "Roles that wait for a second person"},
    "officer": {"Asks of schools that are overdue"},
    "data_officer": {*KEEPS, "Uploads checked, to load or discard", "Loads that failed"},
    "team_manager": {"Exceptions overdue", "Exceptions due within a week", "Exceptions for you to answer"},
    "school_lead": {"Exceptions overdue", "Exceptions due within a week", "Exceptions for you to answer"},
    "early_help_manager": {"Suspended this week", "Persistently absent this school year", "On a plan too"},
    "information_governance": {"Things that stand out in the logs", "Views of last month’s sample to review",
                               "Emergency openings nobody has marked as seen",
                               "Records due to be removed", "Data-sharing agreements to sign or review"},
    "administrator": {"Roles that wait for a second person", "Roles to confirm or end"},
}  # fmt: skip


@pytest.mark.parametrize("role", authority.ROLE_OVER)
def test_each_role_has_its_own_set_and_each_number_opens_a_page_it_may_open(facts, person, browse, role):
    browser = browse(person(role))
    shown = lines(browser)
    names = {reason.name for reason in REASONS}
    assert set(shown) - names == WAITING.get(role, set())
    wanted = {r.name for r in REASONS if r.code in day.REASONS.get(role, ())}
    found = set(shown) & names
    assert found <= wanted or not found & wanted, "its own kinds, or where there is none of them all of the list"
    for says, (_, address) in shown.items():
        if address:
            assert browser.get(address).status_code == 200, says


@pytest.mark.parametrize("role", ["virtual_school_head", "data_officer", "team_manager", "school_lead"])
def test_a_number_is_the_number_of_rows_of_the_page_it_opens(facts, person, browse, role):
    browser = browse(person(role))
    compared = 0
    for says, (number, address) in lines(browser).items():
        if not number or not address.startswith(("/week/", "/exceptions/")):
            continue
        text = browser.get(address).content.decode()
        said = re.search(r'role="status">([\d,]+) of', text)
        assert (int(said[1].replace(",", "")) if said else 0) == number, says
        compared += 1
    assert compared >= 1


def test_what_waits_goes_away_when_it_is_done(facts, person, browse):
    from sightline.web.work.models import State, Upload

    browser = browse(person("data_officer"))
    waits, failed = "Uploads checked, to load or discard", "Loads that failed"
    assert (lines(browser)[waits][0], lines(browser)[failed][0]) == (0, 0)
    made = Upload.objects.create(sent_by="x", state=State.CHECKED)
    assert (lines(browser)[waits][0], lines(browser)[failed][0]) == (1, 0)
    made.state = State.FAILED
    made.save()
    assert (lines(browser)[waits][0], lines(browser)[failed][0]) == (0, 1)
    made.state = State.LOADED
    made.save()
    assert (lines(browser)[waits][0], lines(browser)[failed][0]) == (0, 0)


@pytest.mark.parametrize(
    ("role", "paths"),
    [
        ("virtual_school_head", ("/", "/panel/", "/schools/", "/teams/")),
        ("trust_lead", ("/trust/",)),
        ("social_worker", ("/panel/", "/search/")),
        ("information_governance", ("/",)),
        ("administrator", ("/",)),
    ],
)
def test_each_page_stays_within_its_budget_of_queries(facts, person, browse, role, paths):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = browse(person(role))
    for path in paths:
        with CaptureQueriesContext(connection) as asked:
            answer = browser.post(path, {"who": "Tok"}) if path == "/search/" else browser.get(path)
        assert answer.status_code == 200
        # Which snapshot is in use is asked of the store, which is empty here, and so of the database instead.
        left_out = ("SAVEPOINT", "RELEASE SAVEPOINT")
        queries = [q["sql"] for q in asked if not q["sql"].startswith(left_out) and "people_projection" not in q["sql"]]
        assert len(queries) <= 14, (path, queries)


def test_what_is_due_within_a_week_waits_and_is_not_late():
    import datetime as dt

    import pyarrow as pa

    from sightline.operations import due_within_a_week

    on, days = dt.date(2026, 11, 26), (-1, 0, 7, 8, None)
    held = [("sent", d) for d in days] + [("corrected at source", 3), ("explained", 3), ("overdue", -1)]
    rows = pa.table(
        {
            "state": [s for s, _ in held],
            "due_date": pa.array([None if d is None else on + dt.timedelta(days=d) for _, d in held], pa.date32()),
        }
    )
    assert due_within_a_week(rows, on).to_pylist() == [False, True, True, False, False, False, False, False]

"""Exceptions in the browser: who sees which, what may be decided, batches out and answers back, accuracy by week."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from html import unescape

import pytest
import web_authority as authority
from django.core.files.uploadedfile import SimpleUploadedFile

from sightline.operations import Home
from sightline.web import facts as module

pytest_plugins = ["web_fixtures"]

VALUE = re.compile(r"Tok(\d{3})(?:left|right)")
ROLES = ("virtual_school_head", "data_officer", "team_manager", "school_lead")


@pytest.fixture(autouse=True)
def own_decisions(tmp_path, monkeypatch):
    """A home of its own for each test, since decisions are kept in it."""
    home = Home.open(tmp_path / "home")
    monkeypatch.setattr(module, "home", lambda: home)
    return home


def text_of(browser, path):
    answer = browser.get(path)
    assert answer.status_code == 200, path
    return unescape(answer.content.decode())


def seen(browser, asked=""):
    """The children whose exceptions' values are listed, over every page."""
    first = text_of(browser, f"/exceptions/?{asked}")
    pages = int((re.search(r"page 1 of (\d+)", first) or [0, 1])[1])
    return {
        int(n)
        for page in range(1, pages + 1)
        for n in VALUE.findall(text_of(browser, f"/exceptions/?{asked}&page={page}"))
    }


def owned_by_school(numbers):
    return {n for n in numbers if authority.exception_owner(n) == f"school {authority.SCHOOLS[0]}"}


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ("virtual_school_head", set(range(authority.CHILDREN))),
        ("data_officer", set(range(authority.CHILDREN))),
        ("team_manager", authority.children(team=0)),
        ("school_lead", owned_by_school(authority.on_plan(authority.children(school=0)))),
    ],
)
def test_each_role_sees_the_exceptions_of_its_own(facts, person, browse, role, expected):
    assert expected
    browser = browse(person(role))
    assert seen(browser) == expected
    every = range(authority.CHILDREN)
    opened = {n for n in every if browser.get(f"/exceptions/one/x{n:03}/").status_code == 200}
    assert opened == expected
    schools_own = browser.get("/exceptions/one/x-school/").status_code
    assert schools_own == (404 if role == "team_manager" else 200)


def test_a_school_sees_no_exception_of_its_pupil_that_another_owns(facts, person, browse):
    pupil = next(
        n
        for n in authority.on_plan(authority.children(school=1))
        if not authority.exception_owner(n).startswith("school")
    )
    browser = browse(person("school_lead", over=authority.SCHOOLS[1]))
    assert browser.get(f"/exceptions/one/x{pupil:03}/").status_code == 404
    assert f"Tok{pupil:03}left" not in text_of(browser, "/exceptions/")


@pytest.mark.parametrize(
    ("asked", "holds"),
    [
        ("owner=care-teams", lambda n: authority.exception_owner(n) == "care-teams"),
        ("owner=school", lambda n: authority.exception_owner(n).startswith("school ")),
        ("rule=surname", lambda n: not authority.exception_owner(n).startswith("school ")),
        ("system=ssd&cohort=yes", lambda n: not authority.exception_owner(n).startswith("school ")),
        ("owner=nobody", lambda n: True),
    ],
)
def test_filters_narrow(facts, person, browse, asked, holds):
    assert seen(browse(person("data_officer")), asked) == {n for n in range(authority.CHILDREN) if holds(n)}


def test_what_waits_is_drawn_by_age_with_the_same_numbers_in_a_table(facts, person, browse):
    text = text_of(browse(person("data_officer")), "/exceptions/")
    # Every exception of the invented authority was due long before today.
    assert f"{authority.CHILDREN + 1} of {authority.CHILDREN + 1} exceptions that wait are overdue" in text
    table = text[text.index('id="ageing-table"') :]
    numbers = [int(n) for n in re.findall(r"numeric\">(\d+)</td>", table[: table.index("</table>")])]
    assert sum(numbers) == authority.CHILDREN + 1


def test_one_exception_says_where_each_value_stands_and_is_recorded_when_opened(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    text = text_of(browse(person("data_officer")), "/exceptions/one/x003/")
    assert "Tok003left" in text and "Tok003right" in text
    assert re.search(r"Social care extract</th>.*?Standard Safeguarding Dataset.*?<td[^>]*>5</td>", text, re.DOTALL)
    assert AccessEntry.objects.get().child_ids == [authority.child_id(3)]


def test_a_decision_needs_a_choice_and_a_reason_and_then_stands_in_its_life(facts, person, browse):
    browser = browse(person("data_officer"))
    path = "/exceptions/one/x003/"
    for sent, said in (({}, "Choose what to do with it."), ({"decision": "explained"}, "Give a reason."),
                       ({"decision": "withdrawn", "reason": "x"}, "Choose what to do with it.")):  # fmt: skip
        answer = browser.post(path, sent)
        assert answer.status_code == 200 and said in answer.content.decode()
    assert browser.post(path, {"decision": "explained", "reason": "Twins"}).status_code == 302
    text = text_of(browser, path)
    assert "Explained" in text and "Twins" in text and "Person data_officer (data_officer)" in text
    assert "Tok003left" not in text_of(browser, "/exceptions/?state=overdue&owner=care-teams")
    assert seen(browser, "state=explained") == {3}
    assert browser.post(path, {"decision": "withdrawn", "reason": "Not so"}).status_code == 302
    assert 3 in seen(browser, "state=overdue")


def test_a_manager_answers_for_the_team_s_own_alone(facts, person, browse):
    browser = browse(person("team_manager"))
    mine = next(n for n in authority.children(team=0) if authority.exception_owner(n) == "care-teams")
    other = next(n for n in authority.children(team=0) if authority.exception_owner(n) != "care-teams")
    assert browser.post(f"/exceptions/one/x{mine:03}/", {"decision": "acknowledged"}).status_code == 302
    refused = browser.post(f"/exceptions/one/x{other:03}/", {"decision": "acknowledged"})
    assert refused.status_code == 200 and "You may not decide" in refused.content.decode()
    outside = next(n for n in range(authority.CHILDREN) if n not in authority.children(team=0))
    assert browser.post(f"/exceptions/one/x{outside:03}/", {"decision": "acknowledged"}).status_code == 404


def test_a_school_answers_what_it_owns(facts, person, browse, own_decisions):
    browser = browse(person("school_lead"))
    mine = min(owned_by_school(authority.on_plan(authority.children(school=0))))
    assert (
        browser.post(f"/exceptions/one/x{mine:03}/", {"decision": "returned", "reason": "Ask admissions"}).status_code
        == 302
    )
    assert "Ask admissions" in (own_decisions.path / "decisions.jsonl").read_text()


def test_a_batch_goes_out_and_its_answers_come_back(facts, person, browse):
    browser = browse(person("data_officer"))
    wanted = {n for n in range(authority.CHILDREN) if authority.exception_owner(n) == "care-teams"}
    assert f"Social work team managers ({len(wanted)})" in text_of(browser, "/exceptions/batches/")
    assert "Choose whom to send to." in browser.post("/exceptions/batches/").content.decode()
    answer = browser.post("/exceptions/batches/", {"owner": "care-teams"})
    assert answer.status_code == 302
    batch = answer["Location"].rstrip("/").rsplit("/", 1)[1]
    assert {int(n) for n in VALUE.findall(text_of(browser, answer["Location"]))} == wanted
    file = browser.get(f"/exceptions/batches/file/{batch}.csv")
    rows = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert len(rows) == len(wanted)
    assert browser.get(f"/exceptions/batches/file/{batch}.xlsx").content[:2] == b"PK"
    for row, (told, why) in zip(rows, [("explained", "Both are right"), ("perhaps", "")], strict=False):
        row["answer"], row["reason"] = told, why
    out = io.StringIO()
    writer = csv.DictWriter(out, rows[0])
    writer.writeheader()
    writer.writerows(rows)
    sent = SimpleUploadedFile("back.csv", out.getvalue().encode())
    text = unescape(browser.post("/exceptions/answers/", {"file": sent}).content.decode())
    assert "1 of 2 answers were recorded." in text and "The answer should be one of" in text
    assert re.search(
        rf"{batch}</a></th>.*?>{len(wanted)}</td><td[^>]*>1</td>", text_of(browser, "/exceptions/batches/")
    )
    again = browser.post("/exceptions/batches/", {"owner": "care-teams"})
    assert again.status_code == 200 and "nothing to send" in again.content.decode()


def test_what_is_no_batch_and_no_answer_is_refused(facts, person, browse):
    browser = browse(person("virtual_school_head"))
    for path in ("/exceptions/batches/none/", "/exceptions/batches/file/none.csv", "/exceptions/batches/file/none.exe"):
        assert browser.get(path).status_code == 404
    assert "Choose the answered file." in browser.post("/exceptions/answers/").content.decode()
    text = browser.post("/exceptions/answers/", {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")}).content.decode()
    assert "is not an answered batch" in text


def test_accuracy_is_told_week_by_week(facts_of, person, browse):
    tables = authority.tables()
    rows = tables["accuracy"].to_pylist()
    earlier = authority.AS_AT - timedelta(weeks=1)
    rows += [{**r, "snapshot": "snapshot-0", "made": earlier, "day": earlier, "agree": 20} for r in rows]
    facts_of({**tables, "accuracy": authority._table("accuracy", rows)})
    text = text_of(browse(person("data_officer")), "/accuracy/")
    assert "1 of 2 sources are below the bar of 95%" in text
    table = text[text.index('id="accuracy-table"') :]
    shown = re.findall(r"numeric\">([\d.]+%)</td>", table[: table.index("</table>")])
    assert shown == ["90.0%", "97.5%", "50.0%", "50.0%"], "newest week first; school census, then social care"


@pytest.mark.parametrize("role", ROLES)
def test_each_page_stays_within_its_budget_of_queries(facts, person, browse, role):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = browse(person(role))
    paths = ["/exceptions/", "/exceptions/one/x000/"]
    if role in {"virtual_school_head", "data_officer"}:
        paths += ["/exceptions/batches/", "/accuracy/"]
    for path in paths:
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(path).status_code == 200, path
        queries = [q["sql"] for q in asked if not q["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]
        assert len(queries) <= 15, (path, queries)

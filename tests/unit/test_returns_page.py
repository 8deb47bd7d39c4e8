"""Figures that disagree and senders in the browser: what is asked, what is answered, what is recorded."""

from __future__ import annotations

import re
from html import unescape

import pytest
import web_authority as authority
from django.core.files.uploadedfile import SimpleUploadedFile

pytest_plugins = ["web_fixtures"]

NUMBERS = set(range(authority.CHILDREN))
ON_PLAN = authority.on_plan(NUMBERS)


def post(browser, **asked):
    answer = browser.post("/figures/", asked)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def adds(text):
    """What each cause adds, and what they add together."""
    table = text[text.index("The difference by cause") :]
    numbers = [int(n) for n in re.findall(r'numeric">([+-]\d+)</td></tr>', table[: table.index("</table>")])]
    return numbers[:-1], numbers[-1]


def test_two_counts_of_the_dashboard_are_split_by_cause(facts, person, browse):
    text = post(browse(person("data_officer")), first_what="cin-plan", second_what="on-plan")
    causes, together = adds(text)
    cp = {n for n in NUMBERS if authority.status_of(n) == "CP plan"}
    assert sum(causes) == together == len(cp)
    assert f"{len(cp)} children are counted on one side alone." in text
    assert "Tok" not in text, "a page of figures names nobody"


def test_a_list_and_a_told_number(facts, person, browse):
    browser = browse(person("virtual_school_head"))
    wanted = sorted(ON_PLAN)[2:]
    listed = "UPN\n" + "".join(f"{authority.token(n, 'upn')}\n" for n in wanted) + "X999\n"
    file = SimpleUploadedFile("printout.csv", listed.encode())
    text = post(browser, first_kind="list", first_file=file, second_kind="dashboard")
    assert f"{len(wanted) + 1} and {len(ON_PLAN)}" in text and "Not linked" in text
    assert sum(adds(text)[0]) == len(ON_PLAN) - len(wanted) - 1
    text = post(browser, first_kind="dashboard", second_kind="number", second_number="1,000")
    assert f"a difference of +{1000 - len(ON_PLAN)}" in text and "Our own figures nearest" in text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"first_kind": "number", "first_number": "many"}, "Give the first number in digits."),
        ({"second_kind": "list"}, "Choose the file of the second list."),
        ({"first_day": "soon"}, "The day of the first figure: write the date as 5 9 2024."),
        ({"first_kind": "cin-census"}, "No CIN census is in force."),
        ({"first_kind": "cin-census", "first_what": "on-roll"}, "The CIN census counts: cin-plan"),
        ({"first_kind": "number", "first_number": "1", "second_kind": "number", "second_number": "2"}, "two numbers alone"),
        ({"first_kind": "list", "first_file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")}, "names children"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(facts, person, browse, asked, said):
    assert said in post(browse(person("data_officer")), **asked)


def test_a_restricted_child_is_counted_by_nobody(facts, person, browse):
    from datetime import date

    from sightline.web.people.models import Child, Restriction

    hidden = min(ON_PLAN)
    child = Child.objects.get(child_id=authority.child_id(hidden))
    Restriction.objects.create(child=child, kind="sealed", valid_from=date(2020, 1, 1), reason="test", made_by="test")
    text = post(browse(person("data_officer")), first_what="cin-plan", second_what="on-plan")
    assert f"Tok{hidden:03}" not in text
    assert f"and {len(ON_PLAN) - 1}:" in text


def test_returns_are_compared_when_asked_for(facts, person, browse):
    browser = browse(person("data_officer"))
    assert "Compare each return in force" in browser.get("/figures/").content.decode()
    text = browser.get("/figures/?returns=yes").content.decode()
    assert "School census, 9 October 2026" in text


def test_senders_are_told_by_system_and_school(facts, person, browse):
    browser = browse(person("data_officer"))
    text = unescape(browser.get("/senders/").content.decode())
    assert "Social care extract</th>" in text and "Invented School 1" in text
    assert len(re.findall(r"URN 99000\d", text)) == len(authority.SCHOOLS)
    silent = browser.get("/senders/?state=silent").content.decode()
    late = browser.get("/senders/?state=on time").content.decode()
    assert len(re.findall(r"URN", silent)) + len(re.findall(r"URN", late)) == len(authority.SCHOOLS)
    assert browse(person("team_manager")).get("/senders/").status_code == 403

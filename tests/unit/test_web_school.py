"""A school's page: its own pupils with a plan, beside its others, and no figure of too few."""

from __future__ import annotations

import re
from html import unescape

import pyarrow as pa
import pytest
import web_authority as authority

from sightline import operations
from sightline.disclosure import LOCAL
from sightline.operations import Scope
from sightline.vocabulary.periods import academic_year

pytest_plugins = ["web_fixtures"]

URN = authority.SCHOOLS[0]
HERE = authority.on_plan(authority.children(school=0))


def text_of(browser, urn=URN):
    answer = browser.get(f"/schools/{urn}/")
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def figures(text):
    """The comparison: by row, the two groups' figures."""
    table = re.search(r"Pupils with a plan beside the other pupils</caption>.*?</table>", text, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    cells = [
        [re.sub("<[^>]+>", "", c).strip() for c in re.findall(r"<t[dh].*?</t[dh]>", row, re.DOTALL)] for row in rows
    ]
    return {label: tuple(values) for label, *values in cells}


def with_others(number, *, missing, suspended=0):
    """The authority's tables with so many other pupils at the school, of whom some miss half of their sessions."""
    held = authority.tables()
    year = academic_year(authority.AS_AT)
    added = [
        {"child_id": f"pupil-{n}", "urn": URN, "year": year, "possible": 100, "authorised": 0,
         "unauthorised": 50 if n < missing else 2}
        for n in range(number)
    ]  # fmt: skip
    held["register_year"] = pa.Table.from_pylist(
        held["register_year"].to_pylist() + added, held["register_year"].schema
    )
    excluded = [
        {"child_id": f"pupil-{n}", "urn": URN, "start_date": authority.AS_AT, "category": "SUSP", "delivery": "d-susp"}
        for n in range(suspended)
    ]
    held["exclusion"] = pa.Table.from_pylist(held["exclusion"].to_pylist() + excluded, held["exclusion"].schema)
    return held


def test_the_school_s_own_pupils_with_a_plan_are_listed_and_counted(facts, person, browse):
    text = text_of(browse(person("school_lead")))
    assert {int(n) for n in re.findall(r"Tok(\d{3})surname", text)} == HERE
    assert "Invented School 1</h1>" in text
    assert "URN 990001" in text
    assert "week beginning 5 October 2026" in text
    counted = dict(re.findall(r"<dt>([^<]+)</dt><dd>(\d+)</dd>", text))
    assert counted == {"CP plan": "2", "CIN plan": "4"}


def test_a_group_of_fewer_than_six_has_no_figures(facts, person, browse):
    shown = figures(text_of(browse(person("school_lead"))))
    assert shown["Pupils in the registers"] == ("6", "Fewer than 6"), "four others are at this school"
    assert all(other == "Too few" for label, (_, other) in shown.items() if label != "Pupils in the registers")
    assert re.fullmatch(r"\d+\.\d%", shown["Absence, % of possible sessions"][0])
    assert shown["Persistently absent, % of pupils"][0] == "Too few", "fewer than six are persistently absent"


@pytest.mark.parametrize("role", ["school_lead", "officer", "virtual_school_head"])
def test_the_figures_are_those_of_a_plain_count(facts_of, person, browse, role):
    held = with_others(20, missing=8, suspended=7)
    facts_of(held)
    text = text_of(browse(person(role)))
    shown = figures(text)
    rows = [
        r for r in held["register_year"].to_pylist() if r["urn"] == URN and r["year"] == academic_year(authority.AS_AT)
    ]
    others = [r for r in rows if r["child_id"] not in {authority.child_id(n) for n in HERE}]
    absent = sum(r["authorised"] + r["unauthorised"] for r in others)
    persistent = [r for r in others if 10 * (r["authorised"] + r["unauthorised"]) >= r["possible"]]
    suspended = {
        r["child_id"] for r in held["exclusion"].to_pylist() if r["urn"] == URN and r["start_date"].year == 2026
    }
    assert shown["Pupils in the registers"] == (str(len(HERE)), str(len(others)))
    assert shown["Absence, % of possible sessions"][1] == f"{100 * absent / sum(r['possible'] for r in others):.1f}%"
    assert shown["Persistently absent, % of pupils"][1] == f"{100 * len(persistent) / len(others):.1f}%"
    both = len(suspended & {r["child_id"] for r in others})
    assert both >= 6
    assert shown["Suspended at least once, % of pupils"][1] == f"{100 * both / len(others):.1f}%"


@pytest.mark.parametrize(("missing", "hidden"), [(5, True), (6, False), (14, False), (15, True), (20, True)])
def test_a_share_is_hidden_where_fewer_than_six_are_with_or_without(missing, hidden):
    opened = authority.opened(with_others(20, missing=missing))
    children = [authority.child_id(n) for n in range(authority.HELD)]
    found = operations.school_facts(opened, Scope.everyone(), URN, children)
    assert found.others.pupils == 20
    assert (found.others.persistent is None) == hidden
    assert found.others.absence == pytest.approx(100 * (50 * missing + 2 * (20 - missing)) / 2000)
    assert found.fewest == LOCAL.threshold == 6
    opened.database.close()


def test_children_outside_the_scope_are_other_pupils(facts):
    children = [authority.child_id(n) for n in authority.children(school=0)]
    inside = operations.school_facts(facts, Scope.of(children[:7]), URN, children)
    assert inside.on_plan.pupils == 7
    assert inside.others.pupils is None


def test_another_school_and_no_school_are_refused_alike_and_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    lead = browse(person("school_lead"))
    answers = [lead.get(f"/schools/{urn}/") for urn in (authority.SCHOOLS[1], "no-such-school")]
    assert [a.status_code for a in answers] == [404, 404]
    stripped = [
        a.content.decode().replace(a["X-Request-Id"], "").replace(u, "")
        for a, u in zip(answers, (authority.SCHOOLS[1], "no-such-school"), strict=True)
    ]
    assert re.sub(r'value="[^"]+"', "", stripped[0]) == re.sub(r'value="[^"]+"', "", stripped[1])
    assert AccessEntry.objects.filter(action="refused").count() == 2
    assert browse(person("officer")).get("/schools/no-such-school/").status_code == 404
    assert browse(person("officer", username="officer-2")).get(f"/schools/{authority.SCHOOLS[1]}/").status_code == 200


def test_what_the_page_lists_is_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    text_of(browse(person("school_lead")))
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.page) == ("listed", "school")
    assert set(entry.child_ids) == {authority.child_id(n) for n in HERE}


def test_a_school_finds_its_page_in_the_navigation_and_an_officer_from_the_filter(facts, person, browse):
    assert f'href="/schools/{URN}/"' in browse(person("school_lead")).get("/").content.decode()
    officer = browse(person("officer"))
    assert f'href="/schools/{URN}/"' in officer.get(f"/cohort/?school={URN}").content.decode()
    assert "/schools/" not in officer.get("/cohort/").content.decode()
    worker = browse(person("social_worker"))
    assert "/schools/" not in worker.get(f"/cohort/?school={URN}").content.decode()

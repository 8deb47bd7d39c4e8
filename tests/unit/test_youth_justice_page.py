"""The link with youth justice: who is listed and for what, who may read it, and what is counted and named to nobody."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pyarrow as pa
import pytest
import web_authority as authority

from sightline.operations import Scope
from sightline.operations.counts.answers import cohort_on
from sightline.operations.lists import youth_justice as justice
from sightline.vocabulary.tables import Sensitivity
from sightline.web.authz.matrix import PAGES, ROLES
from sightline.web.pages.cohort import with_places

pytest_plugins = ["web_fixtures"]
KNOWN = {n for n in authority.known_to_youth_justice() if n in authority.on_plan({n})}
LISTED = KNOWN | set(authority.exploited())


def rows_of(opened, scope=None, on=authority.AS_AT):
    scope = scope or Scope.everyone()
    return justice.youth_justice(opened, scope, with_places(cohort_on(opened, scope, on)), on)


def listed(text):
    return {int(n) for n in re.findall(r"Tok(\d{3})surname", text)}


def test_both_facts_are_told_with_their_days(authority_opened):
    rows = {int(r["child_id"][-3:]): r for r in rows_of(authority_opened)}
    assert set(rows) == LISTED
    both = rows[1]
    assert (both["youth_justice_since"], both["involvement"], both["education_hours"], both["factors"]) == (
        authority.AS_AT - timedelta(days=40), ("YC",), 15.0, ("24A",),
    )  # fmt: skip
    assert both["exploitation_since"] == both["exploitation_latest"] == authority.AS_AT - timedelta(days=60)
    assert {n for n, r in rows.items() if justice.holds(r, justice.BOTH)} == {1}
    assert (rows[20]["suspensions"], rows[15]["suspensions"]) == (1, 0)
    only = rows_of(authority_opened, Scope.of([authority.child_id(22)]))
    assert [r["factors"] for r in only] == [("11A",)]
    beyond = justice.beyond(authority_opened, authority.AS_AT)
    assert (beyond.listed, beyond.outside, beyond.alone) == (4, 1, 0)
    assert justice.beyond(authority_opened, authority.AS_AT, but=[authority.child_id(13)]).outside == 0


def test_an_assessment_counts_since_the_plan_began_however_old(facts_of):
    """Child 1's plan began fourteen days before the day: what is older than that and a year is left out."""
    held = authority.tables()
    old = authority.AS_AT - timedelta(days=366)
    rows = [{**r, "start_date": old, "end_date": old} for r in held["assessment"].to_pylist()]
    periods = [
        {**r, "start_date": old - timedelta(days=1)} if r["child_id"] == authority.child_id(22) else r
        for r in held["status_period"].to_pylist()
    ]
    held["assessment"] = authority._table("assessment", rows)
    held["status_period"] = authority._table("status_period", periods)
    rows = {int(r["child_id"][-3:]): r["factors"] for r in rows_of(facts_of(held))}
    assert rows == {**dict.fromkeys(KNOWN, ()), 22: ("11A",)}


def test_the_head_reads_it_and_each_view_is_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("virtual_school_head"))
    text = unescape(browser.get("/youth-justice/").content.decode())
    assert listed(text) == LISTED
    assert {int(c[-3:]) for c in AccessEntry.objects.order_by("-pk").first().child_ids} == LISTED
    for said in (
        "Youth caution",
        "education offered 15 hours a week",
        "Child criminal exploitation",
        "1 of them is on no plan",
    ):
        assert said in text
    assert "Tok013" not in text, "on no plan: counted alone"
    assert listed(browser.get("/youth-justice/?fact=both").content.decode()) == {1}
    workbook = browser.get("/youth-justice/workbook/?form=csv")
    assert workbook.status_code == 200 and workbook.content[:2] == b"PK"
    assert AccessEntry.objects.order_by("-pk").first().child_ids == []


def test_nobody_else_reads_it(facts, person, browse):
    """The class of field is held by two roles; no page shows it to another, and panels are not told by the number of
    facts."""
    assert {r.key for r in ROLES.values() if r.reads(Sensitivity.OFFENCE)} == {"virtual_school_head", "officer"}
    for role in set(authority.ROLE_OVER) - {"virtual_school_head", "officer"}:
        browser = browse(person(role))
        assert browser.get("/youth-justice/").status_code == 403, role
        for name, address in (("panel", "/panel/?least=2"), ("quality", "/data-quality/")):
            if PAGES[name].allows("GET", signed_in=True, role=role):
                assert "Known to youth justice" not in unescape(browser.get(address).content.decode()), (role, name)


def test_counts_hide_small_numbers_and_what_tells_them(facts, person, browse):
    text = unescape(browse(person("data_officer")).get("/youth-justice/figures/").content.decode())
    assert listed(text) == set()
    cells = re.findall(r'<td class="govuk-table__cell[^"]*">(.*?)</td>', text)
    assert len(cells) == 9 and all(">c<" in cell for cell in cells)
    assert "on no plan that day: <abbr" in text


def test_counts_by_hand(authority_opened):
    children = cohort_on(authority_opened, Scope.everyone(), authority.AS_AT)
    grid = justice.figures(rows_of(authority_opened), children, hidden=False)
    plans = [authority.status_of(n) for n in KNOWN]
    assert grid.heads == ("Fact", "CP plan", "CIN plan", "All")
    assert {row[0]: row[1:] for row in grid.rows}["Known to youth justice"] == (
        plans.count("CP plan"), plans.count("CIN plan"), len(KNOWN),
    )  # fmt: skip
    assert {row[0]: row[1:] for row in grid.rows}["Child sexual exploitation"][-1] == 1
    one = rows_of(authority_opened)[0]
    sides = ({}, {"factors": ()}, {"youth_justice_since": None})
    many = [{**one, **side, "status": p} for side in sides for p in ("CP plan", "CIN plan") for _ in range(20)]
    everybody = pa.table({"status": ["CP plan"] * 80 + ["CIN plan"] * 80})
    said = {row[0]: row[1:] for row in justice.figures(many, everybody, hidden=True).rows}
    assert list(said.values()) == [(40, 40, 80), (40, 40, 80), (20, 20, 40)]
    assert justice.count_to_share(3) == "c" and justice.count_to_share(40) == 40


def test_a_finding_of_the_list_names_nobody_to_who_puts_it_right(facts_of, person, browse):
    held = authority.tables()
    finding = {**held["finding"].to_pylist()[0], "delivery": "d-youth", "table": "youth_justice", "rule": "upn",
               "record": authority.token(20, "yjref"), "field": "upn", "value": authority.token(20, "badupn")}  # fmt: skip
    held["finding"] = authority._table("finding", [*held["finding"].to_pylist(), finding])
    facts_of(held)
    asked = "/data-quality/?kind=youth-justice"
    mine = browse(person("data_officer")).get(asked).content.decode()
    assert not re.search("Tok020(says|yjref|badupn)", mine) and "About a record you may not see" in mine
    assert (
        "Tok020yjref"
        not in browse(person("data_officer", username="again"))
        .get("/data-quality/findings.csv?kind=youth-justice")
        .content.decode()
    )
    assert "Tok020yjref" in browse(person("virtual_school_head")).get(asked).content.decode()


def test_families_are_told_where_a_list_has_come(facts, person, browse):
    text = unescape(browse(person("data_officer")).get("/privacy-notice/").content.decode())
    assert "Whether the youth justice service works with your child" in text


@pytest.mark.parametrize("role", ["virtual_school_head", "data_officer"])
def test_where_no_list_has_come_it_is_said(facts_of, person, browse, role):
    held = authority.tables()
    held["youth_justice"] = authority._table("youth_justice", [])
    facts_of(held)
    address = "/youth-justice/" if role == "virtual_school_head" else "/youth-justice/figures/"
    assert (
        "No list of the youth justice service has been received" in browse(person(role)).get(address).content.decode()
    )

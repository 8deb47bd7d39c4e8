"""A team's page: its workers' caseloads and each child's week, beside the team's other children of a year before."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
import web_authority as authority

from sightline.web.pages.team import key_of

pytest_plugins = ["web_fixtures"]
IN_FORCE = {n for n in range(authority.CHILDREN) if authority.status_of(n) != "ended"}


def address(team=0):
    return f"/teams/{key_of('team', authority.TEAMS[team])}/"


def text_of(browser, where):
    answer = browser.get(where)
    assert answer.status_code == 200
    return unescape(answer.content.decode())


def listed(text):
    return {int(n) for n in re.findall(r">Tok(\d{3})surname, Tok", text)}


def rows_of(text, caption):
    table = re.search(rf"{caption}</caption>.*?</table>", text, re.DOTALL)[0]
    rows = re.findall(r"<tr.*?</tr>", table, re.DOTALL)[1:]
    plain = [[re.sub("<[^>]+>", "", c).strip() for c in re.findall(r"<t[dh].*?</t[dh]>", r, re.DOTALL)] for r in rows]
    return {label: values for label, *values in plain}


@pytest.mark.parametrize(("role", "teams"), [("team_manager", {0}), ("service_manager", {1}),
                                             ("virtual_school_head", {0, 1, 2})])  # fmt: skip
def test_the_teams_one_supervises_are_opened_and_no_other(facts, person, browse, role, teams):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person(role))
    links = re.findall(r'href="(/teams/[0-9a-f]{16}/)"', text_of(browser, "/teams/"))
    assert set(links) == {address(t) for t in teams}
    for team in range(3):
        answer = browser.get(address(team))
        assert answer.status_code == (200 if team in teams else 404)
        if team in teams:
            assert listed(answer.content.decode()) <= authority.children(team=team)
            assert authority.TEAMS[team] not in answer.content.decode()
    assert AccessEntry.objects.filter(action="refused").count() == 3 - len(teams)


def test_caseloads_add_up_and_a_worker_s_children_are_a_link_away(facts, person, browse):
    browser = browse(person("team_manager"))
    text = text_of(browser, address())
    shown = rows_of(text, "Caseloads")
    counted = {name: int(values[-2]) for name, values in shown.items()}
    for n in (0, 3):  # the workers of the first team
        assert counted[f"Worker {n + 1}"] == len(listed_of(browser, text, n))
        assert sum(map(int, shown[f"Worker {n + 1}"][:-2])) == counted[f"Worker {n + 1}"]
    assert sum(counted.values()) == len(listed(text))
    assert listed(text) >= authority.on_plan(authority.children(team=0))


def listed_of(browser, text, worker):
    key = key_of("worker", authority.WORKERS[worker])
    assert f"?worker={key}#list" in text
    mine = listed(text_of(browser, f"{address()}?worker={key}"))
    assert mine <= authority.children(worker=worker)
    return mine


def test_a_child_s_week_is_that_of_the_week_s_list_and_the_listed_are_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("team_manager"))
    text = text_of(browser, address())
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.page) == ("listed", "team")
    assert {int(c.removeprefix("child-")) for c in entry.child_ids} == listed(text)
    suspended = {n for n in authority.on_plan(authority.children(team=0)) if n % 4 == 0}
    rows = rows_of(text, "Children of the team")
    said = {int(re.match(r"Tok(\d{3})", name)[1]) for name, values in rows.items() if "Suspension" in values[-1]}
    assert said == suspended


def test_a_year_before_is_told_only_where_enough_children_stand_behind_it(facts_of, person, browse):
    def with_others(number):
        held = authority.tables()
        periods, allocations, registers = (
            held[t].to_pylist() for t in ("status_period", "allocation", "register_week")
        )
        then = authority.AS_AT.replace(year=2025)
        for n in range(number):
            child = {"child_id": f"other-{n}"}
            periods.append({**periods[0], **child, "status": "CIN plan", "start_date": then - timedelta(days=90),
                            "end_date": then + timedelta(days=9)})  # fmt: skip
            allocations.append({**allocations[0], **child, "start_date": then - timedelta(days=90),
                                "end_date": then + timedelta(days=9)})  # fmt: skip
            registers.append({**registers[0], **child, "week": date(2025, 9, 8), "possible": 10, "authorised": 1,
                              "unauthorised": 1})  # fmt: skip
        for name, rows in (("status_period", periods), ("allocation", allocations), ("register_week", registers)):
            held[name] = type(held[name]).from_pylist(rows, held[name].schema)
        facts_of(held)
        text = text_of(browse(person("team_manager", username=f"manager-{number}")), address())
        return {label: values[1] for label, values in rows_of(text, "This school year beside the last").items()}

    few = with_others(5)
    assert few == {
        "Children with marks": "Fewer than 6",
        "Absence, % of possible sessions": "Too few",
        "Persistently absent, % of children": "Too few",
        "Suspended at least once, % of children": "Too few",
    }
    enough = with_others(8)
    assert enough["Children with marks"] == "8"
    assert enough["Absence, % of possible sessions"] == "20.0%"
    assert enough["Suspended at least once, % of children"] in {"0.0%", "Too few"}


def test_the_page_stays_within_its_budget_of_queries(facts, person, browse):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    browser = browse(person("team_manager"))
    with CaptureQueriesContext(connection) as asked:
        browser.get(address())
    # Which snapshot is in use is asked of the store, which is empty here, and so of the database instead.
    not_a_page_s = ("SAVEPOINT", "RELEASE SAVEPOINT")
    queries = [q["sql"] for q in asked if not q["sql"].startswith(not_a_page_s) and "people_projection" not in q["sql"]]
    assert len(queries) <= 14


def test_the_two_years_go_no_further_than_marks_have_come(facts_of, person, browse):
    held = authority.tables()
    rows = [row for row in held["register_week"].to_pylist() if row["week"] <= date(2026, 9, 14)]
    held["register_week"] = type(held["register_week"]).from_pylist(rows, held["register_week"].schema)
    facts_of(held)
    text = text_of(browse(person("team_manager")), address())
    assert "To 20 Sep 2026" in text
    assert "To 20 Sep 2025" in text
    shown = rows_of(text, "This school year beside the last")
    assert shown["Suspended at least once, % of children"][0] == "0.0%", "the suspensions of October are not counted"

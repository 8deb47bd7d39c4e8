"""The list for panels: children of whom two or more facts hold, each fact counted by hand, and no order of need."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pytest
import web_authority as authority

from sightline.operations import Scope
from sightline.operations.counts.answers import cohort_on
from sightline.operations.lists.panel_list import FACTS, facts_together
from sightline.vocabulary.errors import BadSetting
from sightline.web.pages.panel import SORTS

pytest_plugins = ["web_fixtures"]
ROLES = ("virtual_school_head", "officer", "team_manager", "service_manager", "social_worker", "reviewing_officer",
         "early_help_manager")  # fmt: skip


def rows_of(text):
    """For each child of the list, in its order: the facts said of it."""
    table = re.search(r"Children and the facts that hold</caption>.*?</table>", text, re.DOTALL)
    if not table:
        return {}
    rows = re.findall(r"Tok(\d{3})surname.*?</th><td [^>]*>(.*?)</td>", table[0], re.DOTALL)
    return {int(n): {f.strip() for f in re.findall("<li>(.*?)</li>", facts)} for n, facts in rows}


def shown(browser, asked=""):
    answer = browser.get(f"/panel/{asked}")
    assert answer.status_code == 200
    return rows_of(unescape(answer.content.decode()))


def with_facts():
    """The authority with a part-time timetable, a period of missing education, SEN and a move, of one child each."""
    held = authority.tables()
    on = authority.AS_AT
    ref = {"system": "ssd", "delivery": "d-care", "line": 1}

    def add(name, rows):
        held[name] = authority._table(name, [*(held[name].to_pylist() if name in held else []), *rows])

    def pupil(n):
        return {**ref, "pupil_ref": authority.token(n, "ref")}

    add("part_time_timetable", [
        {**pupil(0), "start_date": date(2026, 6, 1), "end_date": date(2026, 8, 1)},
        {**pupil(1), "start_date": date(2026, 6, 1), "end_date": date(2026, 7, 31)},
        {**pupil(2), "start_date": on + timedelta(days=1)},
    ])  # fmt: skip
    add("missing_education", [{**pupil(5), "start_date": on - timedelta(days=3)}])
    add("characteristic", [
        {**pupil(6), "as_at": date(2026, 1, 1), "sen_provision": "E"},
        {**pupil(7), "as_at": date(2026, 1, 1), "sen_provision": "K"},
        {**pupil(8), "as_at": date(2026, 1, 1), "sen_provision": "N"},
    ])  # fmt: skip
    enrolled = held["enrolment_period"].to_pylist()
    enrolled[0] = {**enrolled[0]}
    add("enrolment_period", [
        {**enrolled[0], "child_id": authority.child_id(11), "urn": authority.SCHOOLS[0], "start_date": date(2026, 10, 5)}
    ])  # fmt: skip
    return held


def expected(n, absence):
    """What holds of a child, by hand."""
    found = set()
    if authority.status_of(n) == "CP plan":
        found.add("Child Protection plan")
    if absence[n] >= 50:
        found.add("Severe absence")
    elif absence[n] >= 10:
        found.add("Persistent absence")
    if n % 4 == 0:
        found.add("Suspended this year")
    if n in authority.exploited():
        found.add("Exploitation or going missing")
    if n in authority.known_to_youth_justice() and n in authority.on_plan({n}):
        found.add("Known to youth justice")
    return found | {
        0: {"Part-time timetable this year"}, 5: {"Missing education this year"}, 6: {"EHC plan"}, 7: {"SEN support"},
        11: {"Moved school this year"},
    }.get(n, set())  # fmt: skip


def test_each_fact_is_that_of_a_plain_count(facts_of, person, browse):
    held = with_facts()
    opened = facts_of(held)
    sums = {n: [0, 0] for n in range(authority.HELD)}
    for row in held["register_week"].to_pylist():
        if row["week"] >= date(2026, 9, 1) - timedelta(days=1):
            mine = sums[int(row["child_id"].removeprefix("child-"))]
            mine[0] += row["authorised"] + row["unauthorised"]
            mine[1] += row["possible"]
    absence = {n: 100 * missed / possible for n, (missed, possible) in sums.items()}
    rows = cohort_on(opened, Scope.everyone(), authority.AS_AT)
    names = {f.key: f.name for f in FACTS}
    found = facts_together(opened, Scope.everyone(), rows, authority.AS_AT, least=1)
    told = {int(r["child_id"].removeprefix("child-")): {names[k] for k in r["facts"]} for r in found}
    here = {int(c.removeprefix("child-")) for c in rows["child_id"].to_pylist()}
    assert told == {n: e for n in here if (e := expected(n, absence))}
    assert {name for held in told.values() for name in held} >= set(names.values()) - {"Severe absence"}
    listed = shown(browse(person("virtual_school_head")))
    assert listed == {n: f for n, f in told.items() if len(f) >= 2}
    with pytest.raises(BadSetting, match="at least one"):
        facts_together(opened, Scope.everyone(), rows, authority.AS_AT, least=0)


@pytest.mark.parametrize("role", ROLES)
def test_a_role_lists_its_own_children_and_each_is_recorded(facts, person, browse, role):
    from sightline.web.audit.models import AccessEntry

    listed = shown(browse(person(role)))
    told = {fact for held in listed.values() for fact in held}
    assert ("Known to youth justice" in told) is (role in ("virtual_school_head", "officer"))
    assert set(listed) <= authority.seen_by()[role]
    entry = AccessEntry.objects.get()
    assert {int(c.removeprefix("child-")) for c in entry.child_ids} == set(listed)
    assert all(len(held) >= 2 for held in listed.values())


def test_schools_do_not_open_it(facts, person, browse):
    for role in ("school_lead", "headteacher", "trust_lead", "governor"):
        assert browse(person(role)).get("/panel/").status_code == 403


def test_it_filters_and_is_ordered_by_name_or_plan_start_and_by_nothing_that_ranks(facts, person, browse):
    browser = browse(person("virtual_school_head"))
    every = shown(browser)
    assert list(every) == sorted(every)
    assert set(shown(browser, "?fact=suspended")) == {n for n, held in every.items() if "Suspended this year" in held}
    assert set(shown(browser, "?plan=CP+plan")) == {n for n in every if authority.status_of(n) == "CP plan"}
    assert set(shown(browser, "?team=Team+2")) == {n for n in every if authority.team_of(n) == 1}
    assert set(shown(browser, "?least=3")) == {n for n, held in every.items() if len(held) >= 3} < set(every)
    assert set(SORTS) == {"name", "since"}
    by_plan = list(shown(browser, "?sort=since"))
    assert set(by_plan) == set(every)
    assert by_plan != list(every)
    assert list(shown(browser, "?sort=facts&fact=nothing&least=99")) == list(every)

"""A school or a team sees no child until its match rate reaches the bar, and is told what is missing, never who."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pyarrow as pa
import pytest
import web_authority as authority

from sightline.operations import Gate, match_gates
from sightline.operations.pairs.linking import NO_MARKS_SENT, NO_UPN, UPN_NOT_IN_REGISTER, UPN_NOT_MET
from sightline.vocabulary.settings import Settings
from sightline.web.pages.match_rate import as_shown

pytest_plugins = ["web_fixtures"]

HERE = authority.SCHOOLS[0]
TOKEN = re.compile(r"Tok\d{3}")


def without(held: dict[str, pa.Table], name: str, gone: Any) -> None:
    """Take the rows for which `gone` holds out of a table."""
    held[name] = pa.Table.from_pylist([r for r in held[name].to_pylist() if not gone(r)], held[name].schema)


def silent_school() -> dict[str, pa.Table]:
    """The authority, whose first school has sent no marks."""
    held = authority.tables()
    for name in ("register_week", "register_year", "register_school_week"):
        without(held, name, lambda r: r["urn"] == HERE)
    return held


def half_found_team() -> dict[str, pa.Table]:
    """The authority, where no school's data have half of the first team's children."""
    held = authority.tables()
    lost = {authority.child_id(n) for n in authority.children(team=0) if n % 2}
    for name in ("enrolment_period", "register_week", "register_year"):
        without(held, name, lambda r: r["child_id"] in lost)
    return held


def gates(held: dict[str, pa.Table], **settings: Any) -> dict[str, Gate]:
    opened = authority.opened(held)
    try:
        object.__setattr__(opened, "settings", Settings(**settings))
        return {g.ref: g for g in match_gates(opened)}
    finally:
        opened.database.close()


def test_where_everybody_is_found_every_gate_is_open():
    found = gates(authority.tables())
    assert set(found) == {*authority.SCHOOLS, *authority.TEAMS}
    assert all(g.is_open and g.percent == 100 and not g.missing for g in found.values())


def test_a_school_that_sends_nothing_is_closed_and_the_others_are_not():
    found = gates(silent_school())
    gate = found[HERE]
    assert (gate.is_open, gate.found, gate.percent) == (False, 0, 0)
    assert gate.missing == ((NO_MARKS_SENT, gate.children),)
    assert gate.last_marks is None
    assert all(g.is_open for ref, g in found.items() if ref != HERE)


def test_children_absent_from_a_school_s_registers_are_told_by_what_is_held_of_them():
    held = authority.tables()
    lost = sorted(authority.child_id(n) for n in authority.on_plan(authority.children(school=0)))[:3]
    without(held, "register_year", lambda r: r["child_id"] in lost and r["urn"] == HERE)
    held["person"] = pa.Table.from_pylist(
        [r | ({"upn": None} if r["child_id"] == lost[0] else {}) for r in held["person"].to_pylist()],
        held["person"].schema,
    )
    gate = gates(held)[HERE]
    assert dict(gate.missing) == {UPN_NOT_IN_REGISTER: 2, NO_UPN: 1}
    assert not gate.is_open


@pytest.mark.parametrize(("bar", "is_open"), [(95, False), (50, True), (0, True)])
def test_the_bar_is_a_setting(bar, is_open):
    gate = gates(half_found_team(), match_rate_bar_percent=bar)[authority.TEAMS[0]]
    assert 50 <= gate.percent < 95
    assert gate.missing == ((UPN_NOT_MET, gate.children - gate.found),)
    assert gate.is_open is is_open


def test_a_difference_its_owner_has_explained_counts_as_found():
    held = half_found_team()
    lost = [authority.child_id(n) for n in authority.children(team=0) if n % 2]
    held["exception"] = authority._table(
        "exception",
        [{"exception_id": f"e{c}", "rule": "not-in-education", "child_id": c, "state": "explained"} for c in lost],
    )
    gate = gates(held)[authority.TEAMS[0]]
    assert (gate.is_open, gate.percent, gate.missing) == (True, 100, ())
    assert gate.explained == gate.children - gate.found > 0


CLOSED = {"school_lead": silent_school, "headteacher": silent_school, "team_manager": half_found_team}


@pytest.mark.parametrize("role", CLOSED)
def test_a_closed_role_sees_no_child_on_any_page_and_is_told_what_is_missing(facts_of, person, browse, role):
    from sightline.web.people.models import Child

    facts_of(CLOSED[role]())
    browser = browse(person(role))
    mine = authority.children(school=0) if role != "team_manager" else authority.children(team=0)
    pages = ["/", "/cohort/", "/week/", "/match-rate/"] + ([f"/schools/{HERE}/"] if role != "team_manager" else [])
    for address in pages:
        answer = browser.get(address)
        text = unescape(answer.content.decode())
        assert answer.status_code == 200, address
        assert not TOKEN.search(text), address
        assert "sees no child until its match rate reaches 95%" in text, address
    for n in mine:
        public = Child.objects.get(child_id=authority.child_id(n)).public_id
        assert browser.get(f"/children/{public}/").status_code == 404
    told = unescape(browser.get("/match-rate/").content.decode())
    assert "Not yet" in told
    assert (NO_MARKS_SENT if role != "team_manager" else UPN_NOT_MET) in told


@pytest.mark.parametrize(("role", "held"), [("school_lead", half_found_team), ("team_manager", silent_school)])
def test_another_s_gap_closes_nothing(facts_of, person, browse, role, held):
    facts_of(held())
    text = unescape(browse(person(role)).get("/cohort/").content.decode())
    assert TOKEN.search(text)
    assert "sees no child" not in text


def test_a_social_worker_keeps_the_caseload_of_a_closed_team(facts_of, person, browse):
    facts_of(half_found_team())
    assert TOKEN.search(browse(person("social_worker")).get("/cohort/").content.decode())


def test_a_trust_sees_the_children_of_its_open_schools_alone(facts_of, person, browse):
    from sightline.web.authz.access import access_of, visible_to
    from sightline.web.people.models import Child

    facts_of(authority.tables())
    user = person("trust_lead")
    before = set(visible_to(access_of(user), on=authority.AS_AT).values_list("child_id", flat=True))
    facts_of(silent_school())
    after = set(visible_to(access_of(user), on=authority.AS_AT).values_list("child_id", flat=True))
    assert after < before
    lost = {int(c.removeprefix("child-")) for c in before - after}
    assert lost <= authority.children(school=0)
    assert Child.objects.filter(held=True).count() == authority.HELD


def test_each_role_reads_its_own_gates(facts_of, person, browse):
    facts_of(silent_school())

    def named(role):
        text = unescape(browse(person(role)).get("/match-rate/").content.decode())
        return {n for n in range(1, 5) if f"Invented School {n}" in text}, {
            n for n in range(1, 4) if f"Team {n}" in text
        }

    assert named("data_officer") == ({1, 2, 3, 4}, {1, 2, 3})
    assert named("school_lead") == ({1}, set())
    assert named("team_manager") == (set(), {1})


@pytest.mark.parametrize(
    ("children", "found", "hidden"),
    [(20, 10, False), (20, 17, True), (4, 0, True), (20, 20, False), (20, 0, False)],
)
def test_a_small_count_is_hidden_with_what_it_could_be_worked_out_from(children, found, hidden):
    gate = Gate("school", "1", "S", children, found, 0, 95, ((NO_UPN, children - found),))
    shown = as_shown(gate, exact=False)
    small = [str(n) for n in (children, children - found) if 0 < n < 5]
    assert (shown["found"] is None, shown["percent"] is None) == (hidden, hidden)
    assert not set(small) & {shown["children"], shown["lacking"], *(n for _, n in shown["missing"])}
    exact = as_shown(gate, exact=True)
    assert (exact["children"], exact["found"], exact["lacking"]) == (str(children), str(found), str(children - found))


def test_who_sees_figures_alone_is_told_no_count_that_another_page_hides(facts, person, browse):
    text = unescape(browse(person("governor")).get("/match-rate/").content.decode())
    rows = re.findall(r'<th scope="row"[^>]*>(Invented School \d|Team \d)</th>(.*?)</tr>', text, re.S)
    assert rows, "those with enough children are listed"
    for _, rest in rows:
        assert rest.count("Not told") == 5
        assert not re.search(r">\s*[\d.,]+%?\s*<", rest), "no count and no rate"
    head = unescape(browse(person("virtual_school_head")).get("/match-rate/").content.decode())
    every = dict(
        re.findall(
            r'<th scope="row"[^>]*>(Invented School \d|Team \d)</th>.*?<td[^>]*>.*?</td><td[^>]*>(\d+)<', head, re.S
        )
    )
    assert {name for name, _ in rows} == {name for name, n in every.items() if int(n) >= 6}

"""Search: by POST alone, within one's own children alone, its words kept in no address and no log."""

from __future__ import annotations

import re
from datetime import date

import pytest
import web_authority as authority

from sightline.operations import Scope
from sightline.operations.pairs.finding_children import MOST, find_children
from sightline.web.pages.search import hash_of

pytest_plugins = ["web_fixtures"]
NO_MATCH = "No match you may see"


def found(browser, who):
    text = browser.post("/search/", {"who": who}).content.decode()
    numbers = [int(n) for n in re.findall(r">Tok(\d{3})surname, Tok", text)]
    assert bool(numbers) != (NO_MATCH in text)
    return numbers


@pytest.fixture
def named(facts_of):
    """The authority with a child of another name and number, to be found in all the ways people write them."""
    held = authority.tables()
    rows = held["person"].to_pylist()
    rows[0] |= {"surname": "Ó Dálaigh-Wren", "forename": "Séan Kit", "upn": "A123456789012"}
    rows.append({**rows[1], "child_id": "pupil-1", "surname": "Wren", "known_to_care": False})
    held["person"] = type(held["person"]).from_pylist(rows, held["person"].schema)
    return facts_of(held)


@pytest.mark.parametrize(
    ("words", "hit"),
    [
        ("wren", True), ("WREN", True), ("o dalaigh", True), ("Dálaigh-Wren, Séan", True), ("sean wr", True),
        ("kit", True), ("a123456789012", True), (" A1234 56789012 ", True), ("1/3/2020", True), ("2020-03-01", True),
        ("1.3.2020", True), ("ren", False), ("A123456789013", False), ("A12345678901", False), ("2/3/2020", False),
        ("31/2/2020", False), ("s", False), ("%", False), ("_ren", False), ("wren kite", False),
    ],
)  # fmt: skip
def test_a_child_is_found_by_name_number_or_birth_and_a_pupil_of_no_social_worker_by_none(named, words, hit):
    rows = find_children(named, Scope.everyone(), words).to_pylist()
    assert ("child-000" in {r["child_id"] for r in rows}) == hit
    assert "pupil-1" not in {r["child_id"] for r in rows}
    elsewhere = find_children(named, Scope.of(["child-001"]), words)["child_id"].to_pylist()
    assert "child-000" not in elsewhere, "out of scope, whatever the words"


@pytest.mark.parametrize("role", authority.SEEING)
def test_a_search_finds_those_one_may_see_and_nobody_else(facts, person, browse, role):
    browser, mine = browse(person(role)), authority.seen_by()[role]
    inside, outside = min(mine), min(set(range(authority.CHILDREN)) - mine, default=None)
    assert found(browser, authority.token(inside, "surname")) == [inside]
    if outside is not None:
        assert found(browser, authority.token(outside, "surname")) == []
    assert set(found(browser, "Tok")) == mine


def test_a_sealed_child_is_not_found(facts, person, browse):
    from sightline.web.people.models import Child, Restriction

    browser = browse(person("virtual_school_head"))
    assert found(browser, authority.token(3, "surname")) == [3]
    Restriction.objects.create(
        child=Child.objects.get(child_id=authority.child_id(3)), kind=Restriction.Kind.SEALED,
        valid_from=date(2020, 1, 1), reason="test", made_by="test",
    )  # fmt: skip
    assert found(browser, authority.token(3, "surname")) == []


def test_who_was_found_is_recorded_and_the_words_are_not(facts, person, browse, caplog):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("team_manager"))
    child = min(authority.children(team=0))
    said = authority.token(child, "surname")
    assert found(browser, f" {said.upper()} ") == [child]
    entry = AccessEntry.objects.get()
    assert (entry.action, entry.page, list(entry.child_ids)) == ("listed", "search", [authority.child_id(child)])
    assert entry.purpose == f"search {hash_of(said)}"
    assert said.casefold() not in f"{vars(entry)} {caplog.text}".casefold()
    assert "Tok" not in browser.get(f"/search/?who={said}").content.decode(), "an address searches nothing"


def test_nobody_searches_on_and_on(facts, person, browse):
    browser = browse(person("team_manager"))
    answers = [browser.post("/search/", {"who": "Nobody"}).status_code for _ in range(31)]
    assert answers == [200] * 30 + [429]


def test_more_than_a_page_holds_is_said(facts_of, person, browse):
    held = authority.tables()
    rows = held["person"].to_pylist()
    rows += [{**rows[0], "child_id": f"child-9{n:02}", "surname": f"Tok{900 + n}surname"} for n in range(MOST)]
    held["person"] = type(held["person"]).from_pylist(rows, held["person"].schema)
    periods = held["status_period"].to_pylist()
    periods += [{**periods[0], "child_id": f"child-9{n:02}"} for n in range(MOST)]
    held["status_period"] = type(held["status_period"]).from_pylist(periods, held["status_period"].schema)
    facts_of(held)
    text = browse(person("virtual_school_head")).post("/search/", {"who": "tok"}).content.decode()
    assert f"The first {MOST} children" in text
    assert len(re.findall(r">Tok\d{3}surname, Tok", text)) == MOST


def test_an_empty_search_says_what_to_enter(facts, person, browse):
    text = browse(person("team_manager")).post("/search/", {"who": " "}).content.decode()
    assert "Enter a name, a pupil number or a date of birth" in text

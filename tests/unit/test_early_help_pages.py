"""Early Help sees the children on Early Help now, plan or none; nobody else sees one whom Early Help alone has."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape

import pyarrow as pa
import pytest
import web_authority as authority

from sightline.disclosure import HIDDEN
from sightline.operations import Scope
from sightline.operations.counts import breakdown, dashboard_tables, shared
from sightline.operations.counts import dashboard as counted
from sightline.operations.keeping import retention

pytest_plugins = ["web_fixtures"]

HELPED = authority.with_early_help()
ONLY = set(authority.HELPED_ONLY)
PLANNED = authority.on_plan(HELPED - ONLY)
ENDED = {n for n in HELPED - ONLY if authority.status_of(n) == "ended"}


def names(text: str) -> set[int]:
    return {int(n) for n in re.findall(r"Tok(\d{3})surname", text)}


def page_of(browser, n: int, rest: str = ""):
    from sightline.web.people.models import Child

    return browser.get(f"/children/{Child.objects.get(child_id=authority.child_id(n)).public_id}/{rest}")


@pytest.fixture
def closed(facts_of, monkeypatch):
    """The authority, where social care has closed each child whose plan has ended, and no basis is recorded."""
    from sightline.operations.keeping.lawful import Register
    from sightline.web.retention import gate

    tables = authority.tables()
    ends = {p["child_id"]: p["end_date"] for p in tables["status_period"].to_pylist()}
    rows = [row | {"end_date": ends.get(row["child_id"])} for row in tables["allocation"].to_pylist()]
    tables["allocation"] = pa.Table.from_pylist(rows, schema=tables["allocation"].schema)
    monkeypatch.setattr(gate, "register", lambda: Register(()))
    return facts_of(tables)


def test_the_list_is_of_every_child_on_early_help_and_what_it_shows_is_recorded(facts, person, browse):
    from sightline.web.audit.models import AccessEntry

    browser = browse(person("early_help_manager"))
    text = unescape(browser.get("/early-help/").content.decode())
    assert names(text) == HELPED
    assert f"{len(HELPED)} children have an open episode" in text
    assert f"{len(PLANNED)} of them are on a plan too" in text
    entry = AccessEntry.objects.filter(page="early_help").latest("pk")
    assert entry.action == "listed"
    assert set(entry.child_ids) == {authority.child_id(n) for n in HELPED}
    assert "helpwhy" not in text and "postcode" not in text, "not why, and not where"


def test_each_number_of_the_day_is_that_of_the_list_it_opens(facts, person, browse):
    browser = browse(person("early_help_manager"))
    text = unescape(browser.get("/").content.decode())
    found = re.findall(r'href="(/early-help/\?kind=\w+)#list">[^<]*</a></th>\s*<td [^>]*>(\d+)</td>', text)
    assert {address.partition("=")[2] for address, _ in found} >= {"suspended", "on_plan"}
    for address, number in found:
        listed = unescape(browser.get(address).content.decode())
        assert len(names(listed)) == int(number), address
    assert names(unescape(browser.get("/early-help/?kind=on_plan").content.decode())) == PLANNED
    assert names(unescape(browser.get("/early-help/?kind=suspended").content.decode())) == {
        n for n in HELPED if n % 4 == 0
    }


def test_a_child_of_early_help_alone_is_opened_by_early_help_and_by_nobody_else(facts, person, browse):
    (n, _) = authority.HELPED_ONLY
    text = unescape(page_of(browse(person("early_help_manager")), n).content.decode())
    assert authority.token(n, "surname") in text
    assert authority.token(n, "helpwho") in text, "the lead organisation"
    assert "Invented School 1" in text
    assert "says neither that there was one nor that there was none" in text
    assert not re.search(rf"Tok{n:03}(helpwhy|postcode|ethnicity)", text)
    for role in authority.SEEING:
        if role != "early_help_manager":
            # That no list of theirs has the child is for the scan of every page (test_web_crawl_leaks).
            assert page_of(browse(person(role)), n).status_code == 404, role


def test_that_there_was_a_plan_is_kept_from_early_help_where_no_basis_is_recorded(closed, person, browse):
    browser = browse(person("early_help_manager"))
    listed = unescape(browser.get("/early-help/").content.decode())
    assert names(listed) == HELPED
    assert "Ever 6" not in listed
    n = max(ENDED)
    text = unescape(page_of(browser, n).content.decode())
    assert authority.token(n, "surname") in text
    assert "CIN plan" not in text and "Worker" not in text and "Ever 6" not in text
    assert "says neither that there was one nor that there was none" in text
    on_plan = min(PLANNED)
    assert "CIN plan" in unescape(page_of(browser, on_plan).content.decode())
    # Pages about the cohort show nothing of the child either.
    for address in ("/week/", "/panel/", "/moves/", "/part-time-timetables/"):
        assert authority.token(n, "surname") not in browser.get(address).content.decode(), address


def test_the_page_of_such_a_child_asks_the_database_no_more_than_it_may(facts, person, browse):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from sightline.web.people.models import Child

    browser = browse(person("early_help_manager"))
    child = Child.objects.get(child_id=authority.child_id(authority.HELPED_ONLY[0]))
    for address in (f"/children/{child.public_id}/", f"/children/{child.public_id}/attendance/"):
        browser.get(address)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(address).status_code == 200
        assert len(asked) <= 15, address


def test_the_day_an_episode_is_over_the_child_is_gone(facts_of, person, browse):
    tables = authority.tables()
    (n, m) = authority.HELPED_ONLY
    rows = tables["early_help"].to_pylist()
    for row in rows:
        if row["child_ref"] == authority.token(n, "ref"):
            row["end_date"] = date.today() - timedelta(days=1)
    tables["early_help"] = pa.Table.from_pylist(rows, schema=tables["early_help"].schema)
    facts_of(tables)
    browser = browse(person("early_help_manager"))
    assert page_of(browser, n).status_code == 404
    assert page_of(browser, m).status_code == 200
    assert n not in names(unescape(browser.get("/early-help/").content.decode()))


def test_a_restriction_wins(facts, person, browse):
    from sightline.web.people.models import Child, Restriction

    user = person("early_help_manager")
    for n, kind in zip(authority.HELPED_ONLY, ("sealed", "conflict"), strict=True):
        made = Restriction.objects.create(
            child=Child.objects.get(child_id=authority.child_id(n)), kind=kind, valid_from=date(2020, 1, 1),
            reason="test", made_by="test",
        )  # fmt: skip
        made.users.set([user] if kind == "conflict" else [])
    browser = browse(user)
    assert names(unescape(browser.get("/early-help/").content.decode())) == HELPED - ONLY
    assert all(page_of(browser, n).status_code == 404 for n in ONLY)


@pytest.fixture(scope="module")
def panels():
    """The panel of the authority, of the same without episodes, and with the episodes of the two alone."""
    tables = authority.tables()
    episodes = tables["early_help"]
    alone = pa.compute.is_in(
        episodes["child_ref"], value_set=pa.array([authority.token(n, "ref") for n in authority.HELPED_ONLY])
    )
    made = []
    for name, rows in (("all", episodes), ("none", episodes.slice(0, 0)), ("two", episodes.filter(alone))):
        opened = authority.opened(tables | {"early_help": rows}, snapshot=name)
        made.append(counted.panel(opened, Scope.everyone(), authority.AS_AT))
        opened.database.close()
    return made


def test_early_help_changes_no_figure_of_the_cohort(panels):
    """The same authority with and without its episodes: every child's row of the cohort, every figure of it, and all
    that may be told of it outside."""
    rows = [p.rows.filter(pa.compute.not_equal(p.rows["plan"], counted.EARLY_HELP)) for p in panels]
    kept = [c for c in rows[0].column_names if c != "early_help"]
    told = [shared.shared(p) for p in panels]
    for n in (1, 2):
        assert rows[0].select(kept).equals(rows[n].select(kept))
        assert counted.figures_by(counted.on_plan(rows[0]), panels[0].then) == counted.figures_by(
            counted.on_plan(rows[n]), panels[n].then
        )
        assert (told[0].everybody, told[0].tables) == (told[n].everybody, told[n].tables)


def test_performance_counts_every_child_on_early_help_once(panels):
    """CIN and CP count whom they counted before; of Early Help, those on a plan too stand apart."""
    whole, *_ = breakdown.performance(panels[0], None)
    counts = {row[0]: row[1] for row in whole.rows}
    assert counts == {
        "CIN": len({n for n in range(authority.CHILDREN) if authority.status_of(n) == "CIN plan"}),
        "CP": len({n for n in range(authority.CHILDREN) if authority.status_of(n) == "CP plan"}),
        "Early Help, no plan": len(HELPED - PLANNED),
        "Early Help and a plan": len(PLANNED),
    }
    assert not any("Early Help" in str(row[0]) for row in breakdown.performance(panels[1], None)[0].rows)


def test_what_may_be_told_of_early_help_hides_small_numbers_as_the_rest_does(panels):
    """Twelve children on no plan, of whom four were suspended: told are the children, and not how many were suspended.
    Of two, nothing is told."""
    told, none, two = (shared.shared(p) for p in panels)
    assert told.early_help.figures["children"] == len(HELPED - PLANNED)
    assert isinstance(told.early_help.figures["absence"], float)
    assert {told.early_help.figures[key] for key in ("suspended", "excluded", "moved")} == {HIDDEN}
    assert {told.early_help.figures[key] for key in ("cp", "cin", "joined")} == {shared.NOT_ASKED}
    for held in (none, two):
        assert set(held.early_help.figures.values()) == {HIDDEN, shared.NOT_ASKED}
    (grid,) = [g for g in dashboard_tables.shared_tables(told) if g.name == "Plan"]
    assert grid.rows[-1][0] == "Early Help, no plan" and len(grid.rows) == 4


def test_a_child_of_early_help_alone_is_under_a_clock_of_its_own():
    opened = authority.opened()
    try:
        rows = {row["child_id"]: row for row in retention.clock_days(opened).to_pylist()}
    finally:
        opened.database.close()
    row = rows[authority.child_id(authority.HELPED_ONLY[0])]
    assert (row["helped"], row["known"], row["help_ended"], row["closed_on"]) == (True, False, None, None)


def test_the_list_sorts_by_its_headings_and_filters(facts, person, browse):
    browser = browse(person("early_help_manager"))

    def listed(query: str) -> list[int]:
        return [
            int(n) for n in re.findall(r">Tok(\d{3})surname", browser.get(f"/early-help/?{query}").content.decode())
        ]

    assert listed("sort-list=-1") == sorted(HELPED, reverse=True)
    rates = listed("sort-list=7")
    assert set(rates) == HELPED and rates != sorted(HELPED)
    school = authority.SCHOOLS[1]
    assert listed(f"school={school}") == sorted(n for n in HELPED if authority.school_of(n) == 1)
    assert listed("school=nowhere") == sorted(HELPED), "a value nobody has is left out"

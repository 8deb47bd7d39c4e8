"""Who counts: what other settings would change is what a build under them makes, and setting them leaves a trace."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from html import unescape

import pytest
import web_authority as authority

from sightline import operations
from sightline.cohort import assemble_counted_periods
from sightline.operations import Home, Scope
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

pytest_plugins = ["web_fixtures"]

EVERYONE = Scope.everyone()
ENDED = {n for n in range(authority.CHILDREN) if authority.status_of(n) == "ended"}


def test_a_shorter_look_back_takes_away_those_whose_plan_ended_before_it(authority_opened):
    """Plans of the invented authority ended up to a year and a bit ago: within six years all, within one some."""
    found = operations.consequences(authority_opened, EVERYONE, Settings(look_back_years=1))
    assert {(m["now"], m["then"]) for m in found.moves} == {("Ever 6", "not counted")}
    gone = {c["child_id"] for c in found.children}
    assert gone and gone < {authority.child_id(n) for n in ENDED}
    counts = {c["status"]: (c["now"], c["then"]) for c in found.counts}
    assert counts["Ever 6"] == (len(ENDED), len(ENDED) - len(gone))
    assert counts["in the cohort"][0] - counts["in the cohort"][1] == len(gone)
    assert found.changes == ({"setting": "look_back_years", "now": "6", "then": "1"},)


def test_it_is_what_a_build_under_the_settings_makes(authority_opened):
    wanted = Settings(look_back_years=1, ever_6_oldest_age=10)
    found = operations.consequences(authority_opened, EVERYONE, wanted)
    built = authority.opened()
    built.database.add("counted_period", assemble_counted_periods(built.database, wanted))
    rows = operations.cohort_on(built, EVERYONE, authority.AS_AT)
    statuses = rows["status"].to_pylist()
    assert {c["status"]: c["then"] for c in found.counts if c["status"] != "in the cohort"} == {
        c["status"]: statuses.count(c["status"]) for c in found.counts if c["status"] != "in the cohort"
    }
    built.database.close()


def test_settings_in_force_change_nothing_and_a_scope_holds(authority_opened):
    assert operations.consequences(authority_opened, EVERYONE, Settings()).children == ()
    mine = Scope.of([authority.child_id(n) for n in sorted(ENDED)[-2:]])
    found = operations.consequences(authority_opened, mine, Settings(look_back_years=1))
    assert {c["child_id"] for c in found.children} <= mine.child_ids


@pytest.mark.parametrize("told", [{"look_back_years": 0}, {"precedence": ("CP plan",)}, {"accuracy_bar_percent": 5}])
def test_what_is_no_setting_of_the_cohort_is_refused(told):
    with pytest.raises(BadSetting):
        operations.wanted_settings(Settings(), told)


def test_setting_is_recorded_and_holds_when_the_home_is_opened_again(tmp_path):
    home = Home.open(tmp_path / "home")
    (home.path / "sightline.toml").write_text("accuracy_bar_percent = 90\n")
    home = Home.open(home.path)
    wanted = dataclasses.replace(home.settings, look_back_years=3)
    at = datetime(2026, 11, 26, tzinfo=UTC)
    with pytest.raises(BadSetting, match="Say why"):
        operations.set_scope(home, wanted, by="T", at=at, reason=" ")
    with pytest.raises(BadSetting, match="Nothing would change"):
        operations.set_scope(home, home.settings, by="T", at=at, reason="x")
    operations.set_scope(home, wanted, by="T", at=at, reason="As our board decided")
    again = Home.open(home.path).settings
    assert (again.look_back_years, again.accuracy_bar_percent) == (3, 90)
    assert "From 6 to 3. As our board decided" in (home.path / "decisions.jsonl").read_text()


def test_the_page_shows_what_would_change_and_sets_nothing(facts, person, browse):
    browser = browse(person("data_officer"))
    plain = unescape(browser.get("/who-counts/").content.decode())
    assert "What would change" in plain and "do not compare" in plain
    text = unescape(browser.get("/who-counts/?look_back_years=1").content.decode())
    assert "Ever 6</th>" in text and "--look-back-years '1' --set" in text
    assert "should be a whole number" in browser.get("/who-counts/?look_back_years=x").content.decode()
    assert "it should be 1 to 25" in browser.get("/who-counts/?look_back_years=99").content.decode()
    assert browser.post("/who-counts/").status_code == 405

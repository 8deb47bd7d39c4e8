"""Where the children of an invented authority live: the figures against each child's address, looked up by hand."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import call

from sightline import operations
from sightline.operations import Home, Opened, Scope
from sightline.operations.counts import dashboard as counted
from sightline.operations.counts import packs
from sightline.operations.counts.shared import shared
from sightline.synthetic.localities import NAMES, locality_model
from sightline.vocabulary.packs import audience

MODEL = {r["area"]: r["locality"] for r in locality_model().tables["locality_area"].to_pylist()}


@pytest.fixture(scope="module")
def opened(home: Path) -> Opened:
    return operations.opened(Home.open(home))


def lived(opened: Opened, on: date) -> dict[str, str]:
    """The locality of each child's address on a day: of a street before its sector, and of that before its district."""
    found = {}
    for child, postcode, start, end in opened.database.rows(
        "SELECT child_id, postcode, start_date, end_date FROM home_address a JOIN link l ON l.system = a.system "
        "AND l.ref = a.child_ref ORDER BY start_date NULLS FIRST"
    ):
        if (start is None or start <= on) and (end is None or end >= on):
            areas = (postcode, postcode[:-2], postcode[:-4])
            found[child] = next((MODEL[a] for a in areas if a in MODEL), counted.OUT_OF_LOCALITIES)
    return found


def test_each_child_is_counted_where_its_address_of_the_day_lies(opened: Opened):
    """Somebody moved to another locality between the two days, and is counted in each. Of a few the case system has no
    address, and a roll has one."""
    changed = 0
    for on in (opened.as_at, opened.as_at - timedelta(days=900)):
        homes, now = lived(opened, on), lived(opened, opened.as_at)
        rows = counted.panel(opened, Scope.everyone(), on).rows.select(["child_id", "locality"]).to_pylist()
        placed = [r for r in rows if r["child_id"] in homes]
        assert len(placed) > len(rows) / 2
        assert [r["locality"] for r in placed] == [homes[r["child_id"]] for r in placed]
        changed += sum(homes[r["child_id"]] != now[r["child_id"]] for r in placed)
    assert changed


def test_the_command_counts_by_locality_and_the_breakdown_has_it(home: Path, opened: Opened):
    said = call("dashboard", "--by", "locality", "--json", "--home", home).json()
    table = said["tables"][-1]
    assert table["title"] == "By locality of the home"
    panel = counted.panel(opened, Scope.everyone(), opened.as_at)
    wanted = Counter(panel.says("locality", v) for v in counted.on_plan(panel.rows)["locality"].to_pylist())
    assert {row[0]: row[1] for row in table["rows"] if row[1]} == wanted and set(wanted) & set(NAMES)
    geography = next(
        t for t in call("breakdown", "--json", "--home", home).json()["tables"] if t["name"] == "Geography"
    )
    assert geography["title"] == "Where the children live, by locality"
    assert {row[0] for row in geography["rows"]} & set(NAMES)


def test_without_a_model_the_command_says_what_to_send(home: Path, opened: Opened, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sightline.operations.counts.dashboard.lacking", lambda _: {"locality": counted.NO_MODEL})
    for words in (("--by", "locality"), ("--only", f"locality={NAMES[0]}"), ("--to-share", "--by", "locality")):
        said = call("dashboard", *words, "--home", home)
        assert said.code != 0 and "Send a list of your localities" in " ".join(said.err.split())
    assert "locality" not in shared(counted.panel(opened, Scope.everyone(), opened.as_at)).tables


def test_who_is_placed_nowhere_is_told_from_nobody_of_whom_no_home_is_known(opened: Opened):
    """The rows of a child whose address is confidential are those of one of whom no home is known."""
    panel = counted.panel(opened, Scope.everyone(), opened.as_at)
    child = next(r["child_id"] for r in panel.rows.to_pylist() if r["locality"] is not None)
    hidden = counted.panel(opened, Scope(True, frozenset(), None, frozenset({child})), opened.as_at)
    assert [r for r in hidden.rows.to_pylist() if r["child_id"] != child] == [
        r for r in panel.rows.to_pylist() if r["child_id"] != child
    ]
    (row,) = (r for r in hidden.rows.to_pylist() if r["child_id"] == child)
    assert row["locality"] is None and hidden.says("locality", None) == "Locality not known or not shown"


def test_a_pack_shows_where_children_live_and_without_a_model_where_they_are_at_school(opened: Opened):
    told = packs.told_of(opened, Scope.everyone(), packs.pack_period(opened))
    tables = {d: rows for d, rows in told.now.tables.items() if d != "locality"}
    bare = replace(told, now=replace(told.now, tables=tables, lacking={"locality": counted.NO_MODEL}))
    for held, shown in ((told, "By locality of the home"), (bare, "By town of the school")):
        titles = [grid.title for grid in packs.pack(opened, audience("trusts"), held).tables]
        assert titles[1:] == ["By phase", shown, "By school type"]

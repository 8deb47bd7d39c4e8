"""Figures that disagree on an invented authority: returns, lists and told numbers against the dashboard."""

from __future__ import annotations

import csv
import itertools
from datetime import timedelta
from pathlib import Path

import pytest
import xlsxwriter
from conftest import call

from sightline import operations
from sightline.operations import Home, Scope, Side
from sightline.vocabulary.errors import BadSetting, UnreadableFile

EVERYONE = Scope.everyone()


@pytest.fixture(scope="module")
def opened(home: Path) -> operations.Opened:
    return operations.opened(Home.open(home))


def compared(opened: operations.Opened, first: Side, second: Side, scope: Scope = EVERYONE) -> operations.Difference:
    told = operations.compare(opened, scope, first, second)
    assert sum(c["net"] for c in told.causes) == told.second - told.first
    return told


def test_every_return_is_compared_and_every_gap_is_explained_in_full(opened: operations.Opened):
    rows = operations.compare_returns(opened, EVERYONE)
    assert {r["system"] for r in rows} == {"cin-census", "school-census"}
    assert {r["what"] for r in rows} == {"cin-plan", "cp-plan", "on-plan", "known", "on-roll", "ehc-plan"}
    assert any(r["difference"] for r in rows), "there is a gap to explain"
    for row in rows:
        assert row["difference"] == row["dashboard"] - row["returned"]
        explained = sum(int(part.split()[0].replace(",", "")) for part in row["causes"].split("; ") if part)
        assert explained == row["difference"], row


def test_the_dashboard_s_own_count_is_that_of_the_cohort(opened: operations.Opened):
    on = opened.as_at
    summary = operations.cohort_summary(opened, EVERYONE, on, on - timedelta(weeks=4))
    told = compared(opened, Side("dashboard", "on-plan"), Side("dashboard", "cohort"))
    assert (told.first, told.second) == (summary.on_plan[1], summary.cohort[1])
    assert [c["group"] for c in told.causes] == ["Definition"]
    earlier = compared(opened, Side("dashboard", "on-plan", on - timedelta(weeks=4)), Side("dashboard", "on-plan", on))
    assert sum(c["second"] for c in earlier.causes) == summary.joiners
    assert sum(c["first"] for c in earlier.causes) == summary.leavers


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_printout_is_held_against_the_dashboard_child_by_child(opened: operations.Opened, tmp_path: Path, kind: str):
    """A list of the case system's ids: three children of the dashboard are left out, one stranger and one twice."""
    refs = [
        ref
        for (ref,) in opened.database.rows(
            "SELECT min(l.ref) FROM counted_period c JOIN link l USING (child_id) WHERE l.system = 'ssd' "
            "AND c.status IN ('CIN plan', 'CP plan') AND c.start_date <= ? AND (c.end_date IS NULL OR c.end_date > ?) "
            "GROUP BY child_id ORDER BY child_id",
            [opened.as_at] * 2,
        )
    ]
    rows = [["Name", "Our number"], *(["Somebody", r.lower()] for r in refs[3:]), ["S", "no such"], ["S", refs[-1]]]
    path = tmp_path / f"printout.{kind}"
    if kind == "csv":
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    else:
        with xlsxwriter.Workbook(str(path)) as book:
            sheet = book.add_worksheet("x")
            for n, row in enumerate(rows):
                sheet.write_row(n, 0, row)
    told = compared(opened, Side("list", path=path), Side("dashboard"))
    assert told.first == len(rows) - 1
    by_group = {c["group"]: (c["first"], c["second"]) for c in told.causes}
    assert by_group["Listed twice"] == (1, 0) and by_group["Not linked"] == (1, 0)
    assert len(told.children) == told.second - len(refs[3:])
    assert all(row["counted_in"] == told.second_label for row in told.children)


def test_a_number_that_was_told_is_reached_step_by_step(opened: operations.Opened):
    on = opened.as_at
    ours = compared(opened, Side("dashboard"), Side("dashboard", "cohort")).second
    told = compared(opened, Side("dashboard", "on-plan"), Side("number", "cohort", on, number=ours + 2))
    assert [c["net"] for c in told.causes if c["group"] == "No reason found"] == [2]
    assert told.nearest[0]["number"] == ours
    turned = compared(opened, Side("number", "cohort", on, number=ours + 2), Side("dashboard", "on-plan"))
    assert [c["net"] for c in turned.causes] == [-c["net"] for c in told.causes]
    assert (turned.first, turned.second) == (told.second, told.first)


def test_only_children_in_scope_are_counted(opened: operations.Opened):
    rows = operations.cohort_on(opened, EVERYONE, opened.as_at).to_pylist()
    mine = [r["child_id"] for r in rows if r["status"] in ("CIN plan", "CP plan")][:2]
    told = compared(opened, Side("dashboard"), Side("dashboard", "cohort"), Scope.of(mine))
    assert (told.first, told.second) == (2, 2)


@pytest.mark.parametrize(
    "text",
    ["nothing", "dashboard:everybody", "dashboard:on-plan@soon", "return:ssd", "return:cin-census:on-roll",
     "return:cin-census:cin-plan@1999-03-31", "number:many", "list:nowhere.csv"],
)  # fmt: skip
def test_a_figure_there_is_not_is_refused_with_what_would_be_right(home: Path, text: str):
    said = call("figures", text, "dashboard", "--home", home)
    assert said.code == 5 and said.err.strip()


def test_two_told_numbers_and_a_list_of_nobody_are_refused(opened: operations.Opened, tmp_path: Path):
    with pytest.raises(BadSetting):
        operations.compare(opened, EVERYONE, Side("number", number=1), Side("number", number=2))
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(UnreadableFile, match="No column"):
        operations.compare(opened, EVERYONE, Side("list", path=path), Side("dashboard"))


def test_the_command_lists_the_children_and_records_that_it_did(home: Path, opened: operations.Opened):
    rows = call(
        "figures", "dashboard:on-plan", "dashboard:cohort", "--children", "--format", "json", "--home", home
    ).json()
    told = compared(opened, Side("dashboard"), Side("dashboard", "cohort"))
    assert rows == list(itertools.chain(told.children))
    assert "two figures differ" in (home / "console-access.jsonl").read_text()
    said = call("figures", "dashboard:on-plan", "dashboard:cohort", "--home", home)
    assert "difference, of which" in said.out

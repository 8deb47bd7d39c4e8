"""A transfer file for the next school: what is held of a child, and the plan that runs, each kind apart."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from conftest import Said
from lxml import etree

from sightline.operations import Home, Scope, opened, transfer_file
from sightline.sources import recognise
from sightline.sources.base import Context
from sightline.sources.ctf_writing import EXTENSION
from sightline.vocabulary.errors import NotAllowed, SightlineError


def on_plan(home: Path, status: str) -> list[tuple[str, date]]:
    """Children on roll on the first day of a plan of theirs, and that day; the latest first."""
    return opened(Home.open(home)).database.rows(
        "SELECT s.child_id, max(s.start_date) FROM status_period s JOIN enrolment_period e ON e.child_id = s.child_id "
        "AND e.start_date <= s.start_date AND coalesce(e.end_date, DATE '9999-12-31') > s.start_date "
        "JOIN link l ON l.child_id = s.child_id AND l.system = 'school-census' "
        "WHERE s.status = ? GROUP BY 1 ORDER BY 2 DESC, 1",
        [status],
    )


def plans_in(path: Path) -> list[tuple[str | None, str | None, str | None]]:
    return [(p.get("kind"), p.get("start"), p.get("end")) for p in etree.parse(str(path)).iter(f"{{{EXTENSION}}}Plan")]


@pytest.mark.parametrize(("status", "kind"), [("CIN plan", "CIN"), ("CP plan", "CP")])
def test_each_kind_of_plan_is_told_apart(
    home: Path, tmp_path: Path, sightline: Callable[..., Said], status: str, kind: str
):
    child, day = on_plan(home, status)[0]
    out = tmp_path / "next.xml"
    said = sightline("transfer", "--child", child, "--out", out, "--on", day, "--home", home, "--json").json()
    assert (said["pupils"], said["cin_plans"], said["cp_plans"]) == (1, kind == "CIN", kind == "CP")
    # Still open as far as the next school is told, whatever became of it since.
    assert plans_in(out) == [(kind, day.isoformat(), None)]
    reading = recognise(out).read(out, Context())
    assert reading.kind == "ctf"
    person = opened(Home.open(home)).database.rows(
        "SELECT surname, forename, birth_date FROM person WHERE child_id = ?", [child]
    )
    assert [(p["surname"], p["forename"], p["birth_date"]) for p in reading.tables["pupil"].to_pylist()] == person
    # The school is named as transfer files name schools.
    assert {len(row["school_ref"]) for row in reading.tables["enrolment"].to_pylist()} == {7}
    assert [f for f in reading.findings if f.severity == "error" and f.table != "identifier"] == []


def test_a_plan_that_is_over_or_unwanted_is_not_told(home: Path, tmp_path: Path):
    door = opened(Home.open(home))
    child, ended = door.database.rows(
        "SELECT child_id, max(end_date) FROM status_period WHERE status = 'CIN plan' GROUP BY child_id "
        "HAVING bool_and(end_date IS NOT NULL) ORDER BY 1 LIMIT 1"
    )[0]
    over = transfer_file(door, Scope.everyone(), [child], tmp_path / "over.xml", on=door.as_at)
    assert over.cin_plans == 0 and plans_in(over.path) == []
    before = date.fromordinal(ended.toordinal() - 1)
    assert transfer_file(door, Scope.everyone(), [child], tmp_path / "then.xml", on=before).cin_plans == 1
    silent = transfer_file(door, Scope.everyone(), [child], tmp_path / "silent.xml", on=before, plans=False)
    assert plans_in(silent.path) == []
    assert EXTENSION.encode() not in silent.path.read_bytes()


def test_only_children_in_scope(home: Path, tmp_path: Path):
    door = opened(Home.open(home))
    (one, _), (other, _) = on_plan(home, "CIN plan")[:2]
    with pytest.raises(NotAllowed):
        transfer_file(door, Scope.of([one]), [one, other], tmp_path / "x.xml", on=door.as_at)
    with pytest.raises(SightlineError, match="at least one"):
        transfer_file(door, Scope.everyone(), [], tmp_path / "x.xml", on=door.as_at)
    assert not (tmp_path / "x.xml").exists()

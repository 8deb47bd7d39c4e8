"""Before and after a load: a preview that changes nothing, a load of what was shown, and going back without loss."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from conftest import tree

from sightline import operations
from sightline.operations import Home, Scope
from sightline.vocabulary.errors import BadSetting, SightlineError

NOW = datetime(2026, 11, 26, 9, tzinfo=UTC)


@pytest.fixture
def place(home: Path, tmp_path: Path) -> Home:
    """A copy of the home that a test may change. Files of the store are never changed, so links will do."""
    shutil.copytree(home, tmp_path / "home", copy_function=lambda a, b: Path(b).hardlink_to(a))
    (tmp_path / "home" / "store" / "lock").unlink(missing_ok=True)
    return Home.open(tmp_path / "home")


@pytest.fixture
def half(invented: Path, tmp_path: Path) -> Path:
    """The plans of the case system, with half of the rows lost."""
    sent = invented / "social_care" / "ssd" / "ssd_cin_plans.csv"
    lines = sent.read_text("utf-8").splitlines(keepends=True)
    path = tmp_path / "ssd_cin_plans.csv"
    path.write_text("".join(lines[: 1 + len(lines) // 2]), "utf-8", newline="")
    return path


def cohort_of(place: Home) -> set[str]:
    opened = operations.opened(place)
    return set(operations.cohort_on(opened, Scope.everyone(), opened.as_at)["child_id"].to_pylist())


def test_a_preview_says_what_the_load_then_does_and_changes_nothing(place: Home, half: Path, tmp_path: Path):
    before, held = tree(place.path), cohort_of(place)
    told = operations.preview(place, [half], place.path / "aside", by="T")
    assert tree(place.path) == before and not (place.path / "aside").exists()
    figures = {row["name"]: row for row in told.figures}
    (file,) = told.receipt.files
    assert file.changed["cin_plan"]["gone"] > 0 and file.changed["cin_plan"]["new"] == 0
    opened = operations.opened(place)
    assert figures["Exceptions open"]["before"] == opened.database.one(
        "SELECT count(*) FROM exception WHERE closed IS NULL"
    )
    operations.load(place, [half], by="T", parent=told.parent)
    after = operations.opened(place)
    assert figures["Exceptions open"]["after"] == after.database.one(
        "SELECT count(*) FROM exception WHERE closed IS NULL"
    )
    opens = after.database.one("SELECT count(*) FROM exception WHERE opened_snapshot = ?", [after.id])
    assert figures["Exceptions that would open"]["after"] == opens > 0
    rows = operations.cohort_on(after, Scope.everyone(), after.as_at).to_pylist()
    on_plan = {r["child_id"] for r in rows if r["status"] in ("CIN plan", "CP plan")}
    assert figures["Children on a plan"]["after"] == len(on_plan)
    assert held != cohort_of(place)
    assert any("would leave" in said for said in told.warnings), told.figures


def test_files_that_are_held_would_change_nothing(place: Home, invented: Path):
    told = operations.preview(place, [invented / "social_care"], place.path / "aside", by="T")
    assert not told.receipt.new and told.warnings == ()
    assert {row["before"] for row in told.figures if "would" not in row["name"]} != {None}
    assert all(row["before"] == row["after"] for row in told.figures if row["before"] is not None)


def test_the_first_load_of_all_can_be_previewed(tmp_path: Path, half: Path):
    place = Home.open(tmp_path / "new")
    told = operations.preview(place, [half], place.path / "aside", by="T")
    assert (told.parent, place.store.current_id()) == ("", None)
    assert all(row["before"] is None for row in told.figures)


def test_what_was_checked_is_not_loaded_on_other_ground(place: Home, half: Path):
    before = place.store.current_id()
    with pytest.raises(SightlineError, match="Check them again"):
        operations.load(place, [half], by="T", parent="another")
    assert place.store.current_id() == before


def test_a_load_is_undone_and_done_again_and_nothing_is_lost(place: Home, half: Path):
    first, held = place.store.current_id(), cohort_of(place)
    operations.receive(place, [half], by="T")
    loaded, after = place.store.current_id(), cohort_of(place)
    files = tree(place.path)
    made = operations.undo(place, by="T", at=NOW, reason="Half a file")
    assert made.parent == loaded and made.deliveries == place.store.snapshot(first).deliveries
    assert cohort_of(place) == held
    assert files.items() <= tree(place.path).items() and place.store.verify() == []
    assert (
        '"undone"' in (place.path / "decisions.jsonl").read_text()
        and "Half a file" in (place.path / "decisions.jsonl").read_text()
    )
    operations.undo(place, by="T", at=NOW, reason="It was whole")
    assert cohort_of(place) == after
    operations.undo(place, by="T", at=NOW, reason="No", to=first)
    assert cohort_of(place) == held


@pytest.mark.parametrize(
    ("reason", "to", "error"), [(" ", None, BadSetting), ("Why", None, SightlineError), ("Why", "999", SightlineError),
                                ("Why", "1", SightlineError), ("x" * 1_001, None, BadSetting)],
)  # fmt: skip
def test_what_cannot_be_undone_is_refused_and_leaves_no_trace(place: Home, reason: str, to: str | None, error: type):
    before = tree(place.path)
    with pytest.raises(error):
        operations.undo(place, by="T", at=NOW, reason=reason, to=to)
    assert tree(place.path) == before and not (place.path / "decisions.jsonl").exists()

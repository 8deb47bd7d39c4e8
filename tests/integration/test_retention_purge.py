"""A child's records are removed from everything a home holds, and everybody else keeps every answer."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from conftest import call

from sightline import operations
from sightline.operations import Home, Scope
from sightline.operations.keeping.purge import _NAMED_IN, prove, purge
from sightline.operations.keeping.removals import BACK, LEFT, PURGED, Removals
from sightline.operations.keeping.retention import clocks_on, due, run_clocks
from sightline.operations.pairs.searching import Words

NOW = datetime(2026, 11, 26, 2, 0, tzinfo=UTC)
LATER = date(2040, 1, 1)
TABLES = ("person", "status_period", "counted_period", "allocation", "enrolment_period", "register_week", "exclusion",
          "exception")  # fmt: skip


@pytest.fixture(scope="module")
def purged(home: Path, invented: Path, tmp_path_factory: pytest.TempPathFactory):
    """A copy of the home; the child with the most kinds of record and one of the youth justice service's list, what they
    are called, and the answers of the others, before; then the purge."""
    folder = tmp_path_factory.mktemp("purge") / "home"
    shutil.copytree(home, folder)
    place = Home.open(folder)
    decide_about_everybody(place)
    opened = operations.opened(place)
    child = opened.database.one(
        "SELECT child_id FROM person SEMI JOIN status_period USING (child_id) SEMI JOIN exclusion USING (child_id) "
        "SEMI JOIN exception USING (child_id) JOIN register_week USING (child_id) "
        "WHERE upn IS NOT NULL GROUP BY child_id ORDER BY count(*) DESC, child_id LIMIT 1"
    )
    known = opened.database.one(
        "SELECT min(child_id) FROM youth_justice y JOIN link l ON l.system = y.system AND l.ref = y.child_ref"
    )
    children = sorted({child, known})
    assert len(children) == 2
    words = called(opened, children)
    before = answers(opened, children)
    found = {f.form for f in prove(place, words).found}
    done = purge(place, children, by="test", now=NOW, why="test")
    return place, children, words, before, found, done


def decide_about_everybody(place: Home) -> None:
    opened = operations.opened(place)
    ids = [e for (e,) in opened.database.rows("SELECT exception_id FROM exception")]
    operations.decide(place, opened, Scope.everyone(), ids, "acknowledged", by="test", at=NOW)


def called(opened: operations.Opened, children: list[str]) -> Words:
    """The children's references and numbers, by a way of its own: straight from the tables as received."""
    words = set()
    for system, ref in opened.database.rows(
        "SELECT system, ref FROM link WHERE list_contains(?, child_id)", [children]
    ):
        words.add(ref)
        values = opened.database.rows("SELECT value FROM identifier WHERE system = ? AND ref = ?", [system, ref])
        words |= {value for (value,) in values}
    shared = "SELECT count(DISTINCT child_id) FROM identifier JOIN link USING (system, ref) WHERE value = ? OR ref = ?"
    return Words(w for w in words if opened.database.one(shared, [w, w]) == 1)


def answers(opened: operations.Opened, children: list[str]) -> dict[str, list[str]]:
    """Every row of every table about anybody else, and the cohort with its rates."""
    held = {}
    for table in TABLES:
        rows = opened.database.query(
            f"SELECT * FROM {table} WHERE child_id IS NULL OR NOT list_contains(?, child_id)", [children]
        )
        told = [c for c in rows.column_names if "snapshot" not in c]
        held[table] = sorted(map(repr, rows.select(told).to_pylist()))
    rows = opened.database.rows(
        "SELECT y.* FROM youth_justice y JOIN link l ON l.system = y.system AND l.ref = y.child_ref "
        "WHERE NOT list_contains(?, l.child_id)", [children],
    )  # fmt: skip
    held["youth_justice"] = sorted(repr(row[:12]) for row in rows)
    everybody = operations.cohort_on(opened, Scope.everyone(), opened.as_at).to_pylist()
    held["cohort"] = [repr(row) for row in everybody if row["child_id"] not in children]
    return held


def test_the_search_finds_the_child_beforehand(purged):
    _, _, words, _, found, _ = purged
    assert len(words) >= 3
    assert {"unpacked", "as a table"} <= found


def test_nothing_of_the_child_is_left(purged):
    place, children, words, before, _, done = purged
    assert done.rows > 10 and done.files > 3 and done.dropped == 0
    assert done.proof is not None and done.proof.found == () and done.proof.words >= len(words)
    search = prove(place, words)
    assert search.found == () and search.files > 20
    assert prove(place, Words(children)).found == ()
    left = operations.opened(place).database.one("SELECT count(*) FROM youth_justice")
    assert left == len(before["youth_justice"]), "the list keeps the rows of the others alone"


def test_everybody_else_keeps_every_answer(purged):
    place, children, _, before, _, done = purged
    opened = operations.opened(place)
    assert opened.id == done.snapshot
    after = answers(opened, children)
    for table, rows in before.items():
        assert after[table] == rows, table
        assert rows


def test_the_store_is_whole_and_holds_one_snapshot(purged):
    place, _, _, _, _, done = purged
    assert place.store.verify() == []
    assert place.store.snapshot_ids() == [done.snapshot]
    named = {d.sha256 for d in place.store.every_delivery()}
    assert {p.stem for p in (place.store.root / "bytes").rglob("*.zst")} == named


def test_the_removal_is_on_record_without_a_name(purged):
    place, children, _, _, _, _ = purged
    record = Removals(place)
    assert [(r.event, r.child) for r in record.read()] == [(PURGED, record.mark(c)) for c in children]
    redacted = [d for d in place.store.every_delivery() if d.redacted]
    assert redacted and all(d.redacted["children"] == 2 for d in redacted)


def test_the_files_received_again_bring_nobody_back(purged, invented, tmp_path):
    place, _, words, _, _, _ = purged
    copy = tmp_path / "home"
    shutil.copytree(place.path, copy)
    said = call("receive", invented, "--home", copy, "--json")
    assert said.code == 0, said.err
    told = said.json()
    # The home's own file of decisions is another one now; every file that was sent is held as it is.
    assert {f["kind"] for f in told["files"] if f["status"] != "held"} <= {"sightline-decisions"}
    cut = [f for f in told["files"] if "were removed from it since" in f["says"]]
    assert len(cut) == sum(1 for d in place.store.every_delivery() if d.redacted and d.kind != "sightline-decisions")
    assert prove(Home.open(copy), words).found == ()


def test_archived_bytes_make_the_tables_again(purged, tmp_path):
    """What is archived of a file that was cut is the file's own tables: read by itself it gives them all again."""
    import pyarrow.parquet as pq

    place, _, _, _, _, _ = purged
    delivery = max((d for d in place.store.every_delivery() if d.redacted), key=lambda d: len(d.tables))
    archive = tmp_path / "cut.zip"
    with place.store.received_bytes(delivery) as stream:
        archive.write_bytes(stream.read())
    other = Home.open(tmp_path / "other")
    receipt = operations.receive(other, [archive], by="test")
    got = {name: n for f in receipt.files for name, n in f.rows.items()}
    assert got == {name: pq.read_metadata(place.store.path_of(t)).num_rows for name, t in delivery.tables.items()}


def test_decisions_about_the_child_are_gone_and_the_others_stay(purged, home):
    place, _, _, before, _, _ = purged
    lines = [json.loads(x) for x in (place.path / "decisions.jsonl").read_text().splitlines()]
    kept = {e.split("'exception_id': '")[1].split("'")[0] for e in before["exception"]}
    assert {line["subject"] for line in lines} == kept


def test_the_columns_that_hold_names_are_there():
    from sightline.vocabulary.tables import TABLES as VOCABULARY

    for table, key, texts, _ in _NAMED_IN:
        assert {key, *texts} <= {c.name for c in VOCABULARY[table]}, table


def test_each_night_is_recorded_once(home, tmp_path):
    folder = tmp_path / "home"
    shutil.copytree(home, folder)
    place = Home.open(folder)
    opened = operations.opened(place)
    first = run_clocks(place, opened, on=opened.as_at, at=NOW, by="test")
    assert first.left == first.states["counted only"] + first.states["out of views"] > 0
    again = run_clocks(place, opened, on=opened.as_at, at=NOW, by="test")
    assert (again.left, again.back) == (0, 0)
    (folder / "retention.toml").write_text(operations.keeping.lawful.EXAMPLE.replace("2026-09-01", "2020-01-01"))
    back = run_clocks(place, opened, on=opened.as_at, at=NOW, by="test")
    assert back.back == first.states["counted only"] > 0
    events = [r.event for r in Removals(place).read()]
    assert (events.count(LEFT), events.count(BACK)) == (first.left, back.back)


def test_what_is_due_waits_for_the_days_and_a_hold_stops_it(home, tmp_path):
    folder = tmp_path / "home"
    shutil.copytree(home, folder)
    place = Home.open(folder)
    opened = operations.opened(place)
    rows = clocks_on(place, opened, LATER)
    closed = next(r for r in rows if r.ever_6_until is None and r.closed_on is not None and r.due is not None)
    assert (closed.due - closed.closed_on).days == 28 + 365
    assert closed in due(rows, LATER) and closed not in due(rows, closed.closed_on)
    hold = (
        f'[[hold]]\nchild_id = "{closed.child_id}"\nreason = "A complaint"\nrecorded_by = "Test"\nuntil = 2050-01-01\n'
    )
    (folder / "retention.toml").write_text(hold)
    held = {r.child_id for r in due(clocks_on(place, opened, LATER), LATER)}
    assert held == {r.child_id for r in due(rows, LATER)} - {closed.child_id}


def test_the_commands_say_before_they_do(home, tmp_path):
    folder = tmp_path / "home"
    shutil.copytree(home, folder)
    listed = call("retention", "--home", folder, "--json")
    assert listed.code == 0 and listed.json()["due"] > 0
    dry = call("retention", "purge", "--home", folder)
    assert dry.code == 0 and "Nothing was removed" in dry.out
    assert not (folder / "removals.jsonl").exists()
    assert call("retention", "run", "--dry-run", "--home", folder).code == 0
    assert not (folder / "removals.jsonl").exists()
    words = tmp_path / "words.txt"
    opened = operations.opened(Home.open(folder))
    words.write_text(opened.database.one("SELECT upn FROM person WHERE upn IS NOT NULL ORDER BY upn LIMIT 1"))
    assert call("retention", "prove", words, "--home", folder).code == 1
    words.write_text("NobodyIsCalledThis")
    assert call("retention", "prove", words, "--home", folder).code == 0

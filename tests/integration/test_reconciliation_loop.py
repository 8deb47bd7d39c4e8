"""The exceptions loop on an invented authority: scored, sent, answered, corrected, and the same for every keeper."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter
from conftest import call, once

from sightline import operations, synthetic
from sightline.engine import Database
from sightline.operations import ANSWERS, Home, Scope
from sightline.operations.faults.batches import COLUMNS
from sightline.reconciliation.score import score
from sightline.sources.decisions import lines
from sightline.sources.workbook import sheets_of
from sightline.vocabulary.errors import BadSetting, NotAllowed, SightlineError, UnreadableFile

PUPILS, SEED, YEARS = 2_000, 7, 2
# Measured: 126 of 127 faults found and 129 of 130 exceptions with a planted cause. The one missed is a malformed pupil
# number in marks, which were linked to nobody; the one alarm is of twins the invention gave one name.
LEAST_RECALL = LEAST_PRECISION = 0.99
EVERYONE = Scope.everyone()


@pytest.fixture(scope="module")
def authority(shared: Path) -> Path:
    """The files and the home of an invented authority. Not to be changed."""
    folder = shared / "reconciled"
    with once(folder) as first:
        if first:
            synthetic.synthesise(PUPILS, SEED, folder / "files", years=YEARS)
            operations.receive(Home.open(folder / "home"), [folder / "files"], by="a test")
    return folder


@pytest.fixture
def place(authority: Path, tmp_path: Path) -> Home:
    """A copy of the home that a test may change. Files of the store are never changed, so links will do."""
    shutil.copytree(authority / "home", tmp_path / "home", copy_function=lambda a, b: Path(b).hardlink_to(a))
    (tmp_path / "home" / "store" / "lock").unlink(missing_ok=True)
    return Home.open(tmp_path / "home")


@pytest.fixture
def now() -> datetime:
    return datetime.now(UTC) + timedelta(minutes=1)


def truth(path: Path) -> pa.Table:
    with path.open(encoding="utf-8") as file:
        header, *rows = list(csv.reader(file))
    return pa.table({n: pa.array([r[at] for r in rows], pa.string()) for at, n in enumerate(header)})


def listed(home: Home, on: datetime, **filters: Any) -> dict[str, dict[str, Any]]:
    rows = operations.exceptions(home, operations.opened(home), EVERYONE, on=on.date(), **filters).to_pylist()
    return {r["exception_id"]: r for r in rows}


def send(home: Home, owner: str, out: Path, at: datetime, **more: Any) -> operations.Batch:
    return operations.send_batch(home, operations.opened(home), EVERYONE, owner=owner, out=out, by="T", at=at, **more)


def answered(path: Path, answers: dict[str, tuple[str, str]]) -> None:
    """Fill in a batch as its owner would; by exception, the answer and the reason."""
    rows = list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for row in rows:
            row["answer"], row["reason"] = answers.get(row["exception"], ("", ""))
            writer.writerow(row)


def take(home: Home, path: Path, at: datetime) -> dict[str, operations.Answer]:
    given = operations.receive_answers(home, operations.opened(home), EVERYONE, path, by="Owner", at=at)
    return {a.exception_id: a for a in given}


# The score


def test_planted_faults_are_found_and_little_else(authority: Path):
    opened = operations.opened(Home.open(authority / "home"))
    files = {name: truth(authority / "files" / "truth" / f"{name}.csv") for name in ("faults", "refs")}
    got = score(opened.database, **files)
    assert got.recall >= LEAST_RECALL, got.missed.to_pylist()
    assert got.precision >= LEAST_PRECISION, got.alarms.select(["rule", "what", "system"]).to_pylist()
    # Enough was planted, of enough kinds, for the figures to mean something.
    assert sum(got.kinds["findable"].to_pylist()) > 100
    assert sum(n > 0 for n in got.kinds["findable"].to_pylist()) >= 18


def test_the_score_is_printed_by_a_command_and_falls_short_with_a_code(authority: Path):
    told = ("exceptions", "score", authority / "files" / "truth", "--home", authority / "home")
    said = call(*told)
    assert said.code == 0 and "of the planted faults that a file tells of" in said.out
    assert call(*told, "--json").json()["recall"] >= LEAST_RECALL
    assert call(*told, "--least", 100).code == 2
    assert call("exceptions", "score", authority / "files", "--home", authority / "home").code == 5


def test_a_score_knows_what_it_has_missed_and_raised_for_nothing():
    tables = {
        "link": pa.table({"system": ["ssd", "sc"], "ref": ["1", "2"], "child_id": ["A", "A"]}),
        "exception": pa.table({"exception_id": ["x"], "rule": ["sex"], "child_id": ["A"], "urn": [None], "what": ["sex"],
                               "system": ["ssd"], "left_system": ["ssd"], "right_system": ["sc"],
                               "closed": pa.array([None], pa.date32())}),
    }  # fmt: skip
    fault = {"kind": "stale-worker", "file": "", "system": "ssd", "ref": "1", "table": "involvement", "field": "",
             "planted": "", "true": "", "child": "C1"}  # fmt: skip
    with Database.of(tables) as database:
        got = score(
            database,
            faults=pa.Table.from_pylist([fault]),
            refs=pa.table({"child": ["C1", "C1"], "system": ["ssd", "sc"], "ref": ["1", "2"]}),
        )
    assert (got.recall, got.precision) == (0, 0)
    assert got.missed["kind"].to_pylist() == ["stale-worker"]
    assert got.alarms["rule"].to_pylist() == ["sex"]


# The loop


def test_sent_answered_and_kept_in_the_next_snapshot(place: Home, tmp_path: Path, now: datetime):
    out = tmp_path / "care.csv"
    batch = send(place, "care-data", out, now)
    assert batch.withheld == 0
    before = listed(place, now, owner="care-data")
    assert {r["state"] for r in before.values()} == {"sent"} and set(before) == set(batch.exception_ids)
    first, second, third, fourth, fifth = batch.exception_ids[:5]
    answered(
        out,
        {
            first: ("Corrected", ""),
            second: ("explained", "Twins"),
            third: ("explained", ""),
            fourth: ("not ours", "Ask the school"),
            fifth: ("perhaps", ""),
        },
    )
    later = now + timedelta(hours=1)
    got = take(place, out, later)
    assert {i: a.taken for i, a in got.items()} == {first: True, second: True, third: False, fourth: True, fifth: False}
    assert got[third].says == "Please give a reason." and "one of: corrected" in got[fifth].says
    want = {first: "acknowledged", second: "explained", third: "sent", fourth: "new", fifth: "sent"}
    rows = listed(place, now)
    assert {i: rows[i]["state"] for i in want} == want
    assert (rows[second]["reason"], rows[second]["decided_by"]) == ("Twins", "Owner")
    # The next snapshot holds the decisions as a source like any other, and says the same.
    snapshot = operations.rebuild(place, by="a test")
    held = operations.opened(place).database
    assert held.rows("SELECT kind, count(*) FROM decision JOIN delivery USING (delivery) GROUP BY ALL") == [
        ("sightline-decisions", len(batch.exception_ids) + 3)
    ]
    states = dict(held.rows("SELECT exception_id, state FROM exception"))
    assert {i: states[i] for i in want} == want
    assert listed(place, now).keys() == rows.keys()
    assert operations.rebuild(place, by="a test").deliveries == snapshot.deliveries
    events = operations.exception_history(place, operations.opened(place), EVERYONE, second).to_pylist()
    assert [e["event"] for e in events] == ["new", "sent", "explained"]
    assert [e["by"] for e in events] == [None, "T", "Owner"]


def test_a_corrected_file_closes_what_it_corrects(place: Home, authority: Path, tmp_path: Path, now: datetime):
    exception = next(r for r in listed(place, now, rule="surname").values())
    sent = authority / "files" / "social_care" / "ssd" / "ssd_person.csv"
    corrected = tmp_path / "ssd_person.csv"
    held = sent.read_text("utf-8").splitlines(keepends=True)
    at = exception["left_line"] - 1
    assert exception["left_value"] in held[at]
    held[at] = held[at].replace(exception["left_value"], exception["right_value"])
    corrected.write_text("".join(held), "utf-8", newline="")
    operations.receive(place, [corrected], by="a test")
    assert exception["exception_id"] not in listed(place, now)
    closed = listed(place, now, state="corrected at source")[exception["exception_id"]]
    assert (closed["times"], closed["closed_snapshot"]) == (1, operations.opened(place).id)
    # The old bytes again: it is back, as the same exception.
    operations.receive(place, [sent], by="a test", again=True)
    back = listed(place, now)[exception["exception_id"]]
    assert (back["state"], back["times"], back["closed"]) == ("new", 2, None)


def test_another_keeper_sends_a_file_of_decisions(place: Home, tmp_path: Path, now: datetime):
    first, second = list(listed(place, now))[:2]
    operations.decide(place, operations.opened(place), EVERYONE, [first], "acknowledged", by="T", at=now)
    told = {"about": "exception", "subject": second, "decision": "acknowledged", "by": "W", "at": now.isoformat()}
    path = tmp_path / "web.jsonl"
    path.write_bytes(lines([told], kept_by="web"))
    receipt = operations.receive(place, [path], by="a test")
    assert [(f.kind, f.status) for f in receipt.files] == [("sightline-decisions", "received")] * 2
    rows = listed(place, now)
    assert [(rows[i]["state"], rows[i]["decided_by"]) for i in (first, second)] == [
        ("acknowledged", "T"),
        ("acknowledged", "W"),
    ]


def test_an_overdue_exception_is_shown_as_that_until_it_is_explained(place: Home, now: datetime):
    first = next(iter(listed(place, now)))
    due = listed(place, now)[first]["due_date"]
    late = datetime(due.year, due.month, due.day, tzinfo=UTC) + timedelta(days=1)
    assert listed(place, late, state="overdue")[first]["state"] == "overdue"
    (taken,) = operations.decide(
        place, operations.opened(place), EVERYONE, [first], "explained", by="T", at=now, reason="So it is"
    )
    assert taken.taken and listed(place, late)[first]["state"] == "explained"


# Batches


def test_a_workbook_says_how_to_answer_and_can_be_answered(place: Home, tmp_path: Path, now: datetime):
    out = tmp_path / "care.xlsx"
    batch = send(place, "care-data", out, now)
    sheets = dict(sheets_of(out))
    header, *rows = sheets["Exceptions"]
    assert tuple(header) == COLUMNS and len(rows) == len(batch.exception_ids)
    assert [row[0] for row in sheets["How to answer"][1:]] == list(ANSWERS)
    back = tmp_path / "back.xlsx"
    with xlsxwriter.Workbook(str(back)) as book:
        sheet = book.add_worksheet("Somebody's sheet")
        sheet.write_string(0, 0, "For your return")
        for n, row in enumerate([header, *rows], 2):
            for m, cell in enumerate(row):
                sheet.write_string(n, m, "will correct" if n == 3 and header[m] == "answer" else cell)
    got = take(place, back, now + timedelta(hours=1))
    assert [(a.line, a.taken) for a in got.values()] == [(4, True)]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_no_cell_is_run_as_a_formula(place: Home, tmp_path: Path, now: datetime, suffix: str):
    row = dict.fromkeys(COLUMNS, "=1+1")
    path = tmp_path / f"x.{suffix}"
    operations.faults.batches._write_workbook(
        [row], path
    ) if suffix == "xlsx" else operations.faults.batches._write_csv([row], path)
    if suffix == "csv":
        assert set(next(csv.reader(path.read_text("utf-8-sig").splitlines()[1:]))) == {"'=1+1"}
    else:
        import zipfile

        assert b"<f>" not in zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml")


def test_what_was_sent_is_sent_again_only_when_asked_for(place: Home, tmp_path: Path, now: datetime):
    first = send(place, "care-data", tmp_path / "a.csv", now)
    with pytest.raises(SightlineError, match="nothing to send"):
        send(place, "care-data", tmp_path / "b.csv", now)
    assert not (tmp_path / "b.csv").exists()
    again = send(place, "care-data", tmp_path / "b.csv", now + timedelta(hours=1), again=True)
    assert again.exception_ids == first.exception_ids and again.id != first.id


def test_an_answer_counts_only_in_its_own_batch(place: Home, tmp_path: Path, now: datetime):
    """The row of another owner's exception, put into a batch by hand, changes nothing."""
    out = tmp_path / "care.csv"
    send(place, "care-data", out, now)
    stranger = next(i for i, r in listed(place, now).items() if r["owner"] != "care-data")
    rows = list(csv.reader(io.StringIO(out.read_text("utf-8-sig"))))
    forged = dict(zip(COLUMNS, rows[1], strict=True)) | {"exception": stranger, "answer": "explained", "reason": "no"}
    with out.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, forged.values()])
    assert take(place, out, now)[stranger].says == "This exception was not sent in that batch."
    assert listed(place, now)[stranger]["state"] == "new"


@pytest.mark.parametrize(("owner", "name"), [("school", "x.csv"), ("nobody", "x.csv"), ("care-data", "x.txt")])
def test_a_batch_that_cannot_be_is_refused(place: Home, tmp_path: Path, now: datetime, owner: str, name: str):
    with pytest.raises(BadSetting):
        send(place, owner, tmp_path / name, now)


def test_a_file_that_is_no_batch_is_refused(place: Home, tmp_path: Path, now: datetime):
    path = tmp_path / "x.csv"
    path.write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableFile, match="not an answered batch"):
        take(place, path, now)


def test_an_owner_sees_no_class_of_fact_that_is_not_theirs(place: Home, now: datetime):
    """No rule hands a school's, pupil data's or inclusion's row a value that a care system holds."""
    for row in listed(place, now).values():
        assert operations.faults.batches._may_see(row["owner"], row), row["rule"]
    care = {"rule": "surname", "left_system": "ssd", "right_system": "school-census"}
    assert not operations.faults.batches._may_see("school 900001", care)
    assert not operations.faults.batches._may_see("pupil-data", {**care, "rule": "plan-one-side"})
    assert operations.faults.batches._may_see("care-data", care)


# Scope and refusals


def test_a_scope_holds(place: Home, now: datetime):
    opened = operations.opened(place)
    rows = listed(place, now)
    mine = next(r for r in rows.values() if r["child_id"])
    other = next(r for r in rows.values() if r["child_id"] not in (mine["child_id"], None))
    scope = Scope.of([mine["child_id"]])
    seen = operations.exceptions(place, opened, scope, on=now.date())
    assert set(seen["child_id"].to_pylist()) == {mine["child_id"]}
    assert operations.exceptions(place, opened, Scope.of([]), on=now.date()).num_rows == 0
    with pytest.raises(NotAllowed):
        operations.decide(
            place, opened, scope, [mine["exception_id"], other["exception_id"]], "acknowledged", by="T", at=now
        )
    with pytest.raises(NotAllowed):
        operations.exception_history(place, opened, scope, other["exception_id"])
    assert listed(place, now)[mine["exception_id"]]["state"] == "new"


@pytest.mark.parametrize(
    ("decision", "reason", "by"), [("forgotten", "", "T"), ("explained", " ", "T"), ("acknowledged", "", ""),
                                   ("explained", "x" * 1001, "T")],
)  # fmt: skip
def test_a_decision_that_cannot_be_is_refused(place: Home, now: datetime, decision: str, reason: str, by: str):
    first = next(iter(listed(place, now)))
    with pytest.raises(BadSetting):
        operations.decide(place, operations.opened(place), EVERYONE, [first], decision, by=by, at=now, reason=reason)
    assert not (place.path / "decisions.jsonl").exists()


@pytest.mark.parametrize("filters", [{"rule": "none"}, {"owner": "none"}, {"owner": "care-data x"}, {"state": "none"},
                                     {"system": "none"}])  # fmt: skip
def test_a_filter_there_is_not_is_refused(place: Home, now: datetime, filters: dict[str, str]):
    with pytest.raises(BadSetting):
        listed(place, now, **filters)


def test_filters_narrow(place: Home, now: datetime):
    every = listed(place, now)
    for name in ("owner", "rule", "system"):
        value = next(iter(every.values()))[name]
        assert set(listed(place, now, **{name: value})) == {i for i, r in every.items() if r[name] == value}
    assert set(listed(place, now, cohort_only=True)) == {i for i, r in every.items() if r["in_cohort"]}
    schools = listed(place, now, owner="school")
    assert schools and all(r["owner"].startswith("school ") for r in schools.values())


def test_a_school_below_the_bar_is_told_of_no_child(place: Home, now: datetime, monkeypatch, tmp_path: Path):
    """Of one school's exceptions, those about the school itself are sent and those about a child are not."""
    about = next(r for r in listed(place, now).values() if r["child_id"])
    owner = next(r["owner"] for r in listed(place, now, owner="school").values())
    ref = owner.removeprefix("school ")
    closed = operations.Gate("school", ref, "Zwelm School", 10, 5, 0, 95.0, (("No UPN", 5),))
    monkeypatch.setattr(operations.faults.batches, "match_gates", lambda _: (closed,))
    assert operations.faults.batches._sees_no_child(operations.opened(place), owner)
    assert not operations.faults.batches._sees_no_child(operations.opened(place), "care-data")
    monkeypatch.setattr(
        operations.faults.batches, "exceptions", lambda *_, **__: pa.Table.from_pylist([about | {"owner": owner}])
    )
    out = tmp_path / "b.csv"
    with pytest.raises(SightlineError, match="below 95%, so it may be told of no child"):
        operations.send_batch(
            place, operations.opened(place), Scope.everyone(), owner=owner, out=out, by="x", at=now, again=True
        )
    assert not out.exists()


# The command line


@pytest.fixture
def at_home(place: Home) -> Iterator[tuple[Any, ...]]:
    yield "--home", place.path


def test_the_commands(at_home: tuple[Any, ...], tmp_path: Path):
    rows = call("exceptions", "--json", *at_home).json()
    assert len(rows) > 100
    assert "care-data" in call("exceptions", *at_home).out
    rules = call("exceptions", "--rules", "--json", *at_home).json()
    assert sum(r["found"] or 0 for r in rules) == len(rows)
    out = tmp_path / "b.csv"
    sent = call("exceptions", "send", "--owner", "care-data", "--out", out, "--json", *at_home).json()
    assert sent["exceptions"] == sum(r["owner"] == "care-data" for r in rows)
    one = next(r["exception_id"] for r in rows if r["owner"] == "care-data")
    answered(out, {one: ("explained", "Both are right")})
    assert call("exceptions", "answer", out, *at_home).out.startswith("1 of 1 answers taken.")
    history = call("exceptions", "--history", one, "--json", *at_home).json()
    assert [e["event"] for e in history] == ["new", "sent", "explained"]
    assert call("exceptions", "decide", "withdrawn", one, "--reason", "No", *at_home).code == 0
    said = call("exceptions", "decide", "withdrawn", one, "--reason", "No", *at_home)
    assert "cannot be withdrawn" in said.out
    table = call("accuracy", "--json", *at_home).json()
    assert {r["system"] for r in table} >= {"ssd", "cin-census", "school-census"}
    assert all(r["below"] == (r["percent"] < r["bar"]) for r in table)
    log = (at_home[1] / "console-access.jsonl").read_text()
    assert "Exceptions" in log and "Batch" in log


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("exceptions", "--rules", "--owner", "care-data"), 5),
        (("exceptions", "--owner", "care-data", "send", "--owner", "care-data", "--out", "x.csv"), 5),
        (("exceptions", "--history", "none"), 6),
        (("exceptions", "decide", "sent", "x"), 5),
        (("exceptions", "decide", "acknowledged", "x"), 6),
        (("exceptions", "answer", "nowhere.csv"), 1),
    ],
)
def test_what_cannot_be_asked_is_refused(authority: Path, words: tuple[str, ...], code: int):
    assert call(*words, "--home", authority / "home").code == code

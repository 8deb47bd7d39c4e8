"""Batches of exceptions to their owners and back: a workbook or CSV with only what that owner may see."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import xlsxwriter

from sightline.engine import harmless
from sightline.operations.faults.exceptions import Taken, classes_of, decide, exceptions, file_names, sent_in
from sightline.operations.home import Home
from sightline.operations.opened import Opened, Scope
from sightline.operations.pairs.linking import SCHOOL, match_gates
from sightline.reconciliation import owner_named
from sightline.sources.delimited import read_delimited
from sightline.sources.workbook import sheets_of
from sightline.vocabulary.errors import BadSetting, NotAllowed, SightlineError, UnreadableFile

COLUMNS: Final = (
    "batch", "exception", "due", "first name", "surname", "date of birth", "upn", "school", "what parts", "rule",
    "one source", "it says", "where", "other source", "that says", "where in that", "days late", "answer", "reason",
)  # fmt: skip
# What an owner may answer: the decision it becomes, and whether a reason must be given.
ANSWERS: Final[Mapping[str, tuple[str, bool, str]]] = {
    "corrected": ("acknowledged", False, "It is put right in our system. It closes when our next file agrees."),
    "will correct": ("acknowledged", False, "We have seen it and will put it right."),
    "explained": ("explained", True, "Both are right, for this reason."),
    "not ours": ("returned", True, "It is not ours to put right, for this reason."),
}
SUFFIXES: Final = (".xlsx", ".csv")
_HEAD: Final = 20  # rows of a workbook within which its header must stand
_MOST_ROWS: Final = 100_000


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch as sent: its id, the file, its exceptions, and how many were kept back because their owner may not see
    what they show."""

    id: str
    path: Path | None
    exception_ids: tuple[str, ...]
    child_ids: tuple[str, ...]
    withheld: int


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of an answered batch: its line in the file, and what came of it."""

    line: int
    exception_id: str
    answer: str
    taken: bool
    says: str


def send_batch(
    home: Home,
    opened: Opened,
    scope: Scope,
    *,
    owner: str,
    out: Path | None,
    by: str,
    at: datetime,
    again: bool = False,
) -> Batch:
    """Write the exceptions nobody has been asked about (`again`: all that wait) for one owner, and mark them as sent.

    `out` ends in .xlsx or .csv; None: only marked, to be written by `write_batch` as often as it is wanted. Text that a
    spreadsheet would run is made harmless. A school whose match rate is below the bar is told of no child. Raises
    BadSetting for another owner, every school at once or another ending; SightlineError when there is nothing to send.
    """
    if out is not None and out.suffix.lower() not in SUFFIXES:
        raise BadSetting("A batch is a file that ends in .xlsx or .csv.")
    if owner == "school":
        raise BadSetting("A batch goes to one school: name it, as in --owner 'school 900001'.")
    rows = unsent(exceptions(home, opened, scope, on=at.date(), owner=owner).to_pylist(), again=again)
    rows = [r for r in rows if r["owner"] == owner]
    closed = _sees_no_child(opened, owner)
    shown = [r for r in rows if _may_see(owner, r) and not (closed and r["child_id"])]
    if rows and closed and not shown:
        bar = opened.settings.match_rate_bar_percent
        raise SightlineError(f"The match rate of {owner} is below {bar:g}%, so it may be told of no child yet.")
    if not shown:
        raise SightlineError(f"There is nothing to send to {owner_named(owner).name} ({owner}).")
    batch = f"{at:%Y%m%d}-{hashlib.sha256(f'{owner} {at.isoformat()}'.encode()).hexdigest()[:6]}"
    ids = tuple(r["exception_id"] for r in shown)
    if out is None:
        decide(home, opened, scope, ids, "sent", by=by, at=at, batch=batch)
    else:
        aside = out.with_name(f".{out.name}.new")
        try:
            _write(home, batch, shown, aside, out.suffix.lower())
            # Recorded before the file appears: nobody is asked without a trace.
            decide(home, opened, scope, ids, "sent", by=by, at=at, batch=batch)
            aside.replace(out)
        finally:
            aside.unlink(missing_ok=True)
    children = tuple(dict.fromkeys(r["child_id"] for r in shown if r["child_id"]))
    return Batch(batch, out, ids, children, len(rows) - len(shown))


def _sees_no_child(opened: Opened, owner: str) -> bool:
    """Whether the owner is a school whose match rate is below the bar."""
    kind, _, ref = owner.partition(" ")
    return kind == SCHOOL and any(
        gate.kind == SCHOOL and gate.ref == ref and not gate.is_open for gate in match_gates(opened)
    )


def unsent(rows: list[dict[str, Any]], *, again: bool = False) -> list[dict[str, Any]]:
    """Of the rows of `exceptions`, those nobody has been asked about (`again`: all that wait)."""
    waiting = ("new", "sent", "acknowledged") if again else ("new",)
    return [r for r in rows if r["stage"] in waiting]


def batch_rows(home: Home, opened: Opened, scope: Scope, batch: str, *, on: date) -> list[dict[str, Any]]:
    """One row of `exceptions` per exception that was sent in a batch, as it stands now: what its owner may see alone.

    Raises NotAllowed where there is no such batch, or nothing of it is in scope.
    """
    rows = exceptions(home, opened, scope, on=on, every=True, only=sent_in(home, opened, batch)).to_pylist()
    shown = [r for r in rows if _may_see(r["owner"], r)]
    if not shown:
        raise NotAllowed("There is no such batch that you may see.")
    return shown


def write_batch(home: Home, batch: str, rows: list[dict[str, Any]], out: Path) -> None:
    """Write rows of `batch_rows` to a file that ends in .xlsx or .csv, with room for the answers."""
    if out.suffix.lower() not in SUFFIXES:
        raise BadSetting("A batch is a file that ends in .xlsx or .csv.")
    _write(home, batch, rows, out, out.suffix.lower())


def _write(home: Home, batch: str, rows: list[dict[str, Any]], out: Path, suffix: str) -> None:
    files = file_names(home, [r[f"{side}_delivery"] for r in rows for side in ("left", "right")])
    told = [_row(batch, r, files) for r in rows]
    (_write_workbook if suffix == ".xlsx" else _write_csv)(told, out)


def receive_answers(home: Home, opened: Opened, scope: Scope, path: Path, *, by: str, at: datetime) -> list[Answer]:
    """Take back a batch whose column `answer` was filled in; one row per answer, with what came of it.

    An answer counts only for an exception that was sent in the batch its row names. `by` is who answers. Raises
    UnreadableFile when the file is not such a batch.
    """
    answers: list[Answer] = []
    sent: dict[str, frozenset[str]] = {}
    for line, cells in _answered(path):
        exception_id, answer = cells["exception"], " ".join(cells["answer"].lower().split())
        reason, batch = cells["reason"].strip(), cells["batch"]
        if batch not in sent:
            sent[batch] = sent_in(home, opened, batch)
        if answer not in ANSWERS:
            result = Taken(exception_id, False, f"The answer should be one of: {', '.join(ANSWERS)}.")
        elif exception_id not in sent[batch]:
            result = Taken(exception_id, False, "This exception was not sent in that batch.")
        elif ANSWERS[answer][1] and not reason:
            result = Taken(exception_id, False, "Please give a reason.")
        else:
            words = reason or ("It is corrected." if answer == "corrected" else "")
            result = _decided(home, opened, scope, exception_id, ANSWERS[answer][0], by, at, words, batch)
        answers.append(Answer(line, exception_id, answer, result.taken, result.says))
    return answers


def _decided(
    home: Home, opened: Opened, scope: Scope, exception_id: str, decision: str, by: str, at: datetime, reason: str,
    batch: str,
) -> Taken:  # fmt: skip
    try:
        return decide(home, opened, scope, [exception_id], decision, by=by, at=at, reason=reason, batch=batch)[0]
    except SightlineError as error:
        return Taken(exception_id, False, str(error))


def _may_see(owner: str, row: Mapping[str, Any]) -> bool:
    """Whether everything the row would show is of a class its owner may see."""
    return not classes_of(row) - owner_named(owner).sees


def _row(batch: str, row: Mapping[str, Any], files: Mapping[str, str]) -> dict[str, Any]:
    def place(side: str) -> str:
        file = files.get(row[f"{side}_delivery"] or "", "")
        return f"{file}, line {row[f'{side}_line']}" if file and row[f"{side}_line"] else file

    cells = (
        batch, row["exception_id"], row["due_date"], row["forename"], row["surname"], row["birth_date"], row["upn"],
        row["urn"], row["what"], row["says"], row["left_system"], row["left_value"] or "nothing", place("left"),
        row["right_system"], row["right_value"] or "nothing", place("right"), row["days"], "", "",
    )  # fmt: skip
    return dict(zip(COLUMNS, cells, strict=True))


def _write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow(harmless(v.isoformat() if isinstance(v, date) else v) for v in row.values())
    path.write_text(text.getvalue(), encoding="utf-8-sig", newline="")


def _write_workbook(rows: list[dict[str, Any]], path: Path) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(path), options | {"default_date_format": "d mmm yyyy"}) as book:
        sheet = book.add_worksheet("Exceptions")
        sheet.write_row(0, 0, COLUMNS, book.add_format({"bold": True}))
        for n, row in enumerate(rows, 1):
            for m, value in enumerate(row.values()):
                if isinstance(value, str):
                    sheet.write_string(n, m, value)
                elif value is not None:
                    sheet.write(n, m, value)
        sheet.freeze_panes(1, 2)
        sheet.autofit()
        place = COLUMNS.index("answer")
        sheet.data_validation(1, place, len(rows), place, {"validate": "list", "source": list(ANSWERS)})
        notes = book.add_worksheet("How to answer")
        notes.write_row(0, 0, ("answer", "means", "reason"), book.add_format({"bold": True}))
        for n, (answer, (_, needs, says)) in enumerate(ANSWERS.items(), 1):
            notes.write_row(n, 0, (answer, says, "please give one" if needs else "as you like"))
        notes.autofit()


def _answered(path: Path) -> list[tuple[int, dict[str, str]]]:
    """Each row with an answer: its line, and its cells by name."""
    if not path.is_file():
        raise SightlineError(f"There is no file at {path}.")
    with path.open("rb") as file:
        workbook = file.read(2) == b"PK"
    table: list[tuple[int, list[str]]]
    if workbook:
        sheets = (rows for _, rows in sheets_of(path))
        table = next(([*enumerate(rows, 1)] for rows in sheets if _header(rows[:_HEAD]) is not None), [])
    else:
        held = read_delimited(path, [])
        names = [n for n in held.column_names if n != "line"]
        table = [(1, names), *((r["line"], [r[n] or "" for n in names]) for r in held.to_pylist())]
    at = _header([cells for _, cells in table[:_HEAD]])
    if at is None or len(table) > _MOST_ROWS:
        raise UnreadableFile(f"{path.name} is not an answered batch: it should have columns {', '.join(_NEEDED)}.")
    places = {cell.strip().lower(): n for n, cell in enumerate(table[at][1])}
    rows = []
    for line, cells in table[at + 1 :]:
        told = {n: cells[places[n]].strip().lstrip("'") if places[n] < len(cells) else "" for n in _NEEDED}
        if told["answer"]:
            rows.append((line, told))
    return rows


_NEEDED: Final = ("batch", "exception", "answer", "reason")


def _header(rows: list[list[str]]) -> int | None:
    for n, row in enumerate(rows):
        if set(_NEEDED) <= {cell.strip().lower() for cell in row}:
            return n
    return None

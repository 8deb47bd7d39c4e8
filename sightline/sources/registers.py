"""Session marks, one row each and in any order, into one row per pupil, school and week; and out again.

A stream of rows is packed in one pass whose memory grows with the pupil-weeks and not with the rows: the text of
dates, sessions and marks is understood once per distinct value, and fourteen conditional maxima make the week.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from sightline.engine import Database, arrow_schema
from sightline.sources.conform import conform
from sightline.sources.delimited import MOST_FINDINGS_OF_ONE_KIND, Noted
from sightline.vocabulary.attendance import NO_MARK, mark_codes, pack, unpack
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.findings import Finding, Severity

FIRST_DAY, LAST_DAY = date(2010, 1, 1), date(2099, 12, 31)
_SLOTS = 14
_EPOCH = date(1970, 1, 1)
_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ]00:00(?::00(?:\.0+)?)?Z?)?")
_BRITISH = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?: 00:00(?::00)?)?")
_SESSIONS = {
    **dict.fromkeys(("am", "a", "1", "m", "morning", "am session", "session 1", "am1"), 0),
    **dict.fromkeys(("pm", "p", "2", "afternoon", "pm session", "session 2", "pm2"), 1),
}

# One row per session mark as received; every column is text but `line`.
SESSION = pa.schema(
    [
        ("pupil_ref", pa.string()),
        ("school_ref", pa.string()),
        ("date", pa.string()),
        ("session", pa.string()),
        ("mark", pa.string()),
        ("line", pa.int32()),
    ]
)
# One row per pupil, school and week with its marks as one string of ten or fourteen.
WEEK = pa.schema(
    [
        ("pupil_ref", pa.string()),
        ("school_ref", pa.string()),
        ("week", pa.string()),
        ("marks", pa.string()),
        ("line", pa.int32()),
    ]
)
# A mark understood: its slot in the week, and its line and packed character in one number, so that the greatest is
# the last row's.
_PLACED = pa.schema(
    [
        ("pupil_ref", pa.string()),
        ("school_ref", pa.string()),
        ("week", pa.date32()),
        ("slot", pa.int8()),
        ("value", pa.int64()),
    ]
)

Chunks = Callable[[], Iterable[pa.Table]]


def session_of(text: str) -> int | None:
    """0 for a morning and 1 for an afternoon, however the sender writes it; None for anything else."""
    return _SESSIONS.get(" ".join(text.split()).lower())


@cache
def packed_letters() -> frozenset[str]:
    """Every character that packs an attendance code."""
    return frozenset(mark_codes()["packed"].to_pylist())


def days_of(texts: Iterable[str]) -> dict[str, date | None]:
    """The day each text means (year first or day first, never month first); None where it means none."""
    found: dict[str, date | None] = {}
    others: list[str] = []
    for text in texts:
        trimmed = text.strip()
        try:
            if match := _ISO.fullmatch(trimmed):
                found[text] = date(int(match[1]), int(match[2]), int(match[3]))
            elif match := _BRITISH.fullmatch(trimmed):
                found[text] = date(int(match[3]), int(match[2]), int(match[1]))
            elif trimmed:
                others.append(text)
            else:
                found[text] = None
        except ValueError:
            found[text] = None
    if others:
        asked = pa.table({"pupil_ref": others, "week": others, "line": pa.arange(0, len(others)).cast(pa.int32())})
        days = conform(asked, "attendance_week", findings=[])
        found |= dict(zip(days["pupil_ref"].to_pylist(), days["week"].to_pylist(), strict=True))
        found |= {text: found.get(text.strip()) for text in others}
    return found


@contextmanager
def _bench(large: bool) -> Iterator[Database]:
    """A database for one file's marks; a large file's may use 2 GB and then the disk."""
    if not large:
        with Database() as database:
            yield database
        return
    with TemporaryDirectory() as temp, Database(temp=Path(temp), memory_limit="2GB") as database:
        yield database


def pack_sessions(chunks: Chunks, findings: list[Finding], *, large: bool = False) -> pa.Table:
    """One row per pupil, school and week of a stream of session marks (`SESSION`), as `attendance_week`.

    `chunks` gives the stream from its start each time it is called; `large` bounds the memory used. Where one
    session has two marks the later row wins. Blank marks say nothing and make no row. `line` is the first row's of the
    week. Appends to `findings`: `missing-value`, `not-a-date`, `mark-out-of-range`, `not-a-session`, `unknown-mark`,
    `mark-not-of-its-day` (row or mark left out), `two-marks` and `repeated-mark`.
    """
    noted = Noted(findings)
    with _bench(large) as database:
        slots = ", ".join(f"max(CASE WHEN slot = {n} THEN value END) AS s{n}" for n in range(_SLOTS))
        _collect(
            database,
            f"CREATE TABLE packed AS SELECT pupil_ref, school_ref, week, count(*) AS given, "
            f"min(value) // 256 AS line, {slots} FROM placed GROUP BY pupil_ref, school_ref, week",
            "placed",
            _PLACED,
            (_placed(chunk, noted) for chunk in chunks()),
        )
        filled = " + ".join(f"(s{n} IS NOT NULL)::INT" for n in range(_SLOTS))
        database.execute(f"CREATE TABLE twice AS SELECT pupil_ref, school_ref, week FROM packed WHERE given > {filled}")
        if database.one("SELECT count(*) FROM twice"):
            _collect(
                database,
                "CREATE TABLE doubles AS SELECT p.pupil_ref, p.week, slot, count(DISTINCT value % 256) AS different, "
                "max(value) // 256 AS line FROM placed AS p SEMI JOIN twice AS t ON t.pupil_ref = p.pupil_ref "
                "AND t.week = p.week AND t.school_ref IS NOT DISTINCT FROM p.school_ref "
                "GROUP BY p.pupil_ref, p.school_ref, p.week, slot HAVING count(*) > 1",
                "placed",
                _PLACED,
                (_placed(chunk, Noted([])) for chunk in chunks()),
            )
            _two_marks(database, noted)
        letters = [f"coalesce(chr((s{n} % 256)::INT), '{NO_MARK}')" for n in range(_SLOTS)]
        weekend = " OR ".join(f"s{n} IS NOT NULL" for n in range(10, _SLOTS))
        database.execute(
            f"CREATE TABLE weeks AS SELECT pupil_ref, school_ref, week, line::INT AS line, "
            f"{' || '.join(letters[:10])} || CASE WHEN {weekend} THEN {' || '.join(letters[10:])} ELSE '' END AS marks "
            "FROM packed"
        )
        noted.close()
        return counted(database, "weeks")


def pack_weeks(chunks: Chunks, findings: list[Finding], *, large: bool = False) -> pa.Table:
    """One row per pupil, school and week of a stream of weeks (`WEEK`), as `attendance_week`.

    A mark is one character: our packed alphabet first, then the codes of one character in either case. Any day of the
    week names it. Where one week comes twice the later row wins. Appends to `findings`: `missing-value`,
    `not-a-date`, `mark-out-of-range`, `marks-length`, `unknown-mark`, `mark-not-of-its-day`, `two-marks`,
    `repeated-mark`.
    """
    noted = Noted(findings)
    schema = arrow_schema("attendance_week")
    kept = pa.schema([schema.field(name) for name in ("pupil_ref", "school_ref", "week", "marks", "line")])
    with _bench(large) as database:
        _collect(
            database,
            "CREATE TABLE weeks AS SELECT pupil_ref, school_ref, week, arg_max(marks, line) AS marks, "
            "max(line) AS line, count(*) AS given, count(DISTINCT marks) AS different "
            "FROM given GROUP BY pupil_ref, school_ref, week",
            "given",
            kept,
            (_weeks(chunk, noted) for chunk in chunks()),
        )
        doubles = database.rows(
            "SELECT pupil_ref, max(line), bool_or(different > 1) FROM weeks WHERE given > 1 GROUP BY pupil_ref, week"
        )
        for record, line, differ in doubles:
            noted.add(_twice(differ, record, line, "week"))
        _unused_letters(database, noted)
        noted.close()
        return counted(database, "weeks")


def counted(database: Database, weeks: str) -> pa.Table:
    """One row per row of the table `weeks` (pupil_ref, school_ref, week, marks, line), as `attendance_week`.

    Adds what the marks count as, each code by its class on the day of its slot. Rows come in order of pupil, week and
    school. The slow twin is `vocabulary.attendance.counts`.
    """
    database.add("mark_codes", mark_codes())
    database.execute(
        "CREATE OR REPLACE TEMP TABLE patterns AS "
        "WITH distinct_weeks AS (SELECT DISTINCT marks, week FROM " + weeks + "), "
        "slots AS (SELECT marks, week, unnest(range(length(marks)))::INT AS slot FROM distinct_weeks), "
        "marked AS (SELECT marks, week, week + slot // 2 AS day, substr(marks, slot + 1, 1) AS packed FROM slots) "
        "SELECT marks, week, "
        "count(*) FILTER (c.possible) AS possible, "
        "count(*) FILTER (c.class = 'authorised') AS authorised, "
        "count(*) FILTER (c.class = 'unauthorised') AS unauthorised, "
        "count(*) FILTER (c.class = 'approved') AS approved, "
        "count(*) FILTER (c.code IN ('L', 'U')) AS late, "
        "count(*) FILTER (c.class = 'not possible') AS not_possible "
        "FROM marked JOIN mark_codes AS c ON c.packed = marked.packed "
        "AND day >= coalesce(c.valid_from, DATE '0001-01-01') AND day < coalesce(c.valid_to, DATE '9999-12-31') "
        "GROUP BY marks, week"
    )
    database.execute("SET preserve_insertion_order = true")
    return database.conformed(
        "attendance_week",
        "SELECT w.pupil_ref, w.school_ref, w.week, w.marks, w.line, "
        + ", ".join(
            f"coalesce(p.{name}, 0) AS {name}"
            for name in ("possible", "authorised", "unauthorised", "approved", "late", "not_possible")
        )
        + f" FROM {weeks} AS w LEFT JOIN patterns AS p ON p.marks = w.marks AND p.week = w.week "
        "ORDER BY w.pupil_ref, w.week, w.school_ref",
    )


def sessions_of(weeks: pa.Table) -> Iterator[pa.Table]:
    """One row per session mark of an `attendance_week` table, a hundred thousand weeks at a time.

    Columns pupil_ref, school_ref, date, session (AM or PM), mark (the code as written) and line (of the week), in the
    order of the weeks and then of the sessions.
    """
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        database.add("letters", pa.table(_letters()))
        for start in range(0, max(weeks.num_rows, 1), 100_000):
            part = weeks.slice(start, 100_000).append_column("row", pa.arange(0, min(100_000, weeks.num_rows - start)))
            database.add("part", part)
            yield database.query(
                "WITH slots AS (SELECT row, pupil_ref, school_ref, week, marks, line, "
                "unnest(range(length(marks)))::INT AS slot FROM part) "
                "SELECT pupil_ref, school_ref, week + slot // 2 AS date, "
                "CASE slot % 2 WHEN 0 THEN 'AM' ELSE 'PM' END AS session, code AS mark, line "
                "FROM slots JOIN letters ON packed = substr(marks, slot + 1, 1) ORDER BY row, slot"
            )


def span_of(weeks: pa.Table) -> tuple[str, str]:
    """The first and last day that carries a mark, as ISO text; two empty texts when there is none."""
    if not weeks.num_rows:
        return "", ""
    with Database() as database:
        database.add("weeks", weeks)
        # Only the marks of the first and last weeks matter.
        rows = database.rows(
            "SELECT DISTINCT week, marks FROM weeks "
            "WHERE week IN ((SELECT min(week) FROM weeks), (SELECT max(week) FROM weeks))"
        )
    days = [week + timedelta(days=slot // 2) for week, marks in rows for slot, mark in enumerate(marks) if mark != "."]
    return min(days).isoformat(), max(days).isoformat()


def fingerprint(weeks: pa.Table) -> str:
    """Twelve characters that differ whenever the marks do, whatever the order of the rows."""
    with Database() as database:
        database.add("weeks", weeks)
        found = database.one(
            "SELECT bit_xor(md5_number_lower(concat_ws(chr(31), pupil_ref, coalesce(school_ref, ''), week, marks))) "
            "FROM weeks"
        )
    return f"{int(found or 0):016x}"[:12]


def _letters() -> dict[str, list[str]]:
    codes = mark_codes()
    packed = dict(zip(codes["packed"].to_pylist(), codes["code"].to_pylist(), strict=True))
    return {"packed": list(packed), "code": list(packed.values())}


def _collect(database: Database, sql: str, name: str, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    """Run a statement that reads a stream of tables, visible as `name`, once from start to end."""
    failed: list[Exception] = []

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for table in tables:
                yield from table.cast(schema).to_batches()
        except Exception as error:
            # DuckDB would wrap a reader's refusal as a fault of its own.
            failed.append(error)
            raise

    database.add(name, pa.RecordBatchReader.from_batches(schema, batches()))
    try:
        database.execute(sql)
    except duckdb.Error:
        if failed:
            raise failed[0] from None
        raise


# Understanding rows, a chunk at a time and each distinct text once.


def _encoded(column: pa.ChunkedArray) -> tuple[pa.Array, list[str]]:
    """The column as places in a list of its distinct texts, and that list. A null is an empty text."""
    whole = pc.fill_null(column.combine_chunks(), "")
    if isinstance(whole, pa.ChunkedArray):  # of no rows
        whole = pa.array([], pa.string())
    encoded = whole.dictionary_encode()
    return encoded.indices.cast(pa.int64()), encoded.dictionary.to_pylist()


def _report(noted: Noted, chunk: pa.Table, mask: pa.Array, rule: str, says: str, *, field: str, right: str) -> None:
    """An error for each row of the chunk that the mask names."""
    count = pc.sum(mask).as_py() or 0

    def first() -> Iterator[Finding]:
        rows = chunk.filter(mask).slice(0, MOST_FINDINGS_OF_ONE_KIND)
        for row in rows.to_pylist():
            record = row["pupil_ref"] or ""
            value = "" if field == "pupil_ref" else str(row[field] or "")
            yield Finding(
                rule, Severity.ERROR, says, "attendance_week", record, field, value, right, int(row["line"] or 0)
            )

    noted.add_all(count, first())


def _sound(chunk: pa.Table, field: str, noted: Noted) -> tuple[pa.Table, pa.Array]:
    """The rows that name a pupil and a day in range, and that day as a number of days since 1970."""
    there = pc.fill_null(pc.not_equal(chunk["pupil_ref"], ""), False)
    says = "The row names no pupil (no UPN and no pupil id), so its mark cannot be used."
    _report(noted, chunk, pc.invert(there), "missing-value", says, field="pupil_ref", right="a UPN or a pupil id")
    chunk = chunk.filter(there)
    places, texts = _encoded(chunk[field])
    found = days_of(texts)
    numbers = pa.array([(day - _EPOCH).days if (day := found[text]) else None for text in texts], pa.int32())
    days = numbers.take(places)
    bad = days.is_null()
    says = "This is not a date, so the row cannot be used."
    _report(noted, chunk, bad, "not-a-date", says, field=field, right="a date such as 2024-09-02 or 02/09/2024")
    low, high = (FIRST_DAY - _EPOCH).days, (LAST_DAY - _EPOCH).days
    outside = pc.fill_null(pc.or_(pc.less(days, low), pc.greater(days, high)), False)
    says = "The day is outside the years Sightline holds marks for; the row was left out."
    _report(noted, chunk, outside, "mark-out-of-range", says, field=field, right="a day from 2010 to 2099")
    keep = pc.invert(pc.or_(bad, outside))
    return chunk.filter(keep), days.filter(keep)


def _monday(days: pa.Array) -> tuple[pa.Array, pa.Array]:
    """The Mondays of days (numbers since 1970-01-01, a Thursday), and each day's place in its week from 0."""
    shifted = pc.add(days, 3)
    weekday = pc.subtract(shifted, pc.multiply(pc.divide(shifted, 7), 7))
    return pc.subtract(days, weekday).cast(pa.int32()).cast(pa.date32()), weekday


def _placed(chunk: pa.Table, noted: Noted) -> pa.Table:
    """One row per mark of the chunk that says something and can be placed in a week."""
    places, texts = _encoded(chunk["mark"])
    blank = pa.array([pack(text, FIRST_DAY) == NO_MARK for text in texts], pa.bool_())
    if pc.any(blank).as_py():
        chunk = chunk.filter(pc.invert(blank.take(places)))
    chunk, days = _sound(chunk, "date", noted)
    places, texts = _encoded(chunk["session"])
    sessions = pa.array([session_of(text) for text in texts], pa.int32()).take(places)
    bad = sessions.is_null()
    says = "This is not a session, so the mark cannot be used."
    _report(noted, chunk, bad, "not-a-session", says, field="session", right="AM or PM (or 1 or 2)")
    keep = pc.invert(bad)
    chunk, days, sessions = chunk.filter(keep), days.filter(keep), sessions.filter(keep)
    places, texts = _encoded(chunk["mark"])
    # A code is judged on its day: once per pair of code and day that occurs.
    day_codes = days.dictionary_encode()
    on = [_EPOCH + timedelta(days=number) for number in day_codes.dictionary.to_pylist()]
    pairs = pc.add(pc.multiply(places, max(len(on), 1)), day_codes.indices.cast(pa.int64())).dictionary_encode()
    letters, known = [], []
    for pair in pairs.dictionary.to_pylist():
        text = texts[pair // len(on)]
        packed = pack(text, on[pair % len(on)])
        letters.append(ord(packed) if packed else None)
        known.append(text.strip().upper() in valid_codes("attendance"))
    ordinals = pa.array(letters, pa.int64()).take(pairs.indices)
    bad = ordinals.is_null()
    if pc.any(bad).as_py():
        dated = pa.array(known, pa.bool_()).take(pairs.indices)
        _report(noted, chunk, pc.and_(bad, pc.invert(dated)), "unknown-mark", _UNKNOWN, field="mark", right=_CODES)
        _report(noted, chunk, pc.and_(bad, dated), "mark-not-of-its-day", _DATED, field="mark", right=_DATED_CODES)
        keep = pc.invert(bad)
        chunk, days, sessions, ordinals = (x.filter(keep) for x in (chunk, days, sessions, ordinals))
    monday, weekday = _monday(days)
    slot = pc.add(pc.multiply(weekday, 2), sessions).cast(pa.int8())
    value = pc.add(pc.multiply(chunk["line"].cast(pa.int64()), 256), ordinals)
    return pa.table([chunk["pupil_ref"], chunk["school_ref"], monday, slot, value], schema=_PLACED)


_UNKNOWN = "This is not an attendance code; the session was left without a mark."
_CODES = "a code of the attendance regulations, such as / \\ L I or O"
_DATED = "This attendance code was not in use on that day; the session was left without a mark."
_DATED_CODES = "a code in use on that day"


def _weeks(chunk: pa.Table, noted: Noted) -> pa.Table:
    """One row per row of the chunk that has marks and can be placed in a week."""
    places, texts = _encoded(chunk["marks"])
    cleaned = [_clean(text) for text in texts]
    blank = pa.array([not marks.strip(NO_MARK) and not unknown for marks, unknown in cleaned], pa.bool_()).take(places)
    short = pa.array([len(marks) not in (10, _SLOTS) for marks, _ in cleaned], pa.bool_()).take(places)
    says = "A week has ten marks, or fourteen with its weekend; this one was left out."
    wrong = pc.and_(short, pc.invert(blank))
    _report(noted, chunk, wrong, "marks-length", says, field="marks", right="ten or fourteen characters")
    chunk = chunk.filter(pc.invert(pc.or_(blank, short)))
    chunk, days = _sound(chunk, "week", noted)
    places, texts = _encoded(chunk["marks"])
    cleaned = [_clean(text) for text in texts]
    odd = pa.array([bool(unknown) for _, unknown in cleaned], pa.bool_()).take(places)
    _report(noted, chunk, odd, "unknown-mark", _UNKNOWN, field="marks", right=_CODES)
    marks = pa.array([marks for marks, _ in cleaned], pa.string()).take(places)
    monday, _ = _monday(days)
    table = pa.table(
        {
            "pupil_ref": chunk["pupil_ref"],
            "school_ref": chunk["school_ref"],
            "week": monday,
            "marks": marks,
            "line": chunk["line"],
        }
    )
    return table.filter(pc.match_substring_regex(table["marks"], r"[^.]"))


def _clean(text: str) -> tuple[str, str]:
    """A week's marks in our alphabet, without an empty weekend; and the characters that are no mark."""
    alphabet = packed_letters()
    marks, unknown = [], []
    for character in text:
        if character in "-_ .":
            marks.append(NO_MARK)
        elif character in alphabet:
            marks.append(character)
        elif character.upper() in alphabet:
            marks.append(character.upper())
        else:
            marks.append(NO_MARK)
            unknown.append(character)
    clean = "".join(marks)
    return (clean[:10] if len(clean) == _SLOTS and not clean[10:].strip(NO_MARK) else clean), "".join(unknown)


def _two_marks(database: Database, noted: Noted) -> None:
    """Findings for the sessions in the table `doubles`: one row per session with two marks."""
    for differ in (True, False):
        count = int(database.one("SELECT count(*) FROM doubles WHERE (different > 1) = ?", [differ]))
        rows = database.rows(
            "SELECT pupil_ref, line FROM doubles WHERE (different > 1) = ? ORDER BY line LIMIT ?",
            [differ, MOST_FINDINGS_OF_ONE_KIND],
        )
        found = [_twice(differ, record, line, "session") for record, line in rows]
        noted.add_all(count, found)


def _twice(differ: bool, record: str, line: int, what: str) -> Finding:
    if differ:
        says = f"One {what} of this pupil has two different marks in this file; the later row was used."
        return Finding("two-marks", Severity.QUERY, says, "attendance_week", record, right="one mark", line=line)
    says = f"One {what} of this pupil comes twice in this file with the same mark."
    return Finding("repeated-mark", Severity.NOTE, says, "attendance_week", record, right="one row", line=line)


def _unused_letters(database: Database, noted: Noted) -> None:
    """Take out of `weeks` every mark whose code was not in use on its day, with a finding for each week."""
    database.add("mark_codes", mark_codes())
    wrong = database.rows(
        "WITH patterns AS (SELECT DISTINCT marks, week FROM weeks), "
        "slots AS (SELECT marks, week, unnest(range(length(marks)))::INT AS slot FROM patterns), "
        "marked AS (SELECT marks, week, slot, week + slot // 2 AS day, substr(marks, slot + 1, 1) AS packed "
        "FROM slots) SELECT marks, week, list(slot) FROM marked ANTI JOIN mark_codes AS c ON c.packed = marked.packed "
        "AND day >= coalesce(c.valid_from, DATE '0001-01-01') AND day < coalesce(c.valid_to, DATE '9999-12-31') "
        f"WHERE packed <> '{NO_MARK}' GROUP BY marks, week"
    )
    if not wrong:
        return
    fixes: dict[str, list[Any]] = {"marks": [], "week": [], "fixed": [], "code": []}
    for marks, week, slots in wrong:
        fixes["marks"].append(marks)
        fixes["week"].append(week)
        fixes["fixed"].append("".join(NO_MARK if slot in slots else mark for slot, mark in enumerate(marks)))
        fixes["code"].append(" ".join(sorted({unpack(marks[slot]) for slot in slots})))
    database.add("fixes", pa.table(fixes))
    rows = database.rows("SELECT pupil_ref, line, code FROM weeks JOIN fixes USING (marks, week) ORDER BY line")

    def first() -> Iterator[Finding]:
        for record, line, code in rows[:MOST_FINDINGS_OF_ONE_KIND]:
            yield Finding(
                "mark-not-of-its-day",
                Severity.ERROR,
                _DATED,
                "attendance_week",
                record,
                "marks",
                code,
                _DATED_CODES,
                line,
            )

    noted.add_all(len(rows), first())
    database.execute(
        "UPDATE weeks SET marks = fixes.fixed FROM fixes WHERE fixes.marks = weeks.marks AND fixes.week = weeks.week"
    )
    database.execute("DELETE FROM weeks WHERE replace(marks, '.', '') = ''")

"""Text as received into a typed vocabulary table, with a finding for every value that could not be read."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from sightline.engine import Database, arrow_schema
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.dates import DATE_FORMATS, NO_DATE
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.tables import TABLES, Column, Type

_FORMATS = "[" + ", ".join(f"'{f}'" for f in DATE_FORMATS) + "]"
# A year of two digits that no format of two digits takes parses as the first century: out of range, so not a date.
FIRST_DAY, LAST_DAY = NO_DATE, date(2199, 12, 31)
MOST_FINDINGS_OF_ONE_KIND = 1000
BLANKS = " \t\n\r\u00a0"

_TRUE = ("1", "true", "yes", "y", "t", "1.0")
_FALSE = ("0", "false", "no", "n", "f", "0.0")
_WHOLE = (
    "CASE WHEN try_cast(x AS DOUBLE) = floor(try_cast(x AS DOUBLE)) THEN try_cast(try_cast(x AS DOUBLE) AS {to}) END"
)
_TYPED = {
    Type.DATE: f"try_strptime(x, {_FORMATS})::DATE",
    Type.INT: _WHOLE.format(to="INTEGER"),
    Type.SMALL: _WHOLE.format(to="SMALLINT"),
    Type.REAL: "try_cast(x AS DOUBLE)",
}
_RIGHT = {
    Type.DATE: "a date such as 2024-09-02 or 02/09/2024",
    Type.INT: "a whole number",
    Type.SMALL: "a whole number",
    Type.REAL: "a number",
    Type.FLAG: "true or false (or 1 or 0)",
}


def conform(
    received: pa.Table, table: str, *, findings: list[Finding], on: date | None = None, record: str = ""
) -> pa.Table:
    """One row per row of `received` whose required columns are filled, in the vocabulary's schema for `table`.

    `received` holds text columns named as the vocabulary names them, and `line` (whole numbers); columns it lacks
    become null. `on` is the day code lists are judged at; without it any code that was ever valid passes. `record`
    names the column whose value identifies the row in findings (the first required column by default). A code may
    be in any case of its letters. Appends to `findings`: `not-a-date`, `not-a-number`, `not-a-flag` (value dropped),
    `unknown-code` (value kept), `missing-value` (row left out) and `missing-column` (all rows left out). Of each kind
    and column at most 1,000 are listed and the rest are counted.
    """
    spec, schema = TABLES[table], arrow_schema(table)
    rows = received.num_rows
    # Each distinct value is judged once: a million dates are a few thousand days.
    values: dict[str, pa.Array] = {}
    texts: dict[str, _Text] = {}
    faults: list[tuple[Column, pa.Array]] = []
    for column in spec:
        if column.name not in received.column_names:
            values[column.name] = pa.nulls(rows, schema.field(column.name).type)
        elif column.name == "line":
            values["line"] = _whole(received["line"]).cast(pa.int32())
        else:
            text = texts[column.name] = _Text(
                received[column.name], distinct=column.type is not Type.TEXT or bool(column.codes)
            )
            typed, bad = _judged(text.words, column, on)
            values[column.name] = text.spread(typed)
            if bad is not None:
                faults.append((column, text.spread(bad)))
    who = texts.get(record or next((c.name for c in spec if c.required), ""))
    place = _Place(table, who, values["line"])
    for column, bad in faults:
        findings += place.listed(column, bad, texts[column.name], *_complaint(column, on))
    kept: pa.Array | None = None
    for column in spec:
        if not column.required:
            continue
        if column.name not in texts:
            says = f"{column.says}: the file has no such column, so none of its rows can be used."
            right = f"a column for {column.name}"
            findings.append(Finding("missing-column", Severity.ERROR, says, table, field=column.name, right=right))
            return schema.empty_table()
        there = texts[column.name].there()
        if there.true_count < rows:
            says = f"{column.says} is missing, so this row cannot be used."
            missing = pc.invert(there)
            findings += place.listed(column, missing, None, "missing-value", Severity.ERROR, says, "a value")
            kept = there if kept is None else pc.and_(kept, there)
    conformed = pa.table([values[name] for name in schema.names], schema=schema)
    return conformed if kept is None else conformed.filter(kept)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


class _Text:
    """One column of text: its distinct values trimmed (empty ones null), and which of them stands in each row."""

    def __init__(self, column: pa.ChunkedArray, *, distinct: bool) -> None:
        whole = _whole(column)
        if whole.type != pa.string():
            whole = whole.cast(pa.string())
        self.places: pa.Array | None = None
        if distinct:
            encoded = whole.dictionary_encode()
            whole, self.places = encoded.dictionary, encoded.indices
        trimmed = pc.utf8_trim(whole, BLANKS)
        self.words = pc.if_else(pc.equal(trimmed, ""), None, trimmed)

    def spread(self, values: pa.Array) -> pa.Array:
        """Values for the distinct words as values for the rows."""
        return values if self.places is None else values.take(self.places)

    def there(self) -> pa.Array:
        return self.spread(self.words).is_valid()


def _judged(words: pa.Array, column: Column, on: date | None) -> tuple[pa.Array, pa.Array | None]:
    """The words as typed values, and which of them are wrong (None when none is)."""
    if column.type is Type.TEXT:
        if not column.codes:
            return words, None
        codes = valid_codes(column.codes, on)
        known = pa.array(list(codes), pa.string())
        typed, bad = words, pc.and_(words.is_valid(), pc.invert(pc.is_in(words, known)))
        if bad.true_count:
            # Some systems write every text of an export in lower case.
            folded = {code.lower(): code for code in codes}
            typed = pa.array(
                [w if w is None or w in codes else folded.get(w.lower(), w) for w in words.to_pylist()], pa.string()
            )
            bad = pc.and_(typed.is_valid(), pc.invert(pc.is_in(typed, known)))
    else:
        typed = _typed(words, column.type)
        if column.type is Type.DATE:
            day = pa.scalar
            within = pc.and_(pc.greater_equal(typed, day(FIRST_DAY)), pc.less_equal(typed, day(LAST_DAY)))
            typed = pc.if_else(within, typed, None)
        bad = pc.and_(words.is_valid(), typed.is_null())
        if column.type is Type.DATE:
            typed = pc.if_else(pc.equal(typed, pa.scalar(NO_DATE)), None, typed)
    return typed, bad if bad.true_count else None


def _typed(words: pa.Array, kind: Type) -> pa.Array:
    to = {Type.DATE: pa.date32(), Type.INT: pa.int32(), Type.SMALL: pa.int16(), Type.REAL: pa.float64()}
    if kind is Type.FLAG:
        low = pc.utf8_lower(words)
        true, false = pc.is_in(low, pa.array(_TRUE)), pc.is_in(low, pa.array(_FALSE))
        return pc.if_else(pc.or_(true, false), true, None)
    try:
        # Values in the plain form, which is nearly always all of them, need no engine. (Arrow would read "0x10" too.)
        if pc.any(pc.match_substring_regex(words, "[xX]")).as_py():
            raise pa.ArrowInvalid
        return words.cast(to[kind])
    except pa.ArrowInvalid:
        return _by_engine(words, kind).cast(to[kind])


# Opening an engine takes as long as reading a thousand children, and a file has many columns with an odd date in
# them, so each thread keeps one. A forked process opens its own.
_kept = threading.local()


def _by_engine(words: pa.Array, kind: Type) -> pa.Array:
    if getattr(_kept, "process", None) != os.getpid():
        _kept.database, _kept.process = Database(threads=1), os.getpid()
    database: Database = _kept.database
    database.add("words", pa.table({"place": range(len(words)), "x": words}))
    typed = database.query(f"SELECT {_TYPED[kind]} AS typed FROM words ORDER BY place")["typed"]
    database.connection.unregister("words")
    return _whole(typed)


def _complaint(column: Column, on: date | None) -> tuple[str, Severity, str, str]:
    """Rule, severity, sentence and what would be right, for a value of a column that could not be read."""
    if column.type is Type.TEXT:
        codes = valid_codes(column.codes, on)
        right = f"one of {', '.join(codes)}" if len(codes) <= 24 else f"one of the {len(codes)} codes of {column.codes}"
        when = f" on {on.isoformat()}" if on else ""
        return "unknown-code", Severity.QUERY, f"{column.says}: the code is not in the list{when}.", right
    right = _RIGHT[column.type]
    rule = {Type.DATE: "not-a-date", Type.FLAG: "not-a-flag"}.get(column.type, "not-a-number")
    says = f"{column.says}: this is not {right.split(' such')[0]}. The value was left out."
    return rule, Severity.ERROR, says, right


class _Place:
    """Which record and line a row of the file is."""

    def __init__(self, table: str, who: _Text | None, lines: pa.Array) -> None:
        self.table, self.who, self.lines = table, who, lines

    def listed(
        self, column: Column, bad: pa.Array, text: _Text | None, rule: str, severity: Severity, says: str, right: str
    ) -> Iterator[Finding]:
        """A finding for each of the first 1,000 rows that `bad` marks, and one for the rest."""
        rows = pc.indices_nonzero(bad)
        found, first = len(rows), rows[:MOST_FINDINGS_OF_ONE_KIND]
        blank = [""] * len(first)
        lines = self.lines.take(first).to_pylist()
        records = self.who.spread(self.who.words).take(first).to_pylist() if self.who else blank
        shown = text.spread(text.words).take(first).to_pylist() if text else blank
        for record, value, line in zip(records, shown, lines, strict=True):
            yield Finding(rule, severity, says, self.table, record or "", column.name, value or "", right, line or 0)
        if found > len(first):
            more = f"{says} {found - len(first):,} more rows have the same fault."
            yield Finding(rule, severity, more, self.table, field=column.name, right=right)

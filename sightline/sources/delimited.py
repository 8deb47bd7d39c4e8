"""Delimited text as received (comma, semicolon, tab or bar; any usual encoding) into tables of text, and out again.

A block of about 8 MB at a time: a clean block goes through Arrow's parser; a block with broken rows, or with a line
break inside a quoted cell, goes through Python's `csv`. Both give the same rows, so one bad row in a file of ten
million costs one block, and memory does not grow with the file when it is streamed.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from sightline.sources.layout import Layout, header_of, layout_of, line_text, normal_name
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

__all__ = ["Noted", "header_of", "normal_name", "pick", "read_delimited", "stream_delimited", "write_delimited"]

BLOCK = 8 * 2**20
LONGEST_LINE = 64 * 2**20
MOST_OPEN_QUOTES = 1000
MOST_FINDINGS_OF_ONE_KIND = 1000
# What reports write under their last row, in a cell of its own.
_FOOTER = (
    r"(?i)^((grand )?total\b.*|(record|row|pupil|student) ?(count|s)?\s*:.*|(number|count) of .*|end of .*|"
    r"(report |list )?(printed|produced|generated|exported|run) (on|at|by)\b.*|page \d+( of \d+)?|"
    r"\(?[\d,]+ (row|record|pupil|student|result)\(?s?\)?( affected| returned| in total| selected)?\)?\.?)$"
)
_NEEDS_QUOTES = '[",;|\t\r\n\u0085\u2028\u2029]|^[\\s\u00a0]|[\\s\u00a0]$'


class Noted:
    """Findings into a list, at most 1,000 of each kind; `close` adds a count of the rest."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.counts: Counter[str] = Counter()
        self.last: dict[str, Finding] = {}

    def add(self, finding: Finding) -> None:
        self.counts[finding.rule] += 1
        self.last[finding.rule] = finding
        if self.counts[finding.rule] <= MOST_FINDINGS_OF_ONE_KIND:
            self.findings.append(finding)

    def add_all(self, count: int, first: Iterable[Finding]) -> None:
        """Add `count` findings of one rule, of which `first` holds at least as many as are listed."""
        made = 0
        finding = None
        for finding in islice(first, min(count, MOST_FINDINGS_OF_ONE_KIND)):
            self.add(finding)
            made += 1
        if finding is not None:
            self.counts[finding.rule] += count - made

    def close(self) -> None:
        for rule, count in self.counts.items():
            more = count - MOST_FINDINGS_OF_ONE_KIND
            if more > 0:
                last = self.last[rule]
                says = f"{more:,} more rows have the same fault. {last.says}"
                self.findings.append(Finding(rule, last.severity, says, right=last.right))


def read_delimited(path: Path, findings: list[Finding]) -> pa.Table:
    """One row per row of a delimited file: its columns as text under trimmed lower-case names, and `line`.

    `line` (int32) is the physical line of the file on which the row starts, counted from 1 with whatever stands above
    the header, and right even when quoted cells hold line breaks. Rows without a value are left out. Appends to
    `findings`: `windows-1252`, `title-row`, `duplicate-column`, `empty-column-name` (notes), `short-row`, `long-row`,
    `open-quote`, `stray-character`. Raises UnreadableFile when the file is empty, binary or has no header.
    """
    layout = layout_of(path)
    return pa.concat_tables([_schema(layout).empty_table(), *_stream(path, layout, findings)])


def stream_delimited(path: Path, findings: list[Finding]) -> Iterator[pa.Table]:
    """The same rows as `read_delimited`, in tables of a few megabytes, so that memory does not grow with the file.

    Always yields at least one table (with no rows, when the file has none). `findings` is complete when the iterator
    is exhausted.
    """
    layout = layout_of(path)
    yield _schema(layout).empty_table()
    yield from _stream(path, layout, findings)


def pick(table: pa.Table, names: Mapping[str, Sequence[str]]) -> pa.Table:
    """One row per row of `table`: for each wanted column, the first of its aliases that is there; and `line`.

    A column none of whose aliases is there is left out.
    """
    present = set(table.column_names)
    columns: dict[str, pa.ChunkedArray] = {}
    for wanted, aliases in names.items():
        found = next((a for a in (normal_name(alias) for alias in aliases) if a in present), None)
        if found is not None:
            columns[wanted] = table[found]
    if "line" in present:
        columns["line"] = table["line"]
    return pa.table(columns)


def write_delimited(table: pa.Table | Iterable[pa.Table], path: Path) -> Path:
    """Write a table, or a stream of tables of one schema, as UTF-8 with commas and CRLF; `line` is left out.

    Dates are written as 2024-09-02, flags as true and false, nulls as nothing. A cell is quoted when it holds a
    delimiter of any kind, a quotation mark, a line break, or a space at either end.
    """
    tables = iter([table] if isinstance(table, pa.Table) else table)
    with path.open("wb") as out:
        first = True
        for part in tables:
            kept = part.drop_columns(["line"]) if "line" in part.column_names else part
            if first:
                out.write(_slow_text([list(kept.column_names)]))
                first = False
            for batch in _as_text(kept).to_batches(max_chunksize=65536):
                out.write(_written(batch))
    return path


def _schema(layout: Layout) -> pa.Schema:
    kept = layout.names[: len(layout.names) - layout.nameless]
    return pa.schema([*(pa.field(name, pa.string()) for name in kept), pa.field("line", pa.int32())])


def _stream(path: Path, layout: Layout, findings: list[Finding]) -> Iterator[pa.Table]:
    findings.extend(layout.findings)
    noted = Noted(findings)
    yield from _Rows(path, layout, noted).tables()
    noted.close()


class _Rows:
    """The rows of one file, block by block. `line` is always the number of the next line to be read."""

    def __init__(self, path: Path, layout: Layout, noted: Noted) -> None:
        self.layout = layout
        self.noted = noted
        self.line = 1
        self.nuls = 0
        self.latin = 0
        self.first_latin = 0
        self.ahead = 0  # lines read but not yet given to a table, for the line of a finding about characters
        self.blocks = self._clean(_blocks(path, layout))

    def tables(self) -> Iterator[pa.Table]:
        skip = True
        for block in self.blocks:
            if skip:
                block = self._below_header(block)
                skip = False
            if not block:
                continue
            table = self._fast(block)
            yield self._finished(table if table is not None else self._slow(block))
        if self.latin:
            says = f"{self.latin:,} lines are in Windows-1252 rather than UTF-8; they were read as that."
            right = "the file saved as UTF-8"
            self.noted.add(Finding("windows-1252", Severity.NOTE, says, right=right, line=self.first_latin))

    def _below_header(self, block: bytes) -> bytes:
        """The block without the header and what stands above it (all of which the first block holds)."""
        rows = csv.reader(_lines(block), delimiter=self.layout.delimiter)
        while rows.line_num < self.layout.line:
            next(rows)
        at = 0
        for _ in range(rows.line_num):
            found = block.find(b"\n", at)
            at = len(block) if found < 0 else found + 1
        self.line = rows.line_num + 1
        return block[at:]

    def _clean(self, blocks: Iterator[bytes]) -> Iterator[bytes]:
        """The blocks as valid UTF-8 without NULs, noting what had to be done."""
        line = 1
        for block in blocks:
            clean = block
            if b"\x00" in block:
                clean = self._without_nuls(clean, line)
            # The mark with which old systems end a file.
            clean = clean.removesuffix(b"\x1a")
            if not clean.isascii():
                try:
                    clean.decode("utf-8")
                except UnicodeDecodeError:
                    clean = self._as_utf8(clean, line)
            yield clean
            line += clean.count(b"\n")

    def _without_nuls(self, block: bytes, line: int) -> bytes:
        self.nuls += block.count(0)
        if self.nuls > 100:
            raise UnreadableFile("The file holds bytes that text never holds; a table in delimited text is needed.")
        for number, text in enumerate(block.split(b"\n"), start=line):
            if 0 in text:
                says = "A character that text never holds (NUL) was left out."
                self.noted.add(Finding("stray-character", Severity.QUERY, says, right="plain text", line=number))
        return block.replace(b"\x00", b"")

    def _as_utf8(self, block: bytes, line: int) -> bytes:
        lines = block.split(b"\n")
        for place, raw in enumerate(lines):
            text, latin = line_text(raw)
            if latin:
                lines[place] = text.encode("utf-8")
                self.latin += 1
                self.first_latin = self.first_latin or line + place
        return b"\n".join(lines)

    def _fast(self, block: bytes) -> pa.Table | None:
        """The block through Arrow, or None unless each of its lines is one row of the right width."""
        names = self.layout.names
        if len(names) == 1 or block.startswith(codecs.BOM_UTF8):
            return None  # a blank line would pass for a row with an empty cell; Arrow would drop the mark
        lines = block.count(b"\n") + (not block.endswith(b"\n"))
        if not block.strip(b"\r\n"):
            self.line += lines
            return _schema(self.layout).empty_table().select(()).append_column("line", pa.array([], pa.int32()))
        try:
            table = pacsv.read_csv(
                pa.BufferReader(block),
                read_options=pacsv.ReadOptions(column_names=list(names), block_size=len(block) + 1),
                parse_options=pacsv.ParseOptions(
                    delimiter=self.layout.delimiter, newlines_in_values=b'"' in block, ignore_empty_lines=False
                ),
                convert_options=pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
            )
        except pa.ArrowInvalid:
            return None
        if table.num_rows != lines or _has_stray_quotes(block, self.layout.delimiter):
            return None
        if table.num_rows and "\n" in (table[-1][-1].as_py() or ""):
            return None  # a quoted cell goes on in the next block; Arrow closed it here
        numbers = pa.arange(self.line, self.line + lines).cast(pa.int32())
        self.line += lines
        return table.append_column("line", numbers)

    def _slow(self, block: bytes) -> pa.Table:
        """The block through Python's csv, taking more blocks while a quoted cell is open."""
        width = len(self.layout.names)
        rows: list[list[str]] = []
        numbers: list[int] = []
        lines = _lines(block)
        at = 0  # of the next line to give
        held: list[str] = []  # lines of the row being read
        ended = False

        def feed() -> Iterator[str]:
            nonlocal lines, at, ended
            while True:
                if at == len(lines):
                    more = next(self.blocks, None)
                    if more is None:
                        ended = True
                        return
                    lines, at = _lines(more), 0
                at += 1
                held.append(lines[at - 1])
                yield lines[at - 1]

        reader = csv.reader(feed(), delimiter=self.layout.delimiter)
        opened = 0
        while at < len(lines):
            held.clear()
            try:
                row = next(reader)
                broken = ended and len(held) > 1 and "".join(held).count('"') % 2 == 1
            except csv.Error:
                broken = True
            if broken:
                opened += 1
                if opened > MOST_OPEN_QUOTES:
                    raise UnreadableFile(
                        "Quotation marks in the file are not paired, so its cells cannot be told apart."
                    )
                row = self._unquoted(held[0])
                lines, at, ended = [*held[1:], *lines[at:]], 0, False
                del held[1:]
                reader = csv.reader(feed(), delimiter=self.layout.delimiter)
            number = self.line
            self.line += len(held)
            if any(row):
                rows.append(self._fitted(row, width, number))
                numbers.append(number)
        columns = [pa.array(column, pa.string()) for column in zip(*rows, strict=True)] or [
            pa.array([], pa.string()) for _ in range(width)
        ]
        return pa.table([*columns, pa.array(numbers, pa.int32())], names=[*self.layout.names, "line"])

    def _unquoted(self, line: str) -> list[str]:
        """The cells of a line whose quotation marks or line breaks make no sense, taken as they stand."""
        says = "A quotation mark is not closed, or a line break stands inside a cell; the line was read as it stands."
        right = "quotation marks in pairs"
        self.noted.add(Finding("open-quote", Severity.QUERY, says, right=right, line=self.line))
        plain = line.rstrip("\r\n").replace("\r", " ")
        return next(csv.reader([plain], delimiter=self.layout.delimiter, quoting=csv.QUOTE_NONE), [])

    def _fitted(self, row: list[str], width: int, line: int) -> list[str]:
        named = width - self.layout.nameless
        if len(row) < named:
            says = f"This row has {len(row)} cells and the header {named}; the missing cells were taken as empty."
            right = f"{named} cells"
            self.noted.add(Finding("short-row", Severity.QUERY, says, right=right, line=line))
        if any(cell.strip() for cell in row[width:]):
            self.noted.add(_long_row(len(row), named, line))
        return (row + [""] * (width - len(row)))[:width]

    def _finished(self, table: pa.Table) -> pa.Table:
        """The table without nameless trailing columns and without rows that hold no value."""
        layout = self.layout
        named = len(layout.names) - layout.nameless
        if table.num_columns == 1:
            return _schema(layout).empty_table()
        table = self._without_furniture(table, named)
        empty = pc.equal(table[0], "")
        if pc.any(empty).as_py():
            for place in range(1, len(layout.names)):
                empty = pc.and_(empty, pc.equal(table[place], ""))
            table = table.filter(pc.invert(empty))
        if layout.nameless:
            extra = pc.not_equal(pc.utf8_trim_whitespace(table[named]), "")
            for place in range(named + 1, len(layout.names)):
                extra = pc.or_(extra, pc.not_equal(pc.utf8_trim_whitespace(table[place]), ""))
            for line in table.filter(extra)["line"].to_pylist():
                self.noted.add(_long_row(len(layout.names), named, line))
        return table.select([*layout.names[:named], "line"])

    def _without_furniture(self, table: pa.Table, named: int) -> pa.Table:
        """The table without repeats of its column names (files laid end to end), and without what reports write below.

        Each row left out is a finding. A footer is a row of one filled cell that says so, in a table of three columns
        or more.
        """
        named_by = self.layout.names
        places = [place for place, name in enumerate(named_by[:named]) if not name.startswith("unnamed ")]
        if len(places) < 2:
            return table

        def where(rows: Iterable[pa.Array]) -> pa.Array | None:
            """The rows that every one of these marks; None as soon as there is none, so that most cost one column."""
            all_of = None
            for marked in rows:
                all_of = marked if all_of is None else pc.and_(all_of, marked)
                if not pc.any(all_of).as_py():
                    return None
            return all_of

        def cells(place: int) -> pa.Array:
            return pc.utf8_trim_whitespace(table[place])

        again = where(pc.equal(pc.utf8_lower(cells(place)), named_by[place]) for place in places)
        if again is not None:
            self._left_out(
                table.filter(again), "repeated-header", "The column names stand here again, as in files laid end to end"
            )
            table = table.filter(pc.invert(again))
        if named < 3:
            return table
        first = places[0]
        others = (pc.equal(cells(place), "") for place in reversed(range(len(named_by))) if place != first)
        foot = where(chain(others, (pc.match_substring_regex(cells(place), _FOOTER) for place in [first])))
        if foot is not None:
            self._left_out(
                table.filter(foot),
                "footer-row",
                "A single cell that tells of the list and of no record (a total, a date)",
            )
            table = table.filter(pc.invert(foot))
        return table

    def _left_out(self, rows: pa.Table, rule: str, says: str) -> None:
        for line in rows["line"].to_pylist():
            right = "column names once, and then records alone"
            self.noted.add(Finding(rule, Severity.NOTE, f"{says}; the row was left out.", right=right, line=line))


def _long_row(cells: int, named: int, line: int) -> Finding:
    says = (
        f"This row has {cells} cells and the header {named}, so its values may stand under the wrong names; "
        "the last ones were left out."
    )
    return Finding("long-row", Severity.ERROR, says, right=f"{named} cells", line=line)


def _has_stray_quotes(block: bytes, delimiter: str) -> bool:
    """Whether a quotation mark stands inside a cell, where Arrow and Python's csv may differ."""
    if b'"' not in block:
        return False
    edge = re.escape(delimiter.encode())
    return re.search(rb'"(?=[^"' + edge + rb"\r\n])(?<=[^" + edge + rb'\n]")(?<!""")', block) is not None


def _blocks(path: Path, layout: Layout) -> Iterator[bytes]:
    """The file in pieces of about 8 MB that end where a line ends, byte order mark gone."""
    decoder = None if layout.encoding == "utf-8" else codecs.getincrementaldecoder(layout.encoding)(errors="replace")
    mark = codecs.BOM_UTF8
    rest = b""
    with path.open("rb") as file:
        while piece := file.read(BLOCK):
            if decoder:
                piece = decoder.decode(piece).encode("utf-8", errors="replace")
            if mark:
                piece, mark = piece.removeprefix(mark), b""
            if layout.old_mac:
                piece = piece.replace(b"\r", b"\n")
            cut = piece.rfind(b"\n") + 1
            if not cut:
                rest += piece
                if len(rest) > LONGEST_LINE:
                    raise UnreadableFile("One line of the file is over 64 MB long, so it is not a table.")
                continue
            yield rest + piece[:cut]
            rest = piece[cut:]
    if rest:
        yield rest


def _lines(block: bytes) -> list[str]:
    lines = block.decode("utf-8").split("\n")
    last = lines.pop()
    return [*(line + "\n" for line in lines), *([last] if last else [])]


def _as_text(table: pa.Table) -> pa.Table:
    return pa.table([pc.fill_null(column.cast(pa.string()), "") for column in table.columns], names=table.column_names)


def _slow_text(rows: Iterable[Sequence[str]]) -> bytes:
    out = io.StringIO(newline="")
    quote = re.compile(_NEEDS_QUOTES)
    for row in rows:
        cells = ('"' + cell.replace('"', '""') + '"' if quote.search(cell) else cell for cell in row)
        line = ",".join(cells)
        # One empty cell alone would be a blank line.
        out.write((line or '""') + "\r\n")
    return out.getvalue().encode("utf-8")


def _written(batch: pa.RecordBatch) -> bytes:
    plain = batch.num_columns > 1 and not any(
        pc.any(pc.match_substring_regex(column, _NEEDS_QUOTES)).as_py() for column in batch.columns
    )
    if not plain:
        return _slow_text(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    sink = pa.BufferOutputStream()
    pacsv.write_csv(batch, sink, pacsv.WriteOptions(include_header=False, batch_size=65536, quoting_style="none"))
    return bytes(sink.getvalue()).replace(b"\n", b"\r\n")

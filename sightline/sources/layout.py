"""How a delimited file is laid out: its encoding, its delimiter, where its column names stand and what they are."""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from sightline.sources.looks import looks_like, utf16
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

DELIMITERS = (",", ";", "\t", "|")
HEAD = 2**16
_MARK = "\ufeff"


@dataclass(frozen=True, slots=True)
class Layout:
    """How one delimited file is laid out: its delimiter, its columns in order, and where its header stands.

    `names` are final (trimmed, lower case, unique, none empty), one per cell of the header row; the last
    `nameless` of them are trailing cells without a name (a spreadsheet's leftover commas). `line` is the header's.
    """

    delimiter: str
    names: tuple[str, ...]
    line: int
    encoding: str  # "utf-8" (bytes that are not fall back to Windows-1252 line by line), "utf-16-le", "utf-16-be"
    old_mac: bool = False
    nameless: int = 0
    findings: tuple[Finding, ...] = ()


def header_of(start: bytes) -> tuple[str, ...]:
    """The column names at the start of a delimited file, trimmed and lower case; empty when it is not delimited text.

    `start` may be cut anywhere. XML, JSON, web pages and binary files give the empty tuple.
    """
    if looks_like(start) or not start.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        return ()
    text = _text(start, utf16(start) or "utf-8")
    if text.lstrip()[:1] in ("<", "{", "["):
        return ()
    layout = _layout(text, utf16(start) or "utf-8", whole=False)
    return layout.names[: len(layout.names) - layout.nameless] if layout else ()


def sample_of(start: bytes) -> pa.Table | None:
    """One row per whole row at the start of a delimited file, as `read_delimited` would give it (without `line`).

    For telling what a file is by what it holds. None when the start is not delimited text.
    """
    header = header_of(start)
    if not header:
        return None
    encoding = utf16(start) or "utf-8"
    text = _text(start, encoding)
    layout = _layout(text, encoding, whole=False)
    assert layout is not None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[layout.line : -1][:400]
    rows = [row for _, row in _sample_rows([line + "\n" for line in lines], layout.delimiter, 200) if any(row)]
    width = len(header)
    cells = [(row + [""] * width)[:width] for row in rows]
    return pa.table({name: pa.array([row[at] for row in cells], pa.string()) for at, name in enumerate(header)})


def normal_name(name: str) -> str:
    """A column's name as this module gives it: no byte order mark, single spaces, trimmed, lower case."""
    return " ".join(name.replace(_MARK, "").replace("\u00a0", " ").split()).lower()


def layout_of(path: Path) -> Layout:
    """How the file is laid out, from its first 64 KiB (1 MiB when no line ends in those). Raises UnreadableFile."""
    with path.open("rb") as file:
        start = file.read(HEAD)
        if start and not re.search(rb"[\r\n]", start):
            start += file.read(2**20)
        whole = not file.read(1)
    if not start.strip(b"\x00 \t\r\n\xef\xbb\xbf\xff\xfe"):
        raise UnreadableFile("The file is empty.")
    seen = looks_like(start)
    if seen:
        raise UnreadableFile(f"The file looks like {seen}; a table in delimited text (CSV) is needed.")
    if not whole and not re.search(rb"[\r\n]", start):
        raise UnreadableFile("The first line of the file is over 1 MB long, so it does not hold column names.")
    encoding = utf16(start) or "utf-8"
    text = _text(start, encoding)
    if re.match(r"\s*(<[?!a-zA-Z]|[{\[]\s*[\"{\[])", text):
        raise UnreadableFile("The file looks like XML or JSON; a table in delimited text (CSV) is needed.")
    layout = _layout(text, encoding, whole=whole)
    if layout is None:
        raise UnreadableFile("No row of column names was found in the file; its first line should hold them.")
    return layout


def _text(start: bytes, encoding: str) -> str:
    if encoding != "utf-8":
        return start[: len(start) // 2 * 2].decode(encoding, errors="replace").removeprefix(_MARK)
    return "".join(line_text(line)[0] for line in start.removeprefix(codecs.BOM_UTF8).splitlines(keepends=True))


def line_text(line: bytes) -> tuple[str, bool]:
    """The line as text, and whether it had to be taken as Windows-1252 because it is not UTF-8."""
    try:
        return line.decode("utf-8"), False
    except UnicodeDecodeError:
        return line.decode("cp1252", errors="replace"), True


def _sample_rows(lines: Sequence[str], delimiter: str, most: int = 60) -> list[tuple[int, list[str]]]:
    """(line within the sample counted from 1, cells) of the first rows."""
    reader = csv.reader(lines, delimiter=delimiter)
    rows: list[tuple[int, list[str]]] = []
    before = 0
    try:
        for row in reader:
            rows.append((before + 1, row))
            before = reader.line_num
            if len(rows) == most:
                break
    except csv.Error:
        return rows  # a broken quote further down; the stream reports it with its line
    return rows


def _layout(text: str, encoding: str, *, whole: bool) -> Layout | None:
    old_mac = "\n" not in text and "\r" in text
    if old_mac:
        text = text.replace("\r", "\n")
    lines = text.split("\n")
    if not whole and len(lines) > 1:
        lines.pop()
    lines = [line + "\n" for line in lines[:400]]
    if not lines:
        return None
    declared = re.fullmatch(r"sep=([,;\t|])", lines[0].strip(), re.IGNORECASE)
    if declared:  # a spreadsheet's own note of its delimiter
        delimiter, rows = declared[1], _sample_rows(lines, declared[1])[1:]
    else:
        delimiter, rows = max(
            ((d, _sample_rows(lines, d)) for d in DELIMITERS),
            key=lambda found: _agreement(found[1]),
        )
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    if not rows:
        return None
    at = _titles(rows)
    line, header = rows[at]
    notes = []
    if at:
        says = f"{at} row{'s' if at > 1 else ''} above the column names {'were' if at > 1 else 'was'} skipped."
        notes.append(Finding("title-row", Severity.NOTE, says, right="column names on the first line", line=rows[0][0]))
    names, nameless, named_notes = _named(header, line)
    return Layout(delimiter, names, line, encoding, old_mac, nameless, (*notes, *named_notes))


def _agreement(rows: list[tuple[int, list[str]]]) -> tuple[float, int]:
    """How well a delimiter fits: the share of rows with the commonest width (when over one cell), then that width."""
    widths = Counter(len(row) for _, row in rows if any(cell.strip() for cell in row))
    if not widths:
        return (0.0, 0)
    header = next(len(row) for _, row in rows if any(cell.strip() for cell in row))
    width, count = max(widths.items(), key=lambda found: (found[1], found[0]))
    if width == 1 and header == 1:
        return (0.0, 1)
    return (max(count / widths.total(), 0.5 if header > 1 else 0.0), max(width, header))


def _titles(rows: list[tuple[int, list[str]]]) -> int:
    """How many rows above the header may be skipped: none unless it is plain that they are titles."""
    filled = [[cell for cell in row if cell.strip()] for _, row in rows]
    usual = Counter(len(row) for row in filled[1:]).most_common(1)
    width = usual[0][0] if usual else 0
    for at in range(min(6, len(rows) - 1)):
        few = len(filled[at]) == 1 < width or (len(filled[at]) <= 2 and width >= 4)
        if not few:
            break
    else:
        return 0
    if at == 0:
        return 0
    names = [normal_name(cell) for cell in filled[at]]
    # A word with a year or a number in it ("idaci2019_rank") is a name too; a reference ("e01000001") is not.
    words = sum(bool(re.fullmatch(r"\D*[a-z]\D*|[a-z]{3,}\D*\d{1,4}\D*", name)) for name in names)
    safe = len(names) >= width - 1 and len(set(names)) == len(names) and words >= min(2, (len(names) + 1) // 2)
    return at if safe else 0


def _named(header: Sequence[str], line: int) -> tuple[tuple[str, ...], int, list[Finding]]:
    """Final names of a header's cells, how many trailing ones have none, and what was odd about them."""
    cells = [normal_name(cell) for cell in header]
    nameless = 0
    while nameless < len(cells) and not cells[-1 - nameless]:
        nameless += 1
    notes: list[Finding] = []
    taken = {"line"}  # the column this module adds
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = cell or f"unnamed {place}"
        if not cell and 1 < place <= len(cells) - nameless:
            # A first column without a name is the row number that many tools write; it needs no remark.
            says = f"Column {place} has no name; it is not read."
            notes.append(Finding("empty-column-name", Severity.NOTE, says, right="a name for every column", line=line))
        if name in taken:
            number = next(n for n in range(2, len(cells) + 3) if f"{name} ({n})" not in taken)
            if name in names:
                says = f"Two columns have the same name; the first is read and column {place} is not."
                right = "each name once"
                notes.append(Finding("duplicate-column", Severity.QUERY, says, field=name, right=right, line=line))
            name = f"{name} ({number})"
        taken.add(name)
        names.append(name)
    return tuple(names), nameless, notes

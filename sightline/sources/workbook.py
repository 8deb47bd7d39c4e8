"""Spreadsheets (Excel, OpenDocument) as tables of text, opened only when they cannot do harm.

Parts that swell out of proportion and sheets without end are refused before anything is held.
"""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import IO, Any

import python_calamine
from lxml import etree

from sightline.vocabulary.errors import UnreadableFile

MOST_BYTES = 2**30  # of all parts together, unpacked
MOST_RATIO = 250  # times the packed size; spreadsheets of real lists pack to a tenth
SMALL = 64 * 2**20  # below this the ratio is not judged
MOST_CELLS = 60_000_000  # of one sheet's used area, filled or not
_FEWEST_COLUMNS = 3
_PIECE = 2**20
_TABLE = "{urn:oasis:names:tc:opendocument:xmlns:table:1.0}"
_REPEATED_ROWS, _REPEATED_COLUMNS = f"{_TABLE}number-rows-repeated", f"{_TABLE}number-columns-repeated"
_VALUE_TYPE = "{urn:oasis:names:tc:opendocument:xmlns:office:1.0}value-type"
_MOST_NAMES = 4 * 2**20
_CELL = re.compile(rb"""<(?:\w+:)?c\b[^>]*?\br=["']([A-Z]{1,3})([0-9]{1,7})["']""")
_DAMAGED = "The workbook is damaged or cut short; please save it again."
# The day of serial number 0, for days from March 1900 on (Excel counts a 29 February 1900 that never was).
_FIRST_DAY = date(1899, 12, 30)
_BAD = (zipfile.BadZipFile, OSError, NotImplementedError, RuntimeError, zlib.error, EOFError, ValueError)


def sheet_names(path: Path) -> tuple[str, ...]:
    """The names of the sheets of an Excel workbook, in order; empty for any other file."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo("xl/workbook.xml").file_size > _MOST_NAMES:
                return ()
            with archive.open("xl/workbook.xml") as part:
                text = part.read(_MOST_NAMES)
        root = etree.fromstring(
            text, etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=False)
        )
    except (KeyError, etree.XMLSyntaxError, *_BAD):
        return ()
    return tuple(element.get("name", "") for element in root.iter("{*}sheet"))


def sheets_of(path: Path) -> Iterator[tuple[str, list[list[str]]]]:
    """Each sheet's name and its rows from the first of the sheet on, every cell as text.

    A date is written 2024-09-02, a whole number without decimals, an error such as #N/A and an empty cell as nothing.
    Formulas give the value they had when the workbook was saved. Raises UnreadableFile when the workbook is damaged,
    has a password, or would swell beyond what a list can be.
    """
    _guard(path)
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
    except python_calamine.PasswordError:
        raise UnreadableFile("The workbook has a password; please save it without one.") from None
    except (python_calamine.CalamineError, OSError):
        raise UnreadableFile(_DAMAGED) from None
    with book:
        for name in book.sheet_names:
            try:
                rows = book.get_sheet_by_name(name).to_python(skip_empty_area=False)
            except (python_calamine.CalamineError, OSError):
                raise UnreadableFile(_DAMAGED) from None
            yield name, [[cell_text(cell) for cell in row] for row in rows]


def write_sheets(path: Path, place: Callable[[str], Path]) -> list[tuple[str, Path]]:
    """Each visible sheet that holds a table as delimited text at `place(name)`; its name and the file.

    A row of the sheet is a line of the file, so a line names a row: line breaks within cells become spaces. A table has
    a row of three cells or more that hold something, and a row below it. Raises UnreadableFile as `sheets_of`.
    """
    _guard(path)
    written: list[tuple[str, Path]] = []
    try:
        with python_calamine.CalamineWorkbook.from_path(str(path)) as book:
            for about in book.sheets_metadata:
                if about.visible != python_calamine.SheetVisibleEnum.Visible:
                    continue
                out = place(about.name)
                if _written(book.get_sheet_by_name(about.name).iter_rows(), out):
                    written.append((about.name, out))
                else:
                    out.unlink()
    except python_calamine.PasswordError:
        raise UnreadableFile("The workbook has a password; please save it without one.") from None
    except (python_calamine.CalamineError, OSError):
        raise UnreadableFile(_DAMAGED) from None
    return written


def _written(rows: Iterable[Sequence[Any]], out: Path) -> bool:
    """Write rows as delimited text; whether they hold a table."""
    header = below = False
    with out.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        for row in rows:
            cells = [re.sub(r"[\r\n\u2028\u2029\x0b\x0c\x85]+", " ", cell_text(cell)) for cell in row]
            filled = sum(bool(cell.strip()) for cell in cells)
            below = below or (header and filled > 0)
            header = header or filled >= _FEWEST_COLUMNS
            writer.writerow(cells)
    return header and below


def cell_text(cell: Any) -> str:
    """One cell's value as text."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    text = str(cell)
    return "" if text.strip().upper() in ("#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!") else text


def serial_day(text: str) -> str:
    """A day stored as a bare number of days (44000) as an ISO date; anything else as it is."""
    if not re.fullmatch(r"[2-7][0-9]{4}(\.[0-9]+)?", text.strip()):
        return text
    return (_FIRST_DAY + timedelta(days=int(float(text)))).isoformat()


def _guard(path: Path) -> None:
    """Refuse a workbook whose parts swell out of proportion, or a sheet whose used area nobody filled."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = archive.infolist()
            swollen = sum(part.file_size for part in parts)
            if swollen > MOST_BYTES or (swollen > SMALL and swollen > MOST_RATIO * path.stat().st_size):
                raise UnreadableFile("The workbook swells to many times its size when opened, so it was not opened.")
            for part in parts:
                if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part.filename):
                    with archive.open(part) as sheet:
                        _guard_sheet(iter(lambda: sheet.read(_PIECE), b""), part.file_size)
                elif part.filename == "content.xml":
                    with archive.open(part) as content:
                        _guard_content(content)
    except _BAD:
        raise UnreadableFile(_DAMAGED) from None


def _guard_sheet(pieces: Iterator[bytes], declared: int) -> None:
    columns = rows = read = 0
    rest = b""
    for piece in pieces:
        read += len(piece)
        if read > declared:
            raise UnreadableFile("The workbook holds more than it says it does, so it was not opened.")
        text = rest + piece
        for letters, row in _CELL.findall(text):
            columns = max(columns, _column(letters))
            rows = max(rows, int(row))
        if columns * rows > MOST_CELLS:
            raise UnreadableFile(
                "A sheet of the workbook has cells so far apart that it could not be held; please delete the empty "
                "rows and columns after its last cell."
            )
        rest = text[-200:]


def _guard_content(content: IO[bytes]) -> None:
    """Refuse an OpenDocument spreadsheet whose cells are repeated until nothing could hold them."""
    cells = rows = width = 0
    try:
        for _, element in etree.iterparse(
            content, tag="{*}table-row", resolve_entities=False, load_dtd=False, no_network=True, huge_tree=True
        ):
            repeated = int(element.get(_REPEATED_ROWS) or 1)
            filled = across = 0
            for cell in element.iterchildren("{*}table-cell", "{*}covered-table-cell"):
                times = int(cell.get(_REPEATED_COLUMNS) or 1)
                across += times
                if len(cell) or cell.get(_VALUE_TYPE):
                    filled = across
            if filled:
                width = max(width, filled)
                rows += repeated
            cells = max(cells, rows * width)
            if cells > MOST_CELLS:
                raise UnreadableFile(
                    "A sheet of the workbook repeats its cells so often that it could not be held; please delete the "
                    "rows and columns after its last cell."
                )
            element.clear()
            while element.getprevious() is not None:
                del element.getparent()[0]
    except etree.XMLSyntaxError:
        raise UnreadableFile(_DAMAGED) from None


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def plain_header(cells: Sequence[str]) -> list[str]:
    """Column names as lower case letters and digits with single spaces, whatever their punctuation and line breaks."""
    return [re.sub(r"[^a-z0-9]+", " ", cell.lower()).strip() for cell in cells]

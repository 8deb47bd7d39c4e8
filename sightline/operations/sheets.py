"""Answers as workbooks: a cover sheet with definitions, source, date and filters, then a sheet for each table.

The same cells as XLSX, as OpenDocument, and as CSV files in one ZIP. Text is text: nothing in a cell is ever run as a
formula or made a link.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter
from odfdo import Document, Element

from sightline.engine import harmless

Value = str | int | float | date | None
_LONGEST: Final = 31
"""Letters a workbook allows in the name of a sheet."""
_NOT_IN_A_NAME: Final = str.maketrans(dict.fromkeys("[]:*?/\\'", " "))


@dataclass(frozen=True, slots=True)
class Grid:
    """One table to be shown or written: its name, its heading, a label per column, rows of values, and notes.

    The first value of a row is its label. A number is a number, with `decimals` after the point where it has any; what
    is hidden or not known is a word, never a nought. `whole` is the label of the row about everybody, which keeps its
    place however the others are sorted; a table whose rows are different measures has no order but its own (`sorts`).
    """

    name: str
    title: str
    heads: tuple[str, ...]
    rows: tuple[tuple[Value, ...], ...]
    notes: tuple[str, ...] = ()
    decimals: int = 1
    whole: str = ""
    sorts: bool = True


@dataclass(frozen=True, slots=True)
class Book:
    """A workbook: its title, what a reader must know (term and text), and its tables."""

    title: str
    cover: tuple[tuple[str, str], ...]
    grids: tuple[Grid, ...]

    def sheets(self) -> list[tuple[str, list[tuple[Value, ...]]]]:
        """Each sheet's name and rows: the cover, then a table to a sheet, its header in the first row."""
        cover: list[tuple[Value, ...]] = [(self.title, None), *self.cover]
        taken = {"cover"}
        found = [("Cover", cover)]
        for grid in self.grids:
            rows: list[tuple[Value, ...]] = [grid.heads]
            rows += [tuple(_rounded(v, grid.decimals) for v in row) for row in grid.rows]
            cover.append((grid.title, " ".join(grid.notes) or None))
            found.append((_name(grid.name, taken), rows))
        return found


def _rounded(value: Value, decimals: int) -> Value:
    return round(value, decimals) if isinstance(value, float) else value


def _name(wanted: str, taken: set[str]) -> str:
    plain = " ".join(wanted.translate(_NOT_IN_A_NAME).split())[:_LONGEST] or "Table"
    name, n = plain, 1
    while name.casefold() in taken:
        n += 1
        name = f"{plain[: _LONGEST - 1 - len(str(n))]} {n}"
    taken.add(name.casefold())
    return name


def xlsx(book: Book) -> bytes:
    """The workbook as XLSX."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    ) as made:
        made.set_properties({"title": book.title})
        bold, wrap = made.add_format({"bold": True}), made.add_format({"text_wrap": True, "valign": "top"})
        head = made.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        day = made.add_format({"num_format": "d mmm yyyy", "align": "left"})
        for name, rows in book.sheets():
            page = made.add_worksheet(name)
            cover = name == "Cover"
            for i, row in enumerate(rows):
                for j, value in enumerate(row):
                    form = (bold if i == 0 or j == 0 else wrap) if cover else (head if i == 0 else None)
                    if isinstance(value, str):
                        page.write_string(i, j, value, form)
                    elif isinstance(value, date):
                        page.write_datetime(i, j, value, day)
                    elif value is not None:
                        page.write_number(i, j, value, form)
            page.set_column(0, 0, 44)
            page.set_column(1, max(1, max(len(r) for r in rows) - 1), 90 if cover else 16)
            if not cover:
                page.freeze_panes(1, 1)
    return out.getvalue()


def ods(book: Book) -> bytes:
    """The workbook as an OpenDocument spreadsheet."""
    document = Document("spreadsheet")
    document.body.clear()
    document.meta.title = book.title
    document.meta.language = "en-GB"
    for name, rows in book.sheets():
        document.body.append(_table(name, rows))
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def _table(name: str, rows: Sequence[tuple[Value, ...]]) -> Element:
    # One piece of XML for a sheet: cell by cell through the library takes ten times as long.
    body = "".join(f"<table:table-row>{''.join(map(_cell, row)) or _EMPTY}</table:table-row>" for row in rows)
    return Element.from_tag(f"<table:table table:name={quoteattr(name)}>{body}</table:table>")


_EMPTY: Final = "<table:table-cell/>"


def _cell(value: Value) -> str:
    if value is None:
        return _EMPTY
    if isinstance(value, date):
        kind = f'office:value-type="date" office:date-value="{value.isoformat()}"'
    elif isinstance(value, int | float):
        kind = f'office:value-type="float" office:value="{value!r}"'
    else:
        kind = 'office:value-type="string"'
    # XML knows no control characters, and a tab or line end within a cell is not kept.
    plain = "".join(c if c.isprintable() else " " for c in str(value))
    return f"<table:table-cell {kind}><text:p>{escape(plain)}</text:p></table:table-cell>"


def csvs(book: Book) -> bytes:
    """The workbook as a ZIP of CSV files, one to a sheet in its order: CSV knows no sheets, and no program can read a
    table with a cover above it."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for n, (name, rows) in enumerate(book.sheets()):
            text = io.StringIO(newline="")
            csv.writer(text).writerows(["" if v is None else harmless(v) for v in row] for row in rows)
            # One day for all: the same figures are the same bytes. The mark tells spreadsheets that it is UTF-8.
            held = zipfile.ZipInfo(f"{n} {name}.csv", (1980, 1, 1, 0, 0, 0))
            held.compress_type = zipfile.ZIP_DEFLATED
            made.writestr(held, text.getvalue().encode("utf-8-sig"))
    return out.getvalue()


WRITERS: Final = {
    "xlsx": (xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    "ods": (ods, "application/vnd.oasis.opendocument.spreadsheet"),
    "zip": (csvs, "application/zip"),
}
"""By the ending of a file: what writes it, and its media type."""
FORMS: Final = (("xlsx", "XLSX"), ("ods", "ODS"), ("zip", "CSV, zipped"))
"""The forms a page offers a workbook in: the ending of its file, and its name."""

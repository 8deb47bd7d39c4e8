"""Tables as workbooks: one sheet for each, the same cells as XLSX and as OpenDocument, the same bytes each time."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter
from odfdo import Document, Element

from sightline.evaluation.result import Table, Value, figures
from sightline.evaluation.words import clause, left_out, table_name

FIXED: Final = datetime(2000, 1, 1)
"""The day every file says it was made on, so that the same study gives the same bytes."""
_ZIP_DAY: Final = (2000, 1, 1, 0, 0, 0)
HEAD_ROW: Final = 3
"""Rows above the header: the table's name, the mark, and an empty one."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet: its name and rows of values. The header is row HEAD_ROW."""

    name: str
    rows: tuple[tuple[Value, ...], ...]


def sheets(tables: Iterable[Table], mark: str) -> list[Sheet]:
    """One sheet per table: a row for each row and a column for each column and statistic, then what a reader must know.

    Names are cut to the 31 characters a workbook allows; a name that is taken gets a number.
    """
    found: list[Sheet] = []
    taken: set[str] = set()
    for table in tables:
        name, n = table.id[:31], 1
        while name in taken:
            n += 1
            name = f"{table.id[: 30 - len(str(n))]}-{n}"
        taken.add(name)
        found.append(Sheet(name, tuple(_rows(table, mark))))
    return found


def _rows(table: Table, mark: str) -> Iterable[tuple[Value, ...]]:
    kinds: dict[str, list[str]] = {}
    held = figures(table)
    for (_, column), statistics in held.items():
        known = kinds.setdefault(column, [])
        known += [s for s in statistics if s not in known]
    heads = [(column, statistic) for column in table.columns for statistic in kinds.get(column, ())]
    yield (f"{table_name(table)}: {table.title}",)
    yield (mark,)
    yield ()
    yield ("Row", *(f"{column}: {statistic}" for column, statistic in heads))
    for row in table.rows:
        yield (row, *(held.get((row, column), {}).get(statistic) for column, statistic in heads))
    yield ()
    told = [("Sample", table.sample), ("Estimator", table.estimator), ("Standard errors", table.errors)]
    told += [("Formula", table.formula), ("In the report", table.source)]
    yield from ((f"{term}: {text}",) for term, text in told if text)
    yield from ((note,) for note in table.notes)
    yield from ((f"{column}: not estimated, because {clause(why)}",) for column, why in table.refused)
    yield from ((left_out(x),) for x in table.left)


def xlsx(tables: Iterable[Table], mark: str) -> bytes:
    """An XLSX workbook with a sheet for each table: figures as numbers, text never as a formula."""
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, options) as book:
        book.set_properties({"created": FIXED, "comments": mark})
        bold = book.add_format({"bold": True})
        wrap = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for sheet in sheets(tables, mark):
            page = book.add_worksheet(sheet.name)
            for i, row in enumerate(sheet.rows):
                for j, value in enumerate(row):
                    if value is not None:
                        page.write(i, j, value, wrap if i == HEAD_ROW else bold if i < HEAD_ROW else None)
            page.set_column(0, 0, 60)
            page.set_column(1, max(len(sheet.rows[HEAD_ROW]), 1), 16)
            page.freeze_panes(HEAD_ROW + 1, 1)
    return out.getvalue()


def ods(tables: Iterable[Table], mark: str) -> bytes:
    """An OpenDocument spreadsheet with the sheets of `xlsx`."""
    document = Document("spreadsheet")
    document.body.clear()
    for sheet in sheets(tables, mark):
        document.body.append(_ods_table(sheet))
    document.meta.creation_date = FIXED
    document.meta.language = "en-GB"
    document.meta.description = mark
    out = io.BytesIO()
    document.save(out)
    return same_bytes(out.getvalue())


def _ods_table(sheet: Sheet) -> Element:
    # One piece of XML for a sheet: cell by cell through the library is ten times as long.
    rows = "".join(f"<table:table-row>{''.join(map(_ods_cell, row)) or _EMPTY}</table:table-row>" for row in sheet.rows)
    return Element.from_tag(f"<table:table table:name={quoteattr(sheet.name)}>{rows}</table:table>")


_EMPTY: Final = "<table:table-cell/>"


def _ods_cell(value: Value) -> str:
    if value is None:
        return _EMPTY
    if isinstance(value, int | float):
        kind = f'office:value-type="float" office:value="{value!r}"'
    else:
        kind = 'office:value-type="string"'
    return f"<table:table-cell {kind}><text:p>{escape(str(value))}</text:p></table:table-cell>"


def same_bytes(packed: bytes) -> bytes:
    """A zip with its entries in the order they had and every date the same; the mimetype stays first and unpacked."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as before, zipfile.ZipFile(out, "w") as after:
        for entry in before.infolist():
            plain = zipfile.ZipInfo(entry.filename, _ZIP_DAY)
            plain.external_attr = 0o644 << 16
            plain.compress_type = zipfile.ZIP_STORED if entry.filename == "mimetype" else zipfile.ZIP_DEFLATED
            after.writestr(plain, before.read(entry))
    return out.getvalue()

"""Printing an answer: on the screen, as CSV, JSON or a workbook."""

from __future__ import annotations

import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

import pyarrow as pa
import xlsxwriter
from rich.console import Console
from rich.table import Table

from sightline.engine import harmless
from sightline.vocabulary.errors import SightlineError

# A file or a pipe has no width of its own; eighty columns would break every word.
console = Console(width=None if sys.stdout.isatty() else 200)
# A sentence is never broken: whoever reads it from a file or a log looks for it whole.
errors = Console(stderr=True, soft_wrap=True)

# Numbers that name something are not counted in thousands.
_NUMBERS_BY_NAME = ("year", "line")


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    xlsx = "xlsx"


def plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, pa.Table):
        return plain(value.to_pylist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return float(value)
    return value


def print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n")


def print_table(title: str, rows: pa.Table | Sequence[Mapping[str, Any]], *, most: int = 0, note: str = "") -> None:
    """A table on the screen; at most `most` rows (0: all), saying how many are left off."""
    listed = rows.slice(0, most or None).to_pylist() if isinstance(rows, pa.Table) else list(rows)[: most or None]
    total = rows.num_rows if isinstance(rows, pa.Table) else len(rows)
    if not total:
        console.print(f"{title}: none.")
        return
    table = Table(title=title, title_justify="left", header_style="bold", expand=False)
    for name in listed[0]:
        numeric = any(isinstance(r[name], int | float) and not isinstance(r[name], bool) for r in listed)
        table.add_column(name.replace("_", " "), justify="right" if numeric else "left", overflow="fold")
    for row in listed:
        table.add_row(*(str(v) if name in _NUMBERS_BY_NAME and v is not None else shown(v) for name, v in row.items()))
    console.print(table)
    if total > len(listed):
        console.print(f"{total - len(listed):,} more not shown. {note}".strip())


def shown(value: Any) -> str:
    """A value for a person: dates as 2 September 2024, percentages to one place, nothing for nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.1f}"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, date):
        return f"{value.day} {value:%b %Y}"
    if isinstance(value, list):
        return ", ".join(shown(v) for v in value)
    return str(value)


def give_json(value: Any, out: Path | None) -> None:
    """Print an answer as JSON, or write it to a file."""
    if out is None:
        print_json(value)
        return
    text = json.dumps(plain(value), indent=2, ensure_ascii=False)
    out.write_text(text + "\n", encoding="utf-8", newline="")
    errors.print(f"Written to {out}.", markup=False, highlight=False)


def give(
    title: str, rows: pa.Table, form: Format, out: Path | None, *, most: int = 40, screen: Sequence[str] = ()
) -> None:
    """Print rows, or write them to a file. A workbook needs a file name.

    `screen`: the columns a screen has room for (all when empty); every other form has every column.
    """
    if form is Format.table and out is None:
        print_table(title, rows.select(screen) if screen else rows, most=most, note="Use --format csv for all.")
        if screen and rows.num_rows:
            console.print(f"Every column ({rows.num_columns}): add --format csv, json or xlsx.", highlight=False)
        return
    if form is Format.xlsx:
        if out is None:
            raise SightlineError("A workbook needs a file name: add --out NAME.xlsx.")
        _workbook(title, rows, out)
        errors.print(f"{rows.num_rows:,} rows written to {out}.")
        return
    text = _csv(rows) if form in (Format.csv, Format.table) else json.dumps(plain(rows), indent=2, ensure_ascii=False)
    if out is None:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    else:
        out.write_text(text, encoding="utf-8", newline="")
        errors.print(f"{rows.num_rows:,} rows written to {out}.")


def _csv(rows: pa.Table) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(rows.column_names)
    for row in rows.to_pylist():
        writer.writerow([_cell(v) for v in row.values()])
    return text.getvalue()


def _cell(value: Any) -> Any:
    """A value for CSV: 8, not 8.0, in a column where another row needs its decimal."""
    value = harmless(plain(value))
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _workbook(title: str, rows: pa.Table, out: Path) -> None:
    options = {"strings_to_formulas": False, "strings_to_urls": False, "default_date_format": "d mmm yyyy"}
    with xlsxwriter.Workbook(str(out), options) as book:
        sheet = book.add_worksheet(title[:31])
        bold = book.add_format({"bold": True})
        sheet.write_row(0, 0, rows.column_names, bold)
        for n, row in enumerate(rows.to_pylist(), 1):
            for m, value in enumerate(row.values()):
                sheet.write(n, m, ", ".join(map(str, value)) if isinstance(value, list) else value)
        sheet.freeze_panes(1, 0)
        sheet.autofit()

"""Tables as text that people and programs read: CSV, plain accessible HTML, a workbook's sheets, and the report."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from html import escape
from typing import Final

import xlsxwriter

from sightline.evaluation.catalogue import Job
from sightline.evaluation.result import Left, Table, Value, shown
from sightline.evaluation.study import Study

MARK: Final = "Not checked for disclosure: must not leave the secure room."
_STYLE: Final = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; color: #0b0c0c; }
.mark { border: .25rem solid #b10e1e; padding: .5rem 1rem; font-weight: bold; color: #b10e1e; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding-bottom: .5rem; }
th, td { border-bottom: 1px solid #b1b4b6; padding: .25rem .75rem; text-align: right; vertical-align: top; }
th[scope=row], thead th:first-child { text-align: left; }
a { color: #1a5f9e; }
dt { font-weight: bold; }
dd { margin: 0 0 .5rem 0; }
"""


def table_csv(table: Table) -> str:
    """One line per figure: table, row, column, statistic, value; refused columns as lines of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "row", "column", "statistic", "value"])
    writer.writerow([table.id, "", "", "note", MARK])
    for c in table.cells:
        writer.writerow([table.id, c.row, c.column, c.statistic, "" if c.value is None else c.value])
    for column, why in table.refused:
        writer.writerow([table.id, "", column, "refused", why])
    return out.getvalue()


def figures(table: Table) -> dict[tuple[str, str], dict[str, Value]]:
    """The statistics of each row and column."""
    found: dict[tuple[str, str], dict[str, Value]] = {}
    for c in table.cells:
        found.setdefault((c.row, c.column), {})[c.statistic] = c.value
    return found


def _grid(table: Table) -> list[list[str]]:
    held = figures(table)
    return [[row, *(shown(held.get((row, column), {})) for column in table.columns)] for row in table.rows]


def _fragment(table: Table, level: int) -> str:
    """The table and its notes, with a heading of this level."""
    name = _name(table)
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in table.columns)
    body = "\n".join(
        f'<tr><th scope="row">{escape(row)}</th>{"".join(f"<td>{escape(v)}</td>" for v in values)}</tr>'
        for row, *values in _grid(table)
    )
    parts = [
        f'<h{level} id="{table.id}">{escape(name)}</h{level}>',
        f'<div class="scroll" role="region" aria-label="{escape(name)}" tabindex="0"><table>',
        f"<caption>{escape(table.title)}</caption>",
        f'<thead><tr><th scope="col">{"Step" if table.id == "flow" else "Row"}</th>{head}</tr></thead>',
        f"<tbody>\n{body}\n</tbody></table></div>",
    ]
    if any(c.statistic == "stars" for c in table.cells):
        parts.append("<p>Standard errors in brackets. *** p&lt;.01; ** p&lt;.05; * p&lt;.10.</p>")
    for column, why in table.refused:
        parts.append(f"<p><strong>{escape(column)}</strong>: not estimated, because {escape(_clause(why))}</p>")
    parts.append("<dl>")
    for term, text in (
        ("Sample", table.sample),
        ("Estimator", table.estimator),
        ("Standard errors", table.errors),
        ("Formula", table.formula),
        ("In the report", table.source),
    ):
        if text:
            parts.append(f"<dt>{term}</dt><dd>{escape(text)}</dd>")
    parts.append("</dl>")
    if table.notes:
        parts.append(f"<ul>{''.join(f'<li>{escape(note)}</li>' for note in table.notes)}</ul>")
    parts.append(_left_html(table.left))
    return "\n".join(p for p in parts if p)


def _clause(text: str) -> str:
    text = text.rstrip(".")
    return (text if text[:2].isupper() else text[0].lower() + text[1:]) + "."


def _left_html(left: Sequence[Left]) -> str:
    if not left:
        return "<p>Nothing was left out beyond what the sample says.</p>"
    items = "".join(f"<li>{escape(left_out(x))}</li>" for x in left)
    return f"<details><summary>Counted on the way, and left out</summary><ul>{items}</ul></details>"


def left_out(x: Left) -> str:
    """One thing counted or left out, as a sentence."""
    where = f"{x.column}: " if x.column else ""
    if x.kind == "pupils":
        return f"{where}{x.count:,} {x.why}"
    what = {"rows": "rows", "groups": f"{x.name}s", "column": f"the column {x.name}, on rows"}[x.kind]
    name = f" ({x.name})" if x.kind == "rows" else ""
    return f"{where}{x.count:,} {what}{name} left out: {x.why}"


def _name(table: Table) -> str:
    number = table.id.removeprefix("table-")
    return f"Table {number.replace('-', ', ')}" if number != table.id else table.id.replace("-", " ").capitalize()


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<p class="mark">{MARK}</p>\n{body}\n'
        "</main>\n</body>\n</html>\n"
    )


def table_html(table: Table) -> str:
    """One table as a page of its own."""
    return _page(f"{_name(table)}: {table.title}", _fragment(table, 1))


def index_html(study: Study, made: Sequence[tuple[Job, Table]], *, comparison: str = "") -> str:
    """The report: what was asked, of whom, the tables in their chapters, and what they can and cannot bear."""
    w = study.windows
    chapters = list(dict.fromkeys(job.spec.chapter for job, _ in made))
    links = [f'<li><a href="#{_slug(c)}">{escape(c)}</a></li>' for c in chapters]
    parts = [
        f"<h1>{escape(study.name)}</h1>",
        f"<p>Outcomes in {escape(', '.join(w.labels[: len(w.before)]))} are before, in "
        f"{escape(', '.join(w.labels[len(w.before) :]))} after. A year of plans starts on {w.start(2000):%-d %B}"
        + (f"; plans are known to {w.plans_to:%-d %B %Y}, so the last year is cut short" if w.plans_to else "")
        + f". Part months: {escape(study.exposure.part_months)}. Groups of fewer than {study.groups.least:,} pupils "
        "are not analysed.</p>",
        "<h2>How to read this</h2>",
        "<p>No child was allotted to the extension: it came everywhere at once, with the years after COVID-19, and "
        "rows named after the period hold both. Months on a plan stand for exposure. Estimates are associations "
        "until a reader has reason to think otherwise; a row without stars is not evidence of no effect.</p>",
        f'<nav aria-label="Chapters"><ol>{"".join(links)}</ol></nav>',
        comparison,
    ]
    for chapter in chapters:
        parts.append(f'<h2 id="{_slug(chapter)}">{escape(chapter)}</h2>')
        parts += [_fragment(table, 3) for job, table in made if job.spec.chapter == chapter]
    parts.append("<h2>Settings</h2><dl>")
    parts += [
        f"<dt>{escape(str(s['name']))}: {escape(str(s['value']))}</dt><dd>{escape(str(s['says']))}</dd>"
        for s in study.settings()
    ]
    parts.append("</dl>")
    return _page(study.name, "\n".join(p for p in parts if p))


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")


def workbook(tables: Iterable[Table]) -> bytes:
    """A workbook with a sheet for each table: figures as numbers, then errors, notes and what was left out."""
    held = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(held, options) as book:
        # A fixed day, so that the same study gives the same bytes.
        book.set_properties({"created": datetime(2000, 1, 1), "comments": MARK})
        bold = book.add_format({"bold": True})
        wrap = book.add_format({"bold": True, "text_wrap": True, "valign": "top"})
        for table in tables:
            _sheet(book.add_worksheet(table.id[:31]), table, bold, wrap)
    return held.getvalue()


def _sheet(sheet: xlsxwriter.worksheet.Worksheet, table: Table, bold: object, wrap: object) -> None:
    sheet.write(0, 0, f"{_name(table)}: {table.title}", bold)
    sheet.write(1, 0, MARK, bold)
    kinds = _kinds(figures(table))
    sheet.write(3, 0, "Row", wrap)
    place: dict[tuple[str, str], int] = {}
    at = 1
    for column in table.columns:
        for statistic in kinds.get(column, ()):
            sheet.write(3, at, f"{column}: {statistic}", wrap)
            place[column, statistic] = at
            at += 1
    line = {row: 4 + i for i, row in enumerate(table.rows)}
    for row, i in line.items():
        sheet.write(i, 0, row)
    for c in table.cells:
        if c.value is not None:
            sheet.write(line[c.row], place[c.column, c.statistic], c.value)
    i = 5 + len(table.rows)
    told = [f"Sample: {table.sample}", f"Estimator: {table.estimator}", f"Standard errors: {table.errors}"]
    told += [f"In the report: {table.source}", *table.notes]
    told += [f"{column}: not estimated, because {_clause(why)}" for column, why in table.refused]
    for text in [*told, *map(left_out, table.left)]:
        sheet.write(i, 0, text)
        i += 1
    sheet.set_column(0, 0, 60)
    sheet.set_column(1, max(at, 1), 16)
    sheet.freeze_panes(4, 1)


def _kinds(held: Mapping[tuple[str, str], Mapping[str, Value]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for (_, column), statistics in held.items():
        known = found.setdefault(column, [])
        known += [s for s in statistics if s not in known]
    return found

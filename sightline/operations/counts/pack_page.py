"""A pack as one HTML file that opens without a network, for paper: charts, their tables, definitions, and questions."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from typing import Final

from sightline import charts
from sightline.disclosure import HIDDEN
from sightline.operations.counts.packs import Asked, Drawing, Pack
from sightline.operations.counts.shared import HEADS
from sightline.operations.sheets import Grid, Value
from sightline.vocabulary.dates import day_in_words

# Nothing may be fetched or run, whatever a name in the data holds.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_STYLE: Final = """
body { font: 16px/1.45 Arial, Helvetica, sans-serif; color: #0b0c0c; max-width: 46rem;
  margin: 1.5rem auto; padding: 0 1rem }
h1 { font-size: 1.8rem } h2 { font-size: 1.3rem; margin-top: 2rem } h3 { font-size: 1.1rem; margin-bottom: .3rem }
table { border-collapse: collapse; width: 100%; margin: .7rem 0; font-size: .9rem }
caption { text-align: left; font-weight: bold; padding: .3rem 0 }
th, td { border-bottom: 1px solid #b1b4b6; padding: .3rem .5rem .3rem 0; text-align: left; vertical-align: top }
td.n, th.n { text-align: right } figure { margin: .5rem 0; overflow-x: auto } svg { max-width: 100%; height: auto }
.scroll { overflow-x: auto } .mark { border-left: 8px solid #12436d; padding: .3rem .8rem }
.small { font-size: .85rem; color: #484949 }
.notes { border: 1px solid #0b0c0c; min-height: 5.5rem; padding: .3rem; margin: .5rem 0 1.2rem }
dt { font-weight: bold }
.question { break-inside: avoid } figure, table { break-inside: avoid }
@media print { body { margin: 0; max-width: none; font-size: 11pt } h2 { break-after: avoid } }
@page { margin: 18mm }
"""


def pack_html(pack: Pack, *, system_name: Callable[[str], str], draw: Callable[[Drawing], str] | None = None) -> str:
    """The whole file. `system_name` names a system that sends data; `draw` gives a chart's SVG (as `charts.svg`)."""
    drawn = draw or (lambda each: charts.svg(each.specification))
    told = pack.told
    fresh = "; ".join(f"{escape(system_name(s))} to {day_in_words(d)}" for s, d in pack.data_to) or "not known"
    parts = [
        f"<h1>{escape(pack.title)}</h1>",
        f"<p>{escape(pack.about)}</p>",
        f'<p class="mark">{escape(pack.mark)} No child is named, and none can be.</p>',
        f'<p class="small">Data to: {fresh}.</p>',
        "<h2>What the figures say</h2>",
    ]
    if told.now.empty:
        parts.append("<p>There are too few children to show any figure.</p>")
    else:
        parts += [_drawing(each, drawn(each)) for each in pack.drawings]
        parts.append("<h2>Figures</h2>")
        parts += [_table(grid) for grid in pack.tables]
    parts += ["<h2>Questions</h2>", *(_question(n, each) for n, each in enumerate(pack.questions, 1))]
    parts += ["<h2>What the figures mean</h2>", "<dl>"]
    parts += [f"<dt>{escape(h.label)}</dt><dd>{escape(h.says)}.</dd>" for h in HEADS]
    parts.append("</dl>")
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<title>{escape(pack.title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n<style>{_STYLE}</style>\n</head>\n'
        "<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
    )


def _drawing(each: Drawing, svg: str) -> str:
    picture = svg.replace("<svg ", f'<svg role="img" aria-label="{escape(each.describes)}" ', 1)
    return f"<h3>{escape(each.message)}</h3>\n<figure>{picture}</figure>\n{_table(each.table)}"


def _table(grid: Grid) -> str:
    heads = "".join(_head(text, place > 0) for place, text in enumerate(grid.heads))
    rows = "".join(
        f'<tr><th scope="row">{escape(str(row[0]))}</th>'
        + "".join(f'<td class="n">{_value(value)}</td>' for value in row[1:])
        + "</tr>"
        for row in grid.rows
    )
    notes = "".join(f'<p class="small">{escape(note)}</p>' for note in grid.notes)
    title = escape(grid.title)
    return (
        f'<div class="scroll" tabindex="0" role="group" aria-label="{title}, table"><table><caption>{title}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table></div>{notes}"
    )


def _head(text: str, numeric: bool) -> str:
    if not text:
        return "<td></td>"
    kind = ' class="n"' if numeric else ""
    return f'<th scope="col"{kind}>{escape(text)}</th>'


def _value(value: Value) -> str:
    if value is None:
        return "Not known"
    if value == HIDDEN:
        return '<abbr title="hidden, because of small numbers">c</abbr>'
    if isinstance(value, float):
        return f"{value:.1f}"
    return escape(value) if isinstance(value, str) else f"{value:,}"


def _question(number: int, each: Asked) -> str:
    return (
        f'<section class="question"><h3>{number}. {escape(each.asks)}</h3>'
        f'<p class="small">Why it is asked: {escape(each.why)} Rests on: {escape(each.source)}.</p>'
        '<div class="notes" role="note" aria-label="Room for notes">Notes</div></section>'
    )

"""Tables as text that people and programs read: CSV, plain accessible HTML, and the report that weaves them."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Final

from sightline.evaluation.catalogue import Job
from sightline.evaluation.figures import Figure
from sightline.evaluation.findings import Findings, Point, findings
from sightline.evaluation.result import Left, Table, grid
from sightline.evaluation.study import Study
from sightline.evaluation.words import clause, left_out, table_name
from sightline.vocabulary.dates import day_in_words

NOT_FOR_RELEASE: Final = "Exact figures, not for release: they must not leave the secure room."
RELEASED: Final = "These figures have passed the rules of disclosure control at the end of the report."
_STYLE: Final = """
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 75rem; margin: 0 auto; padding: 1rem; color: #0b0c0c; }
.mark { border: .25rem solid #12436d; padding: .5rem 1rem; font-weight: bold; color: #12436d; }
.mark.apart { border-color: #b10e1e; color: #b10e1e; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; margin: 1rem 0; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: bold; padding-bottom: .5rem; }
th, td { border-bottom: 1px solid #b1b4b6; padding: .25rem .75rem; text-align: right; vertical-align: top; }
th[scope=row], thead th:first-child { text-align: left; }
figure { margin: 1rem 0; }
figure img { max-width: 100%; height: auto; }
a { color: #1a5f9e; }
dt { font-weight: bold; }
dd { margin: 0 0 .5rem 0; }
"""
DEFINITIONS: Final[Mapping[str, str]] = {
    "Child in need (CIN) plan, child protection (CP) plan": (
        "plans under sections 17 and 47 of the Children Act 1989, as the children in need census records them: kind, "
        "first day and last day"
    ),
    "Extension": (
        "the extension of the Virtual School Head's duties to every child with a social worker, from September 2021"
    ),
    "Months subject to a plan": (
        "months of the academic year on a plan of one kind, overlapping plans counted once; a part month as the "
        "study's setting says"
    ),
    "Session": "half a school day; sessions missed are authorised and unauthorised absence, or suspension",
    "Persistent and severe absence": "more than 10%, and more than 50%, of possible sessions missed",
    "SEND": "special educational needs: support or an education, health and care plan in the school census",
    "FSM, IDACI": (
        "eligible for free school meals in the school census; income deprivation affecting children index of the home, "
        "from 0 to 1 (most deprived)"
    ),
    "c": "a figure that is hidden: few children stand behind it, or it would give away one that is hidden",
    "Stars": "*** p below .01, ** p below .05, * p below .10, from the p value before rounding",
}


@dataclass(frozen=True, slots=True)
class Clearance:
    """What a report says of disclosure control: its mark, the rules in force, and what was kept back and why.

    `rules` are name, value, what it does, source; `kept_back` are table, reason and next step.
    """

    mark: str
    rules: Sequence[tuple[str, str, str, str]] = ()
    kept_back: Sequence[tuple[str, str, str]] = ()
    notes: Sequence[str] = ()
    pictures: Mapping[str, str] = field(default_factory=dict)
    """Each figure's drawing (SVG) by its name."""

    @property
    def apart(self) -> bool:
        """Whether this is the set that stays behind."""
        return self.mark == NOT_FOR_RELEASE


def table_csv(table: Table, mark: str) -> str:
    """One line per figure: table, row, column, statistic, value; refused columns as lines of their own."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["table", "row", "column", "statistic", "value"])
    writer.writerow([table.id, "", "", "note", mark])
    for c in table.cells:
        writer.writerow([table.id, c.row, c.column, c.statistic, "" if c.value is None else c.value])
    for column, why in table.refused:
        writer.writerow([table.id, "", column, "refused", why])
    return out.getvalue()


LONG: Final = 60
"""Rows from which the report shows a table only when asked."""


def _fragment(table: Table, level: int, *, fold: bool = False) -> str:
    """The table and its notes, with a heading of this level; with `fold` a long table opens when asked."""
    name = table_name(table)
    head = "".join(f'<th scope="col">{escape(c)}</th>' for c in table.columns)
    body = "\n".join(
        f'<tr><th scope="row">{escape(row)}</th>{"".join(f"<td>{escape(v)}</td>" for v in values)}</tr>'
        for row, *values in grid(table)
    )
    grid_html = [
        f'<div class="scroll" role="region" aria-label="{escape(name)}" tabindex="0"><table>',
        f"<caption>{escape(table.title)}</caption>",
        f'<thead><tr><th scope="col">{"Step" if table.id == "flow" else "Row"}</th>{head}</tr></thead>',
        f"<tbody>\n{body}\n</tbody></table></div>",
    ]
    if fold and len(table.rows) > LONG:
        # A curve of every choice, or a row for each authority: a reader of the report wants the figure first.
        says = f"{table.title}: {len(table.rows):,} rows"
        grid_html = [f"<details><summary>{escape(says)}</summary>", *grid_html, "</details>"]
    parts = [f'<h{level} id="{table.id}">{escape(name)}</h{level}>', *grid_html]
    if any(c.statistic == "stars" for c in table.cells):
        parts.append("<p>Standard errors in brackets. *** p&lt;.01; ** p&lt;.05; * p&lt;.10.</p>")
    for column, why in table.refused:
        parts.append(f"<p><strong>{escape(column)}</strong>: not estimated, because {escape(clause(why))}</p>")
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


def _left_html(left: Sequence[Left]) -> str:
    if not left:
        return "<p>Nothing was left out beyond what the sample says.</p>"
    items = "".join(f"<li>{escape(left_out(x))}</li>" for x in left)
    return f"<details><summary>Counted on the way, and left out</summary><ul>{items}</ul></details>"


def _figure_html(figure: Figure, picture: str, level: int) -> str:
    name = table_name(figure.table)
    held = base64.b64encode(picture.encode()).decode()
    return (
        f'<h{level} id="{figure.id}">{escape(name)}</h{level}>\n<figure>\n'
        f'<img src="data:image/svg+xml;base64,{held}" alt="{escape(figure.describes)}">\n'
        f"<figcaption>{escape(figure.title)}. The figures drawn are in figures/{figure.id}.csv.</figcaption>\n</figure>"
    )


def _page(title: str, body: str, mark: str) -> str:
    kind = "mark apart" if mark == NOT_FOR_RELEASE else "mark"
    return (
        f'<!doctype html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n<p class="{kind}">{escape(mark)}</p>\n{body}\n'
        "</main>\n</body>\n</html>\n"
    )


def table_html(table: Table, mark: str) -> str:
    """One table as a page of its own."""
    return _page(f"{table_name(table)}: {table.title}", _fragment(table, 1), mark)


def report_html(
    study: Study,
    made: Sequence[tuple[Job, Table]],
    figures: Sequence[Figure],
    clearance: Clearance,
    *,
    settings: Sequence[Mapping[str, Any]] = (),
    comparison: str = "",
) -> str:
    """The report: what was asked, in which words, the tables and figures in their chapters, and what they bear.

    A figure stands after the last of the tables it was drawn from.
    """
    chapters = list(dict.fromkeys(job.spec.chapter for job, _ in made))
    links = [*((_slug(c), c) for c in chapters)]
    if clearance.rules:
        links.append(("disclosure", "Disclosure control"))
    links.append(("settings", "Settings"))
    after: dict[str, list[Figure]] = {}
    for figure in figures:
        after.setdefault(figure.table_after, []).append(figure)
    parts = [
        f"<h1>{escape(study.name)}</h1>",
        f"<p>{escape(asked(study))}</p>",
        _findings_html(findings(study, made), {table.id: table_name(table) for _, table in made}),
        "<h2>How to read this</h2>",
        *(f"<p>{escape(text)}</p>" for text in ((OWN_CAVEAT if study.data.home else CAVEATS[0]), *CAVEATS[1:])),
        '<nav aria-label="Chapters"><ol>'
        + "".join(f'<li><a href="#{at}">{escape(says)}</a></li>' for at, says in links)
        + "</ol></nav>",
        "<h2>Words</h2><dl>",
        *(f"<dt>{escape(word)}</dt><dd>{escape(text)}.</dd>" for word, text in DEFINITIONS.items()),
        "</dl>",
        comparison,
    ]
    for chapter in chapters:
        parts.append(f'<h2 id="{_slug(chapter)}">{escape(chapter)}</h2>')
        for job, table in made:
            if job.spec.chapter == chapter:
                parts.append(_fragment(table, 3, fold=True))
                parts += [_figure_html(f, clearance.pictures[f.id], 3) for f in after.get(table.id, ())]
    parts.append(_disclosure_html(clearance))
    parts.append('<h2 id="settings">Settings</h2><dl>')
    parts += [
        f"<dt>{escape(str(s['name']))}: {escape(str(s['value']))}</dt><dd>{escape(str(s['says']))}</dd>"
        for s in settings
    ]
    parts.append("</dl>")
    return _page(study.name, "\n".join(p for p in parts if p), clearance.mark)


def _findings_html(brief: Findings | None, names: Mapping[str, str]) -> str:
    """Half a page for a reader who reads no further; each point leads to the tables that bear it."""
    if brief is None:
        return ""

    def listed(points: Sequence[Point]) -> str:
        items = []
        for point in points:
            led = ", ".join(f'<a href="#{name}">{escape(names[name])}</a>' for name in point.tables if name in names)
            items.append(f"<li>{escape(point.text)}{f' ({led})' if led else ''}</li>")
        return f"<ul>{''.join(items)}</ul>"

    return "\n".join(
        [
            '<h2 id="findings">Findings in brief</h2>',
            f"<p>{escape(brief.whom)}. Differences that go with a plan, not proof of what caused them.</p>",
            listed(brief.found),
            *(("<h3>How sure</h3>", listed(brief.sure)) if brief.sure else ()),
            "<h3>What cannot be told</h3>",
            listed(brief.untold),
        ]
    )


CAVEATS: Final = (
    "No child was allotted to the extension: it came everywhere at once, with the years after COVID-19, and rows "
    "named after the period hold both. Months on a plan stand for exposure that nobody recorded.",
    "Estimates are associations until a reader has reason to think otherwise. A row without stars is not evidence of "
    "no effect: look at its interval for what the data cannot rule out.",
    "Under each table stand its sample, what was left out and why, and its standard errors. Where a sample is too "
    "small or a model cannot be fitted, the column says so.",
)

OWN_CAVEAT: Final = (
    "Nobody was allotted to the change: it came to everybody from one date on, with whatever else changed then, and "
    "rows named after the period or the extension hold both. Months on a plan stand for exposure that nobody recorded."
)


def asked(study: Study) -> str:
    """The study's question in a sentence or three: windows, plans, part months and the smallest group."""
    w = study.windows
    cut = f"; plans are known to {day_in_words(w.plans_to)}, so the last year is cut short" if w.plans_to else ""
    return (
        f"Outcomes in {', '.join(w.labels[: len(w.before)])} are before, in {', '.join(w.labels[len(w.before) :])} "
        f"after. A year of plans starts on {w.start(2000):%-d %B}{cut}. Part months: {study.exposure.part_months}. "
        f"Groups of fewer than {study.groups.least:,} pupils are not analysed."
    )


def _disclosure_html(clearance: Clearance) -> str:
    if not clearance.rules:
        return ""
    parts = [
        '<h2 id="disclosure">Disclosure control</h2>',
        "<p>A figure that would tell of a small number of children is printed as c, and further figures with it, so "
        "that none can be worked out from the rest. An output checker decides; this is what they are given.</p>",
    ]
    parts += [f"<p>{escape(note)}</p>" for note in clearance.notes]
    if clearance.kept_back:
        items = "".join(
            f"<li><strong>{escape(name)}</strong>: {escape(reason)} {escape(step)}</li>"
            for name, reason, step in clearance.kept_back
        )
        parts.append(f"<h3>Kept back</h3><ul>{items}</ul>")
    else:
        parts.append("<p>No table was kept back.</p>")
    rows = "".join(
        f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td><td>{escape(says)}</td>'
        f"<td>{escape(source)}</td></tr>"
        for name, value, says, source in clearance.rules
    )
    parts.append(
        '<div class="scroll" role="region" aria-label="Rules" tabindex="0"><table><caption>Rules in force</caption>'
        '<thead><tr><th scope="col">Rule</th><th scope="col">Value</th><th scope="col">What it does</th>'
        f'<th scope="col">Source</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )
    return "\n".join(parts)


def _slug(text: str) -> str:
    return text.lower().replace(" ", "-")

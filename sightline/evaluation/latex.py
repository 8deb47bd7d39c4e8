"""A table as LaTeX, to be taken into a paper: needs the packages booktabs, graphicx and, for long tables, longtable."""

from __future__ import annotations

import re
from typing import Final

from sightline.evaluation.result import Table, grid
from sightline.evaluation.words import clause, left_out, table_name

_PLAIN: Final = str.maketrans(
    {
        "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
        "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "−": "$-$", "<": "$<$", ">": "$>$", "±": r"$\pm$",
        "≤": r"$\leq$", "≥": r"$\geq$", "×": r"$\times$", "–": "--", "|": r"\textbar{}",
    }
)  # fmt: skip
WIDE: Final = 4
"""Columns of figures from which the table is set small."""
LONG: Final = 40
"""Rows from which a table goes over pages."""
LABEL: Final = 34
"""Letters from which the name of a row is broken."""


def latex(table: Table, mark: str) -> str:
    """One table with its notes, labelled `tab:` and the table's id.

    A float no wider than the line; a table of many rows is a longtable, which goes over as many pages as it needs.
    """
    size = r"\scriptsize" if len(table.columns) > 2 * WIDE else r"\footnotesize" if len(table.columns) > WIDE else ""
    long = len(table.rows) > LONG
    head = " & ".join(["", *map(_heading, table.columns)]) + r" \\"
    body = "\n".join(" & ".join([_label(row[0]), *map(plain, row[1:])]) + r" \\" for row in grid(table))
    caption = f"\\caption{{{plain(f'{table_name(table)}: {table.title}')}}}\n\\label{{tab:{table.id}}}"
    shape = f"{{l{'r' * len(table.columns)}}}"
    notes = [mark, *(f"{term}: {text}." for term, text in _told(table))]
    if any(c.statistic == "stars" for c in table.cells):
        notes.append("Standard errors in brackets. *** p<.01; ** p<.05; * p<.10.")
    notes += [*table.notes, *(f"{column}: not estimated, because {clause(why)}" for column, why in table.refused)]
    notes += map(left_out, table.left)
    said = "\n".join(rf"{plain(note)}\par" for note in notes)
    if long:
        return (
            "% Needs \\usepackage{booktabs,longtable} and UTF-8.\n{\\scriptsize\\setlength{\\tabcolsep}{3pt}\n"
            f"\\begin{{longtable}}{shape}\n{caption} \\\\\n"
            f"\\toprule\n{head}\n\\midrule\n\\endfirsthead\n\\toprule\n{head}\n\\midrule\n\\endhead\n"
            f"\\bottomrule\n\\endfoot\n{body}\n\\end{{longtable}}\n\\noindent\n{said}\n}}\n"
        )
    return (
        "% Needs \\usepackage{booktabs,graphicx} and UTF-8.\n"
        "\\begin{table}[htbp]\n\\centering" + size + "\n"
        f"{caption}\n"
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%\n"
        f"\\begin{{tabular}}{shape}\n\\toprule\n{head}\n\\midrule\n{body}\n\\bottomrule\n"
        "\\end{tabular}}\n\\par\\medskip\n\\begin{minipage}{\\linewidth}\\footnotesize\n"
        f"{said}\n\\end{{minipage}}\n\\end{{table}}\n"
    )


def _heading(column: str) -> str:
    """The name of a column, a line for each of its parts."""
    parts = [plain(part) for part in re.split(r"(?<=[,:]) ", column)]
    return parts[0] if len(parts) == 1 else r"\shortstack[r]{" + r" \\ ".join(parts) + "}"


def _label(row: str) -> str:
    """The name of a row, broken where it is long."""
    return plain(row) if len(row) <= LABEL else rf"\parbox[t]{{14em}}{{\raggedright {plain(row)}}}"


def _told(table: Table) -> list[tuple[str, str]]:
    told = [("Sample", table.sample), ("Estimator", table.estimator), ("Standard errors", table.errors)]
    return [(term, text.rstrip(".")) for term, text in (*told, ("In the report", table.source)) if text]


def plain(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return text.translate(_PLAIN)

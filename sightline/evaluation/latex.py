"""A table as LaTeX, to be taken into a paper: needs the package booktabs and nothing else."""

from __future__ import annotations

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


def latex(table: Table, mark: str) -> str:
    """One table with its notes, as a float named `tab:` and the table's id."""
    size = r"\scriptsize" if len(table.columns) > 2 * WIDE else r"\footnotesize" if len(table.columns) > WIDE else ""
    head = " & ".join(["", *map(plain, table.columns)])
    body = "\n".join(" & ".join(map(plain, row)) + r" \\" for row in grid(table))
    notes = [mark, *(f"{term}: {text}." for term, text in _told(table))]
    if any(c.statistic == "stars" for c in table.cells):
        notes.append("Standard errors in brackets. *** p<.01; ** p<.05; * p<.10.")
    notes += [*table.notes, *(f"{column}: not estimated, because {clause(why)}" for column, why in table.refused)]
    notes += map(left_out, table.left)
    said = "\n".join(rf"{plain(note)}\par" for note in notes)
    return (
        "% Needs \\usepackage{booktabs} and UTF-8.\n"
        "\\begin{table}[htbp]\n\\centering" + size + "\n"
        f"\\caption{{{plain(f'{table_name(table)}: {table.title}')}}}\n\\label{{tab:{table.id}}}\n"
        f"\\begin{{tabular}}{{l{'r' * len(table.columns)}}}\n\\toprule\n{head} \\\\\n\\midrule\n{body}\n\\bottomrule\n"
        "\\end{tabular}\n\\par\\medskip\n\\begin{minipage}{\\linewidth}\\footnotesize\n"
        f"{said}\n\\end{{minipage}}\n\\end{{table}}\n"
    )


def _told(table: Table) -> list[tuple[str, str]]:
    told = [("Sample", table.sample), ("Estimator", table.estimator), ("Standard errors", table.errors)]
    return [(term, text.rstrip(".")) for term, text in (*told, ("In the report", table.source)) if text]


def plain(text: str) -> str:
    """Text that LaTeX prints as it stands."""
    return text.translate(_PLAIN)

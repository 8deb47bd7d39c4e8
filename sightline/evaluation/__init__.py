"""The evaluation: a study as data, the linked data set, and every table of the report's technical annex.

`Study.read` says what is asked; `link` makes the linked tables in a database from those received; a `Frame` of them
goes into each table of the `CATALOGUE`. Nothing here reads or writes a file.
"""

from sightline.evaluation.against import Comparison, against_planted, against_report
from sightline.evaluation.catalogue import CATALOGUE, Job, Spec, drawing, jobs, spec
from sightline.evaluation.figures import DRAWINGS, Drawing, Figure, drawn
from sightline.evaluation.latex import latex
from sightline.evaluation.linked import LINKED, counts, link
from sightline.evaluation.received import (
    EMPTY,
    NPD,
    TABLES,
    empty_received,
    kinds_of_plans,
    may_want,
    projection,
    reference_column,
    taken,
    unread,
    wanted,
)
from sightline.evaluation.result import Cell, Left, Table, grid, shown
from sightline.evaluation.samples import Frame
from sightline.evaluation.spreadsheets import ods, sheets, xlsx
from sightline.evaluation.study import Study
from sightline.evaluation.writing import NOT_FOR_RELEASE, RELEASED, Clearance, report_html, table_csv, table_html

__all__ = [
    "CATALOGUE",
    "DRAWINGS",
    "EMPTY",
    "LINKED",
    "NOT_FOR_RELEASE",
    "NPD",
    "RELEASED",
    "TABLES",
    "Cell",
    "Clearance",
    "Comparison",
    "Drawing",
    "Figure",
    "Frame",
    "Job",
    "Left",
    "Spec",
    "Study",
    "Table",
    "against_planted",
    "against_report",
    "counts",
    "drawing",
    "drawn",
    "empty_received",
    "grid",
    "jobs",
    "kinds_of_plans",
    "latex",
    "link",
    "may_want",
    "ods",
    "projection",
    "reference_column",
    "report_html",
    "sheets",
    "shown",
    "spec",
    "table_csv",
    "table_html",
    "taken",
    "unread",
    "wanted",
    "xlsx",
]

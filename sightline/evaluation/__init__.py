"""The evaluation: a study as data, the linked data set, and every table of the report's technical annex.

`Study.read` says what is asked; `link` makes the linked tables in a database from those received; a `Frame` of them
goes into each table of the `CATALOGUE`. Nothing here reads or writes a file.
"""

from sightline.evaluation.against import Comparison, against_report
from sightline.evaluation.catalogue import CATALOGUE, Job, Spec, jobs, spec
from sightline.evaluation.figures import figure_data
from sightline.evaluation.linked import LINKED, counts, link
from sightline.evaluation.received import NPD, empty_received, kind_of_plans, projection, reference_column
from sightline.evaluation.result import Cell, Left, Table, shown
from sightline.evaluation.samples import Frame
from sightline.evaluation.study import Study
from sightline.evaluation.writing import MARK, index_html, table_csv, table_html, workbook

__all__ = [
    "CATALOGUE",
    "LINKED",
    "MARK",
    "NPD",
    "Cell",
    "Comparison",
    "Frame",
    "Job",
    "Left",
    "Spec",
    "Study",
    "Table",
    "against_report",
    "counts",
    "empty_received",
    "figure_data",
    "index_html",
    "jobs",
    "kind_of_plans",
    "link",
    "projection",
    "reference_column",
    "shown",
    "spec",
    "table_csv",
    "table_html",
    "workbook",
]

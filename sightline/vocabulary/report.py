"""The figures the evaluation report prints in tables 52 to 73, as printed: what a rerun is compared with.

Source: Department for Education, research report RR1542 (August 2025), Annex 4. Contains public sector information
licensed under the Open Government Licence v3.0. Nothing has been corrected; where two printings cannot both be right,
`DOUBTS` says so.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

REPORT: Final = "DfE research report RR1542, August 2025, Annex 4"


@dataclass(frozen=True, slots=True)
class Printed:
    """One cell of one printed table. `statistic` is estimate, se, stars, mean, percent or N."""

    table: int
    row: str
    column: str
    statistic: str
    printed: str

    @property
    def value(self) -> float:
        """The number printed. Raises ValueError for stars."""
        return float(self.printed)

    @property
    def half_step(self) -> float:
        """Half a unit of the last digit printed: what rounding alone can hide (5 for counts, printed in tens)."""
        if self.statistic == "N":
            return 5.0
        places = len(self.printed.partition(".")[2])
        return 0.5 * 10.0**-places


@dataclass(frozen=True, slots=True)
class Doubt:
    """Cells of the report that cannot be right as printed, and why. An empty `column` or `row` means all of them."""

    table: int
    row: str
    column: str
    says: str

    def holds(self, cell: Printed) -> bool:
        return cell.table == self.table and self.row in ("", cell.row) and self.column in ("", cell.column)


_KS2 = (
    "Tables 67 and 68 print different figures for the same 97% of pupils, so one of their reading columns is misprinted"
)
_KS1 = (
    "Tables 62 and 63 disagree unless the rows Writing and Maths of table 62 are exchanged: it has writing fall by 6 "
    "points and maths by 11, and table 63 by 9 and 5"
)
_PERIOD = "Period after COVID-19 / VSH extension"
DOUBTS: Final = (
    Doubt(54, "N", "CP plan: at least 3 of the 4 years", "Table 54 prints 1,160 and table 56 prints 1,610"),
    Doubt(56, "N", "at least 3 of the 4 years", "Table 54 prints 1,160 and table 56 prints 1,610"),
    Doubt(60, "N", "at least 3 of the 4 years", "Table 58 prints 1,340; 7,360 is the number of table 54"),
    Doubt(60, "Months subject to a CP plan after VSH extension", "at least 2 of the 4 years", "0.005 with a standard "
          "error of 0.014 cannot have three stars"),
    *(Doubt(62, row, "", _KS1) for row in ("Writing", "Maths")),
    *(Doubt(67, row, "Reading", _KS2) for row in (_PERIOD, "IDACI score", "Female", "Subject to a CIN plan")),
    *(Doubt(68, row, "Reading", _KS2) for row in (_PERIOD, "IDACI score", "Female")),
    Doubt(72, "Constant", "Attainment 8 score", "53.96 with a standard error of 0.037 must have stars"),
)  # fmt: skip


@cache
def printed_cells() -> tuple[Printed, ...]:
    """Every printed cell of tables 52 to 73, in the order of the report."""
    path = resources.files("sightline.vocabulary") / "data" / "report.csv"
    with path.open(encoding="utf-8") as lines:
        return tuple(
            Printed(int(r["table"]), r["row"], r["column"], r["statistic"], r["printed"]) for r in csv.DictReader(lines)
        )


@cache
def printed_table(number: int) -> Mapping[tuple[str, str, str], Printed]:
    """The cells of one table by (row, column, statistic); empty when the table is not among them."""
    return {(c.row, c.column, c.statistic): c for c in printed_cells() if c.table == number}


def doubt(cell: Printed) -> str:
    """Why a printed cell cannot be taken at its word; empty when nothing is known against it."""
    return next((d.says for d in DOUBTS if d.holds(cell)), "")

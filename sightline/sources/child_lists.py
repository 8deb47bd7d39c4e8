"""What lists of children without a national layout share: how columns are known, and how rows are read and written.

One row per period of a child, in whatever id the sender gives children, with the UPN where there is one. A list is
known by a column that only lists of its kind have, by a column that says who, and by a start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading
from sightline.sources.columns import (
    bench,
    coded,
    first,
    judge_order,
    latest_day,
    name,
    postcode,
    squeezed,
    target,
    words,
)
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.pupil_lists import (
    PUPIL,
    SCHOOL,
    agreed_columns,
    columns_of,
    conformed,
    flat,
    judge_header,
    list_begins,
)
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding
from sightline.vocabulary.tables import TABLES, Type

WHO = ("upn", "former_upn", "surname", "forename", "birth_date", "sex")
END = r".*(enddate|dateend(ed)?|closeddate|dateclosed|closuredate|todate|dateto)|.*end|to"
START = (
    r".*(startdate|datestart(ed)?|commenced?|fromdate|datefrom|begindate|dateopened|opendate|referraldate|"
    r"dateofreferral)|.*(start|from)"
)
POSTCODE = r".*postcode.*"
_PUPILS_OWN = frozenset({*PUPIL, *SCHOOL} - {"upn"})
Cells = Mapping[str, str]


def _nothing_more(database: Database, cells: Cells, ref: str, findings: list[Finding]) -> dict[str, pa.Table]:
    return {}


def _no_more_to_judge(table: pa.Table, findings: list[Finding]) -> None:
    return


@dataclass(frozen=True, slots=True)
class ChildList:
    """One kind of list: what tells it, the table it fills, the flat names of its columns by meaning, its headings.

    `useful` are meanings whose lack is worth a word, `codes` the code list of a column. `more` makes the tables
    beside the first, and `judge` adds findings of that one. `identity` is SQL of the columns
    that say who the child of a row `t` is, and `joined` what it joins, for a list to be written.
    """

    kind: str
    system: str
    table: str
    says: str
    telling: str
    columns: Mapping[str, str]
    headings: Mapping[str, str]
    identity: str
    joined: str = ""
    useful: Mapping[str, str] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)
    more: Callable[[Database, Cells, str, list[Finding]], dict[str, pa.Table]] = _nothing_more
    judge: Callable[[pa.Table, list[Finding]], None] = _no_more_to_judge

    def found_in(self, header: Sequence[str]) -> dict[str, list[str]]:
        """The columns of a header by what they mean. The child's own id comes before the ids that pupils' lists use."""
        return columns_of(header, self.columns, without=_PUPILS_OWN)

    def recognise(self, head: Head) -> bool:
        return any(re.fullmatch(self.telling, flat(column)) for column in head.header) and _enough(
            self.found_in(head.header)
        )

    def read(self, path: Path, context: Context) -> Reading:
        """One period per row, and one child per id."""
        findings: list[Finding] = []
        raw = read_delimited(path, findings)
        header = [c for c in raw.column_names if c != "line"]
        found = self.found_in(header) | agreed_columns(header, context.mappings, self.columns)
        if not _enough(found):
            raise UnreadableFile(f"{self.says} needs a column for the child's id (or UPN) and one for the start.")
        judge_header(raw.column_names, found, self.useful, self.table, findings)
        cells = {what: first(found.get(what, ()), raw.column_names) for what in (*self.columns, *WHO)}
        cells |= {what: squeezed(cells[what]) for what in ("upn", "former_upn")}
        cells |= {"sex": coded(cells["sex"], words("sex", "sex")), "postcode": postcode(cells["postcode"])}
        cells |= {what: coded(cells[what], words(listed, listed)) for what, listed in self.codes.items()}
        ref = f"coalesce({cells['child_ref']}, {cells['upn']})"
        with bench(raw) as database:
            wanted = [c for c in TABLES[self.table].names if c not in ("child_ref", "line")]
            table = conformed(database, self.table, {"child_ref": ref} | {c: cells[c] for c in wanted}, findings)
            tables = {self.table: table, **self.more(database, cells, ref, findings)}
        judge_order(table, self.table, "child_ref", findings)
        self.judge(table, findings)
        days = ("start_date", "end_date")
        last = latest_day(table, days, findings, name_of_table=self.table, until=context.received)
        since, covers = list_begins(table, "child_ref")
        return Reading(
            kind=self.kind,
            system=self.system,
            period=f"{since} to {last}" if last else "no dates",
            covers=covers,
            as_at=last.isoformat() if last else "",
            tables=tables,
            received={self.kind: raw},
            findings=findings,
        )

    def write(self, reading: Reading, path: Path) -> list[Path]:
        """One CSV of periods with who the child is."""
        made = []
        for column, heading in self.headings.items():
            x = f"t.{name(column)}"
            x = f"strftime({x}, '%d/%m/%Y')" if TABLES[self.table][column].type is Type.DATE else x
            made.append(f'{x}::TEXT AS "{heading}"')
        with Database.of(reading.tables) as database:
            database.execute("SET preserve_insertion_order = true")
            rows = database.query(
                f'SELECT t.child_ref AS "Child ID", {self.identity}, {", ".join(made)} '
                f"FROM {self.table} t {self.joined} ORDER BY t.line, t.start_date, t.child_ref"
            )
        return [write_delimited(rows, target(path, f"{self.table}.csv"))]


def _enough(found: Mapping[str, list[str]]) -> bool:
    return bool(found.keys() & {"child_ref", "upn"}) and "start_date" in found


def written_who(alias: str) -> str:
    """SQL of the columns that describe a child, of a row that has them."""
    return (
        f'{alias}.surname AS "Surname", {alias}.forename AS "Forename", '
        f'strftime({alias}.birth_date, \'%d/%m/%Y\') AS "Date of birth", {alias}.sex AS "Sex", '
        f'{alias}.postcode AS "Postcode"'
    )

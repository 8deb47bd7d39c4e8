"""Lists an authority keeps of children who are not in school full time: one CSV each, one row per period.

Part-time timetables, children missing education, children educated at home by choice, and placements away from the
school (alternative provision, off-site direction, managed moves). None has a national layout: see `pupil_lists` for how
columns are known. A list says what it is by a column that no other list has ("PTT start", "CME reason", "EHE from",
"AP provider"); one that does not is agreed once (a mapping with its kind).

A later list replaces an earlier one when both begin with the same pupils of the same first day.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, coded, counted, first, judge_order, latest_day, target, words
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.pupil_lists import (
    PUPIL,
    Who,
    agreed_columns,
    columns_of,
    conformed,
    flat,
    joined,
    judge_header,
    judge_hours,
    judge_starts,
    list_begins,
    written_identity,
)
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.tables import TABLES, Type

SYSTEM = "education-registers"
_ARRANGEMENTS = {"AP": "Alternative provision", "OSD": "Off-site direction", "MM": "Managed move"}
# Flat names of columns, by meaning, tried in this order.
_DAYS = {
    "end_date": r".*(enddate|dateend(ed)?|closeddate|dateclosed|closuredate|dateresolved|todate|dateto)|.*end|"
    r"(ehe|cme|ptt|ap)?to",
    "review_date": r".*review.*",
    "start_date": r".*(startdate|datestart(ed)?|commenced?|commencement(date)?|fromdate|datefrom|begindate|dateopened|"
    r"opendate|dateidentified|datenotified|notificationdate|referraldate|dateofreferral|movedate)|.*(start|from|since)",
}
_REASON = {"reason": r".*(reason|why).*"}
_OUTCOME = {"outcome": r".*(outcome|destination|suitab|result).*"}
_HOURS = {"hours": r".*hours.*"}
_PROVIDER = {"provider_ref": r".*(provider|hostschool|receivingschool|provisionname|nameofprovision|placementname).*"}


@dataclass(frozen=True, slots=True)
class Register:
    """One kind of list: what tells it, the table it fills, the names of its columns, and the headings we write."""

    kind: str
    says: str
    table: str
    telling: str
    columns: Mapping[str, str]
    headings: Mapping[str, str]
    useful: Mapping[str, str] = field(default_factory=dict)


REGISTERS = (
    Register(
        "part-time-timetables",
        "Part-time timetables (CSV)",
        "part_time_timetable",
        r"ptt.*|.*(parttime|reducedtimetable|reducedhours).*",
        {**_DAYS, **_HOURS, "parent_agreed": r".*(parent|carer).*(agree|consent).*|.*(agree|consent).*(parent|carer).*",
         **_REASON},
        {
            "start_date": "Part-time timetable start date",
            "end_date": "End date",
            "review_date": "Review date",
            "hours": "Hours a week",
            "reason": "Reason",
            "parent_agreed": "Parent agreed",
        },
        {"end_date": "when it is meant to end", "hours": "how many hours a week it gives", "school": "the school"},
    ),
    Register(
        "missing-education",
        "Children missing education (CSV)",
        "missing_education",
        r"cme.*|.*missing(from)?education.*",
        {**_DAYS, **_OUTCOME, **_REASON},
        {"start_date": "CME start date", "end_date": "CME end date", "reason": "CME reason", "outcome": "Outcome"},
        {"end_date": "when it ended"},
    ),
    Register(
        "home-education",
        "Children educated at home (CSV)",
        "home_education",
        r"ehe.*|.*homeeducat.*",
        {**_DAYS, **_OUTCOME, **_REASON},
        {"start_date": "EHE start date", "end_date": "EHE end date", "reason": "EHE reason", "outcome": "Outcome"},
        {"end_date": "when it ended"},
    ),
    Register(
        "alternative-provision",
        "Alternative provision, off-site direction and managed moves (CSV)",
        "alternative_provision",
        r".*(alternativeprovi|approvider|apstart|offsite|managedmove|hostschool|receivingschool).*",
        {**_DAYS, **_HOURS, **_OUTCOME, **_REASON, "arrangement": r"(.*)(typeof|type|arrangement|kind).*",
         **_PROVIDER},
        {
            "kind": "Arrangement",
            "provider_ref": "AP provider",
            "start_date": "Start date",
            "end_date": "End date",
            "review_date": "Review date",
            "hours": "Hours a week",
            "reason": "Reason",
            "outcome": "Outcome",
        },
        {"provider_ref": "the provider or host school", "school": "the school", "end_date": "when it ends"},
    ),
)  # fmt: skip


def found_in(register: Register, header: Sequence[str]) -> dict[str, list[str]]:
    """The columns of a header by what they mean on this list."""
    return columns_of(header, register.columns)


def _recognise(register: Register, head: Head) -> bool:
    header = head.header
    if not any(re.fullmatch(register.telling, flat(column)) for column in header):
        return False
    if any(flat(column).endswith("tableid") for column in header) or "time_period" in header:
        return False  # a table of the school census, or national figures
    found = found_in(register, header)
    return bool(found.keys() & set(PUPIL)) and "start_date" in found


def _read(register: Register, path: Path, context: Context) -> Reading:
    """One period per row, and one pupil per UPN or own id."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    header = [c for c in raw.column_names if c != "line"]
    found = found_in(register, header) | agreed_columns(header, context.mappings, register.columns)
    if not found.keys() & set(PUPIL) or "start_date" not in found:
        raise UnreadableFile("The list needs a column for the UPN (or the pupil's id) and one for the first day.")
    judge_header(raw.column_names, found, register.useful, register.table, findings)
    who = Who(found, raw.column_names)
    cells = {"pupil_ref": who.ref, "school_ref": who.school}
    cells |= {what: first(found.get(what, ()), raw.column_names) for what in register.columns}
    if register.table == "alternative_provision":
        # An agreed mapping has its kind of file under "kind".
        cells["kind"] = _kind(cells.pop("arrangement"), found, header)
    if "hours" in cells:
        # "12.5 hours", "12h 30" and the like are told; a bare unit after the number is not worth a word.
        cells["hours"] = f"regexp_replace(lower({cells['hours']}), '\\s*(h|hrs?|hours?)(\\s*(a|per)\\s*week)?$', '')"
    with bench(raw) as database:
        who.judge_school(database, register.table, findings)
        table = conformed(database, register.table, cells, findings)
        tables = {register.table: table, **who.tables(database, findings)}
    _judge(table, register, findings)
    last = latest_day(table, ("start_date",), findings, name_of_table=register.table, until=context.received)
    since, covers = list_begins(table)
    return Reading(
        kind=register.kind,
        system=SYSTEM,
        period=f"{since} to {last}" if last else "no dates",
        covers=covers,
        as_at=last.isoformat() if last else "",
        tables=tables,
        received={register.kind: raw},
        findings=findings,
    )


def _kind(x: str, found: Mapping[str, list[str]], header: Sequence[str]) -> str:
    """The arrangement in code: as the row says, else as the columns' names do, else alternative provision."""
    names = " ".join(flat(column) for column in header)
    usual = "MM" if "managedmove" in names else "OSD" if "offsite" in names else "AP"
    return f"coalesce({coded(x, words('provision_kind', 'provision_kind'))}, '{usual}')"


def _judge(table: pa.Table, register: Register, findings: list[Finding]) -> None:
    judge_order(table, register.table, "pupil_ref", findings)
    judge_starts(table, register.table, "pupil_ref", findings)
    if "hours" in table.column_names:
        judge_hours(table, register.table, "hours", "pupil_ref", findings)
    with bench(table) as database:
        again = (
            "(FROM raw QUALIFY row_number() OVER (PARTITION BY pupil_ref, school_ref, start_date ORDER BY line) > 1)"
        )
        twice = int(database.one(f"SELECT count(*) FROM {again}"))
    if twice:
        says = f"{counted(twice)} of a pupil, school and first day that stand on an earlier row too; all were kept."
        findings.append(
            Finding("repeated-record", Severity.QUERY, says, register.table, field="start_date",
                    right="one row for each period")
        )  # fmt: skip


def _write(register: Register, reading: Reading, path: Path) -> list[Path]:
    """One CSV with headings that tell what it is. A pupil with a UPN is written under it."""
    said = ", ".join(f"'{code}': '{word}'" for code, word in _ARRANGEMENTS.items())
    made = []
    for column, heading in register.headings.items():
        x = f't."{column}"'
        kind = TABLES[register.table][column].type
        if kind is Type.DATE:
            x = f"strftime({x}, '%d/%m/%Y')"
        elif kind is Type.FLAG:
            x = f"CASE WHEN {x} THEN 'Yes' WHEN NOT {x} THEN 'No' END"
        elif column == "kind":
            x = f"coalesce((MAP {{{said}}})[{x}], {x})"
        made.append(f'{x}::TEXT AS "{heading}"')
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        rows = database.query(
            f"SELECT {written_identity('pupil_ref', 't')}, {', '.join(made)} FROM {register.table} t {joined('t')} "
            "ORDER BY t.line, t.start_date, t.pupil_ref"
        )
    return [write_delimited(rows, target(path, f"{register.kind}.csv"))]


SOURCES: tuple[Source, ...] = tuple(
    Source(r.kind, r.says, partial(_recognise, r), partial(_read, r), partial(_write, r)) for r in REGISTERS
)

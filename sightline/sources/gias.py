"""Get Information about Schools: the extract of all establishments, and the file of links between them.

Columns are read by name, in any layout of 2019 to 2025 and any order; the many columns not named here belong to the
register and are not used. The extract says nowhere when it was made, so `as_at` is the latest day in it on which an
establishment's details changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import (
    ABSENT,
    bench,
    day,
    first,
    judge_columns,
    judge_values,
    latest_day,
    list_rows,
    name,
    postcode,
    target,
)
from sightline.sources.conform import conform
from sightline.sources.delimited import normal_name, read_delimited, write_delimited
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import urn_fault
from sightline.vocabulary.tables import TABLES, Type

# Vocabulary column: names in the register, the one we write first. `laestab` is made of two columns.
SCHOOL: Mapping[str, tuple[str, ...]] = {
    "urn": ("URN",),
    "authority": ("LA (code)",),
    "name": ("EstablishmentName",),
    "type": ("TypeOfEstablishment (name)",),
    "type_group": ("EstablishmentTypeGroup (name)",),
    "status": ("EstablishmentStatus (name)",),
    "open_date": ("OpenDate",),
    "close_date": ("CloseDate",),
    "phase": ("PhaseOfEducation (name)",),
    "low_age": ("StatutoryLowAge",),
    "high_age": ("StatutoryHighAge",),
    "trust_ref": ("Trusts (code)",),
    "trust_name": ("Trusts (name)",),
    "ukprn": ("UKPRN",),
    "locality": ("Town", "Locality"),
    "postcode": ("Postcode",),
}
NUMBER = "EstablishmentNumber"
CHANGED = "LastChangedDate"
LINK: Mapping[str, tuple[str, ...]] = {
    "urn": ("URN",),
    "link_urn": ("LinkURN",),
    "link_type": ("LinkType",),
    "link_date": ("LinkEstablishedDate",),
}


def _lower(wanted: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {column: tuple(normal_name(n) for n in names) for column, names in wanted.items()}


def _is_extract(head: Head) -> bool:
    return {"urn", "la (code)", "establishmentname"} <= set(head.header)


def _is_links(head: Head) -> bool:
    return {"urn", "linkurn"} <= set(head.header)


def read_schools(path: Path, context: Context) -> Reading:
    """One school per row of the extract."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    present, wanted = set(raw.column_names), _lower(SCHOOL)
    if "urn" not in present:
        raise UnreadableFile("The extract of schools needs a column named URN.")
    _refuse_empty(raw, "school")
    number = normal_name(NUMBER)
    judge_columns(present, wanted | {"laestab": (number,)}, known=present, table="school", findings=findings)
    cells = {column: first(names, present) for column, names in wanted.items()}
    cells["authority"] = _padded(cells["authority"], 3)
    establishment = first((number,), present)
    cells["laestab"] = f"{cells['authority']} || {_padded(establishment, 4)}"
    cells["postcode"] = postcode(cells["postcode"])
    changed = first((normal_name(CHANGED),), present)
    with bench(raw) as database:
        schools = _conformed(database, "school", cells, findings)
        last = latest_day(
            database.query(f"SELECT {day(changed)}::DATE AS changed, line FROM raw"), ("changed",), findings
        )
    schools = _judged(schools, findings)
    return Reading(
        kind="gias",
        system="gias",
        period=f"register of schools to {last}" if last else "register of schools",
        covers="schools",
        as_at=_text(last),
        tables={"school": schools},
        received={"gias": raw},
        findings=findings,
    )


def read_links(path: Path, context: Context) -> Reading:
    """One link per row, as the register gives it: each pair of schools usually stands in both directions."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    present, wanted = set(raw.column_names), _lower(LINK)
    if not {"urn", "linkurn"} <= present:
        raise UnreadableFile("The file of links between schools needs the columns URN and LinkURN.")
    _refuse_empty(raw, "link")
    judge_columns(present, wanted, known=("linkname",), table="school_link", findings=findings)
    with bench(raw) as database:
        cells = {column: first(names, present) for column, names in wanted.items()}
        links = _conformed(database, "school_link", cells, findings)
    for column in ("urn", "link_urn"):
        _judge_urn(links, "school_link", column, findings)
    last = latest_day(links, ("link_date",), findings, name_of_table="school_link")
    return Reading(
        kind="gias-links",
        system="gias",
        period=f"links between schools to {last}" if last else "links between schools",
        covers="links",
        as_at=_text(last),
        tables={"school_link": links},
        received={"gias-links": raw},
        findings=findings,
    )


def _refuse_empty(raw: pa.Table, what: str) -> None:
    """Without a row the file would take the place of the register that is in force, and leave no school."""
    if not raw.num_rows:
        raise UnreadableFile(
            f"The file has the column names of the register of schools and not one {what}; please download it again."
        )


def _padded(x: str, width: int) -> str:
    """A number with the zeros a spreadsheet took from its front."""
    return f"CASE WHEN length({x}) < {width} THEN lpad({x}, {width}, '0') ELSE {x} END"


def _text(last: date | None) -> str:
    return last.isoformat() if last else ""


def _conformed(database: Database, table: str, cells: Mapping[str, str], findings: list[Finding]) -> pa.Table:
    selected = ", ".join(f"({x})::TEXT AS {name(column)}" for column, x in cells.items() if x != ABSENT)
    return conform(database.query(f"SELECT {selected}, line FROM raw ORDER BY line"), table, findings=findings)


def _judge_urn(table: pa.Table, name_of_table: str, column: str, findings: list[Finding]) -> None:
    with bench(table) as database:
        judge_values(
            database,
            "raw",
            column,
            urn_fault,
            doubtful=f"NOT regexp_full_match({name(column)}, '[1-9][0-9]{{5}}')",
            rule="urn",
            severity=Severity.ERROR,
            table=name_of_table,
            right="six digits",
            record=name(column),
            findings=findings,
        )


def _judged(schools: pa.Table, findings: list[Finding]) -> pa.Table:
    """The schools with one row per URN: of a URN that stands twice the first row is kept."""
    _judge_urn(schools, "school", "urn", findings)
    with bench(schools) as database:
        twice = "FROM raw QUALIFY row_number() OVER (PARTITION BY urn ORDER BY line)"
        list_rows(
            database,
            "true",
            rule="repeated-record",
            severity=Severity.QUERY,
            says="This URN stood on an earlier row too; the earlier row was kept.",
            table="school",
            field="urn",
            findings=findings,
            value="urn",
            right="one row per school",
            record="urn",
            relation=f"({twice} > 1)",
        )
        return database.conformed("school", f"{twice} = 1 ORDER BY line")


def _written(table: str, column: str) -> str:
    x = name(column)
    return f"strftime({x}, '%d-%m-%Y')" if TABLES[table][column].type is Type.DATE else f"{x}::TEXT"


def write_schools(reading: Reading, path: Path) -> list[Path]:
    """One extract with the columns that are read, under the register's names; a folder gives the usual file name."""
    columns = [f"{_written('school', c)} AS {name(names[0])}" for c, names in SCHOOL.items()]
    columns.insert(2, f"laestab[4:] AS {name(NUMBER)}")
    stamp = date.fromisoformat(reading.as_at) if reading.as_at else None
    columns.append(f"'{stamp:%d-%m-%Y}' AS {name(CHANGED)}" if stamp else f"NULL::TEXT AS {name(CHANGED)}")
    usual = f"edubasealldata{stamp:%Y%m%d}.csv" if stamp else "edubasealldata.csv"
    return _write(reading, "school", columns, target(path, usual))


def write_links(reading: Reading, path: Path) -> list[Path]:
    """One file of links, without the other school's name."""
    columns = [f"{_written('school_link', c)} AS {name(names[0])}" for c, names in LINK.items()]
    return _write(reading, "school_link", columns, target(path, "links_edubasealldata.csv"))


def _write(reading: Reading, table: str, columns: list[str], path: Path) -> list[Path]:
    with Database.of({table: reading.tables[table]}, complete=False) as database:
        database.execute("SET preserve_insertion_order = true")
        return [write_delimited(database.query(f"SELECT {', '.join(columns)} FROM {table} ORDER BY line"), path)]


SOURCES: tuple[Source, ...] = (
    Source("gias", "Register of schools (GIAS establishment extract)", _is_extract, read_schools, write_schools),
    Source("gias-links", "Links between schools (GIAS)", _is_links, read_links, write_links),
)

"""Early help episodes: the Standard Safeguarding Dataset's table (earl_ columns), and lists that early help teams keep.

The dataset's table speaks in person ids (system "ssd"); a list in whatever id its sender gives children (system
"early-help"), with the UPN as an identifier where there is one. A list is known by a column that only such lists have
(lead practitioner, early help episode), and by a start.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import (
    bench,
    coded,
    first,
    judge_columns,
    judge_identifiers,
    judge_order,
    latest_day,
    literal,
    name,
    postcode,
    squeezed,
    target,
    words,
)
from sightline.sources.conform import conform
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.pupil_lists import agreed_columns, conformed, flat, identity_of, judge_header, list_begins
from sightline.sources.ssd_tables import NOTHING
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding
from sightline.vocabulary.tables import TABLES, Type

KIND_SSD, KIND, SYSTEM = "ssd-early-help-episodes", "early-help", "early-help"
SSD: Mapping[str, tuple[str, ...]] = {
    "episode_ref": ("earl_episode_id",),
    "child_ref": ("earl_person_id",),
    "start_date": ("earl_episode_start_date",),
    "end_date": ("earl_episode_end_date",),
    "reason": ("earl_episode_reason",),
    "end_reason": ("earl_episode_end_reason",),
    "organisation": ("earl_episode_organisation",),
    "worker_ref": ("earl_episode_worker_id",),
}
_TELLING = re.compile(r".*earlyhelp.*|eh(a|m|episode|start|end|assessment).*|leadpractitioner.*|leadprofessional.*")
_CHILD = r"(child|person|client|episodechild)(id|ref|reference|number|uniqueid)|id|mosaicid|liquidlogicid|eclipseid"
COLUMNS: Mapping[str, str] = {
    "episode_ref": r".*(episode|involvement|case|assessment)(id|ref|reference|number)",
    "child_ref": _CHILD,
    "end_reason": r".*(endreason|reasonforend(ing)?|closurereason|reasonforclosure|outcome).*",
    "reason": r".*reason.*|.*need.*",
    "end_date": r".*(enddate|dateend(ed)?|closeddate|dateclosed|closuredate|todate|dateto)|.*end|to",
    "start_date": r".*(startdate|datestart(ed)?|commenced?|fromdate|datefrom|begindate|dateopened|opendate|"
    r"referraldate|dateofreferral)|.*(start|from)",
    "organisation": r".*(organisation|agency|service|team).*",
    "worker_ref": r".*(practitioner|professional|worker|keyworker).*",
    "postcode": r".*postcode.*",
}
_HEADINGS = {
    "episode_ref": "Early help episode id",
    "start_date": "Start date",
    "end_date": "End date",
    "reason": "Reason",
    "end_reason": "Closure reason",
    "organisation": "Organisation",
    "worker_ref": "Lead practitioner",
}


def _is_ssd(header: Sequence[str]) -> bool:
    return len({n for names in SSD.values() for n in names} & set(header)) >= 2


def read_ssd(path: Path, context: Context) -> Reading:
    """One episode per row of the dataset's table."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    present = set(raw.column_names)
    if not _is_ssd(raw.column_names):
        raise UnreadableFile("The columns of ssd_early_help_episodes were expected; they begin with earl_.")
    judge_columns(present, SSD, spared=("child_ref",), table="early_help", findings=findings)
    with bench(raw) as database:
        cells = {column: first(names, present, nothing=NOTHING) for column, names in SSD.items()}
        table = conformed(database, "early_help", cells, findings)
    judge_order(table, "early_help", "child_ref", findings)
    last = latest_day(table, ("start_date", "end_date"), findings, name_of_table="early_help", until=context.received)
    return Reading(
        kind=KIND_SSD,
        system="ssd",
        period=f"early help episodes, as at {last} by the latest date held" if last else "early help episodes",
        covers="ssd_early_help_episodes",
        as_at=last.isoformat() if last else "",
        tables={"early_help": table},
        received={"ssd_early_help_episodes": raw},
        findings=findings,
    )


def write_ssd(reading: Reading, path: Path) -> list[Path]:
    """One CSV with the dataset's names of columns."""
    columns = []
    for column, (written, *_) in SSD.items():
        day = TABLES["early_help"][column].type is Type.DATE
        x = f"strftime({column}, '%Y-%m-%d 00:00:00.000')" if day else column
        columns.append(f"{x}::TEXT AS {written}")
    with Database.of({"early_help": reading.tables["early_help"]}, complete=False) as database:
        rows = database.query(f"SELECT {', '.join(columns)} FROM early_help ORDER BY line")
    return [write_delimited(rows, target(path, "ssd_early_help_episodes.csv"))]


def found_in(header: Sequence[str]) -> dict[str, list[str]]:
    """The columns of a list. The child's own id comes before the pupil ids that other lists use."""
    found = {
        w: c for w, c in identity_of(header).items() if w not in ("pupil_id", "admission", "urn", "laestab", "school")
    }
    taken = {column for columns in found.values() for column in columns}
    for what, pattern in COLUMNS.items():
        for column in header:
            if column not in taken and column != "line" and re.fullmatch(pattern, flat(column)):
                found[what] = [column]
                taken.add(column)
                break
    return found


def _recognise(head: Head) -> bool:
    if _is_ssd(head.header) or not any(_TELLING.fullmatch(flat(column)) for column in head.header):
        return False
    found = found_in(head.header)
    return bool(found.keys() & {"child_ref", "upn"}) and "start_date" in found


def read_list(path: Path, context: Context) -> Reading:
    """One episode per row, and one child per id."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    header = [c for c in raw.column_names if c != "line"]
    found = found_in(header) | agreed_columns(header, context.mappings, COLUMNS)
    if not found.keys() & {"child_ref", "upn"} or "start_date" not in found:
        raise UnreadableFile("A list of early help needs a column for the child's id (or UPN) and one for the start.")
    useful = {"end_date": "when it ended", "organisation": "the lead organisation"}
    judge_header(raw.column_names, found, useful, "early_help", findings)
    asked = (*COLUMNS, "upn", "former_upn", "surname", "forename", "birth_date", "sex")
    cells = {what: first(found.get(what, ()), raw.column_names) for what in asked}
    cells |= {w: squeezed(cells[w]) for w in ("upn", "former_upn")}
    ref = f"coalesce({cells['child_ref']}, {cells['upn']})"
    with bench(raw) as database:
        wanted = [c for c in TABLES["early_help"].names if c not in ("child_ref", "line")]
        table = conformed(database, "early_help", {"child_ref": ref} | {c: cells[c] for c in wanted}, findings)
        tables = {"early_help": table, **_children(database, cells, ref, findings)}
    judge_order(table, "early_help", "child_ref", findings)
    last = latest_day(table, ("start_date", "end_date"), findings, name_of_table="early_help", until=context.received)
    since, covers = list_begins(table, "child_ref")
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{since} to {last}" if last else "no dates",
        covers=covers,
        as_at=last.isoformat() if last else "",
        tables=tables,
        received={KIND: raw},
        findings=findings,
    )


def _children(database: Database, cells: Mapping[str, str], ref: str, findings: list[Finding]) -> dict[str, pa.Table]:
    rows = database.query(
        f"SELECT {ref} AS child_ref, {cells['surname']} AS surname, {cells['forename']} AS forename, "
        f"{cells['birth_date']} AS birth_date, {coded(cells['sex'], words('sex', 'sex'))} AS sex, "
        f"{postcode(cells['postcode'])} AS postcode, line FROM raw WHERE {ref} IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY child_ref ORDER BY line) = 1 ORDER BY line"
    )
    parts = " UNION ALL ".join(
        f"SELECT {ref} AS ref, {literal(kind)} AS kind, {cells[kind]} AS value, line, {place} AS place FROM raw"
        for place, kind in enumerate(("upn", "former_upn"))
    )
    held = database.query(
        f"FROM ({parts}) WHERE ref IS NOT NULL AND value IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY ref, kind, value ORDER BY line) = 1 ORDER BY line, place"
    )
    identifiers = conform(held, "identifier", findings=findings)
    judge_identifiers(identifiers, findings)
    return {"child": conform(rows, "child", findings=findings), "identifier": identifiers}


def write_list(reading: Reading, path: Path) -> list[Path]:
    """One CSV of episodes with who the child is."""
    made = []
    for column, heading in _HEADINGS.items():
        x = f"e.{name(column)}"
        x = f"strftime({x}, '%d/%m/%Y')" if TABLES["early_help"][column].type is Type.DATE else x
        made.append(f'{x}::TEXT AS "{heading}"')
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        rows = database.query(
            f"""
            SELECT e.child_ref AS "Child ID", ids.upn AS "UPN", ids.former AS "Former UPN", c.surname AS "Surname",
                c.forename AS "Forename", strftime(c.birth_date, '%d/%m/%Y') AS "Date of birth", c.sex AS "Sex",
                c.postcode AS "Postcode", {", ".join(made)}
            FROM early_help e
            LEFT JOIN (
                SELECT ref, min(value) FILTER (kind = 'upn') AS upn, min(value) FILTER (kind = 'former_upn') AS former
                FROM identifier GROUP BY ref
            ) ids ON ids.ref = e.child_ref
            LEFT JOIN (FROM child QUALIFY row_number() OVER (PARTITION BY child_ref ORDER BY line) = 1) c
                ON c.child_ref = e.child_ref
            ORDER BY e.line, e.start_date, e.child_ref
            """
        )
    return [write_delimited(rows, target(path, "early_help.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND_SSD, "SSD: early help episodes", lambda head: _is_ssd(head.header), read_ssd, write_ssd),
    Source(KIND, "Early help episodes (CSV)", _recognise, read_list, write_list),
)

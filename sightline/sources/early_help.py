"""Early help episodes: the Standard Safeguarding Dataset's table (earl_ columns), and lists that early help teams keep.

The dataset's table speaks in person ids (system "ssd"); a list in whatever id its sender gives children (system
"early-help"), with the UPN as an identifier where there is one. A list is known by a column that only such lists have
(lead practitioner, early help episode), and by a start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Reading, Source
from sightline.sources.child_lists import END, POSTCODE, START, Cells, ChildList, written_who
from sightline.sources.columns import (
    bench,
    first,
    judge_columns,
    judge_identifiers,
    judge_order,
    latest_day,
    literal,
    target,
)
from sightline.sources.conform import conform
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.pupil_lists import conformed
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


def _children(database: Database, cells: Cells, ref: str, findings: list[Finding]) -> dict[str, pa.Table]:
    rows = database.query(
        f"SELECT {ref} AS child_ref, {cells['surname']} AS surname, {cells['forename']} AS forename, "
        f"{cells['birth_date']} AS birth_date, {cells['sex']} AS sex, {cells['postcode']} AS postcode, line FROM raw "
        f"WHERE {ref} IS NOT NULL QUALIFY row_number() OVER (PARTITION BY child_ref ORDER BY line) = 1 ORDER BY line"
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


LIST = ChildList(
    KIND,
    SYSTEM,
    "early_help",
    "A list of early help",
    r".*earlyhelp.*|eh(a|m|episode|start|end|assessment).*|leadpractitioner.*|leadprofessional.*",
    {
        "episode_ref": r".*(episode|involvement|case|assessment)(id|ref|reference|number)",
        "child_ref": r"(child|person|client|episodechild)(id|ref|reference|number|uniqueid)|id|mosaicid|liquidlogicid|"
        r"eclipseid",
        "end_reason": r".*(endreason|reasonforend(ing)?|closurereason|reasonforclosure|outcome).*",
        "reason": r".*reason.*|.*need.*",
        "end_date": END,
        "start_date": START,
        "organisation": r".*(organisation|agency|service|team).*",
        "worker_ref": r".*(practitioner|professional|worker|keyworker).*",
        "postcode": POSTCODE,
    },
    {
        "episode_ref": "Early help episode id",
        "start_date": "Start date",
        "end_date": "End date",
        "reason": "Reason",
        "end_reason": "Closure reason",
        "organisation": "Organisation",
        "worker_ref": "Lead practitioner",
    },
    identity=f'ids.upn AS "UPN", ids.former AS "Former UPN", {written_who("c")}',
    joined="""LEFT JOIN (
            SELECT ref, min(value) FILTER (kind = 'upn') AS upn, min(value) FILTER (kind = 'former_upn') AS former
            FROM identifier GROUP BY ref
        ) ids ON ids.ref = t.child_ref
        LEFT JOIN (FROM child QUALIFY row_number() OVER (PARTITION BY child_ref ORDER BY line) = 1) c
            ON c.child_ref = t.child_ref""",
    useful={"end_date": "when it ended", "organisation": "the lead organisation"},
    more=_children,
)
SOURCES: tuple[Source, ...] = (
    Source(KIND_SSD, "SSD: early help episodes", lambda head: _is_ssd(head.header), read_ssd, write_ssd),
    Source(
        KIND,
        "Early help episodes (CSV)",
        lambda head: not _is_ssd(head.header) and LIST.recognise(head),
        LIST.read,
        LIST.write,
    ),
)

"""The Standard Safeguarding Dataset: one CSV per table, as authorities extract it from SystemC, Mosaic or Eclipse.

A table is known by its column prefix (pers_, cinp_, cppl_ ...), whatever the file is called and in whatever order its
columns stand.

Three tables do not always name the child: assessment factors never, involvements not on Mosaic, reviews not on Mosaic.
Their `child_ref` is then the way to the child: "assessment:", "referral:" or "cp-plan:" and the id, which `assessment`,
`referral` and `cp_plan` of the same system (ssd) resolve.

Empty values: nothing, -1, the word NULL, and 1 January 1900 in dates. No table says when it was extracted. `as_at` is
the latest day on which anything happened in the tables received together (due and target days, and whatever is planned
for after the receipt, left out); where a table comes twice, each is by itself, and one without dates has none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from functools import lru_cache, partial
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import (
    ABSENT,
    bench,
    coded_only,
    counted,
    day,
    first,
    judge_columns,
    judge_days,
    judge_identifiers,
    judge_order,
    latest_day,
    list_rows,
    literal,
    name,
    postcode,
    squeezed,
    target,
    words,
)
from sightline.sources.conform import conform
from sightline.sources.delimited import header_of, read_delimited, write_delimited
from sightline.sources.ssd_tables import (
    ADDRESS,
    EXTRACTS,
    FACTORS,
    LINKED,
    NOTHING,
    PERSON,
    PERSON_IDS,
    Extract,
)
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.tables import TABLES, Type

# Somebody may be called Null.
_NAMES = ("surname", "forename", "name")
_PREFIXES = re.compile("|".join(e.prefix for e in EXTRACTS).encode())

_LINKED_WORDS = {
    "upn": "Unique Pupil Number",
    "former_upn": "Former Unique Pupil Number",
    "nhs_number": "NHS Number",
    "uln": "Unique Learner Number",
}


def _extract_of(header: Sequence[str]) -> Extract | None:
    """The table a header belongs to: the one that knows most of its columns by their prefix, and at least two."""
    best, most = None, 1
    for extract in EXTRACTS:
        names = {n for of in extract.columns.values() for n in of} | set(extract.known)
        names |= {n for of in PERSON_IDS.values() for n in of} if extract is PERSON else set()
        count = sum(n in names and (n.startswith(extract.prefix) or n == "cin_plan_id") for n in header)
        if count > most:
            best, most = extract, count
    return best


def _recognise(extract: Extract, head: Head) -> bool:
    return _extract_of(head.header) is extract


def _read(extract: Extract, path: Path, context: Context) -> Reading:
    findings: list[Finding] = []
    raw = _without_line(read_delimited(path, findings))
    if _extract_of(raw.column_names) is not extract:
        raise UnreadableFile(f"The columns of {extract.ssd} were expected; they begin with {extract.prefix}.")
    present = set(raw.column_names)
    _judge_columns(extract, present, findings)
    with bench(raw) as database:
        if extract is PERSON:
            tables = _persons(database, present, findings)
        elif extract is LINKED:
            tables = _linked(database, present, findings)
        elif extract is ADDRESS:
            tables = _addresses(database, present, findings)
        elif extract is FACTORS:
            tables = _factors(database, present, findings)
        else:
            tables = _rows(extract, database, present, findings)
        last = _as_at(extract, database, tables, present, context, findings)
    as_at = max(filter(None, (last, _of_all(context.beside, context.received))), default=None)
    period = f"{extract.says.removeprefix('SSD: ')}, as at {as_at} by the latest date held" if as_at else extract.says
    return Reading(
        kind=extract.kind,
        system="ssd",
        period=period,
        covers=extract.ssd,
        as_at=as_at.isoformat() if as_at else "",
        tables=tables,
        received={extract.ssd: raw},
        findings=findings,
    )


def _without_line(raw: pa.Table) -> pa.Table:
    """The rows without the line of hyphens that SQL Server's tools draw below the names of columns."""
    cells = [cell for name, (cell,) in raw.slice(0, 1).to_pydict().items() if name != "line"] if raw.num_rows else []
    drawn = bool(cells) and all(re.fullmatch("-{2,}", (cell or "").strip()) for cell in cells)
    return raw.slice(1) if drawn else raw


def _judge_columns(extract: Extract, present: set[str], findings: list[Finding]) -> None:
    known = (
        (*extract.known, *(n for names in PERSON_IDS.values() for n in names)) if extract is PERSON else extract.known
    )
    wanted = dict(extract.columns)
    if extract is PERSON:
        wanted |= {kind: PERSON_IDS[kind] for kind in ("upn", "legacy_id", "nhs_number")}
    # What is required is spoken of by `conform`.
    spared = {*extract.lacking, *(c.name for c in TABLES[extract.table] if c.required)}
    judge_columns(present, wanted, known=known, spared=spared, table=extract.table, findings=findings)


def _cells(extract: Extract, present: set[str]) -> dict[str, str]:
    """SQL of every vocabulary column of the table."""
    made = {}
    for column, names in extract.columns.items():
        x = first(names, present, nothing=() if column in _NAMES else NOTHING)
        made[column] = extract.made[column](x) if column in extract.made and x != ABSENT else x
    if extract.through:
        prefix, way = extract.through
        if made[way] != ABSENT:
            made["child_ref"] = f"coalesce({made['child_ref']}, {literal(prefix)} || {made[way]})"
    if extract.table == "involvement":
        roles = ", ".join(literal(r.lower()) for r in Settings().social_worker_roles)
        # `conform` reads the text of a flag.
        made["is_social_worker"] = (
            f"CASE WHEN {made['role']} IS NOT NULL THEN (lower({made['role']}) IN ({roles}))::TEXT END"
        )
    return made


def _conformed(
    database: Database, table: str, cells: Mapping[str, str], findings: list[Finding], *, source: str = "raw"
) -> pa.Table:
    required = [c.name for c in TABLES[table] if c.required]
    if any(cells[c] == ABSENT for c in required):
        # The file lacks the column, so none of its rows can be used: `conform` says so.
        cells, source = {c: x for c, x in cells.items() if x != ABSENT}, f"(FROM {source} LIMIT 0)"
    selected = ", ".join(f"({x})::TEXT AS {name(column)}" for column, x in cells.items())
    return conform(database.query(f"SELECT {selected}, line FROM {source} ORDER BY line"), table, findings=findings)


def _rows(extract: Extract, database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    """Tables whose rows are those of the file."""
    _judge_way(extract, database, present, findings)
    table = _conformed(database, extract.table, _cells(extract, present), findings)
    if {"start_date", "end_date"} <= set(table.column_names):
        judge_order(table, extract.table, "child_ref", findings)
    return {extract.table: table}


def _judge_way(extract: Extract, database: Database, present: set[str], findings: list[Finding]) -> None:
    """Say so where the child is reached through another table."""
    if not extract.through:
        return
    prefix, _ = extract.through
    child = first(extract.columns["child_ref"], present, nothing=NOTHING)
    without = int(database.one(f"SELECT count(*) FROM raw WHERE {child} IS NULL"))
    if without:
        names = extract.columns["child_ref"]
        says = (
            f"{counted(without)} without the child's id: kept under the {prefix[:-1].replace('-', ' ')}, "
            "which leads to the child."
        )
        severity = Severity.QUERY if any(n in present for n in names) else Severity.NOTE
        findings.append(
            Finding("child-not-named", severity, says, extract.table, field=names[0], right="the person's id", line=1)
        )


def _persons(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = _cells(PERSON, present)
    upn = squeezed(first(PERSON_IDS["upn"], present, nothing=NOTHING))
    not_a_upn = f"regexp_full_match({upn}, 'UN[0-9]{{1,2}}')"
    cells["upn_unknown"] = f"coalesce({cells['upn_unknown']}, CASE WHEN {not_a_upn} THEN {upn} END)"
    children = _conformed(database, "child", cells, findings)
    with bench(children) as kept:
        list_rows(
            kept,
            "TRUE",
            rule="repeated-record",
            severity=Severity.QUERY,
            says="This person's id stood on an earlier row too; the earlier row was kept.",
            table="child",
            field="child_ref",
            findings=findings,
            record="child_ref",
            right="one row per person",
            relation="(FROM raw QUALIFY row_number() OVER (PARTITION BY child_ref ORDER BY line) > 1)",
        )
        children = kept.conformed(
            "child", "FROM raw QUALIFY row_number() OVER (PARTITION BY child_ref ORDER BY line) = 1 ORDER BY line"
        )
    values = {kind: squeezed(first(names, present, nothing=NOTHING)) for kind, names in PERSON_IDS.items()}
    values["upn"] = f"CASE WHEN NOT {not_a_upn} THEN {upn} END"
    parts = " UNION ALL ".join(
        f"SELECT {cells['child_ref']} AS ref, {literal(kind)} AS kind, {x} AS value, line, {place} AS place FROM raw"
        for place, (kind, x) in enumerate(values.items())
    )
    rows = database.query(
        f"FROM ({parts}) WHERE ref IS NOT NULL AND value IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY ref, kind, value ORDER BY line) = 1 ORDER BY line, place"
    )
    identifiers = conform(rows, "identifier", findings=findings)
    judge_identifiers(identifiers, findings)
    return {"child": children, "identifier": identifiers}


def _linked(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    cells = _cells(LINKED, present)
    kind = cells["kind"]
    database.execute(
        f"CREATE TEMP TABLE told AS SELECT *, {coded_only(kind, words('identifier_kind'))} AS code FROM raw"
    )
    other = database.rows(
        f"SELECT {kind}, count(*) FROM told WHERE code IS NULL AND {kind} IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1"
    )
    if other:
        shown = ", ".join(f"{word} ({count:,})" for word, count in other[:8])
        says = f"Kinds of identifier that are not used, with their rows: {shown}."
        findings.append(Finding("identifier-not-used", Severity.NOTE, says, "identifier", field="link_identifier_type"))
    cells |= {"kind": "code", "value": squeezed(cells["value"])}
    identifiers = _conformed(database, "identifier", cells, findings, source="(FROM told WHERE code IS NOT NULL)")
    judge_identifiers(identifiers, findings)
    return {"identifier": identifiers}


def _addresses(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    """One row per child with the postcode of the address that is open, or else was left last; and one per address with
    a postcode, with its days, so that a home can be placed on any of them."""
    cells = _cells(ADDRESS, present)
    start, end = (first((f"addr_address_{side}_date",), present) for side in ("start", "end"))
    if cells["child_ref"] == ABSENT:
        return {"child": _conformed(database, "child", cells, findings)}
    judge_days(
        database,
        {f"addr_address_{side}_date": x for side, x in (("start", start), ("end", end)) if x != ABSENT},
        table="child",
        record=cells["child_ref"],
        findings=findings,
    )
    latest = (
        f"(SELECT * FROM raw QUALIFY {cells['child_ref']} IS NULL OR row_number() OVER (PARTITION BY "
        f"{cells['child_ref']} ORDER BY ({day(end)} IS NULL) DESC, {day(start)} DESC NULLS LAST, line DESC) = 1)"
    )
    cells["postcode"] = postcode(cells["postcode"])
    days = {f"{side}_date": f"strftime({day(x)}, '%Y-%m-%d')" for side, x in (("start", start), ("end", end))}
    # What is wrong with a cell is said once: of a date above, of the rest for the child's row below.
    homes = _conformed(
        database, "home_address", cells | days, [],
        source=f"(SELECT * FROM raw WHERE {cells['child_ref']} IS NOT NULL AND {cells['postcode']} IS NOT NULL)",
    )  # fmt: skip
    return {"child": _conformed(database, "child", cells, findings, source=latest), "home_address": homes}


def _factors(database: Database, present: set[str], findings: list[Finding]) -> dict[str, pa.Table]:
    """One row per factor: of a list (["2B", "4B"]) or of an object whose value is yes ({"2B": "Yes", "4B": "No"})."""
    cells = _cells(FACTORS, present)
    json, ref = cells["factor"], cells["assessment_ref"]
    database.execute(
        f"CREATE TEMP TABLE held AS SELECT {ref} AS ref, {json} AS json, line, "
        f"CASE WHEN json_valid({json}) THEN json_type({json}) END AS shape FROM raw"
    )
    list_rows(
        database,
        "json IS NOT NULL AND coalesce(shape, '') NOT IN ('ARRAY', 'OBJECT')",
        rule="not-a-list-of-factors",
        severity=Severity.ERROR,
        says="The factors are not a list in JSON, so none could be read.",
        table="assessment_factor",
        field=FACTORS.columns["factor"][0],
        findings=findings,
        value="json",
        right='a list such as ["2B", "4B"]',
        record="ref",
        relation="held",
    )
    rows = database.query(
        """
        SELECT 'assessment:' || ref AS child_ref, ref AS assessment_ref, upper(trim(factor)) AS factor, line
        FROM (
            SELECT ref, line, unnest(factors) AS factor, generate_subscripts(factors, 1) AS place
            FROM (SELECT ref, line, from_json(json, '["VARCHAR"]') AS factors FROM held WHERE shape = 'ARRAY')
            UNION ALL
            SELECT ref, line, key AS factor, place
            FROM (
                SELECT ref, line, json, unnest(json_keys(json)) AS key,
                    generate_subscripts(json_keys(json), 1) AS place
                FROM held WHERE shape = 'OBJECT'
            )
            WHERE lower(json_extract_string(json, '$."' || key || '"')) IN ('yes', 'y', 'true', '1')
        )
        ORDER BY line, place
        """
    )
    return {"assessment_factor": conform(rows, "assessment_factor", findings=findings, record="assessment_ref")}


def _as_at(
    extract: Extract,
    database: Database,
    tables: Mapping[str, pa.Table],
    present: set[str],
    context: Context,
    findings: list[Finding],
) -> date | None:
    """The latest day by the receipt on which anything in the table happened."""
    if extract is ADDRESS:
        start = first(("addr_address_start_date",), present)
        days = database.query(f"SELECT {day(start)}::DATE AS start_date, line FROM raw")
        return latest_day(days, ("start_date",), findings, until=context.received)
    return latest_day(
        tables[extract.table], extract.days, findings, name_of_table=extract.table, until=context.received
    )


@lru_cache(maxsize=4)
def _of_all(beside: tuple[Path, ...], received: date | None) -> date | None:
    """The same of all tables of the dataset among these files; None where one comes twice: they are several extracts.

    Each file is looked through once for all that came together.
    """
    extracts: dict[str, Path] = {}
    for path in beside:
        with path.open("rb") as file:
            start = file.read(2**16)
        # Most files that come with a large delivery are marks, and laying one out takes a while.
        found = _extract_of(header_of(start)) if _PREFIXES.search(start[:4000].replace(b"\0", b"").lower()) else None
        if found is not None and found.ssd in extracts:
            return None
        if found is not None:
            extracts[found.ssd] = path
    last: list[date] = []
    for extract in EXTRACTS:
        if extract.days and extract.ssd in extracts:
            raw = _without_line(read_delimited(extracts[extract.ssd], []))
            present = set(raw.column_names)
            cells = ", ".join(
                f"{day(first(extract.columns[c], present, nothing=NOTHING))}::DATE AS {c}" for c in extract.days
            )
            with bench(raw) as database:
                days = database.query(f"SELECT {cells}, line FROM raw")
            last += filter(None, (latest_day(days, extract.days, [], until=received),))
    return max(last, default=None)


def _written(extract: Extract, column: str) -> str:
    """SQL of a vocabulary column as the extract writes it."""
    x = name(column)
    kind = TABLES[extract.table][column].type
    if extract.through and column == "child_ref":
        return f"CASE WHEN NOT starts_with({x}, {literal(extract.through[0])}) THEN {x} END"
    if column in ("initial_category", "latest_category"):
        pairs = ", ".join(f"{literal(c.code)}: {literal(c.meaning)}" for c in code_list("abuse_category"))
        return f"coalesce((MAP {{{pairs}}})[{x}], {x})"
    if extract is LINKED and column == "kind":
        pairs = ", ".join(f"{literal(kind)}: {literal(word)}" for kind, word in _LINKED_WORDS.items())
        return f"(MAP {{{pairs}}})[{x}]"
    if kind is Type.DATE:
        return f"strftime({x}, '%Y-%m-%d 00:00:00.000')"
    if kind is Type.FLAG:
        return f"CASE WHEN {x} THEN 'Y' WHEN NOT {x} THEN 'N' END"
    return f"{x}::TEXT"


def _write(extract: Extract, reading: Reading, path: Path) -> list[Path]:
    """One CSV with the SystemC names of the columns Sightline uses. Identifiers of other kinds are not written.

    Addresses are those of `home_address`, with their days, where there is one; else the child's alone.
    """
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        columns = [f"{_written(extract, c)} AS {names[0]}" for c, names in extract.columns.items()]
        source = f'"{extract.table}"'
        if extract is PERSON:
            ids = [kind for kind in PERSON_IDS if kind != "person_id"]
            columns += [f"ids.{kind} AS {PERSON_IDS[kind][0]}" for kind in ids]
            wide = ", ".join(f"min(value) FILTER (kind = '{kind}') AS {kind}" for kind in ids)
            source += f" LEFT JOIN (SELECT ref, {wide} FROM identifier GROUP BY ref) ids ON ids.ref = child_ref"
        elif extract is LINKED:
            kinds = ", ".join(literal(kind) for kind in _LINKED_WORDS)
            source = f"(FROM identifier WHERE kind IN ({kinds}))"
        elif extract is ADDRESS and "home_address" in reading.tables:
            source = '"home_address"'
            columns += [
                f"strftime({side}_date, '%Y-%m-%d 00:00:00.000') AS addr_address_{side}_date"
                for side in ("start", "end")
            ]
        elif extract is FACTORS:
            columns = ["assessment_ref AS cinf_assessment_id", "to_json(factors) AS cinf_assessment_factors_json"]
            source = (
                "(SELECT assessment_ref, line, list(factor ORDER BY place) AS factors FROM (SELECT *, row_number() "
                "OVER () AS place FROM assessment_factor) GROUP BY assessment_ref, line)"
            )
        table = database.query(f"SELECT {', '.join(columns)} FROM {source} ORDER BY line")
    return [write_delimited(table, target(path, f"{extract.ssd}.csv"))]


SOURCES: tuple[Source, ...] = tuple(
    Source(e.kind, e.says, partial(_recognise, e), partial(_read, e), partial(_write, e)) for e in EXTRACTS
)

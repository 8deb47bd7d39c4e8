"""The looked after children return (SSDA903): CSV tables (header, episodes, UASC, social worker episodes) and the XML.

It serves to take looked after children out of the cohort, or into it. Episodes (a child has a new one at every change
of legal status or placement) that follow one another are one period of being looked after. Episodes under V3 and V4,
short breaks, are left out, as statistics leave them out; a note counts them.

CHILD is the authority's own id, usually but not always the census's LAchildID: it is kept as that kind of identifier,
and linkage asks the birth date to bear it out. The UPN column may hold the reason why there is none. No table says
which return it belongs to: the year comes from the file's name, or else from its dates.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from lxml import etree

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import judge_columns, judge_identifiers, judge_order, latest_day, target
from sightline.sources.conform import BLANKS, conform
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.gathered import Gathered, Telling, fingerprint, sex_of, squeezed
from sightline.sources.marked_up import add, inside, line_of, records, save, text_of, value
from sightline.sources.periods_of_care import Stay, periods
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

SYSTEM = "ssda903"
# What tells each table, and the columns of it that are read, lower case; others are of the return and not used.
CSV_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "sw-episodes": ("child", "sw_id", "sw_decom", "sw_dec", "sw_reason", "dob"),
    "episodes": ("child", "decom", "rne", "ls", "dec", "rec"),
    "uasc": ("child", "duc", "sex", "dob"),
    "header": ("child", "ethnic", "upn", "sex", "dob"),
}
_TELLING = {"sw-episodes": 3, "episodes": 3, "uasc": 2, "header": 3}
# The rest of each table's columns, which the return has and nothing here needs.
_KNOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "header": ("mother", "mc_dob"),
    "episodes": (
        "cin", "place", "place_provider", "reason_place_change", "home_post", "pl_post", "urn", "pl_la", "pl_location",
        "pl_distance",
    ),
}  # fmt: skip
# Guide to the looked after children return: reason for new episode; why a worker changed (since 2024).
BEGINS = "S"
NEW_EPISODE: Final = (BEGINS, "L", "P", "T", "B", "U")
SHORT_BREAKS: Final = ("V3", "V4")
WORKER_CHANGES: Final = (
    "MANAGE", "FCONTA", "LEFTRL", "ORGRST", "TSPROC", "ABSENC", "CHCHAN", "PCCHAN", "SWDIED", "OTHERS",
)  # fmt: skip
_FIELDS = {
    "child": {"child_ref": "CHILD", "birth_date": "DOB", "sex": "SEX", "ethnicity": "ETHNIC", "upn_unknown": "UPN"},
    "looked_after": {"child_ref": "CHILD", "start_date": "DECOM", "end_date": "DEC"},
    "involvement": {"child_ref": "CHILD", "start_date": "SW_DECOM", "end_date": "SW_DEC", "change_reason": "SW_REASON"},
    "identifier": {"ref": "CHILD"},
}
_UNKNOWN_UPN = re.compile(r"UN[0-9]{1,2}")
Row = Mapping[str, str | None]


def _table_of(header: Iterable[str]) -> str | None:
    names = set(header)
    for table, columns in CSV_TABLES.items():
        if set(columns[: _TELLING[table]]) <= names:
            return table
    return None


def _recognise(table: str, head: Head) -> bool:
    return _table_of(head.header) == table


def _recognise_xml(head: Head) -> bool:
    text = text_of(head.start)
    return bool(re.search(r"<(?:[\w.-]+:)?(?:EXP)?SSDA903[\s>]", text))


def _read(table: str, path: Path, context: Context) -> Reading:
    """The rows of one CSV table."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    if _table_of(raw.column_names) != table:
        raise UnreadableFile(f"The looked after children table '{table}' was expected; its columns are not there.")
    wanted = {name: (name,) for name in CSV_TABLES[table]}
    judge_columns(set(raw.column_names), wanted, known=_KNOWN.get(table, ()), table=table, findings=findings)
    reader = _Reader(findings)
    trimmed = {name: raw[name].to_pylist() for name in raw.column_names}
    for place, line in enumerate(trimmed["line"]):
        row = {name: _tidy(cells[place]) for name, cells in trimmed.items() if name != "line"}
        _ADD[table](reader, row, line)
    return reader.reading(f"ssda903-{table}", f"{table} ", context.name or path.name, {table: raw})


def read_xml(path: Path, context: Context) -> Reading:
    """The children of the XML return, with their episodes. Raises UnreadableFile when it is no such return."""
    findings: list[Finding] = []
    reader = _Reader(findings)
    children = 0
    for child in records(path, ("CHILD",), "looked after children return"):
        children += 1
        header = next(inside(child, "HEADER"), child)
        about: dict[str, str | None] = {n.lower(): value(header, n) for n in ("UPN", "SEX", "DOB", "ETHNIC")}
        about["child"] = value(header, "CHILDID", "CHILD") or _tidy(child.get("id"))
        reader.header(about, line_of(header))
        for episode in inside(child, "EPISODE"):
            names = ("DECOM", "RNE", "LS", "DEC", "REC")
            row = {name.lower(): value(episode, name) for name in names} | {"child": about["child"]}
            reader.episode(row, line_of(episode))
    if not children:
        raise UnreadableFile("The file holds no CHILD element, so it is not a looked after children return.")
    return reader.reading("ssda903-xml", "", context.name or path.name, {})


def _tidy(text: Any) -> str | None:
    return str(text).strip(BLANKS) or None if text is not None else None


class _Reader(Telling):
    """The rows of one file so far. A child stands once in `child`, as the first row says."""

    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.gathered = Gathered(("child", "identifier", "looked_after", "involvement"))
        self.seen: dict[str, int] = {}
        self.stays: dict[str, list[Stay]] = {}
        self.short_breaks = 0

    def known(self, row: Row, line: int, **more: str | None) -> str | None:
        """Add the child once; its id, or None (with a finding) when the row has none."""
        ref = row.get("child")
        if ref is None:
            says = "The row names no child, so it cannot be used."
            self.found("missing-value", Severity.ERROR, says, "child", "", "CHILD", "", "the child's id", line)
            return None
        if ref not in self.seen:
            self.seen[ref] = line
            self.gathered.add("child", line, child_ref=ref, **more)
            self.gathered.add("identifier", line, ref=ref, kind="la_child_id", value=squeezed(ref))
        return ref

    def header(self, row: Row, line: int) -> None:
        upn = squeezed(row.get("upn"))
        unknown = upn if upn and _UNKNOWN_UPN.fullmatch(upn) else None
        again = row.get("child") in self.seen
        ref = self.known(row, line, upn_unknown=unknown, ethnicity=row.get("ethnic"), **self.who(row))
        if ref is not None and again:
            says = f"This child stood on line {self.seen[ref]:,} too; that row was read."
            self.found("repeated-record", Severity.QUERY, says, "child", ref, "CHILD", ref, "one row a child", line)
        elif ref is not None and upn and not unknown:
            self.gathered.add("identifier", line, ref=ref, kind="upn", value=upn)

    @staticmethod
    def who(row: Row) -> dict[str, str | None]:
        return {"birth_date": row.get("dob"), "sex": sex_of(row.get("sex"))}

    def asylum_seeker(self, row: Row, line: int) -> None:
        self.known(row, line, **self.who(row))

    def episode(self, row: Row, line: int) -> None:
        ref = self.known(row, line)
        if ref is None:
            return
        reason = (row.get("rne") or "").upper()
        if reason not in NEW_EPISODE:
            says = "The reason for the new episode is not one of the return's codes."
            self.found("unknown-code", Severity.QUERY, says, "looked_after", ref, "RNE", row.get("rne") or "",
                       "one of " + ", ".join(NEW_EPISODE), line)  # fmt: skip
        if (row.get("ls") or "").upper() in SHORT_BREAKS:
            self.short_breaks += 1
            return
        if row.get("decom") is None:
            says = "The episode has no day on which it began, so it cannot be used."
            self.found("missing-value", Severity.ERROR, says, "looked_after", ref, "DECOM", "", "the first day", line)
            return
        self.stays.setdefault(ref, []).append(Stay(row.get("decom"), row.get("dec"), reason == BEGINS, line))

    def worker(self, row: Row, line: int) -> None:
        ref = self.known(row, line, **self.who(row))
        if ref is None:
            return
        given = row.get("sw_reason") or ""
        reason = given.upper() or None
        if reason and reason not in WORKER_CHANGES:
            says = "The reason why the worker changed is not one of the return's codes."
            self.found("unknown-code", Severity.QUERY, says, "involvement", ref, "SW_REASON", given,
                       "one of " + ", ".join(WORKER_CHANGES), line)  # fmt: skip
        self.gathered.add(
            "involvement",
            line,
            child_ref=ref,
            professional_ref=row.get("sw_id"),
            is_social_worker="true",
            start_date=row.get("sw_decom"),
            end_date=row.get("sw_dec"),
            change_reason=reason,
        )

    def reading(self, kind: str, covers: str, name: str, received: dict[str, pa.Table]) -> Reading:
        for ref, stays in self.stays.items():
            for period in periods(stays):
                self.gathered.add(
                    "looked_after", period.line, child_ref=ref, start_date=period.start, end_date=period.end
                )
        tables = self.gathered.tables(self.findings, fields=_FIELDS)
        judge_identifiers(tables["identifier"], self.findings)
        for table in ("looked_after", "involvement"):
            judge_order(tables[table], table, "child_ref", self.findings)
        if self.short_breaks:
            says = f"{self.short_breaks:,} episodes are short breaks (V3 or V4); they are not periods of care."
            self.findings.append(Finding("short-breaks", Severity.NOTE, says, "looked_after", field="LS"))
        last = self.latest(tables)
        year = _year(name) or (last.year + (last > date(last.year, 3, 31)) if last else None)
        return Reading(
            kind=kind,
            system=SYSTEM,
            period=f"year to 31 March {year}" if year else "looked after children, year not known",
            covers=f"{covers}{year or fingerprint(self.seen)}",
            as_at=last.isoformat() if last else "",
            tables=tables,
            received=received,
            findings=self.findings,
        )

    def latest(self, tables: Mapping[str, pa.Table]) -> date | None:
        """The latest day of any episode, those that changed nothing but a placement among them."""
        stays = [stay for held in self.stays.values() for stay in held]
        columns = {"child_ref": ["x"] * len(stays), "line": [stay.line for stay in stays]}
        columns |= {"start_date": [stay.start for stay in stays], "end_date": [stay.end for stay in stays]}
        schema = [(name, pa.int32() if name == "line" else pa.string()) for name in columns]
        # A day that cannot be read has been told with its period.
        found = conform(pa.table(columns, schema=pa.schema(schema)), "looked_after", findings=[])
        names = ("start_date", "end_date")
        spans = [table.select([*names, "line"]) for table in (found, tables["involvement"])]
        return latest_day(pa.concat_tables(spans), names, self.findings, name_of_table="episodes")


_ADD: Mapping[str, Callable[[_Reader, Row, int], None]] = {
    "header": _Reader.header,
    "uasc": _Reader.asylum_seeker,
    "episodes": _Reader.episode,
    "sw-episodes": _Reader.worker,
}


def _year(name: str) -> int | None:
    """The year a return ends in, told by the file's name, or else by the folder nearest to it that tells one.

    "2021-header.csv" and "header 2020-21.csv" are of 2021, as is "2020_2021/header.csv" and "header_2021.csv".
    """
    for part in (Path(name).stem, *(folder.name for folder in Path(name).parents)):
        spans = re.findall(r"(?<!\d)(20[0-4]\d)[-_/ ]?(?:20)?([0-4]\d)(?!\d)|(?<!\d)([0-4]\d)([0-4]\d)(?!\d)", part)
        ends = {int(b or d) + 2000 for a, b, c, d in spans if (int((a or c)[-2:]) + 1) % 100 == int(b or d)}
        found = ends or {int(year) for year in re.findall(r"(?<!\d)(20[0-4]\d)(?!\d)", part)}
        if len(found) == 1:
            return found.pop()
    return None


def _sql(table: str) -> str:
    ids = (
        "(SELECT ref, min(value) FILTER (kind = 'upn') AS upn FROM identifier GROUP BY ref) ids ON ids.ref = child_ref"
    )
    return {
        "header": "SELECT child_ref AS CHILD, sex AS SEX, strftime(birth_date, '%d/%m/%Y') AS DOB, "
        f"ethnicity AS ETHNIC, coalesce(upn_unknown, ids.upn) AS UPN FROM child LEFT JOIN {ids} ORDER BY line",
        "uasc": "SELECT child_ref AS CHILD, sex AS SEX, strftime(birth_date, '%d/%m/%Y') AS DOB, NULL::TEXT AS DUC "
        "FROM child ORDER BY line",
        "episodes": f"SELECT child_ref AS CHILD, strftime(start_date, '%d/%m/%Y') AS DECOM, '{BEGINS}' AS RNE, "
        "NULL::TEXT AS LS, strftime(end_date, '%d/%m/%Y') AS DEC, NULL::TEXT AS REC FROM looked_after ORDER BY line",
        "sw-episodes": "SELECT child_ref AS CHILD, strftime(c.birth_date, '%d/%m/%Y') AS DOB, i.professional_ref AS "
        "SW_ID, strftime(i.start_date, '%d/%m/%Y') AS SW_DECOM, strftime(i.end_date, '%d/%m/%Y') AS SW_DEC, "
        "i.change_reason AS SW_REASON FROM involvement i LEFT JOIN child c USING (child_ref) ORDER BY i.line",
    }[table]


def _write(table: str, reading: Reading, path: Path) -> list[Path]:
    """One CSV table: of episodes one row per period of care. A folder gives the return's usual file name."""
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        rows = database.query(_sql(table))
    year = re.search(r"31 March (\d{4})", reading.period)
    usual = f"{year[1]}-{table}.csv" if year else f"{table}.csv"
    return [write_delimited(rows, target(path, usual))]


def write_xml(reading: Reading, path: Path) -> list[Path]:
    """The XML return with what the tables hold: each child's header, and an episode for each period of care."""
    with Database.of(reading.tables) as database:
        children = database.query(_sql("header")).to_pylist()
        stays: dict[str, list[dict[str, Any]]] = {}
        for row in database.query(_sql("episodes")).to_pylist():
            stays.setdefault(row["CHILD"], []).append(row)
    root = etree.Element("EXPSSDA903")
    for row in children:
        child = etree.SubElement(root, "CHILD")
        header = etree.SubElement(child, "HEADER")
        for name in ("CHILD", "UPN", "SEX", "DOB", "ETHNIC"):
            add(header, "CHILDID" if name == "CHILD" else name, row[name])
        for stay in stays.get(row["CHILD"], []):
            episode = etree.SubElement(child, "EPISODE")
            for name in ("DECOM", "RNE", "DEC"):
                add(episode, name, stay[name])
    year = re.search(r"31 March (\d{4})", reading.period)
    return [save(root, target(path, f"ssda903_{year[1]}.xml" if year else "ssda903.xml"))]


_SAYS = {
    "header": "children",
    "episodes": "episodes of care",
    "uasc": "unaccompanied asylum-seeking children",
    "sw-episodes": "social worker episodes",
}
SOURCES: tuple[Source, ...] = (
    Source("ssda903-xml", "Looked after children return SSDA903 (XML)", _recognise_xml, read_xml, write_xml),
    *(
        Source(
            f"ssda903-{table}",
            f"Looked after children return SSDA903: {_SAYS[table]} (CSV)",
            partial(_recognise, table),
            partial(_read, table),
            partial(_write, table),
        )
        for table in CSV_TABLES
    ),
)

"""The school census as an authority receives it: relational CSV, one file per table, all years since 2015.

A row of a table refers to its pupil by `pupilonrolltableid` or `pupilnolongeronrolltableid`, and that id is the
`pupil_ref` of every table (system "school-census"); the pupil's UPN is an identifier of that ref. A school is known by
NativeId where no URN or LAESTAB column was added. A file of one school only replaces earlier ones of that school.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database, empty
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import (
    ABSENT,
    bench,
    coded,
    counted,
    day,
    first,
    judge_codes_on,
    judge_columns,
    judge_days,
    judge_identifiers,
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
from sightline.sources.exclusion_codes import fixed_as_suspended, judge_reasons, note_late_fixed
from sightline.sources.school_census_terms import TERMS, Collection, collection_of, told
from sightline.sources.school_census_writing import written
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.languages import additional_english_sql
from sightline.vocabulary.tables import TABLES

SYSTEM = "school-census"
Names = dict[str, tuple[str, ...]]
SCHOOL = ("urn", "laestab", "nativeid")
IDENTIFIERS: Names = {"upn": ("upn",), "former_upn": ("formerupn",), "uln": ("uniquelearnernumber",)}
PUPIL: Names = {
    "surname": ("surname",),
    "forename": ("forename",),
    "birth_date": ("dob",),
    "sex": ("sex", "gender"),
    "ethnicity": ("ethnicity",),
}
ON_ROLL: Names = {
    "entry_date": ("entrydate",),
    "year_group": ("ncyearactual",),
    "status": ("enrolstatus",),
    "boarder": ("boarder",),
}
OFF_ROLL: Names = {
    "entry_date": ("entrydate",),
    "leaving_date": ("leavingdate",),
    "year_group": ("ncyearleaving",),
    "boarder": ("boarder",),
}
CHARACTERISTIC: Names = {
    "sen_provision": ("senprovision",),
    "language": ("language",),
    "young_carer": ("youngcarer",),
}
POSSIBLE = {"": "termlysessionspossible", "half": "summerhalfterm2sessionspossible"}
SESSIONS: Names = {"code": ("attendancereason",), "sessions": ("sessions", "absencesessions")}
EXCLUSION: Names = {
    "start_date": ("startdate",),
    "sessions": ("sessions",),
    "category": ("category",),
    "reason1": ("reason1", "reason"),
    "reason2": ("reason2",),
    "reason3": ("reason3",),
}
FSM: Names = {"start": ("fsmstartdate",), "end": ("fsmenddate",)}
SEN: Names = {"rank": ("sentyperank",), "sen_primary": ("sentype",)}
ADDRESS: Names = {"postcode": ("postcode",)}
# Columns that only some years or terms have: their absence is no finding.
SOMETIMES = ("ethnicity", "young_carer", "year_group", "reason2", "reason3", "sessions possible", "half")


@dataclass(frozen=True, slots=True)
class Extract:
    """One table of the census: what its rows are, the table id its pupils have, and the terms that collect it."""

    name: str
    says: str
    shape: str  # pupils, sessions, exclusions, meals, needs or addresses
    terms: tuple[str, ...] = TERMS

    @property
    def on_roll(self) -> bool:
        return not (self.name.endswith("offroll") or self.name == "pupilnolongeronroll")

    @property
    def pupil(self) -> str:
        return "pupilonrolltableid" if self.on_roll else "pupilnolongeronrolltableid"

    @property
    def own(self) -> tuple[str, str]:
        """The columns by which the table is known."""
        return f"{self.name}tableid", f"{self.name}orderseqcolumn"

    @property
    def second_half(self) -> bool:
        return self.name.startswith("summerhalfterm2")


EXTRACTS = (
    Extract("pupilonroll", "pupils on roll", "pupils"),
    Extract("pupilnolongeronroll", "pupils no longer on roll", "pupils"),
    Extract("termlysessiondetailsonroll", "attendance of pupils on roll", "sessions"),
    Extract("termlysessiondetailsoffroll", "attendance of leavers", "sessions"),
    Extract(
        "summerhalfterm2sessiondetailsonroll", "summer half term 2 of pupils on roll", "sessions", terms=("autumn",)
    ),
    Extract("summerhalfterm2sessiondetailsoffroll", "summer half term 2 of leavers", "sessions", terms=("autumn",)),
    Extract("termlyexclusionsonroll", "suspensions and exclusions of pupils on roll", "exclusions"),
    Extract("termlyexclusionsoffroll", "suspensions and exclusions of leavers", "exclusions"),
    Extract("fsmperiodsonroll", "free school meals", "meals", terms=("autumn",)),
    Extract("fsmperiod", "free school meals", "meals", terms=("spring", "summer")),
    Extract("senneeds", "special educational needs", "needs", terms=("spring",)),
    Extract("addressesonroll", "addresses of pupils on roll", "addresses", terms=("autumn",)),
    Extract("addressesoffroll", "addresses of leavers", "addresses", terms=("autumn",)),
    Extract("addresses", "addresses", "addresses", terms=("spring", "summer")),
)
_WANTED: Mapping[str, Names] = {
    "sessions": SESSIONS,
    "exclusions": EXCLUSION,
    "meals": FSM,
    "needs": SEN,
    "addresses": ADDRESS,
}


def _recognise(extract: Extract, head: Head) -> bool:
    return _is(extract, head.header)


def _is(extract: Extract, header: Sequence[str]) -> bool:
    if extract.shape != "pupils":
        return any(own in header for own in extract.own)
    # Every other table that speaks of a pupil names the pupil's row too, and has an id or an order of its own.
    mine = (*extract.own, "schoolcensustableid")
    others = any(c.endswith(("tableid", "orderseqcolumn")) and c not in mine for c in header)
    return any(own in header for own in extract.own) and not others


def _read(extract: Extract, path: Path, context: Context) -> Reading:
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    if not _is(extract, raw.column_names):
        raise UnreadableFile(f"The school census table {extract.name} was expected; it has a column {extract.own[0]}.")
    present = set(raw.column_names)
    _judge_columns(extract, present, findings)
    with bench(raw) as database:
        sheet = _Sheet(extract, database, present, findings)
        latest = sheet.latest()
        collection = collection_of(sheet.terms(), latest, context.name or path.name, findings)
        tables = _SHAPES[extract.shape](sheet, collection)
        covers = sheet.covers(collection)
    as_at = collection.day if collection else latest
    return Reading(
        kind=f"school-census-{extract.name}",
        system=SYSTEM,
        period=collection.label if collection else "school census, term not known",
        covers=covers,
        as_at=as_at.isoformat() if as_at else "",
        tables=tables,
        received={extract.name: raw},
        findings=findings,
    )


def _judge_columns(extract: Extract, present: set[str], findings: list[Finding]) -> None:
    wanted: Names = {"school": SCHOOL[-1:]}
    if extract.shape == "pupils":
        wanted |= PUPIL | (ON_ROLL | CHARACTERISTIC if extract.on_roll else OFF_ROLL) | IDENTIFIERS
        wanted["sessions possible"] = (POSSIBLE[""],)
        table = "pupil"
    else:
        wanted |= _WANTED[extract.shape]
        table = {"sessions": "termly_attendance", "exclusions": "suspension", "addresses": "pupil"}.get(
            extract.shape, "characteristic"
        )
    # The census has far more columns than are used, and every year some come and go.
    judge_columns(present, wanted, known=present, spared=SOMETIMES, table=table, findings=findings)


@dataclass(slots=True)
class _Sheet:
    """One received table: SQL of its cells, and what was found so far."""

    extract: Extract
    database: Database
    present: set[str]
    findings: list[Finding]

    @property
    def ref(self) -> str:
        return first((self.extract.pupil,), self.present)

    @property
    def school(self) -> str:
        return first(SCHOOL, self.present)

    def cell(self, *names: str) -> str:
        return first(names, self.present)

    def terms(self) -> tuple[str, ...]:
        """The terms whose census can have these columns."""
        if self.extract.shape != "pupils":
            return self.extract.terms
        if POSSIBLE["half"] in self.present:
            return ("autumn",)
        return ("spring",) if "ethnicity" in self.present else ("summer",)

    def latest(self) -> date | None:
        """The latest day in the table that had come when it was made."""
        names = [c for c in ("entrydate", "leavingdate", "startdate", "fsmstartdate") if c in self.present]
        if not names:
            return None
        days = ", ".join(f"{day(self.cell(c))}::DATE AS {c}" for c in names)
        return latest_day(self.database.query(f"SELECT {days}, line FROM raw"), names, self.findings)

    def covers(self, collection: Collection | None) -> str:
        """The census; the school too, where the file holds only one. A file of no known census replaces no other."""
        schools = self.database.rows(f"SELECT DISTINCT {self.school} FROM raw LIMIT 2")
        one = f", school {schools[0][0]}" if len(schools) == 1 and schools[0][0] else ""
        if collection:
            return collection.label + one
        every = ", ".join(name(c) for c in sorted(self.present) if c != "line")
        mark = self.database.one(f"SELECT md5(string_agg(md5(concat_ws('|', {every})), '' ORDER BY line)) FROM raw")
        return "term not known, " + hashlib.sha256(str(mark).encode()).hexdigest()[:12] + one

    def conformed(self, table: str, cells: Mapping[str, str], source: str = "raw", record: str = "") -> pa.Table:
        """The vocabulary table of these cells; empty when the file cannot say what the table requires."""
        required = [c.name for c in TABLES[table] if c.required]
        if any(cells[c] == ABSENT for c in required):
            source = f"(FROM {source} LIMIT 0)"
            cells = {c: x for c, x in cells.items() if x != ABSENT}
        selected = ", ".join(f"({x})::TEXT AS {name(column)}" for column, x in cells.items())
        rows = self.database.query(f"SELECT {selected}, line FROM {source} ORDER BY line")
        return conform(rows, table, findings=self.findings, record=record)


def _of(names: Mapping[str, Sequence[str]], sheet: _Sheet) -> dict[str, str]:
    return {column: sheet.cell(*each) for column, each in names.items()}


def _pupils(sheet: _Sheet, collection: Collection | None) -> dict[str, pa.Table]:
    """Pupils, their identifiers, registrations, characteristics (on roll only) and sessions possible."""
    extract = sheet.extract
    cells = _of(PUPIL, sheet)
    cells["sex"] = coded(cells["sex"], words("sex", "sex"))
    # A pupil who left two schools has two rows, and is one pupil.
    once = f"(FROM raw QUALIFY {sheet.ref} IS NULL OR row_number() OVER (PARTITION BY {sheet.ref} ORDER BY line) = 1)"
    tables = {"pupil": sheet.conformed("pupil", {"pupil_ref": sheet.ref} | cells, once)}
    ids = " UNION ALL ".join(
        f"SELECT {sheet.ref} AS ref, {literal(kind)} AS kind, {squeezed(sheet.cell(*names))} AS value, line, "
        f"{place} AS place FROM raw"
        for place, (kind, names) in enumerate(IDENTIFIERS.items())
    )
    rows = sheet.database.query(
        f"FROM ({ids}) WHERE ref IS NOT NULL AND value IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY ref, kind, value ORDER BY line) = 1 ORDER BY line, place"
    )
    tables["identifier"] = conform(rows, "identifier", findings=sheet.findings)
    judge_identifiers(tables["identifier"], sheet.findings)
    roll = {"pupil_ref": sheet.ref, "school_ref": sheet.school} | _of(ON_ROLL if extract.on_roll else OFF_ROLL, sheet)
    known = f"(FROM raw WHERE {sheet.ref} IS NOT NULL)"  # a missing id has been reported once
    tables["enrolment"] = sheet.conformed("enrolment", roll, known)
    if extract.on_roll:
        held = {"pupil_ref": sheet.ref, "as_at": _day_text(collection)} | _of(CHARACTERISTIC, sheet)
        held["eal"] = additional_english_sql(held["language"])
        tables["characteristic"] = sheet.conformed(
            "characteristic", held, f"(FROM {once} WHERE {sheet.ref} IS NOT NULL)"
        )
    tables["termly_attendance"] = _possible(sheet, collection)
    return tables


def _day_text(collection: Collection | None) -> str:
    return literal(collection.day.isoformat()) if collection else ABSENT


def _span(collection: Collection | None, *, second_half: bool) -> dict[str, str]:
    if collection is None:
        return {"term_start": ABSENT, "term_end": ABSENT}
    start, end = collection.attendance_span(second_half=second_half)
    return {"term_start": literal(start.isoformat()), "term_end": literal(end.isoformat())}


def _possible(sheet: _Sheet, collection: Collection | None) -> pa.Table:
    """The sessions each pupil could have attended, as rows without a code."""
    parts = []
    for half, column in POSSIBLE.items():
        if column in sheet.present:
            cells = {"pupil_ref": sheet.ref, "school_ref": sheet.school, "sessions": sheet.cell(column)}
            cells |= _span(collection, second_half=bool(half))
            source = f"(FROM raw WHERE {sheet.ref} IS NOT NULL AND {cells['sessions']} IS NOT NULL)"
            parts.append(sheet.conformed("termly_attendance", cells, source))
    return pa.concat_tables(parts) if parts else empty("termly_attendance")


def _sessions(sheet: _Sheet, collection: Collection | None) -> dict[str, pa.Table]:
    cells = {"pupil_ref": sheet.ref, "school_ref": sheet.school} | _of(SESSIONS, sheet)
    cells |= _span(collection, second_half=sheet.extract.second_half)
    table = sheet.conformed("termly_attendance", cells)
    # A code in use on the last day of the term is right: attendance codes changed in the middle of August 2024.
    judge_codes_on(
        table,
        ("code",),
        "attendance",
        "term_end - 1",
        name_of_table="termly_attendance",
        record="pupil_ref",
        findings=sheet.findings,
    )
    return {"termly_attendance": table}


def _exclusions(sheet: _Sheet, collection: Collection | None) -> dict[str, pa.Table]:
    cells = {"pupil_ref": sheet.ref, "school_ref": sheet.school} | _of(EXCLUSION, sheet)
    category = f"upper({cells['category']})"
    cells["category"] = fixed_as_suspended(category)
    note_late_fixed(sheet.database, category, day(cells["start_date"]), sheet.findings)
    table = sheet.conformed("suspension", cells)
    judge_reasons(table, sheet.findings)
    return {"suspension": table}


def _meals(sheet: _Sheet, collection: Collection | None) -> dict[str, pa.Table]:
    """One row per pupil with a period of free school meals: whether one was open on census day."""
    cells = _of(FSM, sheet)
    judge_days(
        sheet.database,
        {names[0]: cells[side] for side, names in FSM.items() if cells[side] != ABSENT},
        table="characteristic",
        record=sheet.ref,
        findings=sheet.findings,
    )
    start, end = day(cells["start"]), day(cells["end"])
    if collection:
        on = f"DATE '{collection.day}'"
        held = f"coalesce({start} <= {on}, true) AND coalesce({end} >= {on}, true)"
    else:
        held = f"{cells['end']} IS NULL"
    by_pupil = f"(SELECT {sheet.ref} AS ref, bool_or({held}) AS fsm, min(line) AS line FROM raw GROUP BY 1)"
    named = {"pupil_ref": "ref" if sheet.ref != ABSENT else ABSENT, "as_at": _day_text(collection), "fsm": "fsm"}
    return {"characteristic": sheet.conformed("characteristic", named, by_pupil)}


def _needs(sheet: _Sheet, collection: Collection | None) -> dict[str, pa.Table]:
    """One row per pupil with a primary need (rank 1); the first, where several have that rank."""
    cells = _of(SEN, sheet)
    rank = f"try_cast({cells['rank']} AS DOUBLE)"
    primary = f"FROM raw WHERE {rank} = 1"
    repeated = int(
        sheet.database.one(f"SELECT count(*) FROM (SELECT {sheet.ref} {primary} GROUP BY 1 HAVING count(*) > 1)")
    )
    if repeated:
        says = f"{counted(repeated, 'pupil')} with more than one need of rank 1: the first of the file was taken."
        sheet.findings.append(
            Finding(
                "several-primary-needs",
                Severity.QUERY,
                says,
                "characteristic",
                field="sentyperank",
                right="one need of rank 1 for each pupil",
            )
        )
    once = f"({primary} QUALIFY {sheet.ref} IS NULL OR row_number() OVER (PARTITION BY {sheet.ref} ORDER BY line) = 1)"
    named = {"pupil_ref": sheet.ref, "as_at": _day_text(collection), "sen_primary": cells["sen_primary"]}
    return {"characteristic": sheet.conformed("characteristic", named, once)}


def _addresses(sheet: _Sheet, collection: Collection | None) -> dict[str, pa.Table]:
    """One row per pupil: the postcode of the first address that has one."""
    found = postcode(sheet.cell("postcode"))
    once = (
        f"(FROM raw WHERE {found} IS NOT NULL QUALIFY {sheet.ref} IS NULL OR "
        f"row_number() OVER (PARTITION BY {sheet.ref} ORDER BY line) = 1)"
    )
    return {"pupil": sheet.conformed("pupil", {"pupil_ref": sheet.ref, "postcode": found}, once)}


_SHAPES = {
    "pupils": _pupils,
    "sessions": _sessions,
    "exclusions": _exclusions,
    "meals": _meals,
    "needs": _needs,
    "addresses": _addresses,
}


def _write(extract: Extract, reading: Reading, path: Path) -> list[Path]:
    """One relational CSV; a folder gives the usual name. The reading's period must name the census ("2024 autumn")."""
    collection = told(reading.period)
    rows = written(reading.tables, extract.shape, extract.name, extract.pupil, collection)
    start = f"{collection.year}_{collection.term}_" if collection else ""
    return [write_delimited(rows, target(path, f"{start}{extract.name}.csv"))]


SOURCES: tuple[Source, ...] = tuple(
    Source(
        f"school-census-{e.name}",
        f"School census: {e.says} ({e.name})",
        partial(_recognise, e),
        partial(_read, e),
        partial(_write, e),
    )
    for e in EXTRACTS
)

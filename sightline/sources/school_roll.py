"""A school's or an authority's list of pupils on roll, as SIMS, Arbor, Capita and others export it: a row per pupil.

There is no standard layout: columns are known by the mapping agreed with the sender, else by the names such exports
use (`pupil_lists`), and those of the censuses in Get Information about Pupils. A list is told by a column for the year
group beside at least two others that only rolls have together; one that is not is agreed once. A pupil without a UPN
is known by the sender's own id, kept with the school ("school:number"), as in files of marks.

A list of one school replaces that school's earlier list, so that whoever is no longer on it has left. Nothing in most
exports says of which day they are; where a column does (or a census is named), the day is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import ABSENT, bench, coded, counted, first, list_rows, postcode, target, words
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.gathered import fingerprint
from sightline.sources.pupil_lists import (
    PUPIL,
    Found,
    Who,
    agreed_columns,
    columns_of,
    conformed,
    flat,
    joined,
    judge_header,
    written_identity,
)
from sightline.sources.school_census_terms import Collection
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.languages import additional_english_sql

KIND = SYSTEM = "school-roll"
# Flat names of columns, by meaning, tried in this order.
COLUMNS: Final[Mapping[str, str]] = {
    "as_at": r"asat(date)?|censusdate|report(ing)?date|(date|day)ofextract|extract(ion)?date|exportdate|snapshotdate",
    "census_year": r"academicyear|acadyear|censusyear",
    "census_term": r"censusterm",
    "entry_date": r"(school)?entrydate|dateofentry|admissiondate|dateofadmission|dateadmitted|doa|dateofarrival|"
    r"(enrolment|join(ing)?|onroll)(start)?date|datejoined|startdate(atschool)?|admitted",
    "leaving_date": r"(school)?leav(ing|er|ers)date|dateofleaving|dateleft|dol|leftdate|(enrolment|onroll)?enddate|"
    r"left",
    "year_group": r"(current)?ncyear(actual|group|taught)?|(current)?nationalcurriculumyear(group)?|"
    r"(pupil|student)?year(group|grp|gp|code|taught)?(name)?|yr(grp|group)?|ncy",
    "status": r"enrol?lment?status|enrolstatus|registrationstatus",
    "boarder": r"boarder(status)?",
    "fsm_ever_6": r"(fsm)?ever(fsm)?6(fsm|pupil)?|(freeschoolmeals|fsm)(in(the)?)?(ever|last)?6(years)?",
    "fsm": r"fsm(eligible|eligibility|status|entitled|current)?|(eligiblefor|currently)?fsm|(eligiblefor)?free(school)?"
    r"meals?(eligible|eligibility)?|fsmeligibleoncensusday",
    "ehcp": r"(has)?ehcp?(plan)?|educationhealth(and)?careplan",
    "sen_primary": r"(primary|main|first)sen(d)?(need|needs|eeds)?(type)?|primaryneed(type)?|sen(d)?(primary|main)?need"
    r"(type)?1?|sentype1?",
    "sen_provision": r"(current)?sen(d|co)?(d?status|provision|stage|code|level|support)?|senneedsstage|ssen",
    "eal": r"eal(status)?|englishas(an)?additionallanguage|additionallanguage",
    "language": r"(first|home|main)?language(code)?|mothertongue",
    "ethnicity": r"ethnic(ity|group|origin|background)?(code|minor)?",
    "young_carer": r"youngcarer(type|code)?",
    "lsoa": r"(home)?lsoa(20)?(11|21)?(code|cd)?|lowersuperoutputarea(code)?",
    "postcode": r"(home|pupil|address)?post(al)?code",
    "la": r"la|lea|lacode|lanumber|leanumber",
    "estab": r"estab|estabno|estabnumber|establishmentnumber",
}  # fmt: skip
# What only a roll says of a pupil; two of these beside the year group tell it.
_TELLING = ("entry_date", "fsm", "fsm_ever_6", "sen_provision", "ehcp", "eal", "language", "ethnicity", "postcode",
            "birth_date", "surname", "status", "boarder")  # fmt: skip
_NOT_A_ROLL = ("mark", "marks", "session", "attendance", "result", "grade", "exclusion", "suspension", "sessions")
_HEADINGS = {
    "entry_date": "Admission date",
    "leaving_date": "Leaving date",
    "year_group": "Year group",
    "status": "Enrolment status",
    "boarder": "Boarder",
}
_ABOUT = {
    "fsm": "FSM eligible",
    "fsm_ever_6": "Ever 6 FSM",
    "sen_provision": "SEN status",
    "sen_primary": "Primary need",
    "language": "First language",
    "eal": "EAL",
    "young_carer": "Young carer",
}
_USEFUL = {
    "school": "the school",
    "entry_date": "when the pupil was admitted, without which no registration can be made",
    "year_group": "the year group",
}


def found_in(header: Sequence[str]) -> Found:
    """The columns of a header by what they mean."""
    return columns_of(header, COLUMNS)


def _recognise(head: Head) -> bool:
    header = head.header
    flats = [flat(column) for column in header]
    if any(name.endswith("tableid") for name in flats) or "time_period" in header:
        return False
    if any(name in _NOT_A_ROLL for name in flats):
        return False
    found = found_in(header)
    return bool(found.keys() & set(PUPIL)) and "year_group" in found and len(found.keys() & set(_TELLING)) >= 2


def read_roll(path: Path, context: Context) -> Reading:
    """One row per pupil in `pupil`, per row in `enrolment`, and per pupil in `characteristic`.

    Raises UnreadableFile when no column says whose the rows are.
    """
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    header = [c for c in raw.column_names if c != "line"]
    found = found_in(header) | agreed_columns(header, context.mappings, COLUMNS)
    if not found.keys() & set(PUPIL):
        raise UnreadableFile("A list of pupils needs a column for the UPN, or for the pupil's id.")
    if not raw.num_rows:
        raise UnreadableFile("The file has the columns of a list of pupils on roll and not one pupil.")
    judge_header(raw.column_names, found, _USEFUL, "enrolment", findings)
    who = Who(found, raw.column_names)
    cells = {what: first(found.get(what, ()), raw.column_names) for what in COLUMNS}
    if cells["la"] != ABSENT and cells["estab"] != ABSENT:
        number = f"lpad({cells['la']}, 3, '0') || lpad({cells['estab']}, 4, '0')"
        who.school = f"coalesce({who.cells['urn']}, {who.cells['laestab']}, {number}, {who.cells['school']})"
    own = f"coalesce({who.cells['pupil_id']}, {who.cells['admission']})"
    who.ref = f"coalesce({who.cells['upn']}, CASE WHEN {own} IS NOT NULL THEN concat_ws(':', {who.school}, {own}) END)"
    day = _day(raw, cells, findings)
    with bench(raw) as database:
        who.judge_school(database, "enrolment", findings)
        _judge_pupils(database, who, findings)
        about = {
            "ethnicity": coded(cells["ethnicity"], words("ethnicity_school", "ethnicity_school")),
            "postcode": postcode(cells["postcode"]),
            "lsoa": f"upper({cells['lsoa']})",
        }
        tables = who.tables(database, findings, about)
        tables["enrolment"] = _enrolments(database, who, cells, findings)
        told = _characteristics(database, who, cells, day, findings)
        if told.num_rows:
            tables["characteristic"] = told
        schools = [s for (s,) in database.rows(f"SELECT DISTINCT {who.school} AS s FROM raw WHERE s IS NOT NULL")]
    said = f" on {day}" if day else ""
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{counted(tables['pupil'].num_rows, 'pupil')} on roll at {counted(len(schools), 'school')}{said}",
        covers=f"schools {fingerprint(map(str, schools))}" + (f", {_columns_mark(found)}" if not schools else ""),
        as_at=day,
        tables=tables,
        received={KIND: raw},
        findings=findings,
    )


def _columns_mark(found: Found) -> str:
    """A list that names no school can only be replaced by one of the same columns."""
    return fingerprint(column for columns in found.values() for column in columns)


def _day(raw: pa.Table, cells: Mapping[str, str], findings: list[Finding]) -> str:
    """The day the list is of: the one that all rows give, else that of the census they name; empty when unsaid."""
    with bench(raw) as database:
        if cells["as_at"] != ABSENT:
            told = conformed(database, "characteristic", {"pupil_ref": "'x'", "as_at": cells["as_at"]}, findings)
            days = sorted({day for day in told["as_at"].to_pylist() if day})
            if len(days) > 1:
                says = f"The rows are of {len(days)} days; the latest was taken for all."
                findings.append(Finding("several-days", Severity.QUERY, says, "characteristic", field="as_at",
                                        right="one day for the list"))  # fmt: skip
            return days[-1].isoformat() if days else ""
        if ABSENT in (cells["census_year"], cells["census_term"]):
            return ""
        rows = database.rows(
            f"SELECT DISTINCT {cells['census_year']} AS y, lower({cells['census_term']}) AS t FROM raw"
        )
    if len(rows) != 1 or None in rows[0]:
        return ""
    year, term = str(rows[0][0]), str(rows[0][1])
    terms = {"autumn": "autumn", "aut": "autumn", "spring": "spring", "spr": "spring", "summer": "summer",
             "sum": "summer"}  # fmt: skip
    digits = "".join(c for c in year if c.isdigit())
    if term not in terms or len(digits) not in (6, 8) or not digits.startswith("20"):
        return ""
    first_year = int(digits[:4])
    return Collection(first_year + (terms[term] != "autumn"), terms[term]).day.isoformat()


def _judge_pupils(database: Database, who: Who, findings: list[Finding]) -> None:
    list_rows(
        database,
        f"{who.ref} IS NULL",
        rule="missing-value",
        severity=Severity.ERROR,
        says="The row names no pupil (no UPN and no pupil id), so it cannot be used.",
        table="pupil",
        field="pupil_ref",
        findings=findings,
        right="a UPN or the pupil's id",
    )


def _enrolments(database: Database, who: Who, cells: Mapping[str, str], findings: list[Finding]) -> pa.Table:
    # "Year 7", "Yr 07", "Y7" and "07" are 7.
    year = f"lower({cells['year_group']})"
    for pattern, kept in (
        (r"^(national curriculum |nc )?(year|yr|y)\.?\s*([0-9]+|[a-z][0-9]?)$", r"\3"),
        ("^0+([0-9])", r"\1"),
    ):
        year = f"regexp_replace({year}, '{pattern}', '{kept}')"
    made = {
        "pupil_ref": who.ref,
        "school_ref": who.school,
        "entry_date": cells["entry_date"],
        "leaving_date": cells["leaving_date"],
        "year_group": coded(year, words("year_group", "year_group")),
        "status": coded(cells["status"], words("enrolment_status", "enrolment_status")),
        "boarder": coded(cells["boarder"], words("boarder", "boarder")),
    }
    return _made(database, "enrolment", made, f"{who.ref} IS NOT NULL", findings)


def _characteristics(
    database: Database, who: Who, cells: Mapping[str, str], day: str, findings: list[Finding]
) -> pa.Table:
    provision = coded(cells["sen_provision"], words("sen_provision", "sen_provision"))
    plan = f"CASE WHEN lower({cells['ehcp']}) IN ('y', 'yes', 'true', 't', '1', 'ehcp', 'e') THEN 'E' END"
    made = {
        "pupil_ref": who.ref,
        "as_at": f"'{day}'" if day else ABSENT,
        "fsm": cells["fsm"],
        "fsm_ever_6": cells["fsm_ever_6"],
        "sen_provision": f"coalesce({plan}, {provision})",
        "sen_primary": coded(cells["sen_primary"], words("sen_type", "sen_type")),
        "language": cells["language"],
        "eal": f"coalesce({cells['eal']}, {additional_english_sql(cells['language'])})",
        "young_carer": coded(cells["young_carer"], words("young_carer", "young_carer")),
    }
    said = [c for c in ("fsm", "fsm_ever_6", "ehcp", "sen_provision", "sen_primary", "language", "eal", "young_carer")
            if cells[c] != ABSENT]  # fmt: skip
    filled = " OR ".join(f"{cells[c]} IS NOT NULL" for c in said) or "false"
    once = f"row_number() OVER (PARTITION BY {who.ref} ORDER BY line) = 1"
    return _made(database, "characteristic", made, f"{who.ref} IS NOT NULL AND ({filled}) QUALIFY {once}", findings)


def _made(database: Database, table: str, cells: Mapping[str, str], where: str, findings: list[Finding]) -> pa.Table:
    database.execute(f"CREATE OR REPLACE TEMP VIEW _kept AS SELECT * FROM raw WHERE {where}")
    return conformed(database, table, cells, findings, relation="_kept")


def write_roll(reading: Reading, path: Path) -> list[Path]:
    """One CSV: a row per registration of a pupil, under the names such exports use."""
    roll = [
        f"strftime(t.{c}, '%d/%m/%Y') AS \"{h}\"" if c.endswith("_date") else f't.{c} AS "{h}"'
        for c, h in _HEADINGS.items()
    ]
    about = [
        f"CASE WHEN c.{c} THEN 'Yes' WHEN NOT c.{c} THEN 'No' END AS \"{h}\""
        if c in ("fsm", "fsm_ever_6", "eal")
        else f'c.{c} AS "{h}"'
        for c, h in _ABOUT.items()
    ]
    person = ['p.ethnicity AS "Ethnicity"', 'p.postcode AS "Postcode"', 'p.lsoa AS "LSOA"']
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        day = "strftime(c.as_at, '%d/%m/%Y') AS \"As at\"" if reading.as_at else ""
        rows = database.query(
            f"""
            SELECT {", ".join([written_identity("pupil_ref", "t"), *roll, *person, *about, *([day] if day else [])])}
            FROM enrolment t {joined("t")}
            LEFT JOIN (FROM characteristic QUALIFY row_number() OVER (PARTITION BY pupil_ref ORDER BY line) = 1) c
                ON c.pupil_ref = t.pupil_ref
            ORDER BY t.line, t.pupil_ref
            """
        )
    return [write_delimited(rows, target(path, "roll.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Pupils on roll, as a school's system exports them (CSV)", _recognise, read_roll, write_roll),
)

"""Suspensions and permanent exclusions as an authority's inclusion team keeps them: one CSV, one row per decision.

There is no standard layout: columns are known by the mapping agreed with the sender (meanings as in `ALIASES`), else by
the names such lists use, and words by `data/words.csv`. The `pupil_ref` is the UPN, else the sender's own id of the
pupil; an admission number is a school's own, so it is kept with the school ("school/number").

A later file replaces this one when both begin with the same rows of the same first day: so the year's growing list
replaces itself, and lists of single weeks or schools stand beside each other.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import (
    bench,
    coded,
    counted,
    day,
    first,
    judge_columns,
    judge_identifiers,
    judge_order,
    judge_values,
    latest_day,
    list_rows,
    literal,
    name,
    squeezed,
    target,
    words,
)
from sightline.sources.conform import conform
from sightline.sources.delimited import normal_name, read_delimited, write_delimited
from sightline.sources.exclusion_codes import fixed_as_suspended, judge_reasons, note_late_fixed
from sightline.sources.mapping import mapping_key
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import laestab_fault, urn_fault

KIND = "suspensions"
# Names of columns, as lower case letters and digits without spaces.
ALIASES: Mapping[str, tuple[str, ...]] = {
    "upn": ("upn", "uniquepupilnumber", "pupilupn", "studentupn", "childupn"),
    "pupil_id": (
        "pupilid",
        "studentid",
        "pupilref",
        "pupilreference",
        "personid",
        "personreference",
        "clientid",
        "arborid",
        "studentnumber",
        "pupilnumber",
        "studid",
    ),
    "admission": ("admissionnumber", "admissionno", "admno", "adno"),
    "former_upn": ("formerupn", "previousupn"),
    "surname": ("surname", "lastname", "familyname", "legalsurname", "legallastname", "pupilsurname", "studentsurname"),
    "forename": (
        "forename",
        "firstname",
        "givenname",
        "legalforename",
        "legalfirstname",
        "pupilforename",
        "studentforename",
    ),
    "birth_date": ("dob", "dateofbirth", "birthdate"),
    "sex": ("sex", "gender"),
    "start_date": (
        "startdate",
        "start",
        "datestart",
        "fromdate",
        "datefrom",
        "from",
        "begindate",
        "firstday",
        *(f"{what}{date}" for what in ("suspension", "exclusion") for date in ("startdate", "start", "date", "from")),
        "dateofexclusion",
        "dateofsuspension",
    ),
    "end_date": (
        "enddate",
        "end",
        "dateend",
        "todate",
        "dateto",
        "to",
        "lastday",
        *(f"{what}{date}" for what in ("suspension", "exclusion") for date in ("enddate", "end", "to")),
    ),
    "sessions": ("sessions", "numberofsessions", "noofsessions", "totalsessions", "sessionsmissed", "sessionslost"),
    "days": ("days", "numberofdays", "noofdays", "totaldays", "daysmissed", "dayslost", "lengthindays", "schooldays"),
    "category": (
        "category",
        "type",
        *(f"{what}{kind}" for what in ("suspension", "exclusion") for kind in ("type", "category", "typecode")),
        "typeofexclusion",
        "typeofsuspension",
        "suspensionorexclusion",
    ),
    "reason1": (
        "reason1",
        "reason",
        "reasoncode",
        "reasoncode1",
        "primaryreason",
        "mainreason",
        "firstreason",
        "exclusionreason",
        "suspensionreason",
        "reasonforexclusion",
        "reasonforsuspension",
    ),
    "reason2": ("reason2", "reasoncode2", "secondreason", "secondaryreason"),
    "reason3": ("reason3", "reasoncode3", "thirdreason"),
    "urn": ("urn", "schoolurn"),
    "laestab": ("laestab", "schoollaestab", "laestabnumber", "dfenumber", "dfeno", "dfesnumber"),
    "school": ("school", "schoolname", "establishment", "establishmentname", "base", "nameofschool"),
}
_GENERIC = ("category", "type")
_LATER_CALLED = {"SUSP": "Suspension", "PERM": "Permanent exclusion", "LNCH": "Lunchtime suspension"}


def _flat(header: str) -> str:
    return re.sub(r"[^a-z0-9]", "", header.lower())


def columns_of(header: Iterable[str]) -> dict[str, list[str]]:
    """The columns of a header by what they hold, each in the order of its aliases."""
    by_flat: dict[str, str] = {}
    for column in header:
        by_flat.setdefault(_flat(column), column)
    return {what: found for what, names in ALIASES.items() if (found := [by_flat[n] for n in names if n in by_flat])}


def as_agreed(header: Sequence[str], agreed: Mapping[str, str]) -> dict[str, list[str]]:
    """The columns an agreed mapping names. Raises UnreadableFile where it does not fit the file."""
    found = {}
    for what, column in agreed.items():
        if what == "kind":  # which source reads the file
            continue
        if what not in ALIASES:
            raise UnreadableFile(f"The agreed mapping has '{what}', which is none of: {', '.join(ALIASES)}.")
        if normal_name(column) not in header:
            raise UnreadableFile(f"The agreed mapping names the column '{column}' for {what}, which the file lacks.")
        found[what] = [normal_name(column)]
    return found


def _recognise(head: Head) -> bool:
    return is_list(head.header)


def is_list(header: Collection[str]) -> bool:
    """A pupil, a start and a category; and, where the category is only called type, a sign that exclusion is meant."""
    found = columns_of(header)
    if not found.keys() & {"upn", "pupil_id", "admission"} or not {"start_date", "category"} <= found.keys():
        return False
    if any(_flat(h).endswith("tableid") for h in header):
        return False  # a table of the school census
    if any(_flat(c) not in _GENERIC for c in found["category"]):
        return True
    told = any("exclu" in _flat(h) or "suspen" in _flat(h) for h in header)
    return told or ("reason1" in found and bool(found.keys() & {"sessions", "days"}))


def read_suspensions(path: Path, context: Context) -> Reading:
    """One suspension or exclusion per row, and one pupil per UPN or own id."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    header = [c for c in raw.column_names if c != "line"]
    found = columns_of(header) | as_agreed(header, context.mappings.get(mapping_key(header), {}))
    if not found.keys() & {"upn", "pupil_id", "admission"} or not {"start_date", "category"} <= found.keys():
        raise UnreadableFile("A list of suspensions needs columns for the UPN (or pupil id), start date and category.")
    _judge_header(set(raw.column_names), found, findings)
    cells = {what: first(found.get(what, ()), raw.column_names) for what in ALIASES}
    cells |= {what: squeezed(cells[what]) for what in ("upn", "former_upn")}
    cells["laestab"] = f"regexp_replace({cells['laestab']}, '[\\s/\\-]', '', 'g')"
    school = f"coalesce({cells['urn']}, {cells['laestab']}, {cells['school']})"
    own = f"CASE WHEN {cells['admission']} IS NOT NULL THEN concat_ws('/', {school}, {cells['admission']}) END"
    ref = f"coalesce({cells['upn']}, {cells['pupil_id']}, {own})"
    with bench(raw) as database:
        _judge_school(database, cells, ref, findings)
        tables = {
            "suspension": _suspensions(database, cells, ref, school, findings),
            **_pupils(database, cells, ref, findings),
        }
    rows = tables["suspension"]
    last = latest_day(rows, ("start_date",), findings, name_of_table="suspension", until=context.received)
    since, covers = _covers(rows)
    return Reading(
        kind=KIND,
        system="suspensions",
        period=f"{since} to {last}" if last else "no dates",
        covers=covers,
        as_at=last.isoformat() if last else "",
        tables=tables,
        received={KIND: raw},
        findings=findings,
    )


# What a useful list holds beside pupil, start and category; any one of the columns will do.
_USEFUL = (
    (("reason1",), "a reason", "reason"),
    (("urn", "laestab", "school"), "the school", "URN, LAESTAB or school"),
    (("sessions", "days", "end_date"), "how long it was", "sessions, days or end date"),
)


def _judge_header(present: set[str], found: Mapping[str, list[str]], findings: list[Finding]) -> None:
    for columns, what, right in _USEFUL:
        if not found.keys() & set(columns):
            says = f"No column says {what}, so it is not known."
            findings.append(
                Finding(
                    "missing-column",
                    Severity.QUERY,
                    says,
                    "suspension",
                    field=columns[-1],
                    right=f"a column named {right}",
                    line=1,
                )
            )
    used = [column for columns in found.values() for column in columns]
    judge_columns(present, {}, known=used, table="suspension", findings=findings)


def _judge_school(database: Database, cells: Mapping[str, str], ref: str, findings: list[Finding]) -> None:
    schools = f"(SELECT {cells['urn']} AS urn, {cells['laestab']} AS laestab, {ref} AS ref, line FROM raw)"
    for column, fault, right in (("urn", urn_fault, "six digits"), ("laestab", laestab_fault, "seven digits")):
        judge_values(
            database,
            schools,
            column,
            fault,
            rule=column,
            severity=Severity.ERROR,
            table="suspension",
            right=right,
            record="ref",
            findings=findings,
        )


def _suspensions(
    database: Database, cells: Mapping[str, str], ref: str, school: str, findings: list[Finding]
) -> pa.Table:
    category = coded(cells["category"], words("exclusion_category", "exclusion_category"))
    note_late_fixed(database, category, day(cells["start_date"]), findings)
    days = cells["days"]
    # A day has two sessions; half a day is one.
    doubled = (
        f"CASE WHEN try_cast({days} AS DOUBLE) IS NULL THEN {days} ELSE (try_cast({days} AS DOUBLE) * 2)::TEXT END"
    )
    made = {
        "pupil_ref": ref,
        "school_ref": school,
        "start_date": cells["start_date"],
        "end_date": cells["end_date"],
        "sessions": f"coalesce({cells['sessions']}, {doubled})",
        "category": fixed_as_suspended(category),
    }
    reasons = words("exclusion_reason", "exclusion_reason")
    for place in (1, 2, 3):
        # Some lists keep all reasons in one cell, with semicolons between them.
        each = f"nullif(trim(string_split({cells['reason1']}, ';')[{place}]), '')"
        own = cells[f"reason{place}"]
        made[f"reason{place}"] = coded(f"coalesce({own}, {each})" if place > 1 else each, reasons)
    selected = ", ".join(f"({x})::TEXT AS {name(column)}" for column, x in made.items())
    table = conform(database.query(f"SELECT {selected}, line FROM raw ORDER BY line"), "suspension", findings=findings)
    count = int(database.one(f"SELECT count(*) FROM raw WHERE {cells['sessions']} IS NULL AND {days} IS NOT NULL"))
    if count:
        says = f"{counted(count)} give days, which were read as twice as many sessions."
        findings.append(
            Finding("days-as-sessions", Severity.NOTE, says, "suspension", field="sessions", right="sessions")
        )
    table = _without_impossible_lengths(table, findings)
    judge_order(table, "suspension", "pupil_ref", findings)
    judge_reasons(table, findings)
    with bench(table) as received:
        list_rows(
            received,
            "true",
            rule="repeated-record",
            severity=Severity.QUERY,
            says="The same pupil, school, first day and category stand on an earlier row too; they count once.",
            table="suspension",
            field="start_date",
            findings=findings,
            value="start_date::TEXT",
            right="one row for each suspension",
            record="pupil_ref",
            relation="(FROM raw WHERE start_date IS NOT NULL QUALIFY row_number() OVER "
            "(PARTITION BY pupil_ref, school_ref, start_date, category ORDER BY line) > 1)",
        )
    return table


def _without_impossible_lengths(table: pa.Table, findings: list[Finding]) -> pa.Table:
    """The suspensions with a length of less than nothing left out of the row, each with a finding."""
    with bench(table) as database:
        list_rows(
            database,
            "sessions < 0",
            rule="sessions-below-nought",
            severity=Severity.ERROR,
            says="A suspension cannot last less than no time at all. The length was left out.",
            table="suspension",
            field="sessions",
            findings=findings,
            value="sessions::TEXT",
            right="the sessions missed, each half a day",
            record="pupil_ref",
        )
        return database.conformed(
            "suspension",
            "SELECT * REPLACE (CASE WHEN sessions >= 0 THEN sessions END AS sessions) FROM raw ORDER BY line",
        )


def _pupils(database: Database, cells: Mapping[str, str], ref: str, findings: list[Finding]) -> dict[str, pa.Table]:
    """One row per pupil, as the first row of the file describes them, and their identifiers."""
    sex = coded(cells["sex"], words("sex", "sex"))
    rows = database.query(
        f"SELECT {ref} AS pupil_ref, {cells['surname']} AS surname, {cells['forename']} AS forename, "
        f"{cells['birth_date']} AS birth_date, {sex} AS sex, line FROM raw WHERE {ref} IS NOT NULL "
        "QUALIFY row_number() OVER (PARTITION BY pupil_ref ORDER BY line) = 1 ORDER BY line"
    )
    pupils = conform(rows, "pupil", findings=findings)
    parts = " UNION ALL ".join(
        f"SELECT {ref} AS ref, {literal(kind)} AS kind, {cells[kind]} AS value, line, {place} AS place FROM raw"
        for place, kind in enumerate(("upn", "former_upn"))
    )
    identifiers = conform(
        database.query(
            f"FROM ({parts}) WHERE ref IS NOT NULL AND value IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY ref, kind, value ORDER BY line) = 1 ORDER BY line, place"
        ),
        "identifier",
        findings=findings,
    )
    judge_identifiers(identifiers, findings)
    return {"pupil": pupils, "identifier": identifiers}


def _covers(rows: pa.Table) -> tuple[date | None, str]:
    """The first day, and a mark of the rows of that day: what a later list must begin with to replace this one."""
    with bench(rows) as database:
        since: date | None = database.one("SELECT min(start_date) FROM raw")
        begin = database.rows(
            "SELECT pupil_ref, coalesce(school_ref, ''), coalesce(category, '') FROM raw "
            "WHERE start_date IS NOT DISTINCT FROM (SELECT min(start_date) FROM raw) ORDER BY ALL"
        )
    mark = hashlib.sha256("\n".join("|".join(row) for row in begin).encode()).hexdigest()[:12]
    return since, f"from {since or 'no date'}, {mark}"


def write_suspensions(reading: Reading, path: Path) -> list[Path]:
    """One CSV in the words and dates an inclusion team uses. A pupil with a UPN is written under it."""
    said = ", ".join(f"{literal(code)}: {literal(word)}" for code, word in _LATER_CALLED.items())
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        rows = database.query(f"""
            WITH ids AS (
                SELECT ref, min(value) FILTER (kind = 'upn') AS upn, min(value) FILTER (kind = 'former_upn') AS former
                FROM identifier GROUP BY ref
            ),
            p AS (FROM pupil QUALIFY row_number() OVER (PARTITION BY pupil_ref ORDER BY line) = 1)
            SELECT ids.upn AS "UPN", CASE WHEN ids.upn IS NULL THEN s.pupil_ref END AS "Pupil ID",
                ids.former AS "Former UPN", p.surname AS "Surname", p.forename AS "Forename",
                strftime(p.birth_date, '%d/%m/%Y') AS "Date of birth", p.sex AS "Sex",
                CASE WHEN regexp_full_match(school_ref, '[0-9]{{6}}') THEN school_ref END AS "URN",
                CASE WHEN regexp_full_match(school_ref, '[0-9]{{7}}') THEN school_ref END AS "LAESTAB",
                CASE WHEN NOT regexp_full_match(school_ref, '[0-9]{{6,7}}') THEN school_ref END AS "School",
                strftime(start_date, '%d/%m/%Y') AS "Start date", strftime(end_date, '%d/%m/%Y') AS "End date",
                sessions::TEXT AS "Sessions", coalesce((MAP {{{said}}})[category], category) AS "Type of exclusion",
                reason1 AS "Reason 1", reason2 AS "Reason 2", reason3 AS "Reason 3"
            FROM suspension s LEFT JOIN ids ON ids.ref = s.pupil_ref LEFT JOIN p ON p.pupil_ref = s.pupil_ref
            ORDER BY s.line, s.start_date, s.pupil_ref
        """)
    return [write_delimited(rows, target(path, "suspensions.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Suspensions and permanent exclusions (CSV)", _recognise, read_suspensions, write_suspensions),
)

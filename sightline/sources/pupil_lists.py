"""What lists of pupils without a national layout share: who the pupil is, at which school, and what other columns mean.

Columns are known by the mapping agreed with the sender (meanings as named here), else by their names. The `pupil_ref`
is the UPN, else the sender's own id; an admission number is a school's own, so it is kept with the school.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.columns import (
    bench,
    coded,
    first,
    judge_columns,
    judge_identifiers,
    judge_values,
    list_rows,
    literal,
    name,
    squeezed,
    words,
)
from sightline.sources.conform import conform
from sightline.sources.delimited import normal_name
from sightline.sources.mapping import mapping_key
from sightline.sources.suspensions import ALIASES
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import laestab_fault, urn_fault

PUPIL = ("upn", "pupil_id", "admission")
SCHOOL = ("urn", "laestab", "school")
IDENTITY: Mapping[str, tuple[str, ...]] = {
    what: ALIASES[what]
    for what in (*PUPIL, "former_upn", "surname", "forename", "birth_date", "sex", *SCHOOL)
}  # fmt: skip
Found = dict[str, list[str]]


def flat(header: str) -> str:
    """A column's name as lower case letters and digits without spaces."""
    return re.sub(r"[^a-z0-9]", "", header.lower())


def identity_of(header: Iterable[str]) -> Found:
    """The columns that say who and where, each in the order of its aliases."""
    by_flat: dict[str, str] = {}
    for column in header:
        by_flat.setdefault(flat(column), column)
    return {what: found for what, names in IDENTITY.items() if (found := [by_flat[n] for n in names if n in by_flat])}


def columns_of(header: Sequence[str], patterns: Mapping[str, str], *, without: Collection[str] = ()) -> Found:
    """The columns of a list: identity (`without` some of it), and for each meaning the first free column whose flat
    name matches."""
    found = {what: columns for what, columns in identity_of(header).items() if what not in without}
    taken = {column for columns in found.values() for column in columns}
    for what, pattern in patterns.items():
        for column in header:
            if column not in taken and column != "line" and re.fullmatch(pattern, flat(column)):
                found[what] = [column]
                taken.add(column)
                break
    return found


def agreed_columns(header: Sequence[str], agreed: Mapping[str, Mapping[str, str]], known: Iterable[str]) -> Found:
    """The columns an agreed mapping names. Raises UnreadableFile where it does not fit the file."""
    columns = [c for c in header if c != "line"]
    meanings = {*IDENTITY, *known}
    found: Found = {}
    for what, column in agreed.get(mapping_key(columns), {}).items():
        if what == "kind":  # which source reads the file
            continue
        if what not in meanings:
            raise UnreadableFile(f"The agreed mapping has '{what}', which is none of: {', '.join(sorted(meanings))}.")
        if normal_name(column) not in header:
            raise UnreadableFile(f"The agreed mapping names the column '{column}' for {what}, which the file lacks.")
        found[what] = [normal_name(column)]
    return found


class Who:
    """SQL of the pupil and the school of each row of `raw`."""

    def __init__(self, found: Found, present: Iterable[str]) -> None:
        columns = set(present)
        self.cells = {what: first(found.get(what, ()), columns) for what in IDENTITY}
        self.cells |= {what: squeezed(self.cells[what]) for what in ("upn", "former_upn")}
        self.cells["laestab"] = f"regexp_replace({self.cells['laestab']}, '[\\s/\\-]', '', 'g')"
        self.school = f"coalesce({', '.join(self.cells[what] for what in SCHOOL)})"
        number = self.cells["admission"]
        own = f"CASE WHEN {number} IS NOT NULL THEN concat_ws('/', {self.school}, {number}) END"
        self.ref = f"coalesce({self.cells['upn']}, {self.cells['pupil_id']}, {own})"

    def tables(
        self, database: Database, findings: list[Finding], about: Mapping[str, str] | None = None
    ) -> dict[str, pa.Table]:
        """One row per pupil, as the first row of the file describes them, and their identifiers.

        `about` is SQL of what else the list says of a pupil, by column.
        """
        cells = self.cells
        more = "".join(f"({x})::TEXT AS {column}, " for column, x in (about or {}).items())
        rows = database.query(
            f"SELECT {self.ref} AS pupil_ref, {cells['surname']} AS surname, {cells['forename']} AS forename, {more}"
            f"{cells['birth_date']} AS birth_date, {coded(cells['sex'], words('sex', 'sex'))} AS sex, line FROM raw "
            f"WHERE {self.ref} IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY pupil_ref ORDER BY line) = 1 ORDER BY line"
        )
        parts = " UNION ALL ".join(
            f"SELECT {self.ref} AS ref, {literal(kind)} AS kind, {cells[kind]} AS value, line, {place} AS place "
            "FROM raw"
            for place, kind in enumerate(("upn", "former_upn"))
        )
        held = database.query(
            f"FROM ({parts}) WHERE ref IS NOT NULL AND value IS NOT NULL "
            "QUALIFY row_number() OVER (PARTITION BY ref, kind, value ORDER BY line) = 1 ORDER BY line, place"
        )
        identifiers = conform(held, "identifier", findings=findings)
        judge_identifiers(identifiers, findings)
        return {"pupil": conform(rows, "pupil", findings=findings), "identifier": identifiers}

    def judge_school(self, database: Database, table: str, findings: list[Finding]) -> None:
        """Findings for URNs and LAESTABs that are none."""
        cells = self.cells
        schools = f"(SELECT {cells['urn']} AS urn, {cells['laestab']} AS laestab, {self.ref} AS ref, line FROM raw)"
        for column, fault, right in (("urn", urn_fault, "six digits"), ("laestab", laestab_fault, "seven digits")):
            judge_values(
                database, schools, column, fault, rule=column, severity=Severity.ERROR, table=table, right=right,
                record="ref", findings=findings,
            )  # fmt: skip


def judge_header(
    present: Iterable[str], found: Found, useful: Mapping[str, str], table: str, findings: list[Finding]
) -> None:
    """`missing-column` for each useful meaning (with its words) that no column has, and the columns not used."""
    for what, says in useful.items():
        wanted = SCHOOL if what == "school" else (what,)
        if not found.keys() & set(wanted):
            sentence = f"No column says {says}, so it is not known."
            findings.append(
                Finding(
                    "missing-column", Severity.QUERY, sentence, table, field=what, right=f"a column for {says}", line=1
                )
            )
    used = [column for columns in found.values() for column in columns]
    judge_columns(set(present), {}, known=used, table=table, findings=findings)


def judge_starts(table: pa.Table, name_of_table: str, record: str, findings: list[Finding]) -> None:
    """`period-without-start` findings of a table with start_date."""
    with bench(table) as database:
        list_rows(
            database,
            "start_date IS NULL",
            rule="period-without-start",
            severity=Severity.QUERY,
            says="The row has no first day, so it belongs to no period.",
            table=name_of_table,
            field="start_date",
            findings=findings,
            right="the first day",
            record=record,
        )


def judge_hours(table: pa.Table, name_of_table: str, column: str, record: str, findings: list[Finding]) -> None:
    """`hours-out-of-range` findings of a column of hours a week."""
    with bench(table) as database:
        list_rows(
            database,
            f"{name(column)} < 0 OR {name(column)} > 40",
            rule="hours-out-of-range",
            severity=Severity.QUERY,
            says="No school week has so many hours.",
            table=name_of_table,
            field=column,
            findings=findings,
            value=f"{name(column)}::TEXT",
            right="hours a week",
            record=record,
        )


def conformed(
    database: Database, table: str, cells: Mapping[str, str], findings: list[Finding], *, relation: str = "raw"
) -> pa.Table:
    """The rows of `raw`, or of a part of it, as a vocabulary table, from SQL of its columns."""
    selected = ", ".join(f"({x})::TEXT AS {name(column)}" for column, x in cells.items())
    return conform(database.query(f"SELECT {selected}, line FROM {relation} ORDER BY line"), table, findings=findings)


def list_begins(table: pa.Table, ref: str = "pupil_ref", day: str = "start_date") -> tuple[date | None, str]:
    """The first day, and a mark of the rows of that day: what a later list must begin with to replace this one."""
    with bench(table) as database:
        since: date | None = database.one(f"SELECT min({day}) FROM raw")
        begin = database.rows(
            f"SELECT {ref} FROM raw WHERE {day} IS NOT DISTINCT FROM (SELECT min({day}) FROM raw) ORDER BY ALL"
        )
    mark = hashlib.sha256("\n".join(row[0] for row in begin).encode()).hexdigest()[:12]
    return since, f"from {since or 'no date'}, {mark}"


def written_identity(ref: str, alias: str) -> str:
    """SQL of the columns that say who and where, for a list to be written; `ids` and `p` are joined by `joined`."""
    school = f"{alias}.school_ref"
    return f"""ids.upn AS "UPN", CASE WHEN ids.upn IS NULL THEN {alias}.{ref} END AS "Pupil ID",
        ids.former AS "Former UPN", p.surname AS "Surname", p.forename AS "Forename",
        strftime(p.birth_date, '%d/%m/%Y') AS "Date of birth", p.sex AS "Sex",
        CASE WHEN regexp_full_match({school}, '[0-9]{{6}}') THEN {school} END AS "URN",
        CASE WHEN regexp_full_match({school}, '[0-9]{{7}}') THEN {school} END AS "LAESTAB",
        CASE WHEN NOT regexp_full_match({school}, '[0-9]{{6,7}}') THEN {school} END AS "School"
    """


def joined(alias: str) -> str:
    """SQL that joins who a pupil is to the rows of a list."""
    return f"""LEFT JOIN (
            SELECT ref, min(value) FILTER (kind = 'upn') AS upn, min(value) FILTER (kind = 'former_upn') AS former
            FROM identifier GROUP BY ref
        ) ids ON ids.ref = {alias}.pupil_ref
        LEFT JOIN (FROM pupil QUALIFY row_number() OVER (PARTITION BY pupil_ref ORDER BY line) = 1) p
            ON p.pupil_ref = {alias}.pupil_ref"""

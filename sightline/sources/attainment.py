"""Attainment as delimited files: what the Department lets authorities download, and lists of results they keep.

Downloads of Get Information about Pupils (KS1, phonics, multiplication tables, KS2, KS4) and termly teacher assessment.
Two shapes. *Wide*: a row per pupil and a column per result, under the Department's names (READSCORE, PHONICS_MARK,
ATT8) or a subject's (Reading, Maths). *Long*: a row per result, with columns for subject and result. The stage comes
from a column, else from the names of the results, else the list is termly teacher assessment.

Whether the expected standard was met is said only where the result says it: a scaled score of 100, a phonics mark of
32, the words and codes of teacher assessment. Anything else is kept as received.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, coded, coded_only, counted, first, list_rows, literal, name, target, words
from sightline.sources.conform import conform
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.gathered import fingerprint
from sightline.sources.pupil_lists import (
    PUPIL,
    Who,
    agreed_columns,
    columns_of,
    flat,
    joined,
    judge_header,
    written_identity,
)
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.limits import EXPECTED_SCALED_SCORE, PHONICS_MARK

KIND = SYSTEM = "attainment"


@dataclass(frozen=True, slots=True)
class Result:
    """One column of a wide file: the assessment and subject its results are of, and how a result says it was met.

    `met` is "score" (a scaled score), "mark" (a phonics mark), "flag" (1 is met) or "word" (a code or word).
    """

    stage: str
    subject: str
    met: str = "word"


# Flat names, without the prefix of their set (KS2_READSCORE is readscore of KS2).
_NAMED: Final[Mapping[str, Result]] = {
    "ks2readscore": Result("KS2", "READ", "score"),
    "readscore": Result("KS2", "READ", "score"),
    "matscore": Result("KS2", "MATH", "score"),
    "gpsscore": Result("KS2", "GPS", "score"),
    "readtaoutcome": Result("KS2", "READ"),
    "writtaoutcome": Result("KS2", "WRIT"),
    "mattaoutcome": Result("KS2", "MATH"),
    "scitaoutcome": Result("KS2", "SCI"),
    "rwmexp": Result("KS2", "RWM", "flag"),
    "readexp": Result("KS2", "READ", "flag"),
    "matexp": Result("KS2", "MATH", "flag"),
    "phonicsmark": Result("PHON", "PHON", "mark"),
    "phonicsoutcome": Result("PHON", "PHON"),
    "formmark": Result("MTC", "MTC", ""),
    "mtcscore": Result("MTC", "MTC", ""),
    "readoutcome": Result("KS1", "READ"),
    "writoutcome": Result("KS1", "WRIT"),
    "mathoutcome": Result("KS1", "MATH"),
    "matoutcome": Result("KS1", "MATH"),
    "scioutcome": Result("KS1", "SCI"),
    "att8": Result("KS4", "ATT8", ""),
    "attainment8": Result("KS4", "ATT8", ""),
    "p8score": Result("KS4", "P8", ""),
    "progress8": Result("KS4", "P8", ""),
    "l2basics94": Result("KS4", "EM", "flag"),
    "l2basics95": Result("KS4", "EM", "flag"),
    "ebaccapspupil": Result("KS4", "EBACC", ""),
    "ebaccaps": Result("KS4", "EBACC", ""),
    "gld": Result("EYFS", "GLD", "flag"),
    "goodlevelofdevelopment": Result("EYFS", "GLD", "flag"),
}
# Outcomes of these subjects stand in files of both key stages; a score of the same file says which it is.
_EITHER = ("readoutcome", "matoutcome", "writoutcome", "scioutcome")
_PREFIX = re.compile(r"(ks[1245]|phonics|mtc|fsp|eyfs)(?=[a-z])")
COLUMNS: Final[Mapping[str, str]] = {
    "stage": r"stage|keystage|ks|assessmentstage",
    "year": r"acadyr|academicyear|.*acadyr|year|assessmentyear|resultyear|yearofassessment",
    "term": r"term|halfterm|assessmentpoint|datapoint|assessmentterm|collectionpoint|datacollection",
    "subject": r"subject|subjectname",
    "measure": r"measure|resulttype|method|aspect|component|assessmenttype",
    "result": r"result|outcome|grade|attainment|assessmentresult|teacherassessment|score",
}
_HEADINGS = {"stage": "Stage", "year": "Academic year", "term": "Term", "subject": "Subject", "measure": "Measure",
             "result": "Result"}  # fmt: skip


def _results(header: Sequence[str], found: Mapping[str, list[str]]) -> dict[str, Result]:
    """The columns of a wide file that hold results."""
    taken = {column for columns in found.values() for column in columns}
    free = [column for column in header if column not in taken and column != "line"]
    named: dict[str, Result] = {}
    sets: set[str] = set()
    for column in free:
        low = flat(column)
        prefix = _PREFIX.match(low)
        plain = low if low in _NAMED else low[prefix.end() :] if prefix else low
        if plain in _NAMED:
            named[column] = _NAMED[plain]
            if prefix and low not in _NAMED and prefix[1] in ("ks1", "ks2", "ks4"):
                named[column] = Result(prefix[1].upper(), named[column].subject, named[column].met)
            sets.add(plain)
    if sets & {"readscore", "matscore", "gpsscore", "writtaoutcome", "rwmexp"}:
        for column, result in named.items():
            if flat(column) in _EITHER:
                named[column] = Result("KS2", result.subject, result.met)
    if named:
        return named
    subjects = words("subject", "subject")
    return {
        c: Result("TERM", subjects[_plain(c)]) for c in free if _plain(c) in subjects and subjects[_plain(c)] != "ALL"
    }


def _plain(column: str) -> str:
    return re.sub(r"[^a-z0-9]+", " ", column.lower()).strip()


def found_in(header: Sequence[str]) -> dict[str, list[str]]:
    """The columns of a header by what they mean, those of results apart."""
    return columns_of(header, COLUMNS)


def has_results(header: Sequence[str], found: Mapping[str, list[str]]) -> bool:
    """Whether some of the columns are results themselves, a subject each."""
    return bool(_results(header, found))


def _is_long(found: Mapping[str, list[str]]) -> bool:
    return {"subject", "result"} <= found.keys()


def _recognise(head: Head) -> bool:
    header = head.header
    if any(flat(column).endswith("tableid") for column in header) or "time_period" in header:
        return False
    found = found_in(header)
    if not found.keys() & set(PUPIL):
        return False
    if _is_long(found):
        return True
    results = _results(header, found)
    if any(result.stage != "TERM" for result in results.values()):
        return True
    return len(results) >= 2 and bool(found.keys() & {"term", "year"})


def read_attainment(path: Path, context: Context) -> Reading:
    """One row per result in `attainment`, and one per pupil in `pupil`."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    header = [c for c in raw.column_names if c != "line"]
    found = found_in(header) | agreed_columns(header, context.mappings, COLUMNS)
    results = {} if _is_long(found) else _results(header, found)
    if not found.keys() & set(PUPIL) or not (results or _is_long(found)):
        raise UnreadableFile(
            "A list of results needs the UPN (or the pupil's id), and results under names of subjects."
        )
    useful = {"year": "the academic year", "school": "the school"}
    judge_header(raw.column_names, found | {"results": list(results)}, useful, "attainment", findings)
    who = Who(found, raw.column_names)
    cells = {what: first(found.get(what, ()), raw.column_names) for what in COLUMNS}
    with bench(raw) as database:
        who.judge_school(database, "attainment", findings)
        rows = _long(cells) if _is_long(found) else _wide(cells, results)
        table = _typed(database, rows, cells, who, findings)
        tables = {"attainment": table, **who.tables(database, findings)}
    return _reading(tables, raw, findings)


def _year(x: str) -> str:
    """SQL: the first calendar year of an academic year however it is written; a bare year is the one it ends in."""
    digits = f"regexp_replace({x}, '[^0-9]', '', 'g')"
    return f"""CASE WHEN length({digits}) IN (6, 8) THEN {digits}[:4]
        WHEN length({digits}) = 4 AND {digits}[:2] IN ('19', '20') THEN (try_cast({digits} AS INTEGER) - 1)::TEXT
        WHEN length({digits}) = 4 THEN '20' || {digits}[:2] ELSE {x} END"""


def _long(cells: Mapping[str, str]) -> str:
    """SQL of the rows of a long file, with the name of their shape."""
    stage = coded(cells["stage"], words("ctf_stage", "assessment_stage"))
    subject = coded(cells["subject"], words("subject", "subject"))
    return f"""SELECT *, coalesce({stage}, 'TERM') AS _stage, {subject} AS _subject, {cells["measure"]} AS _measure,
        {cells["result"]} AS _result, {_met(cells["measure"])} AS _met, 0 AS place FROM raw"""


def _met(measure: str) -> str:
    """SQL: how a result of this measure says that the expected standard was met."""
    plain = f"regexp_replace(lower({measure}), '[^a-z0-9]', '', 'g')"
    bare = f"regexp_replace({plain}, '^(ks[1245]|phonics|mtc|fsp|eyfs)', '')"
    pairs = ", ".join(f"{literal(known)}: {literal(result.met)}" for known, result in _NAMED.items())
    said = f"coalesce((MAP {{{pairs}}})[{plain}], (MAP {{{pairs}}})[{bare}])"
    return f"coalesce({said}, CASE WHEN {plain} LIKE '%scaled%' THEN 'score' ELSE 'word' END)"


def _wide(cells: Mapping[str, str], results: Mapping[str, Result]) -> str:
    """SQL of a row per filled cell of a wide file's results."""
    stage = coded_only(cells["stage"], words("ctf_stage", "assessment_stage"))
    parts = [
        f"SELECT *, coalesce({stage if result.stage == 'TERM' else 'NULL'}, {literal(result.stage)}) AS _stage, "
        f"{literal(result.subject)} AS _subject, {literal(column)} AS _measure, "
        f"{first((column,), (column,))} AS _result, {literal(result.met)} AS _met, {place} AS place FROM raw"
        for place, (column, result) in enumerate(results.items())
    ]
    return " UNION ALL ".join(parts)


def _typed(database: Database, rows: str, cells: Mapping[str, str], who: Who, findings: list[Finding]) -> pa.Table:
    met = {"yes": "true", "no": "false"}
    pairs = ", ".join(f"{literal(w)}: {literal(met[c])}" for w, c in words("result_met").items())
    word = f"(MAP {{{pairs}}})[trim(regexp_replace(lower(_result), '[^a-z0-9]+', ' ', 'g'))]"
    number = "try_cast(_result AS DOUBLE)"
    made = database.query(
        f"""
        SELECT {who.ref} AS pupil_ref, {who.school} AS school_ref, _stage AS stage, {_year(cells["year"])} AS year,
            {cells["term"]} AS term, _subject AS subject, _measure AS measure, _result AS result,
            CASE WHEN isfinite({number}) THEN {number}::TEXT END AS score,
            CASE
                WHEN _met = 'score' AND {number} BETWEEN 80 AND 120
                    THEN ({number} >= {EXPECTED_SCALED_SCORE.value})::TEXT
                WHEN _met = 'mark' AND {number} BETWEEN 0 AND 40 THEN ({number} >= {PHONICS_MARK.value})::TEXT
                WHEN _met = 'flag' AND _result IN ('0', '1') THEN (_result = '1')::TEXT
                WHEN _met IN ('word', 'flag') THEN {word}
            END AS met, line, place
        FROM ({rows}) WHERE _result IS NOT NULL AND {who.ref} IS NOT NULL ORDER BY line, place
        """
    )
    list_rows(
        database,
        f"{who.ref} IS NULL",
        rule="missing-value",
        severity=Severity.ERROR,
        says="The row names no pupil, so its results cannot be used.",
        table="attainment",
        field="pupil_ref",
        findings=findings,
        right="a UPN or the pupil's id",
    )
    table = conform(made.drop_columns(["place"]), "attainment", findings=findings, record="pupil_ref")
    grain = "pupil_ref, stage, year, term, subject, measure"
    with bench(table) as kept:
        again = int(
            kept.one(
                f"SELECT count(*) FROM (FROM raw QUALIFY row_number() OVER (PARTITION BY {grain} ORDER BY line) > 1)"
            )
        )
    if again:
        says = (
            f"{counted(again, 'result')} of a pupil, assessment and subject that stand on an earlier row too; all kept."
        )
        findings.append(
            Finding("repeated-record", Severity.QUERY, says, "attainment", field="result", right="one row a result")
        )
    return table


def _reading(tables: dict[str, pa.Table], raw: pa.Table, findings: list[Finding]) -> Reading:
    with bench(tables["attainment"]) as database:
        what = database.rows(
            "SELECT DISTINCT stage, coalesce(year::TEXT, 'year not known'), coalesce(term, '') FROM raw ORDER BY ALL"
        )
        schools = sorted(
            str(s) for (s,) in database.rows("SELECT DISTINCT school_ref FROM raw WHERE school_ref IS NOT NULL")
        )
    shown = "; ".join(" ".join(part for part in each if part) for each in what[:6]) or "no results"
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=shown,
        covers=f"{shown}, schools {fingerprint(schools)}",
        tables=tables,
        received={KIND: raw},
        findings=findings,
    )


def write_attainment(reading: Reading, path: Path) -> list[Path]:
    """One CSV in the long shape: a row per result."""
    made = []
    for column, heading in _HEADINGS.items():
        x = f"t.{name(column)}"
        x = f"{x}::TEXT || '/' || lpad((({x} + 1) % 100)::TEXT, 2, '0')" if column == "year" else x
        made.append(f'{x} AS "{heading}"')
    with Database.of(reading.tables) as database:
        database.execute("SET preserve_insertion_order = true")
        rows = database.query(
            f"SELECT {written_identity('pupil_ref', 't')}, {', '.join(made)} FROM attainment t {joined('t')} "
            "ORDER BY t.line, t.pupil_ref"
        )
    return [write_delimited(rows, target(path, "attainment.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Attainment: key stages, phonics and teacher assessment (CSV)", _recognise, read_attainment,
           write_attainment),
)  # fmt: skip

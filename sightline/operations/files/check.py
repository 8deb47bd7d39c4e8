"""Check one file against every rule there is for it, with nothing stored."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.operations.files.records import check_reading
from sightline.sources import recognise, unpack
from sightline.sources.base import Context, Reading
from sightline.sources.cin_census import element_lines, table_of
from sightline.validation import (
    FIRST_YEAR,
    LAST_YEAR,
    REPEATED,
    Check,
    Outcome,
    RecordCheck,
    census,
    check_all,
    rules_for,
)
from sightline.vocabulary.errors import SightlineError, UnreadableFile
from sightline.vocabulary.findings import Severity

CENSUS_KINDS = ("cin-census", "cin-census-csv")
FINDINGS = pa.schema(
    [("rule", pa.string()), ("severity", pa.string()), ("says", pa.string()), ("child", pa.string()),
     ("table", pa.string()), ("field", pa.string()), ("value", pa.string()), ("line", pa.int32())]
)  # fmt: skip
LONGEST_VALUE = 1000  # characters shown of a value; a cell of a workbook holds 32,767
# While a file is judged, what a finding was held against, or what would be right, stands apart from its sentence.
_FOUND = FINDINGS.append(pa.field("more", pa.string()))


@dataclass(frozen=True, slots=True)
class FileCheck:
    """What one file says when judged.

    `findings`: one row per thing found, by the reader and by the rules, errors first; `says` is the sentence, then what
    the value was held against or what would be right; `child` is the sender's own id, `line` the line of the file (0
    for the whole return). `by_rule`: one row per rule that found something, with how many and about how many children.
    `not_run`: one row per rule that could not run, and why. `rules`: how many there were to run, those included.
    `year`: the collection year whose rules were applied (None for a file that is no CIN census). `note` says, where
    that needs saying, why that year.
    """

    kind: str
    period: str
    year: int | None
    rules: int
    findings: pa.Table
    by_rule: pa.Table
    not_run: tuple[dict[str, str], ...]
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "kind": self.kind,
            "period": self.period,
            "year": self.year,
            "rules": self.rules,
            "note": self.note,
            "findings": self.findings.to_pylist(),
            "not_run": list(self.not_run),
        }

    def errors(self) -> int:
        """How many of the findings are errors."""
        return sum(severity == Severity.ERROR for severity in self.findings["severity"].to_pylist())


def check_file(path: Path, *, year: int | None = None) -> FileCheck:
    """Judge a file by its reader and by the rules for its kind. Nothing is stored and no home is needed.

    A CIN census gets the rules of the collection year given, else of the year its header says, else of its reference
    date; of the nearest year held when it is none of 2023 to 2027. Its tables as CSV, in one folder or archive, are one
    return. Any other file gets the rules on identifiers, and those over records that speak of something it holds: the
    ones that need another file beside it are not run. Raises UnreadableFile when nothing can be made of the file,
    SightlineError when it is not one return or does not say its year.
    """
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        raise SightlineError(f"There are rules for the collections ending {FIRST_YEAR} to {LAST_YEAR}, not {year}.")
    with tempfile.TemporaryDirectory() as folder:
        readings, places = _read(path, Path(folder))
        first = readings[0]
        if first.kind in CENSUS_KINDS:
            received = {name: table for reading in readings for name, table in reading.received.items()}
            applied, note = _year(received, year)
            with census(received, applied) as made:
                checks = check_all(made)
            found = _found(readings, checks)
            found = _once(_placed(found, places[0]) if first.kind == CENSUS_KINDS[0] else found)
            return _answer(first, found, checks, applied, note)
        with census({}, LAST_YEAR, identifier=_identifiers(first)) as made:
            checks = check_all(made, [rule for rule in rules_for(LAST_YEAR) if rule.last_year > LAST_YEAR])
        every: list[Check | RecordCheck] = [*checks, *check_reading(first)]
        return _answer(first, _numbers_once(_found(readings, every)), every, None, "")


def _read(path: Path, folder: Path) -> tuple[list[Reading], list[Path]]:
    """The readings of one return, and their files: one file, or the tables of one census as CSV."""
    if not path.exists():
        raise SightlineError(f"There is no file or folder at {path}.")
    files = list(unpack([path], folder))
    for file in files:
        if file.error:
            raise file.error
    places = [file.path for file in files if file.path]
    if not places:
        raise UnreadableFile("There is no file there to check.")
    context = Context(beside=tuple(places))
    sources = [recognise(place) for place in places]
    if len(sources) > 1 and {source.kind for source in sources} != {"cin-census-csv"}:
        raise SightlineError(f"There are {len(sources)} files there; check one at a time.")
    readings = [source.read(place, context) for source, place in zip(sources, places, strict=True)]
    tables = [name for reading in readings for name in reading.received]
    twice = sorted({name for name in tables if tables.count(name) > 1}) if len(readings) > 1 else []
    if twice:
        raise SightlineError(f"Two of the files hold the census table {twice[0]}; check one return at a time.")
    return readings, places


def _placed(findings: pa.Table, path: Path) -> pa.Table:
    """The findings of a census in XML, each on the line of its own value; what it was held against likewise."""
    columns = {name: findings[name].to_pylist() for name in ("table", "field", "line", "more")}
    own = list(zip(columns["table"], columns["field"], columns["line"], strict=True))
    others = [_against(more) for more in columns["more"]]
    lines = element_lines(path, {*own, *(other for other in others if other)})
    columns["line"] = [lines.get(place, place[2]) for place in own]
    columns["more"] = [
        more if other is None else _LINE_OF.sub(f", line {lines.get(other, other[2])}", more)
        for more, other in zip(columns["more"], others, strict=True)
    ]
    for name in ("line", "more"):
        at = findings.column_names.index(name)
        findings = findings.set_column(at, name, pa.array(columns[name], findings.schema.field(name).type))
    return findings


def _once(findings: pa.Table) -> pa.Table:
    """The findings without those of the reader that a rule repeats of the same value."""
    columns = [findings[name].to_pylist() for name in ("rule", "child", "table", "field", "line")]
    rows = list(zip(*columns, strict=True))
    told, seen = set(rows), set()
    kept = []
    for place, row in enumerate(rows):
        codes = REPEATED.get(row[0], ())
        # One that reader and rule call by the same name is kept once.
        again = row[0] in codes and row in seen
        seen.add(row)
        if not again and not any(code != row[0] and (code, *row[1:]) in told for code in codes):
            kept.append(place)
    return findings.take(pa.array(kept, pa.int64()))


def _numbers_once(found: pa.Table) -> pa.Table:
    """The findings without those of a reader on a pupil number of which a rule says the same under its own code."""
    columns = [found[name].to_pylist() for name in ("rule", "child", "value", "line")]
    rows = list(zip(*columns, strict=True))
    told = {row[1:] for row in rows if row[0] in ("upn-length", "upn-temporary-letter")}
    kept = [n for n, row in enumerate(rows) if row[0] not in ("upn", "former-upn") or row[1:] not in told]
    return found.take(pa.array(kept, pa.int64()))


_LINE_OF = re.compile(r", line (\d+)$")


def _against(more: str) -> tuple[str, str, int] | None:
    """The place of another value that a finding names ("PersonBirthDate 2012-05-04, line 8")."""
    field, line = more.partition(" ")[0], _LINE_OF.search(more)
    table = table_of(field)
    return (table, field, int(line[1])) if line and table else None


def _year(received: dict[str, pa.Table], asked: int | None) -> tuple[int, str]:
    """The collection year whose rules to apply, and a sentence when that is not simply the header's."""
    said = _year_said(received)
    if asked is not None:
        note = f"The file says it is of {said}; the rules of {asked} were applied." if said and said != asked else ""
        return asked, note
    if said is None:
        raise SightlineError("The file does not say its collection year: add --year, such as --year 2026.")
    held = min(max(said, FIRST_YEAR), LAST_YEAR)
    note = f"The file says it is of {said}; the rules of {held}, the nearest year held, were applied."
    return held, note if held != said else ""


def _year_said(received: dict[str, pa.Table]) -> int | None:
    header = received.get("Header")
    if header is None or not header.num_rows:
        return None
    year, reference = ((header[name][0].as_py() or "").strip() for name in ("Year", "ReferenceDate"))
    if re.fullmatch(r"(19|20|21)\d\d", year):
        return int(year)
    day = re.fullmatch(r"((?:19|20|21)\d\d)-(\d\d)-\d\d", reference)
    return int(day[1]) + (day[2] > "03") if day else None


def _identifiers(reading: Reading) -> pa.Table | None:
    if "identifier" in reading.files:
        with Database() as database:
            database.add_parquet("identifier", [reading.files["identifier"]])
            return database.query("SELECT * FROM identifier")
    return reading.tables.get("identifier")


def _found(readings: Sequence[Reading], checks: Sequence[Check | RecordCheck]) -> pa.Table:
    """One row per thing found, as `_FOUND`: errors first, then by rule and line."""
    rows = [
        (f.rule, str(f.severity), f.says, f.record, f.table, f.field, f.value, f.line, f.right and f"right: {f.right}")
        for reading in readings
        for f in reading.findings
    ]
    tables = [pa.table(list(zip(*rows, strict=True)), schema=_FOUND)] if rows else []
    tables += [_of_rule(check) for check in checks if check.outcome is Outcome.FOUND]
    with Database() as database:
        database.add("found", pa.concat_tables(tables) if tables else _FOUND.empty_table())
        return database.query(
            "SELECT * FROM found ORDER BY list_position(['error', 'query', 'note'], severity), "
            "try_cast(regexp_extract(rule, '^[0-9]+') AS INTEGER) NULLS LAST, rule, line, child, field"
        ).cast(_FOUND)


def _answer(
    first: Reading, found: pa.Table, checks: Sequence[Check | RecordCheck], year: int | None, note: str
) -> FileCheck:
    with Database() as database:
        database.add("found", found)
        # A sentence that ends in a full stop is followed by another, one that does not by a bracket.
        findings = database.query(
            """
            SELECT * EXCLUDE more REPLACE (CASE
                WHEN coalesce(more, '') = '' THEN says
                WHEN starts_with(more, 'right: ') THEN rtrim(says, '. ') || '. Right: ' || rtrim(more[8:], '. ') || '.'
                ELSE rtrim(says, '. ') || ' (held against ' || more || ').' END AS says,
                CASE WHEN length(value) > ? THEN value[:?] || '...' ELSE value END AS value)
            FROM found
            """,
            [LONGEST_VALUE, LONGEST_VALUE],
        ).cast(FINDINGS)
        by_rule = database.query(
            """
            SELECT rule, severity, min(says) AS says, count(*) AS findings,
                count(DISTINCT nullif(child, '')) AS children
            FROM found GROUP BY rule, severity
            ORDER BY list_position(['error', 'query', 'note'], severity), try_cast(regexp_extract(rule, '^[0-9]+')
                AS INTEGER) NULLS LAST, rule
            """
        )
    not_run = tuple(
        {"rule": c.rule.code, "says": c.rule.says, "why": c.why} for c in checks if c.outcome is Outcome.NOT_RUN
    )
    return FileCheck(first.kind, first.period, year, len(checks), findings, by_rule, not_run, note)


def _of_rule(check: Check | RecordCheck) -> pa.Table:
    rows = check.rows
    rule = check.rule
    same = {"rule": rule.code, "severity": str(rule.severity), "says": rule.says}
    columns = {name: pa.repeat(pa.scalar(value), rows.num_rows) for name, value in same.items()}
    columns |= {name: rows[name] for name in ("child", "table", "field", "value", "line")}
    return pa.table(columns | {"more": rows["against"]}).cast(_FOUND)

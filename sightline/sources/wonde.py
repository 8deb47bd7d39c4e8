"""Answers of the Wonde interface saved as JSON: students, session attendance, attendance codes, exclusions.

A file holds one answer (`{"data": [...], "meta": {...}}`), several in a JSON array, or one after another (JSON
lines); or the bare records. Included objects may be there, null, or wrapped once more in `{"data": ...}`. A record's
place, counted from 1 through the whole file, is its `line`.

Wonde speaks in its own ids. A school's is turned into its URN, and an attendance code's into the code, by the answers
that say so (`schools`, `attendance-codes`) among the files received together; records withdrawn are left out by the
`deletions` among them. Answers never replace each other, because an answer may hold only what changed: the later one
has the word. A file that says in its `meta` what it is complete of, as those that `sightline fetch` writes do, replaces
the one before.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import judge_identifiers, plain, target, words
from sightline.sources.conform import conform
from sightline.sources.exclusion_codes import judge_reasons
from sightline.sources.looks import utf16
from sightline.sources.registers import SESSION, fingerprint, pack_sessions, sessions_of, span_of
from sightline.sources.wonde_json import (
    ATTENDANCE,
    CATEGORY,
    CODES,
    DELETIONS,
    EXCLUSIONS,
    REASON,
    SCHOOLS,
    START,
    STUDENTS,
    Record,
    date_object,
    first_record,
    identity,
    kind_of,
    records_of,
    text,
    unwrapped,
    write_page,
)
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import normalise_upn

SYSTEM = "wonde"
_END = ("end_date", "date_end", "end", "to", "date_to")
_SESSIONS = ("sessions", "number_of_sessions", "total_sessions", "sessions_lost")
_DAYS = ("days", "number_of_days", "total_days", "days_lost")
_ROWS = 50_000  # session marks understood at once


def _recognise(kind: str, seen: Head) -> bool:
    first = first_record(seen.start.decode(utf16(seen.start) or "utf-8", errors="replace").lstrip("\ufeff \t\r\n"))
    return first is not None and kind_of(first) == kind


# What the files received together say of ids.


@lru_cache(maxsize=64)
def _known(path: Path, size: int, changed: int) -> tuple[tuple[str, str, str], ...]:
    """(kind, id, what it stands for) of a file that explains ids; nothing for any other file.

    Read once for all the files beside it: `size` and `changed` tell a file from another of the same place.
    """
    with path.open("rb") as file:
        start = file.read(65536)
    seen = Head(path.name, start)
    kind = next((k for k in (CODES, SCHOOLS, DELETIONS) if _recognise(k, seen)), "")
    if not kind:
        return ()
    try:
        records, _ = records_of(path)
    except UnreadableFile:
        return ()  # refused by itself when its turn comes
    names = {CODES: "code", SCHOOLS: "urn", DELETIONS: "deleted_at"}
    return tuple((kind, text(record.get("id")), text(record.get(names[kind]))) for record in records)


def _ids(context: Context) -> dict[str, dict[str, str]]:
    """For each of codes, schools and deletions: what every id stands for."""
    found: dict[str, dict[str, str]] = {CODES: {}, SCHOOLS: {}, DELETIONS: {}}
    for path in context.beside:
        about = path.stat()
        for kind, key, value in _known(path, about.st_size, about.st_mtime_ns):
            found[kind][key] = value
    return found


class _Answer:
    """One file being read: its records that were not withdrawn, each with its line; and what ids stand for."""

    def __init__(self, path: Path, context: Context, kind: str) -> None:
        everything, self.meta = records_of(path)
        self.ids = _ids(context)
        self.findings: list[Finding] = []
        self.schools: set[str] = set()
        gone = self.ids[DELETIONS]
        kept = [(n, r) for n, r in enumerate(everything, 1) if text(r.get("id")) not in gone or not text(r.get("id"))]
        if len(kept) < len(everything):
            says = f"{len(everything) - len(kept):,} records were withdrawn at the source and are left out."
            self.findings.append(Finding("withdrawn", Severity.NOTE, says))
        self.records = [(line, record) for line, record in kept if kind_of(record) == kind]
        others = [(line, record) for line, record in kept if kind_of(record) != kind]
        if others:
            says = f"{len(others):,} records of this file are not of its kind ({kind}) and were left out."
            right = "one kind of answer to a file"
            self.findings.append(Finding("another-kind", Severity.QUERY, says, right=right, line=others[0][0]))
        pages = self.meta.get("pagination")
        if isinstance(pages, dict) and pages.get("more") is True and not text(self.meta.get("complete")):
            says = "The answer says that another page follows it; what stands there is not in this file."
            right = "every page, received together"
            self.findings.append(Finding("one-page-of-several", Severity.NOTE, says, right=right))
        named = re.search(r"(?:^|[/\\])(A\d{6,})(?:[/\\_.-]|$)", context.name)
        self.usual_school = named[1] if named else ""
        if not self.usual_school and len(self.ids[SCHOOLS]) == 1:
            self.usual_school = next(iter(self.ids[SCHOOLS]))

    def school(self, record: Record) -> str | None:
        """The URN of a record's school where it is known, else Wonde's id of it, else nothing.

        A record rarely names its school: the folder or file may ("A1930499544/students.json"), or there is only one.
        """
        school = unwrapped(record.get("school"))
        urn = text(school.get("urn")) if isinstance(school, dict) else ""
        ref = identity(school) or self.usual_school
        return urn or self.ids[SCHOOLS].get(ref, "") or ref or None

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> pa.Table:
        """Received rows as text columns and `line` (the last)."""
        held = list(zip(*rows, strict=True)) or [() for _ in columns]
        return pa.table(
            {
                name: pa.array(values, pa.int32() if name == "line" else pa.string())
                for name, values in zip(columns, held, strict=True)
            }
        )

    def day(self) -> str:
        """The day the answer was saved where it says so, else the latest day one of its records was changed."""
        told = text(self.meta.get("retrieved_at"))
        changed = max((text(record.get("updated_at")) for _, record in self.records), default="")
        return (told or changed)[:10]

    def reading(self, kind: str, period: str, as_at: str, tables: dict[str, pa.Table], mark: str) -> Reading:
        # A file that holds every record of something is replaced by the next that does.
        covers = text(self.meta.get("complete")) or f"{period}, {mark}"
        return Reading(kind, SYSTEM, period, covers, as_at=as_at, tables=tables, findings=self.findings)

    def mark(self) -> str:
        """Twelve characters that differ whenever the records do."""
        digest = hashlib.sha256()
        for _, record in self.records:
            digest.update(json.dumps(record, sort_keys=True).encode())
        return digest.hexdigest()[:12]


# Students.


def read_students(path: Path, context: Context) -> Reading:
    """Students as `pupil`, `identifier`, `enrolment` and, where the day of the answer is known, `characteristic`.

    Legal names come before those in use. The day is `meta.retrieved_at` where whoever saved the answer wrote it, else
    the latest `updated_at` of a record.
    """
    answer = _Answer(path, context, STUDENTS)
    day = told_day = answer.day()
    if not day and context.received:
        # What the students are eligible for would be lost without a day; the answer cannot be of a later one.
        day = context.received.isoformat()
    pupils, identifiers, enrolments, characteristics = [], [], [], []
    for line, record in answer.records:
        ref = text(record.get("id"))
        education = _included(record, "education_details")
        extended = _included(record, "extended_details")
        pupils.append(
            (
                ref,
                text(record.get("legal_surname")) or text(record.get("surname")),
                text(record.get("legal_forename")) or text(record.get("forename")),
                text(record.get("date_of_birth")),
                _coded(text(record.get("gender")), "sex", "sex"),
                _coded(text(extended.get("ethnicity_code") or extended.get("ethnicity")), "ethnicity_school"),
                line,
            )
        )
        identifiers += [
            (ref, kind, normalise_upn(value), line)
            for kind, value in (
                ("upn", text(education.get("upn"))),
                ("former_upn", text(education.get("former_upn"))),
                ("uln", text(education.get("uln") or education.get("unique_learner_number"))),
                ("mis_id", text(record.get("mis_id"))),
            )
            if value
        ]
        year = _year_group(text(education.get("current_nc_year")))
        status = _coded(text(education.get("enrolment_status")), "enrolment_status")
        entry, leaving = text(education.get("admission_date")), text(education.get("leaving_date"))
        if any(roll := (answer.school(record), entry, leaving, year, status)):
            enrolments.append((ref, *roll, line))
        told = (
            text(extended.get("free_school_meals")),
            text(extended.get("free_school_meals_6")),
            _coded(text(extended.get("sen_status")), "sen_provision"),
            text(extended.get("english_as_additional_language")),
        )
        if day and any(told):
            characteristics.append((ref, day, *told, line))
    found = answer.findings
    if characteristics and not told_day:
        says = "The answer does not say of which day it is; free school meals and needs were dated by its receipt."
        right = "meta.retrieved_at, or updated_at of the records"
        found.append(Finding("day-not-told", Severity.NOTE, says, "characteristic", field="as_at", right=right))
    who = ("pupil_ref", "surname", "forename", "birth_date", "sex", "ethnicity", "line")
    on_roll = ("pupil_ref", "school_ref", "entry_date", "leaving_date", "year_group", "status", "line")
    received = {
        "pupil": answer.table(who, _once(pupils)),
        "identifier": answer.table(("ref", "kind", "value", "line"), _once(identifiers)),
        "enrolment": answer.table(on_roll, enrolments),
        "characteristic": answer.table(
            ("pupil_ref", "as_at", "fsm", "fsm_ever_6", "sen_provision", "eal", "line"), _once(characteristics)
        ),
    }
    tables = {name: conform(table, name, findings=found) for name, table in received.items() if table.num_rows}
    if "identifier" in tables:
        judge_identifiers(tables["identifier"], found)
    period = f"students at {told_day}" if told_day else "students"
    return answer.reading(STUDENTS, period, told_day, tables, answer.mark())


def _once(rows: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """The rows without repeats: a student on two rolls comes as two records. The line is the first's."""
    found: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    for row in rows:
        found.setdefault(row[:-1], row)
    return list(found.values())


def _included(record: Record, name: str) -> Record:
    value = unwrapped(record.get(name))
    return value if isinstance(value, dict) else {}


def _coded(value: str, listed: str, codes: str = "") -> str:
    """The code of a word, by the code list's own meanings; the word itself when it is in no list."""
    return words(listed, codes or listed).get(plain(value), value)


def _year_group(value: str) -> str:
    """A national curriculum year as the vocabulary writes it: "Year 07" is 7, and 0 is Reception."""
    word = re.sub(r"^(year|yr|y|nc)\s*", "", value.strip(), flags=re.IGNORECASE).upper()
    if word.isdigit():
        return "R" if int(word) == 0 else str(int(word))
    return "R" if word == "RECEPTION" else word


# Session attendance.


def read_attendance(path: Path, context: Context) -> Reading:
    """Session marks as `attendance_week`; a pupil's ref is the student's id.

    A code may be included, written as itself, or an id that the attendance codes received together explain. Appends
    `codes-not-sent` when they did not come, once, and leaves those marks out; else as `registers.pack_sessions`.
    """
    answer = _Answer(path, context, ATTENDANCE)
    codes = answer.ids[CODES]
    unknown: list[int] = []
    rows: list[tuple[str | int | None, ...]] = []
    for line, record in answer.records:
        mark = _mark(record.get("attendance_code"), codes)
        if mark is None:
            unknown.append(line)
            continue
        student = identity(record.get("student"))
        day, session = text(record.get("date")), text(record.get("session"))
        rows.append((student, answer.school(record), day, session, mark, line))
    if unknown:
        says = (
            f"{len(unknown):,} marks name their attendance code only by Wonde's id, and the answer that explains the "
            "ids (attendance-codes) did not come with this file; those marks were left out."
        )
        right = "the attendance-codes answer in the same folder or archive"
        answer.findings.append(
            Finding(
                "codes-not-sent", Severity.ERROR, says, "attendance_week", field="mark", right=right, line=unknown[0]
            )
        )
    received = answer.table(SESSION.names, rows)
    weeks = pack_sessions(lambda: _slices(received), answer.findings)
    first, last = span_of(weeks)
    period = f"{first} to {last}" if first else "no marks"
    return answer.reading(ATTENDANCE, period, last, {"attendance_week": weeks}, fingerprint(weeks))


def _slices(table: pa.Table) -> Iterator[pa.Table]:
    for start in range(0, table.num_rows, _ROWS):
        yield table.slice(start, _ROWS)


def _mark(value: Any, codes: Mapping[str, str]) -> str | None:
    """The attendance code a record gives; None when it is an id that nothing explains."""
    value = unwrapped(value)
    if isinstance(value, dict):
        code = text(value.get("code"))
        return code or codes.get(text(value.get("id"))) or (None if text(value.get("id")) else "")
    said = text(value)
    if said in codes:
        return codes[said]
    # Wonde's ids are a letter and many digits; anything shorter is a code, right or wrong.
    return None if re.fullmatch(r"[A-Za-z]?\d{4,}", said) else said


# Exclusions.


def read_exclusions(path: Path, context: Context) -> Reading:
    """Exclusions as `suspension`: category and reason from their words, a length in days as twice the sessions."""
    answer = _Answer(path, context, EXCLUSIONS)
    rows = []
    for line, record in answer.records:
        days = text(_first(record, _DAYS))
        sessions = text(_first(record, _SESSIONS)) or _doubled(days)
        category = _word(_first(record, CATEGORY), "exclusion_category")
        reasons = [*_reasons(record), None, None, None][:3]
        rows.append(
            (
                identity(record.get("student")),
                answer.school(record),
                text(_first(record, START)),
                text(_first(record, _END)),
                sessions,
                "SUSP" if category == "FIXD" else category,
                *reasons,
                line,
            )
        )
    columns = (
        "pupil_ref", "school_ref", "start_date", "end_date", "sessions", "category",
        "reason1", "reason2", "reason3", "line",
    )  # fmt: skip
    table = conform(answer.table(columns, rows), "suspension", findings=answer.findings)
    judge_reasons(table, answer.findings)
    days_held = pc.min_max(table["start_date"]).as_py()
    first, last = (d.isoformat() if d else "" for d in (days_held["min"], days_held["max"]))
    period = f"{first} to {last}" if first else "no dates"
    return answer.reading(EXCLUSIONS, period, answer.day() or last, {"suspension": table}, answer.mark())


def _first(record: Record, names: Sequence[str]) -> Any:
    return next((record[name] for name in names if unwrapped(record.get(name)) not in (None, "", [])), None)


def _doubled(days: str) -> str:
    try:
        return str(int(float(days) * 2)) if days else ""
    except (ValueError, OverflowError):
        return days  # `conform` says that it is no number


def _word(value: Any, listed: str) -> str:
    """A code from a word, or from an included object's code, name or description."""
    value = unwrapped(value)
    if isinstance(value, dict):
        value = next((value[k] for k in ("code", "name", "description") if text(value.get(k))), "")
    return _coded(text(value), listed)


def _reasons(record: Record) -> list[str]:
    numbered = [record[f"reason{n}"] for n in (1, 2, 3) if text(record.get(f"reason{n}"))]
    found = unwrapped(_first(record, REASON))
    several = found if isinstance(found, list) else [found]
    return [word for value in (numbered or several) if (word := _word(value, "exclusion_reason"))]


# Answers that explain the others.


def _read_explaining(kind: str, what: str, columns: Sequence[str], path: Path, context: Context) -> Reading:
    """No fact: its `received` table explains the ids of the answers received together with it."""
    answer = _Answer(path, Context(), kind)
    rows = [(*(text(record.get(column)) for column in columns), line) for line, record in answer.records]
    table = answer.table((*columns, "line"), rows)
    says = f"{table.num_rows:,} {what}. They are used for the Wonde answers received together with this file."
    answer.findings.append(Finding("explains-others", Severity.NOTE, says))
    reading = answer.reading(kind, what, answer.day(), {}, answer.mark())
    reading.received = {kind: table}
    return reading


# Writing.


def _by(table: pa.Table | None, key: str) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    for row in table.to_pylist() if table is not None else ():
        found.setdefault(row[key], []).append(row)
    return found


def write_students(reading: Reading, path: Path) -> list[Path]:
    """One record per registration of a student, in order of the students' lines."""
    pupils = _by(reading.tables.get("pupil"), "pupil_ref")
    identifiers = _by(reading.tables.get("identifier"), "ref")
    told = _by(reading.tables.get("characteristic"), "pupil_ref")

    def records() -> Iterator[Record]:
        on_roll = _rows(reading.tables.get("enrolment"))
        bare = dict.fromkeys(arrow_schema("enrolment").names)
        held = {row["pupil_ref"] for row in on_roll}
        for row in [*on_roll, *({**bare, "pupil_ref": ref} for ref in pupils if ref not in held)]:
            ref = row["pupil_ref"]
            pupil = pupils.get(ref, [{}])[0]
            ids = {i["kind"]: i["value"] for i in identifiers.get(ref, [])}
            also = told.get(ref, [{}])[0]
            yield {
                "id": ref,
                "upi": None,
                "mis_id": ids.get("mis_id"),
                "surname": pupil.get("surname"),
                "forename": pupil.get("forename"),
                "legal_surname": pupil.get("surname"),
                "legal_forename": pupil.get("forename"),
                "gender": {"M": "MALE", "F": "FEMALE"}.get(pupil.get("sex") or "", pupil.get("sex")),
                "date_of_birth": date_object(pupil.get("birth_date")),
                "school": row["school_ref"],
                "education_details": {
                    "data": {
                        "upn": ids.get("upn"),
                        "former_upn": ids.get("former_upn"),
                        "unique_learner_number": ids.get("uln"),
                        "current_nc_year": row["year_group"],
                        "admission_date": date_object(row["entry_date"]),
                        "leaving_date": date_object(row["leaving_date"]),
                        "enrolment_status": row["status"],
                    }
                },
                "extended_details": {
                    "data": {
                        "free_school_meals": also.get("fsm"),
                        "free_school_meals_6": also.get("fsm_ever_6"),
                        "english_as_additional_language": also.get("eal"),
                        "sen_status": also.get("sen_provision"),
                        "ethnicity_code": pupil.get("ethnicity"),
                    }
                },
            }

    return write_page(records(), reading.as_at, target(path, "students.json"))


def write_attendance(reading: Reading, path: Path) -> list[Path]:
    """One record per session mark, its code included."""

    def records() -> Iterator[Record]:
        number = 0
        for part in sessions_of(reading.tables["attendance_week"]):
            for row in part.to_pylist():
                number += 1
                yield {
                    "id": f"A{number:010}",
                    "student": row["pupil_ref"],
                    "date": date_object(row["date"]),
                    "session": row["session"],
                    "attendance_code": {"data": {"id": f"A{ord(row['mark'][0]):07}", "code": row["mark"]}},
                    "comment": None,
                    "minutes_late": None,
                    "school": row["school_ref"],
                }

    return write_page(records(), reading.as_at, target(path, "attendance.json"))


def write_exclusions(reading: Reading, path: Path) -> list[Path]:
    """One record per suspension."""
    records = (
        {
            "id": f"A{number:010}",
            "student": row["pupil_ref"],
            "type": row["category"],
            "reasons": [row[f"reason{n}"] for n in (1, 2, 3) if row[f"reason{n}"]],
            "start_date": date_object(row["start_date"]),
            "end_date": date_object(row["end_date"]),
            "sessions": row["sessions"],
            "school": row["school_ref"],
        }
        for number, row in enumerate(_rows(reading.tables["suspension"]), 1)
    )
    return write_page(records, reading.as_at, target(path, "exclusions.json"))


def _write_explaining(kind: str, usual: str, reading: Reading, path: Path) -> list[Path]:
    rows = reading.received[kind].drop_columns(["line"]).to_pylist()
    records = ({name: value or None for name, value in row.items()} for row in rows)
    return write_page(records, reading.as_at, target(path, usual))


def _rows(table: pa.Table | None) -> list[dict[str, Any]]:
    return table.sort_by("line").to_pylist() if table is not None else []


def _source(kind: str, says: str, read: Callable[[Path, Context], Reading], write: Callable[..., list[Path]]) -> Source:
    return Source(kind, says, partial(_recognise, kind), read, write)


def _explaining(kind: str, what: str, columns: Sequence[str], usual: str) -> Source:
    read = partial(_read_explaining, kind, what, columns)
    return _source(kind, f"Wonde {what} (JSON)", read, partial(_write_explaining, kind, usual))


SOURCES: tuple[Source, ...] = (
    _source(STUDENTS, "Wonde students (JSON)", read_students, write_students),
    _source(ATTENDANCE, "Wonde session attendance (JSON)", read_attendance, write_attendance),
    _source(EXCLUSIONS, "Wonde exclusions (JSON)", read_exclusions, write_exclusions),
    _explaining(CODES, "attendance codes", ("id", "code", "type", "description"), "attendance_codes.json"),
    _explaining(SCHOOLS, "schools", ("id", "name", "urn", "la_code", "establishment_number"), "schools.json"),
    _explaining(DELETIONS, "deletions", ("id", "type", "deleted_at"), "deletions.json"),
)

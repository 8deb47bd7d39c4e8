"""Session marks as CSV from schools and collectors: a row per session, per day, per pupil or per pupil and week.

No file of marks replaces another. Each says something of some sessions, and where two speak of the same session the
later one has the word (`measures` merges them slot by slot), so `covers` differs whenever the marks do: two halves
of a school's pupils, or two terms, or a correction of one day, all stay in force together. A blank takes nothing back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sightline.engine import Database, arrow_schema
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import coded, judge_identifiers, postcode, target, words
from sightline.sources.conform import conform
from sightline.sources.delimited import stream_delimited, write_delimited
from sightline.sources.layout import HEAD, layout_of, sample_of
from sightline.sources.mapping import DAY, LONG, WEEK, WIDE, Mapping, mapping_key, propose_mapping
from sightline.sources.registers import (
    SESSION,
    fingerprint,
    pack_sessions,
    pack_weeks,
    sessions_of,
    span_of,
)
from sightline.sources.registers import WEEK as WEEK_ROWS
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding
from sightline.vocabulary.identifiers import normalise_laestab, normalise_upn

SYSTEM = "marks"
_PERSON = ("surname", "forename", "birth_date", "sex", "postcode")
_FOUND = ("upn", "former_upn", "pupil_id", *_PERSON)
LARGE = 256 * 2**20  # bytes of a file whose marks may not all fit in memory
# Rows about pupils gathered before repeats are taken out.
_MANY = 1_000_000


def recognise_rows(seen: Head) -> bool:
    """A table with a pupil, a day, a session and a mark to a row, however it is laid out."""
    return _form_of(seen) in (LONG, DAY, WIDE)


def recognise_weeks(seen: Head) -> bool:
    """A table with a pupil, a week and a week's marks in one cell."""
    return _form_of(seen) == WEEK


def _form_of(seen: Head) -> str:
    sample = sample_of(seen.start) if len(seen.header) >= 3 else None
    return propose_mapping(sample).form if sample is not None else ""


def read(path: Path, context: Context) -> Reading:
    """One file of session marks as `attendance_week`, `identifier` and, where it has names, `pupil`.

    A pupil's ref is the UPN where the row has one, else the sender's own id behind its school's ("123456:789").
    Column meanings come from the sender's agreed mapping (`mapping_key` of the file's column names in
    `context.mappings`), else from names and values. Raises UnreadableFile when they cannot be told.
    """
    with path.open("rb") as file:
        sample = sample_of(file.read(HEAD))
    layout = layout_of(path)
    agreed = context.mappings.get(mapping_key(layout.names), {})
    empty = pa.table({name: pa.array([], pa.string()) for name in layout.names})
    mapping = propose_mapping(empty if sample is None else sample, agreed)
    if not mapping.form:
        raise UnreadableFile(
            f"Which columns hold the marks cannot be told: the file lacks {mapping.missing or 'attendance marks'}. "
            "Agree a column mapping for this sender."
        )
    findings: list[Finding] = []
    people = _People(mapping)
    passes = 0

    def chunks() -> Iterator[pa.Table]:
        nonlocal passes
        passes += 1
        # Only the first reading reports on the file's rows and gathers its pupils.
        noting = findings if passes == 1 else []
        for chunk in stream_delimited(path, noting):
            named = _named(chunk, mapping)
            if passes == 1:
                people.add(named)
            yield from _rows(named, mapping)

    pack = pack_weeks if mapping.form == WEEK else pack_sessions
    weeks = pack(chunks, findings, large=path.stat().st_size > LARGE)
    if not weeks.num_rows and not any(f.severity == "error" for f in findings):
        raise UnreadableFile("The file has the columns of session marks and not one mark.")
    first, last = span_of(weeks)
    schools = len(pc.unique(weeks["school_ref"]))
    return Reading(
        kind="marks-week" if mapping.form == WEEK else "marks",
        system=SYSTEM,
        period=f"{first} to {last}" if first else "no marks",
        covers=f"{first} to {last}, {schools} schools, {fingerprint(weeks)}",
        as_at=last,
        tables={"attendance_week": weeks, **people.tables(weeks, findings)},
        findings=findings,
    )


def _texts(chunk: pa.Table, mapping: Mapping, role: str) -> pa.ChunkedArray:
    if role not in mapping.columns:
        return pa.chunked_array([pa.array([""] * chunk.num_rows, pa.string())])
    return chunk[mapping.columns[role]]


def _each(column: pa.ChunkedArray, change: Callable[[str], str]) -> pa.Array:
    """The column with each distinct text changed once."""
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    return pa.array([change(text) for text in encoded.dictionary.to_pylist()], pa.string()).take(encoded.indices)


def _upns(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    # Nearly all files have every UPN right, and telling so costs a tenth of putting them right.
    if pc.all(pc.and_(pc.ascii_is_alnum(column), pc.ascii_is_upper(column))).as_py():
        return column
    return _each(column, normalise_upn)


def _named(chunk: pa.Table, mapping: Mapping) -> pa.Table:
    """The chunk with pupil_ref, school_ref and what identifies the pupil in front of its own columns' names."""
    school = _schools(chunk, mapping)
    upn = _upns(_texts(chunk, mapping, "upn"))
    own = pc.utf8_trim_whitespace(_texts(chunk, mapping, "pupil_id"))
    prefixed = pc.if_else(pc.equal(school, ""), own, pc.binary_join_element_wise(school, own, ":"))
    pupil = pc.if_else(pc.not_equal(upn, ""), upn, pc.if_else(pc.equal(own, ""), "", prefixed))
    columns = {
        "pupil_ref": pupil,
        "school_ref": pc.if_else(pc.equal(school, ""), pa.scalar(None, pa.string()), school),
        "upn": upn,
        "pupil_id": own,
    }
    columns |= {role: _texts(chunk, mapping, role) for role in ("former_upn", *_PERSON) if role in mapping.columns}
    columns["line"] = chunk["line"]
    wanted = [slot.column for slot in mapping.slots]
    wanted += [
        mapping.columns[r] for r in ("date", "session", "mark", "am", "pm", "week", "marks") if r in mapping.columns
    ]
    # Received names may be any text, so they go behind a mark of their own.
    return pa.table(columns | {f"received:{name}": chunk[name] for name in dict.fromkeys(wanted)})


def _schools(chunk: pa.Table, mapping: Mapping) -> pa.Array:
    """The school of each row: its URN, else its LAESTAB, else whatever the sender calls it; empty when it says none."""
    school = pc.utf8_trim_whitespace(_texts(chunk, mapping, "school"))
    if {"la", "estab"} <= mapping.columns.keys():
        both = pc.binary_join_element_wise(
            pc.utf8_trim_whitespace(_texts(chunk, mapping, "la")),
            pc.utf8_trim_whitespace(_texts(chunk, mapping, "estab")),
            "",
        )
        school = pc.if_else(pc.equal(both, ""), school, both)
    if "laestab" in mapping.columns:
        laestab = _each(_texts(chunk, mapping, "laestab"), normalise_laestab)
        school = pc.if_else(pc.equal(laestab, ""), school, laestab)
    if "urn" in mapping.columns:
        urn = pc.utf8_trim_whitespace(_texts(chunk, mapping, "urn"))
        school = pc.if_else(pc.equal(urn, ""), school, urn)
    return school


def _rows(named: pa.Table, mapping: Mapping) -> Iterator[pa.Table]:
    """The chunk's rows as `registers` takes them."""
    who = [named["pupil_ref"], named["school_ref"]]

    def cells(role: str) -> pa.ChunkedArray:
        return named[f"received:{mapping.columns[role]}"]

    def always(text: str) -> pa.Array:
        return pa.repeat(pa.scalar(text), named.num_rows)

    if mapping.form == WEEK:
        yield pa.table([*who, cells("week"), cells("marks"), named["line"]], schema=WEEK_ROWS)
    elif mapping.form == LONG:
        yield pa.table([*who, cells("date"), cells("session"), cells("mark"), named["line"]], schema=SESSION)
    elif mapping.form == DAY:
        for session in ("am", "pm"):
            day = cells("date")
            yield pa.table([*who, day, always(session), cells(session), named["line"]], schema=SESSION)
    else:
        for slot in mapping.slots:
            marks = named[f"received:{slot.column}"]
            yield pa.table([*who, always(slot.date), always(slot.session), marks, named["line"]], schema=SESSION)


@dataclass(slots=True)
class _People:
    """The pupils a file speaks of, gathered chunk by chunk."""

    mapping: Mapping
    parts: list[pa.Table] = field(default_factory=list)
    rows: int = 0

    @property
    def roles(self) -> list[str]:
        return [role for role in _FOUND if role in self.mapping.columns]

    def add(self, named: pa.Table) -> None:
        if self.roles == ["upn"]:
            return  # the marks themselves say all there is
        self.parts.append(_distinct(named.select(["pupil_ref", *self.roles, "line"])))
        self.rows += self.parts[-1].num_rows
        if self.rows > _MANY:
            self.parts = [_distinct(pa.concat_tables(self.parts))]
            self.rows = 0  # counts what came since

    def tables(self, weeks: pa.Table, findings: list[Finding]) -> dict[str, pa.Table]:
        """`identifier`, and `pupil` where the file says more of a pupil than ids: one row per different description."""
        if self.roles == ["upn"]:
            found = _distinct(weeks.select(["pupil_ref", "line"]))
            found = found.append_column("upn", found["pupil_ref"])
        else:
            found = _distinct(pa.concat_tables(self.parts))
        found = found.filter(pc.not_equal(found["pupil_ref"], ""))
        tables = {"identifier": _identifiers(found, findings)}
        described = [role for role in _PERSON if role in self.mapping.columns]
        if described:
            tables["pupil"] = _pupils(found, described, findings)
        return tables


def _distinct(people: pa.Table) -> pa.Table:
    """One row per different row, with its first line."""
    keys = [name for name in people.column_names if name != "line"]
    grouped = people.group_by(keys, use_threads=False).aggregate([("line", "min")])
    return grouped.select([*keys, "line_min"]).rename_columns([*keys, "line"])


def _identifiers(found: pa.Table, findings: list[Finding]) -> pa.Table:
    kinds = {"upn": "upn", "former_upn": "former_upn", "pupil_id": "mis_id"}
    selects = [
        f"SELECT pupil_ref AS ref, '{kind}' AS kind, upper(regexp_replace({role}, '\\s', '', 'g')) AS value, "
        f"min(line) AS line FROM found WHERE trim({role}) <> '' GROUP BY ALL"
        for role, kind in kinds.items()
        if role in found.column_names
    ]
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        database.add("found", found)
        identifiers = database.conformed(
            "identifier",
            "SELECT ref, kind, value, NULL AS valid_from, NULL AS valid_to, line FROM "
            f"({' UNION ALL '.join(selects)}) ORDER BY ref, kind, value",
        )
    judge_identifiers(identifiers, findings)
    return identifiers


def _pupils(found: pa.Table, described: list[str], findings: list[Finding]) -> pa.Table:
    cells = {
        "surname": "trim(surname)",
        "forename": "trim(forename)",
        "birth_date": "birth_date",
        "sex": coded("trim(sex)", words("sex", "sex")),
        "postcode": postcode("postcode"),
    }
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        database.add("found", found)
        selected = ", ".join(f"nullif({cells[role]}, '') AS {role}" for role in described)
        said = " OR ".join(f"trim({role}) <> ''" for role in described)
        received = database.query(
            f"SELECT pupil_ref, {selected}, min(line) AS line FROM found WHERE {said} "
            "GROUP BY ALL ORDER BY pupil_ref, line"
        )
    return conform(received, "pupil", findings=findings)


# Writing.


def write_rows(reading: Reading, path: Path) -> list[Path]:
    """Write the marks one row to a session: the pupil, the school, the date, AM or PM, and the code.

    A pupil without a mark has no row. `path` is a file, or a folder in which `marks.csv` is written.
    """
    weeks = reading.tables["attendance_week"]
    who = _who(reading)
    parts = (_beside(part, who, ("date", "session", "mark")) for part in sessions_of(weeks))
    return [write_delimited(parts, target(path, "marks.csv"))]


def write_weeks(reading: Reading, path: Path) -> list[Path]:
    """Write the marks one row to a pupil and week, packed. `path` is a file, or a folder for `marks_week.csv`."""
    weeks = reading.tables["attendance_week"]
    return [write_delimited(_beside(weeks, _who(reading), ("week", "marks")), target(path, "marks_week.csv"))]


def _who(reading: Reading) -> pa.Table:
    """One row per pupil: pupil_ref and what identifies the pupil, as text."""
    tables = {
        "identifier": reading.tables.get("identifier", arrow_schema("identifier").empty_table()),
        "pupil": reading.tables.get("pupil", arrow_schema("pupil").empty_table()),
        "week": reading.tables["attendance_week"].select(["pupil_ref"]),
    }
    with Database.of(tables, complete=False) as database:
        return database.query(
            "SELECT w.pupil_ref, upn, former_upn, pupil_id, p.* EXCLUDE (pupil_ref, line, ethnicity) "
            "FROM (SELECT DISTINCT pupil_ref FROM week) AS w "
            "LEFT JOIN (SELECT ref, max(value) FILTER (kind = 'upn') AS upn, "
            "max(value) FILTER (kind = 'former_upn') AS former_upn, max(value) FILTER (kind = 'mis_id') AS pupil_id "
            "FROM identifier GROUP BY ref) AS i ON i.ref = w.pupil_ref "
            "LEFT JOIN (SELECT *, row_number() OVER (PARTITION BY pupil_ref ORDER BY line) AS nth FROM pupil) AS p "
            "ON p.pupil_ref = w.pupil_ref AND p.nth = 1"
        ).drop_columns(["nth"])


def _beside(rows: pa.Table, who: pa.Table, columns: tuple[str, ...]) -> pa.Table:
    """The rows with their pupil's identifiers in front; columns that are empty for every pupil are left out."""
    held = [name for name in who.column_names[1:] if who[name].null_count < who.num_rows]
    with Database() as database:
        database.execute("SET preserve_insertion_order = true")
        database.add("rows", rows.append_column("place", pa.arange(0, rows.num_rows)))
        database.add("who", who)
        return database.query(
            f"SELECT {''.join(f'w.{name}, ' for name in held)}r.school_ref AS school, "
            f"{', '.join(f'r.{name}' for name in columns)} "
            "FROM rows AS r JOIN who AS w USING (pupil_ref) ORDER BY place"
        )


MARKS = Source("marks", "Session marks (CSV)", recognise_rows, read, write_rows)
MARKS_WEEK = Source("marks-week", "Session marks, a week to a cell (CSV)", recognise_weeks, read, write_weeks)
SOURCES: tuple[Source, ...] = (MARKS_WEEK, MARKS)

__all__ = ["MARKS", "MARKS_WEEK", "SOURCES", "SYSTEM", "Mapping", "mapping_key", "propose_mapping", "read"]

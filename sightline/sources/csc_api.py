"""The Department's children's social care payload (JSON): one child, an array, the envelope with the authority's code,
or rows of the table they are staged in (as JSON or as delimited text); or one record on each line.

Ids: `la_child_id` is the person id of the system behind it and `mis_child_id` an older or shown id; both are kept as
identifiers. The system is "csc-api" and not "ssd" although they usually agree: a payload holds only children that
changed, and not every authority fills `la_child_id` with the person id, so records meet through linkage, where the
birth date must bear the id out.

A record marked to be purged, or staged as deleted, is left out with a finding, and asked for in `withdrawal`, so that
earlier payloads are read on without it. (A placement has no id that its period of care keeps, so of placements only
the finding tells.) Null, an absent key and an empty list
all mean that nothing was said. The payload has no category of abuse, reviews, primary need, conference outcome, teams,
names of workers or schools; and its workers are incomplete by design (only of episodes with a Child in Need plan),
which a note of each reading says. `line` is the record: the child's place in the file, counted from 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import judge_identifiers, judge_order, target
from sightline.sources.delimited import pick, read_delimited
from sightline.sources.gathered import Gathered, fingerprint, sex_of, squeezed
from sightline.sources.looks import utf16
from sightline.sources.periods_of_care import Stay, periods
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import normalise_postcode
from sightline.vocabulary.tables import WITHDRAWN_CHILD, WITHDRAWN_DETAILS

KIND = SYSTEM = "csc-api"
ROLE = "CW"  # the payload sends case workers only
MOST_BYTES = 512 * 2**20
MOST_DEPTH = 40
TABLES = (
    "child",
    "identifier",
    "disability",
    "referral",
    "assessment",
    "assessment_factor",
    "cin_plan",
    "section_47",
    "cp_plan",
    "looked_after",
    "involvement",
)
_ASKED = "withdrawal"  # read, and not written: a request to purge is the sender's to make
_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_PURGE = "purge"
_TELLING = re.compile(r'"la_child_id"\s*:|"social_care_episodes"\s*:|"json_payload"\s*:')
# Columns of the table that payloads are staged in, as it is exported to delimited text.
_STAGED = ("json_payload", "row_state")
# The parts of an episode that make a row each: where they stand, their id, and the payload's word for our columns.
_PARTS: Mapping[str, tuple[str, str, Mapping[str, str]]] = {
    "child_and_family_assessments": (
        "assessment",
        "child_and_family_assessment_id",
        {"start_date": "start_date", "end_date": "authorisation_date"},
    ),
    "child_in_need_plans": ("cin_plan", "child_in_need_plan_id", {"start_date": "start_date", "end_date": "end_date"}),
    "section_47_assessments": (
        "section_47",
        "section_47_assessment_id",
        {"start_date": "start_date", "end_date": "end_date", "conference_date": "icpc_date"},
    ),
    "child_protection_plans": (
        "cp_plan",
        "child_protection_plan_id",
        {"start_date": "start_date", "end_date": "end_date"},
    ),
}
_REFS = {"assessment": "assessment_ref", "cin_plan": "plan_ref", "section_47": "enquiry_ref", "cp_plan": "plan_ref"}
_CARE = "child_looked_after_placements"
_DETAILS = {
    "surname": "surname",
    "forename": "first_name",
    "birth_date": "date_of_birth",
    "expected_birth_date": "expected_date_of_birth",
    "ethnicity": "ethnicity",
    "upn_unknown": "unique_pupil_number_unknown_reason",
}
_REFERRAL = {
    "referral_date": "referral_date",
    "referral_source": "referral_source",
    "no_further_action": "referral_no_further_action_flag",
    "closure_date": "closure_date",
    "closure_reason": "closure_reason",
}
_FIELDS: dict[str, dict[str, str]] = {
    "child": {**_DETAILS, "child_ref": "la_child_id", "sex": "sex", "postcode": "postcode"},
    "referral": {**_REFERRAL, "referral_ref": "social_care_episode_id"},
    **{table: dict(columns) for table, _, columns in _PARTS.values()},
}


def _recognise(head: Head) -> bool:
    """JSON that begins with a child's id, episodes or a staged payload; or the table they are staged in."""
    if set(_STAGED) <= set(head.header):
        return True
    text = head.start.decode(utf16(head.start) or "utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    return text[:1] in ("{", "[") and bool(_TELLING.search(text))


def read_payload(path: Path, context: Context) -> Reading:
    """One row per child in `child`, and the rows of its episodes. Raises UnreadableFile when it is no payload."""
    findings: list[Finding] = []
    document = _loaded(path, findings)
    reader = _Reader(findings)
    for child, state in _children(document):
        reader.child(child, state)
    if not reader.seen and not reader.left_out:
        raise UnreadableFile("The JSON holds no child of the social care payload (an object with la_child_id).")
    tables = reader.gathered.tables(findings, fields=_FIELDS)
    if not tables[_ASKED].num_rows:
        del tables[_ASKED]
    judge_identifiers(tables["identifier"], findings)
    for table in ("assessment", "cin_plan", "section_47", "cp_plan", "looked_after", "involvement"):
        judge_order(tables[table], table, "child_ref", findings)
    authority = _text(document.get("la_code")) if isinstance(document, dict) else None
    if tables["involvement"].num_rows:
        says = (
            "The payload sends workers only for episodes with a Child in Need plan and only if they were active on a "
            "31 March; whoever is not in it may still have one."
        )
        findings.append(
            Finding("workers-incomplete", Severity.NOTE, says, "involvement", field="care_worker_details",
                    right="involvements of the whole caseload, from another source")
        )  # fmt: skip
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"payload of {len(reader.seen) + reader.left_out:,} records",
        covers=f"children {fingerprint(reader.seen)}",
        authority=authority or "",
        tables=tables,
        received={"payload": _received(document)},
        findings=findings,
    )


def _loaded(path: Path, findings: list[Finding]) -> Any:
    """The document: JSON, JSON with a record on each line, or the rows of the table they are staged in."""
    if path.stat().st_size > MOST_BYTES:
        raise UnreadableFile("The JSON is over 512 MB; a payload holds at most 100 children, so it was not read.")
    raw = path.read_bytes()
    try:
        text = raw.decode(utf16(raw[:65536]) or "utf-8").removeprefix("\ufeff")
        if text.lstrip()[:1] not in ("{", "["):
            return pick(read_delimited(path, findings), {name: (name,) for name in _STAGED}).to_pylist()
        try:
            return json.loads(text, parse_constant=_no_constant)
        except json.JSONDecodeError:
            lines = [line for line in text.splitlines() if line.strip()]
            return [json.loads(line, parse_constant=_no_constant) for line in lines]
    except UnicodeDecodeError:
        raise UnreadableFile("The JSON is not UTF-8 text, which JSON always is; please export it again.") from None
    except (ValueError, RecursionError):
        raise UnreadableFile("The file is not whole JSON: it is damaged or was cut short.") from None


def _no_constant(_: str) -> None:
    """NaN and Infinity are no JSON; nothing was said."""


def _children(document: Any, depth: int = 0) -> Iterator[tuple[dict[str, Any], str]]:
    """Each child object and the state of the row it is staged in ("" when it is not)."""
    if depth > MOST_DEPTH:
        raise UnreadableFile("The JSON is nested too deeply to be a payload, so it was not read.")
    if isinstance(document, list):
        for each in document:
            yield from _children(each, depth + 1)
    elif isinstance(document, dict):
        if "json_payload" in document:
            held = document["json_payload"]
            if isinstance(held, str):
                try:
                    held = json.loads(held)
                except (ValueError, RecursionError):
                    held = {"la_child_id": None}  # told as a record that names no child
            for child, _ in _children(held, depth + 1):
                yield child, _text(document.get("row_state")) or ""
        elif "la_child_id" in document or "social_care_episodes" in document:
            yield document, _text(document.get("row_state")) or ""
        else:
            for name, each in document.items():
                if name.lower() in ("children", "child", "data", "payload", "records", "value"):
                    yield from _children(each, depth + 1)


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, (dict, list)):
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return " ".join(str(value).split()) or None


class _Reader:
    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.gathered = Gathered((*TABLES, _ASKED))
        self.seen: set[str] = set()
        self.left_out = 0
        self.line = 0

    def found(
        self, rule: str, severity: Severity, says: str, table: str, record: str, field: str, value: str, right: str
    ) -> None:
        self.findings.append(Finding(rule, severity, says, table, record, field, value, right, self.line))

    def child(self, child: dict[str, Any], state: str) -> None:
        self.line += 1
        ref = _text(child.get("la_child_id"))
        if self.purged(child, "child", ref or "", "la_child_id") or self.deleted(state, ref or ""):
            self.withdraw(ref, WITHDRAWN_CHILD)
            self.left_out += 1
            return
        if ref is None:
            says = "A record has no la_child_id, so nothing in it can be tied to a child; it was left out."
            self.found("missing-value", Severity.ERROR, says, "child", "", "la_child_id", "", "the child's id")
            self.left_out += 1
            return
        if not _ID.fullmatch(ref):
            says = "The id is not of the form that the Department takes; it was kept."
            self.found("child-id-form", Severity.QUERY, says, "child", ref, "la_child_id", ref,
                       "at most 36 letters, digits, hyphens and underscores")  # fmt: skip
        if ref in self.seen:
            says = "This child's record stands twice in the file; the first was read."
            self.found("repeated-record", Severity.QUERY, says, "child", ref, "la_child_id", ref, "one record a child")
            return
        self.seen.add(ref)
        self.details(child, ref)
        for episode in self.objects(child, "social_care_episodes", ref):
            self.episode(episode, ref)

    def deleted(self, state: str, ref: str) -> bool:
        if state.lower() != "deleted":
            return False
        says = "The record is staged as deleted, so it was left out, and what earlier payloads said of it too."
        self.found("record-deleted", Severity.QUERY, says, "child", ref, "row_state", state, "nothing, if it is meant")
        return True

    def purged(self, part: Mapping[str, Any], table: str, record: str, field: str) -> bool:
        if part.get(_PURGE) is not True and _text(part.get(_PURGE)) not in ("true", "True", "1", "Y", "Yes"):
            return False
        says = "The record is marked to be purged, so it was left out, and what earlier payloads said of it too."
        self.found("record-purged", Severity.QUERY, says, table, record, field, "", "nothing, if it is meant")
        return True

    def withdraw(self, ref: str | None, part: str, value: str | None = None) -> None:
        """Ask for a record to leave the facts; one without an id can be told from no other."""
        if ref and (value or part in (WITHDRAWN_CHILD, WITHDRAWN_DETAILS)):
            self.gathered.add(_ASKED, self.line, ref=ref, part=part, value=value)

    def objects(self, part: Mapping[str, Any], name: str, record: str) -> Iterator[dict[str, Any]]:
        """The objects of a list that may be missing, null, empty or a single object."""
        held = part.get(name)
        for each in held if isinstance(held, list) else [] if held is None else [held]:
            if isinstance(each, dict):
                yield each
            elif each is not None:
                says = "Something that is no record stands in a list of records; it was left out."
                self.found("not-a-record", Severity.ERROR, says, name, record, name, "", "an object")

    def details(self, child: Mapping[str, Any], ref: str) -> None:
        held = child.get("child_details")
        about: Mapping[str, Any] = held if isinstance(held, dict) else {}
        if self.purged(about, "child", ref, "child_details"):
            self.withdraw(ref, WITHDRAWN_DETAILS)
            about = {}
        postcode = _text(about.get("postcode"))
        cells = {column: _text(about.get(name)) for column, name in _DETAILS.items()}
        cells["postcode"] = normalise_postcode(postcode) if postcode else None
        self.gathered.add("child", self.line, child_ref=ref, sex=sex_of(_text(about.get("sex"))), **cells)
        ids = (
            ("person_id", ref),
            ("legacy_id", _text(child.get("mis_child_id"))),
            ("upn", _text(about.get("unique_pupil_number"))),
            ("former_upn", _text(about.get("former_unique_pupil_number"))),
        )
        for kind, value in ids:
            if squeezed(value):
                self.gathered.add("identifier", self.line, ref=ref, kind=kind, value=squeezed(value))
        disabilities = about.get("disabilities")
        for code in disabilities if isinstance(disabilities, list) else []:
            if _text(code):
                self.gathered.add("disability", self.line, child_ref=ref, disability=_text(code))

    def episode(self, episode: Mapping[str, Any], ref: str) -> None:
        own = _text(episode.get("social_care_episode_id"))
        if self.purged(episode, "referral", ref, "social_care_episodes"):
            self.withdraw(ref, "referral_ref", own)
            return
        cells = {column: _text(episode.get(name)) for column, name in _REFERRAL.items()}
        self.gathered.add("referral", self.line, child_ref=ref, referral_ref=own, **cells)
        for worker in self.objects(episode, "care_worker_details", ref):
            self.gathered.add(
                "involvement",
                self.line,
                child_ref=ref,
                referral_ref=own,
                professional_ref=_text(worker.get("worker_id")),
                role=ROLE,
                is_social_worker="true",
                start_date=_text(worker.get("start_date")),
                end_date=_text(worker.get("end_date")),
            )
        for name, (table, id_name, columns) in _PARTS.items():
            for part in self.objects(episode, name, ref):
                if self.purged(part, table, ref, name):
                    self.withdraw(ref, _REFS[table], _text(part.get(id_name)))
                else:
                    self.part(part, table, id_name, columns, ref, own)
        self.care(episode, ref, own)

    def part(
        self, part: Mapping[str, Any], table: str, id_name: str, columns: Mapping[str, str], ref: str, own: str | None
    ) -> None:
        cells = {column: _text(part.get(field)) for column, field in columns.items()}
        cells[_REFS[table]] = _text(part.get(id_name))
        if table == "section_47" and isinstance(part.get("icpc_required_flag"), bool):
            cells["conference_not_required"] = "false" if part["icpc_required_flag"] else "true"
        self.gathered.add(table, self.line, child_ref=ref, referral_ref=own, **cells)
        factors = part.get("factors")
        for factor in factors if isinstance(factors, list) else []:
            if _text(factor):
                self.gathered.add(
                    "assessment_factor", self.line, child_ref=ref, assessment_ref=cells.get("assessment_ref"),
                    factor=str(_text(factor)).upper(),
                )  # fmt: skip

    def care(self, episode: Mapping[str, Any], ref: str, own: str | None) -> None:
        """Placements that follow one another without a break are one period of care."""
        stays = []
        for part in self.objects(episode, _CARE, ref):
            if not self.purged(part, "looked_after", ref, _CARE):
                start, end, reason = (_text(part.get(n)) for n in ("start_date", "end_date", "start_reason"))
                stays.append(Stay(start, end, begins=reason == "S", line=self.line))
        for period in periods(stays):
            self.gathered.add(
                "looked_after", self.line, child_ref=ref, referral_ref=own, start_date=period.start, end_date=period.end
            )


def _received(document: Any) -> pa.Table:
    """One row per record as it came, for rules that judge the payload itself."""
    held = [json.dumps(child, ensure_ascii=False) for child, _ in _children(document)]
    return pa.table({"json": pa.array(held, pa.string()), "line": pa.array(range(1, len(held) + 1), pa.int32())})


def write_payload(reading: Reading, path: Path) -> list[Path]:
    """The envelope with the authority's code, one object per child.

    A period of care is written as one placement. Requests to purge, rows of children that are not in `child` and rows
    of an episode that is not in `referral` are not written.
    """
    with Database.of(reading.tables) as database:
        held = {
            table: _grouped(database.query(f'SELECT * FROM "{table}" ORDER BY line').to_pylist()) for table in TABLES
        }
    children = [_written(ref, rows[0], held) for ref, rows in held["child"].items()]
    file = target(path, "csc_payload.json")
    envelope = {"la_code": reading.authority or None, "Children": children}
    file.write_text(json.dumps(envelope, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return [file]


Rows = dict[str, list[dict[str, Any]]]


def _grouped(rows: list[dict[str, Any]]) -> Rows:
    found: Rows = {}
    for row in rows:
        found.setdefault(row.get("child_ref") or row.get("ref") or "", []).append(row)
    return found


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value


def _under(row: Mapping[str, Any], columns: Mapping[str, str]) -> dict[str, Any]:
    return {name: _plain(row[column]) for column, name in columns.items()}


def _written(ref: str, row: Mapping[str, Any], held: Mapping[str, Rows]) -> dict[str, Any]:
    ids = {each["kind"]: each["value"] for each in held["identifier"].get(ref, [])}
    details = _under(row, _DETAILS) | {
        "unique_pupil_number": ids.get("upn"),
        "former_unique_pupil_number": ids.get("former_upn"),
        "sex": row["sex"],
        "disabilities": [each["disability"] for each in held["disability"].get(ref, [])],
        "postcode": row["postcode"],
        _PURGE: False,
    }
    return {
        "la_child_id": ref,
        "mis_child_id": ids.get("legacy_id"),
        _PURGE: False,
        "child_details": details,
        "social_care_episodes": [_episode(ref, each, held) for each in held["referral"].get(ref, [])],
    }


def _episode(ref: str, row: Mapping[str, Any], held: Mapping[str, Rows]) -> dict[str, Any]:
    def rows(table: str) -> list[dict[str, Any]]:
        return [each for each in held[table].get(ref, []) if each["referral_ref"] == row["referral_ref"]]

    episode: dict[str, Any] = {"social_care_episode_id": row["referral_ref"], **_under(row, _REFERRAL)}
    worker = {"professional_ref": "worker_id", "start_date": "start_date", "end_date": "end_date"}
    episode["care_worker_details"] = [_under(each, worker) for each in rows("involvement")]
    for name, (table, id_name, columns) in _PARTS.items():
        episode[name] = [
            {id_name: each[_REFS[table]], **_under(each, columns), **_more(table, each, ref, held), _PURGE: False}
            for each in rows(table)
        ]
    span = {"start_date": "start_date", "end_date": "end_date"}
    episode[_CARE] = [{**_under(each, span), "start_reason": "S", _PURGE: False} for each in rows("looked_after")]
    return episode | {_PURGE: False}


def _more(table: str, row: Mapping[str, Any], ref: str, held: Mapping[str, Rows]) -> dict[str, Any]:
    if table == "section_47":
        spared = row["conference_not_required"]
        return {"icpc_required_flag": None if spared is None else not spared}
    if table == "assessment":
        own = [f for f in held["assessment_factor"].get(ref, []) if f["assessment_ref"] == row["assessment_ref"]]
        return {"factors": [f["factor"] for f in own]}
    return {}


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Children's social care payload of the Department (JSON)", _recognise, read_payload, write_payload),
)

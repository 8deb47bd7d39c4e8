"""Two registers that people keep: agreements to share data, and what schools were asked for, so as to ask once.

Each entry is a line of `registers.jsonl` in the home, never changed: a later line of the same id takes its place, and
the earlier ones stay as its history. No entry names a child.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sightline.operations.decisions import append
from sightline.operations.home import Home
from sightline.operations.opened import Opened
from sightline.vocabulary.dates import RIGHT_DAY, day_in_words, typed_day
from sightline.vocabulary.errors import BadSetting, NotAllowed, StoreDamaged

NAME: Final = "registers.jsonl"
LONGEST: Final = 2_000
EVERY_SCHOOL: Final = "every school"


class BadField(BadSetting):
    """A value of one field (its name) is not right, or one that is needed is missing."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a register: name, label, kind (text, long, date or choice), whether needed, choices and a hint."""

    name: str
    label: str
    kind: str = "text"
    needed: bool = False
    choices: tuple[str, ...] = ()
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    """One register: its key, name, what it is for, its fields, and the state of an entry on a day."""

    key: str
    name: str
    says: str
    fields: tuple[Field, ...]
    state: Callable[[Mapping[str, Any], date], str]


def _agreement_state(entry: Mapping[str, Any], on: date) -> str:
    if entry["ends"] is not None and entry["ends"] <= on:
        return "ended"
    if entry["signed"] is None or entry["signed"] > on:
        return "not signed"
    return "review due" if entry["review"] is not None and entry["review"] <= on else "in force"


def _request_state(entry: Mapping[str, Any], on: date) -> str:
    if entry["answered"] is not None:
        return "answered"
    return "overdue" if entry["due"] is not None and entry["due"] < on else "waits"


# What a school may be asked for, and SQL for the newest day on which we hold it of the school ($urn) already.
TOPICS: Final[Mapping[str, str]] = {
    "attendance marks": "SELECT max(week) + 4 FROM register_school_week WHERE urn = $urn AND possible > 0",
    "who is on roll": "SELECT max(d.as_at) FROM enrolment_period e JOIN delivery d USING (delivery) WHERE e.urn = $urn",
    "suspensions and exclusions": "SELECT max(received) FROM exclusion WHERE urn = $urn",
    "special educational needs and free meals": "SELECT max(d.as_at) FROM enrolment_period e JOIN delivery d "
    "USING (delivery) WHERE e.urn = $urn AND d.system = 'school-census'",
    "attainment": "SELECT max(d.received) FROM attainment a JOIN delivery d USING (delivery) JOIN school s "
    "ON a.school_ref IN (s.urn, s.laestab) WHERE s.urn = $urn",
    "part-time timetables": "SELECT max(d.received) FROM part_time_timetable t JOIN delivery d USING (delivery) "
    "JOIN school s ON t.school_ref IN (s.urn, s.laestab) WHERE s.urn = $urn",
    "information for a plan or conference": "",
    "contacts": "",
    "other": "",
}
AGREEMENTS: Final = Register(
    "agreement",
    "Data-sharing register",
    "Each flow of data, with whom, for which children, on which basis, and until when.",
    (
        Field("name", "What the agreement is called", needed=True),
        Field("with_whom", "With whom", needed=True),
        Field("way", "Which way the data go", "choice", True, ("to us", "from us", "both ways")),
        Field("what", "Which data", "long", True),
        Field("children", "About which children", "choice", True,
              ("on a plan now", "on a plan now and Ever 6", "Ever 6", "looked after", "every pupil")),
        Field("purpose", "What for", "long", True),
        Field("lawful_basis", "On which lawful basis", needed=True, hint="For example: public task, Children Act 2004"),
        Field("signed", "Signed on", "date"),
        Field("review", "To be reviewed by", "date"),
        Field("ends", "Ends on", "date"),
        Field("contact", "Who answers for it"),
    ),
    _agreement_state,
)  # fmt: skip
REQUESTS: Final = Register(
    "request",
    "Asks of schools",
    "Everything schools were asked for, so that no school is asked twice, or for what is held already.",
    (
        Field("school", "School", needed=True, hint="Its URN, or: every school"),
        Field("topic", "Asked for", "choice", True, tuple(TOPICS)),
        Field("what", "In a few words", "long", True, hint="Name no child"),
        Field("why", "What it is needed for", "long", True, hint="Name no child"),
        Field("team", "Who asks", needed=True),
        Field("asked", "Asked on", "date", True),
        Field("due", "Wanted by", "date"),
        Field("answered", "Answered on", "date"),
        Field("held", "Where the answer is kept"),
    ),
    _request_state,
)
REGISTERS: Final = {r.key: r for r in (AGREEMENTS, REQUESTS)}


def entries(home: Home, register: Register, *, on: date) -> list[dict[str, Any]]:
    """One row per entry as it stands, the last changed first: id, its fields, `state` on the day, `by`, `at`, and how
    many `versions` it has had."""
    last: dict[str, dict[str, Any]] = {}
    versions: dict[str, int] = {}
    for line in _lines(home):
        if line["register"] == register.key:
            last[line["id"]] = line
            versions[line["id"]] = versions.get(line["id"], 0) + 1
    rows = []
    for entry_id, line in last.items():
        held = {f.name: _value(f, line["fields"].get(f.name)) for f in register.fields}
        rows.append(
            {"id": entry_id, **held, "state": register.state(held, on), "by": line["by"], "at": line["at"],
             "versions": versions[entry_id]}
        )  # fmt: skip
    return sorted(rows, key=lambda r: (r["at"], r["id"]), reverse=True)


def keep_entry(
    home: Home,
    register: Register,
    told: Mapping[str, str],
    *,
    by: str,
    at: datetime,
    entry_id: str = "",
    opened: Opened | None = None,
    anyway: bool = False,
) -> str:
    """Add an entry, or a new version of one (what `told` leaves out stays as it was); returns its id.

    A request that was made before or asks for what is held already is refused with why, unless `anyway`: give the
    snapshot to look in. Raises BadSetting for a field there is not, BadField for a value that is not right or one that
    is missing, and NotAllowed for an id there is not.
    """
    names = {f.name: f for f in register.fields}
    other = sorted(set(told) - set(names))
    if other:
        raise BadSetting(f"There is no field {other[0]!r}. There are: {', '.join(names)}.")
    before: dict[str, Any] = {}
    if entry_id:
        found = next((r for r in entries(home, register, on=at.date()) if r["id"] == entry_id), None)
        if found is None:
            raise NotAllowed(f"There is no entry {entry_id}.")
        before = {n: found[n] for n in names}
    held = {n: _right(f, told[n]) if n in told else before.get(n) for n, f in names.items()}
    missing = [f for f in register.fields if f.needed and held[f.name] in (None, "")]
    if missing:
        raise BadField(f"Still needed: {'; '.join(f.label for f in missing)}.", missing[0].name)
    if register is REQUESTS and not entry_id and not anyway:
        warnings = asked_before(home, opened, held, on=at.date())
        if warnings:
            raise BadSetting(" ".join(warnings))
    made = entry_id or hashlib.sha256(f"{register.key} {at.isoformat()} {held}".encode()).hexdigest()[:12]
    line = {
        "register": register.key, "id": made, "at": at.isoformat(), "by": by,
        "fields": {n: v.isoformat() if isinstance(v, date) else v for n, v in held.items() if v not in (None, "")},
    }  # fmt: skip
    append(home.path / NAME, json.dumps(line, ensure_ascii=False).encode() + b"\n")
    return made


def asked_before(home: Home, opened: Opened | None, request: Mapping[str, Any], *, on: date) -> list[str]:
    """Sentences on why a school need not be asked: it was asked for the same lately, or we hold it already."""
    said = []
    days = home.settings.ask_again_days
    for row in entries(home, REQUESTS, on=on):
        same = row["school"] in (request["school"], EVERY_SCHOOL) or request["school"] == EVERY_SCHOOL
        if same and row["topic"] == request["topic"] != "other" and on - row["asked"] <= timedelta(days=days):
            where = f" The answer is kept: {row['held']}." if row["held"] else ""
            asked = day_in_words(row["asked"])
            said.append(f"{row['team']} asked {row['school']} for {row['topic']} on {asked} ({row['state']}).{where}")
    sql = TOPICS[request["topic"]]
    if opened is not None and sql and request["school"] != EVERY_SCHOOL:
        newest = opened.database.one(sql, {"urn": request["school"]})
        if newest is not None:
            said.append(f"We hold {request['topic']} of this school to {day_in_words(newest)}.")
    return said


def _lines(home: Home) -> list[dict[str, Any]]:
    path = home.path / NAME
    if not path.is_file():
        return []
    rows = []
    for number, text in enumerate(path.read_bytes().split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            rows.append(json.loads(text))
        except ValueError as error:
            raise StoreDamaged(
                f"Line {number} of {NAME} is not whole. Take it out; the lines before it hold."
            ) from error
    return rows


def _value(field: Field, text: str | None) -> Any:
    return date.fromisoformat(text) if field.kind == "date" and text else text


def _right(field: Field, text: str) -> Any:
    """The value a person gave, checked; None where it was left empty."""
    text = text.strip()
    if not text:
        return None
    if len(text) > LONGEST:
        raise BadField(f"{field.label}: at most {LONGEST:,} characters.", field.name)
    if field.kind == "choice" and text not in field.choices:
        raise BadField(f"{field.label} should be one of: {', '.join(field.choices)}.", field.name)
    if field.kind == "date":
        day = typed_day(text)
        if day is None:
            raise BadField(f"{field.label}: {RIGHT_DAY[:1].lower()}{RIGHT_DAY[1:]}.", field.name)
        return day
    return text

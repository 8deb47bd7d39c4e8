"""The shape of Wonde's answers as JSON: pages, wrapped objects, dates; told apart by the keys of a record."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from sightline.sources.looks import utf16
from sightline.vocabulary.errors import UnreadableFile

LARGEST = 2**28  # bytes of one file, all of which is held at once; Wonde answers in pages of two hundred records
STUDENTS, ATTENDANCE, CODES, EXCLUSIONS, SCHOOLS, DELETIONS = (
    f"wonde-{what}" for what in ("students", "attendance", "codes", "exclusions", "schools", "deletions")
)
# The names under which an exclusion's parts are met.
START = ("start_date", "date_start", "start", "from", "date_from")
CATEGORY = ("type", "exclusion_type", "category")
REASON = ("reason", "exclusion_reason", "reasons")

Record = Mapping[str, Any]


def unwrapped(value: Any) -> Any:
    """What is inside `{"data": ...}` and `{"date": ...}`, however often it is wrapped."""
    while isinstance(value, dict):
        if "data" in value and value.keys() <= {"data", "meta"}:
            value = value["data"]
        elif "date" in value and value.keys() <= {"date", "timezone", "timezone_type"}:
            value = value["date"]
        else:
            break
    return value


def text(value: Any) -> str:
    """A value as trimmed text; empty for nothing, for lists and for objects (an object's id is `identity`)."""
    value = unwrapped(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, str | int | float):
        return ""
    # JSON may spell half of a character, which no file can hold.
    return str(value).strip().encode("utf-8", errors="replace").decode("utf-8")


def identity(value: Any) -> str:
    """The id of an included object, or the id itself where the object was not included."""
    value = unwrapped(value)
    return text(value.get("id")) if isinstance(value, dict) else text(value)


def records_of(path: Path) -> tuple[list[Record], Record]:
    """Every record of a saved answer in order, and the first `meta` there is. Raises UnreadableFile."""
    if path.stat().st_size > LARGEST:
        raise UnreadableFile("The JSON file is over 256 MB; please save Wonde's answers in several files.")
    content = path.read_bytes()
    try:
        whole = content.decode(utf16(content[:65536]) or "utf-8").lstrip("\ufeff")
        pages = list(_values(whole))
    except (UnicodeDecodeError, ValueError, RecursionError):
        raise UnreadableFile("The JSON is damaged or cut short; please save Wonde's answer again.") from None
    meta: dict[str, Any] = {}
    records = list(_records(pages, meta))
    return records, meta


def _values(whole: str) -> Iterator[Any]:
    decoder = json.JSONDecoder()
    at = 0
    blank = re.compile(r"[\s,\x1e]*")
    while (at := _end(blank, whole, at)) < len(whole):
        value, at = decoder.raw_decode(whole, at)
        yield value


def _end(pattern: re.Pattern[str], whole: str, at: int) -> int:
    found = pattern.match(whole, at)
    return found.end() if found else at


def _records(values: Iterable[Any], meta: dict[str, Any]) -> Iterator[Record]:
    for value in values:
        if isinstance(value, list):
            yield from _records(value, meta)
        elif isinstance(value, dict) and isinstance(value.get("data"), list | dict) and "id" not in value:
            about = value.get("meta")
            for key, told in (about if isinstance(about, dict) else {}).items():
                meta.setdefault(key, told)
            inner = value["data"]
            yield from _records(inner if isinstance(inner, list) else [inner], meta)
        elif isinstance(value, dict):
            yield value


def kind_of(record: Record) -> str:
    """Which answer a record belongs to, by its keys; empty when it is none we know."""
    keys = record.keys()
    if "deleted_at" in keys and "surname" not in keys:
        return DELETIONS
    if "student" in keys and ("attendance_code" in keys or {"session", "date"} <= keys):
        return ATTENDANCE
    if "student" in keys and keys & {*START} and keys & {*REASON, *CATEGORY}:
        return EXCLUSIONS
    if {"education_details"} & keys or ({"upi", "date_of_birth"} <= keys and "title" not in keys):
        return STUDENTS
    if {"urn", "name"} <= keys and keys & {"la_code", "establishment_number", "phase_of_education"}:
        return SCHOOLS
    if {"id", "code"} <= keys and keys & {"description", "name", "type", "is_present", "statistical_meaning"}:
        return CODES
    return ""


def first_record(start: str) -> Record | None:
    """The first whole record in the text a file starts with; None when it does not start as an answer."""
    if start[:1] not in ("{", "["):
        return None
    page = re.match(r'[\[\s]*\{\s*"(?:data|meta)"\s*:', start)
    if page:
        data = re.search(r'"data"\s*:\s*\[?\s*(?=\{)', start)
        at = data.end() if data else -1
    else:
        at = start.find("{")
    if at < 0:
        return None
    try:
        value, _ = json.JSONDecoder().raw_decode(start, at)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def write_page(records: Iterable[Record], as_at: str, path: Path, *, complete: str = "") -> list[Path]:
    """One answer with every record on a line of its own.

    `complete` says what the file holds every record of ("A1930499544 students"): a later file that says the same
    replaces it.
    """
    meta: dict[str, Any] = {"pagination": {"next": None, "previous": None, "more": False, "current_page": 1}}
    if as_at:
        meta["retrieved_at"] = as_at
    if complete:
        meta["complete"] = complete
    with path.open("w", encoding="utf-8") as out:
        out.write('{"data": [')
        for number, record in enumerate(records):
            out.write((",\n" if number else "\n") + json.dumps(record, ensure_ascii=False))
        out.write('\n], "meta": ' + json.dumps(meta) + "}\n")
    return [path]


def date_object(value: Any) -> Record | None:
    if not value:
        return None
    return {"date": f"{value.isoformat()} 00:00:00.000000", "timezone_type": 3, "timezone": "Europe/London"}

"""Decisions of people, one JSON object to a line: what they decided about the things that Sightline found.

Decisions are a source like any other. Whoever keeps them (the home, or the web application) appends to one file and
never changes a line, so that a later file of the same keeper holds all that an earlier one held and takes its place.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import target
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.tables import TABLES

KIND: Final = "sightline-decisions"
SYSTEM: Final = "sightline"
MARK: Final = {"sightline": "decision"}
_COLUMNS: Final = tuple(c.name for c in TABLES["decision"] if c.name != "line")
_REQUIRED: Final = (*(c.name for c in TABLES["decision"] if c.required), "by", "at")


def lines(decisions: Iterable[Mapping[str, Any]], *, kept_by: str) -> bytes:
    """Decisions as lines of a file kept by somebody: the columns of `decision`, what is empty left out."""
    told = (
        MARK | {"kept_by": kept_by} | {name: d[name] for name in _COLUMNS if d.get(name) is not None} for d in decisions
    )
    return b"".join(json.dumps(each, ensure_ascii=False).encode() + b"\n" for each in told)


def recognise(seen: Head) -> bool:
    """The first line is an object that says it is a decision of Sightline's."""
    first = seen.start.split(b"\n", 1)[0].strip()
    return first.startswith(b"{") and _object(first).get("sightline") == "decision"


def read(path: Path, context: Context) -> Reading:
    """One row of `decision` per line. A line that is none, as after a crash, is a finding, and the others are kept.

    Moments are kept as UTC. Raises UnreadableFile when no line is a decision, or when the lines have two keepers.
    """
    findings: list[Finding] = []
    rows: list[dict[str, Any]] = []
    keepers: set[str] = set()
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            told = _object(line)
            moment = _moment(told.get("at"))
            if told.get("sightline") != "decision" or moment is None or not all(told.get(n) for n in _REQUIRED):
                findings.append(
                    Finding(
                        "not-a-decision", Severity.ERROR, "This line is not a whole decision, so it was left out.",
                        "decision", line=number, right=f"an object with {', '.join(_REQUIRED)}",
                    )
                )  # fmt: skip
                continue
            keepers.add(str(told.get("kept_by") or ""))
            rows.append(
                {n: None if told.get(n) is None else str(told[n]) for n in _COLUMNS} | {"at": moment, "line": number}
            )
    if not rows:
        raise UnreadableFile("No line of this file of decisions is a whole decision.")
    if len(keepers) > 1:
        raise UnreadableFile("This file of decisions has several keepers; each keeps a file of their own.")
    first, last = min(r["at"] for r in rows), max(r["at"] for r in rows)
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{first[:10]} to {last[:10]}",
        covers=f"decisions kept by {keepers.pop() or 'nobody named'}",
        tables={"decision": pa.Table.from_pylist(rows, schema=arrow_schema("decision"))},
        findings=findings,
    )


def write(reading: Reading, path: Path) -> list[Path]:
    """Write the decisions of a reading, one to a line."""
    out = target(path, "decisions.jsonl")
    keeper = reading.covers.removeprefix("decisions kept by ")
    out.write_bytes(lines(reading.tables["decision"].to_pylist(), kept_by="" if keeper == "nobody named" else keeper))
    return [out]


def _object(line: bytes) -> Mapping[str, Any]:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _moment(text: Any) -> str | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return moment.astimezone(UTC).isoformat() if moment.tzinfo else None


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Decisions of people about what Sightline found (one JSON object to a line)", recognise, read, write),
)

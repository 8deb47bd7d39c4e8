"""Decisions as a source: what is written is read, a line cut short is a finding, and keepers stay apart."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pytest

from sightline.engine import arrow_schema
from sightline.operations.decisions import append_decisions, decisions_taken
from sightline.operations.home import Home
from sightline.sources import Context, Reading, recognise
from sightline.sources.decisions import lines, read, write
from sightline.vocabulary.errors import UnreadableFile

AT = datetime(2024, 11, 25, 9, tzinfo=UTC).isoformat()


def decision(subject: str = "x1", what: str = "explained", **more: str) -> dict[str, str]:
    return {"about": "exception", "subject": subject, "decision": what, "by": "A. Officer", "at": AT, **more}


def test_what_is_written_is_read(tmp_path: Path):
    given = [
        decision(reason='Two "names", and a\nline', parted="abc"),
        decision("x2", "sent", batch="b", owner="care-data"),
    ]
    rows = [{**dict.fromkeys(arrow_schema("decision").names), **d, "line": n} for n, d in enumerate(given, 1)]
    reading = Reading(
        "sightline-decisions", "sightline", "2024-11-25 to 2024-11-25", "decisions kept by home",
        tables={"decision": pa.Table.from_pylist(rows, schema=arrow_schema("decision"))},
    )  # fmt: skip
    (path,) = write(reading, tmp_path)
    assert recognise(path).kind == "sightline-decisions"
    again = read(path, Context())
    assert again.tables["decision"].equals(reading.tables["decision"])
    assert (again.covers, again.period, again.system, again.as_at) == (reading.covers, reading.period, "sightline", "")


def test_moments_are_kept_as_utc(tmp_path: Path):
    path = tmp_path / "d.jsonl"
    path.write_bytes(lines([decision() | {"at": "2024-07-01T10:00:00+01:00"}], kept_by="web"))
    assert read(path, Context()).tables["decision"]["at"].to_pylist() == ["2024-07-01T09:00:00+00:00"]


@pytest.mark.parametrize(
    "bad",
    [
        b'{"sightline": "decision", "about": "exc',
        b"[1]",
        b'{"sightline": "decision", "about": "exception", "subject": "x", "decision": "sent", "by": "A"}',
        lines([decision() | {"at": "yesterday"}], kept_by="home"),
        lines([decision() | {"at": "2024-11-25T09:00:00"}], kept_by="home"),
        b"[" * 100_000,
    ],
    ids=["cut short", "no object", "no moment", "no date", "no offset", "too deep"],
)
def test_a_line_that_is_none_is_a_finding_and_the_others_are_kept(tmp_path: Path, bad: bytes):
    path = tmp_path / "d.jsonl"
    path.write_bytes(
        lines([decision()], kept_by="home") + bad.strip() + b"\n" + lines([decision("x2")], kept_by="home")
    )
    reading = read(path, Context())
    assert reading.tables["decision"]["subject"].to_pylist() == ["x1", "x2"]
    assert [(f.rule, f.line) for f in reading.findings] == [("not-a-decision", 2)]


def test_a_file_without_a_decision_or_with_two_keepers_is_refused(tmp_path: Path):
    path = tmp_path / "d.jsonl"
    path.write_bytes(b'{"sightline": "decision"}\n')
    with pytest.raises(UnreadableFile, match="No line"):
        read(path, Context())
    path.write_bytes(lines([decision()], kept_by="home") + lines([decision()], kept_by="web"))
    with pytest.raises(UnreadableFile, match="several keepers"):
        read(path, Context())


def test_a_home_appends_and_a_torn_line_swallows_nothing(tmp_path: Path):
    home = Home.open(tmp_path)
    assert decisions_taken(home) == []
    append_decisions(home, [])
    append_decisions(home, [decision("x1")])
    path = tmp_path / "decisions.jsonl"
    assert path.stat().st_mode & 0o077 == 0
    with path.open("ab") as file:
        file.write(b'{"sightline": "decision", "about": "exc')
    append_decisions(home, [decision("x2"), decision("x3")])
    assert [d["subject"] for d in decisions_taken(home)] == ["x1", "x2", "x3"]

"""The received file behind a figure: the line, record or row that it rests on, as it came."""

from __future__ import annotations

import io
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sightline.engine import Database
from sightline.operations.home import Home
from sightline.sources.layout import line_text
from sightline.sources.looks import utf16
from sightline.sources.wonde_json import records_of
from sightline.store import Delivery
from sightline.vocabulary.errors import SightlineError

# A census may be written as one line of megabytes; a screen is not for that.
LONGEST = 2_000


def source_line(home: Home, delivery_id: str, line: int, *, around: int = 0) -> list[tuple[int, str]]:
    """The lines of a received file as they came, by number: where a figure or finding rests.

    What `line` counts is what the reader counted: lines of text, records of a Wonde answer (shown as JSON), and in a
    Parquet table of ours the rows whose own `line` it is. A line of over 2,000 characters is cut. Raises SightlineError
    when the delivery is unknown or the file has no such line.
    """
    delivery = home.store.delivery(delivery_id)
    first, last = max(1, line - around), line + around
    if delivery.kind == "sightline-parquet":
        found = _rows(home, delivery, first, last)
    elif delivery.kind.startswith("wonde-"):
        found = _records(home, delivery, first, last)
    else:
        found = list(_lines(home, delivery, first, last))
    if line not in [n for n, _ in found]:
        raise SightlineError(f"{delivery.shown} has no line {line}.")
    return [(n, text if len(text) <= LONGEST else f"{text[:LONGEST]} ... (cut)") for n, text in found]


def _lines(home: Home, delivery: Delivery, first: int, last: int) -> Iterator[tuple[int, str]]:
    with home.store.received_bytes(delivery) as stream, io.BufferedReader(stream) as file:
        wide = utf16(file.peek(65_536)[:65_536])
        if wide:
            with io.TextIOWrapper(file, encoding=wide, errors="replace", newline="") as text:
                yield from ((n, row.strip("\ufeff\r\n")) for n, row in enumerate(text, 1) if first <= n <= last)
            return
        for n, row in enumerate(file, 1):
            # Very old spreadsheets end their lines with a carriage return alone.
            old = row.split(b"\r") if n == 1 and b"\r" in row.rstrip(b"\r\n") else None
            if old and not file.peek(1):
                yield from ((m, line_text(part)[0]) for m, part in enumerate(old, 1) if first <= m <= last)
                return
            if n > last:
                return
            if n >= first:
                yield n, line_text(row)[0].strip("\ufeff\r\n")


def _records(home: Home, delivery: Delivery, first: int, last: int) -> list[tuple[int, str]]:
    with tempfile.TemporaryDirectory() as folder:
        records, _ = records_of(_copied(home, delivery, Path(folder)))
    return [(n, json.dumps(r, ensure_ascii=False)) for n, r in enumerate(records, 1) if first <= n <= last]


def _rows(home: Home, delivery: Delivery, first: int, last: int) -> list[tuple[int, str]]:
    with tempfile.TemporaryDirectory() as folder, Database() as database:
        database.add_parquet("received", [_copied(home, delivery, Path(folder))])
        rows = database.query("SELECT * FROM received WHERE line BETWEEN ? AND ? ORDER BY line", [first, last])
        return [
            (row["line"], ", ".join(f"{k} {v}" for k, v in row.items() if v is not None and k != "line"))
            for row in rows.to_pylist()
        ]


def _copied(home: Home, delivery: Delivery, folder: Path) -> Path:
    path = folder / "received"
    with home.store.received_bytes(delivery) as stream, path.open("wb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    return path

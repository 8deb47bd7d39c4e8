"""What every reader of files is: a `Source` that recognises by content, reads into tables and findings, and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa

from sightline.vocabulary.findings import Finding


@dataclass(frozen=True, slots=True)
class Head:
    """What recognition may look at: the start of the file, and, for delimited text, its first row.

    `start` is at most 64 KiB, decompressed. `header` is the first row split into cells (trimmed, lower case,
    byte order mark gone) when the start looks like delimited text, else empty. `end` is the last 64 KiB at most, where
    some formats keep their description. `sheets` are the names of an Excel workbook's sheets.
    """

    name: str
    start: bytes
    header: tuple[str, ...] = ()
    end: bytes = b""
    sheets: tuple[str, ...] = ()


@dataclass(slots=True)
class Reading:
    """One file, read.

    `tables` are vocabulary fact tables (`engine.arrow_schema(name)`, column for column), `received` the same
    data as text under the file's own names, for rules that judge the file as it came; it is not stored.
    `system` names whose ids the refs are ("cin-census", "ssd", "school-census", "marks", ...).
    `covers` is what a later file must share to replace this one: (kind, authority, covers).
    """

    kind: str
    system: str
    period: str
    covers: str
    authority: str = ""
    as_at: str = ""  # ISO day the file speaks of: its reference date, census day, or last day of marks
    tables: dict[str, pa.Table] = field(default_factory=dict)
    # Tables that are already Parquet on disk in the vocabulary's schema: too large to hold in memory.
    files: dict[str, Path] = field(default_factory=dict)
    received: dict[str, pa.Table] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Context:
    """What a reader may be told: column mappings agreed with senders, the files that came beside it, and its name.

    `mappings` is keyed by the fingerprint of a header (`marks.mapping_key`). `beside` are the files received together
    with this one, for a kind that speaks in ids another file explains. `name` is the path shown to people. `received`
    is the day of receipt: a file that does not say of which day it is cannot be of a later one.
    """

    mappings: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    beside: tuple[Path, ...] = ()
    name: str = ""
    received: date | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One kind of file. `read` raises `UnreadableFile` when nothing can be made of it, never anything else."""

    kind: str
    says: str  # in words, for receipts and documentation
    recognise: Callable[[Head], bool]
    read: Callable[[Path, Context], Reading]
    # The path is a file, or a folder for a kind that comes as several files; returns the files written.
    write: Callable[[Reading, Path], list[Path]]

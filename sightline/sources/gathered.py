"""Rows gathered one by one from a document (JSON or XML) into the text tables that `conform` types."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

import pyarrow as pa

from sightline.sources.columns import words
from sightline.sources.conform import conform
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.languages import additional_english
from sightline.vocabulary.tables import TABLES

Row = dict[str, str | int | None]


class Gathered:
    """Rows by vocabulary table, as text under the vocabulary's names, in the order they were met."""

    def __init__(self, tables: Sequence[str]) -> None:
        self.rows: dict[str, list[Row]] = {table: [] for table in tables}

    def add(self, table: str, line: int, **cells: str | None) -> None:
        """A row of a table; cells of columns the table has not are a fault of ours (KeyError when it is typed)."""
        self.rows[table].append({**cells, "line": line})

    def tables(
        self, findings: list[Finding], *, fields: Mapping[str, Mapping[str, str]] | None = None
    ) -> dict[str, pa.Table]:
        """Each table in the vocabulary's schema; findings name the document's own field, given `fields` by table."""
        made: dict[str, pa.Table] = {}
        for table, rows in self.rows.items():
            found: list[Finding] = []
            made[table] = conform(text_table(table, rows), table, findings=found)
            findings += renamed(found, (fields or {}).get(table, {}))
        return made


class Telling:
    """A reader of a document, which says what is wrong as it goes."""

    findings: list[Finding]

    def found(
        self,
        rule: str,
        severity: Severity,
        says: str,
        table: str,
        ref: str,
        field: str,
        given: str,
        right: str,
        line: int,
    ) -> None:
        self.findings.append(Finding(rule, severity, says, table, ref, field, given, right, line))


def text_table(table: str, rows: Iterable[Row]) -> pa.Table:
    """The rows as a table of text with every column of the vocabulary table, and `line`."""
    names = [name for name in TABLES[table].names if name != "line"]
    held = list(rows)
    unknown = {name for row in held for name in row} - set(names) - {"line"}
    if unknown:
        raise KeyError(f"Table {table} has no column {sorted(unknown)}.")
    columns = {name: pa.array([row.get(name) for row in held], pa.string()) for name in names}
    return pa.table({**columns, "line": pa.array([row["line"] for row in held], pa.int32())})


def renamed(findings: Iterable[Finding], fields: Mapping[str, str]) -> list[Finding]:
    """The findings under the document's own names of fields."""
    return [
        Finding(f.rule, f.severity, f.says, f.table, f.record, fields.get(f.field, f.field), f.value, f.right, f.line)
        for f in findings
    ]


def squeezed(text: str | None) -> str | None:
    """Upper case without spaces: how identifiers are kept; None when nothing is left."""
    return "".join((text or "").split()).upper() or None


def sex_of(text: str | None) -> str | None:
    """M, F or U of a letter, a census number or a word; the text itself when it is none of those."""
    tidy = " ".join((text or "").split())
    return words("sex", "sex").get(tidy.lower(), tidy) or None


def eal_of(language: str | None) -> str | None:
    """Whether English is an additional language for a pupil of this first language, as the text of a flag."""
    told = additional_english(language)
    return None if told is None else str(told).lower()


def fingerprint(values: Iterable[str]) -> str:
    """Twelve characters that stand for these values in any order, and say nothing of them."""
    return hashlib.sha256("\n".join(sorted(values)).encode()).hexdigest()[:12]

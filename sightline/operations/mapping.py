"""Agreeing with a sender what the columns of their files mean: proposed once, remembered in the home.

Files of session marks and lists of suspensions, as delimited text or as a sheet of a spreadsheet.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sightline.operations.home import Home
from sightline.sources import unpack
from sightline.sources.delimited import stream_delimited
from sightline.sources.intake import Received, head
from sightline.sources.mapping import ROLES, mapping_key
from sightline.sources.mapping import propose_mapping as propose_marks
from sightline.sources.suspension_mapping import propose_suspensions
from sightline.sources.suspensions import ALIASES
from sightline.vocabulary.errors import BadSetting, SightlineError
from sightline.vocabulary.findings import Finding

MARKS, SUSPENSIONS = "marks", "suspensions"
MEANINGS: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {MARKS: ROLES, SUSPENSIONS: ALIASES}
_LOOKED_AT: Final = 5_000  # rows whose values are looked at


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the columns of one sender's file seem to mean.

    `kind` is marks or suspensions; `form` how it is laid out (empty when it cannot be read yet); `columns` the column
    of each meaning; `says` whether it can be read; `shown` the file, and its sheet where it has sheets.
    """

    fingerprint: str
    kind: str
    form: str
    columns: Mapping[str, str]
    says: str
    shown: str


def propose_mapping(file: Path, *, kind: str = "", corrections: Iterable[str] = ()) -> Proposal:
    """Read the first rows of a table and propose what each column means, as marks or as suspensions.

    A correction reads `meaning=column` and is kept as it is. Without `kind` the one that can be read is proposed, else
    the one that lacks least; of a spreadsheet, likewise, one sheet. Raises UnreadableFile when the file is no table,
    and BadSetting when a correction is not of that form or its meaning not of that kind.
    """
    told = _told(corrections)
    kinds = [k for k, meanings in MEANINGS.items() if kind in ("", k) and told.keys() <= meanings.keys()]
    if not kinds:
        known = sorted({m for k, meanings in MEANINGS.items() if kind in ("", k) for m in meanings})
        raise BadSetting(f"A correction reads MEANING=COLUMN; the meanings are: {', '.join(known)}.")
    if not file.is_file():
        raise SightlineError(f"There is no file at {file}.")
    with tempfile.TemporaryDirectory() as folder:
        tables = list(unpack([file], Path(folder)))
        refused = [table.error for table in tables if table.error]
        if refused:
            raise refused[0]
        proposals = [found for table in tables for found in _proposals(table, kinds, told)]
    return min(proposals, key=lambda found: (not found[1].form, found[0]))[1]


def _told(corrections: Iterable[str]) -> dict[str, str]:
    told = {}
    for correction in corrections:
        meaning, equals, column = correction.partition("=")
        if not equals:
            raise BadSetting("A correction reads MEANING=COLUMN, as in upn='Pupil Ref'.")
        told[meaning.strip()] = column.strip()
    return told


def _proposals(table: Received, kinds: Iterable[str], told: Mapping[str, str]) -> Iterator[tuple[int, Proposal]]:
    """How much a table lacks to be of each kind, and what its columns would then mean."""
    assert table.path is not None
    ignored: list[Finding] = []
    pieces = stream_delimited(table.path, ignored)
    nothing = next(pieces)  # the columns alone
    first = next(pieces, nothing).slice(0, _LOOKED_AT)
    key = mapping_key(head(table.path).header)
    for kind in kinds:
        if kind == MARKS:
            found = propose_marks(first, told)
            form, columns = found.form, dict(found.columns)
            lacks = "" if form else found.missing or "attendance marks"
            what = f"{form} form"
        else:
            columns, lacks = propose_suspensions(first, told)
            form, what = "" if lacks else "list", "a list of suspensions"
        says = (
            f"The file can be read: {what}."
            if form
            else f"The file cannot be read yet as {kind}; it lacks {lacks}. Correct it with --column MEANING=COLUMN."
        )
        yield lacks.count(",") + bool(lacks), Proposal(key, kind, form, columns, says, table.shown)


def agree_mapping(home: Home, proposal: Proposal) -> None:
    """Keep a proposal in the home's `mappings.toml`, in place of an earlier one for the same columns.

    Raises BadSetting when the proposal does not say enough to read the file.
    """
    if not proposal.form:
        raise BadSetting("Nothing was saved, because " + proposal.says[0].lower() + proposal.says[1:])
    kind = {} if proposal.kind == MARKS else {"kind": proposal.kind}
    agreed = {**home.mappings(), proposal.fingerprint: kind | dict(proposal.columns)}
    lines = ["# What the columns of each sender's files mean. Written by: sightline mapping FILE --save", ""]
    for fingerprint, columns in agreed.items():
        lines.append(f"[mappings.{json.dumps(fingerprint)}]")
        lines += [f"{meaning} = {json.dumps(column, ensure_ascii=False)}" for meaning, column in columns.items()]
        lines.append("")
    built = home.path / "mappings.toml.new"
    built.write_text("\n".join(lines), encoding="utf-8")
    built.replace(home.path / "mappings.toml")

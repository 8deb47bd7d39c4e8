"""Agreeing with a sender what the columns of their files mean: proposed once, remembered in the home.

Files of session marks and every kind of list without a national layout, as delimited text or as a sheet of a
spreadsheet.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa

from sightline.operations.home import Home
from sightline.sources import recognise, unpack
from sightline.sources.delimited import stream_delimited
from sightline.sources.intake import Received, head
from sightline.sources.list_mapping import LISTS, propose_list
from sightline.sources.mapping import ROLES, mapping_key
from sightline.sources.mapping import propose_mapping as propose_marks
from sightline.vocabulary.errors import BadSetting, SightlineError, UnreadableFile
from sightline.vocabulary.findings import Finding

MARKS: Final = "marks"
MEANINGS: Final[Mapping[str, tuple[str, ...]]] = {
    MARKS: tuple(ROLES),
    **{kind: tuple(dict.fromkeys(each.meanings)) for kind, each in LISTS.items()},
}
# What these hold no other list has, so that one which can be read as either is that.
_PLAIN: Final = (MARKS, "suspensions")
_LOOKED_AT: Final = 5_000  # rows whose values are looked at


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the columns of one sender's file seem to mean.

    `kind` is marks or a kind of list; `form` how it is laid out (empty when it cannot be read yet); `columns` the
    column of each meaning; `says` whether it can be read; `shown` the file, and its sheet where it has sheets.
    """

    fingerprint: str
    kind: str
    form: str
    columns: Mapping[str, str]
    says: str
    shown: str


def propose_mapping(file: Path, *, kind: str = "", corrections: Iterable[str] = ()) -> Proposal:
    """Read the first rows of a table and propose what each column means, as marks or as one of the kinds of list.

    A correction reads `meaning=column` and is kept as it is. Without `kind` the kind that the names of the columns
    tell is proposed, else the one that can be read, else the one that lacks least; where several kinds of list can be
    read, which one is a question for a person. Of a spreadsheet, likewise, one sheet. Raises UnreadableFile when the
    file is no table, and BadSetting when a correction is not of that form or its meaning not of that kind.
    """
    told = _told(corrections)
    kinds = [k for k, meanings in MEANINGS.items() if kind in ("", k) and set(told) <= set(meanings)]
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
        proposals = [_proposal(table, kinds, told) for table in tables]
    return min(proposals, key=lambda found: (not found[1].form, found[0]))[1]


def _told(corrections: Iterable[str]) -> dict[str, str]:
    told = {}
    for correction in corrections:
        meaning, equals, column = correction.partition("=")
        if not equals:
            raise BadSetting("A correction reads MEANING=COLUMN, as in upn='Pupil Ref'.")
        told[meaning.strip()] = column.strip()
    return told


def _proposal(table: Received, kinds: Iterable[str], told: Mapping[str, str]) -> tuple[int, Proposal]:
    """What the columns of one table would mean, as the kind that fits it best, and how much it lacks to be of it."""
    assert table.path is not None
    ignored: list[Finding] = []
    pieces = stream_delimited(table.path, ignored)
    nothing = next(pieces)  # the columns alone
    first = next(pieces, nothing).slice(0, _LOOKED_AT)
    key = mapping_key(head(table.path).header)
    found = {kind: _as_kind(kind, first, told) for kind in kinds}
    whole = [kind for kind, each in found.items() if each.form]
    known = _known(table.path)
    if known in whole:
        best = known
    elif whole and (len(whole) == 1 or whole[0] in _PLAIN):
        best = whole[0]
    elif whole:
        says = (
            f"The columns fit {len(whole)} kinds of list. Say which it is with --kind, which is one of: "
            f"{', '.join(whole)}."
        )
        return 0, Proposal(key, whole[0], "", found[whole[0]].columns, says, table.shown)
    else:
        best = min(found, key=lambda kind: found[kind].lacking)
    seen = found[best]
    says = (
        f"The file can be read: {seen.says}."
        if seen.form
        else f"The file cannot be read yet as {best}; it lacks {seen.lacks}. Correct it with --column MEANING=COLUMN."
    )
    return seen.lacking, Proposal(key, best, seen.form, seen.columns, says, table.shown)


@dataclass(frozen=True, slots=True)
class _Fit:
    form: str
    columns: Mapping[str, str]
    lacks: str
    says: str

    @property
    def lacking(self) -> int:
        return self.lacks.count(",") + bool(self.lacks)


def _as_kind(kind: str, first: pa.Table, told: Mapping[str, str]) -> _Fit:
    """What the first rows of a table would mean as this kind, and what they lack."""
    if kind == MARKS:
        marks = propose_marks(first, told)
        lacks = "" if marks.form else marks.missing or "attendance marks"
        return _Fit(marks.form, dict(marks.columns), lacks, f"{marks.form} form")
    columns, lacks = propose_list(LISTS[kind], first, told)
    return _Fit("" if lacks else "list", columns, lacks, LISTS[kind].says)


def _known(path: Path) -> str:
    """The kind that the file's own column names tell; empty when they tell none."""
    try:
        kind = recognise(path).kind
    except UnreadableFile:
        return ""
    return MARKS if kind == "marks-week" else kind


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

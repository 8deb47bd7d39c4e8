"""Agreeing with a sender what the columns of their files of marks mean: proposed once, remembered in the home."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from sightline.operations.home import Home
from sightline.sources.delimited import stream_delimited
from sightline.sources.intake import head
from sightline.sources.mapping import ROLES, mapping_key
from sightline.sources.mapping import propose_mapping as propose
from sightline.vocabulary.errors import BadSetting, SightlineError
from sightline.vocabulary.findings import Finding


@dataclass(frozen=True, slots=True)
class Proposal:
    """What the columns of one sender's file seem to mean: `columns` by meaning, and `says` whether it can be read."""

    fingerprint: str
    form: str
    columns: Mapping[str, str]
    says: str


def propose_mapping(file: Path, *, corrections: Iterable[str] = ()) -> Proposal:
    """Read the first rows of a table of marks and propose what each column means.

    A correction reads `meaning=column` and is kept as it is. Raises UnreadableFile when the file is no table, and
    BadSetting when a correction is not of that form.
    """
    told = {}
    for correction in corrections:
        meaning, equals, column = correction.partition("=")
        if not equals or meaning.strip() not in ROLES:
            raise BadSetting(f"A correction reads MEANING=COLUMN; the meanings are: {', '.join(ROLES)}.")
        told[meaning.strip()] = column.strip()
    if not file.is_file():
        raise SightlineError(f"There is no file at {file}.")
    ignored: list[Finding] = []
    pieces = stream_delimited(file, ignored)
    nothing = next(pieces)  # the columns alone
    first = next(pieces, nothing)
    found = propose(first, told)
    says = (
        f"The file can be read: {found.form} form."
        if found.form
        else f"The file cannot be read yet; it lacks {found.missing}. Correct it with --column MEANING=COLUMN."
    )
    return Proposal(mapping_key(head(file).header), found.form, dict(found.columns), says)


def agree_mapping(home: Home, proposal: Proposal) -> None:
    """Keep a proposal in the home's `mappings.toml`, in place of an earlier one for the same columns.

    Raises BadSetting when the proposal does not say enough to read the file.
    """
    if not proposal.form:
        raise BadSetting("Nothing was saved, because " + proposal.says[0].lower() + proposal.says[1:])
    agreed = {**home.mappings(), proposal.fingerprint: proposal.columns}
    lines = ["# What the columns of each sender's files mean. Written by: sightline mapping FILE --save", ""]
    for fingerprint, columns in agreed.items():
        lines.append(f"[mappings.{json.dumps(fingerprint)}]")
        lines += [f"{meaning} = {json.dumps(column, ensure_ascii=False)}" for meaning, column in columns.items()]
        lines.append("")
    built = home.path / "mappings.toml.new"
    built.write_text("\n".join(lines), encoding="utf-8")
    built.replace(home.path / "mappings.toml")

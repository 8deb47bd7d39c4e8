"""Readers and writers of every kind of file, and the way in: unpack what was sent, and recognise it by content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from sightline.sources import (
    annex_a,
    attainment,
    cin_census,
    csc_api,
    ctf,
    decisions,
    early_help,
    education_registers,
    ees,
    ees_json,
    gias,
    idaci,
    intake,
    lait,
    localities,
    marks,
    parquet,
    postcodes,
    school_census,
    school_census_xml,
    school_roll,
    ssd,
    ssda903,
    suspensions,
    wonde,
    youth_justice,
)
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.intake import Limits, Received, head, recognise_among
from sightline.vocabulary.errors import BadSetting

# From the most specific to the least: the first that knows a file reads it. Files that say what they are stand before
# tables with published column names, and those before lists whose columns each sender names.
SOURCES: tuple[Source, ...] = (
    *parquet.SOURCES,
    *decisions.SOURCES,
    *wonde.SOURCES,
    *csc_api.SOURCES,
    *ees_json.SOURCES,
    *lait.SOURCES,
    *ees.SOURCES,
    *annex_a.SOURCES,
    *cin_census.SOURCES,
    *ssda903.SOURCES,
    *ctf.SOURCES,
    *school_census_xml.SOURCES,
    *school_census.SOURCES,
    *ssd.SOURCES,
    *localities.SOURCES,
    *postcodes.SOURCES,
    *idaci.SOURCES,
    *gias.SOURCES,
    *suspensions.SOURCES,
    *youth_justice.SOURCES,
    *early_help.SOURCES,
    *education_registers.SOURCES,
    *attainment.SOURCES,
    *marks.SOURCES,
    *school_roll.SOURCES,
)


def unpack(paths: Sequence[Path], folder: Path, *, limits: Limits | None = None) -> Iterator[Received]:
    """One row per single file at or below these paths (`intake.unpack`); a workbook with a source of its own is one."""
    return intake.unpack(
        paths, folder, limits=limits, whole=lambda seen: any(source.recognise(seen) for source in SOURCES)
    )


def recognise(path: Path, context: Context | None = None) -> Source:
    """The source that reads this file, told by its content alone, or by a column mapping agreed with its sender.

    An agreement under the fingerprint of the file's column names (`context.mappings`) comes first; its `kind` names
    the source, session marks when it has none (BadSetting when no source has that kind). Raises UnreadableFile with one
    sentence on what the file looks like and what would be right.
    """
    if context and context.mappings:
        agreed = context.mappings.get(marks.mapping_key(head(path).header))
        if agreed is not None:
            kind = agreed.get("kind", marks.MARKS.kind)
            found = next((source for source in SOURCES if source.kind == kind), None)
            if found is None:
                raise BadSetting(
                    f"The agreed column mapping says the file is of kind '{kind}', which is none of: "
                    f"{', '.join(source.kind for source in SOURCES)}."
                )
            return found
    return recognise_among(path, SOURCES)


__all__ = ["SOURCES", "Context", "Head", "Limits", "Reading", "Received", "Source", "head", "recognise", "unpack"]

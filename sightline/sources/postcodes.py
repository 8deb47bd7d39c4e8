"""Which small area (LSOA) a postcode lies in: the ONS postcode directory and its smaller relatives, or an own list.

The directory (ONSPD), the National Statistics Postcode Lookup (NSPL) and the look-up of output areas name their columns
alike: a postcode (`pcds`, `pcd7`, `pcd`), `lsoa11` or `lsoa21` with or without `cd`, the ward (`osward`, `wd25cd`) and
the months of its life (`dointr`, `doterm`). Any table of a postcode and an LSOA that speaks of no pupil and no school
will do. Postcodes out of use are kept, as children once lived there; those outside England are left out: its index says
nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database, empty
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, counted, first, judge_columns, postcode, target
from sightline.sources.conform import conform
from sightline.sources.delimited import stream_delimited, write_delimited
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

KIND, SYSTEM = "postcodes", "national"
_POSTCODE = ("pcds", "pcd8", "pcd2", "pcd7", "pcd", "postcode", "post code")
_LSOA = re.compile(
    r"(?:lsoa(?:[ _]?code)?|lower layer super output area(?: code)?)[ _]?\(?(?:20)?(11|21)?\)?(?:[ _]?(?:cd|code))?"
)
_WARD = re.compile(r"osward|wd\d\dcd|(?:electoral |administrative )?ward[ _]?code")
_MONTHS = {"introduced": ("dointr",), "terminated": ("doterm",)}
# A list of pupils or schools may hold both columns too.
_NOT_OURS = re.compile(r".*(upn|pupil|student|surname|forename|birth|dob|urn|estab|school).*")
_MANY = 12  # postcode areas; a file of more is the country's


def _columns(header: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The columns of a header by what they hold, the best first."""
    found: dict[str, tuple[str, ...]] = {}
    held = tuple(name for name in _POSTCODE if name in header)
    if held:
        found["postcode"] = held
    for column in header:
        matched = _LSOA.fullmatch(column)
        if matched:
            found.setdefault("lsoa_2011" if matched[1] == "11" else "lsoa_2021", (column,))
        elif _WARD.fullmatch(column):
            found.setdefault("ward", (column,))
    return found


def _recognise(head: Head) -> bool:
    found = _columns(head.header)
    if "postcode" not in found or not found.keys() & {"lsoa_2011", "lsoa_2021"}:
        return False
    return not any(_NOT_OURS.fullmatch(column) for column in head.header)


def read_postcodes(path: Path, context: Context) -> Reading:
    """One row per postcode that lies in a small area of England. Raises UnreadableFile when there is none."""
    findings: list[Finding] = []
    parts: list[pa.Table] = []
    rows = 0
    wanted: dict[str, tuple[str, ...]] = {}
    for part in stream_delimited(path, findings):
        if not wanted:
            wanted = _columns(part.column_names)
            if "postcode" not in wanted or not wanted.keys() & {"lsoa_2011", "lsoa_2021"}:
                raise UnreadableFile("A list of postcodes needs a column of postcodes and one of LSOA codes.")
            wanted |= {c: names for c, names in _MONTHS.items() if names[0] in part.column_names}
            present = set(part.column_names)
            judge_columns(present, wanted, known=present, table="postcode_area", findings=findings)
        if part.num_rows:
            rows += part.num_rows
            parts.append(_typed(part, wanted, findings))
    table = pa.concat_tables(parts) if parts else empty("postcode_area")
    if not table.num_rows:
        raise UnreadableFile("The file has the columns of a list of postcodes and not one that lies in England.")
    if table.num_rows < rows:
        says = f"{counted(rows - table.num_rows, 'postcode')} without a small area of England left out."
        findings.append(Finding("outside-england", Severity.NOTE, says, "postcode_area", field="lsoa_2021"))
    with bench(table) as database:
        areas = [area for (area,) in database.rows(
            "SELECT DISTINCT regexp_extract(postcode, '^[A-Z]+') AS area FROM raw ORDER BY area")]  # fmt: skip
        newest = database.one("SELECT max(greatest(introduced, terminated)) FROM raw")
    of = "England" if len(areas) > _MANY else ", ".join(areas)
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"postcodes of {of}" + (f" to {newest:%Y-%m}" if newest else ""),
        covers=f"postcodes of {of}",
        tables={"postcode_area": table},
        findings=findings,
    )


def _typed(part: pa.Table, wanted: dict[str, tuple[str, ...]], findings: list[Finding]) -> pa.Table:
    present = set(part.column_names)
    cells = {column: first(names, present) for column, names in wanted.items()}
    cells["postcode"] = postcode(cells["postcode"])
    areas = [column for column in ("lsoa_2011", "lsoa_2021") if column in cells]
    for column in areas:
        cells[column] = (
            f"CASE WHEN regexp_full_match(upper({cells[column]}), 'E01[0-9]{{6}}') THEN upper({cells[column]}) END"
        )
    if "ward" in cells:
        cells["ward"] = (
            f"CASE WHEN regexp_full_match(upper({cells['ward']}), 'E05[0-9]{{6}}') THEN upper({cells['ward']}) END"
        )
    for month in _MONTHS.keys() & cells.keys():
        x = cells[month]
        cells[month] = f"CASE WHEN regexp_full_match({x}, '[0-9]{{6}}') THEN {x} || '01' ELSE {x} END"
    selected = ", ".join(f"({x})::TEXT AS {column}" for column, x in cells.items())
    there = " OR ".join(f"{column} IS NOT NULL" for column in areas)
    with bench(part) as database:
        rows = database.query(f"SELECT * FROM (SELECT {selected}, line FROM raw) WHERE {there} ORDER BY line")
    return conform(rows, "postcode_area", findings=findings)


def write_postcodes(reading: Reading, path: Path) -> list[Path]:
    """One CSV under the names of the National Statistics Postcode Lookup."""
    with Database.of({"postcode_area": reading.tables["postcode_area"]}, complete=False) as database:
        rows = database.query(
            "SELECT postcode AS pcds, strftime(introduced, '%Y%m') AS dointr, strftime(terminated, '%Y%m') AS doterm, "
            "lsoa_2011 AS lsoa11cd, lsoa_2021 AS lsoa21cd, ward AS osward FROM postcode_area ORDER BY line"
        )
    return [write_delimited(rows, target(path, "postcodes.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Small areas (LSOA) of postcodes (ONS postcode directory, CSV)", _recognise, read_postcodes,
           write_postcodes),
)  # fmt: skip

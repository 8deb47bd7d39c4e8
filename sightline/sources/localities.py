"""An authority's locality model: which of its own localities each area of it belongs to.

There is no national layout. Any list will do that has a column of localities (or hubs, patches, neighbourhoods,
clusters) beside one of areas. What an area is, its content tells: a postcode (`ZZ1 2AB`), a small area (LSOA of 2011 or
2021, `E01` and six digits), a postcode sector (`ZZ1 2`), a ward (`E05` and six digits) or a postcode district (`ZZ1`).
A list may mix them: of all areas a home lies in, the most exact one places it, in the order of `KINDS`. Where a row
gives areas of several kinds, its most exact one is what it says and the others only describe it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, cell, counted, judge_columns, list_rows, literal, name, squeezed, target
from sightline.sources.conform import conform
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.localities import KINDS

KIND, SYSTEM = "localities", "localities"
# Columns by what they hold, in the words authorities use; `_` and `-` are read as a space.
_LOCALITY = re.compile(
    r"(la |local authority )?(locality( area| hub| team| model)?|neighbourhood( area)?|hub|patch|cluster)"
    r"( name| description)?"
)
_AREA = re.compile(
    r"(area|geography|geography code|area code|code|ons code|gss code|postal area|postal ?code|post ?code|pcds?|pcd[78]"
    r"|(home )?post ?code( or area)?|post ?code (sector|district)|(sector|district)( code)?|outward code|outcode"
    r"|lsoa ?((20)?(11|21))?( ?(cd|code))?|lsoa (code )?(20)?(11|21)|lower layer super output area( code)?"
    r"|(electoral |admin(istrative)? )?ward( ?(cd|code))?|wd\d\d ?cd|osward)"
)
# Lists of people, schools and addresses name a locality too.
_NOT_OURS = re.compile(
    r".*(upn|pupil|student|child|person|surname|forename|birth|dob|urn|estab|school|street|address|town|team id).*"
)
_OUT = "[A-Z]{1,2}[0-9][0-9A-Z]?"
_SHAPES: Final[Mapping[str, str]] = {
    "postcode": f"{_OUT}[0-9][A-Z]{{2}}",
    "lsoa": "E01[0-9]{6}",
    "sector": f"{_OUT} [0-9]",
    "ward": "E05[0-9]{6}",
    "district": _OUT,
}
_RIGHT = (
    "a postcode (ZZ1 2AB), its sector (ZZ1 2) or district (ZZ1), the code of an LSOA (E01 and six digits) or of a ward "
    "(E05 and six digits)"
)
_SOME = re.compile(rb"\bE0[15]\d{6}\b|\b[A-Z]{1,2}\d[A-Z\d]?( ?\d([A-Z]{2})?)?\b")


def _columns(header: Sequence[str]) -> tuple[list[str], list[str]]:
    """The columns of localities, and those of areas."""
    said = {column: re.sub(r"[_\-\s()]+", " ", column.lower()).strip() for column in header}
    return (
        [c for c, words in said.items() if _LOCALITY.fullmatch(words)],
        [c for c, words in said.items() if _AREA.fullmatch(words)],
    )


def _recognise(head: Head) -> bool:
    localities, areas = _columns(head.header)
    if not localities or not areas or any(_NOT_OURS.fullmatch(column) for column in head.header):
        return False
    return bool(_SOME.search(head.start.replace(b"\0", b"").upper()))


def read_localities(path: Path, context: Context) -> Reading:
    """One row per area of the model. Raises UnreadableFile without the columns, or without an area in a locality.

    An area that two rows put into different localities is a finding, and the earlier row stands.
    """
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    localities, areas = _columns(raw.column_names)
    if not localities or not areas:
        raise UnreadableFile(
            "A locality model needs a column of localities (Locality) and one of areas (Area code, LSOA code, Ward "
            "code, Postcode, Postcode sector or Postcode district)."
        )
    judge_columns(
        set(raw.column_names), {"locality": localities, "area": areas}, table="locality_area", findings=findings
    )
    told = f"coalesce({', '.join(cell(c) for c in localities)})"
    with bench(raw) as database:
        database.execute(
            f"CREATE TEMP TABLE told AS SELECT line, regexp_replace({told}, '\\s+', ' ', 'g') AS locality, "
            f"filter([{', '.join(_named(c) for c in areas)}], lambda x: x.as_received IS NOT NULL) AS named FROM raw"
        )
        list_rows(
            database, "len(filter(named, lambda x: x.kind IS NOT NULL)) = 0 AND named[1].as_received IS NOT NULL",
            rule="unknown-area", severity=Severity.ERROR, says="This is no area that a home can be placed by. The row "
            "was left out.", table="locality_area", field="area", findings=findings, value="named[1].as_received",
            right=_RIGHT, record="locality", relation="told",
        )  # fmt: skip
        order = f"list_position([{', '.join(map(literal, KINDS))}], kind)"
        database.execute(
            "CREATE TEMP TABLE areas AS SELECT DISTINCT area, kind, locality, line FROM ("
            "SELECT line, locality, unnest(named, recursive := true) FROM told) WHERE kind IS NOT NULL "
            f"QUALIFY {order} = min({order}) OVER (PARTITION BY line)"
        )
        rows = database.query(
            "SELECT area, kind, locality, line FROM areas UNION ALL SELECT NULL, NULL, locality, line FROM told "
            "WHERE len(named) = 0 AND locality IS NOT NULL ORDER BY line, area"
        )
    table = _judged(conform(rows, "locality_area", findings=findings, record="area"), findings)
    if not table.num_rows:
        raise UnreadableFile("The file has the columns of a locality model and not one area in a locality.")
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{counted(table.num_rows, 'area')} in {len(table['locality'].unique())} localities",
        covers="locality model",
        tables={"locality_area": table},
        received={KIND: raw},
        findings=findings,
    )


def _named(column: str) -> str:
    """SQL: one cell as received, and the area it names with its kind (both null where it names none)."""
    x = f"trim(upper(regexp_replace({cell(column)}, '[\\s\\x{{00A0}}]+', ' ', 'g')))"
    s = squeezed(cell(column))
    if "sector" in column.lower():
        # A sector written without its space looks like a district; the column's name tells.
        x = f"CASE WHEN regexp_full_match({s}, '{_OUT}[0-9]') THEN {s}[:-2] || ' ' || {s}[-1:] ELSE {x} END"
    said = {
        "postcode": (f"regexp_full_match({s}, '{_SHAPES['postcode']}')", f"{s}[:-4] || ' ' || {s}[-3:]"),
        **{kind: (f"regexp_full_match({x}, '{shape}')", x) for kind, shape in _SHAPES.items() if kind != "postcode"},
    }
    kinds = " ".join(f"WHEN {is_one} THEN '{kind}'" for kind, (is_one, _) in said.items())
    areas = " ".join(f"WHEN {is_one} THEN {area}" for is_one, area in said.values())
    return f"{{'as_received': {cell(column)}, 'kind': CASE {kinds} END, 'area': CASE {areas} END}}"


def _judged(table: pa.Table, findings: list[Finding]) -> pa.Table:
    again = "row_number() OVER (PARTITION BY area ORDER BY line)"
    first = "first_value(locality) OVER (PARTITION BY area ORDER BY line)"
    with bench(table) as database:
        database.execute(f"CREATE TEMP TABLE judged AS SELECT *, {again} AS place, {first} AS first FROM raw")
        list_rows(
            database, "place > 1 AND locality <> first", rule="area-in-two-localities", severity=Severity.ERROR,
            says="('An earlier row puts this area into the locality ' || first || ', which was kept.')",
            table="locality_area", field="locality", findings=findings, value="locality", right="one locality an area",
            record="area", relation="judged",
        )  # fmt: skip
        list_rows(
            database, "place > 1 AND locality = first", rule="repeated-record", severity=Severity.NOTE,
            says="An earlier row says the same of this area.", table="locality_area", field="area", findings=findings,
            value="area", record="area", relation="judged",
        )  # fmt: skip
        kept = database.conformed(
            "locality_area", "SELECT * EXCLUDE (place, first) FROM judged WHERE place = 1 ORDER BY line, area"
        )
        alike = database.rows(
            "SELECT list(DISTINCT locality ORDER BY locality) FROM judged WHERE place = 1 "
            "GROUP BY regexp_replace(lower(locality), '[^a-z0-9]', '', 'g') HAVING count(DISTINCT locality) > 1"
        )
    for (names,) in alike:
        says = f"Localities that differ in capitals or signs alone, and are counted apart: {', '.join(names)}."
        findings.append(
            Finding("localities-alike", Severity.QUERY, says, "locality_area", field="locality", right="one spelling")
        )
    return kept


def write_localities(reading: Reading, path: Path) -> list[Path]:
    """One CSV of area and locality."""
    with Database.of({"locality_area": reading.tables["locality_area"]}, complete=False) as database:
        rows = database.query(
            f"SELECT area AS {name('Area')}, locality AS {name('Locality')} FROM locality_area ORDER BY line"
        )
    return [write_delimited(rows, target(path, "localities.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "The authority's own localities (CSV: areas and localities)", _recognise, read_localities,
           write_localities),
)  # fmt: skip

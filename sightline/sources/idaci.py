"""Indices of Deprivation by small area (LSOA): editions 2019 (areas of 2011) and 2025 (areas of 2021).

Columns are known by the published names or by short ones that carry the year (idaci2019_rank). Rank and decile 1 are
the most deprived. A file that gives only how many children are poor (rounded to 5) gives no index: dividing that
number by the children of the area is not the official score, and is not done. The summary by district is read as
national figures.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, cell, counted, first, list_rows, literal, name, target
from sightline.sources.conform import conform
from sightline.sources.delimited import read_delimited, write_delimited
from sightline.sources.national import figures
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

KIND, SYSTEM = "idaci", "national"
DISTRICT = "Local Authority District"
# Areas of England in each census year (English Indices of Deprivation 2019 and 2025), and the edition that uses them.
AREAS: Mapping[int, int] = {2011: 32_844, 2021: 33_755}
EDITION: Mapping[int, int] = {2011: 2019, 2021: 2025}
_CODE = re.compile(r"lsoa(?: code)?[ _]?\(?(?:20)?(11|21)\)?(?:[ _]?(?:code|cd))?")
# What a column is, told by the words in its name.
_ROLES: Mapping[str, str] = {
    "idaci_rank": r"(idaci\w*|.*\(idaci\)).*rank.*",
    "idaci_decile": r"(idaci\w*|.*\(idaci\)).*decile.*",
    "idaci_score": r"(idaci\w*|.*\(idaci\)).*score.*",
    "idaci_children": r"idaci\w*numerator.*",
    "children": r"(dependent )?children(_| aged )0(_|-)15.*",
    "imd_rank": r"(imd\w*|.*\(imd\)).*rank.*",
    "imd_decile": r"(imd\w*|.*\(imd\)).*decile.*",
}
_EVERY = ("idaci_rank", "idaci_decile", "idaci_score", "idaci_children")


def _columns(header: Sequence[str]) -> dict[str, str]:
    """The columns of a header by what they hold; `lsoa` is there when it is a file of small areas."""
    found: dict[str, str] = {}
    for column in header:
        if "lsoa" not in found and _CODE.fullmatch(column):
            found["lsoa"] = column
        for role, pattern in _ROLES.items():
            if role not in found and re.fullmatch(pattern, column):
                found[role] = column
    return found


def _recognise(head: Head) -> bool:
    found = _columns(head.header)
    return "lsoa" in found and any(role in found for role in (*_EVERY, "imd_rank"))


def read_idaci(path: Path, context: Context) -> Reading:
    """One row per small area. Raises UnreadableFile when no column holds the areas' codes."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    found = _columns(raw.column_names)
    if "lsoa" not in found:
        raise UnreadableFile("A file of deprivation needs a column with the codes of LSOAs of 2011 or 2021.")
    if not raw.num_rows:
        raise UnreadableFile("The file has the columns of deprivation by small area and not one area.")
    matched = _CODE.fullmatch(found["lsoa"])
    areas = 2000 + int(matched[1]) if matched else 2021
    edition = _edition(found, areas)
    present = set(raw.column_names)
    cells = {role: first((column,), present) for role, column in found.items()}
    selected = ", ".join(f"upper({x}) AS lsoa" if role == "lsoa" else f"replace({x}, ',', '') AS {name(role)}"
                         for role, x in cells.items())  # fmt: skip
    with bench(raw) as database:
        rows = database.query(
            f"SELECT {selected}, '{areas}' AS lsoa_year, '{edition}' AS edition, line FROM raw ORDER BY line"
        )
    table = _judged(conform(rows, "deprivation", findings=findings), areas, found, findings)
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"deprivation {edition}, areas of {areas}",
        covers=f"{edition}, {', '.join(sorted(found))}",
        tables={"deprivation": table},
        received={KIND: raw},
        findings=findings,
    )


def _edition(found: Mapping[str, str], areas: int) -> int:
    """The edition a column's name gives, else the one that uses these areas."""
    for role, column in found.items():
        year = re.search(r"(?:idaci|imd)(20\d\d)", column) if role not in ("lsoa", "children") else None
        if year:
            return int(year[1])
    return EDITION[areas]


def _judged(table: pa.Table, areas: int, found: Mapping[str, str], findings: list[Finding]) -> pa.Table:
    def wrong(where: str, rule: str, says: str, field: str, right: str, relation: str = "raw") -> None:
        list_rows(
            database, where, rule=rule, severity=Severity.ERROR, says=says, table="deprivation", field=field,
            findings=findings, value=f"{field}::TEXT", right=right, record="lsoa", relation=relation,
        )  # fmt: skip

    if not found.keys() & set(_EVERY):
        says = "The file has no index of deprivation affecting children, only of deprivation as a whole."
        findings.append(Finding("no-idaci", Severity.QUERY, says, "deprivation", right="a file with IDACI", line=1))
    elif not found.keys() & {"idaci_rank", "idaci_decile", "idaci_score"}:
        says = (
            "The file has no rank, decile or score of deprivation affecting children, only a rounded number of "
            "children; no index was worked out from it."
        )
        findings.append(
            Finding("no-idaci", Severity.QUERY, says, "deprivation", right="the official rank, decile or score", line=1)
        )
    with bench(table) as database:
        wrong("NOT regexp_full_match(lsoa, 'E01[0-9]{6}')", "lsoa", "This is no code of a small area of England.",
              "lsoa", "E01 and six digits")  # fmt: skip
        for column in ("idaci_rank", "imd_rank"):
            wrong(f"{column} NOT BETWEEN 1 AND {AREAS[areas]}", "rank-out-of-range", "There is no such rank.", column,
                  f"1 to {AREAS[areas]:,}")  # fmt: skip
        for column in ("idaci_decile", "imd_decile"):
            wrong(f"{column} NOT BETWEEN 1 AND 10", "decile-out-of-range", "There is no such tenth.", column, "1 to 10")
        wrong("idaci_score NOT BETWEEN 0 AND 1", "score-out-of-range", "A share of children lies from 0 to 1.",
              "idaci_score", "0 to 1")  # fmt: skip
        again = "row_number() OVER (PARTITION BY lsoa ORDER BY line)"
        wrong("true", "repeated-record", "This area stands on an earlier row too; the earlier row was kept.", "lsoa",
              "one row an area", f"(FROM raw QUALIFY {again} > 1)")  # fmt: skip
        kept = database.conformed("deprivation", f"FROM raw QUALIFY {again} = 1 ORDER BY line")
    if kept.num_rows < AREAS[areas]:
        says = f"{counted(kept.num_rows, 'area')} of England's {AREAS[areas]:,}; nothing is known of the others."
        findings.append(Finding("part-of-the-country", Severity.NOTE, says, "deprivation", field="lsoa"))
    return kept


def write_idaci(reading: Reading, path: Path) -> list[Path]:
    """One CSV with short names that carry the years, of the columns that hold anything."""
    table = reading.tables["deprivation"]
    areas = next((year for year in table["lsoa_year"].to_pylist() if year), 2021)
    areas = areas if areas in AREAS else 2021
    edition = next((year for year in table["edition"].to_pylist() if year), EDITION[areas])
    short = {
        "lsoa": f"lsoa{areas % 100}_code",
        "imd_rank": f"imd{edition}_rank",
        "imd_decile": f"imd{edition}_decile",
        "idaci_rank": f"idaci{edition}_rank",
        "idaci_decile": f"idaci{edition}_decile",
        "idaci_score": f"idaci{edition}_score",
        "idaci_children": f"idaci{edition}_numerator",
        "children": "children_0_15",
    }
    with Database.of({"deprivation": table}, complete=False) as database:
        filled = [c for c in short if c == "lsoa" or database.one(f"SELECT count({c}) FROM deprivation")]
        columns = ", ".join(f"{c}::TEXT AS {short[c]}" for c in filled)
        rows = database.query(f"SELECT {columns} FROM deprivation ORDER BY line")
    return [write_delimited(rows, target(path, f"deprivation_{edition}_lsoa{areas % 100}.csv"))]


_DISTRICT = ("area_code", "area_name", "area_type", "deprivation_data_year", "index_domain")
KIND_DISTRICTS = "deprivation-districts"


def _is_districts(head: Head) -> bool:
    return {"area_code", "index_domain", "deprivation_data_year"} <= set(head.header)


def read_districts(path: Path, context: Context) -> Reading:
    """One figure per district, domain and summary measure of the Indices of Deprivation."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    lacks = [column for column in _DISTRICT if column not in raw.column_names]
    measures = [column for column in raw.column_names if column not in (*_DISTRICT, "line")]
    if lacks or not measures:
        raise UnreadableFile(f"A summary of deprivation by district needs {', '.join(_DISTRICT)} and a measure.")
    order = ", ".join(f"{literal(column)}: {place}" for place, column in enumerate(measures))
    area = f"CASE WHEN {cell('area_type')} LIKE '{DISTRICT}%' THEN '{DISTRICT}' ELSE {cell('area_type')} END"
    with bench(raw) as database:
        table = figures(
            database,
            f"""
            SELECT 'deprivation' AS dataset, {cell("deprivation_data_year")} AS period, 'Edition' AS period_kind,
                try_cast({cell("deprivation_data_year")} AS INTEGER) AS year,
                replace({area}, '{DISTRICT}', 'Local authority district') AS level, {cell("area_code")} AS area_code,
                NULL::TEXT AS authority, {cell("area_name")} AS area_name, NULL::TEXT AS child_group,
                NULL::TEXT AS phase, 'index_domain: ' || {cell("index_domain")} AS breakdown, indicator, cell, line,
                (MAP {{{order}}})[indicator] AS place
            FROM raw UNPIVOT (cell FOR indicator IN ({", ".join(name(column) for column in measures)}))
            """,
            findings,
        )
        editions = [str(each) for (each,) in database.rows(f"SELECT DISTINCT {cell('deprivation_data_year')} FROM raw")]
    return Reading(
        kind=KIND_DISTRICTS,
        system=SYSTEM,
        period=f"deprivation by district, {', '.join(sorted(editions))}",
        covers=f"districts {', '.join(sorted(editions))}",
        tables={"comparator": table},
        received={KIND_DISTRICTS: raw},
        findings=findings,
    )


def write_districts(reading: Reading, path: Path) -> list[Path]:
    """One CSV with a row per district and domain and a column per measure."""
    with Database.of({"comparator": reading.tables["comparator"]}, complete=False) as database:
        measures = list(dict.fromkeys(database.query("SELECT indicator FROM comparator")["indicator"].to_pylist()))
        wide = ", ".join(
            f"max(coalesce(symbol, figure::TEXT)) FILTER (indicator = {literal(m)}) AS {name(m)}" for m in measures
        )
        rows = database.query(
            f"""
            SELECT area_code, area_name, replace(level, 'Local authority district', '{DISTRICT}') AS area_type,
                period AS deprivation_data_year, replace(breakdown, 'index_domain: ', '') AS index_domain, {wide}
            FROM comparator GROUP BY area_code, area_name, level, period, breakdown ORDER BY min(line)
            """
        )
    return [write_delimited(rows, target(path, "deprivation_districts.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Deprivation affecting children by small area (IDACI, CSV)", _recognise, read_idaci, write_idaci),
    Source(
        KIND_DISTRICTS,
        "Deprivation by district, summary (Indices of Deprivation, CSV)",
        _is_districts,
        read_districts,
        write_districts,
    ),
)

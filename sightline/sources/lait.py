"""The Local Authority Interactive Tool: its long table (Parquet) and its data dictionary (CSV), as the tool keeps them.

Faults the table is known for are told and kept apart: a year "0", "-" for a missing figure, a data item filled only on
the first row of each block, numbers written with sixteen digits. The years are named as the tool names them (2024, or
2023/24); the dictionary says for each measure which kind of year that is.
"""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, counted, literal, target
from sightline.sources.delimited import header_of, read_delimited, write_delimited
from sightline.sources.national import INDICATOR, SYSTEM, definitions, figures, judge_coverage, period_of, span, year_of
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

KIND, KIND_DICTIONARY, DATASET = "lait", "lait-dictionary", "lait"
COLUMNS = ("Short Desc", "Data item", "Years", "LA and Regions", "Values", "LA Number", "Region")
ENGLAND = 970
REGIONS = range(980, 991)
MOST_ROWS = 20_000_000
_DICTIONARY = ("measure_short", "measure", "description", "year_type")


def _recognise(head: Head) -> bool:
    return (
        head.start.startswith(b"PAR1")
        and head.end.endswith(b"PAR1")
        and all(name.encode() in head.end for name in ("Short Desc", "LA and Regions", "LA Number"))
    )


def _is_dictionary(header: tuple[str, ...] | list[str]) -> bool:
    return set(_DICTIONARY) <= set(header)


def read_lait(path: Path, context: Context) -> Reading:
    """One row per measure, area and year. Raises UnreadableFile when the file is damaged or lacks a column."""
    findings: list[Finding] = []
    try:
        file = pq.ParquetFile(path)
        if file.metadata.num_rows > MOST_ROWS:
            raise UnreadableFile("The table has over 20 million rows, which the tool's never has; it was not read.")
        raw = file.read()
    except (pa.ArrowException, OSError, ValueError):
        raise UnreadableFile("The Parquet file is damaged or cut short; please save it again.") from None
    lacks = [name for name in COLUMNS if name not in raw.column_names]
    if lacks:
        raise UnreadableFile(f"The table of the interactive tool lacks {', '.join(lacks)}.")
    text = pa.table(
        {name: raw[name].cast(pa.string()) for name in COLUMNS}
        | {"line": pa.array(range(1, raw.num_rows + 1), pa.int32())}
    )
    kinds = _kinds(context)
    with bench(text) as database:
        _judge_years(database, findings)
        table = figures(database, _cells(kinds), findings)
        unnamed = int(database.one("SELECT count(*) FROM raw WHERE nullif(trim(\"Data item\"), '') IS NULL"))
        labels = database.rows(
            'SELECT "Short Desc", arg_min("Data item", line) FILTER (trim("Data item") <> \'\'), min(line) FROM raw '
            'WHERE "Short Desc" IS NOT NULL GROUP BY 1 ORDER BY 3'
        )
    if unnamed:
        says = f"{counted(unnamed)} without the measure's name in words; the first row that has one was taken."
        findings.append(Finding("name-on-first-row-only", Severity.NOTE, says, "comparator", field="Data item"))
    judge_coverage(table, findings)
    rows = [
        {"dataset": DATASET, "kind": INDICATOR, "name": name.strip(), "label": label, "line": line}
        for name, label, line in labels
    ]
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{DATASET}, {span(table)}",
        covers=DATASET,
        tables={"comparator": table, "comparator_definition": definitions(rows)},
        received={KIND: text},
        findings=findings,
    )


def _kinds(context: Context) -> dict[str, str]:
    """Which kind of year each measure has, where the dictionary was received together with the table."""
    for path in context.beside:
        with path.open("rb") as file:
            if not _is_dictionary(header_of(file.read(2**16))):
                continue
        table = read_delimited(path, [])
        return {
            str(short).strip(): str(kind).strip()
            for short, kind in zip(table["measure_short"].to_pylist(), table["year_type"].to_pylist(), strict=True)
            if short and kind and kind.strip() not in ("", "NA")
        }
    return {}


def _judge_years(database: Database, findings: list[Finding]) -> None:
    for text, count, line, measure in database.rows(
        f"""SELECT "Years", count(*), min(line), any_value("Short Desc") FROM raw
        WHERE {year_of(period_of('trim("Years")'))} IS NULL GROUP BY 1 ORDER BY 3"""
    ):
        says = f"{counted(count)} of a year that is none; the figures were kept, with no year, and join no series."
        findings.append(
            Finding("not-a-year", Severity.ERROR, says, "comparator", measure or "", "Years", text or "",
                    "a year such as 2024 or 2023/24", line)
        )  # fmt: skip


def _cells(kinds: dict[str, str]) -> str:
    number = 'try_cast("LA Number" AS INTEGER)'
    period = period_of('trim("Years")')
    pairs = ", ".join(f"{literal(measure)}: {literal(kind)}" for measure, kind in kinds.items())
    kind = f'(MAP {{{pairs}}})[trim("Short Desc")]' if pairs else "NULL::TEXT"
    return f"""
        SELECT '{DATASET}' AS dataset, {period} AS period, {kind} AS period_kind, {year_of(period)} AS year,
            CASE WHEN {number} = {ENGLAND} THEN 'National'
                WHEN {number} BETWEEN {REGIONS.start} AND {REGIONS.stop - 1} THEN 'Regional'
                ELSE 'Local authority' END AS level,
            NULL::TEXT AS area_code,
            CASE WHEN {number} < {ENGLAND} THEN lpad({number}::TEXT, 3, '0') END AS authority,
            trim("LA and Regions") AS area_name, NULL::TEXT AS child_group, NULL::TEXT AS phase,
            NULL::TEXT AS breakdown, trim("Short Desc") AS indicator, "Values" AS cell, line, 0 AS place
        FROM raw
    """


def write_lait(reading: Reading, path: Path) -> list[Path]:
    """The long table with the tool's own columns; regions and England under the tool's numbers."""
    labels = {row["name"]: row["label"] for row in reading.tables["comparator_definition"].to_pylist()}
    rows = sorted(reading.tables["comparator"].to_pylist(), key=lambda row: row["line"] or 0)
    names = sorted({row["area_name"] or "" for row in rows if row["level"] == "Regional"})
    regions = {name: REGIONS.start + place for place, name in enumerate(names)}

    def number(row: dict[str, object]) -> int | None:
        if row["level"] == "National":
            return ENGLAND
        if row["level"] == "Regional":
            return regions[str(row["area_name"] or "")]
        return int(str(row["authority"])) if row["authority"] else None

    columns: dict[str, list[object]] = {name: [] for name in COLUMNS}
    for row in rows:
        figure = row["figure"]
        columns["Short Desc"].append(row["indicator"])
        columns["Data item"].append(labels.get(row["indicator"]))
        columns["Years"].append(row["period"])
        columns["LA and Regions"].append(row["area_name"])
        columns["Values"].append(row["symbol"] or (None if figure is None else repr(figure)))
        columns["LA Number"].append(number(row))
        columns["Region"].append(None)
    types = {name: pa.int32() if name == "LA Number" else pa.large_string() for name in COLUMNS}
    file = target(path, "lait.parquet")
    pq.write_table(pa.table({name: pa.array(held, types[name]) for name, held in columns.items()}), file)
    return [file]


def read_dictionary(path: Path, context: Context) -> Reading:
    """One definition per measure of the tool."""
    findings: list[Finding] = []
    raw = read_delimited(path, findings)
    if not _is_dictionary(raw.column_names):
        raise UnreadableFile(f"The tool's data dictionary needs the columns {', '.join(_DICTIONARY)}.")
    rows: list[dict[str, object]] = []
    seen: set[str] = set()
    for row in raw.to_pylist():
        tidy = {key: _tidy(value) for key, value in row.items() if key != "line"}
        measure = tidy["measure_short"]
        if measure is None or measure in seen:
            rule, says = ("missing-value", "The row names no measure; it was left out.") if measure is None else (
                "repeated-record", "The measure stands on an earlier row too; that row was read.")  # fmt: skip
            findings.append(
                Finding(rule, Severity.QUERY, says, "comparator_definition", measure or "", "Measure_short",
                        measure or "", "one row a measure", row["line"])
            )  # fmt: skip
            continue
        seen.add(measure)
        rows.append({
            "dataset": DATASET, "kind": INDICATOR, "name": measure, "label": tidy["measure"],
            "unit": tidy.get("y_axis_name"), "definition": tidy["description"], "line": row["line"],
            "warning": f"Year: {tidy['year_type']}" if tidy["year_type"] else None,
        })  # fmt: skip
    return Reading(
        kind=KIND_DICTIONARY,
        system=SYSTEM,
        period="measures of the interactive tool",
        covers="measures",
        tables={"comparator_definition": definitions(rows)},
        received={KIND_DICTIONARY: raw},
        findings=findings,
    )


def _tidy(value: object) -> str | None:
    text = re.sub(r"\s+", " ", str(value or "")).strip()
    return None if text in ("", "NA") else text


def write_dictionary(reading: Reading, path: Path) -> list[Path]:
    """The dictionary with the columns that are read."""
    rows = reading.tables["comparator_definition"].to_pylist()
    made = {
        "Measure_short": [row["name"] for row in rows],
        "Measure": [row["label"] for row in rows],
        "y_axis_name": [row["unit"] for row in rows],
        "Description": [row["definition"] for row in rows],
        "Year_Type": [(row["warning"] or "").removeprefix("Year: ") or None for row in rows],
    }
    table = pa.table({name: pa.array(held, pa.string()) for name, held in made.items()})
    return [write_delimited(table, target(path, "lait_data_dictionary.csv"))]


SOURCES: tuple[Source, ...] = (
    Source(KIND, "Local Authority Interactive Tool (Parquet)", _recognise, read_lait, write_lait),
    Source(
        KIND_DICTIONARY,
        "Data dictionary of the Local Authority Interactive Tool (CSV)",
        lambda head: _is_dictionary(head.header),
        read_dictionary,
        write_dictionary,
    ),
)

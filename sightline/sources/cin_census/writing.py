"""Write a reading as a CIN census: the XML return of its collection year, or its tables as CSV.

What the census has no place for (names, addresses, teams, ids of other systems, blocks of a later collection year) is
left out. Episodes have no ids there: they are numbered within their child in the order of the tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from lxml import etree

from sightline.sources.base import Reading
from sightline.sources.cin_census.layout import (
    BLOCKS,
    CHARACTERISTICS,
    CHILD,
    DETAILS,
    GENDER_OF_SEX,
    HEADER_COLUMNS,
    IDENTIFIERS,
    LAST_YEAR,
    NO_FURTHER_ACTION,
    NO_ID,
    PROTECTION_PLANS,
    SEX_FROM,
    Block,
    walk,
)
from sightline.sources.delimited import write_delimited

Row = dict[str, Any]
_REFS = {"assessment": "assessment_ref", "cp_plan": "plan_ref"}
CSV_NAMES = {"CINPlanDates": "CINplanDates"}  # as the sector's own tool writes it


def write_census(reading: Reading, path: Path) -> list[Path]:
    """Write the XML return. Raises ValueError when a row belongs to no child or episode of the reading."""
    received = as_received(reading)
    rows = {table: _by_parent(BLOCKS[table], found) for table, found in received.items() if table in BLOCKS}
    with etree.xmlfile(str(path), encoding="UTF-8") as out:
        out.write_declaration()
        with out.element("Message"):
            out.write("\n")
            for header in received["Header"][:1]:
                out.write(_header(header), pretty_print=True)
            with out.element("Children"):
                out.write("\n")
                for row in received[IDENTIFIERS.table]:
                    out.write(_child(row, rows), pretty_print=True)
            out.write("\n")
    return [path]


def write_census_tables(reading: Reading, path: Path) -> list[Path]:
    """Write every table of the collection year as CSV into the folder `path`, as the sector's own tool lays them out.

    Raises ValueError when a row belongs to no child or episode of the reading.
    """
    path.mkdir(parents=True, exist_ok=True)
    received = as_received(reading)
    written = []
    for table, rows in received.items():
        columns = HEADER_COLUMNS if table == "Header" else BLOCKS[table].columns
        if table == "AssessmentFactors":
            continue
        if table == "Assessments":
            columns = (*columns, "AssessmentFactors")
            rows = list(_with_factors(rows, received["AssessmentFactors"]))
        indexed = {"": pa.array(map(str, range(len(rows))), pa.string())}
        cells = {name: pa.array([row.get(name) for row in rows], pa.string()) for name in columns}
        written.append(write_delimited(pa.table(indexed | cells), path / f"{CSV_NAMES.get(table, table)}.csv"))
    return written


def as_received(reading: Reading) -> dict[str, list[Row]]:
    """The rows of each table of the census, all text, from the vocabulary tables of a reading: `translate`, undone."""
    year = date.fromisoformat(reading.as_at).year if reading.as_at else None
    tables = {name: table.to_pylist() for name, table in reading.tables.items()}
    received: dict[str, list[Row]] = {"Header": list(_headers(reading, year))}
    received[IDENTIFIERS.table] = list(_identifiers(tables, year))
    received[CHARACTERISTICS.table] = [
        {"LAchildID": row["child_ref"], "Ethnicity": _text(row["ethnicity"])} for row in tables.get("child", ())
    ]
    known: dict[tuple[str, str], tuple[str, ...]] = {}
    children = {row["child_ref"] for row in tables.get("child", ())}
    for block in walk():
        if block.vocabulary == "child":
            continue
        rows = received[block.table] = []
        if block.first > (year or LAST_YEAR):
            continue
        counts: dict[tuple[str, ...], int] = {}
        for row in tables.get(block.vocabulary, ()):
            ties = _ties(block, row, known, children)
            number: tuple[str, ...] = ()
            if block.number:
                counts[ties] = counts.get(ties, 0) + 1
                number = (str(counts[ties]),)
                if block is DETAILS:
                    known["referral", row["referral_ref"]] = (*ties, *number)
                elif block.vocabulary in _REFS:
                    known[block.vocabulary, row[_REFS[block.vocabulary]]] = (*ties, *number)
            keys = (*block.keys, block.number) if block.number else block.keys
            made: Row = dict(zip(keys, (*ties, *number), strict=True))
            rows.append(made | {f.element: _text(row[f.column]) for f in block.fields})
    return received


def _ties(
    block: Block, row: Row, known: Mapping[tuple[str, str], tuple[str, ...]], children: set[str]
) -> tuple[str, ...]:
    """The keys of the parents of a row. Raises ValueError when there are none."""
    parent = {1: "", 2: "referral", 3: "cp_plan" if block.vocabulary == "cp_review" else "assessment"}[len(block.keys)]
    if not parent:
        ties: tuple[str, ...] | None = (row["child_ref"],) if row["child_ref"] in children else None
    else:
        ties = known.get((parent, row[_REFS.get(parent, "referral_ref")]))
    if ties is None:
        raise ValueError(f"A row of {block.vocabulary} belongs to no {parent or 'child'} of this reading.")
    return ties


def _headers(reading: Reading, year: int | None) -> Iterator[Row]:
    if year is None and not reading.authority:
        return
    yield {
        "Collection": "CIN",
        "Year": str(year) if year else None,
        "ReferenceDate": reading.as_at or None,
        "SourceLevel": "L",
        "LEA": reading.authority or None,
        "SoftwareCode": "Sightline",
        "SerialNo": "001",
    }


def _identifiers(tables: Mapping[str, list[Row]], year: int | None) -> Iterator[Row]:
    """One row per child: the first UPN and former UPN it has (the n-th, for the n-th child of one LAchildID)."""
    held: dict[tuple[str, str], list[str | None]] = {}
    for row in tables.get("identifier", ()):
        held.setdefault((row["ref"], row["kind"]), []).append(row["value"])
    for found in held.values():
        found.reverse()
    for row in tables.get("child", ()):
        ref, sex = row["child_ref"], row["sex"]
        made: Row = {
            "LAchildID": ref,
            "UPN": (held.get((ref, "upn")) or [None]).pop(),
            "FormerUPN": (held.get((ref, "former_upn")) or [None]).pop(),
        }
        made |= {f.element: _text(row[f.column]) for f in IDENTIFIERS.fields[1:] if f.column}
        if year is None or year >= SEX_FROM:
            made["Sex"] = sex
        else:
            made["GenderCurrent"] = GENDER_OF_SEX.get(sex, sex)
        yield made


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if value is True or value is False:
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _with_factors(assessments: list[Row], factors: list[Row]) -> Iterator[Row]:
    """A row per factor of each assessment, and one for an assessment without any."""
    keys = ("LAchildID", "CINdetailsID", "AssessmentID")
    found: dict[tuple[str, ...], list[str | None]] = {}
    for factor in factors:
        found.setdefault(tuple(factor[key] for key in keys), []).append(factor["AssessmentFactors"])
    for row in assessments:
        for code in found.get(tuple(row[key] for key in keys), [None]):
            yield row | {"AssessmentFactors": code}


def _by_parent(block: Block, rows: list[Row]) -> dict[tuple[str, ...], list[Row]]:
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in block.keys), []).append(row)
    return found


def _header(row: Row) -> Any:
    header = etree.Element("Header")
    for name, fields in (("CollectionDetails", HEADER_COLUMNS[:3]), ("Source", HEADER_COLUMNS[3:])):
        block = etree.SubElement(header, name)
        for field in fields:
            if row.get(field):
                etree.SubElement(block, field).text = row[field]
    return header


def _child(row: Row, rows: Mapping[str, dict[tuple[str, ...], list[Row]]]) -> Any:
    """A Child element. Each row is taken out as it is written, so a second child of one LAchildID repeats nothing."""
    child = etree.Element("Child")
    ref = row["LAchildID"]
    written = row | {"LAchildID": None} if ref.startswith(NO_ID) else row
    _fill(etree.SubElement(child, IDENTIFIERS.element), IDENTIFIERS, written, (), rows)
    for block in CHILD[1:]:
        found = rows[block.table].get((ref,), [])
        taken, left = (found[:1], found[1:]) if block is CHARACTERISTICS else (found, [])
        rows[block.table][(ref,)] = left
        for made in taken:
            ties = (ref, made[block.number]) if block.number else (ref,)
            _fill(etree.SubElement(child, block.element), block, made, ties, rows)
    return child


def _fill(
    element: Any, block: Block, row: Row, ties: tuple[str, ...], rows: Mapping[str, dict[tuple[str, ...], list[Row]]]
) -> None:
    for field in block.fields:
        if field.element != NO_FURTHER_ACTION:
            _value(element, field.element, row)
    for inner in block.blocks:
        if inner is PROTECTION_PLANS:
            _value(element, NO_FURTHER_ACTION, row)
        found = rows[inner.table].pop(ties, [])
        if inner.each and found:
            wrapper = etree.SubElement(element, inner.element)
            for made in found:
                _value(wrapper, inner.fields[0].element, made)
        elif found:
            for made in found:
                _fill(etree.SubElement(element, inner.element), inner, made, (*ties, made[inner.number]), rows)


def _value(element: Any, name: str, row: Row) -> None:
    if row.get(name) is not None:
        etree.SubElement(element, name).text = row[name]

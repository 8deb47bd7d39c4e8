"""Recognise and read the CIN census: the XML return, and the tables of it as CSV."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sightline.sources.base import Context, Head, Reading
from sightline.sources.cin_census.layout import BLOCKS, HEADER_COLUMNS, Block, period
from sightline.sources.cin_census.noted import Noted
from sightline.sources.cin_census.parse import parse
from sightline.sources.cin_census.places import element_lines
from sightline.sources.cin_census.translate import Collection, collection_of, collection_of_dates, translate
from sightline.sources.conform import BLANKS
from sightline.sources.delimited import header_of, read_delimited
from sightline.sources.layout import HEAD
from sightline.sources.looks import utf16
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity

KIND, KIND_CSV, SYSTEM = "cin-census", "cin-census-csv", "cin-census"

_COLLECTION = re.compile(r"<(?:[\w.-]+:)?Collection(?:\s[^>]*)?>\s*CIN\s*<")
_CHILD = re.compile(r"<(?:[\w.-]+:)?Child[\s>]")
_OF_THE_CENSUS = re.compile(r"<(?:[\w.-]+:)?(?:LAchildID|CINdetails)[\s/>]")

# What tells each CSV table from the others; the flat table of events that some tools make matches several.
_TELLING: dict[str, frozenset[str]] = {
    "Header": frozenset({"collection", "year", "referencedate", "lea"}),
    "ChildIdentifiers": frozenset({"lachildid", "upn", "personbirthdate"}),
    "ChildCharacteristics": frozenset({"lachildid", "ethnicity"}),
    "Disabilities": frozenset({"lachildid", "disability"}),
    "CINdetails": frozenset({"lachildid", "cinreferraldate"}),
    "Assessments": frozenset({"lachildid", "assessmentactualstartdate"}),
    "CINPlanDates": frozenset({"lachildid", "cinplanstartdate"}),
    "Section47": frozenset({"lachildid", "s47actualstartdate"}),
    "ChildProtectionPlans": frozenset({"lachildid", "cppstartdate"}),
    "Reviews": frozenset({"lachildid", "cppreviewdate"}),
    "PreProceedingsandFGDM": frozenset({"lachildid", "ppstartdate"}),
}

_OF_EPISODES = frozenset({"referralsource", "primaryneedcode", "cinclosuredate", "reasonforclosure", "referralnfa"})
# Where a table has no ids, the dates that tell an episode or a plan from others of the same child.
_NATURAL = {"CINdetailsID": "CINreferralDate", "AssessmentID": "AssessmentActualStartDate", "CPPID": "CPPstartDate"}
# A table of factors alone has one of these, and no end of the assessment.
_FACTORS = frozenset({"assessmentfactors", "factor"})


def is_census(head: Head) -> bool:
    """Whether the start of a file is a CIN census: it says so, or it has children with an LAchildID or CINdetails."""
    start = head.start.removeprefix(b"\xef\xbb\xbf")
    encoding = utf16(start)
    text = start.decode(encoding or "latin-1", errors="replace").lstrip("\ufeff" + BLANKS)
    if not text.startswith("<"):
        return False
    return bool(_COLLECTION.search(text) or (_CHILD.search(text) and _OF_THE_CENSUS.search(text)))


def is_census_table(head: Head) -> bool:
    """Whether the header row is that of one table of the census."""
    return _table_of(head.header) is not None


def _table_of(header: tuple[str, ...]) -> str | None:
    """The table whose columns these are; None for none, and for the flat table of events that some tools make.

    Tools that give episodes and plans no id repeat the date of the referral, or of the plan, in the tables below them;
    some write a child's characteristics beside the identifiers.
    """
    names = set(header)
    found = [table for table, telling in _TELLING.items() if telling <= names]
    for below, above in (("ChildIdentifiers", "ChildCharacteristics"), ("Reviews", "ChildProtectionPlans")):
        if below in found and above in found:
            found.remove(above)
    if "lachildid" in names and names & _FACTORS and "assessmentauthorisationdate" not in names:
        return "AssessmentFactors"
    if "CINdetails" in found and len(found) == 2 and not names & _OF_EPISODES:
        found.remove("CINdetails")
    return found[0] if len(found) == 1 else None


def read_census(path: Path, context: Context) -> Reading:
    """One row per Child element in `child`, whatever is wrong with it, and the tables of its episodes.

    Raises UnreadableFile, with nothing half read, when the file is not well-formed XML, is hostile or is no census.
    """
    noted = Noted()
    received = parse(path, noted)
    reading = _reading(KIND, received, collection_of(received, noted), noted)
    reading.findings = _placed(reading.findings, path)
    return reading


def _placed(findings: list[Finding], path: Path) -> list[Finding]:
    """The findings on the line of the value they name, where it stands in the file."""
    lines = element_lines(path, ((f.table, f.field, f.line) for f in findings))
    return [replace(f, line=lines.get((f.table, f.field, f.line), f.line)) for f in findings]


def read_census_table(path: Path, context: Context) -> Reading:
    """The rows of one CSV table of the census, as the vocabulary tables they fill.

    A table by itself does not say its year or authority: those of the one Header received with it are taken, of the
    same folder before others. Without one the dates inside are asked (`collection_of_dates`), and when they do not
    tell, the period is "unknown year"; codes are then judged by the lists of all years. `covers` names the table too,
    so that one table never takes the place of another.
    """
    noted = Noted()
    laid_out: list[Finding] = []
    rows = read_delimited(path, laid_out)
    table = _table_of(tuple(rows.column_names))
    if table is None:
        raise UnreadableFile("The file's columns are not those of one table of the CIN census.")
    for finding in laid_out:
        noted.add(finding)
    if table == "Header":
        received = {table: _named(rows, HEADER_COLUMNS, table, noted)}
        collection = collection_of(received, noted)
    else:
        if table == "AssessmentFactors":
            rows = rows.rename_columns(["assessmentfactors" if c == "factor" else c for c in rows.column_names])
        received = _blocks(rows, BLOCKS[table], noted)
        if table == "ChildIdentifiers" and "ethnicity" in rows.column_names:
            received |= _blocks(rows, BLOCKS["ChildCharacteristics"], Noted())
        collection = _collection_beside(path, context.beside) or collection_of_dates(
            received, noted, "A table by itself does not say its year"
        )
    reading = _reading(KIND_CSV, received, collection, noted)
    reading.covers = f"{reading.covers} {table}"
    return reading


def _collection_beside(path: Path, beside: tuple[Path, ...]) -> Collection | None:
    """The collection that the one Header among the files received together speaks of, if it says its year."""
    headers = _headers(beside)
    for among in ([found for found in headers if found.parent == path.parent], headers):
        if len(among) == 1:
            rows = read_delimited(among[0], [])
            # What is wrong with the header is told where it is read itself.
            found = collection_of({"Header": _named(rows, HEADER_COLUMNS, "Header", Noted())}, Noted())
            return found if found.year is not None and found.stated else None
    return None


@lru_cache(maxsize=4)
def _headers(beside: tuple[Path, ...]) -> tuple[Path, ...]:
    """The Header tables among files received together, each file looked at once for all of them."""
    found = []
    for path in beside:
        with path.open("rb") as file:
            start = file.read(HEAD)
        if b"referencedate" in start[:4000].replace(b"\0", b"").lower() and _table_of(header_of(start)) == "Header":
            found.append(path)
    return tuple(found)


def _reading(kind: str, received: dict[str, pa.Table], collection: Collection, noted: Noted) -> Reading:
    tables, findings = translate(received, collection, noted)
    as_at = collection.as_at
    return Reading(
        kind=kind,
        system=SYSTEM,
        period=period(collection.year),
        covers=str(collection.year or "unknown year"),
        authority=collection.authority,
        as_at=as_at.isoformat() if as_at else "",
        tables=tables,
        received=received,
        findings=noted.findings() + findings,
    )


def _named(rows: pa.Table, names: tuple[str, ...], table: str, noted: Noted) -> pa.Table:
    """The columns under the census's own spelling; those the file lacks are null, those it has beside are told."""
    present = {name.lower(): name for name in names}
    for name in rows.column_names:
        if name not in present and name != "line" and not name.startswith("unnamed "):
            says = "The census has no such column in this table; it was not read."
            right = "the columns of the census"
            noted.add(Finding("unknown-column", Severity.NOTE, says, table, field=name, right=right, line=1))
    columns = {
        name: rows[low] if low in rows.column_names else pa.nulls(rows.num_rows, pa.string())
        for low, name in present.items()
    }
    for name, column in columns.items():
        trimmed = pc.utf8_trim(column, BLANKS)
        columns[name] = pc.if_else(pc.equal(trimmed, ""), None, column)
    return pa.table(columns | {"line": rows["line"]})


def _blocks(rows: pa.Table, block: Block, noted: Noted) -> dict[str, pa.Table]:
    """The table, its keys whole, and for Assessments the factors that stand beside each assessment."""
    present = set(rows.column_names)
    factors = BLOCKS["AssessmentFactors"]
    is_assessments = block.table == "Assessments"
    beside = tuple(f.element for f in factors.fields) if is_assessments else ()
    natural = {i: d for i, d in _NATURAL.items() if i in (*block.keys, block.number) and i.lower() not in present}
    # The dates that stand for ids are no strange columns, nor are characteristics beside the identifiers.
    aside = {d.lower() for d in natural.values()} | ({"ethnicity"} if block.table == "ChildIdentifiers" else set())
    strange = rows.drop_columns([c for c in aside - {c.lower() for c in block.columns} if c in present])
    named = _named(strange, (*block.columns, *beside), block.table, noted)
    for key, day in natural.items():
        if day.lower() in present and (key != block.number or _tells_apart(rows, block, day)):
            named = named.set_column(named.column_names.index(key), key, rows[day.lower()])
    for key in {*block.keys, block.number} & set(named.column_names):
        # A spreadsheet or data frame may have made 1 into 1.0.
        tidy = pc.replace_substring_regex(pc.utf8_trim(named[key], BLANKS), r"^([0-9]+)\.0$", r"\1")
        named = named.set_column(named.column_names.index(key), key, tidy)
    if not is_assessments:
        return {block.table: _numbered(named, block) if block.number else named}
    named = _numbered(named, block, same=tuple(f.element for f in block.fields))
    ids = list(zip(*(named[key].to_pylist() for key in (*block.keys, block.number)), strict=True))
    first = [n for n, key in enumerate(ids) if n == 0 or key != ids[n - 1]]
    made = {block.table: named.take(pa.array(first, pa.int64())).select([*block.columns, "line"])}
    if beside[0].lower() in present:
        made[factors.table] = named.filter(pc.is_valid(named[beside[0]])).select([*factors.columns, "line"])
    return made


def _tells_apart(rows: pa.Table, block: Block, day: str) -> bool:
    """Whether no two rows of one parent have the same day."""
    columns = [c for c in ("lachildid", "cinreferraldate", day.lower()) if c in rows.column_names]
    keys = list(zip(*(rows[c].to_pylist() for c in dict.fromkeys(columns)), strict=True))
    return len(set(keys)) == len(keys)


def _numbered(rows: pa.Table, block: Block, *, same: tuple[str, ...] = ()) -> pa.Table:
    """The rows with their number within their parent where the file does not give it.

    Following rows that agree in the columns `same` are one block, told once for each factor.
    """
    given = rows[block.number].to_pylist()
    if all(given):
        return rows
    parents = list(zip(*(rows[key].to_pylist() for key in block.keys), strict=True))
    alike = list(zip(*(rows[name].to_pylist() for name in same), strict=True)) if same else [None] * len(parents)
    counts: dict[tuple[str | None, ...], int] = {}
    numbers: list[str] = []
    for n, (parent, number) in enumerate(zip(parents, given, strict=True)):
        goes_on = same and n and parents[n - 1] == parent and alike[n - 1] == alike[n]
        if not goes_on:
            counts[parent] = counts.get(parent, 0) + 1
        numbers.append(number or str(counts[parent]))
    return rows.set_column(rows.column_names.index(block.number), block.number, pa.array(numbers, pa.string()))

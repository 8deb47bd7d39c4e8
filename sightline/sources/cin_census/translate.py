"""The census as received (text under its own names) into vocabulary tables, and what is wrong in it on the way.

The same step serves the XML file and the CSV tables. Rules about what a return may say (a plan before its referral,
say) are not here: they run over the tables as received.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from sightline.sources.cin_census.layout import (
    CHARACTERISTICS,
    FIRST_YEAR,
    GENDER_OF_SEX,
    IDENTIFIERS,
    LAST_YEAR,
    NO_ID,
    SEX_OF_GENDER,
    Block,
    Field,
    collection_year,
    reference_date,
    walk,
)
from sightline.sources.cin_census.noted import Noted
from sightline.sources.conform import BLANKS, conform
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import UPN_LETTERS, normalise_upn, upn_check_letter, upn_fault

Tables = Mapping[str, pa.Table]

# Dates that a census gives only when they fall in its own year (rules 8620, 8696, 4013 and 8930).
_DATES_WITHIN_THE_YEAR = (
    ("CINdetails", "CINclosureDate"),
    ("Assessments", "AssessmentAuthorisationDate"),
    ("CINPlanDates", "CINPlanEndDate"),
    ("ChildProtectionPlans", "CPPendDate"),
)


@dataclass(frozen=True, slots=True)
class Collection:
    """Which collection a file belongs to: the year it ends in (None when nothing tells) and the authority.

    Codes and elements are judged by the year only when it is `stated`: a year worked out from dates may be wrong.
    """

    year: int | None
    authority: str = ""
    stated: bool = True

    @property
    def as_at(self) -> date | None:
        return reference_date(self.year) if self.year else None


def collection_of(received: Tables, noted: Noted) -> Collection:
    """The collection a file with a header belongs to; the year is told by its header, or else by the dates inside."""
    header = received["Header"]
    if not header.num_rows:
        return collection_of_dates(received, noted, "The file has no header")
    row = {name: _trimmed(value) for name, value in header.slice(0, 1).to_pylist()[0].items()}
    line = int(row.pop("line") or 0)

    def found(rule: str, severity: Severity, says: str, field: str, right: str) -> None:
        noted.add(Finding(rule, severity, says, "Header", "", field, row[field] or "", right, line))

    if row["Collection"] != "CIN":
        says = "The header does not name the collection CIN; the file was read as one all the same."
        found("header-collection", Severity.QUERY, says, "Collection", "CIN")
    authorities = sorted({a for a in map(_trimmed, header["LEA"].to_pylist()) if a})
    if len(authorities) != 1 or authorities[0] not in valid_codes("authority"):
        says = (
            "The header names more than one authority; the first was taken."
            if len(authorities) > 1
            else "The header's LEA is missing or is not the number of an authority in England."
        )
        found("header-authority", Severity.QUERY, says, "LEA", "the authority's three-digit number")
    authority = next((a for a in (row["LEA"], *authorities) if a and re.fullmatch("[0-9]{3}", a)), "")
    year = _year(row["Year"])
    day = _day(row["ReferenceDate"])
    if year is None:
        says = "The header's Year is missing or is not a year."
        found("header-year", Severity.ERROR, says, "Year", "the year the collection ends in, such as 2024")
        if day is None:
            return replace(collection_of_dates(received, noted, "The header has no year"), authority=authority)
        year = collection_year(day)
    elif not FIRST_YEAR <= year <= LAST_YEAR:
        says = f"Collections from {FIRST_YEAR} to {LAST_YEAR} are known; this was read as they are."
        found("header-year", Severity.QUERY, says, "Year", f"a year from {FIRST_YEAR} to {LAST_YEAR}")
    if day != reference_date(year):
        right = reference_date(year).isoformat()
        says = (
            f"The reference date is not the last day of the collection year (31 March {year}), which is the day the "
            "file was taken to speak of."
        )
        found("header-reference-date", Severity.ERROR, says, "ReferenceDate", right)
    return Collection(year, authority)


def collection_of_dates(received: Tables, noted: Noted, why: str) -> Collection:
    """The collection whose year the dates inside tell, and a note of it.

    Closures, authorised assessments and plan ends fall within the year of their census. The year is the one that
    holds the latest of them, provided it holds at least half of all: otherwise they do not agree and it is not known.
    """
    years: list[int] = []
    for table, column in _DATES_WITHIN_THE_YEAR:
        if table in received:
            rows = pa.table({"child_ref": received[table]["LAchildID"], "end_date": received[table][column]})
            # Dates that cannot be read are told when the table itself is translated.
            days = conform(rows, "cin_plan", findings=[])["end_date"].drop_null()
            counts = pc.value_counts(days.combine_chunks())
            for count in counts.to_pylist():
                years += [collection_year(count["values"])] * count["counts"]
    latest = max(years, default=None)
    if latest is not None and 2 * years.count(latest) < len(years):
        latest = None
    told = f"the dates inside tell the year to 31 March {latest}" if latest else "and the dates inside do not tell it"
    says = f"{why}; {told}. Codes were judged by the lists of all years."
    right = "a header with Year and ReferenceDate"
    noted.add(Finding("year-from-dates", Severity.NOTE, says, "Header", field="Year", right=right))
    return Collection(latest, stated=False)


def translate(received: Tables, collection: Collection, noted: Noted) -> tuple[dict[str, pa.Table], list[Finding]]:
    """The vocabulary tables of the census's tables there are, and the findings of making them.

    Refs hold within one file: an episode is "LAchildID/1", an assessment or plan "LAchildID/1/1", in file order.
    """
    tables: dict[str, pa.Table] = {}
    findings: list[Finding] = []
    if collection.year is not None and collection.stated:
        _of_another_year(received, collection.year, noted)
    tables |= _children(received, collection, noted, findings)
    for block in walk():
        if block.vocabulary != "child" and block.table in received:
            _empty(received[block.table], block, noted)
            rows = _renamed(received[block.table], block)
            tables[block.vocabulary] = _conformed(rows, block, collection, findings)
    return tables, findings


def _empty(rows: pa.Table, block: Block, noted: Noted) -> None:
    """A finding for every block that stands in the file and holds no value of its own."""
    values = [rows[f.element] for f in block.fields]
    if block.each or any(not column.null_count for column in values):
        return
    nothing = pc.is_null(values[0])
    for column in values[1:]:
        nothing = pc.and_(nothing, pc.is_null(column))
    for row in rows.filter(nothing).select(["LAchildID", "line"]).to_pylist():
        says = (
            f"{block.element} holds no value, so nothing is known of it; it was kept for the rules that ask after it."
        )
        right = f"{block.fields[0].element} at least, or no {block.element}"
        child, line = row["LAchildID"] or "", row["line"]
        noted.add(Finding("empty-element", Severity.QUERY, says, block.table, child, block.element, "", right, line))


def _children(received: Tables, collection: Collection, noted: Noted, findings: list[Finding]) -> dict[str, pa.Table]:
    """`child` and `identifier`, from ChildIdentifiers and ChildCharacteristics (either may be a file by itself)."""
    if IDENTIFIERS.table not in received:
        if CHARACTERISTICS.table not in received:
            return {}
        rows = _renamed(received[CHARACTERISTICS.table], CHARACTERISTICS)
        return {"child": _conformed(rows, CHARACTERISTICS, collection, findings)}
    children = received[IDENTIFIERS.table]
    rows = _renamed(children, IDENTIFIERS).append_column("sex", _sexes(children, collection, noted))
    if CHARACTERISTICS.table in received:
        ethnicities = _ethnicities(children, received[CHARACTERISTICS.table])
        rows = rows.append_column("ethnicity", ethnicities)
    return {
        "child": _conformed(rows, IDENTIFIERS, collection, findings),
        "identifier": conform(_identifiers(children, noted), "identifier", findings=findings, record="ref"),
    }


def _conformed(rows: pa.Table, block: Block, collection: Collection, findings: list[Finding]) -> pa.Table:
    """Typed rows, with findings that name the census's own table and element."""
    found: list[Finding] = []
    table = conform(
        rows, block.vocabulary, findings=found, on=collection.as_at if collection.stated else None, record="child_ref"
    )
    elements = {f.column: (block.table, f.element) for f in block.fields if f.column}
    if block is IDENTIFIERS:
        elements |= {"sex": (block.table, "Sex"), "ethnicity": (CHARACTERISTICS.table, "Ethnicity")}
    for finding in found:
        where, element = elements.get(finding.field, (block.table, "LAchildID"))
        findings.append(replace(finding, table=where, field=element))
    return table


def _renamed(rows: pa.Table, block: Block) -> pa.Table:
    """The block's rows under the vocabulary's names, with the refs that tie them."""
    columns = {f.column: rows[f.element] for f in block.fields if f.column and f.element in rows.column_names}
    columns["child_ref"] = rows["LAchildID"]
    if "CINdetailsID" in rows.column_names:
        columns["referral_ref"] = _joined(rows, "LAchildID", "CINdetailsID")
    own = block.number or block.keys[-1] if block.keys else ""
    if own not in ("", "LAchildID", "CINdetailsID"):
        ref = {
            "AssessmentID": "assessment_ref",
            "CINPlanID": "plan_ref",
            "Section47ID": "enquiry_ref",
            "CPPID": "plan_ref",
        }
        if own in ref:
            columns[ref[own]] = _joined(rows, "LAchildID", "CINdetailsID", own)
    columns["line"] = rows["line"]
    renamed = pa.table(columns)
    if block.each:
        # An element written without a value is not a row of the vocabulary.
        value = pc.utf8_trim(renamed[block.fields[0].column], BLANKS)
        renamed = renamed.filter(pc.not_equal(value, ""))
    return renamed


def _joined(rows: pa.Table, *names: str) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(*(rows[name] for name in names), "/")


def _sexes(children: pa.Table, collection: Collection, noted: Noted) -> pa.ChunkedArray:
    """Sex as M, F or U, from whichever of Sex and GenderCurrent a child has; Sex has the last word."""
    sex, gender = _upper(children["Sex"]), _upper(children["GenderCurrent"])
    for name, values, others, says in (
        ("Sex", sex, SEX_OF_GENDER, "Sex holds a code of GenderCurrent (used to 2024); it was read as M, F or U"),
        (
            "GenderCurrent",
            gender,
            GENDER_OF_SEX,
            "GenderCurrent holds a code of Sex (used from 2025); it was read as that",
        ),
    ):
        wrong = pc.is_in(values, pa.array(list(others)))
        right = "M, F or U" if name == "Sex" else "1, 2, 0 or 9"
        _told(noted, children, wrong, "sex-code-of-another-year", Severity.QUERY, f"{says}.", name, right)
    read_sex, read_gender = _mapped(sex, SEX_OF_GENDER), _mapped(gender, SEX_OF_GENDER)
    differ = pc.fill_null(pc.not_equal(read_sex, read_gender), False)
    says = "Sex and GenderCurrent say different things; Sex was taken."
    _told(noted, children, differ, "sex-and-gender-differ", Severity.ERROR, says, "Sex", "one of the two")
    return pc.coalesce(read_sex, read_gender)


def _upper(column: pa.ChunkedArray) -> pa.ChunkedArray:
    upper = pc.utf8_upper(pc.utf8_trim(column, BLANKS))
    return pc.if_else(pc.equal(upper, ""), None, upper)


def _mapped(column: pa.ChunkedArray, words: Mapping[str, str]) -> pa.ChunkedArray:
    """Each value put through `words`; a value that is not there stays as it is."""
    if not len(column):
        return column
    encoded = column.combine_chunks().dictionary_encode()
    put = pa.array([words.get(word, word) for word in encoded.dictionary.to_pylist()], pa.string())
    return pa.chunked_array([put.take(encoded.indices)])


def _ethnicities(children: pa.Table, characteristics: pa.Table) -> pa.Array:
    """Ethnicity of each row of `children`: the n-th rows of one LAchildID belong together."""
    if children["LAchildID"].equals(characteristics["LAchildID"]):
        return characteristics["Ethnicity"]
    rows: dict[str, list[str | None]] = {}
    for name, ethnicity in zip(
        characteristics["LAchildID"].to_pylist(), characteristics["Ethnicity"].to_pylist(), strict=True
    ):
        rows.setdefault(name, []).append(ethnicity)
    # Taken in file order; a child whose block is missing finds nothing left.
    for found in rows.values():
        found.reverse()
    return pa.array([(rows.get(n) or [None]).pop() for n in children["LAchildID"].to_pylist()], pa.string())


def _identifiers(children: pa.Table, noted: Noted) -> pa.Table:
    """A row per LAchildID, UPN and former UPN; what is wrong with a UPN is told, and the number kept as it came."""
    refs, lines = children["LAchildID"].to_pylist(), children["line"].to_pylist()
    rows: dict[str, list[tuple[str, str, int]]] = {}
    rows["la_child_id"] = [
        (ref, "".join(ref.split()).upper(), line)
        for ref, line in zip(refs, lines, strict=True)
        if ref and not ref.startswith(NO_ID)
    ]
    for element, kind, severity in (("UPN", "upn", Severity.ERROR), ("FormerUPN", "former_upn", Severity.QUERY)):
        held = rows[kind] = []
        for ref, text, line in zip(refs, children[element].to_pylist(), lines, strict=True):
            upn = normalise_upn(text) if text else ""
            if not upn:
                continue
            held.append((ref, upn, line))
            fault = upn_fault(upn)
            if fault:
                right = "13 characters: a check letter, then twelve digits (a temporary UPN ends in a letter)"
                noted.add(
                    Finding(_upn_rule(upn), severity, fault, "ChildIdentifiers", ref or "", element, text, right, line)
                )
    flat = [(ref, kind, value, line) for kind, found in rows.items() for ref, value, line in found]
    columns = list(zip(*flat, strict=True)) or [(), (), (), ()]
    kinds = (pa.string(), pa.string(), pa.string(), pa.int32())
    names = ("ref", "kind", "value", "line")
    return pa.table([pa.array(c, k) for c, k in zip(columns, kinds, strict=True)], names=list(names))


def _upn_rule(upn: str) -> str:
    """Stable code of what is wrong with a UPN already known to be wrong."""
    if len(upn) != 13:
        return "upn-length"
    try:
        upn_check_letter(upn[1:])
    except ValueError:
        return "upn-characters"
    return "upn-check-letter" if upn[0] in UPN_LETTERS else "upn-characters"


def _of_another_year(received: Tables, year: int, noted: Noted) -> None:
    """Elements that the collection of `year` does not have: each told once, with how often it occurs.

    A year before or after those known is judged as the nearest of them: what it has and has not is not known.
    """
    year = min(max(year, FIRST_YEAR), LAST_YEAR)
    for block in walk():
        rows = received.get(block.table)
        if rows is None or not rows.num_rows:
            continue
        if year < block.first:
            _told_once(noted, block.table, block.element, rows["line"], f"it came with {block.first}")
            continue
        for field in block.fields:
            if field.element in rows.column_names and not field.first <= year <= field.last:
                there = pc.drop_null(pc.if_else(rows[field.element].is_valid(), rows["line"], None))
                if len(there):
                    _told_once(noted, block.table, field.element, there, _when(field, year))


def _when(field: Field, year: int) -> str:
    return f"it came with {field.first}" if year < field.first else f"it went after {field.last}"


def _told_once(noted: Noted, table: str, element: str, lines: pa.ChunkedArray, when: str) -> None:
    says = f"{element} is not part of this collection year ({when}); it was read all the same."
    right = "the elements of the collection year"
    finding = Finding(
        "element-of-another-year", Severity.QUERY, says, table, field=element, right=right, line=lines[0].as_py()
    )
    noted.add_once(finding, times=len(lines))


def _told(
    noted: Noted,
    rows: pa.Table,
    wrong: pa.ChunkedArray,
    rule: str,
    severity: Severity,
    says: str,
    field: str,
    right: str,
) -> None:
    """A finding for every row that `wrong` marks."""
    for row in rows.filter(wrong).select(["LAchildID", field, "line"]).to_pylist():
        noted.add(
            Finding(
                rule,
                severity,
                says,
                "ChildIdentifiers",
                row["LAchildID"] or "",
                field,
                row[field] or "",
                right,
                row["line"],
            )
        )


def _trimmed(value: object) -> str | None:
    return str(value).strip(BLANKS) or None if value is not None else None


def _year(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"(19|20|21)[0-9]{2}", text) else None


def _day(text: str | None) -> date | None:
    rows = pa.table({"child_ref": ["header"], "end_date": pa.array([text], pa.string())})
    return next(iter(conform(rows, "cin_plan", findings=[])["end_date"].to_pylist()), None)

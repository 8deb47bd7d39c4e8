"""The school census as XML, as a school's system makes it: all three terms, older names of elements among them.

It fills the tables that the relational CSV fills (system "school-census"). The XML has no table ids: a pupil is known
by the UPN where it has the form of one, else by the school, the census and the place in the file. Elements are read by
name: Sex was Gender to 2023, Sessions was AbsenceSessions to 2020, SUSP was FIXD to 2020, and reasons of exclusion came
singly before 2021.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from lxml import etree

from sightline.engine import Database
from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, day, judge_codes_on, judge_identifiers, target
from sightline.sources.conform import conform
from sightline.sources.exclusion_codes import fixed_as_suspended, judge_reasons, note_late_fixed
from sightline.sources.gathered import Gathered, Telling, eal_of, fingerprint, renamed, sex_of, squeezed, text_table
from sightline.sources.marked_up import add, inside, line_of, local, records, save, text_of, value
from sightline.sources.school_census_terms import Collection, named, told
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import normalise_postcode
from sightline.vocabulary.tables import TABLES

KIND, SYSTEM = "school-census-xml", "school-census"
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]")
_TERMS = {"AUT": "autumn", "SPR": "spring", "SUM": "summer", "1": "autumn", "2": "spring", "3": "summer"}
_COLLECTION = re.compile(r"<(?:[\w.-]+:)?Collection(?:\s[^>]*)?>\s*(?:SC|School\s*Census|Schools\s*Census)\s*<", re.I)
_PUPILS = re.compile(r"<(?:[\w.-]+:)?(?:PupilsOnRoll|PupilsNoLongerOnRoll|PupilOnRoll|PupilNoLongerOnRoll)[\s>/]")
ON_ROLL, OFF_ROLL = "PupilOnRoll", "PupilNoLongerOnRoll"
# A pupil's own fields stand in these groups, or directly in the pupil.
_GROUPS = (
    "PupilIdentifiers", "PupilCharacteristics", "PupilStatus", "SpecialEducationalNeeds", "PupilHomeInformation",
    "HomeInformation", "PupilNoLongerOnRollIdentifiers", "PupilNoLongerOnRollStatus", "FSM",
)  # fmt: skip
_ATTENDANCE = (("TermlyAttendance", False), ("SummerHalfTerm2Attendance", True))
_FIELDS = {
    "pupil": {"birth_date": "DOB", "sex": "Sex", "ethnicity": "Ethnicity", "surname": "Surname",
              "forename": "Forename"},
    "enrolment": {"entry_date": "EntryDate", "leaving_date": "LeavingDate", "year_group": "NCyearActual",
                  "status": "EnrolStatus", "boarder": "Boarder"},
    "characteristic": {"sen_provision": "SENprovision", "sen_primary": "SENtype", "language": "Language",
                       "young_carer": "YoungCarer"},
    "termly_attendance": {"code": "AttendanceReason", "sessions": "Sessions"},
    "suspension": {"start_date": "StartDate", "sessions": "Sessions", "category": "Category", "reason1": "Reason1",
                   "reason2": "Reason2", "reason3": "Reason3"},
}  # fmt: skip


def _recognise(head: Head) -> bool:
    text = text_of(head.start)
    return bool(text and (_COLLECTION.search(text) or _PUPILS.search(text)))


def read_census_xml(path: Path, context: Context) -> Reading:
    """One row per pupil in `pupil`, and the tables of their registrations, attendance and suspensions.

    Raises UnreadableFile when the file is not well-formed, is hostile or holds no pupil.
    """
    findings: list[Finding] = []
    reader = _Reader(findings, context.name or path.name)
    for element in records(path, ("Header", ON_ROLL, OFF_ROLL, "Pupil"), "school census"):
        kind = local(element)
        outer = {local(each) for each in element.iterancestors()}
        if kind == "Header":
            reader.header(element)
        elif not outer & {ON_ROLL, OFF_ROLL, "Pupil"}:
            reader.pupil(element, on_roll=kind == ON_ROLL or (kind == "Pupil" and "PupilsNoLongerOnRoll" not in outer))
    if not reader.count:
        raise UnreadableFile("The file holds no pupil, so it is not a school census that can be read.")
    collection = reader.collection()
    tables = reader.gathered.tables(findings, fields=_FIELDS)
    tables["suspension"] = reader.suspensions()
    judge_identifiers(tables["identifier"], findings)
    judge_codes_on(
        tables["termly_attendance"], ("code",), "attendance", "term_end - 1", name_of_table="termly_attendance",
        record="pupil_ref", findings=findings,
    )  # fmt: skip
    as_at = collection.day if collection else reader.reference
    label = collection.label if collection else "school census, term not known"
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=label,
        covers=f"{label}, school {reader.school or fingerprint(reader.seen)}",
        authority=reader.authority or "",
        as_at=as_at.isoformat() if as_at else "",
        tables=tables,
        findings=findings,
    )


def _of(pupil: Any, *names: str) -> str | None:
    """A field of a pupil, in whichever of its groups it stands."""
    text = value(pupil, *names)
    for group in _GROUPS if text is None else ():
        for inner in inside(pupil, group):
            text = text or value(inner, *names)
    return text


class _Reader(Telling):
    def __init__(self, findings: list[Finding], name: str) -> None:
        self.findings = findings
        self.name = name
        self.gathered = Gathered(("pupil", "identifier", "enrolment", "characteristic", "termly_attendance"))
        self.exclusions: list[dict[str, str | int | None]] = []
        self.census: Collection | None = None
        self.told = False
        self.reference: date | None = None
        self.authority: str | None = None
        self.school: str | None = None
        self.seen: dict[str, int] = {}
        self.described: set[str] = set()
        self.count = 0

    # The header stands before the pupils.

    def header(self, header: Any) -> None:
        details = next(inside(header, "CollectionDetails"), header)
        term = _TERMS.get((value(details, "Term") or "")[:3].upper())
        year = value(details, "Year") or ""
        given = value(details, "ReferenceDate")
        self.reference = _day(given)
        if term and re.fullmatch(r"20[0-9]{2}", year):
            self.census = Collection(int(year), term)
            if self.reference and abs((self.reference - self.census.day).days) > 21:
                says = "The reference date is not the day of the census that the header names, which was followed."
                self.found("reference-date", Severity.QUERY, says, "Header", "", "ReferenceDate", given or "",
                           self.census.day.isoformat(), line_of(details))  # fmt: skip
        elif self.reference:
            autumn, spring = self.reference.month >= 9, self.reference.month <= 3
            self.census = Collection(self.reference.year, "autumn" if autumn else "spring" if spring else "summer")
            says = f"The header names no term and year; {self.census.label} was taken from its reference date."
            self.found("collection-guessed", Severity.NOTE, says, "Header", "", "Term", value(details, "Term") or "",
                       "AUT, SPR or SUM and a year", line_of(details))  # fmt: skip
        source = next(inside(header, "Source"), header)
        authority, number = value(source, "LEA"), value(source, "Estab")
        if authority and authority.isdigit():
            self.authority = authority.zfill(3)
            if number and number.isdigit():
                self.school = self.authority + number.zfill(4)
        self.school = self.school or value(source, "URN")

    def collection(self) -> Collection | None:
        """The census of the header, else of the file's name."""
        if self.census is None and not self.told:
            self.told = True
            self.census = named(self.name)
            says = "The header does not say which census this is" + (
                f"; {self.census.label} was taken from the file's name." if self.census else ", nor does its name."
            )
            rule, severity = ("collection-from-name", Severity.NOTE) if self.census else (
                "collection-unknown", Severity.QUERY)  # fmt: skip
            self.found(rule, severity, says, "Header", "", "Term", "", "AUT, SPR or SUM and a year", 0)
        return self.census

    def pupil(self, pupil: Any, *, on_roll: bool) -> None:
        self.count += 1
        line = line_of(pupil)
        collection = self.collection()
        upn = squeezed(_of(pupil, "UPN"))
        label = collection.label if collection else "census not known"
        own = f"{self.school or 'no school'}, {label}, pupil {self.count}"
        ref = upn if upn and _UPN.fullmatch(upn) else own
        if ref not in self.seen:
            self.seen[ref] = line
            self.who(pupil, ref, upn, line)
        self.gathered.add(
            "enrolment",
            line,
            pupil_ref=ref,
            school_ref=self.school,
            entry_date=_of(pupil, "EntryDate"),
            leaving_date=None if on_roll else _of(pupil, "LeavingDate"),
            year_group=_of(pupil, "NCyearActual") if on_roll else _of(pupil, "NCyearLeaving", "NCyearActual"),
            status=_of(pupil, "EnrolStatus") if on_roll else None,
            boarder=_of(pupil, "Boarder"),
        )
        if on_roll and ref not in self.described:
            self.described.add(ref)
            self.characteristics(pupil, ref, line, collection)
        self.attendance(pupil, ref, collection)
        for one in self.termly_exclusions(pupil):
            self.exclusions.append({"pupil_ref": ref, "school_ref": self.school, **one})

    def who(self, pupil: Any, ref: str, upn: str | None, line: int) -> None:
        postcode = next(
            (text for each in pupil.iter("{*}PostCode", "{*}Postcode") if (text := (each.text or "").strip())), None
        )
        self.gathered.add(
            "pupil",
            line,
            pupil_ref=ref,
            surname=_of(pupil, "Surname"),
            forename=_of(pupil, "Forename"),
            birth_date=_of(pupil, "DOB"),
            sex=sex_of(_of(pupil, "Sex", "Gender")),
            ethnicity=_of(pupil, "Ethnicity"),
            postcode=normalise_postcode(postcode) if postcode else None,
        )
        ids = (("upn", upn), ("former_upn", squeezed(_of(pupil, "FormerUPN"))))
        for kind, given in (*ids, ("uln", squeezed(_of(pupil, "UniqueLearnerNumber", "ULN")))):
            if given:
                self.gathered.add("identifier", line, ref=ref, kind=kind, value=given)

    def characteristics(self, pupil: Any, ref: str, line: int, collection: Collection | None) -> None:
        needs = [*pupil.iter("{*}SENneed")]
        ranked = sorted(needs, key=lambda each: value(each, "SENtypeRank") or "9")
        first = [value(each, "SENtype") for each in ranked if (value(each, "SENtypeRank") or "1").startswith("1")]
        if len(first) > 1:
            says = "More than one need of rank 1: the first of the file was taken."
            self.found("several-primary-needs", Severity.QUERY, says, "characteristic", ref, "SENtypeRank", "",
                       "one need of rank 1 for each pupil", line)  # fmt: skip
        self.gathered.add(
            "characteristic",
            line,
            pupil_ref=ref,
            as_at=collection.day.isoformat() if collection else None,
            fsm=self.meals(pupil, collection),
            sen_provision=_of(pupil, "SENprovision"),
            sen_primary=next(iter(first), None),
            language=_of(pupil, "Language"),
            eal=eal_of(_of(pupil, "Language")),
            young_carer=_of(pupil, "YoungCarer"),
        )

    @staticmethod
    def meals(pupil: Any, collection: Collection | None) -> str | None:
        """Whether a period of free school meals was open on census day; None when nothing is said of periods."""
        if next(pupil.iter("{*}FSMperiods", "{*}FSMperiod"), None) is None:
            return None
        for period in pupil.iter("{*}FSMperiod"):
            start, end = (_day(value(period, name)) for name in ("FSMstartDate", "FSMendDate"))
            on = collection.day if collection else None
            if on is None and value(period, "FSMendDate") is None:
                return "true"
            if on is not None and (start is None or start <= on) and (end is None or end >= on):
                return "true"
        return "false"

    def attendance(self, pupil: Any, ref: str, collection: Collection | None) -> None:
        for name, second_half in _ATTENDANCE:
            for term in inside(pupil, "Attendance", name):
                span = collection.attendance_span(second_half=second_half) if collection else None
                start, end = (each.isoformat() for each in span) if span else (None, None)
                where = {"pupil_ref": ref, "school_ref": self.school, "term_start": start, "term_end": end}
                possible = value(term, "SessionsPossible")
                if possible is not None:
                    self.gathered.add("termly_attendance", line_of(term), **where, sessions=possible)
                for detail in term.iter("{*}SessionDetail"):
                    self.gathered.add(
                        "termly_attendance",
                        line_of(detail),
                        **where,
                        code=value(detail, "AttendanceReason"),
                        sessions=value(detail, "Sessions", "AbsenceSessions"),
                    )

    @staticmethod
    def termly_exclusions(pupil: Any) -> Iterator[dict[str, str | int | None]]:
        for one in pupil.iter("{*}TermlyExclusion"):
            reasons = [value(one, f"Reason{n}", *(("Reason", "ExclusionReason") if n == 1 else ())) for n in (1, 2, 3)]
            nested = [
                (each.text or "").strip()
                for group in inside(one, "Reasons")
                for each in group.iterchildren("{*}Reason", "{*}Reason1", "{*}Reason2", "{*}Reason3")
            ]
            if not any(reasons) and nested:
                reasons = [(nested[n] or None) if n < len(nested) else None for n in range(3)]
            yield {
                "start_date": value(one, "StartDate", "ExclusionStartDate"),
                "sessions": value(one, "Sessions", "ExclusionSessions", "ActualNumberOfSessions"),
                "category": (value(one, "Category", "ExclusionCategory") or "").upper() or None,
                **{f"reason{n}": reasons[n - 1] for n in (1, 2, 3)},
                "line": line_of(one),
            }

    def suspensions(self) -> pa.Table:
        with bench(text_table("suspension", self.exclusions)) as database:
            note_late_fixed(database, "category", day("start_date"), self.findings)
            names = [n for n in TABLES["suspension"].names if n not in ("category", "line")]
            rows = database.query(
                f"SELECT {', '.join(names)}, {fixed_as_suspended('category')} AS category, line FROM raw ORDER BY line"
            )
        found: list[Finding] = []
        table = conform(rows, "suspension", findings=found)
        self.findings += renamed(found, _FIELDS["suspension"])
        judge_reasons(table, self.findings)
        return table


def _day(text: str | None) -> date | None:
    rows = pa.table({"pupil_ref": ["x"], "as_at": pa.array([(text or "")[:10]]), "line": [1]})
    found: date | None = conform(rows, "characteristic", findings=[])["as_at"][0].as_py()
    return found


Rows = dict[str, list[dict[str, Any]]]


def write_census_xml(reading: Reading, path: Path) -> list[Path]:
    """One census as XML, a pupil for each registration; the reading's period must name the census ("2024 autumn")."""
    collection = told(reading.period)
    with Database.of(reading.tables) as database:
        tables = ("pupil", "identifier", "characteristic", "termly_attendance", "suspension")
        held = {t: _grouped(database.query(f"SELECT * FROM {t} ORDER BY line").to_pylist()) for t in tables}
        roll = database.query("SELECT * FROM enrolment ORDER BY line").to_pylist()
    school = next((row["school_ref"] for row in roll if row["school_ref"]), None)
    root = etree.Element("Message")
    _header(root, reading, collection, school)
    pupils = etree.SubElement(root, "Pupils")
    on = etree.SubElement(pupils, "PupilsOnRoll")
    off = etree.SubElement(pupils, "PupilsNoLongerOnRoll")
    written: set[str] = set()
    for row in roll:
        left = row["leaving_date"] is not None
        pupil = etree.SubElement(off if left else on, OFF_ROLL if left else ON_ROLL)
        again = row["pupil_ref"] in written
        written.add(row["pupil_ref"])
        _pupil(pupil, row, {t: [] if again and t != "pupil" and t != "identifier" else rows.get(row["pupil_ref"], [])
                            for t, rows in held.items()}, collection)  # fmt: skip
    usual = f"{collection.year}_{collection.term}_census.xml" if collection else "census.xml"
    return [save(root, target(path, usual))]


def _grouped(rows: list[dict[str, Any]]) -> Rows:
    found: Rows = {}
    for row in rows:
        found.setdefault(row.get("pupil_ref") or row.get("ref") or "", []).append(row)
    return found


def _header(root: Any, reading: Reading, collection: Collection | None, school: str | None) -> None:
    header = etree.SubElement(root, "Header")
    details = etree.SubElement(header, "CollectionDetails")
    add(details, "Collection", "School Census")
    if collection:
        add(details, "Term", next(code for code, term in _TERMS.items() if term == collection.term))
        add(details, "Year", str(collection.year))
        add(details, "ReferenceDate", collection.day.isoformat())
    source = etree.SubElement(header, "Source")
    if school and re.fullmatch(r"[0-9]{7}", school):
        add(source, "LEA", school[:3])
        add(source, "Estab", school[3:])
    else:
        add(source, "LEA", reading.authority or None)
        add(source, "URN", school)


def _text(value: Any) -> str | None:
    return None if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _pupil(
    pupil: Any, row: Mapping[str, Any], held: Mapping[str, list[dict[str, Any]]], collection: Collection | None
) -> None:
    who = next(iter(held["pupil"]), {})
    about = next(iter(held["characteristic"]), {}) if local(pupil) == ON_ROLL else {}
    ids = {each["kind"]: each["value"] for each in held["identifier"]}
    group = etree.SubElement(pupil, "PupilIdentifiers")
    for name, kind in (("UPN", "upn"), ("UniqueLearnerNumber", "uln"), ("FormerUPN", "former_upn")):
        add(group, name, ids.get(kind))
    for name, column in (("Surname", "surname"), ("Forename", "forename"), ("Sex", "sex"), ("DOB", "birth_date")):
        add(group, name, _text(who.get(column)))
    group = etree.SubElement(pupil, "PupilCharacteristics")
    add(group, "Ethnicity", who.get("ethnicity"))
    add(group, "Language", about.get("language"))
    add(group, "YoungCarer", about.get("young_carer"))
    if about.get("fsm") is not None:
        periods = etree.SubElement(group, "FSMperiods")
        if about["fsm"]:
            add(etree.SubElement(periods, "FSMperiod"), "UKcountry", "ENG")
    group = etree.SubElement(pupil, "PupilStatus")
    for name, column in (("EnrolStatus", "status"), ("EntryDate", "entry_date"), ("LeavingDate", "leaving_date"),
                         ("Boarder", "boarder")):  # fmt: skip
        add(group, name, _text(row[column]))
    add(group, "NCyearActual" if local(pupil) == ON_ROLL else "NCyearLeaving", row["year_group"])
    if about.get("sen_provision") or about.get("sen_primary"):
        group = etree.SubElement(pupil, "SpecialEducationalNeeds")
        add(group, "SENprovision", about.get("sen_provision"))
        if about.get("sen_primary"):
            need = etree.SubElement(etree.SubElement(group, "SENneeds"), "SENneed")
            add(need, "SENtypeRank", "1")
            add(need, "SENtype", about["sen_primary"])
    if who.get("postcode"):
        add(etree.SubElement(etree.SubElement(pupil, "Addresses"), "Address"), "PostCode", who["postcode"])
    _attendance(pupil, held["termly_attendance"], collection)
    _exclusions(pupil, held["suspension"])


def _attendance(pupil: Any, rows: list[dict[str, Any]], collection: Collection | None) -> None:
    group = etree.SubElement(pupil, "Attendance") if rows else None
    for name, second_half in _ATTENDANCE:
        start = collection.attendance_span(second_half=True)[0] if collection and collection.term == "autumn" else None
        mine = [r for r in rows if second_half == (start is not None and r["term_start"] == start)]
        if not mine:
            continue
        term = etree.SubElement(group, name)
        for row in mine:
            if row["code"] is None:
                add(term, "SessionsPossible", _text(row["sessions"]))
        details = etree.SubElement(term, "SessionDetails")
        for row in mine:
            if row["code"] is not None:
                detail = etree.SubElement(details, "SessionDetail")
                add(detail, "AttendanceReason", row["code"])
                add(detail, "Sessions", _text(row["sessions"]))


def _exclusions(pupil: Any, rows: list[dict[str, Any]]) -> None:
    group = etree.SubElement(etree.SubElement(pupil, "Exclusions"), "TermlyExclusions") if rows else None
    for row in rows:
        one = etree.SubElement(group, "TermlyExclusion")
        for column, name in _FIELDS["suspension"].items():
            add(one, name, _text(row[column]))


SOURCES: tuple[Source, ...] = (
    Source(KIND, "School census return (XML)", _recognise, read_census_xml, write_census_xml),
)

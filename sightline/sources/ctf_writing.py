"""A Common Transfer File written for the next school: what the tables hold of each pupil, and the plan flag apart."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from lxml import etree

from sightline.engine import Database
from sightline.sources.base import Reading
from sightline.sources.columns import target
from sightline.sources.ctf_marks import string_of
from sightline.sources.marked_up import add, save
from sightline.vocabulary.periods import academic_year

EXTENSION: Final = "urn:sightline:ctf:1"
VERSION = "25.0"
_STAGES = {"EYFS": "FSP", "PHON": "PHO"}
_PLANS = {"cin_plan": "CIN", "cp_plan": "CP"}
Rows = dict[str, list[dict[str, Any]]]


def write_ctf(reading: Reading, path: Path) -> list[Path]:
    """One file with every pupil of the reading, from the school its `period` or first registration names.

    Plans in the tables `cin_plan` and `cp_plan` whose `child_ref` is a pupil's are written in Sightline's own element,
    Child in Need and Child Protection apart (see `sources.ctf`); without those tables nothing of care is written.
    Marks are written with every day of the week; a code of two characters is written as no mark.
    """
    with Database.of(reading.tables) as database:
        tables = ("identifier", "enrolment", "characteristic", "attendance_week", "attainment", *_PLANS)
        held = {t: _grouped(database.query(f'SELECT * FROM "{t}" ORDER BY line').to_pylist()) for t in tables}
        pupils = database.query("SELECT * FROM pupil ORDER BY line").to_pylist()
    root = etree.Element("CTfile", nsmap={"sightline": EXTENSION} if any(held[t] for t in _PLANS) else None)
    source = _source(held["enrolment"])
    _header(root, reading, source)
    data = etree.SubElement(root, "CTFpupilData")
    for row in pupils:
        _pupil(data, row, row["pupil_ref"], held, source)
    return [save(root, target(path, f"{source or '0000000'}_CTF.xml"))]


def _grouped(rows: list[dict[str, Any]]) -> Rows:
    found: Rows = {}
    for row in rows:
        found.setdefault(row.get("pupil_ref") or row.get("child_ref") or row.get("ref") or "", []).append(row)
    return found


def _source(enrolments: Rows) -> str | None:
    """The school the pupils come from: the one most of them are, or were last, registered at."""
    counts: dict[str, int] = {}
    for rows in enrolments.values():
        for row in rows:
            if row["school_ref"] and (row["year_group"] is not None or row["status"] is not None):
                counts[row["school_ref"]] = counts.get(row["school_ref"], 0) + 1
    return max(counts, key=lambda school: (counts[school], school)) if counts else None


def _header(root: Any, reading: Reading, source: str | None) -> None:
    header = etree.SubElement(root, "Header")
    add(header, "DocumentName", "Common Transfer File")
    add(header, "CTFversion", VERSION)
    if reading.as_at:
        add(header, "DateTime", f"{reading.as_at}T00:00:00")
    add(header, "DocumentQualifier", "partial")
    add(header, "SupplierID", "Sightline")
    if source:
        school = etree.SubElement(header, "SourceSchool")
        _school(school, source)
        if reading.as_at:
            add(school, "AcademicYear", str(academic_year(date.fromisoformat(reading.as_at)) + 1))


def _school(parent: Any, ref: str | None) -> None:
    if ref and len(ref) == 7 and ref.isdigit():
        add(parent, "LEA", ref[:3])
        add(parent, "Estab", ref[3:])
    elif ref and len(ref) == 6 and ref.isdigit():
        add(parent, "URN", ref)
    else:
        add(parent, "SchoolName", ref)


def _text(value: Any) -> str | None:
    return None if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _pupil(data: Any, row: Mapping[str, Any], ref: str, held: Mapping[str, Rows], source: str | None) -> None:
    pupil = etree.SubElement(data, "Pupil")
    ids = {each["kind"]: each["value"] for each in held["identifier"].get(ref, [])}
    add(pupil, "UPN", ids.get("upn"))
    add(pupil, "FormerUPN", ids.get("former_upn"))
    add(pupil, "UniqueLearnerNumber", ids.get("uln"))
    for name, column in (("Surname", "surname"), ("Forename", "forename"), ("DOB", "birth_date"), ("Sex", "sex")):
        add(pupil, name, _text(row[column]))
    schools = held["enrolment"].get(ref, [])
    now = next((each for each in schools if each["school_ref"] == source), {})
    about = next(iter(held["characteristic"].get(ref, [])), {})
    details = etree.SubElement(pupil, "BasicDetails")
    add(details, "Ethnicity", row["ethnicity"])
    if about.get("language"):
        kind = etree.SubElement(etree.SubElement(details, "Languages"), "Type")
        add(kind, "Language", about["language"])
    add(details, "EnrolStatus", now.get("status"))
    add(details, "NCyearActual", now.get("year_group"))
    add(details, "Boarder", now.get("boarder"))
    _needs(pupil, about)
    if row["postcode"]:
        add(etree.SubElement(pupil, "Address"), "PostCode", row["postcode"])
    _attendance(pupil, held["attendance_week"].get(ref, []))
    _results(pupil, held["attainment"].get(ref, []))
    if schools:
        history = etree.SubElement(pupil, "SchoolHistory")
        for each in schools:
            school = etree.SubElement(history, "School")
            _school(school, each["school_ref"])
            add(school, "EntryDate", _text(each["entry_date"]))
            add(school, "LeavingDate", _text(each["leaving_date"]))
    _plans(pupil, {kind: held[table].get(ref, []) for table, kind in _PLANS.items()})


def _needs(pupil: Any, about: Mapping[str, Any]) -> None:
    if about.get("fsm") is not None:
        # A history without a period says that there is none.
        history = etree.SubElement(pupil, "FSMhistory")
        if about["fsm"]:
            add(etree.SubElement(history, "FSMinstance"), "UKcountry", "ENG")
    if about.get("sen_provision"):
        add(etree.SubElement(etree.SubElement(pupil, "SENhistory"), "SEN"), "SENprovision", about["sen_provision"])
    if about.get("sen_primary"):
        need = etree.SubElement(etree.SubElement(pupil, "SENneeds"), "SENneed")
        add(need, "SENtypeRank", "1")
        add(need, "SENtype", about["sen_primary"])


def _attendance(pupil: Any, weeks: list[dict[str, Any]]) -> None:
    years: dict[tuple[str | None, int], dict[date, str]] = {}
    for row in weeks:
        years.setdefault((row["school_ref"], academic_year(row["week"])), {})[row["week"]] = row["marks"]
    parent = etree.SubElement(pupil, "Attendance") if years else None
    for (school, year), marks in sorted(years.items(), key=lambda each: (each[0][1], each[0][0] or "")):
        data = etree.SubElement(parent, "YearData")
        add(data, "Year", str(year + 1))
        _school(data, school)
        start, text = string_of(marks)
        sessions = etree.SubElement(data, "AttendSessions")
        add(sessions, "AttendanceStartDate", start.isoformat())
        add(sessions, "AttendanceMarks", text)


def _results(pupil: Any, results: list[dict[str, Any]]) -> None:
    stages: dict[str, list[dict[str, Any]]] = {}
    for row in results:
        stages.setdefault(row["stage"], []).append(row)
    parent = etree.SubElement(pupil, "StageAssessments") if stages else None
    for stage, rows in stages.items():
        key = etree.SubElement(parent, "KeyStage")
        add(key, "Stage", _STAGES.get(stage, stage))
        for row in rows:
            result = etree.SubElement(key, "StageAssessment")
            subject, component, method = [*(row["measure"] or "").split("/"), "", "", ""][:3]
            add(result, "Locale", "ENG")
            add(result, "Year", None if row["year"] is None else str(row["year"] + 1))
            add(result, "Subject", subject or row["subject"])
            add(result, "Method", method or None)
            add(result, "Component", component or None)
            add(result, "Result", row["result"])


def _plans(pupil: Any, plans: Mapping[str, list[dict[str, Any]]]) -> None:
    if not any(plans.values()):
        return
    parent = etree.SubElement(pupil, f"{{{EXTENSION}}}SocialCarePlans")
    for kind, rows in plans.items():
        for row in rows:
            plan = etree.SubElement(parent, f"{{{EXTENSION}}}Plan", kind=kind)
            for name, column in (("start", "start_date"), ("end", "end_date")):
                if row[column] is not None:
                    plan.set(name, row[column].isoformat())

"""The Common Transfer File (XML, versions to 25): what a school sends with its pupils to the next one.

Read by the names of elements, wherever they stand inside a pupil, so that older versions, local extensions and loose
"CTF-like" exports (LegalSurname, a URN, no version) are read too. A pupil is known by the UPN where it has the form of
one, else by the place in the file. The file has no suspensions; its looked after elements are not read, as social care
says that better.

Sightline adds one element of its own when it writes a file for a pupil on a plan, in a namespace of its own so that
nobody takes it for the Department's:

    <sightline:SocialCarePlans xmlns:sightline="urn:sightline:ctf:1">
      <sightline:Plan kind="CIN" start="2024-01-08"/>
      <sightline:Plan kind="CP" start="2023-05-02" end="2023-12-18"/>
    </sightline:SocialCarePlans>

It stands last in `Pupil`; kind is CIN (Child in Need) or CP (Child Protection), start and end are the first and last
day, end is absent while the plan is open. Received, it is a finding and no plan: the authority that holds the plan is
asked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from sightline.sources.base import Context, Head, Reading, Source
from sightline.sources.columns import bench, judge_identifiers, words
from sightline.sources.conform import conform
from sightline.sources.ctf_marks import Marks, weeks_of
from sightline.sources.ctf_writing import EXTENSION, write_ctf
from sightline.sources.gathered import Gathered, Row, Telling, eal_of, fingerprint, sex_of, squeezed, text_table
from sightline.sources.marked_up import inside, line_of, local, records, text_of, value
from sightline.sources.registers import counted
from sightline.vocabulary.errors import UnreadableFile
from sightline.vocabulary.findings import Finding, Severity
from sightline.vocabulary.identifiers import normalise_postcode

KIND = SYSTEM = "ctf"
_UPN = re.compile(r"[A-Z][0-9]{11}[0-9A-Z]")
_FIELDS = {
    "pupil": {
        "birth_date": "DOB",
        "sex": "Sex",
        "ethnicity": "Ethnicity",
        "surname": "Surname",
        "forename": "Forename",
    },
    "enrolment": {
        "entry_date": "EntryDate",
        "leaving_date": "LeavingDate",
        "year_group": "NCyearActual",
        "status": "EnrolStatus",
    },
    "characteristic": {"sen_provision": "SENprovision", "sen_primary": "SENtype"},
    "attainment": {"stage": "Stage", "subject": "Subject", "year": "Year"},
}
# Parts of a pupil that hold records of their own: never searched for the pupil's own fields.
_RECORDS = (
    "Attendance", "StageAssessments", "SchoolHistory", "Contacts", "FSMhistory", "SENhistory", "SENneeds",
    "LookedAfter", "NAWdetails", "Address", "Exclusions",
)  # fmt: skip


def _recognise(head: Head) -> bool:
    text = text_of(head.start)
    return bool(re.search(r"<(?:[\w.-]+:)?(?:CTfile|CTFile|CTFpupilData|CTFversion)[\s>]", text))


def read_ctf(path: Path, context: Context) -> Reading:
    """One row per pupil in `pupil`, with schools, characteristics, weeks of marks and results.

    Raises UnreadableFile when the file is not well-formed, is hostile or holds no pupil.
    """
    findings: list[Finding] = []
    reader = _Reader(findings)
    for element in records(path, ("Header", "Pupil"), "Common Transfer File"):
        if local(element) == "Header":
            reader.header(element)
        elif not any(local(outer) == "Pupil" for outer in element.iterancestors()):
            reader.pupil(element)
    if not reader.refs:
        raise UnreadableFile("The file holds no pupil, so there is nothing in it to read.")
    tables = reader.gathered.tables(findings, fields=_FIELDS)
    tables["attendance_week"] = reader.weeks()
    judge_identifiers(tables["identifier"], findings)
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"{len(reader.refs):,} pupils of school {reader.school or 'not named'}"
        + (f", {reader.day.isoformat()}" if reader.day else ""),
        covers=f"school {reader.school or 'not named'}, pupils {fingerprint(reader.refs)}",
        as_at=reader.day.isoformat() if reader.day else "",
        tables=tables,
        received={},
        findings=findings,
    )


def _found(element: Any, *names: str) -> str | None:
    """The first text of these names inside an element, at its own level or in the groups below that hold no records."""
    text = value(element, *names)
    if text is not None:
        return text
    for inner in element.iterchildren("{*}*"):
        if len(inner) and local(inner) not in _RECORDS and (text := _found(inner, *names)) is not None:
            return text
    return None


def _anywhere(element: Any, *names: str) -> str | None:
    for name in names:
        for inner in element.iter(f"{{*}}{name}"):
            if (inner.text or "").strip():
                return " ".join(inner.text.split())
    return None


def _school(element: Any) -> str | None:
    """A school as LEA and Estab make it (seven digits), else its URN, else its name."""
    authority, number = value(element, "LEA"), value(element, "Estab")
    if authority and number and authority.isdigit() and number.isdigit():
        return authority.zfill(3) + number.zfill(4)
    return value(element, "URN", "LAEstab", "SchoolName")


def _day(text: str | None) -> date | None:
    """A day, told from its first ten characters so that a time after it does no harm."""
    table = pa.table({"ref": ["x"], "kind": ["upn"], "value": ["x"], "valid_from": pa.array([(text or "")[:10]])})
    return conform(table.append_column("line", pa.array([1])), "identifier", findings=[])["valid_from"][0].as_py()  # type: ignore[no-any-return]


class _Reader(Telling):
    def __init__(self, findings: list[Finding]) -> None:
        self.findings = findings
        self.gathered = Gathered(("pupil", "identifier", "enrolment", "characteristic", "attainment"))
        self.refs: dict[str, int] = {}
        self.school: str | None = None
        self.day: date | None = None
        self.marks: list[Row] = []
        self.told_days = False

    def header(self, header: Any) -> None:
        source = next(inside(header, "SourceSchool"), None)
        if self.school is None and source is not None:
            self.school = _school(source)
        self.day = self.day or _day(value(header, "DateTime"))
        if value(header, "CTFversion") is None:
            says = "The file does not say which version it is; it was read by the names of its elements."
            self.found("version-not-given", Severity.NOTE, says, "Header", "", "CTFversion", "", "a CTFversion",
                       line_of(header))  # fmt: skip

    def pupil(self, pupil: Any) -> None:
        line = line_of(pupil)
        upn = squeezed(_found(pupil, "UPN"))
        sound = upn is not None and _UPN.fullmatch(upn) is not None
        ref = upn if sound and upn else f"{self.school or 'no school'}, pupil {len(self.refs) + 1} of the file"
        if ref in self.refs:
            says = f"This pupil stands on line {self.refs[ref]:,} too; both were read as one."
            self.found("repeated-record", Severity.QUERY, says, "pupil", ref, "UPN", ref, "one Pupil a pupil", line)
        else:
            self.refs[ref] = line
            self.who(pupil, ref, upn, line)
        self.schools(pupil, ref, line)
        self.needs(pupil, ref, line)
        self.attendance(pupil, ref)
        self.results(pupil, ref)
        self.plans(pupil, ref)

    def who(self, pupil: Any, ref: str, upn: str | None, line: int) -> None:
        postcode = _anywhere(pupil, "PostCode", "Postcode")
        self.gathered.add(
            "pupil",
            line,
            pupil_ref=ref,
            surname=_found(pupil, "Surname", "LegalSurname"),
            forename=_found(pupil, "Forename", "LegalForename"),
            birth_date=_found(pupil, "DOB", "DateOfBirth"),
            sex=sex_of(_found(pupil, "Sex", "Gender")),
            ethnicity=_found(pupil, "Ethnicity"),
            postcode=normalise_postcode(postcode) if postcode else None,
        )
        ids = (("upn", upn), ("former_upn", squeezed(_found(pupil, "FormerUPN"))))
        for kind, given in (*ids, ("uln", squeezed(_found(pupil, "UniqueLearnerNumber", "ULN")))):
            if given:
                self.gathered.add("identifier", line, ref=ref, kind=kind, value=given)

    def schools(self, pupil: Any, ref: str, line: int) -> None:
        """The schools of the history; the sending school, when the history does not have it."""
        year, status, boarder = (_found(pupil, n) for n in ("NCyearActual", "EnrolStatus", "Boarder"))
        sent = False
        for school in inside(pupil, "SchoolHistory", "School"):
            name = _school(school)
            leaving = value(school, "LeavingDate")
            here = name is not None and name == self.school and not sent
            sent = sent or here
            self.gathered.add(
                "enrolment",
                line_of(school),
                pupil_ref=ref,
                school_ref=name,
                entry_date=value(school, "EntryDate"),
                leaving_date=leaving,
                year_group=year if here else None,
                status=status if here else None,
                boarder=boarder if here else None,
            )
        if self.school and not sent:
            self.gathered.add(
                "enrolment",
                line,
                pupil_ref=ref,
                school_ref=self.school,
                entry_date=_found(pupil, "EntryDate"),
                leaving_date=_found(pupil, "LeavingDate"),
                year_group=year,
                status=status,
                boarder=boarder,
            )

    def needs(self, pupil: Any, ref: str, line: int) -> None:
        provision = None
        history = list(inside(pupil, "SENhistory", "SEN")) or list(inside(pupil, "SEN"))
        # The latest start has the word; rows without one stand before all others.
        for sen in sorted(history, key=lambda each: value(each, "StartDate") or ""):
            provision = value(sen, "SENprovision", "SENprovisionCode") or provision
        needs = sorted(inside(pupil, "SENneeds", "SENneed"), key=lambda each: value(each, "SENtypeRank") or "9")
        primary = next((kind for need in needs if (kind := value(need, "SENtype"))), None)
        meals = self.meals(pupil)
        language = _anywhere(pupil, "Language", "FirstLanguage")
        if any(each is not None for each in (provision, primary, meals, language)):
            self.gathered.add(
                "characteristic",
                line,
                pupil_ref=ref,
                as_at=self.day.isoformat() if self.day else None,
                fsm=meals,
                sen_provision=provision,
                sen_primary=primary,
                language=language,
                eal=eal_of(language),
            )

    def meals(self, pupil: Any) -> str | None:
        """Whether a period of free school meals is open on the file's day; None when there is no history."""
        if next(inside(pupil, "FSMhistory"), None) is None:
            return None
        for instance in inside(pupil, "FSMhistory", "FSMinstance"):
            start, end = (_day(value(instance, name)) for name in ("FSMstartDate", "FSMendDate"))
            if self.day is None:
                if value(instance, "FSMendDate") is None:
                    return "true"
            elif (start is None or start <= self.day) and (end is None or end >= self.day):
                return "true"
        return "false"

    def attendance(self, pupil: Any, ref: str) -> None:
        for year in inside(pupil, "Attendance", "YearData"):
            for sessions in inside(year, "AttendSessions"):
                line = line_of(sessions)
                # A string of marks may begin with blanks, which are sessions without a mark.
                text = next((inner.text or "" for inner in inside(sessions, "AttendanceMarks")), "").strip("\r\n\t")
                since = value(sessions, "AttendanceStartDate")
                start = _day(since)
                if start is None and text.strip():
                    says = "The marks have no first day that can be read, so none of them can be used."
                    self.found("marks-without-a-day", Severity.ERROR, says, "attendance_week", ref,
                               "AttendanceStartDate", since or "", "a date", line)  # fmt: skip
                elif start is not None and text.strip():
                    self.weeks_of(weeks_of(text, start), _school(year) or self.school, ref, line)

    def weeks_of(self, marks: Marks, school: str | None, ref: str, line: int) -> None:
        for week, text in marks.weeks.items():
            self.marks.append(
                {"pupil_ref": ref, "school_ref": school, "week": week.isoformat(), "marks": text, "line": line}
            )
        if marks.unknown:
            shown = ", ".join(f"{mark!r} {count:,} times" for mark, count in sorted(marks.unknown.items()))
            says = (
                "Characters that are no attendance code of their day; they were taken as no mark. Codes of two "
                "characters do not fit a string of marks."
            )
            self.found("unknown-mark", Severity.ERROR, says, "attendance_week", ref, "AttendanceMarks", shown,
                       "one character for each session, a code of its day", line)  # fmt: skip
        if not marks.every_day and not self.told_days:
            self.told_days = True
            says = "Strings of marks that would have pupils in school at weekends were read as school days only."
            self.found("marks-of-school-days", Severity.NOTE, says, "attendance_week", "", "AttendanceMarks", "",
                       "two marks for each day of the week", line)  # fmt: skip

    def weeks(self) -> pa.Table:
        """One row per pupil, school and week; of two strings for one week the later in the file is kept."""
        chosen: dict[tuple[Any, ...], Row] = {(r["pupil_ref"], r["school_ref"], r["week"]): r for r in self.marks}
        if len(chosen) < len(self.marks):
            says = f"{len(self.marks) - len(chosen):,} weeks stand twice; the later in the file was kept."
            self.found("repeated-week", Severity.QUERY, says, "attendance_week", "", "AttendanceMarks", "", "once", 0)
        typed = conform(text_table("attendance_week", chosen.values()), "attendance_week", findings=self.findings)
        with bench(typed) as database:
            return counted(database, "raw")

    def results(self, pupil: Any, ref: str) -> None:
        for stage, result in _results(pupil):
            subject, method, component = (value(result, n) for n in ("Subject", "Method", "Component"))
            given = value(result, "Result")
            kinds = words("subject")
            named = next((kinds[w.lower()] for w in (component, subject) if w and w.lower() in kinds), None)
            self.gathered.add(
                "attainment",
                line_of(result),
                pupil_ref=ref,
                school_ref=None,
                stage=words("ctf_stage").get((stage or "").lower(), stage),
                year=_academic(value(result, "Year")),
                subject=named,
                measure="/".join(part or "" for part in (subject, component, method)).strip("/") or None,
                result=given,
                score=given if given and re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", given) else None,
                met={"yes": "true", "no": "false"}.get(words("result_met").get((given or "").lower(), "")),
            )

    def plans(self, pupil: Any, ref: str) -> None:
        for plan in pupil.iter(f"{{{EXTENSION}}}Plan"):
            kind = {"CIN": "Child in Need", "CP": "Child Protection"}.get(plan.get("kind") or "")
            if kind is None:
                continue
            ended = f", ended {plan.get('end')}" if plan.get("end") else ""
            says = f"The sender says that this pupil has a {kind} plan; it was not taken into the cohort."
            self.found("plan-flag", Severity.QUERY, says, "pupil", ref, "SocialCarePlans",
                       f"from {plan.get('start') or 'a day not given'}{ended}",
                       "the plan from the authority that holds it", line_of(plan))  # fmt: skip


def _results(pupil: Any) -> Iterator[tuple[str | None, Any]]:
    for stage in inside(pupil, "StageAssessments", "KeyStage"):
        for result in inside(stage, "StageAssessment"):
            yield value(stage, "Stage"), result


def _academic(year: str | None) -> str | None:
    """The academic year, by its first calendar year, of the calendar year in which a result was given."""
    return str(int(year) - 1) if year and re.fullmatch(r"(19|20)[0-9]{2}", year) else year


SOURCES: tuple[Source, ...] = (Source(KIND, "Common Transfer File (XML)", _recognise, read_ctf, write_ctf),)

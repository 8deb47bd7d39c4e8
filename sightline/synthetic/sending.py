"""An invented authority written out in the formats authorities send, with the truth beside it."""

from __future__ import annotations

import gzip
import re
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from sightline.sources import SOURCES
from sightline.sources.base import Reading, Source
from sightline.sources.delimited import write_delimited
from sightline.sources.intake import NOT_FOR_RECEIPT
from sightline.sources.school_census_terms import Collection
from sightline.synthetic import marks_faults
from sightline.synthetic.authority import UNTIL, Invented, Written, invent
from sightline.synthetic.care import OPEN
from sightline.synthetic.care_tables import SSD
from sightline.synthetic.early_help import early_help_list
from sightline.synthetic.faults import child_key
from sightline.synthetic.localities import locality_model
from sightline.synthetic.people import day_number, day_of
from sightline.synthetic.registers import Suspension, Timetable, Year
from sightline.synthetic.school_tables import TermCounts, attendance_terms, censuses, suspension_terms, term_counts
from sightline.synthetic.schools import AUTHORITY, school_tables
from sightline.synthetic.timetables import provision_register, timetables_register
from sightline.synthetic.youth_justice import youth_justice_list
from sightline.vocabulary.periods import term_span

Progress = Callable[[str], None]
# Archives carry this moment, so that the same authority is the same bytes.
_MOMENT = (2024, 1, 1, 0, 0, 0)


def synthesise(
    pupils: int,
    seed: int,
    out: Path,
    *,
    until: date = UNTIL,
    years: int = 6,
    progress: Progress | None = None,
) -> Invented:
    """Invent an authority and write every file it sends below `out`, with the truth in `out/truth`.

    Folders: `schools`, `social_care` and `education`; one folder comes zipped and one file compressed. The same
    pupils, seed, last day and years give the same bytes. `progress` is told what is being written. Raises BadSetting
    as `invent` does.
    """
    invented = invent(pupils, seed, until=until, years=years)
    _Sender(invented, out, progress or (lambda _: None)).send()
    return invented


class _Sender:
    def __init__(self, invented: Invented, out: Path, progress: Progress) -> None:
        self.invented, self.out, self.progress = invented, out, progress
        self.sources: dict[str, Source] = {source.kind: source for source in SOURCES}
        self.suspensions: dict[int, list[tuple[int, Suspension]]] = {}
        self.timetables: dict[int, list[tuple[int, Timetable]]] = {}
        self.counts: dict[tuple[int, str], TermCounts] = {}
        self.mark_files: dict[int, str] = {}  # by site that sends the latest year's marks as text
        self.told: set[tuple[int, int]] = set()  # suspensions that a census has held

    def send(self) -> None:
        self.out.mkdir(parents=True, exist_ok=True)
        self._schools()
        self._care()
        censuses_due = censuses(self.invented.first_year, self.invented.last_year, self.invented.until)
        wanted = {term for census in censuses_due for term in attendance_terms(census)}
        for year in self.invented.years:
            self.progress(f"Registers of {year}/{(year + 1) % 100:02d}")
            made = self.invented.year(year)
            self.suspensions[year] = [(int(made.rows[s.row]), s) for s in made.suspensions]
            self.timetables[year] = [(int(made.rows[t.row]), t) for t in made.timetables]
            self.counts |= {term: term_counts(made, term[1]) for term in wanted if term[0] == year}
            self._marks(made)
            self.invented.schools_system.know_marks(made)
        self._censuses()
        notices = self.invented.schools_system.notices(self.suspensions, self.invented.until)
        _compressed(self._write("suspensions", notices, "education/suspensions.csv"))
        self._renamed("education/suspensions.csv", "education/suspensions.csv.gz/suspensions.csv")
        register = timetables_register(self.invented.schools_system, self.timetables, self.invented.until)
        self._write(register.kind, register, "education/part_time_timetables.csv")
        placed = provision_register(self.invented.schools_system, self.invented.until)
        if placed.tables["alternative_provision"].num_rows:
            self._write(placed.kind, placed, "education/alternative_provision.csv")
        helped = early_help_list(
            self.invented.schools_system, self.invented.care, self.invented.until, self.invented.random(13)
        )
        self._write(helped.kind, helped, "social_care/early_help.csv")
        known = youth_justice_list(self.invented.world, self.invented.truth, self.invented.random(14))
        if known.tables["youth_justice"].num_rows:
            self._write(known.kind, known, "social_care/youth_justice.csv")
        self._truth()

    def _write(self, kind: str, reading: Reading, name: str) -> Path:
        """Write one file through its source, and remember what was put into it."""
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.sources[kind].write(reading, path)
        rows = {table: rows.num_rows for table, rows in reading.tables.items()}
        self.invented.files.append(Written(name, kind, rows))
        return path

    def _renamed(self, old: str, new: str) -> None:
        files = self.invented.files
        at = next(n for n, file in enumerate(files) if file.path == old)
        files[at] = Written(new, files[at].kind, files[at].rows)

    def _schools(self) -> None:
        model = locality_model()
        self._write(model.kind, model, "social_care/localities.csv")
        tables = school_tables(self.invented.world.schools)
        until = self.invented.until
        for kind, table, name in (
            ("gias", "school", f"schools/edubasealldata{until:%Y%m%d}.csv"),
            ("gias-links", "school_link", f"schools/links_edubasealldata{until:%Y%m%d}.csv"),
        ):
            held = {table: tables[table]}
            reading = Reading(kind, "gias", "", table, AUTHORITY, until.isoformat(), held)
            self._write(kind, reading, name)

    def _care(self) -> None:
        invented = self.invented
        years = [y for y in range(invented.first_year, invented.until.year + 1) if date(y, 3, 31) <= invented.until]
        # The year before the middle one, so that there is a year on both sides of the gap where there can be.
        missing = years[(len(years) - 1) // 2] if len(years) > 2 else 0
        files: dict[int, str] = {}
        for year in years:
            if year == missing:
                invented.truth.add("missing-census-year", system="cin-census", table="child", true=year)
                continue
            self.progress(f"CIN census {year}")
            files[year] = f"social_care/cin_census_{year}.xml"
            self._write("cin-census", invented.care_system.census(year, files[year]), files[year])
        if files:
            latest = files[max(files)]
            _plant_in_xml(self.out / latest, latest, invented)
        for name, reading in invented.care_system.extract(invented.until).items():
            self._write(reading.kind, reading, f"{SSD}/{name}.csv")
        invented.care_system.list_faults(files)

    def _marks(self, made: Year) -> None:
        invented = self.invented
        label = f"{made.year}-{(made.year + 1) % 100:02d}"
        systems, world = invented.schools_system, invented.world
        if made.year != invented.years[-1]:
            weeks = systems.weeks(made)
            reading = self._marks_reading(weeks, covers=label)
            for table, rows in reading.tables.items():
                one = replace(reading, tables={table: rows})
                self._write("sightline-parquet", one, f"education/marks/{label}_{table}.parquet")
            return
        roles = marks_faults.Roles.of(world)
        sites = world.schools.sites
        together = f"education/marks/marks_{label}.csv"
        files = dict.fromkeys(range(len(sites)), together)
        files |= {n: f"education/marks/{sites[n].urn}_{label}.csv" for n in roles.by_row}
        files[roles.wonde] = "education/wonde/attendance.json"
        self.mark_files = {n: file for n, file in files.items() if n not in (roles.wonde, roles.silent)}
        random = invented.random(12)
        marks_faults.plant(made, world, systems, invented.truth, files, random)
        site = world.enrolments.site[made.rows]
        apart = np.isin(site, [*roles.by_row, roles.wonde])
        rest = systems.weeks(made, np.flatnonzero(~apart))
        if rest.num_rows:
            self._write("marks-week", self._marks_reading(rest), together)
        for n in roles.by_row:
            rows = np.flatnonzero(site == n)
            weeks = systems.weeks(made, rows)
            if not weeks.num_rows:
                continue
            path = self._write("marks", self._marks_reading(weeks), files[n])
            person = world.enrolments.person[made.rows[rows]]
            children = {systems.upn[int(i)]: int(i) for i in person}
            children |= {world.numbers.temporary[int(i)]: int(i) for i in person if world.numbers.temporary[int(i)]}
            marks_faults.plant_in_rows(path, files[n], invented.truth, children, random)
        rows = np.flatnonzero(site == roles.wonde)
        if len(rows):
            students, attendance = systems.wonde(made, rows)
            self._write("wonde-students", students, "education/wonde/students.json")
            self._write("wonde-attendance", attendance, files[roles.wonde])

    def _marks_reading(self, weeks: pa.Table, *, covers: str = "") -> Reading:
        identifiers = self.invented.schools_system.identifiers_of(weeks)
        tables = {"attendance_week": weeks, "identifier": identifiers}
        last = min(date.fromordinal(pa.compute.max(weeks["week"]).as_py().toordinal() + 4), self.invented.until)
        return Reading("marks", "marks", covers, covers, AUTHORITY, last.isoformat(), tables)

    def _censuses(self) -> None:
        invented = self.invented
        due = censuses(invented.first_year, invented.last_year, invented.until)
        previous = date(invented.first_year, 8, 1)
        for census in due:
            self.progress(f"School census {census.label}")
            folder = _folder(census)
            tables = invented.schools_system.census(census, previous, self.counts, self.suspensions)
            for name, reading in tables:
                file = f"{folder}/{census.year}_{census.term}_{name}.csv"
                if any(table.num_rows for table in reading.tables.values()):
                    self._write(reading.kind, reading, file)
            self._list_repeats(census, previous)
            if census.term == "spring":
                self._zip(folder)
            previous = census.day
        self._list_school_faults(due)

    def _zip(self, folder: str) -> None:
        inside = sorted(f for f in (self.out / folder).iterdir())
        archive = self.out / f"{folder}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in inside:
                entry = zipfile.ZipInfo(file.name, _MOMENT)
                entry.compress_type = zipfile.ZIP_DEFLATED
                packed.writestr(entry, file.read_bytes())
                self._renamed(f"{folder}/{file.name}", f"{folder}.zip/{file.name}")
        shutil.rmtree(self.out / folder)

    def _list_school_faults(self, due: list[Collection]) -> None:
        """Write down the faults of schools' systems, as the latest census and the latest marks show them."""
        invented, systems = self.invented, self.invented.schools_system
        latest = due[-1]
        file = f"{_folder(latest)}/{latest.year}_{latest.term}_pupilonroll.csv"
        on_roll, _ = systems.rolls(latest, latest.day)
        e = invented.world.enrolments
        refs = dict(zip(e.person[on_roll].tolist(), systems.table_ids(latest, on_roll), strict=True))
        sites = dict(zip(e.person[on_roll].tolist(), e.site[on_roll].tolist(), strict=True))
        for i, change in systems.faults.changes.items():
            if i not in refs:  # came to school after the census
                continue
            days = change.field == "birth_date"
            planted = day_of(int(str(change.planted))) if days else change.planted
            true = day_of(int(str(change.true))) if days else change.true
            table = "pupil" if days else "identifier"
            invented.truth.add(change.kind, file=file, system="school-census", ref=refs[i], table=table,
                               name=change.field, planted=planted, true=true, child=i)  # fmt: skip
            if not days and sites[i] in self.mark_files:
                invented.truth.add(change.kind, file=self.mark_files[sites[i]], system="marks", ref=systems.upn[i],
                                   table=table, name=change.field, planted=planted, true=true, child=i)  # fmt: skip

    def _list_repeats(self, census: Collection, previous: date) -> None:
        """Write down the suspensions of a census that an earlier one held, with their place in it."""
        systems, e = self.invented.schools_system, self.invented.world.enrolments
        for suffix, rows in zip(("onroll", "offroll"), systems.rolls(census, previous), strict=True):
            refs = dict(zip(rows.tolist(), systems.table_ids(census, rows), strict=True))
            archive = ".zip" if census.term == "spring" else ""  # the spring census comes zipped
            file = f"{_folder(census)}{archive}/{census.year}_{census.term}_termlyexclusions{suffix}.csv"
            for year, term in suspension_terms(census):
                start, end = (day_number(d) for d in term_span(year, term))
                for row, each in self.suspensions.get(year, ()):
                    if row not in refs or not start <= each.start < end:
                        continue
                    if (row, each.start) in self.told:
                        self.invented.truth.add(
                            "suspension-twice",
                            file=file,
                            system="school-census",
                            ref=refs[row],
                            table="suspension",
                            name="start_date",
                            planted=day_of(each.start),
                            true=day_of(each.start),
                            child=int(e.person[row]),
                        )
                    self.told.add((row, each.start))

    def _truth(self) -> None:
        folder = self.out / "truth"
        folder.mkdir(exist_ok=True)
        self.progress("Truth")
        # So that whoever points `receive` at the whole folder gets the files and not their answers.
        (folder / NOT_FOR_RECEIPT).write_text("The truth about invented files: to score checks against.\n", "utf-8")
        refs = self.invented.truth.references()
        write_delimited(self.invented.truth.table(), folder / "faults.csv")
        write_delimited(refs, folder / "refs.csv")
        write_delimited(children_table(self.invented, refs), folder / "children.csv")
        write_delimited(status_table(self.invented), folder / "status.csv")


def children_table(invented: Invented, refs: pa.Table) -> pa.Table:
    """One row per true child known to any system: who the child is, and every reference, system by system."""
    people, numbers, ids = invented.world.people, invented.world.numbers, invented.care_system.ids
    known: dict[str, dict[str, list[str]]] = {}
    for row in refs.to_pylist():
        known.setdefault(row["child"], {}).setdefault(row["system"], []).append(row["ref"])
    rows = []
    for i in range(len(people)):
        mine = known.get(child_key(i))
        if not mine:
            continue
        surname, forename = people.names(i)
        care = i in invented.care.episodes
        rows.append(
            {
                "child": child_key(i),
                "surname": surname,
                "forename": forename,
                "birth_date": day_of(people.birth[i]).isoformat(),
                "sex": "F" if people.girl[i] else "M",
                "household": str(int(people.household[i])),
                "upn": numbers.upn[i],
                "former_upn": numbers.former[i],
                "temporary_upn": numbers.temporary[i],
                "la_child_id": ids.legacy[i] if care else "",
                "person_id": ids.person[i] if care else "",
                "nhs_number": ids.nhs[i] if care else "",
            }
            | {system.replace("-", "_"): " ".join(sorted(mine.get(system, ()))) for system in SYSTEMS}
        )
    return pa.Table.from_pylist(rows)


SYSTEMS = (
    "cin-census", "ssd", "school-census", "marks", "wonde", "suspensions", "education-registers", "youth-justice",
)  # fmt: skip


def status_table(invented: Invented) -> pa.Table:
    """One row per true period of a plan, of being looked after or of an assessment; `end_date` is the first day out."""
    rows = [
        {
            "child": child_key(int(i)),
            "status": status,
            "start_date": day_of(start).isoformat(),
            "end_date": day_of(end + 1).isoformat() if end < OPEN else "",
        }
        for status, periods in invented.world.plans.items()
        for i, start, end in sorted(map(tuple, periods.tolist()))
    ]
    return pa.Table.from_pylist(rows)


def _folder(census: Collection) -> str:
    return f"education/school_census/{census.year}_{census.term}"


def _plant_in_xml(path: Path, name: str, invented: Invented) -> None:
    """Stray text after one child, and an empty wrapper of factors in an assessment that has none."""
    text = path.read_text(encoding="utf-8")
    children = [m.end() for m in re.finditer(r"</(?:\w+:)?Child>", text)]
    ref = re.compile(r"<LAchildID>([^<]*)</LAchildID>")

    def who(at: int) -> str:
        return str(ref.findall(text, 0, at)[-1])

    at = children[len(children) // 2]
    owner = who(at)
    invented.truth.add("stray-text", file=name, system="cin-census", ref=owner, planted="checked by phone")
    text = f"{text[:at]}checked by phone{text[at:]}"
    bare = re.compile(r"</Assessment(?:Authorisation|ActualStart)Date>(?=\s*</Assessments>)")
    found = [m.end() for m in bare.finditer(text)]
    if found:
        at = found[len(found) // 2]
        invented.truth.add(
            "empty-wrapper", file=name, system="cin-census", ref=who(at), table="assessment_factor", name="factor"
        )
        text = f"{text[:at]}<FactorsIdentifiedAtAssessment></FactorsIdentifiedAtAssessment>{text[at:]}"
    path.write_text(text, encoding="utf-8", newline="")


def _compressed(path: Path) -> None:
    """Replace a file by its compressed self, without name or moment inside."""
    with path.with_name(path.name + ".gz").open("wb") as raw, gzip.GzipFile("", "wb", mtime=0, fileobj=raw) as packed:
        packed.write(path.read_bytes())
    path.unlink()

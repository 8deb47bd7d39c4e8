"""What the schools of an invented authority send: the census of each term, registers, and notices of suspension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sightline.engine import arrow_schema
from sightline.sources.base import Reading
from sightline.sources.school_census_terms import Collection
from sightline.synthetic import shapes
from sightline.synthetic.faults import SchoolFaults, Truth
from sightline.synthetic.names import boys, girls, postcodes, surnames
from sightline.synthetic.people import Days, day_number, day_of
from sightline.synthetic.registers import Suspension, World, Year
from sightline.synthetic.schools import AUTHORITY
from sightline.vocabulary.attendance import mark_codes
from sightline.vocabulary.periods import term_span

Index = NDArray[np.intp]
_COUNTED = ("possible", "authorised", "unauthorised", "approved", "late", "not_possible")
# A column of sessions a pupil could attend is null of code in the vocabulary.
_GRADES = ("N2", "R", *(str(n) for n in range(1, 15)))


def _days(numbers: Days | Index) -> pa.Array:
    return pa.array(numbers.astype(np.int32), pa.int32()).cast(pa.date32())


def _texts(values: Sequence[str], at: NDArray[Any]) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(at))


def table_of(name: str, columns: dict[str, Any], lines: NDArray[Any] | None = None) -> pa.Table:
    """A vocabulary table of these columns; the others are null, and lines count from 2 unless they are given."""
    size = len(next(iter(columns.values())))
    lines = np.arange(2, size + 2) if lines is None else lines
    columns = columns | {"line": pa.array(lines.astype(np.int32))}
    schema = arrow_schema(name)
    return pa.table([columns[f.name] if f.name in columns else pa.nulls(size, f.type) for f in schema], schema=schema)


def attendance_terms(census: Collection) -> tuple[tuple[int, str], ...]:
    """The academic year and terms whose attendance a census holds: one term in arrears."""
    year = census.year - 1
    return {
        "autumn": ((year, "summer 1"), (year, "summer 2")),
        "spring": ((year, "autumn"),),
        "summer": ((year, "spring"),),
    }[census.term]


def suspension_terms(census: Collection) -> tuple[tuple[int, str], ...]:
    """The academic years and terms whose suspensions a census holds: two terms in arrears, and again one."""
    year = census.year - 1
    return {
        "autumn": ((year, "spring"), (year, "summer")),
        "spring": ((year - 1, "summer"), (year, "autumn")),
        "summer": ((year, "autumn"), (year, "spring")),
    }[census.term]


def censuses(first_year: int, last: int, until: date) -> list[Collection]:
    """Every autumn census of the years invented, and spring and summer of the last whole year, in order of day."""
    found = [Collection(year, "autumn") for year in range(first_year, last + 1)]
    found += [Collection(last, "spring"), Collection(last, "summer")]
    return sorted((c for c in found if date(first_year, 9, 1) < c.day <= until), key=lambda c: c.day)


@dataclass(frozen=True, slots=True)
class TermCounts:
    """Sessions of one term by registration (place in the world's) and packed mark; `possible` by registration."""

    rows: Index
    codes: NDArray[np.uint8]
    sessions: NDArray[np.int64]
    possible_rows: Index
    possible: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Letters:
    """What each packed character is and counts as, on a day."""

    code: dict[int, str]
    counts: NDArray[np.uint32]  # by character: one in each five bits it counts in, in the order of `_COUNTED`

    @classmethod
    def on(cls, day: date) -> _Letters:
        code: dict[int, str] = {}
        counts = np.zeros(256, dtype=np.uint32)
        for row in mark_codes().to_pylist():
            if (row["valid_from"] or date.min) <= day < (row["valid_to"] or date.max):
                at = ord(row["packed"])
                code[at] = row["code"]
                flags = (
                    row["possible"],
                    row["class"] == "authorised",
                    row["class"] == "unauthorised",
                    row["class"] == "approved",
                    row["code"] in ("L", "U"),
                    row["class"] == "not possible",
                )
                counts[at] = sum(1 << (5 * n) for n, flag in enumerate(flags) if flag)
        return cls(code, counts)


class SchoolSystems:
    """The schools' view of their pupils, and the tables they send."""

    def __init__(self, world: World, faults: SchoolFaults, truth: Truth) -> None:
        self.world, self.faults, self.truth = world, faults, truth
        people, numbers = world.people, world.numbers
        self.upn = list(numbers.upn)
        self.birth = people.birth.copy()
        for i, change in faults.changes.items():
            if change.field == "upn":
                self.upn[i] = str(change.planted)
            else:
                self.birth[i] = int(str(change.planted))
        # Numbers as schools' systems hold them, and behind them the temporary ones.
        self.refs = pa.array([*self.upn, *numbers.temporary], pa.string())
        sites = world.schools.sites
        self.urns = pa.array([*(s.urn for s in sites), *(s.urn_before for s in sites)], pa.string())
        self.converted = np.array([day_number(s.converted) if s.converted else -(10**6) for s in sites])

    def urn_places(self, site: NDArray[Any], day: NDArray[Any] | int) -> NDArray[Any]:
        """Places in `urns` of the numbers of these sites on these days."""
        return np.where(day < self.converted[site], site + len(self.converted), site)

    def ref_places(self, person: NDArray[Any], day: NDArray[Any] | int) -> NDArray[Any]:
        """Places in `refs` of the numbers of these children on these days."""
        return np.where(day <= self.world.numbers.temporary_to[person], person + len(self.upn), person)

    def grade(self, person: NDArray[Any], day: date) -> pa.Array:
        year = day.year if day.month >= 9 else day.year - 1
        place = np.clip(year - 5 - self.world.people.cohort[person] + 1, 0, len(_GRADES) - 1)
        return _texts(_GRADES, place)

    def pupil_columns(self, person: NDArray[Any]) -> dict[str, Any]:
        """Surname, forename, birth date and sex of these children, as schools hold them."""
        people = self.world.people
        forename = np.where(people.girl[person], people.forename[person], people.forename[person] + len(girls()))
        return {
            "surname": _texts(surnames(), people.surname[person]),
            "forename": _texts((*girls(), *boys()), forename),
            "birth_date": _days(self.birth[person]),
            "sex": _texts(("M", "F"), people.girl[person].astype(np.int64)),
        }

    # Registers.

    def weeks(self, made: Year, rows: Index | None = None) -> pa.Table:
        """One row per pupil, school and week with a mark, as `attendance_week`, in the order of the year's rows."""
        marks = made.marks if rows is None else made.marks[rows]
        places = made.rows if rows is None else made.rows[rows]
        kept = (marks != ord(".")).any(axis=2)
        row, week = np.nonzero(kept)
        chosen = marks[row, week]
        sums = _Letters.on(date(made.year, 9, 1)).counts[chosen].sum(axis=1, dtype=np.uint32)
        monday = np.array([day_number(w) for w in made.weeks], dtype=np.int64)[week]
        person, site = self.world.enrolments.person[places][row], self.world.enrolments.site[places][row]
        offsets = pa.py_buffer((np.arange(len(row) + 1) * 10).astype(np.int32).tobytes())
        columns: dict[str, Any] = {
            "pupil_ref": self.refs.take(pa.array(self.ref_places(person, monday))),
            "school_ref": self.urns.take(pa.array(self.urn_places(site, monday))),
            "week": _days(monday),
            "marks": pa.StringArray.from_buffers(len(row), offsets, pa.py_buffer(chosen.tobytes())),
        }
        columns |= {name: pa.array(((sums >> (5 * n)) & 31).astype(np.int16)) for n, name in enumerate(_COUNTED)}
        return table_of("attendance_week", columns)

    def identifiers_of(self, weeks: pa.Table) -> pa.Table:
        """The `identifier` rows of a file whose pupils are known by UPN: one per number."""
        refs = pa.compute.unique(weeks["pupil_ref"])
        return table_of("identifier", {"ref": refs, "kind": pa.array(["upn"] * len(refs)), "value": refs})

    def know_marks(self, made: Year) -> None:
        """Write down whose numbers stand in a year's registers."""
        person = self.world.enrolments.person[made.rows]
        first = np.full(len(person), day_number(made.weeks[0]))
        for places in (person, self.ref_places(person, np.maximum(first, self.world.enrolments.start[made.rows]))):
            self.truth.knows("marks", places % len(self.upn), self.refs.take(pa.array(places)))

    # The census.

    def table_ids(self, census: Collection, rows: Index) -> list[str]:
        """The ids of a census's rows: new in every census, as they are in life."""
        serial = census.year * 4 + ("spring", "summer", "autumn").index(census.term)
        return [f"{(int(r) * 2654435761 + serial * 40503) % 2**32:08x}-{serial % 4096:03x}" for r in rows]

    def rolls(self, census: Collection, previous: date) -> tuple[Index, Index]:
        """The registrations on roll on census day, and those that ended since the day of the census before."""
        e, today = self.world.enrolments, day_number(census.day)
        on_roll = np.flatnonzero((e.start <= today) & (e.end >= today))
        return on_roll, np.flatnonzero((e.end >= day_number(previous)) & (e.end < today) & (e.start <= e.end))

    def census(
        self,
        census: Collection,
        previous: date,
        counts: dict[tuple[int, str], TermCounts],
        suspensions: dict[int, list[tuple[int, Suspension]]],
    ) -> Iterator[tuple[str, Reading]]:
        """The tables of one census, by name. `previous` is the day of the census before, for leavers.

        `counts` are the terms' attendance and `suspensions` those of each academic year with their registration.
        """
        e = self.world.enrolments
        on_roll, left = self.rolls(census, previous)
        terms = [term for term in attendance_terms(census) if term in counts]
        for name, rows, suffix in (("pupilonroll", on_roll, "onroll"), ("pupilnolongeronroll", left, "offroll")):
            ids = self.table_ids(census, rows)
            place = np.full(len(e), -1)
            place[rows] = np.arange(len(rows))
            self.truth.knows("school-census", e.person[rows], ids)
            yield (
                name,
                self._reading(census, name, self._pupils(census, rows, ids, terms, counts, name == "pupilonroll")),
            )
            for n, term in enumerate(terms):
                table = f"{'termlysessiondetails' if n == 0 else 'summerhalfterm2sessiondetails'}{suffix}"
                yield (
                    table,
                    self._reading(census, table, {"termly_attendance": self._sessions(term, counts, place, ids)}),
                )
            table = f"termlyexclusions{suffix}"
            yield table, self._reading(census, table, {"suspension": self._excluded(census, suspensions, place, ids)})
            if census.term == "autumn" or suffix == "onroll":
                addresses = f"addresses{suffix}" if census.term == "autumn" else "addresses"
                person = e.person[rows]
                columns = {
                    "pupil_ref": pa.array(ids),
                    "postcode": _texts(postcodes(), self.world.people.postcode[person]),
                }
                yield addresses, self._reading(census, addresses, {"pupil": table_of("pupil", columns)})
        yield from self._more(census, on_roll)

    def _reading(self, census: Collection, name: str, tables: dict[str, pa.Table]) -> Reading:
        return Reading(
            kind=f"school-census-{name}",
            system="school-census",
            period=census.label,
            covers=census.label,
            authority=AUTHORITY,
            as_at=census.day.isoformat(),
            tables=tables,
        )

    def _pupils(
        self,
        census: Collection,
        rows: Index,
        ids: list[str],
        terms: list[tuple[int, str]],
        counts: dict[tuple[int, str], TermCounts],
        on_roll: bool,
    ) -> dict[str, pa.Table]:
        e, people = self.world.enrolments, self.world.people
        person, site, today = e.person[rows], e.site[rows], day_number(census.day)
        refs = pa.array(ids, pa.string())
        described = {"pupil_ref": refs} | self.pupil_columns(person)
        if census.term == "spring":
            described["ethnicity"] = _texts(tuple(shapes.ETHNICITY), people.ethnicity[person])
        laestab = _texts([s.laestab for s in self.world.schools.sites], site)
        dual = (today >= e.dual_from[rows]) & (today <= e.dual_to[rows])
        status = np.where(e.subsidiary[rows], 2, np.where(dual, 1, 0))
        enrolment: dict[str, Any] = {
            "pupil_ref": refs,
            "school_ref": laestab,
            "entry_date": _days(e.start[rows]),
            "year_group": self.grade(person, census.day if on_roll else census.day - timedelta(days=60)),
            "boarder": pa.array(["N"] * len(rows), pa.string()),
        }
        if on_roll:
            enrolment["status"] = _texts(("C", "M", "S"), status)
        else:
            enrolment["leaving_date"] = _days(e.end[rows])
        tables = {"pupil": table_of("pupil", described), "enrolment": table_of("enrolment", enrolment)}
        tables["identifier"] = self._numbers(person, ids, today)
        if on_roll:
            tables["characteristic"] = table_of(
                "characteristic",
                {
                    "pupil_ref": refs,
                    "as_at": _days(np.full(len(rows), today)),
                    "sen_provision": _texts(("N", "K", "E"), people.sen[person].astype(np.int64)),
                    "language": _texts(tuple(shapes.LANGUAGE), people.language[person]),
                },
            )
        parts = [self._possible(term, counts[term], rows, refs, laestab) for term in terms]
        tables["termly_attendance"] = (
            pa.concat_tables(parts) if parts else arrow_schema("termly_attendance").empty_table()
        )
        return tables

    def _numbers(self, person: NDArray[Any], ids: list[str], today: int) -> pa.Table:
        """UPN, and the former one: a number given before, or the temporary one that today's replaced."""
        numbers = self.world.numbers
        current = self.refs.take(pa.array(self.ref_places(person, today))).to_pylist()
        rows: dict[str, list[Any]] = {"ref": [], "kind": [], "value": []}
        lines = []
        for line, (ref, i, upn) in enumerate(zip(ids, person.tolist(), current, strict=True), start=2):
            former = numbers.former[i]
            if numbers.temporary[i] and upn != numbers.temporary[i]:
                former = numbers.temporary[i]
            for kind, value in (("upn", upn), ("former_upn", former)):
                if value:
                    rows["ref"].append(ref)
                    rows["kind"].append(kind)
                    rows["value"].append(value)
                    lines.append(line)
        columns = {name: pa.array(values, pa.string()) for name, values in rows.items()}
        return table_of("identifier", columns, np.array(lines, dtype=np.int32))

    def _possible(
        self, term: tuple[int, str], counts: TermCounts, rows: Index, refs: pa.Array, laestab: pa.Array
    ) -> pa.Table:
        by_row = np.full(len(self.world.enrolments), -1, dtype=np.int64)
        by_row[counts.possible_rows] = counts.possible
        here = np.flatnonzero(by_row[rows] >= 0)
        start, end = term_span(*term)
        taken = pa.array(here)
        columns = {
            "pupil_ref": refs.take(taken),
            "school_ref": laestab.take(taken),
            "term_start": pa.array([start] * len(here), pa.date32()),
            "term_end": pa.array([end] * len(here), pa.date32()),
            "sessions": pa.array(by_row[rows][here].astype(np.int32)),
        }
        return table_of("termly_attendance", columns, here + 2)

    def _sessions(
        self, term: tuple[int, str], counts: dict[tuple[int, str], TermCounts], place: Index, ids: list[str]
    ) -> pa.Table:
        found = counts[term]
        chosen = np.flatnonzero(place[found.rows] >= 0)
        rows = found.rows[chosen]
        start, end = term_span(*term)
        code = _Letters.on(start).code
        letters = [code.get(n, "") for n in range(256)]
        columns = {
            "pupil_ref": _texts(ids, place[rows]) if len(rows) else pa.array([], pa.string()),
            "school_ref": _texts([s.laestab for s in self.world.schools.sites], self.world.enrolments.site[rows]),
            "term_start": pa.array([start] * len(rows), pa.date32()),
            "term_end": pa.array([end] * len(rows), pa.date32()),
            "code": _texts(letters, found.codes[chosen].astype(np.int64)),
            "sessions": pa.array(found.sessions[chosen].astype(np.int32)),
        }
        return table_of("termly_attendance", columns)

    def _excluded(
        self, census: Collection, suspensions: dict[int, list[tuple[int, Suspension]]], place: Index, ids: list[str]
    ) -> pa.Table:
        rows = []
        for year, term in suspension_terms(census):
            start, end = (day_number(d) for d in term_span(year, term))
            for row, each in suspensions.get(year, ()):
                if place[row] >= 0 and start <= each.start < end:
                    site = self.world.schools.sites[self.world.enrolments.site[row]]
                    rows.append(suspension_row(each, ids[place[row]], site.laestab, end_date=False))
        return pa.Table.from_pylist(
            [row | {"line": n} for n, row in enumerate(rows, start=2)], schema=arrow_schema("suspension")
        )

    def _more(self, census: Collection, on_roll: Index) -> Iterator[tuple[str, Reading]]:
        """Free school meals, and in spring special educational needs."""
        people = self.world.people
        ids, person = self.table_ids(census, on_roll), self.world.enrolments.person[on_roll]
        # Some periods have ended: the pupil of every thirtieth household that has none.
        ended = ~people.fsm[person] & (people.household[person] % 30 == 0)
        here = np.flatnonzero(people.fsm[person] | ended)
        day = day_number(census.day)
        columns = {
            "pupil_ref": _texts(ids, here),
            "as_at": _days(np.full(len(here), day)),
            "fsm": pa.array(people.fsm[person][here]),
        }
        name = "fsmperiodsonroll" if census.term == "autumn" else "fsmperiod"
        yield name, self._reading(census, name, {"characteristic": table_of("characteristic", columns)})
        if census.term == "spring":
            here = np.flatnonzero(people.sen[person] > 0)
            columns = {
                "pupil_ref": _texts(ids, here),
                "as_at": _days(np.full(len(here), day)),
                "sen_primary": _texts(tuple(shapes.SEN_TYPE), people.sen_type[person][here]),
            }
            yield "senneeds", self._reading(census, "senneeds", {"characteristic": table_of("characteristic", columns)})

    # One school's information system, as an aggregator passes it on.

    def wonde(self, made: Year, rows: Index) -> tuple[Reading, Reading]:
        """The pupils of one site, one row each with the latest registration, and their marks, by the feed's own ids."""
        e, people, until = self.world.enrolments, self.world.people, self.world.until
        person = e.person[made.rows[rows]]
        # Rows are by child and day: the last of each child is the latest.
        last = np.flatnonzero(np.append(person[1:] != person[:-1], True))
        once, places = person[last], made.rows[rows][last]
        refs = {int(i): f"A{(int(i) * 2654435761 + 977) % 2**32:010d}" for i in once}
        mine = pa.array(list(refs.values()), pa.string())
        self.truth.knows("wonde", once, mine)
        weeks = self.weeks(made, rows)
        row, _ = np.nonzero((made.marks[rows] != ord(".")).any(axis=2))  # the registration each week is of
        ids = pa.array([refs[int(i)] for i in person[row]], pa.string())
        weeks = weeks.set_column(weeks.schema.get_field_index("pupil_ref"), "pupil_ref", ids)
        today = day_number(until)
        number = self.refs.take(pa.array(self.ref_places(once, today)))
        identifiers: dict[str, Any] = {
            "ref": pa.concat_arrays([mine, mine]),
            "kind": pa.array(["upn"] * len(once) + ["mis_id"] * len(once)),
            "value": pa.concat_arrays([number, pa.array([str(100000 + int(i)) for i in once], pa.string())]),
        }
        ended = [day_of(end) if end <= today else None for end in e.end[places]]
        enrolment = {
            "pupil_ref": mine,
            "school_ref": self.urns.take(pa.array(self.urn_places(e.site[places], today))),
            "entry_date": _days(e.start[places]),
            "leaving_date": pa.array(ended, pa.date32()),
            "year_group": self.grade(once, until),
            "status": pa.array(["C"] * len(once)),
        }
        described = self.pupil_columns(once) | {"ethnicity": _texts(tuple(shapes.ETHNICITY), people.ethnicity[once])}
        students = {
            "pupil": table_of("pupil", {"pupil_ref": mine} | described),
            "identifier": table_of("identifier", identifiers),
            "enrolment": table_of("enrolment", enrolment),
        }
        return (
            Reading("wonde-students", "wonde", "", "", AUTHORITY, until.isoformat(), students),
            Reading("wonde-attendance", "wonde", "", "", AUTHORITY, until.isoformat(), {"attendance_week": weeks}),
        )

    # Notices of suspension.

    def notices(self, suspensions: dict[int, list[tuple[int, Suspension]]], until: date) -> Reading:
        """The authority's own list of suspensions and permanent exclusions, in the order they came."""
        e = self.world.enrolments
        every = [found for year in sorted(suspensions) for found in suspensions[year]]
        every.sort(key=lambda found: (found[1].start, found[0]))
        rows, people = [], []
        for line, (row, each) in enumerate(every, start=2):
            person = e.person[row : row + 1]
            ref = self.refs[int(self.ref_places(person, each.start)[0])].as_py()
            urn = self.urns[int(self.urn_places(e.site[row : row + 1], each.start)[0])].as_py()
            rows.append(suspension_row(each, ref, urn, end_date=True) | {"line": line})
            people.append((ref, int(person[0])))
        first = list(dict(people).items())
        person = np.array([i for _, i in first], dtype=np.int64)
        refs = pa.array([ref for ref, _ in first], pa.string())
        self.truth.knows("suspensions", person, refs)
        return Reading(
            kind="suspensions",
            system="suspensions",
            period=f"to {until.isoformat()}",
            covers="suspensions",
            authority=AUTHORITY,
            as_at=until.isoformat(),
            tables={
                "suspension": pa.Table.from_pylist(rows, schema=arrow_schema("suspension")),
                "pupil": table_of("pupil", {"pupil_ref": refs} | self.pupil_columns(person)),
                "identifier": table_of(
                    "identifier", {"ref": refs, "kind": pa.array(["upn"] * len(refs)), "value": refs}
                ),
            },
        )


def suspension_row(each: Suspension, ref: str, school: str, *, end_date: bool) -> dict[str, Any]:
    """The cells of one suspension; a permanent exclusion has no end and no sessions."""
    reasons = (*each.reasons, None, None, None)
    return {
        "pupil_ref": ref,
        "school_ref": school,
        "start_date": day_of(each.start),
        "end_date": day_of(each.end) if end_date and each.category != "PERM" else None,
        "sessions": each.sessions if each.category != "PERM" else None,
        "category": each.category,
        "reason1": reasons[0],
        "reason2": reasons[1],
        "reason3": reasons[2],
    }


def term_counts(made: Year, term: str) -> TermCounts:
    """The sessions of a statistical term by registration and mark."""
    start, end = (day_number(d) for d in term_span(made.year, term))
    slot_day = np.array([[day_number(w) + wd for wd in range(5) for _ in (0, 1)] for w in made.weeks])
    inside = (slot_day >= start) & (slot_day < end)
    weeks = np.flatnonzero(inside.any(axis=1))
    part = np.where(inside[weeks], made.marks[:, weeks], np.uint8(ord("."))) if len(weeks) else made.marks[:, :0]
    flags = _Letters.on(date(made.year, 9, 1)).counts
    possible = (flags[part] & 1).sum(axis=(1, 2), dtype=np.int64)
    some = np.flatnonzero((part != ord(".")).any(axis=(1, 2))) if len(weeks) else np.array([], dtype=np.intp)
    found_rows, found_codes, found_counts = [], [], []
    for letter in np.unique(part):
        if chr(letter) in ".#":
            continue
        sums = (part == letter).sum(axis=(1, 2))
        here = np.flatnonzero(sums)
        found_rows.append(made.rows[here])
        found_codes.append(np.full(len(here), letter, dtype=np.uint8))
        found_counts.append(sums[here])
    if not found_rows:
        nothing = np.array([], dtype=np.intp)
        return TermCounts(nothing, np.array([], dtype=np.uint8), nothing, nothing, nothing)
    rows, codes, sums = (np.concatenate(parts) for parts in (found_rows, found_codes, found_counts))
    order = np.lexsort((codes, rows))
    return TermCounts(rows[order], codes[order], sums[order], made.rows[some], possible[some])

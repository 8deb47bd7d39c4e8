"""The authority's lists of part-time timetables, of pupils whose marks say that they were on one, and of provision
elsewhere."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources.base import Reading
from sightline.synthetic.people import day_number, day_of
from sightline.synthetic.registers import Timetable
from sightline.synthetic.school_tables import SchoolSystems, table_of
from sightline.synthetic.schools import AUTHORITY
from sightline.vocabulary.periods import academic_year

KIND: Final = "part-time-timetables"
SYSTEM: Final = "education-registers"
_HOURS: Final = 15.0  # five mornings of three hours
_REASONS: Final = ("Return after illness", "Behaviour plan", "Anxiety about school", "Awaiting a place elsewhere")
_REVIEW_AFTER: Final = 28  # days
PLACED: Final = "alternative-provision"
_KINDS: Final = ("OSD", "MM", "AP")
_PROVIDERS: Final = ("Zwarfell Farm", "Krumwick Workshop")
_WHY: Final = ("Behaviour plan", "Fresh start agreed", "Respite")
_PLACED_EVERY: Final = 3
_PLACED_AFTER: Final = 14  # days into the school year before which nobody is placed elsewhere
_PLACED_FOR: Final = 84  # days


def timetables_register(
    systems: SchoolSystems, timetables: dict[int, list[tuple[int, Timetable]]], until: date
) -> Reading:
    """One row per part-time timetable, in the order they began. `timetables` has registrations by academic year."""
    e = systems.world.enrolments
    every = sorted(
        (found for year in sorted(timetables) for found in timetables[year]),
        key=lambda found: (found[1].start, found[0]),
    )
    rows: list[dict[str, Any]] = []
    people: dict[str, int] = {}
    for line, (row, each) in enumerate(every, start=2):
        person = e.person[row : row + 1]
        ref = systems.refs[int(systems.ref_places(person, each.start)[0])].as_py()
        urn = systems.urns[int(systems.urn_places(e.site[row : row + 1], each.start)[0])].as_py()
        people.setdefault(ref, int(person[0]))
        rows.append({
            "pupil_ref": ref,
            "school_ref": urn,
            "start_date": day_of(each.start),
            "end_date": day_of(each.planned) if each.planned is not None else None,
            "review_date": day_of(min(each.start + _REVIEW_AFTER, each.planned or each.start + _REVIEW_AFTER)),
            "hours": _HOURS,
            "reason": _REASONS[row % len(_REASONS)],
            "parent_agreed": row % 5 > 0,
            "line": line,
        })  # fmt: skip
    return _register(systems, KIND, "part_time_timetable", rows, people, until)


def provision_register(systems: SchoolSystems, until: date) -> Reading:
    """One row per placement elsewhere this school year of a secondary pupil on a plan: off-site direction, managed move
    or alternative provision, in the order they began. Nothing is drawn: the same pupils are always chosen."""
    e, world, today = systems.world.enrolments, systems.world, day_number(until)
    first = day_number(date(academic_year(until), 9, 9))
    age = academic_year(until) - world.people.cohort[e.person]
    here = (e.start <= first) & (e.end >= today) & ~e.subsidiary & (age >= 12) & (age <= 15)
    here &= world.group(academic_year(until))[e.person] >= 1
    chosen = np.flatnonzero(here)[::_PLACED_EVERY] if today > first + _PLACED_AFTER else np.array([], dtype=np.intp)
    rows: list[dict[str, Any]] = []
    people: dict[str, int] = {}
    for n, row in enumerate(chosen):
        kind = _KINDS[n % len(_KINDS)]
        start = min(first + 7 * n % (today - first), today - 1)
        person, site = e.person[row : row + 1], e.site[row : row + 1]
        ref = systems.refs[int(systems.ref_places(person, start)[0])].as_py()
        others = [s for s in sorted({int(s) for s in e.site[np.flatnonzero(here)]}) if s != int(site[0])]
        moved = kind == "MM" and bool(others)
        provider = _PROVIDERS[n % 2]
        if moved:
            other = np.array([others[n % len(others)]], dtype=site.dtype)
            provider = systems.urns[int(systems.urn_places(other, start)[0])].as_py()
        people.setdefault(ref, int(person[0]))
        rows.append({
            "pupil_ref": ref,
            "school_ref": systems.urns[int(systems.urn_places(site, start)[0])].as_py(),
            "provider_ref": provider,
            "kind": kind if moved or kind != "MM" else "OSD",
            "start_date": day_of(start),
            "end_date": day_of(start + _PLACED_FOR),
            "review_date": day_of(start + _REVIEW_AFTER),
            "hours": None if moved else _HOURS,
            "reason": _WHY[n % len(_WHY)],
        })  # fmt: skip
    rows.sort(key=lambda r: (r["start_date"], r["pupil_ref"]))
    rows = [{**each, "line": line} for line, each in enumerate(rows, start=2)]
    return _register(systems, PLACED, "alternative_provision", rows, people, until)


def _register(
    systems: SchoolSystems, kind: str, table: str, rows: list[dict[str, Any]], people: dict[str, int], until: date
) -> Reading:
    """A list with its rows, and the pupils it names (their place among the people, by reference)."""
    person = np.array(list(people.values()), dtype=np.int64)
    refs = pa.array(list(people), pa.string())
    systems.truth.knows(SYSTEM, person, refs)
    return Reading(
        kind=kind,
        system=SYSTEM,
        period=f"to {until.isoformat()}",
        covers=kind,
        authority=AUTHORITY,
        as_at=until.isoformat(),
        tables={
            table: pa.Table.from_pylist(rows, schema=arrow_schema(table)),
            "pupil": table_of("pupil", {"pupil_ref": refs} | systems.pupil_columns(person)),
            "identifier": table_of("identifier", {"ref": refs, "kind": pa.array(["upn"] * len(refs)), "value": refs}),
        },
    )

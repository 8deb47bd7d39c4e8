"""The authority's register of part-time timetables, of the pupils whose marks say that they were on one."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import numpy as np
import pyarrow as pa

from sightline.engine import arrow_schema
from sightline.sources.base import Reading
from sightline.synthetic.people import day_of
from sightline.synthetic.registers import Timetable
from sightline.synthetic.school_tables import SchoolSystems, table_of
from sightline.synthetic.schools import AUTHORITY

KIND: Final = "part-time-timetables"
SYSTEM: Final = "education-registers"
_HOURS: Final = 15.0  # five mornings of three hours
_REASONS: Final = ("Return after illness", "Behaviour plan", "Anxiety about school", "Awaiting a place elsewhere")
_REVIEW_AFTER: Final = 28  # days


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
            "end_date": day_of(each.end),
            "review_date": day_of(min(each.start + _REVIEW_AFTER, each.end)),
            "hours": _HOURS,
            "reason": _REASONS[row % len(_REASONS)],
            "parent_agreed": row % 5 > 0,
            "line": line,
        })  # fmt: skip
    person = np.array(list(people.values()), dtype=np.int64)
    refs = pa.array(list(people), pa.string())
    systems.truth.knows(SYSTEM, person, refs)
    return Reading(
        kind=KIND,
        system=SYSTEM,
        period=f"to {until.isoformat()}",
        covers=KIND,
        authority=AUTHORITY,
        as_at=until.isoformat(),
        tables={
            "part_time_timetable": pa.Table.from_pylist(rows, schema=arrow_schema("part_time_timetable")),
            "pupil": table_of("pupil", {"pupil_ref": refs} | systems.pupil_columns(person)),
            "identifier": table_of("identifier", {"ref": refs, "kind": pa.array(["upn"] * len(refs)), "value": refs}),
        },
    )

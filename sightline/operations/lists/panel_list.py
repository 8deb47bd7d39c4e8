"""Children of whom several facts hold at once, for a panel that discusses them: the facts listed, and no score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa

from sightline import measures
from sightline.operations.lists.kinds import Kind
from sightline.operations.lists.youth_justice import EXPLOITATION, KNOWN, youth_justice
from sightline.operations.lists.youth_justice import holds as of_justice
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import academic_year, year_start
from sightline.vocabulary.tables import Sensitivity

LEAST: Final = 2  # facts of a child on the list


@dataclass(frozen=True, slots=True)
class Fact(Kind):
    """One fact a panel filters by, and the class of field it is."""

    sensitivity: Sensitivity = Sensitivity.EDUCATION


FACTS: Final = (
    Fact("cp-plan", "Child Protection plan", "Counted as on a Child Protection plan on the day.",
         Sensitivity.CARE_STATUS),
    Fact("severe-absence", "Severe absence",
         "Missed the share of possible sessions set for severe absence, or more, this school year. Listed once: such "
         "a child is not listed as persistently absent too."),
    Fact("persistent-absence", "Persistent absence",
         "Missed the share of possible sessions set for persistent absence, or more, this school year."),
    Fact("suspended", "Suspended this year", "A suspension or permanent exclusion began this school year."),
    Fact("part-time", "Part-time timetable this year",
         "On a part-time timetable on some day of this school year, by the newest list received."),
    Fact("missing-education", "Missing education this year",
         "Recorded as missing education on some day of this school year."),
    Fact("ehc-plan", "EHC plan", "An education, health and care plan, by the latest school census."),
    Fact("sen-support", "SEN support", "Special educational needs support, by the latest school census."),
    Fact("moved-school", "Moved school this year",
         "Began at another school than before, after 30 September of this school year."),
    Fact("exploitation", "Exploitation or going missing",
         "An assessment since the plan began, or of the time set before the day, names sexual or criminal "
         "exploitation, trafficking, gangs or going missing.", Sensitivity.CARE_DETAIL),
    Fact("youth-justice", "Known to youth justice",
         "On a plan, and on the youth justice service’s list on the day.", Sensitivity.OFFENCE),
)  # fmt: skip
"""In the order they are said, which ranks nothing."""
BY_KEY: Final = {fact.key: fact for fact in FACTS}


def facts_together(
    opened: Opened,
    scope: Scope,
    children: pa.Table,
    on: date,
    *,
    least: int = LEAST,
    facts: Sequence[Fact] = FACTS,
) -> list[dict[str, Any]]:
    """One row per child of `children` (rows of `cohort_on`, those in scope) of whom `least` facts or more hold on the
    day: its own columns and `facts`, the keys of those that hold in the order of `FACTS`; in the order given. Of facts
    that are not among `facts` nothing is said and none is counted.

    Attendance and suspensions are those in all schools' registers. Raises BadSetting for less than one fact.
    """
    if least < 1:
        raise BadSetting("A panel's list needs at least one fact of each child.")
    door = opened.database
    here = children.filter(pa.array([scope.holds(c) for c in children["child_id"].to_pylist()], pa.bool_()))
    door.add("panel_listed", here.select(["child_id", "urn", "status"]))
    held = measures.panel(door, "panel_listed", start=year_start(academic_year(on)), on=on, settings=opened.settings)
    part_time, missing = (_on_register(opened, table, on) for table in ("part_time_timetable", "missing_education"))
    justice = {row["child_id"]: row for row in youth_justice(opened, scope, children, on)}
    told = {fact.key for fact in facts}
    found: dict[str, tuple[str, ...]] = {}
    for row in held.to_pylist():
        holds = {
            "cp-plan": row["status"] == "CP plan",
            "severe-absence": row["severe"],
            "persistent-absence": row["persistent"] and not row["severe"],
            "suspended": row["suspended"] or row["excluded"],
            "part-time": row["child_id"] in part_time,
            "missing-education": row["child_id"] in missing,
            "ehc-plan": row["sen"] in ("E", "S"),
            "sen-support": row["sen"] in ("K", "A", "P"),
            "moved-school": row["moved"],
            **{
                key: row["child_id"] in justice and of_justice(justice[row["child_id"]], key)
                for key in (EXPLOITATION, KNOWN)
            },
        }
        found[row["child_id"]] = tuple(fact.key for fact in FACTS if fact.key in told and holds[fact.key])
    return [
        {**row, "facts": found[row["child_id"]]} for row in here.to_pylist() if len(found[row["child_id"]]) >= least
    ]


def _on_register(opened: Opened, table: str, on: date) -> frozenset[str]:
    """The children who were on one of the lists schools and the authority keep, on some day of the school year to `on`;
    its last day is in. The lists come a few times a year, so one that speaks of a day alone would miss most."""
    rows = opened.database.rows(
        f"SELECT DISTINCT l.child_id FROM {table} t JOIN link l ON l.system = t.system AND l.ref = t.pupil_ref "
        "JOIN panel_listed p ON p.child_id = l.child_id "
        "WHERE t.start_date <= $on AND (t.end_date IS NULL OR t.end_date >= $first)",
        {"on": on, "first": year_start(academic_year(on))},
    )
    return frozenset(str(child) for (child,) in rows)

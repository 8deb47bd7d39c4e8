"""A team's children this school year, and beside them the team's children of a year before to the same day."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from sightline import cohort, measures
from sightline.cohort import PLANS
from sightline.disclosure import LOCAL, Policy
from sightline.operations.counts.dashboard import year_before
from sightline.operations.lists.school import Group, group_of
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.periods import academic_year, year_start


@dataclass(frozen=True, slots=True)
class TeamYears:
    """A team's children with a plan on a day and on the same day a year before, each from the start of the school year
    to `until` and `before`: the day marks have come to this year (or the day itself, if earlier), and the same day a
    year before. `now`: true figures of children in scope; `then`: None where too few children stand behind a figure,
    since those are not children whom anybody sees today. `fewest` is the least number of children behind a figure."""

    until: date
    before: date
    now: Group
    then: Group
    fewest: int


def team_years(
    opened: Opened, scope: Scope, team_ref: str, children: Collection[str], on: date, *, policy: Policy = LOCAL
) -> TeamYears:
    """The children given (those of them in scope) set beside those allocated to the team a year before the day."""
    database, then_on = opened.database, year_before(on)
    mine = pa.table({"child_id": pa.array(sorted(c for c in children if scope.holds(c)), pa.string())})
    database.add("team_children", mine)
    marks_to = database.one("SELECT max(week) + 6 FROM register_week SEMI JOIN team_children USING (child_id)")
    # To no later day than marks have come: else more of last year's suspensions would be counted than of this year's.
    until = min(on, marks_to or on)
    before = year_before(until)
    allocated = database.query(
        "SELECT DISTINCT child_id FROM allocation WHERE team_ref = $team AND start_date <= $on "
        "AND (end_date IS NULL OR end_date > $on)",
        {"team": team_ref, "on": then_on},
    )
    now, then = _sums(opened, mine, on, until), _sums(opened, allocated, then_on, before)
    return TeamYears(until, before, _true(now), group_of("a year before", then if then["pupils"] else None, policy),
                     policy.threshold)  # fmt: skip


def _sums(opened: Opened, children: pa.Table, on: date, until: date) -> dict[str, int]:
    """Sums over the children with a plan on the day who have a possible session from the start of the school year to
    the day `until`."""
    database = opened.database
    database.add("team_children", children)
    held = cohort.status_on(database, on, within="team_children")
    database.add("team_on_plan", held.filter(pc.is_in(held["status"], pa.array(PLANS))))
    rows = measures.panel(
        database, "team_on_plan", start=year_start(academic_year(until)), on=until, settings=opened.settings
    )
    rows = rows.filter(rows["with_marks"])
    sums = {name: int(pc.sum(rows[name]).as_py() or 0) for name in ("possible", "persistent", "suspended")}
    absent = sum(int(pc.sum(rows[name]).as_py() or 0) for name in ("authorised", "unauthorised"))
    return {"pupils": rows.num_rows, "absent": absent, **sums}


def _true(sums: dict[str, int]) -> Group:
    pupils = sums["pupils"]
    if not pupils:
        return Group(0, None, None, None)
    return Group(
        pupils,
        100.0 * sums["absent"] / sums["possible"],
        100.0 * sums["persistent"] / pupils,
        100.0 * sums["suspended"] / pupils,
    )

"""The lists of persistent and severe absence: who is on them, with trend, and what changed since an earlier list."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline import cohort
from sightline.operations.counts.answers import cohort_on
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.errors import BadSetting

SEVERE, PERSISTENT, NEITHER, NO_MARKS, OUT = "severe", "persistent", "neither", "no marks", "not on a plan"
LISTS: Final = (SEVERE, PERSISTENT)
NEW, LEFT, WORSE, BETTER, SAME = "new", "left", "to_severe", "from_severe", "unchanged"
CHANGES: Final[Mapping[str, str]] = {
    NEW: "New on the lists",
    WORSE: "From persistent to severe",
    BETTER: "From severe to persistent",
    SAME: "On the same list as before",
    LEFT: "Left the lists",
}
USUAL_WEEKS: Final = 4
MOST_WEEKS: Final = 104


@dataclass(frozen=True, slots=True)
class Lists:
    """The lists on a day beside those of an earlier day. `rows`: one row per child on a list on either day (see
    `absence_lists`); `counts`: children by list on each day, severe apart from persistent; `changed`: children by what
    changed."""

    on: date
    since: date
    rows: tuple[dict[str, Any], ...]
    counts: tuple[dict[str, Any], ...]
    changed: Mapping[str, int]


def absence_lists(
    opened: Opened,
    scope: Scope,
    *,
    on: date,
    weeks: int = USUAL_WEEKS,
    schools: Collection[str] | None = None,
) -> Lists:
    """Children on a plan who are persistently or severely absent this school year, now and some weeks before.

    A child is on the list of severe absence having missed the settings' severe share of possible sessions since the
    start of the school year or more, else on that of persistent absence (`persistent_percent`): exact, as the
    dashboard counts. Each row: the columns of `cohort_on`, `list`, `before` (a list, "neither", "no marks" or "not on a
    plan"), `change` (of `CHANGES`), `rate_before`, `points` (attendance now less before, null where either is not
    known) and, for a child who left, `why`. The earlier list is that of its own day: of the school year it lies in, and
    of the children on a plan then. Ordered by list, then attendance, lowest first; who left comes last.

    Raises BadSetting for a number of weeks below 1 or above two years. Source: DfE, pupil absence statistics
    methodology.
    """
    if not 1 <= weeks <= MOST_WEEKS:
        raise BadSetting(f"A list is compared with one of 1 to {MOST_WEEKS} weeks before, not of {weeks}.")
    since = on - timedelta(weeks=weeks)
    now, then = (_placed(opened, scope, day, schools) for day in (on, since))
    rows = []
    for child in {**now, **then}:
        listed, before = (held[child]["list"] if child in held else OUT for held in (now, then))
        if listed not in LISTS and before not in LISTS:
            continue
        row = now.get(child) or then[child]
        change = _change(listed, before)
        rate = now[child]["attendance_rate"] if child in now else None
        rate_before = then[child]["attendance_rate"] if child in then else None
        rows.append(
            {
                **row, "list": listed, "before": before, "change": change, "attendance_rate": rate,
                "rate_before": rate_before,
                "points": rate - rate_before if rate is not None and rate_before is not None else None,
                "why": _why(listed) if change == LEFT else None,
            }
        )  # fmt: skip
    order = {name: place for place, name in enumerate((*LISTS, NEITHER, NO_MARKS, OUT))}
    rows.sort(
        key=lambda r: (order[r["list"]], r["attendance_rate"] is None, r["attendance_rate"] or 0.0, r["child_id"])
    )
    on_lists = [Counter(r["list"] for r in held.values()) for held in (then, now)]
    return Lists(
        on,
        since,
        tuple(rows),
        tuple({"list": name, "then": on_lists[0][name], "now": on_lists[1][name]} for name in LISTS),
        {name: sum(r["change"] == name for r in rows) for name in CHANGES},
    )


def _placed(opened: Opened, scope: Scope, day: date, schools: Collection[str] | None) -> dict[str, dict[str, Any]]:
    """The children on a plan on a day by id, each with the list it is on."""
    rows = cohort_on(opened, scope, day, schools)
    rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(cohort.PLANS)))
    severe, persistent = (
        Fraction(str(percent)) / 100 for percent in (opened.settings.severe_percent, opened.settings.persistent_percent)
    )

    def which(row: Mapping[str, Any]) -> str:
        if not row["possible"]:
            return NO_MARKS
        missed = Fraction(int(row["absent"]), int(row["possible"]))
        return SEVERE if missed >= severe else PERSISTENT if missed >= persistent else NEITHER

    return {row["child_id"]: {**row, "list": which(row)} for row in rows.to_pylist()}


def _change(now: str, before: str) -> str:
    if now not in LISTS:
        return LEFT
    if before not in LISTS:
        return NEW
    return SAME if now == before else WORSE if now == SEVERE else BETTER


def _why(now: str) -> str:
    return {
        NEITHER: "Attendance rose",
        NO_MARKS: "No marks have been received this school year",
        OUT: "No longer on a plan",
    }[now]

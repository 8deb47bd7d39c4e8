"""How well data on six areas can be had, as the Virtual School rates it: kept, repeated, and held against what the data
show and what the Virtual Schools of England answered.

A review is an entry of the registers that are kept (see `registers_kept`): dated, never changed, and naming no child.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline.cohort import PLANS
from sightline.disclosure import Policy
from sightline.operations.counts.answers import cohort_on
from sightline.operations.home import Home
from sightline.operations.keeping.registers_kept import BadField, Field, Register, entries, keep_entry
from sightline.operations.opened import Opened, Scope
from sightline.operations.sheets import Grid, Value
from sightline.vocabulary.data_access import ANSWERS, AREAS, COHORTS, CURRENT, EVER_6, SOURCE, answered
from sightline.vocabulary.dates import typed_day
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import academic_year, year_start

NOT_RATED: Final = "Not rated"
TOO_FEW: Final = "Too few"
NOTHING: Final = "Nothing held"
_LATEST_WEEKS: Final = 2
_LOOKED_THROUGH: Final = 12  # weeks before the newest among which the latest school weeks are looked for
_LINKED: Final = "found in education, so that one of theirs would be known"


def name_of(cohort: str, area: str) -> str:
    """The field of a review that holds the answer about an area of a cohort."""
    return f"{area}_{cohort}"


def _state(entry: Mapping[str, Any], on: date) -> str:
    return "to be repeated" if entry["repeat"] is not None and entry["repeat"] <= on else "kept"


REVIEWS: Final = Register(
    "self-review",
    "Data access self-review",
    "How far the Virtual School has the data it needs of the current cohort and of Ever 6, area by area, as it rates "
    "itself.",
    (
        Field("reviewed", "Reviewed on", "date", True),
        *(
            Field(name_of(cohort, area), f"{label}: {says}", "choice", choices=ANSWERS)
            for cohort, label in COHORTS.items()
            for area, says in AREAS.items()
        ),
        Field("note", "What stands in the way, and what is being done", "long", hint="Name no child"),
        Field("repeat", "To be repeated by", "date"),
    ),
    _state,
)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the held data show of one area of one cohort: of `children` (of compulsory school age), the percentage of
    whom it is `says`, and the newest day the area's data speak of. `percent` is None where there is no child, or too
    few stand behind it for somebody who sees figures alone."""

    children: int | None
    percent: float | None
    says: str
    newest: date | None


@dataclass(frozen=True, slots=True)
class Rating:
    """One row per area of one cohort: the last answer, the one before and how many steps of the scale lie between
    (up is better), what the data show (None: no file has been received), and the national answers."""

    cohort: str
    area: str
    answer: str | None
    reviewed: date | None
    before: str | None
    before_on: date | None
    change: int | None
    evidence: Evidence | None
    agree_nationally: float


def keep_review(home: Home, told: Mapping[str, str], *, by: str, at: datetime, entry_id: str = "") -> str:
    """Keep a review, or a corrected version of one; returns its id.

    Raises BadSetting as `keep_entry` does, for a review of a day to come, and for one that rates nothing.
    """
    answers = {name_of(cohort, area) for cohort in COHORTS for area in AREAS}
    if not entry_id and not any(told.get(name, "").strip() for name in answers):
        raise BadSetting("A review rates at least one area.")
    reviewed = typed_day(told.get("reviewed", ""))
    if reviewed is not None and reviewed > at.date():
        raise BadField("Reviewed on should be today or an earlier day.", "reviewed")
    return keep_entry(home, REVIEWS, told, by=by, at=at, entry_id=entry_id)


def reviews(home: Home, *, on: date) -> list[dict[str, Any]]:
    """One row per review as it stands, the newest first (see `entries`)."""
    return sorted(entries(home, REVIEWS, on=on), key=lambda r: (r["reviewed"], r["at"]), reverse=True)


def ratings(held: Sequence[Mapping[str, Any]], shown: Mapping[tuple[str, str], Evidence]) -> list[Rating]:
    """One row per cohort and area, in their order: `held` as `reviews` gives it, `shown` as `evidence` does."""
    return [_rating(held, cohort, area, shown.get((cohort, area))) for cohort in COHORTS for area in AREAS]


def _rating(held: Sequence[Mapping[str, Any]], cohort: str, area: str, shown: Evidence | None) -> Rating:
    name = name_of(cohort, area)
    told = [r for r in held if r[name] is not None]
    last, before = (told[0] if told else None), (told[1] if len(told) > 1 else None)
    change = ANSWERS.index(last[name]) - ANSWERS.index(before[name]) if last and before else None
    return Rating(
        cohort, area, last[name] if last else None, last["reviewed"] if last else None,
        before[name] if before else None, before["reviewed"] if before else None, change, shown,
        answered(cohort, area).agree,
    )  # fmt: skip


def evidence(
    opened: Opened, scope: Scope, on: date, *, policy: Policy | None = None
) -> dict[tuple[str, str], Evidence]:
    """What the data in force show, by cohort and area, of the children of compulsory school age in scope on the day.

    The current cohort is on a Child Protection or Child in Need plan. With a policy, a percentage behind which too few
    children stand, with or without, is not told: for those who see figures alone.
    """
    rows = cohort_on(opened, scope, on)
    rows = rows.filter(pc.equal(rows["school_age"], "of"))
    groups = {CURRENT: PLANS, EVER_6: ("Ever 6",)}
    door, found = opened.database, {}
    newest = _newest(opened)
    for cohort, statuses in groups.items():
        door.add("reviewed", rows.filter(pc.is_in(rows["status"], pa.array(statuses))).select(["child_id"]))
        (counts,) = door.query(_COUNTS, _told(opened, on)).to_pylist()
        for area, (column, says) in _SHOWN.items():
            of, with_it = int(counts["children"]), int(counts[column])
            found[cohort, area] = shown_of(of, with_it, says, newest[area], policy)
    return found


def shown_of(of: int, with_it: int, says: str, newest: date | None, policy: Policy | None) -> Evidence:
    """What may be told of `with_it` children of `of`: everything without a policy."""
    if policy is not None:
        least = policy.threshold
        if 0 < of < least:
            return Evidence(None, None, says, newest)
        if any(0 < n < least for n in (with_it, of - with_it)):
            return Evidence(of, None, says, newest)
    return Evidence(of, 100.0 * with_it / of if of else None, says, newest)


_SHOWN: Final = {
    "attendance": ("marked", "with marks of the last two school weeks held"),
    "persistent_absence": ("enough", "with sessions enough this school year for a rate"),
    "attainment": ("assessed", "with a result of some assessment"),
    "suspension": ("linked", _LINKED),
    "permanent_exclusions": ("linked", _LINKED),
    "school_moves": ("on_roll", "on a school’s roll that day by a register of pupils"),
}
"""By area: the column of `_COUNTS`, and what holds of the children it counts."""

# A week counts as one of school where at least half as many pupils have sessions as in the fullest of those near it.
_COUNTS: Final = """
    WITH near AS (
        SELECT week, sum(pupils) AS pupils FROM register_school_week
        WHERE possible > 0 AND week > (SELECT max(week) FROM register_school_week WHERE possible > 0) - $looked
        GROUP BY week
    ),
    latest AS (
        SELECT week FROM near WHERE 2 * pupils >= (SELECT max(pupils) FROM near) ORDER BY week DESC LIMIT $weeks
    ),
    marks AS (
        SELECT child_id, bool_or(week IN (FROM latest)) AS marked, sum(possible) >= $least AS enough
        FROM register_week SEMI JOIN reviewed USING (child_id)
        WHERE possible > 0 AND week >= least($since, (SELECT min(week) FROM latest)) GROUP BY child_id
    ),
    roll AS (
        SELECT child_id, bool_or(start_date <= $on AND (end_date IS NULL OR end_date > $on) AND NOT by_marks) AS on_roll
        FROM enrolment_period SEMI JOIN reviewed USING (child_id) GROUP BY child_id
    ),
    assessed AS (
        SELECT DISTINCT child_id FROM attainment a JOIN link l ON l.system = a.system AND l.ref = a.pupil_ref
        SEMI JOIN reviewed USING (child_id)
    )
    SELECT count(*) AS children, count(*) FILTER (marked) AS marked, count(*) FILTER (enough) AS enough,
        count(a.child_id) AS assessed, count(r.child_id) AS linked, count(*) FILTER (on_roll) AS on_roll
    FROM reviewed LEFT JOIN marks USING (child_id) LEFT JOIN roll r USING (child_id)
        LEFT JOIN assessed a USING (child_id)
"""


def _told(opened: Opened, on: date) -> dict[str, Any]:
    return {
        "on": on,
        "looked": 7 * _LOOKED_THROUGH,
        "weeks": _LATEST_WEEKS,
        "least": opened.settings.least_sessions,
        "since": year_start(academic_year(opened.newest)),
    }


def _newest(opened: Opened) -> dict[str, date | None]:
    """The newest day that what is held of each area speaks of, whoever it is about."""
    (row,) = opened.database.rows(
        """
        SELECT (SELECT max(week) + 4 FROM register_school_week WHERE possible > 0),
            (SELECT max(coalesce(d.as_at, d.received)) FROM (SELECT DISTINCT delivery FROM attainment)
                JOIN delivery d USING (delivery)),
            (SELECT max(start_date) FROM exclusion WHERE category = 'SUSP'),
            (SELECT max(start_date) FROM exclusion WHERE category = 'PERM'),
            (SELECT max(coalesce(d.as_at, d.received)) FROM (SELECT DISTINCT delivery FROM enrolment)
                JOIN delivery d USING (delivery))
        """
    )
    marks, attainment, suspension, exclusion, roll = row
    return {
        "attendance": marks, "persistent_absence": marks, "attainment": attainment, "suspension": suspension,
        "permanent_exclusions": exclusion, "school_moves": roll,
    }  # fmt: skip


def rating_table(rows: Iterable[Rating], cohort: str) -> Grid:
    """One row per area of one cohort: the answer and the change, what the data show, and the national answers."""
    return Grid(
        f"{COHORTS[cohort]} cohort", f"{COHORTS[cohort]} cohort",
        ("Area", "Our answer", "Reviewed", "Before", "Change", "The data show, %", "Of children", "Who are", "Newest",
         "Agree nationally, %"),
        tuple(
            (AREAS[r.area], r.answer or NOT_RATED, r.reviewed or "", r.before or NOT_RATED, change_in_words(r.change),
             *_shown(r.evidence), r.agree_nationally)
            for r in rows if r.cohort == cohort
        ),
        (f"Agree nationally: somewhat or strongly, of {answered(cohort, 'attendance').schools} Virtual Schools in "
         f"autumn 2024. Source: {SOURCE}.",),
    )  # fmt: skip


def national_table(cohort: str) -> Grid:
    """One row per area of one cohort: the percentage of Virtual Schools of England that gave each answer."""
    return Grid(
        f"{COHORTS[cohort]}, England", f"{COHORTS[cohort]} cohort: what Virtual Schools of England answered, %",
        ("Area", *ANSWERS), tuple((says, *answered(cohort, area).shares) for area, says in AREAS.items()),
        (f"Source: {SOURCE}.",),
    )  # fmt: skip


def change_in_words(change: int | None) -> str:
    """ "Up 2", "Down 1", "The same", or nothing where there is nothing to compare."""
    if change is None:
        return ""
    return "The same" if not change else f"{'Up' if change > 0 else 'Down'} {abs(change)}"


def _shown(held: Evidence | None) -> tuple[Value, ...]:
    if held is None:
        return (NOTHING, NOTHING, "", "")
    if not held.children:
        few = NOTHING if held.children == 0 else TOO_FEW
        return (few, held.children if held.children == 0 else few, held.says, held.newest or "")
    return (TOO_FEW if held.percent is None else held.percent, held.children, held.says, held.newest or "")

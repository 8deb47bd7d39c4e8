"""Children on Early Help, plan or none: the same attendance view as the cohort has, and never a part of the cohort."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline import alerts, cohort, measures
from sightline.operations.lists.kinds import Kind
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.periods import academic_year, year_start

_WEEK: Final = timedelta(days=7)


KINDS: Final = (
    Kind("excluded", "Permanently excluded this week", "A permanent exclusion began in the week to the newest plans"),
    Kind("suspended", "Suspended this week", "A suspension began in the week to the newest plans"),
    Kind("new", "New on Early Help this week", "The episode began in the week to the newest plans"),
    Kind("severe", "Severely absent this school year", "Missed half or more of their own sessions since September"),
    Kind("persistent", "Persistently absent this school year",
         "Missed a tenth or more of their own sessions since September, the severely absent among them"),
    Kind("falling", "Attendance falling", "Attendance of the last weeks has fallen beside the weeks before them"),
    Kind("no_school", "No school found", "Of compulsory school age, and on no school’s roll"),
    Kind("no_marks", "No marks", "On a school’s roll, with no possible session in a register received since September"),
    Kind("on_plan", "On a plan too", "On a CIN or CP plan, or looked after, as well: counted in the cohort"),
)  # fmt: skip
"""In order of urgency."""


@dataclass(frozen=True, slots=True)
class Totals:
    """The figures of children on Early Help together, this school year: percentages are None where nobody has marks."""

    children: int
    with_marks: int
    attendance: float | None
    persistent: int
    severe: int
    suspensions: int
    suspended: int
    exclusions: int
    moved: int

    def of_marked(self, part: int) -> float | None:
        """A number of children as a percentage of those with marks."""
        return 100.0 * part / self.with_marks if self.with_marks else None


def early_help_on(opened: Opened, scope: Scope, on: date) -> pa.Table:
    """One row per child with an open episode of Early Help on the day, plan or none, by name: the columns of
    `cohort.on_early_help`; of the school year to the day `possible`, `absent`, `with_marks`, `attendance_rate`
    (percent; null without marks), `suspensions`, `suspended_this_year`, `exclusions`, `moved`; `recent_rate` and
    `points` (the last weeks' attendance, and how far above or below the weeks before; settings `drift_recent_weeks` and
    `drift_before_weeks`; null where either has fewer sessions than `least_sessions`); and a yes or no per `KINDS`.
    """
    return scope.only(opened.once(("early help", on), lambda: _everyone(opened, on)))


def totals(rows: pa.Table) -> Totals:
    """Rows of `early_help_on` added up."""

    def number(column: str) -> int:
        return int(pc.sum(rows[column].cast(pa.int64())).as_py() or 0)

    possible, absent = number("possible"), number("absent")
    return Totals(
        rows.num_rows, number("with_marks"), 100.0 * (possible - absent) / possible if possible else None,
        number("persistent"), number("severe"), number("suspensions"), number("suspended_this_year"),
        number("exclusions"), number("moved"),
    )  # fmt: skip


def _everyone(opened: Opened, on: date) -> pa.Table:
    start, settings = year_start(academic_year(on)), opened.settings
    recent, before = settings.drift_recent_weeks, settings.drift_before_weeks
    first = alerts.registers_from(on, settings)
    door = opened.door(first)
    door.add("early_help_now", cohort.on_early_help(door, on))
    door.add("early_help_panel", measures.panel(door, "early_help_now", start=start, on=on, settings=settings))
    return door.query(
        f"""
        -- The school weeks of the week's list, so that a child on both is said to fall on both.
        WITH school_week AS (
            {alerts.school_weeks_sql("(FROM register_school_week WHERE week BETWEEN $first AND $on)")}
        ),
        stretches AS (
            SELECT child_id, sum(possible) FILTER (n <= {recent}) AS recent_possible,
                sum(possible) FILTER (n > {recent}) AS before_possible,
                100.0 * sum(possible - authorised - unauthorised) FILTER (n <= {recent}) / recent_possible
                    AS recent_rate,
                100.0 * sum(possible - authorised - unauthorised) FILTER (n > {recent}) / before_possible AS before_rate
            FROM register_week JOIN school_week USING (week) SEMI JOIN early_help_now USING (child_id)
            WHERE n <= {recent + before} GROUP BY child_id
        ),
        compared AS (
            SELECT child_id, recent_rate, recent_rate - before_rate AS points FROM stretches
            WHERE recent_possible >= $least AND before_possible >= $least
        ),
        out AS (
            SELECT child_id, bool_or(category = 'SUSP') AS suspended, bool_or(category = 'PERM') AS excluded
            FROM exclusion WHERE start_date > $week AND start_date <= $on GROUP BY child_id
        )
        SELECT now.*, p.possible, p.authorised + p.unauthorised AS absent, p.with_marks,
            100.0 * (p.possible - p.authorised - p.unauthorised) / nullif(p.possible, 0) AS attendance_rate,
            p.persistent, p.severe, p.suspensions, p.suspended AS suspended_this_year, p.exclusions, p.moved,
            recent_rate, points, coalesce(out.excluded, false) AS excluded,
            coalesce(out.suspended, false) AS suspended, now.helped_since > $week AS "new",
            coalesce(round(points, 9) <= -$points, false) AS falling,
            now.urn IS NULL AND coalesce(now.school_age = 'of', false) AS no_school,
            now.urn IS NOT NULL AND NOT p.with_marks AS no_marks,
            coalesce(now.status IN ({", ".join(f"'{s}'" for s in cohort.PLANNED)}), false) AS on_plan
        FROM early_help_now now JOIN early_help_panel p USING (child_id) LEFT JOIN compared USING (child_id)
            LEFT JOIN out USING (child_id)
        ORDER BY now.surname NULLS LAST, now.forename NULLS LAST, child_id
        """,
        {"first": first, "on": on, "week": on - _WEEK, "least": settings.least_sessions,
         "points": settings.drift_points},
    )  # fmt: skip

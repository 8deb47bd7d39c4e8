"""Attendance before a plan ended or was stepped down, so that education is looked at before a case is closed."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline import cohort
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.limits import HOLIDAY_WEEKS

CLOSING: Final = ("plan ended", "step down")
"""The changes of `cohort.changes` after which less is done for a child."""
USUAL_WEEKS: Final = 8
MOST_WEEKS: Final = 520


def closures(opened: Opened, scope: Scope, *, on: date, weeks: int = USUAL_WEEKS) -> pa.Table:
    """One row per child per plan that ended or was stepped down in the weeks to `on`, latest first.

    Columns: child_id, surname, forename, change, says, last_day (of the plan), day (first day of the new state),
    presumed, worker_name and team_name (whose the child was on the last day), and for each number n of the setting
    `closure_weeks`:
    `attendance_n` (percent of possible sessions, null without marks), `possible_n` (half days), `weeks_n` (weeks with
    sessions, at most n) and `from_n` (Monday of the first). The weeks are the child's newest whole weeks with a
    possible session before the week of the day. delivery and line: the plan row it rests on.

    Raises BadSetting for a number of weeks below 1 or above ten years.
    """
    if not 1 <= weeks <= MOST_WEEKS:
        raise BadSetting(f"Closures are listed of 1 to {MOST_WEEKS} weeks, not of {weeks}.")
    since = on - timedelta(weeks=weeks)
    numbers = opened.settings.closure_weeks
    back = timedelta(weeks=max(numbers) + HOLIDAY_WEEKS.value)
    door = opened.door(since - back)
    within = opened.within(scope, door)
    rows = cohort.changes(door, since, on, settings=opened.settings, within=within)
    door.add("closing_change", rows.filter(pc.is_in(rows["change"], value_set=pa.array(CLOSING))))
    sums = ", ".join(
        f"100.0 * sum(possible - absent) FILTER (n <= {n}) / sum(possible) FILTER (n <= {n}) AS attendance_{n}, "
        f"coalesce(sum(possible) FILTER (n <= {n}), 0)::INTEGER AS possible_{n}, "
        f"count(n) FILTER (n <= {n})::INTEGER AS weeks_{n}, min(week) FILTER (n <= {n}) AS from_{n}"
        for n in numbers
    )
    names = ", ".join(f"{name}_{n}" for n in numbers for name in ("attendance", "possible", "weeks", "from"))
    return door.query(
        f"""
        WITH days AS (SELECT DISTINCT child_id, day FROM closing_change),
        week_before AS (
            SELECT child_id, day, week, sum(possible) AS possible, sum(authorised + unauthorised) AS absent,
                row_number() OVER (PARTITION BY child_id, day ORDER BY week DESC) AS n
            FROM days JOIN register_week USING (child_id)
            WHERE week < date_trunc('week', day)::DATE AND week >= day - {back.days}
            GROUP BY child_id, day, week HAVING sum(possible) > 0
        ),
        attended AS (
            SELECT child_id, day, {sums} FROM days LEFT JOIN week_before USING (child_id, day) GROUP BY child_id, day
        ),
        allocated AS (
            SELECT child_id, day, worker_name, team_name FROM days JOIN allocation USING (child_id)
            WHERE start_date < day AND (end_date IS NULL OR end_date >= day)
            QUALIFY row_number() OVER (PARTITION BY child_id, day ORDER BY start_date DESC, worker_ref) = 1
        )
        SELECT child_id, surname, forename, change, says, (day - 1)::DATE AS last_day, day, presumed, worker_name,
            team_name, {names}, delivery, line
        FROM closing_change JOIN attended USING (child_id, day) LEFT JOIN allocated USING (child_id, day)
            LEFT JOIN person USING (child_id)
        ORDER BY day DESC, surname, forename, child_id, change
        """
    )

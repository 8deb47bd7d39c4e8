"""Who counts under which status, day by day: the one place where precedence, look-back, ages and deaths are applied."""

from __future__ import annotations

import pyarrow as pa

from sightline.cohort.words import NEVER
from sightline.engine import Database
from sightline.vocabulary.settings import Settings

PLANS = ("CP plan", "CIN plan")
EVER_6, ASSESSED = "Ever 6", "assessment only"
# With a plan, of whatever kind, now. Who is also on Early Help is counted here, and apart there.
PLANNED = ("looked after", *PLANS)
STATUSES = (*PLANNED, EVER_6, ASSESSED)
# Counted as children with a social worker; looked after and assessed children are shown apart.
COHORT = (*PLANS, EVER_6)


def assemble_counted_periods(database: Database, settings: Settings) -> pa.Table:
    """One row per child per unbroken period under one counted status and one latest ended plan, closed-open.

    No two periods of a child overlap, so a join on "covers the day" gives each child's status of any day, and nothing
    else needs to know the rules:
    - the first of `settings.precedence` that a period of covers the day counts;
    - a child under none of them is "Ever 6" from the first day off a CIN or CP plan until the first of: the last day
      of the plan is `look_back_years` before the day (exactly so is out), the birthday after `ever_6_oldest_age`
      (29 February: 1 March), the day of death, a new plan. Without a birth date the age ends nothing;
    - a child under none of these who is being assessed is "assessment only".

    `since`: the first day of the status's own period, even where another outranked it on that day; for Ever 6 the
    first day off the plan. `last_plan_end`: the first day off the latest plan that has ended; a plan that ends beneath
    another status begins a new row of it. `delivery`, `line` and `other_authority` are of the period counted, for
    Ever 6 of the plan that ended. Reads `status_period` and `person`.
    Sources: DfE, outcomes of children in need methodology (precedence); evaluation report (six years).
    """
    ranks = " ".join(f"WHEN '{status}' THEN {n}" for n, status in enumerate(settings.precedence))
    last = len(settings.precedence)
    plans = ", ".join(f"'{plan}'" for plan in PLANS)
    window_over = _first_day_after("s.end_date - 1", settings.look_back_years)
    grown_up = _first_day_after("p.birth_date", settings.ever_6_oldest_age + 1)
    return database.conformed(
        "counted_period",
        f"""
        WITH held AS (
            SELECT child_id, CASE status WHEN 'assessment' THEN '{ASSESSED}' ELSE status END AS status,
                CASE status {ranks} ELSE {last + 1} END AS rank, start_date, coalesce(end_date, {NEVER}) AS until,
                start_date AS since, end_date AS ended, other_authority, delivery, line
            FROM status_period
            UNION ALL
            SELECT s.child_id, '{EVER_6}', {last}, s.end_date,
                least({window_over}, coalesce({grown_up}, {NEVER}), coalesce(p.death_date, {NEVER})), s.end_date, NULL,
                NULL, s.delivery, s.line
            FROM status_period s LEFT JOIN person p USING (child_id)
            WHERE s.status IN ({plans}) AND s.end_date IS NOT NULL
        ),
        cuts AS (
            SELECT child_id, day, max(plan_end) AS plan_end FROM (
                SELECT child_id, start_date AS day, NULL::DATE AS plan_end FROM held
                UNION ALL
                SELECT child_id, until, CASE WHEN status IN ({plans}) THEN ended END FROM held
            ) GROUP BY ALL
        ),
        slices AS (
            SELECT child_id, day, lead(day) OVER w AS next_day,
                max(plan_end) OVER (w ROWS UNBOUNDED PRECEDING) AS last_plan_end
            FROM cuts WINDOW w AS (PARTITION BY child_id ORDER BY day)
        ),
        counted AS (
            SELECT s.child_id, s.day, s.next_day, s.last_plan_end, h.* EXCLUDE (child_id)
            FROM slices s JOIN held h ON h.child_id = s.child_id AND h.start_date <= s.day AND h.until >= s.next_day
            -- Of two plans that ended the later is looked back to; of two assessments the earlier is told.
            QUALIFY row_number() OVER (PARTITION BY s.child_id, s.day ORDER BY h.rank,
                CASE WHEN h.status = '{EVER_6}' THEN h.since END DESC, h.since, h.until DESC, h.line) = 1
        ),
        marked AS (
            SELECT *, coalesce(lag(next_day) OVER w = day AND lag(status) OVER w = status AND lag(since) OVER w = since
                AND lag(last_plan_end) OVER w IS NOT DISTINCT FROM last_plan_end, false) AS goes_on
            FROM counted WINDOW w AS (PARTITION BY child_id ORDER BY day)
        ),
        numbered AS (
            SELECT *, count(*) FILTER (NOT goes_on) OVER (PARTITION BY child_id ORDER BY day ROWS UNBOUNDED PRECEDING)
                AS period
            FROM marked
        )
        SELECT child_id, any_value(status) AS status, min(day) AS start_date,
            nullif(max(next_day), {NEVER}) AS end_date, any_value(since) AS since,
            any_value(last_plan_end) AS last_plan_end, arg_max(other_authority, day) AS other_authority,
            arg_max(delivery, day) AS delivery, arg_max(line, day) AS line
        FROM numbered GROUP BY child_id, period
        ORDER BY child_id, start_date
        """,
    )


def _first_day_after(day: str, years: int) -> str:
    """SQL for the first day whose same day `years` before is on or after the day; null where the day is.

    29 February has no same day in an ordinary year: the look-back from there is to 28 February, so what began on
    29 February is reached on 1 March.
    """
    later = f"({day} + INTERVAL {int(years)} YEAR)::DATE"
    return f"({later} + (({later} - INTERVAL {int(years)} YEAR)::DATE < {day})::INT)"

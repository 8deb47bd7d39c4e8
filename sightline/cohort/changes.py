"""What changed between two days: plans new, ended, stepped up and down and begun again, each with what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from sightline.cohort.counted import PLANS, STATUSES
from sightline.cohort.status import day_sql, live, quoted, status_sql
from sightline.engine import Database
from sightline.vocabulary.settings import Settings

CHANGES = ("new plan", "re-plan", "step up", "step down", "plan ended", "looked after", "no longer looked after")


@dataclass(frozen=True, slots=True)
class Summary:
    """The cohort on two days.

    `now` and `then`: children under each status. `joiners`, `leavers`: children on a plan on one of the two days and
    not on the other, so on_plan now = on_plan then + joiners - leavers. The rest count children with such a change
    after `since` and up to `on`; `came_and_went` had a plan between the days and on neither. `days_open`: median days
    since the plan began, by plan, on `on` (None: no child).
    """

    on: date
    since: date
    now: Mapping[str, int]
    then: Mapping[str, int]
    joiners: int
    leavers: int
    came_and_went: int
    new_plans: int
    re_plans: int
    step_ups: int
    step_downs: int
    ended: int
    days_open: Mapping[str, float | None]

    @property
    def on_plan(self) -> tuple[int, int]:
        """Children on a CP or CIN plan then and now."""
        return sum(self.then[s] for s in PLANS), sum(self.now[s] for s in PLANS)

    @property
    def cohort(self) -> tuple[int, int]:
        """Children on a plan, or on one within the look-back, then and now."""
        then, now = self.on_plan
        return then + self.then["Ever 6"], now + self.now["Ever 6"]


def changes(
    database: Database,
    since: date,
    on: date,
    *,
    settings: Settings,
    within: str = "person",
) -> pa.Table:
    """One row per child per change after `since` and up to `on`, latest first.

    Columns: child_id, change, status, day (first day of the new state), says, presumed, delivery, line (the plan row
    it rests on). Changes:
    - `step up`: a CP plan starts while, or within `settings.step_days` after, a CIN plan ran; `step down`: a CP plan
      ended and a CIN plan runs on or starts within `settings.step_days`;
    - `re-plan`: a plan starts for a child on none who had an earlier one; `new plan`: for a child who never had;
    - `plan ended`: a plan ended, none runs on, and no step follows by `on`;
    - `looked after`, `no longer looked after`.
    A plan of the lesser kind that starts or ends beneath a running CP plan changes nothing. Nothing that starts after
    `on` is looked at, so the answer for a past date is what could have been said that day. `within` as for
    `status_on`.
    """
    return database.query(
        f"SELECT * FROM ({_changes_sql(since, on, within, settings.step_days)}) ORDER BY day DESC, child_id, change"
    )


def _changes_sql(since: date, on: date, within: str, step_days: int) -> str:
    first, last = day_sql(since), day_sql(on)
    plans = ", ".join(f"'{p}'" for p in PLANS)
    days = int(step_days)
    return f"""
        WITH seen AS (
            SELECT child_id, status, start_date, CASE WHEN end_date <= {last} THEN end_date END AS end_date,
                end_date <= {last} AND presumed AS presumed, delivery, line
            FROM status_period
            WHERE start_date <= {last} AND child_id IN (SELECT child_id FROM {quoted(within)})
                AND status IN ({plans}, 'looked after')
        ),
        plan AS (SELECT * FROM seen WHERE status IN ({plans})),
        started AS (
            SELECT p.*,
                coalesce(bool_or(q.end_date IS NULL OR q.end_date >= p.start_date) FILTER (q.child_id IS NOT NULL),
                    false) AS on_another,
                coalesce(bool_or(q.status <> p.status AND q.status = 'CIN plan'
                    AND (q.end_date IS NULL OR q.end_date >= p.start_date - {days})), false) AS after_cin,
                coalesce(bool_or(q.status <> p.status AND q.status = 'CP plan'
                    AND q.end_date BETWEEN p.start_date - {days} AND p.start_date), false) AS after_cp,
                coalesce(bool_or(q.end_date <= p.start_date), false) AS had_one
            FROM plan p LEFT JOIN plan q ON q.child_id = p.child_id AND q.start_date < p.start_date
            WHERE p.start_date > {first} AND p.start_date <= {last}
            GROUP BY ALL
        ),
        ended AS (
            SELECT p.*,
                coalesce(bool_or({live("q", "p.end_date")}), false) AS runs_on,
                coalesce(bool_or(q.status = 'CIN plan' AND {live("q", "p.end_date")} AND q.start_date < p.end_date),
                    false) AS cin_beneath,
                coalesce(bool_or(q.status <> p.status AND q.start_date BETWEEN p.end_date AND p.end_date + {days}),
                    false) AS step_follows
            FROM plan p LEFT JOIN plan q ON q.child_id = p.child_id
                AND (q.status <> p.status OR q.start_date <> p.start_date)
            WHERE p.end_date > {first} AND p.end_date <= {last}
            GROUP BY ALL
        ),
        found AS (
            SELECT child_id, CASE WHEN status = 'CP plan' AND after_cin THEN 'step up'
                    WHEN status = 'CIN plan' AND after_cp THEN 'step down'
                    WHEN on_another THEN NULL WHEN had_one THEN 're-plan' ELSE 'new plan' END AS change,
                status, start_date AS day, false AS presumed, delivery, line
            FROM started
            UNION ALL
            SELECT child_id, CASE WHEN status = 'CP plan' AND cin_beneath THEN 'step down'
                    WHEN NOT runs_on AND NOT step_follows THEN 'plan ended' END,
                CASE WHEN status = 'CP plan' AND cin_beneath THEN 'CIN plan' ELSE status END,
                end_date, coalesce(presumed, false), delivery, line
            FROM ended
            UNION ALL
            SELECT child_id, 'looked after', status, start_date, false, delivery, line
            FROM seen WHERE status = 'looked after' AND start_date > {first}
            UNION ALL
            SELECT child_id, 'no longer looked after', status, end_date, coalesce(presumed, false), delivery, line
            FROM seen WHERE status = 'looked after' AND end_date > {first}
        )
        SELECT child_id, change, status, day, CASE change
                WHEN 'new plan' THEN 'New ' || status
                WHEN 're-plan' THEN 'New ' || status || ' after an earlier plan had ended'
                WHEN 'step up' THEN 'Stepped up from a CIN plan to a CP plan'
                WHEN 'step down' THEN 'Stepped down from a CP plan to a CIN plan'
                WHEN 'plan ended' THEN status || CASE WHEN presumed
                    THEN ' presumed ended: a later file no longer shows it' ELSE ' ended' END
                WHEN 'looked after' THEN 'Became looked after'
                ELSE 'No longer looked after' END AS says,
            presumed, delivery, line
        FROM found WHERE change IS NOT NULL
        -- Two plans that start or end together are one change, told by the CP plan.
        QUALIFY row_number() OVER (PARTITION BY child_id, change, day ORDER BY status = 'CP plan' DESC, line) = 1
    """


def summary(
    database: Database,
    on: date,
    since: date,
    *,
    settings: Settings,
    within: str = "person",
) -> Summary:
    """The cohort on `on` compared with `since` (earlier): counts, churn and days open. See `Summary`."""
    pairs = database.rows(
        f"""
        WITH now AS ({status_sql(on, within)}),
        before AS ({status_sql(since, within)})
        SELECT n.status, b.status, count(*) FROM now n FULL JOIN before b USING (child_id) GROUP BY ALL
        """
    )
    now, then = dict.fromkeys(STATUSES, 0), dict.fromkeys(STATUSES, 0)
    joiners = leavers = 0
    for at_end, at_start, children in pairs:
        if at_end:
            now[at_end] += children
        if at_start:
            then[at_start] += children
        joiners += children if at_end in PLANS and at_start not in PLANS else 0
        leavers += children if at_start in PLANS and at_end not in PLANS else 0
    plans = ", ".join(f"'{p}'" for p in PLANS)
    medians: dict[str, float | None] = dict.fromkeys(PLANS)
    medians |= database.rows(
        f"""
        SELECT status, median({day_sql(on)} - since)::DOUBLE
        FROM ({status_sql(on, within)}) WHERE status IN ({plans}) GROUP BY status
        """
    )
    moved = _changes_sql(since, on, within, settings.step_days)
    changed = dict(database.rows(f"SELECT change, count(DISTINCT child_id) FROM ({moved}) GROUP BY 1"))
    came_and_went = database.one(
        f"""
        SELECT count(DISTINCT child_id) FROM status_period
        WHERE status IN ({plans}) AND start_date > {day_sql(since)} AND end_date <= {day_sql(on)}
            AND child_id IN (SELECT child_id FROM {quoted(within)})
            AND child_id NOT IN (SELECT child_id FROM status_period s
                WHERE s.status IN ({plans}) AND (({live("s", day_sql(since))}) OR ({live("s", day_sql(on))})))
        """
    )
    return Summary(
        on=on,
        since=since,
        now=now,
        then=then,
        joiners=joiners,
        leavers=leavers,
        came_and_went=came_and_went,
        new_plans=changed.get("new plan", 0),
        re_plans=changed.get("re-plan", 0),
        step_ups=changed.get("step up", 0),
        step_downs=changed.get("step down", 0),
        ended=changed.get("plan ended", 0),
        days_open=medians,
    )

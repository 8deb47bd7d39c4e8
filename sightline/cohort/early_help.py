"""Who is on Early Help on a day. It is no plan and has no social worker: a group apart from the cohort."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from sightline.cohort.status import day_sql, live, placed_sql, quoted, status_sql
from sightline.cohort.words import RANKED, latest
from sightline.engine import Database


def assemble_early_help(database: Database) -> pa.Table:
    """One row per child per day on which an episode of Early Help began, closed-open.

    An end as received is a last day. The latest delivery that mentions an episode has the last word; one left open that
    a later delivery of the same system no longer shows has ended by that day. An episode that ends before it starts is
    not believed. The lead practitioner is named by the system's list of professionals, else as the episode names them.
    Reads `early_help`, `professional`, `link` and `delivery`.
    """
    return database.conformed("early_help_period", _SQL)


def on_early_help(database: Database, on: date, *, within: str = "person") -> pa.Table:
    """One row per child with an open episode of Early Help on the day, by name: the columns of `status_on`, and
    `helped_since` (first day of the episode that began first), `practitioner` and `organisation` (of the one that began
    last).

    `status` and what goes with it are null for a child whom social care does not have: a child on a plan, being
    assessed or looked back to is in both this table and `status_on`. `within` names a table whose `child_id`s may be
    seen.
    """
    day = day_sql(on)
    helped = f"""
        SELECT child_id, min(start_date) AS helped_since, arg_max(worker_name, start_date) AS practitioner,
            arg_max(organisation, start_date) AS organisation
        FROM early_help_period h
        WHERE {live("h", day)} AND child_id IN (SELECT child_id FROM {quoted(within)}) GROUP BY child_id
    """
    statuses = f"""
        SELECT child_id, status, since, last_plan_end
        FROM ({helped}) LEFT JOIN ({status_sql(on, within)}) USING (child_id)
    """
    return database.query(
        f"""
        SELECT placed.*, helped_since, practitioner, organisation
        FROM ({placed_sql(on, statuses)}) AS placed JOIN ({helped}) USING (child_id)
        ORDER BY surname NULLS LAST, forename NULLS LAST, child_id
        """
    )


_SQL = f"""
    WITH {RANKED},
    professionals AS (
        SELECT p.system, p.professional_ref, {latest("p.name", "r.word")} AS name
        FROM professional p JOIN ranked r USING (delivery) GROUP BY ALL
    ),
    said AS (
        SELECT l.child_id, e.*, coalesce(r.word, 0) AS word, r.day FROM early_help e
        JOIN link l ON l.system = e.system AND l.ref = e.child_ref LEFT JOIN ranked r USING (delivery)
        WHERE e.start_date IS NOT NULL AND (e.end_date IS NULL OR e.end_date >= e.start_date)
    ),
    heard AS (SELECT system, max(day) AS last_day FROM early_help JOIN ranked USING (delivery) GROUP BY ALL)
    SELECT child_id, start_date,
        CASE WHEN end_date IS NULL AND last_day > day THEN greatest(day, start_date) + 1 ELSE end_date + 1
            END AS end_date,
        coalesce(p.name, worker_ref) AS worker_name, organisation, delivery, line
    FROM said LEFT JOIN heard USING (system)
    LEFT JOIN professionals p ON p.system = said.system AND p.professional_ref = said.worker_ref
    QUALIFY row_number() OVER (PARTITION BY child_id, start_date
        ORDER BY word DESC, end_date IS NULL, end_date DESC, line) = 1
    ORDER BY child_id, start_date
"""

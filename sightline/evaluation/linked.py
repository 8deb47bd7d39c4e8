"""The linked data set: plans merged and cut into academic years, joined to pupils and their outcomes, all counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sightline.engine import Database
from sightline.engine.relations import DuckRelations, Relations
from sightline.evaluation.study import Study

LINKED: Final = (
    "exposure",
    "pupil_plan",
    "status",
    "pupil_year",
    "ks1_linked",
    "ks2_linked",
    "ks4_linked",
    "week",
    "count",
)
"""The tables `link` makes, which every later step reads."""
PRECISE = "DECIMAL(18, 6)"
"""Exact sums: the order in which threads add must not change a digit."""


@dataclass(frozen=True, slots=True)
class Count:
    """One step of the linking: how many went in or out, and why."""

    part: str
    step: str
    n: int


def link(
    database: Database,
    study: Study,
    relations: Relations | None = None,
    *,
    pupil: str = "string",
    plans_only: bool = False,
) -> None:
    """Make the linked tables from the received ones (`census`, `absence`, ... and `plan_record`).

    plan_record: pupil, plan, start, last (day, as received), census (the year it ends in).
    exposure: one row per pupil, kind of plan and year, with days and months on it.
    pupil_plan: one row per pupil and kind of plan: years with it, and whether before and after.
    status: one row per pupil and year with a plan: the group.
    pupil_year: one row per pupil and year of the census: covariates, sessions missed and suspended, months by kind.
    ks1_linked, ...: one row per pupil of a key stage in a year of the windows, with group and covariates.
    week: one row per group and week of local attendance, for the interrupted time series.
    count: one row per step counted.

    The steps run in `relations` (the database itself, when not given); weeks and counts are always the database's.
    `pupil` is the type of the pupil matching references: "string" or "int64". With `plans_only` nothing but plan_record
    is read, and the first three tables are made.
    """
    # Ibis takes half a second to load, which nobody who only asks what a table is should wait for.
    from sightline.evaluation import pipeline

    made = list(pipeline.steps(relations or DuckRelations(database), study, pupil, plans_only=plans_only))
    made += [] if plans_only else _weeks(database)
    database.execute('CREATE OR REPLACE TABLE "count" (place INTEGER, part VARCHAR, step VARCHAR, n BIGINT)')
    for place, (part, step, n) in enumerate(made):
        database.execute('INSERT INTO "count" VALUES (?, ?, ?, ?)', [place, part, step, int(n)])


def counts(database: Database) -> list[Count]:
    """Every step counted, in order."""
    return [Count(*row) for row in database.rows('SELECT part, step, n FROM "count" ORDER BY place')]


def _weeks(database: Database) -> list[tuple[str, str, int]]:
    """Weekly attendance as received, one row per group and Monday; a week received twice is one, parts add up."""
    told = "SELECT count(*) FROM weekly"
    bad = " WHERE week IS NULL OR possible IS NULL OR possible <= 0 OR missed IS NULL"
    database.execute(
        """
        CREATE OR REPLACE TABLE week AS
        SELECT coalesce(grp, 'All') AS grp, CAST(date_trunc('week', week) AS DATE) AS monday,
            CAST(sum(CAST(possible AS DECIMAL(18, 2))) AS DOUBLE) AS possible,
            CAST(sum(CAST(missed AS DECIMAL(18, 2))) AS DOUBLE) AS missed
        FROM (SELECT DISTINCT * FROM weekly)
        WHERE week IS NOT NULL AND possible > 0 AND missed IS NOT NULL GROUP BY ALL ORDER BY ALL
        """
    )
    if not database.one(told):
        return []
    return [
        ("Weeks", "Records received", int(database.one(told))),
        ("Weeks", "Left out: no week or no possible session", int(database.one(told + bad))),
    ]

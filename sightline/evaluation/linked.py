"""The linked data set: plans merged and cut into academic years, joined to pupils and their outcomes, all counted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sightline.engine import Database
from sightline.evaluation.received import SUSPENDED, TABLES
from sightline.evaluation.study import NO_PLAN, PLANS, Study

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
STAGES: Final = ("ks1", "ks2", "ks4")
PRECISE = "DECIMAL(18, 6)"
"""Exact sums: the order in which threads add must not change a digit."""


@dataclass(frozen=True, slots=True)
class Count:
    """One step of the linking: how many went in or out, and why."""

    part: str
    step: str
    n: int


def link(database: Database, study: Study) -> None:
    """Make the linked tables from the received ones (`census`, `absence`, ... and `plan_record`).

    plan_record: pupil, plan, start, last (day, as received), census (the year it ends in).
    exposure: one row per pupil, kind of plan and year, with days and months on it.
    pupil_plan: one row per pupil and kind of plan: years with it, and whether before and after.
    status: one row per pupil and year with a plan: the group.
    pupil_year: one row per pupil and year of the census: covariates, sessions missed and suspended, months by kind.
    ks1_linked, ...: one row per pupil of a key stage in a year of the windows, with group and covariates.
    week: one row per group and week of local attendance, for the interrupted time series.
    count: one row per step counted.
    """
    database.execute('CREATE OR REPLACE TABLE "count" (place INTEGER, part VARCHAR, step VARCHAR, n BIGINT)')
    _years(database, study)
    _plans(database, study)
    _exposure(database, study)
    _pupil_years(database)
    for stage in STAGES:
        _attainment(database, stage)
    _weeks(database)


def counts(database: Database) -> list[Count]:
    """Every step counted, in order."""
    return [Count(*row) for row in database.rows('SELECT part, step, n FROM "count" ORDER BY place')]


def _note(database: Database, part: str, step: str, sql: str) -> None:
    n = database.one(sql)
    place = database.one('SELECT count(*) FROM "count"')
    database.execute('INSERT INTO "count" VALUES (?, ?, ?, ?)', [place, part, step, int(n or 0)])


def _years(database: Database, study: Study) -> None:
    rows = ", ".join(
        f"({y}, DATE '{study.windows.start(y)}', DATE '{study.windows.start(y + 1)}', {study.post[y]})"
        for y in study.windows.years
    )
    database.execute(
        f"CREATE OR REPLACE TABLE study_year AS SELECT * FROM (VALUES {rows}) AS t(year, first, next, post)"
    )


def _plans(database: Database, study: Study) -> None:
    """Plans as spells: the latest census's word on each, unended ones closed where the data stop, overlaps merged."""
    part = "Plans"
    _note(database, part, "Records of plans received", "SELECT count(*) FROM plan_record")
    _note(
        database,
        part,
        "Left out: no pupil matching reference",
        "SELECT count(*) FROM plan_record WHERE pupil IS NULL",
    )
    _note(
        database,
        part,
        "Left out: no start",
        "SELECT count(*) FROM plan_record WHERE pupil IS NOT NULL AND start IS NULL",
    )
    to = study.windows.plans_to
    final = f"DATE '{to}'" if to else "(SELECT max(greatest(start, coalesce(last, start))) FROM plan_record)"
    database.execute(
        f"""
        CREATE OR REPLACE TABLE plan_known AS
        WITH said AS (
            SELECT pupil, plan, start, census, max(last) AS last FROM plan_record
            WHERE pupil IS NOT NULL AND start IS NOT NULL GROUP BY ALL
        ), latest AS (
            SELECT pupil, plan, start, arg_max_null(last, census) AS last, max(census) AS census FROM said GROUP BY ALL
        )
        SELECT *, {final} AS final,
            -- A plan that no later census mentions, though one was taken, is not known to have gone on.
            last IS NULL AND census < (SELECT max(census) FROM said) AS lost
        FROM latest
        """
    )
    _note(database, part, "Plans, each once", "SELECT count(*) FROM plan_known")
    _note(
        database,
        part,
        "Of these, without an end and in no later census: taken to end on 31 March of the last that had them",
        "SELECT count(*) FROM plan_known WHERE lost",
    )
    _note(
        database,
        part,
        f"Of these, open when the data stop{f' on {to.day} {to:%B %Y}' if to else ''}: months after it are not seen",
        "SELECT count(*) FROM plan_known WHERE NOT lost AND start <= final AND (last IS NULL OR last > final)",
    )
    _note(database, part, "Left out: ends before it starts", "SELECT count(*) FROM plan_known WHERE last < start")
    _note(database, part, "Left out: starts after the data stop", "SELECT count(*) FROM plan_known WHERE start > final")
    day_after = 1 if study.exposure.end_day_counts else 0
    database.execute(
        f"""
        CREATE OR REPLACE TABLE spell AS
        WITH span AS (
            SELECT pupil, plan, start, least(final + 1, CASE
                WHEN last IS NOT NULL THEN last + {day_after}
                WHEN lost THEN make_date(census, 4, 1)
                ELSE final + 1 END) AS stop
            FROM plan_known WHERE start <= final AND (last IS NULL OR last >= start)
        ), reached AS (
            SELECT *, max(stop) OVER (PARTITION BY pupil, plan ORDER BY start, stop
                ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reach
            FROM span WHERE stop > start
        ), numbered AS (
            SELECT *, sum(CASE WHEN start <= reach THEN 0 ELSE 1 END) OVER (PARTITION BY pupil, plan
                ORDER BY start, stop ROWS UNBOUNDED PRECEDING) AS number
            FROM reached
        )
        SELECT pupil, plan, min(start) AS start, max(stop) AS stop, sum(stop - start) AS unmerged
        FROM numbered GROUP BY pupil, plan, number
        """
    )
    _note(database, part, "Spells once overlapping and adjoining plans are merged", "SELECT count(*) FROM spell")
    _note(
        database,
        part,
        "Days that would have been counted twice without merging",
        "SELECT sum(unmerged - (stop - start)) FROM spell",
    )


def _exposure(database: Database, study: Study) -> None:
    position = "(year({d}) * 12 + month({d}) + (day({d}) - 1) / day(last_day({d})))"
    a, b = position.format(d="a"), position.format(d="b")
    rule = study.exposure.part_months
    cut = """
        SELECT s.pupil, s.plan, y.year, greatest(s.start, y.first) AS a, least(s.stop, y.next) AS b
        FROM spell AS s JOIN study_year AS y ON s.start < y.next AND s.stop > y.first
    """
    if rule == "touched":
        months = f"""
            SELECT pupil, plan, year, count(DISTINCT m) AS months FROM (
                SELECT pupil, plan, year, unnest(range(CAST(floor({a}) AS BIGINT), CAST(ceil({b}) AS BIGINT))) AS m
                FROM cut) GROUP BY ALL
        """
    else:
        value = {
            "share": f"sum({b} - {a})",
            "days": "sum(b - a) / 30.4375",
            "whole": f"sum(greatest(floor({b}) - ceil({a}), 0))",
        }[rule]
        months = f"SELECT pupil, plan, year, {value} AS months FROM cut GROUP BY ALL"
    database.execute(
        f"""
        CREATE OR REPLACE TABLE exposure AS
        WITH cut AS ({cut}), months AS ({months}),
        days AS (SELECT pupil, plan, year, CAST(sum(b - a) AS INTEGER) AS days FROM cut GROUP BY ALL)
        SELECT pupil, plan, year, days, CAST(round(months, 6) AS DECIMAL(9, 6)) AS months
        FROM days JOIN months USING (pupil, plan, year)
        """
    )
    database.execute(
        """
        CREATE OR REPLACE TABLE pupil_plan AS
        SELECT pupil, plan, count(*) AS years, bool_or(post = 0) AS before, bool_or(post = 1) AS after
        FROM exposure JOIN study_year USING (year) GROUP BY ALL
        """
    )
    first = study.groups.both_plans
    database.execute(
        f"""
        CREATE OR REPLACE TABLE status AS
        SELECT pupil, year, CASE WHEN bool_or(plan = '{first}') THEN '{first}' ELSE min(plan) END AS grp
        FROM exposure GROUP BY ALL
        """
    )
    for plan in PLANS:
        _note(
            database,
            "Plans",
            f"Pupils with a {plan} in a year of the study",
            f"SELECT count(*) FROM pupil_plan WHERE plan = '{plan}'",
        )
    _note(
        database,
        "Plans",
        "Pupils and years with both kinds of plan",
        "SELECT count(*) FROM (SELECT pupil, year FROM exposure GROUP BY ALL HAVING count(*) > 1)",
    )


_NARROW: Final = """
    pupil, CAST(year AS SMALLINT) AS year, CAST(female AS TINYINT) AS female, CAST(age AS TINYINT) AS age,
    CAST(ethnicity AS ethnicity_word) AS ethnicity, CAST(fsm AS TINYINT) AS fsm, CAST(idaci AS DECIMAL(9, 6)) AS idaci,
    CAST(authority AS authority_word) AS authority, CAST(region AS region_word) AS region,
    CAST(school AS school_word) AS school, CAST(send AS TINYINT) AS send
"""
_BEST: Final = (
    "send DESC NULLS LAST, fsm DESC NULLS LAST, idaci NULLS LAST, age NULLS LAST, female NULLS LAST, "
    "ethnicity NULLS LAST, authority NULLS LAST, school NULLS LAST, region NULLS LAST"
)


def _keep_one(database: Database, source: str, name: str, columns: str, best: str) -> None:
    """One record for each pupil and year of the study: the first by `best` where there are more.

    Nearly every key has one record: only the few with more are sorted, which saves a sort of them all.
    """
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE twice AS
        SELECT pupil, year FROM {source} WHERE pupil IS NOT NULL GROUP BY pupil, year HAVING count(*) > 1
        """
    )
    database.execute(
        f"""
        CREATE OR REPLACE TABLE {name} AS
        SELECT {columns} FROM {source} SEMI JOIN study_year USING (year) ANTI JOIN twice USING (pupil, year)
        WHERE pupil IS NOT NULL
        UNION ALL
        SELECT {columns} FROM (
            SELECT * FROM {source} SEMI JOIN study_year USING (year) SEMI JOIN twice USING (pupil, year)
            QUALIFY row_number() OVER (PARTITION BY pupil, year ORDER BY {best}) = 1
        )
        """
    )


def _pupil_years(database: Database) -> None:
    part = "Pupils"
    _note(database, part, "Census records received", "SELECT count(*) FROM census")
    _note(database, part, "Left out: no pupil matching reference", "SELECT count(*) FROM census WHERE pupil IS NULL")
    _note(
        database,
        part,
        "Left out: not in a year of the study",
        "SELECT count(*) FROM census WHERE pupil IS NOT NULL AND (year IS NULL OR year NOT IN "
        "(SELECT year FROM study_year))",
    )
    wanted = ", ".join(f"'{c}'" for c in SUSPENDED)
    for name in ("ethnicity", "authority", "region", "school"):
        # Words as numbers: a nation's table then stays in memory.
        database.execute(f"DROP TYPE IF EXISTS {name}_word CASCADE")
        database.execute(
            f"CREATE TYPE {name}_word AS ENUM (SELECT DISTINCT {name} FROM census WHERE {name} IS NOT NULL ORDER BY 1)"
        )
    # In steps, each narrow: one query of it all would hold several copies of a nation at once.
    _keep_one(database, "census", "kept", _NARROW, _BEST)
    database.execute(
        """
        CREATE OR REPLACE TABLE missed AS
        SELECT pupil, year, CAST(count(*) AS SMALLINT) AS n, CAST(sum(authorised + unauthorised) AS DECIMAL(9, 2)) AS
            missed, CAST(sum(possible) AS DECIMAL(9, 2)) AS possible
        FROM absence SEMI JOIN study_year USING (year) WHERE pupil IS NOT NULL GROUP BY pupil, year
        """
    )
    # A pupil of two schools has two records, which add up; one record received twice is one.
    database.execute(
        """
        CREATE OR REPLACE TABLE missed_again AS
        SELECT pupil, year, CAST(sum(authorised + unauthorised) AS DECIMAL(9, 2)) AS missed,
            CAST(sum(possible) AS DECIMAL(9, 2)) AS possible
        FROM (SELECT DISTINCT * FROM absence SEMI JOIN (SELECT * FROM missed WHERE n > 1) USING (pupil, year))
        GROUP BY pupil, year
        """
    )
    database.execute(
        """
        UPDATE missed SET missed = a.missed, possible = a.possible FROM missed_again AS a
        WHERE missed.n > 1 AND missed.pupil = a.pupil AND missed.year = a.year
        """
    )
    database.execute(
        f"""
        CREATE OR REPLACE TABLE pupil_year AS
        WITH suspended AS (
            SELECT pupil, year, CAST(sum(sessions) AS DECIMAL(9, 2)) AS suspended
            FROM (SELECT DISTINCT * FROM exclusions WHERE category IN ({wanted})) GROUP BY pupil, year
        ), sent AS (SELECT pupil, max(send) AS send_ever FROM kept GROUP BY pupil),
        cin AS (SELECT pupil, year, months FROM exposure WHERE plan = 'CIN plan'),
        cp AS (SELECT pupil, year, months FROM exposure WHERE plan = 'CP plan')
        SELECT o.*, CAST(y.post AS TINYINT) AS post, s.send_ever, m.missed, m.possible,
            -- A pupil in the census with no suspension in the exclusions extract was not suspended.
            CASE WHEN (SELECT count(*) FROM exclusions) > 0 THEN coalesce(x.suspended, 0) END AS suspended,
            coalesce(cin.months, 0) AS cin_months, coalesce(cp.months, 0) AS cp_months
        FROM kept AS o JOIN study_year AS y USING (year) JOIN sent AS s USING (pupil)
        LEFT JOIN missed AS m USING (pupil, year) LEFT JOIN suspended AS x USING (pupil, year)
        LEFT JOIN cin USING (pupil, year) LEFT JOIN cp USING (pupil, year)
        """
    )
    for name in ("kept", "missed", "missed_again"):
        database.execute(f"DROP TABLE {name}")
    _note(database, part, "Pupils and years", "SELECT count(*) FROM pupil_year")
    _note(
        database,
        part,
        "Census records beyond the first of a pupil in a year",
        "SELECT (SELECT count(*) FROM census SEMI JOIN study_year USING (year) WHERE pupil IS NOT NULL) - "
        "(SELECT count(*) FROM pupil_year)",
    )
    _note(database, part, "Pupils", "SELECT count(DISTINCT pupil) FROM pupil_year")
    _note(
        database, part, "Pupils with SEND in a year", "SELECT count(DISTINCT pupil) FROM pupil_year WHERE send_ever = 1"
    )
    _note(
        database,
        part,
        "Pupils whose SEND is never known",
        "SELECT count(DISTINCT pupil) FROM pupil_year WHERE send_ever IS NULL",
    )
    _note(
        database, part, "Pupils and years without absence data", "SELECT count(*) FROM pupil_year WHERE missed IS NULL"
    )
    _note(
        database,
        part,
        "Absence records whose pupil is in no census of the year",
        "SELECT count(*) FROM absence SEMI JOIN study_year USING (year) ANTI JOIN pupil_year USING (pupil, year)",
    )
    _note(
        database,
        part,
        "Exclusion records that are not suspensions",
        f"SELECT count(*) FROM exclusions WHERE category NOT IN ({wanted}) OR category IS NULL",
    )
    _note(
        database,
        part,
        "Suspension records whose pupil is in no census of the year",
        f"SELECT count(*) FROM (SELECT * FROM exclusions SEMI JOIN study_year USING (year) "
        f"WHERE category IN ({wanted})) ANTI JOIN pupil_year USING (pupil, year)",
    )
    _note(
        database,
        part,
        "Pupils with a plan in a year of the study and in no census of it",
        "SELECT count(*) FROM (SELECT DISTINCT pupil FROM exposure) ANTI JOIN pupil_year USING (pupil)",
    )


def _attainment(database: Database, stage: str) -> None:
    part = f"Key stage {stage[2]}"
    _note(database, part, "Records received", f"SELECT count(*) FROM {stage}")
    _note(database, part, "Left out: no pupil matching reference", f"SELECT count(*) FROM {stage} WHERE pupil IS NULL")
    _note(
        database,
        part,
        "Left out: not in a year of the study",
        f"SELECT count(*) FROM {stage} WHERE pupil IS NOT NULL AND (year IS NULL OR year NOT IN "
        "(SELECT year FROM study_year))",
    )
    best = ", ".join(f"{name} DESC NULLS LAST" for name in TABLES[stage] if name not in ("pupil", "year"))
    _keep_one(database, stage, "kept", "*", best)
    database.execute(
        f"""
        CREATE OR REPLACE TABLE {stage}_linked AS
        SELECT o.*, p.post, p.female, p.ethnicity, p.fsm, p.idaci, p.authority, p.region, p.school, p.send, p.send_ever,
            coalesce(s.grp, '{NO_PLAN}') AS grp
        FROM kept AS o JOIN pupil_year AS p USING (pupil, year) LEFT JOIN status AS s USING (pupil, year)
        """
    )
    _note(
        database,
        part,
        "Left out: in no census of the year, or a second record of one pupil in a year",
        f"SELECT (SELECT count(*) FROM {stage} SEMI JOIN study_year USING (year) WHERE pupil IS NOT NULL) - "
        f"(SELECT count(*) FROM {stage}_linked)",
    )
    _note(database, part, "Pupils", f"SELECT count(*) FROM {stage}_linked")


def _weeks(database: Database) -> None:
    """Weekly attendance as received, one row per group and Monday; a week received twice is one, parts add up."""
    part = "Weeks"
    _note(database, part, "Records received", "SELECT count(*) FROM weekly")
    _note(
        database,
        part,
        "Left out: no week or no possible session",
        "SELECT count(*) FROM weekly WHERE week IS NULL OR possible IS NULL OR possible <= 0 OR missed IS NULL",
    )
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

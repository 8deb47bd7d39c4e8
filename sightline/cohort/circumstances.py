"""What is known of a child's home and means: deprivation of the small area, and free school meals, now and Ever 6."""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from sightline.cohort.words import RANKED, latest
from sightline.engine import Database
from sightline.vocabulary.limits import EVER_6_MEALS


def _ever_6_meals(on: str) -> str:
    """SQL aggregate over a child's rows of `characteristic`, each with its `day` and school `year`: Ever 6 FSM.

    True where a census day of the six years before the day says eligible; else what a source states of it in the year
    before the day; else false where the child stands in the census of six years in which free meals were told of
    anybody (`meal_year`) and in none as eligible; else null. Census rows come first: a statement is a copy of them.
    """
    years = EVER_6_MEALS.value
    within = f"day > {on} - INTERVAL {years} YEAR"
    stated = f"fsm_ever_6 IS NOT NULL AND day > {on} - INTERVAL 1 YEAR"
    told = f"count(DISTINCT year) FILTER ({within} AND year IN (SELECT year FROM meal_year)) >= {years}"
    return (
        f"CASE WHEN bool_or(fsm AND {within}) THEN true "
        f"ELSE coalesce(arg_max(fsm_ever_6, day) FILTER ({stated}), CASE WHEN {told} THEN false END) END"
    )


def assemble_circumstances(database: Database, on: date) -> pa.Table:
    """One row per child of whom a school census, or the small area of the home, says something on the day.

    The home is placed by the latest delivery that gives its LSOA, or a postcode that a received look-up places; of its
    small area the newest edition of the index that holds it speaks. Reads `child`, `pupil`, `characteristic`, `link`,
    `delivery`, `deprivation` and `postcode_area`.
    """
    day = f"DATE '{on.isoformat()}'"
    return database.conformed(
        "circumstance",
        f"""
        WITH {RANKED},
        told AS (
            SELECT DISTINCT l.child_id, c.postcode, NULL::TEXT AS lsoa, coalesce(r.word, 0) AS word
            FROM child c JOIN link l ON l.system = c.system AND l.ref = c.child_ref
            LEFT JOIN ranked r ON r.delivery = c.delivery WHERE c.postcode IS NOT NULL
            UNION
            SELECT l.child_id, p.postcode, p.lsoa, coalesce(r.word, 0)
            FROM pupil p JOIN link l ON l.system = p.system AND l.ref = p.pupil_ref
            LEFT JOIN ranked r ON r.delivery = p.delivery WHERE p.postcode IS NOT NULL OR p.lsoa IS NOT NULL
        ),
        placed AS (
            SELECT a.postcode, {latest("lsoa_2011")} AS lsoa_2011, {latest("lsoa_2021")} AS lsoa_2021
            FROM postcode_area a LEFT JOIN ranked USING (delivery) SEMI JOIN told ON told.postcode = a.postcode
            GROUP BY a.postcode
        ),
        area AS (
            SELECT child_id, word, 'sender' AS lsoa_by, lsoa FROM told WHERE lsoa IS NOT NULL
            UNION ALL SELECT child_id, word, 'postcode', lsoa_2021 FROM told JOIN placed USING (postcode)
                WHERE lsoa_2021 IS NOT NULL
            UNION ALL SELECT child_id, word, 'postcode', lsoa_2011 FROM told JOIN placed USING (postcode)
                WHERE lsoa_2011 IS NOT NULL
        ),
        said AS (
            SELECT lsoa, edition, {latest("idaci_rank")} AS idaci_rank, {latest("idaci_decile")} AS idaci_decile,
                {latest("idaci_score")} AS idaci_score
            FROM deprivation LEFT JOIN ranked USING (delivery)
            WHERE coalesce(idaci_rank, idaci_decile, idaci_score) IS NOT NULL GROUP BY lsoa, edition
        ),
        home AS (
            SELECT child_id, lsoa, lsoa_by, edition AS idaci_edition, idaci_rank, idaci_decile, idaci_score
            FROM area LEFT JOIN said USING (lsoa)
            QUALIFY row_number() OVER (PARTITION BY child_id
                ORDER BY word DESC, edition DESC NULLS LAST, lsoa_by DESC, lsoa) = 1
        ),
        dated AS (
            SELECT l.child_id, c.fsm, c.fsm_ever_6, coalesce(c.as_at, d.as_at) AS day,
                year(coalesce(c.as_at, d.as_at)) - (month(coalesce(c.as_at, d.as_at)) < 9)::INTEGER AS year
            FROM characteristic c JOIN link l ON l.system = c.system AND l.ref = c.pupil_ref
            LEFT JOIN delivery d ON d.delivery = c.delivery
        ),
        meal_year AS (SELECT DISTINCT year FROM dated WHERE fsm IS NOT NULL),
        meals AS (
            SELECT child_id, arg_max(fsm, day) FILTER (fsm IS NOT NULL) AS fsm, {_ever_6_meals(day)} AS fsm_ever_6
            FROM dated WHERE day <= {day} GROUP BY child_id
        )
        SELECT child_id, {day} AS as_at, fsm, fsm_ever_6, lsoa, lsoa_by, idaci_edition, idaci_rank, idaci_decile,
            idaci_score
        FROM meals FULL JOIN home USING (child_id)
        WHERE coalesce(fsm, fsm_ever_6) IS NOT NULL OR lsoa IS NOT NULL ORDER BY child_id
        """,
    )

"""Where each child known to social care has lived, as far as the authority's own localities go."""

from __future__ import annotations

import pyarrow as pa

from sightline.cohort.persons import KNOWN
from sightline.cohort.words import NEVER, RANKED, latest
from sightline.engine import Database
from sightline.vocabulary.localities import KINDS, OUTSIDE

_FIRST = "DATE '0001-01-01'"  # a day before every other, for homes known from the first on


def assemble_homes(database: Database) -> pa.Table:
    """One row per child known to social care or Early Help and stretch of days at one home, with the locality it is in.

    Social care's addresses with their days come first: the one that covers a day, the latest begun where several do.
    Where none covers it, the home is the one last told by any source (a postcode, or an LSOA a roll gives, from the day
    its file speaks of); before the first is told, the first. So a home that is only ever told of as it is now stands
    for every day. The locality is that of the most exact area of the model that the home lies in
    (`vocabulary.localities.KINDS`). Where it lies in none, `locality_by` says so; null means that it cannot be told,
    because no home is known or its small area or ward, by which the model goes, is not.

    Only the locality is kept, not the home. Nothing is made where no model is held. Reads `home_address`, `child`,
    `pupil`, `link`, `delivery`, `postcode_area`, `locality_area`, and who is known (`KNOWN`).
    """
    order = ", ".join(f"'{kind}'" for kind in KINDS)
    return database.conformed(
        "home_period",
        f"""
        WITH {RANKED},
        -- A file read before Sightline knew of wards has no such column until it is read again.
        looked_up AS (FROM postcode_area UNION ALL BY NAME SELECT NULL::TEXT AS ward WHERE false),
        model AS (
            SELECT area, {latest("kind")} AS kind, {latest("locality")} AS locality
            FROM locality_area LEFT JOIN ranked USING (delivery) GROUP BY area
        ),
        known AS ({KNOWN}),
        dated AS (
            SELECT l.child_id, a.postcode, NULL::TEXT AS lsoa, a.start_date, a.end_date + 1 AS end_date,
                coalesce(r.word, 0) AS word, a.delivery
            FROM home_address a JOIN link l ON l.system = a.system AND l.ref = a.child_ref
            SEMI JOIN known USING (child_id) LEFT JOIN ranked r ON r.delivery = a.delivery
        ),
        said AS (
            SELECT l.child_id, c.postcode, NULL::TEXT AS lsoa, r.day, coalesce(r.word, 0) AS word, c.delivery
            FROM child c JOIN link l ON l.system = c.system AND l.ref = c.child_ref SEMI JOIN known USING (child_id)
            LEFT JOIN ranked r ON r.delivery = c.delivery WHERE c.postcode IS NOT NULL
            UNION ALL
            SELECT l.child_id, p.postcode, p.lsoa, r.day, coalesce(r.word, 0), p.delivery
            FROM pupil p JOIN link l ON l.system = p.system AND l.ref = p.pupil_ref SEMI JOIN known USING (child_id)
            LEFT JOIN ranked r ON r.delivery = p.delivery WHERE p.postcode IS NOT NULL OR p.lsoa IS NOT NULL
        ),
        told AS (
            SELECT child_id, postcode, lsoa, lag(day) OVER days AS before, day, lead(day) OVER days AS end_date, word,
                delivery
            FROM (
                FROM said QUALIFY row_number() OVER (PARTITION BY child_id, day ORDER BY word DESC, postcode, lsoa) = 1
            ) WINDOW days AS (PARTITION BY child_id ORDER BY day NULLS FIRST, word)
        ),
        home AS (
            SELECT child_id, postcode, lsoa, coalesce(start_date, {_FIRST}) AS start_date,
                coalesce(end_date, {NEVER}) AS end_date, true AS dated, word, delivery
            FROM dated WHERE end_date IS NULL OR start_date IS NULL OR end_date > start_date
            UNION ALL
            SELECT child_id, postcode, lsoa, coalesce(CASE WHEN before IS NOT NULL THEN day END, {_FIRST}),
                coalesce(end_date, {NEVER}), false, word, delivery
            FROM told
        ),
        edge AS (SELECT child_id, start_date AS day FROM home UNION SELECT child_id, end_date FROM home),
        stretch AS (
            SELECT child_id, day AS start_date, lead(day) OVER (PARTITION BY child_id ORDER BY day) AS end_date
            FROM edge
        ),
        lived AS (
            SELECT s.child_id, s.start_date, s.end_date, h.postcode, h.lsoa, h.delivery
            FROM stretch s JOIN home h ON h.child_id = s.child_id AND h.start_date <= s.start_date
                AND h.end_date >= s.end_date
            WHERE s.end_date IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY s.child_id, s.start_date
                ORDER BY h.dated DESC, h.start_date DESC, h.word DESC, h.postcode, h.lsoa) = 1
        ),
        placed AS (
            SELECT postcode, {latest("lsoa_2011")} AS lsoa_2011, {latest("lsoa_2021")} AS lsoa_2021,
                {latest("ward")} AS ward
            FROM looked_up LEFT JOIN ranked USING (delivery)
            SEMI JOIN (SELECT DISTINCT postcode FROM lived) AS wanted USING (postcode) GROUP BY postcode
        ),
        lies AS (
            SELECT child_id, start_date, unnest(areas) AS area, generate_subscripts(areas, 1) AS place
            FROM (
                SELECT child_id, start_date, [
                    lived.postcode, lived.lsoa, lsoa_2021, lsoa_2011, left(lived.postcode, length(lived.postcode) - 2),
                    ward, left(lived.postcode, length(lived.postcode) - 4)] AS areas
                FROM lived LEFT JOIN placed ON placed.postcode = lived.postcode
            )
        ),
        found AS (
            SELECT child_id, start_date, model.locality, model.kind
            FROM lies JOIN model USING (area)
            QUALIFY row_number() OVER (PARTITION BY child_id, start_date
                ORDER BY list_position([{order}], model.kind), place) = 1
        ),
        -- By what the model goes: a home of which that is not known may lie in any locality.
        goes AS (
            SELECT count(*) FILTER (kind IN ('postcode', 'sector', 'district')) > 0 AS by_postcode,
                count(*) FILTER (kind = 'lsoa') > 0 AS by_lsoa, count(*) FILTER (kind = 'ward') > 0 AS by_ward
            FROM model
        ),
        told_of AS (
            SELECT child_id, start_date, end_date, found.locality,
                CASE WHEN found.kind IS NOT NULL THEN found.kind
                    WHEN (by_postcode AND lived.postcode IS NULL)
                        OR (by_lsoa AND coalesce(lived.lsoa, lsoa_2021, lsoa_2011) IS NULL)
                        OR (by_ward AND ward IS NULL) THEN NULL
                    ELSE '{OUTSIDE}' END AS locality_by,
                delivery
            FROM lived LEFT JOIN found USING (child_id, start_date)
                LEFT JOIN placed ON placed.postcode = lived.postcode, goes
            WHERE (SELECT count(*) FROM model) > 0
        ),
        begun AS (
            SELECT *, coalesce(lag((end_date, locality, locality_by, delivery)) OVER days
                IS DISTINCT FROM (start_date, locality, locality_by, delivery), true) AS anew
            FROM told_of WINDOW days AS (PARTITION BY child_id ORDER BY start_date)
        ),
        numbered AS (
            SELECT *, sum(anew::INTEGER) OVER (PARTITION BY child_id ORDER BY start_date) AS number FROM begun
        )
        SELECT child_id, nullif(min(start_date), {_FIRST}) AS start_date, nullif(max(end_date), {NEVER}) AS end_date,
            any_value(locality) AS locality, any_value(locality_by) AS locality_by, any_value(delivery) AS delivery
        FROM numbered GROUP BY child_id, number ORDER BY child_id, min(numbered.start_date)
        """,
    )

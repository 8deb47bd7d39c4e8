"""Who each child is: the best word of all sources, field by field."""

from __future__ import annotations

import pyarrow as pa

from sightline.cohort.words import RANKED, latest
from sightline.engine import Database
from sightline.vocabulary.identifiers import is_temporary_upn, upn_fault

KNOWN = (
    "SELECT child_id FROM status_period UNION SELECT child_id FROM allocation "
    "UNION SELECT child_id FROM early_help_period"
)
"""SQL: one row per child whom a social care source has known on a plan, in assessment or with a worker, or who has or
had Early Help. Of other pupils nothing is looked up child by child."""


def describe_persons(database: Database) -> pa.Table:
    """One row per child or pupil that a source describes: for each field the latest delivery that has a value.

    Reads `child`, `pupil`, `link` and `delivery`.
    """
    return database.conformed("described", _DESCRIBED)


def assemble_persons(database: Database) -> pa.Table:
    """One row per child or pupil: what is `described`, and their number.

    The UPN is the well-formed one the most recent education source gives, a permanent one before a temporary; else the
    one social care gives; null when every number held is malformed (each has its finding). Reads `described`,
    `identifier`, `link`, `delivery` and the facts that name children.
    """
    upns = [v for (v,) in database.rows("SELECT DISTINCT value FROM identifier WHERE kind = 'upn'")]
    sound = [v for v in upns if v and upn_fault(v) is None]
    database.add(
        "_sound_upn",
        pa.table(
            {"value": pa.array(sound, pa.string()), "temporary": pa.array(map(is_temporary_upn, sound), pa.bool_())}
        ),
    )
    try:
        return database.conformed("person", _SQL)
    finally:
        database.execute("DROP VIEW _sound_upn")


_DESCRIBED = f"""
    WITH {RANKED},
    said AS (
        SELECT l.child_id, true AS care, c.surname, c.forename, c.birth_date, c.death_date, c.sex, c.ethnicity,
            c.postcode, r.word
        FROM child c JOIN link l ON l.system = c.system AND l.ref = c.child_ref
        LEFT JOIN ranked r ON r.delivery = c.delivery
        UNION ALL
        SELECT l.child_id, false, p.surname, p.forename, p.birth_date, NULL, p.sex, p.ethnicity, p.postcode, r.word
        FROM pupil p JOIN link l ON l.system = p.system AND l.ref = p.pupil_ref
        LEFT JOIN ranked r ON r.delivery = p.delivery
    ),
    -- A delivery that says nothing new still counts: a word of 0 is older than any.
    spoken AS (SELECT * REPLACE (coalesce(word, 0) AS word, CASE WHEN sex IN ('M', 'F') THEN sex END AS sex,
            CASE WHEN ethnicity NOT IN ('REFU', 'NOBT') THEN ethnicity END AS ethnicity) FROM said)
    SELECT child_id, {latest("surname")} AS surname, {latest("forename")} AS forename,
        {latest("birth_date")} AS birth_date, {latest("death_date")} AS death_date, {latest("sex")} AS sex,
        {latest("ethnicity")} AS ethnicity, {latest("postcode")} AS postcode
    FROM spoken GROUP BY child_id ORDER BY child_id
"""

_SQL = f"""
    WITH {RANKED},
    care_ref AS (
        SELECT system, child_ref AS ref FROM child UNION SELECT system, child_ref FROM cin_plan
        UNION SELECT system, child_ref FROM cp_plan UNION SELECT system, child_ref FROM referral
        UNION SELECT system, child_ref FROM looked_after UNION SELECT system, child_ref FROM assessment
    ),
    given AS (
        SELECT i.system, i.ref, i.value, max(coalesce(r.word, 0)) AS word
        FROM identifier i LEFT JOIN ranked r ON r.delivery = i.delivery
        WHERE i.kind = 'upn' GROUP BY ALL
    ),
    numbered AS MATERIALIZED (
        -- Education before care, permanent before temporary, then the latest.
        SELECT l.child_id, i.value, (2 * (c.ref IS NULL)::INT + (NOT s.temporary)::INT) * (SELECT 1 + count(*)
            FROM delivery) + i.word AS rank
        FROM given i JOIN _sound_upn s ON s.value = i.value
        JOIN link l ON l.system = i.system AND l.ref = i.ref
        LEFT JOIN care_ref c ON c.system = i.system AND c.ref = i.ref
    ),
    upn AS (
        -- Of two in one file, the first in order.
        SELECT child_id, min(value) AS upn
        FROM numbered JOIN (SELECT child_id, max(rank) AS rank FROM numbered GROUP BY child_id) USING (child_id, rank)
        GROUP BY child_id
    ),
    everyone AS (
        -- A list of Early Help names children whom social care need not know.
        SELECT l.child_id, bool_or(c.ref IS NOT NULL AND c.system <> 'early-help') AS known_to_care
        FROM link l LEFT JOIN care_ref c ON c.system = l.system AND c.ref = l.ref GROUP BY l.child_id
    )
    SELECT e.child_id, d.surname, d.forename, d.birth_date, d.death_date, d.sex, d.ethnicity, u.upn, d.postcode,
        e.known_to_care
    FROM everyone e LEFT JOIN described d USING (child_id) LEFT JOIN upn u USING (child_id)
    ORDER BY e.child_id
"""

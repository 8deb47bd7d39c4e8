"""The passes: which pairs of records share an identifier, and whether the rest of what they say bears it out.

A shared UPN proves nothing by itself: on the measured data every false link of an exact pass came from trusting it
alone, and none from UPN confirmed by other fields (birth date and sex; names where a birth date is missing). A missing
value neither confirms nor contradicts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sightline.engine import Database

# A value that more people than this bear names nobody: a placeholder, or one number typed for many children. Records
# that agree in birth date, sex and first name count once; one without a birth date counts by itself.
MOST_SHARED = 12
_BEARERS = (
    "count(DISTINCT CASE WHEN n.birth_date IS NULL THEN n.id::TEXT "
    "ELSE concat_ws(' ', n.birth_date, n.sex, n.forename) END)"
)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two nodes that share an identifier.

    `confirmed` says that the rest bears it out; `exact` that first names agree too, which settles a contest between
    records; `sentence` is the evidence, or the reason for doubt; `chance` marks a doubt that means nothing once both
    records have found their partners elsewhere (two systems' numbers may coincide by accident); `despite_birth` that
    two identifiers agree, which outweighs birth dates that do not.
    """

    left: int
    right: int
    step: str
    confirmed: bool
    exact: bool
    sentence: str
    chance: bool = False
    despite_birth: bool = False
    probability: float = 1.0


_COMPARED = """
    CASE WHEN a.birth_date IS NULL OR b.birth_date IS NULL THEN 0 WHEN a.birth_date = b.birth_date THEN 1 ELSE -1 END
        AS born,
    CASE WHEN a.sex IS NULL OR b.sex IS NULL THEN 0 WHEN a.sex = b.sex THEN 1 ELSE -1 END AS sex,
    CASE WHEN a.surname IS NULL OR b.surname IS NULL THEN 0 WHEN a.surname = b.surname THEN 1 ELSE -1 END AS surname,
    CASE WHEN a.forename IS NULL OR b.forename IS NULL THEN 0 WHEN a.forename = b.forename THEN 1 ELSE -1 END
        AS forename,
    year(a.birth_date) = year(b.birth_date) AND month(a.birth_date) = day(b.birth_date)
        AND day(a.birth_date) = month(b.birth_date) AS swapped,
    a.muddled OR b.muddled AS muddled,
    coalesce(a.birth_date::TEXT, a.sex, a.surname, a.forename) IS NULL
        OR coalesce(b.birth_date::TEXT, b.sex, b.surname, b.forename) IS NULL AS silent,
    coalesce(a.system = b.system, false) AS one_system
"""

_CONFIRMED = """
    NOT muddled AND (
        (born = 1 AND (sex <> -1 OR (surname = 1 AND forename = 1)))
        OR (born = 0 AND sex <> -1 AND surname = 1 AND forename <> -1 AND (sex = 1 OR forename = 1))
    )
"""

_EVIDENCE = """
    concat_ws('; ', shared,
        CASE WHEN born = 1 THEN 'born the same day' WHEN born = -1 THEN 'born on different days' END,
        CASE WHEN sex = 1 THEN 'same sex' WHEN sex = -1 THEN 'sex differs' END,
        CASE WHEN surname = 1 THEN 'same surname' END,
        CASE WHEN forename = 1 THEN 'same first name' END)
"""

_WHY_NOT = """
    shared || CASE
        WHEN muddled THEN ', but one file gives one of these records two birth dates'
        WHEN born = -1 AND swapped THEN ', but born on different days (day and month are exchanged)'
        WHEN born = -1 THEN ', but born on different days'
        WHEN sex = -1 THEN ', but sex differs and the names do not settle it'
        WHEN surname = -1 OR forename = -1 THEN ', but names differ and no birth date confirms it'
        ELSE ', and nothing else to confirm it'
    END
"""


def _judged(pairs: str, confirmed: str = _CONFIRMED, chance: str = "false") -> str:
    """SQL: one row per pair of `pairs` (a_id, b_id, step, shared), with its verdict and sentence, in a fixed order."""
    return f"""
        WITH compared AS (
            SELECT p.*, {_COMPARED}
            FROM ({pairs}) p JOIN _node a ON a.id = p.a_id JOIN _node b ON b.id = p.b_id
        ),
        judged AS (SELECT *, coalesce({confirmed}, false) AS confirmed FROM compared)
        SELECT a_id, b_id, step, confirmed, coalesce(forename = 1, false) AS exact,
            CASE WHEN confirmed AND NOT one_system THEN {_EVIDENCE}
                WHEN confirmed THEN 'Possibly one child twice in one system: ' || {_EVIDENCE}
                ELSE {_WHY_NOT} END AS sentence,
            coalesce({chance}, false) AS chance, confirmed AND born = -1 AS despite_birth, one_system
        FROM judged
        ORDER BY a_id, b_id, step
    """


def _pairs(database: Database, sql: str) -> list[Pair]:
    return [
        # Two records of one social care system are never joined, whatever they share.
        Pair(left, right, step, confirmed and not one_system, exact, sentence, chance, despite_birth)
        for left, right, step, confirmed, exact, sentence, chance, despite_birth, one_system in database.rows(sql)
    ]


def own_ids(database: Database) -> list[Pair]:
    """Pairs of social care records whose own ids agree across systems, or within one for the id of an older system.

    The census id may be the person id, the legacy id, or neither; two systems may also number different children
    alike. So birth date or UPN must agree as well.
    """
    same_upn = """
        EXISTS (SELECT 1 FROM _key x JOIN _key y ON y.value = x.value AND y.kind = 'upn'
            WHERE x.kind = 'upn' AND x.id = a_id AND y.id = b_id)
    """
    return _pairs(
        database,
        _judged(
            f"""
            SELECT a_id, b_id, min(step) AS step, 'Same id of the authority'
                || CASE WHEN {same_upn} THEN '; same UPN' ELSE '' END AS shared, {same_upn} AS same_upn
            FROM (
                SELECT least(x.id, y.id) AS a_id, greatest(x.id, y.id) AS b_id,
                    CASE WHEN 'legacy_id' IN (x.kind, y.kind) THEN 'legacy-id'
                        WHEN 'la_child_id' IN (x.kind, y.kind) THEN 'la-child-id' ELSE 'person-id' END AS step
                FROM _key x JOIN _key y ON y.value = x.value AND y.id > x.id
                JOIN _node a ON a.id = x.id JOIN _node b ON b.id = y.id
                WHERE x.kind IN ('la_child_id', 'person_id', 'legacy_id')
                    AND y.kind IN ('la_child_id', 'person_id', 'legacy_id')
                    AND a.side = 'care' AND b.side = 'care'
                    -- Within one system two different kinds of id have two different numberings.
                    AND (a.system <> b.system OR (x.kind = y.kind AND a.birth_date = b.birth_date))
            )
            GROUP BY a_id, b_id
            """,
            confirmed=f"({_CONFIRMED}) OR (same_upn AND NOT muddled AND sex <> -1)",
            chance="NOT confirmed AND NOT same_upn",
        ),
    )


def _shared_number(kinds: tuple[tuple[str, str], ...], step: str, shared: str) -> str:
    """SQL for the pairs of records of which one holds a value under the first kind and one under the second."""
    either = " OR ".join(f"(x.kind = '{a}' AND y.kind = '{b}')" for a, b in kinds)
    names = ", ".join(f"'{k}'" for k in sorted({k for pair in kinds for k in pair}))
    return f"""
        SELECT DISTINCT least(x.id, y.id) AS a_id, greatest(x.id, y.id) AS b_id, '{step}' AS step, '{shared}' AS shared
        FROM _key x JOIN _key y ON y.value = x.value AND y.id <> x.id
        JOIN _node a ON a.id = x.id JOIN _node b ON b.id = y.id
        WHERE ({either})
            AND x.value NOT IN (SELECT value FROM _crowded WHERE kind IN ({names}))
    """


# Marks that hold nothing but a number are the pupil's whom the school's register has under it in the same year, where
# nobody else there ever bore it. A malformed UPN is such a number: the school files by it, however it came about.
_OF_ONE_SCHOOL = f"""
    WITH held AS (
        SELECT s.school, s.kind, s.value, NOT bool_or(n.muddled) AND count(DISTINCT n.birth_date) <= 1
            AND count(DISTINCT n.sex) <= 1 AND count(DISTINCT n.forename) <= 1 AS by_one
        FROM _at_school s JOIN _node n USING (id)
        GROUP BY s.school, s.kind, s.value HAVING {_BEARERS} <= {MOST_SHARED}
    )
    SELECT p.id AS a_id, q.id AS b_id, 'mis-id' AS step,
        CASE WHEN min(p.kind) = 'upn' THEN 'Same malformed or temporary UPN at one school'
            ELSE 'Same number in the information system of one school' END AS shared,
        bool_or(h.by_one AND p.from_year <= q.to_year AND q.from_year <= p.to_year) AS theirs_alone
    FROM held h JOIN _at_school p USING (school, kind, value) JOIN _at_school q USING (school, kind, value)
    WHERE q.id > p.id
    GROUP BY p.id, q.id
"""


def shared_numbers(database: Database) -> Iterator[list[Pair]]:
    """Pass by pass, strongest first: UPN, former UPN, NHS number, and a number that means something at one school.

    A UPN with nothing to confirm it, or with a birth date against it, is a doubt. Values that more than
    MOST_SHARED people bear name nobody and are doubts against one record each.
    """
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE _crowded AS
        SELECT kind, value, min(id) AS hub FROM _key JOIN _node n USING (id)
        WHERE kind IN ('upn', 'former_upn', 'nhs_number')
        GROUP BY kind, value HAVING count(*) > {MOST_SHARED} AND {_BEARERS} > {MOST_SHARED}
        """
    )
    steps = (
        ((("upn", "upn"),), "upn", "Same UPN"),
        (
            (("former_upn", "upn"), ("former_upn", "former_upn")),
            "former-upn",
            "The UPN of one is a former UPN of the other",
        ),
        ((("nhs_number", "nhs_number"),), "nhs-number", "Same NHS number"),
    )
    for kinds, step, shared in steps:
        yield _pairs(database, _judged(_shared_number(kinds, step, shared)))
    yield _pairs(database, _judged(_OF_ONE_SCHOOL, confirmed=f"({_CONFIRMED}) OR (silent AND theirs_alone)"))
    yield [
        Pair(hub, other, step, False, False, f"The same number is on {n} records, so it names nobody")
        for hub, other, step, n in database.rows(
            """
            SELECT c.hub, k.id, CASE c.kind WHEN 'upn' THEN 'upn' WHEN 'former_upn' THEN 'former-upn'
                ELSE 'nhs-number' END, count(*) OVER (PARTITION BY c.kind, c.value)
            FROM _crowded c JOIN _key k ON k.kind = c.kind AND k.value = c.value
            QUALIFY k.id <> c.hub ORDER BY ALL
            """
        )
    ]


def forget(database: Database) -> None:
    """Drop what the passes made."""
    database.execute("DROP TABLE IF EXISTS _crowded")

"""What linkage compares: one row per record of a person, and the keys each record holds.

A record is one (system, ref): a social care child or a school pupil, however many deliveries speak of it. Everything
here is a temporary table of the database's own connection, dropped by `forget`.
"""

from __future__ import annotations

import pyarrow as pa

from sightline.engine import Database
from sightline.vocabulary.identifiers import is_temporary_upn, upn_fault

CARE_FACTS = ("referral", "assessment", "cin_plan", "section_47", "cp_plan", "looked_after", "involvement")
SCHOOL_FACTS = ("enrolment", "characteristic", "termly_attendance", "suspension")
_MADE = ("_seen_at", "_record", "_key", "_upn_sound", "_at_school")
UPN_SHAPE = "^[A-Z][0-9]{11}[0-9A-Z]$"


def _plain(name: str) -> str:
    """SQL for a name without case, accents, spaces and punctuation; null when nothing is left."""
    return f"nullif(regexp_replace(lower(strip_accents({name})), '[^a-z]', '', 'g'), '')"


def gather(database: Database) -> None:
    """Make `_record` (one row per record of a person) and `_key` (one row per record per identifier it holds).

    `_record`: id (care records first, then by system and ref, so that order never depends on arrival), side, birth
    date, sex, names (latest word of each), the place of its first delivery, whether several deliveries speak of it,
    and `muddled`: one delivery gives it two birth dates, so it is two people under one id.
    """
    database.execute(
        "CREATE OR REPLACE TEMP TABLE _seen_at AS SELECT DISTINCT system, pupil_ref AS ref, school_ref "
        "FROM attendance_week"
    )
    mentioned = [
        f"SELECT DISTINCT 'care' AS side, system, child_ref AS ref FROM {t} WHERE child_ref NOT LIKE 'referral:%'"
        for t in CARE_FACTS
    ]
    mentioned += [f"SELECT DISTINCT 'school' AS side, system, pupil_ref AS ref FROM {t}" for t in SCHOOL_FACTS]
    mentioned.append("SELECT DISTINCT 'school' AS side, system, ref FROM _seen_at")
    nothing = "NULL::DATE, NULL, NULL, NULL, NULL"
    said = " UNION ALL ".join(f"SELECT *, {nothing} FROM ({m})" for m in mentioned)
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE _record AS
        WITH ranked AS (
            SELECT delivery, place, row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
            FROM delivery
        ),
        said AS (
            SELECT 'care' AS side, system, child_ref AS ref, birth_date, sex, surname, forename, delivery FROM child
            UNION ALL
            SELECT 'school', system, pupil_ref, birth_date, sex, surname, forename, delivery FROM pupil
            UNION ALL
            {said}
        ),
        by_delivery AS (
            SELECT side, system, ref, delivery, min(birth_date) <> max(birth_date) AS muddled,
                min(birth_date) AS birth_date, min(sex) FILTER (sex IN ('M', 'F')) AS sex,
                min(surname) AS surname, min(forename) AS forename
            FROM said WHERE ref IS NOT NULL
            GROUP BY ALL
        ),
        latest AS (
            SELECT side, system, ref,
                arg_max(birth_date, word) FILTER (birth_date IS NOT NULL) AS birth_date,
                arg_max(sex, word) FILTER (sex IS NOT NULL) AS sex,
                arg_max(surname, word) FILTER (surname IS NOT NULL) AS surname,
                arg_max(forename, word) FILTER (forename IS NOT NULL) AS forename,
                coalesce(min(place), 0) AS first_place,
                coalesce(min(word) <> max(word), false) AS several,
                coalesce(bool_or(muddled), false) AS muddled
            FROM by_delivery LEFT JOIN ranked USING (delivery)
            GROUP BY side, system, ref
        )
        SELECT (row_number() OVER (ORDER BY side, system, ref) - 1)::INT AS id, side, system, ref, birth_date, sex,
            {_plain("surname")} AS surname, {_plain("forename")} AS forename, first_place, several, muddled
        FROM latest
        """
    )
    # A ref is itself an identifier: the census names children by LAchildID, the dataset by person id, and school
    # files by UPN where they have one.
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE _key AS
        SELECT DISTINCT kind, value, id FROM (
            SELECT i.kind, i.value, r.id FROM (SELECT DISTINCT system, ref, kind, value FROM identifier) i
            JOIN _record r USING (system, ref)
            UNION ALL SELECT 'la_child_id', upper(ref), id FROM _record WHERE system = 'cin-census'
            UNION ALL SELECT 'person_id', upper(ref), id FROM _record WHERE system = 'ssd'
            UNION ALL SELECT 'upn', ref, id FROM _record
            WHERE side = 'school' AND regexp_matches(ref, '{UPN_SHAPE}')
        )
        WHERE value IS NOT NULL
            AND (kind NOT IN ('upn', 'former_upn') OR regexp_matches(value, '{UPN_SHAPE}'))
        """
    )
    _judge_upns(database)
    # A school's own number for a pupil means something only at that school.
    database.execute(
        """
        CREATE OR REPLACE TEMP TABLE _at_school AS
        WITH numbered AS (SELECT DISTINCT r.id, r.system, r.ref FROM _key k JOIN _record r USING (id)
            WHERE k.kind = 'mis_id'),
        named AS (
            SELECT urn AS name, urn FROM school UNION
            SELECT regexp_replace(laestab, '[^0-9]', '', 'g'), min(urn) FROM school WHERE laestab IS NOT NULL GROUP BY 1
        ),
        place AS (
            SELECT system, pupil_ref AS ref, school_ref FROM enrolment
            UNION SELECT system, ref, school_ref FROM _seen_at
        )
        SELECT DISTINCT n.id, coalesce(named.urn, p.school_ref) AS school
        FROM numbered n JOIN place p USING (system, ref)
        LEFT JOIN named ON named.name = regexp_replace(p.school_ref, '^([0-9]{3})[/ -]([0-9]{4})$', '\\1\\2')
        WHERE p.school_ref IS NOT NULL
        """
    )


def _judge_upns(database: Database) -> None:
    """Make `_upn_sound`: the UPNs that two schools may share without further proof (right check letter, permanent)."""
    shared = [
        value
        for (value,) in database.rows(
            "SELECT value FROM _key WHERE kind IN ('upn', 'former_upn') GROUP BY value HAVING count(*) > 1"
        )
    ]
    sound = [v for v in shared if upn_fault(v) is None and not is_temporary_upn(v)]
    database.add("_upn_sound", pa.table({"value": pa.array(sound, pa.string())}))


def forget(database: Database) -> None:
    """Drop what `gather` made."""
    for name in _MADE:
        kind = "VIEW" if name == "_upn_sound" else "TABLE"
        database.execute(f"DROP {kind} IF EXISTS {name}")

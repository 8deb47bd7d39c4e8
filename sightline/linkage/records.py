"""What linkage compares: records of persons, gathered into the nodes that passes then join.

A record is one (system, ref): a social care child or a school pupil, however many deliveries speak of it. The school
census numbers pupils anew at each collection, so six years hold some twenty records per pupil; those that share a
sound UPN and contradict each other in nothing are one node from the start. Everything here is a temporary table of the
database's own connection, dropped by `forget`.
"""

from __future__ import annotations

import pyarrow as pa

from sightline.engine import Database
from sightline.linkage import decided
from sightline.vocabulary.identifiers import is_temporary_upn, upn_fault

CARE_FACTS = (
    "referral", "assessment", "cin_plan", "section_47", "cp_plan", "looked_after", "involvement", "early_help",
)  # fmt: skip
SCHOOL_FACTS = ("enrolment", "suspension")
_MADE = ("_seen_at", "_record", "_decided", "_record_key", "_upn_sound", "_grouped", "_node", "_key", "_at_school")
# A pupil may be registered twice or thrice at once. A UPN that one file gives to more pupils than this names nobody.
MOST_IN_ONE_FILE = 4
UPN_SHAPE = "^[A-Z][0-9]{11}[0-9A-Z]$"
# What was meant for a UPN, though a character is missing, wrong or too many: 11 to 15 characters, nine of them digits.
_MEANT_FOR_UPN = "regexp_matches(value, '^[0-9A-Z]{11,15}$') AND regexp_matches(value, '([0-9][A-Z]*){9}')"


def _academic_year(day: str) -> str:
    return f"year({day} - INTERVAL 7 MONTH)"


def _plain(name: str) -> str:
    """SQL for a name without case, accents, spaces and punctuation; null when nothing is left."""
    return f"nullif(regexp_replace(lower(strip_accents({name})), '[^a-z]', '', 'g'), '')"


def gather(database: Database) -> None:
    """Make `_record`, `_node` and `_key`, and `_at_school` for records that hold a number of one school's alone.

    `_record`: one row per record: id (care before school, then by system and ref, so that order never depends on
    arrival), its node, what it says of itself (latest word of each field), the place of its first delivery, whether
    several deliveries speak of it, and `muddled`: it is two people under one id. `_node`: one row per node, the
    same fields. `_key`: one row per node per identifier.
    """
    _gather_records(database)
    database.execute(_RECORD_KEYS)
    decided.gather(database)
    _judge_upns(database)
    database.execute(_GROUPED)
    database.execute(_NODES)
    database.execute(
        "CREATE OR REPLACE TEMP TABLE _key AS SELECT DISTINCT k.kind, k.value, r.node AS id "
        "FROM _record_key k JOIN _record r USING (id)"
    )
    database.execute(_AT_SCHOOL)


def _gather_records(database: Database) -> None:
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE _seen_at AS SELECT DISTINCT system, pupil_ref AS ref, school_ref, "
        f"{_academic_year('first_week')} AS from_year, {_academic_year('last_week')} AS to_year FROM presence"
    )
    mentioned = [
        f"SELECT DISTINCT 'care' AS side, system, child_ref AS ref FROM {t} WHERE NOT contains(child_ref, ':')"
        for t in CARE_FACTS
    ]
    mentioned += [f"SELECT DISTINCT 'school' AS side, system, pupil_ref AS ref FROM {t}" for t in SCHOOL_FACTS]
    mentioned.append("SELECT DISTINCT 'school' AS side, system, ref FROM _seen_at")
    nothing = "NULL::DATE, NULL, NULL, NULL, NULL, NULL"
    said = " UNION ALL ".join(f"SELECT *, {nothing} FROM ({m})" for m in mentioned)
    database.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE _record AS
        WITH ranked AS (
            SELECT delivery, place, row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
            FROM delivery
        ),
        said AS (
            SELECT 'care' AS side, system, child_ref AS ref, birth_date, sex, surname, forename, postcode, delivery
            FROM child
            UNION ALL
            SELECT 'care', system, child_ref, birth_date, sex, surname, forename, postcode, delivery FROM youth_justice
            UNION ALL
            SELECT 'school', system, pupil_ref, birth_date, sex, surname, forename, postcode, delivery FROM pupil
            UNION ALL
            {said}
        ),
        latest AS (
            SELECT side, system, ref,
                arg_max(birth_date, word) FILTER (birth_date IS NOT NULL) AS birth_date,
                arg_max(sex, word) FILTER (sex IN ('M', 'F')) AS sex,
                arg_max(surname, word) FILTER (surname IS NOT NULL) AS surname,
                arg_max(forename, word) FILTER (forename IS NOT NULL) AS forename,
                arg_max(postcode, word) FILTER (postcode IS NOT NULL) AS postcode, coalesce(max(word), 0) AS last_word,
                coalesce(min(place), 0) AS first_place,
                coalesce(min(word) <> max(word), false) AS several,
                coalesce(min(birth_date) <> max(birth_date), false) AS two_births
            FROM said LEFT JOIN ranked USING (delivery)
            WHERE ref IS NOT NULL
            GROUP BY side, system, ref
        ),
        -- A birth date corrected by a later file is one person; two in one file are two.
        within_one AS (
            SELECT DISTINCT side, system, ref FROM (
                SELECT side, system, ref FROM said
                SEMI JOIN (SELECT side, system, ref FROM latest WHERE two_births) USING (side, system, ref)
                GROUP BY side, system, ref, delivery HAVING min(birth_date) <> max(birth_date))
        )
        SELECT row_number() OVER (ORDER BY side, system, ref) - 1 AS id, NULL::BIGINT AS node, l.side, l.system, l.ref,
            birth_date, sex, surname, forename, postcode, last_word, first_place, several,
            -- Census numbers of two collections may coincide by accident: that is no correction of a birth date.
            w.ref IS NOT NULL OR (two_births AND l.system = 'school-census') AS muddled
        FROM latest l LEFT JOIN within_one w USING (side, system, ref)
        """
    )


# A ref is itself an identifier: the census names children by LAchildID, the dataset by person id, and some school
# files name pupils by UPN.
_RECORD_KEYS = f"""
    CREATE OR REPLACE TEMP TABLE _record_key AS
    SELECT DISTINCT kind, value, id FROM (
        SELECT i.kind, i.value, r.id FROM (SELECT DISTINCT system, ref, kind, value FROM identifier) i
        JOIN _record r USING (system, ref)
        UNION ALL SELECT 'upn', y.upn, r.id FROM youth_justice y
        JOIN _record r ON r.system = y.system AND r.ref = y.child_ref
        UNION ALL SELECT 'la_child_id', upper(ref), id FROM _record WHERE system = 'cin-census'
        UNION ALL SELECT 'person_id', upper(ref), id FROM _record WHERE system = 'ssd'
        UNION ALL SELECT 'upn', ref, id FROM _record WHERE side = 'school' AND regexp_matches(ref, '{UPN_SHAPE}')
    )
    WHERE value IS NOT NULL AND (kind NOT IN ('upn', 'former_upn') OR {_MEANT_FOR_UPN})
"""

# Schools issue UPNs and file by them, so a sound one needs no further proof between schools, only no contradiction.
_GROUPED = f"""
    CREATE OR REPLACE TEMP TABLE _grouped AS
    WITH often AS (
        SELECT value, delivery FROM identifier WHERE kind = 'upn' GROUP BY ALL HAVING count(*) > {MOST_IN_ONE_FILE}
    ),
    crowd AS (
        SELECT DISTINCT value FROM (
            SELECT value FROM identifier SEMI JOIN often USING (value, delivery) WHERE kind = 'upn'
            GROUP BY value, delivery HAVING count(DISTINCT ref) > {MOST_IN_ONE_FILE})
    ),
    single AS (
        SELECT k.id, any_value(k.value) AS value FROM _record_key k JOIN _record r USING (id)
        WHERE k.kind = 'upn' AND r.side = 'school' GROUP BY k.id HAVING count(*) = 1
    ),
    held AS (
        SELECT s.value, r.id, r.birth_date, r.sex, r.muddled FROM single s JOIN _record r USING (id)
        SEMI JOIN _upn_sound u ON u.value = s.value ANTI JOIN crowd c ON c.value = s.value
    )
    SELECT value, min(id) AS node, count(birth_date) AS born, count(sex) AS sexes
    FROM held GROUP BY value
    HAVING count(*) > 1 AND coalesce(min(birth_date) = max(birth_date), true)
        AND coalesce(min(sex) = max(sex), true) AND NOT bool_or(muddled)
"""

_NODES = f"""
    CREATE OR REPLACE TEMP TABLE _record AS
    -- Two records that people have parted are no group, whatever UPN they share: the later one stands by itself.
    WITH parted AS (
        SELECT d.b AS id FROM _decided d JOIN _record_key x ON x.id = d.a AND x.kind = 'upn'
        JOIN _record_key y ON y.id = d.b AND y.kind = 'upn' AND y.value = x.value
        WHERE d.outcome = 'different children'
    ),
    member AS (
        SELECT k.id, g.node, g.born, g.sexes FROM (
            SELECT id, any_value(value) AS value FROM _record_key WHERE kind = 'upn' GROUP BY id HAVING count(*) = 1
        ) k JOIN _grouped g USING (value) JOIN _record r USING (id) ANTI JOIN parted USING (id)
        WHERE r.side = 'school'
    ),
    first_of AS (
        SELECT r.id, coalesce(m.node, r.id) AS first_id, m.born, m.sexes FROM _record r LEFT JOIN member m USING (id)
    )
    SELECT r.* EXCLUDE (node), dense_rank() OVER (ORDER BY f.first_id) - 1 AS node, f.first_id,
        CASE WHEN f.born IS NOT NULL THEN concat_ws('; ', 'Same UPN',
            CASE WHEN r.birth_date IS NOT NULL AND f.born > 1 THEN 'born the same day' END,
            CASE WHEN r.sex IS NOT NULL AND f.sexes > 1 THEN 'same sex' END) END AS evidence
    FROM _record r JOIN first_of f USING (id);
    CREATE OR REPLACE TEMP TABLE _node AS
    SELECT * REPLACE ({_plain("surname")} AS surname, {_plain("forename")} AS forename) FROM (
        SELECT node AS id, any_value(side) AS side, any_value(system) FILTER (side = 'care') AS system,
            min(birth_date) AS birth_date, min(sex) AS sex,
            arg_max(surname, id) FILTER (surname IS NOT NULL) AS surname,
            arg_max(forename, id) FILTER (forename IS NOT NULL) AS forename, bool_or(muddled) AS muddled,
            min(id) AS first_id
        FROM _record GROUP BY node
    )
"""

# A school's own number for a pupil means something only at that school; so does what is no sound UPN.
_AT_SCHOOL = f"""
    CREATE OR REPLACE TEMP TABLE _at_school AS
    WITH numbered AS (
        SELECT DISTINCT r.node AS id, r.system, r.ref, k.kind, k.value FROM _record_key k JOIN _record r USING (id)
        WHERE r.side = 'school'
            AND (k.kind = 'mis_id' OR (k.kind = 'upn' AND k.value NOT IN (SELECT value FROM _upn_sound)))
    ),
    named AS (
        SELECT urn AS name, urn FROM school UNION
        SELECT regexp_replace(laestab, '[^0-9]', '', 'g'), min(urn) FROM school WHERE laestab IS NOT NULL GROUP BY 1
    ),
    place AS (
        -- A register that names no day of leaving says only that the pupil was there on its own day.
        SELECT e.system, e.pupil_ref AS ref, e.school_ref, coalesce({_academic_year("e.entry_date")}, 0) AS from_year,
            coalesce({_academic_year("coalesce(e.leaving_date, d.as_at)")}, 9999) AS to_year
        FROM enrolment e LEFT JOIN delivery d USING (delivery)
        UNION SELECT system, ref, school_ref, from_year, to_year FROM _seen_at
    )
    SELECT DISTINCT n.id, n.kind, n.value, coalesce(named.urn, p.school_ref) AS school, p.from_year, p.to_year
    FROM numbered n JOIN place p USING (system, ref)
    LEFT JOIN named ON named.name = regexp_replace(p.school_ref, '^([0-9]{{3}})[/ -]([0-9]{{4}})$', '\\1\\2')
    WHERE p.school_ref IS NOT NULL
"""


def _judge_upns(database: Database) -> None:
    """Make `_upn_sound`: the UPNs that two schools may share without further proof (right check letter, permanent)."""
    shared = [
        value
        for (value,) in database.rows(
            "SELECT value FROM _record_key WHERE kind IN ('upn', 'former_upn') GROUP BY value HAVING count(*) > 1"
        )
    ]
    sound = [v for v in shared if upn_fault(v) is None and not is_temporary_upn(v)]
    database.add("_upn_sound", pa.table({"value": pa.array(sound, pa.string())}))


def forget(database: Database) -> None:
    """Drop what `gather` made."""
    for name in _MADE:
        kind = "VIEW" if name == "_upn_sound" else "TABLE"
        database.execute(f"DROP {kind} IF EXISTS {name}")

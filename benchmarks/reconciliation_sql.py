"""The questions the planted faults are about, put to the facts in plain SQL: what reconciliation is measured against.

One query for each rule, as an analyst with linked tables would write it: the last word of each system compared with a
register's. No owner, no identity that lasts, no line of a file, nothing said of what could not be asked. Each query
gives one row per child (or school) it would raise.
"""

from __future__ import annotations

_SCHOOL_SYSTEMS = "('school-census', 'wonde')"
_YEAR_START = "make_date(year(DATE '{as_at}') - (month(DATE '{as_at}') < 8)::INT, 8, 1)"
_SAID = """
    WITH said AS (
        SELECT l.child_id, s.system, s.{field} AS value, coalesce(d.as_at, d.received) AS day
        FROM (SELECT system, child_ref AS ref, {field}, delivery FROM child WHERE {field} IS NOT NULL
            UNION ALL SELECT system, pupil_ref, {field}, delivery FROM pupil WHERE {field} IS NOT NULL) s
        JOIN link l USING (system, ref) JOIN person p USING (child_id) JOIN delivery d USING (delivery)
        WHERE p.known_to_care
    ),
    last AS (SELECT child_id, system, arg_max(value, day) AS value FROM said GROUP BY child_id, system)
"""
_FIELD = (
    _SAID
    + """
    SELECT DISTINCT a.child_id FROM last a JOIN last b USING (child_id)
    WHERE b.system = 'school-census' AND a.system <> b.system AND {plain_a} <> {plain_b}
"""
)
_NUMBER = """
    WITH held AS (
        SELECT l.child_id, i.system, arg_max(i.value, coalesce(d.as_at, d.received)) AS value
        FROM identifier i JOIN link l USING (system, ref) JOIN person p USING (child_id)
        JOIN delivery d USING (delivery)
        WHERE i.kind = 'upn' AND p.known_to_care GROUP BY l.child_id, i.system
    )
"""
_ROLL = """
    WITH named AS (
        SELECT urn AS name, urn FROM school WHERE urn IS NOT NULL
        UNION SELECT replace(laestab, '/', ''), min(urn) FROM school WHERE laestab IS NOT NULL GROUP BY 1
    ),
    roll AS (
        SELECT l.child_id, coalesce(n.urn, e.school_ref) AS urn, max(e.leaving_date) AS left_on,
            arg_max(e.leaving_date IS NULL, coalesce(d.as_at, d.received)) AS open
        FROM enrolment e JOIN link l ON l.system = e.system AND l.ref = e.pupil_ref JOIN person p USING (child_id)
        JOIN delivery d USING (delivery) LEFT JOIN named n ON n.name = replace(e.school_ref, '/', '')
        WHERE p.known_to_care GROUP BY ALL
    ),
    marked AS (
        SELECT l.child_id, coalesce(n.urn, r.school_ref) AS urn, max(r.last_week) AS last_week
        FROM presence r JOIN link l ON l.system = r.system AND l.ref = r.pupil_ref JOIN person p USING (child_id)
        LEFT JOIN named n ON n.name = r.school_ref
        WHERE p.known_to_care AND r.last_week >= {year_start} GROUP BY ALL
    )
"""


def _of_field(field: str, *, text: bool) -> str:
    plain = "regexp_replace(lower(strip_accents({0}.value)), '[^a-z0-9]', '', 'g')" if text else "{0}.value"
    return _FIELD.format(field=field, plain_a=plain.format("a"), plain_b=plain.format("b"))


def questions(as_at: str) -> dict[str, str]:
    """By code of the rule that asks the same: SQL for one row per child or school raised, on a day (YYYY-MM-DD)."""
    year_start = _YEAR_START.format(as_at=as_at)
    roll = _ROLL.format(year_start=year_start)
    return {
        "birth-date": _of_field("birth_date", text=False),
        "sex": _of_field("sex", text=False),
        "surname": _of_field("surname", text=True),
        "forename": _of_field("forename", text=True),
        "upn-missing": _NUMBER
        + f"""
            SELECT DISTINCT l.child_id FROM child c JOIN link l ON l.system = c.system AND l.ref = c.child_ref
            JOIN person p USING (child_id)
            WHERE p.birth_date <= DATE '{as_at}' - INTERVAL 5 YEAR
                AND EXISTS (SELECT 1 FROM held h WHERE h.child_id = l.child_id AND h.system IN {_SCHOOL_SYSTEMS})
                AND NOT EXISTS (SELECT 1 FROM held h WHERE h.child_id = l.child_id AND h.system = c.system)
        """,
        "upn-malformed": _NUMBER
        + "SELECT DISTINCT child_id FROM held WHERE NOT regexp_matches(value, '^[A-Z][0-9]{11}[0-9A-Z]$')",
        "upn-differs": _NUMBER
        + """
            SELECT DISTINCT a.child_id FROM held a JOIN held b USING (child_id)
            WHERE b.system = 'school-census' AND a.system <> b.system AND a.value <> b.value
        """,
        "duplicate-record": """
            SELECT DISTINCT l.child_id FROM (
                SELECT system, child_ref, any_value(birth_date) AS born, any_value(lower(surname)) AS surname,
                    any_value(lower(forename)) AS forename
                FROM child WHERE surname IS NOT NULL GROUP BY ALL
            ) c JOIN link l ON l.system = c.system AND l.ref = c.child_ref
            QUALIFY count(*) OVER (PARTITION BY c.system, born, surname, forename) > 1
        """,
        "worker-left": f"""
            SELECT DISTINCT l.child_id FROM involvement i JOIN link l ON l.system = i.system AND l.ref = i.child_ref
            JOIN professional p ON p.system = i.system AND p.professional_ref = i.professional_ref
            WHERE i.start_date <= DATE '{as_at}' AND i.end_date IS NULL AND p.team_ref IS NULL
        """,
        "plan-one-side": """
            WITH plan AS (
                SELECT DISTINCT l.child_id, c.system, c.kind, c.start_date,
                    coalesce(c.end_date, DATE '9999-12-31') AS till
                FROM (SELECT 'cin' AS kind, system, child_ref, start_date, end_date FROM cin_plan
                    UNION ALL SELECT 'cp', system, child_ref, start_date, end_date FROM cp_plan) c
                JOIN link l ON l.system = c.system AND l.ref = c.child_ref
                WHERE c.start_date IS NOT NULL
            ),
            census AS (SELECT min(as_at) - 365 AS first, max(as_at) AS last FROM delivery WHERE system = 'cin-census')
            SELECT DISTINCT a.child_id FROM plan a, census
            WHERE a.start_date <= census.last AND a.till >= census.first AND NOT EXISTS (
                SELECT 1 FROM plan b WHERE b.child_id = a.child_id AND b.kind = a.kind AND b.system <> a.system
                    AND b.start_date <= a.till AND b.till >= a.start_date)
        """,
        "other-authority": "SELECT DISTINCT l.child_id FROM cp_plan c "
        "JOIN link l ON l.system = c.system AND l.ref = c.child_ref WHERE c.other_authority",
        "marks-off-roll": roll
        + """
            SELECT DISTINCT m.child_id FROM marked m LEFT JOIN roll r USING (child_id, urn)
            WHERE r.child_id IS NULL OR (NOT r.open AND r.left_on < m.last_week)
        """,
        "roll-without-marks": roll
        + """
            SELECT DISTINCT r.child_id FROM roll r LEFT JOIN marked m USING (child_id, urn)
            WHERE r.open AND m.child_id IS NULL
        """,
        "school-marks-late": f"""
            SELECT school_ref FROM presence GROUP BY school_ref
            HAVING max(last_week) BETWEEN {year_start} AND (SELECT max(last_week) FROM presence) - 21
        """,
        "suspension-one-side": """
            WITH held AS (
                SELECT DISTINCT l.child_id, s.system, s.start_date FROM suspension s
                JOIN link l ON l.system = s.system AND l.ref = s.pupil_ref JOIN person p USING (child_id)
                WHERE p.known_to_care
            )
            SELECT DISTINCT a.child_id FROM held a
            ANTI JOIN held b ON b.child_id = a.child_id AND b.start_date = a.start_date AND b.system <> a.system
            WHERE (SELECT count(DISTINCT system) FROM held) > 1
        """,
        "present-while-suspended": f"""
            SELECT DISTINCT w.child_id FROM suspension s JOIN link l ON l.system = s.system AND l.ref = s.pupil_ref
            JOIN register_week w ON w.child_id = l.child_id
                AND w.week BETWEEN s.start_date - 6 AND coalesce(s.end_date, s.start_date)
            WHERE s.start_date >= {year_start} AND regexp_matches(substr(w.marks,
                2 * greatest(0, s.start_date - w.week)::INT + 1,
                2 * (least(coalesce(s.end_date, s.start_date), w.week + 6) - greatest(s.start_date, w.week) + 1)::INT),
                '[/\\\\]')
        """,
    }

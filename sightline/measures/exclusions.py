"""SQL for suspensions and permanent exclusions, each once."""

from __future__ import annotations

from sightline.measures.schools import became_sql, place_sql


def exclusion_sql() -> str:
    """SQL for one row per suspension or permanent exclusion of a child: `exclusion`, sorted by child and first day.

    Reads `suspension`, `link`, `delivery`, `school` and `school_link`. Rows of any delivery or system with the same
    child, school (as it is today, successors followed), first day and category are one exclusion: the later delivery's
    word is kept, `urn` is the school at the time, and `received` is the first day any delivery in force told of it. A
    row without a first day cannot be compared and is kept. FIXD, the older word, is SUSP.

    Source of the rule: pupil exclusion statistics methodology (each census since autumn 2019 also carries the
    term one further back).
    """
    return f"""
        WITH RECURSIVE {place_sql("SELECT DISTINCT school_ref AS ref FROM suspension")},
        {became_sql()},
        told AS (
            SELECT link.child_id, coalesce(place.urn, s.school_ref) AS urn, s.start_date, s.end_date, s.sessions,
                CASE s.category WHEN 'FIXD' THEN 'SUSP' ELSE s.category END AS category, s.reason1,
                delivery.received, s.delivery, s.line, coalesce(delivery.place, -1) AS place
            FROM suspension s
            JOIN link ON link.system = s.system AND link.ref = s.pupil_ref
            LEFT JOIN delivery ON delivery.delivery = s.delivery
            LEFT JOIN place ON place.ref = s.school_ref
                AND coalesce(s.start_date, DATE '9999-12-30') >= place.from_day
                AND coalesce(s.start_date, DATE '9999-12-30') < place.to_day
        ),
        compared AS (
            SELECT told.*, coalesce(became.today, told.urn) AS today,
                CASE WHEN start_date IS NULL THEN concat_ws(' ', told.delivery, told.line) END AS undated
            FROM told LEFT JOIN became ON became.urn = told.urn
        )
        SELECT child_id, urn, start_date, end_date, sessions, category, reason1,
            min(received) OVER (PARTITION BY child_id, today, start_date, category, undated) AS received, delivery, line
        FROM compared
        QUALIFY row_number() OVER (
            PARTITION BY child_id, today, start_date, category, undated ORDER BY place DESC, line DESC
        ) = 1
        ORDER BY child_id, start_date, urn
    """

"""SQL for the register tables: the latest word on every session, and the two small tables pages are drawn from."""

from __future__ import annotations

from datetime import date

from sightline.measures.marks import COUNTS, days_sql
from sightline.measures.schools import place_sql

_KEY = "child_id, urn, week"


def register_week_sql(year: int) -> str:
    """SQL for one row per child per school per week of an academic year (by its first calendar year): `register_week`.

    Reads `attendance_week` (stored facts), `link`, `delivery` and `school`; answers sorted by child, week and school,
    which is worth twenty times in size. A week belongs to the year its Monday falls in.

    - A week that came once passes through untouched.
    - Where several rows tell of the same child, school and week (from several deliveries, or two records of one child)
      they are combined session by session: the mark of the later delivery wins, and no mark never wins over a mark. The
      counts are then made again from the marks with the class each code had on the day. `delivery` and `line` are those
      of the latest row.
    - A child at two schools in a week has two rows. A school is the URN it had then; a reference to no known school is
      kept as the sender wrote it.
    """
    first, after = date(year, 8, 1), date(year + 1, 8, 1)
    counts = ", ".join(COUNTS)
    recounted = ", ".join(f"({days_sql(count, 'marks', 'week')})::SMALLINT AS {count}" for count in COUNTS)
    return f"""
        WITH {place_sql("SELECT DISTINCT school_ref AS ref FROM attendance_week")},
        named AS (
            SELECT link.child_id, coalesce(place.urn, a.school_ref, '') AS urn, a.week, a.marks, {counts},
                a.delivery, a.line
            FROM attendance_week a
            JOIN link ON link.system = a.system AND link.ref = a.pupil_ref
            LEFT JOIN place ON place.ref = a.school_ref AND a.week >= place.from_day AND a.week < place.to_day
            WHERE a.week >= DATE '{first}' AND a.week < DATE '{after}'
        ),
        repeated AS (SELECT {_KEY} FROM named GROUP BY {_KEY} HAVING count(*) > 1),
        told AS (
            SELECT named.*, coalesce(delivery.place, -1) AS place
            FROM named SEMI JOIN repeated USING ({_KEY}) LEFT JOIN delivery USING (delivery)
        ),
        sessions AS (
            SELECT {_KEY}, slot,
                coalesce(
                    arg_max(substr(marks, slot, 1), struct_pack(place, line := coalesce(line, 0)))
                        FILTER (substr(marks, slot, 1) <> '.'),
                    '.'
                ) AS mark
            FROM told, unnest(range(1, length(marks) + 1)) AS s(slot)
            GROUP BY {_KEY}, slot
        ),
        merged AS (
            SELECT {_KEY}, string_agg(mark, '' ORDER BY slot) AS marks FROM sessions GROUP BY {_KEY}
        ),
        last_word AS (
            SELECT {_KEY}, arg_max(struct_pack(delivery, line), struct_pack(place, line := coalesce(line, 0))) AS word
            FROM told GROUP BY {_KEY}
        )
        SELECT child_id, nullif(urn, '') AS urn, week, marks, {counts}, delivery, line
        FROM (
            SELECT {_KEY}, marks, {counts}, delivery, line FROM named ANTI JOIN repeated USING ({_KEY})
            UNION ALL
            SELECT {_KEY}, marks, {recounted}, word.delivery, word.line
            FROM merged JOIN last_word USING ({_KEY})
        )
        ORDER BY child_id, week, urn
    """


def register_year_sql() -> str:
    """SQL for one row per child per school per academic year: `register_year`, from `register_week`.

    A year with no possible session has a row too, so that it can be counted as left out.
    """
    return f"""
        SELECT child_id, urn, {year_sql("week")} AS year,
            sum(possible)::INTEGER AS possible,
            sum(authorised)::INTEGER AS authorised,
            sum(unauthorised)::INTEGER AS unauthorised
        FROM register_week
        GROUP BY ALL
        ORDER BY child_id, year, urn
    """


def register_school_week_sql() -> str:
    """SQL for one row per school per week, all pupils: `register_school_week`, from `register_week`."""
    return """
        SELECT urn, week,
            (count(*) FILTER (possible > 0))::INTEGER AS pupils,
            sum(possible)::INTEGER AS possible,
            sum(authorised)::INTEGER AS authorised,
            sum(unauthorised)::INTEGER AS unauthorised
        FROM register_week
        GROUP BY ALL
        ORDER BY urn, week
    """


def year_sql(day: str) -> str:
    """SQL for the academic year (its first calendar year) a day falls in: the year runs from 1 August."""
    return f"(year({day}) - (month({day}) < 8)::INTEGER)::INTEGER"

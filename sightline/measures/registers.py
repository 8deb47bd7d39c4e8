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
    recounted = ", ".join(
        f"({days_sql(count, 'merged.marks', 'week', since=first)})::SMALLINT AS {count}" for count in COUNTS
    )
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
            SELECT named.*, struct_pack(place := coalesce(delivery.place, -1), line := coalesce(line, 0)) AS said
            FROM named SEMI JOIN repeated USING ({_KEY}) LEFT JOIN delivery USING (delivery)
        ),
        last_word AS (
            SELECT {_KEY}, max(length(marks)) AS slots,
                unnest(arg_max(struct_pack(marks, {counts}, delivery, line), said))
            FROM told GROUP BY {_KEY}
        ),
        -- A last word with a mark for every session needs nothing from the words before it.
        gaps AS (SELECT * FROM last_word WHERE contains(marks, '.') OR length(marks) < slots),
        sessions AS (
            SELECT {_KEY}, slot, coalesce(arg_max(mark, said) FILTER (mark <> '.'), '.') AS mark
            FROM (
                SELECT {_KEY}, said, slot, substr(marks, slot, 1) AS mark
                FROM told SEMI JOIN gaps USING ({_KEY}), unnest(range(1, length(marks) + 1)) AS s(slot)
            )
            GROUP BY {_KEY}, slot
        ),
        merged AS (SELECT {_KEY}, string_agg(mark, '' ORDER BY slot) AS marks FROM sessions GROUP BY {_KEY})
        SELECT child_id, nullif(urn, '') AS urn, week, marks, {counts}, delivery, line
        FROM (
            SELECT {_KEY}, marks, {counts}, delivery, line FROM named ANTI JOIN repeated USING ({_KEY})
            UNION ALL
            SELECT {_KEY}, marks, {counts}, delivery, line FROM last_word ANTI JOIN gaps USING ({_KEY})
            UNION ALL
            SELECT {_KEY}, merged.marks, {recounted}, gaps.delivery, gaps.line FROM merged JOIN gaps USING ({_KEY})
        )
        ORDER BY child_id, week, urn
    """


def presence_sql() -> str:
    """SQL for one row per pupil's record per school per delivery of marks: `presence`, from `attendance_week`.

    So that who was where need not be asked of every mark again when one week is added.
    """
    return """
        SELECT system, pupil_ref, school_ref,
            min(week) FILTER (possible > 0) AS first_week,
            max(week) FILTER (possible > 0) AS last_week,
            delivery,
            arg_max(line, week) FILTER (possible > 0) AS line
        FROM attendance_week
        GROUP BY ALL
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

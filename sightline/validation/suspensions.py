"""Rules on suspensions: against the limit in law, each other, the marks of their days, and what another system says."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import Final

from sightline.validation.record_sql import ATTENDING, SAYS_SESSION, quoted, sessions, within
from sightline.validation.records import record_rule
from sightline.vocabulary.attendance import pack, packed_in_class
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.limits import SAME_SUSPENSION, SUSPENSION

_suspension = partial(record_rule, group="Suspensions")
_EXCLUDED: Final = pack("E", date(2024, 9, 1)) or ""
# A closed school is nobody's presence and nobody's suspension.
_NO_SESSION: Final = packed_in_class("administrative", date(2024, 9, 1)) + packed_in_class(
    "not possible", date(2024, 9, 1)
)
_LIMIT: Final = 2 * SUSPENSION.value
_SAYS: Final = (
    "{0}.start_date || coalesce(' to ' || {0}.told_end, '') || coalesce(', ' || {0}.sessions || ' sessions', '')"
)

_HOLIDAY: Final = 35  # the last session of a suspension may fall after a holiday of this many days
_WEEKS: Final = f"""
    SELECT r.child_id, r.urn, r.week, r.marks, r.delivery, r.line, s.nth, s.start_date, s.told_end, s.sessions,
        s.delivery AS told_in, s.line AS told_at
    FROM register_week r LEFT JOIN check_school n ON n.name = r.urn
    JOIN suspended s ON s.child_id = r.child_id AND s.urn = coalesce(n.urn, r.urn)
        AND r.week <= s.last_day + CASE WHEN s.told_end IS NULL THEN {_HOLIDAY} ELSE 0 END AND r.week + 7 > s.start_date
"""
# One row per session marked at the school within a suspension. Without a last day, as many sessions as it has and one
# more, because it may begin in the morning or the afternoon of its first day.
_DURING: Final = f"""
    WITH suspended AS (
        SELECT s.* FROM check_suspension s, check_year y
        WHERE s.category = 'SUSP' AND s.start_date >= y.first AND s.start_date < y.after
            AND (s.told_end IS NOT NULL OR s.sessions IS NOT NULL)
    ),
    marked AS (
        SELECT x.*, row_number() OVER (PARTITION BY x.nth ORDER BY x.day, x.slot) AS place
        FROM ({sessions(_WEEKS)}) x
        WHERE x.day >= x.start_date AND NOT {within(_NO_SESSION, "x.mark")}
            AND (x.told_end IS NULL OR x.day <= x.told_end)
    ),
    during AS (SELECT * FROM marked WHERE told_end IS NOT NULL OR place <= sessions + 1),
    whole AS (
        SELECT nth, string_agg(CASE WHEN {within(ATTENDING, "mark")} THEN 'P' WHEN mark = {quoted(_EXCLUDED)} THEN 'E'
            ELSE 'x' END, '' ORDER BY place) AS held,
            CASE WHEN any_value(told_end) IS NULL THEN 1
                ELSE greatest(0, count(*) - coalesce(any_value(sessions), count(*))) END AS free
        FROM during GROUP BY nth
    )
"""


@_suspension(
    "present-while-suspended",
    "Marked present in a session of a suspension.",
    grain="suspension",
    needs=("attendance_week", "suspension"),
    by_year=True,
)
def present_while_suspended() -> str:
    """From the first day of a suspension to its last, the pupil is marked present in no more sessions of that school
    than its length leaves free, and only before it begins or after it ends: one of three sessions that lasts two days
    began, or ended, at midday. Without a last day, its sessions are counted from the morning or the afternoon of the
    first. Lunchtime suspensions are not judged."""
    # Two sessions free and more: the suspension may not be in one stretch, so only their number is judged.
    present = "length(replace(replace(w.held, 'E', ''), 'x', ''))"
    return f"""
        {_DURING}
        SELECT arg_min(x.delivery, x.place) AS delivery, any_value(x.child_id) AS child_id, min(x.week) AS week,
            NULL::VARCHAR AS record, 'attendance_week' AS "table", 'marks' AS field,
            string_agg({SAYS_SESSION}, ', ' ORDER BY x.place) AS value,
            'suspended ' || any_value({_SAYS.format("x")}) AS against, arg_min(x.line, x.place) AS line
        FROM during x JOIN whole w USING (nth)
        WHERE {within(ATTENDING, "x.mark")} AND ({present} > w.free
            OR (w.free = 1 AND contains(trim(w.held, 'P'), 'P')))
        GROUP BY x.nth
    """


@_suspension(
    "suspension-without-e",
    "No session of this suspension is marked E.",
    grain="suspension",
    needs=("attendance_week", "suspension"),
    severity=Severity.QUERY,
    by_year=True,
)
def suspension_without_e() -> str:
    """The register of the school that suspended a pupil shows E in at least one session of the suspension. A school
    that sent no marks of those days is not judged, nor is a lunchtime suspension."""
    return f"""
        {_DURING}
        SELECT any_value(x.told_in) AS delivery, any_value(x.child_id) AS child_id, NULL::DATE AS week,
            NULL::VARCHAR AS record, 'suspension' AS "table", 'start_date' AS field,
            any_value({_SAYS.format("x")}) AS value,
            'marked ' || string_agg({SAYS_SESSION}, ', ' ORDER BY x.place) AS against, any_value(x.told_at) AS line
        FROM during x JOIN whole w USING (nth)
        WHERE NOT contains(w.held, 'E')
        GROUP BY x.nth
    """


@_suspension(
    "suspended-too-long",
    f"Suspended for more than {SUSPENSION.value} school days in one school year.",
    grain="child and school year",
    needs=("suspension",),
)
def suspended_too_long() -> str:
    """The suspensions of one child in one school year (from August), over all schools, add up to 45 school days at
    most; a lunchtime counts half a day. One that two systems tell of, with days in common, counts once, as the later
    file tells it. The finding stands at the suspension with which the limit is passed."""
    return f"""
        WITH once AS (
            SELECT * FROM check_suspension s WHERE NOT EXISTS (
                SELECT 1 FROM check_suspension o WHERE o.child_id = s.child_id AND o.system <> s.system
                    AND o.place > s.place AND o.start_date <= s.last_day AND s.start_date <= o.last_day)
        ),
        summed AS (
            SELECT *, sum(counted_sessions) OVER (PARTITION BY child_id, year ORDER BY start_date, nth) AS so_far,
                sum(counted_sessions) OVER (PARTITION BY child_id, year) AS total
            FROM once
        )
        SELECT delivery, child_id, NULL::DATE AS week, NULL::VARCHAR AS record, 'suspension' AS "table",
            'sessions' AS field, (total / 2)::DECIMAL(6, 1) || ' days' AS value,
            'at most {SUSPENSION.value} days in ' || year || '/' || lpad(((year + 1) % 100)::TEXT, 2, '0') AS against,
            line
        FROM summed WHERE so_far > {_LIMIT} AND so_far - counted_sessions <= {_LIMIT}
    """


@_suspension(
    "suspensions-overlap",
    "Two suspensions of one child cover the same days.",
    grain="suspension",
    needs=("suspension",),
)
def suspensions_overlap() -> str:
    """In one system, no suspension of a child begins while another runs. One that begins on the last day of another
    may be the next, unless both begin that day. Lunchtime suspensions are not judged. The finding stands at the later
    of the two."""
    return f"""
        SELECT b.delivery, b.child_id, NULL::DATE AS week, NULL::VARCHAR AS record, 'suspension' AS "table",
            'start_date' AS field, {_SAYS.format("b")} AS value,
            min('also ' || {_SAYS.format("a")} || ', line ' || coalesce(a.line, 0)) AS against, b.line
        FROM check_suspension a JOIN check_suspension b ON b.child_id = a.child_id AND b.system = a.system
            AND (a.start_date, coalesce(a.line, 0), a.nth) < (b.start_date, coalesce(b.line, 0), b.nth)
        WHERE a.category = 'SUSP' AND b.category = 'SUSP'
            AND (b.start_date < a.last_day OR b.start_date = a.start_date)
        GROUP BY b.nth, b.delivery, b.child_id, b.line, b.start_date, b.told_end, b.sessions
    """


@_suspension(
    "suspension-in-one-source",
    "One system has this suspension, and another, which speaks of that day, has not.",
    grain="suspension and silent system",
    needs=("suspension",),
    severity=Severity.QUERY,
    ready="(SELECT count(DISTINCT system) FROM suspension) > 1",
    lacks="Two systems (such as the school census and the authority's own list) must send suspensions.",
)
def suspension_in_one_source() -> str:
    """A suspension or permanent exclusion that one system sends is in every other that speaks of its day: there too
    the child has one of the same kind that begins within seven days. The authority's own list speaks of all days from
    its first suspension to its last day; a census of the days from its first suspension to its last; a school's own
    system of its own school only."""
    return f"""
        WITH told AS MATERIALIZED (
            SELECT l.child_id, s.system, coalesce(n.urn, s.school_ref) AS urn, s.pupil_ref, s.start_date,
                s.category = 'PERM' AS permanent, s.category, s.sessions, s.delivery, s.line, d.as_at
            FROM suspension s JOIN link l ON l.system = s.system AND l.ref = s.pupil_ref
            JOIN delivery d USING (delivery) LEFT JOIN check_school n ON n.name = s.school_ref
            WHERE s.start_date IS NOT NULL
            QUALIFY row_number() OVER (PARTITION BY l.child_id, s.system, s.start_date, s.category = 'PERM'
                ORDER BY d.place DESC, s.line DESC) = 1
        ),
        every AS (
            SELECT s.system, s.delivery, s.start_date, coalesce(n.urn, s.school_ref) AS urn, d.as_at
            FROM suspension s JOIN delivery d USING (delivery) LEFT JOIN check_school n ON n.name = s.school_ref
            WHERE s.start_date IS NOT NULL
        ),
        speaks AS (
            SELECT system, delivery, CASE WHEN system IN ('school-census', 'suspensions') THEN NULL ELSE urn END AS urn,
                min(start_date) AS first,
                CASE WHEN system = 'school-census' THEN max(start_date) ELSE greatest(max(start_date), max(as_at)) END
                    AS last
            FROM every GROUP BY 1, 2, 3
        ),
        asked AS (
            SELECT a.*, p.system AS silent
            FROM told a JOIN speaks p ON p.system <> a.system AND a.start_date BETWEEN p.first AND p.last
                AND coalesce(p.urn, a.urn) IS NOT DISTINCT FROM a.urn
        )
        SELECT DISTINCT a.delivery, a.child_id, NULL::DATE AS week, a.pupil_ref AS record, 'suspension' AS "table",
            'start_date' AS field,
            coalesce(a.category, 'SUSP') || ' from ' || a.start_date || coalesce(', ' || a.sessions || ' sessions', '')
                AS value,
            'not in ' || a.silent AS against, a.line
        FROM asked a ANTI JOIN told o ON o.child_id = a.child_id AND o.system = a.silent AND o.permanent = a.permanent
            AND o.start_date BETWEEN a.start_date - {SAME_SUSPENSION.value} AND a.start_date + {SAME_SUSPENSION.value}
    """

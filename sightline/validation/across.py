"""Rules that hold sources against each other: registrations against registrations, plans against any school record."""

from __future__ import annotations

from functools import partial
from typing import Final

from sightline.validation.records import record_rule
from sightline.vocabulary.findings import Severity

_across = partial(record_rule, group="Across sources")
_SINGLE: Final = "C"  # enrolment_status: current, at this school only


@_across(
    "single-on-two-rolls",
    "On two schools' rolls on one day, and both say that theirs is the only registration.",
    grain="registration",
    needs=("enrolment",),
)
def single_on_two_rolls() -> str:
    """A pupil whose registration is said to be the only one (status C) is on no other school's roll as its only one in
    registers of the same day. One of the two has left, or is a subsidiary registration (status S, the other M). The
    finding stands at the registration that began first."""
    return f"""
        WITH rolls AS (
            SELECT l.child_id, e.pupil_ref, coalesce(n.urn, e.school_ref) AS urn, e.school_ref, e.entry_date,
                e.delivery, e.line, d.as_at
            FROM enrolment e JOIN link l ON l.system = e.system AND l.ref = e.pupil_ref
            JOIN delivery d USING (delivery) LEFT JOIN check_school n ON n.name = e.school_ref
            WHERE e.status = '{_SINGLE}' AND e.school_ref IS NOT NULL
                AND (e.leaving_date IS NULL OR e.leaving_date >= d.as_at)
        )
        SELECT a.delivery, a.child_id, NULL::DATE AS week, a.pupil_ref AS record, 'enrolment' AS "table",
            'status' AS field, '{_SINGLE} at ' || a.school_ref AS value,
            min('also {_SINGLE} at ' || b.school_ref || coalesce(' since ' || b.entry_date, '')
                || ', line ' || coalesce(b.line, 0)) AS against,
            a.line
        FROM rolls a JOIN rolls b ON b.child_id = a.child_id AND b.urn <> a.urn AND b.as_at = a.as_at
            AND (coalesce(a.entry_date, DATE '0001-01-01'), a.urn) < (coalesce(b.entry_date, DATE '0001-01-01'), b.urn)
        GROUP BY ALL
    """


@_across(
    "plan-without-education",
    "On a plan and of compulsory school age, and no school record is known to be the child's.",
    grain="plan",
    needs=("status_period", "enrolment"),
    severity=Severity.QUERY,
)
def plan_without_education() -> str:
    """A child who is on a Child in Need or Child Protection plan on the newest day of social care data, and of
    compulsory school age, is or was on some school's roll or in its marks: else the child was matched to nobody, is
    educated elsewhere, or is missing education."""
    return """
        SELECT s.delivery, s.child_id, NULL::DATE AS week, NULL::VARCHAR AS record,
            CASE s.status WHEN 'CP plan' THEN 'cp_plan' ELSE 'cin_plan' END AS "table", 'start_date' AS field,
            s.status || ' from ' || s.start_date AS value, 'no school record' AS against, s.line
        FROM status_period s JOIN person p USING (child_id), check_setting c
        WHERE s.status IN ('CIN plan', 'CP plan') AND s.start_date <= c.as_at
            AND (s.end_date IS NULL OR s.end_date > c.as_at)
            AND s.other_authority IS NOT true
            -- Between the latest day the law begins compulsory school age on and the earliest it ends on.
            AND c.as_at >= make_date(year(p.birth_date) + 5 + (month(p.birth_date) > 8)::INT, 9, 1)
            AND c.as_at < make_date(year(p.birth_date) + 16 + (month(p.birth_date) > 8)::INT, 6, 25)
            AND NOT EXISTS (SELECT 1 FROM enrolment_period e WHERE e.child_id = s.child_id)
        QUALIFY row_number() OVER (PARTITION BY s.child_id ORDER BY s.start_date DESC) = 1
    """

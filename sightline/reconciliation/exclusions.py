"""Rules on suspensions and permanent exclusions: known to one team only, told differently, or marked present."""

from __future__ import annotations

from typing import Final

from sightline.reconciliation.rule import EDUCATION, Rule, parted
from sightline.vocabulary.limits import SAME_SUSPENSION

_SHOWS: Final = frozenset({EDUCATION})
_TWO: Final = "(SELECT count(DISTINCT system) FROM _suspended_cover) > 1"
_TWO_SAYS: Final = "Two systems (such as the school census and the authority's own list) must send suspensions."
_VALUE: Final = (
    "lower(CASE {0}.category WHEN 'PERM' THEN 'permanent exclusion' WHEN 'LNCH' THEN 'lunchtime suspension' "
    "ELSE 'suspension' END) || ' from ' || {0}.start_date || coalesce(', ' || {0}.sessions || ' sessions', '')"
)


def _one_side(code: str, name: str, permanent: bool, due: int, why: str) -> Rule:
    return Rule(
        code=code,
        name=name,
        says=f"One system has a {'permanent exclusion' if permanent else 'suspension'} that another, which speaks of "
        "that day, has not.",
        grain="event and silent system",
        between="the school census and the authority's own list",
        due=due,
        why=why,
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            f"""
            FROM _suspended a JOIN (
                SELECT a.child_id, a.system AS of_system, a.start_date, a.category, c.system,
                    arg_max(c.delivery, c.word) AS delivery
                FROM _suspended a JOIN _suspended_cover c ON c.system <> a.system
                    AND a.start_date BETWEEN c.from_day AND c.to_day
                GROUP BY ALL
            ) b ON b.child_id = a.child_id AND b.of_system = a.system AND b.start_date = a.start_date
                AND b.category = a.category
            WHERE (a.category = 'PERM') = {str(permanent).lower()} AND NOT EXISTS (
                SELECT 1 FROM _suspended q WHERE q.child_id = a.child_id AND q.system = b.system
                    AND (q.category = 'PERM') = (a.category = 'PERM')
                    AND abs(q.start_date - a.start_date) <= {SAME_SUSPENSION.value})
            """,
            what="a.category || ' from ' || a.start_date || ' in ' || b.system",
            urn="a.urn",
            system="b.system",
            left=_VALUE.format("a"),
            right="NULL",
            right_line="NULL",
        ),
    )


EXCLUSION_RULES: Final = (
    _one_side(
        "suspension-one-side",
        "Suspension known to one team only",
        False,
        14,
        "The team that does not know it does not ring the social worker.",
    ),
    _one_side(
        "exclusion-one-side",
        "Permanent exclusion held separately",
        True,
        3,
        "Provision is due from the sixth school day; the main system is where everybody looks.",
    ),
    Rule(
        code="suspension-differs",
        name="Suspension told differently",
        says="Two systems have a suspension of the child "
        f"within {SAME_SUSPENSION.value} days of each other, with another first day or "
        "number of sessions, and no other fits better.",
        grain="event",
        between="the school census and the authority's own list",
        due=28,
        why="Forty-five days in a year is a limit in law, and is counted from these.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            f"""
            FROM _suspended a JOIN _suspended b ON b.child_id = a.child_id AND b.system <> a.system
                AND b.category = a.category AND abs(b.start_date - a.start_date) <= {SAME_SUSPENSION.value}
                AND (a.word < b.word OR (a.word = b.word AND a.system < b.system))
            WHERE (a.start_date <> b.start_date OR a.sessions <> b.sessions)
                AND (a.start_date = b.start_date OR NOT EXISTS (
                    SELECT 1 FROM _suspended q WHERE q.child_id = a.child_id AND q.category = a.category
                        AND ((q.system = b.system AND q.start_date = a.start_date)
                            OR (q.system = a.system AND q.start_date = b.start_date))))
            """,
            what="a.category || ' from ' || a.start_date",
            urn="a.urn",
            left=_VALUE.format("a"),
            right=_VALUE.format("b"),
        ),
    ),
    Rule(
        code="present-while-suspended",
        name="Marked present while suspended",
        says="More sessions are marked present during a suspension than its length leaves room for.",
        grain="event",
        between="the suspensions and a school's marks",
        due=14,
        why="Either the child was not suspended or was not there: both are figures in law.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _suspended WHERE end_date IS NOT NULL) AND EXISTS (SELECT 1 FROM presence)",
        lacks="Suspensions with their last day, and marks, are needed.",
        find=parted(
            """
            FROM (
                SELECT s.child_id, s.system, s.urn, s.start_date, s.category, s.sessions, s.delivery, s.line,
                    sum(length(held)) AS slots, sum(length(translate(held, present, ''))) AS elsewhere,
                    any_value(w.delivery) AS marks_delivery, any_value(w.line) AS marks_line
                FROM _suspended s CROSS JOIN _setting
                JOIN register_week w ON w.child_id = s.child_id AND w.week <= s.end_date AND w.week > s.start_date - 7
                    AND w.week >= (SELECT year_start FROM _setting) - 7
                CROSS JOIN LATERAL (SELECT translate(substr(w.marks, 2 * greatest(0, s.start_date - w.week)::INT + 1,
                    2 * (least(s.end_date, w.week + 6) - greatest(s.start_date, w.week) + 1)::INT), '.#', '') AS held)
                WHERE s.end_date IS NOT NULL AND s.category = 'SUSP'
                    AND s.start_date >= (SELECT year_start FROM _setting)
                GROUP BY ALL
            ) a LEFT JOIN _ranked k ON k.delivery = a.marks_delivery
            WHERE a.elsewhere < least(a.sessions, a.slots)
            """,
            what="a.category || ' from ' || a.start_date",
            urn="a.urn",
            system="k.system",
            left=_VALUE.format("a"),
            right="(a.slots - a.elsewhere) || ' of ' || a.slots || ' sessions marked present'",
            right_system="k.system",
            right_delivery="a.marks_delivery",
            right_line="a.marks_line",
        ),
    ),
)

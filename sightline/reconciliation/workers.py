"""Rules on who works with a child: a worker who left, nobody, two workers or two teams."""

from __future__ import annotations

from typing import Final

from sightline.reconciliation.rule import STAFF, STATUS, Rule, parted

_SHOWS: Final = frozenset({STAFF, STATUS})
# The worker each care system names now: its own latest word on who was last to start, by name where it has one.
_NAMED: Final = """
    SELECT r.child_id, i.system, i.professional_ref, coalesce(p.name, i.professional_ref) AS value,
        coalesce(t.name, i.team_ref) AS team, i.delivery, i.line, k.word
    FROM involvement i
    LEFT JOIN (SELECT DISTINCT ON (system, referral_ref) system, 'referral:' || referral_ref AS ref, child_ref
        FROM referral WHERE referral_ref IS NOT NULL ORDER BY system, referral_ref, child_ref) f
        ON f.system = i.system AND f.ref = i.child_ref
    JOIN _ref r ON r.system = i.system AND r.ref = coalesce(f.child_ref, i.child_ref)
    JOIN _ranked k USING (delivery)
    LEFT JOIN (SELECT system, professional_ref, any_value(name) AS name FROM professional GROUP BY ALL) p
        ON p.system = i.system AND p.professional_ref = i.professional_ref
    LEFT JOIN (SELECT system, team_ref, any_value(name) AS name FROM team GROUP BY ALL) t
        ON t.system = i.system AND t.team_ref = i.team_ref
    WHERE i.is_social_worker IS NOT false AND i.end_date IS NULL AND i.start_date IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY r.child_id, i.system
        ORDER BY k.word DESC, i.start_date DESC, i.line DESC) = 1
"""


def _two(code: str, name: str, column: str, due: int, why: str) -> Rule:
    plain = f"regexp_replace(lower(strip_accents({{0}}.{column})), '[^a-z0-9]', '', 'g')"
    return Rule(
        code=code,
        name=name,
        says=f"Two care systems name different {name.split(' ', 1)[1]} for a child now.",
        grain="child",
        between="two care systems",
        due=due,
        why=why,
        shows=_SHOWS,
        ready="(SELECT count(DISTINCT system) FROM involvement) > 1",
        lacks="Two care systems must say who works with each child.",
        find=parted(
            f"FROM ({_NAMED}) a JOIN ({_NAMED}) b ON b.child_id = a.child_id AND b.system <> a.system "
            "AND (a.word < b.word OR (a.word = b.word AND a.system < b.system)) "
            f"WHERE {plain.format('a')} <> {plain.format('b')}",
            what=f"'{column} in ' || a.system || ' and ' || b.system".replace("value", "worker"),
            left=f"a.{column}",
            right=f"b.{column}",
        ),
    )


WORKER_RULES: Final = (
    _two("worker", "Two workers", "value", 7, "Schools ring the worker they know; the wrong name costs days."),
    _two("team", "Two teams", "team", 14, "Lists by team leave the child out of the right one."),
    Rule(
        code="worker-left",
        name="Worker who has left",
        says="The child's allocated worker is in no team any more, while others of that system are.",
        grain="child",
        between="the involvements and the list of professionals of one care system",
        due=7,
        why="The child has a worker on paper alone: nobody answers when the school rings.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM involvement) AND EXISTS (SELECT 1 FROM professional WHERE team_ref IS NOT NULL)",
        lacks="Involvements, and professionals with their teams, are needed.",
        owner="care-teams",
        find=parted(
            """
            FROM (
                SELECT w.child_id, k.system, w.worker_ref, coalesce(w.worker_name, w.worker_ref) AS value, w.delivery,
                    w.line
                FROM allocation w JOIN _care c USING (child_id) JOIN _ranked k USING (delivery)
                WHERE w.worker_ref IS NOT NULL AND w.start_date <= (SELECT as_at FROM _setting)
                    -- One that ends on the day itself has been ended: nothing is left to put right.
                    AND (w.end_date IS NULL OR w.end_date > (SELECT as_at FROM _setting) + 1)
            ) a JOIN (
                SELECT p.system, p.professional_ref, p.team_ref, p.delivery, p.line
                FROM professional p JOIN _ranked k USING (delivery)
                WHERE p.system IN (SELECT system FROM professional WHERE team_ref IS NOT NULL)
                QUALIFY row_number() OVER (PARTITION BY p.system, p.professional_ref
                    ORDER BY k.word DESC, p.line DESC) = 1
            ) b ON b.system = a.system AND b.professional_ref = a.worker_ref
            WHERE b.team_ref IS NULL
            """,
            what="'worker'",
            left="a.value || ', allocated now'",
            right="'in no team'",
        ),
    ),
    Rule(
        code="no-worker",
        name="On a plan without a worker",
        says="On a Child in Need or Child Protection plan, and no system names a social worker or a team for "
        "the child.",
        grain="child",
        between="the plans and the involvements",
        due=7,
        why="Somebody must be told of a suspension, and there is nobody to tell.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM involvement)",
        lacks="A care system must send involvements.",
        owner="care-teams",
        find=parted(
            """
            FROM (
                SELECT s.child_id, s.status, k.system, s.status || ' from ' || s.start_date AS value, s.delivery, s.line
                FROM status_period s JOIN _care c ON c.child_id = s.child_id AND c.status = s.status AND c.on_plan
                JOIN _ranked k USING (delivery)
                WHERE s.start_date <= (SELECT as_at FROM _setting) AND s.other_authority IS NOT true
                    AND (s.end_date IS NULL OR s.end_date > (SELECT as_at FROM _setting))
                    AND NOT EXISTS (SELECT 1 FROM allocation w WHERE w.child_id = s.child_id
                        AND w.start_date <= (SELECT as_at FROM _setting)
                        AND (w.end_date IS NULL OR w.end_date > (SELECT as_at FROM _setting)))
            ) a
            """,
            what="'worker'",
            right="NULL",
            right_system="NULL",
            right_delivery="NULL",
            right_line="NULL",
        ),
    ),
)

"""Rules on plans: on one or not, which, from when to when, recorded late, another authority's."""

from __future__ import annotations

from typing import Final

from sightline.reconciliation.rule import DETAIL, STATUS, Rule, parted

_SHOWS: Final = frozenset({STATUS})
_TWO: Final = "(SELECT count(DISTINCT system) FROM _cover) > 1"
_TWO_SAYS: Final = "Two care systems must send plans."
_BETWEEN: Final = "two care systems, or a case system and the return made from it"
_NEVER: Final = "DATE '9999-12-31'"
_SIDES: Final = {
    "left": "earlier.value", "right": "later.value", "child": "p.child_id", "left_system": "earlier.system",
    "left_delivery": "earlier.delivery", "left_line": "earlier.line", "right_system": "later.system",
    "right_delivery": "later.delivery", "right_line": "later.line", "system": "earlier.system",
}  # fmt: skip
# A plan that one system calls one kind and another system another: each is unmatched in the other's terms.
_OTHER_KIND: Final = f"""
    SELECT 1 FROM _unmatched o WHERE o.child_id = a.child_id AND o.kind <> a.kind AND o.system = a.silent_system
        AND o.silent_system = a.system AND o.start_date < coalesce(a.end_date, {_NEVER})
        AND coalesce(o.end_date, {_NEVER}) > a.start_date
"""

PLAN_RULES: Final = (
    Rule(
        code="plan-one-side",
        name="On a plan in one system only",
        says="One system has a plan that another should have (its file speaks of those days) and has not.",
        grain="plan and silent system",
        between=_BETWEEN,
        due=7,
        why="A child is worked with and not counted, or counted and not worked with.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        settings=("late_record_days",),
        find=parted(
            f"FROM _unmatched a WHERE NOT EXISTS ({_OTHER_KIND})",
            what="a.kind || ' from ' || a.start_date || ' in ' || a.silent_system",
            system="a.silent_system",
            right="NULL",
            right_system="a.silent_system",
            right_delivery="a.silent_delivery",
            right_line="NULL",
        ),
    ),
    Rule(
        code="plan-kind",
        name="Two kinds of plan for the same days",
        says="One system has a plan of one kind where another has one of another kind, and neither has both.",
        grain="pair of plans",
        between=_BETWEEN,
        due=7,
        why="A school told of a Child in Need plan acts otherwise than for a Child Protection plan.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        settings=("late_record_days",),
        find=parted(
            f"""
            FROM _unmatched a JOIN _unmatched b ON b.child_id = a.child_id AND b.kind <> a.kind
                AND b.system = a.silent_system AND b.silent_system = a.system AND a.word < b.word
                AND b.start_date < coalesce(a.end_date, {_NEVER}) AND coalesce(b.end_date, {_NEVER}) > a.start_date
            """,
            what="a.kind || ' from ' || a.start_date || ' or ' || b.kind || ' from ' || b.start_date",
        ),
    ),
    Rule(
        code="plan-start",
        name="Plan starts on two days",
        says="Two systems have one plan with different first days.",
        grain="plan",
        between=_BETWEEN,
        due=14,
        why="Months on a plan, re-plans and who was told in time are counted from it.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            "FROM _pair p WHERE earlier.start_date <> later.start_date",
            what="p.kind || ' from ' || earlier.start_date || ' or ' || later.start_date",
            **_SIDES,
        ),
    ),
    Rule(
        code="plan-end",
        name="Plan ends on two days",
        says="Two systems have one plan with different last days, or the later of them to speak has it open "
        "and the earlier ended.",
        grain="plan",
        between=_BETWEEN,
        due=14,
        why="Sharing with schools rests on the plan; Ever 6 is counted from its end.",
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            "FROM _pair p WHERE earlier.end_date <> later.end_date "
            "OR (earlier.end_date IS NOT NULL AND later.end_date IS NULL AND later.day >= earlier.end_date)",
            what="p.kind || ' from ' || earlier.start_date || ', its end'",
            **_SIDES,
        ),
    ),
    Rule(
        code="plan-recorded-late",
        name="Plan recorded late",
        says="A file did not yet show that a plan had begun, or still showed it open after it had ended, though a "
        "later file says that it had. Late by at least the days between the event and the day that file speaks of.",
        grain="plan and event",
        between="an earlier and a later file, of one care system or of two",
        due=14,
        why="Schools and the Virtual School act on what is recorded: every day late is a day nobody knew.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _cover)",
        lacks="A care system must send plans.",
        settings=("late_record_days",),
        find=" UNION ALL ".join(
            (
                parted(
                    "FROM _pair p WHERE earlier.end_date IS NULL AND later.end_date <= earlier.day",
                    what="p.kind || ' from ' || earlier.start_date || ', its end'",
                    days="earlier.day - later.end_date + 1",
                    **_SIDES,
                ),
                parted(
                    f"""
                    FROM (
                        SELECT * FROM _plan_said
                        QUALIFY row_number() OVER (PARTITION BY child_id, kind, system, start_date
                            ORDER BY word, line) = 1
                    ) b JOIN _cover a ON a.kind = b.kind AND a.system = b.system AND a.word < b.word
                        AND a.from_day <= b.start_date
                        AND a.to_day > b.start_date + (SELECT late_days FROM _setting)
                    WHERE NOT EXISTS (
                        SELECT 1 FROM _plan_said q WHERE q.child_id = b.child_id AND q.kind = b.kind
                            AND q.system = b.system AND q.word <= a.word
                            AND q.start_date < coalesce(b.end_date, {_NEVER})
                            AND coalesce(q.end_date, {_NEVER}) > b.start_date)
                    QUALIFY row_number() OVER (PARTITION BY b.child_id, b.kind, b.system, b.start_date
                        ORDER BY a.word DESC) = 1
                    """,
                    what="b.kind || ' from ' || b.start_date || ', its start, in ' || b.system",
                    child="b.child_id",
                    left="'no ' || b.kind || ' on ' || a.to_day",
                    left_line="NULL",
                    right="b.kind || ' from ' || b.start_date",
                    days="a.to_day - b.start_date",
                ),
            )
        ),
    ),
    Rule(
        code="plan-after-outcome",
        name="Plan long after its outcome",
        says="A Child Protection plan starts more than the days set after its conference, or a referral's first plan "
        "after its assessment.",
        grain="plan",
        between="a care system and the rule",
        due=14,
        why="The decision is made and the child has no plan; or the plan's date is a date of recording.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _plan) AND (EXISTS (SELECT 1 FROM section_47 WHERE conference_date IS NOT NULL) "
        "OR EXISTS (SELECT 1 FROM assessment WHERE end_date IS NOT NULL))",
        lacks="A care system must send plans, and conferences or assessments with their dates.",
        owner="care-teams",
        settings=("late_record_days",),
        find=parted(
            """
            FROM (
                SELECT p.*, o.day AS outcome, o.outcome AS outcome_name, o.delivery AS outcome_delivery,
                    o.line AS outcome_line
                FROM _plan p JOIN (
                    SELECT r.child_id, s.system, 'CP plan' AS kind, s.conference_date AS day, 'conference' AS outcome,
                        s.delivery, s.line
                    FROM section_47 s JOIN _ref r ON r.system = s.system AND r.ref = s.child_ref
                    WHERE s.conference_date IS NOT NULL
                    UNION ALL
                    SELECT r.child_id, s.system, 'CIN plan', s.end_date, 'assessment', s.delivery, s.line
                    FROM assessment s JOIN _ref r ON r.system = s.system AND r.ref = s.child_ref
                    WHERE s.end_date IS NOT NULL
                ) o ON o.child_id = p.child_id AND o.system = p.system AND o.kind = p.kind AND o.day <= p.start_date
                QUALIFY row_number() OVER (PARTITION BY p.child_id, p.kind, p.start_date
                    ORDER BY p.word DESC, o.day DESC, o.line) = 1
            ) a
            WHERE a.start_date - a.outcome BETWEEN (SELECT late_days FROM _setting) + 1 AND 92
                -- After another plan, a plan has that plan's reviews for its reason.
                AND NOT EXISTS (SELECT 1 FROM _plan q WHERE q.child_id = a.child_id AND q.start_date < a.start_date
                    AND coalesce(q.end_date, DATE '9999-12-31') >= a.outcome)
            """,
            what="a.kind || ' from ' || a.start_date || ', after its outcome'",
            right="a.outcome_name || ' on ' || a.outcome",
            right_system="a.system",
            right_delivery="a.outcome_delivery",
            right_line="a.outcome_line",
            days="a.start_date - a.outcome",
        ),
    ),
    Rule(
        code="plan-category",
        name="Two categories of one plan",
        says="Two systems have one Child Protection plan with different categories at its start.",
        grain="plan",
        between=_BETWEEN,
        due=28,
        why="The return is judged on it.",
        shows=frozenset({STATUS, DETAIL}),
        ready=_TWO,
        lacks=_TWO_SAYS,
        owner="care-data",
        find=parted(
            "FROM _pair p WHERE p.kind = 'CP plan' AND earlier.category <> later.category "
            "AND earlier.start_date = later.start_date",
            what="p.kind || ' from ' || earlier.start_date || ', its category'",
            **(_SIDES | {"left": "earlier.category", "right": "later.category"}),
        ),
    ),
    Rule(
        code="other-authority",
        name="Child of another authority",
        says="A system says that a Child Protection plan is another authority's; or it says so and another system has "
        "the plan as ours.",
        grain="plan",
        between="a care system, and the return of our own plans",
        due=14,
        why="A plan is counted by the authority that made it, and its worker is theirs.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _plan WHERE other_authority IS NOT NULL)",
        lacks="A care system must say whose plans they are.",
        find=parted(
            f"""
            FROM _plan a LEFT JOIN _plan b ON b.child_id = a.child_id AND b.kind = a.kind AND b.system <> a.system
                AND b.other_authority IS NOT true AND b.start_date < coalesce(a.end_date, {_NEVER})
                AND coalesce(b.end_date, {_NEVER}) > a.start_date
            WHERE a.other_authority
            """,
            what="a.kind || ' from ' || a.start_date || ', whose it is'",
            system="coalesce(b.system, a.system)",
            left="a.value || ', another authority''s'",
            right="b.value || ', ours'",
        ),
    ),
)

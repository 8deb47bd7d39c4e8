"""Rules on who a child is: names, birth date, sex, pupil number, and one child on two records."""

from __future__ import annotations

from typing import Final

from sightline.reconciliation.facts import reception_sql
from sightline.reconciliation.rule import IDENTITY, Rule, parted

_TWO: Final = "(SELECT count(DISTINCT system) FROM _said) > 1"
_TWO_SAYS: Final = "Two systems must say who children are."
_SHOWS: Final = frozenset({IDENTITY})
_BY_NAME: Final = "Schools and social workers look each other's children up by name."


def _field(code: str, name: str, field: str, due: int, why: str) -> Rule:
    return Rule(
        code=code,
        name=name,
        says=f"A system holds another {name.lower()} than the school's register does (or than the latest system, where "
        "no school knows the child).",
        grain="child and system",
        between="each system and the latest school register",
        due=due,
        why=why,
        shows=_SHOWS,
        ready=_TWO,
        lacks=_TWO_SAYS,
        find=parted(
            "FROM _said a JOIN _reference b ON b.child_id = a.child_id AND b.field = a.field AND b.system <> a.system "
            f"WHERE a.field = '{field}' AND a.plain <> b.plain",
            what=f"'{field}'",
        ),
    )


def _number(code: str, name: str, says: str, judged: str, why: str) -> Rule:
    return Rule(
        code=code,
        name=name,
        says=says,
        grain="child and system",
        between="each system and the latest school register",
        due=14,
        why=why,
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _upn)",
        lacks="Some system must hold pupil numbers.",
        find=parted(
            "FROM _upn_judged a LEFT JOIN _upn_reference b ON b.child_id = a.child_id AND b.system <> a.system "
            f"WHERE a.judged = '{judged}'",
            what="'upn'",
        ),
    )


IDENTITY_RULES: Final = (
    _field(
        "birth-date",
        "Date of birth",
        "birth_date",
        14,
        "Year group, school age and every match by name rest on it.",
    ),
    _field("sex", "Sex", "sex", 28, "A return is refused or a comparison by sex is wrong."),
    _field("surname", "Surname", "surname", 28, _BY_NAME),
    _field("forename", "First name", "forename", 28, _BY_NAME),
    Rule(
        code="upn-missing",
        name="No pupil number in social care",
        says="A care system holds no UPN for a child of school age (or in the reception year, and at school) whom a "
        "school knows by one.",
        grain="child and care system",
        between="each care system and the latest school register",
        due=14,
        why="Without it a child is found in education by name alone, or not at all; the CIN census asks for it.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _upn WHERE NOT care) AND EXISTS (SELECT 1 FROM _mention)",
        lacks="A care system must send children, and a school's system pupil numbers.",
        find=parted(
            f"""
            FROM _mention a JOIN (
                -- Where no school has a sound number either, both have something to put right.
                FROM _upn WHERE NOT care
                QUALIFY row_number() OVER (PARTITION BY child_id
                    ORDER BY fault IS NOT NULL, temporary, former, NOT register, word DESC, system) = 1
            ) b ON b.child_id = a.child_id JOIN _care c ON c.child_id = a.child_id
            LEFT JOIN (SELECT child_id, min(entry_date) AS entry_date FROM _roll_said GROUP BY ALL) r
                ON r.child_id = a.child_id
            WHERE NOT EXISTS (SELECT 1 FROM _upn u WHERE u.child_id = a.child_id AND u.system = a.system)
                -- A nursery may have given a number; social care is expected to hold it from the reception year on.
                AND {reception_sql("c.birth_date", "a.day")}
                AND (coalesce(r.entry_date <= a.day, true) OR c.birth_date + INTERVAL 5 YEAR <= a.day)
            """,
            what="'upn'",
            left="NULL",
            right="b.value || CASE WHEN b.fault IS NULL THEN '' ELSE ', which is no sound number' END",
        ),
    ),
    _number(
        "upn-malformed",
        "Pupil number that cannot be one",
        "A system holds a UPN with a wrong check letter, length or character.",
        "malformed",
        "It matches nobody, and the next return carries it on.",
    ),
    _number(
        "upn-of-another",
        "Pupil number of another child",
        "A system holds, for this child, a UPN that belongs to another child.",
        "another",
        "One child's attendance would be shown as the other's.",
    ),
    _number(
        "upn-former",
        "Earlier pupil number",
        "A care system holds, as today's, a UPN that a school's system has as an earlier or temporary one.",
        "former",
        "It matched once; new marks will not come under it.",
    ),
    _number(
        "upn-differs",
        "Two pupil numbers",
        "Two systems hold different UPNs for one child, both well formed.",
        "different",
        "One of them is wrong, or two children were taken for one.",
    ),
    Rule(
        code="duplicate-record",
        name="Two records of one child",
        says="A care system has two records that were found to be one child, or that share a birth date and "
        "a name or a UPN.",
        grain="pair of records",
        between="two records of one care system",
        due=14,
        why="Plans, workers and visits are split between them, and the child is counted twice.",
        shows=_SHOWS,
        ready="EXISTS (SELECT 1 FROM _mention)",
        lacks="A care system must send children.",
        find=parted(
            """
            FROM _twice t JOIN _record a ON a.system = t.system AND a.value = t.first
            JOIN _record b ON b.system = t.system AND b.value = t.second
            """,
            what="'records ' || a.value || ' and ' || b.value",
            # One of the two stands for the child; linkage may change its mind about which.
            child="least(a.child_id, b.child_id)",
        ),
    ),
)

"""Scoring exceptions against an invented authority, whose planted faults are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa

from sightline.engine import Database
from sightline.reconciliation.facts import reception_sql

_UPN: Final = ("upn-malformed", "upn-differs", "upn-former", "upn-of-another")
# By kind of planted fault, the rules that find it. The kinds not named here are for readers and validation to find:
# they stand in one file alone (a code that is none, two marks for one session), or were mended on the way in.
FOUND_BY: Final[dict[str, tuple[str, ...]]] = {
    "missing-upn": ("upn-missing",),
    "upn-check-letter": _UPN,
    "upn-short": _UPN,
    "upn-long": _UPN,
    "upn-mistyped": _UPN,
    "upn-of-another": _UPN,
    "upn-former": _UPN,
    "birth-day-month-swapped": ("birth-date",),
    "birth-off-by-one": ("birth-date",),
    "surname-changed": ("surname",),
    "forename-mistyped": ("forename",),
    "duplicate-child": ("duplicate-record",),
    "stale-worker": ("worker-left",),
    "plan-not-in-census": ("plan-one-side",),
    "plan-not-in-extract": ("plan-one-side",),
    "late-recording": ("plan-recorded-late",),
    "other-authority": ("other-authority",),
    "school-sends-nothing": ("school-marks-late",),
    "school-sends-late": ("school-marks-late",),
    "mark-outside-enrolment": ("marks-off-roll",),
    "present-while-suspended": ("present-while-suspended",),
}
# What follows from a fault besides: an exception of the rule is true, but does not count as finding it.
FOLLOWS_FROM: Final[dict[str, tuple[str, ...]]] = {
    "plan-not-in-extract": ("no-worker",),
    "upn-long": ("roll-without-marks",),
    "upn-short": ("roll-without-marks",),
    "upn-check-letter": ("roll-without-marks",),
}
# Faults of who a child is can be seen only against another source that has it right.
_OF_A_PERSON: Final = ("missing-upn", "birth-day-month-swapped", "birth-off-by-one", "surname-changed",
                       "forename-mistyped", "upn-of-another", "upn-former")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Score:
    """`kinds`: one row per kind of fault: planted, findable, found, recall. `rules`: one row per rule that raised
    something: raised, true, precision. `missed` and `alarms`: one row per fault not found, and per exception without
    a planted cause."""

    kinds: pa.Table
    rules: pa.Table
    missed: pa.Table
    alarms: pa.Table

    @property
    def recall(self) -> float:
        """Share of the findable faults that were found."""
        return _share(self.kinds, "found", "findable")

    @property
    def precision(self) -> float:
        """Share of the exceptions raised that have a planted cause."""
        return _share(self.rules, "true", "raised")


def _share(table: pa.Table, part: str, whole: str) -> float:
    total = sum(table[whole].to_pylist())
    return sum(table[part].to_pylist()) / total if total else 1.0


def score(database: Database, *, faults: pa.Table, refs: pa.Table) -> Score:
    """Hold the open exceptions of a snapshot against the truth files of the authority it was made from.

    `faults` (kind, system, ref, child, ...) and `refs` (child, system, ref) as `synthesise` writes them; a fault that
    shows in two systems is two. A fault is findable when a file in force holds it (a child seen only before school age
    has no UPN to be wrong) and the child is known to social care and, for a fault of who the child is, to a second kind
    of source; a school's is always. It is found when an exception by one of its rules is about that child (or school)
    and names that system. An exception is true when a fault of a kind its rule finds, or that has it for a consequence,
    was planted in that child (or school); one that no school knows the child, when none does.
    """
    for name, by_kind in (("_finds", FOUND_BY), ("_follows", FOLLOWS_FROM)):
        pairs = [(kind, rule) for kind, rules in by_kind.items() for rule in rules]
        database.add(name, pa.table({"kind": [k for k, _ in pairs], "rule": [r for _, r in pairs]}))
    database.add("_fault", faults)
    database.add("_true_ref", refs)
    try:
        database.execute(_RAISED)
        database.execute(_PLANTED)
        kinds = database.query(
            "SELECT kind, count(*)::INT AS planted, count(*) FILTER (findable)::INT AS findable, "
            "count(*) FILTER (findable AND found)::INT AS found, "
            "count(*) FILTER (findable AND found) / nullif(count(*) FILTER (findable), 0) AS recall "
            "FROM _planted GROUP BY kind ORDER BY kind"
        )
        rules = database.query(
            'SELECT rule, count(*)::INT AS raised, count(*) FILTER (is_true)::INT AS "true", '
            "count(*) FILTER (is_true) / count(*) AS precision FROM _raised GROUP BY rule ORDER BY rule"
        )
        missed = database.query("SELECT * EXCLUDE (found) FROM _planted WHERE findable AND NOT found ORDER BY ALL")
        alarms = database.query("SELECT * EXCLUDE (is_true) FROM _raised WHERE NOT is_true ORDER BY rule, exception_id")
        return Score(kinds, rules, missed, alarms)
    finally:
        for name in ("_finds", "_follows", "_fault", "_true_ref"):
            database.execute(f"DROP VIEW IF EXISTS {name}")
        for name in ("_raised", "_planted", "_who_is"):
            database.execute(f"DROP TABLE IF EXISTS {name}")


_RAISED: Final = """
    CREATE OR REPLACE TEMP TABLE _who_is AS
    SELECT DISTINCT l.child_id, t.child FROM link l JOIN _true_ref t ON t.system = l.system AND t.ref = l.ref;
    CREATE OR REPLACE TEMP TABLE _raised AS
    SELECT e.*, EXISTS (
        SELECT 1 FROM _fault f JOIN (FROM _finds UNION ALL FROM _follows) r ON r.kind = f.kind AND r.rule = e.rule
        WHERE (f.child = '' AND f.ref = e.urn)
            OR f.child IN (SELECT w.child FROM _who_is w WHERE w.child_id = e.child_id)
    ) OR (e.rule = 'not-in-education' AND NOT EXISTS (
        SELECT 1 FROM _who_is w JOIN _true_ref t ON t.child = w.child
        WHERE w.child_id = e.child_id AND t.system IN ('school-census', 'wonde'))) AS is_true
    FROM exception e WHERE e.closed IS NULL
"""
# Whether a file in force holds the fault.
_SHOWN: Final = f"""
    CASE
        WHEN f.kind = 'missing-upn' THEN EXISTS (
            SELECT 1 FROM child c JOIN _true_ref t ON t.system = c.system AND t.ref = c.child_ref
            JOIN (
                SELECT delivery,
                    coalesce(as_at, quantile_disc(as_at, 0.5) OVER (PARTITION BY system, received), received) AS day
                FROM delivery
            ) d USING (delivery)
            JOIN _who_is w ON w.child = t.child
            JOIN person p ON p.child_id = w.child_id
            WHERE t.child = f.child AND c.system = f.system
                AND (p.birth_date + INTERVAL 5 YEAR <= d.day OR (
                    {reception_sql("p.birth_date", "d.day")}
                    AND EXISTS (
                    SELECT 1 FROM enrolment e JOIN _true_ref r ON r.system = e.system AND r.ref = e.pupil_ref
                    WHERE r.child = f.child AND e.entry_date <= d.day))))
        WHEN f.kind = 'duplicate-child' THEN (
            SELECT count(DISTINCT c.child_ref) = 2 FROM child c WHERE c.system = f.system
                AND c.child_ref IN (f.planted, f."true"))
        WHEN f."table" = 'identifier' THEN EXISTS (
            SELECT 1 FROM identifier i JOIN _true_ref t ON t.system = i.system AND t.ref = i.ref
            WHERE t.child = f.child AND i.system = f.system AND i.kind = 'upn' AND i.value = f.planted)
        WHEN f."table" IN ('child', 'pupil') THEN EXISTS (
            SELECT 1 FROM (
                SELECT system, child_ref AS ref, birth_date, surname, forename FROM child
                UNION ALL SELECT system, pupil_ref, birth_date, surname, forename FROM pupil
            ) c JOIN _true_ref t ON t.system = c.system AND t.ref = c.ref
            WHERE t.child = f.child AND c.system = f.system
                AND f.planted IN (c.birth_date::TEXT, c.surname, c.forename))
        WHEN f.kind = 'mark-outside-enrolment' THEN EXISTS (
            SELECT 1 FROM enrolment e JOIN _true_ref t ON t.system = e.system AND t.ref = e.pupil_ref
            WHERE t.child = f.child AND e.leaving_date < try_cast(right(f.field, 10) AS DATE)
                AND e.leaving_date > try_cast(right(f.field, 10) AS DATE) - 120)
        ELSE true END
"""
_PLANTED: Final = f"""
    CREATE OR REPLACE TEMP TABLE _planted AS
    WITH known AS (
        SELECT child, bool_or(system IN ('cin-census', 'ssd')) AS care,
            bool_or(system IN ('school-census', 'wonde')) AS education
        FROM _true_ref GROUP BY child
    )
    SELECT f.kind, f.system, f.ref, f.child, f.planted, f."true",
        f.child = '' OR (k.care AND {_SHOWN} AND (f.kind NOT IN {_OF_A_PERSON} OR k.education)) AS findable,
        EXISTS (
            SELECT 1 FROM _raised e JOIN _finds r ON r.rule = e.rule AND r.kind = f.kind
            WHERE f.system IN (e.system, e.left_system, e.right_system)
                AND ((f.child = '' AND f.ref = e.urn)
                    OR e.child_id IN (SELECT w.child_id FROM _who_is w WHERE w.child = f.child))
        ) AS found
    FROM _fault f SEMI JOIN _finds USING (kind) LEFT JOIN known k ON k.child = f.child
"""

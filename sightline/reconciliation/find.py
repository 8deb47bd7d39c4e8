"""Every disagreement that a snapshot shows, by every rule that can run on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.reconciliation.exclusions import EXCLUSION_RULES
from sightline.reconciliation.facts import gathered
from sightline.reconciliation.identity import IDENTITY_RULES
from sightline.reconciliation.plans import PLAN_RULES
from sightline.reconciliation.rule import SYSTEM_OWNERS, Rule
from sightline.reconciliation.schools import SCHOOL_RULES
from sightline.reconciliation.workers import WORKER_RULES
from sightline.vocabulary.settings import Settings

RULES: Final[tuple[Rule, ...]] = (
    *PLAN_RULES, *SCHOOL_RULES, *EXCLUSION_RULES, *WORKER_RULES, *IDENTITY_RULES,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Found:
    """`disagreements` and `runs`: the vocabulary's `disagreement` and `rule_run`."""

    disagreements: pa.Table
    runs: pa.Table


def rule_named(code: str) -> Rule:
    """The rule of a code. Raises KeyError with the codes there are."""
    for rule in RULES:
        if rule.code == code:
            return rule
    raise KeyError(f"There is no rule {code!r}. There are: {', '.join(r.code for r in RULES)}.")


def disagreements(database: Database, *, settings: Settings, schools: pa.Table, cohort: pa.Table, as_at: date) -> Found:
    """One row per disagreement of two sources about a child known to social care, or about a school.

    `schools`: one row per way of naming a school (name, urn). `cohort`: one row per child in the cohort on `as_at`, the
    newest day of social care data (child_id, status). Reads the facts, `delivery`, `link`, `person`, `status_period`,
    `allocation`, `enrolment_period`, `presence` and `register_week`. The id of a disagreement is a digest of the rule,
    the child (or school) and what parted: never of a line, a delivery or a value, so that it lasts.
    """
    parts, runs = [], []
    with gathered(database, settings=settings, schools=schools, cohort=cohort, as_at=as_at):
        for rule in RULES:
            ran = bool(database.one(f"SELECT {rule.ready}"))
            if ran:
                parts.append(database.conformed("disagreement", _finished(rule)))
            found = parts[-1].num_rows if ran else None
            runs.append({"rule": rule.code, "ran": ran, "why": None if ran else rule.lacks, "found": found})
    table = pa.concat_tables(parts) if parts else arrow_schema("disagreement").empty_table()
    return Found(
        table.sort_by([("rule", "ascending"), ("exception_id", "ascending")]),
        pa.Table.from_pylist(runs, schema=arrow_schema("rule_run")),
    )


_OWNER: Final = (
    "CASE "
    + " ".join(f"WHEN p.system = '{system}' THEN '{owner}'" for system, owner in SYSTEM_OWNERS.items())
    + " WHEN p.system IN (SELECT system FROM _care_system) THEN 'care-data' "
    "WHEN p.child_id IS NULL THEN 'school ' || p.urn "
    # To be asked about a child tells a school that social care knows it: only of its own pupils on a plan now.
    "WHEN c.on_plan AND t.now AND t.urn IS NOT DISTINCT FROM coalesce(p.urn, t.urn) THEN 'school ' || t.urn "
    "ELSE 'pupil-data' END"
)


def _finished(rule: Rule) -> str:
    """SQL for a rule's rows with their ids, owners and digests; one row per id."""
    owner = f"'{rule.owner}'" if rule.owner else _OWNER
    return f"""
        SELECT '{rule.code}' AS rule, p.*, {owner} AS owner, coalesce(c.in_cohort, false) AS in_cohort,
            substr(sha256(concat_ws('|', '{rule.code}', coalesce(p.child_id, p.urn), p.what,
                CASE WHEN '{rule.grain}' LIKE '%and system' OR '{rule.grain}' LIKE '%and care system'
                    THEN p.system END)), 1, 16) AS exception_id,
            substr(sha256(concat_ws('|', coalesce(p.left_value, '-'), coalesce(p.right_value, '-'))), 1, 12) AS parted
        FROM ({rule.find}) p LEFT JOIN _care c ON c.child_id = p.child_id
        LEFT JOIN _at_school t ON t.child_id = p.child_id
        QUALIFY row_number() OVER (PARTITION BY exception_id ORDER BY left_delivery, left_line, right_delivery) = 1
    """

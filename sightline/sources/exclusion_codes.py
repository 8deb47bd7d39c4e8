"""Categories and reasons of suspension and exclusion, as every sender of them needs them read."""

from __future__ import annotations

import pyarrow as pa

from sightline.engine import Database
from sightline.sources.columns import counted, judge_codes_on
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.findings import Finding, Severity


def fixed_as_suspended(category: str) -> str:
    """SQL of the category: a fixed period exclusion is what is called a suspension since autumn 2020."""
    return f"CASE WHEN {category} = 'FIXD' THEN 'SUSP' ELSE {category} END"


def note_late_fixed(database: Database, category: str, start: str, findings: list[Finding]) -> None:
    """One note when a file still says FIXD for suspensions that began after the word was changed."""
    changed = next(c.valid_to for c in code_list("exclusion_category") if c.code == "FIXD")
    late, line = database.rows(
        f"SELECT count(*), coalesce(min(line), 0) FROM raw WHERE {category} = 'FIXD' AND {start} >= DATE '{changed}'"
    )[0]
    if late:
        says = f"{counted(late)} named fixed period exclusion since suspensions took that place; read as suspensions."
        right = "SUSP since autumn 2020"
        findings.append(
            Finding(
                "fixed-period-exclusion",
                Severity.NOTE,
                says,
                "suspension",
                field="category",
                value="FIXD",
                right=right,
                line=line,
            )
        )


def judge_reasons(table: pa.Table, findings: list[Finding]) -> None:
    """Findings for reasons that were not in use when a suspension began."""
    reasons = ("reason1", "reason2", "reason3")
    judge_codes_on(
        table,
        reasons,
        "exclusion_reason",
        "start_date",
        name_of_table="suspension",
        record="pupil_ref",
        findings=findings,
    )

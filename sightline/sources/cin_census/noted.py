"""Findings gathered while reading: what happens often is counted, so that one mistake is not told 30,000 times."""

from __future__ import annotations

from dataclasses import replace

from sightline.sources.conform import MOST_FINDINGS_OF_ONE_KIND
from sightline.vocabulary.findings import Finding


class Noted:
    """Findings of one file, in the order found: at most 1,000 of one rule and field, the rest counted at the end."""

    def __init__(self) -> None:
        self._listed: list[Finding] = []
        self._counts: dict[tuple[str, str, str], int] = {}
        self._once: dict[tuple[str, str, str], tuple[Finding, int]] = {}

    def add(self, finding: Finding) -> None:
        """One finding for one place."""
        kind = (finding.rule, finding.table, finding.field)
        count = self._counts[kind] = self._counts.get(kind, 0) + 1
        if count <= MOST_FINDINGS_OF_ONE_KIND:
            self._listed.append(finding)

    def add_once(self, finding: Finding, *, times: int = 1) -> None:
        """One finding for all places of its rule, table and field: the first place is named and the rest counted."""
        kind = (finding.rule, finding.table, finding.field)
        if kind not in self._once and len(self._once) >= MOST_FINDINGS_OF_ONE_KIND:
            # A file of endless names would otherwise fill the memory with them.
            kind = (finding.rule, "", "")
        first, count = self._once.get(kind, (finding, 0))
        self._once[kind] = (first, count + times)

    def findings(self) -> list[Finding]:
        """All of them. Ask once, at the end."""
        told: list[Finding] = []
        for finding, count in self._once.values():
            more = f" This happens {count:,} times; the first is on this line." if count > 1 else ""
            told.append(replace(finding, says=finding.says + more))
        told += self._listed
        for (rule, table, field), count in self._counts.items():
            left = count - MOST_FINDINGS_OF_ONE_KIND
            if left > 0:
                alike = next(f for f in self._listed if (f.rule, f.table, f.field) == (rule, table, field))
                says = f"{alike.says} {left:,} more rows have the same fault."
                told.append(Finding(rule, alike.severity, says, table, field=field, right=alike.right))
        return told

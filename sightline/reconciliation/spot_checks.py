"""The weekly spot check: a sample of the cohort that can be drawn again, and what the answers say of the register."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sightline.statistics import wilson

AGREES, DIFFERS, NOT_FOUND_OUT = "agrees", "differs", "not found out"
ANSWERS: Final[Mapping[str, str]] = {
    AGREES: "Plan, school and worker are as the register says.",
    DIFFERS: "Something is not as the register says: say what.",
    NOT_FOUND_OUT: "Nobody could say. It counts as neither.",
}
_SORTED: Final = ("status", "team_name", "phase")


def draw(rows: Sequence[Mapping[str, Any]], size: int, week: date) -> list[str]:
    """The children to check in a week (its Monday): `size` of them, spread over plans, teams and phases in proportion.

    Every n-th of the rows in order of plan, team, phase and, within those, of a digest of week and child, from a start
    that the week decides: each child has the same chance, the same week draws the same children, and another week
    others. All of them where there are no more than `size`.
    """
    ordered = sorted(rows, key=lambda r: (*((r.get(n) or "") for n in _SORTED), _digest(week, r["child_id"])))
    ids = [str(r["child_id"]) for r in ordered]
    if len(ids) <= size:
        return ids
    start = int(_digest(week, "start")[:12], 16) / 16**12
    return [ids[int((start + n) * len(ids) / size)] for n in range(size)]


def _digest(week: date, what: str) -> str:
    return hashlib.sha256(f"{week.isoformat()} {what}".encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Week:
    """What came of one week's sample: how many were drawn, answered either way or not found out, and the share of those
    answered on whom the register was right, with its 95% interval (Wilson; None where nobody was answered)."""

    week: date
    drawn: int
    agrees: int
    differs: int
    not_found_out: int
    percent: float | None
    low: float | None
    high: float | None

    @property
    def waits(self) -> int:
        return self.drawn - self.agrees - self.differs - self.not_found_out


def results(drawn: Mapping[date, Iterable[str]], answers: Mapping[date, Mapping[str, str]]) -> list[Week]:
    """One per week, oldest first: of the children drawn, by the last answer about each."""
    weeks = []
    for week in sorted(drawn):
        children = set(drawn[week])
        told = [a for child, a in answers.get(week, {}).items() if child in children]
        right, wrong = told.count(AGREES), told.count(DIFFERS)
        share = wilson(right, right + wrong) if right + wrong else None
        weeks.append(
            Week(
                week, len(children), right, wrong, told.count(NOT_FOUND_OUT),
                None if share is None else 100 * share.estimate,
                None if share is None else 100 * share.low, None if share is None else 100 * share.high,
            )
        )  # fmt: skip
    return weeks

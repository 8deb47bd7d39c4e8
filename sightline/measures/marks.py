"""SQL that counts packed marks by statistical class, with the class each code had on the day of its session.

Reading marks from text costs far more than reading counts, so nothing here is for every row of a register: it is for
the few weeks that two files share, for the weeks a period cuts in two, and for each *distinct* week of marks.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from itertools import pairwise

from sightline.vocabulary.codes import Code, code_list

DAYS = 7
SESSIONS_A_DAY = 2

# What each count of a week counts. `administrative` marks (# and Z) are no one's session, so nothing counts them.
COUNTED: dict[str, Callable[[Code], bool]] = {
    "possible": lambda code: code.more["possible"] == "yes",
    "authorised": lambda code: code.more["class"] == "authorised",
    "unauthorised": lambda code: code.more["class"] == "unauthorised",
    "approved": lambda code: code.more["class"] == "approved",
    "late": lambda code: code.code in ("L", "U"),
    "not_possible": lambda code: code.more["class"] == "not possible",
}
COUNTS = tuple(COUNTED)


@cache
def class_changes() -> tuple[date, ...]:
    """The days from which some packed mark is counted differently than the day before, in order."""
    changes: set[date] = set()
    spans: dict[str, list[Code]] = {}
    for code in code_list("attendance"):
        spans.setdefault(code.more["packed"], []).append(code)
    for codes in spans.values():
        codes.sort(key=lambda code: code.valid_from or date.min)
        for before, after in pairwise(codes):
            if any(counted(before) != counted(after) for counted in COUNTED.values()):
                changes.add(after.valid_from or date.min)
    return tuple(sorted(changes))


@cache
def _letters(count: str, on: date) -> str:
    """The packed marks a count counts on a day. A mark that is on no list that day counts as it last (or first) did."""
    latest: dict[str, Code] = {}
    for code in sorted(code_list("attendance"), key=lambda code: code.valid_from or date.min):
        letter = code.more["packed"]
        if letter not in latest or code.valid_from is None or code.valid_from <= on:
            latest[letter] = code
    return "".join(letter for letter, code in latest.items() if COUNTED[count](code))


def session_sql(count: str, mark: str, day: str, *, since: date = date.min) -> str:
    """SQL for 1 where a count counts one packed `mark` of one `day`, else 0. `mark` and `day` are SQL expressions.

    No day asked about is before `since`: saying so spares a choice for each change of class before it.
    """

    def of(on: date) -> str:
        # Ten times as fast as deleting the letters and measuring what is left. Every text contains the empty one.
        return f"({mark} <> '' AND contains({_quoted(_letters(count, on))}, {mark}))::TINYINT"

    choices, latest = "", since
    for change in class_changes():
        if change <= since:
            continue
        before = date.fromordinal(change.toordinal() - 1)
        if _letters(count, before) != _letters(count, change):
            choices += f"WHEN {day} < DATE '{change}' THEN {of(before)} "
        latest = change
    return f"CASE {choices}ELSE {of(latest)} END" if choices else of(latest)


def days_sql(count: str, marks: str, week: str, days: range = range(DAYS), *, since: date = date.min) -> str:
    """SQL for a count over some days (0 is Monday) of a week's packed marks. A missing weekend counts nothing."""
    sessions = (
        session_sql(
            count, f"substr({marks}, {1 + day * SESSIONS_A_DAY + session}, 1)", f"({week} + {day})", since=since
        )
        for day in days
        for session in range(SESSIONS_A_DAY)
    )
    return f"({' + '.join(sessions)})"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"

"""The few shapes of SQL that rules over records are written in."""

from __future__ import annotations

from datetime import date
from typing import Final

from sightline.vocabulary.attendance import packed_in_class

# These classes hold the same letters in every year.
ATTENDING: Final = packed_in_class("attending", date(2024, 9, 1))
ADMINISTRATIVE: Final = packed_in_class("administrative", date(2024, 9, 1))


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def within(letters: str, mark: str) -> str:
    """SQL that is true where one packed mark is one of these letters."""
    return f"contains({quoted(letters)}, {mark})"


def sessions(rows: str) -> str:
    """SQL for one row per mark of weeks of marks: their columns, `slot`, `day` and `mark`. No mark, no row."""
    return f"""
        SELECT w.*, s.slot::INT AS slot, w.week + (s.slot // 2)::INT AS day, substr(w.marks, s.slot::INT + 1, 1) AS mark
        FROM ({rows}) w, unnest(range(length(w.marks))) AS s(slot)
        WHERE substr(w.marks, s.slot::INT + 1, 1) <> '.'
    """


SAYS_SESSION: Final = (
    "strftime(x.day, '%Y-%m-%d') || CASE x.slot % 2 WHEN 0 THEN ' AM ' ELSE ' PM ' END || "
    "(SELECT code FROM check_letter k WHERE k.letter = x.mark)"
)


def weeks_found(found: str, *, against: str = "''") -> str:
    """SQL for one finding per week of marks: `found` gives the sessions that are wrong (as `sessions` does).

    `against` may name a column of `found`.
    """
    return f"""
        SELECT x.delivery, x.child_id, x.week, NULL::VARCHAR AS record, 'attendance_week' AS "table", 'marks' AS field,
            string_agg({SAYS_SESSION}, ', ' ORDER BY x.day, x.slot) AS value, min({against}) AS against, x.line
        FROM ({found}) x GROUP BY x.delivery, x.child_id, x.urn, x.week, x.line
    """

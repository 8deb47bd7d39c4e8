"""The few shapes of SQL that rules are written in. Each table has its letter, so that a rule reads as a sentence."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from sightline.validation.census import KEYS

LETTERS: Final[Mapping[str, str]] = {
    "h": "Header",
    "ci": "ChildIdentifiers",
    "cc": "ChildCharacteristics",
    "d": "Disabilities",
    "c": "CINdetails",
    "a": "Assessments",
    "f": "AssessmentFactors",
    "p": "CINPlanDates",
    "s": "Section47",
    "cp": "ChildProtectionPlans",
    "r": "Reviews",
    "pp": "PreProceedingsandFGDM",
}
CHILD: Final = ("LAchildID",)
EPISODE: Final = (*CHILD, "CINdetailsID")


def table_of(letters: str) -> str:
    """The table behind a letter; `p2` is a second look at the table behind `p`."""
    return LETTERS[re.sub(r"\d", "", letters)]


def joined(first: str, *others: str, by: tuple[str, ...] | None = None, kind: str = "JOIN") -> str:
    """The first table joined to each of the others, by the keys they share (or by those given)."""
    text = f"{table_of(first)} {first}"
    for other in others:
        keys = by or tuple(k for k in KEYS[table_of(first)] if k in KEYS[table_of(other)])
        on = " AND ".join(f"{first}.{k} = {other}.{k}" for k in keys)
        text += f" {kind} {table_of(other)} {other} ON {on}"
    return text


def found(at: str, where: str, *, among: str = "", against: str = "", value: str = "") -> str:
    """One row per row of the table `at` (as in "a.AssessmentActualStartDate") for which `where` holds.

    `against` names the column that the value was held against, which may stand in another table.
    """
    letters, column = at.split(".")
    others = "''"
    if against:
        other, name = against.split(".")
        line = f" || ', line ' || {other}.line" if other != letters else ""
        others = f"coalesce(min('{name} ' || coalesce({against}, '(missing)'){line}), '')"
    child = f"{letters}.LAchildID" if KEYS[table_of(letters)] else "''"
    shown = value or f"coalesce({at}, '')"
    return f"""
        SELECT coalesce({child}, '') AS child, '{table_of(letters)}' AS "table", '{column}' AS field, {shown} AS value,
            {others} AS against, {letters}.line AS line
        FROM {among or f"{table_of(letters)} {letters}"}, period
        WHERE {where}
        GROUP BY {letters}.place, {child}, {at}, {letters}.line
    """


def either(*queries: str) -> str:
    """The rows of all the queries."""
    return "\nUNION ALL\n".join(f"SELECT * FROM ({query})" for query in queries)


def missing_or_unknown(column: str, code_list: str, *, withdrawn: bool = False) -> str:
    """The column is empty or holds no code of the list; with `withdrawn`, codes withdrawn since pass too."""
    return f"({column} IS NULL OR {unknown(column, code_list, withdrawn=withdrawn)})"


def unknown(column: str, code_list: str, *, withdrawn: bool = False) -> str:
    """The column holds something that is no code of the list."""
    still = "" if withdrawn else " AND NOT withdrawn"
    return f"{column} NOT IN (SELECT code FROM code WHERE list = '{code_list}'{still})"


def outside_the_year(column: str) -> str:
    """The date lies before or after the census period."""
    return f"({column} < starts OR {column} > ends)"


def exists(first: str, other: str, and_also: str = "", *, by: tuple[str, ...] | None = None) -> str:
    """A row of the other table shares the keys (or those given) of the first's row, and fits."""
    keys = by or tuple(k for k in KEYS[table_of(first)] if k in KEYS[table_of(other)])
    on = " AND ".join(f"{other}.{k} = {first}.{k}" for k in keys)
    return f"EXISTS (SELECT 1 FROM {table_of(other)} {other} WHERE {on}{' AND ' + and_also if and_also else ''})"


def whole_return(table: str, column: str, value: str, where: str, among: str, *, against: str = "''") -> str:
    """One row about the return as a whole."""
    return f"""
        SELECT '' AS child, '{table}' AS "table", '{column}' AS field, {value} AS value, {against} AS against, 0 AS line
        FROM ({among}) WHERE {where}
    """

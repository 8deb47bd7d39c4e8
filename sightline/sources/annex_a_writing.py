"""Annex A written as a workbook: ten lists under Ofsted's own column names.

Reading it gives the same tables, save workers and teams of closed cases and of lists 4 and 5, and visits, which none of
our tables holds.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from sightline.engine import Database
from sightline.sources.base import Reading
from sightline.sources.columns import target
from sightline.vocabulary.codes import code_list

Row = dict[str, Any]
_SEXES = {"M": "a) Male", "F": "b) Female", "U": "c) Not stated/recorded"}


def write_workbook(reading: Reading, path: Path, columns: Mapping[int, Mapping[str, tuple[str, ...]]]) -> list[Path]:
    """One workbook: of lists 3 to 8 what the tables hold, and in list 1 the children who are in no other list."""
    file = target(path, "annex_a.xlsx")
    with Database.of(reading.tables) as database:
        lists = _lists(database)
        children = {row["child_ref"]: row for row in _rows(database, "FROM child ORDER BY line")}
    book = xlsxwriter.Workbook(str(file), {"strings_to_formulas": False, "strings_to_urls": False})
    dated = book.add_format({"num_format": "dd/mm/yyyy"})
    for number, names in columns.items():
        sheet = book.add_worksheet(f"List {number}")
        for place, (_, usual) in enumerate(names.items()):
            sheet.write_string(0, place, usual[0])
        for line, row in enumerate(lists.get(number, ()), start=1):
            about = children.get(row["child_ref"], {})
            for place, column in enumerate(names):
                value = row.get(column, _about(about, column))
                if isinstance(value, date):
                    sheet.write_datetime(line, place, value, dated)
                elif value is not None:
                    sheet.write_string(line, place, str(value))
    book.close()
    return [file]


def _about(child: Row, column: str) -> Any:
    value = child.get(column)
    return _SEXES.get(value or "") if column == "sex" else value


def _rows(database: Database, sql: str) -> list[Row]:
    return [dict(row) for row in database.query(sql).to_pylist()]


def _lists(database: Database) -> dict[int, list[Row]]:
    meanings = {code.code: code.meaning for code in code_list("abuse_category")}
    held: dict[str, list[Row]] = {}
    for row in _rows(database, "FROM involvement ORDER BY line"):
        held.setdefault(row["child_ref"], []).append(row)
    referrals = _rows(database, "FROM referral ORDER BY line")
    plans = _rows(database, "FROM cin_plan ORDER BY line")
    need = [_need_of(plan, referrals) for plan in plans]
    lists: dict[int, list[Row]] = {
        3: [_of(row) for row in referrals if not _is_need(row)],
        4: _rows(database, "FROM assessment ORDER BY line"),
        5: [row | {"conference_not_required": _yes(row["conference_not_required"])}
            for row in _rows(database, "FROM section_47 ORDER BY line")],
        6: need + [_episode(row) for row in referrals if _is_need(row)],
        7: [],
        8: [row | _staff(row, held) for row in _rows(database, "FROM looked_after ORDER BY line")],
    }  # fmt: skip
    reviews = {row["plan_ref"]: row["review_date"] for row in _rows(database, "FROM cp_review ORDER BY line")}
    for row in _rows(database, "FROM cp_plan ORDER BY line"):
        categories = {c: meanings.get(row[c], row[c]) for c in ("initial_category", "latest_category")}
        lists[7].append(row | categories | {"review_date": reviews.get(row["plan_ref"])} | _staff(row, held))
    told = {row["child_ref"] for rows in lists.values() for row in rows}
    lists[1] = [{"child_ref": row["child_ref"]} for row in _rows(database, "FROM child ORDER BY line")
                if row["child_ref"] not in told]  # fmt: skip
    return lists


def _yes(flag: bool | None) -> str | None:
    return None if flag is None else "Yes" if flag else "No"


def _of(row: Row) -> Row:
    return row | {
        "no_further_action": _yes(row["no_further_action"]),
        "team": row["team_ref"],
        "worker": row["worker_ref"],
    }


def _is_need(row: Row) -> bool:
    """Whether a referral holds what only list 6 can say."""
    return any(row[c] is not None for c in ("primary_need", "closure_date", "closure_reason"))


def _need_of(plan: Row, referrals: list[Row]) -> Row:
    """The row of list 6 for a plan, taking with it the episode of need that the same row was read into."""
    for place, row in enumerate(referrals):
        same = row["child_ref"] == plan["child_ref"] and row["referral_date"] == plan["start_date"]
        plain = all(row[c] is None for c in ("referral_source", "no_further_action", "team_ref", "worker_ref"))
        if same and plain and row["closure_date"] == plan["end_date"]:
            return _episode(referrals.pop(place), "c) Child in need plan") | _held(plan)
    return plan | {"status": "c) Child in need plan"} | _held(plan)


def _held(plan: Row) -> Row:
    return {"team": plan["team_ref"], "worker": plan["worker_ref"]}


def _episode(row: Row, status: str | None = None) -> Row:
    closed = "e) Closed episode" if row["closure_date"] is not None else None
    return row | {"start_date": row["referral_date"], "end_date": row["closure_date"], "status": status or closed}


def _staff(row: Row, held: Mapping[str, Iterable[Row]]) -> Row:
    """The first worker and team of an open case."""
    for one in held.get(row["child_ref"], ()) if row["end_date"] is None else ():
        return {"team": one["team_ref"], "worker": one["professional_ref"]}
    return {}

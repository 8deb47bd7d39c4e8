"""The week's list: one row per child per reason an adviser has to act."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa

from sightline.alerts.facts import Found, gather
from sightline.alerts.reasons import REASONS, Reason
from sightline.engine import Database
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import Settings

COLUMNS = pa.schema(
    [
        ("child_id", pa.string()),
        ("surname", pa.string()),
        ("forename", pa.string()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("says", pa.string()),
        ("since", pa.date32()),
        ("urn", pa.string()),
        ("school_name", pa.string()),
        ("worker_name", pa.string()),
        ("team_name", pa.string()),
        ("delivery", pa.string()),
        ("lines", pa.string()),
        ("figures", pa.string()),
    ]
)


def week(
    database: Database,
    *,
    as_at: date,
    settings: Settings,
    within: str = "person",
    weeks_back: int = 1,
    ever_6: bool = False,
    only: Sequence[str] = (),
) -> pa.Table:
    """One row per child per reason to act in the week that ends on `as_at` (the seven days to and including it).

    The children of table `within` who are on a plan (or looked after) on the day; those whose plan ended in the week,
    for that and for suspensions; and, with `ever_6`, those who count as Ever 6 on the day. `weeks_back` widens the
    week.
    `only` names the reasons wanted (all of them when empty; see `reasons`).

    "Since last week" compares the two days by the dates in the data, except for suspensions and exclusions: those that
    began in the week, and those of this year that a file received in the week was the first to tell of. Marks of days
    after `as_at` are never read, so the list of a past day is the list of that day, as known now.

    Columns: child_id, surname, forename, status (on the day; null on no plan), reason (a stable code), says (a
    sentence with its figures), since (a day), urn and school_name (of the day, or where it happened), worker_name and
    team_name (of the day, else the last), delivery and lines (the received file it rests on, the latest where there
    are several), figures (JSON; `rests_on` lists every file and its lines). In the order of `REASONS`, then by name.

    Raises BadSetting for an unknown reason or a week of no days.
    """
    if weeks_back < 1:
        raise BadSetting(f"The list looks back at least one week, not {weeks_back}.")
    chosen = _chosen(only)
    facts = gather(database, as_at=as_at, weeks_back=weeks_back, settings=settings, within=within, ever_6=ever_6)
    with facts.database:
        people = {row["child_id"]: row for row in facts.rows(_PEOPLE.format(day=f"DATE '{as_at}'"))}
        schools = {row["urn"]: row["name"] for row in facts.rows("SELECT urn, name FROM school")}
        rows = []
        for reason in chosen:
            found = [_row(reason, each, people[each.child_id], schools) for each in reason.find(facts)]
            rows += sorted(found, key=_by_name)
    return pa.Table.from_pylist(rows, schema=COLUMNS)


def _chosen(only: Sequence[str]) -> tuple[Reason, ...]:
    known = {reason.code for reason in REASONS}
    unknown = [code for code in only if code not in known]
    if unknown:
        raise BadSetting(f"There is no reason {unknown[0]!r}. There are: {', '.join(r.code for r in REASONS)}.")
    return tuple(r for r in REASONS if not only or r.code in only)


def _by_name(row: dict[str, Any]) -> tuple[str, ...]:
    return (row["surname"] or "", row["forename"] or "", row["child_id"], str(row["since"]))


# Who to ring: the school and the worker of the day. Main registrations come before subsidiary ones.
_PEOPLE = """
    SELECT member.child_id, surname, forename, now AS status, roll.urn, worker.worker_name, worker.team_name
    FROM member
    LEFT JOIN (
        SELECT child_id, unnest(arg_max(struct_pack(urn),
            struct_pack(main := coalesce(status, '') <> 'S', start_date, urn := coalesce(urn, ''))))
        FROM enrolment WHERE start_date <= {day} AND (end_date IS NULL OR end_date > {day}) GROUP BY child_id
    ) AS roll USING (child_id)
    LEFT JOIN (
        SELECT child_id, unnest(arg_max(struct_pack(worker_name, team_name),
            struct_pack(until := coalesce(end_date, DATE '9999-12-31'), start_date, ref := coalesce(worker_ref, ''))))
        FROM allocation WHERE start_date <= {day} GROUP BY child_id
    ) AS worker USING (child_id)
"""


def _row(reason: Reason, found: Found, person: dict[str, Any], schools: dict[str, str]) -> dict[str, Any]:
    urn = found.urn or person["urn"]
    delivery, lines = found.rests_on[-1] if found.rests_on else (None, ())
    figures = dict(found.figures)
    figures["rests_on"] = [{"delivery": d, "lines": _ranges(n)} for d, n in found.rests_on]
    return {
        "child_id": found.child_id,
        "surname": person["surname"],
        "forename": person["forename"],
        "status": person["status"],
        "reason": reason.code,
        "says": found.says,
        "since": found.since,
        "urn": urn,
        "school_name": schools.get(urn),
        "worker_name": person["worker_name"],
        "team_name": person["team_name"],
        "delivery": delivery,
        "lines": _ranges(lines),
        "figures": json.dumps(figures, default=str),
    }


def _ranges(lines: Sequence[int]) -> str:
    """Line numbers as people write them: "2-5, 9"."""
    parts: list[list[int]] = []
    for line in sorted(set(lines)):
        if parts and line == parts[-1][1] + 1:
            parts[-1][1] = line
        else:
            parts.append([line, line])
    return ", ".join(str(a) if a == b else f"{a}-{b}" for a, b in parts)

"""One school beside its own pupils: children on a plan, and every other pupil of its registers this school year."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from sightline.disclosure import HIDDEN, LOCAL, TOTAL, Cell, Policy, Refusal, Result, release
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.periods import academic_year, year_start


@dataclass(frozen=True, slots=True)
class Group:
    """One group of a school's pupils this school year; None where too few children stand behind a figure.

    `pupils`: with a possible session in the school's registers. `absence`: sessions missed, percent of possible ones
    (sum over sum). `persistent`: percent of pupils who missed the setting's share or more. `suspended`: percent of
    pupils suspended at least once by this school.
    """

    pupils: int | None
    absence: float | None
    persistent: float | None
    suspended: float | None


@dataclass(frozen=True, slots=True)
class SchoolFacts:
    """What a school's page shows of the school itself: who it is, how far its marks go, and its two groups of pupils.

    `fewest` is the least number of children behind a figure.
    """

    urn: str
    name: str
    phase: str | None
    marks_to: date | None
    year: int
    on_plan: Group
    others: Group
    fewest: int


def school_facts(
    opened: Opened, scope: Scope, urn: str, children: Collection[str], *, policy: Policy = LOCAL
) -> SchoolFacts | None:
    """A school, with `children` (those of them in scope) set beside its other pupils; None for a school nobody knows.

    Only what `disclosure.release` lets out leaves: sums of at least `policy.threshold` children, and no percentage of
    pupils where fewer than that many are with or without, since a percentage of a known number is a count.
    """
    database = opened.database
    known = database.rows(
        "SELECT arg_max(name, coalesce(place, 0)), arg_max(phase, coalesce(place, 0)) "
        "FROM school LEFT JOIN delivery USING (delivery) WHERE urn = ? HAVING count(*) > 0",
        [urn],
    )
    if not known:
        return None
    year = academic_year(opened.newest)
    here = sorted(c for c in children if scope.holds(c))
    database.add("school_children", pa.table({"child_id": pa.array(here, pa.string())}))
    sums = database.query(
        """
        SELECT child_id IN (SELECT child_id FROM school_children) AS on_plan, count(*)::INTEGER AS pupils,
            sum(possible)::BIGINT AS possible, sum(absent)::BIGINT AS absent,
            count(*) FILTER (100 * absent >= $persistent * possible)::INTEGER AS persistent,
            count(*) FILTER (child_id IN (
                SELECT child_id FROM exclusion
                WHERE urn = $urn AND category = 'SUSP' AND start_date >= $first AND start_date < $after
            ))::INTEGER AS suspended
        FROM (
            SELECT child_id, sum(possible) AS possible, sum(authorised) + sum(unauthorised) AS absent
            FROM register_year WHERE urn = $urn AND year = $year GROUP BY child_id HAVING sum(possible) > 0
        ) GROUP BY 1
        """,
        {
            "urn": urn, "year": year, "first": year_start(year), "after": opened.newest + timedelta(days=1),
            "persistent": opened.settings.persistent_percent,
        },
    ).to_pylist()  # fmt: skip
    marks_to = database.one("SELECT max(week) FROM register_school_week WHERE urn = ?", [urn])
    groups = {row["on_plan"]: row for row in sums}
    return SchoolFacts(
        urn=urn,
        name=known[0][0] or urn,
        phase=known[0][1],
        marks_to=marks_to,
        year=year,
        on_plan=group_of("on a plan", groups.get(True), policy),
        others=group_of("other pupils", groups.get(False), policy),
        fewest=policy.threshold,
    )


def group_of(name: str, sums: Mapping[str, Any] | None, policy: Policy) -> Group:
    """A group as it may be shown to somebody who does not see each of its pupils, from its `pupils`, `possible`,
    `absent`, `persistent` and `suspended`: only what `disclosure.release` lets out."""
    if sums is None:
        return Group(None, None, None, None)
    pupils = int(sums["pupils"])
    shares = ("persistent", "suspended")
    tables = [
        Result(
            name=measure,
            dimensions=(measure,),
            cells=(Cell((TOTAL,), pupils), Cell(("yes",), sums[measure]), Cell(("no",), pupils - sums[measure])),
            filters=(("group", name),),
        )
        for measure in shares
    ]
    released = release(tables, policy)
    if isinstance(released, Refusal) or released.tables[0].text(TOTAL) == HIDDEN:
        return Group(None, None, None, None)
    found = {
        measure: None if table.text("yes") == HIDDEN else 100.0 * sums[measure] / pupils
        for measure, table in zip(shares, released.tables, strict=True)
    }
    return Group(pupils, 100.0 * sums["absent"] / sums["possible"], found["persistent"], found["suspended"])

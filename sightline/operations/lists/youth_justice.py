"""Children on a plan who are known to youth justice, or of whom an assessment tells of exploitation: facts, no score.

That a child is known to youth justice is data about offences (UK GDPR, Article 10). It is given out of the children on
a plan alone; the other children of the service's list are counted, and named to nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import product
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline import cohort, measures
from sightline.disclosure import HIDDEN, LOCAL, TOTAL, Cell, Refusal, Result, release
from sightline.engine import Database
from sightline.operations.opened import Opened, Scope
from sightline.operations.sheets import Grid
from sightline.vocabulary.codes import valid_codes
from sightline.vocabulary.exploitation import EXPLOITATION_FACTORS
from sightline.vocabulary.periods import academic_year, year_start

KNOWN, EXPLOITATION, BOTH = "youth-justice", "exploitation", "both"
SAYS: Final[Mapping[str, str]] = {
    KNOWN: "Known to youth justice",
    EXPLOITATION: "Exploitation or going missing, by an assessment",
    BOTH: "Both of these",
}
"""What a child is listed for. A child with both is listed once, under each."""
FACTORS: Final[Mapping[str, str]] = {
    code: valid_codes("assessment_factor")[code].meaning for code in EXPLOITATION_FACTORS
}
INVOLVEMENTS: Final[Mapping[str, str]] = {
    code: held.meaning for code, held in valid_codes("youth_justice_involvement").items()
}
_SIDES: Final = ("no", "yes")


@dataclass(frozen=True, slots=True)
class Beyond:
    """The list of the youth justice service on a day, in counts alone. `listed`: children it has on the day; `outside`:
    those of them who are on no plan, named to nobody; `alone`: those of them whom no other source has."""

    listed: int
    outside: int
    alone: int


def youth_justice(opened: Opened, scope: Scope, children: pa.Table, on: date) -> list[dict[str, Any]]:
    """One row per child on a plan on the day who is known to youth justice that day or has a factor of exploitation, of
    `children` (rows of `cohort_on`, those in scope), in the order given.

    Their own columns, and: `youth_justice_since` (first day of the periods that cover the day, null for a child not
    known), `involvement` (codes), `education_hours` (a week, the most any of them says), `factors` (codes, in the order
    of `EXPLOITATION_FACTORS`), `factor_days` (by code, the first and latest day an assessment named it),
    `exploitation_since` and `exploitation_latest`, `suspensions` and `exclusions` (this school year).

    A factor counts from an assessment since the child's plan began, or of the setting's `exploitation_days` to the day
    where those reach further back; its day is the one on which the assessment was authorised, else begun. Source: CIN
    census, factors identified at the end of assessment.
    """
    door = opened.database
    here = scope.only(children)
    here = here.filter(pc.is_in(here["status"], value_set=pa.array(cohort.PLANS)))
    door.add("justice_children", here.select(["child_id", "since"]))
    known = known_on(door, on, within="justice_children")
    factors = factors_of(door, on, opened.settings.exploitation_days, children="justice_children")
    here = here.filter(
        pc.is_in(here["child_id"], value_set=pa.array(sorted(known.keys() | factors.keys()), pa.string()))
    )
    door.add("justice_found", here.select(["child_id", "urn"]))
    year = measures.panel(
        door, "justice_found", start=year_start(academic_year(on)), on=on, settings=opened.settings
    ).select(["child_id", "suspensions", "exclusions"])
    out = {child["child_id"]: (child["suspensions"], child["exclusions"]) for child in year.to_pylist()}
    rows = []
    for row in here.to_pylist():
        child = row["child_id"]
        since, involvement, hours = known.get(child, (None, (), None))
        days = factors.get(child, {})
        suspended, excluded = out[child]
        rows.append(
            {
                **row,
                "youth_justice_since": since,
                "involvement": involvement,
                "education_hours": hours,
                "factors": tuple(days),
                "factor_days": days,
                "exploitation_since": min((first for first, _ in days.values()), default=None),
                "exploitation_latest": max((latest for _, latest in days.values()), default=None),
                "suspensions": suspended,
                "exclusions": excluded,
            }
        )
    return rows


def holds(row: Mapping[str, Any], fact: str) -> bool:
    """Whether one of `SAYS` holds of a row."""
    known, exploited = row["youth_justice_since"] is not None, bool(row["factors"])
    return {KNOWN: known, EXPLOITATION: exploited, BOTH: known and exploited}[fact]


def known_on(
    database: Database, on: date, *, within: str = "person"
) -> dict[str, tuple[date, tuple[str, ...], float | None]]:
    """One entry per child of the table `within` whom the list has on the day: since when, codes, hours a week.

    An end is the last day, as received; a period without a first day covers none.
    """
    order = list(INVOLVEMENTS)
    rows = database.rows(
        f"""
        SELECT l.child_id, min(y.start_date), list(DISTINCT y.involvement) FILTER (y.involvement IS NOT NULL),
            max(y.education_hours)
        FROM youth_justice y JOIN link l ON l.system = y.system AND l.ref = y.child_ref
        WHERE y.start_date <= $on AND (y.end_date IS NULL OR y.end_date >= $on)
            AND l.child_id IN (SELECT child_id FROM {within})
        GROUP BY l.child_id
        """,
        {"on": on},
    )

    def place(code: str) -> tuple[int, str]:
        return (order.index(code) if code in order else len(order), code)

    return {child: (since, tuple(sorted(kinds or (), key=place)), hours) for child, since, kinds, hours in rows}


def factors_of(database: Database, on: date, days: int, *, children: str) -> dict[str, dict[str, tuple[date, date]]]:
    """One entry per child with a factor of exploitation: by code, the first and latest day of an assessment naming it.

    `children` is a table of child_id and since (the plan's first day): what is older than both that and `days` is left
    out.
    """
    rows = database.rows(
        f"""
        WITH named AS (
            SELECT l.child_id, f.factor, coalesce(a.end_date, a.start_date) AS day
            FROM assessment_factor f
            -- The dataset's factors name the assessment alone, and come in a file beside it.
            JOIN assessment a ON a.system = f.system AND a.assessment_ref = f.assessment_ref
                AND ((a.delivery = f.delivery AND a.child_ref = f.child_ref)
                    OR f.child_ref = 'assessment:' || f.assessment_ref)
            JOIN link l ON l.system = a.system AND l.ref = a.child_ref
            WHERE list_contains($factors, f.factor)
        )
        SELECT child_id, factor, min(day), max(day) FROM named JOIN {children} c USING (child_id)
        WHERE day <= $on AND day >= least(coalesce(c.since, $first), $first)
        GROUP BY child_id, factor
        """,
        {"factors": list(EXPLOITATION_FACTORS), "on": on, "first": on - timedelta(days=days)},
    )
    found: dict[str, dict[str, tuple[date, date]]] = {}
    for child, factor, first, latest in sorted(rows, key=lambda r: EXPLOITATION_FACTORS.index(r[1])):
        found.setdefault(child, {})[factor] = (first, latest)
    return found


def beyond(opened: Opened, on: date, *, but: Collection[str] = ()) -> Beyond | None:
    """How many children the list has on the day and how many are on no plan; None where no list has been received.

    `but`: children hidden from everybody, who are counted nowhere.
    """
    door = opened.database
    if not door.one("SELECT count(*) FROM youth_justice"):
        return None
    on_plan = opened.once(("status", on), lambda: cohort.status_on(opened.door(), on))
    status = dict(zip(on_plan["child_id"].to_pylist(), on_plan["status"].to_pylist(), strict=True))
    listed = set(known_on(door, on)) - set(but)
    outside = {child for child in listed if status.get(child) not in cohort.PLANS}
    door.add("justice_outside", pa.table({"child_id": pa.array(sorted(outside), pa.string())}))
    alone = door.one(
        "SELECT count(*) FROM (SELECT child_id FROM link SEMI JOIN justice_outside USING (child_id) GROUP BY child_id "
        "HAVING count(DISTINCT system) = 1)"
    )
    return Beyond(len(listed), len(outside), int(alone))


def figures(rows: Sequence[Mapping[str, Any]], cohort_rows: pa.Table, *, hidden: bool) -> Grid:
    """One row per fact: children of whom it holds, by plan and in all; with `hidden`, of the facts of `SAYS` alone, and
    small numbers and what tells them are hidden.

    `cohort_rows`: the children counted, of whom `rows` are those with a fact.
    """
    statuses = Counter(s for s in cohort_rows["status"].to_pylist() if s in cohort.PLANS)
    plans = [plan for plan in cohort.PLANS if statuses[plan]]
    if not plans:
        said: dict[str, list[int | str]] = {}
    elif hidden:
        said = _shared(rows, statuses, plans)
    else:
        facts = {says: [r["status"] for r in rows if holds(r, key)] for key, says in SAYS.items()}
        facts |= {says: [r["status"] for r in rows if code in r["factors"]] for code, says in FACTORS.items()}
        said = {says: [*map(found.count, plans), len(found)] for says, found in facts.items()}
    return Grid(
        "Youth justice",
        "Children on a plan",
        ("Fact", *(plan[:1].upper() + plan[1:] for plan in plans), "All"),
        tuple((says, *values) for says, values in said.items()),
        sorts=False,
    )


def _shared(
    rows: Sequence[Mapping[str, Any]], statuses: Mapping[str, int], plans: Sequence[str]
) -> dict[str, list[int | str]]:
    """The counts by plan through disclosure control: children with either fact, both and neither are one table, so that
    none is told by the others."""
    held = Counter((_SIDES[holds(r, KNOWN)], _SIDES[holds(r, EXPLOITATION)], str(r["status"])) for r in rows)
    for plan in plans:
        held["no", "no", plan] = statuses[plan] - sum(r["status"] == plan for r in rows)
    sides, by = (*_SIDES, TOTAL), (*plans, TOTAL)
    cells = [
        Cell(key, sum(n for of, n in held.items() if all(k in (TOTAL, o) for k, o in zip(key, of, strict=True))))
        for key in product(sides, sides, by)
    ]
    released = release(Result("facts", (KNOWN, EXPLOITATION, "plan"), tuple(cells)), LOCAL)

    def text(known: str, exploited: str, plan: str) -> int | str:
        if isinstance(released, Refusal):
            return HIDDEN
        said = released.tables[0].text(known, exploited, plan)
        return said if said == HIDDEN else int(said.replace(",", ""))

    asked = {KNOWN: ("yes", TOTAL), EXPLOITATION: (TOTAL, "yes"), BOTH: ("yes", "yes")}
    return {says: [text(*asked[key], plan) for plan in by] for key, says in SAYS.items()}


def count_to_share(count: int) -> int | str:
    """One count through disclosure control: itself, or the sign for what is hidden."""
    released = release(Result("outside", ("outside",), (Cell(("yes",), count),)), LOCAL)
    return HIDDEN if isinstance(released, Refusal) or released.tables[0].text("yes") == HIDDEN else count

"""The match rate: how much of each group of the cohort was found in education, and how many links may be missing.

The estimate is capture and recapture. A child is caught once by number (a care record and a school record of the child
share a UPN, former UPN or NHS number) and once by likeness (names, birth date, sex and postcode alone are accepted).
With n1 caught by number, n2 by likeness and m by both, Chapman's estimate of the children who are in the education
data is (n1 + 1)(n2 + 1) / (m + 1) - 1; what neither link holds of them is missed. Seber (1982), The Estimation of
Animal Abundance, section 3.1, has the variance.

Limits: it takes the two ways to fail independently. A child whose record is poor in every way (new to the country,
just moved, spelt by ear) fails both, so the estimate is a lower bound; where fewer than ten children were caught both
ways there is none.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import astuple, dataclass
from datetime import date
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.linkage.model import Model, train
from sightline.linkage.people import standardise
from sightline.linkage.predict import ACCEPTED, predict
from sightline.vocabulary.ages import compulsory_school_age
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.settings import STATUSES, Settings

FEWEST_BOTH = 10
Z = 1.959964  # a 95% interval

# By group, the SQL for one value per child of `_cohort` (child_id, status); a missing value is "not known".
GROUPS: Mapping[str, str] = {
    "plan": "SELECT child_id, status AS value FROM _cohort",
    "sex": "SELECT child_id, sex AS value FROM person",
    "ethnicity": "SELECT child_id, ethnicity AS value FROM person",
    "age": """
        SELECT child_id, CASE WHEN age < 5 THEN 'under 5' WHEN age < 11 THEN '5 to 10' WHEN age < 16 THEN '11 to 15'
            ELSE '16 and over' END AS value
        FROM (SELECT child_id, date_sub('year', birth_date, $on) AS age FROM person WHERE birth_date <= $on)
    """,
    "team": """
        SELECT child_id, arg_max(team_name, start_date) AS value FROM allocation
        WHERE start_date <= $on AND (end_date IS NULL OR end_date > $on) GROUP BY child_id
    """,
    "school": """
        SELECT e.child_id, arg_max(coalesce(s.name, e.urn), e.start_date) AS value FROM enrolment_period e
        LEFT JOIN (SELECT urn, any_value(name) AS name FROM school GROUP BY urn) s USING (urn)
        WHERE e.start_date <= $on AND (e.end_date IS NULL OR e.end_date > $on) GROUP BY e.child_id
    """,
    "sen": """
        SELECT l.child_id, arg_max(c.sen_provision, c.as_at) AS value FROM characteristic c
        JOIN link l ON l.system = c.system AND l.ref = c.pupil_ref
        WHERE c.sen_provision IS NOT NULL AND c.as_at <= $on GROUP BY l.child_id
    """,
}
# What education alone can tell is unknown of a child not found there.
_FROM_EDUCATION = ("school", "sen")

SCHEMA = pa.schema(
    [
        ("by", pa.string()),
        ("value", pa.string()),
        ("children", pa.int32()),
        ("found", pa.int32()),
        ("percent", pa.float64()),
        ("with_marks", pa.int32()),
        ("marks_percent", pa.float64()),
        ("missed", pa.float64()),
        ("missed_low", pa.float64()),
        ("missed_high", pa.float64()),
    ]
)


@dataclass(frozen=True, slots=True)
class Missed:
    """An estimate of links missing: how many, and the ends of its 95% interval."""

    missed: float
    low: float
    high: float


def missed_links(by_number: int, by_likeness: int, by_both: int) -> Missed | None:
    """Children in the education data whom neither way found; None where fewer than ten were found both ways."""
    if by_both < FEWEST_BOTH:
        return None
    n1, n2, m = by_number, by_likeness, by_both
    caught = n1 + n2 - m
    total = (n1 + 1) * (n2 + 1) / (m + 1) - 1
    error = math.sqrt((n1 + 1) * (n2 + 1) * (n1 - m) * (n2 - m) / ((m + 1) ** 2 * (m + 2)))
    return Missed(*(round(max(0.0, x - caught), 2) for x in (total, total - Z * error, total + Z * error)))


def of_school_age(database: Database, on: date, *, but: Collection[str] = ()) -> pa.Table:
    """One row per child whom a school should know that day: child_id and status.

    On a plan of this authority or looked after, and of compulsory school age. A child of whom only an expected birth
    date is known is below it; one whose birth date nobody holds counts, since nobody can say otherwise. `but`: children
    left out.
    """
    rows = database.rows(
        """
        SELECT c.child_id, c.status, p.birth_date FROM counted_period c
        LEFT JOIN (SELECT child_id, any_value(birth_date) AS birth_date FROM person GROUP BY child_id) p
            USING (child_id)
        WHERE list_contains($statuses, c.status) AND c.start_date <= $on AND (c.end_date IS NULL OR c.end_date > $on)
            AND NOT coalesce(c.other_authority, false)
            AND (p.birth_date IS NOT NULL OR c.child_id NOT IN (
                SELECT l.child_id FROM child x JOIN link l ON l.system = x.system AND l.ref = x.child_ref
                WHERE x.expected_birth_date IS NOT NULL))
        ORDER BY c.child_id
        """,
        {"on": on, "statuses": list(STATUSES)},
    )
    without = frozenset(but)
    kept = [
        (child, status)
        for child, status, born in rows
        if child not in without and (born is None or _of_school_age(born, on))
    ]
    return pa.table(
        {
            "child_id": pa.array([child for child, _ in kept], pa.string()),
            "status": pa.array([status for _, status in kept], pa.string()),
        }
    )


def _of_school_age(born: date, on: date) -> bool:
    first, out = compulsory_school_age(born)
    return first <= on < out


def match_rates(database: Database, groups: Sequence[str], *, on: date, but: Collection[str] = ()) -> pa.Table:
    """One row per group and value of it: the match rate of the children a school should know that day.

    Who counts: `of_school_age`, but not `but`. `by`: plan, sex, ethnicity, age, team, school or sen. Columns:
    by, value, children, found (an education record has the same child_id) and percent, which is the match rate;
    with_marks (a register has the child) and marks_percent; missed, missed_low and missed_high: links estimated to be
    missing, with a 95% interval, null where too few were found both ways. School and SEN are known of found children
    only: there the share with marks is the figure to read. Reads the facts, link, alike, person, counted_period,
    allocation, enrolment_period and presence. Raises BadSetting for another group.
    """
    for by in groups:
        if by not in GROUPS:
            raise BadSetting(f"There is no match rate by {by}; there is one by {', '.join(GROUPS)}.")
    database.add("_cohort", of_school_age(database, on, but=but))
    rows: list[dict[str, Any]] = []
    try:
        database.execute(f"CREATE OR REPLACE TEMP TABLE _caught AS {_CAUGHT}")
        for by in groups:
            counted = database.rows(_COUNTED.format(value=GROUPS[by]), {"on": on} if "$on" in GROUPS[by] else ())
            rows += [_row(by, *each) for each in counted]
    finally:
        database.execute("DROP TABLE IF EXISTS _caught")
        database.execute("DROP VIEW _cohort")
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _row(
    by: str, value: str | None, children: int, found: int, marks: int, n1: int, n2: int, m: int, neither: int
) -> dict[str, Any]:
    estimate = missed_links(n1, n2, m)
    # Found some other way (a school's own number) is not missed.
    missed = (None,) * 3 if estimate is None else [max(0.0, x - neither) for x in astuple(estimate)]
    return {
        "by": by, "value": value or ("not found in education" if by in _FROM_EDUCATION else "not known"),
        "children": children, "found": found, "percent": 100 * found / children, "with_marks": marks,
        "marks_percent": 100 * marks / children, "missed": missed[0], "missed_low": missed[1], "missed_high": missed[2],
    }  # fmt: skip


# Children whom an education record is linked to.
SCHOOLED = """
    SELECT DISTINCT l.child_id FROM link l JOIN (
        SELECT system, pupil_ref AS ref FROM pupil UNION SELECT system, pupil_ref FROM presence
        UNION SELECT system, pupil_ref FROM enrolment) USING (system, ref)
    UNION SELECT child_id FROM enrolment_period
"""

# One row per child of `_cohort`: found, in a register, and caught by number and by likeness.
_CAUGHT = """
    WITH own AS MATERIALIZED (SELECT l.system, l.ref, l.child_id FROM link l SEMI JOIN _cohort c USING (child_id)),
    marked AS (SELECT DISTINCT l.child_id FROM presence p JOIN own l ON l.system = p.system AND l.ref = p.pupil_ref),
    schooled AS (
        SELECT l.child_id FROM pupil p JOIN own l ON l.system = p.system AND l.ref = p.pupil_ref
        UNION SELECT l.child_id FROM enrolment e JOIN own l ON l.system = e.system AND l.ref = e.pupil_ref
        UNION SELECT child_id FROM marked
        UNION SELECT child_id FROM enrolment_period SEMI JOIN _cohort USING (child_id)
    ),
    number AS (
        SELECT DISTINCT l.child_id, CASE i.kind WHEN 'former_upn' THEN 'upn' ELSE i.kind END AS kind, i.value,
            (l.system, l.ref) IN (SELECT (system, child_ref) FROM child) AS care
        FROM identifier i JOIN own l ON l.system = i.system AND l.ref = i.ref
        WHERE i.kind IN ('upn', 'former_upn', 'nhs_number')
    ),
    numbered AS (SELECT DISTINCT a.child_id FROM number a JOIN number b USING (child_id, kind, value)
        WHERE a.care AND NOT b.care)
    SELECT c.child_id, s.child_id IS NOT NULL AS schooled, m.child_id IS NOT NULL AS marked,
        n.child_id IS NOT NULL AS by_number, k.child_id IS NOT NULL AS by_likeness
    FROM _cohort c
    LEFT JOIN schooled s USING (child_id) LEFT JOIN marked m USING (child_id)
    LEFT JOIN numbered n USING (child_id) LEFT JOIN alike k USING (child_id)
"""

_COUNTED = """
    SELECT g.value, count(*)::INT, count_if(schooled)::INT, count_if(marked)::INT, count_if(by_number)::INT,
        count_if(by_likeness)::INT, count_if(by_number AND by_likeness)::INT,
        count_if(schooled AND NOT by_number AND NOT by_likeness)::INT
    FROM _caught LEFT JOIN ({value}) g USING (child_id)
    GROUP BY g.value ORDER BY g.value NULLS LAST
"""

# One row per child as one side's latest record with a name has it. No numbers: this is the other way of finding them.
_SIDE = """
    WITH ranked AS (
        SELECT delivery, row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word FROM delivery
    )
    SELECT child_id, arg_max(surname, word) FILTER (surname IS NOT NULL) AS surname,
        arg_max(forename, word) FILTER (forename IS NOT NULL) AS forename,
        arg_max(birth_date, word) FILTER (birth_date IS NOT NULL) AS birth_date,
        arg_max(sex, word) FILTER (sex IS NOT NULL) AS sex,
        arg_max(postcode, word) FILTER (postcode IS NOT NULL) AS postcode
    FROM {table} t JOIN link l ON l.system = t.system AND l.ref = t.{ref} LEFT JOIN ranked USING (delivery)
    GROUP BY child_id
    HAVING count(surname) > 0 AND count(forename) > 0
"""
_PRESENT = ("surname", "forename", "birth_date", "sex", "postcode")


def found_alike(database: Database, *, model: Model | None = None, settings: Settings | None = None) -> pa.Table:
    """One row per child of social care whom names, birth date, sex and postcode alone find among the pupils: child_id.

    A pair with the pupil the child is linked to counts, and one that joins two unlinked records; one that contradicts
    a link does not. Without a model, one is trained on the two lists. Reads `child`, `pupil`, `link` and `delivery`.
    """
    settings = settings or Settings()
    numbered = "SELECT row_number() OVER (ORDER BY child_id) AS row, * FROM ({side})"
    care = database.query(numbered.format(side=_SIDE.format(table="child", ref="child_ref")))
    pupils = database.query(numbered.format(side=_SIDE.format(table="pupil", ref="pupil_ref")))
    if not settings.probabilistic_linkage or not care.num_rows or not pupils.num_rows:
        return pa.table({"child_id": pa.array([], pa.string())})
    with Database() as bench:
        for name, table in (("care", care), ("pupils", pupils)):
            bench.add(name, table)
            standardise(bench, f"SELECT * FROM {name}", f"{name}_list", present=_PRESENT)
        weights = model or train(bench, "care_list", "pupils_list")
        found = predict(bench, "care_list", "pupils_list", weights, accept=settings.linkage_accept)
    who, other = care["child_id"].to_pylist(), pupils["child_id"].to_pylist()
    schooled = set(other)
    likely = set()
    for row in found.to_pylist():
        child, pupil = who[row["left_row"] - 1], other[row["right_row"] - 1]
        if row["status"] == ACCEPTED and (child == pupil or child not in schooled):
            likely.add(child)
    return pa.table({"child_id": pa.array(sorted(likely), pa.string())})

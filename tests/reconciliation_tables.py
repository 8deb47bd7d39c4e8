"""What two sources say of a few children as tables, and what a rule of reconciliation finds between them."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import pyarrow as pa
from spec_tables import database as tables_of
from spec_tables import table

from sightline.engine import Database
from sightline.reconciliation import Found, disagreements
from sightline.vocabulary.settings import Settings

ON = date(2024, 11, 22)
# d1 to d9: a census of the year to 31 March 2024, the case system, two registers, marks, suspensions and schools.
DELIVERIES = """
    delivery | kind                      | system        | authority | as_at      | received   | place
    ---------+---------------------------+---------------+-----------+------------+------------+------
    c23      | cin-census                | cin-census    | 899       | 2023-03-31 | 2024-11-25 | 1
    c24      | cin-census                | cin-census    | 899       | 2024-03-31 | 2024-11-25 | 2
    ssd      | ssd-person                | ssd           |           | 2024-11-22 | 2024-11-25 | 3
    sc       | school-census-pupilonroll | school-census |           | 2024-10-03 | 2024-11-25 | 4
    mis      | wonde-students            | wonde         |           | 2024-11-22 | 2024-11-25 | 5
    marks    | marks-week                | marks         |           | 2024-11-22 | 2024-11-25 | 6
    list     | suspensions               | suspensions   |           | 2024-11-22 | 2024-11-25 | 7
    gias     | gias                      | gias          |           | 2024-11-22 | 2024-11-25 | 8
"""
SYSTEMS = {"c23": "cin-census", "c24": "cin-census", "ssd": "ssd", "sc": "school-census", "mis": "wonde",
           "marks": "marks", "list": "suspensions", "gias": "gias"}  # fmt: skip
# Everybody of these specifications: born 10 May 2012, so of school age on the day.
PEOPLE = "ABCDEFGH"


def fact(name: str, text: str) -> pa.Table:
    """A fact table whose rows say which delivery they come in; the system is that delivery's."""
    made = table(name, text)
    systems = pa.array([SYSTEMS[d] for d in made["delivery"].to_pylist()], pa.string())
    return made.set_column(made.schema.get_field_index("system"), "system", systems)


def compared(on_plan: str = "", **texts: str) -> Database:
    """The tables named, with everybody a person known to social care (ref and child_id are the same letter)."""
    derived = ("status_period", "allocation", "enrolment_period", "register_week", "presence", "person")
    made = {n: table(n, t) if n in derived else fact(n, t) for n, t in texts.items()}
    refs = pa.table(
        {
            "system": [s for s in dict.fromkeys(SYSTEMS.values()) for _ in PEOPLE],
            "ref": [p for _ in dict.fromkeys(SYSTEMS.values()) for p in PEOPLE],
        }
    )
    link = table("link", "system | ref | child_id\n--+--\n" + "\n".join(
        f"{s} | {r} | {r}" for s, r in zip(refs["system"].to_pylist(), refs["ref"].to_pylist(), strict=True)
    ))  # fmt: skip
    person = table("person", "child_id | birth_date | known_to_care\n--+--\n" + "\n".join(
        f"{p} | 2012-05-10 | true" for p in PEOPLE
    ))  # fmt: skip
    database = tables_of(**{"delivery": table("delivery", DELIVERIES), "link": link, "person": person, **made})
    database.add("on_plan", pa.table({"child_id": list(on_plan), "status": ["CIN plan"] * len(on_plan)},
                                     schema=pa.schema([("child_id", pa.string()), ("status", pa.string())])))  # fmt: skip
    return database


@lru_cache(maxsize=1)
def everything(database: Database) -> Found:
    """Every rule applied once to these tables."""
    return disagreements(
        database,
        settings=Settings(),
        schools=pa.table({"name": pa.array([], pa.string()), "urn": pa.array([], pa.string())}),
        cohort=database.query("SELECT * FROM on_plan"),
        as_at=ON,
    )


def found(database: Database, rule: str) -> list[tuple]:
    """What one rule finds: child (or school), system asked, both values, and days where there are any."""
    got = everything(database)
    run = next(r for r in got.runs.to_pylist() if r["rule"] == rule)
    assert run["ran"], run["why"]
    rows = [r for r in got.disagreements.to_pylist() if r["rule"] == rule]
    assert all(r["owner"] and r["exception_id"] and r["parted"] for r in rows)
    return sorted(
        (r["child_id"] or r["urn"], r["system"], r["left_value"], r["right_value"], *([r["days"]] if r["days"] else []))
        for r in rows
    )

"""How well the records of children have been joined, who may see children before they are, and the model that joins
those without a number."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline import linkage
from sightline.engine import Database
from sightline.operations.home import Home
from sightline.operations.opened import Opened, opened
from sightline.vocabulary.periods import academic_year

# Until so long after a school year began, marks of the year before say that a school's registers hold a child.
_NEW_YEAR = timedelta(weeks=6)
SCHOOL, TEAM = "school", "team"

# Why a child was not found, in the order in which a reason is looked for: the first that holds is told.
NO_MARKS_SENT: Final = "Their school has sent no attendance marks this school year"
AWAITS_A_PERSON: Final = "A record that may be theirs waits for a person to decide"
NO_UPN: Final = "No UPN is held for them"
UPN_NOT_MET: Final = "A UPN is held for them, and no school’s file that was received has it"
UPN_NOT_IN_REGISTER: Final = "A UPN is held for them, and this school’s registers do not have them"


@dataclass(frozen=True, slots=True)
class Gate:
    """Whether one school or team may see children yet, and what is missing.

    `children`: those on a plan or looked after, of compulsory school age, whom it would see; `found`: of a team, those
    whom an education record is linked to; of a school, those on its roll whom its own registers hold; `explained`: not
    found, and the owner of the difference has said why. `missing`: a sentence and how many children, for the rest.
    """

    kind: str
    ref: str
    name: str
    children: int
    found: int
    explained: int
    bar: float
    missing: tuple[tuple[str, int], ...]
    last_marks: date | None = None

    @property
    def percent(self) -> float | None:
        """The match rate: found or explained, as a percentage of the children; None where there are none."""
        return 100 * (self.found + self.explained) / self.children if self.children else None

    @property
    def is_open(self) -> bool:
        """Nobody to find is nobody missed."""
        return self.percent is None or self.percent >= self.bar


def match_rate(opened: Opened, by: str, on: date) -> pa.Table:
    """One row per value of a group of the children whom a school should know on a day: how many were found in
    education, how many have marks, and how many links are likely to be missing (`linkage.match_rates`).

    Counts of groups, small ones too: for the people who mend the data, not for publication. Raises BadSetting for
    another group.
    """
    rows = None
    if by in linkage.RATE_GROUPS and on == opened.as_at:
        kept = opened.database.query("SELECT * FROM match_rate")
        rows = kept.filter(pc.equal(kept["by"], by))
    if rows is None or not rows.num_rows:
        rows = linkage.match_rates(opened.database, (by,), on=on)
    return rows.drop_columns(["by"])


def match_rates(opened: Opened, *, but: Collection[str] = ()) -> pa.Table:
    """One row per group and value (see the vocabulary's `match_rate`), on the newest day of social care data.

    `but`: children left out of every count, as if no source knew them.
    """
    kept = opened.database.query("SELECT * FROM match_rate")
    if not but:
        return kept
    groups = tuple(dict.fromkeys(kept["by"].to_pylist()))
    return linkage.match_rates(opened.database, groups, on=opened.as_at, but=but).cast(kept.schema)


def match_gates(opened: Opened, *, but: Collection[str] = ()) -> tuple[Gate, ...]:
    """Every school and team with a child whom a school should know, by kind and name: may it see children yet?

    A school or a team sees none until its match rate reaches the setting `match_rate_bar_percent`. `but`: children left
    out of every count.
    """
    database = opened.database
    database.add("_asked", linkage.of_school_age(database, opened.as_at, but=but))
    given = {"on": opened.as_at, "year": academic_year(opened.newest - _NEW_YEAR)}
    bar = opened.settings.match_rate_bar_percent
    try:
        database.execute(f"CREATE OR REPLACE TEMP TABLE _schooled AS {linkage.SCHOOLED}")
        database.execute(f"CREATE OR REPLACE TEMP TABLE _asked_of AS {_ASKED}")
        schools = _gates(database, SCHOOL, _SCHOOLS, given, bar)
        teams = _gates(database, TEAM, _TEAMS, {"on": opened.as_at}, bar)
    finally:
        for made in ("TABLE IF EXISTS _asked_of", "TABLE IF EXISTS _schooled", "VIEW _asked"):
            database.execute(f"DROP {made}")
    return (*schools, *teams)


def _gates(database: Database, kind: str, sql: str, given: dict[str, object], bar: float) -> list[Gate]:
    held: dict[str, list[tuple[str | None, bool, str, date | None]]] = {}
    for ref, name, found, why, last in database.rows(sql, given):
        held.setdefault(ref, []).append((name, found, why, last))
    made = []
    for ref, rows in held.items():
        whys = [why for _, found, why, _ in rows if not found]
        missing = sorted({(why, whys.count(why)) for why in whys if why != "explained"}, key=lambda m: (-m[1], m[0]))
        found = sum(found for _, found, _, _ in rows)
        name, last = rows[0][0] or ref, rows[0][3]
        made.append(Gate(kind, ref, name, len(rows), found, whys.count("explained"), bar, tuple(missing), last))
    return sorted(made, key=lambda gate: (gate.name.casefold(), gate.ref))


# One row per child asked after: whether found anywhere, whether the difference is explained, and what may be why not.
_ASKED = """
    SELECT a.child_id, s.child_id IS NOT NULL AS schooled,
        a.child_id IN (SELECT child_id FROM exception WHERE rule = 'not-in-education' AND state = 'explained')
            AS explained,
        a.child_id IN (
            SELECT l.child_id FROM link_doubt d JOIN link l ON l.system = d.left_system AND l.ref = d.left_ref
            UNION SELECT l.child_id FROM link_doubt d JOIN link l ON l.system = d.right_system AND l.ref = d.right_ref
        ) AS doubted,
        a.child_id IN (SELECT child_id FROM person WHERE upn IS NOT NULL) AS numbered
    FROM _asked a LEFT JOIN _schooled s USING (child_id)
"""

# One row per school (or team) and child it would see: ref, name, found, why not, and the school's last week of marks.
_SCHOOLS = f"""
    WITH enrolled AS (
        SELECT DISTINCT urn, child_id FROM enrolment_period SEMI JOIN _asked_of USING (child_id)
        WHERE urn IS NOT NULL AND start_date <= $on AND (end_date IS NULL OR end_date > $on)
    ),
    marked AS (SELECT DISTINCT urn, child_id FROM register_year WHERE year >= $year AND possible IS NOT NULL),
    sent AS (SELECT urn, max(year) AS year FROM register_year GROUP BY urn),
    last AS (SELECT urn, max(week) AS week FROM register_school_week GROUP BY urn)
    SELECT e.urn, n.name, m.child_id IS NOT NULL,
        CASE WHEN coalesce(s.year, 0) < $year THEN '{NO_MARKS_SENT}' WHEN a.numbered THEN '{UPN_NOT_IN_REGISTER}'
            ELSE '{NO_UPN}' END,
        last.week
    FROM enrolled e JOIN _asked_of a USING (child_id)
    LEFT JOIN marked m ON m.urn = e.urn AND m.child_id = e.child_id
    LEFT JOIN (SELECT urn, any_value(name) AS name FROM school GROUP BY urn) n ON n.urn = e.urn
    LEFT JOIN sent s ON s.urn = e.urn LEFT JOIN last ON last.urn = e.urn
    ORDER BY e.urn, e.child_id
"""

_TEAMS = f"""
    SELECT t.team_ref, t.team_name, a.schooled,
        CASE WHEN a.explained THEN 'explained' WHEN a.doubted THEN '{AWAITS_A_PERSON}'
            WHEN a.numbered THEN '{UPN_NOT_MET}' ELSE '{NO_UPN}' END,
        NULL::DATE
    FROM (
        SELECT team_ref, child_id, max(team_name) AS team_name FROM allocation
        WHERE team_ref <> '' AND start_date <= $on AND (end_date IS NULL OR end_date > $on)
        GROUP BY team_ref, child_id
    ) t JOIN _asked_of a USING (child_id)
    ORDER BY t.team_ref, t.child_id
"""


def train_linkage(home: Home) -> linkage.Model:
    """Learn a model of linkage from the current snapshot and keep it in the home; later builds use it.

    Until there is one, each build learns from its own facts. Raises NothingHeld when nothing has been received.
    """
    model = linkage.learn(opened(home).database)
    model.save(home.model_path)
    return model

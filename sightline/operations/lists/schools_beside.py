"""Schools side by side: how many of their pupils have a plan, and how these fare beside each school's other pupils."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta

import pyarrow as pa

from sightline.disclosure import LOCAL, Policy
from sightline.operations.lists.school import Group, group_of
from sightline.operations.opened import Opened, Scope
from sightline.vocabulary.periods import academic_year, year_start


@dataclass(frozen=True, slots=True)
class SchoolBeside:
    """One row per school. `children`: its pupils with a plan on the day who are in scope; `on_plan` and `others`: the
    two groups of its page (see `school.SchoolFacts`), None where too few stand behind a figure; `marks_to`: the Monday
    of the last week of marks received."""

    urn: str
    name: str
    phase: str | None
    children: int
    on_plan: Group
    others: Group
    marks_to: date | None

    @property
    def share(self) -> float | None:
        """Pupils with a plan, percent of the pupils in the registers since September."""
        if self.on_plan.pupils is None or self.others.pupils is None:
            return None
        return 100.0 * self.on_plan.pupils / (self.on_plan.pupils + self.others.pupils)

    def times(self, name: str) -> float | None:
        """How many times the other pupils' figure that of the pupils with a plan is."""
        mine, other = getattr(self.on_plan, name), getattr(self.others, name)
        return mine / other if mine is not None and other else None


def schools_beside(
    opened: Opened, scope: Scope, children: pa.Table, *, urns: Collection[str] | None = None, policy: Policy = LOCAL
) -> list[SchoolBeside]:
    """One row per school with a pupil among `children` (child_id and urn of those with a plan on the day; those out of
    scope are left out), and per school of `urns` besides: most pupils first. The groups are those of each school's own
    page, and leave only as `disclosure.release` lets them."""
    database, year = opened.database, academic_year(opened.newest)
    ids, places = children["child_id"].to_pylist(), children["urn"].to_pylist()
    pairs = [(c, u) for c, u in zip(ids, places, strict=True) if u is not None and scope.holds(c)]
    if urns is not None:
        pairs = [(c, u) for c, u in pairs if u in urns]
    wanted = sorted({u for _, u in pairs} | set(urns or ()))
    database.add(
        "beside_children",
        pa.table({"child_id": pa.array([c for c, _ in pairs], pa.string()),
                  "urn": pa.array([u for _, u in pairs], pa.string())}),
    )  # fmt: skip
    database.add("beside_schools", pa.table({"urn": pa.array(wanted, pa.string())}))
    named = {
        urn: (name, phase)
        for urn, name, phase in database.rows(
            "SELECT urn, arg_max(name, coalesce(place, 0)), arg_max(phase, coalesce(place, 0)) FROM school "
            "LEFT JOIN delivery USING (delivery) WHERE urn IN (SELECT urn FROM beside_schools) GROUP BY urn"
        )
    }
    marks = dict(
        database.rows(
            "SELECT urn, max(week) FROM register_school_week WHERE urn IN (SELECT urn FROM beside_schools) GROUP BY urn"
        )
    )
    sums = database.query(
        """
        WITH out AS (
            SELECT DISTINCT child_id, urn FROM exclusion
            WHERE category = 'SUSP' AND start_date >= $first AND start_date < $after
        ),
        pupil AS (
            SELECT child_id, urn, sum(possible) AS possible, sum(authorised) + sum(unauthorised) AS absent
            FROM register_year WHERE year = $year AND urn IN (SELECT urn FROM beside_schools)
            GROUP BY ALL HAVING sum(possible) > 0
        )
        SELECT pupil.urn, m.child_id IS NOT NULL AS on_plan, count(*)::INTEGER AS pupils,
            sum(possible)::BIGINT AS possible, sum(absent)::BIGINT AS absent,
            count(*) FILTER (100 * absent >= $persistent * possible)::INTEGER AS persistent,
            count(out.child_id)::INTEGER AS suspended
        FROM pupil LEFT JOIN beside_children m ON m.child_id = pupil.child_id AND m.urn = pupil.urn
            LEFT JOIN out ON out.child_id = pupil.child_id AND out.urn = pupil.urn
        GROUP BY ALL
        """,
        {
            "year": year, "first": year_start(year), "after": opened.newest + timedelta(days=1),
            "persistent": opened.settings.persistent_percent,
        },
    ).to_pylist()  # fmt: skip
    groups = {(row["urn"], row["on_plan"]): row for row in sums}
    counted = dict.fromkeys(wanted, 0)
    for _, urn in pairs:
        counted[urn] += 1
    found = [
        SchoolBeside(
            urn,
            named.get(urn, (None, None))[0] or urn,
            named.get(urn, (None, None))[1],
            counted[urn],
            group_of("on a plan", groups.get((urn, True)), policy),
            group_of("other pupils", groups.get((urn, False)), policy),
            marks.get(urn),
        )
        for urn in wanted
    ]
    return sorted(found, key=lambda s: (-s.children, s.name.casefold(), s.urn))

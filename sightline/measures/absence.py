"""Absence by any grouping, with the definitions of the national statistics."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

import pyarrow as pa

from sightline.engine import Database
from sightline.measures.marks import days_sql
from sightline.measures.schools import schools_sql
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.limits import ABSENCE_AGES
from sightline.vocabulary.periods import Calendar, academic_year, monday, year_start
from sightline.vocabulary.settings import STATUSES, Settings

EVERYONE = "person"
UNITS = ("enrolment", "child")
EVER_6, NO_PLAN = "Ever 6", "no plan"
_SESSIONS = ("possible", "authorised", "unauthorised")
_WEEK = timedelta(days=7)
# Nursery and reception lie before year 1; years after 11 are counted on.
_YEAR_GROUPS = ("E1", "E2", "N1", "N2", "R", *(str(n) for n in range(1, 15)))


@dataclass(frozen=True, slots=True)
class Grouping:
    """One way to group absence: its columns, what it says, and whether it needs the register week by week."""

    name: str
    columns: tuple[str, ...]
    says: str
    weekly: bool = False
    # What a row of the answer adds once grouped (a name, say): SQL columns and the join they need.
    names: tuple[str, ...] = ()
    join: str = ""


GROUPINGS: dict[str, Grouping] = {
    g.name: g
    for g in (
        Grouping(
            "child",
            ("child_id",),
            "The child",
            names=("surname", "forename"),
            join="LEFT JOIN person USING (child_id)",
        ),
        Grouping(
            "school",
            ("urn",),
            "The school at the time",
            names=("school_name",),
            join="LEFT JOIN named_school USING (urn)",
        ),
        Grouping("phase", ("phase",), "Phase of education of the school, in words"),
        Grouping("team", ("team_ref", "team_name"), "Social worker's team on the Monday of each week", weekly=True),
        Grouping("plan", ("plan",), "Counted status on the Monday of each week", weekly=True),
        Grouping("year_group", ("year_group",), "National curriculum year in that academic year"),
        Grouping("week", ("week",), "Monday of the week", weekly=True),
        Grouping("half_term", ("half_term",), "Half term of the authority's calendar", weekly=True),
        Grouping("year", ("year",), "Academic year, by its first calendar year"),
    )
}


def absence(
    database: Database,
    *,
    by: Sequence[str] = (),
    unit: str = "enrolment",
    start: date,
    end: date,
    settings: Settings,
    within: str = EVERYONE,
    ever_6: bool = False,
    statutory_age: bool = False,
    without_boarders: bool = False,
) -> pa.Table:
    """One row per group of `by`: sessions, rates of absence, and how many are persistently and severely absent.

    Counts the sessions from `start` to before `end` of the children in table `within` (its column `child_id`). A week
    that the period cuts is counted for its days within the period; an academic year holds the weeks whose Monday is in
    it, so 1 August cuts no week. `by` is any of `GROUPINGS`, in any number, even none.

    Columns: those of the groups (with surname and forename, school_name, team_name), then `unit` ("enrolment" or
    "child"), `units` (how many), `possible`, `authorised`, `unauthorised` (half days), `overall_rate`,
    `authorised_rate`, `unauthorised_rate` (percent of possible sessions, sum over sum), `persistent`,
    `persistent_rate`, `severe`, `severe_rate` (percent of units), and `without_possible`: units with no possible
    session, which are in no other figure. A rate of nothing is null.

    - An enrolment is a child at a school, so a child at two schools counts twice; each academic year of a longer
      period is counted apart, because absence is persistent within a year. Persistent and severe absence are exact:
      an enrolment (or child) missing that share of its own possible sessions or more.
    - Plan and team are those of the Monday of each week, so sessions go to the plan held when they took place. An
      enrolment with sessions in two groups counts once in each and is judged on its sessions there. Children on no
      plan are "no plan"; with `ever_6`, those of them who count as Ever 6 are shown so. Assessment is not a plan.
      Which status counts was decided when `counted_period` was made.
    - The statistics' own limits are off unless asked for: `statutory_age` keeps pupils aged 5 to 15 on the 31 August
      before the academic year (an unknown birth date is left out), `without_boarders` leaves out boarders.

    Raises BadSetting for a grouping or unit there is not, or an empty period.
    Source: DfE, pupil absence statistics methodology.
    """
    groups = _groupings(by)
    if unit not in UNITS:
        raise BadSetting(f"There is no unit {unit!r}. There are: {', '.join(UNITS)}.")
    if start >= end:
        raise BadSetting(f"The period from {start} to {end} is empty.")
    query = _Query(groups, unit, start, end, settings, within, ever_6, statutory_age, without_boarders)
    if query.has("half_term"):
        database.add("half_term_of_week", _half_terms(database, start, end, settings))
    return database.query(query.sql(marts=_marts_answer(database, query)))


def _groupings(by: Sequence[str]) -> list[Grouping]:
    unknown = [name for name in by if name not in GROUPINGS]
    if unknown:
        raise BadSetting(f"Absence cannot be grouped by {unknown[0]!r}. It can be by: {', '.join(GROUPINGS)}.")
    return [GROUPINGS[name] for name in dict.fromkeys(by)]


def _marts_answer(database: Database, query: _Query) -> bool:
    """Whether `register_year` (600,000 rows, where the weeks are 23 million) answers it."""
    whole = all(day == year_start(day.year) for day in (query.start, query.end))
    return (
        whole and not any(g.weekly for g in query.groups) and bool(database.one("SELECT EXISTS (FROM register_year)"))
    )


def _half_terms(database: Database, start: date, end: date, settings: Settings) -> pa.Table:
    """One row per week of the period with a half term in it: the half term its first such weekday falls in."""
    first = monday(start)
    mondays = [first + n * _WEEK for n in range((end - first).days // 7 + 1)]
    years = range(academic_year(first), academic_year(end + _WEEK) + 1)
    calendar = Calendar.from_tables(
        database.query("SELECT * FROM term"),
        database.query("SELECT * FROM closure"),
        authority=settings.authority,
        usual_years=years,
    )
    found = []
    for week in mondays:
        terms = (calendar.half_term(week + timedelta(days=n)) for n in range(5))
        term = next((t for t in terms if t), None)
        if term:
            found.append({"week": week, "half_term": term.name})
    return pa.Table.from_pylist(found, schema=pa.schema([("week", pa.date32()), ("half_term", pa.string())]))


@dataclass(frozen=True, slots=True)
class _Query:
    """One question, as SQL: sessions, then labels on each row, then cells (a unit in a group), then groups."""

    groups: Sequence[Grouping]
    unit: str
    start: date
    end: date
    settings: Settings
    within: str
    ever_6: bool
    statutory_age: bool
    without_boarders: bool

    def has(self, *names: str) -> bool:
        return any(g.name in names for g in self.groups)

    def sql(self, *, marts: bool) -> str:
        keys = [c for g in self.groups for c in g.columns]
        # Labels that hang on the child, school and year are put on once the weeks are summed: there are far fewer rows.
        weekly = [c for g in self.groups if g.weekly for c in g.columns]
        summed = ["child_id", "year", *weekly]
        cell = list(dict.fromkeys([*keys, "child_id", "year"]))
        if marts or self.unit == "enrolment" or self.without_boarders or self.has("school", "phase", "year_group"):
            summed.append("urn")
        if self.unit == "enrolment":
            cell = list(dict.fromkeys([*cell, "urn"]))
        sums = ", ".join(f"sum({c})::BIGINT AS {c}" for c in _SESSIONS)
        source = (
            f"years AS ({self._years_sql()})" if marts else f"sessions AS NOT MATERIALIZED ({self._sessions_sql()})"
        )
        parts = [schools_sql(), "named_school AS (SELECT urn, name AS school_name FROM schools)", source]
        parts += [f"{name} AS ({sql})" for name, sql in self._labels().items()]
        if marts:
            parts.append("summed AS (SELECT * FROM years)")
        else:
            # Year by year: no child and year is in two, and a year's children fit where all years' would not.
            columns, joined = ", ".join(c for c in summed if c != "year"), " ".join(self._weekly_joins())
            yearly = (
                f"SELECT {columns}, {year} AS year, {sums} FROM (FROM sessions WHERE week >= DATE '{year_start(year)}' "
                f"AND week < DATE '{year_start(year + 1)}') AS sessions {joined} GROUP BY ALL"
                for year in self._years()
            )
            parts.append(f"summed AS ({' UNION ALL '.join(yearly)})")
        parts.append(f"kept AS (SELECT summed.*{self._slow_columns()} FROM summed {self._slow_joins()})")
        # Half the time of a large answer is spent grouping, so nothing is grouped again that is grouped already.
        grouped = set(cell) == set(summed)
        cells = "FROM kept" if grouped else f"SELECT {', '.join(cell)}, {sums} FROM kept GROUP BY ALL"
        parts.append(f"cells AS ({cells})")
        return f"WITH {', '.join(parts)} {self._answer(keys, alone=set(cell) == set(keys))}"

    def _answer(self, keys: Collection[str], *, alone: bool) -> str:
        """The last step: a row per group. `alone` says that each group is one unit."""
        listed = "".join(f"{key}, " for key in keys)
        names = "".join(f"{name}, " for g in self.groups for name in g.names)
        joins = " ".join(g.join for g in self.groups if g.join)
        absent = "(authorised + unauthorised)"

        def count(holds: str) -> str:
            return f"({holds})::BIGINT" if alone else f"count(*) FILTER ({holds})"

        def share(percent: float) -> str:
            exact = Fraction(str(percent)) / 100
            return count(f"possible > 0 AND {exact.denominator} * {absent} >= {exact.numerator} * possible")

        def rate(part: str, whole: str) -> str:
            return f"100.0 * {part} / nullif({whole}, 0)"

        sums = _SESSIONS if alone else [f"coalesce(sum({c}), 0)::BIGINT AS {c}" for c in _SESSIONS]
        return f"""
            SELECT {listed}{names}'{self.unit}' AS unit, units, possible, authorised, unauthorised,
                {rate(absent, "possible")} AS overall_rate, {rate("authorised", "possible")} AS authorised_rate,
                {rate("unauthorised", "possible")} AS unauthorised_rate,
                persistent, {rate("persistent", "units")} AS persistent_rate,
                severe, {rate("severe", "units")} AS severe_rate, without_possible
            FROM (
                SELECT {listed} {count("possible > 0")} AS units, {", ".join(sums)},
                    {share(self.settings.persistent_percent)} AS persistent,
                    {share(self.settings.severe_percent)} AS severe,
                    {count("possible = 0")} AS without_possible
                FROM cells {"GROUP BY " + ", ".join(keys) if keys and not alone else ""}
            ) AS grouped {joins}
            {"ORDER BY " + ", ".join(keys) if keys else ""}
        """

    # Where the sessions come from

    def _scoped(self, table: str) -> str:
        # Every child of a register is a person, so a scope of every person needs no join.
        return table if self.within == EVERYONE else f"{table} SEMI JOIN {_name(self.within)} USING (child_id)"

    def _years_sql(self) -> str:
        return (
            f"SELECT child_id, urn, year, {', '.join(_SESSIONS)} FROM {self._scoped('register_year')} "
            f"WHERE year >= {self.start.year} AND year < {self.end.year}"
        )

    def _sessions_sql(self) -> str:
        cut_start = self.start != monday(self.start) and self.start != year_start(self.start.year)
        cut_end = self.end != monday(self.end) and self.end != year_start(self.end.year)
        first = monday(self.start) + _WEEK if cut_start else self.start
        after = monday(self.end) if cut_end else self.end
        columns = f"child_id, urn, week, {', '.join(_SESSIONS)}"
        whole = f"week >= DATE '{first}' AND week < DATE '{after}'"
        parts = [f"SELECT {columns} FROM {self._scoped('register_week')} WHERE {whole}"]
        cut = {monday(self.start)} if cut_start else set()
        cut |= {monday(self.end)} if cut_end else set()
        for week in sorted(cut):
            days = range(max(0, (self.start - week).days), min(7, (self.end - week).days))
            counted = ", ".join(f"{days_sql(c, 'marks', f'DATE {week.isoformat()!r}', days)} AS {c}" for c in _SESSIONS)
            parts.append(f"""
                SELECT child_id, urn, DATE '{week}', {", ".join(f"told.{c}" for c in _SESSIONS)}
                FROM (FROM {self._scoped("register_week")} WHERE week = DATE '{week}') AS cut
                JOIN (
                    SELECT marks, {counted} FROM (SELECT DISTINCT marks FROM register_week WHERE week = DATE '{week}')
                ) AS told ON told.marks = cut.marks
            """)
        return " UNION ALL ".join(parts)

    def _years(self) -> range:
        """The academic years that weeks of the period are in: a week is in that of its Monday."""
        return range(academic_year(monday(self.start)), academic_year(monday(self.end - timedelta(days=1))) + 1)

    # What each row is called

    def _mondays(self) -> str:
        return f"SELECT unnest(range(DATE '{monday(self.start)}', DATE '{self.end}', INTERVAL 7 DAY))::DATE AS week"

    def _labels(self) -> dict[str, str]:
        """Common tables of labels: each has one row per child (and school, or week)."""
        labels = {}
        if self.has("team"):
            labels["team_of_week"] = f"""
                SELECT child_id, week, unnest(arg_max(
                    struct_pack(team_ref, team_name), struct_pack(start_date, worker_ref := coalesce(worker_ref, ''))
                ))
                FROM {self._scoped("allocation")} JOIN ({self._mondays()}) AS m
                    ON start_date <= week AND (end_date IS NULL OR end_date > week)
                GROUP BY child_id, week
            """
        if self.has("plan"):
            labels["plan_of_week"] = self._plan_sql()
        if self.has("year_group"):
            labels["year_group_of_school"] = """
                SELECT child_id, urn, unnest(arg_max(struct_pack(year_group, year_group_year), start_date))
                FROM enrolment_period WHERE year_group IS NOT NULL AND year_group_year IS NOT NULL
                GROUP BY child_id, urn
            """
        return labels

    def _plan_sql(self) -> str:
        counted = ", ".join(f"'{status}'" for status in (*STATUSES, *([EVER_6] if self.ever_6 else [])))
        return f"""
            SELECT child_id, week, status AS plan
            FROM (FROM {self._scoped("counted_period")} WHERE status IN ({counted})) AS s
            JOIN ({self._mondays()}) AS m ON start_date <= week AND (end_date IS NULL OR end_date > week)
        """

    def _weekly_joins(self) -> list[str]:
        joins = []
        if self.has("team"):
            joins.append("LEFT JOIN team_of_week USING (child_id, week)")
        if self.has("plan"):
            joins.append(
                f"LEFT JOIN (SELECT child_id, week, plan AS held FROM plan_of_week) AS p USING (child_id, week) "
                f"CROSS JOIN LATERAL (SELECT coalesce(held, '{NO_PLAN}') AS plan) AS named_plan"
            )
        if self.has("half_term"):
            joins.append("LEFT JOIN half_term_of_week USING (week)")
        return joins

    def _slow_columns(self) -> str:
        listed = "[" + ", ".join(f"'{group}'" for group in _YEAR_GROUPS) + "]"
        columns = ", schools.phase" if self.has("phase") else ""
        if self.has("year_group"):
            # The year group known of one academic year, moved on to the year of the sessions.
            at = f"list_position({listed}, g.year_group) + summed.year - g.year_group_year"
            columns += f", CASE WHEN {at} BETWEEN 1 AND {len(_YEAR_GROUPS)} THEN {listed}[{at}] END AS year_group"
        return columns

    def _slow_joins(self) -> str:
        joins = ""
        if self.has("phase"):
            joins += " LEFT JOIN schools ON schools.urn = summed.urn"
        if self.has("year_group"):
            joins += " LEFT JOIN year_group_of_school AS g ON g.child_id = summed.child_id AND g.urn = summed.urn"
        if self.statutory_age:
            youngest, oldest = ABSENCE_AGES
            joins += (
                f" SEMI JOIN person ON person.child_id = summed.child_id"
                f" AND person.birth_date <= make_date(summed.year - {youngest}, 8, 31)"
                f" AND person.birth_date > make_date(summed.year - {oldest + 1}, 8, 31)"
            )
        if self.without_boarders:
            joins += (
                " ANTI JOIN (SELECT child_id, urn FROM enrolment_period WHERE boarder) AS b"
                " ON b.child_id = summed.child_id AND b.urn = summed.urn"
            )
        return joins


def _name(table: str) -> str:
    return '"' + table.replace('"', '""') + '"'

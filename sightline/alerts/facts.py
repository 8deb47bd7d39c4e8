"""What the week's list is made from: the cohort's own rows, taken once into a small database of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pyarrow as pa

from sightline.engine import Database
from sightline.vocabulary.ages import compulsory_school_age
from sightline.vocabulary.attendance import counts
from sightline.vocabulary.limits import HOLIDAY_WEEKS, SCHOOL_WEEK
from sightline.vocabulary.periods import academic_year, monday, year_start
from sightline.vocabulary.settings import Settings

EVER_6 = "Ever 6"
ONE_WEEK = timedelta(days=7)

_OPEN = "(end_date IS NULL OR end_date > {day})"


@dataclass(frozen=True, slots=True)
class Facts:
    """The rows that bear on one week's list. Tables of `database` (all children are members of the list's cohort):

    - `member`: one row per child on a plan on any day of the week (or Ever 6, when asked for): `before` and `now`
      (status on the day a week ago and on the day; null without a plan), `changed_on` (the last
      day it changed), `listed` (on a plan on the day, or `past`: Ever 6), names, compulsory school age.
    - `period`, `allocation`, `enrolment`, `exclusion`: their rows of the derived tables; of periods, plans and care.
    - `register`: weeks as known on the day (marks of later days are not counted), with `absent`, `marked` (sessions
      with any mark); `register_before`: the same as known a week ago.
    - `school_week`: Mondays of weeks with school days, newest first, `n` from 1; `school_total`: by school and week.
    - `school`, `delivery`: as in the vocabulary, one row per URN and per file.
    """

    database: Database
    as_at: date
    since: date
    settings: Settings

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.database.query(sql, parameters).to_pylist()
        return rows

    @property
    def year_start(self) -> date:
        return year_start(academic_year(self.as_at))

    @property
    def has_school_days(self) -> bool:
        """Whether the week holds a school day (by the marks received)."""
        return bool(self.database.one("SELECT count(*) FROM school_week WHERE week + 4 > ?", [self.since]))


@dataclass(frozen=True, slots=True)
class Found:
    """One row per child per reason found: the sentence, since when, and what it rests on.

    `rests_on` is (delivery, lines) for each received file, the latest last. `urn` is the school it happened at; None
    when it is the school of the day.
    """

    child_id: str
    says: str
    since: date | None
    rests_on: tuple[tuple[str, tuple[int, ...]], ...] = ()
    figures: dict[str, Any] = field(default_factory=dict)
    urn: str | None = None


def registers_from(as_at: date, settings: Settings) -> date:
    """The first day of whose registers the list of a day is made."""
    compared = settings.drift_recent_weeks + settings.drift_before_weeks + HOLIDAY_WEEKS.value
    return min(year_start(academic_year(as_at)), monday(as_at) - compared * ONE_WEEK)


def school_weeks_sql(totals: str) -> str:
    """SQL: one row per week with school (see `limits.SCHOOL_WEEK`), `week` and `n`, from 1 for the newest; `totals` is
    a relation with the rows of `register_school_week` that are looked at."""
    return f"""
        SELECT week, row_number() OVER (ORDER BY week DESC) AS n
        FROM (
            SELECT week, sum(pupils) AS pupils, max(sum(pupils)) OVER () AS usual
            FROM {totals} WHERE possible > 0 GROUP BY week
        )
        WHERE {SCHOOL_WEEK.value} * pupils > usual
    """


def how_many(count: int, one: str) -> str:
    """A count with its noun: 1 day, 2 days."""
    return f"{count:,} {one}" if count == 1 else f"{count:,} {one}s"


def gather(database: Database, *, as_at: date, weeks_back: int, settings: Settings, within: str, ever_6: bool) -> Facts:
    """The facts of the week that ends on `as_at`, in a database of their own. Close it when done."""
    since = as_at - weeks_back * ONE_WEEK
    small = Database(threads=1)
    facts = Facts(small, as_at, since, settings)
    statuses = _listed(settings.precedence)
    scope = f'SEMI JOIN "{within}" USING (child_id)'

    def take(name: str, sql: str, parameters: Sequence[Any] = ()) -> None:
        # Copied into a table: a view of Arrow data has no statistics, and is read again by every reason.
        small.add("arriving", database.query(sql, parameters))
        small.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM arriving")

    take(
        "period",
        f"SELECT *, list_position({statuses}, status) AS rank FROM (FROM status_period {scope}) "
        f"WHERE list_contains({statuses}, status) AND start_date <= ?",
        [as_at],
    )
    counted = _listed([*settings.precedence, *([EVER_6] if ever_6 else [])])
    take(
        "counted",
        f"SELECT child_id, status, start_date, end_date FROM (FROM counted_period {scope}) "
        f"WHERE list_contains({counted}, status) AND start_date <= ? AND {_OPEN.format(day='?')}",
        [as_at, since],
    )
    small.add("week_days", pa.table({"day": pa.array(_days(since, as_at), pa.date32())}))
    small.execute(
        f"""
        CREATE TABLE status_of_day AS
        SELECT child_id, day, status FROM counted JOIN week_days ON start_date <= day AND {_OPEN.format(day="day")}
        WHERE status <> '{EVER_6}'
        """
    )
    small.execute(
        f"""
        CREATE TABLE membership AS
        WITH child_days AS (
            SELECT child_id, day, status FROM (SELECT DISTINCT child_id FROM status_of_day) CROSS JOIN week_days
            LEFT JOIN status_of_day USING (child_id, day)
        ),
        changes AS (
            SELECT child_id, day FROM child_days
            QUALIFY row_number() OVER (PARTITION BY child_id ORDER BY day) > 1
                AND status IS DISTINCT FROM lag(status) OVER (PARTITION BY child_id ORDER BY day)
        )
        SELECT child_id,
            any_value(status) FILTER (day = DATE '{since}') AS before,
            any_value(status) FILTER (day = DATE '{as_at}') AS now,
            (SELECT max(day) FROM changes WHERE changes.child_id = child_days.child_id) AS changed_on,
            false AS past
        FROM child_days GROUP BY child_id
        UNION ALL
        SELECT child_id, NULL, NULL, NULL, true
        FROM (FROM counted WHERE status = '{EVER_6}' AND {_OPEN.format(day=f"DATE '{as_at}'")})
        ANTI JOIN status_of_day USING (child_id)
        """
    )
    # The large tables are read through these children alone.
    database.add("week_member", small.query("SELECT child_id FROM membership"))
    member = "SEMI JOIN week_member USING (child_id)"
    take("person", f"SELECT child_id, surname, forename, birth_date FROM person {member}")
    small.add("ages", _school_ages(small.query("SELECT DISTINCT birth_date FROM person WHERE birth_date IS NOT NULL")))
    small.execute(
        f"""
        CREATE TABLE member AS
        SELECT membership.*, now IS NOT NULL OR past AS listed, surname, forename, ages.first_day AS school_age_from,
            coalesce(DATE '{as_at}' >= ages.first_day AND DATE '{as_at}' < ages.after, false) AS school_age
        FROM membership LEFT JOIN person USING (child_id) LEFT JOIN ages USING (birth_date)
        """
    )
    for name, table in (("allocation", "allocation"), ("enrolment", "enrolment_period")):
        take(name, f"SELECT * FROM {table} {member} WHERE start_date <= ?", [as_at])
    take("exclusion", f"SELECT * FROM exclusion {member} WHERE start_date <= ?", [as_at])
    take(
        "school",
        "SELECT s.urn, s.name FROM school s LEFT JOIN delivery USING (delivery) "
        "QUALIFY row_number() OVER (PARTITION BY s.urn ORDER BY delivery.place DESC NULLS LAST, s.line DESC) = 1",
    )
    take("delivery", "SELECT * FROM delivery")
    first = registers_from(as_at, settings)
    take("register_as_sent", f"SELECT * FROM register_week {member} WHERE week BETWEEN ? AND ?", [first, as_at])
    take("school_total", "SELECT * FROM register_school_week WHERE week BETWEEN ? AND ?", [first, as_at])
    small.execute(f"CREATE TABLE school_week AS {school_weeks_sql('school_total')}")
    _as_known(small, "register", as_at)
    _as_known(small, "register_before", since)
    return facts


def _as_known(small: Database, name: str, day: date) -> None:
    """Make the register as far as `day`: the week that holds it is counted again without the days after it."""
    last = monday(day)
    kept = 2 * ((day - last).days + 1)
    found: list[str] = small.query(
        "SELECT DISTINCT marks FROM register_as_sent WHERE week = ? AND length(marks) > ?", [last, kept]
    )["marks"].to_pylist()
    counted = [counts(marks[:kept], last) for marks in found]
    small.add(
        "cut_marks",
        pa.table(
            {
                "marks": pa.array(found, pa.string()),
                "possible": pa.array([c.possible for c in counted], pa.int32()),
                "absent": pa.array([c.absent for c in counted], pa.int32()),
            }
        ),
    )
    small.execute(
        f"""
        CREATE TABLE {name} AS
        SELECT r.child_id, r.urn, r.week, r.delivery, r.line,
            coalesce(c.possible, r.possible)::INTEGER AS possible,
            coalesce(c.absent, r.authorised + r.unauthorised)::INTEGER AS absent,
            length(replace(CASE WHEN r.week = DATE '{last}' THEN r.marks[:{kept}] ELSE r.marks END, '.', '')) AS marked
        FROM register_as_sent r LEFT JOIN cut_marks c ON r.week = DATE '{last}' AND c.marks = r.marks
        WHERE r.week <= DATE '{last}'
        """
    )


def _school_ages(births: pa.Table) -> pa.Table:
    """One row per birth date: the first day, and first day out, of compulsory school age."""
    days: list[date] = births["birth_date"].to_pylist()
    spans = [compulsory_school_age(day) for day in days]
    kind = pa.date32()
    return pa.table(
        {
            "birth_date": pa.array(days, kind),
            "first_day": pa.array([first for first, _ in spans], kind),
            "after": pa.array([after for _, after in spans], kind),
        }
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join("'" + text.replace("'", "''") + "'" for text in texts) + "]"

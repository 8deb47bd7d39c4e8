"""Rules over the records of several files held together: marks beside rolls, suspensions beside marks, and sources.

A rule is a value as those on one file are (`rule`), but its query speaks of vocabulary tables, facts and derived, and
finds a place in a received file: its delivery and line. Rules on marks are asked one academic year at a time, so that
years whose marks have not changed need not be asked again.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

import duckdb
import pyarrow as pa

from sightline.engine import Database, arrow_schema
from sightline.validation.rule import Outcome
from sightline.vocabulary.attendance import mark_codes
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.periods import Calendar, academic_year, year_start
from sightline.vocabulary.settings import Settings
from sightline.vocabulary.tables import TABLES

# What the tables a rule may need are called.
WORDS: Final = {
    "attendance_week": "session marks",
    "enrolment": "registers of who is on roll",
    "part_time_timetable": "part-time timetables",
    "status_period": "plans",
    "suspension": "suspensions",
}
RECORD_ROWS: Final = pa.schema(
    [("delivery", pa.string()), ("child", pa.string()), ("table", pa.string()), ("field", pa.string()),
     ("value", pa.string()), ("against", pa.string()), ("line", pa.int32())]
)  # fmt: skip
# The years a calendar is made for; a suspension dated outside them is the reader's finding.
_YEARS: Final = range(2005, 2099)
# By this many days into the next year every mark of a year has been sent for long enough for any rule.
_AFTER: Final = 92
_NEVER: Final = "DATE '9999-12-31'"
_MADE: Final = ("check_school", "check_calendar", "check_letter", "check_newest", "check_year", "check_roll",
                "check_suspension", "check_setting", "check_held", "check_found")  # fmt: skip
# The tables above that a rule may ask, each with what of it bears on one academic year.
_SHARES: Final = {
    "check_school": "SELECT * FROM check_school",
    # Clipped to the year: who leaves in a later one changes nothing here.
    "check_roll": """SELECT DISTINCT child_id, urn, least(spoken_from, {after}),
            greatest({first}, least(start_date, {after} + 7)), greatest({first}, least(until, {after} + 7))
        FROM check_roll
        SEMI JOIN (SELECT child_id, urn FROM register_year WHERE year = {year}) USING (child_id, urn)""",
    "check_suspension": "SELECT * EXCLUDE (nth, place) FROM check_suspension "
    "WHERE start_date >= {first} AND start_date < {after}",
    "check_calendar": f"SELECT * FROM check_calendar WHERE day >= {{first}} AND day <= {{after}} + {_AFTER}",
    "check_newest": f"SELECT urn, least(as_at, {{after}} + {_AFTER}) FROM check_newest",
    "check_setting": "SELECT * FROM check_setting",
}
# The number of a suspension is anew each time.
_WHOLE: Final = {"check_suspension": "SELECT * EXCLUDE nth FROM check_suspension"}


@dataclass(frozen=True, slots=True)
class RecordRule:
    """One row per rule over records: what must hold, and the query that finds what does not.

    `find` is SQL over vocabulary tables and those of `gathered`; it gives delivery, child_id, week (of marks, or
    null), record (the source's own id, or null: it is then looked up), table, field, value, against and line. `needs`
    are the tables that must hold rows for it to run; `ready` is SQL that must be true as well, and `lacks` says what is
    missing when it is not. `by_year`: asked of one academic year of `register_week` at a time.
    """

    code: str
    severity: Severity
    says: str
    means: str
    grain: str
    group: str
    needs: tuple[str, ...]
    find: str
    by_year: bool = False
    ready: str = ""
    lacks: str = ""

    @property
    def asks(self) -> frozenset[str]:
        """The tables its queries name: the vocabulary's, and those of `gathered`."""
        return frozenset(re.findall(r"\w+", self.find + self.ready)) & {*TABLES, *_SHARES}

    def __post_init__(self) -> None:
        if not self.code or not self.says or not self.means or not self.find:
            raise ValueError("A rule needs a code, a sentence, a meaning and a query.")
        if bool(self.ready) != bool(self.lacks):
            raise ValueError(f"Rule {self.code} needs what must be so and what is missing otherwise, or neither.")
        if unknown := set(self.needs) - WORDS.keys():
            raise ValueError(f"Rule {self.code} needs tables without a name in words: {', '.join(sorted(unknown))}.")


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """What came of one rule on the records: `rows` has one row per thing found, `why` says why it was not run."""

    rule: RecordRule
    outcome: Outcome
    rows: pa.Table = field(default_factory=RECORD_ROWS.empty_table)
    why: str = ""


_RULES: dict[str, RecordRule] = {}


def record_rule(
    code: str,
    says: str,
    *,
    grain: str,
    group: str,
    needs: tuple[str, ...],
    severity: Severity = Severity.ERROR,
    by_year: bool = False,
    ready: str = "",
    lacks: str = "",
) -> Callable[[Callable[[], str]], RecordRule]:
    """Register the function below, which returns the query and says in its docstring what the rule means."""

    def register(write: Callable[[], str]) -> RecordRule:
        if code in _RULES:
            raise ValueError(f"Rule {code} is written twice.")
        means = " ".join((write.__doc__ or "").split())
        made = RecordRule(code, severity, says, means, grain, group, needs, write(), by_year, ready, lacks)
        _RULES[code] = made
        return made

    return register


def record_rules() -> tuple[RecordRule, ...]:
    """Every rule over records, in the order they are written in."""
    return tuple(_RULES.values())


@contextmanager
def gathered(database: Database, *, schools: pa.Table, settings: Settings, as_at: date) -> Iterator[None]:
    """The small tables that rules ask beside the vocabulary's. They go when the block ends.

    `schools`: one row per way of naming a school (name, urn). `as_at`: the newest day of social care data. Reads
    `term`, `closure`, `presence`, `delivery`, `enrolment`, `enrolment_period`, `exclusion` and `suspension`.

    - `check_school` (name, urn) and `check_letter` (letter, code);
    - `check_calendar` (school, day, nth, open): how many school days lie before a day, of all schools (an empty name)
      and of each that has closures of its own;
    - `check_newest` (urn, as_at): the newest day a delivery speaks of with marks of that school;
    - `check_roll` (child_id, urn, start_date, until): registrations that a register of pupils tells of, under every
      URN their school has had;
    - `check_suspension`: every suspension once, with its system, school, last day and sessions;
    - `check_held` (name): which of the tables that rules need hold rows.
    """
    try:
        _gather(database, schools, settings, as_at)
        yield
    finally:
        for name in _MADE:
            database.execute(f"DROP TABLE IF EXISTS {name}")


def check_records(database: Database, among: Iterable[RecordRule], *, year: int | None = None) -> list[RecordCheck]:
    """Apply rules inside `gathered`: those by year to one academic year of marks, the others to everything.

    A rule that cannot run is NOT_RUN, never CLEAR. With `year`, `register_week` need hold no other year.
    """
    first, after = (year_start(year), year_start(year + 1)) if year is not None else (date.min, date.max)
    database.execute(
        f"CREATE OR REPLACE TEMP TABLE check_year AS SELECT DATE '{first}' AS first, DATE '{after}' AS after"
    )
    return [_check(database, rule) for rule in among]


def digests(database: Database, year: int | None = None) -> dict[str, str]:
    """A digest of each table that rules ask beside the vocabulary's, inside `gathered`: what a rule finds follows from
    these and from the other tables it `asks`.

    With `year`, of the share that bears on that academic year (then `register_year` holds it).
    """
    shares = _SHARES if year is not None else dict.fromkeys(_SHARES, "SELECT * FROM {name}") | _WHOLE
    start = year or 1
    words = {"year": year, "first": f"DATE '{year_start(start)}'", "after": f"DATE '{year_start(start + 1)}'"}
    digest = "SELECT count(*), bit_xor(hash(told)) FROM (SELECT told FROM ({}) AS told)"
    return {name: repr(database.rows(digest.format(sql.format(name=name, **words)))) for name, sql in shares.items()}


def lacking(database: Database, rule: RecordRule) -> str:
    """Why a rule cannot run on these records, as a sentence; empty when it can. Inside `gathered`."""
    held = {name for (name,) in database.rows("SELECT name FROM check_held")}
    missing = [WORDS[t] for t in rule.needs if t not in held]
    if missing:
        return f"There are no {' and no '.join(missing)} here to hold it against."
    if rule.ready and not database.one(f"SELECT {rule.ready}"):
        return rule.lacks
    return ""


def newest_marks(database: Database, schools: pa.Table) -> pa.Table:
    """One row per school that sends marks: urn, and the newest day (as_at) a delivery with marks of it speaks of."""
    database.add("check_named", schools)
    return database.query(
        """
        SELECT coalesce(n.urn, p.school_ref) AS urn, max(coalesce(d.as_at, d.received)) AS as_at
        FROM (SELECT DISTINCT delivery, school_ref FROM presence) p JOIN delivery d USING (delivery)
        LEFT JOIN check_named n ON n.name = p.school_ref
        GROUP BY ALL ORDER BY urn
        """
    )


def findings_of(checks: Iterable[RecordCheck]) -> pa.Table:
    """One row per thing found, as the vocabulary's `finding`."""
    parts = []
    for check in checks:
        rows, rule = check.rows, check.rule
        same = {"rule": rule.code, "severity": str(rule.severity), "says": rule.says}
        columns = {name: pa.repeat(pa.scalar(value), rows.num_rows) for name, value in same.items()}
        columns |= {name: rows[name] for name in ("delivery", "table", "field", "value", "line")}
        columns |= {"record": rows["child"], "right": rows["against"]}
        parts.append(pa.table([columns[f.name] for f in arrow_schema("finding")], schema=arrow_schema("finding")))
    return pa.concat_tables(parts) if parts else arrow_schema("finding").empty_table()


def runs_of(checks: Iterable[RecordCheck], part: str) -> pa.Table:
    """One row per rule, as the vocabulary's `record_check`; `part` says of which stretch of the records."""
    rows = [
        {
            "rule": c.rule.code,
            "part": part,
            "ran": c.outcome is not Outcome.NOT_RUN,
            "why": c.why or None,
            "found": None if c.outcome is Outcome.NOT_RUN else c.rows.num_rows,
        }
        for c in checks
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("record_check"))


def _check(database: Database, rule: RecordRule) -> RecordCheck:
    why = lacking(database, rule)
    if why:
        return RecordCheck(rule, Outcome.NOT_RUN, why=why)
    try:
        database.execute(f"CREATE OR REPLACE TEMP TABLE check_found AS {_FOUND.format(rule.find)}")
        rows = database.query(_NAMED).cast(RECORD_ROWS)
    except duckdb.Error as error:
        # Not the message: it may quote a record.
        return RecordCheck(rule, Outcome.NOT_RUN, why=f"The rule failed on these records ({type(error).__name__}).")
    return RecordCheck(rule, Outcome.FOUND if rows.num_rows else Outcome.CLEAR, rows)


def _gather(database: Database, schools: pa.Table, settings: Settings, as_at: date) -> None:
    def keep(name: str, table: pa.Table) -> None:
        database.add("check_arriving", table)
        database.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM check_arriving")
        database.execute("DROP VIEW check_arriving")

    newest = newest_marks(database, schools)
    database.execute("DROP VIEW IF EXISTS check_named")
    keep("check_newest", newest)
    keep(
        "check_school",
        schools.group_by("name", use_threads=False).aggregate([("urn", "min")]).rename_columns(["name", "urn"]),
    )
    letters = {row["packed"]: row["code"] for row in mark_codes().to_pylist()}
    keep("check_letter", pa.table({"letter": list(letters), "code": list(letters.values())}))
    held = [name for name in WORDS if database.rows(f'SELECT 1 FROM "{name}" LIMIT 1')]
    keep("check_held", pa.table({"name": pa.array(held, pa.string())}))
    keep("check_setting", pa.table({"as_at": pa.array([as_at], pa.date32())}))
    keep("check_calendar", _calendar(database, settings))
    for statement in (_ROLL, _SUSPENSION):
        database.execute(statement)


def _calendar(database: Database, settings: Settings) -> pa.Table:
    """One row per day of the years spoken of, for all schools and for each with closures of its own."""
    spoken = database.rows(
        """
        SELECT min(day), max(day) FROM (
            SELECT min(first_week) AS day FROM presence UNION ALL SELECT max(last_week) FROM presence
            UNION ALL SELECT min(start_date) FROM suspension UNION ALL SELECT max(start_date) FROM suspension
            UNION ALL SELECT max(as_at) FROM check_newest
        )
        """
    )[0]
    schema = pa.schema([("school", pa.string()), ("day", pa.date32()), ("nth", pa.int32()), ("open", pa.bool_())])
    if spoken[0] is None:
        return schema.empty_table()
    years = [y for y in range(academic_year(spoken[0]), academic_year(spoken[1]) + 2) if y in _YEARS]
    if not years:
        return schema.empty_table()
    calendar = Calendar.from_tables(
        database.query("SELECT * FROM term"),
        database.query("SELECT * FROM closure"),
        authority=settings.authority,
        usual_years=years,
    )
    first, last = year_start(years[0]), year_start(years[-1] + 1)
    days = [first + timedelta(days=n) for n in range((last - first).days)]
    named = dict(database.rows("SELECT name, urn FROM check_school"))
    schools = {"": ""} | {c.school: named.get(c.school, c.school) for c in calendar.closures if c.school}
    parts = []
    for ref, urn in schools.items():
        opened = set(calendar.school_days(first, last, ref or None))
        nth, counts, flags = 0, [], []
        for day in days:
            counts.append(nth)
            flags.append(day in opened)
            nth += day in opened
        parts.append(pa.table([[urn] * len(days), days, counts, flags], schema=schema))
    return pa.concat_tables(parts)


# A table of its own, so that the engine knows how few rows there are and never joins every link to every delivery.
_FOUND: Final = """
    SELECT f.*, row_number() OVER () AS nth, d.system FROM ({}) f LEFT JOIN delivery d USING (delivery)
"""
# The source's own id of each child; where a child has several there, the one of that file and week.
_NAMED: Final = """
    WITH refs AS MATERIALIZED (
        SELECT f.nth, f.delivery, f.week, f.system, l.ref
        FROM check_found f JOIN link l ON l.child_id = f.child_id AND l.system = f.system
        WHERE f.record IS NULL
    ),
    named AS (
        SELECT r.nth, coalesce(min(r.ref) FILTER (r.week BETWEEN p.first_week AND p.last_week),
            min(r.ref) FILTER (p.pupil_ref IS NOT NULL), min(r.ref)) AS ref
        FROM refs r LEFT JOIN presence p ON p.delivery = r.delivery AND p.system = r.system AND p.pupil_ref = r.ref
        GROUP BY r.nth
    )
    SELECT f.delivery, coalesce(f.record, n.ref, '') AS child, f."table", f.field, coalesce(f.value, '') AS value,
        coalesce(f.against, '') AS against, coalesce(f.line, 0)::INTEGER AS line
    FROM check_found f LEFT JOIN named n USING (nth)
    ORDER BY f.delivery, line, child, value
"""

# A register's word on who was on roll begins with the academic year of its first day: who left before is not in it.
_ROLL: Final = f"""
    CREATE OR REPLACE TEMP TABLE check_roll AS
    WITH told AS (SELECT * FROM enrolment_period WHERE NOT by_marks),
    spoken AS (
        SELECT coalesce(n.urn, e.school_ref) AS urn, min(coalesce(d.as_at, d.received)) AS day
        FROM (SELECT DISTINCT delivery, school_ref FROM enrolment) e JOIN delivery d USING (delivery)
        LEFT JOIN check_school n ON n.name = e.school_ref
        GROUP BY ALL
    ),
    names AS (
        SELECT name, urn FROM check_school
        UNION SELECT DISTINCT urn, urn FROM told
    )
    SELECT p.child_id, names.name AS urn, p.start_date, coalesce(p.end_date, {_NEVER}) AS until,
        coalesce(make_date(year(spoken.day) - (month(spoken.day) < 8)::INT, 8, 1), {_NEVER}) AS spoken_from
    FROM told p
    JOIN names ON names.urn = p.urn
    LEFT JOIN spoken ON spoken.urn = p.urn
"""

# The last day is the sender's, else the school day on which the sessions run out, counting from a morning.
_SUSPENSION: Final = """
    CREATE OR REPLACE TEMP TABLE check_suspension AS
    WITH told AS (
        SELECT e.child_id, coalesce(n.urn, e.urn) AS urn, e.start_date, e.end_date AS told_end, e.sessions, e.category,
            e.delivery, e.line, d.system, coalesce(d.place, -1) AS place,
            year(e.start_date) - (month(e.start_date) < 8)::INT AS year
        FROM exclusion e LEFT JOIN delivery d USING (delivery) LEFT JOIN check_school n ON n.name = e.urn
        WHERE e.start_date IS NOT NULL AND e.category IN ('SUSP', 'LNCH')
    ),
    counted AS (
        SELECT t.*, first.nth + greatest(1, ceil(t.sessions / 2))::INT - 1 AS last_nth
        FROM told t LEFT JOIN check_calendar first ON first.school = '' AND first.day = t.start_date
    )
    SELECT c.* EXCLUDE (last_nth), row_number() OVER () AS nth,
        greatest(c.start_date, coalesce(c.told_end, run.day, c.start_date)) AS last_day,
        coalesce(c.sessions, 2 * (after.nth - first.nth), 2) AS counted_sessions
    FROM counted c
    LEFT JOIN check_calendar run ON run.school = '' AND run.open AND run.nth = c.last_nth
    LEFT JOIN check_calendar first ON first.school = '' AND first.day = c.start_date
    LEFT JOIN check_calendar after ON after.school = '' AND after.day = c.told_end + 1
"""

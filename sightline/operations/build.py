"""Build: from the deliveries in force to a complete snapshot, remaking only what its inputs have changed.

Each derived table (or, for marks, each academic year of one) has a key: a hash of the program's version, the files it
is made from and the settings it uses. A part whose key stands in the parent snapshot is taken over as it is.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from sightline import __version__, cohort, linkage, measures, reconciliation, validation
from sightline.engine import Database, arrow_schema
from sightline.operations.home import Home
from sightline.operations.opened import newest_day
from sightline.store import Delivery, Derived, Snapshot
from sightline.vocabulary.periods import academic_year
from sightline.vocabulary.tables import FACTS, SHAPE

Progress = Callable[[str], None]

PERSON_FACTS = ("child", "pupil", "identifier")
# Facts that only mention a record, by the column that does: linkage must give a child to each.
MENTIONS = {
    "referral": "child_ref", "assessment": "child_ref", "cin_plan": "child_ref", "section_47": "child_ref",
    "cp_plan": "child_ref", "looked_after": "child_ref", "involvement": "child_ref", "early_help": "child_ref",
    "youth_justice": "child_ref", "enrolment": "pupil_ref", "suspension": "pupil_ref",
}  # fmt: skip
STATUS_FACTS = ("child", "referral", "assessment", "cin_plan", "cp_plan", "looked_after")
WORKER_FACTS = ("involvement", "professional", "team", "referral", "cin_plan", "cp_plan")
SCHOOL_FACTS = ("school", "school_link")
ENROLMENT_FACTS = ("enrolment", *SCHOOL_FACTS)
# Tables that grow from snapshot to snapshot, and the names the parent's go by.
_LIVES = (
    ("exception", "previous_exception"), ("exception_history", "previous_history"), ("accuracy", "previous_accuracy"),
)  # fmt: skip


@dataclass(slots=True)
class _Build:
    """A snapshot being made: a database over its parts so far, and the parts of the parent that may be taken over."""

    home: Home
    deliveries: list[Delivery]
    work: Path
    database: Database
    known: dict[tuple[str, str], Derived]
    afresh: bool = False
    made: list[Derived] = field(default_factory=list)

    def files(self, *tables: str) -> list[str]:
        """The hashes of every file of these facts, with the delivery each came in."""
        return [
            f"{d.id}:{name}:{d.tables[name].sha256}" for d in self.deliveries for name in tables if name in d.tables
        ]

    def made_of(self, *tables: str) -> list[str]:
        """The hashes of the derived tables made so far under these names."""
        return sorted(f"{d.table}:{d.part}:{d.file.sha256}" for d in self.made if d.table in tables)

    def part(self, table: str, part: str, inputs: Iterable[str], make: Callable[[Path], None]) -> Derived:
        """Take over a part whose key is known, or make it: `make` writes the Parquet file."""
        key = hashlib.sha256("\n".join([__version__, SHAPE, table, part, *inputs]).encode()).hexdigest()[:32]
        known = self.known.get((table, part))
        if known is None or known.key != key or self.afresh:
            built = self.work / "table.parquet"
            make(built)
            known = Derived(table, part, key, self.home.store.keep_table(built))
        self.made.append(known)
        return known

    def table(self, table: str, inputs: Iterable[str], make: Callable[[], pa.Table]) -> None:
        """Make (or take over) a whole small table and let later steps see it."""
        self.part(table, "", inputs, lambda path: self.write(table, make(), path))
        self.show(table)

    def write(self, table: str, rows: pa.Table, path: Path) -> None:
        self.database.add("being_written", rows.cast(arrow_schema(table)))
        self.database.write_parquet("SELECT * FROM being_written", path)

    def show(self, table: str) -> None:
        """Make every part of a derived table visible to later steps."""
        show(self.database, table, [self.home.store.path_of(d.file) for d in self.made if d.table == table])


def show(database: Database, table: str, files: list[Path]) -> None:
    """Make files visible as a table; where there are none, the empty table stays."""
    if files:
        database.add_parquet(table, files)


def delivery_table(deliveries: list[Delivery]) -> pa.Table:
    """One row per delivery in force, in order: the vocabulary's `delivery`."""
    rows = [
        {
            "delivery": d.id,
            "kind": d.kind,
            "system": d.system,
            "period": d.period,
            "covers": d.covers,
            "authority": d.authority,
            "as_at": date.fromisoformat(d.as_at) if d.as_at else None,
            "received": datetime.fromisoformat(d.received).date(),
            "place": place,
        }
        for place, d in enumerate(deliveries)
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema("delivery"))


def build(
    home: Home,
    deliveries: list[Delivery],
    replaced: tuple[str, ...],
    before: Snapshot | None,
    *,
    by: str,
    now: datetime,
    work: Path,
    progress: Progress,
    afresh: bool = False,
) -> Snapshot:
    """Link, assemble and measure the deliveries in force, and publish the snapshot. Call inside `writing()`.

    `afresh` makes every table again; children keep their ids all the same.
    """
    settings = home.settings
    with Database(temp=work) as database:
        database.fill(())
        known = {(d.table, d.part): d for d in before.derived} if before else {}
        b = _Build(home, deliveries, work, database, known, afresh)
        for name in FACTS:
            show(database, name, [home.store.path_of(d.tables[name]) for d in deliveries if name in d.tables])
        b.table("delivery", [f"{d.id}:{d.received}" for d in deliveries], lambda: delivery_table(deliveries))

        _presence(b)
        progress("Linking the records of each child")
        _link(b)
        progress("Assembling the cohort")
        linked = b.made_of("link")
        b.table("described", [*b.files("child", "pupil"), *linked], lambda: cohort.describe_persons(database))
        named = [*b.files(*MENTIONS, *PERSON_FACTS), *linked]
        b.table("person", [*b.made_of("described"), *named], lambda: cohort.assemble_persons(database))
        assembled = cache(lambda: cohort.assemble_status_periods(database, settings))
        inputs = [*b.files(*STATUS_FACTS), *linked, repr(settings)]
        b.table("status_period", inputs, lambda: assembled().table)
        b.table("finding", inputs, lambda: assembled().findings)
        b.table(
            "counted_period",
            [*b.made_of("person", "status_period"), repr(settings)],
            lambda: cohort.assemble_counted_periods(database, settings),
        )
        b.table(
            "allocation",
            [*b.files(*WORKER_FACTS), *linked, repr(settings)],
            lambda: cohort.assemble_allocations(database, settings),
        )
        b.table(
            "early_help_period",
            [*b.files("early_help", "professional"), *linked],
            lambda: cohort.assemble_early_help(database),
        )
        progress("Measuring attendance")
        _registers(b, progress)
        _enrolments(b)
        _match_rate(b, now)
        b.table(
            "exclusion",
            [*b.files("suspension", *SCHOOL_FACTS), *linked],
            lambda: database.conformed("exclusion", measures.exclusion_sql()),
        )
        _circumstances(b, now)
        _homes(b)
        progress("Checking the records")
        _check_records(b, now)
        progress("Comparing the sources")
        _reconcile(b, now)
        derived = tuple(b.made)
    ids = tuple(d.id for d in deliveries)
    parent = before.id if before else ""
    return home.store.publish(
        parent=parent,
        made=now,
        by=by,
        reader=__version__,
        deliveries=ids,
        replaced=replaced,
        derived=derived,
        shape=SHAPE,
        work=work,
    )


def _presence(b: _Build) -> None:
    """Who was where, from each file of marks by itself: a file received before is not read again."""
    for delivery in b.deliveries:
        file = delivery.tables.get("attendance_week")
        if file is None:
            continue
        b.database.add_parquet("attendance_week", [b.home.store.path_of(file)])
        b.part("presence", delivery.id, [file.sha256], lambda path: _copy(b, measures.presence_sql(), path))
    b.show("presence")
    marks = [d.tables["attendance_week"] for d in b.deliveries if "attendance_week" in d.tables]
    show(b.database, "attendance_week", [b.home.store.path_of(f) for f in marks])


def _link(b: _Build) -> None:
    """Link every record of a person. The parent snapshot's links are an input, so that a child keeps their id."""
    _previous(b, "link", "previous_link")
    model = b.home.linkage_model()
    linked = cache(lambda: linkage.link(b.database, model=model, settings=b.home.settings))
    decided = repr(linkage.binding(b.database).to_pylist())
    inputs = [*b.files("child", "pupil", "youth_justice", "enrolment"), *_known_of_people(b), decided]
    inputs += [repr(b.home.settings), model.json() if model else ""]
    b.table("link", inputs, lambda: linked().link)
    b.table("link_doubt", inputs, lambda: linked().doubt)


def _match_rate(b: _Build, now: datetime) -> None:
    """How many of the children whom a school should know were found, by group, on the newest day of care data."""
    as_at, model, settings = newest_day(b.database) or now.date(), b.home.linkage_model(), b.home.settings
    b.table(
        "alike",
        [*b.files("child", "pupil"), *b.made_of("link"), repr(settings), model.json() if model else ""],
        lambda: linkage.found_alike(b.database, model=model, settings=settings),
    )
    inputs = [
        *b.files(*PERSON_FACTS, "enrolment", "characteristic", *SCHOOL_FACTS), str(as_at),
        *b.made_of("link", "alike", "person", "counted_period", "allocation", "enrolment_period", "presence"),
    ]  # fmt: skip
    b.table("match_rate", inputs, lambda: linkage.match_rates(b.database, tuple(linkage.RATE_GROUPS), on=as_at))


def _circumstances(b: _Build, now: datetime) -> None:
    """Deprivation of each child's home and free school meals, on the newest day of care data."""
    as_at = newest_day(b.database) or now.date()
    facts = b.files("child", "pupil", "characteristic", "deprivation", "postcode_area")
    b.table(
        "circumstance",
        [*facts, *b.made_of("link", "delivery"), str(as_at)],
        lambda: cohort.assemble_circumstances(b.database, as_at),
    )


def _homes(b: _Build) -> None:
    """The authority's locality that each child has lived in, by the model received last."""
    facts = b.files("home_address", "child", "pupil", "postcode_area", "locality_area")
    made = b.made_of("link", "delivery", "status_period", "allocation", "early_help_period")
    b.table("home_period", [*facts, *made], lambda: cohort.assemble_homes(b.database))


def _known_of_people(b: _Build) -> list[str]:
    """Digests of which records there are, their identifiers and their schools.

    Linkage takes these as sets, so a week of marks that names no new pupil, identifier, school or academic year leaves
    its answer as it was; only what records say of themselves (`child`, `pupil`) depends on which file came last.
    """
    mentions = " UNION ".join(f"SELECT system, {column} AS ref FROM {table}" for table, column in MENTIONS.items())
    sets = (
        mentions,
        "SELECT DISTINCT system, ref, kind, value FROM identifier",
        "SELECT DISTINCT system, pupil_ref, school_ref, year(first_week - INTERVAL 7 MONTH), "
        "year(last_week - INTERVAL 7 MONTH) FROM presence",
    )
    return [
        repr(b.database.rows(f"SELECT count(*), bit_xor(hash(known)) FROM (SELECT known FROM ({rows}) AS known)"))
        for rows in sets
    ]


def _registers(b: _Build, progress: Progress) -> None:
    """The registers, one academic year at a time: only years whose marks, links or schools changed are made again."""
    for year, senders in sorted(_marks_by_year(b).items()):
        progress(f"Measuring attendance in {year}/{(year + 1) % 100:02d}")
        marks = sorted(d.tables["attendance_week"].sha256 for d in senders)
        inputs = [*marks, *b.files(*SCHOOL_FACTS), _links_of(b, [d.id for d in senders])]
        sql = measures.register_week_sql(year)
        week = b.part("register_week", str(year), inputs, lambda path, sql=sql: _copy(b, sql, path))  # type: ignore[misc]
        for name, mart in (
            ("register_year", measures.register_year_sql()),
            ("register_school_week", measures.register_school_week_sql()),
        ):
            show(b.database, "register_week", [b.home.store.path_of(week.file)])
            b.part(name, str(year), [week.file.sha256], lambda path, sql=mart: _copy(b, sql, path))  # type: ignore[misc]
    for name in ("register_week", "register_year", "register_school_week"):
        b.show(name)


def _enrolments(b: _Build) -> None:
    """Where each child was on roll. What registers tell stays as it was when only marks have come."""
    linked = b.made_of("link")
    inputs = [*b.files(*ENROLMENT_FACTS), *linked]
    by_register = cache(lambda: cohort.enrolments_by_register(b.database))
    registers = b.part(
        "enrolment_period", "registers", inputs, lambda path: b.write("enrolment_period", by_register(), path)
    )
    b.database.add_parquet("registered", [b.home.store.path_of(registers.file)])
    rest = cache(
        lambda: cohort.enrolments_by_marks(b.database, b.database.query("SELECT child_id, urn FROM registered"))
    )
    inputs = [registers.file.sha256, *b.files(*SCHOOL_FACTS), *linked, *b.made_of("presence")]
    b.part("enrolment_period", "marks", inputs, lambda path: b.write("enrolment_period", rest(), path))
    b.show("enrolment_period")


def _check_records(b: _Build, now: datetime) -> None:
    """What the rules over records find: marks one academic year at a time, so that a year as it was is not read again.

    The small tables the rules ask are gathered each time; what a rule finds is known by what it asks.
    """
    database, settings = b.database, b.home.settings
    as_at = newest_day(database) or now.date()
    rules = validation.record_rules()
    with validation.gathered(database, schools=cohort.school_names(database), settings=settings, as_at=as_at):
        weeks = [d for d in b.made if d.table == "register_week"]
        for week in weeks:
            year = int(week.part)
            told = validation.digests(database, year) | {"register_week": week.file.sha256}
            show(database, "register_week", [b.home.store.path_of(week.file)])
            for rule in rules:
                if rule.by_year:
                    _checked(b, rule, told, year)
        b.show("register_week")
        told = validation.digests(database)
        for rule in rules:
            if not (rule.by_year and weeks):
                _checked(b, rule, told)
    b.show("finding")
    b.show("record_check")


def _checked(b: _Build, rule: validation.RecordRule, told: dict[str, str], year: int | None = None) -> None:
    """What one rule finds in one stretch of the records, and whether it ran. `told`: digests of some tables it asks."""
    known = [f"{name} {told[name]}" for name in sorted(rule.asks & told.keys())]
    facts = [name for name in sorted(rule.asks - told.keys()) if name in FACTS and name != "attendance_week"]
    # Not of deliveries: every fact is known with its own.
    made = sorted(rule.asks - told.keys() - {*FACTS, "delivery"})
    inputs = [rule.find, validation.lacking(b.database, rule), *known, *b.files(*facts), *b.made_of(*made)]
    checks = cache(lambda: validation.check_records(b.database, [rule], year=year))
    stretch = "records" if year is None else str(year)
    part = f"{stretch} {rule.code}"
    b.part("finding", part, inputs, lambda path: b.write("finding", validation.findings_of(checks()), path))
    runs = cache(lambda: validation.runs_of(checks(), stretch))
    b.part("record_check", part, inputs, lambda path: b.write("record_check", runs(), path))


def _reconcile(b: _Build, now: datetime) -> None:
    """Where the sources part, and what has become of each exception since the parent snapshot.

    What parts is made again only when something it compares has changed; the lives of exceptions go on each time.
    """
    database, settings = b.database, b.home.settings
    as_at = newest_day(database) or now.date()
    everyone = cache(lambda: cohort.status_on(database, as_at))
    in_cohort = cache(lambda: everyone().filter(pc.is_in(everyone()["status"], pa.array(cohort.COHORT))))
    found = cache(
        lambda: reconciliation.disagreements(
            database, settings=settings, schools=cohort.school_names(database), cohort=in_cohort(), as_at=as_at
        )
    )
    made = b.made_of(*(d.table for d in b.made))
    facts = b.files(*(name for name in FACTS if name not in ("attendance_week", "decision")))
    b.table("disagreement", [*made, *facts, repr(settings), str(as_at)], lambda: found().disagreements)
    b.table("rule_run", [*made, *facts, repr(settings), str(as_at)], lambda: found().runs)

    before = [_previous(b, table, name) for table, name in _LIVES]
    lived = cache(lambda: reconciliation.live(database, snapshot=b.home.store.next_id(now), at=now))
    inputs = [*b.made_of("disagreement", "rule_run", "delivery"), *b.files("decision"), *before]
    b.table("exception", inputs, lambda: lived().exceptions)
    b.table("exception_history", inputs, lambda: lived().history)
    b.table(
        "accuracy",
        [*b.made_of("exception", "link", "status_period"), repr(settings), *before],
        lambda: reconciliation.accuracy(
            database, cohort=in_cohort(), snapshot=b.home.store.next_id(now), made=now.date(), as_at=as_at
        ),
    )


def _previous(b: _Build, table: str, name: str) -> str:
    """Make the parent snapshot's table visible under a name (empty where there is none); returns its hash."""
    known = b.known.get((table, ""))
    if known:
        b.database.add_parquet(name, [b.home.store.path_of(known.file)])
        return known.file.sha256
    b.database.add(name, arrow_schema(table).empty_table())
    return ""


def _copy(b: _Build, sql: str, path: Path) -> None:
    b.database.write_parquet(sql, path)


def _marks_by_year(b: _Build) -> dict[int, list[Delivery]]:
    """Deliveries of marks by the academic years they touch (read from the statistics in each file's footer)."""
    years: dict[int, list[Delivery]] = {}
    for delivery in b.deliveries:
        file = delivery.tables.get("attendance_week")
        if file is None or not file.rows:
            continue
        b.database.add_parquet("marks_file", [b.home.store.path_of(file)])
        first, last = b.database.rows("SELECT min(week), max(week) FROM marks_file")[0]
        if first is None:
            continue
        for year in range(academic_year(first), academic_year(last) + 1):
            years.setdefault(year, []).append(delivery)
    return years


def _links_of(b: _Build, senders: list[str]) -> str:
    """A digest of the links of the pupils in these deliveries' marks, so that a new child elsewhere remakes nothing."""
    return str(
        b.database.one(
            "SELECT bit_xor(hash(system, ref, child_id)) FROM link SEMI JOIN (SELECT DISTINCT system, pupil_ref AS ref "
            "FROM presence WHERE list_contains($senders, delivery)) USING (system, ref)",
            {"senders": senders},
        )
    )

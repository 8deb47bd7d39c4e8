"""The questions people ask of a snapshot, each through a scope. Pages, commands and schedules call these alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sightline import alerts, cohort, measures
from sightline.operations.opened import Opened, Scope
from sightline.sources import SOURCES
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import academic_year


@dataclass(frozen=True, slots=True)
class ChildFacts:
    """What is held of one child. Each table's rows carry the kind of file and the day it was received.

    `person` is the row of `person`, with the child's row of `circumstance` (nulls where there is none). `periods`: one
    row per plan period; `workers`: one row per allocation; `schools`: one row per registration; `weeks`: one row per
    school week since `Opened.registers_since`, newest first; `suspensions`: one row per suspension or exclusion;
    `episodes`: one row per episode of Early Help.
    """

    person: dict[str, Any]
    periods: pa.Table
    workers: pa.Table
    schools: pa.Table
    weeks: pa.Table
    suspensions: pa.Table
    episodes: pa.Table

    def without_care(self) -> ChildFacts:
        """The same without anything of social care: neither plans nor workers, nor the files they came in."""
        return replace(self, periods=self.periods.slice(0, 0), workers=self.workers.slice(0, 0))


def cohort_on(opened: Opened, scope: Scope, on: date, schools: Collection[str] | None = None) -> pa.Table:
    """One row per child in the cohort (or being assessed only) on a day: the columns of `cohort.status_on`, and
    `possible`, `absent`, `attendance_rate` (percent, of the academic year so far) and `attendance_band`
    ("90% and above", "50% to 90%", "below 50%", "no marks"). With `schools`, attendance is that in the registers of
    these schools alone."""
    start = date(academic_year(on), 8, 1)
    door = opened.door(start)
    everybody = opened.once(("status", on), lambda: cohort.status_on(door, on))
    door.add("cohort_everybody", everybody)
    so_far = opened.once(
        ("absence", on),
        lambda: measures.absence(
            door, by=("child", "school"), unit="child", start=start, end=on + timedelta(days=1),
            settings=opened.settings, within="cohort_everybody",
        ),
    )  # fmt: skip
    if schools is not None:
        so_far = so_far.filter(pc.is_in(so_far["urn"], value_set=pa.array(sorted(schools), pa.string())))
    door.add("cohort_rows", scope.only(everybody))
    door.add("cohort_absence", so_far)
    crossing = sorted(opened.settings.crossing_percents, reverse=True)
    high, low = crossing[0], crossing[-1]
    return door.query(
        f"""
        SELECT cohort_rows.*, possible, authorised + unauthorised AS absent,
            100.0 * (possible - authorised - unauthorised) / nullif(possible, 0) AS attendance_rate,
            CASE WHEN coalesce(possible, 0) = 0 THEN 'no marks'
                WHEN 100 * (possible - authorised - unauthorised) < {low} * possible THEN 'below {low}%'
                WHEN 100 * (possible - authorised - unauthorised) < {high} * possible THEN '{low}% to {high}%'
                ELSE '{high}% and above' END AS attendance_band
        FROM cohort_rows LEFT JOIN (
            SELECT child_id, sum(possible)::BIGINT AS possible, sum(authorised)::BIGINT AS authorised,
                sum(unauthorised)::BIGINT AS unauthorised
            FROM cohort_absence GROUP BY child_id
        ) USING (child_id)
        ORDER BY surname, forename, child_id
        """
    )


def with_circumstances(opened: Opened, rows: pa.Table) -> pa.Table:
    """The rows of a table of children, in their order, with what is known of home and means: `fsm`, `fsm_ever_6`,
    `idaci_edition`, `idaci_rank`, `idaci_decile` and `idaci_score` of `circumstance`, which is of the newest day."""
    opened.database.add("rows_of_children", rows.append_column("place", pa.array(range(rows.num_rows), pa.int64())))
    return opened.database.query(
        """
        SELECT r.* EXCLUDE (place), fsm, fsm_ever_6, idaci_edition, idaci_rank, idaci_decile, idaci_score
        FROM rows_of_children r LEFT JOIN circumstance USING (child_id) ORDER BY place
        """
    )


def cohort_summary(opened: Opened, scope: Scope, on: date, since: date) -> cohort.Summary:
    """The size of the cohort on two days and what moved between them (see `cohort.summary`)."""
    door = opened.door()
    return cohort.summary(door, on, since, settings=opened.settings, within=opened.within(scope, door))


def cohort_changes(opened: Opened, scope: Scope, on: date, since: date) -> pa.Table:
    """One row per child per change between two days, with the file and line it rests on."""
    rows = cohort.changes(opened.database, since, on, settings=opened.settings, within=opened.within(scope))
    opened.database.add("change_rows", rows)
    return opened.database.query(
        "SELECT surname, forename, change_rows.* FROM change_rows JOIN person USING (child_id) "
        "ORDER BY day DESC, surname, forename, child_id, change"
    )


def cohort_counts(opened: Opened, scope: Scope, on: date, by: str) -> pa.Table:
    """One row per team, school, year group, phase or status: children on each kind of plan on a day."""
    return cohort.counts_by(opened.database, on, by, within=opened.within(scope))


def cohort_weeks(
    opened: Opened,
    scope: Scope,
    start: date,
    end: date,
    children: Sequence[str],
    schools: Collection[str] | None = None,
) -> pa.Table:
    """One row per week: sessions possible and missed and the attendance rate of these children, in the registers of
    these schools (None: of all). Children outside the scope are left out."""
    door = opened.door(start)
    within = opened.within(Scope.of(c for c in children if scope.holds(c)), door)
    at = "true"
    if schools is not None:
        door.add("at_schools", pa.table({"urn": pa.array(sorted(schools), pa.string())}))
        at = "urn IN (SELECT urn FROM at_schools)"
    return door.query(
        f"""
        SELECT week, sum(possible)::INTEGER AS possible, sum(authorised)::INTEGER AS authorised,
            sum(unauthorised)::INTEGER AS unauthorised,
            100.0 * (sum(possible) - sum(authorised) - sum(unauthorised)) / nullif(sum(possible), 0) AS attendance_rate
        FROM register_week SEMI JOIN {within} USING (child_id)
        WHERE week >= ? AND week < ? AND {at}
        GROUP BY week HAVING sum(possible) > 0 ORDER BY week
        """,
        [start, end],
    )


def week_list(opened: Opened, scope: Scope, as_at: date) -> pa.Table:
    """One row per child per reason to act in the week to `as_at` (see `alerts.week`)."""
    door = opened.door(alerts.registers_from(as_at, opened.settings))
    return scope.only(opened.once(("week", as_at), lambda: alerts.week(door, as_at=as_at, settings=opened.settings)))


def absence_by(
    opened: Opened, scope: Scope, *, by: Sequence[str], unit: str, start: date, end: date, cohort_only: bool = False
) -> pa.Table:
    """One row per group: sessions and rates of absence (see `measures.absence`), of every pupil in scope or, with
    `cohort_only`, of the children in the cohort on the last day of the period."""
    database, settings, within = opened.database, opened.settings, opened.within(scope)
    if cohort_only:
        counted = cohort.status_on(database, end - timedelta(days=1), within=within)
        database.add("cohort_rows", counted.filter(pc.is_in(counted["status"], pa.array(cohort.COHORT))))
        within = "cohort_rows"
    return measures.absence(database, by=tuple(by), unit=unit, start=start, end=end, settings=settings, within=within)


def child_person(opened: Opened, scope: Scope, child_id: str) -> dict[str, Any]:
    """The row of `person` of one child. Raises NotAllowed when the child is outside the scope."""
    opened.check(scope, child_id)
    person: dict[str, Any]
    (person,) = opened.children.query("SELECT * FROM person WHERE child_id = ?", [child_id]).to_pylist()
    return person


def child_facts(opened: Opened, scope: Scope, child_id: str) -> ChildFacts:
    """Everything dated that is held of one child. Raises NotAllowed when the child is outside the scope.

    Whether and how the child is in the cohort is the child's row of `cohort_on`, so that a list and a page agree.
    """
    near = opened.children
    circumstance = near.query("SELECT * EXCLUDE (child_id) FROM circumstance WHERE child_id = ?", [child_id])
    nothing = dict.fromkeys(circumstance.column_names)
    person = child_person(opened, scope, child_id) | next(iter(circumstance.to_pylist()), nothing)

    def facts(table: str, order: str, *, named: bool = False, where: str = "true") -> pa.Table:
        school = "LEFT JOIN (SELECT urn, any_value(name) AS school_name FROM school GROUP BY urn) USING (urn)"
        return near.query(
            f"""
            SELECT {table}.* EXCLUDE (child_id), {"school_name," if named else ""}
                delivery.kind AS delivery_kind, delivery.received AS received_on
            FROM {table} {school if named else ""} LEFT JOIN delivery USING (delivery)
            WHERE child_id = ? AND {where} ORDER BY {table}.{order} DESC
            """,
            [child_id],
        )

    recent = f"week BETWEEN DATE '{opened.registers_since}' AND DATE '{opened.newest}'"
    return ChildFacts(
        person=person,
        periods=facts("status_period", "start_date"),
        workers=facts("allocation", "start_date"),
        schools=facts("enrolment_period", "start_date", named=True),
        weeks=facts("register_week", "week", named=True, where=recent),
        suspensions=facts("exclusion", "start_date", named=True),
        episodes=facts("early_help_period", "start_date"),
    )


def findings(
    opened: Opened,
    *,
    rule: str | None = None,
    severity: str | None = None,
    table: str | None = None,
    kind: str | None = None,
    delivery: str | None = None,
) -> pa.Table:
    """One row per finding of the files in force (and from comparing them), with the kind of file it is in.

    Raises BadSetting for a kind of file there is not, or a delivery that is not in force: none found must mean none.
    """
    kinds = [source.kind for source in SOURCES]
    if kind and kind not in kinds:
        raise BadSetting(f"There is no kind of file {kind!r}. There are: {', '.join(kinds)}.")
    if delivery and not opened.database.one("SELECT count(*) FROM delivery WHERE delivery = ?", [delivery]):
        raise BadSetting(f"No file in force is delivery {delivery}. See: sightline show.")
    wanted = {"rule": rule, "severity": severity, '"table"': table, "kind": kind, "delivery": delivery}
    chosen = {name: value for name, value in wanted.items() if value}
    where = " AND ".join(f"{name} = ?" for name in chosen) or "true"
    return opened.database.query(
        f"""
        SELECT delivery, coalesce(kind, 'comparison') AS kind, rule, severity, "table", record, field, value, "right",
            line, says
        FROM finding LEFT JOIN delivery USING (delivery) WHERE {where}
        ORDER BY place NULLS LAST, CASE severity WHEN 'error' THEN 0 WHEN 'query' THEN 1 ELSE 2 END, rule, line, record
        """,
        list(chosen.values()),
    )

"""`sightline part-time`, `sightline moves` and `sightline late-status`: short weeks, moves, and plans recorded late."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import pyarrow as pa
import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, _day, _open, command, day_option
from sightline.cli.output import Format, console, give
from sightline.operations import Scope
from sightline.operations.lists import late_status as lateness
from sightline.operations.lists import moves as moved
from sightline.operations.lists import part_time as short
from sightline.vocabulary.periods import academic_year, year_start

_TEXT, _DAY, _INT, _REAL, _FLAG = pa.string(), pa.date32(), pa.int64(), pa.float64(), pa.bool_()
_WHO = [(n, _TEXT) for n in ("child_id", "surname", "forename", "status", "school_name", "team_name", "worker_name")]
_PART_TIME = pa.schema([
    *_WHO, ("timetable_urn", _TEXT), ("timetable_school", _TEXT), ("start_date", _DAY), ("end_date", _DAY),
    ("review_date", _DAY), ("weeks", _INT), ("hours", _REAL), ("agreed", _INT), ("reason", _TEXT),
    ("parent_agreed", _FLAG), ("marked_weeks", _INT),
    *((n, _REAL) for n in ("attended", "approved", "short", "absent", "not_possible")),
    ("problems", pa.list_(_TEXT)), ("timetable_delivery", _TEXT), ("timetable_line", _INT),
])  # fmt: skip
_MOVES = pa.schema([
    *_WHO, ("move", _TEXT), ("day", _DAY), ("from_urn", _TEXT), ("from_school", _TEXT), ("to_urn", _TEXT),
    ("to_school", _TEXT), ("until", _DAY), ("reason", _TEXT), ("by_marks", _FLAG), ("move_received", _DAY),
    ("move_delivery", _TEXT), ("move_line", _INT),
])  # fmt: skip
_PLANS = pa.schema([
    *_WHO, ("kind", _TEXT), ("plan_start", _DAY), ("outcome", _TEXT), ("outcome_day", _DAY), ("outcome_days", _INT),
    ("known_on", _DAY), ("unseen_days", _INT), ("late", _FLAG), ("plan_team", _TEXT), ("plan_worker", _TEXT),
])  # fmt: skip


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)


@command
def part_time(
    on: Annotated[str | None, day_option("--on", "The day; the newest of the data if left out.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the part-time timetables of the cohort, the most urgent first: past their end, without one, longer than set,
    and where marks beside them show more or fewer sessions than agreed."""
    place, opened = _open(home)
    day = _day(on) or opened.newest
    children = operations.cohort_on(opened, Scope.everyone(), day)
    rows = short.part_time(opened, Scope.everyone(), children, day)
    operations.record_console_view(place, "Part-time timetables", [r["child_id"] for r in rows])
    give(
        "Part-time timetables", _table(rows, _PART_TIME), Format.json if as_json else form, out,
        screen=("surname", "forename", "timetable_school", "start_date", "end_date", "hours", "agreed", "attended",
                "short", "problems"),
    )  # fmt: skip
    if form is Format.table and not as_json and out is None:
        for problem in short.PROBLEMS:
            console.print(f"{problem.key}: {problem.name}. {problem.says}", highlight=False)


@command
def moves(
    since: Annotated[str | None, day_option("--since", "First day; 1 August of the school year if left out.")] = None,
    on: Annotated[str | None, day_option("--on", "Last day; the newest of the data if left out.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the school moves of the cohort in a period, the most urgent kind first: left with no next school known, over
    the border, off-site direction, managed moves, moves in the school year."""
    place, opened = _open(home)
    day = _day(on) or opened.newest
    first = _day(since) or year_start(academic_year(day))
    children = operations.cohort_on(opened, Scope.everyone(), day)
    rows = moved.moves(opened, Scope.everyone(), children, first, day)
    operations.record_console_view(place, "School moves", [r["child_id"] for r in rows])
    give(
        "School moves", _table(rows, _MOVES), Format.json if as_json else form, out,
        screen=("surname", "forename", "status", "move", "day", "from_school", "to_school", "until", "worker_name"),
    )  # fmt: skip


@command
def late_status(
    since: Annotated[str | None, day_option("--since", "First day plans began; a year before if left out.")] = None,
    on: Annotated[str | None, day_option("--on", "Last day; the newest of social care data if left out.")] = None,
    children: Annotated[bool, typer.Option("--children", help="List the plans child by child.")] = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how late plans are: days from the conference or assessment to the plan, and until a file knew of it, by team
    and month; half and nine in ten within, and the share over the setting (late_record_days)."""
    place, opened = _open(home)
    day = _day(on) or opened.as_at
    first = _day(since) or day - timedelta(days=365)
    form = Format.json if as_json else form
    everyone = operations.cohort_on(opened, Scope.everyone(), day)
    rows = lateness.late_plans(opened, Scope.everyone(), everyone, first, day)
    title = f"Plans that began from {first} to {day}"
    if children:
        operations.record_console_view(place, title, [r["child_id"] for r in rows])
        give(
            title, _table(rows, _PLANS), form, out,
            screen=("surname", "forename", "kind", "plan_start", "outcome", "outcome_days", "known_on", "unseen_days",
                    "late", "plan_team"),
        )  # fmt: skip
        return
    operations.record_console_view(place, f"{title}: figures alone", [])
    give(title, lateness.figures(rows, opened.settings.late_record_days), form, out)

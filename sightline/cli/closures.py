"""`sightline closures`: attendance before plans ended or were stepped down."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, _day, _open, command, day_option
from sightline.cli.output import Format, give, shown
from sightline.operations import Scope
from sightline.operations.lists import closures as closing


@command
def closures(
    weeks: Annotated[int, typer.Option(help="Of so many weeks to the day.")] = closing.USUAL_WEEKS,
    on: Annotated[str | None, day_option("--on", "The day; the newest of social care data if left out.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List plans that ended or were stepped down, with the child's attendance in the weeks before."""
    place, opened = _open(home)
    day = _day(on) or opened.as_at
    rows = closing.closures(opened, Scope.everyone(), on=day, weeks=weeks)
    title = f"Ended and stepped down in the {weeks:,} weeks to {shown(day)}"
    operations.record_console_view(place, title, rows["child_id"].to_pylist())
    rates = [name for name in rows.column_names if name.startswith("attendance_")]
    screen = ("surname", "forename", "last_day", "says", *rates, "worker_name", "team_name")
    give(title, rows, Format.json if as_json else form, out, screen=screen)

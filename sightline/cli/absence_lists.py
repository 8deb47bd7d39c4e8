"""`sightline absence-lists`: who is persistently and severely absent, and what changed since an earlier list."""

from __future__ import annotations

from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, _day, _open, command, day_option
from sightline.cli.output import console, print_json, print_table, shown
from sightline.operations import Scope
from sightline.operations.lists import absence_lists as listed

COLUMNS = ("child_id", "surname", "forename", "status", "list", "before", "change", "attendance_rate", "rate_before",
           "points", "why", "school_name", "worker_name", "team_name")  # fmt: skip


@command
def absence_lists(
    weeks: Annotated[int, typer.Option(help="Beside the list of so many weeks before.")] = listed.USUAL_WEEKS,
    on: Annotated[str | None, day_option("--on", "The day; the newest of social care data if left out.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List children on a plan who are severely or persistently absent this school year, and what has changed."""
    place, opened = _open(home)
    day = _day(on) or opened.as_at
    made = listed.absence_lists(opened, Scope.everyone(), on=day, weeks=weeks)
    title = f"Severe and persistent absence on {shown(made.on)}, beside {shown(made.since)}"
    operations.record_console_view(place, title, [row["child_id"] for row in made.rows])
    rows = [{name: row[name] for name in COLUMNS} for row in made.rows]
    if as_json:
        print_json(
            {"on": made.on, "since": made.since, "counts": list(made.counts), "change_counts": dict(made.changed),
             "children": rows}
        )  # fmt: skip
        return
    print_table(title, list(made.counts))
    console.print("; ".join(f"{says}: {made.changed[key]:,}" for key, says in listed.CHANGES.items()), highlight=False)
    print_table("Children", [{k: v for k, v in row.items() if k != "child_id"} for row in rows])

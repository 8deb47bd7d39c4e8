"""`sightline transfer`: a Common Transfer File with the plan flag, for a child's next school."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, _day, command, day_option
from sightline.cli.output import console, print_json
from sightline.operations import Home, Scope


@command
def transfer(
    child: Annotated[list[str], typer.Option(help="Sightline's id of a child, as cohort prints it. May be repeated.")],
    out: Annotated[Path, typer.Option(help="The file to write, or the folder to write it in.")],
    on: Annotated[
        str | None, day_option("--on", "The day as known on; the newest day of social care data if left out.")
    ] = None,
    without_plans: Annotated[
        bool, typer.Option("--without-plans", help="Say nothing of social care, as before the plan flag.")
    ] = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write a Common Transfer File for the next school, with a flag for a plan that runs: Child in Need and Child
    Protection apart.

    Give it to the next school alone, by the secure route that transfer files take: it names children and their plans.
    """
    opened = operations.opened(Home.open(home))
    made = operations.transfer_file(
        opened, Scope.everyone(), child, out, on=_day(on) or opened.as_at, plans=not without_plans
    )
    if as_json:
        print_json(made.as_json())
        return
    console.print(
        f"{made.pupils:,} pupil{'s' if made.pupils > 1 else ''} written to {made.path}: "
        f"{made.cin_plans:,} on a Child in Need plan, "
        f"{made.cp_plans:,} on a Child Protection plan.",
        markup=False,
    )

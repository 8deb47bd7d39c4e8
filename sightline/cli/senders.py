"""`sightline senders`: how far what each system and school sent goes, and who is late or silent."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, _day, command, day_option
from sightline.cli.output import Format, console, give
from sightline.operations import Home


@command
def senders(
    schools: Annotated[bool, typer.Option("--schools", help="School by school, by their marks.")] = False,
    on: Annotated[str | None, day_option("--on", "The day on which one is late; today if left out.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say how far what each system (or school) sent goes, and who is late or silent against what is expected."""
    opened = operations.opened(Home.open(home))
    day = _day(on) or date.today()
    rows = operations.schools_sending(opened, on=day) if schools else operations.senders(opened, on=day)
    give("Schools that send marks" if schools else "Systems that send", rows, Format.json if as_json else form, out)
    if form is Format.table and not as_json and out is None:
        says = (
            f"Late: other schools have sent a week since. Silent: {opened.settings.silent_weeks} such weeks (setting "
            "silent_weeks), or no marks this school year."
            if schools
            else "Late: its data are older than its rhythm (setting sender_days). Silent: older than twice that."
        )
        console.print(says, highlight=False)

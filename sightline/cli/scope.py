"""`sightline scope`: who counts, and what other settings of the cohort would add and take away."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, _day, command, day_option
from sightline.cli.output import console, print_json, print_table
from sightline.operations import CINO_WARNING, Home, Scope
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.errors import BadSetting


@command
def scope(
    look_back_years: Annotated[int | None, typer.Option(help="Years after a plan in which a child is Ever 6.")] = None,
    ever_6_oldest_age: Annotated[int | None, typer.Option(help="Oldest age at which a child is Ever 6.")] = None,
    precedence: Annotated[
        str | None, typer.Option(help="The statuses, first wins, with commas: 'looked after,CP plan,CIN plan'.")
    ] = None,
    on: Annotated[str | None, day_option("--on", "The day to ask about; the newest of social care data.")] = None,
    children: Annotated[bool, typer.Option("--children", help="List the children whose status would change.")] = False,
    keep: Annotated[bool, typer.Option("--set", help="Set them; they hold from the next rebuild.")] = False,
    reason: Annotated[str, typer.Option(help="Why, where they are set.")] = "",
    by: Annotated[str, typer.Option(help="Who decides; the user of this computer if left out.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say what another look-back, oldest age or precedence would add to the cohort or take away, before it is set."""
    place = Home.open(home)
    opened = operations.opened(place)
    told: dict[str, Any] = {"look_back_years": look_back_years, "ever_6_oldest_age": ever_6_oldest_age}
    if precedence is not None:
        told["precedence"] = tuple(part.strip() for part in precedence.split(","))
    wanted = operations.wanted_settings(place.settings, {k: v for k, v in told.items() if v is not None})
    found = operations.consequences(opened, Scope.everyone(), wanted, on=_day(on))
    if children:
        operations.record_console_view(place, "Who would count otherwise", [c["child_id"] for c in found.children])
    if reason and not keep:
        raise BadSetting("A reason goes with --set.")
    if as_json:
        print_json({**found.as_json(), **({"children": list(found.children)} if children else {})})
    else:
        print_table("Settings that differ", list(found.changes))
        print_table(f"Children on {day_in_words(found.on)}", list(found.counts))
        print_table("Whose status would change", list(found.moves))
        if children:
            print_table("Children", list(found.children))
        console.print(CINO_WARNING, highlight=False)
    if keep:
        operations.set_scope(
            place, wanted, by=by or operations.console_user(), at=datetime.now(ZoneInfo("Europe/London")), reason=reason
        )
        if not as_json:
            console.print("Set. They hold from the next build: sightline rebuild.", highlight=False)

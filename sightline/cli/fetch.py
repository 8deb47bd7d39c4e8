"""`sightline fetch`: ask a live source, and keep what it gives as files to receive."""

from __future__ import annotations

import os
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from sightline import operations
from sightline.cli.app import HomeOption, _day, command, day_option
from sightline.cli.output import console, errors, print_table
from sightline.operations import Home

ADDRESS = "SIGHTLINE_WONDE_URL"


class LiveSource(StrEnum):
    wonde = "wonde"


@command
def fetch(
    source: Annotated[LiveSource, typer.Argument(help="Where from: wonde.")],
    school: Annotated[list[str], typer.Option(help="Wonde's id of a school, such as A1930499544. May be repeated.")],
    since: Annotated[
        str | None,
        day_option("--since", "What changed since this day; since the last fetch if left out, all the first time."),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Ask for everything again.")] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(help=f"A file with the token, readable by you alone; else {operations.WONDE_TOKEN} holds it."),
    ] = None,
    domain: Annotated[
        str, typer.Option(help="The domain of the school's region; SIGHTLINE_WONDE_URL names another address whole.")
    ] = operations.WONDE_DOMAIN,
    home: HomeOption = None,
) -> None:
    """Ask Wonde for a school's students, marks and exclusions, and keep them in the home as files to receive.

    A fetch that stops goes on where it was when the same command is given again. The token is never an argument:
    whoever can list this machine's processes reads those.
    """
    if since and everything:
        raise typer.BadParameter("Ask for what changed since a day, or for everything; not both.")
    place = Home.open(home)
    client = operations.WondeClient(
        os.environ.get(ADDRESS) or f"https://{domain}/v1.0", operations.wonde_token(token_file)
    )
    now = datetime.now(ZoneInfo("Europe/London"))
    with errors.status("Asking") as status:
        for each in operations.fetch_wonde(
            place, school, client=client, now=now, since=_day(since), everything=everything, progress=status.update
        ):
            rows = [{"list": name, "records": count, "note": ""} for name, count in each.records.items()]
            rows += [{"list": name, "records": None, "note": why} for name, why in each.refused.items()]
            print_table(f"{each.school}, {f'changed since {each.since}' if each.since else 'everything'}", rows)
            console.print(
                f"{each.withdrawn:,} records withdrawn. Now: sightline receive {each.folder}",
                markup=False,
                highlight=False,
            )

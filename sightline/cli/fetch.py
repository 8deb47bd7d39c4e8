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
from sightline.cli.app import HomeOption, JsonOption, _day, command, day_option
from sightline.cli.output import console, errors, print_json, print_table
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
    as_json: JsonOption = False,
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
    done = []
    with errors.status("Asking") as status:
        for each in operations.fetch_wonde(
            place, school, client=client, now=now, since=_day(since), everything=everything, progress=status.update
        ):
            lists = [{"list": name, "records": count, "refused": ""} for name, count in each.records.items()]
            lists += [{"list": name, "records": None, "refused": why} for name, why in each.refused.items()]
            done.append({"school": each.school, "folder": str(each.folder), "since": each.since, "lists": lists,
                         "withdrawn": each.withdrawn, "asked": each.asked})  # fmt: skip
            if not as_json:
                # A school at a time: whoever stops the next one knows what is there.
                print_table(f"{each.school}, {f'changed since {each.since}' if each.since else 'everything'}", lists)
                says = f"{each.withdrawn:,} records withdrawn. Now: sightline receive {each.folder}"
                console.print(says, markup=False, highlight=False)
    if as_json:
        print_json(done)

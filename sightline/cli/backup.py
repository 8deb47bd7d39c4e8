"""`sightline backup` and `sightline restore`: everything a home holds, in one file, and back again."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from sightline.cli.app import HomeOption, JsonOption, command
from sightline.cli.output import console, errors, print_json
from sightline.operations import Home
from sightline.operations.keeping import backup as backups


@command
def backup(
    out: Annotated[Path, typer.Option(help="The file to write, such as sightline-2026-11-26.tar.")],
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the home and the application's database to one file, while the service runs and files are received.

    The file holds records of children and the keys of the application: keep it where the home itself might be kept,
    encrypted. A PostgreSQL database is copied by its own pg_dump, which must be on this machine.
    """
    now = datetime.now(ZoneInfo("Europe/London"))
    with errors.status("Copying") as status:
        made = backups.backup(Home.open(home), out, now=now, progress=status.update)
    if as_json:
        print_json(made)
        return
    console.print(
        f"{made.files:,} files, {made.bytes / 1e6:,.1f} MB, snapshot {made.snapshot or 'none'}, database "
        f"{made.database}: written to {out}.",
        highlight=False,
    )


@command
def restore(
    file: Annotated[Path, typer.Argument(help="A file written by sightline backup.", exists=True, dir_okay=False)],
    home: Annotated[
        Path, typer.Option("--home", help="The folder to restore into; it must not be there, or be empty.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Put a backup back as a home, after verifying every file, the store, the database and its logs.

    Nothing appears unless all of it holds. A PostgreSQL database is restored into the empty one that
    SIGHTLINE_DATABASE_URL names.
    """
    with errors.status("Verifying") as status:
        done = backups.restore(file, home, progress=status.update)
    if as_json:
        print_json(done)
        return
    for said in done.verified:
        console.print(f"Verified: {said}.", highlight=False)
    console.print(f"Restored to {home}: as it was on {done.backup.made[:16].replace('T', ' at ')}.", highlight=False)
    console.print("Run sightline retention purge: what was removed since that day is back in the files.")

"""`sightline audit`: the logs of the application read through, and what is past its retention taken away.

The logs are the application's, which the command line never imports (they are siblings): each command runs the
application's own as a process of its own, and answers as it did.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.app import HomeOption, app, guarded

audit_app = typer.Typer(
    no_args_is_help=True,
    help="Verify the logs of who looked at what, who changed what and who signed in; purge what is past its retention.",
)
app.add_typer(audit_app, name="audit")


def _application(home: Path | None, *arguments: str) -> None:
    place = str(home or Path(os.environ.get("SIGHTLINE_HOME") or "sightline-data"))
    run = [sys.executable, "-m", "sightline.web", *arguments, "--home", place]
    done = subprocess.run(run, check=False, capture_output=True, text=True)
    typer.echo(done.stdout, nl=False)
    typer.echo(done.stderr, err=True, nl=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


@audit_app.command()
@guarded
def verify(
    noted: Annotated[
        list[str] | None,
        typer.Option(
            help="A last hash noted earlier, which must still be there: shows whether entries after it were cut off."
        ),
    ] = None,
    home: HomeOption = None,
) -> None:
    """Read the logs from end to end: fails when an entry was changed or taken away.

    Notes the last hash of each log in the home, where the service notes it too while it works: entries cut off the end
    show by that. Write the hashes it prints down where the owner of the database and the home cannot reach, and give
    them with --noted the next time.
    """
    hashes = [part for each in noted or () for part in ("--noted", each)]
    _application(home, "verify_logs", "--note", *hashes)


@audit_app.command()
@guarded
def purge(
    by: Annotated[str, typer.Option("--by", help="Who decided.")],
    home: HomeOption = None,
) -> None:
    """Take away entries of the logs that are older than the setting log_retention_years, and record that it was done.

    The logs can be verified afterwards as before. Nothing younger than a year can be purged.
    """
    _application(home, "purge_logs", "--by", by)

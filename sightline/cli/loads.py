"""`sightline preview` and `sightline undo`: what files would change before they are received, and going back after."""

from __future__ import annotations

import tempfile
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, command
from sightline.cli.output import console, errors, print_json, print_table
from sightline.operations import Home


@command
def preview(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders, as for receive.")],
    home: HomeOption = None,
    again: Annotated[bool, typer.Option("--again", help="Also files that later ones replaced.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what receiving files would change, and change nothing: rows, joiners and leavers, findings, exceptions."""
    place = Home.open(home)
    with errors.status("Reading") as status, tempfile.TemporaryDirectory(dir=place.path) as folder:
        told = operations.preview(
            place, paths, Path(folder) / "preview", by=operations.console_user(), again=again, progress=status.update
        )
    if as_json:
        print_json(told.as_json())
        return
    print_table("Files", [_file(f) for f in told.receipt.files])
    print_table("What would differ", told.figures)
    for warning in told.warnings:
        errors.print(warning, style="red", markup=False, highlight=False)
    console.print("Nothing was received." if told.receipt.new else "Nothing was received, and nothing would change.")


def _file(f: operations.FileReceipt) -> dict[str, Any]:
    changed = ", ".join(f"{t} +{c['new']:,} -{c['gone']:,}" for t, c in f.changed.items() if c["new"] or c["gone"])
    findings = ", ".join(f"{n:,} {s}" for s, n in f.findings.items())
    return {"file": f.path, "kind": f.kind, "period": f.period, "what": f.says, "rows": changed, "findings": findings}


@command
def undo(
    reason: Annotated[str, typer.Option(help="Why the load is undone.")],
    to: Annotated[
        str | None, typer.Option(help="The snapshot to go back to; the one before the current, if left out.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who decides, for the record; the user of this computer if left out.")] = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make an earlier snapshot the newest again. Nothing is lost, and undoing once more brings back what was undone."""
    place = Home.open(home)
    gone = place.store.snapshot().id
    made = operations.undo(
        place, by=by or operations.console_user(), at=datetime.now(ZoneInfo("Europe/London")), reason=reason, to=to
    )
    if as_json:
        print_json({"snapshot": made.id, "undone": gone, "files": len(made.deliveries)})
        return
    console.print(f"Snapshot {made.id} is new, with the {len(made.deliveries):,} files in force before {gone}.")

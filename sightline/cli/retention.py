"""`sightline retention`: which clocks have run out, who left views tonight, and the removal of what is due."""

from __future__ import annotations

import subprocess
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, app, goes_on, guarded
from sightline.cli.output import console, errors, print_json, print_table
from sightline.operations import Home
from sightline.operations.keeping import lawful, purge, removals, retention
from sightline.operations.pairs import searching
from sightline.vocabulary.errors import BadSetting, SightlineError

retention_app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=False,
    help="Say how long children are shown and kept, write down who leaves views, and remove what is due for good.",
)
app.add_typer(retention_app, name="retention")

ByOption = Annotated[str, typer.Option("--by", help="Who runs this, for the record; this computer's user if left out.")]


def _now() -> datetime:
    return datetime.now(ZoneInfo("Europe/London"))


def _on(home: Path | None) -> tuple[Home, operations.Opened, date]:
    place = Home.open(home)
    opened = operations.opened(place)
    return place, opened, max(opened.as_at, _now().date())


@retention_app.callback()
@guarded
def clocks(context: typer.Context, home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Say on which basis children are shown today, how many stand where, and how many are due for removal.

    Counts alone: no child is named. Without a basis in retention.toml, children whose plan has ended are counted and
    shown to nobody by name.
    """
    if goes_on(context):
        return
    place, opened, on = _on(home)
    register = lawful.Register.of(place)
    rows = retention.clocks_on(place, opened, on)
    due = list(retention.due(rows, on))
    states = [
        {"state": state, "says": says, "children": sum(r.state == state for r in rows)}
        for state, says in retention.SAYS.items()
    ]
    if as_json:
        bases = [{"roles": list(b.roles), "until": b.until, "holds": b.holds(on)} for b in register.bases]
        print_json({"on": on, "states": states, "due": len(due), "held": sum(r.held for r in rows), "bases": bases})
        return
    print_table(f"Children known to social care or Early Help on {on}", states)
    print_table(
        f"Recorded bases ({lawful.NAME})",
        [
            {"roles": ", ".join(b.roles), "purpose": b.purpose, "lawful basis": b.lawful_basis,
             "holds": f"{b.recorded} to {b.until}" if b.holds(on) else f"no (from {b.recorded} until {b.until})"}
            for b in register.bases
        ],
    )  # fmt: skip
    console.print(f"{len(due):,} children are due for removal (sightline retention purge).", highlight=False)


@retention_app.command()
@guarded
def run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be written down; write nothing.")] = False,
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Write down which children have left views since the last run, and why. Meant for every night.

    Pages follow the clocks by themselves, on the day they are opened; this keeps the record of it, in removals.jsonl.
    """
    place, opened, on = _on(home)
    who = by or operations.console_user()
    night = retention.run_clocks(place, opened, on=on, at=_now(), by=who, dry=dry_run)
    verb = "would be recorded as having left views" if dry_run else "left views"
    console.print(f"{night.left:,} children {verb}, {night.back:,} came back, on {on}.", highlight=False)
    console.print(f"{night.due:,} are due for removal (sightline retention purge).", highlight=False)


@retention_app.command("purge")
@guarded
def purge_due(
    yes: Annotated[bool, typer.Option("--yes", help="Remove. Without it, only say what would be removed.")] = False,
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Remove the records of every child that is due, from every file, table and snapshot, for good; then search.

    A dry run unless --yes is given. Older snapshots go, and backups made before still hold what was removed. Fails
    when anything of the children is found afterwards.
    """
    place, opened, on = _on(home)
    due = [r.child_id for r in retention.due(retention.clocks_on(place, opened, on), on)]
    if not due or not yes:
        said = "Nothing is due." if not due else f"{len(due):,} children are due. Nothing was removed: add --yes."
        console.print(said, highlight=False)
        return
    who = by or operations.console_user()
    with errors.status("Removing") as status:
        done = purge.purge(place, due, by=who, now=_now(), why="retention", progress=status.update)
    console.print(
        f"{done.children:,} children: {done.rows:,} rows taken out of {done.files:,} files, {done.freed / 1e6:,.1f} MB "
        f"freed, snapshot {done.snapshot} is new.",
        highlight=False,
    )
    if done.dropped:
        console.print(f"{done.dropped:,} superseded files could not be read any more and went whole.", highlight=False)
    _say(done.proof)


@retention_app.command()
@guarded
def prove(
    words: Annotated[
        Path, typer.Argument(help="A text file of names and numbers to look for, one to a line.", exists=True)
    ],
    home: HomeOption = None,
) -> None:
    """Search everything the home holds for words: raw, decompressed, inside archives and inside tables.

    The words come in a file, so that no name stands on a command line. Fails when one of them is found. The logs of
    access are not searched: they name a child by Sightline's own id alone.
    """
    place = Home.open(home)
    looked_for = searching.Words(words.read_text(encoding="utf-8-sig").splitlines())
    if not len(looked_for):
        raise BadSetting(f"No line of the file has {searching.LEAST} letters or more: there is nothing to look for.")
    _say(purge.prove(place, looked_for))


@retention_app.command()
@guarded
def record(home: HomeOption = None) -> None:
    """Print the record of removals, oldest first, after checking that no line of it was changed or taken out."""
    rows = removals.Removals(Home.open(home)).read()
    print_table("Removals", [{"at": r.at, "event": r.event, "child": r.child, "why": r.why, "by": r.by} for r in rows])


@retention_app.command("notice")
@guarded
def privacy_notice(home: HomeOption = None) -> None:
    """Print a privacy notice for families, drafted from what this home is set to do, for your authority to edit."""
    # Who may see whom is the application's to say, and the command line never imports it.
    run_verb = [sys.executable, "-m", "sightline.web", "privacy_notice", "--home", str(Home.open(home).path)]
    done = subprocess.run(run_verb, check=False)
    if done.returncode:
        raise typer.Exit(done.returncode)


def _say(search: searching.Search | None) -> None:
    if search is None:
        return
    short = f" ({search.too_short:,} too short to look for)" if search.too_short else ""
    console.print(
        f"Searched {search.files:,} files, {search.bytes / 1e6:,.1f} MB, for {search.words:,} words{short}.",
        highlight=False,
    )
    for each in search.found:
        console.print(f"Found in {each.file} ({each.form}).", markup=False, highlight=False)
    if search.found:
        raise SightlineError(f"{len(search.found):,} files still hold what was looked for.")
    console.print("Nothing was found.")

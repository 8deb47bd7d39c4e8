"""`sightline pack`: a short pack of figures and questions to take to a forum."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, _open, command
from sightline.cli.output import console, errors, print_json, print_table, shown
from sightline.operations import Scope
from sightline.operations.counts import packs
from sightline.operations.counts.pack_page import pack_html
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.packs import audience, audiences


@command
def pack(
    for_whom: Annotated[
        str | None,
        typer.Argument(metavar="AUDIENCE", help=f"For whom: {', '.join(audiences())}. Left out: list them."),
    ] = None,
    period: Annotated[
        str | None, typer.Option(help="The half term, such as 2024-autumn-1; the newest if left out.")
    ] = None,
    list_periods: Annotated[
        bool, typer.Option("--list", help="List the half terms of which a pack can be made, and stop.")
    ] = False,
    out: Annotated[Path | None, typer.Option("--out", help="Write the pack as one page to print: NAME.html.")] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a pack for a forum: figures of a half term with small numbers hidden, charts, and questions they raise.

    May be passed on: it holds what the dashboard tells those who see no child, and no child.
    """
    place, opened = _open(home)
    if list_periods:
        rows = [{"period": p.key, "figures_of": p.on, "says": p.label} for p in packs.pack_periods(opened)]
        print_json(rows) if as_json else print_table("Half terms", rows)
        return
    if for_whom is None:
        rows = [{"audience": a.key, "for": a.forum, "source": a.source} for a in audiences().values()]
        print_json(rows) if as_json else print_table("Packs", rows)
        return
    if out is not None and out.suffix.lower() != ".html":
        raise BadSetting(f"A pack is written as NAME.html, not as {out.suffix or 'a file without an ending'}.")
    told = packs.told_of(opened, Scope.everyone(), packs.pack_period(opened, period))
    made = packs.pack(opened, audience(for_whom), told)
    operations.record_console_view(place, f"Pack of snapshot {opened.id}, {made.told.period.key}: figures alone", [])
    if out is not None:
        out.write_text(pack_html(made, system_name=str), encoding="utf-8")
        errors.print(f"Written to {out}.", markup=False, highlight=False)
        if not as_json:
            return
    if as_json:
        print_json(packs.as_json(made))
        return
    console.print(f"{made.title}. {made.about} {made.mark}", markup=False, highlight=False)
    for drawing in made.drawings:
        console.print(drawing.message, markup=False, highlight=False)
    for grid in made.tables:
        print_table(grid.title, [{h or " ": shown(v) for h, v in zip(grid.heads, r, strict=True)} for r in grid.rows])
    for number, each in enumerate(made.questions, 1):
        console.print(f"{number}. {each.asks}", markup=False, highlight=False)

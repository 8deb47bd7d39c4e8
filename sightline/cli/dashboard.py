"""`sightline dashboard` and `sightline breakdown`: the cohort counted and sliced, and its regular tables."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import HomeOption, JsonOption, _day, _open, command, day_option
from sightline.cli.output import console, errors, print_json, print_table, shown
from sightline.operations import Scope, sheets
from sightline.operations.counts import breakdown as regular
from sightline.operations.counts import comparators, shared
from sightline.operations.counts import dashboard as counted
from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.sheets import Book
from sightline.vocabulary.errors import BadSetting

BookOption = Annotated[
    Path | None,
    typer.Option("--out", help="Write a workbook with a cover sheet: NAME.xlsx, NAME.ods, or NAME.zip of CSV files."),
]


class Stretch(StrEnum):
    half_term = "half-term"
    month = "month"
    term = "term"


@command
def dashboard(
    only: Annotated[
        list[str] | None,
        typer.Option("--only", help='Only these children, such as "plan=CP plan" or "phase=Primary"; "none" where not '
                     "known. Again for another dimension, or another value of the same."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(help=f"Break down by this; again for more: {', '.join(counted.DIMENSIONS)}. locality is where the "
                     "child lives, by your own locality model.")
    ] = None,
    on: Annotated[str | None, day_option("--on", "The day; the newest of the data if left out.")] = None,
    to_share: Annotated[
        bool, typer.Option("--to-share", help="Hide small numbers, so that the figures may be passed on. The day is "
                           "the last of a month, and no children are left out.")
    ] = False,
    out: BookOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Count the cohort: size, churn, absence, suspensions, exclusions and moves, of any slice, beside others.

    Figures are true ones unless --to-share is given: do not pass them on.
    """
    place, opened = _open(home)
    filters = _filters(only or [])
    lacking = counted.lacking(opened)
    wanted = by or ([] if not to_share else [d for d in shared.SHARED if d not in lacking])
    unknown = [d for d in wanted if d not in (shared.SHARED if to_share else counted.DIMENSIONS)]
    if unknown:
        known = shared.SHARED if to_share else tuple(counted.DIMENSIONS)
        raise BadSetting(f"The figures cannot be broken down by {unknown[0]!r}. They can be by: {', '.join(known)}.")
    for dimension in (*wanted, *filters):
        if dimension in lacking:
            raise BadSetting(lacking[dimension])
    if to_share:
        if filters or on:
            raise BadSetting("Figures to share are those of everybody on a plan on the last day of a month: leave out "
                             "--only and --on.")  # fmt: skip
        panel = counted.panel(opened, Scope.everyone(), shared.shared_day(opened.as_at))
        told = shared.shared(panel)
        grids = [g for d, g in zip(told.tables, tables.shared_tables(told), strict=True) if d in wanted]
        mark = tables.TO_SHARE.format(least=told.least)
    else:
        day = _day(on) or opened.as_at
        panel = counted.panel(opened, Scope.everyone(), day)
        grids = tables.slice_tables(
            opened, panel, filters, wanted,
            others=comparators.others_of(opened, panel.on, panel.start),
            before=counted.panel(opened, Scope.everyone(), counted.year_before(panel.on)),
        )  # fmt: skip
        mark = tables.TRUE
    made = tables.book(
        opened, "Cohort dashboard", grids, about=tables.about(panel), filters=tables.filters_in_words(panel, filters),
        mark=mark,
    )  # fmt: skip
    operations.record_console_view(place, f"Dashboard of snapshot {opened.id}: figures alone", [])
    _give(made, out, as_json)


@command
def breakdown(
    kind: Annotated[
        Stretch, typer.Argument(help="half-term: the breakdown of the cohort. month, term: performance by locality "
                                "of the home (town of the school without a locality model) and team.")
    ] = Stretch.half_term,
    period: Annotated[
        str | None, typer.Option(help="Which one, such as 2024-autumn-1, 2024-10, 2024-autumn; the newest if left out.")
    ] = None,
    list_periods: Annotated[
        bool, typer.Option("--list", help="List the periods that the data reach, and stop.")
    ] = False,
    out: BookOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make the regular tables: the half-termly breakdown, or performance by month or by term.

    Figures are true ones: do not pass them on.
    """
    place, opened = _open(home)
    if list_periods:
        rows = [{"period": p.key, "from": p.start, "to": p.on, "says": p.label} for p in regular.periods(opened, kind)]
        print_json(rows) if as_json else print_table("Periods", rows)
        return
    chosen = regular.period_of(opened, kind, period)
    made = tables.regular_book(opened, chosen, lambda p: counted.panel(opened, Scope.everyone(), p.on, p.start))
    operations.record_console_view(place, f"Breakdown of snapshot {opened.id}, {chosen.key}: figures alone", [])
    _give(made, out, as_json)


def _filters(only: list[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for each in only:
        dimension, equals, value = each.partition("=")
        if not equals or not value or dimension not in counted.DIMENSIONS:
            raise BadSetting(
                f"{each!r} does not say whom to count. Write DIMENSION=VALUE, where the dimension is one of: "
                f"{', '.join(counted.DIMENSIONS)}."
            )
        found.setdefault(dimension, []).append(value)
    return found


def _give(book: Book, out: Path | None, as_json: bool) -> None:
    if out is not None:
        write = sheets.WRITERS.get(out.suffix.lower().removeprefix("."))
        if write is None:
            raise BadSetting(
                "A workbook is written as .xlsx, .ods or .zip (a CSV file for each table), not as "
                f"{out.suffix or 'a file without an ending'}."
            )
        out.write_bytes(write[0](book))
        errors.print(f"Written to {out}.", markup=False, highlight=False)
        return
    told = dict(book.cover)
    if as_json:
        print_json(
            {
                "title": book.title, "mark": told["Read this first"], "about": told["About"],
                "filters": told["Filters"],
                "tables": [
                    {"name": g.name, "title": g.title, "heads": g.heads, "rows": g.rows, "notes": g.notes}
                    for g in book.grids
                ],
            }
        )  # fmt: skip
        return
    console.print(f"{book.title}. {told['About']}", markup=False, highlight=False)
    console.print(f"Filters: {told['Filters']}. {told['Read this first']}", markup=False, highlight=False)
    for grid in book.grids:
        rows = [{head or " ": shown(v) for head, v in zip(grid.heads, row, strict=True)} for row in grid.rows]
        print_table(grid.title, rows)
        for note in grid.notes:
            console.print(note, markup=False, highlight=False)

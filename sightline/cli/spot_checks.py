"""`sightline spot-checks`: a sample of the cohort each week, checked by hand, and what it says of the register."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import pyarrow as pa
import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, _day, app, day_option, goes_on, guarded
from sightline.cli.output import Format, console, give
from sightline.operations import Home, Scope

spot_app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=False,
    help="Draw a sample of the cohort each week, record what was found, and say how far the register is right.",
)
app.add_typer(spot_app, name="spot-checks")
ByOption = Annotated[str, typer.Option("--by", help="Who asks, for the record; the user of this computer if left out.")]
WeekOption = Annotated[str | None, day_option("--week", "A day of the week meant; today if left out.")]
_RESULTS = pa.schema(
    [("week", pa.date32()), *((n, pa.int64()) for n in ("drawn", "waits", "agrees", "differs", "not_found_out")),
     *((n, pa.float64()) for n in ("percent", "low", "high"))]
)  # fmt: skip


def _week(text: str | None) -> date:
    return _day(text) or date.today()


@spot_app.callback()
@guarded
def spot_checks(
    context: typer.Context,
    sample: Annotated[bool, typer.Option("--sample", help="List the children drawn in a week.")] = False,
    week: WeekOption = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say week by week on what share of the children checked the register was right, with its 95% interval."""
    if goes_on(context):
        return
    place = Home.open(home)
    opened = operations.opened(place)
    form = Format.json if as_json else form
    if sample:
        rows = operations.spot_check(place, opened, Scope.everyone(), week=_week(week))
        operations.record_console_view(place, "Spot check", rows["child_id"].to_pylist())
        give("Children to check", rows, form, out)
        return
    results = operations.spot_check_results(place, opened)
    give("Spot checks by week", pa.Table.from_pylist(results, schema=_RESULTS), form, out)


@spot_app.command()
@guarded
def draw(week: WeekOption = None, by: ByOption = "", home: HomeOption = None) -> None:
    """Draw the children of a week, once, spread over plans, teams and phases in proportion."""
    place = Home.open(home)
    opened = operations.opened(place)
    number = operations.draw_spot_check(
        place, opened, Scope.everyone(), week=_week(week), by=by or operations.console_user(), at=_now()
    )
    console.print(f"{number} children drawn. See them: sightline spot-checks --sample.", highlight=False)


@spot_app.command()
@guarded
def answer(
    child: Annotated[str, typer.Argument(help="The child, by the id that --sample lists.")],
    found: Annotated[str, typer.Argument(help="agrees, differs or 'not found out'.")],
    reason: Annotated[str, typer.Option(help="What is not as the register says; needed where it differs.")] = "",
    week: WeekOption = None,
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Record what was found about one child of a week's sample."""
    place = Home.open(home)
    operations.answer_spot_check(
        place, operations.opened(place), Scope.everyone(), {child: (found, reason)}, week=_week(week),
        by=by or operations.console_user(), at=_now(),
    )  # fmt: skip
    console.print("Recorded.")


def _now() -> datetime:
    return datetime.now(ZoneInfo("Europe/London"))

"""`sightline figures` and `sightline returns`: figures that disagree, with the difference split by cause."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa
import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, command
from sightline.cli.output import Format, console, give, print_json, print_table
from sightline.operations import Home, Scope

_SIDE = (
    "dashboard:WHAT@DATE, return:cin-census:WHAT@DATE, return:school-census:WHAT@DATE, list:FILE:WHAT@DATE (a CSV or "
    "workbook that names children by a number) or number:N:WHAT@DATE (a total you were told). WHAT is on-plan, "
    "cin-plan, cp-plan, looked-after, any-plan, cohort, known, on-roll or ehc-plan."
)


@command
def figures(
    first: Annotated[str, typer.Argument(help=f"One figure: {_SIDE}")],
    second: Annotated[str, typer.Argument(help="The other, written the same way.")],
    children: Annotated[bool, typer.Option("--children", help="List the children, each with the cause.")] = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Put two figures side by side and split their difference by cause; the causes add up to it exactly."""
    place = Home.open(home)
    opened = operations.opened(place)
    told = operations.compare(opened, Scope.everyone(), operations.side_of(first), operations.side_of(second))
    if children:
        ids = [row["child_id"] for row in told.children]
        operations.record_console_view(place, f"Children on whom two figures differ: {first} and {second}", ids)
        give(
            "Children counted on one side alone", pa.Table.from_pylist(list(told.children), schema=_CHILDREN), form, out
        )
        return
    if as_json or form is Format.json:
        print_json(told.as_json())
        return
    if form is not Format.table or out is not None:
        give("Causes", pa.Table.from_pylist([_flat(c) for c in told.causes], schema=_CAUSES), form, out)
        return
    gap = told.second - told.first
    console.print(f"{told.first:>7,}  {told.first_label}", markup=False, highlight=False)
    console.print(f"{told.second:>7,}  {told.second_label}", markup=False, highlight=False)
    console.print(f"{gap:>+7,}  difference, of which:", markup=False, highlight=False)
    print_table("Causes", [_flat(c) for c in told.causes])
    if told.nearest:
        print_table("Our own figures nearest to the number told", list(told.nearest))


@command
def returns(
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare what each return in force counts with the dashboard on its day, with the gap explained by cause."""
    opened = operations.opened(Home.open(home))
    rows = operations.compare_returns(opened, Scope.everyone())
    table = pa.Table.from_pylist(rows, schema=_RETURNS)
    give(
        "Returns and the dashboard", table, Format.json if as_json else form, out,
        screen=("system", "day", "what", "returned", "dashboard", "difference", "causes"),
    )  # fmt: skip


def _flat(cause: dict[str, object]) -> dict[str, object]:
    return {name: cause.get(name) for name in ("group", "says", "first", "second", "net")}


_CAUSES = pa.schema(
    [("group", pa.string()), ("says", pa.string()), ("first", pa.int64()), ("second", pa.int64()), ("net", pa.int64())]
)
_CHILDREN = pa.schema([(n, pa.string()) for n in ("child_id", "counted_in", "group", "says")])
_RETURNS = pa.schema(
    [
        ("system", pa.string()), ("day", pa.date32()), ("what", pa.string()), ("says", pa.string()),
        ("files", pa.int64()), ("returned", pa.int64()), ("dashboard", pa.int64()), ("difference", pa.int64()),
        ("causes", pa.string()),
    ]
)  # fmt: skip

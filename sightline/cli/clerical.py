"""`sightline clerical`: read the pairs of records that linkage left in doubt, and say whether they are one child."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, app, goes_on, guarded
from sightline.cli.output import Format, console, give, print_json, print_table
from sightline.operations import Home, Scope

_SCREEN = ("pair_id", "state", "outcome", "left_system", "left_surname", "left_forename", "right_system",
           "right_surname", "right_forename", "in_force")  # fmt: skip

clerical_app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=False,
    help="Read the pairs of records that linkage left in doubt, and say whether they are one child.",
)
app.add_typer(clerical_app, name="clerical")

ByOption = Annotated[
    str, typer.Option("--by", help="Who reads, for the record; the user of this computer if left out.")
]
LeadOption = Annotated[
    bool, typer.Option("--lead", help="You are the Virtual School Head or lead for data: decide where readers differ.")
]


class Answer(StrEnum):
    same = "same"
    different = "different"
    cannot_tell = "cannot-tell"
    reopened = "reopened"


_ANSWERS = {"same": "same child", "different": "different children", "cannot-tell": "cannot tell"}


@clerical_app.callback()
@guarded
def clerical(
    context: typer.Context,
    state: Annotated[
        str | None,
        typer.Option(help="Only in this state: to read, awaits a second reader, readers differ, or decided."),
    ] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the doubtful pairs, with who has read each and what was decided; how likely they are is not told here."""
    if goes_on(context):
        return
    place = Home.open(home)
    opened = operations.opened(place)
    rows = operations.doubtful_pairs(place, opened, Scope.everyone(), state=state)
    seen = [child for name in ("left_child_id", "right_child_id") for child in rows[name].to_pylist()]
    operations.record_console_view(place, "Doubtful pairs", seen)
    give("Doubtful pairs", rows, Format.json if as_json else form, out, screen=_SCREEN)
    if form is Format.table and not as_json and out is None:
        found = operations.agreement(place, opened)
        kappa = "" if found.kappa is None else f" (kappa {found.kappa:.2f})"
        console.print(
            f"Pairs read twice: {found.pairs:,}; both readers agreed on {found.agreed:,}{kappa}.", highlight=False
        )


@clerical_app.command()
@guarded
def show(
    pair: Annotated[str, typer.Argument(help="The pair, by its id.")],
    by: ByOption = "",
    lead: LeadOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the two records of a pair side by side; the score only once you have answered."""
    place = Home.open(home)
    opened = operations.opened(place)
    reader = by or operations.console_user()
    shown = operations.doubtful_pair(place, opened, Scope.everyone(), pair, reader=reader, lead=lead)
    operations.record_console_view(place, f"Doubtful pair {pair}", shown.child_ids)
    fields = [{"field": f.name, "left": list(f.left), "right": list(f.right), "compared": f.says} for f in shown.fields]
    if as_json:
        print_json(
            {
                "pair_id": shown.pair_id, "state": shown.state, "outcome": shown.outcome,
                "left_system": shown.systems[0], "right_system": shown.systems[1], "fields": fields,
                "asked_of_you": shown.answer or None, "readings": shown.readings, "why": shown.why,
                "probability": shown.probability, "in_force": shown.in_force,
            }
        )  # fmt: skip
        return
    print_table(f"{shown.systems[0]} and {shown.systems[1]}: {shown.state}", fields)
    for reading in shown.readings:
        console.print(f"{reading.by}: {reading.answer}. {reading.reason}", markup=False, highlight=False)
    if shown.why:
        console.print(f"Why linkage did not decide: {shown.why}.", markup=False, highlight=False)
    console.print(
        f"You are asked for the {shown.answer} reading." if shown.answer else shown.says, markup=False, highlight=False
    )


@clerical_app.command()
@guarded
def decide(
    pair: Annotated[str, typer.Argument(help="The pair, by its id.")],
    answer: Annotated[Answer, typer.Argument(help="same, different, cannot-tell; or reopened, for a lead.")],
    reason: Annotated[str, typer.Option(help="Why, in a few words. It is kept.")],
    by: ByOption = "",
    lead: LeadOption = False,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record your answer about a pair. The next build of the data obeys what is decided: sightline rebuild."""
    place = Home.open(home)
    opened = operations.opened(place)
    state = operations.decide_pair(
        place, opened, Scope.everyone(), pair, _ANSWERS.get(answer.value, answer.value),
        by=by or operations.console_user(), at=datetime.now(ZoneInfo("Europe/London")), reason=reason, lead=lead,
    )  # fmt: skip
    if as_json:
        print_json({"pair_id": pair, "state": state})
        return
    console.print(f"Recorded. The pair is now: {state}.", highlight=False)

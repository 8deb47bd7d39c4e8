"""`sightline self-review`: how far the Virtual School has the data it needs, as it rates itself, and what they show."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

import pyarrow as pa
import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, app, goes_on, guarded
from sightline.cli.output import Format, console, give
from sightline.cli.registers_kept import ByOption, FieldsOption, IdOption, SetOption, fields_told, list_fields
from sightline.operations import Home, Scope
from sightline.operations.keeping import self_review as review
from sightline.vocabulary import data_access
from sightline.vocabulary.data_access import ANSWERS, AREAS, COHORTS
from sightline.vocabulary.errors import NothingHeld

review_app = typer.Typer(invoke_without_command=True, no_args_is_help=False, help=review.REVIEWS.says)
app.add_typer(review_app, name="self-review")
_TEXT, _DAY, _INT, _REAL = pa.string(), pa.date32(), pa.int64(), pa.float64()
_SCHEMA = pa.schema(
    [
        ("cohort", _TEXT), ("area", _TEXT), ("answer", _TEXT), ("reviewed", _DAY), ("before", _TEXT),
        ("before_on", _DAY), ("change", _INT), ("children", _INT), ("percent", _REAL), ("says", _TEXT),
        ("newest", _DAY), ("agree_nationally", _REAL),
    ]
)  # fmt: skip


@review_app.callback()
@guarded
def self_review(
    context: typer.Context,
    fields: FieldsOption = False,
    national: Annotated[
        bool, typer.Option("--national", help="List what the Virtual Schools of England answered, and stop.")
    ] = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List each area's last rating of the current cohort and of Ever 6, the change since the one before, what the data
    in force show of it, and the share of Virtual Schools of England that agree they have what they need."""
    if goes_on(context):
        return
    form = Format.json if as_json else form
    if fields:
        list_fields(review.REVIEWS)
        return
    if national:
        names = [answer.lower().replace(" ", "_") for answer in ANSWERS]
        answered = [
            {"cohort": c, "area": a, **dict(zip(names, data_access.answered(c, a).shares, strict=True))}
            for c in COHORTS
            for a in AREAS
        ]
        give("What Virtual Schools of England answered, %", pa.Table.from_pylist(answered), form, out)
        if form is Format.table and out is None:
            console.print(f"Source: {data_access.SOURCE}.", highlight=False)
        return
    place = Home.open(home)
    try:
        opened = operations.opened(place)
        shown = review.evidence(opened, Scope.everyone(), opened.as_at)
    except NothingHeld:
        shown = {}
    held = review.ratings(review.reviews(place, on=date.today()), shown)
    nothing = dict.fromkeys(("children", "percent", "says", "newest"))
    rows = [{**asdict(r), **(asdict(r.evidence) if r.evidence is not None else nothing)} for r in held]
    give(
        review.REVIEWS.name, pa.Table.from_pylist(rows, schema=_SCHEMA), form, out,
        screen=("cohort", "area", "answer", "reviewed", "change", "percent", "says", "newest", "agree_nationally"),
    )  # fmt: skip


@review_app.command("keep")
@guarded
def keep_review(told: SetOption, entry: IdOption = "", by: ByOption = "", home: HomeOption = None) -> None:
    """Keep a review: its day, an answer for each area rated (see --fields), and a note. Earlier reviews stay."""
    made = review.keep_review(
        Home.open(home), fields_told(told), by=by or operations.console_user(),
        at=datetime.now(ZoneInfo("Europe/London")), entry_id=entry,
    )  # fmt: skip
    console.print(f"Review {made} kept.", highlight=False)

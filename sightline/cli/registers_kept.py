"""`sightline agreements` and `sightline requests`: with whom data are shared, and what schools were asked for."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, app, goes_on, guarded
from sightline.cli.output import Format, console, give, print_table
from sightline.operations import AGREEMENTS, REQUESTS, Home
from sightline.vocabulary.errors import BadSetting, NothingHeld

agreements_app = typer.Typer(invoke_without_command=True, no_args_is_help=False, help=AGREEMENTS.says)
requests_app = typer.Typer(invoke_without_command=True, no_args_is_help=False, help=REQUESTS.says)
app.add_typer(agreements_app, name="agreements")
app.add_typer(requests_app, name="requests")

FieldsOption = Annotated[bool, typer.Option("--fields", help="List the fields an entry has.")]
SetOption = Annotated[list[str], typer.Option("--set", help="NAME=VALUE of one field; may be repeated.")]
IdOption = Annotated[str, typer.Option("--id", help="Change this entry; a new one if left out.")]
ByOption = Annotated[str, typer.Option("--by", help="Who keeps it; the user of this computer if left out.")]


@agreements_app.callback()
@guarded
def agreements(
    context: typer.Context,
    fields: FieldsOption = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List the agreements to share data: with whom, which data, on which basis, and whether in force today."""
    if not goes_on(context):
        _list(AGREEMENTS, fields, Format.json if as_json else form, out, home)


@agreements_app.command("keep")
@guarded
def keep_agreement(told: SetOption, entry: IdOption = "", by: ByOption = "", home: HomeOption = None) -> None:
    """Add an agreement, or a new version of one; earlier versions are kept."""
    _keep(AGREEMENTS, told, entry, by, home, anyway=True)


@requests_app.callback()
@guarded
def requests(
    context: typer.Context,
    fields: FieldsOption = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what schools were asked for, by whom, and whether it was answered."""
    if not goes_on(context):
        _list(REQUESTS, fields, Format.json if as_json else form, out, home)


@requests_app.command("keep")
@guarded
def keep_request(
    told: SetOption,
    entry: IdOption = "",
    anyway: Annotated[bool, typer.Option("--anyway", help="Though it was asked before, or is held already.")] = False,
    by: ByOption = "",
    home: HomeOption = None,
) -> None:
    """Record what a school is asked for. What was asked lately, or is held already, is refused with where it is."""
    _keep(REQUESTS, told, entry, by, home, anyway=anyway)


def _list(register: operations.Register, fields: bool, form: Format, out: Path | None, home: Path | None) -> None:
    if fields:
        list_fields(register)
        return
    rows = operations.entries(Home.open(home), register, on=date.today())
    kinds = {f.name: pa.date32() if f.kind == "date" else pa.string() for f in register.fields}
    schema = pa.schema(
        [
            ("id", pa.string()),
            *kinds.items(),
            *((n, pa.string()) for n in ("state", "by", "at")),
            ("versions", pa.int64()),
        ]
    )
    give(register.name, pa.Table.from_pylist(rows, schema=schema), form, out)


def list_fields(register: operations.Register) -> None:
    """Print the fields an entry of a register has."""
    print_table(
        register.name,
        [
            {"field": f.name, "what it is": f.label, "kind": f.kind, "needed": f.needed, "one of": ", ".join(f.choices)}
            for f in register.fields
        ],
    )


def fields_told(told: list[str]) -> dict[str, str]:
    """NAME=VALUE pairs as fields. Raises BadSetting for what is no such pair."""
    fields = {}
    for each in told:
        name, equals, value = each.partition("=")
        if not equals:
            raise BadSetting(f"{each} is not NAME=VALUE.")
        fields[name.strip()] = value
    return fields


def _keep(
    register: operations.Register, told: list[str], entry: str, by: str, home: Path | None, *, anyway: bool
) -> None:
    place, fields = Home.open(home), fields_told(told)
    opened: Any = None
    if not anyway:
        try:
            opened = operations.opened(place)
        except NothingHeld as error:
            console.print(f"What is held already cannot be looked up: {error}", markup=False, highlight=False)
    made = operations.keep_entry(
        place, register, fields, by=by or operations.console_user(), at=datetime.now(ZoneInfo("Europe/London")),
        entry_id=entry, opened=opened, anyway=anyway,
    )  # fmt: skip
    console.print(f"Entry {made} kept.", highlight=False)

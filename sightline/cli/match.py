"""`sightline match`: link two files of people that share no id, with nothing stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, _day, command, day_option
from sightline.cli.output import Format, console, errors, give, print_json, print_table, shown
from sightline.operations import Home
from sightline.vocabulary.errors import SightlineError

_FORMS = {".csv": Format.csv, ".xlsx": Format.xlsx, ".json": Format.json}


@command
def match(
    left: Annotated[Path, typer.Argument(help="A file of people: CSV, XLSX or ODS.")],
    right: Annotated[Path, typer.Argument(help="Another file of people.")],
    out: Annotated[
        Path | None, typer.Option(help="Write the pairs to this file (.csv, .xlsx or .json) instead of the screen.")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map",
            help="Which column is which, where names and values do not tell: TOML or JSON with tables left and right, "
            'such as surname = "Last Name".',
        ),
    ] = None,
    accept: Annotated[float, typer.Option(help="Least probability at which a pair is accepted.")] = 0.9,
    review: Annotated[float, typer.Option(help="Least probability at which a person should look.")] = 0.5,
    as_json: JsonOption = False,
) -> None:
    """Link two files of people that share no id: one row per pair, with its probability and the evidence in words.

    Rows are counted from 1 below the header. An accepted pair is the only one of both its rows. Nothing is stored.
    """
    form = _FORMS.get(out.suffix.lower()) if out else None
    if out and form is None:
        raise SightlineError("The file to write should end in .csv, .xlsx or .json.")
    with errors.status("Linking"):
        matched = operations.match_files(left, right, mapping=mapping, accept=accept, review=review)
    if out and form:
        give("Pairs", matched.pairs, form, out)
    if as_json:
        answer = matched.as_json()
        print_json(answer if out else answer | {"pairs": matched.pairs})
        return
    if not out:
        print_table("Pairs", matched.pairs, most=40, note="Use --out links.csv for all.")
    counts = matched.counts()
    console.print(
        f"{matched.left.rows:,} rows against {matched.right.rows:,}: {counts['accepted']:,} accepted, "
        f"{counts['review']:,} for review, {counts['rejected']:,} rejected; about {matched.missed:,.0f} people of the "
        "first file may be in the second without an accepted pair.",
        markup=False,
        highlight=False,
    )
    for file in (matched.left, matched.right):
        told = "; ".join(f"{role}: {' + '.join(columns)}" for role, columns in file.columns.items())
        errors.print(f"{file.name}: {told}.", markup=False, highlight=False)
        if file.undated:
            errors.print(
                f"{file.name}: {file.undated:,} rows say a date of birth that cannot be read; write it as 2012-03-04 "
                "or 04/03/2012.",
                markup=False,
                highlight=False,
            )
    errors.print(f"Weights from {matched.learnt}.", markup=False, highlight=False)


@command
def match_rate(
    by: Annotated[str, typer.Option(help="Group by plan, sex, ethnicity, age, team, school or sen.")] = "plan",
    on: Annotated[
        str | None, day_option("--on", "The day whose plans count; the newest day of social care data if left out.")
    ] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """How many of the children on a plan have been found in education, by group, and how many links may be missing."""
    opened = operations.opened(Home.open(home))
    day = _day(on) or opened.as_at
    rows = operations.match_rate(opened, by, day)
    give(f"Found in education on {shown(day)}, by {by}", rows, Format.json if as_json else form, out)


@command
def train_linkage(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Learn from the current snapshot what true pairs look like, and keep it for later builds."""
    place = Home.open(home)
    with errors.status("Learning"):
        model = operations.train_linkage(place)
    if as_json:
        print_json({"learnt": model.learnt, "model": str(place.model_path)})
    else:
        console.print(f"Learnt from {model.learnt}. Kept at {place.model_path}.", markup=False, highlight=False)

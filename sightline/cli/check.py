"""`sightline check`: judge one file, with nothing stored."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from sightline import operations
from sightline.cli.app import FormatOption, JsonOption, OutOption, command
from sightline.cli.output import Format, errors, give, plain, print_json, print_table

ERRORS_FOUND = 2


@command
def check(
    file: Annotated[
        Path, typer.Argument(help="One file, or a folder or archive that holds the CSV tables of one CIN census.")
    ],
    year: Annotated[
        int | None,
        typer.Option(
            help="The year the collection ends in, whose rules apply, 2023 to 2027; the header's if left out."
        ),
    ] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Leave with code 2 when there are errors, or rules that could not run.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Check one file by every rule there is for it, with nothing stored: what is wrong, for which child, on which line.

    Exit code 0 when the file could be checked, whatever was found (with --strict, 2 when it has errors or rules could
    not run); 3 when nothing can be made of the file.
    """
    answer = operations.check_file(file, year=year)
    if as_json or form is Format.json:
        if out is None:
            print_json(answer.as_json())
        else:
            text = json.dumps(plain(answer.as_json()), indent=2, ensure_ascii=False)
            out.write_text(text + "\n", encoding="utf-8", newline="")
    else:
        title = f"Findings in {file.name}"
        if form is Format.table and out is None:
            print_table("Findings by rule", answer.by_rule)
        give(title, answer.findings, form, out)
    sys.stdout.flush()
    _tell(answer)
    if strict and (answer.errors() or answer.not_run):
        raise typer.Exit(ERRORS_FOUND)


def _tell(answer: operations.FileCheck) -> None:
    """On the error stream, which a pipe leaves alone: the year, the rules that could not run, and the sum."""
    if answer.note:
        errors.print(answer.note, markup=False, highlight=False)
    for rule in answer.not_run:
        errors.print(f"Rule {rule['rule']} was not run. {rule['why']}", markup=False, highlight=False)
    applied = f"{answer.rules:,} rules" + (f" of {answer.year}" if answer.year else " on identifiers and records")
    ran = answer.rules - len(answer.not_run)
    errors.print(
        f"{applied}: {ran:,} run, {len(answer.not_run):,} not run. {answer.findings.num_rows:,} findings, "
        f"{answer.errors():,} of them errors.",
        markup=False,
        highlight=False,
    )

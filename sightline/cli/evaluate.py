"""`sightline evaluate`: run a study, list its tables, or say what one of them is."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sightline.cli.app import JsonOption, command
from sightline.cli.output import console, errors, print_json, print_table
from sightline.operations.study import evaluate as evaluation
from sightline.vocabulary.errors import BadSetting


def _line(text: str) -> None:
    errors.print(text, markup=False, highlight=False)


MANY = 20
"""Columns not estimated, beyond which a line stands for a reason and not for a column."""


def _refusals(done: evaluation.Evaluated) -> list[str]:
    """What was not estimated and why: each column, or where they are many each reason once with where it holds."""
    each = [(t.id, column, why.rstrip(".")) for t in done.tables for column, why in t.refused]
    if len(each) <= MANY:
        return [f"{table}, {column}: not estimated, because {why}." for table, column, why in each]
    reasons: dict[str, list[str]] = {}
    for table, _, why in each:
        reasons.setdefault(why, []).append(table)
    often = sorted(reasons, key=lambda why: -len(reasons[why]))
    lines = []
    for why in often[:MANY]:
        tables = list(dict.fromkeys(reasons[why]))
        listed = ", ".join(tables[:3]) + (f" and {len(tables) - 3} more" if len(tables) > 3 else "")
        lines.append(f"Not estimated, {len(reasons[why])} times, because {why}: {listed}.")
    rest = sum(len(reasons[why]) for why in often[MANY:])
    return [*lines, f"Not estimated for other reasons, {rest} times: each table says why."] if rest else lines


@command
def evaluate(
    study: Annotated[Path | None, typer.Argument(help="The study: a TOML file.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="The folder to write; evaluation, beside the study, if left out.")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(help="Make only this table, or the tables of this figure; give it again for more."),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            help="Compare each figure with those printed (report), or those an invented nation was given (planted)."
        ),
    ] = "",
    afresh: Annotated[bool, typer.Option("--afresh", help="Make again what an earlier run has made.")] = False,
    list_tables: Annotated[
        bool, typer.Option("--list", help="List every table and figure a study can make, and stop.")
    ] = False,
    explain: Annotated[
        str,
        typer.Option(help="Say what this table or figure is (formula, sample, estimator, errors, source), and stop."),
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Run a study on linked national data: every table of the evaluation's technical annex, with what was left out.

    What may be released is written to released/, after disclosure control; the output checker's file and the exact
    figures, which must not leave the secure room, lie apart from it. A run that was stopped goes on.
    """
    if list_tables:
        rows = evaluation.catalogue()
        print_json(rows) if as_json else print_table("Tables and figures of a study", rows)
        return
    if explain:
        told = evaluation.explain(explain)
        if as_json:
            print_json(told)
        else:
            for name, text in told.items():
                if text:
                    console.print(f"{name.replace('_', ' ')}: {text}", markup=False, highlight=False)
        return
    if study is None:
        raise BadSetting("Give a study file, or --list, or --explain with the name of a table.")
    folder = out or study.parent / "evaluation"
    with errors.status("Evaluating") as status:
        # A log has no line that changes: each step is a line of its own, so that a run of hours can be followed.
        progress = status.update if errors.is_terminal else _line
        done = evaluation.evaluate(study, folder, only=only or (), against=against, afresh=afresh, progress=progress)
    if as_json:
        print_json(done.as_json())
        return
    rows = [
        {"table": t.id, "title": t.title, "figures": len(t.cells), "not estimated": len(t.refused)} for t in done.tables
    ]
    print_table(f"Written to {done.out}", rows)
    for line in _refusals(done):
        errors.print(line, markup=False, highlight=False)
    if done.comparison:
        counted = evaluation.verdicts(done.comparison)
        outside = [
            {
                "table": c.table, "row": c.row, "column": c.column,
                "planted" if done.against == "planted" else "printed": f"{c.printed:.4g}",
                "estimated": f"{c.estimated:.4g}", "errors": f"{c.errors:.1f}" if c.errors else "",
                "doubt": c.says,
            }
            for c in done.comparison
            if c.verdict == "outside"
        ]  # fmt: skip
        sizes = f", {counted['size']:,} numbers of pupils" if counted["size"] else ""
        what = "what was planted" if done.against == "planted" else "the report"
        console.print(
            f"Beside {what}: {counted['within']:,} figures within sampling error, {counted['outside']:,} outside, "
            f"{counted['none']:,} not estimated{sizes}.",
            highlight=False,
        )
        if outside:
            print_table("Outside sampling error", outside)
    for kept in done.cleared.kept_back:
        errors.print(f"Kept back: {kept.table}. {kept.reason} {kept.next_step}", markup=False, highlight=False)
    console.print(
        f"{done.kept:,} tables were kept from an earlier run. Released after disclosure control: "
        f"{len(done.cleared.tables):,} tables, {done.cleared.hidden:,} figures hidden in them.",
        highlight=False,
    )
    console.print(f"Read: {done.report}", highlight=False, soft_wrap=True)
    errors.print(
        f"Exact figures are in {done.out / 'not-for-release'}: they must not leave the secure room.",
        highlight=False, soft_wrap=True,
    )  # fmt: skip

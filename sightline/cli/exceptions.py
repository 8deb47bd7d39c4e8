"""`sightline exceptions` and `sightline accuracy`: where sources part, who puts it right, and how far each agrees."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
import typer

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, app, command, goes_on, guarded
from sightline.cli.output import Format, console, give, print_json, print_table
from sightline.operations import Home, Scope
from sightline.vocabulary.errors import BadSetting

_SCREEN = ("exception_id", "state", "due_date", "owner", "name", "surname", "forename", "what", "left_system",
           "left_value", "right_system", "right_value")  # fmt: skip
_BY = "Who decides, for the record; the user of this computer if left out."

exceptions_app = typer.Typer(
    invoke_without_command=True,
    no_args_is_help=False,
    help="List where sources disagree about a child, send it to its owner, and take the answer back.",
)
app.add_typer(exceptions_app, name="exceptions")

ByOption = Annotated[str, typer.Option("--by", help=_BY)]


def _now() -> datetime:
    return datetime.now(ZoneInfo("Europe/London"))


def _opened(home: Path | None) -> tuple[Home, operations.Opened]:
    place = Home.open(home)
    return place, operations.opened(place)


@exceptions_app.callback()
@guarded
def exceptions(
    context: typer.Context,
    owner: Annotated[
        str | None,
        typer.Option(
            help="Only this owner's: care-data, care-teams, pupil-data, inclusion, virtual-school, "
            "school, or one school, as in 'school 900001'."
        ),
    ] = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule's, such as plan-one-side.")] = None,
    state: Annotated[
        str | None,
        typer.Option(
            help="Only in this state: new, sent, acknowledged, explained, overdue, or corrected at "
            "source. All that are not corrected, if left out."
        ),
    ] = None,
    system: Annotated[str | None, typer.Option(help="Only where this system is asked to look first.")] = None,
    cohort_only: Annotated[bool, typer.Option("--cohort", help="Only children in the cohort now.")] = False,
    rules: Annotated[
        bool, typer.Option("--rules", help="List the rules: what each says, whether it could run, and what it found.")
    ] = False,
    history: Annotated[str | None, typer.Option(help="Show the life of one exception, by its id.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List where sources disagree about a child, with both values, who puts it right and by when."""
    if goes_on(context):
        return
    filters = {"owner": owner, "rule": rule, "state": state, "system": system}
    if rules + bool(history) + bool(any(filters.values()) or cohort_only) > 1:
        raise BadSetting("Ask for one at a time: --rules, --history, or a list with its filters.")
    place, opened = _opened(home)
    form = Format.json if as_json else form
    if rules:
        rows = operations.reconciliation_rules(opened)
        give("Rules of reconciliation", rows, form, out, screen=("rule", "says", "owner", "due_days", "ran", "found"))
        return
    everyone = Scope.everyone()
    if history:
        rows = operations.exception_history(place, opened, everyone, history)
        operations.record_console_view(place, f"The life of exception {history}", None)
        give(f"Exception {history}", rows, form, out)
        return
    rows = operations.exceptions(
        place, opened, everyone, on=_now().date(), cohort_only=cohort_only, owner=owner, rule=rule, state=state,
        system=system,
    )  # fmt: skip
    operations.record_console_view(place, "Exceptions", rows["child_id"].drop_null().to_pylist())
    give("Exceptions", rows, form, out, screen=_SCREEN)
    if form is Format.table and out is None and rows.num_rows:
        print_table("By owner and state", _counts(rows))


def _counts(rows: pa.Table) -> list[dict[str, Any]]:
    """One row per owner and state: how many."""
    counted = rows.group_by(["owner", "state"]).aggregate([("exception_id", "count")])
    ordered = counted.sort_by([("owner", "ascending"), ("state", "ascending")]).to_pylist()
    return [{"owner": r["owner"], "state": r["state"], "exceptions": r["exception_id_count"]} for r in ordered]


@exceptions_app.command()
@guarded
def send(
    owner: Annotated[str, typer.Option(help="To whom, as --owner lists them; one school by its name.")],
    out: Annotated[Path, typer.Option(help="The file to write: .xlsx or .csv.")],
    again: Annotated[bool, typer.Option("--again", help="Also what was sent or acknowledged before.")] = False,
    by: ByOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write the exceptions nobody has asked about yet for one owner, and mark them as sent."""
    place, opened = _opened(home)
    sender = by or operations.console_user()
    batch = operations.send_batch(
        place, opened, Scope.everyone(), owner=owner, out=out, by=sender, at=_now(), again=again
    )
    operations.record_console_view(place, f"Batch {batch.id} to {owner}", batch.child_ids)
    if as_json:
        print_json({"batch": batch.id, "file": str(out), "exceptions": len(batch.exception_ids),
                    "withheld": batch.withheld})  # fmt: skip
        return
    console.print(f"Batch {batch.id}: {len(batch.exception_ids):,} exceptions written to {out}.", highlight=False)
    if batch.withheld:
        console.print(f"{batch.withheld:,} more were kept back: {owner} may not see what they show.", highlight=False)


@exceptions_app.command()
@guarded
def answer(
    file: Annotated[Path, typer.Argument(help="A batch that was sent, with its column answer filled in.")],
    by: ByOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take an answered batch back: each answer is recorded, and what could not be taken is said."""
    place, opened = _opened(home)
    answers = operations.receive_answers(
        place, opened, Scope.everyone(), file, by=by or operations.console_user(), at=_now()
    )
    refused = [a for a in answers if not a.taken]
    if as_json:
        print_json(answers)
    else:
        console.print(f"{len(answers) - len(refused):,} of {len(answers):,} answers taken.", highlight=False)
        if refused:
            print_table(
                "Not taken",
                [{"line": a.line, "exception": a.exception_id, "answer": a.answer, "why": a.says} for a in refused],
            )


@exceptions_app.command()
@guarded
def decide(
    decision: Annotated[str, typer.Argument(help="acknowledged, explained, returned or withdrawn.")],
    ids: Annotated[list[str], typer.Argument(help="The exceptions, by their ids.")],
    reason: Annotated[str, typer.Option(help="Why; needed to explain, return or withdraw.")] = "",
    by: ByOption = "",
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Record a decision about exceptions: acknowledged, explained, returned (not theirs) or withdrawn."""
    if decision == "sent":
        raise BadSetting("An exception is sent in a batch: sightline exceptions send.")
    place, opened = _opened(home)
    taken = operations.decide(
        place, opened, Scope.everyone(), ids, decision, by=by or operations.console_user(), at=_now(), reason=reason
    )
    if as_json:
        print_json(taken)
        return
    for one in taken:
        console.print(f"{one.exception_id}: {'recorded' if one.taken else one.says}", markup=False, highlight=False)


@exceptions_app.command()
@guarded
def score(
    truth: Annotated[Path, typer.Argument(help="The folder truth of the invented authority that was received.")],
    least: Annotated[
        float, typer.Option(help="Percent of the faults to be found, and of exceptions with a cause.")
    ] = 99,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score the exceptions of an invented authority on the faults planted in it. Exit code 2 where they fall short."""
    _, opened = _opened(home)
    found = operations.score_exceptions(opened, truth)
    if as_json:
        print_json({"recall": found.recall, "precision": found.precision, "kinds": found.kinds, "rules": found.rules})
    else:
        print_table("By kind of fault", found.kinds)
        print_table("By rule", found.rules)
        console.print(
            f"Found: {100 * found.recall:.1f}% of the planted faults that a file tells of. With a planted cause: "
            f"{100 * found.precision:.1f}% of the exceptions raised.",
            highlight=False,
        )
    if 100 * min(found.recall, found.precision) < least:
        raise typer.Exit(2)


@command
def accuracy(
    every: Annotated[bool, typer.Option("--every", help="Every snapshot, not only the newest.")] = False,
    weekly: Annotated[bool, typer.Option("--weekly", help="Week by week: the last snapshot of each.")] = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say on what share of the cohort each source agrees with the others, against the bar."""
    _, opened = _opened(home)
    if every and weekly:
        raise BadSetting("Ask for one at a time: --every or --weekly.")
    rows = operations.accuracy_by_week(opened) if weekly else operations.accuracy_by_source(opened)
    if not every and not weekly and rows.num_rows:
        rows = rows.filter(pc.equal(rows["snapshot"], pc.max(rows["snapshot"])))
    give("Accuracy by source", rows, Format.json if as_json else form, out)
    if form is Format.table and not as_json and out is None:
        console.print(
            "Agree: no open, unexplained exception names the source for the child, on either side. Asked: children on "
            "whom it is the one asked to look first.",
            highlight=False,
        )

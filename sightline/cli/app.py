"""Every command. Each opens a home, calls one verb of `operations`, and prints the answer."""

from __future__ import annotations

import getpass
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from sightline import __version__, operations
from sightline.cli.output import Format, console, errors, give, print_json, print_table, shown
from sightline.operations import Home, Opened, Scope
from sightline.vocabulary.errors import SightlineError
from sightline.vocabulary.periods import academic_year

app = typer.Typer(
    name="sightline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="See how the children with a social worker of one local authority fare in education.",
)

HomeOption = Annotated[
    Path | None,
    typer.Option("--home", envvar="SIGHTLINE_HOME", help="The folder Sightline keeps its data in [sightline-data]."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the rows.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the screen.")]


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise typer.BadParameter(f"{text} is not a date. Write it as 2024-09-02 or 02/09/2024.")


DayArgument = Callable[[str], date]


def day_option(name: str, says: str) -> Any:
    return typer.Option(name, metavar="DATE", help=says)


def command(run: Callable[..., None]) -> Callable[..., None]:
    """A refusal is one sentence and an exit code; anything else is a fault and says so."""

    @wraps(run)
    def guarded(*args: Any, **kwargs: Any) -> None:
        try:
            run(*args, **kwargs)
        except SightlineError as error:
            errors.print(str(error), style="red", markup=False, highlight=False)
            raise typer.Exit(error.exit_code) from error

    app.command()(guarded)
    return guarded


def _open(home: Path | None, snapshot: str | None = None) -> tuple[Home, Opened]:
    place = Home.open(home)
    return place, operations.opened(place, snapshot)


@command
def receive(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; .zip and .gz are opened.")],
    home: HomeOption = None,
    by: Annotated[str, typer.Option(help="Who sends these files, for the record.")] = "",
    as_json: JsonOption = False,
) -> None:
    """Receive files: recognise each by its content, keep it, read it, and say what is wrong and what changed."""
    place = Home.open(home)
    sender = by or getpass.getuser()
    with errors.status("Reading") as status:
        receipt = operations.receive(place, paths, by=sender, progress=lambda says: status.update(says))
    if as_json:
        print_json(receipt.as_json())
    else:
        print_table(
            "Received",
            [
                {
                    "file": f.path,
                    "status": f.status,
                    "kind": f.kind,
                    "period": f.period,
                    "rows": ", ".join(f"{n:,} {t}" for t, n in f.rows.items() if n),
                    "findings": ", ".join(f"{n:,} {s}" for s, n in f.findings.items()),
                    "changed": ", ".join(
                        f"{t} +{c['new']:,} -{c['gone']:,}" for t, c in f.changed.items() if c["new"] or c["gone"]
                    ),
                }
                for f in receipt.files
            ],
        )
        for f in receipt.files:
            if f.status == "refused":
                errors.print(f"{f.path}: {f.says}", style="red", markup=False, highlight=False)
        console.print(
            f"Snapshot {receipt.snapshot} is {'new' if receipt.new else 'unchanged'}."
            if receipt.snapshot
            else "There is no snapshot: nothing could be received."
        )
    if receipt.refused:
        raise typer.Exit(3)


@command
def snapshots(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """List the snapshots, oldest first."""
    store = Home.open(home).store
    rows = []
    for snapshot_id in store.snapshot_ids():
        s = store.snapshot(snapshot_id)
        rows.append({"snapshot": s.id, "made": s.made, "by": s.by, "files": len(s.deliveries), "parent": s.parent})
    print_json(rows) if as_json else print_table("Snapshots", rows)


@command
def show(
    snapshot: Annotated[
        str | None, typer.Argument(help="A snapshot's id or number; the current one if left out.")
    ] = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one snapshot: its files in force, what was read from each, and every table made from them."""
    store = Home.open(home).store
    s = store.snapshot(snapshot)
    files = [
        {
            "delivery": d.id,
            "file": d.shown,
            "kind": d.kind,
            "period": d.period,
            "authority": d.authority,
            "received": d.received,
            "by": d.by,
            "rows": {n: f.rows for n, f in d.tables.items()},
            "findings": dict(d.severities),
        }
        for d in store.deliveries(s)
    ]
    made: dict[str, int] = {}
    for part in s.derived:
        made[part.table] = made.get(part.table, 0) + part.file.rows
    if as_json:
        print_json({"snapshot": s.id, "parent": s.parent, "made": s.made, "by": s.by, "files": files, "tables": made})
        return
    console.print(f"Snapshot {s.id}, made {s.made} by {s.by}" + (f" after {s.parent}." if s.parent else "."))
    print_table(
        "Files in force", [{**f, "rows": sum(f["rows"].values()), "findings": _counts(f["findings"])} for f in files]
    )
    print_table("Tables made from them", [{"table": n, "rows": rows} for n, rows in made.items()])


def _counts(counts: dict[str, int]) -> str:
    return ", ".join(f"{n:,} {name}" for name, n in counts.items())


@command
def findings(
    home: HomeOption = None,
    rule: Annotated[str | None, typer.Option(help="Only this rule, such as upn-check-letter.")] = None,
    severity: Annotated[str | None, typer.Option(help="Only error, query or note.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of file.")] = None,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.")] = None,
    snapshot: Annotated[str | None, typer.Option(help="Another snapshot than the current one.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is wrong in the files in force: file, line, record, field, value, and what would be right."""
    _, opened = _open(home, snapshot)
    rows = operations.findings(opened, rule=rule, severity=severity, table=table, kind=kind, delivery=delivery)
    give("Findings", rows, Format.json if as_json else form, out)


@command
def source(
    delivery: Annotated[str, typer.Argument(help="A delivery's id, as in `show`, `findings` and the week's list.")],
    line: Annotated[int, typer.Argument(help="The line of the file.")],
    around: Annotated[int, typer.Option(help="Lines to show before and after.")] = 0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the line of a received file, as it came, that a figure or a finding rests on."""
    lines = operations.source_line(Home.open(home), delivery, line, around=around)
    if as_json:
        print_json([{"line": n, "text": text} for n, text in lines])
        return
    for n, text in lines:
        console.print(f"{n:>8}  {text}", markup=False, highlight=False)


@command
def cohort(
    on: Annotated[
        str | None, day_option("--on", "The day to ask about; the newest day of social care data if left out.")
    ] = None,
    since: Annotated[
        str | None, day_option("--since", "The day to compare with; four weeks before if left out.")
    ] = None,
    by: Annotated[str | None, typer.Option(help="Count by team, school, year_group, phase or status.")] = None,
    children: Annotated[bool, typer.Option("--children", help="List the children.")] = False,
    changes: Annotated[bool, typer.Option("--changes", help="List what changed since the comparison day.")] = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say who is on a Child in Need plan, a Child Protection plan, or was in the last six years, on any day."""
    place, opened = _open(home)
    day = _day(on) or opened.as_at
    before = _day(since) or day - timedelta(weeks=4)
    form = Format.json if as_json else form
    everyone = Scope.everyone()
    if children or changes:
        if children:
            rows = operations.cohort_on(opened, everyone, day)
            title = f"Children in the cohort on {shown(day)}"
        else:
            rows = operations.cohort_changes(opened, everyone, day, before)
            title = f"Changes from {shown(before)} to {shown(day)}"
        operations.record_console_view(place, title, rows["child_id"].to_pylist())
        give(title, rows, form, out)
        return
    if by:
        give(f"Children on {shown(day)} by {by}", operations.cohort_counts(opened, everyone, day, by), form, out)
        return
    summary = operations.cohort_summary(opened, everyone, day, before)
    if form is Format.json:
        print_json(summary)
        return
    print_table(f"The cohort on {shown(day)}, against {shown(before)}", summary.table())


@command
def week(
    as_at: Annotated[
        str | None, day_option("--as-at", "The last day of the week; the newest day of data if left out.")
    ] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """The week's list: which children need somebody to act, why, since when, and who to ring."""
    place, opened = _open(home)
    day = _day(as_at) or max(opened.data_to.values(), default=opened.as_at)
    rows = operations.week_list(opened, Scope.everyone(), day)
    operations.record_console_view(place, f"The week to {shown(day)}", rows["child_id"].to_pylist())
    give(f"The week to {shown(day)}", rows, Format.json if as_json else form, out)


@command
def absence(
    by: Annotated[
        str,
        typer.Option(help="Groups, with commas: child, school, team, year_group, phase, plan, week, half_term, year."),
    ] = "plan",
    unit: Annotated[
        str, typer.Option(help="Count enrolments (as published statistics do) or each child once.")
    ] = "enrolment",
    start: Annotated[str | None, day_option("--from", "First day; the start of the academic year if left out.")] = None,
    end: Annotated[str | None, day_option("--to", "Last day; the newest day of marks if left out.")] = None,
    cohort_only: Annotated[bool, typer.Option("--cohort", help="Only children in the cohort on the last day.")] = False,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Sessions and rates of absence, persistent (10% or more) and severe (50% or more), by any grouping."""
    place, opened = _open(home)
    last = _day(end) or max(opened.data_to.values(), default=opened.as_at)
    first = _day(start) or date(academic_year(last), 8, 1)
    groups = [g.strip() for g in by.split(",") if g.strip()]
    rows = operations.absence_by(
        opened,
        Scope.everyone(),
        by=groups,
        unit=unit,
        start=first,
        end=last + timedelta(days=1),
        cohort_only=cohort_only,
    )
    if "child" in groups:
        operations.record_console_view(place, "Absence by child", rows["child_id"].to_pylist())
    give(f"Absence from {shown(first)} to {shown(last)}", rows, Format.json if as_json else form, out)


def main() -> None:
    app()


@app.callback(invoke_without_command=True)
def _about(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        console.print(f"Sightline {__version__}")
        raise typer.Exit

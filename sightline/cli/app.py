"""Every command. Each opens a home, calls one verb of `operations`, and prints the answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import typer

from sightline import __version__, operations
from sightline.cli.output import Format, console, errors, give, give_json, plain, print_json, print_table, shown
from sightline.operations import Home, Opened, Scope
from sightline.vocabulary.dates import typed_day
from sightline.vocabulary.errors import BadSetting, SightlineError
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.periods import academic_year
from sightline.vocabulary.tables import SHAPE

app = typer.Typer(
    name="sightline",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="See how the children with a social worker of one local authority fare in education.",
)

HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", envvar="SIGHTLINE_HOME", help="The folder Sightline keeps its data in; sightline-data if left out."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print the answer as JSON.")]
FormatOption = Annotated[Format, typer.Option("--format", help="How to print the rows.")]
OutOption = Annotated[Path | None, typer.Option("--out", help="Write to this file instead of the screen.")]


class CountBy(StrEnum):
    team = "team"
    school = "school"
    year_group = "year_group"
    phase = "phase"
    status = "status"


class Unit(StrEnum):
    enrolment = "enrolment"
    child = "child"


class MappedKind(StrEnum):
    marks = "marks"
    suspensions = "suspensions"
    part_time_timetables = "part-time-timetables"
    missing_education = "missing-education"
    home_education = "home-education"
    alternative_provision = "alternative-provision"
    attainment = "attainment"
    early_help = "early-help"
    youth_justice = "youth-justice"
    school_roll = "school-roll"


# What a screen has room for of the widest answers; every other form has every column.
_ON_SCREEN = {
    "children": ("surname", "forename", "status", "since", "days_open", "school_name", "year_group", "team_name",
                 "worker_name", "attendance_rate"),
    "changes": ("surname", "forename", "day", "says", "delivery", "line"),
    "week": ("surname", "forename", "status", "says", "since", "school_name", "worker_name", "delivery", "lines"),
    "findings": ("delivery", "line", "rule", "severity", "record", "field", "value", "says", "right"),
}  # fmt: skip


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    day = typed_day(text)
    if day is not None:
        return day
    raise typer.BadParameter(f"{text} is not a date. Write it as 2024-09-02 or 02/09/2024.")


DayArgument = Callable[[str], date]


def day_option(name: str, says: str) -> Any:
    return typer.Option(name, metavar="DATE", help=says)


def guarded(run: Callable[..., None]) -> Callable[..., None]:
    """A refusal is one sentence and an exit code; anything else is a fault and says so."""

    @wraps(run)
    def safely(*args: Any, **kwargs: Any) -> None:
        try:
            run(*args, **kwargs)
        except SightlineError as error:
            errors.print(str(error), style="red", markup=False, highlight=False)
            raise typer.Exit(error.exit_code) from error
        except BrokenPipeError:
            raise  # Whoever read our output has seen enough.
        except OSError as error:
            place = f" ({error.filename})" if error.filename else ""
            errors.print(
                f"{error.strerror or 'The system refused'}{place}.", style="red", markup=False, highlight=False
            )
            raise typer.Exit(1) from error

    return safely


def goes_on(context: typer.Context) -> bool:
    """Whether a command under this one was called. Raises BadSetting for an option written before its name: this
    one's options are not the other's, and none is accepted and ignored."""
    if context.invoked_subcommand is None:
        return False
    sources = (context.get_parameter_source(name) for name in context.params)
    if any(source is not None and source.name == "COMMANDLINE" for source in sources):
        raise BadSetting(f"Write options after {context.invoked_subcommand}, not before it.")
    return True


def command(run: Callable[..., None]) -> Callable[..., None]:
    """Register a command of the program, guarded."""
    safely = guarded(run)
    app.command()(safely)
    return safely


def _open(home: Path | None, snapshot: str | None = None) -> tuple[Home, Opened]:
    place = Home.open(home)
    return place, operations.opened(place, snapshot)


@command
def receive(
    paths: Annotated[list[Path], typer.Argument(help="Files and folders; .zip and .gz are opened.")],
    home: HomeOption = None,
    by: Annotated[str, typer.Option(help="Who sends these files, for the record.")] = "",
    again: Annotated[bool, typer.Option("--again", help="Bring back files that later ones replaced.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Receive files: recognise each by its content, keep it, read it, and say what is wrong and what changed."""
    place = Home.open(home)
    sender = by or operations.console_user()
    with errors.status("Reading") as status:
        receipt = operations.receive(place, paths, by=sender, again=again, progress=status.update)
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
            elif f.status == "not needed":
                errors.print(f"{f.path}: {f.says}", markup=False, highlight=False)
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
    files: list[dict[str, Any]] = [
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
    severity: Annotated[Severity | None, typer.Option(help="Only error, query or note.")] = None,
    table: Annotated[str | None, typer.Option(help="Only this table.")] = None,
    kind: Annotated[str | None, typer.Option(help="Only this kind of file.")] = None,
    delivery: Annotated[str | None, typer.Option(help="Only this delivery.")] = None,
    snapshot: Annotated[str | None, typer.Option(help="Another snapshot than the current one.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what is wrong in the files in force: file, line, record, field, value, and what would be right.

    Rules that hold several files against each other and could not run are named, with why, on the error stream.
    """
    place, opened = _open(home, snapshot)
    rows = operations.findings(opened, rule=rule, severity=severity, table=table, kind=kind, delivery=delivery)
    asked = {"rule": rule, "severity": severity, "table": table, "kind": kind, "delivery": delivery}
    told = "".join(f", {name} {value}" for name, value in asked.items() if value)
    operations.record_console_view(place, f"Findings in snapshot {opened.id}{told}", None)
    give("Findings", rows, Format.json if as_json else form, out, screen=_ON_SCREEN["findings"])
    sys.stdout.flush()
    for each in operations.rules_not_run(opened):
        if rule in (None, each["rule"]):
            errors.print(f"Rule {each['rule']} was not run. {each['why']}", markup=False, highlight=False)


@command
def source(
    delivery: Annotated[str, typer.Argument(help="A delivery's id, as in `show`, `findings` and the week's list.")],
    line: Annotated[int, typer.Argument(help="The line of the file.")],
    around: Annotated[int, typer.Option(help="Lines to show before and after.")] = 0,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the line of a received file, as it came, that a figure or a finding rests on."""
    place = Home.open(home)
    lines = operations.source_line(place, delivery, line, around=around)
    first, last = lines[0][0], lines[-1][0]
    shown_lines = f"Line {line}" if first == last else f"Lines {first} to {last}"
    operations.record_console_view(place, f"{shown_lines} of delivery {delivery}", None)
    if as_json:
        print_json([{"line": n, "text": text} for n, text in lines])
        return
    for n, text in lines:
        console.print(f"{n:>8}  {text}", markup=False, highlight=False, soft_wrap=True)


@command
def cohort(
    on: Annotated[
        str | None, day_option("--on", "The day to ask about; the newest day of social care data if left out.")
    ] = None,
    since: Annotated[
        str | None, day_option("--since", "The day to compare with; four weeks before if left out.")
    ] = None,
    by: Annotated[CountBy | None, typer.Option(help="Count by one of these.")] = None,
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
    if children + changes + bool(by) > 1:
        raise typer.BadParameter("Ask for one at a time: --children, --changes or --by.")
    if before >= day:
        raise BadSetting(f"The day to compare with, {shown(before)}, must be before {shown(day)}.")
    if children or changes:
        if children:
            rows = operations.with_circumstances(opened, operations.cohort_on(opened, everyone, day))
            title = f"Children in the cohort on {shown(day)}"
        else:
            rows = operations.cohort_changes(opened, everyone, day, before)
            title = f"Changes from {shown(before)} to {shown(day)}"
        operations.record_console_view(place, title, rows["child_id"].to_pylist())
        give(title, rows, form, out, screen=_ON_SCREEN["children" if children else "changes"])
        return
    if by:
        give(f"Children on {shown(day)} by {by}", operations.cohort_counts(opened, everyone, day, by), form, out)
        return
    summary = operations.cohort_summary(opened, everyone, day, before)
    title = f"The cohort on {shown(day)}, against {shown(before)}"
    if form is Format.table and out is None:
        print_table(title, _summary_rows(summary))
    elif form is Format.json:
        give_json(summary, out)
    else:
        give(title, _figures(summary), form, out)


def _figures(s: operations.Summary) -> pa.Table:
    """One row per figure: then (null for what is counted between the days) and now."""
    rows = [{"figure": r["figure"], "then": r["then"], "now": r["now"]} for r in _summary_rows(s)]
    return pa.table(
        {
            "figure": pa.array([r["figure"] for r in rows], pa.string()),
            "then": pa.array([r["then"] for r in rows], pa.int64()),
            "now": pa.array([r["now"] for r in rows], pa.float64()),
        }
    )


def _summary_rows(s: operations.Summary) -> list[dict[str, Any]]:
    """One row per figure: then, now and the difference."""
    sizes = [("On a plan", *s.on_plan), ("In the cohort (with Ever 6)", *s.cohort)]
    sizes += [(status, s.then[status], s.now[status]) for status in s.now]
    rows: list[dict[str, Any]] = [
        {"figure": name, "then": then, "now": now, "difference": f"{now - then:+,}"} for name, then, now in sizes
    ]
    moves = {
        "joined a plan": s.joiners,
        "left their plans": s.leavers,
        "came and went between the days": s.came_and_went,
        "new plans": s.new_plans,
        "plans begun again": s.re_plans,
        "stepped up to a CP plan": s.step_ups,
        "stepped down to a CIN plan": s.step_downs,
        "plans ended": s.ended,
    }
    rows += [{"figure": f"Children who {n}" if n[0] in "jlcs" else f"Children with {n}", "then": None, "now": v,
              "difference": ""} for n, v in moves.items()]  # fmt: skip
    rows += [{"figure": f"Median days on a {plan}", "then": None, "now": days, "difference": ""}
             for plan, days in s.days_open.items()]  # fmt: skip
    return rows


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
    give(f"The week to {shown(day)}", rows, Format.json if as_json else form, out, screen=_ON_SCREEN["week"])


@command
def absence(
    by: Annotated[
        str,
        typer.Option(help="Groups, with commas: child, school, team, year_group, phase, plan, week, half_term, year."),
    ] = "plan",
    unit: Annotated[
        Unit, typer.Option(help="Count enrolments (as published statistics do) or each child once.")
    ] = Unit.enrolment,
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


@command
def mapping(
    file: Annotated[
        Path, typer.Argument(help="A sender's table of marks, pupils or any kind of list: a .csv, .xlsx or .ods.")
    ],
    home: HomeOption = None,
    kind: Annotated[MappedKind | None, typer.Option(help="Read it as this; as what it looks like if left out.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Agree to the proposal: write it to mappings.toml.")] = False,
    column: Annotated[
        list[str] | None, typer.Option(help="Correct one: MEANING=COLUMN, as in upn='Pupil Ref'. May be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Say what each column of a sender's file seems to mean, and keep what you agree to for the next one."""
    place = Home.open(home)
    proposal = operations.propose_mapping(file, kind=kind or "", corrections=column or [])
    if save:
        operations.agree_mapping(place, proposal)
    if as_json:
        print_json({"fingerprint": proposal.fingerprint, "kind": proposal.kind, "form": proposal.form,
                    "columns": proposal.columns, "saved": save})  # fmt: skip
        return
    print_table(f"Columns of {proposal.shown}", [{"meaning": m, "column": c} for m, c in proposal.columns.items()])
    console.print(proposal.says, markup=False)
    console.print("Saved in mappings.toml." if save else "Not saved. Add --save to agree.")


@command
def synthesise(
    out: Annotated[Path, typer.Option(help="The folder to write the files in; made when it is not there.")],
    pupils: Annotated[
        int, typer.Option(help="Pupils: at most 200,000 in an authority, ten million in a nation.", min=200)
    ] = 2_000,
    seed: Annotated[int, typer.Option(help="The same number makes the same files.")] = 1,
    until: Annotated[
        str | None, day_option("--until", "The day the files are written; 22 November 2024 if left out.")
    ] = None,
    national: Annotated[
        bool, typer.Option("--national", help="Linked national extracts with the report's effects planted instead.")
    ] = False,
    more_plans: Annotated[
        float, typer.Option(help="With --national: multiply the share of pupils on plans, for a small nation.")
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Invent a local authority and write it in the real file formats, with a truth folder to score checks against.

    With --national: NPD extracts and the plans of CIN censuses as Parquet, what was planted, and a study to evaluate.
    """
    day = _day(until)
    if national and day:
        raise typer.BadParameter("The years of a nation are those of the report; leave --until out.")
    if not national and more_plans != 1.0:
        raise typer.BadParameter("--more-plans goes with --national.")
    if not national and pupils > 200_000:
        raise typer.BadParameter("An authority has at most 200,000 pupils. Add --national for a nation.")
    options = {"until": day} if day else {}
    with errors.status("Inventing") as status:
        if national:
            invented = operations.synthesise_national(pupils, seed, out, more_plans=more_plans, progress=status.update)
        else:
            invented = operations.synthesise(pupils, seed, out, progress=status.update, **options)
    files = [{"file": str(f), "kind": kind} for f, kind in invented]
    print_json({"files": files}) if as_json else print_table(f"Written to {out}", files)


@command
def settings(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Show every setting: its value here, what it means, and where it comes from."""
    rows = Home.open(home).settings.explain()
    print_json(rows) if as_json else print_table("Settings", [plain(r) for r in rows])


@command
def rebuild(
    home: HomeOption = None, by: Annotated[str, typer.Option(help="Who asks.")] = "", as_json: JsonOption = False
) -> None:
    """Make every derived table again from the files in force, as after a change of settings."""
    with errors.status("Building") as status:
        made = operations.rebuild(Home.open(home), by=by or operations.console_user(), progress=status.update)
    print_json({"snapshot": made.id}) if as_json else console.print(f"Snapshot {made.id} is new.")


@command
def verify(home: HomeOption = None, as_json: JsonOption = False) -> None:
    """Read every file of the store again and say whether any is missing or has been changed."""
    wrong = Home.open(home).store.verify()
    if as_json:
        print_json({"wrong": wrong})
    else:
        console.print("\n".join(wrong) if wrong else "Every file is there and as it was.", markup=False)
    if wrong:
        raise typer.Exit(7)


@command
def sweep(
    keep: Annotated[int, typer.Option(help="Snapshots to keep, newest first.", min=1)] = 30,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forget old snapshots and the tables only they used. Received files are always kept."""
    freed = operations.sweep(Home.open(home), keep=keep)
    print_json({"freed_bytes": freed}) if as_json else console.print(f"{freed / 1e6:,.1f} MB freed.")


@command
def serve(
    home: HomeOption = None,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.")] = 8000,
    workers: Annotated[int, typer.Option(help="Processes that answer.", min=1)] = 2,
) -> None:
    """Serve the application."""
    _serve(Home.open(home), ["--host", host, "--port", str(port), "--workers", str(workers)])


@command
def demo(
    home: HomeOption = None,
    pupils: Annotated[int, typer.Option(help="Pupils of the invented authority.", min=200)] = 2_000,
    seed: Annotated[int, typer.Option(help="The same number makes the same authority.")] = 1,
    host: Annotated[str, typer.Option(help="The address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port to listen at.")] = 8000,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop before the application is served.")] = False,
) -> None:
    """An invented authority, from files to the application, with an account for each role. The second run is quick."""
    place = Home.open(home)
    if place.store.current_id() is None:
        files = place.path / "demonstration-files"
        with errors.status("Inventing an authority") as status:
            operations.synthesise(pupils, seed, files, progress=status.update)
            receipt = operations.receive(
                place,
                [files],
                by="demonstration",
                progress=status.update,
            )
        found = sum(sum(f.findings.values()) for f in receipt.files)
        console.print(f"{len(receipt.files):,} files received, {found:,} findings, snapshot {receipt.snapshot}.")
    elif place.store.snapshot().shape != SHAPE:
        with errors.status("Building anew for this version") as status:
            operations.rebuild(place, by="demonstration", progress=status.update)
    opened = operations.opened(place)
    day = max(opened.data_to.values(), default=opened.as_at)
    before = opened.as_at - timedelta(weeks=4)
    print_table(
        f"The cohort on {shown(opened.as_at)}, against {shown(before)}",
        _summary_rows(operations.cohort_summary(opened, Scope.everyone(), opened.as_at, before)),
    )
    rows = operations.week_list(opened, Scope.everyone(), day)
    operations.record_console_view(place, "The demonstration's week", rows["child_id"].to_pylist())
    shown_columns = [c for c in ("reason", "says", "since", "school_name", "worker_name") if c in rows.column_names]
    print_table(f"The week to {shown(day)}", rows.select(shown_columns), most=12, note="See: sightline week")
    if not no_serve:
        _serve(place, ["--host", host, "--port", str(port), "--demonstration"])


def _serve(home: Home, options: list[str]) -> None:
    """Hand this process over to the application, which the command line never imports."""
    sys.stdout.flush()
    sys.stderr.flush()
    run = [sys.executable, "-m", "sightline.web", "serve", "--home", str(home.path), *options]
    os.execv(sys.executable, run)  # noqa: S606  our own interpreter and module


def main() -> None:
    app()


@app.callback(invoke_without_command=True)
def _about(version: Annotated[bool, typer.Option("--version", help="Print the version and stop.")] = False) -> None:
    if version:
        console.print(f"Sightline {__version__}")
        raise typer.Exit

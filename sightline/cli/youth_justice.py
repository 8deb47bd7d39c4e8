"""`sightline youth-justice`: children on a plan known to youth justice, or at risk of exploitation."""

from __future__ import annotations

from typing import Annotated

import pyarrow as pa

from sightline import operations
from sightline.cli.app import FormatOption, HomeOption, JsonOption, OutOption, _day, _open, command, day_option
from sightline.cli.output import Format, console, give
from sightline.operations import Scope
from sightline.operations.lists import youth_justice as justice

_TEXT, _DAY, _INT = pa.string(), pa.date32(), pa.int64()
_COLUMNS = pa.schema([
    *((n, _TEXT) for n in ("child_id", "surname", "forename", "status")), ("since", _DAY),
    *((n, _TEXT) for n in ("urn", "school_name", "team_name", "worker_name")),
    ("youth_justice_since", _DAY), ("involvement", pa.list_(_TEXT)), ("education_hours", pa.float64()),
    ("factors", pa.list_(_TEXT)), ("exploitation_since", _DAY), ("exploitation_latest", _DAY),
    ("attendance_rate", pa.float64()), ("suspensions", _INT), ("exclusions", _INT),
])  # fmt: skip


@command
def youth_justice(
    on: Annotated[str | None, day_option("--on", "The day; the newest of social care data if left out.")] = None,
    form: FormatOption = Format.table,
    out: OutOption = None,
    home: HomeOption = None,
    as_json: JsonOption = False,
) -> None:
    """List children on a plan who are also known to youth justice, or of whom an assessment tells of exploitation or of
    going missing. The other children of the youth justice service's list are counted, and never listed."""
    place, opened = _open(home)
    day = _day(on) or opened.as_at
    children = operations.cohort_on(opened, Scope.everyone(), day)
    rows = justice.youth_justice(opened, Scope.everyone(), children, day)
    operations.record_console_view(place, "Youth justice and exploitation", [r["child_id"] for r in rows])
    table = pa.Table.from_pylist([{name: row[name] for name in _COLUMNS.names} for row in rows], schema=_COLUMNS)
    give(
        "Youth justice and exploitation", table, Format.json if as_json else form, out,
        screen=("surname", "forename", "status", "youth_justice_since", "involvement", "factors",
                "exploitation_latest", "attendance_rate", "suspensions", "worker_name"),
    )  # fmt: skip
    if form is Format.table and not as_json and out is None:
        beyond = justice.beyond(opened, day)
        if beyond is None:
            console.print("No list of the youth justice service has been received.", highlight=False)
        else:
            console.print(
                f"The youth justice service’s list has {beyond.listed:,} children on the day; {beyond.outside:,} of "
                f"them are on no plan and are not listed ({beyond.alone:,} are in no other source).",
                highlight=False,
            )
        for code, says in (*justice.INVOLVEMENTS.items(), *justice.FACTORS.items()):
            console.print(f"{code}: {says}", highlight=False)

"""The regular tables of the cohort: the half-termly breakdown, and performance by month and by term.

The half-termly breakdown has the categories the evaluation report gives for Redbury (Annex 2, Improved data quality);
the monthly view those of the performance meeting of Alsbury, the termly one of the working group of Braddleton, by
locality and team. A locality is one of the authority's own, in which children live; where no locality model has been
received, the town of the school stands in its place and is called so.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from sightline.operations.counts.dashboard import (
    DIMENSIONS,
    ON_HELP,
    OUT_OF_AGE,
    Figures,
    Panel,
    figures_by,
    in_order,
    on_early_help,
)
from sightline.operations.opened import Opened
from sightline.operations.sheets import Grid, Value
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.errors import BadSetting
from sightline.vocabulary.periods import Calendar, academic_year, term_span, year_label

ASSESSED: Final = "assessment only"
STATUSES: Final = (("CIN plan", "CIN"), ("CP plan", "CP"), (ASSESSED, "Social worker assessment"))
SHORT: Final = "CIN: on a Child in Need plan. CP: on a Child Protection plan."
HALF_TERM, MONTH, TERM = "half-term", "month", "term"
KINDS: Final = (HALF_TERM, MONTH, TERM)
NO_MARKS: Final = "No marks"
_BACK = 12


@dataclass(frozen=True, slots=True)
class Period:
    """One stretch of days that a table is about: `on` is its last day, or the newest of the data within it."""

    kind: str
    key: str
    label: str
    start: date
    on: date

    @property
    def says(self) -> str:
        return f"{self.label}: {day_in_words(self.start)} to {day_in_words(self.on)}"


def periods(opened: Opened, kind: str) -> list[Period]:
    """The periods of a kind that the data reach, newest first, at most twelve; the newest may not be over yet.

    Raises BadSetting for another kind.
    """
    newest = opened.as_at
    if kind == MONTH:
        found = _months(newest)
    elif kind in (HALF_TERM, TERM):
        found = _half_terms(opened, newest) if kind == HALF_TERM else _terms(newest)
    else:
        raise BadSetting(f"There is no period {kind!r}. There are: {', '.join(KINDS)}.")
    return [Period(kind, key, label, start, min(last, newest)) for key, label, start, last in found if start <= newest][
        :_BACK
    ]


def _months(newest: date) -> list[tuple[str, str, date, date]]:
    found, first = [], newest.replace(day=1)
    for _ in range(_BACK):
        after = (first + timedelta(days=31)).replace(day=1)
        found.append((f"{first:%Y-%m}", f"{first:%B %Y}", first, after - timedelta(days=1)))
        first = (first - timedelta(days=1)).replace(day=1)
    return found


def _half_terms(opened: Opened, newest: date) -> list[tuple[str, str, date, date]]:
    year = academic_year(newest)
    calendar = Calendar.from_tables(
        opened.database.query("SELECT * FROM term"),
        opened.database.query("SELECT * FROM closure"),
        authority=opened.settings.authority,
        usual_years=range(year - 2, year + 1),
    )
    return [
        (
            f"{academic_year(t.start)}-{t.name.replace(' ', '-')}",
            f"{t.name.capitalize()}, {year_label(academic_year(t.start))}",
            t.start,
            t.end - timedelta(days=1),
        )
        for t in reversed(calendar.half_terms)
    ]


def _terms(newest: date) -> list[tuple[str, str, date, date]]:
    found = []
    for year in range(academic_year(newest), academic_year(newest) - 4, -1):
        for term in ("summer", "spring", "autumn"):
            start, after = term_span(year, term)
            last = after - timedelta(days=1)
            found.append((f"{year}-{term}", f"{term.capitalize()} term, {year_label(year)}", start, last))
    return found


def period_of(opened: Opened, kind: str, key: str | None = None) -> Period:
    """One period by its key, else the newest. Raises BadSetting when the data do not reach such a period."""
    found = periods(opened, kind)
    if not found:
        raise BadSetting(f"The data reach no {kind.replace('-', ' ')}.")
    if key is None:
        return found[0]
    held = next((p for p in found if p.key == key), None)
    if held is None:
        raise BadSetting(f"There is no {kind.replace('-', ' ')} {key!r}. There are: {', '.join(p.key for p in found)}.")
    return held


def earlier(opened: Opened, period: Period) -> Period | None:
    """The period of the same kind before, or None where the data do not reach it."""
    found = periods(opened, period.kind)
    at = next((n for n, p in enumerate(found) if p.key == period.key), len(found))
    return found[at + 1] if at + 1 < len(found) else None


def _of(rows: pa.Table, status: str) -> pa.Table:
    return rows.filter(pc.equal(rows["plan"], status))


def _share(part: int, whole: int) -> Value:
    return 100.0 * part / whole if whole else None


def half_termly(panel: Panel, rolls: Mapping[str, int]) -> tuple[Grid, ...]:
    """The breakdown in the categories of the report's Redbury case, of children on a CIN or CP plan or in assessment.

    `rolls`: pupils on roll by URN on the same day (see `rolls_on`), for the share of each setting.
    """
    wanted = pa.array([status for status, _ in STATUSES])
    rows = panel.rows.filter(pc.is_in(panel.rows["plan"], value_set=wanted))
    total = rows.num_rows
    by_status = [(label, _of(rows, status)) for status, label in STATUSES]
    nobody = panel.then.slice(0, 0)

    def across(name: str, title: str, dimension: str, note: str = "") -> Grid:
        whole = figures_by(rows, nobody, dimension)
        parts = [figures_by(held, nobody, dimension) for _, held in by_status]
        return Grid(
            name,
            title,
            ("", *(label for label, _ in by_status), "All", "Share of all, %"),
            tuple(
                (
                    panel.says(dimension, value),
                    *(part[value].children if value in part else 0 for part in parts),
                    whole[value].children,
                    _share(whole[value].children, total),
                )
                for value in in_order(panel, dimension, whole)
            ),
            (note,) if note else (),
        )

    columns = [figures_by(held, nobody)[None] for held in (*(held for _, held in by_status), rows)]

    def line(label: str, ask: Callable[[Figures], Value]) -> tuple[Value, ...]:
        return (label, *(ask(f) for f in columns))

    heads = ("", *(label for label, _ in by_status), "All")
    return (
        Grid(
            "Case status", "Case status", ("", "Children", "Share, %"),
            (*((label, held.num_rows, _share(held.num_rows, total)) for label, held in by_status),
             ("All", total, _share(total, total))),
            (SHORT, "Social worker assessment: being assessed on the day, and on no plan."), whole="All",
        ),
        across("Phase by status", "School phase, by case status", "phase", "Phase of the school on the day."),
        across("Setting type", "Setting type attended", "type", "Type of establishment in the register of schools."),
        across("SEND", "Special educational needs and disabilities", "sen"),
        across("FSM", "Entitlement to free school meals", "fsm"),
        across("EAL", "English as an additional language", "eal"),
        Grid(
            "Exclusions", "School exclusions", heads,
            (line("Suspensions", lambda f: f.suspensions), line("Children suspended", lambda f: f.suspended),
             line("Permanent exclusions", lambda f: f.exclusions),
             line("Children permanently excluded", lambda f: f.excluded)),
            ("That began in the period, of the children of the last day.",), sorts=False,
        ),
        Grid(
            "Absence", "Absence sessions overall", heads,
            (line("Possible sessions", lambda f: f.possible), line("Sessions missed", lambda f: f.absent),
             line("Of them unauthorised", lambda f: f.unauthorised),
             line("Absence, %", lambda f: NO_MARKS if f.absence is None else f.absence),
             line("Children with marks", lambda f: f.with_marks)),
            ("Sessions are half days, of all schools together.",), sorts=False,
        ),
        _geography(panel, across),
        _settings(panel, rows, rolls),
    )  # fmt: skip


def _geography(panel: Panel, across: Callable[[str, str, str, str], Grid]) -> Grid:
    by = panel.geography
    title = "Where the children live, by locality" if by == "locality" else "Where the children are at school, by town"
    return across("Geography", title, by, " ".join([f"{DIMENSIONS[by].says}.", *panel.lacking.values()]))


def _settings(panel: Panel, rows: pa.Table, rolls: Mapping[str, int]) -> Grid:
    """How many of the children are at each setting, most first, with the share of its roll."""
    counted = {
        r["school"]: r["count_all"]
        for r in rows.group_by("school").aggregate([([], "count_all")]).to_pylist()
        if r["school"] is not None and r["school"] not in OUT_OF_AGE.values()
    }
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], panel.says("school", pair[0]).casefold()))
    return Grid(
        "Settings", "Children at each setting",
        ("", "URN", "Children", "Share of all, %", "Pupils on roll", "Share of the roll, %"),
        tuple(
            (panel.says("school", urn), urn, n, _share(n, rows.num_rows), rolls.get(urn),
             _share(n, rolls[urn]) if rolls.get(urn) else None)
            for urn, n in ordered
        ),
        ("Pupils on roll: registrations that cover the day, of every pupil.",),
    )  # fmt: skip


def rolls_on(opened: Opened, on: date) -> dict[str, int]:
    """Pupils on roll on the day by school: children and pupils alike, each once."""
    rows = opened.database.rows(
        "SELECT urn, count(DISTINCT child_id)::INTEGER FROM enrolment_period "
        "WHERE urn IS NOT NULL AND start_date <= $on AND (end_date IS NULL OR end_date > $on) GROUP BY urn",
        {"on": on},
    )
    return {str(urn): int(n) for urn, n in rows}


_COLUMNS: Final = (
    "Children", "Attendance, %", "Attendance before, %", "Change, points", "Persistently absent, %",
    "Severely absent, %", "Suspensions", "Children suspended", "Permanent exclusions",
)  # fmt: skip


def performance(panel: Panel, before: Panel | None) -> tuple[Grid, ...]:
    """Attendance, suspensions and exclusions for CIN, CP and Early Help, whole and by locality and team, with the
    period before. Persistent and severe absence are of the sessions of the period alone."""
    return (
        _performance(panel, before, None, "Performance", "All children, by plan"),
        *(
            _performance(
                panel,
                before,
                dimension,
                f"By {DIMENSIONS[dimension].within}",
                f"By {DIMENSIONS[dimension].within} and plan",
            )
            for dimension in (panel.geography, "team")
        ),
    )


def _groups(rows: pa.Table) -> tuple[tuple[str, pa.Table], ...]:
    """The children of each row of the performance tables. Early Help is all of its children, in two rows: no child is
    in both, and whoever is on a plan too is said to be in the row of the plan already."""
    return (
        ("CIN", _of(rows, "CIN plan")),
        ("CP", _of(rows, "CP plan")),
        ("Early Help, no plan", on_early_help(rows, planned=False)),
        ("Early Help and a plan", on_early_help(rows, planned=True)),
    )


def _performance(panel: Panel, before: Panel | None, by: str | None, name: str, title: str) -> Grid:
    rows: list[tuple[Value, ...]] = []
    held: list[tuple[str, dict[str | None, Figures], dict[str | None, Figures]]] = []
    earlier = dict(_groups(before.rows)) if before is not None else {}
    for label, mine in _groups(panel.rows):
        now = figures_by(mine, panel.then.slice(0, 0), by)
        then = figures_by(earlier[label], panel.then.slice(0, 0), by) if earlier else {}
        held.append((label, now, then))
    values = in_order(panel, by, {v for _, now, _then in held for v in now}) if by else [None]
    for value in values:
        for label, now, then in held:
            if value in now and now[value].children:
                first = (panel.says(by, value),) if by else ()
                rows.append((*first, label, *_measured(now[value], then.get(value))))
    notes = [
        SHORT,
        "Children on the last day of the period. Early Help: everybody with an open episode that day. Those who are on "
        "a plan too, or looked after, stand apart: the row of the plan has them already.",
    ]
    if by == panel.geography:
        notes += [f"{DIMENSIONS[by].says}.", *panel.lacking.values()]
    if ON_HELP not in panel.rows["early_help"].unique().to_pylist():
        notes.append("No child has an early help episode that day, of those counted here and the files received.")
    return Grid(name, title, (*((DIMENSIONS[by].label,) if by else ()), "Plan", *_COLUMNS), tuple(rows), tuple(notes))


def _measured(now: Figures, then: Figures | None) -> tuple[Value, ...]:
    was = then.attendance if then is not None else None
    change = now.attendance - was if now.attendance is not None and was is not None else None
    return (
        now.children,
        NO_MARKS if now.attendance is None else now.attendance,
        NO_MARKS if was is None else was,
        change,
        now.rate("persistent", "with_marks"),
        now.rate("severe", "with_marks"),
        now.suspensions,
        now.suspended,
        now.exclusions,
    )

"""Figures: drawings of tables a study made, each with the rows drawn and words for who cannot see it.

A figure is drawn from tables alone, so one drawn from released tables shows nothing that they hide.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from sightline.charts import Point, intervals, lines
from sightline.evaluation.result import Builder, Table, Value
from sightline.evaluation.result import figures as by_place

SEXES: Final = {"overall": "All", "boys": "Boys", "girls": "Girls"}
CHANGE: Final = "Change"
"""How a row begins that says how much the figures above it changed."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure: its name and title, the figures drawn as a table, what it shows in words, and its specification.

    `table_after` is the table it stands after in a report.
    """

    id: str
    title: str
    table: Table
    table_after: str
    describes: str
    specification: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How one figure is made: its name, the tables it needs, the function that draws them, and what it shows.

    `make` gives None when the tables hold nothing that can be drawn (all of it refused or hidden).
    """

    id: str
    tables: tuple[str, ...]
    make: Callable[[str, Sequence[Table]], Figure | None]
    says: str

    @property
    def printed(self) -> str:
        """The number of the report's figure; empty when the report has none."""
        number = self.id.removeprefix("figure-")
        return number if number.isdigit() else ""


def drawn(tables: Iterable[Table], suffix: str = "") -> list[Figure]:
    """Every figure whose tables are all here, in order; `suffix` is that of the run whose tables these are."""
    held = {t.id.removesuffix(suffix) if suffix else t.id: t for t in tables}
    found = []
    for drawing in DRAWINGS:
        if all(name in held for name in drawing.tables):
            figure = drawing.make(drawing.id + suffix, [held[name] for name in drawing.tables])
            if figure is not None:
                found.append(figure)
    return found


def number(value: Value) -> float | None:
    """A figure that can be drawn: None for one that is missing or hidden."""
    return float(value) if isinstance(value, int | float) else None


def means(name: str, tables: Sequence[Table], *, sexes: Sequence[str]) -> Figure | None:
    """Means by year as lines, by group, a panel for each sex, the whole change at the end of each line."""
    (table,) = tables
    b = Builder()
    points: list[Point] = []
    says: list[str] = []
    places = by_place(table)
    for sex in sexes:
        for column in (c for c in table.columns if c.endswith(f", {sex}")):
            group = column.removesuffix(f", {sex}")
            years = [row for row in table.rows if not row.startswith(CHANGE)]
            change = next((places.get((row, column), {}) for row in table.rows if row.startswith(CHANGE)), {})
            percent = number(change.get("percent"))
            last = next((y for y in reversed(years) if number(places.get((y, column), {}).get("mean")) is not None), "")
            for year in years:
                held = places.get((year, column), {})
                mean, se = number(held.get("mean")), number(held.get("se"))
                if mean is None:
                    continue
                word = f"{percent:+.1f}%".replace("-", "−") if percent is not None and year == last else ""
                spread = 1.96 * se if se is not None else 0.0
                panel = SEXES[sex] if len(sexes) > 1 else ""
                points.append(Point(year, group, mean, panel, mean - spread, mean + spread, word))
            if percent is not None:
                way = "rose" if percent > 0 else "fell"
                says.append(f"{SEXES[sex]}, {group}: {way} by {abs(percent):.1f}%")
    for row in table.rows:
        for column in table.columns:
            if column.rpartition(", ")[2] in sexes and (row, column) in places:
                kept = {k: v for k, v in places[row, column].items() if k in ("mean", "se", "N", "percent")}
                b.put(row, column, **kept)
    what = table.title.partition(", by")[0]
    told = "; ".join(says) or "no change can be worked out"
    return _figure(
        name,
        table.title,
        table,
        b,
        points,
        f"Line chart: {what[0].lower()}{what[1:]}, by academic year and group, with 95% intervals. From the first year "
        f"to the last: {told}.",
        lambda: lines(points, x="Academic year", y=what),
    )


def coefficients(
    name: str,
    tables: Sequence[Table],
    *,
    title: str,
    x: str,
    rows: Callable[[str], bool] = lambda row: True,
    of: Sequence[str] = ("",),
    panel: Literal["table", "column", "row"] = "table",
    free: bool = False,
    ranked: bool = False,
    line: str = "",
) -> Figure | None:
    """Estimates with their intervals, rows down: tables as panels and columns as series, or the other way about.

    Panel "row" is for numbered rows: their name without its number. `rows` chooses the rows drawn; `of` says whom each
    table is of; `free` gives each panel a scale of its own; `ranked` puts each panel's rows in the order of their
    estimates, for many that nobody should read by name.
    """
    b = Builder()
    points: list[Point] = []
    for place, table in enumerate(tables):
        for (row, column), held in by_place(table).items():
            value = number(held.get("estimate"))
            if "estimate" not in held or not rows(row):
                continue
            b.put(row, column if len(tables) == 1 else f"{table.title}: {column}", **held)
            if value is None:
                continue
            low, high = number(held.get("low")), number(held.get("high"))
            whom = {"table": of[place], "column": column, "row": row.rpartition(" ")[0]}
            other = {"table": column, "column": of[place], "row": of[place]}[panel]
            points.append(Point(short(row), other, value, whom[panel], low, high))
        b.refused += list(table.refused)
    if ranked:
        points = _ranked(points)
    clear = sum(1 for p in points if p.low is not None and p.high is not None and (p.low > 0 or p.high < 0))
    return _figure(
        name,
        title,
        tables[-1],
        b,
        points,
        f"Dot chart of {len(points):,} estimates with 95% intervals: {title[0].lower()}{title[1:]}. "
        f"{clear:,} of the intervals do not hold nought.",
        lambda: intervals(points, x=x, panels_free=free, line=line),
    )


def _ranked(points: Sequence[Point]) -> list[Point]:
    found: list[Point] = []
    for panel in dict.fromkeys(p.panel for p in points):
        mine = sorted((p for p in points if p.panel == panel), key=lambda p: (p.value, p.x))
        found += [replace(p, x=f"{rank:05d}") for rank, p in enumerate(mine)]
    return found


_SHORT: Final = (
    (re.compile(r"Period after COVID-19 / VSH extension"), "after"),
    (re.compile(r"[Ss]ubject to a C(IN|P) plan"), "on plan"),
    (re.compile(r"Months on plan (after|before) VSH extension"), r"Months on plan, \1"),
    (re.compile(r" \* "), " × "),
    (re.compile(r"^on plan"), "On plan"),
)


def short(row: str) -> str:
    """A row's name as an axis has room for it: panel and series say which plan."""
    for long, brief in _SHORT:
        row = long.sub(brief, row)
    return row


def _figure(
    name: str,
    title: str,
    source: Table,
    b: Builder,
    points: Sequence[Point],
    describes: str,
    specification: Callable[[], Mapping[str, Any]],
) -> Figure | None:
    if not points:
        return None
    printed = name.removeprefix("figure-").partition("-")[0]
    table = b.table(
        name,
        title,
        sample=source.sample,
        estimator=source.estimator,
        errors=source.errors,
        source=f"Figure {printed}" if printed.isdigit() else source.source,
    )
    return Figure(name, title, table, source.id, describes, specification())


def _months(row: str) -> bool:
    return row.startswith("Months")


def _engagement(name: str, cin: str, cp: str, word: str) -> Drawing:
    title = f"Sessions missed due to {word} on months subject to a plan, before and after the extension"
    return Drawing(
        name,
        (cin, cp),
        lambda found, tables: coefficients(
            found,
            tables,
            title=title,
            x="Sessions a year for each month on a plan",
            rows=_months,
            of=("CIN plan", "CP plan"),
        ),
        title,
    )


def _means(name: str, table: str, sexes: Sequence[str], word: str) -> Drawing:
    by = "group, sex" if len(sexes) > 1 else "group"
    return Drawing(
        name,
        (table,),
        lambda found, tables: means(found, tables, sexes=sexes),
        f"Mean sessions missed due to {word}, by {by} and academic year, with the change in per cent",
    )


def _did(row: str) -> bool:
    return row.endswith(("(DID)", "Eligible FSM * Period after COVID-19 / VSH extension"))


_YEAR_ROW: Final = re.compile(r"\d{4}/\d{2}")
DOMAINS: Final = {
    "engagement": "sessions missed a year",
    "ks1": "reaching the standard at key stage 1",
    "ks2": "reaching the standard at key stage 2",
    "ks4": "scores at key stage 4",
}


def _year(row: str) -> bool:
    return _YEAR_ROW.fullmatch(row) is not None


def _place(row: str) -> bool:
    return row.lower().startswith(("authority: ", "school: "))


def _by_plan(
    kind: str, domain: str, title: str, x: str, rows: Callable[[str], bool], *, free: bool = True, line: str = ""
) -> Drawing:
    """One figure of the CIN and the CP table of a kind: a panel for each outcome, the plans beside each other."""
    return Drawing(
        f"{kind}-{domain}",
        (f"{kind}-{domain}-cin", f"{kind}-{domain}-cp"),
        lambda found, tables: coefficients(
            found, tables, title=title, x=x, rows=rows, of=("CIN plan", "CP plan"), panel="column", free=free, line=line
        ),
        title,
    )


def _one(
    table: str, title: str, x: str, rows: Callable[[str], bool], panel: Literal["column", "row"] = "column"
) -> Drawing:
    """One figure of one table, its rows ranked: a panel for each column, or for each name of numbered rows."""
    return Drawing(
        f"{table}-ranked",
        (table,),
        lambda found, tables: coefficients(
            found, tables, title=title, x=x, rows=rows, panel=panel, free=True, ranked=True
        ),
        title,
    )


def _beyond() -> list[Drawing]:
    found = []
    for domain, says in DOMAINS.items():
        title = f"Children on a plan less others, year by year: {says}"
        found.append(_by_plan("event", domain, title, "Difference from the last year before the extension", _year))
        for plan, word in (("cin", "CIN plan"), ("cp", "CP plan")):
            found.append(
                _one(
                    f"choices-{domain}-{plan}",
                    f"Every choice of model, {word}: {says}",
                    "Estimate",
                    lambda row: row[-3:].isdigit(),
                    "row",
                )
            )
            found.append(
                _one(f"authorities-{domain}-{plan}", f"Authority by authority, {word}: {says}", "Estimate", _place)
            )
    for stage in ("ks2", "ks4"):
        for plan, word in (("cin", "CIN plan"), ("cp", "CP plan")):
            title = f"Shrunken departures of each place from the average, {stage.upper()}, {word}"
            found.append(_one(f"multilevel-{stage}-{plan}", title, "Departure", _place))
    return found


def _four_ways(stage: str) -> str:
    return f"Change in the probability of reaching the standard at {stage.upper()}, four ways of asking"


_KS4: Final = "Key stage 4: the terms of plan by period"
ALL, SEXED = ("overall",), ("overall", "boys", "girls")
DRAWINGS: Final[tuple[Drawing, ...]] = (
    _means("figure-9", "table-53", ALL, "absences"),
    _engagement("figure-10", "table-55", "table-56", "absence"),
    _means("figure-11", "table-57", ALL, "suspensions"),
    _engagement("figure-12", "table-59", "table-60", "suspension"),
    _means("figure-13", "table-53", SEXED, "absences"),
    _means("figure-14", "table-57", SEXED, "suspensions"),
    *(
        Drawing(
            f"effects-{stage}",
            (f"table-{cin}-effects", f"table-{cp}-effects"),
            lambda found, tables, stage=stage: coefficients(  # type: ignore[misc]
                found,
                tables,
                title=_four_ways(stage),
                x="Change in probability",
                of=("CIN plan", "CP plan"),
            ),
            _four_ways(stage),
        )
        for stage, cin, cp in (("ks1", 63, 64), ("ks2", 67, 68))
    ),
    Drawing(
        "effects-ks4",
        ("table-71", "table-72"),
        lambda found, tables: coefficients(
            found,
            tables,
            title=_KS4,
            x="Change in score",
            rows=lambda row: _did(row) or row.startswith("Effect on the treated"),
            of=("CIN plan", "CP plan"),
            panel="column",
            free=True,
        ),
        _KS4,
    ),
    *_beyond(),
)
"""Every figure a study can draw. To draw another, add it here: it then reaches every output."""

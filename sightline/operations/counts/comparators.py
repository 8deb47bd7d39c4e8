"""What the cohort is set beside: the other pupils of its schools, all other pupils, and the published statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa

from sightline import cohort, measures
from sightline.disclosure import LOCAL, Policy
from sightline.operations.counts.dashboard import OUT_OF_AGE, Figures, Panel
from sightline.operations.opened import Opened
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.periods import academic_year

COMPARED: Final[Mapping[str, str]] = {
    "absence": "absence",
    "persistent_rate": "persistent absence",
    "severe_rate": "severe absence",
    "suspended_rate": "children suspended",
    "excluded_rate": "children permanently excluded",
}
"""The measures a comparator may have, in words."""
_SHARES = {"persistent_rate": "persistent", "severe_rate": "severe", "suspended_rate": "suspended"}
GROUPS: Final = ("CINO at 31 March", "CPPO at 31 March")
OUTCOMES, INTERACTIVE = "outcomes-absence", "lait"
# The measure, the data set, its indicator and the social care group it is about where the data set has no column of it.
_PUBLISHED = (
    ("absence", OUTCOMES, "pt_overall", ""),
    ("persistent_rate", OUTCOMES, "pt_pupils_pa_10_exact", ""),
    ("severe_rate", OUTCOMES, "pt_pupils_pa_50_exact", ""),
    ("suspended_rate", INTERACTIVE, "CINFixedExclusion", "CIN at 31 March"),
    ("excluded_rate", INTERACTIVE, "CINPermExclusion", "CIN at 31 March"),
)
RECEIVE = (
    "No published statistics have been received. To compare, receive the data set “Outcomes of children in need, "
    "absence” of Explore Education Statistics (CSV), and the Parquet file of the Local Authority Interactive Tool."
)


PUBLISHED: Final = ("authority", "neighbours", "region", "england")
"""How the keys of published comparators begin."""


@dataclass(frozen=True, slots=True)
class Comparator:
    """One row of comparison: whose figures, a figure for each measure it has, where they are from, and its warnings."""

    key: str
    label: str
    figures: Mapping[str, float]
    source: str
    period: str
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Others:
    """Whom any slice can be set beside, worked out once: the other pupils of the registers, and the published figures.

    `schools` gives the shares of each school by measure; `everyone` those of all other pupils. Each share of pupils is
    that of a cell of at least the policy's threshold of children with and without: a school that has too few shares
    the figure of the schools of its phase that have too few too, so no question about any set of schools tells more
    than these cells do.
    """

    schools: Mapping[str, Mapping[str, float]]
    everyone: Mapping[str, float]
    pupils: int
    published: tuple[Comparator, ...] = ()


def others_of(opened: Opened, on: date, start: date, *, policy: Policy = LOCAL) -> Others:
    """Every pupil of the registers this academic year on no plan on the day, by school; and what is published."""
    if on < opened.as_at:
        # Registers are summed by year: of a day that is past, the other pupils would be counted further than the slice.
        return Others({}, {}, 0, tuple(published(opened)))
    database = opened.database
    now = cohort.status_on(database, on)
    database.add(
        "on_a_plan", now.filter(pa.compute.is_in(now["status"], value_set=pa.array(cohort.PLANS))).select(["child_id"])
    )
    rows = measures.other_pupils(
        database, start=start, on=on, year=academic_year(on), settings=opened.settings, without="on_a_plan"
    ).to_pylist()
    schools: dict[str, dict[str, float]] = {row["urn"]: {} for row in rows}
    told = cells(rows, lambda row: row["pupils"] >= policy.threshold, policy)
    for cell in told:
        for row in cell:
            schools[row["urn"]]["absence"] = _share(cell, "absent", "possible")
    for measure, part in _SHARES.items():
        for cell in cells(rows, lambda row, part=part: _passes([row], part, policy), policy, part):
            for row in cell:
                schools[row["urn"]][measure] = _share(cell, part, "pupils")
    everyone = (
        {"absence": _share(rows, "absent", "possible")} if sum(r["pupils"] for r in rows) >= policy.threshold else {}
    )
    for measure, part in {**_SHARES, "excluded_rate": "excluded"}.items():
        if _passes(rows, part, policy):
            everyone[measure] = _share(rows, part, "pupils")
    return Others(schools, everyone, sum(r["pupils"] for r in rows), tuple(published(opened)))


def _passes(rows: Sequence[Mapping[str, Any]], part: str, policy: Policy) -> bool:
    """Whether a share of pupils may be told: enough with, and enough without."""
    with_it, pupils = sum(r[part] for r in rows), sum(r["pupils"] for r in rows)
    return int(min(with_it, pupils - with_it)) >= policy.threshold


def cells(
    rows: Sequence[Mapping[str, Any]], passes: Any, policy: Policy, part: str = ""
) -> list[list[Mapping[str, Any]]]:
    """Schools in cells that may be told: each that passes alone, the others of its phase together, else all others.

    What does not pass even so is left out.
    """
    alone = [[row] for row in rows if passes(row)]
    rest: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        if not passes(row):
            rest.setdefault(row["phase"] or "", []).append(row)

    def holds(cell: Sequence[Mapping[str, Any]]) -> bool:
        if part:
            return _passes(cell, part, policy)
        return int(sum(r["pupils"] for r in cell)) >= policy.threshold

    together = [cell for cell in rest.values() if holds(cell)]
    left = [row for cell in rest.values() if not holds(cell) for row in cell]
    return [*alone, *together, *([left] if left and holds(left) else [])]


def _share(rows: Iterable[Mapping[str, Any]], part: str, whole: str) -> float:
    rows = list(rows)
    return float(100.0 * sum(r[part] for r in rows) / sum(r[whole] for r in rows))


def same_schools(others: Others, rows: pa.Table) -> Comparator | None:
    """What the slice would show if each of its children fared as the other pupils of that child's school do.

    A mean over the children, so a school weighs as much as it has children of the slice. None without such a school.
    """
    counted: dict[str, int] = {}
    for row in rows.group_by("school").aggregate([([], "count_all")]).to_pylist():
        if row["school"] is not None and row["school"] not in OUT_OF_AGE.values():
            counted[row["school"]] = row["count_all"]
    figures: dict[str, float] = {}
    for measure in ("absence", *_SHARES):
        have = {urn: n for urn, n in counted.items() if measure in others.schools.get(urn, {})}
        if have:
            figures[measure] = sum(n * others.schools[urn][measure] for urn, n in have.items()) / sum(have.values())
    if not figures:
        return None
    missing = sum(n for urn, n in counted.items() if "absence" not in others.schools.get(urn, {}))
    warnings = [
        "Pupils on no plan. A school where too few pupils are absent or suspended is taken together with others of its "
        "phase."
    ]
    if missing:
        warnings.append(f"No registers have come from the schools of {missing:,} of these children.")
    return Comparator("same-schools", "Other pupils of the same schools", figures, "Schools’ registers and notices",
                      "This school year so far", tuple(warnings))  # fmt: skip


def all_others(others: Others) -> Comparator | None:
    """All other pupils of the registers that were received."""
    if not others.everyone:
        return None
    return Comparator(
        "all-pupils", "All other pupils", others.everyone, "Schools’ registers and notices", "This school year so far",
        (f"The {others.pupils:,} pupils on no plan in the registers received: schools that sent none are not in it.",),
    )  # fmt: skip


def last_year(figures: Figures, before: Panel) -> Comparator:
    """The same slice on the same day a year before."""
    held = {
        "absence": figures.absence, "persistent_rate": figures.rate("persistent", "with_marks"),
        "severe_rate": figures.rate("severe", "with_marks"), "suspended_rate": figures.rate("suspended"),
        "excluded_rate": figures.rate("excluded"),
    }  # fmt: skip
    warnings = ["Other children, in part: it counts those who were on a plan on that day."]
    if not figures.possible:
        warnings.append("No registers of that year have been received.")
    return Comparator(
        "last-year", f"Last year, to {day_in_words(before.on)}",
        {m: v for m, v in held.items() if v is not None}, "The same sources", "The same day a year before",
        tuple(warnings),
    )  # fmt: skip


def published(opened: Opened) -> list[Comparator]:
    """The newest published figures, by social care group and area; nothing when none were received.

    Areas: the authority itself, its statistical neighbours (the mean of those with a figure), its region and England,
    each where the settings name it. A withheld figure is no nought: it is left out, and said to be.
    """
    settings = opened.settings
    warned = {code.code: code.more["warning"] for code in code_list("social_care_group")}
    own = settings.authority or opened.database.one(
        "SELECT CASE WHEN count(DISTINCT authority) = 1 THEN any_value(authority) END FROM delivery "
        "WHERE authority <> ''"
    )
    areas: list[tuple[str, str, str, list[Any]]] = [("england", "England", "level = 'National'", [])]
    if settings.region:
        areas.insert(0, ("region", settings.region, "level = 'Regional' AND lower(area_name) = lower(?)",
                         [settings.region]))  # fmt: skip
    if settings.statistical_neighbours:
        listed = ", ".join("?" for _ in settings.statistical_neighbours)
        areas.insert(0, ("neighbours", "Statistical neighbours",
                         f"level = 'Local authority' AND c.authority IN ({listed})",
                         list(settings.statistical_neighbours)))  # fmt: skip
    if own:
        areas.insert(0, ("authority", "This authority, published",
                         "level = 'Local authority' AND c.authority = ?", [own]))  # fmt: skip
    found: list[Comparator] = []
    for group in (*GROUPS, "CIN at 31 March"):
        for key, label, where, parameters in areas:
            rows = [
                (measure, *row)
                for measure, dataset, indicator, about in _PUBLISHED
                for row in _newest(opened, dataset, indicator, group, about, where, parameters)
            ]
            if rows:
                found.append(
                    _comparator(group, key, label, rows, warned.get(group, ""), settings.statistical_neighbours)
                )
    return found


def _newest(
    opened: Opened, dataset: str, indicator: str, group: str, about: str, where: str, parameters: Sequence[Any]
) -> list[tuple[float | None, int, int, str | None, str, date | None]]:
    """The mean figure, how many have one, of how many, a symbol met, the period and the day received; newest period."""
    of_group = "child_group = ? AND coalesce(phase, 'Total') = 'Total'" if not about else "? = ''"
    if about and about != group:
        return []
    rows = opened.database.rows(
        f"""
        SELECT avg(figure), count(figure), count(*), any_value(symbol), c.period, max(received)
        FROM comparator c LEFT JOIN delivery USING (delivery)
        WHERE dataset = ? AND lower(indicator) = lower(?) AND {of_group} AND {where} AND year IS NOT NULL
        GROUP BY c.period, year ORDER BY year DESC LIMIT 1
        """,
        [dataset, indicator, "" if about else group, *parameters],
    )
    return [tuple(row) for row in rows]


def _comparator(
    group: str,
    key: str,
    label: str,
    rows: Sequence[tuple[Any, ...]],
    warning: str,
    neighbours: Sequence[str],
) -> Comparator:
    figures = {measure: float(figure) for measure, figure, *_ in rows if figure is not None}
    warnings = [warning] if warning else []
    for measure, figure, have, _of, symbol, _period, _received in rows:
        named = COMPARED[measure]
        if figure is None:
            warnings.append(f"The publisher withholds the figure of {named} ({symbol}).")
        elif key == "neighbours" and have < len(neighbours):
            warnings.append(
                f"The mean of {have} of {len(neighbours)} authorities: the others have no figure of {named}."
            )
    periods = sorted({str(period) for *_, period, _received in rows})
    received = max((r for *_, r in rows if r is not None), default=None)
    source = "Local Authority Interactive Tool" if group == "CIN at 31 March" else "Explore Education Statistics"
    names = {
        "CINO at 31 March": "in need at 31 March, neither on a protection plan nor looked after",
        "CPPO at 31 March": "on a protection plan at 31 March", "CIN at 31 March": "in need at 31 March",
    }  # fmt: skip
    return Comparator(
        f"{key}-{group[:4].strip().lower()}", f"{label}: {names[group]}", figures,
        source + (f", received {day_in_words(received)}" if received else ""),
        ", ".join(periods), (*warnings, "A whole year’s figures, not those of the year so far."),
    )  # fmt: skip


def lacking(opened: Opened, compared: Sequence[Comparator]) -> tuple[str, ...]:
    """What is not compared and why, each with what would bring it: a file to receive, or a setting to make."""
    if not any(c.key.startswith(PUBLISHED) for c in compared):
        return (RECEIVE,)
    told = []
    if not opened.settings.statistical_neighbours:
        told.append("Statistical neighbours are not compared: the setting statistical_neighbours names none.")
    if not opened.settings.region:
        told.append("No region is compared: the setting region names none.")
    if not any(c.key.startswith("authority") for c in compared):
        told.append("The statistics received have no figure of this authority.")
    return tuple(told)

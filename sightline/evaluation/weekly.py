"""Interrupted time series on an authority's own weekly attendance."""

from __future__ import annotations

import math
from datetime import date
from typing import Final

import numpy as np

from sightline.evaluation.result import Builder, Table
from sightline.evaluation.samples import F, Frame, numbers
from sightline.statistics import CONSTANT, CannotEstimate, Interrupted, interrupted_series, minimum_detectable_effect
from sightline.vocabulary.dates import day_in_words

FIRST_MONDAY: Final = date(1970, 1, 5)
"""Weeks are counted from this Monday, so that a holiday is a gap and not two neighbours."""
YEAR: Final = 365.25 / 7
SESSIONS: Final = 10
"""Possible sessions of a pupil in a full week."""
SEASON_FROM: Final = 60
"""Weeks from which the time of year can be told from a trend: a year and a little."""
ROWS: Final = {
    CONSTANT: "Level at the start, had the line gone on (% of sessions missed)",
    "slope": "Change a week before",
    "change in level": "Change in level at the start",
    "change in slope": "Change in slope, a week",
}


def interrupted(frame: Frame, table_id: str) -> Table:
    """Sessions missed each week of each group: a level and a slope that may change on a date."""
    b, series = Builder(), frame.study.series
    found = frame.database.query(
        f"SELECT grp, date_diff('day', DATE '{FIRST_MONDAY}', monday) // 7 AS week, possible, missed FROM week "
        "ORDER BY grp, monday"
    )
    names = np.asarray(found["grp"].to_pylist(), dtype=object)
    c = {name: numbers(found, name) for name in ("week", "possible", "missed")}
    day = frame.study.series_start
    start = math.ceil((day - FIRST_MONDAY).days / 7)
    held: dict[str, dict[str, F]] = {}
    for group in dict.fromkeys(names.tolist()):
        at = names == group
        held[str(group)] = {
            "week": c["week"][at],
            "rate": 100 * c["missed"][at] / c["possible"][at],
            "n": c["possible"][at],
        }
        _fit(frame, b, str(group), held[str(group)], start)
    if not held:
        b.refuse("All", "there is no weekly attendance (npd/weekly.csv with week, group, possible and missed)")
    if len(held) == 2:
        (one, x), (two, y) = held.items()
        both, i, j = np.intersect1d(x["week"], y["week"], return_indices=True)
        gap = {"week": both, "rate": x["rate"][i] - y["rate"][j], "n": 1 / (1 / x["n"][i] + 1 / y["n"][j])}
        _fit(frame, b, f"{one} less {two}", gap, start)
    return b.table(
        table_id,
        f"Sessions missed week by week, before and after {day_in_words(day)}",
        sample="Weekly attendance as received, by group; weeks without a possible session are gaps",
        estimator="Segmented regression of the percentage of sessions missed, weighted by possible sessions"
        + ("; first and second harmonic of the year, where there are 60 weeks" if series.season else ""),
        errors="Newey and West, lags floor(1.3 root(N)), made right on average for independent errors; t with "
        "Satterthwaite's degrees of freedom, each difference with its own, the other rows with the fewest",
        formula="% missed = a + b week + c [after] + d (week - start) [after] + season + error",
        notes=(
            "What else changed in the same week is in the change too. With two groups the last column is their "
            "difference, from which whatever fell on both is gone.",
            "N is the pupils behind the smallest week: its possible sessions over ten.",
            "A week counts as after when its Monday does.",
            "Where the smallest change that would be found is larger than any the work could bring, the data are too "
            "few to conclude: no stars then say nothing.",
            "Each side needs at least four weeks to show a line; a year or more is needed to tell it from the season.",
            "The difference so many weeks after is from the line that went on, c + d x weeks.",
        ),
        source="Beyond the report; Wagner, Soumerai, Zhang and Ross-Degnan (2002)",
    )


def _fit(frame: Frame, b: Builder, column: str, x: dict[str, F], start: int) -> None:
    series, level = frame.study.series, frame.study.models.level
    t = x["week"]
    season: dict[str, F] = {}
    if series.season and len(t) >= SEASON_FROM:
        for k in (1, 2):
            angle = 2 * np.pi * k * t / YEAR
            season |= {f"season {k}, cosine": np.cos(angle), f"season {k}, sine": np.sin(angle)}
    try:
        fit: Interrupted = interrupted_series(
            x["rate"], t, start=start, covariates=season, weights=x["n"], at=[float(h) for h in series.after_weeks]
        )
    except CannotEstimate as error:
        b.refuse(column, str(error))
        return
    for name, row in ROWS.items():
        if name in fit.estimates.names:
            b.estimate(row, column, fit.estimates[name], level=level)
    level_change = fit.estimates["change in level"]
    chance = frame.study.beyond.chance
    smallest = minimum_detectable_effect(level_change.se, alpha=1 - level, chance=chance, df=level_change.df)
    b.put(f"Smallest change in level that would be found {chance:.0%} of the time", column, mean=smallest)
    for h, effect in zip(series.after_weeks, fit.effects, strict=True):
        reached = h <= float((t - start).max())
        row = f"Difference {h} weeks after"
        if reached:
            b.estimate(row, column, effect, level=level)
            b.put(f"{row}: degrees of freedom", column, df=effect.df)
        else:
            b.put(row, column, verdict="the data do not reach so far")
    b.put("N", column, N=int(x["n"].min() // SESSIONS))
    b.put("Weeks before", column, count=fit.before)
    b.put("Weeks after", column, count=fit.after)
    b.put("Lags allowed for", column, count=fit.lags)
    b.put("Degrees of freedom", column, df=fit.estimates.df)
    b.drop(column, fit.dropped)

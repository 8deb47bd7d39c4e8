"""Two drawings of counts and shares, each with the rows it was drawn from: bars in bands, and lines against a bar."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sightline.web.colour import PALETTE

FONT = "Helvetica Neue, Helvetica, Arial, sans-serif"
INK, GRID = "#0b0c0c", "#b1b4b6"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawing and what stands beside it: the message, what a screen reader is told, and the table of its numbers.

    Each row is the text of its cells, the first its heading; every other column is of numbers.
    """

    message: str
    describes: str
    specification: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def bars(
    bands: Sequence[tuple[str, Sequence[int]]],
    series: Sequence[str],
    *,
    message: str,
    describes: str,
    across: str,
    up: str,
) -> Drawn:
    """Bars of counts, stacked by series, one for each band in the order given."""
    values = [
        {"band": band, "series": name, "number": number, "place": place}
        for band, numbers in bands
        for place, (name, number) in enumerate(zip(series, numbers, strict=True))
    ]
    specification = {
        "width": 640,
        "height": 240,
        "data": {"values": values},
        "mark": {"type": "bar"},
        "encoding": {
            "x": {"field": "band", "type": "ordinal", "sort": [band for band, _ in bands],
                  "axis": {"title": across, "labelAngle": 0, "grid": False}},
            "y": {"field": "number", "type": "quantitative", "axis": {"title": up, "tickMinStep": 1}},
            "color": {"field": "series", "type": "nominal", "sort": list(series),
                      "scale": {"domain": list(series), "range": list(PALETTE[: len(series)])},
                      "legend": {"title": None, "orient": "top"}},
            "order": {"field": "place", "type": "quantitative"},
        },
    }  # fmt: skip
    rows = tuple((band, *(f"{n:,}" for n in numbers)) for band, numbers in bands)
    return Drawn(message, describes, _text(specification), (across, *series), rows)


def lines(
    days: Sequence[date],
    series: dict[str, Sequence[float | None]],
    *,
    bar: float,
    message: str,
    describes: str,
    across: str,
    up: str,
) -> Drawn:
    """A small chart of percentages over some days for each series, all to one scale: a line with a gap where a value is
    missing, and a bar to reach. Lines of many series over each other could be told apart by nobody.
    """
    values = [
        {"day": day.isoformat(), "series": name, "percent": None if v is None else round(v, 2)}
        for name, numbers in series.items()
        for day, v in zip(days, numbers, strict=True)
    ]
    known = [v["percent"] for v in values if v["percent"] is not None]
    lowest = min([bar, *known])  # type: ignore[type-var]
    x = {
        "field": "day", "type": "temporal", "scale": {"type": "utc"},
        "axis": {"title": across, "format": "%-d %b", "labelAngle": 0, "labelOverlap": True, "grid": False,
                 "tickCount": min(4, max(1, len(days)))},
    }  # fmt: skip
    up_axis = {
        "type": "quantitative",
        "scale": {"domain": [max(0, 10 * int(lowest // 10) - 5), 100], "zero": False, "nice": False},
        "axis": {"title": up, "tickCount": 4},
    }
    y = {"field": "percent", **up_axis}
    specification = {
        "data": {"values": values},
        "facet": {"field": "series", "type": "nominal", "sort": list(series),
                  "header": {"title": None, "labelAnchor": "start", "labelFontSize": 16, "labelFontWeight": "bold",
                             "labelLimit": 290, "labelColor": INK}},
        "columns": 2,
        "spec": {
            "width": 290,
            "height": 130,
            "layer": [
                {"mark": {"type": "rule", "strokeDash": [6, 4], "color": INK},
                 "encoding": {"y": {"datum": bar, **up_axis}}},
                {"mark": {"type": "line", "invalid": "break-paths-show-domains", "strokeWidth": 3, "color": PALETTE[0]},
                 "encoding": {"x": x, "y": y}},
                {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1, "color": PALETTE[0]},
                 "encoding": {"x": x, "y": y}},
            ],
        },
    }  # fmt: skip
    rows = tuple(
        (f"{day.day} {day:%b %Y}", *("" if v is None else f"{v:.1f}%" for v in numbers))
        for day, numbers in zip(days, zip(*series.values(), strict=True), strict=True)
    )
    return Drawn(message, describes, _text(specification), (across, *series), rows[::-1])


def _text(specification: dict[str, Any]) -> str:
    config = {
        "font": FONT,
        "aria": False,
        "axis": {"labelFontSize": 14, "titleFontSize": 14, "labelColor": INK, "titleColor": INK, "gridColor": GRID,
                 "titleFontWeight": "normal"},
        "legend": {"labelFontSize": 14, "labelColor": INK},
        "view": {"stroke": None},
    }  # fmt: skip
    whole = {"background": "#ffffff", "padding": 5, "config": config, **specification}
    return json.dumps(whole, separators=(",", ":"))

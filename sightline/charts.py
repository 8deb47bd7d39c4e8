"""One grammar of charts (Vega-Lite) for pages and printed figures: colours, type, and two kinds of drawing.

A specification is plain data, so a page can hand it to the browser and `svg` and `png` can draw it here. Whoever draws
gives the numbers beside it as a table and says in words what the drawing shows.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

PALETTE: Final = ("#12436D", "#28A197", "#801650", "#F46A25")
"""Government Analysis Function categorical palette, in the order in which neighbours can be told apart."""
MORE: Final = (*PALETTE, "#3D3D3D", "#A285D1")
"""The whole palette: more than six series are not told apart by colour."""
FONT: Final = "Helvetica Neue, Helvetica, Arial, sans-serif"
PRINT_FONT: Final = "Liberation Sans, Arial, Helvetica, sans-serif"
"""What a figure drawn here is set in: it comes with the program that draws, so every machine draws the same bytes."""
INK, GRID = "#0b0c0c", "#b1b4b6"
SHAPES: Final = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down")
"""Each series has a shape of its own besides its colour."""
SIZE: Final = 14
WIDE: Final = 640


@dataclass(frozen=True, slots=True)
class Point:
    """One figure to draw: where, of which series and panel, its value and interval, and words to print beside it."""

    x: str
    series: str
    value: float
    panel: str = ""
    low: float | None = None
    high: float | None = None
    says: str = ""


def lines(points: Sequence[Point], *, x: str, y: str) -> dict[str, Any]:
    """A line for each series over the places of `x` in the order given, a panel for each panel, words at line ends.

    The upright axis starts at nought, so that heights compare.
    """
    series = _order(p.series for p in points)
    places = _order(p.x for p in points)
    across: dict[str, Any] = {
        "field": "x",
        "type": "ordinal",
        "sort": places,
        # Room at the right for the words at line ends.
        "scale": {"paddingOuter": 0.75},
        "axis": {"title": x, "labelAngle": 0, "grid": False, "ticks": False, "domainColor": INK},
    }
    up = {"field": "value", "type": "quantitative", "scale": {"zero": True, "nice": True}, "title": y}
    colour = _colour(series)
    base: dict[str, Any] = {"x": across, "y": up}
    layers: list[dict[str, Any]] = [
        {"mark": {"type": "line", "strokeWidth": 3}, "encoding": base | {"color": colour}},
        {
            "mark": {"type": "point", "filled": True, "size": 70, "opacity": 1},
            "encoding": base | {"color": colour, "shape": _shape(series)},
        },
    ]
    if any(p.low is not None for p in points):
        layers.append(
            {
                "mark": {"type": "rule", "strokeWidth": 1.5},
                "encoding": base | {"y": up | {"field": "low"}, "y2": {"field": "high"}, "color": colour},
            }
        )
    if any(p.says for p in points):
        layers.append(
            {
                "transform": [{"filter": "datum.says != ''"}],
                "mark": {"type": "text", "align": "left", "dx": 8, "fontSize": SIZE},
                "encoding": base | {"text": {"field": "says", "type": "nominal"}, "color": colour},
            }
        )
    panels = _order(p.panel for p in points)
    return _whole(points, layers, panels, width=WIDE if len(panels) == 1 else 300, height=300, columns=True)


def intervals(points: Sequence[Point], *, x: str, panels_free: bool = False, line: str = "") -> dict[str, Any]:
    """An estimate with its interval on a line of its own for each place, series side by side, and a rule at nought.

    Places stand from top to bottom in the order given; `panels_free` gives each panel its own scale; `line` joins the
    estimates of one series, for places that are a sequence.
    """
    series = _order(p.series for p in points)
    places = _order(p.x for p in points)
    many = len(places) > 30
    down: dict[str, Any] = {
        "field": "x",
        "type": "nominal",
        "sort": places,
        "axis": {"title": line or None, "labelLimit": 340, "grid": False, "ticks": False, "labels": not many,
                 "domainColor": INK},
    }  # fmt: skip
    beside = {"yOffset": {"field": "series", "type": "nominal", "sort": series}} if len(series) > 1 else {}
    across = {"type": "quantitative", "title": x, "scale": {"zero": True, "nice": True}}
    colour = _colour(series)
    layers: list[dict[str, Any]] = [
        {"data": {"values": [{}]}, "mark": {"type": "rule", "color": INK, "strokeWidth": 1}, "encoding":
            {"x": {"datum": 0, "type": "quantitative"}}},
        {
            "mark": {"type": "rule", "strokeWidth": 1 if many else 2},
            "encoding": {"y": down, "x": across | {"field": "low"}, "x2": {"field": "high"}, "color": colour} | beside,
        },
        {
            "mark": {"type": "point", "filled": True, "size": 16 if many else 70, "opacity": 1},
            "encoding": {"y": down, "x": across | {"field": "value"}, "color": colour, "shape": _shape(series)}
            | beside,
        },
    ]  # fmt: skip
    panels = _order(p.panel for p in points)
    step = 3 if many else max(26, 16 * len(series) + 8)
    return _whole(points, layers, panels, width=420, height=step * len(places), columns=False, free=panels_free)


def ranked(values: Sequence[tuple[str, float]], *, x: str) -> dict[str, Any]:
    """A percentage of each group as a bar from nought with its number at the end, from top to bottom in the order
    given."""
    most = max(10.0, *(value for _, value in values))
    across = {"field": "value", "type": "quantitative", "scale": {"domain": [0, most], "nice": True}}
    up = {"field": "name", "type": "nominal", "sort": None, "axis": {"title": None, "labelLimit": 320}}
    return {
        "width": 460,
        "height": {"step": 30},
        "background": "#ffffff",
        "padding": 5,
        "data": {"values": [{"name": n, "value": round(v, 2), "says": f"{v:.1f}%"} for n, v in values]},
        "encoding": {"y": up, "x": across | {"axis": {"title": x, "tickCount": 6}}},
        "layer": [
            {"mark": {"type": "bar", "color": PALETTE[0]}},
            {"mark": {"type": "text", "align": "left", "dx": 4, "fontSize": SIZE, "color": INK},
             "encoding": {"text": {"field": "says"}}},
        ],
        "config": config(),
    }  # fmt: skip


def _order(values: Any) -> list[str]:
    return list(dict.fromkeys(values))


def _colour(series: Sequence[str]) -> dict[str, Any]:
    legend = {"title": None, "orient": "top", "labelLimit": 400, "symbolSize": 90} if len(series) > 1 else None
    scale = {"domain": list(series), "range": [MORE[i % len(MORE)] for i in range(len(series))]}
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _shape(series: Sequence[str]) -> dict[str, Any]:
    scale = {"domain": list(series), "range": [SHAPES[i % len(SHAPES)] for i in range(len(series))]}
    legend = {"title": None, "orient": "top"} if len(series) > 1 else None
    return {"field": "series", "type": "nominal", "scale": scale, "legend": legend}


def _whole(
    points: Sequence[Point],
    layers: Sequence[Mapping[str, Any]],
    panels: Sequence[str],
    *,
    width: int,
    height: int,
    columns: bool,
    free: bool = False,
) -> dict[str, Any]:
    values = [
        {"x": p.x, "series": p.series, "value": p.value, "panel": p.panel, "low": p.low, "high": p.high, "says": p.says}
        for p in points
    ]
    drawing: dict[str, Any] = {"layer": list(layers), "width": width, "height": height}
    found: dict[str, Any] = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "background": "#ffffff",
        "padding": 10,
        "data": {"values": values},
        "config": config(),
    }
    if len(panels) == 1:
        return found | drawing
    header = {"title": None, "labelFontSize": SIZE + 1, "labelFontWeight": "bold", "labelColor": INK}
    way = "column" if columns else "row"
    found |= {
        "facet": {way: {"field": "panel", "type": "nominal", "sort": list(panels), "header": header}},
        "spec": drawing,
    }
    if not columns:
        header |= {"labelAngle": 0, "labelAlign": "left", "labelOrient": "top", "labelAnchor": "start"}
    if free:
        found["resolve"] = {"scale": {"x": "independent"}}
    return found


def config() -> dict[str, Any]:
    """The look shared by every chart."""
    return {
        "font": FONT,
        "aria": False,
        "axis": {
            "labelFontSize": SIZE,
            "titleFontSize": SIZE,
            "labelColor": INK,
            "titleColor": INK,
            "gridColor": GRID,
            "titleFontWeight": "normal",
        },
        "legend": {"labelFontSize": SIZE, "labelColor": INK},
        "view": {"stroke": None},
    }


def printable(specification: Mapping[str, Any]) -> str:
    """A specification as text, set in the font that comes with the drawing program."""
    return json.dumps(specification).replace(FONT, PRINT_FONT)


def svg(specification: Mapping[str, Any]) -> str:
    """The drawing as SVG text; the same specification gives the same text. No network is used."""
    return str(_drawer().vegalite_to_svg(printable(specification)))


def png(specification: Mapping[str, Any], *, scale: float = 2.0) -> bytes:
    """The drawing as a PNG image, twice the size on the page so that it prints sharp."""
    return bytes(_drawer().vegalite_to_png(printable(specification), scale=scale))


def _drawer() -> Any:
    # Only when something is drawn: it holds a whole script engine. Its own threads are no use to one drawing.
    os.environ.setdefault("RUST_LOG", "error")
    import vl_convert

    return vl_convert

"""How far each source agrees with the others, week by week, against the bar."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline import operations
from sightline.web import facts
from sightline.web.pages.exceptions import system_in_words
from sightline.web.work.drawing import Drawn, lines


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    rows = operations.accuracy_by_week(held.opened).to_pylist()
    latest = max((r["week"] for r in rows), default=None)
    context = {
        "facts": held,
        "bar": held.opened.settings.accuracy_bar_percent,
        "latest": [{**r, "name": system_in_words(r["system"])} for r in rows if r["week"] == latest],
        "week": latest,
        "chart": drawn(rows, held.opened.settings.accuracy_bar_percent),
    }
    return render(request, "exceptions/accuracy.html", context)


def drawn(rows: list[dict[str, Any]], bar: float) -> Drawn | None:
    """Accuracy by week as a small chart for each source."""
    if not rows:
        return None
    weeks = sorted({r["week"] for r in rows})
    systems = sorted({r["system"] for r in rows})
    held = {(r["system"], r["week"]): r["percent"] for r in rows}
    latest = [r for r in rows if r["week"] == weeks[-1]]
    below = [r for r in latest if r["below"]]
    message = (
        f"{len(below)} of {len(latest)} sources are below the bar of {bar:g}%"
        if below
        else f"Every source is at or above the bar of {bar:g}%"
    )
    said = "; ".join(f"{system_in_words(r['system'])} {r['percent']:.1f}%" for r in latest)
    return lines(
        weeks,
        {system_in_words(s): [held.get((s, week)) for week in weeks] for s in systems},
        bar=bar,
        message=message,
        describes=f"A line chart for each source of the share of children on whom it agrees with the others, by week, "
        f"for {len(weeks)} weeks, with the bar at {bar:g}%. In the latest week: {said}.",
        across="Week beginning",
        up="Agree (%)",
    )

"""The match rate of schools and teams: who sees children, who does not yet, and what is missing."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.disclosure import LOCAL
from sightline.operations import Gate
from sightline.web import facts
from sightline.web.authz.matched import SCHOOL, TEAM
from sightline.web.authz.matrix import FIGURES
from sightline.web.people.models import ScopeKind

# The roles that put the data right see every count; to others a count below what may leave could say who somebody is.
SEES_COUNTS = frozenset({"virtual_school_head", "data_officer"})
FEWEST = LOCAL.threshold
FEW = f"Fewer than {FEWEST}"


def view(request: HttpRequest) -> HttpResponse:
    """Counts only: no child is shown here."""
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    access = held.access
    all_of_them = any(g.scope == ScopeKind.AUTHORITY for g in access.grants)
    gates = facts.gates(access.sealed) if all_of_them else tuple(access.gates())
    exact = access.role is not None and access.role.key in SEES_COUNTS
    figures_alone = access.sees == FIGURES
    if figures_alone:
        # Beside the figures that hide small numbers these counts would tell them, and so would the rates: nothing but
        # whether a school or a team sees children, where there are enough for that to say nothing of any of them.
        gates = tuple(g for g in gates if g.children >= FEWEST)
    shown = [
        without_numbers(g) if figures_alone else as_shown(g, exact) for g in sorted(gates, key=lambda g: g.is_open)
    ]
    context = {
        "facts": held,
        "schools": [g for g in shown if g["kind"] == SCHOOL],
        "teams": [g for g in shown if g["kind"] == TEAM],
        "all_of_them": all_of_them,
        "figures_alone": figures_alone,
        "fewest": FEWEST,
        "bar": held.opened.settings.match_rate_bar_percent,
    }
    return render(request, "clerical/match_rate.html", context)


def without_numbers(gate: Gate) -> dict[str, Any]:
    """One school or team as those read it who see figures alone."""
    told = dict.fromkeys(("children", "lacking", "found", "explained", "percent"))
    return {"kind": gate.kind, "name": gate.name, "open": gate.is_open, **told, "missing": [],
            "last_marks": gate.last_marks}  # fmt: skip


def as_shown(gate: Gate, exact: bool) -> dict[str, Any]:
    """One school or team as this role may read it. With a small count hidden, what it could be worked out from is too:
    then neither how many were found nor the rate is told."""
    lacking = gate.children - gate.found - gate.explained
    plain = exact or not any(0 < n < FEWEST for n in (gate.children, lacking, gate.explained))
    return {
        "kind": gate.kind,
        "name": gate.name,
        "open": gate.is_open,
        "children": counted(gate.children, exact),
        "lacking": counted(lacking, exact),
        "found": f"{gate.found:,}" if plain else None,
        "explained": f"{gate.explained:,}" if plain else None,
        "percent": gate.percent if plain else None,
        "missing": [(says, counted(n, exact)) for says, n in gate.missing],
        "last_marks": gate.last_marks,
    }


def counted(n: int, exact: bool) -> str:
    return FEW if 0 < n < FEWEST and not exact else f"{n:,}"

"""Figures that disagree: any two numbers side by side, their difference split by cause, and each return compared."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline import operations
from sightline.operations import Difference, Side
from sightline.reconciliation.differ import WHATS
from sightline.vocabulary.dates import RIGHT_DAY, typed_day
from sightline.vocabulary.errors import SightlineError
from sightline.web import facts

KINDS = (
    ("dashboard", "The dashboard"),
    ("cin-census", "A CIN census"),
    ("school-census", "A school census"),
    ("number", "A number I was told"),
    ("list", "A list I have as a file"),
)
MOST_BYTES = 20_000_000


class WrongField(SightlineError):
    """What a person should put right, and the field of the form it is in."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    problem, wrong, told = "", "", None
    asked = {side: _asked(request.POST, side) for side in ("first", "second")}
    if request.method == "POST":
        try:
            told = _compare(request, held, asked)
        except SightlineError as error:
            problem, wrong = str(error), error.field if isinstance(error, WrongField) else ""
    days = held.chart("days of returns", lambda: operations.returns_held(held.opened))
    context = {
        "facts": held,
        "kinds": KINDS,
        "whats": [(w.code, w.says) for w in WHATS],
        "asked": asked,
        "problem": problem,
        "wrong": {wrong: problem} if wrong else {},
        "told": told,
        "difference": told.second - told.first if told is not None else 0,
        "children": len(told.children) if told is not None else 0,
        "returns": [
            *held.of_role("returns compared", lambda: operations.compare_returns(held.opened, held.scope))
        ] if request.GET.get("returns") == "yes" else None,
        "returns_held": days,
    }  # fmt: skip
    return render(request, "disagree/page.html", context)


def _asked(post: Mapping[str, Any], side: str) -> dict[str, str]:
    """What one half of the form holds."""
    kinds, whats = dict(KINDS), {w.code for w in WHATS}
    kind, what = post.get(f"{side}_kind", ""), post.get(f"{side}_what", "")
    return {
        "kind": kind if kind in kinds else "dashboard",
        "what": what if what in whats else "on-plan",
        "day": post.get(f"{side}_day", "").strip(),
        "number": post.get(f"{side}_number", "").strip(),
    }


def _compare(request: HttpRequest, held: facts.Facts, asked: dict[str, dict[str, str]]) -> Difference:
    with tempfile.TemporaryDirectory() as folder:
        sides = [_side(request, asked[name], name, Path(folder)) for name in ("first", "second")]
        return operations.compare(held.opened, held.scope, *sides)


def _side(request: HttpRequest, asked: dict[str, str], name: str, folder: Path) -> Side:
    """One side of the question. Raises SightlineError with what the person should put right."""
    words = "first" if name == "first" else "second"
    day = typed_day(asked["day"])
    if asked["day"] and day is None:
        raise WrongField(f"The day of the {words} figure: {RIGHT_DAY[:1].lower()}{RIGHT_DAY[1:]}.", f"{name}_day")
    kind, what = asked["kind"], asked["what"]
    if kind == "dashboard":
        return Side("dashboard", what, day)
    if kind == "number":
        plain = asked["number"].replace(",", "").replace(" ", "")
        if not (plain.isascii() and plain.isdigit() and len(plain) < 9):
            raise WrongField(f"Give the {words} number in digits.", f"{name}_number")
        return Side("number", what, day, number=int(plain))
    if kind == "list":
        file = request.FILES.get(f"{name}_file")
        if file is None or not file.name:
            raise WrongField(f"Choose the file of the {words} list.", f"{name}_file")
        if (file.size or 0) > MOST_BYTES:
            raise WrongField(f"The {words} list is larger than {MOST_BYTES // 1_000_000} MB.", f"{name}_file")
        path = folder / f"{words} list"
        with path.open("wb") as out:
            for piece in file.chunks():
                out.write(piece)
        return Side("list", what, day, path=path)
    return Side("return", what, day, system=kind)

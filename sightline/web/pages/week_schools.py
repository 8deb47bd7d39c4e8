"""The week's list by school, for those who may not open its children: which school to ring, and about what."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.web import facts
from sightline.web.pages import week


@dataclass(frozen=True, slots=True)
class SchoolWeek:
    """One school's part of the week's list: entries by reason, in the order of urgency. No child is named."""

    name: str
    entries: int
    reasons: tuple[tuple[str, int], ...]


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html")
    rows = held.week_list()
    together: dict[str, tuple[str, Counter[str]]] = {}
    names, urns, reasons = (rows[c].to_pylist() for c in ("school_name", "urn", "reason"))
    for name, urn, reason in zip(names, urns, reasons, strict=True):
        said = name or urn or "No school found, or none needed"
        together.setdefault(urn or "", (said, Counter()))[1][reason] += 1
    schools = [
        SchoolWeek(
            name,
            counted.total(),
            tuple((week.BY_CODE[c].name, counted[c]) for c in sorted(counted, key=week.PLACE.__getitem__)),
        )
        for name, counted in together.values()
    ]
    schools.sort(key=lambda s: (-s.entries, s.name.casefold()))
    return render(request, "week/schools.html", {"facts": held, "schools": schools, "entries": rows.num_rows})

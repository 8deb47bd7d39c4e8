"""One child's page. Opening it is recorded before anything of it leaves."""

from __future__ import annotations

import uuid
from datetime import date
from typing import Any

import pyarrow as pa
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse

from sightline.operations import ChildFacts
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.tables import Sensitivity
from sightline.web import facts
from sightline.web.authz.door import open_child
from sightline.web.authz.matrix import PAGES
from sightline.web.pages import charts
from sightline.web.pages.child_story import story
from sightline.web.pages.cohort import name_of, no_school, reader
from sightline.web.people.models import Child
from sightline.web.trusted import keeping as trusted

TABS = (("child", "Record"), ("child_attendance", "Attendance"), ("child_looked", "Who has looked"))


def view(request: HttpRequest, public_id: uuid.UUID) -> HttpResponse:
    child = open_child(request, public_id)
    held = facts.of(request)
    if held is None:
        raise RuntimeError("A child is visible although no snapshot is held.")
    found, shared = held.child(child), held.shares(child)
    if not shared:
        found = found.without_care()
    seen = reader(held.access)
    schools = held.access.schools
    enrolments, weeks, suspensions, periods = own_school(found, held)
    if held.access.role is not None and held.access.role.statuses is not None:
        periods = [r for r in periods if r["status"] in held.access.role.statuses]
    status, helped = held.status(child) if shared else None, held.on_early_help(child)
    episodes = found.episodes.to_pylist() if held.access.of_early_help else []
    workers = found.workers.to_pylist()
    suspensions = [{**r, "says": said(r)} for r in suspensions]
    first = held.chart_start()
    context = {
        "facts": held,
        "child": child,
        "tabs": tabs_of(request, child),
        "name": seen(Sensitivity.IDENTITY, name_of(found.person)),
        "status": status,
        "helped": helped,
        "of_early_help": held.access.of_early_help,
        "shared": shared,
        "episodes": episodes,
        "no_school": no_school((status or helped or {}).get("school_age")),
        "facts_of_child": key_facts(found.person, seen),
        "periods": periods,
        "workers": workers,
        "schools": enrolments,
        "suspensions": suspensions,
        "chart": charts.attendance(
            charts.weeks_of(weeks, first, held.newest), whose="this child", settings=held.opened.settings
        ),
        "weeks": [with_rate(r) for r in weeks],
        "only_own_school": schools is not None,
        "adults": adults_of(request, child),
        "sources": sources(found, helped=bool(episodes)),
        **story(
            held, child, wanted=request.GET.get("kind", ""), status=status, helped=helped, shared=shared,
            periods=periods, workers=workers, schools=enrolments, suspensions=suspensions, episodes=episodes,
        ),
    }  # fmt: skip
    registrations = {c.code: c.meaning for c in code_list("enrolment_status")}
    return render(request, "child/page.html", {**context, "registrations": registrations})


def adults_of(request: HttpRequest, child: Child) -> trusted.Held | None:
    """The child's trusted adults, for those who may read them."""
    access = request.access  # type: ignore[attr-defined]
    return trusted.held_of(child, access, facts.scope_day(request)) if access.may_open("child_trusted") else None


Rows = list[dict[str, Any]]


def own_school(found: ChildFacts, held: facts.Facts) -> tuple[Rows, Rows, Rows, Rows]:
    """Registrations, weeks, suspensions and plans as this person may read them: a school reads its own registers, and
    plans that touch the child's time on its roll; nothing from elsewhere."""
    enrolments, weeks, suspensions, periods = (
        t.to_pylist() for t in (found.schools, found.weeks, found.suspensions, found.periods)
    )
    schools = held.access.schools
    if schools is None:
        return enrolments, weeks, suspensions, periods
    enrolments = [r for r in enrolments if r["urn"] in schools]
    return (
        enrolments,
        [r for r in weeks if r["urn"] in schools and _within(r["week"], None, enrolments, held.newest)],
        [r for r in suspensions if r["urn"] in schools],
        [r for r in periods if _within(r["start_date"], r["end_date"], enrolments, held.newest, open_end=True)],
    )


def tabs_of(request: HttpRequest, child: Child) -> list[dict[str, Any]]:
    """The pages of one child that this role may open."""
    role, match = request.access.role, request.resolver_match  # type: ignore[attr-defined]
    return [
        {
            "text": text,
            "href": reverse(name, args=[child.public_id]),
            "current": match is not None and match.view_name == name,
        }
        for name, text in TABS
        if PAGES[name].allows("GET", signed_in=True, role=role.key if role is not None else None)
    ]


def _within(
    start: date | None, end: date | None, enrolments: list[dict[str, Any]], on: date, *, open_end: bool = False
) -> bool:
    """Whether a week (by its Monday) or a closed-open period touches any of these registrations."""
    first = start or date.min
    last = end or (date.max if open_end else first)
    for each in enrolments:
        entered, left = each["start_date"] or date.min, each["end_date"] or date.max
        # The week in which a child joined or left is shown whole: its marks are this school's own.
        if first < left and (last >= entered or (not open_end and (entered - first).days < 7)):
            return True
    return False


def with_rate(row: dict[str, Any]) -> dict[str, Any]:
    """A register's week with its attendance rate."""
    week = charts.Week(row["week"], row["possible"] or 0, row["authorised"] or 0, row["unauthorised"] or 0)
    return {**row, "rate": week.rate}


def key_facts(person: dict[str, Any], seen: Any) -> list[tuple[str, Any]]:
    """What says who the child is, each as the role may read it."""
    sexes = {c.code: c.meaning for c in code_list("sex")}
    ethnicities = {c.code: c.meaning for c in code_list("ethnicity")}
    sex, ethnicity = person.get("sex"), person.get("ethnicity")
    return [
        ("Date of birth", seen(Sensitivity.IDENTITY, person.get("birth_date"))),
        ("Sex", seen(Sensitivity.IDENTITY, sexes.get(sex, sex) if sex else None)),
        ("Unique pupil number", seen(Sensitivity.IDENTITY, person.get("upn"))),
        ("Home postcode", seen(Sensitivity.LOCATION, person.get("postcode"))),
        ("Ethnicity", seen(Sensitivity.SPECIAL, ethnicities.get(ethnicity, ethnicity) if ethnicity else None)),
        ("Free school meals", seen(Sensitivity.EDUCATION, _meals(person))),
        ("Deprivation of the home’s area", seen(Sensitivity.EDUCATION, _deprivation(person))),
    ]


def _meals(person: dict[str, Any]) -> str | None:
    """Free school meals now and in the last six years, in words; None where nothing says."""
    now, ever = person.get("fsm"), person.get("fsm_ever_6")
    if now:
        return "Eligible"
    if ever:
        return "Not recorded as eligible now; eligible in the last six years (Ever 6 FSM)"
    if ever is False:
        return "Not eligible in the last six years"
    return "Not eligible" if now is False else None


def _deprivation(person: dict[str, Any]) -> str | None:
    """The tenth of small areas the home lies in, in words; None where the home cannot be placed."""
    decile, edition = person.get("idaci_decile"), person.get("idaci_edition")
    if decile is None:
        return None
    end = {1: ", the most deprived", 10: ", the least deprived"}.get(decile, "")
    return f"{decile} of 10{end} (income deprivation affecting children, {edition})"


def said(row: dict[str, Any]) -> dict[str, str]:
    """The codes of a suspension in words, as they stood on its first day."""
    day = row["start_date"]
    found = {}
    for name, field in (("exclusion_category", "category"), ("exclusion_reason", "reason1")):
        code = row.get(field)
        held = [c for c in code_list(name) if c.code == code and (day is None or c.holds_on(day))]
        held = held or [c for c in code_list(name) if c.code == code]
        found[field] = held[0].meaning if held else (code or "Not given")
    return found


def sources(found: ChildFacts, *, helped: bool) -> list[tuple[str, date | None]]:
    """The files this page rests on (`helped`: it tells of Early Help): kind and day received, newest first."""
    held: set[tuple[str, date | None]] = set()
    tables = (found.periods, found.workers, found.schools, found.weeks, found.suspensions)
    for table in (*tables, *((found.episodes,) if helped else ())):
        held |= _files(table)
    return sorted(held, key=lambda f: (f[1] or date.min, f[0]), reverse=True)


def _files(table: pa.Table) -> set[tuple[str, date | None]]:
    kinds, days = table["delivery_kind"].to_pylist(), table["received_on"].to_pylist()
    return {(kind, day) for kind, day in zip(kinds, days, strict=True) if kind}

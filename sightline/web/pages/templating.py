"""The Jinja environment of the pages, and what every page knows."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

import jinja2
from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone

from sightline.operations.opened import REGISTER_OF_SCHOOLS
from sightline.operations.sheets import FORMS
from sightline.sources import SOURCES
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.dates import as_typed, day_in_words, typed_day
from sightline.vocabulary.systems import SYSTEMS
from sightline.web import assets
from sightline.web.authz.access import Access
from sightline.web.people import glass

_ISO_DAY = re.compile(r"\b\d{4}-\d{2}-\d{2}\b")
DAY_HINT = "For example, 27 3 2019"


def environment(**options: Any) -> jinja2.Environment:
    options["loader"] = jinja2.ChoiceLoader(
        [
            options["loader"],
            jinja2.PrefixLoader({"govuk_frontend_jinja": jinja2.PackageLoader("govuk_frontend_jinja")}),
        ]
    )
    options["trim_blocks"] = options["lstrip_blocks"] = True
    held = jinja2.Environment(**options)  # noqa: S701 - Django's backend passes autoescape=True
    held.filters.update(
        day=day,
        days_in_words=days_in_words,
        code_in_words=code_in_words,
        typed=typed,
        moment=moment,
        short_day=short_day,
        percent=percent,
        number=number,
        shown=shown,
        sentence=sentence,
        kind=kind,
        year=year,
    )
    held.globals.update(
        url=reverse, asset=asset, query=query, forms=FORMS, day_hint=DAY_HINT, service_name=settings.SIGHTLINE_NAME
    )
    return held


def every_page(request: HttpRequest) -> dict[str, Any]:
    """The navigation and the person, for the frame around each page."""
    access: Access | None = getattr(request, "access", None)
    signed_in = request.user.is_authenticated if hasattr(request, "user") else False
    match = request.resolver_match
    here = match.view_name if match is not None else ""
    navigation = []
    if signed_in and access is not None:
        listing = access.role.list_title if access.role is not None else ""
        wanted = [
            ("home", "Your day"), ("cohort", listing), ("early_help", listing), ("search", "Search"),
            ("dashboard", "Dashboard"),
            ("week", "This week"), ("trust", "Your trust"), ("teams", "Teams"), ("panel", "For panels"),
            ("absence_lists", "Absence lists"), ("closures", "Closures"), ("trusted_adults", "Trusted adults"),
            ("part_time", "Timetables and moves"),
            ("youth_justice" if access.may_open("youth_justice") else "youth_justice_figures", "Youth justice"),
            ("quality", "Data quality"),
            ("exceptions", "Exceptions"), ("users", "People"), ("access_review", "Access review"),
            ("retention", "What is kept"),
            ("definitions", "Definitions"),
        ]  # fmt: skip
        wanted = [(name, text) for name, text in wanted if access.may_open(name)]
        if access.may_open("week_schools") and not access.may_open("week"):
            wanted.insert(1, ("week_schools", "This week"))
        navigation = [{"href": reverse(name), "text": text, "current": here == name} for name, text in wanted]
        own = sorted(access.schools or ()) if access.may_open("school") else []
        if len(own) == 1:
            address = reverse("school", args=own)
            navigation.insert(1, {"href": address, "text": "Your school", "current": request.path == address})
    return {
        "signed_in": signed_in,
        "person": request.user if signed_in else None,
        "acting": access if signed_in else None,
        "navigation": navigation,
        "systems": {**SYSTEMS, REGISTER_OF_SCHOOLS: ""},  # which says nothing of a child
        "closed": access.closed if signed_in and access is not None else tuple,
        "emergencies": _emergencies(access) if here == "home" and access is not None else 0,
        "demonstration": settings.SIGHTLINE_DEMONSTRATION,
        "providers": settings.SIGHTLINE_PROVIDERS,
        "officers_open": bool(settings.SIGHTLINE_CHOSEN.officers_open),
        "htmx_config": (
            '{"includeIndicatorStyles":false,"allowEval":false,"selfRequestsOnly":true,'
            '"historyCacheSize":0,"refreshOnHistoryMiss":true,"globalViewTransitions":false}'
        ),
    }


def _emergencies(access: Access) -> int:
    """Records opened in an emergency that nobody has marked as seen, for those who mark them."""
    if not access.may_open("break_glass_log", "POST"):
        return 0
    return int(glass.untold().count())


@cache
def _stamp() -> str:
    return assets.built_from()[:12]


def asset(name: str) -> str:
    """The address of a file of the page, with the stamp of what it was built from so that it may be kept for ever."""
    return f"{static(name)}?v={_stamp()}" if name.startswith("built/") else static(name)


def query(**parameters: Any) -> str:
    """A query string of what is set, lists repeated."""
    return urlencode({k: v for k, v in parameters.items() if v not in (None, "", [], ())}, doseq=True)


def day(value: date | datetime | None, missing: str = "Not known") -> str:
    """12 October 2026."""
    return day_in_words(value) if value is not None else missing


def typed(value: date | str | None) -> str:
    """A day in a field as a person would type it, 12 10 2026; what they did type stays as it is."""
    return as_typed(value) if isinstance(value, date) else value or ""


def moment(value: datetime) -> str:
    """12 Oct 2026, 14:05, by the clock here."""
    here = timezone.localtime(value)
    return f"{here.day} {here:%b %Y, %H:%M}"


def short_day(value: date | None, missing: str = "") -> str:
    """12 Oct 2026."""
    return f"{value.day} {value:%b %Y}" if value is not None else missing


def days_in_words(text: str) -> str:
    """A text with its days as people write them: "from 2024-09-05" is "from 5 Sep 2024"."""

    def said(found: re.Match[str]) -> str:
        day = typed_day(found[0])
        return short_day(day) if day is not None else found[0]  # a day there is not is shown as it came

    return _ISO_DAY.sub(said, text)


def code_in_words(code: str) -> str:
    """A name that files and rules go by, as a reader has it: "plan-without-education" is "Plan without education"."""
    return sentence(code.replace("-", " ").replace("_", " ")) if code.islower() else code


def percent(value: float | None, missing: str = "No marks") -> str:
    """One decimal place: 91.3%."""
    return f"{value:.1f}%" if value is not None else missing


@cache
def _kinds() -> dict[str, str]:
    return {source.kind: source.says for source in SOURCES}


def kind(value: str | None) -> str:
    """A kind of received file in words: "ssd-cin-plans" is "Social care extract: Child in Need plans". The name a file
    format gives a list ("pupilonroll") is for those who make files."""
    if not value:
        return "Source not known"
    said = _kinds().get(value, value).replace("SSD: ", "Social care extract: ")
    # Only the list's own name, with which the kind ends: other words in brackets say what it is.
    return said.removesuffix(f" ({value.rpartition('-')[2]})")


@cache
def _years() -> dict[str, str]:
    return {code.code: code.meaning for code in code_list("year_group")}


def year(value: Any) -> Any:
    """A year group as people write it: 4 stays 4, and N2 is "Nursery, second year"."""
    return value if not isinstance(value, str) or value.isdigit() else _years().get(value, value)


def sentence(value: Any) -> Any:
    """A word as it begins a sentence or a cell: "assessment only" becomes "Assessment only"."""
    return value[:1].upper() + value[1:] if isinstance(value, str) else value


def number(value: int | None, missing: str = "Not known") -> str:
    return f"{value:,}" if value is not None else missing


def shown(value: Any, missing: str = "Not known") -> Any:
    return missing if value is None or value == "" else value

"""Part-time timetables, school moves and plans recorded late: who to ask about, most urgent first, and counts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from sightline.operations.counts import dashboard_tables as tables
from sightline.operations.lists import late_status as lateness
from sightline.operations.lists import moves as moved
from sightline.operations.lists import part_time as short
from sightline.operations.sheets import Grid
from sightline.vocabulary.dates import RIGHT_DAY, day_in_words, typed_day
from sightline.vocabulary.periods import academic_year, year_start
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.access import HIDDEN
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages.cohort import list_values, reader, rows_shown, with_places
from sightline.web.pages.paging import paged, window
from sightline.web.pages.tables import Sorting, file_of
from sightline.web.pages.templating import query

PAGE: Final = 50
MOST_DAYS: Final = 3_660  # back from today: ten years
Rows = list[dict[str, Any]]


def part_time(request: HttpRequest) -> HttpResponse:
    """The timetables of the children this person may open; a school reads its own alone."""
    held = facts.of(request)
    if held is None:
        return _nothing(request, "listed")
    every = _short(held)
    counted = Counter(key for row in every for key in row["problems"])
    options = [(p.key, f"{p.name} ({counted[p.key]:,})") for p in short.PROBLEMS if counted[p.key]]
    asked = _asked(request, "problem", options)
    wanted = [r for r in every if not asked or asked in r["problems"]]

    def own(row: dict[str, Any]) -> list[Any]:
        first = short.BY_KEY[row["problems"][0]].name if row["problems"] else None
        return [row["timetable_school"], row["start_date"], row["end_date"], row["agreed"], row["attended"],
                row["short"], first, row["worker_name"]]  # fmt: skip

    context = _list(request, held, wanted, own, asked={"problem": asked})
    context |= {
        "every": len(every),
        "options": options,
        "asked": asked,
        "problems": short.PROBLEMS,
        "by_key": short.BY_KEY,
        "grid_held": _sorted_grid(request, short.by_school(every)),
        "weeks": held.opened.settings.drift_recent_weeks,
        "most_weeks": held.opened.settings.part_time_weeks,
        "full_week": held.opened.settings.full_week_hours,
    }
    return render(request, "watched/part_time.html", context)


def part_time_workbook(request: HttpRequest) -> HttpResponse:
    """The counts by school as a workbook; a list of names is taken away by another page, with a purpose."""
    held = facts.of(request)
    if held is None:
        return _nothing(request, "exported")
    words = tuple((p.name, p.says) for p in short.PROBLEMS)
    grids = [_sorted_grid(request, short.by_school(_short(held)))]
    return _workbook(request, held, "Part-time timetables", grids, words, f"On {day_in_words(held.newest)}")


def moves(request: HttpRequest) -> HttpResponse:
    """The moves of the children this person may open, since the start of the school year or another day."""
    held = facts.of(request)
    if held is None:
        return _nothing(request, "listed")
    since, wrong = _since(request, held, _first_day(held))
    every = _moved(held, since)
    counted = Counter(row["move"] for row in every)
    options = [(m.key, f"{m.name} ({counted[m.key]:,})") for m in moved.MOVES if counted[m.key]]
    asked = _asked(request, "move", options)
    wanted = [r for r in every if not asked or r["move"] == asked]

    def own(row: dict[str, Any]) -> list[Any]:
        return [moved.BY_KEY[row["move"]].name, row["day"], row["from_school"], row["to_school"], row["move_kind"],
                row["worker_name"]]  # fmt: skip

    address = {"move": asked, "since": since.isoformat() if since != _first_day(held) else None}
    context = _list(request, held, wanted, own, asked=address)
    context |= {
        "every": len(every),
        "options": options,
        "asked": asked,
        "kinds": moved.MOVES,
        "by_key": moved.BY_KEY,
        "grid_held": _sorted_grid(request, moved.by_school(every)),
        "since": since,
        "wrong_since": wrong,
        "typed_since": request.GET["since"] if wrong else since,
    }
    return render(request, "watched/moves.html", context)


def moves_workbook(request: HttpRequest) -> HttpResponse:
    """The moves by school as a workbook of counts."""
    held = facts.of(request)
    if held is None:
        return _nothing(request, "exported")
    since, _ = _since(request, held, _first_day(held))
    words = tuple((m.name, m.says) for m in moved.MOVES)
    about = f"From {day_in_words(since)} to {day_in_words(held.newest)}"
    grids = [_sorted_grid(request, moved.by_school(_moved(held, since)))]
    return _workbook(request, held, "School moves", grids, words, about)


def late_status(request: HttpRequest) -> HttpResponse:
    """Plans that began since a day, by team and month, and those recorded late child by child."""
    held = facts.of(request)
    if held is None:
        return _nothing(request, "listed")
    since, wrong = _since(request, held, _year_before(held))
    every = _plans(held, since)
    wanted = [r for r in every if r["late"]]

    def own(row: dict[str, Any]) -> list[Any]:
        return [row["kind"], row["plan_start"], _outcome_days(held, row), row["unseen_days"], row["plan_team"]]

    address = {"since": since.isoformat() if since != _year_before(held) else None}
    context = _list(request, held, wanted, own, asked=address)
    for row in context["rows"]:
        row["outcome_days"] = _outcome_days(held, row["held"])
    context |= {
        "every": len(every),
        "grids": _late_grids(request, held, every),
        "since": since,
        "wrong_since": wrong,
        "typed_since": request.GET["since"] if wrong else since,
        "late_days": held.opened.settings.late_record_days,
    }
    return render(request, "watched/late_status.html", context)


def late_status_workbook(request: HttpRequest) -> HttpResponse:
    """The plans by team and month as a workbook of counts and days."""
    held = facts.of(request)
    if held is None:
        return _nothing(request, "exported")
    since, _ = _since(request, held, _year_before(held))
    grids = _late_grids(request, held, _plans(held, since))
    about = f"Plans that began from {day_in_words(since)} to {day_in_words(held.on)}"
    return _workbook(request, held, "Plans recorded late", grids, lateness.WORDS, about)


def _plans(held: Facts, since: date) -> Rows:
    return held.of_role(
        f"late plans since {since}",
        lambda: lateness.late_plans(held.opened, held.scope, with_places(held.cohort()), since, held.on),
    )


def _late_grids(request: HttpRequest, held: Facts, rows: Rows) -> list[Grid]:
    """The plans by team and by month, sorted as the address asks, and then their months in words."""
    days = held.opened.settings.late_record_days
    teams, months = Sorting(request.GET).grids([lateness.by_team(rows, days), lateness.by_month(rows, days)])
    named = ((f"{date.fromisoformat(f'{month}-01'):%B %Y}", *told) for month, *told in months.rows)
    return [teams, replace(months, rows=tuple(named))]


def _outcome_days(held: Facts, row: dict[str, Any]) -> Any:
    """The days from the outcome; of a conference for those who may read why a child is on a plan."""
    detail = row["outcome"] == "conference"
    return reader(held.access)(Sensitivity.CARE_DETAIL if detail else Sensitivity.CARE_STATUS, row["outcome_days"])


def _year_before(held: Facts) -> date:
    return held.on - timedelta(days=365)


def _short(held: Facts) -> Rows:
    def ask() -> Rows:
        children = with_places(held.cohort())
        return short.part_time(held.opened, held.scope, children, held.newest, schools=held.access.schools)

    return held.of_role("part-time timetables", ask)


def _moved(held: Facts, since: date) -> Rows:
    return held.of_role(
        f"moves since {since}",
        lambda: moved.moves(held.opened, held.scope, with_places(held.cohort()), since, held.newest),
    )


def _first_day(held: Facts) -> date:
    return year_start(academic_year(held.newest))


def _since(request: HttpRequest, held: Facts, usual: date) -> tuple[date, str]:
    """The first day the address asks for, and nothing; or the usual one, and what would be right instead."""
    said = request.GET.get("since", "").strip()
    asked = typed_day(said)
    if asked is None:
        return usual, RIGHT_DAY if said else ""
    if not 0 <= (held.on - asked).days < MOST_DAYS:
        return usual, f"Write a day of the ten years to {day_in_words(held.on)}"
    return asked, ""


def _list(
    request: HttpRequest,
    held: Facts,
    wanted: Rows,
    own: Callable[[dict[str, Any]], list[Any]],
    *,
    asked: dict[str, str | None],
) -> dict[str, Any]:
    """A page of the list as this role may read it, recorded: sorted by name, then by the columns `own` gives."""
    sorting = Sorting(request.GET)
    own_values = [own(row) for row in wanted]
    names = list_values(wanted, held.access, ("name",))
    hidden = reader(held.access)(Sensitivity.EDUCATION, "") is HIDDEN
    values = [
        [*name, *((None,) * len(told) if hidden else map(_sortable, told))]
        for name, told in zip(names, own_values, strict=True)
    ]
    ordered = [wanted[n] for n in sorting.places("list", values)]
    page, pages = paged(request.GET, len(ordered), PAGE)
    shown = ordered[(page - 1) * PAGE : page * PAGE]
    audit.disclosed(request, [r["child_id"] for r in shown], action="listed", fields=fields_shown(request))
    return {
        "facts": held,
        "rows": [{**row, "held": raw} for row, raw in zip(rows_shown(shown, held.access), shown, strict=True)],
        "found": len(wanted),
        "sorting": sorting,
        "taken": query(**asked, **sorting.kept()),
        "page": page,
        "pages": pages,
        "window": window(page, pages),
        "address": lambda n: "?" + query(**asked, page=n if n > 1 else None, **sorting.kept()),
    }


def _sortable(value: Any) -> Any:
    if value is HIDDEN:
        return None
    return value.toordinal() if isinstance(value, date) else value


def _asked(request: HttpRequest, name: str, options: Sequence[tuple[str, str]]) -> str:
    """What the address asks for; a value nobody on the list has is left out."""
    asked = request.GET.get(name, "")
    return asked if asked in dict(options) else ""


def _sorted_grid(request: HttpRequest, grid: Grid) -> Grid:
    return Sorting(request.GET).grid("schools", grid)


def _workbook(
    request: HttpRequest, held: Facts, title: str, grids: list[Grid], words: tuple[tuple[str, str], ...], about: str
) -> HttpResponse:
    made = tables.book(held.opened, title, grids, about=about, filters="None", mark=tables.TRUE, words=words)
    audit.disclosed(request, [], action="exported", fields=fields_shown(request), purpose="own use")
    name = title.lower().replace(" ", "-")
    return file_of(made, f"{name}-true-figures-{held.newest}", request.GET.get("form", "xlsx"))


def _nothing(request: HttpRequest, action: str) -> HttpResponse:
    purpose = "nothing held" if action == "exported" else ""
    audit.disclosed(request, [], action=action, fields=fields_shown(request), purpose=purpose)
    return render(request, "pages/nothing.html")

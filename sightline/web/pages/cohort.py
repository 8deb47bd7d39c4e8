"""The cohort page: filters, three figures, one chart and its table, and a list that sorts and pages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from sightline.cohort import STATUSES
from sightline.vocabulary.codes import code_list
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.access import HIDDEN, Access
from sightline.web.authz.door import fields_shown
from sightline.web.authz.matrix import PAGES
from sightline.web.pages import charts
from sightline.web.pages.paging import asked_page, window
from sightline.web.pages.templating import query
from sightline.web.people.models import Child

PAGE = 25
BAND_PARTS = ("and above", " to ", "below")  # the order of bands, whatever their limits are set to
NOT_HELD = "none"  # how an address says "no team" or "no school"
# Where no school is found, and none need be: by `school_age` of `cohort.status_on`.
OUT_OF_AGE = {"below": "Below school age", "above": "Above school age"}
NO_SCHOOL, NO_YEAR, YEAR_OUT_OF_AGE = "No school found", "Year group not known", "Not of school age"


@dataclass(frozen=True, slots=True)
class Filter:
    """One filter: its name in the address, its column, the column that names its values, and its label."""

    name: str
    column: str
    says_column: str
    label: str
    missing: str


FILTERS = (
    Filter("plan", "status", "status", "Plan", "No plan"),
    Filter("team", "team_name", "team_name", "Team", "No team"),
    Filter("school", "school_place", "school_says", "School", NO_SCHOOL),
    Filter("phase", "phase", "phase", "Phase", "Phase not known"),
    Filter("year", "year_says", "year_says", "Year group", NO_YEAR),
    Filter("band", "attendance_band", "attendance_band", "Attendance this school year", "No marks"),
)
SORTS = {
    "name": ("Name", ("surname", "forename")),
    "year": ("Year group", ("year_place",)),
    "school": ("School", ("school_name",)),
    "plan": ("Plan", ("status",)),
    "since": ("Since", ("since",)),
    "worker": ("Social worker", ("worker_name",)),
    "attendance": ("Attendance this school year", ("attendance_rate",)),
}
YEAR_PLACE = {code.code: place for place, code in enumerate(code_list("year_group"))}


@dataclass(frozen=True, slots=True)
class Choice:
    """What the address asks for. `left_out` names filters whose value nobody in the cohort has."""

    chosen: dict[str, tuple[str, ...]]
    sort: str = "name"
    descending: bool = False
    page: int = 1
    left_out: tuple[str, ...] = ()

    def address(self, **changed: Any) -> str:
        """The query string of this choice with some parts changed."""
        held = replace(self, **changed)
        return "?" + query(
            **held.chosen,
            sort=held.sort if held.sort != "name" else None,
            order="desc" if held.descending else None,
            page=held.page if held.page > 1 else None,
        )

    def resort(self, key: str) -> str:
        return self.address(sort=key, descending=not self.descending if key == self.sort else False, page=1)


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    rows, options, counted = held.of_role("cohort page", lambda: _whole(held.cohort()))
    choice = choice_of(request.GET, options)
    found = ordered(filtered(rows, choice), choice)
    pages = max(1, -(-found.num_rows // PAGE))
    choice = replace(choice, page=min(choice.page, pages))
    shown = found.slice((choice.page - 1) * PAGE, PAGE).to_pylist()
    # A list discloses each child on the page that is shown; counts and the chart are of the whole result.
    audit.disclosed(request, [row["child_id"] for row in shown], action="listed", fields=fields_shown(request))
    context = {
        "facts": held,
        "choice": choice,
        "filters": [(f, options[f.name]) for f in FILTERS],
        "rows": rows_shown(shown, held.access),
        "sorts": SORTS,
        "found": found.num_rows,
        "all": rows.num_rows,
        "pages": pages,
        "window": window(choice.page, pages),
        "first": (choice.page - 1) * PAGE + 1,
        "last": min(choice.page * PAGE, found.num_rows),
        "schools": schools_chosen(choice, options["school"], held.access),
        "chart": held.chart(tuple(sorted(choice.chosen.items())), lambda: chart_of(held, found)),
    }
    fragment = request.htmx and not request.htmx.history_restore_request  # type: ignore[attr-defined]
    if not fragment:
        role = held.access.role
        # A role that sees only children with a plan sees nobody who left: its leavers would always be none.
        context["summary"] = held.summary() if role is not None and role.statuses is None else None
        context["counts"] = counted
        context["counted_only"] = held.counted_only()
    response = render(request, "cohort/fragment.html" if fragment else "cohort/page.html", context)
    response["Vary"] = "HX-Request, HX-History-Restore-Request, Cookie"
    return response


def schools_chosen(choice: Choice, options: list[tuple[str, str]], access: Access) -> list[tuple[str, str]]:
    """The schools that are filtered for, by URN and name, where this role may open a school's page."""
    role = access.role.key if access.role is not None else None
    if not PAGES["school"].allows("GET", signed_in=True, role=role):
        return []
    chosen = set(choice.chosen["school"]) - {NOT_HELD, *OUT_OF_AGE}
    return [(urn, name) for urn, name in options if urn in chosen]


def _whole(rows: pa.Table) -> tuple[pa.Table, dict[str, list[tuple[str, str]]], list[tuple[str, int]]]:
    """What the page says of the whole cohort, whatever is chosen: its rows, the options of each filter, the counts."""
    placed = with_places(rows)
    return placed, {f.name: options_of(placed, f) for f in FILTERS}, counts(placed)


def with_places(rows: pa.Table) -> pa.Table:
    """The rows with the place of the year group in its list to sort by (2 comes before 10), and with what is said
    where a child has no school or no year group: nothing is amiss with a child who is not of school age."""
    years, ages = rows["year_group"].to_pylist(), rows["school_age"].to_pylist()
    urns, names = rows["urn"].to_pylist(), rows["school_name"].to_pylist()
    columns = {
        "year_place": pa.array([YEAR_PLACE.get(year) for year in years], pa.int32()),
        "year_says": pa.array(
            [y or (YEAR_OUT_OF_AGE if age in OUT_OF_AGE else None) for y, age in zip(years, ages, strict=True)],
            pa.string(),
        ),
        "school_place": pa.array(
            [u or (age if age in OUT_OF_AGE else None) for u, age in zip(urns, ages, strict=True)], pa.string()
        ),
        "school_says": pa.array(
            [n or u or OUT_OF_AGE.get(age) for n, u, age in zip(names, urns, ages, strict=True)], pa.string()
        ),
    }
    for name, column in columns.items():
        rows = rows.append_column(name, column)
    return rows


def no_school(school_age: str | None) -> str:
    """What is said of the school of a child without one."""
    return OUT_OF_AGE.get(school_age or "", NO_SCHOOL)


def options_of(rows: pa.Table, each: Filter) -> list[tuple[str, str]]:
    """The values of a filter that somebody in the cohort has, each with its words."""
    pairs = rows.select([each.column] if each.column == each.says_column else [each.column, each.says_column])
    found = {
        (NOT_HELD if row[each.column] is None else str(row[each.column])): (
            each.missing if row[each.column] is None else _says(each, row)
        )
        for row in pairs.group_by(pairs.column_names).aggregate([]).to_pylist()
    }
    return sorted(found.items(), key=lambda pair: _order(each, pair))


def _says(each: Filter, row: dict[str, Any]) -> str:
    said = row[each.says_column]
    if each.name == "year":
        return next((c.meaning for c in code_list("year_group") if c.code == said), str(said))
    return str(said or row[each.column])


def _order(each: Filter, pair: tuple[str, str]) -> tuple[int, str]:
    value, says = pair
    if value == NOT_HELD:
        return (999, "")
    if each.name == "year":
        return (YEAR_PLACE.get(value, 998), "")
    if each.name == "school" and value in OUT_OF_AGE:
        return (998, says)
    if each.name == "plan":
        return (STATUSES.index(value) if value in STATUSES else 998, "")
    if each.name == "band":
        return (next((place for place, part in enumerate(BAND_PARTS) if part in value), 998), "")
    return (0, says.casefold())


def choice_of(asked: QueryDict, options: dict[str, list[tuple[str, str]]]) -> Choice:
    """Read the address. A value that is not among the options is left out, and said to be."""
    chosen, left_out = {}, []
    for each in FILTERS:
        wanted = [v for v in asked.getlist(each.name) if v]
        known = {value for value, _ in options[each.name]}
        chosen[each.name] = tuple(v for v in wanted if v in known)
        if len(chosen[each.name]) < len(wanted):
            left_out.append(each.label)
    sort = asked.get("sort", "name")
    return Choice(
        chosen=chosen,
        sort=sort if sort in SORTS else "name",
        descending=asked.get("order") == "desc",
        page=asked_page(asked),
        left_out=tuple(left_out),
    )


def filtered(rows: pa.Table, choice: Choice) -> pa.Table:
    for each in FILTERS:
        wanted = choice.chosen[each.name]
        if wanted:
            values = pa.array([None if v == NOT_HELD else v for v in wanted], pa.string())
            column = rows[each.column].cast(pa.string())
            rows = rows.filter(pc.is_in(column, value_set=values))
    return rows


def ordered(rows: pa.Table, choice: Choice) -> pa.Table:
    way = "descending" if choice.descending else "ascending"
    keys = [(column, way) for column in SORTS[choice.sort][1]]
    # The same order each time, whatever is equal: a child must not be on two pages, or on none.
    keys += [(c, "ascending") for c in ("surname", "forename", "child_id") if c not in SORTS[choice.sort][1]]
    return rows.take(pc.sort_indices(rows, sort_keys=keys))


def counts(rows: pa.Table) -> list[tuple[str, int]]:
    """Children by status, in the order of the definitions, of the whole of what this person sees."""
    counted = rows.group_by("status").aggregate([("status", "count")]).to_pylist()
    held = {row["status"]: row["status_count"] for row in counted}
    return [(status, held[status]) for status in STATUSES if status in held]


def addresses_of(children: Iterable[str]) -> dict[str, UUID]:
    """The public id of the page of each of these children who has one, by Sightline's own id."""
    return dict(Child.objects.filter(child_id__in=set(children)).values_list("child_id", "public_id"))


def rows_shown(rows: Sequence[dict[str, Any]], access: Access) -> list[dict[str, Any]]:
    """The rows as this role may read them, each with the public id of its page."""
    addresses = addresses_of(r["child_id"] for r in rows)
    seen = reader(access)
    return [
        {
            "address": addresses.get(row["child_id"]),
            "name": seen(Sensitivity.IDENTITY, name_of(row)),
            "year": seen(Sensitivity.EDUCATION, row["year_says"] or "Not known"),
            "school": seen(Sensitivity.EDUCATION, row["school_says"] or NO_SCHOOL),
            "status": seen(Sensitivity.CARE_STATUS, row["status"]),
            "since": seen(Sensitivity.CARE_STATUS, row["since"]),
            "worker": seen(Sensitivity.STAFF, row["worker_name"]),
            "team": seen(Sensitivity.STAFF, row["team_name"]),
            "rate": seen(Sensitivity.EDUCATION, row["attendance_rate"]),
        }
        for row in rows
    ]


def list_values(rows: Sequence[dict[str, Any]], access: Access, columns: Sequence[str]) -> list[list[Any]]:
    """What each row of a list is sorted by, for the columns named, as this role may read it."""
    seen = reader(access)

    def value(row: dict[str, Any], column: str) -> Any:
        if column == "name":
            return seen(Sensitivity.IDENTITY, name_of(row))
        if column == "year":
            return seen(Sensitivity.EDUCATION, row["year_place"])
        if column == "school":
            return seen(Sensitivity.EDUCATION, row["school_says"])
        if column == "plan":
            return seen(Sensitivity.CARE_STATUS, STATUSES.index(row["status"]))
        if column == "since":
            return seen(Sensitivity.CARE_STATUS, row["since"].toordinal() if row["since"] is not None else None)
        if column == "worker":
            return seen(Sensitivity.STAFF, row["worker_name"])
        return seen(Sensitivity.EDUCATION, row["attendance_rate"])

    return [[value(row, column) for column in columns] for row in rows]


def reader(access: Access) -> Callable[[Sensitivity, Any], Any]:
    return lambda sensitivity, value: value if access.reads(sensitivity) else HIDDEN


def name_of(row: dict[str, Any]) -> str:
    """ "Surname, Forename", or what there is of it."""
    said = ", ".join(part for part in (row.get("surname"), row.get("forename")) if part)
    return said or "Name not held"


def chart_of(held: facts.Facts, found: pa.Table) -> charts.Chart | None:
    if not found.num_rows:
        return None
    rows = held.weeks(found["child_id"].to_pylist())
    number = found.num_rows
    return charts.attendance(
        charts.weeks_of(rows.to_pylist(), held.chart_start(), held.newest),
        whose="this child" if number == 1 else f"these {number:,} children",
        settings=held.opened.settings,
    )

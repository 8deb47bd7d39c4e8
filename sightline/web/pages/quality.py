"""Data quality: the files in force, how much of the cohort was found in schools, and what is wrong where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from sightline.vocabulary.codes import code_list
from sightline.vocabulary.findings import Severity
from sightline.vocabulary.tables import TABLES, Sensitivity
from sightline.web import audit, facts
from sightline.web.authz.access import HIDDEN
from sightline.web.authz.door import fields_shown
from sightline.web.pages.cohort import addresses_of, reader
from sightline.web.pages.downloads import csv_file
from sightline.web.pages.exceptions import in_words
from sightline.web.pages.paging import paged, window
from sightline.web.pages.templating import code_in_words, kind, query

PAGE = 50
WITHHELD = "About a record you may not see. The file and the line are named so that its sender can look."
FILTERS = ("severity", "kind", "rule")
# From the class most roles read to those fewest do; a value as received is never plainer than who somebody is.
CLOSED = (Sensitivity.PLAIN, Sensitivity.STAFF, Sensitivity.EDUCATION, Sensitivity.CARE_STATUS, Sensitivity.IDENTITY,
          Sensitivity.CARE_DETAIL, Sensitivity.SPECIAL, Sensitivity.LOCATION, Sensitivity.OFFENCE)  # fmt: skip
BY_NAME = {"postcode": Sensitivity.LOCATION, "address": Sensitivity.LOCATION, "ethnic": Sensitivity.SPECIAL,
           "disab": Sensitivity.SPECIAL, "immigration": Sensitivity.SPECIAL}  # fmt: skip
HEADS = ("File", "Received", "Delivery", "Line", "Severity", "Rule", "What is wrong", "Table", "Record", "Field",
         "Value", "What would be right")  # fmt: skip

# What the match rate is shown by, in words; and the lists that say what a group's code means, the later first.
GROUPED = {"plan": "Plan", "age": "Age", "sex": "Sex", "ethnicity": "Ethnicity", "sen": "Special educational needs"}
CODES = {"sex": ("sex",), "ethnicity": ("ethnicity", "ethnicity_school"), "sen": ("sen_provision",)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What the address asks of the findings; a value that no finding has is left out."""

    severity: str
    kind: str
    rule: str

    def address(self, page: int = 1) -> str:
        return "?" + query(severity=self.severity, kind=self.kind, rule=self.rule, page=page if page > 1 else None)

    def of(self, rows: pa.Table) -> pa.Table:
        for name in FILTERS:
            if getattr(self, name):
                rows = rows.filter(pc.equal(rows[name], getattr(self, name)))
        return rows


def options_of(rows: pa.Table) -> dict[str, list[tuple[str, str]]]:
    """The values of each filter that some finding has, in words."""
    found = {name: sorted(v for v in pc.unique(rows[name]).to_pylist() if v) for name in FILTERS}
    order = [s.value for s in Severity]
    return {
        "severity": [(v, v.capitalize()) for v in sorted(found["severity"], key=order.index)],
        "kind": sorted(((v, kind_in_words(v)) for v in found["kind"]), key=lambda pair: pair[1].casefold()),
        "rule": [(v, code_in_words(v)) for v in found["rule"]],
    }


def kind_in_words(value: str) -> str:
    return "Files compared with each other" if value == "comparison" else kind(value)


def asked_of(got: QueryDict, options: dict[str, list[tuple[str, str]]]) -> Asked:
    return Asked(**{name: got[name] if got.get(name) in dict(options[name]) else "" for name in FILTERS})


def view(request: HttpRequest) -> HttpResponse:
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    rows = held.findings()
    options = held.of_role("finding options", lambda: options_of(rows))
    asked = asked_of(request.GET, options)
    found = asked.of(rows)
    page, pages = paged(request.GET, found.num_rows, PAGE)
    shown = found.slice((page - 1) * PAGE, PAGE).to_pylist()
    children = {row["child_id"] for row in shown if row["child_id"]}
    audit.disclosed(request, children, action="listed", fields=fields_shown(request))
    addresses = addresses_of(children)
    deliveries = held.deliveries_in_force()
    context = {
        "facts": held,
        "deliveries": [{**row, "kind": kind_in_words(row["kind"] or "comparison")} for row in deliveries],
        "totals": {name: sum(row[name] for row in deliveries) for name in ("errors", "queries", "notes")},
        "matched": matched(held),
        "accuracy": held.accuracy(),
        "rows": [{**on_page(row, held), "address": addresses.get(row["child_id"])} for row in shown],
        "options": options,
        "asked": asked,
        "found": found.num_rows,
        "all": rows.num_rows,
        "page": page,
        "pages": pages,
        "window": window(page, pages),
    }
    return render(request, "quality/page.html", context)


def download(request: HttpRequest) -> HttpResponse:
    """The findings that the address asks for, as a file: the same rows, in the same scope, nothing more."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="exported", fields=fields_shown(request))
        return csv_file("findings", HEADS, [])
    rows = held.findings()
    found = asked_of(request.GET, options_of(rows)).of(rows).to_pylist()
    audit.disclosed(
        request, {r["child_id"] for r in found if r["child_id"]}, action="exported", fields=fields_shown(request)
    )
    columns = ("kind", "received", "delivery", "line", "severity", "rule", "says", "table", "record", "field", "value",
               "right")  # fmt: skip
    seen = [as_seen(row, held) for row in found]
    return csv_file(
        f"findings-{held.on}", HEADS, ([str(c) if c is HIDDEN else c for c in map(row.get, columns)] for row in seen)
    )


def as_seen(row: dict[str, Any], held: facts.Facts) -> dict[str, Any]:
    """A finding as this role may read it."""
    seen = reader(held.access)
    return {
        **row,
        "kind": kind_in_words(row["kind"]),
        "says": WITHHELD if row["withheld"] else row["says"],
        "record": seen(Sensitivity.IDENTITY, row["record"]),
        "value": None if row["value"] is None else _value(row, held),
    }


def on_page(row: dict[str, Any], held: facts.Facts) -> dict[str, Any]:
    """The same for a reader of the page: what a file says stands as it came, what Sightline says is in words."""
    seen = as_seen(row, held)
    if row["kind"] == "comparison":
        seen |= {name: in_words(seen[name]) for name in ("value", "right") if isinstance(seen[name], str)}
    return seen


def _value(row: dict[str, Any], held: facts.Facts) -> Any:
    kind = class_of(row["table"], row["field"])
    confidential = kind == Sensitivity.LOCATION and row["child_id"] in held.confidential
    return HIDDEN if confidential else reader(held.access)(kind, row["value"])


def class_of(table: str | None, field: str | None) -> Sensitivity:
    """The class of field that a finding's value is of: the vocabulary's, where the field has its name; else by what the
    sender calls it; else what says who somebody is."""
    name = (field or "").casefold()
    spec = TABLES.get(table or "")
    known = next((c.sensitivity for c in spec if c.name == name), None) if spec is not None else None
    if known is not None:
        return max((known, Sensitivity.IDENTITY), key=CLOSED.index)
    return next((found for part, found in BY_NAME.items() if part in name), Sensitivity.IDENTITY)


def matched(held: facts.Facts) -> list[dict[str, Any]]:
    """The match rate by plan, then by each other thing children are grouped by, with the groups in words. Schools and
    teams have a page of their own."""
    grouped: list[dict[str, Any]] = []
    for by, says in GROUPED.items():
        meanings = {code.code: code.meaning for name in CODES.get(by, ()) for code in code_list(name)}
        rows = [
            {**row, "value": meanings.get(row["value"], row["value"])} for row in held.match_rates() if row["by"] == by
        ]
        if rows:
            grouped.append({"by": says, "rows": rows})
    return grouped

"""A list of children by name, to take away: with the second factor given again, a purpose, a limit and a watermark."""

from __future__ import annotations

import time
from datetime import date, timedelta
from urllib.parse import urlencode

from allauth.account.authentication import get_authentication_records
from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone

from sightline.operations.sheets import Book, Grid, Value
from sightline.vocabulary.dates import day_in_words
from sightline.vocabulary.tables import Sensitivity
from sightline.web import audit, facts
from sightline.web.audit.models import AccessEntry
from sightline.web.authz.access import Access
from sightline.web.authz.door import fields_shown
from sightline.web.facts import Facts
from sightline.web.pages import cohort
from sightline.web.pages.errors import too_many
from sightline.web.pages.tables import file_of
from sightline.web.pages.templating import moment, year

PAGE = "cohort_take_away"
MOST = 500
"""Children a list may hold: more than a team or a school has, and far from the whole cohort."""
A_DAY = 1000
"""Children on all the lists one person takes in a day: twice the largest, so that a cohort does not leave in slices."""
FRESH_SECONDS = 300
LEAST_PURPOSE = 15
COLUMNS = (
    ("Name", "name", Sensitivity.IDENTITY), ("Year group", "year_says", Sensitivity.EDUCATION),
    ("School", "school_says", Sensitivity.EDUCATION), ("Plan", "status", Sensitivity.CARE_STATUS),
    ("Since", "since", Sensitivity.CARE_STATUS), ("Social worker", "worker_name", Sensitivity.STAFF),
    ("Team", "team_name", Sensitivity.STAFF),
    ("Attendance this school year, %", "attendance_rate", Sensitivity.EDUCATION),
)  # fmt: skip


class PurposeForm(forms.Form):
    """Why the list is taken away, in words that whoever reviews access can judge."""

    purpose = forms.CharField(
        label="What is this list for?",
        min_length=LEAST_PURPOSE,
        max_length=300,
        error_messages={
            "required": "Say what the list is for, such as the meeting it is taken to",
            "min_length": f"Say what the list is for in at least {LEAST_PURPOSE} letters",
            "max_length": "Say what the list is for in at most 300 letters",
        },
    )


def factor_given_lately(request: HttpRequest) -> bool:
    """Whether the second factor was given in the last five minutes. The demonstration has no second factor."""
    if settings.SIGHTLINE_DEMONSTRATION:
        return True
    given = [r["at"] for r in get_authentication_records(request, request.user) if r.get("method") == "mfa"]
    return bool(given) and max(given) > time.time() - FRESH_SECONDS


def taken_lately(request: HttpRequest) -> int:
    """How many children stood on the lists this person took in the last day: counted in the access log, which has the
    lists of every process."""
    since = timezone.now() - timedelta(days=1)
    mine = AccessEntry.objects.filter(at__gte=since, actor_id=request.user.pk, page=PAGE, action="exported")
    return sum(len(children) for children in mine.values_list("child_ids", flat=True))


def view(request: HttpRequest) -> HttpResponse:
    """The form, and then the workbook: the children the filters of the cohort's page choose, and no more."""
    held = facts.of(request)
    if held is None:
        audit.disclosed(request, [], action="listed", fields=fields_shown(request))
        return render(request, "pages/nothing.html")
    if not factor_given_lately(request):
        again = urlencode({"next": request.get_full_path()})
        return redirect(f"{reverse('mfa_reauthenticate')}?{again}")
    rows = cohort.with_places(held.cohort())
    options = {f.name: cohort.options_of(rows, f) for f in cohort.FILTERS}
    choice = cohort.choice_of(request.GET, options)
    found = cohort.ordered(cohort.filtered(rows, choice), choice).to_pylist()
    taken = taken_lately(request) if request.method == "POST" else 0
    if taken + len(found) > A_DAY and len(found) <= MOST:
        audit.refused(request, "too many children taken in a day")
        return too_many(request)
    form = PurposeForm(request.POST if request.method == "POST" else None, use_required_attribute=False)
    if request.method == "POST" and form.is_valid() and len(found) <= MOST:
        purpose = " ".join(form.cleaned_data["purpose"].split())
        audit.disclosed(
            request, [row["child_id"] for row in found], action="exported", fields=fields_shown(request),
            purpose=purpose,
        )  # fmt: skip
        made = book(held, found, purpose=purpose, by=request.user.get_username())
        return file_of(made, f"children-{held.on}", request.POST.get("form", "xlsx"))
    audit.disclosed(request, [], action="listed", fields=fields_shown(request))
    context = {
        "facts": held, "form": form, "found": len(found), "most": MOST, "query": request.GET.urlencode(),
        "too_many": len(found) > MOST,
    }  # fmt: skip
    return render(request, "cohort/take_away.html", context)


def book(held: Facts, rows: list[dict[str, object]], *, purpose: str, by: str) -> Book:
    """The list as this role may read it, with who took it, when and what for on every row."""
    access: Access = held.access
    columns = [(head, key) for head, key, sensitivity in COLUMNS if access.reads(sensitivity)]
    mark = f"Taken by {by}, {moment(timezone.now())}"

    def value(row: dict[str, object], key: str) -> Value:
        said = cohort.name_of(row) if key == "name" else year(row[key]) if key == "year_says" else row[key]
        return said if said is None or isinstance(said, str | int | float | date) else str(said)

    grid = Grid(
        "Children", "Children", (*(head for head, _ in columns), "Confidential"),
        tuple((*(value(row, key) for _, key in columns), mark) for row in rows),
    )  # fmt: skip
    cover = (
        ("Confidential", "Records of children. Keep it no longer than its purpose lasts, and pass it to nobody."),
        ("Taken by", by), ("When", moment(timezone.now())), ("Purpose", purpose), ("Children", f"{len(rows):,}"),
        ("Plans as on", day_in_words(held.on)), ("Snapshot", held.opened.id),
    )  # fmt: skip
    return Book("Children with a social worker", cover, (grid,))

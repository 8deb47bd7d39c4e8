"""The pages that show no child: your day, definitions, how access is logged, accessibility, and whether we are up."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from sightline.vocabulary.codes import code_list
from sightline.vocabulary.limits import LIMITS
from sightline.vocabulary.tables import TABLES
from sightline.web import audit, facts
from sightline.web.authz.matrix import FIGURES, NOBODY, PAGES, ROLES
from sightline.web.authz.middleware import ACTING_AS
from sightline.web.pages import cohort, day, early_help

# What there is for those who see no child: figures (released a month at a time, so none is counted anew here), accounts
# and logs, as the matrix names them.
TASKS = ("dashboard", "breakdown", "users", "proposals", "grant_review", "access_review", "access_sample",
         "break_glass_log", "agreements")  # fmt: skip


def home(request: HttpRequest) -> HttpResponse:
    """Your day: counts only, so nothing is disclosed here."""
    access = request.access  # type: ignore[attr-defined]
    if access.role is None:
        return render(request, "pages/no_role.html")
    if access.sees == NOBODY or access.role.sees == FIGURES:
        tasks = [(reverse(name), PAGES[name].says) for name in TASKS if access.may_open(name)]
        return render(request, "pages/home_nobody.html", {"tasks": tasks, "waiting": day.waiting(request, None)})
    held = facts.of(request)
    if held is None:
        return render(request, "pages/nothing.html", {"waiting": day.waiting(request, None)})
    if access.of_early_help:
        return _early_help_day(request, held)
    listed = facts.listed(request) or held
    counts, shown = cohort.counts(held.cohort()), listed.cohort().num_rows
    context = {
        "facts": held,
        "counts": counts,
        "all": shown,
        "counted_only": sum(n for _, n in counts) - shown,
        "week": day.week_of(listed),
        "waiting": day.waiting(request, listed),
        "waits_first": access.role.key in day.WAITS_FIRST,
    }
    return render(request, "pages/home.html", context)


def _early_help_day(request: HttpRequest, held: facts.Facts) -> HttpResponse:
    """The day of those over Early Help: what presses among all their children, plan or none, and what the week's list
    says of those whom social care has."""
    rows = held.early_help()
    listed = facts.listed(request) or held
    context = {
        "facts": held,
        "all": rows.num_rows,
        "planned": int(pc.sum(rows["on_plan"].cast(pa.int64())).as_py() or 0),
        "pressing": early_help.pressing(rows),
        "week": day.week_of(listed),
        "waiting": day.waiting(request, listed),
    }
    return render(request, "early_help/home.html", context)


def act_as(request: HttpRequest) -> HttpResponse:
    """Act in another of one's own roles from now on."""
    access = request.access  # type: ignore[attr-defined]
    wanted = request.POST.get("role", "")
    if wanted in {role.key for role in access.roles}:
        request.session[ACTING_AS] = wanted
        audit.security(request, "acts as", user=request.user, detail=wanted)
    return redirect("home")


def definitions(request: HttpRequest) -> HttpResponse:
    access = request.access  # type: ignore[attr-defined]
    held = facts.of(request) if access.role is not None and access.sees != NOBODY else None
    own = held.opened.settings if held is not None else facts.home().settings
    context = {
        "statuses": code_list("status"),
        "settings": own.explain(),
        "limits": LIMITS,
        "attendance": code_list("attendance"),
        "categories": code_list("exclusion_category"),
        "reasons": code_list("exclusion_reason"),
        "tables": [t for t in TABLES.values() if t.derived],
    }
    return render(request, "pages/definitions.html", context)


@login_not_required
def access_logging(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/access_logging.html", {"roles": ROLES.values(), "pages": PAGES.values()})


@login_not_required
def accessibility(request: HttpRequest) -> HttpResponse:
    return render(request, "pages/accessibility.html")


@login_not_required
def brand_css(request: HttpRequest) -> HttpResponse:
    """The council's colour: a property of the stylesheet, so that a new colour needs no build."""
    response = HttpResponse(
        f":root{{--govuk-brand-colour:{settings.SIGHTLINE_BRAND_COLOUR}}}", content_type="text/css; charset=utf-8"
    )
    response["Cache-Control"] = "public, max-age=3600"
    return response


@login_not_required
def healthz(request: HttpRequest) -> HttpResponse:
    """Whether the database answers. Says nothing else."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HttpResponse("ok\n", content_type="text/plain; charset=utf-8")

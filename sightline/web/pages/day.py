"""Your day: what is new and what waits, a different set for each role. Counts and addresses alone; no child is named.

Each number opens the page that shows its rows, and is counted over the children that page would list.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import pyarrow.compute as pc
from django.conf import settings
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from sightline import operations
from sightline.linkage import decided
from sightline.operations.keeping import retention
from sightline.vocabulary.errors import NothingHeld
from sightline.web import facts
from sightline.web.accounts import managing
from sightline.web.accounts.models import User
from sightline.web.audit import review, sample
from sightline.web.audit.views import USUAL_DAYS
from sightline.web.authz.access import Access
from sightline.web.facts import Facts
from sightline.web.pages import senders, week
from sightline.web.pages.templating import query
from sightline.web.people import glass
from sightline.web.work import asking
from sightline.web.work.models import State, Upload

_ADVISER = ("permanent-exclusion", "suspension", "new-plan", "step-up", "became-looked-after", "ended-plan",
            "attendance-below", "no-school")  # fmt: skip
_WORKER = ("permanent-exclusion", "suspension", "step-up", "step-down", "worker-changed", "attendance-below",
           "attendance-falling", "no-school")  # fmt: skip
_SCHOOL = ("new-plan", "step-up", "step-down", "became-looked-after", "left-care", "ended-plan", "worker-changed")
REASONS: Final = {
    "virtual_school_head": _ADVISER,
    "officer": _ADVISER,
    "data_officer": ("no-school",),
    "team_manager": _WORKER,
    "service_manager": _WORKER,
    "social_worker": _WORKER,
    "reviewing_officer": _WORKER,
    "school_lead": _SCHOOL,
    "headteacher": _SCHOOL,
    "trust_lead": _SCHOOL,
    "early_help_manager": ("step-down", "ended-plan", "attendance-below", "attendance-falling", "no-school"),
}
"""The reasons of the week's list that each role's day leads with; the rest are a link away."""
WAITS_FIRST: Final = frozenset({"data_officer"})
"""The roles whose work is what waits; everybody else begins with the children's week."""
CORRECTED: Final = "corrected at source"


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that waits: what it is, how many there are, and the address of the page that shows them."""

    says: str
    number: int
    address: str


@dataclass(frozen=True, slots=True)
class Week:
    """The part of the week's list that a role's day leads with: (code, name, entries) by urgency, or where there is
    none of it all of the list; and all entries."""

    reasons: tuple[tuple[str, str, int], ...]
    entries: int


def week_of(listed: Facts) -> Week:
    rows = listed.week_list().select(["reason"]).to_pylist()
    role = listed.access.role
    wanted = REASONS.get(role.key, ()) if role is not None else ()
    reasons = week.reasons_of(rows)
    # A week without any of them is not a quiet one: whatever else there is stands in their place.
    return Week(tuple([r for r in reasons if r[0] in wanted] or reasons), len(rows))


def waiting(request: HttpRequest, listed: Facts | None) -> list[Line]:
    """What waits for this person, of the kinds their role acts on."""
    access: Access = request.access  # type: ignore[attr-defined]
    return [
        *(_exceptions(listed) if listed is not None and access.may_open("exceptions") else []),
        *(_pairs(listed) if listed is not None and access.may_open("clerical_pair", "POST") else []),
        *(_spot_check(listed) if listed is not None and access.may_open("spot_checks", "POST") else []),
        *(_senders(listed) if listed is not None and access.may_open("senders") else []),
        *(_unmatched(listed) if listed is not None and access.may_open("senders") else []),
        *(_uploads() if access.may_open("upload", "POST") else []),
        *(_asks(access) if access.may_open("requests", "POST") else []),
        *(_agreements(access) if access.may_open("agreements", "POST") else []),
        *(_logs() if _governs(access) else []),
        *(_proposals() if access.may_open("proposals", "POST") else []),
        *(_review() if access.may_open("users", "POST") else []),
    ]


def _governs(access: Access) -> bool:
    return access.role is not None and access.role.key == "information_governance"


def _exceptions(listed: Facts) -> list[Line]:
    rows = asking.exceptions(listed)
    role = listed.access.role.key if listed.access.role is not None else ""
    owner = asking.ANSWERS_FOR.get(role, "")
    if owner:
        rows = rows.filter(pc.equal(rows["owner"], owner))
    here = reverse("exceptions")

    def line(says: str, state: str = "", due: str = "") -> Line:
        found = rows.filter(pc.equal(rows["state"], state) if state else pc.not_equal(rows["state"], CORRECTED))
        if due:
            found = found.filter(operations.due_within_a_week(found, listed.access.today))
        asked = query(owner=owner, state=state, due=due)
        return Line(says, found.num_rows, f"{here}?{asked}" if asked and found.num_rows else here)

    lines = [line("Exceptions overdue", "overdue"), line("Exceptions due within a week", due="week")]
    if role in asking.KEEPERS:
        return [*lines, line("Exceptions found and not yet sent", "new")]
    return [*lines, line("Exceptions for you to answer")]


def _pairs(listed: Facts) -> list[Line]:
    home = facts.home()

    def ask() -> int:
        return operations.doubtful_pairs(home, listed.opened, listed.scope, state=decided.OPEN).num_rows

    number: int = listed.of_role(f"pairs to read {operations.decisions_mark(home)}", ask)
    return [Line("Pairs of records to read", number, reverse("clerical"))]


def _spot_check(listed: Facts) -> list[Line]:
    """The sample of this week: to be drawn, or how many of its children have no answer yet."""
    home, today = facts.home(), listed.access.today
    here, size = reverse("spot_checks"), listed.opened.settings.spot_check_children
    if not size:
        return []

    def ask() -> int | None:
        return operations.spot_check_waits(home, listed.opened, listed.scope, week=today)

    waits = listed.of_role(f"spot check of {today} {operations.decisions_mark(home)}", ask)
    if waits is None:
        return [Line("Spot check of this week to draw", 1, here)]
    return [Line("Children of this week’s spot check to answer for", waits, here)]


def _unmatched(listed: Facts) -> list[Line]:
    shut = sum(not gate.is_open for gate in facts.gates(listed.access.sealed))
    return [Line("Schools and teams that see no child until more of theirs are found", shut, reverse("match_rate"))]


def _asks(access: Access) -> list[Line]:
    rows = operations.entries(facts.home(), operations.REQUESTS, on=access.today)
    late = sum(r["state"] == "overdue" for r in rows)
    return [Line("Asks of schools that are overdue", late, reverse("requests"))]


def _agreements(access: Access) -> list[Line]:
    rows = operations.entries(facts.home(), operations.AGREEMENTS, on=access.today)
    waits = sum(r["state"] in ("not signed", "review due") for r in rows)
    return [Line("Data-sharing agreements to sign or review", waits, reverse("agreements"))]


def _senders(listed: Facts) -> list[Line]:
    on = senders.day_of(listed)
    systems: list[dict[str, Any]] = listed.chart(
        ("senders", on), lambda: operations.senders(listed.opened, on=on).to_pylist()
    )
    rows: list[dict[str, Any]] = listed.chart(
        ("schools that send", on),
        lambda: operations.schools_sending(listed.opened, on=on, but=listed.access.sealed).to_pylist(),
    )
    here = reverse("senders")
    late = sum(r["state"] in ("late", "silent") for r in systems)
    return [
        *(
            Line(
                f"Schools whose marks are {state}", sum(r["state"] == state for r in rows),
                f"{here}?{query(state=state)}",
            )
            for state in ("late", "silent")
        ),
        Line("Systems late or silent", late, f"{here}#systems"),
    ]  # fmt: skip


def _uploads() -> list[Line]:
    kinds = {
        "Uploads checked, to load or discard": (State.CHECKED,),
        "Loads that failed": (State.REFUSED, State.FAILED),
    }
    wanted = [state for states in kinds.values() for state in states]
    held = Counter(Upload.objects.filter(state__in=wanted).values_list("state", flat=True))
    return [Line(says, sum(held[s] for s in states), reverse("loads")) for says, states in kinds.items()]


def _logs() -> list[Line]:
    """What information governance looks at: the same days as the access review shows unasked."""
    today = timezone.localdate()
    people = {user.pk: user.last_name or user.called.rpartition(" ")[2] for user in User.objects.all()}
    found = review.patterns(
        today - timedelta(days=USUAL_DAYS - 1), today, settings.SIGHTLINE_CHOSEN, people, facts.of_the_same_surname
    )
    lines = [
        Line("Things that stand out in the logs", len(found), reverse("access_review")),
        Line(
            "Views of last month’s sample to review", sample.waiting(sample.months(today)[0]), reverse("access_sample")
        ),
        Line("Emergency openings nobody has marked as seen", glass.untold().count(), reverse("break_glass_log")),
    ]
    try:
        opened = facts.open_current()
    except NothingHeld:
        return lines
    on = max(opened.as_at, today)
    due = sum(1 for _ in retention.due(retention.clocks_on(facts.home(), opened, on), on))
    return [*lines, Line("Records due to be removed", due, reverse("retention"))]


def _proposals() -> list[Line]:
    return [Line("Roles that wait for a second person", managing.waiting().count(), reverse("proposals"))]


def _review() -> list[Line]:
    late = sum(late for _, late in managing.to_review())
    return [Line("Roles to confirm or end", late, reverse("grant_review"))]

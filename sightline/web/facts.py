"""Facts of the store, reached with the scope of the person asking: the only module of the application that asks.

A page never mixes two snapshots: it reads the one its projection was made from, which is the newest.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.conf import settings
from django.http import HttpRequest

from sightline import operations
from sightline.operations import ChildFacts, Home, Opened, Scope
from sightline.vocabulary.errors import NothingHeld
from sightline.vocabulary.periods import academic_year, monday
from sightline.web.authz.access import Access, hidden_from, visible_to
from sightline.web.people.models import Child, Projection, ScopeKind
from sightline.web.people.projection import project

SCHOOLS = "gias"  # the register of schools: how fresh it is says nothing of children
LEAST_WEEKS = 20  # early in a year a chart also shows the end of the year before
SINCE = timedelta(weeks=4)
_KEPT = 64  # answers a process keeps: three for each scope in use


@cache
def home() -> Home:
    """The home of this process. Its settings are read once: a change needs a restart."""
    return Home.open(settings.SIGHTLINE_HOME)


def open_current() -> Opened:
    """The newest snapshot, projected first when nobody has. Raises NothingHeld."""
    current = operations.opened(home())
    if not Projection.objects.filter(snapshot=current.id).exists():
        project(current)
    return current


@dataclass(frozen=True, slots=True)
class Facts:
    """What one request may read: one snapshot, one person's scope."""

    opened: Opened
    access: Access
    scope: Scope

    @property
    def on(self) -> date:
        """The day the pages speak of: the newest day any social care source speaks of."""
        return self.opened.as_at

    @property
    def newest(self) -> date:
        """The newest day any source of children's records speaks of, registers among them."""
        days = [day for system, day in self.opened.data_to.items() if system != SCHOOLS]
        return max(days, default=self.on)

    def _kept(self, name: str, ask: Callable[[], Any]) -> Any:
        """An answer, worked out once for each snapshot and scope: a snapshot never changes, so neither does it."""
        return _kept((name, self.opened.id, self.scope, self.on), ask)

    def cohort(self) -> pa.Table:
        """One row per child of the cohort this person may see (see `operations.cohort_on`), in order of name."""
        rows: pa.Table = self._kept("cohort", lambda: operations.cohort_on(self.opened, self.scope, self.on))
        role = self.access.role
        if role is not None and role.statuses is not None:
            rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(sorted(role.statuses))))
        return rows

    def summary(self) -> Any:
        """Size, joiners and leavers in the last four weeks (see `operations.cohort_summary`)."""
        since = self.on - SINCE
        return self._kept("summary", lambda: operations.cohort_summary(self.opened, self.scope, self.on, since))

    def chart_start(self) -> date:
        """The Monday from which attendance is drawn: the start of the school year, or at least twenty weeks."""
        return min(monday(date(academic_year(self.newest), 9, 1)), monday(self.newest - timedelta(weeks=LEAST_WEEKS)))

    def weeks(self, children: Sequence[str]) -> pa.Table:
        """One row per week with sessions, of these children (those outside the scope are left out)."""
        return operations.cohort_weeks(
            self.opened, self.scope, self.chart_start(), self.newest + timedelta(days=1), list(children)
        )

    def week_list(self) -> pa.Table:
        """One row per child per reason (see `operations.week_list`); a school sees what concerns itself."""
        rows: pa.Table = self._kept("week", lambda: operations.week_list(self.opened, self.scope, self.newest))
        schools = self.access.schools
        if schools is not None:
            here = pc.is_in(rows["urn"], value_set=pa.array(sorted(schools), pa.string()))
            rows = rows.filter(pc.or_(here, pc.is_null(rows["urn"])))
        return rows

    def child(self, child: Child) -> ChildFacts:
        """Everything a child's page shows. Raises NotAllowed outside the scope."""
        return operations.child_facts(self.opened, self.scope, child.child_id, self.newest)

    def deliveries(self) -> dict[str, tuple[str, date | None]]:
        """The kind and day received of every file in force, by delivery."""
        rows = self.opened.database.rows("SELECT delivery, kind, received FROM delivery")
        return {str(delivery): (str(kind), received) for delivery, kind, received in rows}


def of(request: HttpRequest) -> Facts | None:
    """The facts this request may read, or None when nothing has been received yet. Made once for each request."""
    held: Facts | None = getattr(request, "facts", None)
    if held is None:
        try:
            opened = open_current()
        except NothingHeld:
            return None
        access: Access = request.access  # type: ignore[attr-defined]
        held = Facts(opened, access, _scope(access, max(access.today, opened.as_at)))
        request.facts = held  # type: ignore[attr-defined]
    return held


def scope_day(request: HttpRequest) -> date:
    """The day on which allocations and rolls must hold: today, or the newest day of the data when that is later."""
    facts = of(request)
    access: Access = request.access  # type: ignore[attr-defined]
    return access.today if facts is None else max(access.today, facts.on)


def _scope(access: Access, on: date) -> Scope:
    everything = (
        access.role is not None
        and access.role.statuses is None
        and any(g.scope == ScopeKind.AUTHORITY for g in access.grants)
    )
    if everything and not hidden_from(access).exists():
        return Scope.everyone()
    return Scope.of(visible_to(access, on=on).values_list("child_id", flat=True))


_answers: OrderedDict[tuple[str, str, Scope, date], Any] = OrderedDict()
_answers_lock = threading.Lock()


def _kept(key: tuple[str, str, Scope, date], ask: Callable[[], Any]) -> Any:
    with _answers_lock:
        if key in _answers:
            _answers.move_to_end(key)
            return _answers[key]
    answer = ask()
    with _answers_lock:
        _answers[key] = answer
        while len(_answers) > _KEPT:
            _answers.popitem(last=False)
    return answer

"""Facts of the store, reached with the scope of the person asking: the only module of the application that asks.

A page never mixes two snapshots: it reads the one its projection was made from, which is the newest.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from django.http import HttpRequest

from sightline import cohort, operations
from sightline.operations import ChildFacts, Opened, SchoolFacts, Scope
from sightline.operations.keeping import lawful, retention
from sightline.vocabulary.errors import NothingHeld
from sightline.vocabulary.exploitation import YOUTH_JUSTICE
from sightline.vocabulary.periods import academic_year, monday
from sightline.vocabulary.tables import TABLES, Sensitivity
from sightline.web.authz.access import HIDDEN, Access, counted_for, helped_by, hidden_from, openable_by, visible_to
from sightline.web.authz.matrix import CHILDREN, OF_CHILDREN, PAGES, Role
from sightline.web.people.models import Child, ScopeKind
from sightline.web.retention import gate
from sightline.web.served import Answer, answers, charts, forget, gates, home, open_current

__all__ = [
    "Facts",
    "exactly",
    "forget",
    "gates",
    "home",
    "listed",
    "of",
    "of_the_same_surname",
    "open_current",
    "scope_day",
]

OUT_OF_SCHOOL = 10  # weeks without school, at most, among those that a chart's message compares
SINCE = timedelta(weeks=4)
ADDRESS = frozenset(c.name for c in TABLES["person"] if c.sensitivity == Sensitivity.LOCATION)


@dataclass(frozen=True, slots=True)
class Facts:
    """What one request may read: one snapshot, one person's scope.

    On a page of children the scope is the children this person may open. On a page of figures (or of nothing) it is
    the children counted for them, which may be more: nothing of one child may leave by such a page.
    """

    opened: Opened
    access: Access
    scope: Scope
    confidential: frozenset[str] = frozenset()  # children whose address is hidden from everybody

    @property
    def on(self) -> date:
        """The day the pages speak of: the newest day any social care source speaks of."""
        return self.opened.as_at

    @property
    def newest(self) -> date:
        """The newest day any source of children's records speaks of, registers among them."""
        return self.opened.newest

    def _kept(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """An answer, worked out once for each snapshot and scope: a snapshot never changes, so neither does it."""
        return answers.kept((name, self.opened.id, self.scope, self.on, self.access.schools), ask)

    def of_role(self, name: str, ask: Callable[[], Answer]) -> Answer:
        """What a page makes of answers that a role sees in part, worked out once for each snapshot, scope and role."""
        role = self.access.role
        return self._kept(f"{name}, {role.key if role is not None else 'no role'}", ask)

    def chart(self, choice: Hashable, ask: Callable[[], Answer]) -> Answer:
        """What is drawn of one choice of filters, worked out once for each snapshot, scope and role."""
        role = self.access.role
        key = (choice, self.opened.id, self.scope, self.on, role.key if role is not None else "", self.access.schools)
        return charts.kept(key, ask)

    def cohort(self) -> pa.Table:
        """One row per child of the cohort this person may see (see `operations.cohort_on`), in order of name; a
        school reads attendance in its own registers alone."""
        role, schools = self.access.role, self.access.schools
        rows = self._kept("cohort", lambda: operations.cohort_on(self.opened, self.scope, self.on, schools))
        if role is not None and role.statuses is not None:
            # A school sees a child whose plan has ended only where a basis is recorded for it (`retention.gate`).
            ended = {lawful.EVER_6} if gate.bases(role, max(self.access.today, self.on)) else set()
            rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(sorted(role.statuses | ended))))
        return rows

    def status(self, child: Child) -> dict[str, Any] | None:
        """The child's row of the cohort, or None where the child is not in it."""
        places = self.of_role("places", lambda: {c: n for n, c in enumerate(self.cohort()["child_id"].to_pylist())})
        place = places.get(child.child_id)
        return None if place is None else self.cohort().slice(place, 1).to_pylist()[0]

    def early_help(self) -> pa.Table:
        """One row per child on Early Help whom this person may see (see `operations.early_help_on`), and `shared`:
        whether what social care holds is shared with them. Where it is not, the child has no status, and no plan is
        said to have ended."""

        def ask() -> pa.Table:
            rows = operations.early_help_on(self.opened, self.scope, self.on)
            day = max(self.access.today, self.on)
            known = pa.array(sorted(visible_to(self.access, on=day).values_list("child_id", flat=True)), pa.string())
            shared = pc.or_kleene(
                pc.is_in(rows["child_id"], value_set=known),
                pc.is_in(rows["status"], value_set=pa.array(cohort.PLANNED)),
            )
            for name in ("status", "since", "days_open", "last_plan_end", "team_name", "worker_name"):
                column = rows[name]
                kept = pc.if_else(shared, column, pa.scalar(None, column.type))
                rows = rows.set_column(rows.schema.get_field_index(name), name, kept)
            return rows.append_column("shared", shared)

        return self.of_role(f"early help {self.access.today} {gate.bases(self.access.role, self.on)}", ask)

    def on_early_help(self, child: Child) -> dict[str, Any] | None:
        """The child's row of `early_help`, for those over Early Help; None for anybody else, and for another child."""
        if not self.access.of_early_help:
            return None
        rows = self.early_help()
        return next(iter(rows.filter(pc.equal(rows["child_id"], child.child_id)).to_pylist()), None)

    def shares(self, child: Child) -> bool:
        """Whether what social care holds of the child is shared with this person: to those over Early Help, only of a
        child whom social care has now, has just closed, or had on a plan and a basis is recorded."""
        access = self.access
        if not access.of_early_help or child.pk in access.glass:
            return True
        row = self.on_early_help(child)
        if row is not None:
            return bool(row["shared"])
        return visible_to(access, on=max(access.today, self.on)).filter(pk=child.pk).exists()

    def counted_only(self) -> int:
        """How many children are counted as Ever 6, and shown to this role by name on no recorded basis; 0 for those who
        do not see the whole authority."""
        if self.scope.but is None:
            return 0
        day = max(self.access.today, self.on)
        shut = _shut_to(self.access.role, day, self.opened.id)
        return self.of_role(f"counted only, {day}", lambda: retention.ever_6_among(self.opened, shut, day))

    def school_ages(self) -> dict[str, str | None]:
        """For each child of the cohort, whether below, of or above school age (None: no birth date is held)."""

        def ages() -> dict[str, str | None]:
            rows = self.cohort()
            return dict(zip(rows["child_id"].to_pylist(), rows["school_age"].to_pylist(), strict=True))

        return self.of_role("school ages", ages)

    def summary(self) -> Any:
        """Size, joiners and leavers in the last four weeks (see `operations.cohort_summary`)."""
        since = self.on - SINCE
        return self._kept("summary", lambda: operations.cohort_summary(self.opened, self.scope, self.on, since))

    def chart_start(self) -> date:
        """The Monday from which attendance is drawn: the start of the school year, or before it, so that the weeks
        compared by the settings are among those drawn."""
        settings = self.opened.settings
        compared = settings.drift_recent_weeks + settings.drift_before_weeks + OUT_OF_SCHOOL
        return min(monday(date(academic_year(self.newest), 9, 1)), monday(self.newest - timedelta(weeks=compared)))

    def weeks(self, children: Sequence[str]) -> pa.Table:
        """One row per week with sessions, of these children (those outside the scope are left out); a school reads
        its own registers alone."""
        until = self.newest + timedelta(days=1)
        return operations.cohort_weeks(
            self.opened, self.scope, self.chart_start(), until, children, self.access.schools
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
        found = operations.child_facts(self.opened, self.scope, child.child_id)
        return replace(found, person=self._addressless(found.person, child.child_id))

    def person(self, child: Child) -> dict[str, Any]:
        """Who the child is. Raises NotAllowed outside the scope."""
        return self._addressless(operations.child_person(self.opened, self.scope, child.child_id), child.child_id)

    def _addressless(self, person: dict[str, Any], child_id: str) -> dict[str, Any]:
        """Who the child is, without where it lives when that is confidential: not even for a role that reads it."""
        if child_id not in self.confidential:
            return person
        return {name: HIDDEN if name in ADDRESS else value for name, value in person.items()}

    def at_school(self, urn: str) -> pa.Table:
        """The rows of the cohort at one school."""
        rows = self.cohort()
        return rows.filter(pc.equal(rows["urn"], urn))

    def school(self, urn: str) -> SchoolFacts | None:
        """One school beside its own pupils (see `operations.school_facts`); None for a school nobody knows."""

        def ask() -> SchoolFacts | None:
            rows = self.at_school(urn)
            rows = rows.filter(pc.is_in(rows["status"], value_set=pa.array(operations.ON_PLAN)))
            return operations.school_facts(self.opened, self.scope, urn, rows["child_id"].to_pylist())

        # As many answers as there are schools: not to push out those of people.
        return self.chart(f"school {urn}", ask)

    def findings(self) -> pa.Table:
        """One row per finding as this person may read it (see `operations.findings_within`). Whose records the youth
        justice service has is not read by who puts its list right: the file, the line and the rule are enough."""
        unread = () if self.access.reads(Sensitivity.OFFENCE) else (YOUTH_JUSTICE,)
        return self.of_role("findings", lambda: operations.findings_within(self.opened, self.scope, unread=unread))

    def deliveries_in_force(self) -> list[dict[str, Any]]:
        """One row per file in force with its findings by severity (see `operations.deliveries_in_force`)."""
        return self._kept("files", lambda: operations.deliveries_in_force(self.opened).to_pylist())

    def match_rates(self) -> list[dict[str, Any]]:
        """One row per group of the children a school should know: how many were found (see `operations.match_rates`).
        Counts of everybody, for those who put the data right."""
        but = self.access.sealed
        return self._kept("match rates", lambda: operations.match_rates(self.opened, but=but).to_pylist())

    def accuracy(self) -> list[dict[str, Any]]:
        """One row per source system: how often it agrees with the others in this snapshot (or, after a load was undone,
        in the one gone back to)."""

        def of_this_snapshot() -> list[dict[str, Any]]:
            rows = operations.accuracy_by_source(self.opened).to_pylist()
            newest = max((row["snapshot"] for row in rows), default=None)
            return [row for row in rows if row["snapshot"] == newest]

        return self._kept("accuracy", of_this_snapshot)

    def deliveries(self) -> dict[str, tuple[str, date | None]]:
        """The kind and day received of every file in force, by delivery."""
        rows = self.opened.children.rows("SELECT delivery, kind, received FROM delivery")
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
        match = request.resolver_match
        page = PAGES[match.view_name] if match is not None else None
        shows = page.shows if page is not None else "none"
        helped = page is not None and page.early_help
        scope = _scope(access, max(access.today, opened.as_at), opened.id, shows=shows, helped=helped)
        held = Facts(opened, access, scope, access.confidential if shows in OF_CHILDREN else frozenset())
        request.facts = held  # type: ignore[attr-defined]
    return held


def listed(request: HttpRequest) -> Facts | None:
    """The facts as a page of children gives them: for a page of figures whose numbers each open such a page, so that
    a number and the rows it opens agree. For those who see no child, what they are counted."""
    held = of(request)
    if held is None or held.access.sees != CHILDREN:
        return held
    day = max(held.access.today, held.on)
    return replace(held, scope=_scope(held.access, day, held.opened.id, shows="children"))


def exactly(upn: str, surname: str, birth_date: date | None) -> str:
    """The one child whom these exact words name, by Sightline's own id; empty for nobody, or for several.

    Outside any scope, for whoever may open a record in an emergency: it says that a child is known to nobody.
    """
    try:
        door = open_current().children
    except NothingHeld:
        return ""
    if upn:
        rows = door.rows("SELECT child_id FROM person WHERE upn = upper(trim(?)) LIMIT 2", [upn])
    else:
        rows = door.rows(
            "SELECT child_id FROM person WHERE lower(trim(surname)) = lower(trim(?)) AND birth_date = ? LIMIT 2",
            [surname, birth_date],
        )
    return str(rows[0][0]) if len(rows) == 1 else ""


def of_the_same_surname(opened_by: dict[int, tuple[str, set[str]]]) -> dict[int, int]:
    """How many of the children each person opened bear the person's own surname. Says how many, never who: it is for
    those who review access, who see no child."""
    try:
        door = open_current().children
    except NothingHeld:
        return {}
    found = {}
    for person, (surname, children) in opened_by.items():
        held = pa.table({"child_id": pa.array(sorted(children), pa.string())})
        door.add("children_opened", held)
        found[person] = int(
            door.one(
                "SELECT count(*) FROM person SEMI JOIN children_opened USING (child_id) "
                "WHERE lower(trim(surname)) = lower(trim(?))",
                [surname],
            )
        )
    return found


def scope_day(request: HttpRequest) -> date:
    """The day on which allocations and rolls must hold: today, or the newest day of the data when that is later."""
    facts = of(request)
    access: Access = request.access  # type: ignore[attr-defined]
    return access.today if facts is None else max(access.today, facts.on)


def _scope(access: Access, on: date, snapshot: str, *, shows: str, helped: bool = False) -> Scope:
    """The children this person is shown or counted; where those live whose address is confidential is said of none."""
    return replace(_reached(access, on, snapshot, shows=shows, helped=helped), unplaced=access.confidential)


def _reached(access: Access, on: date, snapshot: str, *, shows: str, helped: bool) -> Scope:
    opens = shows in OF_CHILDREN
    helped = helped and access.of_early_help
    if shows == "child" and (access.glass or helped):
        return Scope.of(openable_by(access, on=on).values_list("child_id", flat=True))
    if opens and helped:
        return Scope.of(helped_by(access, on=on).values_list("child_id", flat=True))
    reached = visible_to if opens else counted_for
    everything = (
        access.role is not None
        and access.role.statuses is None
        and (access.opens is None or not opens)
        and any(g.scope == ScopeKind.AUTHORITY for g in access.grants)
    )
    if not everything:
        return Scope.of(reached(access, on=on).values_list("child_id", flat=True))
    hidden = frozenset(hidden_from(access).values_list("child__child_id", flat=True))
    if opens:
        hidden |= _shut_to(access.role, on, snapshot)
    return Scope.everyone_but(hidden)


def _shut_to(role: Role | None, on: date, snapshot: str) -> frozenset[str]:
    """The children whom no recorded basis lets this role see by name on a day."""

    def ask() -> frozenset[str]:
        shown = gate.shown_by_name(role, on).values("child_id")
        return frozenset(Child.objects.filter(held=True).exclude(pk__in=shown).values_list("child_id", flat=True))

    # The same for everybody in the role, for as long as the snapshot, the day and the recorded bases stand.
    return answers.kept(("shut", snapshot, role, on, gate.bases(role, on)), ask)

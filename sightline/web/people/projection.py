"""Load the projection from a snapshot in one transaction, public ids kept: doing it again changes nothing."""

from __future__ import annotations

from typing import Any, TypeVar

from django.db import connection, models, transaction

from sightline.cohort import KNOWN
from sightline.operations import Opened
from sightline.operations.keeping import retention
from sightline.web.people.models import (
    Allocation,
    Child,
    EarlyHelp,
    Enrolment,
    PlanPeriod,
    Projection,
    Review,
    School,
)

_BATCH = 2000
Row = TypeVar("Row", bound=models.Model)

# Of each record the newest file's word; one that a later file of its system no longer shows has ended by that file's
# day (as for allocations, see `cohort.assemble_allocations`). Ends as received are last days.
_REVIEWS = f"""
    WITH ranked AS (
        SELECT delivery, coalesce(as_at, received) AS day,
            row_number() OVER (ORDER BY coalesce(as_at, received), place, delivery) AS word
        FROM delivery
    ),
    said AS (SELECT t.*, l.child_id, coalesce(r.word, 0) AS word, r.day FROM involvement t
        JOIN link l ON l.system = t.system AND l.ref = t.child_ref LEFT JOIN ranked r USING (delivery)
        SEMI JOIN ({KNOWN}) k ON k.child_id = l.child_id
        WHERE t.start_date IS NOT NULL AND (t.end_date IS NULL OR t.end_date >= t.start_date)
            AND professional_ref IS NOT NULL AND list_contains($roles, lower(trim(t.role)))),
    heard AS (SELECT system, max(day) AS last_day FROM involvement JOIN ranked USING (delivery) GROUP BY ALL)
    SELECT child_id, professional_ref, start_date,
        CASE WHEN end_date IS NULL AND last_day > day THEN greatest(day, start_date) + 1 ELSE end_date + 1 END
    FROM said LEFT JOIN heard USING (system)
    QUALIFY row_number() OVER (PARTITION BY child_id, professional_ref, start_date
        ORDER BY word DESC, end_date IS NULL, end_date DESC, line) = 1
"""
_SCHOOLS = """
    SELECT urn, arg_max(name, place), arg_max(coalesce(trust_ref, ''), place), arg_max(coalesce(trust_name, ''), place)
    FROM (SELECT s.*, coalesce(d.place, 0) AS place FROM school s LEFT JOIN delivery d USING (delivery))
    WHERE urn IS NOT NULL GROUP BY urn
"""


def project(opened: Opened) -> int:
    """Make the projection that of this snapshot; returns the children held. Two processes may call it at once."""
    with transaction.atomic():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_xact_lock(hashtext('sightline projection'))")
        if Projection.objects.filter(snapshot=opened.id).exists():
            return Child.objects.filter(held=True).count()
        keys = _children(opened)
        _replace(
            Allocation,
            (
                Allocation(
                    child_id=keys[child],
                    worker_ref=worker or "",
                    worker_name=name or "",
                    team_ref=team or "",
                    team_name=team_name or "",
                    start_date=start,
                    end_date=end,
                )
                for child, worker, name, team, team_name, start, end in opened.database.rows(
                    "SELECT child_id, worker_ref, worker_name, team_ref, team_name, start_date, end_date "
                    "FROM allocation"
                )
            ),
        )
        _replace(
            Enrolment,
            (
                Enrolment(child_id=keys[child], urn=urn, start_date=start, end_date=end)
                for child, urn, start, end in opened.database.rows(
                    "SELECT child_id, urn, start_date, end_date FROM enrolment_period "
                    f"SEMI JOIN ({KNOWN}) USING (child_id) WHERE urn IS NOT NULL"
                )
            ),
        )
        _replace(
            PlanPeriod,
            (
                PlanPeriod(child_id=keys[child], status=status, start_date=start, end_date=end)
                for child, status, start, end in opened.database.rows(
                    "SELECT child_id, status, start_date, end_date FROM status_period"
                )
            ),
        )
        roles = [role.strip().lower() for role in opened.settings.reviewing_officer_roles]
        _replace(
            Review,
            (
                Review(child_id=keys[child], worker_ref=worker, start_date=start, end_date=end)
                for child, worker, start, end in opened.database.rows(_REVIEWS, {"roles": roles})
            ),
        )
        _replace(
            EarlyHelp,
            (
                EarlyHelp(child_id=keys[child], start_date=start, end_date=end)
                for child, start, end in opened.database.rows(
                    "SELECT child_id, start_date, end_date FROM early_help_period"
                )
            ),
        )
        _replace(
            School,
            (
                School(urn=urn, name=name or "", trust_ref=trust, trust_name=trust_name)
                for urn, name, trust, trust_name in opened.database.rows(_SCHOOLS)
            ),
        )
        _clocks(opened, keys)
        Projection.objects.all().delete()
        Projection.objects.create(snapshot=opened.id, as_at=opened.as_at)
        return len(keys)


def _clocks(opened: Opened, keys: dict[str, int]) -> None:
    """When each child's clocks run out: another application's table, which asks for ours.

    Not of those whom Early Help alone has: without a clock a child is shown to nobody for the sake of social care.
    """
    from sightline.web.retention.models import Clock

    days = ("closed_on", "plan_ended", "ever_6_until")
    _replace(
        Clock,
        (
            Clock(child_id=keys[row["child_id"]], **{day: row[day] for day in days})
            for row in retention.clock_days(opened).to_pylist()
            if row["known"]
        ),
    )


def _children(opened: Opened) -> dict[str, int]:
    """The key of each child of the snapshot by its child id; children no longer held are marked so and kept."""
    wanted = {str(child) for (child,) in opened.database.rows(KNOWN)}
    known = set(Child.objects.values_list("child_id", flat=True))
    Child.objects.bulk_create([Child(child_id=child) for child in sorted(wanted - known)], batch_size=_BATCH)
    gone = known - wanted
    keys: dict[str, int] = {}
    changed: list[Child] = []
    for child in Child.objects.iterator(chunk_size=_BATCH):
        held = child.child_id not in gone
        if child.held != held:
            child.held = held
            changed.append(child)
        if held:
            keys[child.child_id] = child.pk
    Child.objects.bulk_update(changed, ["held"], batch_size=500)
    return keys


def _replace(model: type[Row], rows: Any) -> None:
    manager: Any = model
    manager.objects.all().delete()
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            manager.objects.bulk_create(batch)
            batch = []
    manager.objects.bulk_create(batch)

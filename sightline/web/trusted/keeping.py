"""Naming a child's trusted adult, ending it, and who may read which."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone

from sightline.vocabulary.errors import BadSetting
from sightline.web import audit
from sightline.web.authz.access import Access, current
from sightline.web.people.models import Child, Enrolment
from sightline.web.trusted.models import TrustedAdult

Whose = TrustedAdult.Whose


@dataclass(frozen=True, slots=True)
class Held:
    """What one person may read of one child's trusted adults: those who hold now, for the child and for the parent
    (none: not recorded), and every one before, latest first."""

    now: tuple[tuple[str, tuple[TrustedAdult, ...]], ...]
    before: tuple[TrustedAdult, ...]


def schools_of(child: Child, access: Access, on: date) -> list[str]:
    """The schools on whose roll the child is on a day, as far as this person reads schools."""
    urns = Enrolment.objects.filter(current(on), child=child).order_by("urn").values_list("urn", flat=True)
    return [urn for urn in dict.fromkeys(urns) if access.schools is None or urn in access.schools]


def held_of(child: Child, access: Access, on: date) -> Held:
    """The child's trusted adults. An adult named at a school holds while the child is on its roll; a school reads those
    named at the school, and nothing of another's."""
    rows = TrustedAdult.objects.filter(child=child).order_by("-start_date", "-pk")
    if access.schools is not None:
        rows = rows.filter(urn__in=access.schools)
    on_roll = Enrolment.objects.filter(current(on), child=child, urn=OuterRef("urn"))
    every = list(rows.annotate(on_roll=Exists(on_roll)))
    held = [r for r in every if r.end_date is None and (not r.urn or r.on_roll)]
    now = tuple((str(label), tuple(r for r in held if r.whose == key)) for key, label in Whose.choices)
    return Held(now, tuple(r for r in every if r not in held))


def name(
    child: Child, *, whose: str, called: str, role: str, urn: str, by: Any, request: HttpRequest | None = None
) -> TrustedAdult:
    """Name the trusted adult from today at one school; whoever was named there before is not from today.

    The change log says that it changed and whose it is, never who: names leave with the child's record, and logs do
    not. Raises BadSetting without a name, or for somebody a trusted adult cannot be of.
    """
    if whose not in Whose.values:
        raise BadSetting("A trusted adult is the child’s or the parent’s.")
    if not called.strip():
        raise BadSetting("Enter the adult’s name.")
    today = timezone.localdate()
    with transaction.atomic():
        # One at a time for a child: two who press the button at once would each find nobody named.
        Child.objects.select_for_update().get(pk=child.pk)
        before = TrustedAdult.objects.filter(child=child, whose=whose, urn=urn, end_date__isnull=True).first()
        if before is not None:
            before.end_date, before.ended_by = today, by.get_username()
            before.save(update_fields=["end_date", "ended_by"])
        made = TrustedAdult.objects.create(
            child=child, whose=whose, name=called.strip(), role=role.strip(), urn=urn, start_date=today,
            made_by=by.get_username(),
        )  # fmt: skip
        audit.changed(
            request, "trusted adult named", f"trusted adult {made.pk}",
            before={"in place of": f"trusted adult {before.pk}" if before is not None else None},
            after={"whose": whose, "urn": urn, "start_date": today}, purpose="Kept up to date", user=by,
            child_ids=[child.child_id],
        )  # fmt: skip
    return made


def end(row: TrustedAdult, *, by: Any, request: HttpRequest | None = None) -> None:
    """From today this adult is no longer the trusted adult. Raises BadSetting where that is so already."""
    if row.end_date is not None:
        raise BadSetting("This adult is no longer the trusted adult already.")
    today = timezone.localdate()
    with transaction.atomic():
        row.end_date, row.ended_by = today, by.get_username()
        row.save(update_fields=["end_date", "ended_by"])
        audit.changed(
            request, "trusted adult ended", f"trusted adult {row.pk}", before={"end_date": None},
            after={"end_date": today}, purpose="Kept up to date", user=by, child_ids=[row.child.child_id],
        )  # fmt: skip


def recorded(child_ids: Iterable[str], whose: str) -> set[tuple[str, str]]:
    """Of these children (by Sightline's id), for whom an adult is named today, and at which school ("" for none)."""
    rows = TrustedAdult.objects.filter(whose=whose, end_date__isnull=True).values_list("child__child_id", "urn")
    wanted = set(child_ids)
    return {(child, urn) for child, urn in rows if child in wanted}
